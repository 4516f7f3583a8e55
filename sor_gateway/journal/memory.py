"""A journal in memory, with the interface of `segments.Journal`: for tests and the harness.

Owns: records as encoded frames in lists, so that what is read back went through the format.
May not know: files, orders, FIX.

`MemoryStorage` is the disk and outlives the journal: opening it anew is a restart.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sor_gateway.journal.counters import JournalCounters
from sor_gateway.journal.errors import JournalStalled
from sor_gateway.journal.reader import Position
from sor_gateway.journal.record import (
    FRAME_HEADER_BYTES,
    Entry,
    Record,
    decode_record,
    encode_record,
)
from sor_gateway.journal.segments import SEGMENT_BYTES, SEGMENT_MESSAGES


@dataclass(slots=True)
class MemorySegment:
    """The frames of a segment and the boot under which it was begun."""

    boot_id: str
    frames: list[bytes] = field(default_factory=list)
    bytes_held: int = 0
    messages: int = 0


@dataclass(slots=True)
class MemoryStorage:
    """What outlives the journal."""

    segments: dict[int, MemorySegment] = field(default_factory=dict)
    snapshots: dict[int, bytes] = field(default_factory=dict)
    sent: dict[tuple[str, int], dict[int, Entry]] = field(default_factory=dict)
    """Our messages by (session, epoch) and number."""
    full: bool = False
    """Set by a test: the disk takes nothing more until the reserve is used or this is unset."""
    reserve_held: bool = True
    durable_records: int = 0
    """How many records were appended with `durable`."""


class MemoryJournal:
    """The interface of `segments.Journal` over a MemoryStorage."""

    def __init__(
        self,
        storage: MemoryStorage | None = None,
        boot_id: str = "",
        segment_bytes: int = SEGMENT_BYTES,
        segment_messages: int = SEGMENT_MESSAGES,
    ) -> None:
        self.storage = MemoryStorage() if storage is None else storage
        self.boot_id = boot_id
        self.counters = JournalCounters()
        self.notes: list[str] = []
        self._segment_bytes = segment_bytes
        self._segment_messages = segment_messages
        self.may_roll = True
        self._pending: tuple[bytes, list[Entry]] | None = None
        segments = self.storage.segments
        self.previous_boot_id: str | None = next(
            (segments[n].boot_id for n in sorted(segments, reverse=True) if segments[n].frames),
            None,
        )
        self._segment = max(segments, default=1)
        current = segments.get(self._segment)
        if current is not None and current.frames and current.boot_id != boot_id:
            self._segment += 1
            current = None
        if current is None or not current.frames:
            segments[self._segment] = MemorySegment(boot_id)

    def close(self) -> None:
        """Nothing to give up."""

    @property
    def position(self) -> Position:
        """The end of the journal."""
        return Position(self._segment, self._current.bytes_held)

    @property
    def boot_changed(self) -> bool:
        """Whether the machine restarted since the last record before this opening."""
        return self.previous_boot_id is not None and self.previous_boot_id != self.boot_id

    @property
    def snapshot(self) -> bytes | None:
        """The latest snapshot."""
        snapshots = self.storage.snapshots
        return snapshots[max(snapshots)] if snapshots else None

    def tail(self) -> Iterator[Record]:
        """The records behind the snapshot, oldest first."""
        start = max(self.storage.snapshots, default=0)
        for number in sorted(self.storage.segments):
            if number >= start:
                for frame in list(self.storage.segments[number].frames):
                    yield decode_record(frame[FRAME_HEADER_BYTES:])

    def records(self) -> Iterator[Record]:
        """Every record there is, oldest first: what a follower of the files would read."""
        for number in sorted(self.storage.segments):
            for frame in list(self.storage.segments[number].frames):
                yield decode_record(frame[FRAME_HEADER_BYTES:])

    @property
    def stalled(self) -> bool:
        """Whether an append waits for `retry()`."""
        return self._pending is not None

    @property
    def roll_due(self) -> bool:
        """Whether the segment is full."""
        current = self._current
        return self.may_roll and (
            current.bytes_held >= self._segment_bytes or current.messages >= self._segment_messages
        )

    @property
    def reserve_held(self) -> bool:
        """Whether the reserve still takes room."""
        return self.storage.reserve_held

    def append(self, record: Record, durable: bool = False) -> None:
        """Keep one record. Raises JournalStalled while the storage is full."""
        if self._pending is not None:
            raise JournalStalled(errno.ENOSPC, "the storage is full")
        buffer = bytearray()
        encode_record(record, buffer)
        self._write(bytes(buffer), decode_record(bytes(buffer[FRAME_HEADER_BYTES:])).entries)
        self.storage.durable_records += durable

    def retry(self) -> None:
        """Keep the record that stalled."""
        if self._pending is not None:
            (frame, entries), self._pending = self._pending, None
            self._write(frame, entries)

    def use_reserve(self) -> None:
        """Free the reserve: a full storage takes records again."""
        if self.storage.reserve_held:
            self.storage.reserve_held = False
            self.storage.full = False

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with begin <= number <= end, ascending; those that are there."""
        sent = self.storage.sent.get((session, epoch), {})
        return [sent[number] for number in sorted(sent) if begin <= number <= end]

    def prepare(self, session: str, epoch: int, begin: int, end: int) -> bool:  # noqa: ARG002
        """Whether `outbound` finds this range at once: in memory it always does."""
        return True

    def roll(self, snapshot: bytes) -> bool:
        """Begin a new segment behind a snapshot; False while the storage is full."""
        assert self._pending is None, "a stalled journal cannot roll"
        if self.storage.full:
            self.counters.roll_failures += 1
            self.notes.append("the storage is full")
            return False
        self._segment += 1
        self.storage.snapshots[self._segment] = snapshot
        self.storage.segments[self._segment] = MemorySegment(self.boot_id)
        self.storage.reserve_held = True
        self.counters.rolls += 1
        return True

    def roll_apart(self, snapshot: Callable[[], bytes]) -> bool:
        """The same: in memory nothing takes time."""
        return self.roll(snapshot())

    def drop_covered(self, keep_from_segment: int) -> None:
        """Delete the segments below this number; asserts that a snapshot covers them."""
        assert keep_from_segment <= max(self.storage.snapshots, default=1), "no snapshot covers it"
        for number in [n for n in self.storage.segments if n < keep_from_segment]:
            for frame in self.storage.segments.pop(number).frames:
                self._forget(decode_record(frame[FRAME_HEADER_BYTES:]).entries)
            self.storage.snapshots.pop(number, None)

    @property
    def _current(self) -> MemorySegment:
        return self.storage.segments[self._segment]

    def _write(self, frame: bytes, entries: list[Entry]) -> None:
        if self.storage.full:
            self._pending = frame, entries
            self.counters.stalls += 1
            raise JournalStalled(errno.ENOSPC, "the storage is full")
        current = self._current
        current.frames.append(frame)
        current.bytes_held += len(frame)
        current.messages += len(entries)
        for entry in entries:
            if entry.outbound:
                key = (entry.session, entry.epoch)
                self.storage.sent.setdefault(key, {})[entry.number] = entry
        self.counters.records += 1
        self.counters.messages += len(entries)
        self.counters.bytes_written += len(frame)

    def _forget(self, entries: list[Entry]) -> None:
        for entry in entries:
            sent = self.storage.sent.get((entry.session, entry.epoch), {})
            if entry.outbound and sent.get(entry.number) == entry:
                del sent[entry.number]
