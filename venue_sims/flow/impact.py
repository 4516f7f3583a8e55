"""A market that clients move: the seeded path, shifted by what they traded (issue 5, item 7).

Owns: how far the price stands from the path, and how that fades.
May not know: books, orders, sessions, clocks. Slots are whole numbers, times market nanoseconds.

Theory of operation. Everybody else's trading is in the path already. Clients' shares are remembered
with their sign: buys less sells, each share forgotten by a kernel of two exponentials, a fast one
and a slow one. The price stands `c sigma_day sqrt(remembered / adv)` away from the path, in the
direction of the sign. So

- impact grows with the square root of a metaorder's size (venues.md 2.2), however it is cut;
- it fades behind the end of the order, fast at first;
- who works slowly pays less, for the market has forgotten a part of it;
- a round trip in one instant gains nothing, one that takes time loses: what decays is what is
  remembered, not the price (as in Alfonsi, Fruth and Schied 2010, who have one exponential).

The shift of a slot follows from what was traded in slots before it, so all venues of a process that
share one `ImpactPath` agree on every quote, in whatever order they ask. Processes do not share it:
this is for one process only, for judging how orders are routed. Shares are shares: one in the dark
counts as much as one at the touch. All quotes move by whole ticks together, so what the path never
locks or crosses, this never does.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.market_path import MarketPath, Quote
from venue_sims.matching.orders import Side

CALIBRATED_S: Final = 1_800
"""Half an hour: longer orders leave the market more time to forget, shorter ones less."""
MEMORIES_KEPT: Final = 4_096
"""Slots with trades of clients that can still be asked for the time just behind them."""


@dataclass(slots=True)
class ImpactSettings:
    """How the price answers. `c` is where the price stands at the end of an order that was worked
    evenly over CALIBRATED_S, in units of sigma_day sqrt(size / adv): .69 as it is seen, .34 when
    the bias of orders that ride a trend is taken out (venues.md 2.2)."""

    c: float = 0.69
    fast: float = 0.4
    """The part of every share that is forgotten fast; the rest is forgotten slowly."""
    fast_half_life_s: float = 600.0
    slow_half_life_s: float = 23_400.0


@dataclass(slots=True)
class _Memory:
    """Signed shares that are remembered at the end of a slot."""

    slot: int
    fast: float
    slow: float


class ImpactPath:
    """The path of one symbol as clients see it; to be shared by the venues of a process. `adv` is
    the average daily volume in shares."""

    has_impact: Final = True

    def __init__(self, path: MarketPath, settings: ImpactSettings, adv: int) -> None:
        assert adv > 0, "impact is measured against a daily volume"
        self.path = path
        self.settings = path.settings
        self.impact = settings
        self.slot_ns = path.slot_ns
        self._tick = path.settings.tick_micros
        slot_s = path.slot_ns / NANOS_PER_SECOND
        self._forget_fast = math.log(0.5) * slot_s / settings.fast_half_life_s
        self._forget_slow = math.log(0.5) * slot_s / settings.slow_half_life_s
        sigma_ticks = path.settings.sigma_day * path.settings.p0_micros / self._tick
        kept = self._kept_of_an_even_order(CALIBRATED_S / slot_s)
        self._scale = settings.c * sigma_ticks / math.sqrt(adv * kept)
        self._memories: list[_Memory] = []

    # --- the path as clients see it -------------------------------------------------------

    def slot(self, market_ns: int) -> int:
        """The slot at a market time."""
        return self.path.slot(market_ns)

    def price(self, slot: int) -> float:
        """The fundamental price in ticks."""
        return self.path.price(slot) + self.shift(slot)

    def quote(self, mic: str, slot: int) -> Quote:
        """What a lit venue's house quotes in a slot. Raises KeyError for a venue without quotes."""
        return self._shifted(self.path.quote(mic, slot), slot)

    def nbbo(self, slot: int) -> Quote:
        """The best bid and the best ask over all lit venues in a slot."""
        return self._shifted(self.path.nbbo(slot), slot)

    def quote_holds_until(self, mic: str, slot: int) -> int:  # noqa: ARG002 - the path's shape
        """The next slot: anybody may trade in this one."""
        return slot + 1

    def nbbo_holds_until(self, slot: int) -> int:
        """The next slot: anybody may trade in this one."""
        return slot + 1

    # --- what clients do to it ------------------------------------------------------------

    def traded(self, side: Side, quantity: int, market_ns: int) -> None:
        """A client bought or sold: quotes of later slots know it. Venues of one process live
        through the same time one behind the other: what a later one tells of a slot that the first
        has left counts from where the first is."""
        slot = self.slot(market_ns)
        if self._memories:
            slot = max(slot, self._memories[-1].slot)
        signed = quantity if side is Side.BUY else -quantity
        fast, slow = signed * self.impact.fast, signed * (1.0 - self.impact.fast)
        last = self._memories[-1] if self._memories else _Memory(slot, 0.0, 0.0)
        if self._memories and last.slot == slot:
            last.fast += fast
            last.slow += slow
            return
        old_fast, old_slow = self._faded(last, slot)
        self._memories.append(_Memory(slot, old_fast + fast, old_slow + slow))
        if len(self._memories) > 2 * MEMORIES_KEPT:
            del self._memories[:-MEMORIES_KEPT]

    def shift(self, slot: int) -> float:
        """How far the price stands from the path, in ticks; positive behind buying."""
        at = bisect_left(self._memories, slot, key=lambda memory: memory.slot)
        if at == 0:
            return 0.0
        remembered = sum(self._faded(self._memories[at - 1], slot))
        return math.copysign(self._scale * math.sqrt(abs(remembered)), remembered)

    def _kept_of_an_even_order(self, slots: float) -> float:
        """What is remembered, at its end, of an order worked evenly over so many slots."""
        fast, slow = (
            math.expm1(k * slots) / (k * slots) for k in (self._forget_fast, self._forget_slow)
        )
        return self.impact.fast * fast + (1.0 - self.impact.fast) * slow

    def _faded(self, memory: _Memory, slot: int) -> tuple[float, float]:
        slots = slot - memory.slot
        return (
            memory.fast * math.exp(self._forget_fast * slots),
            memory.slow * math.exp(self._forget_slow * slots),
        )

    def _shifted(self, quote: Quote, slot: int) -> Quote:
        micros = round(self.shift(slot)) * self._tick
        if not micros:
            return quote
        bid = max(quote.bid + micros, self._tick)
        return Quote(bid, max(quote.ask + micros, bid + self._tick))


Path = MarketPath | ImpactPath
"""What a floor needs of a market: a path with or without impact."""
