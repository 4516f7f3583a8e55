"""Visitors of a dark venue: hidden midpoint orders that come by, wait a while and leave.

Owns: their arrivals, sides, sizes and patience (venues.md 4.4, dark ambient).
May not know: books, clients, sessions, wall clocks.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Final

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter, Withdraw
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Lifetime, Order, Peg, PegKind, Side

MAX_VISITORS: Final = 1_000
"""Most that wait at a time; who finds the room full leaves."""

#: Sizes by published shares of *volume* (64/10/7/7/4/9 %), turned into shares of orders: upper
#: cumulative probability, smallest and largest size. The first bucket's mean of 31 shares makes
#: the mean trade 48.
_BUCKETS: Final = (
    (0.99349, 500, 999),
    (0.99589, 1_000, 1_999),
    (0.99695, 2_000, 4_999),
    (0.99724, 5_000, 9_999),
    (0.99753, 10_000, 20_000),
)
_SMALL: Final = 0.99
_SMALL_MEAN: Final = 30.5


@dataclass(slots=True)
class VisitorSettings:
    """How many come and how long they stay."""

    rate: float = 0.05
    """Orders a market second."""
    life_s: float = 20.0
    """Mean patience."""


def block_size(stream: Stream, k: int, sub: int) -> int:
    """The size of a hidden order: nearly always small, now and then a block."""
    draw = stream.uniform(k, sub)
    if draw >= _SMALL:
        for bound, low, high in _BUCKETS:
            if draw < bound:
                return low + stream.below(high - low + 1, k, sub + 1)
    return min(499, 1 + math.floor(stream.exponential(_SMALL_MEAN, k, sub + 1)))


class Visitors:
    """Visitors of one dark venue in one symbol."""

    def __init__(self, stream: Stream, settings: VisitorSettings) -> None:
        self.name = "visitors"
        self._stream = stream
        self._settings = settings
        self._next = 0
        self._index = 0
        self._waiting: set[str] = set()
        self._leaving: list[tuple[int, str]] = []
        self._leaning: dict[Side, tuple[int, float]] = {}
        """Sides that are avoided: until when, and by which part of those who come."""

    def start(self, now: int) -> None:
        """Begin with an empty room. Arrivals are counted from the market second of `now`, so that
        a restart does not repeat them."""
        self._waiting.clear()
        self._leaving.clear()
        self._leaning.clear()
        self._index = now // NANOS_PER_SECOND << 20
        self._next = now + self._wait()

    def next_ns(self) -> int | None:
        """The next arrival or departure."""
        if self._settings.rate <= 0:
            return None
        return min(self._next, self._leaving[0][0]) if self._leaving else self._next

    def run(self, now: int) -> list[Action]:
        """One comes or one goes."""
        if self._leaving and self._leaving[0][0] <= now:
            _, order_id = heapq.heappop(self._leaving)
            if order_id not in self._waiting:
                return []
            self._waiting.remove(order_id)
            return [Withdraw(order_id)]
        k = self._index
        self._index += 1
        self._next = now + self._wait()
        if len(self._waiting) >= MAX_VISITORS:
            return []
        order_id = f"{self.name}{ID_SEPARATOR}{k}"
        side = self._side(k, now)
        life_s = self._stream.exponential(self._settings.life_s, k, 2)
        heapq.heappush(self._leaving, (now + 1 + int(life_s * NANOS_PER_SECOND), order_id))
        self._waiting.add(order_id)
        quantity = block_size(self._stream, k, 8)
        order = Order(order_id, side, quantity, displayed=False, peg=Peg(PegKind.MIDPOINT))
        return [Enter(order, Lifetime.DAY)]

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:  # noqa: ARG002
        """Who got all leaves."""
        if not leaves:
            self._waiting.remove(order_id)

    def lean(self, against: Side, until: int, part: float) -> None:
        """Who would trade with orders of this side has heard of one: until then, this part of
        them comes on its side instead, ahead of whatever it still has to do."""
        self._leaning[against.opposite] = (until, part)

    def _side(self, k: int, now: int) -> Side:
        side = Side.BUY if self._stream.uniform(k, 1) < 0.5 else Side.SELL
        until, part = self._leaning.get(side, (0, 0.0))
        if now < until and self._stream.uniform(k, 3) < part:
            return side.opposite
        return side

    def _wait(self) -> int:
        if self._settings.rate <= 0:
            return 0
        wait_s = self._stream.exponential(1.0 / self._settings.rate, self._index)
        return max(1, int(wait_s * NANOS_PER_SECOND))
