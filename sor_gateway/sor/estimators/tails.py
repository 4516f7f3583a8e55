"""Shapes that hidden size may have: P(size >= s) on a coarse grid of sizes, by family.

Owns: the grid, the families, what is believed of them beforehand. May not know: venues, orders.

Sizes are whole shares from 1 to a largest one; what is larger counts as the largest. The grid is
fine where sizes are small, about 6 % wide above, and has cells of their own for round lots, where
real hidden size clusters. Within a cell a tail is a straight line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import erf, log, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SINGLES: Final = 12
"""Sizes up to this one have a cell each."""
CELL_RATIO: Final = 1.06
FLOOR: Final = 1e-12
"""Least probability of anything: a logarithm has to exist."""
CONTAMINATION: Final = 2e-3
"""Share of a broad tail in every shape, so that one odd observation does not rule it out."""

FAMILY_PRIOR: Final = (0.55, 0.15, 0.15, 0.15)
"""Power law, power law with a cap, lognormal, Weibull. Of 48 pools of a broker, zero-bin + power
law predicted best in 28, + uniform in 12, + exponential in 5 (Ganchev et al. 2009, table 1)."""


@dataclass(slots=True, frozen=True)
class Grid:
    """Cells of sizes. `edges` holds the first size of each cell and, last, `largest` + 1; the last
    cell is the largest size alone."""

    largest: int
    edges: Ints
    widths: Ints

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.widths.size

    def first_of(self, size: int) -> int:
        """The first size of the cell in which a size lies."""
        at = int(np.searchsorted(self.edges, min(size, self.largest), side="right")) - 1
        return int(self.edges[at])

    def locate(self, sizes: Ints) -> tuple[Ints, Floats]:
        """The cell of each size (1 or more), and how much of the cell lies below the size."""
        cells = np.searchsorted(self.edges, sizes, side="right") - 1
        return cells, (sizes - self.edges[cells]) / self.widths[cells]


@dataclass(slots=True, frozen=True)
class Shapes:
    """A finite choice of tails: `tails[m, b]` = P(size >= edges[b] | shape m, size > 0)."""

    tails: Floats
    log_tails: Floats
    log_masses: Floats
    """Of each cell."""
    members: Floats
    """members[m, f] is 1 where shape m is of family f."""
    log_within: Floats
    """Prior of each shape within its family."""

    @property
    def families(self) -> int:
        """Number of families."""
        return int(self.members.shape[1])


@lru_cache(maxsize=64)
def grid_of(largest: int) -> Grid:
    """The grid for sizes from 1 to `largest`."""
    firsts = {1, largest}
    size = 1
    while size < largest:
        firsts.add(size)
        size = size + 1 if size < SINGLES else max(size + 1, int(size * CELL_RATIO))
    for lot in round_lots(largest):
        firsts |= {lot, min(lot + 1, largest)}
    edges = np.array([*sorted(firsts), largest + 1], dtype=np.int64)
    return Grid(largest, edges, np.diff(edges))


def round_lots(largest: int) -> Iterator[int]:
    """Sizes that people send: 100 to 1,000 by the hundred, to 10,000 by the thousand, and so on."""
    step = 100
    while step <= largest:
        yield from range(step, min(10 * step, largest + 1), step)
        step *= 10


@lru_cache(maxsize=64)
def shapes_of(largest: int) -> Shapes:
    """The shapes for sizes from 1 to `largest`."""
    grid = grid_of(largest)
    families = [
        list(power_laws(grid)),
        list(capped_power_laws(grid)),
        list(lognormals(grid)),
        list(weibulls(grid)),
    ]
    broad = np.append(1 - np.log(grid.edges[:-1]) / log(largest + 1), 0.0)
    raw = np.array([tail for family in families for tail in family])
    tails = (1 - CONTAMINATION) * raw + CONTAMINATION * broad
    which = np.repeat(np.arange(len(families)), [len(family) for family in families])
    members = (which[:, None] == np.arange(len(families))).astype(np.float64)
    return Shapes(
        tails,
        np.log(np.maximum(tails, FLOOR)),
        np.log(np.maximum(-np.diff(tails, axis=1), FLOOR)),
        members,
        -np.log(members.sum(axis=0))[which],
    )


def power_laws(grid: Grid) -> Iterator[Floats]:
    """P(s) ~ s^-b up to the largest size; most pools have b from .25 to 1.3 (Ganchev et al.)."""
    for exponent in np.linspace(-0.5, 2.5, 25):
        yield tail_of(power_masses(grid, float(exponent)))


def capped_power_laws(grid: Grid) -> Iterator[Floats]:
    """The same with a cap below the largest size; exponent 0 is the uniform law."""
    for cap in (0.85, 0.7, *(2.0**-n for n in range(1, 7))):
        below = np.clip((max(cap * grid.largest, 2) - grid.edges[:-1] + 1) / grid.widths, 0, 1)
        for exponent in (-0.5, 0.0, 0.5, 1.0):
            yield tail_of(power_masses(grid, exponent) * below)


def lognormals(grid: Grid) -> Iterator[Floats]:
    """Blocks: sizes around a typical one, from narrow to broad; what is larger is the largest."""
    points = np.log(grid.edges[1:-1] - 0.5)
    for median in np.geomspace(max(2.0, grid.largest / 200), 1.2 * max(grid.largest, 2), 16):
        for deviation in (0.2, 0.35, 0.55, 0.85, 1.4):
            scores = (points - log(median)) / (deviation * sqrt(2))
            beyond = [0.5 - 0.5 * erf(score) for score in scores]
            yield np.array([1.0, *beyond, 0.0])


def weibulls(grid: Grid) -> Iterator[Floats]:
    """Exponential sizes (shape 1), more even ones and more uneven ones."""
    points = grid.edges[1:-1] - 1.0
    for scale in np.geomspace(max(2.0, grid.largest / 200), max(grid.largest, 2), 10):
        for shape in (0.6, 1.0, 2.0, 4.0):
            yield np.array([1.0, *np.exp(-((points / scale) ** shape)), 0.0])


def power_masses(grid: Grid, exponent: float) -> Floats:
    """Sum of s^-b over each cell, up to a factor: exact for one size, else the integral."""
    low, high = grid.edges[:-1] - 0.5, grid.edges[1:] - 0.5
    if abs(exponent - 1) < 1e-9:
        integral = np.log(high / low)
    else:
        integral = (high ** (1 - exponent) - low ** (1 - exponent)) / (1 - exponent)
    single = grid.edges[:-1].astype(np.float64) ** -exponent
    return np.where(grid.widths == 1, single, integral)


def tail_of(masses: Floats) -> Floats:
    """The tail at the edges, of masses of cells that need not sum to one."""
    below = np.cumsum(masses)
    return np.concatenate([[1.0], 1 - below[:-1] / below[-1], [0.0]])
