"""What clients ask for: new orders, cancels, replaces, status (fix.md 3.3).

Owns: what is answered at once and what is left to the next decision.
May not know: venues, quotes, limits (risk.py), FIX.

A ClOrdID is taken by the first order or request that was not refused out of hand; a possible
resend of a taken one is answered with the order's status (recovery.md 4.3).
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, Output, Report
from sor_gateway.sor.disputes import DISPUTES_KEPT, Dispute, ExecutionDisputed
from sor_gateway.sor.events import (
    AmendUnreadable,
    CancelRequested,
    ClientDisconnected,
    ParentSubmitted,
    ParentUnreadable,
    ReplaceRequested,
    StatusRequested,
)
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Parent, ParentEvent, Request, Work
from sor_gateway.sor.types import (
    Nanos,
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)


def submitted(ledger: Ledger, fact: ParentSubmitted) -> list[Output]:
    """A new order: booked, to be accepted or refused in the decision of the same turn."""
    ledger.take_order_id(fact.parent_id, "P")
    known = ledger.find_parent(fact.client, fact.cl_ord_id)
    if known is not None and fact.poss_resend:
        return [_status(ledger, known, fact.at_ns, fact.echo)]
    parent = order_of(fact)
    parent.work = Work(duplicate=known is not None)
    state = ledger.state
    state.parents[fact.parent_id] = parent
    state.open_parents[fact.parent_id] = None
    if known is None:
        ledger.bygone.named(fact.client, fact.cl_ord_id, fact.parent_id)
    ledger.agenda.follow(fact.symbol, fact.parent_id)
    ledger.agenda.due(fact.parent_id)
    return []


def order_of(fact: ParentSubmitted) -> Parent:
    """The order that a client sent, before anything was done about it."""
    return Parent(
        fact.parent_id,
        fact.client,
        fact.cl_ord_id,
        fact.symbol,
        fact.side,
        fact.quantity,
        fact.ord_type,
        fact.limit_micros,
        fact.time_in_force,
        fact.strategy,
        fact.account,
        fact.echo,
        fact.at_ns,
        fact.sent_ns,
        expires_ns=fact.expires_ns,
        day_ends_ns=fact.day_ends_ns or fact.expires_ns,
    )


def unreadable(ledger: Ledger, fact: ParentUnreadable) -> list[Output]:
    """An order that is none: rejected, not kept."""
    ledger.take_order_id(fact.parent_id, "P")
    report = Report(
        fact.client,
        ReportKind.REJECTED,
        ledger.next_report_id(),
        fact.parent_id,
        fact.cl_ord_id,
        "",
        fact.symbol,
        fact.side,
        fact.quantity,
        OrdType.MARKET,
        None,
        TimeInForce.DAY,
        ParentState.REJECTED,
        0,
        0,
        0,
        fact.at_ns,
        echo=fact.echo,
        reason=fact.reason,
        text=fact.text,
    )
    return [report]


def cancel_requested(ledger: Ledger, fact: CancelRequested) -> list[Output]:
    """A cancel: refused at once, or pending until no child can fill."""
    known = ledger.find_parent(fact.client, fact.cl_ord_id)
    if known is not None and fact.poss_resend:
        return [_status(ledger, known, fact.at_ns, fact.echo)]
    parent = ledger.find_parent(fact.client, fact.orig_cl_ord_id)
    refusal = _refusal(known, parent, fact.orig_cl_ord_id)
    if refusal is not None:
        return [_refused(ledger, fact, parent or known, ReportKind.CANCEL_REFUSED, *refusal)]
    assert parent is not None
    request = Request(
        fact.cl_ord_id,
        False,
        fact.at_ns,
        parent.quantity,
        parent.ord_type,
        parent.limit_micros,
        fact.echo,
    )
    return _pend(ledger, parent, request)


def replace_requested(ledger: Ledger, fact: ReplaceRequested) -> list[Output]:
    """New terms: refused at once, or pending until no child conflicts with them."""
    known = ledger.find_parent(fact.client, fact.cl_ord_id)
    if known is not None and fact.poss_resend:
        return [_status(ledger, known, fact.at_ns, fact.echo)]
    parent = ledger.find_parent(fact.client, fact.orig_cl_ord_id)
    refusal = _refusal(known, parent, fact.orig_cl_ord_id)
    if refusal is not None:
        return [_refused(ledger, fact, parent or known, ReportKind.REPLACE_REFUSED, *refusal)]
    assert parent is not None
    request = Request(
        fact.cl_ord_id,
        True,
        fact.at_ns,
        fact.quantity,
        fact.ord_type,
        fact.limit_micros,
        fact.echo,
    )
    return _pend(ledger, parent, request)


def amend_unreadable(ledger: Ledger, fact: AmendUnreadable) -> list[Output]:
    """A cancel or replace that cannot be acted on."""
    parent = ledger.find_parent(fact.client, fact.orig_cl_ord_id)
    kind = ReportKind.REPLACE_REFUSED if fact.is_replace else ReportKind.CANCEL_REFUSED
    return [_refused(ledger, fact, parent, kind, fact.reason, fact.text)]


def status_requested(ledger: Ledger, fact: StatusRequested) -> list[Output]:
    """How an order stands; an order never heard of stands as rejected."""
    parent = ledger.find_parent(fact.client, fact.cl_ord_id)
    if parent is not None:
        report = _status(ledger, parent, fact.at_ns, fact.echo)
    else:
        report = _of_unknown(ledger, ReportKind.STATUS, fact.client, fact.cl_ord_id, fact.at_ns)
        report.echo = fact.echo
        report.reason = Reason.UNKNOWN_ORDER
        report.text = f"no order with ClOrdID {fact.cl_ord_id}"
    report.request_id = fact.request_id
    return [report]


def disputed(ledger: Ledger, fact: ExecutionDisputed) -> list[Output]:
    """A client denies an execution: flagged, alarmed, and nothing reversed by itself. The same
    denial again says nothing."""
    disputes = ledger.state.disputes.setdefault(fact.client, {})
    if fact.exec_id in disputes:
        return []
    parent = ledger.state.parents.get(fact.parent_id)
    is_known = parent is not None and parent.client == fact.client
    parent_id = fact.parent_id if is_known else ""
    if len(disputes) >= DISPUTES_KEPT:
        del disputes[next(iter(disputes))]
    reason = f"{fact.reason}: {fact.text}" if fact.text else fact.reason
    disputes[fact.exec_id] = Dispute(fact.at_ns, parent_id, reason)
    of = parent_id or f"{fact.parent_id}, which is no order of its"
    text = f"{fact.client} does not know {fact.exec_id} of {of}: {reason}"
    return [Alarm(fact.at_ns, "execution-disputed", text, parent_id=parent_id)]


def disconnected(ledger: Ledger, fact: ClientDisconnected) -> list[Output]:
    """Every order of the client ends as soon as no child of it can fill."""
    for parent_id in ledger.state.open_parents:
        parent = ledger.state.parents[parent_id]
        if parent.client == fact.client and parent.work is not None:
            parent.work.closing = f"the client's session ended: {fact.cause}"
            ledger.agenda.due(parent_id)
    return []


def pend_reports(ledger: Ledger, parent: Parent, at_ns: Nanos) -> list[Output]:
    """Move an accepted parent into the pending state of its request, and say so."""
    request = parent.request
    assert request is not None
    parent.move(ParentEvent.ASK_REPLACE if request.is_replace else ParentEvent.ASK_CANCEL)
    ledger.agenda.due(parent.parent_id)
    kind = ReportKind.PENDING_REPLACE if request.is_replace else ReportKind.PENDING_CANCEL
    out: list[Output] = [ledger.answer(parent, request, kind, at_ns)]
    if waits := waits_for(ledger, parent):
        text = f"{request.cl_ord_id} for {parent.parent_id} waits for {waits}"
        out.append(Alarm(at_ns, "request-waits", text, parent_id=parent.parent_id))
    return out


def _pend(ledger: Ledger, parent: Parent, request: Request) -> list[Output]:
    """The request is on. Before the pre-trade checks have passed it only waits for them."""
    parent.request = request
    ledger.bygone.named(parent.client, request.cl_ord_id, parent.parent_id)
    if parent.state is ParentState.RECEIVED:
        return []
    return pend_reports(ledger, parent, request.at_ns)


def waits_for(ledger: Ledger, parent: Parent) -> str:
    """The children that cannot be pulled now, for the operator (recovery.md 3.9)."""
    stuck = []
    for child_id in parent.children:
        child = ledger.state.children[child_id]
        assert child.flight is not None
        if child.flight.doubt is not None:
            stuck.append(f"{child_id} in doubt at {child.venue}")
        elif not ledger.venue(child.venue).is_open:
            stuck.append(f"{child_id} at {child.venue}, which is closed")
    return ", ".join(stuck)


def _refusal(known: Parent | None, parent: Parent | None, orig: str) -> tuple[Reason, str] | None:
    """Why a request cannot even become pending. 41 has to be the last accepted ClOrdID."""
    if known is not None:
        return Reason.DUPLICATE, "ClOrdID was used before"
    if parent is None:
        return Reason.UNKNOWN_ORDER, f"no order with ClOrdID {orig}"
    if parent.is_over:
        return Reason.TOO_LATE, f"the order is {parent.state.value}"
    if parent.request is not None:
        return Reason.ALREADY_PENDING, f"{parent.request.cl_ord_id} is pending"
    if parent.cl_ord_id != orig:
        return Reason.UNKNOWN_ORDER, f"{orig} was replaced by {parent.cl_ord_id}"
    return None


def _refused(
    ledger: Ledger,
    fact: CancelRequested | ReplaceRequested | AmendUnreadable,
    parent: Parent | None,
    kind: ReportKind,
    reason: Reason,
    text: str,
) -> Report:
    if parent is None:
        report = _of_unknown(ledger, kind, fact.client, fact.cl_ord_id, fact.at_ns)
    else:
        report = ledger.report(parent, kind, fact.at_ns)
        report.cl_ord_id = fact.cl_ord_id
    report.orig_cl_ord_id = fact.orig_cl_ord_id
    report.echo = fact.echo if parent is None else parent.echo | fact.echo
    report.reason, report.text = reason, text
    return report


def _status(ledger: Ledger, parent: Parent, at_ns: Nanos, echo: dict[str, str]) -> Report:
    report = ledger.report(parent, ReportKind.STATUS, at_ns)
    report.echo = parent.echo | echo
    return report


def _of_unknown(
    ledger: Ledger, kind: ReportKind, client: str, cl_ord_id: str, at_ns: Nanos
) -> Report:
    """An answer about an order that does not exist."""
    return Report(
        client,
        kind,
        ledger.next_report_id(),
        "",
        cl_ord_id,
        "",
        "",
        Side.BUY,
        0,
        OrdType.MARKET,
        None,
        TimeInForce.DAY,
        ParentState.REJECTED,
        0,
        0,
        0,
        at_ns,
    )
