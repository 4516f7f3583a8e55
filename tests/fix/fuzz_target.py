"""What the fuzzer does with its bytes: a session, its peer's messages, and what must hold after.

An input is text, so that a coverage-guided fuzzer can take it apart and put it together again: the
first byte chooses how the session is configured, each line is a step, its first letter the kind:

    m35=0|112=X      the peer's message; 8, 9, 10, and unless written 34, 49, 52 and 56, are added;
                     a value @ or @3 is the expected number, or three above it
    r...             these bytes, as they are
    t9               time goes on by the code of the next character, in seconds
    d                the line is lost and comes up again
    s a p l x c      we send, answer a part or all of a replay, log out, reset, challenge
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sor_gateway.fix.codec import Framer
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.events import AppReceived, Close
from sor_gateway.fix.session import Consumed, Numbers, Role, Sent, Session, SessionSettings
from sor_gateway.fix.states import State

SECOND_NS = 1_000_000_000
START_NS = 1_772_461_800 * SECOND_NS  # 2026-03-02 14:30:00 UTC
START_STAMP = b"20260302-14:%02d:%02d"
PASSWORD = "hush-hush"
STEPS_MAX = 200

_PASSWORD_FIELD = re.compile(rb"\x01(?:554|925)=" + PASSWORD.encode() + rb"(?=\x01)")
_EXPECTED = re.compile(rb"=@([0-9]?)(?=\||$)")


@dataclass(slots=True)
class Tally:
    """What was fed, over all inputs."""

    inputs: int = 0
    messages: int = 0
    """Lines that became messages of the peer, and pieces of raw bytes."""
    bytes: int = 0
    received: int = 0
    """Application messages that came through."""


class Fuzzed:
    """One input from beginning to end."""

    def __init__(self, choice: int, tally: Tally) -> None:
        begin_string = "FIX.4.2" if choice & 1 else "FIX.4.4"
        dictionary = load_packaged(begin_string) if choice & 2 else None
        self.settings = SessionSettings(
            name="fuzz",
            begin_string=begin_string,
            sender_comp_id="US",
            target_comp_id="YOU",
            role=Role.INITIATOR if choice & 4 else Role.ACCEPTOR,
            markers=not choice & 8,
            validation="lenient" if choice & 16 else "strict",
            send_next_expected=bool(choice & 32),
            last_processed=bool(choice & 32),
            resend_chunk=3 if choice & 64 else 0,
            queue_limit=5,
            on_low_number="reset" if choice & 128 else "operator",
            username="you" if choice & 128 else None,
            password=PASSWORD if choice & 128 else None,
            max_message_bytes=2_048,
        )
        self.session = Session(self.settings, Numbers(), dictionary)
        self.now = START_NS
        self.tally = tally
        self.written = Framer(1 << 20)
        self.spilled = False
        """The peer itself wrote the password where nobody looks for one: a text may repeat it."""
        self.last_in = self.last_out = 0
        self.epoch_in = self.epoch_out = 1
        self.session.connect(self.now)
        self.settle()

    def step(self, line: bytes) -> None:
        """One line of the input."""
        session, kind, rest = self.session, line[:1], line[1:]
        if kind in b"mr" and kind:
            self.feed(self.message(rest) if kind == b"m" else rest)
        elif kind == b"t":
            self.now += (rest[0] if rest else 1) * SECOND_NS
            deadline = session.next_deadline()
            if deadline is not None and deadline <= self.now:
                session.tick(self.now)
        elif kind == b"d":
            session.disconnect(self.now, "cut") if session.state is not State.DISCONNECTED else None
            self.settle()
            session.connect(self.now)
        elif kind == b"s" and session.logged_on:
            session.send("D", [(11, "A"), (58, "text")], self.now)
        elif kind in (b"a", b"p") and session.replaying is not None:
            begin, end = session.replaying
            session.resend([], end if kind == b"a" else begin, self.now, [begin])
        elif kind == b"l":
            session.logout("enough", self.now)
        elif kind == b"x":
            session.reset(self.now)
        elif kind == b"c":
            session.challenge(self.now)
        self.settle()

    def feed(self, data: bytes) -> None:
        self.tally.messages += 1
        self.tally.bytes += len(data)
        if data.count(PASSWORD.encode()) != len(_PASSWORD_FIELD.findall(data)):
            self.spilled = True
        self.session.receive(data, self.now)

    def message(self, text: bytes) -> bytes:
        """A message of the peer that the framer will take, unless the text has its own 9 or 10."""
        expected = self.session.numbers.next_in
        text = _EXPECTED.sub(lambda m: b"=%d" % (expected + int(m[1] or 0)), text)
        fields = text.rstrip(b"|").split(b"|")
        have = {field.partition(b"=")[0] for field in fields}
        minute, second = divmod((self.now - START_NS) // SECOND_NS + 30 * 60, 60)
        header = {
            b"34": b"%d" % expected,
            b"49": b"YOU",
            b"52": START_STAMP % (minute % 60, second),
            b"56": b"US",
        }
        fields[1:1] = [b"%s=%s" % (tag, value) for tag, value in header.items() if tag not in have]
        body = b"".join(field + b"\x01" for field in fields)
        if b"8" in have or b"9" in have or b"10" in have:
            return body
        head = b"8=%s\x019=%d\x01" % (self.settings.begin_string.encode(), len(body)) + body
        return head + b"10=%03d\x01" % (sum(head) % 256)

    def settle(self) -> None:
        """Take everything, and hold it against what must be true."""
        session = self.session
        numbers = session.numbers
        events = session.take_events()
        for sent in session.take_sent():
            self.check_sent(sent)
        for consumed in session.take_consumed():
            self.check_consumed(consumed)
        output = session.take_output()
        if output:
            self.written.feed(output)
            assert self.written.garbled == 0, "wrote what nobody can read"
            assert self.written.pending_bytes == 0, "wrote half a message"
        assert numbers.proven_through < numbers.next_out
        deadline = session.next_deadline()
        if session.state is State.DISCONNECTED:
            assert deadline is None, "a deadline without a line"
        if session.state is State.CLOSING:
            assert session.replaying is None
        received = sum(isinstance(event, AppReceived) for event in events)
        self.tally.received += received
        if any(isinstance(event, Close) for event in events):
            assert self.spilled or PASSWORD not in repr(events), "a password in an event"
            session.disconnect(self.now, "closed")
            session.take_events()

    def check_sent(self, sent: Sent) -> None:
        if sent.epoch != self.epoch_out:
            assert sent.epoch > self.epoch_out, "an epoch came back"
            self.epoch_out, self.last_out = sent.epoch, 0
        assert sent.number == self.last_out + 1, "a number was left out or used twice"
        self.last_out = sent.number
        shown = PASSWORD.encode() in sent.raw
        assert self.spilled or not shown, "a password in the record"

    def check_consumed(self, consumed: Consumed) -> None:
        if consumed.epoch != self.epoch_in:
            assert consumed.epoch > self.epoch_in, "an epoch came back"
            self.epoch_in, self.last_in = consumed.epoch, 0
        assert consumed.number > self.last_in, "a number was consumed twice"
        self.last_in = consumed.number


def play(data: bytes, tally: Tally) -> None:
    """One input. Raises AssertionError, or whatever else goes wrong, when the session is at
    fault."""
    if not data:
        return
    tally.inputs += 1
    fuzzed = Fuzzed(data[0], tally)
    for line in data[1:].split(b"\n")[:STEPS_MAX]:
        fuzzed.step(line)


LOGON = b"m35=A|98=0|108=30\n"
SEEDS: tuple[bytes, ...] = (
    LOGON + b"m35=0\nm35=1|112=X\ns\nm35=2|7=1|16=0\na\nm35=5",
    LOGON + b"m35=1|34=@3|112=H\nm35=4|34=@|43=Y|122=20260302-14:30:00|123=Y|36=@2\nm35=0",
    LOGON + b"m35=4|36=@5\nm35=4|36=1\nm35=4|123=Y|36=@9\nm35=D|11=A|55=X\n",
    LOGON + b"x\nm35=A|34=1|98=0|108=30|141=Y\nm35=0|34=@|112=M2.1\ns\nm35=3|45=2\n",
    LOGON + b"m35=D|34=1|43=Y|11=A\nm35=D|34=1|43=Y|122=20260302-14:30:00|11=A\nm35=D|34=1\n",
    LOGON + b"m35=D|115=A|128=B|11=|55=X|54=1\nm35=D|56=|11=A\nm35=*\nm35=D|54=1|56=US\n",
    LOGON + b"r8=FIX.4.4\x019=5\x0135=0\x0110=000\x01\nm35=0|10=1\nm35=1|112=OK\nrjunk8=FI\n",
    LOGON + b"c\nt\x1f\nt\x1f\nt\x1f\nd\n" + LOGON + b"l\nm35=5\nd\n" + LOGON,
    b"m35=A|98=0|108=30|141=Y|553=you|554=hush-hush|789=1\nm35=0|369=1\ns\nm35=2|7=2|16=2\np\n",
    LOGON
    + b"s\ns\ns\nm35=2|34=@2|7=1|16=2\np\nm35=2|34=@|7=3|16=0\na\na\nm35=4|34=@|36=@4|123=Y\n",
    LOGON + b"m35=D|11=A|21=1|55=X|54=1|60=20260302-14:30:00|38=1|40=1|386=1|336=A\nm35=j|45=1\n",
    b"m35=A|34=@4|98=0|108=5\nm35=A|98=0|108=30|95=3|96=a\x01b\nm35=BE|553=a|554=hush-hush\n",
)
"""Where to begin: one conversation for each part of the session layer."""


def seeds() -> list[bytes]:
    """Each conversation under several configurations, then all of them in a row."""
    choices = (0, 2, 6, 12, 50, 66, 128, 255)
    each = [bytes([choice]) + text for text in SEEDS for choice in choices]
    return each + [bytes([choice]) + b"\nd\n".join(SEEDS) for choice in choices]
