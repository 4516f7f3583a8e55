"""`make faults`: every fault, in the harness with many seeds; a table of what came of it.

Owns: one run from seed to result, many of them in processes, the table and its JSON.
May not know: what a fault is (cases.py), what has to hold (audit.py).

    python -m tests.faults.run --seeds 100 [--only F6,cod] [--seed N] [--json FILE] [--jobs 2]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sor_gateway.demo.audit import Check
from tests.faults.audit import check_all
from tests.faults.bench import Bench
from tests.faults.cases import CASES, Case

SEEDS_DEFAULT = 3


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
    runs: int = 0
    struck: int = 0
    resolved: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    red: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count a run."""
        self.runs += 1
        self.struck += result.struck
        self.resolved += result.resolved
        self.alarms.update(result.alarms)
        if result.wrong:
            self.red.append(result)


def run_case(case: Case, seed: int, folder: Path) -> Result:
    """One desk, one fault, one seed. A run that raises is a red one."""
    try:
        bench, checks = live(case, seed, folder)
    except Exception:  # noqa: BLE001 - whatever it is, it is a red run
        return Result(case.name, seed, 0, {}, 0, 0.0, [traceback.format_exc(limit=-4)])
    wrong = [f"{each.name}: {each.found}" for each in checks if not each.good]
    shown = {code: bench.alarms[code] for code in case.counts if bench.alarms[code]}
    lived_s = bench.desk.loop.time()
    struck = bench.struck(*case.strikes)
    return Result(case.name, seed, struck, shown, len(bench.resolved), lived_s, wrong)


def live(case: Case, seed: int, folder: Path) -> tuple[Bench, list[Check]]:
    """A day with a fault: it is set, orders come, it ends, what is stuck is settled."""
    bench = Bench(seed)
    case.prepare(bench)
    bench.start()
    bench.trade()
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


def run_all(cases: Iterable[Case], seeds: list[int], jobs: int) -> Iterator[Result]:
    """Every case with every seed, as they are done."""
    tasks = [(case.name, seed) for seed in seeds for case in cases]
    if jobs <= 1:
        yield from (run_one(*task) for task in tasks)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for done in as_completed([pool.submit(run_one, *task) for task in tasks]):
            yield done.result()


def table(rows: Iterable[Row]) -> Table:
    """What the venue does, what the gateway has to do, what was measured."""
    shown = Table(title="faults", title_justify="left")
    for heading in ("", "fault", "the venue", "the gateway", "measured", "runs", ""):
        shown.add_column(heading)
    for row in rows:
        figures = [f"struck {row.struck}"] if row.struck else []
        figures += [f"{code} {count}" for code, count in row.alarms.items()]
        figures += [f"resolved by hand {row.resolved}"] if row.resolved else []
        good = "[red]RED[/red]" if row.red else "[green]green[/green]"
        shown.add_row(
            row.number, row.case, row.does, row.must, ", ".join(figures), str(row.runs), good
        )
    return shown


def as_json(rows: Iterable[Row]) -> str:
    """The same for programs."""
    return json.dumps([asdict(row) for row in rows], indent=2)


def chosen(only: str) -> list[Case]:
    """Cases by number or name; all for an empty text. Raises ValueError."""
    wanted = [each for each in only.split(",") if each]
    unknown = [w for w in wanted if not any(w in (case.number, case.name) for case in CASES)]
    if unknown:
        names = ", ".join(case.name for case in CASES)
        raise ValueError(f"{', '.join(unknown)}: no such fault; there are {names}")
    return [case for case in CASES if not wanted or case.number in wanted or case.name in wanted]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run")
    parser.add_argument("--seeds", type=int, default=SEEDS_DEFAULT, help="runs of each fault")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; random by default")
    parser.add_argument("--only", default="", help="numbers or names of faults")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
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
    rows = {case.name: Row(case.number, case.name, case.does, case.must) for case in cases}
    began = time.monotonic()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("faults", total=len(cases) * len(seeds))
        for result in run_all(cases, seeds, arguments.jobs):
            row = rows[result.case]
            row.add(result)
            progress.advance(task)
            if not console.is_terminal and row.runs == len(seeds):
                good = f"{len(row.red)} red" if row.red else "green"
                console.print(f"{row.number} {row.case}: {row.runs} runs, {good}")
            if result.wrong:
                progress.print(f"[red]{result.case} with seed {result.seed}[/red]")
                for wrong in result.wrong:
                    progress.print(f"    {wrong}", markup=False)
    console.print(table(rows.values()))
    red = sum(len(row.red) for row in rows.values())
    took_s = time.monotonic() - began
    console.print(f"{len(cases) * len(seeds)} runs in {took_s:.0f} s, {red} red")
    if arguments.json is not None:
        arguments.json.write_text(as_json(rows.values()))
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
