from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sor_gateway.sor.estimators.hidden import (
    DECAY,
    Counts,
    HiddenState,
    Pool,
    Run,
    fresh_tails,
    in_round_lots,
    next_sizes,
    observe_parent_end,
    tail_now,
)
from sor_gateway.sor.estimators.tails import grid_of

LARGEST = 20_000
GRID = grid_of(LARGEST)


def state_of(rounds: dict[str, list[tuple[int, int]]], symbol: str = "ACME") -> HiddenState:
    state = HiddenState()
    for venue, contacts in rounds.items():
        for sent, filled in contacts:
            state.observe(symbol, venue, Run(sent, filled), LARGEST)
    return state


def pool(venue: str, run: Run | None = None, size_max: int = 15_000, value: float = 1.0) -> Pool:
    return Pool(venue, value, size_max, run or Run())


def sizes(state: HiddenState, *pools: Pool, quantity: int = 10_000, lot: int = 100) -> list[int]:
    return next_sizes(state, "ACME", pools, quantity, lot, LARGEST)


class TestCounts:
    def test_a_contact_counts_once_and_fades(self) -> None:
        counts = Counts()
        for filled in (0, 300, 500):
            counts.observe(500, filled, GRID)
        assert counts.contacts == pytest.approx(1 + DECAY + DECAY**2)
        assert counts.hits == pytest.approx(1 + DECAY)
        assert counts.seen == pytest.approx({300: DECAY})
        assert counts.at_least == {500: 1.0}

    def test_sizes_are_kept_as_the_first_of_their_cell(self) -> None:
        counts = Counts()
        for filled in range(1, 5000):
            counts.observe(5000, filled, GRID)
        assert set(counts.seen) <= {int(edge) for edge in GRID.edges}

    def test_a_size_kept_under_a_larger_grid_is_read_under_a_smaller_one(self) -> None:
        counts = Counts()
        counts.observe(15_000, 15_000, GRID)
        small = grid_of(1000)
        assert counts.row(small).sum() == pytest.approx(3)


class TestRuns:
    def test_waves_that_fill_are_one_contact(self) -> None:
        run = Run()
        assert not run.extend(500, 500)
        assert run.is_live
        assert run.extend(1000, 200)
        assert (run.sent, run.filled, run.is_live) == (1500, 700, False)

    def test_a_live_run_is_counted_when_the_parent_ends(self) -> None:
        state = HiddenState()
        runs = {"dark-a": Run(1000, 1000), "dark-b": Run(1000, 400), "dark-c": Run()}
        observe_parent_end(state, "ACME", runs, LARGEST)
        assert state.symbols["ACME"].keys() == {"dark-a"}
        assert state.venues["dark-a"].at_least == {1000: 1.0}

    def test_a_run_without_shares_says_nothing(self) -> None:
        state = HiddenState()
        state.observe("ACME", "dark-a", Run(), LARGEST)
        assert state == HiddenState()


class TestSizes:
    def test_deciding_changes_nothing(self) -> None:
        state = state_of({"a": [(1000, 700), (1000, 0)], "b": [(500, 500)]})
        before = copy.deepcopy(state)
        assert sizes(state, pool("a"), pool("b")) == sizes(state, pool("a"), pool("b"))
        assert state == before

    def test_a_venue_that_fills_gets_more_than_one_that_does_not(self) -> None:
        state = state_of({"a": [(1000, 1000)] * 10, "b": [(1000, 0)] * 10})
        first, second = sizes(state, pool("a"), pool("b"))
        assert first > second

    def test_a_fill_brings_a_larger_order_and_silence_a_smaller_one(self) -> None:
        state = state_of({"a": [(4000, 2000), (4000, 0)] * 5, "b": [(4000, 2000), (4000, 0)] * 5})
        even = sizes(state, pool("a"), pool("b"))
        assert even[0] == pytest.approx(even[1], abs=200)
        after = sizes(state, pool("a", Run(1000, 1000)), pool("b", Run(1000, 0)))
        assert after[0] > even[0]
        assert after[1] < even[1]

    def test_a_share_that_saves_more_is_worth_a_larger_order(self) -> None:
        state = state_of({"a": [(4000, 900)] * 5, "b": [(4000, 900)] * 5})
        first, second = sizes(state, pool("a", value=3.0), pool("b", value=1.0))
        assert first > second

    def test_a_new_symbol_believes_what_the_venue_shows_in_others(self) -> None:
        state = state_of({"a": [(1000, 1000)] * 30, "b": [(1000, 0)] * 30}, symbol="OTHER")
        first, second = sizes(state, pool("a"), pool("b"))
        assert first > second

    def test_own_evidence_outweighs_that_of_other_symbols(self) -> None:
        state = state_of({"a": [(1000, 1000)] * 30, "b": [(1000, 0)] * 30}, symbol="OTHER")
        for _ in range(40):
            state.observe("ACME", "a", Run(1000, 0), LARGEST)
            state.observe("ACME", "b", Run(1000, 1000), LARGEST)
        first, second = sizes(state, pool("a"), pool("b"))
        assert second > first

    def test_nothing_to_send_or_nowhere(self) -> None:
        assert sizes(HiddenState(), pool("a"), quantity=0) == [0]
        assert sizes(HiddenState()) == []

    @given(
        quantity=st.integers(0, 60_000),
        lot=st.sampled_from([1, 10, 100]),
        limits=st.lists(st.integers(1, 30_000), min_size=1, max_size=4),
        filled=st.integers(0, 3000),
    )
    @hypothesis_settings(max_examples=25, deadline=None)
    def test_sizes_keep_to_quantity_and_limits(
        self, quantity: int, lot: int, limits: list[int], filled: int
    ) -> None:
        state = state_of({"v0": [(3000, filled)], "v1": [(3000, 3000)]})
        pools = [pool(f"v{k}", Run(3000, filled), limit) for k, limit in enumerate(limits)]
        given_out = sizes(state, *pools, quantity=quantity, lot=lot)
        assert sum(given_out) <= quantity
        assert all(0 <= size <= limit for size, limit in zip(given_out, limits, strict=True))


def test_what_is_left_after_a_fill_is_a_tail() -> None:
    state = state_of({"a": [(4000, 2500), (4000, 4000), (4000, 0), (500, 500)]})
    rows = np.array([state.row("ACME", "a", GRID)])
    fill, tails = fresh_tails(rows, GRID)
    for run in (Run(), Run(500, 500), Run(19_999, 19_999), Run(90_000, 90_000), Run(500, 100)):
        now = tail_now(float(fill[0]), tails[0], GRID, run)
        assert (np.diff(now) <= 1e-12).all()
        assert 0 <= now.min() <= now.max() <= 1


@given(
    sizes_and_most=st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 5000)).map(lambda x: (min(x), max(x))),
        min_size=1,
        max_size=5,
    ),
    lot=st.sampled_from([1, 100]),
)
def test_round_lots_lose_nothing_that_fits(sizes_and_most: list[tuple[int, int]], lot: int) -> None:
    wanted = [size for size, _ in sizes_and_most]
    most = [limit for _, limit in sizes_and_most]
    given_out = in_round_lots(wanted, most, sum(wanted), lot)
    assert sum(given_out) <= sum(wanted)
    assert all(0 <= size <= limit for size, limit in zip(given_out, most, strict=True))
    assert sum(1 for size in given_out if size % lot) <= 1
