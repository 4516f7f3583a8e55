"""The panels of an order's picture: shares, prices, waves, scores.

Owns: what each panel draws of the figures, and that no two labels meet.
May not know: the page around it, the database; a panel is a function of the figures alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from sor_gateway.explain.canvas import (
    Scale,
    by_column,
    clean,
    number,
    round_ticks,
    shortened,
    spread,
    steps,
    tag,
    width_of,
    words,
)
from sor_gateway.explain.sheet import FOOT_PX, Sheet, gate_lines, marks, time_axis
from sor_gateway.explain.wording import money
from sor_gateway.projection.picture import Box, Lane, Picture, Quote, Score
from sor_gateway.projection.story import price
from sor_gateway.sor.types import Stage

WIDE: Final = (940.0, 62.0, 770.0)
"""Width of the sheet, and where time begins and ends on it."""
NARROW: Final = (380.0, 54.0, 372.0)
LINE_PX: Final = 15
"""From one line of text to the next."""
NAMES_PX: Final = 20
"""From the end of time to the names."""
SHARES_PX, PRICES_PX, WAVE_PX, SCORE_PX = 270, 150, 24, 22
HEADROOM_PX: Final = 8
PRICE_MARGIN: Final = 16
"""One part in so many of the range of prices is kept free above and below."""
PRICE_MARGIN_MIN_MICROS: Final = 1_000
WAVE_MIN_PX: Final = 7.0
"""Waves that begin closer together than this are drawn as one."""
SLIVER_PX: Final = 2.0
"""As narrow as anything is drawn."""
DOT_MIN_PX, DOT_MAX_PX, DOT_CELL_PX = 1.3, 5.0, 2
SCORE_MAX: Final = 10


def draw(picture: Picture, quantity: int, *, is_wide: bool) -> str:
    """The whole picture of an order of so many shares as an SVG element, for a page or for a
    telephone, where names are left to the legend."""
    width, left, right = WIDE if is_wide else NARROW
    sheet = Sheet(picture, quantity, width, left, right, has_labels=is_wide)
    marks(sheet)
    for panel in PANELS:
        panel(sheet)
    return tag(
        "svg",
        "".join([*time_axis(sheet), *sheet.parts, *gate_lines(sheet)]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(sheet.width)} {number(sheet.y + FOOT_PX)}",
        class_="wide" if is_wide else "narrow",
        role="img",
        aria_label="Shares by venue, prices, waves and scores over time",
    )


# --- shares -----------------------------------------------------------------------------------


def shares(sheet: Sheet) -> None:
    """Executed shares over time, the venues stacked: dark below, displayed above."""
    sheet.title("Shares executed", "by venue, dark ones below")
    top, base = sheet.y, sheet.y + SHARES_PX
    high = max(sheet.quantity, sheet.picture.filled, 1)
    up = Scale(0, high, base, top + HEADROOM_PX)
    for tick in round_ticks(0, high, 6):
        sheet.level(up.at(tick), f"{tick:,}")
    sheet.across(up.at(sheet.quantity), "whole")
    below = _Stack(sheet)
    ends: list[tuple[Lane, float, float]] = []
    for lane in sheet.picture.lanes:
        if not lane.filled:
            continue
        low, high_now = below.total(), below.raise_by(lane)
        sheet.add(
            tag(
                "path",
                tag("title", clean(_told(lane))),
                d=below.area(up),
                class_=f"lane {sheet.colours[lane.venue]}",
                data_venue=lane.venue,
                data_shares=lane.filled,
            )
        )
        ends.append((lane, up.at(low), up.at(high_now)))
    if sheet.has_labels:
        _name_lanes(sheet, ends)
    sheet.end_panel(base)


class _Stack:
    """Cumulative shares of the lanes drawn so far, by pixel column."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet: Final = sheet
        moments = sorted({fill.at_ns for lane in sheet.picture.lanes for fill in lane.fills})
        placed = by_column((sheet.time.at(moment), moment) for moment in moments)
        self._columns: Final = [(x, moment) for x, moment in placed]
        self._below: list[int] = []
        self._above: list[int] = [0] * len(placed)

    def total(self) -> int:
        """What the lanes so far come to."""
        return self._above[-1] if self._above else 0

    def raise_by(self, lane: Lane) -> int:
        """Put a lane on top; what all come to then."""
        self._below, self._above = self._above, list(self._above)
        done, place = 0, 0
        for index, (_, moment) in enumerate(self._columns):
            while place < len(lane.fills) and lane.fills[place].at_ns <= moment:
                done = lane.fills[place].total
                place += 1
            self._above[index] += done
        return self.total()

    def area(self, up: Scale) -> str:
        """Between the lane on top and the one below it."""
        left, right = self._sheet.left, self._sheet.right
        over = [(left, up.at(0)), *self._line(self._above, up)]
        under = [(left, up.at(0)), *self._line(self._below, up)]
        back = [f"L{number(right)},{number(under[-1][1])}"]
        for (x, _), (_, y) in zip(reversed(under[1:]), reversed(under[:-1]), strict=True):
            back.append(f"H{number(x)}V{number(y)}")
        return f"{steps(over, right)}{''.join(back)}H{number(left)}Z"

    def _line(self, totals: list[int], up: Scale) -> list[tuple[float, float]]:
        """Where it rises; what stays level needs no point."""
        points: list[tuple[float, float]] = []
        last = 0
        for (x, _), total in zip(self._columns, totals, strict=True):
            if total != last:
                points.append((x, up.at(total)))
            last = total
        return points


def _told(lane: Lane) -> str:
    average = money(lane.average_price_micros)
    return f"{lane.venue} ({lane.kind}): {lane.filled:,} at {average}"


def _name_lanes(sheet: Sheet, ends: list[tuple[Lane, float, float]]) -> None:
    """The venues beside the end of their lanes; of too many, those with the most shares."""
    most = int(SHARES_PX / LINE_PX)
    named = sorted(ends, key=lambda end: end[0].filled, reverse=True)[:most]
    wanted = [(low + high) / 2 for _, low, high in named]
    low, high = sheet.y + LINE_PX / 2, sheet.y + SHARES_PX - LINE_PX / 2
    for (lane, *_), middle, y in zip(
        named, wanted, spread(wanted, LINE_PX, low, high), strict=True
    ):
        _tie(sheet, middle, y, sheet.colours[lane.venue])
        _name(sheet, y + 4, lane.venue, f"{lane.filled:,}")


def _name(sheet: Sheet, y: float, name: str, figure: str) -> None:
    """A name and a figure behind the end of time."""
    x = sheet.right + NAMES_PX
    shown = shortened(name, sheet.width - x - width_of(f" {figure}"))
    sheet.add(words(x, y, shown), words(sheet.width, y, figure, "axis", "end"))


def _tie(sheet: Sheet, at: float, y: float, css: str) -> None:
    """From where something ends to its name."""
    x = sheet.right + NAMES_PX
    line = f"M{number(sheet.right + 2)},{number(at)}L{number(x - 10)},{number(y)}H{number(x - 4)}"
    sheet.add(tag("path", d=line, class_=f"tie {css}"))


# --- prices -----------------------------------------------------------------------------------


def prices(sheet: Sheet) -> None:
    """The market as the router saw it, and our fills in it."""
    picture = sheet.picture
    seen = [each for quote in picture.quotes for each in (quote.bid_micros, quote.ask_micros)]
    seen += [fill.price_micros for lane in picture.lanes for fill in lane.fills]
    seen = [each for each in seen if each > 0]
    if not seen:
        return
    sheet.title("Prices", "bid and offer as known at each decision; fills, larger for more shares")
    low, high = min(seen), max(seen)
    margin = max((high - low) // PRICE_MARGIN, PRICE_MARGIN_MIN_MICROS)
    up = Scale(low - margin, high + margin, sheet.y + PRICES_PX, sheet.y)
    for tick in round_ticks(up.low, up.high, 6):
        sheet.level(up.at(tick), price(tick))
    _market(sheet, up)
    _references(sheet, up)
    for lane in picture.lanes:
        sheet.add(_dots(sheet, lane, up))
    sheet.end_panel(sheet.y + PRICES_PX)


def _market(sheet: Sheet, up: Scale) -> None:
    """Between bid and offer, where both are known; each side as a line."""
    quotes = [*sheet.picture.quotes, Quote(sheet.picture.until_ns, 0, 0)]
    band: list[str] = []
    sides: list[str] = []
    for quote, after in pairwise(quotes):
        x, end = number(sheet.time.at(quote.at_ns)), number(sheet.time.at(after.at_ns))
        bid, ask = (number(up.at(each)) for each in (quote.bid_micros, quote.ask_micros))
        if quote.bid_micros and quote.ask_micros:
            band.append(f"M{x},{bid}H{end}V{ask}H{x}Z")
        sides += [f"M{x},{bid}H{end}"] if quote.bid_micros else []
        sides += [f"M{x},{ask}H{end}"] if quote.ask_micros else []
    sheet.add(tag("path", d="".join(band), class_="band"))
    sheet.add(tag("path", d="".join(sides), class_="sides"))


def _references(sheet: Sheet, up: Scale) -> None:
    """What the account compares: the midpoint at arrival and our average."""
    lines: list[tuple[str, int, str]] = []
    first = sheet.picture.quotes[0] if sheet.picture.quotes else Quote(0, 0, 0)
    if first.at_ns == sheet.picture.began_ns and first.bid_micros and first.ask_micros:
        lines.append(("arrival", (first.bid_micros + first.ask_micros) // 2, "arrival"))
    if filled := sheet.picture.filled:
        value = sum(lane.value_micros for lane in sheet.picture.lanes)
        lines.append(("average", value // filled, "average"))
    places = [up.at(micros) for _, micros, _ in lines]
    for (_, _, css), y in zip(lines, places, strict=True):
        sheet.across(y, css)
    if sheet.has_labels:
        beside = spread(places, LINE_PX, sheet.y, sheet.y + PRICES_PX)
        for (name, micros, css), at, y in zip(lines, places, beside, strict=True):
            _tie(sheet, at, y, css)
            _name(sheet, y + 4, name, money(micros))


def _dots(sheet: Sheet, lane: Lane, up: Scale) -> str:
    """A lane's fills; those that would lie on one another are one."""
    largest = max((fill.quantity for each in sheet.picture.lanes for fill in each.fills), default=1)
    cells: dict[tuple[int, int], int] = {}
    for fill in lane.fills:
        x, y = sheet.time.at(fill.at_ns), up.at(fill.price_micros)
        cell = (round(x / DOT_CELL_PX), round(y / DOT_CELL_PX))
        cells[cell] = cells.get(cell, 0) + fill.quantity
    dots: list[str] = []
    for (column, row), quantity in cells.items():
        part = math.sqrt(min(1.0, quantity / largest))
        radius = DOT_MIN_PX + (DOT_MAX_PX * sheet.width / WIDE[0] - DOT_MIN_PX) * part
        dots.append(tag("circle", cx=column * DOT_CELL_PX, cy=row * DOT_CELL_PX, r=radius))
    return tag("g", "".join(dots), class_=f"dots {sheet.colours[lane.venue]}")


# --- waves ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Group:
    """Waves of one stage that begin so close together that they are drawn as one."""

    x: float
    boxes: list[Box] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Their numbers."""
        first, last = self.boxes[0].number, self.boxes[-1].number
        return str(first) if first == last else f"{first}-{last}"

    def told(self) -> str:
        """Everything about them, in words."""
        parts: dict[str, tuple[int, int]] = {}
        for part in (part for box in self.boxes for part in box.parts):
            filled, sent = parts.get(part.venue, (0, 0))
            parts[part.venue] = (filled + part.filled, sent + part.sent)
        by_venue = ", ".join(f"{venue} {a:,} of {b:,}" for venue, (a, b) in parts.items())
        tactics = ", ".join(dict.fromkeys(box.tactics for box in self.boxes))
        return (
            f"{'wave' if len(self.boxes) == 1 else 'waves'} {self.name} ({tactics}): "
            f"{self.filled:,} of {self.sent:,} filled: {by_venue}"
        )

    @property
    def sent(self) -> int:
        """Shares sent."""
        return sum(box.sent for box in self.boxes)

    @property
    def filled(self) -> int:
        """Shares executed."""
        return sum(box.filled for box in self.boxes)


def waves(sheet: Sheet) -> None:
    """Each wave as a box from its beginning to its end, as full as it was filled."""
    rows = {"dark": [box for box in sheet.picture.waves if _is_dark(box)]}
    rows["lit"] = [box for box in sheet.picture.waves if not _is_dark(box)]
    if not sheet.picture.waves:
        return
    sheet.title("Waves", "a box is what was sent, its filled part what was executed")
    for name, boxes in rows.items():
        if not boxes:
            continue
        sheet.add(words(sheet.left - 7, sheet.y + WAVE_PX - 8, name, "axis", "end", small=True))
        groups = _grouped(sheet, boxes)
        for place, group in enumerate(groups):
            limit = groups[place + 1].x if place + 1 < len(groups) else sheet.right
            sheet.add(_box(sheet, group, limit, name))
        sheet.y += WAVE_PX + 6
    sheet.end_panel(sheet.y - 6)


def _is_dark(box: Box) -> bool:
    return box.stage == Stage.DARK if box.stage else box.tactics == Stage.DARK


def _grouped(sheet: Sheet, boxes: list[Box]) -> list[Group]:
    groups: list[Group] = []
    for box in sorted(boxes, key=lambda box: box.began_ns):
        x = min(sheet.time.at(box.began_ns), sheet.right - SLIVER_PX)
        if not groups or x - groups[-1].x >= WAVE_MIN_PX:
            groups.append(Group(x))
        groups[-1].boxes.append(box)
    return groups


def _box(sheet: Sheet, group: Group, limit: float, name: str) -> str:
    until_ns = sheet.picture.until_ns
    end = max(sheet.time.at(box.ended_ns or until_ns) for box in group.boxes)
    width = max(min(end, limit) - group.x - 1, SLIVER_PX)
    full = WAVE_PX * group.filled / group.sent if group.sent else 0.0
    top = sheet.y + WAVE_PX - min(full, float(WAVE_PX))
    parts = [
        tag("title", clean(group.told())),
        tag("rect", x=group.x, y=sheet.y, width=width, height=WAVE_PX, class_="sent"),
        tag("rect", x=group.x, y=top, width=width, height=sheet.y + WAVE_PX - top, class_="filled"),
    ]
    if width >= width_of(group.name, small=True) + 4:
        middle = group.x + width / 2
        parts.append(words(middle, sheet.y + WAVE_PX / 2 + 4, group.name, "", "middle", small=True))
    return tag("g", "".join(parts), class_=f"wave {name}")


# --- scores -----------------------------------------------------------------------------------


def scores(sheet: Sheet) -> None:
    """How each venue stood at each decision, one row a venue."""
    if not sheet.picture.scores:
        return
    sheet.title("Scores", "0 to 10, when a child was sent there")
    for lane in sheet.picture.lanes:
        own = [score for score in sheet.picture.scores if score.venue == lane.venue]
        if not sheet.has_labels:
            sheet.y += LINE_PX - 4
            text = f"{lane.venue} {own[-1].display_score:.1f}"
            room = sheet.right - sheet.left
            sheet.add(words(sheet.left, sheet.y - 3, shortened(text, room, True), "", small=True))
        _score_row(sheet, lane, own)
        sheet.y += SCORE_PX + 6
    sheet.end_panel(sheet.y - 6)


def _score_row(sheet: Sheet, lane: Lane, own: list[Score]) -> None:
    base = sheet.y + SCORE_PX
    up = Scale(0, 10 * SCORE_MAX, base, sheet.y)
    sheet.across(base, "grid")
    placed = by_column((sheet.time.at(each.at_ns), round(10 * each.display_score)) for each in own)
    points = [(x, up.at(tenths)) for x, tenths in placed]
    end = max(points[-1][0], points[0][0] + SLIVER_PX)
    css = sheet.colours[lane.venue]
    line = steps(points, end)
    area = f"{line}V{number(base)}H{number(points[0][0])}Z"
    sheet.add(tag("path", d=area, class_=f"under {css}"), tag("path", d=line, class_=f"line {css}"))
    sheet.add(tag("circle", cx=points[-1][0], cy=points[-1][1], r=2.0, class_=f"end {css}"))
    if sheet.has_labels:
        _name(sheet, sheet.y + SCORE_PX / 2 + 4, lane.venue, f"{own[-1].display_score:.1f}")


PANELS: Final[tuple[Callable[[Sheet], None], ...]] = (shares, prices, waves, scores)
