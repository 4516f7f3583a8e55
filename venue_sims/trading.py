"""Trading: what follows when orders meet the floors of a venue.

Owns: the floors and when each acts next; turning what a matcher says into facts, with their fees
and the time at which their report leaves.
May not know: commands and what is refused, FIX, sockets, the clock, the journal.
"""

from __future__ import annotations

from typing import Final

from venue_sims.agenda import NEVER, Agenda
from venue_sims.commands import Command, Terms
from venue_sims.facts import Executed, LatentTraded, OrderCanceled, VenueFact
from venue_sims.fees import FeeSchedule
from venue_sims.floor import Floor
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.flows import owner_of
from venue_sims.flow.latent import NAME_PREFIX
from venue_sims.kinds import Kind
from venue_sims.latency import Latency
from venue_sims.matching.events import Cause, Dropped, Event, Traded
from venue_sims.matching.orders import Manner, Order, Side
from venue_sims.state import VenueOrder, VenueState
from venue_sims.words import Capacity, Liquidity

_DROPPED: Final = {
    Cause.IMMEDIATE: "N: the rest could not trade at once",
    Cause.COLLAR: "N: nothing left within the collar",
    Cause.SELF_MATCH: "V: would have traded with an order of the same SelfMatchID",
}


def side_of(capacity: Capacity) -> Side:
    """The side on which an order matches."""
    return Side.BUY if capacity is Capacity.BUY else Side.SELL


def to_match(order_id: str, terms: Terms, quantity: int) -> Order:
    """A client's order as a matcher sees it."""
    return Order(
        order_id,
        side_of(terms.capacity),
        quantity,
        terms.price,
        terms.self_match_id,
        displayed=not terms.hidden,
        min_qty=terms.min_qty,
        min_qty_mode=terms.min_qty_mode,
        manner=Manner.POST_ONLY if terms.post_only else Manner.PLAIN,
    )


class Trading:
    """See the module. What happened gathers in `facts`, symbols whose displayed book may differ in
    `changed`, until somebody takes them."""

    def __init__(
        self,
        kind: Kind,
        clock: MarketClock,
        floors: dict[str, Floor],
        fees: FeeSchedule,
        latency: Latency,
        state: VenueState,
    ) -> None:
        self.kind = kind
        self.clock = clock
        self.floors = floors
        self.fees = fees
        self.latency = latency
        self.state = state
        self.facts: list[Command | VenueFact] = []
        self.changed: dict[str, None] = {}
        self.agenda = Agenda()

    def plan(self, symbol: str, floor: Floor) -> None:
        """A floor may act at another time now."""
        at = floor.next_ns()
        self.agenda.plan(symbol, NEVER if at is None else self.clock.wall(at))

    def refer(self, symbol: str, now: int) -> Floor:
        """The floor of a symbol, its reference brought up to date: what trades by that, trades
        before the message that is about to be dealt with."""
        floor = self.floors[symbol]
        self.book(symbol, floor.refer(self.clock.market(now)), now)
        self.plan(symbol, floor)
        return floor

    def cancel(self, order: VenueOrder, now: int) -> None:
        """A client's order leaves its book; the caller says so to the client."""
        symbol = order.terms.symbol
        self.floors[symbol].cancel(order.order_id, self.clock.market(now))
        self.changed[symbol] = None
        self.plan(symbol, self.floors[symbol])

    def book(self, symbol: str, events: list[Event], now: int) -> None:
        """Turn what a matcher says into facts about clients and latent parents."""
        if events:
            self.changed[symbol] = None
        for event in events:
            if isinstance(event, Traded):
                self._executed(event.resting_id, event, resting=True, now=now)
                self._executed(event.incoming_id, event, resting=False, now=now)
            elif isinstance(event, Dropped) and not owner_of(event.order_id):
                session = self.state.orders[event.order_id].session
                leaves_at = self.leaves_at(session, now)
                text = _DROPPED[event.cause]
                self.fact(OrderCanceled(now, leaves_at, event.order_id, text))

    def _executed(self, order_id: str, event: Traded, *, resting: bool, now: int) -> None:
        owner = owner_of(order_id)
        if owner:
            if owner.startswith(NAME_PREFIX):
                self.fact(LatentTraded(now, owner, event.quantity))
            return
        if self.kind.dark:
            liquidity = Liquidity.MIDPOINT
        else:
            liquidity = Liquidity.ADDED if resting else Liquidity.REMOVED
        session = self.state.orders[order_id].session
        self.fact(
            Executed(
                now,
                self.leaves_at(session, now),
                order_id,
                self.state.next_exec_id(now),
                event.quantity,
                event.price,
                liquidity,
                self.fees.fee(liquidity, event.quantity, event.price),
            )
        )

    def leaves_at(self, session: str, now: int) -> int:
        """When the next report of a session leaves: never before the one ahead of it."""
        client = self.state.client(session)
        delay = self.latency.outbound(session, client.reported)
        return max(client.last_out_ns, now + delay)

    def fact(self, fact: Command | VenueFact) -> None:
        """Something happened: it is remembered, and kept for the journal."""
        self.state.apply(fact)
        self.facts.append(fact)
