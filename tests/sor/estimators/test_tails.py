from __future__ import annotations

import numpy as np
import pytest

from sor_gateway.sor.estimators.tails import grid_of, power_masses, shapes_of

LARGEST = (1, 2, 3, 7, 12, 13, 99, 100, 101, 1000, 8000, 250_000)


@pytest.mark.parametrize("largest", LARGEST)
def test_grid_covers_each_size_once(largest: int) -> None:
    grid = grid_of(largest)
    assert grid.edges[0] == 1
    assert grid.edges[-1] == largest + 1
    assert (grid.widths >= 1).all()
    assert grid.widths[-1] == 1
    assert grid.cells < 300


@pytest.mark.parametrize("largest", [1, 12, 137, 1000])
def test_each_size_is_located_in_its_cell(largest: int) -> None:
    grid = grid_of(largest)
    sizes = np.arange(1, largest + 1)
    cells, fractions = grid.locate(sizes)
    assert (grid.edges[cells] <= sizes).all()
    assert (sizes < grid.edges[cells + 1]).all()
    assert grid.edges[cells] + fractions * grid.widths[cells] == pytest.approx(sizes)
    assert ((fractions >= 0) & (fractions < 1)).all()


@pytest.mark.parametrize("largest", [1000, 8000])
def test_a_round_lot_has_a_cell_of_its_own(largest: int) -> None:
    grid = grid_of(largest)
    for lot in (100, 300, 900, 1000):
        cell = int(grid.locate(np.array([lot]))[0][0])
        assert grid.edges[cell] == lot
        assert grid.widths[cell] == 1


@pytest.mark.parametrize("largest", LARGEST)
def test_every_shape_is_a_tail(largest: int) -> None:
    shapes = shapes_of(largest)
    assert shapes.tails[:, 0] == pytest.approx(1)
    assert np.abs(shapes.tails[:, -1]).max() == 0
    assert (np.diff(shapes.tails, axis=1) <= 1e-12).all()
    assert np.isfinite(shapes.log_masses).all()
    assert (shapes.members.sum(axis=1) == 1).all()


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.25, 1.0, 1.3, 2.5])
def test_power_law_masses_of_cells_are_close_to_the_exact_sums(exponent: float) -> None:
    grid = grid_of(1000)
    sizes = np.arange(1, 1001, dtype=np.float64)
    exact = np.add.reduceat(sizes**-exponent, grid.edges[:-1] - 1)
    assert power_masses(grid, exponent) == pytest.approx(exact, rel=2e-3)


def test_prior_of_the_shapes_of_each_family_sums_to_one() -> None:
    shapes = shapes_of(1000)
    assert np.exp(shapes.log_within) @ shapes.members == pytest.approx(np.ones(shapes.families))
