"""What is due next.

Owns: one due time per name, in wall time, and finding the earliest without looking at all.
May not know: what is done then, the clock.
"""

from __future__ import annotations

import heapq
from typing import Final

NEVER: Final = 1 << 62
"""Later than anything."""


class Agenda:
    """Due times by name: of floors, or of appointments. A plan replaces the
    name's last; replaced entries are dropped when they come up, so there are at most as many as
    there were plans since."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def plan(self, name: str, at_ns: int) -> None:
        """`name` is due next at this time; NEVER: it is not due any more."""
        if self._due.get(name, NEVER) != at_ns:
            self._due[name] = at_ns
            heapq.heappush(self._heap, (at_ns, name))

    def next(self) -> tuple[int, str]:
        """The earliest due time and whose it is; NEVER and nobody when there is none."""
        heap = self._heap
        while heap and self._due[heap[0][1]] != heap[0][0]:
            heapq.heappop(heap)
        return heap[0] if heap else (NEVER, "")
