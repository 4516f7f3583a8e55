"""The network layer with the sessions it is made for, over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from sor_gateway.fix import events
from sor_gateway.fix.session import Session
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.fix.store import Numbers
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.dialer import Dialer
from sor_gateway.net.listener import Listener
from sor_gateway.net.reactor import Reactor
from tests.net.fakes import QUICK, Peer, until

ORDER = [(11, "C000000001"), (55, "ACME"), (54, "1"), (38, "100"), (40, "1")]


class Side:
    """One program with one session: keeps what it is told."""

    def __init__(self, settings: SessionSettings) -> None:
        self.session = Session(settings, Numbers(), None)
        self.reactor = Reactor(asyncio.get_running_loop(), wall_clock_ns, self.turn)
        self.reactor.add_session(self.session, settings.role is Role.ACCEPTOR)
        self.events: list[events.Event] = []
        self.to_send: list[list[tuple[int, str]]] = []
        self.logout = ""

    def turn(self, now: int) -> None:
        touched = self.reactor.receive(now)
        closing = ""
        for event in self.session.take_events():
            self.events.append(event)
            if isinstance(event, events.Close):
                closing = event.reason
        while self.to_send and self.session.synchronised:
            self.session.send("D", self.to_send.pop(0), now)
        if self.logout:
            self.session.logout(self.logout, now)
            self.logout = ""
        self.session.take_sent()
        self.session.take_consumed()
        self.reactor.flush({id(one): one for one in [*touched, self.session]}.values())
        if closing:
            self.reactor.close(self.session, closing)
        self.reactor.schedule(self.session.next_deadline())

    def of(self, kind: type[events.Event]) -> list[events.Event]:
        return [event for event in self.events if isinstance(event, kind)]


def settings(role: Role) -> SessionSettings:
    ours, theirs = ("SOR", "DARKA") if role is Role.INITIATOR else ("DARKA", "SOR")
    return SessionSettings("venue", "FIX.4.4", ours, theirs, role)


class Link:
    """A gateway's and a venue's side, joined by a socket."""

    def __init__(self) -> None:
        self.gateway = Side(settings(Role.INITIATOR))
        self.venue = Side(settings(Role.ACCEPTOR))
        self.listener = Listener(self.venue.reactor, "127.0.0.1", 0)
        self.dialer: Dialer | None = None

    async def start(self) -> None:
        await self.listener.start()
        reactor = self.gateway.reactor
        self.dialer = Dialer(
            self.gateway.session,
            [("127.0.0.1", self.listener.port)],
            reactor,
            lambda: 0.0,
            back_off=QUICK,
        )
        self.dialer.start()
        await until(lambda: self.gateway.session.synchronised)
        await until(lambda: self.venue.session.synchronised)

    async def end(self) -> None:
        assert self.dialer is not None
        await self.dialer.stop()
        await self.listener.stop()
        for side in (self.gateway, self.venue):
            side.reactor.shutdown()
            await side.reactor.wait_idle()


@pytest_asyncio.fixture
async def link() -> AsyncIterator[Link]:
    link = Link()
    await link.start()
    yield link
    await link.end()


class TestLink:
    async def test_orders_arrive_in_order(self, link: Link) -> None:
        link.gateway.to_send = [[(11, f"C{number:09}"), *ORDER[1:]] for number in range(2_000)]
        link.gateway.reactor.wake()
        await until(lambda: len(link.venue.of(events.AppReceived)) == 2_000)
        got = [
            event.message[11]
            for event in link.venue.events
            if isinstance(event, events.AppReceived)
        ]
        assert got == [f"C{number:09}" for number in range(2_000)]

    async def test_a_lost_connection_comes_back_and_goes_on(self, link: Link) -> None:
        line = link.venue.reactor._lines["venue"]
        for round_trip in range(1, 4):
            assert line.connection is not None
            line.connection.abort("the cable was cut")
            await until(lambda n=round_trip: len(link.gateway.of(events.Synchronised)) == n + 1)  # type: ignore[misc]
            await until(lambda n=round_trip: len(link.venue.of(events.Synchronised)) == n + 1)  # type: ignore[misc]
        link.gateway.to_send = [ORDER]
        link.gateway.reactor.wake()
        await until(lambda: len(link.venue.of(events.AppReceived)) == 1)
        assert not link.gateway.of(events.EpochBegan)

    async def test_a_logout_closes_both_ends_and_the_next_logon_follows(self, link: Link) -> None:
        link.gateway.logout = "end of day"
        link.gateway.reactor.wake()
        await until(lambda: len(link.gateway.of(events.LoggedOut)) == 1)
        await until(lambda: len(link.venue.of(events.LoggedOut)) == 1)
        await until(lambda: len(link.gateway.of(events.Synchronised)) == 2)

    async def test_a_second_logon_is_refused_and_the_first_is_tested(self, link: Link) -> None:
        line = link.gateway.reactor._lines["venue"]
        second = Session(settings(Role.INITIATOR), Numbers(), None)
        second.connect(wall_clock_ns())
        peer = await Peer.connect(link.listener.port)
        peer.send(second.take_output())
        assert await peer.end_of_stream() == b""
        peer.close()
        first = line.connection
        await asyncio.sleep(0.05)
        assert line.connection is first
        assert link.gateway.session.synchronised
        assert link.listener.counters.refused == {"identity-live": 1}

    async def test_a_first_message_that_is_no_logon_is_answered_by_nothing(self) -> None:
        venue = Side(settings(Role.ACCEPTOR))
        listener = Listener(venue.reactor, "127.0.0.1", 0)
        await listener.start()
        body = b"35=0\x0134=1\x0149=SOR\x0152=20261121-12:00:00.000\x0156=DARKA\x01"
        head = b"8=FIX.4.4\x019=%d\x01" % len(body)
        peer = await Peer.connect(listener.port)
        peer.send(head + body + b"10=%03d\x01" % (sum(head + body) % 256))
        assert await peer.end_of_stream() == b""
        peer.close()
        await listener.stop()
        await until(lambda: venue.reactor.idle)
        venue.reactor.shutdown()
