"""The gateway, with a death built in: SIGKILL of itself at the n-th write to the journal.

`before` dies with nothing written, `torn` with a part of the frame, `after` with all of it and no
byte on a socket. A real kill -9: nothing in the process gets a chance to tidy up. The child that
writes a snapshot counts on from where its parent was, and dies at the same number. At SIGUSR1 it
writes to stderr where it is.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from sor_gateway.cli import main
from sor_gateway.daemon import daemon
from sor_gateway.journal import disk
from sor_gateway.journal.segments import Journal

MODES = ("before", "torn", "after")
SEGMENT_MESSAGES = 1_000
"""A segment for every few lives: rolls are died in, too."""


def open_small(folder: Path, **settings: Any) -> Journal:
    """A journal that rolls often."""
    return Journal.open(folder, segment_messages=SEGMENT_MESSAGES, **settings)


class SmallSegments:
    """What the gateway opens its journal with."""

    open = staticmethod(open_small)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")


def arm(kill_at: int, mode: str, torn_bytes: int) -> None:
    write_all, writes = disk.write_all, 0

    def deadly(descriptor: int, data: bytes | bytearray) -> None:
        nonlocal writes
        writes += 1
        if writes < kill_at:
            write_all(descriptor, data)
            return
        if mode == "torn":
            with memoryview(data) as view:
                os.write(descriptor, view[: max(1, torn_bytes % len(view))])
        elif mode == "after":
            write_all(descriptor, data)
        die()

    disk.write_all = deadly


if __name__ == "__main__":
    kill_at, mode, torn_bytes, *arguments = sys.argv[1:]
    faulthandler.register(signal.SIGUSR1)
    vars(daemon)["Journal"] = SmallSegments
    if int(kill_at):  # 0: it lives
        arm(int(kill_at), mode, int(torn_bytes))
    sys.argv = ["sor-gateway", *arguments]
    main()
