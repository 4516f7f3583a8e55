"""Executions that become others afterwards: busts, corrections, and the operator's word.

Owns: what a bust or correction does to child, parent and what the client was told.
May not know: routing, settings, quotes, FIX.

The client is told of a bust or correction by the ExecID that told it of the execution. Where that
told of several at once (a synthetic one, recovery.md 3.6), it is corrected to what is left of them.
A working parent routes the shares of a bust again; one that is over stays over. At the venue the
order may be open again by them, so an open child counts with them, and one that was over is opened
in doubt when the venue's report leaves something open.
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.denials import impossible, is_beyond_limit
from sor_gateway.sor.events import ChildResolved, FillRevised
from sor_gateway.sor.executed import Executed, Retold, Revisions
from sor_gateway.sor.ledger import Ledger, known_price
from sor_gateway.sor.orders import CHILD_OVER, Child, ChildEvent, Parent, ParentEvent
from sor_gateway.sor.types import ChildState, Micros, Nanos, ReportKind, Shares


def revised(ledger: Ledger, fact: FillRevised) -> list[Output]:
    """An execution is taken back or corrected. The same report again says nothing."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        text = f"{fact.child_id} is revised at {fact.venue} and is not ours"
        return [Alarm(fact.at_ns, "unknown-child", text, fact.venue, child_id=fact.child_id)]
    known = child.revised()
    if fact.exec_id in known.roots:
        return []
    root = known.roots.get(fact.ref_exec_id, fact.ref_exec_id)
    executed = child.execs.get(root) or _untold(child, known, root, fact)
    if executed is None and root in known.denied:
        return []  # it was never booked: there is nothing to take back
    known.note(fact.exec_id, root)
    out: list[Output]
    if executed is None:
        known.forestall(root)
        text = f"{fact.exec_id} revises {fact.ref_exec_id}, which is not known"
        ledger.doubt(child, text, fact.at_ns)
        out = [ledger.alarm(fact.at_ns, "revision-unknown", text, child)]
        return out + _compare(ledger, child, fact)
    out = _apply(ledger, child, fact, root, executed)
    if fact.quantity:
        is_too_much = child.cum_quantity > child.quantity
        if is_too_much or is_beyond_limit(ledger, child, fact.price_micros):
            out += impossible(ledger, child, fact)
    if fact.leaves_quantity:
        out += ledger.reopen(child, fact.at_ns)
    out += ledger.after_fill(child, fact.at_ns)
    return out + _compare(ledger, child, fact)


def _untold(child: Child, known: Revisions, root: str, fact: FillRevised) -> Executed | None:
    """An execution that was booked without its own report, by the order's total."""
    executed = known.untold(root, fact, child.synthetic, child.cum_quantity)
    if executed is not None:
        child.remember(root, executed)
    return executed


def _apply(
    ledger: Ledger, child: Child, fact: FillRevised, root: str, executed: Executed
) -> list[Output]:
    """The execution becomes what the fact says; the client is told by the ids that it knows."""
    known = child.revised()
    quantity, price = known.current.get(root, executed[:2])
    out: list[Output] = []
    for retold in known.revise(root, executed, fact):
        out += _tell(ledger, child, fact, retold)
    parent = ledger.state.parents[child.parent_id]
    text = (
        f"{root}: {quantity} at {price} became {fact.quantity} at {fact.price_micros}; "
        f"{parent.parent_id} is {parent.state.value} with {parent.cum_quantity}"
    )
    if fact.quantity:
        return [*out, ledger.alarm(fact.at_ns, "trade-corrected", text, child)]
    return [*out, ledger.alarm(fact.at_ns, "trade-busted", text, child)]


def _tell(ledger: Ledger, child: Child, fact: FillRevised, retold: Retold) -> list[Output]:
    """What the client was told by an id is something else now; both orders move by that."""
    out = _book(ledger, child, retold.shares, retold.value_micros, fact.at_ns)
    parent, left = ledger.state.parents[child.parent_id], retold.quantity
    if not left:
        ledger.state.disputes.get(parent.client, {}).pop(retold.name, None)  # nothing to deny
    report = ledger.report(parent, ReportKind.CORRECTED if left else ReportKind.BUSTED, fact.at_ns)
    report.ref_exec_id, report.venue_exec_id = retold.name, fact.exec_id
    report.last_quantity, report.last_price_micros = left or retold.before, retold.price_micros
    report.last_market, report.text = child.venue, fact.text
    report.fee_micros = fact.fee_micros if left else 0
    return [*out, report]


def _compare(ledger: Ledger, child: Child, fact: FillRevised) -> list[Output]:
    """The report's total is the venue's word on all executions: another one than ours means that
    reports are missing, and status has to tell what."""
    if fact.cum_quantity == child.cum_quantity:
        return []
    text = f"{fact.exec_id} says cum {fact.cum_quantity}, known is {child.cum_quantity}"
    return ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)


def _book(
    ledger: Ledger, child: Child, shares: Shares, worth: Micros, at_ns: Nanos
) -> list[Output]:
    """Both orders move by what was told: shares and their value, more or less than before."""
    parent = ledger.state.parents[child.parent_id]
    before = child.leaves_quantity
    child.cum_quantity += shares
    child.cum_value_micros += worth
    parent.exposure += child.leaves_quantity - before
    parent.cum_quantity += shares
    parent.cum_value_micros += worth
    if shares > 0 and child.cum_quantity >= child.quantity:
        child.move(ChildEvent.FILL_ALL)
    _move(parent, shares)
    ledger.agenda.due(parent.parent_id)
    if parent.cum_quantity <= parent.quantity:
        return []
    text = f"{parent.parent_id} has {parent.cum_quantity} of {parent.quantity} by a correction"
    return [ledger.alarm(at_ns, "over-fill", text, child)]


def _move(parent: Parent, shares: Shares) -> None:
    is_filled = parent.cum_quantity >= parent.quantity
    if shares > 0:
        parent.move(ParentEvent.FILL_ALL if is_filled else ParentEvent.FILL)
    elif shares < 0 and not is_filled:
        parent.move(ParentEvent.BUST)


def resolved(ledger: Ledger, fact: ChildResolved) -> list[Output]:
    """The operator knows what the venue does not say: what was executed, and that it is over. What
    it should say later all the same is booked, and alarmed."""
    child = ledger.state.children[fact.child_id]
    flight = child.flight
    if flight is None:
        return []  # its end came in the very turn
    out: list[Output] = []
    if fact.cum_quantity > child.cum_quantity:
        price = fact.price_micros or known_price(child, fact.cum_quantity, 0, 0)
        out = ledger.book_unreported(child, fact.cum_quantity, price, fact.at_ns)
    text = f"{fact.cum_quantity} executed and no more: {fact.reason}"
    out.append(ledger.alarm(fact.at_ns, "child-resolved", text, child))
    if child.state not in CHILD_OVER:
        how = ChildState.CANCELED if child.cum_quantity else ChildState.RELEASED
        out += ledger.end(child, how, fact.at_ns)
    return out
