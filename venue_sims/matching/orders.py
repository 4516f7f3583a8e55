"""An order as a matcher sees it: an id, a side, how many shares, how bad a price may be.

Owns: the words of matching. Prices are integers in micros, quantities whole shares.
May not know: sessions, symbols, clocks, client order ids, who is a client and who is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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


class Manner(StrEnum):
    """How an order behaves, besides price and time. An order has one: no two go together."""

    PLAIN = "plain"
    POST_ONLY = "post-only"
    """It never takes."""
    ISO = "iso"
    """Its sender has taken care of better prices elsewhere: no trade-through check."""
    CONDITIONAL = "conditional"
    """It never trades: who could trade with it makes the venue invite a firm order."""
    D_LIMIT = "d-limit"
    """While the quote crumbles it steps one tick outside."""
    D_LIMIT_OR_CANCEL = "d-limit-or-cancel"
    """While the quote crumbles it goes."""


D_LIMITS: Final = (Manner.D_LIMIT, Manner.D_LIMIT_OR_CANCEL)


class PegKind(StrEnum):
    """To what a pegged order's price is tied."""

    MIDPOINT = "midpoint"
    PRIMARY = "primary"
    """The best price of its own side."""
    MARKET = "market"
    """The best price of the other side."""
    DISCRETIONARY = "discretionary"
    """The midpoint, and one tick outside its own side's best price while that crumbles."""


@dataclass(slots=True)
class Peg:
    """A peg and its offset: micros, added to the price as they are (FIX 211)."""

    kind: PegKind
    offset: int = 0


@dataclass(slots=True)
class Order:
    """One order. The matcher that holds it changes `quantity`, `price` (a slide, a signal) and what
    stands below `max_floor`; nobody else does."""

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
    manner: Manner = Manner.PLAIN
    peg: Peg | None = None
    """Pegged orders are never displayed."""
    max_floor: int = 0
    """Shares shown at a time, the rest in reserve; 0: no reserve."""
    shown: int = 0
    """Of an order with a reserve: shares displayed now."""
    working: int | None = None
    """The price at which it rests now; None: it does not, or it is a peg that waits."""
    sequence: int = 0
    """Time priority within the matcher: lower goes first."""


def reaches(side: Side, limit: int | None, price: int) -> bool:
    """Whether an order of this side and limit may trade at `price`."""
    if limit is None:
        return True
    return price <= limit if side is Side.BUY else price >= limit
