"""An order's story wave by wave: what was sent where and why, and what came of it.

Owns: which facts belong to a wave's table and which stand between the waves.
May not know: how it is shown, the database.

A wave holds its children from their planning to their end, however the waves overlap in time. What
concerns the order as a whole, and everything out of the ordinary that happened to a child, stands
between the waves in the order in which it was booked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.projection.queries import ChildOrder, Happening, Order
from sor_gateway.sor.types import ChildState

IN_THE_TABLE: Final = frozenset(
    {
        *("ChildPlanned", "ChildSent", "ChildAccepted", "ChildFilled", "ChildEnded"),
        "ChildCancelPlanned",
    }
)
"""Facts that a child's row tells."""
OWN: Final = "own"
"""The stage of what was executed between our own clients: wave 0, before all that leave."""
FILLED: Final = ChildState.FILLED.value
RUN_MIN: Final = 4
"""So many waves of one tactic without a word between them are told as one, unless asked for."""


@dataclass(slots=True)
class Leg:
    """One child in its wave."""

    child: ChildOrder
    pulled: str = ""
    """Why we cancelled it; empty when we did not."""
    is_late: bool = False
    """Whether the cancel came when the child was filled."""

    @property
    def outcome(self) -> str:
        """How it ended, or how it stands."""
        child = self.child
        if child.doubt:
            return f"in doubt: {child.doubt}"
        if child.state == FILLED:
            return "filled before its cancel came" if self.is_late else FILLED
        words = child.text if child.state in ("rejected", "released") else self.pulled
        return f"{child.state}: {words}" if words else child.state


@dataclass(slots=True)
class Wave:
    """A round of children that left together."""

    number: int
    stage: str
    at_ns: int
    legs: list[Leg] = field(default_factory=list)

    @property
    def tactics(self) -> str:
        """What kind of round it was."""
        return ", ".join(dict.fromkeys(leg.child.tactic for leg in self.legs))

    @property
    def sent(self) -> int:
        """Shares sent."""
        return sum(leg.child.quantity for leg in self.legs)

    @property
    def filled(self) -> int:
        """Shares executed."""
        return sum(leg.child.cum_quantity for leg in self.legs)


@dataclass(slots=True)
class Note:
    """Something that happened between the waves."""

    at_ns: int
    name: str
    """Of the fact."""
    text: str
    venue: str = ""
    """That it is about; empty when it is about the whole order."""


@dataclass(slots=True)
class Share:
    """What one venue did for the order, in one tactic."""

    venue: str
    tactic: str
    children: int = 0
    sent: int = 0
    filled: int = 0
    value_micros: int = 0
    fees_micros: int = 0

    def add(self, child: ChildOrder) -> None:
        """Count a child in."""
        self.children += 1
        self.sent += child.quantity
        self.filled += child.cum_quantity
        self.value_micros += child.cum_value_micros
        self.fees_micros += child.fees_micros

    @property
    def average_price_micros(self) -> int:
        """Of what was executed, rounded down to a micro; 0 when nothing was."""
        return self.value_micros // self.filled if self.filled else 0


@dataclass(slots=True)
class Run:
    """Waves of one tactic, one after the other with nothing to tell between them."""

    waves: list[Wave]
    shares: list[Share]


Chapter = Wave | Note | Run


@dataclass(slots=True)
class Story:
    """An order from its arrival to its end."""

    order: Order
    chapters: list[Chapter]
    shares: list[Share]


def tell(
    order: Order, children: list[ChildOrder], happenings: Iterable[Happening], full: bool = False
) -> Story:
    """The story of an order from its children and facts; `full` keeps each wave apart."""
    waves: dict[int, Wave] = {}
    legs = {child.child_id: Leg(child) for child in children}
    chapters: list[Chapter] = []
    for each in happenings:
        if each.name == "WaveStarted":
            number = each.data["wave"]
            waves[number] = Wave(number, each.data["stage"], each.at_ns)
            chapters.append(waves[number])
        elif each.name == "ChildCrossed":
            if 0 not in waves:
                waves[0] = Wave(0, OWN, each.at_ns)
                chapters.append(waves[0])
        elif each.name == "ChildCancelRefused" and legs[each.child_id].child.state == FILLED:
            legs[each.child_id].is_late = True
        elif each.name not in IN_THE_TABLE:
            venue = each.data.get("venue", "")
            chapters.append(Note(each.at_ns, each.name, each.text, venue))
        elif each.name == "ChildCancelPlanned":
            legs[each.child_id].pulled = each.data["why"]
    for leg in legs.values():
        number = leg.child.wave
        if number not in waves:  # its beginning stands in a segment that is gone
            waves[number] = Wave(number, "", leg.child.planned_ns)
            chapters.append(waves[number])
        waves[number].legs.append(leg)
    return Story(order, chapters if full else _with_runs(chapters), share_out(legs.values()))


def share_out(legs: Iterable[Leg]) -> list[Share]:
    """What each venue did in each tactic, in the order in which they were first used."""
    shares: dict[tuple[str, str], Share] = {}
    for leg in legs:
        child = leg.child
        key = (child.venue, child.tactic)
        if key not in shares:
            shares[key] = Share(child.venue, child.tactic)
        shares[key].add(child)
    return list(shares.values())


def _with_runs(chapters: list[Chapter]) -> list[Chapter]:
    told: list[Chapter] = []
    waves: list[Wave] = []
    for chapter in chapters:
        if isinstance(chapter, Wave) and chapter.stage not in ("dark", OWN):
            waves.append(chapter)
            continue
        told += _as_run(waves)
        waves = []
        told.append(chapter)
    return told + _as_run(waves)


def _as_run(waves: list[Wave]) -> list[Chapter]:
    if len(waves) < RUN_MIN:
        return list(waves)
    return [Run(waves, share_out(leg for wave in waves for leg in wave.legs))]
