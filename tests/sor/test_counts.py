from __future__ import annotations

from sor_gateway.sor.counts import Counts, VenueCounts, count_from
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.orders import CHILD_OVER, PARENT_OVER, Child, Flight
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import OrdType, TimeInForce
from sor_gateway.sor.venues import VenueState


def flight(answered: bool = False, doubt: Doubt | None = None) -> Flight:
    plan = Flight(OrdType.LIMIT, TimeInForce.DAY, "sweep", 1, 0, 0, answered=answered)
    plan.doubt = doubt
    return plan


def state_with(flights: dict[str, Flight]) -> RouterState:
    state = RouterState(venues={"dark-a": VenueState(), "ecn": VenueState()})
    for child_id, each in flights.items():
        child = Child(child_id, "P1", "ecn", 100, None, flight=each)
        state.children[child_id] = child
        state.venues["ecn"].children[child_id] = None
    return state


class TestCountFrom:
    def test_counts_who_is_unanswered_and_who_is_in_doubt(self) -> None:
        flights = {
            "C1": flight(),
            "C2": flight(answered=True, doubt=Doubt("late", 900)),
            "C3": flight(answered=True),
            "C4": flight(doubt=Doubt("lost", 300)),
        }
        counts = count_from(state_with(flights))
        assert counts.venues["ecn"].pending == 2
        assert counts.venues["dark-a"] == VenueCounts(
            answers=counts.venues["dark-a"].answers,
            round_trips=counts.venues["dark-a"].round_trips,
        )

    def test_the_oldest_doubt_comes_first(self) -> None:
        flights = {
            "C1": flight(doubt=Doubt("late", 900)),
            "C2": flight(doubt=Doubt("lost", 300)),
        }
        counts = count_from(state_with(flights))
        assert list(counts.venues["ecn"].doubted.items()) == [("C2", 300), ("C1", 900)]


class TestCounts:
    def test_every_end_has_its_count_from_the_start(self) -> None:
        counts = Counts()
        assert counts.parents_ended == dict.fromkeys(PARENT_OVER, 0)
        assert counts.venue("ecn").ended == dict.fromkeys(CHILD_OVER, 0)

    def test_a_venue_keeps_its_counts(self) -> None:
        counts = Counts()
        counts.venue("ecn").sent += 1
        assert counts.venue("ecn").sent == 1
