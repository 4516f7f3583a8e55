"""Hours: in which phase the venue's trading session is at a time.

Owns: the arithmetic of a day: before the open, open, before the close, closed.
May not know: orders, what is done when a phase begins. Hours are wall time (decisions.md: only
market time is scaled).
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.fix.schedule import Schedule, Window
from venue_sims.words import Phase


@dataclass(slots=True)
class Hours:
    """When a venue trades; without a `schedule` always."""

    schedule: Schedule | None = None
    pre_open_ns: int = 0
    """How long before the open it says that it is about to; orders are not taken yet."""
    pre_close_ns: int = 0
    """How long before the close it says that it is about to."""

    def phase(self, now: int) -> Phase:
        """The phase at this time."""
        if self.schedule is None:
            return Phase.OPEN
        window = self.schedule.window(now)
        if window is None:
            opens = self.schedule.next_start_ns(now)
            return Phase.PRE_OPEN if now >= opens - self.pre_open_ns else Phase.CLOSED
        return Phase.PRE_CLOSE if now >= window.end_ns - self.pre_close_ns else Phase.OPEN

    def next_change_ns(self, now: int) -> int | None:
        """When the next phase begins; None: never."""
        if self.schedule is None:
            return None
        window = self.schedule.window(now)
        if window is None:
            opens = self.schedule.next_start_ns(now)
            edges = [opens - self.pre_open_ns, opens]
        else:
            edges = [window.end_ns - self.pre_close_ns, window.end_ns]
        return next(edge for edge in edges if edge > now)

    def window(self, now: int) -> Window | None:
        """The hours that this time lies in; None: the venue is closed, or always open."""
        return None if self.schedule is None else self.schedule.window(now)
