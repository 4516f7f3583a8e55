"""Requests: how a venue answers each command of its clients.

Owns: what is refused and why, and the order of the facts that answer a command.
May not know: when commands are due, FIX tags, sockets, the clock, the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from venue_sims.checks import (
    MassStatus,
    RefusalError,
    VenueSettings,
    check_bands,
    check_numbers,
    check_terms,
    refuse,
)
from venue_sims.commands import (
    CancelReceived,
    Command,
    MassCancelReceived,
    MassStatusReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.facts import (
    CancelAccepted,
    MassCanceled,
    MassStatusAnswered,
    OrderAccepted,
    OrderRejected,
    Replaced,
    RequestRefused,
    StatusAnswered,
)
from venue_sims.faults.board import Faults
from venue_sims.floor import Floor
from venue_sims.matching.events import Amended, Cause
from venue_sims.matching.orders import Lifetime, Manner, Order
from venue_sims.matching.rules import round_lot
from venue_sims.state import VenueOrder
from venue_sims.throttle import Style, Throttle
from venue_sims.trading import Trading
from venue_sims.words import PEG_KINDS, TRADING, Capacity, OrdType, Reason, State, worded


class Requests:
    """See the module."""

    def __init__(
        self, settings: VenueSettings, trading: Trading, throttle: Throttle, faults: Faults
    ) -> None:
        self._settings = settings
        self._throttle = throttle
        self._faults = faults
        self._kind = trading.kind
        self._trading = trading
        self._state = trading.state
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            OrderReceived: self._on_order,
            OrderUnusable: self._on_unusable,
            CancelReceived: self._on_cancel,
            ReplaceReceived: self._on_replace,
            StatusReceived: self._on_status,
            MassCancelReceived: self._on_mass_cancel,
            MassStatusReceived: self._on_mass_status,
        }

    def answer(self, command: Command, now: int) -> None:
        """Deal with the oldest command of its session, unless a fault does; exactly one fact
        answers it."""
        if not self._faults.takes(command, now):
            self.deal(command, now)

    def deal(self, command: Command, now: int) -> None:
        """Deal with the oldest command of its session as a venue should."""
        self._handlers[type(command)](command, now)

    def _on_order(self, command: OrderReceived, now: int) -> None:
        terms = command.terms
        ids = self._state.client(command.session).ids
        if terms.cl_ord_id in ids:
            self._on_known(command, ids[terms.cl_ord_id], now)
            return
        order_id = self._state.next_order_id(now)
        order = self._trading.to_match(order_id, terms, terms.quantity, command.session)
        try:
            self._admit(command)
            self._check(terms)
            self._check_conditional(command, now)
            floor = self._trading.refer(terms.symbol, now)
            self._check_entry(floor, order)
            self._check_mood(command, now)
        except RefusalError as refusal:
            self._reject(command, order_id, refusal, now)
            return
        if self._faults.holds(command, order_id, now):
            return
        leaves_at = self._trading.leaves_at(command.session, now)
        self._trading.fact(OrderAccepted(now, leaves_at, command.session, order_id))
        lifetime = self.bounded(order, terms)
        self._trading.book(
            terms.symbol, floor.enter(order, lifetime, self._trading.clock.market(now)), now
        )
        self._trading.plan(terms.symbol, floor)

    def bounded(self, order: Order, terms: Terms) -> Lifetime:
        """Hold a market order to the prices of a limit state; how long its rest lives then."""
        bands = self._state.bands.get(terms.symbol)
        if bands is None or terms.ord_type is not OrdType.MARKET or self._kind.dark:
            return terms.lifetime
        order.price = bands.high if terms.capacity is Capacity.BUY else bands.low
        return Lifetime.IOC if terms.lifetime is Lifetime.DAY else terms.lifetime

    def _on_known(self, command: OrderReceived, order_id: str, now: int) -> None:
        """A ClOrdID that was used: refused, or answered with its status if it says 97=Y."""
        leaves_at = self._trading.leaves_at(command.session, now)
        if command.poss_resend and order_id:
            self._trading.fact(StatusAnswered(now, leaves_at, command.session, order_id))
            return
        text = worded(Reason.DUPLICATE, f"ClOrdID {command.terms.cl_ord_id} was used")
        self._trading.fact(
            OrderRejected(
                now, leaves_at, command.session, "NONE", Reason.DUPLICATE, text, duplicate=True
            )
        )

    def _on_unusable(self, command: OrderUnusable, now: int) -> None:
        order_id = self._state.next_order_id(now)
        try:
            if command.terms.cl_ord_id in self._state.client(command.session).ids:
                refuse(Reason.DUPLICATE, f"ClOrdID {command.terms.cl_ord_id} was used")
            self._admit(command)
            refuse(command.reason, command.text)
        except RefusalError as refusal:
            self._reject(command, order_id, refusal, now)

    def _reject(
        self,
        command: OrderReceived | OrderUnusable,
        order_id: str,
        refusal: RefusalError,
        now: int,
    ) -> None:
        duplicate = refusal.reason is Reason.DUPLICATE
        self._trading.fact(
            OrderRejected(
                now,
                self._trading.leaves_at(command.session, now),
                command.session,
                "NONE" if duplicate else order_id,
                refusal.reason,
                refusal.text,
                duplicate,
                refusal.code,
            )
        )

    def _on_cancel(self, command: CancelReceived, now: int) -> None:
        try:
            order = self._order_for(command, now)
        except RefusalError as refusal:
            self._refuse(command, refusal, now)
            return
        self._trading.cancel(order, now)
        leaves_at = self._trading.leaves_at(command.session, now)
        self._trading.fact(CancelAccepted(now, leaves_at, command.session, order.order_id))

    def _on_replace(self, command: ReplaceReceived, now: int) -> None:
        try:
            self._admit(command)
            order = self._order_for(command, now)
            _check_fixed(order.terms, command)
            new = _replaced(order.terms, command)
            trial = self._trading.to_match(order.order_id, new, order.leaves, command.session)
            self._check_replace(command, new, trial, now)
        except RefusalError as refusal:
            self._refuse(command, refusal, now)
            return
        terms, floor = order.terms, self._trading.floors[order.terms.symbol]
        leaves_at = self._trading.leaves_at(command.session, now)
        fact = Replaced(now, leaves_at, command.session, order.order_id, new, kept_priority=True)
        if command.quantity <= order.cum_quantity:
            # Down to what is done: the order becomes Filled (FIX 4.4 vol. 4, D).
            self._trading.cancel(order, now)
            new.quantity = order.cum_quantity
            self._trading.fact(fact)
            return
        trial.quantity = new.quantity - order.cum_quantity
        events = floor.replace(trial, self._trading.clock.market(now))
        assert isinstance(events[0], Amended)
        fact.kept_priority = events[0].kept_priority
        self._trading.fact(fact)
        self._trading.book(terms.symbol, events, now)
        self._trading.changed[terms.symbol] = None
        self._trading.plan(terms.symbol, floor)

    def _on_status(self, command: StatusReceived, now: int) -> None:
        order = self._state.order_meant(command.session, command.cl_ord_id)
        if order is None and command.order_id:
            order = self._state.orders.get(command.order_id)
        if order is not None and order.session != command.session:
            order = None
        if order is not None and order.live:
            self._trading.refer(order.terms.symbol, now)
        leaves_at = self._trading.leaves_at(command.session, now)
        order_id = "" if order is None else order.order_id
        self._trading.fact(StatusAnswered(now, leaves_at, command.session, order_id))

    def _on_mass_cancel(self, command: MassCancelReceived, now: int) -> None:
        known = command.symbol in ("", *self._trading.floors)
        orders = [] if command.unsupported or not known else self._state.orders_meant(command)
        for order in orders:
            self._trading.refer(order.terms.symbol, now)
        orders = [order for order in orders if order.live]
        for order in orders:
            self._trading.cancel(order, now)
        self._trading.fact(
            MassCanceled(
                now,
                self._trading.leaves_at(command.session, now),
                command.session,
                [order.order_id for order in orders],
                unknown_symbol=not known,
            )
        )

    def _on_mass_status(self, command: MassStatusReceived, now: int) -> None:
        for symbol in self._trading.floors:
            self._trading.refer(symbol, now)
        lists_over = self._settings.mass_status is MassStatus.ALL
        orders = self._state.orders_meant(command, over=lists_over)
        self._trading.fact(
            MassStatusAnswered(
                now,
                self._trading.leaves_at(command.session, now),
                command.session,
                [order.order_id for order in orders],
            )
        )

    # --- checks ---------------------------------------------------------------------------

    def _admit(self, command: OrderReceived | OrderUnusable | ReplaceReceived) -> None:
        """Hold the session to the throttle, unless it was when the message came. Raises
        RefusalError."""
        if self._throttle.settings.style is not Style.REJECT:
            return
        if not self._throttle.admits(command.session, command.at_ns):
            refuse(Reason.THROTTLED, f"more than {self._throttle.settings}")

    def _check(self, terms: Terms) -> None:
        """What can be said against an order without the book. Raises RefusalError."""
        floor = self._trading.floors.get(terms.symbol)
        if floor is None:
            refuse(Reason.UNKNOWN_SYMBOL, f"{terms.symbol} does not trade here")
        check_terms(terms, self._kind)
        self._check_open(terms.symbol)
        self._check_numbers(terms)

    def _check_open(self, symbol: str) -> None:
        if self._state.phase not in TRADING:
            refuse(Reason.CLOSED, f"the venue is closed: {self._state.phase}")
        if symbol in self._state.halted:
            refuse(Reason.HALTED, f"{symbol} is halted: {self._state.halted[symbol]}")

    def _check_mood(self, command: OrderReceived, now: int) -> None:
        """Last of all: a fault may refuse what nothing can be said against. Raises RefusalError."""
        storm = self._faults.refuses(command, now)
        if storm is not None:
            text = worded(Reason.FAULT, storm.settings.text)
            raise RefusalError(Reason.FAULT, text, storm.settings.code)

    def _check_numbers(self, terms: Terms) -> None:
        path = self._trading.floors[terms.symbol].path.settings
        check_numbers(self._settings, path.tick_micros, round_lot(path.p0_micros), terms)
        bands = self._state.bands.get(terms.symbol)
        if bands is not None:
            check_bands(terms.capacity, terms.price, bands)

    def _check_conditional(self, command: OrderReceived, now: int) -> None:
        """Invitations are answered in time by those who got them; who does not answer them may
        send no more conditional orders. Raises RefusalError."""
        terms, state, session = command.terms, self._state, command.session
        if terms.firm_up_id:
            invitation = state.invitations.answerable(terms.firm_up_id, session, now)
            invited = None if invitation is None else state.orders[invitation.order_id].terms
            if (
                invited is None
                or (invited.symbol, invited.capacity) != (terms.symbol, terms.capacity)
                or terms.manner is Manner.CONDITIONAL
            ):
                refuse(Reason.TOO_LATE, f"no invitation {terms.firm_up_id} to answer so")
        if terms.manner is Manner.CONDITIONAL and state.invitations.suspended(
            session, now, self._trading.invitations
        ):
            refuse(Reason.SUSPENDED, "too few invitations were answered")

    def _check_entry(self, floor: Floor, order: Order) -> None:
        if floor.refusal(order) is Cause.POST_ONLY:
            refuse(Reason.POST_ONLY, "post-only order would trade")

    def _check_replace(
        self,
        command: ReplaceReceived,
        new: Terms,
        trial: Order,
        now: int,
    ) -> None:
        if command.problem:
            refuse(Reason.UNSUPPORTED, command.problem)
        self._check_open(new.symbol)
        check_terms(new, self._kind)
        # A MinQty that the order keeps may be more than it has left: then that binds.
        bound = new.min_qty if command.min_qty else min(new.min_qty, new.quantity)
        self._check_numbers(replace(new, min_qty=bound))
        self._check_entry(self._trading.refer(new.symbol, now), trial)

    def _order_for(self, command: CancelReceived | ReplaceReceived, now: int) -> VenueOrder:
        """The live order that a request means. Raises RefusalError."""
        if command.cl_ord_id in self._state.client(command.session).ids:
            refuse(Reason.DUPLICATE, f"ClOrdID {command.cl_ord_id} was used")
        order = self._state.order_meant(command.session, command.orig_cl_ord_id)
        if order is None:
            refuse(Reason.UNKNOWN_ORDER, "unknown order")
        if order.live:
            self._trading.refer(order.terms.symbol, now)
        if not order.live:
            refuse(Reason.TOO_LATE, f"the order is {order.state}")
        if order.state is State.PENDING_NEW and isinstance(command, ReplaceReceived):
            refuse(Reason.TOO_LATE, "the order is pending")
        if order.terms.cl_ord_id != command.orig_cl_ord_id:
            refuse(Reason.UNKNOWN_ORDER, f"the order goes by {order.terms.cl_ord_id} now")
        return order

    def _refuse(
        self, command: CancelReceived | ReplaceReceived, refusal: RefusalError, now: int
    ) -> None:
        order = self._state.order_meant(command.session, command.orig_cl_ord_id)
        known = order is not None and refusal.reason is not Reason.UNKNOWN_ORDER
        self._trading.fact(
            RequestRefused(
                now,
                self._trading.leaves_at(command.session, now),
                command.session,
                order.order_id if order is not None and known else "",
                refusal.reason,
                refusal.text,
            )
        )


def _check_fixed(terms: Terms, command: ReplaceReceived) -> None:
    """A replace changes quantity, price and how the order behaves; for anything else it would have
    to be another order. Raises RefusalError."""
    pegged = terms.ord_type in PEG_KINDS
    same_type = pegged if command.ord_type in PEG_KINDS else command.ord_type is terms.ord_type
    for what, same in (
        ("55", command.symbol in ("", terms.symbol)),
        ("54", command.capacity in (None, terms.capacity)),
        ("40", command.ord_type is None or same_type),
        ("59", command.lifetime in (None, terms.lifetime)),
    ):
        if not same:
            refuse(Reason.UNSUPPORTED, f"a replace cannot change {what}")


def _replaced(terms: Terms, command: ReplaceReceived) -> Terms:
    """The terms that a replace request asks for."""
    price = command.price if terms.ord_type is not OrdType.MARKET else None
    new = replace(terms, quantity=command.quantity, price=price)
    if command.min_qty is not None:
        new.min_qty = command.min_qty
    if command.manner is not None:
        new.manner = command.manner
    if command.max_floor is not None:
        new.max_floor, new.hidden = command.max_floor, command.hidden
    return new
