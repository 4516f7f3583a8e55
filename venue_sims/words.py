"""The venue's words for orders and answers, before any FIX dialect.

Owns: enumerations shared by commands, facts, reports and translation.
May not know: FIX tags, sockets, books.
"""

from __future__ import annotations

from enum import StrEnum

from venue_sims.matching.orders import PegKind


class OrdType(StrEnum):
    """How an order is priced (FIX 40; 18=M)."""

    MARKET = "market"
    LIMIT = "limit"
    MID_PEG = "mid-peg"
    """Pegged to the NBBO midpoint, no worse than its limit."""
    PRIMARY_PEG = "primary-peg"
    """Pegged to the best price of its own side."""
    MARKET_PEG = "market-peg"
    """Pegged to the best price of the other side."""
    DISCRETIONARY_PEG = "discretionary-peg"
    """Pegged to the midpoint while the quote is stable."""


PEG_KINDS = {
    OrdType.MID_PEG: PegKind.MIDPOINT,
    OrdType.PRIMARY_PEG: PegKind.PRIMARY,
    OrdType.MARKET_PEG: PegKind.MARKET,
    OrdType.DISCRETIONARY_PEG: PegKind.DISCRETIONARY,
}


class Capacity(StrEnum):
    """Which way a client's order goes in full (FIX 54): all sells match as sells."""

    BUY = "buy"
    SELL = "sell"
    SELL_SHORT = "sell-short"
    SELL_SHORT_EXEMPT = "sell-short-exempt"
    OTHER = "other"
    """What no venue here takes; `Terms.side` holds how FIX says it."""


class State(StrEnum):
    """Where an order is in its life (FIX 39)."""

    NEW = "new"
    PARTIALLY_FILLED = "partially-filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    PENDING_NEW = "pending-new"
    """Known and out of the book."""
    PENDING_CANCEL = "pending-cancel"
    """Only in reports: the order itself is what it was."""
    PENDING_REPLACE = "pending-replace"
    """Only in reports: the order itself is what it was."""


LIVE = frozenset({State.PENDING_NEW, State.NEW, State.PARTIALLY_FILLED})


class Liquidity(StrEnum):
    """What an order did in a trade (FIX 851, 9730)."""

    ADDED = "added"
    REMOVED = "removed"
    MIDPOINT = "midpoint"


class Reason(StrEnum):
    """Why something was refused; each dialect has its code for it (venues.md 4.2)."""

    UNKNOWN_SYMBOL = "unknown-symbol"
    EXCEEDS_LIMIT = "exceeds-limit"
    DUPLICATE = "duplicate"
    UNSUPPORTED = "unsupported"
    BAD_QUANTITY = "bad-quantity"
    PRICE_INCREMENT = "price-increment"
    THROTTLED = "throttled"
    POST_ONLY = "post-only"
    HALTED = "halted"
    CLOSED = "closed"
    FAULT = "fault"
    UNKNOWN_ORDER = "unknown-order"
    TOO_LATE = "too-late"
    SUSPENDED = "suspended"


class Phase(StrEnum):
    """Where the venue's trading session is (FIX 340)."""

    CLOSED = "closed"
    PRE_OPEN = "pre-open"
    OPEN = "open"
    PRE_CLOSE = "pre-close"


TRADING = frozenset({Phase.OPEN, Phase.PRE_CLOSE})
"""The phases in which orders are taken and trade."""


class Restatement(StrEnum):
    """What the venue changed in a live order by itself (FIX 378)."""

    REPRICED = "repriced"
    DECLINED = "declined"
    """Part of its quantity."""
    DISCONNECTED = "disconnected"
    """It went because its client did."""
    TAKEN_OUT = "taken-out"
    """It went because the venue wanted it to."""


class ReportKind(StrEnum):
    """What a report says (FIX 150, or message types 9 and r)."""

    NEW = "new"
    REJECTED = "rejected"
    TRADE = "trade"
    CANCELED = "canceled"
    REPLACED = "replaced"
    RESTATED = "restated"
    EXPIRED = "expired"
    STATUS = "status"
    UNKNOWN = "unknown"
    """The answer to a status request for an order that never came."""
    CANCEL_REFUSED = "cancel-refused"
    REPLACE_REFUSED = "replace-refused"
    MASS_CANCELED = "mass-canceled"
    PENDING = "pending"
    """An order or a request has come and is not dealt with."""
    TRADE_CANCELED = "trade-canceled"
    TRADE_CORRECTED = "trade-corrected"


LETTERS = {
    Reason.UNKNOWN_SYMBOL: "Y",
    Reason.EXCEEDS_LIMIT: "M",
    Reason.DUPLICATE: "D",
    Reason.UNSUPPORTED: "A",
    Reason.BAD_QUANTITY: "A",
    Reason.PRICE_INCREMENT: "A",
    Reason.THROTTLED: "K",
    Reason.POST_ONLY: "W",
    Reason.HALTED: "H",
    Reason.CLOSED: "z",
    Reason.FAULT: "E",
    Reason.UNKNOWN_ORDER: "O",
    Reason.TOO_LATE: "J",
    Reason.SUSPENDED: "f",
}
"""How the text of a refusal begins (venues.md 4.2): one letter, a colon, the message."""


def session_name(client: str, version: str) -> str:
    """What a client's session of a version is called in the journal."""
    return f"{client}-{version}"


def worded(reason: Reason, message: str) -> str:
    """A refusal's text."""
    return f"{LETTERS[reason]}: {message}"
