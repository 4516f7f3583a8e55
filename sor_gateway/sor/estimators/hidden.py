"""Hidden size per venue and symbol in the live router: what facts leave behind.

Owns: the counts that a snapshot holds (plain numbers) and how finished waves are counted.
May not know: what is believed of them (sizing.py), sessions, quotes, which venues are open.

Booking is apart from belief: `Run` and `Counts` change with facts and use nothing but sums, so a
replay rebuilds them to the bit.

Symbols share what they know: a symbol that was traded little believes what the venue shows in all
symbols, discounted to the weight of at most `SHARED_CONTACTS` contacts (a power prior, Ibrahim and
Chen 2000). Old contacts fade with each new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sor_gateway.sor.estimators.posterior import Columns
from sor_gateway.sor.estimators.tails import Floats, Grid, grid_of
from sor_gateway.sor.types import Shares

DECAY: Final = 0.99
"""What an earlier contact counts: half of the weight is on the last 69."""
SHARED_CONTACTS: Final = 8.0
LARGEST: Final = 100_000
"""The largest size that is told apart; what is larger counts as this."""
FORGOTTEN: Final = 1e-3
"""A count below this is dropped."""


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
        self.seen, self.at_least = _faded(self.seen), _faded(self.at_least)
        if filled:
            kept = self.at_least if filled >= sent else self.seen
            size = grid.first_of(filled)
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

    @property
    def is_live(self) -> bool:
        """Whether all that was sent filled: there may be more."""
        return 0 < self.sent == self.filled

    def after(self, sent: Shares, filled: Shares) -> Run:
        """This run with another wave, or the run that this wave begins."""
        before = self if self.is_live else Run()
        return Run(before.sent + sent, before.filled + filled)


@dataclass(slots=True)
class HiddenState:
    """All counts: a part of the router's state."""

    venues: dict[str, Counts] = field(default_factory=dict)
    """By venue, over all symbols."""
    symbols: dict[str, dict[str, Counts]] = field(default_factory=dict)
    """By symbol, then venue."""
    observed: int = 0
    """How often anything was learnt."""

    def observe(self, symbol: str, venue: str, run: Run) -> None:
        """A run ended, or the parent did. One that sent nothing says nothing."""
        if not run.sent:
            return
        self.observed += 1
        grid = grid_of(LARGEST)
        by_venue = self.symbols.setdefault(symbol, {})
        for kept in (self.venues, by_venue):
            kept.setdefault(venue, Counts()).observe(run.sent, run.filled, grid)

    def row(self, symbol: str, venue: str, grid: Grid) -> Floats:
        """The counts of a venue in a symbol, with its other symbols' as a prior."""
        own = self.symbols.get(symbol, {}).get(venue, Counts()).row(grid)
        pooled = self.venues.get(venue, Counts()).row(grid)
        discount = SHARED_CONTACTS / max(SHARED_CONTACTS, float(pooled[0]))
        return own + discount * pooled


def _faded(counts: dict[Shares, float]) -> dict[Shares, float]:
    return {size: left for size, count in counts.items() if (left := count * DECAY) > FORGOTTEN}
