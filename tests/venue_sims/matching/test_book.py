"""The lit book: price, display, time; trades at the resting price."""

from __future__ import annotations

import pytest

from tests.venue_sims.matching.recorder import Recorder, buy, sell
from venue_sims.matching.book import Book
from venue_sims.matching.events import Cause
from venue_sims.matching.orders import Lifetime, Manner, Side


@pytest.fixture
def book() -> Recorder:
    return Recorder(Book())


class TestResting:
    def test_bid(self, book: Recorder) -> None:
        assert book.enter(buy("b1", 100, 1000)) == ["b1 rests 100"]
        assert book.matcher.best(Side.BUY) == 1000

    def test_ask(self, book: Recorder) -> None:
        assert book.enter(sell("s1", 100, 1000)) == ["s1 rests 100"]
        assert book.matcher.best(Side.SELL) == 1000

    def test_sides_that_do_not_cross_both_rest(self, book: Recorder) -> None:
        book.enter(buy("b1", 100, 999))
        assert book.enter(sell("s1", 100, 1000)) == ["s1 rests 100"]

    def test_depth_adds_up_levels_best_first(self, book: Recorder) -> None:
        for order in (buy("b1", 100, 998), buy("b2", 50, 999), buy("b3", 25, 999)):
            book.enter(order)
        assert book.matcher.depth(Side.BUY, 5) == [(999, 75, 2), (998, 100, 1)]
        assert book.matcher.depth(Side.BUY, 1) == [(999, 75, 2)]

    def test_hidden_orders_are_not_in_the_depth(self, book: Recorder) -> None:
        book.enter(sell("s1", 100, 1000, displayed=False))
        book.enter(sell("s2", 70, 1001))
        assert book.matcher.depth(Side.SELL, 5) == [(1001, 70, 1)]
        assert book.matcher.best(Side.SELL) == 1001


class TestTrading:
    def test_buy(self, book: Recorder) -> None:
        book.enter(sell("s1", 100, 1000))
        assert book.enter(buy("b1", 100, 1000)) == ["b1 trades 100 with s1 at 1000, leaves 0 and 0"]
        assert book.queue(Side.SELL) == []

    def test_sell(self, book: Recorder) -> None:
        book.enter(buy("b1", 100, 1000))
        assert book.enter(sell("s1", 100, 1000)) == [
            "s1 trades 100 with b1 at 1000, leaves 0 and 0"
        ]

    def test_at_the_resting_price_for_a_buyer(self, book: Recorder) -> None:
        book.enter(sell("s1", 100, 1000))
        assert book.enter(buy("b1", 100, 1005))[0].endswith("at 1000, leaves 0 and 0")

    def test_at_the_resting_price_for_a_seller(self, book: Recorder) -> None:
        book.enter(buy("b1", 100, 1000))
        assert book.enter(sell("s1", 100, 990))[0].endswith("at 1000, leaves 0 and 0")

    def test_partial_buy(self, book: Recorder) -> None:
        book.enter(sell("s1", 60, 1000))
        assert book.enter(buy("b1", 100, 1000)) == [
            "b1 trades 60 with s1 at 1000, leaves 40 and 0",
            "b1 rests 40",
        ]

    def test_partial_rest(self, book: Recorder) -> None:
        book.enter(sell("s1", 100, 1000))
        book.enter(buy("b1", 60, 1000))
        assert book.queue(Side.SELL) == [("s1", 40)]

    def test_multi_level_buy(self, book: Recorder) -> None:
        for order in (sell("s1", 10, 1002), sell("s2", 10, 1000), sell("s3", 10, 1001)):
            book.enter(order)
        assert book.enter(buy("b1", 25, 1001)) == [
            "b1 trades 10 with s2 at 1000, leaves 15 and 0",
            "b1 trades 10 with s3 at 1001, leaves 5 and 0",
            "b1 rests 5",
        ]

    def test_oldest_first_at_a_price(self, book: Recorder) -> None:
        book.enter(buy("b1", 10, 1000))
        book.enter(buy("b2", 10, 1000))
        assert book.enter(sell("s1", 15, 1000)) == [
            "s1 trades 10 with b1 at 1000, leaves 5 and 0",
            "s1 trades 5 with b2 at 1000, leaves 0 and 5",
        ]

    def test_hidden_after_displayed_at_a_price(self, book: Recorder) -> None:
        book.enter(buy("hidden", 10, 1000, displayed=False))
        book.enter(buy("shown", 10, 1000))
        book.enter(sell("s1", 15, 1000))
        assert book.queue(Side.BUY) == [("hidden", 5)]

    def test_price_before_display(self, book: Recorder) -> None:
        book.enter(buy("shown", 10, 1000))
        book.enter(buy("hidden", 10, 1001, displayed=False))
        book.enter(sell("s1", 10, 1000))
        assert book.queue(Side.BUY) == [("shown", 10)]


class TestLifetimes:
    def test_ioc_drops_the_rest(self, book: Recorder) -> None:
        book.enter(sell("s1", 60, 1000))
        assert book.enter(buy("b1", 100, 1000), Lifetime.IOC) == [
            "b1 trades 60 with s1 at 1000, leaves 40 and 0",
            "b1 drops 40: immediate",
        ]
        assert book.queue(Side.BUY) == []

    def test_ioc_without_a_contra(self, book: Recorder) -> None:
        assert book.enter(buy("b1", 100, 1000), Lifetime.IOC) == ["b1 drops 100: immediate"]

    def test_fok_all(self, book: Recorder) -> None:
        book.enter(sell("s1", 60, 1000))
        book.enter(sell("s2", 40, 1001))
        assert len(book.enter(buy("b1", 100, 1001), Lifetime.FOK)) == 2

    def test_fok_none(self, book: Recorder) -> None:
        book.enter(sell("s1", 60, 1000))
        book.enter(sell("s2", 40, 1002))
        assert book.enter(buy("b1", 100, 1001), Lifetime.FOK) == ["b1 drops 100: immediate"]
        assert book.queue(Side.SELL) == [("s1", 60), ("s2", 40)]


class TestMarketOrders:
    def test_take_within_the_collar_and_drop_the_rest(self, book: Recorder) -> None:
        for order in (sell("s1", 10, 1000), sell("s2", 10, 1050), sell("s3", 10, 1051)):
            book.enter(order)
        assert book.enter(buy("b1", 30)) == [
            "b1 trades 10 with s1 at 1000, leaves 20 and 0",
            "b1 trades 10 with s2 at 1050, leaves 10 and 0",
            "b1 drops 10: collar",
        ]

    def test_sell_collar_is_below(self, book: Recorder) -> None:
        for order in (buy("b1", 10, 1000), buy("b2", 10, 950), buy("b3", 10, 949)):
            book.enter(order)
        book.enter(sell("s1", 30))
        assert book.queue(Side.BUY) == [("b3", 10)]

    def test_nobody_there(self, book: Recorder) -> None:
        assert book.enter(buy("b1", 30)) == ["b1 drops 30: collar"]


class TestCancelAndReplace:
    def test_cancel(self, book: Recorder) -> None:
        book.enter(buy("b1", 10, 1000))
        assert book.cancel("b1") == ["b1 drops 10: requested"]
        assert book.matcher.best(Side.BUY) is None

    def test_a_decrease_keeps_its_place(self, book: Recorder) -> None:
        book.enter(buy("b1", 10, 1000))
        book.enter(buy("b2", 10, 1000))
        assert book.replace("b1", 5, 1000) == ["b1 amended to 5, kept"]
        assert book.queue(Side.BUY) == [("b1", 5), ("b2", 10)]

    def test_an_increase_goes_to_the_back(self, book: Recorder) -> None:
        book.enter(buy("b1", 10, 1000))
        book.enter(buy("b2", 10, 1000))
        assert book.replace("b1", 11, 1000) == ["b1 amended to 11, back", "b1 rests 11"]
        assert book.queue(Side.BUY) == [("b2", 10), ("b1", 11)]

    def test_a_new_price_goes_to_the_back_there(self, book: Recorder) -> None:
        book.enter(buy("b1", 10, 1000))
        book.enter(buy("b2", 10, 1001))
        book.replace("b1", 5, 1001)
        assert book.queue(Side.BUY) == [("b2", 10), ("b1", 5)]

    def test_a_new_price_may_trade(self, book: Recorder) -> None:
        book.enter(sell("s1", 4, 1001))
        book.enter(buy("b1", 10, 1000))
        assert book.replace("b1", 10, 1001) == [
            "b1 amended to 10, back",
            "b1 trades 4 with s1 at 1001, leaves 6 and 0",
            "b1 rests 6",
        ]


class TestRefusals:
    def test_post_only_that_would_trade(self, book: Recorder) -> None:
        book.enter(sell("s1", 10, 1000))
        assert book.matcher.refusal(buy("b1", 10, 1000, manner=Manner.POST_ONLY)) is Cause.POST_ONLY

    def test_post_only_that_would_rest(self, book: Recorder) -> None:
        book.enter(sell("s1", 10, 1000))
        assert book.matcher.refusal(buy("b1", 10, 999, manner=Manner.POST_ONLY)) is None

    def test_one_owner_never_trades_with_itself_the_newest_goes(self, book: Recorder) -> None:
        book.enter(sell("s0", 5, 1000))
        book.enter(sell("s1", 10, 1000, owner="me"))
        assert book.enter(buy("b1", 10, 1000, owner="me")) == [
            "b1 trades 5 with s0 at 1000, leaves 5 and 0",
            "b1 drops 5: self-match",
        ]
        assert book.queue(Side.SELL) == [("s1", 10)]
