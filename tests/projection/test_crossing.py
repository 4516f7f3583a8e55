"""Own crossings as rows, as a story and as a report."""

from __future__ import annotations

from pathlib import Path

from sor_gateway.projection import queries
from sor_gateway.projection.waves import Wave, tell
from sor_gateway.sor.types import Side
from sor_gateway.tca.measures import measure
from tests.sor.script import Script, dark, lit, px, settings

from .helpers import Desk


def crossed(folder: Path) -> Desk:
    """10,000 bought, 4,000 of them from another client; everything as the router decided it."""
    made = Script(settings(dark(), lit(), crossing_clients=("EMS", "OTHER")))
    made.quote("ecn", [("50.00", 300)], [("50.04", 300)])
    made.submit("A1", 10_000)
    made.submit("B1", 4_000, side=Side.SELL, limit_micros=px("49.90"), client="OTHER")
    desk = Desk(folder)
    desk.turn(*made.facts)
    desk.refresh()
    desk.journal.close()
    return desk


class TestCrossing:
    def test_both_orders_have_their_execution(self, tmp_path: Path) -> None:
        desk = crossed(tmp_path)
        buy = queries.order(desk.database, "A1")
        sell = queries.order(desk.database, "B1")
        assert buy is not None
        assert sell is not None
        assert (buy.state, buy.cum_quantity) == ("working", 4_000)
        assert (sell.state, sell.cum_quantity) == ("filled", 4_000)
        executions = queries.executions(desk.database)
        assert [(each.parent_id, each.quantity, each.last_market) for each in executions] == [
            (sell.parent_id, 4_000, "SORX"),
            (buy.parent_id, 4_000, "SORX"),
        ]
        assert {each.price_micros for each in executions} == {px("50.02")}

    def test_the_story_has_it_before_the_waves_with_its_reason(self, tmp_path: Path) -> None:
        desk = crossed(tmp_path)
        order = queries.order(desk.database, "B1")
        assert order is not None
        children = queries.children(desk.database, order.parent_id)
        told = tell(order, children, queries.story(desk.database, order.parent_id))
        (wave,) = (each for each in told.chapters if isinstance(each, Wave))
        assert (wave.number, wave.stage, wave.tactics, wave.filled) == (0, "own", "cross", 4_000)
        (leg,) = wave.legs
        assert leg.outcome == "filled"
        assert leg.child.why.startswith("an opposite order of our own clients; the midpoint of ")

    def test_it_costs_nothing_against_the_midpoint(self, tmp_path: Path) -> None:
        report = measure(crossed(tmp_path).database, "B1")
        assert report is not None
        assert report.shortfall is not None
        assert [line.venue for line in report.venues] == ["SORX"]
        assert report.totals.fees_micros == 0
