"""The turn: read what is ready, handle, decide, write one record, write the sockets.

Owns: the order of those steps, and with it the two promises of the house: nothing numbered leaves
a socket before it is in the journal, and a crash at any instant leaves a turn that never happened
or one that happened whole (architecture.md 2c).
May not know: prices, tactics, FIX fields. It routes values between machines and decides nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from sor_gateway.daemon.facts import (
    MessageQuarantined,
    PeerProved,
    RangeResent,
    RangeSkipped,
    RangeVoided,
    SessionMoved,
)
from sor_gateway.daemon.replay import Answer, answer_client, answer_venue
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.fix import events, tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Session
from sor_gateway.fix.store import Numbers
from sor_gateway.fix.tags import MsgType
from sor_gateway.journal.record import Entry, FactCodec, Poisoned, Record
from sor_gateway.journal.segments import JournalStalled
from sor_gateway.net.reactor import Reactor
from sor_gateway.ops.metrics import DurationHistogram
from sor_gateway.sor import commands
from sor_gateway.sor.events import (
    ChildEnded,
    ChildFilled,
    ChildPlanned,
    ChildrenDoubted,
    ChildVoided,
    Fact,
    FlowStopped,
    IdsReserved,
    OperatorFact,
    VenueClosed,
    VenueOpened,
)
from sor_gateway.sor.router import Router
from sor_gateway.translate.clients import BusinessReject
from sor_gateway.translate.outgoing import Outgoing
from sor_gateway.translate.venues import Unusable

REPLAY_CHUNK = 500
"""Stored messages sent again per session and turn: a long replay delays nobody for long."""
REPLAY_BUFFER_BYTES = 1_048_576
"""A peer with more than this unread is sent no further part of its replay."""
REPLAY_RETRY_NS = 10_000_000
"""How soon such a peer is looked at again: it must not make the loop spin."""
REPORTS_CHUNK = 1_000
"""Reports that leave one outbox in a turn."""
IDS_BLOCK = 100_000
"""Ids made durable at a time."""
IDS_LOW = 20_000
"""With fewer ids left than this the next block is reserved."""
STALL_RETRY_NS = 250_000_000
"""How often a stalled journal is tried again."""


class Log(Protocol):
    """Where incidents go: one line each, never one per message."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line."""


class TurnJournal(Protocol):
    """What the turn needs of a journal."""

    @property
    def roll_due(self) -> bool:
        """Whether the current segment is full."""

    def append(self, record: Record, durable: bool = False) -> None:
        """Write one record."""

    def retry(self) -> None:
        """Write the bytes that stalled again."""

    def use_reserve(self) -> None:
        """Free the reserved room."""

    def roll(self, snapshot: bytes) -> bool:
        """Begin a new segment behind a snapshot."""

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with these numbers."""


@dataclass(slots=True)
class Traded:
    """What was executed at one market since the process began."""

    fills: int = 0
    shares: int = 0
    fees_micros: int = 0


@dataclass(slots=True)
class TurnCounters:
    """Plain figures of the engine, read at scrape time."""

    records: int = 0
    last_record_ns: int = 0
    decisions: int = 0
    stalls: int = 0
    durations: DurationHistogram = field(default_factory=DurationHistogram)
    alarms: dict[str, int] = field(default_factory=dict)
    """By code."""
    traded: dict[str, Traded] = field(default_factory=dict)
    """By LastMkt."""
    scores: dict[str, float] = field(default_factory=dict)
    """The last display score by venue."""


@dataclass(slots=True)
class Replaying:
    """A range that a peer asked for, being answered in chunks."""

    begin: int
    end: int
    noted: bool
    """Orders that are voided in it may be released once they are unknown (recovery.md 3.1): asked
    for before SYNCHRONISED, by a venue that forgot nothing."""


class Engine:
    """Runs the turn over its links, router and journal."""

    def __init__(
        self,
        reactor: Reactor,
        journal: TurnJournal,
        codec: FactCodec,
        router: Router,
        links: dict[str, Link],
        log: Log,
        snapshot: Callable[[Engine], bytes],
        poisoned: set[tuple[str, int, int]],
        stopwatch: Callable[[], int],
        turn_number: int = 0,
    ) -> None:
        self.reactor = reactor
        self.journal = journal
        self.router = router
        self.links = links
        self.counters = TurnCounters()
        self.turn_number = turn_number
        self._stopwatch = stopwatch
        self.stalled = False
        self._codec = codec
        self._log = log
        self._snapshot = snapshot
        self.poisoned = poisoned
        self._pending_facts: list[OperatorFact] = []
        self._logouts: list[tuple[Link, str]] = []
        self._replays: dict[str, Replaying] = {}
        self._facts: list[tuple[str, msgspec.Raw]] = []
        self._touched: dict[str, Link] = {}
        self._to_close: list[tuple[Session, str]] = []
        self._alarms: list[commands.Alarm] = []
        self._outboxes_due: dict[str, ClientLink] = {}
        self._durable = False
        self._current: tuple[str, int, int, Message] | None = None
        self._recorded: dict[str, tuple[int, int, int, bool]] = {
            name: _position(link.session.numbers)
            for name, link in links.items()
            if not isinstance(link, QuotesLink)
        }
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

    def next_ids(self, now: int) -> IdsReserved:
        """The fact that makes the next block of ids usable; durable before any is used."""
        return IdsReserved(now, self.router.state.reserved_through + IDS_BLOCK)

    def _work(self, now: int) -> None:
        for session in self.reactor.receive(now):
            self._consume(self._touch(self._by_session[id(session)]), now)
        for name in list(self._replays):
            if self._takes_more(name):
                self._continue_replay(self._touch(self.links[name]), now)
        pending, self._pending_facts = self._pending_facts, []
        for fact in pending:
            self.apply(fact)
            self._durable |= isinstance(fact, IdsReserved)
        logouts, self._logouts = self._logouts, []
        for link, text in logouts:
            self._touch(link).session.logout(text, now)
            self._close_flow(link, text, now)
            self._consume(link, now)
        for decision in self.router.decide(now):
            self.counters.decisions += 1
            if isinstance(decision, ChildPlanned):
                self.counters.scores[decision.venue] = decision.display_score
            self.apply(decision)
        if self.router.ids_left() < IDS_LOW:
            self.apply(self.next_ids(now))
            self._durable = True
        for name in list(self._outboxes_due):
            self._send_reports(self._outboxes_due[name], now)

    def _finish(self, now: int) -> None:
        """Commit the turn, then let it out."""
        try:
            self._commit(now)
        except JournalStalled as stall:
            self._freeze(stall, now)
            return
        self._release(now)

    def _commit(self, now: int) -> None:
        entries: list[Entry] = []
        for link in self._touched.values():
            self._collect(link, entries)
        if not entries and not self._facts:
            return
        self.turn_number += 1
        record = Record(self.turn_number, now, entries, self._facts)
        self._facts = []
        durable, self._durable = self._durable, False
        self.counters.records += 1
        self.counters.last_record_ns = now
        self.journal.append(record, durable=durable)

    def _release(self, now: int) -> None:
        self.reactor.flush([link.session for link in self._touched.values()])
        for name, link in self._touched.items():
            self._deadlines[name] = link.session.next_deadline()
        self._touched.clear()
        for session, reason in self._to_close:
            self.reactor.close(session, reason)
        self._to_close.clear()
        for alarm in self._alarms:
            self.counters.alarms[alarm.code] = self.counters.alarms.get(alarm.code, 0) + 1
            self._log(
                "alarm",
                code=alarm.code,
                text=alarm.text,
                venue=alarm.venue,
                parent=alarm.parent_id,
                child=alarm.child_id,
            )
        self._alarms.clear()
        if self.journal.roll_due:
            self._roll()
        if self._outboxes_due or any(self._takes_more(name) for name in self._replays):
            self.reactor.wake()
        self.reactor.schedule(self._next_deadline(now))

    def _roll(self) -> None:
        """Begin a new segment. When the disk does not take it the old one goes on."""
        if not self.journal.roll(self._snapshot(self)):
            self._log("journal-not-rolled", remedy="free room on the journal's disk")

    def _takes_more(self, name: str) -> bool:
        """Whether a peer reads what it asked for again."""
        return self.reactor.buffered(self.links[name].session) < REPLAY_BUFFER_BYTES

    def _next_deadline(self, now: int) -> int | None:
        """The earliest of all. A session's deadline moves only in a turn that touches it."""
        deadlines = [*self._deadlines.values(), self.router.next_deadline()]
        if self._replays:
            deadlines.append(now + REPLAY_RETRY_NS)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _collect(self, link: Link, entries: list[Entry]) -> None:
        """Take what a session numbered and consumed into the record."""
        session = link.session
        consumed, sent = session.take_consumed(), session.take_sent()
        link.counters.messages_in += len(consumed)
        link.counters.messages_out += len(sent)
        if isinstance(link, QuotesLink):
            return
        name = session.settings.name
        entries += [
            Entry(name, got.epoch, False, got.number, got.msg_type, "", got.raw) for got in consumed
        ]
        for gone in sent:
            if gone.msg_type == MsgType.LOGON and isinstance(link, VenueLink):
                link.logon_number = gone.number
            entries.append(
                Entry(name, gone.epoch, True, gone.number, gone.msg_type, gone.key, gone.raw)
            )
        position = _position(session.numbers)
        epoch, next_in, next_out, pending = self._recorded[name]
        if consumed and consumed[-1].epoch == epoch:
            next_in, pending = consumed[-1].number + 1, False
        if sent and sent[-1].epoch == epoch:
            next_out = sent[-1].number + 1
        if position != (epoch, next_in, next_out, pending):
            self._record(SessionMoved(name, *position, after=True))
        self._recorded[name] = position

    # --- facts ----------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """Record a fact, book it, and carry out what follows from it."""
        self._record(fact)
        for output in self.router.handle(fact):
            if isinstance(output, commands.Report):
                link = self.links[output.client]
                assert isinstance(link, ClientLink)
                link.outbox.add(output)
                if output.last_quantity:
                    self._count_fill(output)
                if link.session.synchronised:
                    self._outboxes_due[link.name] = link
            elif isinstance(output, commands.Alarm):
                self._alarms.append(output)
            else:
                self._command(output)

    def _count_fill(self, report: commands.Report) -> None:
        traded = self.counters.traded.setdefault(report.last_market, Traded())
        traded.fills += 1
        traded.shares += report.last_quantity
        traded.fees_micros += report.fee_micros

    def _record(self, fact: object) -> None:
        self._facts.append(self._codec.encode(fact))

    def _command(self, command: commands.Command) -> None:
        link = self.links[command.venue]
        assert isinstance(link, VenueLink)
        self._touch(link)
        outgoing = link.translator.command_message(command)
        _send(link, outgoing, command.at_ns, command.child_id)

    def _send_reports(self, link: ClientLink, now: int) -> None:
        """Number what waits in a client's outbox, oldest first."""
        self._touch(link)
        for waiting in link.outbox.take(REPORTS_CHUNK):
            report = waiting.report
            outgoing = link.translator.report_message(report, poss_resend=waiting.again)
            number = _send(link, outgoing, now, report.exec_id)
            link.outbox.numbered(report.exec_id, number)
        if not link.outbox.unnumbered:
            self._outboxes_due.pop(link.name, None)

    def _touch(self, link: Link) -> Link:
        self._touched[link.session.settings.name] = link
        return link

    # --- what sessions say ----------------------------------------------------------------

    def _consume(self, link: Link, now: int) -> None:
        for event in link.session.take_events():
            if isinstance(event, events.Close):
                self._to_close.append((link.session, event.reason))
            elif isinstance(event, events.Incident):
                self._incident(link, event)
            elif isinstance(link, VenueLink):
                self._from_venue(link, event, now)
            elif isinstance(link, ClientLink):
                self._from_client(link, event, now)
            else:
                self._from_quotes(link, event, now)

    def _close_flow(self, link: Link, cause: str, now: int) -> None:
        """Nothing of the application's leaves this session until it is synchronised (again)."""
        self._outboxes_due.pop(link.session.settings.name, None)
        if isinstance(link, VenueLink) and self.router.state.venues[link.name].is_open:
            self.apply(VenueClosed(now, link.name, cause))

    def _from_client(self, link: ClientLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived):
            if not self._quarantined(link, event, now):
                self._client_message(link, event.number, event.message, now)
        elif isinstance(event, events.Hint):
            # The client took the message back with a gap fill or a reset: an order that it believes
            # never sent must not live here. What it still wants comes again, with 97=Y.
            self._log("client-hint-ignored", client=link.name, number=event.number)
        elif isinstance(event, events.ReplayWanted):
            self._begin_replay(link, event)
        elif isinstance(event, events.Proved):
            link.outbox.proved(event.through)
            self._common(link, event)
        elif isinstance(event, events.Synchronised):
            self._outboxes_due[link.name] = link
            self._log("client-synchronised", client=link.name, epoch=event.epoch)
        elif isinstance(event, events.EpochBegan):
            self._new_epoch(link, event)
            link.outbox.epoch_ended()
            self._close_flow(link, "a new epoch began", now)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self._close_flow(link, event.reason, now)
        else:
            self._common(link, event)

    def _client_message(self, link: ClientLink, number: int, message: Message, now: int) -> None:
        self._current = (link.name, link.session.numbers.epoch, number, message)
        fact = link.translator.to_fact(message, now, self.router.next_parent_id)
        if isinstance(fact, BusinessReject):
            if link.session.logged_on:
                outgoing = link.translator.business_reject(fact, number)
                _send(link, outgoing, now)
        else:
            self.apply(fact)
        self._current = None

    def _from_venue(self, link: VenueLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived | events.Hint):
            if not self._quarantined(link, event, now):
                hint = isinstance(event, events.Hint)
                self._venue_message(link, event.number, event.message, now, hint=hint)
        elif isinstance(event, events.ReplayWanted):
            self._begin_replay(link, event)
        elif isinstance(event, events.Synchronised):
            self.apply(VenueOpened(now, link.name, event.epoch))
            self._log("venue-synchronised", venue=link.name, epoch=event.epoch)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self._close_flow(link, event.reason, now)
        elif isinstance(event, events.Skipped):
            self._common(link, event)
            cause = f"the venue passed over numbers {event.begin} to {event.end}"
            self.apply(ChildrenDoubted(now, link.name, cause, notes_stand=True))
        elif isinstance(event, events.Forgot):
            cause = f"the venue asks for {event.begin}, proved through {event.proven_through}"
            self.apply(ChildrenDoubted(now, link.name, cause))
        elif isinstance(event, events.EpochBegan):
            self._new_epoch(link, event)
            cause = f"epoch {event.epoch} began"
            link.logon_number = 0
            self._close_flow(link, cause, now)  # not synchronised any more (recovery.md 2.1)
            self.apply(ChildrenDoubted(now, link.name, cause, epoch_ended=True))
        elif isinstance(event, events.PeerRejected):
            self._venue_refused(link, event, now)
        else:
            self._common(link, event)

    def _venue_message(
        self,
        link: VenueLink,
        number: int,
        message: Message,
        now: int,
        *,
        hint: bool = False,
    ) -> None:
        self._current = (link.name, link.session.numbers.epoch, number, message)
        fact = link.translator.to_fact(message, now)
        if isinstance(fact, Unusable):
            self._log("venue-message-unusable", venue=link.name, number=number, text=fact.text)
            self.counters.alarms["unusable"] = self.counters.alarms.get("unusable", 0) + 1
            self._doubt_unread(link, message, now)
        elif fact is not None and (not hint or isinstance(fact, ChildFilled)):
            # A hint only ever books an execution; it ends no doubt (recovery.md 2.5).
            self.apply(fact)
        self._current = None

    def _doubt_unread(self, link: VenueLink, message: Message, now: int) -> None:
        """Nobody knows what a message said that could not be read: H does. An answer to H that
        cannot be read asks no further question at once, or the two would answer each other."""
        child_id = child_of(message)
        if self.router.is_settled(link.name, child_id):
            self.apply(ChildrenDoubted(now, link.name, "a report of it is unusable", [child_id]))

    def _venue_refused(self, link: VenueLink, event: events.PeerRejected, now: int) -> None:
        """A venue refused one of our messages at session level: find which, and book it."""
        text = event.message.get(tags.Text, "")
        self._log("venue-rejected", venue=link.name, number=event.ref_number, text=text)
        epoch = link.session.numbers.epoch
        number = event.ref_number
        for entry in self.journal.outbound(link.name, epoch, number, number):
            fact = link.translator.refused(entry.raw, text or "", now)
            if isinstance(fact, ChildEnded) and self.router.is_reported(fact.child_id):
                # It took the order once: this is about a copy of it, and no terminal report.
                cause = f"the venue refused a copy of the order: {text}"
                fact = ChildrenDoubted(now, link.name, cause, [fact.child_id])
            if fact is not None:
                self.apply(fact)

    def _from_quotes(self, link: QuotesLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived):
            if event.poss_dup:
                return  # an old quote is no quote (recovery.md 2.6)
            changed = link.translator.to_book(event.message)
            if isinstance(changed, Unusable):
                self._log("quote-unusable", venue=link.venue, text=changed.text)
                return
            for book in changed:
                self.router.market.update(link.venue, book.symbol, book.bids, book.asks, now)
                self.router.quoted(book.symbol)
            link.quoted_ns = now
        elif isinstance(event, events.LoggedOn):
            link.translator.forget()
            if link.session.logged_on:  # it may have hung up in the same breath
                for outgoing in link.translator.subscribe(link.symbols):
                    _send(link, outgoing, now)
        elif isinstance(event, events.LoggedOut):
            link.translator.forget()
            self.router.market.forget(link.venue)
            link.quoted_ns = 0
            self._lost(link, event.reason)
        elif isinstance(event, events.ReplayWanted) and link.session.replaying is not None:
            link.session.resend([], event.end, now, [])  # requests are never asked twice

    def _common(self, link: ClientLink | VenueLink, event: events.Event) -> None:
        if isinstance(event, events.Voided):
            self._record(RangeVoided(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Skipped):
            link.counters.gaps += 1
            self._record(RangeSkipped(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Resent):
            self._record(RangeResent(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Proved):
            self._record(PeerProved(link.name, event.epoch, event.through))
        elif isinstance(event, events.LoggedOn):
            link.counters.connects += 1
            self._log("session-logged-on", session=link.name, epoch=event.epoch)
        elif isinstance(event, events.PeerRejected):
            text = event.message.get(tags.Text, "")
            self._log("peer-rejected", session=link.name, number=event.ref_number, text=text)

    def _incident(self, link: Link, event: events.Incident) -> None:
        incidents = link.counters.incidents
        incidents[event.code] = incidents.get(event.code, 0) + 1
        self._log("incident", session=link.session.settings.name, code=event.code, text=event.text)

    def _lost(self, link: Link, reason: str) -> None:
        name = link.session.settings.name
        self._replays.pop(name, None)
        self._log("session-ended", session=name, reason=reason)

    def _new_epoch(self, link: ClientLink | VenueLink, event: events.EpochBegan) -> None:
        """Both numbers start at 1: recorded here, ahead of whatever the new epoch brings."""
        self._replays.pop(link.name, None)
        position = (event.epoch, 1, 1, event.asked_by_us)
        self._record(SessionMoved(link.name, *position))
        self._recorded[link.name] = position
        self._log("epoch-began", session=link.name, epoch=event.epoch, ours=event.asked_by_us)

    # --- replays --------------------------------------------------------------------------

    def _begin_replay(self, link: ClientLink | VenueLink, event: events.ReplayWanted) -> None:
        noted = not event.synchronised and event.begin > link.session.numbers.proven_through
        self._replays[link.name] = Replaying(event.begin, event.end, noted)

    def _continue_replay(self, link: Link, now: int) -> None:
        """Answer the next chunk of a range that the peer asked for."""
        assert not isinstance(link, QuotesLink)
        name, session = link.name, link.session
        replay = self._replays[name]
        assert session.replaying is not None, "the session gave the range up without a word"
        through = min(replay.end, replay.begin + REPLAY_CHUNK - 1)
        epoch = session.numbers.epoch
        entries = self.journal.outbound(name, epoch, replay.begin, through)
        answer = self._answer(link, entries, now)
        if answer.forgot:
            replay.noted = False
            cause = f"the venue asks for {answer.forgot}, which it has reported on"
            self.apply(ChildrenDoubted(now, name, cause))
        if through == replay.end:
            del self._replays[name]
        else:
            replay.begin = through + 1
        session.resend(answer.resend, through, now, answer.void)
        for child_id in answer.voided_children:
            self.apply(ChildVoided(now, name, child_id, epoch, replay.noted))
        self._consume(link, now)  # what was voided and resent; perhaps the next range

    def _answer(self, link: ClientLink | VenueLink, entries: list[Entry], now: int) -> Answer:
        if isinstance(link, ClientLink):
            return answer_client(entries)
        return answer_venue(entries, link.translator, self.router, link.logon_number, now)

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
            self.reactor.schedule(now + STALL_RETRY_NS)
            return False
        self.stalled = False
        self._log("journal-writes-again")
        self._pending_facts.append(FlowStopped(now, "the journal's disk was full: cancel only"))
        self._release(now)
        return True

    def _poison(self, now: int) -> None:
        """A bug of ours: record the message that showed it, alone, before the process ends.

        The turn itself never happened. At the next start the message is consumed unhandled. A crash
        that no message was the cause of is counted only."""
        session, epoch, number, raw = "", 0, 0, b""
        if self._current is not None:
            session, epoch, number, message = self._current
            raw = "\x01".join(f"{tag}={value}" for tag, value in message.fields).encode("latin-1")
        poison = Poisoned(session, epoch, number, raw, traceback.format_exc(limit=20))
        record = Record(self.turn_number + 1, now, [], [self._codec.encode(poison)])
        self.journal.append(record, durable=True)

    def _quarantined(self, link: Link, event: events.AppReceived | events.Hint, now: int) -> bool:
        """Whether this message crashed us before: then it is consumed and not handled
        (recovery.md 1.7)."""
        name = link.session.settings.name
        key = (name, link.session.numbers.epoch, event.number)
        if key not in self.poisoned:
            return False
        self.poisoned.discard(key)
        self._record(MessageQuarantined(*key))
        self._log("message-quarantined", session=name, number=event.number)
        if isinstance(link, ClientLink):
            reject = BusinessReject(event.message.msg_type, 4, "the gateway could not handle it")
            if link.session.logged_on:
                _send(link, link.translator.business_reject(reject, event.number), now)
        elif isinstance(link, VenueLink):
            child_id = child_of(event.message)
            children = [child_id] if self.router.is_child(link.name, child_id) else []
            self.apply(ChildrenDoubted(now, name, "a report of it was quarantined", children))
        return True


def child_of(message: Message) -> str:
    """The child that a venue's message is about, whatever else is wrong with it: 41 when 11 is that
    of a cancel request."""
    return message.get(tags.OrigClOrdID) or message.get(tags.ClOrdID) or ""


def _send(link: Link, outgoing: Outgoing, now: int, key: str = "") -> int:
    return link.session.send(outgoing.msg_type, outgoing.fields, now, key)


def _position(numbers: Numbers) -> tuple[int, int, int, bool]:
    return numbers.epoch, numbers.next_in, numbers.next_out, numbers.reset_pending
