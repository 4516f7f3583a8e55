"""What clients ask of the venue, as received: facts, for they are recorded before they are dealt
with.

Owns: the typed form of D, F, G, H, q and AF. Each waits out its inbound latency in the queue of its
session; `due_ns` says until when.
May not know: FIX tags, books.

Prices are micros, quantities shares, times wall-clock nanoseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.matching.orders import Lifetime, Manner, MinQtyMode
from venue_sims.words import Capacity, OrdType, Reason


@dataclass(slots=True)
class Terms:
    """What an order says of itself, and what is echoed in all its reports. Not changed any more
    once the venue has received it: command, order and reports share it."""

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
    max_floor: int = 0
    """Shares shown at a time; 0: no reserve."""
    manner: Manner = Manner.PLAIN
    peg_offset: int = 0
    firm_up_id: str = ""
    """The invitation that it answers."""
    self_match_id: str = ""
    account: str = ""
    side: str = ""
    """Side (54) as it came, when it is one that the venue does not take."""


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
    """A replace request (G): the new total quantity and limit, and what else may change (None: as
    it was). `problem`: why it cannot be taken. What may not change stands at its end, as far as the
    request says it."""

    session: str
    at_ns: int
    cl_ord_id: str
    orig_cl_ord_id: str
    symbol: str
    quantity: int
    price: int | None
    min_qty: int | None = None
    max_floor: int | None = None
    """Shares shown at a time; 0: no reserve, and `hidden` says whether all of it is."""
    hidden: bool = False
    manner: Manner | None = None
    problem: str = ""
    due_ns: int = 0
    capacity: Capacity | None = None
    ord_type: OrdType | None = None
    """Any peg stands for all of them."""
    lifetime: Lifetime | None = None


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


@dataclass(slots=True)
class MassStatusReceived:
    """A mass status request (AF): empty `symbol` means all, `capacity` None both sides."""

    session: str
    at_ns: int
    request_id: str
    symbol: str = ""
    capacity: Capacity | None = None
    due_ns: int = 0


Command = (
    OrderReceived
    | OrderUnusable
    | CancelReceived
    | ReplaceReceived
    | StatusReceived
    | MassCancelReceived
    | MassStatusReceived
)

COMMANDS: tuple[type[Command], ...] = (
    OrderReceived,
    OrderUnusable,
    CancelReceived,
    ReplaceReceived,
    StatusReceived,
    MassCancelReceived,
    MassStatusReceived,
)
