"""A client's cancel with a child in doubt: pending, alarmed, and refused after a time where that is
set; Canceled is never said (recovery.md 3.9)."""

from __future__ import annotations

from sor_gateway.sor import events as ev
from sor_gateway.sor.outages import OrdersReleased
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ChildState, ParentState, Reason

from .script import SECOND, Script, dark, settings

DARK_ONLY = StrategySettings("dark", use_lit=False, dark_box_ns=3_600 * SECOND)
PATIENCE = 60 * SECOND


def stuck(patience_ns: int = PATIENCE) -> tuple[Script, str]:
    """An order of 1,000 with a child at a venue that is gone, and a cancel that waits for it."""
    made = Script(settings(dark(), strategy=DARK_ONLY, cancel_gives_up_ns=patience_ns))
    made.submit()
    child_id = made.sends()[0].child_id
    made.accept(child_id)
    made.step(ev.ChildrenDoubted(made.now, "dark-a", "gap", notes_stand=True))
    made.cancel()
    return made, child_id


def parent_state(made: Script) -> ParentState:
    (parent,) = made.router.state.parents.values()
    return parent.state


class TestCancelGivenUp:
    def test_never_unless_it_is_set(self) -> None:
        made, _ = stuck(0)
        made.wait(3_600 * SECOND)
        assert parent_state(made) is ParentState.PENDING_CANCEL
        assert "request-overdue" in made.alarms()

    def test_it_is_refused_after_its_time(self) -> None:
        made, child_id = stuck()
        made.wait(PATIENCE - 1)
        assert parent_state(made) is ParentState.PENDING_CANCEL
        out = made.wait(1)
        refusal, rests = made.reports(out)
        assert (refusal.kind.value, refusal.reason) == ("cancel-refused", Reason.OTHER)
        assert (refusal.cl_ord_id, refusal.orig_cl_ord_id) == ("A2", "A1")
        assert child_id in refusal.text
        assert (rests.kind.value, rests.suspended, rests.cl_ord_id) == ("suspended", True, "A1")
        assert "cancel-given-up" in made.alarms(out)
        made.fold()

    def test_what_is_in_doubt_stays_so_and_counts(self) -> None:
        made, child_id = stuck()
        made.wait(PATIENCE)
        (parent,) = made.router.state.parents.values()
        flight = made.router.state.children[child_id].flight
        assert flight is not None
        assert flight.doubt is not None
        assert (parent.state, parent.exposure, parent.request) == (ParentState.WORKING, 1_000, None)

    def test_nothing_new_is_sent_when_the_doubt_ends(self) -> None:
        made, child_id = stuck()
        made.wait(PATIENCE)
        out = made.end(child_id)
        assert not made.sends(out)
        assert parent_state(made) is ParentState.WORKING

    def test_the_client_may_cancel_again(self) -> None:
        made, child_id = stuck()
        made.wait(PATIENCE)
        out = made.cancel("A3", "A1")
        assert made.kinds(out) == ["pending-cancel"]
        made.end(child_id)
        assert made.kinds()[-1] == "canceled"

    def test_and_is_refused_again(self) -> None:
        made, _ = stuck()
        made.wait(PATIENCE)
        made.cancel("A3", "A1")
        assert made.kinds(made.wait(PATIENCE)) == ["cancel-refused", "suspended"]

    def test_an_operator_may_let_it_go_on(self) -> None:
        made, child_id = stuck()
        made.wait(PATIENCE)
        made.end(child_id)
        out = made.step(OrdersReleased(made.now, "EMS", "the desk agrees"))
        assert len(made.sends(out)) == 1

    def test_a_cancel_under_way_at_the_venue_is_waited_for(self) -> None:
        made = Script(settings(dark(), strategy=DARK_ONLY, cancel_gives_up_ns=SECOND))
        made.submit()
        made.accept(made.sends()[0].child_id)
        made.cancel()
        assert not made.kinds(made.wait(2 * SECOND - 1))

    def test_an_order_that_we_end_ourselves_is_not_kept(self) -> None:
        made, child_id = stuck()
        made.step(ev.KillSwitched(made.now, True, "drill"))
        made.wait(PATIENCE)
        made.end(child_id, ChildState.CANCELED)
        assert "cancel-refused" not in made.kinds()
        assert made.kinds()[-1] == "canceled"
