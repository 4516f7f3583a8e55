"""When the market is open, and which trading day it is.

Owns: hours, holidays and early closes of a named calendar, asked with the time as an argument.
May not know: files, clocks, orders.

A trading day ends at `day_end` local time: what comes later belongs to the next day on which the
market opens (decisions.md). A calendar knows a range of dates only; outside of it `covers` is
false, and a gateway that runs there is not ready, because nobody told it the holidays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NANOS_PER_SECOND = 1_000_000_000
SATURDAY = 5
LOOK_AHEAD_DAYS = 31
"""No market stays closed for longer; bounds the search for the next trading day."""


@dataclass(slots=True)
class Calendar:
    """A named calendar."""

    name: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    always_open: bool = False
    """Open at all times; the trading day is the date in UTC."""
    opens: time = time(9, 30)
    closes: time = time(16, 0)
    day_end: time = time(17, 0)
    first: date = date.min
    last: date = date.max
    holidays: frozenset[date] = frozenset()
    early_closes: dict[date, time] = field(default_factory=dict)

    def covers(self, now_ns: int) -> bool:
        """Whether the calendar knows this time's trading day."""
        return self.always_open or self.first <= self.trading_day(now_ns) <= self.last

    def is_open(self, now_ns: int) -> bool:
        """Whether the market trades at this time."""
        if self.always_open:
            return True
        local = self._local(now_ns)
        day = local.date()
        return self.is_trading_day(day) and self.opens <= local.time() < self._close_of(day)

    def is_trading_day(self, day: date) -> bool:
        """Whether the market opens on this date."""
        return self.always_open or (day.weekday() < SATURDAY and day not in self.holidays)

    def trading_day(self, now_ns: int) -> date:
        """The trading day that this time belongs to."""
        local = self._local(now_ns)
        if self.always_open:
            return local.date()
        day = local.date()
        if local.time() >= self.day_end:
            day += timedelta(days=1)
        for _ in range(LOOK_AHEAD_DAYS):
            if self.is_trading_day(day):
                return day
            day += timedelta(days=1)
        raise ValueError(f"calendar {self.name}: no trading day within a month of {local.date()}")

    def day_ends_ns(self, now_ns: int) -> int:
        """When this time's trading day is over and the next one begins."""
        day = self.trading_day(now_ns)
        if self.always_open:
            end = datetime.combine(day + timedelta(days=1), time(), self.zone)
        else:
            end = datetime.combine(day, self.day_end, self.zone)
        return int(end.timestamp()) * NANOS_PER_SECOND

    def close_ns(self, now_ns: int) -> int | None:
        """When the market closes on this time's trading day: Day orders expire then. None when it
        never closes."""
        if self.always_open:
            return None
        day = self.trading_day(now_ns)
        close = datetime.combine(day, self._close_of(day), self.zone)
        return int(close.timestamp()) * NANOS_PER_SECOND

    def _close_of(self, day: date) -> time:
        return self.early_closes.get(day, self.closes)

    def _local(self, now_ns: int) -> datetime:
        instant = datetime.fromtimestamp(now_ns // NANOS_PER_SECOND, UTC)
        return instant.astimezone(self.zone)
