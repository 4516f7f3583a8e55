"""FIX in: what becomes a command, what is refused in its turn, what is no message of ours."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44
from sor_gateway.fix.message import Message
from venue_sims.commands import (
    CancelReceived,
    MassCancelReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.matching.orders import Lifetime, Manner, MinQtyMode
from venue_sims.translate import BusinessReject, to_command
from venue_sims.words import Capacity, OrdType, Reason

NOW = 5


def fix(text: str) -> Message:
    """`35=D|11=C1|...` as a message."""
    pairs = [pair.partition("=") for pair in text.split("|")]
    return Message(pairs[0][2], [(int(tag), value) for tag, _, value in pairs])


ORDER = "35=D|11=C1|55=ACME|54=2|38=100|40=2|44=49.5|59=0|60=20260101-00:00:00"


def read(text: str, dialect: object = FIX44) -> object:
    return to_command(fix(text), "S", FIX42 if dialect is FIX42 else FIX44, NOW, False)


class TestOrders:
    def test_limit(self) -> None:
        expected = Terms("C1", "ACME", Capacity.SELL, OrdType.LIMIT, 100, 49_500_000)
        assert read(ORDER) == OrderReceived("S", NOW, expected)

    def test_midpoint_peg_with_a_worst_price_and_min_qty(self) -> None:
        command = read(ORDER.replace("40=2", "40=P|18=M") + "|110=50|9701=M|1=ACC")
        assert isinstance(command, OrderReceived)
        terms = command.terms
        assert (terms.ord_type, terms.price) == (OrdType.MID_PEG, 49_500_000)
        assert (terms.min_qty, terms.min_qty_mode) == (50, MinQtyMode.MINIMUM_EXECUTION)
        assert terms.account == "ACC"

    def test_a_market_order_has_no_price(self) -> None:
        command = read(ORDER.replace("40=2", "40=1"))
        assert isinstance(command, OrderReceived)
        assert command.terms.price is None

    @pytest.mark.parametrize(
        ("text", "lifetime"), [("0", Lifetime.DAY), ("3", Lifetime.IOC), ("4", Lifetime.FOK)]
    )
    def test_time_in_force(self, text: str, lifetime: Lifetime) -> None:
        command = read(ORDER.replace("59=0", f"59={text}"))
        assert isinstance(command, OrderReceived)
        assert command.terms.lifetime is lifetime

    def test_hidden_post_only_and_self_match(self) -> None:
        command = read(ORDER + "|18=1 6 h|111=0|7928=ME")
        assert isinstance(command, OrderReceived)
        terms = command.terms
        assert (terms.hidden, terms.manner, terms.self_match_id) == (True, Manner.POST_ONLY, "ME")

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("40=2", "40=3", Reason.UNSUPPORTED),
            ("40=2", "40=P", Reason.UNSUPPORTED),
            ("40=2", "40=2|18=M", Reason.UNSUPPORTED),
            ("40=2", "40=2|18=R", Reason.UNSUPPORTED),
            ("40=2", "40=2|18=6 f", Reason.UNSUPPORTED),
            ("40=2", "40=2|18=6|9702=Y", Reason.UNSUPPORTED),
            ("40=2", "40=P|18=M P", Reason.UNSUPPORTED),
            ("40=2", "40=P|18=M|9704=Y", Reason.UNSUPPORTED),
            ("40=2", "40=2|9704=X", Reason.UNSUPPORTED),
            ("40=2", "40=P|18=M|211=x", Reason.PRICE_INCREMENT),
            ("59=0", "59=1", Reason.UNSUPPORTED),
            ("54=2", "54=8", Reason.UNSUPPORTED),
            ("38=100", "38=1.5", Reason.BAD_QUANTITY),
            ("44=49.5", "44=49.12345678", Reason.PRICE_INCREMENT),
            ("11=C1", "11=" + "C" * 21, Reason.UNSUPPORTED),
        ],
    )
    def test_what_cannot_be_expressed_is_refused_in_its_turn(
        self, old: str, new: str, reason: Reason
    ) -> None:
        command = read(ORDER.replace(old, new))
        assert isinstance(command, OrderUnusable)
        assert command.reason is reason
        assert command.terms.symbol == "ACME"


class TestRequests:
    def test_cancel(self) -> None:
        command = read("35=F|11=X1|41=C1|55=ACME|54=2|60=20260101-00:00:00")
        assert command == CancelReceived("S", NOW, "X1", "C1", "ACME")

    def test_replace(self) -> None:
        command = read("35=G|11=G1|41=C1|55=ACME|54=2|38=80|40=2|44=49")
        expected = ReplaceReceived("S", NOW, "G1", "C1", "ACME", 80, 49_000_000)
        expected.capacity, expected.ord_type = Capacity.SELL, OrdType.LIMIT
        assert command == expected

    def test_a_replace_that_cannot_be_read_says_why(self) -> None:
        command = read("35=G|11=G1|41=C1|55=ACME|54=2|38=80|40=2|44=4,9")
        assert isinstance(command, ReplaceReceived)
        assert command.problem.startswith("44: ")

    def test_status(self) -> None:
        command = read("35=H|11=C1|37=O1|55=ACME|54=2|790=Q1")
        assert command == StatusReceived("S", NOW, "C1", "O1", "Q1", "ACME", Capacity.SELL)

    def test_mass_cancel_of_a_symbol_of_a_side_of_all(self) -> None:
        assert read("35=q|11=Q|530=1|55=ACME") == MassCancelReceived("S", NOW, "Q", "ACME")
        assert read("35=q|11=Q|530=7|54=1") == MassCancelReceived("S", NOW, "Q", "", Capacity.BUY)
        assert read("35=q|11=Q|530=3") == MassCancelReceived("S", NOW, "Q", unsupported="3")


class TestNotForUs:
    @pytest.mark.parametrize("text", ["35=Q|37=1|17=2|127=A", "35=AE|571=1"])
    def test_types_that_are_not_taken(self, text: str) -> None:
        reject = read(text)
        assert isinstance(reject, BusinessReject)
        assert reject.reason == 3

    def test_mass_cancel_does_not_exist_in_fix_42(self) -> None:
        reject = read("35=q|11=Q|530=7", FIX42)
        assert isinstance(reject, BusinessReject)
        assert reject.reason == 3

    def test_mass_cancel_by_symbol_without_one(self) -> None:
        reject = read("35=q|11=Q|530=1")
        assert isinstance(reject, BusinessReject)
        assert reject.reason == 5
