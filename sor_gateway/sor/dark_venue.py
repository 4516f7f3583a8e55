"""What one parent has learnt of one dark venue.

Owns: the current wave's counts there, the size of the next, the row of small fills that looks like
probing, and the run of waves that filled to the end.
May not know: children, other venues, when a wave ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.estimators.hidden import Run
from sor_gateway.sor.types import Shares

PROBE_MAX: Final = 100
"""A hidden order's fill of at most this is small: a probe's size, or a passer-by's."""
PROBES_MAX: Final = 3
"""So many small fills in a row, and none larger, are taken for probing: who asks again and again
whether somebody is there trades ahead of him elsewhere."""
GROWTH_STEP: Final = 2_500
"""Sizes in dark venues grow to multiples of this (playbook)."""


@dataclass(slots=True)
class DarkVenue:
    """What one dark venue did for one parent."""

    size: Shares = 0
    """What it grew to by filling; 0 while it did not: then the strategy's size holds."""
    sent: Shares = 0
    """In the current wave."""
    filled: Shares = 0
    """In the current wave."""
    filled_ever: Shares = 0
    dry_waves: int = 0
    """Finished waves in a row that brought nothing."""
    small_fills: int = 0
    """The last fills, one after the other, that were small."""
    is_guarded: bool = False
    """The order there now takes no small fills."""
    run: Run = field(default_factory=Run)
    """Finished waves that filled to the end, one after the other, and the one that ended that."""

    @property
    def is_probed(self) -> bool:
        """Whether it looks as if somebody were only asking who is there."""
        return self.small_fills >= PROBES_MAX

    def count_fill(self, quantity: Shares) -> None:
        """Shares traded there. A real counterpart ends a row of small ones, but once a venue was
        found to be probed it stays so for this order."""
        self.filled_ever += quantity
        if quantity <= PROBE_MAX:
            self.small_fills += 1
        elif not self.is_probed:
            self.small_fills = 0

    @property
    def next_size(self) -> Shares:
        """Its size in the next wave: what filled shows that there is more, so it gets more once
        (playbook: ceil to 2,500 of q(1 + fill rate)), then the size holds."""
        if self.size or not self.filled:
            return self.size
        return -(-(self.sent + self.filled) // GROWTH_STEP) * GROWTH_STEP

    @property
    def next_run(self) -> Run:
        """Its run once the current wave is in it."""
        return self.run.after(self.sent, self.filled) if self.sent else self.run

    def close_wave(self) -> None:
        """The wave ran its time: what it showed is kept, its counts begin anew."""
        if self.sent:
            self.size, self.run = self.next_size, self.next_run
            self.dry_waves = 0 if self.filled else self.dry_waves + 1
        self.sent = self.filled = 0
