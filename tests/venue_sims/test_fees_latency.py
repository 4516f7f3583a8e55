"""Fees are exact integers; latencies follow the published table."""

from __future__ import annotations

import pytest

from venue_sims.fees import FeeSchedule, half_even
from venue_sims.latency import Latency, LatencySettings, multiple
from venue_sims.words import Liquidity

FEES = FeeSchedule(take=2_800, add=-1_800, mid=1_000)


class TestFees:
    @pytest.mark.parametrize(
        ("liquidity", "fee"),
        [(Liquidity.REMOVED, 280_000), (Liquidity.ADDED, -180_000), (Liquidity.MIDPOINT, 100_000)],
    )
    def test_a_rate_a_share(self, liquidity: Liquidity, fee: int) -> None:
        assert FEES.fee(liquidity, 100, 50_000_000) == fee

    def test_below_a_dollar_a_part_of_the_value(self) -> None:
        """0.30 % of 100 x 0.50 dollars is 15 cents."""
        assert FEES.fee(Liquidity.REMOVED, 100, 500_000) == 150_000
        assert FEES.fee(Liquidity.ADDED, 100, 500_000) == 0

    def test_halves_go_to_even(self) -> None:
        assert [half_even(n, 2) for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


class TestLatency:
    @pytest.mark.parametrize(
        ("draw", "value"),
        [(0.0, 0.6), (0.25, 0.9), (0.5, 1.0), (0.75, 1.15), (0.9, 1.5), (0.99, 14.0), (1.0, 14.0)],
    )
    def test_the_table_holds_at_its_points(self, draw: float, value: float) -> None:
        assert multiple(draw) == pytest.approx(value)

    def test_median_and_scale(self) -> None:
        latency = Latency(1, "XLIT", LatencySettings(in_us=100, out_us=50, scale=10.0))
        draws = sorted(latency.inbound("S", k) for k in range(4_001))
        assert draws[2_000] == pytest.approx(1_000_000, rel=0.03)

    def test_a_draw_depends_on_session_direction_and_count_alone(self) -> None:
        settings = LatencySettings(in_us=100, out_us=100)
        one, other = Latency(1, "XLIT", settings), Latency(1, "XLIT", settings)
        for k in range(10):
            other.inbound("T", k)
        assert one.inbound("S", 5) == other.inbound("S", 5)
        assert one.inbound("S", 5) != one.outbound("S", 5)
