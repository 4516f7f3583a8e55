"""`make venues-report`: is the simulated market like a real one? (venues.md 2.2)

Owns: the bands, the verdict, the table; the command.
May not know: how anything is measured (venues_facts.py) or drawn (venues_page.py).

One market day of each of five seeds. What a day has thousands of (slots, trades, signs) is judged
on its worst day. What one day says little about is judged on all days together: with 390 returns of
a minute, an autocorrelation has a standard error of .05 and more, as heavy as its tails are. Each
day's own figure is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.venues_facts import (
    LAGS,
    REFERENCE_SIZE,
    SIZES,
    Day,
    autocorrelation,
    excess_kurtosis,
    measure,
    power_law,
)
from benchmarks.venues_page import page

SEEDS: Final = (1, 2, 3, 4, 5)
REFERENCE_AT_BEST: Final = (0.12, 0.28, 0.36, 0.24)
"""How often one, two, three, four venues stand at the best bid (venues.md 4.4)."""
AT_BEST_SLACK: Final = 0.10
INFINITE: Final = float("inf")


@dataclass(slots=True, frozen=True)
class Fact:
    """One stylised fact, measured. It holds when `value` is within [low, high]."""

    name: str
    low: float
    high: float
    value: float
    judged: str
    """How `value` follows from the days."""
    days: list[float]

    @property
    def holds(self) -> bool:
        """Whether the market is within the band."""
        return self.low <= self.value <= self.high

    @property
    def band(self) -> str:
        """The band in words."""
        if self.low == self.high:
            return f"{self.low:g}"
        if self.high == INFINITE:
            return f"at least {self.low:g}"
        if self.low == -INFINITE:
            return f"at most {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


def facts_of(days: Sequence[Day]) -> list[Fact]:
    """All stylised facts of venues.md 2.2, in its order."""
    return [*_signs(days), *_returns(days), *_quotes(days), *_impact(days)]


def _signs(days: Sequence[Day]) -> list[Fact]:
    each = [power_law(np.array(day.sign_acf))[0] for day in days]
    name = f"exponent of the signs' autocorrelation, lags {LAGS[0]}-{LAGS[1]}"
    low, high = 0.4, 0.9
    return [_worst(name, low, high, each, lambda days: max(days, key=_off((low + high) / 2)))]


def _off(middle: float) -> Callable[[float], float]:
    """How far a value is from this."""
    return lambda value: abs(value - middle)


def _returns(days: Sequence[Day]) -> list[Fact]:
    returns = [np.array(day.returns) for day in days]
    linear = [float(autocorrelation(each, 1)[1]) for each in returns]
    absolute = [float(autocorrelation(np.abs(each), 1)[1]) for each in returns]
    kurtosis = [excess_kurtosis(each) for each in returns]
    return [
        _average("autocorrelation of returns of a minute", -0.1, 0.1, linear),
        Fact(
            "their excess kurtosis", 3.0, INFINITE, float(np.median(kurtosis)), "median", kurtosis
        ),
        _average("autocorrelation of their absolute values", 0.05, INFINITE, absolute),
    ]


def _quotes(days: Sequence[Day]) -> list[Fact]:
    near = [sum(day.widths[1:3]) for day in days]
    ratio = [day.cancels / day.trades for day in days]
    apart = [
        max(abs(a - b) for a, b in zip(day.at_best[1:], REFERENCE_AT_BEST, strict=True))
        for day in days
    ]
    broken = [float(day.broken) for day in days]
    return [
        _worst("slots in which the NBBO is 1 or 2 ticks wide", 0.95, INFINITE, near, min),
        _worst("cancelled orders for each trade", 10.0, INFINITE, ratio, min),
        _worst("venues at the best bid, off 12/28/36/24 %", 0.0, AT_BEST_SLACK, apart, max),
        Fact("slots locked or crossed", 0, 0, sum(broken), "all days", broken),
    ]


def _impact(days: Sequence[Day]) -> list[Fact]:
    cost = [day.raw.costs[SIZES.index(REFERENCE_SIZE)] for day in days]
    return [
        _average("impact: exponent of size", 0.4, 0.6, [day.raw.exponent for day in days]),
        _average("impact: c as it is seen, .69", 0.62, 0.76, [day.raw.prefactor for day in days]),
        _average("impact: c corrected, .34", 0.30, 0.38, [d.corrected.prefactor for d in days]),
        _average("impact: average cost of 10 % of a day, bps", 20.0, 45.0, cost),
        _average("impact: part left an hour later", 0.5, 0.95, [day.raw.kept for day in days]),
    ]


def _average(name: str, low: float, high: float, days: list[float]) -> Fact:
    return Fact(name, low, high, float(np.mean(days)), "average", days)


def _worst(
    name: str, low: float, high: float, days: list[float], worst: Callable[[list[float]], float]
) -> Fact:
    return Fact(name, low, high, worst(days), "worst day", days)


def table(facts: Sequence[Fact], seeds: Sequence[int]) -> Table:
    """For a terminal."""
    made = Table(title="The ambient market of the default venues, one day a seed (venues.md 2.2)")
    for heading in ("fact", "band", "measured", "judged", *(f"seed {seed}" for seed in seeds), ""):
        made.add_column(heading, justify="left" if heading in ("fact", "judged", "") else "right")
    for fact in facts:
        days = [f"{value:.3g}" for value in fact.days]
        verdict = "[green]holds[/]" if fact.holds else "[red]OUTSIDE[/]"
        made.add_row(fact.name, fact.band, f"{fact.value:.3g}", fact.judged, *days, verdict)
    return made


def run(seeds: Sequence[int], workers: int, console: Console) -> list[Day]:
    """Measure the days, in the order of the seeds."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(measure, seed): seed for seed in seeds}
        for done in as_completed(waiting):
            done.result()
            console.print(f"seed {waiting[done]} measured")
        return [future.result() for future in waiting]


def main() -> int:
    """The command; 1 when a fact is outside its band."""
    parser = argparse.ArgumentParser(description="The simulated market against stylised facts")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--html", type=Path, default=Path("var/venues-report.html"))
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for the workers: one core each
    console = Console(stderr=True)
    days = run(options.seeds, options.workers, console)
    facts = facts_of(days)
    options.html.parent.mkdir(parents=True, exist_ok=True)
    options.html.write_text(page(facts, days), encoding="utf-8")
    if options.json:
        rows = [asdict(fact) | {"holds": fact.holds, "band": fact.band} for fact in facts]
        for row in rows:
            row["low"], row["high"] = _finite(row["low"]), _finite(row["high"])
        print(json.dumps({"seeds": options.seeds, "facts": rows}))
    else:
        Console(width=None if sys.stdout.isatty() else 180).print(table(facts, options.seeds))
    console.print(f"pictures: {options.html}")
    outside = [fact.name for fact in facts if not fact.holds]
    if outside:
        console.print(f"outside the band: {'; '.join(outside)}")
    return 1 if outside else 0


def _finite(bound: float) -> float | None:
    return None if abs(bound) == INFINITE else bound


if __name__ == "__main__":
    sys.exit(main())
