"""When a fault strikes: the part of its settings that all faults share.

Owns: the keys, their meaning and bounds.
May not know: faults, venues, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from venue_sims.flow.clock import NANOS_PER_MS, NANOS_PER_SECOND

LONGEST_S: Final = 86_400.0
MOST: Final = 1_000_000_000
"""No setting is more: what follows from it has to fit the journal's 64 bits."""


@dataclass(slots=True, kw_only=True)
class When:
    """A fault that nothing is said of strikes at every opportunity, from the start, for ever.
    Raises ValueError for what makes no sense."""

    p: float = 1.0
    """Probability that it strikes when it may."""
    skip: int = 0
    """Opportunities that it lets pass first."""
    count: int = 0
    """How often it strikes at most, restarts of the venue included; 0: without end."""
    at_s: float = 0.0
    """Seconds of wall time after the venue opened, or after the fault was set, from which on."""
    for_s: float = 0.0
    """For so many seconds of wall time; 0: without end."""
    symbol: str = ""
    """Only for this symbol, where it is about orders."""
    session: str = ""
    """Only for this client (or client and version, as the journal names its sessions)."""

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ValueError(f"p is {self.p}: expected a probability from 0 to 1")
        at_least(0, skip=self.skip, count=self.count)
        for name in ("at_s", "for_s"):
            if not 0 <= getattr(self, name) <= LONGEST_S:
                raise ValueError(f"{name} is {getattr(self, name)}: expected 0 to {LONGEST_S:g}")

    def means(self, session: str, symbol: str) -> bool:
        """Whether something of this session and symbol (empty: of none) is meant."""
        if self.symbol and symbol and symbol != self.symbol:
            return False
        wanted = self.session
        return not (wanted and session) or wanted in (session, session.rpartition("-")[0])


def at_least(low: float, most: float = MOST, **values: float) -> None:
    """Raises ValueError, which names the first of these that is lower than `low` (or no number),
    or more than `most`."""
    for name, value in values.items():
        if not value >= low:
            raise ValueError(f"{name} is {value}: expected at least {low:g}")
        if value > most:
            raise ValueError(f"{name} is {value}: expected at most {most:g}")


def ms(value: float) -> int:
    """Milliseconds as nanoseconds."""
    return round(value * NANOS_PER_MS)


def seconds(value: float) -> int:
    """Seconds as nanoseconds."""
    return round(value * NANOS_PER_SECOND)
