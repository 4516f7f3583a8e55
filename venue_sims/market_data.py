"""Market data over FIX: subscriptions, snapshots, updates, trades, conflation (venues.md 1.7).

Owns: what one market-data session asked for, what it was last told, and when it hears next.
May not know: sockets, sessions' numbers, the clock; books come through a function.

A symbol is sent at most once per interval, as it is then: whatever happened in between is
conflated. A consumer that does not read is sent nothing until it does, and then the present. Each
symbol gets a whole snapshot (W) once per second of wall time, changed or not: proof of freshness,
and at once when it stops or begins to trade: what stands in a book that does not trade is marked as
closed (276=B). Trades are never conflated, only bounded. Subscriptions die with the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import price_to_text, utc_timestamp
from venue_sims.matching.orders import Side
from venue_sims.trading import Print

Fields = list[tuple[int, str]]
Outgoing = tuple[str, Fields]
Ladder = list[tuple[int, int, int]]
"""Displayed (price, shares, orders), best first."""

MAX_SUBSCRIPTIONS: Final = 64
FRESH_NS: Final = 1_000_000_000
DEFAULT_INTERVAL_NS: Final = 25_000_000
PRINTS_MAX: Final = 500
"""Trades that wait for one consumer; who reads too slowly misses the oldest."""

_SNAPSHOT: Final = "0"
_UPDATES: Final = "1"
_UNSUBSCRIBE: Final = "2"
_BID: Final = "0"
_ASK: Final = "1"
_TRADE: Final = "2"
_CLOSED: Final = "B"
"""QuoteCondition (276) of an entry that does not trade."""
_NEW: Final = "0"
_CHANGE: Final = "1"
_DELETE: Final = "2"

UNKNOWN_SYMBOL: Final = "0"
DUPLICATE_ID: Final = "1"
UNSUPPORTED_SUBSCRIPTION: Final = "4"
UNSUPPORTED_DEPTH: Final = "5"
UNSUPPORTED_UPDATE: Final = "6"
UNSUPPORTED_ENTRY: Final = "8"


@dataclass(slots=True)
class _Told:
    """What a subscriber was last told of one symbol, and the trades that it is yet to be told."""

    bids: Ladder = field(default_factory=list)
    asks: Ladder = field(default_factory=list)
    prints: deque[Print] = field(default_factory=lambda: deque(maxlen=PRINTS_MAX))
    sent_ns: int = 0
    full_ns: int = 0
    changed: bool = False


@dataclass(slots=True)
class _Subscription:
    request_id: str
    depth: int
    incremental: bool
    bids: bool
    asks: bool
    trades: bool
    symbols: dict[str, _Told]


class _RefusedError(Exception):
    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Publisher:
    """The market data of one session. `depth` 0: this venue has none, every request is refused,
    with `nothing` as its text. `trades` says whether a symbol trades now."""

    def __init__(
        self,
        symbols: list[str],
        depth: int,
        book: Callable[[str, Side, int], Ladder],
        interval_ns: int = DEFAULT_INTERVAL_NS,
        trades: Callable[[str], bool] = lambda _: True,
        nothing: str = "this venue shows nothing",
    ) -> None:
        self._symbols = frozenset(symbols)
        self._depth = depth
        self._book = book
        self._interval_ns = interval_ns
        self._trades = trades
        self._nothing = nothing
        self._subscriptions: dict[str, _Subscription] = {}

    def request(self, message: Message, now: int) -> list[Outgoing]:
        """Answer a MarketDataRequest (V): snapshots, or a refusal (Y)."""
        request_id = message[tags.MDReqID]
        try:
            return self._request(message, request_id, now)
        except _RefusedError as refused:
            body = [
                (tags.MDReqID, request_id),
                (tags.MDReqRejReason, refused.reason),
                (tags.Text, refused.text),
            ]
            return [(MsgType.MARKET_DATA_REQUEST_REJECT, body)]

    def forget(self) -> None:
        """The connection is gone, and with it every subscription."""
        self._subscriptions.clear()

    def changed(self, symbol: str) -> None:
        """The displayed book of a symbol may have changed."""
        for subscription in self._subscriptions.values():
            told = subscription.symbols.get(symbol)
            if told is not None:
                told.changed = True

    def traded(self, prints: list[Print]) -> None:
        """These trades happened."""
        for subscription in self._subscriptions.values():
            if not subscription.trades:
                continue
            for each in prints:
                told = subscription.symbols.get(each.symbol)
                if told is not None:
                    told.prints.append(each)
                    told.changed = True

    def restart(self, symbol: str) -> None:
        """A symbol begins or stops to trade: the next word about it is a whole snapshot."""
        for subscription in self._subscriptions.values():
            told = subscription.symbols.get(symbol)
            if told is not None:
                told.full_ns, told.changed = -FRESH_NS, True

    def due(self, now: int) -> list[Outgoing]:
        """What has to be sent now."""
        messages: list[Outgoing] = []
        for subscription in self._subscriptions.values():
            for symbol, told in subscription.symbols.items():
                if now >= told.full_ns + FRESH_NS:
                    messages.append(self._snapshot(subscription, symbol, now))
                elif told.changed and now >= told.sent_ns + self._interval_ns:
                    messages += self._update(subscription, symbol, now)
        return messages

    def next_deadline(self) -> int | None:
        """When `due` has something to send."""
        return min(
            (
                min(told.sent_ns + self._interval_ns, told.full_ns + FRESH_NS)
                if told.changed
                else told.full_ns + FRESH_NS
                for subscription in self._subscriptions.values()
                for told in subscription.symbols.values()
            ),
            default=None,
        )

    # --- requests -------------------------------------------------------------------------

    def _request(self, message: Message, request_id: str, now: int) -> list[Outgoing]:
        kind = message[tags.SubscriptionRequestType]
        if kind == _UNSUBSCRIBE:
            self._subscriptions.pop(request_id, None)
            return []
        if not self._depth:
            raise _RefusedError(UNSUPPORTED_SUBSCRIPTION, self._nothing)
        if kind not in (_SNAPSHOT, _UPDATES):
            raise _RefusedError(UNSUPPORTED_SUBSCRIPTION, f"263={kind}")
        if request_id in self._subscriptions:
            raise _RefusedError(DUPLICATE_ID, f"262={request_id} is subscribed")
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise _RefusedError(UNSUPPORTED_SUBSCRIPTION, f"more than {MAX_SUBSCRIPTIONS}")
        subscription = self._read(message, request_id)
        if kind == _UPDATES:
            self._subscriptions[request_id] = subscription
        return [self._snapshot(subscription, symbol, now) for symbol in subscription.symbols]

    def _read(self, message: Message, request_id: str) -> _Subscription:
        depth = message[tags.MarketDepth]
        if not depth.isdecimal():
            raise _RefusedError(UNSUPPORTED_DEPTH, f"264={depth}")
        update = message.get(tags.MDUpdateType, "0")
        if update not in ("0", "1"):
            raise _RefusedError(UNSUPPORTED_UPDATE, f"265={update}")
        types = [
            entry[tags.MDEntryType]
            for entry in message.group(tags.NoMDEntryTypes, tags.MDEntryType)
        ]
        if not types or not set(types) <= {_BID, _ASK, _TRADE}:
            raise _RefusedError(UNSUPPORTED_ENTRY, "269 is 0, 1 or 2 here")
        symbols = [entry[tags.Symbol] for entry in message.group(tags.NoRelatedSym, tags.Symbol)]
        unknown = [symbol for symbol in symbols if symbol not in self._symbols]
        if unknown or not symbols:
            raise _RefusedError(UNKNOWN_SYMBOL, f"unknown {' '.join(unknown)}")
        return _Subscription(
            request_id,
            min(int(depth) or self._depth, self._depth),
            update == "1",
            _BID in types,
            _ASK in types,
            _TRADE in types,
            {symbol: _Told() for symbol in symbols},
        )

    # --- messages -------------------------------------------------------------------------

    def _look(self, subscription: _Subscription, symbol: str) -> tuple[Ladder, Ladder]:
        depth = subscription.depth
        bids = self._book(symbol, Side.BUY, depth) if subscription.bids else []
        asks = self._book(symbol, Side.SELL, depth) if subscription.asks else []
        return bids, asks

    def _snapshot(self, subscription: _Subscription, symbol: str, now: int) -> Outgoing:
        told = subscription.symbols[symbol]
        told.bids, told.asks = self._look(subscription, symbol)
        told.changed = False
        told.sent_ns = told.full_ns = now
        prints = list(told.prints)
        told.prints.clear()
        body: Fields = [
            (tags.MDReqID, subscription.request_id),
            (tags.Symbol, symbol),
            (tags.NoMDEntries, str(len(told.bids) + len(told.asks) + len(prints))),
        ]
        condition = self._condition(symbol)
        for kind, ladder in ((_BID, told.bids), (_ASK, told.asks)):
            for position, (price, shares, orders) in enumerate(ladder, 1):
                body += [
                    (tags.MDEntryType, kind),
                    (tags.MDEntryPx, price_to_text(price)),
                    (tags.MDEntrySize, str(shares)),
                    *condition,
                    (tags.NumberOfOrders, str(orders)),
                    (tags.MDEntryPositionNo, str(position)),
                ]
        for each in prints:
            body += [(tags.MDEntryType, _TRADE), *_print(each)]
        return MsgType.MARKET_DATA_SNAPSHOT_FULL_REFRESH, body

    def _update(self, subscription: _Subscription, symbol: str, now: int) -> list[Outgoing]:
        told = subscription.symbols[symbol]
        bids, asks = self._look(subscription, symbol)
        if bids == told.bids and asks == told.asks and not told.prints:
            told.changed = False
            return []
        if not subscription.incremental:
            return [self._snapshot(subscription, symbol, now)]
        entries: list[Fields] = []
        condition = self._condition(symbol)
        entries += _differences(_BID, symbol, told.bids, bids, condition)
        entries += _differences(_ASK, symbol, told.asks, asks, condition)
        entries += [_trade(each) for each in told.prints]
        told.prints.clear()
        told.bids, told.asks, told.sent_ns, told.changed = bids, asks, now, False
        body: Fields = [
            (tags.MDReqID, subscription.request_id),
            (tags.NoMDEntries, str(len(entries))),
        ]
        for entry in entries:
            body += entry
        return [(MsgType.MARKET_DATA_INCREMENTAL_REFRESH, body)]

    def _condition(self, symbol: str) -> Fields:
        return [] if self._trades(symbol) else [(tags.QuoteCondition, _CLOSED)]


def _differences(
    kind: str, symbol: str, before: Ladder, after: Ladder, condition: Fields
) -> list[Fields]:
    """Deletes first, then new and changed levels. A level is known by its side and price: a
    snapshot has no MDEntryID (278) that an update could name."""
    old = {price: (shares, orders) for price, shares, orders in before}
    new = {price: (shares, orders) for price, shares, orders in after}
    entries = [_entry(_DELETE, kind, symbol, price) for price in old if price not in new]
    for price, (shares, orders) in new.items():
        if old.get(price) == (shares, orders):
            continue
        action = _CHANGE if price in old else _NEW
        entry = _entry(action, kind, symbol, price)
        entry += [
            (tags.MDEntrySize, str(shares)),
            *condition,
            (tags.NumberOfOrders, str(orders)),
        ]
        entries.append(entry)
    return entries


def _entry(action: str, kind: str, symbol: str, price: int) -> Fields:
    return [
        (tags.MDUpdateAction, action),
        (tags.MDEntryType, kind),
        (tags.Symbol, symbol),
        (tags.MDEntryPx, price_to_text(price)),
    ]


def _trade(each: Print) -> Fields:
    """A trade in an update: always new, it is never changed or deleted."""
    update = [(tags.MDUpdateAction, _NEW), (tags.MDEntryType, _TRADE), (tags.Symbol, each.symbol)]
    return update + _print(each)


def _print(each: Print) -> Fields:
    date, _, time = utc_timestamp(each.at_ns).partition("-")
    return [
        (tags.MDEntryPx, price_to_text(each.price)),
        (tags.MDEntrySize, str(each.quantity)),
        (tags.MDEntryDate, date),
        (tags.MDEntryTime, time),
    ]
