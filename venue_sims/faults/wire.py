"""Faults of what stands on the wire: damaged, misnumbered, wrongly sent again, from another time.

Owns: F12, F13, F18, F21, F24, F25, F28, F30.
May not know: sockets, sessions beyond their names, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sor_gateway.fix import tags
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import parse_utc_timestamp, utc_timestamp
from venue_sims.faults.fault import (
    CutFault,
    HintFault,
    Leaving,
    Piece,
    ReportFault,
    WireFault,
)
from venue_sims.faults.frames import Frame, Pairs, assembled, frame_of, with_values, without
from venue_sims.faults.line import Deed, LineAction, Part
from venue_sims.faults.reports import about_report
from venue_sims.faults.when import MOST, When, at_least, ms

_PPM: Final = 1_000_000
_NUMBERS_MOST: Final = 1_000_000
_MICROSECONDS: Final = len("20260105-10:00:00.000000")
_STAMPS: Final = (tags.SendingTime, tags.TransactTime, tags.OrigSendingTime)
_UNKNOWN_TAG: Final = 4_999
"""Stands in no dictionary, and below the tags that are anybody's."""


@dataclass(slots=True, kw_only=True)
class SeqGapSettings(When):
    """`skip_n` numbers are left out before a report."""

    skip_n: int = 1

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, _NUMBERS_MOST, skip_n=self.skip_n)


class SeqGap(ReportFault[SeqGapSettings]):
    """Numbers are left out; asked for, they are gap-filled."""

    name, number, Settings = "seq_gap", "F12", SeqGapSettings

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """Before the report."""
        report = leaving[0].report
        about, what = about_report(report, session), str(report.number)
        if self.strikes(about, now, what, session=session):
            leaving[0].skip = self.settings.skip_n
        return leaving


class SeqLow(WireFault[When]):
    """An older message comes once more as if it were new: its number is too low, without 43."""

    name, number = "seq_low", "F12"

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._last: dict[str, Frame] = {}

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """Behind the one that follows it."""
        shaped = []
        for frame in frames:
            shaped.append(frame)
            if not frame.application or frame.again:
                continue
            last = self._last.get(session)
            self._last[session] = frame
            if last and self.strikes(frame.number, now, str(last.number), session=session):
                shaped.append(last)
        return shaped


class ResendIgnored(WireFault[When]):
    """A ResendRequest is not answered."""

    name, number = "resend_ignored", "F13"

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """What is sent again is not sent."""
        again = [frame for frame in frames if frame.again]
        if not again or not self.strikes(again[0].number, now, session=session):
            return frames
        return [frame for frame in frames if not frame.again]


class ResendGapFilled(WireFault[When]):
    """Reports that are asked for are gap-filled: they will never come."""

    name, number = "resend_gap_filled", "F30"

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """One gap fill over all that is sent again."""
        again = [frame for frame in frames if frame.again]
        lost = [frame for frame in again if frame.application]
        if not lost or not self.strikes(lost[0].number, now, session=session):
            return frames
        last = again[-1]
        end = int(last.message[tags.NewSeqNo]) if last.gap_fill else last.number + 1
        header = (tags.MsgSeqNum, tags.SenderCompID, tags.SendingTime, tags.TargetCompID)
        keep = {*header, tags.PossDupFlag, tags.OrigSendingTime}

        def filled(fields: Pairs) -> Pairs:
            kept = [pair for pair in fields if pair[0] in keep]
            return [*kept, (tags.NewSeqNo, str(end)), (tags.GapFillFlag, "Y")]

        fill = again[0].changed(filled, MsgType.SEQUENCE_RESET)
        return [fill, *(frame for frame in frames if not frame.again)]


@dataclass(slots=True, kw_only=True)
class GapFillWrongSettings(When):
    """`by`: how far NewSeqNo is off."""

    by: int = 2

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(-_NUMBERS_MOST, _NUMBERS_MOST, by=self.by)


class GapFillWrong(WireFault[GapFillWrongSettings]):
    """A gap fill goes to the wrong number."""

    name, number, Settings = "gapfill_wrong", "F13", GapFillWrongSettings

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """Each of them."""
        return [
            self._off(frame)
            if frame.gap_fill and self.strikes(frame.number, now, session=session)
            else frame
            for frame in frames
        ]

    def _off(self, frame: Frame) -> Frame:
        new = str(int(frame.message[tags.NewSeqNo]) + self.settings.by)
        return frame.changed(lambda fields: with_values(fields, {tags.NewSeqNo: new}))


class ResendFreshDup(WireFault[When]):
    """Behind a resend come the same messages as if they had never been sent."""

    name, number = "resend_fresh_dup", "F13"

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """Without 43 and 122."""
        again = [frame for frame in frames if frame.again and frame.application]
        if not again or not self.strikes(again[0].number, now, session=session):
            return frames
        behind = frames.index(again[-1]) + 1
        fresh = [
            frame.changed(lambda fields: without(fields, tags.PossDupFlag, tags.OrigSendingTime))
            for frame in again
        ]
        return [*frames[:behind], *fresh, *frames[behind:]]


@dataclass(slots=True, kw_only=True)
class ClockSkewSettings(When):
    """The venue's clock is `ms` ahead (negative: behind), and gains `drift_ppm` from the time at
    which the fault began."""

    ms: int = 1_000
    drift_ppm: int = 0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(-MOST, ms=self.ms)
        at_least(-_PPM, _PPM, drift_ppm=self.drift_ppm)


class ClockSkew(WireFault[ClockSkewSettings]):
    """All stamps of the venue are off."""

    name, number, Settings = "clock_skew", "F18", ClockSkewSettings

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """SendingTime, TransactTime, OrigSendingTime."""
        if not self.settings.means(session, "") or not self.lasts(now):
            return frames
        drift = (now - self.since_ns) * self.settings.drift_ppm // _PPM
        off = ms(self.settings.ms) + drift
        return [
            frame.changed(
                lambda fields: [
                    (tag, _shifted(value, off) if tag in _STAMPS else value)
                    for tag, value in fields
                ]
            )
            for frame in frames
        ]


def _shifted(stamp: str, off_ns: int) -> str:
    fine = len(stamp) >= _MICROSECONDS
    return utc_timestamp(parse_utc_timestamp(stamp) + off_ns, micros=fine)


@dataclass(slots=True, kw_only=True)
class GarbledSettings(When):
    """`kind` of damage to a message about business; `tag`: which field is missing or empty."""

    kind: Literal["checksum", "length", "missing_tag", "unknown_tag", "empty_tag"] = "checksum"
    tag: int = tags.ExecID

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, tag=self.tag)


class Garbled(WireFault[GarbledSettings]):
    """A message is damaged. Asked for again, it comes as it should have been."""

    name, number, Settings = "garbled", "F21", GarbledSettings

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """Each first-hand message about business."""
        return [
            self._damaged(frame)
            if frame.application
            and not frame.again
            and self.strikes(frame.number, now, session=session)
            else frame
            for frame in frames
        ]

    def _damaged(self, frame: Frame) -> Frame:
        kind, tag, raw = self.settings.kind, self.settings.tag, frame.raw
        begin, msg_type, fields = frame.message.fields[0][1], frame.message.msg_type, frame.body()
        if kind == "checksum":
            wrong = (int(raw[-4:-1]) + 1) % 256
            return Frame(raw[:-4] + f"{wrong:03}\x01".encode(), frame.message)
        if kind == "length":
            return Frame(assembled(begin, msg_type, fields, length_off=1), frame.message)
        if kind == "missing_tag":
            return frame_of(assembled(begin, msg_type, without(fields, tag)))
        if kind == "unknown_tag":
            return frame_of(assembled(begin, msg_type, [*fields, (_UNKNOWN_TAG, "1")]))
        emptied = assembled(begin, msg_type, with_values(fields, {tag: ""}))
        return Frame(emptied, frame.message)


@dataclass(slots=True, kw_only=True)
class LogonFailSettings(When):
    """`text` of the refusal."""

    text: str = "wrong password"


class LogonFail(WireFault[LogonFailSettings]):
    """A Logon is answered by a Logout, and the line is closed."""

    name, number, Settings = "logon_fail", "F24", LogonFailSettings

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """In place of all that would have been said."""
        logon = next((each for each in frames if each.message.msg_type == MsgType.LOGON), None)
        if logon is None or not self.strikes(now, now, session=session):
            return frames
        header = (tags.MsgSeqNum, tags.SenderCompID, tags.SendingTime, tags.TargetCompID)

        def refusal(fields: Pairs) -> Pairs:
            kept = [pair for pair in fields if pair[0] in header]
            return [*kept, (tags.Text, self.settings.text)]

        self.act(LineAction(session, Deed.FIN, now, Part.ALL))
        return [logon.changed(refusal, MsgType.LOGOUT)]


@dataclass(slots=True, kw_only=True)
class PartialWriteSettings(When):
    """`chunk` bytes at a time (0: all), each `gap_ms` after the one before; the first `hold_ms`
    after it should have left, so that many messages leave in one piece."""

    chunk: int = 7
    gap_ms: int = 0
    hold_ms: int = 0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, chunk=self.chunk, gap_ms=self.gap_ms, hold_ms=self.hold_ms)


class PartialWrite(CutFault[PartialWriteSettings]):
    """One message in many pieces, or many in one."""

    name, number, Settings = "partial_write", "F25", PartialWriteSettings

    def pieces(self, data: bytes, session: str, now: int) -> list[Piece]:
        """In so many writes."""
        settings = self.settings
        if not self.strikes(now, now, session=session):
            return [Piece(data)]
        chunk = settings.chunk or len(data)
        pieces = [
            Piece(data[at : at + chunk], ms(settings.gap_ms)) for at in range(0, len(data), chunk)
        ]
        pieces[0].delay_ns = ms(settings.hold_ms)
        return pieces


class ExecutesQueue(HintFault[When]):
    """Orders that came too early and were then gap-filled are executed all the same."""

    name, number = "executes_queue", "F28"

    def executes(self, session: str, number: int, now: int) -> bool:
        """Each that was queued."""
        return self.strikes(number, now, str(number), session=session)
