"""Mass cancels (q, r) from message to message: what they mean, what is left alone, what is refused
(venues.md 4.2). FIX 4.2 has none; test_translate.py says how it is told so."""

from __future__ import annotations

import pytest

from tests.venue_sims.wire import CENT, SELL, Fix, Wire, said, still
from venue_sims.words import Phase

OTHER = "OTHER-FIX.4.4"
TIME = "20260105-10:00:00"


@pytest.fixture
def wire() -> Wire:
    """Two buys and a sell of ACME, a buy of BOLT, and somebody else's buy of ACME."""
    wire = Wire(still("exchange"))
    wire.order("A1", wire.bid)
    wire.order("A2", wire.bid - CENT)
    wire.order("A3", wire.ask, {54: SELL})
    wire.order("B1", 100 * 1_000_000, {55: "BOLT"})
    wire.order("A1", wire.bid, session=OTHER)
    return wire


def mass_cancel(wire: Wire, **more: object) -> list[Fix]:
    """Ask, and what comes back; `more` are tags such as t530="7"."""
    fields = {int(name[1:]): value for name, value in more.items()}
    wire.send_exactly("q", {11: "Q1", 60: TIME, **fields})
    return wire.settle()


class TestScope:
    def test_a_symbol(self, wire: Wire) -> None:
        report, *canceled = mass_cancel(wire, t530="1", t55="ACME")
        assert said([report], 35, 11, 530, 531, 533, 534, 55) == [
            ("r", "Q1", "1", "1", "3", "3", "ACME")
        ]
        assert said(canceled, 35, 150, 39, 11, 151) == [
            ("8", "4", "4", name, "0") for name in ("A1", "A2", "A3")
        ]

    def test_everything(self, wire: Wire) -> None:
        report, *canceled = mass_cancel(wire, t530="7")
        assert said([report], 530, 531, 533) == [("7", "7", "4")]
        assert [each[11] for each in canceled] == ["A1", "A2", "A3", "B1"]
        live = wire.desk.venue.state.live_orders()
        assert [order.session for order in live] == [OTHER]

    def test_one_side(self, wire: Wire) -> None:
        report, *canceled = mass_cancel(wire, t530="7", t54=SELL)
        assert report[533] == "1"
        assert said(canceled, 11, 54) == [("A3", SELL)]

    def test_nothing_there_is_nothing_wrong(self, wire: Wire) -> None:
        (report,) = mass_cancel(wire, t530="1", t55="CRUX")
        assert said([report], 531, 532, 533) == [("1", None, "0")]


class TestRefusals:
    def test_a_symbol_that_does_not_trade_here(self, wire: Wire) -> None:
        (report,) = mass_cancel(wire, t530="1", t55="NONE")
        assert said([report], 531, 532, 533) == [("0", "1", "0")]

    def test_a_scope_that_the_venue_does_not_have(self, wire: Wire) -> None:
        (report,) = mass_cancel(wire, t530="3")
        assert said([report], 530, 531, 532, 533) == [("3", "0", "0", "0")]
        assert len(wire.desk.venue.state.live_orders()) == 5


class TestWhenever:
    def test_in_a_halt_and_beyond_the_throttle(self, wire: Wire) -> None:
        wire.desk.venue.throttle.settings.msgs = 1
        wire.desk.venue.halt("ACME", "news", wire.desk.now)
        report, *canceled = mass_cancel(wire, t530="1", t55="ACME")
        assert (report[533], len(canceled)) == ("3", 3)

    def test_after_the_close_there_is_nothing_left_to_cancel(self, wire: Wire) -> None:
        wire.desk.venue.enter_phase(Phase.CLOSED, wire.desk.now)
        wire.settle()
        (report,) = mass_cancel(wire, t530="7")
        assert report[533] == "0"

    def test_a_fill_on_its_way_comes_before_the_answer(self, wire: Wire) -> None:
        wire.send("D", "S1", {44: "40", 38: 5_000_00, 54: SELL}, OTHER)
        order = wire.desk.venue.state.order_meant("SOR-FIX.4.4", "A1")
        assert order is not None
        while not order.cum_quantity:
            wire.desk.now += 100_000
            wire.desk.venue.advance(wire.desk.now)
        reports = mass_cancel(wire, t530="1", t55="ACME")
        kinds = [report[35] for report in reports]
        assert kinds.index("r") == len(kinds) - 1 - int(reports[kinds.index("r")][533])
        assert [report[150] for report in reports[: kinds.index("r")]] == ["F", "F"]

    def test_a_client_order_id_that_was_used_is_not_taken_from_its_order(self, wire: Wire) -> None:
        wire.send_exactly("q", {11: "B1", 60: TIME, 530: "1", 55: "CRUX"})
        wire.settle()
        wire.send("F", "X1", {41: "B1", 55: "BOLT"})
        assert said(wire.settle(), 150, 41) == [("4", "B1")]
