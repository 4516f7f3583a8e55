"""Executions that cannot be ours as they were reported or corrected: the wrong side, more than was
ordered, a price beyond the limit; and fees that nobody announced.

Owns: what is called impossible, what is told to the venue, and that it gets no more orders.
May not know: how executions are booked otherwise (reports.py, ledger.py), FIX.

Shares that a venue says were traded for an order of ours are booked and reported as it says, even
beyond quantity or limit: that is what happened until the venue takes it back (F22, decisions.md).
Only one of the other side is not: it is no execution of that order. What the order itself has
executed is asked for then (H), and its total is believed.
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, DenyExecution, Output
from sor_gateway.sor.events import ChildFilled, FillRevised
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Child
from sor_gateway.sor.types import DenyReason, Micros, Side


def is_of_other_side(ledger: Ledger, child: Child, side: Side) -> bool:
    """Whether an execution of this side cannot be the child's: all sells are sells."""
    return side.is_buy != ledger.state.parents[child.parent_id].side.is_buy


def is_beyond_limit(ledger: Ledger, child: Child, price: Micros) -> bool:
    """Whether a price is worse than the child's limit."""
    if child.limit_micros is None:
        return False
    is_buy = ledger.state.parents[child.parent_id].side.is_buy
    return price > child.limit_micros if is_buy else price < child.limit_micros


def wrong_side(ledger: Ledger, child: Child, fact: ChildFilled) -> list[Output]:
    """Not booked; the order's own total decides."""
    revisions = child.revised()
    if fact.exec_id in revisions.denied:
        return []
    executed = (fact.quantity, fact.price_micros, fact.cum_quantity, "")
    revisions.deny(fact.exec_id, executed)
    text = f"{fact.exec_id}: {fact.quantity} executed on the wrong side"
    ledger.doubt(child, text, fact.at_ns)
    return _deny(ledger, child, fact, DenyReason.WRONG_SIDE, text)


def impossible(ledger: Ledger, child: Child, fact: ChildFilled | FillRevised) -> list[Output]:
    """Booked as it was reported, and not accepted."""
    if child.cum_quantity > child.quantity:
        text = f"{fact.exec_id}: {child.cum_quantity} executed of {child.quantity}"
        denied = _deny(ledger, child, fact, DenyReason.QUANTITY, text)
        return [*denied, *ledger.reopen(child, fact.at_ns)]  # nor is it sure that it is over
    text = f"{fact.exec_id}: executed at {fact.price_micros}, the limit is {child.limit_micros}"
    return _deny(ledger, child, fact, DenyReason.PRICE, text)


def fee_surprise(ledger: Ledger, child: Child, fact: ChildFilled) -> Alarm:
    """The fee is not the schedule's: booked as reported, for the accountants to dispute."""
    text = f"{fact.exec_id}: {fact.fee_surprise_micros} micros more than the schedule says"
    return ledger.alarm(fact.at_ns, "fee-surprise", text, child)


def _deny(
    ledger: Ledger,
    child: Child,
    fact: ChildFilled | FillRevised,
    reason: DenyReason,
    text: str,
) -> list[Output]:
    parent = ledger.state.parents[child.parent_id]
    if isinstance(fact, ChildFilled):
        venue_order_id = fact.venue_order_id
    else:
        venue_order_id = child.flight.venue_order_id if child.flight is not None else ""
    denial = DenyExecution(
        child.venue,
        child.child_id,
        venue_order_id,
        fact.exec_id,
        reason,
        parent.symbol,
        parent.side,
        child.quantity,
        fact.quantity,
        fact.price_micros,
        fact.at_ns,
    )
    alarm = ledger.alarm(fact.at_ns, "execution-denied", f"{reason.value}: {text}", child)
    return [denial, alarm, *ledger.quarantine(child, text, fact.at_ns)]
