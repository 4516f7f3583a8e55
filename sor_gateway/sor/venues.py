"""What the router knows of each venue: session, open children, throttle, what was learnt.

Owns: VenueState and the throttle's arithmetic. May not know: parents, quotes, sockets.

The throttle is a bucket of `orders_per_second` tokens that refills at that rate; each message to
the venue takes one at the recorded time of its decision, so a fold spends the same
(recovery.md 3.10). New orders leave the last `cancel_reserve` tokens to cancels and to status
requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.breaker import Breaker
from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.estimators.quantiles import Quantiles
from sor_gateway.sor.settings import VenueSettings
from sor_gateway.sor.types import NANOS_PER_SECOND, Micros, Nanos

EXEC_IDS_KEPT: Final = 5_000
"""ExecIDs of a venue remembered in each of two generations, to notice one used twice."""


@dataclass(slots=True)
class Status:
    """What one session of a venue told of its trading, as far as that is not as usual."""

    halted: dict[str, str] = field(default_factory=dict)
    """By symbol that does not trade: why."""
    bands: dict[str, tuple[Micros, Micros]] = field(default_factory=dict)
    """By symbol: prices that no order may be below or above; 0 for no bound."""
    closed: str = ""
    """Why its trading session is not open; empty while it is."""

    @property
    def is_usual(self) -> bool:
        """Whether nothing is left of it."""
        return not (self.halted or self.bands or self.closed)


@dataclass(slots=True)
class MassQuestion:
    """A mass status request (FIX AF) that is under way on this connection."""

    request_id: str
    lists_over: bool
    """Its answer has orders that are over, too: one that is missing is unknown to the venue."""
    heard_ns: Nanos
    """When it left, or the last part of its answer came."""
    told: dict[str, None] = field(default_factory=dict)
    """Orders that its answer was about so far: one that is told twice stands for no other."""


@dataclass(slots=True)
class VenueState:
    """One venue, as the facts left it."""

    is_open: bool = False
    is_congested: bool = False
    """Whether it leaves what we send it unread."""
    epoch: int = 0
    """Of its order session when it last opened; 0 for never."""
    children: dict[str, None] = field(default_factory=dict)
    """Open children there, oldest first."""
    spent: int = 0
    """Tokens spent and not yet refilled, in 1e-9 tokens."""
    spent_at_ns: Nanos = 0
    latency: DecayedMean = field(default_factory=DecayedMean)
    fills: DecayedMean = field(default_factory=DecayedMean)
    answers: Quantiles = field(default_factory=Quantiles)
    """How long its first word about a child took."""
    exec_ids: dict[str, str] = field(default_factory=dict)
    """Recent ExecIDs to the child that each was for."""
    exec_ids_before: dict[str, str] = field(default_factory=dict)
    """The generation before it."""
    closed_session: str = ""
    """Why its trading session is not open, in the venue's words; empty while it is."""
    told: dict[str, Status] = field(default_factory=dict)
    """By session: what it told of trading, where that is not as usual."""
    quarantine: str = ""
    """Why it gets no order until the operator lets it; empty while it does."""
    breaker: Breaker | None = None
    """None until it first rejects an order."""
    mass: MassQuestion | None = None
    """The request for all orders that is not answered yet; on one connection no other follows one
    that never is."""
    is_mass_refused: bool = False
    """It takes no such request on this connection, or gives no answer that makes sense."""
    has_listed: bool = False
    """It told its orders of ours since the journal's tail became suspect (recovery.md 1.5)."""
    lists_over: bool = False
    """What it told last had orders that are over, too."""
    strays: dict[str, None] = field(default_factory=dict)
    """Orders of ours that only the venue knew: they are being cancelled, on this connection."""

    def forget_questions(self) -> None:
        """What was asked on another connection is never answered on this one."""
        self.mass, self.is_mass_refused = None, False
        if self.strays:
            self.strays.clear()
            self.has_listed = False

    @property
    def has_told_all(self) -> bool:
        """Whether an order that the journal lost there would be known by now. A list of what is
        open says nothing of one that was executed."""
        return self.has_listed and self.lists_over

    @property
    def is_routable(self) -> bool:
        """Whether new orders may go there."""
        return self.is_open and not self.barred

    @property
    def barred(self) -> str:
        """Why no new order may go there although its session is up; empty when they may."""
        if self.is_congested:
            return "it leaves what we send it unread"
        if self.breaker is not None and self.breaker.is_resting:
            return "it rejected everything and rests"
        return self.quarantine or self.closed_session

    @property
    def is_trying(self) -> bool:
        """Whether one order alone may go there, to see whether it takes orders again."""
        return self.breaker is not None and self.breaker.is_trying

    def exec_id_owner(self, exec_id: str, child_id: str) -> str:
        """Remember an ExecID; the other child that had it before, or empty."""
        owner = self.exec_ids.get(exec_id) or self.exec_ids_before.get(exec_id) or ""
        if len(self.exec_ids) >= EXEC_IDS_KEPT:
            self.exec_ids_before, self.exec_ids = self.exec_ids, {}
        self.exec_ids[exec_id] = child_id
        return "" if owner == child_id else owner

    def spend(self, settings: VenueSettings, at_ns: Nanos) -> None:
        """A message left for this venue."""
        self.spent = self._outstanding(settings, at_ns) + NANOS_PER_SECOND
        self.spent_at_ns = max(at_ns, self.spent_at_ns)

    def tokens(self, settings: VenueSettings, now: Nanos) -> int:
        """Messages that may leave now, the reserve included."""
        capacity = settings.orders_per_second * NANOS_PER_SECOND
        return (capacity - self._outstanding(settings, now)) // NANOS_PER_SECOND

    def _outstanding(self, settings: VenueSettings, now: Nanos) -> int:
        elapsed_ns = max(0, now - self.spent_at_ns)  # a wall clock may step back
        return max(0, self.spent - elapsed_ns * settings.orders_per_second)


def refill_ns(settings: VenueSettings) -> Nanos:
    """How long one token takes."""
    return -(-NANOS_PER_SECOND // settings.orders_per_second)
