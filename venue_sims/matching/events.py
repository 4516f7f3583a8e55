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


Event = Traded | Rested | Dropped | Amended
