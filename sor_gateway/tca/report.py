"""The completion report: the measures of one order as tables for people, or as plain data.

Owns: the wording and the layout. May not know: how anything was measured, the journal.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from sor_gateway.projection.story import price
from sor_gateway.sor.types import MICROS_PER_UNIT, NANOS_PER_SECOND, Micros, Shares
from sor_gateway.tca.measures import Cost, Report, Totals, WaveLine

NOTHING: Final = "-"
WAVES_SHOWN: Final = 40
"""Most lines of the wave table; a sprayed order has thousands, which plain data holds in full."""


def render(report: Report) -> RenderableType:
    """The whole report for people."""
    parts: list[RenderableType] = [headline(report), venue_table(report), cost_table(report)]
    if report.waves:
        parts.append(wave_table(report.waves))
    return Group(*parts)


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
        f"{money(totals.rebates_micros)} rebates",
        "all in": f"{cost(report.total)}",
    }
    table = Table.grid(padding=(0, 2))
    for name, text in lines.items():
        table.add_row(name, text)
    return table


def venue_table(report: Report) -> Table:
    """By venue: what was sent, and what came of it."""
    table = Table(title="By venue", title_justify="left", show_footer=True, box=SIMPLE_HEAD)
    totals = report.totals
    sent = sum(line.sent for line in report.venues)
    children = sum(line.children for line in report.venues)
    for heading, footer in (
        ("venue", "total"),
        ("children", f"{children:,}"),
        ("sent", f"{sent:,}"),
        ("filled", f"{totals.shares:,}"),
        ("of sent", percent(totals.shares, sent)),
        ("of order", percent(totals.shares, report.order.quantity)),
        ("average", _average(totals)),
    ):
        table.add_column(heading, footer=footer, justify="left" if heading == "venue" else "right")
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
    return table


def cost_table(report: Report) -> Table:
    """By venue: fees, shortfall against arrival, slippage against the moment of each child."""
    table = Table(title="Cost by venue", title_justify="left", show_footer=True, box=SIMPLE_HEAD)
    totals = report.totals
    for heading, footer in (
        ("venue", "total"),
        ("fees USD", money(totals.fees_micros)),
        ("added", f"{totals.added:,}"),
        ("removed", f"{totals.removed:,}"),
        ("mid", f"{totals.midpoint:,}"),
        ("shortfall USD", _usd(report.shortfall)),
        ("bps", _bps(report.shortfall)),
        ("slip bps", ""),
    ):
        table.add_column(heading, footer=footer, justify="left" if heading == "venue" else "right")
    for line in report.venues:
        table.add_row(
            line.venue,
            money(line.totals.fees_micros),
            f"{line.totals.added:,}",
            f"{line.totals.removed:,}",
            f"{line.totals.midpoint:,}",
            _usd(line.shortfall),
            _bps(line.shortfall),
            _bps(line.slippage),
        )
    return table


def wave_table(waves: list[WaveLine]) -> Table:
    """By wave and venue."""
    title = "By wave"
    if len(waves) > WAVES_SHOWN:
        title += f" (the first {WAVES_SHOWN} lines of {len(waves):,}; --json has all)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("wave", "at s", "venue", "tactic", "children", "sent", "filled", "of sent"):
        words = heading in ("venue", "tactic")
        table.add_column(heading, justify="left" if words else "right")
    began_ns = waves[0].began_ns
    for line in waves[:WAVES_SHOWN]:
        table.add_row(
            str(line.wave),
            seconds(line.began_ns - began_ns),
            line.venue,
            line.tactic,
            f"{line.children:,}",
            f"{line.sent:,}",
            f"{line.filled:,}",
            percent(line.filled, line.sent),
        )
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


def percent(part: Shares, whole: Shares) -> str:
    """A share of a whole, to a tenth."""
    return f"{Decimal(100 * part) / whole:.1f} %" if whole else NOTHING


def seconds(duration_ns: int) -> str:
    """A duration to a hundredth of a second."""
    return f"{Decimal(duration_ns) / NANOS_PER_SECOND:,.2f}"


def _average(totals: Totals) -> str:
    return price(totals.average_price_micros) if totals.shares else NOTHING


def _usd(value: Cost | None) -> str:
    return NOTHING if value is None else money(value.micros)


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
        "added": totals.added,
        "removed": totals.removed,
        "midpoint": totals.midpoint,
    }


def _cost_json(value: Cost | None) -> dict[str, Any] | None:
    return None if value is None else {"micros": value.micros, "bps": str(value.bps)}
