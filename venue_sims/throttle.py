"""The throttle: how many orders and replaces a session may send in a sliding window.

Owns: when each session's last messages came. Cancels, mass cancels and status requests are never
counted: who wants out, gets out (venues.md 4.2).
May not know: what the messages say, sockets, the clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from venue_sims.flow.clock import NANOS_PER_MS


class Style(StrEnum):
    """What becomes of a message beyond the throttle (venues.md 3, F11)."""

    REJECT = "er"
    """Refused by an ExecutionReport, or a replace by an OrderCancelReject."""
    BUSINESS_REJECT = "bmr"
    """Refused by a BusinessMessageReject (j)."""
    QUEUE = "queue"
    """Dealt with when the window allows."""
    DROP = "drop"
    """Gone, and the line with it."""


@dataclass(slots=True)
class ThrottleSettings:
    """`msgs` in any window of `per_ms` wall milliseconds; 0: as many as come."""

    msgs: int = 0
    per_ms: int = 1_000
    style: Style = Style.REJECT

    def __str__(self) -> str:
        return f"{self.msgs} orders and replaces in {self.per_ms} ms"


class Throttle:
    """One venue's throttle. What it refuses does not count against the session."""

    def __init__(self, settings: ThrottleSettings) -> None:
        self.settings = settings
        self._passed: dict[str, deque[int]] = {}

    def admits(self, session: str, at_ns: int) -> bool:
        """Whether a message that came at this time passes; times do not go back."""
        if not self.settings.msgs:
            return True
        passed = self._passed.setdefault(session, deque())
        while passed and passed[0] <= at_ns - self.settings.per_ms * NANOS_PER_MS:
            passed.popleft()
        if len(passed) >= self.settings.msgs:
            return False
        passed.append(at_ns)
        return True

    def passes_ns(self, session: str, at_ns: int) -> int:
        """When a message that came at this time passes, where it may wait; that is its turn."""
        if not self.settings.msgs:
            return at_ns
        passed = self._passed.setdefault(session, deque())
        window = self.settings.per_ms * NANOS_PER_MS
        while passed and passed[0] <= at_ns - window:
            passed.popleft()
        if len(passed) >= self.settings.msgs:
            at_ns = max(at_ns, passed[-self.settings.msgs] + window)
        passed.append(at_ns)
        return at_ns
