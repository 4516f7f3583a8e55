"""Messages as bytes: taken apart, changed, put together again, well or badly.

Owns: the arithmetic of BodyLength and CheckSum for what no correct writer would write.
May not know: faults, sessions, sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.codec import decode
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import ADMIN_MSG_TYPES, MsgType

_TRAILER_BYTES: Final = 7
"""10=nnn and its delimiter."""

Pairs = list[tuple[int, str]]


@dataclass(slots=True)
class Frame:
    """One message of ours on its way out."""

    raw: bytes
    message: Message

    @property
    def number(self) -> int:
        """Its MsgSeqNum (34)."""
        return int(self.message[tags.MsgSeqNum])

    @property
    def again(self) -> bool:
        """Whether it is sent again (43=Y)."""
        return self.message.get(tags.PossDupFlag) == "Y"

    @property
    def application(self) -> bool:
        """Whether it is about business."""
        return self.message.msg_type not in ADMIN_MSG_TYPES

    @property
    def gap_fill(self) -> bool:
        """Whether it passes over numbers."""
        return self.message.msg_type == MsgType.SEQUENCE_RESET

    def body(self) -> Pairs:
        """Every field but 8, 9, 35 and 10, as text."""
        return list(self.message.fields[3:-1])

    def changed(self, change: Callable[[Pairs], Pairs], msg_type: str | None = None) -> Frame:
        """The same message with other fields, well formed."""
        begin = self.message.fields[0][1]
        return frame_of(assembled(begin, msg_type or self.message.msg_type, change(self.body())))


def frame_of(raw: bytes) -> Frame:
    """A frame from its bytes."""
    return Frame(raw, decode(raw))


def split(data: bytes) -> list[bytes]:
    """The messages of what a session has to say; they are whole and well formed."""
    frames, at = [], 0
    while at < len(data):
        begin = data.index(b"\x019=", at) + 3
        end = data.index(b"\x01", begin)
        behind = end + 1 + int(data[begin:end]) + _TRAILER_BYTES
        frames.append(data[at:behind])
        at = behind
    return frames


def assembled(
    begin_string: str, msg_type: str, fields: Sequence[tuple[int, str]], *, length_off: int = 0
) -> bytes:
    """The bytes of a message of these fields; empty values are written as they are.
    `length_off`: by how much its BodyLength is wrong."""
    body = f"35={msg_type}\x01" + "".join(f"{tag}={value}\x01" for tag, value in fields)
    data = f"8={begin_string}\x019={len(body) + length_off}\x01{body}".encode("latin-1")
    return data + f"10={sum(data) % 256:03}\x01".encode()


def with_values(fields: Pairs, values: dict[int, str]) -> Pairs:
    """The same fields with other values for some tags that are there."""
    return [(tag, values.get(tag, value)) for tag, value in fields]


def without(fields: Pairs, *gone: int) -> Pairs:
    """The fields but for these tags."""
    return [(tag, value) for tag, value in fields if tag not in gone]
