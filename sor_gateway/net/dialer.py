"""Keeps one initiator session connected.

Owns: when to dial again.
May not know: why a connection ended, what is said on it.

One task per session: dial, wait until the connection is gone *and* its session was told, wait a
little longer each time that it did not come to a Logon, dial again. So there are never two
connections for a session. Outside of session hours nobody is dialled.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sor_gateway.net.connection import Connection
from sor_gateway.net.reactor import NANOS_PER_SECOND, Reactor

HOURS_CHECK_S = 60.0
"""Longest sleep outside of session hours: the wall clock may be set meanwhile."""

if TYPE_CHECKING:
    from sor_gateway.fix.session import Session


@dataclass(slots=True)
class BackOff:
    """How long to wait between two attempts."""

    first_s: float = 0.1
    last_s: float = 5.0
    connect_timeout_s: float = 5.0
    """An attempt that has not come to a connection by then has failed."""

    def delay_s(self, failures: int, jitter: float) -> float:
        """The wait after so many failures in a row: doubling up to `last_s`, of which `jitter`
        (0 to 1) takes away up to a half, so that many gateways do not dial in step."""
        # The exponent is bounded because a float overflows, and a venue may be away for months.
        ceiling_s = min(self.last_s, self.first_s * 2.0 ** min(failures, 64))
        return ceiling_s * (1.0 - jitter / 2)


@dataclass(slots=True)
class DialerCounters:
    """Plain integers, read at scrape time."""

    attempts: int = 0
    failures: int = 0
    """Attempts that came to no connection."""


class Dialer:
    """Dials for one session. `jitter` gives a number from 0 to 1 for each wait."""

    def __init__(
        self,
        session: Session,
        host: str,
        port: int,
        reactor: Reactor,
        jitter: Callable[[], float],
        tls: ssl.SSLContext | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        self.counters = DialerCounters()
        self.last_error = ""
        """Why the last attempt failed; empty when it did not."""
        self._session = session
        self._host = host
        self._port = port
        self._reactor = reactor
        self._jitter = jitter
        self._tls = tls
        self._back_off = back_off or BackOff()
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._ended.set()

    def start(self) -> None:
        """Begin to dial, and again whenever the connection is lost."""
        assert self._task is None, "the dialer runs already"
        self._task = self._reactor.loop.create_task(
            self._run(), name=f"dial {self._session.settings.name}"
        )
        self._task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Dial no more. A connection that is up stays up; the reactor closes it."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task})

    # --- what connections say -------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """The connection is up."""
        self._ended.clear()
        self._reactor.bind(connection, self._session, self._ended.set)

    def received(self, connection: Connection) -> None:
        """Never: the reactor watches a connection from the moment it is open."""
        raise AssertionError(f"{connection.peer} is the reactor's")

    def lost(self, connection: Connection) -> None:
        """Never: the reactor watches a connection from the moment it is open."""
        raise AssertionError(f"{connection.peer} is the reactor's")

    # --- the task -------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            if (closed_s := self._closed_for_s()) > 0:
                await asyncio.sleep(min(closed_s, HOURS_CHECK_S))
                continue
            failures = 0 if await self._attempt() else failures + 1
            delay_s = self._back_off.delay_s(max(0, failures - 1), self._jitter())
            await asyncio.sleep(delay_s)

    def _closed_for_s(self) -> float:
        """How long until session hours begin; 0 within them."""
        schedule, now = self._session.settings.schedule, self._reactor.clock()
        if schedule is None or schedule.window(now) is not None:
            return 0.0
        return (schedule.next_start_ns(now) - now) / NANOS_PER_SECOND

    async def _attempt(self) -> bool:
        """One connection from beginning to end; whether the session came to be logged on."""
        # A connection whose attempt timed out at the last moment may still have to end.
        await self._ended.wait()
        self.counters.attempts += 1
        loop = self._reactor.loop
        try:
            async with asyncio.timeout(self._back_off.connect_timeout_s):
                await loop.create_connection(
                    lambda: Connection(self, loop), self._host, self._port, ssl=self._tls
                )
        except OSError as error:  # refused, unreachable, unknown host, TLS, time is up
            self.counters.failures += 1
            self.last_error = str(error) or type(error).__name__
            return False
        self.last_error = ""
        await self._ended.wait()
        return self._reactor.was_logged_on(self._session)

    def _done(self, task: asyncio.Task[None]) -> None:
        """The task ends by `stop` alone; anything else is a bug and ends the program."""
        if task.cancelled():
            return
        error = task.exception()
        assert isinstance(error, Exception)
        self._reactor.fail(error)
