"""From sockets to turns: which connection is whose, when a turn is due, and what time it is.

Owns: the sessions of a program, their connections, the order in which they are served, the clock
reading of a turn and the one timer.
May not know: what messages mean, what a turn does with them, any journal.

Theory of operation. Whatever happens (bytes, a new or lost connection, a deadline, `wake`) makes a
turn due, and one turn runs per iteration of the event loop, behind everything that this iteration
read. A turn is the owner's function; it calls back in this order:

    touched = reactor.receive(now)     bytes and losses into the sessions, ticks for those due
    ...                                events, decisions, the journal
    reactor.flush(touched)             one write per session
    reactor.close(session, reason)     where a session said Close
    reactor.schedule(deadline)         the earliest of all deadlines of the owner

Sessions are fed in the order in which they became ready, a bounded piece each (limits.py); what is
left waits behind the others, so a flooding peer delays another by one bounded piece. A peer that
costs too much is held back by the owner (`hold_back`): it is read again later and in smaller
pieces, and TCP slows it down meanwhile. An owner that does not call `receive` (its journal cannot
write) is not called again for what it left unread.

A turn that raises is a bug of ours: no further turn runs, nothing more is read or written, and
`failure` carries the exception to whoever runs the program.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sor_gateway.fix.session import Session
from sor_gateway.fix.timers import NEVER
from sor_gateway.histogram import DurationHistogram
from sor_gateway.net.clock import Clock
from sor_gateway.net.connection import Connection
from sor_gateway.net.limits import (
    DIALLED_READ_LIMIT_BYTES,
    HELD_READ_LIMIT_BYTES,
    READ_LIMIT_BYTES,
)

NANOS_PER_SECOND = 1_000_000_000


@dataclass(slots=True, eq=False)
class Line:
    """A session and the connection it has at present."""

    session: Session
    acceptor: bool
    connection: Connection | None = None
    connected: bool = False
    """Whether the session has been told of the connection."""
    on_end: Callable[[], None] | None = None
    """Called once when this connection is gone and the session has been told so."""
    was_logged_on: bool = False
    """Whether the session was logged on at some time of this, else of the last connection."""
    held_until: int = 0
    """The peer is not read before this time; 0 when it is not held back."""
    fed_ns: int = 0
    """How long the session took over its last piece; 0 once the owner was told."""


@dataclass(slots=True)
class ReactorCounters:
    """Plain integers, read at scrape time."""

    turns: int = 0
    connections: int = 0
    disconnections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    lags: DurationHistogram = field(default_factory=DurationHistogram)
    """How much later than asked timers fired."""


class Reactor:
    """Runs turns over sessions and their connections. `turn` is called with the time of the turn
    in nanoseconds since the epoch; it never runs inside itself."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        turn: Callable[[int], None],
        stopwatch: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.loop = loop
        self.counters = ReactorCounters()
        self.failure: asyncio.Future[None] = loop.create_future()
        """Fails with the exception of the turn that raised; never succeeds."""
        self.now = clock()
        """The time of the current turn, else of the last."""
        self.clock = clock
        """Reads the time; within a turn `now` is the time."""
        self._turn = turn
        self._stopwatch = stopwatch
        self._lines: dict[str, Line] = {}
        self._by_identity: dict[tuple[str, str, str], Line] = {}
        self._by_connection: dict[Connection, Line] = {}
        self._lingering: dict[Connection, Callable[[], None] | None] = {}
        self._ready: dict[Line, None] = {}
        self._held: dict[Line, None] = {}
        """Ready, but not before their time."""
        self._challenged: dict[Line, None] = {}
        self._handle: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        """The loop's time at which the timer fires."""
        self._deadline: int | None = None
        self._earliest = 0
        """No session's deadline is before this; 0 until the owner has said so."""
        self._fired = 0
        self._received = False
        self._stopped = False
        self._loop_time = loop.time()
        self._idle = asyncio.Event()
        self._idle.set()

    # --- sessions -------------------------------------------------------------------------

    def add_session(self, session: Session, acceptor: bool) -> None:
        """Take a session in. Acceptors are found by their identity, initiators are dialled."""
        settings = session.settings
        assert settings.name not in self._lines, f"two sessions are called {settings.name}"
        line = Line(session, acceptor)
        if acceptor:
            identity = (settings.begin_string, settings.target_comp_id, settings.sender_comp_id)
            assert identity not in self._by_identity, f"two sessions have identity {identity}"
            self._by_identity[identity] = line
        self._lines[settings.name] = line

    def resolve(self, begin_string: str, sender: str, target: str) -> Session | None:
        """The acceptor session that a peer means which writes these into 8, 49 and 56."""
        line = self._by_identity.get((begin_string, sender, target))
        return line.session if line else None

    def connected(self, session: Session) -> bool:
        """Whether the session has a connection, or had one and was not told of its end yet."""
        return self._line(session).connection is not None

    def was_logged_on(self, session: Session) -> bool:
        """Whether the session came to be logged on over its present or else its last connection."""
        return self._line(session).was_logged_on

    def buffered(self, session: Session) -> int:
        """Bytes of the session that the kernel has not taken yet."""
        connection = self._line(session).connection
        return connection.buffered if connection else 0

    def peer(self, session: Session) -> str:
        """Address and port of the session's peer, empty without a connection."""
        connection = self._line(session).connection
        return connection.peer if connection else ""

    def bind(
        self, connection: Connection, session: Session, on_end: Callable[[], None] | None = None
    ) -> None:
        """Give a session its connection, pending bytes included; the session is told next turn.
        `on_end` is called once, when the transport is gone and the session was told."""
        line = self._line(session)
        assert line.connection is None, f"{session.settings.name} has a connection"
        line.connection = connection
        line.connected = False
        line.on_end = on_end
        line.was_logged_on = False
        connection.watcher = self
        self._by_connection[connection] = line
        self._idle.clear()
        self.counters.connections += 1
        self._make_ready(line)

    def fed_ns(self, session: Session) -> int:
        """How long the session took over the bytes that it was fed in this turn; told once."""
        line = self._line(session)
        took_ns, line.fed_ns = line.fed_ns, 0
        return took_ns

    def hold_back(self, session: Session, until_ns: int) -> None:
        """Read this peer no further before then, and after that a small piece."""
        self._line(session).held_until = until_ns

    def challenge(self, session: Session) -> None:
        """Have a live session test its peer in the next turn: someone else claims its identity."""
        self._challenged[self._line(session)] = None
        self.wake()

    # --- what connections say -------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """A transport is up; `bind` says whose it is."""

    def received(self, connection: Connection) -> None:
        """A connection has bytes to read."""
        line = self._by_connection[connection]
        if line not in self._held:
            self._make_ready(line)

    def lost(self, connection: Connection) -> None:
        """A transport is gone."""
        if connection in self._lingering:
            self._finish(self._lingering.pop(connection))
        elif connection in self._by_connection:
            self._make_ready(self._by_connection[connection])

    # --- the turn -------------------------------------------------------------------------

    def wake(self) -> None:
        """Make a turn happen in the next iteration of the loop."""
        if self._handle is None and not self._stopped:
            self._handle = self.loop.call_soon(self._run_turn)

    def schedule(self, deadline_ns: int | None) -> None:
        """Have a turn at this time, which is the earliest deadline of any session or later work of
        the owner; None for no such time. Replaces what was scheduled before."""
        for line in self._held:
            if deadline_ns is None or line.held_until < deadline_ns:
                deadline_ns = line.held_until
        self._earliest = NEVER if deadline_ns is None else deadline_ns
        if self._stopped:
            return
        if deadline_ns is None:
            self._cancel_timer()
        elif self._deadline is None or deadline_ns < self._deadline:
            self._cancel_timer()
            self._arm(deadline_ns)
        # A timer that is too early stays: deadlines move with nearly every message, and it is
        # cheaper to look once when it fires.

    def receive(self, now: int) -> list[Session]:
        """Feed the sessions: bytes of ready connections, losses, challenges, deadlines. Returns
        those that were touched, in the order in which they became ready."""
        self._received = True
        touched: dict[Line, None] = {}
        ready, self._ready = self._ready, {}
        if self._held:
            ready |= self._held
            self._held = {}
        for line in ready:
            if now < line.held_until:
                self._held[line] = None
            else:
                touched[line] = None
                self._feed(line, now)
        challenged, self._challenged = self._challenged, {}
        for line in challenged:
            if line.connected:
                touched[line] = None
                line.session.challenge(now)
        if now >= self._earliest:  # most turns come from the wire: nobody's time is up
            for line in self._lines.values():
                deadline = line.session.next_deadline()
                if deadline is not None and deadline <= now:
                    touched[line] = None
                    line.session.tick(now)
        return [line.session for line in touched]

    def flush(self, sessions: Iterable[Session] | None = None) -> None:
        """Write what these sessions (by default all) have to say, one write for each. What a
        session says without a connection is dropped: it is in the journal."""
        if sessions is None:
            sessions = [line.session for line in self._lines.values()]
        for session in sessions:
            data = session.take_output()
            if data:
                self.write(session, data)

    def write(self, session: Session, data: bytes) -> None:
        """Write bytes on the session's connection; without one they are dropped."""
        connection = self._line(session).connection
        if connection is not None:
            self.counters.bytes_out += len(data)
            connection.write(data)

    def close(self, session: Session, reason: str) -> None:
        """Close the session's connection when its output is sent (`LINGER_S` at most). The session
        is told in the next turn; input that was not read is dropped."""
        line = self._line(session)
        if line.connection is None:
            return
        line.connection.close(reason)
        self._make_ready(line)

    def abort(self, session: Session, reason: str) -> None:
        """End the session's connection at once; what is on its way is dropped. The session is told
        in the next turn."""
        line = self._line(session)
        if line.connection is not None:
            line.connection.abort(reason)
            self._make_ready(line)

    def abandon(self, session: Session, reason: str) -> None:
        """Forget the session's connection; the peer is not told, the session in the next turn."""
        line = self._line(session)
        if line.connection is not None:
            line.connection.abandon(reason)
            self._make_ready(line)

    def hear(self, session: Session, *, hears: bool) -> None:
        """Whether the session's connection is read at all."""
        connection = self._line(session).connection
        if connection is not None:
            connection.hear(hears=hears)

    # --- shutdown -------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether there is no connection left, closing ones included."""
        return self._idle.is_set()

    async def wait_idle(self) -> None:
        """Wait until no connection is left, closing ones included."""
        await self._idle.wait()

    def shutdown(self) -> None:
        """Drop all connections at once; no further turn runs and no session is told. What the
        peers miss they ask for at the next start."""
        self._stop()
        for connection, line in list(self._by_connection.items()):
            connection.abort("shutdown")
            self._unbind(line, connection)
        for connection in list(self._lingering):
            connection.abort("shutdown")

    def fail(self, error: BaseException) -> None:
        """A bug showed itself: no further turn runs, and `failure` tells the program why."""
        self._stop()
        if not self.failure.done():
            self.failure.set_exception(error)

    # --- internals ------------------------------------------------------------------------

    def _line(self, session: Session) -> Line:
        return self._lines[session.settings.name]

    def _make_ready(self, line: Line) -> None:
        self._ready[line] = None
        self.wake()

    def _feed(self, line: Line, now: int) -> None:
        connection, session = line.connection, line.session
        line.fed_ns = 0
        if connection is None:
            return
        if not line.connected and connection.ended is None:
            line.connected = True
            session.connect(now)
        if line.connected and connection.pending:
            data = connection.read(_read_limit(line))
            line.held_until = 0
            self.counters.bytes_in += len(data)
            began_ns = self._stopwatch()
            session.receive(data, now)
            line.fed_ns = self._stopwatch() - began_ns
            line.was_logged_on = line.was_logged_on or session.logged_on
            if connection.pending:
                self._ready[line] = None
                return
        if connection.ended is not None:
            if line.connected:
                session.disconnect(now, connection.ended)
            self._unbind(line, connection)

    def _unbind(self, line: Line, connection: Connection) -> None:
        del self._by_connection[connection]
        on_end, line.on_end = line.on_end, None
        line.connection = None
        line.connected = False
        line.held_until = 0
        self.counters.disconnections += 1
        if connection.gone:
            self._finish(on_end)
        else:
            self._lingering[connection] = on_end

    def _finish(self, on_end: Callable[[], None] | None) -> None:
        """A transport is gone and its session knows it."""
        if not self._by_connection and not self._lingering:
            self._idle.set()
        if on_end is not None:
            on_end()

    def _run_turn(self) -> None:
        self._handle = None
        self._loop_time = self.loop.time()
        # Time neither stands before a deadline that fired (timers round) nor runs backwards.
        self.now = max(self.clock(), self.now, self._fired)
        self.counters.turns += 1
        self._received = False
        try:
            self._turn(self.now)
        except Exception as error:  # noqa: BLE001 - handed over whole, and nothing runs on
            self.fail(error)
            return
        if self._ready and self._received:
            self.wake()

    def _arm(self, deadline_ns: int) -> None:
        self._deadline = deadline_ns
        # Relative to the clock reading of the turn and the loop's time at that instant, so that
        # the turn's own duration does not delay the timer.
        delay_s = max(0, deadline_ns - self.now) / NANOS_PER_SECOND
        # Kept here: uvloop gives a plain handle, which cannot tell, for a time that has passed.
        self._timer_due = self._loop_time + delay_s
        self._timer = self.loop.call_at(self._timer_due, self._on_timer)

    def _on_timer(self) -> None:
        assert self._deadline is not None
        deadline, self._deadline, self._timer = self._deadline, None, None
        if self._earliest > deadline:  # it moved on while the timer ran
            if self._earliest < NEVER:
                self._arm(self._earliest)
            return
        late_s = self.loop.time() - self._timer_due
        self.counters.lags.observe(int(late_s * NANOS_PER_SECOND))
        self._fired = deadline
        self.wake()

    def _stop(self) -> None:
        self._stopped = True
        self._cancel_timer()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._deadline = None


def _read_limit(line: Line) -> int:
    if line.held_until:
        return HELD_READ_LIMIT_BYTES
    return READ_LIMIT_BYTES if line.acceptor else DIALLED_READ_LIMIT_BYTES
