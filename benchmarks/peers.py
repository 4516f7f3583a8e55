"""The two ends of the benchmark: an EMS that sends as fast as it may, a venue that fills at once.

Owns: raw FIX.4.4 sessions, good enough for the gateway and for each other on a line that holds.
May not know: what stands between them, a byte relay or the gateway.

`python -m benchmarks.peers venue` prints its port as JSON. `python -m benchmarks.peers ems ARM=PORT
...` logs on to each port, prints {"ready": true}, then takes one JSON line per measurement on stdin
({"arm", "outstanding", "seconds"}) and answers each with one on stdout.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

import uvloop

from benchmarks import raw

HEART_BT_INT_S: Final = 30
HEARTBEAT_EVERY_S: Final = 10.0
SNAPSHOT_EVERY_S: Final = 1.0
DRAIN_TIMEOUT_S: Final = 10.0
LOGON_TIMEOUT_S: Final = 20.0
BID: Final = b"50"
ASK: Final = b"50.02"
SIZE: Final = b"1000000"
FEE_PER_SHARE_MICROS: Final = 2_800
MICROS: Final = 1_000_000
SYMBOLS_MAX: Final = 1_000


class Line(asyncio.Protocol):
    """A FIX session of few words over one connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.ours = b""
        self.theirs = b""
        self.next_out = 1
        self.stamp = raw.Stamp()
        self._rest = b""
        self._handlers: dict[bytes, Callable[[bytes], bytes]] = {
            b"0": lambda _: b"",
            b"1": self._test_request,
            b"2": self._resend_request,
            b"5": self._logout,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        messages, self._rest = raw.split(self._rest + data if self._rest else data)
        out = b"".join([self.handle(message) for message in messages])
        if out:
            self.write(out)

    def handle(self, message: bytes) -> bytes:
        """What to answer to one message."""
        handler = self._handlers.get(raw.field(message, b"35"))
        return handler(message) if handler is not None else b""

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def message(self, msg_type: bytes, body: bytes) -> bytes:
        """A message under the next number."""
        number = self.next_out
        self.next_out += 1
        return raw.frame(
            b"35=%s\x0134=%d\x0149=%s\x0152=%s\x0156=%s\x01%s"
            % (msg_type, number, self.ours, self.stamp.now(), self.theirs, body)
        )

    def heartbeat(self) -> None:
        self.write(self.message(b"0", b""))

    def _test_request(self, message: bytes) -> bytes:
        return self.message(b"0", b"112=%s\x01" % raw.field(message, b"112"))

    def _resend_request(self, message: bytes) -> bytes:
        """Nothing is ever sent again: one gap fill over all of it."""
        now = self.stamp.now()
        return raw.frame(
            b"35=4\x0134=%s\x0143=Y\x0149=%s\x0152=%s\x0156=%s\x01122=%s\x01123=Y\x0136=%d\x01"
            % (raw.field(message, b"7"), self.ours, now, self.theirs, now, self.next_out)
        )

    def _logout(self, message: bytes) -> bytes:  # noqa: ARG002 - a handler like the others
        self.write(self.message(b"5", b""))
        assert self.transport is not None
        self.transport.close()
        return b""


# --- the venue --------------------------------------------------------------------------------

REPORT: Final = (
    b"37=%s\x0111=%s\x0117=%s\x01150=%s\x0139=%s\x0155=%s\x0154=%s\x0138=%s\x0140=%s\x0144=%s\x01"
    b"32=%s\x0131=%s\x01151=%s\x0114=%s\x016=%s\x0160=%s\x01"
)
FILL: Final = b"30=XLIT\x01851=2\x01136=1\x01137=%s\x01138=USD\x01139=4\x01"
UNKNOWN: Final = (
    b"37=NONE\x0111=%s\x0117=S%d\x01150=I\x0139=8\x01103=5\x0155=%s\x0154=%s\x0138=0\x01"
    b"151=0\x0114=0\x016=0\x0158=O: unknown order\x01"
)
CANCEL_REJECT: Final = b"37=%s\x0111=%s\x0141=%s\x0139=%s\x01434=1\x01102=%s\x0158=%s\x0160=%s\x01"


@dataclass(slots=True)
class Filled:
    """An order; all of them are filled the moment they come."""

    order_id: bytes
    symbol: bytes
    side: bytes
    quantity: bytes
    ord_type: bytes
    price: bytes


@dataclass(slots=True)
class Books:
    """What all connections of the venue share."""

    orders: dict[bytes, Filled] = field(default_factory=dict)
    numbers: dict[bytes, int] = field(default_factory=dict)
    """Next number out, by the peer's CompID, kept over its connections."""
    executions: int = 0


class VenueLine(Line):
    """One connection to the instant-fill venue."""

    def __init__(self, books: Books) -> None:
        super().__init__()
        self._books = books
        self._symbols: list[bytes] = []
        self._request_id = b""
        self._snapshots: asyncio.TimerHandle | None = None
        self._handlers |= {
            b"A": self._logon,
            b"D": self._order,
            b"F": self._cancel,
            b"H": self._status,
            b"V": self._subscribe,
        }

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._snapshots is not None:
            self._snapshots.cancel()
        if self.theirs:
            self._books.numbers[self.theirs] = self.next_out

    def _logon(self, message: bytes) -> bytes:
        self.ours, self.theirs = raw.field(message, b"56"), raw.field(message, b"49")
        reset = raw.field(message, b"141") == b"Y"
        self.next_out = 1 if reset else self._books.numbers.get(self.theirs, 1)
        heart_bt_int = raw.field(message, b"108")
        body = b"98=0\x01108=%s\x01" % heart_bt_int + (b"141=Y\x01" if reset else b"")
        asyncio.get_running_loop().call_later(HEARTBEAT_EVERY_S, self._keep_alive)
        return self.message(b"A", body)

    def _keep_alive(self) -> None:
        assert self.transport is not None
        if not self.transport.is_closing():
            self.heartbeat()
            asyncio.get_running_loop().call_later(HEARTBEAT_EVERY_S, self._keep_alive)

    def _order(self, message: bytes) -> bytes:
        """Acknowledge and fill, in two reports."""
        books = self._books
        books.executions += 1
        number = books.executions
        side = raw.field(message, b"54")
        order = Filled(
            b"O%d" % number,
            raw.field(message, b"55"),
            side,
            raw.field(message, b"38"),
            raw.field(message, b"40"),
            raw.field(message, b"44") or (ASK if side == b"1" else BID),
        )
        cl_ord_id = raw.field(message, b"11")
        books.orders[cl_ord_id] = order
        fee = int(order.quantity) * FEE_PER_SHARE_MICROS
        amount = b"%d.%06d" % divmod(fee, MICROS)
        return self._report(cl_ord_id, order, b"A%d" % number, b"0") + self._report(
            cl_ord_id, order, b"E%d" % number, b"F", FILL % amount
        )

    def _report(
        self, cl_ord_id: bytes, order: Filled, exec_id: bytes, exec_type: bytes, more: bytes = b""
    ) -> bytes:
        fill, over = exec_type == b"F", exec_type != b"0"
        body = REPORT % (
            *(order.order_id, cl_ord_id, exec_id, exec_type, b"2" if over else b"0"),
            *(order.symbol, order.side, order.quantity, order.ord_type, order.price),
            *((order.quantity, order.price) if fill else (b"0", b"0")),
            b"0" if over else order.quantity,
            *((order.quantity, order.price) if over else (b"0", b"0")),
            self.stamp.now(),
        )
        return self.message(b"8", body + more)

    def _cancel(self, message: bytes) -> bytes:
        """Always too late, or about nothing."""
        orig = raw.field(message, b"41")
        order = self._books.orders.get(orig)
        answer = (b"2", b"0", b"J: filled") if order else (b"8", b"1", b"O: unknown order")
        order_id = order.order_id if order else b"NONE"
        cl_ord_id = raw.field(message, b"11")
        body = CANCEL_REJECT % (order_id, cl_ord_id, orig, *answer, self.stamp.now())
        return self.message(b"9", body)

    def _status(self, message: bytes) -> bytes:
        cl_ord_id, request_id = raw.field(message, b"11"), raw.field(message, b"790")
        more = b"790=%s\x01" % request_id if request_id else b""
        self._books.executions += 1
        number = self._books.executions
        order = self._books.orders.get(cl_ord_id)
        if order is not None:
            return self._report(cl_ord_id, order, b"S%d" % number, b"I", more)
        symbol, side = raw.field(message, b"55"), raw.field(message, b"54")
        return self.message(b"8", UNKNOWN % (cl_ord_id, number, symbol, side) + more)

    def _subscribe(self, message: bytes) -> bytes:
        """A market data request: a snapshot now and every second."""
        self._request_id = raw.field(message, b"262")
        parts = message.split(raw.SOH)
        self._symbols = [part[3:] for part in parts if part.startswith(b"55=")][:SYMBOLS_MAX]
        if self._snapshots is None:
            self._later()
        return self._quotes()

    def _quotes(self) -> bytes:
        return b"".join(
            self.message(
                b"W",
                b"262=%s\x0155=%s\x01268=2\x01269=0\x01270=%s\x01271=%s\x01290=1\x01"
                b"269=1\x01270=%s\x01271=%s\x01290=1\x01"
                % (self._request_id, symbol, BID, SIZE, ASK, SIZE),
            )
            for symbol in self._symbols
        )

    def _again(self) -> None:
        self.write(self._quotes())
        self._later()

    def _later(self) -> None:
        loop = asyncio.get_running_loop()
        self._snapshots = loop.call_later(SNAPSHOT_EVERY_S, self._again)


async def venue() -> None:
    """Serve until killed."""
    books = Books()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: VenueLine(books), "127.0.0.1", 0)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


# --- the EMS ----------------------------------------------------------------------------------

# Sell 100 at the venue's bid, immediate or cancel: one child, one fill, done.
ORDER: Final = (
    b"11=B%d\x0155=ACME\x0154=2\x0138=100\x0140=2\x0144=50\x0159=3\x0160=%s\x01"
    b"847=1000\x01848=lit-sweep\x01"
)


class EmsLine(Line):
    """One arm: a session that keeps so many orders outstanding for so long."""

    def __init__(self) -> None:
        super().__init__()
        self.ours, self.theirs = b"EMS", b"SOR"
        self.logged_on = asyncio.Event()
        self.lost = False
        self._orders = 0
        self._sent_ns: dict[bytes, int] = {}
        self._latencies_ns: list[int] = []
        self._failures: list[str] = []
        self._stop_ns = 0
        self._in_time = 0
        self._drained = asyncio.Event()
        self._handlers |= {b"A": self._logon, b"8": self._report, b"3": self._reject}
        self._handlers |= {b"j": self._reject, b"9": self._reject}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(self.message(b"A", b"98=0\x01108=%d\x01" % HEART_BT_INT_S))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._failures.append(f"connection lost: {exc}")
        self._drained.set()

    async def measure(self, outstanding: int, seconds: float) -> dict[str, Any]:
        """Keep orders outstanding; round trips in us and orders completed a second."""
        self._latencies_ns, self._failures, self._in_time = [], [], 0
        self._drained.clear()
        started_ns = time.perf_counter_ns()
        self._stop_ns = started_ns + int(seconds * 1e9)
        self.write(b"".join([self._order() for _ in range(outstanding)]))
        try:
            async with asyncio.timeout(seconds + DRAIN_TIMEOUT_S):
                await self._drained.wait()
        except TimeoutError:
            self._failures.append(f"{len(self._sent_ns)} orders without an end")
            self._sent_ns.clear()
        latencies = sorted(self._latencies_ns)
        return {
            "orders": len(latencies),
            "orders_per_s": self._in_time / seconds,
            "p50_us": quantile(latencies, 0.50) / 1e3,
            "p99_us": quantile(latencies, 0.99) / 1e3,
            "failures": len(self._failures),
            "first_failure": self._failures[0] if self._failures else "",
        }

    def _order(self) -> bytes:
        self._orders += 1
        message = self.message(b"D", ORDER % (self._orders, self.stamp.now()))
        self._sent_ns[b"B%d" % self._orders] = time.perf_counter_ns()
        return message

    def _logon(self, message: bytes) -> bytes:  # noqa: ARG002 - a handler like the others
        self.logged_on.set()
        return b""

    def _report(self, message: bytes) -> bytes:
        """An 8: the round trip ends with the fill that completes the order."""
        status = raw.field(message, b"39")
        if status in (b"0", b"1", b"A"):
            return b""
        now_ns = time.perf_counter_ns()
        sent_ns = self._sent_ns.pop(raw.field(message, b"11"), None)
        if sent_ns is None:
            return b""
        if status == b"2":
            self._latencies_ns.append(now_ns - sent_ns)
        else:
            self._failures.append(message.replace(raw.SOH, b"|").decode("latin-1"))
        if now_ns < self._stop_ns:
            self._in_time += status == b"2"
            return self._order()
        if not self._sent_ns:
            self._drained.set()
        return b""

    def _reject(self, message: bytes) -> bytes:
        self._failures.append(message.replace(raw.SOH, b"|").decode("latin-1"))
        return b""


def quantile(ordered: list[int], share: float) -> float:
    """A value of a sorted list; 0 of an empty one."""
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else 0.0


async def ems(ports: dict[str, int]) -> None:
    """Log on everywhere, then measure as told on stdin until it ends."""
    loop = asyncio.get_running_loop()
    arms: dict[str, EmsLine] = {}
    for arm, port in ports.items():
        _, arms[arm] = await loop.create_connection(EmsLine, "127.0.0.1", port)
        async with asyncio.timeout(LOGON_TIMEOUT_S):
            await arms[arm].logged_on.wait()

    def keep_alive() -> None:
        for line in arms.values():
            if not line.lost:
                line.heartbeat()
        loop.call_later(HEARTBEAT_EVERY_S, keep_alive)

    keep_alive()
    say({"ready": True})
    async for command in commands():
        say(await arms[command["arm"]].measure(command["outstanding"], command["seconds"]))


async def commands() -> AsyncIterator[dict[str, Any]]:
    """The JSON lines of stdin, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async for text in lines:
        yield json.loads(text)


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["venue"]:
        uvloop.run(venue())
    else:
        ports = dict(argument.split("=", 1) for argument in arguments[1:])
        uvloop.run(ems({arm: int(port) for arm, port in ports.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
