from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from sor_gateway.net.dialer import BackOff
from tests.net.fakes import Program, ScriptedSession, Venue, until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestBackOff:
    def test_doubles_up_to_its_bound(self) -> None:
        back_off = BackOff()
        waits = [back_off.delay_s(failures, 0.0) for failures in range(8)]
        assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]

    def test_stays_finite_however_long_a_venue_is_away(self) -> None:
        assert BackOff().delay_s(1_000_000, 0.0) == 5.0

    def test_jitter_takes_away_up_to_a_half(self) -> None:
        assert BackOff().delay_s(2, 0.5) == pytest.approx(0.3)
        assert BackOff().delay_s(2, 1.0) == pytest.approx(0.2)


class TestDialling:
    async def test_the_session_speaks_first(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        program.dial(session, venue.port)
        await until(lambda: venue.received == [b"logon"])
        assert session.calls == ["connect"]
        venue.stop()

    async def test_goes_on_until_someone_listens(self, program: Program) -> None:
        venue = Venue()
        venue.port = free_port()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        dialer = program.dial(session, venue.port)
        await until(lambda: dialer.counters.failures >= 3)
        assert dialer.last_error != ""
        assert session.calls == []
        await venue.start()
        await until(lambda: venue.received == [b"logon"])
        assert dialer.last_error == ""
        venue.stop()

    async def test_dials_again_after_a_lost_connection(self, program: Program) -> None:
        venue = await Venue().start()
        venue.greeting = b"logon answer"
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        program.dial(session, venue.port)
        for lost in range(3):
            await until(lambda lost=lost: session.calls.count("receive") == lost + 1)  # type: ignore[misc]
            venue.connections[-1].close()
            await until(lambda lost=lost: session.calls.count("connect") == lost + 2)  # type: ignore[misc]
        assert session.calls[:6] == ["connect", "receive", "disconnect"] * 2
        venue.stop()

    async def test_dials_again_after_our_own_close(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        program.dial(session, venue.port)
        await until(lambda: len(venue.connections) == 1)
        session.close_wanted = "marker not returned"
        program.reactor.wake()
        await until(lambda: len(venue.connections) == 2)
        assert session.reason == "marker not returned"
        venue.stop()

    async def test_nobody_is_dialled_outside_of_session_hours(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        opens_ns = program.reactor.clock() + 50_000_000
        session.settings.schedule = SimpleNamespace(
            window=lambda now: None if now < opens_ns else object(),
            next_start_ns=lambda now: opens_ns,
        )
        dialer = program.dial(session, venue.port)
        await asyncio.sleep(0.01)
        assert dialer.counters.attempts == 0
        await until(lambda: venue.received == [b"logon"])
        assert program.reactor.clock() >= opens_ns
        venue.stop()

    async def test_there_are_never_two_connections(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        program.dial(session, venue.port)
        for closed in range(5):
            await until(lambda closed=closed: len(venue.connections) > closed)  # type: ignore[misc]
            await until(lambda: program.connected(session))
            session.close_wanted = "again"
            program.reactor.wake()
            await until(lambda closed=closed: session.calls.count("disconnect") > closed)  # type: ignore[misc]
        assert venue.most_live == 1
        venue.stop()

    async def test_a_frozen_owner_is_not_given_a_second_connection(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        program.dial(session, venue.port)
        await until(lambda: venue.received == [b"logon"])
        program.frozen = True
        venue.connections[0].close()
        await asyncio.sleep(0.05)
        assert len(venue.connections) == 1
        program.frozen = False
        program.reactor.wake()
        await until(lambda: len(venue.connections) == 2)
        venue.stop()

    async def test_waits_longer_when_no_logon_came_of_it(self, program: Program) -> None:
        """A venue that accepts and hangs up must not be hammered."""
        venue = await Venue().start()
        waits: list[int] = []
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        dialer = program.dial(session, venue.port)
        delay_s = BackOff.delay_s

        def note(back_off: BackOff, failures: int, jitter: float) -> float:
            waits.append(failures)
            return delay_s(back_off, failures, jitter)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BackOff, "delay_s", note)
            for lost in range(3):
                await until(lambda lost=lost: session.calls.count("connect") == lost + 1)  # type: ignore[misc]
                await until(lambda lost=lost: len(venue.connections) == lost + 1)  # type: ignore[misc]
                venue.connections[-1].close()
            await until(lambda: len(waits) == 3)
            venue.greeting = b"logon answer"
            await until(lambda: "receive" in session.calls)
            venue.connections[-1].close()
            await until(lambda: len(waits) == 4)
        assert waits == [0, 1, 2, 0]
        await dialer.stop()
        venue.stop()

    async def test_stop_leaves_the_connection_and_dials_no_more(self, program: Program) -> None:
        venue = await Venue().start()
        session = program.add(ScriptedSession("DARKA", greeting=b"logon"), acceptor=False)
        dialer = program.dial(session, venue.port)
        await until(lambda: venue.received == [b"logon"])
        await dialer.stop()
        session.output = b" and more"
        program.reactor.wake()
        await until(lambda: venue.received == [b"logon and more"])
        venue.connections[0].close()
        await until(lambda: "disconnect" in session.calls)
        await asyncio.sleep(0.05)
        assert len(venue.connections) == 1
        venue.stop()
