"""What the router counts of itself: plain integers, read when somebody asks.

Owns: the figures and where each begins. May not know: who reads them. They are no part of the
state: nothing is decided by them, no snapshot holds them, and they begin at 0 with the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.histogram import DurationHistogram, peer_histogram
from sor_gateway.sor.orders import CHILD_OVER, PARENT_OVER
from sor_gateway.sor.types import ChildState, ParentState


def _child_ends() -> dict[ChildState, int]:
    return {state: 0 for state in ChildState if state in CHILD_OVER}


def _parent_ends() -> dict[ParentState, int]:
    return {state: 0 for state in ParentState if state in PARENT_OVER}


@dataclass(slots=True)
class VenueCounts:
    """One venue."""

    sent: int = 0
    """Children that left for it."""
    ended: dict[ChildState, int] = field(default_factory=_child_ends)
    """Children that are over. One that was released and lives after all ends twice."""
    answers: DurationHistogram = field(default_factory=peer_histogram)
    """From the decision to the venue's first word about the child."""
    round_trips: DurationHistogram = field(default_factory=peer_histogram)
    """From the decision to the end of the child."""


@dataclass(slots=True)
class Counts:
    """All venues, and the parents."""

    venues: dict[str, VenueCounts] = field(default_factory=dict)
    parents_ended: dict[ParentState, int] = field(default_factory=_parent_ends)

    def venue(self, name: str) -> VenueCounts:
        """A venue's counts, fresh ones for a venue not counted yet."""
        counts = self.venues.get(name)
        if counts is None:
            counts = self.venues[name] = VenueCounts()
        return counts
