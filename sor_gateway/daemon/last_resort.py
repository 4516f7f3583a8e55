"""Cancels that leave unrecorded: the kill switch while the journal cannot write and its reserve is
spent (recovery.md 1.8). The one exception to write-ahead.

Owns: what goes onto the venues' lines then, and what is recorded of it once the journal writes.
May not know: the journal, when it is time for this.

What the stalled turn numbered may not leave: a gap fill goes in its place, and those numbers are
void for ever. A cancel for each open child follows, under a ClOrdID made of the child's own,
because no ids can be reserved. Once the journal writes again it gets the stalled turn, the cancels
and the void, and every child there is in doubt until status says. A process that ends before that
comes up with numbers that the venue finds too low: a reset by the session's profile, and all
children in doubt (recovery.md 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from sor_gateway.daemon.draft import Draft, send
from sor_gateway.daemon.intake import Log
from sor_gateway.daemon.sessions import Link, VenueLink
from sor_gateway.fix import tags
from sor_gateway.fix.codec import Framer, decode, encode
from sor_gateway.fix.facts import RangeVoided
from sor_gateway.fix.session import Session
from sor_gateway.fix.store import add_range
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.sor.commands import CancelChild
from sor_gateway.sor.events import ChildrenDoubted, ChildVoided
from sor_gateway.sor.router import Router
from sor_gateway.translate.venues import StoredKind

WHY: Final = "cancels left unrecorded"


@dataclass(slots=True)
class Pulled:
    """What was done to one venue and is not recorded."""

    link: VenueLink
    epoch: int
    begin: int
    """The numbers from here to before `end` never left."""
    end: int
    unsent: list[str] = field(default_factory=list)
    """Children whose order was among them."""


class Lines(Protocol):
    """Where the bytes go (net/reactor.py)."""

    def write(self, session: Session, data: bytes) -> None:
        """Write bytes on the session's connection; without one they are dropped."""


class LastResort:
    """Once a stall. The journal is told by `record`."""

    def __init__(self, router: Router, reactor: Lines, log: Log) -> None:
        self._router = router
        self._reactor = reactor
        self._log = log
        self._pulled: list[Pulled] | None = None

    def pull(self, links: dict[str, Link], now: int) -> None:
        """Cancel what is open at every venue that listens, the first time that this is called."""
        if self._pulled is not None:
            return
        self._pulled = [
            self._pull(link, now)
            for link in links.values()
            if isinstance(link, VenueLink) and link.session.synchronised
        ]

    def record(self, draft: Draft, now: int) -> None:
        """The journal writes again: all of it goes into the turn that begins."""
        pulled, self._pulled = self._pulled, None
        for one in pulled or ():
            name = one.link.name
            draft.touch(one.link)
            if one.begin < one.end:
                draft.record(RangeVoided(name, one.epoch, one.begin, one.end - 1))
            draft.apply(ChildrenDoubted(now, name, WHY))
            for child_id in one.unsent:
                # With the note of 3.1: nothing proves better that the venue never had it.
                draft.apply(ChildVoided(now, name, child_id, one.epoch, before_synchronised=True))

    def _pull(self, link: VenueLink, now: int) -> Pulled:
        session = link.session
        numbers = session.numbers
        pulled = Pulled(link, numbers.epoch, numbers.next_out, numbers.next_out)
        for raw in Framer(session.settings.max_message_bytes).feed(session.take_output()):
            message = decode(raw)
            if message.get(tags.PossDupFlag) == "Y":
                continue  # sent again: the venue asks once more
            pulled.begin = min(pulled.begin, int(message[tags.MsgSeqNum]))
            stored = link.translator.identify(raw)
            if stored.kind is StoredKind.ORDER:
                pulled.unsent.append(stored.child_id)
        children = [
            child_id
            for child_id in self._router.state.venues[link.name].children
            if child_id not in pulled.unsent
        ]
        for child_id in children:
            command = self._cancel(link, child_id, now)
            send(link, link.translator.command_message(command), now, child_id)
        wire = session.take_output()
        if pulled.begin < pulled.end:
            add_range(numbers.voided, pulled.begin, pulled.end - 1)
            wire = gap_fill(link, pulled, now) + wire
        self._reactor.write(session, wire)
        self._log("cancelled-unrecorded", venue=link.name, children=len(children))
        return pulled

    def _cancel(self, link: VenueLink, child_id: str, now: int) -> CancelChild:
        child = self._router.state.children[child_id]
        parent = self._router.state.parents[child.parent_id]
        assert child.flight is not None
        return CancelChild(
            link.name,
            child_id,
            f"K{child_id[1:]}",
            child.flight.venue_order_id,
            parent.symbol,
            parent.side,
            child.quantity,
            now,
        )


def gap_fill(link: VenueLink, pulled: Pulled, now: int) -> bytes:
    """SequenceReset-GapFill for numbers that nothing was ever sent under."""
    settings = link.session.settings
    header = [
        (int(tags.MsgSeqNum), str(pulled.begin)),
        (tags.SenderCompID, settings.sender_comp_id),
        (tags.SendingTime, utc_timestamp(now)),
        (tags.TargetCompID, settings.target_comp_id),
    ]
    body = [(int(tags.NewSeqNo), str(pulled.end)), (tags.GapFillFlag, "Y")]
    return encode(settings.begin_string, MsgType.SEQUENCE_RESET, header, body)
