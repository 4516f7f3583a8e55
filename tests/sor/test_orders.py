"""The two life-cycle tables, and the arithmetic of exposure and waves."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.executed import EXECS_KEPT
from sor_gateway.sor.orders import (
    CHILD_OVER,
    CHILD_TABLE,
    PARENT_OVER,
    PARENT_TABLE,
    Child,
    ChildEvent,
    Flight,
    Parent,
    ParentEvent,
    Request,
    Work,
)
from sor_gateway.sor.types import ChildState, OrdType, ParentState, Side, TimeInForce

CHILD_ENDS = {
    ChildEvent.FILL_ALL: ChildState.FILLED,
    ChildEvent.CANCEL: ChildState.CANCELED,
    ChildEvent.EXPIRE: ChildState.EXPIRED,
    ChildEvent.REJECT: ChildState.REJECTED,
}
CHILD_ALIVE = {ChildEvent.ACCEPT: ChildState.LIVE, ChildEvent.FILL: ChildState.LIVE}


def expected_child(state: ChildState, event: ChildEvent) -> ChildState | None:
    """The rules in words: open and released children go where the event says; an end stands."""
    if event is ChildEvent.RELEASE:
        is_open = state in (ChildState.PENDING_NEW, ChildState.LIVE)
        return ChildState.RELEASED if is_open else None
    if event is ChildEvent.REOPEN:
        return ChildState.LIVE if state in CHILD_OVER else None
    if state in (ChildState.PENDING_NEW, ChildState.LIVE, ChildState.RELEASED):
        return CHILD_ENDS.get(event) or CHILD_ALIVE[event]
    return state


def expected_parent(state: ParentState, event: ParentEvent) -> ParentState | None:
    working = (ParentState.WORKING, ParentState.PENDING_CANCEL, ParentState.PENDING_REPLACE)
    fills = (ParentEvent.FILL, ParentEvent.FILL_ALL)
    if state is ParentState.RECEIVED:
        return {
            ParentEvent.ACCEPT: ParentState.WORKING,
            ParentEvent.REFUSE: ParentState.REJECTED,
        }.get(event)
    if state in working:
        ends = {
            ParentEvent.FILL: state,
            ParentEvent.FILL_ALL: ParentState.FILLED,
            ParentEvent.CANCEL: ParentState.CANCELED,
            ParentEvent.EXPIRE: ParentState.EXPIRED,
            ParentEvent.BUST: state,
        }
        if state is ParentState.WORKING:
            ends[ParentEvent.ASK_CANCEL] = ParentState.PENDING_CANCEL
            ends[ParentEvent.ASK_REPLACE] = ParentState.PENDING_REPLACE
        if state is ParentState.PENDING_CANCEL:
            ends[ParentEvent.REFUSE_CANCEL] = ParentState.WORKING
        if state is ParentState.PENDING_REPLACE:
            ends[ParentEvent.REPLACE] = ParentState.WORKING
            ends[ParentEvent.REPLACE_TO_FILLED] = ParentState.FILLED
            ends[ParentEvent.REFUSE_REPLACE] = ParentState.WORKING
        return ends.get(event)
    # Over: only a venue can still do something, and it brings nothing to life.
    if event is ParentEvent.BUST and state is ParentState.FILLED:
        return ParentState.CANCELED
    said = (*fills, ParentEvent.BUST)
    return state if event in said and state is not ParentState.REJECTED else None


def parent(quantity: int = 1_000, cum: int = 0, exposure: int = 0) -> Parent:
    return Parent(
        "P1",
        "EMS",
        "A1",
        "ACME",
        Side.BUY,
        quantity,
        OrdType.MARKET,
        None,
        TimeInForce.DAY,
        "",
        "",
        {},
        0,
        0,
        ParentState.WORKING,
        cum,
        exposure=exposure,
        work=Work(),
    )


class TestChildTable:
    """Each pair of state and event, against the rules in words."""

    @pytest.mark.parametrize(("state", "event"), list(product(ChildState, ChildEvent)))
    def test_each_pair(self, state: ChildState, event: ChildEvent) -> None:
        assert CHILD_TABLE.get((state, event)) == expected_child(state, event)

    def test_what_a_venue_may_say_has_a_row_in_every_state(self) -> None:
        ours = (ChildEvent.RELEASE, ChildEvent.REOPEN)
        said = [event for event in ChildEvent if event not in ours]
        assert all((state, event) in CHILD_TABLE for state, event in product(ChildState, said))

    def test_a_missing_row_is_an_error(self) -> None:
        child = Child("C1", "P1", "ecn", 100, None, ChildState.FILLED)
        with pytest.raises(KeyError):
            child.move(ChildEvent.RELEASE)

    def test_over_is_every_state_but_the_two_open_ones(self) -> None:
        assert set(ChildState) - CHILD_OVER == {ChildState.PENDING_NEW, ChildState.LIVE}


class TestParentTable:
    """Each pair of state and event, against the rules in words."""

    @pytest.mark.parametrize(("state", "event"), list(product(ParentState, ParentEvent)))
    def test_each_pair(self, state: ParentState, event: ParentEvent) -> None:
        assert PARENT_TABLE.get((state, event)) == expected_parent(state, event)

    def test_a_missing_row_is_an_error(self) -> None:
        made = parent()
        made.state = ParentState.CANCELED
        with pytest.raises(KeyError):
            made.move(ParentEvent.ACCEPT)

    @pytest.mark.parametrize(("state", "event"), list(PARENT_TABLE))
    def test_nothing_leads_out_of_an_end(self, state: ParentState, event: ParentEvent) -> None:
        if state in PARENT_OVER:  # a bust leads from one end to another
            assert PARENT_TABLE[state, event] in PARENT_OVER
            assert PARENT_TABLE[state, event] is state or event is ParentEvent.BUST


class TestQuantities:
    """recovery.md 3.8: cum + exposure + new <= quantity."""

    def test_available_is_what_is_neither_executed_nor_exposed(self) -> None:
        assert parent(1_000, cum=200, exposure=300).available == 500

    def test_a_pending_reduction_holds_new_children_to_the_smaller_quantity(self) -> None:
        made = parent(1_000, cum=200, exposure=300)
        made.request = Request("A2", True, 0, 600, OrdType.MARKET, None, {})
        assert made.available == 100
        assert made.leaves_quantity == 800

    def test_a_pending_increase_does_not_count_yet(self) -> None:
        made = parent(1_000)
        made.request = Request("A2", True, 0, 5_000, OrdType.MARKET, None, {})
        assert made.available == 1_000

    def test_excess_is_exposure_beyond_what_is_left(self) -> None:
        assert parent(1_000, cum=900, exposure=300).excess == 200
        assert parent(1_000, cum=1_100, exposure=300).excess == 300
        assert parent(1_000, cum=700, exposure=300).excess == 0

    @pytest.mark.parametrize("state", PARENT_OVER)
    def test_an_order_that_is_over_has_nothing_left(self, state: ParentState) -> None:
        made = parent(1_000, cum=400)
        made.state = state
        assert made.leaves_quantity == 0
        assert made.available < 0

    def test_a_child_that_is_over_exposes_nothing(self) -> None:
        child = Child("C1", "P1", "ecn", 100, None)
        assert child.leaves_quantity == 0
        child.flight = Flight(OrdType.LIMIT, TimeInForce.DAY, "sweep", 1, 0, 0)
        child.cum_quantity = 30
        assert child.leaves_quantity == 70
        child.cum_quantity = 130
        assert child.leaves_quantity == 0


class TestNetting:
    """Synthetic ranges are taken out by the real executions (recovery.md 3.6)."""

    @given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=6), st.data())
    def test_netting_counts_like_a_set_of_shares(
        self, ranges: list[tuple[int, int]], data: st.DataObject
    ) -> None:
        child = Child("C1", "P1", "ecn", 100, None)
        shares: set[int] = set()
        for low, width in ranges:
            new = set(range(low, low + width))
            if not new & shares:
                child.synthetic.append((low, low + width, f"Y{low}"))
                shares |= new
        for _ in range(3):
            start = data.draw(st.integers(0, 60))
            end = data.draw(st.integers(start + 1, 90))
            wanted = set(range(start, end))
            pieces = child.net_synthetic(start, end)
            assert sum(found for _, found in pieces) == len(shares & wanted)
            assert all(told_id and found for told_id, found in pieces)
            shares -= wanted
            left = {share for low, high, _ in child.synthetic for share in range(low, high)}
            assert left == shares

    def test_executions_remembered_are_bounded(self) -> None:
        child = Child("C1", "P1", "ecn", 100, None)
        for number in range(EXECS_KEPT + 10):
            child.remember(f"T{number}", (1, 1, number, "E1"))
        assert len(child.execs) == EXECS_KEPT
        assert "T9" not in child.execs
        assert "T10" in child.execs


class TestDarkSizes:
    """brief.md, the reference scenario: 5,000 that filled 4,000 becomes 10,000."""

    @pytest.mark.parametrize(("filled", "size"), [(4_000, 10_000), (2_500, 7_500), (0, 0)])
    def test_a_fill_earns_more(self, filled: int, size: int) -> None:
        venue = DarkVenue(sent=5_000, filled=filled)
        assert venue.next_size == size
        venue.close_wave()
        assert venue.size == size

    def test_it_grows_once_then_holds(self) -> None:
        venue = DarkVenue(sent=5_000, filled=4_000)
        venue.close_wave()
        venue.sent = venue.filled = 10_000
        assert venue.next_size == 10_000

    def test_dry_waves_count_in_a_row_only(self) -> None:
        venue = DarkVenue(sent=100)
        venue.close_wave()
        assert venue.dry_waves == 1
        venue.close_wave()
        assert venue.dry_waves == 1, "a wave that sent nothing shows nothing"
        venue.sent, venue.filled = 100, 50
        venue.close_wave()
        assert venue.dry_waves == 0

    def test_a_wave_that_was_cut_short_proves_nothing(self) -> None:
        work = Work(dark={"dark-a": DarkVenue(sent=100)}, dark_wave=1, dark_open=1)
        work.close_dark_wave(judged=False)
        assert work.dark["dark-a"] == DarkVenue()
        assert work.dark_wave == 0
