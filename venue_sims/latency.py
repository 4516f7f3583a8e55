"""How long a message takes through the venue, each way: an inverse distribution table.

Owns: the table's shape and the draw.
May not know: sessions beyond their names, clocks. Latencies are wall time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from venue_sims.flow.streams import Stream

NANOS_PER_US: Final = 1_000

LEVEL_2025: Final = (
    (0.0, 0.6),
    (0.25, 0.9),
    (0.50, 1.0),
    (0.75, 1.15),
    (0.90, 1.5),
    (0.95, 2.1),
    (0.99, 14.0),
    (1.0, 14.0),
)
"""Quantiles in multiples of the median (venues.md 4.5: a dark venue's own publication)."""


@dataclass(slots=True)
class LatencySettings:
    """Medians in microseconds, and the factor on everything."""

    in_us: int
    match_us: int = 0
    out_us: int = 0
    scale: float = 10.0
    """So that the event loop's millisecond does not blur the order of venues."""


def multiple(draw: float) -> float:
    """The table's value at a probability, straight between its points."""
    for (low, at_low), (high, at_high) in pairwise(LEVEL_2025):
        if draw <= high:
            return at_low + (at_high - at_low) * (draw - low) / (high - low)
    return LEVEL_2025[-1][1]


class Latency:
    """The draws of one venue: message `k` of a session and direction, whatever came before it."""

    def __init__(self, seed: int, venue: str, settings: LatencySettings) -> None:
        self._seed = seed
        self._venue = venue
        self.settings = settings
        self._streams: dict[tuple[str, bool], Stream] = {}

    def inbound(self, session: str, k: int) -> int:
        """From the wire to the matcher."""
        return self._scaled(self.settings.match_us) + self._draw(
            self._scaled(self.settings.in_us), session, True, k
        )

    def outbound(self, session: str, k: int) -> int:
        """From the matcher to the wire."""
        return self._draw(self._scaled(self.settings.out_us), session, False, k)

    def _scaled(self, median_us: int) -> int:
        return int(median_us * self.settings.scale * NANOS_PER_US)

    def _draw(self, median_ns: int, session: str, inward: bool, k: int) -> int:
        if not median_ns:
            return 0
        stream = self._streams.get((session, inward))
        if stream is None:
            name = f"lat:{self._venue}:{session}:{'in' if inward else 'out'}"
            stream = self._streams[session, inward] = Stream(self._seed, name)
        return int(median_ns * multiple(stream.uniform(k)))
