from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.routing_lit import PUBLISHED, Cell, cost_cents, outflows, placed
from sor_gateway.sor.tactics.placement import Floats, place, project


@dataclass(slots=True)
class Case:
    """Any terms, and samples."""

    quantity: float
    half_spread: float
    take_fee: float
    rebates: list[float]
    queues: list[float]
    flows: Floats
    theta: float
    under: float
    over: float

    def place(self, *, capped: bool) -> tuple[float, list[float]]:
        return place(
            self.quantity,
            self.half_spread,
            self.take_fee,
            self.rebates,
            self.queues,
            self.flows,
            self.theta,
            self.under,
            self.over,
            capped=capped,
        )

    def cost(self, market: float, limits: list[float]) -> float:
        """The definition, sample by sample, in money a share."""
        total = 0.0
        for flow in self.flows:
            fills = [
                max(x - q, 0) - max(x - q - limit, 0)
                for x, q, limit in zip(flow, self.queues, limits, strict=True)
            ]
            achieved = market + sum(fills)
            under, over = max(self.quantity - achieved, 0), max(achieved - self.quantity, 0)
            earned = sum(
                (self.half_spread + r) * fill for r, fill in zip(self.rebates, fills, strict=True)
            )
            total += (self.half_spread + self.take_fee) * market - earned
            total += self.theta * (market + sum(limits) + under)
            total += self.under * under + self.over * over
        return total / len(self.flows) / self.quantity


def any_case(seed: int, venues: int, samples: int) -> Case:
    random = np.random.default_rng(seed)
    queues = random.uniform(100, 2000, venues)
    flows = random.gamma(random.uniform(0.5, 4), 1, (samples, venues)) * queues
    return Case(
        float(random.integers(100, 2000)),
        float(random.uniform(0.002, 0.03)),
        float(random.uniform(-0.002, 0.003)),
        random.uniform(-0.003, 0.004, venues).tolist(),
        queues.tolist(),
        flows * random.uniform(0.3, 1.5, venues),
        float(random.uniform(0, 0.002)),
        *(float(x) for x in random.uniform(0.01, 0.08, 2)),
    )


seeds = st.integers(0, 10**6)


@given(seeds, st.integers(1, 5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_order_is_negative_or_larger_than_the_quantity(
    seed: int, venues: int, capped: bool
) -> None:
    case = any_case(seed, venues, 100)
    market, limits = case.place(capped=capped)
    assert len(limits) == venues
    assert min(market, *limits) >= 0
    assert max(market, *limits) <= case.quantity
    if capped:
        assert market + sum(limits) <= case.quantity * (1 + 1e-9)


@given(seeds, st.booleans())
@settings(max_examples=12, deadline=None)
def test_nothing_on_a_grid_is_cheaper(seed: int, capped: bool) -> None:
    """Brute force over two venues and the market order; a tenth of a cent is spared for the few
    cases with valleys apart."""
    case = any_case(seed, 2, 60)
    ours = case.cost(*case.place(capped=capped))
    points = np.linspace(0, case.quantity, 9)
    for market, first, second in itertools.product(points, points, points):
        if capped and market + first + second > case.quantity * (1 + 1e-9):
            continue
        assert ours <= case.cost(market, [first, second]) + 0.001, (seed, market, first, second)


@given(seeds, st.booleans())
@settings(max_examples=20, deadline=None)
def test_venues_in_another_order_cost_the_same(seed: int, capped: bool) -> None:
    """Not the same orders: the bottom of a valley is flat, and sums round by their order."""
    case = any_case(seed, 3, 200)
    market, limits = case.place(capped=capped)
    turned = any_case(seed, 3, 200)
    turned.rebates, turned.queues = case.rebates[::-1], case.queues[::-1]
    turned.flows = case.flows[:, ::-1]
    market_turned, limits_turned = turned.place(capped=capped)
    cost = case.cost(market, limits)
    assert case.cost(market_turned, limits_turned[::-1]) == pytest.approx(cost, abs=0.001)


def test_one_venue_has_a_closed_form() -> None:
    """Proposition 3: L = F^-1((2h + f + r) / (under + h + r + theta)) - Q, M = S - L."""
    flows = outflows(np.random.default_rng(secrets.randbelow(10**6)), 20_000, 1)
    h, f, r, theta, under = 0.02, 0.003, 0.002, 0.0005, 0.05
    exact = float(np.quantile(flows, (2 * h + f + r) / (under + h + r + theta))) - 2000
    market, limits = place(1000, h, f, [r], [2000.0], flows, theta, under, 0.05)
    assert limits[0] == pytest.approx(exact, abs=3)
    assert market == pytest.approx(1000 - exact, abs=3)


def test_without_queues_that_move_all_is_taken() -> None:
    market, limits = place(100, 0.01, 0.003, [0.002], [500.0], np.zeros((50, 1)), 0.001, 0.05, 0.05)
    assert (market, limits) == (100, [0.0])


def test_where_the_penalty_is_less_than_taking_nothing_is_taken() -> None:
    market, _ = place(100, 0.02, 0.003, [0.002], [500.0], np.zeros((50, 1)), 0.0, 0.01, 0.05)
    assert market == 0


def test_no_venue_and_no_quantity() -> None:
    assert place(100, 0.01, 0.003, [], [], np.zeros((5, 0)), 0.0, 0.05, 0.05) == (100, [])
    assert place(0, 0.01, 0.003, [0.1], [1], np.ones((5, 1)), 0.0, 0.05, 0.05) == (0, [0])
    nothing = place(0, 0.01, 0.003, [0.1], [1], np.ones((5, 1)), 0.0, 0.05, 0.05, capped=True)
    assert nothing == (0, [0])


@pytest.mark.parametrize(
    ("quantity", "rebates", "queues", "flows", "text"),
    [
        (-1, [0.0], [1.0], np.zeros((5, 1)), "quantity"),
        (10, [0.0], [1.0], np.zeros((0, 1)), "outflows"),
        (10, [0.0], [1.0], np.zeros(5), "outflows"),
        (10, [0.0, 0.0], [1.0], np.zeros((5, 1)), "2, 1, 1 venues"),
        (10, [0.0], [1.0], np.zeros((5, 2)), "1, 1, 2 venues"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    quantity: float, rebates: list[float], queues: list[float], flows: Floats, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        place(quantity, 0.01, 0.003, rebates, queues, flows, 0.0, 0.05, 0.05)


@pytest.mark.parametrize(("quantity", "venues"), [(500, 2), (500, 5), (1000, 4), (5000, 3)])
def test_published_cells_are_reached(quantity: int, venues: int) -> None:
    """Table 1 of Cont and Kukanov, from 1,000 samples, on 50,000 others."""
    seed = secrets.randbelow(10**6)
    random = np.random.default_rng(seed)
    market, limits = placed(Cell(quantity, venues), outflows(random, 1000, venues))
    cost = cost_cents(market, limits, outflows(random, 50_000, venues), quantity)
    assert cost <= PUBLISHED[quantity, venues] + 0.03, f"seed {seed}: {cost:.3f}"


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=6), st.floats(0, 1000))
@settings(deadline=None)
def test_projection_under_the_cap(values: list[float], quantity: float) -> None:
    point = project(np.array(values), quantity)
    assert point.min() >= 0
    assert point.sum() <= quantity * (1 + 1e-9) + 1e-9
    if sum(values) <= quantity:
        assert point.tolist() == values
