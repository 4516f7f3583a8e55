"""The venues as production has them, on one clock, without FIX in between.

Owns: what is due when at which venue; commands in as their messages would come, facts and books out
as their messages would arrive, each behind the line's latency.
May not know: who trades, regimes, costs.

The venues are `venue_sims.venue.Venue`, put together by its own assembly with a shared path that
clients move. What a FIX session between router and venue would add is left out: numbers, resends,
bytes. What it would carry is said by `to_command` and `to_fact`, one line for one field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

from sor_gateway.sor.commands import AskChild, CancelChild, Command, SendChild
from sor_gateway.sor.events import (
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildStatusReported,
    Fact,
)
from sor_gateway.sor.market import Level
from sor_gateway.sor.types import ChildState, Liquidity, OrdType, Side, TimeInForce
from venue_sims import words
from venue_sims.agenda import NEVER
from venue_sims.assembly import build_paths, build_venue
from venue_sims.commands import CancelReceived, OrderReceived, StatusReceived, Terms
from venue_sims.commands import Command as VenueCommand
from venue_sims.config import MarketSettings, VenueFile
from venue_sims.facts import Executed
from venue_sims.flow.clock import NANOS_PER_SECOND, MarketClock
from venue_sims.flow.impact import ImpactPath
from venue_sims.matching.orders import Lifetime, Manner
from venue_sims.matching.orders import Side as BookSide
from venue_sims.reports import Report
from venue_sims.state import VenueState

SESSION: Final = words.session_name("SOR", "FIX.4.4")
EVERY_LEVEL: Final = 100
FULL_NS: Final = NANOS_PER_SECOND
"""A venue shows its whole book this often, changed or not (venue_sims/market_data.py)."""

_ENDED: Final = {
    words.ReportKind.CANCELED: ChildState.CANCELED,
    words.ReportKind.EXPIRED: ChildState.EXPIRED,
    words.ReportKind.REJECTED: ChildState.REJECTED,
}
_ORD_TYPES: Final = {
    OrdType.MARKET: words.OrdType.MARKET,
    OrdType.LIMIT: words.OrdType.LIMIT,
    OrdType.MID_PEG: words.OrdType.MID_PEG,
}
_LIFETIMES: Final = {TimeInForce.DAY: Lifetime.DAY, TimeInForce.IOC: Lifetime.IOC}


@dataclass(slots=True, frozen=True)
class Shown:
    """A venue's displayed book arrived."""

    venue: str
    symbol: str
    bids: list[Level]
    asks: list[Level]


@dataclass(slots=True, frozen=True)
class Trade:
    """An order of ours traded, and what the market truly was then."""

    quantity: int
    market_ns: int
    taken: bool
    """It took from a displayed book."""
    through: bool
    """It took, and another lit venue displayed a better price at that instant."""


Arrival = Fact | Shown


class Stall:
    """One venue, and what is on the line from it."""

    def __init__(self, file: VenueFile, venue: VenueState, depth: int) -> None:
        self.file = file
        self.state = venue
        self.depth = depth
        self.told: tuple[list[Level], list[Level]] = ([], [])
        self.told_ns = self.full_ns = 0
        self.is_changed = True
        self.due_ns = 0
        """When it has to be looked at again."""

    def publish_ns(self) -> int | None:
        """When it shows its book next."""
        if not self.depth:
            return None
        full_ns = self.full_ns + FULL_NS
        return min(full_ns, self.told_ns + self.file.interval_ns) if self.is_changed else full_ns


@dataclass(slots=True)
class Seen:
    """What an observer of all venues notes of our orders."""

    trades: list[Trade] = field(default_factory=list)
    shown_max: int = 0
    """Most shares of ours that were displayed at an instant on all venues together."""
    shown_venue_max: int = 0
    """And on one of them."""


class Street:
    """See the module. The market is one symbol's."""

    def __init__(
        self,
        files: list[VenueFile],
        market: MarketSettings,
        start_ns: int,
        age_ns: int,
        line_ns: int,
    ) -> None:
        assert len(market.symbols) == 1
        self.symbol: Final = market.symbols[0].path.symbol
        self.now = start_ns
        self.seen: Final = Seen()
        self._line_ns = line_ns
        paths = build_paths(market)
        clock = MarketClock(start_ns - age_ns, market.scale_milli)
        self.path: Final = paths[self.symbol]
        self.clock: Final = clock
        self.stalls: Final[dict[str, Stall]] = {}
        self.venues: Final = {
            file.name: build_venue(file, market, clock, VenueState(file.mic), paths)
            for file in files
        }
        for file in files:
            venue = self.venues[file.name]
            self.stalls[file.name] = Stall(file, venue.state, venue.kind.depth)
            venue.start(start_ns)
            venue.connected(SESSION, start_ns)
        self._books = {
            name: venue.floors[self.symbol].matcher
            for name, venue in self.venues.items()
            if not venue.kind.dark
        }
        self._coming: list[tuple[int, int, str, VenueCommand]] = []
        self._arriving: list[tuple[int, int, Arrival]] = []
        self._count = 0

    # --- who trades -----------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """A message leaves for a venue now."""
        at_ns = self.now + self._line_ns
        self._count += 1
        heappush(self._coming, (at_ns, self._count, command.venue, to_command(command, at_ns)))

    def arrivals(self) -> list[Arrival]:
        """What has arrived by now, in its order."""
        arrived: list[Arrival] = []
        while self._arriving and self._arriving[0][0] <= self.now:
            arrived.append(heappop(self._arriving)[2])
        return arrived

    # --- time -----------------------------------------------------------------------------

    def next_ns(self) -> int:
        """When something is due next; there always is something."""
        due_ns = min(stall.due_ns for stall in self.stalls.values())
        for heap in (self._coming, self._arriving):
            if heap:
                due_ns = min(due_ns, heap[0][0])
        return max(self.now, due_ns)

    def live(self, now: int) -> None:
        """Live through what is due by `now`, which is at most what `next_ns` said."""
        self.now = now
        while self._coming and self._coming[0][0] <= now:
            at_ns, _, name, command = heappop(self._coming)
            self.venues[name].receive(command, at_ns)
            self.stalls[name].due_ns = now
        for name, stall in self.stalls.items():
            if stall.due_ns <= now:
                self._visit(name, stall)

    def _visit(self, name: str, stall: Stall) -> None:
        """A venue lives, and says what it has to say."""
        venue, now = self.venues[name], self.now
        venue.advance(now)
        self._note(name)
        while (report := venue.due_report(SESSION, now)) is not None:
            venue.reported(SESSION, report)
            fact = to_fact(report, name, stall.file.mic, now + self._line_ns)
            if fact is not None:
                self._arrive(fact)
        if venue.take_changed():
            stall.is_changed = True
        publish_ns = stall.publish_ns()
        if publish_ns is not None and publish_ns <= now:
            self._publish(name, stall)
        due = (venue.next_deadline(), venue.next_report_ns(SESSION), stall.publish_ns())
        stall.due_ns = min((at_ns for at_ns in due if at_ns is not None), default=NEVER)

    def _publish(self, name: str, stall: Stall) -> None:
        book = self._books[name]
        told = (
            [level[:2] for level in book.depth(BookSide.BUY, stall.depth)],
            [level[:2] for level in book.depth(BookSide.SELL, stall.depth)],
        )
        stall.is_changed = False
        is_full = self.now >= stall.full_ns + FULL_NS
        if not is_full and told == stall.told:
            return
        stall.told, stall.told_ns = told, self.now
        stall.full_ns = self.now if is_full else stall.full_ns
        self._arrive(Shown(name, self.symbol, list(told[0]), list(told[1])))

    def _arrive(self, what: Arrival) -> None:
        self._count += 1
        heappush(self._arriving, (self.now + self._line_ns, self._count, what))

    # --- what an observer sees ------------------------------------------------------------

    def best(self, side: BookSide, but: str = "") -> int | None:
        """The best displayed price of a side, without one venue's."""
        prices = [
            price
            for name, book in self._books.items()
            if name != but and (price := book.best(side)) is not None
        ]
        if not prices:
            return None
        return max(prices) if side is BookSide.BUY else min(prices)

    @property
    def done_dark(self) -> int:
        """Shares of ours that traded in the dark."""
        return sum(
            venue.state.client(SESSION).ledger.shares
            for venue in self.venues.values()
            if venue.kind.dark
        )

    def path_micros(self, market_ns: int) -> float:
        """Where the price would be without any client."""
        path = self.path.path if isinstance(self.path, ImpactPath) else self.path
        return path.price(path.slot(market_ns)) * path.settings.tick_micros

    def shift_micros(self, market_ns: int) -> float:
        """How far clients had moved the price by then."""
        if not isinstance(self.path, ImpactPath):
            return 0.0
        return self.path.shift(self.path.slot(market_ns)) * self.path.settings.tick_micros

    def cost_to_end(self, is_buy: bool, quantity: int) -> int:
        """What this many shares would cost (bring) in micros, taken from the displayed books now;
        what is not displayed costs as much more a share as all that is was deep."""
        side = BookSide.SELL if is_buy else BookSide.BUY
        levels = [level for book in self._books.values() for level in book.depth(side, EVERY_LEVEL)]
        levels.sort(reverse=not is_buy)
        value, price = 0, levels[0][0]
        for price, shares, _ in levels:
            taken = min(shares, quantity)
            value, quantity = value + taken * price, quantity - taken
        return value + quantity * (2 * price - levels[0][0])

    def _note(self, name: str) -> None:
        facts = self.venues[name].take_facts()
        if not facts:
            return
        for fact in facts:
            if isinstance(fact, Executed):
                taken = fact.liquidity is words.Liquidity.REMOVED
                through = taken and self._is_through(name, fact)
                market_ns = self.clock.market(fact.at_ns)
                self.seen.trades.append(Trade(fact.quantity, market_ns, taken, through))
        if name in self._books:
            shown = {each: self._shown(each) for each in self._books}
            self.seen.shown_max = max(self.seen.shown_max, sum(shown.values()))
            self.seen.shown_venue_max = max(self.seen.shown_venue_max, *shown.values())

    def _is_through(self, name: str, fact: Executed) -> bool:
        """Whether another venue displays a better price than this order just took."""
        terms = self.stalls[name].state.orders[fact.order_id].terms
        is_buy = terms.capacity is words.Capacity.BUY
        for each in self._books:
            if each != name:  # as they are at this instant, not when they were looked at last
                self.venues[each].advance(self.now)
                self.stalls[each].due_ns = self.now
        other = self.best(BookSide.SELL if is_buy else BookSide.BUY, but=name)
        if other is None:
            return False
        return other < fact.price if is_buy else other > fact.price

    def _shown(self, name: str) -> int:
        orders = self._books[name].orders
        return sum(
            order.leaves
            for order in self.stalls[name].state.live_orders()
            if order.order_id in orders and not order.terms.hidden
        )


# --- what FIX would carry --------------------------------------------------------------------


def to_command(command: Command, at_ns: int) -> VenueCommand:
    """A message of ours as the venue reads it."""
    if isinstance(command, CancelChild):
        return CancelReceived(SESSION, at_ns, command.cancel_id, command.child_id, command.symbol)
    if isinstance(command, AskChild):
        return StatusReceived(
            SESSION, at_ns, command.child_id, command.venue_order_id, command.request_id
        )
    assert isinstance(command, SendChild)
    terms = Terms(
        command.child_id,
        command.symbol,
        words.Capacity(command.side.value),
        _ORD_TYPES[command.ord_type],
        command.quantity,
        command.limit_micros,
        _LIFETIMES[command.time_in_force],
    )
    if command.post_only:
        terms.manner = Manner.POST_ONLY
    terms.min_qty = command.min_quantity
    return OrderReceived(SESSION, at_ns, terms)


def to_fact(report: Report, venue: str, mic: str, at_ns: int) -> Fact | None:
    """A venue's message as the router reads it; None for what it need not know."""
    child_id = report.orig_cl_ord_id or report.terms.cl_ord_id
    kind = report.kind
    cum = report.cum_quantity
    average = report.cum_value_micros // cum if cum else 0
    if kind is words.ReportKind.NEW:
        return ChildAccepted(at_ns, venue, child_id, report.order_id)
    if kind is words.ReportKind.TRADE:
        assert report.liquidity is not None
        return ChildFilled(
            at_ns,
            venue,
            child_id,
            report.exec_id,
            report.last_quantity,
            report.last_price,
            cum,
            report.leaves,
            Liquidity(report.liquidity.value),
            report.fee_micros,
            mic,
            report.at_ns,
            report.order_id,
            average,
        )
    if kind in _ENDED:
        ended = ChildEnded(at_ns, venue, child_id, _ENDED[kind], cum, text=report.text)
        ended.avg_price_micros = average
        return ended
    if kind is words.ReportKind.CANCEL_REFUSED:
        known = report.reason is not words.Reason.UNKNOWN_ORDER
        return ChildCancelRefused(at_ns, venue, child_id, known, report.text)
    if kind is words.ReportKind.STATUS:
        live = report.state in words.LIVE
        how = ChildState.LIVE if live else ChildState(report.state.value)
        status_id = report.status_id
        return ChildStatusReported(at_ns, venue, child_id, status_id, True, live, cum, average, how)
    if kind is words.ReportKind.UNKNOWN:
        return ChildStatusReported(at_ns, venue, child_id, report.status_id, False, False)
    return None


def side_of(is_buy: bool) -> Side:
    """The router's word."""
    return Side.BUY if is_buy else Side.SELL
