"""The measures of one parent order: price, fees and rebates, shortfall, by venue and by wave.

Owns: the definitions. May not know: how they are shown, the journal, FIX.

*Shortfall* is what the executed shares cost against the midpoint of the market at arrival (Perold's
implementation shortfall without the part that was not executed, which has no price of its own):
positive is a cost, negative a gain, for buys and sells alike. The *slippage* of a venue is the same
against the midpoint that the router saw when it planned each child: what the venue did, without
what the market did in between. Fees are apart from both; `total` adds them.

Money is in micros and exact; basis points are decimals, rounded once, half even. Nothing here is a
float.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from sor_gateway.projection import queries
from sor_gateway.projection.queries import ChildOrder, Execution, Order
from sor_gateway.sor.types import Liquidity, Micros, Nanos, Shares, Side

BPS: Final = 10_000
BPS_STEP: Final = Decimal("0.01")


@dataclass(slots=True)
class Mark:
    """The best bid and offer at one moment; 0 for a side that was not there."""

    bid_micros: Micros
    ask_micros: Micros

    @property
    def is_whole(self) -> bool:
        """Whether there is a midpoint."""
        return self.bid_micros > 0 and self.ask_micros > 0

    @property
    def mid_micros(self) -> Micros | None:
        """The midpoint, half even; None without both sides."""
        return halved(self.bid_micros + self.ask_micros) if self.is_whole else None


@dataclass(slots=True)
class Totals:
    """What some executions add up to."""

    executions: int = 0
    shares: Shares = 0
    value_micros: Micros = 0
    fees_micros: Micros = 0
    """Net: what was paid less what came back."""
    rebates_micros: Micros = 0
    """What came back, as a positive amount; part of `fees_micros` already."""
    surprises: int = 0
    """Executions whose fee is not the schedule's: nobody announced it."""
    surprises_micros: Micros = 0
    """What they cost more than the schedules say; part of `fees_micros` already."""
    added: Shares = 0
    removed: Shares = 0
    midpoint: Shares = 0

    def add(self, execution: Execution) -> None:
        """Count one execution."""
        self.executions += 1
        self.shares += execution.quantity
        self.value_micros += execution.quantity * execution.price_micros
        self.fees_micros += execution.fee_micros
        self.rebates_micros += max(0, -execution.fee_micros)
        self.surprises += execution.fee_surprise_micros != 0
        self.surprises_micros += execution.fee_surprise_micros
        self.added += execution.quantity if execution.liquidity == Liquidity.ADDED else 0
        self.removed += execution.quantity if execution.liquidity == Liquidity.REMOVED else 0
        self.midpoint += execution.quantity if execution.liquidity == Liquidity.MIDPOINT else 0

    @property
    def average_price_micros(self) -> Micros:
        """The exact quotient, rounded once, half even; 0 when nothing was executed."""
        return round(Fraction(self.value_micros, self.shares)) if self.shares else 0


@dataclass(slots=True)
class Cost:
    """What executed shares cost against a reference price."""

    micros: Micros
    bps: Decimal
    """Of the executed shares at the reference price."""


@dataclass(slots=True)
class VenueLine:
    """What one venue did for the order."""

    venue: str
    children: int = 0
    sent: Shares = 0
    totals: Totals = field(default_factory=Totals)
    shortfall: Cost | None = None
    """Against the midpoint at arrival; None without one, or without executions."""
    slippage: Cost | None = None
    """Against the midpoints when its children were planned."""


@dataclass(slots=True)
class WaveLine:
    """What one wave sent to one venue, and what came of it."""

    wave: int
    venue: str
    tactic: str
    began_ns: Nanos
    children: int = 0
    sent: Shares = 0
    filled: Shares = 0


@dataclass(slots=True)
class Report:
    """The account of one parent order, while it works or when it is over."""

    order: Order
    totals: Totals
    arrival: Mark
    shortfall: Cost | None
    """Against the midpoint at arrival, without fees."""
    total: Cost | None
    """The shortfall with fees and rebates."""
    venues: list[VenueLine]
    waves: list[WaveLine]
    last_ns: Nanos
    """When it ended; of the last execution while it works; 0 without either."""

    @property
    def duration_ns(self) -> Nanos:
        """From its arrival to its end, or to the last that is known of it."""
        return max(0, self.last_ns - self.order.submitted_ns)


def measure(database: Path, parent: str) -> Report | None:
    """Measure an order, by its ParentID or its ClOrdID; None when there is no such order.

    Raises FileNotFoundError when there is no database.
    """
    order = queries.order(database, parent)
    if order is None:
        return None
    children = queries.children(database, order.parent_id)
    return report(order, children, queries.executions(database, order.parent_id))


def report(order: Order, children: list[ChildOrder], executions: list[Execution]) -> Report:
    """Measure an order that was read already."""
    totals = Totals()
    for execution in executions:
        totals.add(execution)
    arrival = Mark(order.arrival_bid_micros, order.arrival_ask_micros)
    is_buy = Side(order.side).is_buy
    shortfall = cost(is_buy, [(each, arrival) for each in executions])
    return Report(
        order=order,
        totals=totals,
        arrival=arrival,
        shortfall=shortfall,
        total=None if shortfall is None else with_fees(shortfall, totals, arrival),
        venues=venue_lines(is_buy, arrival, children, executions),
        waves=wave_lines(children),
        last_ns=order.ended_ns or max((each.at_ns for each in executions), default=0),
    )


def venue_lines(
    is_buy: bool, arrival: Mark, children: list[ChildOrder], executions: list[Execution]
) -> list[VenueLine]:
    """By venue, in the order in which the venues were first used."""
    lines: dict[str, VenueLine] = {}
    marks: dict[str, Mark] = {}
    for child in children:
        line = lines.setdefault(child.venue, VenueLine(child.venue))
        line.children += 1
        line.sent += child.quantity
        marks[child.child_id] = Mark(child.bid_micros, child.ask_micros)
    for line in lines.values():
        own = [each for each in executions if each.venue == line.venue]
        for execution in own:
            line.totals.add(execution)
        line.shortfall = cost(is_buy, [(each, arrival) for each in own])
        line.slippage = cost(is_buy, [(each, marks[each.child_id]) for each in own])
    return list(lines.values())


def wave_lines(children: list[ChildOrder]) -> list[WaveLine]:
    """By wave and venue, in the order in which they were sent."""
    lines: dict[tuple[int, str, str], WaveLine] = {}
    for child in children:
        key = (child.wave, child.venue, child.tactic)
        line = lines.setdefault(key, WaveLine(*key, child.planned_ns))
        line.children += 1
        line.sent += child.quantity
        line.filled += child.cum_quantity
    return list(lines.values())


def cost(is_buy: bool, executions: Iterable[tuple[Execution, Mark]]) -> Cost | None:
    """What executions cost, each against its mark; None when one has no midpoint, or none is."""
    doubled = base = 0
    for execution, mark in executions:
        if not mark.is_whole:
            return None
        reference = (mark.bid_micros + mark.ask_micros) * execution.quantity
        base += reference
        doubled += 2 * execution.quantity * execution.price_micros - reference
    if not base:
        return None
    signed = doubled if is_buy else -doubled
    return Cost(halved(signed), _bps(Fraction(signed, base)))


def with_fees(shortfall: Cost, totals: Totals, arrival: Mark) -> Cost:
    """A shortfall against the arrival midpoint, with what was paid for the trading."""
    micros = shortfall.micros + totals.fees_micros
    base = Fraction((arrival.bid_micros + arrival.ask_micros) * totals.shares, 2)
    return Cost(micros, _bps(micros / base))


def halved(doubled: int) -> int:
    """Half of an integer, half even."""
    return round(Fraction(doubled, 2))


def _bps(part: Fraction) -> Decimal:
    exact = part * BPS
    quotient = Decimal(exact.numerator) / Decimal(exact.denominator)
    return quotient.quantize(BPS_STEP, ROUND_HALF_EVEN)
