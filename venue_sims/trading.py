"""Trading: what follows when orders meet the floors of a venue.

Owns: the floors and when each acts next; turning what a matcher says into facts, with their fees
and the time at which their report leaves.
May not know: commands and what is refused, FIX, sockets, the clock, the journal.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from venue_sims import facts
from venue_sims.agenda import NEVER, Agenda
from venue_sims.commands import Command, Terms
from venue_sims.facts import Executed, LatentTraded, OrderCanceled, VenueFact
from venue_sims.faults.facts import FaultFact, MemoryLost
from venue_sims.fees import FeeSchedule
from venue_sims.floor import Floor
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.flows import owner_of
from venue_sims.flow.latent import NAME_PREFIX
from venue_sims.kinds import Kind
from venue_sims.latency import Latency
from venue_sims.matching.events import (
    Amended,
    Cause,
    Dropped,
    Event,
    Invited,
    Restated,
    Rested,
    Traded,
)
from venue_sims.matching.invitations import InvitationSettings
from venue_sims.matching.orders import Order, Peg, Side
from venue_sims.state import VenueOrder, VenueState
from venue_sims.words import PEG_KINDS, Capacity, Liquidity, Restatement, State

if TYPE_CHECKING:
    from venue_sims.faults.fault import FactFault, FeeFault
    from venue_sims.faults.line import LineAction

_DROPPED: Final = {
    Cause.IMMEDIATE: "N: the rest could not trade at once",
    Cause.COLLAR: "N: nothing left within the collar",
    Cause.SELF_MATCH: "V: would have traded with an order of the same SelfMatchID",
    Cause.POST_ONLY: "W: post-only order would trade",
    Cause.TRADE_THROUGH: "T: the rest would trade through the NBBO",
    Cause.SIGNAL: "C: the quote is about to go",
}
_RESTATED: Final = {
    Cause.SELF_MATCH: (
        Restatement.DECLINED,
        "V: less by an order of the same SelfMatchID",
    ),
    Cause.POST_ONLY: (Restatement.REPRICED, "W: one tick away from what it would have taken"),
    Cause.SIGNAL: (Restatement.REPRICED, "C: one tick away from a quote that is about to go"),
}


PRINTS_MAX: Final = 10_000


def side_of(capacity: Capacity) -> Side:
    """The side on which an order matches."""
    return Side.BUY if capacity is Capacity.BUY else Side.SELL


def to_match(order_id: str, terms: Terms, quantity: int, tier: int) -> Order:
    """A client's order as a matcher sees it."""
    peg = PEG_KINDS.get(terms.ord_type)
    return Order(
        order_id,
        side_of(terms.capacity),
        quantity,
        terms.price,
        terms.self_match_id,
        displayed=not terms.hidden and peg is None,
        min_qty=terms.min_qty,
        min_qty_mode=terms.min_qty_mode,
        tier=tier,
        manner=terms.manner,
        peg=None if peg is None else Peg(peg, terms.peg_offset),
        max_floor=terms.max_floor,
    )


@dataclass(slots=True)
class Print:
    """A trade as everybody may see it, at a wall time."""

    symbol: str
    price: int
    quantity: int
    at_ns: int


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
        tiers: dict[str, int] | None = None,
        invitations: InvitationSettings | None = None,
    ) -> None:
        self.tiers = tiers or {}
        """The tier of each session that has one; the others are of tier 0."""
        self.invitations = invitations or InvitationSettings()
        self.observers: list[FactFault[Any]] = []
        """Faults that see what happens."""
        self.surcharges: list[FeeFault[Any]] = []
        """Faults that charge what the schedule does not say."""
        self.line_actions: list[LineAction] = []
        """What is to be done to lines when the turn is written down."""
        self.death: MemoryLost | None = None
        """How the venue is to die then."""
        self.kind = kind
        self.clock = clock
        self.floors = floors
        self.fees = fees
        self.latency = latency
        self.state = state
        self.facts: list[Command | VenueFact | FaultFact] = []
        self.changed: dict[str, None] = {}
        self.prints: deque[Print] = deque(maxlen=PRINTS_MAX)
        """Trades since somebody took them, oldest first; the oldest go if nobody does."""
        self.agenda = Agenda()

    def to_match(self, order_id: str, terms: Terms, quantity: int, session: str) -> Order:
        """A client's order as the matchers here see it."""
        return to_match(order_id, terms, quantity, self.tiers.get(session, 0))

    def plan(self, symbol: str, floor: Floor) -> None:
        """A floor may act at another time now; nothing happens on a floor that does not trade."""
        at = floor.next_ns() if self.state.trades(symbol) else None
        self.agenda.plan(symbol, NEVER if at is None else self.clock.wall(at))

    def open(self, symbol: str, now: int) -> None:
        """The flows of a floor begin, or begin again; not while it does not trade."""
        if not self.state.trades(symbol):
            return
        floor = self.floors[symbol]
        self.book(symbol, floor.start(self.clock.market(now)), now)
        self.changed[symbol] = None
        self.plan(symbol, floor)

    def close(self, symbol: str) -> None:
        """The flows of a floor leave; clients' orders stay."""
        self.floors[symbol].clear()
        self.changed[symbol] = None
        self.plan(symbol, self.floors[symbol])

    def guest(self, symbol: str, side: Side, quantity: int, price: int | None, now: int) -> None:
        """An order of nobody's comes, if the symbol trades."""
        if self.state.trades(symbol):
            floor = self.floors[symbol]
            self.book(symbol, floor.guest(side, quantity, price, self.clock.market(now)), now)
            self.plan(symbol, floor)

    def refer(self, symbol: str, now: int) -> Floor:
        """The floor of a symbol, its reference brought up to date: what trades by that, trades
        before the message that is about to be dealt with."""
        floor = self.floors[symbol]
        if not self.state.trades(symbol):
            return floor
        events = floor.refer(self.clock.market(now))
        if events or floor.matcher.watchful:
            self.book(symbol, events, now)
            self.plan(symbol, floor)
        return floor

    def cancel(self, order: VenueOrder, now: int) -> None:
        """A client's order leaves its book; the caller says so to the client."""
        if order.state is State.PENDING_NEW:
            return  # known, and not in the book
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
                self.prints.append(Print(symbol, event.price, event.quantity, now))
                self._executed(event.resting_id, event, resting=True, now=now)
                self._executed(event.incoming_id, event, resting=False, now=now)
            elif isinstance(event, Rested | Amended) or owner_of(event.order_id):
                continue
            elif isinstance(event, Dropped):
                leaves_at = self._report_at(event.order_id, now)
                text = _DROPPED[event.cause]
                self.fact(OrderCanceled(now, leaves_at, event.order_id, text))
            elif isinstance(event, Restated):
                self._restated(event, now)
            else:
                self._invited(event, now)

    def _restated(self, event: Restated, now: int) -> None:
        restatement, text = _RESTATED[event.cause]
        self.fact(
            facts.Restated(
                now,
                self._report_at(event.order_id, now),
                event.order_id,
                event.quantity,
                event.price,
                restatement,
                text,
            )
        )

    def _invited(self, event: Invited, now: int) -> None:
        # An order is invited once at most, so its id makes a new one.
        self.fact(
            facts.Invited(
                now,
                self._report_at(event.order_id, now),
                event.order_id,
                f"F{event.order_id}",
                event.price,
                now + self.invitations.window_ns,
            )
        )

    def _executed(self, order_id: str, event: Traded, *, resting: bool, now: int) -> None:
        owner = owner_of(order_id)
        if owner:
            if owner.startswith(NAME_PREFIX):
                self.fact(LatentTraded(now, owner, event.quantity))
            return
        terms = self.state.orders[order_id].terms
        path = self.floors[terms.symbol].path
        path.traded(side_of(terms.capacity), event.quantity, self.clock.market(now))
        liquidity = self._liquidity(terms, resting=resting)
        # Hidden size that is added pays what the midpoint pays (decisions.md: "mid or hidden").
        hidden = liquidity is Liquidity.ADDED and terms.hidden
        charged = Liquidity.MIDPOINT if hidden else liquidity
        self.fact(
            Executed(
                now,
                self._report_at(order_id, now),
                order_id,
                self.state.next_exec_id(now),
                event.quantity,
                event.price,
                liquidity,
                self._fee(order_id, charged, event, now),
            )
        )

    def _fee(self, order_id: str, charged: Liquidity, event: Traded, now: int) -> int:
        fee = self.fees.fee(charged, event.quantity, event.price)
        for fault in self.surcharges:
            fee = fault.charged(self.state.orders[order_id], fee, event.quantity, now)
        return fee

    def _liquidity(self, terms: Terms, *, resting: bool) -> Liquidity:
        if self.kind.dark:
            return Liquidity.MIDPOINT
        if not resting:
            return Liquidity.REMOVED
        return Liquidity.MIDPOINT if terms.ord_type in PEG_KINDS else Liquidity.ADDED

    def _report_at(self, order_id: str, now: int) -> int:
        return self.leaves_at(self.state.orders[order_id].session, now)

    def leaves_at(self, session: str, now: int) -> int:
        """When the next report of a session leaves: never before the one ahead of it."""
        client = self.state.client(session)
        delay = self.latency.outbound(session, client.reported)
        return max(client.last_out_ns, now + delay)

    def fact(self, fact: Command | VenueFact | FaultFact) -> None:
        """Something happened: it is remembered, and kept for the journal."""
        self.state.apply(fact)
        self.facts.append(fact)
        for fault in self.observers:
            fault.saw(fact)
