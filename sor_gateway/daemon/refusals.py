"""Refused connections in the log: one line a second and cause, however many knock.

Owns: which refusals are lines of their own and which are only counted. May not know: sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sor_gateway.daemon.intake import Log

QUIET_NS: Final = 1_000_000_000
"""After a line no other of its cause for so long; what came meanwhile is counted in the next."""


class RefusalLog:
    """Writes refusals down. The metrics count each of them."""

    def __init__(self, log: Log, clock: Callable[[], int]) -> None:
        self._log = log
        self._clock = clock
        self._written_ns: dict[str, int] = {}
        self._unwritten: dict[str, int] = {}

    def __call__(self, peer: str, cause: str) -> None:
        """A peer was refused."""
        now = self._clock()
        last = self._written_ns.get(cause)
        if last is not None and last <= now < last + QUIET_NS:
            self._unwritten[cause] = self._unwritten.get(cause, 0) + 1
            return
        self._written_ns[cause] = now
        before = self._unwritten.pop(cause, 0)
        self._log("connection-refused", peer=peer, cause=cause, more_before=before)
