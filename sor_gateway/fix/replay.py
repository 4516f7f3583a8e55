"""What the peer asked for again: the range that is being served and those that wait.

Owns: where a replay stands. Takes no decision: `Session` does.
May not know: messages, files.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Most ranges that may wait behind the one being served; beyond it the last one grows instead.
WAITING_RANGES_MAX = 16


@dataclass(slots=True)
class Asked:
    """A range that the peer wants again."""

    begin: int
    end: int
    synchronised: bool


class Replay:
    """One range in flight, a bounded number behind it."""

    __slots__ = ("active", "end", "next", "unsent_from", "waiting")

    def __init__(self) -> None:
        self.active = False
        self.next = 0
        """First number that no `resend` call has answered yet."""
        self.end = 0
        self.unsent_from = 0
        """First number that has not left as a message or in a GapFill: a run of gaps is kept open
        over several calls, so that it leaves as one GapFill."""
        self.waiting: list[Asked] = []

    def start(self, asked: Asked) -> None:
        """Serve this range now."""
        self.active = True
        self.next = self.unsent_from = asked.begin
        self.end = asked.end

    def add(self, asked: Asked) -> None:
        """Serve this range later. What the range in flight will still bring is not asked twice."""
        begin = asked.begin
        if self.unsent_from <= begin <= self.end:
            begin = self.end + 1
        if begin > asked.end:
            return
        waiting = self.waiting
        if waiting and (
            len(waiting) >= WAITING_RANGES_MAX
            or (waiting[-1].begin <= begin <= waiting[-1].end + 1)
        ):
            last = waiting[-1]
            last.begin = min(last.begin, begin)
            last.end = max(last.end, asked.end)
            last.synchronised = last.synchronised and asked.synchronised
            return
        waiting.append(Asked(begin, asked.end, asked.synchronised))

    def finish(self) -> Asked | None:
        """The range in flight is answered: the next one, or None."""
        self.active = False
        return self.waiting.pop(0) if self.waiting else None

    def clear(self) -> None:
        """Forget everything."""
        self.active = False
        self.waiting.clear()
