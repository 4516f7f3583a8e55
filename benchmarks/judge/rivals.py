"""Simple routers, for comparison.

Owns: their decision rules. All get the same facts and books at the same times as ours and send the
same commands.
May not know: the router's insides, venues' insides, regimes, costs.

They are complete small routers, not caricatures: each works its order to the end, none trades with
a stale book, none has two orders out for the same shares. They take with immediate-or-cancel orders
at the price that they saw, at most one wave in `WAVE_NS`, as our own sweeps do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from benchmarks.judge.street import Arrival, Shown, side_of
from benchmarks.judge.traders import Account, Order
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import CancelChild, Command, SendChild
from sor_gateway.sor.market import Market
from sor_gateway.sor.settings import VenueSettings
from sor_gateway.sor.types import (
    NANOS_PER_MILLISECOND,
    NANOS_PER_SECOND,
    Micros,
    Nanos,
    OrdType,
    Shares,
    TimeInForce,
)

WAVE_NS: Final = 250 * NANOS_PER_MILLISECOND
"""Least time between two waves of a rival: that of the balanced preset."""
CLIP: Final = 500
"""Of who goes by pieces; the playbook's size of a displayed order."""
DARK_FIRST: Final = 5_000
DARK_STEP: Final = 2_500
DARK_BOX_NS: Final = 2 * NANOS_PER_SECOND
"""The balanced preset's: 120 market seconds here, the "two minutes" of the playbook."""
DARK_DRY_SHARE: Final = 0.4
COLLAR_BPS: Final = 1_000
"""The gateway's own collar for orders without a limit."""
STALE_NS: Final = 5 * NANOS_PER_SECOND


@dataclass(slots=True)
class Open:
    """An order of a rival that may still trade."""

    venue: str
    left: Shares
    price: Micros
    sent_ns: Nanos
    is_cancelled: bool = False


class Rival:
    """What simple routers have in common: an account, the books, one wave in a while."""

    def __init__(self, venues: dict[str, VenueSettings]) -> None:
        self.account = Account()
        self.lit: Final = [venue.name for venue in venues.values() if not venue.is_dark]
        self.dark: Final = [venue.name for venue in venues.values() if venue.is_dark]
        self.market: Final = Market(STALE_NS)
        self.order: Order
        self.open: Final[dict[str, Open]] = {}
        self.dead_until: Final[dict[str, Nanos]] = {}
        self._ids: Final = count(1)
        self._wave_ns: Nanos | None = None
        self._commands: list[Command] = []

    # --- what all do ----------------------------------------------------------------------

    def begin(self, order: Order, now: Nanos) -> None:
        """The order comes."""
        self.order = order
        self._wave_ns = now

    def arrive(self, what: Arrival, now: Nanos) -> None:
        """Keep the books and the account."""
        if isinstance(what, Shown):
            self.market.update(what.venue, what.symbol, what.bids, what.asks, now)
        elif isinstance(what, ev.ChildFilled):
            self.account.fill(what)
            child = self.open[what.child_id]
            child.left -= what.quantity
            self.filled(child.venue, what.quantity)
            if not child.left:
                self._over(what.child_id)
        elif isinstance(what, ev.ChildEnded) and what.child_id in self.open:
            self._over(what.child_id)

    def decide(self, now: Nanos) -> list[Command]:
        """A wave, when it is time for one."""
        if self._wave_ns is not None and now >= self._wave_ns and self.left > 0:
            self._wave_ns = now + WAVE_NS
            self.wave(now)
        commands, self._commands = self._commands, []
        return commands

    def next_ns(self) -> Nanos | None:
        """The next wave."""
        return self._wave_ns if self._wave_ns is not None and self.left > 0 else None

    # --- what each decides ----------------------------------------------------------------

    def wave(self, now: Nanos) -> None:
        """Send and cancel."""
        raise NotImplementedError

    def filled(self, venue: str, quantity: Shares) -> None:
        """An order there traded."""

    # --- for use in a wave ----------------------------------------------------------------

    @property
    def left(self) -> Shares:
        """Still to be done."""
        return self.order.quantity - self.account.quantity

    @property
    def free(self) -> Shares:
        """Still to be done and not out."""
        return self.left - sum(child.left for child in self.open.values())

    def displayed(self, now: Nanos) -> Iterator[tuple[str, Micros, Shares]]:
        """What can be taken: venue, price, shares, best of each venue first."""
        for venue, book in self.market.fresh(self.order.symbol, now):
            for price, shares in book.asks if self.order.is_buy else book.bids:
                if shares:
                    yield venue, price, shares

    def touches(self, now: Nanos) -> dict[str, tuple[Micros, Shares]]:
        """The best that each venue shows, by venue."""
        found: dict[str, tuple[Micros, Shares]] = {}
        for venue, price, shares in self.displayed(now):
            found.setdefault(venue, (price, shares))
        return found

    def best(self, prices: list[Micros]) -> Micros:
        """The best price to take."""
        return min(prices) if self.order.is_buy else max(prices)

    def take(self, venue: str, quantity: Shares, price: Micros, now: Nanos) -> None:
        """An order that takes, or goes."""
        self._send(venue, quantity, price, OrdType.LIMIT, TimeInForce.IOC, now)
        self.market.deplete(venue, self.order.symbol, self.order.is_buy, price, quantity)

    def rest(
        self, venue: str, quantity: Shares, price: Micros, now: Nanos, *, hidden: bool
    ) -> None:
        """An order that waits: at the midpoint in the dark, or displayed."""
        ord_type = OrdType.MID_PEG if hidden else OrdType.LIMIT
        self._send(venue, quantity, price, ord_type, TimeInForce.DAY, now)

    def cancel(self, child_id: str, now: Nanos) -> None:
        """Take an order back, once."""
        child = self.open[child_id]
        if child.is_cancelled:
            return
        child.is_cancelled = True
        side = side_of(self.order.is_buy)
        cancel_id = f"X{next(self._ids)}"
        self._commands.append(
            CancelChild(child.venue, child_id, cancel_id, "", self.order.symbol, side, 0, now)
        )

    def _send(
        self,
        venue: str,
        quantity: Shares,
        price: Micros,
        ord_type: OrdType,
        time_in_force: TimeInForce,
        now: Nanos,
    ) -> None:
        assert 0 < quantity <= self.free
        child_id, side = f"C{next(self._ids)}", side_of(self.order.is_buy)
        self.open[child_id] = Open(venue, quantity, price, now)
        self.account.children += 1
        self._commands.append(
            SendChild(
                venue,
                child_id,
                self.order.symbol,
                side,
                quantity,
                ord_type,
                price,
                time_in_force,
                now,
            )
        )

    def _over(self, child_id: str) -> None:
        del self.open[child_id]


class BestPrice(Rival):
    """Takes all that is displayed at the best price, wave after wave; largest first."""

    def wave(self, now: Nanos) -> None:
        """What stands at the best price of all venues."""
        touches = self.touches(now)
        if not touches:
            return
        best = self.best([price for price, _ in touches.values()])
        at_best = [(-shares, name) for name, (price, shares) in touches.items() if price == best]
        for minus, name in sorted(at_best):
            quantity = min(-minus, self.free)
            if quantity > 0:
                self.take(name, quantity, best, now)


class ProRata(Rival):
    """Takes what each venue shows at its own best price; when less is wanted, in proportion to what
    each displays."""

    def wave(self, now: Nanos) -> None:
        """A part of every venue's touch."""
        touches = self.touches(now)
        total, wanted = sum(shares for _, shares in touches.values()), self.free
        for name, (price, shares) in sorted(touches.items()):
            part = -(-min(wanted, total) * shares // total)
            quantity = min(part, shares, self.free)
            if quantity > 0:
                self.take(name, quantity, price, now)


class RoundRobin(Rival):
    """One clip a wave, to one venue after the other, at that venue's best price."""

    def __init__(self, venues: dict[str, VenueSettings]) -> None:
        super().__init__(venues)
        self._turn = 0

    def wave(self, now: Nanos) -> None:
        """The next venue that shows anything."""
        touches = self.touches(now)
        for _ in self.lit:
            name = self.lit[self._turn % len(self.lit)]
            self._turn += 1
            if name in touches and self.free > 0:
                price, shares = touches[name]
                self.take(name, min(CLIP, shares, self.free), price, now)
                return


class AllMarket(Rival):
    """All of it at once: everything that is displayed anywhere, at any price, until it is done."""

    def wave(self, now: Nanos) -> None:
        """Every level of every book, best first, one order a venue."""
        offers = sorted(
            self.displayed(now), key=lambda each: each[1] if self.order.is_buy else -each[1]
        )
        wanted: dict[str, Shares] = {}
        worst: dict[str, Micros] = {}
        free = self.free
        for name, price, shares in offers:
            taken = min(shares, free)
            free -= taken
            if taken:
                wanted[name], worst[name] = wanted.get(name, 0) + taken, price
        for name, quantity in wanted.items():
            self.take(name, quantity, worst[name], now)


class Playbook(Rival):
    """The published playbook (brief.md): the same size to every pool; what filled grows once, to
    ceil-to-2,500 of q (1 + fill rate), what did not is dropped; when a wave fills less than two
    fifths, 500 shares shown at the best price on its own side at every lit venue, replenished as
    they fill and moved as the market moves, until the order is done."""

    def __init__(self, venues: dict[str, VenueSettings]) -> None:
        super().__init__(venues)
        self._pools = dict.fromkeys(self.dark, DARK_FIRST)
        self._grown: set[str] = set()
        self._sent: dict[str, Shares] = {}
        self._got: dict[str, Shares] = {}
        self._ends_ns: Nanos = 0
        self._shows = False

    def filled(self, venue: str, quantity: Shares) -> None:
        """For the judgement of the wave."""
        self._got[venue] = self._got.get(venue, 0) + quantity

    def wave(self, now: Nanos) -> None:
        """Dark until it is dry, then displayed."""
        touches = self.touches(now)
        if not touches:
            return
        collar = self.best([price for price, _ in touches.values()])
        collar += (collar * COLLAR_BPS // 10_000) * (1 if self.order.is_buy else -1)
        if not self._shows:
            self._work_dark(collar - collar % 10_000, now)
        if self._shows:
            self._work_lit(now)

    def _work_dark(self, limit: Micros, now: Nanos) -> None:
        if self.open:
            if now >= self._ends_ns:
                for child_id in self.open:
                    self.cancel(child_id, now)
            return
        if self._sent and self._judge():
            self._shows = True
            return
        self._sent, self._got, self._ends_ns = {}, {}, now + DARK_BOX_NS
        share = -(-self.free // max(1, len(self._pools)))
        for name, size in self._pools.items():
            quantity = min(size, share, self.free)
            if quantity > 0:
                self._sent[name] = quantity
                self.rest(name, quantity, limit, now, hidden=True)

    def _judge(self) -> bool:
        """Grow and drop; whether the dark is dry."""
        for name, sent in self._sent.items():
            got = self._got.get(name, 0)
            if not got:
                del self._pools[name]
            elif name not in self._grown:
                self._grown.add(name)
                self._pools[name] = -(-(sent + got) // DARK_STEP) * DARK_STEP
        total = sum(self._got.values())
        return not self._pools or total < DARK_DRY_SHARE * sum(self._sent.values())

    def _work_lit(self, now: Nanos) -> None:
        nbbo = self.market.nbbo(self.order.symbol, now)
        price = nbbo.bid_micros if self.order.is_buy else nbbo.ask_micros
        if not price:
            return
        for child_id, child in self.open.items():
            if child.price != price:
                self.cancel(child_id, now)
        busy = {child.venue for child in self.open.values()}
        for name in self.lit:
            if name not in busy and self.free > 0:
                self.rest(name, min(CLIP, self.free), price, now, hidden=False)


RIVALS: Final[dict[str, type[Rival]]] = {
    "best price": BestPrice,
    "pro rata": ProRata,
    "round robin": RoundRobin,
    "playbook": Playbook,
    "all market": AllMarket,
}
