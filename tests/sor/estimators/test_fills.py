"""The fill rate of a venue."""

from __future__ import annotations

import pytest

from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.estimators.fills import fill_rate, observe


class TestFillRate:
    """From the prior towards what happens."""

    def test_the_prior_alone(self) -> None:
        assert fill_rate(DecayedMean(), 0.6) == pytest.approx(0.6)

    def test_each_child_counts_once_whatever_its_size(self) -> None:
        small, large = DecayedMean(), DecayedMean()
        observe(small, 50, 100)
        observe(large, 50_000, 100_000)
        assert small == large

    def test_it_converges_to_what_happens(self) -> None:
        mean = DecayedMean()
        for _ in range(500):
            observe(mean, 90, 100)
        # The decay keeps a weight of 50 against the prior's 10.
        assert fill_rate(mean, 0.3) == pytest.approx((50 * 0.9 + 10 * 0.3) / 60, abs=0.001)

    def test_an_over_fill_is_a_whole_fill(self) -> None:
        mean = DecayedMean()
        observe(mean, 150, 100)
        assert mean.total == 1.0
