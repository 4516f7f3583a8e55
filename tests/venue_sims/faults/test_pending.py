"""What is pending is held to the rules that everything else is held to."""

from __future__ import annotations

import pytest

from tests.venue_sims.faults.helpers import assert_fold_is_memory, faulty
from tests.venue_sims.test_order_kinds import conditional
from tests.venue_sims.wire import CENT, Wire, said, still
from venue_sims.commands import StatusReceived
from venue_sims.fault_config import fault_settings
from venue_sims.faults.facts import Lost, MemoryLost, Reset
from venue_sims.faults.forget import forget


@pytest.mark.parametrize("ms", [0, 3_000])
def test_the_id_of_a_pending_cancel_is_used(ms: int) -> None:
    wire = faulty({"stuck_pending": {"kind": "cancel", "ms": ms, "count": 1}})
    wire.order("C1", wire.bid - CENT)
    wire.send("F", "X1", {41: "C1"})
    assert said(wire.settle(), 150) == [("6",)]
    wire.send("F", "X1", {41: "C1"})
    assert said(wire.settle(), 35, 102) == [("9", "6")]
    assert said(wire.settle(5), 150, 11, 41) == ([("4", "X1", "C1")] if ms else [])
    wire.send("F", "X1", {41: "C1"})
    assert said(wire.settle(), 35, 102) == [("9", "6")], "and afterwards too"
    assert_fold_is_memory(wire)


def test_a_pending_market_order_is_held_to_the_bands_it_comes_into() -> None:
    wire = faulty({"stuck_pending": {"kind": "new", "ms": 3_000}})
    wire.order("M1", fields={40: "1", 38: 1_000_000})
    wire.order("L1", wire.ask + 5 * CENT)
    wire.desk.venue.limit("ACME", wire.bid - CENT, wire.ask, wire.desk.now)
    told = wire.settle(3)
    fills = [each for each in told if each[150] == "F"]
    assert fills
    assert {each[31] for each in fills if each[11] == "M1"} <= {fills[0][31]}
    assert [each[150] for each in told if each[11] == "M1"][-1] == "4"
    assert said([each for each in told if each[11] == "L1"], 150, 39) == [("4", "4")]


def test_a_firm_order_that_is_pending_has_answered_its_invitation() -> None:
    file = still("dark-a")
    file.faults = {"stuck_pending": fault_settings("stuck_pending", {"kind": "new", "skip": 2})}
    wire = Wire(file)
    invitation = conditional(wire)
    (pending,) = wire.order("F1", wire.ask, {38: 5_000, 9703: invitation[9703]})
    assert pending[150] == "A"
    (again,) = wire.order("F2", wire.ask, {38: 5_000, 9703: invitation[9703]})
    assert said([again], 150, 39) == [("8", "8")], "one invitation, one answer"
    assert_fold_is_memory(wire)


def test_a_request_that_is_lost_with_what_came_in_is_not_pending_any_more() -> None:
    wire = faulty({"stuck_pending": {"kind": "cancel", "ms": 60_000}})
    wire.order("C1", wire.bid - CENT)
    wire.send("F", "X1", {41: "C1"})
    wire.settle()
    state = wire.desk.venue.state
    forget(state, {}, MemoryLost(wire.desk.now, 0, Lost.INBOUND, Reset.NONE))
    wire.desk.send(StatusReceived("SOR-FIX.4.4", wire.desk.now, "C1"))
    assert said(wire.settle(), 39) == [("0",)]
