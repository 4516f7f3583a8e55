"""What is learnt of a venue in a symbol: fills, times, rejections, probing, markouts.

Owns: the figures that facts leave behind, how they fade, and how little evidence is shrunk towards
what is known of the venue in all symbols, and that towards all venues.
May not know: orders, quotes, what is decided by it.

Everything here is plain sums: a replay of the facts rebuilds it to the bit, a snapshot holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, NANOS_PER_SECOND, Nanos, Shares

HORIZONS_NS: Final = (
    100 * NANOS_PER_MILLISECOND,
    NANOS_PER_SECOND,
    10 * NANOS_PER_SECOND,
    60 * NANOS_PER_SECOND,
)
"""How long after a fill the market is looked at."""
JUDGED: Final = 1
"""The horizon that routing goes by: what 100 ms show is mostly our own order, after 10 s it is
mostly everybody else's."""
DECAY: Final = 0.98
"""Half of the weight is on the last 34 observations."""
MARK_DECAY: Final = 0.995
"""Markouts are noise with a small mean: half of the weight is on the last 138 batches."""
SHRINKAGE: Final = 20.0
"""What is known of the venue in all symbols counts like this many observations of one; and what is
known of all venues like this many of one."""
PROBED_MIN: Final = 3.0
"""Orders that have to have been there before a venue counts as probed from the start."""
TOXIC_WEIGHT_MIN: Final = 30.0
"""Batches of small fills, and of others, before the one is held against the other."""
TOXIC_BPS: Final = 0.5
"""Small fills that turn out worse than others by this part of the price are toxic."""
BPS: Final = 10_000.0


def _marks() -> list[DecayedMean]:
    return [DecayedMean() for _ in HORIZONS_NS]


@dataclass(slots=True)
class Learnt:
    """One venue in one symbol, or in all of them."""

    fills: DecayedMean = field(default_factory=DecayedMean)
    """Share of a child that filled."""
    first_fill_ns: DecayedMean = field(default_factory=DecayedMean)
    """From the decision to the first fill, of children that filled."""
    rejects: DecayedMean = field(default_factory=DecayedMean)
    """Share of children that were rejected."""
    probed: DecayedMean = field(default_factory=DecayedMean)
    """Share of orders whose hidden children met small fills alone, in a row."""
    markouts: list[DecayedMean] = field(default_factory=_marks)
    """Micros a share, by horizon."""
    small: DecayedMean = field(default_factory=DecayedMean)
    """At the judged horizon, of fills that a probe might have made."""
    large: DecayedMean = field(default_factory=DecayedMean)
    """At the judged horizon, of the others."""

    def ended(self, filled: Shares, quantity: Shares, rejected: bool) -> None:
        """A child is over."""
        self.fills.observe(min(1.0, filled / quantity), DECAY)
        self.rejects.observe(1.0 if rejected else 0.0, DECAY)

    def marked(self, horizon: int, value_micros: float, small: bool) -> None:
        """The market was looked at some time after a fill: `value_micros` a share in our favour."""
        self.markouts[horizon].observe(value_micros, MARK_DECAY)
        if horizon == JUDGED:
            (self.small if small else self.large).observe(value_micros, MARK_DECAY)


@dataclass(slots=True)
class LearntState:
    """All of it: a part of the router's state."""

    overall: Learnt = field(default_factory=Learnt)
    venues: dict[str, Learnt] = field(default_factory=dict)
    symbols: dict[str, dict[str, Learnt]] = field(default_factory=dict)
    """By symbol, then venue."""

    def of(self, venue: str, symbol: str) -> tuple[Learnt, Learnt, Learnt]:
        """Where a fact about a venue in a symbol is counted: there, in all its symbols, overall."""
        by_venue = self.symbols.get(symbol)
        if by_venue is None:
            by_venue = self.symbols[symbol] = {}
        here = by_venue.get(venue)
        if here is None:
            here = by_venue[venue] = Learnt()
        pooled = self.venues.get(venue)
        if pooled is None:
            pooled = self.venues[venue] = Learnt()
        return here, pooled, self.overall

    def adverse_micros(self, venue: str, symbol: str) -> float:
        """By how much fills there turn out worse than fills in general, micros a share; negative
        when they turn out better. What we do to the price ourselves is in both."""
        here, pooled = self._found(venue, symbol)
        general = mean(self.overall.markouts[JUDGED], 0.0)
        there = mean(pooled.markouts[JUDGED], general)
        return general - mean(here.markouts[JUDGED], there)

    def is_probed(self, venue: str, symbol: str) -> bool:
        """Whether most orders that rested there of late met nobody but who asked."""
        here, pooled = self._found(venue, symbol)
        known = here.probed if here.probed.weight >= PROBED_MIN else pooled.probed
        return known.weight >= PROBED_MIN and known.total > 0.5 * known.weight

    def is_toxic(self, venue: str, symbol: str, mid_micros: int) -> bool:
        """Whether small fills there turn out worse than larger ones."""
        here, pooled = self._found(venue, symbol)
        if min(pooled.small.weight, pooled.large.weight) < TOXIC_WEIGHT_MIN:
            return False
        small = mean(here.small, mean(pooled.small, 0.0))
        large = mean(here.large, mean(pooled.large, 0.0))
        return large - small > TOXIC_BPS * mid_micros / BPS

    def _found(self, venue: str, symbol: str) -> tuple[Learnt, Learnt]:
        here = self.symbols.get(symbol, {}).get(venue, _NOTHING)
        return here, self.venues.get(venue, _NOTHING)


def mean(observed: DecayedMean, prior: float) -> float:
    """Shrunk towards the prior, which counts like SHRINKAGE observations."""
    return observed.mean(prior, SHRINKAGE)


def first_fill_ns(learnt: Learnt) -> Nanos | None:
    """How long a first fill takes; None before any."""
    seen = learnt.first_fill_ns
    return round(seen.total / seen.weight) if seen.weight else None


_NOTHING: Final = Learnt()
"""Never written to."""
