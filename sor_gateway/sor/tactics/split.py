"""Shares of every order for each dark pool, learnt from "was my child filled to the end?" alone.

Owns: the optimisation algorithm of Laruelle, Lehalle and Pages (Optimal split of orders across
liquidity pools, SIAM J. Financial Mathematics 2, 2011). May not know: venues' names, orders.

With discount rho_i and hidden quantity D_i, sum rho_i E min(r_i V, D_i) is largest on the simplex
where rho_i E[V; r_i V < D_i] is the same for all pools in use. A stochastic gradient goes there:
r <- projection of r + step * V rho 1{complete}. It needs no model and no size of a fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from sor_gateway.sor.tactics.placement import Floats

STEP: Final = 1.0
STEP_DECAY: Final = 0.75
"""Steps shrink with n^-.75: slow enough to arrive, fast enough to stay."""


class SplitLearner:
    """The shares, and what they were learnt from: plain numbers that a snapshot can hold.

    `discounts` is what a share filled in each pool saves, in any unit.
    """

    def __init__(self, discounts: Sequence[float]) -> None:
        if not len(discounts) or min(discounts) < 0 or max(discounts) <= 0:
            raise ValueError(f"discounts: {list(discounts)}: none negative and one above 0")
        self._discounts: Final = np.asarray(discounts, dtype=np.float64) / max(discounts)
        self.shares: list[float] = [1 / len(discounts)] * len(discounts)
        """What part of an order each pool gets; they sum to one."""
        self.rounds = 0
        self.volume_mean = 0.0

    def observe(self, volume: float, complete: Sequence[bool]) -> None:
        """An order of `volume` was split by `shares`; which children were filled to the end? One
        of which nothing was sent counts as filled.

        Raises ValueError for a negative volume or a list of another length.
        """
        if volume < 0 or len(complete) != len(self.shares):
            raise ValueError(f"volume {volume}, {len(complete)} answers of {len(self.shares)}")
        if not volume:
            return
        self.rounds += 1
        self.volume_mean += (volume - self.volume_mean) / self.rounds
        step = STEP / self.rounds**STEP_DECAY
        pull = volume / self.volume_mean * self._discounts * np.asarray(complete, dtype=np.float64)
        moved = on_simplex(np.asarray(self.shares) + step * pull)
        self.shares = [float(share) for share in moved]


def on_simplex(values: Floats) -> Floats:
    """The nearest point that has no negative entry and sums to one."""
    falling = np.sort(values)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(falling) + 1)
    last = int(np.nonzero(falling > excess)[0][-1])
    return np.asarray(np.maximum(values - excess[last], 0.0))
