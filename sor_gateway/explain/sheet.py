"""The sheet that an order's picture is drawn on: time across, panels one above the other.

Owns: the axis of time, the marks on it, the colours of venues, titles and levels of panels.
May not know: what a panel shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.explain.canvas import (
    FONT_PX,
    Scale,
    number,
    tag,
    time_ticks,
    width_of,
    words,
)
from sor_gateway.projection.picture import Lane, Mark, MarkKind, Picture

TITLE_PX: Final = 22
GAP_PX: Final = 26
"""Between panels."""
FOOT_PX: Final = 24
"""Below the panels, for the moments."""
PILL_PX, MARKS_GAP_PX = 16, 8
SHADES: Final = 5
"""Colours of one kind of venue."""
FAMILIES: Final = ("dark", "ecn", "inverted", "exchange")


@dataclass(slots=True)
class Sheet:
    """A drawing in the making: how wide, where time runs, how far down it has come."""

    picture: Picture
    quantity: int
    """Of the order."""
    width: float
    left: float
    right: float
    """Where time ends."""
    has_labels: bool
    """Whether names are written behind the end of time."""
    y: float = 0.0
    parts: list[str] = field(default_factory=list)
    colours: dict[str, str] = field(default_factory=dict)
    """CSS class of each venue."""
    panels: list[tuple[float, float]] = field(default_factory=list)
    """From where to where panels go down."""

    def __post_init__(self) -> None:
        self.colours = colours(self.picture.lanes)

    @property
    def time(self) -> Scale:
        """From moments to pixels."""
        return Scale(self.picture.began_ns, self.picture.until_ns, self.left, self.right)

    def add(self, *parts: str) -> None:
        """Draw something."""
        self.parts.extend(parts)

    def title(self, text: str, note: str = "") -> None:
        """Begin a panel."""
        self.y += GAP_PX if self.panels else 0
        self.add(words(0, self.y + FONT_PX, text, "title"))
        if note and self.has_labels:
            self.add(words(width_of(text) + 14, self.y + FONT_PX, note, "note", small=True))
        self.y += TITLE_PX
        self.panels.append((self.y, self.y))

    def end_panel(self, y: float) -> None:
        """The panel that was begun ends here."""
        self.panels[-1] = (self.panels[-1][0], y)
        self.y = y

    def down(self, x: float) -> str:
        """Path data of a line through the panels."""
        return "".join(
            f"M{number(x)},{number(top)}V{number(bottom)}" for top, bottom in self.panels
        )

    def across(self, y: float, css: str) -> None:
        """A line from the beginning to the end of time."""
        self.add(
            tag("path", d=f"M{number(self.left)},{number(y)}H{number(self.right)}", class_=css)
        )

    def level(self, y: float, text: str) -> None:
        """A line across at a value."""
        self.across(y, "grid")
        self.add(words(self.left - 7, y + 4, text, "axis", "end", small=True))


def colours(lanes: list[Lane]) -> dict[str, str]:
    """A CSS class for each venue: a hue for its kind, a shade for its place within the kind."""
    seen: dict[str, int] = {}
    classes: dict[str, str] = {}
    for lane in lanes:
        family = lane.kind if lane.kind in FAMILIES else "other"
        place = seen[family] = seen.get(family, -1) + 1
        classes[lane.venue] = f"{family}-{place % SHADES}"
    return classes


# --- time -------------------------------------------------------------------------------------


def time_axis(sheet: Sheet) -> Iterator[str]:
    """Lines down through the panels, and the moments below them."""
    duration_ns = sheet.picture.until_ns - sheet.picture.began_ns
    ticks, unit_ns, unit = time_ticks(duration_ns, 9 if sheet.has_labels else 5)
    for tick in ticks:
        x = sheet.time.at(sheet.picture.began_ns + tick)
        yield tag("path", d=sheet.down(x), class_="grid")
        text = f"{tick // unit_ns:,} {unit}" if tick else "0"
        # A tick at the very end must not leave the sheet.
        room = sheet.width - width_of(text, small=True) / 2
        yield words(min(x, room), sheet.y + FOOT_PX - 6, text, "axis", "middle", small=True)


def gate_lines(sheet: Sheet) -> Iterator[str]:
    """The moment of each gate, through the panels."""
    for mark in sheet.picture.marks:
        if mark.kind is MarkKind.GATE:
            yield tag("path", d=sheet.down(sheet.time.at(mark.at_ns)), class_="gate")


@dataclass(slots=True)
class Pill:
    """Marks that are drawn as one, because they would lie on one another."""

    first: int
    last: int
    """Numbers of the marks."""
    from_x: float
    to_x: float
    """Where the first and the last of them belong."""
    limit: float
    """Of the sheet."""

    @property
    def name(self) -> str:
        """The numbers as they are written."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    @property
    def half(self) -> float:
        """Half of its width."""
        return width_of(self.name, small=True) / 2 + 5

    @property
    def middle(self) -> float:
        """Where it stands: over its marks, but on the sheet."""
        return min(max((self.from_x + self.to_x) / 2, self.half), self.limit - self.half)


def marks(sheet: Sheet) -> None:
    """A number for each mark; the texts stand below the picture. Gates have a row of their own."""
    numbered = list(enumerate(sheet.picture.marks, 1))
    gates = [each for each in numbered if each[1].kind is MarkKind.GATE]
    others = [each for each in numbered if each[1].kind is not MarkKind.GATE]
    for row, css in ((gates, "mark gate"), (others, "mark")):
        for pill in pills(sheet, row):
            x, width = pill.middle - pill.half, 2 * pill.half
            box = tag("rect", x=x, y=sheet.y + 1, width=width, height=PILL_PX, rx=PILL_PX / 2)
            text = words(pill.middle, sheet.y + 12.5, pill.name, "", "middle", small=True)
            sheet.add(tag("g", box + text, class_=css))
        sheet.y += PILL_PX + 4 if row else 0
    sheet.y += MARKS_GAP_PX if numbered else 0


def pills(sheet: Sheet, numbered: list[tuple[int, Mark]]) -> list[Pill]:
    """Marks of one row, those that would meet joined."""
    row: list[Pill] = []
    for place, mark in numbered:
        x = sheet.time.at(mark.at_ns)
        pill = Pill(place, place, x, x, sheet.width)
        while row and pill.middle - pill.half < row[-1].middle + row[-1].half + 2:
            before = row.pop()
            pill = Pill(before.first, place, before.from_x, x, sheet.width)
        row.append(pill)
    return row
