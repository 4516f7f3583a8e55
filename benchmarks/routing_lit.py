"""Published set-ups for lit placement and for splits by completion, and what they cost us.

Owns: Cont and Kukanov's table 1, Laruelle, Lehalle and Pages's three regimes, and their judges.
May not know: how `place` and `SplitLearner` come to their answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sor_gateway.sor.tactics.placement import place
from sor_gateway.sor.tactics.split import SplitLearner

Floats = npt.NDArray[np.float64]

HALF_SPREAD, TAKE_FEE, REBATE, THETA, PENALTY = 0.02, 0.003, 0.002, 0.0005, 0.05
"""Dollars a share: Cont and Kukanov's baseline; the penalties are the same for under and over."""
QUEUE: Final = 2000.0
MEAN_OUTFLOW: Final = 2200.0
COMMON: Final = 0.6
"""Part of the outflow that all venues share."""
PUBLISHED: Final = {
    (500, 1): 0.80,
    (500, 2): -0.85,
    (500, 3): -1.99,
    (500, 5): -2.05,
    (1000, 1): 1.60,
    (1000, 2): 0.77,
    (1000, 3): -0.07,
    (1000, 4): -0.90,
    (1000, 5): -1.64,
    (5000, 1): 2.25,
    (5000, 2): 2.10,
    (5000, 3): 1.95,
    (5000, 5): 1.62,
}
"""Cost of their optimum in cents a share, by quantity and venues. Of one venue the printed values
are above the optimum by their own proposition 3; the bar is what was reproduced."""
CHUNK: Final = 100_000

DISCOUNTS: Final = (0.01, 0.03, 0.05)
HIDDEN_MEANS: Final = (1.0, 2.0, 3.0)
REGIMES: Final = {"shortage": 1.5, "balanced": 1.0, "abundance": 0.5}
"""Mean volume against mean hidden quantity of all pools."""


def outflows(random: np.random.Generator, samples: int, venues: int) -> Floats:
    """Shares that leave each queue: partly the same at all venues."""
    common = random.poisson(MEAN_OUTFLOW, (samples, 1))
    own = random.poisson(MEAN_OUTFLOW, (samples, venues))
    return np.asarray(COMMON * common + (1 - COMMON) * own)


def cost_cents(market: float, limits: Floats, flows: Floats, quantity: float) -> float:
    """Mean cost in cents a share: their definition, written down once more."""
    fills = np.clip(flows - QUEUE, 0, limits)
    achieved = market + fills.sum(axis=1)
    under, over = np.maximum(quantity - achieved, 0), np.maximum(achieved - quantity, 0)
    cost = (HALF_SPREAD + TAKE_FEE) * market - (HALF_SPREAD + REBATE) * fills.sum(axis=1)
    cost += THETA * (market + limits.sum() + under) + PENALTY * (under + over)
    return float(cost.mean()) / quantity * 100


@dataclass(slots=True, frozen=True)
class Cell:
    """One cell of table 1."""

    quantity: int
    venues: int


def placement_cost(cell: Cell, seed: int, samples: int, draws: int) -> float:
    """What our placement from `samples` samples costs on common draws, in cents a share."""
    flows = outflows(np.random.default_rng(seed), samples, cell.venues)
    market, limits = placed(cell, flows)
    common = np.random.default_rng(77)
    parts = [
        cost_cents(market, limits, outflows(common, CHUNK, cell.venues), cell.quantity)
        for _ in range(max(1, draws // CHUNK))
    ]
    return float(np.mean(parts))


def placed(cell: Cell, flows: Floats, *, capped: bool = False) -> tuple[float, Floats]:
    """Our placement on the baseline's terms."""
    market, limits = place(
        cell.quantity,
        HALF_SPREAD,
        TAKE_FEE,
        [REBATE] * cell.venues,
        [QUEUE] * cell.venues,
        flows,
        THETA,
        PENALTY,
        PENALTY,
        capped=capped,
    )
    return market, np.asarray(limits)


def lognormals(random: np.random.Generator, mean: float, count: int) -> Floats:
    """Draws with this mean and variance 1."""
    variance = np.log1p(1 / mean**2)
    return random.lognormal(np.log(mean) - variance / 2, np.sqrt(variance), count)


def split_share(regime: str, seed: int, rounds: int) -> float:
    """Savings of the learnt split, as a share of an oracle's that sees what is hidden."""
    random = np.random.default_rng(seed)
    hidden = np.stack([lognormals(random, mean, rounds) for mean in HIDDEN_MEANS], axis=1)
    volumes = lognormals(random, REGIMES[regime] * sum(HIDDEN_MEANS), rounds)
    learner, discounts = SplitLearner(DISCOUNTS), np.asarray(DISCOUNTS)
    saved = 0.0
    for volume, there in zip(volumes, hidden, strict=True):
        sent = np.asarray(learner.shares) * volume
        saved += float(discounts @ np.minimum(sent, there))
        learner.observe(float(volume), [bool(full) for full in sent < there])
    return saved / oracle(volumes, hidden)


def oracle(volumes: Floats, hidden: Floats) -> float:
    """Fill the best pools first, knowing what each holds: more than any learner can."""
    left, saved = volumes.copy(), 0.0
    for pool in np.argsort(DISCOUNTS)[::-1]:
        taken = np.minimum(left, hidden[:, pool])
        saved += DISCOUNTS[pool] * float(taken.sum())
        left -= taken
    return saved
