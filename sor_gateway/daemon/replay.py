"""What to do when a venue asks for our order messages again.

Owns: the rules of recovery.md 3.1, 3.2 and 3.7 as one pure function.
May not know: sockets, the journal's files, the router's state beyond the question it asks.

Why so strict: a venue may queue a later order and execute it although a gap fill covered it, so an
order that is gap-filled is *voided* and in doubt; only an answered status request frees its shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sor_gateway.fix.tags import ADMIN_MSG_TYPES
from sor_gateway.journal.record import Entry
from sor_gateway.translate.venues import StoredKind, VenueTranslator


@dataclass(slots=True)
class Answer:
    """How a range of our numbers is answered."""

    resend: list[tuple[int, bytes]] = field(default_factory=list)
    void: list[int] = field(default_factory=list)
    voided_children: list[str] = field(default_factory=list)
    """Children whose D is among `void`."""


def answer_client(entries: Iterable[Entry]) -> Answer:
    """Reports and rejects to a client are all sent again: it deduplicates by 43=Y and 17."""
    return Answer(resend=[(entry.number, entry.raw) for entry in entries if not is_admin(entry)])


def answer_venue(
    entries: Iterable[Entry],
    translator: VenueTranslator,
    logon_number: int,
    is_voided: Callable[[str], bool],
) -> Answer:
    """Decide for each stored message: sent again, or voided for ever.

    `logon_number` is the number of our Logon on this connection: an order below it is never
    sent again. `is_voided` tells whether a child's order message was voided before.
    """
    answer = Answer()
    voided: set[str] = set()
    for entry in entries:
        if is_admin(entry):
            continue
        stored = translator.identify(entry.raw)
        if stored.kind is StoredKind.ORDER:
            keep = entry.number > logon_number
            if not keep:
                voided.add(stored.child_id)
                answer.voided_children.append(stored.child_id)
        elif stored.kind is StoredKind.CANCEL:
            keep = stored.child_id not in voided and not is_voided(stored.child_id)
        else:
            # A status request is asked anew after each connection, never sent again.
            keep = stored.kind is not StoredKind.STATUS
        if keep:
            answer.resend.append((entry.number, entry.raw))
        else:
            answer.void.append(entry.number)
    return answer


def is_admin(entry: Entry) -> bool:
    """Whether the session layer owns this message: those are gap-filled, never sent again."""
    return entry.msg_type in ADMIN_MSG_TYPES
