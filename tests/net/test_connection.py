from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from sor_gateway.net import connection as module
from sor_gateway.net.connection import Connection
from sor_gateway.net.limits import PENDING_HIGH_BYTES, READ_LIMIT_BYTES, ConnectionLimits

SLOW_BYTES = 100_000


class Recorder:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def opened(self, connection: Connection) -> None:
        self.told.append("opened")

    def received(self, connection: Connection) -> None:
        self.told.append("received")

    def lost(self, connection: Connection) -> None:
        self.told.append("lost")


class ScriptedTransport(asyncio.Transport):
    """A transport, of TLS, whose kernel takes nothing until told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.unsent = b""
        self.socket = socket.socket()

    def get_extra_info(self, name: str, default: object = None) -> object:
        known = {"socket": self.socket, "peername": ("192.0.2.7", 4711), "sslcontext": self}
        return known[name]

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.calls.append(f"limits {high} {low}")

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.unsent += bytes(data)
        self.calls.append("write")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def transport() -> Iterator[ScriptedTransport]:
    transport = ScriptedTransport()
    yield transport
    transport.socket.close()


def open_connection(
    recorder: Recorder, transport: ScriptedTransport, slow_consumer_s: float = 10.0
) -> Connection:
    limits = ConnectionLimits(slow_consumer_bytes=SLOW_BYTES, slow_consumer_s=slow_consumer_s)
    connection = Connection(recorder, asyncio.get_running_loop(), limits)
    connection.connection_made(transport)
    transport.calls.clear()
    return connection


class TestOpening:
    async def test_small_messages_leave_at_once(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        """Nagle's algorithm would hold a child order back until the last one is acknowledged."""
        open_connection(recorder, transport)
        assert transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

    async def test_the_peer_has_a_name_for_people(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        assert (connection.peer, connection.address) == ("192.0.2.7:4711", "192.0.2.7")
        assert recorder.told == ["opened"]


class TestInput:
    async def test_bytes_are_read_in_order_and_in_bounded_pieces(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.data_received(b"abc")
        connection.data_received(b"def")
        assert [connection.read(4), connection.read(4), connection.read(4)] == [b"abcd", b"ef", b""]

    async def test_above_the_bound_the_kernel_pushes_back(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.data_received(bytes(PENDING_HIGH_BYTES))
        assert transport.calls == []
        connection.data_received(b"x")
        assert transport.calls == ["pause"]
        connection.data_received(b"y")
        assert transport.calls == ["pause"]

    async def test_reading_goes_on_once_the_rest_is_within_the_bound(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.data_received(bytes(2 * PENDING_HIGH_BYTES + 1))
        connection.read(PENDING_HIGH_BYTES)
        assert transport.calls == ["pause"]
        connection.read(READ_LIMIT_BYTES)
        assert transport.calls == ["pause", "resume"]

    async def test_what_comes_after_our_close_is_for_nobody(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.data_received(b"before")
        connection.close("done")
        connection.data_received(b"after")
        assert connection.pending == b""
        assert recorder.told == ["opened", "received"]


class TestEnd:
    async def test_what_came_before_the_loss_can_still_be_read(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.data_received(b"last words")
        connection.connection_lost(None)
        assert connection.read(100) == b"last words"
        assert connection.ended == "the peer closed the connection"
        assert recorder.told[-1] == "lost"

    async def test_our_reason_outlives_the_loss(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.close("logged out")
        connection.connection_lost(None)
        assert connection.ended == "logged out"

    async def test_bytes_for_a_dead_connection_are_dropped(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport)
        connection.connection_lost(OSError("reset"))
        connection.write(b"too late")
        assert transport.calls == []
        assert connection.buffered == 0

    async def test_a_peer_that_does_not_read_cannot_hold_a_closed_connection(
        self, recorder: Recorder, transport: ScriptedTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "LINGER_S", 0.001)
        connection = open_connection(recorder, transport)
        connection.write(b"logout")
        connection.close("logged out")
        await asyncio.sleep(0.02)
        assert transport.calls == ["write", "close", "abort"]


class TestSlowConsumer:
    async def test_cut_by_size(self, recorder: Recorder, transport: ScriptedTransport) -> None:
        connection = open_connection(recorder, transport)
        connection.write(bytes(SLOW_BYTES))
        assert connection.buffered == SLOW_BYTES
        assert "abort" not in transport.calls
        connection.write(b"x")
        assert transport.calls[-1] == "abort"
        assert connection.ended is not None
        assert connection.ended.startswith("slow consumer")

    async def test_cut_by_time(self, recorder: Recorder, transport: ScriptedTransport) -> None:
        connection = open_connection(recorder, transport, slow_consumer_s=0.001)
        connection.pause_writing()
        await asyncio.sleep(0.02)
        assert transport.calls == ["abort"]
        assert connection.ended == "slow consumer: output unread for 0.001 s"

    async def test_a_peer_that_catches_up_is_spared(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        connection = open_connection(recorder, transport, slow_consumer_s=0.001)
        connection.pause_writing()
        connection.resume_writing()
        await asyncio.sleep(0.02)
        assert transport.calls == []
        assert connection.ended is None


class TestHalfOpen:
    """A peer whose machine is gone says nothing, and its session may have no heartbeats (108=0)."""

    async def test_tcp_asks_and_gives_up_in_time(
        self, recorder: Recorder, transport: ScriptedTransport
    ) -> None:
        limits = ConnectionLimits(half_open_s=40)
        connection = Connection(recorder, asyncio.get_running_loop(), limits)
        connection.connection_made(transport)
        option = transport.socket.getsockopt
        assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        asks = option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        each = option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
        times = option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
        assert asks + each * times == 40
        assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 40_000


class TestOutputOnAPlainSocket:
    """Over real sockets."""

    async def test_bytes_are_with_the_peer_before_the_turn_is_over(
        self, recorder: Recorder
    ) -> None:
        async with plain(recorder) as (connection, peer):
            connection.write(b"an order")
            assert peer.recv(100) == b"an order"  # the loop had no time to do anything

    async def test_what_the_kernel_does_not_take_follows_in_order(self, recorder: Recorder) -> None:
        loop = asyncio.get_running_loop()
        async with plain(recorder) as (connection, peer):
            sent = b"".join(b"%07d\n" % number for number in range(5 * SLOW_BYTES))
            for begin in range(0, len(sent), 9_999):
                connection.write(sent[begin : begin + 9_999])
            assert connection.buffered > 0
            got = b""
            while len(got) < len(sent):
                got += await loop.sock_recv(peer, 65_536)
            assert got == sent
            connection.write(b"and again at once")
            assert peer.recv(100) == b"and again at once"

    async def test_a_peer_that_is_gone_is_a_lost_connection_and_no_error(
        self, recorder: Recorder
    ) -> None:
        async with plain(recorder) as (connection, peer):
            peer.close()
            connection.write(b"into nothing")
            while not connection.gone:
                connection.write(b"and more")
                await asyncio.sleep(0)
            assert recorder.told[-1] == "lost"

    async def test_the_descriptor_is_ours_until_the_loss_is_told(self, recorder: Recorder) -> None:
        """Later its number may be somebody else's, who must not get our bytes."""
        async with plain(recorder) as (connection, peer):
            still_ours = []

            def lost(lost: Connection) -> None:
                still_ours.append(os.fstat(lost._plain_fd).st_ino == ours.st_ino)

            ours = os.fstat(connection._plain_fd)
            recorder.lost = lost  # type: ignore[method-assign, assignment]
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            while not connection.gone:
                connection.write(b"more")
                await asyncio.sleep(0)
            assert still_ours == [True]
            connection.write(b"for nobody")


@asynccontextmanager
async def plain(recorder: Recorder) -> AsyncIterator[tuple[Connection, socket.socket]]:
    """A connection over TCP on loopback, and the peer's end of it."""
    loop = asyncio.get_running_loop()
    limits = ConnectionLimits(slow_consumer_bytes=100 * SLOW_BYTES, slow_consumer_s=10.0)
    with socket.create_server(("127.0.0.1", 0)) as door, socket.socket() as peer:
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        door.setblocking(False)
        dialled = asyncio.ensure_future(loop.sock_connect(peer, door.getsockname()))
        ours, _ = await loop.sock_accept(door)
        await dialled
        _, connection = await loop.connect_accepted_socket(
            lambda: Connection(recorder, loop, limits), ours
        )
        yield connection, peer
        connection.abort("over")
        while not connection.gone:
            await asyncio.sleep(0)
