"""The yardstick: bytes in, the same bytes out, on the event loop that the gateway runs on.

Owns: two sockets a connection. May not know: FIX. Nothing that handles messages in Python can be
faster. `python -m benchmarks.relay PORT` forwards to PORT and prints its own port as JSON.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One of the two sockets; `other` gets what comes in."""

    def __init__(self, other: Side | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        assert self.other.transport is not None
        self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Accepted(Side):
    """The EMS's side: keeps what comes before the venue's side stands."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self._early = b""
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data  # a Logon: the EMS waits for its answer
        else:
            super().data_received(data)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(lambda: Side(self), "127.0.0.1", self._target)
        if self._early:
            super().data_received(self._early)


async def serve(target: int) -> None:
    """Relay until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Accepted(target), "127.0.0.1", 0)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
