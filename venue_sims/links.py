"""The FIX sessions of a venue, each with what the venue remembers of it beyond its numbers.

Owns: how sessions are made, and which of their messages are answered without meeting the venue:
requests for market data and for trading status.
May not know: sockets, the journal, orders.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sor_gateway.fix.codec import decode
from sor_gateway.fix.dialect import Dialect
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Numbers, Role, Session, SessionSettings
from sor_gateway.fix.tags import MsgType
from sor_gateway.journal.record import Entry
from venue_sims.facts import News
from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.market_data import Publisher
from venue_sims.status import STATUS_MSG_TYPES, STATUS_REQUESTS, Outgoing, StatusDesk
from venue_sims.venue import Venue
from venue_sims.words import session_name

ANSWERED_HERE = STATUS_REQUESTS | {MsgType.MARKET_DATA_REQUEST}
"""What an order session asks that needs no venue."""

TOLERANCE_NS = 120 * NANOS_PER_SECOND
"""How far a client's clock may be from ours, unless a file says otherwise."""


@dataclass(slots=True)
class OrderLink:
    """An order session: recorded, its numbers kept over restarts."""

    session: Session
    dialect: Dialect
    status: StatusDesk
    publisher: Publisher
    """It has nothing to publish: market data has sessions of its own."""
    notices: deque[tuple[int, Outgoing]] = field(default_factory=deque)
    """What it is told of trading status, and when that leaves; oldest first."""

    @property
    def name(self) -> str:
        """The session's name, as in the journal."""
        return self.session.settings.name

    def answer(self, message: Message, now: int, leaves_at: int) -> bool:
        """Answer what needs no venue; whether it was that."""
        if self.status.takes(message):
            answers = self.status.request(message, now)
        elif message.msg_type == MsgType.MARKET_DATA_REQUEST:
            answers = self.publisher.request(message, now)
        else:
            return False
        self._notice(answers, leaves_at)
        return True

    def greet(self, now: int) -> None:
        """It has logged on."""
        self._notice(self.status.greet(now), now)

    def told(self, news: News, leaves_at: int) -> None:
        """Something became of a symbol or of the trading session."""
        self._notice(self.status.told(news), leaves_at)

    def to_repeat(self, stored: list[Entry], now: int) -> list[tuple[int, bytes]]:
        """Which of these messages are sent again. An old status is no status: it is gap-filled,
        and how things are now is said instead."""
        old = [decode(entry.raw) for entry in stored if entry.msg_type in STATUS_MSG_TYPES]
        self._notice(self.status.again(old, now), now)
        return [(e.number, e.raw) for e in stored if e.msg_type not in STATUS_MSG_TYPES]

    def forget(self) -> None:
        """Its connection is gone: nobody waits for answers or news."""
        self.status.forget()
        self.notices.clear()

    def _notice(self, answers: list[Outgoing], leaves_at: int) -> None:
        last = self.notices[-1][0] if self.notices else 0
        self.notices.extend((max(last, leaves_at), answer) for answer in answers)


@dataclass(slots=True)
class DataLink:
    """A market-data session: unrecorded, begun anew by each Logon's 141=Y."""

    session: Session
    publisher: Publisher
    status: StatusDesk

    def answer(self, message: Message, now: int) -> list[Outgoing] | None:
        """The answers to a request; None for a message that is not taken here."""
        if self.status.takes(message):
            return self.status.request(message, now)
        if message.msg_type == MsgType.MARKET_DATA_REQUEST:
            return self.publisher.request(message, now)
        return None

    def told(self, news: News) -> list[Outgoing]:
        """What to say of this."""
        return self.status.told(news) if self.session.logged_on else []

    def forget(self) -> None:
        """Its connection is gone, and with it every subscription."""
        self.publisher.forget()
        self.status.forget()


def make_session(
    client: str,
    version: str,
    comp_id: str,
    numbers: Numbers,
    tolerance_ns: int = TOLERANCE_NS,
) -> Session:
    """An acceptor session for one client in one version of FIX. `tolerance_ns`: how far SendingTime
    (52) of its messages may be from ours."""
    settings = SessionSettings(
        name=session_name(client, version),
        begin_string=version,
        sender_comp_id=comp_id,
        target_comp_id=client,
        role=Role.ACCEPTOR,
        markers=False,
        sending_time_tolerance_ns=tolerance_ns,
    )
    return Session(settings, numbers, load_packaged(version))


def order_link(session: Session, dialect: Dialect, venue: Venue) -> OrderLink:
    """A session that takes orders."""
    status = _status(venue, unasked=True)
    publisher = Publisher([], 0, lambda *_: [])
    if venue.kind.depth:
        elsewhere = "market data is given on sessions of its own"
        publisher = Publisher([], 0, lambda *_: [], nothing=elsewhere)
    return OrderLink(session, dialect, status, publisher)


def data_link(session: Session, venue: Venue, interval_ns: int) -> DataLink:
    """A session that gives market data."""
    publisher = Publisher(
        list(venue.floors),
        venue.kind.depth,
        lambda symbol, side, depth: venue.faults.shown(
            symbol, side, venue.floors[symbol].matcher.depth(side, depth)
        ),
        interval_ns,
        venue.state.trades,
    )
    return DataLink(session, publisher, _status(venue, unasked=False))


def _status(venue: Venue, *, unasked: bool) -> StatusDesk:
    return StatusDesk(venue.state, list(venue.floors), venue.settings.hours, unasked)
