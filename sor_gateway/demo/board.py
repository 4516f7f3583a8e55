"""What is known of one parent order while it works: the state behind the live view.

Owns: waves, venues and totals as the gateway's facts tell them.
May not know: how they are shown, where the facts come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sor_gateway.sor.decisions import (
    ChildAssumedDead,
    ChildPlanned,
    ChildReleased,
    ParentAccepted,
    ParentClosed,
    ParentRefused,
    StageMoved,
    VenueDropped,
    WaveStarted,
)
from sor_gateway.sor.events import ChildAccepted, ChildEnded, ChildFilled, ParentSubmitted
from sor_gateway.sor.types import Micros, Nanos, OrdType, Shares, Stage, TimeInForce


@dataclass(slots=True)
class ChildSeen:
    """An open child."""

    venue: str
    wave: int
    quantity: Shares
    is_displayed: bool
    filled: Shares = 0
    accepted: bool = False

    @property
    def leaves(self) -> Shares:
        """What it may still fill."""
        return self.quantity - self.filled


@dataclass(slots=True)
class VenueSeen:
    """What one venue did so far."""

    children: int = 0
    sent: Shares = 0
    filled: Shares = 0
    executions: int = 0
    fees_micros: Micros = 0
    working: Shares = 0
    """Sent and not over."""
    shown: Shares = 0
    """Of these, displayed."""
    dropped: str = ""
    """Why it gets no more; empty while it does."""


@dataclass(slots=True)
class WaveSeen:
    """One wave: what went where and what came back."""

    number: int
    stage: Stage
    began_ns: Nanos
    sent: dict[str, Shares] = field(default_factory=dict)
    filled: dict[str, Shares] = field(default_factory=dict)
    open_children: int = 0
    """Children that are not over."""


class Board:
    """Of all parents in the journal, the first one: a demonstration has one."""

    def __init__(self, lit_venues: frozenset[str]) -> None:
        self.parent_id = ""
        self.quantity: Shares = 0
        self.filled: Shares = 0
        self.value_micros = 0
        self.fees_micros: Micros = 0
        self.began_ns: Nanos = 0
        self.phase = "waiting"
        self.why = ""
        """Why it is in this phase."""
        self.venues: dict[str, VenueSeen] = {}
        self.waves: dict[int, WaveSeen] = {}
        self._lit_venues = lit_venues
        self._children: dict[str, ChildSeen] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            ParentSubmitted: self._submitted,
            ParentAccepted: self._accepted,
            ParentRefused: self._over,
            ParentClosed: self._over,
            StageMoved: self._moved,
            VenueDropped: self._dropped,
            WaveStarted: self._wave,
            ChildPlanned: self._planned,
            ChildAccepted: self._child_accepted,
            ChildFilled: self._child_filled,
            ChildEnded: self._child_over,
            ChildReleased: self._child_over,
            ChildAssumedDead: self._child_over,
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ("filled", "over")

    def apply(self, fact: object) -> None:
        """Book one fact of the gateway."""
        handler = self._handlers.get(type(fact))
        if handler is not None:
            handler(fact)

    def venue(self, name: str) -> VenueSeen:
        """A venue's line, a fresh one if it did nothing yet."""
        return self.venues.setdefault(name, VenueSeen())

    # --- one fact each --------------------------------------------------------------------

    def _submitted(self, fact: ParentSubmitted) -> None:
        if not self.parent_id:
            self.parent_id, self.quantity = fact.parent_id, fact.quantity
            self.began_ns, self.phase = fact.at_ns, "received"

    def _accepted(self, fact: ParentAccepted) -> None:
        if fact.parent_id == self.parent_id:
            self.phase = Stage.DARK.value

    def _over(self, fact: ParentRefused | ParentClosed) -> None:
        if fact.parent_id == self.parent_id:
            self.phase, self.why = "over", fact.text

    def _moved(self, fact: StageMoved) -> None:
        if fact.parent_id == self.parent_id:
            self.phase, self.why = fact.stage.value, fact.why

    def _dropped(self, fact: VenueDropped) -> None:
        if fact.parent_id == self.parent_id:
            self.venue(fact.venue).dropped = fact.why

    def _wave(self, fact: WaveStarted) -> None:
        if fact.parent_id == self.parent_id:
            self.waves[fact.wave] = WaveSeen(fact.wave, fact.stage, fact.at_ns)

    def _planned(self, fact: ChildPlanned) -> None:
        if fact.parent_id != self.parent_id:
            return
        rests = fact.ord_type is OrdType.LIMIT and fact.time_in_force is TimeInForce.DAY
        is_displayed = rests and fact.venue in self._lit_venues
        child = ChildSeen(fact.venue, fact.wave, fact.quantity, is_displayed)
        self._children[fact.child_id] = child
        venue = self.venue(fact.venue)
        venue.children += 1
        venue.sent += fact.quantity
        venue.working += fact.quantity
        wave = self.waves.get(fact.wave)
        if wave is not None:
            wave.sent[fact.venue] = wave.sent.get(fact.venue, 0) + fact.quantity
            wave.open_children += 1

    def _child_accepted(self, fact: ChildAccepted) -> None:
        child = self._children.get(fact.child_id)
        if child is None or child.accepted:
            return
        child.accepted = True
        if child.is_displayed:
            self.venue(child.venue).shown += child.leaves

    def _child_filled(self, fact: ChildFilled) -> None:
        child = self._children.get(fact.child_id)
        if child is None or fact.cum_quantity <= child.filled:
            return
        quantity = fact.cum_quantity - child.filled
        child.filled = fact.cum_quantity
        venue = self.venue(child.venue)
        venue.filled += quantity
        venue.working -= quantity
        venue.shown -= quantity if child.is_displayed and child.accepted else 0
        venue.executions += 1
        venue.fees_micros += fact.fee_micros
        wave = self.waves.get(child.wave)
        if wave is not None:
            wave.filled[child.venue] = wave.filled.get(child.venue, 0) + quantity
        self.filled += quantity
        self.value_micros += quantity * fact.price_micros
        self.fees_micros += fact.fee_micros
        if not child.leaves:
            self._close(fact.child_id)
        if self.filled >= self.quantity:
            self.phase, self.why = "filled", ""

    def _child_over(self, fact: ChildEnded | ChildReleased | ChildAssumedDead) -> None:
        if fact.child_id in self._children:
            self._close(fact.child_id)

    def _close(self, child_id: str) -> None:
        child = self._children.pop(child_id)
        venue = self.venue(child.venue)
        venue.working -= child.leaves
        venue.shown -= child.leaves if child.is_displayed and child.accepted else 0
        wave = self.waves.get(child.wave)
        if wave is not None:
            wave.open_children -= 1
