"""Rules of the client side: what makes an order, how the rest is refused, how reports read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.message import Message
from sor_gateway.sor.commands import Report
from sor_gateway.sor.disputes import ExecutionDisputed
from sor_gateway.sor.events import (
    AmendUnreadable,
    CancelRequested,
    ClientFact,
    ParentSubmitted,
    ParentUnreadable,
    ReplaceRequested,
    StatusRequested,
)
from sor_gateway.sor.types import (
    Liquidity,
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)
from sor_gateway.translate.clients import BusinessReject, ClientTranslator
from tests.translate.wording import DIALECTS, NOW, NOW_TEXT, as_received, received, written

ORDER = f"35=D|11=A1|1=ACC|21=1|55=ACME|54=2|60={NOW_TEXT}|38=20000|40=2|44=49.5|59=0|"


def translator(dialect: Dialect = FIX44) -> ClientTranslator:
    return ClientTranslator("ems", dialect)


def read(text: str, dialect: Dialect = FIX44, extra: str = "") -> ClientFact | BusinessReject:
    return translator(dialect).to_fact(received(text, dialect, extra), NOW, "P000000001")


class TestNewOrder:
    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_is_read_whole(self, dialect: Dialect) -> None:
        assert read(ORDER, dialect) == ParentSubmitted(
            at_ns=NOW,
            parent_id="P000000001",
            client="ems",
            cl_ord_id="A1",
            symbol="ACME",
            side=Side.SELL,
            quantity=20_000,
            ord_type=OrdType.LIMIT,
            limit_micros=49_500_000,
            time_in_force=TimeInForce.DAY,
            strategy="",
            account="ACC",
            echo={"HandlInst": "1"},
            poss_resend=False,
            sent_ns=1_767_623_400_123_000_000,
        )

    def test_a_market_order_ioc(self) -> None:
        fact = read("35=D|11=A1|55=ACME|54=1|38=100.0|40=1|59=3|")
        assert isinstance(fact, ParentSubmitted)
        assert (fact.ord_type, fact.limit_micros) == (OrdType.MARKET, None)
        assert (fact.quantity, fact.time_in_force) == (100, TimeInForce.IOC)

    @pytest.mark.parametrize(
        ("code", "side"),
        [
            ("1", Side.BUY),
            ("2", Side.SELL),
            ("5", Side.SELL_SHORT),
            ("6", Side.SELL_SHORT_EXEMPT),
        ],
    )
    def test_sides(self, code: str, side: Side) -> None:
        fact = read(ORDER.replace("54=2", f"54={code}"))
        assert isinstance(fact, ParentSubmitted)
        assert fact.side is side

    def test_the_parent_id_is_asked_for_once_and_for_orders_only(self) -> None:
        asked: list[str] = []

        def next_id() -> str:
            asked.append("P7")
            return "P7"

        fact = translator().to_fact(received(ORDER), NOW, next_id)
        assert isinstance(fact, ParentSubmitted)
        assert fact.parent_id == "P7"
        translator().to_fact(received("35=F|11=A2|41=A1|"), NOW, next_id)
        translator().to_fact(received("35=D|11=A2|"), NOW, next_id)  # answered with j
        assert asked == ["P7"]

    def test_routing_and_house_fields_are_kept_for_the_reports(self) -> None:
        fact = read(
            ORDER + "47=A|109=DESK|439=CLR|440=CACC|7847=1000|7848=urgent|",
            FIX42,
            "50=SUB|57=TSUB|115=OBO|116=OBOS|128=DLV|129=DLVS|",
        )
        assert isinstance(fact, ParentSubmitted)
        assert fact.strategy == "urgent"
        assert fact.echo == {
            "HandlInst": "1",
            "Rule80A": "A",
            "ClientID": "DESK",
            "ClearingFirm": "CLR",
            "ClearingAccount": "CACC",
            "CustomTargetStrategy": "1000",
            "CustomTargetStrategyParameters": "urgent",
            "SenderSubID": "SUB",
            "TargetSubID": "TSUB",
            "OnBehalfOfCompID": "OBO",
            "OnBehalfOfSubID": "OBOS",
            "DeliverToCompID": "DLV",
            "DeliverToSubID": "DLVS",
        }

    def test_a_bilateral_strategy_number_is_not_given_back_where_public_lists_end_at_3(
        self,
    ) -> None:
        """QuickFIX's own FIX44.xml refuses 847=1000 in a report, and with it the fill."""
        bilateral = read(ORDER + "847=1000|848=urgent|")
        standard = read(ORDER + "847=3|")
        assert isinstance(bilateral, ParentSubmitted)
        assert isinstance(standard, ParentSubmitted)
        assert bilateral.strategy == "urgent"
        assert bilateral.echo == {"HandlInst": "1", "TargetStrategyParameters": "urgent"}
        assert standard.strategy == "minimal-impact"
        assert standard.echo == {"HandlInst": "1", "TargetStrategy": "3"}

    def test_97_is_a_possible_resend(self) -> None:
        fact = read(ORDER, extra="97=Y|")
        assert isinstance(fact, ParentSubmitted)
        assert fact.poss_resend


class TestNoFact:
    @pytest.mark.parametrize(
        ("text", "missing"),
        [
            ("35=D|55=ACME|54=1|38=1|40=1|", "11 (ClOrdID) is missing in 35=D"),
            ("35=D|11=A|54=1|38=1|40=1|", "55 (Symbol) is missing in 35=D"),
            ("35=F|11=A|", "41 (OrigClOrdID) is missing in 35=F"),
        ],
    )
    def test_what_could_not_even_be_answered_is_a_business_reject(
        self, text: str, missing: str
    ) -> None:
        assert read(text) == BusinessReject(text[3], 5, missing)

    def test_other_message_types_are_a_business_reject(self) -> None:
        fact = read("35=AF|584=X|585=7|")
        text = "35=AF is not taken here; expected D, F, G, H or Q"
        assert fact == BusinessReject("AF", 3, text)


class TestDisputes:
    """35=Q: the client does not know an execution."""

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize(
        ("code", "words"), [("A", "unknown symbol"), ("E", "beyond the limit"), ("Z", "other")]
    )
    def test_a_denial_names_execution_and_reason(
        self, dialect: Dialect, code: str, words: str
    ) -> None:
        text = f"35=Q|37=P1|17=E7|127={code}|55=ACME|54=2|58=not ours|"
        fact = translator(dialect).to_fact(received(text, dialect), NOW, "P2")
        assert fact == ExecutionDisputed(NOW, "ems", "E7", "P1", words, "not ours")

    def test_without_an_execution_it_is_a_business_reject(self) -> None:
        assert read("35=Q|37=P1|127=Z|") == BusinessReject("Q", 5, "17 (ExecID) is missing in 35=Q")


class TestOtherRequests:
    def test_cancel(self) -> None:
        text = f"35=F|41=A1|11=A2|55=ACME|54=2|60={NOW_TEXT}|38=20000|"
        assert read(text, extra="115=OBO|") == CancelRequested(
            NOW, "ems", "A2", "A1", {"OnBehalfOfCompID": "OBO"}
        )

    def test_replace(self) -> None:
        text = f"35=G|41=A1|11=A2|21=1|55=ACME|54=2|60={NOW_TEXT}|38=500|40=2|44=49|"
        assert read(text) == ReplaceRequested(
            NOW, "ems", "A2", "A1", 500, OrdType.LIMIT, 49_000_000, {"HandlInst": "1"}
        )

    def test_a_request_that_may_be_sent_again_says_so(self) -> None:
        cancel = read(f"35=F|41=A1|11=A2|55=ACME|54=2|60={NOW_TEXT}|38=20000|", extra="97=Y|")
        terms = f"55=ACME|54=2|60={NOW_TEXT}|38=500|40=2|44=49|"
        replace_ = read(f"35=G|41=A1|11=A2|21=1|{terms}", extra="97=Y|")
        assert isinstance(cancel, CancelRequested)
        assert isinstance(replace_, ReplaceRequested)
        assert cancel.poss_resend
        assert replace_.poss_resend

    def test_an_impossible_replace(self) -> None:
        text = f"35=G|41=A1|11=A2|55=ACME|54=2|60={NOW_TEXT}|38=0|40=1|"
        assert read(text) == AmendUnreadable(
            NOW,
            "ems",
            "A2",
            "A1",
            True,
            Reason.BAD_QUANTITY,
            "38=0 (OrderQty): expected a number of whole shares above 0",
        )

    def test_status(self) -> None:
        assert read("35=H|11=A1|55=ACME|54=2|790=Q1|") == StatusRequested(
            NOW, "ems", "A1", "Q1", {"Symbol": "ACME", "Side": "2"}
        )


VALUES = st.one_of(
    st.text(st.characters(min_codepoint=2, max_codepoint=255), min_size=1, max_size=30),
    st.sampled_from(["0", "1", "2", "3", "Y", "-1", "1e9", "9" * 40, ".", "nan", " "]),
)
PLAIN_TAGS = (1, 11, 15, 18, 21, 38, 40, 41, 43, 44, 47, 50, 52, 54, 55, 59, 60, 97, 99, 100)
MORE_TAGS = (110, 111, 114, 115, 122, 126, 168, 432, 528, 790, 847, 848, 849, 7847, 7848, 7849)
TAGS = st.sampled_from(PLAIN_TAGS + MORE_TAGS)


class TestHostileValues:
    @given(
        st.sampled_from(["D", "F", "G", "H", "Q", "zz"]),
        st.dictionaries(TAGS, VALUES),
        st.sampled_from(DIALECTS),
        st.booleans(),
    )
    def test_nothing_raises_and_every_refusal_can_be_written(
        self, msg_type: str, values: dict[int, str], dialect: Dialect, well_formed: bool
    ) -> None:
        base = {11: "A1", 41: "A0", 55: "ACME", 54: "1", 38: "100", 40: "1"} if well_formed else {}
        message = Message(msg_type, list((base | values).items()))
        out = translator(dialect)
        fact = out.to_fact(message, NOW, "P1")
        if isinstance(fact, BusinessReject):
            sent = out.business_reject(fact, 7)
            assert all(value and "\x01" not in value for _, value in sent.fields)
        elif isinstance(fact, ParentUnreadable):
            report = replace(
                REPORT, kind=ReportKind.REJECTED, state=ParentState.REJECTED, reason=fact.reason
            )
            report.cl_ord_id, report.symbol, report.echo = fact.cl_ord_id, fact.symbol, fact.echo
            report.text = fact.text
            sent = out.report_message(report)
            assert all(value and "\x01" not in value for _, value in sent.fields)
        else:
            assert fact.at_ns == NOW


REPORT = Report(
    client="ems",
    kind=ReportKind.NEW,
    exec_id="E000000001",
    parent_id="P000000001",
    cl_ord_id="A1",
    orig_cl_ord_id="",
    symbol="ACME",
    side=Side.SELL,
    quantity=300,
    ord_type=OrdType.LIMIT,
    limit_micros=49_500_000,
    time_in_force=TimeInForce.DAY,
    state=ParentState.WORKING,
    cum_quantity=0,
    leaves_quantity=300,
    cum_value_micros=0,
    at_ns=NOW,
    account="ACC",
)
FILL = replace(
    REPORT,
    kind=ReportKind.FILL,
    exec_id="E000000002",
    cum_quantity=100,
    leaves_quantity=200,
    cum_value_micros=100 * 50_010_000,
    last_quantity=100,
    last_price_micros=50_010_000,
    last_market="XECN",
    liquidity=Liquidity.ADDED,
    fee_micros=-200_000,
    venue_exec_id="V9",
    venue_order_id="XECN1",
)


def told(report: Report, dialect: Dialect = FIX44, poss_resend: bool = False) -> str:
    return written(translator(dialect).report_message(report, poss_resend=poss_resend), dialect)


class TestExecutionReports:
    def test_new(self) -> None:
        tail = f"151=300|14=0|6=0|60={NOW_TEXT}|"
        terms = "1=ACC|55=ACME|54=2|38=300|40=2|44=49.5|59=0|"
        assert told(REPORT) == (f"35=8|37=P000000001|11=A1|17=E000000001|150=0|39=0|{terms}{tail}")
        assert told(REPORT, FIX42) == (
            f"35=8|37=P000000001|11=A1|17=E000000001|20=0|150=0|39=0|{terms}{tail}"
        )

    def test_a_fill_on_fix_44(self) -> None:
        assert told(FILL) == (
            "35=8|37=P000000001|198=XECN1|527=V9|11=A1|17=E000000002|150=F|39=1|1=ACC|55=ACME|54=2|"
            f"38=300|40=2|44=49.5|59=0|32=100|31=50.01|30=XECN|151=200|14=100|6=50.01|60={NOW_TEXT}|"
            "851=1|136=1|137=-0.2|138=USD|139=4|"
        )

    def test_a_fill_on_fix_42(self) -> None:
        assert told(FILL, FIX42) == (
            "35=8|37=P000000001|198=XECN1|11=A1|17=E000000002|20=0|150=1|39=1|1=ACC|55=ACME|54=2|"
            f"38=300|40=2|44=49.5|59=0|32=100|31=50.01|30=XECN|151=200|14=100|6=50.01|60={NOW_TEXT}|"
            "9730=A|12=-0.2|13=3|"
        )

    def test_the_last_fill(self) -> None:
        last = replace(FILL, state=ParentState.FILLED, cum_quantity=300, leaves_quantity=0)
        assert "|150=F|39=2|" in told(last)
        assert "|150=2|39=2|" in told(last, FIX42)

    def test_a_midpoint_fill_says_so_in_both(self) -> None:
        mid = replace(FILL, liquidity=Liquidity.MIDPOINT)
        assert "|9730=M|" in told(mid)
        assert "|9730=M|" in told(mid, FIX42)

    def test_a_fill_while_a_cancel_is_pending_keeps_the_pending_state(self) -> None:
        assert "|150=F|39=6|" in told(replace(FILL, state=ParentState.PENDING_CANCEL))

    def test_a_late_fill_of_a_canceled_order(self) -> None:
        late = replace(FILL, state=ParentState.CANCELED, leaves_quantity=0)
        assert "|150=F|39=4|" in told(late)
        assert "|150=1|39=4|" in told(late, FIX42)

    @pytest.mark.parametrize(
        ("kind", "state", "expected"),
        [
            (ReportKind.PENDING_CANCEL, ParentState.PENDING_CANCEL, "|150=6|39=6|"),
            (ReportKind.CANCELED, ParentState.CANCELED, "|150=4|39=4|"),
            (ReportKind.EXPIRED, ParentState.EXPIRED, "|150=C|39=C|"),
            (ReportKind.PENDING_REPLACE, ParentState.PENDING_REPLACE, "|150=E|39=E|"),
        ],
    )
    def test_states(self, kind: ReportKind, state: ParentState, expected: str) -> None:
        report = replace(REPORT, kind=kind, state=state, cl_ord_id="A2", orig_cl_ord_id="A1")
        for dialect in DIALECTS:
            assert expected in told(report, dialect)
            assert "|11=A2|41=A1|" in told(report, dialect)

    def test_a_suspended_order_says_so_before_what_it_has_executed(self) -> None:
        partly = replace(REPORT, cum_quantity=100, cum_value_micros=100, suspended=True)
        for dialect in DIALECTS:
            assert "|150=9|39=9|" in told(replace(partly, kind=ReportKind.SUSPENDED), dialect)
            released = replace(partly, kind=ReportKind.RELEASED, suspended=False)
            assert "|150=D|39=1|378=4|" in told(released, dialect)
            asked = replace(partly, kind=ReportKind.STATUS)
            assert "|39=9|" in told(asked, dialect)
            pending = replace(partly, kind=ReportKind.PENDING_CANCEL)
            pending.state = ParentState.PENDING_CANCEL
            assert "|150=6|39=6|" in told(pending, dialect)

    def test_a_replaced_order_is_new_again_on_44_and_replaced_on_42(self) -> None:
        report = replace(REPORT, kind=ReportKind.REPLACED)
        assert "|150=5|39=0|" in told(report)
        assert "|150=5|39=5|" in told(report, FIX42)
        partly = replace(report, cum_quantity=100, cum_value_micros=100)
        assert "|150=5|39=1|" in told(partly, FIX42)

    @pytest.mark.parametrize(
        ("reason", "on_44", "on_42"),
        [
            (Reason.UNKNOWN_SYMBOL, "1", "1"),
            (Reason.EXCEEDS_LIMIT, "3", "3"),
            (Reason.STALE, "4", "4"),
            (Reason.DUPLICATE, "6", "6"),
            (Reason.UNSUPPORTED, "11", "0"),
            (Reason.BAD_QUANTITY, "13", "0"),
            (Reason.BAD_PRICE, "99", "0"),
            (Reason.KILL_SWITCH, "0", "0"),
        ],
    )
    def test_a_refusal_has_the_reason_that_the_dialect_has(
        self, reason: Reason, on_44: str, on_42: str
    ) -> None:
        report = replace(
            REPORT,
            kind=ReportKind.REJECTED,
            state=ParentState.REJECTED,
            leaves_quantity=0,
            reason=reason,
            text="why not",
        )
        for dialect, code in ((FIX44, on_44), (FIX42, on_42)):
            assert f"|150=8|39=8|103={code}|" in told(report, dialect)
            assert "|58=why not|" in told(report, dialect)

    def test_an_unread_order_gets_its_own_terms_back(self) -> None:
        echo = {"OrdType": "3", "TimeInForce": "1", "Price": "7", "OrderQty": "100.5", "Side": "8"}
        report = replace(
            REPORT, kind=ReportKind.REJECTED, state=ParentState.REJECTED, echo=echo, quantity=0
        )
        assert "|55=ACME|54=8|38=100.5|40=3|44=7|59=1|" in told(report)

    def test_status(self) -> None:
        report = replace(FILL, kind=ReportKind.STATUS, request_id="Q1")
        on_44, on_42 = told(report), told(report, FIX42)
        assert "|790=Q1|17=E000000002|150=I|39=1|" in on_44
        assert "|17=E000000002|20=3|150=1|39=1|" in on_42
        for text in (on_44, on_42):
            assert "|32=" not in text
            assert "|151=200|14=100|6=50.01|" in text

    def test_status_of_an_unknown_order(self) -> None:
        report = replace(
            REPORT,
            kind=ReportKind.STATUS,
            parent_id="",
            symbol="",
            state=ParentState.REJECTED,
            reason=Reason.UNKNOWN_ORDER,
            echo={"Symbol": "ACME", "Side": "5"},
        )
        for dialect in DIALECTS:
            text = told(report, dialect)
            assert text.startswith("35=8|37=NONE|11=A1|")
            assert "|39=8|103=5|" in text
            assert "|55=ACME|54=5|" in text

    def test_routing_is_reversed_and_house_fields_come_back(self) -> None:
        echo = {
            "SenderSubID": "SUB",
            "OnBehalfOfCompID": "OBO",
            "DeliverToSubID": "DLVS",
            "TargetStrategy": "1000",
            "TargetStrategyParameters": "urgent",
            "OrderCapacity": "A",
        }
        text = told(replace(REPORT, echo=echo), poss_resend=True)
        assert text.startswith("35=8|97=Y|128=OBO|116=DLVS|57=SUB|37=")
        assert text.endswith("|528=A|847=1000|848=urgent|")

    @pytest.mark.parametrize("text", ["Ω and\x01SOH\n", "x" * 1_000])
    def test_any_text_can_be_written(self, text: str) -> None:
        assert "|58=" in told(replace(REPORT, text=text))


class TestCancelRejects:
    def reject(self, **changes: object) -> Report:
        report = replace(REPORT, kind=ReportKind.CANCEL_REFUSED, cl_ord_id="A2", text="no")
        for name, value in changes.items():
            setattr(report, name, value)
        report.orig_cl_ord_id = "A1"
        return report

    def test_too_late(self) -> None:
        report = self.reject(reason=Reason.TOO_LATE, state=ParentState.FILLED)
        for dialect in DIALECTS:
            assert told(report, dialect) == (
                f"35=9|37=P000000001|11=A2|41=A1|39=2|1=ACC|60={NOW_TEXT}|434=1|102=0|58=no|"
            )

    def test_unknown_order(self) -> None:
        report = self.reject(reason=Reason.UNKNOWN_ORDER, parent_id="", account="")
        assert told(report) == (f"35=9|37=NONE|11=A2|41=A1|39=8|60={NOW_TEXT}|434=1|102=1|58=no|")

    def test_a_replace_and_reasons_that_42_does_not_have(self) -> None:
        report = self.reject(kind=ReportKind.REPLACE_REFUSED, reason=Reason.DUPLICATE)
        assert "|434=2|102=6|" in told(report)
        assert "|434=2|102=0|" in told(report, FIX42)


class TestBusinessReject:
    def test_names_message_and_reason(self) -> None:
        reject = BusinessReject("AF", 3, "not here")
        for dialect in DIALECTS:
            outgoing = translator(dialect).business_reject(reject, 9)
            assert written(outgoing, dialect) == "35=j|45=9|372=AF|380=3|58=not here|"


class TestNumbersSurvive:
    @given(
        st.sampled_from(DIALECTS),
        st.integers(1, 10**9),
        st.integers(1, 10**12),
        st.integers(-(10**12), 10**12),
        st.integers(0, 10**9),
    )
    def test_what_is_reported_can_be_read_back(
        self, dialect: Dialect, quantity: int, price: int, fee: int, before: int
    ) -> None:
        cum = before + quantity
        report = replace(
            FILL,
            quantity=cum + 5,
            last_quantity=quantity,
            last_price_micros=price,
            cum_quantity=cum,
            leaves_quantity=5,
            cum_value_micros=cum * price,
            fee_micros=fee,
        )
        message = as_received(translator(dialect).report_message(report), dialect)

        def micros(tag: int) -> int:
            whole, _, decimals = message[tag].lstrip("-").partition(".")
            size = int(whole) * 1_000_000 + int(decimals.ljust(6, "0"))
            return -size if message[tag].startswith("-") else size

        assert int(message[32]) == quantity
        assert (int(message[14]), int(message[151]), int(message[38])) == (cum, 5, cum + 5)
        assert micros(31) == micros(6) == price  # every share at one price: so is the average
        assert micros(137 if dialect is FIX44 else 12) == fee
