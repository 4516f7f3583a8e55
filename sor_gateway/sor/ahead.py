"""Taking ahead of everything else, when working the order would cost more.

Owns: when a parent's books are weighed against working it, and the wave that follows: one child a
venue, for all that is taken of its book, at the worst price of that; so the books are met before
they can answer.
May not know: hidden orders, displayed orders of ours, how decisions are applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.decisions import WaveStarted
from sor_gateway.sor.estimators.volatility import day_micros
from sor_gateway.sor.ledger import SWEEP
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.route import Draft, Route
from sor_gateway.sor.sweeps import Sweeps
from sor_gateway.sor.tactics.ahead import cheap_now, worked_micros
from sor_gateway.sor.types import Micros, Shares, Stage

CENT_MICROS: Final = 10_000


@dataclass(slots=True)
class Ask:
    """Displayed quantity at one venue and price, in the order in which it would be taken."""

    away_micros: Micros
    """From the midpoint; more is worse."""
    fee_micros: Micros
    venue: str
    price_micros: Micros
    quantity: Shares


@dataclass(slots=True)
class Part:
    """What is taken of one venue's book."""

    quantity: Shares = 0
    worst_micros: Micros = 0
    walked: Micros = 0
    """Away from the midpoint, over all its shares."""


class Ahead:
    """Decisions about what is not to be worked at all."""

    def __init__(self, outlook: Outlook, sweeps: Sweeps) -> None:
        self._outlook: Final = outlook
        self._sweeps: Final = sweeps

    def send(self, plan: Plan, route: Route) -> None:
        """Take what costs less in the books now than it is expected to cost when it is worked; at
        most one wave in a while."""
        began_ns = route.work.lit_began_ns
        if route.is_ioc or (began_ns and plan.now < began_ns + route.strategy.lit_wave_ns):
            return
        if not self._may_pay(route):
            return
        asks = self._asks(plan, route)
        sigma, adv, done, saved = self._terms(route)
        asked = [(float(ask.away_micros + ask.fee_micros), ask.quantity) for ask in asks]
        cheap, gain = cheap_now(asked, sigma, adv, done, route.available, saved)
        parts = parts_of(asks, cheap)
        rooms = self._sweeps.rooms(plan, route)
        for venue, part in parts.items():
            room = rooms[venue]
            if not room.orders or part.quantity > room.child_max:
                return  # its price is protected: nothing worse is taken elsewhere
        if not parts:
            return
        why = f"{gain / cheap / CENT_MICROS:.2f} c a share cheaper than to work it"
        plan.add(WaveStarted(plan.now, route.parent.parent_id, route.next_wave(), Stage.LIT))
        self._note(plan, route, asks, cheap)
        drafts: list[Draft] = []
        for name, part in parts.items():
            found, away = self._outlook.lit[name], part.walked // part.quantity
            score = self._outlook.score(route, found, part.quantity, found.take_fee_micros, away)
            text = f"{part.quantity} displayed, {why}; {score.words()}"
            drafts.append(Draft(name, part.quantity, SWEEP, part.worst_micros, score, text))
        self._sweeps.together(plan, route, drafts)
        for draft in drafts:
            route.add_child(plan, draft)
            self._outlook.agenda.serve(draft.venue, route.parent.parent_id)

    def _terms(self, route: Route) -> tuple[float, Shares, Shares, float]:
        """Volatility of a day, average daily volume, shares done or out, and what a share that is
        worked saves: half of the spread."""
        parent = route.parent
        sigma = day_micros(self._outlook.ledger.state.volatility.get(parent.symbol))
        sigma *= route.strategy.weight_impact
        saved = float(route.nbbo.half_spread_micros)
        return sigma, route.security.average_daily_volume, parent.bound - route.available, saved

    def _may_pay(self, route: Route) -> bool:
        """Whether it would be cheaper if all of it were displayed at the touch: where not even that
        is, the books need no look."""
        sigma, adv, done, saved = self._terms(route)
        if not (sigma and adv and 0 < route.nbbo.bid_micros < route.nbbo.ask_micros):
            return False
        least = route.nbbo.half_spread_micros + self._outlook.least_take_fee_micros
        worked = worked_micros(sigma, adv, done, route.available, saved)
        return worked > route.available * least

    def _asks(self, plan: Plan, route: Route) -> list[Ask]:
        """What is displayed within the worst price, best price first, fees at equal prices."""
        lit, is_buy, mid = self._outlook.lit, route.is_buy, route.mid_micros
        symbol = route.parent.symbol
        asks: list[Ask] = []
        for name, book in self._outlook.books(plan, symbol):
            if name not in lit or name in route.dropped or not self._outlook.is_open(name):
                continue
            fee = lit[name].take_fee_micros
            for price, shares in book.asks if is_buy else book.bids:
                if not route.within_worst(price):
                    break
                shares -= plan.taken.get((name, symbol, is_buy, price), 0)
                away = price - mid if is_buy else mid - price
                if shares > 0:
                    asks.append(Ask(away, fee, name, price, shares))
        asks.sort(key=_away_then_fee)
        return asks

    def _note(self, plan: Plan, route: Route, asks: list[Ask], quantity: Shares) -> None:
        """Nobody else in this turn goes for the same shares."""
        symbol, is_buy = route.parent.symbol, route.is_buy
        for ask in asks:
            taken = min(ask.quantity, quantity)
            key = (ask.venue, symbol, is_buy, ask.price_micros)
            plan.taken[key] = plan.taken.get(key, 0) + taken
            quantity -= taken
            if quantity <= 0:
                return


def parts_of(asks: list[Ask], quantity: Shares) -> dict[str, Part]:
    """By venue, what `quantity` takes of what is asked, best first."""
    parts: dict[str, Part] = {}
    for ask in asks:
        taken = min(ask.quantity, quantity)
        if taken <= 0:
            break
        quantity -= taken
        part = parts.setdefault(ask.venue, Part())
        part.quantity += taken
        part.worst_micros = ask.price_micros
        part.walked += taken * ask.away_micros
    return parts


def _away_then_fee(ask: Ask) -> tuple[Micros, Micros, str]:
    return ask.away_micros, ask.fee_micros, ask.venue
