"""What leaves a queue in a second, and what that says of an order that joins it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor import decisions as de
from sor_gateway.sor.departures import BLURRED_NS, Departures
from sor_gateway.sor.outflows import Outflow, reached

from .script import SECOND, Script
from .test_sprays import NAMES, SELL, SPRAY, four_lit

START = 1_000 * SECOND
ECN = ("ACME", False, "ecn")


class TestOutflow:
    @pytest.mark.parametrize("seconds", [1, 5, 20, 100])
    def test_a_steady_flow_is_found_from_the_beginning(self, seconds: int) -> None:
        made = Outflow(START)
        for tenth in range(1, 10 * seconds + 1):
            made.add(10, START + tenth * SECOND // 10)
        assert made.per_second(START + seconds * SECOND) == pytest.approx(100, rel=0.06)

    def test_it_fades(self) -> None:
        made = Outflow(START)
        made.add(1_000, START + 20 * SECOND)
        rates = [made.per_second(START + at * SECOND) for at in (20, 30, 60)]
        assert rates == sorted(rates, reverse=True)
        assert rates[2] < 0.03 * rates[0]

    def test_nothing_seen(self) -> None:
        assert Outflow(START).per_second(START) == 0
        assert Outflow(START).per_second(START + SECOND) == 0

    @given(st.integers(0, 10_000), st.integers(1, 10_000), st.floats(0, 10_000))
    def test_the_share_reached(self, queue: int, quantity: int, rate: float) -> None:
        share = reached(queue, quantity, rate)
        assert 0 <= share < 1
        assert reached(queue + 100, quantity, rate) <= share
        assert reached(queue, quantity, rate + 1) >= share


class TestCounting:
    """Of others, at the best price."""

    def rate(self, *books: list[tuple[int, int]], made: Departures | None = None) -> float:
        made = made or Departures()
        for index, levels in enumerate(books):
            made.note(ECN, levels, START + index * SECOND)
        return made.outflow(ECN, START + (len(books) - 1) * SECOND)

    def test_what_is_less_at_the_same_price_left(self) -> None:
        assert self.rate([(102, 500)], [(102, 300)]) == pytest.approx(200, rel=0.06)

    def test_what_came_did_not(self) -> None:
        assert self.rate([(102, 500)], [(102, 800)]) == 0

    def test_a_price_that_is_gone_left_whole(self) -> None:
        assert self.rate([(102, 500)], [(103, 900)]) == pytest.approx(500, rel=0.06)

    def test_a_better_price_took_nothing_away(self) -> None:
        assert self.rate([(102, 500)], [(101, 100)]) == 0

    def test_our_own_coming_and_going_is_no_outflow(self) -> None:
        made = Departures()
        made.show("C1", ECN, 102, 400, START - BLURRED_NS)
        assert self.rate([(102, 500)], [(102, 500)], made=made) == 0
        made.show("C1", ECN, 102, 100, START)
        made.note(ECN, [(102, 200)], START + 2 * SECOND)
        assert made.outflow(ECN, START + 2 * SECOND) == 0

    def test_what_we_take_is_none(self) -> None:
        made = Departures()
        made.note(ECN, [(102, 500)], START)
        made.took(ECN, 0)
        assert self.rate([(103, 500)], [(103, 500)], made=made) == 0


def flowing(made: Script, queues: dict[str, int], leave: dict[str, int]) -> None:
    """Offers of so much, of which so much a second leaves and is replaced."""
    for _ in range(4):
        for left in (0, 1):
            for name in NAMES:
                shown = queues[name] - left * leave.get(name, 0)
                made.quote(name, [("50.00", 800)], [("50.02", shown)])
            made.wait(SECOND // 2)
    for name in NAMES:
        made.quote(name, [("50.00", 800)], [("50.02", queues[name])])


class TestJoining:
    """Where an order is shown first, when it cannot be shown everywhere."""

    ALIKE = dict.fromkeys(NAMES, 1_000)

    def first(self, made: Script) -> list[str]:
        made.submit(quantity=500, **SELL)
        return [send.venue for send in made.sends()]

    def test_by_what_is_paid_where_queues_are_alike(self) -> None:
        made = four_lit()
        flowing(made, self.ALIKE, dict.fromkeys(NAMES, 300))
        assert self.first(made) == ["ecn"]

    def test_a_short_queue_beats_a_rebate(self) -> None:
        made = four_lit()
        flowing(made, {**self.ALIKE, "iex": 200}, dict.fromkeys(NAMES, 100))
        assert self.first(made) == ["iex"]

    def test_a_fast_queue_too(self) -> None:
        made = four_lit()
        flowing(made, self.ALIKE, {**dict.fromkeys(NAMES, 20), "exchange": 800})
        assert self.first(made) == ["exchange"]

    def test_the_option_can_be_turned_off(self) -> None:
        made = four_lit(replace(SPRAY, spray_queues=False))
        flowing(made, {**self.ALIKE, "iex": 200}, dict.fromkeys(NAMES, 100))
        assert self.first(made) == ["ecn"]

    def test_what_it_joins_stands_in_the_decision(self) -> None:
        made = four_lit()
        flowing(made, self.ALIKE, dict.fromkeys(NAMES, 300))
        self.first(made)
        (child,) = (each for each in made.decisions if isinstance(each, de.ChildPlanned))
        assert child.why.startswith("500 shown at the best offer behind 1000 (")
        assert "/s leave); p 0." in child.why
