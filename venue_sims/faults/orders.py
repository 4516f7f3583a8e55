"""Faults of the venue's answers to commands: refused for nothing, pending for ever, no answer.

Owns: F8, F9, F10.
May not know: FIX tags, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from venue_sims.checks import beyond
from venue_sims.commands import CancelReceived, Command, OrderReceived, ReplaceReceived
from venue_sims.faults.facts import (
    CommandHeld,
    CommandSwallowed,
    FaultPlanned,
    OrderActivated,
    OrderHeld,
    ReportDropped,
)
from venue_sims.faults.fault import CommandFault, Leaving, PlanFault, ReportFault
from venue_sims.faults.when import When, at_least, ms
from venue_sims.words import ReportKind, State

if TYPE_CHECKING:
    from venue_sims.venue import Venue


def _about(command: OrderReceived | CancelReceived | ReplaceReceived) -> str:
    """What a draw about a command goes by."""
    if isinstance(command, OrderReceived):
        return f"{command.session}|{command.terms.cl_ord_id}"
    return f"{command.session}|{command.cl_ord_id}"


@dataclass(slots=True, kw_only=True)
class RejectStormSettings(When):
    """`code`: OrdRejReason (103) of the refusals."""

    code: int = 99
    text: str = "refused for nothing, as this venue is set to"

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, 99, code=self.code)


class RejectStorm(CommandFault[RejectStormSettings]):
    """Good orders are refused all the same."""

    name, number, Settings = "reject_storm", "F10", RejectStormSettings

    def takes(self, command: Command, now: int) -> bool:  # noqa: ARG002
        """Never: an order is refused when nothing else can be said against it."""
        return False

    def refuses(self, command: OrderReceived, now: int) -> bool:
        """Whether an order that nothing can be said against is refused."""
        terms = command.terms
        return self.strikes(
            _about(command), now, terms.cl_ord_id, session=command.session, symbol=terms.symbol
        )


@dataclass(slots=True, kw_only=True)
class NoAckSettings(When):
    """`lose`: the order itself, which is then not known here, or only the answer that it is
    accepted."""

    lose: Literal["order", "ack"] = "order"


class NoAck(CommandFault[NoAckSettings], ReportFault[NoAckSettings]):
    """A new order is not answered."""

    name, number, Settings = "no_ack", "F9", NoAckSettings

    def takes(self, command: Command, now: int) -> bool:
        """Swallows an order."""
        if not isinstance(command, OrderReceived) or self.settings.lose != "order":
            return False
        terms, session = command.terms, command.session
        about = _about(command)
        if not self.strikes(about, now, terms.cl_ord_id, session=session, symbol=terms.symbol):
            return False
        self._trading.fact(CommandSwallowed(now, command.session))
        return True

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """Drops the acknowledgement."""
        report = leaving[0].report
        if self.settings.lose != "ack" or report.kind is not ReportKind.NEW:
            return leaving
        symbol = report.terms.symbol
        about = f"{session}|{report.terms.cl_ord_id}"
        if not self.strikes(about, now, report.order_id, session=session, symbol=symbol):
            return leaving
        self._trading.fact(ReportDropped(now, session, report.number))
        return []


@dataclass(slots=True, kw_only=True)
class StuckPendingSettings(When):
    """`kind` of request that is answered as pending; after `ms` it is dealt with, 0: never."""

    kind: Literal["new", "cancel", "replace"] = "cancel"
    ms: int = 0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, ms=self.ms)


_KINDS: dict[str, type[CancelReceived | ReplaceReceived]] = {
    "cancel": CancelReceived,
    "replace": ReplaceReceived,
}


class StuckPending(CommandFault[StuckPendingSettings], PlanFault[StuckPendingSettings]):
    """A request is pending, and then nothing more is heard of it."""

    name, number, Settings = "stuck_pending", "F8", StuckPendingSettings

    def takes(self, command: Command, now: int) -> bool:
        """Answers with Pending Cancel or Pending Replace."""
        wanted = _KINDS.get(self.settings.kind)
        if wanted is None or not isinstance(command, wanted):
            return False
        state, session = self._trading.state, command.session
        order = state.order_meant(session, command.orig_cl_ord_id)
        used = command.cl_ord_id in state.client(session).ids
        if order is None or not order.live or used:
            return False
        symbol, about = order.terms.symbol, _about(command)
        if not self.strikes(about, now, order.order_id, session=session, symbol=symbol):
            return False
        until = now + ms(self.settings.ms) if self.settings.ms else 0
        at = self._trading.leaves_at(session, now)
        self._trading.fact(CommandHeld(now, at, session, order.order_id, until))
        return True

    def holds_order(self, command: OrderReceived, order_id: str, now: int) -> bool:
        """Whether it answers an order that could be accepted with Pending New."""
        session, symbol = command.session, command.terms.symbol
        if self.settings.kind != "new" or not self.strikes(
            _about(command), now, order_id, session=session, symbol=symbol
        ):
            return False
        at = self._trading.leaves_at(session, now)
        self._trading.fact(OrderHeld(now, at, session, order_id))
        if self.settings.ms:
            due = now + ms(self.settings.ms)
            self._trading.fact(FaultPlanned(now, due, self.name, order_id=order_id))
        return True

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """The pending order comes into the book, unless it was cancelled meanwhile; where it cannot
        come in now, it is cancelled."""
        trading = venue.trading
        order = trading.state.orders.get(plan.order_id)
        if order is None or order.state is not State.PENDING_NEW:
            return
        symbol = order.terms.symbol
        floor = trading.refer(symbol, now)
        entering = trading.to_match(order.order_id, order.terms, order.leaves, order.session)
        terms, bands = order.terms, trading.state.bands.get(symbol)
        outside = bands is not None and beyond(terms.capacity, terms.price, bands)
        if outside or not trading.state.trades(symbol) or floor.refusal(entering) is not None:
            venue.cancel(order.order_id, "U: it cannot come into the book now", now)
            return
        at = trading.leaves_at(order.session, now)
        trading.fact(OrderActivated(now, at, order.order_id))
        lifetime = venue.requests.bounded(entering, terms)
        events = floor.enter(entering, lifetime, trading.clock.market(now))
        trading.book(symbol, events, now)
        trading.plan(symbol, floor)
