"""The slow halves of a roll, beside the turn: a segment made durable, a snapshot written.

Owns: one thread that waits for the disk, one child process with a copy of this one's memory.
May not know: what a segment or a snapshot is.

A snapshot grows with the day. Encoding and writing it took 190 ms after 9,000 orders, and nobody
was served meanwhile. A child that was forked between two turns has the state as it is then, for the
price of copying page tables (some 10 ms), and takes its time at the lowest priority.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

NICE: Final = 19
DESCRIPTORS_MAX: Final = 1 << 20


class Flush:
    """Makes a file durable in a thread of its own."""

    def __init__(self, descriptor: int, sync: Callable[[int], None]) -> None:
        self.error: Exception | None = None
        self._descriptor = os.dup(descriptor)
        self._sync = sync
        self._thread = threading.Thread(target=self._run, name="journal-flush", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the disk has it; `error` says why it has not."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it is done."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._sync(self._descriptor)
        except Exception as error:  # noqa: BLE001 - the owner raises it, in its own thread
            self.error = error
        finally:
            os.close(self._descriptor)


class Child:
    """Does one piece of work on a copy of this process, which goes on."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._pid = os.fork()
        self._status: int | None = None
        if self._pid == 0:
            _work_and_exit(work)

    def ended(self) -> bool:
        """Whether the child has ended."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._status is None:
            self._status = os.waitpid(self._pid, 0)[1]

    @property
    def succeeded(self) -> bool:
        """Whether it has ended, and the work was done."""
        return self._status == 0


def _work_and_exit(work: Callable[[], None]) -> None:
    """Everything that the child does. Sockets, locks and timers stay its parent's: were the parent
    killed, a descriptor left open here would hold its port and its journal's lock."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all of us
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.closerange(3, DESCRIPTORS_MAX)
        os.nice(NICE)
        work()
        code = 0
    finally:
        os._exit(code)
