"""What a venue says about trading itself: SecurityStatus (f) and TradingSessionStatus (h); how it
is asked (e, g).

Owns: which values mean that nothing trades. May not know: what is done with it, orders.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import text_to_price
from sor_gateway.sor.events import SessionStatusChanged, SymbolStatusChanged
from sor_gateway.sor.types import Micros
from sor_gateway.translate.outgoing import Fields, Outgoing, clean, shown
from sor_gateway.translate.venues import Unusable

CONDITION_TYPES: Final = frozenset({MsgType.SECURITY_STATUS, MsgType.TRADING_SESSION_STATUS})
SUBSCRIBE: Final = "1"
"""SubscriptionRequestType (263): how it is, and every change."""
SYMBOL_REQUEST: Final = "S"
SESSION_REQUEST: Final = "T1"
"""Request ids (324, 335): a subscription dies with its connection, so they may be used again."""
HALTING: Final = {
    "1": "opening delay",
    "2": "trading halt",
    "4": "no open, no resume",
    "18": "not available for trading",
    "19": "not traded here",
    "21": "before the open",
}
"""SecurityTradingStatus (326) of a symbol that does not trade."""
TRADING: Final = {
    "3": "resumed",
    "5": "price indication",
    "6": "trading range",
    "17": "ready to trade",
    "22": "opening rotation",
    "23": "fast market",
}
"""SecurityTradingStatus (326) of one that does."""
CLOSED: Final = {"1": "halted", "3": "closed", "4": "before the open"}
"""TradSesStatus (340) of a session in which nothing trades."""
OPEN: Final = {"2": "open", "5": "about to close"}
"""TradSesStatus (340) of one in which orders trade."""


def to_condition(
    message: Message, venue: str, session: str, now: int
) -> SymbolStatusChanged | SessionStatusChanged | Unusable:
    """What an `f` or `h` of a venue says, and on which of its sessions."""
    if message.msg_type == MsgType.TRADING_SESSION_STATUS:
        status = message.get(tags.TradSesStatus, "")
        words = OPEN.get(status) or CLOSED.get(status)
        if words is None:
            return Unusable(f"35=h of {venue}: 340={clean(shown(status))} is not supported")
        return SessionStatusChanged(now, venue, status in OPEN, words, session)
    symbol = message.get(tags.Symbol, "")
    status = message.get(tags.SecurityTradingStatus, "")
    if not symbol or (status not in HALTING and status not in TRADING):
        shown_as = clean(f"55={shown(symbol)}, 326={shown(status)}")
        return Unusable(f"35=f of {venue}: {shown_as} is not supported")
    state = HALTING.get(status) or TRADING[status]
    if reason := message.get(tags.Text) or message.get(tags.HaltReasonChar):
        state = f"{state}: {clean(reason)}"
    low, high = _price(message, tags.LowPx), _price(message, tags.HighPx)
    return SymbolStatusChanged(now, venue, symbol, status in HALTING, state, low, high, session)


def status_requests(symbols: list[str]) -> list[Outgoing]:
    """Requests for the state of each symbol and of the trading session, and for every change. The
    session's comes last: its answer stands behind those about symbols."""
    requests = [
        Outgoing(
            MsgType.SECURITY_STATUS_REQUEST,
            [
                (tags.SecurityStatusReqID, f"{SYMBOL_REQUEST}{number}"),
                (tags.Symbol, symbol),
                (tags.SubscriptionRequestType, SUBSCRIBE),
            ],
        )
        for number, symbol in enumerate(symbols, 1)
    ]
    fields: Fields = [
        (tags.TradSesReqID, SESSION_REQUEST),
        (tags.SubscriptionRequestType, SUBSCRIBE),
    ]
    return [*requests, Outgoing(MsgType.TRADING_SESSION_STATUS_REQUEST, fields)]


def _price(message: Message, tag: int) -> Micros:
    """A band's price; 0 when it is missing or makes no sense."""
    try:
        return max(0, text_to_price(message.get(tag, "0")))
    except ValueError:
        return 0
