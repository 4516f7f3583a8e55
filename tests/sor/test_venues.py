"""The throttle, and ExecIDs that come twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.venues import EXEC_IDS_KEPT, VenueState, refill_ns

from .script import SECOND, lit


class TestThrottle:
    """A bucket of orders_per_second tokens that refills at that rate."""

    def test_a_fresh_venue_has_a_full_bucket(self) -> None:
        assert VenueState().tokens(lit(orders_per_second=10), 5 * SECOND) == 10

    def test_each_message_takes_one(self) -> None:
        state, venue = VenueState(), lit(orders_per_second=10)
        for _ in range(10):
            state.spend(venue, SECOND)
        assert state.tokens(venue, SECOND) == 0

    def test_it_refills_with_time_and_no_further_than_full(self) -> None:
        state, venue = VenueState(), lit(orders_per_second=10)
        for _ in range(10):
            state.spend(venue, SECOND)
        assert state.tokens(venue, SECOND + SECOND // 2) == 5
        assert state.tokens(venue, 100 * SECOND) == 10

    def test_one_token_takes_refill_ns(self) -> None:
        state, venue = VenueState(), lit(orders_per_second=3)
        for _ in range(3):
            state.spend(venue, SECOND)
        assert state.tokens(venue, SECOND + refill_ns(venue) - 1) == 0
        assert state.tokens(venue, SECOND + refill_ns(venue)) == 1

    def test_a_clock_that_steps_back_gives_nothing_away(self) -> None:
        state, venue = VenueState(), lit(orders_per_second=2)
        state.spend(venue, 10 * SECOND)
        state.spend(venue, 5 * SECOND)
        assert state.tokens(venue, 5 * SECOND) == 0
        assert state.tokens(venue, 10 * SECOND) == 0

    @given(st.lists(st.integers(0, SECOND // 4), min_size=1, max_size=80))
    def test_never_more_than_the_bucket_and_its_refill(self, gaps: list[int]) -> None:
        """Over any stretch: at most capacity + rate x time messages find a token."""
        state, venue = VenueState(), lit(orders_per_second=8)
        now = start = SECOND
        sent = 0
        for gap in gaps:
            now += gap
            if state.tokens(venue, now) > 0:
                state.spend(venue, now)
                sent += 1
        assert sent <= 8 + 8 * (now - start) / SECOND


class TestExecIds:
    """The same ExecID for two children is noticed (recovery.md 3.6)."""

    def test_the_other_child_is_named(self) -> None:
        state = VenueState()
        assert state.exec_id_owner("T1", "C1") == ""
        assert state.exec_id_owner("T1", "C1") == ""
        assert state.exec_id_owner("T1", "C2") == "C1"

    def test_memory_is_bounded_to_two_generations(self) -> None:
        state = VenueState()
        for number in range(3 * EXEC_IDS_KEPT):
            state.exec_id_owner(f"T{number}", "C1")
        assert len(state.exec_ids) + len(state.exec_ids_before) <= 2 * EXEC_IDS_KEPT
        last = 3 * EXEC_IDS_KEPT - 1
        assert state.exec_id_owner(f"T{last}", "C2") == "C1"
        assert state.exec_id_owner(f"T{last - EXEC_IDS_KEPT + 1}", "C2") == "C1"
