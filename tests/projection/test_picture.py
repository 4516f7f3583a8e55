"""An order's course as figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.projection import queries
from sor_gateway.projection.picture import MarkKind, Part, Picture, Quote, compose
from sor_gateway.projection.waves import tell
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import OrdType, Stage

from .helpers import CENT, PX, T0, Desk

KINDS = {"dark-a": "dark", "ecn": "ecn"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One dark child of which 800 fill, then two displayed ones of which one fills in two."""
    desk = Desk(tmp_path)
    desk.turn(desk.submit(quantity=5_000), desk.accept())
    hidden = desk.plan("C1", 1_000, "dark-a")
    hidden.ord_type = OrdType.MID_PEG
    desk.turn(de.WaveStarted(desk.now, "P1", 1, Stage.DARK), hidden)
    desk.turn(desk.fill(800, 800, "E1", PX - CENT, "C1", "dark-a", fee=1_200))
    desk.turn(
        desk.end(800, child_id="C1", venue="dark-a"),
        de.VenueDropped(desk.now, "P1", "dark-a", "it went dry"),
        de.StageMoved(desk.now, "P1", Stage.LIT, "the dark wave filled 800 of 1000"),
    )
    first, second = desk.plan("C2", 500, "ecn"), desk.plan("C3", 400, "gone")
    first.wave = second.wave = 2
    first.bid_micros = second.bid_micros = PX - 2 * CENT
    desk.turn(de.WaveStarted(desk.now, "P1", 2, Stage.LIT), first, second)
    desk.turn(desk.fill(200, 200, "E2", PX, "C2", "ecn", fee=-400))
    desk.turn(desk.fill(300, 500, "E3", PX, "C2", "ecn", fee=-600))
    return desk


def picture(desk: Desk) -> Picture:
    desk.refresh()
    order = queries.order(desk.database, "P1")
    assert order is not None
    story = queries.story(desk.database, "P1")
    told = tell(order, queries.children(desk.database, "P1"), story, full=True)
    return compose(told, queries.executions(desk.database, "P1"), KINDS)


class TestLanes:
    """What each venue had and did."""

    def test_dark_ones_come_first(self, desk: Desk) -> None:
        lanes = picture(desk).lanes
        assert [(lane.venue, lane.kind) for lane in lanes] == [
            ("dark-a", "dark"),
            ("ecn", "ecn"),
            ("gone", "lit"),
        ]
        assert [lane.is_dark for lane in lanes] == [True, False, False]

    def test_a_lane_adds_up(self, desk: Desk) -> None:
        ecn = picture(desk).lanes[1]
        assert (ecn.children, ecn.sent, ecn.filled) == (1, 500, 500)
        assert (ecn.average_price_micros, ecn.fees_micros) == (PX, -1_000)
        assert [(fill.at_ns - T0, fill.quantity, fill.total) for fill in ecn.fills] == [
            (5, 200, 200),
            (6, 300, 500),
        ]

    def test_together_they_are_the_order(self, desk: Desk) -> None:
        found = picture(desk)
        order = queries.order(desk.database, "P1")
        assert order is not None
        assert found.filled == order.cum_quantity == 1_300
        assert sum(lane.value_micros for lane in found.lanes) == order.cum_value_micros
        assert sum(lane.fees_micros for lane in found.lanes) == order.fees_micros

    def test_an_execution_that_the_venue_took_back_is_none(self, desk: Desk) -> None:
        now = desk.now
        desk.turn(ev.FillRevised(now, "ecn", "C2", "X1", "E3", 0, PX, 200, 300, text="erroneous"))
        found = picture(desk)
        assert [fill.quantity for fill in found.lanes[1].fills] == [200]
        order = queries.order(desk.database, "P1")
        assert order is not None
        assert found.filled == order.cum_quantity == 1_000
        assert sum(lane.fees_micros for lane in found.lanes) == order.fees_micros
        assert (found.marks[-1].name, found.marks[-1].venue) == ("FillRevised", "ecn")


class TestCourse:
    """Market, waves, marks and scores on one axis of time."""

    def test_quotes_are_what_was_seen_at_decisions_when_it_changed(self, desk: Desk) -> None:
        assert picture(desk).quotes == [
            Quote(T0, PX - CENT, PX + CENT),
            Quote(T0 + 1, PX - CENT, PX),
            Quote(T0 + 4, PX - 2 * CENT, PX),
        ]

    def test_a_wave_ends_with_its_last_child(self, desk: Desk) -> None:
        dark, lit = picture(desk).waves
        assert (dark.number, dark.stage, dark.sent, dark.filled) == (1, "dark", 1_000, 800)
        assert (dark.began_ns, dark.ended_ns) == (T0 + 2, T0 + 3)
        assert lit.ended_ns == 0
        assert lit.parts == [Part("ecn", 500, 500), Part("gone", 400, 0)]

    def test_gates_and_dropped_venues_are_marks(self, desk: Desk) -> None:
        marks = picture(desk).marks
        assert [(mark.kind, mark.venue, mark.at_ns - T0) for mark in marks] == [
            (MarkKind.VENUE, "dark-a", 4),
            (MarkKind.GATE, "", 4),
        ]
        assert marks[1].text == "on to lit: the dark wave filled 800 of 1000"

    def test_a_score_for_each_child(self, desk: Desk) -> None:
        scores = picture(desk).scores
        assert [(score.venue, score.wave, score.display_score) for score in scores] == [
            ("dark-a", 1, 7.25),
            ("ecn", 2, 7.25),
            ("gone", 2, 7.25),
        ]

    def test_it_lasts_until_the_last_that_is_known(self, desk: Desk) -> None:
        assert picture(desk).until_ns == T0 + 6
        desk.turn(desk.close_parent())
        assert picture(desk).until_ns == T0 + 8
