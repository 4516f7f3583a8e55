"""Each fault draws for itself: what another one does moves none of its draws."""

from __future__ import annotations

import pytest

from tests.venue_sims.faults.helpers import Faults, faulty, reports
from tests.venue_sims.wire import CENT, Wire
from venue_sims.faults.facts import FaultStruck

ORDERS = 30


def day(faults: Faults) -> Wire:
    """Orders that trade at once, and orders that are cancelled."""
    wire = faulty(faults)
    for number in range(ORDERS):
        wire.send("D", f"T{number}", {44: "60.00", 59: "3", 38: 10})
        wire.send("D", f"R{number}", {44: "40.00"})
        wire.settle(0.2)
        wire.send("F", f"X{number}", {41: f"R{number}"})
        wire.settle(0.2)
    wire.settle(10)
    return wire


def met(wire: Wire, fault: str) -> set[str]:
    """The orders that a fault happened to."""
    state, codec = wire.desk.venue.state, {}
    for order in state.orders.values():
        codec[order.order_id] = order.terms.cl_ord_id
    found = set()
    for fact in wire.desk.facts:
        if isinstance(fact, FaultStruck) and fact.fault == fault:
            found.add(codec.get(fact.what, fact.what))
    return found


@pytest.mark.parametrize(
    ("other", "settings"),
    [
        ("no_ack", {"p": 0.3}),
        ("unsol_cancel", {"p": 0.5, "ms": 50}),
        ("bust", {"p": 0.5, "delay_s": 0.01}),
        ("correct", {"p": 0.5, "delay_s": 0.01}),
        ("dup_er", {"p": 0.5, "n": 2}),
    ],
)
def test_an_order_is_refused_whatever_else_goes_wrong(
    other: str, settings: dict[str, object]
) -> None:
    storm = {"p": 0.4}
    alone = met(day({"reject_storm": storm}), "reject_storm")
    beside = day({"reject_storm": storm, other: settings})
    swallowed = met(beside, "no_ack")
    assert 0 < len(alone) < 2 * ORDERS
    assert met(beside, "reject_storm") == alone - swallowed
    assert met(beside, other), "it happened at all"


def test_a_late_fill_comes_whatever_else_goes_wrong() -> None:
    late: Faults = {"late_fill": {"p": 0.5, "after_cxl_ms": 10}}
    alone = met(day(late), "late_fill")
    beside = met(day({**late, "bust": {"p": 0.5, "delay_s": 0.01}}), "late_fill")
    assert 0 < len(alone) < ORDERS
    assert beside == alone


def test_orders_that_come_together_do_not_share_a_draw() -> None:
    wire = faulty({"no_ack": {"p": 0.5}})
    for number in range(40):
        wire.send("D", f"C{number}", {44: "40.00"})
    told = {report[11] for report in reports(wire.settle())}
    assert 5 < len(told) < 35


def test_a_mass_cancel_may_be_followed_by_late_fills_too() -> None:
    wire = faulty({"late_fill": {"after_cxl_ms": 100}})
    wire.order("C1", wire.bid - CENT)
    wire.order("C2", wire.bid - 2 * CENT)
    wire.send_exactly("q", {11: "M1", 530: "7"})
    told = wire.settle()
    fills = {each[11]: each for each in reports(told) if each[150] == "F"}
    assert {name: (fill[39], fill[14]) for name, fill in fills.items()} == {
        "C1": ("4", "100"),
        "C2": ("4", "100"),
    }
