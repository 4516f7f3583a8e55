"""One TCP connection: bytes that came and were not read yet, bytes that go.

Owns: the transport, the bounds on what waits in either direction, and the end of the connection.
May not know: FIX, which turn it is, what the bytes mean.

Theory of operation. Inbound bytes wait in `pending` until someone reads them, a bounded piece at a
time; above a bound the transport stops reading, the kernel's buffer fills and the peer is slowed
down by TCP itself. Outbound bytes go to the kernel at once, so that the peer is at work while the
rest of the turn runs (the event loop's transport would write at the end of its iteration); what the
kernel does not take, and all of TLS, goes through the transport. A peer that does not read is a
slow consumer and is cut, by size or by time, so that no peer can make us hold memory without end.

A connection reports to one watcher at a time: the listener until it is known whose it is, the
reactor from then on.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final, Protocol, cast

from sor_gateway.net.limits import (
    LINGER_S,
    PENDING_HIGH_BYTES,
    PROBES,
    WRITE_HIGH_BYTES,
    WRITE_LOW_BYTES,
    ConnectionLimits,
)

DEFAULT_LIMITS: Final = ConnectionLimits()


class Watcher(Protocol):
    """Who is told what happens on a connection."""

    def opened(self, connection: Connection) -> None:
        """The transport is up."""

    def received(self, connection: Connection) -> None:
        """`pending` has grown."""

    def lost(self, connection: Connection) -> None:
        """The transport is gone; `pending` may still hold bytes. Called once."""


class Connection(asyncio.Protocol):
    """A transport with bounded buffers on both sides."""

    def __init__(
        self,
        watcher: Watcher,
        loop: asyncio.AbstractEventLoop,
        limits: ConnectionLimits = DEFAULT_LIMITS,
    ) -> None:
        self.watcher = watcher
        self.peer = ""
        """Address and port of the other side, for people."""
        self.address = ""
        """Address of the other side without the port, for limits."""
        self.pending = b""
        """Bytes that came and were not read yet."""
        self.ended: str | None = None
        """Why no more input will come (closed by us or lost); None while it may."""
        self.bytes_in = 0
        self.bytes_out = 0
        self._loop = loop
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._plain_fd = -1
        """Where to write, ours until the loss is told; -1 where the transport encrypts."""
        self._gone = False
        self._paused = False
        self._deaf = False
        self._timer: asyncio.TimerHandle | None = None

    # --- what asyncio calls ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is up (asyncio calls this)."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES, low=WRITE_LOW_BYTES)
        raw_socket = transport.get_extra_info("socket")
        raw_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch_for_half_open(raw_socket)
        if transport.get_extra_info("sslcontext") is None:
            self._plain_fd = raw_socket.fileno()
        if not self.peer:  # whoever was accepted is known by the address that `accept` gave: a peer
            # that is gone again has none any more, and its address would stay counted for ever
            self.address, self.peer = describe(transport.get_extra_info("peername"))
        self.watcher.opened(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came (asyncio calls this)."""
        if self.ended is not None:
            return  # closed by us: what still comes is for nobody
        self.bytes_in += len(data)
        self.pending = self.pending + data if self.pending else bytes(data)
        if len(self.pending) > PENDING_HIGH_BYTES and not self._paused:
            self._paused = True
            self._open_transport().pause_reading()
        self.watcher.received(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio calls this, once)."""
        self._gone = True
        self._stop_timer()
        if self.ended is None:
            self.ended = f"connection lost: {exc}" if exc else "the peer closed the connection"
        self.watcher.lost(self)

    def pause_writing(self) -> None:
        """Unsent output passed the high mark (asyncio calls this)."""
        if self._timer is None:
            seconds = self._limits.slow_consumer_s
            reason = f"slow consumer: output unread for {seconds:g} s"
            self._timer = self._loop.call_later(seconds, self.abort, reason)

    def resume_writing(self) -> None:
        """Unsent output fell to the low mark (asyncio calls this)."""
        if self.ended is None:
            self._stop_timer()

    # --- what the watcher calls -----------------------------------------------------------

    @property
    def made(self) -> bool:
        """Whether there is, or was, a transport."""
        return self._transport is not None

    @property
    def gone(self) -> bool:
        """Whether the transport no longer exists."""
        return self._gone

    @property
    def buffered(self) -> int:
        """Bytes written and not yet taken by the kernel."""
        if self._transport is None or self._gone:
            return 0
        return self._transport.get_write_buffer_size()

    def read(self, limit: int) -> bytes:
        """Take at most `limit` of the pending bytes, oldest first."""
        pending = self.pending
        if len(pending) <= limit:
            self.pending = b""
            data = pending
        else:
            data = pending[:limit]
            self.pending = pending[limit:]
        if self._paused and len(self.pending) <= PENDING_HIGH_BYTES:
            self._paused = False
            if self.ended is None and not self._deaf:
                self._open_transport().resume_reading()
        return data

    def hear(self, *, hears: bool) -> None:
        """Whether more is read from the peer than what has come already."""
        if hears is not self._deaf or self.ended is not None:
            return
        self._deaf = not hears
        if self._paused:
            return
        if hears:
            self._open_transport().resume_reading()
        else:
            self._open_transport().pause_reading()

    def write(self, data: bytes) -> None:
        """Send bytes, with one write. Dropped when the connection has ended: what has a number is
        in the journal, and the peer will ask for it."""
        if self.ended is not None:
            return
        self.bytes_out += len(data)
        if self._plain_fd >= 0 and not self.buffered:
            data = data[self._write_now(data) :]
            if not data:
                return
        self._open_transport().write(data)
        buffered = self.buffered
        if buffered > self._limits.slow_consumer_bytes:
            self.abort(f"slow consumer: {buffered} bytes unread")

    def close(self, reason: str) -> None:
        """Close when all output is sent, at the latest after `LINGER_S`. Input is dropped."""
        if self.ended is not None:
            return
        self._end(reason)
        self._open_transport().close()
        if not self._gone:
            self._timer = self._loop.call_later(LINGER_S, self._open_transport().abort)

    def abort(self, reason: str) -> None:
        """Close at once; unsent output and unread input are dropped."""
        if self.ended is None:
            self._end(reason)
        if not self._gone:
            self._stop_timer()
            self._open_transport().abort()

    def abandon(self, reason: str) -> None:
        """Have nothing more to do with the peer, who is not told: what it sends is dropped."""
        if self.ended is None:
            self.hear(hears=True)  # so that its end is noticed
            self._end(reason)

    def _write_now(self, data: bytes) -> int:
        """How many bytes the kernel took. An error is left to the transport, which meets it too and
        then says that the connection is lost."""
        try:
            return os.write(self._plain_fd, data)
        except OSError:
            return 0

    def _watch_for_half_open(self, raw_socket: socket.socket) -> None:
        seconds, tcp = self._limits.half_open_s, socket.IPPROTO_TCP
        raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw_socket.setsockopt(tcp, socket.TCP_KEEPIDLE, max(1, seconds // 2))
        raw_socket.setsockopt(tcp, socket.TCP_KEEPINTVL, max(1, seconds // (2 * PROBES)))
        raw_socket.setsockopt(tcp, socket.TCP_KEEPCNT, PROBES)
        raw_socket.setsockopt(tcp, socket.TCP_USER_TIMEOUT, 1_000 * seconds)

    def _end(self, reason: str) -> None:
        self.ended = reason
        self.pending = b""
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _open_transport(self) -> asyncio.Transport:
        assert self._transport is not None, "the connection was never made"
        return self._transport


def describe(peername: object) -> tuple[str, str]:
    """The address and the text for people, of what a socket says about its peer."""
    if isinstance(peername, tuple) and len(peername) >= 2:
        return str(peername[0]), f"{peername[0]}:{peername[1]}"
    return str(peername or ""), str(peername or "unknown peer")
