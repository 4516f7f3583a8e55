"""A desk in memory: the real engine, journal format, sessions and router; no socket, no clock.

Peers are real sessions too, joined to the gateway's by byte strings. A turn happens when the test
says so, so a crash can be put between any two steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sor_gateway.config.settings import Configuration
from sor_gateway.daemon.daemon import (
    build_links,
    first_facts,
    recover_or_cancel,
    snapshot_of,
)
from sor_gateway.daemon.engine import Engine
from sor_gateway.daemon.recovery import Recovered, fact_codec, recover
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.fix.events import AppReceived, Event, Hint, LoggedOn, PeerRejected, ReplayWanted
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Session
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.fix.states import State
from sor_gateway.fix.store import Numbers, Sent
from sor_gateway.journal.memory import MemoryJournal, MemoryStorage
from sor_gateway.journal.segments import SEGMENT_MESSAGES
from sor_gateway.net.reactor import ReactorCounters
from sor_gateway.sor.counts import count_from

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
ADMIN = frozenset("012345A")


@dataclass(slots=True)
class Peer:
    """Who is at the other end of one of the gateway's sessions, and what it has stored."""

    session: Session
    on_message: Callable[[Peer, Message, int], None]
    on_turn: Callable[[Peer, int], None] = lambda *_: None
    """What it does of itself while it is logged on."""
    connected: bool = False
    line: int = 0
    """Counts connections: a line that was cut and dialled again is another line."""
    withholds: Callable[[Sent], bool] = lambda _: False
    """Which stored messages it gap-fills instead of sending them again (F30)."""
    executes_gap_filled: bool = True
    """Acts on what it had queued although a gap fill covered it (F28)."""
    to_gateway: bytes = b""
    from_gateway: bytes = b""
    received: list[Message] = field(default_factory=list)
    stored: list[Sent] = field(default_factory=list)

    def send(self, msg_type: str, body: list[tuple[int, str]], now: int) -> None:
        """Say something; a peer that is not logged on stays silent."""
        if self.session.logged_on:
            self.session.send(msg_type, body, now)

    def turn(self, now: int) -> None:
        data, self.from_gateway = self.from_gateway, b""
        if data:
            self.session.receive(data, now)
        deadline = self.session.next_deadline()
        if deadline is not None and deadline <= now:
            self.session.tick(now)
        if self.session.logged_on:
            self.on_turn(self, now)
        for event in self.session.take_events():
            self._on(event, now)
        self.stored += self.session.take_sent()
        self.session.take_consumed()
        self.to_gateway += self.session.take_output()
        if self.session.state is State.CLOSING:
            self.hang_up(now)

    def dial(self, now: int) -> None:
        """A new line."""
        if not self.connected:
            self.connected = True
            self.line += 1
            self.to_gateway = self.from_gateway = b""
            self.session.connect(now)

    def restart(self, numbers: Numbers, lost_from: int | None = None) -> None:
        """Its process begins anew with these numbers; what it had stored from `lost_from` on in
        that epoch is gone."""
        assert not self.connected
        self.session = Session(self.session.settings, numbers, None)
        if lost_from is not None:
            self.stored = [
                sent
                for sent in self.stored
                if sent.epoch != numbers.epoch or sent.number < lost_from
            ]

    def hang_up(self, now: int) -> None:
        """The line is gone at both ends."""
        if self.connected:
            self.connected = False
            self.session.disconnect(now, "cut")
            self.session.take_events()
            self.stored += self.session.take_sent()

    def _on(self, event: Event, now: int) -> None:
        if isinstance(event, AppReceived) or (isinstance(event, Hint) and self.executes_gap_filled):
            self.received.append(event.message)
            self.on_message(self, event.message, now)
        elif isinstance(event, PeerRejected):
            self.received.append(event.message)
        elif isinstance(event, ReplayWanted):
            epoch = self.session.numbers.epoch
            self.stored += self.session.take_sent()
            found = [
                (sent.number, sent.raw)
                for sent in self.stored
                if sent.epoch == epoch
                and event.begin <= sent.number <= event.end
                and sent.msg_type not in ADMIN
                and not self.withholds(sent)
            ]
            self.session.resend(found, event.end, now)
        elif isinstance(event, LoggedOn):
            self.on_message(self, Message("A", []), now)


class MemoryReactor:
    """What the engine needs of a reactor, over peers instead of sockets."""

    def __init__(self, peers: dict[str, Peer], sessions: dict[str, Session]) -> None:
        self.peers = peers
        self.sessions = sessions
        self.now = START
        self.told: dict[str, int] = {}
        """The line on which each session believes to be; 0 for none."""
        self.deadline: int | None = None
        self.woken = False
        self.counters = ReactorCounters()

    def receive(self, now: int) -> list[Session]:
        touched = []
        for name, session in self.sessions.items():
            peer, told = self.peers[name], self.told.get(name, 0)
            line = peer.line if peer.connected else 0
            data, due = b"", (session.next_deadline() or now + 1) <= now
            if told in (0, line) or not peer.connected:  # else the bytes are of the next line
                data, peer.to_gateway = peer.to_gateway, b""
            if line == told and not data and not due:
                continue
            if line and not told:
                session.connect(now)
                self.told[name] = line
            if data:
                session.receive(data, now)
            if told and line != told:
                session.disconnect(now, "cut")
                self.told[name] = 0
            elif due:
                session.tick(now)
            touched.append(session)
        return touched

    def flush(self, sessions: list[Session]) -> None:
        for session in sessions:
            self.write(session, session.take_output())

    def write(self, session: Session, data: bytes) -> None:
        peer = self.peers[session.settings.name]
        if peer.connected and self.told.get(peer.session.settings.name) == peer.line:
            peer.from_gateway += data

    def close(self, session: Session, reason: str) -> None:
        self.peers[session.settings.name].hang_up(self.now)

    def schedule(self, deadline: int | None) -> None:
        self.deadline = deadline

    def wake(self) -> None:
        """The test turns as often as it likes, and may look whether that was asked for."""
        self.woken = True

    def fed_ns(self, session: Session) -> int:
        return 0

    def hold_back(self, session: Session, until_ns: int) -> None:
        raise AssertionError("nobody takes time here")

    def peer(self, session: Session) -> str:
        return session.settings.name if self.told.get(session.settings.name) else ""

    def buffered(self, session: Session) -> int:
        return len(self.peers[session.settings.name].from_gateway)


class Desk:
    """The gateway and its peers; `crash` throws the gateway away and folds its journal."""

    def __init__(
        self,
        configuration: Configuration,
        behaviours: dict[str, Callable[[Peer, Message, int], None]],
        segment_messages: int = SEGMENT_MESSAGES,
    ) -> None:
        self.configuration = configuration
        self.segment_messages = segment_messages
        self.now = START
        self.tail_suspect = False
        """The next start finds that the machine was restarted, too."""
        self.storage = MemoryStorage()
        self.log: list[tuple[str, dict[str, object]]] = []
        self.peers = {
            settings.name: Peer(
                Session(mirrored(settings), Numbers(), None),
                behaviour,
                getattr(behaviour, "on_turn", lambda *_: None),
            )
            for settings, behaviour in self._pairs(behaviours)
        }
        self.start()

    def _pairs(
        self, behaviours: dict[str, Callable[[Peer, Message, int], None]]
    ) -> list[tuple[SessionSettings, Callable[[Peer, Message, int], None]]]:
        settings = list(self.configuration.ems_sessions)
        for venue in self.configuration.venues:
            settings += [one for one in (venue.orders, venue.quotes) if one is not None]
        return [(one, behaviours.get(one.name, ignore)) for one in settings]

    def start(self) -> None:
        journal = self._open_journal()
        self.journal = journal
        recovered = recover_or_cancel(self.configuration, journal, self._note)
        links = build_links(self.configuration, recovered)
        self.reactor = MemoryReactor(
            self.peers, {name: link.session for name, link in links.items()}
        )
        self.engine = Engine(
            self.reactor,
            journal,
            fact_codec(),
            recovered.router,
            links,
            self._note,
            snapshot_of,
            recovered.poisoned,
            lambda: 0,
            recovered.turn,
            day_ends_ns=self.configuration.calendar.day_ends_ns,
        )
        for fact in first_facts(self.engine, recovered, "boot", self.tail_suspect, self.now):
            self.engine.operate(fact)
        self.turn()

    def _open_journal(self) -> MemoryJournal:
        return MemoryJournal(self.storage, boot_id="boot", segment_messages=self.segment_messages)

    def _note(self, event: str, /, **fields: object) -> None:
        self.log.append((event, fields))

    def connect(self, *names: str) -> None:
        for name in names or self.peers:
            self.peers[name].dial(self.now)

    def cut(self, *names: str, arrives: Callable[[int], int] = lambda _: 0) -> None:
        """The line goes. `arrives` tells how many of the bytes on it still reach the other end."""
        for name in names or self.peers:
            peer = self.peers[name]
            if peer.connected:
                peer.from_gateway = peer.from_gateway[: arrives(len(peer.from_gateway))]
                peer.turn(self.now)
                peer.to_gateway = peer.to_gateway[: arrives(len(peer.to_gateway))]
                peer.hang_up(self.now)

    def turn(self) -> None:
        self.reactor.now = self.now
        self.engine.turn(self.now)

    def run(self, turns: int = 20, step_ns: int = 1_000_000) -> None:
        """Peers and gateway take turns until `turns` have passed."""
        for _ in range(turns):
            self.now += step_ns
            for peer in self.peers.values():
                if peer.connected:
                    peer.turn(self.now)
            self.turn()

    def crash(self, arrives: Callable[[int], int] = lambda _: 0) -> None:
        """kill -9: the gateway's memory is gone, the lines are cut, the journal stays."""
        self.cut(arrives=arrives)
        for peer in self.peers.values():
            peer.to_gateway = b""
        self.start()

    def is_stalled(self) -> bool:
        """Whether the journal cannot write."""
        return self.engine.stalled

    def folded(self) -> Recovered:
        """What a start would find now."""
        journal = self._open_journal()
        return recover(self.configuration.router, journal.snapshot, journal.tail(), fact_codec())

    def assert_fold_is_live(self) -> None:
        found = self.folded()
        assert found.router.state == self.engine.router.state
        standing = count_from(found.router.state)
        for counts in (self.engine.router.counts, found.router.counts):
            for name, truth in standing.venues.items():
                assert counts.venue(name).pending == truth.pending, name
                assert counts.venue(name).doubted == truth.doubted, name
        for name, link in self.engine.links.items():
            if name.endswith("-md"):
                continue
            live = link.session.numbers
            numbers = found.session_numbers(name)
            assert numbers == live, name
            if isinstance(link, ClientLink):
                assert found.outbox(name) == link.outbox


def mirrored(settings: SessionSettings) -> SessionSettings:
    """The other end of a session."""
    ours = settings.role is Role.ACCEPTOR
    return SessionSettings(
        name=settings.name,
        begin_string=settings.begin_string,
        sender_comp_id=settings.target_comp_id,
        target_comp_id=settings.sender_comp_id,
        role=Role.INITIATOR if ours else Role.ACCEPTOR,
        markers=False,
    )


def ignore(peer: Peer, message: Message, now: int) -> None:
    """A peer that says nothing."""
