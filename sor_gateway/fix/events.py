"""What a session tells its program: the values that `Session.take_events()` returns.

Owns: the vocabulary between the session layer and whatever stands behind it.
May not know: orders, parents, files, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.fix.message import Message


@dataclass(slots=True)
class LoggedOn:
    """Logons were exchanged. Nothing that matters may be sent before Synchronised."""

    epoch: int


@dataclass(slots=True)
class Synchronised:
    """Our last marker returned in sequence and every ResendRequest before it was answered."""

    epoch: int


@dataclass(slots=True)
class LoggedOut:
    """The session is over on this connection (logout, peer error, silence, lost transport)."""

    reason: str


@dataclass(slots=True)
class Close:
    """The transport has to be closed once the pending output is written."""

    reason: str


@dataclass(slots=True)
class AppReceived:
    """An application message was consumed, in sequence, with its number."""

    number: int
    message: Message
    poss_dup: bool
    poss_resend: bool
    asked: bool = False
    """It is a repetition that fills a gap: we asked for it."""


@dataclass(slots=True)
class Hint:
    """An application message that does not move the number: a low PossDup that we never consumed,
    or a queued message that a gap fill then covered. Only for deduplicated booking; it never ends
    doubt (recovery.md 2.5)."""

    number: int
    message: Message


@dataclass(slots=True)
class ReplayWanted:
    """The peer asks for numbers `begin` to `end` (inclusive) again: answer with
    `Session.resend(...)`, in one or more chunks."""

    epoch: int
    begin: int
    end: int
    synchronised: bool
    """Whether the session was SYNCHRONISED when the request came (recovery.md 3.1, 3.2)."""


@dataclass(slots=True)
class Voided:
    """Application messages with these numbers were gap-filled: they never leave again."""

    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class Resent:
    """Numbers `begin` to `end` were sent again; recorded as a range, not as messages."""

    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class Skipped:
    """The peer's GapFill or Reset passed over inbound numbers `begin` to `end`: whatever they
    carried will not come under these numbers."""

    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class Proved:
    """The peer has consumed all our messages up to and including `through`."""

    epoch: int
    through: int


@dataclass(slots=True)
class Forgot:
    """The peer asks for what it had proved to have: it lost its memory (recovery.md 3.3)."""

    epoch: int
    begin: int
    proven_through: int


@dataclass(slots=True)
class EpochBegan:
    """The numbers of both sides started again at 1: a new epoch."""

    epoch: int
    asked_by_us: bool
    began_ns: int


@dataclass(slots=True)
class PeerRejected:
    """The peer refused one of our messages (Reject 3 or BusinessMessageReject j)."""

    ref_number: int
    """Our number that was refused (FIX 45); 0 when the peer did not say."""
    message: Message


@dataclass(slots=True)
class Incident:
    """Something an operator has to see; the session has dealt with it by the book."""

    code: str
    """A short stable name: `garbled`, `number-too-low`, `peer-silent`, ..."""
    text: str


Event = (
    LoggedOn
    | Synchronised
    | LoggedOut
    | Close
    | AppReceived
    | Hint
    | ReplayWanted
    | Voided
    | Resent
    | Skipped
    | Proved
    | Forgot
    | EpochBegan
    | PeerRejected
    | Incident
)
