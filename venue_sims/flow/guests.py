"""Guests: orders that an operator sends in, on nobody's behalf.

Owns: their ids.
May not know: clients, sessions, clocks, why somebody sends them.

They rest like any other and leave with the flows, when trading stops and when the venue starts.
"""

from __future__ import annotations

from typing import Final

from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter
from venue_sims.matching.orders import Lifetime, Order, Side

NAME: Final = "guest"


class Guests:
    """A flow that never acts by itself."""

    def __init__(self) -> None:
        self.name = NAME
        self._count = 0

    def start(self, now: int) -> None:
        """Nobody comes."""

    def next_ns(self) -> int | None:
        """Never."""
        return None

    def run(self, now: int) -> list[Action]:  # noqa: ARG002 - the shape of all flows
        """Nobody comes."""
        return []

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """A guest does not mind."""

    def comes(self, side: Side, quantity: int, price: int | None) -> Enter:
        """The next one; without a price a market order."""
        self._count += 1
        order_id = f"{self.name}{ID_SEPARATOR}{self._count}"
        lifetime = Lifetime.IOC if price is None else Lifetime.DAY
        return Enter(Order(order_id, side, quantity, price), lifetime)
