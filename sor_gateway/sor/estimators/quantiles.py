"""Quantiles that forget: durations by size, the latest counting most.

Owns: the buckets and their fading. May not know: what is measured.

Buckets are a quarter of a power of two wide, so a quantile is exact to about a fifth. Instead of
fading every bucket with each observation, each observation counts a little more than the one
before it; when the numbers grow large all are scaled down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.types import Nanos

DECAY: Final = 0.99
"""Half of the weight is on the last 69 observations."""
WEIGHT_MAX: Final = 1e12
FINE_BITS: Final = 2


@dataclass(slots=True)
class Quantiles:
    """Decayed counts by bucket."""

    counts: dict[int, float] = field(default_factory=dict)
    weight: float = 1.0
    """Of the next observation."""

    def observe(self, duration_ns: Nanos) -> None:
        """Take one duration in; a negative one (a wall clock may step back) as none at all."""
        bucket = bucket_of(duration_ns)
        self.counts[bucket] = self.counts.get(bucket, 0.0) + self.weight
        self.weight /= DECAY
        if self.weight > WEIGHT_MAX:
            scaled = {at: count / self.weight for at, count in self.counts.items()}
            self.counts = {at: count for at, count in scaled.items() if count > 1 / WEIGHT_MAX}
            self.weight = 1.0

    def at(self, share: float) -> Nanos | None:
        """The duration that this share of the observations did not exceed; None before any."""
        wanted, seen = share * sum(self.counts.values()), 0.0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return upper_of(bucket)
        return None


def bucket_of(duration_ns: Nanos) -> int:
    """Four buckets to each power of two."""
    duration_ns = max(duration_ns, 1 << FINE_BITS)
    shift = duration_ns.bit_length() - 1 - FINE_BITS
    return (shift << FINE_BITS) + (duration_ns >> shift) - (1 << FINE_BITS)


def upper_of(bucket: int) -> Nanos:
    """The largest duration of a bucket."""
    shift, fine = divmod(bucket, 1 << FINE_BITS)
    return ((fine + (1 << FINE_BITS) + 1) << shift) - 1
