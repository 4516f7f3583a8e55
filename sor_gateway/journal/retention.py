"""Which segments may go (recovery.md 1.3).

Owns: the rule. May not know: how anything is written, orders, FIX. It deletes nothing itself.

A segment may go when the two snapshots that are kept stand for it, the latest and the one to fall
back on, and when nothing was written to it for as long as the configuration says. Until then a peer
may ask for the messages in it once more, and the projection can be built from it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sor_gateway.journal.opening import SNAPSHOTS_KEPT
from sor_gateway.journal.reader import SNAPSHOT_SUFFIX, numbers_of, segment_path

DROPPED_AT_ONCE: Final = 4
"""To delete 64 MiB takes a file system some milliseconds, between two turns."""


def keep_from(folder: Path, first: int, before_s: float) -> int:
    """The first segment that has to stay, given the first that is there and the time before which
    (seconds since 1970, by the file's own time) the last record of one that may go was written."""
    snapshots = numbers_of(folder, SNAPSHOT_SUFFIX)
    number = first
    if len(snapshots) < SNAPSHOTS_KEPT:
        return number
    while number < min(snapshots[0], first + DROPPED_AT_ONCE):
        if segment_path(folder, number).stat().st_mtime >= before_s:
            break
        number += 1
    return number
