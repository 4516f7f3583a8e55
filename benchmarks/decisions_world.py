"""A router at work, for `make bench-decisions`: venues that answer, quotes, a population of orders.

Owns: the settings of so many venues, a population of live parents in all stages of their presets,
what venues answer. May not know: what is measured, and when.

The presets are those of config/strategies.toml. There is one symbol for each parent, so that a
quote concerns one parent whatever the population. Everything but the measured turn is untimed, and
nothing is due when it begins: what is measured is what that one event costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Final

from sor_gateway import config as configuration
from sor_gateway.sor.commands import CancelChild, Output, SendChild
from sor_gateway.sor.events import (
    CancelRequested,
    ChildAccepted,
    ChildEnded,
    ChildFilled,
    Fact,
    IdsReserved,
    ParentSubmitted,
    VenueOpened,
)
from sor_gateway.sor.market import Level
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import RouterSettings, SecuritySettings, VenueSettings
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    OrdType,
    Side,
    TimeInForce,
    VenueKind,
)

START_NS: Final = 1_700_000_000_000_000_000
MS: Final = 1_000_000
UNIT, TICK = 1_000_000, 10_000
MID: Final = 50 * UNIT
LEVELS: Final = 5
QUANTITY: Final = 400_000
LOT: Final = 100
IDS: Final = 1_000_000_000
KINDS: Final = (VenueKind.DARK, VenueKind.ECN, VenueKind.INVERTED, VenueKind.EXCHANGE)
STEP_NS: Final = 200 * MS
"""From one measured step to the next."""
AGEING_NS: Final = 6_000 * MS
"""How long the population trades before anything is measured: boxes end, lit opens."""
FOCUS: Final = 0
"""The place of the order that is measured."""
CLIENT: Final = "EMS"
Turn = Callable[[], list[Output]]


def settings(venues: int, symbols: int, config: Path) -> RouterSettings:
    """So many venues, one dark to three displayed, under the presets of the configuration. No
    throttle: it would hold back what is to be measured."""
    known = configuration.load(config, {}).router
    samples = {venue.kind: venue for venue in known.venues.values()}
    names = {f"{KINDS[n % 4]}-{n}": KINDS[n % 4] for n in range(venues)}
    return replace(
        known,
        venues={name: _venue(name, samples[kind]) for name, kind in names.items()},
        securities={
            symbol_of(n): SecuritySettings(symbol_of(n), "XLIT", TICK, LOT, MID, 100_000_000)
            for n in range(symbols)
        },
        quote_max_age_ns=3_600_000 * MS,
    )


def _venue(name: str, like: VenueSettings) -> VenueSettings:
    return replace(like, name=name, orders_per_second=1_000_000, cancel_reserve=1)


def symbol_of(number: int) -> str:
    """The symbol of the parent with this place in the population."""
    return f"S{number:04d}"


class World:
    """One router with its population. All that is measured concerns the order in the first place,
    which is anew and anew one of another preset; the others are there.

    `order`, `fill` and `quote` prepare an event and return the measured part of it as a function,
    whose outputs `react` takes.
    """

    def __init__(self, venues: int, parents: int, config: Path, seed: int) -> None:
        self.now = START_NS
        self.random: Final = Random(seed)
        self.settings: Final = settings(venues, parents, config)
        self.router: Final = Router(self.settings)
        self.lit: Final = [each.name for each in self.settings.venues.values() if not each.is_dark]
        self._presets: Final = sorted(self.settings.strategies)
        self._turns: Final = cycle(self._presets)
        self._numbers: Final = count(1)
        self._parents: Final = [""] * parents
        """ParentID of the order in each place."""
        self._mids: Final = [MID] * parents
        self.router.handle(IdsReserved(self.now, IDS))
        for name in self.settings.venues:
            self.router.handle(VenueOpened(self.now, name, 1))
        for place in range(parents):
            self._quote(place)
            self._book(self._new_order(place, self._presets[place % len(self._presets)]))
            self.settle()
        for _ in range(AGEING_NS // STEP_NS):
            self.prepare()

    # --- the measured part -------------------------------------------------------------------

    def turn(self, facts: Iterable[Fact] = ()) -> list[Output]:
        """What the engine asks of the router in a turn: book, decide, book the decisions."""
        outputs: list[Output] = []
        for fact in facts:
            outputs += self.router.handle(fact)
        for decision in self.router.decide(self.now):
            outputs += self.router.handle(decision)
        return outputs

    def order(self) -> Turn:
        """A new order: admission and the first wave. The one before it is cancelled."""
        self._quote(FOCUS)
        old = self.router.state.parents[self._parents[FOCUS]]
        self._book(CancelRequested(self.now, CLIENT, f"X{next(self._numbers)}", old.cl_ord_id))
        self.settle()
        fact = self._new_order(FOCUS, next(self._turns))
        return lambda: self.turn([fact])

    def fill(self) -> Turn | None:
        """A part of a live child is executed; None when there is none."""
        state = self.router.state
        parent = state.parents[self._parents[FOCUS]]
        children = [state.children[child_id] for child_id in parent.children]
        live = [child for child in children if child.leaves_quantity > LOT]
        if not live:
            return None
        fact = self._filled(self.random.choice(live).child_id, LOT)
        return lambda: self.turn([fact])

    def quote(self) -> Turn:
        """One displayed venue moves its quotes by a tick; the others have refreshed theirs."""
        self._quote(FOCUS)
        self.router.quoted(symbol_of(FOCUS))
        self.settle()
        self._mids[FOCUS] = MID + self.random.choice((-TICK, TICK))
        venue = self.random.choice(self.lit)
        bids, asks = self._levels(FOCUS)

        def moved() -> list[Output]:
            self.router.market.update(venue, symbol_of(FOCUS), bids, asks, self.now)
            self.router.quoted(symbol_of(FOCUS))
            return self.turn()

        return moved

    def move_all(self) -> None:
        """Every symbol moves at once: more is due than one turn may do."""
        for place in range(len(self._parents)):
            self._mids[place] = MID + self.random.choice((-TICK, TICK))
            self._quote(place)
            self.router.quoted(symbol_of(place))

    @property
    def is_busy(self) -> bool:
        """Whether something is due now."""
        deadline = self.router.next_deadline()
        return deadline is not None and deadline <= self.now

    # --- around it ----------------------------------------------------------------------------

    def prepare(self) -> None:
        """Time passes until nothing is due."""
        end_ns = self.now + STEP_NS
        while (deadline := self.router.next_deadline()) is not None and deadline <= end_ns:
            self.now = max(self.now, deadline)
            self.react(self.turn())
        self.now = end_ns

    def settle(self) -> None:
        """Turns, and what venues answer to them, until nothing is due."""
        while self.is_busy:
            self.react(self.turn())

    def react(self, outputs: list[Output]) -> None:
        """Venues answer: what may rest rests, the rest is filled by half, cancels are granted."""
        for output in outputs:
            if isinstance(output, SendChild):
                number = str(next(self._numbers))
                self._book(ChildAccepted(self.now, output.venue, output.child_id, number))
                if output.time_in_force is TimeInForce.IOC:
                    if output.quantity >= 2:
                        self._book(self._filled(output.child_id, output.quantity // 2))
                    self._book(self._ended(output.child_id))
            elif isinstance(output, CancelChild):
                self._book(self._ended(output.child_id))

    def _book(self, fact: Fact) -> None:
        self.react(self.router.handle(fact))

    def _new_order(self, place: int, preset: str) -> ParentSubmitted:
        self._parents[place] = self.router.next_parent_id()
        side = self.random.choice((Side.BUY, Side.SELL))
        limit = MID + (10 * TICK if side is Side.BUY else -10 * TICK)
        return ParentSubmitted(
            self.now,
            self._parents[place],
            CLIENT,
            f"A{next(self._numbers)}",
            symbol_of(place),
            side,
            QUANTITY,
            OrdType.LIMIT,
            limit,
            TimeInForce.DAY,
            preset,
        )

    def _filled(self, child_id: str, quantity: int) -> ChildFilled:
        child = self.router.state.children[child_id]
        cum = child.cum_quantity + quantity
        exec_id = f"E{next(self._numbers)}"
        price = MID if child.limit_micros is None else child.limit_micros
        return ChildFilled(
            self.now,
            child.venue,
            child_id,
            exec_id,
            quantity,
            price,
            cum,
            child.quantity - cum,
            Liquidity.REMOVED,
            30 * quantity,
            "XLIT",
        )

    def _ended(self, child_id: str) -> ChildEnded:
        child = self.router.state.children[child_id]
        how, cum = ChildState.CANCELED, child.cum_quantity
        return ChildEnded(self.now, child.venue, child_id, how, cum)

    def _quote(self, place: int) -> None:
        for venue in self.lit:
            bids, asks = self._levels(place)
            self.router.market.update(venue, symbol_of(place), bids, asks, self.now)

    def _levels(self, place: int) -> tuple[list[Level], list[Level]]:
        mid, size = self._mids[place], LOT * self.random.randint(1, 9)
        bids = [(mid - (level + 1) * TICK, size) for level in range(LEVELS)]
        asks = [(mid + (level + 1) * TICK, size) for level in range(LEVELS)]
        return bids, asks
