"""One question about all orders of a venue (FIX AF): when it is asked, what its answer proves, what
happens without one (recovery.md 3.5), and what a suspect journal tail has to do with it (1.5)."""

from __future__ import annotations

from typing import Any

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.mass_status import STRAYS_MAX
from sor_gateway.sor.orders import Child
from sor_gateway.sor.settings import MassStatus, StrategySettings
from sor_gateway.sor.types import ChildState, Side

from .script import SECOND, Script, dark, settings

DARK_ONLY = StrategySettings("dark", use_lit=False, dark_box_ns=600 * SECOND)
TIMEOUT = 2 * SECOND


def desk(count: int = 5, lists: MassStatus = MassStatus.OPEN, **changes: Any) -> Script:
    """So many children of 100 shares rest at one venue."""
    venue = dark(mass_status=lists, **changes)
    made = Script(settings(venue, strategy=DARK_ONLY))
    for number in range(count):
        made.submit(f"A{number}", quantity=100)
    for send in made.sends():
        made.accept(send.child_id)
    return made


def ids(made: Script) -> list[str]:
    return [send.child_id for send in made.sends()]


def child(made: Script, child_id: str) -> Child:
    return made.router.state.children[child_id]


def in_doubt(made: Script) -> list[str]:
    """Children that are."""
    return [
        each.child_id
        for each in made.router.state.children.values()
        if each.flight is not None and each.flight.doubt is not None
    ]


def doubt_all(made: Script) -> list[Output]:
    return made.step(ev.ChildrenDoubted(made.now, "dark-a", "a gap", notes_stand=True))


def part(
    made: Script, child_id: str, total: int, *, last: bool = False, **changes: Any
) -> list[Output]:
    """One report of the series that answers the last question about all; live unless changed."""
    fact = ev.ChildStatusReported(
        made.now,
        "dark-a",
        child_id,
        made.asks_all()[-1].request_id,
        True,
        True,
        of_all=True,
        total=total,
        last=last,
    )
    for name, value in changes.items():
        setattr(fact, name, value)
    return made.step(fact)


def series(made: Script, *child_ids: str) -> list[Output]:
    """The whole answer: these are live, and no others."""
    out: list[Output] = []
    for number, child_id in enumerate(child_ids, 1):
        out += part(made, child_id, len(child_ids), last=number == len(child_ids))
    return out


def none_found(made: Script) -> list[Output]:
    """The answer that there is no order."""
    return part(made, "", 0, last=True, known=False, live=False)


class TestWhenItIsAsked:
    def test_one_question_for_many_in_doubt(self) -> None:
        made = desk()
        out = doubt_all(made)
        assert len(made.asks_all(out)) == 1
        assert not made.asks(out)

    def test_a_few_are_asked_about_one_by_one(self) -> None:
        made = desk(3)
        out = doubt_all(made)
        assert not made.asks_all(out)
        assert len(made.asks(out)) == 3

    def test_a_venue_that_takes_none(self) -> None:
        made = desk(lists=MassStatus.NONE)
        out = doubt_all(made)
        assert (len(made.asks_all(out)), len(made.asks(out))) == (0, 5)

    def test_anew_on_each_connection(self) -> None:
        made = desk()
        doubt_all(made)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        out = made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert len(made.asks_all(out)) == 1
        assert len({ask.request_id for ask in made.asks_all()}) == 2

    def test_it_takes_one_token(self) -> None:
        made = desk(orders_per_second=10, cancel_reserve=2)
        made.wait(SECOND)
        venue, known = made.router.state.venues["dark-a"], made.settings.venues["dark-a"]
        doubt_all(made)
        assert venue.tokens(known, made.now) == 9


class TestWhatTheAnswerProves:
    def test_live_ends_the_doubt(self) -> None:
        made = desk()
        doubt_all(made)
        out = series(made, *ids(made))
        assert in_doubt(made) == []
        assert not made.asks(out)

    def test_a_larger_total_is_booked(self) -> None:
        made = desk()
        doubt_all(made)
        out = part(made, ids(made)[0], 5, cum_quantity=40, avg_price_micros=50_000_000)
        assert [report.last_quantity for report in made.reports(out)] == [40]
        assert "unreported-fill" in made.alarms(out)

    def test_an_end_is_an_end(self) -> None:
        made = desk()
        doubt_all(made)
        part(made, ids(made)[0], 5, live=False, how=ChildState.CANCELED)
        assert child(made, ids(made)[0]).state is ChildState.CANCELED

    @pytest.mark.parametrize("lists", [MassStatus.OPEN, MassStatus.ALL])
    def test_who_is_not_listed_is_asked_about_alone(self, lists: MassStatus) -> None:
        """Also where all are listed: who cut the list short would free shares that may trade."""
        made = desk(lists=lists)
        doubt_all(made)
        *lost, listed = ids(made)
        out = series(made, listed)
        assert in_doubt(made) == lost
        assert [ask.child_id for ask in made.asks(out)] == lost
        assert not made.asks_all(out)
        assert {child(made, each).state for each in lost} == {ChildState.LIVE}

    def test_that_there_is_none_has_all_asked_about_alone(self) -> None:
        made = desk(lists=MassStatus.ALL)
        doubt_all(made)
        before = ids(made)
        assert [ask.child_id for ask in made.asks(none_found(made))] == before
        assert in_doubt(made) == before

    def test_nothing_follows_for_who_was_not_in_doubt(self) -> None:
        made = desk(6, lists=MassStatus.ALL)
        settled, *doubted = ids(made)
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "a gap", doubted, notes_stand=True))
        series(made, *doubted)
        assert child(made, settled).state is ChildState.LIVE
        assert in_doubt(made) == []

    def test_a_doubt_that_grew_meanwhile_stands(self) -> None:
        made = desk()
        doubt_all(made)
        first, *others = ids(made)
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "another", [first], notes_stand=True))
        series(made, first, *others)
        assert in_doubt(made) == [first]

    def test_nor_does_its_absence_prove_anything_of_that_one(self) -> None:
        made = desk(lists=MassStatus.ALL)
        doubt_all(made)
        first, *others = ids(made)
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "another", [first], notes_stand=True))
        series(made, *others)
        assert child(made, first).state is ChildState.LIVE


class TestWithoutAnAnswer:
    def test_a_series_that_is_not_whole_says_nothing_of_the_others(self) -> None:
        made = desk(lists=MassStatus.ALL)
        doubt_all(made)
        first, second, *others = ids(made)
        part(made, first, 3)
        out = part(made, second, 3, last=True)
        assert "mass-status-broken" in made.alarms(out)
        assert in_doubt(made) == others
        assert [ask.child_id for ask in made.asks(out)] == others

    def test_nor_does_one_that_tells_of_an_order_twice(self) -> None:
        """It may be the report of another: who is missing may live."""
        made = desk(lists=MassStatus.ALL)
        doubt_all(made)
        first, *others = ids(made)
        out = series(made, *others, others[0])
        assert "mass-status-broken" in made.alarms(out)
        assert child(made, first).state is ChildState.LIVE
        assert [ask.child_id for ask in made.asks(out)] == [first]

    def test_and_no_other_follows_on_this_connection(self) -> None:
        made = desk()
        doubt_all(made)
        part(made, ids(made)[0], 7, last=True)
        out = doubt_all(made)
        assert (len(made.asks_all(out)), len(made.asks(out))) == (0, 5)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        assert made.asks_all(made.step(ev.VenueOpened(made.now, "dark-a", 1)))

    def test_a_venue_that_refuses_is_asked_one_by_one(self) -> None:
        made = desk()
        doubt_all(made)
        request_id = made.asks_all()[-1].request_id
        out = made.step(ev.MassStatusRefused(made.now, "dark-a", request_id, "not taken here"))
        assert "mass-status-refused" in made.alarms(out)
        assert (len(made.asks_all(out)), len(made.asks(out))) == (0, 5)

    def test_a_refusal_of_another_one_says_nothing(self) -> None:
        made = desk()
        doubt_all(made)
        assert made.step(ev.MassStatusRefused(made.now, "dark-a", "M1", "?")) == []

    def test_after_the_time_out_each_is_asked_about(self) -> None:
        made = desk()
        doubt_all(made)
        assert not made.asks(made.wait(TIMEOUT - 1))
        out = made.wait(1)
        assert (len(made.asks_all(out)), len(made.asks(out))) == (0, 5)

    def test_what_comes_after_that_proves_nothing_more(self) -> None:
        made = desk(lists=MassStatus.ALL)
        doubt_all(made)
        made.wait(TIMEOUT)
        series(made, *ids(made)[1:])
        assert in_doubt(made) == ids(made)

    def test_a_long_answer_is_one_as_long_as_it_goes_on(self) -> None:
        made = desk()
        doubt_all(made)
        *first, last = ids(made)
        for child_id in first:
            assert not made.asks(made.wait(TIMEOUT - 1))
            part(made, child_id, 5)
        assert not made.asks(made.wait(TIMEOUT - 1))
        part(made, last, 5, last=True)
        assert in_doubt(made) == []

    def test_all_of_it_folds(self) -> None:
        made = desk()
        doubt_all(made)
        series(made, *ids(made)[1:])
        made.wait(TIMEOUT)
        made.fold()


def suspect(*lists: MassStatus, children: int = 1) -> Script:
    """The machine restarted, and the end of the journal may be gone; so many venues."""
    venues = [
        dark(f"dark-{letter}", mass_status=each) for letter, each in zip("abc", lists, strict=False)
    ]
    made = Script(settings(*venues, strategy=DARK_ONLY))
    for number in range(children):
        made.submit(f"A{number}", quantity=100)
    made.apply(ev.Restarted(made.now, "boot", tail_suspect=True))
    made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
    for venue in venues:
        made.step(ev.VenueOpened(made.now, venue.name, 1))
    return made


def tell(made: Script, venue: str, **changes: Any) -> list[Output]:
    """The venue lists one order of 500, or none."""
    (ask,) = [each for each in made.asks_all() if each.venue == venue][-1:]
    fact = ev.ChildStatusReported(
        made.now, venue, "", ask.request_id, False, False, of_all=True, last=True
    )
    if changes:
        fact.known = fact.live = True
        fact.total, fact.quantity, fact.symbol, fact.side = 1, 500, "ACME", Side.BUY
        fact.venue_order_id = "V1"
    for name, value in changes.items():
        setattr(fact, name, value)
    return made.step(fact)


LOST = "C000999999"
"""Beyond all that the journal knows, within the ids that were reserved then."""


class TestSuspectTail:
    """recovery.md 1.5: no new order until every venue told what it has, or an operator says so."""

    def test_every_venue_is_asked_however_little_is_open_there(self) -> None:
        made = suspect(MassStatus.OPEN, MassStatus.ALL, children=0)
        assert [ask.venue for ask in made.asks_all()] == ["dark-a", "dark-b"]

    def test_orders_leave_once_all_told(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.ALL, children=0)
        made.submit("B1", quantity=100)
        tell(made, "dark-a")
        assert not made.sends()
        out = tell(made, "dark-b")
        assert "journal-tail-proved" in made.alarms(out)
        assert len(made.sends(out)) == 1
        made.fold()

    def test_not_while_one_of_them_cannot_be_asked(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.NONE, children=0)
        made.submit("B1", quantity=100)
        tell(made, "dark-a")
        made.wait(600 * SECOND)
        assert not made.sends()
        out = made.step(ev.KillSwitched(made.now, False, "reconciled"))
        assert len(made.sends(out)) == 1

    def test_nor_while_one_lists_only_what_is_open(self) -> None:
        """A lost order that was executed is not in its list."""
        made = suspect(MassStatus.OPEN, children=0)
        made.submit("B1", quantity=100)
        tell(made, "dark-a")
        made.wait(600 * SECOND)
        assert (made.sends(), len(made.asks_all())) == ([], 1)
        out = made.step(ev.KillSwitched(made.now, False, "reconciled"))
        assert len(made.sends(out)) == 1

    def test_a_disabled_venue_holds_nothing_up(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.NONE, children=0)
        made.settings.venues["dark-b"].enabled = False
        assert "journal-tail-proved" in made.alarms(tell(made, "dark-a"))

    def test_nor_does_half_an_answer_prove_anything(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        tell(made, "dark-a", child_id=LOST, total=2)
        assert made.router.state.suspect

    def test_a_venue_that_was_down_is_asked_when_it_comes(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert len(made.asks_all()) == 2
        assert "journal-tail-proved" in made.alarms(tell(made, "dark-a"))

    def test_what_was_told_before_the_next_such_restart_counts_no_more(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.ALL, children=0)
        tell(made, "dark-a")
        made.apply(ev.Restarted(made.now, "boot2", tail_suspect=True))
        made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
        for name in ("dark-a", "dark-b"):
            made.step(ev.VenueOpened(made.now, name, 1))
        tell(made, "dark-b")
        assert made.router.state.suspect

    def test_what_was_told_before_a_plain_restart_counts(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.ALL, children=0)
        tell(made, "dark-a")
        made.apply(ev.Restarted(made.now, "boot"))
        made.apply(ev.IdsReserved(made.now, made.router.state.reserved_through + 1_000_000))
        made.step(ev.VenueOpened(made.now, "dark-b", 1))
        assert "journal-tail-proved" in made.alarms(tell(made, "dark-b"))

    def test_a_child_in_doubt_is_settled_by_it_too(self) -> None:
        made = suspect(MassStatus.ALL)
        assert in_doubt(made) == ids(made)
        assert not made.asks()
        tell(made, "dark-a", child_id=ids(made)[0], quantity=100)
        assert in_doubt(made) == []


class TestStrays:
    """An order that went with the tail: alarmed, and what is left of it is cancelled."""

    def test_a_live_one_is_cancelled(self) -> None:
        made = suspect(MassStatus.ALL)
        out = tell(made, "dark-a", child_id=LOST, cum_quantity=200)
        (cancel,) = made.cancels(out)
        assert (cancel.child_id, cancel.venue_order_id, cancel.quantity) == (LOST, "V1", 500)
        (alarm,) = [each for each in made.of(Alarm) if each.code == "unknown-child"]
        assert "200 of 500" in alarm.text
        made.fold()

    def test_orders_wait_for_its_end(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        made.submit("B1", quantity=100)
        tell(made, "dark-a", child_id=LOST)
        assert not made.sends()
        out = made.step(ev.ChildEnded(made.now, "dark-a", LOST, ChildState.CANCELED, 0))
        assert {"unknown-child", "journal-tail-proved"} <= set(made.alarms(out))
        assert len(made.sends(out)) == 1

    def test_what_it_executed_is_not_routed_again(self) -> None:
        """The client's order that it was for stands in the journal with nothing executed."""
        made = suspect(MassStatus.ALL)
        known = ids(made)[0]
        over: dict[str, Any] = {"live": False, "total": 2}
        tell(made, "dark-a", child_id=known, last=False, how=ChildState.CANCELED, **over)
        tell(made, "dark-a", child_id=LOST, how=ChildState.FILLED, cum_quantity=100, **over)
        made.submit("B1", quantity=100)
        assert made.router.state.suspect
        assert LOST in made.router.state.unproved
        assert len(made.sends()) == 1
        made.step(ev.KillSwitched(made.now, False, "reconciled"))
        assert not made.router.state.unproved
        assert len(made.sends()) > 1
        made.fold()

    def test_nor_what_it_executes_while_it_is_cancelled(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        tell(made, "dark-a", child_id=LOST)
        made.step(ev.ChildEnded(made.now, "dark-a", LOST, ChildState.CANCELED, 200))
        assert made.router.state.suspect

    def test_one_that_cannot_be_cancelled_is_left_to_the_operator(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        out = tell(made, "dark-a", child_id=LOST, side=None)
        assert not made.cancels(out)
        assert made.router.state.suspect

    def test_more_than_are_cancelled_on_a_connection_are_too(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        lost = [f"C{number:09}" for number in range(900_000, 900_000 + STRAYS_MAX + 1)]
        for child_id in lost:
            tell(made, "dark-a", child_id=child_id, total=len(lost), last=child_id == lost[-1])
        for child_id in lost[:-1]:
            made.step(ev.ChildEnded(made.now, "dark-a", child_id, ChildState.CANCELED, 0))
        assert len(made.cancels()) == STRAYS_MAX
        assert made.router.state.suspect

    def test_it_is_asked_for_again_when_the_line_goes_before_that(self) -> None:
        made = suspect(MassStatus.ALL, children=0)
        tell(made, "dark-a", child_id=LOST)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert made.router.state.suspect
        out = tell(made, "dark-a", child_id=LOST)
        assert [each.child_id for each in made.cancels(out)] == [LOST]

    def test_once_on_a_connection(self) -> None:
        made = suspect(MassStatus.ALL, MassStatus.ALL)
        tell(made, "dark-a", child_id=LOST, last=False)
        assert not made.cancels(tell(made, "dark-a", child_id=LOST, total=2))
        assert len(made.cancels()) == 1

    @pytest.mark.parametrize("child_id", ["X9", "C12", "C9999999999", "C00099999x", "C"])
    def test_one_whose_id_we_cannot_have_given_is_left_alone(self, child_id: str) -> None:
        made = suspect(MassStatus.ALL)
        out = tell(made, "dark-a", child_id=child_id)
        assert not made.cancels(out)
        assert "unknown-child" in made.alarms(out)

    def test_one_that_is_over_is_told(self) -> None:
        made = suspect(MassStatus.ALL)
        how = {"live": False, "how": ChildState.FILLED}
        out = tell(made, "dark-a", child_id=LOST, cum_quantity=500, **how)
        assert not made.cancels(out)
        assert "unknown-child" in made.alarms(out)

    def test_without_suspicion_it_is_only_told(self) -> None:
        made = desk()
        doubt_all(made)
        out = part(made, LOST, 1, quantity=500, symbol="ACME", side=Side.BUY)
        assert not made.cancels(out)
        assert "unknown-child" in made.alarms(out)
