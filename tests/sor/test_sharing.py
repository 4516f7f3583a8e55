"""Several parents, clients and symbols at once: one set of venues, throttles and lessons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor.orders import Parent
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.planner import Planner
from sor_gateway.sor.settings import (
    LitTactic,
    RouterSettings,
    SecuritySettings,
    StrategySettings,
)
from sor_gateway.sor.types import ChildState, Side

from .script import MS, SECOND, UNIT, Script, dark, lit, px, settings

SWEEP = StrategySettings("sweep", use_dark=False, lit_wave_ns=50 * MS)
SELL: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.00")}


def sent_for(made: Script, parent_id: str) -> int:
    children = made.router.state.children
    return sum(children[send.child_id].parent_id == parent_id for send in made.sends())


class TestThrottle:
    """Tokens are shared; nobody takes another's turn."""

    def throttled(self, *strategies: StrategySettings) -> Script:
        """One venue that lets ten orders a second out and shows more than anybody wants."""
        venue = lit("x", orders_per_second=20, cancel_reserve=10)
        cfg: RouterSettings = settings(venue, strategy=strategies[0])
        made = Script(replace(cfg, strategies={each.name: each for each in strategies}))
        self.refresh(made)
        return made

    def refresh(self, made: Script) -> None:
        made.quote("x", [(f"50.{tick:02d}", 100) for tick in range(16)], [("50.20", 100)])

    def run(self, made: Script, seconds: int, step_ms: int = 10) -> None:
        for _ in range(seconds * 1_000 // step_ms):
            made.wait(step_ms * MS)
            for send in made.sends()[-40:]:
                if made.router.state.children[send.child_id].flight is not None:
                    made.fill(send.child_id, send.quantity)
            self.refresh(made)

    def test_a_huge_order_does_not_starve_a_small_one(self) -> None:
        """The huge one looks five times as often: alone it would take every token there is."""
        slow = replace(SWEEP, name="slow", lit_wave_ns=251 * MS)
        made = self.throttled(SWEEP, slow)
        huge = made.submit("A1", quantity=900_000, **SELL)
        self.run(made, 2)
        small = made.submit("B1", quantity=1_000, strategy="slow", **SELL)
        self.run(made, 3)
        assert sent_for(made, small) >= 5
        assert sent_for(made, huge) >= 5

    def test_many_alike_are_served_alike(self) -> None:
        made = self.throttled(SWEEP)
        parents = [made.submit(f"A{number}", quantity=90_000, **SELL) for number in range(5)]
        self.run(made, 10)
        counts = [sent_for(made, parent_id) for parent_id in parents]
        assert sum(counts) >= 90, "ten a second for ten seconds, nearly all used"
        assert min(counts) >= 0.5 * max(counts), counts

    def test_a_claim_dies_with_its_order(self) -> None:
        made = self.throttled(SWEEP)
        for number in range(15):
            made.submit(f"A{number}", quantity=90_000, **SELL)
        for number in range(14):
            made.cancel(f"X{number}", f"A{number}")
            for send in made.sends():
                if made.router.state.children[send.child_id].flight is not None:
                    made.end(send.child_id)
        before = len(made.sends())
        self.run(made, 2)
        assert len(made.sends()) - before >= 15

    def test_passive_orders_and_hidden_ones_take_turns_too(self) -> None:
        spray = StrategySettings("spray", lit_tactic=LitTactic.SPRAY, dark_box_ns=100 * MS)
        venues = [
            lit("x", orders_per_second=20, cancel_reserve=15),
            dark("a", orders_per_second=20, cancel_reserve=15),
        ]
        made = Script(settings(*venues, strategy=spray))
        self.refresh(made)
        parents = [made.submit(f"A{number}", quantity=50_000, **SELL) for number in range(12)]
        self.run(made, 6, step_ms=50)
        assert min(sent_for(made, parent_id) for parent_id in parents) >= 2

    def test_many_that_wait_are_not_looked_at_for_each_message_that_leaves(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A client with many orders at a slow venue must not cost the others their time."""
        visits: list[str] = []
        visit = Planner.visit

        def count(planner: Planner, plan: Plan, parent: Parent) -> None:
            visits.append(parent.parent_id)
            visit(planner, plan, parent)

        waiting = StrategySettings("dark", use_lit=False, dark_box_ns=600 * SECOND)
        made = Script(settings(dark("a", orders_per_second=100), strategy=waiting))
        for number in range(400):
            made.submit(f"A{number}", quantity=100)
        monkeypatch.setattr(Planner, "visit", count)
        sent, end = len(made.sends()), made.now + SECOND
        while (deadline := made.router.next_deadline()) is not None and deadline <= end:
            made.now = max(made.now, deadline)
            made.decide()
        assert len(made.sends()) - sent >= 95, "a hundred a second"
        assert len(visits) <= 3 * 400, "each once in about a second, and for its own message"
        in_turn = [made.router.state.children[each.child_id].parent_id for each in made.sends()]
        assert in_turn == sorted(in_turn), "who came first is served first"

    def test_cancels_keep_their_reserve(self) -> None:
        made = self.throttled(SWEEP)
        made.submit("A1", quantity=900_000, **SELL)
        made.cancel("A2", "A1")
        assert len(made.sends()) == len(made.cancels()) == 10


class TestLearning:
    """What one order learns of a venue, the next one knows."""

    def test_a_venue_that_fills_nothing_for_one_client_is_ranked_lower_for_all(self) -> None:
        made = Script(settings(dark("a"), dark("b", mid_fee_micros=1_700)))
        first = made.submit("A0", quantity=100)
        assert made.sends()[-1].venue == "a"
        for number in range(20):
            if made.sends()[-1].venue == "b":
                break
            made.end(made.sends()[-1].child_id)
            made.cancel(f"X{number}", f"A{number}")
            made.submit(f"A{number + 1}", quantity=100)
        assert number > 1
        made.submit("other", quantity=100, client="EMS42")
        assert made.sends()[-1].venue == "b"
        assert made.router.state.parents[first].client == "EMS"

    def test_a_displayed_order_that_was_pulled_lowers_nothing(self) -> None:
        spray = StrategySettings("spray", use_dark=False, lit_tactic=LitTactic.SPRAY)
        made = Script(settings(lit("x"), strategy=spray))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=1_000)
        before = replace(made.router.state.venues["x"].fills)
        made.accept(made.sends()[0].child_id)
        made.wait(SECOND)
        made.quote("x", [("50.01", 300)], [("50.05", 300)])
        assert len(made.cancels()) == 1, "the touch moved"
        made.end(made.sends()[0].child_id, ChildState.CANCELED)
        assert made.router.state.venues["x"].fills == before

    def test_one_that_the_venue_gives_back_unasked_does(self) -> None:
        spray = StrategySettings("spray", use_dark=False, lit_tactic=LitTactic.SPRAY)
        made = Script(settings(lit("x"), strategy=spray))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=1_000)
        made.accept(made.sends()[0].child_id)
        out = made.end(made.sends()[0].child_id, ChildState.CANCELED)
        assert made.alarms(out) == ["cancelled-unasked"]
        assert made.router.state.venues["x"].fills.weight == 1.0


class TestManyAtOnce:
    """Clients, symbols and sides do not get into each other's way."""

    def test_symbols_have_their_own_books_and_share_the_venues(self) -> None:
        cfg = settings(lit("x"), strategy=SWEEP)
        bolt = SecuritySettings("BOLT", "XLIT", previous_close_micros=120 * UNIT)
        made = Script(replace(cfg, securities={**cfg.securities, "BOLT": bolt}))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.quote("x", [("119.90", 200)], [("120.00", 200)], "BOLT")
        made.submit("A1", quantity=500, client="EMS")
        made.submit("A1", quantity=500, client="EMS42", symbol="BOLT", limit_micros=px("121.00"))
        assert [(send.symbol, send.limit_micros, send.quantity) for send in made.sends()] == [
            ("ACME", px("50.05"), 300),
            ("BOLT", px("120.00"), 200),
        ]

    def test_both_sides_of_one_symbol(self) -> None:
        made = Script(settings(lit("x"), strategy=SWEEP))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit("A1", quantity=200)
        made.submit("B1", quantity=200, **SELL)
        assert [(send.side.is_buy, send.limit_micros) for send in made.sends()] == [
            (True, px("50.05")),
            (False, px("50.00")),
        ]

    def test_only_the_quoted_symbols_parents_are_looked_at(self) -> None:
        cfg = settings(lit("x"), strategy=SWEEP)
        bolt = SecuritySettings("BOLT", "XLIT", previous_close_micros=120 * UNIT)
        made = Script(replace(cfg, securities={**cfg.securities, "BOLT": bolt}))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit("A1", quantity=500, limit_micros=px("50.00"))
        made.wait(SECOND)
        made.quote("x", [("119.90", 200)], [("120.00", 200)], "BOLT")
        assert made.router.next_deadline() is None
