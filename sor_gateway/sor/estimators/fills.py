"""How much of a child a venue is expected to fill.

Owns: the fill rate per venue. May not know: parents, quotes, tactics.
A child that ended counts once, whatever its size; a child proved never to have arrived does not.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.types import Shares

DECAY: Final = 0.98
"""Half of the weight is on the last 34 children."""
PRIOR_WEIGHT: Final = 10.0
"""The prior of the settings counts like this many children."""


def observe(fills: DecayedMean, filled: Shares, quantity: Shares) -> None:
    """A child of `quantity` ended with `filled`."""
    fills.observe(min(1.0, filled / quantity), DECAY)


def fill_rate(fills: DecayedMean, prior: float) -> float:
    """Expected share of a child that fills, 0 to 1."""
    return fills.mean(prior, PRIOR_WEIGHT)
