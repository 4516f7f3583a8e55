"""Orders a second of the lit book alone: `python -m tests.venue_sims.matching.speed`.

The flow is plain: limit orders around a touch that wanders, IOC orders that take, cancels; what a
venue meets all day. Orders are made beforehand, so that only the book is measured.
"""

from __future__ import annotations

import argparse
import random
import time

from venue_sims.matching.book import Book
from venue_sims.matching.orders import Lifetime, Order, Side

TICK = 10_000
Plan = list[tuple[Order | str, Lifetime]]


def plan(commands: int, seed: int) -> Plan:
    """Commands; a cancel is the id of an order that may be gone by then."""
    draw = random.Random(seed)
    middle, made = 5_000, 0
    commanded: Plan = []
    for _ in range(commands):
        middle += draw.choice((0, 0, 0, 0, 0, 0, 1, -1))
        choice, side = draw.random(), draw.choice((Side.BUY, Side.SELL))
        sign = 1 if side is Side.BUY else -1
        if choice < 0.4 and made:
            order_id = f"o{draw.randrange(max(0, made - 400), made)}"
            commanded.append((order_id, Lifetime.DAY))
            continue
        ioc = choice < 0.6
        away = draw.randint(-2, 0) if ioc else draw.randint(0, 8)
        price = (middle - sign * away) * TICK
        order = Order(f"o{made}", side, 100 * draw.randint(1, 5), price)
        made += 1
        commanded.append((order, Lifetime.IOC if ioc else Lifetime.DAY))
    return commanded


def run(commanded: Plan) -> float:
    """Processor seconds that the book took."""
    book = Book()
    orders, enter, cancel = book.orders, book.enter, book.cancel
    started = time.process_time()
    for what, lifetime in commanded:
        if isinstance(what, str):
            if what in orders:
                cancel(what)
        else:
            enter(what, lifetime)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    best = min(run(plan(options.commands, options.seed)) for _ in range(options.rounds))
    print(f"{options.commands / best:,.0f} commands/s, best of {options.rounds}")


if __name__ == "__main__":
    main()
