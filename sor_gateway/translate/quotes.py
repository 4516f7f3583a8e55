"""A venue's market data: requests out, books in.

Owns: the books of one market-data connection, as the venue publishes them.
May not know: sessions, other venues, the consolidated book.

The rules of recovery.md 2.6: a request is made anew on each connection, a book is absent until a
full snapshot (W) answers *that* request, and a message that may be a duplicate (43=Y) never
touches a book. A book that an update contradicts is dropped until the next snapshot: no quote is
better than a wrong one.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.dialect import Dialect
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.fix.values import text_to_int, text_to_price, text_to_quantity
from sor_gateway.sor.types import Micros, Shares
from sor_gateway.translate.outgoing import Outgoing, clean, shown
from sor_gateway.translate.venues import Unusable

LEVELS_MAX: Final = 1_000
"""Levels of one side of a book; what lies behind them is not kept."""

BID: Final = "0"
OFFER: Final = "1"
NEW: Final = "0"
CHANGE: Final = "1"
DELETE: Final = "2"
REJECT_REASONS: Final = {
    "0": "unknown symbol",
    "1": "duplicate request",
    "4": "unsupported subscription type",
    "5": "unsupported depth",
    "6": "unsupported update type",
    "8": "unsupported entry type",
}
"""MDReqRejReason (281) in words."""

Levels = list[tuple[Micros, Shares]]
Entry = dict[int, str]


@dataclass(slots=True)
class BookUpdate:
    """A book as it stands after a message, best levels first; both sides empty: no book."""

    symbol: str
    bids: Levels
    asks: Levels


class Incoherent(Exception):  # noqa: N818 - drops a book, never leaves this module
    """An entry that does not fit the book."""


@dataclass(slots=True, eq=False)
class Level:
    """One entry of a side; several may have one price, so each is equal to itself only."""

    rank: int
    """Price in micros, negative for bids: lower ranks are better."""
    quantity: Shares
    entry_id: str
    """MDEntryID (278), empty when the venue has none."""


@dataclass(slots=True)
class QuoteBook:
    """One symbol at one venue."""

    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    present: bool = False
    """False until a snapshot came."""

    def forget(self) -> None:
        """There is no book any more."""
        self.bids, self.asks, self.present = [], [], False

    def replace(self, entries: list[Entry]) -> None:
        """A full snapshot (W). Raises Incoherent, and then there is no book."""
        self.forget()
        try:
            for entry in entries:
                self._put(entry)
        except Incoherent:
            self.forget()
            raise
        self.present = True

    def update(self, entry: Entry) -> None:
        """One entry of an incremental refresh (X). Raises Incoherent, and then there is no book."""
        if not self.present:
            return  # what it changes is not known
        try:
            if entry.get(tags.MDUpdateAction) == DELETE:
                self._delete(entry)
            else:
                self._put(entry)
        except Incoherent:
            self.forget()
            raise

    def levels(self) -> tuple[Levels, Levels]:
        """Bids and asks as (price in micros, shares), best first, one per price."""
        return aggregated(self.bids, -1), aggregated(self.asks, 1)

    def _put(self, entry: Entry) -> None:
        """A new entry, or a change of one that is there."""
        kind = entry.get(tags.MDEntryType, "")
        if kind not in (BID, OFFER):
            return  # trades and the like are no part of a book
        side = self._side(kind)
        found = self._find(side, entry, kind)
        if found is None:
            level = Level(rank_of(entry, kind), size_of(entry), entry.get(tags.MDEntryID, ""))
        else:
            side.remove(found)
            # A change need not repeat what stays as it was.
            rank = rank_of(entry, kind) if tags.MDEntryPx in entry else found.rank
            quantity = size_of(entry) if tags.MDEntrySize in entry else found.quantity
            level = Level(rank, quantity, found.entry_id)
        if level.quantity:  # some venues delete with a size of 0
            insort(side, level, key=by_rank)
            del side[LEVELS_MAX:]

    def _delete(self, entry: Entry) -> None:
        kind = entry.get(tags.MDEntryType, "")
        if kind in (BID, OFFER):
            side = self._side(kind)
            found = self._find(side, entry, kind)
            if found is not None:
                side.remove(found)
            return
        # With an id the side may be left out.
        for side in (self.bids, self.asks):
            for level in side:
                if level.entry_id and level.entry_id == entry.get(tags.MDEntryID):
                    side.remove(level)
                    return

    def _side(self, kind: str) -> list[Level]:
        return self.bids if kind == BID else self.asks

    def _find(self, side: list[Level], entry: Entry, kind: str) -> Level | None:
        """The level that an entry is about: by id; without ids by price; a change or delete may
        also name the position."""
        entry_id = entry.get(tags.MDEntryID)
        if entry_id:
            return next((level for level in side if level.entry_id == entry_id), None)
        if tags.MDEntryPx in entry:
            rank = rank_of(entry, kind)
            found = next((level for level in side if level.rank == rank), None)
            if found is not None:
                return found
        position = entry.get(tags.MDEntryPositionNo)
        if position is None or entry.get(tags.MDUpdateAction, NEW) == NEW:
            return None
        at = position_of(position)
        return side[at - 1] if 0 < at <= len(side) else None


class QuoteTranslator:
    """The books of one market-data session, and the requests for them."""

    def __init__(self, dialect: Dialect, depth: int = 0, incremental: bool = True) -> None:
        """`depth` in levels, 0 for the full book; `incremental` asks for X, else for W only."""
        assert depth >= 0, depth
        self.dialect = dialect
        self.dropped = 0
        """Books dropped because a message made no sense with them."""
        self._depth = depth
        self._update_type = "1" if incremental else "0"
        self._requests = 0
        self._request_id = ""
        self._books: dict[str, QuoteBook] = {}

    def subscribe(self, symbols: list[str]) -> list[Outgoing]:
        """The request for these symbols, under a new id; what answers an older one is ignored."""
        self.forget()
        if not symbols:
            return []
        self._requests += 1
        self._request_id = f"MD{self._requests}"
        self._books = {symbol: QuoteBook() for symbol in symbols}
        fields = [
            (int(tags.MDReqID), self._request_id),
            (tags.SubscriptionRequestType, "1"),  # snapshot and updates
            (tags.MarketDepth, str(self._depth)),
            (tags.MDUpdateType, self._update_type),
            (tags.NoMDEntryTypes, "2"),
            (tags.MDEntryType, BID),
            (tags.MDEntryType, OFFER),
            (tags.NoRelatedSym, str(len(symbols))),
            *((int(tags.Symbol), symbol) for symbol in symbols),
        ]
        return [Outgoing(MsgType.MARKET_DATA_REQUEST, fields)]

    def forget(self) -> None:
        """The connection is gone, or new: no book is valid."""
        self._books = {}
        self._request_id = ""

    def levels(self, symbol: str) -> tuple[Levels, Levels]:
        """The book of a symbol as it stands; both sides empty when there is none."""
        book = self._books.get(symbol)
        return book.levels() if book is not None else ([], [])

    def to_book(self, message: Message) -> list[BookUpdate] | Unusable:
        """Take a message in; the books that it touched. An update whose book is not there yet
        touches none."""
        if message.get(tags.PossDupFlag) == "Y":
            return []
        if message.get(tags.MDReqID, self._request_id) != self._request_id:
            return []  # about a request that is no longer ours
        if message.msg_type == MsgType.MARKET_DATA_SNAPSHOT_FULL_REFRESH:
            return self._snapshot(message)
        if message.msg_type == MsgType.MARKET_DATA_INCREMENTAL_REFRESH:
            return self._increment(message)
        if message.msg_type == MsgType.MARKET_DATA_REQUEST_REJECT:
            return Unusable(refusal(message))
        return Unusable(f"35={clean(shown(message.msg_type))} is not expected from market data")

    def _snapshot(self, message: Message) -> list[BookUpdate] | Unusable:
        """MarketDataSnapshotFullRefresh (W)."""
        symbol = message.get(tags.Symbol, "")
        book = self._books.get(symbol)
        if book is None:
            return Unusable(f"a snapshot of {clean(shown(symbol))}, which was not asked for")
        try:
            book.replace(message.group(tags.NoMDEntries, tags.MDEntryType))
        except Incoherent:
            self.dropped += 1  # the update below says that there is no book
        return [BookUpdate(symbol, *book.levels())]

    def _increment(self, message: Message) -> list[BookUpdate]:
        """MarketDataIncrementalRefresh (X): an entry without 55 is about the one before it."""
        touched: dict[str, QuoteBook] = {}
        symbol = ""
        for entry in message.group(tags.NoMDEntries, tags.MDUpdateAction):
            symbol = entry.get(tags.Symbol, symbol)
            book = self._books.get(symbol)
            if book is None or not book.present:
                continue
            touched[symbol] = book
            try:
                book.update(entry)
            except Incoherent:
                self.dropped += 1  # the update below says that there is no book
        return [BookUpdate(name, *book.levels()) for name, book in touched.items()]


def refusal(message: Message) -> str:
    """A MarketDataRequestReject (Y) in words."""
    code = message.get(tags.MDReqRejReason, "")
    meaning = REJECT_REASONS.get(code, "no reason known here")
    tail = f": {message[tags.Text]}" if tags.Text in message else ""
    return clean(f"market data refused, 281={shown(code)} ({meaning}){tail}")


def aggregated(side: list[Level], sign: int) -> Levels:
    """The levels of a sorted side, equal prices added up."""
    levels: Levels = []
    for level in side:
        price = sign * level.rank
        if levels and levels[-1][0] == price:
            levels[-1] = (price, levels[-1][1] + level.quantity)
        else:
            levels.append((price, level.quantity))
    return levels


def by_rank(level: Level) -> int:
    """The order of a side."""
    return level.rank


def rank_of(entry: Entry, kind: str) -> int:
    """MDEntryPx (270) as a rank. Raises Incoherent."""
    try:
        price = text_to_price(entry.get(tags.MDEntryPx, ""))
    except ValueError as error:
        raise Incoherent(f"270 (MDEntryPx): {error}") from None
    if price <= 0:
        raise Incoherent("270 (MDEntryPx): expected a price above 0")
    return -price if kind == BID else price


def size_of(entry: Entry) -> Shares:
    """MDEntrySize (271). Raises Incoherent."""
    try:
        return text_to_quantity(entry.get(tags.MDEntrySize, ""))
    except ValueError as error:
        raise Incoherent(f"271 (MDEntrySize): {error}") from None


def position_of(text: str) -> int:
    """MDEntryPositionNo (290). Raises Incoherent."""
    try:
        return text_to_int(text)
    except ValueError as error:
        raise Incoherent(f"290 (MDEntryPositionNo): {error}") from None
