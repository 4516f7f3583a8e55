"""The gateway, with a death built in: SIGKILL of itself at the n-th write to the journal.

`before` dies with nothing written, `torn` with a part of the frame, `after` with all of it and no
byte on a socket. A real kill -9: nothing in the process gets a chance to tidy up. At SIGUSR1 it
writes to stderr where it is.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from typing import NoReturn

from sor_gateway.cli import main
from sor_gateway.journal import disk

MODES = ("before", "torn", "after")


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
    if int(kill_at):  # 0: it lives
        arm(int(kill_at), mode, int(torn_bytes))
    sys.argv = ["sor-gateway", *arguments]
    main()
