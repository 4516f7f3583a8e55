"""Waves of hidden orders: when one is over, what it showed, and the next.

Owns: the dark half of the pecking order. A wave goes to every usable dark venue at once; it is
over when each of its children is, or when its time box has ended and nothing more was heard of a
child. So a wave that fills whole everywhere is followed at once, and one venue that filled whole
waits for the others' box: what the wave filled of what it sent is then one figure.
May not know: displayed venues, how decisions are applied.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.dark_venue import PROBES_MAX
from sor_gateway.sor.decisions import WaveStarted
from sor_gateway.sor.estimators.hidden import Run
from sor_gateway.sor.estimators.sizing import Pool, next_sizes
from sor_gateway.sor.ledger import DARK
from sor_gateway.sor.orders import Parent, Work
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.route import Draft, Route
from sor_gateway.sor.scoring import Score
from sor_gateway.sor.settings import Sizing, StrategySettings, VenueSettings
from sor_gateway.sor.tactics.dark import judge, least_fill, next_size, split
from sor_gateway.sor.tactics.spray import draw, shown_size
from sor_gateway.sor.tending import Tending
from sor_gateway.sor.types import Nanos, OrdType, Shares, Stage, TimeInForce
from sor_gateway.sor.venues import refill_ns


class DarkWaves:
    """Decisions about hidden orders."""

    def __init__(self, outlook: Outlook, tending: Tending) -> None:
        self._outlook: Final = outlook
        self._agenda: Final = outlook.agenda
        self._tending: Final = tending

    def guard(self, plan: Plan, parent: Parent, work: Work, strategy: StrategySettings) -> None:
        """Pull what rests where somebody probes; the next wave takes no small fills there."""
        if not work.dark_open or not strategy.dark_guard_quantity:
            return
        probed = [name for name, at in work.dark.items() if at.is_probed and not at.is_guarded]
        if not probed:
            return
        children = self._outlook.ledger.state.children
        for child_id in parent.children:
            child = children[child_id]
            if child.venue in probed and child.flight is not None and child.flight.tactic == DARK:
                self._tending.pull(plan, child, f"{PROBES_MAX} small fills in a row: probes")

    def judge(self, plan: Plan, route: Route) -> bool:
        """Whether no dark wave is under way. One that is over is judged. A child that hangs past
        its box does not hold the others up: it stays counted, and the wave ends without it."""
        work, strategy = route.work, route.strategy
        if not work.dark_wave:
            return True
        deadline_ns = work.dark_ends_ns + 2 * self._outlook.settings.answer_timeout_ns
        if work.dark_open and plan.now < deadline_ns:
            self._agenda.wake(route.parent.parent_id, deadline_ns)
            return False
        verdict = judge(work, strategy.dark_dry_share)
        if strategy.use_lit:
            for venue, why in verdict.drops:
                if venue not in route.dropped:
                    route.drop(plan, venue, why)
            if route.stage is Stage.DARK and (verdict.is_dry or route.is_ioc):
                route.move_to_lit(plan, verdict.words())
        elif verdict.sent and not verdict.filled and plan.now < work.dark_ends_ns:
            # Venues that hand orders back at once would get them again at wire speed.
            self._agenda.wake(route.parent.parent_id, work.dark_ends_ns)
            return False
        return True

    def send(self, plan: Plan, route: Route, quantity: Shares) -> bool:
        """A hidden order to each usable dark venue, best first. False when there is none."""
        candidates = self._candidates(plan, route)
        if not candidates:
            return False
        parent, strategy = route.parent, route.strategy
        is_first = not route.work.dark
        pools: list[tuple[float, VenueSettings, Shares, Score]] = []
        for venue in candidates:
            size = next_size(strategy, route.work.dark.get(venue.name))
            size = min(size, venue.max_child_quantity)
            score = self._outlook.score(route, venue, size, venue.mid_fee_micros, 0)
            pools.append((score.cost, venue, size, score))
        pools.sort(key=_cost_then_name)
        plan.add(WaveStarted(plan.now, parent.parent_id, route.next_wave(), Stage.DARK))
        box_ns = (is_first and strategy.dark_first_box_ns) or strategy.dark_box_ns
        scores = {venue.name: score for _, venue, _, score in pools}
        sizes = [(venue, size) for _, venue, size, _ in pools]
        for name, meant in self._shares(plan, route, sizes, min(quantity, route.available)):
            chosen, shares = scores[name], self._drawn(route, name, meant)
            draft = Draft(name, shares, DARK, route.worst, chosen, "", OrdType.MID_PEG)
            draft.why = f"{shares} hidden at the midpoint; {chosen.words()}"
            guarded = self._outlook.is_guarded(route, name)
            least = least_fill(strategy, route.work.dark.get(name), guarded)
            draft.min_quantity = min(least, shares)
            if not route.is_ioc:
                draft.time_in_force = TimeInForce.DAY
                draft.pull_at_ns = plan.now + box_ns + self._longer_ns(route, name)
            route.add_child(plan, draft)
            self._agenda.serve(name, parent.parent_id)
        return True

    def _longer_ns(self, route: Route, venue: str) -> Nanos:
        """By how much a child outlasts its box: who watches when orders come back learns nothing of
        whose they are."""
        delay_ns = route.strategy.dark_delay_ns
        return int(self._draw(route, f"{venue}/time") * delay_ns) if delay_ns else 0

    def _drawn(self, route: Route, venue: str, meant: Shares) -> Shares:
        """A size by which no wave is known again, nor what the last one filled."""
        spread, lot = route.strategy.dark_size_spread, route.security.round_lot
        return shown_size(meant, spread, lot, self._draw(route, f"{venue}/size") if spread else 0.0)

    def _draw(self, route: Route, place: str) -> float:
        return draw(self._outlook.settings.seed, route.parent.parent_id, route.wave, place)

    def _shares(
        self,
        plan: Plan,
        route: Route,
        sizes: list[tuple[VenueSettings, Shares]],
        quantity: Shares,
    ) -> list[tuple[str, Shares]]:
        """Who gets how much, at most these sizes, best venue first."""
        lot = route.security.round_lot
        if route.strategy.sizing is Sizing.PLAYBOOK:
            return split(quantity, [(venue.name, size) for venue, size in sizes], lot)
        saved = route.nbbo.half_spread_micros + self._outlook.least_take_fee_micros
        none, seen = Run(), route.work.dark
        pools = [
            Pool(
                venue.name,
                max(1.0, saved - venue.mid_fee_micros),
                size,
                seen[venue.name].next_run if venue.name in seen else none,
            )
            for venue, size in sizes
        ]
        beliefs = self._outlook.beliefs.of(route.parent.symbol, plan.now)
        given = next_sizes(beliefs, pools, quantity, lot)
        return [(pool.venue, shares) for pool, shares in zip(pools, given, strict=True) if shares]

    def _candidates(self, plan: Plan, route: Route) -> list[VenueSettings]:
        """Open dark venues that were not dropped and hold nothing of this parent."""
        if not route.strategy.use_dark or (route.is_ioc and route.work.wave):
            return []
        parent = route.parent
        children = self._outlook.ledger.state.children
        occupied = {children[child_id].venue for child_id in parent.children}
        usable: list[VenueSettings] = []
        for venue in self._outlook.dark:
            name = venue.name
            if name in route.dropped or name in occupied or not self._outlook.is_open(name):
                continue
            if self._outlook.orders_left(plan, name, parent.parent_id) > 0:
                usable.append(venue)
            else:
                route.waits = True
                self._outlook.hold_back(plan, name, parent.parent_id, refill_ns(venue))
        return usable


def _cost_then_name(pool: tuple[float, VenueSettings, Shares, Score]) -> tuple[float, str]:
    return pool[0], pool[1].name
