"""Reading a journal: file names, headers, frames, snapshots, and the follower's iterator.

Owns: how the folder looks, and reading it while a writer appends and rolls.
May not know: how anything is written, orders, FIX. Opens nothing for writing, takes no lock.

A folder holds `00000001.segment`, `00000002.segment`, ... and `00000002.snapshot`, ...: the
snapshot with a segment's number is the state before that segment's first record.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from sor_gateway.journal.errors import JournalCorrupt, JournalError, PositionLost
from sor_gateway.journal.index import Base
from sor_gateway.journal.record import (
    FRAME_HEADER,
    FRAME_HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    MIN_PAYLOAD_BYTES,
    Record,
    decode_record,
    encode_frame,
    find_frame,
    frame_end,
    scan,
)

SEGMENT_SUFFIX: Final = ".segment"
SNAPSHOT_SUFFIX: Final = ".snapshot"
PARTIAL_SUFFIX: Final = ".partial"
"""A file being written: it gets its name when it is whole. Swept away at open."""
SEGMENT_MAGIC: Final = b"SORSEGM\n"
SNAPSHOT_MAGIC: Final = b"SORSNP2\n"
UNSIGNED_SNAPSHOT_MAGIC: Final = b"SORSNAP\n"
"""Of a snapshot by older code, which does not say of which journal it is."""
VERSION: Final = 1
RECORD_GUESS_BYTES: Final = 8192
"""What is read at first for one record; a longer one takes a second read."""
HEADER_GUESS_BYTES: Final = 4_096
"""What is read at first of a segment's header; it grows with the number of sessions."""
CHUNK_BYTES: Final = 1 << 20
"""How much of a segment is read at a time; more only when a single frame is longer."""


class Position(NamedTuple):
    """A place between two records: the segment's number and the byte offset in its file."""

    segment: int
    offset: int


START: Final = Position(0, 0)
"""Before the oldest record there is."""


class Header(msgspec.Struct, array_like=True):
    """What stands at the start of a segment."""

    version: int
    segment: int
    journal_id: str
    """Drawn once, when the folder was first used: tells a follower that a folder was replaced."""
    boot_id: str
    """The machine's boot under which the segment was begun (recovery.md 1.5)."""
    base: dict[str, Base]


class SnapshotHeader(msgspec.Struct, array_like=True):
    """What stands at the start of a snapshot."""

    segment: int
    """It is the state before this segment's first record."""
    journal_id: str
    """Of the journal that it belongs to; empty for a snapshot by older code."""


_HEADERS: Final = msgspec.msgpack.Decoder(Header)
_SNAPSHOT_HEADERS: Final = msgspec.msgpack.Decoder(SnapshotHeader)


def segment_path(folder: Path, number: int) -> Path:
    """The file of a segment."""
    return folder / f"{number:08d}{SEGMENT_SUFFIX}"


def snapshot_path(folder: Path, number: int) -> Path:
    """The file of the state before a segment."""
    return folder / f"{number:08d}{SNAPSHOT_SUFFIX}"


def partial_snapshot_path(folder: Path, number: int) -> Path:
    """The same file while it is being written."""
    path = snapshot_path(folder, number)
    return path.with_suffix(path.suffix + PARTIAL_SUFFIX)


def numbers_of(folder: Path, suffix: str) -> list[int]:
    """The numbers of the files with this suffix, ascending."""
    return sorted(int(path.stem) for path in folder.glob(f"*{suffix}") if path.stem.isdecimal())


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment."""
    return SEGMENT_MAGIC + encode_frame(msgspec.msgpack.encode(header))


def encode_snapshot(header: SnapshotHeader, snapshot: bytes) -> Iterator[bytes]:
    """The pieces of a snapshot's file, in order; two pieces spare a copy of a big one."""
    yield (
        SNAPSHOT_MAGIC
        + encode_frame(msgspec.msgpack.encode(header))
        + FRAME_HEADER.pack(len(snapshot), zlib.crc32(snapshot))
    )
    yield snapshot


def read_snapshot(path: Path) -> tuple[SnapshotHeader, bytes]:
    """A snapshot's header and bytes. Raises JournalCorrupt when the file is not whole."""
    data = path.read_bytes()
    start, header = len(SNAPSHOT_MAGIC), None
    if data.startswith(UNSIGNED_SNAPSHOT_MAGIC):
        header = SnapshotHeader(int(path.stem), "")
    elif data.startswith(SNAPSHOT_MAGIC) and (end := frame_end(data, start)) is not None:
        header = _SNAPSHOT_HEADERS.decode(data[start + FRAME_HEADER_BYTES : end])
        start = end
    if header is not None and len(data) >= start + FRAME_HEADER_BYTES:
        length, checksum = FRAME_HEADER.unpack_from(data, start)
        body = data[start + FRAME_HEADER_BYTES :]
        if len(body) == length and zlib.crc32(body) == checksum:
            return header, body
    raise JournalCorrupt(path, 0, "the snapshot is not whole")


def read_header(path: Path) -> tuple[Header, int] | None:
    """A segment's header and the offset behind it; None when the file ends within it.

    Raises JournalCorrupt when what stands there is not a header, JournalError when newer code
    wrote it.
    """
    start = len(SEGMENT_MAGIC)
    with path.open("rb") as file:
        data = file.read(HEADER_GUESS_BYTES)
        if frame_end(data, start) is None:
            data += file.read(CHUNK_BYTES)
    if not data.startswith(SEGMENT_MAGIC[: len(data)]):
        raise JournalCorrupt(path, 0, "this is not a journal segment")
    end = frame_end(data, start)
    if end is not None:
        version, *_ = msgspec.msgpack.decode(data[start + FRAME_HEADER_BYTES : end])
        if version != VERSION:
            raise JournalError(f"{path}: format {version}; this code reads format {VERSION}")
        return _HEADERS.decode(data[start + FRAME_HEADER_BYTES : end]), end
    if _ends_within_frame(data, start) and find_frame(data, start) is None:
        return None
    raise JournalCorrupt(path, start, "the segment's header cannot be read")


def whole_header(path: Path) -> tuple[Header, int]:
    """Like `read_header`, where a header that is cut off is corruption."""
    header = read_header(path)
    if header is None:
        raise JournalCorrupt(path, 0, "the header is cut off")
    return header


def _ends_within_frame(data: bytes, offset: int) -> bool:
    """Whether the frame at `offset` would need more bytes than there are."""
    if len(data) < offset + FRAME_HEADER_BYTES:
        return True
    length, _ = FRAME_HEADER.unpack_from(data, offset)
    return bool(offset + FRAME_HEADER_BYTES + length > len(data))


def journal_id(folder: Path) -> str | None:
    """Which journal lies in this folder; None while there is none."""
    for number in numbers_of(folder, SEGMENT_SUFFIX):
        header = read_header(segment_path(folder, number))
        return None if header is None else header[0].journal_id
    return None


def end_of(folder: Path) -> Position:
    """Where the journal ends now; a torn record at the end counts."""
    numbers = numbers_of(folder, SEGMENT_SUFFIX)
    if not numbers:
        return START
    return Position(numbers[-1], segment_path(folder, numbers[-1]).stat().st_size)


def frames(descriptor: int, offset: int) -> Iterator[tuple[int, int, bytes]]:
    """The (start, end, payload) of each good frame of a file, up to the first that is not."""
    while found := some_frames(descriptor, offset, CHUNK_BYTES):
        yield from found
        offset = found[-1][1]


def some_frames(descriptor: int, offset: int, want: int) -> list[tuple[int, int, bytes]]:
    """The good frames within the next `want` bytes, at least one if there is one, however long."""
    while True:
        data = os.pread(descriptor, want, offset)
        found = [
            (offset + start, offset + end, data[start + FRAME_HEADER_BYTES : end])
            for start, end in scan(data)
        ]
        if found or len(data) < want:
            return found
        length, _ = FRAME_HEADER.unpack_from(data, 0)
        needed = FRAME_HEADER_BYTES + length
        if needed <= want or not MIN_PAYLOAD_BYTES <= length <= MAX_PAYLOAD_BYTES:
            return []
        want = needed


def good_behind(descriptor: int, offset: int) -> int | None:
    """Where a good frame begins behind the bad bytes at `offset`; None when none does."""
    rest = read_rest(descriptor, offset)
    found = find_frame(rest, 1)
    return None if found is None else offset + found


def read_rest(descriptor: int, offset: int) -> bytes:
    """All bytes from `offset` to the end of the file."""
    pieces: list[bytes] = []
    while piece := os.pread(descriptor, CHUNK_BYTES, offset):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def read_record(descriptor: int, offset: int, path: Path) -> Record:
    """The record whose frame begins at `offset`. Raises JournalCorrupt."""
    data = os.pread(descriptor, RECORD_GUESS_BYTES, offset)
    end = frame_end(data, 0)
    if end is None and _ends_within_frame(data, 0) and len(data) >= FRAME_HEADER_BYTES:
        length, _ = FRAME_HEADER.unpack_from(data, 0)
        data = os.pread(descriptor, FRAME_HEADER_BYTES + min(length, MAX_PAYLOAD_BYTES), offset)
        end = frame_end(data, 0)
    if end is None:
        raise JournalCorrupt(path, offset, "an indexed record cannot be read")
    return to_record(data[FRAME_HEADER_BYTES:end], path, offset)


def to_record(payload: bytes, path: Path, offset: int) -> Record:
    """Decode a payload whose checksum is right. Raises JournalCorrupt."""
    try:
        return decode_record(payload)
    except msgspec.DecodeError as error:
        raise JournalCorrupt(path, offset, f"not a record: {error}") from error


def read_records(folder: Path, position: Position = START) -> Iterator[tuple[Position, Record]]:
    """The records behind a position, each with the position behind it, up to the end as it is now.

    Safe while a writer appends and rolls: an incomplete tail ends the iteration, and the next call
    with the last position goes on. Raises PositionLost when the position is not in the journal,
    JournalCorrupt for a record that will never be whole.
    """
    numbers = numbers_of(folder, SEGMENT_SUFFIX)
    segment, offset = position
    if segment == 0:
        if not numbers:
            return
        segment, offset = numbers[0], 0
    elif segment not in numbers:
        raise PositionLost(f"{folder}: segment {segment} is not there any more")
    while True:
        # Asked before reading: a writer never goes back to a segment once the next one exists.
        last = not segment_path(folder, segment + 1).exists()
        yield from _read_segment(folder, segment, offset, last)
        if last:
            return
        segment, offset = segment + 1, 0


def _read_segment(
    folder: Path, segment: int, offset: int, last: bool
) -> Iterator[tuple[Position, Record]]:
    path = segment_path(folder, segment)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise PositionLost(f"{path} is not there any more") from error
    try:
        header = read_header(path)
        if header is None:
            if not last:
                raise JournalCorrupt(path, 0, "the header is cut off and a segment follows")
            return
        offset = max(offset, header[1])
        if offset > os.fstat(descriptor).st_size:
            raise PositionLost(f"{path} ends before offset {offset}")
        tries = 0
        while True:
            for start, end, payload in frames(descriptor, offset):
                yield Position(segment, end), to_record(payload, path, start)
                offset = end
                tries = 0
            if not bad_in_the_middle(descriptor, offset, path, last=last):
                return
            # A read that overlaps a write may show a later page before an earlier one: bytes
            # are bad for good only when they still are at the second look.
            if tries:
                raise JournalCorrupt(path, offset, "a bad record with a good one behind it")
            tries += 1
    finally:
        os.close(descriptor)


def bad_in_the_middle(descriptor: int, offset: int, path: Path, *, last: bool) -> bool:
    """Whether the bad bytes at `offset`, if any, have a good frame behind them.

    Raises JournalCorrupt when the segment is not the last and does not end at `offset`: only the
    last may end in a torn record.
    """
    if offset == os.fstat(descriptor).st_size:
        return False
    if good_behind(descriptor, offset) is not None:
        return True
    if not last:
        raise JournalCorrupt(path, offset, "a torn record, and a segment follows")
    return False
