"""The live view: a screen that is drawn again and again, or plain lines when nobody looks.

Owns: layout and wording. May not know: where what it shows comes from.
"""

from __future__ import annotations

from decimal import Decimal
from types import TracebackType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sor_gateway.demo.board import Board, WaveSeen
from sor_gateway.projection.story import price
from sor_gateway.sor.types import NANOS_PER_SECOND, Micros, Nanos, Shares, Stage
from sor_gateway.tca.report import money, percent

REFRESH_HZ: Final = 4
WAVES_SHOWN: Final = 6
BAR_COLUMNS: Final = 60
LINE_EVERY_NS: Final = 5 * NANOS_PER_SECOND
"""How often plain lines say how the lit phase stands."""


class View:
    """Shows a board until it is closed; a context manager. `kinds` orders and names the venues."""

    def __init__(
        self, console: Console, title: str, kinds: dict[str, str], market_scale: float
    ) -> None:
        self._console = console
        self._title = title
        self._kinds = kinds
        self._market_scale = market_scale
        self._live = Live(console=console, refresh_per_second=REFRESH_HZ, transient=True)
        self._is_screen = console.is_terminal and not console.quiet
        self._lines = Lines()

    def __enter__(self) -> View:
        if self._is_screen:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_screen:
            self._live.stop()

    def show(self, board: Board, nbbo: tuple[Micros, Micros] | None, now: Nanos) -> None:
        """Show how things stand now."""
        for line in self._lines.of(board, now):
            if not self._is_screen:
                self._console.print(line, highlight=False, markup=False)
        if self._is_screen:
            self._live.update(self.screen(board, nbbo, now))

    def screen(
        self, board: Board, nbbo: tuple[Micros, Micros] | None, now: Nanos
    ) -> RenderableType:
        """The whole screen."""
        elapsed_ns = now - board.began_ns if board.began_ns else 0
        market_s = int(elapsed_ns * self._market_scale / NANOS_PER_SECOND)
        quote = "no market" if nbbo is None else f"{price(nbbo[0])} / {price(nbbo[1])}"
        head = Text.assemble(
            (self._title, "bold"),
            f"\nphase {board.phase}",
            (f" ({board.why})" if board.why else "", "dim"),
            f"   NBBO {quote}   market time {market_s // 60}:{market_s % 60:02d}"
            f"   wall {elapsed_ns / NANOS_PER_SECOND:.1f} s",
        )
        bar = Table.grid(padding=(0, 1))
        average = board.value_micros // board.filled if board.filled else 0
        bar.add_row(
            ProgressBar(total=max(1, board.quantity), completed=board.filled, width=BAR_COLUMNS),
            f"{board.filled:,} of {board.quantity:,}, {percent(board.filled, board.quantity)}"
            f" at {price(average)}, fees {money(board.fees_micros)} USD",
        )
        return Group(head, bar, self._venue_table(board), wave_table(board, self._kinds))

    def _venue_table(self, board: Board) -> Table:
        table = Table()
        for heading in ("venue", "kind", "children", "sent", "filled", "of sent", "working"):
            table.add_column(heading, justify="left" if heading in ("venue", "kind") else "right")
        table.add_column("shown", justify="right")
        table.add_column("fees USD", justify="right")
        for name, kind in self._kinds.items():
            venue = board.venue(name)
            table.add_row(
                Text(name, style="dim strike" if venue.dropped else ""),
                kind,
                f"{venue.children:,}",
                f"{venue.sent:,}",
                f"{venue.filled:,}",
                percent(venue.filled, venue.sent),
                f"{venue.working:,}",
                f"{venue.shown:,}",
                money(venue.fees_micros),
            )
        return table


class Lines:
    """What is worth a line, once."""

    def __init__(self) -> None:
        self._phase = ""
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._dropped: set[str] = set()
        self._last_ns: Nanos = 0

    def of(self, board: Board, now: Nanos) -> list[str]:
        """The lines that are new since the last call."""
        dark = [wave for wave in board.waves.values() if wave.stage is Stage.DARK and wave.sent]
        lines: list[str] = []
        for wave in dark:
            if wave.number not in self._ended and not wave.open_children:
                self._ended.add(wave.number)
                lines.append(f"wave {wave.number} (dark) filled {_sizes(_whole(wave))}")
        for name, venue in board.venues.items():
            if venue.dropped and name not in self._dropped:
                self._dropped.add(name)
                lines.append(f"no more for {name}: {venue.dropped}")
        if board.phase != self._phase:
            self._phase = board.phase
            lines.append(f"phase {board.phase}" + (f": {board.why}" if board.why else ""))
        for wave in dark:
            if wave.number not in self._begun:
                self._begun.add(wave.number)
                lines.append(f"wave {wave.number} (dark) sends {_sizes(wave.sent)}")
        if board.phase == Stage.LIT and now - self._last_ns >= LINE_EVERY_NS:
            self._last_ns = now
            shown = {name: venue.shown for name, venue in board.venues.items() if venue.shown}
            sizes = _sizes(shown) or "nothing"
            lines.append(f"{board.filled:,} of {board.quantity:,} filled; shown: {sizes}")
        seconds = Decimal(max(0, now - board.began_ns)) / NANOS_PER_SECOND if board.began_ns else 0
        return [f"  {seconds:6.1f} s  {line}" for line in lines]


def wave_table(board: Board, kinds: dict[str, str]) -> Table:
    """The last waves: filled of sent, by venue."""
    table = Table(title="waves: filled / sent", title_justify="left")
    table.add_column("wave", justify="right")
    table.add_column("stage")
    for name in kinds:
        table.add_column(name, justify="right")
    for wave in list(board.waves.values())[-WAVES_SHOWN:]:
        cells = [
            f"{wave.filled.get(name, 0):,} / {wave.sent[name]:,}" if name in wave.sent else ""
            for name in kinds
        ]
        table.add_row(str(wave.number), wave.stage.value, *cells)
    return table


def _whole(wave: WaveSeen) -> dict[str, Shares]:
    return {venue: wave.filled.get(venue, 0) for venue in wave.sent}


def _sizes(sizes: dict[str, Shares]) -> str:
    return ", ".join(f"{venue} {shares:,}" for venue, shares in sizes.items())
