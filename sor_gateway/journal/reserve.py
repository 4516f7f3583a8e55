"""Room on the disk that is kept for the day when there is none left (recovery.md 1.4).

Owns: one file of a journal's folder. May not know: segments, when the room is freed.
"""

from __future__ import annotations

import os
from collections.abc import MutableSequence
from pathlib import Path
from typing import Final

from sor_gateway.journal.reader import PARTIAL_SUFFIX

RESERVE_BYTES: Final = 8 << 20
RESERVE_NAME: Final = "reserve"
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def is_held(folder: Path) -> bool:
    """Whether the reserve still takes room."""
    return (folder / RESERVE_NAME).exists()


def free(folder: Path) -> None:
    """Give the room up."""
    (folder / RESERVE_NAME).unlink(missing_ok=True)


def hold(folder: Path, size: int, notes: MutableSequence[str]) -> None:
    """Take the room, if there is room: starting on a full disk must be possible."""
    path = folder / RESERVE_NAME
    if size == 0 or path.exists():
        return
    partial = path.with_suffix(PARTIAL_SUFFIX)
    descriptor = os.open(partial, _CREATE, 0o644)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        notes.append(f"no room for the reserve: {error}")
        partial.unlink()
    else:
        partial.rename(path)
    finally:
        os.close(descriptor)
