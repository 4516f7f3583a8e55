"""The words of the router: sides, order types, states and reasons, and the units they come in.

Owns: enumerations shared by facts, commands, orders and tactics, and the unit aliases.
May not know: FIX tags, sessions, sockets.

Units: prices and money are integers in micros (1e-6 of the currency), quantities are whole
shares, times are nanoseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

Micros: TypeAlias = int
Shares: TypeAlias = int
Nanos: TypeAlias = int

MICROS_PER_UNIT: Final = 1_000_000
NANOS_PER_SECOND: Final = 1_000_000_000
NANOS_PER_MILLISECOND: Final = 1_000_000

CROSS: Final = "cross"
"""The tactic of what is executed between two orders of our own clients."""
ID_DIGITS: Final = 9
"""Our ids are a letter and so many digits, so that they sort; beyond that they grow."""


class Side(StrEnum):
    """Which way an order goes (FIX 54)."""

    BUY = "buy"
    SELL = "sell"
    SELL_SHORT = "sell-short"
    SELL_SHORT_EXEMPT = "sell-short-exempt"

    @property
    def is_buy(self) -> bool:
        """Whether the order takes shares in."""
        return self is Side.BUY


class OrdType(StrEnum):
    """How an order is priced (FIX 40, and 18=M for the midpoint peg)."""

    MARKET = "market"
    LIMIT = "limit"
    MID_PEG = "mid-peg"
    """Rests at the NBBO midpoint, no worse than its limit. Children only."""


class TimeInForce(StrEnum):
    """How long an order lives (FIX 59)."""

    DAY = "day"
    IOC = "ioc"


class Liquidity(StrEnum):
    """What a fill did at the venue (FIX 851; 9730 on FIX 4.2)."""

    ADDED = "added"
    REMOVED = "removed"
    MIDPOINT = "midpoint"
    UNKNOWN = "unknown"


class VenueKind(StrEnum):
    """The four kinds of venue."""

    DARK = "dark"
    ECN = "ecn"
    INVERTED = "inverted"
    EXCHANGE = "exchange"


class ParentState(StrEnum):
    """Where a parent order is in its life. The table is in orders.py."""

    RECEIVED = "received"
    """Booked, not yet passed by the pre-trade checks; those run in `decide` of the same turn."""
    WORKING = "working"
    PENDING_CANCEL = "pending-cancel"
    """The client wants it cancelled; some child may still fill."""
    PENDING_REPLACE = "pending-replace"
    """The client wants other terms; children are being pulled first."""
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class ChildState(StrEnum):
    """Where a child order is in its life. The table is in orders.py."""

    PENDING_NEW = "pending-new"
    """Sent, unanswered: counts as live."""
    LIVE = "live"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    RELEASED = "released"
    """Proved never to have reached the venue (recovery.md 3.1)."""


class Stage(StrEnum):
    """How far down the pecking order a parent has come."""

    DARK = "dark"
    LIT = "lit"


class Reason(StrEnum):
    """Why something was refused. Each FIX dialect maps these to its 103, 102 or 378."""

    NONE = "none"
    UNKNOWN_SYMBOL = "unknown-symbol"
    EXCHANGE_CLOSED = "exchange-closed"
    EXCEEDS_LIMIT = "exceeds-limit"
    UNKNOWN_ORDER = "unknown-order"
    DUPLICATE = "duplicate"
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    BAD_QUANTITY = "bad-quantity"
    BAD_PRICE = "bad-price"
    NO_REFERENCE_PRICE = "no-reference-price"
    KILL_SWITCH = "kill-switch"
    TOO_LATE = "too-late"
    ALREADY_PENDING = "already-pending"
    VENUE = "venue"
    """The venue said so; its own words are in the text."""
    OTHER = "other"


class DenyReason(StrEnum):
    """Why we do not accept an execution (FIX 127)."""

    WRONG_SIDE = "wrong-side"
    QUANTITY = "quantity-exceeds-order"
    NO_ORDER = "no-matching-order"
    PRICE = "price-exceeds-limit"


class ReportKind(StrEnum):
    """What a report to the client says (FIX 150, or message type 9)."""

    NEW = "new"
    FILL = "fill"
    BUSTED = "busted"
    """A fill told before is taken back."""
    CORRECTED = "corrected"
    """A fill told before was another."""
    PENDING_CANCEL = "pending-cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    PENDING_REPLACE = "pending-replace"
    REPLACED = "replaced"
    SUSPENDED = "suspended"
    RELEASED = "released"
    """It is suspended no longer."""
    STATUS = "status"
    CANCEL_REFUSED = "cancel-refused"
    REPLACE_REFUSED = "replace-refused"
