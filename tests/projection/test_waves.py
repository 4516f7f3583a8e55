"""An order's story, wave by wave."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.projection import queries
from sor_gateway.projection.waves import Note, Run, Story, Wave, tell
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import OrdType, Stage

from .helpers import CENT, PX, Desk


def planned(desk: Desk, child_id: str, venue: str, quantity: int, wave: int, tactic: str) -> object:
    fact = desk.plan(child_id, quantity, venue)
    fact.wave, fact.tactic, fact.why = wave, tactic, f"{quantity} for {venue}"
    if tactic == "dark":
        fact.ord_type = OrdType.MID_PEG
    return fact


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A dark wave of which one half fills, then six waves of one displayed child each, with a word
    between the fifth and the sixth."""
    desk = Desk(tmp_path_factory.mktemp("waves"))
    now = desk.now
    desk.turn(
        desk.submit(quantity=5_000),
        desk.accept(),
        de.WaveStarted(now, "P1", 1, Stage.DARK),
        planned(desk, "C1", "dark-a", 1_000, 1, "dark"),
        planned(desk, "C2", "dark-b", 1_000, 1, "dark"),
    )
    desk.turn(desk.fill(800, 800, "E1", child_id="C1", venue="dark-a", fee=1_200))
    desk.turn(
        de.ChildCancelPlanned(now, "C1", "X1", "its time box ended"),
        de.ChildCancelPlanned(now, "C2", "X2", "its time box ended"),
    )
    desk.turn(
        desk.end(800, child_id="C1", venue="dark-a"),
        desk.end(0, child_id="C2", venue="dark-b"),
        de.VenueDropped(now, "P1", "dark-b", "no fill of 1000 in wave 1"),
        de.StageMoved(now, "P1", Stage.LIT, "the dark wave filled 800 of 2000"),
    )
    for number in range(2, 8):
        if number == 7:
            desk.turn(de.VenueDropped(now, "P1", "inverted", "rejected 3 children"))
        child_id, venue = f"C{number + 1}", ("ecn", "exchange")[number % 2]
        desk.turn(
            de.WaveStarted(now, "P1", number, Stage.LIT),
            planned(desk, child_id, venue, 500, number, "spray"),
        )
        desk.turn(desk.fill(500, 500, f"E{number}", PX + CENT, child_id, venue, fee=-1_000))
    desk.refresh()
    desk.journal.close()
    return desk


def story(desk: Desk, *, full: bool = False) -> Story:
    order = queries.order(desk.database, "P1")
    assert order is not None
    children = queries.children(desk.database, "P1")
    return tell(order, children, queries.story(desk.database, "P1"), full)


class TestTelling:
    """Children stand in their wave, everything else between the waves."""

    def test_a_wave_has_its_children_and_what_came_of_them(self, desk: Desk) -> None:
        wave = next(each for each in story(desk).chapters if isinstance(each, Wave))
        assert (wave.number, wave.stage, wave.tactics) == (1, "dark", "dark")
        assert (wave.sent, wave.filled) == (2_000, 800)
        assert [(leg.child.venue, leg.outcome) for leg in wave.legs] == [
            ("dark-a", "canceled: its time box ended"),
            ("dark-b", "canceled: its time box ended"),
        ]

    def test_moves_and_drops_stand_between_them(self, desk: Desk) -> None:
        notes = [each for each in story(desk).chapters if isinstance(each, Note)]
        assert [note.name for note in notes] == [
            "ParentSubmitted",
            "ParentAccepted",
            "VenueDropped",
            "StageMoved",
            "VenueDropped",
        ]

    def test_waves_of_one_kind_in_a_row_are_told_as_one(self, desk: Desk) -> None:
        (run,) = (each for each in story(desk).chapters if isinstance(each, Run))
        assert [wave.number for wave in run.waves] == [2, 3, 4, 5, 6]
        assert [(share.venue, share.children, share.filled) for share in run.shares] == [
            ("ecn", 3, 1_500),
            ("exchange", 2, 1_000),
        ]

    def test_unless_each_is_asked_for(self, desk: Desk) -> None:
        chapters = story(desk, full=True).chapters
        assert [each.number for each in chapters if isinstance(each, Wave)] == list(range(1, 8))
        assert not [each for each in chapters if isinstance(each, Run)]

    def test_what_each_venue_did_adds_up(self, desk: Desk) -> None:
        told = story(desk)
        assert sum(share.filled for share in told.shares) == told.order.cum_quantity == 3_800
        assert sum(share.fees_micros for share in told.shares) == told.order.fees_micros
        ecn = next(share for share in told.shares if share.venue == "ecn")
        assert ecn.average_price_micros == PX + CENT

    def test_a_cancel_that_came_too_late_is_told_in_the_child_s_row(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.turn(desk.submit(), desk.accept(), desk.plan(), desk.plan("C2", venue="exchange"))
        desk.turn(de.ChildCancelPlanned(desk.now, "C1", "X1", "the touch moved"))
        desk.turn(de.ChildCancelPlanned(desk.now, "C2", "X2", "the touch moved"))
        desk.turn(desk.fill(300, 300, "E1"))
        for child_id, venue in (("C1", "ecn"), ("C2", "exchange")):
            desk.turn(ev.ChildCancelRefused(desk.now, venue, child_id, True, "too late"))
        desk.refresh()
        desk.journal.close()
        chapters = story(desk).chapters
        (wave,) = (each for each in chapters if isinstance(each, Wave))
        outcomes = [leg.outcome for leg in wave.legs]
        assert outcomes == ["filled before its cancel came", "in doubt: too late"]
        refused = [each for each in chapters if isinstance(each, Note)][-1]
        assert (refused.name, refused.venue) == ("ChildCancelRefused", "exchange")

    def test_a_child_whose_beginning_is_gone_is_told_all_the_same(self, desk: Desk) -> None:
        order = queries.order(desk.database, "P1")
        assert order is not None
        told = tell(order, queries.children(desk.database, "P1"), [], full=True)
        assert sum(wave.filled for wave in told.chapters if isinstance(wave, Wave)) == 3_800


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        queries.story(tmp_path / "none.db", "P1")
