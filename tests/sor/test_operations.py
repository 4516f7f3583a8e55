"""Kill switch, stop and restart."""

from __future__ import annotations

from sor_gateway.sor import events as ev
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ParentState, Reason, ReportKind

from .script import SECOND, Script, dark, settings

DARK_ONLY = StrategySettings("dark", use_lit=False, dark_box_ns=600 * SECOND)


def resting() -> Script:
    made = Script(settings(dark(), strategy=DARK_ONLY))
    made.submit()
    made.accept(made.sends()[0].child_id)
    return made


class TestKillSwitch:
    """On: all children pulled, all parents ended as if by the operator."""

    def test_children_first_then_an_unsolicited_canceled(self) -> None:
        made = resting()
        out = made.step(ev.KillSwitched(made.now, True, "drill"))
        assert made.alarms(out) == ["kill-switch"]
        assert len(made.cancels(out)) == 1
        assert not made.reports(out)
        (report,) = made.reports(made.end(made.sends()[0].child_id))
        assert (report.kind, report.reason) == (ReportKind.CANCELED, Reason.KILL_SWITCH)
        assert (report.cl_ord_id, report.orig_cl_ord_id) == ("A1", "")
        assert "drill" in report.text

    def test_released_it_takes_new_orders_and_revives_none(self) -> None:
        made = resting()
        made.step(ev.KillSwitched(made.now, True, "drill"))
        made.step(ev.KillSwitched(made.now, False, "over"))
        made.end(made.sends()[0].child_id)
        assert made.kinds()[-1] == "canceled"
        made.submit("B1")
        assert made.kinds()[-1] == "new"
        assert len(made.sends()) == 2

    def test_a_pending_replace_is_refused_first(self) -> None:
        made = resting()
        made.replace(quantity=2_000)
        made.step(ev.KillSwitched(made.now, True, "drill"))
        out = made.end(made.sends()[0].child_id)
        assert made.kinds(out) == ["replace-refused", "canceled"]

    def test_a_pending_cancel_is_answered_as_such(self) -> None:
        made = resting()
        made.cancel()
        made.step(ev.KillSwitched(made.now, True, "drill"))
        (report,) = made.reports(made.end(made.sends()[0].child_id))
        assert (report.cl_ord_id, report.orig_cl_ord_id) == ("A2", "A1")


class TestStop:
    """The process winds down: children pulled, parents stay."""

    def test_children_are_pulled_and_none_leave(self) -> None:
        made = resting()
        out = made.step(ev.FlowStopped(made.now, "stop"))
        assert len(made.cancels(out)) == 1
        made.end(made.sends()[0].child_id)
        assert len(made.sends()) == 1
        assert made.router.open_children() == 0
        (parent,) = made.router.state.parents.values()
        assert parent.state is ParentState.WORKING

    def test_after_the_restart_the_parent_goes_on(self) -> None:
        made = resting()
        made.step(ev.FlowStopped(made.now, "stop"))
        made.end(made.sends()[0].child_id)
        made.apply(ev.Restarted(made.now, "boot"))
        made.apply(ev.IdsReserved(made.now, 2_000_000))
        made.settle()
        assert len(made.sends()) == 1, "its venue is closed"
        out = made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert [send.quantity for send in made.sends(out)] == [1_000]


class TestRestart:
    """Ids skip to a fresh block, venues are closed, open parents are due."""

    def test_ids_skip_to_the_reserve(self) -> None:
        made = resting()
        made.apply(ev.Restarted(made.now, "boot"))
        assert made.router.ids_left() == 0
        made.apply(ev.IdsReserved(made.now, 1_000_500))
        assert made.router.ids_left() == 500
        assert made.router.next_parent_id() == "P001000001"

    def test_without_ids_nothing_is_decided_and_all_stays_due(self) -> None:
        made = resting()
        made.apply(ev.Restarted(made.now, "boot"))
        assert made.decide() == []
        assert made.router.next_deadline() == 0

    def test_a_suspect_tail_sends_nothing_until_the_operator_says_so(self) -> None:
        """recovery.md 1.5."""
        made = resting()
        made.apply(ev.Restarted(made.now, "boot", tail_suspect=True))
        made.apply(ev.IdsReserved(made.now, 2_000_000))
        made.settle()
        assert "journal-tail-suspect" in made.alarms()
        made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert made.asks()
        made.answer(made.sends()[0].child_id)
        made.submit("B1")
        assert len(made.sends()) == 1
        assert made.kinds()[-1] == "new", "taken, and held"
        made.step(ev.KillSwitched(made.now, False, "reconciled"))
        assert len(made.sends()) == 2
