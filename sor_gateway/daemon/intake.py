"""What sessions say, and what follows: session events become facts.

Owns: for each kind of session, which event means what; replays; quarantine.
May not know: the order of a turn, the journal's writing side, routing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sor_gateway.daemon.draft import Draft, send
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
from sor_gateway.journal.record import Entry
from sor_gateway.sor.events import (
    ChildEnded,
    ChildFilled,
    ChildrenDoubted,
    ChildVoided,
    VenueClosed,
    VenueOpened,
)
from sor_gateway.translate.clients import BusinessReject
from sor_gateway.translate.venues import Unusable

REPLAY_CHUNK = 500
"""Stored messages sent again per session and turn: a long replay delays nobody for long."""


class Log(Protocol):
    """Where incidents go: one line each, never one per message."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line."""


class StoredMessages(Protocol):
    """Our messages, as the journal has them."""

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with these numbers."""


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

    def close_flow(self, link: Link, cause: str, now: int) -> None:
        """Nothing of the application's leaves this session until it is synchronised (again)."""
        self._draft.outboxes_due.pop(link.session.settings.name, None)
        if isinstance(link, VenueLink) and self._draft.router.state.venues[link.name].is_open:
            self._draft.apply(VenueClosed(now, link.name, cause))

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
            self._draft.outboxes_due[link.name] = link
            self._log("client-synchronised", client=link.name, epoch=event.epoch)
        elif isinstance(event, events.EpochBegan):
            self._new_epoch(link, event)
            link.outbox.epoch_ended()
            self.close_flow(link, "a new epoch began", now)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self.close_flow(link, event.reason, now)
        else:
            self._common(link, event)

    def _client_message(self, link: ClientLink, number: int, message: Message, now: int) -> None:
        self._draft.current = (link.name, link.session.numbers.epoch, number, message)
        fact = link.translator.to_fact(message, now, self._draft.router.next_parent_id)
        if isinstance(fact, BusinessReject):
            if link.session.logged_on:
                outgoing = link.translator.business_reject(fact, number)
                send(link, outgoing, now)
        else:
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
            self._draft.apply(VenueOpened(now, link.name, event.epoch))
            self._log("venue-synchronised", venue=link.name, epoch=event.epoch)
        elif isinstance(event, events.LoggedOut):
            self._lost(link, event.reason)
            self.close_flow(link, event.reason, now)
        elif isinstance(event, events.Skipped):
            self._common(link, event)
            cause = f"the venue passed over numbers {event.begin} to {event.end}"
            self._draft.apply(ChildrenDoubted(now, link.name, cause, notes_stand=True))
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
        self._draft.current = (link.name, link.session.numbers.epoch, number, message)
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
        epoch = link.session.numbers.epoch
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
            if event.poss_dup:
                return  # an old quote is no quote (recovery.md 2.6)
            changed = link.translator.to_book(event.message)
            if isinstance(changed, Unusable):
                self._log("quote-unusable", venue=link.venue, text=changed.text)
                return
            for book in changed:
                self._draft.router.market.update(link.venue, book.symbol, book.bids, book.asks, now)
                self._draft.router.quoted(book.symbol)
            link.quoted_ns = now
        elif isinstance(event, events.LoggedOn):
            link.counters.logons += 1
            link.translator.forget()
            if link.session.logged_on:  # it may have hung up in the same breath
                for outgoing in link.translator.subscribe(link.symbols):
                    send(link, outgoing, now)
        elif isinstance(event, events.LoggedOut):
            link.translator.forget()
            self._draft.router.market.forget(link.venue)
            link.quoted_ns = 0
            self._lost(link, event.reason)
        elif isinstance(event, events.ReplayWanted) and link.session.replaying is not None:
            link.session.resend([], event.end, now, [])  # requests are never asked twice

    def _common(self, link: ClientLink | VenueLink, event: events.Event) -> None:
        if isinstance(event, events.Voided):
            self._draft.record(RangeVoided(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Skipped):
            link.counters.skips += 1
            self._draft.record(RangeSkipped(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Resent):
            self._draft.record(RangeResent(link.name, event.epoch, event.begin, event.end))
        elif isinstance(event, events.Proved):
            self._draft.record(PeerProved(link.name, event.epoch, event.through))
        elif isinstance(event, events.LoggedOn):
            link.counters.logons += 1
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
        """Answer the next chunk of a range that the peer asked for."""
        assert not isinstance(link, QuotesLink)
        name, session = link.name, link.session
        replay = self.replays[name]
        assert session.replaying is not None, "the session gave the range up without a word"
        through = min(replay.end, replay.begin + REPLAY_CHUNK - 1)
        epoch = session.numbers.epoch
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
        key = (name, link.session.numbers.epoch, event.number)
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
