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
import time
import traceback
from collections.abc import Callable
from typing import Final

NICE: Final = 19
DESCRIPTORS_MAX: Final = 1 << 20
CHILD_MAX_S: Final = 600.0
"""A child that takes longer hangs: it is killed, or no further roll would ever come."""
CLOSING_WAIT_S: Final = 30.0
"""For so long its parent's end waits for it: what it writes is a convenience."""
POLL_S: Final = 0.005
STDERR: Final = 2
UNKNOWN: Final = -1
"""The exit code of a child that somebody else reaped, or nobody: SIGCHLD ignored is inherited."""


class Flush:
    """Makes a file durable in a thread of its own."""

    def __init__(self, descriptor: int, sync: Callable[[int], None]) -> None:
        self.error: Exception | None = None
        self._descriptor = os.dup(descriptor)
        self._sync = sync
        self._thread = threading.Thread(target=self._run, name="journal-flush", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # a bound on threads: it is done here, and whoever waits has to
            self._run()

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
        """Begin. Raises OSError when the machine makes no further process."""
        self._began_s = time.monotonic()
        self._code: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            _work_and_exit(work)

    def ended(self) -> bool:
        """Whether the child has ended. One that hangs is told to."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                self._code = UNKNOWN
                return True
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() - self._began_s >= CHILD_MAX_S:
                self._kill()
        return self._code is not None

    def wait(self) -> None:
        """Wait until it has ended, for CLOSING_WAIT_S at most: then it is killed."""
        until_s = time.monotonic() + CLOSING_WAIT_S
        while not self.ended():
            if time.monotonic() >= until_s:
                self._kill()
            time.sleep(POLL_S)

    @property
    def failure(self) -> str:
        """Why the work was not done; empty when it was. A child that has ended and whose code is
        not known leaves that to whoever can see its work."""
        if not self._code or self._code == UNKNOWN:
            return ""
        if self._code < 0:
            return f"killed by {-self._code}"
        return "see stderr"

    def _kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


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
    except BaseException:  # noqa: BLE001 - nobody else will tell
        os.write(STDERR, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(code)
