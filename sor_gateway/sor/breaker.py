"""A venue that rejects everything: how long it is left alone, and how it is tried again.

Owns: the circuit breaker of one venue, a value moved by facts and their times alone.
May not know: orders, parents, settings, clocks.

Theory of operation. *Closed*, rejections in a row are counted; any other answer to an order ends
the row, and so does a pause of `PAUSE_NS`. `REJECTS_MAX` of them *open* it: no new order goes there
until `until_ns`. Then it is *tried*: one order may leave, and its answer decides. A rejection opens
it again for twice as long, up to `COOL_OFF_MAX_NS`; anything else closes it. So a venue that
rejects all day is sent `REJECTS_MAX` orders, what was under way then, and one for each cool-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.types import NANOS_PER_SECOND, Nanos

REJECTS_MAX: Final = 5
PAUSE_NS: Final = 60 * NANOS_PER_SECOND
COOL_OFF_NS: Final = 5 * NANOS_PER_SECOND
COOL_OFF_MAX_NS: Final = 320 * NANOS_PER_SECOND


@dataclass(slots=True)
class Breaker:
    """One venue's. See the module."""

    rejects: int = 0
    """In a row, while it is closed."""
    last_ns: Nanos = 0
    """When the last of them came."""
    opened: int = 0
    """How often it opened since it was closed."""
    until_ns: Nanos = 0
    """When the venue is tried again; 0 while it is closed."""
    is_trying: bool = False
    """It has rested: one order may leave."""
    trial: str = ""
    """The child that left for a try and is not answered."""

    @property
    def is_resting(self) -> bool:
        """Whether no order may go there."""
        return self.until_ns > 0 and (not self.is_trying or bool(self.trial))

    def rejected(self, child_id: str, at_ns: Nanos) -> bool:
        """The venue rejected an order. Whether it opens by that."""
        if self.until_ns:
            if child_id != self.trial:
                return False  # it was under way when the breaker opened
        elif self._counts_to_less(at_ns):
            return False
        self.opened += 1
        cool_off_ns = min(COOL_OFF_NS << (self.opened - 1), COOL_OFF_MAX_NS)
        self.until_ns = at_ns + cool_off_ns
        self.rejects, self.is_trying, self.trial = 0, False, ""
        return True

    def _counts_to_less(self, at_ns: Nanos) -> bool:
        if at_ns - self.last_ns > PAUSE_NS:
            self.rejects = 0
        self.rejects, self.last_ns = self.rejects + 1, at_ns
        return self.rejects < REJECTS_MAX

    def taken(self, child_id: str) -> bool:
        """The venue answered an order in any other way. Whether it is closed by that."""
        self.rejects = 0
        if not self.trial or child_id != self.trial:
            return False
        self.opened = self.until_ns = 0
        self.is_trying, self.trial = False, ""
        return True

    def tried(self) -> None:
        """It has rested."""
        self.is_trying = True

    def left(self, child_id: str) -> None:
        """An order leaves for the venue."""
        if self.is_trying and not self.trial:
            self.trial = child_id

    def forgotten(self, child_id: str) -> None:
        """An order is over without an answer: it never came there."""
        if self.trial == child_id:
            self.trial = ""
