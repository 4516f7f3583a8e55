from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sor_gateway.config import load
from sor_gateway.config.calendar import Calendar

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> int:
    """Nanoseconds of a local time in New York."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.fixture(scope="module")
def us_equities() -> Calendar:
    return load(Path("config"), {"SOR__GATEWAY__CALENDAR": "us-equities"}).calendar


class TestHours:
    @pytest.mark.parametrize(
        ("local", "is_open"),
        [
            ("2026-11-20T09:29:59", False),
            ("2026-11-20T09:30:00", True),
            ("2026-11-20T15:59:59", True),
            ("2026-11-20T16:00:00", False),
            ("2026-11-21T12:00:00", False),  # a Saturday
            ("2026-11-26T12:00:00", False),  # Thanksgiving
            ("2026-11-27T12:59:59", True),  # the day after closes early
            ("2026-11-27T13:00:00", False),
            ("2026-07-03T12:00:00", False),  # Independence Day, observed on the Friday
        ],
    )
    def test_us_equities(self, us_equities: Calendar, local: str, is_open: bool) -> None:
        assert us_equities.is_open(new_york(local)) is is_open

    def test_summer_and_winter_open_at_the_same_local_time(self, us_equities: Calendar) -> None:
        assert us_equities.is_open(utc("2026-07-15T13:30:00"))  # UTC-4
        assert not us_equities.is_open(utc("2026-01-15T13:30:00"))  # UTC-5
        assert us_equities.is_open(utc("2026-01-15T14:30:00"))


class TestTradingDay:
    @pytest.mark.parametrize(
        ("local", "day"),
        [
            ("2026-11-18T03:00:00", date(2026, 11, 18)),
            ("2026-11-18T16:59:59", date(2026, 11, 18)),
            ("2026-11-18T17:00:00", date(2026, 11, 19)),
            ("2026-11-20T17:00:00", date(2026, 11, 23)),  # Friday evening belongs to Monday
            ("2026-11-22T12:00:00", date(2026, 11, 23)),
            ("2026-11-25T18:00:00", date(2026, 11, 27)),  # over Thanksgiving
            ("2026-12-24T17:30:00", date(2026, 12, 28)),  # over Christmas and a weekend
        ],
    )
    def test_us_equities(self, us_equities: Calendar, local: str, day: date) -> None:
        assert us_equities.trading_day(new_york(local)) == day

    def test_the_close_is_that_of_the_trading_day(self, us_equities: Calendar) -> None:
        assert us_equities.close_ns(new_york("2026-11-18T10:00:00")) == new_york(
            "2026-11-18T16:00:00"
        )
        assert us_equities.close_ns(new_york("2026-11-25T18:00:00")) == new_york(
            "2026-11-27T13:00:00"
        )

    @pytest.mark.parametrize(
        ("local", "ends"),
        [
            ("2026-11-18T10:00:00", "2026-11-18T17:00:00"),
            ("2026-11-18T16:59:59", "2026-11-18T17:00:00"),
            ("2026-11-18T17:00:00", "2026-11-19T17:00:00"),
            ("2026-11-20T17:00:00", "2026-11-23T17:00:00"),  # Friday evening belongs to Monday
            ("2026-11-25T18:00:00", "2026-11-27T17:00:00"),  # over Thanksgiving
            ("2026-10-30T17:00:00", "2026-11-02T17:00:00"),  # summer time ends on the Sunday
        ],
    )
    def test_a_day_ends_where_the_next_begins(
        self, us_equities: Calendar, local: str, ends: str
    ) -> None:
        assert us_equities.day_ends_ns(new_york(local)) == new_york(ends)

    def test_a_calendar_without_trading_days_is_an_error(self) -> None:
        closed = Calendar(
            "closed",
            holidays=frozenset(
                date(2026, month, day) for month in (1, 2, 3) for day in range(1, 29)
            )
            | {date(2026, 1, day) for day in (29, 30, 31)}
            | {date(2026, 3, day) for day in (29, 30, 31)},
        )
        with pytest.raises(ValueError, match="closed: no trading day"):
            closed.trading_day(utc("2026-01-02T00:00:00"))


class TestCoverage:
    def test_outside_of_the_known_holidays_it_says_so(self, us_equities: Calendar) -> None:
        assert us_equities.covers(new_york("2026-01-02T10:00:00"))
        assert us_equities.covers(new_york("2027-12-31T10:00:00"))
        assert not us_equities.covers(new_york("2025-12-31T10:00:00"))
        assert not us_equities.covers(new_york("2028-01-03T10:00:00"))


class TestAlwaysOpen:
    def test_is_open_on_a_saturday_night(self) -> None:
        calendar = Calendar("always-open", always_open=True, closes=time(16, 0))
        saturday_night = utc("2026-11-21T23:59:59")
        assert calendar.is_open(saturday_night)
        assert calendar.covers(saturday_night)
        assert calendar.trading_day(saturday_night) == date(2026, 11, 21)
        assert calendar.close_ns(saturday_night) is None
        assert calendar.day_ends_ns(saturday_night) == utc("2026-11-22T00:00:00")
        assert calendar.day_ends_ns(utc("2026-11-22T00:00:00")) == utc("2026-11-23T00:00:00")

    def test_is_the_default(self) -> None:
        assert load(Path("config"), {}).calendar.always_open
