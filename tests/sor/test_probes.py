"""Somebody asks again and again whether anybody is there: small fills in a row in the dark."""

from __future__ import annotations

from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor.dark_venue import PROBE_MAX, PROBES_MAX, DarkVenue
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import OrdType

from .script import SECOND, Script, dark, lit, settings

MARKET: dict[str, Any] = {"ord_type": OrdType.MARKET, "limit_micros": None}


def pools(**changes: Any) -> tuple[Script, dict[str, str]]:
    """An order that rests in two pools; its children by venue."""
    strategy = StrategySettings("balanced", **changes)
    made = Script(settings(dark("a"), dark("b"), lit("ecn"), strategy=strategy))
    made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
    made.submit(quantity=20_000, **MARKET)
    for send in made.sends():
        made.accept(send.child_id)
    return made, {send.venue: send.child_id for send in made.sends()}


class TestTheRow:
    """What counts as probing."""

    def test_a_row_of_small_fills_is_and_stays_one(self) -> None:
        venue = DarkVenue()
        for _ in range(PROBES_MAX):
            assert not venue.is_probed
            venue.count_fill(PROBE_MAX)
        assert venue.is_probed
        venue.count_fill(10 * PROBE_MAX)
        assert venue.is_probed

    def test_a_real_counterpart_ends_it(self) -> None:
        venue = DarkVenue()
        for quantity in (PROBE_MAX, PROBE_MAX, PROBE_MAX + 1, PROBE_MAX, PROBE_MAX):
            venue.count_fill(quantity)
        assert not venue.is_probed


class TestTheAnswer:
    """What was found out is pulled, and comes again where small fills do not reach it."""

    def probe(self, made: Script, child_id: str) -> None:
        for _ in range(PROBES_MAX):
            made.fill(child_id, PROBE_MAX)

    def test_it_is_pulled_at_once_and_the_other_pool_is_left_alone(self) -> None:
        made, children = pools()
        self.probe(made, children["a"])
        assert [cancel.child_id for cancel in made.cancels()] == [children["a"]]
        (planned,) = [d for d in made.decisions if isinstance(d, de.ChildCancelPlanned)]
        assert "probes" in planned.why

    def test_the_next_order_there_takes_no_small_fills(self) -> None:
        made, children = pools(dark_dry_share=0.0)
        self.probe(made, children["a"])
        made.end(children["a"])
        made.fill(children["b"], 5_000)
        made.wait(SECOND)
        later = {send.venue: send for send in made.sends()[2:]}
        assert later["a"].min_quantity == 300
        assert later["b"].min_quantity == 0
        made.accept(later["a"].child_id)
        before = len(made.cancels())
        made.fill(later["a"].child_id, PROBE_MAX)
        assert len(made.cancels()) == before, "what is guarded is not pulled again"
        made.fold()

    def test_not_where_the_preset_lets_them(self) -> None:
        made, children = pools(dark_guard_quantity=0)
        self.probe(made, children["a"])
        assert not made.cancels()

    @pytest.mark.parametrize(("least", "expected"), [(0, 0), (200, 200), (9_000, 5_000)])
    def test_a_preset_may_ask_for_large_fills_from_the_start(
        self, least: int, expected: int
    ) -> None:
        made, _ = pools(dark_min_quantity=least)
        assert {send.min_quantity for send in made.sends()} == {expected}
