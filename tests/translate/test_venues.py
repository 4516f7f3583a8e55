"""Rules of the venue side: how children are written, what reports mean, what cannot be used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.codec import encode
from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.message import Message
from sor_gateway.sor.commands import AskChild, AskVenue, CancelChild, DenyExecution, SendChild
from sor_gateway.sor.events import (
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildRestated,
    ChildStatusReported,
    FillRevised,
    MassStatusRefused,
    VenueFact,
)
from sor_gateway.sor.settings import VenueSettings
from sor_gateway.sor.types import (
    ChildState,
    DenyReason,
    Liquidity,
    OrdType,
    Reason,
    Side,
    TimeInForce,
    VenueKind,
)
from sor_gateway.translate.venues import Stored, StoredKind, Unusable, VenueTranslator
from tests.translate.wording import DIALECTS, NOW, NOW_TEXT, header, received, written

ECN = VenueSettings(
    name="ecn",
    kind=VenueKind.ECN,
    mic="XECN",
    take_fee_micros=3_000,
    add_fee_micros=-2_000,
    mid_fee_micros=1_000,
    latency_prior_ns=150_000,
    fill_rate_prior=0.98,
)
ORDER = SendChild(
    "ecn", "C1", "ACME", Side.SELL, 500, OrdType.LIMIT, 50_010_000, TimeInForce.IOC, NOW
)


def translator(dialect: Dialect = FIX44) -> VenueTranslator:
    return VenueTranslator(ECN, dialect)


def read(text: str, dialect: Dialect = FIX44) -> VenueFact | Unusable | None:
    return translator(dialect).to_fact(received(text, dialect), NOW)


class TestCommands:
    def test_a_limit_order(self) -> None:
        terms = f"55=ACME|54=2|60={NOW_TEXT}|38=500|40=2|44=50.01|59=3|"
        assert written(translator().command_message(ORDER)) == f"35=D|11=C1|{terms}"
        outgoing = translator(FIX42).command_message(ORDER)
        assert written(outgoing, FIX42) == f"35=D|11=C1|21=1|{terms}"

    def test_a_midpoint_peg_keeps_its_worst_price(self) -> None:
        peg = SendChild(
            "ecn", "C1", "ACME", Side.BUY, 500, OrdType.MID_PEG, 50_010_000, TimeInForce.DAY, NOW
        )
        assert written(translator().command_message(peg)) == (
            f"35=D|11=C1|18=M|55=ACME|54=1|60={NOW_TEXT}|38=500|40=P|44=50.01|59=0|"
        )
        peg.limit_micros = None
        assert "|44=" not in written(translator().command_message(peg))

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_an_order_to_rest(self, dialect: Dialect) -> None:
        rests = SendChild(
            "ecn", "C1", "ACME", Side.SELL, 500, OrdType.LIMIT, 50_020_000, TimeInForce.DAY, NOW
        )
        handled = "21=1|" if dialect.handl_inst_required else ""
        tail = f"55=ACME|54=2|60={NOW_TEXT}|38=500|40=2|44=50.02|59=0|"
        outgoing = translator(dialect).command_message(rests)
        assert written(outgoing, dialect) == f"35=D|11=C1|{handled}{tail}"
        rests.post_only = True
        outgoing = translator(dialect).command_message(rests)
        assert written(outgoing, dialect) == f"35=D|11=C1|{handled}18=6|{tail}"

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_an_intermarket_sweep(self, dialect: Dialect) -> None:
        sweep = replace(ORDER, is_iso=True)
        assert "|18=f|" in written(translator(dialect).command_message(sweep), dialect)

    def test_an_order_that_takes_no_small_fills(self) -> None:
        peg = SendChild(
            "ecn", "C1", "ACME", Side.BUY, 500, OrdType.MID_PEG, None, TimeInForce.DAY, NOW
        )
        peg.min_quantity = 300
        assert "|110=300|" in written(translator().command_message(peg))

    def test_a_cancel(self) -> None:
        command = CancelChild("ecn", "C1", "X1", "V1", "ACME", Side.SELL, 500, NOW)
        tail = f"11=X1|55=ACME|54=2|60={NOW_TEXT}|38=500|"
        for dialect in DIALECTS:
            outgoing = translator(dialect).command_message(command)
            assert written(outgoing, dialect) == f"35=F|41=C1|37=V1|{tail}"
        command.venue_order_id = ""
        assert written(translator().command_message(command)) == f"35=F|41=C1|{tail}"

    def test_a_status_request(self) -> None:
        command = AskChild("ecn", "C1", "H1", "V1", "ACME", Side.SELL, NOW)
        assert written(translator().command_message(command)) == (
            "35=H|37=V1|11=C1|790=H1|55=ACME|54=2|"
        )
        outgoing = translator(FIX42).command_message(command)
        assert written(outgoing, FIX42) == "35=H|37=V1|11=C1|55=ACME|54=2|"

    def test_a_request_for_all_orders(self) -> None:
        outgoing = translator().command_message(AskVenue("ecn", "M1", NOW))
        assert written(outgoing) == "35=AF|584=M1|585=7|"


class TestStoredMessages:
    @pytest.mark.parametrize(
        ("command", "stored"),
        [
            (ORDER, Stored(StoredKind.ORDER, "C1")),
            (
                CancelChild("ecn", "C1", "X1", "", "ACME", Side.SELL, 500, NOW),
                Stored(StoredKind.CANCEL, "C1", "X1"),
            ),
            (
                AskChild("ecn", "C1", "H1", "", "ACME", Side.SELL, NOW),
                Stored(StoredKind.STATUS, "C1", "H1"),
            ),
            (AskVenue("ecn", "M1", NOW), Stored(StoredKind.MASS_STATUS, "", "M1")),
        ],
    )
    def test_are_told_apart(self, command: SendChild | AskVenue, stored: Stored) -> None:
        out = translator().command_message(command)
        raw = encode("FIX.4.4", out.msg_type, header([]), out.body)
        assert translator().identify(raw) == stored

    def test_anything_else_is_other(self) -> None:
        raw = encode("FIX.4.4", "j", header([]), [(372, "8"), (380, "3")])
        assert translator().identify(raw) == Stored(StoredKind.OTHER)

    def test_what_a_reject_of_each_means(self) -> None:
        def refused(command: SendChild | CancelChild | AskChild | AskVenue) -> VenueFact | None:
            out = translator().command_message(command)
            raw = encode("FIX.4.4", out.msg_type, header([]), out.body)
            return translator().refused(raw, "tag 44", NOW)

        assert refused(ORDER) == ChildEnded(
            NOW, "ecn", "C1", ChildState.REJECTED, 0, Reason.VENUE, "tag 44"
        )
        cancel = CancelChild("ecn", "C1", "X1", "", "ACME", Side.SELL, 500, NOW)
        assert refused(cancel) == ChildCancelRefused(NOW, "ecn", "C1", True, "tag 44")
        assert refused(AskChild("ecn", "C1", "H1", "", "ACME", Side.SELL, NOW)) is None
        assert refused(AskVenue("ecn", "M1", NOW)) == MassStatusRefused(NOW, "ecn", "M1", "tag 44")


BASE = "37=V1|11=C1|17=E1|55=ACME|54=2|38=500|"
FILL_44 = (
    f"35=8|{BASE}150=F|39=1|32=100|31=50.01|14=100|151=400|6=50.01|60={NOW_TEXT}|30=XECN|"
    "851=1|136=1|137=-0.2|138=USD|139=4|"
)
FILL_42 = (
    f"35=8|{BASE}20=0|150=1|39=1|32=100|31=50.01|14=100|151=400|6=50.01|60={NOW_TEXT}|30=XECN|"
    "9730=A|12=-0.2|13=3|"
)


def fill(text: str, dialect: Dialect = FIX44) -> ChildFilled:
    fact = read(text, dialect)
    assert isinstance(fact, ChildFilled), fact
    return fact


class TestFills:
    @pytest.mark.parametrize(("dialect", "text"), [(FIX44, FILL_44), (FIX42, FILL_42)])
    def test_are_read_whole(self, dialect: Dialect, text: str) -> None:
        assert read(text, dialect) == ChildFilled(
            at_ns=NOW,
            venue="ecn",
            child_id="C1",
            exec_id="E1",
            quantity=100,
            price_micros=50_010_000,
            cum_quantity=100,
            leaves_quantity=400,
            liquidity=Liquidity.ADDED,
            fee_micros=-200_000,
            last_market="XECN",
            transact_ns=1_767_623_400_123_000_000,
            venue_order_id="V1",
            avg_price_micros=50_010_000,
            side=Side.SELL,
            fee_surprise_micros=0,
        )

    def test_a_fee_that_is_not_the_schedules_is_told(self) -> None:
        assert fill(FILL_44.replace("137=-0.2", "137=0.5")).fee_surprise_micros == 700_000
        assert fill(FILL_44.replace("136=1|137=-0.2|138=USD|139=4|", "")).fee_surprise_micros == 0

    @pytest.mark.parametrize("average", ["", "6=many|", "6=-1|"])
    def test_count_without_an_average_that_makes_sense(self, average: str) -> None:
        text = FILL_44.replace("6=50.01|", average)
        assert fill(text).avg_price_micros == 0

    @pytest.mark.parametrize(
        ("field", "liquidity", "fee"),
        [
            ("851=1|", Liquidity.ADDED, -200_000),
            ("851=2|", Liquidity.REMOVED, 300_000),
            ("851=2|9730=M|", Liquidity.MIDPOINT, 100_000),
            ("", Liquidity.UNKNOWN, 300_000),
            ("851=3|", Liquidity.UNKNOWN, 300_000),
        ],
    )
    def test_without_a_reported_fee_the_schedule_holds(
        self, field: str, liquidity: Liquidity, fee: int
    ) -> None:
        text = FILL_44.replace("851=1|136=1|137=-0.2|138=USD|139=4|", field)
        assert (fill(text).liquidity, fill(text).fee_micros) == (liquidity, fee)

    @pytest.mark.parametrize(("code", "liquidity"), [("R", "removed"), ("M", "midpoint")])
    def test_liquidity_on_fix_42(self, code: str, liquidity: str) -> None:
        assert fill(FILL_42.replace("9730=A", f"9730={code}"), FIX42).liquidity == liquidity

    def test_several_fees_add_up(self) -> None:
        text = FILL_44.replace("136=1|137=-0.2|138=USD|139=4|", "")
        text += "136=2|137=0.3|138=USD|139=4|137=0.000001|138=USD|139=1|"
        assert fill(text).fee_micros == 300_001

    def test_an_unreadable_fee_falls_back_to_the_schedule(self) -> None:
        assert fill(FILL_44.replace("137=-0.2", "137=free")).fee_micros == -200_000

    def test_a_fill_during_a_pending_cancel_belongs_to_the_order(self) -> None:
        assert fill(FILL_44.replace("11=C1", "11=X1|41=C1")).child_id == "C1"

    def test_the_venues_mic_stands_in_for_a_missing_one(self) -> None:
        assert fill(FILL_44.replace("30=XECN|", "")).last_market == "XECN"


class TestReports:
    def test_an_acknowledgement(self) -> None:
        text = f"35=8|{BASE}150=0|39=0|14=0|151=500|6=0|"
        assert read(text) == ChildAccepted(NOW, "ecn", "C1", "V1")
        text = text.replace("150=0", "20=0|150=0")
        assert read(text, FIX42) == ChildAccepted(NOW, "ecn", "C1", "V1")

    @pytest.mark.parametrize(
        ("code", "how"),
        [
            ("4", ChildState.CANCELED),
            ("C", ChildState.EXPIRED),
            ("3", ChildState.EXPIRED),
            ("8", ChildState.REJECTED),
        ],
    )
    def test_ends(self, code: str, how: ChildState) -> None:
        text = f"35=8|{BASE.replace('11=C1', '11=X1|41=C1')}150={code}|39={code}|14=100|151=0|6=5|"
        reason = Reason.VENUE if how is ChildState.REJECTED else Reason.NONE
        assert read(f"{text}58=N: remainder|") == ChildEnded(
            NOW, "ecn", "C1", how, 100, reason, "N: remainder", 5_000_000
        )

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("1", Reason.UNKNOWN_SYMBOL),
            ("3", Reason.EXCEEDS_LIMIT),
            ("6", Reason.DUPLICATE),
            ("13", Reason.BAD_QUANTITY),
            ("99", Reason.VENUE),
        ],
    )
    def test_reasons_of_rejects(self, code: str, reason: Reason) -> None:
        fact = read(f"35=8|{BASE}150=8|39=8|103={code}|14=0|151=0|6=0|")
        assert isinstance(fact, ChildEnded)
        assert fact.reason is reason

    @pytest.mark.parametrize("code", ["A", "6", "E", "7", "9"])
    def test_informational_ones_are_none(self, code: str) -> None:
        assert read(f"35=8|{BASE}150={code}|39=0|14=0|151=500|6=0|") is None

    @pytest.mark.parametrize(("code", "known"), [("0", True), ("1", False), ("3", True)])
    def test_a_refused_cancel(self, code: str, known: bool) -> None:
        text = f"35=9|37=V1|11=X1|41=C1|39=0|434=1|102={code}|58=J: late|"
        assert read(text) == ChildCancelRefused(NOW, "ecn", "C1", known, "J: late")


class TestStatusAnswers:
    def status(self, text: str, dialect: Dialect = FIX44) -> ChildStatusReported:
        marks = {FIX44.begin_string: "790=H1|150=I|", FIX42.begin_string: "20=3|150=0|"}
        fact = read(f"35=8|{BASE}{marks[dialect.begin_string]}{text}", dialect)
        assert isinstance(fact, ChildStatusReported), fact
        return fact

    @pytest.mark.parametrize("status", ["0", "1", "6", "A", "E"])
    def test_live(self, status: str) -> None:
        assert self.status(f"39={status}|14=100|151=400|6=50.0123456|") == ChildStatusReported(
            *(NOW, "ecn", "C1", "H1", True, True, 100, 50_012_346),
            cancel_pending=status == "6",
            quantity=500,
        )

    @pytest.mark.parametrize(
        ("status", "how"),
        [
            ("2", ChildState.FILLED),
            ("4", ChildState.CANCELED),
            ("C", ChildState.EXPIRED),
            ("8", ChildState.REJECTED),
        ],
    )
    def test_over(self, status: str, how: ChildState) -> None:
        fact = self.status(f"39={status}|14=0|151=0|6=0|")
        assert (fact.known, fact.live, fact.how) == (True, False, how)

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_unknown(self, dialect: Dialect) -> None:
        fact = self.status("39=8|103=5|14=0|151=0|6=0|58=O: unknown order|", dialect)
        assert (fact.known, fact.live) == (False, False)
        assert fact.request_id == ("H1" if dialect is FIX44 else "")

    def test_an_order_without_an_order_id_is_unknown_too(self) -> None:
        text = f"35=8|{BASE.replace('37=V1', '37=NONE')}150=I|39=8|14=0|151=0|6=0|"
        fact = read(text)
        assert isinstance(fact, ChildStatusReported)
        assert not fact.known


class TestAnswersAboutAllOrders:
    def part(self, text: str) -> ChildStatusReported:
        fact = read(f"35=8|{text}17=E1|55=ACME|54=2|584=M1|150=I|6=0|")
        assert isinstance(fact, ChildStatusReported), fact
        return fact

    @pytest.mark.parametrize(("mark", "last"), [("912=N|", False), ("912=Y|", True), ("", False)])
    def test_a_part_of_the_series(self, mark: str, last: bool) -> None:
        fact = self.part(f"37=V1|11=C1|38=500|39=1|14=100|151=400|911=3|{mark}")
        assert fact == ChildStatusReported(
            *(NOW, "ecn", "C1", "M1", True, True, 100),
            quantity=500,
            of_all=True,
            total=3,
            last=last,
            venue_order_id="V1",
            symbol="ACME",
            side=Side.SELL,
        )

    def test_there_is_none(self) -> None:
        fact = self.part("37=NONE|39=8|14=0|151=0|911=0|")
        assert (fact.child_id, fact.known, fact.request_id) == ("", False, "M1")
        assert (fact.of_all, fact.total, fact.last) == (True, 0, True)

    def test_a_part_that_does_not_say_how_many_there_are_is_none(self) -> None:
        text = f"35=8|{BASE}584=M1|150=I|39=0|14=0|151=500|6=0|912=Y|"
        assert isinstance(read(text), Unusable)


class TestRevisions:
    @pytest.mark.parametrize(
        ("dialect", "text"),
        [
            (FIX44, FILL_44.replace("150=F", "150=H|19=E0")),
            (FIX42, FILL_42.replace("20=0", "20=1|19=E0")),
        ],
    )
    def test_a_bust_takes_all_of_it_back(self, dialect: Dialect, text: str) -> None:
        fact = read(text.replace("14=100", "14=0"), dialect)
        assert fact == FillRevised(NOW, "ecn", "C1", "E1", "E0", 0, 0, 0, 400)

    @pytest.mark.parametrize(
        ("dialect", "text"),
        [
            (FIX44, FILL_44.replace("150=F", "150=G|19=E0")),
            (FIX42, FILL_42.replace("20=0", "20=2|19=E0")),
        ],
    )
    def test_a_correction_says_what_it_was(self, dialect: Dialect, text: str) -> None:
        fact = read(text + "58=typing error|", dialect)
        terms = ("E1", "E0", 100, 50_010_000, 100, 400, -200_000, "typing error")
        assert fact == FillRevised(NOW, "ecn", "C1", *terms)
        dearer = read(text.replace("137=-0.2", "137=0.5").replace("12=-0.2", "12=0.5"), dialect)
        assert isinstance(dearer, FillRevised)
        assert (dearer.fee_micros, dearer.fee_surprise_micros) == (500_000, 700_000)


class TestRestatements:
    """150=D, on both dialects: 14 and 151 tell how many shares the venue works, 44 where."""

    TEXT = "35=8|37=V1|11=C1|17=E1|150=D|39=1|378=3|55=ACME|54=2|14=100|151=200|6=50.01|58=slid|"

    @pytest.mark.parametrize(("dialect", "trans"), [(FIX44, ""), (FIX42, "20=0|")])
    @pytest.mark.parametrize(("price", "limit"), [("44=50.03|", 50_030_000), ("", None)])
    def test_quantity_and_price(
        self, dialect: Dialect, trans: str, price: str, limit: int | None
    ) -> None:
        fact = read(self.TEXT + trans + price, dialect)
        assert fact == ChildRestated(NOW, "ecn", "C1", 100, 200, limit, "slid", 50_010_000)

    @pytest.mark.parametrize(
        ("change", "how"),
        [
            ("39=4", ChildState.CANCELED),
            ("39=2", ChildState.CANCELED),
            ("39=C", ChildState.EXPIRED),
        ],
    )
    def test_one_that_leaves_nothing_open_is_an_end(self, change: str, how: ChildState) -> None:
        fact = read(self.TEXT.replace("39=1", change).replace("151=200", "151=0"))
        assert isinstance(fact, ChildEnded)
        assert (fact.how, fact.cum_quantity) == (how, 100)

    @pytest.mark.parametrize("lost", ["14=100|", "151=200|", "39=1|"])
    def test_without_its_totals_it_is_unusable(self, lost: str) -> None:
        assert isinstance(read(self.TEXT.replace(lost, "")), Unusable)


class TestDenials:
    def test_q_names_execution_and_reason(self) -> None:
        denial = DenyExecution(
            "ecn", "C1", "V1", "E1", DenyReason.PRICE, "ACME", Side.SELL, 500, 100, 49_990_000, NOW
        )
        for dialect in DIALECTS:
            outgoing = translator(dialect).command_message(denial)
            assert outgoing.msg_type == "Q"
            assert dict(outgoing.fields) == {
                37: "V1",
                17: "E1",
                127: "E",
                55: "ACME",
                54: "2",
                38: "500",
                32: "100",
                31: "49.99",
            }


class TestUnusable:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (FILL_44.replace("17=E1|", ""), "17 (ExecID) is missing"),
            (FILL_44.replace("32=100", "32=1.5"), "32 (LastQty)"),
            (FILL_44.replace("31=50.01|", ""), "31 (LastPx) is missing"),
            (FILL_44.replace("14=100", "14=x"), "14 (CumQty)"),
            (FILL_44.replace("11=C1|", ""), "11 (ClOrdID) is missing"),
            (FILL_44.replace("150=F", "150=X"), "150=X (ExecType) is not supported"),
            (FILL_44.replace("150=F", "150=H"), "19 (ExecRefID) is missing"),
            (FILL_44.replace("150=F", "150=G").replace("31=50.01|", "19=E0|"), "31 (LastPx)"),
            (FILL_44.replace("32=100", "32=0"), "above 0"),
            ("35=9|11=X1|39=0|434=1|", "41 (OrigClOrdID) is missing"),
            ("35=r|37=1|", "35=r is not expected"),
        ],
    )
    def test_says_why(self, text: str, why: str) -> None:
        fact = read(text)
        assert isinstance(fact, Unusable)
        assert why in fact.text

    @given(
        st.sampled_from(DIALECTS),
        st.sampled_from(["8", "9", "j", "zz"]),
        st.dictionaries(
            st.sampled_from([6, 11, 12, 13, 14, 17, 20, 30, 31, 32, 37, 39, 41, 60, 103, 136, 137])
            | st.sampled_from([150, 151, 790, 851, 9730]),
            st.sampled_from(["F", "0", "1", "3", "I", "NONE", "-1", "1e9", "9" * 40, "NaN", " "])
            | st.text(st.characters(min_codepoint=2, max_codepoint=255), min_size=1, max_size=9),
        ),
    )
    def test_nothing_raises(self, dialect: Dialect, msg_type: str, values: dict[int, str]) -> None:
        fact = translator(dialect).to_fact(Message(msg_type, list(values.items())), NOW)
        assert fact is None or isinstance(fact, Unusable) or fact.at_ns == NOW
