"""What a journal's folder holds at start, and what of it has to go, then and later.

Owns: which segments and snapshots count, the leftovers of both crash windows of a roll.
May not know: how records are appended, orders, FIX. Deletes files, never writes a byte.
"""

from __future__ import annotations

import itertools
from collections.abc import MutableSequence
from pathlib import Path
from typing import Final

from sor_gateway.journal.errors import JournalCorrupt
from sor_gateway.journal.reader import (
    PARTIAL_SUFFIX,
    SEGMENT_SUFFIX,
    SNAPSHOT_SUFFIX,
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


def latest_snapshot(folder: Path, segments: list[int], notes: MutableSequence[str]) -> int | None:
    """The snapshot to start from; None starts from the first segment there ever was.

    Raises JournalCorrupt when neither is there whole.
    """
    broken: JournalCorrupt | None = None
    for number in reversed(numbers_of(folder, SNAPSHOT_SUFFIX)):
        try:
            read_snapshot(snapshot_path(folder, number))
        except JournalCorrupt as error:
            notes.append(f"passed over: {error}")
            broken = broken or error
        else:
            return number
    if segments[0] == 1:
        return None
    if broken is not None:
        raise broken
    path = snapshot_path(folder, segments[0])
    raise JournalCorrupt(path, 0, "earlier segments are gone and no snapshot stands for them")


def boot_of_last_record(folder: Path, last: int, first: int) -> str | None:
    """The boot id of the last segment that holds a record: an empty one proves nothing, the
    process may have ended before it could act on the change."""
    for number in range(last, first - 1, -1):
        path = segment_path(folder, number)
        header, offset = whole_header(path)
        if path.stat().st_size > offset:
            return header.boot_id
    return None
