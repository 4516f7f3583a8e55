"""What to do next with one parent: the control flow of routing.

Owns: the order of the questions asked of a parent, from admission to its end. Reads the state, the
market and the settings, and writes down decision facts; changes nothing but the agenda.
May not know: how a decision is applied (decided.py), FIX, sockets.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor import risk
from sor_gateway.sor.events import (
    ChildPlanned,
    ParentAccepted,
    ParentClosed,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    StageMoved,
    VenueDropped,
    WaveStarted,
)
from sor_gateway.sor.ledger import DARK, Ledger
from sor_gateway.sor.market import Market, Nbbo
from sor_gateway.sor.orders import Parent, Work
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.scoring import Score, score
from sor_gateway.sor.settings import (
    RouterSettings,
    SecuritySettings,
    StrategySettings,
    VenueSettings,
)
from sor_gateway.sor.tactics.dark import judge, split
from sor_gateway.sor.tactics.sweep import Offer, Room, Take, plan_takes
from sor_gateway.sor.tending import Tending
from sor_gateway.sor.types import (
    Micros,
    OrdType,
    ParentState,
    Reason,
    Shares,
    Stage,
    TimeInForce,
)
from sor_gateway.sor.venues import refill_ns

SWEEP: Final = "sweep"
"""The tactic that takes displayed quantity."""
REJECTS_MAX: Final = 3
"""A venue that rejects this many children of a parent gets no more of it."""
BESIDE_SHARE: Final = 2
"""Once lit is open, a dark wave takes at most one part in this many of what is unsent."""


class Planner:
    """Decisions for one parent after the other."""

    def __init__(self, settings: RouterSettings, ledger: Ledger, market: Market) -> None:
        self._settings: Final = settings
        self._ledger: Final = ledger
        self._state: Final = ledger.state
        self._agenda: Final = ledger.agenda
        self._market: Final = market
        self._tending: Final = Tending(settings, ledger)
        enabled = [venue for venue in settings.venues.values() if venue.enabled]
        self._dark: Final = [venue for venue in enabled if venue.is_dark]
        self._lit: Final = {venue.name: venue for venue in enabled if not venue.is_dark}

    def visit(self, plan: Plan, parent: Parent) -> None:
        """Decide all that can be decided for a parent now."""
        if parent.state is ParentState.RECEIVED:
            if self._admit(plan, parent) and parent.request is None:
                assert parent.work is not None
                if parent.work.closing:  # its client went away in the very turn that it came
                    self._close(plan, parent, parent.work.closing)
                else:
                    self._route(plan, parent)
            return
        self._tending.tend(plan, parent)
        if parent.is_over:
            return
        work = parent.work
        assert work is not None
        if work.closing or parent.state is ParentState.PENDING_CANCEL:
            self._close(plan, parent, work.closing)
        elif parent.state is ParentState.PENDING_REPLACE:
            self._replace(plan, parent)
        else:
            self._route(plan, parent)

    # --- admission and ends -----------------------------------------------------------------

    def _admit(self, plan: Plan, parent: Parent) -> bool:
        nbbo = self._nbbo(plan, parent.symbol)
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
        if self._state.killed:
            text = f"the kill switch is on: {self._state.killed}"
            return risk.Refusal(Reason.KILL_SWITCH, text)
        terms = risk.Terms(
            parent.symbol, parent.side, parent.quantity, parent.ord_type, parent.limit_micros
        )
        return (
            risk.check_age(self._settings.risk, parent.sent_ns, plan.now)
            or risk.check_strategy(self._settings, parent.strategy)
            or risk.check_terms(self._settings, terms, nbbo)
        )

    def _close(self, plan: Plan, parent: Parent, text: str) -> None:
        """The end, and only when no child can fill (recovery.md 3.9)."""
        if not parent.children:
            plan.add(ParentClosed(plan.now, parent.parent_id, ParentState.CANCELED, text))

    def _replace(self, plan: Plan, parent: Parent) -> None:
        """New terms hold once they pass the checks and no child works on the old ones."""
        request = parent.request
        assert request is not None
        terms = risk.Terms(
            parent.symbol, parent.side, request.quantity, request.ord_type, request.limit_micros
        )
        nbbo = self._nbbo(plan, parent.symbol)
        refusal = risk.check_terms(self._settings, terms, nbbo)
        if refusal is not None:
            reason, text = refusal.reason, refusal.text
            plan.add(ParentReplaceRefused(plan.now, parent.parent_id, reason, text))
        elif not parent.children:
            plan.add(ParentReplaced(plan.now, parent.parent_id))

    # --- routing ----------------------------------------------------------------------------

    def _route(self, plan: Plan, parent: Parent) -> None:
        """The pecking order: dark waves first, then displayed quantity with dark beside it."""
        work, security = parent.work, self._settings.securities.get(parent.symbol)
        strategy = self._strategy(parent)
        assert work is not None
        is_ioc = parent.time_in_force is TimeInForce.IOC
        if not self._state.may_route or security is None:
            self._wait_or_close(plan, parent)
            return
        if parent.available <= 0:
            return
        route = _Route(parent, work, strategy, security, self._nbbo(plan, parent.symbol))
        route.worst = self._worst(route)
        if not route.worst:
            self._wait_or_close(plan, parent)
            return
        self._drop_rejecting(plan, route)
        wave_over = self._judge_wave(plan, route)
        if route.stage is Stage.DARK:
            if not wave_over or self._dark_wave(plan, route, route.available):
                return
            if not self._open_lit(plan, route):
                return
        if strategy.use_lit:
            self._sweep(plan, route)
        if is_ioc:
            if not route.planned:
                self._wait_or_close(plan, parent)
            return
        if wave_over and route.available > 0:
            lot = security.round_lot
            self._dark_wave(plan, route, max(route.available // BESIDE_SHARE, lot))
        self._agenda.wait_for_quotes(parent.symbol, parent.parent_id)

    def _wait_or_close(self, plan: Plan, parent: Parent) -> None:
        """Nothing can be sent now: an IOC order ends, another waits for better quotes."""
        if parent.time_in_force is TimeInForce.IOC:
            self._close(plan, parent, "IOC remainder")
        else:
            self._agenda.wait_for_quotes(parent.symbol, parent.parent_id)

    def _drop_rejecting(self, plan: Plan, route: _Route) -> None:
        for venue, count in route.work.rejects.items():
            if count >= REJECTS_MAX and venue not in route.dropped:
                route.drop(plan, venue, f"rejected {count} children")

    def _judge_wave(self, plan: Plan, route: _Route) -> bool:
        """Whether no dark wave is under way. One that is over is judged. A child that hangs past
        its box does not hold the others up: it stays counted, and the wave ends without it."""
        work = route.work
        if not work.dark_wave:
            return True
        box_ns = 0 if route.is_ioc else route.strategy.dark_box_ns
        deadline_ns = work.dark_began_ns + box_ns + 2 * self._settings.answer_timeout_ns
        if work.dark_open and plan.now < deadline_ns:
            self._agenda.wake(route.parent.parent_id, deadline_ns)
            return False
        verdict = judge(work, route.strategy.dark_dry_share)
        if route.strategy.use_lit:
            for venue, why in verdict.drops:
                if venue not in route.dropped:
                    route.drop(plan, venue, why)
            if route.stage is Stage.DARK and (verdict.is_dry or route.is_ioc):
                route.move_to_lit(plan, verdict.words())
        return True

    def _open_lit(self, plan: Plan, route: _Route) -> bool:
        """No dark venue took anything: the next tier, unless there is none to go to yet."""
        if not route.strategy.use_lit:
            if not route.waits:
                self._wait_or_close(plan, route.parent)
            return False
        if route.waits:
            return False
        if not route.is_ioc and route.strategy.use_dark and self._all_closed():
            return False
        route.move_to_lit(plan, "no dark venue is usable")
        return True

    def _all_closed(self) -> bool:
        """No session is up yet, or any more: nothing can be learnt from that."""
        return not any(
            self._ledger.venue(name).is_open
            for name in [*self._lit, *(venue.name for venue in self._dark)]
        )

    def _dark_wave(self, plan: Plan, route: _Route, quantity: Shares) -> bool:
        """A hidden order to each usable dark venue, best first. False when there is none."""
        candidates = self._dark_candidates(plan, route)
        if not candidates:
            return False
        parent, strategy = route.parent, route.strategy
        scores: dict[str, Score] = {}
        sizes: list[tuple[float, str, Shares]] = []
        for venue in candidates:
            seen = route.work.dark.get(venue.name)
            size = max(seen.next_size if seen else 0, strategy.dark_quantity)
            size = min(size, venue.max_child_quantity)
            scores[venue.name] = self._score(route, venue, size, venue.mid_fee_micros, 0)
            sizes.append((scores[venue.name].cost, venue.name, size))
        sizes.sort()
        ranked = [(name, size) for _, name, size in sizes]
        wave = route.next_wave()
        plan.add(WaveStarted(plan.now, parent.parent_id, wave, Stage.DARK))
        time_in_force = TimeInForce.IOC if route.is_ioc else TimeInForce.DAY
        pull_at_ns = 0 if route.is_ioc else plan.now + strategy.dark_box_ns
        for name, shares in split(min(quantity, route.available), ranked, route.security.round_lot):
            chosen = scores[name]
            fact = self._child(plan, route, name, shares, route.worst, chosen, wave)
            fact.ord_type, fact.time_in_force = OrdType.MID_PEG, time_in_force
            fact.tactic, fact.pull_at_ns = DARK, pull_at_ns
            fact.why = f"{shares} hidden at the midpoint; {chosen.words()}"
        return True

    def _dark_candidates(self, plan: Plan, route: _Route) -> list[VenueSettings]:
        """Open dark venues that were not dropped and hold nothing of this parent."""
        if not route.strategy.use_dark or (route.is_ioc and route.work.wave):
            return []
        children = self._state.children
        occupied = {children[child_id].venue for child_id in route.parent.children}
        usable: list[VenueSettings] = []
        for venue in self._dark:
            name = venue.name
            if (
                name in route.dropped
                or name in occupied
                or not self._ledger.venue(name).is_routable
            ):
                continue
            if plan.order_tokens(name) > 0:
                usable.append(venue)
            else:
                route.waits = True
                self._agenda.wake(route.parent.parent_id, plan.now + refill_ns(venue))
        return usable

    def _sweep(self, plan: Plan, route: _Route) -> None:
        """Take what is displayed at the worst price or better; at most one wave in a while."""
        parent, work = route.parent, route.work
        if work.lit_began_ns:
            if route.is_ioc:
                return
            next_ns = work.lit_began_ns + route.strategy.lit_wave_ns
            if plan.now < next_ns:
                self._agenda.wake(parent.parent_id, next_ns)
                return
        rooms = self._rooms(plan, route)
        offers = self._offers(plan, route, rooms)
        if not offers:
            return
        mid = route.mid_micros

        def score_of(offer: Offer, quantity: Shares) -> Score:
            away = offer.price_micros - mid if route.is_buy else mid - offer.price_micros
            venue = self._lit[offer.venue]
            return self._score(route, venue, quantity, venue.take_fee_micros, away)

        takes, held_back = plan_takes(
            offers, route.is_buy, route.available, rooms, score_of, route.strategy.sweep_levels
        )
        if held_back:
            self._agenda.wake(parent.parent_id, plan.now + route.strategy.lit_wave_ns)
            route.planned = True  # an IOC parent waits for its throttle rather than end
        if takes:
            self._add_takes(plan, route, takes)

    def _add_takes(self, plan: Plan, route: _Route, takes: list[Take]) -> None:
        parent = route.parent
        wave = route.next_wave()
        plan.add(WaveStarted(plan.now, parent.parent_id, wave, Stage.LIT))
        for take in takes:
            offer = take.offer
            key = (offer.venue, parent.symbol, route.is_buy, offer.price_micros)
            plan.taken[key] = plan.taken.get(key, 0) + take.quantity
            fact = self._child(
                plan, route, offer.venue, take.quantity, offer.price_micros, take.score, wave
            )
            fact.why = f"{offer.displayed} displayed; {take.score.words()}"

    def _rooms(self, plan: Plan, route: _Route) -> dict[str, Room]:
        """Lit venues that may be sent to. A closed or dropped one protects no price (self-help,
        Reg NMS 611(b)(1)); one that is only throttled does."""
        return {
            name: Room(max(0, plan.order_tokens(name)), venue.max_child_quantity)
            for name, venue in self._lit.items()
            if name not in route.dropped and self._ledger.venue(name).is_routable
        }

    def _offers(self, plan: Plan, route: _Route, rooms: dict[str, Room]) -> list[Offer]:
        """What is displayed at the worst price or better, without what this turn took already."""
        symbol, is_buy = route.parent.symbol, route.is_buy
        offers: list[Offer] = []
        for venue, book in self._market.fresh(symbol, plan.now):
            if venue not in rooms:
                continue
            for price, displayed in book.asks if is_buy else book.bids:
                if price > route.worst if is_buy else price < route.worst:
                    break
                displayed -= plan.taken.get((venue, symbol, is_buy, price), 0)
                if displayed > 0:
                    offers.append(Offer(venue, price, displayed))
        return offers

    def _child(
        self,
        plan: Plan,
        route: _Route,
        venue: str,
        quantity: Shares,
        limit_micros: Micros,
        chosen: Score,
        wave: int,
    ) -> ChildPlanned:
        """A child of a sweep; the dark tactic changes what differs."""
        fact = ChildPlanned(
            plan.now,
            route.parent.parent_id,
            plan.next_id("C"),
            venue,
            quantity,
            OrdType.LIMIT,
            limit_micros,
            TimeInForce.IOC,
            SWEEP,
            wave,
            chosen.cost_micros,
            chosen.display,
            "",
            0,
            route.nbbo.bid_micros,
            route.nbbo.ask_micros,
        )
        route.available -= quantity
        route.planned = True
        plan.spend(venue)
        plan.add(fact)
        return fact

    # --- views ------------------------------------------------------------------------------

    def _strategy(self, parent: Parent) -> StrategySettings:
        """The parent's preset; the default when it named none, or one that is gone since."""
        strategies = self._settings.strategies
        found = strategies.get(parent.strategy)
        return found or strategies[self._settings.default_strategy]

    def _nbbo(self, plan: Plan, symbol: str) -> Nbbo:
        nbbo = plan.nbbos.get(symbol)
        if nbbo is None:
            nbbo = plan.nbbos[symbol] = self._market.nbbo(symbol, plan.now)
        return nbbo

    def _worst(self, route: _Route) -> Micros:
        """The worst price for a child: the limit, or the collar around the reference; 0 when there
        is no reference."""
        parent, is_buy = route.parent, route.is_buy
        if parent.limit_micros is not None and parent.ord_type is OrdType.LIMIT:
            return parent.limit_micros
        reference = risk.reference_micros(route.security, route.nbbo, is_buy)
        if not reference:
            return 0
        return risk.collar_micros(self._settings.risk, route.security, reference, is_buy)

    def _score(
        self,
        route: _Route,
        venue: VenueSettings,
        quantity: Shares,
        fee_micros: Micros,
        price_micros: Micros,
    ) -> Score:
        return score(
            venue,
            self._ledger.venue(venue.name),
            route.strategy,
            quantity,
            route.security.round_lot,
            fee_micros,
            route.mid_micros,
            price_micros,
            route.nbbo.half_spread_micros,
        )


class _Route:
    """One parent on its way through a visit: what is decided so far, on local copies."""

    def __init__(
        self,
        parent: Parent,
        work: Work,
        strategy: StrategySettings,
        security: SecuritySettings,
        nbbo: Nbbo,
    ) -> None:
        self.parent: Final = parent
        self.work: Final = work
        self.strategy: Final = strategy
        self.security: Final = security
        self.nbbo: Final = nbbo
        self.is_buy: Final = parent.side.is_buy
        self.is_ioc: Final = parent.time_in_force is TimeInForce.IOC
        self.mid_micros: Final = nbbo.mid_micros or security.previous_close_micros
        self.worst: Micros = 0
        self.available: Shares = parent.available
        self.stage: Stage = work.stage
        self.wave: int = work.wave
        self.dropped: dict[str, str] = work.dropped
        self.planned = False
        """A child was planned, or will be when the throttle allows."""
        self.waits = False
        """A dark venue would be used if its throttle allowed it."""

    def next_wave(self) -> int:
        """The number of the wave that is being planned."""
        self.wave += 1
        return self.wave

    def drop(self, plan: Plan, venue: str, why: str) -> None:
        """Plan to leave a venue out from here on."""
        self.dropped = {**self.dropped, venue: why}
        plan.add(VenueDropped(plan.now, self.parent.parent_id, venue, why))

    def move_to_lit(self, plan: Plan, why: str) -> None:
        """Plan to open the lit tier."""
        self.stage = Stage.LIT
        plan.add(StageMoved(plan.now, self.parent.parent_id, Stage.LIT, why))
