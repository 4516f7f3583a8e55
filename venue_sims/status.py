"""Trading status over FIX: of symbols (e, f) and of the venue's session (g, h).

Owns: what one FIX session asked to be told, and how status is said.
May not know: sockets, sessions' numbers, the clock, why a symbol is halted.

Who asks (e, g) is answered, and with 263=1 told of every change under its request id. An order
session is told of every change unasked (325=Y), and at its logon of whatever is not as usual: no
news is good news. Subscriptions die with the connection, and an old status is no status: on a
ResendRequest it is gap-filled.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.schedule import Window
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import price_to_text, utc_timestamp
from venue_sims.facts import (
    LimitStateEntered,
    News,
    PhaseChanged,
    TradingHalted,
    TradingResumed,
)
from venue_sims.phases import Hours
from venue_sims.state import Bands, VenueState
from venue_sims.words import Phase

Fields = list[tuple[int, str]]
Outgoing = tuple[str, Fields]

TRADING_SESSION: Final = "DAY"
"""TradingSessionID (336) of the one session that a venue has."""
MAX_SUBSCRIPTIONS: Final = 1_000
STATUS_REQUESTS: Final = frozenset(
    {MsgType.SECURITY_STATUS_REQUEST, MsgType.TRADING_SESSION_STATUS_REQUEST}
)
STATUS_MSG_TYPES: Final = frozenset({MsgType.SECURITY_STATUS, MsgType.TRADING_SESSION_STATUS})

_SUBSCRIBE: Final = "1"
_UNSUBSCRIBE: Final = "2"
_HALTED, _RESUMED, _RANGE, _READY, _NOT_AVAILABLE, _UNKNOWN = "2", "3", "6", "17", "18", "20"
_PHASES: Final = {
    Phase.OPEN: "2",
    Phase.CLOSED: "3",
    Phase.PRE_OPEN: "4",
    Phase.PRE_CLOSE: "5",
}
_HALT_REASONS: Final = (
    ("imbalance", "I"),
    ("equipment", "X"),
    ("pending", "P"),
    ("news", "D"),
    ("influx", "E"),
)
"""A word of the reason, and HaltReasonChar (327) for it; the first that fits."""
_OTHER_REASON: Final = "M"


class StatusDesk:
    """What one FIX session is told of trading status. `unasked`: whether of every change."""

    def __init__(self, state: VenueState, symbols: list[str], hours: Hours, unasked: bool) -> None:
        self._state = state
        self._symbols = frozenset(symbols)
        self._hours = hours
        self._unasked = unasked
        self._asked: dict[tuple[str, str], str] = {}
        """Type and request id of subscriptions, and their symbol; empty: the trading session."""

    def takes(self, message: Message) -> bool:
        """Whether this is a request for status, and not one subscription too many."""
        return message.msg_type in STATUS_REQUESTS and (
            message[tags.SubscriptionRequestType] != _SUBSCRIBE
            or len(self._asked) < MAX_SUBSCRIPTIONS
        )

    def request(self, message: Message, now: int) -> list[Outgoing]:
        """Answer a request for status (e or g)."""
        security = message.msg_type == MsgType.SECURITY_STATUS_REQUEST
        request_id = message[tags.SecurityStatusReqID if security else tags.TradSesReqID]
        symbol = message[tags.Symbol] if security else ""
        kind = message[tags.SubscriptionRequestType]
        if kind == _UNSUBSCRIBE:
            self._asked.pop((message.msg_type, request_id), None)
            return []
        if kind == _SUBSCRIBE and (not security or symbol in self._symbols):
            self._asked[message.msg_type, request_id] = symbol
        return [self._answer(symbol, request_id, now, security=security)]

    def greet(self, now: int) -> list[Outgoing]:
        """What is not as usual, for a session that has logged on."""
        if not self._unasked:
            return []
        state = self._state
        told = [] if state.phase is Phase.OPEN else [_session_status(state.phase)]
        return told + [self._present(symbol, now) for symbol in (*state.halted, *state.bands)]

    def told(self, news: News) -> list[Outgoing]:
        """What to say of a change."""
        symbol = "" if isinstance(news, PhaseChanged) else news.symbol
        ids = [request_id for (_, request_id), asked in self._asked.items() if asked == symbol]
        if not ids and self._unasked:
            ids = [""]
        if isinstance(news, PhaseChanged):
            return [_session_status(news.phase, each) for each in ids]
        details = self._details_of(news)
        return [_security_status(symbol, details, news.at_ns, each) for each in ids]

    def again(self, left_out: list[Message], now: int) -> list[Outgoing]:
        """How things are now, for whatever old status was left out of a resend."""
        symbols = dict.fromkeys(message.get(tags.Symbol, "") for message in left_out)
        return [
            self._present(symbol, now) if symbol else _session_status(self._state.phase)
            for symbol in symbols
        ]

    def forget(self) -> None:
        """The connection is gone, and with it every subscription."""
        self._asked.clear()

    # --- how things are -------------------------------------------------------------------

    def _answer(self, symbol: str, request_id: str, now: int, *, security: bool) -> Outgoing:
        if security:
            return self._present(symbol, now, request_id)
        return _session_status(self._state.phase, request_id, self._hours.window(now))

    def _present(self, symbol: str, now: int, request_id: str = "") -> Outgoing:
        return _security_status(symbol, self._details(symbol), now, request_id)

    def _details(self, symbol: str) -> Fields:
        """326 and what goes with it, as things are."""
        state = self._state
        if symbol not in self._symbols:
            return [(tags.SecurityTradingStatus, _UNKNOWN)]
        if symbol in state.halted:
            return _halted(state.halted[symbol])
        if not state.trades(symbol):
            return [(tags.SecurityTradingStatus, _NOT_AVAILABLE)]
        bands = state.bands.get(symbol)
        if bands is not None:
            return _limited(bands)
        return [(tags.SecurityTradingStatus, _READY)]

    def _details_of(self, news: TradingHalted | LimitStateEntered | TradingResumed) -> Fields:
        """326 and what goes with it, as they were when this happened."""
        if isinstance(news, TradingHalted):
            return _halted(news.reason)
        if isinstance(news, LimitStateEntered):
            return _limited(news)
        return [(tags.SecurityTradingStatus, _RESUMED)]


# --- messages -------------------------------------------------------------------------------


def _halted(reason: str) -> Fields:
    return [(tags.SecurityTradingStatus, _HALTED), (tags.HaltReasonChar, halt_reason(reason))]


def _limited(bands: Bands | LimitStateEntered) -> Fields:
    return [
        (tags.SecurityTradingStatus, _RANGE),
        (tags.HighPx, price_to_text(bands.high)),
        (tags.LowPx, price_to_text(bands.low)),
    ]


def _security_status(symbol: str, details: Fields, at_ns: int, request_id: str) -> Outgoing:
    """SecurityStatus (f); without a request id it is unsolicited."""
    fields: Fields = [(tags.SecurityStatusReqID, request_id)] if request_id else []
    fields += [(tags.Symbol, symbol), (tags.TradingSessionID, TRADING_SESSION)]
    if not request_id:
        fields.append((tags.UnsolicitedIndicator, "Y"))
    fields += details
    fields.append((tags.TransactTime, utc_timestamp(at_ns, micros=True)))
    return MsgType.SECURITY_STATUS, fields


def _session_status(phase: Phase, request_id: str = "", window: Window | None = None) -> Outgoing:
    """TradingSessionStatus (h); without a request id it is unsolicited."""
    fields: Fields = [(tags.TradSesReqID, request_id)] if request_id else []
    fields.append((tags.TradingSessionID, TRADING_SESSION))
    if not request_id:
        fields.append((tags.UnsolicitedIndicator, "Y"))
    fields.append((tags.TradSesStatus, _PHASES[phase]))
    if window is not None:
        fields.append((tags.TradSesOpenTime, utc_timestamp(window.begin_ns)))
        fields.append((tags.TradSesCloseTime, utc_timestamp(window.end_ns)))
    return MsgType.TRADING_SESSION_STATUS, fields


def halt_reason(text: str) -> str:
    """HaltReasonChar (327) for a reason in words."""
    words = text.lower()
    return next((code for word, code in _HALT_REASONS if word in words), _OTHER_REASON)
