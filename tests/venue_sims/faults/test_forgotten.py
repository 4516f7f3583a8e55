"""Faults whose order, trade or report is gone by the time they come back to it."""

from __future__ import annotations

from tests.venue_sims.faults.helpers import assert_fold_is_memory, faulty, reports
from tests.venue_sims.helpers import SECOND, SOR
from tests.venue_sims.wire import CENT, SELL, Wire, said, still
from venue_sims.facts import Executed
from venue_sims.faults.facts import Lost, MemoryLost, Reset
from venue_sims.faults.forget import forget, untold
from venue_sims.faults.trades import bust, correct
from venue_sims.words import Phase


def days(wire: Wire, count: int) -> None:
    """So many trading days pass in no time."""
    for _ in range(count):
        wire.desk.venue.enter_phase(Phase.CLOSED, wire.desk.now)
        wire.desk.venue.enter_phase(Phase.OPEN, wire.desk.now)


def test_a_late_fill_of_a_forgotten_order_never_comes() -> None:
    wire = faulty({"late_fill": {"after_cxl_ms": 5_000}, "unsol_cancel": {"ms": 60_000}})
    wire.order("C1", wire.bid - CENT)
    wire.order("C2", wire.bid - CENT)
    wire.send("F", "X1", {41: "C1"})
    wire.settle(1)
    days(wire, 2)
    told = wire.settle(100)
    assert [each for each in reports(told) if each.get(150) == "F"] == []
    assert wire.desk.venue.state.orders == {}
    assert_fold_is_memory(wire)


def test_an_ack_that_is_lost_may_be_two_days_old() -> None:
    wire = faulty({"no_ack": {"lose": "ack"}})
    wire.send("D", "C1", {44: "40.00"})
    wire.desk.now += SECOND
    wire.desk.venue.advance(wire.desk.now)
    wire.desk.facts += wire.desk.venue.take_facts()
    days(wire, 2)
    assert said(wire.settle(), 11, 150) == [("C1", "C")], "the ack is lost, the expiry is told"


def told_nothing(wire: Wire) -> str:
    """A trade whose report waits; its ExecID."""
    wire.send("D", "C1", {44: "60.00"})
    wire.desk.now += SECOND
    wire.desk.venue.advance(wire.desk.now)
    return next(iter(wire.desk.venue.state.faults.trades))


def restart(wire: Wire) -> None:
    state = wire.desk.venue.state
    undone = untold(state, Lost.ORDERS)
    forget(state, {}, MemoryLost(wire.desk.now, 0, Lost.ORDERS, Reset.NONE, undone=undone))


def test_a_trade_that_was_taken_back_before_anybody_knew_is_not_undone_twice() -> None:
    wire = Wire(still("exchange"))
    exec_id = told_nothing(wire)
    assert bust(wire.desk.venue, exec_id, wire.desk.now)
    assert not bust(wire.desk.venue, exec_id, wire.desk.now), "once is enough"
    restart(wire)
    ledger = wire.desk.venue.state.client(SOR).ledger
    assert (ledger.executions, ledger.shares, ledger.value_micros, ledger.fees_micros) == (0,) * 4


def test_a_trade_that_was_corrected_before_anybody_knew_is_undone_as_it_is() -> None:
    wire = Wire(still("exchange"))
    exec_id = told_nothing(wire)
    venue, now = wire.desk.venue, wire.desk.now
    assert correct(venue, exec_id, 60, wire.ask + CENT, now)
    (by_its_new_id,) = venue.state.faults.trades
    assert not correct(venue, exec_id, 50, wire.ask, now), "it goes by another id now"
    assert correct(venue, by_its_new_id, 40, wire.ask, now)
    restart(wire)
    ledger = venue.state.client(SOR).ledger
    assert (ledger.executions, ledger.shares, ledger.value_micros, ledger.fees_micros) == (0,) * 4


class TestBustInAHalt:
    def pair(self) -> tuple[Wire, str]:
        """A buyer of 100 who was left with 80 after a fill, and a seller who wants no less than
        100: a bust makes them fit each other."""
        wire = Wire(still("dark-b"))
        wire.order("B1", wire.ask, {110: 20})
        wire.order("S1", wire.bid, {54: SELL, 38: 20, 59: "3"})
        trades = wire.desk.venue.state.faults.trades
        exec_id = next(key for key, trade in trades.items() if trade.quantity == 20)
        state = wire.desk.venue.state
        mine = next(
            k for k, t in trades.items() if state.orders[t.order_id].terms.cl_ord_id == "B1"
        )
        assert exec_id
        wire.order("S2", wire.bid, {54: SELL, 110: 100})
        assert state.order_meant(SOR, "S2").live  # type: ignore[union-attr]
        return wire, mine

    def test_nothing_trades(self) -> None:
        wire, exec_id = self.pair()
        venue = wire.desk.venue
        venue.halt("ACME", "news", wire.desk.now)
        wire.settle()
        wire.desk.facts = []
        assert bust(venue, exec_id, wire.desk.now)
        wire.settle(10)
        assert not any(isinstance(fact, Executed) for fact in wire.desk.facts)
        order = venue.state.order_meant(SOR, "B1")
        assert order is not None
        assert venue.floors["ACME"].matcher.orders[order.order_id].quantity == order.leaves == 100
        venue.resume("ACME", wire.desk.now)

    def test_where_it_trades_they_meet(self) -> None:
        wire, exec_id = self.pair()
        assert bust(wire.desk.venue, exec_id, wire.desk.now)
        assert [each[39] for each in wire.settle() if each.get(150) == "F"] == ["2", "2"]

    def test_a_lit_order_keeps_its_price(self) -> None:
        wire = Wire(still("exchange"))
        wire.order("B1", wire.ask - CENT, {38: 300})
        wire.order("S1", wire.ask - CENT, {54: SELL, 38: 100, 59: "3"})
        state = wire.desk.venue.state
        mine = next(
            key
            for key, trade in state.faults.trades.items()
            if state.orders[trade.order_id].terms.cl_ord_id == "B1"
        )
        wire.desk.venue.halt("ACME", "news", wire.desk.now)
        assert bust(wire.desk.venue, mine, wire.desk.now)
        order = state.order_meant(SOR, "B1")
        assert order is not None
        resting = wire.floor.matcher.orders[order.order_id]
        assert (resting.quantity, resting.working) == (300, wire.ask - CENT)
