"""The door: accepts connections and finds out whose they are before a byte is answered.

Owns: connections that have not said who they are, and the limits on them.
May not know: what a session does with its Logon; who may come in (`admit`); routing, journals.

Whoever connects first has to send one whole, valid frame whose BeginString, SenderCompID and
TargetCompID name a session of ours that has no connection. Anything else (other protocols, a bad
checksum or length, an unknown name, silence) is closed without a byte, so that nobody learns what
listens here. The frame itself stays unread for the session: it is the Logon.

A connection counts from the moment it is accepted; with TLS the handshake comes first, and
`logon_timeout_s` is for both.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sor_gateway.fix.codec import Framer
from sor_gateway.fix.session import lookup_identity
from sor_gateway.net.connection import DEFAULT_LIMITS, Connection, describe
from sor_gateway.net.door import Door
from sor_gateway.net.limits import ConnectionLimits, ListenerLimits
from sor_gateway.net.reactor import Reactor

FIRST_BYTES = b"8=FIX"
"""How every FIX connection begins."""
DEFAULT_LISTENER_LIMITS: Final = ListenerLimits()


@dataclass(slots=True, eq=False)
class Stranger:
    """A connection that has not said who it is."""

    framer: Framer
    timer: asyncio.TimerHandle
    making: asyncio.Task[None]
    """Its transport being set up, the TLS handshake above all."""
    framed: int = 0
    """How many of the pending bytes the framer has seen."""


@dataclass(slots=True)
class ListenerCounters:
    """Plain integers, read at scrape time."""

    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """By cause, a short stable name."""


def _anybody(session: str, address: str, now: int) -> str:  # noqa: ARG001 - the shape of `admit`
    return ""


class Listener:
    """Accepts connections for the acceptor sessions of a reactor.

    `admit` is asked with the session's name, the peer's address and the time, and answers why the
    peer may not have it, a short stable word, or nothing. `on_refused` is told the peer and the
    cause of each refusal, for the log.
    """

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        limits: ListenerLimits = DEFAULT_LISTENER_LIMITS,
        on_refused: Callable[[str, str], None] | None = None,
        admit: Callable[[str, str, int], str] = _anybody,
        connection_limits: ConnectionLimits = DEFAULT_LIMITS,
    ) -> None:
        self.port = port
        """The port it listens on; the real one once started when 0 was asked for."""
        self.counters = ListenerCounters()
        self._reactor = reactor
        self._host = host
        self._tls = tls
        self._limits = limits
        self._connection_limits = connection_limits
        self._admit = admit
        self._on_refused = on_refused
        self._door = Door(reactor.loop, self._take, self._count_failed)
        self._strangers: dict[Connection, Stranger] = {}
        self._addresses: Counter[str] = Counter()
        self._connections = 0

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the address cannot be had."""
        self.port = await self._door.open(self._host, self.port)

    async def stop(self) -> None:
        """Listen no more and drop those that have not said who they are. Sessions go on."""
        self._door.close()
        for connection, stranger in list(self._strangers.items()):
            self._drop(connection, stranger, "the listener stops")
        await asyncio.sleep(0)  # transports close in the next iteration of the loop

    @property
    def strangers(self) -> int:
        """How many connections have not said who they are."""
        return len(self._strangers)

    # --- what connections say -------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """The transport is up."""

    def received(self, connection: Connection) -> None:
        """A stranger has sent something: look whether it says who they are."""
        stranger = self._strangers[connection]
        pending = connection.pending
        frames = stranger.framer.feed(pending[stranger.framed :])
        stranger.framed = len(pending)
        prefix = pending[: len(FIRST_BYTES)]
        if frames and pending.startswith(frames[0]):
            self._identify(connection, frames[0])
        elif stranger.framer.garbled or not FIRST_BYTES.startswith(prefix):
            self._refuse(connection, "not-fix")
        elif len(pending) > self._limits.logon_bytes:
            self._refuse(connection, "logon-too-long")

    def lost(self, connection: Connection) -> None:
        """A stranger is gone."""
        self._forget(connection)
        self._ended(connection)

    # --- internals ------------------------------------------------------------------------

    def _take(self, accepted: socket.socket, peername: object) -> None:
        """Someone connected."""
        self.counters.accepted += 1
        address, peer = describe(peername)
        if self._connections >= self._limits.connections:
            self._count_refused(peer, "too-many-connections")
            accepted.close()
            return
        if self._addresses[address] >= self._limits.per_address:
            self._count_refused(peer, "too-many-from-address")
            accepted.close()
            return
        if len(self._strangers) >= self._limits.without_logon:
            # The oldest: whoever has business here says so at once, and silent ones must not
            # hold the door shut.
            self._refuse(next(iter(self._strangers)), "too-many-without-logon")
        loop = self._reactor.loop
        connection = Connection(self, loop, self._connection_limits)
        connection.address, connection.peer = address, peer
        self._addresses[address] += 1
        self._connections += 1
        timer = loop.call_later(self._limits.logon_timeout_s, self._refuse, connection, "no-logon")
        making = loop.create_task(self._make(connection, accepted))
        making.add_done_callback(partial(self._made, connection, accepted))
        self._strangers[connection] = Stranger(Framer(self._limits.logon_bytes), timer, making)

    async def _make(self, connection: Connection, accepted: socket.socket) -> None:
        """Give an accepted socket its transport."""
        await self._reactor.loop.connect_accepted_socket(
            lambda: connection,
            accepted,
            ssl=self._tls,
            ssl_handshake_timeout=self._limits.logon_timeout_s if self._tls else None,
        )

    def _made(
        self, connection: Connection, accepted: socket.socket, making: asyncio.Task[None]
    ) -> None:
        error = None if making.cancelled() else making.exception()
        if error is not None and not isinstance(error, OSError):
            self._reactor.fail(error)
        if not connection.made:  # no handshake, or refused before there was one
            accepted.close()
            self.lost(connection)

    def _identify(self, connection: Connection, frame: bytes) -> None:
        identity = lookup_identity(frame)
        session = self._reactor.resolve(*identity) if identity else None
        if session is None:
            self._refuse(connection, "unknown-identity")
            return
        name, now = session.settings.name, self._reactor.clock()
        if cause := self._admit(name, connection.address, now):
            self._refuse(connection, cause)
        elif self._reactor.connected(session):
            # The first lives, but it has to prove it (fix.md 1, decisions.md).
            self._refuse(connection, "identity-live")
            self._reactor.challenge(session)
        else:
            self._forget(connection)
            self._reactor.bind(connection, session, partial(self._ended, connection))

    def _refuse(self, connection: Connection, cause: str) -> None:
        self._count_refused(connection.peer, cause)
        self._drop(connection, self._strangers[connection], cause)

    def _drop(self, connection: Connection, stranger: Stranger, cause: str) -> None:
        self._forget(connection)
        if connection.made:
            connection.abort(cause)
        else:
            stranger.making.cancel()

    def _count_refused(self, peer: str, cause: str) -> None:
        self.counters.refused[cause] = self.counters.refused.get(cause, 0) + 1
        if self._on_refused is not None:
            self._on_refused(peer, cause)

    def _count_failed(self, cause: str) -> None:
        self._count_refused("", cause)

    def _forget(self, connection: Connection) -> None:
        stranger = self._strangers.pop(connection, None)
        if stranger is not None:
            stranger.timer.cancel()

    def _ended(self, connection: Connection) -> None:
        self._connections -= 1
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]
