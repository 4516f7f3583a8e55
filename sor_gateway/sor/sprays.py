"""Small displayed orders over several venues: shown, replenished, moved with the market, pulled.

Owns: when a displayed order leaves and when it comes back. At most `spray_clip` of a parent is
displayed on a venue, because a venue that has any open child of it gets no other, and at most
`spray_max_shown` on all; a partly filled order is never made larger, a new one follows when it is
over. An order follows the market by being cancelled and sent anew: two messages, and at no instant
more than one order's worth of exposure, where a replace would need both its old and its new terms
counted (recovery.md 3.7). It rests at least `lit_wave_ns` before it moves, so a parent sends at
most two messages a venue in that time. It is pulled at once when the market is not one to rest in.
May not know: hidden orders, how decisions are applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sor_gateway.sor.decisions import WaveStarted
from sor_gateway.sor.departures import crumbling
from sor_gateway.sor.ledger import SPRAY
from sor_gateway.sor.orders import Child, Flight
from sor_gateway.sor.outflows import reached
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.risk import money
from sor_gateway.sor.route import Draft, Route, Sight
from sor_gateway.sor.scoring import Score
from sor_gateway.sor.settings import SprayPrice, VenueSettings
from sor_gateway.sor.sweeps import Sweeps
from sor_gateway.sor.tactics.spray import draw, near_touch, share_out, shown_size
from sor_gateway.sor.tending import Tending
from sor_gateway.sor.types import (
    NANOS_PER_MILLISECOND,
    ChildState,
    Micros,
    Shares,
    Stage,
    TimeInForce,
)
from sor_gateway.sor.venues import refill_ns

SHOWN_AFTER_NS: Final = 250 * NANOS_PER_MILLISECOND
"""How long after an order of ours left a venue's book is taken to show it."""
ONE_LEVEL: Final = 1


class Sprays:
    """Decisions about displayed orders."""

    def __init__(self, outlook: Outlook, sweeps: Sweeps, tending: Tending) -> None:
        self._outlook: Final = outlook
        self._agenda: Final = outlook.agenda
        self._sweeps: Final = sweeps
        self._tending: Final = tending

    # --- what is displayed ----------------------------------------------------------------

    def keep(self, plan: Plan, route: Route) -> None:
        """Pull what should not be displayed, or not at this price, any more."""
        sight = self._look(plan, route)
        if not sight.shown:
            return
        parent_id, agenda = route.parent.parent_id, self._agenda
        if not sight.trouble and (until_ns := route.patience_ends_ns()) > 0:
            agenda.wake(parent_id, until_ns)
        age_ns = self._outlook.settings.quote_max_age_ns
        for child, flight in sight.shown:
            why, book = sight.trouble, sight.books.get(child.venue)
            if not why and book is None:
                why = "the venue's own quotes are stale"
            at = child.works_at_micros
            if not why and at is not None and not flight.pull_at_ns:
                why = self._crumbles(plan, route, sight, at)
            if not why and at != sight.target:
                why = self._out_of_line(plan, route, flight, sight.target)
            if why:
                self._tending.pull(plan, child, why)
            elif book is not None:
                agenda.wake(parent_id, book.at_ns + age_ns + 1)

    def _look(self, plan: Plan, route: Route) -> Sight:
        """The market as it concerns displayed orders, found once a visit."""
        if route.sight is not None:
            return route.sight
        children = self._outlook.ledger.state.children
        shown: list[tuple[Child, Flight]] = []
        for child_id in route.parent.children:
            child = children[child_id]
            if child.flight is not None and child.flight.tactic == SPRAY:
                shown.append((child, child.flight))
        books = dict(self._outlook.books(plan, route.parent.symbol))
        sight = route.sight = Sight(books, shown, self._trouble(plan, route), 0)
        if not sight.trouble:
            sight.target = self._target(route, sight)
            if route.strategy.crumble_share:
                after_ns = plan.now - route.strategy.crumble_hold_ns
                departures = self._outlook.market.departures
                sight.left = departures.left_since(route.parent.symbol, route.is_buy, after_ns)
        return sight

    def _trouble(self, plan: Plan, route: Route) -> str:
        """Why nothing of the parent may be displayed now; empty for no reason."""
        nbbo, until_ns = route.nbbo, route.patience_ends_ns()
        if 0 <= until_ns <= plan.now:
            return "the patience of its strategy ended"
        if not (nbbo.bid_micros and nbbo.ask_micros):
            return "there is no fresh market"
        if nbbo.bid_micros >= nbbo.ask_micros:
            return f"the market is {'locked' if nbbo.bid_micros == nbbo.ask_micros else 'crossed'}"
        return ""

    def _out_of_line(self, plan: Plan, route: Route, flight: Flight, target: Micros) -> str:
        """Why an order that is not where the touch is moves now; empty when it does not yet."""
        if flight.pull_at_ns:
            return ""  # what takes has a time box of its own
        moves_ns = flight.planned_ns + route.strategy.lit_wave_ns
        if plan.now < moves_ns:
            self._agenda.wake(route.parent.parent_id, moves_ns)
            return ""
        return f"the touch moved to {money(target)}" if target else "the touch is beyond its limit"

    def _crumbles(self, plan: Plan, route: Route, sight: Sight, price: Micros) -> str:
        """Why no passive order may stand at this price now: most that showed it left it; empty when
        they did not. It is looked at again when that counts no more."""
        if not sight.left:
            return ""
        bests = self._outlook.market.departures.bests(route.parent.symbol, route.is_buy)
        shown = [(venue, best.price) for venue, best in bests.items() if venue in sight.books]
        found = crumbling(price, route.is_buy, sight.left, shown)
        if not found.is_on(route.strategy.crumble_share):
            return ""
        again_ns = found.last_ns + route.strategy.crumble_hold_ns
        self._agenda.wake(route.parent.parent_id, max(again_ns, plan.now + 1))
        side = "bid" if route.is_buy else "offer"
        venues = f"{found.gone} of {found.gone + found.there} venues left it"
        return f"the {side} of {money(price)} crumbles: {venues}"

    def _target(self, route: Route, sight: Sight) -> Micros:
        """Where passive orders belong; 0 when the touch is beyond the worst price."""
        ours: dict[tuple[str, Micros], Shares] = {}
        for child, flight in sight.shown:
            book = sight.books.get(child.venue)
            if child.state is not ChildState.LIVE or book is None or child.works_at_micros is None:
                continue
            if book.at_ns >= flight.planned_ns + SHOWN_AFTER_NS:
                key = (child.venue, child.works_at_micros)
                ours[key] = ours.get(key, 0) + child.leaves_quantity
        near = near_touch(sight.books.items(), route.is_buy, ours)
        near = near or route.nbbo.far_micros(not route.is_buy)
        return near if self._rests(route, near) else 0

    def _rests(self, route: Route, price_micros: Micros) -> bool:
        """Whether an order at this price is allowed, and would not take."""
        far = route.nbbo.far_micros(route.is_buy)
        is_passive = price_micros < far if route.is_buy else price_micros > far
        return is_passive and route.within_worst(price_micros)

    # --- what is sent ---------------------------------------------------------------------

    def send(self, plan: Plan, route: Route) -> None:
        """Show what is wanting; at most one wave in a while."""
        if not self._is_time(plan, route) or self._look(plan, route).trouble:
            return
        children = self._outlook.ledger.state.children
        occupied: dict[str, Shares] = {}
        for child_id in route.parent.children:
            child = children[child_id]
            if child.venue in self._outlook.lit:
                occupied[child.venue] = occupied.get(child.venue, 0) + child.leaves_quantity
        room = min(route.strategy.spray_max_shown - sum(occupied.values()), route.available)
        if room <= 0:
            return
        takes = route.strategy.spray_price is SprayPrice.TOUCH_FAR
        choose = self._takes if takes else self._posts
        drafts = choose(plan, route, occupied, room)
        if not drafts:
            return
        plan.add(WaveStarted(plan.now, route.parent.parent_id, route.next_wave(), Stage.LIT))
        for draft in drafts:
            if takes:
                self._sweeps.add_take(plan, route, draft)
            else:
                self._agenda.serve(draft.venue, route.parent.parent_id)
                route.add_child(plan, draft)

    def _is_time(self, plan: Plan, route: Route) -> bool:
        """Whether the next wave is due; it waits longer at random when that is configured."""
        began_ns, strategy = route.work.lit_began_ns, route.strategy
        if not began_ns:
            return True
        next_ns = began_ns + strategy.lit_wave_ns
        if strategy.spray_delay_ns:
            next_ns += int(self._draw(route, "delay") * strategy.spray_delay_ns)
        if plan.now < next_ns:
            self._agenda.wake(route.parent.parent_id, next_ns)
            return False
        return True

    def _posts(
        self, plan: Plan, route: Route, occupied: dict[str, Shares], room: Shares
    ) -> list[Draft]:
        """Passive orders, the venue with the lowest expected cost first: where adding is paid for
        rather than charged."""
        sight = self._look(plan, route)
        target = sight.target
        if not target or self._crumbles(plan, route, sight, target):
            return []
        away = target - route.mid_micros if route.is_buy else route.mid_micros - target
        clip = route.strategy.spray_clip
        usable = list(self._usable(plan, route, occupied))
        queues = self._queues(plan, route, [venue.name for venue in usable], target)
        ranked: list[tuple[float, str, Score]] = []
        for venue in usable:
            queue = queues.get(venue.name)
            rate = None if queue is None else reached(queue[0], clip, queue[1])
            score = self._outlook.score(route, venue, clip, venue.add_fee_micros, away, rate)
            ranked.append((score.cost, venue.name, score))
        ranked.sort(key=lambda each: each[:2])
        scores = {name: score for _, name, score in ranked}
        sizes = [(name, self._size(route, name)) for name in scores]
        side = "best bid" if route.is_buy else "best offer"
        return [
            Draft(
                name,
                quantity,
                SPRAY,
                target,
                scores[name],
                f"{quantity} shown at the {side}{behind(queues.get(name))}; {scores[name].words()}",
                time_in_force=TimeInForce.DAY,
                post_only=route.strategy.spray_post_only,
            )
            for name, quantity in share_out(sizes, room)
        ]

    def _queues(
        self, plan: Plan, route: Route, names: list[str], price: Micros
    ) -> dict[str, tuple[Shares, float]]:
        """By venue, what an order at this price stands behind, and how much of it leaves in a
        second; a venue where nothing was seen to leave is taken for one like the others. Nothing
        when none was: then what is known of fills there has to do."""
        if not route.strategy.spray_queues:
            return {}
        departures, symbol = self._outlook.market.departures, route.parent.symbol
        places = {name: (symbol, route.is_buy, name) for name in names}
        rates = {name: departures.outflow(place, plan.now) for name, place in places.items()}
        seen = [rate for rate in rates.values() if rate > 0]
        if not seen:
            return {}
        usual = sum(seen) / len(seen)
        return {
            name: (departures.queue(place, price), rates[name] or usual)
            for name, place in places.items()
        }

    def _usable(
        self, plan: Plan, route: Route, occupied: dict[str, Shares]
    ) -> Iterator[VenueSettings]:
        """Venues that may be shown on: open, not dropped, without an order of this parent, their
        own book fresh, and with a message left; who is held back comes again."""
        parent_id = route.parent.parent_id
        for name in self._look(plan, route).books:
            venue = self._outlook.lit.get(name)
            if venue is None or name in route.dropped or name in occupied:
                continue
            if not self._outlook.is_open(name):
                continue
            if self._outlook.orders_left(plan, name, parent_id) > 0:
                yield venue
            else:
                retry_ns = max(refill_ns(venue), route.strategy.lit_wave_ns)
                self._outlook.hold_back(plan, name, parent_id, retry_ns)

    def _takes(
        self, plan: Plan, route: Route, occupied: dict[str, Shares], room: Shares
    ) -> list[Draft]:
        """Orders at the far touch, at most a clip on each venue that shows it. What is left of one
        when its time is over is pulled, or it would rest through the market. A venue that has an
        order of ours already still protects its price."""
        rooms = self._sweeps.rooms(plan, route)
        for name, at in rooms.items():
            at.offer_max = 0 if name in occupied else self._size(route, name)
        pull_at_ns = plan.now + route.strategy.lit_wave_ns
        side = "best offer" if route.is_buy else "best bid"
        return [
            Draft(
                take.offer.venue,
                take.quantity,
                SPRAY,
                take.offer.price_micros,
                take.score,
                f"{take.quantity} of {take.offer.displayed} at the {side}; {take.score.words()}",
                time_in_force=TimeInForce.DAY,
                pull_at_ns=pull_at_ns,
            )
            for take in self._sweeps.choose(plan, route, rooms, room, ONE_LEVEL)
        ]

    def _size(self, route: Route, venue: str) -> Shares:
        strategy = route.strategy
        clip = min(strategy.spray_clip, self._outlook.lit[venue].max_child_quantity)
        if not strategy.spray_size_spread:
            return clip
        drawn = self._draw(route, venue)
        return shown_size(clip, strategy.spray_size_spread, route.security.round_lot, drawn)

    def _draw(self, route: Route, place: str) -> float:
        """Chance for the wave that is being planned."""
        seed = self._outlook.settings.seed
        return draw(seed, route.parent.parent_id, route.wave, place)


def behind(queue: tuple[Shares, float] | None) -> str:
    """What an order joins, for the record of the decision."""
    return "" if queue is None else f" behind {queue[0]} ({queue[1]:.0f}/s leave)"
