"""Sizes of the next hidden orders, from what is believed of each venue (`sizing = "posterior"`).

Owns: the belief per symbol, kept until it is refreshed; what this order's own waves add to it; the
split. May not know: sessions, quotes, which venues are open. Reads HiddenState, changes nothing of
it.

The belief is that of the facade (posterior.py), with the other venues as a prior for each and a
venue's other symbols as a prior for this one. To compute it takes a fraction of a millisecond: what
is kept is used until `refresh` is called between turns, so no order waits for it but the first of
its symbol.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import Final

import numpy as np

from sor_gateway.sor.estimators.hidden import LARGEST, HiddenState, Run
from sor_gateway.sor.estimators.posterior import STRENGTHS, Columns, believe
from sor_gateway.sor.estimators.tails import FAMILY_PRIOR, FLOOR, Floats, Grid, grid_of, shapes_of
from sor_gateway.sor.types import NANOS_PER_SECOND, Nanos, Shares

PERSISTENCE: Final = 0.8
"""Probability that who was there in the last wave is there still, with what he has left."""
RETURN: Final = 0.5
"""Probability that who filled a part of the last wave, and then had nothing, comes again."""
OPTIMISM: Final = 1.0
"""Standard deviations by which a venue's chance to have anything is taken above its mean."""
CORRECTION: Final = 1
"""The correction of the shapes that is used (posterior.STRENGTHS): the stiffer one."""
REFRESH_NS: Final = NANOS_PER_SECOND
"""A belief that is younger than this is not refreshed."""
STEPS: Final = 64
"""A split is made in at most about this many steps."""


@dataclass(slots=True, frozen=True)
class Pool:
    """A venue that may get an order now."""

    venue: str
    value: float
    """What a share filled there saves against the next best way, in any unit; above 0."""
    size_max: Shares
    run: Run
    """This parent's waves there: the last run, whether it goes on or has ended."""


@dataclass(slots=True, frozen=True)
class Belief:
    """What a first contact with a venue is believed to find."""

    fill: float
    """The chance that it has anything, with optimism."""
    edges: list[int]
    tail: list[float]
    """P(size >= edge | anything)."""

    def at_least(self, size: Shares) -> float:
        """P(size >= this | anything)."""
        if size >= self.edges[-1]:
            return 0.0
        cell = bisect_right(self.edges, size) - 1
        low, high = self.edges[cell], self.edges[cell + 1]
        at, after = self.tail[cell], self.tail[cell + 1]
        return at - (at - after) * (size - low) / (high - low)

    def chance(self, size: Shares, run: Run) -> float:
        """P(a share of this size fills now), after this parent's waves at the venue."""
        tail = self.at_least(size)
        fresh = self.fill * tail
        if not run.sent:
            return fresh
        if not run.filled:
            return (1 - PERSISTENCE) * fresh
        if not run.is_live:
            return RETURN * tail + (1 - RETURN) * fresh
        already = min(run.filled, LARGEST)
        left = self.at_least(size + already) / max(self.at_least(already), FLOOR)
        return PERSISTENCE * min(left, 1.0) + (1 - PERSISTENCE) * fresh


@dataclass(slots=True)
class _Kept:
    by_venue: dict[str, Belief]
    observed: int
    at_ns: Nanos


class Beliefs:
    """What is believed of all dark venues, by symbol. `venues` are all that there are."""

    def __init__(self, state: HiddenState, venues: Sequence[str]) -> None:
        self._state: Final = state
        self._venues: Final = tuple(venues)
        self._kept: Final[dict[str, _Kept]] = {}
        self._old: Final[dict[str, None]] = {}
        shapes_of(LARGEST)  # made once in a process: not for the first order to wait for

    def of(self, symbol: str, now: Nanos) -> dict[str, Belief]:
        """By venue, as of the last refresh; the first time as of now."""
        kept = self._kept.get(symbol)
        if kept is None:
            kept = self._kept[symbol] = self._believe(symbol, now)
        elif kept.observed != self._state.observed and now >= kept.at_ns + REFRESH_NS:
            self._old[symbol] = None
        return kept.by_venue

    def refresh(self, now: Nanos) -> None:
        """Take in what was learnt since, for one symbol that is in use."""
        if self._old:
            symbol = next(iter(self._old))
            del self._old[symbol]
            self._kept[symbol] = self._believe(symbol, now)

    def _believe(self, symbol: str, now: Nanos) -> _Kept:
        grid = grid_of(LARGEST)
        rows = np.array([self._state.row(symbol, venue, grid) for venue in self._venues])
        fill, tails = fresh_tails(rows, grid)
        edges = [int(edge) for edge in grid.edges]
        beliefs = {
            venue: Belief(float(fill[at]), edges, [float(each) for each in tails[at]])
            for at, venue in enumerate(self._venues)
        }
        return _Kept(beliefs, self._state.observed, now)


def fresh_tails(rows: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """For a first contact: the chance that a venue has anything, with optimism, and the tail of its
    size, by venue."""
    columns = Columns(grid.cells)
    leaning = np.zeros((len(rows), len(FAMILY_PRIOR)))
    belief = believe(rows[None], rows, leaning, shapes_of(grid.largest), columns)
    assert len(STRENGTHS) > CORRECTION
    fill = np.minimum(belief.fill[0] + OPTIMISM * belief.doubt[0], 1.0)
    return fill, belief.tails[0, :, CORRECTION]


def next_sizes(
    beliefs: dict[str, Belief], pools: Sequence[Pool], quantity: Shares, round_lot: Shares
) -> list[Shares]:
    """Sizes of the next wave for each pool, which sum to at most `quantity`, in round lots but for
    what is less than one.

    Shares go where the expected saving of the next ones is largest. Where the last wave filled, the
    rest of a large quantity is likely to be there still: more is sent. Where it brought nothing,
    less is sent.
    """
    lots = -(-quantity // (STEPS * round_lot))
    step = max(1, lots) * round_lot
    sizes = [0] * len(pools)
    limits = [_limit(pool, round_lot) for pool in pools]

    def worth(at: int) -> float:
        pool = pools[at]
        middle = sizes[at] + (min(step, limits[at] - sizes[at]) + 1) // 2
        return pool.value * beliefs[pool.venue].chance(middle, pool.run)

    waiting = [(-worth(at), at) for at in range(len(pools)) if limits[at] > 0]
    heapify(waiting)
    while quantity > 0 and waiting:
        at = waiting[0][1]
        taken = min(step, limits[at] - sizes[at], quantity)
        sizes[at] += taken
        quantity -= taken
        if sizes[at] < limits[at]:
            heapreplace(waiting, (-worth(at), at))
        else:
            heappop(waiting)
    return sizes


def _limit(pool: Pool, round_lot: Shares) -> Shares:
    """In round lots, unless not even one may be sent."""
    return pool.size_max // round_lot * round_lot or pool.size_max
