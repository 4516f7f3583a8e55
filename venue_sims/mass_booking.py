"""How the answers to requests for many orders are booked, live and in the fold alike: q and AF.

Owns: one handler a fact.
May not know: books, sockets, clocks, which orders a request means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from venue_sims.commands import Command, MassCancelReceived, MassStatusReceived
from venue_sims.facts import MassCanceled, MassStatusAnswered
from venue_sims.reports import Report
from venue_sims.words import Capacity, Reason, ReportKind, State

if TYPE_CHECKING:
    from venue_sims.state import VenueOrder, VenueState

NO_SYMBOL: Final = "[N/A]"
"""Symbol (55) of what is about none."""


class MassBooking:
    """The handlers, by fact. They are given what the memory does at every booking: take the command
    that a fact answers, stand in for an order, queue a report."""

    def __init__(
        self,
        memory: VenueState,
        answered: Callable[[str], Command],
        no_order: Callable[[str, str, str, Capacity], VenueOrder],
        report: Callable[[VenueOrder, ReportKind, int, int], Report],
    ) -> None:
        self._memory = memory
        self._answered = answered
        self._no_order = no_order
        self._report = report
        self.handlers: dict[type, Callable[[Any], None]] = {
            MassCanceled: self._on_canceled,
            MassStatusAnswered: self._on_status,
        }

    def _on_canceled(self, fact: MassCanceled) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, MassCancelReceived)
        self._memory.client(fact.session).ids.setdefault(command.cl_ord_id, "")
        orders = [self._memory.orders[order_id] for order_id in fact.order_ids]
        capacity = command.capacity or Capacity.BUY
        summary = self._no_order(fact.session, command.cl_ord_id, command.symbol, capacity)
        summary.state, summary.text = State.NEW, command.unsupported
        summary.reason = Reason.UNKNOWN_SYMBOL if fact.unknown_symbol else None
        report = self._report(summary, ReportKind.MASS_CANCELED, fact.at_ns, fact.report_at_ns)
        report.affected = list(fact.order_ids)
        report.affected_cl_ord_ids = [order.terms.cl_ord_id for order in orders]
        for order in orders:
            assert order.live
            order.state, order.text = State.CANCELED, "U: mass cancel"
            self._report(order, ReportKind.CANCELED, fact.at_ns, fact.report_at_ns)

    def _on_status(self, fact: MassStatusAnswered) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, MassStatusReceived)
        capacity = command.capacity or Capacity.BUY
        orders = [self._memory.orders[order_id] for order_id in fact.order_ids]
        kind = ReportKind.STATUS
        if not orders:
            none = self._no_order(fact.session, "", command.symbol or NO_SYMBOL, capacity)
            none.reason, none.text = Reason.UNKNOWN_ORDER, "O: no orders"
            orders, kind = [none], ReportKind.UNKNOWN
        for order in orders:
            report = self._report(order, kind, fact.at_ns, fact.report_at_ns)
            report.mass_id, report.total = command.request_id, len(fact.order_ids)
            report.last = order is orders[-1]
            if order.live:
                pending = self._memory.faults.pending
                report.state = pending.get(order.order_id, order.state)
