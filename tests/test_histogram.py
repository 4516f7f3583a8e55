from __future__ import annotations

import pytest

from sor_gateway.histogram import DurationHistogram


class TestDurationHistogram:
    def test_a_bound_belongs_to_its_own_bucket(self) -> None:
        """Prometheus: `le` is less than or equal."""
        histogram = DurationHistogram((10, 20))
        for duration_ns in (10, 11, 20, 21):
            histogram.observe(duration_ns)
        assert histogram.counts == [1, 2, 1]
        assert histogram.sum_ns == 62

    def test_a_clock_that_stepped_back_takes_nothing_from_the_sum(self) -> None:
        histogram = DurationHistogram((10, 20))
        histogram.observe(15)
        histogram.observe(-1_000)
        assert histogram.counts == [1, 1, 0]
        assert histogram.sum_ns == 15

    @pytest.mark.parametrize("bounds_ns", [(20, 10), (10, 10)])
    def test_bounds_must_rise(self, bounds_ns: tuple[int, ...]) -> None:
        with pytest.raises(AssertionError):
            DurationHistogram(bounds_ns)
