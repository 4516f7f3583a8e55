"""The projection's process, kept alive.

Owns: when it is started, and started again.
May not know: what it does. It reads the journal's files and nothing else of ours; without it orders
flow and only `log`, `orders` and `explain` fall behind.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from sor_gateway.config.settings import GatewaySettings
from sor_gateway.daemon.intake import Log
from sor_gateway.net.dialer import BackOff

STEADY_S: Final = 60.0
"""One that has lived for so long was all right: its end is the first."""
BACK_OFF: Final = BackOff(first_s=1.0, last_s=60.0)


def command(gateway: GatewaySettings) -> list[str]:
    """How it is started."""
    return [
        sys.executable,
        *("-m", "sor_gateway.projection.follower"),
        *("--journal", str(gateway.journal), "--database", str(gateway.database)),
        *("--with-parent", str(os.getpid())),
    ]


class Follower:
    """One process at a time, until `stop`."""

    def __init__(self, command: Sequence[str], alarm: Callable[[str], None], log: Log) -> None:
        """`alarm` counts one under a code."""
        self._command = command
        self._alarm = alarm
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it, and again whenever it ends."""
        assert self._task is None, "started twice"
        self._task = asyncio.create_task(self._run(), name="follower")

    async def stop(self) -> None:
        """End it. It finishes the batch that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()

    async def _run(self) -> None:
        failures = 0
        while True:
            began_s = time.monotonic()
            why = await self._live()
            failures = 0 if time.monotonic() - began_s >= STEADY_S else failures + 1
            pause_s = BACK_OFF.delay_s(max(0, failures - 1), 0.0)
            self._alarm("projection-ended")
            self._log(
                "projection-ended",
                why=why,
                again_in_s=pause_s,
                remedy="what it said last is on stderr; the database can be deleted",
            )
            await asyncio.sleep(pause_s)

    async def _live(self) -> str:
        """One life, and how it ended."""
        try:
            self._process = await asyncio.create_subprocess_exec(*self._command)
        except OSError as error:  # a bound on processes
            return str(error)
        return f"exit code {await self._process.wait()}"
