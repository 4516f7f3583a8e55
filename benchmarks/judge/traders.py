"""Who works the order: what all traders have in common, and the router as it is.

Owns: how the real Router is driven without a gateway around it; whether a child of it passed over a
better price that was known.
May not know: rivals, venues' insides, regimes, costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from benchmarks.judge.street import Arrival, Shown, side_of
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Command
from sor_gateway.sor.market import Market
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import RouterSettings
from sor_gateway.sor.types import Micros, Nanos, OrdType, Shares, TimeInForce

IDS: Final = 10**9


@dataclass(slots=True, frozen=True)
class Order:
    """What has to be done."""

    symbol: str
    is_buy: bool
    quantity: Shares
    strategy: str = ""


@dataclass(slots=True)
class Account:
    """What an order came to."""

    quantity: Shares = 0
    value_micros: Micros = 0
    fees_micros: Micros = 0
    children: int = 0
    by_venue: dict[str, Shares] = field(default_factory=dict)
    through: int = 0
    """Children that passed over something better in the books as known."""

    def fill(self, fact: ev.ChildFilled) -> None:
        """Count an execution."""
        self.quantity += fact.quantity
        self.value_micros += fact.quantity * fact.price_micros
        self.fees_micros += fact.fee_micros
        self.by_venue[fact.venue] = self.by_venue.get(fact.venue, 0) + fact.quantity


class Trader(Protocol):
    """Works one order."""

    account: Account

    def begin(self, order: Order, now: Nanos) -> None:
        """The order comes."""

    def arrive(self, what: Arrival, now: Nanos) -> None:
        """A fact or a book arrives."""

    def decide(self, now: Nanos) -> list[Command]:
        """What to send now."""

    def next_ns(self) -> Nanos | None:
        """When to decide next without anything arriving."""


class Ours:
    """The router that the gateway runs, turned as the engine turns it."""

    def __init__(self, settings: RouterSettings, now: Nanos) -> None:
        self.account = Account()
        self.router: Final = Router(settings)
        self._commands: list[Command] = []
        self._handle(ev.IdsReserved(now, IDS))
        for name in settings.venues:
            self._handle(ev.VenueOpened(now, name, 1))

    def begin(self, order: Order, now: Nanos) -> None:
        """As the fact of a market order that a client sent."""
        self._handle(
            ev.ParentSubmitted(
                now,
                self.router.next_parent_id(),
                "EMS",
                "judge",
                order.symbol,
                side_of(order.is_buy),
                order.quantity,
                OrdType.MARKET,
                None,
                TimeInForce.DAY,
                order.strategy,
            )
        )

    def arrive(self, what: Arrival, now: Nanos) -> None:
        """Into the market, or into the state."""
        if isinstance(what, Shown):
            self.router.market.update(what.venue, what.symbol, what.bids, what.asks, now)
            self.router.quoted(what.symbol)
            return
        if isinstance(what, ev.ChildFilled):
            self.account.fill(what)
        self._handle(what)

    def decide(self, now: Nanos) -> list[Command]:
        """One turn."""
        books = Known(self.router.market, now)
        for decision in self.router.decide(now):
            if isinstance(decision, de.ChildPlanned):
                parent = self.router.state.parents[decision.parent_id]
                self.account.children += 1
                books.plan(parent.symbol, parent.side.is_buy, decision)
            self._handle(decision)
        self.router.refresh(now)
        self.account.through += books.passed_over()
        commands, self._commands = self._commands, []
        return commands

    def next_ns(self) -> Nanos | None:
        """The router's."""
        return self.router.next_deadline()

    def _handle(self, fact: ev.Fact) -> None:
        outputs = self.router.handle(fact)
        self._commands += [each for each in outputs if isinstance(each, Command)]


class Known:
    """The displayed book as the router knew it before a turn: does any child of the turn pass over
    a better displayed price?"""

    def __init__(self, market: Market, now: Nanos) -> None:
        self._market = market
        self._now = now
        self._books: dict[str, dict[tuple[str, Micros], Shares]] = {}
        self._takes: list[tuple[str, bool, str, Micros]] = []

    def plan(self, symbol: str, is_buy: bool, child: de.ChildPlanned) -> None:
        """A child is planned; called before it is applied, which depletes the market's book."""
        displayed = self._books.get(symbol)
        if displayed is None:
            displayed = self._books[symbol] = {
                (venue, price): shares
                for venue, book in self._market.fresh(symbol, self._now)
                for price, shares in (book.asks if is_buy else book.bids)
            }
        limit = child.limit_micros
        if child.ord_type is not OrdType.LIMIT or limit is None:
            return  # at the midpoint nothing displayed is better
        left = child.quantity
        prices = [price for venue, price in displayed if venue == child.venue]
        for price in sorted(prices, reverse=not is_buy):
            if (price <= limit) if is_buy else (price >= limit):
                taken = min(left, displayed[child.venue, price])
                displayed[child.venue, price] -= taken
                left -= taken
                if taken:
                    self._takes.append((symbol, is_buy, child.venue, price))

    def passed_over(self) -> int:
        """Takes at a price while a better one elsewhere was left."""
        return sum(
            any(
                shares > 0 and name != venue and ((at < price) if is_buy else (at > price))
                for (name, at), shares in self._books[symbol].items()
            )
            for symbol, is_buy, venue, price in self._takes
        )
