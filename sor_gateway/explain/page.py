"""An order's page: one file that needs nothing else, for a screen, a telephone and paper.

Owns: the page around the picture: headline, account, legend, the texts of the marks.
May not know: how a panel is drawn, where the figures come from.

It is well-formed XML as well as HTML. Every text of an order passes through `clean`: a ClOrdID or a
venue's Text is whatever a peer sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sor_gateway.explain.canvas import clean, tag
from sor_gateway.explain.panels import draw
from sor_gateway.explain.sheet import colours
from sor_gateway.explain.style import STYLE
from sor_gateway.explain.wording import clock, moment, money, percent
from sor_gateway.projection.picture import Lane, Mark, Picture
from sor_gateway.projection.story import price
from sor_gateway.tca.measures import Cost, Report, VenueLine
from sor_gateway.tca.report import NOTHING, seconds

MARKS_TOLD: Final = 300
"""Most marks whose text is told; the story on a terminal has all."""
HEADINGS: Final = (
    *("venue", "kind", "shares", "average", "fees", "of order", "children", "sent", "of sent"),
    *("shortfall bps", "slippage bps"),
)


def page(picture: Picture, report: Report) -> str:
    """The whole file."""
    order = report.order
    title = f"{order.side.capitalize()} {order.quantity:,} {order.symbol}"
    body = [
        tag("header", "".join(_headline(title, report))),
        tag("dl", "".join(_figures(picture, report)), class_="figures"),
        _figure(picture, order.quantity),
        _account(picture, report),
        _marks(picture),
        tag("footer", clean(_foot(picture, report))),
    ]
    head = (
        '<meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"{tag('title', clean(f'{order.parent_id}: {title}'))}{tag('style', STYLE)}"
    )
    return (
        f'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">'
        f"<head>{head}</head><body>{''.join(body)}</body></html>\n"
    )


CAPTION: Final = (
    "Market data is not recorded: bid and offer are what the router saw at each decision. "
    "Dashed: the midpoint at arrival; dotted: our average."
)


def _headline(title: str, report: Report) -> Iterator[str]:
    order = report.order
    limit = "market" if order.limit_micros is None else f"limit {price(order.limit_micros)}"
    yield tag("h1", clean(title))
    yield tag(
        "p",
        clean(
            f"{limit}, {order.time_in_force or 'no time in force'}, "
            f"{order.strategy or 'default strategy'}. {order.parent_id}, "
            f"ClOrdID {order.cl_ord_id} of {order.client}, "
            f"received {moment(order.submitted_ns)} UTC."
        ),
    )
    if order.text:
        yield tag("p", clean(order.text), class_="said")


def _figures(picture: Picture, report: Report) -> Iterator[str]:
    order, totals = report.order, report.totals
    dark = sum(lane.filled for lane in picture.lanes if lane.is_dark)
    average = money(totals.average_price_micros) if totals.shares else NOTHING
    mid = report.arrival.mid_micros
    arrival = NOTHING if mid is None else money(mid)
    for name, figure, beside in (
        (
            order.state,
            f"{totals.shares:,}",
            f"{percent(totals.shares, order.quantity)} of the order",
        ),
        ("in the dark", f"{dark:,}", f"{totals.shares - dark:,} displayed or taken"),
        ("average price", average, f"arrival midpoint {arrival}"),
        ("shortfall", _bps(report.shortfall), _usd(report.shortfall)),
        ("fees", money(totals.fees_micros), f"USD; rebates {money(totals.rebates_micros)}"),
        ("all in", _bps(report.total), _usd(report.total)),
        ("time", f"{seconds(picture.until_ns - picture.began_ns)} s", _waves(picture)),
    ):
        yield tag(
            "div",
            tag("dt", clean(name))
            + tag("dd", clean(figure))
            + tag("dd", clean(beside), class_="by"),
        )


def _waves(picture: Picture) -> str:
    children = sum(lane.children for lane in picture.lanes)
    return f"{len(picture.waves):,} waves, {children:,} children"


def _figure(picture: Picture, quantity: int) -> str:
    """The picture, once for a page and once for a telephone: the style shows one of them."""
    drawn = draw(picture, quantity, is_wide=True) + draw(picture, quantity, is_wide=False)
    caption = f"{CAPTION} Numbered marks are told below." if picture.marks else CAPTION
    return tag("figure", drawn + tag("figcaption", clean(caption)))


def _account(picture: Picture, report: Report) -> str:
    """The legend, which is the account by venue as well."""
    lines = {line.venue: line for line in report.venues}
    css = colours(picture.lanes)
    head = tag("tr", "".join(tag("th", clean(each), scope="col") for each in HEADINGS))
    rows = [
        _row(lane, lines[lane.venue], report.order.quantity, css[lane.venue])
        for lane in picture.lanes
    ]
    totals, sent = report.totals, sum(lane.sent for lane in picture.lanes)
    cells = [
        f"{totals.shares:,}",
        money(totals.average_price_micros) if totals.shares else NOTHING,
        money(totals.fees_micros),
        percent(totals.shares, report.order.quantity),
        f"{sum(lane.children for lane in picture.lanes):,}",
        f"{sent:,}",
        percent(totals.shares, sent),
        _bps(report.shortfall, ""),
        "",
    ]
    foot = tag("tr", tag("th", "total", scope="row") + tag("td") + _cells(cells))
    parts = tag("thead", head) + tag("tbody", "".join(rows)) + tag("tfoot", foot)
    table = tag("div", tag("table", parts, class_="account"), class_="scroll")
    return tag("section", tag("h2", "Account by venue") + table)


def _row(lane: Lane, line: VenueLine, quantity: int, css: str) -> str:
    swatch = tag("span", "", class_=f"swatch {css}")
    cells = [
        f"{lane.filled:,}",
        money(lane.average_price_micros) if lane.filled else NOTHING,
        money(lane.fees_micros),
        percent(lane.filled, quantity),
        f"{lane.children:,}",
        f"{lane.sent:,}",
        percent(lane.filled, lane.sent),
        _bps(line.shortfall, ""),
        _bps(line.slippage, ""),
    ]
    name = tag("th", swatch + clean(lane.venue), scope="row")
    return tag("tr", name + tag("td", clean(lane.kind)) + _cells(cells))


def _cells(cells: list[str]) -> str:
    return "".join(tag("td", clean(cell), class_="figure") for cell in cells)


def _marks(picture: Picture) -> str:
    """Gates, dropped venues, requests, doubts: why and when."""
    if not picture.marks:
        return ""
    items = [_mark(mark, picture.began_ns) for mark in picture.marks[:MARKS_TOLD]]
    told = tag("ol", "".join(items), class_="marks")
    if (rest := len(picture.marks) - MARKS_TOLD) > 0:
        told += tag("p", clean(f"{rest:,} more: `explain` without --html tells them all"))
    return tag("section", tag("h2", "What changed the course") + told)


def _mark(mark: Mark, began_ns: int) -> str:
    at = tag("span", clean(f"{clock(mark.at_ns, began_ns)} s"), class_="at")
    return tag("li", at + " " + clean(mark.text), class_=mark.kind.value)


def _foot(picture: Picture, report: Report) -> str:
    return (
        f"{report.order.parent_id}, as the journal has it until {moment(picture.until_ns)} UTC. "
        "Shortfall: against the midpoint at arrival; slippage: against the midpoint when each "
        "child was planned; a gain is negative. Fees in dollars, a rebate is negative."
    )


def _bps(value: Cost | None, unit: str = " bps") -> str:
    return NOTHING if value is None else f"{value.bps}{unit}"


def _usd(value: Cost | None) -> str:
    return "not known" if value is None else f"{money(value.micros)} USD"
