"""The completion report: the measures of one order as tables for people, or as plain data.

Owns: the wording and the layout. May not know: how anything was measured, the journal.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table

from sor_gateway.projection.story import price
from sor_gateway.sor.types import MICROS_PER_UNIT, NANOS_PER_SECOND, Micros, Shares
from sor_gateway.tca.measures import Cost, Report, Totals, WaveLine

NOTHING: Final = "-"
WAVES_SHOWN: Final = 30
"""Most waves in a table. A sprayed order has hundreds: then only the hidden ones are told; plain
data holds all."""
HIDDEN: Final = "dark"
"""The tactic of hidden orders."""


def render(report: Report) -> RenderableType:
    """The whole report for people."""
    parts: list[RenderableType] = [headline(report), venue_table(report), cost_table(report)]
    if report.totals.surprises:
        parts.append(surprise_table(report))
    if report.waves:
        parts.append(wave_table(report.waves))
    return Group(*(part for each in parts for part in (each, "")))


def headline(report: Report) -> RenderableType:
    """The order and its figures, a line each."""
    order, totals = report.order, report.totals
    limit = "market" if order.limit_micros is None else f"limit {price(order.limit_micros)}"
    lines = {
        "order": f"{order.parent_id} ({order.cl_ord_id} of {order.client}): {order.side} "
        f"{order.quantity:,} {order.symbol} {limit}, strategy {order.strategy or 'default'}",
        "state": f"{order.state}, {totals.shares:,} of {order.quantity:,} in "
        f"{seconds(report.duration_ns)} s" + (f": {order.text}" if order.text else ""),
        "average price": _average(totals),
        "arrival": _arrival(report),
        "shortfall": f"{cost(report.shortfall)} against the arrival midpoint",
        "fees": f"{money(totals.fees_micros)} USD net: "
        f"{money(totals.fees_micros + totals.rebates_micros)} paid, "
        f"{money(totals.rebates_micros)} rebates"
        + (f"; {money(totals.surprises_micros)} not announced" if totals.surprises else ""),
        "all in": f"{cost(report.total)}",
    }
    table = Table.grid(padding=(0, 2))
    for name, text in lines.items():
        table.add_row(name, text)
    return table


def venue_table(report: Report) -> Table:
    """By venue: what was sent, and what came of it."""
    totals = report.totals
    headings = ["venue", "children", "sent", "filled", "of sent", "of order", "average"]
    table = narrow_table("By venue", headings, left=("venue",))
    for line in report.venues:
        table.add_row(
            line.venue,
            f"{line.children:,}",
            f"{line.sent:,}",
            f"{line.totals.shares:,}",
            percent(line.totals.shares, line.sent),
            percent(line.totals.shares, report.order.quantity),
            _average(line.totals),
        )
    sent = sum(line.sent for line in report.venues)
    table.add_section()
    table.add_row(
        "total",
        f"{sum(line.children for line in report.venues):,}",
        f"{sent:,}",
        f"{totals.shares:,}",
        percent(totals.shares, sent),
        percent(totals.shares, report.order.quantity),
        _average(totals),
    )
    return table


def cost_table(report: Report) -> Table:
    """By venue: fees, shortfall against arrival, slippage against the moment of each child."""
    headings = ["venue", "fees USD", "added", "removed", "mid", "shortfall", "bps", "slip bps"]
    table = narrow_table("Cost by venue", headings, left=("venue",))
    for line in report.venues:
        table.add_row(*_cost_cells(line.venue, line.totals, line.shortfall), _bps(line.slippage))
    table.add_section()
    table.add_row(*_cost_cells("total", report.totals, report.shortfall), "")
    return table


def surprise_table(report: Report) -> Table:
    """By venue: fees that are not the schedule's, for whoever disputes them."""
    headings = ["venue", "executions", "fees USD", "schedule USD", "not announced USD"]
    table = narrow_table("Fees that nobody announced", headings, left=("venue",))
    lines = [(line.venue, line.totals) for line in report.venues if line.totals.surprises]
    for name, totals in [*lines, ("total", report.totals)]:
        if name == "total":
            table.add_section()
        table.add_row(
            name,
            f"{totals.surprises:,} of {totals.executions:,}",
            money(totals.fees_micros),
            money(totals.fees_micros - totals.surprises_micros),
            money(totals.surprises_micros),
        )
    return table


def wave_table(waves: list[WaveLine]) -> Table:
    """By wave: filled of sent, a column for each venue."""
    numbers = list(dict.fromkeys(line.wave for line in waves))
    title = "By wave, filled / sent"
    shown = waves
    if len(numbers) > WAVES_SHOWN:
        hidden = [line for line in waves if line.tactic == HIDDEN]
        keep = set(list(dict.fromkeys(line.wave for line in hidden))[:WAVES_SHOWN])
        shown = [line for line in hidden if line.wave in keep]
        title += f" ({len(keep)} hidden ones of {len(numbers):,}; --json has all)"
    venues = list(dict.fromkeys(line.venue for line in shown))
    table = narrow_table(title, ["wave", "at s", "tactic", *venues], left=("tactic",))
    for number in dict.fromkeys(line.wave for line in shown):
        lines = {line.venue: line for line in shown if line.wave == number}
        first = next(iter(lines.values()))
        cells = [
            f"{lines[venue].filled:,} / {lines[venue].sent:,}" if venue in lines else ""
            for venue in venues
        ]
        at_s = seconds(first.began_ns - waves[0].began_ns)
        table.add_row(str(number), at_s, first.tactic, *cells)
    return table


def as_json(report: Report) -> dict[str, Any]:
    """The whole report for programs: money in micros, basis points as text."""
    order = report.order
    return {
        "parent_id": order.parent_id,
        "cl_ord_id": order.cl_ord_id,
        "client": order.client,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "strategy": order.strategy,
        "state": order.state,
        "text": order.text,
        "submitted_ns": order.submitted_ns,
        "ended_ns": order.ended_ns,
        "duration_ns": report.duration_ns,
        "arrival_bid_micros": report.arrival.bid_micros,
        "arrival_ask_micros": report.arrival.ask_micros,
        "arrival_mid_micros": report.arrival.mid_micros,
        **_totals_json(report.totals),
        "shortfall": _cost_json(report.shortfall),
        "all_in": _cost_json(report.total),
        "venues": [
            {
                "venue": line.venue,
                "children": line.children,
                "sent": line.sent,
                **_totals_json(line.totals),
                "shortfall": _cost_json(line.shortfall),
                "slippage": _cost_json(line.slippage),
            }
            for line in report.venues
        ],
        "waves": [asdict(line) for line in report.waves],
    }


# --- words and numbers ------------------------------------------------------------------------


def money(micros: Micros) -> str:
    """Dollars with all their decimals but trailing zeros beyond the second."""
    text = f"{Decimal(micros) / MICROS_PER_UNIT:,.6f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def cost(value: Cost | None) -> str:
    """A cost in dollars and basis points; a gain is negative."""
    if value is None:
        return NOTHING
    return f"{money(value.micros)} USD, {value.bps} bps"


def narrow_table(title: str, headings: list[str], left: tuple[str, ...]) -> Table:
    """A table that fits eighty columns."""
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for heading in headings:
        justify: JustifyMethod = "left" if heading in left else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    return table


def percent(part: Shares, whole: Shares) -> str:
    """A share of a whole, to a tenth."""
    return f"{Decimal(100 * part) / whole:.1f} %" if whole else NOTHING


def seconds(duration_ns: int) -> str:
    """A duration to a hundredth of a second."""
    return f"{Decimal(duration_ns) / NANOS_PER_SECOND:,.2f}"


def _cost_cells(name: str, totals: Totals, shortfall: Cost | None) -> list[str]:
    return [
        name,
        money(totals.fees_micros),
        f"{totals.added:,}",
        f"{totals.removed:,}",
        f"{totals.midpoint:,}",
        NOTHING if shortfall is None else money(shortfall.micros),
        _bps(shortfall),
    ]


def _average(totals: Totals) -> str:
    return price(totals.average_price_micros) if totals.shares else NOTHING


def _bps(value: Cost | None) -> str:
    return NOTHING if value is None else str(value.bps)


def _arrival(report: Report) -> str:
    mid = report.arrival.mid_micros
    if mid is None:
        return "no market was known at arrival"
    bid, ask = report.arrival.bid_micros, report.arrival.ask_micros
    return f"{price(bid)} / {price(ask)}, midpoint {price(mid)}"


def _totals_json(totals: Totals) -> dict[str, Any]:
    return {
        "executions": totals.executions,
        "filled": totals.shares,
        "value_micros": totals.value_micros,
        "average_price_micros": totals.average_price_micros,
        "fees_micros": totals.fees_micros,
        "rebates_micros": totals.rebates_micros,
        "fee_surprises": totals.surprises,
        "fee_surprises_micros": totals.surprises_micros,
        "added": totals.added,
        "removed": totals.removed,
        "midpoint": totals.midpoint,
    }


def _cost_json(value: Cost | None) -> dict[str, Any] | None:
    return None if value is None else {"micros": value.micros, "bps": str(value.bps)}
