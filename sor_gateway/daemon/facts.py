"""The facts of the sessions: what the messages in a record do not say themselves.

Owns: the facts about numbers, proofs and quarantine that stand in the journal beside the router's
own (recovery.md 1 and 2), and the list of all; those about ranges are fix/facts.py's.
May not know: orders, prices, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.fix.facts import RANGE_FACTS, RangeFact


@dataclass(slots=True)
class SessionMoved:
    """A session's numbers where its messages alone do not give them: a new epoch, a reset that is
    pending, numbers forced by an operator. The messages of its record count on top of it, unless
    it says where the session stood `after` them."""

    session: str
    epoch: int
    next_in: int
    next_out: int
    reset_pending: bool = False
    after: bool = False


@dataclass(slots=True)
class PeerProved:
    """The peer has consumed our messages up to `through`: a client's reports leave its outbox, a
    venue that asks for them again has lost its memory (recovery.md 3.3)."""

    session: str
    epoch: int
    through: int


@dataclass(slots=True)
class MessageQuarantined:
    """A message that crashed us once was consumed without being handled (recovery.md 1.7)."""

    session: str
    epoch: int
    number: int


SessionFact = SessionMoved | PeerProved | MessageQuarantined | RangeFact

SESSION_FACTS: tuple[type[SessionFact], ...] = (
    SessionMoved,
    PeerProved,
    MessageQuarantined,
    *RANGE_FACTS,
)
"""Every session fact there is, for the journal's codec."""
