"""Quantiles that forget."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.estimators.quantiles import WEIGHT_MAX, Quantiles, bucket_of, upper_of


@given(st.integers(0, 10**12))
def test_a_duration_lies_in_its_bucket(duration: int) -> None:
    bucket = bucket_of(duration)
    assert upper_of(bucket) >= duration
    assert bucket == 0 or upper_of(bucket - 1) < duration
    assert upper_of(bucket) <= max(8, duration * 5 / 4)


def test_quantiles_are_right_to_a_fifth() -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    dice, seen = random.Random(seed), Quantiles()
    for _ in range(500):
        seen.observe(dice.randrange(1_000_000, 2_000_000))
    assert seen.at(0.5) is not None
    for share in (0.1, 0.5, 0.9):
        expected = 1_000_000 * (1 + share)
        assert 0.7 * expected < (seen.at(share) or 0) < 1.45 * expected


def test_the_past_fades() -> None:
    seen = Quantiles()
    for _ in range(500):
        seen.observe(1_000_000)
    for _ in range(200):
        seen.observe(64_000_000)
    assert (seen.at(0.5) or 0) >= 64_000_000


def test_it_stays_finite() -> None:
    seen = Quantiles()
    for _ in range(10_000):
        seen.observe(1_000_000)
    assert seen.weight <= WEIGHT_MAX / 0.98
    assert 99 < sum(seen.counts.values()) / seen.weight < 101
    assert Quantiles().at(0.5) is None
