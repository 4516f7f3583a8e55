"""An order's story on a terminal of eighty columns: a table for each wave, why each child went
where it went, a line for what happened in between, bars of shares by venue.

Owns: the layout. May not know: where the story comes from.

A text of an order may be whatever a peer sent: it is never read as markup of the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sor_gateway.explain.wording import clock, moment, money, percent, printable
from sor_gateway.projection.picture import Lane
from sor_gateway.projection.queries import Order
from sor_gateway.projection.story import price
from sor_gateway.projection.waves import Leg, Note, Run, Share, Story, Wave
from sor_gateway.tca.report import narrow_table

STYLES: Final = {"StageMoved": "bold cyan", "VenueDropped": "yellow"}
"""Notes that a reader looks for."""
CLOCK_COLUMNS: Final = 11
BAR_COLUMNS: Final = 28
DARK_STYLE, LIT_STYLE = "blue", "dark_orange"


def render(story: Story, lanes: list[Lane]) -> Iterator[RenderableType]:
    """The story, part by part; the lanes are those of its picture."""
    yield _headline(story.order)
    began_ns = story.order.submitted_ns
    for chapter in story.chapters:
        if isinstance(chapter, Note):
            style = STYLES.get(chapter.name, "")
            yield _said(chapter.at_ns, began_ns, chapter.text, style)
        elif isinstance(chapter, Wave):
            yield _wave(chapter, began_ns)
        else:
            yield _run(chapter, began_ns)
    yield Text("What each venue did", "bold")
    yield Padding(_shares(story.shares, story.order.cum_quantity), (0, 0, 1, 0))
    yield bars(lanes)


def _headline(order: Order) -> Text:
    limit = "market" if order.limit_micros is None else f"limit {price(order.limit_micros)}"
    text = (
        f"{order.parent_id} ({order.cl_ord_id} of {order.client}): {order.side} "
        f"{order.quantity:,} {order.symbol} {limit} {order.time_in_force}, {order.state}, "
        f"{order.cum_quantity:,} executed at {money(order.average_price_micros)}, "
        f"fees {money(order.fees_micros)}"
    )
    received = f"received {moment(order.submitted_ns)} UTC; times are seconds from there"
    return Text(f"{printable(text)}\n{received}", "bold")


def _said(at_ns: int, began_ns: int, text: str, style: str = "") -> Table:
    """Something at its time, the text in a column of its own."""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=CLOCK_COLUMNS - 2, justify="right", no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(clock(at_ns, began_ns), Text(printable(text), style))
    return line


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 1, CLOCK_COLUMNS))


def _wave(wave: Wave, began_ns: int) -> Group:
    title = (
        f"Wave {wave.number}, {wave.stage} ({wave.tactics}): "
        f"{wave.filled:,} of {wave.sent:,} filled"
    )
    table = _table("sent", "at", "filled", "average", "fees", "score", "cost")
    for leg in wave.legs:
        child = leg.child
        row = (
            child.venue,
            f"{child.quantity:,}",
            "mid" if child.ord_type == "mid-peg" else price(child.limit_micros),
            f"{child.cum_quantity:,}",
            money(child.average_price_micros) if child.cum_quantity else "",
            money(child.fees_micros) if child.cum_quantity else "",
            f"{child.display_score:.1f}",
            money(child.cost_micros),
        )
        table.add_row(*(Text(printable(cell)) for cell in row))
    told = [_leg(leg) for leg in wave.legs]
    return Group(
        _said(wave.at_ns, began_ns, title), Padding(table, (0, 0, 0, CLOCK_COLUMNS)), *told
    )


def _leg(leg: Leg) -> RenderableType:
    """How a child ended, and why it went where it went."""
    child = leg.child
    text = f"{child.venue} {child.child_id} {leg.outcome}. Why: {child.why}"
    return Padding(Text(printable(text), "dim"), (0, 0, 0, CLOCK_COLUMNS + 2))


def _run(run: Run, began_ns: int) -> Group:
    first, last = run.waves[0], run.waves[-1]
    title = (
        f"Waves {first.number} to {last.number}, {first.stage}, "
        f"until {clock(last.at_ns, began_ns)} (each of them: --full)"
    )
    return Group(_said(first.at_ns, began_ns, title), _indented(_shares(run.shares, 0)))


def _shares(shares: list[Share], executed: int) -> Table:
    headings = ("children", "sent", "filled", "average", "fees")
    table = _table("tactic", *headings, *(["of it"] if executed else []))
    for share in shares:
        row = [
            share.venue,
            share.tactic,
            f"{share.children:,}",
            f"{share.sent:,}",
            f"{share.filled:,}",
            money(share.average_price_micros) if share.filled else "",
            money(share.fees_micros),
            *([percent(share.filled, executed)] if executed else []),
        ]
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def bars(lanes: list[Lane]) -> Table:
    """Shares by venue, the dark ones first, as bars."""
    most = max((lane.filled for lane in lanes), default=0)
    whole = sum(lane.filled for lane in lanes)
    table = narrow_table(
        "Shares by venue", ["venue", "kind", "", "filled", "of it"], ("venue", "kind", "")
    )
    for lane in lanes:
        bar = ProgressBar(
            total=max(1, most),
            completed=lane.filled,
            width=BAR_COLUMNS,
            complete_style=DARK_STYLE if lane.is_dark else LIT_STYLE,
            finished_style=DARK_STYLE if lane.is_dark else LIT_STYLE,
        )
        venue, kind = Text(printable(lane.venue)), Text(printable(lane.kind))
        table.add_row(venue, kind, bar, f"{lane.filled:,}", percent(lane.filled, whole))
    return table


def _table(*headings: str) -> Table:
    """A table of venues that fits eighty columns beside the clock."""
    table = narrow_table("", ["venue", *headings], left=("venue", "tactic"))
    table.title = None
    return table
