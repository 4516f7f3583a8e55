"""The kill switch while nothing can be written, not even in the reserve (recovery.md 1.8)."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.fix.store import covers
from sor_gateway.sor.events import KillSwitched
from sor_gateway.sor.orders import Child
from tests.daemon.test_recovery_rules import LINES, MILLISECOND, Table

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


@pytest.fixture
def table(loaded: Configuration) -> Table:
    return Table(deepcopy(loaded))


def stalled(table: Table, *, reserve: bool = False) -> Child:
    """A child rests, and the turn that plans another one cannot be written."""
    child = table.rest()
    table.storage.full, table.storage.reserve_held = True, reserve
    table.order("A2")
    table.run(2)
    return child


def kill(table: Table) -> None:
    table.engine.operate(KillSwitched(table.now, True, "enough"))
    table.run(10)


def under_k(table: Table) -> list[str]:
    """ClOrdIDs of unrecorded cancels that came to the dark venue."""
    return [one for kind, one in table.dark.received if kind == "F" and one.startswith("K")]


class TestLastResort:
    def test_nothing_leaves_before_the_operator_says_so(self, table: Table) -> None:
        stalled(table)
        table.run(20, 100 * MILLISECOND)
        assert table.is_stalled()
        assert under_k(table) == []

    def test_with_the_reserve_cancels_are_recorded_like_any_other(self, table: Table) -> None:
        child = stalled(table, reserve=True)
        kill(table)
        table.run(20, 100 * MILLISECOND)
        assert not table.is_stalled()
        assert under_k(table) == []
        assert not table.dark.orders[child.child_id].live

    def test_cancels_leave_and_what_stalled_does_not(self, table: Table) -> None:
        child = stalled(table)
        records = len(list(table.journal.records()))
        kill(table)
        table.run(20, 100 * MILLISECOND)
        assert table.is_stalled()
        assert under_k(table) == [f"K{child.child_id[1:]}"], "once a stall"
        assert not table.dark.orders[child.child_id].live
        assert list(table.dark.orders) == [child.child_id], "the order of A2 never left"
        assert len(list(table.journal.records())) == records

    def test_once_the_journal_writes_it_has_all_of_it_and_status_reconciles(
        self, table: Table
    ) -> None:
        child = stalled(table)
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        kill(table)
        unsent = [each for each in table.children() if each.child_id not in table.dark.orders]
        assert unsent, "a child was planned in the turn that stalled"
        table.storage.full = False
        table.run(100, 20 * MILLISECOND)
        assert not table.is_stalled()
        assert under_k(table)[0].encode() in b"".join(table.sent("dark-a", "F"))
        assert ("H", child.child_id) in table.dark.received or child.state == "canceled"
        assert table.engine.router.open_children() == 0
        assert {str(parent.state) for parent in table.parents()} == {"canceled"}
        assert table.told() == 300
        assert all(each.voided for each in unsent)
        table.assert_fold_is_live()

    def test_what_never_left_never_does(self, table: Table) -> None:
        stalled(table)
        numbers = table.engine.links["dark-a"].session.numbers
        kill(table)
        table.storage.full = False
        table.run(50, 20 * MILLISECOND)
        (begin, end) = numbers.voided[-1]
        table.venue.session.ask_again(begin, table.now)  # within the ten seconds of 3.2
        table.run(50, 20 * MILLISECOND)
        assert covers(numbers.voided, end)
        assert len(table.dark.orders) == 1
        table.assert_fold_is_live()

    def test_a_crash_before_it_is_recorded_is_a_reset_with_everything_in_doubt(
        self, loaded: Configuration
    ) -> None:
        configuration = deepcopy(loaded)
        for venue in configuration.venues:
            venue.orders.on_low_number = "reset"
        table = Table(configuration)
        child = stalled(table)
        kill(table)
        table.storage.full = False
        table.crash()
        table.connect(*LINES)
        table.run(10)
        table.connect(*LINES)  # the venue hung up: our number is too low for it
        table.run(100, 20 * MILLISECOND)
        assert table.engine.links["dark-a"].session.numbers.epoch == 2
        assert ("H", child.child_id) in table.dark.received
        assert not table.dark.orders[child.child_id].live
        table.end_well()
        assert table.told() == 2_000
