"""Quotes by venue: the consolidated book, the NBBO, freshness.

Owns: displayed quotes, what our own orders have taken from them since, who left the best price.
May not know: orders, venues' fees, sessions. Not part of the fold: quotes are never recorded, what
was seen when a decision was made stands in the decision (architecture.md 2c).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sor_gateway.sor.departures import Departures
from sor_gateway.sor.estimators.volatility import DAY_NS, Moves, Volatility
from sor_gateway.sor.types import Micros, Nanos, Shares

LEVELS_MAX: Final = 50
"""Levels kept of each side of a venue's book."""

Level = tuple[Micros, Shares]


@dataclass(slots=True)
class Book:
    """One venue's displayed quotes for one symbol, best first."""

    bids: list[Level]
    asks: list[Level]
    at_ns: Nanos


class News(IntEnum):
    """What an update says that was not known."""

    NONE = 0
    """The same again: it only confirms."""
    SIZES = 1
    """What is displayed, not where."""
    TOUCH = 2
    """The venue's best bid or offer, or that it shows anything at all."""


@dataclass(slots=True)
class Nbbo:
    """Best bid and offer over all fresh books; 0 where there is none."""

    bid_micros: Micros
    ask_micros: Micros

    @property
    def mid_micros(self) -> Micros:
        """The midpoint, rounded down; the one side that is there; 0 without any."""
        if self.bid_micros and self.ask_micros:
            return (self.bid_micros + self.ask_micros) // 2
        return self.bid_micros or self.ask_micros

    @property
    def half_spread_micros(self) -> Micros:
        """Half of the spread; 0 when a side is missing, or locked, or crossed."""
        if self.bid_micros and self.ask_micros:
            return max(0, (self.ask_micros - self.bid_micros) // 2)
        return 0

    def far_micros(self, is_buy: bool) -> Micros:
        """The side that an order of ours would take; 0 without it."""
        return self.ask_micros if is_buy else self.bid_micros


class Market:
    """All books. Books not confirmed for `max_age_ns` do not count. `day_ns`: how long a trading
    day is on the clock by which they come; `told`: what is known of how much symbols move."""

    def __init__(
        self,
        max_age_ns: Nanos,
        day_ns: Nanos = DAY_NS,
        told: Mapping[str, Moves] | None = None,
    ) -> None:
        self._max_age_ns: Final = max_age_ns
        self.volatility: Final = Volatility(day_ns, told)
        self._books: Final[dict[str, dict[str, Book]]] = {}
        self._news: Final[dict[str, News]] = {}
        self.departures: Final = Departures()

    def update(
        self, venue: str, symbol: str, bids: list[Level], asks: list[Level], now: Nanos
    ) -> None:
        """The venue's displayed book is this now; what we took from the old one is forgotten."""
        book = Book(_side(bids, reverse=True), _side(asks, reverse=False), now)
        books = self._books.setdefault(symbol, {})
        news = _news(books.get(venue), book, now - self._max_age_ns)
        books[venue] = book
        if news is not News.NONE:
            bid_moved = self.departures.note((symbol, True, venue), book.bids, now)
            ask_moved = self.departures.note((symbol, False, venue), book.asks, now)
            if bid_moved or ask_moved:
                news = News.TOUCH  # of others: an order of ours may be all that is left at the best
        if self.volatility.is_due(symbol, now):
            nbbo = self.nbbo(symbol, now)
            if 0 < nbbo.bid_micros < nbbo.ask_micros:
                self.volatility.see(symbol, nbbo.mid_micros, now)
        if news > self._news.get(symbol, News.NONE):
            self._news[symbol] = news

    def take_news(self, symbol: str) -> News:
        """The most that updates of the symbol have said since this was asked last."""
        return self._news.pop(symbol, News.NONE)

    def forget(self, venue: str) -> None:
        """The venue's quotes can no longer be trusted (recovery.md 2.6)."""
        for books in self._books.values():
            books.pop(venue, None)
        self.departures.forget(venue)

    def nbbo(self, symbol: str, now: Nanos) -> Nbbo:
        """Best bid and offer over fresh books."""
        bid = ask = 0
        for _, book in self.fresh(symbol, now):
            if book.bids and book.bids[0][0] > bid:
                bid = book.bids[0][0]
            if book.asks and (not ask or book.asks[0][0] < ask):
                ask = book.asks[0][0]
        return Nbbo(bid, ask)

    def fresh(self, symbol: str, now: Nanos) -> Iterator[tuple[str, Book]]:
        """Each venue with a fresh book, and the book, in the order in which venues first quoted."""
        oldest_ns = now - self._max_age_ns
        for venue, book in self._books.get(symbol, {}).items():
            if book.at_ns >= oldest_ns:
                yield venue, book

    def deplete(
        self, venue: str, symbol: str, is_buy: bool, limit_micros: Micros, quantity: Shares
    ) -> None:
        """An order of ours is on its way to take this: it counts as taken until the venue's next
        update, so that nobody here goes for the same shares twice. The last price of a side stays,
        with nothing displayed at it: that we took all there was does not make the market absent."""
        book = self._books.get(symbol, {}).get(venue)
        if book is None:
            return
        levels = book.asks if is_buy else book.bids
        if not levels:
            return
        kept: list[Level] = []
        for price, displayed in levels:
            within = price <= limit_micros if is_buy else price >= limit_micros
            taken = min(displayed, quantity) if within else 0
            quantity -= taken
            if displayed > taken:
                kept.append((price, displayed - taken))
        if not kept or kept[0][0] != levels[0][0]:
            best = kept[0][0] if kept else 0
            self.departures.took((symbol, not is_buy, venue), best)
        kept = kept or [(levels[-1][0], 0)]
        if is_buy:
            book.asks = kept
        else:
            book.bids = kept


def _news(old: Book | None, new: Book, oldest_ns: Nanos) -> News:
    """What a book says beyond the one before it, of which we may have taken something since."""
    if old is None or old.at_ns < oldest_ns:
        return News.TOUCH
    if old.bids == new.bids and old.asks == new.asks:
        return News.NONE
    same_touch = _best(old.bids) == _best(new.bids) and _best(old.asks) == _best(new.asks)
    return News.SIZES if same_touch else News.TOUCH


def _best(side: list[Level]) -> Micros:
    return side[0][0] if side else 0


def _side(levels: list[Level], reverse: bool) -> list[Level]:
    """One side of a book, best first, without what is not a quote."""
    quotes = [(price, quantity) for price, quantity in levels if price > 0 and quantity > 0]
    quotes.sort(reverse=reverse)
    return quotes[:LEVELS_MAX]
