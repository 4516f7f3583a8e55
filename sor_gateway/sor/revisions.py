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

from sor_gateway.sor.commands import Output
from sor_gateway.sor.events import ChildResolved, FillRevised
from sor_gateway.sor.ledger import Ledger, known_price
from sor_gateway.sor.orders import CHILD_OVER, Child, ChildEvent, Parent, ParentEvent
from sor_gateway.sor.types import ChildState, Micros, Nanos, ReportKind, Shares


def revised(ledger: Ledger, fact: FillRevised) -> list[Output]:
    """An execution is taken back or corrected. The same report again says nothing."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        return []
    known = child.revised()
    if fact.exec_id in known.roots or fact.ref_exec_id in known.denied:
        return []
    root = known.roots.get(fact.ref_exec_id, fact.ref_exec_id)
    executed = child.execs.get(root)
    if executed is None:
        text = f"{fact.exec_id} revises {fact.ref_exec_id}, which is not known"
        ledger.doubt(child, text, fact.at_ns)
        return [ledger.alarm(fact.at_ns, "revision-unknown", text, child)]
    known.roots[fact.exec_id] = root
    quantity, price = known.current.get(root, executed[:2])
    known.current[root] = (fact.quantity, fact.price_micros)
    told_id = executed[3]
    told, told_price = known.told.get(told_id, (quantity, price))
    left = told - quantity + fact.quantity
    value = (told - quantity) * told_price + fact.quantity * fact.price_micros
    left_price = (value + left // 2) // left if left else told_price
    known.told[told_id] = (left, left_price)
    shares, worth = left - told, left * left_price - told * told_price
    out = _book(ledger, child, shares, worth, fact.at_ns)
    parent = ledger.state.parents[child.parent_id]
    report = ledger.report(parent, ReportKind.CORRECTED if left else ReportKind.BUSTED, fact.at_ns)
    report.ref_exec_id, report.venue_exec_id = told_id, fact.exec_id
    report.last_quantity, report.last_price_micros = left or told, left_price
    report.last_market, report.text = child.venue, fact.text
    report.fee_micros = fact.fee_micros if left else 0
    text = (
        f"{root}: {quantity} at {price} became {fact.quantity} at {fact.price_micros}; "
        f"{parent.parent_id} is {parent.state.value} with {parent.cum_quantity}"
    )
    if fact.quantity:
        out += [report, ledger.alarm(fact.at_ns, "trade-corrected", text, child)]
    else:
        out += [report, ledger.alarm(fact.at_ns, "trade-busted", text, child)]
    if fact.leaves_quantity:
        out += ledger.reopen(child, fact.at_ns)
    return out + ledger.after_fill(child, fact.at_ns)


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
