"""Who left the best price of late: the sight of a crumbling quote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.departures import BLURRED_NS, Departures, Left, crumbling

ASKS, BIDS = False, True
START = 10 * BLURRED_NS
ECN = ("ACME", ASKS, "ecn")
LEFT = {"ecn": (102, 10), "exchange": (102, 12)}


def left(made: Departures, is_bid: bool = ASKS, after_ns: int = 0) -> dict[str, Left]:
    return made.left_since("ACME", is_bid, after_ns)


def showing(price: int = 102, shares: int = 300) -> Departures:
    """A venue offers this."""
    made = Departures()
    made.note(ECN, [(price, shares)], START)
    return made


class TestDepartures:
    """A venue leaves when its best price gets worse, and is back when it shows that price again."""

    def test_a_worse_offer_is_a_departure(self) -> None:
        made = showing()
        made.note(ECN, [(103, 300)], START + 1)
        assert left(made) == {"ecn": (102, START + 1)}
        assert not left(made, BIDS)

    def test_a_lower_bid_is_one(self) -> None:
        made = Departures()
        for price in (100, 99):
            made.note(("ACME", BIDS, "ecn"), [(price, 300)], START)
        assert left(made, BIDS) == {"ecn": (100, START)}

    def test_an_empty_side_is_one(self) -> None:
        made = showing()
        made.note(ECN, [], START)
        assert left(made) == {"ecn": (102, START)}
        assert made.bests("ACME", ASKS)["ecn"].price == 0

    def test_a_better_or_equal_one_is_not(self) -> None:
        made = showing()
        made.note(ECN, [(102, 100)], START)
        made.note(ECN, [(101, 100)], START)
        assert not left(made)

    def test_who_comes_back_has_not_left(self) -> None:
        made = showing()
        made.note(ECN, [(103, 300)], START)
        made.note(ECN, [(102, 300)], START)
        assert not left(made)

    def test_it_counts_for_a_while(self) -> None:
        made = showing()
        made.note(ECN, [(103, 300)], START)
        assert left(made, after_ns=START - 1)
        assert not left(made, after_ns=START)

    def test_a_venue_whose_quotes_are_lost_left_nothing(self) -> None:
        made = showing()
        made.note(ECN, [(103, 300)], START)
        made.forget("ecn")
        assert not left(made)
        assert not made.bests("ACME", ASKS)

    def test_what_we_take_nobody_left(self) -> None:
        made = showing()
        made.took(ECN, 103)
        made.note(ECN, [(103, 300)], START)
        assert not left(made)


class TestOurs:
    """An order of ours is no quote of others, and its going no departure."""

    def test_others_may_leave_it_alone_at_the_best_price(self) -> None:
        made = showing()
        made.show("C1", ECN, 102, 500, START)
        made.note(ECN, [(102, 800)], START + BLURRED_NS)
        assert not left(made)
        assert made.note(ECN, [(102, 500), (103, 300)], START + BLURRED_NS)
        assert left(made) == {"ecn": (102, START + BLURRED_NS)}
        assert made.bests("ACME", ASKS)["ecn"].price == 103

    def test_what_is_left_of_it_counts(self) -> None:
        made = showing()
        made.show("C1", ECN, 102, 500, START)
        made.show("C1", ECN, 102, 200, START)
        later = START + BLURRED_NS
        assert not made.note(ECN, [(102, 300), (103, 300)], later)
        assert made.note(ECN, [(102, 200), (103, 300)], later)

    def test_before_the_book_can_show_it_it_counts_for_others(self) -> None:
        made = showing()
        made.show("C1", ECN, 102, 500, START)
        assert not made.note(ECN, [(102, 400)], START + BLURRED_NS - 1)

    def test_its_own_going_is_none(self) -> None:
        made = Departures()
        made.show("C1", ECN, 102, 500, START - BLURRED_NS)
        made.hide("C1", START)
        made.note(ECN, [(102, 500), (103, 300)], START)  # the book is behind
        made.note(ECN, [(103, 300)], START + BLURRED_NS)
        assert not left(made)

    def test_what_happens_long_after_is(self) -> None:
        made = Departures()
        made.show("C1", ECN, 102, 500, START - BLURRED_NS)
        made.hide("C1", START)
        made.note(ECN, [(102, 500), (103, 300)], START)
        made.note(ECN, [(103, 300)], START + BLURRED_NS + 1)
        assert left(made)

    def test_nothing_is_kept_of_what_is_over(self) -> None:
        made = Departures()
        for number in range(1_000):
            now = START + number * 2 * BLURRED_NS
            made.show(f"C{number}", ECN, number, 500, now)
            made.hide(f"C{number}", now)
        assert len(made._blurred[ECN]) <= 2
        assert not made._ours
        assert not made._at


class TestCrumbling:
    """The share of the venues that showed a price and left it."""

    def test_venues_that_are_there_and_that_left(self) -> None:
        shown = [("ecn", 103), ("exchange", 103), ("inverted", 102), ("iex", 104)]
        found = crumbling(102, ASKS, LEFT, shown)
        assert (found.gone, found.there, found.last_ns) == (2, 1, 12)
        assert found.is_on(0.5)
        assert not found.is_on(0.7)

    def test_at_the_new_price_they_are_all_there(self) -> None:
        shown = [("ecn", 103), ("exchange", 103), ("inverted", 102)]
        assert not crumbling(103, ASKS, LEFT, shown).is_on(0.1)

    def test_one_venue_is_a_quote_that_moved(self) -> None:
        found = crumbling(102, ASKS, {"ecn": (102, 10)}, [("ecn", 103)])
        assert not found.is_on(0.1)

    def test_who_left_a_worse_price_never_showed_this_one(self) -> None:
        assert crumbling(101, ASKS, LEFT, []).gone == 0
        assert crumbling(103, ASKS, LEFT, []).gone == 2
        assert crumbling(103, BIDS, LEFT, []).gone == 0

    @given(
        st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(95, 105), st.just(1))),
        st.dictionaries(st.sampled_from("abcdef"), st.integers(95, 105)),
        st.booleans(),
        st.integers(95, 105),
    )
    def test_no_venue_counts_twice_and_the_sides_mirror(
        self,
        gone: dict[str, Left],
        shown: dict[str, int],
        is_bid: bool,
        price: int,
    ) -> None:
        found = crumbling(price, is_bid, gone, list(shown.items()))
        assert found.gone + found.there <= len(gone.keys() | shown.keys())
        mirrored = crumbling(
            200 - price,
            not is_bid,
            {venue: (200 - each, at) for venue, (each, at) in gone.items()},
            [(venue, 200 - each) for venue, each in shown.items()],
        )
        assert (mirrored.gone, mirrored.there) == (found.gone, found.there)
