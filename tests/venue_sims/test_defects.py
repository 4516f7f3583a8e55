"""D1 to D12 of the decisions: what well-known simulated venues get wrong, held against ours, in
both versions of FIX, over the venue machine."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import price_to_text
from tests.venue_sims.helpers import SOR
from tests.venue_sims.wire import CENT, SELL, Fix, Wire, said, still
from venue_sims.market_data import Publisher
from venue_sims.matching.orders import Side

OTHER = "OTHER-FIX.4.4"


@pytest.fixture(params=[FIX42, FIX44], ids=["4.2", "4.4"])
def wire(request: pytest.FixtureRequest) -> Wire:
    dialect: Dialect = request.param
    return Wire(still("exchange"), dialect)


def fills(reports: list[Fix]) -> list[Fix]:
    return [report for report in reports if report[35] == "8" and 32 in report]


def inside(wire: Wire) -> int:
    """A price at which nobody stands."""
    return wire.bid + CENT


class TestD1TradesAtTheRestingPrice:
    def test_a_buyer_that_rested_pays_its_own_price(self, wire: Wire) -> None:
        wire.order("B1", inside(wire))
        (fill,) = fills(wire.order("S1", wire.bid - 5 * CENT, {54: SELL}, OTHER))
        assert fill[31] == price_to_text(inside(wire))

    def test_a_seller_that_rested_gets_its_own_price(self, wire: Wire) -> None:
        wire.order("S1", inside(wire), {54: SELL})
        (fill,) = fills(wire.order("B1", wire.ask + 5 * CENT, {}, OTHER))
        assert fill[31] == price_to_text(inside(wire))


class TestD2AFailedCancelIsAnswered:
    def test_of_an_order_that_never_was(self, wire: Wire) -> None:
        wire.send("F", "X1", {41: "NONE"})
        assert said(wire.settle(), 35, 11, 41, 434, 102) == [("9", "X1", "NONE", "1", "1")]

    def test_of_somebody_elses_order(self, wire: Wire) -> None:
        wire.order("B1", wire.bid, {}, OTHER)
        wire.send("F", "X1", {41: "B1"})
        assert said(wire.settle(), 35, 41, 102) == [("9", "B1", "1")]


class TestD3AndD5ACancelIsAcknowledgedUnderBothIds:
    def test_the_requests_own_id_and_the_orders(self, wire: Wire) -> None:
        wire.order("B1", wire.bid)
        wire.send("F", "X1", {41: "B1"})
        assert said(wire.settle(), 35, 150, 39, 11, 41, 151) == [("8", "4", "4", "X1", "B1", "0")]

    def test_of_a_replace_too(self, wire: Wire) -> None:
        wire.order("B1", wire.bid)
        assert said(wire.replace("G1", "B1", wire.bid - CENT), 150, 11, 41) == [("5", "G1", "B1")]


class TestD4OrderIdsAreTheVenues:
    def test_unique_over_clients_that_use_the_same_id(self, wire: Wire) -> None:
        (mine,) = wire.order("A", wire.bid)
        wire.order("A", wire.bid, {}, OTHER)
        theirs = wire.desk.venue.state.order_meant(OTHER, "A")
        assert theirs is not None
        assert len({mine[37], theirs.order_id, "A"}) == 3

    def test_stay_over_replaces(self, wire: Wire) -> None:
        (new,) = wire.order("A", wire.bid)
        (replaced,) = wire.replace("B", "A", wire.bid - CENT)
        assert new[37] == replaced[37]


class TestD6Replaces:
    def test_change_price_and_quantity(self, wire: Wire) -> None:
        wire.order("B1", wire.bid)
        (replaced,) = wire.replace("G1", "B1", inside(wire), {38: 300})
        assert said([replaced], 150, 39, 38, 44, 151) == [
            ("5", "0", "300", price_to_text(inside(wire)), "300")
        ]
        assert wire.depth(Side.BUY)[0][:2] == (inside(wire), 300)

    def test_keep_priority_only_when_they_shrink(self, wire: Wire) -> None:
        """Golden: two orders at a price; the first shrinks and stays first, grows and is last."""
        for name in ("A", "B"):
            wire.order(name, inside(wire), {38: 300})
        wire.replace("A2", "A", inside(wire), {38: 200})
        (fill,) = fills(wire.order("S1", inside(wire), {54: SELL, 38: 100}, OTHER))
        assert fill[11] == "A2"
        wire.replace("A3", "A2", inside(wire), {38: 500})
        (fill,) = fills(wire.order("S2", inside(wire), {54: SELL, 38: 100}, OTHER))
        assert fill[11] == "B"


class TestD7MoreThanLimitAndDay:
    def test_market(self, wire: Wire) -> None:
        reports = wire.order("M1", fields={40: "1"})
        assert said(reports, 150)[0] == ("0",)
        assert said(reports[-1:], 39, 40) == [("2", "1")]

    def test_immediate_or_cancel(self, wire: Wire) -> None:
        there = wire.depth(Side.SELL)[0][1]
        reports = wire.order("I1", wire.ask, {38: there + 100, 59: 3})
        assert said(reports[-1:], 39, 14, 59) == [("4", str(there), "3")]

    def test_fill_or_kill(self, wire: Wire) -> None:
        there = wire.depth(Side.SELL)[0][1]
        reports = wire.order("K1", wire.ask, {38: there + 100, 59: 4})
        assert said(reports, 150, 14) == [("0", "0"), ("4", "0")]
        assert wire.depth(Side.SELL)[0][1] == there


class TestD8MarketDataRequestsAreAnswered:
    def ask(self, wire: Wire, depth: int, symbol: str) -> list[tuple[str, list[tuple[int, str]]]]:
        venue = wire.desk.venue

        def book(name: str, side: Side, levels: int) -> list[tuple[int, int, int]]:
            return venue.floors[name].matcher.depth(side, levels)

        publisher = Publisher(list(venue.floors), depth, book)
        body = [(262, "R1"), (263, "1"), (264, "5"), (265, "1"), (267, "2"), (269, "0"), (269, "1")]
        return publisher.request(Message("V", [*body, (146, "1"), (55, symbol)]), wire.desk.now)

    def test_with_the_book(self, wire: Wire) -> None:
        ((kind, body),) = self.ask(wire, 10, "ACME")
        assert (kind, dict(body)[262]) == ("W", "R1")
        assert price_to_text(wire.bid) in [value for tag, value in body if tag == 270]

    @pytest.mark.parametrize(("depth", "symbol"), [(10, "NONE"), (0, "ACME")])
    def test_or_with_a_refusal(self, wire: Wire, depth: int, symbol: str) -> None:
        ((kind, body),) = self.ask(wire, depth, symbol)
        assert kind == "Y"
        assert {262, 281} <= set(dict(body))


class TestD9DuplicatesAreRefused:
    def test_whatever_became_of_the_first(self, wire: Wire) -> None:
        wire.order("A", wire.bid)
        (again,) = wire.order("A", wire.bid)
        assert said([again], 150, 39, 103, 37) == [("8", "8", "6", "NONE")]
        wire.send("F", "X1", {41: "A"})
        wire.settle()
        assert said(wire.order("A", wire.bid), 150, 103) == [("8", "6")]

    def test_ids_of_requests_count(self, wire: Wire) -> None:
        wire.order("A", wire.bid)
        wire.replace("G1", "A", wire.bid - CENT)
        assert said(wire.order("G1", wire.bid), 150, 103) == [("8", "6")]


class TestD10ToD12RequestsThatRace:
    def test_a_fill_that_overtakes_a_cancel_goes_by_the_orders_own_id(self, wire: Wire) -> None:
        wire.order("B1", inside(wire), {38: 300})
        wire.send("D", "S1", {44: price_to_text(inside(wire)), 38: 100, 54: SELL}, OTHER)
        self.wait_for_the_trade(wire, "B1")
        wire.send("F", "X1", {41: "B1"})
        fill, canceled = wire.settle()
        assert said([fill, canceled], 150, 11, 41, 14) == [
            (wire.dialect.exec_type_of_fill(complete=False), "B1", None, "100"),
            ("4", "X1", "B1", "100"),
        ]

    @pytest.mark.parametrize(("kind", "response_to"), [("F", "1"), ("G", "2")])
    def test_a_request_that_loses_is_answered_after_the_fill(
        self, wire: Wire, kind: str, response_to: str
    ) -> None:
        """Golden: the fill first, under the order's own id, then 9 with 102=0."""
        wire.order("B1", inside(wire))
        wire.send("D", "S1", {44: price_to_text(inside(wire)), 54: SELL}, OTHER)
        self.wait_for_the_trade(wire, "B1")
        wire.send(kind, "X1", {41: "B1", 44: price_to_text(wire.bid), 38: 200})
        fill, refused = wire.settle()
        assert said([fill], 35, 11, 39, 151) == [("8", "B1", "2", "0")]
        assert said([refused], 35, 11, 41, 434, 102, 39) == [
            ("9", "X1", "B1", response_to, "0", "2")
        ]

    def test_each_request_gets_one_answer_and_nothing_stays_pending(self, wire: Wire) -> None:
        wire.order("B1", wire.bid, {38: 300})
        for kind, name, orig in (
            ("G", "G1", "B1"),
            ("F", "X1", "B1"),
            ("G", "G2", "G1"),
            ("F", "X2", "G2"),
            ("F", "X3", "G2"),
            ("G", "G3", "G2"),
        ):
            wire.send(kind, name, {41: orig, 44: price_to_text(wire.bid), 38: 200})
        answers = wire.settle()
        assert said(answers, 35, 11) == [
            ("8", "G1"),
            ("9", "X1"),
            ("8", "G2"),
            ("8", "X2"),
            ("9", "X3"),
            ("9", "G3"),
        ]
        assert not {"6", "E", "A"} & {report[39] for report in answers}
        wire.send("H", "G2", {})
        assert said(wire.settle(), 39, 151) == [("4", "0")]

    def wait_for_the_trade(self, wire: Wire, cl_ord_id: str) -> None:
        """Until it has happened at the venue, and its report is still on the way."""
        order = wire.desk.venue.state.order_meant(SOR, cl_ord_id)
        assert order is not None
        while not order.cum_quantity:
            wire.desk.now += 100_000
            wire.desk.venue.advance(wire.desk.now)
        assert wire.desk.venue.due_report(SOR, wire.desk.now) is None
