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
    began_ns: int = 0
    """When the epoch began, if this is its beginning."""


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


@dataclass(slots=True)
class SessionOperated:
    """An operator did something to a session, and why (session_commands.py). Disabling lasts over
    restarts; what the other commands change is told by facts of its own."""

    at_ns: int
    session: str
    action: str
    reason: str
    next_in: int = 0
    next_out: int = 0
    """Of set-numbers."""
    begin: int = 0
    """Of resend-request."""


SessionFact = SessionMoved | PeerProved | MessageQuarantined | SessionOperated | RangeFact

SESSION_FACTS: tuple[type[SessionFact], ...] = (
    SessionMoved,
    PeerProved,
    MessageQuarantined,
    SessionOperated,
    *RANGE_FACTS,
)
"""Every session fact there is, for the journal's codec."""
