"""Two implementations, one behaviour: the matchers against lists that anybody can check."""

from __future__ import annotations

import random

import pytest

from tests.venue_sims.matching.fuzz import DarkFuzz, LitFuzz, run
from venue_sims.matching.crossing import Crossing
from venue_sims.matching.events import Traded
from venue_sims.matching.orders import Lifetime, Order, Side
from venue_sims.matching.rules import midpoint

COMMANDS = 1_000
RUNS = 4


def new_seed() -> int:
    return random.SystemRandom().randrange(1, 1 << 31)


class TestTheSameAsTheNaiveOne:
    """A failure names its seed: `python -m tests.venue_sims.matching.fuzz --seed N` repeats it."""

    @pytest.mark.parametrize("kind", [LitFuzz, DarkFuzz])
    def test_random_commands_leave_the_same_events_and_the_same_state(
        self, kind: type[LitFuzz] | type[DarkFuzz]
    ) -> None:
        for _ in range(RUNS):
            assert run(kind, new_seed(), COMMANDS).events > COMMANDS / 2

    def test_a_matcher_that_errs_is_found(self) -> None:
        """A check that cannot fail is not a check: an order that rests on one side only."""
        fuzz = LitFuzz(new_seed())
        fuzz.book.enter(Order("stray", Side.BUY, 10, 4), Lifetime.DAY)
        with pytest.raises(AssertionError):
            fuzz.compare()


class TestCrossing:
    def test_shares_are_conserved_and_nobody_who_could_trade_is_left(self) -> None:
        """Without MinQty a dark book never rests two orders that could trade at the midpoint."""
        seed = new_seed()
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
                assert entered[side] == gone[side] + traded + resting, f"seed {seed}"
            mid = midpoint(dark.reference.bid, dark.reference.ask)
            if mid is not None:
                willing_buyer = any(o.price is None or o.price >= mid for o in dark.queue(Side.BUY))
                willing_seller = any(
                    o.price is None or o.price <= mid for o in dark.queue(Side.SELL)
                )
                assert not (willing_buyer and willing_seller), f"seed {seed}"
