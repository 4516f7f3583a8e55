"""The two arms of the block scenario and the tape of the market beside them.

Owns: how an arm is run, what the market is seen to do, the comparison of costs.
May not know: how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sor_gateway.config.scenario import Expectations
from sor_gateway.demo.audit import Check
from sor_gateway.tca.measures import Report
from tests.harness.audit import Audit, audit, block_checks
from tests.harness.desk import Desk
from venue_sims.matching.orders import Side

SCENARIO: Final = "block"
GIVEN_BACK: Final = {"dark-a": 1_000, "dark-b": 5_000, "dark-c": 2_500}
"""Venues.md 5.3: what the first hidden orders leave to be cancelled."""
NAIVE: Final = "lit-sweep"
NAIVE_OVERRIDES: Final = {"SOR__STRATEGIES__LIT_SWEEP__MAX_ADV_SHARE": "0"}
"""The preset refuses more than a twentieth of a day's volume; this arm is to do what it forbids."""
TAPE_LEVELS: Final = 5
TAPE_MARKET_S: Final = 0.5
"""How often the tape looks."""

Sight = tuple[int, tuple[int, int], tuple[object, ...]]
"""Time, the gateway's NBBO, the displayed books of the lit venues."""


class Tape:
    """What the market shows, looked at again and again; looking changes nothing."""

    def __init__(self, desk: Desk) -> None:
        self.sights: list[Sight] = []
        self._desk = desk
        self._look()

    def before(self, at_ns: int) -> list[Sight]:
        """What was seen before a time."""
        return [sight for sight in self.sights if sight[0] < at_ns]

    def _look(self) -> None:
        desk, symbol = self._desk, self._desk.scenario.symbol
        nbbo = desk.gateway.parts.engine.router.market.nbbo(symbol, desk.now)
        books = tuple(
            matcher.depth(side, TAPE_LEVELS)
            for venue in desk.venues.values()
            if not venue.server.venue.kind.dark
            for matcher in [venue.server.venue.floors[symbol].matcher]
            for side in Side
        )
        self.sights.append((desk.now, (nbbo.bid_micros, nbbo.ask_micros), books))
        desk.loop.at_ns(desk.now + desk.market_s(TAPE_MARKET_S), self._look)


@dataclass(slots=True)
class Outcome:
    """What `make block` is about."""

    ours: Audit
    naive: Audit
    checks: list[Check]
    digests: dict[str, str]


def run(seed: int) -> tuple[Desk, str]:
    """Our arm, from start to end: the desk as it then is, and the order's ClOrdID."""
    desk = Desk(SCENARIO, seed)
    desk.become_ready()
    cl_ord_id = desk.submit()
    desk.trade(cl_ord_id)
    return desk, cl_ord_id


def compare(seed: int, folder: Path) -> Outcome:
    """Run both arms, and the market without anybody, and check all that is promised."""
    desk = Desk(SCENARIO, seed)
    desk.become_ready()
    tape = Tape(desk)
    cl_ord_id = desk.submit()
    desk.trade(cl_ord_id)
    ours = audit(desk, cl_ord_id, folder / "ours")
    checks = [*ours.checks, *block_checks(desk, ours, GIVEN_BACK)]
    lit_ns = min(
        order.accepted_ns
        for venue in ours.evidence.lit
        for order in ours.evidence.records[venue].orders.values()
    )
    checks.append(_market_unmoved(tape.before(lit_ns), _quiet(seed, lit_ns)))
    naive = _naive(seed, folder / "naive")
    wrong = failed(naive.checks)
    names = ", ".join(check.name for check in wrong) or "all hold"
    checks.append(Check("the naive arm's own checks", "all hold", names, not wrong))
    checks.append(_naive_costs_more(ours.report, naive.report))
    return Outcome(ours, naive, checks, desk.digests())


def own_cost_micros(report: Report) -> int:
    """Fees, and prices against the midpoint when each child was planned: what an arm did itself.
    What the market did between arrival and plan is not in it: the path does not feel us, and its
    walk, not the arm, decides the shortfall of one seed."""
    slippage = sum(line.slippage.micros for line in report.venues if line.slippage)
    return slippage + report.totals.fees_micros


def _quiet(seed: int, until_ns: int) -> list[Sight]:
    """The same market with nobody in it."""
    desk = Desk(SCENARIO, seed)
    desk.become_ready()
    tape = Tape(desk)
    desk.run_until(until_ns)
    return tape.before(until_ns)


def _naive(seed: int, folder: Path) -> Audit:
    """All of it at any price, at once: what is displayed is swept until nothing is left to sell."""
    desk = Desk(SCENARIO, seed, overrides=NAIVE_OVERRIDES)
    desk.scenario.expect = Expectations(dark_total=0, dark_before_lit=False)
    desk.become_ready()
    cl_ord_id = desk.submit(strategy=NAIVE, ord_type="market", price=None)
    desk.trade(cl_ord_id)
    return audit(desk, cl_ord_id, folder)


def _market_unmoved(with_us: list[Sight], without: list[Sight]) -> Check:
    """Hidden orders leave no trace in what anybody can see."""
    pairs = zip(with_us, without, strict=False)
    same = sum(one == other for one, other in pairs)
    looks = max(len(with_us), len(without))
    return Check("NBBO and books as without us, dark", f"{looks:,}", f"{same:,}", same == looks)


def _naive_costs_more(ours: Report, naive: Report) -> Check:
    cost, other = own_cost_micros(ours), own_cost_micros(naive)
    return Check("the naive arm costs more", f"> {usd(cost)}", usd(other), other > cost)


def usd(micros: int) -> str:
    """Whole dollars and cents for people."""
    return f"{micros / 1_000_000:,.2f} USD"


def failed(checks: Iterable[Check]) -> list[Check]:
    """Those that do not hold."""
    return [check for check in checks if not check.good]
