"""The turn: read what is ready, handle, decide, write one record, write the sockets.

Owns: the order of those steps, and with it the two promises of the house: nothing numbered leaves
a socket before it is in the journal, and a crash at any instant leaves a turn that never happened
or one that happened whole (architecture.md 2c).
May not know: prices, tactics, FIX fields. It routes values between machines and decides nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from sor_gateway.daemon.congestion import Congestion
from sor_gateway.daemon.counters import TurnCounters
from sor_gateway.daemon.draft import Draft
from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.intake import Intake, Log, StoredMessages
from sor_gateway.daemon.last_resort import LastResort
from sor_gateway.daemon.sessions import ClientLink, Link, VenueLink
from sor_gateway.fix.checks import without_secrets
from sor_gateway.fix.session import Session
from sor_gateway.fix.timers import NEVER
from sor_gateway.journal.errors import JournalStalled
from sor_gateway.journal.record import FactCodec, Poisoned, Record
from sor_gateway.net.reactor import ReactorCounters
from sor_gateway.sor.days import DayBegan
from sor_gateway.sor.decisions import Decision
from sor_gateway.sor.events import FlowStopped, IdsReserved, KillSwitched, OperatorFact
from sor_gateway.sor.router import Router

REPLAY_BUFFER_BYTES = 1_048_576
"""A peer with more than this unread is sent no further part of its replay."""
REPLAY_RETRY_NS = 10_000_000
"""How soon such a peer is looked at again: it must not make the loop spin."""
REPLAY_PAUSE_NS = 1_000_000
"""Least pause between two parts of replays, whoever asked for them."""
REPLAY_PAUSE_SHARE = 4
"""The pause is this many times what the last part took: however fast the machine is, four fifths
of its time are for those who trade."""
IDS_BLOCK = 100_000
"""Ids made durable at a time."""
IDS_LOW = 20_000
"""With fewer ids left than this the next block is reserved."""
STALL_RETRY_NS = 250_000_000
"""How often a stalled journal is tried again."""


class TurnJournal(StoredMessages, Protocol):
    """What the turn needs of a journal."""

    @property
    def notes(self) -> Sequence[str]:
        """Why rolls failed, the last one last."""

    @property
    def roll_due(self) -> bool:
        """Whether `roll_apart` has a step to take."""

    def append(self, record: Record, durable: bool = False) -> None:
        """Write one record."""

    def retry(self) -> None:
        """Write the bytes that stalled again."""

    def use_reserve(self) -> None:
        """Free the reserved room."""

    def roll_apart(self, snapshot: Callable[[], bytes]) -> bool:
        """A step towards a new segment with a snapshot behind it; False: the disk is in the way."""


class TurnReactor(Protocol):
    """What the turn needs of the reactor (net/reactor.py)."""

    @property
    def counters(self) -> ReactorCounters:
        """What it counts."""

    def wake(self) -> None:
        """Make a turn happen."""

    def receive(self, now: int) -> list[Session]:
        """Feed the sessions; those that were touched."""

    def flush(self, sessions: list[Session]) -> None:
        """Write what these sessions have to say."""

    def write(self, session: Session, data: bytes) -> None:
        """Write bytes on the session's connection; without one they are dropped."""

    def close(self, session: Session, reason: str) -> None:
        """Close the session's connection when its output is sent."""

    def schedule(self, deadline_ns: int | None) -> None:
        """Have a turn at this time."""

    def fed_ns(self, session: Session) -> int:
        """How long the session took over the bytes that it was fed in this turn."""

    def hold_back(self, session: Session, until_ns: int) -> None:
        """Read this peer no further before then."""

    def peer(self, session: Session) -> str:
        """Address and port of the session's peer."""

    def buffered(self, session: Session) -> int:
        """Bytes of the session that the kernel has not taken yet."""


class Engine:
    """Runs the turn over its links, router and journal."""

    def __init__(
        self,
        reactor: TurnReactor,
        journal: TurnJournal,
        codec: FactCodec,
        router: Router,
        links: dict[str, Link],
        log: Log,
        snapshot: Callable[[Engine], bytes],
        poisoned: set[tuple[str, int, int]],
        stopwatch: Callable[[], int],
        turn_number: int = 0,
        concurrent_replays: int = 5,
        day_ends_ns: Callable[[int], int] | None = None,
    ) -> None:
        """`day_ends_ns`: when a time's trading day ends; None where days do not matter."""
        self.reactor = reactor
        self.journal = journal
        self.router = router
        self.links = links
        self.counters = TurnCounters()
        router.count_anew()
        self.turn_number = turn_number
        self._stopwatch = stopwatch
        self.stalled = False
        self.poisoned = poisoned
        self._codec = codec
        self._log = log
        self._snapshot = snapshot
        self._draft = Draft(router, links, codec, self.counters)
        self._intake = Intake(self._draft, journal, log, poisoned)
        self._last_resort = LastResort(router, reactor, log)
        self._reports_wait = False
        """The last turn's reports are to be numbered in this one."""
        self._pending_facts: list[OperatorFact] = []
        self._logouts: list[tuple[Link, str]] = []
        self._commands: list[SessionOperated] = []
        self._replay_at_ns = 0
        self._day_ends_ns = day_ends_ns
        self._concurrent_replays = concurrent_replays
        self._congestion = Congestion(lambda name: reactor.buffered(links[name].session))
        self._deadlines = {name: link.session.next_deadline() for name, link in links.items()}
        self._by_session = {id(link.session): link for link in links.values()}

    # --- the turn -------------------------------------------------------------------------

    def turn(self, now: int) -> None:
        """One turn of the event loop, start to end, without waiting for anything."""
        began_ns = self._stopwatch()
        if self.stalled and not self._thaw(now):
            return
        try:
            self._work(now)
        except Exception:
            self._poison(now)
            raise
        self._finish(now)
        self.counters.durations.observe(self._stopwatch() - began_ns)

    def operate(self, fact: OperatorFact) -> None:
        """Take in a fact from the operator or the process; it is handled in the next turn."""
        self._pending_facts.append(fact)
        self.reactor.wake()

    def ask_logout(self, link: Link, text: str) -> None:
        """Log a session out in the next turn."""
        self._logouts.append((link, text))
        self.reactor.wake()

    def command(self, command: SessionOperated) -> None:
        """Do to a session what an operator asks, in the next turn."""
        self._commands.append(command)
        self.reactor.wake()

    def next_ids(self, now: int) -> IdsReserved:
        """The fact that makes the next block of ids usable; durable before any is used."""
        return IdsReserved(now, self.router.state.reserved_through + IDS_BLOCK)

    def _work(self, now: int) -> None:
        for session in self.reactor.receive(now):
            self._take_in(self._draft.touch(self._by_session[id(session)]), now)
        if self._intake.replays and now >= self._replay_at_ns:
            self._continue_replay(now)
        pending, self._pending_facts = self._pending_facts, []
        for fact in pending:
            self._draft.apply(fact)
            self._draft.durable |= isinstance(fact, IdsReserved)
        if self._day_ends_ns is not None and now >= self.router.state.day_ends_ns:
            ends_ns, keep_days = self._day_ends_ns(now), self.router.settings.keep_days
            self._draft.apply(DayBegan(now, ends_ns, keep_days))
        logouts, self._logouts = self._logouts, []
        for link, text in logouts:
            self._draft.touch(link).session.logout(text, now)
            self._intake.close_flow(link, text, now)
            self._intake.consume(link, now)
        commands, self._commands = self._commands, []
        for command in commands:
            self._intake.operate(self._draft.touch(self.links[command.session]), command, now)
        for congested in self._congestion.changes(now):
            self._draft.apply(congested)
        for decision in self._decide(now):
            self._draft.apply(decision)
        if self.router.ids_left() < IDS_LOW:
            self._draft.apply(self.next_ids(now))
            self._draft.durable = True
        self._report(now)

    def _report(self, now: int) -> None:
        """Number reports. Orders come first: when this turn has some, its reports are the next
        turn's, which follows at once; so a venue is at work while its client is told."""
        due = self._draft.outboxes_due
        self._reports_wait = bool(due) and self._draft.has_orders and not self._reports_wait
        if not self._reports_wait:
            for name in list(due):
                self._draft.send_reports(due[name], now)

    def _take_in(self, link: Link, now: int) -> None:
        """What a session says; a client that takes too much of our time is held back."""
        if not isinstance(link, ClientLink):
            self._intake.consume(link, now)
            return
        began_ns = self._stopwatch()
        self._intake.consume(link, now)
        took_ns = self._stopwatch() - began_ns + self.reactor.fed_ns(link.session)
        pause_ns = link.throttle.spend(took_ns, now)
        if pause_ns:
            self.reactor.hold_back(link.session, now + took_ns + pause_ns)

    def _continue_replay(self, now: int) -> None:
        """A part of one replay; the first who asked take turns, the others wait."""
        replays, began_ns = self._intake.replays, self._stopwatch()
        served = list(replays)[: self._concurrent_replays]
        for name in served:
            if self._takes_more(name):
                self._intake.continue_replay(self._draft.touch(self.links[name]), now)
                if name in replays:  # to the end of those that are served
                    rest = [each for each in replays if each not in served]
                    for each in (name, *rest):
                        replays[each] = replays.pop(each)
                took_ns = self._stopwatch() - began_ns
                pause_ns = max(REPLAY_PAUSE_NS, REPLAY_PAUSE_SHARE * took_ns)
                self._replay_at_ns = now + took_ns + pause_ns
                return
        self._replay_at_ns = now + REPLAY_RETRY_NS

    def _decide(self, now: int) -> list[Decision]:
        began_ns = self._stopwatch()
        decisions = self.router.decide(now)
        if decisions:
            self.counters.decided(decisions, self._stopwatch() - began_ns)
        return decisions

    def _finish(self, now: int) -> None:
        """Commit the turn, then let it out."""
        try:
            self._commit(now)
        except JournalStalled as stall:
            self._freeze(stall, now)
            return
        self._release(now)

    def _commit(self, now: int) -> None:
        entries, facts = self._draft.take()
        if not entries and not facts:
            return
        self.turn_number += 1
        record = Record(self.turn_number, now, entries, facts)
        durable, self._draft.durable = self._draft.durable, False
        self.counters.records += 1
        self.counters.last_record_ns = now
        self.journal.append(record, durable=durable)

    def _release(self, now: int) -> None:
        # Orders before reports: a venue's answer is what everybody waits for.
        links = sorted(self._draft.touched.values(), key=_is_client)
        self.reactor.flush([link.session for link in links])
        for name, link in self._draft.touched.items():
            self._deadlines[name] = link.session.next_deadline()
            if isinstance(link, VenueLink):
                self._congestion.wrote(name, now)
        self._draft.touched.clear()
        for session, reason in self._draft.to_close:
            self.reactor.close(session, reason)
        self._draft.to_close.clear()
        for alarm in self._draft.alarms:
            self.counters.alarm(alarm.code)
            self._log(
                "alarm",
                code=alarm.code,
                text=alarm.text,
                venue=alarm.venue,
                parent=alarm.parent_id,
                child=alarm.child_id,
            )
        self._draft.alarms.clear()
        if self.journal.roll_due:
            self._roll()
        self.router.refresh(now)
        if self._draft.outboxes_due:
            self.reactor.wake()
        self.reactor.schedule(self._next_deadline(now))

    def _roll(self) -> None:
        """Begin a new segment. When the disk does not take it the old one goes on."""
        if not self.journal.roll_apart(lambda: self._snapshot(self)):
            self._log("journal-not-rolled", text=self.journal.notes[-1])

    def _takes_more(self, name: str) -> bool:
        """Whether a peer reads what it asked for again."""
        return self.reactor.buffered(self.links[name].session) < REPLAY_BUFFER_BYTES

    def _next_deadline(self, now: int) -> int | None:
        """The earliest of all. A session's deadline moves only in a turn that touches it."""
        deadline = max(now, self._replay_at_ns) if self._intake.replays else NEVER
        if self._day_ends_ns is not None:
            deadline = min(deadline, self.router.state.day_ends_ns)
        for other in self._deadlines.values():
            if other is not None and other < deadline:
                deadline = other
        for other in (self.router.next_deadline(), self._congestion.next_deadline(now)):
            if other is not None and other < deadline:
                deadline = other
        return deadline if deadline < NEVER else None

    # --- when things go wrong -------------------------------------------------------------

    def _freeze(self, stall: JournalStalled, now: int) -> None:
        """The journal cannot write: nothing is read and nothing leaves until it can
        (recovery.md 1.4). The reserve is freed for the cancels that follow."""
        self.stalled = True
        self.counters.stalls += 1
        self._log("journal-stalled", text=str(stall))
        self.journal.use_reserve()
        self.reactor.schedule(now + STALL_RETRY_NS)

    def _thaw(self, now: int) -> bool:
        try:
            self.journal.retry()
        except JournalStalled:
            if any(isinstance(fact, KillSwitched) and fact.on for fact in self._pending_facts):
                self._last_resort.pull(self.links, now)
            self.reactor.schedule(now + STALL_RETRY_NS)
            return False
        self.stalled = False
        self._log("journal-writes-again")
        self._pending_facts.append(FlowStopped(now, "the journal's disk was full: cancel only"))
        self._release(now)
        self._last_resort.record(self._draft, now)
        return True

    def _poison(self, now: int) -> None:
        """A bug of ours: record the message that showed it, alone, before the process ends.

        The turn itself never happened. At the next start the message is consumed unhandled. A crash
        that no message was the cause of is counted only."""
        session, epoch, number, raw = "", 0, 0, b""
        if self._draft.current is not None:
            session, epoch, number, message = self._draft.current
            text = "".join(f"{tag}={value}\x01" for tag, value in message.fields)
            raw = without_secrets(text.encode("latin-1"))
        poison = Poisoned(session, epoch, number, raw, traceback.format_exc(limit=20))
        record = Record(self.turn_number + 1, now, [], [self._codec.encode(poison)])
        self.journal.append(record, durable=True)


def _is_client(link: Link) -> bool:
    return isinstance(link, ClientLink)
