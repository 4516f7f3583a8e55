"""Trading days: one begins, and what ended days before is forgotten.

Owns: the two facts, listed with the others in events.py and decisions.py.
May not know: how they are booked (decided.py), calendars, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.sor.types import Nanos


@dataclass(slots=True)
class DayBegan:
    """A trading day began: the first that we see, or the one before is over."""

    at_ns: Nanos
    ends_ns: Nanos
    """When it is over."""
    keep_days: int
    """For how many trading days more an order that is over stays known."""


@dataclass(slots=True)
class OrdersForgotten:
    """Orders were over for so many trading days that they are not needed any more."""

    at_ns: Nanos
    parent_ids: list[str] = field(default_factory=list)
