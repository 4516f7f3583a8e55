"""`make block`: the reference scenario in virtual time, checked to the share and the micro, and its
journals byte for byte over runs and over values of PYTHONHASHSEED.

    python -m tests.harness.block [--seed 42] [--runs 20] [--hash-seeds 20] [--workers 2] [--json]

Exit 1 when a check fails or a journal differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from sor_gateway.demo.run import account_table, check_table
from sor_gateway.tca.report import narrow_table
from tests.harness.arms import Outcome, compare, failed, own_cost_micros, run, usd

ROOT: Final = Path(__file__).parents[2]
JOB_TIMEOUT_S: Final = 1_800


@dataclass(slots=True)
class Job:
    """A process that runs the scenario some times and prints the digests of each."""

    hash_seed: str
    """PYTHONHASHSEED: a number, or "random"."""
    repeats: int = 1


def jobs_of(runs: int, hash_seeds: int, workers: int) -> list[Job]:
    """`runs` in as many processes as work at a time, one behind the other in each, and a process
    for each hash seed."""
    shares = [runs // workers + (worker < runs % workers) for worker in range(workers)]
    return [
        *(Job("random", share) for share in shares if share),
        *(Job(str(number)) for number in range(hash_seeds)),
    ]


def do(job: Job, seed: int) -> list[dict[str, str]]:
    """Run a job in a process of its own: the digests by journal of each of its runs. Raises
    CalledProcessError, and TimeoutExpired."""
    command = [sys.executable, "-m", "tests.harness.block", "--digests", str(job.repeats)]
    done = subprocess.run(
        [*command, "--seed", str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": job.hash_seed},
        stdout=subprocess.PIPE,
        check=True,
        timeout=JOB_TIMEOUT_S,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def differences(
    reference: dict[str, str], jobs: Sequence[Job], found: Sequence[list[dict[str, str]]]
) -> list[str]:
    """A line for each journal of each run that is not the reference's."""
    return [
        f"PYTHONHASHSEED={job.hash_seed}, run {number}: journal of {name} differs"
        for job, runs in zip(jobs, found, strict=True)
        for number, digests in enumerate(runs, 1)
        for name in sorted({*reference, *digests})
        if digests.get(name) != reference.get(name)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.digests:
        for _ in range(options.digests):
            sys.stdout.write(json.dumps(run(options.seed)[0].digests()) + "\n")
            sys.stdout.flush()
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sor-block-") as folder:
        outcome = compare(options.seed, Path(folder))
    compared_s = time.monotonic() - began
    jobs = jobs_of(options.runs, options.hash_seeds, options.workers)
    with ThreadPoolExecutor(options.workers) as pool:
        found = list(pool.map(lambda job: do(job, options.seed), jobs))
    differing = differences(outcome.digests, jobs, found)
    runs_s = time.monotonic() - began - compared_s
    good = not failed(outcome.checks) and not differing
    if options.json:
        sys.stdout.write(json.dumps(_as_json(options, outcome, differing, good), indent=2) + "\n")
    else:
        _render(Console(), outcome)
        _render_runs(Console(), options, differing, compared_s, runs_s)
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The block scenario in virtual time.")
    parser.add_argument("--seed", type=int, default=42, help="of the market")
    parser.add_argument("--runs", type=int, default=20, help="that must leave the same bytes")
    parser.add_argument("--hash-seeds", type=int, default=20, help="values of PYTHONHASHSEED")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--digests", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def _render(console: Console, outcome: Outcome) -> None:
    console.print(account_table(outcome.ours.evidence.accounts), "")
    headings = ["arm", "took", "average", "shortfall", "bps", "fees USD", "own cost"]
    table = narrow_table("What it cost against the midpoint at arrival", headings, left=("arm",))
    for name, arm in (("ours", outcome.ours), ("all at once", outcome.naive)):
        report = arm.report
        assert report.shortfall is not None
        table.add_row(
            name,
            f"{report.duration_ns / 1e9:.2f} s",
            f"{report.totals.average_price_micros / 1e6:.6f}",
            usd(report.shortfall.micros),
            str(report.shortfall.bps),
            f"{report.totals.fees_micros / 1e6:,.2f}",
            usd(own_cost_micros(report)),
        )
    console.print(table)
    console.print(
        "own cost: fees, and prices against the midpoint when each child was planned;"
        " this market's path does not feel our trades\n",
        highlight=False,
    )
    console.print(check_table(outcome.checks), "")


def _render_runs(
    console: Console,
    options: argparse.Namespace,
    differing: list[str],
    compared_s: float,
    runs_s: float,
) -> None:
    for line in differing:
        console.print(f"[bold red]{line}[/]")
    verdict = (
        f"[bold red]{len(differing)} journals DIFFER[/]"
        if differing
        else ("[bold green]the same bytes in every journal[/]")
    )
    console.print(
        f"seed {options.seed}: {options.runs} runs and {options.hash_seeds} hash seeds: {verdict}"
        f" ({compared_s:.1f} s for the audited arms, {runs_s:.1f} s for the runs)",
        highlight=False,
    )


def _as_json(
    options: argparse.Namespace, outcome: Outcome, differing: list[str], good: bool
) -> dict[str, Any]:
    def cost(arm: Any) -> dict[str, Any]:
        return {
            "shortfall_micros": arm.report.shortfall.micros,
            "shortfall_bps": str(arm.report.shortfall.bps),
            "fees_micros": arm.report.totals.fees_micros,
            "own_cost_micros": own_cost_micros(arm.report),
            "duration_ns": arm.report.duration_ns,
        }

    return {
        "good": good,
        "seed": options.seed,
        "runs": options.runs,
        "hash_seeds": options.hash_seeds,
        "differences": differing,
        "checks": [asdict(check) for check in outcome.checks],
        "accounts": [asdict(account) for account in outcome.ours.evidence.accounts],
        "ours": cost(outcome.ours),
        "naive": cost(outcome.naive),
        "digests": outcome.digests,
    }


if __name__ == "__main__":
    raise SystemExit(main())
