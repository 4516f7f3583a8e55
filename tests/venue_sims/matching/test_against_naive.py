"""Two implementations, one behaviour: the book against a sorted list that anybody can check."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from venue_sims.matching.book import Book
from venue_sims.matching.crossing import Crossing
from venue_sims.matching.events import Traded
from venue_sims.matching.orders import Lifetime, Order, Side


@dataclass
class Plain:
    order_id: str
    side: Side
    quantity: int
    price: int
    displayed: bool
    time: int


class NaiveBook:
    """Sorts everything again for each question."""

    def __init__(self) -> None:
        self.orders: list[Plain] = []
        self.time = 0

    def queue(self, side: Side) -> list[Plain]:
        sign = -1 if side is Side.BUY else 1
        mine = [order for order in self.orders if order.side is side]
        return sorted(mine, key=lambda o: (sign * o.price, not o.displayed, o.time))

    def enter(self, new: Plain, lifetime: Lifetime) -> list[tuple[str, int, int]]:
        self.time += 1
        new.time = self.time
        contras = [
            order
            for order in self.queue(new.side.opposite)
            if (new.price >= order.price if new.side is Side.BUY else new.price <= order.price)
        ]
        if lifetime is Lifetime.FOK and sum(each.quantity for each in contras) < new.quantity:
            return []
        trades = []
        for contra in contras:
            quantity = min(contra.quantity, new.quantity)
            if quantity:
                contra.quantity -= quantity
                new.quantity -= quantity
                trades.append((contra.order_id, contra.price, quantity))
        self.orders = [order for order in self.orders if order.quantity]
        if new.quantity and lifetime is Lifetime.DAY:
            self.orders.append(new)
        return trades

    def take(self, order_id: str) -> Plain:
        found = next(order for order in self.orders if order.order_id == order_id)
        self.orders.remove(found)
        return found

    def replace(self, order_id: str, quantity: int, price: int) -> list[tuple[str, int, int]]:
        found = next(order for order in self.orders if order.order_id == order_id)
        if price == found.price and quantity <= found.quantity:
            found.quantity = quantity
            return []
        self.orders.remove(found)
        found.quantity, found.price = quantity, price
        return self.enter(found, Lifetime.DAY)


def whole_state(book: Book | NaiveBook) -> list[tuple[str, int]]:
    return [(o.order_id, o.quantity) for side in Side for o in book.queue(side)]


def trades_of(events: list[object]) -> list[tuple[str, int, int]]:
    return [(e.resting_id, e.price, e.quantity) for e in events if isinstance(e, Traded)]


class TestLitBook:
    @pytest.mark.parametrize("seed", range(4))
    def test_thousands_of_random_commands_leave_the_same_book(self, seed: int) -> None:
        draw = random.Random(seed)
        book, naive = Book(), NaiveBook()
        for number in range(5_000):
            resting = list(book.orders)
            choice = draw.random()
            if resting and choice < 0.30:
                order_id = draw.choice(resting)
                book.cancel(order_id)
                naive.take(order_id)
            elif resting and choice < 0.45:
                order_id, price = draw.choice(resting), draw.randint(95, 105)
                quantity = draw.randint(1, 20)
                new = replace(book.orders[order_id], quantity=quantity, price=price)
                events = book.replace(new)
                assert trades_of([*events]) == naive.replace(order_id, quantity, price)
            else:
                side, lifetime = draw.choice(list(Side)), draw.choice([*Lifetime, Lifetime.DAY])
                quantity, price = draw.randint(1, 20), draw.randint(95, 105)
                shown = draw.random() < 0.8
                order_id = f"o{number}"
                order = Order(order_id, side, quantity, price, displayed=shown)
                plain = Plain(order_id, side, quantity, price, shown, 0)
                events = book.enter(order, lifetime)
                assert trades_of([*events]) == naive.enter(plain, lifetime)
            if number % 10 == 0:
                assert whole_state(book) == whole_state(naive)
        assert whole_state(book) == whole_state(naive)


class TestCrossing:
    @pytest.mark.parametrize("seed", range(4))
    def test_shares_are_conserved_and_nobody_who_could_trade_is_left(self, seed: int) -> None:
        """Without MinQty a dark book never rests two orders that could trade at the midpoint."""
        draw = random.Random(seed)
        dark = Crossing()
        entered = dict.fromkeys(Side, 0)
        gone = dict.fromkeys(Side, 0)
        traded = 0
        for number in range(3_000):
            choice = draw.random()
            if choice < 0.2:
                bid = draw.randint(95, 105) * 2
                width = draw.choice([0, 2, 2, 4])
                events = dark.set_reference(bid, bid + width)
            elif choice < 0.4 and dark.orders:
                order_id = draw.choice(list(dark.orders))
                gone[dark.orders[order_id].side] += dark.orders[order_id].quantity
                events = dark.cancel(order_id)
            else:
                side, quantity = draw.choice(list(Side)), draw.randint(1, 50)
                limit = draw.choice([None, draw.randint(190, 214)])
                entered[side] += quantity
                events = dark.enter(Order(f"o{number}", side, quantity, limit), Lifetime.DAY)
            traded += sum(event.quantity for event in events if isinstance(event, Traded))
            for side in Side:
                resting = sum(order.quantity for order in dark.queue(side))
                assert entered[side] == gone[side] + traded + resting
            mid = dark._mid
            if mid is not None:
                willing_buyer = any(o.price is None or o.price >= mid for o in dark.queue(Side.BUY))
                willing_seller = any(
                    o.price is None or o.price <= mid for o in dark.queue(Side.SELL)
                )
                assert not (willing_buyer and willing_seller)
