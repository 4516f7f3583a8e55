"""A fold that fails: the start that only cancels, and what the mended program makes of it
(recovery.md 1.7)."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.cancel_only import WHY
from sor_gateway.daemon.recovery import SnapshotError, fact_codec
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.journal.memory import MemorySegment
from sor_gateway.journal.record import Record
from sor_gateway.sor.decisions import ParentAccepted
from sor_gateway.sor.events import KillSwitched
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import LINES, MILLISECOND, Table

ROOT = Path(__file__).parents[2]
VENUES = ("dark-a", "exchange", "exchange-md")


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


class Broken(Table):
    """A desk whose program cannot fold its journal until it is mended."""

    def break_fold(self) -> None:
        """A record that no fold survives: an order is accepted that never came."""
        fact = fact_codec().encode(ParentAccepted(self.now, "P999999999999", 0, 0))
        turn = self.engine.turn_number + 1
        self.journal.append(Record(turn, self.now, [], [fact]))
        self.bad = self.segment.frames[-1]
        self.crash()

    def mend(self) -> None:
        """The next program folds that, too: here, by not seeing it."""
        self.segment.frames.remove(self.bad)
        self.crash()

    @property
    def segment(self) -> MemorySegment:
        return self.storage.segments[max(self.storage.segments)]

    def is_cancel_only(self) -> bool:
        return self.engine.router.state.stopped == WHY


@pytest.fixture
def table(loaded: Configuration) -> Broken:
    return Broken(deepcopy(loaded))


class TestCancelOnly:
    def test_what_may_live_is_asked_about_and_pulled(self, table: Broken) -> None:
        child = table.rest()
        table.break_fold()
        assert table.is_cancel_only()
        (told,) = [fields for event, fields in table.log if event == "fold-failed"]
        assert "KeyError: 'P999999999999'" in str(told["error"])
        table.connect(*VENUES)
        table.run(100, 20 * MILLISECOND)
        assert [kind for kind, _ in table.dark.received][-2:] == ["H", "F"]
        assert not table.dark.orders[child.child_id].live
        assert len(table.dark.orders) == 1
        assert not table.lit.orders
        assert table.engine.router.open_children() == 0

    def test_nobody_is_taken_for_dead(self, table: Broken) -> None:
        """That its day is over pulls nothing that a venue has all the same."""
        client = table.engine.links["EMS"]
        assert isinstance(client, ClientLink)
        client.day_end_ns = lambda now: now + SECOND
        child = table.rest()
        table.break_fold()
        for _ in range(3):
            table.now += 400 * SECOND
            table.turn()
        table.connect(*VENUES)
        table.run(100, 20 * MILLISECOND)
        assert [kind for kind, _ in table.dark.received][-2:] == ["H", "F"]
        assert not table.dark.orders[child.child_id].live

    def test_the_mended_program_tells_what_was_executed_meanwhile_and_goes_on(
        self, table: Broken
    ) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 100, table.now)
        table.run(5)
        assert table.told() == 100
        table.break_fold()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.connect(*VENUES)
        table.run(100, 20 * MILLISECOND)
        assert table.told() == 100, "no client gets in"
        table.mend()
        assert not table.is_cancel_only()
        assert table.child.cum_quantity == 400
        assert table.child.state == "canceled"
        table.assert_fold_is_live()
        table.connect(*LINES)
        table.run(30)
        assert table.told() == 400
        table.end_well()
        assert table.told() == 1_000

    def test_a_child_that_never_left_is_freed_by_the_answer_to_h(self, table: Broken) -> None:
        child = table.unsent()
        table.break_fold()
        table.connect(*VENUES)
        table.run(100, 20 * MILLISECOND)
        assert table.engine.router.open_children() == 0
        assert ("H", child.child_id) in table.dark.received
        table.mend()
        table.end_well()
        assert table.told() == 1_000

    @pytest.mark.parametrize("rolls", [False, True])
    def test_children_that_are_over_are_left_alone(self, table: Broken, rolls: bool) -> None:
        done = table.rest()
        table.dark.execute(table.venue, done.child_id, done.quantity, table.now)
        table.run(5)
        if rolls:
            table.engine._roll()
        table.order("A2")
        table.run(5)
        live = [each.child_id for each in table.children() if each.flight is not None]
        assert live
        before = len(table.dark.received)
        table.break_fold()
        table.connect(*VENUES)
        table.run(100, 20 * MILLISECOND)
        asked = {child_id for kind, child_id in table.dark.received[before:] if kind == "H"}
        assert asked == set(live)
        assert not any(order.live for order in table.dark.orders.values())
        table.mend()
        table.end_well()

    def test_it_outlives_a_crash_and_rolls_no_snapshot(self, loaded: Configuration) -> None:
        table = Broken(deepcopy(loaded), segment_messages=40)
        table.rest()
        table.break_fold()
        snapshots = dict(table.storage.snapshots)
        for _ in range(3):
            table.connect(*VENUES)
            table.run(30, 20 * MILLISECOND)
            table.crash()
            assert table.is_cancel_only()
        assert table.storage.snapshots == snapshots
        table.mend()
        table.end_well()
        assert table.told() == 1_000

    def test_the_kill_switch_holds_over_the_mend(self, table: Broken) -> None:
        table.rest()
        table.break_fold()
        table.engine.operate(KillSwitched(table.now, True, "enough"))
        table.turn()
        table.mend()
        assert table.engine.router.state.killed == "enough"
        table.end_well()
        assert table.parent.state == "canceled"

    def test_a_snapshot_of_another_version_is_still_refused(self, table: Broken) -> None:
        table.rest()
        table.engine._roll()
        number = max(table.storage.snapshots)
        table.storage.snapshots[number] = b"\x91\x01"
        with pytest.raises(SnapshotError):
            table.crash()
