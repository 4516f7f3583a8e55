"""The venue: commands in with their time, facts and reports out. One machine of every kind.

Owns: all control flow of a venue: when a command meets the book, what is refused and why, which
facts follow from a trade.
May not know: FIX tags, sockets, the clock, the journal. Matching is its floors', memory its
state's.

Theory of operation. `receive` takes a command and queues it for its inbound latency. `advance(now)`
then lives through everything that was due up to `now`, in the order of its time: flows act on their
floors, commands meet the book, each at its own instant, so it does not matter how often `advance`
is called. Whatever happens to a client is a fact: it is booked into the state at once, which queues
the report, and handed out by `take_facts` for the journal. Reports leave when their outbound
latency is over, in order, session by session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from venue_sims.agenda import NEVER, Agenda
from venue_sims.checks import (
    RefusalError,
    VenueSettings,
    check_numbers,
    check_terms,
    refuse,
)
from venue_sims.commands import (
    CancelReceived,
    Command,
    MassCancelReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.facts import (
    CancelAccepted,
    Executed,
    LatentTraded,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    Replaced,
    RequestRefused,
    StatusAnswered,
    VenueFact,
)
from venue_sims.fees import FeeSchedule
from venue_sims.floor import MAX_BEHIND_NS, Floor
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.flows import owner_of
from venue_sims.flow.latent import NAME_PREFIX
from venue_sims.kinds import Kind
from venue_sims.latency import Latency
from venue_sims.matching.events import Amended, Cause, Dropped, Event, Traded
from venue_sims.matching.orders import Manner, Order, Side
from venue_sims.reports import Report
from venue_sims.state import VenueOrder, VenueState
from venue_sims.words import Capacity, Liquidity, OrdType, Reason, worded

WAKE_GRAIN_NS: Final = 10_000_000
"""How late flows may be lived through: they act at their own times, but the venue is not woken for
each of them. Commands and reports are never late by this."""

_DROPPED: Final = {
    Cause.IMMEDIATE: "N: the rest could not trade at once",
    Cause.COLLAR: "N: nothing left within the collar",
    Cause.SELF_MATCH: "V: would have traded with an order of the same SelfMatchID",
}


def side_of(capacity: Capacity) -> Side:
    """The side on which an order matches."""
    return Side.BUY if capacity is Capacity.BUY else Side.SELL


class Venue:
    """See the module. `state` may come from a fold; then its live orders rest again."""

    def __init__(
        self,
        settings: VenueSettings,
        kind: Kind,
        clock: MarketClock,
        floors: dict[str, Floor],
        fees: FeeSchedule,
        latency: Latency,
        state: VenueState,
    ) -> None:
        self.settings = settings
        self.kind = kind
        self.clock = clock
        self.floors = floors
        self.state = state
        self._fees = fees
        self._latency = latency
        self._facts: list[Command | VenueFact] = []
        self._changed: dict[str, None] = {}
        self._agenda = Agenda()
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            OrderReceived: self._on_order,
            OrderUnusable: self._on_unusable,
            CancelReceived: self._on_cancel,
            ReplaceReceived: self._on_replace,
            StatusReceived: self._on_status,
            MassCancelReceived: self._on_mass_cancel,
        }

    # --- what comes in --------------------------------------------------------------------

    def start(self, now: int) -> None:
        """Open: orders of before a restart rest again in their order, then the flows come."""
        for order in self.state.live_orders():
            self.floors[order.terms.symbol].matcher.restore(
                _to_match(order.order_id, order.terms, order.leaves)
            )
        for symbol, floor in self.floors.items():
            self._book(symbol, floor.start(self.clock.market(now)), now)
            self._plan(symbol, floor)

    def receive(self, command: Command, now: int) -> None:
        """A client's command has come; it meets the book when its latency is over."""
        client = self.state.client(command.session)
        delay = self._latency.inbound(command.session, client.received)
        command.due_ns = max(client.last_in_ns, now + delay)
        self._fact(command)

    def advance(self, now: int) -> None:
        """Live through everything that is due up to `now`."""
        while True:
            command_at, session = self._next_command()
            floor_at, symbol = self._agenda.next()
            if floor_at <= command_at:
                if floor_at > now:
                    return
                self._run_floor(symbol, floor_at, now)
            else:
                if command_at > now:
                    return
                command = self.state.client(session).inbound[0]
                self._handlers[type(command)](command, command_at)

    def cancel(self, order_id: str, text: str, now: int) -> bool:
        """The venue takes an order out by itself; False when there is nothing to take out."""
        order = self.state.orders.get(order_id)
        if order is None or not order.live:
            return False
        self._floor_cancel(order)
        self._fact(OrderCanceled(now, self._leaves_at(order.session, now), order_id, text))
        return True

    # --- what goes out --------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """When `advance` has to be called next; reports that wait for a logon do not count."""
        floor_at, _ = self._agenda.next()
        if floor_at < NEVER:
            floor_at += -floor_at % WAKE_GRAIN_NS
        deadline = min(floor_at, self._next_command()[0])
        return deadline if deadline < NEVER else None

    def next_report_ns(self, session: str) -> int | None:
        """When the oldest report of a session may leave."""
        outbox = self.state.client(session).outbox
        return outbox[0].due_ns if outbox else None

    def due_report(self, session: str, now: int) -> Report | None:
        """The report of a session that may leave now; `reported` takes it off the queue."""
        outbox = self.state.client(session).outbox
        return outbox[0] if outbox and outbox[0].due_ns <= now else None

    def reported(self, session: str, report: Report) -> None:
        """A report has its number on the wire."""
        self.state.sent(session, report.number)

    def take_facts(self) -> list[Command | VenueFact]:
        """What happened since the last call, for the journal."""
        facts, self._facts = self._facts, []
        return facts

    def take_changed(self) -> list[str]:
        """Symbols whose displayed book may have changed since the last call."""
        changed, self._changed = self._changed, {}
        return list(changed)

    # --- the agenda -----------------------------------------------------------------------

    def _next_command(self) -> tuple[int, str]:
        best, name = NEVER, ""
        for client in self.state.clients.values():
            if client.inbound and client.inbound[0].due_ns < best:
                best, name = client.inbound[0].due_ns, client.name
        return best, name

    def _plan(self, symbol: str, floor: Floor) -> None:
        at = floor.next_ns()
        self._agenda.plan(symbol, NEVER if at is None else self.clock.wall(at))

    def _run_floor(self, symbol: str, at: int, now: int) -> None:
        floor = self.floors[symbol]
        market_now = self.clock.market(now)
        market_at = floor.next_ns()
        assert market_at is not None
        if market_now - market_at > MAX_BEHIND_NS:
            self._book(symbol, floor.start(market_now), now)
            self._changed[symbol] = None
        else:
            self._book(symbol, floor.run(market_at), at)
        self._plan(symbol, floor)

    # --- commands -------------------------------------------------------------------------

    def _on_order(self, command: OrderReceived, now: int) -> None:
        terms = command.terms
        ids = self.state.client(command.session).ids
        if terms.cl_ord_id in ids:
            self._on_known(command, ids[terms.cl_ord_id], now)
            return
        order_id = self.state.next_order_id(now)
        order = _to_match(order_id, terms, terms.quantity)
        try:
            self._check(terms)
            floor = self._refer(terms.symbol, now)
            self._check_entry(floor, order)
        except RefusalError as refusal:
            self._reject(command, order_id, refusal, now)
            return
        leaves_at = self._leaves_at(command.session, now)
        self._fact(OrderAccepted(now, leaves_at, command.session, order_id))
        self._book(terms.symbol, floor.enter(order, terms.lifetime, self.clock.market(now)), now)
        self._plan(terms.symbol, floor)

    def _on_known(self, command: OrderReceived, order_id: str, now: int) -> None:
        """A ClOrdID that was used: refused, or answered with its status if it says 97=Y."""
        leaves_at = self._leaves_at(command.session, now)
        if command.poss_resend and order_id:
            self._fact(StatusAnswered(now, leaves_at, command.session, order_id))
            return
        text = worded(Reason.DUPLICATE, f"ClOrdID {command.terms.cl_ord_id} was used")
        self._fact(
            OrderRejected(
                now, leaves_at, command.session, "NONE", Reason.DUPLICATE, text, duplicate=True
            )
        )

    def _on_unusable(self, command: OrderUnusable, now: int) -> None:
        if command.terms.cl_ord_id in self.state.client(command.session).ids:
            refusal = RefusalError(
                Reason.DUPLICATE,
                worded(Reason.DUPLICATE, f"ClOrdID {command.terms.cl_ord_id} was used"),
            )
        else:
            refusal = RefusalError(command.reason, worded(command.reason, command.text))
        self._reject(command, self.state.next_order_id(now), refusal, now)

    def _reject(
        self,
        command: OrderReceived | OrderUnusable,
        order_id: str,
        refusal: RefusalError,
        now: int,
    ) -> None:
        duplicate = refusal.reason is Reason.DUPLICATE
        self._fact(
            OrderRejected(
                now,
                self._leaves_at(command.session, now),
                command.session,
                "NONE" if duplicate else order_id,
                refusal.reason,
                refusal.text,
                duplicate,
            )
        )

    def _on_cancel(self, command: CancelReceived, now: int) -> None:
        try:
            order = self._order_for(command, now)
        except RefusalError as refusal:
            self._refuse(command, refusal, now)
            return
        self._floor_cancel(order)
        leaves_at = self._leaves_at(command.session, now)
        self._fact(CancelAccepted(now, leaves_at, command.session, order.order_id))

    def _on_replace(self, command: ReplaceReceived, now: int) -> None:
        try:
            order = self._order_for(command, now)
            price = command.price if order.terms.ord_type is not OrdType.MARKET else None
            min_qty = order.terms.min_qty if command.min_qty is None else command.min_qty
            self._check_replace(command, order, price, min_qty, now)
        except RefusalError as refusal:
            self._refuse(command, refusal, now)
            return
        terms, floor = order.terms, self.floors[order.terms.symbol]
        leaves_at = self._leaves_at(command.session, now)
        fact = Replaced(
            now, leaves_at, command.session, order.order_id, 0, price, min_qty, kept_priority=True
        )
        if command.quantity <= order.cum_quantity:
            # Down to what is done: the order becomes Filled (FIX 4.4 vol. 4, D).
            self._floor_cancel(order)
            fact.quantity = order.cum_quantity
            self._fact(fact)
            return
        fact.quantity = command.quantity
        events = floor.replace(
            order.order_id,
            command.quantity - order.cum_quantity,
            price,
            min_qty,
            self.clock.market(now),
        )
        assert isinstance(events[0], Amended)
        fact.kept_priority = events[0].kept_priority
        self._fact(fact)
        self._book(terms.symbol, events, now)
        self._changed[terms.symbol] = None
        self._plan(terms.symbol, floor)

    def _on_status(self, command: StatusReceived, now: int) -> None:
        order = self.state.order_meant(command.session, command.cl_ord_id)
        if order is None and command.order_id:
            order = self.state.orders.get(command.order_id)
        if order is not None and order.session != command.session:
            order = None
        if order is not None:
            self._refer(order.terms.symbol, now)
        leaves_at = self._leaves_at(command.session, now)
        order_id = "" if order is None else order.order_id
        self._fact(StatusAnswered(now, leaves_at, command.session, order_id))

    def _on_mass_cancel(self, command: MassCancelReceived, now: int) -> None:
        orders = [] if command.unsupported else self.state.orders_meant(command)
        for order in orders:
            self._refer(order.terms.symbol, now)
        orders = [order for order in orders if order.live]
        for order in orders:
            self._floor_cancel(order)
        self._fact(
            MassCanceled(
                now,
                self._leaves_at(command.session, now),
                command.session,
                [order.order_id for order in orders],
            )
        )

    # --- checks ---------------------------------------------------------------------------

    def _check(self, terms: Terms) -> None:
        """What can be said against an order without the book. Raises RefusalError."""
        floor = self.floors.get(terms.symbol)
        if floor is None:
            refuse(Reason.UNKNOWN_SYMBOL, f"{terms.symbol} does not trade here")
        check_terms(terms, self.kind)
        tick = floor.path.settings.tick_micros
        check_numbers(self.settings, tick, terms.quantity, terms.price, terms.min_qty)

    def _check_entry(self, floor: Floor, order: Order) -> None:
        if floor.refusal(order) is Cause.POST_ONLY:
            refuse(Reason.POST_ONLY, "post-only order would trade")

    def _check_replace(
        self,
        command: ReplaceReceived,
        order: VenueOrder,
        price: int | None,
        min_qty: int,
        now: int,
    ) -> None:
        terms = order.terms
        if command.problem:
            refuse(Reason.UNSUPPORTED, command.problem)
        if terms.ord_type is OrdType.LIMIT and price is None:
            refuse(Reason.UNSUPPORTED, "a limit order needs a price")
        if min_qty and not self.kind.min_qty:
            refuse(Reason.UNSUPPORTED, "MinQty is not taken here")
        tick = self.floors[terms.symbol].path.settings.tick_micros
        check_numbers(self.settings, tick, command.quantity, price, min(min_qty, command.quantity))
        trial = _to_match(order.order_id, terms, order.leaves)
        trial.price = price
        self._check_entry(self._refer(terms.symbol, now), trial)

    def _order_for(self, command: CancelReceived | ReplaceReceived, now: int) -> VenueOrder:
        """The live order that a request means. Raises RefusalError."""
        if command.cl_ord_id in self.state.client(command.session).ids:
            refuse(Reason.DUPLICATE, f"ClOrdID {command.cl_ord_id} was used")
        order = self.state.order_meant(command.session, command.orig_cl_ord_id)
        if order is None:
            refuse(Reason.UNKNOWN_ORDER, "unknown order")
        if order.live:
            self._refer(order.terms.symbol, now)
        if not order.live:
            refuse(Reason.TOO_LATE, f"the order is {order.state}")
        if order.terms.cl_ord_id != command.orig_cl_ord_id:
            refuse(Reason.UNKNOWN_ORDER, f"the order goes by {order.terms.cl_ord_id} now")
        return order

    def _refuse(
        self, command: CancelReceived | ReplaceReceived, refusal: RefusalError, now: int
    ) -> None:
        order = self.state.order_meant(command.session, command.orig_cl_ord_id)
        known = order is not None and refusal.reason is not Reason.UNKNOWN_ORDER
        self._fact(
            RequestRefused(
                now,
                self._leaves_at(command.session, now),
                command.session,
                order.order_id if order is not None and known else "",
                refusal.reason,
                refusal.text,
            )
        )

    # --- what follows ---------------------------------------------------------------------

    def _refer(self, symbol: str, now: int) -> Floor:
        """The floor of a symbol, its reference brought up to date: what trades by that, trades
        before the message that is about to be dealt with."""
        floor = self.floors[symbol]
        self._book(symbol, floor.refer(self.clock.market(now)), now)
        self._plan(symbol, floor)
        return floor

    def _floor_cancel(self, order: VenueOrder) -> None:
        symbol = order.terms.symbol
        self.floors[symbol].cancel(order.order_id)
        self._changed[symbol] = None
        self._plan(symbol, self.floors[symbol])

    def _book(self, symbol: str, events: list[Event], now: int) -> None:
        """Turn what a matcher says into facts about clients and latent parents."""
        if events:
            self._changed[symbol] = None
        for event in events:
            if isinstance(event, Traded):
                self._executed(event.resting_id, event, resting=True, now=now)
                self._executed(event.incoming_id, event, resting=False, now=now)
            elif isinstance(event, Dropped) and not owner_of(event.order_id):
                session = self.state.orders[event.order_id].session
                leaves_at = self._leaves_at(session, now)
                text = _DROPPED[event.cause]
                self._fact(OrderCanceled(now, leaves_at, event.order_id, text))

    def _executed(self, order_id: str, event: Traded, *, resting: bool, now: int) -> None:
        owner = owner_of(order_id)
        if owner:
            if owner.startswith(NAME_PREFIX):
                self._fact(LatentTraded(now, owner, event.quantity))
            return
        if self.kind.dark:
            liquidity = Liquidity.MIDPOINT
        else:
            liquidity = Liquidity.ADDED if resting else Liquidity.REMOVED
        session = self.state.orders[order_id].session
        self._fact(
            Executed(
                now,
                self._leaves_at(session, now),
                order_id,
                self.state.next_exec_id(now),
                event.quantity,
                event.price,
                liquidity,
                self._fees.fee(liquidity, event.quantity, event.price),
            )
        )

    def _leaves_at(self, session: str, now: int) -> int:
        """When the next report of a session leaves: never before the one ahead of it."""
        client = self.state.client(session)
        delay = self._latency.outbound(session, client.reported)
        return max(client.last_out_ns, now + delay)

    def _fact(self, fact: Command | VenueFact) -> None:
        self.state.apply(fact)
        self._facts.append(fact)


def _to_match(order_id: str, terms: Terms, quantity: int) -> Order:
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
