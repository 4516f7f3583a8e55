"""Hours: in which phase the venue's trading session is at a time.

Owns: the arithmetic of a day: before the open, open, before the close, closed.
May not know: orders, what is done when a phase begins. Hours are wall time (decisions.md: only
market time is scaled).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sor_gateway.fix.schedule import Schedule, Window
from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.words import Phase


@dataclass(slots=True)
class Hours:
    """When a venue trades; without a `schedule` always. A day is that on which its window begins,
    in the zone of the schedule."""

    schedule: Schedule | None = None
    pre_open_ns: int = 0
    """How long before the open it says that it is about to; orders are not taken yet."""
    pre_close_ns: int = 0
    """How long before the close it says that it is about to."""
    holidays: frozenset[date] = frozenset()
    early_closes: dict[date, time] = field(default_factory=dict)

    def phase(self, now: int) -> Phase:
        """The phase at this time."""
        if self.schedule is None:
            return Phase.OPEN
        window = self.window(now)
        if window is None:
            opens = self._opens_ns(self.schedule, now)
            return Phase.PRE_OPEN if now >= opens - self.pre_open_ns else Phase.CLOSED
        return Phase.PRE_CLOSE if now >= window.end_ns - self.pre_close_ns else Phase.OPEN

    def next_change_ns(self, now: int) -> int | None:
        """When the next phase begins; None: never."""
        if self.schedule is None:
            return None
        window = self.window(now)
        if window is None:
            opens = self._opens_ns(self.schedule, now)
            edges = [opens - self.pre_open_ns, opens]
        else:
            edges = [window.end_ns - self.pre_close_ns, window.end_ns]
        return next(edge for edge in edges if edge > now)

    def window(self, now: int) -> Window | None:
        """The hours that this time lies in; None: the venue is closed, or always open."""
        if self.schedule is None:
            return None
        window = self.schedule.window(now)
        if window is None:
            return None
        begins = _local(self.schedule, window.begin_ns)
        if begins.date() in self.holidays:
            return None
        if begins.date() in self.early_closes:
            end_ns = _early_ns(begins, self.early_closes[begins.date()])
            window = Window(window.begin_ns, min(end_ns, window.end_ns))
        return window if now < window.end_ns else None

    def _opens_ns(self, schedule: Schedule, now: int) -> int:
        opens = schedule.next_start_ns(now)
        while _local(schedule, opens).date() in self.holidays:
            opens = schedule.next_start_ns(opens)
        return opens


def _local(schedule: Schedule, at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // NANOS_PER_SECOND, UTC).astimezone(schedule.zone)


def _early_ns(begins: datetime, at: time) -> int:
    """The first coming of a local time behind the beginning of a window."""
    ends = datetime.combine(begins.date(), at, begins.tzinfo)
    if ends <= begins:
        ends = datetime.combine(begins.date() + timedelta(days=1), at, begins.tzinfo)
    return int(ends.timestamp()) * NANOS_PER_SECOND
