"""The facts of the sessions: what the messages in a record do not say themselves.

Owns: the facts about numbers, voided ranges, proofs and quarantine that stand in the journal
beside the router's own (recovery.md 1 and 2).
May not know: orders, prices, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass


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
class RangeVoided:
    """Our messages `begin` to `end` were gap-filled and never leave again (recovery.md 2.4)."""

    session: str
    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class RangeSkipped:
    """The peer's numbers `begin` to `end` were passed over: we never saw what they carried."""

    session: str
    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class RangeResent:
    """Our numbers `begin` to `end` were answered again, some with 43=Y: for the audit."""

    session: str
    epoch: int
    begin: int
    end: int


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


SessionFact = (
    SessionMoved | RangeVoided | RangeSkipped | RangeResent | PeerProved | MessageQuarantined
)

SESSION_FACTS: tuple[type[SessionFact], ...] = (
    SessionMoved,
    RangeVoided,
    RangeSkipped,
    RangeResent,
    PeerProved,
    MessageQuarantined,
)
"""Every session fact there is, for the journal's codec."""
