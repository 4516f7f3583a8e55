"""The arithmetic of trading."""

from __future__ import annotations

import pytest

from venue_sims.matching.orders import Side
from venue_sims.matching.rules import (
    DOLLAR,
    Reference,
    collar,
    midpoint,
    on_tick,
    outside,
    round_lot,
    tighter,
)


class TestLots:
    @pytest.mark.parametrize(
        ("dollars", "shares"),
        [(0.5, 100), (250, 100), (250.01, 40), (1_000, 40), (1_000.01, 10), (10_000, 10)],
    )
    def test_by_price(self, dollars: float, shares: int) -> None:
        assert round_lot(int(dollars * DOLLAR)) == shares

    def test_above_ten_thousand_dollars_every_share_is_one(self) -> None:
        assert round_lot(10_000 * DOLLAR + 1) == 1


class TestPrices:
    def test_ticks(self) -> None:
        assert on_tick(10_010_000, 10_000)
        assert not on_tick(10_005_000, 10_000)

    @pytest.mark.parametrize(
        ("side", "price", "expected"),
        [
            (Side.BUY, 10_010_000, 10_000_000),
            (Side.SELL, 10_010_000, 10_020_000),
            (Side.BUY, 10_005_000, 10_000_000),
            (Side.SELL, 10_005_000, 10_010_000),
        ],
    )
    def test_one_tick_outside(self, side: Side, price: int, expected: int) -> None:
        assert outside(side, price, 10_000) == expected

    def test_collars(self) -> None:
        assert collar(Side.BUY, 1_000, 50_000) == 1_050
        assert collar(Side.SELL, 1_000, 50_000) == 950

    def test_the_tighter_limit(self) -> None:
        assert tighter(Side.BUY, 9, 10) == 9
        assert tighter(Side.SELL, 9, 10) == 10

    @pytest.mark.parametrize(
        ("bid", "ask", "expected"),
        [(10, 14, 12), (10, 10, None), (11, 10, None), (None, 10, None), (10, None, None)],
    )
    def test_midpoint(self, bid: int | None, ask: int | None, expected: int | None) -> None:
        assert midpoint(bid, ask) == expected
        assert Reference(bid, ask).regular is (expected is not None)


class TestProtection:
    @pytest.mark.parametrize(
        ("reference", "buys", "sells"),
        [
            (Reference(10, 14), 14, 10),
            (Reference(10, 10), 10, 10),
            (Reference(11, 10), None, None),
            (Reference(None, 14), 14, None),
            (Reference(), None, None),
        ],
    )
    def test_by_side(self, reference: Reference, buys: int | None, sells: int | None) -> None:
        assert reference.protected(Side.BUY) == buys
        assert reference.protected(Side.SELL) == sells
