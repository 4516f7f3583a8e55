"""Reading a venue's own journal: orders, executions, and what was displayed at each instant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sor_gateway.demo.venue_record import COMMANDS, VenueRecord, fold, read
from sor_gateway.journal.record import FactCodec, Record
from sor_gateway.journal.segments import Journal
from venue_sims import commands, facts
from venue_sims.commands import OrderReceived, Terms
from venue_sims.facts import Executed, OrderAccepted
from venue_sims.matching.orders import Lifetime
from venue_sims.words import Capacity, Liquidity, OrdType

Fact = tuple[str, dict[str, Any]]


class Story:
    """Facts of one venue, written as they would be."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.count = 0

    def order(
        self,
        at: int,
        quantity: int,
        hidden: bool = False,
        lifetime: str = "day",
        session: str = "S",
    ) -> str:
        self.count += 1
        order_id = f"V{self.count}"
        terms = {
            "cl_ord_id": f"C{self.count}",
            "symbol": "ACME",
            "quantity": quantity,
            "hidden": hidden,
            "lifetime": lifetime,
        }
        self.add("OrderReceived", session=session, terms=terms)
        self.add("OrderAccepted", at_ns=at, session=session, order_id=order_id)
        return order_id

    def fill(self, at: int, order_id: str, quantity: int, price: int = 50, fee: int = 1) -> None:
        exec_id = f"E{len(self.facts)}"
        self.add(
            "Executed",
            at_ns=at,
            order_id=order_id,
            exec_id=exec_id,
            quantity=quantity,
            price=price,
            fee_micros=fee,
        )

    def add(self, name: str, **body: Any) -> None:
        self.facts.append((name, body))

    def read(self, lit: bool = True) -> VenueRecord:
        return fold(self.facts, lit)


class TestOrders:
    def test_fills_and_the_end_belong_to_their_order(self) -> None:
        story = Story()
        first, second = story.order(10, 500), story.order(11, 300)
        story.fill(20, first, 200)
        story.fill(30, first, 300)
        story.add("OrderCanceled", at_ns=40, order_id=second)
        record = story.read()
        assert (record.orders[first].filled, record.orders[first].ended_ns) == (500, 30)
        assert (record.orders[second].filled, record.orders[second].ended_ns) == (0, 40)
        assert [each.quantity for each in record.executions] == [200, 300]

    def test_a_rejected_order_is_none(self) -> None:
        story = Story()
        story.add("OrderReceived", session="S", terms={"cl_ord_id": "C0"})
        story.add("OrderRejected", at_ns=5, session="S", order_id="V0")
        order_id = story.order(10, 100)
        record = story.read()
        assert list(record.orders) == [order_id]
        assert record.orders[order_id].cl_ord_id == "C1"
        assert record.rejected == 1

    def test_each_session_is_answered_in_its_own_order(self) -> None:
        story = Story()
        story.add("OrderReceived", session="T", terms={"cl_ord_id": "other"})
        order_id = story.order(10, 100, session="S")
        story.add("CancelReceived", session="S")
        story.add("CancelAccepted", at_ns=12, session="S", order_id=order_id)
        story.add("OrderRejected", at_ns=13, session="T", order_id="V9")
        record = story.read()
        assert record.orders[order_id].cl_ord_id == "C1"
        assert record.orders[order_id].ended_ns == 12

    def test_refusals_statuses_and_mass_cancels_answer_too(self) -> None:
        story = Story()
        one, two = story.order(1, 100), story.order(2, 100)
        for command, answer in (
            ("CancelReceived", {"order_id": ""}),
            ("StatusReceived", {"order_id": one}),
        ):
            story.add(command, session="S")
            name = "RequestRefused" if command == "CancelReceived" else "StatusAnswered"
            story.add(name, at_ns=3, session="S", **answer)
        story.add("MassCancelReceived", session="S")
        story.add("MassCanceled", at_ns=4, session="S", order_ids=[one, two])
        record = story.read()
        assert [order.ended_ns for order in record.orders.values()] == [4, 4]
        assert record.shown_max == 200


class TestWhatFaultsDo:
    def test_a_trade_is_corrected_and_then_taken_back(self) -> None:
        story = Story()
        order_id = story.order(1, 500)
        story.fill(2, order_id, 200)
        story.fill(3, order_id, 100)
        story.add(
            "TradeCorrected",
            at_ns=4,
            exec_id="G1",
            ref_exec_id="E2",
            quantity=150,
            price=49,
            fee_micros=7,
        )
        record = story.read()
        (one, _) = record.executions
        assert (one.quantity, one.price_micros, one.fee_micros) == (150, 49, 7)
        assert record.orders[order_id].filled == 250
        story.add("TradeBusted", at_ns=5, exec_id="H1", ref_exec_id="G1")
        assert [each.quantity for each in story.read().executions] == [100]

    def test_an_order_that_is_over_trades(self) -> None:
        story = Story()
        order_id = story.order(1, 500)
        story.add("OrderCanceled", at_ns=2, order_id=order_id)
        story.fill(3, order_id, 500)
        story.facts[-1] = ("LateExecuted", story.facts[-1][1])
        record = story.read()
        assert record.orders[order_id].filled == 500
        assert record.shown_max == 500

    def test_requests_that_were_held_are_answered_behind_others(self) -> None:
        story = Story()
        one, two = story.order(1, 100), story.order(2, 100)
        story.add("CancelReceived", session="S")
        story.add("CommandHeld", at_ns=3, session="S", order_id=one, until_ns=9)
        story.add("CancelReceived", session="S")
        story.add("CancelAccepted", at_ns=4, session="S", order_id=two)
        story.add("CommandReturned", at_ns=9)
        story.add("CancelAccepted", at_ns=9, session="S", order_id=one)
        assert [order.ended_ns for order in story.read().orders.values()] == [9, 4]

    def test_an_order_that_is_pending_is_not_displayed(self) -> None:
        story = Story()
        order_id = story.order(1, 100)
        story.facts[-1] = ("OrderHeld", story.facts[-1][1])
        assert story.read().shown_max == 0
        story.add("OrderActivated", at_ns=5, order_id=order_id)
        record = story.read()
        assert (record.shown_max, record.shown_max_ns) == (100, 5)

    def test_what_was_swallowed_or_forgotten_never_was(self) -> None:
        story = Story()
        story.add("OrderReceived", session="S", terms={})
        story.add("CommandSwallowed", at_ns=1, session="S")
        order_id = story.order(2, 300)
        story.fill(3, order_id, 100)
        story.add("OrderReceived", session="S", terms={})
        undone = [story.facts[-2][1]["exec_id"]]
        story.add("MemoryLost", at_ns=4, lose="orders", undone=undone)
        after = story.order(5, 50)
        record = story.read()
        assert list(record.executions) == []
        assert record.orders[order_id].ended_ns == 4
        assert record.orders[after].shown == 50


class TestWhatIsDisplayed:
    def test_is_the_most_of_all_orders_at_any_instant(self) -> None:
        story = Story()
        first = story.order(10, 500)
        story.fill(20, first, 500)
        second = story.order(30, 300)
        story.order(31, 100)
        story.fill(40, second, 300)
        record = story.read()
        assert (record.shown_max, record.shown_max_ns) == (500, 10)

    def test_two_orders_side_by_side_add_up(self) -> None:
        story = Story()
        first = story.order(10, 500)
        story.fill(15, first, 499)
        story.order(20, 500)
        assert story.read().shown_max == 501

    def test_an_order_that_executes_as_it_arrives_was_never_displayed(self) -> None:
        story = Story()
        story.fill(10, story.order(10, 5_000), 5_000)
        rest = story.order(20, 800)
        story.fill(20, rest, 600)
        assert story.read().shown_max == 200

    def test_a_replenishment_in_the_instant_of_the_fill_is_one_event(self) -> None:
        story = Story()
        first = story.order(10, 500)
        story.fill(20, first, 500)
        story.order(20, 500)
        assert story.read().shown_max == 500

    def test_neither_hidden_nor_immediate_nor_dark_orders_count(self) -> None:
        story = Story()
        story.order(10, 500, hidden=True)
        story.order(11, 500, lifetime="ioc")
        story.order(12, 500, lifetime="fok")
        assert story.read().shown_max == 0
        story.order(13, 400)
        assert story.read().shown_max == 400
        assert story.read(lit=False).shown_max == 0

    def test_new_terms_count_from_their_instant(self) -> None:
        story = Story()
        order_id = story.order(10, 500)
        story.add("ReplaceReceived", session="S")
        story.add("Replaced", at_ns=20, session="S", order_id=order_id, terms={"quantity": 900})
        story.fill(30, order_id, 100)
        assert story.read().shown_max == 900

    def test_the_last_instant_counts(self) -> None:
        story = Story()
        story.order(10, 500)
        assert story.read().shown_max == 500


def test_it_knows_every_command_that_a_venue_answers() -> None:
    assert {kind.__name__ for kind in commands.COMMANDS} == COMMANDS


def test_it_reads_what_a_venue_writes(tmp_path: Path) -> None:
    """The real facts through the real journal: names and fields are those that are read."""
    codec = FactCodec(facts.FACTS)
    terms = Terms("C1", "ACME", Capacity.SELL, OrdType.LIMIT, 500, 50_000_000, Lifetime.DAY)
    written = [
        OrderReceived("S", 1, terms, due_ns=2),
        OrderAccepted(2, 3, "S", "V1"),
        Executed(4, 5, "V1", "E1", 200, 50_000_000, Liquidity.ADDED, -400),
    ]
    journal = Journal.open(tmp_path, boot_id="boot", reserve_bytes=0)
    journal.append(Record(1, 4, [], [codec.encode(fact) for fact in written]))
    journal.close()
    record = read(tmp_path, lit=True)
    [order] = record.orders.values()
    assert (order.cl_ord_id, order.filled, record.shown_max) == ("C1", 200, 500)
    [execution] = record.executions
    assert (execution.price_micros, execution.fee_micros) == (50_000_000, -400)
