"""The venue on the wire: turns over its FIX sessions, write-ahead journal, market data.

Owns: the order of a turn: read, hand commands to the venue, let it live, number what it says,
write the record, write the sockets (architecture.md 2c: nothing numbered leaves before it is
written). One log line per incident.
May not know: matching, fees, FIX fields of orders.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from sor_gateway.fix import events
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.facts import range_fact
from sor_gateway.fix.session import Numbers, Session
from sor_gateway.fix.tags import MsgType
from sor_gateway.journal.errors import JournalStalled
from sor_gateway.journal.record import Entry, FactCodec, Record
from sor_gateway.net.clock import Clock
from sor_gateway.net.listener import Listener
from sor_gateway.net.reactor import Reactor
from venue_sims.config import VenueFile
from venue_sims.facts import (
    ClientCame,
    ClientLeft,
    EpochStarted,
    FellBehind,
    Operated,
    PhaseChanged,
    TradeDenied,
    VenueOpened,
)
from venue_sims.faults.facts import MemoryLost
from venue_sims.faults.forget import untold
from venue_sims.faults.line import Deed, LineAction
from venue_sims.flow.clock import NANOS_PER_MS
from venue_sims.intake import Said, notices, reports, take
from venue_sims.lines import Lines
from venue_sims.links import (
    TOLERANCE_NS,
    DataLink,
    OrderLink,
    data_link,
    make_session,
    order_link,
)
from venue_sims.ports import LATE_MS, Counters, Log, Metrics, TurnJournal, add
from venue_sims.recovery import Recovered, encode_image
from venue_sims.translate import BusinessReject, business_reject
from venue_sims.venue import Venue
from venue_sims.words import session_name

REPLAY_CHUNK: Final = 500
"""Stored messages sent again per session and turn."""
REPORTS_CHUNK: Final = 1_000
"""Reports that leave one session's outbox in a turn."""
EVENTS_A_TURN: Final = 200
"""What a venue that was starved makes up for in a turn, before its sessions are looked at again."""
CONGESTED_BYTES: Final = 256 * 1024
"""A market-data consumer with more than this unread is sent nothing until it reads."""
STALL_RETRY_NS: Final = 250_000_000
"""How often a stalled journal is tried again, and a congested consumer looked at."""
TIMER_GRAIN_NS: Final = 1_000_000
"""Timers of event loops are whole milliseconds: asking for less would make turns spin."""
RECENT_RECORDS: Final = 200
"""Records that are kept for who asks what happened last."""
STOP_S: Final = 3.0
"""How long a clean stop waits for Logouts to be answered."""


class VenueServer:
    """Runs a venue's turns. `recovered` is what the fold of the journal found."""

    def __init__(
        self,
        venue: Venue,
        journal: TurnJournal,
        codec: FactCodec,
        recovered: Recovered,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        log: Log,
        reactor: Callable[..., Reactor] = Reactor,
    ) -> None:
        self.venue = venue
        self.clock = clock
        self.counters, self.metrics = Counters(), Metrics()
        self.orders: dict[str, OrderLink] = {}
        self.data: dict[str, DataLink] = {}
        self.recent: deque[Record] = deque(maxlen=RECENT_RECORDS)
        self.reactor = reactor(loop, clock, self.turn)
        self.lines = Lines(self.reactor, venue.faults)
        self._journal = journal
        self._codec = codec
        self._recovered = recovered
        self._log = log
        self._turn_number = recovered.turn
        self._facts: list[object] = []
        self._operations: list[tuple[str, Callable[[int], object]]] = []
        self._to_close: list[tuple[Session, str]] = []
        self._frozen = False
        self._stopping = False
        self._lived_ns = 0
        """The time of the last turn, if the venue lived through all that was due."""
        self.rolls_apart = True
        """Whether snapshots are written beside the turns: the market's clock waits for none."""
        self._listener: Listener | None = None
        self._death: MemoryLost | None = None
        self.on_death: Callable[[MemoryLost], None] = lambda _: None
        """Called when the venue died of a fault: nobody was told, and it is to come up again."""

    # --- set-up and end -------------------------------------------------------------------

    def add_sessions(self, file: VenueFile) -> None:
        """Take in every session that a venue's file names."""
        for version in file.versions:
            for client in file.sessions:
                self.add_order_session(client, version, file.comp_id, file.tolerance_ns)
            for client in file.data_sessions:
                self.add_data_session(
                    client, version, file.comp_id, file.interval_ns, file.tolerance_ns
                )

    def add_order_session(
        self, client: str, version: str, comp_id: str, tolerance_ns: int = TOLERANCE_NS
    ) -> None:
        """Take orders from this client."""
        numbers = self._recovered.session_numbers(session_name(client, version))
        session = make_session(client, version, comp_id, numbers, tolerance_ns)
        self.orders[session.settings.name] = order_link(session, dialect_of(version), self.venue)
        self.venue.state.client(session.settings.name)
        self.reactor.add_session(session, acceptor=True)
        self.lines.add(session)

    def add_data_session(
        self,
        client: str,
        version: str,
        comp_id: str,
        interval_ns: int,
        tolerance_ns: int = TOLERANCE_NS,
    ) -> None:
        """Give this client market data."""
        session = make_session(client, version, comp_id, Numbers(), tolerance_ns)
        self.data[session.settings.name] = data_link(session, self.venue, interval_ns)
        self.reactor.add_session(session, acceptor=True)
        self.lines.add(session)

    async def start(self, host: str, port: int) -> int:
        """Open the venue and listen; the port. Raises OSError when it cannot be had."""
        self.open()
        self._listener = Listener(self.reactor, host, port, on_refused=self._refused)
        await self._listener.start()
        return self._listener.port

    def open(self) -> None:
        """Open the venue without listening: whoever has a connection binds it to the reactor."""
        now, clock = self.clock(), self.venue.clock
        seed = self.venue.settings.seed
        self._facts.append(VenueOpened(now, seed, clock.t0_ns, clock.scale_milli))
        self.venue.start(now)
        self._lived_ns = now
        self.reactor.wake()

    async def abort(self) -> None:
        """Drop everything at once and tell nobody: after a failure."""
        if self._listener is not None:
            await self._listener.stop()
        self.reactor.shutdown()

    async def stop(self) -> None:
        """Log everybody out, wait a little, close."""
        if self._listener is not None:
            await self._listener.stop()
        self._stopping = True
        self.reactor.wake()
        try:
            async with asyncio.timeout(STOP_S):
                await self.reactor.wait_idle()
        except TimeoutError:
            self._log.warning("stop-timeout", seconds=STOP_S)
        self.reactor.shutdown()

    def operate(self, line: str, operation: Callable[[int], object]) -> None:
        """Change something in the next turn, on record; `line` says what."""
        self._operations.append((line, operation))
        self.reactor.wake()

    def session_names(self) -> list[str]:
        """All sessions, orders first."""
        return [*self.orders, *self.data]

    def disconnect(self, name: str, mode: str, now: int) -> None:
        """End a session's connection in one of operations.py's modes; the client may come again."""
        reason = "disconnected by the venue's operator"
        self.venue.trading.line_actions.append(LineAction(name, Deed(mode), now, reason=reason))

    # --- the turn -------------------------------------------------------------------------

    def turn(self, now: int) -> None:
        """One turn of the event loop, start to end, without waiting for anything."""
        if self._frozen and not self._thaw(now):
            return
        self._count_turn(now)
        self.lines.keep_down(now)
        for session in self.reactor.receive(now):
            self._consume(session, now)
        for link in self.orders.values():
            self._continue_replay(link, now)
        if self._live(now):
            # What an operator does comes behind all that was due before it.
            self._operate(now)
        self._tell_news(now)
        for link in self.orders.values():
            self._speak(link, now)
        self._publish(now)
        if self._stopping:
            self._log_out(now)
        self.lines.prepare(now)
        try:
            self._commit(now)
        except JournalStalled as stall:
            self._freeze(stall, now)
            return
        self._release(now)

    def _live(self, now: int) -> bool:
        """Have the venue live up to now; whether that was all that is due."""
        complete = self.venue.advance(now, EVENTS_A_TURN)
        if not complete or self.venue.skipped:
            self._facts.append(FellBehind(now, self._lived_ns))
        self._lived_ns = now if complete else 0
        return complete

    def _count_turn(self, now: int) -> None:
        self.counters.turns += 1
        late_ns = self.venue.late_ns(now)
        if late_ns >= LATE_MS[0] * NANOS_PER_MS:
            for bound in LATE_MS:
                self.counters.late_turns[bound] += late_ns >= bound * NANOS_PER_MS

    def _commit(self, now: int) -> None:
        entries: list[Entry] = []
        for link in self.orders.values():
            self._collect(link, entries)
        for data in self.data.values():
            data.session.take_consumed()
            data.session.take_sent()
        facts, self._facts = [*self._facts, *self.venue.take_facts()], []
        self._death = self.venue.faults.take_death()
        if self._death is not None:
            self._death.undone = untold(self.venue.state, self._death.lose)
            facts.append(self._death)
        if not entries and not facts:
            return
        self._turn_number += 1
        self.counters.records += 1
        for fact in facts:
            self.metrics.count(fact)
        encoded = [self._codec.encode(fact) for fact in facts]
        record = Record(self._turn_number, now, entries, encoded)
        self.recent.append(record)
        self._journal.append(record)

    def _collect(self, link: OrderLink, entries: list[Entry]) -> None:
        name = link.name
        for got in link.session.take_consumed():
            add(self.counters.messages_in, got.msg_type)
            entry = Entry(name, got.epoch, False, got.number, got.msg_type, "", got.raw)
            entries.append(entry)
        for sent in link.session.take_sent():
            add(self.counters.messages_out, sent.msg_type)
            entry = Entry(name, sent.epoch, True, sent.number, sent.msg_type, sent.key, sent.raw)
            entries.append(entry)

    def _release(self, now: int) -> None:
        if self._death is not None:
            self.reactor.shutdown()
            self.on_death(self._death)
            return
        self.lines.release(now)
        closing, self._to_close = self._to_close, []
        for session, reason in closing:
            self.reactor.close(session, reason)
        if self._journal.roll_due:
            self._roll()
        deadline = self._next_deadline(now)
        if deadline is not None:
            deadline = max(deadline, now + TIMER_GRAIN_NS)
        self.reactor.schedule(deadline)

    def _roll(self) -> None:
        journal = self._journal
        if not (journal.roll_apart(self.image) if self.rolls_apart else journal.roll(self.image())):
            self.counters.incidents += 1
            self._log.warning("journal-not-rolled", remedy="free room on the journal's disk")

    def image(self) -> bytes:
        """The snapshot of this moment; nothing is pending outside the record."""
        numbers = {name: link.session.numbers for name, link in self.orders.items()}
        turn, at_ns = self._turn_number, self.reactor.now
        return encode_image(self.venue.state, turn, numbers, self._codec, at_ns)

    def _next_deadline(self, now: int) -> int | None:
        deadlines = [self.venue.next_deadline(), self.lines.next_deadline()]
        for link in self.orders.values():
            deadlines.append(link.session.next_deadline())
            if link.session.logged_on:
                deadlines.append(self.venue.next_report_ns(link.name))
                deadlines.append(now if link.session.replaying else None)
                deadlines.append(link.notices[0][0] if link.notices else None)
        for data in self.data.values():
            deadlines.append(data.session.next_deadline())
            if data.session.logged_on:
                due = data.publisher.next_deadline()
                if due is not None and self._held_back(data, now):
                    due = max(due, now + STALL_RETRY_NS)
                deadlines.append(due)
        return min((each for each in deadlines if each is not None), default=None)

    def _freeze(self, stall: JournalStalled, now: int) -> None:
        """The record could not be written: nothing is read or sent until it is."""
        self._frozen = True
        self.counters.incidents += 1
        self._log.warning("journal-stalled", errno=stall.errno, text=stall.text)
        self.reactor.schedule(now + STALL_RETRY_NS)

    def _thaw(self, now: int) -> bool:
        try:
            self._journal.retry()
        except JournalStalled:
            self.reactor.schedule(now + STALL_RETRY_NS)
            return False
        self._frozen = False
        self._log.info("journal-goes-on")
        self._release(now)
        self.reactor.wake()
        return False

    # --- what sessions say ----------------------------------------------------------------

    def _consume(self, session: Session, now: int) -> None:
        name = session.settings.name
        for event in session.take_events():
            if isinstance(event, events.Close):
                self._to_close.append((session, event.reason))
            elif isinstance(event, events.Incident):
                self.counters.incidents += 1
                self._log.warning("incident", session=name, code=event.code, text=event.text)
            elif isinstance(event, events.LoggedOn):
                self._log.info("logged-on", session=name, epoch=event.epoch)
                if name in self.orders:
                    self.venue.trading.fact(ClientCame(now, name))
                    self.venue.connected(name, now)
                    self.orders[name].greet(now)
            elif isinstance(event, events.LoggedOut):
                self._log.info("logged-out", session=name, reason=event.reason)
                self.lines.lost(name)
                if name in self.data:
                    self.data[name].forget()
                else:
                    self.orders[name].forget()
                    self.venue.trading.fact(ClientLeft(now, name))
                    self.venue.lost(name, now)
            elif name in self.orders:
                self._on_order_event(self.orders[name], event, now)
            else:
                self._on_data_event(self.data[name], event, now)

    def _on_order_event(self, link: OrderLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived):
            self._on_request(link, event, now)
        elif isinstance(event, events.Hint):
            if self.venue.faults.executes(link.name, event.number, now):
                self._on_request(link, event, now)
        elif isinstance(event, events.EpochBegan):
            self._log.info("epoch-began", session=link.name, epoch=event.epoch)
            self._facts.append(EpochStarted(link.name, event.epoch, event.asked_by_us))
        elif (recorded := range_fact(link.name, event)) is not None:
            self._facts.append(recorded)
        elif isinstance(event, events.PeerRejected):
            self.counters.incidents += 1
            text = event.message.get(58, "")
            self._log.warning(
                "peer-rejected", session=link.name, number=event.ref_number, text=text
            )

    def _on_request(
        self, link: OrderLink, event: events.AppReceived | events.Hint, now: int
    ) -> None:
        answer = take(self.venue, link, event.message, event.number, now)
        if isinstance(answer, TradeDenied):
            self._facts.append(answer)
        elif isinstance(answer, Said) and link.session.logged_on:
            link.session.send(answer.msg_type, answer.body, now)

    def _on_data_event(self, link: DataLink, event: events.Event, now: int) -> None:
        session = link.session
        if isinstance(event, events.AppReceived):
            answers = link.answer(event.message, now)
            if answers is None:
                reject = BusinessReject(3, f"35={event.message.msg_type} is not taken here")
                dialect = dialect_of(session.settings.begin_string)
                body = business_reject(event.message, event.number, reject, dialect)
                answers = [(MsgType.BUSINESS_MESSAGE_REJECT, body)]
            if session.logged_on:
                for msg_type, body in answers:
                    session.send(msg_type, body, now)
        elif isinstance(event, events.ReplayWanted) and session.replaying is not None:
            # An old quote is no quote: the whole range is gap-filled.
            session.resend([], event.end, now)
            session.take_events()

    # --- what goes out --------------------------------------------------------------------

    def _continue_replay(self, link: OrderLink, now: int) -> None:
        """Answer the next piece of what the client asks for again."""
        session = link.session
        if session.replaying is None or not session.logged_on:
            return
        begin, end = session.replaying
        through = min(end, begin + REPLAY_CHUNK - 1)
        stored = self._journal.outbound(link.name, session.numbers.epoch, begin, through)
        session.resend(link.to_repeat(stored, now), through, now)
        self._consume(session, now)

    def _tell_news(self, now: int) -> None:
        """Tell everybody who is to know what became of symbols and of the trading session."""
        for news in self.venue.take_news():
            for link in self.orders.values():
                if link.session.logged_on:
                    link.told(news, self.venue.trading.leaves_at(link.name, now))
            for data in self.data.values():
                for msg_type, body in data.told(news):
                    data.session.send(msg_type, body, now)
                for symbol in (
                    self.venue.floors if isinstance(news, PhaseChanged) else [news.symbol]
                ):
                    data.publisher.restart(symbol)

    def _speak(self, link: OrderLink, now: int) -> None:
        """Number what is due, oldest first; without a logon it waits."""
        session = link.session
        if not session.logged_on:
            return
        for said in (*notices(link, now), *reports(self.venue, link, now, REPORTS_CHUNK)):
            session.numbers.next_out += said.skip
            session.send(said.msg_type, said.body, now, key=said.key)

    def _publish(self, now: int) -> None:
        changed, prints = self.venue.take_changed(), self.venue.take_prints()
        for link in self.data.values():
            link.publisher.traded(prints)
            for symbol in changed:
                link.publisher.changed(symbol)
            if link.session.logged_on and not self._held_back(link, now):
                for msg_type, body in link.publisher.due(now):
                    if not self.venue.faults.drops(msg_type, link.session.settings.name, now):
                        link.session.send(msg_type, body, now)

    def _held_back(self, link: DataLink, now: int) -> bool:
        """Whether nothing is published to it: it does not read, or a fault has it so."""
        if self.reactor.buffered(link.session) > CONGESTED_BYTES:
            return True
        return self.venue.faults.silent(link.session.settings.name, now)

    def _log_out(self, now: int) -> None:
        self._stopping = False
        sessions = [link.session for link in self.orders.values()]
        sessions += [link.session for link in self.data.values()]
        for session in sessions:
            if session.logged_on:
                session.logout("the venue closes", now)

    # --- odds and ends --------------------------------------------------------------------

    def _operate(self, now: int) -> None:
        operations, self._operations = self._operations, []
        for line, operation in operations:
            self._facts.append(Operated(now, line))
            operation(now)

    def _refused(self, peer: str, cause: str) -> None:
        self.counters.incidents += 1
        self._log.warning("refused", peer=peer, cause=cause)
