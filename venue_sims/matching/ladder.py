"""One side of a lit book: price levels in order, each with its queues.

Owns: where resting orders stand and in which order they trade.
May not know: who may trade with whom, and why.

The prices stand in a sorted list with the best at the end (the price itself for bids, its negative
for asks). A level has two queues, displayed orders before hidden ones, keyed by OrderID, so an
order leaves in constant time wherever it stands.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator

from venue_sims.matching.orders import Order, Side


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

    def to_back(self, order: Order) -> None:
        """Put a displayed order behind the others."""
        self.displayed.move_to_end(order.order_id)

    def first(self) -> Order:
        """The order that trades next; the level is not empty."""
        for order in (self.displayed or self.hidden).values():
            return order
        raise AssertionError("an empty level stands in the book")

    def orders(self) -> Iterator[Order]:
        """All orders in the order in which they trade."""
        yield from self.displayed.values()
        yield from self.hidden.values()

    @property
    def shown(self) -> int:
        """Displayed shares, without reserves."""
        return sum(
            order.shown if order.max_floor else order.quantity for order in self.displayed.values()
        )


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

    def add(self, order: Order, price: int) -> None:
        """Put an order at the back of a price."""
        order.working = price
        key = self._sign * price
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(price)
            insort(self._keys, key)
        level.add(order)

    def remove(self, order: Order) -> None:
        """Take an order out, and its level when nothing is left there."""
        assert order.working is not None
        key = self._sign * order.working
        level = self._levels[key]
        level.remove(order)
        if not level.displayed and not level.hidden:
            del self._levels[key]
            if self._keys[-1] == key:
                self._keys.pop()
            else:
                del self._keys[bisect_left(self._keys, key)]
        order.working = None
