"""The wall clock, as the one place of the network layer that reads it.

Owns: the meaning of `now`.
May not know: anything else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Gives nanoseconds since the Unix epoch, UTC. Tests pass their own."""


def wall_clock_ns() -> int:
    """The time of day in nanoseconds since the Unix epoch, UTC. It may step backwards; the reactor
    never passes such a step on."""
    return time.time_ns()
