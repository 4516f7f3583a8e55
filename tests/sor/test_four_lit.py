"""Four displayed venues: one consolidated book, whatever state each venue's quotes are in."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.market import Nbbo
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import Side, TimeInForce

from .script import CENT, MS, SECOND, Script, lit, px, settings

NAMES = ("ecn", "inverted", "exchange", "iex")
TAKE_FEES = {"ecn": 3_000, "inverted": -1_600, "exchange": 2_800, "iex": 600}
SWEEP = StrategySettings("sweep", use_dark=False)
SELL: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.00")}
Quote = tuple[str, str]


def four(**changes: Any) -> Script:
    """The four venues without quotes; `changes` are those of the ECN."""
    venues = [lit(name, take_fee_micros=TAKE_FEES[name]) for name in NAMES[1:]]
    ecn = lit("ecn", take_fee_micros=TAKE_FEES["ecn"], **changes)
    return Script(settings(ecn, *venues, strategy=SWEEP))


def quote(made: Script, quotes: dict[str, Quote], size: int = 300) -> None:
    for name, (bid, ask) in quotes.items():
        made.quote(name, [(bid, size)], [(ask, size)])


def nbbo(made: Script) -> Nbbo:
    return made.router.market.nbbo("ACME", made.now)


def sent(made: Script) -> list[tuple[str, int, int]]:
    return [(send.venue, send.limit_micros or 0, send.quantity) for send in made.sends()]


class TestConsolidatedBook:
    """Best bid and offer of all, from fresh quotes alone."""

    APART = {  # noqa: RUF012 - a table
        "ecn": ("50.00", "50.03"),
        "inverted": ("49.99", "50.02"),
        "exchange": ("50.01", "50.04"),
        "iex": ("49.98", "50.05"),
    }

    def test_each_side_comes_from_its_best_venue(self) -> None:
        made = four()
        quote(made, self.APART)
        assert nbbo(made) == Nbbo(px("50.01"), px("50.02"))

    def test_a_venue_whose_data_is_down_counts_no_more(self) -> None:
        made = four()
        quote(made, self.APART)
        made.router.market.forget("exchange")
        assert nbbo(made) == Nbbo(px("50.00"), px("50.02"))

    def test_nor_does_one_that_went_silent(self) -> None:
        made = four()
        quote(made, self.APART)
        made.wait(3 * SECOND)
        quote(made, {name: self.APART[name] for name in ("ecn", "iex")})
        made.wait(3 * SECOND)
        assert nbbo(made) == Nbbo(px("50.00"), px("50.03"))

    def test_a_side_that_nobody_shows_is_absent(self) -> None:
        made = four()
        for name in NAMES:
            made.quote(name, [("50.00", 300)], [])
        assert nbbo(made) == Nbbo(px("50.00"), 0)


class TestSweep:
    """Price by price over all of them; at one price by what a share costs there."""

    def test_best_price_first_then_the_cheapest_to_take(self) -> None:
        made = four()
        quote(made, dict.fromkeys(NAMES, ("50.00", "50.05")))
        made.quote("ecn", [("50.01", 100), ("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=1_000, **SELL)
        assert sent(made) == [
            ("ecn", px("50.01"), 100),
            ("inverted", px("50.00"), 300),  # paid for taking
            ("iex", px("50.00"), 300),
            ("exchange", px("50.00"), 300),
        ]

    def test_a_better_net_price_is_no_reason_to_trade_through(self) -> None:
        """0.0046 a share cheaper at the inverted venue, and a tick worse: the tick decides."""
        made = four()
        quote(made, {"ecn": ("50.01", "50.05"), "inverted": ("50.00", "50.05")})
        made.submit(quantity=300, **SELL)
        assert sent(made) == [("ecn", px("50.01"), 300)]

    @pytest.mark.parametrize("state", ["locked", "crossed"])
    def test_locked_and_crossed_books_are_taken_best_first(self, state: str) -> None:
        made = four()
        bid = "50.02" if state == "locked" else "50.03"
        quote(made, {"ecn": ("50.00", "50.02"), "exchange": (bid, "50.05")})
        made.submit(quantity=600, **SELL)
        assert sent(made) == [("exchange", px(bid), 300), ("ecn", px("50.00"), 300)]

    def test_one_venues_data_down_leaves_the_others(self) -> None:
        made = four()
        quote(made, dict.fromkeys(NAMES, ("50.00", "50.05")))
        made.router.market.forget("inverted")
        made.submit(quantity=10_000, **SELL)
        assert {venue for venue, _, _ in sent(made)} == {"ecn", "exchange", "iex"}

    def test_a_throttled_venue_protects_its_price(self) -> None:
        made = four(orders_per_second=10, cancel_reserve=9)
        quote(made, dict.fromkeys(NAMES, ("50.00", "50.05")))
        levels = [("50.03", 100), ("50.02", 100)]
        made.quote("ecn", levels, [("50.05", 300)])
        made.submit(quantity=10_000, **SELL)
        assert sent(made) == [("ecn", px("50.03"), 100)], "50.02 is known, and not passed over"
        made.wait(250 * MS)
        assert sent(made)[1] == ("ecn", px("50.02"), 100)

    def test_a_closed_one_does_not(self) -> None:
        made = four()
        quote(made, dict.fromkeys(NAMES, ("50.00", "50.05")))
        made.quote("ecn", [("50.03", 100)], [("50.05", 300)])
        made.step(ev.VenueClosed(made.now, "ecn", "cut"))
        made.submit(quantity=300, **SELL)
        assert sent(made) == [("inverted", px("50.00"), 300)]

    def test_two_of_the_four_closed_and_the_rest_silent(self) -> None:
        made = four()
        quote(made, dict.fromkeys(NAMES[:2], ("50.00", "50.05")))
        for name in NAMES[:2]:
            made.step(ev.VenueClosed(made.now, name, "cut"))
        made.submit(quantity=300, time_in_force=TimeInForce.IOC, **SELL)
        assert sent(made) == []
        assert made.kinds() == ["new", "canceled"]

    def test_the_score_of_each_child_stands_in_its_record(self) -> None:
        made = four()
        quote(made, dict.fromkeys(NAMES, ("50.00", "50.05")))
        made.submit(quantity=1_200, **SELL)
        planned = [each for each in made.decisions if isinstance(each, de.ChildPlanned)]
        costs = {each.venue: each.cost_micros for each in planned}
        assert sorted(costs, key=lambda name: costs[name]) == [
            "inverted",
            "iex",
            "exchange",
            "ecn",
        ]
        assert costs["ecn"] - costs["inverted"] == pytest.approx(0.95 * 4_600, abs=1)
        assert all("300 displayed; p 0.95" in each.why for each in planned)

    @pytest.mark.parametrize("seed", range(30))
    def test_never_through_a_better_known_price(self, seed: int) -> None:
        """Random books, some silent, some closed: whatever is taken, everything better that was
        known, fresh and open was taken whole before."""
        dice = Random(seed)
        made = four()
        books: dict[str, list[tuple[int, int]]] = {}
        for name in dice.sample(NAMES, dice.randint(1, 4)):
            prices = dice.sample(range(4_990, 5_003), dice.randint(1, 4))
            books[name] = [(price * CENT, 100 * dice.randint(1, 5)) for price in prices]
            made.router.market.update(name, "ACME", books[name], [(px("50.10"), 100)], made.now)
        for name in NAMES:
            if dice.random() < 0.25:
                made.step(ev.VenueClosed(made.now, name, "cut"))
                books.pop(name, None)
        made.submit(quantity=100 * dice.randint(1, 40), **SELL)
        taken = {(venue, price): quantity for venue, price, quantity in sent(made)}
        assert len(taken) == len(made.sends())
        worst = min((price for _, price in taken), default=0)
        for name, levels in books.items():
            for price, displayed in levels:
                assert taken.get((name, price), 0) <= displayed
                if taken and price > worst:
                    assert taken.get((name, price), 0) == displayed, (seed, name, price)
        total = sum(quantity for levels in books.values() for _, quantity in levels)
        (parent,) = made.router.state.parents.values()
        assert sum(taken.values()) == min(parent.quantity, total)
