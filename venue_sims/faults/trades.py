"""Faults of trades: late, taken back, corrected, charged wrongly, or cut short by the venue.

Owns: F5, F6, F7, F26.
May not know: FIX tags, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from venue_sims.facts import (
    CancelAccepted,
    Executed,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
)
from venue_sims.faults.facts import (
    FaultPlanned,
    LateExecuted,
    TradeBusted,
    TradeCorrected,
)
from venue_sims.faults.fault import FactFault, FeeFault, PlanFault
from venue_sims.faults.when import When, at_least, ms, seconds
from venue_sims.words import Capacity, Liquidity

if TYPE_CHECKING:
    from venue_sims.state import VenueOrder
    from venue_sims.venue import Venue


TICKS_MOST: Final = 1_000_000
MICROS_MOST: Final = 1_000_000
"""A dollar a share."""


@dataclass(slots=True, kw_only=True)
class LateFillSettings(When):
    """`quantity`: shares at most; 0: all that was left."""

    after_cxl_ms: int = 200
    quantity: int = 0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, after_cxl_ms=self.after_cxl_ms, quantity=self.quantity)


class LateFill(FactFault[LateFillSettings], PlanFault[LateFillSettings]):
    """An order that was reported as cancelled trades."""

    name, number, Settings = "late_fill", "F5", LateFillSettings

    def saw(self, fact: object) -> None:
        """Orders are out."""
        if isinstance(fact, CancelAccepted | OrderCanceled):
            self._out(fact.order_id, fact.at_ns)
        elif isinstance(fact, MassCanceled):
            for order_id in fact.order_ids:
                self._out(order_id, fact.at_ns)

    def _out(self, order_id: str, now: int) -> None:
        if self.strikes_order(self._trading.state.orders[order_id], now):
            due = now + ms(self.settings.after_cxl_ms)
            quantity = self.settings.quantity
            plan = FaultPlanned(now, due, self.name, order_id=order_id, quantity=quantity)
            self._trading.fact(plan)

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """It trades at its limit, or at the midpoint."""
        trading = venue.trading
        order = trading.state.orders.get(plan.order_id)
        if order is None:
            return  # forgotten with its day
        left = order.terms.quantity - order.cum_quantity
        quantity = min(plan.quantity or left, left)
        if order.live or not quantity:
            return
        price = order.terms.price
        if price is None:
            quote = trading.floors[order.terms.symbol].nbbo(trading.clock.market(now))
            price = (quote.bid + quote.ask) // 2
        trading.fact(
            LateExecuted(
                now,
                trading.leaves_at(order.session, now),
                order.order_id,
                trading.state.next_exec_id(now),
                quantity,
                price,
                Liquidity.ADDED,
                trading.fees.fee(Liquidity.ADDED, quantity, price),
            )
        )


@dataclass(slots=True, kw_only=True)
class BustSettings(When):
    """`delay_s`: wall seconds after the trade."""

    delay_s: float = 1.0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, delay_s=self.delay_s)


class Bust(FactFault[BustSettings], PlanFault[BustSettings]):
    """A trade is taken back."""

    name, number, Settings = "bust", "F6", BustSettings

    def saw(self, fact: object) -> None:
        """A trade."""
        if isinstance(fact, Executed):
            order = self._trading.state.orders[fact.order_id]
            if self.strikes_order(order, fact.at_ns):
                due = fact.at_ns + seconds(self.settings.delay_s)
                self._trading.fact(FaultPlanned(fact.at_ns, due, self.name, exec_id=fact.exec_id))

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """Take it back, if it still stands."""
        bust(venue, plan.exec_id, now)


def bust(venue: Venue, exec_id: str, now: int) -> bool:
    """Take a trade back; False when there is none of this id. What a live order had of it, it may
    trade again."""
    trading = venue.trading
    trade = trading.state.faults.trades.get(exec_id)
    if trade is None:
        return False
    order = trading.state.orders[trade.order_id]
    trading.refer(order.terms.symbol, now)
    at = trading.leaves_at(order.session, now)
    trading.fact(TradeBusted(now, at, trading.state.next_exec_id(now), exec_id))
    _rest_again(venue, order, now)
    return True


@dataclass(slots=True, kw_only=True)
class CorrectSettings(BustSettings):
    """`ticks`: how much worse for the client the true price is. `fewer`: shares that were not
    traded after all."""

    ticks: int = 1
    fewer: int = 0

    def __post_init__(self) -> None:
        BustSettings.__post_init__(self)
        at_least(0, fewer=self.fewer)
        at_least(-TICKS_MOST, TICKS_MOST, ticks=self.ticks)


class Correct(FactFault[CorrectSettings], PlanFault[CorrectSettings]):
    """A trade is corrected."""

    name, number, Settings = "correct", "F6", CorrectSettings

    def saw(self, fact: object) -> None:
        """A trade."""
        if isinstance(fact, Executed):
            order = self._trading.state.orders[fact.order_id]
            if self.strikes_order(order, fact.at_ns):
                settings = self.settings
                due = fact.at_ns + seconds(settings.delay_s)
                self._trading.fact(
                    FaultPlanned(
                        fact.at_ns,
                        due,
                        self.name,
                        exec_id=fact.exec_id,
                        quantity=settings.fewer,
                        ticks=settings.ticks,
                    )
                )

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """Correct it, if it still stands."""
        state = venue.state
        trade = state.faults.trades.get(plan.exec_id)
        if trade is None:
            return
        terms = state.orders[trade.order_id].terms
        tick = venue.floors[terms.symbol].path.settings.tick_micros
        worse = 1 if terms.capacity is Capacity.BUY else -1
        price = trade.price + worse * plan.ticks * tick
        correct(venue, plan.exec_id, max(trade.quantity - plan.quantity, 1), price, now)


def correct(venue: Venue, exec_id: str, quantity: int, price: int, now: int) -> bool:
    """Say that a trade was of another quantity or price; False when there is none of this id."""
    trading = venue.trading
    trade = trading.state.faults.trades.get(exec_id)
    if trade is None or price <= 0 or not 0 < quantity <= trade.quantity:
        return False
    order = trading.state.orders[trade.order_id]
    trading.refer(order.terms.symbol, now)
    fee = trading.fees.fee(trade.liquidity, quantity, price)
    at = trading.leaves_at(order.session, now)
    new_id = trading.state.next_exec_id(now)
    trading.fact(TradeCorrected(now, at, new_id, exec_id, quantity, price, fee))
    if quantity < trade.quantity:
        _rest_again(venue, order, now)
    return True


def _rest_again(venue: Venue, order: VenueOrder, now: int) -> None:
    """A live order has more left than its book knows. Where nothing trades it only waits."""
    trading, symbol = venue.trading, order.terms.symbol
    floor = trading.floors[symbol]
    if not order.live or order.order_id not in floor.matcher.orders:
        return
    entering = trading.to_match(order.order_id, order.terms, order.leaves, order.session)
    if trading.state.trades(symbol):
        events = floor.replace(entering, trading.clock.market(now))
    else:
        events = floor.matcher.put_back(entering)
    trading.book(symbol, events, now)
    trading.plan(symbol, floor)


@dataclass(slots=True, kw_only=True)
class UnsolCancelSettings(When):
    """`ms`: how long after it was accepted. `reason`: the report's text."""

    ms: int = 100
    reason: str = "U: cancelled by the venue"

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, ms=self.ms)


class UnsolCancel(FactFault[UnsolCancelSettings], PlanFault[UnsolCancelSettings]):
    """The venue takes an order out that nobody asked it to."""

    name, number, Settings = "unsol_cancel", "F7", UnsolCancelSettings

    def saw(self, fact: object) -> None:
        """An order was accepted."""
        if not isinstance(fact, OrderAccepted):
            return
        order = self._trading.state.orders[fact.order_id]
        if self.strikes_order(order, fact.at_ns):
            due = fact.at_ns + ms(self.settings.ms)
            text = self.settings.reason
            self._trading.fact(
                FaultPlanned(fact.at_ns, due, self.name, order_id=order.order_id, text=text)
            )

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """Take it out, if it is still in."""
        order = venue.state.orders.get(plan.order_id)
        if order is not None and order.live:
            venue.trading.refer(order.terms.symbol, now)
        venue.cancel(plan.order_id, plan.text, now)


@dataclass(slots=True, kw_only=True)
class FeeSurpriseSettings(When):
    """`micros`: what a share costs more than the schedule says."""

    micros: int = 1_000

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(-MICROS_MOST, MICROS_MOST, micros=self.micros)


class FeeSurprise(FeeFault[FeeSurpriseSettings]):
    """A trade costs what the schedule does not say."""

    name, number, Settings = "fee_surprise", "F26", FeeSurpriseSettings

    def charged(self, order: VenueOrder, fee_micros: int, quantity: int, now: int) -> int:
        """The schedule's fee, and more."""
        if not self.strikes_order(order, now):
            return fee_micros
        return fee_micros + quantity * self.settings.micros
