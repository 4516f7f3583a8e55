"""What clients ask of the venue, as received: facts, for they are recorded before they are dealt
with.

Owns: the typed form of D, F, G, H and q. Each waits out its inbound latency in the queue of its
session; `due_ns` says until when.
May not know: FIX tags, books.

Prices are micros, quantities shares, times wall-clock nanoseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.matching.orders import Lifetime, MinQtyMode
from venue_sims.words import Capacity, OrdType, Reason


@dataclass(slots=True)
class Terms:
    """What an order says of itself, and what is echoed in all its reports."""

    cl_ord_id: str
    symbol: str
    capacity: Capacity
    ord_type: OrdType
    quantity: int
    price: int | None = None
    lifetime: Lifetime = Lifetime.DAY
    min_qty: int = 0
    min_qty_mode: MinQtyMode = MinQtyMode.COMPOSITE
    hidden: bool = False
    post_only: bool = False
    self_match_id: str = ""
    account: str = ""


@dataclass(slots=True)
class OrderReceived:
    """A new order (D)."""

    session: str
    at_ns: int
    terms: Terms
    poss_resend: bool = False
    due_ns: int = 0


@dataclass(slots=True)
class OrderUnusable:
    """A new order (D) that this venue cannot even express: it is refused in its turn."""

    session: str
    at_ns: int
    terms: Terms
    reason: Reason
    text: str
    due_ns: int = 0


@dataclass(slots=True)
class CancelReceived:
    """A cancel request (F)."""

    session: str
    at_ns: int
    cl_ord_id: str
    orig_cl_ord_id: str
    symbol: str = ""
    due_ns: int = 0


@dataclass(slots=True)
class ReplaceReceived:
    """A replace request (G): the new total quantity and limit. `problem`: why it cannot be
    taken."""

    session: str
    at_ns: int
    cl_ord_id: str
    orig_cl_ord_id: str
    symbol: str
    quantity: int
    price: int | None
    min_qty: int | None = None
    """None: as it was."""
    problem: str = ""
    due_ns: int = 0


@dataclass(slots=True)
class StatusReceived:
    """A status request (H)."""

    session: str
    at_ns: int
    cl_ord_id: str
    order_id: str = ""
    status_id: str = ""
    symbol: str = ""
    capacity: Capacity = Capacity.BUY
    due_ns: int = 0


@dataclass(slots=True)
class MassCancelReceived:
    """A mass cancel request (q): empty `symbol` means all, `capacity` None both sides."""

    session: str
    at_ns: int
    cl_ord_id: str
    symbol: str = ""
    capacity: Capacity | None = None
    unsupported: str = ""
    """The scope (530) asked for, when it is one that this venue does not have."""
    due_ns: int = 0


Command = (
    OrderReceived
    | OrderUnusable
    | CancelReceived
    | ReplaceReceived
    | StatusReceived
    | MassCancelReceived
)

COMMANDS: tuple[type[Command], ...] = (
    OrderReceived,
    OrderUnusable,
    CancelReceived,
    ReplaceReceived,
    StatusReceived,
    MassCancelReceived,
)
