"""House quotes: the displayed liquidity of a lit venue that is nobody's in particular.

Owns: which levels the house shows, how much at each, and how soon consumed size comes back: the
local impact of an order and the resilience of the book (venues.md 4.4).
May not know: clients, sessions, wall clocks.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter, Reduce, Withdraw
from venue_sims.flow.market_path import Quote
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Lifetime, Order, Side, reaches

MAX_LOTS: Final = 50
"""Largest size of a level: the tail of a lognormal has no end, a house has."""


@dataclass(slots=True)
class HouseSettings:
    """How the house quotes."""

    levels: int = 10
    lot: int = 100
    min_size: int = 0
    """No level is smaller, in shares."""
    median_lots: float = 5.0
    sigma_lots: float = 0.8
    refill_s: float = 2.0
    """Mean time until consumed size is back."""


@dataclass(slots=True)
class _Level:
    """The house's orders at one price: id and what is left of each."""

    orders: dict[str, int] = field(default_factory=dict)


class HouseQuotes:
    """The house at one venue in one symbol. `quote` gives the venue's quote in a slot,
    `holds_until` the next slot in which it may be another."""

    def __init__(
        self,
        stream: Stream,
        settings: HouseSettings,
        quote: Callable[[int], Quote],
        holds_until: Callable[[int], int],
        slot_ns: int,
        tick_micros: int,
    ) -> None:
        self.name = "house"
        self._stream = stream
        self._settings = settings
        self._quote = quote
        self._holds_until = holds_until
        self._slot_ns = slot_ns
        self._tick = tick_micros
        self._slot = 0
        self._shown: Quote | None = None
        self._levels: dict[tuple[Side, int], _Level] = {}
        self._where: dict[str, tuple[Side, int]] = {}
        self._refills: list[tuple[int, int, Side, int, int]] = []
        self._count = 0

    def start(self, now: int) -> None:
        """Begin with fresh levels in the slot of `now`."""
        self._slot = now // self._slot_ns
        self._shown = None
        self._levels.clear()
        self._where.clear()
        self._refills.clear()

    def next_ns(self) -> int | None:
        """The next change of the quote or the next refill."""
        slot_at = self._slot * self._slot_ns
        return min(slot_at, self._refills[0][0]) if self._refills else slot_at

    def run(self, now: int) -> list[Action]:
        """Follow the quote, or put consumed size back."""
        if self._refills and self._refills[0][0] <= now:
            return self._refill()
        slot, self._slot = self._slot, self._holds_until(self._slot)
        quote = self._quote(slot)
        if quote == self._shown:
            return []
        self._shown = quote
        return self._follow(quote, slot)

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """Size was consumed: it comes back after an exponential time, if its price still stands."""
        side, price = self._where[order_id]
        level = self._levels[side, price]
        if leaves:
            level.orders[order_id] = leaves
        else:
            del level.orders[order_id]
            del self._where[order_id]
        self._comes_back(side, price, quantity, now)

    def fade(self, order: Order, part: float, now: int) -> list[Action]:
        """Take back this part of every level that an order would reach, newest orders first; it
        comes back as consumed size does."""
        side, wanted = order.side.opposite, order.quantity
        reached = [
            price
            for at, price in self._levels
            if at is side and reaches(order.side, order.price, price)
        ]
        actions: list[Action] = []
        for price in sorted(reached, reverse=side is Side.BUY):
            shown = sum(self._levels[side, price].orders.values())
            actions += self._take_back(side, price, round(shown * part), now)
            wanted -= shown
            if wanted <= 0:
                break
        return actions

    def _take_back(self, side: Side, price: int, quantity: int, now: int) -> list[Action]:
        orders, left = self._levels[side, price].orders, quantity
        actions: list[Action] = []
        for order_id in reversed(list(orders)):
            if not left:
                break
            taken = min(left, orders[order_id])
            left -= taken
            orders[order_id] -= taken
            if orders[order_id]:
                actions.append(Reduce(order_id, orders[order_id]))
            else:
                del orders[order_id]
                del self._where[order_id]
                actions.append(Withdraw(order_id))
        if quantity:
            self._comes_back(side, price, quantity, now)
        return actions

    def _comes_back(self, side: Side, price: int, quantity: int, now: int) -> None:
        # Counted by when and where, not by how often: what is consumed shifts no other draw.
        wait_s = self._stream.exponential(
            self._settings.refill_s, now // self._slot_ns, price // self._tick
        )
        self._count += 1
        due = now + max(1, int(wait_s * NANOS_PER_SECOND))
        heapq.heappush(self._refills, (due, self._count, side, price, quantity))

    def _follow(self, quote: Quote, slot: int) -> list[Action]:
        """Withdraw what stands at prices left behind, then show the missing levels."""
        steps = range(self._settings.levels)
        wanted = [(Side.BUY, quote.bid - step * self._tick) for step in steps]
        wanted += [(Side.SELL, quote.ask + step * self._tick) for step in steps]
        wanted = [key for key in wanted if key[1] > 0]
        standing = set(wanted)
        actions: list[Action] = []
        for key in [key for key in self._levels if key not in standing]:
            for order_id in self._levels.pop(key).orders:
                del self._where[order_id]
                actions.append(Withdraw(order_id))
        for side, price in wanted:
            if (side, price) not in self._levels:
                self._levels[side, price] = _Level()
                actions.append(self._show(side, price, self._size(side, price, slot)))
        return actions

    def _size(self, side: Side, price: int, slot: int) -> int:
        settings = self._settings
        sub = 2 * (price // self._tick) + (side is Side.BUY)
        lots = math.ceil(
            self._stream.lognormal(
                math.log(settings.median_lots), settings.sigma_lots, slot, sub << 1
            )
        )
        return max(settings.min_size, settings.lot * min(lots, MAX_LOTS))

    def _refill(self) -> list[Action]:
        _, _, side, price, quantity = heapq.heappop(self._refills)
        if (side, price) not in self._levels:
            return []
        return [self._show(side, price, quantity)]

    def _show(self, side: Side, price: int, quantity: int) -> Enter:
        self._count += 1
        order_id = f"{self.name}{ID_SEPARATOR}{self._count}"
        self._where[order_id] = (side, price)
        self._levels[side, price].orders[order_id] = quantity
        return Enter(Order(order_id, side, quantity, price), Lifetime.DAY)
