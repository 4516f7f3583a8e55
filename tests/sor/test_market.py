"""The consolidated book: NBBO, freshness, what we took ourselves."""

from __future__ import annotations

from sor_gateway.sor.market import LEVELS_MAX, Book, Market, Nbbo, News

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

    def test_that_we_took_all_does_not_make_the_market_absent(self) -> None:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 9)], [(104, 5), (105, 5)], NOW)
        market.deplete("x", "ACME", True, 105, 10)
        found = book(market, "x")
        assert found is not None
        assert found.asks == [(105, 0)]
        assert market.nbbo("ACME", NOW) == Nbbo(100, 105)

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


class TestNews:
    """What an update says beyond what was known: who is looked at depends on it."""

    def market(self) -> Market:
        market = Market(AGE)
        market.update("x", "ACME", [(100, 5), (99, 5)], [(104, 5)], NOW)
        assert market.take_news("ACME") is News.TOUCH
        return market

    def test_the_same_again_is_none(self) -> None:
        market = self.market()
        market.update("x", "ACME", [(100, 5), (99, 5)], [(104, 5)], NOW + 1)
        assert market.take_news("ACME") is News.NONE
        assert market.nbbo("ACME", NOW + AGE + 1) == Nbbo(100, 104), "but it confirms"

    def test_sizes_and_what_lies_behind_the_best(self) -> None:
        market = self.market()
        market.update("x", "ACME", [(100, 6), (98, 5)], [(104, 5)], NOW)
        assert market.take_news("ACME") is News.SIZES

    def test_a_best_price_that_moved(self) -> None:
        market = self.market()
        market.update("x", "ACME", [(100, 5)], [(103, 5)], NOW)
        assert market.take_news("ACME") is News.TOUCH

    def test_a_side_that_is_gone(self) -> None:
        market = self.market()
        market.update("x", "ACME", [], [(104, 5)], NOW)
        assert market.take_news("ACME") is News.TOUCH

    def test_the_same_book_after_a_silence_is_a_market_again(self) -> None:
        market = self.market()
        market.update("x", "ACME", [(100, 5), (99, 5)], [(104, 5)], NOW + AGE + 1)
        assert market.take_news("ACME") is News.TOUCH

    def test_what_we_took_and_is_back(self) -> None:
        market = self.market()
        market.deplete("x", "ACME", True, 104, 5)
        market.update("x", "ACME", [(100, 5), (99, 5)], [(104, 5)], NOW)
        assert market.take_news("ACME") is News.SIZES

    def test_the_most_of_several_counts_once(self) -> None:
        market = self.market()
        market.update("x", "ACME", [(101, 5)], [(104, 5)], NOW)
        market.update("x", "ACME", [(101, 6)], [(104, 5)], NOW)
        assert market.take_news("ACME") is News.TOUCH
        assert market.take_news("ACME") is News.NONE
