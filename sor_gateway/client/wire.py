"""The wire of the bundled EMS: bytes to messages and back, on simplefix.

Owns: framing, checksum and BodyLength, tag numbers and timestamps as this client writes them.
May not know: sequence numbers, orders, sockets, and nothing of `sor_gateway.fix`: even the tag
numbers are written down a second time, so that a wrong one there is found here.

simplefix validates nothing, merges a truncated message with the next one and is poisoned by a tag
that is not a number. So whole frames are cut and checked here first, and its parser sees exactly
one good frame at a time and is reset when it raises.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass
from typing import Final

import simplefix

SOH: Final = b"\x01"
MAX_MESSAGE_BYTES: Final = 65_536
"""A BodyLength above this is taken for garbage."""
PREFIX_BYTES: Final = 40
"""`8=...|9=...|` has to be complete within so many bytes."""
TRAILER_BYTES: Final = len(b"10=000\x01")

NANOS_PER_SECOND: Final = 1_000_000_000
NANOS_PER_MILLISECOND: Final = 1_000_000


class Tag:
    """The FIX tags that this client reads or writes."""

    ACCOUNT: Final = 1
    AVG_PX: Final = 6
    BEGIN_SEQ_NO: Final = 7
    BEGIN_STRING: Final = 8
    BODY_LENGTH: Final = 9
    CHECK_SUM: Final = 10
    CL_ORD_ID: Final = 11
    COMMISSION: Final = 12
    COMM_TYPE: Final = 13
    CUM_QTY: Final = 14
    END_SEQ_NO: Final = 16
    EXEC_ID: Final = 17
    EXEC_REF_ID: Final = 19
    EXEC_TRANS_TYPE: Final = 20
    HANDL_INST: Final = 21
    LAST_MKT: Final = 30
    LAST_PX: Final = 31
    LAST_QTY: Final = 32
    MSG_SEQ_NUM: Final = 34
    MSG_TYPE: Final = 35
    NEW_SEQ_NO: Final = 36
    ORDER_ID: Final = 37
    ORDER_QTY: Final = 38
    ORD_STATUS: Final = 39
    ORD_TYPE: Final = 40
    ORIG_CL_ORD_ID: Final = 41
    POSS_DUP_FLAG: Final = 43
    PRICE: Final = 44
    REF_SEQ_NUM: Final = 45
    SENDER_COMP_ID: Final = 49
    SENDING_TIME: Final = 52
    SIDE: Final = 54
    SYMBOL: Final = 55
    TARGET_COMP_ID: Final = 56
    TEXT: Final = 58
    TIME_IN_FORCE: Final = 59
    TRANSACT_TIME: Final = 60
    POSS_RESEND: Final = 97
    ENCRYPT_METHOD: Final = 98
    CXL_REJ_REASON: Final = 102
    ORD_REJ_REASON: Final = 103
    HEART_BT_INT: Final = 108
    TEST_REQ_ID: Final = 112
    ORIG_SENDING_TIME: Final = 122
    GAP_FILL_FLAG: Final = 123
    NO_MISC_FEES: Final = 136
    MISC_FEE_AMT: Final = 137
    RESET_SEQ_NUM_FLAG: Final = 141
    EXEC_TYPE: Final = 150
    LEAVES_QTY: Final = 151
    REF_TAG_ID: Final = 371
    REF_MSG_TYPE: Final = 372
    SESSION_REJECT_REASON: Final = 373
    ORD_STATUS_REQ_ID: Final = 790
    TARGET_STRATEGY: Final = 847
    TARGET_STRATEGY_PARAMETERS: Final = 848
    TARGET_STRATEGY_42: Final = 7847
    TARGET_STRATEGY_PARAMETERS_42: Final = 7848


Pairs = list[tuple[int, str]]


@dataclass(slots=True)
class Received:
    """One good message from the peer: checksum and BodyLength are right, 8, 9 and 35 lead."""

    raw: bytes
    msg_type: str
    pairs: Pairs

    def get(self, tag: int, default: str = "") -> str:
        """The first value of a tag, or the default."""
        for found, value in self.pairs:
            if found == tag:
                return value
        return default

    def all(self, tag: int) -> list[str]:
        """Every value of a tag, in wire order (a column of a repeating group)."""
        return [value for found, value in self.pairs if found == tag]

    def flag(self, tag: int) -> bool:
        """Whether a FIX boolean is there and says Y."""
        return self.get(tag) == "Y"

    def number(self, tag: int) -> int | None:
        """A value as a non-negative integer; None when it is absent or none."""
        text = self.get(tag)
        return int(text) if text.isascii() and text.isdigit() else None


class Reader:
    """Cuts a byte stream into good messages; anything else is dropped and counted in `garbled`."""

    def __init__(self) -> None:
        self.garbled = 0
        self._buffer = b""

    def feed(self, data: bytes) -> list[Received]:
        """Take bytes in, give whole messages out, in order."""
        self._buffer += data
        messages: list[Received] = []
        while (frame := self._next_frame()) is not None:
            message = parse(frame)
            if message is None:
                self.garbled += 1
            else:
                messages.append(message)
        return messages

    def _next_frame(self) -> bytes | None:
        """The next frame with a right BodyLength and checksum, or None until more bytes come."""
        while True:
            start = self._buffer.find(b"8=FIX")
            if start < 0:
                self._buffer = self._buffer[-len(b"8=FI") :]
                return None
            self._buffer = self._buffer[start:]
            length = frame_length(self._buffer)
            if length is None or (length and len(self._buffer) < length):
                return None
            frame = self._buffer[:length]
            if length and checksum_holds(frame):
                self._buffer = self._buffer[length:]
                return frame
            self.garbled += 1
            self._buffer = self._buffer[1:]  # resynchronise at the next 8=FIX


def frame_length(buffer: bytes) -> int | None:
    """Length of the frame at the start of the buffer by its BodyLength; 0 when that is no number,
    None while the prefix is incomplete."""
    prefix = buffer[:PREFIX_BYTES].split(SOH, 2)
    if len(prefix) < 3:
        return 0 if len(buffer) >= PREFIX_BYTES else None
    begin, body, _ = prefix
    digits = body[2:]
    if not (body.startswith(b"9=") and digits.isdigit()) or int(digits) > MAX_MESSAGE_BYTES:
        return 0
    return len(begin) + 1 + len(body) + 1 + int(digits) + TRAILER_BYTES


def checksum_holds(frame: bytes) -> bool:
    """Whether the frame ends in SOH, 10= and the three digits that its bytes sum up to."""
    body, trailer = frame[:-TRAILER_BYTES], frame[-TRAILER_BYTES:]
    return body.endswith(SOH) and trailer == b"10=%03d\x01" % (sum(body) % 256)


def parse(frame: bytes) -> Received | None:
    """Read one frame with simplefix; None when it is not `tag=value` all the way."""
    parser = simplefix.FixParser(allow_empty_values=True)
    parser.append_buffer(frame)
    try:
        message = parser.get_message()
    except (simplefix.errors.ParsingError, ValueError):
        return None
    if message is None or parser.get_buffer():
        return None
    pairs = [(int(tag), bytes(value).decode("latin-1")) for tag, value in message.pairs]
    if [tag for tag, _ in pairs[:3]] != [Tag.BEGIN_STRING, Tag.BODY_LENGTH, Tag.MSG_TYPE]:
        return None
    return Received(frame, pairs[2][1], pairs)


def encode(begin_string: str, msg_type: str, pairs: Pairs) -> bytes:
    """A message with its length and checksum. Raises ValueError on an empty value or an SOH in
    one: simplefix would write both, and the second injects fields."""
    message = simplefix.FixMessage()
    message.append_pair(Tag.BEGIN_STRING, begin_string)
    message.append_pair(Tag.MSG_TYPE, msg_type)
    for tag, value in pairs:
        if not value or "\x01" in value:
            raise ValueError(f"{tag}={value!r} cannot be written: empty, or it holds SOH")
        message.append_pair(tag, value.encode("latin-1"))
    return bytes(message.encode())


def timestamp(now: int) -> str:
    """UTCTimestamp with milliseconds, of nanoseconds since the epoch."""
    seconds, nanos = divmod(now, NANOS_PER_SECOND)
    whole = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{nanos // NANOS_PER_MILLISECOND:03d}"


def parse_timestamp(text: str) -> int | None:
    """Nanoseconds since the epoch of a UTCTimestamp (s to ns); None when it is none."""
    whole, _, fraction = text.partition(".")
    try:
        seconds = calendar.timegm(time.strptime(whole, "%Y%m%d-%H:%M:%S"))
    except ValueError:
        return None
    if fraction and not (fraction.isascii() and fraction.isdigit() and len(fraction) <= 9):
        return None
    return seconds * NANOS_PER_SECOND + int(fraction.ljust(9, "0"))
