"""What faults did: the facts of the venue's journal that only faults give rise to.

Owns: the typed facts that `FaultBooking` books.
May not know: how a fault came to it, FIX tags, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from venue_sims.words import Liquidity


@dataclass(slots=True)
class FaultSet:
    """Somebody set a fault, or took it away, at a running venue: it counts from 0."""

    at_ns: int
    fault: str
    settings: str
    """As it was asked for; empty: it is off."""


@dataclass(slots=True)
class FaultStruck:
    """A fault happened. `what`: to whom or what."""

    at_ns: int
    fault: str
    what: str = ""


@dataclass(slots=True)
class FaultPlanned:
    """A fault that struck has a consequence later. Which of these says anything is the fault's."""

    at_ns: int
    due_ns: int
    fault: str
    order_id: str = ""
    exec_id: str = ""
    symbol: str = ""
    session: str = ""
    quantity: int = 0
    ticks: int = 0
    text: str = ""


@dataclass(slots=True)
class PlanDone:
    """The consequence that was due first has been dealt with."""

    at_ns: int


@dataclass(slots=True)
class CommandSwallowed:
    """The oldest command of the session is gone and will never be answered."""

    at_ns: int
    session: str


@dataclass(slots=True)
class CommandHeld:
    """The oldest command of the session, a cancel or replace request, is answered as pending. It
    is dealt with at `until_ns`; 0: never."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str
    until_ns: int


@dataclass(slots=True)
class CommandReturned:
    """The command that was held and is due first is the oldest of its session again."""

    at_ns: int


@dataclass(slots=True)
class OrderHeld:
    """The oldest command of the session, a new order, is answered as pending. It is known, and out
    of the book until `until_ns`; 0: for ever."""

    at_ns: int
    report_at_ns: int
    session: str
    order_id: str


@dataclass(slots=True)
class OrderActivated:
    """An order that was pending is in the book."""

    at_ns: int
    report_at_ns: int
    order_id: str


@dataclass(slots=True)
class LateExecuted:
    """An order traded although it was reported as over; it stays over."""

    at_ns: int
    report_at_ns: int
    order_id: str
    exec_id: str
    quantity: int
    price: int
    liquidity: Liquidity
    fee_micros: int


@dataclass(slots=True)
class TradeBusted:
    """A trade is taken back, with its fee. What is left of a live order is more by that."""

    at_ns: int
    report_at_ns: int
    exec_id: str
    ref_exec_id: str


@dataclass(slots=True)
class TradeCorrected:
    """A trade is another than was said. From now on it goes by the new id."""

    at_ns: int
    report_at_ns: int
    exec_id: str
    ref_exec_id: str
    quantity: int
    price: int
    fee_micros: int


@dataclass(slots=True)
class ReportHeld:
    """The oldest report of a session waits until so many others have left, at the latest until
    `until_ns`."""

    at_ns: int
    session: str
    number: int
    behind: int
    until_ns: int


@dataclass(slots=True)
class ReportReleased:
    """A report that was held is the oldest of its session again."""

    at_ns: int
    session: str
    number: int


@dataclass(slots=True)
class ReportDropped:
    """The oldest report of a session will never leave."""

    at_ns: int
    session: str
    number: int


@dataclass(slots=True)
class OrderRenamed:
    """All further reports of an order carry another OrderID."""

    at_ns: int
    order_id: str
    shown_id: str


class Lost(StrEnum):
    """What a restart forgets."""

    NOTHING = "nothing"
    OUTBOUND = "outbound"
    """Reports that were not sent, and what was sent."""
    INBOUND = "inbound"
    """Commands that were not dealt with."""
    ORDERS = "orders"
    ALL = "all"


class Reset(StrEnum):
    """How sessions number after a restart."""

    NONE = "none"
    """As before."""
    LOW = "low"
    """Lower than before, as if nothing were wrong."""
    FLAG = "141"
    """From 1, with 141=Y."""


@dataclass(slots=True)
class MemoryLost:
    """The venue died, and from here on its memory is without this. Written as the last of a life:
    it is booked by the fold alone. `undone`: trades that nobody was told of, and which with their
    orders never were. `back`: how much lower numbers are; 0: they begin at 1."""

    at_ns: int
    down_ns: int
    lose: Lost
    reset: Reset
    back: int = 0
    undone: list[str] = field(default_factory=list)


FaultFact = (
    FaultSet
    | FaultStruck
    | FaultPlanned
    | PlanDone
    | CommandSwallowed
    | CommandHeld
    | CommandReturned
    | OrderHeld
    | OrderActivated
    | LateExecuted
    | TradeBusted
    | TradeCorrected
    | ReportHeld
    | ReportReleased
    | ReportDropped
    | OrderRenamed
)

FAULT_FACTS: Final[tuple[type, ...]] = (
    FaultSet,
    FaultStruck,
    FaultPlanned,
    PlanDone,
    CommandSwallowed,
    CommandHeld,
    CommandReturned,
    OrderHeld,
    OrderActivated,
    LateExecuted,
    TradeBusted,
    TradeCorrected,
    ReportHeld,
    ReportReleased,
    ReportDropped,
    OrderRenamed,
    MemoryLost,
)
"""Every fact here, for the journal's codec."""
