"""QuickFIX as a venue: the session, its store and its dictionary are QuickFIX's, what it trades is
said here.

Owns: the venue's orders, and the reports that they earn.
May not know: the gateway; FIX beyond tags and values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.interop.peer import Peer, Seen

PRICE: Final = "50.00"
UNKNOWN: Final = "NONE"
ENDED: Final = frozenset("248")


@dataclass(slots=True)
class Resting:
    """An order as the venue knows it."""

    cl_ord_id: str
    order_id: str
    symbol: str
    side: str
    quantity: int
    cum: int = 0
    status: str = "0"

    @property
    def leaves(self) -> int:
        return 0 if self.status in ENDED else self.quantity - self.cum


class Venue:
    """The venue's mind; its voice is a process that may be ended and started again."""

    def __init__(self, binary: Path, begin_string: str, comp_id: str, port: int, store: Path):
        self.orders: dict[str, Resting] = {}
        self.fill_shares = 0
        """How much of each order is traded when it comes."""
        self.refuses = False
        self.too_late = False
        """Cancels come too late: the order is filled first."""
        self.executed = 0
        self.asked: list[str] = []
        """ClOrdIDs of the status requests."""
        self.voices: list[Peer] = []
        self._identity = (binary, begin_string, comp_id, "SOR", port)
        self._store = store
        self._ids = 0

    @property
    def voice(self) -> Peer:
        """The process that speaks now."""
        return self.voices[-1]

    async def start(self, *, forget: bool = False) -> None:
        """Start a process; with `forget` it has no numbers of before."""
        if forget:
            self._store = self._store.with_name(f"{self._store.name}-anew")
        self.voices.append(_Voice(self, *self._identity, self._store))
        await self.voice.start("--role", "acceptor")

    async def kill(self) -> None:
        """End the process without a word."""
        process = self.voice._process
        assert process is not None
        process.kill()
        await self.voice.stop()

    # --- what the gateway says ----------------------------------------------------------------

    def take(self, seen: Seen) -> None:
        """An application message that passed QuickFIX's dictionary."""
        handlers = {"D": self.on_order, "F": self.on_cancel, "H": self.on_status}
        handlers[seen.msg_type](seen)

    def on_order(self, seen: Seen) -> None:
        if seen[11] in self.orders:
            assert seen.get(43) == "Y", f"the same order twice: {seen}"
            return
        order = Resting(seen[11], self.next_id("O"), seen[55], seen[54], int(seen[38]))
        self.orders[order.cl_ord_id] = order
        if self.refuses:
            order.status = "8"
            self.report(order, "8", {103: "99", 58: "closed-for-lunch"})
            return
        self.report(order, "0")
        if self.fill_shares:
            self.fill(order, min(self.fill_shares, order.quantity))

    def on_cancel(self, seen: Seen) -> None:
        order = self.orders.get(seen[41])
        if order is None or order.status in ENDED or self.too_late:
            if order is not None and order.status not in ENDED:
                self.fill(order, order.leaves)
            known = {37: order.order_id, 39: order.status} if order else {37: UNKNOWN, 39: "8"}
            self.say("9", {11: seen[11], 41: seen[41], **known, 434: "1", 102: "0"})
            return
        self.report(order, "6", {11: seen[11], 41: order.cl_ord_id, 39: "6"})
        order.status = "4"
        self.report(order, "4", {11: seen[11], 41: order.cl_ord_id})

    def on_status(self, seen: Seen) -> None:
        self.asked.append(seen[11])
        order = self.orders.get(seen[11])
        if order is None:
            order = Resting(seen[11], UNKNOWN, seen[55], seen[54], 0, status="8")
        request = {790: seen[790]} if 790 in seen.by_tag else {}
        if self.is_42:
            self.report(order, order.status, {20: "3"})
        else:
            self.report(order, "I", request)

    # --- what the venue says ------------------------------------------------------------------

    def fill(self, order: Resting, quantity: int) -> None:
        """An execution at the price."""
        order.cum += quantity
        self.executed += quantity
        order.status = "2" if order.cum == order.quantity else "1"
        exec_type = order.status if self.is_42 else "F"
        self.report(order, exec_type, {31: PRICE, 32: str(quantity)})

    def report(self, order: Resting, exec_type: str, more: dict[int, Any] | None = None) -> None:
        fields: dict[int, Any] = {37: order.order_id, 11: order.cl_ord_id, 17: self.next_id("E")}
        if self.is_42:
            fields[20] = "0"
        fields |= {150: exec_type, 39: order.status, 55: order.symbol, 54: order.side}
        fields |= {38: order.quantity, 151: order.leaves, 14: order.cum}
        self.say("8", fields | {6: PRICE if order.cum else 0} | (more or {}))

    def say(self, msg_type: str, fields: dict[int, Any]) -> None:
        words = " ".join(f"{tag}={value}" for tag, value in fields.items())
        self.voice.tell(f"send {msg_type} {words}")

    @property
    def is_42(self) -> bool:
        return self._identity[1] == "FIX.4.2"

    def next_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids:05}"


class _Voice(Peer):
    """A process whose application messages go to the venue."""

    def __init__(self, venue: Venue, *identity: Any) -> None:
        super().__init__(*identity)
        self.venue = venue

    def _take(self, event: dict[str, Any]) -> None:
        super()._take(event)
        if event["event"] == "taken":
            self.venue.take(self.taken[-1])
