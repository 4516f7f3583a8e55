"""`make faults`: every fault, in the harness with many seeds; a table of what came of it.

Owns: one run from seed to result, many of them in processes, the table and its JSON.
May not know: what a fault is (cases.py), what has to hold (audit.py).

    python -m tests.faults.run --seeds 100 [--only F6,cod] [--seed N] [--json FILE] [--jobs 2]

A row is red when a run of it is, and when its fault happened in too few of them: a check that
cannot fail is not a check.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import inf
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sor_gateway.demo.audit import Check
from tests.faults.audit import check_all
from tests.faults.bench import Bench
from tests.faults.case import Case
from tests.faults.cases import CASES

SEEDS_DEFAULT = 3
MANY_RUNS = 20
"""From so many on, a fault has to happen in its share of them; in fewer, at all."""
FURTHER_SEEDS = 5
TABLE_COLUMNS = 200
"""How wide the table is where there is no terminal."""
GC_OBJECTS = 100_000
GC_GENERATIONS = (50, 100)


@dataclass(slots=True)
class Result:
    """One run."""

    case: str
    seed: int
    struck: int
    """How often the fault happened, where the venue counts it."""
    alarms: dict[str, int]
    resolved: int
    """Children that an operator had to end."""
    lived_s: float
    """Virtual."""
    wrong: list[str] = field(default_factory=list)
    """Checks that do not hold; empty for a good run."""


@dataclass(slots=True)
class Row:
    """All runs of a case."""

    number: str
    case: str
    does: str
    must: str
    share: float
    runs: int = 0
    struck: int = 0
    struck_runs: int = 0
    """Runs in which the fault happened at all."""
    resolved: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    red: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count a run."""
        self.runs += 1
        self.struck += result.struck
        self.struck_runs += result.struck > 0
        self.resolved += result.resolved
        self.alarms.update(result.alarms)
        if result.wrong:
            self.red.append(result)

    @property
    def idle(self) -> str:
        """What is to be said of a fault that happened in too few runs; empty: it did in enough."""
        least = max(1, int(self.share * self.runs)) if self.runs >= MANY_RUNS else 1
        if self.struck_runs >= least:
            return ""
        return f"struck in {self.struck_runs} of {self.runs} runs, expected {least} at least"

    @property
    def good(self) -> bool:
        """Whether all that was to be shown was shown."""
        return not self.red and not self.idle


def run_case(case: Case, seed: int, folder: Path) -> Result:
    """One desk, one fault, one seed. A run that raises is a red one."""
    try:
        bench, checks = live(case, seed, folder)
    except Exception:  # noqa: BLE001 - whatever it is, it is a red run
        return Result(case.name, seed, 0, {}, 0, 0.0, [traceback.format_exc(limit=-4)])
    wrong = [f"{each.name}: {each.found}" for each in checks if not each.good]
    alarms = bench.alarms
    shown = {code: alarms[code] for code in case.counts if alarms[code]}
    lived_s = bench.desk.loop.time()
    return Result(case.name, seed, case.times(bench), shown, len(bench.resolved), lived_s, wrong)


def live(case: Case, seed: int, folder: Path) -> tuple[Bench, list[Check]]:
    """A day with a fault: it is set, orders come, it ends, what is stuck is settled."""
    bench = Bench(seed)
    case.prepare(bench)
    bench.start()
    bench.trade(case.bad_ns)
    bench.calm()
    bench.finish()
    if not bench.over:
        bench.settle()
    bench.await_plans()
    return bench, [*check_all(bench, folder), *case.judge(bench)]


def run_one(name: str, seed: int) -> Result:
    """The same, in another process."""
    case = next(case for case in CASES if case.name == name)
    with tempfile.TemporaryDirectory(prefix="sor-faults-") as folder:
        return run_case(case, seed, Path(folder))


def run_all(tasks: Iterable[tuple[str, int]], jobs: int) -> Iterator[Result]:
    """Runs of cases by name and seed, as they are done. They begin in their order."""
    if jobs <= 1:
        spare_the_collector()
        yield from (run_one(*task) for task in tasks)
        return
    waiting = iter(tasks)
    with ProcessPoolExecutor(max_workers=jobs, initializer=spare_the_collector) as pool:
        running = {pool.submit(run_one, *task) for task in islice(waiting, 2 * jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(run_one, *task) for task in islice(waiting, len(done))}
            yield from (each.result() for each in done)


def spare_the_collector() -> None:
    """As in the programs themselves: what stands at the start stays, and need not be walked over
    again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, *GC_GENERATIONS)


def rounds(cases: Sequence[Case], seeds: list[int], until: float) -> Iterator[tuple[str, int]]:
    """All cases with a seed, then all with the next; no round begins behind `until`."""
    for seed in seeds:
        if time.monotonic() < until:
            yield from ((case.name, seed) for case in cases)


def table(rows: Iterable[Row]) -> Table:
    """What the venue does, what the gateway has to do, what was measured."""
    shown = Table(title="faults", title_justify="left")
    for heading in ("", "fault", "the venue", "the gateway", "measured", "runs", ""):
        shown.add_column(heading)
    for row in rows:
        figures = [f"struck {row.struck} (in {row.struck_runs} runs)"]
        figures += [f"{code} {count}" for code, count in row.alarms.items()]
        figures += [f"resolved by hand {row.resolved}"] if row.resolved else []
        good = "[green]green[/green]" if row.good else f"[red]RED[/red] {row.idle}"
        shown.add_row(
            row.number, row.case, row.does, row.must, ", ".join(figures), str(row.runs), good
        )
    return shown


def as_json(rows: Iterable[Row]) -> str:
    """The same for programs."""
    # asdict would count the pairs of a Counter
    return json.dumps([asdict(row) | {"alarms": dict(row.alarms)} for row in rows], indent=2)


def chosen(only: str) -> list[Case]:
    """Cases by number or name; all for an empty text. Raises ValueError."""
    wanted = [each for each in only.split(",") if each]
    unknown = [w for w in wanted if not any(w in (case.number, case.name) for case in CASES)]
    if unknown:
        names = ", ".join(case.name for case in CASES)
        raise ValueError(f"{', '.join(unknown)}: no such fault; there are {names}")
    return [case for case in CASES if not wanted or case.number in wanted or case.name in wanted]


class Show:
    """Prints how it goes on: a bar where somebody watches, else a line for each round."""

    def __init__(self, cases: list[Case], rounds: int) -> None:
        self.console = Console(width=None if sys.stdout.isatty() else TABLE_COLUMNS)
        self.rows = {
            case.name: Row(case.number, case.name, case.does, case.must, case.share)
            for case in cases
        }
        self._rounds = rounds
        self._began = time.monotonic()
        self._done = 0

    @property
    def took_s(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    @property
    def red(self) -> int:
        """Runs that were."""
        return sum(len(row.red) for row in self.rows.values())

    def follow(self, results: Iterable[Result]) -> None:
        """Count and show results as they come."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        total = len(self.rows) * self._rounds
        with Progress(*columns, TimeElapsedColumn(), console=self.console) as progress:
            task = progress.add_task("faults", total=total, completed=self._done)
            for result in results:
                self._add(result)
                progress.advance(task)

    def _add(self, result: Result) -> None:
        self.rows[result.case].add(result)
        self._done += 1
        each, rest = divmod(self._done, len(self.rows))
        if not self.console.is_terminal and not rest:
            text = f"{each} of {self._rounds} seeds: {self._done} runs, {self.red} red"
            self.console.print(f"{text}, {self.took_s / 60:.1f} min")
        if result.wrong:
            again = f"--only {result.case} --seed {result.seed} --seeds 1"
            self.console.print(f"[red]RED[/red] {result.case}: python -m tests.faults.run {again}")
            for wrong in result.wrong:
                self.console.print(f"    {wrong}", markup=False)

    def end(self) -> bool:
        """The table, and whether all is green."""
        self.console.print(table(self.rows.values()))
        idle = [row for row in self.rows.values() if row.idle]
        for row in idle:
            self.console.print(f"[red]RED[/red] {row.number} {row.case}: {row.idle}")
        used = [resource.getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
        cpu_s = sum(each.ru_utime + each.ru_stime for each in used)
        self.console.print(
            f"{self._done} runs in {self.took_s:.0f} s ({cpu_s:.0f} CPU seconds), {self.red} red,"
            f" {len(idle)} faults that happened too seldom"
        )
        return not self.red and not idle


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run")
    parser.add_argument("--seeds", type=int, default=SEEDS_DEFAULT, help="runs of each fault")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; random by default")
    parser.add_argument("--only", default="", help="numbers or names of faults")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, default=inf, help="no new seed after so long")
    parser.add_argument("--json", type=Path, default=None, help="write the results there too")
    arguments = parser.parse_args()
    try:
        cases = chosen(arguments.only)
    except ValueError as error:
        parser.error(str(error))
    first = arguments.seed
    seeds = (
        random.SystemRandom().sample(range(10**6), arguments.seeds)
        if first is None
        else list(range(first, first + arguments.seeds))
    )
    show = Show(cases, len(seeds))
    until = time.monotonic() + 60 * arguments.minutes
    show.follow(run_all(rounds(cases, seeds, until), arguments.jobs))
    if first is None:
        show.follow(run_all(one_more(cases, show.rows), 1))
    good = show.end()
    if arguments.json is not None:
        arguments.json.write_text(as_json(show.rows.values()))
    return 0 if good else 1


def one_more(cases: list[Case], rows: dict[str, Row]) -> Iterator[tuple[str, int]]:
    """Further seeds for a fault that found nothing to happen to yet: few seeds may have missed
    it."""
    for case in cases:
        for _ in range(FURTHER_SEEDS):
            if not rows[case.name].struck_runs:
                yield case.name, random.SystemRandom().randrange(10**6)


if __name__ == "__main__":
    sys.exit(main())
