"""Taking displayed quantity."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.scoring import Score
from sor_gateway.sor.tactics.sweep import CHILDREN_MAX, Offer, Room, Take, plan_takes

COSTS = {"cheap": 1.0, "dear": 2.0}
ROOMY = {"cheap": Room(100, 10_000), "dear": Room(100, 10_000)}


def score_of(offer: Offer, quantity: int) -> Score:
    return Score(COSTS[offer.venue], 1.0, 0, 0, 0, 0, 0, 5.0)


def plan(
    offers: list[Offer], quantity: int, rooms: dict[str, Room] = ROOMY, *, is_buy: bool = True
) -> tuple[list[tuple[str, int, int]], bool]:
    found = plan_takes(offers, is_buy, quantity, rooms, score_of)
    taken = [(take.offer.venue, take.offer.price_micros, take.quantity) for take in found.takes]
    return taken, found.is_held_back


class TestOrder:
    """Best price first; at one price the lowest expected cost first."""

    def test_price_before_cost(self) -> None:
        offers = [Offer("cheap", 101, 100), Offer("dear", 100, 100)]
        assert plan(offers, 200)[0] == [("dear", 100, 100), ("cheap", 101, 100)]

    def test_cost_at_one_price(self) -> None:
        offers = [Offer("dear", 100, 100), Offer("cheap", 100, 100)]
        assert plan(offers, 150)[0] == [("cheap", 100, 100), ("dear", 100, 50)]

    def test_a_sell_takes_the_highest_bid_first(self) -> None:
        offers = [Offer("cheap", 99, 100), Offer("dear", 100, 100)]
        assert plan(offers, 150, is_buy=False)[0] == [("dear", 100, 100), ("cheap", 99, 50)]

    def test_nothing_displayed(self) -> None:
        assert plan([], 100) == ([], False)


class TestBounds:
    """Throttles and sizes hold it back, and then nothing worse is taken."""

    def test_a_throttled_venue_protects_its_price(self) -> None:
        offers = [Offer("cheap", 100, 100), Offer("dear", 101, 100)]
        rooms = {"cheap": Room(0, 10_000), "dear": Room(100, 10_000)}
        assert plan(offers, 200, rooms) == ([], True)

    def test_another_venue_at_the_same_price_is_no_trade_through(self) -> None:
        offers = [Offer("cheap", 100, 100), Offer("dear", 100, 100)]
        rooms = {"cheap": Room(0, 10_000), "dear": Room(100, 10_000)}
        assert plan(offers, 200, rooms) == ([("dear", 100, 100)], True)

    def test_more_than_a_child_may_have_is_cut_up(self) -> None:
        rooms = {"cheap": Room(100, 40)}
        taken, held_back = plan([Offer("cheap", 100, 100)], 100, rooms)
        assert [quantity for _, _, quantity in taken] == [40, 40, 20]
        assert not held_back

    def test_no_more_price_levels_than_the_strategy_takes(self) -> None:
        offers = [Offer("cheap", 100, 100), Offer("dear", 100, 50), Offer("dear", 101, 100)]
        found = plan_takes(offers, True, 1_000, ROOMY, score_of, levels=1)
        assert [(take.offer.price_micros, take.quantity) for take in found.takes] == [
            (100, 100),
            (100, 50),
        ]
        assert not found.is_held_back

    def test_no_more_of_one_offer_than_may_be_taken(self) -> None:
        offers = [Offer("cheap", 100, 100), Offer("dear", 100, 100)]
        rooms = {"cheap": Room(5, 10_000, offer_max=60), "dear": Room(5, 10_000, offer_max=0)}
        found = plan_takes(offers, True, 1_000, rooms, score_of, levels=1)
        assert [(take.offer.venue, take.quantity) for take in found.takes] == [("cheap", 60)]
        assert not found.is_held_back

    def test_it_names_the_throttles_that_held_it_back(self) -> None:
        offers = [Offer("cheap", 100, 100), Offer("dear", 100, 100)]
        rooms = {"cheap": Room(0, 10_000), "dear": Room(1, 40)}
        found = plan_takes(offers, True, 1_000, rooms, score_of)
        assert found.throttled == ["cheap", "dear"]

    def test_children_of_a_wave_are_bounded(self) -> None:
        offers = [Offer("cheap", 100 + step, 10) for step in range(CHILDREN_MAX + 5)]
        taken, held_back = plan(offers, 10_000)
        assert len(taken) == CHILDREN_MAX
        assert held_back

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["cheap", "dear"]), st.integers(95, 105), st.integers(1, 500)
            ),
            max_size=10,
            unique_by=lambda item: item[:2],
        ),
        st.integers(1, 3_000),
        st.integers(0, 5),
        st.booleans(),
    )
    def test_never_through_a_better_displayed_price(
        self, quotes: list[tuple[str, int, int]], quantity: int, orders: int, is_buy: bool
    ) -> None:
        offers = [Offer(*quote) for quote in quotes]
        rooms = {"cheap": Room(orders, 300), "dear": Room(5, 300)}
        takes = plan_takes(offers, is_buy, quantity, rooms, score_of).takes
        assert sum(take.quantity for take in takes) <= quantity
        for offer in offers:
            assert taken_of(takes, offer) <= offer.displayed
            worse = [
                take
                for take in takes
                if (take.offer.price_micros > offer.price_micros) == is_buy
                and take.offer.price_micros != offer.price_micros
            ]
            assert not worse or taken_of(takes, offer) == offer.displayed


def taken_of(takes: list[Take], offer: Offer) -> int:
    return sum(take.quantity for take in takes if take.offer is offer)


class TestFade:
    """A venue that fades is sent what is expected to be there, as long as others show the price."""

    ROOMS: ClassVar = {
        "cheap": Room(100, 10_000, firm_share=0.6, round_lot=100),
        "dear": Room(100, 10_000, round_lot=100),
    }
    BOTH: ClassVar = [Offer("cheap", 100, 1_000), Offer("dear", 100, 1_000)]

    def score_of(self, offer: Offer, quantity: int) -> Score:
        return Score(COSTS[offer.venue], 1.0, 0, 0, 0, 0, 0, 5.0, if_missed=self.if_missed)

    if_missed = 3.0

    def plan(self, quantity: int, offers: list[Offer] | None = None) -> list[tuple[str, int, int]]:
        found = plan_takes(offers or self.BOTH, True, quantity, self.ROOMS, self.score_of)
        assert not found.is_held_back
        return [(take.offer.venue, take.offer.price_micros, take.quantity) for take in found.takes]

    def test_the_rest_goes_to_another_at_the_same_price(self) -> None:
        assert self.plan(1_000) == [("cheap", 100, 600), ("dear", 100, 400)]

    def test_what_is_left_then_is_tried_all_the_same_in_one_child(self) -> None:
        assert self.plan(1_800) == [("cheap", 100, 800), ("dear", 100, 1_000)]

    def test_the_whole_of_a_price_is_gone_for_before_a_worse_one(self) -> None:
        offers = [Offer("cheap", 100, 1_000), Offer("dear", 101, 1_000)]
        assert self.plan(1_500, offers) == [("cheap", 100, 1_000), ("dear", 101, 500)]

    def test_not_where_that_costs_more_than_to_miss_it(self) -> None:
        self.if_missed = 1.5
        assert self.plan(1_000) == [("cheap", 100, 1_000)]

    def test_less_than_a_lot_is_a_lot(self) -> None:
        offers = [Offer("cheap", 100, 150), Offer("dear", 100, 1_000)]
        assert self.plan(1_000, offers) == [("cheap", 100, 100), ("dear", 100, 900)]

    def test_what_was_expected_is_said(self) -> None:
        found = plan_takes(self.BOTH, True, 1_000, self.ROOMS, self.score_of)
        assert [take.seen() for take in found.takes] == [
            "1000 displayed, 600 expected",
            "1000 displayed",
        ]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["cheap", "dear"]), st.integers(99, 102), st.integers(1, 2_000)
            ),
            unique_by=lambda offer: offer[:2],
        ),
        st.integers(0, 5_000),
        st.floats(0, 1),
        st.integers(1, 4),
        st.sampled_from([50, 300, 10_000]),
    )
    def test_never_more_than_wanted_or_shown_nor_past_a_better_price(
        self,
        made: list[tuple[str, int, int]],
        quantity: int,
        firm_share: float,
        orders: int,
        child_max: int,
    ) -> None:
        offers = [Offer(*each) for each in made]
        rooms = {
            "cheap": Room(orders, child_max, firm_share=firm_share, round_lot=100),
            "dear": Room(20, child_max, round_lot=100),
        }
        found = plan_takes(offers, True, quantity, rooms, self.score_of)
        assert sum(take.quantity for take in found.takes) <= quantity
        assert all(0 < take.quantity <= child_max for take in found.takes)
        assert sum(take.offer.venue == "cheap" for take in found.takes) <= orders
        got = {id(offer): 0 for offer in offers}
        for take in found.takes:
            got[id(take.offer)] += take.quantity
        assert all(got[id(offer)] <= offer.displayed for offer in offers)
        worst = max((take.offer.price_micros for take in found.takes), default=0)
        better = [offer for offer in offers if offer.price_micros < worst]
        assert all(got[id(offer)] == offer.displayed for offer in better)
