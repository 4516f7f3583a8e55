from __future__ import annotations

import pytest

from sor_gateway.net.limits import ListenerLimits
from sor_gateway.net.listener import Listener
from tests.net.fakes import Peer, Program, ScriptedSession, frame, logon, until

BROKEN_CHECKSUM = logon()[:-4] + b"999\x01"


class TestIdentity:
    async def test_the_logon_is_left_for_the_session(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        peer = await Peer.connect(listener.port)
        peer.send(logon() + b"and what came with it")
        await until(lambda: ems.received == logon() + b"and what came with it")
        assert listener.strangers == 0
        peer.close()

    async def test_a_logon_may_come_byte_by_byte(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        peer = await Peer.connect(listener.port)
        for byte in logon():
            peer.send(bytes([byte]))
            await peer.writer.drain()
        await until(lambda: ems.received == logon())
        assert listener.counters.refused == {}
        peer.close()

    async def test_each_peer_gets_its_own_session(self, program: Program) -> None:
        new, old = ScriptedSession("EMS"), ScriptedSession("EMS42", begin_string="FIX.4.2")
        program.add(new)
        program.add(old)
        listener = await program.listen()
        first, second = await Peer.connect(listener.port), await Peer.connect(listener.port)
        second.send(logon("EMS42", "FIX.4.2"))
        first.send(logon("EMS"))
        await until(lambda: bool(new.received and old.received))
        assert (new.received, old.received) == (logon("EMS"), logon("EMS42", "FIX.4.2"))
        first.close()
        second.close()

    @pytest.mark.parametrize(
        ("sent", "cause"),
        [
            pytest.param(logon("NOBODY"), "unknown-identity", id="unknown CompID"),
            pytest.param(logon("EMS", target="ROS"), "unknown-identity", id="not our CompID"),
            pytest.param(logon("EMS", "FIX.4.2"), "unknown-identity", id="wrong BeginString"),
            pytest.param(frame("8=FIX.4.4|35=A|34=1"), "unknown-identity", id="no CompIDs"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-fix", id="HTTP"),
            pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", "not-fix", id="TLS"),
            pytest.param(BROKEN_CHECKSUM, "not-fix", id="bad checksum"),
            pytest.param(b"junk" + logon(), "not-fix", id="junk before the logon"),
            pytest.param(
                b"8=FIX.4.4\x019=99999\x0135=A\x01" + b"58=" + b"x" * 9_000, "not-fix", id="endless"
            ),
        ],
    )
    async def test_others_are_closed_without_a_byte(
        self, program: Program, sent: bytes, cause: str
    ) -> None:
        ems = program.add(ScriptedSession(greeting=b"hello"))
        listener = await program.listen()
        peer = await Peer.connect(listener.port)
        peer.send(sent)
        assert await peer.end_of_stream() == b""
        assert listener.counters.refused == {cause: 1}
        assert ems.calls == []
        peer.close()

    async def test_junk_does_not_harm_others(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        known = await Peer.connect(listener.port)
        known.send(logon())
        await until(lambda: bool(ems.received))
        for junk in (b"GET / HTTP/1.1\r\n\r\n", bytes(100_000), b"8=FIX.4.4\x019=5\x0135=0\x01"):
            stranger = await Peer.connect(listener.port)
            stranger.send(junk)
            stranger.close()
        known.send(b"still here")
        await until(lambda: ems.received == logon() + b"still here")
        known.close()

    async def test_refusals_are_told(self, program: Program) -> None:
        told: list[tuple[str, str]] = []
        listener = Listener(
            program.reactor, "127.0.0.1", 0, on_refused=lambda *refusal: told.append(refusal)
        )
        await listener.start()
        peer = await Peer.connect(listener.port)
        name = peer.writer.get_extra_info("sockname")
        peer.send(logon("NOBODY"))
        await peer.end_of_stream()
        assert told == [(f"127.0.0.1:{name[1]}", "unknown-identity")]
        peer.close()
        await listener.stop()


class TestLiveIdentity:
    async def test_the_second_is_refused_and_the_first_is_tested(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        first = await Peer.connect(listener.port)
        first.send(logon())
        await until(lambda: bool(ems.received))
        second = await Peer.connect(listener.port)
        second.send(logon())
        assert await second.end_of_stream() == b""
        await until(lambda: "challenge" in ems.calls)
        first.send(b"alive")
        await until(lambda: ems.received == logon() + b"alive")
        assert ems.calls == ["connect", "receive", "challenge", "receive"]
        assert listener.counters.refused == {"identity-live": 1}
        first.close()
        second.close()

    async def test_the_identity_is_free_once_the_first_is_gone(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        first = await Peer.connect(listener.port)
        first.send(logon())
        await until(lambda: bool(ems.received))
        first.close()
        await until(lambda: "disconnect" in ems.calls)
        second = await Peer.connect(listener.port)
        second.send(logon())
        await until(lambda: ems.received == 2 * logon())
        assert listener.counters.refused == {}
        second.close()


class TestLimits:
    async def test_silence_is_closed(self, program: Program) -> None:
        listener = await program.listen(ListenerLimits(logon_timeout_s=0.01))
        peer = await Peer.connect(listener.port)
        peer.send(logon()[:-1])
        assert await peer.end_of_stream() == b""
        assert listener.counters.refused == {"no-logon": 1}
        peer.close()

    async def test_a_session_is_not_subject_to_the_logon_timeout(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen(ListenerLimits(logon_timeout_s=0.05))
        peer, silent = await Peer.connect(listener.port), await Peer.connect(listener.port)
        peer.send(logon())
        assert await silent.end_of_stream() == b""
        assert "disconnect" not in ems.calls
        assert listener.counters.refused == {"no-logon": 1}
        peer.close()
        silent.close()

    async def test_strangers_are_bounded_and_do_not_hold_the_door_shut(
        self, program: Program
    ) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen(ListenerLimits(without_logon=2))
        first = await Peer.connect(listener.port)
        await until(lambda: listener.strangers == 1)
        second = await Peer.connect(listener.port)
        await until(lambda: listener.strangers == 2)
        third = await Peer.connect(listener.port)
        assert await first.end_of_stream() == b""
        assert listener.counters.refused == {"too-many-without-logon": 1}
        assert listener.strangers == 2
        third.send(logon())
        await until(lambda: ems.received == logon())
        for peer in (first, second, third):
            peer.close()

    async def test_connections_from_one_address_are_bounded_known_ones_included(
        self, program: Program
    ) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen(ListenerLimits(per_address=1))
        known = await Peer.connect(listener.port)
        known.send(logon())
        await until(lambda: ems.received == logon())
        refused = await Peer.connect(listener.port)
        assert await refused.end_of_stream() == b""
        assert listener.counters.refused == {"too-many-from-address": 1}
        known.close()
        await until(lambda: "disconnect" in ems.calls)
        again = await Peer.connect(listener.port)
        again.send(logon())
        await until(lambda: ems.received == 2 * logon())
        for peer in (refused, again):
            peer.close()


class TestStop:
    async def test_sessions_go_on_and_strangers_do_not(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        listener = await program.listen()
        known, stranger = await Peer.connect(listener.port), await Peer.connect(listener.port)
        known.send(logon())
        await until(lambda: bool(ems.received) and listener.strangers == 1)
        await listener.stop()
        assert await stranger.end_of_stream() == b""
        known.send(b"still here")
        await until(lambda: ems.received == logon() + b"still here")
        known.close()
        stranger.close()
