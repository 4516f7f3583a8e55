"""Market time: how far the simulated market has come at a wall-clock instant.

Owns: the arithmetic between wall time and market time, both in nanoseconds.
May not know: what time it is. Only market time is scaled; latencies, FIX stamps and heartbeats run
on the wall clock (decisions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

NANOS_PER_SECOND: Final = 1_000_000_000
NANOS_PER_MS: Final = 1_000_000
SCALE_UNIT: Final = 1_000
"""Scales are whole thousandths, so that all processes compute the same integers."""


@dataclass(slots=True)
class MarketClock:
    """`t0_ns`: the wall time at which market time is 0. `scale_milli`: market seconds that pass in
    a thousand wall seconds; 60,000 is an hour a minute."""

    t0_ns: int
    scale_milli: int = SCALE_UNIT

    def market(self, wall_ns: int) -> int:
        """Market time at a wall time."""
        return (wall_ns - self.t0_ns) * self.scale_milli // SCALE_UNIT

    def wall(self, market_ns: int) -> int:
        """The first wall time at which market time is at least this."""
        return self.t0_ns - (-market_ns * SCALE_UNIT // self.scale_milli)


def parse_scale(text: str) -> int:
    """A scale in thousandths. Raises ValueError."""
    scale = Decimal(text) * SCALE_UNIT
    if scale <= 0 or scale != scale.to_integral_value():
        raise ValueError(f"{text!r}: expected a positive number with at most three decimals")
    return int(scale)


def midnight_ns(now_ns: int) -> int:
    """Midnight, UTC, of the day of `now_ns`."""
    day = datetime.fromtimestamp(now_ns // NANOS_PER_SECOND, UTC).replace(
        hour=0, minute=0, second=0
    )
    return int(day.timestamp()) * NANOS_PER_SECOND
