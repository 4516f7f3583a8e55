"""How long deciding takes: one turn of the router, at so many venues and live orders.

Owns: what is set up and which turns are timed. May not know: bars, tables.

A turn here is what the engine asks of the router in one: the facts or quotes in, `decide`, each
decision applied. Two kinds are timed, as processor time of the thread:
- *order*: a new order passes the checks and sends its first wave, while the others live;
- *quote*: the touch moved and everybody who waits for it is looked at, at most `decide_budget` of
  them in one turn; the rest comes in the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor import events as ev
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import (
    LitTactic,
    RouterSettings,
    SecuritySettings,
    StrategySettings,
    VenueSettings,
)
from sor_gateway.sor.types import (
    NANOS_PER_MILLISECOND,
    ChildState,
    Nanos,
    OrdType,
    Side,
    TimeInForce,
    VenueKind,
)

VENUES: Final = (4, 12, 50)
LIVE: Final = (1, 1_000)
BUDGET_MS: Final = 25.0
"""How often a venue shows its book: a turn that takes longer decides on what was before."""
SYMBOL: Final = "ACME"
MID: Final = 50_000_000
TICK: Final = 10_000
START: Final = 1_700_000_000_000_000_000
LEVELS: Final = 5
IDS: Final = 10**9
QUANTITY: Final = 1_000
NEW: Final = StrategySettings("new", lit_tactic=LitTactic.SPRAY)
"""What is timed when it comes: hidden children first."""
LIVING: Final = StrategySettings("living", use_dark=False, lit_tactic=LitTactic.SPRAY)
"""The others: displayed children that follow the touch."""


@dataclass(slots=True)
class Times:
    """Of one set-up, in milliseconds."""

    venues: int
    live: int
    order: list[float] = field(default_factory=list)
    quote: list[float] = field(default_factory=list)


def measure(repeats: int) -> Iterator[Times]:
    """Every set-up."""
    for venues in VENUES:
        for live in LIVE:
            yield _measure(venues, live, repeats)


def _measure(venues: int, live: int, repeats: int) -> Times:
    bench, times = Bench(venues), Times(venues, live)
    for _ in range(live):
        bench.submit(LIVING)
        bench.turn()
        bench.now += NANOS_PER_MILLISECOND
    for _ in range(live // 100 + 3):
        bench.turn()
    for number in range(repeats):
        bench.now += 20 * NANOS_PER_MILLISECOND
        bench.quote(number)
        times.quote.append(bench.turn())
        while bench.router.next_deadline() == 0:
            bench.turn()
        bench.submit(NEW)
        times.order.append(bench.turn())
        bench.cancel_newest()
        while bench.router.next_deadline() == 0:
            bench.turn()
    return times


class Bench:
    """A router, its venues' quotes and its clock; venues accept everything and fill nothing."""

    def __init__(self, venues: int) -> None:
        self.now: Nanos = START
        made = {each.name: each for each in map(_venue, range(venues))}
        security = SecuritySettings(SYMBOL, "XLIT", previous_close_micros=MID)
        presets = {each.name: each for each in (NEW, LIVING)}
        settings = RouterSettings(made, presets, {SYMBOL: security}, NEW.name)
        self.router = Router(settings)
        self.router.handle(ev.IdsReserved(self.now, IDS))
        self._lit = [each.name for each in made.values() if not each.is_dark]
        self._count = 0
        for name in made:
            self.router.handle(ev.VenueOpened(self.now, name, 1))
        self.quote(0)

    def quote(self, number: int) -> None:
        """Every lit venue shows its book; the touch moves a tick to and fro."""
        bid = MID + number % 2 * TICK
        bids = [(bid - level * TICK, 500) for level in range(LEVELS)]
        asks = [(bid + (level + 2) * TICK, 500) for level in range(LEVELS)]
        for name in self._lit:
            self.router.market.update(name, SYMBOL, bids, asks, self.now)
        self.router.quoted(SYMBOL)

    def submit(self, strategy: StrategySettings) -> None:
        """An order comes."""
        self._count += 1
        parent_id = self.router.next_parent_id()
        limit = MID + 10 * TICK
        terms = (SYMBOL, Side.BUY, QUANTITY, OrdType.LIMIT, limit, TimeInForce.DAY, strategy.name)
        self.router.handle(
            ev.ParentSubmitted(self.now, parent_id, "EMS", f"A{self._count}", *terms)
        )

    def turn(self) -> float:
        """One turn: milliseconds of deciding and applying."""
        began = time.thread_time_ns()
        decisions = self.router.decide(self.now)
        for decision in decisions:
            self.router.handle(decision)
        spent = time.thread_time_ns() - began
        for decision in decisions:
            if isinstance(decision, ev.ChildPlanned):
                child_id = decision.child_id
                answer = ev.ChildAccepted(self.now, decision.venue, child_id, f"V{child_id}")
                self.router.handle(answer)
            elif isinstance(decision, ev.ChildCancelPlanned):
                self._end(decision.child_id)
        return spent / 1e6

    def cancel_newest(self) -> None:
        """The newest order ends, so that as many live as before."""
        state = self.router.state
        self.router.handle(
            ev.CancelRequested(self.now, "EMS", f"X{self._count}", f"A{self._count}")
        )
        newest = next(reversed(state.parents))
        for child_id in list(state.parents[newest].children):
            self._end(child_id)

    def _end(self, child_id: str) -> None:
        venue = self.router.state.children[child_id].venue
        self.router.handle(ev.ChildEnded(self.now, venue, child_id, ChildState.CANCELED, 0))


def _venue(number: int) -> VenueSettings:
    """Every third one is dark; none holds anybody back."""
    kind = VenueKind.DARK if number % 3 == 0 else VenueKind.EXCHANGE
    return VenueSettings(
        f"v{number:02d}",
        kind,
        f"X{number:03d}",
        2_800,
        -1_800,
        1_000,
        250_000,
        0.5,
        0.4,
        orders_per_second=10**7,
    )
