"""Sizes of hidden orders from what is believed, and what is believed after an order's own waves."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sor_gateway.sor.estimators.greedy import split_by_tails
from sor_gateway.sor.estimators.hidden import LARGEST, HiddenState, Run
from sor_gateway.sor.estimators.sizing import REFRESH_NS, Beliefs, Pool, fresh_tails, next_sizes
from sor_gateway.sor.estimators.tails import grid_of

GRID = grid_of(LARGEST)


def state_of(rounds: dict[str, list[tuple[int, int]]], symbol: str = "ACME") -> HiddenState:
    state = HiddenState()
    for venue, contacts in rounds.items():
        for sent, filled in contacts:
            state.observe(symbol, venue, Run(sent, filled))
    return state


def pool(venue: str, run: Run | None = None, size_max: int = 15_000, value: float = 1.0) -> Pool:
    return Pool(venue, value, size_max, run or Run())


def sizes(state: HiddenState, *pools: Pool, quantity: int = 10_000, lot: int = 100) -> list[int]:
    if not pools:
        return next_sizes({}, pools, quantity, lot)
    beliefs = Beliefs(state, [each.venue for each in pools]).of("ACME", 0)
    return next_sizes(beliefs, pools, quantity, lot)


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
        for filled in (400, 1000):
            after = sizes(state, pool("a", Run(1000, filled)), pool("b", Run(1000, 0)))
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
            state.observe("ACME", "a", Run(1000, 0))
            state.observe("ACME", "b", Run(1000, 1000))
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


class TestBeliefs:
    """Kept per symbol, brought up to date between turns."""

    def test_what_is_learnt_is_taken_in_when_it_is_refreshed(self) -> None:
        state = state_of({"a": [(1000, 0)] * 5})
        beliefs = Beliefs(state, ["a"])
        first = beliefs.of("ACME", 0)["a"]
        for _ in range(20):
            state.observe("ACME", "a", Run(1000, 1000))
        beliefs.refresh(REFRESH_NS)
        assert beliefs.of("ACME", REFRESH_NS)["a"] is first, "nobody had asked since"
        beliefs.refresh(REFRESH_NS)
        assert beliefs.of("ACME", REFRESH_NS)["a"].fill > first.fill + 0.2

    def test_a_young_belief_stays(self) -> None:
        state = HiddenState()
        beliefs = Beliefs(state, ["a"])
        first = beliefs.of("ACME", 0)["a"]
        state.observe("ACME", "a", Run(1000, 1000))
        beliefs.of("ACME", REFRESH_NS - 1)
        beliefs.refresh(REFRESH_NS - 1)
        assert beliefs.of("ACME", REFRESH_NS - 1)["a"] is first

    def test_after_any_run_it_is_a_tail(self) -> None:
        state = state_of({"a": [(4000, 2500), (4000, 4000), (4000, 0), (500, 500)]})
        belief = Beliefs(state, ["a"]).of("ACME", 0)["a"]
        points = [1, 2, 99, 100, 101, 700, 5_000, 60_000, LARGEST, LARGEST + 1, 2 * LARGEST]
        for run in (Run(), Run(500, 500), Run(500, 100), Run(500, 0), Run(LARGEST, LARGEST)):
            chances = [belief.chance(point, run) for point in points]
            assert all(0 <= later <= earlier <= 1 for earlier, later in pairwise(chances))
            assert chances[-1] == 0.0

    def test_the_split_is_that_of_the_facade_to_a_step(self) -> None:
        state = state_of({"a": [(4000, 900), (4000, 0)] * 4, "b": [(4000, 4000), (4000, 100)] * 4})
        rows = np.array([state.row("ACME", venue, GRID) for venue in ("a", "b")])
        fill, tails = fresh_tails(rows, GRID)
        exact = split_by_tails(fill[:, None] * tails, GRID, 6_400, np.arange(2))
        assert sizes(state, pool("a"), pool("b"), quantity=6_400) == pytest.approx(exact, abs=200)
