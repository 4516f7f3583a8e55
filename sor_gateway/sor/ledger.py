"""The books: how orders, venues and ids move together, whoever asked for it.

Owns: every change of RouterState that touches more than one record: making, filling, doubting and
ending orders; reports and alarms about them.
May not know: which fact led to it (clients.py, reports.py, decided.py), settings, quotes.

Nothing here reads a setting: what the facts add up to does not depend on today's configuration
(recovery.md 1.1).
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.agenda import Agenda
from sor_gateway.sor.breaker import Breaker
from sor_gateway.sor.bygone import Bygone
from sor_gateway.sor.commands import Alarm, Output, Report
from sor_gateway.sor.counts import count_from
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.estimators import fills, latency
from sor_gateway.sor.estimators.hidden import Run
from sor_gateway.sor.estimators.learnt import DECAY as LEARNT_DECAY
from sor_gateway.sor.executed import price_unreported
from sor_gateway.sor.orders import (
    CHILD_OVER,
    END_EVENTS,
    Child,
    ChildEvent,
    Flight,
    Parent,
    ParentEvent,
    Request,
    Work,
)
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import (
    ID_DIGITS,
    NANOS_PER_SECOND,
    ChildState,
    Liquidity,
    Micros,
    Nanos,
    OrdType,
    Reason,
    ReportKind,
    Shares,
    TimeInForce,
)
from sor_gateway.sor.venues import VenueState

ASKED_AT_ONCE_MAX: Final = 3
"""A doubt that grows is asked about at once this often; then with the back-off of an unanswered
question: a venue whose very answers put its orders in doubt would be asked at wire speed."""
DARK: Final = "dark"
"""The tactic whose children make a dark wave."""
SWEEP: Final = "sweep"
"""The tactic that takes displayed quantity."""
SPRAY: Final = "spray"
"""The tactic that shows small orders."""


class Ledger:
    """State and agenda, and the moves that keep them true to each other."""

    def __init__(self, state: RouterState) -> None:
        self.state: Final = state
        self.agenda: Final = Agenda()
        self.bygone: Final = Bygone(state)
        self.counts = count_from(state)
        self.resting: Final[dict[str, Nanos]] = {
            name: venue.breaker.until_ns
            for name, venue in state.venues.items()
            if venue.breaker is not None and venue.breaker.until_ns and not venue.is_trying
        }
        """Venues whose breaker is open, and until when: scheduling, like the agenda."""
        for parent_id in state.open_parents:
            self.agenda.follow(state.parents[parent_id].symbol, parent_id)

    # --- ids ------------------------------------------------------------------------------

    def next_order_id(self, prefix: str) -> str:
        """The id that the next order, child, cancel or status request must carry."""
        return prefix + str(self.state.ids.orders + 1).zfill(ID_DIGITS)

    def take_order_id(self, given: str, prefix: str) -> None:
        """The fact used an id: it must be the next one."""
        assert given == self.next_order_id(prefix), f"{given} is not the next id"
        self.state.ids.orders += 1
        assert self.state.ids.left >= 0, f"{given} is beyond the reserved ids"

    def next_report_id(self, prefix: str = "E") -> str:
        """Take the id of a report."""
        ids = self.state.ids
        ids.reports += 1
        assert ids.left >= 0, f"report {ids.reports} is beyond the reserved ids"
        return prefix + str(ids.reports).zfill(ID_DIGITS)

    # --- finding --------------------------------------------------------------------------

    def venue(self, name: str) -> VenueState:
        """A venue's state; a fresh one for a venue never heard of."""
        venue = self.state.venues.get(name)
        if venue is None:
            venue = self.state.venues[name] = VenueState()
        return venue

    def find_parent(self, client: str, cl_ord_id: str) -> Parent | None:
        """The parent that a client's ClOrdID ever stood for."""
        parent_id = self.state.cl_ord_ids.get(client, {}).get(cl_ord_id)
        return None if parent_id is None else self.state.parents[parent_id]

    def find_child(self, venue: str, child_id: str) -> Child | None:
        """Our child at that venue; None when it is not ours, or was sent to another venue."""
        child = self.state.children.get(child_id)
        return child if child is not None and child.venue == venue else None

    # --- telling --------------------------------------------------------------------------

    def report(self, parent: Parent, kind: ReportKind, at_ns: Nanos, prefix: str = "E") -> Report:
        """A report of how the parent stands; the caller adds what is special about it."""
        return Report(
            parent.client,
            kind,
            self.next_report_id(prefix),
            parent.parent_id,
            parent.cl_ord_id,
            "",
            parent.symbol,
            parent.side,
            parent.quantity,
            parent.ord_type,
            parent.limit_micros,
            parent.time_in_force,
            parent.state,
            parent.cum_quantity,
            parent.leaves_quantity,
            parent.cum_value_micros,
            at_ns,
            parent.account,
            parent.echo,
            suspended=parent.work is not None and bool(parent.work.suspended),
        )

    def answer(self, parent: Parent, request: Request, kind: ReportKind, at_ns: Nanos) -> Report:
        """A report that answers a cancel or replace request (FIX: 11 the request's, 41 the
        order's)."""
        report = self.report(parent, kind, at_ns)
        report.cl_ord_id = request.cl_ord_id
        report.orig_cl_ord_id = parent.cl_ord_id
        report.echo = parent.echo | request.echo
        return report

    def refuse_request(
        self, parent: Parent, at_ns: Nanos, reason: Reason, text: str
    ) -> list[Output]:
        """The request under way is refused; the order stands as its state says."""
        request, parent.request = parent.request, None
        assert request is not None
        kind = ReportKind.REPLACE_REFUSED if request.is_replace else ReportKind.CANCEL_REFUSED
        report = self.answer(parent, request, kind, at_ns)
        report.reason, report.text = reason, text
        return [report]

    def alarm(self, at_ns: Nanos, code: str, text: str, child: Child) -> Alarm:
        """An alarm about a child."""
        return Alarm(at_ns, code, text, child.venue, child.parent_id, child.child_id)

    # --- parents --------------------------------------------------------------------------

    def settle(self, parent: Parent) -> None:
        """After any change: a parent that is over with no open child leaves the open ones."""
        if parent.is_over:
            if parent.work is not None:
                self.counts.parents_ended[parent.state] += 1
                self.learn_hidden(parent.symbol, parent.work.dark_rest())
                self._learn_probing(parent.symbol, parent.work)
                parent.work = None
            if not parent.children:
                self.state.open_parents.pop(parent.parent_id, None)
                self.bygone.ended(parent.parent_id)
                self.agenda.forget(parent.parent_id, parent.symbol)

    def close_dark_wave(self, parent: Parent, *, judged: bool) -> None:
        """The dark wave of a parent is over: what it showed is learnt, if it ran its time."""
        assert parent.work is not None
        self.learn_hidden(parent.symbol, parent.work.close_dark_wave(judged))

    def learn_hidden(self, symbol: str, runs: dict[str, Run]) -> None:
        """By venue, hidden size that was met."""
        for venue, run in runs.items():
            self.state.hidden.observe(symbol, venue, run)

    def _learn_probing(self, symbol: str, work: Work) -> None:
        """What an order met in the dark."""
        for name, venue in work.dark.items():
            if venue.filled_ever:
                here, pooled, _ = self.state.learnt.of(name, symbol)
                for learnt in (here, pooled):
                    learnt.probed.observe(float(venue.is_probed), LEARNT_DECAY)

    # --- children -------------------------------------------------------------------------

    def launch(self, child: Child, flight: Flight) -> None:
        """A child becomes open: it counts as exposure until it is proved over."""
        parent = self.state.parents[child.parent_id]
        if parent.is_over:
            self.bygone.lives(parent.parent_id)
        child.flight = flight
        parent.children[child.child_id] = None
        parent.exposure += child.leaves_quantity
        self.venue(child.venue).children[child.child_id] = None
        self.counts.venue(child.venue).pending += not flight.answered
        self.state.open_parents[parent.parent_id] = None
        self.agenda.follow(parent.symbol, parent.parent_id)

    def land(self, child: Child, at_ns: Nanos, *, unasked: bool = False) -> None:
        """A child is over: it counts no more, and the venue's estimate learns from it. `unasked`:
        the venue cancelled what was to rest there."""
        flight = child.flight
        assert flight is not None
        assert child.state in CHILD_OVER
        parent, venue = self.state.parents[child.parent_id], self.venue(child.venue)
        parent.exposure -= child.leaves_quantity
        counts = self.counts.venue(child.venue)
        counts.ended[child.state] += 1
        counts.pending -= not flight.answered
        counts.doubted.pop(child.child_id, None)
        counts.round_trips.observe(at_ns - flight.planned_ns)
        child.flight = None
        del parent.children[child.child_id]
        del venue.children[child.child_id]
        if child.state is not ChildState.RELEASED and (flight.tactic != SPRAY or unasked):
            # A displayed order is pulled when the market moves: that it did not fill then says
            # nothing about what the venue has for an order that takes. One that the venue gave back
            # unasked does.
            fills.observe(venue.fills, child.cum_quantity, child.quantity)
        if child.state is not ChildState.RELEASED:
            rejected = child.state is ChildState.REJECTED
            here, pooled, _ = self.state.learnt.of(child.venue, parent.symbol)
            here.ended(child.cum_quantity, child.quantity, rejected)
            pooled.ended(child.cum_quantity, child.quantity, rejected)
        if venue.breaker is not None:
            venue.breaker.forgotten(child.child_id)
        if parent.work is not None:
            rejects = parent.work.rejects
            if child.state is ChildState.REJECTED:
                rejects[child.venue] = rejects.get(child.venue, 0) + 1
            elif rejects:
                rejects.pop(child.venue, None)
            if flight.tactic == DARK and flight.wave == parent.work.dark_wave:
                parent.work.dark_open -= 1
                refused = child.state is ChildState.REJECTED and not child.cum_quantity
                if refused or child.state is ChildState.RELEASED:
                    # It was never there to be filled: no evidence of what the venue holds.
                    parent.work.dark[child.venue].sent -= child.quantity
        assert parent.exposure >= 0
        self.agenda.due(parent.parent_id)
        self.settle(parent)

    def end(
        self, child: Child, how: ChildState, at_ns: Nanos, *, unasked: bool = False
    ) -> list[Output]:
        """The venue says that it is over. A repeated or contradicting end changes nothing."""
        revived = self.revive(child, at_ns, f"reported {how.value}")
        child.move(END_EVENTS[how])
        if child.flight is not None and child.state in CHILD_OVER:
            self.land(child, at_ns, unasked=unasked)
        return revived

    def answered(self, child: Child, at_ns: Nanos) -> None:
        """The venue spoke about the child for the first time: what its speed is learnt from; and
        the question of its doubt is asked anew after each report of it (recovery.md 3.5)."""
        flight = child.flight
        if flight is None:
            return
        if not flight.answered:
            flight.answered = True
            took_ns = max(0, at_ns - flight.planned_ns)  # a wall clock may step back
            venue = self.venue(child.venue)
            latency.observe(venue.latency, took_ns)
            venue.answers.observe(took_ns)
            counts = self.counts.venue(child.venue)
            counts.pending -= 1
            counts.answers.observe(took_ns)
            self._start_box(child, flight, took_ns)
        if flight.doubt is not None:
            flight.doubt.voided_epoch = 0  # it arrived after all
            flight.doubt.unknown = False
            if not flight.doubt.request_id:
                flight.doubt.asked_ns = flight.doubt.tries = 0
                self.agenda.due(child.parent_id)

    def _start_box(self, child: Child, flight: Flight, took_ns: Nanos) -> None:
        """A time box runs from the venue's first word: the way there is not part of it."""
        if flight.pull_at_ns:
            flight.pull_at_ns += took_ns
            work = self.state.parents[child.parent_id].work
            if work is not None and flight.tactic == DARK and flight.wave == work.dark_wave:
                work.dark_ends_ns = max(work.dark_ends_ns, flight.pull_at_ns)

    def doubt(self, child: Child, cause: str, at_ns: Nanos) -> Doubt | None:
        """The child may not be what we think: an answer under way proves nothing any more. None for
        a child that is over."""
        flight = child.flight
        if flight is None:
            return None
        if flight.doubt is None:
            flight.doubt = Doubt(cause, at_ns)
            self.counts.venue(child.venue).doubted[child.child_id] = at_ns
        doubt = flight.doubt
        doubt.cause = cause
        doubt.request_id = ""
        doubt.alone = False
        if doubt.tries < ASKED_AT_ONCE_MAX:
            doubt.asked_ns = 0
        doubt.unknown = False
        self.agenda.due(child.parent_id)
        return doubt

    def believe(self, child: Child) -> None:
        """The venue said that the child lives: a doubt is over."""
        flight, counts = child.flight, self.counts.venue(child.venue)
        assert flight is not None
        counts.pending -= not flight.answered
        counts.doubted.pop(child.child_id, None)
        flight.answered, flight.doubt = True, None

    def revive(self, child: Child, at_ns: Nanos, how: str) -> list[Output]:
        """A report of a released child: it reached the venue after all. It counts again, in
        doubt, until status says otherwise (recovery.md 3.1)."""
        if child.state is not ChildState.RELEASED:
            return []
        child.move(ChildEvent.ACCEPT)
        self._relaunch(child, f"{how} after it was released", at_ns)
        text = f"{child.child_id} was released and is {how} by {child.venue}"
        return [self.alarm(at_ns, "released-child-lives", text, child)]

    def reopen(self, child: Child, at_ns: Nanos) -> list[Output]:
        """The venue works an order again that was over: a bust gave it shares back; or it was said
        to be over in words that cannot be true. It is open, in doubt, until status says."""
        if child.state not in CHILD_OVER:
            return []
        before = child.state
        child.move(ChildEvent.REOPEN)
        if child.flight is not None:
            self.doubt(child, "it was filled in a way that cannot be", at_ns)
            return []
        self._relaunch(child, f"it was {before.value} and the venue works it again", at_ns)
        text = f"{child.child_id} was {before.value} and is open again at {child.venue}"
        return [self.alarm(at_ns, "child-reopened", text, child)]

    def contradicted(self, child: Child, text: str, at_ns: Nanos, cum: Shares) -> list[Output]:
        """The venue said two things that cannot both be: the child is in doubt, status decides. One
        that is over is opened for that when the venue's total shows that executions are missing."""
        out: list[Output] = [self.alarm(at_ns, "contradicting-report", text, child)]
        if child.flight is None and cum > child.cum_quantity:
            out += self.reopen(child, at_ns)
        self.doubt(child, f"contradicting reports: {text}", at_ns)
        return out

    def _relaunch(self, child: Child, cause: str, at_ns: Nanos) -> None:
        flight = Flight(OrdType.LIMIT, TimeInForce.DAY, "", 0, at_ns, 0, answered=True)
        self.launch(child, flight)
        self.doubt(child, cause, at_ns)

    # --- venues ---------------------------------------------------------------------------

    def rejected(self, child: Child, at_ns: Nanos) -> list[Output]:
        """The venue rejected a child: too many in a row, and it rests."""
        venue = self.venue(child.venue)
        if venue.breaker is None:
            venue.breaker = Breaker()
        if not venue.breaker.rejected(child.child_id, at_ns):
            return []
        self.resting[child.venue] = venue.breaker.until_ns
        seconds = (venue.breaker.until_ns - at_ns) // NANOS_PER_SECOND
        text = f"it rejects everything: no order for {seconds} s, then one to try"
        return [self.alarm(at_ns, "venue-rests", text, child)]

    def took(self, child: Child) -> None:
        """The venue answered a child in any other way than by a rejection."""
        breaker = self.venue(child.venue).breaker
        if breaker is not None and breaker.taken(child.child_id):
            self.all_due()

    def quarantine(self, child: Child, why: str, at_ns: Nanos) -> list[Output]:
        """The venue reports what cannot be: no order goes there until the operator lets it, and
        what is open there is pulled."""
        venue = self.venue(child.venue)
        if venue.quarantine:
            return []
        venue.quarantine = f"in quarantine: {why}"
        for child_id in venue.children:
            self.agenda.due(self.state.children[child_id].parent_id)
        return [self.alarm(at_ns, "venue-quarantined", why, child)]

    def all_due(self) -> None:
        """Something changed that every open parent may want to use."""
        for parent_id in self.state.open_parents:
            self.agenda.due(parent_id)

    # --- executions -----------------------------------------------------------------------

    def book(
        self, child: Child, quantity: Shares, price: Micros, at_ns: Nanos, prefix: str = "E"
    ) -> tuple[Report, list[Output]]:
        """Shares were executed: both orders move, in one step. The report, not yet dressed with
        the venue's words, and alarms about what the venue should not have done."""
        parent = self.state.parents[child.parent_id]
        alarms = self.revive(child, at_ns, "filled")
        late = child.flight is None
        before = child.leaves_quantity
        if not child.cum_quantity and child.flight is not None:
            took_ns = float(max(0, at_ns - child.flight.planned_ns))
            here, pooled, _ = self.state.learnt.of(child.venue, parent.symbol)
            here.first_fill_ns.observe(took_ns, LEARNT_DECAY)
            pooled.first_fill_ns.observe(took_ns, LEARNT_DECAY)
        child.cum_quantity += quantity
        child.cum_value_micros += quantity * price
        parent.exposure -= before - child.leaves_quantity
        parent.cum_quantity += quantity
        parent.cum_value_micros += quantity * price
        filled_child = child.cum_quantity >= child.quantity
        child.move(ChildEvent.FILL_ALL if filled_child else ChildEvent.FILL)
        filled_parent = parent.cum_quantity >= parent.quantity
        parent.move(ParentEvent.FILL_ALL if filled_parent else ParentEvent.FILL)
        self._count_dark_fill(parent, child, quantity)
        report = self.report(parent, ReportKind.FILL, at_ns, prefix)
        report.last_quantity, report.last_price_micros = quantity, price
        report.venue_order_id = child.flight.venue_order_id if child.flight else ""
        if late:
            text = f"{quantity} at {child.venue} for {child.child_id}, which is {child.state.value}"
            alarms.append(self.alarm(at_ns, "late-fill", text, child))
        if child.cum_quantity > child.quantity or parent.cum_quantity > parent.quantity:
            text = (
                f"{child.child_id} has {child.cum_quantity} of {child.quantity}, "
                f"{parent.parent_id} has {parent.cum_quantity} of {parent.quantity}"
            )
            alarms.append(self.alarm(at_ns, "over-fill", text, child))
        if parent.excess:
            self.agenda.due(parent.parent_id)
            text = f"{parent.excess} more than is left may fill: pulling children"
            alarms.append(self.alarm(at_ns, "excess-exposure", text, child))
        return report, alarms

    def after_fill(self, child: Child, at_ns: Nanos) -> list[Output]:
        """Once the fill is reported: ends that follow from it, and a request that came too late."""
        parent = self.state.parents[child.parent_id]
        if child.flight is not None and child.state in CHILD_OVER:
            self.land(child, at_ns)
        out: list[Output] = []
        if parent.is_over:
            if parent.request is not None:
                out = self.refuse_request(parent, at_ns, Reason.TOO_LATE, "the order is filled")
            if parent.children:
                self.agenda.due(parent.parent_id)
            self.settle(parent)
        return out

    def book_unreported(
        self, child: Child, through: Shares, price: Micros, at_ns: Nanos
    ) -> list[Output]:
        """The venue's total shows executions that we were never told of: they are booked now, and
        netted when their own reports come (recovery.md 3.6)."""
        start = child.cum_quantity
        report, alarms = self.book(child, through - start, price, at_ns, "Y")
        child.synthetic.append((start, through, report.exec_id))
        child.revised().told[report.exec_id] = (through - start, price)
        report.last_market, report.liquidity = child.venue, Liquidity.UNKNOWN
        report.text = "booked from the venue's total; its own report is missing"
        text = f"{through - start} of {child.child_id} were never reported; priced at {price}"
        return [
            report,
            self.alarm(at_ns, "unreported-fill", text, child),
            *alarms,
            *self.after_fill(child, at_ns),
        ]

    def _count_dark_fill(self, parent: Parent, child: Child, quantity: Shares) -> None:
        flight, work = child.flight, parent.work
        if flight is None or work is None or flight.tactic != DARK:
            return
        venue = work.dark[child.venue]
        venue.count_fill(quantity)
        if venue.is_probed and not venue.is_guarded:
            self.agenda.due(parent.parent_id)
        if flight.wave == work.dark_wave:
            venue.filled += quantity


def known_price(child: Child, through: Shares, value: Micros, beside: Micros) -> Micros:
    """The price of executions from the child's cum to `through`, which no report told of."""
    cum = (child.cum_quantity, child.cum_value_micros)
    return price_unreported(through - cum[0], value, beside, cum, child.limit_micros)
