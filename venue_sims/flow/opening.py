"""The opening of a latent parent: what it trades before it has decided to show itself.

Owns: the slices that it takes from the first order that comes to it, so long after that order came,
and the moment at which the parent itself opens: when that order is out (venues.md 5.1).
May not know: books, clients, sessions, wall clocks. What happened before a restart is given.

Everything is anchored to the first order of the other side, not to the clock: what a router finds
does not depend on when it comes.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter
from venue_sims.flow.latent import NAME_PREFIX, OWNER, Latent, Slice
from venue_sims.matching.orders import Lifetime, Order, Peg, PegKind, Side


@dataclass(slots=True)
class Contact:
    """The first order that came to a latent parent."""

    order_id: str
    at_ns: int
    """When it came, in market time."""
    live: bool = True


class Opening:
    """The opening of `then`."""

    def __init__(self, then: Latent) -> None:
        self.name = f"{NAME_PREFIX}{then.settings.name}.opening"
        self.then = then
        self.contact: Contact | None = None
        self._slices: list[Slice] = list(then.settings.opening)
        self._not_before = 0
        self._count = 0

    @property
    def side(self) -> Side:
        """The side on which the parent trades."""
        return self.then.settings.side

    def recall(self, traded: int, contact: Contact | None) -> None:
        """Before the start: the first contact, if there was one before this process began, and
        what was traded with it. A slice that came, came once."""
        self.contact = contact
        while traded > 0 and self._slices:
            traded -= self._slices.pop(0).quantity
        if contact is not None and not contact.live:
            self.then.closed = False

    def start(self, now: int) -> None:
        """Go on; slices that were missed come at once."""
        self._not_before = now

    def next_ns(self) -> int | None:
        """The next slice, while the first order is there to take it from."""
        if self.contact is None or not self.contact.live or not self._slices:
            return None
        due = self.contact.at_ns + int(self._slices[0].at_s * NANOS_PER_SECOND)
        return max(due, self._not_before)

    def run(self, now: int) -> list[Action]:  # noqa: ARG002 - the shape of all flows
        """Take a slice."""
        self._count += 1
        order_id = f"{self.name}{ID_SEPARATOR}{self._count}"
        quantity = self._slices.pop(0).quantity
        limit = self.then.settings.limit_micros
        order = Order(
            order_id,
            self.side,
            quantity,
            limit,
            owner=OWNER,
            displayed=False,
            peg=Peg(PegKind.MIDPOINT),
        )
        return [Enter(order, Lifetime.IOC)]

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """A slice is no more than it is."""

    def entered(self, order: Order, now: int) -> None:
        """A client's order comes: the first of the other side is the contact."""
        if self.contact is None and order.side is self.side.opposite:
            self.contact = Contact(order.order_id, now)

    def left(self, order_id: str, now: int) -> None:
        """A client's order is out: when it is the contact, the parent opens."""
        if self.contact is not None and self.contact.live and self.contact.order_id == order_id:
            self.contact.live = False
            self.then.open(now)
