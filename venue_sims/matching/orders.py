"""An order as a matcher sees it: an id, a side, how many shares, how bad a price may be.

Owns: the words of matching. Prices are integers in micros, quantities whole shares.
May not know: sessions, symbols, clocks, client order ids, who is a client and who is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The side that this one trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Lifetime(StrEnum):
    """What happens to the shares that do not trade on arrival."""

    DAY = "day"
    """They rest."""
    IOC = "ioc"
    """They are dropped."""
    FOK = "fok"
    """All trade at once or none does."""


class MinQtyMode(StrEnum):
    """What MinQty means for an order that arrives (venues.md 1.1). Of a resting order every single
    contra must satisfy it in both modes."""

    COMPOSITE = "composite"
    """The sum over all contras has to reach it."""
    MINIMUM_EXECUTION = "minimum-execution"
    """Every single contra has to reach it."""


@dataclass(slots=True)
class Order:
    """One order. The matcher that holds it changes `quantity` and `sequence`, nobody else does."""

    order_id: str
    side: Side
    quantity: int
    """Shares not yet traded."""
    price: int | None = None
    """The worst price it takes; None: any (a market order, a peg without a limit)."""
    owner: str = ""
    """Orders with the same owner, if it is not empty, never trade with each other."""
    displayed: bool = True
    min_qty: int = 0
    min_qty_mode: MinQtyMode = MinQtyMode.COMPOSITE
    tier: int = 0
    """Lower goes first at the same price, where a matcher has tiers."""
    sequence: int = 0
    """Time priority within the matcher: lower goes first."""


def reaches(side: Side, limit: int | None, price: int) -> bool:
    """Whether an order of this side and limit may trade at `price`."""
    if limit is None:
        return True
    return price <= limit if side is Side.BUY else price >= limit
