"""What a record looks like on the disk: the structures that msgspec writes and reads.

Owns: their fields and the order of these, which is the format.
May not know: frames, files. A module of its own, because what it holds is made when the program
runs, and cannot be compiled.
"""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, array_like=True):
    """A FIX message that the turn consumed or sent, with its key (session, epoch, number)."""

    session: str
    epoch: int
    outbound: bool
    number: int
    """MsgSeqNum."""
    msg_type: str
    key: str
    """What the message is about, in the writer's own terms (a child id, an ExecID)."""
    raw: bytes


class Record(msgspec.Struct, array_like=True):
    """One turn: its messages in and out, and its typed facts in the order they were applied."""

    turn: int
    at_ns: int
    entries: list[Entry]
    facts: list[tuple[str, msgspec.Raw]]


class Key(msgspec.Struct, array_like=True):
    """The first fields of an `Entry`: all that an index needs."""

    session: str
    epoch: int
    outbound: bool
    number: int


class Keys(msgspec.Struct, array_like=True):
    """The first fields of a `Record`, messages by their keys alone: reading it copies nothing."""

    turn: int
    at_ns: int
    entries: list[Key]


class Base(msgspec.Struct, array_like=True):
    """What was sent on a session before a segment begins: its last epoch and highest number there.

    It tells which segments need not be looked into. `irregular` is set once, for good, when a
    number came that was not above its predecessors (an operator forced the numbers back): from
    then on no segment is skipped for this session.
    """

    epoch: int
    number: int
    irregular: bool = False
