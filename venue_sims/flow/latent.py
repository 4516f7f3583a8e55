"""Latent parents: a large natural buyer or seller who rests in the dark and never shows it all.

Owns: how much of the reserve rests now, and when it is topped up (venues.md 5.1).
May not know: books, clients, sessions, wall clocks. What was traded before a restart is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter, Withdraw
from venue_sims.matching.orders import Lifetime, Order, Peg, PegKind, Side

OWNER = "latent\x01"
"""Latent parents never trade with each other: that would only move scenery. No client can send this
as its SelfMatchID: it holds the delimiter of FIX."""
NAME_PREFIX = "latent-"
"""How the names of these flows begin: what they trade is remembered over restarts."""


@dataclass(slots=True)
class Slice:
    """What a latent parent takes from the first order that comes to it."""

    at_s: float
    """Market seconds after that order came."""
    quantity: int


@dataclass(slots=True)
class LatentSettings:
    """One latent parent."""

    name: str
    symbol: str
    side: Side
    reserve: int
    """All it wants to trade."""
    show0: int
    """What it rests while the reserve is whole."""
    refill_s: float = 40.0
    """How long after a trade it tops up what rests."""
    gamma: float = 0.7
    """How fast what it rests declines with the reserve; 1 is in proportion."""
    min_show: int = 300
    min_qty: int = 0
    limit_micros: int | None = None
    renew_s: float = 0.0
    """How long after it is done the next one like it comes; 0: never."""
    opening: tuple[Slice, ...] = ()
    """Besides the reserve, before it: with these the parent shows itself only when the first order
    that came to it is out (opening.py)."""


def shown(settings: LatentSettings, remaining: int) -> int:
    """How much rests when this much remains (venues.md 5.1), in whole hundreds while it lasts."""
    part = settings.show0 * math.pow(remaining / settings.reserve, settings.gamma)
    hundreds = math.floor(part / 100 + 0.5) * 100
    return min(remaining, max(settings.min_show, hundreds))


def remaining_of(settings: LatentSettings, traded: int) -> int:
    """What remains after this much was traded in all; a renewed parent starts over."""
    if settings.renew_s:
        return settings.reserve - traded % settings.reserve
    return max(0, settings.reserve - traded)


class Latent:
    """One latent parent at work."""

    def __init__(self, settings: LatentSettings) -> None:
        self.name = f"{NAME_PREFIX}{settings.name}"
        self.settings = settings
        self.remaining = settings.reserve
        self.resting = 0
        self.closed = bool(settings.opening)
        """Whether it waits for its opening to be over."""
        self._order_id = ""
        self._next: int | None = None
        self._count = 0

    def recall(self, traded: int) -> None:
        """Before the start: all that it traded before this process began."""
        self.remaining = remaining_of(self.settings, traded)

    def start(self, now: int) -> None:
        """Show itself at once, or when it opens."""
        self.resting = 0
        self._next = now if self.remaining and not self.closed else None

    def open(self, now: int) -> None:
        """The opening is over: show itself."""
        self.closed = False
        self._next = now if self.remaining else None

    def next_ns(self) -> int | None:
        """The next top-up."""
        return self._next

    def run(self, now: int) -> list[Action]:  # noqa: ARG002 - the shape of all flows
        """Rest what is to be shown now, in place of what is left of the last order."""
        self._next = None
        actions: list[Action] = [Withdraw(self._order_id)] if self.resting else []
        if self.remaining == 0:
            self.remaining = self.settings.reserve
        self._count += 1
        self._order_id = f"{self.name}{ID_SEPARATOR}{self._count}"
        self.resting = shown(self.settings, self.remaining)
        order = Order(
            self._order_id,
            self.settings.side,
            self.resting,
            self.settings.limit_micros,
            owner=OWNER,
            displayed=False,
            min_qty=self.settings.min_qty,
            peg=Peg(PegKind.MIDPOINT),
        )
        actions.append(Enter(order, Lifetime.DAY))
        return actions

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:  # noqa: ARG002
        """Some of it is done; the rest is topped up later."""
        self.remaining -= quantity
        self.resting = leaves
        if self.remaining == 0:
            renew_s = self.settings.renew_s
            self._next = now + int(renew_s * NANOS_PER_SECOND) if renew_s else None
        elif self._next is None:
            self._next = now + int(self.settings.refill_s * NANOS_PER_SECOND)
