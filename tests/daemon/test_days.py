"""What a gateway that runs for days keeps and lets go of, on the in-memory desk."""

from __future__ import annotations

import os

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.sor.estimators.volatility import (
    LEAST_SAMPLES,
    SAMPLES_A_DAY,
    TOLD_EVERY,
    day_micros,
)
from tests.daemon.test_recovery_rules import LINES, MILLISECOND, Table, configuration, loaded
from tests.daemon.test_routing import ROOT, Floor
from tests.daemon.trader import fills, reports

__all__ = ["configuration", "loaded"]

DAY_S = 60
DAY_NS = 86_400 * 1_000_000_000
KEEP_DAYS = 2
STEP_NS = DAY_S * 1_000_000_000 // SAMPLES_A_DAY


class TestVolatility:
    """How wild a symbol is, is known to a gateway that was restarted."""

    def test_what_was_watched_before_a_crash_is_known_behind_it(self) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
        environ["SOR__ROUTER__TRADING_DAY_S"] = str(DAY_S)
        made = Floor(load(ROOT / "config", environ), trades=0.0)
        desk = made.desk
        for sample in range(LEAST_SAMPLES + TOLD_EVERY):
            desk.now += STEP_NS
            mid = 50_000_000 + 5_000 * (sample % 2)
            quote = ([(mid - 5_000, 300)], [(mid + 5_000, 300)])
            desk.engine.router.market.update("exchange", "BOLT", *quote, desk.now)
            desk.turn()
        known = desk.engine.router.state.volatility["BOLT"]
        assert known.samples >= LEAST_SAMPLES
        desk.assert_fold_is_live()
        desk.crash()
        assert desk.engine.router.state.volatility["BOLT"] == known
        watched = desk.engine.router.market.volatility
        assert watched.day_micros("BOLT") == day_micros(known) > 0


class TestDays:
    """What is over is known for some trading days, over starts too, and then it is forgotten."""

    def test_a_day_begins_at_midnight_without_anybody_calling(self, table: Table) -> None:
        state = table.engine.router.state
        ends_ns = state.day_ends_ns
        assert ends_ns == (table.now // DAY_NS + 1) * DAY_NS
        for now, expected in ((ends_ns - 1, ends_ns), (ends_ns, ends_ns + DAY_NS)):
            table.now = now
            table.turn()
            assert state.day_ends_ns == expected
            assert table.reactor.deadline is not None
            assert table.reactor.deadline <= expected
        table.assert_fold_is_live()

    def test_a_bust_of_an_execution_of_yesterday_is_told(self, table: Table) -> None:
        trade(table, "A1")
        told = next(iter(fills(table.client)))
        night(table)
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        report = reports(table.client)[-1]
        assert (report[150], report[19], report[14]) == ("H", told, "0")
        assert "trade-busted" in table.alarms()
        table.assert_fold_is_live()

    def test_one_of_last_week_is_alarmed(self, table: Table) -> None:
        trade(table, "A1")
        for _ in range(table.configuration.router.keep_days + 1):
            night(table)
        before = len(reports(table.client))
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        assert len(reports(table.client)) == before
        assert "unknown-child" in table.alarms()
        table.assert_fold_is_live()

    def test_a_snapshot_has_the_orders_of_the_last_days_alone(
        self, configuration: Configuration
    ) -> None:
        table, sizes = Table(configuration, segment_messages=10), list[int]()
        for day in range(8):
            for number in range(5):
                trade(table, f"A{day}-{number}")
            night(table)
            table.assert_fold_is_live()
            snapshot = table.journal.snapshot
            assert snapshot is not None
            sizes.append(len(snapshot))
            assert len(table.parents()) == len(table.children()) == 5 * min(day + 1, KEEP_DAYS)
        assert max(sizes[4:]) < 1.1 * max(sizes[:4])


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


def trade(table: Table, cl_ord_id: str) -> None:
    """An order that the dark venue fills."""
    table.order(cl_ord_id)
    table.run(5)
    child = table.children()[-1]
    table.dark.execute(table.venue, child.child_id, child.quantity, table.now)
    table.run(3)
    assert not table.engine.router.state.open_parents


def night(table: Table) -> None:
    """The gateway is not there at midnight; in the morning its peers connect again."""
    table.now = table.engine.router.state.day_ends_ns + 1
    table.crash()
    table.connect(*LINES)
    table.run(20, 10 * MILLISECOND)
