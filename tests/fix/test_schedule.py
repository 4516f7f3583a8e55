"""Session hours, against instants that were worked out by hand from UTC offsets."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.schedule import Schedule, Window

NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = frozenset(range(5))
DAILY = frozenset(range(7))


def utc(text: str) -> int:
    """Nanoseconds of a UTC time such as `2026-03-02 14:30`."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def window(begin: str, end: str) -> Window:
    return Window(utc(begin), utc(end))


def day_hours(days: frozenset[int] = WEEKDAYS) -> Schedule:
    return Schedule(NEW_YORK, time(8), time(17), days)


class TestOneDay:
    @pytest.mark.parametrize(
        ("now", "open_"),
        [
            ("2026-03-02 12:59", False),
            ("2026-03-02 13:00", True),  # 08:00 at five hours behind UTC
            ("2026-03-02 21:59", True),
            ("2026-03-02 22:00", False),
            ("2026-03-07 15:00", False),  # a Saturday
        ],
    )
    def test_the_end_is_not_a_part_of_it(self, now: str, open_: bool) -> None:
        assert (day_hours().window(utc(now)) is not None) is open_

    def test_next_start_skips_days_without_a_window(self) -> None:
        friday_evening, monday = utc("2026-03-06 23:00"), utc("2026-03-09 12:00")
        assert day_hours().next_start_ns(friday_evening) == monday  # four hours behind by then

    def test_next_start_is_never_now(self) -> None:
        assert day_hours().next_start_ns(utc("2026-03-02 13:00")) == utc("2026-03-03 13:00")

    def test_a_refusal_says_when_to_come_back(self) -> None:
        assert day_hours().refusal(utc("2026-03-02 12:00")) == (
            "outside session hours; they begin at 2026-03-02 08:00 America/New_York"
        )
        assert day_hours().refusal(utc("2026-03-02 13:00")) is None


class TestOverMidnight:
    # 17:00 to 16:00 the next day, Sunday to Thursday
    schedule = Schedule(NEW_YORK, time(17), time(16), frozenset({6, 0, 1, 2, 3}))

    def test_belongs_to_the_day_on_which_it_begins(self) -> None:
        monday_morning = utc("2026-03-02 15:00")
        assert self.schedule.window(monday_morning) == window(
            "2026-03-01 22:00", "2026-03-02 21:00"
        )

    def test_has_a_pause_each_day_and_a_weekend(self) -> None:
        assert self.schedule.window(utc("2026-03-02 21:30")) is None
        assert self.schedule.window(utc("2026-03-06 20:59")) is not None  # began on Thursday
        assert self.schedule.window(utc("2026-03-06 22:30")) is None  # none begins on Friday

    def test_the_same_start_and_end_leave_no_pause(self) -> None:
        always = Schedule(NEW_YORK, time(17), time(17), DAILY)
        assert always.window(utc("2026-03-02 21:59")) == window(
            "2026-03-01 22:00", "2026-03-02 22:00"
        )
        assert always.window(utc("2026-03-02 22:00")) == window(
            "2026-03-02 22:00", "2026-03-03 22:00"
        )


class TestOfTheWeek:
    # Sunday 17:00 to Friday 16:30, as futures markets have it
    schedule = Schedule(NEW_YORK, time(17), time(16, 30), frozenset({6}), end_day=4)

    @pytest.mark.parametrize(
        ("now", "open_"),
        [
            ("2026-03-01 21:59", False),  # a Sunday; five hours behind UTC
            ("2026-03-01 22:00", True),
            ("2026-03-02 21:45", True),  # no pause within the week
            ("2026-03-04 03:00", True),
            ("2026-03-06 21:29", True),
            ("2026-03-06 21:30", False),
            ("2026-03-07 15:00", False),
        ],
    )
    def test_runs_from_day_to_day(self, now: str, open_: bool) -> None:
        found = self.schedule.window(utc(now))
        assert found == (window("2026-03-01 22:00", "2026-03-06 21:30") if open_ else None)

    def test_says_when_the_next_week_begins(self) -> None:
        assert self.schedule.refusal(utc("2026-03-07 15:00")) == (
            "outside session hours; they begin at 2026-03-08 17:00 America/New_York"
        )
        assert self.schedule.next_start_ns(utc("2026-03-04 12:00")) == utc("2026-03-08 21:00")

    def test_the_clocks_change_between_two_weeks_and_within_one(self) -> None:
        after = window("2026-03-08 21:00", "2026-03-13 20:30")  # four hours behind by then
        assert self.schedule.window(utc("2026-03-10 12:00")) == after
        over = Schedule(NEW_YORK, time(17), time(16, 30), frozenset({4}), end_day=0)
        assert over.window(utc("2026-03-08 12:00")) == window(
            "2026-03-06 22:00", "2026-03-09 20:30"
        )
        assert over.window(utc("2026-11-01 12:00")) == window(
            "2026-10-30 21:00", "2026-11-02 21:30"
        )

    def test_the_same_day_and_time_leave_no_pause_in_the_week(self) -> None:
        always = Schedule(NEW_YORK, time(17), time(17), frozenset({6}), end_day=6)
        assert always.window(utc("2026-03-08 20:59")) == window(
            "2026-03-01 22:00", "2026-03-08 21:00"
        )
        assert always.window(utc("2026-03-08 21:00")) == window(
            "2026-03-08 21:00", "2026-03-15 21:00"
        )

    def test_an_end_earlier_on_the_same_day_is_a_week_later(self) -> None:
        long = Schedule(NEW_YORK, time(17), time(9), frozenset({0}), end_day=0)
        assert long.window(utc("2026-03-05 12:00")) == window(
            "2026-03-02 22:00", "2026-03-09 13:00"
        )
        assert long.window(utc("2026-03-09 20:00")) is None

    def test_an_end_later_on_the_same_day_is_that_day(self) -> None:
        short = Schedule(NEW_YORK, time(9), time(17), frozenset({0}), end_day=0)
        assert short.window(utc("2026-03-02 21:00")) == window(
            "2026-03-02 14:00", "2026-03-02 22:00"
        )
        assert short.window(utc("2026-03-03 15:00")) is None

    def test_a_week_whose_hours_the_clocks_skip_is_passed_over(self) -> None:
        hour = Schedule(NEW_YORK, time(2, 30), time(3, 15), frozenset({6}), end_day=6)
        assert hour.next_start_ns(utc("2026-03-01 12:00")) == utc("2026-03-15 06:30")


class TestDaylightSaving:
    # New York: forward on 2026-03-08 at 07:00 UTC, back on 2026-11-01 at 06:00 UTC

    def test_local_times_stay_when_the_offset_changes(self) -> None:
        before, after = utc("2026-03-06 15:00"), utc("2026-03-09 15:00")
        assert day_hours().window(before) == window("2026-03-06 13:00", "2026-03-06 22:00")
        assert day_hours().window(after) == window("2026-03-09 12:00", "2026-03-09 21:00")

    def test_a_window_over_the_change_is_an_hour_shorter_or_longer(self) -> None:
        night = Schedule(NEW_YORK, time(22), time(6), DAILY)
        assert night.window(utc("2026-03-08 05:00")) == window(
            "2026-03-08 03:00", "2026-03-08 10:00"
        )
        assert night.window(utc("2026-11-01 05:00")) == window(
            "2026-11-01 02:00", "2026-11-01 11:00"
        )

    def test_a_start_that_the_clocks_skip_is_the_instant_without_the_change(self) -> None:
        early = Schedule(NEW_YORK, time(2, 30), time(9), DAILY)
        assert early.window(utc("2026-03-08 10:00")) == window(
            "2026-03-08 07:30", "2026-03-08 13:00"
        )

    def test_a_window_that_the_clocks_skip_whole_does_not_exist(self) -> None:
        hour = Schedule(NEW_YORK, time(2, 30), time(3, 15), DAILY)
        assert hour.window(utc("2026-03-08 07:20")) is None
        assert hour.next_start_ns(utc("2026-03-07 12:00")) == utc("2026-03-09 06:30")

    def test_a_time_that_comes_twice_is_its_first_coming(self) -> None:
        early = Schedule(NEW_YORK, time(1, 30), time(9), DAILY)
        assert early.window(utc("2026-11-01 08:00")) == window(
            "2026-11-01 05:30", "2026-11-01 14:00"
        )


zones = st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC"])
times = st.times(min_value=time(0), max_value=time(23, 59, 59)).map(
    lambda t: t.replace(microsecond=0)
)


class TestProperties:
    @given(
        zone=zones,
        start=times,
        end=times,
        days=st.one_of(
            st.tuples(st.frozensets(st.integers(0, 6), min_size=1), st.none()),
            st.tuples(st.frozensets(st.integers(0, 6), min_size=1, max_size=1), st.integers(0, 6)),
        ),
        now=st.integers(utc("2026-01-01 00:00"), utc("2027-01-01 00:00")),
    )
    def test_windows_are_found_and_never_overlap(
        self,
        zone: str,
        start: time,
        end: time,
        days: tuple[frozenset[int], int | None],
        now: int,
    ) -> None:
        schedule = Schedule(ZoneInfo(zone), start, end, days[0], end_day=days[1])
        following = schedule.next_start_ns(now)
        assert following > now
        later = schedule.window(following)
        assert later is not None
        assert later.begin_ns == following
        current = schedule.window(now)
        if current is not None:
            assert current.begin_ns <= now < current.end_ns <= following
            assert schedule.window(current.begin_ns) == current
            assert schedule.window(current.end_ns - 1) == current

    @given(days=st.frozensets(st.integers(0, 6), min_size=1), start=times)
    def test_each_day_of_the_schedule_begins_one(self, days: frozenset[int], start: time) -> None:
        schedule = Schedule(NEW_YORK, start, start, days)
        at, begun = utc("2026-02-28 12:00"), set()
        until = at + int(timedelta(days=14).total_seconds()) * 10**9
        while (at := schedule.next_start_ns(at)) < until:
            begun.add(datetime.fromtimestamp(at // 10**9, NEW_YORK).date())
        first, last = date(2026, 3, 1), date(2026, 3, 13)
        wanted = {first + timedelta(days=n) for n in range((last - first).days + 1)}
        assert {day for day in begun if first <= day <= last} == {
            day for day in wanted if day.weekday() in days
        }
