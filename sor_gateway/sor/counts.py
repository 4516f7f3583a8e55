"""What the router counts of itself: plain integers, read when somebody asks.

Owns: the figures and where each begins. May not know: who reads them. They are no part of the
state: nothing is decided by them and no snapshot holds them. What only grows begins at 0 with the
process; what stands (`pending`, `doubted`) could be had by going through all open children, which
with 100,000 of them takes a tenth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.histogram import DurationHistogram, peer_histogram
from sor_gateway.sor.orders import CHILD_OVER, PARENT_OVER
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import ChildState, Nanos, ParentState


def _child_ends() -> dict[ChildState, int]:
    return {state: 0 for state in ChildState if state in CHILD_OVER}


def _parent_ends() -> dict[ParentState, int]:
    return {state: 0 for state in ParentState if state in PARENT_OVER}


@dataclass(slots=True)
class VenueCounts:
    """One venue."""

    pending: int = 0
    """Open children that it has not said a word about."""
    doubted: dict[str, Nanos] = field(default_factory=dict)
    """Open children in doubt, and since when; oldest first."""
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


def count_from(state: RouterState) -> Counts:
    """What stands now; all that grows begins at 0."""
    counts = Counts()
    for name, venue in state.venues.items():
        here = counts.venue(name)
        since: dict[str, Nanos] = {}
        for child_id in venue.children:
            flight = state.children[child_id].flight
            assert flight is not None
            here.pending += not flight.answered
            if flight.doubt is not None:
                since[child_id] = flight.doubt.since_ns
        here.doubted = dict(sorted(since.items(), key=lambda each: each[1]))
    return counts
