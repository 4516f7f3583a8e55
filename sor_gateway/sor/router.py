"""The router: facts in, outputs out; decisions are facts.

Owns: which function books which fact, the turn of deciding, deadlines.
May not know: FIX, sockets, clocks, files.

`handle` books a fact and returns what has to be told: it reads no quotes, no clock and, but for the
throttle's pace, no settings, so a fold of the recorded facts gives the identical state and the
identical reports. `decide` looks at the parents that are due and returns what to do; it changes no
state: the engine gives each decision back to `handle` in the same turn (architecture.md 2b).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sor_gateway.sor import (
    clients,
    conditions,
    decided,
    mass_status,
    operations,
    reports,
    revisions,
)
from sor_gateway.sor.commands import CancelChild, Output, Report
from sor_gateway.sor.counts import Counts, count_from
from sor_gateway.sor.crossing import CROSSES_MAX
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
    Decision,
    MarkoutsSeen,
    MassStatusPlanned,
    ParentAccepted,
    ParentClosed,
    ParentExpiring,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    RequestOverdue,
    StageMoved,
    TailProved,
    VenueDropped,
    VenueReadmitted,
    VenueTried,
    VolatilitySeen,
    WaveStarted,
)
from sor_gateway.sor.disputes import DisputeSettled, ExecutionDisputed
from sor_gateway.sor.events import (
    AmendUnreadable,
    CancelRequested,
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildrenDoubted,
    ChildResolved,
    ChildRestated,
    ChildStatusReported,
    ChildVoided,
    ClientDisconnected,
    Fact,
    FillRevised,
    FlowStopped,
    IdsReserved,
    KillSwitched,
    MassStatusRefused,
    ParentSubmitted,
    ParentUnreadable,
    ReplaceRequested,
    Restarted,
    SessionStatusChanged,
    StatusLapsed,
    StatusRequested,
    SymbolStatusChanged,
    VenueClosed,
    VenueCongested,
    VenueOpened,
    VenueQuarantined,
)
from sor_gateway.sor.ledger import SPRAY, Ledger
from sor_gateway.sor.market import Market, News
from sor_gateway.sor.marks import Marks
from sor_gateway.sor.outages import OrdersReleased, OutageEnded
from sor_gateway.sor.plan import REPORTS_PER_DECISION, Plan
from sor_gateway.sor.planner import Planner
from sor_gateway.sor.settings import RouterSettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.tactics.sweep import CHILDREN_MAX
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, ChildState, Nanos
from sor_gateway.sor.venues import VenueState

Handler = Callable[[Ledger, Any], list[Output]]

HANDLERS: Final[dict[type[Fact], Handler]] = {
    ParentSubmitted: clients.submitted,
    ParentUnreadable: clients.unreadable,
    CancelRequested: clients.cancel_requested,
    ReplaceRequested: clients.replace_requested,
    AmendUnreadable: clients.amend_unreadable,
    StatusRequested: clients.status_requested,
    ClientDisconnected: clients.disconnected,
    ExecutionDisputed: clients.disputed,
    ChildAccepted: reports.accepted,
    ChildFilled: reports.filled,
    FillRevised: revisions.revised,
    ChildRestated: reports.restated,
    ChildEnded: reports.ended,
    ChildCancelRefused: reports.cancel_refused,
    ChildStatusReported: reports.status_reported,
    MassStatusRefused: mass_status.refused,
    ChildVoided: reports.voided,
    ChildrenDoubted: reports.doubted,
    VenueOpened: reports.opened,
    VenueClosed: reports.closed,
    VenueCongested: reports.congested,
    SymbolStatusChanged: conditions.symbol_status_changed,
    SessionStatusChanged: conditions.session_status_changed,
    StatusLapsed: conditions.status_lapsed,
    VenueQuarantined: conditions.quarantined,
    ChildResolved: revisions.resolved,
    DisputeSettled: operations.dispute_settled,
    KillSwitched: operations.kill_switched,
    OutageEnded: operations.outage_ended,
    OrdersReleased: operations.orders_released,
    FlowStopped: operations.flow_stopped,
    Restarted: operations.restarted,
    IdsReserved: operations.ids_reserved,
    DayBegan: decided.day_began,
    ParentAccepted: decided.parent_accepted,
    ParentRefused: decided.parent_refused,
    StageMoved: decided.stage_moved,
    VenueDropped: decided.venue_dropped,
    VenueReadmitted: decided.venue_readmitted,
    VenueTried: decided.venue_tried,
    RequestOverdue: decided.request_overdue,
    WaveStarted: decided.wave_started,
    ChildPlanned: decided.child_planned,
    ChildSent: decided.child_sent,
    ChildCrossed: decided.child_crossed,
    ChildCancelPlanned: decided.child_cancel_planned,
    ChildStatusPlanned: decided.child_status_planned,
    MassStatusPlanned: mass_status.planned,
    TailProved: mass_status.tail_proved,
    DayEnded: decided.day_ended,
    ChildAssumedDead: decided.child_assumed_dead,
    CancelGivenUp: decided.cancel_given_up,
    ChildReleased: decided.child_released,
    ParentReplaced: decided.parent_replaced,
    ParentReplaceRefused: decided.parent_replace_refused,
    ParentClosed: decided.parent_closed,
    ParentExpiring: decided.parent_expiring,
    MarkoutsSeen: decided.markouts_seen,
    VolatilitySeen: decided.volatility_seen,
    OrdersForgotten: decided.orders_forgotten,
}
"""Who books what. Every fact has one."""
FORGET_PAUSE_NS: Final = 10 * NANOS_PER_MILLISECOND
"""Between two parts of what is forgotten: a day's orders go in the time of some thousand turns."""
SAYS_WHAT_IS_SHOWN: Final = (
    ChildAccepted,
    ChildEnded,
    ChildStatusReported,
    ChildReleased,
    ChildAssumedDead,
    ChildResolved,
)
"""Beside fills, what may change how much of an order of ours a venue displays."""


class Router:
    """All parents, children and venues, and what to do about them."""

    def __init__(self, settings: RouterSettings, state: RouterState | None = None) -> None:
        self.settings: Final = settings
        self.state: Final = state if state is not None else RouterState()
        told = self.state.volatility
        self.market: Final = Market(settings.quote_max_age_ns, settings.day_ns, told)
        for name in settings.venues:
            self.state.venues.setdefault(name, VenueState())
        self._ledger: Final = Ledger(self.state)
        self._agenda: Final = self._ledger.agenda
        self._marks: Final = Marks()
        self._forget_at_ns = 0
        self._planner: Final = Planner(settings, self._ledger, self.market)
        for parent_id in self.state.open_parents:
            self._agenda.due(parent_id)
            for child_id in self.state.parents[parent_id].children:
                self._displayed(child_id, 0)

    def handle(self, fact: Fact) -> list[Output]:
        """Book a fact; what has to be sent, reported or seen because of it.

        Raises AssertionError or KeyError for a fact that cannot be true: a bug of ours.
        """
        outputs = HANDLERS[type(fact)](self._ledger, fact)
        if isinstance(fact, ChildPlanned):
            self._sent(fact)
        elif isinstance(fact, ChildFilled):
            self._mark(fact, outputs)
            self._displayed(fact.child_id, fact.at_ns)
        elif isinstance(fact, (ChildCancelPlanned, ChildStatusPlanned)):
            self._spend(self.state.children[fact.child_id].venue, fact.at_ns)
        elif isinstance(fact, MassStatusPlanned):
            self._spend(fact.venue, fact.at_ns)
        elif isinstance(fact, SAYS_WHAT_IS_SHOWN):
            self._displayed(fact.child_id, fact.at_ns)
            for output in outputs:
                if isinstance(output, CancelChild):
                    self._spend(output.venue, fact.at_ns)
        elif isinstance(fact, VolatilitySeen):
            self.market.volatility.go_on(fact.moves)
        return outputs

    def decide(self, now: Nanos) -> list[Decision]:
        """What to do now about the parents that are due. Changes no state; each decision has to be
        given to `handle` before the next call. Once so many decisions are made as parents may be
        visited, the others wait for the next turn: each decision is a message to write, too."""
        budget = self.settings.decide_budget
        taken = self._agenda.take(now, budget)
        seen: list[Decision] = [*self._marks.take(self.market, now)]
        if moves := self.market.volatility.tell(now):
            seen.append(VolatilitySeen(now, moves))
        if self.state.stale and now >= self._forget_at_ns:
            seen.append(OrdersForgotten(now, self._ledger.bygone.to_forget()))
            self._forget_at_ns = now + FORGET_PAUSE_NS
        rested = self._rested(now) if self._ledger.resting else []
        suspect = self.state.suspect
        if not taken and not rested and not suspect:
            return seen
        plan = Plan(self.state, self.settings.venues, now)
        plan.decisions.extend(rested)
        if suspect:
            mass_status.prove_tail(plan, self.state, self.settings.venues)
        for index, parent_id in enumerate(taken):
            parent = self.state.parents[parent_id]
            needed = len(parent.children) + CHILDREN_MAX + 2 * len(self.settings.venues) + 4
            needed += 2 * CROSSES_MAX
            is_full = len(plan.decisions) >= budget
            if is_full or plan.ids_left < REPORTS_PER_DECISION * needed:
                self._agenda.put_back(taken[index:])
                break
            self._planner.visit(plan, parent)
        return plan.decisions + seen if seen else plan.decisions

    def next_deadline(self) -> Nanos | None:
        """When `decide` has something to do: 0 for at once, None for nothing planned."""
        deadline = self._agenda.next_deadline()
        if deadline == 0:
            return deadline
        resting = self._ledger.resting
        forget_ns = self._forget_at_ns if self.state.stale else None
        rested_ns = min(resting.values()) if resting else None
        for other in (self._marks.next_ns, self.market.volatility.next_ns, forget_ns, rested_ns):
            if other is not None and (deadline is None or other < deadline):
                deadline = other
        return deadline

    def refresh(self, now: Nanos) -> None:
        """Between turns: bring an estimate that decisions use up to date. Changes no state."""
        self._planner.refresh(now)

    def next_parent_id(self) -> str:
        """The id that the next ParentSubmitted or ParentUnreadable must carry."""
        return self._ledger.next_order_id("P")

    def ids_left(self) -> int:
        """Ids that may be used before the next block has to be reserved."""
        return self.state.ids.left

    def quoted(self, symbol: str) -> None:
        """The symbol's quotes came: parents that wait for what they changed are due."""
        news = self.market.take_news(symbol)
        if news is not News.NONE:
            self._agenda.quoted(symbol, is_touch=news is News.TOUCH)

    @property
    def counts(self) -> Counts:
        """What was counted since `count_anew`, and what stands."""
        return self._ledger.counts

    def count_anew(self) -> None:
        """What grows begins at 0: what a fold counted is not what this process did."""
        self._ledger.counts = count_from(self.state)

    def is_known(self, client: str, cl_ord_id: str) -> bool:
        """Whether a client's ClOrdID stands, or stood, for an order or request of its own."""
        return self._ledger.find_parent(client, cl_ord_id) is not None

    def is_voided(self, child_id: str) -> bool:
        """Whether the child's order message was gap-filled before (recovery.md 3.7)."""
        child = self.state.children.get(child_id)
        return child is not None and child.voided

    def is_reported(self, child_id: str) -> bool:
        """Whether its venue ever said a word about the child (recovery.md 3.1, 3.3)."""
        child = self.state.children.get(child_id)
        return child is not None and (
            child.cum_quantity > 0
            or child.state not in (ChildState.PENDING_NEW, ChildState.RELEASED)
        )

    def is_child(self, venue: str, child_id: str) -> bool:
        """Whether this is an order of ours at that venue."""
        return self._ledger.find_child(venue, child_id) is not None

    def is_settled(self, venue: str, child_id: str) -> bool:
        """Whether this is an open order of ours at that venue, and not in doubt."""
        child = self._ledger.find_child(venue, child_id)
        return child is not None and child.flight is not None and child.flight.doubt is None

    def open_children(self) -> int:
        """Children that may still fill, in doubt or not."""
        return sum(len(venue.children) for venue in self.state.venues.values())

    def _mark(self, fact: ChildFilled, outputs: list[Output]) -> None:
        """A fill that is news will be held against the market later."""
        for report in outputs:
            if isinstance(report, Report) and report.venue_exec_id == fact.exec_id:
                is_buy = report.side.is_buy
                self._marks.add(fact, report.symbol, is_buy, report.last_quantity)
                return

    def _rested(self, now: Nanos) -> list[Decision]:
        """Venues that are to be tried again."""
        resting = self._ledger.resting
        return [VenueTried(now, venue) for venue, until in resting.items() if until <= now]

    def _sent(self, fact: ChildPlanned) -> None:
        """A child left: its displayed target counts as taken, its answer has a deadline."""
        parent = self.state.parents[fact.parent_id]
        if fact.limit_micros is not None:
            self.market.deplete(
                fact.venue, parent.symbol, parent.side.is_buy, fact.limit_micros, fact.quantity
            )
        deadline_ns = fact.at_ns + self.settings.answer_timeout_ns
        if fact.pull_at_ns:
            deadline_ns = min(deadline_ns, fact.pull_at_ns)
        if fact.leaves_ns:
            deadline_ns = min(deadline_ns, fact.leaves_ns)
        self._agenda.wake(fact.parent_id, deadline_ns)
        self._ledger.counts.venue(fact.venue).sent += 1
        self._spend(fact.venue, fact.at_ns)

    def _displayed(self, child_id: str, at_ns: Nanos) -> None:
        """What of a displayed order a venue's book may show: that is no quote of others."""
        child = self.state.children.get(child_id)
        if child is None:
            return
        flight, departures = child.flight, self.market.departures
        if flight is None:
            departures.hide(child_id, at_ns)
        elif flight.tactic == SPRAY and child.limit_micros is not None:
            parent = self.state.parents[child.parent_id]
            place = (parent.symbol, parent.side.is_buy, child.venue)
            departures.show(child_id, place, child.limit_micros, child.leaves_quantity, at_ns)

    def _spend(self, venue: str, at_ns: Nanos) -> None:
        settings = self.settings.venues.get(venue)
        if settings is not None:
            self.state.venues[venue].spend(settings, at_ns)
