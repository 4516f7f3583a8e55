"""Greedy marginal allocation: each share goes where it is likeliest to fill.

Owns: the split of a quantity by tails. May not know: how the tails were learnt.

Since a tail never rises, taking the share with the largest P(size >= s) again and again is optimal
(Ganchev et al. 2009, theorem 1), and it is the same as taking all shares above one threshold. The
threshold is found by bisection, on the grid.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sor_gateway.sor.estimators.tails import Floats, Grid, Ints

BISECTIONS: Final = 48


def split_by_tails(tails: Floats, grid: Grid, quantity: int, order: Ints) -> Ints:
    """Sizes that sum to `quantity`, or to what the grid can hold of it.

    `tails[k, b]` is the worth of a share of size edges[b] at venue k, in any unit, and never rises
    with b. Of shares that are worth the same, those of the venue that is first in `order` go first.
    """
    low, high = min(0.0, float(tails.min())), float(tails.max()) * (1 + 1e-9) + 1e-300
    least = np.zeros(len(tails), dtype=np.int64)
    most = above(tails, grid, low)
    for _ in range(BISECTIONS):
        threshold = (low + high) / 2
        sizes = above(tails, grid, threshold)
        total = int(sizes.sum())
        if total > quantity:
            low, most = threshold, sizes
        else:
            high, least = threshold, sizes
            if total == quantity:
                break
    rest = max(0, quantity - int(least.sum()))
    for venue in order:
        more = min(int(most[venue] - least[venue]), rest)
        least[venue] += more
        rest -= more
    return least


def above(tails: Floats, grid: Grid, threshold: float) -> Ints:
    """How many shares of each venue are worth at least the threshold."""
    rows = np.arange(len(tails))
    reached = (tails[:, :-1] >= threshold).sum(axis=1)
    cells = np.maximum(reached - 1, 0)
    at, after = tails[rows, cells], tails[rows, cells + 1]
    widths = grid.widths[cells]
    fall = np.maximum(at - after, 1e-300)
    further = np.clip(np.floor((at - threshold) / fall * widths), 0, widths - 1)
    sizes = grid.edges[cells] + further.astype(np.int64)
    return np.where(reached > 0, sizes, 0)
