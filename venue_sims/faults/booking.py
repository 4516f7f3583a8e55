"""How the facts of faults are booked into the venue's memory, live and in the fold alike.

Owns: one handler a fact.
May not know: books, faults' settings, sockets, clocks.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from venue_sims.commands import CancelReceived, Command, OrderReceived, ReplaceReceived, Terms
from venue_sims.faults.facts import (
    CommandHeld,
    CommandReturned,
    CommandSwallowed,
    FaultPlanned,
    FaultSet,
    FaultStruck,
    LateExecuted,
    OrderActivated,
    OrderHeld,
    OrderRenamed,
    PlanDone,
    ReportDropped,
    ReportHeld,
    ReportReleased,
    TradeBusted,
    TradeCorrected,
)
from venue_sims.faults.memory import HeldCommand, HeldReport, Trade
from venue_sims.reports import Report
from venue_sims.words import ReportKind, State

if TYPE_CHECKING:
    from venue_sims.state import VenueOrder, VenueState


class FaultBooking:
    """The handlers, by fact. They are given what the memory does at every booking: take the command
    that a fact answers, add an order, queue a report."""

    def __init__(
        self,
        memory: VenueState,
        answered: Callable[[str], Command],
        add: Callable[[str, str, Terms, State], VenueOrder],
        report: Callable[[VenueOrder, ReportKind, int, int], Report],
    ) -> None:
        self._memory = memory
        self._answered = answered
        self._add = add
        self._report = report
        self.handlers: dict[type, Callable[[Any], None]] = {
            FaultSet: self._on_set,
            FaultStruck: self._on_struck,
            FaultPlanned: self._on_planned,
            PlanDone: self._on_done,
            CommandSwallowed: self._on_swallowed,
            CommandHeld: self._on_command_held,
            CommandReturned: self._on_returned,
            OrderHeld: self._on_order_held,
            OrderActivated: self._on_activated,
            LateExecuted: self._on_late,
            TradeBusted: self._on_busted,
            TradeCorrected: self._on_corrected,
            ReportHeld: self._on_report_held,
            ReportReleased: self._on_released,
            ReportDropped: self._on_dropped,
            OrderRenamed: self._on_renamed,
        }

    def _on_set(self, fact: FaultSet) -> None:
        self._memory.faults.struck.pop(fact.fault, None)

    def _on_struck(self, fact: FaultStruck) -> None:
        struck = self._memory.faults.struck
        struck[fact.fault] = struck.get(fact.fault, 0) + 1

    def _on_planned(self, fact: FaultPlanned) -> None:
        insort(self._memory.faults.planned, fact, key=lambda each: each.due_ns)

    def _on_done(self, fact: PlanDone) -> None:
        due = self._memory.faults.planned.pop(0)
        assert due.due_ns <= fact.at_ns

    # --- commands -------------------------------------------------------------------------

    def _on_swallowed(self, fact: CommandSwallowed) -> None:
        self._answered(fact.session)

    def _on_command_held(self, fact: CommandHeld) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, CancelReceived | ReplaceReceived)
        order = self._memory.orders[fact.order_id]
        cancel = isinstance(command, CancelReceived)
        state = State.PENDING_CANCEL if cancel else State.PENDING_REPLACE
        self._memory.client(fact.session).ids[command.cl_ord_id] = fact.order_id
        self._memory.faults.pending[fact.order_id] = state
        if fact.until_ns:
            held = HeldCommand(fact.session, fact.order_id, command, fact.until_ns)
            insort(self._memory.held, held, key=lambda each: each.until_ns)
        report = self._report(order, ReportKind.PENDING, fact.at_ns, fact.report_at_ns)
        report.state = state
        report.terms = replace(order.terms, cl_ord_id=command.cl_ord_id)
        report.orig_cl_ord_id = command.orig_cl_ord_id

    def _on_returned(self, fact: CommandReturned) -> None:
        held = self._memory.held.pop(0)
        assert held.until_ns <= fact.at_ns
        self._memory.faults.pending.pop(held.order_id, None)
        client = self._memory.client(held.session)
        assert isinstance(held.command, CancelReceived | ReplaceReceived)
        client.ids.pop(held.command.cl_ord_id, None)  # its answer uses the id anew
        client.inbound.appendleft(held.command)

    def _on_order_held(self, fact: OrderHeld) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, OrderReceived)
        order = self._add(fact.session, fact.order_id, command.terms, State.PENDING_NEW)
        order.accepted_ns = fact.at_ns
        if command.terms.firm_up_id:
            self._memory.invitations.answer(command.terms.firm_up_id, fact.at_ns)
        self._report(order, ReportKind.PENDING, fact.at_ns, fact.report_at_ns)

    def _on_activated(self, fact: OrderActivated) -> None:
        order = self._memory.orders[fact.order_id]
        assert order.state is State.PENDING_NEW
        order.state = State.NEW
        self._report(order, ReportKind.NEW, fact.at_ns, fact.report_at_ns)

    # --- trades ---------------------------------------------------------------------------

    def _on_late(self, fact: LateExecuted) -> None:
        order = self._memory.orders[fact.order_id]
        assert not order.live
        assert 0 < fact.quantity <= order.terms.quantity - order.cum_quantity
        trade = Trade(fact.order_id, fact.quantity, fact.price, fact.liquidity, fact.fee_micros)
        self._book(order, trade, 1)
        report = self._report(order, ReportKind.TRADE, fact.at_ns, fact.report_at_ns)
        assert report.exec_id == fact.exec_id
        self._memory.faults.trades[fact.exec_id] = trade
        self._show(report, trade)

    def _on_busted(self, fact: TradeBusted) -> None:
        trade = self._memory.faults.trades.pop(fact.ref_exec_id)
        order = self._memory.orders[trade.order_id]
        self._book(order, trade, -1)
        if order.state is State.FILLED:
            order.state = State.CANCELED  # it is over, and not filled any more
        elif order.live:
            order.state = State.PARTIALLY_FILLED if order.cum_quantity else State.NEW
        report = self._report(order, ReportKind.TRADE_CANCELED, fact.at_ns, fact.report_at_ns)
        report.ref_exec_id = fact.ref_exec_id
        self._show(report, trade)

    def _on_corrected(self, fact: TradeCorrected) -> None:
        old = self._memory.faults.trades.pop(fact.ref_exec_id)
        new = replace(old, quantity=fact.quantity, price=fact.price, fee_micros=fact.fee_micros)
        order = self._memory.orders[old.order_id]
        self._book(order, old, -1)
        self._book(order, new, 1)
        if order.state is State.FILLED and order.cum_quantity < order.terms.quantity:
            order.state = State.CANCELED
        self._memory.faults.trades[fact.exec_id] = new
        report = self._report(order, ReportKind.TRADE_CORRECTED, fact.at_ns, fact.report_at_ns)
        assert report.exec_id == fact.exec_id
        report.ref_exec_id = fact.ref_exec_id
        self._show(report, new)

    def _book(self, order: VenueOrder, trade: Trade, times: int) -> None:
        value = trade.quantity * trade.price
        order.cum_quantity += times * trade.quantity
        order.cum_value_micros += times * value
        ledger = self._memory.client(order.session).ledger
        ledger.executions += times
        ledger.shares += times * trade.quantity
        ledger.value_micros += times * value
        ledger.fees_micros += times * trade.fee_micros

    def _show(self, report: Report, trade: Trade) -> None:
        report.last_quantity, report.last_price = trade.quantity, trade.price
        report.liquidity, report.fee_micros = trade.liquidity, trade.fee_micros

    # --- reports --------------------------------------------------------------------------

    def _on_report_held(self, fact: ReportHeld) -> None:
        report = self._waiting(fact.session, fact.number)
        report.held = True
        self._memory.faults.reports.append(
            HeldReport(fact.session, report, fact.number + fact.behind, fact.until_ns)
        )

    def _on_released(self, fact: ReportReleased) -> None:
        held = next(
            each
            for each in self._memory.faults.reports
            if each.session == fact.session and each.report.number == fact.number
        )
        self._memory.faults.reports.remove(held)
        self._memory.client(fact.session).outbox.appendleft(held.report)

    def _on_dropped(self, fact: ReportDropped) -> None:
        self._waiting(fact.session, fact.number)

    def _waiting(self, session: str, number: int) -> Report:
        # In a fold the facts of a turn come before what left in it: it need not be the oldest.
        outbox = self._memory.client(session).outbox
        report = next(each for each in outbox if each.number == number)
        outbox.remove(report)
        return report

    def _on_renamed(self, fact: OrderRenamed) -> None:
        self._memory.faults.renamed[fact.order_id] = fact.shown_id
