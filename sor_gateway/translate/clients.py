"""Client messages to router facts, router reports to client messages.

Owns: which message becomes which fact, and how each report is laid out in each dialect (fix.md 3;
decisions.md "FIX choices"). What an order's fields mean is read in terms.py.
May not know: sessions, numbers, routing; it keeps no state but the client's name and dialect.

`ClientTranslator.to_fact` never raises, whatever a message holds: what makes an order is a fact,
what is FIX and makes no order is a fact that says why, and what we do not take at all is a
BusinessReject.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.dialect import Dialect, FeeStyle
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import (
    average_price,
    price_to_text,
    utc_timestamp,
)
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
    ParentState,
    Reason,
    ReportKind,
    Side,
)
from sor_gateway.translate import tables
from sor_gateway.translate.outgoing import Fields, Outgoing, clean, shown
from sor_gateway.translate.terms import (
    Refusal,
    legal,
    quantity_or_zero,
    read_side,
    read_strategy,
    read_terms,
    refuse_unwanted,
    sent_ns,
    terms_as_sent,
)

UNSUPPORTED_MSG_TYPE: Final = 3
"""BusinessRejectReason (380): a message type that we do not take."""
OTHER_REASON: Final = 0
"""BusinessRejectReason (380): none of those that FIX knows; the text tells."""
FIELD_MISSING: Final = 5
"""BusinessRejectReason (380): a field without which there is nothing to answer to."""

EXEC_ID_MAX: Final = 64
"""Characters of an ExecID (17) that are looked at: ours are shorter."""

HEADER_ECHO_TAGS: Final = tuple(tag for tag, _ in tables.HEADER_ECHO.values())


@dataclass(slots=True)
class BusinessReject:
    """A message that is answered with `j` and leads to no fact."""

    ref_msg_type: str
    reason: int
    """BusinessRejectReason (380) as FIX 4.4 numbers it."""
    text: str


class ClientTranslator:
    """Both directions for one client session."""

    def __init__(
        self, client: str, dialect: Dialect, markets: Mapping[str, str] | None = None
    ) -> None:
        """`markets`: the MIC of each venue, for executions of which its report never came."""
        self.client = client
        self.dialect = dialect
        self._markets = markets or {}
        self._body_echo = tables.BODY_ECHO[dialect.begin_string]
        self._reject_echo = tables.REJECT_ECHO[dialect.begin_string]
        self._replaced_status = tables.REPLACED_STATUS[dialect.begin_string]
        self._readers: dict[str, Callable[[Message, int, Refusal | None], ClientFact]] = {
            MsgType.ORDER_CANCEL_REQUEST: self._cancel,
            MsgType.ORDER_CANCEL_REPLACE_REQUEST: self._replace,
            MsgType.ORDER_STATUS_REQUEST: self._status,
            MsgType.DONT_KNOW_TRADE: self._dispute,
        }

        self._trans_types: dict[ReportKind, str] = {
            **dict.fromkeys(ReportKind, dialect.new_exec_trans_type or ""),
            ReportKind.STATUS: dialect.status_exec_trans_type or "",
            ReportKind.BUSTED: dialect.bust_exec_trans_type or "",
            ReportKind.CORRECTED: dialect.correct_exec_trans_type or "",
        }

    # --- messages to facts ------------------------------------------------------------------

    def to_fact(
        self,
        message: Message,
        now: int,
        next_parent_id: Callable[[], str] | str,
        throttled: str = "",
    ) -> ClientFact | BusinessReject:
        """What a client's application message says. `next_parent_id` is asked once, for a D.
        `throttled` is why a D, G, H or Q is refused whatever it says: it gets its own kind of
        refusal (8, 9 or j); an F knows no throttle."""
        msg_type = message.msg_type
        if msg_type not in REQUIRED:
            name = clean(f"35={shown(msg_type)}")
            text = f"{name} is not taken here; expected D, F, G, H or Q"
            return BusinessReject(msg_type, UNSUPPORTED_MSG_TYPE, text)
        for tag, field_name in REQUIRED[msg_type]:
            if not message.get(tag):
                text = f"{tag} ({field_name}) is missing in 35={msg_type}"
                return BusinessReject(msg_type, FIELD_MISSING, text)
        if throttled and msg_type in (MsgType.ORDER_STATUS_REQUEST, MsgType.DONT_KNOW_TRADE):
            return BusinessReject(msg_type, OTHER_REASON, throttled)
        held = Refusal(Reason.OTHER, throttled) if throttled else None
        if msg_type != MsgType.NEW_ORDER_SINGLE:
            return self._readers[msg_type](message, now, held)
        parent_id = next_parent_id if isinstance(next_parent_id, str) else next_parent_id()
        return self._new_order(message, now, parent_id, held)

    def _new_order(
        self, message: Message, now: int, parent_id: str, held: Refusal | None
    ) -> ClientFact:
        """A NewOrderSingle (D)."""
        try:
            if held is not None:
                raise held
            side = read_side(message)
            terms = read_terms(message)
            refuse_unwanted(message)
            strategy = read_strategy(message, self.dialect)
        except Refusal as refusal:
            return ParentUnreadable(
                now,
                parent_id,
                self.client,
                message[tags.ClOrdID],
                message[tags.Symbol],
                tables.SIDE_OF.get(message[tags.Side], Side.BUY),
                quantity_or_zero(message),
                refusal.reason,
                refusal.text,
                self._echo(message) | terms_as_sent(message),
            )
        return ParentSubmitted(
            now,
            parent_id,
            self.client,
            message[tags.ClOrdID],
            message[tags.Symbol],
            side,
            terms.quantity,
            terms.ord_type,
            terms.limit_micros,
            terms.time_in_force,
            strategy,
            message.get(tags.Account, ""),
            self._echo(message),
            message.get(tags.PossResend) == "Y",
            sent_ns(message),
        )

    def _cancel(self, message: Message, now: int, _: Refusal | None) -> ClientFact:
        """An OrderCancelRequest (F)."""
        cl_ord_id, orig = message[tags.ClOrdID], message[tags.OrigClOrdID]
        poss_resend = message.get(tags.PossResend) == "Y"
        return CancelRequested(now, self.client, cl_ord_id, orig, self._echo(message), poss_resend)

    def _dispute(self, message: Message, now: int, _: Refusal | None) -> ClientFact:
        """A DontKnowTrade (Q)."""
        return ExecutionDisputed(
            now,
            self.client,
            message[tags.ExecID][:EXEC_ID_MAX],
            message.get(tags.OrderID, ""),
            tables.DK_WORDS.get(message[tags.DKReason], "other"),
            clean(message.get(tags.Text, "")),
        )

    def _replace(self, message: Message, now: int, held: Refusal | None) -> ClientFact:
        """An OrderCancelReplaceRequest (G)."""
        cl_ord_id, orig = message[tags.ClOrdID], message[tags.OrigClOrdID]
        echo = self._echo(message)
        try:
            if held is not None:
                raise held
            terms = read_terms(message)
            refuse_unwanted(message)
            read_strategy(message, self.dialect)
        except Refusal as refusal:
            return AmendUnreadable(
                now, self.client, cl_ord_id, orig, True, refusal.reason, refusal.text, echo
            )
        return ReplaceRequested(
            now,
            self.client,
            cl_ord_id,
            orig,
            terms.quantity,
            terms.ord_type,
            terms.limit_micros,
            echo,
            message.get(tags.PossResend) == "Y",
        )

    def _status(self, message: Message, now: int, _: Refusal | None) -> ClientFact:
        """An OrderStatusRequest (H)."""
        request_id = message.get(tags.OrdStatusReqID, "")
        echo = self._echo(message)
        side = message.get(tags.Side, "")
        # An unknown order is answered with what the question held: 54 and 55 are required in 8.
        echo |= {"Symbol": message[tags.Symbol]}
        echo |= {"Side": side} if legal(side, tables.SIDES.values(), tables.SIDE_NAMES) else {}
        return StatusRequested(now, self.client, message[tags.ClOrdID], request_id, echo)

    def _echo(self, message: Message) -> dict[str, str]:
        """What every report about this message gives back, by FIX name."""
        echo: dict[str, str] = {}
        first = message.first
        if any(tag in first for tag in HEADER_ECHO_TAGS):
            for name, (tag, _) in tables.HEADER_ECHO.items():
                if value := first.get(tag):
                    echo[name] = value
        for name, tag in self._body_echo.items():
            if value := first.get(tag):
                echo[name] = value
        if echo.get("TargetStrategy", "") not in tables.STRATEGY_NAMES:
            # Public dictionaries end the list at 3: an EMS that validates by one would refuse each
            # report that gives a bilateral value back, and lose its fills. 848 tells it all.
            echo.pop("TargetStrategy", None)
        return echo

    # --- reports to messages ----------------------------------------------------------------

    def report_message(self, report: Report, *, poss_resend: bool = False) -> Outgoing:
        """A report as an ExecutionReport (8) or, for refused requests, an OrderCancelReject (9)."""
        header: Fields = [(tags.PossResend, "Y")] if poss_resend else []
        for name, (_, tag) in tables.HEADER_ECHO.items():
            if name in report.echo:
                header.append((tag, report.echo[name]))
        if report.kind in tables.CXL_REJ_RESPONSE_TO:
            return Outgoing(MsgType.ORDER_CANCEL_REJECT, self._cancel_reject(report), header)
        return Outgoing(MsgType.EXECUTION_REPORT, self._execution_report(report), header)

    def business_reject(self, reject: BusinessReject, ref_number: int) -> Outgoing:
        """The BusinessMessageReject (j) of a message that came with `ref_number`."""
        fields = [
            (tags.RefSeqNum, str(ref_number)),
            (tags.RefMsgType, reject.ref_msg_type),
            (tags.BusinessRejectReason, self.dialect.business_reject_reason(reject.reason)),
            (tags.Text, clean(reject.text)),
        ]
        return Outgoing(MsgType.BUSINESS_MESSAGE_REJECT, fields)

    def _execution_report(self, report: Report) -> Fields:
        """The body of an 8, in the order of the dictionaries."""
        fill = report.kind in TRADES
        status = self._ord_status(report)
        fields = self._identity(report, fill)
        if self.dialect.exec_trans_type_required:
            fields.append((tags.ExecTransType, self._trans_types[report.kind]))
        fields += [(tags.ExecType, self._exec_type(report, status)), (tags.OrdStatus, status)]
        if report.kind is ReportKind.RELEASED:
            fields.append((tags.ExecRestatementReason, tables.BROKER_OPTION))
        if report.state is ParentState.REJECTED and report.reason is not Reason.NONE:
            code = tables.ORD_REJ_REASONS.get(report.reason, tables.OTHER)
            fields.append((tags.OrdRejReason, self.dialect.ord_rej_reason(code)))
        fields += self._terms(report)
        if fill:
            fields += [
                (tags.LastQty, str(report.last_quantity)),
                (tags.LastPx, price_to_text(report.last_price_micros)),
            ]
            market = self._markets.get(report.last_market, report.last_market)
            fields += [(int(tags.LastMkt), market)] if market else []
        fields += [
            (tags.LeavesQty, str(report.leaves_quantity)),
            (tags.CumQty, str(report.cum_quantity)),
            (tags.AvgPx, average_price(report.cum_value_micros, report.cum_quantity)),
            (tags.TransactTime, utc_timestamp(report.at_ns)),
        ]
        fields += [(int(tags.Text), clean(report.text))] if report.text else []
        for name, tag in self._body_echo.items():
            if name in report.echo:
                fields.append((tag, report.echo[name]))
        return fields + (self._economics(report) if fill else [])

    def _identity(self, report: Report, fill: bool) -> Fields:
        """Which order, which request, which execution."""
        fields = [(int(tags.OrderID), report.parent_id or tables.UNKNOWN_ORDER_ID)]
        if report.venue_order_id:
            fields.append((tags.SecondaryOrderID, report.venue_order_id))
        if fill and report.venue_exec_id and self.dialect.secondary_exec_id:
            fields.append((tags.SecondaryExecID, report.venue_exec_id))
        fields.append((tags.ClOrdID, report.cl_ord_id))
        if report.orig_cl_ord_id:
            fields.append((tags.OrigClOrdID, report.orig_cl_ord_id))
        if report.request_id and self.dialect.status_request_id:
            fields.append((tags.OrdStatusReqID, report.request_id))
        fields.append((tags.ExecID, report.exec_id))
        return [*fields, (tags.ExecRefID, report.ref_exec_id)] if report.ref_exec_id else fields

    def _terms(self, report: Report) -> Fields:
        """What was ordered. An order that was refused unread gets its own words back."""
        sent = report.echo
        fields = [(int(tags.Account), report.account)] if report.account else []
        fields += [
            (tags.Symbol, report.symbol or sent.get("Symbol", tables.UNKNOWN_ORDER_ID)),
            (tags.Side, sent.get("Side", tables.SIDES[report.side])),
            (tags.OrderQty, sent.get("OrderQty", str(report.quantity))),
            (tags.OrdType, sent.get("OrdType", tables.ORD_TYPES[report.ord_type])),
        ]
        if "Price" in sent:
            fields.append((tags.Price, sent["Price"]))
        elif report.limit_micros is not None:
            fields.append((tags.Price, price_to_text(report.limit_micros)))
        tif = sent.get("TimeInForce", tables.TIMES_IN_FORCE[report.time_in_force])
        return [*fields, (tags.TimeInForce, tif)]

    def _economics(self, report: Report) -> Fields:
        """What the fill did at its market, and what it cost; groups come last."""
        fields: Fields = []
        if report.liquidity is Liquidity.MIDPOINT:
            fields.append(self.dialect.midpoint_liquidity)
        elif report.liquidity in tables.LAST_LIQUIDITY:
            value = self.dialect.liquidity(tables.LAST_LIQUIDITY[report.liquidity])
            fields += [(self.dialect.liquidity_tag, value)] if value else []
        amount = price_to_text(report.fee_micros)
        return fields + FEE_LAYOUTS[self.dialect.fee_style](amount)

    def _cancel_reject(self, report: Report) -> Fields:
        """The body of a 9."""
        unknown = report.reason is Reason.UNKNOWN_ORDER or not report.parent_id
        code = tables.CXL_REJ_REASONS.get(report.reason, tables.OTHER)
        fields = [
            (int(tags.OrderID), report.parent_id or tables.UNKNOWN_ORDER_ID),
            (tags.ClOrdID, report.cl_ord_id),
            (tags.OrigClOrdID, report.orig_cl_ord_id or tables.UNKNOWN_ORDER_ID),
            (tags.OrdStatus, "8" if unknown else self._ord_status(report)),
        ]
        for name, tag in self._reject_echo.items():
            if name in report.echo:
                fields.append((tag, report.echo[name]))
        fields += [(int(tags.Account), report.account)] if report.account else []
        fields += [
            (tags.TransactTime, utc_timestamp(report.at_ns)),
            (tags.CxlRejResponseTo, tables.CXL_REJ_RESPONSE_TO[report.kind]),
            (tags.CxlRejReason, self.dialect.cxl_rej_reason(code)),
        ]
        return fields + ([(int(tags.Text), clean(report.text))] if report.text else [])

    def _ord_status(self, report: Report) -> str:
        """OrdStatus (39): the state of the order after what is reported."""
        if report.state is ParentState.WORKING:
            if report.suspended:  # fix.md 3.2: before what it has executed
                return tables.SUSPENDED
            if report.cum_quantity:
                return tables.PARTIALLY_FILLED
            if report.kind is ReportKind.REPLACED:
                return self._replaced_status
        return tables.ORD_STATUS[report.state]

    def _exec_type(self, report: Report, status: str) -> str:
        """ExecType (150): why there is a report."""
        if report.kind is ReportKind.FILL:
            complete = report.cum_quantity >= report.quantity
            return self.dialect.exec_type_of_fill(complete=complete)
        if report.kind is ReportKind.STATUS:
            return self.dialect.exec_type_of_status(status)
        if report.kind is ReportKind.BUSTED:
            return self.dialect.exec_type_of_bust(status)
        if report.kind is ReportKind.CORRECTED:
            return self.dialect.exec_type_of_correct(status)
        return tables.EXEC_TYPES[report.kind]


TRADES: Final = frozenset({ReportKind.FILL, ReportKind.BUSTED, ReportKind.CORRECTED})
"""Reports about an execution."""
REQUIRED: Final = {
    MsgType.NEW_ORDER_SINGLE: (
        (tags.ClOrdID, "ClOrdID"),
        (tags.Symbol, "Symbol"),
        (tags.Side, "Side"),
        (tags.OrdType, "OrdType"),
    ),
    MsgType.ORDER_CANCEL_REQUEST: ((tags.ClOrdID, "ClOrdID"), (tags.OrigClOrdID, "OrigClOrdID")),
    MsgType.ORDER_CANCEL_REPLACE_REQUEST: (
        (tags.ClOrdID, "ClOrdID"),
        (tags.OrigClOrdID, "OrigClOrdID"),
        (tags.OrdType, "OrdType"),
    ),
    MsgType.ORDER_STATUS_REQUEST: ((tags.ClOrdID, "ClOrdID"), (tags.Symbol, "Symbol")),
    MsgType.DONT_KNOW_TRADE: ((tags.ExecID, "ExecID"), (tags.DKReason, "DKReason")),
}
"""The message types that we take, and the fields without which no answer could be written."""


def _misc_fee(amount: str) -> Fields:
    return [
        (tags.NoMiscFees, "1"),
        (tags.MiscFeeAmt, amount),
        (tags.MiscFeeCurr, tables.CURRENCY),
        (tags.MiscFeeType, "4"),  # exchange fees
    ]


def _commission(amount: str) -> Fields:
    return [(tags.Commission, amount), (tags.CommType, "3")]  # absolute


FEE_LAYOUTS: Final = {FeeStyle.MISC_FEES: _misc_fee, FeeStyle.COMMISSION: _commission}
