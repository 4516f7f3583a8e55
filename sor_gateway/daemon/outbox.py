"""The outbox of one client: reports that the client is not yet proved to have.

Owns: the order in which reports leave, which number each got, and when it may be forgotten
(recovery.md 4.1). Pure state: the fold fills it again from the same facts.
May not know: FIX messages, sockets.

A report gets a number only on a synchronised session and leaves the outbox only when a later
marker proves its receipt. When the session's numbers start again, what is left goes out under new
numbers as a possible resend (97=Y) with the same ExecID.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from sor_gateway.sor.commands import Report


@dataclass(slots=True)
class Waiting:
    """A report in the outbox."""

    report: Report
    number: int = 0
    """Its MsgSeqNum in the current epoch; 0 while it has none."""
    again: bool = False
    """It had a number in an epoch that ended: it leaves with 97=Y."""


@dataclass(slots=True)
class Outbox:
    """Reports by ExecID, oldest first."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    unnumbered: dict[str, None] = field(default_factory=dict)
    """ExecIDs without a number, oldest first."""

    def add(self, report: Report) -> None:
        """Take a report in. Its ExecID was never here before: asserted."""
        assert report.exec_id not in self.waiting, f"ExecID {report.exec_id} used twice"
        self.waiting[report.exec_id] = Waiting(report)
        self.unnumbered[report.exec_id] = None

    def numbered(self, exec_id: str, number: int) -> None:
        """The report left (or will, from the journal) under this number."""
        self.waiting[exec_id].number = number
        del self.unnumbered[exec_id]

    def proved(self, through: int) -> None:
        """The client has consumed everything up to this number."""
        done: list[str] = []
        for exec_id, entry in self.waiting.items():
            if entry.number == 0 or entry.number > through:
                break  # numbers were given oldest first
            done.append(exec_id)
        for exec_id in done:
            del self.waiting[exec_id]

    def epoch_ended(self) -> None:
        """The numbers started again: what is not proved goes out anew."""
        for entry in self.waiting.values():
            if entry.number:
                entry.number, entry.again = 0, True
        self.unnumbered = dict.fromkeys(self.waiting)

    def take(self, limit: int) -> list[Waiting]:
        """The oldest reports without a number, at most `limit` of them."""
        return [self.waiting[exec_id] for exec_id in islice(self.unnumbered, limit)]
