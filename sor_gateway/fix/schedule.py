"""Session hours: when a session may be logged on, and when its numbers start anew.

Owns: the arithmetic of local times, weekdays, midnight and daylight saving.
May not know: clocks, the zone database (a `tzinfo` comes in), what is done at the edges.

A *window* is one stretch of session hours. It begins on each of `days` at the local time `start`
and ends at the local time `end`, on the next day when that is not later than `start`; so 17:00 to
16:00 is a session over midnight and 17:00 to 17:00 one without a break. `days` name the day on
which a window begins, in the zone's own calendar. With `end_day` a window is one of the week: it
ends on the next such day, so Sunday 17:00 to Friday 17:00 is one session, whose numbers run on
from day to day.

Daylight saving: local times are what the contract says, so a window is an hour shorter or longer
when the clocks change within it. A local time that the clocks skip is the instant that it would
have been without the change; one that comes twice is its first coming. Windows never overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

_NANOS_PER_SECOND: Final = 1_000_000_000
_DAYS_AHEAD: Final = 16
"""Within so many days each weekday comes again, even where a window of it is empty once."""


@dataclass(slots=True, frozen=True)
class Window:
    """One stretch of session hours, nanoseconds UTC; `end_ns` is not a part of it."""

    begin_ns: int
    end_ns: int


@dataclass(slots=True, frozen=True)
class Schedule:
    """The hours of one session."""

    zone: tzinfo
    start: time
    end: time
    days: frozenset[int]
    """Weekdays on which a window begins, Monday is 0; a single one where `end_day` is given."""
    reset_at_start: bool = False
    """Numbers start at 1 with the first logon of each window."""
    end_day: int | None = None
    """The weekday on which the window of the week ends; None: each window ends within a day."""

    def __post_init__(self) -> None:
        assert self.days <= frozenset(range(7))
        assert self.days
        assert self.end_day is None or (self.end_day in range(7) and len(self.days) == 1)
        assert self.start.tzinfo is None
        assert self.end.tzinfo is None

    def window(self, now_ns: int) -> Window | None:
        """The window that this time lies in, or None outside of session hours."""
        today = self._local(now_ns).date()
        days_back = 1 if self.end_day is None else 7
        for back in range(days_back, -1, -1):
            window = self._window_of(today - timedelta(days=back))
            if window is not None and window.begin_ns <= now_ns < window.end_ns:
                return window
        return None

    def next_start_ns(self, now_ns: int) -> int:
        """When the next window after this time begins."""
        today = self._local(now_ns).date()
        for ahead in range(-1, _DAYS_AHEAD):
            window = self._window_of(today + timedelta(days=ahead))
            if window is not None and window.begin_ns > now_ns:
                return window.begin_ns
        raise AssertionError("each week has a window")

    def shown(self, at_ns: int) -> str:
        """A time in the words of the schedule, such as `2026-03-02 17:00 America/New_York`."""
        return f"{self._local(at_ns):%Y-%m-%d %H:%M} {self.zone}"

    def refusal(self, now_ns: int) -> str | None:
        """Why nobody may log on at this time, or None."""
        if self.window(now_ns) is not None:
            return None
        opens = self.shown(self.next_start_ns(now_ns))
        return f"outside session hours; they begin at {opens}"

    def _window_of(self, day: date) -> Window | None:
        """The window that begins on this local day; None: there is none, or the clocks skip it."""
        if day.weekday() not in self.days:
            return None
        last = day + timedelta(days=self._days_long(day))
        begin_ns, end_ns = self._instant(day, self.start), self._instant(last, self.end)
        return Window(begin_ns, end_ns) if begin_ns < end_ns else None

    def _days_long(self, day: date) -> int:
        """How many midnights the window that begins on this day contains."""
        if self.end_day is None:
            return 1 if self.end <= self.start else 0
        days = (self.end_day - day.weekday()) % 7
        return 7 if days == 0 and self.end <= self.start else days

    def _instant(self, day: date, at: time) -> int:
        local = datetime.combine(day, at.replace(fold=0), self.zone)
        return int(local.timestamp()) * _NANOS_PER_SECOND

    def _local(self, now_ns: int) -> datetime:
        return datetime.fromtimestamp(now_ns // _NANOS_PER_SECOND, UTC).astimezone(self.zone)
