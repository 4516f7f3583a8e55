"""The decisions of one turn while they are being made, and what they use up.

Owns: the list, and local copies of ids, throttle tokens and displayed quantity, so that deciding
mutates nothing. May not know: why anything is decided.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.decisions import Decision
from sor_gateway.sor.market import Nbbo
from sor_gateway.sor.settings import VenueSettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import ID_DIGITS, Micros, Nanos, Shares

REPORTS_PER_DECISION: Final = 3
"""Most reports that applying one decision can cause."""


class Plan:
    """What was decided in this turn so far."""

    def __init__(self, state: RouterState, venues: dict[str, VenueSettings], now: Nanos) -> None:
        self.now: Final = now
        self.decisions: Final[list[Decision]] = []
        self.nbbos: Final[dict[str, Nbbo]] = {}
        self.taken: Final[dict[tuple[str, str, bool, Micros], Shares]] = {}
        """Displayed quantity that children of this turn go for."""
        self.unsent: Final[dict[str, Shares]] = {}
        """Parents that decisions of this turn are about already, and what of them may be executed
        between our own clients beside these."""
        self.asked_all: Final[dict[str, None]] = {}
        """Venues that are asked for all orders in this turn."""
        self._state: Final = state
        self._venues: Final = venues
        self._spent: Final[dict[str, int]] = {}
        self._orders = state.ids.orders

    def add(self, decision: Decision) -> None:
        """Write a decision down."""
        self.decisions.append(decision)

    def next_id(self, prefix: str) -> str:
        """The id of the next child, cancel or status request."""
        self._orders += 1
        return prefix + str(self._orders).zfill(ID_DIGITS)

    @property
    def ids_left(self) -> int:
        """Ids left once all that is written down has been applied, at worst."""
        ids = self._state.ids
        reports = ids.reports + REPORTS_PER_DECISION * len(self.decisions)
        return ids.reserved_through - max(self._orders, reports)

    def order_tokens(self, venue: str) -> int:
        """New orders that may leave for a venue; the reserve for cancels is kept."""
        left = self.tokens(venue) - self._venues[venue].cancel_reserve
        if self._state.venues[venue].is_trying:
            left = min(left, 1 - self._spent.get(venue, 0))
        return left

    def tokens(self, venue: str) -> int:
        """Messages of any kind that may leave for a venue."""
        state = self._state.venues[venue]
        return state.tokens(self._venues[venue], self.now) - self._spent.get(venue, 0)

    def spend(self, venue: str) -> None:
        """A message is written down for a venue."""
        self._spent[venue] = self._spent.get(venue, 0) + 1
