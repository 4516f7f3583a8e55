"""A dark crossing book: everything is hidden and trades within a given reference.

Owns: resting orders and their priority (price, tier, size if asked for, time), MinQty both ways, at
which price two orders meet, when a conditional order is invited.
May not know: sessions, symbols, clocks, where the reference comes from.

Theory of operation. Each order is worth a price now: its limit or its peg, no better than the far
side of the reference. An order matches when it arrives and whenever the reference moves: who is
worth more is asked first, then the lower tier, then (if the venue says so) the larger, then the
older. What an order takes is planned first and done only if MinQty holds on all sides, so a
refused plan leaves no trace. Without a regular reference (absent, locked, crossed; a halt is an
absent one) nobody is worth anything and nothing trades.

Conditional orders never trade. When firm trading is done, what rests is asked again whom it could
trade with if conditional orders were firm: those are taken out and invited. Nobody is held for
them; the firm order that answers is an order like any other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from venue_sims.matching.events import Amended, Cause, Dropped, Event, Invited, Rested, Traded
from venue_sims.matching.orders import Lifetime, Manner, MinQtyMode, Order, Side
from venue_sims.matching.rules import (
    Reference,
    keeps_priority,
    midpoint,
    min_qty_of,
    peg_price,
    tighter,
)

_NOTHING: Final = 1 << 62
"""Ranks behind every price."""

_Key = tuple[int, int, int, int, str]
_Plan = list[tuple[Order, int, int]]
"""Contra, shares, price."""


class Improvement(StrEnum):
    """At which price two orders meet."""

    MID = "mid"
    """At the midpoint, if both take it."""
    SPLIT = "split"
    """Halfway between what they are worth: what one offers more than the other asks is shared."""


@dataclass(slots=True)
class CrossingRules:
    """What a venue may choose."""

    improvement: Improvement = Improvement.MID
    by_size: bool = False
    """At the same price and tier the larger order goes first."""
    apart: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """Pairs of tiers that never meet: (of the one, of the other), in either order."""


class Crossing:
    """One dark book."""

    def __init__(self, rules: CrossingRules | None = None) -> None:
        self.rules = rules or CrossingRules()
        self.orders: dict[str, Order] = {}
        """Everything that rests."""
        self.reference = Reference()
        self._mid: int | None = None
        self._ranked: dict[Side, list[_Key]] = {Side.BUY: [], Side.SELL: []}
        self._keys: dict[str, _Key] = {}
        self._conditionals: dict[str, Order] = {}
        self._sequence = 0

    # --- commands -------------------------------------------------------------------------

    def refusal(self, order: Order) -> Cause | None:
        """Why an order must not come in at all, else None. Changes nothing."""
        if order.manner is Manner.POST_ONLY and self._plan(order):
            return Cause.POST_ONLY
        return None

    def set_reference(
        self,
        bid: int | None,
        ask: int | None,
        bid_unstable: bool = False,
        ask_unstable: bool = False,
    ) -> list[Event]:
        """The reference market moved: cross whatever can trade now. No order of a dark book asks
        whether a quote crumbles."""
        if (bid, ask) == (self.reference.bid, self.reference.ask):
            return []
        self.reference = Reference(bid, ask, bid_unstable, ask_unstable)
        self._mid = midpoint(bid, ask)
        self._rank()
        events: list[Event] = []
        if self._mid is None or not self.watchful:
            return events
        for key in list(self._ranked[Side.BUY]):
            order = self.orders[key[-1]]
            if order.working is None or not self._ranked[Side.SELL]:
                break
            if order.manner is not Manner.CONDITIONAL:
                self._match_resting(order, events)
        for order in list(self._conditionals.values()):
            if order.order_id in self._conditionals:
                self._invite(order, events, resting=True)
        return events

    def enter(self, order: Order, lifetime: Lifetime) -> list[Event]:
        """Trade what can be traded now; the rest rests or is dropped."""
        assert order.quantity > 0
        assert order.order_id not in self.orders
        events: list[Event] = []
        if order.manner is not Manner.CONDITIONAL:
            plan = self._plan(order)
            if lifetime is Lifetime.FOK and sum(shares for _, shares, _ in plan) < order.quantity:
                return [Dropped(order.order_id, order.quantity, Cause.IMMEDIATE)]
            self._carry_out(order, plan, events)
        if order.quantity == 0:
            return events
        if lifetime is Lifetime.DAY:
            self._rest(order, events)
            self._invite(order, events)
        else:
            events.append(Dropped(order.order_id, order.quantity, Cause.IMMEDIATE))
        return events

    def cancel(self, order_id: str) -> list[Event]:
        """Take a resting order out. The caller knows that it rests."""
        order = self.orders[order_id]
        self._remove(order)
        return [Dropped(order_id, order.quantity, Cause.REQUESTED)]

    def replace(self, order: Order) -> list[Event]:
        """Give the resting order of this id new terms; `quantity` is what may still trade. A pure
        decrease keeps its place, anything else goes to the back. Both may trade at once: MinQty
        binds a smaller order less."""
        assert order.quantity > 0
        old = self.orders[order.order_id]
        if not keeps_priority(old, order):
            self._remove(old)
            amended = Amended(order.order_id, order.quantity, kept_priority=False)
            return [amended, *self.enter(order, Lifetime.DAY)]
        self._resize(old, order.quantity)
        events: list[Event] = [Amended(old.order_id, old.quantity, kept_priority=True)]
        if old.manner is not Manner.CONDITIONAL:
            self._match_resting(old, events)
        if old.quantity:
            self._invite(old, events, resting=True)
        return events

    def put_back(self, order: Order) -> list[Event]:
        """Give the resting order of this id more shares where nothing trades: it goes to the
        back."""
        self._remove(self.orders[order.order_id])
        events: list[Event] = []
        self._rest(order, events)
        return events

    def restore(self, order: Order) -> None:
        """Put back an order that rested before a restart; called in order of priority."""
        self._rest(order, [])

    # --- what can be seen -----------------------------------------------------------------

    @property
    def watchful(self) -> bool:
        """Whether there are buyers and sellers, so that a move of the reference may matter."""
        return bool(self._ranked[Side.BUY]) and bool(self._ranked[Side.SELL])

    @property
    def bound(self) -> bool:
        """Whether the reference matters to every order that arrives."""
        return True

    def best(self, side: Side) -> int | None:  # noqa: ARG002 - the shape of all matchers
        """A dark book shows nothing."""
        return None

    def depth(self, side: Side, levels: int) -> list[tuple[int, int, int]]:  # noqa: ARG002
        """A dark book shows nothing."""
        return []

    def queue(self, side: Side) -> list[Order]:
        """All resting orders of a side in the order in which they trade."""
        return [self.orders[key[-1]] for key in self._ranked[side]]

    # --- who meets whom, and at which price -------------------------------------------------

    def _worth(self, order: Order) -> int | None:
        """The price that an order is good for now, no better than the far side. None: no price."""
        if self._mid is None:
            return None
        far = self.reference.near(order.side.opposite)
        assert far is not None
        price = order.price if order.peg is None else peg_price(order, self.reference, 1)
        if price is None:
            return None if order.peg is not None else far
        return tighter(order.side, price, far)

    def _price(self, side: Side, worth: int, contra: int | None) -> int | None:
        """Where two orders meet; None: they do not."""
        if contra is None:
            return None
        bid, ask = (worth, contra) if side is Side.BUY else (contra, worth)
        if self.rules.improvement is Improvement.SPLIT:
            return (bid + ask) // 2 if bid >= ask else None
        mid = self._mid
        assert mid is not None
        return mid if ask <= mid <= bid else None

    def _meets(self, order: Order, contra: Order) -> bool:
        if order.owner and contra.owner == order.owner:
            return False
        pair = (order.tier, contra.tier)
        return pair not in self.rules.apart and pair[::-1] not in self.rules.apart

    def _plan(self, order: Order, *, invite: bool = False, resting: bool = False) -> _Plan:
        """Shares to take from each contra, in priority order; empty when MinQty forbids it all.
        `invite`: pairs in which somebody is conditional, instead of pairs of firm orders."""
        worth = self._worth(order)
        if worth is None:
            return []
        all_of_them = invite and order.manner is Manner.CONDITIONAL
        left = order.quantity
        own_min = min_qty_of(order.min_qty, order.quantity)
        composite = order.min_qty_mode is MinQtyMode.COMPOSITE and not resting
        each_min = 0 if composite else own_min
        plan: _Plan = []
        for key in self._ranked[order.side.opposite]:
            if left == 0:
                break
            contra = self.orders[key[-1]]
            price = self._price(order.side, worth, contra.working)
            if price is None:
                break  # those behind it are worth no more
            if not all_of_them and (contra.manner is Manner.CONDITIONAL) is not invite:
                continue
            if not self._meets(order, contra):
                continue
            quantity = min(left, contra.quantity)
            if quantity < min_qty_of(contra.min_qty, contra.quantity):
                continue
            if quantity < min(each_min, left):
                continue
            plan.append((contra, quantity, price))
            left -= quantity
        return plan if order.quantity - left >= own_min else []

    # --- trading --------------------------------------------------------------------------

    def _match_resting(self, order: Order, events: list[Event]) -> None:
        plan = self._plan(order, resting=True)
        if not plan:
            return
        self._carry_out(order, plan, events)
        self._resize(order, order.quantity)

    def _carry_out(self, order: Order, plan: _Plan, events: list[Event]) -> None:
        for contra, quantity, price in plan:
            order.quantity -= quantity
            self._resize(contra, contra.quantity - quantity)
            events.append(
                Traded(
                    contra.order_id,
                    order.order_id,
                    price,
                    quantity,
                    contra.quantity,
                    order.quantity,
                )
            )

    def _invite(self, order: Order, events: list[Event], *, resting: bool = False) -> None:
        """Take out the conditional orders among those that could trade, and say so."""
        if not self._conditionals:
            return
        plan = self._plan(order, invite=True, resting=resting)
        if not plan:
            return
        assert self._mid is not None
        for each in (order, *(contra for contra, _, _ in plan)):
            if each.manner is Manner.CONDITIONAL:
                self._remove(each)
                events.append(Invited(each.order_id, each.quantity, self._mid))

    # --- resting --------------------------------------------------------------------------

    def _key(self, order: Order) -> _Key:
        """Sorts orders of one side: who trades first comes first."""
        if order.working is None:
            price = _NOTHING
        else:
            price = -order.working if order.side is Side.BUY else order.working
        size = -order.quantity if self.rules.by_size else 0
        return (price, order.tier, size, order.sequence, order.order_id)

    def _rank(self) -> None:
        """Everybody is worth something else now."""
        for side, ranked in self._ranked.items():
            ranked.clear()
            for order in self.orders.values():
                if order.side is side:
                    order.working = self._worth(order)
                    key = self._keys[order.order_id] = self._key(order)
                    ranked.append(key)
            ranked.sort()

    def _rest(self, order: Order, events: list[Event]) -> None:
        self._sequence += 1
        order.sequence = self._sequence
        order.working = self._worth(order)
        self.orders[order.order_id] = order
        if order.manner is Manner.CONDITIONAL:
            self._conditionals[order.order_id] = order
        self._place(order)
        events.append(Rested(order.order_id, order.quantity))

    def _resize(self, order: Order, quantity: int) -> None:
        """A resting order has this much left; nothing: it is out."""
        order.quantity = quantity
        if quantity == 0:
            self._remove(order)
        elif self.rules.by_size:
            self._displace(order)
            self._place(order)

    def _place(self, order: Order) -> None:
        key = self._keys[order.order_id] = self._key(order)
        insort(self._ranked[order.side], key)

    def _displace(self, order: Order) -> None:
        ranked, key = self._ranked[order.side], self._keys.pop(order.order_id)
        at = bisect_left(ranked, key)
        assert ranked[at] == key
        del ranked[at]

    def _remove(self, order: Order) -> None:
        del self.orders[order.order_id]
        self._conditionals.pop(order.order_id, None)
        self._displace(order)
        order.working = None
