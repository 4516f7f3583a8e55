from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sor_gateway.sor.estimators.greedy import split_by_tails
from sor_gateway.sor.estimators.tails import Floats, Grid, grid_of


def every_share(tails: Floats, grid: Grid) -> Floats:
    """The worth of each single share, [venue, size - 1]."""
    cells, fractions = grid.locate(np.arange(1, grid.largest + 1))
    return np.asarray(tails[:, cells] * (1 - fractions) + tails[:, cells + 1] * fractions)


def greedy(worth: Floats, quantity: int) -> list[int]:
    """One share at a time to where it is worth most: the definition."""
    sizes = [0] * len(worth)
    for _ in range(quantity):
        open_venues = [k for k, size in enumerate(sizes) if size < worth.shape[1]]
        best = max(open_venues, key=lambda k: float(worth[k, sizes[k]]), default=None)
        if best is None:
            break
        sizes[best] += 1
    return sizes


def value(worth: Floats, sizes: list[int]) -> float:
    return float(sum(worth[k, :size].sum() for k, size in enumerate(sizes)))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Floats, Grid, int]:
    grid = grid_of(draw(st.sampled_from([1, 2, 5, 20, 60, 130])))
    venues = draw(st.integers(1, 4))
    falls = st.lists(
        st.sampled_from([0.0, 0.0, 0.1, 0.5, 3.0]) | st.floats(0, 1),
        min_size=grid.cells,
        max_size=grid.cells,
    )
    drops = np.array([draw(falls) for _ in range(venues)])
    tops = drops.sum(axis=1) + np.array([draw(st.floats(0, 1)) for _ in range(venues)])
    tails = tops[:, None] - np.concatenate([np.zeros((venues, 1)), drops.cumsum(axis=1)], axis=1)
    return np.maximum(tails, 0), grid, draw(st.integers(0, 2 * grid.largest))


@given(problems())
@settings(max_examples=150, deadline=None)
def test_is_worth_what_share_by_share_is_worth(problem: tuple[Floats, Grid, int]) -> None:
    tails, grid, quantity = problem
    sizes = [int(x) for x in split_by_tails(tails, grid, quantity, np.arange(len(tails)))]
    worth = every_share(tails, grid)
    expected = greedy(worth, quantity)
    assert sum(sizes) == min(quantity, len(tails) * grid.largest) == sum(expected)
    assert all(0 <= size <= grid.largest for size in sizes)
    best = value(worth, expected)
    assert abs(value(worth, sizes) - best) <= 1e-9 * max(1.0, best)


def test_of_equal_venues_the_first_in_order_comes_first() -> None:
    grid = grid_of(10)
    tails = np.ones((3, grid.cells + 1))
    assert split_by_tails(tails, grid, 12, np.array([2, 0, 1])).tolist() == [2, 0, 10]
