"""Which part of the past still holds: spans of evidence that began at different times.

Owns: the counts so far, where each span began, and how well each foretells. May not know: what the
counts mean.

Liquidity changes its regime: Bayesian change-point detection (Adams and MacKay 2007) with a bounded
number of hypotheses "the last change was here". Counts only ever grow, so the evidence since a
change is a difference, and a hypothesis costs one copy of the counts. A new one opens every `EVERY`
rounds with the share of weight that a change in that time deserves; the least likely old one gives
way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sor_gateway.sor.estimators.tails import Floats, Ints

SPANS_MAX: Final = 8
EVERY: Final = 25
"""Rounds between two hypotheses."""
CHANGE_ROUNDS: Final = 1000.0
"""Mean rounds between two changes, believed beforehand."""
TRIALS: Final = 3
"""So many newest hypotheses are kept whatever they weigh: they had no time to prove themselves."""


class Regimes:
    """Counts of all venues, [k, width], and the spans of time in which they were gathered."""

    def __init__(self, venues: int, width: int) -> None:
        self.total: Floats = np.zeros((venues, width))
        self.rounds = 0
        self._starts: Floats = np.zeros((1, venues, width))
        self._births: Ints = np.zeros(1, dtype=np.int64)
        self._scores: Floats = np.zeros(1)

    @property
    def spans(self) -> Floats:
        """Counts of each span, [e, k, width]."""
        return self.total - self._starts

    @property
    def weights(self) -> Floats:
        """Weight of each span; they sum to one."""
        weights = np.exp(self._scores - self._scores.max())
        return np.asarray(weights / weights.sum())

    @property
    def births(self) -> list[int]:
        """The round in which each span began."""
        return [int(birth) for birth in self._births]

    def score(self, log_likelihoods: Floats) -> None:
        """Each span foretold the latest round with this likelihood."""
        self._scores = self._scores + log_likelihoods
        self._scores -= self._scores.max()

    def turn(self) -> None:
        """A round is over, and counted."""
        self.rounds += 1
        if self.rounds % EVERY == 0:
            self._open()

    def _open(self) -> None:
        change = EVERY / CHANGE_ROUNDS
        weights = self.weights
        start = self.total[None].copy()
        birth = np.array([self.rounds], dtype=np.int64)
        if len(weights) == SPANS_MAX:
            old = self._births <= self.rounds - EVERY * (TRIALS + 1)
            keep = np.arange(SPANS_MAX) != np.where(old, weights, np.inf).argmin()
            weights = weights[keep] / weights[keep].sum()
            self._starts, self._births = self._starts[keep], self._births[keep]
        self._starts = np.concatenate([self._starts, start])
        self._births = np.concatenate([self._births, birth])
        self._scores = np.log(np.append((1 - change) * weights, change) + 1e-300)
