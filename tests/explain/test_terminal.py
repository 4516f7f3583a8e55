"""The story on a terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from sor_gateway.explain.terminal import render
from sor_gateway.projection.queries import ChildOrder
from tests.explain.stories import MID, T0, Chance, Told, order, told

SCREEN = 80


def shown(found: Told, width: int = SCREEN) -> str:
    console = Console(width=width, record=True, file=StringIO())
    for part in render(found.story, found.picture.lanes):
        console.print(part)
    return console.export_text()


def child(**fields: object) -> ChildOrder:
    made = Chance(1)._child(1, "ecn", "lit")
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def filled() -> ChildOrder:
    return child(
        quantity=500,
        cum_quantity=300,
        cum_value_micros=300 * MID,
        fees_micros=900_000,
        state="canceled",
        why="500 displayed",
        display_score=7.25,
        cost_micros=12_345,
    )


class TestWave:
    """Every figure and every reason can be read on a screen of eighty columns."""

    def test_a_row_has_the_figures_of_a_child(self) -> None:
        text = shown(told(order(), [filled()]))
        row = next(line for line in text.splitlines() if line.split()[:1] == ["ecn"])
        assert row.split()[1:] == ["500", "50.00", "300", "50.0000", "0.9000", "7.2", "0.0123"]

    def test_below_it_stands_how_it_ended_and_why_it_was_sent(self) -> None:
        text = " ".join(shown(told(order(), [filled()])).split())
        assert "ecn C000000001 canceled. Why: 500 displayed" in text

    def test_the_headline_tells_the_order(self) -> None:
        text = " ".join(shown(told(order(5_000, state="filled", cum_quantity=5_000))).split())
        assert "P1 (a-1 of EMS): sell 5,000 ACME limit 49.00 day, filled, 5,000 executed" in text
        assert "received 2023-11-14 22:13:20.000000 UTC" in text

    @pytest.mark.parametrize("hostile", ["[/red]", "[bold]x", "\x1b[2Jgone", "\u202egnp.exe"])
    def test_a_text_of_a_peer_is_a_text(self, hostile: str) -> None:
        text = shown(told(order(cl_ord_id=hostile), [child(text=hostile, state="rejected")]))
        assert "\x1b" not in text
        assert "\u202e" not in text
        plain = hostile.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
        assert text.count(plain) == 2


class TestBars:
    """A bar for each venue, as long as its shares."""

    def bars(self, found: Told) -> dict[str, int]:
        text = shown(found)
        rows = text[text.index("Shares by venue") :].splitlines()[3:]
        return {row.split()[0]: sum(row.count(each) for each in "━╸╺") for row in rows if row}

    def test_the_longest_is_whole_and_the_others_in_proportion(self) -> None:
        children = [child(child_id=f"C{n}", venue=f"v{n}", planned_ns=T0, wave=1) for n in range(3)]
        found = told(order(), children)
        for lane, shares in zip(found.picture.lanes, (400, 100, 0), strict=True):
            lane.filled = shares
        assert self.bars(found) == {"v0": 28, "v1": 7, "v2": 0}


@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_wider_than_the_screen(seed: int) -> None:
    found = Chance(seed).tell()
    text = shown(found)
    assert max(len(line) for line in text.splitlines()) <= SCREEN, f"seed {seed}"
