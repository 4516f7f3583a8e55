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
    text_to_price,
    text_to_quantity,
    utc_timestamp,
)
from venue_sims.commands import (
    CancelReceived,
    Command,
    MassCancelReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.matching.orders import Lifetime, MinQtyMode
from venue_sims.reports import Report
from venue_sims.words import Capacity, Liquidity, OrdType, Reason, ReportKind, State

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
_ORD_TYPES: Final = {"1": OrdType.MARKET, "2": OrdType.LIMIT, "P": OrdType.MID_PEG}
_ORD_TYPE_TEXTS: Final = {ord_type: text for text, ord_type in _ORD_TYPES.items()}
_MID_PEG: Final = "M"
_POST_ONLY: Final = "6"
_HARMLESS: Final = frozenset({"1", "5", "h"})
"""Instructions (18) that a venue which never routes obeys by doing nothing: not held, held, no
routing."""
_STATES: Final = {
    State.NEW: "0",
    State.PARTIALLY_FILLED: "1",
    State.FILLED: "2",
    State.CANCELED: "4",
    State.REJECTED: "8",
    State.EXPIRED: "C",
}
_EXEC_TYPES: Final = {
    ReportKind.NEW: "0",
    ReportKind.CANCELED: "4",
    ReportKind.REPLACED: "5",
    ReportKind.REJECTED: "8",
    ReportKind.EXPIRED: "C",
}
_ORD_REJ: Final = {
    Reason.UNKNOWN_SYMBOL: 1,
    Reason.HALTED: 2,
    Reason.EXCEEDS_LIMIT: 3,
    Reason.UNKNOWN_ORDER: 5,
    Reason.DUPLICATE: 6,
    Reason.UNSUPPORTED: 11,
    Reason.BAD_QUANTITY: 13,
}
_CXL_REJ: Final = {Reason.TOO_LATE: 0, Reason.UNKNOWN_ORDER: 1, Reason.DUPLICATE: 6}
_OTHER: Final = 99
_VENUE_OPTION: Final = 2
"""CxlRejReason of the venue's own rules, where the version has no 6 and no 99."""
_UNSUPPORTED_MESSAGE: Final = 3
_APPLICATION_FIELD_MISSING: Final = 5
_OTHER_BUSINESS: Final = 0
_BY_SYMBOL: Final = "1"
_ALL_ORDERS: Final = "7"


@dataclass(slots=True)
class BusinessReject:
    """A message that gets a BusinessMessageReject (j): 380 and its text."""

    reason: int
    text: str


class _UnusableError(Exception):
    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


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
    return BusinessReject(_UNSUPPORTED_MESSAGE, f"35={kind} is not taken here")


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


def _order(message: Message, session: str, now: int, poss_resend: bool) -> Command | BusinessReject:
    capacity = _CAPACITIES.get(message[tags.Side])
    if capacity is None:
        return BusinessReject(_OTHER_BUSINESS, f"54={message[tags.Side]} is not taken here")
    terms = Terms(
        cl_ord_id=message[tags.ClOrdID],
        symbol=message[tags.Symbol],
        capacity=capacity,
        ord_type=OrdType.LIMIT,
        quantity=0,
        self_match_id=message.get(tags.SelfMatchID, ""),
        account=message.get(tags.Account, ""),
    )
    try:
        _read_terms(message, terms)
    except _UnusableError as error:
        return OrderUnusable(session, now, terms, error.reason, error.text)
    return OrderReceived(session, now, terms, poss_resend)


def _read_terms(message: Message, terms: Terms) -> None:
    """Fill in the terms as far as they can be read. Raises _UnusableError at what cannot."""
    terms.quantity = _quantity(message, tags.OrderQty)
    ord_type = _ORD_TYPES.get(message[tags.OrdType])
    if ord_type is None:
        raise _UnusableError(Reason.UNSUPPORTED, f"40={message[tags.OrdType]} is not taken here")
    terms.ord_type = ord_type
    if ord_type is not OrdType.MARKET:
        terms.price = _price(message)
    lifetime = _LIFETIMES.get(message.get(tags.TimeInForce, "0"))
    if lifetime is None:
        text = f"59={message.get(tags.TimeInForce)} is not taken here"
        raise _UnusableError(Reason.UNSUPPORTED, text)
    terms.lifetime = lifetime
    _read_instructions(message, terms)
    terms.min_qty = _quantity(message, tags.MinQty)
    if message.get(tags.MinQtyMode) == "M":
        terms.min_qty_mode = MinQtyMode.MINIMUM_EXECUTION
    if len(terms.cl_ord_id) > CL_ORD_ID_MAX:
        text = f"ClOrdID longer than {CL_ORD_ID_MAX} characters"
        raise _UnusableError(Reason.UNSUPPORTED, text)


def _read_instructions(message: Message, terms: Terms) -> None:
    """ExecInst (18), MaxFloor (111) and the extensions. Raises _UnusableError."""
    instructions = set(message.get(tags.ExecInst, "").split())
    if (terms.ord_type is OrdType.MID_PEG) != (_MID_PEG in instructions):
        raise _UnusableError(Reason.UNSUPPORTED, "40=P and 18=M belong together")
    terms.post_only = _POST_ONLY in instructions
    strange = sorted(instructions - _HARMLESS - {_MID_PEG, _POST_ONLY})
    if strange:
        raise _UnusableError(Reason.UNSUPPORTED, f"18={' '.join(strange)} is not taken here")
    for tag in (tags.Conditional, tags.DLimit):
        if message.get(tag, "N") != "N":
            raise _UnusableError(Reason.UNSUPPORTED, f"{tag}={message[tag]} is not taken here")
    if tags.MaxFloor in message:
        shown = _quantity(message, tags.MaxFloor)
        terms.hidden = shown == 0
        if 0 < shown < terms.quantity:
            raise _UnusableError(Reason.UNSUPPORTED, "reserve orders are not taken here")


def _quantity(message: Message, tag: int) -> int:
    try:
        return text_to_quantity(message.get(tag, "0"))
    except ValueError as error:
        raise _UnusableError(Reason.BAD_QUANTITY, f"{tag}: {error}") from error


def _price(message: Message) -> int | None:
    text = message.get(tags.Price)
    if text is None:
        return None
    try:
        return text_to_price(text)
    except ValueError as error:
        raise _UnusableError(Reason.PRICE_INCREMENT, f"44: {error}") from error


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
        command.quantity = _quantity(message, tags.OrderQty)
        command.price = _price(message)
        if tags.MinQty in message:
            command.min_qty = _quantity(message, tags.MinQty)
    except _UnusableError as error:
        command.problem = error.text
    return command


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
    symbol = message.get(tags.Symbol, "")
    if scope == _BY_SYMBOL and not symbol:
        return BusinessReject(_APPLICATION_FIELD_MISSING, "530=1 needs 55")
    return MassCancelReceived(
        session,
        now,
        message[tags.ClOrdID],
        symbol if scope == _BY_SYMBOL else "",
        _CAPACITIES.get(message.get(tags.Side, "")),
        "" if scope in (_BY_SYMBOL, _ALL_ORDERS) else scope,
    )


# --- to clients -----------------------------------------------------------------------------


def to_message(report: Report, dialect: Dialect, mic: str) -> tuple[str, Fields]:
    """The FIX message of a report: type and body in wire order."""
    if report.kind in (ReportKind.CANCEL_REFUSED, ReportKind.REPLACE_REFUSED):
        return MsgType.ORDER_CANCEL_REJECT, _cancel_reject(report, dialect)
    if report.kind is ReportKind.MASS_CANCELED:
        return MsgType.ORDER_MASS_CANCEL_REPORT, _mass_cancel_report(report)
    return MsgType.EXECUTION_REPORT, _execution_report(report, dialect, mic)


def _execution_report(report: Report, dialect: Dialect, mic: str) -> Fields:
    terms = report.terms
    fields: Fields = [(tags.OrderID, report.order_id), (tags.ClOrdID, terms.cl_ord_id)]
    if report.orig_cl_ord_id:
        fields.append((tags.OrigClOrdID, report.orig_cl_ord_id))
    fields.append((tags.ExecID, report.exec_id))
    fields += _kind_fields(report, dialect)
    if terms.account:
        fields.append((tags.Account, terms.account))
    fields += [(tags.Symbol, terms.symbol), (tags.Side, _SIDES[terms.capacity])]
    if report.kind is not ReportKind.UNKNOWN:
        fields += _terms_fields(terms)
    if report.kind is ReportKind.TRADE:
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
    if report.kind is ReportKind.TRADE:
        fields += _liquidity_fields(report, dialect) + _fee_fields(report, dialect)
    if report.status_id and dialect.status_request_id:
        fields.append((tags.OrdStatusReqID, report.status_id))
    if terms.self_match_id:
        fields.append((tags.SelfMatchID, terms.self_match_id))
    return fields


def _kind_fields(report: Report, dialect: Dialect) -> Fields:
    """20, 150, 39, 103."""
    state = _STATES[report.state]
    status = report.kind in (ReportKind.STATUS, ReportKind.UNKNOWN)
    fields: Fields = []
    if dialect.new_exec_trans_type is not None and dialect.status_exec_trans_type is not None:
        trans = dialect.status_exec_trans_type if status else dialect.new_exec_trans_type
        fields.append((tags.ExecTransType, trans))
    if status:
        exec_type = dialect.exec_type_of_status(state)
    elif report.kind is ReportKind.TRADE:
        exec_type = dialect.exec_type_of_fill(complete=report.state is State.FILLED)
    else:
        exec_type = _EXEC_TYPES[report.kind]
    fields += [(tags.ExecType, exec_type), (tags.OrdStatus, state)]
    if report.reason is not None:
        code = dialect.ord_rej_reason(_ORD_REJ.get(report.reason, _OTHER))
        fields.append((tags.OrdRejReason, code))
    return fields


def _terms_fields(terms: Terms) -> Fields:
    """38, 40, 44, 59, 18, 111, 110."""
    fields: Fields = [
        (tags.OrderQty, str(terms.quantity)),
        (tags.OrdType, _ORD_TYPE_TEXTS[terms.ord_type]),
    ]
    if terms.price is not None:
        fields.append((tags.Price, price_to_text(terms.price)))
    fields.append((tags.TimeInForce, _TIMES_IN_FORCE[terms.lifetime]))
    if terms.ord_type is OrdType.MID_PEG:
        fields.append((tags.ExecInst, _MID_PEG))
    elif terms.post_only:
        fields.append((tags.ExecInst, _POST_ONLY))
    if terms.min_qty:
        fields.append((tags.MinQty, str(terms.min_qty)))
    if terms.hidden:
        fields.append((tags.MaxFloor, "0"))
    return fields


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


def _mass_cancel_report(report: Report) -> Fields:
    """`text` holds the scope (530) of a request that this venue does not have."""
    unsupported = report.text
    scope = unsupported or (_BY_SYMBOL if report.terms.symbol else _ALL_ORDERS)
    fields: Fields = [
        (tags.ClOrdID, report.terms.cl_ord_id),
        (tags.OrderID, report.exec_id),
        (tags.MassCancelRequestType, scope),
        (tags.MassCancelResponse, "0" if unsupported else scope),
    ]
    if unsupported:
        fields.append((tags.MassCancelRejectReason, "0"))
    fields.append((tags.TotalAffectedOrders, str(len(report.affected))))
    if report.affected:
        fields.append((tags.NoAffectedOrders, str(len(report.affected))))
        for cl_ord_id, order_id in zip(report.affected_cl_ord_ids, report.affected, strict=True):
            fields += [(tags.OrigClOrdID, cl_ord_id), (tags.AffectedOrderID, order_id)]
    if report.terms.symbol:
        fields.append((tags.Symbol, report.terms.symbol))
    fields.append((tags.TransactTime, utc_timestamp(report.at_ns, micros=True)))
    return fields
