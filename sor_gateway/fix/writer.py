"""What a session writes: headers, numbers, and the copies for the record.

Owns: the output and the list of numbered messages until they are taken; the one place where a
number is given. May not know: states, gaps, why something is written.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import checks, tags
from sor_gateway.fix.checks import Fault
from sor_gateway.fix.codec import encode
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.message import Message
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.fix.store import Numbers, Sent
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import utc_timestamp

_SESSION_REJECT_REASON: Final = 373

#: Header fields that a resend writes anew.
_WRITTEN_ANEW: Final = frozenset(
    {
        tags.MsgSeqNum,
        tags.PossDupFlag,
        tags.SenderCompID,
        tags.SendingTime,
        tags.TargetCompID,
        tags.OrigSendingTime,
        tags.LastMsgSeqNumProcessed,
    }
)


class Writer:
    """Turns what the session decided into bytes and into entries of the record.

    Raises ValueError for a BeginString that has no dialect.
    """

    __slots__ = (
        "_begin_string",
        "_dialect",
        "_last_processed",
        "_numbers",
        "_output",
        "_sender",
        "_sent",
        "_settings",
        "_target",
    )

    def __init__(self, settings: SessionSettings, numbers: Numbers) -> None:
        self._settings = settings
        self._numbers = numbers
        self._begin_string = settings.begin_string
        self._dialect = dialect_of(settings.begin_string)
        self._sender = (tags.SenderCompID, settings.sender_comp_id)
        self._target = (tags.TargetCompID, settings.target_comp_id)
        self._last_processed = settings.last_processed
        self._sent: list[Sent] = []
        self._output: list[bytes] = []

    def take_sent(self) -> list[Sent]:
        """What was numbered since the last call, in order."""
        sent, self._sent = self._sent, []
        return sent

    def take_output(self) -> bytes:
        """All bytes to write, in order; empty when there are none."""
        output = self._output
        if not output:
            return b""
        self._output = []
        return output[0] if len(output) == 1 else b"".join(output)

    def discard_output(self) -> None:
        """The line is gone: nobody will read it."""
        self._output.clear()

    def number(self, msg_type: str, body: list[tuple[int, str]], now: int, key: str = "") -> int:
        """Give the message the next number and put it on the line. Returns the number."""
        numbers = self._numbers
        number = numbers.next_out
        header = [
            (tags.MsgSeqNum, str(number)),
            self._sender,
            (tags.SendingTime, utc_timestamp(now)),
            self._target,
        ]
        if self._last_processed:
            header.append((tags.LastMsgSeqNumProcessed, str(numbers.next_in - 1)))
        raw = encode(self._begin_string, msg_type, header, body)
        numbers.next_out = number + 1
        self._output.append(raw)
        if msg_type == MsgType.LOGON:
            raw = checks.without_secrets(raw)
        self._sent.append(Sent(number, msg_type, raw, key, numbers.epoch))
        return number

    def gap_fill(self, begin: int, new: int, now: int) -> None:
        """SequenceReset-GapFill for our numbers `begin` to `new - 1`."""
        header = [(tags.MsgSeqNum, str(begin)), (tags.OrigSendingTime, utc_timestamp(now))]
        body = [(tags.NewSeqNo, str(new)), (tags.GapFillFlag, "Y")]
        self._again(MsgType.SEQUENCE_RESET, header, body, now)

    def again(self, number: int, message: Message, now: int) -> None:
        """An application message as it was, with 43=Y and its first SendingTime as 122."""
        assert message[tags.MsgSeqNum] == str(number), "a resend under another number"
        original = message.get(tags.OrigSendingTime) or message[tags.SendingTime]
        header = [(tags.MsgSeqNum, str(number)), (tags.OrigSendingTime, original)]
        body: list[tuple[int, str]] = []
        for field in message.fields[3:-1]:  # 8, 9, 35 and 10 belong to the codec
            if field[0] not in _WRITTEN_ANEW:
                (header if field[0] in tags.HEADER_TAGS else body).append(field)
        self._again(message.msg_type, header, body, now)

    def _again(
        self, msg_type: str, header: list[tuple[int, str]], body: list[tuple[int, str]], now: int
    ) -> None:
        header += (
            (tags.PossDupFlag, "Y"),
            self._sender,
            (tags.SendingTime, utc_timestamp(now)),
            self._target,
        )
        if self._last_processed:
            header.append((tags.LastMsgSeqNumProcessed, str(self._numbers.next_in - 1)))
        header.sort()
        self._output.append(encode(self._begin_string, msg_type, header, body))

    def logon_body(self, heart_bt_int_s: int, *, reset: bool) -> list[tuple[int, str]]:
        """The body of our Logon; an initiator shows its credentials."""
        settings = self._settings
        body = [(tags.EncryptMethod, "0"), (tags.HeartBtInt, str(heart_bt_int_s))]
        if reset:
            body.append((tags.ResetSeqNumFlag, "Y"))
        if settings.role is Role.INITIATOR:
            if settings.username is not None:
                body.append((tags.Username, settings.username))
            if settings.password is not None:
                body.append((tags.Password, settings.password))
        if settings.send_next_expected and not reset:
            body.append((tags.NextExpectedMsgSeqNum, str(self._numbers.next_in)))
        return body

    def reject_body(self, message: Message, number: int, fault: Fault) -> list[tuple[int, str]]:
        """The body of a Reject(3); routing fields of the message go back the other way round."""
        body = checks.reversed_route(message)
        body += [(tags.RefSeqNum, str(number)), (tags.Text, fault.text)]
        if fault.tag is not None:
            body.append((tags.RefTagID, str(fault.tag)))
        if message.msg_type:  # 35 itself may be what has no value
            body.append((tags.RefMsgType, message.msg_type))
        reason = self._dialect.session_reject_reason(fault.reason)
        if reason is not None:
            body.append((_SESSION_REJECT_REASON, reason))
        return body
