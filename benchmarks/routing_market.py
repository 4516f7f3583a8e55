"""The market part of `make bench-routing`: ours against five simple routers where trades move the
price.

Owns: which runs are made, in which processes, and the tables.
May not know: how a run is made (judge/trial.py), what counts as better (judge/compare.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.judge.compare import Comparison, Conduct, breaches, compare, conduct, failures
from benchmarks.judge.regimes import REGIMES, VARIANTS
from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.trial import OURS, STRATEGY, Outcome, router_settings, run

FIRST_SEED: Final = 50_000
"""Seeds that nothing was chosen on."""
SEEDS, QUICK_SEEDS = 200, 2
STYLES: Final = {"better": "green", "WORSE": "bold red"}


@dataclass(slots=True)
class Verdicts:
    """All that the market says."""

    comparisons: list[Comparison]
    conducts: list[Conduct]
    failures: list[str]
    """Bars that were missed; with few seeds by chance."""
    breaches: list[str]
    """Promises that were broken."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "comparisons": [asdict(each) | {"verdict": each.verdict} for each in self.comparisons],
            "conduct": [asdict(each) for each in self.conducts],
            "failures": self.failures,
            "breaches": self.breaches,
        }


def runs(regime: str, seed: int) -> list[Outcome]:
    """Everybody in one market; in a process of its own."""
    return [run(trader, regime, seed) for trader in (OURS, *RIVALS)]


def judge(seeds: int, first_seed: int, workers: int, console: Console, variants: bool) -> Verdicts:
    """Run everybody in every regime, or in every variant of one, with so many seeds."""
    regimes = VARIANTS if variants else REGIMES
    todo = [(regime, seed) for seed in range(first_seed, first_seed + seeds) for regime in regimes]
    done: dict[tuple[str, int], list[Outcome]] = {}
    with (
        Progress(console=console) as progress,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        bar = progress.add_task("markets", total=len(todo))
        waiting = {pool.submit(runs, *each): each for each in todo}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            progress.advance(bar)
    outcomes: dict[tuple[str, str], list[Outcome]] = {}
    for regime, seed in sorted(todo, key=lambda each: [*regimes].index(each[0])):
        for trader, outcome in zip((OURS, *RIVALS), done[regime, seed], strict=True):
            outcomes.setdefault((regime, trader), []).append(outcome)
    comparisons, conducts = list(compare(outcomes)), list(conduct(outcomes))
    preset = router_settings().strategies[STRATEGY]
    broken = list(breaches(conducts, preset.spray_max_shown, preset.spray_clip))
    return Verdicts(comparisons, conducts, list(failures(comparisons)), broken)


def tables(verdicts: Verdicts) -> Sequence[Table]:
    """What it cost, and what was done."""
    return cost_table(verdicts.comparisons), conduct_table(verdicts.conducts)


def cost_table(comparisons: list[Comparison]) -> Table:
    shown = _table(
        "Cost of 10,000 shares where trades move the price, cents a share, fees in;"
        " difference: theirs less ours, 95 %",
        *("regime", "against", "seeds", "ours", "theirs", "difference", "with the walk", ""),
    )
    for each in comparisons:
        figures = (f"{each.ours:.3f}", f"{each.theirs:.3f}", str(each.net), str(each.raw))
        row = (each.regime, each.rival, str(each.seeds), *figures, each.verdict)
        shown.add_row(*row, style=STYLES.get(each.verdict))
    return shown


def conduct_table(conducts: list[Conduct]) -> Table:
    shown = _table(
        "What each did (through: shares taken while another venue truly had better; known: children"
        " through the book as known)",
        *("regime", "who", "cost", "without the walk", "spread", "fees", "impact", "s", "children"),
        *("dark", "known", "through", "shown", "on one"),
    )
    for each in conducts:
        shown.add_row(
            each.regime,
            each.trader,
            str(each.cost),
            str(each.net),
            f"{each.spread:.3f}",
            f"{each.fees:.3f}",
            f"{each.impact:.3f}",
            f"{each.took_s:.1f}",
            f"{each.children:.0f}",
            f"{each.dark:.0%}",
            str(each.known_through) if each.trader == OURS else "",
            f"{each.through:.1%}",
            f"{each.shown_max:,}",
            f"{each.shown_venue_max:,}",
        )
    return shown


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title)
    for heading in headings:
        left = heading in ("regime", "against", "who", "")
        table.add_column(heading, justify="left" if left else "right")
    return table
