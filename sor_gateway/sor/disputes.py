"""Executions that a client does not know (FIX Q), until somebody has settled it.

Owns: the two facts, listed with the others in events.py, and the record that stands in between.
May not know: how they are booked (clients.py, operations.py), FIX.

A client that denies an execution has other books than we: nothing is reversed by that, because the
venue stands by it (decisions.md). People have to talk; until then it stays with what is in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.types import Nanos

DISPUTES_KEPT: Final = 1_000
"""Open disputes of one client; the oldest go first. Each was alarmed and stands in the journal."""


@dataclass(slots=True)
class ExecutionDisputed:
    """A client says that it does not know an execution that we told it of (FIX Q)."""

    at_ns: Nanos
    client: str
    exec_id: str
    """Ours (FIX 17), as the client has it."""
    parent_id: str
    """Ours (FIX 37), as the client has it."""
    reason: str
    """In words (FIX 127)."""
    text: str


@dataclass(slots=True)
class DisputeSettled:
    """The operator and the client agree again, however that came about."""

    at_ns: Nanos
    client: str
    exec_id: str
    reason: str


@dataclass(slots=True)
class Dispute:
    """An execution that a client denies."""

    since_ns: Nanos
    parent_id: str
    """Empty when the client named no order of its own."""
    reason: str
