from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import pairwise

import pytest

from sor_gateway.net.limits import HELD_READ_LIMIT_BYTES, PENDING_HIGH_BYTES, READ_LIMIT_BYTES
from sor_gateway.net.reactor import Reactor
from tests.net.fakes import Peer, Program, ScriptedSession, logon, until

SECOND_NS = 1_000_000_000


async def logged_on(program: Program, port: int, session: ScriptedSession) -> Peer:
    peer = await Peer.connect(port)
    peer.send(logon(session.settings.name))
    await until(lambda: session.received == logon(session.settings.name))
    session.received = b""
    return peer


class TestBytes:
    async def test_arrive_whole_and_in_order(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        sent = bytes(range(256)) * 4_000
        peer.send(sent)
        await until(lambda: len(ems.received) == len(sent))
        assert ems.received == sent
        peer.close()

    async def test_a_session_is_told_of_its_connection_before_its_first_byte(
        self, program: Program
    ) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        assert ems.calls == ["connect", "receive"]
        peer.close()

    async def test_last_words_are_fed_before_the_loss(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        peer.send(b"last words")
        peer.close()
        await until(lambda: "disconnect" in ems.calls)
        assert ems.received == b"last words"
        assert ems.calls[-1] == "disconnect"
        assert not program.connected(ems)


class TestFairness:
    async def test_one_turn_gives_a_session_a_bounded_piece(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        peer.send(bytes(20 * READ_LIMIT_BYTES))
        await until(lambda: len(ems.received) == 20 * READ_LIMIT_BYTES)
        assert max(turn.get("EMS", 0) for turn in program.history) == READ_LIMIT_BYTES
        peer.close()

    async def test_a_flood_delays_another_session_by_one_turn_at_most(
        self, program: Program
    ) -> None:
        flood = program.add(ScriptedSession("FLOOD"))
        quiet = program.add(ScriptedSession("QUIET"))
        port = (await program.listen()).port
        flooding = await logged_on(program, port, flood)
        asking = await logged_on(program, port, quiet)
        flooding.send(bytes(400 * READ_LIMIT_BYTES))
        await until(lambda: len(flood.received) > 4 * READ_LIMIT_BYTES)
        ready_at: list[int] = []
        received = program.reactor.received
        line = program.reactor._lines["QUIET"]
        assert line.connection is not None

        def note(connection: object) -> None:
            if connection is line.connection:
                ready_at.append(len(program.history))
            received(connection)  # type: ignore[arg-type]

        program.reactor.received = note  # type: ignore[method-assign]
        asking.send(b"one message")
        await until(lambda: quiet.received == b"one message")
        served_at = max(at for at, turn in enumerate(program.history) if "QUIET" in turn)
        assert ready_at == [served_at]
        assert len(flood.received) < 400 * READ_LIMIT_BYTES, (
            "the flood was over; nothing was tested"
        )
        flooding.close()
        asking.close()

    async def test_a_peer_that_is_held_back_is_read_later_and_in_small_pieces(
        self, program: Program
    ) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        pause_ns, before = 5_000_000, program.reactor.now
        times: list[int] = []

        def hold() -> None:
            if program.history[-1].get("EMS"):
                times.append(program.reactor.now)
                program.reactor.hold_back(ems, program.reactor.now + pause_ns)  # type: ignore[arg-type]

        program.on_turn = hold
        program.history.clear()
        size = READ_LIMIT_BYTES + 4 * HELD_READ_LIMIT_BYTES
        peer.send(bytes(size))
        await until(lambda: len(ems.received) == size)
        pieces = [turn["EMS"] for turn in program.history if turn.get("EMS")]
        assert max(pieces[1:]) <= HELD_READ_LIMIT_BYTES
        assert len(pieces) >= 5
        gaps = [after - at for at, after in pairwise(times)]
        assert min(gaps) >= pause_ns
        assert times[0] >= before
        assert len(program.history) <= 3 * len(pieces), "the loop spun meanwhile"
        peer.close()

    async def test_nobody_waits_for_a_peer_that_is_held_back(self, program: Program) -> None:
        flood = program.add(ScriptedSession("FLOOD"))
        quiet = program.add(ScriptedSession("QUIET"))
        port = (await program.listen()).port
        flooding = await logged_on(program, port, flood)
        asking = await logged_on(program, port, quiet)
        program.reactor.hold_back(flood, program.reactor.clock() + 3_600 * SECOND_NS)  # type: ignore[arg-type]
        flooding.send(b"waits")
        asking.send(b"served")
        await until(lambda: quiet.received == b"served")
        assert flood.received == b""
        asking.close()
        await until(lambda: "disconnect" in quiet.calls)
        flooding.close()

    async def test_what_a_piece_took_is_told_in_its_own_turn_alone(self, program: Program) -> None:
        """Or a deadline would charge a client with its last piece once more."""
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        took: list[tuple[str, int]] = []
        program.on_turn = lambda: took.append(
            (ems.calls[-1], program.reactor.fed_ns(ems))  # type: ignore[arg-type]
        )
        peer.send(b"a piece")
        await until(lambda: ems.received == b"a piece")
        ems.deadline = program.reactor.clock()
        program.reactor.wake()
        await until(lambda: bool(ems.ticks))
        assert [what for what, fed_ns in took if fed_ns] == ["receive"]
        assert "tick" in dict(took)
        peer.close()

    async def test_ready_sessions_are_served_first_come_first_served(
        self, program: Program
    ) -> None:
        names = ["A", "B", "C"]
        sessions = [program.add(ScriptedSession(name)) for name in names]
        port = (await program.listen()).port
        peers = [await logged_on(program, port, session) for session in sessions]
        program.frozen = True
        for name in ("C", "A", "B"):
            program.reactor._make_ready(program.reactor._lines[name])
        program.frozen = False
        program.history.clear()
        await until(lambda: bool(program.history))
        assert list(program.history[0]) == ["C", "A", "B"]
        for peer in peers:
            peer.close()


class TestFrozenOwner:
    async def test_is_not_called_again_for_what_it_left_unread(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        program.frozen = True
        program.history.clear()
        peer.send(b"waits")
        await until(lambda: bool(program.history))
        turns = len(program.history)
        await asyncio.sleep(0.02)
        assert len(program.history) == turns
        program.frozen = False
        program.reactor.wake()
        await until(lambda: ems.received == b"waits")
        peer.close()

    async def test_input_stays_bounded_meanwhile(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        program.frozen = True
        total = 128 * PENDING_HIGH_BYTES
        peer.send(bytes(total))
        connection = program.reactor._lines["EMS"].connection
        assert connection is not None
        await until(lambda: len(connection.pending) > PENDING_HIGH_BYTES)
        await asyncio.sleep(0.05)
        assert len(connection.pending) <= 5 * PENDING_HIGH_BYTES
        program.frozen = False
        program.reactor.wake()
        await until(lambda: len(ems.received) == total)
        peer.close()


class TestOutput:
    async def test_one_write_per_session_and_turn(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        connection = program.reactor._lines["EMS"].connection
        assert connection is not None
        writes: list[bytes] = []

        def spy(descriptor: int, data: bytes, write: Callable[[int, bytes], int] = os.write) -> int:
            if descriptor == connection._plain_fd:
                writes.append(data)
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", spy)
        ems.output = b"first second third"
        program.reactor.wake()
        assert await peer.receive(18) == b"first second third"
        assert writes == [b"first second third"]
        peer.close()

    async def test_what_is_said_without_a_connection_is_dropped(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        ems.output = b"to nobody"
        program.reactor.wake()
        await until(lambda: bool(program.history))
        assert ems.output == b""
        peer = await logged_on(program, (await program.listen()).port, ems)
        ems.output = b"to somebody"
        program.reactor.wake()
        assert await peer.receive(11) == b"to somebody"
        peer.close()


class TestClose:
    async def test_output_is_sent_first(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        ems.output = b"logout"
        ems.close_wanted = "logged out"
        program.reactor.wake()
        assert await peer.end_of_stream() == b"logout"
        await until(lambda: "disconnect" in ems.calls)
        assert ems.reason == "logged out"
        assert ems.calls.count("disconnect") == 1
        peer.close()
        await program.reactor.wait_idle()
        assert program.reactor.idle

    async def test_the_peer_may_come_back_at_once(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        port = (await program.listen()).port
        first = await logged_on(program, port, ems)
        ems.close_wanted = "logged out"
        program.reactor.wake()
        await first.end_of_stream()
        second = await logged_on(program, port, ems)
        assert ems.calls == ["connect", "receive", "disconnect", "connect", "receive"]
        first.close()
        second.close()

    async def test_of_a_session_without_a_connection_is_nothing(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        ems.close_wanted = "whatever"
        program.reactor.wake()
        await until(lambda: bool(program.history))
        assert ems.calls == []


class TestHalfOpen:
    async def test_a_silent_peer_is_closed_when_its_session_says_so(self, program: Program) -> None:
        """A dead line sends nothing, not even an end: only the session's deadline finds out."""
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        ems.deadline = program.reactor.now

        def give_up() -> None:
            if ems.ticks:
                ems.close_wanted = "peer silent"

        program.on_turn = give_up
        program.reactor.wake()
        assert await peer.end_of_stream() == b""
        await until(lambda: ems.reason == "peer silent")
        peer.close()

    async def test_a_peer_that_shuts_its_sending_side_is_lost(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        peer.writer.write_eof()
        await until(lambda: "disconnect" in ems.calls)
        assert await peer.end_of_stream() == b""
        peer.close()


class TestTimer:
    async def test_a_deadline_ticks_its_session_once(self, program: Program) -> None:
        due = program.add(ScriptedSession("DUE"))
        other = program.add(ScriptedSession("OTHER"))
        due.deadline = program.reactor.now + SECOND_NS // 100
        deadline = due.deadline
        program.reactor.schedule(deadline)
        await until(lambda: bool(due.ticks))
        await asyncio.sleep(0.02)
        assert due.calls == ["tick"]
        assert due.ticks[0] >= deadline
        assert other.calls == []

    async def test_no_session_sees_a_deadline_that_it_has_not_reached(self) -> None:
        """Timers round, and the wall clock may run slower than the loop's."""
        program = Program(asyncio.get_running_loop(), clock=lambda: 1_000 * SECOND_NS)
        session = program.add(ScriptedSession())
        session.deadline = 1_000 * SECOND_NS + 2_000_000
        program.reactor.schedule(session.deadline)
        await until(lambda: bool(session.ticks))
        assert session.ticks == [1_000 * SECOND_NS + 2_000_000]
        await program.end()

    async def test_time_does_not_run_backwards(self) -> None:
        readings = iter([50, 70, 60, 80])
        times: list[int] = []
        reactor = Reactor(asyncio.get_running_loop(), lambda: next(readings), times.append)
        for turn in (1, 2, 3):
            reactor.wake()
            await until(lambda turn=turn: len(times) == turn)  # type: ignore[misc]
        assert times == [70, 70, 80]
        reactor.shutdown()

    async def test_an_unchanged_deadline_keeps_its_timer(self, program: Program) -> None:
        reactor = program.reactor
        reactor.schedule(reactor.now + 60 * SECOND_NS)
        armed = reactor._timer
        reactor.schedule(reactor.now + 60 * SECOND_NS)
        assert reactor._timer is armed
        reactor.schedule(reactor.now + 50 * SECOND_NS)
        assert reactor._timer is not armed
        reactor.schedule(None)
        assert reactor._timer is None

    async def test_a_deadline_that_has_passed_ticks_at_once_and_the_timer_lives_on(
        self, program: Program
    ) -> None:
        session = program.add(ScriptedSession())
        for turn in (1, 2):
            session.deadline = program.reactor.now - SECOND_NS
            program.reactor.schedule(session.deadline)
            await until(lambda turn=turn: len(session.ticks) == turn)  # type: ignore[misc]
            program.reactor.schedule(None)
        assert session.calls == ["tick", "tick"]

    async def test_an_earlier_deadline_replaces_a_later_one(self, program: Program) -> None:
        session = program.add(ScriptedSession())
        program.reactor.schedule(program.reactor.now + 3_600 * SECOND_NS)
        session.deadline = program.reactor.now + SECOND_NS // 200
        program.reactor.schedule(session.deadline)
        await until(lambda: len(session.ticks) == 1)
        assert session.calls == ["tick"]


class TestTurns:
    async def test_many_reasons_make_one_turn(self, program: Program) -> None:
        program.reactor.wake()
        program.reactor.wake()
        program.reactor.wake()
        await asyncio.sleep(0.01)
        assert len(program.history) == 1

    async def test_a_turn_that_raises_is_the_last(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)

        def break_down() -> None:
            raise AssertionError("leaves_qty < 0")

        program.on_turn = break_down
        ems.output = b"must not leave"
        program.reactor.wake()
        with pytest.raises(AssertionError, match="leaves_qty"):
            await program.reactor.failure
        turns = len(program.history)
        program.on_turn = lambda: None
        peer.send(b"more")
        program.reactor.wake()
        await asyncio.sleep(0.02)
        assert len(program.history) == turns
        assert ems.output == b"must not leave"
        peer.close()

    async def test_shutdown_drops_what_is_left(self, program: Program) -> None:
        ems = program.add(ScriptedSession())
        peer = await logged_on(program, (await program.listen()).port, ems)
        program.reactor.shutdown()
        assert await peer.end_of_stream() == b""
        await program.reactor.wait_idle()
        assert not program.connected(ems)
        peer.close()


class TestSessions:
    async def test_two_with_one_name_are_a_bug(self, program: Program) -> None:
        program.add(ScriptedSession())
        with pytest.raises(AssertionError, match="EMS"):
            program.add(ScriptedSession())

    async def test_an_acceptor_is_found_by_what_its_peer_writes(self, program: Program) -> None:
        ems = program.add(ScriptedSession("EMS"))
        program.add(ScriptedSession("DARKA"), acceptor=False)
        found: object = program.reactor.resolve("FIX.4.4", "EMS", "SOR")
        assert found is ems
        assert program.reactor.resolve("FIX.4.2", "EMS", "SOR") is None
        assert program.reactor.resolve("FIX.4.4", "SOR", "EMS") is None
        assert program.reactor.resolve("FIX.4.4", "DARKA", "SOR") is None
