"""Questions about one message that need no session: pure functions.

Owns: what is wrong with a header, a Logon, a PossDup; how routing is reversed on a Reject; what a
journal may see of a Logon. May not know: numbers, states, timers.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.fix.values import parse_utc_timestamp


class Reason:
    """Values of SessionRejectReason (373), as far as the session itself gives them."""

    REQUIRED_TAG_MISSING: Final = 1
    TAG_WITHOUT_VALUE: Final = 4
    VALUE_INCORRECT: Final = 5
    INCORRECT_DATA_FORMAT: Final = 6
    COMP_ID_PROBLEM: Final = 9
    SENDING_TIME_ACCURACY_PROBLEM: Final = 10


#: More digits than any number of a message can have; keeps `int()` cheap on hostile input.
NUMBER_DIGITS_MAX: Final = 18

#: Who is who when an answer goes the other way (FIX 4.4 vol. 2, "OnBehalfOfCompID and DeliverTo").
_REVERSED: Final = (
    (tags.OnBehalfOfCompID, tags.DeliverToCompID),
    (tags.OnBehalfOfSubID, tags.DeliverToSubID),
    (tags.OnBehalfOfLocationID, tags.DeliverToLocationID),
    (tags.DeliverToCompID, tags.OnBehalfOfCompID),
    (tags.DeliverToSubID, tags.OnBehalfOfSubID),
    (tags.DeliverToLocationID, tags.OnBehalfOfLocationID),
)

_SECRET: Final = re.compile(rb"(?<=\x01)(554|925)=([^\x01]*)")
_IDENTITY: Final = re.compile(rb"\x01(49|56)=([^\x01]+)")


@dataclass(slots=True)
class Fault:
    """What a Reject(3) has to say."""

    reason: int
    tag: int | None
    text: str


def number_of(text: str | None) -> int | None:
    """A non-negative integer as FIX writes it, or None."""
    if text is None or not text.isdecimal() or len(text) > NUMBER_DIGITS_MAX:
        return None
    return int(text)


def empty_field(message: Message) -> Fault | None:
    """The first tag without a value (373=4)."""
    for tag, value in message.fields:
        if not value:
            return Fault(Reason.TAG_WITHOUT_VALUE, tag, "Tag specified without a value")
    return None


def missing_header(message: Message) -> Fault | None:
    """The first of 49, 52, 56 that is not there (373=1)."""
    first = message.first
    if tags.SenderCompID not in first:
        tag = tags.SenderCompID
    elif tags.SendingTime not in first:
        tag = tags.SendingTime
    elif tags.TargetCompID not in first:
        tag = tags.TargetCompID
    else:
        return None
    return Fault(Reason.REQUIRED_TAG_MISSING, tag, "Required tag missing")


def is_between(message: Message, sender: str, target: str) -> bool:
    """Whether 49 and 56, where they are there, are these."""
    first = message.first
    return (first.get(tags.SenderCompID) or sender) == sender and (
        first.get(tags.TargetCompID) or target
    ) == target


def poss_dup_fault(message: Message) -> Fault | None:
    """A low PossDup needs a 122 that is not later than its 52 (test cases 2f, 2g)."""
    original = message.get(tags.OrigSendingTime)
    if original is None:
        return Fault(Reason.REQUIRED_TAG_MISSING, tags.OrigSendingTime, "Required tag missing")
    try:
        late = parse_utc_timestamp(original) > parse_utc_timestamp(message[tags.SendingTime])
    except ValueError:
        return Fault(
            Reason.INCORRECT_DATA_FORMAT,
            tags.OrigSendingTime,
            "Incorrect data format for value",
        )
    if late:
        return Fault(Reason.SENDING_TIME_ACCURACY_PROBLEM, None, "SendingTime accuracy problem")
    return None


def new_number_fault(new: int | None) -> Fault:
    """A SequenceReset whose NewSeqNo is missing, or behind what is expected."""
    if new is None:
        return Fault(Reason.REQUIRED_TAG_MISSING, tags.NewSeqNo, "Required tag missing")
    text = "Value is incorrect (out of range) for this tag"
    return Fault(Reason.VALUE_INCORRECT, None, text)


def reversed_route(message: Message) -> list[tuple[int, str]]:
    """The routing fields of an answer: those of the message, the other way round."""
    route = []
    for theirs, ours in _REVERSED:
        value = message.get(theirs)
        if value:
            route.append((ours, value))
    return route


def credentials_match(message: Message, username: str, password: str) -> bool:
    """Whether 553 and 554 of a Logon are these; takes the same time for every wrong answer."""
    given = message.get(tags.Username, "") + "\x01" + message.get(tags.Password, "")
    return hmac.compare_digest(
        given.encode("latin-1"), f"{username}\x01{password}".encode("latin-1", "replace")
    )


def logon_refusal(message: Message, settings: SessionSettings) -> str | None:
    """What is wrong with a Logon whatever the numbers are: the text of a Logout, or None."""
    if number_of(message.get(tags.MsgSeqNum)) is None:
        return "MsgSeqNum (34) is missing or not a number"
    if number_of(message.get(tags.HeartBtInt)) is None:
        return "HeartBtInt (108) is missing or negative"
    if message.get(tags.EncryptMethod, "0") != "0":
        return "EncryptMethod (98) other than 0 is not supported"
    if settings.role is Role.INITIATOR or settings.username is None:
        return None
    if credentials_match(message, settings.username, settings.password or ""):
        return None
    return "Username or Password is wrong"


def without_secrets(raw: bytes) -> bytes:
    """A Logon for the record: 554 and 925 as stars, length and checksum right (recovery.md 1.6)."""
    body, blanked = _SECRET.subn(lambda m: m[1] + b"=" + b"*" * len(m[2]), raw[:-7])
    return body + b"10=%03d\x01" % (sum(body) % 256) if blanked else raw


def lookup_identity(raw: bytes) -> tuple[str, str, str] | None:
    """BeginString, SenderCompID and TargetCompID of a first frame, as its sender wrote them.

    For a listener that has to find the session before it can ask it anything.
    """
    begin, separator, _ = raw.partition(b"\x01")
    if not separator or not begin.startswith(b"8="):
        return None
    found: dict[bytes, bytes] = {}
    for each in _IDENTITY.finditer(raw):
        found.setdefault(each[1], each[2])
    if len(found) < 2:
        return None
    return (
        begin[2:].decode("latin-1"),
        found[b"49"].decode("latin-1"),
        found[b"56"].decode("latin-1"),
    )
