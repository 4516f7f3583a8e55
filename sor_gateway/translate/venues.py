"""Router commands to venue messages, venue messages to router facts.

Owns: how a child order, a cancel and a status request are written in each dialect, and what the
venue's reports mean (venues.md 4.2).
May not know: sessions, numbers, parents; it keeps no state but the venue's name, dialect and fees.

A message that cannot be used is not an exception: `Unusable` says why, the engine raises an alarm,
and the child's own doubt rules find out what was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sor_gateway.fix import tags
from sor_gateway.fix.codec import decode
from sor_gateway.fix.dialect import Dialect
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import (
    price_to_text,
    utc_timestamp,
)
from sor_gateway.sor.commands import (
    AskChild,
    AskVenue,
    CancelChild,
    Command,
    DenyExecution,
    SendChild,
)
from sor_gateway.sor.events import (
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildRestated,
    ChildStatusReported,
    FillRevised,
    MassStatusRefused,
    SessionStatusChanged,
    VenueFact,
)
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    Micros,
    OrdType,
    Reason,
    Shares,
)
from sor_gateway.translate import tables
from sor_gateway.translate.outgoing import Fields, Outgoing, clean, shown
from sor_gateway.translate.report_fields import (
    Useless,
    average_micros,
    average_or_zero,
    read_child_id,
    read_order_quantity,
    read_price,
    read_quantity,
    reported_fee,
    required,
    time_or_zero,
)

MID_PRICE_PEG: Final = "M"
"""ExecInst (18) of an order pegged to the midpoint."""
INTERMARKET_SWEEP: Final = "f"
"""ExecInst (18) of an order that may trade without regard to other venues (Reg NMS 600(b)(31)); a
named extension of both dialects (decisions.md)."""
ALL_ORDERS: Final = "7"
"""MassStatusReqType (585)."""
POST_ONLY: Final = "6"
"""ExecInst (18) of an order that is refused rather than take (ParticipateDontInitiate)."""
UNKNOWN_ORDER_REASON: Final = "5"
"""OrdRejReason (103) in the answer to a status request about an order the venue never had."""
UNKNOWN_TO_CANCEL: Final = "1"
"""CxlRejReason (102): unknown order."""

FILL_TYPES: Final = frozenset({"F", "1", "2"})
"""ExecType (150) of fills: F on FIX 4.4, 1 and 2 on FIX 4.2."""
ENDED_TYPES: Final = {
    "4": ChildState.CANCELED,
    "C": ChildState.EXPIRED,
    "3": ChildState.EXPIRED,
    "8": ChildState.REJECTED,
}
"""ExecType (150) of reports after which the order is over. Done-for-day is over for us: children
live for a day at most."""
INFORMATIONAL_TYPES: Final = frozenset({"A", "6", "E", "7", "9", "B"})
"""Pending states, stopped, suspended, calculated: nothing that the router books."""
RESTATED_TYPE: Final = "D"
"""ExecType (150): the venue changed a live order by itself."""
ENDED_STATUS: Final = ENDED_TYPES | {"2": ChildState.FILLED}
"""OrdStatus (39) of an order that is over."""
PENDING_CANCEL_STATUS: Final = "6"
"""OrdStatus (39) of a live order whose cancel the venue is working on."""
LIVE_STATUS: Final = frozenset({"0", "1", "5", "6", "7", "9", "A", "D", "E"})
"""OrdStatus (39) of an order that may still fill."""


class Fees(Protocol):
    """What translation needs to know of a venue; `VenueSettings` has it all."""

    name: str
    mic: str
    take_fee_micros: Micros
    add_fee_micros: Micros
    mid_fee_micros: Micros


@dataclass(slots=True)
class Unusable:
    """A message that leads to no fact because something in it is missing or makes no sense."""

    text: str


class StoredKind(StrEnum):
    """What a stored message of ours was."""

    ORDER = "order"
    CANCEL = "cancel"
    STATUS = "status"
    MASS_STATUS = "mass-status"
    SYMBOL_STATUS = "symbol-status"
    SESSION_STATUS = "session-status"
    OTHER = "other"


ASKED_ANEW: Final = frozenset(
    {
        *(StoredKind.STATUS, StoredKind.MASS_STATUS),
        *(StoredKind.SYMBOL_STATUS, StoredKind.SESSION_STATUS),
    }
)
"""Questions: they are asked anew after each connection, never sent again."""


@dataclass(slots=True)
class Stored:
    """A message of ours read back from the journal."""

    kind: StoredKind
    child_id: str = ""
    request_id: str = ""
    """The cancel's ClOrdID (11), or a status request's id (790, 584) where the dialect has one."""


class VenueTranslator:
    """Both directions for one venue's order session."""

    def __init__(self, venue: Fees, dialect: Dialect) -> None:
        self.venue = venue
        self.dialect = dialect
        self._writers: dict[type[Command], Callable[..., Outgoing]] = {
            SendChild: self._order,
            CancelChild: self._cancel,
            AskChild: self._ask,
            AskVenue: self._ask_all,
            DenyExecution: self._deny,
        }

    # --- commands to messages ---------------------------------------------------------------

    def command_message(self, command: Command) -> Outgoing:
        """The message that carries a command of the router out."""
        return self._writers[type(command)](command)

    def _order(self, command: SendChild) -> Outgoing:
        """NewOrderSingle (D). A midpoint peg takes its worst price in 44; an order that has
        to add says so in 18."""
        fields = [(int(tags.ClOrdID), command.child_id)]
        if self.dialect.handl_inst_required:
            fields.append((tags.HandlInst, "1"))
        if command.ord_type is OrdType.MID_PEG:
            fields.append((tags.ExecInst, MID_PRICE_PEG))
        elif command.post_only:
            fields.append((tags.ExecInst, POST_ONLY))
        elif command.is_iso:
            fields.append((tags.ExecInst, INTERMARKET_SWEEP))
        fields += [
            (tags.Symbol, command.symbol),
            (tags.Side, tables.SIDES[command.side]),
            (tags.TransactTime, utc_timestamp(command.at_ns)),
            (tags.OrderQty, str(command.quantity)),
            (tags.OrdType, tables.ORD_TYPES[command.ord_type]),
        ]
        if command.min_quantity:
            fields.append((tags.MinQty, str(command.min_quantity)))
        if command.limit_micros is not None:
            fields.append((tags.Price, price_to_text(command.limit_micros)))
        fields.append((tags.TimeInForce, tables.TIMES_IN_FORCE[command.time_in_force]))
        return Outgoing(MsgType.NEW_ORDER_SINGLE, fields)

    def _cancel(self, command: CancelChild) -> Outgoing:
        """OrderCancelRequest (F)."""
        fields = [
            (int(tags.OrigClOrdID), command.child_id),
            *_order_id(command.venue_order_id),
            (tags.ClOrdID, command.cancel_id),
            (tags.Symbol, command.symbol),
            (tags.Side, tables.SIDES[command.side]),
            (tags.TransactTime, utc_timestamp(command.at_ns)),
            (tags.OrderQty, str(command.quantity)),
        ]
        return Outgoing(MsgType.ORDER_CANCEL_REQUEST, fields)

    def _ask(self, command: AskChild) -> Outgoing:
        """OrderStatusRequest (H)."""
        fields = [*_order_id(command.venue_order_id), (int(tags.ClOrdID), command.child_id)]
        if self.dialect.status_request_id:
            fields.append((tags.OrdStatusReqID, command.request_id))
        fields += [(tags.Symbol, command.symbol), (tags.Side, tables.SIDES[command.side])]
        return Outgoing(MsgType.ORDER_STATUS_REQUEST, fields)

    def _ask_all(self, command: AskVenue) -> Outgoing:
        """OrderMassStatusRequest (AF) for all orders."""
        fields: Fields = [
            (tags.MassStatusReqID, command.request_id),
            (tags.MassStatusReqType, ALL_ORDERS),
        ]
        return Outgoing(MsgType.ORDER_MASS_STATUS_REQUEST, fields)

    def _deny(self, command: DenyExecution) -> Outgoing:
        """DontKnowTrade (Q)."""
        fields = [
            (int(tags.OrderID), command.venue_order_id or tables.UNKNOWN_ORDER_ID),
            (tags.ExecID, command.exec_id),
            (tags.DKReason, tables.DK_REASONS[command.reason]),
            (tags.Symbol, command.symbol),
            (tags.Side, tables.SIDES[command.side]),
            (tags.OrderQty, str(command.quantity)),
            (tags.LastQty, str(command.last_quantity)),
            (tags.LastPx, price_to_text(command.last_price_micros)),
        ]
        return Outgoing(MsgType.DONT_KNOW_TRADE, fields)

    def identify(self, raw: bytes) -> Stored:
        """What a stored application message of ours was, for the replay rules (recovery.md 3)."""
        message = decode(raw)
        cl_ord_id = message.get(tags.ClOrdID, "")
        if message.msg_type == MsgType.NEW_ORDER_SINGLE:
            return Stored(StoredKind.ORDER, cl_ord_id)
        if message.msg_type == MsgType.ORDER_CANCEL_REQUEST:
            return Stored(StoredKind.CANCEL, message.get(tags.OrigClOrdID, ""), cl_ord_id)
        if message.msg_type == MsgType.ORDER_STATUS_REQUEST:
            return Stored(StoredKind.STATUS, cl_ord_id, message.get(tags.OrdStatusReqID, ""))
        if message.msg_type == MsgType.ORDER_MASS_STATUS_REQUEST:
            return Stored(StoredKind.MASS_STATUS, "", message.get(tags.MassStatusReqID, ""))
        if message.msg_type == MsgType.SECURITY_STATUS_REQUEST:
            return Stored(StoredKind.SYMBOL_STATUS)
        if message.msg_type == MsgType.TRADING_SESSION_STATUS_REQUEST:
            return Stored(StoredKind.SESSION_STATUS)
        return Stored(StoredKind.OTHER)

    # --- messages to facts ------------------------------------------------------------------

    def to_fact(self, message: Message, now: int) -> VenueFact | Unusable | None:
        """What a venue's application message says; None when the router need not know."""
        try:
            if message.msg_type == MsgType.EXECUTION_REPORT:
                return self._report(message, now)
            if message.msg_type == MsgType.ORDER_CANCEL_REJECT:
                return self._cancel_refused(message, now)
        except Useless as error:
            return Unusable(clean(f"35={message.msg_type} of {self.venue.name}: {error}"))
        return Unusable(f"35={clean(shown(message.msg_type))} is not expected from a venue")

    def refused(self, ref_message: bytes, text: str, now: int) -> VenueFact | None:
        """What it means that the venue answered a stored message of ours with a Reject (3) or a
        BusinessMessageReject (j): the message did nothing. None for what has no consequence: a
        refused status request leaves the question open."""
        stored = self.identify(ref_message)
        words = clean(text)
        if stored.kind is StoredKind.ORDER:
            rejected = ChildState.REJECTED
            return ChildEnded(
                now, self.venue.name, stored.child_id, rejected, 0, Reason.VENUE, words
            )
        if stored.kind is StoredKind.CANCEL:
            return ChildCancelRefused(now, self.venue.name, stored.child_id, True, words)
        if stored.kind is StoredKind.MASS_STATUS:
            return MassStatusRefused(now, self.venue.name, stored.request_id, words)
        if stored.kind is StoredKind.SESSION_STATUS:
            return SessionStatusChanged(now, self.venue.name, True, f"not told: {words}")
        return None

    def _report(self, message: Message, now: int) -> VenueFact | None:
        """ExecutionReport (8)."""
        exec_type = message.get(tags.ExecType, "")
        if self.dialect.exec_trans_type_required:
            trans_type = required(message, tags.ExecTransType, "ExecTransType")
            if trans_type == self.dialect.status_exec_trans_type:
                return self._status(message, now)
            is_bust = trans_type == self.dialect.bust_exec_trans_type
            if is_bust or trans_type == self.dialect.correct_exec_trans_type:
                return self._revised(message, is_bust, now)
            if trans_type != self.dialect.new_exec_trans_type:
                raise Useless(f"20={shown(trans_type)} (ExecTransType): expected 0 to 3")
        if exec_type == self.dialect.status_exec_type:
            return self._status(message, now)
        child_id = read_child_id(message)
        if exec_type in FILL_TYPES:
            return self._filled(message, child_id, now)
        if exec_type in (self.dialect.bust_exec_type, self.dialect.correct_exec_type):
            return self._revised(message, exec_type == self.dialect.bust_exec_type, now)
        if exec_type in ENDED_TYPES:
            return self._ended(message, child_id, ENDED_TYPES[exec_type], now)
        if exec_type == "0":
            order_id = message.get(tags.OrderID, "")
            return ChildAccepted(now, self.venue.name, child_id, order_id)
        if exec_type == RESTATED_TYPE:
            return self._restated(message, child_id, now)
        if exec_type in INFORMATIONAL_TYPES:
            return None
        raise Useless(f"150={shown(exec_type)} (ExecType) is not supported")

    def _filled(self, message: Message, child_id: str, now: int) -> ChildFilled:
        """An execution."""
        quantity = read_quantity(message, tags.LastQty, "LastQty")
        price = read_price(message, tags.LastPx, "LastPx")
        if quantity == 0 or price <= 0:
            raise Useless("a fill without LastQty (32) and LastPx (31) above 0")
        liquidity = self._liquidity(message)
        fee, surprise = self._fee(message, quantity, liquidity)
        return ChildFilled(
            now,
            self.venue.name,
            child_id,
            required(message, tags.ExecID, "ExecID"),
            quantity,
            price,
            read_quantity(message, tags.CumQty, "CumQty"),
            read_quantity(message, tags.LeavesQty, "LeavesQty"),
            liquidity,
            fee,
            message.get(tags.LastMkt) or self.venue.mic,
            time_or_zero(message),
            message.get(tags.OrderID, ""),
            average_or_zero(message),
            tables.SIDE_OF.get(message.get(tags.Side, "")),
            surprise,
        )

    def _revised(self, message: Message, is_bust: bool, now: int) -> FillRevised:
        """An execution taken back or corrected."""
        quantity = price = fee = surprise = 0
        if not is_bust:
            quantity = read_quantity(message, tags.LastQty, "LastQty")
            price = read_price(message, tags.LastPx, "LastPx")
            if quantity == 0 or price <= 0:
                raise Useless("a correction without LastQty (32) and LastPx (31) above 0")
            fee, surprise = self._fee(message, quantity, self._liquidity(message))
        return FillRevised(
            now,
            self.venue.name,
            read_child_id(message),
            required(message, tags.ExecID, "ExecID"),
            required(message, tags.ExecRefID, "ExecRefID"),
            quantity,
            price,
            read_quantity(message, tags.CumQty, "CumQty"),
            read_quantity(message, tags.LeavesQty, "LeavesQty"),
            fee,
            clean(message.get(tags.Text, "")),
            surprise,
        )

    def _restated(self, message: Message, child_id: str, now: int) -> VenueFact:
        """The venue changed a live order; or ended it, when it leaves nothing open."""
        status = required(message, tags.OrdStatus, "OrdStatus")
        leaves = read_quantity(message, tags.LeavesQty, "LeavesQty")
        if leaves == 0 or status in ENDED_STATUS:
            return self._ended(message, child_id, ENDED_TYPES.get(status, ChildState.CANCELED), now)
        return ChildRestated(
            now,
            self.venue.name,
            child_id,
            read_quantity(message, tags.CumQty, "CumQty"),
            leaves,
            read_price(message, tags.Price, "Price") if message.get(tags.Price) else None,
            clean(message.get(tags.Text, "")),
            average_or_zero(message),
        )

    def _ended(self, message: Message, child_id: str, how: ChildState, now: int) -> ChildEnded:
        """The venue is done with an order."""
        rejected = how is ChildState.REJECTED
        code = message.get(tags.OrdRejReason, "")
        reason = tables.REASON_OF_ORD_REJ.get(code, Reason.VENUE) if rejected else Reason.NONE
        cum = read_quantity(message, tags.CumQty, "CumQty")
        words = clean(message.get(tags.Text, ""))
        average = average_or_zero(message)
        return ChildEnded(now, self.venue.name, child_id, how, cum, reason, words, average)

    def _status(self, message: Message, now: int) -> ChildStatusReported:
        """The answer to a status request. Its 11 is the order's; one about all orders may say that
        there is none, and has no 11."""
        request_id = message.get(tags.OrdStatusReqID, "")
        status = required(message, tags.OrdStatus, "OrdStatus")
        mass_id = message.get(tags.MassStatusReqID, "")
        if mass_id and message.get(tags.TotNumReports) == "0":
            fact = ChildStatusReported(now, self.venue.name, "", mass_id, False, False)
            fact.of_all = fact.last = True
            return fact
        child_id = required(message, tags.ClOrdID, "ClOrdID")
        no_order = message.get(tags.OrderID, "") == tables.UNKNOWN_ORDER_ID
        if status == "8" and (no_order or message.get(tags.OrdRejReason) == UNKNOWN_ORDER_REASON):
            return ChildStatusReported(now, self.venue.name, child_id, request_id, False, False)
        if status not in ENDED_STATUS and status not in LIVE_STATUS:
            raise Useless(f"39={shown(status)} (OrdStatus) is not supported")
        fact = ChildStatusReported(
            now,
            self.venue.name,
            child_id,
            mass_id or request_id,
            True,
            status in LIVE_STATUS,
            read_quantity(message, tags.CumQty, "CumQty"),
            average_micros(required(message, tags.AvgPx, "AvgPx")),
            ENDED_STATUS.get(status, ChildState.LIVE),
            status == PENDING_CANCEL_STATUS,
            read_order_quantity(message, is_live=status in LIVE_STATUS),
        )
        if mass_id:
            fact.of_all, fact.last = True, message.get(tags.LastRptRequested) == "Y"
            fact.total = read_quantity(message, tags.TotNumReports, "TotNumReports")
            fact.venue_order_id = message.get(tags.OrderID, "")
            fact.symbol = message.get(tags.Symbol, "")
            fact.side = tables.SIDE_OF.get(message.get(tags.Side, ""))
        return fact

    def _cancel_refused(self, message: Message, now: int) -> ChildCancelRefused:
        """OrderCancelReject (9)."""
        child_id = required(message, tags.OrigClOrdID, "OrigClOrdID")
        known = message.get(tags.CxlRejReason) != UNKNOWN_TO_CANCEL
        words = clean(message.get(tags.Text, ""))
        return ChildCancelRefused(now, self.venue.name, child_id, known, words)

    # --- fees and liquidity -----------------------------------------------------------------

    def _liquidity(self, message: Message) -> Liquidity:
        """What the fill did. The midpoint has its own field beside 851, so it is asked first."""
        tag, value = self.dialect.midpoint_liquidity
        if message.get(tag) == value:
            return Liquidity.MIDPOINT
        ind = self.dialect.liquidity_ind(message.get(self.dialect.liquidity_tag, ""))
        return tables.LIQUIDITY_OF.get(ind or 0, Liquidity.UNKNOWN)

    def _fee(
        self, message: Message, quantity: Shares, liquidity: Liquidity
    ) -> tuple[Micros, Micros]:
        """The whole fill's fee: as reported, else by the schedule; and by how much the report
        differs from the schedule. What the fill did and nobody said is charged as taking: the
        dearer side at most venues."""
        per_share = {
            Liquidity.ADDED: self.venue.add_fee_micros,
            Liquidity.MIDPOINT: self.venue.mid_fee_micros,
        }.get(liquidity, self.venue.take_fee_micros)
        reported = reported_fee(message)
        if reported is None:
            return per_share * quantity, 0
        return reported, reported - per_share * quantity


def _order_id(venue_order_id: str) -> Fields:
    """OrderID (37), once the venue has told it."""
    return [(tags.OrderID, venue_order_id)] if venue_order_id else []
