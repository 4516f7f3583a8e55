"""What a child is expected to cost at a venue: the one currency in which venues are compared.

Owns: expected net cost per share in micros, its decomposition, the 0-10 display score.
May not know: parents, sessions, which venue is chosen.

For a child of quantity q, with p the expected share of it that fills (routing.md 1.7):

    cost = p (price + w_fee fee + w_impact (impact + toxicity)) + (1 - p) w_fill opportunity
           + w_latency latency

price        what is paid against the midpoint: half the spread for taking, 0 at the midpoint
fee          of the tactic at this venue; a rebate is negative
impact       impact_bps of the midpoint, growing with the square root of q in round lots
toxicity     by how much fills there turn out worse than fills elsewhere (estimators/learnt.py)
opportunity  what a share that does not fill costs: the drift while waiting, then half the spread
latency      a small price for each microsecond until the venue answers

For an order that joins a queue, p comes from that and not from the venue's fills (outflows.py).
The strategy's weights are the multipliers. The display score is for people: it compares venues, not
prices, so it leaves price and spread out, and speed counts in it as the trader's preference
(decisions.md, "Routing choices"); the cost is not bent to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

from sor_gateway.sor.estimators.fills import fill_rate
from sor_gateway.sor.estimators.latency import latency_ns
from sor_gateway.sor.settings import StrategySettings, VenueSettings
from sor_gateway.sor.types import Micros, Shares
from sor_gateway.sor.venues import VenueState

DRIFT_BPS: Final = 0.4
"""How far the price runs away, on average, from shares that did not fill."""
LATENCY_MICROS_PER_US: Final = 0.1
"""Cost per share of one microsecond."""
DISPLAY_LATENCY_MICROS_PER_US: Final = 8.7
"""The same in the display score: a preference, chosen so that the balanced and urgent presets rank
the venues of brief.md as published."""
DISPLAY_SCALE_MICROS: Final = 50_000.0
"""An expected cost of this much halves the display score."""
BPS: Final = 10_000.0
WORDS: Final = (
    "p {:.2f}, price {:.0f}, fee {:.0f}, impact {:.0f}, toxic {:.0f}, missed {:.0f}, latency {:.0f}"
)
"""Filled in at one go: compiled, each number of an f-string is a call of its own."""


@dataclass(slots=True)
class Score:
    """Expected cost per share and what it is made of, in micros, weights included."""

    cost: float
    fill_rate: float
    price: float
    fee: float
    impact: float
    opportunity: float
    latency: float
    display: float
    toxicity: float = 0.0
    if_missed: float = 0.0
    """What a share costs that does not fill."""

    @property
    def cost_micros(self) -> Micros:
        """The cost, as it is recorded."""
        return round(self.cost)

    def words(self) -> str:
        """The decomposition, for the record of the decision."""
        return WORDS.format(
            self.fill_rate,
            self.price,
            self.fee,
            self.impact,
            self.toxicity,
            self.opportunity,
            self.latency,
        )


def score(
    venue: VenueSettings,
    state: VenueState,
    strategy: StrategySettings,
    quantity: Shares,
    round_lot: Shares,
    fee_micros: Micros,
    mid_micros: Micros,
    price_micros: Micros,
    half_spread_micros: Micros,
    adverse_micros: float = 0.0,
    rate: float | None = None,
) -> Score:
    """Score a child of `quantity` whose fills cost `price_micros` a share against the midpoint."""
    if rate is None:
        rate = fill_rate(state.fills, venue.fill_rate_prior)
    missed = 1.0 - rate
    impact_bps = venue.impact_bps * sqrt(quantity / round_lot)
    latency_us = latency_ns(state.latency, venue.latency_prior_ns) / 1_000.0
    price = rate * price_micros
    fee = rate * strategy.weight_fee * fee_micros
    impact = rate * strategy.weight_impact * impact_bps * mid_micros / BPS
    toxicity = rate * strategy.weight_impact * adverse_micros
    drift = missed * strategy.weight_fill * DRIFT_BPS * mid_micros / BPS
    opportunity = drift + missed * strategy.weight_fill * half_spread_micros
    latency = strategy.weight_latency * latency_us * LATENCY_MICROS_PER_US
    preference = fee + impact + drift
    preference += strategy.weight_latency * latency_us * DISPLAY_LATENCY_MICROS_PER_US
    display = 10.0 / (1.0 + max(0.0, preference) / DISPLAY_SCALE_MICROS)
    cost = price + fee + impact + toxicity + opportunity + latency
    if_missed = strategy.weight_fill * (DRIFT_BPS * mid_micros / BPS + half_spread_micros)
    return Score(cost, rate, price, fee, impact, opportunity, latency, display, toxicity, if_missed)
