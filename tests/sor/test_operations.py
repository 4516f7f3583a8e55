"""Kill switch, stop and restart."""

from __future__ import annotations

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Output
from sor_gateway.sor.outages import OrdersReleased, OutageEnded
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


AWAY = 600 * SECOND


def outage(made: Script, *, suspend: bool) -> list[Output]:
    """The process comes up again after ten minutes, and its venue with it."""
    made.now += AWAY
    made.apply(ev.Restarted(made.now, "boot"))
    made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
    out = made.step(OutageEnded(made.now, "EMS", AWAY, suspend))
    return out + made.step(ev.VenueOpened(made.now, "dark-a", 1))


class TestOutage:
    """recovery.md 4.4: after a long outage no burst to catch up, and rest where it is asked for."""

    def test_orders_that_are_to_rest_are_pulled_and_say_so(self) -> None:
        made = resting()
        out = outage(made, suspend=True)
        (report,) = made.reports(out)
        assert (report.kind, report.suspended) == (ReportKind.SUSPENDED, True)
        assert report.text == "suspended: the gateway was away for 600 s"
        assert made.alarms(out) == ["orders-suspended"]
        assert len(made.cancels(out)) == 1
        made.end(made.sends()[0].child_id)
        made.wait(AWAY)
        assert len(made.sends()) == 1, "nothing leaves while it rests"
        (parent,) = made.router.state.parents.values()
        assert parent.state is ParentState.WORKING
        assert made.router.state == made.fold().state

    def test_a_fill_of_a_resting_order_is_booked_and_the_order_rests_on(self) -> None:
        made = resting()
        outage(made, suspend=True)
        (report,) = made.reports(made.fill(made.sends()[0].child_id, 400))
        assert (report.kind, report.suspended, report.cum_quantity) == (ReportKind.FILL, True, 400)

    def test_released_it_goes_on_with_what_is_left(self) -> None:
        made = resting()
        outage(made, suspend=True)
        made.fill(made.sends()[0].child_id, 400)
        made.end(made.sends()[0].child_id)
        out = made.step(OrdersReleased(made.now, "EMS", "the desk agrees"))
        (report,) = made.reports(out)
        assert (report.kind, report.suspended) == (ReportKind.RELEASED, False)
        assert report.text == "released: the desk agrees"
        assert [send.quantity for send in made.sends(out)] == [600]
        assert not made.reports(made.step(OrdersReleased(made.now, "EMS", "again")))

    def test_another_client_releases_nothing(self) -> None:
        made = resting()
        outage(made, suspend=True)
        made.end(made.sends()[0].child_id)
        assert not made.reports(made.step(OrdersReleased(made.now, "EMS42", "not mine")))
        assert len(made.sends()) == 1

    def test_a_client_may_cancel_or_change_what_rests(self) -> None:
        made = resting()
        outage(made, suspend=True)
        made.end(made.sends()[0].child_id)
        made.replace(quantity=2_000)
        assert made.kinds()[-1] == "replaced"
        assert made.reports()[-1].suspended, "new terms wake nobody"
        assert len(made.sends()) == 1
        made.cancel("A3", "A2")
        assert made.kinds()[-1] == "canceled"

    def test_orders_that_go_on_catch_nothing_up(self) -> None:
        """What the venue was given keeps the time that it had left; patience stands still."""
        made = resting()
        pull_at = made.router.state.children[made.sends()[0].child_id].flight
        assert pull_at is not None
        before = pull_at.pull_at_ns
        out = outage(made, suspend=False)
        assert not made.cancels(out)
        assert not made.reports(out)
        child = made.router.state.children[made.sends()[0].child_id]
        assert child.flight is not None
        assert child.flight.pull_at_ns == before + AWAY
        assert made.router.state == made.fold().state

    def test_a_pending_cancel_goes_on(self) -> None:
        made = resting()
        made.cancel()
        out = outage(made, suspend=True)
        assert not made.reports(out)
        assert made.kinds(made.end(made.sends()[0].child_id)) == ["canceled"]
