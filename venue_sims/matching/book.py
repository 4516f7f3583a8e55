"""A lit order book: price, then display, then time; trades at the resting order's price.

Owns: resting orders and their priority, and every rule of who trades with whom.
May not know: sessions, symbols, clocks, fees, whose orders these are.

Theory of operation. A side is a ladder: price levels in a sorted list of keys with the best at the
end (the price itself for bids, its negative for asks), each level two queues, displayed orders
before hidden ones. An order that arrives takes from the best level while prices cross, then rests
or is dropped by its lifetime. Nothing here calls back: lists of events go out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from venue_sims.matching.events import Amended, Cause, Dropped, Event, Rested, Traded
from venue_sims.matching.orders import Lifetime, Order, Side, reaches
from venue_sims.matching.rules import collar, keeps_priority

COLLAR_PPM: Final = 50_000
"""Market orders trade within 5 % of the best price they meet (venues.md 4.3)."""


class Level:
    """The orders at one price, in the order in which they trade."""

    __slots__ = ("displayed", "hidden", "price")

    def __init__(self, price: int) -> None:
        self.price = price
        self.displayed: OrderedDict[str, Order] = OrderedDict()
        self.hidden: OrderedDict[str, Order] = OrderedDict()

    def add(self, order: Order) -> None:
        """Put an order behind those of its kind."""
        (self.displayed if order.displayed else self.hidden)[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order out."""
        del (self.displayed if order.displayed else self.hidden)[order.order_id]

    def first(self) -> Order:
        """The order that trades next; the level is not empty."""
        return next(iter(self.displayed.values() if self.displayed else self.hidden.values()))

    def orders(self) -> Iterator[Order]:
        """All orders in the order in which they trade."""
        yield from self.displayed.values()
        yield from self.hidden.values()

    @property
    def empty(self) -> bool:
        """Whether no order is left."""
        return not self.displayed and not self.hidden

    @property
    def shown(self) -> int:
        """Displayed shares."""
        return sum(order.quantity for order in self.displayed.values())


class Ladder:
    """One side of the book."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, side: Side) -> None:
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    def best(self) -> Level | None:
        """The level that trades next."""
        return self._levels[self._keys[-1]] if self._keys else None

    def levels(self) -> Iterator[Level]:
        """All levels, best first."""
        return (self._levels[key] for key in reversed(self._keys))

    def add(self, order: Order) -> None:
        """Put an order at the back of its price."""
        assert order.price is not None
        key = self._sign * order.price
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(order.price)
            insort(self._keys, key)
        level.add(order)

    def remove(self, order: Order) -> None:
        """Take an order out, and its level when nothing is left there."""
        assert order.price is not None
        key = self._sign * order.price
        level = self._levels[key]
        level.remove(order)
        if level.empty:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]


class Book:
    """One book. `collar_ppm` bounds market orders, in parts per million of the touch."""

    def __init__(self, collar_ppm: int = COLLAR_PPM) -> None:
        self.collar_ppm = collar_ppm
        self.orders: dict[str, Order] = {}
        """Everything that rests."""
        self._ladders = {Side.BUY: Ladder(Side.BUY), Side.SELL: Ladder(Side.SELL)}
        self._sequence = 0

    # --- commands -------------------------------------------------------------------------

    def refusal(self, order: Order, post_only: bool) -> Cause | None:
        """Why an order must not come in at all, else None. Changes nothing."""
        if post_only and self._next_to_trade(order, order.price) is not None:
            return Cause.POST_ONLY
        return None

    def enter(self, order: Order, lifetime: Lifetime) -> list[Event]:
        """Trade what can be traded; the rest rests or is dropped. Market orders never rest."""
        assert order.quantity > 0
        assert order.order_id not in self.orders
        events: list[Event] = []
        limit = self._limit(order)
        if lifetime is Lifetime.FOK and self._available(order, limit) < order.quantity:
            return [Dropped(order.order_id, order.quantity, Cause.IMMEDIATE)]
        self._match(order, limit, events)
        if order.quantity == 0:
            return events
        if order.price is None:
            events.append(Dropped(order.order_id, order.quantity, Cause.COLLAR))
        elif lifetime is Lifetime.DAY:
            self._rest(order, events)
        else:
            events.append(Dropped(order.order_id, order.quantity, Cause.IMMEDIATE))
        return events

    def cancel(self, order_id: str) -> list[Event]:
        """Take a resting order out. The caller knows that it rests."""
        order = self.orders.pop(order_id)
        self._ladders[order.side].remove(order)
        return [Dropped(order_id, order.quantity, Cause.REQUESTED)]

    def replace(
        self, order_id: str, quantity: int, price: int | None, min_qty: int = 0
    ) -> list[Event]:
        """Give a resting order new terms; `quantity` is what may still trade. A pure decrease keeps
        its place, anything else goes to the back and may trade at once."""
        assert quantity > 0
        order = self.orders[order_id]
        if keeps_priority(order.price, price, order.quantity, quantity):
            order.quantity = quantity
            return [Amended(order_id, quantity, kept_priority=True)]
        self.cancel(order_id)
        order.quantity, order.price, order.min_qty = quantity, price, min_qty
        return [
            Amended(order_id, quantity, kept_priority=False),
            *self.enter(order, Lifetime.DAY),
        ]

    def restore(self, order: Order) -> None:
        """Put back an order that rested before a restart; called in order of priority."""
        self._rest(order, [])

    # --- what can be seen -----------------------------------------------------------------

    def best(self, side: Side) -> int | None:
        """The best displayed price of a side."""
        for level in self._ladders[side].levels():
            if level.displayed:
                return level.price
        return None

    def depth(self, side: Side, levels: int) -> list[tuple[int, int, int]]:
        """Displayed (price, shares, orders), best first."""
        found: list[tuple[int, int, int]] = []
        for level in self._ladders[side].levels():
            if len(found) == levels:
                break
            if level.displayed:
                found.append((level.price, level.shown, len(level.displayed)))
        return found

    def queue(self, side: Side) -> list[Order]:
        """All resting orders of a side, hidden ones too, in the order in which they trade."""
        return [order for level in self._ladders[side].levels() for order in level.orders()]

    # --- internals ------------------------------------------------------------------------

    def _limit(self, order: Order) -> int | None:
        """The worst price this order may trade at now; a market order's comes from the touch."""
        if order.price is not None:
            return order.price
        level = self._ladders[order.side.opposite].best()
        return None if level is None else collar(order.side, level.price, self.collar_ppm)

    def _match(self, order: Order, limit: int | None, events: list[Event]) -> None:
        contra = self._ladders[order.side.opposite]
        while order.quantity:
            resting = self._next_to_trade(order, limit)
            if resting is None:
                return
            if order.owner and resting.owner == order.owner:
                # The newest of the two goes (venues.md 4.2, default).
                events.append(Dropped(order.order_id, order.quantity, Cause.SELF_MATCH))
                order.quantity = 0
                return
            assert resting.price is not None
            quantity = min(order.quantity, resting.quantity)
            order.quantity -= quantity
            resting.quantity -= quantity
            if resting.quantity == 0:
                contra.remove(resting)
                del self.orders[resting.order_id]
            events.append(
                Traded(
                    resting.order_id,
                    order.order_id,
                    resting.price,
                    quantity,
                    resting.quantity,
                    order.quantity,
                )
            )

    def _next_to_trade(self, order: Order, limit: int | None) -> Order | None:
        level = self._ladders[order.side.opposite].best()
        if level is None or not reaches(order.side, limit, level.price):
            return None
        return level.first()

    def _available(self, order: Order, limit: int | None) -> int:
        """Shares that an order could take now, as far as it needs."""
        total = 0
        for level in self._ladders[order.side.opposite].levels():
            if total >= order.quantity or not reaches(order.side, limit, level.price):
                break
            for resting in level.orders():
                if order.owner and resting.owner == order.owner:
                    return total
                total += resting.quantity
        return total

    def _rest(self, order: Order, events: list[Event]) -> None:
        self._sequence += 1
        order.sequence = self._sequence
        self.orders[order.order_id] = order
        self._ladders[order.side].add(order)
        events.append(Rested(order.order_id, order.quantity))
