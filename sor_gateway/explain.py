"""An order's story on a terminal: a table for each wave, a line for what happened between them.

Owns: the layout. May not know: where the story comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sor_gateway.projection.queries import Order
from sor_gateway.projection.story import price
from sor_gateway.projection.waves import Note, Run, Share, Story, Wave

MICROS: Final = 1_000_000
NUMBERS: Final = frozenset(
    {"sent", "filled", "of it", "average", "fees", "cost", "score", "children"}
)
STYLES: Final = {"StageMoved": "bold cyan", "VenueDropped": "yellow"}
"""Notes that a reader looks for."""


def render(story: Story) -> Iterator[RenderableType]:
    """The story, part by part."""
    yield _headline(story.order)
    began_ns = story.order.submitted_ns
    for chapter in story.chapters:
        if isinstance(chapter, Note):
            yield Text(
                f"{_clock(chapter.at_ns, began_ns)}  {chapter.text}", STYLES.get(chapter.name, "")
            )
        elif isinstance(chapter, Wave):
            yield _wave(chapter, began_ns)
        else:
            yield _run(chapter, began_ns)
    yield _shares(story.shares, "What each venue did", story.order.cum_quantity)


def _headline(order: Order) -> Text:
    limit = "market" if order.limit_micros is None else f"limit {price(order.limit_micros)}"
    moment = datetime.fromtimestamp(order.submitted_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return Text(
        f"{order.parent_id} ({order.cl_ord_id} of {order.client}): {order.side} "
        f"{order.quantity:,} {order.symbol} {limit} {order.time_in_force}, {order.state}, "
        f"{order.cum_quantity:,} executed at {_money(order.average_price_micros)}, "
        f"fees {_money(order.fees_micros)}\nreceived {moment} UTC; times are seconds from there",
        "bold",
    )


def _wave(wave: Wave, began_ns: int) -> Table:
    title = (
        f"{_clock(wave.at_ns, began_ns)}  Wave {wave.number}, {wave.stage} ({wave.tactics}): "
        f"{wave.filled:,} of {wave.sent:,} filled"
    )
    table = _table(title, "venue", "child", "sent", "at", "filled", "average", "fees")
    table.add_column("how it ended")
    for heading in ("score", "cost"):
        table.add_column(heading, justify="right")
    table.add_column("why", overflow="fold")
    for leg in wave.legs:
        child = leg.child
        at = "mid" if child.ord_type == "mid-peg" else price(child.limit_micros)
        table.add_row(
            child.venue,
            child.child_id,
            f"{child.quantity:,}",
            at,
            f"{child.cum_quantity:,}",
            _money(child.average_price_micros) if child.cum_quantity else "",
            _money(child.fees_micros) if child.cum_quantity else "",
            leg.outcome,
            f"{child.display_score:.1f}",
            _money(child.cost_micros),
            child.why,
        )
    return table


def _run(run: Run, began_ns: int) -> Table:
    first, last = run.waves[0], run.waves[-1]
    title = (
        f"{_clock(first.at_ns, began_ns)}  Waves {first.number} to {last.number}, {first.stage}, "
        f"until {_clock(last.at_ns, began_ns).strip()} (each of them: --full)"
    )
    return _shares(run.shares, title, 0)


def _shares(shares: list[Share], title: str, executed: int) -> Table:
    table = _table(title, "venue", "tactic", "children", "sent", "filled", "average", "fees")
    if executed:
        table.add_column("of it", justify="right")
    for share in shares:
        row = [
            share.venue,
            share.tactic,
            f"{share.children:,}",
            f"{share.sent:,}",
            f"{share.filled:,}",
            _money(share.average_price_micros) if share.filled else "",
            _money(share.fees_micros),
        ]
        table.add_row(*row, *([f"{share.filled / executed:.1%}"] if executed else []))
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        justify = "right" if heading in NUMBERS else "left"
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table


def _clock(at_ns: int, began_ns: int) -> str:
    return f"{(at_ns - began_ns) / 1e9:9.3f}"


def _money(micros: int) -> str:
    return f"{Decimal(micros) / MICROS:,.4f}"
