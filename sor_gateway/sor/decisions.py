"""What the router decides, as facts: `Router.decide` returns them and `Router.handle` applies them.

Owns: the records of decisions, kept by the journal beside the facts from outside (events.py), under
the same rules: the class name is the name in the journal, and a new field takes a default.
May not know: how a decision is reached or applied, FIX tags, sessions, sockets, files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.sor.days import OrdersForgotten
from sor_gateway.sor.estimators.volatility import Moves
from sor_gateway.sor.types import (
    Micros,
    Nanos,
    OrdType,
    ParentState,
    Reason,
    Shares,
    Stage,
    TimeInForce,
)


@dataclass(slots=True)
class ParentAccepted:
    """A parent passed the pre-trade checks; its arrival marks."""

    at_ns: Nanos
    parent_id: str
    bid_micros: Micros
    ask_micros: Micros


@dataclass(slots=True)
class ParentRefused:
    """A parent failed the pre-trade checks."""

    at_ns: Nanos
    parent_id: str
    reason: Reason
    text: str


@dataclass(slots=True)
class StageMoved:
    """A parent went on to another tier of the pecking order."""

    at_ns: Nanos
    parent_id: str
    stage: Stage
    why: str


@dataclass(slots=True)
class VenueDropped:
    """A venue gets no more of this parent."""

    at_ns: Nanos
    parent_id: str
    venue: str
    why: str
    until_ns: Nanos = 0
    """When it is tried again; 0 for not at all."""


@dataclass(slots=True)
class VenueReadmitted:
    """A venue that was left out for a while is tried again."""

    at_ns: Nanos
    parent_id: str
    venue: str


@dataclass(slots=True)
class VenueTried:
    """A venue that rejected everything has rested: one order may go there (breaker.py)."""

    at_ns: Nanos
    venue: str


@dataclass(slots=True)
class ParentExpiring:
    """The trading day of a Day order is over: its children are pulled, then it expires."""

    at_ns: Nanos
    parent_id: str


@dataclass(slots=True)
class RequestOverdue:
    """A client's cancel or replace waits too long for children that cannot be pulled."""

    at_ns: Nanos
    parent_id: str
    waits_for: str


@dataclass(slots=True)
class WaveStarted:
    """A parent's next round of children begins."""

    at_ns: Nanos
    parent_id: str
    wave: int
    stage: Stage


@dataclass(slots=True)
class ChildPlanned:
    """A child leaves in this turn, and why."""

    at_ns: Nanos
    parent_id: str
    child_id: str
    """Our ClOrdID at the venue."""
    venue: str
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    time_in_force: TimeInForce
    tactic: str
    wave: int
    cost_micros: Micros
    """Expected net cost per share when it was chosen."""
    display_score: float
    why: str
    pull_at_ns: Nanos = 0
    """When the child is to be cancelled unless it is over; 0 for never. Its time box runs from the
    venue's first answer: that moves it on by as long as the answer took."""
    bid_micros: Micros = 0
    ask_micros: Micros = 0
    post_only: bool = False
    """The venue is to refuse it rather than let it take."""
    min_quantity: Shares = 0
    """Fewer shares at a time are not to be executed (FIX 110); 0 for any number."""
    is_iso: bool = False
    """An intermarket sweep order (FIX 18=f): the venue need not look at other venues."""
    leaves_ns: Nanos = 0
    """When it leaves, so that it arrives with the others of its wave; 0 for at once. It counts as
    exposure from here on."""


@dataclass(slots=True)
class ChildSent:
    """A child that was held back for the others of its wave leaves in this turn."""

    at_ns: Nanos
    child_id: str


@dataclass(slots=True)
class ChildCrossed:
    """An order met an opposite one of our own clients, here and at once. The fact of the other
    stands beside it, in the same turn."""

    at_ns: Nanos
    parent_id: str
    child_id: str
    contra_id: str
    """The other order's child."""
    market: str
    """Our own MIC."""
    quantity: Shares
    price_micros: Micros
    bid_micros: Micros
    ask_micros: Micros
    why: str


@dataclass(slots=True)
class ChildCancelPlanned:
    """A cancel for a child leaves in this turn."""

    at_ns: Nanos
    child_id: str
    cancel_id: str
    """Our ClOrdID of the cancel request."""
    why: str


@dataclass(slots=True)
class ChildStatusPlanned:
    """A status request for a child leaves in this turn (FIX H)."""

    at_ns: Nanos
    child_id: str
    request_id: str
    why: str


@dataclass(slots=True)
class MassStatusPlanned:
    """A request for all our orders at a venue leaves in this turn (FIX AF). It asks about each
    child in doubt there that was not asked about yet."""

    at_ns: Nanos
    venue: str
    request_id: str
    why: str
    lists_over: bool = False
    """The venue lists orders that are over, too."""


@dataclass(slots=True)
class TailProved:
    """Every venue told all its orders of ours: what the journal lost is known (recovery.md 1.5)."""

    at_ns: Nanos


@dataclass(slots=True)
class DayEnded:
    """The trading day of an order's children is over: all that are open are asked about
    (recovery.md 3.5)."""

    at_ns: Nanos
    parent_id: str


@dataclass(slots=True)
class ChildAssumedDead:
    """Nobody says what became of a child, and its trading day is over for long (recovery.md 3.5).
    What fills of it all the same is booked."""

    at_ns: Nanos
    child_id: str
    why: str


@dataclass(slots=True)
class CancelGivenUp:
    """A client's cancel waited too long for a child in doubt: it is refused, and the order rests
    (recovery.md 3.9)."""

    at_ns: Nanos
    parent_id: str
    text: str


@dataclass(slots=True)
class ChildReleased:
    """A child is proved never to fill at its venue (recovery.md 3.1, 3.5), or never left for it:
    its shares are free."""

    at_ns: Nanos
    child_id: str
    why: str


@dataclass(slots=True)
class ParentReplaced:
    """A replace request is granted: no child conflicts with the new terms any more."""

    at_ns: Nanos
    parent_id: str


@dataclass(slots=True)
class ParentReplaceRefused:
    """A replace request fails the pre-trade checks; the old terms stand."""

    at_ns: Nanos
    parent_id: str
    reason: Reason
    text: str


@dataclass(slots=True)
class ParentClosed:
    """A parent ends without being filled: no child of it can fill any more."""

    at_ns: Nanos
    parent_id: str
    how: ParentState
    """CANCELED or EXPIRED."""
    text: str


@dataclass(slots=True)
class Markout:
    """What fills at one venue were worth some time later."""

    venue: str
    symbol: str
    quantity: Shares
    value_micros: Micros
    """Of all the shares: positive when the market went our way."""
    small: bool
    """Each fill was of a size that a probe may have."""


@dataclass(slots=True)
class MarkoutsSeen:
    """The market was looked at some time after fills of ours."""

    at_ns: Nanos
    horizon: int
    """Which of the horizons that are looked at (estimators/learnt.py)."""
    marks: list[Markout] = field(default_factory=list)


@dataclass(slots=True)
class VolatilitySeen:
    """How much symbols moved as far as their quotes were watched: every ten minutes of a market."""

    at_ns: Nanos
    moves: dict[str, Moves] = field(default_factory=dict)
    """By symbol."""


ParentNote = (
    VenueDropped | VenueReadmitted | ParentExpiring | RequestOverdue | WaveStarted | DayEnded
)
"""How a parent is worked on; what is accounted for does not change by it."""
Decision = (
    ParentAccepted
    | ParentRefused
    | StageMoved
    | VenueDropped
    | VenueReadmitted
    | VenueTried
    | ParentExpiring
    | RequestOverdue
    | WaveStarted
    | ChildPlanned
    | ChildSent
    | ChildCrossed
    | ChildCancelPlanned
    | ChildStatusPlanned
    | MassStatusPlanned
    | TailProved
    | DayEnded
    | ChildAssumedDead
    | CancelGivenUp
    | ChildReleased
    | ParentReplaced
    | ParentReplaceRefused
    | ParentClosed
    | MarkoutsSeen
    | VolatilitySeen
    | OrdersForgotten
)
