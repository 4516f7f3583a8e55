"""Time by hand: a venue whose clock stands until somebody steps it (venues.md 4.6, L1).

Owns: the clock, and a reactor that makes turns only in a step.
May not know: orders, FIX, files.

What comes in waits for the next step; then it is read session by session in the order of their
names, whatever came first. Within a step the clock jumps from one deadline to the next, and a turn
is made at each. So the same messages before the same steps give the same journal, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sor_gateway.fix.session import Session
from sor_gateway.net.reactor import Reactor


class HandClock:
    """A clock that is set, never read from the machine."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self.now_ns


class SteppedReactor(Reactor):
    """Turns only within `step`, until it is let go."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: HandClock,
        turn: Callable[[int], None],
    ) -> None:
        super().__init__(loop, clock, turn)
        self._hand = clock
        self._due = False
        self._next: int | None = None
        self._free = False

    def let_go(self) -> None:
        """From now on turns are made as anywhere else: the venue is to stop."""
        self._free = True
        self.wake()

    def wake(self) -> None:
        """Make a turn happen at the next step."""
        if self._free:
            super().wake()
        else:
            self._due = True

    def schedule(self, deadline_ns: int | None) -> None:
        """Have a turn at this time, when it comes."""
        if self._free:
            super().schedule(deadline_ns)
        else:
            self._next = deadline_ns
            self._earliest = 0  # every turn looks at all sessions' deadlines

    def receive(self, now: int) -> list[Session]:
        """Feed the sessions, in the order of their names."""
        by_name = sorted(self._ready, key=lambda line: line.session.settings.name)
        self._ready = dict.fromkeys(by_name)
        return super().receive(now)

    def step(self, length_ns: int) -> int:
        """Let so much time pass. Returns how many turns that took."""
        until, turns = self._hand.now_ns + length_ns, 0
        while not (self._stopped or self.failure.done()):  # a fault may end this life
            if self._due:
                self._due = False
                self._run_turn()
                turns += 1
            elif self._next is not None and self._next <= until:
                self._hand.now_ns = max(self._hand.now_ns, self._next)
                self._next, self._due = None, True
            else:
                break
        self._hand.now_ns = until
        return turns
