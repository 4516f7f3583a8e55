from __future__ import annotations

import secrets

import numpy as np
import pytest

from sor_gateway.sor.estimators.volatility import (
    DAY_NS,
    GAP_SAMPLES,
    LEAST_SAMPLES,
    SAMPLES_A_DAY,
    TOLD_AT_ONCE,
    TOLD_EVERY,
    Moves,
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


class TestTelling:
    """From time to time the sums are told; who begins with them goes on from there."""

    def test_every_so_many_samples_of_a_symbol_whatever_is_quoted(self) -> None:
        made, told = Volatility(), list[dict[str, Moves]]()
        for each in range(10 * SAMPLES_A_DAY):  # ten quotes a sample
            now = each * STEP // 10
            for symbol in ("ACME", "BOLT", "CORE"):
                if made.is_due(symbol, now):
                    made.see(symbol, MID + each, now)
            if moves := made.tell(now):
                told.append(moves)
        assert [sorted(moves) for moves in told] == [["ACME", "BOLT", "CORE"]] * len(told)
        assert len(told) == (SAMPLES_A_DAY - 1) // TOLD_EVERY

    def test_it_waits_for_others_of_the_same_step_and_no_longer(self) -> None:
        made = Volatility()
        watch(made, [MID] * (TOLD_EVERY + 1))
        now = TOLD_EVERY * STEP
        assert made.next_ns == now + STEP
        assert made.tell(now) == {}
        assert list(made.tell(now + STEP)) == ["ACME"]
        assert made.tell(now + 2 * STEP) == {}

    def test_a_telling_has_an_end_and_the_rest_follows(self) -> None:
        made, symbols = Volatility(), [f"S{number}" for number in range(TOLD_AT_ONCE + 3)]
        for each in range(TOLD_EVERY + 1):
            for symbol in symbols:
                made.see(symbol, MID, each * STEP)
        now = (TOLD_EVERY + 1) * STEP
        assert [*made.tell(now), *made.tell(now)] == symbols
        assert made.next_ns is None

    def test_who_begins_with_what_was_told_is_as_who_saw_it(self) -> None:
        seed = secrets.randbelow(10**6)
        mids = walk(seed, 3 * LEAST_SAMPLES + 1, 500_000.0)
        one = Volatility()
        watch(one, mids[: 2 * LEAST_SAMPLES + 1])
        other = Volatility(DAY_NS, one.tell((2 * LEAST_SAMPLES + 1) * STEP))
        assert other.day_micros("ACME") == one.day_micros("ACME") > 0, f"seed {seed}"
        for made in (one, other):
            watch(made, mids[2 * LEAST_SAMPLES + 1 :], began=(2 * LEAST_SAMPLES + 1) * STEP)
        assert other.day_micros("ACME") == one.day_micros("ACME"), f"seed {seed}"

    def test_what_was_told_stays_what_it_was(self) -> None:
        made = Volatility()
        watch(made, walk(1, LEAST_SAMPLES + 1, 500_000.0))
        told = made.tell(DAY_NS)
        before = repr(told)
        watch(made, [2 * MID], began=(LEAST_SAMPLES + 1) * STEP)
        watch(Volatility(DAY_NS, told), [2 * MID], began=(LEAST_SAMPLES + 1) * STEP)
        assert repr(told) == before

    def test_the_time_that_nobody_watched_is_no_part_of_the_day(self) -> None:
        one = Volatility()
        watch(one, walk(1, LEAST_SAMPLES + 1, 500_000.0))
        other = Volatility(DAY_NS, one.tell(DAY_NS))
        began = (LEAST_SAMPLES + 2 * GAP_SAMPLES) * STEP
        watch(other, [2 * MID] * TOLD_EVERY, began=began)
        assert other.day_micros("ACME") <= one.day_micros("ACME")


def test_a_clock_that_steps_back_begins_anew() -> None:
    made = Volatility()
    watch(made, walk(1, 2 * LEAST_SAMPLES, 500_000.0), began=DAY_NS)
    before = made.day_micros("ACME")
    assert made.is_due("ACME", DAY_NS // 2)
    made.see("ACME", 2 * MID, DAY_NS // 2)
    assert made.day_micros("ACME") == before
    assert not made.is_due("ACME", DAY_NS // 2 + STEP - 1)
    assert made.is_due("ACME", DAY_NS // 2 + STEP)
