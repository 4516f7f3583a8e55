"""`make bench-routing`: what the router's brain is worth, against published results.

Owns: which trials are run, the bars, the table and the verdict.
May not know: how anything is estimated or placed.

- Hidden liquidity (routing_dark.py): share of what a clairvoyant allocation executes, over all
  stocks together; s.e. over stocks. One configuration for all families.
- Lit placement (routing_lit.py): cost on common draws of what is placed from 1,000 samples; the bar
  is the published optimum. Median over seeds of the samples, and their s.e.
- Splits by completion: share of the savings of an oracle that sees what is hidden.
- The market (routing_market.py): what an order costs us and what it costs five simple routers
  where trades move the price: paired by seed, in five regimes. We may be worse nowhere at 95 %, and
  must be better than each in four of five; no child of ours passes over a better known price.
- Time of one decision, as processor time of the thread: median and, shown, the 99th percentile.

A measurement below its floor fails the run (exit 1); one between floor and goal is named so. The
quick form has few stocks: there a floor is missed by more than two standard errors, and times are
shown only, and the market's differences too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from typing import Final, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import routing_dark, routing_lit, routing_market
from benchmarks.routing_dark import Outcome
from benchmarks.routing_lit import Cell
from sor_gateway.sor.estimators.liquidity import DarkAllocator

FIRST_SEED: Final = 20_000
DARK_BARS: Final = {
    "power": (0.985, 0.99),
    "power, early": (0.955, 0.965),
    "switch": (0.97, 0.98),
    "lognormal": (0.96, 0.98),
    "geometric": (0.96, 0.98),
    "mixture": (0.96, 0.98),
    "sticky": (0.955, 0.965),
}
SPLIT_BARS: Final = {"shortage": 0.96, "balanced": 0.92, "abundance": 0.91}
PLACEMENT_SLACK_CENTS: Final = 0.03
ALLOCATE_MS, PLACE_MS = 2.0, 5.0
QUICK_ERRORS: Final = 2.0
SIZE, LARGE_SIZE = 1000, 8000
PLACEMENT_SAMPLES: Final = 1000


@dataclass(slots=True, frozen=True)
class Scale:
    """How much is run."""

    stocks: int
    large_stocks: int
    own_stocks: int
    """Of the families that are shown only."""
    rounds: int
    own_rounds: int
    seeds: int
    draws: int
    split_rounds: int


FULL: Final = Scale(48, 48, 16, 2000, 1000, 5, 1_000_000, 100_000)
QUICK: Final = Scale(6, 0, 2, 2000, 500, 3, 100_000, 5_000)


@dataclass(slots=True, frozen=True)
class Job:
    """One trial: a name of what is tried, its set-up, and the seed."""

    row: str
    kind: str
    argument: str
    seed: int
    size: int
    amount: int
    """Rounds, or draws."""


Measure = Outcome | float
T = TypeVar("T")


@dataclass(slots=True)
class Row:
    """One line of the table."""

    name: str
    floor: float | None
    goal: float | None
    measured: float
    error: float | None
    runs: int
    unit: str
    is_cost: bool = False
    """Less is better."""
    note: str = ""

    def verdict(self, errors: float) -> str:
        """Against the bars, with so many standard errors of indulgence."""
        if self.floor is None or self.goal is None:
            return "shown"
        sign = -1 if self.is_cost else 1
        slack = errors * (self.error or 0.0)
        if sign * self.measured + slack < sign * self.floor:
            return "FAILS"
        return "goal" if sign * self.measured >= sign * self.goal else "floor"


def run(job: Job) -> Measure:
    """Run one trial; in a process of its own."""
    if job.kind == "dark":
        return routing_dark.trial(job.argument, job.seed, job.size, job.amount)
    if job.kind == "split":
        return routing_lit.split_share(job.argument, job.seed, job.amount)
    cell = Cell(job.size, int(job.argument))
    return routing_lit.placement_cost(cell, job.seed, PLACEMENT_SAMPLES, job.amount)


def jobs(scale: Scale) -> Iterator[Job]:
    """All trials."""
    seeds = range(FIRST_SEED, FIRST_SEED + 1000)
    for name in routing_dark.JUDGED:
        for seed in seeds[: scale.stocks]:
            yield Job(name, "dark", name, seed, SIZE, scale.rounds)
        for seed in seeds[: scale.large_stocks]:
            yield Job(f"{name}, {LARGE_SIZE:,}", "dark", name, seed, LARGE_SIZE, scale.rounds)
    for name in routing_dark.OWN:
        for seed in seeds[: scale.own_stocks]:
            yield Job(f"own: {name}", "dark", name, seed, SIZE, scale.own_rounds)
    for quantity, venues in routing_lit.PUBLISHED:
        for seed in range(scale.seeds):
            name = f"place {quantity:,} on {venues}"
            yield Job(name, "place", str(venues), seed, quantity, scale.draws)
    for regime in routing_lit.REGIMES:
        for seed in range(scale.seeds):
            yield Job(f"split, {regime}", "split", regime, seed, 0, scale.split_rounds)


def run_all(scale: Scale, workers: int, console: Console) -> dict[str, list[Measure]]:
    """Results by row, in the order of the seeds."""
    todo = list(jobs(scale))
    done: dict[int, Measure] = {}
    with (
        Progress(console=console) as progress,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        bar = progress.add_task("trials", total=len(todo))
        waiting = {pool.submit(run, job): number for number, job in enumerate(todo)}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            progress.advance(bar)
    results: dict[str, list[Measure]] = {}
    for number, job in enumerate(todo):
        results.setdefault(job.row, []).append(done[number])
    return results


def rows(results: dict[str, list[Measure]]) -> Iterator[Row]:
    """The table's lines but for the times."""
    for name, measures in results.items():
        outcomes = [each for each in measures if isinstance(each, Outcome)]
        values = [each for each in measures if isinstance(each, float)]
        if outcomes:
            yield from dark_rows(name, outcomes)
        elif name.startswith("split"):
            floor = SPLIT_BARS[name.removeprefix("split, ")]
            yield Row(name, floor, floor, *middle(values), len(values), "of oracle")
        else:
            quantity, venues = name.removeprefix("place ").replace(",", "").split(" on ")
            goal = routing_lit.PUBLISHED[int(quantity), int(venues)]
            floor = goal + PLACEMENT_SLACK_CENTS
            yield Row(name, floor, goal, *middle(values), len(values), "c/share", is_cost=True)


def dark_rows(name: str, outcomes: list[Outcome]) -> Iterator[Row]:
    """Of one family: all rounds and, where a bar asks for them, the first ones."""
    judged = name.removesuffix(f", {LARGE_SIZE:,}")
    floor, goal = DARK_BARS.get(judged, (None, None))
    shares = [each.got / each.best for each in outcomes if each.best]
    early = [each.got_early / each.best_early for each in outcomes if each.best_early]
    total = sum(each.got for each in outcomes) / sum(each.best for each in outcomes)
    first = sum(each.got_early for each in outcomes) / sum(each.best_early for each in outcomes)
    note = f"median {statistics.median(shares):.4f}, worst {min(shares):.4f}, early {first:.4f}"
    yield Row(name, floor, goal, total, middle(shares)[1], len(shares), "of ideal", note=note)
    if judged == "power":
        bars = DARK_BARS["power, early"]
        note = f"median {statistics.median(early):.4f}, worst {min(early):.4f}"
        title = f"{name}, first {routing_dark.EARLY}"
        yield Row(title, *bars, first, middle(early)[1], len(early), "of ideal", note=note)


def middle(values: list[float]) -> tuple[float, float | None]:
    """Median and standard error of the mean."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
    return statistics.median(values), error


def time_rows(repeats: int, *, judged: bool) -> Iterator[Row]:
    """What one decision costs at 12 venues. Times of a busy machine are shown, not judged."""
    allocate_ms, place_ms = (ALLOCATE_MS, PLACE_MS) if judged else (None, None)
    random = np.random.default_rng(5)
    allocator = DarkAllocator(12, LARGE_SIZE, random)
    there = np.where(random.random((repeats, 12)) < 0.3, random.integers(1, 4000, (repeats, 12)), 0)
    allocating, observing = [], []
    for each in there:
        spent, sent = timed(lambda: allocator.allocate(LARGE_SIZE))
        allocating.append(spent)
        filled = [min(a, int(b)) for a, b in zip(sent, each, strict=True)]
        observing.append(timed(partial(allocator.observe, sent, filled))[0])
    flows = routing_lit.outflows(random, PLACEMENT_SAMPLES, 12)
    placing = [timed(lambda: routing_lit.placed(Cell(3000, 12), flows))[0] for _ in range(50)]
    within = [
        timed(lambda: routing_lit.placed(Cell(3000, 12), flows, capped=True))[0] for _ in range(50)
    ]
    yield time_row(f"allocate {LARGE_SIZE:,}, 12 venues", allocate_ms, allocating)
    yield time_row(f"observe {LARGE_SIZE:,}, 12 venues", None, observing)
    yield time_row("place, 12 venues", place_ms, placing)
    yield time_row("place under the cap, 12 venues", place_ms, within)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Processor time of this thread in ms, and the answer."""
    began = time.thread_time_ns()
    answer = call()
    return (time.thread_time_ns() - began) / 1e6, answer


def time_row(name: str, bar: float | None, spent: list[float]) -> Row:
    note = f"p99 {float(np.quantile(spent, 0.99)):.2f}"
    return Row(name, bar, bar, *middle(spent), len(spent), "ms", is_cost=True, note=note)


def table(lines: list[Row], errors: float) -> Table:
    shown = Table(title="The brain against published results")
    for title in ("what", "floor", "goal", "measured", "s.e.", "runs", "unit", "", "verdict"):
        shown.add_column(title, justify="left" if title in ("what", "unit", "") else "right")
    for row in lines:
        verdict = row.verdict(errors)
        bars = ["" if bar is None else f"{bar:.3f}" for bar in (row.floor, row.goal)]
        error = "" if row.error is None else f"{row.error:.4f}"
        figures = (*bars, f"{row.measured:.4f}", error, str(row.runs), row.unit, row.note)
        style = {"FAILS": "bold red", "goal": "green", "floor": "yellow"}.get(verdict)
        shown.add_row(row.name, *figures, verdict, style=style)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description="The router's brain against published results")
    parser.add_argument("--quick", action="store_true", help="few stocks, less than a minute")
    parser.add_argument("--only", choices=("published", "market"), help="one half of it")
    parser.add_argument("--seeds", type=int, help="markets of each regime")
    parser.add_argument("--first-seed", type=int, default=routing_market.FIRST_SEED)
    parser.add_argument(
        "--variants", action="store_true", help="markets of half and twice the volatility instead"
    )
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for the workers: one core each
    console = Console(stderr=True)
    scale, errors = (QUICK, QUICK_ERRORS) if options.quick else (FULL, 0.0)
    lines: list[Row] = []
    market = routing_market.Verdicts([], [], [], [])
    if options.only != "market":
        times = [*time_rows(100 if options.quick else 500, judged=not options.quick)]
        lines = [*rows(run_all(scale, options.workers, console)), *times]
    if options.only != "published":
        few = routing_market.QUICK_SEEDS if options.quick else routing_market.SEEDS
        market = routing_market.judge(
            options.seeds or few, options.first_seed, options.workers, console, options.variants
        )
    if options.json:
        judged = [asdict(row) | {"verdict": row.verdict(errors)} for row in lines]
        print(json.dumps({"published": judged, "market": market.as_json()}))
    else:
        out = Console(width=None if sys.stdout.isatty() else 150)
        if lines:
            out.print(table(lines, errors))
        if market.comparisons:
            out.print(*routing_market.tables(market))
    failed = [row.name for row in lines if row.verdict(errors) == "FAILS"]
    if failed:
        console.print(f"below the floor: {'; '.join(failed)}")
    for text in (*market.breaches, *market.failures):
        console.print(f"in the market: {text}", highlight=False)
    missed = failed or market.breaches or (market.failures and not options.quick)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
