"""A recorded journal lived through again: what comes out has to be what came out then (L2).

Owns: reading inputs out of records, having the venue's own machines live through them at the
recorded times, and holding facts and messages against the record.
May not know: sockets, sessions' numbers, the wall clock. Nothing is written.

Theory of operation. The inputs of a life are its market (VenueOpened), who came and left, what
clients sent, and what operators did: all of it is in the journal, with the time of its turn.
Between two records the venue lives from one deadline to the next, as it did then; what flows do
does not depend on how often it is looked at, but for the turns of a venue that was starved, which
say so (FellBehind). What the session layer decides (numbers, heartbeats, resends), and what faults
do to bytes and to market data, is taken from the record as it stands: no order depends on it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec

from sor_gateway.fix import tags
from sor_gateway.fix.codec import decode
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.facts import RANGE_FACTS
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Numbers
from sor_gateway.fix.tags import ADMIN_MSG_TYPES, MsgType
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.journal.reader import read_records, segment_path
from sor_gateway.journal.record import Entry, FactCodec, Record
from venue_sims.assembly import build_venue
from venue_sims.commands import COMMANDS, Command
from venue_sims.config import ConfigError, MarketSettings, VenueFile
from venue_sims.facts import (
    AUDIT_FACTS,
    ClientCame,
    ClientLeft,
    EpochStarted,
    FellBehind,
    Operated,
    TradeDenied,
    VenueOpened,
)
from venue_sims.faults.facts import FaultStruck
from venue_sims.faults.fault import CutFault, DataFault, HintFault, WireFault
from venue_sims.faults.forget import forget, untold
from venue_sims.faults.table import FAULTS
from venue_sims.faults.wire import ExecutesQueue
from venue_sims.floor import MAX_BEHIND_NS
from venue_sims.flow.clock import MarketClock
from venue_sims.intake import Said, notices, reports, take
from venue_sims.links import OrderLink, make_session, order_link
from venue_sims.operations import CommandError, Operations
from venue_sims.recovery import fact_codec
from venue_sims.server import EVENTS_A_TURN, REPORTS_CHUNK
from venue_sims.state import VenueState
from venue_sims.status import STATUS_MSG_TYPES
from venue_sims.venue import Venue
from venue_sims.words import session_name

_SESSIONS_OWN: Final = frozenset(
    {tags.MsgSeqNum, tags.SenderCompID, tags.SendingTime, tags.TargetCompID}
)
"""What the session layer puts before a message's body."""
_NOT_HERE: Final = frozenset(
    name
    for name, fault in FAULTS.items()
    if issubclass(fault, WireFault | CutFault | DataFault | HintFault)
)
"""Faults of bytes, of market data and of gaps: that they struck is taken from the record."""
_COMMANDS: Final = frozenset(
    {
        MsgType.NEW_ORDER_SINGLE,
        MsgType.ORDER_CANCEL_REQUEST,
        MsgType.ORDER_CANCEL_REPLACE_REQUEST,
        MsgType.ORDER_STATUS_REQUEST,
        MsgType.ORDER_MASS_CANCEL_REQUEST,
    }
)
NOTHING: Final = "nothing"
SHOWN: Final = 10
"""Differences that are told one by one."""


@dataclass(slots=True)
class Difference:
    """The first thing in a turn that is not as it was."""

    turn: int
    at_ns: int
    what: str
    recorded: str
    now: str


@dataclass(slots=True)
class Replayed:
    """What a replay found."""

    turns: int = 0
    messages_in: int = 0
    messages_out: int = 0
    facts: int = 0
    differences: list[Difference] = field(default_factory=list)


def replay(folder: Path, file: VenueFile, market: MarketSettings) -> Replayed:
    """Live through the journal in this folder with a venue of these files; seed, time and scale of
    the market are the recorded ones. Raises ConfigError for a journal that cannot be replayed, and
    JournalError for one that cannot be read."""
    if not segment_path(folder, 1).exists():
        raise ConfigError(f"{folder}: the beginning of the journal is not there")
    return Replay(file, market).run(record for _, record in read_records(folder))


class Replay:
    """See the module."""

    def __init__(self, file: VenueFile, market: MarketSettings) -> None:
        self._file = file
        self._market = market
        self._codec: FactCodec = fact_codec()
        self._state = VenueState(file.mic)
        self._links: dict[str, OrderLink] = {}
        self._up: set[str] = set()
        self._sent: dict[str, list[Entry]] = {}
        """Status that each session was sent, which it may ask for again."""
        self._operations: list[Any] = []
        self._denied: list[TradeDenied] = []
        self.found = Replayed()

    @property
    def venue(self) -> Venue:
        """The venue of the present life."""
        return self._venue

    def run(self, records: Iterable[Record]) -> Replayed:
        """All of them, in order. Raises ConfigError."""
        for record in records:
            facts = [self._codec.decode(pair) for pair in record.facts]
            opened = next((fact for fact in facts if isinstance(fact, VenueOpened)), None)
            if opened is not None:
                self._open(opened)
            elif not self.found.turns:
                raise ConfigError(
                    "the journal was written by an older venue: it cannot be replayed"
                )
            self._turn(record, facts)
        return self.found

    # --- a life ---------------------------------------------------------------------------

    def _open(self, opened: VenueOpened) -> None:
        file, market = copy.deepcopy(self._file), copy.deepcopy(self._market)
        market.seed = opened.seed
        market.t0_ns, market.scale_milli = opened.t0_ns, opened.scale_milli
        clock = MarketClock(opened.t0_ns, opened.scale_milli)
        self._venue = build_venue(file, market, clock, self._state)
        self._commands = Operations(self).commands
        self._links = {}
        self._up.clear()
        for version in file.versions:
            for client in file.sessions:
                name = session_name(client, version)
                session = make_session(client, version, file.comp_id, Numbers())
                self._links[name] = order_link(session, dialect_of(version), self._venue)
                self._state.client(name)
        self._venue.start(opened.at_ns)

    def session_names(self) -> list[str]:
        """All sessions, those for market data too."""
        clients = [*self._file.sessions, *self._file.data_sessions]
        return [session_name(each, version) for each in clients for version in self._file.versions]

    def operate(self, line: str, operation: Any) -> None:  # noqa: ARG002
        """What an operator's line comes to."""
        self._operations.append(operation)

    def disconnect(self, name: str, mode: str, now: int) -> None:
        """Lines are ended by the record."""

    # --- a turn ---------------------------------------------------------------------------

    def _turn(self, record: Record, facts: list[Any]) -> None:
        now, venue, found = record.at_ns, self._venue, self.found
        self._check_sessions(record)
        behind = next((fact for fact in facts if isinstance(fact, FellBehind)), None)
        self._live_before(self._slightly_before(now) if behind is None else behind.lived_ns)
        said: dict[str, list[Said]] = {name: [] for name in self._links}
        before = venue.take_facts()
        self._take_in(record, facts, said)
        # A turn reads before it lives: what came stands before what was due, however late it was.
        venue.trading.facts += before
        if venue.advance(now, None if behind is None else EVENTS_A_TURN):
            for fact in facts:
                if isinstance(fact, Operated):
                    self._operate(fact, now)
        self._speak(record, said)
        self._compare_facts(record, facts)
        for name, link in self._links.items():
            self._compare_messages(record, link, said[name])
        self._take_over(record, facts)
        found.turns += 1

    def _check_sessions(self, record: Record) -> None:
        for entry in record.entries:
            if entry.session not in self._links:
                raise ConfigError(
                    f"{self._file.name}: fix.sessions: the journal has a session {entry.session}"
                )

    def _slightly_before(self, now: int) -> int:
        """So much before a turn that flows are not left out in it."""
        clock = self._venue.clock
        return clock.wall(clock.market(now) - MAX_BEHIND_NS // 10)

    def _live_before(self, until: int) -> None:
        """From one deadline to the next, so that nobody is ever late."""
        while (due := self._venue.next_deadline()) is not None and due < until:
            self._venue.advance(due)

    def _operate(self, fact: Operated, now: int) -> None:
        name, *words = fact.line.split()
        try:
            self._commands[name](words)
        except CommandError:
            return  # what it was about is gone: it did nothing then either
        operations, self._operations = self._operations, []
        for operation in operations:
            operation(now)

    # --- what comes in --------------------------------------------------------------------

    def _take_in(self, record: Record, facts: list[Any], said: dict[str, list[Said]]) -> None:
        """Everything in the order of its facts; messages that led to none come last."""
        # A fault may have made commands of messages that were gap-filled away: those are not in
        # the record, but the commands are.
        hinted = any(isinstance(f, FaultStruck) and f.fault == ExecutesQueue.name for f in facts)
        waiting = {name: _requests(record, name, hinted) for name in self._links}
        for fact in facts:
            if isinstance(fact, ClientCame | ClientLeft):
                self._come_or_go(fact)
            elif isinstance(fact, COMMANDS):
                self._command(fact, waiting[fact.session], said[fact.session])
        for name, entries in waiting.items():
            for entry in entries:
                self._take(self._links[name], entry, record.at_ns, said[name])

    def _come_or_go(self, fact: ClientCame | ClientLeft) -> None:
        link, venue = self._links[fact.session], self._venue
        venue.trading.fact(fact)
        if isinstance(fact, ClientCame):
            self._up.add(fact.session)
            venue.connected(fact.session, fact.at_ns)
            link.greet(fact.at_ns)
        else:
            self._up.discard(fact.session)
            link.forget()
            venue.lost(fact.session, fact.at_ns)

    def _command(self, fact: Command, entries: Iterator[Entry], said: list[Said]) -> None:
        """The next message of its session that becomes a command; without one, the command."""
        client = self._state.client(fact.session)
        received = client.received
        for entry in entries:
            self._take(self._links[fact.session], entry, fact.at_ns, said)
            if client.received > received:
                return
        self._venue.receive(replace(fact, due_ns=0), fact.at_ns)

    def _take(self, link: OrderLink, entry: Entry, now: int, said: list[Said]) -> None:
        message = decode(entry.raw)
        if entry.msg_type == MsgType.RESEND_REQUEST:
            link.to_repeat(self._asked_again(link.name, message), now)
            return
        self.found.messages_in += 1
        answer = take(self._venue, link, message, entry.number, now)
        if isinstance(answer, TradeDenied):
            self._denied.append(answer)
        elif answer is not None and link.name in self._up:
            said.append(answer)

    def _asked_again(self, session: str, message: Message) -> list[Entry]:
        """The status among what a client asks for again."""
        begin, end = int(message[tags.BeginSeqNo]), int(message[tags.EndSeqNo])
        sent = self._sent.get(session, [])
        return [each for each in sent if begin <= each.number <= (end or each.number)]

    # --- what goes out --------------------------------------------------------------------

    def _speak(self, record: Record, said: dict[str, list[Said]]) -> None:
        now, venue = record.at_ns, self._venue
        up = [link for name, link in self._links.items() if name in self._up]
        for news in venue.take_news():
            for link in up:
                link.told(news, venue.trading.leaves_at(link.name, now))
        for link in up:
            most: int | None = None
            if any(e.msg_type == MsgType.LOGOUT for e in _outbound(record, link.name)):
                # Behind its Logout a session says nothing any more: what it did not say, waits.
                self._up.discard(link.name)
                most = max(0, len(_business(record, link.name)) - len(said[link.name]))
            messages = chain(notices(link, now), reports(venue, link, now, REPORTS_CHUNK))
            said[link.name] += islice(messages, most)
        venue.take_changed(), venue.take_prints(), venue.faults.take_actions()

    # --- the record -----------------------------------------------------------------------

    def _compare_facts(self, record: Record, facts: list[Any]) -> None:
        denied, self._denied = self._denied, []
        now: list[object] = [*denied, *self._venue.take_facts()]
        death = self._venue.faults.take_death()
        if death is not None:
            death.undone = untold(self._state, death.lose)
            now.append(death)
        then = [fact for fact in facts if isinstance(fact, TradeDenied)]
        then += [fact for fact in facts if not isinstance(fact, TradeDenied) and _of_venue(fact)]
        self.found.facts += len(then)
        self._compare(record, "fact", [*map(_fact, then)], [*map(_fact, now)])
        if death is not None:
            forget(self._state, {}, death)

    def _compare_messages(self, record: Record, link: OrderLink, said: list[Said]) -> None:
        then = [_message(entry) for entry in _business(record, link.name)]
        self.found.messages_out += len(then)
        now = [_text(each.key, each.msg_type, each.body) for each in said]
        self._compare(record, f"message to {link.name}", then, now)

    def _compare(self, record: Record, what: str, then: list[str], now: list[str]) -> None:
        for recorded, here in zip_longest(then, now, fillvalue=NOTHING):
            if recorded != here:
                difference = Difference(record.turn, record.at_ns, what, recorded, here)
                self.found.differences.append(difference)
                return

    def _take_over(self, record: Record, facts: list[Any]) -> None:
        """What was decided elsewhere."""
        for fact in facts:
            if isinstance(fact, FaultStruck) and fact.fault in _NOT_HERE:
                self._state.apply(fact)
            elif isinstance(fact, EpochStarted):
                self._sent.pop(fact.session, None)
        for entry in record.entries:
            if entry.outbound and entry.msg_type in STATUS_MSG_TYPES:
                self._sent.setdefault(entry.session, []).append(entry)


# --- records --------------------------------------------------------------------------------


def _requests(record: Record, session: str, hinted: bool) -> Iterator[Entry]:
    """What a session sent that the venue answers; what its session layer rejected (3) it never
    saw."""
    rejected = {
        int(decode(entry.raw)[tags.RefSeqNum])
        for entry in _outbound(record, session)
        if entry.msg_type == MsgType.REJECT
    }
    for entry in record.entries:
        if entry.session != session or entry.outbound or entry.number in rejected:
            continue
        if hinted and entry.msg_type in _COMMANDS:
            continue
        if entry.msg_type not in ADMIN_MSG_TYPES or entry.msg_type == MsgType.RESEND_REQUEST:
            yield entry


def _outbound(record: Record, session: str) -> list[Entry]:
    return [entry for entry in record.entries if entry.outbound and entry.session == session]


def _business(record: Record, session: str) -> list[Entry]:
    return [each for each in _outbound(record, session) if each.msg_type not in ADMIN_MSG_TYPES]


def _of_venue(fact: object) -> bool:
    """Whether the venue itself comes to this fact, from its inputs."""
    if isinstance(fact, FaultStruck):
        return fact.fault not in _NOT_HERE
    return not isinstance(fact, (*AUDIT_FACTS, EpochStarted, *RANGE_FACTS))


def _fact(fact: object) -> str:
    return f"{type(fact).__name__} {msgspec.json.encode(fact).decode()}"


def _message(entry: Entry) -> str:
    message = decode(entry.raw)
    body = [pair for pair in message.fields[3:-1] if pair[0] not in _SESSIONS_OWN]
    return _text(entry.key, entry.msg_type, body)


def _text(key: str, msg_type: str, body: list[tuple[int, str]]) -> str:
    fields = "|".join(f"{tag}={value}" for tag, value in body)
    return f"{key or '-'} 35={msg_type}|{fields}"


def told(found: Replayed) -> str:
    """For people."""
    lines = []
    for each in found.differences[:SHOWN]:
        at = utc_timestamp(each.at_ns, micros=True)
        lines += [
            f"turn {each.turn}, {at}, {each.what}:",
            f"  recorded: {each.recorded}",
            f"  now:      {each.now}",
        ]
    if len(found.differences) > SHOWN:
        lines.append(f"and {len(found.differences) - SHOWN} more")
    verdict = f"{len(found.differences)} differences" if found.differences else "the same"
    lines.append(
        f"{found.turns} turns, {found.messages_in} messages in, {found.messages_out} out,"
        f" {found.facts} facts: {verdict}"
    )
    return "\n".join(lines)
