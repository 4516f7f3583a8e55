"""The door: who is let in at which pace, and what happens when nobody can be."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from sor_gateway.net import door as door_module
from sor_gateway.net.door import Door
from sor_gateway.net.limits import ListenerLimits
from sor_gateway.net.listener import Listener
from sor_gateway.net.tls import server_context
from tests.net.certificates import Authority
from tests.net.fakes import Peer, Program, ScriptedSession, logon, until

CROWD = 60


def crowd(port: int, size: int = CROWD) -> list[socket.socket]:
    """So many connections at once, all of them silent."""
    sockets = []
    for _ in range(size):
        sock = socket.socket()
        sock.setblocking(False)
        assert sock.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
        sockets.append(sock)
    return sockets


class TestPace:
    async def test_an_iteration_of_the_loop_accepts_one_connection(self, program: Program) -> None:
        listener = await program.listen(ListenerLimits(without_logon=CROWD))
        loop = asyncio.get_running_loop()
        accepted: list[int] = []

        def look() -> None:
            accepted.append(listener.counters.accepted)
            if accepted[-1] < CROWD:
                loop.call_soon(look)

        sockets = crowd(listener.port)
        look()
        await until(lambda: accepted[-1] == CROWD)
        steps = [after - before for before, after in pairwise(accepted)]
        assert max(steps) == 1
        assert sum(steps) == CROWD
        for sock in sockets:
            sock.close()
        await until(lambda: not listener.strangers)

    async def test_a_session_is_served_before_the_crowd_is_in(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        peer = await Peer.connect(listener.port)
        peer.send(logon())
        await until(lambda: ems.received == logon())
        seen: list[int] = []
        program.on_turn = lambda: seen.append(listener.counters.accepted)
        sockets = crowd(listener.port)
        peer.send(b"an order")
        await until(lambda: ems.received == logon() + b"an order")
        assert seen[0] < CROWD // 2
        for sock in sockets:
            sock.close()
        peer.close()

    async def test_a_crowd_is_bounded_and_whoever_says_who_he_is_gets_in(
        self, program: Program
    ) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen(ListenerLimits(without_logon=4))
        sockets = crowd(listener.port)
        peer = await Peer.connect(listener.port)
        peer.send(logon())
        await until(lambda: ems.received == logon())
        assert listener.strangers <= 4
        await until(lambda: listener.counters.accepted == CROWD + 1)
        assert listener.counters.refused["too-many-without-logon"] >= CROWD - 4
        for sock in sockets:
            sock.close()
        peer.close()


class TestHandshake:
    async def test_one_that_never_comes_is_bounded_and_makes_room(
        self, program: Program, tmp_path: Path
    ) -> None:
        context = server_context(Authority(tmp_path).sign("gateway"))
        listener = Listener(
            program.reactor, "127.0.0.1", 0, tls=context, limits=ListenerLimits(without_logon=2)
        )
        await listener.start()
        peers = [await Peer.connect(listener.port) for _ in range(6)]
        await until(lambda: listener.counters.accepted == 6)
        assert listener.strangers == 2
        for peer in peers[:4]:
            assert await peer.end_of_stream() == b""
        assert listener.counters.refused == {"too-many-without-logon": 4}
        await listener.stop()
        await until(lambda: not listener._connections)
        assert not listener._addresses
        for peer in peers:
            peer.close()


class TestNoDescriptorLeft:
    async def test_the_door_rests_and_opens_again(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(door_module, "ACCEPT_RETRY_S", 0.01)
        listener = await program.listen()
        full = [True]

        class Full(socket.socket):
            def accept(self) -> tuple[socket.socket, object]:
                if full[0]:
                    raise OSError(errno.EMFILE, "Too many open files")
                return super().accept()

        door = listener._door
        (plain,) = door._sockets
        asyncio.get_running_loop().remove_reader(plain)
        standing_in = Full(fileno=plain.detach())
        door._sockets = [standing_in]
        asyncio.get_running_loop().add_reader(standing_in, door._accept, standing_in)
        peer = await Peer.connect(listener.port)
        await until(lambda: sum(listener.counters.refused.values()) >= 2)
        assert set(listener.counters.refused) == {"cannot-accept-emfile"}
        assert listener.counters.accepted == 0
        full[0] = False
        await until(lambda: listener.strangers == 1)
        peer.close()

    async def test_a_door_that_rests_can_be_closed(self, program: Program) -> None:
        door = Door(program.reactor.loop, lambda *_: None, lambda _: None)
        await door.open("127.0.0.1", 0)
        door._rest(door._sockets[0], OSError(errno.EMFILE, "Too many open files"))
        door.close()
        assert not door._resting


class TestAddresses:
    async def test_a_port_that_is_taken_is_told(self, program: Program) -> None:
        listener = await program.listen()
        with pytest.raises(OSError, match=f"Address already in use: 127.0.0.1:{listener.port}"):
            await Door(program.reactor.loop, lambda *_: None, lambda _: None).open(
                "127.0.0.1", listener.port
            )

    async def test_every_address_of_a_host_is_listened_on(self, program: Program) -> None:
        """`localhost` is two addresses where there is IPv6."""
        door = Door(program.reactor.loop, lambda accepted, _: accepted.close(), lambda _: None)
        port = await door.open("localhost", 0)
        names = {sock.getsockname()[0] for sock in door._sockets}
        assert "127.0.0.1" in names
        assert port == door._sockets[0].getsockname()[1]
        door.close()


class TestProbes:
    async def test_one_that_connects_and_resets_at_once_costs_its_address_nothing(
        self, program: Program
    ) -> None:
        """Load balancers look whether a port is open like this: connect, RST."""
        ems = program.add(ScriptedSession())
        listener = await program.listen(ListenerLimits(per_address=3))
        for _ in range(5):
            before = listener.counters.accepted
            probe = socket.create_connection(("127.0.0.1", listener.port))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            probe.close()
            while listener.counters.accepted == before:
                await asyncio.sleep(0)
            await until(lambda: not listener._connections)
        assert not listener._addresses
        peer = await Peer.connect(listener.port)
        peer.send(logon())
        await until(lambda: ems.received == logon())
        assert listener.counters.refused == {}
        peer.close()
