"""FIX.4.4 as bytes, for peers that must cost next to nothing.

Owns: cutting and writing messages, fields by search, the time. It trusts its peers: no checksum is
verified, no number is checked. May not know: sessions, orders.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

SOH: Final = b"\x01"
BEGIN: Final = b"8=FIX.4.4\x019=%d\x01"
TRAILER: Final = b"\x0110="
TRAILER_BYTES: Final = 8
"""SOH, 10=, three digits, SOH."""


def frame(body: bytes) -> bytes:
    """A message from everything between BodyLength and CheckSum; `body` ends with SOH."""
    text = BEGIN % len(body) + body
    return text + b"10=%03d\x01" % (sum(text) & 255)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages, and what is left of an unfinished one."""
    messages: list[bytes] = []
    start = 0
    while True:
        end = data.find(TRAILER, start)
        if end < 0 or end + TRAILER_BYTES > len(data):
            return messages, data[start:]
        messages.append(data[start : end + TRAILER_BYTES])
        start = end + TRAILER_BYTES


def field(message: bytes, tag: bytes) -> bytes:
    """The first value of a tag; empty when there is none."""
    start = message.find(SOH + tag + b"=")
    if start < 0:
        return b""
    start += len(tag) + 2
    return message[start : message.index(SOH, start)]


class Stamp:
    """UTC timestamps with milliseconds, made anew once a millisecond."""

    def __init__(self) -> None:
        self._made_ms = 0
        self._made_second = 0
        self._second = b""
        self._text = b""

    def now(self) -> bytes:
        now_ms = time.time_ns() // 1_000_000
        if now_ms != self._made_ms:
            second, ms = divmod(now_ms, 1_000)
            if second != self._made_second:
                moment = datetime.fromtimestamp(second, UTC)
                self._second = moment.strftime("%Y%m%d-%H:%M:%S").encode()
                self._made_second = second
            self._made_ms = now_ms
            self._text = b"%s.%03d" % (self._second, ms)
        return self._text
