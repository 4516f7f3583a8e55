"""Orders in a line, found by the price that they would take.

Owns: who came first of those that take a price and belong to somebody else, found without asking
each of them.
May not know: what an order is, why one stands in the line or leaves it.

A tree over the places in the line: each node knows the keenest order below it, whose that is, and
the keenest of anybody else. So a search goes down where there is somebody to be found, and costs
as many steps as the tree is high: among 10,000 that want another price, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sor_gateway.sor.types import Micros

LEAST_PLACES: Final = 64
AT_ANY_PRICE: Final[Micros] = 1 << 60
"""How keen an order without a limit is."""
_NOBODY: Final[Micros] = -(1 << 60)

Owner = tuple[str, str]
_Node = tuple[Micros, Owner, Micros]
"""How keen the keenest is, its owner, and how keen anybody else is."""
_EMPTY: Final[_Node] = (_NOBODY, ("", ""), _NOBODY)


def keenness(price: Micros, *, is_buy: bool) -> Micros:
    """A price as a figure that is larger the more a buyer would pay, or the less a seller takes:
    an order takes a price as long as it is at least as keen."""
    return price if is_buy else -price


class Line:
    """Who is in it keeps the place while away, until found to be gone for good."""

    def __init__(self) -> None:
        self.steps = 0
        """Nodes that searches have looked at: what they cost."""
        self._orders: list[str] = []
        self._places: dict[str, int] = {}
        self._size = LEAST_PLACES
        self._tree: list[_Node] = [_EMPTY] * (2 * LEAST_PLACES)
        """The root is at 1, below node n are 2n and 2n + 1; the places are the last `_size`."""

    def __len__(self) -> int:
        """Places that are taken."""
        return len(self._orders)

    def stand(
        self, order_id: str, keen: Micros, owner: Owner, is_gone: Callable[[str], bool]
    ) -> None:
        """Stand at the end, or at the place that was kept. Who `is_gone` is forgotten when room is
        needed."""
        if order_id not in self._places:
            if len(self._orders) == self._size:
                self._close_up(is_gone)
            self._places[order_id] = len(self._orders)
            self._orders.append(order_id)
        self._put(self._places[order_id], (keen, owner, _NOBODY))

    def leave(self, order_id: str) -> None:
        """Not to be found until it stands here again."""
        place = self._places.get(order_id)
        if place is not None:
            self._put(place, _EMPTY)

    def first(self, keen: Micros, owner: Owner, behind: str = "") -> str:
        """The first order at least so keen that is not of this owner; only those `behind` an order
        where one is named. Empty when there is none."""
        at = self._size + (self._places[behind] + 1 if behind else 0)
        if at == len(self._tree):
            return ""
        while not self._has(at, keen, owner):
            while at % 2:  # the right one of two: further on is beside its parent
                at //= 2
            if not at:
                return ""
            at += 1
        while at < self._size:
            at *= 2
            if not self._has(at, keen, owner):
                at += 1
        return self._orders[at - self._size]

    def _has(self, at: int, keen: Micros, owner: Owner) -> bool:
        """Whether somebody to be found is below a node."""
        self.steps += 1
        best, whose, others = self._tree[at]
        return (best if whose != owner else others) >= keen

    def _put(self, place: int, node: _Node) -> None:
        """Write a place, and what changes above it."""
        at = self._size + place
        while at and self._tree[at] != node:
            self._tree[at] = node
            at //= 2
            if at:
                node = _best_of(self._tree[2 * at], self._tree[2 * at + 1])

    def _close_up(self, is_gone: Callable[[str], bool]) -> None:
        """Move up into the places of who is gone, and make as many more as are taken then."""
        kept = [each for each in self._orders if not is_gone(each)]
        nodes = [self._tree[self._size + self._places[each]] for each in kept]
        while self._size < 2 * len(kept):
            self._size *= 2
        while self._size > max(LEAST_PLACES, 4 * len(kept)):
            self._size //= 2
        self._orders, self._places = kept, {each: place for place, each in enumerate(kept)}
        self._tree = [_EMPTY] * self._size + nodes + [_EMPTY] * (self._size - len(nodes))
        for at in range(self._size - 1, 0, -1):
            self._tree[at] = _best_of(self._tree[2 * at], self._tree[2 * at + 1])


def _best_of(one: _Node, other: _Node) -> _Node:
    """What a node knows of the two below it."""
    if one[0] < other[0]:
        one, other = other, one
    best, owner, others = one
    return best, owner, max(others, other[0] if other[1] != owner else other[2])
