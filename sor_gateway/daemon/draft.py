"""The turn in the making: what it has gathered so far, until it is committed.

Owns: the facts of the turn in their order, the sessions that it touched, what waits to be numbered,
closed and logged.
May not know: the journal, sockets, what a session event means.
"""

from __future__ import annotations

import msgspec

from sor_gateway.daemon.counters import TurnCounters
from sor_gateway.daemon.facts import SessionMoved
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Session
from sor_gateway.fix.store import Numbers
from sor_gateway.fix.tags import MsgType
from sor_gateway.journal.record import Entry, FactCodec
from sor_gateway.sor import commands
from sor_gateway.sor.events import Fact
from sor_gateway.sor.router import Router
from sor_gateway.sor.types import ReportKind
from sor_gateway.translate.outgoing import Outgoing

REPORTS_CHUNK = 1_000
"""Reports that leave one outbox in a turn."""

Position = tuple[int, int, int, bool]
"""A session's epoch, next number in and out, and whether a reset is pending."""


class Draft:
    """Facts are applied here and nowhere else; `take` gives what the record will hold."""

    def __init__(
        self, router: Router, links: dict[str, Link], codec: FactCodec, counters: TurnCounters
    ) -> None:
        self.router = router
        self.links = links
        self.counters = counters
        self.touched: dict[str, Link] = {}
        self.to_close: list[tuple[Session, str]] = []
        self.alarms: list[commands.Alarm] = []
        self.outboxes_due: dict[str, ClientLink] = {}
        """Clients that reports are to be numbered for."""
        self.has_orders = False
        """This turn has orders for a venue."""
        self.durable = False
        """The record has to be on the disk before anything leaves."""
        self.current: tuple[str, int, int, Message] | None = None
        """The message that is being handled: session, epoch, number, content."""
        self.recorded: dict[str, Position] = {
            name: position_of(link.session.numbers)
            for name, link in links.items()
            if not isinstance(link, QuotesLink)
        }
        """Where the journal believes each session to be."""
        self._codec = codec
        self._facts: list[tuple[str, msgspec.Raw]] = []

    def apply(self, fact: Fact) -> None:
        """Record a fact, book it, and carry out what follows from it."""
        self.record(fact)
        for output in self.router.handle(fact):
            if isinstance(output, commands.Report):
                link = self.links[output.client]
                assert isinstance(link, ClientLink)
                link.outbox.add(output)
                if output.kind is ReportKind.FILL:
                    self.counters.filled(fact, output)
                if link.session.synchronised:
                    self.outboxes_due[link.name] = link
            elif isinstance(output, commands.Alarm):
                self.alarms.append(output)
            else:
                self._command(output)

    def record(self, fact: object) -> None:
        """Put a fact into the turn's record."""
        self._facts.append(self._codec.encode(fact))

    def _command(self, command: commands.Command) -> None:
        link = self.links[command.venue]
        assert isinstance(link, VenueLink)
        if isinstance(command, commands.DenyExecution):
            if not link.session.synchronised:
                return  # the alarm and the quarantine say it too
            self.touch(link)
            send(link, link.translator.command_message(command), command.at_ns)
            return
        self.touch(link)
        outgoing = link.translator.command_message(command)
        key = "" if isinstance(command, commands.AskVenue) else command.child_id
        send(link, outgoing, command.at_ns, key)
        self.has_orders = True

    def send_reports(self, link: ClientLink, now: int) -> None:
        """Number what waits in a client's outbox, oldest first."""
        self.touch(link)
        for waiting in link.outbox.take(REPORTS_CHUNK):
            report = waiting.report
            outgoing = link.translator.report_message(report, poss_resend=waiting.again)
            number = send(link, outgoing, now, report.exec_id)
            link.outbox.numbered(report.exec_id, number)
        if not link.outbox.unnumbered:
            self.outboxes_due.pop(link.name, None)

    def touch(self, link: Link) -> Link:
        """The session has a part in this turn: what it numbers is recorded, and then written."""
        self.touched[link.session.settings.name] = link
        return link

    def take(self) -> tuple[list[Entry], list[tuple[str, msgspec.Raw]]]:
        """The messages and facts of the turn, for its record."""
        entries: list[Entry] = []
        for link in self.touched.values():
            self._collect(link, entries)
        facts, self._facts = self._facts, []
        self.has_orders = False
        return entries, facts

    def _collect(self, link: Link, entries: list[Entry]) -> None:
        """Take what a session numbered and consumed into the record."""
        session = link.session
        consumed, sent = session.take_consumed(), session.take_sent()
        link.counters.count(consumed, sent)
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
        position = position_of(session.numbers)
        epoch, next_in, next_out, pending = self.recorded[name]
        if consumed and consumed[-1].epoch == epoch:
            next_in, pending = consumed[-1].number + 1, False
        if sent and sent[-1].epoch == epoch:
            next_out = sent[-1].number + 1
        if position != (epoch, next_in, next_out, pending):
            self.record(SessionMoved(name, *position, after=True))
        self.recorded[name] = position


def send(link: Link, outgoing: Outgoing, now: int, key: str = "") -> int:
    """Number a message on a link's session; its number."""
    return link.session.send(outgoing.msg_type, outgoing.fields, now, key)


def position_of(numbers: Numbers) -> Position:
    """Where a session stands."""
    return numbers.epoch, numbers.next_in, numbers.next_out, numbers.reset_pending
