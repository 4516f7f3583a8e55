"""Faults of what a venue decides and says, in both versions of FIX, over the venue machine."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.values import price_to_text
from tests.venue_sims.faults.helpers import (
    assert_fold_is_memory,
    faulty,
    fills,
    reports,
    struck,
)
from tests.venue_sims.wire import CENT, SELL, Fix, Wire, said
from venue_sims.matching.orders import Side


@pytest.fixture(params=[FIX42, FIX44], ids=["4.2", "4.4"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    version: Dialect = request.param
    return version


def take(wire: Wire, cl_ord_id: str = "C1", quantity: int = 100) -> list[Fix]:
    """Buy from the house."""
    return wire.order(cl_ord_id, wire.ask + 5 * CENT, {38: quantity, 59: "3"})


def rest(wire: Wire, cl_ord_id: str = "C1", quantity: int = 100) -> list[Fix]:
    """Bid where nobody sells."""
    return wire.order(cl_ord_id, wire.bid - 5 * CENT, {38: quantity})


def status(wire: Wire, cl_ord_id: str) -> list[Fix]:
    wire.send("H", cl_ord_id, {})
    return wire.settle()


class TestF3DupEr:
    def test_a_fill_comes_again_as_it_was(self, dialect: Dialect) -> None:
        wire = faulty({"dup_er": {"n": 2}}, dialect)
        first, *copies = fills(take(wire))
        assert copies == [first, first]
        assert struck(wire, "dup_er") == 1
        assert_fold_is_memory(wire)

    def test_or_under_another_exec_id(self, dialect: Dialect) -> None:
        wire = faulty({"dup_er": {"same_exec_id": False}}, dialect)
        first, copy = fills(take(wire))
        assert first[17] != copy[17]
        assert {**copy, 17: first[17]} == first


class TestF4Reorder:
    def test_the_fill_comes_before_the_acknowledgement(self, dialect: Dialect) -> None:
        wire = faulty({"reorder": {"kind": "ack"}}, dialect)
        fill, new = reports(take(wire))
        assert (fill[39], new[39], new[150]) == ("2", "0", "0")
        assert (fill[14], new[14]) == ("100", "0")
        assert_fold_is_memory(wire)

    def test_what_nothing_follows_comes_late(self) -> None:
        wire = faulty({"reorder": {"ms": 3_000}})
        assert rest(wire) == []
        assert said(wire.settle(3.0), 150) == [("0",)]
        assert_fold_is_memory(wire)


class TestF5LateFill:
    def test_a_cancelled_order_trades(self, dialect: Dialect) -> None:
        wire = faulty({"late_fill": {"after_cxl_ms": 2_000, "quantity": 60}}, dialect)
        rest(wire)
        wire.send("F", "X1", {41: "C1"})
        (canceled,) = wire.settle()
        (late,) = wire.settle(2.0)
        assert (canceled[39], canceled[14]) == ("4", "0")
        assert (late[39], late[14], late[151], late[32]) == ("4", "60", "0", "60")
        assert late[31] == price_to_text(wire.bid - 5 * CENT)
        assert late[11] == "C1"
        assert wire.desk.venue.state.clients["SOR-FIX.4.4"].ledger.shares == 60
        assert_fold_is_memory(wire)


class TestF6BustAndCorrect:
    def test_a_bust_names_the_trade_and_takes_it_back(self, dialect: Dialect) -> None:
        wire = faulty({"bust": {"delay_s": 2}}, dialect)
        (fill,) = fills(take(wire))
        (bust,) = wire.settle(2.0)
        assert bust[19] == fill[17]
        assert bust[17] != fill[17]
        assert (bust[39], bust[14], bust[151], bust[32]) == ("4", "0", "0", "100")
        kind = (bust.get(20), bust[150])
        assert kind == (("1", "4") if dialect is FIX42 else (None, "H"))
        ledger = wire.desk.venue.state.clients["SOR-FIX.4.4"].ledger
        assert (ledger.executions, ledger.shares, ledger.fees_micros) == (0, 0, 0)
        assert_fold_is_memory(wire)

    def test_what_a_live_order_loses_it_may_trade_again(self) -> None:
        wire = faulty({"bust": {"delay_s": 2, "count": 1}})
        shown = sum(quantity for _, quantity, _ in wire.depth(Side.SELL)[:1])
        (fill, *_) = fills(wire.order("C1", wire.ask, {38: shown + 500}))
        (bust,) = wire.settle(2.0)
        order = wire.desk.venue.state.order_meant("SOR-FIX.4.4", "C1")
        assert order is not None
        assert order.live
        assert int(bust[151]) + int(bust[14]) == shown + 500
        assert wire.floor.matcher.orders[order.order_id].quantity == int(bust[151])
        assert int(fill[32]) == int(bust[32])
        assert_fold_is_memory(wire)

    def test_a_correction_names_the_trade_and_says_what_is_right(self, dialect: Dialect) -> None:
        wire = faulty({"correct": {"delay_s": 2, "ticks": 3, "fewer": 40}}, dialect)
        (fill,) = fills(take(wire))
        (corrected,) = wire.settle(2.0)
        assert corrected[19] == fill[17]
        assert (corrected[39], corrected[14], corrected[32]) == ("4", "60", "60")
        assert Decimal(corrected[31]) - Decimal(fill[31]) == Decimal("0.03")
        kind = (corrected.get(20), corrected[150])
        assert kind == (("2", "4") if dialect is FIX42 else (None, "G"))
        assert_fold_is_memory(wire)


class TestF7UnsolCancel:
    def test_an_order_goes_that_nobody_cancelled(self, dialect: Dialect) -> None:
        wire = faulty({"unsol_cancel": {"ms": 2_000, "reason": "H: as you like it"}}, dialect)
        rest(wire)
        (canceled,) = wire.settle(2.0)
        assert (canceled[150], canceled[39], canceled[58]) == ("4", "4", "H: as you like it")
        assert 41 not in canceled
        assert canceled.get(378) == (None if dialect is FIX42 else "8")
        assert_fold_is_memory(wire)


class TestF8StuckPending:
    def test_a_cancel_is_pending_and_the_order_lives(self, dialect: Dialect) -> None:
        wire = faulty({"stuck_pending": {"kind": "cancel"}}, dialect)
        rest(wire)
        wire.send("F", "X1", {41: "C1"})
        assert said(wire.settle(60), 150, 39, 11, 41, 151) == [("6", "6", "X1", "C1", "100")]
        assert status(wire, "C1")[0][39] == "6"
        assert_fold_is_memory(wire)

    @pytest.mark.parametrize(
        ("kind", "msg_type", "word", "answer"),
        [("cancel", "F", "6", "4"), ("replace", "G", "E", "5")],
    )
    def test_until_it_is_dealt_with(self, kind: str, msg_type: str, word: str, answer: str) -> None:
        wire = faulty({"stuck_pending": {"kind": kind, "ms": 3_000, "count": 1}})
        rest(wire)
        price = price_to_text(wire.bid - 6 * CENT)
        wire.send(msg_type, "X1", {41: "C1", 44: price})
        assert said(wire.settle(), 150) == [(word,)]
        assert said(wire.settle(3), 150, 11, 41) == [(answer, "X1", "C1")]
        assert_fold_is_memory(wire)

    def test_a_new_order_is_known_and_out_of_the_book(self, dialect: Dialect) -> None:
        wire = faulty({"stuck_pending": {"kind": "new"}}, dialect)
        assert said(take(wire), 150, 39, 151) == [("A", "A", "100")]
        assert said(status(wire, "C1"), 39, 151) == [("A", "100")]
        wire.send("F", "X1", {41: "C1"})
        assert said(wire.settle(), 39, 14) == [("4", "0")]
        assert_fold_is_memory(wire)

    def test_until_it_comes_into_the_book(self) -> None:
        wire = faulty({"stuck_pending": {"kind": "new", "ms": 3_000}})
        take(wire)
        assert said(wire.settle(3), 150, 14) == [("0", "0"), ("F", "100")]
        assert_fold_is_memory(wire)


class TestF9NoAck:
    def test_an_order_that_was_lost_is_not_known(self, dialect: Dialect) -> None:
        wire = faulty({"no_ack": {}}, dialect)
        assert take(wire) == []
        assert said(status(wire, "C1"), 39, 58) == [("8", "O: unknown order")]
        assert_fold_is_memory(wire)

    def test_an_answer_that_was_lost_leaves_a_live_order(self) -> None:
        wire = faulty({"no_ack": {"lose": "ack"}})
        assert rest(wire) == []
        assert said(status(wire, "C1"), 39, 151) == [("0", "100")]
        assert_fold_is_memory(wire)


class TestF10RejectStorm:
    def test_with_the_code_and_text_it_is_given(self, dialect: Dialect) -> None:
        wire = faulty({"reject_storm": {"code": 3, "text": "go away"}}, dialect)
        assert said(take(wire), 39, 103, 58) == [("8", "3", "E: go away")]

    def test_for_so_long(self) -> None:
        wire = faulty({"reject_storm": {"at_s": 2, "for_s": 3}})
        states = []  # the order of number n comes in the second n
        for number in range(6):
            states += said(rest(wire, f"C{number}"), 39)
        assert states == [("0",), ("0",), ("8",), ("8",), ("8",), ("0",)]


class TestF22WrongFills:
    def test_a_price_beyond_the_limit(self, dialect: Dialect) -> None:
        wire = faulty({"price_bad": {"ticks": 7}}, dialect)
        (fill,) = fills(take(wire))
        assert fill[31] == price_to_text(wire.ask + 12 * CENT)
        assert fill[6] == fill[31]
        assert_fold_is_memory(wire)

    def test_more_than_was_left(self, dialect: Dialect) -> None:
        wire = faulty({"overfill": {"quantity": 50}}, dialect)
        (fill,) = fills(take(wire))
        assert (fill[32], fill[14], fill[151], fill[38]) == ("150", "150", "0", "100")
        assert status(wire, "C1")[0][14] == "100"

    def test_the_other_side(self, dialect: Dialect) -> None:
        wire = faulty({"wrong_side": {}}, dialect)
        new, fill = take(wire)
        assert (new[54], fill[54]) == ("1", "2")


class TestF23Ids:
    def test_two_fills_have_one_exec_id(self, dialect: Dialect) -> None:
        wire = faulty({"id_reuse": {"count": 1}}, dialect)
        ids = [fills(take(wire, f"C{number}"))[0][17] for number in range(3)]
        assert ids[0] == ids[1] != ids[2]

    def test_a_replaced_order_has_another_order_id(self, dialect: Dialect) -> None:
        wire = faulty({"orderid_change": {}}, dialect)
        (new,) = rest(wire)
        (replaced,) = wire.replace("C2", "C1", wire.bid - 6 * CENT)
        assert replaced[37] != new[37]
        assert status(wire, "C2")[0][37] == replaced[37]
        assert_fold_is_memory(wire)

    def test_a_filled_order_has_another_order_id(self, dialect: Dialect) -> None:
        wire = faulty({"orderid_change": {"behind": "fill"}}, dialect)
        new, fill = take(wire)
        assert fill[37] != new[37]
        assert status(wire, "C1")[0][37] == fill[37]
        assert_fold_is_memory(wire)


class TestF26FeeSurprise:
    def test_a_share_costs_more_and_the_venue_charges_it(self) -> None:
        plain, dear = faulty({}), faulty({"fee_surprise": {"micros": 2_000}})
        due, asked = (fills(take(wire))[0][137] for wire in (plain, dear))
        assert Decimal(asked) - Decimal(due) == Decimal("0.2")
        ledger = dear.desk.venue.state.clients["SOR-FIX.4.4"].ledger
        assert ledger.fees_micros == Decimal(asked) * 1_000_000


class TestWhen:
    def test_a_fault_does_not_move_anothers_draws(self) -> None:
        def refused(faults: dict[str, dict[str, object]]) -> list[bool]:
            wire = faulty(faults)
            return [rest(wire, f"C{number}")[0][39] == "8" for number in range(60)]

        storm: dict[str, object] = {"p": 0.3}
        alone = refused({"reject_storm": storm})
        assert alone == refused({"reject_storm": storm, "dup_er": {"p": 0.5, "kind": "ack"}})
        assert 0 < sum(alone) < 60

    def test_skip_and_count(self) -> None:
        wire = faulty({"reject_storm": {"skip": 2, "count": 1}})
        states = [rest(wire, f"C{number}")[0][39] for number in range(5)]
        assert states == ["0", "0", "8", "0", "0"]
        assert struck(wire, "reject_storm") == 1

    def test_only_a_symbol_or_a_session(self) -> None:
        wire = faulty({"reject_storm": {"symbol": "BOLT"}, "dup_er": {"session": "SORMD"}})
        assert said(take(wire), 39) == [("0",), ("2",)]
        assert struck(wire, "reject_storm") == struck(wire, "dup_er") == 0


def test_a_sell_is_corrupted_to_its_own_disadvantage() -> None:
    wire = faulty({"price_bad": {"ticks": 7}})
    limit = wire.bid - 5 * CENT
    (fill,) = fills(wire.order("C1", limit, {54: SELL, 59: "3"}))
    assert fill[31] == price_to_text(limit - 7 * CENT)
