"""What a venue's shell is given from outside, and what it counts.

Owns: the shapes of the log and of the journal, and plain counters.
May not know: how any of them is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sor_gateway.journal.record import Entry, Record
from venue_sims.facts import OrderRejected, RequestRefused

LATE_MS: Final = (20, 50, 100, 1_000)


class Log(Protocol):
    """Where incidents go."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something worth a line."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something an operator may want to see."""


class TurnJournal(Protocol):
    """What a turn needs of a journal."""

    @property
    def roll_due(self) -> bool:
        """Whether the segment is full."""

    def append(self, record: Record, durable: bool = False) -> None:
        """Write one record."""

    def retry(self) -> None:
        """Write the bytes that stalled again."""

    def outbound(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """Our stored messages with these numbers."""

    def roll(self, snapshot: bytes) -> bool:
        """Begin a new segment behind a snapshot; False when the disk does not take it."""

    def roll_apart(self, snapshot: Callable[[], bytes]) -> bool:
        """The same in steps that hold nobody up, one for each call."""


@dataclass(slots=True)
class Metrics:
    """Plain integers for `metrics`."""

    facts: dict[str, int] = field(default_factory=dict)
    """What happened, by the name of the fact."""
    refused: dict[str, int] = field(default_factory=dict)
    """Orders and requests, by the reason."""

    def count(self, fact: object) -> None:
        """This happened."""
        add(self.facts, type(fact).__name__)
        if isinstance(fact, OrderRejected | RequestRefused):
            add(self.refused, str(fact.reason))


def add(counts: dict[str, int], key: str) -> None:
    """One more of this."""
    counts[key] = counts.get(key, 0) + 1


@dataclass(slots=True)
class Counters:
    """Plain integers for `status`."""

    messages_in: dict[str, int] = field(default_factory=dict)
    messages_out: dict[str, int] = field(default_factory=dict)
    records: int = 0
    incidents: int = 0
    turns: int = 0
    late_turns: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LATE_MS, 0))
    """Turns that found the market so many milliseconds behind its clock, or more."""
