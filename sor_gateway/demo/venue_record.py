"""What a venue's own journal says of the orders that it was sent: the auditor's view.

Owns: reading the facts of a simulated venue by their names, the orders and executions in them, and
how much was displayed at each instant.
May not know: the venues' code (the gateway never imports its venues), the gateway's own books.

A venue books each fact at the instant of its own clock. Facts of one instant are one event for
everybody who looks at the book: an order that executes as it arrives was never displayed. So what
is displayed is measured between instants.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from sor_gateway.journal.reader import read_records
from sor_gateway.sor.types import Micros, Nanos, Shares

Body = dict[str, Any]
COMMANDS: Final = frozenset(
    {
        *("OrderReceived", "OrderUnusable", "CancelReceived", "ReplaceReceived"),
        *("StatusReceived", "MassCancelReceived", "MassStatusReceived"),
    }
)
"""What a client asks for; a venue answers each session's oldest first."""
FORGETS_COMMANDS: Final = frozenset({"inbound", "orders", "all"})
FORGETS_ORDERS: Final = frozenset({"orders", "all"})
"""What a restart loses, of which these are a part."""
IMMEDIATE: Final = frozenset({"ioc", "fok"})


@dataclass(slots=True)
class Execution:
    """What a venue says that it executed."""

    at_ns: Nanos
    exec_id: str
    quantity: Shares
    price_micros: Micros
    fee_micros: Micros


@dataclass(slots=True)
class VenueOrder:
    """An order that the venue accepted."""

    order_id: str
    cl_ord_id: str
    symbol: str
    quantity: Shares
    is_displayed: bool
    """Rests in view of everybody, as far as it rests."""
    accepted_ns: Nanos
    ended_ns: Nanos = 0
    """0 while it is live."""
    filled: Shares = 0
    executions: list[Execution] = field(default_factory=list)

    @property
    def shown(self) -> Shares:
        """What of it is displayed now."""
        live = self.is_displayed and not self.ended_ns
        return self.quantity - self.filled if live else 0


class VenueRecord:
    """The orders of one venue, in the order in which it accepted them."""

    def __init__(self, lit: bool) -> None:
        self.orders: dict[str, VenueOrder] = {}
        self.rejected = 0
        self.shown_max: Shares = 0
        """Most that was displayed of all orders at any instant."""
        self.shown_max_ns: Nanos = 0
        self._lit = lit
        self._shown: Shares = 0
        self._instant_ns: Nanos = 0
        self._waiting: dict[str, deque[Body]] = {}
        self._pending: list[tuple[int, str, Body]] = []
        """Requests that were answered as pending: until when, whose, and the request itself."""
        self._activates: set[str] = set()
        """Orders that are displayed when they come into the book."""
        self._handlers: dict[str, Callable[[Body], object]] = {
            "OrderAccepted": self._accepted,
            "OrderRejected": self._rejected,
            "Executed": self._executed,
            "OrderCanceled": self._ended,
            "CancelAccepted": self._canceled,
            "Replaced": self._replaced,
            "RequestRefused": self._answered,
            "StatusAnswered": self._answered,
            "MassStatusAnswered": self._answered,
            "MassCanceled": self._mass_canceled,
            "CommandSwallowed": self._answered,
            "CommandHeld": self._held,
            "CommandReturned": self._returned,
            "OrderHeld": self._order_held,
            "OrderActivated": self._activated,
            "LateExecuted": self._executed,
            "TradeBusted": self._busted,
            "TradeCorrected": self._corrected,
            "MemoryLost": self._forgot,
        }

    @property
    def executions(self) -> Iterator[Execution]:
        """Every execution, order by order."""
        return (each for order in self.orders.values() for each in order.executions)

    def apply(self, name: str, body: Body) -> None:
        """Read one fact; those about other things are passed over."""
        if name in COMMANDS:
            self._waiting.setdefault(body["session"], deque()).append(body)
            return
        handler = self._handlers.get(name)
        if handler is not None:
            self._look(body["at_ns"])
            handler(body)

    def close(self) -> None:
        """The journal ends here: the last instant is over."""
        self._look(self._instant_ns + 1)

    # --- one fact each --------------------------------------------------------------------

    def _accepted(self, body: Body) -> None:
        terms = self._answered(body)["terms"]
        is_displayed = self._lit and not terms["hidden"] and terms["lifetime"] not in IMMEDIATE
        order = VenueOrder(
            body["order_id"],
            terms["cl_ord_id"],
            terms["symbol"],
            terms["quantity"],
            is_displayed,
            body["at_ns"],
        )
        self.orders[order.order_id] = order
        self._shown += order.shown

    def _rejected(self, body: Body) -> None:
        self._answered(body)
        self.rejected += 1

    def _executed(self, body: Body) -> None:
        order = self.orders[body["order_id"]]
        before = order.shown
        order.filled += body["quantity"]
        order.executions.append(
            Execution(
                body["at_ns"],
                body["exec_id"],
                body["quantity"],
                body["price"],
                body["fee_micros"],
            )
        )
        if order.filled >= order.quantity:
            order.ended_ns = body["at_ns"]
        self._shown += order.shown - before

    def _canceled(self, body: Body) -> None:
        self._answered(body)
        self._ended(body)

    def _ended(self, body: Body) -> None:
        self._end(self.orders[body["order_id"]], body["at_ns"])

    def _mass_canceled(self, body: Body) -> None:
        self._answered(body)
        for order_id in body["order_ids"]:
            self._end(self.orders[order_id], body["at_ns"])

    def _replaced(self, body: Body) -> None:
        self._answered(body)
        order = self.orders[body["order_id"]]
        before = order.shown
        order.quantity = body["terms"]["quantity"]
        if order.filled >= order.quantity:
            order.ended_ns = body["at_ns"]
        self._shown += order.shown - before

    def _answered(self, body: Body) -> Body:
        return self._waiting[body["session"]].popleft()

    # --- what faults do (venues.md 3) -----------------------------------------------------

    def _held(self, body: Body) -> None:
        request = self._answered(body)
        if body["until_ns"]:
            pending = (body["until_ns"], body["session"], request)
            insort(self._pending, pending, key=lambda each: each[0])

    def _returned(self, body: Body) -> None:
        until, session, request = self._pending.pop(0)
        assert until <= body["at_ns"]
        self._waiting[session].appendleft(request)

    def _order_held(self, body: Body) -> None:
        self._accepted(body)
        order = self.orders[body["order_id"]]
        self._shown -= order.shown
        if order.is_displayed:
            order.is_displayed = False
            self._activates.add(order.order_id)

    def _activated(self, body: Body) -> None:
        order = self.orders[body["order_id"]]
        if order.order_id in self._activates:
            order.is_displayed = True
            self._shown += order.shown

    def _busted(self, body: Body) -> None:
        self._undo(body["ref_exec_id"])

    def _corrected(self, body: Body) -> None:
        order, found = self._trade(body["ref_exec_id"])
        before = order.shown
        order.filled += body["quantity"] - found.quantity
        self._shown += order.shown - before
        found.exec_id, found.quantity = body["exec_id"], body["quantity"]
        found.price_micros, found.fee_micros = body["price"], body["fee_micros"]

    def _forgot(self, body: Body) -> None:
        """A restart without memory: what is forgotten never trades again."""
        for exec_id in body["undone"]:
            self._undo(exec_id)
        if body["lose"] in FORGETS_COMMANDS:
            self._waiting.clear()
            self._pending.clear()
        if body["lose"] in FORGETS_ORDERS:
            for order in self.orders.values():
                if not order.ended_ns:
                    self._end(order, body["at_ns"])

    def _undo(self, exec_id: str) -> None:
        order, found = self._trade(exec_id)
        before = order.shown
        order.executions.remove(found)
        order.filled -= found.quantity
        self._shown += order.shown - before

    def _trade(self, exec_id: str) -> tuple[VenueOrder, Execution]:
        return next(
            (order, each)
            for order in self.orders.values()
            for each in order.executions
            if each.exec_id == exec_id
        )

    # --- parts ----------------------------------------------------------------------------

    def _end(self, order: VenueOrder, at_ns: Nanos) -> None:
        self._shown -= order.shown
        order.ended_ns = at_ns

    def _look(self, at_ns: Nanos) -> None:
        """When an instant is over, what it left displayed was seen."""
        if at_ns == self._instant_ns:
            return
        if self._shown > self.shown_max:
            self.shown_max, self.shown_max_ns = self._shown, self._instant_ns
        self._instant_ns = at_ns


def fold(facts: Iterable[tuple[str, Body]], lit: bool) -> VenueRecord:
    """Read facts to their end."""
    record = VenueRecord(lit)
    for name, body in facts:
        record.apply(name, body)
    record.close()
    return record


def read(journal: Path, lit: bool) -> VenueRecord:
    """Read a venue's journal from the disk. Raises JournalCorrupt."""
    return fold(
        (
            (name, msgspec.msgpack.decode(body))
            for _, turn in read_records(journal)
            for name, body in turn.facts
        ),
        lit,
    )
