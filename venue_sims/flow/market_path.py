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

Both are cached, a bounded number of each, and so are the quotes of a block: who follows the market
asks how long a quote holds and need not look at every slot.

A venue quotes the best whole ticks at least half a tick from the price, `back` of the time one tick
further out, and may lag by some slots, which is how quotes crumble. A lagging venue follows moves
of a tick or more at once, so the market never locks or crosses by itself; crossed markets are a
fault to be asked for, not an accident.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

from venue_sims.flow.clock import NANOS_PER_MS
from venue_sims.flow.streams import Stream

_K = TypeVar("_K")
_T = TypeVar("_T")

DAY_SECONDS: Final = 23_400
BLOCKS_A_DAY: Final = 780
"""Of 30 market seconds each."""
BACK_SLOTS: Final = 20
"""How long a venue stays with its draw of being one tick further out."""
HALF_SPREAD_TICKS: Final = 0.5
DAYS_CACHED: Final = 3
BLOCKS_CACHED: Final = 8
QUOTE_BLOCKS_CACHED: Final = 32
"""Of all venues together."""


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
        self._quotes: OrderedDict[tuple[str, int], list[Quote]] = OrderedDict()
        self._nbbo: OrderedDict[int, list[Quote]] = OrderedDict()

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
        block, within = divmod(slot, self._block_slots)
        return self._quotes_of(mic, block)[within]

    def nbbo(self, slot: int) -> Quote:
        """The best bid and the best ask over all lit venues in a slot."""
        block, within = divmod(slot, self._block_slots)
        return self._nbbo_of(block)[within]

    def quote_holds_until(self, mic: str, slot: int) -> int:
        """The next slot in which a venue's quote may be another: a change, or the block's end."""
        return self._held(self._quotes_of(mic, slot // self._block_slots), slot)

    def nbbo_holds_until(self, slot: int) -> int:
        """The next slot in which the NBBO may be another: a change, or the block's end."""
        return self._held(self._nbbo_of(slot // self._block_slots), slot)

    # --- how it is built ------------------------------------------------------------------

    def _held(self, quotes: list[Quote], slot: int) -> int:
        block, within = divmod(slot, self._block_slots)
        quote = quotes[within]
        for at in range(within + 1, self._block_slots):
            if quotes[at] is not quote:
                return block * self._block_slots + at
        return (block + 1) * self._block_slots

    def _quotes_of(self, mic: str, block: int) -> list[Quote]:
        """One quote a slot; slots in a row with the same quote share the object."""
        found = self._quotes.get((mic, block))
        if found is None:
            found = self._make_quotes(self.quoters[mic], block)
            _keep(self._quotes, (mic, block), found, QUOTE_BLOCKS_CACHED)
        return found

    def _nbbo_of(self, block: int) -> list[Quote]:
        found = self._nbbo.get(block)
        if found is None:
            found = []
            for quotes in zip(*(self._quotes_of(mic, block) for mic in self.quoters), strict=True):
                bid = max(quote.bid for quote in quotes)
                _extend(found, bid, min(quote.ask for quote in quotes))
            _keep(self._nbbo, block, found, BLOCKS_CACHED)
        return found

    def _make_quotes(self, quoter: QuoterSettings, block: int) -> list[Quote]:
        first, tick = block * self._block_slots, self.settings.tick_micros
        prices = self._block(block)
        late = [self.price(first - back) for back in range(quoter.lag, 0, -1)] + prices
        bids, asks = self._back_streams[quoter.mic]
        quotes: list[Quote] = []
        back_bid = back_ask = False
        for at, price in enumerate(prices):
            if at == 0 or (first + at) % BACK_SLOTS == 0:
                draw = (first + at) // BACK_SLOTS
                back_bid = bids.uniform(draw) < quoter.back
                back_ask = asks.uniform(draw) < quoter.back
            seen = late[at] if abs(late[at] - price) < 1.0 else price
            bid = math.floor(seen - HALF_SPREAD_TICKS) - back_bid
            ask = math.ceil(seen + HALF_SPREAD_TICKS) + back_ask
            _extend(quotes, max(bid, 1) * tick, max(ask, 2) * tick)
        return quotes

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


def _extend(quotes: list[Quote], bid: int, ask: int) -> None:
    """One slot more; the quote of the slot before when it still stands."""
    if quotes and quotes[-1].bid == bid and quotes[-1].ask == ask:
        quotes.append(quotes[-1])
    else:
        quotes.append(Quote(bid, ask))


def _keep(cache: OrderedDict[_K, _T], key: _K, value: _T, bound: int) -> None:
    cache[key] = value
    if len(cache) > bound:
        cache.popitem(last=False)
