"""How long a venue takes to answer a new order.

Owns: the latency per venue, from the decision to the first report. May not know: clocks, sockets.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.estimators.average import DecayedMean
from sor_gateway.sor.types import Nanos

DECAY: Final = 0.9
PRIOR_WEIGHT: Final = 5.0
SAMPLE_MAX_NS: Final = 60_000_000_000
"""A report after an outage says nothing about the venue's speed beyond this."""


def observe(latency: DecayedMean, elapsed_ns: Nanos) -> None:
    """A child got its first answer after this long."""
    latency.observe(float(min(max(elapsed_ns, 0), SAMPLE_MAX_NS)), DECAY)


def latency_ns(latency: DecayedMean, prior_ns: Nanos) -> float:
    """Expected time to the first answer."""
    return latency.mean(float(prior_ns), PRIOR_WEIGHT)
