"""What to do next with one parent: the control flow of routing.

Owns: the order of the questions asked of a parent, from admission to its end. Reads the state, the
market and the settings, and writes down decision facts; changes nothing but the agenda.
May not know: how a decision is applied (decided.py), FIX, sockets.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor import clients, risk
from sor_gateway.sor.ahead import Ahead
from sor_gateway.sor.crossing import Crossings
from sor_gateway.sor.dark_waves import DarkWaves
from sor_gateway.sor.decisions import (
    CancelGivenUp,
    ParentAccepted,
    ParentClosed,
    ParentExpiring,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    RequestOverdue,
)
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.market import Market, Nbbo
from sor_gateway.sor.orders import REJECTS_MAX, Parent, Request
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.route import Route
from sor_gateway.sor.settings import LitTactic, RouterSettings, SprayPrice
from sor_gateway.sor.sprays import Sprays
from sor_gateway.sor.sweeps import Sweeps
from sor_gateway.sor.tending import Tending
from sor_gateway.sor.types import NANOS_PER_SECOND, Nanos, ParentState, Reason, Stage, TimeInForce

REQUEST_OVERDUE_NS: Final = 5 * NANOS_PER_SECOND
"""A client's request that waits longer than this is an incident (recovery.md 3.9)."""
REST_NS: Final = 10 * NANOS_PER_SECOND
"""How long a venue that rejects is left out: it may be a halt, or a limit of so many a second."""
BESIDE_SHARE: Final = 2
"""Once lit is open, a dark wave takes at most one part in this many of what is unsent."""


class Planner:
    """Decisions for one parent after the other."""

    def __init__(self, settings: RouterSettings, ledger: Ledger, market: Market) -> None:
        self._settings: Final = settings
        self._ledger: Final = ledger
        self._state: Final = ledger.state
        self._agenda: Final = ledger.agenda
        self._tending: Final = Tending(settings, ledger)
        self._outlook: Final = Outlook(settings, ledger, market)
        self._dark: Final = DarkWaves(self._outlook, self._tending)
        self._venues: Final = {venue.name for venue in settings.venues.values() if venue.enabled}
        self._crossings: Final = Crossings(self._outlook)
        self._sweeps: Final = Sweeps(self._outlook)
        self._ahead: Final = Ahead(self._outlook, self._sweeps)
        self._sprays: Final = Sprays(self._outlook, self._sweeps, self._tending)

    def visit(self, plan: Plan, parent: Parent) -> None:
        """Decide all that can be decided for a parent now. One that another met in this turn comes
        again once that is booked."""
        if parent.parent_id in plan.unsent:
            return
        plan.unsent[parent.parent_id] = 0
        if parent.state is ParentState.RECEIVED:
            if self._admit(plan, parent) and parent.request is None:
                assert parent.work is not None
                if parent.work.closing:  # its client went away in the very turn that it came
                    self._close(plan, parent, parent.work.closing)
                else:
                    if parent.expires_ns:
                        self._agenda.wake(parent.parent_id, parent.expires_ns)
                    self._route(plan, parent)
            return
        self._tending.tend(plan, parent)
        if parent.is_over:
            return
        work = parent.work
        assert work is not None
        if parent.expires_ns and not work.closing and self._expires(plan, parent):
            return
        if work.closing or parent.state is ParentState.PENDING_CANCEL:
            self._close(plan, parent, work.closing)
        elif parent.state is ParentState.PENDING_REPLACE:
            self._replace(plan, parent)
        elif not work.suspended:
            self._route(plan, parent)
        if parent.request is not None and parent.children:
            self._watch(plan, parent, parent.request)

    def refresh(self, now: Nanos) -> None:
        """Bring an estimate up to date for which no decision is to wait."""
        self._outlook.beliefs.refresh(now)

    # --- admission and ends -----------------------------------------------------------------

    def _admit(self, plan: Plan, parent: Parent) -> bool:
        nbbo = self._outlook.nbbo(plan, parent.symbol)
        refusal = self._refusal(plan, parent, nbbo)
        if refusal is not None:
            plan.add(ParentRefused(plan.now, parent.parent_id, refusal.reason, refusal.text))
            return False
        plan.add(ParentAccepted(plan.now, parent.parent_id, nbbo.bid_micros, nbbo.ask_micros))
        return True

    def _refusal(self, plan: Plan, parent: Parent, nbbo: Nbbo) -> risk.Refusal | None:
        assert parent.work is not None
        if parent.work.duplicate:
            return risk.Refusal(Reason.DUPLICATE, f"ClOrdID {parent.cl_ord_id} was used before")
        if 0 < parent.expires_ns <= plan.now:
            return risk.Refusal(Reason.EXCHANGE_CLOSED, "the market is closed for today")
        if self._state.killed:
            text = f"the kill switch is on: {self._state.killed}"
            return risk.Refusal(Reason.KILL_SWITCH, text)
        terms = risk.Terms(
            parent.symbol, parent.side, parent.quantity, parent.ord_type, parent.limit_micros
        )
        return (
            risk.check_age(self._settings.risk, parent.sent_ns, plan.now)
            or risk.check_strategy(self._settings, parent.strategy)
            or risk.check_terms(self._settings, self._outlook.strategy(parent), terms, nbbo)
        )

    def _close(self, plan: Plan, parent: Parent, text: str) -> None:
        """The end, and only when no child can fill (recovery.md 3.9)."""
        if not parent.children:
            expires = parent.work is not None and parent.work.expires
            how = ParentState.EXPIRED if expires else ParentState.CANCELED
            plan.add(ParentClosed(plan.now, parent.parent_id, how, text))

    def _expires(self, plan: Plan, parent: Parent) -> bool:
        """Whether a Day order's day is over; it is looked at again when it will be."""
        if plan.now < parent.expires_ns:
            self._agenda.wake(parent.parent_id, parent.expires_ns)
            return False
        plan.add(ParentExpiring(plan.now, parent.parent_id))
        return True

    def _watch(self, plan: Plan, parent: Parent, request: Request) -> None:
        """A request that waits for children which cannot be pulled must not wait unseen; a cancel
        need not wait for ever."""
        if self._gives_up(plan, parent, request) or request.overdue:
            return
        overdue_ns = request.at_ns + REQUEST_OVERDUE_NS
        if plan.now < overdue_ns:
            self._agenda.wake(parent.parent_id, overdue_ns)
            return
        waits_for = clients.waits_for(self._ledger, parent)
        waits_for = waits_for or f"{len(parent.children)} children whose cancel is under way"
        plan.add(RequestOverdue(plan.now, parent.parent_id, waits_for))

    def _gives_up(self, plan: Plan, parent: Parent, request: Request) -> bool:
        """Whether a client's cancel is refused, because nobody says what became of a child
        (recovery.md 3.9). One whose order we end ourselves goes on."""
        patience_ns, work = self._settings.cancel_gives_up_ns, parent.work
        if not patience_ns or request.is_replace or work is None or work.closing:
            return False
        waits_for = clients.waits_for(self._ledger, parent)
        if not waits_for:
            return False
        if plan.now < request.at_ns + patience_ns:
            self._agenda.wake(parent.parent_id, request.at_ns + patience_ns)
            return False
        text = f"it cannot be cancelled yet, it may still fill: {waits_for}"
        plan.add(CancelGivenUp(plan.now, parent.parent_id, text))
        return True

    def _replace(self, plan: Plan, parent: Parent) -> None:
        """New terms hold once they pass the checks and no child works on the old ones."""
        request = parent.request
        assert request is not None
        terms = risk.Terms(
            parent.symbol, parent.side, request.quantity, request.ord_type, request.limit_micros
        )
        nbbo = self._outlook.nbbo(plan, parent.symbol)
        strategy = self._outlook.strategy(parent)
        refusal = risk.check_terms(self._settings, strategy, terms, nbbo)
        if refusal is not None:
            reason, text = refusal.reason, refusal.text
            plan.add(ParentReplaceRefused(plan.now, parent.parent_id, reason, text))
        elif not parent.children:
            plan.add(ParentReplaced(plan.now, parent.parent_id))

    # --- routing ----------------------------------------------------------------------------

    def _route(self, plan: Plan, parent: Parent) -> None:
        """The pecking order: our own clients' opposite orders, dark waves, then displayed quantity
        with dark beside it."""
        work, security = parent.work, self._settings.securities.get(parent.symbol)
        strategy = self._outlook.strategy(parent)
        assert work is not None
        if security is None:
            self._wait_or_close(plan, parent)
            return
        self._dark.guard(plan, parent, work, strategy)
        shows = work.stage is Stage.LIT and strategy.lit_tactic is not LitTactic.SWEEP
        if parent.available <= 0 and not shows:
            return
        route = self._outlook.route(plan, parent, work, security)
        self._work(plan, route, shows)
        self._crossings.stand(route)
        if not route.is_ioc:
            plan.unsent[parent.parent_id] = route.available

    def _work(self, plan: Plan, route: Route, shows: bool) -> None:
        """One visit of the route, down the pecking order."""
        parent = route.parent
        if halts := self._state.halted.get(parent.symbol):
            route.dropped = {**route.dropped, **halts}
        if shows:  # what is displayed is pulled in time even when nothing may be sent
            self._sprays.keep(plan, route)
        if not (self._state.may_route and route.worst):
            self._wait_or_close(plan, parent)
            return
        if not halts:
            self._crossings.cross(plan, route)
        if route.available <= 0:
            self._listen(plan, route)
            return
        if halts and halts.keys() >= self._venues:
            self._wait_or_close(plan, parent, "every venue halted it")
            return
        self._drop_rejecting(plan, route)
        if route.strategy.take_ahead:
            self._ahead.send(plan, route)
            if route.available <= 0:
                self._listen(plan, route)
                return
        wave_over = self._dark.judge(plan, route)
        if route.stage is Stage.DARK and self._stays_dark(plan, route, wave_over):
            return
        self._work_lit(plan, route, wave_over)

    def _stays_dark(self, plan: Plan, route: Route, wave_over: bool) -> bool:
        """Work the dark tier. False once there is nothing to be had of it."""
        if not wave_over:
            return True
        if self._outlook.is_blind(route.nbbo):
            self._wait_or_close(plan, route.parent, "no fresh market")
            return True
        return self._dark.send(plan, route, route.available) or not self._open_lit(plan, route)

    def _work_lit(self, plan: Plan, route: Route, wave_over: bool) -> None:
        """Displayed quantity, and dark beside it."""
        parent = route.parent
        if route.strategy.use_lit:
            if route.sprays(plan.now):
                self._sprays.send(plan, route)
                if (until_ns := route.patience_ends_ns()) > 0:
                    self._agenda.wake(parent.parent_id, until_ns)
            else:
                self._sweeps.send(plan, route)
        if route.is_ioc:
            if not route.planned:
                self._wait_or_close(plan, parent)
            return
        if wave_over and route.available > 0 and not self._outlook.is_blind(route.nbbo):
            lot = route.security.round_lot
            self._dark.send(plan, route, max(route.available // BESIDE_SHARE, lot))
        if not route.sleeps:
            self._listen(plan, route)

    def _listen(self, plan: Plan, route: Route) -> None:
        """Come again when quotes change; for passive orders alone the touch is enough."""
        symbol, parent_id = route.parent.symbol, route.parent.parent_id
        is_passive = route.strategy.spray_price is SprayPrice.TOUCH_NEAR
        if is_passive and route.sprays(plan.now):
            self._agenda.wait_for_touch(symbol, parent_id)
        else:
            self._agenda.wait_for_quotes(symbol, parent_id)

    def _wait_or_close(self, plan: Plan, parent: Parent, why: str = "") -> None:
        """Nothing can be sent now: an IOC order ends, another waits for better quotes."""
        if parent.time_in_force is TimeInForce.IOC:
            self._close(plan, parent, f"IOC remainder: {why}" if why else "IOC remainder")
        else:
            self._agenda.wait_for_quotes(parent.symbol, parent.parent_id)

    def _drop_rejecting(self, plan: Plan, route: Route) -> None:
        """Leave out who rejects again and again; try who rested."""
        for venue, until_ns in route.work.back_ns.items():
            if plan.now >= until_ns:
                route.readmit(plan, venue)
            else:
                self._agenda.wake(route.parent.parent_id, until_ns)
        for venue, count in route.work.rejects.items():
            is_out = venue in route.dropped or venue in route.work.back_ns
            if count >= REJECTS_MAX and not is_out:
                until_ns = plan.now + REST_NS
                route.drop(plan, venue, f"rejected {count} children in a row", until_ns)
                self._agenda.wake(route.parent.parent_id, until_ns)

    def _open_lit(self, plan: Plan, route: Route) -> bool:
        """No dark venue took anything: the next tier, unless there is none to go to yet."""
        if not route.strategy.use_lit:
            if not route.waits:
                self._wait_or_close(plan, route.parent)
            return False
        if route.waits:
            return False
        if not route.is_ioc and route.strategy.use_dark and self._outlook.all_closed():
            return False
        route.move_to_lit(plan, "no dark venue is usable")
        return True
