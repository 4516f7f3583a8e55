"""What was decided, applied: the only place where a child, a cancel or a stage comes to be.

Owns: the effect of each decision fact, and the assertion at commitment (recovery.md 3.8).
May not know: why (planner.py), quotes; of the settings only the throttle's pace.
"""

from __future__ import annotations

from sor_gateway.sor import clients, mass_status
from sor_gateway.sor.commands import Alarm, AskChild, CancelChild, Output, SendChild
from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.days import DayBegan, OrdersForgotten
from sor_gateway.sor.decisions import (
    CancelGivenUp,
    ChildAssumedDead,
    ChildCancelPlanned,
    ChildCrossed,
    ChildPlanned,
    ChildReleased,
    ChildSent,
    ChildStatusPlanned,
    DayEnded,
    MarkoutsSeen,
    ParentAccepted,
    ParentClosed,
    ParentExpiring,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    RequestOverdue,
    StageMoved,
    VenueDropped,
    VenueReadmitted,
    VenueTried,
    VolatilitySeen,
    WaveStarted,
)
from sor_gateway.sor.ledger import DARK, Ledger
from sor_gateway.sor.orders import (
    REJECTS_MAX,
    Child,
    Flight,
    Parent,
    ParentEvent,
)
from sor_gateway.sor.types import (
    CROSS,
    ChildState,
    Liquidity,
    Nanos,
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Stage,
    TimeInForce,
)


def parent_accepted(ledger: Ledger, fact: ParentAccepted) -> list[Output]:
    """The order is taken; a request that came in the same turn is pending from here on."""
    parent = ledger.state.parents[fact.parent_id]
    parent.move(ParentEvent.ACCEPT)
    parent.bid_micros, parent.ask_micros = fact.bid_micros, fact.ask_micros
    out: list[Output] = [ledger.report(parent, ReportKind.NEW, fact.at_ns)]
    if parent.request is not None:
        out += clients.pend_reports(ledger, parent, fact.at_ns)
    return out


def parent_refused(ledger: Ledger, fact: ParentRefused) -> list[Output]:
    """The order is not taken. One with a used ClOrdID leaves no trace, or a client that repeats
    itself would fill the memory."""
    parent = ledger.state.parents[fact.parent_id]
    assert parent.work is not None
    duplicate = parent.work.duplicate
    parent.move(ParentEvent.REFUSE)
    report = ledger.report(parent, ReportKind.REJECTED, fact.at_ns)
    report.reason, report.text = fact.reason, fact.text
    out: list[Output] = [report]
    if parent.request is not None:
        text = "the order was rejected"
        out += ledger.refuse_request(parent, fact.at_ns, Reason.TOO_LATE, text)
    ledger.settle(parent)
    if duplicate:
        ledger.bygone.forget(fact.parent_id)
    return out


def stage_moved(ledger: Ledger, fact: StageMoved) -> list[Output]:
    """The next tier of the pecking order; a dark wave under way was judged with it."""
    parent = ledger.state.parents[fact.parent_id]
    assert parent.work is not None
    parent.work.stage, parent.work.lit_opened_ns = fact.stage, fact.at_ns
    ledger.close_dark_wave(parent, judged=True)
    return []


def venue_dropped(ledger: Ledger, fact: VenueDropped) -> list[Output]:
    """No more of this parent for this venue, for a while or for good."""
    work = ledger.state.parents[fact.parent_id].work
    assert work is not None
    work.dropped[fact.venue] = fact.why
    if fact.until_ns:
        work.back_ns[fact.venue] = fact.until_ns
    return []


def venue_readmitted(ledger: Ledger, fact: VenueReadmitted) -> list[Output]:
    """It is tried again: one more rejection, and it rests again."""
    work = ledger.state.parents[fact.parent_id].work
    assert work is not None
    del work.dropped[fact.venue], work.back_ns[fact.venue]
    work.rejects[fact.venue] = REJECTS_MAX - 1
    return []


def venue_tried(ledger: Ledger, fact: VenueTried) -> list[Output]:
    """It has rested: whoever comes first sends the order that decides."""
    breaker = ledger.venue(fact.venue).breaker
    assert breaker is not None
    breaker.tried()
    ledger.resting.pop(fact.venue, None)
    ledger.all_due()
    return []


def parent_expiring(ledger: Ledger, fact: ParentExpiring) -> list[Output]:
    """Its trading day is over."""
    work = ledger.state.parents[fact.parent_id].work
    assert work is not None
    work.closing, work.expires = "the market is closed: a Day order expires", True
    ledger.agenda.due(fact.parent_id)
    return []


def request_overdue(ledger: Ledger, fact: RequestOverdue) -> list[Output]:
    """The operator has to see what holds a client's request up (recovery.md 3.9)."""
    request = ledger.state.parents[fact.parent_id].request
    assert request is not None
    request.overdue = True
    text = f"{request.cl_ord_id} for {fact.parent_id} still waits for {fact.waits_for}"
    return [Alarm(fact.at_ns, "request-overdue", text, parent_id=fact.parent_id)]


def wave_started(ledger: Ledger, fact: WaveStarted) -> list[Output]:
    """The next round. A dark one judges the one before it."""
    parent = ledger.state.parents[fact.parent_id]
    work = parent.work
    assert work is not None
    assert fact.wave == work.wave + 1
    work.wave = fact.wave
    if fact.stage is Stage.DARK:
        ledger.close_dark_wave(parent, judged=True)
        work.dark_wave, work.dark_ends_ns = fact.wave, fact.at_ns
    else:
        work.lit_began_ns = fact.at_ns
    return []


def child_planned(ledger: Ledger, fact: ChildPlanned) -> list[Output]:
    """A child leaves."""
    parent = ledger.state.parents[fact.parent_id]
    ledger.take_order_id(fact.child_id, "C")
    assert parent.state is ParentState.WORKING, f"{parent.parent_id} is {parent.state.value}"
    assert 0 < fact.quantity <= parent.available, (
        f"{fact.child_id}: {fact.quantity} on top of cum {parent.cum_quantity} "
        f"and exposure {parent.exposure} exceed {parent.bound} of {parent.parent_id}"
    )
    assert ledger.venue(fact.venue).is_open, f"{fact.child_id} for {fact.venue}, which is closed"
    child = Child(fact.child_id, fact.parent_id, fact.venue, fact.quantity, fact.limit_micros)
    flight = Flight(
        fact.ord_type, fact.time_in_force, fact.tactic, fact.wave, fact.at_ns, fact.pull_at_ns
    )
    ledger.state.children[fact.child_id] = child
    ledger.bygone.sent(fact.child_id, fact.parent_id)
    ledger.launch(child, flight)
    if (breaker := ledger.venue(fact.venue).breaker) is not None:
        breaker.left(fact.child_id)
    if fact.tactic == DARK:
        _count_dark(parent, fact)
    if fact.leaves_ns > fact.at_ns:
        flight.leaves_ns, flight.is_iso = fact.leaves_ns, fact.is_iso
        return []
    command = _command(parent, child, flight, fact.at_ns)
    command.post_only, command.min_quantity = fact.post_only, fact.min_quantity
    command.is_iso = fact.is_iso
    return [command]


def _command(parent: Parent, child: Child, flight: Flight, at_ns: Nanos) -> SendChild:
    return SendChild(
        child.venue,
        child.child_id,
        parent.symbol,
        parent.side,
        child.quantity,
        flight.ord_type,
        child.limit_micros,
        flight.time_in_force,
        at_ns,
    )


def child_sent(ledger: Ledger, fact: ChildSent) -> list[Output]:
    """One that was held back leaves: its venue's time begins now."""
    child = ledger.state.children[fact.child_id]
    flight = child.flight
    assert flight is not None
    assert flight.leaves_ns, f"{fact.child_id} left before"
    assert ledger.venue(child.venue).is_open, f"{fact.child_id} for {child.venue}, which is closed"
    flight.leaves_ns, flight.planned_ns = 0, fact.at_ns
    command = _command(ledger.state.parents[child.parent_id], child, flight, fact.at_ns)
    command.is_iso = flight.is_iso
    return [command]


def _count_dark(parent: Parent, fact: ChildPlanned) -> None:
    """What the wave sent, against which its fills are judged."""
    work = parent.work
    assert work is not None
    assert fact.wave == work.dark_wave
    venue = work.dark.setdefault(fact.venue, DarkVenue())
    work.dark_open += 1
    work.dark_ends_ns = max(work.dark_ends_ns, fact.pull_at_ns)
    venue.sent += fact.quantity
    venue.is_guarded = fact.min_quantity > 0


def child_crossed(ledger: Ledger, fact: ChildCrossed) -> list[Output]:
    """Executed against another order of our clients: a child that is over as it begins. Nothing of
    it was exposed to anybody, so it is held to the same bound as one that leaves."""
    parent = ledger.state.parents[fact.parent_id]
    ledger.take_order_id(fact.child_id, "C")
    assert parent.state is ParentState.WORKING, f"{parent.parent_id} is {parent.state.value}"
    assert 0 < fact.quantity <= parent.available, (
        f"{fact.child_id}: {fact.quantity} on top of cum {parent.cum_quantity} "
        f"and exposure {parent.exposure} exceed {parent.bound} of {parent.parent_id}"
    )
    child = Child(fact.child_id, fact.parent_id, fact.market, fact.quantity, fact.price_micros)
    flight = Flight(OrdType.MID_PEG, TimeInForce.IOC, CROSS, 0, fact.at_ns, 0, answered=True)
    ledger.state.children[fact.child_id] = child
    ledger.bygone.sent(fact.child_id, fact.parent_id)
    ledger.launch(child, flight)
    report, alarms = ledger.book(child, fact.quantity, fact.price_micros, fact.at_ns)
    report.last_market, report.liquidity = fact.market, Liquidity.MIDPOINT
    report.venue_exec_id = fact.child_id
    return [report, *alarms, *ledger.after_fill(child, fact.at_ns)]


def child_cancel_planned(ledger: Ledger, fact: ChildCancelPlanned) -> list[Output]:
    """A cancel leaves. One that has to be repeated too often is an incident."""
    child = ledger.state.children[fact.child_id]
    flight = child.flight
    assert flight is not None
    ledger.take_order_id(fact.cancel_id, "X")
    flight.cancel_id, flight.cancel_ns = fact.cancel_id, fact.at_ns
    flight.cancel_tries += 1
    parent = ledger.state.parents[child.parent_id]
    command = CancelChild(
        child.venue,
        child.child_id,
        fact.cancel_id,
        flight.venue_order_id,
        parent.symbol,
        parent.side,
        child.quantity,
        fact.at_ns,
    )
    if flight.cancel_tries != mass_status.TRIES_ALARM:
        return [command]
    text = f"cancel {flight.cancel_tries} of {child.child_id}: {fact.why}"
    return [command, ledger.alarm(fact.at_ns, "cancel-repeated", text, child)]


def child_status_planned(ledger: Ledger, fact: ChildStatusPlanned) -> list[Output]:
    """A status request leaves. Asking because an answer is overdue is doubting."""
    child = ledger.state.children[fact.child_id]
    flight = child.flight
    assert flight is not None
    ledger.take_order_id(fact.request_id, "H")
    out: list[Output] = []
    if flight.doubt is None:
        ledger.doubt(child, fact.why, fact.at_ns)
        out.append(ledger.alarm(fact.at_ns, "child-doubted", fact.why, child))
    doubt = flight.doubt
    assert doubt is not None
    out += mass_status.asked(ledger, child, doubt, fact.request_id, fact.at_ns)
    parent = ledger.state.parents[child.parent_id]
    ask = AskChild(
        child.venue,
        child.child_id,
        fact.request_id,
        flight.venue_order_id,
        parent.symbol,
        parent.side,
        fact.at_ns,
    )
    return [ask, *out]


def day_ended(ledger: Ledger, fact: DayEnded) -> list[Output]:
    """Who may have ended a child with its day is asked before anything is done with it."""
    parent = ledger.state.parents[fact.parent_id]
    parent.day_ended = True
    for child_id in parent.children:
        child = ledger.state.children[child_id]
        assert child.flight is not None
        if child.flight.doubt is None and not child.flight.leaves_ns:
            ledger.doubt(child, "its trading day is over", fact.at_ns)
    ledger.agenda.due(fact.parent_id)
    return []


def child_assumed_dead(ledger: Ledger, fact: ChildAssumedDead) -> list[Output]:
    """It counts no more, though nobody proved it; should it fill, that is a late fill."""
    child = ledger.state.children[fact.child_id]
    assert child.flight is not None
    if (work := ledger.state.parents[child.parent_id].work) is not None:
        work.expires = True
    text = f"{child.child_id} is assumed dead at {child.venue}: {fact.why}"
    alarm = ledger.alarm(fact.at_ns, "child-assumed-dead", text, child)
    return [alarm, *ledger.end(child, ChildState.EXPIRED, fact.at_ns)]


def cancel_given_up(ledger: Ledger, fact: CancelGivenUp) -> list[Output]:
    """The client is told that its order could not be cancelled. What is in doubt stays so and
    counts; nothing new is sent until the client cancels again or an operator releases it: it wanted
    out."""
    parent = ledger.state.parents[fact.parent_id]
    work = parent.work
    assert work is not None
    parent.move(ParentEvent.REFUSE_CANCEL)
    work.suspended = fact.text
    ledger.close_dark_wave(parent, judged=False)
    out = ledger.refuse_request(parent, fact.at_ns, Reason.OTHER, fact.text)
    report = ledger.report(parent, ReportKind.SUSPENDED, fact.at_ns)
    report.text = fact.text
    ledger.agenda.due(fact.parent_id)
    alarm = Alarm(fact.at_ns, "cancel-given-up", fact.text, parent_id=fact.parent_id)
    return [*out, report, alarm]


def child_released(ledger: Ledger, fact: ChildReleased) -> list[Output]:
    """Its shares are free again."""
    child = ledger.state.children[fact.child_id]
    assert child.flight is not None
    assert child.flight.doubt is not None or child.flight.leaves_ns
    return ledger.end(child, ChildState.RELEASED, fact.at_ns)


def parent_replaced(ledger: Ledger, fact: ParentReplaced) -> list[Output]:
    """The new terms hold. What was executed cannot be taken back: a smaller quantity becomes what
    was executed, and the order is filled (decisions.md)."""
    parent = ledger.state.parents[fact.parent_id]
    request = parent.request
    assert request is not None
    assert request.is_replace
    assert not parent.children
    to_filled = request.quantity <= parent.cum_quantity
    parent.quantity = max(request.quantity, parent.cum_quantity)
    parent.ord_type, parent.limit_micros = request.ord_type, request.limit_micros
    parent.move(ParentEvent.REPLACE_TO_FILLED if to_filled else ParentEvent.REPLACE)
    report = ledger.answer(parent, request, ReportKind.REPLACED, fact.at_ns)
    parent.cl_ord_id, parent.echo, parent.request = request.cl_ord_id, report.echo, None
    _resume(ledger, parent)
    return [report]


def parent_replace_refused(ledger: Ledger, fact: ParentReplaceRefused) -> list[Output]:
    """The old terms stand."""
    parent = ledger.state.parents[fact.parent_id]
    parent.move(ParentEvent.REFUSE_REPLACE)
    out = ledger.refuse_request(parent, fact.at_ns, fact.reason, fact.text)
    _resume(ledger, parent)
    return out


def _resume(ledger: Ledger, parent: Parent) -> None:
    """After a replace the routing goes on; a dark wave that was cut short proves nothing."""
    if parent.work is not None:
        ledger.close_dark_wave(parent, judged=False)
    ledger.agenda.due(parent.parent_id)
    ledger.settle(parent)


def markouts_seen(ledger: Ledger, fact: MarkoutsSeen) -> list[Output]:
    """What fills were worth some time later."""
    for mark in fact.marks:
        value = mark.value_micros / mark.quantity
        for learnt in ledger.state.learnt.of(mark.venue, mark.symbol):
            learnt.marked(fact.horizon, value, mark.small)
    return []


def volatility_seen(ledger: Ledger, fact: VolatilitySeen) -> list[Output]:
    """How much symbols move, as it is known from here on."""
    ledger.state.volatility.update(fact.moves)
    return []


def day_began(ledger: Ledger, fact: DayBegan) -> list[Output]:
    """What ended long enough ago is to be forgotten, a part of it in each turn."""
    ledger.state.day_ends_ns = fact.ends_ns
    ledger.bygone.day_began(fact.keep_days)
    return []


def orders_forgotten(ledger: Ledger, fact: OrdersForgotten) -> list[Output]:
    """They are not known any more, nor what belongs to them."""
    for parent_id in fact.parent_ids:
        ledger.agenda.forget(parent_id, ledger.state.parents[parent_id].symbol)
        ledger.bygone.forget(parent_id)
    return []


def parent_closed(ledger: Ledger, fact: ParentClosed) -> list[Output]:
    """The order ends unfilled. Canceled is never said while a child may fill."""
    parent = ledger.state.parents[fact.parent_id]
    assert not parent.children, f"{parent.parent_id} has open children"
    assert parent.work is not None
    canceled = fact.how is ParentState.CANCELED
    is_killed = bool(parent.work.closing) and not parent.work.expires
    reason = Reason.KILL_SWITCH if is_killed else Reason.NONE
    parent.move(ParentEvent.CANCEL if canceled else ParentEvent.EXPIRE)
    kind = ReportKind.CANCELED if canceled else ReportKind.EXPIRED
    out: list[Output] = []
    request = parent.request
    if request is None or request.is_replace or not canceled:
        if request is not None:
            refusal = reason if canceled else Reason.TOO_LATE
            out = ledger.refuse_request(parent, fact.at_ns, refusal, fact.text)
        report = ledger.report(parent, kind, fact.at_ns)
    else:
        report = ledger.answer(parent, request, kind, fact.at_ns)
    report.reason, report.text = reason, fact.text
    parent.request = None
    ledger.settle(parent)
    return [*out, report]
