"""How much hidden size venues have, learnt from censored fills, and how to split an order by it.

Owns: DarkAllocator: what to send where, one round after another. May not know: orders, prices,
sessions, clocks.

Greedy marginal allocation (greedy.py) on the tails of a Bayesian mixture (posterior.py), over
hypotheses on when liquidity last changed (regimes.py). What is not known well is tried: the
probability that a venue has anything is taken `OPTIMISM` standard deviations above its mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sor_gateway.sor.estimators.greedy import split_by_tails
from sor_gateway.sor.estimators.posterior import STRENGTHS, Belief, Columns, Seen, believe
from sor_gateway.sor.estimators.regimes import Regimes
from sor_gateway.sor.estimators.tails import FAMILY_PRIOR, Floats, grid_of, shapes_of

OPTIMISM: Final = 1.25
TRUST_DECAY: Final = 0.995
"""What an earlier round counts when the corrections of the mixture are weighed."""


class DarkAllocator:
    """Splits one order a round over venues with hidden liquidity, and learns from what fills.

    `venues` is how many there are, `max_quantity` the largest order; `rng` only decides which of
    venues that are worth exactly the same goes first. The same calls give the same answers.
    """

    def __init__(self, venues: int, max_quantity: int, rng: np.random.Generator) -> None:
        if venues < 1:
            raise ValueError(f"venues: {venues}: at least one is needed")
        if max_quantity < 1:
            raise ValueError(f"max_quantity: {max_quantity}: at least one share is needed")
        self._venues: Final = venues
        self._random: Final = rng
        self._grid: Final = grid_of(max_quantity)
        self._shapes: Final = shapes_of(max_quantity)
        self._columns: Final = Columns(self._grid.cells)
        self._regimes: Final = Regimes(venues, self._columns.width)
        self._trust: Floats = np.zeros((venues, len(STRENGTHS)))
        self._leaning: Floats = np.zeros((venues, len(FAMILY_PRIOR)))
        self._belief: Belief = self._believe()

    def allocate(self, quantity: int) -> list[int]:
        """Sizes for each venue that sum to `quantity`, or to `max_quantity` when that is less.

        Raises ValueError for a negative quantity.
        """
        if quantity < 0:
            raise ValueError(f"quantity: {quantity}: must not be negative")
        quantity = min(quantity, self._grid.largest)
        order = self._random.permutation(self._venues)
        sizes = split_by_tails(self.tails(OPTIMISM), self._grid, quantity, order)
        return [int(size) for size in sizes]

    def observe(self, sent: list[int], filled: list[int]) -> None:
        """Learn from a round: what went to each venue, and how much of it filled.

        Raises ValueError when a list has not one entry for each venue, an entry is negative, or
        more filled than was sent.
        """
        self._check(sent, filled)
        seen = Seen.of(self._grid, np.array(sent, dtype=np.int64), np.array(filled, dtype=np.int64))
        regimes, belief = self._regimes, self._belief
        hit, size = belief.likelihoods(seen)
        by_trust = (size * self._trust_weights()).sum(axis=-1)
        by_span = np.einsum("ekc,e->kc", size, regimes.weights)
        regimes.score(np.log(np.maximum(hit * by_trust, 1e-300)).sum(axis=1))
        self._trust = TRUST_DECAY * self._trust + np.log(by_span)
        seen.add_to(regimes.total, self._columns)
        regimes.turn()
        self._belief = self._believe()

    def tails(self, optimism: float = 0.0) -> Floats:
        """P(hidden size >= s) at the first size s of each cell of the grid, by venue, with the
        probability of any fill raised by so many standard deviations."""
        belief, spans = self._belief, self._regimes.weights
        fill = np.minimum(belief.fill + optimism * belief.doubt, 1.0)
        weights = spans[:, None, None] * fill[..., None] * self._trust_weights()
        return np.asarray(np.einsum("ekc,ekcb->kb", weights, belief.tails))

    def _believe(self) -> Belief:
        regimes = self._regimes
        belief = believe(regimes.spans, regimes.total, self._leaning, self._shapes, self._columns)
        families = np.einsum("ekf,e->kf", belief.families, regimes.weights)
        self._leaning = families.sum(axis=0) - families
        return belief

    def _trust_weights(self) -> Floats:
        weights = np.exp(self._trust - self._trust.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    def _check(self, sent: list[int], filled: list[int]) -> None:
        for name, values in (("sent", sent), ("filled", filled)):
            if len(values) != self._venues:
                raise ValueError(f"{name}: {len(values)} entries for {self._venues} venues")
            if min(values) < 0:
                raise ValueError(f"{name}: {min(values)} is negative")
        for venue, (size, fill) in enumerate(zip(sent, filled, strict=True)):
            if fill > size:
                raise ValueError(f"filled: {fill} of {size} sent to venue {venue}")
