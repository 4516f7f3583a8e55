"""Virtual time: the part of an event loop that reactors and connections use, without waiting.

Owns: what is due when, in integer nanoseconds, and the order of what is due at the same instant:
that of being asked for. The clock stands still while something runs and jumps to what is due next.
May not know: who asks.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, cast

SECOND: Final = 1_000_000_000
SPIN_LIMIT: Final = 100_000
"""So many calls at one instant are a machine that asks for itself again and again."""


class Call(asyncio.TimerHandle):
    """Something to do at a time. Of what a handle of asyncio is, it has what is used here: a run
    makes thousands of them, and a copy of the context for each costs as much as all they do."""

    __slots__ = ("_do", "_is_cancelled", "_with", "at_ns")

    def __init__(self, at_ns: int, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.at_ns = at_ns
        self._do = callback
        self._with = args
        self._is_cancelled = False

    def __repr__(self) -> str:
        return f"{self._do} at {self.at_ns}"

    def cancel(self) -> None:
        """It is passed over when its time comes."""
        self._is_cancelled = True

    def cancelled(self) -> bool:
        """Whether it is."""
        return self._is_cancelled

    def run(self) -> None:
        """Do it, unless it was cancelled."""
        if not self._is_cancelled:
            self._do(*self._with)


class VirtualLoop:
    """See the module. `now_ns` is nanoseconds since the Unix epoch."""

    def __init__(self, start_ns: int) -> None:
        self.now_ns = start_ns
        self.calls = 0
        """How many were made so far."""
        self._start_ns = start_ns
        self._heap: list[tuple[int, int, Call]] = []
        self._asked = 0
        self._at_this_instant = 0

    # --- what reactors and connections call -----------------------------------------------

    @property
    def as_asyncio(self) -> asyncio.AbstractEventLoop:
        """For those who ask for a whole loop and use of it what is here."""
        return cast(asyncio.AbstractEventLoop, self)

    def clock(self) -> int:
        """The time, as a machine's clock."""
        return self.now_ns

    def time(self) -> float:
        """Seconds since the start: exact to the nanosecond for the first hundred days."""
        return (self.now_ns - self._start_ns) / SECOND

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """At this instant, behind what was asked for before."""
        return self.at_ns(self.now_ns, callback, *args)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """After so many seconds."""
        return self.at_ns(self.now_ns + round(delay * SECOND), callback, *args)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """At a time of `time()`."""
        return self.at_ns(self._start_ns + round(when * SECOND), callback, *args)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop. Reactors make one, which fails with what a turn raised: then so
        does the run."""
        future: asyncio.Future[Any] = asyncio.Future(loop=self.as_asyncio)
        future.add_done_callback(asyncio.Future.result)
        return future

    def get_debug(self) -> bool:
        """No."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A failure that nobody asked about ends the run: none may be lost."""
        raise AssertionError(context)

    # --- what the harness calls -----------------------------------------------------------

    def at_ns(self, at_ns: int, callback: Callable[..., object], *args: Any) -> Call:
        """At a time; at this instant when that has passed."""
        call = Call(max(at_ns, self.now_ns), callback, args)
        self._asked += 1
        heapq.heappush(self._heap, (call.at_ns, self._asked, call))
        return call

    def next_ns(self) -> int | None:
        """When something is due; None when nothing ever will be."""
        heap = self._heap
        while heap and heap[0][2].cancelled():
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def step(self) -> None:
        """Jump to what is due next and do it."""
        at_ns, _, call = heapq.heappop(self._heap)
        assert at_ns >= self.now_ns
        self._at_this_instant = self._at_this_instant + 1 if at_ns == self.now_ns else 0
        assert self._at_this_instant < SPIN_LIMIT, f"time does not pass: {call!r}"
        self.now_ns = at_ns
        self.calls += 1
        call.run()

    def advance(self, until_ns: int) -> None:
        """Nothing is due before this time: it comes."""
        due = self.next_ns()
        assert due is None or due >= until_ns
        self.now_ns = max(self.now_ns, until_ns)
