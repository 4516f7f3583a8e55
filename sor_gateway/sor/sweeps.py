"""Waves that take what is displayed.

Owns: which displayed quantity a parent goes for, and when again.
May not know: hidden orders, displayed orders of ours, how decisions are applied.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.decisions import WaveStarted
from sor_gateway.sor.estimators.fills import fill_rate
from sor_gateway.sor.ledger import SWEEP
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.route import Draft, Route
from sor_gateway.sor.scoring import Score
from sor_gateway.sor.tactics.sweep import Offer, Room, Take, holds, plan_takes
from sor_gateway.sor.types import Nanos, Shares, Stage


class Sweeps:
    """Decisions about orders that take."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook: Final = outlook
        self._agenda: Final = outlook.agenda

    def send(self, plan: Plan, route: Route) -> None:
        """Take what is displayed at the worst price or better; at most one wave in a while."""
        parent, work = route.parent, route.work
        if work.lit_began_ns:
            if route.is_ioc:
                return
            next_ns = work.lit_began_ns + route.strategy.lit_wave_ns
            if plan.now < next_ns:
                self._agenda.wake(parent.parent_id, next_ns)
                route.sleeps = True
                return
        takes = self.choose(
            plan, route, self.rooms(plan, route), route.available, route.strategy.sweep_levels
        )
        if not takes:
            return
        plan.add(WaveStarted(plan.now, parent.parent_id, route.next_wave(), Stage.LIT))
        drafts: list[Draft] = []
        for take in takes:
            offer, why = take.offer, f"{take.seen()}; {take.score.words()}"
            drafts.append(
                Draft(offer.venue, take.quantity, SWEEP, offer.price_micros, take.score, why)
            )
        self.together(plan, route, drafts)
        for draft in drafts:
            self.add_take(plan, route, draft)

    def together(self, plan: Plan, route: Route, drafts: list[Draft]) -> None:
        """By option, what goes for the whole of each better price at once says so (ISO), and what
        is for a near venue waits for those on a longer way."""
        trips: dict[str, Nanos] = {}
        if route.strategy.sweep_align_ns:
            venues = dict.fromkeys(draft.venue for draft in drafts)
            trips = {venue: self._outlook.round_trip_ns(venue) for venue in venues}
        waits = holds(trips, route.strategy.sweep_align_ns)
        for draft in drafts:
            draft.is_iso = route.strategy.sweep_iso
            if wait_ns := waits.get(draft.venue, 0):
                draft.leaves_ns = plan.now + wait_ns
                draft.why += f"; {wait_ns / 1_000_000:.3f} ms later, to arrive with the others"

    def rooms(self, plan: Plan, route: Route) -> dict[str, Room]:
        """Lit venues that may be sent to. A closed or dropped one protects no price (self-help,
        Reg NMS 611(b)(1)); one that is only throttled does."""
        outlook, parent_id = self._outlook, route.parent.parent_id
        firm_min, round_lot = 1.0 - route.strategy.sweep_fade, route.security.round_lot
        rooms: dict[str, Room] = {}
        for name, venue in outlook.lit.items():
            if name in route.dropped or not outlook.is_open(name):
                continue
            orders = max(0, outlook.orders_left(plan, name, parent_id))
            room = rooms[name] = Room(orders, venue.max_child_quantity, round_lot=round_lot)
            firm_share = fill_rate(outlook.ledger.venue(name).fills, venue.fill_rate_prior)
            if firm_share < firm_min:
                room.firm_share = firm_share
        return rooms

    def choose(
        self, plan: Plan, route: Route, rooms: dict[str, Room], quantity: Shares, levels: int
    ) -> list[Take]:
        """What to take of what is displayed; who is held back comes again."""
        offers = self._offers(plan, route, rooms)
        if not offers:
            return []
        mid = route.mid_micros

        def score_of(offer: Offer, quantity: Shares) -> Score:
            away = offer.price_micros - mid if route.is_buy else mid - offer.price_micros
            venue = self._outlook.lit[offer.venue]
            return self._outlook.score(route, venue, quantity, venue.take_fee_micros, away)

        found = plan_takes(offers, route.is_buy, quantity, rooms, score_of, levels)
        parent_id = route.parent.parent_id
        if self._agenda.claims:
            for take in found.takes:
                self._agenda.serve(take.offer.venue, parent_id)
        if found.is_held_back:
            route.planned = True  # an IOC parent waits for its throttle rather than end
            wave_ns = route.strategy.lit_wave_ns
            self._agenda.wake(parent_id, plan.now + wave_ns)
            for venue in found.throttled:
                self._outlook.hold_back(plan, venue, parent_id, wave_ns)
        return found.takes

    def add_take(self, plan: Plan, route: Route, draft: Draft) -> None:
        """A child that takes: nobody else in this turn goes for the same shares."""
        key = (draft.venue, route.parent.symbol, route.is_buy, draft.limit_micros)
        plan.taken[key] = plan.taken.get(key, 0) + draft.quantity
        route.add_child(plan, draft)

    def _offers(self, plan: Plan, route: Route, rooms: dict[str, Room]) -> list[Offer]:
        """What is displayed at the worst price or better, without what this turn took already."""
        symbol, is_buy = route.parent.symbol, route.is_buy
        offers: list[Offer] = []
        for venue, book in self._outlook.books(plan, symbol):
            if venue not in rooms:
                continue
            for price, displayed in book.asks if is_buy else book.bids:
                if not route.within_worst(price):
                    break
                displayed -= plan.taken.get((venue, symbol, is_buy, price), 0)
                if displayed > 0:
                    offers.append(Offer(venue, price, displayed))
        return offers
