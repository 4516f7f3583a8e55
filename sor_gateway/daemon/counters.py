"""What the engine counts of itself.

Owns: plain figures, read at scrape time. May not know: Prometheus, turns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.ops.metrics import DurationHistogram


@dataclass(slots=True)
class Traded:
    """What was executed at one market since the process began."""

    fills: int = 0
    shares: int = 0
    fees_micros: int = 0


@dataclass(slots=True)
class TurnCounters:
    """Plain figures of the engine, read at scrape time."""

    records: int = 0
    last_record_ns: int = 0
    decisions: int = 0
    stalls: int = 0
    durations: DurationHistogram = field(default_factory=DurationHistogram)
    alarms: dict[str, int] = field(default_factory=dict)
    """By code."""
    traded: dict[str, Traded] = field(default_factory=dict)
    """By LastMkt."""
    scores: dict[str, float] = field(default_factory=dict)
    """The last display score by venue."""
