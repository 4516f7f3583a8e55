"""Listening sockets, and the pace at which connections are taken from them.

Owns: binding, accepting, what is done when the process has no descriptor left.
May not know: who connects, how many may, what becomes of a connection.

How many of those that wait are accepted in one go is the event loop's choice (asyncio: up to the
backlog), and with TLS each of them begins a handshake that nobody counts. Here each iteration of
the loop accepts one at most, and whoever trades is served in between; the others wait in the kernel
(`BACKLOG`). Who has no business here is closed before anything is made for it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from sor_gateway.net.connection import describe
from sor_gateway.net.limits import ACCEPT_RETRY_S, BACKLOG

GONE = (BlockingIOError, InterruptedError, ConnectionAbortedError)
"""There was a connection, and it is gone again: nothing to accept."""


class Door:
    """Open sockets of one address. `take` is given each accepted socket, non-blocking, and the
    peer's address; `failed` is told why one could not be accepted (no descriptor left): the door
    stays shut for `ACCEPT_RETRY_S` then."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        take: Callable[[socket.socket, object], None],
        failed: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._take = take
        self._failed = failed
        self._sockets: list[socket.socket] = []
        self._resting: dict[socket.socket, asyncio.TimerHandle] = {}

    async def open(self, host: str, port: int) -> int:
        """Begin to listen on every address of the host; the port, the real one when 0 was asked
        for. Raises OSError when an address cannot be had."""
        found = await self._loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, kind, protocol, _, address in dict.fromkeys(found):
                self._sockets.append(_listening(family, kind, protocol, address))
        except OSError:
            self.close()
            raise
        for listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        for listening in self._sockets:
            if listening in self._resting:
                self._resting.pop(listening).cancel()
            self._loop.remove_reader(listening)
            listening.close()
        self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, address = listening.accept()
        except GONE:
            return
        except OSError as error:
            self._rest(listening, error)
            return
        accepted.setblocking(False)
        self._take(accepted, address)

    def _rest(self, listening: socket.socket, error: OSError) -> None:
        """The connection stays in the kernel's queue, and would be told of without end."""
        self._loop.remove_reader(listening)
        self._resting[listening] = self._loop.call_later(ACCEPT_RETRY_S, self._resume, listening)
        self._failed(f"cannot-accept-{errno.errorcode.get(error.errno or 0, 'other').lower()}")

    def _resume(self, listening: socket.socket) -> None:
        del self._resting[listening]
        self._loop.add_reader(listening, self._accept, listening)


def _listening(family: int, kind: int, protocol: int, address: object) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # 0.0.0.0 is another address, and may be listened on too
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(address)  # type: ignore[arg-type]
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{error.strerror}: {describe(address)[1]}") from error
    return sock
