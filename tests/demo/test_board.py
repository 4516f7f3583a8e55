"""What the live view knows, fact by fact."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from sor_gateway.demo.board import Board
from sor_gateway.demo.view import Lines, View
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    OrdType,
    ParentState,
    Side,
    Stage,
    TimeInForce,
)

KINDS = {"dark-a": "dark", "ecn": "ecn"}
S = 1_000_000_000


def board() -> Board:
    found = Board(frozenset({"ecn"}))
    for parent in ("P1", "P2"):
        found.apply(
            ev.ParentSubmitted(
                *(S, parent, "EMS", "a", "ACME", Side.SELL, 10_000, OrdType.LIMIT, 49 * 10**6),
                *(TimeInForce.DAY, "minimal-impact"),
            )
        )
    found.apply(de.ParentAccepted(S, "P1", 1, 2))
    return found


def planned(
    child: str, venue: str, quantity: int, wave: int, parent: str = "P1"
) -> de.ChildPlanned:
    ord_type = OrdType.MID_PEG if venue == "dark-a" else OrdType.LIMIT
    return de.ChildPlanned(
        *(S, parent, child, venue, quantity, ord_type, 1, TimeInForce.DAY, "dark", wave, 0, 0.0),
        "",
    )


def filled(child: str, venue: str, quantity: int, cum: int, exec_id: str = "E") -> ev.ChildFilled:
    return ev.ChildFilled(
        *(S, venue, child, exec_id, quantity, 50 * 10**6, cum, 0, Liquidity.ADDED, 7, "MIC")
    )


class TestBoard:
    def test_a_wave_holds_what_was_sent_and_what_came_back(self) -> None:
        now = board()
        now.apply(de.WaveStarted(S, "P1", 1, Stage.DARK))
        now.apply(planned("C1", "dark-a", 500, 1))
        now.apply(filled("C1", "dark-a", 200, 200))
        wave = now.waves[1]
        assert (wave.sent, wave.filled, wave.open_children) == ({"dark-a": 500}, {"dark-a": 200}, 1)
        venue = now.venue("dark-a")
        assert (venue.sent, venue.filled, venue.working, venue.shown) == (500, 200, 300, 0)
        now.apply(ev.ChildEnded(S, "dark-a", "C1", ChildState.CANCELED, 200))
        assert (wave.open_children, venue.working) == (0, 0)

    def test_displayed_shares_are_those_that_the_venue_acknowledged(self) -> None:
        now = board()
        now.apply(planned("C1", "ecn", 500, 1))
        assert now.venue("ecn").shown == 0
        for _ in range(2):
            now.apply(ev.ChildAccepted(S, "ecn", "C1", "V1"))
        assert now.venue("ecn").shown == 500
        now.apply(filled("C1", "ecn", 100, 100))
        assert now.venue("ecn").shown == 400
        now.apply(ev.ChildEnded(S, "ecn", "C1", ChildState.CANCELED, 100))
        assert now.venue("ecn").shown == 0

    def test_a_fill_told_twice_counts_once(self) -> None:
        now = board()
        now.apply(planned("C1", "ecn", 500, 1))
        for _ in range(2):
            now.apply(filled("C1", "ecn", 100, 100))
        assert (now.filled, now.venue("ecn").executions, now.fees_micros) == (100, 1, 7)

    def test_other_parents_are_not_shown(self) -> None:
        now = board()
        now.apply(planned("C9", "ecn", 500, 1, parent="P2"))
        now.apply(de.StageMoved(S, "P2", Stage.LIT, "why"))
        now.apply(de.ParentClosed(S, "P2", ParentState.CANCELED, "as asked"))
        assert (now.parent_id, now.phase) == ("P1", "dark")
        assert now.venue("ecn").sent == 0

    def test_phases_follow_the_order_to_its_end(self) -> None:
        now = board()
        assert now.phase == "dark"
        now.apply(de.StageMoved(S, "P1", Stage.LIT, "the dark dried up"))
        assert (now.phase, now.why) == ("lit", "the dark dried up")
        now.apply(planned("C1", "ecn", 10_000, 1))
        now.apply(filled("C1", "ecn", 10_000, 10_000))
        assert now.is_over
        assert now.phase == "filled"


class TestLines:
    def test_each_thing_is_told_once(self) -> None:
        now, lines = board(), Lines()
        now.apply(de.WaveStarted(S, "P1", 1, Stage.DARK))
        now.apply(planned("C1", "dark-a", 5_000, 1))
        first = lines.of(now, 3 * S)
        assert first == ["     2.0 s  phase dark", "     2.0 s  wave 1 (dark) sends dark-a 5,000"]
        assert lines.of(now, 4 * S) == []
        now.apply(filled("C1", "dark-a", 4_000, 4_000))
        now.apply(ev.ChildEnded(S, "dark-a", "C1", ChildState.CANCELED, 4_000))
        now.apply(de.VenueDropped(S, "P1", "dark-a", "dry"))
        told = [line.partition("s  ")[2] for line in lines.of(now, 4 * S)]
        assert told == ["wave 1 (dark) filled dark-a 4,000", "no more for dark-a: dry"]

    def test_the_lit_phase_is_told_now_and_then_with_what_is_shown(self) -> None:
        now, lines = board(), Lines()
        now.apply(planned("C1", "ecn", 500, 1))
        now.apply(ev.ChildAccepted(S, "ecn", "C1", "V1"))
        now.apply(de.StageMoved(S, "P1", Stage.LIT, ""))
        told = lines.of(now, 10 * S)
        assert told[-1].endswith("0 of 10,000 filled; shown: ecn 500")
        assert lines.of(now, 12 * S) == []
        assert len(lines.of(now, 16 * S)) == 1


class TestView:
    def view(self, terminal: bool) -> tuple[View, StringIO]:
        out = StringIO()
        console = Console(file=out, force_terminal=terminal, width=160)
        return View(console, "sell 1,000 ACME", KINDS, 60.0), out

    def test_without_a_terminal_there_are_plain_lines(self) -> None:
        view, out = self.view(terminal=False)
        with view:
            view.show(board(), (49_990_000, 50_010_000), 3 * S)
        assert out.getvalue() == "     2.0 s  phase dark\n"

    def test_the_screen_has_market_phase_progress_venues_and_waves(self) -> None:
        now = board()
        now.apply(de.WaveStarted(S, "P1", 1, Stage.DARK))
        now.apply(planned("C1", "dark-a", 500, 1))
        now.apply(filled("C1", "dark-a", 250, 250))
        view, _ = self.view(terminal=True)
        console = Console(file=StringIO(), width=160, record=True)
        console.print(view.screen(now, (49_990_000, 50_010_000), 3 * S))
        text = console.export_text()
        for part in (
            *("phase dark", "49.99 / 50.01", "market time 2:00", "250 of 10,000, 2.5 %, at 50.00"),
            *("dark-a", "250 / 500", "50.0 %"),
        ):
            assert part in text

    def test_a_terminal_gets_the_screen_and_no_lines(self) -> None:
        view, out = self.view(terminal=True)
        with view:
            view.show(board(), None, 3 * S)
        assert "no market" in out.getvalue()
