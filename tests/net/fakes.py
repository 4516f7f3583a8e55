"""Doubles for the network tests: a scripted session, an owner of a reactor, a raw peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

from sor_gateway.net.clock import Clock, wall_clock_ns
from sor_gateway.net.dialer import BackOff, Dialer
from sor_gateway.net.listener import Listener, ListenerLimits
from sor_gateway.net.reactor import Reactor

PATIENCE_S = 10.0
QUICK = BackOff(first_s=0.001, last_s=0.005)


def frame(text: str) -> bytes:
    """A whole FIX frame of `8=FIX.4.4|35=A|49=EMS|...`: BodyLength and CheckSum are added."""
    begin, body_text = text.split("|", 1)
    body = body_text.replace("|", "\x01").encode() + b"\x01"
    head = b"%s\x019=%d\x01" % (begin.encode(), len(body))
    return head + body + b"10=%03d\x01" % (sum(head + body) % 256)


def logon(sender: str = "EMS", begin_string: str = "FIX.4.4", target: str = "SOR") -> bytes:
    return frame(f"8={begin_string}|35=A|34=1|49={sender}|56={target}|98=0|108=30")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something is true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


class ScriptedSession:
    """Has the methods of a session that the network layer calls, and writes the calls down."""

    def __init__(
        self, name: str = "EMS", *, greeting: bytes = b"", begin_string: str = "FIX.4.4"
    ) -> None:
        self.settings = SimpleNamespace(
            name=name,
            begin_string=begin_string,
            sender_comp_id="SOR",
            target_comp_id=name,
            schedule=None,
        )
        self.greeting = greeting
        self.calls: list[str] = []
        self.ticks: list[int] = []
        self.received = b""
        self.reason = ""
        self.output = b""
        self.logged_on = False
        self.deadline: int | None = None
        self.close_wanted = ""

    def connect(self, now: int) -> None:
        self.calls.append("connect")
        self.output += self.greeting

    def receive(self, data: bytes, now: int) -> None:
        self.calls.append("receive")
        self.received += data
        self.logged_on = True

    def disconnect(self, now: int, reason: str) -> None:
        self.calls.append("disconnect")
        self.reason = reason
        self.logged_on = False

    def tick(self, now: int) -> None:
        self.calls.append("tick")
        self.ticks.append(now)
        self.deadline = None

    def challenge(self, now: int) -> None:
        self.calls.append("challenge")

    def next_deadline(self) -> int | None:
        return self.deadline

    def take_output(self) -> bytes:
        output, self.output = self.output, b""
        return output


class Program:
    """Owns a reactor: its turn is what every owner's turn is, without a journal."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock = wall_clock_ns) -> None:
        self.reactor = Reactor(loop, clock, self.turn)
        self.sessions: list[ScriptedSession] = []
        self.history: list[dict[str, int]] = []
        """For each turn: how many bytes each touched session was given."""
        self.frozen = False
        """Whether the owner reads nothing, as with a journal that cannot write."""
        self.on_turn: Callable[[], None] = lambda: None
        self._dialers: list[Dialer] = []
        self._listeners: list[Listener] = []

    def turn(self, now: int) -> None:
        if self.frozen:
            self.history.append({})
            return
        before = {id(session): len(session.received) for session in self.sessions}
        touched = self.reactor.receive(now)
        self.history.append(
            {s.settings.name: len(s.received) - before[id(s)] for s in touched}  # type: ignore[attr-defined]
        )
        self.on_turn()
        self.reactor.flush()
        for session in self.sessions:
            if session.close_wanted:
                self.reactor.close(session, session.close_wanted)  # type: ignore[arg-type]
                session.close_wanted = ""
        deadlines = [s.deadline for s in self.sessions if s.deadline is not None]
        self.reactor.schedule(min(deadlines, default=None))

    def add(self, session: ScriptedSession, *, acceptor: bool = True) -> ScriptedSession:
        self.sessions.append(session)
        self.reactor.add_session(session, acceptor)  # type: ignore[arg-type]
        return session

    async def listen(self, limits: ListenerLimits | None = None) -> Listener:
        listener = Listener(self.reactor, "127.0.0.1", 0, limits=limits)
        await listener.start()
        self._listeners.append(listener)
        return listener

    def dial(
        self, session: ScriptedSession, port: int, jitter: Callable[[], float] = lambda: 0.0
    ) -> Dialer:
        dialer = Dialer(
            session,  # type: ignore[arg-type]
            "127.0.0.1",
            port,
            self.reactor,
            jitter,
            back_off=QUICK,
        )
        dialer.start()
        self._dialers.append(dialer)
        return dialer

    def connected(self, session: ScriptedSession) -> bool:
        return self.reactor.connected(session)  # type: ignore[arg-type]

    async def end(self) -> None:
        for listener in self._listeners:
            await listener.stop()
        for dialer in self._dialers:
            await dialer.stop()
        self.reactor.shutdown()
        await self.reactor.wait_idle()
        await asyncio.sleep(0.01)  # uvloop closes a listening socket a moment later


class Peer:
    """A raw TCP client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(size)

    async def end_of_stream(self) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    def close(self) -> None:
        self.writer.close()


class Venue:
    """A raw TCP server that keeps what it is sent, by connection."""

    def __init__(self) -> None:
        self.port = 0
        self.greeting = b""
        self.connections: list[asyncio.StreamWriter] = []
        self.live = 0
        self.most_live = 0
        self.received: list[bytes] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> Venue:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(self.connections)
        self.connections.append(writer)
        self.received.append(b"")
        self.live += 1
        self.most_live = max(self.live, self.most_live)
        if self.greeting:
            writer.write(self.greeting)
        try:
            while data := await reader.read(65_536):
                self.received[place] += data
        except ConnectionResetError:
            self.received[place] += b""
        finally:
            self.live -= 1
            writer.close()
