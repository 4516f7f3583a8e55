"""The quote signal: whether the best price of a side is about to go.

Owns: the published logistic formula (venues.md 1.1; IEX Rule 11.190(g) as of 2016) and when it is
on. The coefficients are the configuration's: they have been changed often.
May not know: books, symbols, who is asked for the quotes.

A pure function of the last snapshots of the lit venues' quotes, so it does not matter how often it
is asked. A snapshot stands for one slot of the market; what the formula calls "a moment ago" is the
snapshot before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from venue_sims.matching.orders import Side

Snapshot = list[tuple[int, int]]
"""Bid and ask of each venue, always in the same order of venues."""

HISTORY: Final = 3
"""Snapshots that are looked at: quote updates before them are no news."""


@dataclass(slots=True)
class SignalSettings:
    """How the signal judges. The defaults are the formula's published ones."""

    constant: float = -1.3493
    near: float = -1.1409
    """For each venue at the near side's best price."""
    far: float = 0.2671
    """For each venue at the far side's best price."""
    near_before: float = 0.5141
    far_before: float = -0.1970
    leaving: float = 0.1347
    """If the last two updates of the near side left its best price."""
    leaders: float = 0.6862
    """For each leader that has just left the near side's best price."""
    threshold: float = 0.5
    on_ns: int = 2_000_000
    """How long it stays on, in market time, if the price stays."""
    leader_venues: tuple[int, ...] = ()
    """Which venues lead, by their place in a snapshot."""


def score(history: list[Snapshot], side: Side, settings: SignalSettings) -> float:
    """How probable it is that the best price of a side goes: 0 to 1. `history`: snapshots, the
    oldest first, at least two."""
    ours = [[_near(quote, side) for quote in snapshot] for snapshot in history]
    theirs = [[_near(quote, side.opposite) for quote in snapshot] for snapshot in history]
    price = _best(ours[-1], side)
    far_price = _best(theirs[-1], side.opposite)
    before = _best(ours[-2], side)
    far_before = _best(theirs[-2], side.opposite)
    left = [
        venue
        for venue, (was, is_now) in enumerate(zip(ours[-2], ours[-1], strict=True))
        if was == price != is_now
    ]
    x = (
        settings.constant
        + settings.near * ours[-1].count(price)
        + settings.far * theirs[-1].count(far_price)
        + settings.near_before * ours[-2].count(before)
        + settings.far_before * theirs[-2].count(far_before)
        + settings.leaving * _left_twice(ours, price)
        + settings.leaders * sum(venue in settings.leader_venues for venue in left)
    )
    return 1 / (1 + math.exp(-x))


class QuoteSignal:
    """The signal of one symbol. `snapshot` gives the quotes in a slot."""

    def __init__(
        self, settings: SignalSettings, snapshot: Callable[[int], Snapshot], slot_ns: int
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._slot_ns = slot_ns
        self._fired: tuple[int, bool, bool] | None = None

    def unstable(self, now: int) -> tuple[bool, bool]:
        """Whether the bid, and whether the ask, is about to go."""
        slot = now // self._slot_ns
        if now - slot * self._slot_ns >= self._settings.on_ns:
            return False, False
        if self._fired is None or self._fired[0] != slot:
            history = [self._snapshot(slot - back) for back in reversed(range(HISTORY))]
            bid, ask = (
                score(history, side, self._settings) > self._settings.threshold
                for side in (Side.BUY, Side.SELL)
            )
            self._fired = (slot, bid, ask)
        return self._fired[1:]

    def next_ns(self, now: int) -> int:
        """When the answer may be another."""
        slot_at = now // self._slot_ns * self._slot_ns
        off_at = slot_at + self._settings.on_ns
        return (
            off_at if slot_at <= now < off_at < slot_at + self._slot_ns else slot_at + self._slot_ns
        )


def _near(quote: tuple[int, int], side: Side) -> int:
    return quote[0] if side is Side.BUY else quote[1]


def _best(prices: list[int], side: Side) -> int:
    return max(prices) if side is Side.BUY else min(prices)


def _left_twice(prices: list[list[int]], price: int) -> bool:
    """Whether the last two updates of a side left this price."""
    updates = [
        was == price
        for before, after in pairwise(prices)
        for was, is_now in zip(before, after, strict=True)
        if was != is_now
    ]
    return len(updates) >= 2 and all(updates[-2:])
