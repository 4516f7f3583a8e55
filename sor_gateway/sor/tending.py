"""The open children of a parent: which to pull, which to ask about, which to let go.

Owns: time-outs, repetition with back-off, and the conditions of release (recovery.md 3).
May not know: routing, quotes. Reads state, writes down decisions, sets timers.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor import mass_status
from sor_gateway.sor.decisions import (
    ChildAssumedDead,
    ChildCancelPlanned,
    ChildReleased,
    ChildSent,
    ChildStatusPlanned,
    DayEnded,
)
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Child, Flight, Parent
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.settings import RouterSettings, VenueSettings
from sor_gateway.sor.types import (
    NANOS_PER_MILLISECOND,
    NANOS_PER_SECOND,
    ChildState,
    Nanos,
    ParentState,
    TimeInForce,
)
from sor_gateway.sor.venues import VenueState, refill_ns

HELD_LATE_NS: Final = 20 * NANOS_PER_MILLISECOND
"""A child that was to arrive with others leaves no later than this behind its time: what it was
sent for is gone."""
BACK_OFF_DOUBLINGS_MAX: Final = 5
"""Repetition slows down to 2 to this power times the answer timeout."""


class Tending:
    """Decisions about children that are on their way."""

    def __init__(self, settings: RouterSettings, ledger: Ledger) -> None:
        self._venues: Final = settings.venues
        self._timeout_ns: Final = settings.answer_timeout_ns
        self._settings: Final = settings
        self._ledger: Final = ledger

    def tend(self, plan: Plan, parent: Parent) -> None:
        """Look after each open child of a parent."""
        if not parent.children or (parent.day_ends_ns and self._day_ends(plan, parent)):
            return
        pulling = self._pull_reason(parent)
        for child_id in parent.children:
            child = self._ledger.state.children[child_id]
            venue = self._ledger.venue(child.venue)
            settings = self._venues.get(child.venue)
            if child.flight is not None and child.flight.leaves_ns:
                self._tend_held(plan, child, child.flight, venue, pulling)
                continue
            if parent.day_ended and self._is_dead(plan, parent, child):
                continue
            if settings is None or not venue.is_open:
                continue  # it stays counted; its venue's opening makes the parent due
            self._tend_child(plan, child, venue, settings, pulling)

    def pull(self, plan: Plan, child: Child, why: str) -> None:
        """A tactic wants a child back that `tend` found nothing wrong with in this visit."""
        flight, settings = child.flight, self._venues.get(child.venue)
        if flight is None or settings is None or not self._ledger.venue(child.venue).is_open:
            return
        if self._pull_reason(self._ledger.state.parents[child.parent_id]):
            return  # `tend` pulled all that the order has: a second cancel would cross the first
        has_box_ended = 0 < flight.pull_at_ns <= plan.now
        is_asked = flight.doubt is not None or (
            settings.has_status and bool(self._overdue(plan, child, flight))
        )
        if not (has_box_ended or is_asked):
            self._pull(plan, child, flight, settings, why)

    def _day_ends(self, plan: Plan, parent: Parent) -> bool:
        """Whether the trading day of its children is over with this visit: then they are asked
        about first."""
        if parent.day_ended:
            return False
        if plan.now < parent.day_ends_ns:
            self._ledger.agenda.wake(parent.parent_id, parent.day_ends_ns)
            return False
        plan.add(DayEnded(plan.now, parent.parent_id))
        return True

    def _is_dead(self, plan: Plan, parent: Parent, child: Child) -> bool:
        """Whether nobody said for too long behind the end of its day what became of a child; a
        session that is down holds nothing up. A gateway that was away asks first, too."""
        assert child.flight is not None
        patience_ns = self._settings.day_end_reconcile_ns
        ended_ns = max(parent.day_ends_ns, parent.day_ended_ns)
        dead_ns = max(ended_ns, child.flight.planned_ns) + patience_ns
        if plan.now < dead_ns:
            self._wake(child, dead_ns)
            return False
        why = f"its trading day is over for {patience_ns // NANOS_PER_SECOND} s"
        plan.add(ChildAssumedDead(plan.now, child.child_id, why))
        return True

    def _pull_reason(self, parent: Parent) -> str:
        """Why all children of a parent are to be pulled; empty when they are not."""
        if parent.is_over:
            return f"the order is {parent.state.value}"
        if parent.work is not None and parent.work.closing:
            return parent.work.closing
        if parent.work is not None and parent.work.suspended:
            return parent.work.suspended
        if parent.state is ParentState.PENDING_CANCEL:
            return "the client cancels"
        if parent.state is ParentState.PENDING_REPLACE:
            return "the client replaces"
        if self._ledger.state.stopped:
            return self._ledger.state.stopped
        return "more may fill than is left" if parent.excess else ""

    def _tend_held(
        self, plan: Plan, child: Child, flight: Flight, venue: VenueState, pulling: str
    ) -> None:
        """One that waits for the others of its wave: it leaves at its time, or never, and then
        nothing has to be asked of anybody."""
        why = pulling or (self._no_start(plan, child, flight, venue))
        if why:
            plan.add(ChildReleased(plan.now, child.child_id, f"it never left: {why}"))
        elif plan.now < flight.leaves_ns:
            self._wake(child, flight.leaves_ns)
        else:
            plan.add(ChildSent(plan.now, child.child_id))
            self._wake(child, plan.now + self._timeout_ns)

    def _no_start(self, plan: Plan, child: Child, flight: Flight, venue: VenueState) -> str:
        """Why it must not leave any more; empty when it may."""
        state = self._ledger.state
        if not state.may_route:
            return state.killed or "nothing may leave"
        if not venue.is_routable:
            return venue.barred or "its venue is closed"
        if flight.doubt is not None:
            return flight.doubt.cause
        symbol = state.parents[child.parent_id].symbol
        if child.venue in state.halted.get(symbol, {}):
            return "it is halted there"
        is_late = plan.now > flight.leaves_ns + HELD_LATE_NS
        return "its moment passed" if is_late else ""

    def _tend_child(
        self,
        plan: Plan,
        child: Child,
        venue: VenueState,
        settings: VenueSettings,
        pulling: str,
    ) -> None:
        flight = child.flight
        assert flight is not None
        doubt = flight.doubt
        if doubt is not None and (why := _release_reason(child, doubt, venue, settings)):
            plan.add(ChildReleased(plan.now, child.child_id, why))
            return
        if settings.has_status:
            overdue = "" if doubt is not None else self._overdue(plan, child, flight)
            if doubt is not None:
                self._doubted(plan, child, doubt, venue, settings)
                return  # no cancel before the answer (recovery.md 3.5)
            if overdue:
                self._ask(plan, child, settings, overdue, 0)
                return
        self._pull(plan, child, flight, settings, pulling or venue.quarantine)

    def _overdue(self, plan: Plan, child: Child, flight: Flight) -> str:
        """What answer is overdue; empty for none. Sets the timer for the next one that may be."""
        waits: list[tuple[Nanos, str]] = []
        if child.state is ChildState.PENDING_NEW:
            waits.append((flight.planned_ns, "the order is unanswered"))
        if flight.cancel_id:
            # The more often the venue says that it is pending, the longer it is left alone with it.
            patience_ns = self._back_off_ns(flight.pending_asks + 1) - self._timeout_ns
            waits.append((flight.cancel_ns + patience_ns, "the cancel is unanswered"))
        if flight.time_in_force is TimeInForce.IOC:
            waits.append((max(flight.planned_ns, flight.checked_ns), "an IOC order is not over"))
        for since_ns, what in waits:
            if plan.now >= since_ns + self._timeout_ns:
                return what
            self._wake(child, since_ns + self._timeout_ns)
        return ""

    def _doubted(
        self, plan: Plan, child: Child, doubt: Doubt, venue: VenueState, settings: VenueSettings
    ) -> None:
        """Ask what became of it: with all others at once where that pays, else alone."""
        if not doubt.is_unasked:
            self._ask(plan, child, settings, doubt.cause, self._ask_again_ns(doubt, venue))
            return
        if child.venue not in plan.asked_all:
            asks_all = mass_status.may_ask(venue, settings)
            asks_all = asks_all and mass_status.pays(self._ledger.state, venue)
            if not asks_all or plan.tokens(child.venue) <= 0:
                self._ask(plan, child, settings, doubt.cause, 0)
                return
            mass_status.ask(plan, settings, f"many are in doubt: {doubt.cause}")
        self._wake(child, plan.now + self._timeout_ns)

    def _ask_again_ns(self, doubt: Doubt, venue: VenueState) -> Nanos:
        if not doubt.asked_ns:
            return 0
        asked_ns, mass = doubt.asked_ns, venue.mass
        if mass is not None and mass.request_id == doubt.request_id:
            asked_ns = mass.heard_ns  # a long answer is one as long as it goes on
        return asked_ns + self._back_off_ns(doubt.tries)

    def _ask(
        self, plan: Plan, child: Child, settings: VenueSettings, why: str, not_before_ns: Nanos
    ) -> None:
        if plan.now < not_before_ns:
            self._wake(child, not_before_ns)
        elif self._may_send(plan, child, settings):
            request_id = plan.next_id("H")
            plan.add(ChildStatusPlanned(plan.now, child.child_id, request_id, why))
            self._wake(child, plan.now + self._timeout_ns)

    def _pull(
        self, plan: Plan, child: Child, flight: Flight, settings: VenueSettings, pulling: str
    ) -> None:
        why = pulling
        if not why and flight.pull_at_ns:
            if plan.now < flight.pull_at_ns:
                self._wake(child, flight.pull_at_ns)
            elif flight.answered or not settings.has_status:
                why = "its time box ended"  # one that is unanswered is asked about, and then pulled
        if not why and flight.time_in_force is TimeInForce.IOC and flight.checked_ns:
            why = "an IOC order rests"
        if not why or (flight.cancel_id and settings.has_status):
            return  # an unanswered cancel is asked about, not repeated
        if flight.cancel_tries:
            again_ns = flight.cancel_ns + self._back_off_ns(flight.cancel_tries)
            if plan.now < again_ns:
                self._wake(child, again_ns)
                return
        if self._may_send(plan, child, settings):
            plan.add(ChildCancelPlanned(plan.now, child.child_id, plan.next_id("X"), why))
            self._wake(child, plan.now + self._timeout_ns)

    def _may_send(self, plan: Plan, child: Child, settings: VenueSettings) -> bool:
        """Spend a token of the reserve, or come back when there is one."""
        if plan.tokens(child.venue) <= 0:
            self._wake(child, plan.now + refill_ns(settings))
            return False
        plan.spend(child.venue)
        return True

    def _back_off_ns(self, tries: int) -> Nanos:
        return self._timeout_ns << min(max(tries - 1, 0), BACK_OFF_DOUBLINGS_MAX)

    def _wake(self, child: Child, at_ns: Nanos) -> None:
        self._ledger.agenda.wake(child.parent_id, at_ns)


def _release_reason(child: Child, doubt: Doubt, venue: VenueState, settings: VenueSettings) -> str:
    """Why a child in doubt is proved never to fill again; empty when it is not (recovery.md 3.1,
    3.5). The note counts in its own epoch, and only while no report of the child exists."""
    noted = (
        doubt.voided_epoch != 0
        and doubt.voided_epoch == venue.epoch
        and child.state is ChildState.PENDING_NEW
        and not child.cum_quantity
    )
    if doubt.unknown:
        if settings.unknown_is_final:
            return "unknown to the venue, which answers behind every order before"
        return "voided, then unknown to the venue" if noted else ""
    if not settings.has_status and noted and not doubt.gapped:
        return "voided, and the venue read on behind it"
    return ""
