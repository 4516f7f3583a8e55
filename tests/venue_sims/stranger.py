"""A client of bytes, over a line in memory: it says whatever it is told to, right or wrong, and
keeps whatever it is told. It shares no code with the venue but for reading what it got."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sor_gateway.fix.codec import decode
from sor_gateway.fix.message import Message
from tests.harness.line import Line
from tests.harness.loop import SECOND, VirtualLoop
from tests.harness.machines import Venue, bind

LINE_NS = 50_000
SOH = "\x01"
Body = list[tuple[int, object]]


class Stranger(asyncio.Protocol):
    """One FIX session as its client. It answers TestRequests and ResendRequests (all gap-filled)
    as FIX asks, or nobody would talk to it for long."""

    def __init__(self, loop: VirtualLoop, client: str, venue: Venue, version: str) -> None:
        self.version = version
        self.received: list[Message] = []
        self.frames: list[bytes] = []
        self.sent: dict[int, tuple[str, Body]] = {}
        """By number."""
        self.lost: set[int] = set()
        """Numbers that the venue asked for again, and got gap-filled."""
        self.last_words: set[int] = set()
        """Numbers said in the instant of a Logout: who is gone cannot be answered."""
        self.next_out = 1
        self.up = False
        self._said_ns: dict[int, int] = {}
        self._loop = loop
        self._client = client
        self._venue = venue
        self._line: Line | None = None
        self._pending = b""

    def connect(self, *, reset: bool = False) -> None:
        """A new connection, and a Logon on it."""
        session = self._venue.server.reactor.resolve(
            self.version, self._client, self._venue.file.comp_id
        )
        assert session is not None
        self._pending = b""
        line = self._line = Line(self._loop, LINE_NS, self._client, "venue")
        line.near.protocol = self
        bind(self._venue.server.reactor, self._loop, session, line.far, lambda: None)
        self.up = True
        if reset:
            self.next_out = 1
        self.say("A", [(98, 0), (108, 30), *([(141, "Y")] if reset else [])])

    def cut(self) -> None:
        """The line goes down at both ends."""
        assert self._line is not None
        self.up = False
        self._line.cut()

    def say(self, msg_type: str, body: Body) -> int:
        """Send a message under the next number; the number."""
        number = self.next_out
        self.next_out += 1
        self.sent[number] = (msg_type, body)
        self._said_ns[number] = self._loop.now_ns
        if msg_type == "5":
            now = self._loop.now_ns
            self.last_words.update(n for n, at_ns in self._said_ns.items() if at_ns == now)
        self.put(self.frame(msg_type, body, number))
        return number

    def put(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self.up and self._line is not None:
            self._line.near.write(data)

    def frame(self, msg_type: str, body: Body, number: int) -> bytes:
        """A message as bytes."""
        now = self.stamp()
        fields: Body = [(35, msg_type), (34, number), (49, self._client), (52, now)]
        fields += [(56, self._venue.file.comp_id), *body]
        text = "".join(f"{tag}={value}{SOH}" for tag, value in fields)
        text = f"8={self.version}{SOH}9={len(text)}{SOH}{text}"
        return f"{text}10={sum(text.encode('latin-1')) % 256:03}{SOH}".encode("latin-1")

    def stamp(self) -> str:
        """The time as FIX writes it."""
        seconds, nanos = divmod(self._loop.now_ns, SECOND)
        whole = datetime.fromtimestamp(seconds, UTC)
        return f"{whole:%Y%m%d-%H:%M:%S}.{nanos // 1_000_000:03}"

    # --- what the line calls --------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Whole messages are read at once."""
        *frames, self._pending = _cut(self._pending + data)
        for frame in frames:
            self.frames.append(frame)
            message = decode(frame)
            self.received.append(message)
            self._answer(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """The venue hung up, or the line was cut."""
        self.up = False

    def _answer(self, message: Message) -> None:
        if message.msg_type == "1":
            self.say("0", [(112, message[112])])
        elif message.msg_type == "2":
            body: Body = [(43, "Y"), (122, self.stamp()), (123, "Y"), (36, self.next_out)]
            self.lost.update(range(int(message[7]), self.next_out))
            self.put(self.frame("4", body, int(message[7])))
        elif message.msg_type == "5" and self.up:
            self.say("5", [])


def _cut(data: bytes) -> list[bytes]:
    """Whole messages, and last what is left of an unfinished one."""
    parts: list[bytes] = []
    while (end := data.find(b"\x0110=")) >= 0 and end + 8 <= len(data):
        parts.append(data[: end + 8])
        data = data[end + 8 :]
    return [*parts, data]
