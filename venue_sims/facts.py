"""What the venue did: the facts of its journal. Folding them is the venue's memory.

Owns: the typed facts that `VenueState.apply` books; nothing is matched again to fold them.
May not know: books, FIX tags, sockets.

`report_at_ns` is when the report that a fact gives rise to leaves the venue: its latency was drawn
when the fact happened, so a fold draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.fix.facts import RANGE_FACTS
from venue_sims.commands import COMMANDS, Terms
from venue_sims.faults.facts import FAULT_FACTS
from venue_sims.words import Liquidity, Phase, Reason, Restatement


@dataclass(slots=True)
class OrderAccepted:
    """The first answer to the oldest command of the session, a new order."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str


@dataclass(slots=True)
class OrderRejected:
    """The first and last answer to the oldest command of the session, a new order. `duplicate`: its
    ClOrdID belongs to another order, which it does not touch."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str
    reason: Reason
    text: str
    duplicate: bool = False
    code: int | None = None
    """OrdRejReason (103), when it is not the reason's own."""


@dataclass(slots=True)
class Executed:
    """A client's order traded."""

    at_ns: int
    report_at_ns: int
    order_id: str
    exec_id: str
    quantity: int
    price: int
    liquidity: Liquidity
    fee_micros: int


@dataclass(slots=True)
class OrderCanceled:
    """The venue took an order out by itself."""

    at_ns: int
    report_at_ns: int
    order_id: str
    text: str
    expired: bool = False
    restatement: Restatement | None = None


@dataclass(slots=True)
class Restated:
    """The venue changed a live order by itself: `quantity` is what is left, `price` its limit."""

    at_ns: int
    report_at_ns: int
    order_id: str
    quantity: int
    price: int | None
    restatement: Restatement
    text: str


@dataclass(slots=True)
class Invited:
    """A conditional order is out, and its sender may answer with a firm one until the deadline."""

    at_ns: int
    report_at_ns: int
    order_id: str
    firm_up_id: str
    price: int
    deadline_ns: int


@dataclass(slots=True)
class CancelAccepted:
    """The answer to the oldest command of the session, a cancel request."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str


@dataclass(slots=True)
class Replaced:
    """The answer to the oldest command of the session, a replace request."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str
    terms: Terms
    """The order as it is from now on."""
    kept_priority: bool


@dataclass(slots=True)
class RequestRefused:
    """The answer to the oldest command of the session, a cancel or replace request. `order_id` is
    empty when no such order is known."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str
    reason: Reason
    text: str


@dataclass(slots=True)
class StatusAnswered:
    """The answer to the oldest command of the session, a status request or a new order that says
    it may be one sent again. `order_id` is empty when no such order is known."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str


@dataclass(slots=True)
class MassCanceled:
    """The answer to the oldest command of the session, a mass cancel request."""

    at_ns: int
    report_at_ns: int
    session: str
    order_ids: list[str]
    unknown_symbol: bool = False
    """Whether it was refused: its symbol does not trade here."""


@dataclass(slots=True)
class MassStatusAnswered:
    """The answer to the oldest command of the session, a mass status request: a report for each of
    these orders, or one that says that there is none."""

    at_ns: int
    report_at_ns: int
    session: str
    order_ids: list[str]


@dataclass(slots=True)
class LatentTraded:
    """A latent parent traded."""

    at_ns: int
    name: str
    quantity: int


@dataclass(slots=True)
class TradingHalted:
    """A symbol trades no more until it is resumed; at `resumes_ns` by itself, unless that is 0."""

    at_ns: int
    symbol: str
    reason: str
    resumes_ns: int = 0


@dataclass(slots=True)
class LimitStateEntered:
    """A symbol trades between two prices only, micros; at `pauses_ns` it is halted, unless it is
    resumed before (the limit state of LULD)."""

    at_ns: int
    symbol: str
    low: int
    high: int
    pauses_ns: int


@dataclass(slots=True)
class TradingResumed:
    """A symbol trades again, without bounds."""

    at_ns: int
    symbol: str


@dataclass(slots=True)
class PhaseChanged:
    """The venue's trading session went on to another phase."""

    at_ns: int
    phase: Phase


News = TradingHalted | LimitStateEntered | TradingResumed | PhaseChanged
"""What all clients may be told of."""


@dataclass(slots=True)
class EpochStarted:
    """The numbers of a session started again at 1."""

    session: str
    epoch: int
    reset_pending: bool


@dataclass(slots=True)
class TradeDenied:
    """A client does not know a trade that it was told of (Q): for the audit. `reason` as FIX 127
    has it."""

    at_ns: int
    session: str
    order_id: str
    exec_id: str
    reason: str
    text: str = ""


@dataclass(slots=True)
class Operated:
    """Somebody changed something over the control socket: for the audit."""

    at_ns: int
    line: str


@dataclass(slots=True)
class ClientCame:
    """A client has logged on. Books nothing: it is an input, for whoever replays the journal."""

    at_ns: int
    session: str


@dataclass(slots=True)
class ClientLeft:
    """A client's line is gone. Books nothing, as `ClientCame`."""

    at_ns: int
    session: str


@dataclass(slots=True)
class VenueOpened:
    """A life of the venue begins, with this market: for the audit, and for a replay."""

    at_ns: int
    seed: int
    t0_ns: int
    scale_milli: int


@dataclass(slots=True)
class FellBehind:
    """A turn did not live through all that was due, or flows left something out: for a replay.
    `lived_ns`: up to when the venue had lived before that turn; 0: no further than its last
    record says."""

    at_ns: int
    lived_ns: int


VenueFact = (
    OrderAccepted
    | OrderRejected
    | Executed
    | OrderCanceled
    | Restated
    | Invited
    | CancelAccepted
    | Replaced
    | RequestRefused
    | StatusAnswered
    | MassCanceled
    | MassStatusAnswered
    | LatentTraded
    | ClientCame
    | ClientLeft
    | News
)

FACTS: tuple[type, ...] = (
    *COMMANDS,
    OrderAccepted,
    OrderRejected,
    Executed,
    OrderCanceled,
    Restated,
    Invited,
    CancelAccepted,
    Replaced,
    RequestRefused,
    StatusAnswered,
    MassCanceled,
    MassStatusAnswered,
    LatentTraded,
    TradingHalted,
    LimitStateEntered,
    TradingResumed,
    PhaseChanged,
    EpochStarted,
    TradeDenied,
    Operated,
    ClientCame,
    ClientLeft,
    VenueOpened,
    FellBehind,
    *FAULT_FACTS,
    *RANGE_FACTS,
)
"""Every fact there is, for the journal's codec."""

AUDIT_FACTS: Final = (Operated, TradeDenied, VenueOpened, FellBehind)
"""What the venue's memory has no part in."""
