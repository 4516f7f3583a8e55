"""After an outage of the gateway, on the desk: who resumes, who rests, who is asked (recovery.md
4.4)."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.config.settings import ClientSettings
from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.session_commands import refusal
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import Table, kinds
from tests.daemon.trader import reports

ROOT = Path(__file__).parents[2]
WINDOW_S = 60


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(ROOT / "config", {})


def working(loaded: Configuration, after_outage: str) -> Table:
    """A desk with an order that rests in the dark."""
    configuration = deepcopy(loaded)
    settings = ClientSettings(resume_window_s=WINDOW_S, after_outage=after_outage)  # type: ignore[arg-type]
    configuration.clients = {"EMS": settings}
    table = Table(configuration)
    table.rest()
    return table


def away(table: Table, seconds: int) -> None:
    """Killed, and started again so much later."""
    table.cut()
    table.now += seconds * SECOND
    table.crash()
    table.connect("dark-a", "exchange", "exchange-md", "EMS")
    table.run(50)


class TestOutage:
    def test_of_a_length_that_is_borne_changes_nothing(self, loaded: Configuration) -> None:
        table = working(loaded, "suspend")
        away(table, WINDOW_S - 1)
        assert "9" not in kinds(table, "A1")
        assert not table.parent.is_over
        table.assert_fold_is_live()

    def test_longer_orders_rest_until_an_operator_releases_them(
        self, loaded: Configuration
    ) -> None:
        table = working(loaded, "suspend")
        children = len(table.children())
        away(table, WINDOW_S + 1)
        suspended = reports(table.client)[-1]
        assert (suspended[150], suspended[39]) == ("9", "9")
        assert "away for 61 s" in suspended[58]
        assert len(table.sent("dark-a", "F")) == 1, "what lay at the venue was pulled"
        assert "orders-suspended" in table.alarms()
        table.run(20, SECOND)
        assert len(table.children()) == children
        table.engine.command(SessionOperated(table.now, "EMS", "release", "the desk agrees"))
        table.run(20)
        released = next(each for each in reports(table.client) if each[150] == "D")
        assert (released[39], released[378]) == ("0", "4")
        assert "the desk agrees" in released[58]
        assert len(table.children()) > children
        table.assert_fold_is_live()

    def test_a_second_crash_does_not_wake_them(self, loaded: Configuration) -> None:
        table = working(loaded, "suspend")
        away(table, WINDOW_S + 1)
        children = len(table.children())
        away(table, 1)
        assert kinds(table, "A1").count("9") == 1
        assert len(table.children()) == children
        table.assert_fold_is_live()

    def test_where_it_is_so_configured_they_go_on(self, loaded: Configuration) -> None:
        table = working(loaded, "resume")
        away(table, WINDOW_S + 1)
        assert "9" not in kinds(table, "A1")
        table.assert_fold_is_live()

    def test_the_time_of_the_last_record_outlives_a_roll(self, loaded: Configuration) -> None:
        table = working(loaded, "suspend")
        table.engine._roll()
        assert list(table.journal.tail()) == []
        away(table, WINDOW_S + 1)
        assert kinds(table, "A1")[-1] == "9"
        table.assert_fold_is_live()

    def test_only_clients_have_orders_to_release(self, loaded: Configuration) -> None:
        table = working(loaded, "suspend")
        link = table.engine.links["dark-a"]
        assert "not a client" in refusal(link, SessionOperated(table.now, "dark-a", "release", "x"))
