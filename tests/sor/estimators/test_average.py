"""A mean that forgets, with a prior that is mixed in when it is read."""

from __future__ import annotations

import pytest

from sor_gateway.sor.estimators.average import DecayedMean


class TestDecayedMean:
    """Exact values by hand."""

    def test_nothing_observed_is_the_prior(self) -> None:
        assert DecayedMean().mean(0.7, 10.0) == pytest.approx(0.7)

    def test_the_prior_counts_like_its_weight(self) -> None:
        mean = DecayedMean()
        mean.observe(1.0, 1.0)
        assert mean.mean(0.0, 3.0) == pytest.approx(0.25)

    def test_what_came_before_counts_less(self) -> None:
        mean = DecayedMean()
        mean.observe(4.0, 0.5)
        mean.observe(1.0, 0.5)
        assert mean.total == pytest.approx(3.0)
        assert mean.weight == pytest.approx(1.5)
        assert mean.mean(0.0, 0.0) == pytest.approx(2.0)
