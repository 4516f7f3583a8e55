"""Parent and child orders: their records, their two life-cycle tables, worst-case exposure.

Owns: what is known of an order and which move is allowed in which state.
May not know: why a move is made (router.py and the files it calls), prices, settings, FIX.

Theory of operation. A *parent* is the client's order; a *child* is ours at a venue. A child is
*open* from the moment it is planned until it is proved over; an open child counts with everything
that it may still fill, in doubt or not (recovery.md, "in doubt"). So at every instant

    cum + exposure + new <= quantity        exposure = sum over open children of quantity - cum

holds whenever a child is sent (recovery.md 3.8); only a venue's own act can break it. Both tables
list what may happen; a row that is not there is a bug of ours. What a *venue* may say has a row in
every state of a child, because venues say everything once.

A parent and a child each split into the account of it, which stays for some days (late fills,
duplicates, status requests), and what is needed only while it is open (`Work`, `Flight`), which is
dropped at its end: finished orders stay small and are never scanned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.estimators.hidden import Run
from sor_gateway.sor.executed import EXECS_KEPT, Executed, Missing, Piece, Revisions, net
from sor_gateway.sor.types import (
    ChildState,
    Micros,
    Nanos,
    OrdType,
    ParentState,
    Shares,
    Side,
    Stage,
    TimeInForce,
)

REJECTS_MAX: Final = 3
"""A venue that rejects this many children of a parent in a row is left out for a while."""


class ParentEvent(StrEnum):
    """What can happen to a parent."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    ASK_CANCEL = "ask-cancel"
    REFUSE_CANCEL = "refuse-cancel"
    ASK_REPLACE = "ask-replace"
    REPLACE = "replace"
    REPLACE_TO_FILLED = "replace-to-filled"
    """The new quantity is what was executed already (decisions.md)."""
    REFUSE_REPLACE = "refuse-replace"
    FILL = "fill"
    FILL_ALL = "fill-all"
    BUST = "bust"
    """An execution is taken back, and less than all is executed."""
    CANCEL = "cancel"
    EXPIRE = "expire"


class ChildEvent(StrEnum):
    """What can happen to a child."""

    ACCEPT = "accept"
    FILL = "fill"
    FILL_ALL = "fill-all"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REJECT = "reject"
    RELEASE = "release"
    REOPEN = "reopen"
    """An execution is taken back, and the venue works the order again."""


_P = ParentState
_PE = ParentEvent

PARENT_TABLE: Final[dict[tuple[ParentState, ParentEvent], ParentState]] = {
    (_P.RECEIVED, _PE.ACCEPT): _P.WORKING,
    (_P.RECEIVED, _PE.REFUSE): _P.REJECTED,
    (_P.WORKING, _PE.ASK_CANCEL): _P.PENDING_CANCEL,
    (_P.WORKING, _PE.ASK_REPLACE): _P.PENDING_REPLACE,
    (_P.WORKING, _PE.FILL): _P.WORKING,
    (_P.WORKING, _PE.FILL_ALL): _P.FILLED,
    (_P.WORKING, _PE.CANCEL): _P.CANCELED,
    (_P.WORKING, _PE.EXPIRE): _P.EXPIRED,
    # The pending states have precedence over what fills do, while anything is left (fix.md 3.2).
    (_P.PENDING_CANCEL, _PE.FILL): _P.PENDING_CANCEL,
    (_P.PENDING_CANCEL, _PE.REFUSE_CANCEL): _P.WORKING,
    (_P.PENDING_CANCEL, _PE.FILL_ALL): _P.FILLED,
    (_P.PENDING_CANCEL, _PE.CANCEL): _P.CANCELED,
    (_P.PENDING_CANCEL, _PE.EXPIRE): _P.EXPIRED,
    (_P.PENDING_REPLACE, _PE.FILL): _P.PENDING_REPLACE,
    (_P.PENDING_REPLACE, _PE.FILL_ALL): _P.FILLED,
    (_P.PENDING_REPLACE, _PE.REPLACE): _P.WORKING,
    (_P.PENDING_REPLACE, _PE.REPLACE_TO_FILLED): _P.FILLED,
    (_P.PENDING_REPLACE, _PE.REFUSE_REPLACE): _P.WORKING,
    # The operator's kill switch does not wait for a replace.
    (_P.PENDING_REPLACE, _PE.CANCEL): _P.CANCELED,
    (_P.PENDING_REPLACE, _PE.EXPIRE): _P.EXPIRED,
    # A venue fills what it had called cancelled, or more than was ordered: real, and reported.
    (_P.FILLED, _PE.FILL): _P.FILLED,
    (_P.FILLED, _PE.FILL_ALL): _P.FILLED,
    (_P.CANCELED, _PE.FILL): _P.CANCELED,
    (_P.CANCELED, _PE.FILL_ALL): _P.CANCELED,
    (_P.EXPIRED, _PE.FILL): _P.EXPIRED,
    (_P.EXPIRED, _PE.FILL_ALL): _P.EXPIRED,
    # A bust gives a working order its shares back. One that is over stays over (venues.md F6): what
    # of a filled one is not executed after all is as good as cancelled.
    (_P.WORKING, _PE.BUST): _P.WORKING,
    (_P.PENDING_CANCEL, _PE.BUST): _P.PENDING_CANCEL,
    (_P.PENDING_REPLACE, _PE.BUST): _P.PENDING_REPLACE,
    (_P.FILLED, _PE.BUST): _P.CANCELED,
    (_P.CANCELED, _PE.BUST): _P.CANCELED,
    (_P.EXPIRED, _PE.BUST): _P.EXPIRED,
}

_C = ChildState
_CE = ChildEvent

CHILD_TABLE: Final[dict[tuple[ChildState, ChildEvent], ChildState]] = {
    (_C.PENDING_NEW, _CE.ACCEPT): _C.LIVE,
    (_C.PENDING_NEW, _CE.FILL): _C.LIVE,  # the acknowledgement was lost or never sent
    (_C.PENDING_NEW, _CE.FILL_ALL): _C.FILLED,
    (_C.PENDING_NEW, _CE.CANCEL): _C.CANCELED,
    (_C.PENDING_NEW, _CE.EXPIRE): _C.EXPIRED,
    (_C.PENDING_NEW, _CE.REJECT): _C.REJECTED,
    (_C.PENDING_NEW, _CE.RELEASE): _C.RELEASED,
    (_C.LIVE, _CE.ACCEPT): _C.LIVE,
    (_C.LIVE, _CE.FILL): _C.LIVE,
    (_C.LIVE, _CE.FILL_ALL): _C.FILLED,
    (_C.LIVE, _CE.CANCEL): _C.CANCELED,
    (_C.LIVE, _CE.EXPIRE): _C.EXPIRED,
    (_C.LIVE, _CE.REJECT): _C.REJECTED,  # accepted, then refused by a second gate of the venue
    (_C.LIVE, _CE.RELEASE): _C.RELEASED,  # the venue forgot it, and its `unknown` is final
    # A venue that repeats or contradicts itself after the end: the first end stands.
    (_C.FILLED, _CE.ACCEPT): _C.FILLED,
    (_C.FILLED, _CE.FILL): _C.FILLED,
    (_C.FILLED, _CE.FILL_ALL): _C.FILLED,  # an over-fill
    (_C.FILLED, _CE.CANCEL): _C.FILLED,
    (_C.FILLED, _CE.EXPIRE): _C.FILLED,
    (_C.FILLED, _CE.REJECT): _C.FILLED,
    (_C.CANCELED, _CE.ACCEPT): _C.CANCELED,
    (_C.CANCELED, _CE.FILL): _C.CANCELED,  # a late fill is booked, and brings nothing to life
    (_C.CANCELED, _CE.FILL_ALL): _C.CANCELED,
    (_C.CANCELED, _CE.CANCEL): _C.CANCELED,
    (_C.CANCELED, _CE.EXPIRE): _C.CANCELED,
    (_C.CANCELED, _CE.REJECT): _C.CANCELED,
    (_C.EXPIRED, _CE.ACCEPT): _C.EXPIRED,
    (_C.EXPIRED, _CE.FILL): _C.EXPIRED,
    (_C.EXPIRED, _CE.FILL_ALL): _C.EXPIRED,
    (_C.EXPIRED, _CE.CANCEL): _C.EXPIRED,
    (_C.EXPIRED, _CE.EXPIRE): _C.EXPIRED,
    (_C.EXPIRED, _CE.REJECT): _C.EXPIRED,
    (_C.REJECTED, _CE.ACCEPT): _C.REJECTED,
    (_C.REJECTED, _CE.FILL): _C.REJECTED,
    (_C.REJECTED, _CE.FILL_ALL): _C.REJECTED,
    (_C.REJECTED, _CE.CANCEL): _C.REJECTED,
    (_C.REJECTED, _CE.EXPIRE): _C.REJECTED,
    (_C.REJECTED, _CE.REJECT): _C.REJECTED,
    # Released and yet there: the venue executed its queue in spite of a gap fill. It lives.
    (_C.RELEASED, _CE.ACCEPT): _C.LIVE,
    (_C.RELEASED, _CE.FILL): _C.LIVE,
    (_C.RELEASED, _CE.FILL_ALL): _C.FILLED,
    (_C.RELEASED, _CE.CANCEL): _C.CANCELED,
    (_C.RELEASED, _CE.EXPIRE): _C.EXPIRED,
    (_C.RELEASED, _CE.REJECT): _C.REJECTED,
    # Over, and open again with the shares that a bust gave back.
    (_C.FILLED, _CE.REOPEN): _C.LIVE,
    (_C.CANCELED, _CE.REOPEN): _C.LIVE,
    (_C.EXPIRED, _CE.REOPEN): _C.LIVE,
    (_C.REJECTED, _CE.REOPEN): _C.LIVE,
    (_C.RELEASED, _CE.REOPEN): _C.LIVE,
}

PARENT_OVER: Final = frozenset({_P.FILLED, _P.CANCELED, _P.EXPIRED, _P.REJECTED})
CHILD_OVER: Final = frozenset({_C.FILLED, _C.CANCELED, _C.EXPIRED, _C.REJECTED, _C.RELEASED})

END_EVENTS: Final = {
    _C.CANCELED: _CE.CANCEL,
    _C.EXPIRED: _CE.EXPIRE,
    _C.REJECTED: _CE.REJECT,
    _C.RELEASED: _CE.RELEASE,
}
"""The event that leads to each end which is not a fill."""


@dataclass(slots=True)
class Request:
    """A client's cancel or replace request that is not answered for good."""

    cl_ord_id: str
    is_replace: bool
    at_ns: Nanos
    quantity: Shares
    """New terms; a cancel repeats the order's."""
    ord_type: OrdType
    limit_micros: Micros | None
    echo: dict[str, str]
    overdue: bool = False
    """It waits too long: the operator was told."""


@dataclass(slots=True)
class Work:
    """How far the routing of an open parent has come."""

    duplicate: bool = False
    """The ClOrdID was used before: to be refused."""
    stage: Stage = Stage.DARK
    wave: int = 0
    dark_wave: int = 0
    """Number of the dark wave that is under way; 0 for none."""
    dark_ends_ns: Nanos = 0
    """When the time of the dark wave that is under way is over."""
    dark_open: int = 0
    """Open children of the dark wave that is under way."""
    dark: dict[str, DarkVenue] = field(default_factory=dict)
    lit_opened_ns: Nanos = 0
    """When the lit tier was opened; 0 while it is not."""
    lit_began_ns: Nanos = 0
    """When the last lit wave left; 0 for never."""
    dropped: dict[str, str] = field(default_factory=dict)
    """Venues that get no more of this parent, and why."""
    back_ns: dict[str, Nanos] = field(default_factory=dict)
    """When those of them that are left out for a while are tried again."""
    rejects: dict[str, int] = field(default_factory=dict)
    """Children of this parent that a venue rejected, one after the other."""
    closing: str = ""
    """Why this order is ended by us; empty while it is not."""
    expires: bool = False
    """It ends because its trading day is over, or a child of it was taken for dead: Canceled is for
    what was proved (recovery.md 3.9)."""
    suspended: str = ""
    """Why the order rests until it is released; empty while it does not."""

    def stand_still(self, away_ns: Nanos) -> None:
        """Nothing was done for so long: what runs by time goes on where it was."""
        self.lit_opened_ns += away_ns if self.lit_opened_ns else 0
        self.dark_ends_ns += away_ns if self.dark_ends_ns else 0

    def close_dark_wave(self, judged: bool) -> dict[str, Run]:
        """The dark wave is over; its result counts only if it ran its time (`judged`). By venue,
        the runs that it ended: how much was there is known now."""
        ended: dict[str, Run] = {}
        for name, venue in self.dark.items():
            if not judged:
                venue.sent = venue.filled = 0
            elif venue.sent:
                venue.close_wave()
                if not venue.run.is_live:
                    ended[name] = venue.run
        self.dark_wave = self.dark_open = 0
        return ended

    def dark_rest(self) -> dict[str, Run]:
        """What the order's end leaves: by venue, runs that filled as far as they went. A wave that
        was cut short says nothing unless it filled."""
        rest: dict[str, Run] = {}
        for name, venue in self.dark.items():
            whole = venue.filled >= venue.sent
            run = venue.next_run if whole else venue.run
            if run.is_live:
                rest[name] = run
        return rest


@dataclass(slots=True)
class Parent:
    """A client's order: the account of it, and the work on it while it is open."""

    parent_id: str
    client: str
    cl_ord_id: str
    """The last accepted one."""
    symbol: str
    side: Side
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None
    time_in_force: TimeInForce
    strategy: str
    account: str
    echo: dict[str, str]
    submitted_ns: Nanos
    sent_ns: Nanos
    state: ParentState = ParentState.RECEIVED
    cum_quantity: Shares = 0
    cum_value_micros: Micros = 0
    bid_micros: Micros = 0
    """Best bid at arrival; 0 when there was none."""
    ask_micros: Micros = 0
    exposure: Shares = 0
    """What its open children may still fill, in doubt or not."""
    children: dict[str, None] = field(default_factory=dict)
    """Its open children, oldest first."""
    request: Request | None = None
    work: Work | None = None
    """None once it is over."""
    expires_ns: Nanos = 0
    """When it expires as a Day order; 0 for never."""
    day_ends_ns: Nanos = 0
    """When the trading day of its children ends; 0 for never."""
    day_ended: bool = False
    """It has, and whatever was open then is asked about."""

    @property
    def is_over(self) -> bool:
        """Whether the client was told, or is about to be told, its end."""
        return self.state in PARENT_OVER

    @property
    def leaves_quantity(self) -> Shares:
        """What is left for the client (FIX 151); 0 once it is over."""
        return 0 if self.is_over else max(0, self.quantity - self.cum_quantity)

    @property
    def available(self) -> Shares:
        """What may be sent now; negative after a venue did more than it was asked."""
        return self.bound - self.cum_quantity - self.exposure

    @property
    def bound(self) -> Shares:
        """The quantity that new children are held to: the smaller one while a replace is
        pending, none for an order that is over (recovery.md 3.8)."""
        if self.is_over:
            return 0
        if self.request is not None and self.request.is_replace:
            return min(self.quantity, self.request.quantity)
        return self.quantity

    @property
    def excess(self) -> Shares:
        """What is exposed beyond what is left to do: only a venue's own act can cause it."""
        return max(0, self.exposure - max(0, self.quantity - self.cum_quantity))

    def move(self, event: ParentEvent) -> None:
        """Take the table's step. Raises KeyError for a row that is not there: a bug."""
        self.state = PARENT_TABLE[self.state, event]


PENDING_ASKS_MAX: Final = 3
"""A venue that answers this often that our cancel is pending, and no more, is an incident."""


@dataclass(slots=True)
class Flight:
    """What is needed of a child only while it is open."""

    ord_type: OrdType
    time_in_force: TimeInForce
    tactic: str
    wave: int
    planned_ns: Nanos
    pull_at_ns: Nanos
    answered: bool = False
    checked_ns: Nanos = 0
    """When the venue last confirmed that it is live; 0 for never."""
    venue_order_id: str = ""
    cancel_id: str = ""
    """Our cancel request under way; empty for none."""
    cancel_ns: Nanos = 0
    cancel_tries: int = 0
    pending_asks: int = 0
    """How often the venue answered that our cancel is pending there (FIX 39=6), and no more."""
    doubt: Doubt | None = None
    leaves_ns: Nanos = 0
    """Until when it is held back, so that it arrives with others; 0 once it left."""
    is_iso: bool = False
    """It is an intermarket sweep order; kept for when it leaves."""
    moved_micros: Micros = 0
    """Where the venue works it by its own decision; 0: at its limit."""

    @property
    def is_stuck(self) -> bool:
        """Whether the venue says nothing of our cancel any more but that it is pending: only a
        person can find out."""
        return bool(self.cancel_id) and self.pending_asks >= PENDING_ASKS_MAX


@dataclass(slots=True)
class Child:
    """Our order at a venue: the account of it, and its flight while it is open."""

    child_id: str
    parent_id: str
    venue: str
    quantity: Shares
    limit_micros: Micros | None
    state: ChildState = ChildState.PENDING_NEW
    cum_quantity: Shares = 0
    cum_value_micros: Micros = 0
    execs: dict[str, Executed] = field(default_factory=dict)
    """By the venue's ExecID: what makes a duplicate (recovery.md 3.6)."""
    synthetic: list[Missing] = field(default_factory=list)
    """Ranges of cum (from, to) booked without the venue's own report of them, and our ExecID that
    told the client."""
    revisions: Revisions | None = None
    voided: bool = False
    """Its order message was gap-filled: it never leaves again, nor do its cancels."""
    flight: Flight | None = None
    """None once it is over."""

    @property
    def leaves_quantity(self) -> Shares:
        """What it may still fill in the worst case."""
        return 0 if self.flight is None else max(0, self.quantity - self.cum_quantity)

    @property
    def works_at_micros(self) -> Micros | None:
        """The price at which the venue works it: its limit, unless the venue moved it."""
        moved = 0 if self.flight is None else self.flight.moved_micros
        return moved or self.limit_micros

    def move(self, event: ChildEvent) -> None:
        """Take the table's step. Raises KeyError for a row that is not there: a bug."""
        self.state = CHILD_TABLE[self.state, event]

    def remember(self, exec_id: str, executed: Executed) -> None:
        """Keep an execution for finding its duplicates; the oldest makes room."""
        if len(self.execs) >= EXECS_KEPT:
            oldest = next(iter(self.execs))
            forgotten = self.execs.pop(oldest)
            if self.revisions is not None:
                kept = {told_id for _, _, told_id in self.synthetic}
                kept.update(told_id for _, _, _, told_id in self.execs.values())
                self.revisions.forget(oldest, forgotten, kept)
        self.execs[exec_id] = executed

    def revised(self) -> Revisions:
        """What was revised of its executions, made when first needed."""
        if self.revisions is None:
            self.revisions = Revisions()
        return self.revisions

    @property
    def is_revised(self) -> bool:
        """Whether the venue took back or corrected executions: totals before and behind that cannot
        be compared."""
        return self.revisions is not None and bool(self.revisions.roots)

    def net_synthetic(self, start: Shares, end: Shares) -> list[Piece]:
        """Take the range of a real execution out of the synthetic ones: what of it was in, and how
        the client was told of that."""
        return net(self.synthetic, start, end, is_revised=self.is_revised)
