"""Bytes and names on the disk: what the journal asks of the operating system.

Owns: the one `write` and what counts as durable. May not know: records, what a snapshot means.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from sor_gateway.journal.errors import JournalFatal
from sor_gateway.journal.reader import (
    SnapshotHeader,
    encode_snapshot,
    partial_snapshot_path,
    snapshot_path,
)

CREATE: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """One `write`. Raises OSError when it fails or takes fewer bytes than there are.

    Every byte of a journal goes through here, called by this name, so that a crash harness may
    put its own function in its place.
    """
    written = os.write(descriptor, data)
    if written != len(data):
        # A file takes fewer bytes than offered when the disk or a limit is reached on the way.
        raise OSError(errno.ENOSPC, f"wrote {written} of {len(data)} bytes")


def sync(descriptor: int) -> None:
    """Make a file's bytes durable. Raises JournalFatal: after an error nobody knows what the disk
    holds, and asking again would only seem to succeed."""
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        raise JournalFatal(f"fdatasync: {error}") from error


def sync_folder(descriptor: int) -> None:
    """Make a folder's names durable. Raises JournalFatal. (fdatasync may leave out a rename.)"""
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise JournalFatal(f"fsync of the folder: {error}") from error


def write_snapshot(folder: Path, header: SnapshotHeader, snapshot: bytes) -> None:
    """Write the state before a segment. It gets its name when it is whole and on the disk, and is
    no more when it cannot. Raises OSError and JournalFatal."""
    path = snapshot_path(folder, header.segment)
    partial = partial_snapshot_path(folder, header.segment)
    descriptor = os.open(partial, CREATE, 0o644)
    try:
        for piece in encode_snapshot(header, snapshot):
            write_all(descriptor, piece)
        sync(descriptor)
    except Exception:
        partial.unlink(missing_ok=True)  # half a snapshot on a full disk makes it fuller
        raise
    finally:
        os.close(descriptor)
    partial.rename(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)
