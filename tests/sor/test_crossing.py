"""Own crossing: opposite orders of our own clients, at the top of the pecking order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Report, SendChild
from sor_gateway.sor.crossing import CROSSES_MAX
from sor_gateway.sor.line import LEAST_PLACES, Line
from sor_gateway.sor.settings import LitTactic, StrategySettings
from sor_gateway.sor.types import (
    Liquidity,
    OrdType,
    ParentState,
    ReportKind,
    Side,
    TimeInForce,
)

from .script import MS, SECOND, Script, dark, lit, px, settings

PRESET = StrategySettings("balanced", dark_quantity=500, dark_box_ns=300 * MS)
LIT = replace(PRESET, use_dark=False)
SELL: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.90"), "client": "OTHER"}
REST = {**SELL, "limit_micros": px("50.01")}
"""Nothing of it can leave: the bid is lower."""


def desk(*clients: str, strategy: StrategySettings = PRESET) -> Script:
    """A dark and a lit venue; these clients consent."""
    made = Script(settings(dark(), lit(), strategy=strategy, crossing_clients=clients))
    made.quote("ecn", [("50.00", 300)], [("50.04", 300)])
    return made


def consenting() -> Script:
    return desk("EMS", "OTHER")


def crossed(made: Script) -> list[tuple[str, int, int]]:
    return [
        (each.parent_id, each.quantity, each.price_micros)
        for each in made.decisions
        if isinstance(each, de.ChildCrossed)
    ]


def fills(made: Script) -> list[Report]:
    return [report for report in made.reports() if report.kind is ReportKind.FILL]


class TestMeeting:
    """What is unsent of two opposite orders is executed at the midpoint, both sides in one turn."""

    def test_both_sides_are_executed_at_the_midpoint_before_anything_more_leaves(self) -> None:
        made = consenting()
        buy = made.submit("A1", 10_000)
        before = len(made.sends())
        sell = made.submit("B1", 4_000, **SELL)
        assert crossed(made) == [(sell, 4_000, px("50.02")), (buy, 4_000, px("50.02"))]
        assert len(made.sends()) == before
        state = made.router.state
        assert state.parents[sell].state is ParentState.FILLED
        assert state.parents[buy].cum_quantity == 4_000
        made.fold()

    def test_both_reports_come_in_the_turn_of_the_decision(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.apply(
            ev.ParentSubmitted(
                *(made.now, made.router.next_parent_id(), "OTHER", "B1", "ACME", Side.SELL, 4_000),
                *(OrdType.MARKET, None, TimeInForce.DAY, ""),
            )
        )
        before = len(made.out)
        made.decide()
        told = [each for each in made.out[before:] if isinstance(each, Report)]
        assert [each.client for each in told if each.kind is ReportKind.FILL] == ["OTHER", "EMS"]

    def test_the_report_names_our_own_market(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.submit("B1", 4_000, **SELL)
        for report in fills(made):
            assert report.last_market == "SORX"
            assert report.last_quantity == 4_000
            assert report.last_price_micros == px("50.02")
            assert report.liquidity is Liquidity.MIDPOINT
            assert report.fee_micros == 0

    def test_what_is_exposed_is_not_met(self) -> None:
        """The dark child of 500 stays where it is: nothing is pulled for a crossing."""
        made = consenting()
        buy = made.submit("A1", 10_000)
        made.submit("B1", 10_000, **SELL)
        assert crossed(made)[0][1] == 9_500
        parent = made.router.state.parents[buy]
        assert (parent.cum_quantity, parent.exposure, parent.available) == (9_500, 500, 0)
        assert not made.cancels()

    def test_the_rest_goes_on_down_the_pecking_order(self) -> None:
        made = consenting()
        made.submit("A1", 1_000)
        made.submit("B1", 2_000, **SELL)
        assert crossed(made)[0][1] == 500
        (send,) = [each for each in made.sends() if each.side is Side.SELL]
        assert (send.venue, send.quantity) == ("dark-a", 500)

    def test_who_came_first_is_met_first(self) -> None:
        made = desk("EMS", "OTHER", "THIRD")
        first = made.submit("A1", 1_500)
        second = made.submit("A2", 1_500, client="THIRD")
        sell = made.submit("B1", 1_600, **SELL)
        assert crossed(made) == [
            (sell, 1_000, px("50.02")),
            (first, 1_000, px("50.02")),
            (sell, 600, px("50.02")),
            (second, 600, px("50.02")),
        ]

    def test_two_that_come_in_the_same_turn_meet(self) -> None:
        """The second meets what the first did not send; never more than that."""
        made = consenting()
        terms = (OrdType.LIMIT, px("50.02"), TimeInForce.DAY, "")
        for client, side in (("EMS", Side.BUY), ("OTHER", Side.SELL)):
            parent_id = made.router.next_parent_id()
            fact = ev.ParentSubmitted(
                made.now, parent_id, client, "A1", "ACME", side, 2_000, *terms
            )
            made.apply(fact)
        made.settle()
        assert [quantity for _, quantity, _ in crossed(made)] == [1_500, 1_500]
        assert sum(send.quantity for send in made.sends()) == 1_000

    def test_shares_that_come_back_from_a_venue_are_met(self) -> None:
        made = consenting()
        buy = made.submit("A1", 1_000)
        made.submit("B1", 2_000, **SELL)
        for send in list(made.sends()):
            made.accept(send.child_id)
        made.wait(SECOND)
        for cancel in list(made.cancels()):
            made.end(cancel.child_id)
        assert made.router.state.parents[buy].cum_quantity == 1_000
        assert not made.router.state.parents[buy].children

    def test_an_ioc_order_meets_and_what_is_left_of_it_ends(self) -> None:
        made = desk("EMS", "OTHER", strategy=replace(PRESET, use_dark=False))
        made.quote("ecn", [("50.00", 300)], [("50.04", 300)])
        made.submit("A1", 1_000, limit_micros=px("50.03"))
        sell = made.submit(
            "B1", 1_600, **{**SELL, "limit_micros": px("50.01")}, time_in_force=TimeInForce.IOC
        )
        parent = made.router.state.parents[sell]
        assert (parent.state, parent.cum_quantity) == (ParentState.CANCELED, 1_000)

    def test_the_reason_stands_in_the_decision(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.submit("B1", 4_000, **SELL)
        facts = [each for each in made.decisions if isinstance(each, de.ChildCrossed)]
        expected = "an opposite order of our own clients; the midpoint of 50 and 50.04"
        assert {fact.why.replace("50.00", "50") for fact in facts} == {expected}
        assert [fact.contra_id for fact in facts] == [fact.child_id for fact in reversed(facts)]


class TestNotMeeting:
    """Off by default, by consent, never at a price that is not one."""

    def nothing(self, made: Script) -> None:
        assert not crossed(made)
        assert all(isinstance(each, SendChild) for each in made.sends())

    @pytest.mark.parametrize("clients", [(), ("EMS",), ("OTHER",)])
    def test_without_the_consent_of_both(self, clients: tuple[str, ...]) -> None:
        made = desk(*clients)
        made.submit("A1", 10_000)
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_one_account_never_meets_itself(self) -> None:
        made = consenting()
        made.submit("A1", 10_000, account="X")
        made.submit("B1", 4_000, **{**SELL, "client": "EMS"}, account="X")
        assert not crossed(made)
        made.submit("C1", 4_000, **{**SELL, "client": "EMS"}, account="Y")
        assert crossed(made)

    @pytest.mark.parametrize(
        ("bid", "ask"), [([("50.04", 300)], [("50.04", 300)]), ([("50.05", 300)], [("50.04", 300)])]
    )
    def test_locked_or_crossed(
        self, bid: list[tuple[str, int]], ask: list[tuple[str, int]]
    ) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.quote("ecn", bid, ask)
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_one_side_missing(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.quote("ecn", [("50.00", 300)], [])
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_stale(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.now += 6 * SECOND  # no quote was confirmed for so long
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_halted_somewhere(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.step(ev.SymbolStatusChanged(made.now, "ecn", "ACME", True, "news"))
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)
        made.step(ev.SymbolStatusChanged(made.now, "ecn", "ACME", False, "resumed"))
        made.quote("ecn", [("50.00", 300)], [("50.04", 301)])
        made.wait(SECOND)

    @pytest.mark.parametrize("limits", [("50.01", "49.90"), ("50.10", "50.03")])
    def test_beyond_the_limit_of_either(self, limits: tuple[str, str]) -> None:
        made = consenting()
        made.submit("A1", 10_000, limit_micros=px(limits[0]))
        made.submit("B1", 4_000, **{**SELL, "limit_micros": px(limits[1])})
        assert not crossed(made)

    def test_beyond_a_price_band(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        band = (px("49.00"), px("50.01"))
        made.step(ev.SymbolStatusChanged(made.now, "ecn", "ACME", False, "bands", *band))
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_nothing_of_an_order_that_is_displayed_as_a_whole(self) -> None:
        """It is visited because of what it shows, and has nothing left."""
        made = desk("EMS", "OTHER", strategy=replace(LIT, lit_tactic=LitTactic.SPRAY))
        made.submit("A1", 100, limit_micros=px("50.03"))
        assert [send.quantity for send in made.sends()] == [100]
        made.submit("B1", 10_000, **REST)
        for ask in ("50.05", "50.04"):
            made.quote("ecn", [("50.00", 300)], [(ask, 300)])
            made.wait(SECOND)
        assert not crossed(made)

    def test_while_one_is_being_cancelled(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.cancel("A2", "A1")
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_when_the_kill_switch_is_on(self) -> None:
        made = consenting()
        made.submit("A1", 10_000)
        made.step(ev.KillSwitched(made.now, True, "drill"))
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)

    def test_with_another_symbol(self) -> None:
        made = consenting()
        made.submit("A1", 10_000, symbol="NOREF", limit_micros=px("50.10"))
        made.submit("B1", 4_000, **SELL)
        assert not crossed(made)


def line_of(made: Script, *, is_buy: bool) -> Line:
    """Who stands on one side; scheduling, and no part of the state."""
    return made.router._planner._crossings._lines["ACME", is_buy]


class TestManyInLine:
    """How many consent on the other side is no matter of the order that looks there."""

    def test_finished_orders_are_forgotten_where_flow_is_on_one_side_alone(self) -> None:
        made = desk("EMS", "OTHER", strategy=LIT)
        for number in range(10 * LEAST_PLACES):
            made.submit(f"A{number}", 1_000, limit_micros=px("49.00"))
            made.cancel(f"X{number}", f"A{number}")
        assert not made.router.state.open_parents
        assert len(line_of(made, is_buy=True)) <= LEAST_PLACES

    def test_a_place_is_kept_while_many_come_and_go_behind_it(self) -> None:
        made = desk("EMS", "OTHER", "THIRD", strategy=LIT)
        first = made.submit("A", 1_000, client="THIRD", limit_micros=px("50.03"))
        for number in range(3 * LEAST_PLACES):
            made.submit(f"A{number}", 1_000, limit_micros=px("49.00"))
            made.cancel(f"X{number}", f"A{number}")
        second = made.submit("B", 1_000, limit_micros=px("50.03"))
        made.submit("S", 2_000, **SELL)
        assert [each[0] for each in crossed(made)][1::2] == [first, second]

    def test_one_among_thousands_is_found_in_as_many_steps_as_the_tree_is_high(self) -> None:
        """Thousands want another price, each its own, or are the buyer's own."""
        steps = {}
        for crowd in (100, 10_000):
            made = crowded(crowd)
            found = made.submit("S", 700, **REST)
            line = line_of(made, is_buy=False)
            before = line.steps
            buy = made.submit("B", 1_000, account="X", limit_micros=px("50.03"))
            assert crossed(made) == [(buy, 700, px("50.02")), (found, 700, px("50.02"))]
            steps[crowd] = line.steps - before
            assert steps[crowd] <= 2 * 3 * len(line).bit_length()
        assert steps[10_000] <= 3 * steps[100]

    def test_of_thousands_that_can_be_met_as_many_are_looked_at_as_are_met(self) -> None:
        made = desk("EMS", "OTHER", strategy=LIT)
        flood(made, [{**REST, "cl_ord_id": f"S{number}"} for number in range(2_000)])
        line = line_of(made, is_buy=False)
        before = line.steps
        made.submit("B", 1_000 * (CROSSES_MAX + 3), limit_micros=px("50.03"))
        met = len(crossed(made)) // 2
        assert met == CROSSES_MAX + 3
        assert line.steps - before <= met * 3 * len(line).bit_length()


def crowded(crowd: int) -> Script:
    """Sells that an order of EMS, account X, cannot meet."""
    made = desk("EMS", "OTHER", strategy=LIT)
    terms = list[dict[str, Any]]()
    for number in range(crowd):
        if number % 2:
            changes: dict[str, Any] = {"limit_micros": px("50.03") + number // 2 * 10_000}
        else:
            changes = {"client": "EMS", "account": "X"}
        terms.append({**REST, **changes, "cl_ord_id": f"S{number}"})
    flood(made, terms)
    return made


def flood(made: Script, terms: list[dict[str, Any]]) -> None:
    """Orders of 1,000, many at a time."""
    for number, changes in enumerate(terms, 1):
        fact = ev.ParentSubmitted(
            made.now,
            made.router.next_parent_id(),
            *("EMS", "", "ACME", Side.SELL, 1_000, OrdType.LIMIT, None, TimeInForce.DAY, ""),
        )
        made.apply(replace(fact, **changes))
        if number % 50 == 0:
            made.settle()
    made.settle()
