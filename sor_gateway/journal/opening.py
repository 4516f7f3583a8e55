"""What a journal's folder holds at start, and what of it has to go, then and later.

Owns: which segments and snapshots count, the leftovers of both crash windows of a roll.
May not know: how records are appended, orders, FIX. Deletes files, never writes a byte.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import MutableSequence
from pathlib import Path
from typing import Final

from sor_gateway.journal.errors import JournalCorrupt, JournalMixed
from sor_gateway.journal.reader import (
    PARTIAL_SUFFIX,
    SEGMENT_SUFFIX,
    SNAPSHOT_SUFFIX,
    good_behind,
    numbers_of,
    read_header,
    read_snapshot,
    segment_path,
    snapshot_path,
    whole_header,
)

SNAPSHOTS_KEPT: Final = 2
"""The latest, and one to fall back on."""


def sweep_partials(folder: Path) -> None:
    """Delete the files that never got their name."""
    for path in sorted(folder.glob(f"*{PARTIAL_SUFFIX}")):
        path.unlink()


def usable_segments(folder: Path, notes: MutableSequence[str]) -> list[int]:
    """The segments there are, ascending; a last one cut off within its header is deleted.

    Raises JournalCorrupt when one between two others is missing.
    """
    numbers = numbers_of(folder, SEGMENT_SUFFIX)
    for before, after in itertools.pairwise(numbers):
        if after != before + 1:
            raise JournalCorrupt(segment_path(folder, before + 1), 0, "this segment is missing")
    if numbers:
        path = segment_path(folder, numbers[-1])
        if read_header(path) is None:
            notes.append(f"{path}: cut off within its header, deleted")
            path.unlink()
            numbers.pop()
    return numbers


def drop_orphans(folder: Path, segments: list[int], notes: MutableSequence[str]) -> None:
    """Delete the snapshots of segments that are not there: a roll that was cut short before its
    last step, or a deletion that was."""
    for number in sorted(set(numbers_of(folder, SNAPSHOT_SUFFIX)) - set(segments)):
        path = snapshot_path(folder, number)
        notes.append(f"{path}: has no segment, deleted")
        path.unlink()


def drop_old_snapshots(folder: Path) -> None:
    """Delete all snapshots but the last ones."""
    for number in numbers_of(folder, SNAPSHOT_SUFFIX)[:-SNAPSHOTS_KEPT]:
        snapshot_path(folder, number).unlink()


def one_journal(folder: Path, segments: list[int]) -> str:
    """The id of the journal that all these segments are of. Raises JournalMixed."""
    first = whole_header(segment_path(folder, segments[0]))[0].journal_id
    for number in segments[1:]:
        path = segment_path(folder, number)
        other = whole_header(path)[0].journal_id
        if other != first:
            raise JournalMixed(
                f"{path}: this segment is of journal {other}, those before it are of {first}: "
                "move the files of one of them to a folder of their own"
            )
    return first


def latest_snapshot(
    folder: Path, segments: list[int], journal_id: str, notes: MutableSequence[str]
) -> int | None:
    """The snapshot to start from; None starts from the first segment there ever was. One by older
    code does not say of which journal it is, and is taken.

    Raises JournalCorrupt when neither is there whole, JournalMixed when a whole one is of another
    journal or of another segment.
    """
    broken: JournalCorrupt | None = None
    for number in reversed(numbers_of(folder, SNAPSHOT_SUFFIX)):
        path = snapshot_path(folder, number)
        try:
            header, _ = read_snapshot(path)
        except JournalCorrupt as error:
            notes.append(f"passed over: {error}")
            broken = broken or error
            continue
        if header.journal_id not in ("", journal_id) or header.segment != number:
            raise JournalMixed(
                f"{path}: this snapshot is of segment {header.segment} of journal "
                f"{header.journal_id}, the segments here are of {journal_id}: put the right file "
                "back, or move this one away and the start folds over more segments"
            )
        if not header.journal_id:
            notes.append(f"{path}: by older code, it does not say of which journal it is: taken")
        return number
    if segments[0] == 1:
        return None
    if broken is not None:
        raise broken
    path = snapshot_path(folder, segments[0])
    raise JournalCorrupt(path, 0, "earlier segments are gone and no snapshot stands for them")


def torn_bytes(descriptor: int, end: int, path: Path) -> int:
    """How much of a torn record a segment has behind the `end` of its last good one. Raises
    JournalCorrupt when a good one follows: no crash of ours leaves that."""
    good = good_behind(descriptor, end)
    if good is not None:
        raise JournalCorrupt(path, end, f"a bad record with a good one behind it, at offset {good}")
    return os.fstat(descriptor).st_size - end


def boot_of_last_record(folder: Path, last: int, first: int) -> str | None:
    """The boot id of the last segment that holds a record: an empty one proves nothing, the
    process may have ended before it could act on the change."""
    for number in range(last, first - 1, -1):
        path = segment_path(folder, number)
        header, offset = whole_header(path)
        if path.stat().st_size > offset:
            return header.boot_id
    return None
