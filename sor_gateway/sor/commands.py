"""What the router wants done: values that `Router.handle` returns and the engine carries out.

Owns: commands to venues, reports to clients, alarms for the operator.
May not know: FIX tags, sessions, sockets. The fold throws commands and alarms away (what they led
to stands in the journal as messages) and keeps reports for the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.sor.types import (
    DenyReason,
    Liquidity,
    Micros,
    Nanos,
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Shares,
    Side,
    TimeInForce,
)


@dataclass(slots=True)
class SendChild:
    """Send a new order to a venue."""

    venue: str
    child_id: str
    symbol: str
    side: Side
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    time_in_force: TimeInForce
    at_ns: Nanos
    post_only: bool = False
    """Refuse it rather than let it take."""
    min_quantity: Shares = 0
    """Execute no fewer shares at a time (FIX 110); 0 for any number."""
    is_iso: bool = False
    """An intermarket sweep order: what is better elsewhere is gone for in the same turn."""


@dataclass(slots=True)
class CancelChild:
    """Send a cancel request for a child."""

    venue: str
    child_id: str
    cancel_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Shares
    at_ns: Nanos


@dataclass(slots=True)
class AskChild:
    """Send a status request for a child."""

    venue: str
    child_id: str
    request_id: str
    venue_order_id: str
    symbol: str
    side: Side
    at_ns: Nanos


@dataclass(slots=True)
class AskVenue:
    """Send a status request for all our orders at a venue."""

    venue: str
    request_id: str
    at_ns: Nanos


@dataclass(slots=True)
class DenyExecution:
    """Tell a venue that an execution cannot be ours as it was reported (FIX Q). What it did to the
    books does not depend on it."""

    venue: str
    child_id: str
    venue_order_id: str
    exec_id: str
    """The venue's."""
    reason: DenyReason
    symbol: str
    side: Side
    quantity: Shares
    """Of the order."""
    last_quantity: Shares
    last_price_micros: Micros
    at_ns: Nanos


@dataclass(slots=True)
class Report:
    """Tell a client something about an order: a snapshot, complete in itself.

    It waits in the client's outbox, keyed by `exec_id`, until the client is proved to have it.
    """

    client: str
    kind: ReportKind
    exec_id: str
    """Ours (FIX 17); for cancel and replace refusals only the key of the outbox."""
    parent_id: str
    """Ours (FIX 37); empty when the order is unknown."""
    cl_ord_id: str
    orig_cl_ord_id: str
    symbol: str
    side: Side
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    time_in_force: TimeInForce
    state: ParentState
    """The state after what is reported, pending states included."""
    cum_quantity: Shares
    leaves_quantity: Shares
    """0 once the order is over."""
    cum_value_micros: Micros
    """Sum of quantity x price: AvgPx is this over cum_quantity, rounded when written."""
    at_ns: Nanos
    account: str = ""
    echo: dict[str, str] = field(default_factory=dict)
    last_quantity: Shares = 0
    last_price_micros: Micros = 0
    last_market: str = ""
    liquidity: Liquidity = Liquidity.UNKNOWN
    fee_micros: Micros = 0
    venue_exec_id: str = ""
    venue_order_id: str = ""
    reason: Reason = Reason.NONE
    text: str = ""
    request_id: str = ""
    """The client's (FIX 790), on answers to a status request."""
    ref_exec_id: str = ""
    """Ours of the fill that is taken back or corrected (FIX 19)."""
    suspended: bool = False
    """The order rests until it is released (FIX 39=9, unless a state of higher precedence)."""


@dataclass(slots=True)
class Alarm:
    """Something an operator has to see: one log line and a counter."""

    at_ns: Nanos
    code: str
    """A short stable name: `late-fill`, `over-fill`, `child-doubted`, ..."""
    text: str
    venue: str = ""
    parent_id: str = ""
    child_id: str = ""


Command = SendChild | CancelChild | AskChild | AskVenue | DenyExecution
Output = Command | Report | Alarm
