"""What the market does after fills: looked at in time, told as a fact, learnt, used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor.estimators.learnt import HORIZONS_NS, JUDGED
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import Side

from .script import CENT, MS, SECOND, Script, dark, lit, px, settings

LIT = StrategySettings("lit", use_dark=False)


def desk(*names: str) -> Script:
    made = Script(settings(*(lit(name) for name in names or ("x",)), strategy=LIT))
    for name in names or ("x",):
        made.quote(name, [("50.00", 300)], [("50.05", 300)])
    return made


def seen(made: Script) -> list[de.MarkoutsSeen]:
    return [each for each in made.decisions if isinstance(each, de.MarkoutsSeen)]


def let_pass(made: Script, ns: int, bid: str = "50.00", ask: str = "50.05") -> None:
    """Time, with a market that is confirmed each second."""
    end = made.now + ns
    while made.now < end:
        made.wait(min(SECOND, end - made.now))
        for name in made.settings.venues:
            if not made.settings.venues[name].is_dark:
                made.quote(name, [(bid, 300)], [(ask, 300)])


class TestMarks:
    """Each fill at four horizons, in facts."""

    @pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
    def test_a_rise_is_good_for_who_bought_and_bad_for_who_sold(
        self, side: Side, sign: int
    ) -> None:
        made = desk()
        made.submit(quantity=300, side=side, limit_micros=px("50.05" if sign > 0 else "50.00"))
        made.fill(made.sends()[0].child_id, 300, "50.05")
        made.quote("x", [("50.10", 300)], [("50.20", 300)])
        made.wait(200 * MS)
        (fact,) = seen(made)
        (mark,) = fact.marks
        assert (fact.horizon, mark.venue, mark.quantity, mark.small) == (0, "x", 300, False)
        assert mark.value_micros == sign * 300 * 10 * CENT

    def test_each_horizon_once(self) -> None:
        made = desk()
        made.submit(quantity=300)
        made.fill(made.sends()[0].child_id, 300)
        let_pass(made, 63 * SECOND)
        assert [fact.horizon for fact in seen(made)] == [0, 1, 2, 3]
        times = [fact.at_ns for fact in seen(made)]
        began = made.now - 63 * SECOND
        for horizon_ns, at_ns in zip(HORIZONS_NS, times, strict=True):
            assert horizon_ns <= at_ns - began <= horizon_ns + 1.1 * SECOND
        made.fold()

    def test_a_burst_of_fills_is_one_mark(self) -> None:
        made = desk()
        made.submit(quantity=300)
        for _ in range(3):
            made.fill(made.sends()[0].child_id, 100)
        made.wait(200 * MS)
        (fact,) = seen(made)
        assert [(mark.quantity, mark.small) for mark in fact.marks] == [(300, True)]

    def test_a_repeated_report_is_not_marked_again(self) -> None:
        made = desk()
        made.submit(quantity=300)
        fact = made.fill_fact(made.sends()[0].child_id, 100)
        made.step(fact)
        made.step(replace(fact))
        made.wait(200 * MS)
        assert [mark.quantity for mark in seen(made)[0].marks] == [100]

    def test_without_a_market_nothing_is_said(self) -> None:
        made = desk()
        made.submit(quantity=300)
        made.fill(made.sends()[0].child_id, 300)
        made.router.market.forget("x")
        made.wait(62 * SECOND)
        assert seen(made) == []
        assert made.router.next_deadline() is None

    def test_who_slept_does_not_call_a_minute_a_second(self) -> None:
        made = desk()
        made.submit(quantity=300)
        made.fill(made.sends()[0].child_id, 300)
        made.now += 30 * SECOND
        made.quote("x", [("51.00", 300)], [("51.05", 300)])
        assert {fact.horizon for fact in seen(made)} <= {3}


class TestLearnt:
    """What comes of it, in the state."""

    def teach(self, made: Script, venue: str, cents: int, times: int, small: bool = False) -> None:
        quantity = 100 if small else 500
        mark = de.Markout(venue, "ACME", quantity, quantity * cents * CENT, small)
        for _ in range(times):
            made.apply(de.MarkoutsSeen(made.now, JUDGED, [mark]))

    def test_where_fills_turn_out_worse_the_cost_is_higher(self) -> None:
        made = desk("x", "y")
        self.teach(made, "x", -2, 60)
        self.teach(made, "y", 1, 60)
        learnt = made.fold().state.learnt
        assert learnt.adverse_micros("x", "ACME") > 0 > learnt.adverse_micros("y", "ACME")
        made.submit(quantity=100)
        (send,) = made.sends()
        assert send.venue == "y"

    def test_little_evidence_moves_little(self) -> None:
        made = desk("x", "y")
        self.teach(made, "y", 0, 100)
        self.teach(made, "x", -2, 1)
        assert 0 < made.router.state.learnt.adverse_micros("x", "ACME") < 2 * CENT / 8

    def test_a_new_symbol_believes_the_venue(self) -> None:
        made = desk("x", "y")
        self.teach(made, "x", -2, 60)
        self.teach(made, "y", 1, 60)
        assert made.router.state.learnt.adverse_micros("x", "OTHER") > CENT / 2

    def test_small_fills_that_turn_out_worse_are_toxic(self) -> None:
        made = desk("x")
        learnt = made.router.state.learnt
        self.teach(made, "x", -2, 60, small=True)
        assert not learnt.is_toxic("x", "ACME", 50 * 10**6), "nothing to compare with"
        self.teach(made, "x", 1, 60)
        assert learnt.is_toxic("x", "ACME", 50 * 10**6)
        assert not learnt.is_toxic("x", "ACME", 10_000 * 10**6), "a cent is nothing there"

    def test_orders_that_met_probes_make_the_next_take_no_small_fills(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=StrategySettings("balanced")))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        for number in range(4):
            made.submit(f"A{number}", quantity=1_000)
            child_id = [send for send in made.sends() if send.venue == "a"][-1].child_id
            assert made.sends()[-1].min_quantity == (0 if number < 4 else 300)
            for _ in range(3):
                made.fill(child_id, 100)
            made.end(child_id)
            made.cancel(f"X{number}", f"A{number}")
            for child in list(made.router.state.children.values()):
                if child.flight is not None:
                    made.end(child.child_id)
        made.submit("B", quantity=1_000)
        last = [send for send in made.sends() if send.venue == "a"][-1]
        assert last.min_quantity == 300
        made.fold()
        assert made.router.state.learnt.symbols["ACME"]["a"].first_fill_ns.weight > 3
        assert made.router.state.learnt.symbols["ACME"]["a"].fills.weight > 3
