"""Fade: part of what was displayed is gone when a taker arrives (venues.md 3, F20).

Owns: whether it happens to an order, and how much of the house goes.
May not know: books, clients, sessions, wall clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.flow.flows import Action
from venue_sims.flow.house_quotes import HouseQuotes
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Order


@dataclass(slots=True)
class FadeSettings:
    """How often, and how much."""

    p: float = 0.0
    """Probability that the house fades before an order that would take from it."""
    frac: float = 0.5
    """Part of the shares, at every level that the order would reach."""


class Fade:
    """The fading of one house."""

    def __init__(self, stream: Stream, settings: FadeSettings, house: HouseQuotes) -> None:
        self.settings = settings
        self.times = 0
        """How often it took something back since the venue opened."""
        self._stream = stream
        self._house = house

    def before(self, order: Order, now: int) -> list[Action]:
        """What the house takes back before a client's order meets the book. Drawn by the time at
        which the order comes, not by how many came before."""
        if self._stream.uniform(now) >= self.settings.p:
            return []
        actions = self._house.fade(order, self.settings.frac, now)
        self.times += bool(actions)
        return actions
