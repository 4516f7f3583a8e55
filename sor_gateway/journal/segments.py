"""The journal on disk: append, open, roll, retain, and our stored messages by number.

Owns: every write to the journal's folder, the exclusive lock, the torn tail, the reserve, the
roll and its two crash windows (recovery.md 1.3, 1.4, 1.5).
May not know: orders, FIX, what a snapshot or a fact means.

Theory of operation. A segment and a snapshot get their names only when they are whole and on the
disk, so a name that is there can be trusted. A roll to segment n makes, in this order: the old
segment durable, `n.snapshot`, `n.segment`. A crash before the last of these leaves a snapshot
without its segment: it is deleted at open and the old segment goes on, with the same state. The
snapshot with the highest number whose checksum holds, and all segments from that number on, are
the start. A segment may begin without a snapshot (the machine restarted: its header has to carry
the new boot id; or the snapshot is written beside the turns, `roll_apart`, and comes later or, when
the process is killed, never); then the fold simply runs over two segments.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sor_gateway.journal import disk, reserve
from sor_gateway.journal.apart import Child, Flush
from sor_gateway.journal.counters import JournalCounters
from sor_gateway.journal.errors import (
    JournalCorrupt,
    JournalError,
    JournalFatal,
    JournalLocked,
    JournalStalled,
    PositionLost,
)
from sor_gateway.journal.opening import (
    boot_of_last_record,
    drop_old_snapshots,
    drop_orphans,
    latest_snapshot,
    one_journal,
    sweep_partials,
    torn_bytes,
    usable_segments,
)
from sor_gateway.journal.reader import (
    PARTIAL_SUFFIX,
    VERSION,
    Header,
    Position,
    SnapshotHeader,
    encode_header,
    partial_snapshot_path,
    read_records,
    read_snapshot,
    segment_path,
    snapshot_path,
    whole_header,
)
from sor_gateway.journal.record import Entry, Record, encode_record
from sor_gateway.journal.reserve import RESERVE_BYTES
from sor_gateway.journal.retention import keep_from
from sor_gateway.journal.sent import SentIndex

__all__ = [
    "Journal",
    "JournalCorrupt",
    "JournalError",
    "JournalFatal",
    "JournalLocked",
    "JournalStalled",
    "PositionLost",
]

Durability = Literal["process", "power"]

SEGMENT_BYTES: Final = 64 << 20
SEGMENT_MESSAGES: Final = 50_000
NOTES_KEPT: Final = 100
ROLL_RETRY_SHARE: Final = 16
"""After a roll that failed, the next try is due when a 16th of a segment more is written."""


@dataclass(slots=True)
class _Pending:
    """An append that stalled."""

    data: bytes
    entries: list[Entry]
    durable: bool
    errno: int
    text: str


class Journal:
    """A folder of segments, open for appending. Use `Journal.open`."""

    def __init__(
        self,
        folder: Path,
        folder_descriptor: int,
        durability: Durability,
        boot_id: str,
        segment_bytes: int,
        segment_messages: int,
        reserve_bytes: int,
        keep_s: int,
    ) -> None:
        self.folder = folder
        self.boot_id = boot_id
        self.journal_id = ""
        self.previous_boot_id: str | None = None
        """The boot under which the last record before this opening was written."""
        self.counters = JournalCounters()
        self.may_roll = True
        """Whoever has no state to put into a snapshot takes it away."""
        self.notes: deque[str] = deque(maxlen=NOTES_KEPT)
        """What opening and rolling found worth a log line: a cut tail, a snapshot passed over."""
        self._folder_descriptor = folder_descriptor
        self._power = durability == "power"
        self._segment_bytes, self._segment_messages = segment_bytes, segment_messages
        self._roll_bytes, self._roll_messages = segment_bytes, segment_messages
        self._reserve_bytes, self._keep_s = reserve_bytes, keep_s
        self._buffer = bytearray()
        self._pending: _Pending | None = None
        self._first = 1
        self._segment = 0
        self._descriptor = -1
        self._size = 0
        self._messages = 0
        self._snapshot_number: int | None = None
        self._flush: Flush | None = None
        self._child: Child | None = None
        """Writes the snapshot of the current segment."""
        self._sent = SentIndex(folder)

    @classmethod
    def open(
        cls,
        folder: Path,
        durability: Durability = "process",
        boot_id: str = "",
        segment_bytes: int = SEGMENT_BYTES,
        segment_messages: int = SEGMENT_MESSAGES,
        reserve_bytes: int = RESERVE_BYTES,
        keep_s: int = 0,
    ) -> Journal:
        """Open the journal in this folder, which is made when it is not there. Segments that no
        start needs stay for `keep_s` seconds; 0: for ever.

        Cuts a torn last record. Raises JournalLocked when another process has it, JournalCorrupt
        when it was damaged, JournalMixed when files of another journal lie there too, OSError when
        the folder cannot be used.
        """
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        journal = cls(
            folder,
            descriptor,
            durability,
            boot_id,
            segment_bytes,
            segment_messages,
            reserve_bytes,
            keep_s,
        )
        try:
            journal._take_over()
        except BaseException:
            journal.close()
            raise
        return journal

    def close(self) -> None:
        """Give up the files and the lock. Nothing is written but the snapshot that is under way:
        every append already was."""
        self.settle()
        if self._flush is not None:
            self._flush.wait()
        for descriptor in (self._descriptor, self._folder_descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._folder_descriptor = -1

    # --- what stands ----------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """The end of the journal."""
        return Position(self._segment, self._size)

    @property
    def boot_changed(self) -> bool:
        """Whether the machine restarted since the last record before this opening.

        It stays true until a record is in the journal under this boot: the first record after
        opening has to carry what follows from it (recovery.md 1.5).
        """
        return self.previous_boot_id is not None and self.previous_boot_id != self.boot_id

    @property
    def snapshot(self) -> bytes | None:
        """The latest whole snapshot, read from the disk; None when there is none."""
        if self._snapshot_number is None:
            return None
        return read_snapshot(snapshot_path(self.folder, self._snapshot_number))[1]

    def tail(self) -> Iterator[Record]:
        """The records behind the snapshot, oldest first. Raises JournalCorrupt."""
        start = self._first if self._snapshot_number is None else self._snapshot_number
        for _, record in read_records(self.folder, Position(start, 0)):
            yield record

    @property
    def stalled(self) -> bool:
        """Whether an append waits for `retry()`."""
        return self._pending is not None

    @property
    def roll_due(self) -> bool:
        """Whether there is a step to take: the segment is full (after a failed roll, some more
        later), or who wrote a snapshot beside the turns has ended."""
        if self._child is not None:
            return self._child.ended()
        is_full = self._size >= self._roll_bytes or self._messages >= self._roll_messages
        return is_full and self.may_roll

    @property
    def reserve_held(self) -> bool:
        """Whether the reserve still takes room on the disk."""
        return reserve.is_held(self.folder)

    # --- append ---------------------------------------------------------------------------

    def append(self, record: Record, durable: bool = False) -> None:
        """Write one record with one `write`; with `durable`, it is on the disk on return.

        Raises JournalStalled when it cannot be written: the file is as before, `retry()` writes
        the same bytes again. Raises JournalFatal when nobody knows what the disk holds.
        """
        if self._pending is not None:
            raise JournalStalled(self._pending.errno, self._pending.text)
        encode_record(record, self._buffer)
        self._write(self._buffer, record.entries, durable)

    def retry(self) -> None:
        """Write the bytes that stalled again. Raises like `append`; nothing waiting is no error."""
        pending = self._pending
        if pending is not None:
            self._pending = None
            self._write(pending.data, pending.entries, pending.durable)

    def use_reserve(self) -> None:
        """Free the room kept for a full disk. It is taken again at the next roll or opening."""
        reserve.free(self.folder)

    def _write(self, data: bytes | bytearray, entries: list[Entry], durable: bool) -> None:
        begun = time.perf_counter_ns()
        try:
            disk.write_all(self._descriptor, data)
        except OSError as error:
            self._cut_back()
            text = f"{segment_path(self.folder, self._segment)}: {error}"
            number = error.errno or errno.EIO
            self._pending = _Pending(bytes(data), entries, durable, number, text)
            self.counters.stalls += 1
            raise JournalStalled(number, text) from error
        if durable or self._power:
            disk.sync(self._descriptor)
        offset = self._size
        self._size = offset + len(data)
        self._messages += len(entries)
        self._sent.add(entries, offset)
        counters = self.counters
        counters.records += 1
        counters.messages += len(entries)
        counters.bytes_written += len(data)
        counters.last_write_ns = time.perf_counter_ns() - begun
        counters.writes.observe(counters.last_write_ns)

    def _cut_back(self) -> None:
        """Undo a partial write. The descriptor appends, so the next write starts there."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError as error:
            raise JournalFatal(f"a partial record cannot be cut off: {error}") from error

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with begin <= number <= end, ascending; those that are there.

        Older segments are scanned once, when a range reaches into them. Raises JournalCorrupt.
        """
        return self._sent.find(session, epoch, begin, end)

    def prepare(self, session: str, epoch: int, begin: int, end: int) -> bool:
        """One bounded step towards an `outbound` of this range that does not scan; True when it
        will not. Raises JournalCorrupt."""
        return self._sent.prepare(session, epoch, begin, end)

    # --- roll and retain ------------------------------------------------------------------

    def roll(self, snapshot: bytes) -> bool:
        """Begin a new segment behind a snapshot of the state after all that was appended.

        Returns False, with everything as before and a line in `notes`, when the disk does not
        take it: the old segment simply goes on and `roll_due` comes back later. Raises
        JournalFatal.
        """
        assert self._pending is None, "a stalled journal cannot roll"
        disk.sync(self._descriptor)
        number = self._segment + 1
        try:
            disk.write_snapshot(self.folder, self._snapshot_header(number), snapshot)
            descriptor, size = self._create_segment(number)
        except OSError as error:
            self._forget_roll(number, error)
            return False
        os.close(self._descriptor)
        self._adopt(number, descriptor, size)
        reserve.hold(self.folder, self._reserve_bytes, self.notes)
        self._has_snapshot(number)
        return True

    def roll_apart(self, snapshot: Callable[[], bytes]) -> bool:
        """Like `roll`, but in steps that hold nobody up: to be called, between two turns, for as
        long as `roll_due`. The old segment goes to the disk in a thread; then the new one begins,
        and a child process calls `snapshot` and writes it; its end is the last step. A start before
        it is there folds over two segments. False: the disk does not take the new segment, or the
        snapshot could not be written; `notes` says why. Raises JournalFatal.
        """
        assert self._pending is None, "a stalled journal cannot roll"
        if self._child is not None:
            return self.settle() if self._child.ended() else True
        number = self._segment + 1
        try:
            if not self._is_flushed():
                return True
            descriptor, size = self._create_segment(number)
        except OSError as error:
            self._forget_roll(number, error)
            return False
        os.close(self._descriptor)
        self._adopt(number, descriptor, size)
        reserve.hold(self.folder, self._reserve_bytes, self.notes)
        header = self._snapshot_header(number)
        try:
            self._child = Child(lambda: disk.write_snapshot(self.folder, header, snapshot()))
        except OSError as error:
            self._miss_snapshot(str(error))
            return False
        return True

    def _is_flushed(self) -> bool:
        """One step towards a segment that is on the disk to its end; whether it is the last."""
        if self._flush is None:
            self._flush = Flush(self._descriptor, disk.sync)
        if not self._flush.done:
            return False
        flush, self._flush = self._flush, None
        if flush.error is not None:
            raise flush.error
        disk.sync(self._descriptor)  # what was written meanwhile
        return True

    def settle(self) -> bool:
        """Wait for the child that writes a snapshot, if there is one; False: it did not succeed."""
        child, self._child = self._child, None
        if child is None:
            return True
        child.wait()
        if not child.failure and snapshot_path(self.folder, self._segment).exists():
            self._has_snapshot(self._segment)
            return True
        partial_snapshot_path(self.folder, self._segment).unlink(missing_ok=True)
        self._miss_snapshot(child.failure or "it is not there")
        return False

    def _snapshot_header(self, number: int) -> SnapshotHeader:
        return SnapshotHeader(number, self.journal_id)

    def _miss_snapshot(self, why: str) -> None:
        """A start folds over one segment more until the next roll."""
        self.notes.append(f"the snapshot of segment {self._segment} could not be written: {why}")
        self.counters.roll_failures += 1

    def _has_snapshot(self, number: int) -> None:
        self._snapshot_number = number
        self.counters.rolls += 1
        drop_old_snapshots(self.folder)
        if self._keep_s:
            keep = keep_from(self.folder, self._first, time.time() - self._keep_s)
            if keep > self._first:
                self.drop_covered(keep)

    def drop_covered(self, keep_from_segment: int) -> None:
        """Delete the segments below this number; asserts that a snapshot covers them."""
        assert keep_from_segment <= (self._snapshot_number or 1), "no snapshot covers it"
        for number in range(self._first, keep_from_segment):
            segment_path(self.folder, number).unlink()
            snapshot_path(self.folder, number).unlink(missing_ok=True)
            self._first = number + 1
            self._sent.drop_below(self._first)
        disk.sync_folder(self._folder_descriptor)

    def _create_segment(self, number: int) -> tuple[int, int]:
        """Make an empty segment. Its name is the last step; what fails before leaves none."""
        path = segment_path(self.folder, number)
        partial = path.with_suffix(path.suffix + PARTIAL_SUFFIX)
        header = encode_header(
            Header(VERSION, number, self.journal_id, self.boot_id, self._sent.base())
        )
        descriptor = os.open(partial, disk.CREATE, 0o644)
        try:
            disk.write_all(descriptor, header)
            disk.sync(descriptor)
            partial.rename(path)
        except BaseException:
            os.close(descriptor)
            raise
        disk.sync_folder(self._folder_descriptor)
        return descriptor, len(header)

    def _adopt(self, number: int, descriptor: int, size: int) -> None:
        """Append to this new segment from now on."""
        self._segment, self._descriptor, self._size = number, descriptor, size
        self._messages = 0
        self._sent.begin_segment(number)
        self._roll_bytes, self._roll_messages = self._segment_bytes, self._segment_messages

    def _forget_roll(self, number: int, error: OSError) -> None:
        self.notes.append(f"roll to segment {number} failed, the old one goes on: {error}")
        self.counters.roll_failures += 1
        # The snapshot goes first of all: appended records would make it older than it claims.
        snapshot_path(self.folder, number).unlink(missing_ok=True)
        sweep_partials(self.folder)
        disk.sync_folder(self._folder_descriptor)
        self._roll_bytes = self._size + self._segment_bytes // ROLL_RETRY_SHARE
        self._roll_messages = self._messages + self._segment_messages // ROLL_RETRY_SHARE + 1

    # --- opening --------------------------------------------------------------------------

    def _take_over(self) -> None:
        """All of `open` that may fail. Nothing is changed before the lock is ours."""
        try:
            fcntl.flock(self._folder_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalLocked(f"{self.folder} is open in another process") from error
        sweep_partials(self.folder)
        numbers = usable_segments(self.folder, self.notes)
        drop_orphans(self.folder, numbers, self.notes)
        disk.sync_folder(self._folder_descriptor)
        if numbers:
            self._first = numbers[0]
            self.journal_id = one_journal(self.folder, numbers)
            self._snapshot_number = latest_snapshot(
                self.folder, numbers, self.journal_id, self.notes
            )
            self._load_last(numbers[-1])
        else:
            self.journal_id = secrets.token_hex(8)
            self._adopt(1, *self._create_segment(1))
        reserve.hold(self.folder, self._reserve_bytes, self.notes)

    def _load_last(self, number: int) -> None:
        """Index the last segment, cut its torn tail, and append to it from now on."""
        path = segment_path(self.folder, number)
        header, offset = whole_header(path)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._sent.start(self._first, header.base)
        self._adopt(number, descriptor, offset)
        self._size, self._messages = self._sent.load(descriptor, offset, path)
        self._cut_torn(path)
        self.previous_boot_id = boot_of_last_record(self.folder, number, self._first)
        if header.boot_id != self.boot_id:
            self._begin_under_boot(number if self._size == offset else number + 1)

    def _cut_torn(self, path: Path) -> None:
        if torn := torn_bytes(self._descriptor, self._size, path):
            self.notes.append(f"{path}: a torn record of {torn} bytes cut off")
            self._cut_back()
            disk.sync(self._descriptor)

    def _begin_under_boot(self, number: int) -> None:
        """The boot id stands in the header, so another boot begins another segment; one without
        records is made anew in its place."""
        try:
            made = self._create_segment(number)
        except OSError:
            if not self.reserve_held:
                raise
            # A machine that restarts with a full disk has to come up: to cancel, at least.
            self.use_reserve()
            made = self._create_segment(number)
        os.close(self._descriptor)
        self._adopt(number, *made)
