"""Faults that a venue is asked to have.

Owns: whether an order meets one; each kind has its own stream, keyed by the order's count.
May not know: books, sessions, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.flow.streams import Stream


@dataclass(slots=True)
class FaultSettings:
    """`reject_share`: part of the good orders that are refused all the same (F10)."""

    reject_share: float = 0.0


class Faults:
    """The faults of one venue."""

    def __init__(self, seed: int, mic: str, settings: FaultSettings) -> None:
        self.settings = settings
        self._rejects = Stream(seed, f"fault:{mic}:reject")

    def rejects(self, count: int) -> bool:
        """Whether the order with this count is refused for nothing."""
        return self._rejects.uniform(count) < self.settings.reject_share
