"""What to do when a venue asks for our order messages again.

Owns: the rules of recovery.md 3.1, 3.2 and 3.7 as one pure function.
May not know: sockets, the journal's files, the router's state beyond the question it asks.

Why so strict: a venue may queue a later order and execute it although a gap fill covered it, so an
order that is gap-filled is *voided* and in doubt; only an answered status request frees its shares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from sor_gateway.fix import tags
from sor_gateway.fix.codec import decode
from sor_gateway.fix.tags import ADMIN_MSG_TYPES
from sor_gateway.fix.values import parse_utc_timestamp
from sor_gateway.journal.record import Entry
from sor_gateway.translate.venues import ASKED_ANEW, StoredKind, VenueTranslator

RESEND_MAX_AGE_NS: Final = 10_000_000_000
"""An order sent longer ago than this is not sent again: the market it was meant for is gone
(recovery.md 3.2, `resend_max_age`)."""


class Orders(Protocol):
    """What the rules ask of the router."""

    def is_voided(self, child_id: str) -> bool:
        """Whether the child's order message was voided before."""

    def is_reported(self, child_id: str) -> bool:
        """Whether the venue ever said a word about the child."""


@dataclass(slots=True)
class Answer:
    """How a range of our numbers is answered."""

    resend: list[tuple[int, bytes]] = field(default_factory=list)
    void: list[int] = field(default_factory=list)
    voided_children: list[str] = field(default_factory=list)
    """Children whose D is among `void`."""
    forgot: str = ""
    """A child that is asked for although the venue has reported on it: it had consumed that order
    and everything before it (recovery.md 3.3)."""


def answer_client(entries: Iterable[Entry]) -> Answer:
    """Reports and rejects to a client are all sent again: it deduplicates by 43=Y and 17."""
    return Answer(resend=[(entry.number, entry.raw) for entry in entries if not is_admin(entry)])


def answer_venue(
    entries: Iterable[Entry],
    translator: VenueTranslator,
    orders: Orders,
    logon_number: int,
    now: int,
) -> Answer:
    """Decide for each stored message: sent again, or voided for ever.

    `logon_number` is the number of our Logon on this connection: an order below it is never sent
    again. Nor is one that the venue has reported on: a venue that forgot would execute it twice.
    """
    answer = Answer()
    voided: set[str] = set()
    for entry in entries:
        if is_admin(entry):
            continue
        stored = translator.identify(entry.raw)
        if stored.kind is StoredKind.ORDER:
            reported = orders.is_reported(stored.child_id)
            keep = entry.number > logon_number and not reported and is_young(entry, now)
            if reported:
                answer.forgot = stored.child_id
            if not keep:
                voided.add(stored.child_id)
                answer.voided_children.append(stored.child_id)
        elif stored.kind is StoredKind.CANCEL:
            keep = stored.child_id not in voided and not orders.is_voided(stored.child_id)
        else:
            keep = stored.kind not in ASKED_ANEW
        if keep:
            answer.resend.append((entry.number, entry.raw))
        else:
            answer.void.append(entry.number)
    return answer


def is_young(entry: Entry, now: int) -> bool:
    """Whether an order may still be sent again, by the time at which it was first sent."""
    return now - parse_utc_timestamp(decode(entry.raw)[tags.SendingTime]) <= RESEND_MAX_AGE_NS


def is_admin(entry: Entry) -> bool:
    """Whether the session layer owns this message: those are gap-filled, never sent again."""
    return entry.msg_type in ADMIN_MSG_TYPES
