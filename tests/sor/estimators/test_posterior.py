from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sor_gateway.sor.estimators.posterior import (
    STRENGTHS,
    Belief,
    Columns,
    Seen,
    believe,
    corrected,
)
from sor_gateway.sor.estimators.tails import Floats, grid_of, shapes_of

LARGEST = 12  # each size has a cell of its own: counts are exact
Round = tuple[int, int]


def counts_of(largest: int, rounds: list[Round]) -> Floats:
    grid = grid_of(largest)
    columns = Columns(grid.cells)
    counts = np.zeros((1, columns.width))
    for sent, filled in rounds:
        Seen.of(grid, np.array([sent]), np.array([filled])).add_to(counts, columns)
    return counts


def belief_of(largest: int, rounds: list[Round]) -> Belief:
    shapes = shapes_of(largest)
    counts = counts_of(largest, rounds)
    leaning = np.zeros((1, shapes.families))
    return believe(counts[None], counts, leaning, shapes, Columns(grid_of(largest).cells))


def kaplan_meier(rounds: list[Round], largest: int) -> list[float]:
    """P(size >= s) for s = 1, 2, ... by the product-limit formula, of rounds that filled."""
    tail = [1.0]
    for size in range(1, largest):
        seen = sum(1 for sent, filled in rounds if filled == size < sent)
        at_risk = sum(1 for sent, filled in rounds if filled > size or filled == size < sent)
        tail.append(tail[-1] * (1 - (seen / at_risk if at_risk else 0.0)))
    return tail


rounds_of_fills = st.lists(
    st.tuples(st.integers(1, LARGEST), st.integers(1, LARGEST)).map(lambda x: (max(x), min(x))),
    min_size=1,
    max_size=40,
)
any_rounds = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda x: (max(x), min(x))), max_size=30
)


@given(rounds_of_fills)
@settings(max_examples=100, deadline=None)
def test_without_a_prior_the_correction_is_the_product_limit_estimate(rounds: list[Round]) -> None:
    columns = Columns(grid_of(LARGEST).cells)
    counts = counts_of(LARGEST, rounds)
    flat = np.linspace(1, 0, columns.cells + 1)[None, None]
    tails = corrected(flat, counts[None], columns, (1e-9,))
    expected = kaplan_meier(rounds, LARGEST)
    for size in range(1, LARGEST):
        at_risk = sum(
            1 for sent, filled in rounds if filled >= size and (sent, filled) != (size, size)
        )
        if not at_risk:
            break  # nothing is known beyond
        assert tails[0, 0, 0, size] == pytest.approx(expected[size], abs=1e-6)


@given(any_rounds)
@settings(max_examples=60, deadline=None)
def test_tails_start_at_one_never_rise_and_are_never_negative(rounds: list[Round]) -> None:
    belief = belief_of(500, rounds)
    assert belief.tails[..., 0] == pytest.approx(1)
    assert (np.diff(belief.tails, axis=-1) <= 1e-12).all()
    assert belief.tails.min() >= 0
    assert 0 < float(belief.fill[0, 0]) < 1
    assert belief.families.sum(axis=-1) == pytest.approx(1)


@given(any_rounds)
@settings(max_examples=60, deadline=None)
def test_counts_hold_each_contact_once(rounds: list[Round]) -> None:
    columns = Columns(grid_of(500).cells)
    counts = counts_of(500, rounds)
    contacts = [(sent, filled) for sent, filled in rounds if sent]
    assert counts[0, 0] == len(contacts)
    assert counts[0, 1] == sum(1 for _, filled in contacts if filled)
    assert columns.exact(counts).sum() == sum(1 for s, f in contacts if 0 < f < s)
    assert columns.censored(counts).sum() == pytest.approx(sum(1 for s, f in contacts if f == s))


def test_a_venue_to_which_nothing_was_sent_teaches_nothing() -> None:
    assert not counts_of(500, [(0, 0)] * 5).any()


@pytest.mark.parametrize("largest", [12, 1000])
def test_the_chances_of_all_outcomes_of_a_round_sum_to_one(largest: int) -> None:
    belief = belief_of(largest, [(largest, largest // 3), (largest, 0), (2, 2)])
    grid = grid_of(largest)
    sent = largest - 1
    firsts = [int(edge) for edge in grid.edges if edge < sent]
    total = np.zeros(len(STRENGTHS))
    for filled in [0, *firsts, sent]:
        seen = Seen.of(grid, np.array([sent]), np.array([filled]))
        hit, size = belief.likelihoods(seen)
        cell = int(seen.cells[0])
        # an exact size stands for its cell; of the cell of the largest one only a part lies below
        part = 1.0
        if 0 < filled < sent and grid.edges[cell + 1] > sent:
            part = (sent - int(grid.edges[cell])) / int(grid.widths[cell])
        total += part * hit[0, 0] * size[0, 0]
    assert total == pytest.approx(np.ones(len(STRENGTHS)), abs=1e-9)


@pytest.mark.parametrize("exponent", [0.3, 0.8, 1.3])
def test_finds_a_power_law_behind_censored_fills(exponent: float) -> None:
    random = np.random.default_rng(int(exponent * 10))
    sizes = np.arange(1, 501, dtype=np.float64)
    masses = sizes**-exponent / (sizes**-exponent).sum()
    there = random.choice(500, size=600, p=masses) + 1
    sent = random.integers(1, 501, 600)
    rounds = [(int(v), int(min(v, s))) for v, s in zip(sent, there, strict=True)]
    grid = grid_of(500)
    believed = belief_of(500, rounds).tails[0, 0, -1, :-1]
    exact = 1 - np.concatenate([[0], masses.cumsum()])[grid.edges[:-1] - 1]
    assert np.abs(believed - exact).max() < 0.08
