"""The real matchers against the naive ones: the same random commands, the same events, the same
state after each.

In the test suite for a short while with a new seed each time; for long by hand:
`python -m tests.venue_sims.matching.fuzz --commands 100000 --seed 7`.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import astuple, replace
from typing import Final

from tests.venue_sims.matching.naive import NaiveBook, NaiveCrossing, Row, mode_of
from venue_sims.matching.book import Book, BookRules
from venue_sims.matching.crossing import Crossing, CrossingRules, Improvement
from venue_sims.matching.events import Event
from venue_sims.matching.orders import D_LIMITS, Lifetime, Manner, Order, Peg, PegKind, Side
from venue_sims.matching.rules import SelfMatch

TICK: Final = 4
MIDDLE: Final = 100 * TICK
ROUND_LOT: Final = 10
COLLAR_PERCENT: Final = 5
RESTING_MAX: Final = 60
"""Beyond this many resting orders commands are mostly cancels: state stays comparable."""


def order_of(row: Row) -> Order:
    """The same order for the real matchers."""
    return Order(
        row.name,
        row.side,
        row.left,
        row.limit,
        row.owner,
        row.displayed,
        row.min_qty,
        mode_of(row.each),
        row.tier,
        row.manner,
        None if row.peg is None else Peg(row.peg, row.offset),
        row.turn,
    )


def told(events: list[Event]) -> list[tuple[object, ...]]:
    return [(type(event).__name__.lower(), *astuple(event)) for event in events]


class Fuzz:
    """What both kinds have in common: drawing commands and comparing what is said."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.count = 0
        self.events = 0
        self.what = ""
        """The rules, for people."""

    def name(self) -> str:
        self.count += 1
        return f"o{self.count}"

    def price(self, side: Side | None = None) -> int:
        """Around the middle; of an order mostly on its own side of it, so that books fill."""
        if side is None:
            return MIDDLE + TICK * self.draw.randint(-4, 4)
        away = TICK * self.draw.randint(-3, 10)
        return MIDDLE - away if side is Side.BUY else MIDDLE + away

    def choice(self) -> float:
        """What to do next: small is a move of the reference, then a cancel, a replace, an order."""
        return self.draw.random() * (1 if len(self.resting()) < RESTING_MAX else 0.25)

    def resting(self) -> list[str]:
        raise NotImplementedError

    def market(self) -> tuple[int | None, int | None]:
        """Mostly a regular market; now and then locked, crossed or absent."""
        if self.draw.random() < 0.1:
            return self.draw.choice([(None, None), (self.price(), None), (None, self.price())])
        bid = self.price()
        return bid, bid + TICK * self.draw.choice([-1, 0, 1, 1, 1, 2, 2, 3])

    def same(self, real: list[Event], naive: list[tuple[object, ...]]) -> None:
        self.events += len(real)
        assert told(real) == naive, f"{told(real)} is not {naive}"


class LitFuzz(Fuzz):
    """The lit book."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        mode = self.draw.choice(list(SelfMatch))
        slide, protect = self.draw.random() < 0.5, self.draw.random() < 0.5
        rules = BookRules(COLLAR_PERCENT * 10_000, TICK, ROUND_LOT, mode, slide, protect)
        self.what = f"lit, {mode}, slide {slide}, protect {protect}"
        self.book = Book(rules)
        self.naive = NaiveBook(TICK, ROUND_LOT, str(mode), COLLAR_PERCENT, slide, protect)

    def row(self, name: str, side: Side) -> Row:
        draw = self.draw
        row = Row(name, side, draw.randint(1, 40), self.price(side))
        row.owner = draw.choice(["", "", "me", "you"])
        kind = draw.random()
        if kind < 0.15:
            row.peg, row.displayed = draw.choice(list(PegKind)), False
            if row.peg is not PegKind.DISCRETIONARY:
                row.offset = draw.choice([0, 0, TICK, -TICK])
            row.limit = draw.choice([None, row.limit])
        elif kind < 0.35:
            row.manner = draw.choice([Manner.POST_ONLY, Manner.ISO, *D_LIMITS])
        if row.peg is None:
            row.displayed = draw.random() < 0.8
            if row.displayed and draw.random() < 0.3:
                row.turn = draw.randint(1, 12)
        return row

    def resting(self) -> list[str]:
        return list(self.book.orders)

    def step(self) -> None:
        draw, resting, choice = self.draw, self.resting(), self.choice()
        if choice < 0.1:
            bid, ask = self.market()
            falling, rising = draw.random() < 0.3, draw.random() < 0.3
            real = self.book.set_reference(bid, ask, falling, rising)
            self.same(real, self.naive.refer(bid, ask, falling, rising))
        elif resting and choice < 0.2:
            name = draw.choice(resting)
            self.same(self.book.cancel(name), self.naive.cancel(name))
        elif resting and choice < 0.35:
            self.replace(draw.choice(resting))
        else:
            self.enter()
        self.compare()

    def replace(self, name: str) -> None:
        old, draw = self.naive.named(name), self.draw
        new = self.row(name, old.side) if draw.random() < 0.4 else replace(old)
        new.owner, new.left = old.owner, draw.randint(1, max(1, old.left + 3))
        if draw.random() < 0.3 and new.limit is not None:
            new.limit = self.price(new.side)
        if new.manner is Manner.ISO:
            new.manner = Manner.PLAIN
        self.same(self.book.replace(order_of(new)), self.naive.replace(new))

    def enter(self) -> None:
        draw = self.draw
        row = self.row(self.name(), draw.choice(list(Side)))
        lifetime = draw.choice([*Lifetime, Lifetime.DAY, Lifetime.DAY])
        if row.manner is Manner.PLAIN and row.peg is None and draw.random() < 0.1:
            row.limit, row.turn = None, 0
        if row.manner in (Manner.POST_ONLY, *D_LIMITS):
            lifetime = Lifetime.DAY
        order = order_of(row)
        refused = self.book.refusal(order) is not None
        naive = self.naive.enter(row, lifetime)
        assert refused == (naive[0][0] == "dropped" and naive[0][3] == "post-only")
        self.same(self.book.enter(order, lifetime), naive)

    def compare(self) -> None:
        for side in Side:
            queue = self.naive.queue(side)
            assert [
                (o.order_id, o.quantity, o.price, o.working, o.shown if o.max_floor else 0)
                for o in self.book.queue(side)
            ] == [(r.name, r.left, r.limit, r.place, r.shown if r.turn else 0) for r in queue]
            depth = self.naive.depth(side)
            assert self.book.depth(side, 1_000) == depth
            assert self.book.best(side) == (depth[0][0] if depth else None)
        assert sorted(self.book.orders) == sorted(row.name for row in self.naive.rows)


class DarkFuzz(Fuzz):
    """The crossing."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        split, by_size = self.draw.random() < 0.5, self.draw.random() < 0.5
        apart = self.draw.choice([[], [(0, 2)], [(1, 1), (2, 0)]])
        improvement = Improvement.SPLIT if split else Improvement.MID
        self.what = f"dark, {improvement}, by size {by_size}, apart {apart}"
        self.book = Crossing(CrossingRules(improvement, by_size, frozenset(apart)))
        self.naive = NaiveCrossing(split, by_size, apart)

    def row(self, name: str, side: Side) -> Row:
        draw = self.draw
        row = Row(name, side, draw.randint(1, 40), draw.choice([None, self.price(side)]))
        row.owner, row.displayed = draw.choice(["", "", "", "me"]), False
        row.tier = draw.randint(0, 2)
        if draw.random() < 0.5:
            row.peg = draw.choice([PegKind.MIDPOINT, PegKind.PRIMARY, PegKind.MARKET])
            row.offset = draw.choice([0, 0, TICK, -TICK])
        if draw.random() < 0.4:
            row.min_qty, row.each = draw.randint(1, row.left), draw.random() < 0.5
        if draw.random() < 0.2:
            row.manner = Manner.CONDITIONAL
        return row

    def resting(self) -> list[str]:
        return list(self.book.orders)

    def step(self) -> None:
        draw, resting, choice = self.draw, self.resting(), self.choice()
        name = draw.choice(resting) if resting else ""
        if choice < 0.1:
            bid, ask = self.market()
            self.same(self.book.set_reference(bid, ask), self.naive.refer(bid, ask))
        elif resting and choice < 0.2:
            self.same(self.book.cancel(name), self.naive.cancel(name))
        elif resting and choice < 0.35:
            old = next(row for row in self.naive.rows if row.name == name)
            new = replace(self.row(old.name, old.side) if draw.random() < 0.3 else old)
            new.owner, new.tier, new.manner = old.owner, old.tier, old.manner
            new.left = draw.randint(1, old.left + 3)
            self.same(self.book.replace(order_of(new)), self.naive.replace(new))
        else:
            row = self.row(self.name(), draw.choice(list(Side)))
            lifetime = draw.choice([Lifetime.DAY, Lifetime.DAY, Lifetime.IOC, Lifetime.FOK])
            if row.manner is Manner.CONDITIONAL:
                lifetime = Lifetime.DAY
            order = order_of(row)
            self.same(self.book.enter(order, lifetime), self.naive.enter(row, lifetime))
        self.compare()

    def compare(self) -> None:
        for side in Side:
            assert [
                (o.order_id, o.quantity, o.price, o.working) for o in self.book.queue(side)
            ] == [(r.name, r.left, r.limit, self.naive.worth(r)) for r in self.naive.queue(side)]
        assert sorted(self.book.orders) == sorted(row.name for row in self.naive.rows)


def run(kind: type[LitFuzz] | type[DarkFuzz], seed: int, commands: int) -> Fuzz:
    """Raises AssertionError, with the seed and the number of the command, at the first
    difference."""
    fuzz = kind(seed)
    for number in range(commands):
        try:
            fuzz.step()
        except AssertionError as error:
            error.add_note(f"seed {seed}, command {number}, {fuzz.what}")
            raise
    return fuzz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--runs", type=int, default=10, help="rules are drawn anew for each run")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    for kind in (LitFuzz, DarkFuzz):
        for each in range(seed, seed + options.runs):
            fuzz = run(kind, each, options.commands // options.runs)
            print(f"seed {each}: {fuzz.what}: {fuzz.events} events agree")


if __name__ == "__main__":
    main()
