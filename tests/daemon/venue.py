"""Model venues for the desk: honest about what they executed, unkind in how they tell it.

A venue keeps its orders and executions apart from its session, as a real one does, so each can be
lost without the other (F27). What it really executed and what may still fill there is the truth
that the gateway's books are held against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sor_gateway.fix.message import Message
from sor_gateway.fix.store import Numbers
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.desk import SECOND, Peer

NEVER = 10**9
Body = list[tuple[int, str]]


@dataclass(slots=True)
class Order:
    """What a venue knows of an order."""

    cl_ord_id: str
    quantity: int
    is_ioc: bool
    cum: int = 0
    live: bool = True
    how: str = "0"
    """OrdStatus once it is over without being filled."""
    cancelling: bool = False
    voiceless: bool = False
    """The venue never says a word about it unless it is asked."""
    side: str = "2"
    limit: str = ""
    """Price (44); empty for none."""

    @property
    def price(self) -> str:
        """What it trades at: 50, or its limit where that is no worse for the other side."""
        if not self.limit:
            return "50.00"
        bound = min if self.side == "1" else max
        return str(bound(Decimal("50.00"), Decimal(self.limit)))

    @property
    def leaves(self) -> int:
        return self.quantity - self.cum if self.live else 0

    @property
    def status(self) -> str:
        if self.cum >= self.quantity:
            return "2"
        if not self.live:
            return self.how
        if self.cancelling:
            return "6"
        return "1" if self.cum else "0"


@dataclass(slots=True)
class Manners:
    """How unkind a venue is: chances, 0 to 1."""

    rejects: float = 0.0
    voiceless: float = 0.0
    repeats: float = 0.0
    """An execution is reported again under the same ExecID."""
    late: float = 0.0
    """A cancelled order fills all the same (F5)."""
    silent_cancels: float = 0.0
    """A cancel request is done and not answered."""
    trades: float = 0.0
    """A resting order trades in a turn."""
    slow_cancels: bool = False
    """A cancel request stays pending: H is answered with 39=6."""


class Venue:
    """A venue behind one of the desk's peers: accepts, fills, cancels, answers H; remembers."""

    def __init__(self, fill: int = NEVER, dice: Random | None = None) -> None:
        self.fill = fill
        """Shares filled at once of each order; the rest is live, or cancelled for an IOC."""
        self.dice = dice or Random(0)
        self.manners = Manners()
        self.orders: dict[str, Order] = {}
        self.executions: list[tuple[str, str, int]] = []
        """ExecID, ClOrdID, shares: all that were ever made."""
        self.forgotten: set[str] = set()
        """Orders that this venue had and lost: it knows nothing of them any more."""
        self.late_fills: list[str] = []
        """ClOrdIDs of orders that filled after they were reported over."""
        self.received: list[tuple[str, str]] = []
        """MsgType and ClOrdID of every order message."""
        self.lost_reports = False
        """Reports were lost for good: nobody can be told of a late fill among them."""
        self.unanswered_status = False
        """Says nothing to H and AF."""
        self.refuses_mass_status = False
        """Does not take AF."""
        self.lists_over = False
        """Lists what is over, too, in answer to AF."""
        self.halted: set[str] = set()
        """Symbols that do not trade."""
        self.tells_trading: bool | None = True
        """Whether it says what trades when it is asked; None: it refuses to."""
        self.takes_twice = False
        """Takes an order in again that comes again, instead of stopping the test."""
        self.reports = 0
        self.exec_number = 0

    def __call__(self, peer: Peer, message: Message, now: int) -> None:
        handlers: dict[str, Callable[[Peer, Message, int], None]] = {
            "D": self._order,
            "F": self._cancel,
            "H": self._status,
            "AF": self._mass_status,
            "e": self._symbol_status,
            "g": self._session_status,
        }
        if message.msg_type in handlers:
            self.received.append((message.msg_type, message.get(11, "")))
            handlers[message.msg_type](peer, message, now)

    def on_turn(self, peer: Peer, now: int) -> None:
        """Resting orders trade; cancelled ones too, at an unkind venue."""
        if not (self.manners.trades or self.manners.late):
            return
        for order in list(self.orders.values()):
            left = order.quantity - order.cum
            if order.live and not order.is_ioc and self.dice.random() < self.manners.trades:
                self.execute(
                    peer, order.cl_ord_id, self.dice.choice((left, left // 2 or left)), now
                )
            elif (
                order.how == "4"
                and left
                and not order.voiceless
                and self.dice.random() < self.manners.late
            ):
                self.late_fills.append(order.cl_ord_id)
                self.execute(
                    peer, order.cl_ord_id, self.dice.choice((left, left // 2 or left)), now
                )

    # --- what it says ---------------------------------------------------------------------

    def say(
        self, peer: Peer, order: Order, kind: str, now: int, more: Body | None = None, **tags: str
    ) -> None:
        """An ExecutionReport of how the order stands. `tags`: t17="..." replaces 17."""
        self.reports += 1
        body: dict[int, str] = {
            37: f"V{order.cl_ord_id}",
            11: order.cl_ord_id,
            17: f"R{self.reports}",
            150: kind,
            39: order.status,
            55: "ACME",
            54: order.side,
            38: str(order.quantity),
            151: str(order.leaves),
            14: str(order.cum),
            6: order.price if order.cum else "0",
            60: utc_timestamp(now),
        }
        body |= {int(name[1:]): value for name, value in tags.items()}
        peer.send("8", [*body.items(), *(more or [])], now)

    def execute(self, peer: Peer, cl_ord_id: str, shares: int, now: int) -> None:
        """Shares trade."""
        order = self.orders[cl_ord_id]
        order.cum += shares
        order.live = order.live and order.cum < order.quantity
        self.exec_number += 1
        exec_id = f"F{self.exec_number}"
        self.executions.append((exec_id, cl_ord_id, shares))
        if order.voiceless:
            return
        more = [(32, str(shares)), (31, order.price), (30, "XVEN"), (851, "2")]
        self.say(peer, order, "F", now, more, t17=exec_id)
        if self.dice.random() < self.manners.repeats:
            self.say(peer, order, "F", now, more, t17=exec_id)

    def revise(
        self, peer: Peer, exec_id: str, shares: int, now: int, price: str = "50.00", leaves: int = 0
    ) -> None:
        """An execution is taken back (0 shares) or corrected (F6)."""
        index = [each[0] for each in self.executions].index(exec_id)
        _, cl_ord_id, before = self.executions[index]
        self.executions[index] = (exec_id, cl_ord_id, shares)
        order = self.orders[cl_ord_id]
        order.cum += shares - before
        more = [(19, exec_id), (32, str(shares or before)), (31, price), (30, "XVEN")]
        left = {"t151": str(leaves)} if leaves else {}
        self.say(peer, order, "G" if shares else "H", now, more, **left)

    # --- what it is asked -----------------------------------------------------------------

    def _order(self, peer: Peer, message: Message, now: int) -> None:
        cl_ord_id = message[11]
        assert self.takes_twice or cl_ord_id not in self.orders, f"{cl_ord_id} came twice"
        order = Order(cl_ord_id, int(message[38]), message.get(59) == "3")
        order.side, order.limit = message.get(54, "2"), message.get(44, "")
        self.orders[cl_ord_id] = order
        self.forgotten.discard(cl_ord_id)
        if self.dice.random() < self.manners.rejects:
            order.live, order.how = False, "8"
            self.say(peer, order, "8", now, [(103, "0"), (58, "not today")])
            return
        order.voiceless = self.dice.random() < self.manners.voiceless
        if not order.voiceless:
            self.say(peer, order, "0", now)
        filled = min(self.fill, order.quantity)
        if filled:
            self.execute(peer, cl_ord_id, filled, now)
        if order.is_ioc and order.live:
            self.end(peer, order, now)

    def end(self, peer: Peer, order: Order, now: int, how: str = "4", **tags: str) -> None:
        """The order is over."""
        order.live, order.how = False, how
        if not order.voiceless:
            self.say(peer, order, how, now, None, **tags)

    def _cancel(self, peer: Peer, message: Message, now: int) -> None:
        order = self.orders.get(message[41])
        if order is None or not order.live:
            reason = "1" if order is None else "0"
            body = [(37, "NONE"), (11, message[11]), (41, message[41]), (39, "8")]
            peer.send("9", [*body, (434, "1"), (102, reason)], now)
            return
        if self.dice.random() < self.manners.silent_cancels:
            order.live, order.how = False, "4"
            return
        if self.manners.slow_cancels:
            order.cancelling = True
            return
        self.end(peer, order, now, t11=message[11], t41=message[41])

    def _status(self, peer: Peer, message: Message, now: int) -> None:
        if self.unanswered_status:
            return
        cl_ord_id = message[11]
        request = [(790, message[790])] if 790 in message else []
        order = self.orders.get(cl_ord_id)
        if order is None:
            nobody = Order(cl_ord_id, 0, False, live=False, how="8")
            extra: Body = [(103, "5"), (58, "O: unknown order"), *request]
            self.say(peer, nobody, "I", now, extra, t37="NONE", t39="8", t17="0")
            return
        self.say(peer, order, "I", now, request)

    def _mass_status(self, peer: Peer, message: Message, now: int) -> None:
        """All live orders, or all there were, as one series."""
        if self.unanswered_status:
            return
        if self.refuses_mass_status:
            about = [(45, peer.session.numbers.next_in - 1), (372, "AF"), (380, "3")]
            peer.send("j", [(tag, str(value)) for tag, value in about], now)
            return
        meant = [order for order in self.orders.values() if order.live or self.lists_over]
        series: Body = [(584, message[584]), (911, str(len(meant)))]
        for number, order in enumerate(meant, 1):
            self.say(peer, order, "I", now, [*series, (912, "Y" if number == len(meant) else "N")])
        if not meant:
            nobody = Order("NONE", 0, False, live=False, how="8")
            self.say(peer, nobody, "I", now, [*series, (912, "Y")], t37="NONE", t39="8", t17="0")

    def _symbol_status(self, peer: Peer, message: Message, now: int) -> None:
        """How a symbol is, and nothing of its changes."""
        if self.tells_trading:
            status = "2" if message[55] in self.halted else "17"
            peer.send("f", [(324, message[324]), (55, message[55]), (326, status)], now)

    def _session_status(self, peer: Peer, message: Message, now: int) -> None:
        if self.tells_trading:
            peer.send("h", [(335, message[335]), (336, "DAY"), (340, "2")], now)
        elif self.tells_trading is None:
            about = [(45, peer.session.numbers.next_in - 1), (372, "g"), (380, "3")]
            peer.send("j", [(tag, str(value)) for tag, value in about], now)

    # --- the truth ------------------------------------------------------------------------

    def executed(self, cl_ord_id: str) -> int:
        return sum(shares for _, order, shares in self.executions if order == cl_ord_id)

    def lose_orders(self) -> None:
        """Its books are gone; its ExecIDs begin anew."""
        self.forgotten |= set(self.orders)
        self.orders.clear()
        self.exec_number = 0


def lose(peer: Peer, what: str, reset: str = "none", messages: int = 5, floor: int = 1) -> None:
    """F27: the venue's process restarts without its outbound or inbound store, its orders, or all
    of it. `messages` is how far back an outbound or inbound store is thrown."""
    numbers, venue = peer.session.numbers, peer.on_message
    fresh = Numbers(epoch=numbers.epoch, next_in=numbers.next_in, next_out=numbers.next_out)
    if what in ("outbound", "all"):
        fresh.next_out = 1 if what == "all" else max(floor, numbers.next_out - messages)
    if what in ("inbound", "all"):
        fresh.next_in = 1 if what == "all" else max(1, numbers.next_in - messages)
    if what in ("orders", "all"):
        assert isinstance(venue, Venue)
        venue.lose_orders()
    peer.restart(fresh, fresh.next_out)
    if reset == "141":
        peer.session.reset(0)


class Quotes:
    """A market-data session: a book for whoever asks, confirmed every second."""

    def __init__(self) -> None:
        self._requests: dict[str, list[str]] = {}
        self._told_ns = 0

    def __call__(self, peer: Peer, message: Message, now: int) -> None:
        if message.msg_type == "A":
            self._requests.clear()
        if message.msg_type == "V":
            symbols = [value for tag, value in message.fields if tag == 55]
            self._requests[message[262]] = symbols
            self._publish(peer, now)

    def on_turn(self, peer: Peer, now: int) -> None:
        if now >= self._told_ns + SECOND:
            self._publish(peer, now)

    def _publish(self, peer: Peer, now: int) -> None:
        self._told_ns = now
        for request_id, symbols in self._requests.items():
            for symbol in symbols:
                entries = [(269, "0"), (270, "50.00"), (271, "100000")]
                entries += [(269, "1"), (270, "50.02"), (271, "100000")]
                peer.send("W", [(262, request_id), (55, symbol), (268, "2"), *entries], now)
