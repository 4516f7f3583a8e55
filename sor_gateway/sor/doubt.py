"""Why a child may not be what we think (recovery.md, "in doubt").

Owns: the record of a doubt, and of the question that is to end it.
May not know: what raises or ends it (ledger.py, reports.py, mass_status.py), settings, FIX.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.sor.types import Nanos


@dataclass(slots=True)
class Doubt:
    """Why a child may not be what we think, and how far the question has come."""

    cause: str
    since_ns: Nanos
    voided_epoch: int = 0
    """The note `asked (epoch)` of recovery.md 3.1; 0 when there is none."""
    gapped: bool = False
    """The venue skipped numbers since: its silence proves nothing (recovery.md 3.4)."""
    request_id: str = ""
    """Our status request under way that was sent after the doubt arose; empty for none."""
    unanswered: int = 0
    """Status requests under way on this connection, for dialects without a request id."""
    asked_ns: Nanos = 0
    """When the last one left; 0 when none has since the doubt last grew."""
    tries: int = 0
    unknown: bool = False
    """The venue answered that it does not know the order."""
    alone: bool = False
    """What the venue listed of all orders left it open: on this connection it is asked about
    alone."""

    @property
    def is_unasked(self) -> bool:
        """Whether a question about all orders may stand for the one about this one."""
        return not (self.asked_ns or self.alone)

    def asked(self, request_id: str, at_ns: Nanos) -> None:
        """A question about it leaves."""
        self.unanswered = 1 if self.request_id else self.unanswered + 1
        self.request_id, self.asked_ns, self.unknown = request_id, at_ns, False
        self.tries += 1

    def forget_question(self) -> None:
        """It is asked anew: what was asked before is not answered any more."""
        self.request_id = ""
        self.asked_ns = 0
