"""A bare process to attack: what an attack costs the machine when next to nothing is behind it.

Owns: the least that a server may do about each attack of hostile_peers.py.
May not know: the gateway; who is quiet meanwhile.

`python -m benchmarks.hostile_sink` prints its port as JSON and serves until it is killed. It does
to each attacker what the gateway does, by the cheapest means: it answers TestRequests and cuts a
peer that leaves too much unread, cuts a peer after so many orders and closes it at the door from
then on, keeps so many silent connections, sends ready-made messages at the gateway's pace. Two
processes fight for the machine's cores all the same: what the quiet session feels of that is no
fault of the gateway's.
"""

from __future__ import annotations

import asyncio
from typing import Final

import uvloop

from benchmarks import raw
from benchmarks.history import REPORT
from benchmarks.peers import Line, say
from sor_gateway.daemon.intake import REPLAY_CHUNK
from sor_gateway.net.limits import ConnectionLimits, ListenerLimits

ORDERS_MAX: Final = 600
"""As the gateway's defaults: one second's worth is taken, another refused, then the peer is cut."""
REPLAY_EVERY_S: Final = 0.0025


class Sink:
    """What its connections share."""

    def __init__(self) -> None:
        self.silent: dict[SinkLine, None] = {}
        self.kept_out: set[bytes] = set()


class SinkLine(Line):
    """One connection."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._orders = 0
        self._again: list[bytes] = []
        self._handlers |= {b"A": self._logon, b"D": self._order, b"2": self._replay}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        silent = self._sink.silent
        if len(silent) >= ListenerLimits().without_logon:
            next(iter(silent)).abort()
        silent[self] = None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._sink.silent.pop(self, None)

    def abort(self) -> None:
        """Close it at once."""
        assert self.transport is not None
        self._sink.silent.pop(self, None)
        self.transport.abort()

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        super().write(data)
        if self.transport.get_write_buffer_size() > ConnectionLimits().slow_consumer_bytes:
            self.abort()

    def _logon(self, message: bytes) -> bytes:
        self.ours, self.theirs = raw.field(message, b"56"), raw.field(message, b"49")
        if self.theirs in self._sink.kept_out:
            self.abort()
            return b""
        self._sink.silent.pop(self, None)
        return self.message(b"A", b"98=0\x01108=%s\x01" % raw.field(message, b"108"))

    def _order(self, message: bytes) -> bytes:  # noqa: ARG002 - a handler like the others
        self._orders += 1
        if self._orders == ORDERS_MAX:
            self._sink.kept_out.add(self.theirs)
            self.abort()
        return b""

    def _replay(self, message: bytes) -> bytes:  # noqa: ARG002 - a handler like the others
        now = self.stamp.now()
        values = (self.theirs, 1, 1, 1, b"F", b"2", now)
        self._again = [
            raw.frame(REPORT % (number, now, *values)) for number in range(1, 1 + REPLAY_CHUNK)
        ]
        self._send_again()
        return b""

    def _send_again(self) -> None:
        assert self.transport is not None
        if not self.transport.is_closing():
            self.write(b"".join(self._again))
            asyncio.get_running_loop().call_later(REPLAY_EVERY_S, self._send_again)


async def main() -> None:
    """Serve until killed."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SinkLine(sink), "127.0.0.1", 0)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
