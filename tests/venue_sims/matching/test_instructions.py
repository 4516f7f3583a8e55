"""What orders of a lit book may ask for, and what its venue may choose."""

from __future__ import annotations

import pytest

from tests.venue_sims.matching.recorder import Recorder, buy, sell
from venue_sims.matching.book import Book, BookRules
from venue_sims.matching.events import Cause
from venue_sims.matching.orders import Lifetime, Manner, Order, Peg, PegKind, Side
from venue_sims.matching.rules import SelfMatch

CENT = 10_000
DOLLAR = 100 * CENT


def book_of(
    tick: int = CENT,
    round_lot: int = 1,
    self_match: SelfMatch = SelfMatch.NEWEST,
    *,
    slide: bool = False,
    protect: bool = False,
) -> Recorder:
    rules = BookRules(50_000, tick, round_lot, self_match, slide, protect)
    return Recorder(Book(rules))


@pytest.fixture
def book() -> Recorder:
    return book_of()


def depth(book: Recorder, side: Side) -> list[tuple[int, int, int]]:
    return book.matcher.depth(side, 5)


def peg(order: Order, kind: PegKind, offset: int = 0) -> Order:
    order.peg, order.displayed = Peg(kind, offset), False
    return order


class TestReserve:
    def test_only_a_part_is_shown(self, book: Recorder) -> None:
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        assert depth(book, Side.SELL) == [(10 * DOLLAR, 100, 1)]

    def test_the_next_part_goes_to_the_back(self, book: Recorder) -> None:
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        book.enter(sell("s2", 50, 10 * DOLLAR))
        assert book.enter(buy("b1", 180, 10 * DOLLAR)) == [
            "b1 trades 100 with s1 at 10000000, leaves 80 and 900",
            "b1 trades 50 with s2 at 10000000, leaves 30 and 0",
            "b1 trades 30 with s1 at 10000000, leaves 0 and 870",
        ]
        assert depth(book, Side.SELL) == [(10 * DOLLAR, 70, 1)]

    def test_a_part_that_is_not_used_up_keeps_its_place(self, book: Recorder) -> None:
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        book.enter(sell("s2", 50, 10 * DOLLAR))
        book.enter(buy("b1", 99, 10 * DOLLAR))
        assert book.queue(Side.SELL) == [("s1", 901), ("s2", 50)]

    def test_reserves_trade_before_hidden_orders_at_their_price(self, book: Recorder) -> None:
        book.enter(sell("h1", 100, 10 * DOLLAR, displayed=False))
        book.enter(sell("s1", 300, 10 * DOLLAR, max_floor=100))
        book.enter(buy("b1", 300, 10 * DOLLAR))
        assert book.queue(Side.SELL) == [("h1", 100)]

    def test_the_last_part_may_be_smaller(self, book: Recorder) -> None:
        book.enter(sell("s1", 130, 10 * DOLLAR, max_floor=100))
        book.enter(buy("b1", 100, 10 * DOLLAR))
        assert depth(book, Side.SELL) == [(10 * DOLLAR, 30, 1)]

    def test_a_decrease_below_the_shown_part_shows_less(self, book: Recorder) -> None:
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        book.enter(sell("s2", 50, 10 * DOLLAR))
        assert book.replace("s1", 60, 10 * DOLLAR) == ["s1 amended to 60, kept"]
        assert depth(book, Side.SELL) == [(10 * DOLLAR, 110, 2)]

    def test_a_fok_counts_what_is_in_reserve(self, book: Recorder) -> None:
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        assert len(book.enter(buy("b1", 450, 10 * DOLLAR), Lifetime.FOK)) == 5

    def test_a_fok_does_not_count_what_stands_behind_its_own_order(self, book: Recorder) -> None:
        """The reserve's first part trades, then the sender's own order would be next."""
        book.enter(sell("s1", 1_000, 10 * DOLLAR, max_floor=100))
        book.enter(sell("mine", 10, 10 * DOLLAR, owner="me"))
        order = buy("b1", 101, 10 * DOLLAR, owner="me")
        assert book.enter(order, Lifetime.FOK) == ["b1 drops 101: immediate"]


class TestPostOnly:
    def test_rests(self, book: Recorder) -> None:
        order = buy("b1", 100, 10 * DOLLAR, manner=Manner.POST_ONLY)
        assert book.enter(order) == ["b1 rests 100"]

    def test_is_refused_when_it_would_take_even_from_a_hidden_order(self, book: Recorder) -> None:
        book.enter(sell("s1", 100, 10 * DOLLAR, displayed=False))
        order = buy("b1", 100, 10 * DOLLAR, manner=Manner.POST_ONLY)
        assert book.matcher.refusal(order) is Cause.POST_ONLY
        assert book.enter(order) == ["b1 drops 100: post-only"]
        assert book.queue(Side.SELL) == [("s1", 100)]

    @pytest.mark.parametrize(
        ("order", "resting", "slid"),
        [
            (buy("p", 100, 12 * DOLLAR), sell("r", 100, 10 * DOLLAR), 10 * DOLLAR - CENT),
            (sell("p", 100, 9 * DOLLAR), buy("r", 100, 10 * DOLLAR), 10 * DOLLAR + CENT),
            # against a midpoint order: the next whole tick
            (
                buy("p", 100, 12 * DOLLAR),
                sell("r", 100, 10 * DOLLAR + CENT // 2, displayed=False),
                10 * DOLLAR,
            ),
        ],
    )
    def test_slides_one_tick_outside(self, order: Order, resting: Order, slid: int) -> None:
        book = book_of(slide=True)
        book.enter(resting)
        order.manner = Manner.POST_ONLY
        assert book.matcher.refusal(order) is None
        assert book.enter(order) == [f"p is 100 at {slid} now: post-only", "p rests 100"]
        assert order.working == slid


class TestTradeThrough:
    """The reference is 10.00 x 10.02; this book has offers at 10.02 and 10.04."""

    @pytest.fixture
    def book(self) -> Recorder:
        book = book_of(protect=True)
        book.refer(10 * DOLLAR, 10 * DOLLAR + 2 * CENT)
        book.enter(sell("s1", 100, 10 * DOLLAR + 2 * CENT))
        book.enter(sell("s2", 100, 10 * DOLLAR + 4 * CENT))
        return book

    @pytest.mark.parametrize("lifetime", [Lifetime.DAY, Lifetime.IOC])
    @pytest.mark.parametrize("price", [10 * DOLLAR + 5 * CENT, None])
    def test_executes_up_to_the_reference_and_drops_the_rest(
        self, book: Recorder, lifetime: Lifetime, price: int | None
    ) -> None:
        assert book.enter(buy("b1", 250, price), lifetime) == [
            "b1 trades 100 with s1 at 10020000, leaves 150 and 0",
            "b1 drops 150: trade-through",
        ]

    def test_an_iso_goes_on(self, book: Recorder) -> None:
        order = buy("b1", 250, 10 * DOLLAR + 5 * CENT, manner=Manner.ISO)
        assert book.enter(order, Lifetime.IOC) == [
            "b1 trades 100 with s1 at 10020000, leaves 150 and 0",
            "b1 trades 100 with s2 at 10040000, leaves 50 and 0",
            "b1 drops 50: immediate",
        ]

    def test_a_fok_counts_only_what_it_may_take(self, book: Recorder) -> None:
        order = buy("b1", 150, 10 * DOLLAR + 5 * CENT)
        assert book.enter(order, Lifetime.FOK) == ["b1 drops 150: immediate"]

    def test_nothing_to_trade_through_to_rests(self, book: Recorder) -> None:
        assert book.enter(buy("b1", 150, 10 * DOLLAR + 3 * CENT))[-1] == "b1 rests 50"

    def test_sells_below_the_bid(self, book: Recorder) -> None:
        book.enter(buy("b1", 100, 10 * DOLLAR - CENT))
        assert book.enter(sell("s3", 100, 9 * DOLLAR)) == ["s3 drops 100: trade-through"]

    @pytest.mark.parametrize(
        ("bid", "ask"), [(None, None), (10 * DOLLAR, None), (11 * DOLLAR, 10 * DOLLAR)]
    )
    def test_an_absent_or_crossed_quote_protects_nobody(
        self, book: Recorder, bid: int | None, ask: int | None
    ) -> None:
        book.refer(bid, ask)
        assert book.enter(buy("b1", 200, 11 * DOLLAR))[-1].endswith("leaves 0 and 0")

    def test_a_venue_may_not_care(self) -> None:
        book = book_of(protect=False)
        book.refer(10 * DOLLAR, 10 * DOLLAR + 2 * CENT)
        book.enter(sell("s2", 100, 10 * DOLLAR + 4 * CENT))
        assert len(book.enter(buy("b1", 100, 11 * DOLLAR))) == 1


class TestPegs:
    """The reference is 10.00 x 10.03, so its middle is half a tick: 10.015."""

    BID, ASK, MID = 10 * DOLLAR, 10 * DOLLAR + 3 * CENT, 10 * DOLLAR + 15_000

    @pytest.fixture
    def book(self) -> Recorder:
        book = book_of()
        book.refer(self.BID, self.ASK)
        return book

    @pytest.mark.parametrize(
        ("kind", "offset", "limit", "buys_at", "sells_at"),
        [
            (PegKind.MIDPOINT, 0, None, MID, MID),
            (PegKind.PRIMARY, 0, None, BID, ASK),
            (PegKind.MARKET, 0, None, ASK, BID),
            (PegKind.PRIMARY, -CENT, None, BID - CENT, ASK - CENT),
            (PegKind.MARKET, CENT, None, ASK + CENT, BID + CENT),
            (PegKind.MIDPOINT, 0, BID + CENT, BID + CENT, MID),
            (PegKind.MARKET, 0, BID + 2 * CENT, BID + 2 * CENT, BID + 2 * CENT),
            (PegKind.DISCRETIONARY, 0, None, MID, MID),
        ],
    )
    def test_where_they_stand(
        self,
        book: Recorder,
        kind: PegKind,
        offset: int,
        limit: int | None,
        buys_at: int,
        sells_at: int,
    ) -> None:
        for side, price in ((Side.BUY, buys_at), (Side.SELL, sells_at)):
            order = peg(Order("p", side, 100, limit), kind, offset)
            assert book.enter(order) == ["p rests 100"]
            assert order.working == price
            book.cancel("p")

    def test_are_hidden(self, book: Recorder) -> None:
        book.enter(peg(buy("p", 100), PegKind.PRIMARY))
        assert depth(book, Side.BUY) == []

    def test_trade_at_the_middle_with_each_other(self, book: Recorder) -> None:
        book.enter(peg(buy("p", 100), PegKind.MIDPOINT))
        assert book.enter(peg(sell("q", 60), PegKind.MIDPOINT)) == [
            "q trades 60 with p at 10015000, leaves 0 and 40"
        ]

    def test_who_takes_from_a_midpoint_peg_trades_at_its_price(self, book: Recorder) -> None:
        book.enter(peg(sell("p", 100), PegKind.MIDPOINT))
        assert book.enter(buy("b1", 100, self.ASK)) == [
            "b1 trades 100 with p at 10015000, leaves 0 and 0"
        ]

    def test_follow_and_may_trade_with_what_rests(self, book: Recorder) -> None:
        book.enter(peg(buy("p", 100), PegKind.MIDPOINT))
        book.enter(sell("s1", 30, self.ASK, displayed=False))
        assert book.refer(self.ASK, self.ASK + 2 * CENT) == [
            "p trades 30 with s1 at 10030000, leaves 70 and 0",
            "p rests 70",
        ]

    def test_that_move_go_to_the_back_the_oldest_first(self, book: Recorder) -> None:
        book.enter(peg(buy("p", 10), PegKind.PRIMARY))
        book.enter(peg(buy("q", 10), PegKind.PRIMARY))
        book.enter(buy("h", 10, self.BID + CENT, displayed=False))
        book.refer(self.BID + CENT, self.ASK + CENT)
        assert book.queue(Side.BUY) == [("h", 10), ("p", 10), ("q", 10)]

    def test_whose_price_stays_keep_their_place(self, book: Recorder) -> None:
        book.enter(peg(buy("p", 10), PegKind.PRIMARY))
        book.enter(buy("h", 10, self.BID, displayed=False))
        assert book.refer(self.BID, self.ASK + CENT) == []
        assert book.queue(Side.BUY) == [("p", 10), ("h", 10)]

    @pytest.mark.parametrize(
        ("bid", "ask"), [(None, None), (BID, None), (None, ASK), (BID, BID), (ASK, BID)]
    )
    def test_wait_while_there_is_no_regular_quote(
        self, book: Recorder, bid: int | None, ask: int | None
    ) -> None:
        order = peg(buy("p", 100), PegKind.MIDPOINT)
        book.enter(order)
        book.refer(bid, ask)
        assert order.working is None
        assert book.enter(sell("s1", 100, 9 * DOLLAR), Lifetime.IOC) == ["s1 drops 100: immediate"]
        assert book.queue(Side.BUY) == [("p", 100)]
        book.refer(self.BID, self.ASK)
        assert order.working == self.MID

    def test_an_ioc_peg_without_a_quote_is_dropped(self, book: Recorder) -> None:
        book.refer(None, None)
        order = peg(buy("p", 100), PegKind.MIDPOINT)
        assert book.enter(order, Lifetime.IOC) == ["p drops 100: immediate"]

    def test_that_wait_can_be_cancelled(self, book: Recorder) -> None:
        book.refer(None, None)
        book.enter(peg(buy("p", 100), PegKind.MIDPOINT))
        assert book.cancel("p") == ["p drops 100: requested"]
        assert book.refer(self.BID, self.ASK) == []

    def test_a_book_is_watchful_while_somebody_depends_on_the_reference(self) -> None:
        plain = Book()
        watchful = [plain.watchful]
        plain.enter(peg(buy("p", 100), PegKind.MIDPOINT), Lifetime.DAY)
        watchful.append(plain.watchful)
        plain.cancel("p")
        assert [*watchful, plain.watchful] == [False, True, False]


class TestSelfMatch:
    """Mine rests 60, another's 50 behind it; I send 100."""

    def meet(self, mode: SelfMatch, quantity: int = 100) -> tuple[list[str], list[tuple[str, int]]]:
        book = book_of(self_match=mode)
        book.enter(sell("mine", 60, 10 * DOLLAR, owner="me"))
        book.enter(sell("other", 50, 10 * DOLLAR))
        said = book.enter(buy("b1", quantity, 10 * DOLLAR, owner="me"))
        return said, book.queue(Side.SELL)

    def test_newest(self) -> None:
        assert self.meet(SelfMatch.NEWEST) == (
            ["b1 drops 100: self-match"],
            [("mine", 60), ("other", 50)],
        )

    def test_oldest(self) -> None:
        assert self.meet(SelfMatch.OLDEST) == (
            [
                "mine drops 60: self-match",
                "b1 trades 50 with other at 10000000, leaves 50 and 0",
                "b1 rests 50",
            ],
            [],
        )

    def test_both(self) -> None:
        assert self.meet(SelfMatch.BOTH) == (
            ["mine drops 60: self-match", "b1 drops 100: self-match"],
            [("other", 50)],
        )

    def test_decrement(self) -> None:
        assert self.meet(SelfMatch.DECREMENT) == (
            [
                "mine drops 60: self-match",
                "b1 is 40 at 10000000 now: self-match",
                "b1 trades 40 with other at 10000000, leaves 0 and 10",
            ],
            [("other", 10)],
        )

    def test_decrement_of_the_resting_one(self) -> None:
        assert self.meet(SelfMatch.DECREMENT, 20) == (
            ["mine is 40 at 10000000 now: self-match", "b1 drops 20: self-match"],
            [("mine", 40), ("other", 50)],
        )

    def test_decrement_of_equals(self) -> None:
        assert self.meet(SelfMatch.DECREMENT, 60) == (
            ["mine drops 60: self-match", "b1 drops 60: self-match"],
            [("other", 50)],
        )


class TestOddLots:
    def test_trade_but_do_not_set_the_quote(self) -> None:
        book = book_of(round_lot=100)
        book.enter(buy("odd", 30, 10 * DOLLAR))
        book.enter(buy("round", 100, 9 * DOLLAR))
        assert book.matcher.best(Side.BUY) == 9 * DOLLAR
        assert depth(book, Side.BUY) == [(9 * DOLLAR, 100, 1)]
        assert book.enter(sell("s1", 30, 9 * DOLLAR)) == [
            "s1 trades 30 with odd at 10000000, leaves 0 and 0"
        ]

    def test_together_make_a_round_lot(self) -> None:
        book = book_of(round_lot=100)
        book.enter(buy("b1", 30, 10 * DOLLAR))
        book.enter(buy("b2", 70, 10 * DOLLAR))
        assert depth(book, Side.BUY) == [(10 * DOLLAR, 100, 2)]

    def test_hidden_shares_do_not_help(self) -> None:
        book = book_of(round_lot=100)
        book.enter(buy("b1", 1_000, 10 * DOLLAR, max_floor=30))
        assert depth(book, Side.BUY) == []


class TestDLimit:
    """The published example: NBBO 10.10 x 10.14, a D-Limit buy at 10.10; the signal comes on and
    it stands at 10.09."""

    BID, ASK = 10 * DOLLAR + 10 * CENT, 10 * DOLLAR + 14 * CENT

    @pytest.fixture
    def book(self) -> Recorder:
        book = book_of()
        book.refer(self.BID, self.ASK)
        return book

    def test_steps_one_tick_outside(self, book: Recorder) -> None:
        book.enter(buy("d", 100, self.BID, manner=Manner.D_LIMIT))
        assert book.refer(self.BID, self.ASK, bid_unstable=True) == [
            "d is 100 at 10090000 now: signal",
            "d rests 100",
        ]
        iso = sell("s1", 100, 10 * DOLLAR + 9 * CENT, manner=Manner.ISO)
        assert book.enter(iso, Lifetime.IOC) == ["s1 trades 100 with d at 10090000, leaves 0 and 0"]

    def test_a_sell_steps_up(self, book: Recorder) -> None:
        book.enter(sell("d", 100, self.ASK, manner=Manner.D_LIMIT))
        book.refer(self.BID, self.ASK, ask_unstable=True)
        assert depth(book, Side.SELL) == [(self.ASK + CENT, 100, 1)]

    def test_inside_the_quote_steps_out_all_the_way(self, book: Recorder) -> None:
        book.enter(buy("d", 100, self.BID + 2 * CENT, manner=Manner.D_LIMIT))
        book.refer(self.BID, self.ASK, bid_unstable=True)
        assert depth(book, Side.BUY) == [(self.BID - CENT, 100, 1)]

    def test_one_that_stands_outside_stays(self, book: Recorder) -> None:
        book.enter(buy("d", 100, self.BID - CENT, manner=Manner.D_LIMIT))
        assert book.refer(self.BID, self.ASK, bid_unstable=True) == []

    def test_the_other_side_stays(self, book: Recorder) -> None:
        book.enter(sell("d", 100, self.ASK, manner=Manner.D_LIMIT))
        assert book.refer(self.BID, self.ASK, bid_unstable=True) == []

    def test_does_not_come_back(self, book: Recorder) -> None:
        book.enter(buy("d", 100, self.BID, manner=Manner.D_LIMIT))
        book.refer(self.BID, self.ASK, bid_unstable=True)
        assert book.refer(self.BID, self.ASK) == []
        assert depth(book, Side.BUY) == [(self.BID - CENT, 100, 1)]

    def test_that_comes_while_the_signal_is_on_rests_outside(self, book: Recorder) -> None:
        book.refer(self.BID, self.ASK, bid_unstable=True)
        assert book.enter(buy("d", 100, self.BID, manner=Manner.D_LIMIT)) == [
            "d is 100 at 10090000 now: signal",
            "d rests 100",
        ]

    def test_may_go_instead(self, book: Recorder) -> None:
        book.enter(buy("d", 100, self.BID, manner=Manner.D_LIMIT_OR_CANCEL))
        assert book.refer(self.BID, self.ASK, bid_unstable=True) == ["d drops 100: signal"]
        assert book.queue(Side.BUY) == []

    def test_a_plain_order_stays(self, book: Recorder) -> None:
        book.enter(buy("b1", 100, self.BID))
        assert book.refer(self.BID, self.ASK, bid_unstable=True) == []

    def test_a_discretionary_peg_leaves_the_middle_and_comes_back(self, book: Recorder) -> None:
        order = peg(buy("d", 100), PegKind.DISCRETIONARY)
        book.enter(order)
        assert order.working == self.BID + 2 * CENT
        book.refer(self.BID, self.ASK, bid_unstable=True)
        assert order.working == self.BID - CENT
        book.refer(self.BID, self.ASK)
        assert order.working == self.BID + 2 * CENT


class TestReplace:
    """Only a pure decrease keeps its place; each other change goes to the back."""

    @pytest.mark.parametrize(
        ("change", "kept"),
        [
            ({"quantity": 50}, True),
            ({"quantity": 100}, True),
            ({"quantity": 101}, False),
            ({"quantity": 50, "price": 10 * DOLLAR - CENT}, False),
            ({"quantity": 50, "max_floor": 10}, False),
            ({"quantity": 50, "displayed": False}, False),
            ({"quantity": 50, "manner": Manner.POST_ONLY}, False),
        ],
    )
    def test_priority(self, book: Recorder, change: dict[str, object], kept: bool) -> None:
        book.enter(buy("b1", 100, 10 * DOLLAR))
        book.enter(buy("b2", 100, 10 * DOLLAR))
        new = buy("b1", 100, 10 * DOLLAR)
        for name, value in change.items():
            setattr(new, name, value)
        said = book.matcher.replace(new)
        assert getattr(said[0], "kept_priority") is kept  # noqa: B009 - one of several events
        assert (book.queue(Side.BUY)[0][0] == "b1") is kept

    def test_of_a_peg_keeps_its_place_too(self, book: Recorder) -> None:
        book.refer(10 * DOLLAR, 11 * DOLLAR)
        book.enter(peg(buy("p", 100), PegKind.PRIMARY))
        book.enter(peg(buy("q", 100), PegKind.PRIMARY))
        assert book.replace("p", 40, None) == ["p amended to 40, kept"]
        assert book.queue(Side.BUY) == [("p", 40), ("q", 100)]
