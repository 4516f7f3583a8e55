from __future__ import annotations

import secrets

import numpy as np
import pytest

from sor_gateway.sor.estimators.volatility import (
    DAY_NS,
    LEAST_SAMPLES,
    SAMPLES_A_DAY,
    Volatility,
)

STEP = DAY_NS // SAMPLES_A_DAY
MID = 50_000_000


def watch(made: Volatility, mids: list[int], step: int = STEP, began: int = 0) -> None:
    """Show a midpoint each `step`."""
    for each, mid in enumerate(mids):
        now = began + each * step
        if made.is_due("ACME", now):
            made.see("ACME", mid, now)


def walk(seed: int, samples: int, sigma_day: float) -> list[int]:
    moves = np.random.default_rng(seed).normal(0, sigma_day / SAMPLES_A_DAY**0.5, samples)
    return [MID + int(each) for each in moves.cumsum()]


@pytest.mark.parametrize("sigma", [200_000.0, 500_000.0, 3_000_000.0])
def test_a_days_volatility_is_found_in_a_day(sigma: float) -> None:
    seed = secrets.randbelow(10**6)
    made = Volatility()
    watch(made, walk(seed, SAMPLES_A_DAY, sigma))
    assert made.day_micros("ACME") == pytest.approx(sigma, rel=0.12), f"seed {seed}"


def test_a_faster_clock_has_the_same_days() -> None:
    seed = secrets.randbelow(10**6)
    slow, fast = Volatility(), Volatility(DAY_NS // 60)
    mids = walk(seed, SAMPLES_A_DAY, 500_000.0)
    watch(slow, mids)
    watch(fast, mids, STEP // 60)
    assert slow.day_micros("ACME") == pytest.approx(fast.day_micros("ACME"), rel=1e-6)


def test_it_follows_a_change() -> None:
    seed = secrets.randbelow(10**6)
    made = Volatility()
    calm, wild = (
        walk(seed, SAMPLES_A_DAY, 500_000.0),
        walk(seed + 1, 4 * SAMPLES_A_DAY, 1_500_000.0),
    )
    watch(made, calm + wild)
    assert made.day_micros("ACME") > 1_100_000, f"seed {seed}"


def test_too_little_says_nothing() -> None:
    made = Volatility()
    watch(made, [MID + 1_000 * (each % 2) for each in range(LEAST_SAMPLES)])
    assert made.day_micros("ACME") == 0.0
    assert made.day_micros("BOLT") == 0.0
    watch(made, [MID], began=LEAST_SAMPLES * STEP)
    assert made.day_micros("ACME") > 0.0


def test_the_bounce_between_two_samples_is_not_seen() -> None:
    """A midpoint that flickers by a tick a hundred times a step, and is where it was each time."""
    made = Volatility()
    mids = [MID + 5_000 * (each % 100 == 50) for each in range(100 * 2 * LEAST_SAMPLES)]
    watch(made, mids, STEP // 100)
    assert made.day_micros("ACME") == 0.0


def test_the_night_is_no_part_of_the_day() -> None:
    seed = secrets.randbelow(10**6)
    one, other = Volatility(), Volatility()
    mids = walk(seed, 2 * LEAST_SAMPLES, 500_000.0)
    watch(one, mids)
    watch(other, mids)
    watch(other, [MID + 5_000_000], began=2 * LEAST_SAMPLES * STEP + DAY_NS)
    assert other.day_micros("ACME") == one.day_micros("ACME")
