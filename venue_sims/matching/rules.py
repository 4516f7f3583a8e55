"""Rules of trading that are plain arithmetic.

Owns: price increments, collars, midpoints, replace priority. Pure functions.
May not know: books, sessions, symbols.
"""

from __future__ import annotations

from typing import Final

from venue_sims.matching.orders import Side

PPM: Final = 1_000_000


def on_tick(price: int, tick: int) -> bool:
    """Whether a price is a whole number of ticks."""
    return price % tick == 0


def collar(side: Side, touch: int, collar_ppm: int) -> int:
    """The worst price that a market order takes: `collar_ppm` parts per million beyond the best
    price of the other side, rounded towards it."""
    distance = touch * collar_ppm // PPM
    return touch + distance if side is Side.BUY else touch - distance


def midpoint(bid: int | None, ask: int | None) -> int | None:
    """The middle of a market; None when a side is absent or the market is locked or crossed.

    Exact: quotes are whole ticks and a tick is an even number of micros.
    """
    if bid is None or ask is None or bid >= ask:
        return None
    return (bid + ask) // 2


def keeps_priority(
    old_price: int | None, new_price: int | None, old_leaves: int, new_leaves: int
) -> bool:
    """A pure decrease keeps its place; a new price or more shares go to the back."""
    return new_price == old_price and new_leaves <= old_leaves


def min_qty_of(min_qty: int, leaves: int) -> int:
    """The MinQty that still binds: once fewer shares are left than it says, it is those."""
    return min(min_qty, leaves)
