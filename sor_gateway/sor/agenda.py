"""Who is to be looked at, and when: due parents, timers, parents that wait for quotes.

Owns: scheduling only. It is not state: it is rebuilt by making every open parent due, and looking
at a parent too often changes nothing. May not know: orders, quotes.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import Final

from sor_gateway.sor.types import Nanos


class Agenda:
    """Due parents in the order in which they became due, one timer per parent, and by symbol who is
    in it and who waits for its quotes."""

    def __init__(self) -> None:
        self._due: Final[dict[str, None]] = {}
        self._timers: Final[list[tuple[Nanos, str]]] = []
        self._timer_of: Final[dict[str, Nanos]] = {}
        self._waiting: Final[dict[str, dict[str, None]]] = {}
        self._touching: Final[dict[str, dict[str, None]]] = {}
        self._followed: Final[dict[str, dict[str, None]]] = {}
        self.claims: Final[dict[str, dict[str, Nanos]]] = {}
        """By venue: parents that its throttle held back, the first to be served first, and until
        when each is waited for."""

    def due(self, parent_id: str) -> None:
        """Look at this parent in the next decision."""
        self._due[parent_id] = None

    def wake(self, parent_id: str, at_ns: Nanos) -> None:
        """Look at it at this time, or earlier if something earlier was asked for."""
        known = self._timer_of.get(parent_id)
        if known is None or at_ns < known:
            self._timer_of[parent_id] = at_ns
            heappush(self._timers, (at_ns, parent_id))

    def wait_for_quotes(self, symbol: str, parent_id: str) -> None:
        """Look at it when the symbol's quotes change."""
        self._waiting.setdefault(symbol, {})[parent_id] = None

    def wait_for_touch(self, symbol: str, parent_id: str) -> None:
        """Look at it when some venue's best bid or offer changes."""
        self._touching.setdefault(symbol, {})[parent_id] = None

    def follow(self, symbol: str, parent_id: str) -> None:
        """Until it is forgotten, look at it whenever something happens to the symbol itself."""
        self._followed.setdefault(symbol, {})[parent_id] = None

    def symbol_due(self, symbol: str) -> None:
        """Something happened to the symbol that everybody who works in it may want to use."""
        if followed := self._followed.get(symbol):
            self._due.update(followed)

    def quoted(self, symbol: str, *, is_touch: bool = True) -> None:
        """The symbol's quotes changed: somewhere in the books, or at the touch of one."""
        if waiting := self._waiting.get(symbol):
            self._due.update(waiting)
            waiting.clear()
        if is_touch and (waiting := self._touching.get(symbol)):
            self._due.update(waiting)
            waiting.clear()

    def forget(self, parent_id: str, symbol: str) -> None:
        """It is over: nothing is due any more. Its heap entry is skipped when its time comes."""
        if followed := self._followed.get(symbol):
            followed.pop(parent_id, None)
            if not followed:
                del self._followed[symbol]
        self._due.pop(parent_id, None)
        self._timer_of.pop(parent_id, None)
        if waiting := self._waiting.get(symbol):
            waiting.pop(parent_id, None)
        if waiting := self._touching.get(symbol):
            waiting.pop(parent_id, None)
        for claims in self.claims.values():
            claims.pop(parent_id, None)

    # --- turns at a throttle --------------------------------------------------------------

    def claim(self, venue: str, parent_id: str, until_ns: Nanos) -> None:
        """The venue's throttle held it back: one message is kept for it, behind those that claimed
        before, until it comes again. Who has not been served yet keeps the place."""
        self.claims.setdefault(venue, {})[parent_id] = until_ns

    def serve(self, venue: str, parent_id: str) -> None:
        """It got a message through: its claim is settled."""
        if claims := self.claims.get(venue):
            claims.pop(parent_id, None)

    def ahead(self, venue: str, parent_id: str, now: Nanos, most: int) -> int:
        """How many others are to be served before it at this venue; counted up to `most`."""
        count = 0
        if claims := self.claims.get(venue):
            for waiting_id, until_ns in claims.items():
                if waiting_id == parent_id or count >= most:
                    break
                count += until_ns >= now
        return count

    # --- what is due ----------------------------------------------------------------------

    def take(self, now: Nanos, limit: int) -> list[str]:
        """At most `limit` parents that are due; the rest stay due."""
        while self._timers and self._timers[0][0] <= now:
            at_ns, parent_id = heappop(self._timers)
            if self._timer_of.get(parent_id) == at_ns:
                del self._timer_of[parent_id]
                self._due[parent_id] = None
        taken = list(islice(self._due, limit))
        for parent_id in taken:
            del self._due[parent_id]
        return taken

    def put_back(self, parent_ids: list[str]) -> None:
        """These were taken and not looked at: they are due before all others again."""
        others = list(self._due)
        self._due.clear()
        self._due.update(dict.fromkeys([*parent_ids, *others]))

    def next_deadline(self) -> Nanos | None:
        """When to decide next: 0 for at once, None when nothing is planned."""
        if self._due:
            return 0
        while self._timers and self._timer_of.get(self._timers[0][1]) != self._timers[0][0]:
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None
