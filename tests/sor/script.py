"""A router under a script: facts in with a clock, outputs collected, decisions applied like the
engine does. Every fact is kept, so that any script can be folded again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import (
    Alarm,
    AskChild,
    AskVenue,
    CancelChild,
    Output,
    Report,
    SendChild,
)
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import (
    RiskSettings,
    RouterSettings,
    SecuritySettings,
    StrategySettings,
    VenueSettings,
)
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    OrdType,
    Side,
    TimeInForce,
    VenueKind,
)

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_700_000_000 * SECOND
UNIT = 1_000_000
CENT = 10_000
T = TypeVar("T")


def px(text: str) -> int:
    return round(float(text) * UNIT)


def lit(name: str = "ecn", **changes: Any) -> VenueSettings:
    venue = VenueSettings(name, VenueKind.ECN, "XECN", 3_000, -2_000, 1_000, 150_000, 0.95)
    return replace(venue, **changes)


def dark(name: str = "dark-a", **changes: Any) -> VenueSettings:
    venue = VenueSettings(name, VenueKind.DARK, "DRKA", 1_500, 1_500, 1_500, 550_000, 0.5)
    return replace(venue, **changes)


def settings(
    *venues: VenueSettings,
    strategy: StrategySettings | None = None,
    risk: RiskSettings | None = None,
    **changes: Any,
) -> RouterSettings:
    strategy = strategy or StrategySettings("balanced")
    made = RouterSettings(
        {venue.name: venue for venue in venues},
        {strategy.name: strategy},
        {
            "ACME": SecuritySettings("ACME", "XLIT", previous_close_micros=50 * UNIT),
            "NOREF": SecuritySettings("NOREF", "XLIT"),
        },
        strategy.name,
        risk=risk or RiskSettings(),
    )
    return replace(made, **changes)


class Script:
    """One router, one clock. Each step applies a fact and then everything that is decided."""

    def __init__(self, router_settings: RouterSettings, open_venues: bool = True) -> None:
        self.settings = router_settings
        self.router = Router(router_settings)
        self.now = START
        self.facts: list[ev.Fact] = []
        self.out: list[Output] = []
        self.decisions: list[de.Decision] = []
        self.exec_number = 0
        self.apply(ev.IdsReserved(self.now, 1_000_000))
        if open_venues:
            for name in router_settings.venues:
                self.step(ev.VenueOpened(self.now, name, 1))

    # --- driving ---------------------------------------------------------------------------

    def apply(self, fact: ev.Fact) -> list[Output]:
        self.facts.append(fact)
        outputs = self.router.handle(fact)
        self.out += outputs
        return outputs

    def decide(self) -> list[de.Decision]:
        """One turn's decisions, applied."""
        decisions = self.router.decide(self.now)
        for decision in decisions:
            self.apply(decision)
        self.decisions += decisions
        return decisions

    def settle(self) -> None:
        """Turns until nothing is due now."""
        for _ in range(100):
            self.decide()
            deadline = self.router.next_deadline()
            if deadline is None or deadline > self.now:
                return
        raise AssertionError("the router never comes to rest")

    def step(self, fact: ev.Fact) -> list[Output]:
        """A fact and what follows from it; the outputs of this step alone."""
        before = len(self.out)
        self.apply(fact)
        self.settle()
        return self.out[before:]

    def wait(self, ns: int) -> list[Output]:
        """Time passes, each deadline on its way is kept."""
        before, end = len(self.out), self.now + ns
        for _ in range(10_000):
            deadline = self.router.next_deadline()
            if deadline is None or deadline > end:
                self.now = end
                self.settle()
                return self.out[before:]
            self.now = max(self.now, deadline)
            self.settle()
        raise AssertionError("too many deadlines")

    # --- quotes ----------------------------------------------------------------------------

    def quote(
        self,
        venue: str,
        bids: list[tuple[str, int]],
        asks: list[tuple[str, int]],
        symbol: str = "ACME",
    ) -> list[Output]:
        before = len(self.out)
        self.router.market.update(
            venue,
            symbol,
            [(px(price), quantity) for price, quantity in bids],
            [(px(price), quantity) for price, quantity in asks],
            self.now,
        )
        self.router.quoted(symbol)
        self.settle()
        return self.out[before:]

    # --- clients ---------------------------------------------------------------------------

    def submit(self, cl_ord_id: str = "A1", quantity: int = 1_000, **changes: Any) -> str:
        """A new order, a buy limit at 50.10 unless changed; its ParentID."""
        parent_id = self.router.next_parent_id()
        fact = ev.ParentSubmitted(
            self.now,
            parent_id,
            "EMS",
            cl_ord_id,
            "ACME",
            Side.BUY,
            quantity,
            OrdType.LIMIT,
            px("50.10"),
            TimeInForce.DAY,
            "",
        )
        self.step(replace(fact, **changes))
        return parent_id

    def cancel(self, cl_ord_id: str = "A2", orig: str = "A1") -> list[Output]:
        return self.step(ev.CancelRequested(self.now, "EMS", cl_ord_id, orig))

    def replace(
        self, cl_ord_id: str = "A2", orig: str = "A1", quantity: int = 1_000, limit: str = "50.10"
    ) -> list[Output]:
        fact = ev.ReplaceRequested(
            self.now, "EMS", cl_ord_id, orig, quantity, OrdType.LIMIT, px(limit)
        )
        return self.step(fact)

    # --- venues ----------------------------------------------------------------------------

    def accept(self, child_id: str) -> list[Output]:
        child = self.router.state.children[child_id]
        return self.step(ev.ChildAccepted(self.now, child.venue, child_id, f"V{child_id}"))

    def fill_fact(
        self, child_id: str, quantity: int, price: str = "", **changes: Any
    ) -> ev.ChildFilled:
        """`price` is 50.05 by default, or the child's limit where that is worse for it."""
        child = self.router.state.children[child_id]
        if child.limit_micros is not None and not price:
            is_buy = self.router.state.parents[child.parent_id].side.is_buy
            bound = min if is_buy else max
            price = str(bound(px("50.05"), child.limit_micros) / UNIT)
        self.exec_number += 1
        cum = child.cum_quantity + quantity
        fact = ev.ChildFilled(
            self.now,
            child.venue,
            child_id,
            f"T{self.exec_number}",
            quantity,
            px(price or "50.05"),
            cum,
            max(0, child.quantity - cum),
            Liquidity.REMOVED,
            30,
            "XECN",
        )
        return replace(fact, **changes)

    def fill(self, child_id: str, quantity: int, price: str = "", **changes: Any) -> list[Output]:
        return self.step(self.fill_fact(child_id, quantity, price, **changes))

    def end(
        self, child_id: str, how: ChildState = ChildState.CANCELED, cum: int | None = None
    ) -> list[Output]:
        child = self.router.state.children[child_id]
        booked = child.cum_quantity if cum is None else cum
        return self.step(ev.ChildEnded(self.now, child.venue, child_id, how, booked))

    def answer(
        self,
        child_id: str,
        *,
        known: bool = True,
        live: bool = True,
        cum: int | None = None,
        how: ChildState = ChildState.LIVE,
        request_id: str | None = None,
    ) -> list[Output]:
        """The venue answers the last status request for a child."""
        child = self.router.state.children[child_id]
        asked = [ask for ask in self.asks() if ask.child_id == child_id][-1]
        booked = child.cum_quantity if cum is None else cum
        fact = ev.ChildStatusReported(
            self.now,
            child.venue,
            child_id,
            asked.request_id if request_id is None else request_id,
            known,
            live,
            booked if known else 0,
            how=how,
        )
        return self.step(fact)

    # --- looking ---------------------------------------------------------------------------

    def of(self, kind: type[T], outputs: list[Output] | None = None) -> list[T]:
        return [
            item for item in (self.out if outputs is None else outputs) if isinstance(item, kind)
        ]

    def sends(self, outputs: list[Output] | None = None) -> list[SendChild]:
        return self.of(SendChild, outputs)

    def cancels(self, outputs: list[Output] | None = None) -> list[CancelChild]:
        return self.of(CancelChild, outputs)

    def asks(self, outputs: list[Output] | None = None) -> list[AskChild]:
        return self.of(AskChild, outputs)

    def asks_all(self, outputs: list[Output] | None = None) -> list[AskVenue]:
        return self.of(AskVenue, outputs)

    def reports(self, outputs: list[Output] | None = None) -> list[Report]:
        return self.of(Report, outputs)

    def kinds(self, outputs: list[Output] | None = None) -> list[str]:
        return [report.kind.value for report in self.reports(outputs)]

    def alarms(self, outputs: list[Output] | None = None) -> list[str]:
        return [alarm.code for alarm in self.of(Alarm, outputs)]

    def fold(self) -> Router:
        """All facts again, on a fresh router; its reports must be ours."""
        fresh = Router(self.settings)
        out: list[Output] = []
        for fact in self.facts:
            out += fresh.handle(fact)
        assert fresh.state == self.router.state
        assert [item for item in out if isinstance(item, Report)] == self.reports()
        return fresh
