"""The path: a pure function of (seed, symbol, slot) that everybody computes alike."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from venue_sims.flow.market_path import (
    BLOCKS_CACHED,
    DAYS_CACHED,
    QUOTE_BLOCKS_CACHED,
    MarketPath,
    PathSettings,
    Quote,
    QuoterSettings,
)

QUOTERS = [
    QuoterSettings("XECN", 0.25, 0, 0.30),
    QuoterSettings("XINV", 0.35, 1, 0.15),
    QuoterSettings("XLIT", 0.20, 0, 0.35),
    QuoterSettings("XIEX", 0.30, 1, 0.20),
]
TICK = 10_000


def path(seed: int = 42, symbol: str = "ACME", **more: float) -> MarketPath:
    return MarketPath(seed, PathSettings(symbol, 50_000_000, TICK, **more), QUOTERS)


class TestAgreement:
    def test_two_instances_agree_in_whatever_order_they_are_asked(self) -> None:
        slots = [
            day * 234_000 + offset for day in (-1, 0, 7, 70_000) for offset in range(0, 900, 7)
        ]
        forward, shuffled = path(), path()
        expected = {slot: forward.nbbo(slot) for slot in slots}
        random.Random(1).shuffle(slots)
        assert {slot: shuffled.nbbo(slot) for slot in slots} == expected

    def test_another_process_with_another_hash_seed_agrees(self) -> None:
        code = (
            "from tests.venue_sims.flow.test_market_path import path;"
            "print([path().price(s) for s in range(0, 10**6, 99_991)])"
        )
        root = Path(__file__).parents[3]
        outputs = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
                cwd=root,
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            for seed in ("0", "1")
        }
        assert outputs == {f"{[path().price(s) for s in range(0, 10**6, 99_991)]}\n"}

    def test_seed_and_symbol_change_everything(self) -> None:
        slots = range(1000, 2000)
        base, other_seed, other_symbol = path(), path(seed=43), path(symbol="BOLT")
        prices = [base.price(slot) for slot in slots]
        assert [other_seed.price(slot) for slot in slots] != prices
        assert [other_symbol.price(slot) for slot in slots] != prices


class TestHowLongQuotesHold:
    @pytest.mark.parametrize("slot_ms", [100, 1_000])
    def test_a_quote_stands_until_the_slot_that_is_named(self, slot_ms: int) -> None:
        market = MarketPath(7, PathSettings("ACME", 50_000_000, TICK), QUOTERS, slot_ms)
        for mic in (None, "XECN", "XINV"):
            slot, changes = 10_000, 0
            while slot < 12_000:
                until = _until(market, mic, slot)
                assert slot < until <= slot + 300
                standing = {
                    (q.bid, q.ask) for q in (_at(market, mic, s) for s in range(slot, until))
                }
                assert len(standing) == 1
                changes += _at(market, mic, until) != _at(market, mic, slot)
                slot = until
            assert changes > 20


def _at(market: MarketPath, mic: str | None, slot: int) -> Quote:
    return market.nbbo(slot) if mic is None else market.quote(mic, slot)


def _until(market: MarketPath, mic: str | None, slot: int) -> int:
    if mic is None:
        return market.nbbo_holds_until(slot)
    return market.quote_holds_until(mic, slot)


class TestBounds:
    def test_caches_are_bounded(self) -> None:
        market = path()
        for slot in range(0, 40 * 234_000, 117_000):
            market.nbbo(slot)
        assert len(market._days) <= DAYS_CACHED
        assert len(market._blocks) <= BLOCKS_CACHED
        assert len(market._nbbo) <= BLOCKS_CACHED
        assert len(market._quotes) <= QUOTE_BLOCKS_CACHED


class TestShape:
    @pytest.mark.parametrize("seed", [1, 42, 99])
    def test_never_locked_or_crossed_and_mostly_one_or_two_ticks_wide(self, seed: int) -> None:
        market = path(seed)
        widths: Counter[int] = Counter()
        for slot in range(10**6, 10**6 + 8_000):
            quote = market.nbbo(slot)
            widths[(quote.ask - quote.bid) // TICK] += 1
        assert min(widths) >= 1
        assert (widths[1] + widths[2]) / sum(widths.values()) > 0.95

    def test_not_even_around_large_jumps(self) -> None:
        market = path(jumps_day=700.0, jump_bps=100.0)
        for slot in range(5_000):
            quote = market.nbbo(slot)
            assert quote.bid < quote.ask

    def test_each_day_begins_and_ends_at_the_first_price(self) -> None:
        market = path(jumps_day=0.0)
        for day in (0, 1, 500):
            first, last = market.price(day * 234_000), market.price((day + 1) * 234_000 - 1)
            assert first == pytest.approx(5_000)
            assert last == pytest.approx(5_000, abs=3)

    def test_blocks_join_without_a_step(self) -> None:
        market = path(jumps_day=0.0)
        steps = [
            abs(market.price(edge) - market.price(edge - 1)) for edge in range(300, 60_000, 300)
        ]
        assert max(steps) < 4

    def test_a_slot_moves_as_much_as_the_daily_volatility_says(self) -> None:
        """sigma_day 1 % of 5,000 ticks over 234,000 slots: 0.103 ticks a slot."""
        market = path(jumps_day=0.0)
        slots = range(100_000)
        moves = [market.price(s + 1) - market.price(s) for s in slots]
        deviation = (sum(move * move for move in moves) / len(moves)) ** 0.5
        assert deviation == pytest.approx(50 / 234_000**0.5, rel=0.25)
