"""What a journal keeps of a session beside its messages, and how a fold reads both.

Owns: the facts about ranges of numbers, and the rules by which recorded facts and messages become
`Numbers` again (see store.py). Gateway and venues record and fold with the same code.
May not know: files, what stands in an application message, who is at the other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.fix.events import Event, Resent, Skipped, Voided
from sor_gateway.fix.store import Numbers, add_range, add_skipped


@dataclass(slots=True)
class RangeVoided:
    """Our messages `begin` to `end` were gap-filled and never leave again (recovery.md 2.4)."""

    session: str
    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class RangeSkipped:
    """The peer's numbers `begin` to `end` were passed over: we never saw what they carried."""

    session: str
    epoch: int
    begin: int
    end: int


@dataclass(slots=True)
class RangeResent:
    """Our numbers `begin` to `end` were answered again, some with 43=Y: for the audit."""

    session: str
    epoch: int
    begin: int
    end: int


RangeFact = RangeVoided | RangeSkipped | RangeResent

RANGE_FACTS: Final[tuple[type[RangeFact], ...]] = (RangeVoided, RangeSkipped, RangeResent)
"""Every fact about a range, for a journal's codec."""

_FACT_OF: Final[dict[type[Event], type[RangeFact]]] = {
    Voided: RangeVoided,
    Skipped: RangeSkipped,
    Resent: RangeResent,
}


def range_fact(session: str, event: Event) -> RangeFact | None:
    """The fact that records an event about a range of numbers; None for any other event."""
    if isinstance(event, Voided | Skipped | Resent):
        return _FACT_OF[type(event)](session, event.epoch, event.begin, event.end)
    return None


def fold_range(numbers: Numbers, fact: RangeFact) -> None:
    """Book a recorded range. It is of the epoch that the facts before it began: asserted."""
    assert numbers.epoch == fact.epoch, "a range of another epoch"
    if isinstance(fact, RangeVoided):
        add_range(numbers.voided, fact.begin, fact.end)
    elif isinstance(fact, RangeSkipped):
        add_skipped(numbers.skipped, fact.begin, fact.end)


def fold_message(numbers: Numbers, epoch: int, number: int, *, outbound: bool) -> None:
    """Move the numbers past a recorded message; one of an epoch that ended moves nothing."""
    if epoch != numbers.epoch:
        return
    if outbound:
        numbers.next_out = number + 1
    else:
        numbers.next_in = number + 1
        numbers.reset_pending = False
