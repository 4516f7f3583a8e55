"""What the engine counts of itself and of its sessions.

Owns: plain figures, read at scrape time. May not know: Prometheus, turns. None of them is ever
read to decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from sor_gateway.fix.store import Consumed, Sent
from sor_gateway.fix.tags import MsgType
from sor_gateway.histogram import DurationHistogram
from sor_gateway.sor.commands import Report
from sor_gateway.sor.decisions import ChildPlanned, Decision, WaveStarted
from sor_gateway.sor.events import Fact, VenueFact
from sor_gateway.sor.types import Micros, Stage

OTHER: Final = "other"
"""Stands for every message type that is no known one: a peer may send what it likes."""
MSG_TYPES: Final = (*(text for name, text in vars(MsgType).items() if name.isupper()), OTHER)
ALARM_CODES: Final = (
    "cancel-given-up",
    "cancel-refused",
    "cancel-repeated",
    "cancel-stuck",
    "cancelled-unasked",
    "child-assumed-dead",
    "child-doubted",
    "child-rejected",
    "child-reopened",
    "child-resolved",
    "child-restated",
    "child-unknown",
    "children-doubted",
    "clock-skew",
    "contradicting-report",
    "dispute-settled",
    "excess-exposure",
    "exec-id-reused",
    "executed-less-than-booked",
    "execution-denied",
    "execution-disputed",
    "fee-surprise",
    "journal-tail-proved",
    "journal-tail-suspect",
    "kill-switch",
    "late-fill",
    "mass-status-broken",
    "mass-status-refused",
    "orders-suspended",
    "over-fill",
    "quarantine-ended",
    "released-child-lives",
    "request-overdue",
    "request-waits",
    "restated-beyond-order",
    "revision-unknown",
    "status-repeated",
    "symbol-halted",
    "symbol-resumed",
    "trade-busted",
    "trade-corrected",
    "unknown-child",
    "unreported-fill",
    "unreported-fill-netted",
    "unusable",
    "venue-closed",
    "venue-congested",
    "venue-quarantined",
    "venue-rests",
    "venue-session-closed",
    "venue-session-opened",
)
"""All there are. Each is exposed from the start: of a counter that appears with its first alarm
Prometheus sees no increase."""

DECISIONS: Final = tuple(fact.__name__ for fact in get_args(Decision))


def _by_msg_type() -> dict[str, int]:
    return dict.fromkeys(MSG_TYPES, 0)


@dataclass(slots=True)
class SessionCounters:
    """Plain integers of one session."""

    received: dict[str, int] = field(default_factory=_by_msg_type)
    """Messages consumed, by MsgType (35)."""
    sent: dict[str, int] = field(default_factory=_by_msg_type)
    """Messages numbered, by MsgType (35)."""
    incidents: dict[str, int] = field(default_factory=dict)
    """By code."""
    logons: int = 0
    skips: int = 0
    """Runs of the peer's numbers that were passed over."""

    def count(self, received: Sequence[Consumed], sent: Sequence[Sent]) -> None:
        """These messages came and went."""
        for consumed in received:
            msg_type = consumed.msg_type
            self.received[msg_type if msg_type in self.received else OTHER] += 1
        for gone in sent:
            msg_type = gone.msg_type
            self.sent[msg_type if msg_type in self.sent else OTHER] += 1

    @property
    def gaps(self) -> int:
        """Gaps found in the peer's numbers: each makes a ResendRequest."""
        return self.sent[MsgType.RESEND_REQUEST]


@dataclass(slots=True)
class Traded:
    """What was executed at one venue since the process began."""

    fills: int = 0
    shares: int = 0
    fees_micros: Micros = 0


@dataclass(slots=True)
class Scored:
    """How a venue looked when a child was last sent there."""

    display: float
    """0 to 10."""
    cost_micros: Micros
    """Expected net cost per share."""


@dataclass(slots=True)
class TurnCounters:
    """Plain figures of the engine."""

    records: int = 0
    last_record_ns: int = 0
    stalls: int = 0
    durations: DurationHistogram = field(default_factory=DurationHistogram)
    """Of turns."""
    deciding: DurationHistogram = field(default_factory=DurationHistogram)
    """Of `Router.decide`, where something was decided."""
    decisions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DECISIONS, 0))
    """By the name of the fact."""
    waves: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    alarms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALARM_CODES, 0))
    """By code."""
    traded: dict[str, Traded] = field(default_factory=dict)
    """By venue."""
    scores: dict[str, Scored] = field(default_factory=dict)
    """By venue."""

    def alarm(self, code: str) -> None:
        """An operator has to see something."""
        self.alarms[code] = self.alarms.get(code, 0) + 1

    def decided(self, decisions: Sequence[Decision], duration_ns: int) -> None:
        """The router decided this, and took so long for it."""
        self.deciding.observe(duration_ns)
        for decision in decisions:
            self.decisions[type(decision).__name__] += 1
            if isinstance(decision, ChildPlanned):
                scored = Scored(decision.display_score, decision.cost_micros)
                self.scores[decision.venue] = scored
            elif isinstance(decision, WaveStarted):
                self.waves[decision.stage] += 1

    def filled(self, fact: Fact, report: Report) -> None:
        """A client is told of an execution: at the venue whose word it was, else at our own
        market."""
        venue = fact.venue if isinstance(fact, VenueFact) else report.last_market
        traded = self.traded.get(venue)
        if traded is None:
            traded = self.traded[venue] = Traded()
        traded.fills += 1
        traded.shares += report.last_quantity
        traded.fees_micros += report.fee_micros
