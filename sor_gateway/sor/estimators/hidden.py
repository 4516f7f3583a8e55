"""Hidden size per venue and symbol in the live router: what facts leave behind, and next sizes.

Owns: the counts that a snapshot holds (plain numbers), how finished waves are counted, and the
sizes for `sizing = "posterior"`. May not know: sessions, quotes, which venues are open.

Booking is apart from belief: `Run` and `Counts` change with facts and use nothing but sums, so a
replay rebuilds them to the bit; `next_sizes` reads them and changes nothing.

Symbols share what they know: a symbol that was traded little believes what the venue shows in all
symbols, discounted to the weight of at most `SHARED_CONTACTS` contacts (a power prior, Ibrahim and
Chen 2000). Old contacts fade with each new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sor_gateway.sor.estimators.greedy import split_by_tails
from sor_gateway.sor.estimators.posterior import STRENGTHS, Columns, believe
from sor_gateway.sor.estimators.tails import FAMILY_PRIOR, FLOOR, Floats, Grid, grid_of, shapes_of
from sor_gateway.sor.types import Shares

DECAY: Final = 0.99
"""What an earlier contact counts: half of the weight is on the last 69."""
SHARED_CONTACTS: Final = 8.0
PERSISTENCE: Final = 0.8
"""Probability that who was there in the last wave is there still, with what he has left."""
OPTIMISM: Final = 1.0
"""Standard deviations by which a venue's chance to have anything is taken above its mean."""
CORRECTION: Final = 1
"""The correction of the shapes that is used (posterior.STRENGTHS): the stiffer one."""


@dataclass(slots=True)
class Counts:
    """Decayed counts of contacts with one venue, in one symbol or in all of them."""

    contacts: float = 0.0
    hits: float = 0.0
    """Contacts that filled at all."""
    seen: dict[Shares, float] = field(default_factory=dict)
    """By size: contacts that showed that it was all there was."""
    at_least: dict[Shares, float] = field(default_factory=dict)
    """By size: contacts that filled it whole."""

    def observe(self, sent: Shares, filled: Shares, grid: Grid) -> None:
        """A contact of `sent` shares brought `filled`. Sizes are kept as the first of their cell,
        so that the state stays small and outlives another grid."""
        self.contacts = self.contacts * DECAY + 1.0
        self.hits = self.hits * DECAY + (1.0 if filled else 0.0)
        for kept in (self.seen, self.at_least):
            for size in kept:
                kept[size] *= DECAY
        if filled:
            kept = self.at_least if filled >= sent else self.seen
            cells, _ = grid.locate(np.array([min(filled, grid.largest)]))
            size = int(grid.edges[cells[0]])
            kept[size] = kept.get(size, 0.0) + 1.0

    def row(self, grid: Grid) -> Floats:
        """The counts as the posterior reads them."""
        columns = Columns(grid.cells)
        row = np.zeros(columns.width)
        row[0], row[1] = self.contacts, self.hits
        for kept, part in ((self.seen, columns.exact(row)), (self.at_least, columns.censored(row))):
            sizes = np.minimum(np.array([*kept], dtype=np.int64), grid.largest)
            np.add.at(part, grid.locate(sizes)[0], np.array([*kept.values()]))
        return row


@dataclass(slots=True)
class Run:
    """Waves of one parent at one venue that filled to the end, one after the other: one contact
    with one hidden quantity, not several."""

    sent: Shares = 0
    filled: Shares = 0

    def extend(self, sent: Shares, filled: Shares) -> bool:
        """A wave ended. True when that ended the run: the quantity behind it is known now."""
        self.sent += sent
        self.filled += filled
        return filled < sent

    @property
    def is_live(self) -> bool:
        """Whether all that was sent filled: there may be more."""
        return 0 < self.sent == self.filled


@dataclass(slots=True)
class HiddenState:
    """All counts: a part of the router's state."""

    venues: dict[str, Counts] = field(default_factory=dict)
    """By venue, over all symbols."""
    symbols: dict[str, dict[str, Counts]] = field(default_factory=dict)
    """By symbol, then venue."""

    def observe(self, symbol: str, venue: str, run: Run, largest: Shares) -> None:
        """A run ended, or the parent did. One that sent nothing says nothing."""
        if not run.sent:
            return
        grid = grid_of(largest)
        by_venue = self.symbols.setdefault(symbol, {})
        for kept in (self.venues, by_venue):
            kept.setdefault(venue, Counts()).observe(run.sent, run.filled, grid)

    def row(self, symbol: str, venue: str, grid: Grid) -> Floats:
        """The counts of a venue in a symbol, with its other symbols' as a prior."""
        own = self.symbols.get(symbol, {}).get(venue, Counts()).row(grid)
        pooled = self.venues.get(venue, Counts()).row(grid)
        discount = SHARED_CONTACTS / max(SHARED_CONTACTS, float(pooled[0]))
        return own + discount * pooled


@dataclass(slots=True, frozen=True)
class Pool:
    """A venue that may get an order now."""

    venue: str
    value: float
    """What a share filled there saves against the next best way, in any unit; above 0."""
    size_max: Shares
    run: Run
    """This parent's waves there: the last run, whether it goes on or has ended."""


def next_sizes(
    state: HiddenState,
    symbol: str,
    pools: Sequence[Pool],
    quantity: Shares,
    round_lot: Shares,
    largest: Shares,
) -> list[Shares]:
    """Sizes of the next wave for each pool, which sum to at most `quantity`, in round lots but for
    what is less than one.

    Shares go where the expected saving of the next one is largest. Where the last wave filled, the
    rest of a large quantity is likely to be there still: more is sent. Where it did not fill to the
    end, whoever was there has nothing left: less is sent.

    `largest` is the largest size that is told apart, the same in all calls.
    """
    if not pools or quantity <= 0:
        return [0] * len(pools)
    grid = grid_of(largest)
    rows = np.array([state.row(symbol, pool.venue, grid) for pool in pools])
    fill, tails = fresh_tails(rows, grid)
    worth = np.empty_like(tails)
    for each, pool in enumerate(pools):
        expected = tail_now(float(fill[each]), tails[each], grid, pool.run)
        worth[each] = pool.value * np.where(grid.edges <= pool.size_max, expected, 0.0)
    sizes = split_by_tails(worth, grid, quantity, np.argsort(-worth[:, 0], kind="stable"))
    capped = [min(int(size), pool.size_max) for size, pool in zip(sizes, pools, strict=True)]
    return in_round_lots(capped, [pool.size_max for pool in pools], quantity, round_lot)


def fresh_tails(rows: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """For a first contact: the chance that a venue has anything, with optimism, and the tail of its
    size, by venue."""
    columns = Columns(grid.cells)
    leaning = np.zeros((len(rows), len(FAMILY_PRIOR)))
    belief = believe(rows[None], rows, leaning, shapes_of(grid.largest), columns)
    assert len(STRENGTHS) > CORRECTION
    fill = np.minimum(belief.fill[0] + OPTIMISM * belief.doubt[0], 1.0)
    return fill, belief.tails[0, :, CORRECTION]


def tail_now(fill: float, tail: Floats, grid: Grid, run: Run) -> Floats:
    """P(a share of this size fills now), at the edges, after this parent's waves at the venue."""
    fresh = fill * tail
    if not run.sent:
        return fresh
    if not run.is_live:
        return (1 - PERSISTENCE) * fresh
    already = min(run.filled, grid.largest)
    points = np.minimum(grid.edges + already, grid.largest + 1)
    reached = max(float(np.interp(already, grid.edges, tail)), FLOOR)
    left = np.interp(points, grid.edges, tail) / reached
    return np.asarray(PERSISTENCE * np.minimum(left, 1.0) + (1 - PERSISTENCE) * fresh)


def in_round_lots(
    sizes: Sequence[Shares], most: Sequence[Shares], quantity: Shares, round_lot: Shares
) -> list[Shares]:
    """Sizes cut to round lots, and what was cut off given out again by the lot, to those who lost
    most; an odd rest of the whole goes with the largest."""
    rounded = [size // round_lot * round_lot for size in sizes]
    rest = min(sum(sizes), quantity) - sum(rounded)
    for each in sorted(range(len(sizes)), key=lambda k: rounded[k] - sizes[k]):
        if rest >= round_lot and rounded[each] + round_lot <= most[each]:
            rounded[each] += round_lot
            rest -= round_lot
    if 0 < rest < round_lot:
        largest = max(range(len(sizes)), key=lambda k: rounded[k])
        rounded[largest] += min(rest, most[largest] - rounded[largest])
    return rounded


def observe_parent_end(
    state: HiddenState, symbol: str, runs: dict[str, Run], largest: Shares
) -> None:
    """A parent ended: runs that filled to the end are censored there."""
    for venue, run in runs.items():
        if run.is_live:
            state.observe(symbol, venue, run, largest)
