"""What the operator and the process say: kill switch, stop, restart, reserved ids.

Owns: their effect on all orders at once. May not know: settings, quotes, signals, files.
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.conditions import forget_all_status
from sor_gateway.sor.disputes import DisputeSettled
from sor_gateway.sor.events import (
    FlowStopped,
    IdsReserved,
    KillSwitched,
    Restarted,
)
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Parent
from sor_gateway.sor.outages import OrdersReleased, OutageEnded
from sor_gateway.sor.types import NANOS_PER_SECOND, ParentState, ReportKind


def kill_switched(ledger: Ledger, fact: KillSwitched) -> list[Output]:
    """On: every working order ends as if cancelled by the operator, new ones are refused. Off: new
    ones are taken again, and a suspect journal tail is accepted; what was ended stays ended."""
    state = ledger.state
    state.killed = (fact.reason or "kill switch") if fact.on else ""
    if not fact.on:
        state.suspect, state.unproved = False, ""
    for parent_id in state.open_parents:
        parent = state.parents[parent_id]
        ledger.agenda.due(parent_id)
        if fact.on and parent.work is not None and parent.state is not ParentState.RECEIVED:
            parent.work.closing = f"kill switch: {fact.reason}"
    text = f"{'on' if fact.on else 'off'}: {fact.reason}"
    return [Alarm(fact.at_ns, "kill-switch", text)]


def flow_stopped(ledger: Ledger, fact: FlowStopped) -> list[Output]:
    """Children are pulled, parents stay. A dark wave cut short proves nothing."""
    ledger.state.stopped = fact.reason or "stopped"
    for parent_id in ledger.state.open_parents:
        work = ledger.state.parents[parent_id].work
        if work is not None:
            work.close_dark_wave(judged=False)
        ledger.agenda.due(parent_id)
    return []


def outage_ended(ledger: Ledger, fact: OutageEnded) -> list[Output]:
    """No burst to catch up: time stood still for each order of the client. Those that are to rest
    do so until they are released; a pending cancel goes on all the same."""
    away = f"the gateway was away for {fact.away_ns // NANOS_PER_SECOND} s"
    out: list[Output] = []
    for parent in _open_of(ledger, fact.client):
        assert parent.work is not None
        parent.work.stand_still(fact.away_ns)
        for child_id in parent.children:
            flight = ledger.state.children[child_id].flight
            if flight is not None and flight.pull_at_ns:
                flight.pull_at_ns += fact.away_ns
        rests = parent.state in (ParentState.WORKING, ParentState.PENDING_REPLACE)
        if fact.suspend and rests and not (parent.work.suspended or parent.work.closing):
            parent.work.suspended = f"suspended: {away}"
            parent.work.close_dark_wave(judged=False)
            report = ledger.report(parent, ReportKind.SUSPENDED, fact.at_ns)
            report.text = parent.work.suspended
            out.append(report)
    if out:
        text = f"{len(out)} orders of {fact.client} rest until they are released: {away}"
        out.append(Alarm(fact.at_ns, "orders-suspended", text))
    return out


def orders_released(ledger: Ledger, fact: OrdersReleased) -> list[Output]:
    """What rests goes on."""
    out: list[Output] = []
    for parent in _open_of(ledger, fact.client):
        assert parent.work is not None
        if parent.work.suspended:
            parent.work.suspended = ""
            report = ledger.report(parent, ReportKind.RELEASED, fact.at_ns)
            report.text = f"released: {fact.reason}"
            out.append(report)
    return out


def dispute_settled(ledger: Ledger, fact: DisputeSettled) -> list[Output]:
    """The client's books and ours are one again."""
    disputes = ledger.state.disputes.get(fact.client, {})
    if disputes.pop(fact.exec_id, None) is None:
        return []
    text = f"{fact.exec_id} of {fact.client}: {fact.reason}"
    return [Alarm(fact.at_ns, "dispute-settled", text)]


def _open_of(ledger: Ledger, client: str) -> list[Parent]:
    """The client's orders that are worked on; each is due."""
    state = ledger.state
    parents = [state.parents[parent_id] for parent_id in state.open_parents]
    found = [each for each in parents if each.client == client and each.work is not None]
    for parent in found:
        ledger.agenda.due(parent.parent_id)
    return found


def restarted(ledger: Ledger, fact: Restarted) -> list[Output]:
    """A new process: no session lives, and what one told holds no more; no question is under way;
    ids skip to a fresh block."""
    state = ledger.state
    state.ids.orders = state.ids.reports = state.ids.reserved_through
    state.stopped = ""
    for venue in state.venues.values():
        venue.is_open = venue.is_congested = False
        venue.forget_questions()
        venue.has_listed = venue.has_listed and not fact.tail_suspect
    forget_all_status(state)
    for parent_id in state.open_parents:
        ledger.agenda.due(parent_id)
    count = _doubt_all(ledger, fact)
    if not fact.tail_suspect:
        return []
    state.suspect = True
    text = (
        f"the machine restarted (boot {fact.boot_id}): the end of the journal may be lost; "
        f"{count} children in doubt, no new ones until each venue told all its orders of the day "
        "(AF) or the kill switch is released"
    )
    return [Alarm(fact.at_ns, "journal-tail-suspect", text)]


def _doubt_all(ledger: Ledger, fact: Restarted) -> int:
    """Forget what was asked; with a suspect tail, or without the books, doubt every open child."""
    cause = "the journal's tail may be lost" if fact.tail_suspect else ""
    cause = cause or ("the journal could not be folded" if fact.unfolded else "")
    count = 0
    for venue in ledger.state.venues.values():
        for child_id in venue.children:
            child = ledger.state.children[child_id]
            assert child.flight is not None
            if cause:
                ledger.doubt(child, cause, fact.at_ns)
                count += 1
            elif child.flight.doubt is not None:
                child.flight.doubt.forget_question()
                child.flight.doubt.unanswered = 0
                child.flight.doubt.unknown = child.flight.doubt.alone = False
    return count


def ids_reserved(ledger: Ledger, fact: IdsReserved) -> list[Output]:
    """A block of ids may be used."""
    ids = ledger.state.ids
    assert fact.through >= ids.reserved_through, "reserved ids never shrink"
    ids.reserved_through = fact.through
    return []
