"""Who stands around the gateway in `make hostile`: one quiet EMS, and peers that mean harm.

Owns: raw FIX.4.4 sessions, the pace of the quiet one, what each attack does to a socket.
May not know: what the gateway does about it, what is a good figure.

`python -m benchmarks.hostile_peers quiet PORT` logs on, prints {"ready": true}, then takes one JSON
line per measurement on stdin ({"seconds"}) and answers each with one on stdout.
`python -m benchmarks.hostile_peers attack KIND PORT` makes ready, prints {"ready": true}, and
begins when it is told so by a line on stdin; {"seconds"} says for how long. Attackers run at the
lowest priority: theirs is another machine, and their CPU is none of ours.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvloop

from benchmarks import raw
from benchmarks.peers import HEART_BT_INT_S, LOGON_TIMEOUT_S, ORDER, Line, commands, quantile, say

HOST: Final = "127.0.0.1"
QUIET_ORDERS_PER_S: Final = 200
DRAIN_S: Final = 5.0
FLOOD_MESSAGES_PER_S: Final = 100_000
FLOOD_BURST_S: Final = 0.01
SILENT_CONNECTIONS: Final = 500
ECHO_BYTES: Final = 7_000
ECHOES_PER_S: Final = 100
COME_BACK_S: Final = 0.1
"""How soon an attacker that was cut tries again."""


class Client(Line):
    """An EMS session that logs on and keeps what happens to it."""

    def __init__(self, name: bytes) -> None:
        super().__init__()
        self.ours, self.theirs = name, b"SOR"
        self.logged_on = asyncio.Event()
        self.lost = asyncio.Event()
        self.farewell = ""
        """The text of the gateway's Logout."""
        self._handlers |= {b"A": self._logon}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(self.message(b"A", b"98=0\x01108=%d\x01" % HEART_BT_INT_S))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost.set()

    async def log_on(self, port: int) -> Client:
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, port)
        async with asyncio.timeout(LOGON_TIMEOUT_S):
            await self.logged_on.wait()
        return self

    def _logon(self, message: bytes) -> bytes:  # noqa: ARG002 - a handler like the others
        self.logged_on.set()
        return b""

    def _logout(self, message: bytes) -> bytes:
        self.farewell = raw.field(message, b"58").decode("latin-1")
        return super()._logout(message)


class Quiet(Client):
    """Sends an order every 5 ms, whatever became of those before; measures each round trip."""

    def __init__(self) -> None:
        super().__init__(b"QUIET")
        self._handlers |= {b"8": self._report, b"3": self._refused, b"j": self._refused}
        self._orders = 0
        self._sent_ns: dict[bytes, int] = {}
        self._latencies_ns: list[int] = []
        self._refusals: list[str] = []

    async def measure(self, seconds: float) -> dict[str, Any]:
        """Round trips, in us, of the orders of so many seconds."""
        self._latencies_ns, self._refusals = [], []
        self._sent_ns.clear()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(int(seconds * QUIET_ORDERS_PER_S)):
            await asyncio.sleep(began + number / QUIET_ORDERS_PER_S - loop.time())
            if self.lost.is_set():
                break
            self._send_order()
        end = loop.time() + DRAIN_S
        while self._sent_ns and loop.time() < end:
            await asyncio.sleep(0.01)
        latencies = sorted(self._latencies_ns)
        return {
            "orders": len(latencies),
            "p50_us": quantile(latencies, 0.50) / 1e3,
            "p99_us": quantile(latencies, 0.99) / 1e3,
            "max_us": quantile(latencies, 1.0) / 1e3,
            "unfilled": len(self._sent_ns),
            "refused": len(self._refusals),
            "first_refusal": self._refusals[0] if self._refusals else "",
        }

    def _send_order(self) -> None:
        self._orders += 1
        message = self.message(b"D", ORDER % (self._orders, self.stamp.now()))
        self._sent_ns[b"B%d" % self._orders] = time.perf_counter_ns()
        self.write(message)

    def _report(self, message: bytes) -> bytes:
        status = raw.field(message, b"39")
        if status in (b"0", b"1", b"A"):
            return b""
        now_ns = time.perf_counter_ns()
        sent_ns = self._sent_ns.pop(raw.field(message, b"11"), None)
        if status != b"2":
            return self._refused(message)
        if sent_ns is not None:
            self._latencies_ns.append(now_ns - sent_ns)
        return b""

    def _refused(self, message: bytes) -> bytes:
        self._refusals.append(message.replace(raw.SOH, b"|").decode("latin-1"))
        return b""


async def quiet(port: int) -> None:
    client = Quiet()
    await client.log_on(port)

    def keep_alive() -> None:
        if not client.lost.is_set():
            client.heartbeat()
            asyncio.get_running_loop().call_later(10.0, keep_alive)

    keep_alive()
    say({"ready": True})
    async for command in commands():
        say(await client.measure(command["seconds"]))


# --- attacks ----------------------------------------------------------------------------------

Attack = Callable[[float], Awaitable[dict[str, Any]]]


async def make_nothing(port: int) -> Attack:  # noqa: ARG001 - a maker like the others
    """The control: how much two windows differ when nobody attacks."""

    async def attack(seconds: float) -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"did": "nothing: the noise of this machine"}

    return attack


async def make_unread(port: int) -> Attack:
    """A peer that stops reading, and has long answers sent to it."""
    client = Client(b"UNREAD")
    await client.log_on(port)

    async def attack(seconds: float) -> dict[str, Any]:
        assert client.transport is not None
        client.transport.pause_reading()
        text = b"x" * ECHO_BYTES
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while loop.time() < began + seconds and not client.lost.is_set():
            client.write(client.message(b"1", b"112=%s\x01" % text))
            sent += 1
            # What we cannot write is a limit of ours: the gateway may push back by not reading.
            await asyncio.sleep(1 / ECHOES_PER_S)
            if client.transport.is_closing():
                break
        lasted = loop.time() - began
        return {"did": f"left {sent:,} answers of {ECHO_BYTES:,} bytes unread for {lasted:.0f} s"}

    return attack


async def make_flood(port: int) -> Attack:
    """A client that sends orders as fast as a wire can carry them, and comes back when cut."""
    client = Client(b"FLOOD")
    await client.log_on(port)
    burst = int(FLOOD_MESSAGES_PER_S * FLOOD_BURST_S)

    async def attack(seconds: float) -> dict[str, Any]:
        assert client.transport is not None
        # Ready-made, and only now: nothing else may be numbered in between.
        prepared = [
            client.message(b"D", ORDER % (number, client.stamp.now()))
            for number in range(FLOOD_MESSAGES_PER_S)
        ]
        bursts = [b"".join(prepared[at : at + burst]) for at in range(0, len(prepared), burst)]
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        for number, data in enumerate(bursts):
            await asyncio.sleep(began + number * FLOOD_BURST_S - loop.time())
            if client.lost.is_set() or client.transport.is_closing():
                break
            client.write(data)
            sent += burst
        refusals = 0
        while loop.time() < began + seconds:
            if client.lost.is_set():
                refusals += await _knock(port, logon_of(b"FLOOD"))
            await asyncio.sleep(COME_BACK_S)
        reason = client.farewell or "no word"
        return {"did": f"sent {sent:,} orders; cut: {reason}; refused {refusals} times"}

    return attack


async def make_silent(port: int) -> Attack:
    """500 connections that say nothing; each one that is closed is opened again."""

    async def attack(seconds: float) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        opened = [0]

        async def stay() -> None:
            while loop.time() < end:
                opened[0] += 1
                await _knock(port, b"", end - loop.time())
                await asyncio.sleep(1.0)

        await asyncio.gather(*(stay() for _ in range(SILENT_CONNECTIONS)))
        return {"did": f"opened {opened[0]:,} connections, {SILENT_CONNECTIONS} at a time"}

    return attack


async def make_replay(port: int) -> Attack:
    """A client that asks for everything that it was ever sent, and reads it."""
    client = Client(b"REPLAY")
    got = [0, 0]

    def count(message: bytes) -> bytes:
        got[0] += 1
        got[1] = int(raw.field(message, b"34"))
        return b""

    client._handlers[b"8"] = count
    await client.log_on(port)

    async def attack(seconds: float) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        client.write(client.message(b"2", b"7=1\x0116=0\x01"))
        while loop.time() < end and not client.lost.is_set():
            await asyncio.sleep(0.1)
        return {"did": f"asked for everything, was sent {got[0]:,} messages, up to {got[1]:,}"}

    return attack


MAKERS: Final[dict[str, Callable[[int], Awaitable[Attack]]]] = {
    "nothing": make_nothing,
    "unread": make_unread,
    "flood": make_flood,
    "silent": make_silent,
    "replay": make_replay,
}


def logon_of(name: bytes) -> bytes:
    """A Logon that may or may not have the right number."""
    line = Line()
    line.ours, line.theirs, line.next_out = name, b"SOR", 1_000_000
    return line.message(b"A", b"98=0\x01108=%d\x01" % HEART_BT_INT_S)


async def _knock(port: int, data: bytes, patience_s: float = 5.0) -> int:
    """Connect, say this much, wait for the other side to close; 1 when it did without a word."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(patience_s):
                await loop.sock_connect(sock, (HOST, port))
                if data:
                    await loop.sock_sendall(sock, data)
                return int(not await loop.sock_recv(sock, 1))
        except ConnectionError:
            return 1
        except TimeoutError:
            return 0


async def attack(kind: str, port: int) -> None:
    os.nice(19)
    make = await MAKERS[kind](port)
    say({"ready": True})
    async for command in commands():
        say(await make(command["seconds"]))


def main(arguments: list[str]) -> None:
    if arguments[0] == "quiet":
        uvloop.run(quiet(int(arguments[1])))
    else:
        uvloop.run(attack(arguments[1], int(arguments[2])))


if __name__ == "__main__":
    main(sys.argv[1:])
