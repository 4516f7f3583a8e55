"""The seeded price path: each lit venue's quote as a pure function of (seed, symbol, slot).

Owns: the fundamental price, each venue's quote around it, and the NBBO (venues.md 4.4). Any process
computes the same quotes; nobody has to publish them.
May not know: books, orders, sessions, clocks. Slots are whole numbers.

Theory of operation. Market time is cut into slots, slots into days of 23,400 market seconds. Within
a day the price is a random walk with log-Ornstein-Uhlenbeck volatility and Poisson jumps, tied down
at both ends to the symbol's `p0`: a Brownian bridge. So any slot of any day can be computed without
what came before it (at 60 times wall speed a walk from midnight would have to sum millions of
slots, and would have left its first price far behind by noon). It is built in two steps:

- a day is 780 blocks; each block's displacement and volatility come from the streams, and their
  sums, corrected to end where they began, are the block's anchors;
- inside a block the slots walk between two anchors, corrected to arrive.

Both are cached, a bounded number of each. A venue quotes the best whole ticks at least half a tick
from the price, `back` of the time one tick further out, and may lag by some slots, which is how
quotes crumble. A lagging venue follows moves of a tick or more at once, so the market never locks
or crosses by itself; crossed markets are a fault to be asked for, not an accident.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

from venue_sims.flow.clock import NANOS_PER_MS
from venue_sims.flow.streams import Stream

_T = TypeVar("_T")

DAY_SECONDS: Final = 23_400
BLOCKS_A_DAY: Final = 780
"""Of 30 market seconds each."""
BACK_SLOTS: Final = 20
"""How long a venue stays with its draw of being one tick further out."""
HALF_SPREAD_TICKS: Final = 0.5
DAYS_CACHED: Final = 3
BLOCKS_CACHED: Final = 8
QUOTES_CACHED: Final = 64


@dataclass(slots=True)
class PathSettings:
    """What a symbol's price does."""

    symbol: str
    p0_micros: int
    tick_micros: int = 10_000
    sigma_day: float = 0.01
    """Standard deviation of a day's free walk, as a fraction of `p0`."""
    vol_of_vol: float = 0.6
    vol_half_life_s: float = 60.0
    jumps_day: float = 3.0
    jump_bps: float = 30.0


@dataclass(slots=True)
class QuoterSettings:
    """How a lit venue quotes around the price."""

    mic: str
    back: float = 0.25
    """How often it stands one tick further out, on each side."""
    lag: int = 0
    """How many slots late it follows."""
    share: float = 0.25
    """Its share of the lit volume."""


@dataclass(slots=True)
class Quote:
    """A two-sided quote in micros."""

    bid: int
    ask: int


@dataclass(slots=True)
class _Day:
    """A day's blocks: prices in ticks at their ends, volatility a slot, and jumps."""

    anchors: list[float]
    volatility: list[float]
    jumps: list[tuple[int, float]]
    """Per block: the slot within it at which the price jumps, and by how many ticks."""


class MarketPath:
    """The path of one symbol and what the lit venues quote around it."""

    def __init__(
        self,
        seed: int,
        settings: PathSettings,
        quoters: list[QuoterSettings],
        slot_ms: int = 100,
    ) -> None:
        assert DAY_SECONDS * 1000 % (BLOCKS_A_DAY * slot_ms) == 0, "blocks hold whole slots"
        self.settings = settings
        self.slot_ns = slot_ms * NANOS_PER_MS
        self.quoters = {quoter.mic: quoter for quoter in quoters}
        self.slots_a_day = DAY_SECONDS * 1000 // slot_ms
        self._block_slots = self.slots_a_day // BLOCKS_A_DAY
        symbol = settings.symbol
        self._day_stream = Stream(seed, f"path-day:{symbol}")
        self._slot_stream = Stream(seed, f"path-slot:{symbol}")
        self._back_streams = {
            mic: (
                Stream(seed, f"back-bid:{symbol}:{mic}"),
                Stream(seed, f"back-ask:{symbol}:{mic}"),
            )
            for mic in self.quoters
        }
        self._p0_ticks = settings.p0_micros / settings.tick_micros
        self._sigma_slot = settings.sigma_day * self._p0_ticks / math.sqrt(self.slots_a_day)
        self._days: OrderedDict[int, _Day] = OrderedDict()
        self._blocks: OrderedDict[int, list[float]] = OrderedDict()
        self._nbbo: OrderedDict[int, Quote] = OrderedDict()

    # --- what anybody can compute ---------------------------------------------------------

    def slot(self, market_ns: int) -> int:
        """The slot at a market time."""
        return market_ns // self.slot_ns

    def price(self, slot: int) -> float:
        """The fundamental price in ticks."""
        block, within = divmod(slot, self._block_slots)
        return self._block(block)[within]

    def quote(self, mic: str, slot: int) -> Quote:
        """What a lit venue's house quotes in a slot. Raises KeyError for a venue without quotes."""
        quoter = self.quoters[mic]
        price = self.price(slot)
        if quoter.lag:
            seen = self.price(slot - quoter.lag)
            if abs(seen - price) < 1.0:
                price = seen
        bids, asks = self._back_streams[mic]
        draw = slot // BACK_SLOTS
        bid = math.floor(price - HALF_SPREAD_TICKS) - (bids.uniform(draw) < quoter.back)
        ask = math.ceil(price + HALF_SPREAD_TICKS) + (asks.uniform(draw) < quoter.back)
        tick = self.settings.tick_micros
        return Quote(max(bid, 1) * tick, max(ask, 2) * tick)

    def nbbo(self, slot: int) -> Quote:
        """The best bid and the best ask over all lit venues in a slot."""
        found = self._nbbo.get(slot)
        if found is None:
            quotes = [self.quote(mic, slot) for mic in self.quoters]
            found = Quote(max(quote.bid for quote in quotes), min(quote.ask for quote in quotes))
            _keep(self._nbbo, slot, found, QUOTES_CACHED)
        return found

    # --- how it is built ------------------------------------------------------------------

    def _block(self, block: int) -> list[float]:
        prices = self._blocks.get(block)
        if prices is None:
            prices = self._make_block(block)
            _keep(self._blocks, block, prices, BLOCKS_CACHED)
        return prices

    def _day(self, day: int) -> _Day:
        found = self._days.get(day)
        if found is None:
            found = self._make_day(day)
            _keep(self._days, day, found, DAYS_CACHED)
        return found

    def _make_day(self, day: int) -> _Day:
        settings, stream = self.settings, self._day_stream
        block_s = DAY_SECONDS / BLOCKS_A_DAY
        keep = math.pow(0.5, block_s / settings.vol_half_life_s)
        v = settings.vol_of_vol
        shock = v * math.sqrt(1.0 - keep * keep)
        root = math.sqrt(self._block_slots)
        log_vol = v * stream.normal(day * BLOCKS_A_DAY, 8)
        sums, volatility, jumps = [0.0], [], []
        for index in range(BLOCKS_A_DAY):
            k = day * BLOCKS_A_DAY + index
            # exp(x - v^2) has mean square 1, so sigma_day stays what it says.
            vol = self._sigma_slot * math.exp(log_vol - v * v)
            z, z_vol = stream.normal_pair(k)
            jump = self._jump(k)
            volatility.append(vol)
            jumps.append(jump)
            sums.append(sums[-1] + vol * root * z + jump[1])
            log_vol = keep * log_vol + shock * z_vol
        drift = sums[-1] / BLOCKS_A_DAY
        anchors = [self._p0_ticks + total - i * drift for i, total in enumerate(sums)]
        return _Day(anchors, volatility, jumps)

    def _jump(self, k: int) -> tuple[int, float]:
        """The jump within a block: at which slot, by how many ticks (nearly always 0)."""
        settings, stream = self.settings, self._day_stream
        if stream.uniform(k, 2) >= settings.jumps_day / BLOCKS_A_DAY:
            return 0, 0.0
        size = stream.exponential(settings.jump_bps / 10_000 * self._p0_ticks, k, 3)
        sign = 1 if stream.uniform(k, 4) < 0.5 else -1
        return stream.below(self._block_slots, k, 5), sign * size

    def _make_block(self, block: int) -> list[float]:
        day, index = divmod(block, BLOCKS_A_DAY)
        shape = self._day(day)
        count, vol = self._block_slots, shape.volatility[index]
        jump_slot, jump = shape.jumps[index]
        walk = [0.0]
        for pair in range((count + 1) // 2):
            first, second = self._slot_stream.normal_pair(block * count + pair)
            walk.append(walk[-1] + vol * first)
            walk.append(walk[-1] + vol * second)
        start, end = shape.anchors[index], shape.anchors[index + 1]
        drift = (end - start - jump - walk[count]) / count
        return [
            start + walk[i] + i * drift + (jump if i >= jump_slot else 0.0) for i in range(count)
        ]


def _keep(cache: OrderedDict[int, _T], key: int, value: _T, bound: int) -> None:
    cache[key] = value
    if len(cache) > bound:
        cache.popitem(last=False)
