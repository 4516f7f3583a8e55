"""What a matcher says happened, in order: the values its methods return.

Owns: the vocabulary between matchers and the venue.
May not know: sessions, symbols, clocks, fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why shares left a matcher, or never came in, without a trade."""

    REQUESTED = "requested"
    IMMEDIATE = "immediate"
    """What an IOC or FOK order could not trade at once."""
    COLLAR = "collar"
    """What a market order could not trade within its collar."""
    SELF_MATCH = "self-match"
    POST_ONLY = "post-only"
    """What would have taken although it must not, or stands where it does not."""
    TRADE_THROUGH = "trade-through"
    """What could have traded only through a better price elsewhere."""
    SIGNAL = "signal"
    """The quote crumbles (matching/signal.py)."""


@dataclass(slots=True)
class Traded:
    """Two orders traded, at the resting order's price or at the midpoint."""

    resting_id: str
    incoming_id: str
    price: int
    quantity: int
    resting_leaves: int
    incoming_leaves: int


@dataclass(slots=True)
class Rested:
    """What is left of an order now rests."""

    order_id: str
    quantity: int


@dataclass(slots=True)
class Dropped:
    """The rest of an order is out."""

    order_id: str
    quantity: int
    cause: Cause


@dataclass(slots=True)
class Amended:
    """An order has new terms; its trades follow."""

    order_id: str
    quantity: int
    kept_priority: bool


@dataclass(slots=True)
class Restated:
    """The venue changed a live order by itself: its price, or how many shares are left."""

    order_id: str
    quantity: int
    price: int | None
    cause: Cause


@dataclass(slots=True)
class Invited:
    """A conditional order could trade: it is out, and its sender may send a firm one. The price is
    the midpoint; the quantity is the order's own, so it tells nothing of the other side."""

    order_id: str
    quantity: int
    price: int


Event = Traded | Rested | Dropped | Amended | Restated | Invited
