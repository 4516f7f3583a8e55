"""What an outage of ours does to orders: they stand still, or rest until an operator releases them.

Owns: the two facts, listed with the others in events.py.
May not know: how they are booked (operations.py), FIX.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.sor.types import Nanos


@dataclass(slots=True)
class OutageEnded:
    """The gateway was away for longer than this client has its orders resumed as if nothing had
    been (recovery.md 4.4)."""

    at_ns: Nanos
    client: str
    away_ns: Nanos
    suspend: bool
    """Its orders rest until they are released; else they go on, and catch nothing up."""


@dataclass(slots=True)
class OrdersReleased:
    """Orders of a client that rest after an outage go on."""

    at_ns: Nanos
    client: str
    reason: str
