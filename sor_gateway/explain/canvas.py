"""What a drawing is made of: elements as text, scales, ticks, room for words.

Owns: escaping, rounding to the pixel, the width of a text as far as it can be known without a font.
May not know: what is drawn.

Everything that comes from outside passes through `clean` on its way into an element.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sor_gateway.explain.wording import printable

FONT_PX: Final = 12
SMALL_PX: Final = 10.5
CHARACTER_EM: Final = 0.62
"""Width of a character: digits of common sans serif fonts have .55 to .64."""
ROUND_STEPS: Final = (1, 2, 5)
SECOND_NS: Final = 1_000_000_000
TIME_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
TIME_UNITS: Final = (
    (3600 * SECOND_NS, "h"),
    (60 * SECOND_NS, "min"),
    (SECOND_NS, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
    (1, "ns"),
)


def clean(text: str) -> str:
    """Text that means nothing but itself in HTML."""
    return html.escape(printable(text), quote=True)


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element around content that is markup already. Attributes that are None are left out;
    a trailing `_` and `_` for `-` let any name be an argument."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{clean(number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{said}>{content}</{name}>"


def number(value: object) -> str:
    """A coordinate to a tenth of a pixel; anything else as it is."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)


def words(
    x: float, y: float, text: str, css: str = "", anchor: str = "start", small: bool = False
) -> str:
    """A line of text in a picture."""
    styles = " ".join(each for each in (css, "small" if small else "") if each)
    return tag(
        "text", clean(text), x=float(x), y=float(y), class_=styles or None, text_anchor=anchor
    )


def width_of(text: str, small: bool = False) -> float:
    """How wide a text is drawn, in pixels, at most."""
    return len(text) * CHARACTER_EM * (SMALL_PX if small else FONT_PX)


def shortened(text: str, width: float, small: bool = False) -> str:
    """As much of a text as there is room for."""
    if width_of(text, small) <= width:
        return text
    most = int(width / width_of("x", small)) - 1
    return f"{text[: max(0, most)]}…"


@dataclass(slots=True, frozen=True)
class Scale:
    """From values to pixels. What lies beyond an end is drawn at the end."""

    low: int
    high: int
    begin: float
    end: float

    def at(self, value: int) -> float:
        """Where a value is drawn."""
        if self.high <= self.low:
            return self.begin
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)


def round_ticks(low: int, high: int, most: int) -> list[int]:
    """Multiples of a round step between two values, at most so many."""
    exponent = 0
    while True:
        for factor in ROUND_STEPS:
            ticks = multiples(low, high, factor * 10**exponent)
            if len(ticks) <= most:
                return list(ticks)
        exponent += 1


def time_ticks(duration_ns: int, most: int) -> tuple[list[int], int, str]:
    """Round moments from 0 on, the unit to write them in, and its name."""
    steps = [factor * 10**exponent for exponent in range(9) for factor in ROUND_STEPS]
    steps += [seconds * SECOND_NS for seconds in TIME_STEPS_S]
    steps += [24 * 3600 * SECOND_NS * factor for factor in (1, 2, 5, 10, 50, 100, 1_000, 10_000)]
    step = next(step for step in steps if duration_ns // step < most)
    unit_ns, unit = next(each for each in TIME_UNITS if step >= each[0])
    return list(multiples(0, duration_ns, step)), unit_ns, unit


def multiples(low: int, high: int, step: int) -> range:
    """Multiples of a step between two values, both included."""
    return range(-(-low // step) * step, high + 1, step)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least `gap` apart and within bounds, near to those wanted, in the same order.

    Raises ValueError when there is no room for so many.
    """
    if len(wanted) > 1 and (len(wanted) - 1) * gap > high - low + 1e-9:
        raise ValueError(f"{len(wanted)} labels {gap} apart do not fit {high - low}")
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = [0.0] * len(wanted)
    free = low
    for index in order:
        places[index] = max(wanted[index], free)
        free = places[index] + gap
    free = high
    for index in reversed(order):
        places[index] = min(places[index], free)
        free = places[index] - gap
    return places


def by_column(points: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    """Of points in the order of their x, the last of each pixel's column: what can be seen."""
    kept: dict[int, tuple[float, int]] = {}
    for x, value in points:
        kept[math.floor(x)] = (x, value)
    return list(kept.values())


def steps(points: Sequence[tuple[float, float]], end: float, start: str = "M") -> str:
    """Path data of a line that goes across before it goes up: from the first point to `end`."""
    (x, y), *rest = points
    parts = [f"{start}{number(float(x))},{number(float(y))}"]
    parts += [f"H{number(float(x))}V{number(float(y))}" for x, y in rest]
    return f"{''.join(parts)}H{number(float(end))}"
