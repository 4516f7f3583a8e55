"""The deadlines of one session, as plain integers.

Owns: when something has to be looked at again. May not know: what is done then.
All times are nanoseconds UTC; `NEVER` means that a deadline is not set.
"""

from __future__ import annotations

from typing import Final

NEVER: Final = (1 << 62) - 1
"""The largest integer that compiled code keeps in a register."""
SECOND_NS: Final = 1_000_000_000


class Timers:
    """Deadlines; `heart_bt_ns` of 0 means no heartbeats (FIX 108=0)."""

    __slots__ = (
        "advance_at",
        "challenge_by",
        "gap_by",
        "heart_bt_ns",
        "hours_end_at",
        "last_received",
        "last_sent",
        "marker_by",
        "phase_by",
        "proof_at",
        "silence_tested",
    )

    def __init__(self) -> None:
        self.heart_bt_ns = 0
        self.last_sent = 0
        self.last_received = 0
        self.silence_tested = False
        self.clear()

    def clear(self) -> None:
        """Unset every deadline."""
        self.phase_by = NEVER
        """Logon, Logout or reset must be answered."""
        self.marker_by = NEVER
        """Our marker must have returned."""
        self.proof_at = NEVER
        """A periodic marker is due."""
        self.gap_by = NEVER
        """Our ResendRequest must have moved the expected number."""
        self.challenge_by = NEVER
        """A peer under suspicion must have spoken."""
        self.hours_end_at = NEVER
        """Session hours end."""
        self.advance_at = NEVER
        """More of what waited behind a gap can be consumed."""
        self.silence_tested = False

    @property
    def silence_at(self) -> int:
        """When the peer has been silent for too long: 1.2 intervals, 2.4 once it was tested."""
        if not self.heart_bt_ns:
            return NEVER
        return self.last_received + self.heart_bt_ns * (12 if self.silence_tested else 6) // 5

    @property
    def heartbeat_at(self) -> int:
        """When we have to say something. A TestRequest that is out has said it."""
        if not self.heart_bt_ns or self.silence_tested:
            return NEVER
        return self.last_sent + self.heart_bt_ns

    def next_of_established(self) -> int:
        """The earliest deadline while Logons stand exchanged."""
        # One after the other: of two, compiled code takes the lesser in place.
        deadline = min(self.silence_at, self.heartbeat_at)
        deadline = min(deadline, self.phase_by)
        deadline = min(deadline, self.marker_by)
        deadline = min(deadline, self.proof_at)
        deadline = min(deadline, self.gap_by)
        deadline = min(deadline, self.challenge_by)
        deadline = min(deadline, self.hours_end_at)
        return min(deadline, self.advance_at)
