"""What all flows have in common: when they act next, what they do, what they are told.

Owns: the vocabulary between a flow and the floor it trades on.
May not know: clients, sessions, wall clocks. Times are market time in nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from venue_sims.matching.orders import Lifetime, Order

ID_SEPARATOR: Final = ":"
"""A flow's order ids are its name, this, and a number; a client's order id never holds it."""


@dataclass(slots=True)
class Enter:
    """Put this order into the book."""

    order: Order
    lifetime: Lifetime


@dataclass(slots=True)
class Withdraw:
    """Take this order out; it rests, for a flow is told of every trade."""

    order_id: str


@dataclass(slots=True)
class Reduce:
    """Leave this order with fewer shares; it rests and keeps its place."""

    order_id: str
    quantity: int


Action = Enter | Withdraw | Reduce


class Flow(Protocol):
    """Somebody who trades here without a session."""

    name: str

    def start(self, now: int) -> None:
        """Begin, or begin again, at this time; nothing of the flow rests."""

    def next_ns(self) -> int | None:
        """When `run` has to be called next."""

    def run(self, now: int) -> list[Action]:
        """Act; `now` is what `next_ns` said."""

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """One of the flow's orders traded `quantity` and has `leaves` left."""


def owner_of(order_id: str) -> str:
    """The name of the flow that an order belongs to; empty for a client's."""
    return order_id.rpartition(ID_SEPARATOR)[0]
