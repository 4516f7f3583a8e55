"""What the router's words are in FIX, per dialect: the tables that translation looks things up in.

Owns: the value tables of sides, order types, states and reasons, and how the two dialects differ
in them (venues.md 1.6, decisions.md "FIX choices").
May not know: messages, sessions; there is no control flow here.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import tags
from sor_gateway.sor.types import (
    DenyReason,
    Liquidity,
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)

DK_REASONS: Final = {
    DenyReason.WRONG_SIDE: "B",
    DenyReason.QUANTITY: "C",
    DenyReason.NO_ORDER: "D",
    DenyReason.PRICE: "E",
}
"""DKReason (127)."""
DK_WORDS: Final = {
    "A": "unknown symbol",
    "B": "wrong side",
    "C": "more than was ordered",
    "D": "no order that it belongs to",
    "E": "beyond the limit",
    "F": "calculated otherwise",
}
"""DKReason (127) of a client, in words; any other is "other"."""
CURRENCY: Final = "USD"
UNKNOWN_ORDER_ID: Final = "NONE"
"""OrderID (37) where there is none: unknown orders, orders refused before they got one."""

SIDES: Final = {
    Side.BUY: "1",
    Side.SELL: "2",
    Side.SELL_SHORT: "5",
    Side.SELL_SHORT_EXEMPT: "6",
}
ORD_TYPES: Final = {OrdType.MARKET: "1", OrdType.LIMIT: "2", OrdType.MID_PEG: "P"}
TIMES_IN_FORCE: Final = {TimeInForce.DAY: "0", TimeInForce.IOC: "3"}

SIDE_OF: Final = {value: side for side, value in SIDES.items()}
CLIENT_ORD_TYPE_OF: Final = {"1": OrdType.MARKET, "2": OrdType.LIMIT}
TIME_IN_FORCE_OF: Final = {value: tif for tif, value in TIMES_IN_FORCE.items()}

ORD_STATUS: Final = {
    ParentState.RECEIVED: "A",
    ParentState.WORKING: "0",
    ParentState.PENDING_CANCEL: "6",
    ParentState.PENDING_REPLACE: "E",
    ParentState.FILLED: "2",
    ParentState.CANCELED: "4",
    ParentState.EXPIRED: "C",
    ParentState.REJECTED: "8",
}
"""OrdStatus (39); WORKING with an execution is PARTIALLY_FILLED."""
PARTIALLY_FILLED: Final = "1"
SUSPENDED: Final = "9"
BROKER_OPTION: Final = "4"
"""ExecRestatementReason (378) of an order that is released: both dialects have it."""

EXEC_TYPES: Final = {
    ReportKind.NEW: "0",
    ReportKind.PENDING_CANCEL: "6",
    ReportKind.CANCELED: "4",
    ReportKind.EXPIRED: "C",
    ReportKind.REJECTED: "8",
    ReportKind.PENDING_REPLACE: "E",
    ReportKind.REPLACED: "5",
    ReportKind.SUSPENDED: "9",
    ReportKind.RELEASED: "D",
}
"""ExecType (150) of the kinds on which the dialects agree."""
CXL_REJ_RESPONSE_TO: Final = {ReportKind.CANCEL_REFUSED: "1", ReportKind.REPLACE_REFUSED: "2"}
"""The kinds that are an OrderCancelReject (9), and their 434."""

LAST_LIQUIDITY: Final = {Liquidity.ADDED: 1, Liquidity.REMOVED: 2}
"""LastLiquidityInd as FIX 4.4 numbers it; the dialect writes it."""
LIQUIDITY_OF: Final = {ind: liquidity for liquidity, ind in LAST_LIQUIDITY.items()}

ORD_REJ_REASONS: Final = {
    Reason.UNKNOWN_SYMBOL: 1,
    Reason.EXCHANGE_CLOSED: 2,
    Reason.EXCEEDS_LIMIT: 3,
    Reason.STALE: 4,
    Reason.TOO_LATE: 4,
    Reason.UNKNOWN_ORDER: 5,
    Reason.DUPLICATE: 6,
    Reason.UNSUPPORTED: 11,
    Reason.BAD_QUANTITY: 13,
    Reason.KILL_SWITCH: 0,
    Reason.VENUE: 0,
    Reason.BAD_PRICE: 99,
    Reason.NO_REFERENCE_PRICE: 99,
    Reason.ALREADY_PENDING: 99,
    Reason.OTHER: 99,
    Reason.NONE: 99,
}
"""OrdRejReason (103) as FIX 4.4 has it."""
CXL_REJ_REASONS: Final = {
    Reason.TOO_LATE: 0,
    Reason.UNKNOWN_ORDER: 1,
    Reason.KILL_SWITCH: 2,
    Reason.ALREADY_PENDING: 3,
    Reason.DUPLICATE: 6,
}
"""CxlRejReason (102) as FIX 4.4 has it; any other reason is OTHER."""
OTHER: Final = 99
REASON_OF_ORD_REJ: Final = {
    "1": Reason.UNKNOWN_SYMBOL,
    "2": Reason.EXCHANGE_CLOSED,
    "3": Reason.EXCEEDS_LIMIT,
    "4": Reason.TOO_LATE,
    "5": Reason.UNKNOWN_ORDER,
    "6": Reason.DUPLICATE,
    "8": Reason.STALE,
    "11": Reason.UNSUPPORTED,
    "13": Reason.BAD_QUANTITY,
}
"""What a venue's 103 means to the router; anything else is Reason.VENUE."""

# Names of values, for texts. What is legal FIX and not here is quoted without a name.
SIDE_NAMES: Final = {
    "3": "BuyMinus",
    "4": "SellPlus",
    "7": "Undisclosed",
    "8": "Cross",
    "9": "CrossShort",
}
ORD_TYPE_NAMES: Final = {
    "3": "Stop",
    "4": "StopLimit",
    "5": "MarketOnClose",
    "6": "WithOrWithout",
    "9": "OnBasis",
    "B": "LimitOnClose",
    "D": "PreviouslyQuoted",
    "K": "MarketWithLeftOverAsLimit",
    "P": "Pegged",
}
TIME_IN_FORCE_NAMES: Final = {
    "1": "GoodTillCancel",
    "2": "AtTheOpening",
    "4": "FillOrKill",
    "5": "GoodTillCrossing",
    "6": "GoodTillDate",
    "7": "AtTheClose",
}
STRATEGY_NAMES: Final = {"1": "VWAP", "2": "Participate", "3": "MinimizeMarketImpact"}

HEADER_ECHO: Final = {
    "OnBehalfOfCompID": (tags.OnBehalfOfCompID, tags.DeliverToCompID),
    "OnBehalfOfSubID": (tags.OnBehalfOfSubID, tags.DeliverToSubID),
    "DeliverToCompID": (tags.DeliverToCompID, tags.OnBehalfOfCompID),
    "DeliverToSubID": (tags.DeliverToSubID, tags.OnBehalfOfSubID),
    "SenderSubID": (tags.SenderSubID, tags.TargetSubID),
    "TargetSubID": (tags.TargetSubID, tags.SenderSubID),
}
"""Routing tags of the header: the one they come in, the one they go back in."""

TERMS_ECHO: Final = {
    "Side": tags.Side,
    "OrderQty": tags.OrderQty,
    "OrdType": tags.OrdType,
    "Price": tags.Price,
    "TimeInForce": tags.TimeInForce,
}
"""Terms of an order that was refused unread: given back as they came, not as a fact holds them."""


COMMON_ECHO: Final = {
    "HandlInst": tags.HandlInst,
    "ExecInst": tags.ExecInst,
    "Currency": tags.Currency,
    "EffectiveTime": tags.EffectiveTime,
    "ExpireTime": tags.ExpireTime,
    "ExpireDate": tags.ExpireDate,
}
BODY_ECHO: Final = {
    "FIX.4.2": COMMON_ECHO
    | {
        "ClientID": tags.ClientID,
        "Rule80A": tags.Rule80A,
        "ClearingFirm": tags.ClearingFirm,
        "ClearingAccount": tags.ClearingAccount,
        "CustomTargetStrategy": tags.CustomTargetStrategy,
        "CustomTargetStrategyParameters": tags.CustomTargetStrategyParameters,
        "CustomParticipationRate": tags.CustomParticipationRate,
    },
    "FIX.4.4": COMMON_ECHO
    | {
        "OrderCapacity": tags.OrderCapacity,
        "TargetStrategy": tags.TargetStrategy,
        "TargetStrategyParameters": tags.TargetStrategyParameters,
        "ParticipationRate": tags.ParticipationRate,
    },
}
"""By BeginString: fields of an order that each ExecutionReport (8) gives back, by FIX name."""
REJECT_ECHO: Final[dict[str, dict[str, int]]] = {
    "FIX.4.2": {"ClientID": tags.ClientID},
    "FIX.4.4": {},
}
"""The same for OrderCancelReject (9), which has few fields."""
REPLACED_STATUS: Final = {"FIX.4.2": "5", "FIX.4.4": "0"}
"""By BeginString: OrdStatus (39) of an unfilled order in the report of its replacement; 4.4 took
Replaced out of OrdStatus."""
