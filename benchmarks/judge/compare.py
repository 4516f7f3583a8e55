"""Ours against each rival in each regime: paired differences and their intervals.

Owns: the statistics and the verdict. May not know: how a run is made.

Both arms of a pair meet the same market: the same seed. A difference is the rival's cost less ours,
in cents a share; positive is in our favour. It is given twice: as it was, and without the walk of
the price while each worked (trial.py), which has the same mean and a far narrower interval; the
verdict goes by the latter. Intervals are at 95 %, each on its own: of 25 such comparisons one or
two are off by chance.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.judge.trial import OURS, Outcome

LEVEL: Final = 0.95
NOT_BETTER_MAX: Final = 1
"""Of the five regimes, against each rival: better in four at least."""
Z: Final = statistics.NormalDist().inv_cdf(0.5 + LEVEL / 2)

Outcomes = Mapping[tuple[str, str], Sequence[Outcome]]
"""By regime and trader, in the order of the seeds."""


@dataclass(slots=True, frozen=True)
class Estimate:
    """A mean and half of its interval."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """Of independent values, at least two."""
        return cls(statistics.fmean(values), Z * statistics.stdev(values) / len(values) ** 0.5)

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ± {self.half:.3f}"


@dataclass(slots=True, frozen=True)
class Comparison:
    """Ours and one rival in one regime."""

    regime: str
    rival: str
    seeds: int
    ours: float
    """Mean cost without the walk, cents a share."""
    theirs: float
    raw: Estimate
    """What the rival's cost is above ours."""
    net: Estimate
    """The same without the walk."""

    @property
    def verdict(self) -> str:
        """What the interval allows to say of ours."""
        if self.net.mean > self.net.half:
            return "better"
        return "WORSE" if self.net.mean < -self.net.half else "level"


@dataclass(slots=True, frozen=True)
class Conduct:
    """What a trader did beside what it cost, over all seeds of a regime."""

    regime: str
    trader: str
    seeds: int
    cost: Estimate
    """As it was, cents a share."""
    net: Estimate
    """Without the walk."""
    spread: float
    """Paid beyond the market as it was then; negative when it was earned."""
    fees: float
    impact: float
    """Our own push, as far as it stood when each share traded."""
    done: float
    """The part of the orders that was done in time."""
    took_s: float
    children: float
    dark: float
    known_through: int
    """Children through the book as known."""
    through: float
    """The true rate: the part of the shares taken for which there was a better price elsewhere."""
    shown_max: int
    shown_venue_max: int


def compare(outcomes: Outcomes) -> Iterator[Comparison]:
    """Every rival in every regime."""
    for (regime, trader), theirs in outcomes.items():
        if trader == OURS:
            continue
        ours = outcomes[regime, OURS]
        pairs = list(zip(ours, theirs, strict=True))
        yield Comparison(
            regime,
            trader,
            len(pairs),
            statistics.fmean(each.net_cents for each in ours),
            statistics.fmean(each.net_cents for each in theirs),
            Estimate.of([b.cost_cents - a.cost_cents for a, b in pairs]),
            Estimate.of([b.net_cents - a.net_cents for a, b in pairs]),
        )


def conduct(outcomes: Outcomes) -> Iterator[Conduct]:
    """Every trader in every regime."""
    for (regime, trader), runs in outcomes.items():
        taken = sum(run.taken for run in runs)
        yield Conduct(
            regime,
            trader,
            len(runs),
            Estimate.of([run.cost_cents for run in runs]),
            Estimate.of([run.net_cents for run in runs]),
            statistics.fmean(run.spread_cents for run in runs),
            statistics.fmean(run.fees_cents for run in runs),
            statistics.fmean(run.impact_cents for run in runs),
            statistics.fmean(run.done for run in runs),
            statistics.fmean(run.took_ns / 1e9 for run in runs),
            statistics.fmean(run.children for run in runs),
            statistics.fmean(run.dark for run in runs),
            sum(run.known_through for run in runs),
            sum(run.taken_through for run in runs) / taken if taken else 0.0,
            max(run.shown_max for run in runs),
            max(run.shown_venue_max for run in runs),
        )


def failures(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Worse anywhere, or better in too few regimes."""
    for rival in dict.fromkeys(each.rival for each in comparisons):
        rows = [each for each in comparisons if each.rival == rival]
        for each in rows:
            if each.verdict == "WORSE":
                yield f"worse than {rival} in {each.regime}: {each.net}"
        better = sum(each.verdict == "better" for each in rows)
        if better < len(rows) - NOT_BETTER_MAX:
            yield f"better than {rival} in {better} of {len(rows)} regimes only"


def breaches(conducts: Sequence[Conduct], shown: int, shown_venue: int) -> Iterator[str]:
    """What no chance excuses: a child of ours through the book as known, more displayed than the
    preset allows, an order not done in time."""
    for line in conducts:
        if line.trader != OURS:
            continue
        if line.known_through:
            yield f"{line.regime}: {line.known_through} children through the book as known"
        if line.shown_max > shown or line.shown_venue_max > shown_venue:
            yield f"{line.regime}: {line.shown_max} shown, {line.shown_venue_max} on one venue"
        if line.done < 1:
            yield f"{line.regime}: {1 - line.done:.1%} of the shares not done in time"
