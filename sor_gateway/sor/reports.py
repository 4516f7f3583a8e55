"""What venues say: acknowledgements, executions, ends, refusals, status, lost sessions.

Owns: the rules of recovery.md 3 for booking what is said and for telling repetition from news.
May not know: parents' routing, settings, quotes, FIX.
"""

from __future__ import annotations

from sor_gateway.sor import mass_status
from sor_gateway.sor.commands import Alarm, Output, Report
from sor_gateway.sor.conditions import forget_status
from sor_gateway.sor.denials import (
    fee_surprise,
    impossible,
    is_beyond_limit,
    is_of_other_side,
    wrong_side,
)
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.events import (
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildrenDoubted,
    ChildRestated,
    ChildStatusReported,
    ChildVoided,
    VenueClosed,
    VenueCongested,
    VenueOpened,
)
from sor_gateway.sor.executed import news_of
from sor_gateway.sor.ledger import DARK, Ledger, known_price
from sor_gateway.sor.orders import PENDING_ASKS_MAX, Child, ChildEvent
from sor_gateway.sor.types import ChildState, Micros, Nanos, OrdType, Shares, TimeInForce


def accepted(ledger: Ledger, fact: ChildAccepted) -> list[Output]:
    """The venue has it. This alone does not end a doubt (recovery.md 3.5)."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, "acknowledged")
    out = ledger.revive(child, fact.at_ns, "acknowledged")
    child.move(ChildEvent.ACCEPT)
    if child.flight is not None:
        child.flight.venue_order_id = fact.venue_order_id
        ledger.answered(child, fact.at_ns)
        ledger.took(child)
    return out


def filled(ledger: Ledger, fact: ChildFilled) -> list[Output]:
    """An execution, in the order of recovery.md 3.6: repetition, contradiction, what is missing
    before it, what of it was booked already, and the news."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        if not fact.leaves_quantity:
            mass_status.stray_ended(ledger, fact.venue, fact.child_id)
        mass_status.lost_traded(ledger, fact.venue, fact.child_id, fact.cum_quantity)
        what = f"filled {fact.quantity} at {fact.price_micros}"
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, what)
    known = child.execs.get(fact.exec_id)
    if known is not None and known[:3] == (fact.quantity, fact.price_micros, fact.cum_quantity):
        return []
    if child.revisions is not None and fact.exec_id in child.revisions.early:
        text = f"{fact.exec_id}: it was revised before it came, and is in the total"
        return [ledger.alarm(fact.at_ns, "unreported-fill-netted", text, child)]
    if fact.side is not None and is_of_other_side(ledger, child, fact.side):
        return wrong_side(ledger, child, fact)
    start = fact.cum_quantity - fact.quantity
    if known is not None or start < 0:
        says = (fact.quantity, fact.price_micros, fact.cum_quantity)
        text = f"{fact.exec_id} says {says}, before it said {known[:3] if known else 'nothing'}"
        return ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)
    out: list[Output] = []
    if owner := ledger.venue(child.venue).exec_id_owner(fact.exec_id, child.child_id):
        text = f"{fact.exec_id} was used for {owner} before"
        out.append(ledger.alarm(fact.at_ns, "exec-id-reused", text, child))
    pieces = child.net_synthetic(start, fact.cum_quantity)
    netted = sum(shares for _, shares in pieces)
    cum, is_revised = child.cum_quantity, child.is_revised
    news = news_of(fact.quantity, fact.cum_quantity, cum, netted, is_revised=is_revised)
    if max(news, 0) + netted != fact.quantity:
        text = f"{fact.exec_id} says cum {fact.cum_quantity}, known is {child.cum_quantity}"
        out += ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)
        if news <= 0 and not netted:
            return out
    ledger.answered(child, fact.at_ns)
    ledger.took(child)
    if start > child.cum_quantity:
        value = fact.avg_price_micros * fact.cum_quantity
        value -= fact.quantity * fact.price_micros if value else 0
        price = known_price(child, start, value, fact.price_micros)
        out += ledger.book_unreported(child, start, price, fact.at_ns)
    if netted:
        text = f"{fact.exec_id}: {netted} at {fact.price_micros} were booked before"
        out.append(ledger.alarm(fact.at_ns, "unreported-fill-netted", text, child))
    if news > 0:
        report, booked = _book_news(ledger, child, fact, news)
        pieces.append((report.exec_id, news))
        out += [report, *booked]
    told_id, told = pieces[-1]
    child.remember(fact.exec_id, (fact.quantity, fact.price_micros, fact.cum_quantity, told_id))
    if told != fact.quantity:
        child.revised().pieces[fact.exec_id] = pieces
    if netted and fact.cum_quantity > child.cum_quantity:
        text = f"{fact.exec_id} says cum {fact.cum_quantity}, known is {child.cum_quantity}"
        out += ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)
    return out


def _book_news(
    ledger: Ledger, child: Child, fact: ChildFilled, news: Shares
) -> tuple[Report, list[Output]]:
    if child.flight is not None and fact.venue_order_id:
        child.flight.venue_order_id = fact.venue_order_id
    report, alarms = ledger.book(child, news, fact.price_micros, fact.at_ns)
    report.last_market = fact.last_market
    report.liquidity = fact.liquidity
    report.fee_micros = fact.fee_micros
    report.venue_exec_id = fact.exec_id
    report.venue_order_id = fact.venue_order_id or report.venue_order_id
    if fact.fee_surprise_micros:
        alarms.append(fee_surprise(ledger, child, fact))
    if child.cum_quantity > child.quantity or is_beyond_limit(ledger, child, fact.price_micros):
        alarms += impossible(ledger, child, fact)
    return report, [*alarms, *ledger.after_fill(child, fact.at_ns)]


def ended(ledger: Ledger, fact: ChildEnded) -> list[Output]:
    """Over without further execution: the one report that always ends a doubt."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        mass_status.stray_ended(ledger, fact.venue, fact.child_id)
        mass_status.lost_traded(ledger, fact.venue, fact.child_id, fact.cum_quantity)
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, fact.how.value)
    value = fact.avg_price_micros * fact.cum_quantity
    out = _book_difference(ledger, child, fact.cum_quantity, value, fact.at_ns)
    ledger.answered(child, fact.at_ns)
    flight = child.flight
    if flight is None:
        return out + ledger.end(child, fact.how, fact.at_ns)
    if fact.cum_quantity < child.cum_quantity:
        out.append(_less_than_known(ledger, child, fact.cum_quantity, fact.at_ns))
    if fact.how is ChildState.REJECTED:
        text = fact.text or "without a reason"
        out.append(ledger.alarm(fact.at_ns, "child-rejected", text, child))
        out += ledger.rejected(child, fact.at_ns)
    else:
        ledger.took(child)
    unasked = (
        fact.how is ChildState.CANCELED
        and flight.time_in_force is TimeInForce.DAY
        and not flight.cancel_tries
    )
    if unasked:
        text = fact.text or "without a reason"
        out.append(ledger.alarm(fact.at_ns, "cancelled-unasked", text, child))
    return out + ledger.end(child, fact.how, fact.at_ns, unasked=unasked)


def restated(ledger: Ledger, fact: ChildRestated) -> list[Output]:
    """The venue changed a live order by itself. Fewer shares free the others, and a price within
    the limit is where the order is now. More shares than it had, or a price beyond the limit, are
    booked as they are said, for they may fill; but they cannot be, and the venue gets no more."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        mass_status.lost_traded(ledger, fact.venue, fact.child_id, fact.cum_quantity)
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, "restated")
    value = fact.avg_price_micros * fact.cum_quantity
    out = _book_difference(ledger, child, fact.cum_quantity, value, fact.at_ns)
    out += ledger.revive(child, fact.at_ns, "restated")
    if fact.cum_quantity < child.cum_quantity:  # older than what is known, or wrong: status tells
        text = f"restated with {fact.cum_quantity} executed, known is {child.cum_quantity}"
        return out + ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)
    out += ledger.reopen(child, fact.at_ns)
    flight = child.flight
    assert flight is not None
    ledger.answered(child, fact.at_ns)
    ledger.took(child)
    child.move(ChildEvent.ACCEPT)
    ledger.agenda.due(child.parent_id)
    wrong, quantity = "", fact.cum_quantity + fact.leaves_quantity
    if quantity > child.quantity:
        wrong = f"{quantity} shares, {child.quantity} were ordered"
    price = fact.limit_micros
    if price is not None and flight.ord_type is OrdType.LIMIT:
        flight.moved_micros = 0 if price == child.limit_micros else price
        if is_beyond_limit(ledger, child, price):
            wrong = f"at {price}, the limit is {child.limit_micros}"
    if quantity != child.quantity:
        out += _resize(ledger, child, quantity, fact.at_ns, fact.text)
    if wrong:
        text = f"restated to {wrong}"
        out.append(ledger.alarm(fact.at_ns, "restated-beyond-order", text, child))
        out += ledger.quarantine(child, text, fact.at_ns)
    return out


def _resize(
    ledger: Ledger, child: Child, quantity: Shares, at_ns: Nanos, why: str = ""
) -> list[Output]:
    """The venue works another quantity than we ordered: that is what may fill. What it does not
    work was never there to be filled, and says nothing of what the venue holds."""
    flight, parent = child.flight, ledger.state.parents[child.parent_id]
    assert flight is not None
    words = f"{child.quantity} became {quantity}, {child.cum_quantity} executed"
    text = f"{words}: {why}" if why else words
    out: list[Output] = [ledger.alarm(at_ns, "child-restated", text, child)]
    work = parent.work
    if work is not None and flight.tactic == DARK and flight.wave == work.dark_wave:
        work.dark[child.venue].sent += quantity - child.quantity
    before = child.leaves_quantity
    child.quantity = quantity
    parent.exposure += child.leaves_quantity - before
    ledger.agenda.due(parent.parent_id)
    if child.cum_quantity >= quantity:
        child.move(ChildEvent.FILL_ALL)
        ledger.land(child, at_ns)
    return out


def cancel_refused(ledger: Ledger, fact: ChildCancelRefused) -> list[Output]:
    """A 9 for a child still open here puts it in doubt (recovery.md 3.5). For one that is over it
    only crossed the end on the wire."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, "not cancelled")
    if child.flight is None:
        return []
    child.flight.cancel_id = ""
    words = "unknown to the venue" if not fact.known else "not cancelled"
    cause = f"{words}: {fact.text}" if fact.text else words
    ledger.doubt(child, cause, fact.at_ns)
    return [ledger.alarm(fact.at_ns, "cancel-refused", cause, child)]


def status_reported(ledger: Ledger, fact: ChildStatusReported) -> list[Output]:
    """The answer to a status request, for one child or for all."""
    out = _status(ledger, fact)
    return out + mass_status.reported(ledger, fact) if fact.of_all else out


def _status(ledger: Ledger, fact: ChildStatusReported) -> list[Output]:
    """What the venue says of one child. Whatever it answers, a larger total is booked and an end is
    an end; a doubt it ends only when it was asked after the doubt arose."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        if not fact.known:
            return []
        if fact.of_all:
            return mass_status.stray(ledger, fact)
        mass_status.lost_traded(ledger, fact.venue, fact.child_id, fact.cum_quantity)
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, "known to the venue")
    out: list[Output] = []
    if fact.known:
        value = fact.avg_price_micros * fact.cum_quantity
        out = _book_difference(ledger, child, fact.cum_quantity, value, fact.at_ns)
        out += ledger.revive(child, fact.at_ns, "known")
        if fact.how is not ChildState.REJECTED:
            ledger.took(child)
        is_agreed = child.flight is not None and fact.cum_quantity == child.cum_quantity
        if is_agreed and child.cum_quantity <= fact.quantity < child.quantity and fact.quantity:
            out += _resize(ledger, child, fact.quantity, fact.at_ns, "as its status says")
    flight = child.flight
    if flight is None:
        return out
    answers = flight.doubt is not None and _answers(flight.doubt, fact.request_id)
    if fact.known and not fact.live:
        return out + _known_over(ledger, child, fact)
    if fact.known:
        child.move(ChildEvent.ACCEPT)  # whatever it answers: the order has arrived
    if flight.doubt is None or not answers:
        return out
    flight.doubt.request_id = ""
    ledger.agenda.due(child.parent_id)
    if not fact.known:
        flight.doubt.unknown = True
        text = f"{child.venue} does not know {child.child_id} ({child.state.value} here)"
        return [*out, ledger.alarm(fact.at_ns, "child-unknown", text, child)]
    if fact.cum_quantity < child.cum_quantity:
        out.append(_less_than_known(ledger, child, fact.cum_quantity, fact.at_ns))
        if child.cum_quantity <= child.quantity:
            return out
        # More than was ordered was a lie, and now it lives: whatever is true, it has to go.
    ledger.believe(child)
    flight.checked_ns = fact.at_ns
    if fact.cancel_pending and flight.cancel_id:
        flight.cancel_ns = fact.at_ns  # its answer may take as long again, and longer each time
        flight.pending_asks += 1
        if flight.pending_asks == PENDING_ASKS_MAX:
            text = f"{child.child_id}: the cancel is pending there, and nothing more is said"
            out.append(ledger.alarm(fact.at_ns, "cancel-stuck", text, child))
    else:
        flight.cancel_id = ""  # live without 39=6 after it: that cancel is dead (recovery.md 3.7)
        flight.pending_asks = 0
    return out


def _known_over(ledger: Ledger, child: Child, fact: ChildStatusReported) -> list[Output]:
    """The venue knows the child as over. Filled with less than all is nonsense, but behind a bust:
    then the rest is over unfilled."""
    how = fact.how
    if how is ChildState.FILLED and child.cum_quantity < child.quantity:
        if child.revisions is None or not child.revisions.roots:
            text = f"filled with {fact.cum_quantity} of {child.quantity}"
            return ledger.contradicted(child, text, fact.at_ns, fact.cum_quantity)
        how = ChildState.CANCELED
    out: list[Output] = []
    if fact.cum_quantity < child.cum_quantity:
        out.append(_less_than_known(ledger, child, fact.cum_quantity, fact.at_ns))
    if how is ChildState.FILLED:
        child.move(ChildEvent.FILL_ALL)
        ledger.land(child, fact.at_ns)
        return out
    if how is ChildState.REJECTED:
        out += ledger.rejected(child, fact.at_ns)
    return out + ledger.end(child, how, fact.at_ns)


def voided(ledger: Ledger, fact: ChildVoided) -> list[Output]:
    """Its order message was gap-filled. What it proves nothing about, status must settle."""
    child = ledger.find_child(fact.venue, fact.child_id)
    if child is None:
        return _unknown_child(fact.at_ns, fact.venue, fact.child_id, "voided")
    child.voided = True
    doubt = ledger.doubt(child, "its order message was voided", fact.at_ns)
    if doubt is None or child.flight is None:
        return []
    child.flight.cancel_id = ""  # voided with its order (recovery.md 3.7)
    reported = child.state is not ChildState.PENDING_NEW
    doubt.voided_epoch = fact.epoch if fact.before_synchronised and not reported else 0
    return [ledger.alarm(fact.at_ns, "child-doubted", doubt.cause, child)]


def doubted(ledger: Ledger, fact: ChildrenDoubted) -> list[Output]:
    """Something happened to the session that may have cost reports or orders."""
    count = 0
    for child_id in fact.child_ids or list(ledger.venue(fact.venue).children):
        child = ledger.find_child(fact.venue, child_id)
        doubt = None if child is None else ledger.doubt(child, fact.cause, fact.at_ns)
        if child is None or child.flight is None or doubt is None:
            continue
        count += 1
        if fact.epoch_ended:
            child.flight.cancel_id = ""
        if fact.notes_stand:
            doubt.gapped = True
        else:
            doubt.voided_epoch = 0
    if not count:
        return []
    return [Alarm(fact.at_ns, "children-doubted", f"{count} children: {fact.cause}", fact.venue)]


def opened(ledger: Ledger, fact: VenueOpened) -> list[Output]:
    """Orders may leave again. Questions are asked anew on each connection (recovery.md 3.5)."""
    venue = ledger.venue(fact.venue)
    new_epoch = venue.epoch not in (0, fact.epoch)
    venue.is_open, venue.epoch = True, fact.epoch
    _forget_questions(ledger, fact.venue)
    for child_id in venue.children:
        flight = ledger.state.children[child_id].flight
        if new_epoch and flight is not None:
            flight.cancel_id = ""
            ledger.doubt(ledger.state.children[child_id], "a new epoch began", fact.at_ns)
    ledger.all_due()
    return []


def closed(ledger: Ledger, fact: VenueClosed) -> list[Output]:
    """No orders there for now; what is open there stays counted."""
    venue = ledger.venue(fact.venue)
    was_open, venue.is_open, venue.is_congested = venue.is_open, False, False
    forget_status(ledger, fact.venue, fact.venue)
    _forget_questions(ledger, fact.venue)
    for child_id in venue.children:
        ledger.agenda.due(ledger.state.children[child_id].parent_id)
    if not was_open or not venue.children:
        return []
    text = f"{len(venue.children)} children are open there: {fact.cause}"
    return [Alarm(fact.at_ns, "venue-closed", text, fact.venue)]


def congested(ledger: Ledger, fact: VenueCongested) -> list[Output]:
    """No new orders for a venue that does not read; once it does, whoever waits may go there."""
    venue = ledger.venue(fact.venue)
    if not venue.is_open:
        return []  # of the connection before: a closed venue has nothing to read
    venue.is_congested = fact.congested
    if fact.congested:
        text = f"{fact.waiting_bytes} bytes wait for it: no new orders until it reads"
        return [Alarm(fact.at_ns, "venue-congested", text, fact.venue)]
    ledger.all_due()
    return []


def _forget_questions(ledger: Ledger, venue: str) -> None:
    """Answers to what was asked on another connection prove nothing on this one."""
    ledger.venue(venue).forget_questions()
    for child_id in ledger.venue(venue).children:
        flight = ledger.state.children[child_id].flight
        if flight is not None and flight.doubt is not None:
            flight.doubt.forget_question()
            flight.doubt.unanswered = 0
            flight.doubt.unknown = flight.doubt.alone = False


def _answers(doubt: Doubt, request_id: str) -> bool:
    """Whether an answer belongs to the request that was sent after the doubt arose. Without an id
    in the dialect, answers come in the order of the requests: the last one is the one."""
    doubt.unanswered = max(0, doubt.unanswered - 1)
    if not doubt.request_id:
        return False
    return request_id == doubt.request_id if request_id else doubt.unanswered == 0


def _book_difference(
    ledger: Ledger, child: Child, cum: Shares, value: Micros, at_ns: Nanos
) -> list[Output]:
    if cum <= child.cum_quantity:
        return []
    price = known_price(child, cum, value, 0)
    return ledger.book_unreported(child, cum, price, at_ns)


def _less_than_known(ledger: Ledger, child: Child, cum: Shares, at_ns: Nanos) -> Alarm:
    text = f"{child.venue} says {cum} of {child.child_id} executed, {child.cum_quantity} are booked"
    return ledger.alarm(at_ns, "executed-less-than-booked", text, child)


def _unknown_child(at_ns: Nanos, venue: str, child_id: str, what: str) -> list[Output]:
    """The venue speaks of an order that we never sent there (recovery.md 1.5)."""
    text = f"{child_id} is {what} at {venue} and is not ours"
    return [Alarm(at_ns, "unknown-child", text, venue, child_id=child_id)]
