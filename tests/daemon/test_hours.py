"""The end of session hours on the desk: nothing is sent on a session that is saying goodbye."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon import draft
from sor_gateway.daemon.daemon import day_end_of
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.fix.schedule import Schedule
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.fix.states import State
from tests.daemon.desk import SECOND, START
from tests.daemon.test_recovery_rules import Table, kinds

ROOT = Path(__file__).parents[2]
OPEN_S = 3


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(ROOT / "config", {})


def table_until(loaded: Configuration, name: str) -> Table:
    """A desk where the hours of one session end `OPEN_S` after the start."""
    configuration = deepcopy(loaded)
    sessions: list[SessionSettings] = [
        *configuration.ems_sessions,
        *(venue.orders for venue in configuration.venues),
    ]
    (settings,) = [each for each in sessions if each.name == name]
    begin = datetime.fromtimestamp(START // SECOND, UTC) - timedelta(hours=1)
    end = begin + timedelta(hours=1, seconds=OPEN_S)
    settings.schedule = Schedule(UTC, begin.time(), end.time(), frozenset(range(7)))
    return Table(configuration)


def pass_hours(table: Table) -> None:
    """To the turn in which the gateway says goodbye, and no further."""
    table.now = START + OPEN_S * SECOND
    table.turn()


class TestTheEndOfHours:
    def test_no_order_is_decided_for_a_venue_that_was_told_goodbye(
        self, loaded: Configuration
    ) -> None:
        table = table_until(loaded, "dark-a")
        pass_hours(table)
        assert table.engine.links["dark-a"].session.state is State.LOGOUT_SENT
        table.order()
        table.client.turn(table.now)
        table.turn()
        assert not table.engine.router.state.venues["dark-a"].is_open
        table.turn()  # orders first, then reports
        table.client.turn(table.now)
        assert kinds(table, "A1") == ["0"]
        assert all(child.venue != "dark-a" for child in table.children())
        table.assert_fold_is_live()

    def test_reports_for_a_client_that_was_told_goodbye_wait(
        self, loaded: Configuration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(draft, "REPORTS_CHUNK", 1)
        table = table_until(loaded, "EMS")
        for number in range(3):
            table.order(f"A{number}")
        table.client.turn(table.now)
        table.turn()
        table.turn()  # orders first, then reports
        link = table.engine.links["EMS"]
        assert isinstance(link, ClientLink)
        assert len(link.outbox.unnumbered) == 2
        pass_hours(table)
        assert link.session.state is State.LOGOUT_SENT
        assert len(link.outbox.unnumbered) == 2
        table.assert_fold_is_live()


class TestDayEnd:
    """Day orders know the close of their trading day (decisions.md)."""

    def test_the_shipped_calendar_of_us_equities(self) -> None:
        environ = {"SOR__GATEWAY__CALENDAR": "us-equities"}
        day_end_ns = day_end_of(load(ROOT / "config", environ).calendar)
        noon = datetime(2026, 6, 17, 12, tzinfo=ZoneInfo("America/New_York"))
        close = noon.replace(hour=16)
        evening = noon.replace(hour=18)
        assert day_end_ns(nanos(noon)) == nanos(close)
        assert day_end_ns(nanos(evening)) == nanos(close.replace(day=18)), "of the next day"

    def test_a_market_that_never_closes(self) -> None:
        assert day_end_of(load(ROOT / "config", {}).calendar)(nanos(datetime.now(UTC))) == 0


def nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000
