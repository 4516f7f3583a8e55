"""What the EMS believes of its orders: from the reports it was sent, and from nothing else.

Owns: orders by every ClOrdID they ever had, fills once each, exact totals, and the list of things
in the reports that contradict each other.
May not know: sockets, sequence numbers beyond the one a Reject refers to.

Totals are sums of the fills (`Decimal`, exact), never copied from a report: each report's own
CumQty (14), AvgPx (6) and LeavesQty (151) are checked against them, and a difference is a
violation. An ExecID (17) that comes again is not booked; without 43=Y or 97=Y it is a violation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from sor_gateway.client.wire import Received, Tag

AVG_PX_TOLERANCE: Final = Decimal("0.0000005")
"""Half of the last of the six decimals that AvgPx is rounded to."""


class OrderState(StrEnum):
    """OrdStatus (39) in words; SENT is ours: no report yet."""

    SENT = "sent"
    PENDING_NEW = "pending-new"
    NEW = "new"
    PARTIALLY_FILLED = "partially-filled"
    FILLED = "filled"
    DONE_FOR_DAY = "done-for-day"
    CANCELED = "canceled"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending-cancel"
    PENDING_REPLACE = "pending-replace"
    STOPPED = "stopped"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    EXPIRED = "expired"


ORD_STATUS: Final = {
    "0": OrderState.NEW,
    "1": OrderState.PARTIALLY_FILLED,
    "2": OrderState.FILLED,
    "3": OrderState.DONE_FOR_DAY,
    "4": OrderState.CANCELED,
    "5": OrderState.REPLACED,
    "6": OrderState.PENDING_CANCEL,
    "7": OrderState.STOPPED,
    "8": OrderState.REJECTED,
    "9": OrderState.SUSPENDED,
    "A": OrderState.PENDING_NEW,
    "C": OrderState.EXPIRED,
    "E": OrderState.PENDING_REPLACE,
}
TERMINAL: Final = frozenset(
    {
        OrderState.FILLED,
        OrderState.DONE_FOR_DAY,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
    }
)
FILL_TYPES: Final = frozenset({"F", "1", "2"})
"""ExecType (150) of a fill: F on FIX 4.4, 1 and 2 on FIX 4.2."""
BUST, CORRECTION = "bust", "correction"
STATUS_TYPE: Final = "I"
STATUS_TRANS_TYPE: Final = "3"
REQUEST_TYPES: Final = frozenset({"D", "F", "G"})
REPLACED_TYPE: Final = "5"
UNKNOWN_ORDER_ID: Final = "NONE"
"""OrderID (37) in an answer about an order that the peer does not know."""


@dataclass(slots=True)
class Fill:
    """One execution."""

    exec_id: str
    quantity: int
    price: Decimal
    last_market: str
    fee: Decimal
    """For the whole fill; a rebate is negative."""


@dataclass(slots=True)
class MarketTotal:
    """What one market did of an order."""

    fills: int = 0
    quantity: int = 0
    value: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


@dataclass(slots=True)
class Request:
    """A D, F or G of ours."""

    cl_ord_id: str
    msg_type: str
    answered: bool = False
    """The peer showed that it has it: a report, pending states included, or a reject."""
    refused: str = ""
    """The peer's words, when it said no."""


@dataclass(slots=True)
class Order:
    """An order as its reports tell it."""

    cl_ord_id: str
    """The one it was first sent with."""
    symbol: str
    side: str
    """FIX 54."""
    quantity: int
    state: OrderState = OrderState.SENT
    accepted_id: str = ""
    """The last accepted ClOrdID: what a cancel or replace request refers to (41)."""
    order_id: str = ""
    cum_quantity: int = 0
    value: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    leaves_quantity: int = 0
    fills: list[Fill] = field(default_factory=list)
    text: str = ""
    """The last words of the peer about it."""
    foreign: bool = False
    """We never sent it (as far as this ledger knows): its totals cannot be checked."""

    @property
    def over(self) -> bool:
        """Whether the peer says that it cannot execute any more."""
        return self.state in TERMINAL

    @property
    def average_price(self) -> Decimal | None:
        """Value over quantity; None without a fill."""
        return self.value / self.cum_quantity if self.cum_quantity else None

    def by_market(self) -> dict[str, MarketTotal]:
        """Totals per LastMkt, in alphabetical order."""
        totals: dict[str, MarketTotal] = {}
        for fill in self.fills:
            total = totals.setdefault(fill.last_market or "?", MarketTotal())
            total.fills += 1
            total.quantity += fill.quantity
            total.value += fill.quantity * fill.price
            total.fees += fill.fee
        return dict(sorted(totals.items()))


class Ledger:
    """See the module."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        """By the ClOrdID they were first sent with."""
        self.requests: dict[str, Request] = {}
        self.duplicates_flagged = 0
        self.duplicates_unflagged = 0
        self.busts = self.corrections = 0
        """Fills that were taken back, or told anew."""
        self.violations: list[str] = []
        """What no correct gateway may report; one line each."""
        self.rejects: list[str] = []
        """Rejects (3) and BusinessMessageRejects (j) of messages of ours; one line each."""
        self._by_any_id: dict[str, Order] = {}
        self._by_order_id: dict[str, Order] = {}
        self._by_number: dict[int, str] = {}
        self._exec_ids: set[str] = set()

    def order(self, cl_ord_id: str) -> Order | None:
        """An order by any ClOrdID it ever had."""
        return self._by_any_id.get(cl_ord_id)

    def unanswered(self) -> list[Request]:
        """Requests that no report or reject has answered, oldest first."""
        return [request for request in self.requests.values() if not request.answered]

    def sent(self, message: Received) -> None:
        """A message of ours got a number (again, when it is a possible resend)."""
        cl_ord_id = message.get(Tag.CL_ORD_ID)
        number = message.number(Tag.MSG_SEQ_NUM)
        if number:
            self._by_number[number] = cl_ord_id
        if message.msg_type not in REQUEST_TYPES or cl_ord_id in self.requests:
            return
        self.requests[cl_ord_id] = Request(cl_ord_id, message.msg_type)
        if message.msg_type == "D":
            quantity = message.number(Tag.ORDER_QTY) or 0
            self._open(cl_ord_id, message, quantity, foreign=False)
        elif (order := self._by_any_id.get(message.get(Tag.ORIG_CL_ORD_ID))) is not None:
            self._by_any_id[cl_ord_id] = order

    def received(self, message: Received) -> Order | None:
        """Book a message from the peer; the order it was about, if any."""
        if message.msg_type == "8":
            return self._report(message)
        if message.msg_type == "9":
            return self._cancel_refused(message)
        if message.msg_type in ("3", "j"):
            return self._rejected(message)
        return None

    # --- one message type each --------------------------------------------------------------

    def _report(self, message: Received) -> Order | None:
        """An ExecutionReport."""
        status = is_status(message)
        exec_id = message.get(Tag.EXEC_ID)
        if not status and self._seen(exec_id, message):
            return self._find(message)
        order = self._find(message)
        if status and message.get(Tag.ORDER_ID) in ("", UNKNOWN_ORDER_ID):
            return self._unknown(order)
        if order is None:
            quantity = message.number(Tag.ORDER_QTY) or 0
            order = self._open(message.get(Tag.CL_ORD_ID), message, quantity, foreign=True)
        self._answer(message)
        if not status and (revision := revision_of(message)):
            self._revise(order, exec_id, message, is_bust=revision == BUST)
        elif not status and message.get(Tag.EXEC_TYPE) in FILL_TYPES:
            self._fill(order, exec_id, message)
        self._take_state(order, message)
        self._check(order, message)
        return order

    def _unknown(self, order: Order | None) -> Order | None:
        """The peer says that it has no such order: news only for one that it reported on."""
        if order is not None and order.order_id:
            self.violations.append(f"{order.cl_ord_id} was reported on and is unknown now")
        return order

    def _cancel_refused(self, message: Received) -> Order | None:
        """An OrderCancelReject: the order stands as 39 says."""
        order = self._find(message)
        refused = message.get(Tag.TEXT) or f"102={message.get(Tag.CXL_REJ_REASON)}"
        self._refuse(message.get(Tag.CL_ORD_ID), refused)
        unknown = message.get(Tag.CXL_REJ_REASON) == "1"
        if order is not None and not unknown:
            order.state = ORD_STATUS.get(message.get(Tag.ORD_STATUS), order.state)
            order.text = refused
        return order

    def _rejected(self, message: Received) -> Order | None:
        """A Reject or BusinessMessageReject: what it refers to never became anything."""
        cl_ord_id = self._by_number.get(message.number(Tag.REF_SEQ_NUM) or 0, "")
        text = message.get(Tag.TEXT) or "rejected without words"
        self.rejects.append(f"{message.msg_type} for {cl_ord_id or 'a message'}: {text}")
        self._refuse(cl_ord_id, text)
        order = self._by_any_id.get(cl_ord_id)
        if order is not None and order.state is OrderState.SENT:
            order.state, order.text = OrderState.REJECTED, text
        return order

    # --- parts ------------------------------------------------------------------------------

    def _seen(self, exec_id: str, message: Received) -> bool:
        """Whether this ExecID was booked before; counts it then."""
        if exec_id not in self._exec_ids:
            self._exec_ids.add(exec_id)
            return False
        if message.flag(Tag.POSS_DUP_FLAG) or message.flag(Tag.POSS_RESEND):
            self.duplicates_flagged += 1
        else:
            self.duplicates_unflagged += 1
            self.violations.append(f"17={exec_id} came again without 43=Y or 97=Y")
        return True

    def _find(self, message: Received) -> Order | None:
        """The order a report is about: by 11, 41, then 37."""
        return (
            self._by_any_id.get(message.get(Tag.CL_ORD_ID))
            or self._by_any_id.get(message.get(Tag.ORIG_CL_ORD_ID))
            or self._by_order_id.get(message.get(Tag.ORDER_ID))
        )

    def _open(self, cl_ord_id: str, message: Received, quantity: int, foreign: bool) -> Order:
        order = Order(cl_ord_id, message.get(Tag.SYMBOL), message.get(Tag.SIDE), quantity)
        order.leaves_quantity, order.foreign = quantity, foreign
        order.accepted_id = cl_ord_id
        self.orders[cl_ord_id] = self._by_any_id[cl_ord_id] = order
        return order

    def _answer(self, message: Received) -> None:
        """A report with a request's ClOrdID shows that the request arrived."""
        request = self.requests.get(message.get(Tag.CL_ORD_ID))
        if request is not None:
            request.answered = True

    def _refuse(self, cl_ord_id: str, text: str) -> None:
        request = self.requests.get(cl_ord_id)
        if request is not None:
            request.answered, request.refused = True, text

    def _fill(self, order: Order, exec_id: str, message: Received) -> None:
        """Book an execution."""
        quantity, price = message.number(Tag.LAST_QTY), decimal(message.get(Tag.LAST_PX))
        if not quantity or price is None:
            self.violations.append(f"17={exec_id}: a fill without LastQty (32) or LastPx (31)")
            return
        fill = Fill(exec_id, quantity, price, message.get(Tag.LAST_MKT), fee_of(message))
        order.fills.append(fill)
        order.cum_quantity += quantity
        order.value += quantity * price
        order.fees += fill.fee

    def _revise(self, order: Order, exec_id: str, message: Received, *, is_bust: bool) -> None:
        """A fill is taken back, or was another: the one that 19 names."""
        ref = message.get(Tag.EXEC_REF_ID)
        found = next((fill for fill in order.fills if fill.exec_id == ref), None)
        if found is None:
            self.violations.append(f"17={exec_id} revises 19={ref}, which was never told")
            return
        order.fills.remove(found)
        order.cum_quantity -= found.quantity
        order.value -= found.quantity * found.price
        order.fees -= found.fee
        if is_bust:
            self.busts += 1
            return
        self.corrections += 1
        self._fill(order, ref, message)

    def _take_state(self, order: Order, message: Received) -> None:
        """What the report says beyond the fill."""
        order.state = ORD_STATUS.get(message.get(Tag.ORD_STATUS), order.state)
        order.text = message.get(Tag.TEXT) or order.text
        leaves = message.number(Tag.LEAVES_QTY)
        order.leaves_quantity = order.leaves_quantity if leaves is None else leaves
        replaced = message.get(Tag.EXEC_TYPE) == REPLACED_TYPE
        if replaced or order.foreign:
            order.quantity = message.number(Tag.ORDER_QTY) or order.quantity
        if replaced:
            order.accepted_id = message.get(Tag.CL_ORD_ID) or order.accepted_id
        order_id = message.get(Tag.ORDER_ID)
        if order_id and order_id != UNKNOWN_ORDER_ID:
            order.order_id = order_id
            self._by_order_id[order_id] = order
        self._by_any_id.setdefault(message.get(Tag.CL_ORD_ID), order)

    def _check(self, order: Order, message: Received) -> None:
        """The report's own totals against the sum of the fills."""
        if order.foreign:
            return
        where = f"17={message.get(Tag.EXEC_ID)} of {order.cl_ord_id}"
        cum = message.number(Tag.CUM_QTY)
        if cum != order.cum_quantity:
            self.violations.append(f"{where}: CumQty {cum}, fills sum up to {order.cum_quantity}")
        if order.cum_quantity > order.quantity:
            self.violations.append(f"{where}: {order.cum_quantity} filled of {order.quantity}")
        average, told = order.average_price or Decimal(0), decimal(message.get(Tag.AVG_PX))
        if told is None or abs(told - average) > AVG_PX_TOLERANCE:
            self.violations.append(f"{where}: AvgPx {told}, fills average {average}")
        expected = 0 if order.over else order.quantity - order.cum_quantity
        if order.leaves_quantity != expected:
            text = f"{where}: LeavesQty {order.leaves_quantity}, expected {expected}"
            self.violations.append(text)


def is_status(message: Received) -> bool:
    """Whether a report only answers a status request."""
    return (
        message.get(Tag.EXEC_TYPE) == STATUS_TYPE
        or message.get(Tag.EXEC_TRANS_TYPE) == STATUS_TRANS_TYPE
    )


def revision_of(message: Received) -> str:
    """Whether a report takes a fill back (BUST) or corrects it; empty for any other. FIX 4.4 says
    it in 150, FIX 4.2 in 20."""
    by_type = {"H": BUST, "G": CORRECTION}.get(message.get(Tag.EXEC_TYPE), "")
    return {"1": BUST, "2": CORRECTION}.get(message.get(Tag.EXEC_TRANS_TYPE), by_type)


def decimal(text: str) -> Decimal | None:
    """A FIX float; None when it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def fee_of(message: Received) -> Decimal:
    """The fee of a fill: the misc fee group on FIX 4.4, Commission (12, 13=3) on FIX 4.2."""
    amounts = message.all(Tag.MISC_FEE_AMT)
    if not amounts and message.get(Tag.COMM_TYPE) == "3":
        amounts = message.all(Tag.COMMISSION)
    return sum((decimal(amount) or Decimal(0) for amount in amounts), Decimal(0))
