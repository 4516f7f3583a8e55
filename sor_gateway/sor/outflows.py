"""How fast the queue at a best price moves: what leaves it in a second, by fills and cancels.

Owns: the fading rate, and the chance that an order behind a queue is reached.
May not know: orders, whose shares they are.

Cont and Kukanov place limit orders by the outflow of each queue and what stands in it (Optimal
order placement in limit order markets, 2017): of an order L behind a queue Q fills what the outflow
reaches, (outflow - Q)+. Outflows are heavy-tailed: most of the time little leaves, then all of it.
So the chance that x or more leaves is taken as m / (m + x), whose median m is what is expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

from sor_gateway.sor.types import NANOS_PER_SECOND, Nanos, Shares

FADING_NS: Final = 10 * NANOS_PER_SECOND
"""What left this long ago counts a third."""
HORIZON_S: Final = 10.0
"""About as long as a best price stands: what does not leave by then is not waited for."""


@dataclass(slots=True)
class Outflow:
    """What left one queue, fading."""

    since_ns: Nanos
    total: float = 0.0
    at_ns: Nanos = 0

    def add(self, shares: Shares, now: Nanos) -> None:
        """So many left."""
        self.total = self._faded(now) + shares
        self.at_ns = now

    def per_second(self, now: Nanos) -> float:
        """Shares that leave in a second; at first over the time that it was watched."""
        watched_ns = max(0, now - self.since_ns)
        seconds = FADING_NS * (1.0 - exp(-watched_ns / FADING_NS)) / NANOS_PER_SECOND
        return self._faded(now) / seconds if seconds > 0 else 0.0

    def _faded(self, now: Nanos) -> float:
        return self.total * exp(-max(0, now - self.at_ns) / FADING_NS) if self.total else 0.0


def reached(queue: Shares, quantity: Shares, per_second: float) -> float:
    """What part of an order behind a queue fills before the price is gone, 0 to 1: the chance that
    its middle is reached."""
    expected = per_second * HORIZON_S
    ahead = queue + quantity / 2
    return expected / (expected + ahead) if expected > 0 else 0.0
