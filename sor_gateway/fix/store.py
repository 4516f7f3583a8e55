"""The durable part of a session, and what it hands to whoever keeps it.

Owns: `Numbers`, the values that a journal folds back into them, and merged intervals of numbers.
May not know: files, orders, connections.

How a fold rebuilds `Numbers` from what a session emitted, in order, per epoch:

- `Consumed`: `next_in = number + 1` and `reset_pending = False`. A SequenceReset counts under the
  last number that it covers, so the rule needs no exception.
- `Sent`: `next_out = number + 1`.
- `EpochBegan`: `epoch` and `began_ns` as given, both numbers 1, `voided` and `skipped` empty,
  `reset_pending = asked_by_us`.
- `Voided`: `add_range(voided, begin, end)`; `Skipped`: `add_skipped(skipped, begin, end)`.

`proven_through` may start at 0: it is proved anew.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

#: Most intervals that are remembered of numbers that the peer passed over. Beyond it the two
#: oldest become one that covers both: more hints, which are deduplicated anyway, never fewer.
SKIPPED_RANGES_MAX = 256

Range = tuple[int, int]
"""First and last number, both included."""


@dataclass(slots=True)
class Numbers:
    """What must survive a crash, exactly as it was recorded."""

    epoch: int = 1
    """One life of the session's numbers, ended by a reset."""
    next_in: int = 1
    """The number that the peer's next message must carry."""
    next_out: int = 1
    """The number that our next message will carry."""
    proven_through: int = 0
    """Highest number of ours that the peer proved to have consumed in this epoch."""
    voided: list[Range] = field(default_factory=list)
    """Our numbers of this epoch that are gap-filled for ever (recovery.md 2.4); merged."""
    reset_pending: bool = False
    """Our 141=Y has not been answered: each Logon of ours carries it (recovery.md 2.2)."""
    skipped: list[Range] = field(default_factory=list)
    """The peer's numbers of this epoch whose content we never saw (recovery.md 2.5); merged."""
    began_ns: int = 0
    """When this epoch began, nanoseconds UTC; 0: the first one of all."""


@dataclass(slots=True)
class Sent:
    """A message that was given a number."""

    number: int
    msg_type: str
    raw: bytes
    """As on the wire; in a Logon 554 and 925 are blanked."""
    key: str
    """What the application gave to `send`; empty for administrative messages."""
    epoch: int


@dataclass(slots=True)
class Consumed:
    """A message of the peer that moved `next_in` to `number + 1`."""

    number: int
    """Its number; for a SequenceReset the last number that it covers."""
    raw: bytes
    """As received; in a Logon 554 and 925 are blanked."""
    msg_type: str
    epoch: int


def add_range(ranges: list[Range], begin: int, end: int) -> None:
    """Put an interval into a sorted list of disjoint intervals, merging what touches."""
    assert 0 < begin <= end
    if not ranges or ranges[-1][1] + 1 < begin:  # nearly always: numbers grow
        ranges.append((begin, end))
        return
    first = bisect_right(ranges, begin, key=lambda each: each[0])
    while first and ranges[first - 1][1] + 1 >= begin:
        first -= 1
    last = first
    while last < len(ranges) and ranges[last][0] <= end + 1:
        begin, end = min(begin, ranges[last][0]), max(end, ranges[last][1])
        last += 1
    ranges[first:last] = [(begin, end)]


def add_skipped(skipped: list[Range], begin: int, end: int) -> None:
    """Remember numbers of the peer whose content we never saw, within the bound."""
    add_range(skipped, begin, end)
    if len(skipped) > SKIPPED_RANGES_MAX:
        skipped[0:2] = [(skipped[0][0], skipped[1][1])]


def covers(ranges: list[Range], number: int) -> bool:
    """Whether a number lies in one of the intervals."""
    at = bisect_right(ranges, number, key=lambda each: each[0])
    return at > 0 and number <= ranges[at - 1][1]


def runs_of(numbers: list[int]) -> list[Range]:
    """A sorted list of numbers as intervals of consecutive ones."""
    runs: list[Range] = []
    for number in numbers:
        if runs and runs[-1][1] + 1 == number:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
