"""A dark crossing book: everything is hidden and trades at the midpoint of a given reference.

Owns: resting orders and their priority (price, tier, time), MinQty both ways, and when nothing may
trade: reference absent, locked or crossed.
May not know: sessions, symbols, clocks, where the reference comes from.

Theory of operation. An order matches when it arrives and whenever the reference moves. Who is
asked first: the order with the more aggressive limit (none is the most aggressive), then the lower
tier, then the older. What an order takes is planned first and done only if MinQty holds on all
sides, so a refused plan leaves no trace.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from venue_sims.matching.events import Amended, Cause, Dropped, Event, Rested, Traded
from venue_sims.matching.orders import Lifetime, MinQtyMode, Order, Side, reaches
from venue_sims.matching.rules import keeps_priority, midpoint, min_qty_of

_NO_LIMIT: Final = 1 << 62
"""Ranks before every limit."""

_Key = tuple[int, int, int, str]


def priority(order: Order) -> _Key:
    """Sorts orders of one side: who trades first comes first."""
    if order.price is None:
        aggression = _NO_LIMIT
    else:
        aggression = order.price if order.side is Side.BUY else -order.price
    return (-aggression, order.tier, order.sequence, order.order_id)


class Crossing:
    """One dark book."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        """Everything that rests."""
        self.mid: int | None = None
        """The price at which orders trade now; None: none does."""
        self._ranked: dict[Side, list[_Key]] = {Side.BUY: [], Side.SELL: []}
        self._sequence = 0

    # --- commands -------------------------------------------------------------------------

    def refusal(self, order: Order, post_only: bool) -> Cause | None:
        """Why an order must not come in at all, else None. Changes nothing."""
        if post_only and self._plan(order):
            return Cause.POST_ONLY
        return None

    def set_reference(self, bid: int | None, ask: int | None) -> list[Event]:
        """The reference market moved: cross whatever can trade at the new midpoint."""
        mid = midpoint(bid, ask)
        if mid == self.mid:
            return []
        self.mid = mid
        if mid is None or not self.two_sided:
            return []
        events: list[Event] = []
        for key in list(self._ranked[Side.BUY]):
            order = self.orders[key[-1]]
            if not reaches(Side.BUY, order.price, mid):
                break
            self._match_resting(order, events)
            if not self._ranked[Side.SELL]:
                break
        return events

    def enter(self, order: Order, lifetime: Lifetime) -> list[Event]:
        """Trade what can be traded at the midpoint; the rest rests or is dropped."""
        assert order.quantity > 0
        assert order.order_id not in self.orders
        events: list[Event] = []
        plan = self._plan(order)
        if lifetime is Lifetime.FOK and sum(plan.values()) < order.quantity:
            return [Dropped(order.order_id, order.quantity, Cause.IMMEDIATE)]
        self._carry_out(order, plan, events)
        if order.quantity == 0:
            return events
        if lifetime is Lifetime.DAY:
            self._rest(order, events)
        else:
            events.append(Dropped(order.order_id, order.quantity, Cause.IMMEDIATE))
        return events

    def cancel(self, order_id: str) -> list[Event]:
        """Take a resting order out. The caller knows that it rests."""
        order = self.orders[order_id]
        self._remove(order)
        return [Dropped(order_id, order.quantity, Cause.REQUESTED)]

    def replace(
        self, order_id: str, quantity: int, price: int | None, min_qty: int = 0
    ) -> list[Event]:
        """Give a resting order new terms; `quantity` is what may still trade. A pure decrease keeps
        its place, anything else goes to the back. Both may trade at once: MinQty binds a smaller
        order less."""
        assert quantity > 0
        order = self.orders[order_id]
        kept = keeps_priority(order.price, price, order.quantity, quantity)
        if kept and min_qty == order.min_qty:
            order.quantity = quantity
            events: list[Event] = [Amended(order_id, quantity, kept_priority=True)]
            self._match_resting(order, events)
            return events
        self._remove(order)
        order.quantity, order.price, order.min_qty = quantity, price, min_qty
        return [
            Amended(order_id, quantity, kept_priority=False),
            *self.enter(order, Lifetime.DAY),
        ]

    def restore(self, order: Order) -> None:
        """Put back an order that rested before a restart; called in order of priority."""
        self._rest(order, [])

    # --- what can be seen -----------------------------------------------------------------

    @property
    def two_sided(self) -> bool:
        """Whether there are buyers and sellers, so that a move of the reference may matter."""
        return bool(self._ranked[Side.BUY]) and bool(self._ranked[Side.SELL])

    def best(self, side: Side) -> int | None:  # noqa: ARG002 - the shape of all matchers
        """A dark book shows nothing."""
        return None

    def depth(self, side: Side, levels: int) -> list[tuple[int, int, int]]:  # noqa: ARG002
        """A dark book shows nothing."""
        return []

    def queue(self, side: Side) -> list[Order]:
        """All resting orders of a side in the order in which they trade."""
        return [self.orders[key[-1]] for key in self._ranked[side]]

    # --- internals ------------------------------------------------------------------------

    def _plan(self, order: Order, resting: bool = False) -> dict[str, int]:
        """Shares to take from each contra, in priority order; empty when MinQty forbids it all."""
        mid = self.mid
        if mid is None or not reaches(order.side, order.price, mid):
            return {}
        left = order.quantity
        own_min = min_qty_of(order.min_qty, order.quantity)
        composite = order.min_qty_mode is MinQtyMode.COMPOSITE and not resting
        each_min = 0 if composite else own_min
        plan: dict[str, int] = {}
        for key in self._ranked[order.side.opposite]:
            if left == 0:
                break
            contra = self.orders[key[-1]]
            if not reaches(contra.side, contra.price, mid):
                break  # those behind it have limits that are no better
            if order.owner and contra.owner == order.owner:
                continue
            quantity = min(left, contra.quantity)
            if quantity < min_qty_of(contra.min_qty, contra.quantity):
                continue
            if quantity < min(each_min, left):
                continue
            plan[contra.order_id] = quantity
            left -= quantity
        return plan if order.quantity - left >= own_min else {}

    def _match_resting(self, order: Order, events: list[Event]) -> None:
        self._carry_out(order, self._plan(order, resting=True), events)
        if order.quantity == 0:
            self._remove(order)

    def _carry_out(self, order: Order, plan: dict[str, int], events: list[Event]) -> None:
        for contra_id, quantity in plan.items():
            assert self.mid is not None
            contra = self.orders[contra_id]
            order.quantity -= quantity
            contra.quantity -= quantity
            if contra.quantity == 0:
                self._remove(contra)
            events.append(
                Traded(
                    contra_id, order.order_id, self.mid, quantity, contra.quantity, order.quantity
                )
            )

    def _rest(self, order: Order, events: list[Event]) -> None:
        self._sequence += 1
        order.sequence = self._sequence
        self.orders[order.order_id] = order
        insort(self._ranked[order.side], priority(order))
        events.append(Rested(order.order_id, order.quantity))

    def _remove(self, order: Order) -> None:
        del self.orders[order.order_id]
        ranked, key = self._ranked[order.side], priority(order)
        at = bisect_left(ranked, key)
        assert ranked[at] == key
        del ranked[at]
