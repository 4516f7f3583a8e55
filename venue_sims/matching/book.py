"""A lit order book: price, then display, then time; trades at the resting order's price.

Owns: every rule of who trades with whom, and what becomes of the rest.
May not know: sessions, symbols, clocks, fees, whose orders these are.

Theory of operation. An order that arrives takes from the best level while prices cross, then rests
or is dropped by its lifetime. Orders with a reserve show a part; when that is gone the next part
goes to the back of the displayed orders. Pegged orders are hidden and stand where the reference
puts them: when it moves, those that have to move all leave and come back as if they had just
arrived, the oldest first, so they may trade. D-Limit orders step out of the way before that, when
the reference says that their side crumbles; they do not come back. Nothing here calls back: lists
of events go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from venue_sims.matching.events import (
    Amended,
    Cause,
    Dropped,
    Event,
    Restated,
    Rested,
    Traded,
)
from venue_sims.matching.ladder import Ladder, Level
from venue_sims.matching.orders import D_LIMITS, Lifetime, Manner, Order, Side, reaches
from venue_sims.matching.rules import (
    Reference,
    SelfMatch,
    collar,
    keeps_priority,
    outside,
    peg_price,
    sheltered,
    tighter,
)

COLLAR_PPM: Final = 50_000
"""Market orders trade within 5 % of the best price they meet (venues.md 4.3)."""


@dataclass(slots=True)
class BookRules:
    """What a venue may choose."""

    collar_ppm: int = COLLAR_PPM
    """How far beyond the touch a market order trades, in parts per million."""
    tick: int = 1
    """The price increment in micros."""
    round_lot: int = 1
    """A price at which fewer shares are displayed is not quoted."""
    self_match: SelfMatch = SelfMatch.NEWEST
    slide: bool = False
    """A post-only order that would take goes one tick outside instead of back to its sender."""
    protect: bool = False
    """Orders other than ISO do not trade through the reference."""


class Book:
    """One book."""

    def __init__(self, rules: BookRules | None = None) -> None:
        self.rules = rules or BookRules()
        self.orders: dict[str, Order] = {}
        """Everything that rests, pegs that wait included."""
        self.reference = Reference()
        self._ladders = {Side.BUY: Ladder(Side.BUY), Side.SELL: Ladder(Side.SELL)}
        self._contras = {Side.BUY: self._ladders[Side.SELL], Side.SELL: self._ladders[Side.BUY]}
        self._pegs: dict[str, Order] = {}
        self._d_limits: dict[str, Order] = {}
        self._sequence = 0

    # --- commands -------------------------------------------------------------------------

    def refusal(self, order: Order) -> Cause | None:
        """Why an order must not come in at all, else None. Changes nothing."""
        if order.manner is Manner.POST_ONLY and not self.rules.slide and self._would_take(order):
            return Cause.POST_ONLY
        return None

    def enter(self, order: Order, lifetime: Lifetime) -> list[Event]:
        """Trade what can be traded; the rest rests or is dropped. Market orders never rest."""
        assert order.quantity > 0
        assert order.order_id not in self.orders
        events: list[Event] = []
        if order.manner is Manner.POST_ONLY and not self._stands_aside(order, events):
            return events
        limit = self._limit(order)
        bound = self._bound(order, limit) if self.rules.protect else limit
        if lifetime is Lifetime.FOK and self._available(order, bound) < order.quantity:
            return [Dropped(order.order_id, order.quantity, Cause.IMMEDIATE)]
        if bound is not None:
            self._match(order, bound, events)
        if order.quantity:
            self._settle(order, lifetime, limit, bound, events)
        return events

    def cancel(self, order_id: str) -> list[Event]:
        """Take a resting order out. The caller knows that it rests."""
        order = self.orders[order_id]
        self._take_out(order)
        return [Dropped(order_id, order.quantity, Cause.REQUESTED)]

    def replace(self, order: Order) -> list[Event]:
        """Give the resting order of this id new terms; `quantity` is what may still trade. A pure
        decrease keeps its place, anything else goes to the back and may trade at once."""
        assert order.quantity > 0
        old = self.orders[order.order_id]
        if keeps_priority(old, order):
            old.quantity = order.quantity
            old.shown = min(old.shown, old.quantity)
            return [Amended(old.order_id, old.quantity, kept_priority=True)]
        self._take_out(old)
        amended = Amended(order.order_id, order.quantity, kept_priority=False)
        return [amended, *self.enter(order, Lifetime.DAY)]

    def set_reference(
        self,
        bid: int | None,
        ask: int | None,
        bid_unstable: bool = False,
        ask_unstable: bool = False,
    ) -> list[Event]:
        """The market around moved: D-Limit orders step aside, then pegs follow and may trade."""
        reference = Reference(bid, ask, bid_unstable, ask_unstable)
        if reference == self.reference:
            return []
        self.reference = reference
        events: list[Event] = []
        if bid_unstable or ask_unstable:
            self._shelter(events)
        if self._pegs:
            self._follow(events)
        return events

    def put_back(self, order: Order) -> list[Event]:
        """Give the resting order of this id more shares where nothing trades: it stands at the back
        of its price."""
        events: list[Event] = []
        old = self.orders[order.order_id]
        price = old.working
        self._take_out(old)
        self._rest(order, price, events)
        return events

    def restore(self, order: Order) -> None:
        """Put back an order that rested before a restart; called in order of priority. Pegs wait
        for the first reference."""
        self._rest(order, order.price if order.peg is None else None, [])

    # --- what can be seen -----------------------------------------------------------------

    @property
    def watchful(self) -> bool:
        """Whether a move of the reference may matter to an order that rests."""
        return bool(self._pegs) or bool(self._d_limits)

    @property
    def bound(self) -> bool:
        """Whether the reference matters to every order that arrives."""
        return self.rules.protect

    def best(self, side: Side) -> int | None:
        """The best displayed price of a side."""
        quoted = self.depth(side, 1)
        return quoted[0][0] if quoted else None

    def depth(self, side: Side, levels: int) -> list[tuple[int, int, int]]:
        """Displayed (price, shares, orders), best first; prices with less than a round lot are not
        quoted."""
        found: list[tuple[int, int, int]] = []
        for level in self._ladders[side].levels():
            if len(found) == levels:
                break
            if level.displayed and (shown := level.shown) >= self.rules.round_lot:
                found.append((level.price, shown, len(level.displayed)))
        return found

    def queue(self, side: Side) -> list[Order]:
        """All resting orders of a side, hidden ones too, in the order in which they trade; pegs
        that wait come last."""
        ranked = [order for level in self._ladders[side].levels() for order in level.orders()]
        waiting = [
            order
            for order in _oldest_first(self._pegs)
            if order.side is side and order.working is None
        ]
        return ranked + waiting

    # --- arriving -------------------------------------------------------------------------

    def _limit(self, order: Order) -> int | None:
        """The worst price this order may trade at now: a peg's from the reference, a market order's
        from the touch. None: it trades with nobody."""
        if order.peg is not None:
            return peg_price(order, self.reference, self.rules.tick)
        if order.price is not None:
            return order.price
        level = self._contras[order.side].best()
        return None if level is None else collar(order.side, level.price, self.rules.collar_ppm)

    def _bound(self, order: Order, limit: int | None) -> int | None:
        """The limit, no worse than the protected price."""
        protected = self.reference.protected(order.side)
        if limit is None or protected is None or order.manner is Manner.ISO:
            return limit
        return tighter(order.side, limit, protected)

    def _would_take(self, order: Order) -> Level | None:
        """The level that an order would trade with first."""
        level = self._contras[order.side].best()
        if level is None or not reaches(order.side, order.price, level.price):
            return None
        return level

    def _stands_aside(self, order: Order, events: list[Event]) -> bool:
        """Whether a post-only order may rest: it would take nothing, or slid to where it does
        not."""
        level = self._would_take(order)
        if level is None:
            return True
        price = outside(order.side, level.price, self.rules.tick)
        if not self.rules.slide or price <= 0:
            events.append(Dropped(order.order_id, order.quantity, Cause.POST_ONLY))
            return False
        order.price = price
        events.append(Restated(order.order_id, order.quantity, price, Cause.POST_ONLY))
        return True

    def _settle(
        self,
        order: Order,
        lifetime: Lifetime,
        limit: int | None,
        bound: int | None,
        events: list[Event],
    ) -> None:
        """What becomes of the shares that did not trade on arrival."""
        if bound != limit and self._reaches_somebody(order, limit):
            cause = Cause.TRADE_THROUGH
        elif order.price is None and order.peg is None:
            cause = Cause.COLLAR
        elif lifetime is not Lifetime.DAY:
            cause = Cause.IMMEDIATE
        else:
            self._rest(order, limit, events)
            return
        events.append(Dropped(order.order_id, order.quantity, cause))

    def _reaches_somebody(self, order: Order, limit: int | None) -> bool:
        level = self._contras[order.side].best()
        return level is not None and reaches(order.side, limit, level.price)

    # --- trading --------------------------------------------------------------------------

    def _match(self, order: Order, limit: int, events: list[Event]) -> None:
        contra = self._contras[order.side]
        buys = order.side is Side.BUY
        while order.quantity:
            level = contra.best()
            if level is None or (level.price > limit if buys else level.price < limit):
                return
            resting = level.first()
            if order.owner and resting.owner == order.owner:
                self._prevent(order, resting, events)
                continue
            quantity = min(order.quantity, resting.shown if resting.max_floor else resting.quantity)
            order.quantity -= quantity
            resting.quantity -= quantity
            if resting.quantity == 0:
                self._take_out(resting)
            elif resting.max_floor:
                self._show_more(resting, quantity, level)
            events.append(
                Traded(
                    resting.order_id,
                    order.order_id,
                    level.price,
                    quantity,
                    resting.quantity,
                    order.quantity,
                )
            )

    def _show_more(self, order: Order, traded: int, level: Level) -> None:
        """When the shown part of an order is gone, the next one goes to the back."""
        order.shown -= traded
        if order.shown == 0:
            order.shown = min(order.max_floor, order.quantity)
            level.to_back(order)
            self._sequence += 1
            order.sequence = self._sequence

    def _available(self, order: Order, limit: int | None) -> int:
        """Shares that an order could take now, as far as it needs. It stops at an order of its own
        unless that would go; before that an order with a reserve has had one turn."""
        if limit is None:
            return 0
        stops = self.rules.self_match is not SelfMatch.OLDEST
        total = 0
        for level in self._contras[order.side].levels():
            if total >= order.quantity or not reaches(order.side, limit, level.price):
                break
            for queue in (level.displayed, level.hidden):
                ahead = reserves = 0
                for resting in queue.values():
                    if order.owner and resting.owner == order.owner:
                        if stops:
                            return total + ahead
                        continue
                    turn = resting.shown if resting.max_floor else resting.quantity
                    ahead += turn
                    reserves += resting.quantity - turn
                total += ahead + reserves
        return total

    def _prevent(self, order: Order, resting: Order, events: list[Event]) -> None:
        """Two orders of one owner must not trade."""
        mode = self.rules.self_match
        if mode is SelfMatch.DECREMENT:
            self._decrement(order, resting, events)
            return
        if mode is not SelfMatch.NEWEST:
            events.append(Dropped(resting.order_id, resting.quantity, Cause.SELF_MATCH))
            self._take_out(resting)
        if mode is not SelfMatch.OLDEST:
            events.append(Dropped(order.order_id, order.quantity, Cause.SELF_MATCH))
            order.quantity = 0

    def _decrement(self, order: Order, resting: Order, events: list[Event]) -> None:
        quantity = min(order.quantity, resting.quantity)
        for each in (resting, order):
            each.quantity -= quantity
            if each.quantity:
                restated = Restated(each.order_id, each.quantity, each.price, Cause.SELF_MATCH)
                events.append(restated)
            else:
                events.append(Dropped(each.order_id, quantity, Cause.SELF_MATCH))
        if resting.quantity:
            resting.shown = min(resting.shown, resting.quantity)
        else:
            self._take_out(resting)

    # --- resting --------------------------------------------------------------------------

    def _rest(self, order: Order, price: int | None, events: list[Event]) -> None:
        """Put an order at the back of its price; a peg without one waits."""
        if order.manner in D_LIMITS:
            if not self._keeps_clear(order, events):
                return
            price = order.price
            self._d_limits[order.order_id] = order
        self._sequence += 1
        order.sequence = self._sequence
        self.orders[order.order_id] = order
        if order.max_floor:
            assert order.displayed
            order.shown = min(order.max_floor, order.quantity)
        if order.peg is not None:
            assert order.manner is Manner.PLAIN
            assert not order.displayed
            self._pegs[order.order_id] = order
        if price is not None:
            self._ladders[order.side].add(order, price)
        events.append(Rested(order.order_id, order.quantity))

    def _take_out(self, order: Order) -> None:
        del self.orders[order.order_id]
        if order.working is not None:
            self._ladders[order.side].remove(order)
        if order.peg is not None:
            del self._pegs[order.order_id]
        elif order.manner in D_LIMITS:
            del self._d_limits[order.order_id]

    # --- the reference --------------------------------------------------------------------

    def _shelter(self, events: list[Event]) -> None:
        """D-Limit orders of a side that crumbles step one tick outside, the oldest first."""
        for order in _oldest_first(self._d_limits):
            if sheltered(order, self.reference, self.rules.tick) is not None:
                self._take_out(order)
                self._rest(order, order.price, events)

    def _keeps_clear(self, order: Order, events: list[Event]) -> bool:
        """Move a D-Limit order that is about to rest out of the way of a quote that crumbles;
        False: it goes altogether."""
        price = sheltered(order, self.reference, self.rules.tick)
        if price is None:
            return True
        if order.manner is Manner.D_LIMIT_OR_CANCEL or price <= 0:
            events.append(Dropped(order.order_id, order.quantity, Cause.SIGNAL))
            return False
        order.price = price
        events.append(Restated(order.order_id, order.quantity, price, Cause.SIGNAL))
        return True

    def _follow(self, events: list[Event]) -> None:
        """Pegs whose price changed leave and come back, the oldest first."""
        moved = [
            order
            for order in _oldest_first(self._pegs)
            if peg_price(order, self.reference, self.rules.tick) != order.working
        ]
        for order in moved:
            self._take_out(order)
        for order in moved:
            events += self.enter(order, Lifetime.DAY)


def _oldest_first(orders: dict[str, Order]) -> list[Order]:
    return sorted(orders.values(), key=lambda order: order.sequence)
