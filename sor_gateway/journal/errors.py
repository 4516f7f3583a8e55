"""What can go wrong with a journal, and what each error asks of the caller.

Owns: the family of errors. Each says which file and where, and nothing here is caught inside the
package to be forgotten.
"""

from __future__ import annotations

from pathlib import Path


class JournalError(Exception):
    """Any failure of a journal."""


class JournalLocked(JournalError):  # noqa: N818 (it names a state)
    """Another process has this folder open for writing. Only one writer may."""


class JournalCorrupt(JournalError):  # noqa: N818 (it names a state)
    """A file holds bytes that no crash of ours can leave: refuse to start, an operator decides.

    `path` and `offset` name the first byte that cannot be read.
    """

    def __init__(self, path: Path, offset: int, text: str) -> None:
        super().__init__(f"{path}: offset {offset}: {text}")
        self.path = path
        self.offset = offset


class JournalMixed(JournalError):  # noqa: N818 (it names a state)
    """Files of two journals lie in one folder. Whichever is meant, the other must not be folded:
    an operator decides. The text names the file."""


class JournalStalled(JournalError):  # noqa: N818 (it names a state)
    """The record could not be written; the file ends where it did before.

    The caller freezes (recovery.md 1.4) and calls `retry()`, which writes the same bytes again.
    `errno` is the system's number, `text` says what happened.
    """

    def __init__(self, errno: int, text: str) -> None:
        super().__init__(text)
        self.errno = errno
        self.text = text


class JournalFatal(JournalError):  # noqa: N818 (it names a state)
    """What reached the disk is not known any more: the process has to end (recovery.md 1.4)."""


class PositionLost(JournalError):  # noqa: N818 (it names a state)
    """A follower's position is not in the journal: its segment was dropped, or the machine lost a
    tail that the follower had already read. What was built from it has to be built again."""


class FactMismatch(JournalError):  # noqa: N818 (it names a state)
    """A fact cannot be read by this code: unknown name, unknown field or a field of another type.

    Unknown fields are refused, not skipped: a journal written by newer code would otherwise be
    folded into a state that newer code never had (recovery.md 1.1).
    """
