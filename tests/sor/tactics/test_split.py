from __future__ import annotations

import secrets

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.routing_lit import split_share
from sor_gateway.sor.tactics.split import SplitLearner, on_simplex


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6))
@settings(deadline=None)
def test_projection_is_the_nearest_point_of_the_simplex(values: list[float]) -> None:
    point = on_simplex(np.array(values))
    assert point.sum() == pytest.approx(1)
    assert point.min() >= 0
    distance = np.linalg.norm(point - values)
    for corner in np.eye(len(values)):
        nearby = 0.99 * point + 0.01 * corner
        assert np.linalg.norm(nearby - values) >= distance - 1e-9


@given(
    st.lists(st.floats(0.01, 5), min_size=1, max_size=5),
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 31)), max_size=30),
)
@settings(deadline=None)
def test_shares_always_sum_to_one(discounts: list[float], rounds: list[tuple[float, int]]) -> None:
    learner = SplitLearner(discounts)
    for volume, bits in rounds:
        learner.observe(volume, [bool(bits >> k & 1) for k in range(len(discounts))])
        assert sum(learner.shares) == pytest.approx(1)
        assert min(learner.shares) >= 0


def test_what_fills_to_the_end_gets_more() -> None:
    learner = SplitLearner([1, 1])
    for _ in range(20):
        learner.observe(100, [True, False])
    assert learner.shares[0] > 0.9


def test_units_of_volume_and_discount_do_not_matter() -> None:
    random = np.random.default_rng(4)
    small, large = SplitLearner([1, 2]), SplitLearner([100, 200])
    for _ in range(50):
        volume = float(random.uniform(1, 5))
        complete = [bool(bit) for bit in random.integers(0, 2, 2)]
        small.observe(volume, complete)
        large.observe(1000 * volume, complete)
    assert small.shares == pytest.approx(large.shares)


@pytest.mark.parametrize("discounts", [[], [0, 0], [1, -1]])
def test_discounts_without_meaning_are_refused(discounts: list[float]) -> None:
    with pytest.raises(ValueError, match="discounts"):
        SplitLearner(discounts)


def test_answers_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="2 answers of 3"):
        SplitLearner([1, 2, 3]).observe(100, [True, False])


@pytest.mark.parametrize(
    ("regime", "floor"), [("shortage", 0.955), ("balanced", 0.91), ("abundance", 0.89)]
)
def test_comes_near_the_oracle(regime: str, floor: float) -> None:
    """Laruelle, Lehalle and Pages's regimes, 4,000 orders instead of 100,000."""
    seed = secrets.randbelow(10**6)
    share = split_share(regime, seed, 4_000)
    assert share >= floor, f"seed {seed}: {share:.4f}"
