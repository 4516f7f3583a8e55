"""What came too early: the open gap in the peer's numbers and the messages that wait behind it.

Owns: a bounded queue and four facts about the gap. Takes no decision: `Session` does.
May not know: how to ask for anything, timers, what a message means.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.fix.message import Message


@dataclass(slots=True)
class Queued:
    """A message whose number is ahead of the expected one."""

    raw: bytes
    message: Message
    served: bool
    """Already obeyed out of turn (Logon, ResendRequest): when its turn comes it only counts."""


class Inbound:
    """The gap and the queue behind it; at most `limit` messages wait."""

    __slots__ = ("asked_through", "limit", "open", "overflowed", "queue", "repeated", "through")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.queue: dict[int, Queued] = {}
        self.open = False
        self.through = 0
        self.asked_through = 0
        self.repeated = False
        self.overflowed = False

    def open_gap(self, through: int) -> None:
        """A gap that is filled once the expected number is above `through`."""
        self.open = True
        self.through = through
        self.asked_through = through
        self.repeated = False

    def close_gap(self) -> None:
        """Nothing is missing any more."""
        self.open = False
        self.repeated = False
        self.overflowed = False

    def clear(self) -> None:
        """Forget the gap and everything behind it."""
        self.queue.clear()
        self.close_gap()

    def hold(self, number: int, queued: Queued) -> bool:
        """Keep a message for its turn; the first under a number stays. False: no room."""
        if number in self.queue:
            return True
        if len(self.queue) >= self.limit:
            return False
        self.queue[number] = queued
        return True

    def take(self, number: int) -> Queued | None:
        """The message with this number, if it waits."""
        return self.queue.pop(number, None)

    def take_range(self, begin: int, end: int) -> list[tuple[int, Queued]]:
        """Everything that waits under the numbers `begin` to `end`, in order."""
        queue = self.queue
        if end - begin < len(queue):
            numbers = [number for number in range(begin, end + 1) if number in queue]
        else:
            numbers = sorted(number for number in queue if begin <= number <= end)
        return [(number, queue.pop(number)) for number in numbers]
