"""One run: an order, a trader, a market made of a regime and a seed; what it came to.

Owns: the order that is worked, the run's clock, the definition of its cost.
May not know: how anybody trades, how runs are compared.

*Cost* is the implementation shortfall with fees and rebates: what the shares cost against the
midpoint of the market when the order came, in cents a share of the whole order. What is not done
when the time is up is taken from the books as they then are, level by level, at the dearest fee: an
order that was left costs what it costs to end it.

The router runs when the order comes, as a gateway does: it has seen the quotes of the day before,
every fifteen seconds. They are those of the same path, so it knows of its market what who watches
it can know. The rivals remember nothing.

The price walks while an order is worked, and a run's cost is mostly that walk. What is held when it
moves is known before it moves, and the path without us is a martingale, so

    luck = sum of q (path at the fill - path at the beginning)

has mean 0 whatever a trader does, and `cost - luck` has the mean of the cost with a fraction of its
variance (a control variate with coefficient 1; Glasserman 2003, 4.1). Where informed takers know
the path `h` ahead, who holds what may depend on that; both path values are then read `h` later,
which is news to everybody again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from benchmarks.judge.regimes import CONFIG, REGIMES, SCALE_MILLI, SYMBOL, VARIANTS, world
from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.street import Shown, Street
from benchmarks.judge.traders import Order, Ours, Trader
from sor_gateway.config import load
from sor_gateway.sor.estimators.volatility import SAMPLES_A_DAY
from sor_gateway.sor.settings import RouterSettings
from sor_gateway.sor.types import NANOS_PER_SECOND, Micros, Nanos, Shares
from venue_sims.flow.clock import SCALE_UNIT
from venue_sims.flow.market_path import DAY_SECONDS, MarketPath
from venue_sims.matching.orders import Side

OURS: Final = "ours"
STRATEGY: Final = "balanced"
QUANTITY: Final = 10_000
"""brief.md's order: balanced, 10,000 shares, market. A third of a per cent of a day's volume."""
START_NS: Final = 1_790_000_000 * NANOS_PER_SECOND
AGE_NS: Final = NANOS_PER_SECOND
"""How long the market stands before: the books are full."""
WARM_NS: Final = NANOS_PER_SECOND // 10
"""How long whoever trades watches it before the order comes."""
LIMIT_NS: Final = 60 * NANOS_PER_SECOND
"""An hour of the market."""
LINE_NS: Final = 50_000
"""From machine to machine, as in the harness."""
DAY_NS: Final = DAY_SECONDS * NANOS_PER_SECOND * SCALE_UNIT // SCALE_MILLI
"""A day of the market, on the clock."""
CENT_MICROS: Final = 10_000
SPIN_LIMIT: Final = 10_000


@dataclass(slots=True, frozen=True)
class Outcome:
    """What a run came to."""

    cost_cents: float
    """A share, of the whole order, fees and rebates included."""
    luck_cents: float
    """How much of that was the path's walk."""
    fees_cents: float
    done: float
    """The part of the order that the trader did itself."""
    took_ns: Nanos
    children: int
    dark: float
    """The part of what was done that was done in the dark."""
    known_through: int
    """Children that passed over a better price of the books as known; of ours alone."""
    taken: Shares
    taken_through: Shares
    """Of the shares taken from books: those for which another venue truly had a better price."""
    shown_max: Shares
    shown_venue_max: Shares
    impact_cents: float = 0.0
    """How much of the cost was our own push, as far as it stood when each share traded."""

    @property
    def net_cents(self) -> float:
        """The cost without the walk."""
        return self.cost_cents - self.luck_cents

    @property
    def spread_cents(self) -> float:
        """What is left of it without fees and our own push: what was paid beyond the market as it
        then was; negative when it was earned."""
        return self.net_cents - self.fees_cents - self.impact_cents


class NotOverError(Exception):
    """The run stands still."""


@lru_cache(maxsize=1)
def router_settings() -> RouterSettings:
    """What the gateway is shipped with, and how fast the market is."""
    return replace(load(CONFIG, {}).router, day_ns=DAY_NS)


def run(trader: str, regime: str, seed: int, strategy: str = STRATEGY) -> Outcome:
    """One run. The same arguments give the same outcome."""
    made = world((REGIMES | VARIANTS)[regime], seed)
    street = Street(made.files, made.market, START_NS, AGE_NS, LINE_NS)
    settings = router_settings()
    worker: Trader
    if trader == OURS:
        worker = Ours(replace(settings, seed=seed), street.clock.t0_ns - DAY_NS)
        remember(worker, street)
    else:
        worker = RIVALS[trader](settings.venues)
    order = Order(SYMBOL, made.is_buy, QUANTITY, strategy)
    work(street, worker, street.now + WARM_NS, lambda: False)
    bid, ask = street.best(Side.BUY), street.best(Side.SELL)
    assert bid is not None
    assert ask is not None
    began_ns = street.now
    worker.begin(order, began_ns)

    def is_done() -> bool:
        return worker.account.quantity >= order.quantity

    work(street, worker, began_ns + LIMIT_NS, is_done)
    informed = made.market.symbols[0].informed
    ahead_ns = informed.horizon_slots * street.path.slot_ns if informed.share else 0
    return _outcome(street, worker, order, (bid + ask) / 2, began_ns, ahead_ns)


def remember(worker: Trader, street: Street) -> None:
    """Show what the venues quoted in the day before the street opened."""
    path = street.path if isinstance(street.path, MarketPath) else street.path.path
    mics = {name: stall.file.mic for name, stall in street.stalls.items() if stall.depth}
    opened_ns = street.clock.t0_ns
    for sample in range(SAMPLES_A_DAY):
        now = opened_ns - DAY_NS + sample * DAY_NS // SAMPLES_A_DAY
        slot = path.slot(street.clock.market(now))
        for name, mic in mics.items():
            quote = path.quote(mic, slot)
            bids, asks = [_lot(quote.bid)], [_lot(quote.ask)]
            worker.arrive(Shown(name, street.symbol, bids, asks), now)


def _lot(price_micros: Micros) -> tuple[Micros, Shares]:
    return price_micros, 100


def work(street: Street, worker: Trader, until_ns: Nanos, is_over: Callable[[], bool]) -> None:
    """Let both live, turn by turn, until this time or this end. Raises NotOverError when time does
    not pass."""
    turns = 0
    while not is_over():
        for command in worker.decide(street.now):
            street.send(command)
        wanted_ns = worker.next_ns()
        due_ns = street.next_ns() if wanted_ns is None else min(street.next_ns(), wanted_ns)
        if due_ns > until_ns:
            street.live(until_ns)
            return
        turns = turns + 1 if due_ns <= street.now else 0
        if turns > SPIN_LIMIT:
            raise NotOverError(f"{turns} turns at {street.now} ns")
        street.live(max(due_ns, street.now))
        for what in street.arrivals():
            worker.arrive(what, street.now)


def _outcome(
    street: Street, worker: Trader, order: Order, mid: float, began_ns: Nanos, ahead_ns: Nanos
) -> Outcome:
    account = worker.account
    left = order.quantity - account.quantity
    value, fees = account.value_micros, account.fees_micros
    if left > 0:
        value += street.cost_to_end(order.is_buy, left)
        fees += left * max(file.file.fees.take for file in street.stalls.values())
    paid = value - mid * order.quantity
    cost = (paid if order.is_buy else -paid) + fees
    taken = [trade for trade in street.seen.trades if trade.taken]
    walk = luck(street, order, began_ns, ahead_ns)
    push = along(street, order, street.shift_micros)
    return Outcome(
        cost / order.quantity / CENT_MICROS,
        walk / order.quantity / CENT_MICROS,
        fees / order.quantity / CENT_MICROS,
        account.quantity / order.quantity,
        street.now - began_ns,
        account.children,
        street.done_dark / max(1, account.quantity),
        account.through,
        sum(trade.quantity for trade in taken),
        sum(trade.quantity for trade in taken if trade.through),
        street.seen.shown_max,
        street.seen.shown_venue_max,
        push / order.quantity / CENT_MICROS,
    )


def luck(street: Street, order: Order, began_ns: Nanos, ahead_ns: Nanos) -> float:
    """What the path's walk cost, in micros."""

    def price(market_ns: Nanos) -> float:
        return street.path_micros(market_ns + ahead_ns)

    first = price(street.clock.market(began_ns))
    return along(street, order, lambda market_ns: price(market_ns) - first)


def along(street: Street, order: Order, price: Callable[[int], float]) -> float:
    """What it costs to buy, or brings less to sell, that a price is not 0 when each share trades,
    in micros; what is left trades now."""
    cost = sum(trade.quantity * price(trade.market_ns) for trade in street.seen.trades)
    left = order.quantity - sum(trade.quantity for trade in street.seen.trades)
    cost += left * price(street.clock.market(street.now))
    return cost if order.is_buy else -cost
