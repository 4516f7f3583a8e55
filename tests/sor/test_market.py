"""The consolidated book: NBBO, freshness, what we took ourselves."""

from __future__ import annotations

from sor_gateway.sor.market import LEVELS_MAX, Book, Market, Nbbo

AGE = 5_000
NOW = 100_000


def book(market: Market, venue: str, now: int = NOW) -> Book | None:
    return dict(market.fresh("ACME", now)).get(venue)


class TestNbbo:
    """The best of all fresh books."""

    def test_the_best_side_of_each_venue(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 5)], [(104, 5)], NOW)
        market.update("y", "ACME", [(101, 5)], [(105, 5)], NOW)
        assert market.nbbo("ACME", NOW) == Nbbo(101, 104)

    def test_no_quotes_is_zero(self) -> None:
        market = Market(AGE)
        assert market.nbbo("ACME", NOW) == Nbbo(0, 0)
        assert market.nbbo("ACME", NOW).mid_micros == 0

    def test_one_side_alone(self) -> None:
        assert Nbbo(0, 104).mid_micros == 104
        assert Nbbo(0, 104).half_spread_micros == 0
        assert Nbbo(0, 104).far_micros(is_buy=False) == 0

    def test_a_crossed_market_has_no_spread(self) -> None:
        assert Nbbo(110, 100).half_spread_micros == 0

    def test_a_stale_book_does_not_count(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 5)], [(104, 5)], NOW)
        assert market.nbbo("ACME", NOW + AGE) == Nbbo(100, 104)
        assert market.nbbo("ACME", NOW + AGE + 1) == Nbbo(0, 0)

    def test_a_forgotten_venue_does_not_count(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 5)], [(104, 5)], NOW)
        market.forget("x")
        assert market.nbbo("ACME", NOW) == Nbbo(0, 0)

    def test_symbols_are_apart(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 5)], [(104, 5)], NOW)
        assert market.nbbo("OTHER", NOW) == Nbbo(0, 0)


class TestBooks:
    """What a venue says replaces what it said before."""

    def test_levels_are_sorted_best_first_and_junk_is_left_out(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(99, 1), (100, 2), (98, 0)], [(105, 1), (-1, 5), (104, 2)], NOW)
        found = book(market, "x")
        assert found is not None
        assert found.bids == [(100, 2), (99, 1)]
        assert found.asks == [(104, 2), (105, 1)]

    def test_levels_are_bounded(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [], [(price, 1) for price in range(1, 500)], NOW)
        found = book(market, "x")
        assert found is not None
        assert len(found.asks) == LEVELS_MAX
        assert found.asks[0] == (1, 1)


class TestDepletion:
    """What an order of ours goes for counts as taken until the venue's next update."""

    def test_a_buy_takes_asks_up_to_its_limit(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 9)], [(104, 5), (105, 5), (106, 5)], NOW)
        market.deplete("x", "ACME", True, 105, 20)
        found = book(market, "x")
        assert found is not None
        assert found.asks == [(106, 5)]
        assert found.bids == [(100, 9)]

    def test_a_sell_takes_bids_down_to_its_limit(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 9), (99, 9)], [(104, 5)], NOW)
        market.deplete("x", "ACME", False, 99, 12)
        found = book(market, "x")
        assert found is not None
        assert found.bids == [(99, 6)]

    def test_the_next_update_brings_it_back(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [], [(104, 5)], NOW)
        market.deplete("x", "ACME", True, 104, 5)
        market.update("x", "ACME", [], [(104, 5)], NOW)
        assert market.nbbo("ACME", NOW).ask_micros == 104

    def test_a_venue_without_a_book_is_no_error(self) -> None:
        market = Market(AGE)
        market.deplete("x", "ACME", True, 104, 5)
        assert market.nbbo("ACME", NOW) == Nbbo(0, 0)
