"""Restarts without memory (F27): what a venue's memory is without a part of it.

Owns: what is gone with what.
May not know: books, sockets, the clock. It works on what a fold found, never on a venue that runs.

The venue's journal and ledger forget nothing: they are what an auditor compares with. Trades that
nobody was told of before their orders were forgotten are taken out of the ledger: they never were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sor_gateway.fix.store import Numbers
from venue_sims.faults.facts import Lost, MemoryLost, Reset
from venue_sims.faults.memory import FaultMemory
from venue_sims.matching.invitations import Invitations
from venue_sims.words import ReportKind

if TYPE_CHECKING:
    from venue_sims.state import VenueState

_REPORTS: Final = frozenset({Lost.OUTBOUND, Lost.ORDERS, Lost.ALL})
_COMMANDS: Final = frozenset({Lost.INBOUND, Lost.ORDERS, Lost.ALL})
_ORDERS: Final = frozenset({Lost.ORDERS, Lost.ALL})
_SENT: Final = frozenset({Lost.OUTBOUND, Lost.ALL})
_NUMBERS_OUT: Final = frozenset({Lost.OUTBOUND, Lost.ORDERS, Lost.ALL})
_NUMBERS_IN: Final = frozenset({Lost.INBOUND, Lost.ORDERS, Lost.ALL})


def untold(state: VenueState, lose: Lost) -> list[str]:
    """Trades that nobody was told of and that go with their orders."""
    if lose not in _ORDERS:
        return []
    waiting = [held.report for held in state.faults.reports]
    waiting += [report for client in state.clients.values() for report in client.outbox]
    unheard = {report.exec_id for report in waiting if report.kind is ReportKind.TRADE}
    for report in sorted(waiting, key=lambda each: each.number):
        if report.kind is ReportKind.TRADE_CORRECTED and report.ref_exec_id in unheard:
            unheard.add(report.exec_id)  # it goes by this id now
    # What was taken back meanwhile stands in no ledger any more.
    return sorted(unheard & state.faults.trades.keys())


def forget(state: VenueState, numbers: dict[str, Numbers], fact: MemoryLost) -> None:
    """Take out of memory what is lost."""
    for exec_id in fact.undone:
        _undo(state, exec_id)
    for client in state.clients.values():
        if fact.lose in _REPORTS:
            client.outbox.clear()
        if fact.lose in _COMMANDS:
            client.inbound.clear()
        if fact.lose in _ORDERS:
            client.ids.clear()
            client.ids_before.clear()
    if fact.lose in _REPORTS:
        state.faults.reports.clear()
    if fact.lose in _COMMANDS:
        for held in state.held:
            state.faults.pending.pop(held.order_id, None)
        state.held.clear()
    if fact.lose in _ORDERS:
        state.orders.clear()
        state.invitations = Invitations()
        kept = [each for each in state.faults.planned if not (each.order_id or each.exec_id)]
        state.faults = FaultMemory(struck=state.faults.struck, planned=kept)
    for name, before in numbers.items():
        numbers[name] = _numbers(before, fact)


def _undo(state: VenueState, exec_id: str) -> None:
    trade = state.faults.trades[exec_id]
    ledger = state.client(state.orders[trade.order_id].session).ledger
    ledger.executions -= 1
    ledger.shares -= trade.quantity
    ledger.value_micros -= trade.quantity * trade.price
    ledger.fees_micros -= trade.fee_micros


def _numbers(before: Numbers, fact: MemoryLost) -> Numbers:
    """A session's numbers. What was sent is found by epoch and number: a new epoch, which only this
    side knows of, is how it is lost."""
    if fact.reset is Reset.FLAG:
        return Numbers(epoch=before.epoch + 1, reset_pending=True)
    low = fact.reset is Reset.LOW
    lost_out, lost_in = low and fact.lose in _NUMBERS_OUT, low and fact.lose in _NUMBERS_IN
    return Numbers(
        epoch=before.epoch + (lost_out or fact.lose in _SENT),
        next_in=_lower(before.next_in, fact.back) if lost_in else before.next_in,
        next_out=_lower(before.next_out, fact.back) if lost_out else before.next_out,
    )


def _lower(number: int, back: int) -> int:
    return max(number - back, 1) if back else 1
