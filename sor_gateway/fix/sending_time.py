"""SendingTime (52) against our own time.

Owns: the tolerance, and the last second that was read: most messages of a peer share it.
May not know: what is done to a peer whose clock is wrong.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix.timers import SECOND_NS
from sor_gateway.fix.values import parse_utc_timestamp


class SendingTimes:
    """Says whether a SendingTime is within `tolerance_ns` of now."""

    def __init__(self, tolerance_ns: int) -> None:
        self._tolerance_ns: Final = tolerance_ns
        self.offset_ns = 0
        """How far our clock was ahead of the peer's at the first message of its last second, the
        way of that message included."""
        self._second_text = ""
        self._second_ns = 0

    def within(self, text: str | None, now: int) -> bool:
        """SendingTime within the tolerance. A missing one is a fault of content, not of time."""
        if not text:
            return True
        second = text[:17]
        if second != self._second_text:
            try:
                self._second_ns = parse_utc_timestamp(second)
            except ValueError:
                return False
            self._second_text = second
            return self._exactly(text, now)
        tolerance = self._tolerance_ns
        if -tolerance < now - self._second_ns < tolerance - SECOND_NS:
            return True
        return self._exactly(text, now)

    def _exactly(self, text: str, now: int) -> bool:
        try:
            self.offset_ns = now - parse_utc_timestamp(text)
        except ValueError:
            return False
        return abs(self.offset_ns) <= self._tolerance_ns
