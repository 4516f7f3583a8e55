"""Rules of trading that are plain arithmetic.

Owns: price increments, lots, collars, the prices of pegs and of orders that a signal moves, replace
priority. Pure functions.
May not know: books, sessions, symbols.

All prices are whole micros. A tick is a multiple of four of them (the configuration says so), so
half ticks (midpoints) and quarter ticks (a price improvement that is split) are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from venue_sims.matching.orders import Order, PegKind, Side

PPM: Final = 1_000_000
TICK_PARTS: Final = 4
"""Into how many equal parts a tick can be cut."""
DOLLAR: Final = 1_000_000
ROUND_LOTS: Final = ((250 * DOLLAR, 100), (1_000 * DOLLAR, 40), (10_000 * DOLLAR, 10))
"""Up to which price a round lot is how many shares; above the last it is one."""


class SelfMatch(StrEnum):
    """Who goes when two orders of one owner would trade."""

    NEWEST = "newest"
    """The order that arrives."""
    OLDEST = "oldest"
    """The order that rests."""
    BOTH = "both"
    DECREMENT = "decrement"
    """Both lose the shares of the smaller one."""


@dataclass(slots=True)
class Reference:
    """The national best bid and offer, in micros, and whether a side of it is about to go. The
    start value is that of a market which is not there."""

    bid: int | None = None
    ask: int | None = None
    bid_unstable: bool = False
    ask_unstable: bool = False

    @property
    def regular(self) -> bool:
        """Whether both sides are there, neither locked nor crossed."""
        return self.bid is not None and self.ask is not None and self.bid < self.ask

    def near(self, side: Side) -> int | None:
        """The best price of a side."""
        return self.bid if side is Side.BUY else self.ask

    def unstable(self, side: Side) -> bool:
        """Whether the best price of a side is about to go."""
        return self.bid_unstable if side is Side.BUY else self.ask_unstable

    def protected(self, side: Side) -> int | None:
        """The price that an order of this side must not trade through. A crossed market protects
        nobody."""
        if self.bid is not None and self.ask is not None and self.bid > self.ask:
            return None
        return self.near(side.opposite)


def on_tick(price: int, tick: int) -> bool:
    """Whether a price is a whole number of ticks."""
    return price % tick == 0


def round_lot(price: int) -> int:
    """Shares of a round lot at this price (in force since 3 November 2025)."""
    return next((shares for bound, shares in ROUND_LOTS if price <= bound), 1)


def collar(side: Side, touch: int, collar_ppm: int) -> int:
    """The worst price that a market order takes: `collar_ppm` parts per million beyond the best
    price of the other side, rounded towards it."""
    distance = touch * collar_ppm // PPM
    return touch + distance if side is Side.BUY else touch - distance


def tighter(side: Side, one: int, other: int) -> int:
    """Of two limits the one that allows less."""
    return min(one, other) if side is Side.BUY else max(one, other)


def outside(side: Side, price: int, tick: int) -> int:
    """The first whole tick at which an order of this side is worse than `price`."""
    return (price - 1) // tick * tick if side is Side.BUY else (price // tick + 1) * tick


def midpoint(bid: int | None, ask: int | None) -> int | None:
    """The middle of a market; None when a side is absent or the market is locked or crossed."""
    if bid is None or ask is None or bid >= ask:
        return None
    return (bid + ask) // 2


def peg_price(order: Order, reference: Reference, tick: int) -> int | None:
    """Where a pegged order stands now, no better than its limit. None: it waits, because the market
    is absent, locked or crossed, or because the price would not be positive."""
    peg, bid, ask = order.peg, reference.bid, reference.ask
    assert peg is not None
    if bid is None or ask is None or bid >= ask:
        return None
    buys = order.side is Side.BUY
    if peg.kind is PegKind.DISCRETIONARY and reference.unstable(order.side):
        price = outside(order.side, bid if buys else ask, tick)
    elif peg.kind in (PegKind.MIDPOINT, PegKind.DISCRETIONARY):
        price = (bid + ask) // 2
    elif peg.kind is PegKind.PRIMARY:
        price = bid if buys else ask
    else:
        price = ask if buys else bid
    price += peg.offset
    if order.price is not None:
        price = tighter(order.side, price, order.price)
    return price if price > 0 else None


def sheltered(order: Order, reference: Reference, tick: int) -> int | None:
    """Where a D-Limit order goes: one tick outside its own side's best price, if that crumbles and
    the order is at it or better. None: it stays."""
    near = reference.near(order.side)
    if near is None or not reference.unstable(order.side):
        return None
    assert order.price is not None
    worse = order.price < near if order.side is Side.BUY else order.price > near
    return None if worse else outside(order.side, near, tick)


def keeps_priority(old: Order, new: Order) -> bool:
    """A pure decrease keeps its place; whatever else changes, and more shares, go to the back."""
    return (
        new.quantity <= old.quantity
        and new.price == old.price
        and new.displayed == old.displayed
        and new.max_floor == old.max_floor
        and new.peg == old.peg
        and new.manner is old.manner
        and new.min_qty == old.min_qty
        and new.min_qty_mode is old.min_qty_mode
    )


def min_qty_of(min_qty: int, leaves: int) -> int:
    """The MinQty that still binds: once fewer shares are left than it says, it is those."""
    return min(min_qty, leaves)
