"""The FIX session of the bundled EMS: an initiator, as a machine without I/O.

Owns: sequence numbers, logon and logout, heartbeats, gaps in both directions, resets.
May not know: sockets, files, the clock (`now` is an argument), what an order is.

How to drive it: call an input (`connect`, `receive`, `tick`, `send`, ...), then in this order
write `take_records()` to the state file, `take_output()` to the socket, and act on
`take_events()`. So nothing leaves, and nothing is acted on, before it is written down; after a
crash the session goes on from the records.

A message is *consumed* when it comes in sequence; one that comes too early waits in a bounded
queue while the gap is asked for once. What the peer asks for again is answered from the stored
application messages, with 43=Y and 122, and a GapFill for each run of anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from sor_gateway.client.wire import (
    NANOS_PER_SECOND,
    Pairs,
    Reader,
    Received,
    Tag,
    encode,
    parse,
    parse_timestamp,
    timestamp,
)

QUEUE_LIMIT: Final = 10_000
"""Most messages kept while a gap before them is open."""
SENDING_TIME_TOLERANCE_NS: Final = 120 * NANOS_PER_SECOND
LOGOUT_TIMEOUT_NS: Final = 2 * NANOS_PER_SECOND
RESEND_TIMEOUT_NS: Final = 5 * NANOS_PER_SECOND
TEST_REQUEST_AFTER: Final = 1.2
"""Silence, in heartbeat intervals, before the peer is asked whether it lives."""
CUT_AFTER: Final = 2.4

LOGON: Final = "A"
HEARTBEAT: Final = "0"
TEST_REQUEST: Final = "1"
RESEND_REQUEST: Final = "2"
REJECT: Final = "3"
SEQUENCE_RESET: Final = "4"
LOGOUT: Final = "5"
ADMIN: Final = frozenset({LOGON, HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, SEQUENCE_RESET, LOGOUT})
"""Never sent again, always gap-filled. A Reject (3) of ours is gap-filled too."""


class State(StrEnum):
    """Where a connection is in its life."""

    OFFLINE = "offline"
    LOGGING_ON = "logging-on"
    ACTIVE = "active"
    LOGGING_OUT = "logging-out"
    CLOSING = "closing"
    """Nothing is read any more: the transport has to go."""


@dataclass(slots=True)
class SessionSettings:
    """Who we are and how patient."""

    begin_string: str = "FIX.4.4"
    sender_comp_id: str = "EMS"
    target_comp_id: str = "SOR"
    heart_bt_int_s: int = 30
    logon_timeout_ns: int = 5 * NANOS_PER_SECOND


@dataclass(slots=True)
class Numbers:
    """The durable part."""

    next_in: int = 1
    next_out: int = 1
    reset_pending: bool = False
    """We asked for 141=Y and have not seen the peer's: every Logon of ours carries it."""
    sent: dict[int, bytes] = field(default_factory=dict)
    """Our application messages since the numbers began at 1, by number. One trader's orders:
    it grows by what this program itself submits, and a reset empties it."""


@dataclass(slots=True)
class Record:
    """A line of the state file: what happened to the numbers, and the message that did it."""

    kind: Literal["out", "in", "hint", "numbers", "reset-asked", "reset-done"]
    number: int = 0
    """The message's number; for `numbers` the next inbound number."""
    raw: bytes = b""
    """Application messages only; admin messages leave no more than their number."""


@dataclass(slots=True)
class LoggedOn:
    """Logons were exchanged."""


@dataclass(slots=True)
class LoggedOut:
    """The session is over on this connection."""

    reason: str


@dataclass(slots=True)
class EpochBegan:
    """Both sides count from 1 again: what the peer did not answer, it may not have."""


@dataclass(slots=True)
class Application:
    """An application message, or a Reject (3) of one of ours. A hint did not move the number (it
    came twice, or a GapFill covered it): only good for deduplicated booking."""

    message: Received
    hint: bool = False


@dataclass(slots=True)
class Incident:
    """Something a person may want to know; it has been dealt with."""

    text: str


Event = LoggedOn | LoggedOut | EpochBegan | Application | Incident


class Session:
    """See the module. `numbers` is what the state file held."""

    def __init__(self, settings: SessionSettings, numbers: Numbers) -> None:
        self.settings = settings
        self.numbers = numbers
        self.state = State.OFFLINE
        self._reader = Reader()
        self._records: list[Record] = []
        self._output: list[bytes] = []
        self._events: list[Event] = []
        self._forget_connection(0)

    # --- what the owner reads ---------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether application messages may be sent."""
        return self.state is State.ACTIVE

    @property
    def closing(self) -> bool:
        """Whether the transport has to be closed once the output is written."""
        return self.state is State.CLOSING

    def take_records(self) -> list[Record]:
        """What has to be written down before anything else happens."""
        records, self._records = self._records, []
        return records

    def take_output(self) -> bytes:
        """Bytes for the peer."""
        output, self._output = b"".join(self._output), []
        return output

    def take_events(self) -> list[Event]:
        """What happened, oldest first."""
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> int | None:
        """When `tick` is due, in ns; None while offline."""
        if self.state in (State.OFFLINE, State.CLOSING):
            return None
        if self.state is not State.ACTIVE:
            return self._deadline_ns
        interval = self.settings.heart_bt_int_s * NANOS_PER_SECOND
        patience = CUT_AFTER if self._test_pending else TEST_REQUEST_AFTER
        due = min(self._last_out_ns + interval, self._last_in_ns + int(interval * patience))
        return min(due, self._resend_deadline_ns) if self._gap_open else due

    # --- inputs -----------------------------------------------------------------------------

    def connect(self, now: int) -> None:
        """The transport is up: log on."""
        assert self.state is State.OFFLINE, f"connected twice: {self.state}"
        self._forget_connection(now)
        self.state = State.LOGGING_ON
        self._deadline_ns = now + self.settings.logon_timeout_ns
        if self.numbers.reset_pending:
            self.numbers.next_in = self.numbers.next_out = 1
            self.numbers.sent.clear()
            self._records.append(Record("reset-asked"))
        self._logon(now, self.numbers.reset_pending)

    def disconnect(self, reason: str) -> None:
        """The transport is gone."""
        if self.state is State.OFFLINE:
            return
        said = self.state is State.CLOSING
        self.state = State.OFFLINE
        if not said:
            self._events.append(LoggedOut(reason))

    def receive(self, data: bytes, now: int) -> None:
        """Bytes from the peer."""
        before = self._reader.garbled
        for message in self._reader.feed(data):
            if self.state in (State.OFFLINE, State.CLOSING):
                return
            self._last_in_ns = now
            self._test_pending = False
            self._accept(message, now)
        if self._reader.garbled > before:
            self._events.append(Incident("garbled bytes from the peer were dropped"))

    def tick(self, now: int) -> None:
        """A deadline may have passed."""
        if self.state in (State.LOGGING_ON, State.LOGGING_OUT):
            if now >= self._deadline_ns:
                self._close(f"no answer while {self.state}")
            return
        if self.state is not State.ACTIVE:
            return
        interval = self.settings.heart_bt_int_s * NANOS_PER_SECOND
        silence = now - self._last_in_ns
        if silence >= int(interval * CUT_AFTER):
            self._close("the peer is silent")
            return
        if silence >= int(interval * TEST_REQUEST_AFTER) and not self._test_pending:
            self._test_pending = True
            self._send(TEST_REQUEST, [(Tag.TEST_REQ_ID, f"SILENCE-{now}")], now)
        if now - self._last_out_ns >= interval:
            self._send(HEARTBEAT, [], now)
        if self._gap_open and now >= self._resend_deadline_ns:
            self._gap_unanswered(now)

    def send(self, msg_type: str, body: Pairs, now: int, poss_resend: bool = False) -> int:
        """Number and send an application message; only while active. Returns its number."""
        assert self.active, f"cannot send while {self.state}"
        assert msg_type not in ADMIN, msg_type
        header = [(int(Tag.POSS_RESEND), "Y")] if poss_resend else []
        return self._send(msg_type, body, now, header)

    def reset(self) -> None:
        """Start the numbers anew: effective with the next Logon."""
        self.numbers.reset_pending = True
        self._records.append(Record("reset-asked"))

    def logout(self, now: int, text: str = "") -> None:
        """Say goodbye; the peer's answer (or 2 s without one) closes the connection."""
        if self.state is not State.ACTIVE:
            return
        self._send(LOGOUT, [(Tag.TEXT, text)] if text else [], now)
        self.state = State.LOGGING_OUT
        self._deadline_ns = now + LOGOUT_TIMEOUT_NS

    # --- what comes in ----------------------------------------------------------------------

    def _accept(self, message: Received, now: int) -> None:
        """Header checks, then the number decides."""
        number = message.number(Tag.MSG_SEQ_NUM)
        if number is None:
            self._farewell("MsgSeqNum (34) is missing or no number", now)
            return
        if self.state is State.LOGGING_ON and message.msg_type not in (LOGON, LOGOUT):
            self._close(f"the first message is a {message.msg_type}, not a Logon")
            return
        if not self._header_holds(message, number, now):
            return
        if message.msg_type == LOGON:
            self._on_logon(message, number, now)
        elif message.msg_type == LOGOUT:
            self._on_logout(message, number, now)
        elif message.msg_type == SEQUENCE_RESET and not message.flag(Tag.GAP_FILL_FLAG):
            self._on_reset(message, number, now)
        elif number > self.numbers.next_in:
            self._on_high(message, number, now)
        elif number < self.numbers.next_in:
            self._on_low(message, number, now)
        else:
            self._consume(message, number, now)
            self._drain(now)

    def _header_holds(self, message: Received, number: int, now: int) -> bool:
        """BeginString, CompIDs and SendingTime; what fails ends the session (FIX 4.4 vol. 2)."""
        settings = self.settings
        if message.get(Tag.BEGIN_STRING) != settings.begin_string:
            self._farewell(f"BeginString is not {settings.begin_string}", now)
            return False
        comp_ids = message.get(Tag.SENDER_COMP_ID), message.get(Tag.TARGET_COMP_ID)
        if comp_ids != (settings.target_comp_id, settings.sender_comp_id):
            self._reject(number, message, "9", f"49/56 are {comp_ids}, not ours", now)
            self._farewell("CompID problem", now)
            return False
        sent_ns = parse_timestamp(message.get(Tag.SENDING_TIME))
        if sent_ns is None or abs(now - sent_ns) > SENDING_TIME_TOLERANCE_NS:
            text = f"52={message.get(Tag.SENDING_TIME)} is missing or off by more than 120 s"
            self._reject(number, message, "10", text, now)
            self._farewell("SendingTime accuracy problem", now)
            return False
        return True

    def _on_logon(self, message: Received, number: int, now: int) -> None:
        """The answer to our Logon, or a reset within the session."""
        asked = self.numbers.reset_pending
        if message.flag(Tag.RESET_SEQ_NUM_FLAG):
            self._begin_epoch(asked)
            if self.state is State.ACTIVE and not asked:
                self._logon(now, reset=True)  # a reset within the session is answered in kind
        elif asked:
            # Numbers of the two sides would differ in meaning: recovery.md 2.2.
            self._farewell("141=Y was asked for and not answered", now)
            return
        if number < self.numbers.next_in:
            self._on_low(message, number, now)
            return
        if self.state is State.LOGGING_ON:
            self.state = State.ACTIVE
            self._events.append(LoggedOn())
        if number > self.numbers.next_in:
            self._ask_again(number, now)
        else:
            self._advance(number, b"")
            self._drain(now)

    def _begin_epoch(self, asked: bool) -> None:
        """The peer's Logon carries 141=Y. An unasked one makes our next number 1; ours that
        answered to nothing is forgotten with the old epoch."""
        self.numbers.next_in = 1
        if not asked:
            self.numbers.next_out = 1
            self.numbers.sent.clear()
        self.numbers.reset_pending = False
        self._queue.clear()
        self._gap_through = 0
        self._records.append(Record("reset-done", self.numbers.next_out))
        self._events.append(EpochBegan())

    def _on_logout(self, message: Received, number: int, now: int) -> None:
        """Honoured whatever its number; it moves the number only in sequence."""
        if number == self.numbers.next_in:
            self._advance(number, b"")
        if self.state is State.ACTIVE:
            self._send(LOGOUT, [], now)
        self._close(f"logout: {message.get(Tag.TEXT, 'no text')}")

    def _on_reset(self, message: Received, number: int, now: int) -> None:
        """SequenceReset-Reset: applied whatever its own number, never backwards."""
        new = message.number(Tag.NEW_SEQ_NO)
        if new is None or new < self.numbers.next_in:
            text = f"36={message.get(Tag.NEW_SEQ_NO)} is below {self.numbers.next_in}"
            self._reject(number, message, "5", text, now)
            return
        self._pass_over(new)
        self._drain(now)

    def _on_gap_fill(self, message: Received, number: int, now: int) -> None:
        """SequenceReset-GapFill in sequence."""
        new = message.number(Tag.NEW_SEQ_NO)
        if new is None or new <= number:
            self._advance(number, b"")
            text = f"36={message.get(Tag.NEW_SEQ_NO)} is not above 34={number}"
            self._reject(number, message, "5", text, now)
            return
        self._pass_over(new)

    def _pass_over(self, new: int) -> None:
        """The peer says that everything below `new` need not be waited for. What is queued below
        it was real all the same: a hint."""
        self.numbers.next_in = new
        self._records.append(Record("numbers", new))
        for number in sorted(queued for queued in self._queue if queued < new):
            self._hint(self._queue.pop(number))

    def _on_high(self, message: Received, number: int, now: int) -> None:
        """Keep it, and ask for what is missing, once."""
        if len(self._queue) >= QUEUE_LIMIT and number not in self._queue:
            self._farewell(f"more than {QUEUE_LIMIT} messages wait behind a gap", now)
            return
        if message.msg_type == RESEND_REQUEST and number not in self._queue:
            # Both sides may have gaps: the peer's is served while ours is open, or neither ends.
            self._serve(message, now)
        self._queue[number] = message
        self._ask_again(number, now)

    def _ask_again(self, number: int, now: int) -> None:
        """One ResendRequest per gap: the gap ends below `number`."""
        if self._gap_open:
            return
        self._gap_through = number - 1
        self._asked_twice = False
        self._request_resend(now)

    def _request_resend(self, now: int) -> None:
        self._resend_deadline_ns = now + RESEND_TIMEOUT_NS
        begin = str(self.numbers.next_in)
        self._send(RESEND_REQUEST, [(Tag.BEGIN_SEQ_NO, begin), (Tag.END_SEQ_NO, "0")], now)

    def _gap_unanswered(self, now: int) -> None:
        """Repeated once, then goodbye (recovery.md 2.5)."""
        if self._asked_twice:
            self._farewell("our ResendRequest was not answered", now)
            return
        self._asked_twice = True
        self._request_resend(now)

    def _on_low(self, message: Received, number: int, now: int) -> None:
        """A duplicate says so; anything else means that the counters differ."""
        expected = self.numbers.next_in
        if not message.flag(Tag.POSS_DUP_FLAG):
            self._farewell(f"MsgSeqNum too low, expecting {expected} but received {number}", now)
            return
        original = parse_timestamp(message.get(Tag.ORIG_SENDING_TIME))
        if original is None:
            self._reject(number, message, "1", "43=Y without OrigSendingTime (122)", now)
        elif original > (parse_timestamp(message.get(Tag.SENDING_TIME)) or 0):
            self._reject(number, message, "10", "122 is later than 52", now)
            self._farewell("OrigSendingTime is later than SendingTime", now)
        else:
            self._hint(message)

    def _hint(self, message: Received) -> None:
        if message.msg_type in ADMIN or message.msg_type == REJECT:
            return
        self._records.append(Record("hint", 0, message.raw))
        self._events.append(Application(message, hint=True))

    def _drain(self, now: int) -> None:
        """Consume what waited for the number that has just come."""
        while (message := self._queue.pop(self.numbers.next_in, None)) is not None:
            if message.msg_type == RESEND_REQUEST:
                self._advance(self.numbers.next_in, b"")  # served when it came
            else:
                self._consume(message, self.numbers.next_in, now)
        if self._queue and not self._gap_open:
            self._ask_again(min(self._queue), now)

    def _consume(self, message: Received, number: int, now: int) -> None:
        """A message in sequence."""
        if message.msg_type == SEQUENCE_RESET:
            self._on_gap_fill(message, number, now)
            return
        application = message.msg_type not in ADMIN
        self._advance(number, message.raw if application else b"")
        if message.msg_type == TEST_REQUEST:
            self._send(HEARTBEAT, [(Tag.TEST_REQ_ID, message.get(Tag.TEST_REQ_ID))], now)
        elif message.msg_type == RESEND_REQUEST:
            self._serve(message, now)
        elif application:
            self._events.append(Application(message))

    def _serve(self, message: Received, now: int) -> None:
        """Answer a ResendRequest: application messages again, a GapFill for each other run."""
        begin, end = message.number(Tag.BEGIN_SEQ_NO), message.number(Tag.END_SEQ_NO)
        last = self.numbers.next_out - 1
        if not begin or end is None or begin > last:
            self._events.append(Incident(f"a ResendRequest for {begin} to {end}: we are at {last}"))
            return
        last = min(end, last) if end else last
        run = begin
        for number in range(begin, last + 1):
            raw = self.numbers.sent.get(number)
            if raw is None:
                continue
            self._gap_fill(run, number, now)
            self._write(again(raw, self.settings, now), now)
            run = number + 1
        self._gap_fill(run, last + 1, now)

    def _gap_fill(self, number: int, new: int, now: int) -> None:
        """Pass over our numbers from `number` to below `new`; none, when they are the same."""
        if number >= new:
            return
        header = self._header(number, now, [(Tag.POSS_DUP_FLAG, "Y")])
        header.append((Tag.ORIG_SENDING_TIME, timestamp(now)))
        body = [(Tag.GAP_FILL_FLAG, "Y"), (Tag.NEW_SEQ_NO, str(new))]
        self._write(encode(self.settings.begin_string, SEQUENCE_RESET, header + body), now)

    # --- what goes out ----------------------------------------------------------------------

    def _send(self, msg_type: str, body: Pairs, now: int, extra: Pairs | None = None) -> int:
        """Give a message its number, note it, queue its bytes."""
        number = self.numbers.next_out
        header = self._header(number, now, extra or [])
        raw = encode(self.settings.begin_string, msg_type, header + body)
        self.numbers.next_out = number + 1
        stored = b"" if msg_type in ADMIN or msg_type == REJECT else raw
        if stored:
            self.numbers.sent[number] = stored
        self._records.append(Record("out", number, stored))
        self._write(raw, now)
        return number

    def _logon(self, now: int, reset: bool) -> None:
        body = [(Tag.ENCRYPT_METHOD, "0"), (Tag.HEART_BT_INT, str(self.settings.heart_bt_int_s))]
        if reset:
            body.append((Tag.RESET_SEQ_NUM_FLAG, "Y"))
        self._send(LOGON, body, now)

    def _header(self, number: int, now: int, extra: Pairs) -> Pairs:
        return [
            (Tag.SENDER_COMP_ID, self.settings.sender_comp_id),
            (Tag.TARGET_COMP_ID, self.settings.target_comp_id),
            (Tag.MSG_SEQ_NUM, str(number)),
            (Tag.SENDING_TIME, timestamp(now)),
            *extra,
        ]

    def _write(self, raw: bytes, now: int) -> None:
        self._last_out_ns = now
        self._output.append(raw)

    def _reject(self, number: int, message: Received, reason: str, text: str, now: int) -> None:
        body = [
            (Tag.REF_SEQ_NUM, str(number)),
            (Tag.TEXT, text),
            (Tag.REF_MSG_TYPE, message.msg_type),
            (Tag.SESSION_REJECT_REASON, reason),
        ]
        self._send(REJECT, body, now)

    def _farewell(self, text: str, now: int) -> None:
        """Logout with a reason, and close without waiting for the answer."""
        if self.state in (State.ACTIVE, State.LOGGING_ON):
            self._send(LOGOUT, [(Tag.TEXT, text)], now)
        self._close(text)

    def _close(self, reason: str) -> None:
        self.state = State.CLOSING
        self._events.append(LoggedOut(reason))

    # --- bookkeeping ------------------------------------------------------------------------

    @property
    def _gap_open(self) -> bool:
        return self._gap_through >= self.numbers.next_in

    def _advance(self, number: int, raw: bytes) -> None:
        assert number == self.numbers.next_in, f"{number} consumed out of turn"
        self.numbers.next_in = number + 1
        self._records.append(Record("in", number, raw))

    def _forget_connection(self, now: int) -> None:
        """Everything that dies with a connection."""
        self._reader = Reader()
        self._queue: dict[int, Received] = {}
        self._gap_through = 0
        self._asked_twice = False
        self._resend_deadline_ns = 0
        self._test_pending = False
        self._last_in_ns = now
        self._last_out_ns = now
        self._deadline_ns = 0
        self._output = []


def again(raw: bytes, settings: SessionSettings, now: int) -> bytes:
    """A stored message of ours as a possible duplicate: 43=Y, a new 52, the old one in 122."""
    message = parse(raw)
    assert message is not None, "a stored message of ours cannot be read"
    framing = (Tag.BEGIN_STRING, Tag.BODY_LENGTH, Tag.MSG_TYPE, Tag.CHECK_SUM)
    pairs: Pairs = []
    for tag, value in message.pairs:
        if tag == Tag.SENDING_TIME:
            pairs += [
                (Tag.POSS_DUP_FLAG, "Y"),
                (Tag.SENDING_TIME, timestamp(now)),
                (Tag.ORIG_SENDING_TIME, value),
            ]
        elif tag not in framing:
            pairs.append((tag, value))
    return encode(settings.begin_string, message.msg_type, pairs)
