"""What every tactic asks before it sends: the preset, the market, the score, the throttle.

Owns: how settings, books and venues' states are read together. Changes nothing but the agenda.
May not know: what is decided with the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sor_gateway.sor import risk
from sor_gateway.sor.estimators.sizing import Beliefs
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.market import Book, Market, Nbbo
from sor_gateway.sor.orders import Parent, Work
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.route import Route
from sor_gateway.sor.scoring import Score, score
from sor_gateway.sor.settings import (
    RouterSettings,
    SecuritySettings,
    StrategySettings,
    VenueSettings,
)
from sor_gateway.sor.types import Micros, Nanos, OrdType, Shares
from sor_gateway.sor.venues import refill_ns


class Outlook:
    """The world as routing sees it in one turn."""

    def __init__(self, settings: RouterSettings, ledger: Ledger, market: Market) -> None:
        self.settings: Final = settings
        self.ledger: Final = ledger
        self.agenda: Final = ledger.agenda
        self.market: Final = market
        enabled = [venue for venue in settings.venues.values() if venue.enabled]
        self.dark: Final = [venue for venue in enabled if venue.is_dark]
        self.beliefs: Final = Beliefs(ledger.state.hidden, [venue.name for venue in self.dark])
        self.lit: Final = {venue.name: venue for venue in enabled if not venue.is_dark}

        fees = [venue.take_fee_micros for venue in self.lit.values()]
        self.least_take_fee_micros: Final = min(fees, default=0)

    # --- the parent's ---------------------------------------------------------------------

    def strategy(self, parent: Parent) -> StrategySettings:
        """The parent's preset; the default when it named none, or one that is gone since."""
        strategies = self.settings.strategies
        found = strategies.get(parent.strategy)
        return found or strategies[self.settings.default_strategy]

    def route(self, plan: Plan, parent: Parent, work: Work, security: SecuritySettings) -> Route:
        """What a visit of the parent begins with."""
        nbbo = self.nbbo(plan, parent.symbol)
        made = Route(parent, work, self.strategy(parent), security, nbbo)
        made.worst = self.worst(made)
        if bands := self.ledger.state.bands.get(parent.symbol):
            made.hold_within(bands.values())
        return made

    def worst(self, route: Route) -> Micros:
        """The worst price for a child: the limit, or the collar around the reference; 0 when there
        is no reference."""
        parent, is_buy = route.parent, route.is_buy
        if parent.limit_micros is not None and parent.ord_type is OrdType.LIMIT:
            return parent.limit_micros
        reference = risk.reference_micros(route.security, route.nbbo, is_buy)
        if not reference:
            return 0
        return risk.collar_micros(self.settings.risk, route.security, reference, is_buy)

    # --- the market -----------------------------------------------------------------------

    def nbbo(self, plan: Plan, symbol: str) -> Nbbo:
        """Best bid and offer, found once a turn."""
        nbbo = plan.nbbos.get(symbol)
        if nbbo is None:
            nbbo = plan.nbbos[symbol] = self.market.nbbo(symbol, plan.now)
        return nbbo

    def is_blind(self, nbbo: Nbbo) -> bool:
        """Whether some venue should show a market and no fresh quote of any is known: then there is
        no reference to hold a price against. With dark venues alone there never is one."""
        return bool(self.lit) and not nbbo.mid_micros

    def books(self, plan: Plan, symbol: str) -> Iterator[tuple[str, Book]]:
        """The fresh books of the symbol."""
        return self.market.fresh(symbol, plan.now)

    # --- venues ---------------------------------------------------------------------------

    def is_open(self, venue: str) -> bool:
        """Whether orders may leave for it: its session is up, and it reads what we send."""
        return self.ledger.venue(venue).is_routable

    def all_closed(self) -> bool:
        """No session is up yet, or any more: nothing can be learnt from that."""
        names = [*self.lit, *(venue.name for venue in self.dark)]
        return not any(self.ledger.venue(name).is_open for name in names)

    def round_trip_ns(self, venue: str) -> Nanos:
        """From an order to the venue's first word: half of what was measured took longer."""
        measured = self.ledger.venue(venue).answers.at(0.5)
        return self.settings.venues[venue].latency_prior_ns if measured is None else measured

    def orders_left(self, plan: Plan, venue: str, parent_id: str) -> int:
        """Orders that may leave for a venue, beside what is kept for parents that were held back
        before this one."""
        left = plan.order_tokens(venue)
        if left <= 0 or not self.agenda.claims:
            return left
        return left - self.agenda.ahead(venue, parent_id, plan.now, left)

    def hold_back(self, plan: Plan, venue: str, parent_id: str, retry_ns: Nanos) -> None:
        """The venue's throttle holds a parent back: it comes again when those before it can have
        had their messages, after `retry_ns` at the earliest and about a second at the latest, and
        a message is kept for it until then. Were all to come for each message that can leave, a
        thousand that wait would take all the time there is."""
        agenda, settings = self.agenda, self.settings.venues[venue]
        again_ns = agenda.claims.get(venue, {}).get(parent_id, 0) - retry_ns
        if again_ns <= plan.now:
            place = agenda.ahead(venue, parent_id, plan.now, settings.orders_per_second)
            again_ns = plan.now + max(retry_ns, (place + 1) * refill_ns(settings))
            agenda.claim(venue, parent_id, again_ns + retry_ns)
        agenda.wake(parent_id, again_ns)

    def score(
        self,
        route: Route,
        venue: VenueSettings,
        quantity: Shares,
        fee_micros: Micros,
        price_micros: Micros,
        rate: float | None = None,
    ) -> Score:
        """What a child would cost there. `rate`: what part of it is expected to fill, where that is
        known better than by the fills that the venue gave."""
        return score(
            venue,
            self.ledger.venue(venue.name),
            route.strategy,
            quantity,
            route.security.round_lot,
            fee_micros,
            route.mid_micros,
            price_micros,
            route.nbbo.half_spread_micros,
            self.ledger.state.learnt.adverse_micros(venue.name, route.parent.symbol),
            rate,
        )

    def is_guarded(self, route: Route, venue: str) -> bool:
        """Whether small fills there are not wanted from the start: they were probes, or turned out
        worse than others."""
        learnt, symbol = self.ledger.state.learnt, route.parent.symbol
        return learnt.is_probed(venue, symbol) or learnt.is_toxic(venue, symbol, route.mid_micros)
