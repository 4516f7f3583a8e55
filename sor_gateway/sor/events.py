"""The facts of the router: everything that moves its state, and nothing that does not.

Owns: the records of what comes from outside (translation, the proofs of the session layer, the
operator), and the list of all facts that the journal keeps and the fold reads. Decisions
(decisions.py) come from `Router.decide` and are applied by `Router.handle` like any other fact, so
a replay of the facts *is* the state.
May not know: FIX tags, sessions, sockets, files.

A fact's class name is its name in the journal. A new field takes a default, so that yesterday's
journal can still be read; a changed meaning takes a new class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from sor_gateway.sor.days import DayBegan
from sor_gateway.sor.decisions import Decision
from sor_gateway.sor.disputes import DisputeSettled, ExecutionDisputed
from sor_gateway.sor.outages import OrdersReleased, OutageEnded
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    Micros,
    Nanos,
    OrdType,
    Reason,
    Shares,
    Side,
    TimeInForce,
)

# --- from clients -------------------------------------------------------------------------


@dataclass(slots=True)
class ParentSubmitted:
    """A client sent a new order that could be read."""

    at_ns: Nanos
    parent_id: str
    """Ours (FIX 37 towards the client); taken from `Router.next_parent_id()`."""
    client: str
    """The name of the client's session."""
    cl_ord_id: str
    symbol: str
    side: Side
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    time_in_force: TimeInForce
    strategy: str
    """Name of a preset in strategies.toml; empty means the default."""
    account: str = ""
    echo: dict[str, str] = field(default_factory=dict)
    """What has to be given back on each report; opaque to the router."""
    poss_resend: bool = False
    sent_ns: Nanos = 0
    """When the client says that it sent it; 0 when it did not say."""
    expires_ns: Nanos = 0
    """When a Day order ends: the close of its trading day; 0 for a market that never closes."""
    day_ends_ns: Nanos = 0
    """The same of any order, for its children; 0: as `expires_ns`."""


@dataclass(slots=True)
class ParentUnreadable:
    """A client sent a new order that is well-formed FIX and makes no order: it is rejected."""

    at_ns: Nanos
    parent_id: str
    client: str
    cl_ord_id: str
    symbol: str
    side: Side
    quantity: Shares
    reason: Reason
    text: str
    echo: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class CancelRequested:
    """A client wants an order cancelled (FIX F)."""

    at_ns: Nanos
    client: str
    cl_ord_id: str
    orig_cl_ord_id: str
    echo: dict[str, str] = field(default_factory=dict)
    poss_resend: bool = False


@dataclass(slots=True)
class ReplaceRequested:
    """A client wants other terms (FIX G). Quantity is the total, executed shares included."""

    at_ns: Nanos
    client: str
    cl_ord_id: str
    orig_cl_ord_id: str
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    echo: dict[str, str] = field(default_factory=dict)
    poss_resend: bool = False


@dataclass(slots=True)
class AmendUnreadable:
    """A cancel or replace request that is well-formed FIX and cannot be acted on."""

    at_ns: Nanos
    client: str
    cl_ord_id: str
    orig_cl_ord_id: str
    is_replace: bool
    reason: Reason
    text: str
    echo: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StatusRequested:
    """A client asks how an order stands (FIX H)."""

    at_ns: Nanos
    client: str
    cl_ord_id: str
    request_id: str = ""
    echo: dict[str, str] = field(default_factory=dict)


# --- from venues --------------------------------------------------------------------------


@dataclass(slots=True)
class ChildAccepted:
    """The venue acknowledged a child."""

    at_ns: Nanos
    venue: str
    child_id: str
    venue_order_id: str


@dataclass(slots=True)
class ChildFilled:
    """The venue executed part or all of a child."""

    at_ns: Nanos
    venue: str
    child_id: str
    exec_id: str
    """The venue's (FIX 17)."""
    quantity: Shares
    price_micros: Micros
    cum_quantity: Shares
    """The venue's total for this child, this fill included (FIX 14)."""
    leaves_quantity: Shares
    liquidity: Liquidity
    fee_micros: Micros
    """For the whole fill; a rebate is negative. From the report, else from the fee schedule."""
    last_market: str
    transact_ns: Nanos = 0
    venue_order_id: str = ""
    avg_price_micros: Micros = 0
    """Over `cum_quantity` (FIX 6): prices what we were not told (recovery.md 3.6); 0: unsaid."""
    side: Side | None = None
    """As the report has it (FIX 54); None: unsaid."""
    fee_surprise_micros: Micros = 0
    """The reported fee less what the schedule says; 0 too when none was reported."""


@dataclass(slots=True)
class FillRevised:
    """The venue takes an execution back, or corrects it (FIX 150=H and G; on 4.2 20=1 and 2)."""

    at_ns: Nanos
    venue: str
    child_id: str
    exec_id: str
    """Of this report (FIX 17)."""
    ref_exec_id: str
    """Of the execution, or of its last correction (FIX 19)."""
    quantity: Shares
    """What was executed after all; 0: nothing, the execution is bust."""
    price_micros: Micros
    cum_quantity: Shares
    leaves_quantity: Shares
    fee_micros: Micros = 0
    """For the whole execution as it stands now."""
    text: str = ""
    fee_surprise_micros: Micros = 0
    """The reported fee less what the schedule says, as of a fill."""


@dataclass(slots=True)
class ChildRestated:
    """The venue changed a live child by itself (FIX 150=D): its quantity, its price."""

    at_ns: Nanos
    venue: str
    child_id: str
    cum_quantity: Shares
    leaves_quantity: Shares
    """More than 0: without anything open it is a ChildEnded."""
    limit_micros: Micros | None
    """Where the venue works it now (FIX 44); None: unsaid."""
    text: str = ""
    avg_price_micros: Micros = 0
    """Over `cum_quantity` (FIX 6); 0: unsaid."""


@dataclass(slots=True)
class ChildEnded:
    """The venue says that a child is over without (further) execution."""

    at_ns: Nanos
    venue: str
    child_id: str
    how: ChildState
    """CANCELED, EXPIRED or REJECTED."""
    cum_quantity: Shares
    reason: Reason = Reason.NONE
    text: str = ""
    avg_price_micros: Micros = 0
    """Over `cum_quantity` (FIX 6); 0: unsaid."""


@dataclass(slots=True)
class ChildCancelRefused:
    """The venue refused to cancel a child (FIX 9)."""

    at_ns: Nanos
    venue: str
    child_id: str
    known: bool
    """False when the venue says that it does not know the order."""
    text: str = ""


@dataclass(slots=True)
class ChildStatusReported:
    """The venue answered our status request for a child (FIX H), or for all of them (AF): then
    `child_id` is empty when it has none."""

    at_ns: Nanos
    venue: str
    child_id: str
    request_id: str
    """Ours (FIX 790, 584), empty when the dialect has none."""
    known: bool
    live: bool
    cum_quantity: Shares = 0
    avg_price_micros: Micros = 0
    how: ChildState = ChildState.LIVE
    """When known and not live: the terminal state."""
    cancel_pending: bool = False
    """When live: the venue is working on our cancel (FIX 39=6)."""
    quantity: Shares = 0
    """Of the order, as the venue has it; 0: unsaid."""
    of_all: bool = False
    """A part of the answer to a request for all orders; what follows stands there only."""
    total: int = 0
    """How many orders that answer is about (FIX 911)."""
    last: bool = False
    """It ends that answer (FIX 912)."""
    venue_order_id: str = ""
    symbol: str = ""
    side: Side | None = None


@dataclass(slots=True)
class MassStatusRefused:
    """The venue does not take our request for all orders (FIX AF)."""

    at_ns: Nanos
    venue: str
    request_id: str
    text: str = ""


@dataclass(slots=True)
class ChildVoided:
    """A child's order message was asked for again and gap-filled: it can no longer arrive
    as itself. Proves nothing alone (recovery.md 3.1)."""

    at_ns: Nanos
    venue: str
    child_id: str
    epoch: int
    before_synchronised: bool
    """True notes `asked (epoch)`: a later marker and an unknown-order answer release it."""


@dataclass(slots=True)
class ChildrenDoubted:
    """Live children of a venue may not be what we think (recovery.md 3.3, 3.4, a new epoch)."""

    at_ns: Nanos
    venue: str
    cause: str
    child_ids: list[str] = field(default_factory=list)
    """Empty: all that are live there."""
    epoch_ended: bool = False
    """True when the venue session began a new epoch: cancels under way are dead."""
    notes_stand: bool = False
    """True when the venue only passed over numbers (recovery.md 3.4); otherwise it may have
    forgotten (3.3, a new epoch) and the notes `asked (epoch)` are wiped."""


@dataclass(slots=True)
class VenueOpened:
    """A venue's order session is SYNCHRONISED: orders may leave."""

    at_ns: Nanos
    venue: str
    epoch: int


@dataclass(slots=True)
class VenueClosed:
    """A venue's order session is not usable."""

    at_ns: Nanos
    venue: str
    cause: str


@dataclass(slots=True)
class VenueCongested:
    """A venue leaves what we send it unread (or reads again): it is not routable until it does
    (recovery.md 3.10). Cancels and questions still go there."""

    at_ns: Nanos
    venue: str
    congested: bool
    waiting_bytes: int = 0


@dataclass(slots=True)
class SymbolStatusChanged:
    """A venue stopped or resumed trading a symbol, or told its price bands (FIX 35=f)."""

    at_ns: Nanos
    venue: str
    symbol: str
    halted: bool
    text: str
    low_micros: Micros = 0
    """No order below it; 0 for no band."""
    high_micros: Micros = 0
    """No order above it; 0 for no band."""
    session: str = ""
    """Of the venue, which told it; empty: its order session, which has the venue's name."""


@dataclass(slots=True)
class SessionStatusChanged:
    """A venue's trading session opened or closed (FIX 35=h)."""

    at_ns: Nanos
    venue: str
    open: bool
    text: str
    session: str = ""
    """Of the venue, which told it; empty: its order session."""


@dataclass(slots=True)
class StatusLapsed:
    """A session of a venue is over: what it told of halts, bands and the trading session holds no
    more. What another session of the venue told does."""

    at_ns: Nanos
    venue: str
    session: str
    cause: str


# --- from the operator and the process ----------------------------------------------------


@dataclass(slots=True)
class KillSwitched:
    """The operator stopped (or released) all flow."""

    at_ns: Nanos
    on: bool
    reason: str


@dataclass(slots=True)
class ClientDisconnected:
    """The session of a client ended whose orders are to end with it."""

    at_ns: Nanos
    client: str
    cause: str


@dataclass(slots=True)
class FlowStopped:
    """The process is about to end: no new children, live ones are pulled, parents stay."""

    at_ns: Nanos
    reason: str


@dataclass(slots=True)
class ChildResolved:
    """The operator ends a doubt that the venue does not end (recovery.md 3.5)."""

    at_ns: Nanos
    child_id: str
    cum_quantity: Shares
    """What the venue executed of it in all, as the operator knows."""
    reason: str
    price_micros: Micros = 0
    """Of what was not reported; 0: not known."""


@dataclass(slots=True)
class VenueQuarantined:
    """The operator takes a venue out of routing, or lets it back in."""

    at_ns: Nanos
    venue: str
    on: bool
    reason: str


@dataclass(slots=True)
class Restarted:
    """The process came up. Each id counter skips to the end of its reserved block."""

    at_ns: Nanos
    boot_id: str
    tail_suspect: bool = False
    """The machine restarted too: the journal's tail may be gone (recovery.md 1.5)."""
    unfolded: str = ""
    """Why the journal could not be folded. Until the next start this record decides by what may
    live at venues, not by the books (recovery.md 1.7, daemon/cancel_only.py)."""


@dataclass(slots=True)
class IdsReserved:
    """A block of ids was made durable before any of it is used (recovery.md 1.5)."""

    at_ns: Nanos
    through: int
    """Ids up to and including this number may be used."""


ClientFact = (
    ParentSubmitted
    | ParentUnreadable
    | CancelRequested
    | ReplaceRequested
    | AmendUnreadable
    | StatusRequested
    | ExecutionDisputed
)
VenueFact = (
    ChildAccepted
    | ChildFilled
    | FillRevised
    | ChildRestated
    | ChildEnded
    | ChildCancelRefused
    | ChildStatusReported
    | MassStatusRefused
    | ChildVoided
    | ChildrenDoubted
    | VenueOpened
    | VenueClosed
    | VenueCongested
    | SymbolStatusChanged
    | SessionStatusChanged
    | StatusLapsed
)
OperatorFact = (
    KillSwitched
    | FlowStopped
    | Restarted
    | IdsReserved
    | ClientDisconnected
    | OutageEnded
    | OrdersReleased
    | ChildResolved
    | VenueQuarantined
    | DisputeSettled
    | DayBegan
)
Fact = ClientFact | VenueFact | OperatorFact | Decision

FACTS: tuple[type[Fact], ...] = get_args(Fact)
"""Every fact there is, for the journal's codec."""
