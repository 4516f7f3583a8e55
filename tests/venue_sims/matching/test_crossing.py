"""The dark book: hidden, at the midpoint, with MinQty on both sides."""

from __future__ import annotations

import pytest

from tests.venue_sims.matching.recorder import EACH, Recorder, buy, sell
from venue_sims.matching.crossing import Crossing, CrossingRules, Improvement
from venue_sims.matching.orders import Lifetime, Manner, Order, Peg, PegKind, Side


class Dark(Recorder):
    def __init__(self, rules: CrossingRules | None = None) -> None:
        super().__init__(Crossing(rules))


@pytest.fixture
def dark() -> Dark:
    book = Dark()
    book.refer(1000, 1010)
    return book


class TestAtTheMidpoint:
    def test_on_arrival(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100))
        assert dark.enter(sell("s1", 60)) == ["s1 trades 60 with b1 at 1005, leaves 0 and 40"]

    def test_half_ticks(self, dark: Dark) -> None:
        dark.refer(50_000_000, 50_010_000)
        dark.enter(buy("b1", 100))
        assert "at 50005000," in dark.enter(sell("s1", 60))[0]

    def test_a_limit_worse_than_the_midpoint_waits(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100, 1004))
        assert dark.enter(sell("s1", 100)) == ["s1 rests 100"]

    def test_until_the_midpoint_comes_to_it(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100, 1004))
        dark.enter(sell("s1", 100))
        assert dark.refer(999, 1009) == ["b1 trades 100 with s1 at 1004, leaves 0 and 0"]

    def test_nothing_is_shown(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100))
        assert dark.matcher.depth(Side.BUY, 5) == []
        assert dark.matcher.best(Side.BUY) is None

    def test_ioc_drops_the_rest(self, dark: Dark) -> None:
        dark.enter(buy("b1", 40))
        assert dark.enter(sell("s1", 60), Lifetime.IOC)[-1] == "s1 drops 20: immediate"


class TestNoReference:
    @pytest.mark.parametrize(
        ("bid", "ask"), [(1000, 1000), (1001, 1000), (None, 1000), (1000, None), (None, None)]
    )
    def test_locked_crossed_or_absent_holds(
        self, dark: Dark, bid: int | None, ask: int | None
    ) -> None:
        dark.refer(bid, ask)
        dark.enter(buy("b1", 100))
        assert dark.enter(sell("s1", 100)) == ["s1 rests 100"]

    def test_and_trades_when_it_is_back(self, dark: Dark) -> None:
        dark.refer(None, None)
        dark.enter(buy("b1", 100))
        dark.enter(sell("s1", 100))
        assert dark.refer(1000, 1002) == ["b1 trades 100 with s1 at 1001, leaves 0 and 0"]


class TestPriority:
    def test_the_better_limit_first_none_is_best(self, dark: Dark) -> None:
        for order in (buy("low", 10, 1006), buy("high", 10, 1008), buy("any", 10)):
            dark.enter(order)
        assert dark.queue(Side.BUY) == [("any", 10), ("high", 10), ("low", 10)]

    def test_then_the_tier_then_the_time(self, dark: Dark) -> None:
        for order in (sell("a", 10, tier=2), sell("b", 10, tier=1), sell("c", 10, tier=1)):
            dark.enter(order)
        assert dark.queue(Side.SELL) == [("b", 10), ("c", 10), ("a", 10)]

    def test_a_decrease_keeps_its_place(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100))
        dark.enter(buy("b2", 100))
        assert dark.replace("b1", 50, None) == ["b1 amended to 50, kept"]
        assert dark.queue(Side.BUY) == [("b1", 50), ("b2", 100)]

    def test_an_increase_goes_to_the_back(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100))
        dark.enter(buy("b2", 100))
        dark.replace("b1", 150, None)
        assert dark.queue(Side.BUY) == [("b2", 100), ("b1", 150)]


class TestMinQty:
    def test_of_a_resting_order_binds_every_contra(self, dark: Dark) -> None:
        dark.enter(buy("b1", 1000, min_qty=500))
        assert dark.enter(sell("s1", 400)) == ["s1 rests 400"]
        assert dark.enter(sell("s2", 500)) == ["s2 trades 500 with b1 at 1005, leaves 0 and 500"]

    def test_the_next_in_line_is_asked_when_the_first_wants_more(self, dark: Dark) -> None:
        dark.enter(buy("b1", 1000, min_qty=500))
        dark.enter(buy("b2", 1000))
        assert dark.enter(sell("s1", 400)) == ["s1 trades 400 with b2 at 1005, leaves 0 and 600"]

    def test_composite_is_met_by_the_sum(self, dark: Dark) -> None:
        dark.enter(buy("b1", 300))
        dark.enter(buy("b2", 300))
        assert len(dark.enter(sell("s1", 1000, min_qty=600))) == 3

    def test_composite_not_met_leaves_no_trace(self, dark: Dark) -> None:
        dark.enter(buy("b1", 300))
        dark.enter(buy("b2", 200))
        assert dark.enter(sell("s1", 1000, min_qty=600)) == ["s1 rests 1000"]
        assert dark.queue(Side.BUY) == [("b1", 300), ("b2", 200)]

    def test_minimum_execution_is_met_by_each(self, dark: Dark) -> None:
        dark.enter(buy("b1", 300))
        dark.enter(buy("b2", 600))
        assert dark.enter(sell("s1", 1000, min_qty=600, min_qty_mode=EACH)) == [
            "s1 trades 600 with b2 at 1005, leaves 400 and 0",
            "s1 rests 400",
        ]

    def test_a_smaller_remainder_is_its_own_minimum(self, dark: Dark) -> None:
        dark.enter(buy("b1", 700, min_qty=500))
        dark.enter(sell("s1", 500))
        assert dark.enter(sell("s2", 200)) == ["s2 trades 200 with b1 at 1005, leaves 0 and 0"]

    def test_a_decrease_may_free_a_trade(self, dark: Dark) -> None:
        dark.enter(sell("s1", 300))
        dark.enter(buy("b1", 1000, min_qty=500))
        assert dark.replace("b1", 300, None, 500) == [
            "b1 amended to 300, kept",
            "b1 trades 300 with s1 at 1005, leaves 0 and 0",
        ]
        assert dark.queue(Side.BUY) == []

    def test_two_resting_orders_both_hold_every_contra_to_it(self, dark: Dark) -> None:
        dark.refer(None, None)
        dark.enter(buy("b1", 300))
        dark.enter(buy("b2", 300))
        dark.enter(sell("s1", 600, min_qty=600))
        assert dark.refer(1000, 1002) == []


class TestOwners:
    def test_one_owner_never_trades_with_itself_others_go_on(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100, owner="me"))
        dark.enter(buy("b2", 100))
        assert dark.enter(sell("s1", 50, owner="me")) == [
            "s1 trades 50 with b2 at 1005, leaves 0 and 50"
        ]


MID_PEG = Peg(PegKind.MIDPOINT)
CENT = 10_000
BID = 1_000 * CENT


class TestSplitImprovement:
    """The published example: NBBO 10.00 x 10.01, a midpoint peg buys, a market order sells; the
    half cent between them is shared."""

    @pytest.fixture
    def dark(self) -> Dark:
        book = Dark(CrossingRules(Improvement.SPLIT))
        book.refer(BID, BID + CENT)
        return book

    def test_peg_and_market_meet_at_10_0025(self, dark: Dark) -> None:
        dark.enter(buy("b1", 100, peg=MID_PEG))
        assert dark.enter(sell("s1", 100)) == ["s1 trades 100 with b1 at 10002500, leaves 0 and 0"]

    @pytest.mark.parametrize(
        ("one", "other", "price"),
        [
            (buy("a", 10), sell("z", 10), 10_005_000),
            (buy("a", 10, peg=MID_PEG), sell("z", 10, peg=MID_PEG), 10_005_000),
            (buy("a", 10), sell("z", 10, peg=MID_PEG), 10_007_500),
            (buy("a", 10, BID), sell("z", 10), 10_000_000),
            (buy("a", 10, BID + 50 * CENT), sell("z", 10, BID - CENT), 10_005_000),
            (buy("a", 10, peg=Peg(PegKind.PRIMARY)), sell("z", 10), 10_000_000),
            (buy("a", 10, peg=Peg(PegKind.MARKET)), sell("z", 10, BID + CENT), 10_010_000),
        ],
    )
    def test_others(self, dark: Dark, one: Order, other: Order, price: int) -> None:
        dark.enter(one)
        assert dark.enter(other) == [f"z trades 10 with a at {price}, leaves 0 and 0"]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (buy("a", 10, BID), sell("z", 10, peg=MID_PEG)),
            (buy("a", 10, peg=Peg(PegKind.PRIMARY)), sell("z", 10, peg=MID_PEG)),
            (buy("a", 10, BID - CENT), sell("z", 10)),
        ],
    )
    def test_who_do_not_meet(self, dark: Dark, one: Order, other: Order) -> None:
        dark.enter(one)
        assert dark.enter(other) == ["z rests 10"]

    def test_at_the_midpoint_nothing_is_split(self) -> None:
        dark = Dark()
        dark.refer(BID, BID + CENT)
        dark.enter(buy("b1", 100, peg=MID_PEG))
        assert "at 10005000," in dark.enter(sell("s1", 100))[0]


class TestChoicesOfTheVenue:
    def test_the_larger_first(self) -> None:
        dark = Dark(CrossingRules(by_size=True))
        dark.refer(1000, 1010)
        for order in (buy("small", 10), buy("large", 50), buy("tier", 90, tier=1)):
            dark.enter(order)
        assert dark.queue(Side.BUY) == [("large", 50), ("small", 10), ("tier", 90)]
        dark.enter(sell("s1", 45))
        assert dark.queue(Side.BUY) == [("small", 10), ("large", 5), ("tier", 90)]

    def test_tiers_that_never_meet(self) -> None:
        dark = Dark(CrossingRules(apart=frozenset({(1, 3)})))
        dark.refer(1000, 1010)
        dark.enter(buy("b1", 10, tier=3))
        assert dark.enter(sell("s1", 10, tier=1)) == ["s1 rests 10"]
        assert dark.enter(sell("s2", 10, tier=2)) == [
            "s2 trades 10 with b1 at 1005, leaves 0 and 0"
        ]

    def test_nor_the_other_way_round(self) -> None:
        dark = Dark(CrossingRules(apart=frozenset({(1, 3)})))
        dark.refer(1000, 1010)
        dark.enter(buy("b1", 10, tier=1))
        assert dark.enter(sell("s1", 10, tier=3)) == ["s1 rests 10"]


class TestConditionals:
    def order(self, order_id: str, side: Side, quantity: int, **more: object) -> Order:
        return Order(order_id, side, quantity, manner=Manner.CONDITIONAL, **more)  # type: ignore[arg-type]

    def test_never_trade_but_are_invited_by_a_firm_order(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000))
        assert dark.enter(sell("s1", 300)) == ["s1 rests 300", "c invited for 5000 at 1005"]
        assert dark.queue(Side.BUY) == []

    def test_are_invited_when_they_come_to_a_firm_order(self, dark: Dark) -> None:
        dark.enter(sell("s1", 300))
        assert dark.enter(self.order("c", Side.BUY, 5_000)) == [
            "c rests 5000",
            "c invited for 5000 at 1005",
        ]
        assert dark.queue(Side.SELL) == [("s1", 300)]

    def test_the_firm_order_that_answers_trades(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000))
        dark.enter(sell("s1", 300))
        assert dark.enter(buy("f", 5_000)) == [
            "f trades 300 with s1 at 1005, leaves 4700 and 0",
            "f rests 4700",
        ]

    def test_two_of_them_are_both_invited(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000))
        assert dark.enter(self.order("d", Side.SELL, 7_000)) == [
            "d rests 7000",
            "d invited for 7000 at 1005",
            "c invited for 5000 at 1005",
        ]

    def test_firm_orders_trade_first(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000))
        dark.enter(buy("b1", 300))
        assert dark.enter(sell("s1", 300)) == ["s1 trades 300 with b1 at 1005, leaves 0 and 0"]
        assert dark.queue(Side.BUY) == [("c", 5_000)]

    def test_an_order_that_does_not_wait_invites_nobody(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000))
        assert dark.enter(sell("s1", 300), Lifetime.IOC) == ["s1 drops 300: immediate"]
        assert dark.queue(Side.BUY) == [("c", 5_000)]

    def test_min_qty_holds_for_an_invitation(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000, min_qty=1_000))
        assert dark.enter(sell("s1", 999)) == ["s1 rests 999"]
        assert dark.enter(sell("s2", 1_000))[-1] == "c invited for 5000 at 1005"

    def test_a_move_of_the_reference_invites(self, dark: Dark) -> None:
        dark.enter(self.order("c", Side.BUY, 5_000, price=1_004))
        dark.enter(sell("s1", 300))
        assert dark.refer(998, 1_008) == ["c invited for 5000 at 1003"]

    def test_nobody_is_invited_without_a_reference(self, dark: Dark) -> None:
        dark.refer(None, None)
        dark.enter(self.order("c", Side.BUY, 5_000))
        assert dark.enter(sell("s1", 300)) == ["s1 rests 300"]
