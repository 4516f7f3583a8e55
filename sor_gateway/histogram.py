"""Durations counted by size: plain integers that any package may keep and the metrics read.

Owns: the buckets. May not know: who counts what, Prometheus, clocks.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

TURN_BOUNDS_NS: Final = (
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
)
"""For what happens within a turn of ours, or within a write to the disk."""
PEER_BOUNDS_NS: Final = (
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    5_000_000_000,
    30_000_000_000,
    120_000_000_000,
)
"""For what a peer takes: from a venue next door to an order that rests for minutes."""


class DurationHistogram:
    """Counts durations by size: one bisection and two additions an observation."""

    __slots__ = ("bounds_ns", "counts", "sum_ns")

    def __init__(self, bounds_ns: tuple[int, ...] = TURN_BOUNDS_NS) -> None:
        assert list(bounds_ns) == sorted(set(bounds_ns)), "bounds must rise"
        self.bounds_ns = bounds_ns
        self.counts = [0] * (len(bounds_ns) + 1)
        """Observations at most as long as each bound and longer than the one before; the last
        place holds those above all bounds."""
        self.sum_ns = 0

    def observe(self, duration_ns: int) -> None:
        """Count one duration; a negative one (a wall clock may step back) as none at all."""
        duration_ns = max(duration_ns, 0)
        self.counts[bisect_left(self.bounds_ns, duration_ns)] += 1
        self.sum_ns += duration_ns


def peer_histogram() -> DurationHistogram:
    """An empty one with the bounds for what a peer takes."""
    return DurationHistogram(PEER_BOUNDS_NS)
