"""A book and a crossing that anybody can check: flat lists, sorted again for each question.

They share nothing with the real ones but the words for sides, lifetimes, manners and pegs. What
happens is told as tuples: the kind of event in lower case, then its fields.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from venue_sims.matching.orders import Lifetime, Manner, MinQtyMode, PegKind, Side

Told = list[tuple[object, ...]]


@dataclass
class Row:
    """An order."""

    name: str
    side: Side
    left: int
    limit: int | None
    owner: str = ""
    displayed: bool = True
    turn: int = 0
    """Shares shown at a time; 0: all of them, or none."""
    manner: Manner = Manner.PLAIN
    peg: PegKind | None = None
    offset: int = 0
    min_qty: int = 0
    each: bool = False
    tier: int = 0
    time: int = 0
    place: int | None = None
    """Where it stands in a lit book."""
    shown: int = 0

    @property
    def buys(self) -> bool:
        return self.side is Side.BUY

    def no_worse(self, price: int, than: int) -> bool:
        """Whether `price` is as good for this order as another price."""
        return price <= than if self.buys else price >= than

    def terms(self) -> tuple[object, ...]:
        """All that a replace can change besides the quantity."""
        return (
            *(self.limit, self.displayed, self.turn, self.manner),
            *(self.peg, self.offset, self.min_qty, self.each),
        )


class Market:
    """The reference that both kinds of book look at."""

    def __init__(self) -> None:
        self.bid: int | None = None
        self.ask: int | None = None
        self.crumbles: dict[Side, bool] = dict.fromkeys(Side, False)

    def best(self, side: Side) -> int | None:
        return {Side.BUY: self.bid, Side.SELL: self.ask}[side]

    def normal(self) -> bool:
        return self.bid is not None and self.ask is not None and self.bid < self.ask

    def pegged(self, row: Row, tick: int) -> int | None:
        """The price of a pegged order."""
        if self.bid is None or self.ask is None or self.bid >= self.ask:
            return None
        own, other = (self.bid, self.ask) if row.buys else (self.ask, self.bid)
        step = -tick if row.buys else tick
        crumbling = own + step
        middle = (self.bid + self.ask) // 2
        assert row.peg is not None
        price = (
            row.offset
            + {
                PegKind.MIDPOINT: middle,
                PegKind.PRIMARY: own,
                PegKind.MARKET: other,
                PegKind.DISCRETIONARY: crumbling if self.crumbles[row.side] else middle,
            }[row.peg]
        )
        if row.limit is not None and not row.no_worse(price, row.limit):
            price = row.limit
        return price if price > 0 else None


class NaiveBook:
    """A lit book. `mode` is who goes when an owner would meet itself: newest, oldest, both,
    decrement."""

    def __init__(
        self,
        tick: int,
        lot: int,
        mode: str,
        collar_percent: int,
        slide: bool,
        protect: bool,
    ) -> None:
        self.tick, self.lot, self.mode = tick, lot, mode
        self.collar_percent, self.slide, self.protect = collar_percent, slide, protect
        self.rows: list[Row] = []
        self.market = Market()
        self.clock = 0

    # --- questions

    def queue(self, side: Side) -> list[Row]:
        mine = [row for row in self.rows if row.side is side]
        standing = [row for row in mine if row.place is not None]
        waiting = sorted((row for row in mine if row.place is None), key=lambda row: row.time)
        sign = -1 if side is Side.BUY else 1
        standing.sort(key=lambda row: (sign * (row.place or 0), not row.displayed, row.time))
        return standing + waiting

    def within(self, new: Row, worst: int | None) -> list[Row]:
        """Whom an order can trade with down to a price, in their order."""
        return [
            row
            for row in self.queue(new.side.opposite)
            if row.place is not None and worst is not None and new.no_worse(row.place, worst)
        ]

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        shown = [row for row in self.queue(side) if row.displayed]
        prices = sorted({row.place or 0 for row in shown}, reverse=side is Side.BUY)
        levels = []
        for price in prices:
            there = [row.shown if row.turn else row.left for row in shown if row.place == price]
            if sum(there) >= self.lot:
                levels.append((price, sum(there), len(there)))
        return levels

    # --- commands

    def enter(self, new: Row, lifetime: Lifetime) -> Told:
        told: Told = []
        if new.manner is Manner.POST_ONLY:
            assert new.limit is not None
            others = self.within(new, new.limit)
            if others:
                best = others[0].place
                assert best is not None
                price = best
                while price == best or price % self.tick or not new.no_worse(price, best):
                    price += -1 if new.buys else 1
                if not self.slide or price <= 0:
                    return [("dropped", new.name, new.left, "post-only")]
                new.limit = price
                told.append(("restated", new.name, new.left, price, "post-only"))
        worst = self.worst(new)
        allowed = worst
        if self.protect and new.manner is not Manner.ISO and worst is not None:
            fence = self.market.best(new.side.opposite)
            bid, ask = self.market.bid, self.market.ask
            crossed = bid is not None and ask is not None and bid > ask
            if fence is not None and not crossed and not new.no_worse(worst, fence):
                allowed = fence
        if lifetime is Lifetime.FOK:
            trial = copy.deepcopy(self)
            taken = trial.take(copy.deepcopy(new), allowed)
            if sum(int(str(event[4])) for event in taken if event[0] == "traded") < new.left:
                return [("dropped", new.name, new.left, "immediate")]
        told += self.take(new, allowed)
        if not new.left:
            return told
        if allowed != worst and self.within(new, worst):
            return [*told, ("dropped", new.name, new.left, "trade-through")]
        if new.limit is None and new.peg is None:
            return [*told, ("dropped", new.name, new.left, "collar")]
        if lifetime is not Lifetime.DAY:
            return [*told, ("dropped", new.name, new.left, "immediate")]
        return told + self.stand(new, worst)

    def cancel(self, name: str) -> Told:
        row = self.named(name)
        self.rows.remove(row)
        return [("dropped", name, row.left, "requested")]

    def replace(self, new: Row) -> Told:
        old = self.named(new.name)
        if new.left <= old.left and new.terms() == old.terms():
            old.left = new.left
            old.shown = min(old.shown, old.left)
            return [("amended", new.name, new.left, True)]
        self.rows.remove(old)
        return [("amended", new.name, new.left, False), *self.enter(new, Lifetime.DAY)]

    def refer(self, bid: int | None, ask: int | None, falling: bool, rising: bool) -> Told:
        told: Told = []
        self.market.bid, self.market.ask = bid, ask
        self.market.crumbles = {Side.BUY: falling, Side.SELL: rising}
        by_age = sorted(self.rows, key=lambda row: row.time)
        for row in by_age:
            if self.in_danger(row):
                self.rows.remove(row)
                told += self.stand(row, row.limit)
        moved = [
            row
            for row in by_age
            if row.peg is not None and self.market.pegged(row, self.tick) != row.place
        ]
        self.rows = [row for row in self.rows if row not in moved]
        for row in moved:
            told += self.enter(row, Lifetime.DAY)
        return told

    # --- steps

    def named(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def worst(self, new: Row) -> int | None:
        if new.peg is not None:
            return self.market.pegged(new, self.tick)
        if new.limit is not None:
            return new.limit
        others = [row.place for row in self.queue(new.side.opposite) if row.place is not None]
        if not others:
            return None
        distance = others[0] * self.collar_percent // 100
        return others[0] + (distance if new.buys else -distance)

    def take(self, new: Row, worst: int | None) -> Told:
        told: Told = []
        while new.left and (others := self.within(new, worst)):
            other = others[0]
            if new.owner and new.owner == other.owner:
                told += self.keep_apart(new, other)
                continue
            shares = min(new.left, other.shown if other.turn else other.left)
            new.left -= shares
            other.left -= shares
            told.append(("traded", other.name, new.name, other.place, shares, other.left, new.left))
            if other.turn:
                other.shown -= shares
                if not other.shown:
                    self.clock += 1
                    other.time = self.clock
                    other.shown = min(other.turn, other.left)
            self.rows = [row for row in self.rows if row.left]
        return told

    def keep_apart(self, new: Row, other: Row) -> Told:
        told: Told = []
        if self.mode in ("oldest", "both"):
            told.append(("dropped", other.name, other.left, "self-match"))
            other.left = 0
        if self.mode in ("newest", "both"):
            told.append(("dropped", new.name, new.left, "self-match"))
            new.left = 0
        if self.mode == "decrement":
            less = min(new.left, other.left)
            for row in (other, new):
                row.left -= less
                row.shown = min(row.shown, row.left)
                if row.left:
                    told.append(("restated", row.name, row.left, row.limit, "self-match"))
                else:
                    told.append(("dropped", row.name, less, "self-match"))
        self.rows = [row for row in self.rows if row.left]
        return told

    def in_danger(self, row: Row) -> bool:
        best = self.market.best(row.side)
        if row.manner not in (Manner.D_LIMIT, Manner.D_LIMIT_OR_CANCEL) or best is None:
            return False
        assert row.limit is not None
        behind = row.limit < best if row.buys else row.limit > best
        return self.market.crumbles[row.side] and not behind

    def stand(self, row: Row, price: int | None) -> Told:
        told: Told = []
        if self.in_danger(row):
            best = self.market.best(row.side)
            assert best is not None
            price = best - self.tick if row.buys else best + self.tick
            if row.manner is Manner.D_LIMIT_OR_CANCEL or price <= 0:
                return [("dropped", row.name, row.left, "signal")]
            row.limit = price
            told.append(("restated", row.name, row.left, price, "signal"))
        self.clock += 1
        row.time, row.place, row.shown = self.clock, price, min(row.turn, row.left)
        self.rows.append(row)
        return [*told, ("rested", row.name, row.left)]


class NaiveCrossing:
    """A dark book."""

    def __init__(self, split: bool, by_size: bool, apart: list[tuple[int, int]]) -> None:
        self.split, self.by_size, self.apart = split, by_size, apart
        self.rows: list[Row] = []
        self.market = Market()
        self.clock = 0

    def worth(self, row: Row) -> int | None:
        """What an order would pay or take now."""
        other = self.market.best(row.side.opposite)
        if not self.market.normal() or other is None:
            return None
        price = row.limit
        if row.peg is not None:
            price = self.market.pegged(row, 1)
            if price is None:
                return None
        return price if price is not None and row.no_worse(price, other) else other

    def queue(self, side: Side) -> list[Row]:
        def rank(row: Row) -> tuple[int, ...]:
            worth = self.worth(row)
            first = (1, 0) if worth is None else (0, -worth if row.buys else worth)
            return (*first, row.tier, -row.left if self.by_size else 0, row.time)

        return sorted((row for row in self.rows if row.side is side), key=rank)

    def price(self, one: Row, other: Row) -> int | None:
        """Where two orders meet, if they do."""
        buyer, seller = (one, other) if one.buys else (other, one)
        pays, wants = self.worth(buyer), self.worth(seller)
        if pays is None or wants is None or pays < wants:
            return None
        if self.split:
            return (pays + wants) // 2
        assert self.market.bid is not None
        assert self.market.ask is not None
        middle = (self.market.bid + self.market.ask) // 2
        return middle if pays >= middle >= wants else None

    def willing(self, one: Row, other: Row) -> bool:
        if one.owner and one.owner == other.owner:
            return False
        if any({one.tier, other.tier} == set(pair) for pair in self.apart):
            return False
        return self.price(one, other) is not None

    def shares_of(self, row: Row, others: list[Row], strictly: bool) -> list[tuple[Row, int]]:
        """How an order would spread over others, if MinQty is met on all sides."""
        wanted = min(row.min_qty, row.left)
        spread: list[tuple[Row, int]] = []
        for other in others:
            rest = row.left - sum(shares for _, shares in spread)
            shares = min(rest, other.left)
            enough_for_other = shares >= min(other.min_qty, other.left)
            enough_for_row = shares >= min(wanted, rest) or not (row.each or strictly)
            if rest and enough_for_other and enough_for_row:
                spread.append((other, shares))
        return spread if sum(shares for _, shares in spread) >= wanted else []

    def firm_for(self, row: Row) -> list[Row]:
        others = self.queue(row.side.opposite)
        return [
            other
            for other in others
            if Manner.CONDITIONAL not in (row.manner, other.manner) and self.willing(row, other)
        ]

    def trade(self, row: Row, spread: list[tuple[Row, int]]) -> Told:
        told: Told = []
        prices = [self.price(row, other) for other, _ in spread]
        for (other, shares), price in zip(spread, prices, strict=True):
            row.left -= shares
            other.left -= shares
            told.append(("traded", other.name, row.name, price, shares, other.left, row.left))
        self.rows = [each for each in self.rows if each.left]
        return told

    def invite(self, row: Row, strictly: bool) -> Told:
        others = [
            other
            for other in self.queue(row.side.opposite)
            if Manner.CONDITIONAL in (row.manner, other.manner) and self.willing(row, other)
        ]
        spread = self.shares_of(row, others, strictly)
        if not spread:
            return []
        asked = [
            each
            for each in [row, *(other for other, _ in spread)]
            if each.manner is Manner.CONDITIONAL
        ]
        self.rows = [each for each in self.rows if each not in asked]
        assert self.market.bid is not None
        assert self.market.ask is not None
        middle = (self.market.bid + self.market.ask) // 2
        return [("invited", each.name, each.left, middle) for each in asked]

    # --- commands

    def enter(self, new: Row, lifetime: Lifetime) -> Told:
        spread = self.shares_of(new, self.firm_for(new), strictly=False)
        if lifetime is Lifetime.FOK and sum(shares for _, shares in spread) < new.left:
            return [("dropped", new.name, new.left, "immediate")]
        told = self.trade(new, spread)
        if not new.left:
            return told
        if lifetime is not Lifetime.DAY:
            return [*told, ("dropped", new.name, new.left, "immediate")]
        self.clock += 1
        new.time = self.clock
        self.rows.append(new)
        return [*told, ("rested", new.name, new.left), *self.invite(new, strictly=False)]

    def cancel(self, name: str) -> Told:
        row = next(row for row in self.rows if row.name == name)
        self.rows.remove(row)
        return [("dropped", name, row.left, "requested")]

    def replace(self, new: Row) -> Told:
        old = next(row for row in self.rows if row.name == new.name)
        if new.left > old.left or new.terms() != old.terms():
            self.rows.remove(old)
            return [("amended", new.name, new.left, False), *self.enter(new, Lifetime.DAY)]
        old.left = new.left
        told: Told = [("amended", old.name, old.left, True)]
        told += self.trade(old, self.shares_of(old, self.firm_for(old), strictly=True))
        if old.left:
            told += self.invite(old, strictly=True)
        return told

    def refer(self, bid: int | None, ask: int | None) -> Told:
        if (bid, ask) == (self.market.bid, self.market.ask):
            return []
        self.market.bid, self.market.ask = bid, ask
        told: Told = []
        for buyer in self.queue(Side.BUY):
            told += self.trade(buyer, self.shares_of(buyer, self.firm_for(buyer), strictly=True))
        for row in sorted(self.rows, key=lambda row: row.time):
            if row.manner is Manner.CONDITIONAL and row in self.rows:
                told += self.invite(row, strictly=True)
        return told


def mode_of(each: bool) -> MinQtyMode:
    return MinQtyMode.MINIMUM_EXECUTION if each else MinQtyMode.COMPOSITE
