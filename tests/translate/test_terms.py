"""Rules of reading an order: how old it is, which values are taken, how the rest is refused."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.sor.events import ParentSubmitted, ParentUnreadable
from sor_gateway.sor.types import Reason, Side
from tests.translate.test_clients import ORDER, read
from tests.translate.wording import DIALECTS, NOW_TEXT


def refused(text: str, dialect: Dialect = FIX44) -> tuple[Reason, str]:
    fact = read(text, dialect)
    assert isinstance(fact, ParentUnreadable)
    return fact.reason, fact.text


class TestAge:
    """recovery.md 4.3: an order is as old as the oldest of 60 and 52, with 122 for a duplicate."""

    def sent(self, transact: str, extra: str = "") -> int:
        fact = read(ORDER.replace(f"60={NOW_TEXT}", f"60={transact}"), extra=extra)
        assert isinstance(fact, ParentSubmitted)
        return fact.sent_ns

    def test_the_older_of_60_and_52_counts(self) -> None:
        assert self.sent("20260105-14:29:00") == 1_767_623_340_000_000_000
        assert self.sent("20260105-14:31:00") == 1_767_623_400_123_000_000

    def test_a_duplicate_is_as_old_as_122(self) -> None:
        assert self.sent(NOW_TEXT, "43=Y|122=20260105-14:29:00|") == 1_767_623_340_000_000_000

    def test_an_unreadable_time_says_nothing(self) -> None:
        assert self.sent("yesterday") == 1_767_623_400_123_000_000


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "reason", "text"),
        [
            (
                ("59=0", "59=1"),
                Reason.UNSUPPORTED,
                "59=1 (TimeInForce GoodTillCancel) is not supported; expected 0 (Day) or 3 (IOC)",
            ),
            (
                ("40=2", "40=3"),
                Reason.UNSUPPORTED,
                "40=3 (OrdType Stop) is not supported; expected 1 (Market) or 2 (Limit)",
            ),
            (
                ("54=2", "54=8"),
                Reason.UNSUPPORTED,
                (
                    "54=8 (Side Cross) is not supported; expected 1 (Buy), 2 (Sell), "
                    "5 (SellShort) or 6 (SellShortExempt)"
                ),
            ),
            (
                ("44=49.5|", ""),
                Reason.BAD_PRICE,
                "44 (Price) is missing; expected with 40=2 (Limit)",
            ),
            (
                ("40=2", "40=1"),
                Reason.BAD_PRICE,
                "44=49.5 (Price) with 40=1 (Market): expected no Price, or 40=2",
            ),
            (
                ("44=49.5", "44=-1"),
                Reason.BAD_PRICE,
                "44=-1 (Price): expected a price above 0",
            ),
            (
                ("44=49.5", "44=5e1"),
                Reason.BAD_PRICE,
                "44 (Price): '5e1': expected a number such as 50.01",
            ),
            (
                ("38=20000|", ""),
                Reason.BAD_QUANTITY,
                "38 (OrderQty) is missing; expected a number of whole shares above 0",
            ),
            (
                ("38=20000", "38=0"),
                Reason.BAD_QUANTITY,
                "38=0 (OrderQty): expected a number of whole shares above 0",
            ),
            (
                ("38=20000", "38=100.5"),
                Reason.BAD_QUANTITY,
                "38 (OrderQty): '100.5': expected whole shares, not a fraction",
            ),
            (
                ("38=20000", "38=-5"),
                Reason.BAD_QUANTITY,
                "38 (OrderQty): '-5': expected a number of whole shares such as 100",
            ),
            (
                ("21=1", "18=1 M|21=1"),
                Reason.UNSUPPORTED,
                "18=1 M (ExecInst) is not supported; expected 1 (NotHeld) or no such field",
            ),
            (
                ("21=1", "110=500"),
                Reason.UNSUPPORTED,
                "110=500 (MinQty) is not supported; expected no such field",
            ),
            (
                ("21=1", "111=0"),
                Reason.UNSUPPORTED,
                "111=0 (MaxFloor) is not supported; expected no such field",
            ),
            (
                ("21=1", "100=XNYS"),
                Reason.UNSUPPORTED,
                (
                    "100=XNYS (ExDestination) is not supported; expected no such field: orders are "
                    "routed by us"
                ),
            ),
            (
                ("21=1", "114=Y"),
                Reason.UNSUPPORTED,
                "114=Y (LocateReqd) is not supported; expected N: we locate no shares",
            ),
        ],
    )
    def test_name_tag_value_and_what_was_expected(
        self, change: tuple[str, str], reason: Reason, text: str
    ) -> None:
        assert refused(ORDER.replace(*change)) == (reason, text)

    @pytest.mark.parametrize("harmless", ["18=1|", "21=2|", "114=N|", "110=0|", "15=USD|"])
    def test_harmless_values_pass(self, harmless: str) -> None:
        assert isinstance(read(ORDER.replace("21=1|", "") + harmless), ParentSubmitted)

    def test_the_order_gets_its_own_words_back(self) -> None:
        fact = read(ORDER.replace("40=2", "40=3").replace("59=0", "59=1"))
        assert isinstance(fact, ParentUnreadable)
        assert (fact.cl_ord_id, fact.symbol, fact.side) == ("A1", "ACME", Side.SELL)
        assert fact.quantity == 20_000
        terms = {name: fact.echo[name] for name in ("OrdType", "TimeInForce", "OrderQty", "Price")}
        assert terms == {
            "OrdType": "3", "TimeInForce": "1", "OrderQty": "20000", "Price": "49.5",
        }  # fmt: skip


class TestStrategy:
    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize(
        ("fields", "preset"),
        [
            ("", ""),
            ("848=urgent|", "urgent"),
            ("847=1000|848=urgent|", "urgent"),
            ("847=3|", "minimal-impact"),
            ("847=3|848=minimal-impact|", "minimal-impact"),
        ],
    )
    def test_names_a_preset(self, dialect: Dialect, fields: str, preset: str) -> None:
        prefix = {FIX42.begin_string: "7", FIX44.begin_string: ""}[dialect.begin_string]
        fields = "".join(f"{prefix}{part}|" for part in fields.split("|") if part)
        fact = read(ORDER + fields, dialect)
        assert isinstance(fact, ParentSubmitted)
        assert fact.strategy == preset

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ("847=1|", "847=1 (TargetStrategy VWAP) is not supported"),
            ("847=2|848=urgent|", "847=2 (TargetStrategy Participate) is not supported"),
            ("847=3|848=urgent|", "847=3 (TargetStrategy MinimizeMarketImpact) is not supported"),
            ("847=1000|", "1000 and above with the name of a preset in 848"),
            ("847=x|", "847 (TargetStrategy): 'x'"),
            ("849=.1|", "849=.1 (ParticipationRate) is not supported"),
        ],
    )
    def test_anything_else_is_unsupported(self, fields: str, text: str) -> None:
        reason, words = refused(ORDER + fields)
        assert reason is Reason.UNSUPPORTED
        assert text in words

    def test_a_participation_above_1_is_a_mistake_in_the_unit(self) -> None:
        assert refused(ORDER + "849=10|") == (
            Reason.OTHER,
            "849=10 (ParticipationRate) is above 1; expected a FIX Percentage, where .1 means 10 %",
        )
        assert refused(ORDER + "7849=2|", FIX42) == (
            Reason.OTHER,
            "7849=2 (ParticipationRate) is above 1; expected a FIX Percentage, where .1 means 10 %",
        )
