"""The audit: what a scenario promises, checked against what the three sides wrote down.

Owns: each check, what it expects and what it found.
May not know: processes, the screen. Everything comes from the venues' journals on the disk, the
gateway's journal (through its projection) and the reports that the EMS received.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sor_gateway.client.ledger import Ledger, Order, OrderState
from sor_gateway.config.scenario import Scenario
from sor_gateway.demo.venue_record import VenueOrder, VenueRecord
from sor_gateway.projection.queries import ChildOrder
from sor_gateway.sor.types import Shares
from sor_gateway.stack import Account, Totals


@dataclass(slots=True)
class Check:
    """One thing that has to hold."""

    name: str
    expected: str
    found: str
    good: bool


@dataclass(slots=True)
class Evidence:
    """What was written down."""

    order: Order
    """As the EMS was told."""
    ledger: Ledger
    """All that the EMS was told."""
    accounts: list[Account]
    records: dict[str, VenueRecord]
    """The venues' journals, by venue."""
    children: list[ChildOrder]
    """The gateway's."""
    dark: list[str]
    lit: list[str]
    waves: list[list[tuple[str, VenueOrder]]] = field(init=False)
    """Orders that dark venues accepted, by the gateway's waves."""

    def __post_init__(self) -> None:
        number_of = {child.child_id: child.wave for child in self.children}
        waves: dict[int, list[tuple[str, VenueOrder]]] = {}
        for venue in self.dark:
            for order in self.records[venue].orders.values():
                waves.setdefault(number_of[order.cl_ord_id], []).append((venue, order))
        self.waves = [waves[number] for number in sorted(waves)]


def run_checks(scenario: Scenario, evidence: Evidence) -> list[Check]:
    """Every check of a scenario, in the order in which they are told."""
    expect = scenario.expect
    checks = [_filled(scenario, evidence), *_agreement(scenario, evidence)]
    if expect.dark_before_lit:
        checks.append(_dark_before_lit(evidence, max(1, len(expect.waves))))
    for number, wave in enumerate(expect.waves):
        checks.append(_wave_sent(evidence, number, wave))
    if expect.first_wave_filled:
        checks.append(_first_wave_filled(evidence, expect.first_wave_filled))
    if expect.dark_total is not None:
        checks.append(_dark_total(evidence, expect.dark_total))
    if expect.shown_max is not None:
        checks += [_shown(evidence, venue, expect.shown_max) for venue in evidence.lit]
        checks.append(_shown_at_all(evidence))
    return checks


def venue_totals(record: VenueRecord) -> Totals:
    """What a venue's journal says that it executed."""
    totals = Totals()
    for each in record.executions:
        value = each.quantity * each.price_micros
        totals.add(Totals(1, each.quantity, value, each.fee_micros))
    return totals


# --- the checks -------------------------------------------------------------------------------


def _filled(scenario: Scenario, evidence: Evidence) -> Check:
    order = evidence.order
    return Check(
        "the order is filled",
        f"filled, {scenario.quantity:,}",
        f"{order.state.value}, {order.cum_quantity:,}",
        order.state is OrderState.FILLED and order.cum_quantity == scenario.quantity,
    )


def _agreement(scenario: Scenario, evidence: Evidence) -> list[Check]:
    """Venues, gateway and EMS on every figure, and the venues' sum on the order."""
    differ = [account.venue for account in evidence.accounts if not account.agrees]
    total = sum(account.at_venue.shares for account in evidence.accounts)
    violations = evidence.ledger.violations
    return [
        Check(
            "three ledgers agree",
            f"{len(evidence.accounts)} venues",
            f"they differ at {', '.join(differ)}" if differ else f"{len(evidence.accounts)} venues",
            not differ,
        ),
        Check(
            "executions add up",
            f"{scenario.quantity:,}",
            f"{total:,}",
            total == scenario.quantity,
        ),
        Check(
            "contradictions at the EMS",
            "none",
            "; ".join(violations[:3]) or "none",
            not violations,
        ),
    ]


def _dark_before_lit(evidence: Evidence, waves: int) -> Check:
    """The first lit order came after the first dark waves were over; without one, nothing is shown
    of any order of things."""
    lit = [
        order.accepted_ns
        for venue in evidence.lit
        for order in evidence.records[venue].orders.values()
    ]
    ahead = [order for wave in evidence.waves[:waves] for _, order in wave]
    over = bool(ahead) and all(order.ended_ns for order in ahead)
    good = over and bool(lit) and min(lit) > max(order.ended_ns for order in ahead)
    before = sum(
        1
        for wave in evidence.waves
        if not lit or max(each.accepted_ns for _, each in wave) < min(lit)
    )
    name = "dark before lit"
    return Check(name, f"{waves} waves or more", f"{before} waves", good)


def _wave_sent(evidence: Evidence, number: int, expected: dict[str, Shares]) -> Check:
    wave = evidence.waves[number] if number < len(evidence.waves) else []
    return _by_venue(
        f"dark wave {number + 1} sent", evidence, expected, {v: o.quantity for v, o in wave}
    )


def _first_wave_filled(evidence: Evidence, expected: dict[str, Shares]) -> Check:
    wave = evidence.waves[0] if evidence.waves else []
    return _by_venue("dark wave 1 filled", evidence, expected, {v: o.filled for v, o in wave})


def _dark_total(evidence: Evidence, expected: Shares) -> Check:
    found = sum(
        each.quantity for venue in evidence.dark for each in evidence.records[venue].executions
    )
    return Check("filled in the dark", f"{expected:,}", f"{found:,}", found == expected)


def _shown(evidence: Evidence, venue: str, bound: Shares) -> Check:
    found = evidence.records[venue].shown_max
    return Check(f"most shown at {venue}", f"up to {bound:,}", f"{found:,}", found <= bound)


def _shown_at_all(evidence: Evidence) -> Check:
    """Bounds on what was shown prove nothing when no venue was shown anything."""
    found = [venue for venue in evidence.lit if evidence.records[venue].shown_max]
    return Check("venues shown something", "one or more", f"{len(found)}", bool(found))


def _by_venue(
    name: str, evidence: Evidence, expected: dict[str, Shares], found: dict[str, Shares]
) -> Check:
    """Shares for each dark venue, nothing where nothing is named."""
    wanted = [expected.get(venue, 0) for venue in evidence.dark]
    seen = [found.get(venue, 0) for venue in evidence.dark]
    return Check(name, _row(wanted), _row(seen), wanted == seen)


def _row(shares: Iterable[Shares]) -> str:
    return " / ".join(f"{each:,}" for each in shares)
