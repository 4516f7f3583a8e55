"""FIX messages to the venue's commands, and its reports to FIX messages, per dialect.

Owns: which tag says what (venues.md 4.2). Pure functions.
May not know: books, sessions' numbers, sockets, clocks.
"""

from __future__ import annotations

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
from venue_sims.commands import (
    CancelReceived,
    Command,
    MassCancelReceived,
    MassStatusReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.facts import TradeDenied
from venue_sims.instructions import (
    PEGGED,
    UnusableError,
    instruction_fields,
    invitation_fields,
    read_display,
    read_instructions,
    read_manner,
    read_price,
    read_quantity,
)
from venue_sims.mass_report import ALL_ORDERS, BY_SYMBOL, mass_cancel_report
from venue_sims.matching.orders import D_LIMITS, Lifetime, Manner
from venue_sims.reports import Report
from venue_sims.words import (
    PEG_KINDS,
    Capacity,
    Liquidity,
    OrdType,
    Reason,
    ReportKind,
    Restatement,
    State,
)

Fields = list[tuple[int, str]]

CL_ORD_ID_MAX: Final = 20

_CAPACITIES: Final = {
    "1": Capacity.BUY,
    "2": Capacity.SELL,
    "5": Capacity.SELL_SHORT,
    "6": Capacity.SELL_SHORT_EXEMPT,
}
_SIDES: Final = {capacity: text for text, capacity in _CAPACITIES.items()}
_LIFETIMES: Final = {"0": Lifetime.DAY, "3": Lifetime.IOC, "4": Lifetime.FOK}
_TIMES_IN_FORCE: Final = {lifetime: text for text, lifetime in _LIFETIMES.items()}
_ORD_TYPES: Final = {"1": OrdType.MARKET, "2": OrdType.LIMIT, PEGGED: OrdType.MID_PEG}
_ORD_TYPE_TEXTS: Final = {
    OrdType.MARKET: "1",
    OrdType.LIMIT: "2",
    **dict.fromkeys(PEG_KINDS, PEGGED),
}
_STATES: Final = {
    State.NEW: "0",
    State.PARTIALLY_FILLED: "1",
    State.FILLED: "2",
    State.CANCELED: "4",
    State.REJECTED: "8",
    State.EXPIRED: "C",
    State.PENDING_NEW: "A",
    State.PENDING_CANCEL: "6",
    State.PENDING_REPLACE: "E",
}
_EXEC_TYPES: Final = {
    ReportKind.NEW: "0",
    ReportKind.CANCELED: "4",
    ReportKind.REPLACED: "5",
    ReportKind.RESTATED: "D",
    ReportKind.REJECTED: "8",
    ReportKind.EXPIRED: "C",
}
_ORD_REJ: Final = {
    Reason.UNKNOWN_SYMBOL: 1,
    Reason.HALTED: 2,
    Reason.CLOSED: 2,
    Reason.EXCEEDS_LIMIT: 3,
    Reason.TOO_LATE: 4,
    Reason.UNKNOWN_ORDER: 5,
    Reason.DUPLICATE: 6,
    Reason.UNSUPPORTED: 11,
    Reason.BAD_QUANTITY: 13,
}
_CXL_REJ: Final = {Reason.TOO_LATE: 0, Reason.UNKNOWN_ORDER: 1, Reason.DUPLICATE: 6}
_RESTATEMENTS: Final = {
    Restatement.REPRICED: 3,
    Restatement.DECLINED: 5,
    Restatement.DISCONNECTED: 7,
    Restatement.TAKEN_OUT: 8,
}
_TRADES: Final = frozenset(
    {ReportKind.TRADE, ReportKind.TRADE_CANCELED, ReportKind.TRADE_CORRECTED}
)
"""What is about one trade, and says of what quantity and price it is."""
_OTHER: Final = 99
OTHER_BUSINESS: Final = 0
"""BusinessRejectReason (380) of what has none of its own."""
_VENUE_OPTION: Final = 2
"""CxlRejReason of the venue's own rules, where the version has no 6 and no 99."""
UNSUPPORTED_MESSAGE: Final = 3
_APPLICATION_FIELD_MISSING: Final = 5


@dataclass(slots=True)
class BusinessReject:
    """A message that gets a BusinessMessageReject (j): 380 and its text."""

    reason: int
    text: str


# --- from clients ---------------------------------------------------------------------------


def to_command(
    message: Message, session: str, dialect: Dialect, now: int, poss_resend: bool
) -> Command | BusinessReject:
    """What a client's message asks for. The message passed the dictionary."""
    kind = message.msg_type
    if kind == MsgType.NEW_ORDER_SINGLE:
        return _order(message, session, now, poss_resend)
    if kind == MsgType.ORDER_CANCEL_REQUEST:
        return CancelReceived(
            session,
            now,
            message[tags.ClOrdID],
            message[tags.OrigClOrdID],
            message.get(tags.Symbol, ""),
        )
    if kind == MsgType.ORDER_CANCEL_REPLACE_REQUEST:
        return _replace(message, session, now)
    if kind == MsgType.ORDER_STATUS_REQUEST:
        return _status(message, session, now)
    if kind == MsgType.ORDER_MASS_CANCEL_REQUEST and dialect.mass_cancel:
        return _mass_cancel(message, session, now)
    if kind == MsgType.ORDER_MASS_STATUS_REQUEST and dialect.mass_status:
        return _mass_status(message, session, now)
    return not_taken(kind)


def not_taken(msg_type: str) -> BusinessReject:
    """A message that this venue does not take."""
    return BusinessReject(UNSUPPORTED_MESSAGE, f"35={msg_type} is not taken here")


def business_reject(
    message: Message, number: int, reject: BusinessReject, dialect: Dialect
) -> Fields:
    """The body of a BusinessMessageReject (j)."""
    return [
        (tags.RefSeqNum, str(number)),
        (tags.RefMsgType, message.msg_type),
        (tags.BusinessRejectReason, dialect.business_reject_reason(reject.reason)),
        (tags.Text, reject.text),
    ]


def denied(message: Message, session: str, now: int) -> TradeDenied:
    """What a DontKnowTrade (Q) says. The message passed the dictionary."""
    return TradeDenied(
        now,
        session,
        message[tags.OrderID],
        message[tags.ExecID],
        message[tags.DKReason],
        message.get(tags.Text, ""),
    )


def _order(message: Message, session: str, now: int, poss_resend: bool) -> Command:
    side = message[tags.Side]
    capacity = _CAPACITIES.get(side, Capacity.OTHER)
    terms = Terms(
        cl_ord_id=message[tags.ClOrdID],
        symbol=message[tags.Symbol],
        capacity=capacity,
        ord_type=OrdType.LIMIT,
        quantity=0,
        self_match_id=message.get(tags.SelfMatchID, ""),
        account=message.get(tags.Account, ""),
        side=side if capacity is Capacity.OTHER else "",
    )
    try:
        _read_terms(message, terms)
        if terms.side:
            raise UnusableError(Reason.UNSUPPORTED, f"54={side} is not taken here")
    except UnusableError as error:
        return OrderUnusable(session, now, terms, error.reason, error.text)
    return OrderReceived(session, now, terms, poss_resend)


def _read_terms(message: Message, terms: Terms) -> None:
    """Fill in the terms as far as they can be read. Raises UnusableError at what cannot."""
    terms.quantity = read_quantity(message, tags.OrderQty)
    ord_type = _ORD_TYPES.get(message[tags.OrdType])
    if ord_type is None:
        raise UnusableError(Reason.UNSUPPORTED, f"40={message[tags.OrdType]} is not taken here")
    terms.ord_type = ord_type
    if ord_type is not OrdType.MARKET:
        terms.price = read_price(message, tags.Price)
    lifetime = _LIFETIMES.get(message.get(tags.TimeInForce, "0"))
    if lifetime is None:
        text = f"59={message.get(tags.TimeInForce)} is not taken here"
        raise UnusableError(Reason.UNSUPPORTED, text)
    terms.lifetime = lifetime
    read_instructions(message, terms)
    if len(terms.cl_ord_id) > CL_ORD_ID_MAX:
        text = f"ClOrdID longer than {CL_ORD_ID_MAX} characters"
        raise UnusableError(Reason.UNSUPPORTED, text)


def _replace(message: Message, session: str, now: int) -> ReplaceReceived:
    command = ReplaceReceived(
        session,
        now,
        message[tags.ClOrdID],
        message[tags.OrigClOrdID],
        message.get(tags.Symbol, ""),
        0,
        None,
    )
    try:
        _read_fixed(message, command)
        command.quantity = read_quantity(message, tags.OrderQty)
        command.price = read_price(message, tags.Price)
        if tags.MinQty in message:
            command.min_qty = read_quantity(message, tags.MinQty)
        if tags.MaxFloor in message:
            command.max_floor, command.hidden = read_display(message, command.quantity)
        if tags.ExecInst in message or tags.DLimit in message:
            manner = read_manner(message)
            # What 9704 says of a peg is what it is pegged to, and stays.
            pegged = message.get(tags.OrdType) == PEGGED
            command.manner = Manner.PLAIN if pegged and manner in D_LIMITS else manner
    except UnusableError as error:
        command.problem = error.text
    return command


def _read_fixed(message: Message, command: ReplaceReceived) -> None:
    """What of the order a replace may not change. Raises UnusableError at what no order has."""
    side, lifetime = message.get(tags.Side, ""), message.get(tags.TimeInForce, "")
    ord_type = message.get(tags.OrdType, "")
    command.capacity = _CAPACITIES.get(side)
    command.ord_type = _ORD_TYPES.get(ord_type)
    command.lifetime = _LIFETIMES.get(lifetime)
    for tag, text, known in (
        (tags.Side, side, command.capacity),
        (tags.OrdType, ord_type, command.ord_type),
        (tags.TimeInForce, lifetime, command.lifetime),
    ):
        if text and known is None:
            raise UnusableError(Reason.UNSUPPORTED, f"{tag}={text} is not taken here")


def _status(message: Message, session: str, now: int) -> StatusReceived:
    return StatusReceived(
        session,
        now,
        message[tags.ClOrdID],
        message.get(tags.OrderID, ""),
        message.get(tags.OrdStatusReqID, ""),
        message.get(tags.Symbol, ""),
        _CAPACITIES.get(message.get(tags.Side, ""), Capacity.BUY),
    )


def _mass_cancel(message: Message, session: str, now: int) -> Command | BusinessReject:
    scope = message[tags.MassCancelRequestType]
    symbol, side = message.get(tags.Symbol, ""), message.get(tags.Side, "")
    if scope == BY_SYMBOL and not symbol:
        return BusinessReject(_APPLICATION_FIELD_MISSING, "530=1 needs 55")
    if side and side not in _CAPACITIES:
        return BusinessReject(OTHER_BUSINESS, f"54={side} is not taken here")
    return MassCancelReceived(
        session,
        now,
        message[tags.ClOrdID],
        symbol if scope == BY_SYMBOL else "",
        _CAPACITIES.get(side),
        "" if scope in (BY_SYMBOL, ALL_ORDERS) else scope,
    )


def _mass_status(message: Message, session: str, now: int) -> Command | BusinessReject:
    scope = message[tags.MassStatusReqType]
    symbol, side = message.get(tags.Symbol, ""), message.get(tags.Side, "")
    if scope not in (BY_SYMBOL, ALL_ORDERS):
        return BusinessReject(OTHER_BUSINESS, f"585={scope} is not taken here")
    if scope == BY_SYMBOL and not symbol:
        return BusinessReject(_APPLICATION_FIELD_MISSING, "585=1 needs 55")
    if side and side not in _CAPACITIES:
        return BusinessReject(OTHER_BUSINESS, f"54={side} is not taken here")
    return MassStatusReceived(
        session,
        now,
        message[tags.MassStatusReqID],
        symbol if scope == BY_SYMBOL else "",
        _CAPACITIES.get(side),
    )


# --- to clients -----------------------------------------------------------------------------


def to_message(report: Report, dialect: Dialect, mic: str) -> tuple[str, Fields]:
    """The FIX message of a report: type and body in wire order."""
    if report.kind in (ReportKind.CANCEL_REFUSED, ReportKind.REPLACE_REFUSED):
        return MsgType.ORDER_CANCEL_REJECT, _cancel_reject(report, dialect)
    if report.kind is ReportKind.MASS_CANCELED:
        return MsgType.ORDER_MASS_CANCEL_REPORT, mass_cancel_report(report)
    return MsgType.EXECUTION_REPORT, _execution_report(report, dialect, mic)


def _execution_report(report: Report, dialect: Dialect, mic: str) -> Fields:
    terms = report.terms
    fields: Fields = [(tags.OrderID, report.order_id)]
    if terms.cl_ord_id:
        fields.append((tags.ClOrdID, terms.cl_ord_id))
    if report.orig_cl_ord_id:
        fields.append((tags.OrigClOrdID, report.orig_cl_ord_id))
    fields.append((tags.ExecID, report.exec_id))
    if report.ref_exec_id:
        fields.append((tags.ExecRefID, report.ref_exec_id))
    fields += _kind_fields(report, dialect)
    if terms.account:
        fields.append((tags.Account, terms.account))
    fields += [(tags.Symbol, terms.symbol), (tags.Side, terms.side or _SIDES[terms.capacity])]
    if report.kind is not ReportKind.UNKNOWN:
        fields += _terms_fields(terms)
    if report.kind in _TRADES:
        fields += [
            (tags.LastQty, str(report.last_quantity)),
            (tags.LastPx, price_to_text(report.last_price)),
            (tags.LastMkt, mic),
        ]
    fields += [
        (tags.LeavesQty, str(report.leaves)),
        (tags.CumQty, str(report.cum_quantity)),
        (tags.AvgPx, average_price(report.cum_value_micros, report.cum_quantity)),
        (tags.TransactTime, utc_timestamp(report.at_ns, micros=True)),
    ]
    if report.text:
        fields.append((tags.Text, report.text))
    if report.kind in _TRADES:
        fields += _liquidity_fields(report, dialect) + _fee_fields(report, dialect)
    if report.status_id and dialect.status_request_id:
        fields.append((tags.OrdStatusReqID, report.status_id))
    if report.mass_id:
        fields += [
            (tags.MassStatusReqID, report.mass_id),
            (tags.TotNumReports, str(report.total)),
            (tags.LastRptRequested, "Y" if report.last else "N"),
        ]
    fields += invitation_fields(report)
    if terms.self_match_id:
        fields.append((tags.SelfMatchID, terms.self_match_id))
    return fields


def _kind_fields(report: Report, dialect: Dialect) -> Fields:
    """20, 150, 39, 378, 103."""
    state = _STATES[report.state]
    fields: Fields = []
    trans = _exec_trans_type(report.kind, dialect)
    if trans is not None:
        fields.append((tags.ExecTransType, trans))
    exec_type = _exec_type(report, state, dialect)
    fields += [(tags.ExecType, exec_type), (tags.OrdStatus, state)]
    if report.restatement is not None:
        restated = _RESTATEMENTS[report.restatement]
        if restated in dialect.exec_restatement_reasons.allowed:
            fields.append((tags.ExecRestatementReason, str(restated)))
    if report.reason is not None:
        number = _ORD_REJ.get(report.reason, _OTHER) if report.code is None else report.code
        fields.append((tags.OrdRejReason, dialect.ord_rej_reason(number)))
    return fields


def _exec_trans_type(kind: ReportKind, dialect: Dialect) -> str | None:
    if kind in (ReportKind.STATUS, ReportKind.UNKNOWN):
        return dialect.status_exec_trans_type
    if kind is ReportKind.TRADE_CANCELED:
        return dialect.bust_exec_trans_type
    if kind is ReportKind.TRADE_CORRECTED:
        return dialect.correct_exec_trans_type
    return dialect.new_exec_trans_type


def _exec_type(report: Report, state: str, dialect: Dialect) -> str:
    kind = report.kind
    if kind in (ReportKind.STATUS, ReportKind.UNKNOWN):
        return dialect.exec_type_of_status(state)
    if kind is ReportKind.TRADE:
        return dialect.exec_type_of_fill(complete=report.state is State.FILLED)
    if kind is ReportKind.TRADE_CANCELED:
        return dialect.exec_type_of_bust(state)
    if kind is ReportKind.TRADE_CORRECTED:
        return dialect.exec_type_of_correct(state)
    return state if kind is ReportKind.PENDING else _EXEC_TYPES[kind]


def _terms_fields(terms: Terms) -> Fields:
    """38, 40, 44, 59 and what `instruction_fields` adds."""
    fields: Fields = [
        (tags.OrderQty, str(terms.quantity)),
        (tags.OrdType, _ORD_TYPE_TEXTS[terms.ord_type]),
    ]
    if terms.price is not None:
        fields.append((tags.Price, price_to_text(terms.price)))
    fields.append((tags.TimeInForce, _TIMES_IN_FORCE[terms.lifetime]))
    return fields + instruction_fields(terms)


def _liquidity_fields(report: Report, dialect: Dialect) -> Fields:
    if report.liquidity is Liquidity.MIDPOINT:
        return [dialect.midpoint_liquidity]
    value = dialect.liquidity(1 if report.liquidity is Liquidity.ADDED else 2)
    assert value is not None
    return [(dialect.liquidity_tag, value)]


def _fee_fields(report: Report, dialect: Dialect) -> Fields:
    """The whole fee of the fill in dollars; a rebate is negative."""
    amount = price_to_text(report.fee_micros)
    if dialect.fee_style is FeeStyle.COMMISSION:
        return [(tags.Commission, amount), (tags.CommType, "3")]
    return [
        (tags.NoMiscFees, "1"),
        (tags.MiscFeeAmt, amount),
        (tags.MiscFeeCurr, "USD"),
        (tags.MiscFeeType, "4"),
    ]


def _cancel_reject(report: Report, dialect: Dialect) -> Fields:
    assert report.reason is not None
    code = _CXL_REJ.get(report.reason, _OTHER)
    if code not in dialect.cxl_rej_reasons.allowed:
        code = _VENUE_OPTION
    response_to = "1" if report.kind is ReportKind.CANCEL_REFUSED else "2"
    fields = [
        (tags.OrderID, report.order_id),
        (tags.ClOrdID, report.terms.cl_ord_id),
        (tags.OrigClOrdID, report.orig_cl_ord_id),
        (tags.OrdStatus, _STATES[report.state]),
    ]
    if report.terms.account:
        fields.append((tags.Account, report.terms.account))
    return [
        *fields,
        (tags.TransactTime, utc_timestamp(report.at_ns, micros=True)),
        (tags.CxlRejResponseTo, response_to),
        (tags.CxlRejReason, str(code)),
        (tags.Text, report.text),
    ]
