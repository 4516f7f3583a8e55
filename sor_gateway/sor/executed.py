"""What is known of a child's executions, and of what became of them afterwards.

Owns: the records, and how much of them is kept. May not know: what an execution does to an order
(ledger.py, reports.py), what a revision does (revisions.py).

A venue may revise an execution days later and as often as it likes: what is kept for that is
bounded. What was forgotten is not known any more: a revision of it is doubted, not booked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sor_gateway.sor.types import Micros, Shares

EXECS_KEPT: Final = 256
"""Executions of one child that are remembered, for finding duplicates and for revisions; and how
many revisions and denials of them. The oldest go first."""

Executed = tuple[Shares, Micros, Shares, str]
"""An execution: quantity, price, the venue's cum after it, our ExecID that told the client."""
Piece = tuple[str, Shares]
"""Our ExecID that told the client, and how many shares of an execution it told of."""


@dataclass(slots=True)
class Revisions:
    """What was taken back, corrected or denied of a child's executions: most never need it."""

    roots: dict[str, str] = field(default_factory=dict)
    """ExecID of each bust or correction to that of the execution that it was about at first."""
    current: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By ExecID: quantity and price of an execution as they stand now."""
    told: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By our ExecID: what the client was told, where that is not the execution as it came."""
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    """By ExecID: how the client was told of an execution, where that was not by one report."""
    denied: dict[str, Executed] = field(default_factory=dict)
    """By ExecID: executions that were not booked because they cannot be ours."""
    early: dict[str, None] = field(default_factory=dict)
    """ExecIDs of executions that were revised before they came: they say nothing any more, because
    the order's total, which does count, is that behind the revision."""

    def note(self, exec_id: str, root: str) -> None:
        """A revision came: of this execution, or of a revision of it."""
        _make_room(self.roots)
        self.roots[exec_id] = root

    def forestall(self, root: str) -> None:
        """An execution that did not come yet says nothing any more."""
        if root not in self.early:
            _make_room(self.early)
            self.early[root] = None

    def deny(self, exec_id: str, executed: Executed) -> None:
        """An execution is not booked, because it cannot be ours."""
        _make_room(self.denied)
        self.denied[exec_id] = executed

    def forget(self, exec_id: str, executed: Executed, kept: set[str]) -> None:
        """No revision can be about this execution any more. What the client was told stays known
        while something else counts under the same id: `kept`, or another piece."""
        self.current.pop(exec_id, None)
        for told_id, _ in self.pieces.pop(exec_id, [(executed[3], executed[0])]):
            if told_id in self.told and told_id not in kept:
                others = [other for pieces in self.pieces.values() for other, _ in pieces]
                if told_id not in others:
                    del self.told[told_id]


def _make_room(table: dict[str, Any]) -> None:
    """The oldest goes when there are as many as are kept."""
    if len(table) >= EXECS_KEPT:
        del table[next(iter(table))]
