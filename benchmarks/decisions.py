"""`make bench-decisions`: how long the router takes to decide, by venues and live parents.

Owns: what is measured, the budget, the table and the verdict.
May not know: how anything is decided.

A measured turn is what the engine asks of the router for one event: `handle` the fact, `decide`,
`handle` each decision; processor time of the thread, garbage collection as the gateway has it.

order    a new order: admission and the first wave
fill     a part of a child is executed
quote    one displayed venue moves its quotes by a tick, at each moment in the life of an order: a
         hidden one does not care
idle     a turn that concerns no order
full     every symbol moves at once: each turn until all is done, which does as much as one turn
         may do (`decide_budget`: so many parents, or after so many decisions)

Order, fill and quote concern one parent, whatever the population. The floor is the same event with
4 venues and 1 parent, in the same round: a ratio is the median over rounds of the quotient of two
medians. With more venues it may grow with what there is to look at; with more parents it should
stay near 1.

The budget. architecture.md 2b: `decide` visits only what is due, within a time budget. A turn is
too long, as config/prometheus/rules.yml has it (SorLoopLag), when it delays others by more than
50 ms: that bounds every p99. And a gateway that takes 2,300 orders a second (issue 2's bar) has
435 us for each, over all of its turns: that bounds the means of `order`, `fill` and `quote` at 4
and 12 venues; at 50 one order may be more messages than that, and the mean is shown.

The quick form has no 50 venues, shows times, and judges nothing but what grows with parents.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.decisions_world import Turn, World

CONFIG: Final = Path(__file__).parents[1] / "config"
VENUES: Final = (4, 12, 50)
PARENTS: Final = (1, 1_000)
FLOOR: Final = (VENUES[0], PARENTS[0])
ONE_ORDER: Final = ("order", "fill", "quote")
EVENTS: Final = (*ONE_ORDER, "idle", "full")
ORDER_BUDGET_US, TURN_BUDGET_US = 435.0, 50_000.0
BUDGET_VENUES_MAX: Final = 12
"""Up to so many venues an order's turn has to be within its budget."""
GROWTH_MAX: Final = 1.5
"""By which factor one parent's turn may be longer because others are there."""
ORDERS, STEPS = 21, 24
"""New orders in a round, and moments in the life of the last of them."""
ROUNDS, ROUNDS_QUICK, ROUNDS_WARM = 24, 16, 2
FULL_EVERY: Final = 12
"""Everybody is moved in one round of so many: that is some thousand decisions."""
SEED: Final = 7

Cell = tuple[int, int]
"""Venues and parents."""
Round = dict[str, list[int]]
"""By event: times in ns."""


@dataclass(slots=True)
class Row:
    """One event at one size."""

    event: str
    venues: int
    parents: int
    p50_us: float
    p99_us: float
    mean_us: float
    to_floor: float | None
    """Ratio to 4 venues and 1 parent; None where there is no such thing."""
    to_one: float | None
    """Ratio to 1 parent at as many venues."""
    turns: int

    @property
    def is_within(self) -> bool:
        """Whether it keeps to the budget."""
        is_an_order = self.event in ONE_ORDER and self.venues <= BUDGET_VENUES_MAX
        mean_max_us = ORDER_BUDGET_US if is_an_order else TURN_BUDGET_US
        return self.p99_us <= TURN_BUDGET_US and self.mean_us <= mean_max_us

    def verdict(self, *, judges_time: bool) -> str:
        """Against the budget, and against the same with one parent."""
        if self.event in ONE_ORDER and self.to_one is not None and self.to_one > GROWTH_MAX:
            return "GROWS"
        if not judges_time:
            return "shown"
        return "within" if self.is_within else "OVER"


def timed(world: World, turn: Turn) -> int:
    """Processor time of one turn; what venues answer to it is not part of it."""
    began_ns = time.thread_time_ns()
    outputs = turn()
    spent_ns = time.thread_time_ns() - began_ns
    world.react(outputs)
    return spent_ns


def one_round(world: World, *, is_full: bool) -> Round:
    """New orders, then the life of the last of them, then perhaps everybody at once."""
    spent: Round = {event: [] for event in EVENTS}
    for _ in range(ORDERS):
        spent["order"].append(timed(world, world.order()))
        world.settle()
    for _ in range(STEPS):
        world.prepare()
        spent["quote"].append(timed(world, world.quote()))
        world.settle()
        if (fill := world.fill()) is not None:
            spent["fill"].append(timed(world, fill))
            world.settle()
        spent["idle"].append(timed(world, world.turn))
    if is_full:
        world.move_all()
        while world.is_busy:
            spent["full"].append(timed(world, world.turn))
    return spent


def measure(sizes: Sequence[int], rounds: int, console: Console) -> dict[Cell, list[Round]]:
    """Rounds of all cells in turn, so that what else the machine does falls on each alike."""
    cells = [(venues, parents) for venues in sizes for parents in PARENTS]
    found: dict[Cell, list[Round]] = {cell: [] for cell in cells}
    with Progress(console=console) as progress:
        bar = progress.add_task("populations", total=len(cells))
        worlds: dict[Cell, World] = {}
        for cell in cells:
            worlds[cell] = World(*cell, CONFIG, SEED)
            progress.advance(bar)
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 500, 100)  # as daemon/daemon.py has it
        bar = progress.add_task("rounds", total=(ROUNDS_WARM + rounds) * len(cells))
        for number in range(ROUNDS_WARM + rounds):
            for cell, world in worlds.items():
                spent = one_round(world, is_full=number % FULL_EVERY == ROUNDS_WARM)
                if number >= ROUNDS_WARM:
                    found[cell].append(spent)
                progress.advance(bar)
    return found


def rows(found: dict[Cell, list[Round]]) -> Iterator[Row]:
    """The table's lines."""
    for event in EVENTS:
        for (venues, parents), rounds in found.items():
            times = [spent for each in rounds for spent in each[event]]
            if event == "full" and parents == 1:
                continue  # nobody else is there to be moved
            yield Row(
                event,
                venues,
                parents,
                float(np.quantile(times, 0.5)) / 1e3,
                float(np.quantile(times, 0.99)) / 1e3,
                statistics.fmean(times) / 1e3,
                ratio(rounds, found[FLOOR], event),
                ratio(rounds, found[venues, 1], event),
                len(times),
            )


def ratio(rounds: list[Round], floor: list[Round], event: str) -> float | None:
    """Median over the rounds of the quotient of two medians."""
    if event == "full":
        return None
    return statistics.median(
        statistics.median(ours[event]) / statistics.median(theirs[event])
        for ours, theirs in zip(rounds, floor, strict=True)
        if ours[event] and theirs[event]
    )


def table(lines: list[Row], *, judges_time: bool) -> Table:
    shown = Table(title="What the router takes to decide, us")
    for title in ("event", "venues", "parents", "p50", "p99", "mean", "x floor", "x 1 parent"):
        shown.add_column(title, justify="left" if title == "event" else "right")
    shown.add_column("turns", justify="right")
    shown.add_column("")
    for row in lines:
        verdict = row.verdict(judges_time=judges_time)
        shown.add_row(
            row.event,
            str(row.venues),
            f"{row.parents:,}",
            f"{row.p50_us:,.1f}",
            f"{row.p99_us:,.1f}",
            f"{row.mean_us:,.1f}",
            "" if row.to_floor is None else f"{row.to_floor:.2f}",
            "" if row.to_one is None else f"{row.to_one:.2f}",
            f"{row.turns:,}",
            verdict,
            style="bold red" if verdict.isupper() else None,
        )
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description="What the router takes to decide")
    parser.add_argument("--quick", action="store_true", help="few rounds; times are only shown")
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    options = parser.parse_args()
    console = Console(stderr=True)
    judges_time = not options.quick
    sizes, rounds = (VENUES[:2], ROUNDS_QUICK) if options.quick else (VENUES, ROUNDS)
    found = measure(sizes, rounds, console)
    lines = list(rows(found))
    verdicts = [row.verdict(judges_time=judges_time) for row in lines]
    if options.json:
        each = zip(lines, verdicts, strict=True)
        print(json.dumps([asdict(row) | {"verdict": said} for row, said in each]))
    else:
        width = None if sys.stdout.isatty() else 120
        Console(width=width).print(table(lines, judges_time=judges_time))
    return 1 if any(verdict.isupper() for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
