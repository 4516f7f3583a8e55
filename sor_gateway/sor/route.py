"""One parent on its way through a visit: what is known and decided so far, on local copies.

Owns: the local copies, so that deciding changes no state; how a child is written down.
May not know: which child is wanted, quotes beyond the NBBO that it was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.decisions import ChildPlanned, StageMoved, VenueDropped, VenueReadmitted
from sor_gateway.sor.departures import Left
from sor_gateway.sor.market import Book, Nbbo
from sor_gateway.sor.orders import Child, Flight, Parent, Work
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.scoring import Score
from sor_gateway.sor.settings import LitTactic, SecuritySettings, StrategySettings
from sor_gateway.sor.types import Micros, Nanos, OrdType, Shares, Stage, TimeInForce


@dataclass(slots=True)
class Draft:
    """What a tactic wants a child to be."""

    venue: str
    quantity: Shares
    tactic: str
    limit_micros: Micros
    score: Score
    why: str
    ord_type: OrdType = OrdType.LIMIT
    time_in_force: TimeInForce = TimeInForce.IOC
    pull_at_ns: Nanos = 0
    post_only: bool = False
    min_quantity: Shares = 0
    is_iso: bool = False
    leaves_ns: Nanos = 0


@dataclass(slots=True)
class Sight:
    """The market as displayed orders of one parent meet it."""

    books: dict[str, Book]
    """Fresh ones, by venue."""
    shown: list[tuple[Child, Flight]]
    """Displayed orders of the parent, or what may be one."""
    trouble: str
    """Why nothing of the parent may be displayed; empty for no reason."""
    target: Micros
    """Where passive orders belong; 0 for nowhere."""
    left: dict[str, Left] = field(default_factory=dict)
    """By venue, the price of our own side that others left there of late."""


class Route:
    """One parent, its strategy and market, and what this visit has used up of it."""

    def __init__(
        self,
        parent: Parent,
        work: Work,
        strategy: StrategySettings,
        security: SecuritySettings,
        nbbo: Nbbo,
    ) -> None:
        self.parent: Final = parent
        self.work: Final = work
        self.strategy: Final = strategy
        self.security: Final = security
        self.nbbo: Final = nbbo
        self.is_buy: Final = parent.side.is_buy
        self.is_ioc: Final = parent.time_in_force is TimeInForce.IOC
        self.mid_micros: Final = nbbo.mid_micros or security.previous_close_micros
        self.worst: Micros = 0
        """The worst price for a child; 0 when there is no reference to find it from."""
        self.available: Shares = parent.available
        self.stage: Stage = work.stage
        self.lit_opened_ns: Nanos = work.lit_opened_ns
        self.wave: int = work.wave
        self.dropped: dict[str, str] = work.dropped
        self.sight: Sight | None = None
        """What was seen in this visit, once it was looked for."""
        self.sleeps = False
        """Nothing that quotes could change before the parent is looked at again anyway."""
        self.planned = False
        """A child was planned, or will be when the throttle allows."""
        self.waits = False
        """A dark venue would be used if its throttle allowed it."""

    def patience_ends_ns(self) -> Nanos:
        """Until when displayed venues are sprayed rather than swept; 0 for not at all, -1 for as
        long as it takes. An order that may not rest is never sprayed."""
        tactic = self.strategy.lit_tactic
        if tactic is LitTactic.SWEEP or self.is_ioc:
            return 0
        if tactic is LitTactic.SPRAY:
            return -1
        return self.lit_opened_ns + self.strategy.patience_ns

    def sprays(self, now: Nanos) -> bool:
        """Whether displayed venues are sprayed now."""
        until_ns = self.patience_ends_ns()
        return until_ns < 0 or now < until_ns

    def within_worst(self, price_micros: Micros) -> bool:
        """Whether a child may have this price."""
        return price_micros <= self.worst if self.is_buy else price_micros >= self.worst

    def hold_within(self, bands: Iterable[tuple[Micros, Micros]]) -> None:
        """No child beyond a price band (LULD): the tightest holds. A band is no reference."""
        for low, high in bands:
            if self.is_buy:
                self.worst = min(self.worst, high or self.worst)
            else:
                self.worst = max(self.worst, low) if self.worst else 0

    def next_wave(self) -> int:
        """The number of the wave that is being planned."""
        self.wave += 1
        return self.wave

    def drop(self, plan: Plan, venue: str, why: str, until_ns: Nanos = 0) -> None:
        """Plan to leave a venue out from here on, or until then."""
        self.dropped = {**self.dropped, venue: why}
        plan.add(VenueDropped(plan.now, self.parent.parent_id, venue, why, until_ns))

    def readmit(self, plan: Plan, venue: str) -> None:
        """Plan to try a venue again."""
        self.dropped = {name: why for name, why in self.dropped.items() if name != venue}
        plan.add(VenueReadmitted(plan.now, self.parent.parent_id, venue))

    def move_to_lit(self, plan: Plan, why: str) -> None:
        """Plan to open the lit tier."""
        self.stage, self.lit_opened_ns = Stage.LIT, plan.now
        plan.add(StageMoved(plan.now, self.parent.parent_id, Stage.LIT, why))

    def add_child(self, plan: Plan, draft: Draft) -> None:
        """Plan a child of the wave that was begun last."""
        fact = ChildPlanned(
            plan.now,
            self.parent.parent_id,
            plan.next_id("C"),
            draft.venue,
            draft.quantity,
            draft.ord_type,
            draft.limit_micros,
            draft.time_in_force,
            draft.tactic,
            self.wave,
            draft.score.cost_micros,
            draft.score.display,
            draft.why,
            draft.pull_at_ns,
            self.nbbo.bid_micros,
            self.nbbo.ask_micros,
            draft.post_only,
            draft.min_quantity,
            draft.is_iso,
            draft.leaves_ns,
        )
        self.available -= draft.quantity
        self.planned = True
        plan.spend(draft.venue)
        plan.add(fact)
