"""Taking displayed quantity."""

from __future__ import annotations

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
