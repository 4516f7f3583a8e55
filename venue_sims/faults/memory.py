"""What a venue remembers of its faults: how often each struck, what it still has to do.

Owns: the part of the venue's memory that only faults need.
May not know: books, FIX tags, sockets, how facts are booked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from venue_sims.commands import Command
from venue_sims.faults.facts import FaultPlanned
from venue_sims.reports import Report
from venue_sims.words import Liquidity, State


@dataclass(slots=True)
class Trade:
    """An execution that stands."""

    order_id: str
    quantity: int
    price: int
    liquidity: Liquidity
    fee_micros: int


@dataclass(slots=True)
class HeldReport:
    """A report that waits until the one of number `behind` of its session, or a later one, has
    left, at the latest until `until_ns`."""

    session: str
    report: Report
    behind: int
    until_ns: int
    free: bool = False


@dataclass(slots=True)
class HeldCommand:
    """A request that was answered as pending, until it is dealt with."""

    session: str
    order_id: str
    command: Command
    until_ns: int


@dataclass(slots=True)
class FaultMemory:
    """See the module: as it is, a part of a snapshot."""

    struck: dict[str, int] = field(default_factory=dict)
    planned: list[FaultPlanned] = field(default_factory=list)
    """By the time they are due."""
    reports: list[HeldReport] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    """Orders that go by another OrderID in their reports."""
    pending: dict[str, State] = field(default_factory=dict)
    """Orders with a request that was answered as pending, and how they are shown."""
    trades: dict[str, Trade] = field(default_factory=dict)
    """Executions that may still be busted or corrected, by ExecID."""

    def keep(self, known: set[str]) -> None:
        """Forget what is about other orders than these."""
        self.trades = {id_: each for id_, each in self.trades.items() if each.order_id in known}
        self.renamed = {name: shown for name, shown in self.renamed.items() if name in known}
        self.pending = {name: state for name, state in self.pending.items() if name in known}

    def passed(self, session: str, number: int) -> None:
        """This report of this session has left."""
        for held in self.reports:
            if held.session == session and number >= held.behind:
                held.free = True

    def released(self, session: str, now: int) -> HeldReport | None:
        """A report of this session that need not wait any longer."""
        for held in self.reports:
            if held.session == session and (held.free or held.until_ns <= now):
                return held
        return None

    def release_ns(self, session: str) -> int | None:
        """When the next held report of a session leaves whatever else does; 0: now."""
        return min(
            (0 if held.free else held.until_ns for held in self.reports if held.session == session),
            default=None,
        )
