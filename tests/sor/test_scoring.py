"""Expected net cost per share, and the published example (brief.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor.estimators import fills
from sor_gateway.sor.scoring import Score, score
from sor_gateway.sor.settings import StrategySettings, VenueSettings
from sor_gateway.sor.types import VenueKind
from sor_gateway.sor.venues import VenueState

from .script import UNIT, lit

MID = 50 * UNIT
BALANCED = StrategySettings("balanced")
URGENT = StrategySettings("urgent", weight_fill=5.0, weight_latency=5.0)


def row(
    strategy: StrategySettings, latency_us: int, fill: float, fee_cents: float, impact: int
) -> Score:
    """A row of the table in brief.md, as a score: 10,000 shares, an impact point taken as 0.01 bps
    for one round lot."""
    venue = VenueSettings(
        "x", VenueKind.ECN, "X", 0, 0, 0, latency_us * 1_000, fill, impact_bps=impact * 0.01
    )
    fee_micros = round(fee_cents * 10_000)
    return score(venue, VenueState(), strategy, 10_000, 100, fee_micros, MID, 0, 0)


def ranking(strategy: StrategySettings) -> list[str]:
    rows = {
        "Dark A": row(strategy, 550, 0.65, 0.15, 2),
        "Dark B": row(strategy, 700, 0.40, 0.10, 1),
        "ECN X": row(strategy, 150, 0.98, 0.30, 8),
        "Exchange Y": row(strategy, 250, 0.95, 0.28, 7),
    }
    return sorted(rows, key=lambda name: -rows[name].display)


def ecn_score(**changes: Any) -> Score:
    return score(lit(**changes), VenueState(), BALANCED, 100, 100, 3_000, MID, 5_000, 5_000)


class TestPublishedExample:
    """The balanced preset ranks A > B > X > Y, urgency puts X first (brief.md)."""

    def test_balanced(self) -> None:
        assert ranking(BALANCED) == ["Dark A", "Dark B", "ECN X", "Exchange Y"]

    def test_urgent(self) -> None:
        assert ranking(URGENT)[0] == "ECN X"


class TestCost:
    """One currency: each input moves the cost the right way."""

    def test_the_parts_add_up(self) -> None:
        made = ecn_score(impact_bps=1.0)
        parts = made.price + made.fee + made.impact + made.opportunity + made.latency
        assert made.cost == pytest.approx(parts)
        assert made.cost_micros == round(made.cost)

    def test_by_hand(self) -> None:
        """p .95: .95 x (5,000 + 3,000) + .05 x (0.4 bps of 50 = 2,000, + 5,000) + 150 us x .1."""
        assert ecn_score().cost == pytest.approx(0.95 * 8_000 + 0.05 * 7_000 + 15)

    def test_a_slower_venue_costs_more(self) -> None:
        assert ecn_score(latency_prior_ns=900_000).cost > ecn_score().cost

    def test_impact_costs_more_for_more_shares(self) -> None:
        venue = lit(impact_bps=1.0)
        small = score(venue, VenueState(), BALANCED, 100, 100, 0, MID, 0, 0)
        large = score(venue, VenueState(), BALANCED, 400, 100, 0, MID, 0, 0)
        assert large.impact == pytest.approx(2 * small.impact)

    def test_a_rebate_is_a_gain_and_no_pole(self) -> None:
        free = score(lit(), VenueState(), BALANCED, 100, 100, 0, MID, 0, 0)
        rebate = score(lit(), VenueState(), BALANCED, 100, 100, -2_000, MID, 0, 0)
        assert rebate.cost < free.cost
        assert rebate.display > free.display

    @pytest.mark.parametrize("part", ["fee", "impact", "latency", "fill"])
    def test_each_weight_multiplies_its_part(self, part: str) -> None:
        heavy: dict[str, Any] = {f"weight_{part}": 2.0}
        heavier = replace(BALANCED, **heavy)
        venue = lit(impact_bps=1.0)
        field = "opportunity" if part == "fill" else part
        once = score(venue, VenueState(), BALANCED, 100, 100, 3_000, MID, 0, 10)
        twice = score(venue, VenueState(), heavier, 100, 100, 3_000, MID, 0, 10)
        assert getattr(twice, field) == pytest.approx(2 * getattr(once, field))

    def test_what_was_learnt_counts(self) -> None:
        state = VenueState()
        for _ in range(50):
            fills.observe(state.fills, 0, 100)
        made = score(lit(), state, BALANCED, 100, 100, 3_000, MID, 0, 0)
        assert made.fill_rate < 0.3
        assert made.opportunity > ecn_score().opportunity

    def test_the_display_score_stays_between_0_and_10(self) -> None:
        awful = score(
            lit(latency_prior_ns=10**12), VenueState(), URGENT, 10**6, 100, 10**9, MID, 0, 0
        )
        lovely = score(lit(), VenueState(), BALANCED, 100, 100, -(10**9), MID, 0, 0)
        assert 0.0 <= awful.display < 0.01
        assert lovely.display == 10.0
