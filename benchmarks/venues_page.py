"""The page of `make venues-report`: one file, its pictures drawn here as SVG.

Owns: plots of lines, bars and points, and the page around them.
May not know: what is within a band and how it was measured.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from benchmarks.venues_facts import LAGS, SIZES, Day, autocorrelation, lag_bins, power_law

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 40
COLOURS: Final = ("#1f6f8b", "#c2571a", "#4f7d34", "#7b4b94", "#8a7a1f")
MINUTES_OF_ABSOLUTES: Final = 30
STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1120px;margin:2em auto;padding:0 1em;
color:#222;background:#fdfdfb}
h1{font-size:1.5em}h2{font-size:1.05em;margin:.2em 0}
table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}
td,th{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}
.holds{color:#2d6a2d}.outside{color:#b00020;font-weight:bold}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(500px,1fr));gap:1.2em}
figure{margin:0}figcaption{color:#555;font-size:.9em}
svg text{font:11px system-ui,sans-serif;fill:#444}
"""


class Row(Protocol):
    """A fact as the table shows it."""

    @property
    def name(self) -> str:
        """What is measured."""

    @property
    def band(self) -> str:
        """Where it has to be."""

    @property
    def value(self) -> float:
        """Where it is."""

    @property
    def judged(self) -> str:
        """How that follows from the days."""

    @property
    def days(self) -> list[float]:
        """Each day's own."""

    @property
    def holds(self) -> bool:
        """Whether it is there."""


@dataclass(slots=True)
class Plot:
    """A picture with two axes; on a logarithmic one, what is not positive is left out."""

    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    zero: bool = False
    """Whether the value axis begins at zero."""
    _marks: list[tuple[str, str, str, list[tuple[float, float]]]] = field(default_factory=list)

    def line(self, points: Sequence[tuple[float, float]], colour: str, label: str = "") -> None:
        """Points, joined."""
        self._add("line", points, colour, label)

    def dots(self, points: Sequence[tuple[float, float]], colour: str, label: str = "") -> None:
        """Points by themselves."""
        self._add("dots", points, colour, label)

    def bars(self, points: Sequence[tuple[float, float]], colour: str, label: str = "") -> None:
        """Columns from the axis up."""
        self._add("bars", points, colour, label)

    def svg(self) -> str:
        """The picture."""
        x_of, y_of, frame = self._axes()
        parts = [*frame]
        for number, (kind, colour, label, points) in enumerate(self._marks):
            placed = [(x_of(x), y_of(y)) for x, y in points]
            parts += _drawn(kind, colour, placed)
            if label:
                y = TOP + 12 + 14 * number
                parts.append(f'<rect x="{WIDTH - 150}" y="{y - 8}" width="9" height="9"')
                parts.append(f' fill="{colour}"/>')
                parts.append(f'<text x="{WIDTH - 136}" y="{y}">{html.escape(label)}</text>')
        return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'

    def _add(
        self, kind: str, points: Sequence[tuple[float, float]], colour: str, label: str
    ) -> None:
        kept = [
            (x, y) for x, y in points if (x > 0 or not self.log_x) and (y > 0 or not self.log_y)
        ]
        self._marks.append((kind, colour, label, kept))

    def _axes(self) -> tuple[Callable[[float], float], Callable[[float], float], list[str]]:
        points = [point for *_, marked in self._marks for point in marked]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if any(kind == "bars" for kind, *_ in self._marks):
            gap = min(np.diff(sorted(set(xs))), default=1.0)
            xs += [min(xs) - gap / 2, max(xs) + gap / 2]
        if self.zero:
            ys.append(0.0)
        x_of = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, log=self.log_x)
        y_of = _scale(min(ys), max(ys), HEIGHT - BOTTOM, TOP, log=self.log_y)
        frame = []
        for tick in _ticks(min(xs), max(xs), log=self.log_x):
            x = x_of(tick)
            frame.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}"')
            frame.append(f' text-anchor="middle">{tick:g}</text>')
        for tick in _ticks(min(ys), max(ys), log=self.log_y):
            y = y_of(tick)
            frame.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"')
            frame.append(' stroke="#e4e4e0"/>')
            frame.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}"')
            frame.append(f' text-anchor="end">{tick:g}</text>')
        middle = (HEIGHT - BOTTOM + TOP) / 2
        frame.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">')
        frame.append(f"{html.escape(self.x_label)}</text>")
        frame.append(f'<text x="12" y="{middle}" text-anchor="middle"')
        frame.append(f' transform="rotate(-90 12 {middle})">{html.escape(self.y_label)}</text>')
        return x_of, y_of, frame


def page(facts: Sequence[Row], days: Sequence[Day]) -> str:
    """The whole file."""
    outside = sum(not fact.holds for fact in facts)
    verdict = f"{outside} outside" if outside else "all within their bands"
    figures = "".join(
        f"<figure><h2>{html.escape(title)}</h2>{plot.svg()}"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for title, plot, caption in _pictures(days)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated market</title>'
        f"<style>{STYLE}</style><h1>The simulated market against stylised facts: {verdict}</h1>"
        "<p>The first symbol of config/market.toml on the venues of config/scenarios/default, one"
        " market day of 6.5 hours for each seed. Measured on the machines that the venues run.</p>"
        f'{_table(facts, days)}<div class="grid">{figures}</div></html>\n'
    )


def _table(facts: Sequence[Row], days: Sequence[Day]) -> str:
    seeds = "".join(f"<th>seed {day.seed}</th>" for day in days)
    rows = [f"<tr><th>fact</th><th>band</th><th>measured</th><th>judged</th>{seeds}<th></th></tr>"]
    for fact in facts:
        own = "".join(f"<td>{value:.3g}</td>" for value in fact.days)
        verdict = "holds" if fact.holds else "outside"
        rows.append(
            f"<tr><td>{html.escape(fact.name)}</td><td>{html.escape(fact.band)}</td>"
            f"<td><b>{fact.value:.3g}</b></td><td>{html.escape(fact.judged)}</td>{own}"
            f'<td class="{verdict}">{verdict}</td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"


def _pictures(days: Sequence[Day]) -> list[tuple[str, Plot, str]]:
    return [
        ("Price", _prices(days), "The NBBO's midpoint at each minute."),
        (
            "Returns of a minute",
            _tails(days),
            "In standard deviations; the line is the normal law.",
        ),
        (
            "Memory of trade signs",
            _memory(days),
            "All days together, and the power law through it.",
        ),
        ("Volatility clusters", _clusters(days), "Returns forget at once, their size does not."),
        ("Width of the NBBO", _columns(days, "widths", "ticks"), "Part of the slots, by seed."),
        ("Venues at the best bid", _columns(days, "at_best", "venues"), "Part of the slots."),
        ("Impact by size", _sizes(days), "Where the price stands at the end of a metaorder."),
        ("Impact in time", _course(days), "10 % of a day worked over 30 minutes, then left alone."),
    ]


def _prices(days: Sequence[Day]) -> Plot:
    plot = Plot("minute", "dollars")
    for day, colour in zip(days, _colours(), strict=False):
        plot.line(list(enumerate(day.middles)), colour, f"seed {day.seed}")
    return plot


def _tails(days: Sequence[Day]) -> Plot:
    plot = Plot("standard deviations", "density", log_y=True)
    returns = np.concatenate([np.array(day.returns) / np.std(day.returns) for day in days])
    counts, edges = np.histogram(returns, bins=61, range=(-10, 10), density=True)
    centres = (edges[:-1] + edges[1:]) / 2
    plot.dots(_pairs(centres, counts), COLOURS[0], "measured")
    near = np.linspace(-4, 4, 81)
    plot.line(_pairs(near, np.exp(-near * near / 2) / math.sqrt(2 * math.pi)), COLOURS[1], "normal")
    return plot


def _memory(days: Sequence[Day]) -> Plot:
    plot = Plot("lag, trades", "autocorrelation", log_x=True, log_y=True)
    acf = np.mean([day.sign_acf for day in days], axis=0)
    exponent, factor = power_law(acf)
    plot.dots(_pairs(np.arange(1, 10), acf[1:10]), COLOURS[0])
    lags, means, _ = lag_bins(acf)
    plot.dots(_pairs(lags, means), COLOURS[0], "measured")
    fitted = np.geomspace(*LAGS, 20)
    plot.line(_pairs(fitted, factor * fitted**-exponent), COLOURS[1], f"lag^-{exponent:.2f}")
    return plot


def _clusters(days: Sequence[Day]) -> Plot:
    plot = Plot("lag, minutes", "autocorrelation")
    lags = np.arange(1, MINUTES_OF_ABSOLUTES + 1)
    for label, colour, shape in (("|r|", COLOURS[0], np.abs), ("r", COLOURS[1], np.asarray)):
        each = [
            autocorrelation(shape(np.array(day.returns)), MINUTES_OF_ABSOLUTES)[1:] for day in days
        ]
        plot.line(_pairs(lags, np.mean(each, axis=0)), colour, label)
    return plot


def _columns(days: Sequence[Day], name: str, unit: str) -> Plot:
    plot = Plot(unit, "part of the slots", zero=True)
    for number, (day, colour) in enumerate(zip(days, _colours(), strict=False)):
        offset = (number - (len(days) - 1) / 2) * 0.15
        values = list(getattr(day, name))
        plot.bars([(at + offset, part) for at, part in enumerate(values) if at], colour)
    return plot


def _sizes(days: Sequence[Day]) -> Plot:
    plot = Plot("part of a day's volume", "bps", log_x=True, log_y=True)
    for label, colour, name in (
        ("c = .69", COLOURS[0], "raw"),
        ("c = .34", COLOURS[1], "corrected"),
    ):
        peaks = np.mean([getattr(day, name).peaks for day in days], axis=0)
        plot.dots(_pairs(SIZES, peaks), colour, label)
        plot.line(_pairs(SIZES, peaks[-1] * np.sqrt(np.array(SIZES) / SIZES[-1])), colour)
    return plot


def _course(days: Sequence[Day]) -> Plot:
    plot = Plot("minute", "bps above the path", zero=True)
    for label, colour, name in (
        ("c = .69", COLOURS[0], "raw"),
        ("c = .34", COLOURS[1], "corrected"),
    ):
        course = np.mean([getattr(day, name).course for day in days], axis=0)
        plot.line(list(enumerate(course.tolist())), colour, label)
    return plot


def _colours() -> list[str]:
    return [*COLOURS] * 20


def _pairs(xs: Sequence[float] | np.ndarray, ys: np.ndarray) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def _drawn(kind: str, colour: str, points: Sequence[tuple[float, float]]) -> list[str]:
    if kind == "line":
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        return [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    if kind == "dots":
        return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    base = HEIGHT - BOTTOM
    return [
        f'<rect x="{x - 5:.1f}" y="{y:.1f}" width="10" height="{base - y:.1f}" fill="{colour}"/>'
        for x, y in points
    ]


def _scale(
    low: float, high: float, begin: float, end: float, *, log: bool
) -> Callable[[float], float]:
    """From values to where they are drawn."""
    shape: Callable[[float], float] = math.log if log else float
    first, span = shape(low), (shape(high) - shape(low)) or 1.0
    return lambda value: begin + (shape(value) - first) / span * (end - begin)


def _ticks(low: float, high: float, *, log: bool) -> list[float]:
    """Round values between two."""
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        dense = math.log10(high / low) < 2
        ticks = [m * 10.0**p for p in powers for m in ((1, 2, 5) if dense else (1,))]
    else:
        rough = (high - low) / 5 or 1.0
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
        first, last = math.ceil(low / step), math.floor(high / step)
        ticks = [round(n * step, 10) for n in range(first, last + 1)]
    return [tick for tick in ticks if low <= tick <= high]
