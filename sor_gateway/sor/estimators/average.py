"""A mean that forgets: the one number that the simple estimators are made of.

Owns: decayed sum and weight. May not know: what is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class DecayedMean:
    """Decayed sum and weight of what was observed. The prior is mixed in when it is read, so
    settings never get into the state that the fold rebuilds."""

    total: float = 0.0
    weight: float = 0.0

    def observe(self, value: float, decay: float) -> None:
        """Take one observation in; what came before counts `decay` of what it did."""
        self.total = self.total * decay + value
        self.weight = self.weight * decay + 1.0

    def mean(self, prior: float, prior_weight: float) -> float:
        """The mean, with a prior that counts like `prior_weight` observations."""
        return (self.total + prior * prior_weight) / (self.weight + prior_weight)
