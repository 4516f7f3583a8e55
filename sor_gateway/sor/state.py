"""The router's whole state: what the facts add up to, and nothing else.

Owns: RouterState, a tree of plain dataclasses that a snapshot can hold as it is.
May not know: what the facts mean, quotes, settings, timers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.sor.disputes import Dispute
from sor_gateway.sor.estimators.hidden import HiddenState
from sor_gateway.sor.estimators.learnt import LearntState
from sor_gateway.sor.estimators.volatility import Moves
from sor_gateway.sor.orders import Child, Parent
from sor_gateway.sor.types import Micros, Nanos
from sor_gateway.sor.venues import VenueState


@dataclass(slots=True)
class Ids:
    """Two counters under one durable bound (recovery.md 1.5). Orders, children, cancels and status
    requests (P, C, X, H, M) count in `orders`; reports (E, Y) in `reports`: so a decision can name
    its ids in advance while the reports of the decisions before it take theirs."""

    orders: int = 0
    reports: int = 0
    reserved_through: int = 0

    @property
    def left(self) -> int:
        """Ids that may still be used under the present bound."""
        return self.reserved_through - max(self.orders, self.reports)


def _first_day() -> list[dict[str, None]]:
    return [{}]


@dataclass(slots=True)
class RouterState:
    """Everything that a replay of the facts rebuilds."""

    ids: Ids = field(default_factory=Ids)
    parents: dict[str, Parent] = field(default_factory=dict)
    """By ParentID; finished ones stay for some days without their work (bygone.py)."""
    open_parents: dict[str, None] = field(default_factory=dict)
    """Those that are not over, or have an open child all the same."""
    children: dict[str, Child] = field(default_factory=dict)
    """By our ClOrdID at the venue; finished ones stay with their parent, without their flight."""
    cl_ord_ids: dict[str, dict[str, str]] = field(default_factory=dict)
    """By client: each ClOrdID that was taken, to its ParentID."""
    ended: list[dict[str, None]] = field(default_factory=_first_day)
    """By trading day, today's last: orders that ended, or of which something came then."""
    stale: dict[str, None] = field(default_factory=dict)
    """Orders that are not needed any more, and will be forgotten."""
    day_ends_ns: Nanos = 0
    """When the trading day is over; 0 before the first one."""
    venues: dict[str, VenueState] = field(default_factory=dict)
    halted: dict[str, dict[str, str]] = field(default_factory=dict)
    """By symbol: venues that do not trade it, and why."""
    bands: dict[str, dict[str, tuple[Micros, Micros]]] = field(default_factory=dict)
    """By symbol and venue: prices that no order may be below or above; 0 for no bound."""
    disputes: dict[str, dict[str, Dispute]] = field(default_factory=dict)
    """By client and our ExecID: executions that the client denies."""
    hidden: HiddenState = field(default_factory=HiddenState)
    """What dark venues showed of their size."""
    learnt: LearntState = field(default_factory=LearntState)
    """What venues are like, by symbol."""
    volatility: dict[str, Moves] = field(default_factory=dict)
    """By symbol: how much it moves, as it was last told."""
    killed: str = ""
    """Why the operator stopped all flow; empty while he has not."""
    stopped: str = ""
    """Why the process winds down; empty while it does not."""
    suspect: bool = False
    """The journal's tail may be gone: no new child until every venue told all its orders, or the
    operator releases it (recovery.md 1.5)."""

    @property
    def reserved_through(self) -> int:
        """Ids up to and including this number may be used."""
        return self.ids.reserved_through

    @property
    def may_route(self) -> bool:
        """Whether new children may leave at all."""
        return not (self.killed or self.stopped or self.suspect)
