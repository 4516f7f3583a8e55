"""Where our stored messages are: number to frame offset, per session and epoch.

Owns: the offset index of one segment, and how the base that its header carries moves on.
May not know: files.

Two flat arrays per (session, epoch), 16 bytes a message; a lookup is two bisections.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from sor_gateway.journal.shapes import Base

__all__ = ["Base", "Offsets", "SegmentIndex", "advance", "may_hold"]


class Offsets:
    """The numbers of one (session, epoch) in one segment, ascending, with their frame offsets."""

    __slots__ = ("numbers", "offsets")

    def __init__(self) -> None:
        self.numbers = array("Q")
        self.offsets = array("Q")

    def add(self, number: int, offset: int) -> None:
        """A number that is not above the last one replaces all from it on: the latest counts."""
        numbers = self.numbers
        if numbers and number <= numbers[-1]:
            keep = bisect_left(numbers, number)
            del numbers[keep:]
            del self.offsets[keep:]
        numbers.append(number)
        self.offsets.append(offset)

    def within(self, begin: int, end: int) -> Iterable[tuple[int, int]]:
        """The (number, offset) pairs with begin <= number <= end."""
        low, high = bisect_left(self.numbers, begin), bisect_right(self.numbers, end)
        return zip(self.numbers[low:high], self.offsets[low:high], strict=True)


class SegmentIndex:
    """The index of one segment."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys: dict[tuple[str, int], Offsets] = {}

    def add(self, session: str, epoch: int, number: int, offset: int) -> None:
        """An outbound message lies in the frame at `offset`."""
        key = (session, epoch)
        offsets = self.keys.get(key)
        if offsets is None:
            offsets = self.keys[key] = Offsets()
        offsets.add(number, offset)

    def within(self, session: str, epoch: int, begin: int, end: int) -> Iterable[tuple[int, int]]:
        """The (number, offset) pairs of this session and epoch with begin <= number <= end."""
        offsets = self.keys.get((session, epoch))
        return () if offsets is None else offsets.within(begin, end)


def advance(base: dict[str, Base], session: str, epoch: int, number: int) -> None:
    """Note in `base` that a message with this number was sent."""
    last = base.get(session)
    if last is None:
        base[session] = Base(epoch, number)
    elif epoch > last.epoch:
        last.epoch, last.number = epoch, number
    elif epoch == last.epoch and number > last.number:
        last.number = number
    else:
        last.irregular = True


def may_hold(before: Base | None, epoch: int, begin: int, end: int) -> tuple[bool, bool]:
    """For a segment with this base: (may it hold numbers of the range, may an earlier one),
    given that the numbers of the session always ascended."""
    if before is None:
        return True, False
    if before.epoch != epoch:
        return before.epoch < epoch, before.epoch > epoch
    return before.number < end, begin <= before.number
