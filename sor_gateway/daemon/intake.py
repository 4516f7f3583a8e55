"""What sessions say, and what follows: session events become facts.

Owns: for each kind of session, which event means what; replays; quarantine.
May not know: the order of a turn, the journal's writing side, routing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sor_gateway.daemon.conditions import ask_status, status_refused
from sor_gateway.daemon.draft import Draft, send
from sor_gateway.daemon.facts import MessageQuarantined, PeerProved, SessionMoved, SessionOperated
from sor_gateway.daemon.replay import Answer, answer_client, answer_venue
from sor_gateway.daemon.session_commands import Action, carry_out, refusal
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.fix import events, tags
from sor_gateway.fix.facts import range_fact
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.journal.record import Entry
from sor_gateway.sor.events import (
    ChildEnded,
    ChildFilled,
    ChildrenDoubted,
    ChildVoided,
    ClientDisconnected,
    ParentSubmitted,
    StatusLapsed,
    VenueClosed,
    VenueFact,
    VenueOpened,
)
from sor_gateway.sor.outages import OrdersReleased
from sor_gateway.sor.types import TimeInForce
from sor_gateway.translate.clients import BusinessReject
from sor_gateway.translate.conditions import CONDITION_TYPES, to_condition
from sor_gateway.translate.venues import Unusable

SUBSCRIBE_PAUSE_NS = 5_000_000_000
"""Least time between two requests for a venue's books on one connection."""
CLOCK_SKEW_NS = 5_000_000_000
"""A peer's clock that differs by more is an incident; by how much a message may differ at all is
the session's own bound."""
SILENT_NS = 10_000_000_000
"""Market data that says nothing for so long while its session lives is asked for again."""
REPLAY_CHUNK = 8
"""Stored messages sent again in a turn, half a millisecond of work: a long replay delays nobody
for longer than that."""


class Log(Protocol):
    """Where incidents go: one line each, never one per message."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line."""


class StoredMessages(Protocol):
    """Our messages, as the journal has them."""

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with these numbers."""

    def prepare(self, session: str, epoch: int, begin: int, end: int) -> bool:
        """One bounded step towards an `outbound` of this range that is quick; True: it is."""


@dataclass(slots=True)
class Replaying:
    """A range that a peer asked for, being answered in chunks."""

    begin: int
    end: int
    noted: bool
    """Orders that are voided in it may be released once they are unknown (recovery.md 3.1): asked
    for before SYNCHRONISED, by a venue that forgot nothing."""


class Intake:
    """Turns what sessions say into facts of the current draft."""

    def __init__(
        self,
        draft: Draft,
        journal: StoredMessages,
        log: Log,
        poisoned: set[tuple[str, int, int]],
    ) -> None:
        self.replays: dict[str, Replaying] = {}
        """Ranges that are being answered, by session."""
        self._draft = draft
        self._journal = journal
        self._log = log
        self._poisoned = poisoned

    def consume(self, link: Link, now: int) -> None:
        """Take a session's events in, each to what stands behind the session."""
        for event in link.session.take_events():
            if isinstance(event, events.Close):
                self._draft.to_close.append((link.session, event.reason))
            elif isinstance(event, events.Incident):
                self._incident(link, event)
            elif isinstance(link, VenueLink):
                self._from_venue(link, event, now)
            elif isinstance(link, ClientLink):
                self._from_client(link, event, now)
            else:
                self._from_quotes(link, event, now)
        if not link.session.logged_on:
            # It may have said goodbye by itself (session hours) and wait for the answer.
            self.close_flow(link, "the session is over or ends", now)
        elif isinstance(link, QuotesLink) and now > link.heard_ns + SILENT_NS:
            self._subscribe(link, now)
        offset_ns = link.session.sending_times.offset_ns
        if (abs(offset_ns) > CLOCK_SKEW_NS) is not link.is_skewed:
            self._skew(link, offset_ns)
        if isinstance(link, ClientLink):
            session = link.session
            danger = link.throttle.danger(session.unasked_in, session.asked_in, now)
            if danger:
                self._cut(link, danger, now)

    def _skew(self, link: Link, offset_ns: int) -> None:
        """The peer's clock went wrong, or right again. Nothing here is ordered by it: it is the
        operator who has to know."""
        link.is_skewed = not link.is_skewed
        name, offset_ms = link.session.settings.name, offset_ns // 1_000_000
        if link.is_skewed:
            self._draft.counters.alarm("clock-skew")
            self._count(link, "clock-skew")
        self._log("clock-skew", session=name, offset_ms=offset_ms, is_skewed=link.is_skewed)

    def _cut(self, link: ClientLink, text: str, now: int) -> None:
        """A client that sends so much is a danger to the others. What it sent so far was taken in;
        what is unread keeps its numbers, and is asked for when the client comes back."""
        link.kept_out_until_ns = now + link.keep_out_ns
        self._log("client-cut", client=link.name, text=text, keep_out_ns=link.keep_out_ns)
        if link.session.logged_on:
            link.session.expel("flood", text, now)
            self.consume(link, now)
        else:
            self._draft.to_close.append((link.session, text))

    def operate(self, link: Link, command: SessionOperated, now: int) -> None:
        """Carry out what an operator asks of a session."""
        if cause := refusal(link, command):
            self._log("command-refused", session=command.session, command=command.action, why=cause)
            return
        self._draft.record(command)
        self._log(
            "session-operated",
            session=command.session,
            command=command.action,
            reason=command.reason,
        )
        carry_out(link, command, now)
        if command.action == Action.RELEASE:
            self._draft.apply(OrdersReleased(now, command.session, command.reason))
        if not link.session.logged_on:
            self.close_flow(link, f"operator: {command.reason}", now)
        self.consume(link, now)

    def close_flow(self, link: Link, cause: str, now: int) -> None:
        """Nothing of the application's leaves this session until it is synchronised (again)."""
        self._draft.outboxes_due.pop(link.session.settings.name, None)
        if isinstance(link, VenueLink) and self._draft.router.state.venues[link.name].is_open:
            self._draft.apply(VenueClosed(now, link.name, cause))

    def _from_client(self, link: ClientLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived):
            if not self._quarantined(link, event, now):
                self._client_message(link, event, now)
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
            self._draft.outboxes_due[link.name] = link
            self._log("client-synchronised", client=link.name, epoch=event.epoch)
        elif isinstance(event, events.EpochBegan):
            self._new_epoch(link, event)
            link.outbox.epoch_ended()
            self.close_flow(link, "a new epoch began", now)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self.close_flow(link, event.reason, now)
            if link.on_disconnect == "cancel":
                self._draft.apply(ClientDisconnected(now, link.name, event.reason))
        else:
            self._common(link, event)

    def _throttled(self, link: ClientLink, event: events.AppReceived, now: int) -> str:
        """Why an order or request is refused unread. Never a cancel; never a repetition of what is
        known, whose answer has to be about the order that it names."""
        message = event.message
        if message.msg_type == MsgType.ORDER_CANCEL_REQUEST:
            return ""
        asks = message.msg_type == MsgType.ORDER_STATUS_REQUEST
        cl_ord_id = message.get(tags.ClOrdID) or ""
        if not asks and self._draft.router.is_known(link.name, cl_ord_id):
            return ""
        if link.throttle.admits(now, asked=event.asked):
            return ""
        return f"throttled: more than {link.throttle.messages_per_second} requests a second"

    def _client_message(self, link: ClientLink, event: events.AppReceived, now: int) -> None:
        number, message = event.number, event.message
        self._draft.current = (link.name, self._epoch(link.name), number, message)
        throttled = self._throttled(link, event, now)
        next_parent_id = self._draft.router.next_parent_id
        fact = link.translator.to_fact(message, now, next_parent_id, throttled)
        if isinstance(fact, BusinessReject):
            if link.session.logged_on:
                outgoing = link.translator.business_reject(fact, number)
                send(link, outgoing, now)
        else:
            if isinstance(fact, ParentSubmitted):
                fact.day_ends_ns = link.day_end_ns(now)
                if fact.time_in_force is TimeInForce.DAY:
                    fact.expires_ns = fact.day_ends_ns
            self._draft.apply(fact)
        self._draft.current = None

    def _from_venue(self, link: VenueLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived | events.Hint):
            if not self._quarantined(link, event, now):
                hint = isinstance(event, events.Hint)
                self._venue_message(link, event.number, event.message, now, hint=hint)
        elif isinstance(event, events.ReplayWanted):
            self._begin_replay(link, event)
        elif isinstance(event, events.Synchronised):
            ask_status(self._draft, link, now)
            self._draft.apply(VenueOpened(now, link.name, event.epoch))
            self._log("venue-synchronised", venue=link.name, epoch=event.epoch)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self.close_flow(link, event.reason, now)
            self._lapse(link, link.name, event.reason, now)
        elif isinstance(event, events.Skipped):
            self._common(link, event)
            cause = f"the venue passed over numbers {event.begin} to {event.end}"
            self._draft.apply(ChildrenDoubted(now, link.name, cause, notes_stand=True))
            if self._draft.router.state.venues[link.name].is_open:
                ask_status(self._draft, link, now)  # it may have been a halt
        elif isinstance(event, events.Forgot):
            cause = f"the venue asks for {event.begin}, proved through {event.proven_through}"
            self._draft.apply(ChildrenDoubted(now, link.name, cause))
        elif isinstance(event, events.EpochBegan):
            self._new_epoch(link, event)
            cause = f"epoch {event.epoch} began"
            link.logon_number = 0
            self.close_flow(link, cause, now)  # not synchronised any more (recovery.md 2.1)
            self._draft.apply(ChildrenDoubted(now, link.name, cause, epoch_ended=True))
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
        self._draft.current = (link.name, self._epoch(link.name), number, message)
        fact: VenueFact | Unusable | None
        if message.msg_type in CONDITION_TYPES:
            fact = to_condition(message, link.name, link.name, now)
        else:
            fact = link.translator.to_fact(message, now)
        if isinstance(fact, Unusable):
            self._log("venue-message-unusable", venue=link.name, number=number, text=fact.text)
            self._draft.counters.alarm("unusable")
            self._doubt_unread(link, message, now)
        elif fact is not None and (not hint or isinstance(fact, ChildFilled)):
            # A hint only ever books an execution; it ends no doubt (recovery.md 2.5).
            self._draft.apply(fact)
        self._draft.current = None

    def _doubt_unread(self, link: VenueLink, message: Message, now: int) -> None:
        """Nobody knows what a message said that could not be read: H does. An answer to H that
        cannot be read asks no further question at once, or the two would answer each other."""
        child_id = child_of(message)
        if self._draft.router.is_settled(link.name, child_id):
            self._draft.apply(
                ChildrenDoubted(now, link.name, "a report of it is unusable", [child_id])
            )

    def _venue_refused(self, link: VenueLink, event: events.PeerRejected, now: int) -> None:
        """A venue refused one of our messages at session level: find which, and book it."""
        text = event.message.get(tags.Text, "")
        self._log("venue-rejected", venue=link.name, number=event.ref_number, text=text)
        epoch = self._epoch(link.name)
        number = event.ref_number
        for entry in self._journal.outbound(link.name, epoch, number, number):
            fact = link.translator.refused(entry.raw, text or "", now)
            if isinstance(fact, ChildEnded) and self._draft.router.is_reported(fact.child_id):
                # It took the order once: this is about a copy of it, and no terminal report.
                cause = f"the venue refused a copy of the order: {text}"
                fact = ChildrenDoubted(now, link.name, cause, [fact.child_id])
            if fact is not None:
                self._draft.apply(fact)

    def _from_quotes(self, link: QuotesLink, event: events.Event, now: int) -> None:
        if isinstance(event, events.AppReceived):
            self._quoted(link, event, now)
        elif isinstance(event, events.LoggedOn):
            link.counters.logons += 1
            link.translator.forget()
            if link.session.logged_on:  # it may have hung up in the same breath
                link.subscribed_ns = now
                for outgoing in link.translator.subscribe(link.symbols):
                    send(link, outgoing, now)
                ask_status(self._draft, link, now)
        elif isinstance(event, events.PeerRejected):
            status_refused(self._draft, link, event.message, now)
        elif isinstance(event, events.LoggedOut):
            link.translator.forget()
            self._draft.router.market.forget(link.venue)
            link.quoted_ns = 0
            self._lost(link, event.reason)
            self._lapse(link, link.venue, event.reason, now)
        elif isinstance(event, events.Skipped):
            self._subscribe(link, now)
            ask_status(self._draft, link, now)
        elif isinstance(event, events.ReplayWanted) and link.session.replaying is not None:
            link.session.resend([], event.end, now, [])  # requests are never asked twice

    def _quoted(self, link: QuotesLink, event: events.AppReceived, now: int) -> None:
        if event.message.msg_type in CONDITION_TYPES:
            self._condition(link, event.message, now)
            return
        if event.poss_dup:
            self._subscribe(link, now)  # an old quote is no quote (recovery.md 2.6)
            return
        changed = link.translator.to_book(event.message)
        if isinstance(changed, Unusable):
            self._log("quote-unusable", venue=link.venue, text=changed.text)
            return
        for book in changed:
            bids, asks = book.bids, book.asks
            if bids and asks and bids[0][0] >= asks[0][0]:
                self._count(link, "crossed-book")
                bids, asks = (
                    [],
                    [],
                )  # no venue trades like that: no quote is better than a wrong one
            self._draft.router.market.update(link.venue, book.symbol, bids, asks, now)
            self._draft.router.quoted(book.symbol)
        link.quoted_ns = now
        if link.translator.dropped != link.dropped:
            link.dropped = link.translator.dropped
            self._subscribe(link, now)

    def _condition(self, link: QuotesLink, message: Message, now: int) -> None:
        """A halt, or its end, on the session of the quotes."""
        condition = to_condition(message, link.venue, link.session.settings.name, now)
        if isinstance(condition, Unusable):
            self._log("quote-unusable", venue=link.venue, text=condition.text)
        else:
            self._draft.apply(condition)

    def _lapse(self, link: VenueLink | QuotesLink, venue: str, cause: str, now: int) -> None:
        """Nobody takes back any more what this session told of halts and the like."""
        session = link.session.settings.name
        if session in self._draft.router.state.venues[venue].told:
            self._draft.apply(StatusLapsed(now, venue, session, cause))

    def _subscribe(self, link: QuotesLink, now: int) -> None:
        """Ask for whole books: what was missed is not known, and an update of an update makes no
        book. Not more often than is bearable for both."""
        if not link.session.logged_on or now < link.subscribed_ns + SUBSCRIBE_PAUSE_NS:
            return
        link.subscribed_ns = now
        self._count(link, "resubscribed")
        self._draft.router.market.forget(link.venue)
        for outgoing in link.translator.subscribe(link.symbols):
            send(self._draft.touch(link), outgoing, now)

    def _common(self, link: ClientLink | VenueLink, event: events.Event) -> None:
        link.counters.skips += isinstance(event, events.Skipped)
        recorded = range_fact(link.name, event)
        if recorded is not None:
            self._draft.record(recorded)
        elif isinstance(event, events.Proved):
            self._draft.record(PeerProved(link.name, event.epoch, event.through))
        elif isinstance(event, events.LoggedOn):
            link.counters.logons += 1
            self._log("session-logged-on", session=link.name, epoch=event.epoch)
        elif isinstance(event, events.PeerRejected):
            text = event.message.get(tags.Text, "")
            self._log("peer-rejected", session=link.name, number=event.ref_number, text=text)

    def _incident(self, link: Link, event: events.Incident) -> None:
        self._count(link, event.code)
        self._log("incident", session=link.session.settings.name, code=event.code, text=event.text)

    def _count(self, link: Link, code: str) -> None:
        incidents = link.counters.incidents
        incidents[code] = incidents.get(code, 0) + 1

    def _epoch(self, name: str) -> int:
        """The epoch of the event at hand: the session itself may be ahead, with a reset whose event
        comes behind this one."""
        return self._draft.recorded[name][0]

    def _lost(self, link: Link, reason: str) -> None:
        name = link.session.settings.name
        self.replays.pop(name, None)
        self._log("session-ended", session=name, reason=reason)

    def _new_epoch(self, link: ClientLink | VenueLink, event: events.EpochBegan) -> None:
        """Both numbers start at 1: recorded here, ahead of whatever the new epoch brings."""
        self.replays.pop(link.name, None)
        position = (event.epoch, 1, 1, event.asked_by_us)
        self._draft.record(SessionMoved(link.name, *position, began_ns=event.began_ns))
        self._draft.recorded[link.name] = position
        self._log("epoch-began", session=link.name, epoch=event.epoch, ours=event.asked_by_us)

    # --- replays --------------------------------------------------------------------------

    def _begin_replay(self, link: ClientLink | VenueLink, event: events.ReplayWanted) -> None:
        noted = not event.synchronised and event.begin > link.session.numbers.proven_through
        self.replays[link.name] = Replaying(event.begin, event.end, noted)

    def continue_replay(self, link: Link, now: int) -> None:
        """Answer the next chunk of a range that the peer asked for, or come a step nearer to it: a
        segment of the journal that nobody looked into since the start is not read in one turn."""
        assert not isinstance(link, QuotesLink)
        name, session = link.name, link.session
        replay = self.replays[name]
        assert session.replaying is not None, "the session gave the range up without a word"
        through = min(replay.end, replay.begin + REPLAY_CHUNK - 1)
        epoch = session.numbers.epoch
        if not self._journal.prepare(name, epoch, replay.begin, through):
            return
        entries = self._journal.outbound(name, epoch, replay.begin, through)
        answer = self._answer(link, entries, now)
        if answer.forgot:
            replay.noted = False
            cause = f"the venue asks for {answer.forgot}, which it has reported on"
            self._draft.apply(ChildrenDoubted(now, name, cause))
        if through == replay.end:
            del self.replays[name]
        else:
            replay.begin = through + 1
        session.resend(answer.resend, through, now, answer.void)
        for child_id in answer.voided_children:
            self._draft.apply(ChildVoided(now, name, child_id, epoch, replay.noted))
        self.consume(link, now)  # what was voided and resent; perhaps the next range

    def _answer(self, link: ClientLink | VenueLink, entries: list[Entry], now: int) -> Answer:
        if isinstance(link, ClientLink):
            return answer_client(entries)
        return answer_venue(entries, link.translator, self._draft.router, link.logon_number, now)

    # --- quarantine -----------------------------------------------------------------------

    def _quarantined(self, link: Link, event: events.AppReceived | events.Hint, now: int) -> bool:
        """Whether this message crashed us before: then it is consumed and not handled
        (recovery.md 1.7)."""
        name = link.session.settings.name
        key = (name, self._epoch(name), event.number)
        if key not in self._poisoned:
            return False
        self._poisoned.discard(key)
        self._draft.record(MessageQuarantined(*key))
        self._log("message-quarantined", session=name, number=event.number)
        if isinstance(link, ClientLink):
            reject = BusinessReject(event.message.msg_type, 4, "the gateway could not handle it")
            if link.session.logged_on:
                send(link, link.translator.business_reject(reject, event.number), now)
        elif isinstance(link, VenueLink):
            child_id = child_of(event.message)
            children = [child_id] if self._draft.router.is_child(link.name, child_id) else []
            self._draft.apply(
                ChildrenDoubted(now, name, "a report of it was quarantined", children)
            )
        return True


def child_of(message: Message) -> str:
    """The child that a venue's message is about, whatever else is wrong with it: 41 when 11 is that
    of a cancel request."""
    return message.get(tags.OrigClOrdID) or message.get(tags.ClOrdID) or ""
