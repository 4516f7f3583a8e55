"""The end of the trading day (recovery.md 3.5): who is open is asked about first, and who stays
without an end is taken for dead."""

from __future__ import annotations

from typing import Any

from sor_gateway.sor import events as ev
from sor_gateway.sor.settings import MassStatus, StrategySettings
from sor_gateway.sor.types import ChildState, ParentState, TimeInForce

from .script import SECOND, START, Script, dark, lit, settings

DARK_ONLY = StrategySettings("dark", use_lit=False, dark_box_ns=36_000 * SECOND)
CLOSE = START + 600 * SECOND
RECONCILE = 300 * SECOND


def desk(count: int = 1, **changes: Any) -> Script:
    """So many Day orders, each with a child that rests, until the close."""
    made = Script(settings(dark(**changes), strategy=DARK_ONLY))
    for number in range(count):
        made.submit(f"A{number}", quantity=100, expires_ns=CLOSE)
    for send in made.sends():
        made.accept(send.child_id)
    return made


def to_the_close(made: Script) -> list[Any]:
    return list(made.wait(CLOSE - made.now))


def state_of(made: Script, child_id: str) -> ChildState:
    return made.router.state.children[child_id].state


class TestWhoIsOpen:
    def test_is_asked_about_before_anything_is_done(self) -> None:
        made = desk()
        out = to_the_close(made)
        assert len(made.asks(out)) == 1
        assert not made.cancels(out)

    def test_is_pulled_when_the_venue_says_that_it_lives(self) -> None:
        made = desk()
        to_the_close(made)
        child_id = made.sends()[0].child_id
        assert [each.child_id for each in made.cancels(made.answer(child_id))] == [child_id]
        made.end(child_id)
        assert made.kinds()[-1] == "expired"

    def test_is_over_when_the_venue_says_so(self) -> None:
        made = desk()
        to_the_close(made)
        made.end(made.sends()[0].child_id, ChildState.EXPIRED)
        assert made.kinds()[-1] == "expired"
        assert not made.router.state.open_parents

    def test_with_all_others_at_once_where_that_pays(self) -> None:
        made = desk(5, mass_status=MassStatus.OPEN)
        out = to_the_close(made)
        assert (len(made.asks_all(out)), len(made.asks(out))) == (1, 0)

    def test_whatever_its_order_is(self) -> None:
        """One whose order is over long ago, and that never ended."""
        made = Script(settings(lit(), strategy=StrategySettings("lit", use_dark=False)))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=500, time_in_force=TimeInForce.IOC, day_ends_ns=CLOSE)
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        made.step(ev.VenueClosed(made.now, "ecn", "cut"))
        made.wait(CLOSE + RECONCILE - made.now)
        assert state_of(made, child_id) is ChildState.EXPIRED
        assert made.kinds()[-1] == "expired", "Canceled is for what was proved"
        made.fold()


class TestWithoutAWord:
    def test_it_is_taken_for_dead_after_the_time_for_that(self) -> None:
        made = desk()
        to_the_close(made)
        child_id = made.sends()[0].child_id
        made.wait(RECONCILE - 1)
        assert state_of(made, child_id) is ChildState.LIVE
        out = made.wait(1)
        assert "child-assumed-dead" in made.alarms(out)
        assert state_of(made, child_id) is ChildState.EXPIRED
        assert made.kinds(out) == ["expired"]
        made.fold()

    def test_a_session_that_is_down_holds_nothing_up(self) -> None:
        made = desk()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.wait(CLOSE + RECONCILE - made.now)
        assert made.kinds()[-1] == "expired"
        assert not made.asks()

    def test_nor_does_a_restart(self) -> None:
        made = desk()
        made.apply(ev.Restarted(made.now, "boot"))
        made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
        made.wait(CLOSE + RECONCILE - made.now)
        assert made.kinds()[-1] == "expired"

    def test_a_gateway_that_was_away_over_the_close_asks_before_that(self) -> None:
        """The venue has the order's last reports ready, and needs a second to be there."""
        made = desk()
        made.apply(ev.Restarted(made.now, "boot"))
        made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
        made.now = CLOSE + 2 * RECONCILE
        made.settle()
        child_id = made.sends()[0].child_id
        assert state_of(made, child_id) is ChildState.LIVE
        out = made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert [each.child_id for each in made.asks(out)] == [child_id]
        made.wait(RECONCILE - 1)
        assert state_of(made, child_id) is ChildState.LIVE
        made.wait(1)
        assert (state_of(made, child_id), made.kinds()[-1]) == (ChildState.EXPIRED, "expired")
        made.fold()

    def test_what_fills_all_the_same_is_booked_and_alarmed(self) -> None:
        made = desk()
        made.wait(CLOSE + RECONCILE - made.now)
        out = made.fill(made.sends()[0].child_id, 60)
        assert "late-fill" in made.alarms(out)
        (report,) = made.reports(out)
        assert (report.last_quantity, report.state) == (60, ParentState.EXPIRED)

    def test_and_what_a_late_end_tells(self) -> None:
        made = desk()
        made.wait(CLOSE + RECONCILE - made.now)
        out = made.end(made.sends()[0].child_id, ChildState.EXPIRED, cum=30)
        assert [report.last_quantity for report in made.reports(out)] == [30]
        assert {"late-fill", "unreported-fill"} <= set(made.alarms(out))

    def test_a_cancel_that_waits_for_it_ends_in_a_refusal_and_expired(self) -> None:
        made = desk()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.cancel("A9", "A0")
        out = made.wait(CLOSE + RECONCILE - made.now)
        assert made.kinds(out) == ["cancel-refused", "expired"]

    def test_a_market_that_never_closes_assumes_nothing(self) -> None:
        made = Script(settings(dark(), strategy=DARK_ONLY))
        made.submit(quantity=100)
        made.accept(made.sends()[0].child_id)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.wait(72 * 3_600 * SECOND)
        assert state_of(made, made.sends()[0].child_id) is ChildState.LIVE
