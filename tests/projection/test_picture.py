"""An order's story as a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sor_gateway.explain_picture import LEFT, RIGHT, SHARES_HEIGHT, TOP, WIDTH, picture
from sor_gateway.projection import queries
from sor_gateway.projection.waves import tell
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import Stage

from .helpers import Desk

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Desk, ElementTree.Element]:
    """Two hidden children, one half filled; then lit, and the other venue dropped."""
    desk = Desk(tmp_path)
    now = desk.now
    desk.turn(
        desk.submit(quantity=2_000),
        desk.accept(),
        ev.WaveStarted(now, "P1", 1, Stage.DARK),
        replace(desk.plan("C1", 1_000, "dark-a"), why="5 < 7 & more"),
        desk.plan("C2", 1_000, "dark-b"),
    )
    desk.turn(desk.fill(500, 500, "E1", child_id="C1", venue="dark-a"))
    desk.turn(
        ev.VenueDropped(now, "P1", "dark-b", "no fill"),
        ev.StageMoved(now, "P1", Stage.LIT, "the dark wave filled 500 of 2000"),
    )
    desk.refresh()
    order = queries.order(desk.database, "P1")
    assert order is not None
    children = queries.children(desk.database, "P1")
    story = tell(order, children, queries.story(desk.database, "P1"))
    text = picture(story, children, queries.executions(desk.database, "P1"))
    return desk, ElementTree.fromstring(text)


def test_every_child_has_its_bar_and_its_score(drawn: tuple[Desk, ElementTree.Element]) -> None:
    _, root = drawn
    bars = [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]
    assert [str(bar[0].text).split()[0] for bar in bars] == ["C1", "C2"]
    assert "5 < 7 & more" in str(bars[0][0].text), "what is not SVG is written so that it is read"
    assert float(bars[0].attrib["fill-opacity"]) > float(bars[1].attrib["fill-opacity"])
    assert len(list(root.iter(f"{SVG}circle"))) == 2


def test_what_was_done_is_as_high_as_its_part_of_the_order(
    drawn: tuple[Desk, ElementTree.Element],
) -> None:
    _, root = drawn
    (area,) = root.iter(f"{SVG}polygon")
    points = [tuple(map(float, point.split(","))) for point in area.attrib["points"].split()]
    base = TOP + SHARES_HEIGHT
    assert base - min(y for _, y in points) == pytest.approx(SHARES_HEIGHT * 500 / 2_000, abs=0.1)
    assert all(LEFT <= x <= WIDTH - RIGHT for x, _ in points)


def test_gates_stand_through_all_panels(drawn: tuple[Desk, ElementTree.Element]) -> None:
    _, root = drawn
    gates = [each for each in root.iter(f"{SVG}line") if each.attrib.get("class") == "gate"]
    assert len(gates) == 2
    assert any("dark-b" in str(gate[0].text) for gate in gates)
    assert "the dark wave filled 500 of 2000" in "".join(root.itertext())
