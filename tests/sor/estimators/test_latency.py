"""The latency of a venue."""

from __future__ import annotations

import pytest

from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.estimators.latency import SAMPLE_MAX_NS, latency_ns, observe


class TestLatency:
    """From the prior towards what is measured."""

    def test_the_prior_alone(self) -> None:
        assert latency_ns(DecayedMean(), 250_000) == pytest.approx(250_000)

    def test_slow_answers_raise_it(self) -> None:
        mean = DecayedMean()
        for _ in range(100):
            observe(mean, 1_000_000)
        assert 600_000 < latency_ns(mean, 100_000) < 1_000_000

    def test_an_outage_and_a_clock_step_are_bounded(self) -> None:
        mean = DecayedMean()
        observe(mean, 10**15)
        assert mean.total == SAMPLE_MAX_NS
        observe(mean, -5)
        assert mean.total == pytest.approx(SAMPLE_MAX_NS * 0.9)
