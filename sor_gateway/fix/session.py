"""One FIX session: numbers, gaps, resends, resets, heartbeats, proof of receipt.

Owns: all control flow of the session layer. What it calls is a table (states), a container
(inbound, replay, timers, store) or a pure function (checks, codec).
May not know: orders, files, sockets, clocks. `now` is nanoseconds UTC and comes in; lists go out.

How it is driven
----------------

    session.connect(now)                   the transport is up
    session.receive(data, now)             bytes of the peer
    session.tick(now)                      next_deadline() has passed
    session.disconnect(now, reason)        the transport is gone

After each of these, and after `send`, `resend`, `logout`, `challenge`, `reset`:

    take_events()     what the program has to know or do
    take_sent()       messages that were given a number      } must be durable before
    take_consumed()   messages that moved the expected number } take_output() is written
    take_output()     bytes to write, in order

Numbers move only with `Sent` and `Consumed`, so a record that is lost whole, with its bytes
unwritten, leaves a world in which those messages never were (architecture.md 2c).

What the rules are called: "fix.md 1" is the session layer's list, "recovery.md 2" the list of what
makes nothing lost and nothing twice; test case numbers (2b, 14d, ...) are those of the FIX session
test cases.

The file is long because it is one conversation: every rule here reads and moves the same numbers,
gap, marker and replay, and what does not has been moved out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sor_gateway.fix import checks, tags
from sor_gateway.fix.checks import Fault, Reason, lookup_identity, number_of
from sor_gateway.fix.codec import Framer, decode
from sor_gateway.fix.dictionary import Dictionary
from sor_gateway.fix.errors import Garbled
from sor_gateway.fix.events import (
    AppReceived,
    Close,
    EpochBegan,
    Event,
    Forgot,
    Hint,
    Incident,
    LoggedOn,
    LoggedOut,
    PeerRejected,
    Proved,
    ReplayWanted,
    Resent,
    Skipped,
    Synchronised,
    Voided,
)
from sor_gateway.fix.inbound import Inbound, Queued
from sor_gateway.fix.message import Message
from sor_gateway.fix.replay import Asked, Replay
from sor_gateway.fix.sending_time import SendingTimes
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.fix.states import ESTABLISHED, LISTENING, OPEN, State, Step, follow
from sor_gateway.fix.store import (
    Consumed,
    Numbers,
    Sent,
    add_range,
    add_skipped,
    covers,
    runs_of,
)
from sor_gateway.fix.tags import ADMIN_MSG_TYPES, MsgType
from sor_gateway.fix.timers import NEVER, SECOND_NS, Timers
from sor_gateway.fix.writer import Writer

__all__ = [
    "Consumed",
    "Numbers",
    "Role",
    "Sent",
    "Session",
    "SessionSettings",
    "lookup_identity",
]

#: 16=0 asks for everything; FIX 4.1 and older engines write this instead.
END_OF_TIME: Final = 999_999

#: Most messages that waited behind a gap and are consumed in one go.
ADVANCE_CHUNK: Final = 8

#: What may be obeyed although its number is not the expected one.
_OUT_OF_TURN: Final = frozenset(
    {MsgType.LOGON, MsgType.LOGOUT, MsgType.RESEND_REQUEST, MsgType.SEQUENCE_RESET}
)
#: Types that carry passwords: the record has them blanked.
_WITH_SECRETS: Final = frozenset({MsgType.LOGON, "BE"})


class Session:
    """The machine. See the top of the file for how it is driven."""

    def __init__(
        self, settings: SessionSettings, numbers: Numbers, dictionary: Dictionary | None
    ) -> None:
        assert numbers.epoch >= 1
        assert numbers.next_in >= 1
        assert numbers.next_out >= 1
        self.settings: SessionSettings = settings
        self.numbers: Numbers = numbers
        self.state: State = State.DISCONNECTED
        self.logged_on: bool = False
        """Whether the application may send."""
        self.synchronised: bool = False
        self.unasked_in: int = 0
        """Messages of the peer so far, garbled ones included, but for those that we asked for: what
        a throttle counts."""
        self.asked_in: int = 0
        """Those that fill a gap that we asked about."""
        self._established = False
        self._listening = False
        self._announced = False
        self._dictionary = dictionary if settings.validation != "off" else None
        self._lenient = settings.validation == "lenient"

        self._begin_field = f"8={settings.begin_string}\x01".encode("latin-1")
        self._own = settings.sender_comp_id
        self._peer = settings.target_comp_id
        self.sending_times = SendingTimes(settings.sending_time_tolerance_ns)

        self._framer = Framer(settings.max_message_bytes)
        self._inbound = Inbound(settings.queue_limit)
        self._replay = Replay()
        self._timers = Timers()
        self._writer = Writer(settings, numbers)
        self._marker_number = 0
        self._marker_id = ""
        self._last_application = 0
        self._asked_again = 0  # messages that an operator asked for and that may still come
        self._peer_reset = False  # within this session, and our marker has not returned since
        self._claims_too_much = False  # in 789, perhaps: its last line came to no marker

        self._events: list[Event] = []
        self._consumed: list[Consumed] = []
        self._handlers: dict[str, Callable[[Message, int, int], None]] = {
            MsgType.HEARTBEAT: self._on_heartbeat,
            MsgType.TEST_REQUEST: self._on_test_request,
            MsgType.RESEND_REQUEST: self._on_resend_request,
            MsgType.REJECT: self._on_refused_by_peer,
            MsgType.BUSINESS_MESSAGE_REJECT: self._on_refused_by_peer,
            MsgType.LOGON: self._on_needless_logon,
        }

    # -- what comes in from the transport ----------------------------------------------------------

    def connect(self, now: int) -> None:
        """The transport is up. An initiator's Logon goes to the output."""
        initiator = self.settings.role is Role.INITIATOR
        self._step(Step.CONNECTED_AS_INITIATOR if initiator else Step.CONNECTED_AS_ACCEPTOR)
        self._framer = Framer(self.settings.max_message_bytes)
        self._peer_reset = False
        self._timers.clear()
        self._timers.last_sent = self._timers.last_received = now
        self._timers.phase_by = now + self.settings.logon_timeout_ns
        if initiator:
            closed = self.settings.schedule and self.settings.schedule.refusal(now)
            if closed:
                self._abandon("outside-hours", closed)
                return
            pending = self.numbers.reset_pending or self.settings.reset_on_logon
            if pending or self._is_first_of_hours(now):
                self._begin_epoch(now, asked_by_us=True)
            self._write_logon(self.settings.heart_bt_int_s, self.numbers.reset_pending, now)

    def disconnect(self, now: int, reason: str) -> None:  # noqa: ARG002 - the shape of all inputs
        """The transport is gone. What was not written is in the journal and will be asked for."""
        self._step(Step.TRANSPORT_LOST)
        self._announce_end(reason)
        self._timers.clear()
        self._inbound.clear()
        self._forget_marker()
        self._last_application = 0
        self._asked_again = 0
        self._writer.discard_output()

    def receive(self, data: bytes, now: int) -> None:
        """Bytes of the peer; ignored once the line is to be closed."""
        if not self._listening:
            return
        framer = self._framer
        garbled_before = framer.garbled
        undecodable = 0
        frames = framer.feed(data)
        self.unasked_in += len(frames) + framer.garbled - garbled_before
        if framer.garbled != garbled_before and not self._established:
            self._abandon("garbled", "garbled message in place of a Logon")  # test case 1d
            return
        for raw in frames:
            try:
                message = decode(raw)
            except Garbled:
                if not self._established:
                    self._abandon("garbled", "garbled message in place of a Logon")
                    return
                undecodable += 1  # ignored, its number is not consumed: test case 2d, 3c
                continue
            self._on_message(raw, message, now)
            if self._is_over():
                return
        garbled = framer.garbled - garbled_before + undecodable
        if garbled:
            self._incident("garbled", f"{garbled} garbled messages ignored")

    def tick(self, now: int) -> None:
        """A deadline may have passed."""
        timers = self._timers
        if now >= timers.advance_at:
            self._advance(now)
        if now >= timers.phase_by:
            self._abandon("no-answer", f"no answer in state {self.state.value}")
        if not self._established or self.state is State.RESETTING:
            return
        if now >= timers.challenge_by:
            self._abandon("peer-silent", "no word after a challenge")
        elif now >= timers.marker_by:
            self._claims_too_much = not self.synchronised
            self._abandon("marker-lost", f"TestRequest {self._marker_id} did not return")
        elif now >= timers.gap_by and self._inbound.repeated:
            self.expel("resend-unanswered", "ResendRequest was not answered", now)
        elif now >= timers.silence_at and timers.silence_tested:
            self._abandon("peer-silent", "no word for 2.4 heartbeat intervals")
        elif now >= timers.hours_end_at:
            timers.hours_end_at = NEVER
            self.logout("session hours end", now)
        else:
            self._speak_in_time(now)

    def _speak_in_time(self, now: int) -> None:
        """What a deadline makes us say on a line that is well."""
        timers = self._timers
        if now >= timers.gap_by:  # once more, then the end (recovery.md 2.5)
            self._ask_resend(now)
            self._inbound.repeated = True
        if now >= timers.silence_at:
            timers.silence_tested = True
            self.test_peer(now)
        if now >= timers.proof_at:
            self._write_marker(now)
        if now >= timers.heartbeat_at:
            self._write(MsgType.HEARTBEAT, [], now)

    def next_deadline(self) -> int | None:
        """When `tick` has to be called next, or None."""
        talks = self._established and self.state is not State.RESETTING
        deadline = self._timers.next_of_established() if talks else self._timers.phase_by
        return deadline if deadline < NEVER else None

    # -- what the program wants --------------------------------------------------------------------

    def send(self, msg_type: str, body: list[tuple[int, str]], now: int, key: str = "") -> int:
        """Number an application message and put it on the line.

        `body` is in wire order; header fields of the application's (50, 57, 97, 115, 116, 128,
        129, ...) come first. `key` is opaque and comes back in `Sent`. Returns the number.
        Raises ValueError for a value that FIX cannot carry: a bug of the caller.
        """
        assert self.logged_on, "send needs a session that is logged on"
        number = self._write(msg_type, body, now, key)
        self._last_application = number
        timers = self._timers
        if timers.proof_at == NEVER and not self._marker_number and self.settings.markers:
            timers.proof_at = now + self.settings.proof_interval_ns
        return number

    def resend(
        self,
        found: Sequence[tuple[int, bytes]],
        through: int,
        now: int,
        voided: Sequence[int] = (),
    ) -> None:
        """Answer a part of the range in flight, from where the last call ended up to `through`.

        `found`: application messages, number and original bytes, ascending. Every other number is
        gap-filled, and so is each that is or now becomes void (`voided`, ascending, ours to decide
        once and for ever: recovery.md 2.4). Look at `replaying` first: the end of the session, a
        lost line or a new epoch ends a replay.
        """
        replay = self._replay
        assert replay.active, "no replay is in flight"
        assert replay.next <= through <= replay.end, "not a part of the range in flight"
        assert all(replay.next <= number <= through for number in voided)
        self._void(voided)
        begin = replay.next
        for number, raw in found:
            assert replay.next <= number <= through, "messages must ascend within the range"
            replay.next = number + 1
            message = decode(raw)
            if message.msg_type in ADMIN_MSG_TYPES or covers(self.numbers.voided, number):
                continue
            if replay.unsent_from < number:
                self._writer.gap_fill(replay.unsent_from, number, now)
            self._writer.again(number, message, now)
            replay.unsent_from = number + 1
        replay.next = through + 1
        self._events.append(Resent(self.numbers.epoch, begin, through))
        if through == replay.end:
            if replay.unsent_from <= through:
                self._writer.gap_fill(replay.unsent_from, through + 1, now)
            self._on_replay_answered(now)

    @property
    def replaying(self) -> tuple[int, int] | None:
        """First number still to be answered by `resend`, and the last one; None: nothing."""
        return (self._replay.next, self._replay.end) if self._replay.active else None

    def logout(self, text: str, now: int) -> None:
        """End the session; a line that is not logged on is closed."""
        if self.logged_on or self.state is State.RESETTING:
            self._write(MsgType.LOGOUT, [(tags.Text, text)] if text else [], now)
            self._step(Step.LOGOUT_ASKED)
            self._forget_marker()
            self._timers.proof_at = NEVER
            self._timers.phase_by = now + self.settings.logout_timeout_ns
        elif self.state in (State.AWAITING_LOGON, State.LOGON_SENT):
            self._abandon("logout", text or "logout before logon")

    def ask_again(self, begin: int, now: int) -> None:
        """An operator wants the peer's messages from `begin` on once more. Those that were consumed
        are ignored when they come; those that were skipped are passed up as hints."""
        assert self.logged_on, "a ResendRequest needs a session that is logged on"
        assert 1 <= begin < self.numbers.next_in, "only what is behind can be asked for again"
        self._asked_again = self.numbers.next_in - begin
        self._write(
            MsgType.RESEND_REQUEST, [(tags.BeginSeqNo, str(begin)), (tags.EndSeqNo, "0")], now
        )

    def challenge(self, now: int) -> None:
        """Someone else claims this identity: test the peer at once, cut it if it stays silent."""
        if self.logged_on and self._timers.challenge_by == NEVER:
            self.test_peer(now)
            self._timers.challenge_by = now + self.settings.challenge_timeout_ns

    def reset(self, now: int) -> None:
        """Start both numbers at 1: within the session, or at the next logon if there is none."""
        if not self.logged_on:
            self.numbers.reset_pending = True
            return
        self._begin_epoch(now, asked_by_us=True)
        self._step(Step.RESET_ASKED)
        self._timers.phase_by = now + self.settings.logon_timeout_ns
        self._write_logon(self._timers.heart_bt_ns // SECOND_NS, True, now)

    def force_numbers(self, next_in: int, next_out: int) -> None:
        """An operator sets the numbers of a session that is not connected.

        A number must never be given twice under one key, so lower ones begin a new epoch. What
        higher ones pass over is not known to anyone: it is skipped.
        """
        assert self.state is State.DISCONNECTED, "numbers are forced on a closed session only"
        assert next_in >= 1
        assert next_out >= 1
        if next_in < self.numbers.next_in or next_out < self.numbers.next_out:
            self._begin_epoch(self.numbers.began_ns, asked_by_us=True)
        elif next_in > self.numbers.next_in:
            self._skip(self.numbers.next_in, next_in - 1)
        self.numbers.reset_pending = False
        self.numbers.next_in = next_in
        self.numbers.next_out = next_out

    # -- what goes out -----------------------------------------------------------------------------

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def take_sent(self) -> list[Sent]:
        """What was numbered since the last call, in order."""
        return self._writer.take_sent()

    def take_consumed(self) -> list[Consumed]:
        """What moved the expected number since the last call, in order."""
        consumed, self._consumed = self._consumed, []
        return consumed

    def take_output(self) -> bytes:
        """All bytes to write, in order; empty when there are none."""
        return self._writer.take_output()

    # -- one message of the peer -------------------------------------------------------------------

    def _on_message(self, raw: bytes, message: Message, now: int) -> None:
        timers = self._timers
        timers.last_received = now
        timers.silence_tested = False
        timers.challenge_by = NEVER
        if not self._established:
            self._on_first_message(raw, message, now)
            return
        first = message.first
        number = number_of(first.get(tags.MsgSeqNum))
        if number is None:
            self.expel("no-number", "MsgSeqNum (34) is missing or not a number", now)
            return
        if not raw.startswith(self._begin_field):
            self.expel("begin-string", "Incorrect BeginString", now)  # test case 2i
            return
        if (
            first.get(tags.SenderCompID) != self._peer
            or first.get(tags.TargetCompID) != self._own
            or not self.sending_times.within(first.get(tags.SendingTime), now)
        ):
            fault = self._identity_fault(message, now)
            if fault is not None:
                self._on_identity_fault(raw, message, number, fault, now)
                return
        msg_type = message.msg_type
        if msg_type in _OUT_OF_TURN and self._obey_out_of_turn(raw, message, number, now):
            return
        if self.state is State.RESETTING:
            if msg_type not in ADMIN_MSG_TYPES:  # of the epoch that ended: it counts no more
                self._events.append(Hint(number, message))
            return
        if tags.LastMsgSeqNumProcessed in first:
            self._on_last_processed(message)
        if self._timers.advance_at < NEVER and number == self.numbers.next_in:
            self._advance(now, 1)  # one with this number came before, and waits
            if self._is_over():
                return
        expected = self.numbers.next_in
        if number == expected:
            if self._inbound.open:
                if first.get(tags.PossDupFlag) == "Y":
                    self.unasked_in -= 1
                    self.asked_in += 1
                self._consume(raw, message, number, now)
                if not self._is_over():
                    self._advance(now)
            else:
                self._consume(raw, message, number, now)
        elif number > expected:
            self._on_too_high(raw, message, number, now, served=False)
        else:
            self._on_too_low(message, number, now)

    def _obey_out_of_turn(self, raw: bytes, message: Message, number: int, now: int) -> bool:
        """Admin messages whose effect does not wait for their number. True: all is done."""
        msg_type = message.msg_type
        first = message.first
        if msg_type == MsgType.LOGOUT:
            self._on_logout(raw, message, number, now)
            return True
        if msg_type == MsgType.LOGON:
            if first.get(tags.ResetSeqNumFlag) != "Y":
                return False
            self._on_reset_within(raw, message, number, now)
            return True
        if self.state is State.RESETTING:
            return False
        if msg_type == MsgType.SEQUENCE_RESET:
            if first.get(tags.GapFillFlag) == "Y":
                return False
            self._on_sequence_reset(raw, message, number, now)
            return True
        return self._serve_out_of_turn(raw, message, number, now)

    def _serve_out_of_turn(self, raw: bytes, message: Message, number: int, now: int) -> bool:
        """A ResendRequest is served while our own gap is open (test case 20), or two sides that
        both miss something would wait for each other. True: all is done."""
        expected = self.numbers.next_in
        duplicate = number < expected and message.first.get(tags.PossDupFlag) == "Y"
        if number == expected or duplicate or self._content_fault(raw, message) is not None:
            return False
        self._on_resend_request(message, number, now)
        if number > expected:
            self._on_too_high(raw, message, number, now, served=True)
        return True

    def _consume(self, raw: bytes, message: Message, number: int, now: int) -> None:
        """A message whose turn it is."""
        msg_type = message.msg_type
        fault = self._content_fault(raw, message)
        if msg_type == MsgType.SEQUENCE_RESET:
            self._on_gap_fill(raw, message, number, fault, now)
            return
        self._count(raw, number, msg_type)
        if fault is not None:
            self._refuse(message, number, fault, now)
            return
        handler = self._handlers.get(msg_type)
        if handler is not None:
            handler(message, number, now)
            return
        first = message.first
        repeated, again = first.get(tags.PossDupFlag) == "Y", first.get(tags.PossResend) == "Y"
        asked = repeated and self._inbound.open
        self._events.append(AppReceived(number, message, repeated, again, asked))

    def _count(self, raw: bytes, number: int, msg_type: str) -> None:
        """The only place where the expected number moves."""
        numbers = self.numbers
        assert number >= numbers.next_in
        numbers.next_in = number + 1
        numbers.reset_pending = False
        if msg_type in _WITH_SECRETS:
            raw = checks.without_secrets(raw)
        self._consumed.append(Consumed(number, raw, msg_type, numbers.epoch))

    def _refuse(self, message: Message, number: int, fault: Fault, now: int) -> None:
        """A consumed message that is wrong: Reject. What it carried is not known to anyone."""
        self._write_reject(message, number, fault, now)
        self._incident("rejected", f"message {number}: {fault.text}")
        if message.msg_type not in ADMIN_MSG_TYPES:
            self._skip(number, number)

    # -- checks ------------------------------------------------------------------------------------

    def _identity_fault(self, message: Message, now: int) -> Fault | None:
        """Someone else's message, or one from another time: the session cannot go on."""
        if not checks.is_between(message, self._peer, self._own):
            return Fault(Reason.COMP_ID_PROBLEM, None, "CompID problem")
        if not self.sending_times.within(message.first.get(tags.SendingTime), now):
            return Fault(Reason.SENDING_TIME_ACCURACY_PROBLEM, None, "SendingTime accuracy problem")
        return None

    def _on_identity_fault(
        self, raw: bytes, message: Message, number: int, fault: Fault, now: int
    ) -> None:
        """Test cases 2k, 2o: Reject, count, Logout."""
        if number == self.numbers.next_in and self.state is not State.RESETTING:
            self._count(raw, number, message.msg_type)
            if message.msg_type not in ADMIN_MSG_TYPES:
                self._skip(number, number)
        self._write_reject(message, number, fault, now)
        self.expel("identity", fault.text, now)

    def _content_fault(self, raw: bytes, message: Message) -> Fault | None:
        """What a Reject would say; the session goes on."""
        if b"=\x01" in raw:  # cheap; a data field may hold it too
            fault = checks.empty_field(message)
            if fault is not None:
                return fault
        fault = checks.missing_header(message)
        if fault is not None or self._dictionary is None:
            return fault
        user_defined, lenient = self.settings.user_defined, self._lenient
        info = self._dictionary.validate(message, user_defined, lenient=lenient)
        return None if info is None else Fault(info.reason, info.ref_tag, info.text)

    # -- gaps --------------------------------------------------------------------------------------

    def _on_too_high(
        self, raw: bytes, message: Message, number: int, now: int, *, served: bool
    ) -> None:
        """Keep it for its turn; one ResendRequest per open gap (test case 2b)."""
        inbound = self._inbound
        if not inbound.hold(number, Queued(raw, message, served)) and not inbound.overflowed:
            inbound.overflowed = True
            self._incident("queue-full", f"{inbound.limit} messages wait behind a gap")
        if not inbound.open:
            inbound.open_gap(number)
            self._timers.marker_by = NEVER  # its Heartbeat cannot count before the gap is filled
            self._ask_resend(now)

    def _ask_resend(self, now: int) -> None:
        """Ask from the expected number on: to the end, or a chunk of it."""
        inbound = self._inbound
        begin, end = self.numbers.next_in, 0
        inbound.asked_through = inbound.through
        if self.settings.resend_chunk:
            end = min(begin + self.settings.resend_chunk - 1, max(begin, inbound.through))
            inbound.asked_through = end
        self._write(
            MsgType.RESEND_REQUEST, [(tags.BeginSeqNo, str(begin)), (tags.EndSeqNo, str(end))], now
        )
        self._timers.gap_by = now + self.settings.resend_timeout_ns

    def _advance(self, now: int, most: int = ADVANCE_CHUNK) -> None:
        """The expected number moved while a gap is open: take what waited for its turn, a bounded
        part of it at a time: the rest comes at once, but behind what others have to say."""
        inbound, numbers = self._inbound, self.numbers
        self._timers.advance_at = NEVER
        last = numbers.next_in + most - 1
        while (queued := inbound.take(numbers.next_in)) is not None:
            if queued.served:
                self._count(queued.raw, numbers.next_in, queued.message.msg_type)
            else:
                self._consume(queued.raw, queued.message, numbers.next_in, now)
            if self._is_over():
                return
            if numbers.next_in > last and numbers.next_in in inbound.queue:
                self._timers.advance_at = now
                return
        inbound.repeated = False
        if numbers.next_in <= inbound.asked_through:
            self._timers.gap_by = now + self.settings.resend_timeout_ns
        elif numbers.next_in <= inbound.through:
            self._ask_resend(now)
        elif inbound.queue:  # another hole behind the one that is filled
            inbound.open_gap(min(inbound.queue))
            self._ask_resend(now)
        else:
            inbound.close_gap()
            self._timers.gap_by = NEVER
            if self._marker_number and self.settings.markers:
                # The clock of the marker stood still while the gap was open.
                self._timers.marker_by = now + self.settings.marker_timeout_ns

    def _on_too_low(self, message: Message, number: int, now: int) -> None:
        """Already counted: an error unless the peer says that it repeats itself."""
        if message.first.get(tags.PossDupFlag) != "Y":
            expected = self.numbers.next_in
            text = f"MsgSeqNum too low, expecting {expected} but received {number}"
            self.expel("number-too-low", text, now)  # test case 2c
            return
        if self._asked_again:
            self._asked_again -= 1
            self.unasked_in -= 1
        if message.msg_type == MsgType.SEQUENCE_RESET:
            return
        fault = checks.poss_dup_fault(message)
        if fault is not None:
            self._write_reject(message, number, fault, now)
            if fault.reason == Reason.SENDING_TIME_ACCURACY_PROBLEM:
                self.expel("poss-dup", fault.text, now)
            return
        if message.msg_type not in ADMIN_MSG_TYPES and covers(self.numbers.skipped, number):
            self._events.append(Hint(number, message))

    def _on_gap_fill(
        self, raw: bytes, message: Message, number: int, fault: Fault | None, now: int
    ) -> None:
        """SequenceReset-GapFill whose turn it is (test cases 10)."""
        new = number_of(message.first.get(tags.NewSeqNo))
        if fault is None and (new is None or new <= number):
            fault = checks.new_number_fault(new)
        if fault is not None:
            self._count(raw, number, MsgType.SEQUENCE_RESET)
            self._refuse(message, number, fault, now)
            self._skip(number, number)
            return
        assert new is not None
        self._pass_over(raw, new)

    def _on_sequence_reset(self, raw: bytes, message: Message, number: int, now: int) -> None:
        """SequenceReset-Reset: applied whatever its own number (test cases 11)."""
        new = number_of(message.first.get(tags.NewSeqNo))
        expected = self.numbers.next_in
        fault = self._content_fault(raw, message)
        if fault is None and (new is None or new < expected):
            fault = checks.new_number_fault(new)
        if fault is not None:
            self._write_reject(message, number, fault, now)
            self._incident("rejected", f"SequenceReset {number}: {fault.text}")
            return
        assert new is not None
        self._incident("sequence-reset", f"the peer set its number from {expected} to {new}")
        if new > expected:
            self._pass_over(raw, new)
            if self._inbound.open:
                self._advance(now)

    def _pass_over(self, raw: bytes, new: int) -> None:
        """Nothing will come under the numbers below `new` any more.

        What waits in the queue under them is known: an administrative message hides nothing, an
        application message goes up as a hint (recovery.md 2.5).
        """
        begin = self.numbers.next_in
        for number, queued in self._inbound.take_range(begin, new - 1):
            if queued.message.msg_type in ADMIN_MSG_TYPES:
                if begin < number:
                    self._skip(begin, number - 1)
                begin = number + 1
            else:
                self._events.append(Hint(number, queued.message))
        if begin < new:
            self._skip(begin, new - 1)
        self._count(raw, new - 1, MsgType.SEQUENCE_RESET)

    def _skip(self, begin: int, end: int) -> None:
        add_skipped(self.numbers.skipped, begin, end)
        self._events.append(Skipped(self.numbers.epoch, begin, end))

    # -- logon, reset, logout ----------------------------------------------------------------------

    def _on_first_message(self, raw: bytes, message: Message, now: int) -> None:
        """Before Logons are exchanged only a Logon, or its refusal, means anything."""
        first = message.first
        if (
            not raw.startswith(self._begin_field)
            or first.get(tags.SenderCompID) != self._peer
            or first.get(tags.TargetCompID) != self._own
        ):
            self._abandon("identity", "the first message is someone else's")  # test cases 1c, 1d
        elif not first.get(tags.SendingTime) or not self.sending_times.within(
            first[tags.SendingTime], now
        ):
            self._abandon("sending-time", "SendingTime of the first message is off")
        elif message.msg_type == MsgType.LOGON:
            self._on_logon(raw, message, now)
        elif message.msg_type == MsgType.LOGOUT and self.state is State.LOGON_SENT:
            self._on_logon_refused(raw, message)
        else:
            self._abandon("no-logon", "the first message is not a Logon")  # test case 1e

    def _on_logon_refused(self, raw: bytes, message: Message) -> None:
        """Logout in answer to our Logon. While a reset is pending it does not count: it may be of
        the old epoch."""
        text = message.get(tags.Text, "") or "no reason given"
        numbers = self.numbers
        number = number_of(message.get(tags.MsgSeqNum))
        if number == numbers.next_in and not numbers.reset_pending:
            self._count(raw, numbers.next_in, MsgType.LOGOUT)
        if "too low" in text.lower():
            # Ours is too low for the peer: numbers of ours are lost (recovery.md 1.5).
            self._incident("logon-too-low", text)
            numbers.reset_pending = numbers.reset_pending or self.settings.on_low_number == "reset"
        else:
            self._incident("logon-refused", text)
        self._step(Step.LOGOUT_RECEIVED)
        self._close(text)

    def _on_logon(self, raw: bytes, message: Message, now: int) -> None:
        """The peer's Logon, as a request (acceptor) or as the answer to ours (initiator)."""
        numbers, settings = self.numbers, self.settings
        number = number_of(message.get(tags.MsgSeqNum))
        refusal = self._logon_refusal(raw, message, number)
        if refusal is None and settings.schedule is not None:
            refusal = settings.schedule.refusal(now)
        if refusal is not None or number is None:
            self.expel("logon-refused", refusal or "MsgSeqNum (34) missing", now)
            return
        acceptor = settings.role is Role.ACCEPTOR
        reset = message.get(tags.ResetSeqNumFlag) == "Y"
        if reset:
            # Unless it answers ours, the peer's 141=Y begins an epoch; so does one that comes
            # unasked in its answer: our next number is then 1 (recovery.md 2.2).
            if acceptor or not numbers.reset_pending:
                self._begin_epoch(now, asked_by_us=False)
        elif acceptor and (numbers.reset_pending or settings.reset_on_logon):
            self._begin_epoch(now, asked_by_us=True)
        elif acceptor and self._is_first_of_hours(now):
            # A peer that keeps the same hours begins at 1 without a word; another is told.
            self._begin_epoch(now, asked_by_us=number != 1)
        elif number < numbers.next_in:
            text = f"MsgSeqNum too low, expecting {numbers.next_in} but received {number}"
            self._incident("number-too-low", text)
            if settings.on_low_number == "operator" or not acceptor:
                numbers.reset_pending = settings.on_low_number == "reset"
                self.expel("logon-refused", text, now)
                return
            self._begin_epoch(now, asked_by_us=True)
        self._agree(raw, message, number, reset, now)

    def _logon_refusal(self, raw: bytes, message: Message, number: int | None) -> str | None:
        """Why this Logon cannot be taken, or None."""
        fault = self._content_fault(raw, message)
        if fault is not None:
            return fault.text if fault.tag is None else f"{fault.text} (tag {fault.tag})"
        refusal = checks.logon_refusal(message, self.settings)
        if refusal is not None:
            return refusal
        answers_ours = self.settings.role is Role.INITIATOR and self.numbers.reset_pending
        if message.get(tags.ResetSeqNumFlag) == "Y":
            if number != 1:
                return "MsgSeqNum must be 1 with ResetSeqNumFlag"
            if not self.settings.accept_reset and not answers_ours:
                return "ResetSeqNumFlag is not accepted"
        elif answers_ours:
            return "ResetSeqNumFlag was not answered"
        return None

    def _agree(self, raw: bytes, message: Message, number: int, reset: bool, now: int) -> None:
        """Logons are exchanged. `reset`: the peer's carried 141=Y."""
        numbers, settings = self.numbers, self.settings
        acceptor = settings.role is Role.ACCEPTOR
        # Our own 141=Y answer starts an epoch that the peer's Logon is not a part of.
        we_reset = numbers.reset_pending and not reset
        too_high = number > numbers.next_in and not we_reset
        self._enter_session(message)
        if number == numbers.next_in and not we_reset:
            self._count(raw, number, MsgType.LOGON)
        next_out = numbers.next_out
        if acceptor:
            heart_bt_int_s = self._timers.heart_bt_ns // SECOND_NS
            self._write_logon(heart_bt_int_s, reset or we_reset, now)
        wanted = number_of(message.get(tags.NextExpectedMsgSeqNum))
        if not reset and not we_reset:
            self._on_last_processed(message)
            if wanted is not None and not self._on_next_expected(wanted, next_out, now):
                return
        if too_high:  # obeyed at once; when its turn comes it only counts
            self._inbound.hold(number, Queued(raw, message, served=True))
            self._inbound.open_gap(number)
            if settings.send_next_expected and wanted is not None:
                self._timers.gap_by = now + settings.resend_timeout_ns  # our 789 has asked
            else:
                self._ask_resend(now)
        if settings.schedule is not None and (window := settings.schedule.window(now)) is not None:
            self._timers.hours_end_at = window.end_ns
        self._start_synchronising(now)

    def _enter_session(self, message: Message) -> None:
        self._timers.phase_by = NEVER
        interval = number_of(message.get(tags.HeartBtInt))
        if interval is not None:
            self._timers.heart_bt_ns = interval * SECOND_NS
        self._step(Step.LOGON_AGREED)
        self._announced = True
        self._events.append(LoggedOn(self.numbers.epoch))

    def _on_next_expected(self, wanted: int, next_out: int, now: int) -> bool:
        """789 in the peer's Logon: proof, and a request for what it misses. `next_out` is what it
        would expect if it missed nothing. False: the session ended."""
        if wanted > next_out:
            text = f"NextExpectedMsgSeqNum too high, expecting at most {next_out}, got {wanted}"
            self.expel("next-expected-too-high", text, now)
            return False
        if wanted < 1:
            self.expel("next-expected", "NextExpectedMsgSeqNum must be positive", now)
            return False
        if wanted < next_out:  # QuickFIX 1.16 as an acceptor says one more, and waits without end
            wanted -= self._claims_too_much and wanted > 1
            self._serve(wanted, self.numbers.next_out - 1)
        self._prove(wanted - 1)
        return True

    def _on_needless_logon(self, message: Message, number: int, now: int) -> None:  # noqa: ARG002
        """A Logon in a session that stands, without 141=Y: it has a number, no effect."""
        self._incident("needless-logon", f"Logon {number} within the session ignored")

    def _on_reset_within(self, raw: bytes, message: Message, number: int, now: int) -> None:
        """Logon with 141=Y in a session that stands: the peer's wish, or the answer to ours."""
        if self.state is State.LOGOUT_SENT:
            return  # the line ends; the peer's reset stays pending until its next Logon
        ours = self.state is State.RESETTING
        if number != 1 or not (ours or self.settings.accept_reset):
            self.expel("reset-refused", "ResetSeqNumFlag is not accepted here", now)
            return
        if self._peer_reset:
            # Each side would take the other's answer for a new wish, and so on for ever.
            self.expel("reset-again", "ResetSeqNumFlag again, before the last reset was done", now)
            return
        if not ours:
            self._peer_reset = True
            self._begin_epoch(now, asked_by_us=False)
        self._count(raw, number, MsgType.LOGON)
        self._enter_session(message)
        if not ours:
            self._write_logon(self._timers.heart_bt_ns // SECOND_NS, True, now)
        self._start_synchronising(now)

    def _is_first_of_hours(self, now: int) -> bool:
        """Whether numbers start at 1 at each start of session hours, and these are of before."""
        schedule = self.settings.schedule
        if schedule is None or not schedule.reset_at_start:
            return False
        window = schedule.window(now)
        return window is not None and self.numbers.began_ns < window.begin_ns

    def _begin_epoch(self, now: int, *, asked_by_us: bool) -> None:
        """Both numbers start at 1; nothing of the old numbers means anything any more."""
        numbers, inbound = self.numbers, self._inbound
        if inbound.queue:
            for number, queued in inbound.take_range(min(inbound.queue), max(inbound.queue)):
                if queued.message.msg_type not in ADMIN_MSG_TYPES:
                    self._events.append(Hint(number, queued.message))
        inbound.clear()
        self._replay.clear()
        self._forget_marker()
        self._timers.gap_by = self._timers.proof_at = self._timers.advance_at = NEVER
        self._last_application = 0
        numbers.epoch += 1
        numbers.next_in = numbers.next_out = 1
        numbers.proven_through = 0
        numbers.voided.clear()
        numbers.skipped.clear()
        numbers.reset_pending = asked_by_us
        numbers.began_ns = now
        self._events.append(EpochBegan(numbers.epoch, asked_by_us, now))

    def _on_logout(self, raw: bytes, message: Message, number: int, now: int) -> None:
        """Honoured whatever its number; it moves the number only when it is its turn."""
        if number == self.numbers.next_in and self.state is not State.RESETTING:
            self._count(raw, number, MsgType.LOGOUT)
        reason = message.get(tags.Text, "") or "the peer logged out"
        if self.state is State.LOGOUT_SENT:
            self._step(Step.LOGOUT_RECEIVED)
            self._announce_end(reason)
            self._close(reason)
            return
        self._write(MsgType.LOGOUT, [], now)
        self._step(Step.LOGOUT_RECEIVED)
        self._announce_end(reason)
        self._timers.clear()
        if self.settings.role is Role.ACCEPTOR:
            self._step(Step.ABANDONED)
            self._close(reason)
        else:  # the acceptor closes, so that its last bytes are not lost
            self._timers.phase_by = now + self.settings.logout_timeout_ns

    # -- the peer asks again -----------------------------------------------------------------------

    def _on_resend_request(self, message: Message, number: int, now: int) -> None:
        """ResendRequest: clamp it, serve it or let it wait."""
        begin = number_of(message.get(tags.BeginSeqNo))
        end = number_of(message.get(tags.EndSeqNo))
        last = self.numbers.next_out - 1
        if begin is None or end is None:
            missing = tags.BeginSeqNo if begin is None else tags.EndSeqNo
            text = "ResendRequest needs BeginSeqNo and EndSeqNo as numbers"
            self._refuse(message, number, Fault(Reason.VALUE_INCORRECT, missing, text), now)
            return
        if end in (0, END_OF_TIME) or end > last:
            end = last
        if begin == last + 1:
            # It asks for what has not been sent: after an unasked reset, or one ahead of itself.
            self._start_synchronising(now)
            return
        if begin < 1 or begin > end:
            text = f"Value is incorrect (out of range) for this tag: numbers go up to {last}"
            fault = Fault(Reason.VALUE_INCORRECT, tags.BeginSeqNo, text)
            self._refuse(message, number, fault, now)
            return
        self._serve(begin, end)

    def _serve(self, begin: int, end: int) -> None:
        """Our marker, if one is out, is dead: this range covers it or comes before it, and a new
        one follows the answer (recovery.md 2.1)."""
        numbers, replay = self.numbers, self._replay
        assert 1 <= begin <= end < numbers.next_out
        self._forget_marker()
        if begin <= numbers.proven_through:
            # What was proved once stays the highest: a later request is measured by it too.
            self._events.append(Forgot(numbers.epoch, begin, numbers.proven_through))
        asked = Asked(begin, end, self.synchronised)
        if replay.active:
            replay.add(asked)
        else:
            self._start_replay(asked)

    def _start_replay(self, asked: Asked) -> None:
        self._replay.start(asked)
        self._events.append(
            ReplayWanted(self.numbers.epoch, asked.begin, asked.end, asked.synchronised)
        )

    def _on_replay_answered(self, now: int) -> None:
        waiting = self._replay.finish()
        if waiting is not None:
            self._start_replay(waiting)
        elif self.settings.markers and self.logged_on:
            self._write_marker(now)

    def _void(self, voided: Sequence[int]) -> None:
        ranges = self.numbers.voided
        fresh = [number for number in voided if not covers(ranges, number)]
        for begin, end in runs_of(fresh):
            add_range(ranges, begin, end)
            self._events.append(Voided(self.numbers.epoch, begin, end))

    # -- proof of receipt --------------------------------------------------------------------------

    def _start_synchronising(self, now: int) -> None:
        """After a logon, or a ResendRequest with nothing to resend."""
        if self._replay.active or not self.logged_on:
            return  # the marker follows the answer
        if self.settings.markers:
            self._write_marker(now)
        elif not self.synchronised:
            self._on_synchronised()

    def _on_synchronised(self) -> None:
        self._peer_reset = False
        self._claims_too_much = False
        self._step(Step.MARKER_RETURNED)
        self._events.append(Synchronised(self.numbers.epoch))

    def _write_marker(self, now: int) -> None:
        """A TestRequest whose return proves everything before it; only the last one counts."""
        self._timers.proof_at = NEVER
        if self._replay.active:
            return  # it would not stand behind the answer; one follows it
        self._marker_id = f"M{self.numbers.epoch}.{self.numbers.next_out}"
        self._marker_number = self._write(
            MsgType.TEST_REQUEST, [(tags.TestReqID, self._marker_id)], now
        )
        if self.settings.markers and not self._inbound.open:
            self._timers.marker_by = min(
                self._timers.marker_by, now + self.settings.marker_timeout_ns
            )

    def _forget_marker(self) -> None:
        self._marker_number = 0
        self._marker_id = ""
        self._timers.marker_by = NEVER

    def _on_heartbeat(self, message: Message, number: int, now: int) -> None:  # noqa: ARG002
        marker = self._marker_number
        if not marker or message.first.get(tags.TestReqID) != self._marker_id:
            return
        self._forget_marker()
        self._prove(marker)
        if self.state is State.LOGGED_ON:
            self._on_synchronised()
        if self._last_application > marker and self.settings.markers and self.logged_on:
            self._timers.proof_at = now + self.settings.proof_interval_ns

    def _on_last_processed(self, message: Message) -> None:
        """369: the peer has consumed our messages up to there. Old copies prove nothing new."""
        through = number_of(message.first.get(tags.LastMsgSeqNumProcessed))
        if through is None or message.first.get(tags.PossDupFlag) == "Y":
            return
        if through >= self.numbers.next_out:
            self._incident("last-processed", f"369={through} is above what was sent")
            return
        self._prove(through)

    def _prove(self, through: int) -> None:
        assert through < self.numbers.next_out
        if through > self.numbers.proven_through:
            self.numbers.proven_through = through
            self._events.append(Proved(self.numbers.epoch, through))

    # -- silence -----------------------------------------------------------------------------------

    def _on_test_request(self, message: Message, number: int, now: int) -> None:  # noqa: ARG002
        test_req_id = message.get(tags.TestReqID)
        self._write(MsgType.HEARTBEAT, [(tags.TestReqID, test_req_id)] if test_req_id else [], now)

    def test_peer(self, now: int) -> None:
        """TestRequest. While a replay is in flight it proves life, not receipt: no marker. Nor is
        it one while a marker is out: only the last one counts, and a stranger who claims the
        identity again and again would have the owner's forgotten before it is back."""
        if self._replay.active or self._marker_number:
            test_req_id = f"T{self.numbers.epoch}.{self.numbers.next_out}"
            self._write(MsgType.TEST_REQUEST, [(tags.TestReqID, test_req_id)], now)
        else:
            self._write_marker(now)

    def _on_refused_by_peer(self, message: Message, number: int, now: int) -> None:  # noqa: ARG002
        """Reject(3) or BusinessMessageReject(j)."""
        ref_number = number_of(message.get(tags.RefSeqNum)) or 0
        self._events.append(PeerRejected(ref_number, message))

    # -- writing -----------------------------------------------------------------------------------

    def _write(self, msg_type: str, body: list[tuple[int, str]], now: int, key: str = "") -> int:
        self._timers.last_sent = now
        return self._writer.number(msg_type, body, now, key)

    def _write_logon(self, heart_bt_int_s: int, reset: bool, now: int) -> None:
        self._write(MsgType.LOGON, self._writer.logon_body(heart_bt_int_s, reset=reset), now)

    def _write_reject(self, message: Message, number: int, fault: Fault, now: int) -> None:
        self._write(MsgType.REJECT, self._writer.reject_body(message, number, fault), now)

    # -- the end of the line -----------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        self.state = state = follow(self.state, step)
        self.logged_on = state in OPEN
        self.synchronised = state is State.SYNCHRONISED
        self._established = state in ESTABLISHED
        self._listening = state in LISTENING

    def _is_over(self) -> bool:
        """Whether the last step ended the conversation."""
        return not self._listening

    def expel(self, code: str, text: str, now: int) -> None:
        """The peer is wrong and the session cannot go on: Logout that says why, and the end."""
        self._write(MsgType.LOGOUT, [(tags.Text, text)], now)
        self._abandon(code, text)

    def _abandon(self, code: str, text: str) -> None:
        """The end without a word."""
        self._incident(code, text)
        self._step(Step.ABANDONED)
        self._announce_end(text)
        self._close(text)

    def _close(self, reason: str) -> None:
        self._timers.clear()
        self._events.append(Close(reason))

    def _announce_end(self, reason: str) -> None:
        self._replay.clear()
        if self._announced:
            self._announced = False
            self._events.append(LoggedOut(reason))

    def _incident(self, code: str, text: str) -> None:
        self._events.append(Incident(code, text))
