"""Readable FIX for tests of the session layer.

`fix("35=0|34=1|")` makes the bytes of a message; `Script` drives one session against a peer that
is played by the test; `SessionPair` joins two sessions by lists of bytes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sor_gateway.fix.dictionary import Dictionary
from sor_gateway.fix.events import Event, ReplayWanted
from sor_gateway.fix.session import Consumed, Numbers, Role, Sent, Session, SessionSettings

SECOND_NS = 1_000_000_000
#: 2026-03-02 14:30:00 UTC
START_NS = 1_772_461_800 * SECOND_NS
START_TEXT = "20260302-14:30:00.000"

E = TypeVar("E")


def fix(text: str, begin_string: str = "FIX.4.4") -> bytes:
    """A message from readable text without 8, 9 and 10, which are added."""
    body = text.replace("|", "\x01").encode("latin-1")
    head = f"8={begin_string}\x019={len(body)}\x01".encode()
    return head + body + b"10=%03d\x01" % (sum(head + body) % 256)


def split(data: bytes) -> list[bytes]:
    """The messages in some output; checks BodyLength and CheckSum by the book."""
    messages = []
    while data:
        end = data.index(b"\x0110=") + 8
        raw, data = data[:end], data[end:]
        head, _, rest = raw.partition(b"\x0135=")
        assert int(head.rpartition(b"9=")[2]) == len(b"35=" + rest) - 7, raw
        assert int(raw[-4:-1]) == sum(raw[:-7]) % 256, raw
        messages.append(raw)
    return messages


def show(raw: bytes) -> str:
    """A message as text without 8, 9 and 10."""
    fields = raw.decode("latin-1").split("\x01")
    assert fields[0].startswith("8=")
    assert fields[1].startswith("9=")
    assert fields[-2].startswith("10=")
    return "|".join(fields[2:-2]) + "|"


def settings(**changes: Any) -> SessionSettings:
    """An acceptor GATEWAY that talks to PEER."""
    base = SessionSettings(
        name="test",
        begin_string="FIX.4.4",
        sender_comp_id="GATEWAY",
        target_comp_id="PEER",
        role=Role.ACCEPTOR,
    )
    return replace(base, **changes)


class Script:
    """One session and a peer that the test plays.

    The peer's `35=..|34=..|` gets 49, 52 and 56 unless the text has them; what the session writes
    is shown without them. Whole literals are compared in `TestWholeMessages`.
    """

    def __init__(
        self,
        numbers: Numbers | None = None,
        dictionary: Dictionary | None = None,
        **changes: Any,
    ) -> None:
        self.settings = settings(**changes)
        self.session = Session(self.settings, numbers or Numbers(), dictionary)
        self.now = START_NS
        self.events: list[Event] = []
        self.sent: list[Sent] = []
        self.consumed: list[Consumed] = []

    @property
    def numbers(self) -> Numbers:
        return self.session.numbers

    def peer_text(self, text: str) -> str:
        """The text with the standard header of the peer put behind 34."""
        fields = text.rstrip("|").split("|")
        have = {field.partition("=")[0] for field in fields}
        header = {
            "49": self.settings.target_comp_id,
            "52": stamp(self.now),
            "56": self.settings.sender_comp_id,
        }
        at = 2 if "34" in have else 1
        fields[at:at] = [f"{tag}={value}" for tag, value in header.items() if tag not in have]
        return "|".join(fields) + "|"

    def raw(self, text: str) -> bytes:
        return fix(self.peer_text(text), self.settings.begin_string)

    def collect(self) -> list[str]:
        """What the session wrote, without 49, 52 and 56."""
        self.events += self.session.take_events()
        self.sent += self.session.take_sent()
        self.consumed += self.session.take_consumed()
        lines = []
        for raw in split(self.session.take_output()):
            fields = show(raw).rstrip("|").split("|")
            lines.append("|".join(f for f in fields if f[:3] not in ("49=", "52=", "56=")) + "|")
        return lines

    def peer(self, *texts: str) -> list[str]:
        """The peer sends these in one piece; gives what the session answers."""
        self.session.receive(b"".join(self.raw(text) for text in texts), self.now)
        return self.collect()

    def feed(self, data: bytes) -> list[str]:
        self.session.receive(data, self.now)
        return self.collect()

    def connect(self) -> list[str]:
        self.session.connect(self.now)
        return self.collect()

    def disconnect(self) -> list[str]:
        self.session.disconnect(self.now, "cut")
        return self.collect()

    def wait(self, seconds: float) -> list[str]:
        """Time passes; deadlines are met one by one, as a shell would."""
        until = self.now + int(seconds * SECOND_NS)
        lines: list[str] = []
        for _ in range(1_000):
            deadline = self.session.next_deadline()
            if deadline is None or deadline > until:
                break
            self.now = max(self.now, deadline)
            self.session.tick(self.now)
            lines += self.collect()
        else:
            raise AssertionError("deadlines do not move on")
        self.now = until
        return lines

    def logon(self, text: str = "35=A|34=1|98=0|108=30|") -> list[str]:
        """Connect and exchange Logons as an acceptor."""
        self.connect()
        return self.peer(text)

    def synchronise(self) -> None:
        """Return the marker that is out."""
        marker = next(s for s in reversed(self.sent) if s.msg_type == "1")
        test_req_id = marker.raw.decode().partition("\x01112=")[2].partition("\x01")[0]
        self.peer(f"35=0|34={self.numbers.next_in}|112={test_req_id}|")
        assert self.session.synchronised

    def send(self, body: str = "11=A|") -> list[str]:
        fields = [f.partition("=") for f in body.rstrip("|").split("|")]
        self.session.send("D", [(int(tag), value) for tag, _, value in fields], self.now)
        return self.collect()

    def of(self, kind: type[E]) -> list[E]:
        """All events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def raw_sent(self, number: int) -> bytes:
        """The journal's copy of one of our messages."""
        return next(s.raw for s in reversed(self.sent) if s.number == number)


def stamp(ns: int) -> str:
    """UTCTimestamp by another way than the one under test."""
    moment = datetime.fromtimestamp(ns // SECOND_NS, UTC)
    return moment.strftime("%Y%m%d-%H:%M:%S") + f".{ns % SECOND_NS // 1_000_000:03d}"


class SessionPair:
    """An initiator and an acceptor joined by lists; replays are answered with all that was sent."""

    def __init__(
        self,
        initiator: Numbers | None = None,
        acceptor: Numbers | None = None,
        **changes: Any,
    ) -> None:
        self.now = START_NS
        self.initiator = Session(
            settings(
                role=Role.INITIATOR, sender_comp_id="EMS", target_comp_id="GATEWAY", **changes
            ),
            initiator or Numbers(),
            None,
        )
        self.acceptor = Session(
            settings(target_comp_id="EMS", **changes), acceptor or Numbers(), None
        )
        self.events: dict[Session, list[Event]] = {self.initiator: [], self.acceptor: []}
        self.kept: dict[Session, dict[int, bytes]] = {self.initiator: {}, self.acceptor: {}}

    def connect(self) -> None:
        self.acceptor.connect(self.now)
        self.initiator.connect(self.now)
        self.settle()

    def cut(self, *, lose: bool = False) -> None:
        """The line goes; with `lose` whatever was being written goes with it."""
        if not lose:
            self.settle()
        for session in self.events:
            self._take(session)
            session.disconnect(self.now, "cut")
            self._take(session)

    def settle(self) -> None:
        """Carry bytes to and fro until nobody has anything to say."""
        for _ in range(100):
            written = [
                (self.acceptor, self._take(self.initiator)),
                (self.initiator, self._take(self.acceptor)),
            ]
            if not any(data for _, data in written):
                return
            for receiver, data in written:
                receiver.receive(data, self.now)
        raise AssertionError("the two never fall silent")

    def _take(self, session: Session) -> bytes:
        kept = self.kept[session]
        output = b""
        while True:
            events = session.take_events()
            self.events[session] += events
            for sent in session.take_sent():
                kept[sent.number] = sent.raw
            session.take_consumed()
            output += session.take_output()
            if not any(isinstance(event, ReplayWanted) for event in events):
                return output
            if session.replaying is not None:
                begin, end = session.replaying
                found = [(n, kept[n]) for n in range(begin, end + 1)]
                session.resend(found, end, self.now)
