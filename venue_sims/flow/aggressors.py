"""Ambient takers of the lit venues: marketable orders that arrive by themselves.

Owns: the market-wide Poisson stream of arrivals, their signs (long-memory order splitting), their
sizes, and which venue each goes to; every venue computes the whole stream and takes its share, so
that all agree (venues.md 4.4, 2.2).
May not know: books, clients, sessions, wall clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log1p
from typing import Final

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter
from venue_sims.flow.market_path import DAY_SECONDS, QuoterSettings
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Lifetime, Order, Side

MEAN_SIZE: Final = 106
"""Mean of `mixed_size`, shares."""
DAY_NS: Final = DAY_SECONDS * NANOS_PER_SECOND
MAX_SIZE: Final = 5_000
MAX_ARRIVALS_A_DAY: Final = 1_000_000
"""Bounds the stream's length whatever a configuration says."""

_MIXTURE: Final = ((0.70, 100), (0.76, 200), (0.764, 300), (0.797, 400), (0.798, 500))
"""Cumulative probability and size of the round sizes (ABIDES' mixture); the rest is lognormal."""


@dataclass(slots=True)
class TakerSettings:
    """How much others trade."""

    adv: int = 3_000_000
    """Average daily volume of the whole market, shares."""
    lit_share: float = 0.5
    lmf_alpha: float = 1.6
    """Tail exponent of the length of a split order (Lillo, Mike, Farmer)."""
    lmf_k: int = 10
    """How many split orders are being worked at a time."""
    intensity: float = 1.0
    """How many times as often takers come as the volume says: a busy day."""

    @property
    def shares_s(self) -> float:
        """What takers trade in a market second at all lit venues together."""
        return self.adv * self.lit_share * self.intensity / DAY_SECONDS


@dataclass(slots=True)
class _Split:
    """A large order somewhere that arrives in pieces."""

    side: Side
    left: int


def mixed_size(stream: Stream, k: int, sub: int) -> int:
    """An order size: mostly 100, some round lots, the rest lognormal odd ones."""
    draw = stream.uniform(k, sub)
    for bound, size in _MIXTURE:
        if draw < bound:
            return size
    return min(MAX_SIZE, 1 + int(stream.lognormal(2.9, 1.2, k, sub + 1)))


class Aggressors:
    """Takers at one venue in one symbol. `stream` is the market's, the same at every venue."""

    def __init__(
        self,
        stream: Stream,
        settings: TakerSettings,
        quoters: list[QuoterSettings],
        mic: str,
    ) -> None:
        self.name = "takers"
        self._stream = stream
        self._settings = settings
        self._shares = _bounds(quoters)
        self._mic = mic
        rate = settings.shares_s / MEAN_SIZE
        self._mean_s = 1.0 / rate if rate > 0 else 0.0
        self._day = 0
        self._index = 0
        self._at = 0
        self._splits: list[_Split] = []
        self._pending: Order | None = None

    def start(self, now: int) -> None:
        """Find the first arrival here at or behind `now`: from where the stream is, when it can go
        on from there, else from the beginning of the day."""
        if not self._mean_s:
            return
        day = now // DAY_NS
        if self._pending is None or self._day != day or self._at > now:
            self._begin_day(day)
            self._pending = None
        if self._pending is None or self._at < now:
            self._skip(now)
            self._advance()

    def next_ns(self) -> int | None:
        """The next arrival at this venue."""
        return self._at if self._pending is not None else None

    def run(self, now: int) -> list[Action]:  # noqa: ARG002 - the shape of all flows
        """One taker arrives."""
        assert self._pending is not None
        order = self._pending
        self._advance()
        return [Enter(order, Lifetime.IOC)]

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """A taker does not mind."""

    def _begin_day(self, day: int) -> None:
        self._day, self._index, self._at = day, 0, day * DAY_NS
        first = -1 - day * self._settings.lmf_k
        self._splits = [self._new_split(first - at) for at in range(self._settings.lmf_k)]

    def _skip(self, now: int) -> None:
        """Go to the last arrival anywhere before `now`: what `_advance` does to the common state,
        without asking where each goes and how much it takes. A cold start late in the day passes
        over tens of thousands."""
        unit, splits = self._stream.unit, self._splits
        while True:
            k = self._day * MAX_ARRIVALS_A_DAY + self._index
            row = self._stream.row(k)
            wait_s = -self._mean_s * log1p(-unit(row))
            at = self._at + max(1, int(wait_s * NANOS_PER_SECOND))
            if at >= now:
                return
            self._index += 1
            self._at = at
            split_at = int(unit(row, 1) * len(splits))
            split = splits[split_at]
            split.left -= 1
            if split.left == 0:
                splits[split_at] = self._new_split(k)

    def _advance(self) -> None:
        """Go to the next arrival at this venue; those at others only move the common state."""
        for _ in range(MAX_ARRIVALS_A_DAY):
            k = self._day * MAX_ARRIVALS_A_DAY + self._index
            wait_s = self._stream.exponential(self._mean_s, k)
            self._index += 1
            self._at += max(1, int(wait_s * NANOS_PER_SECOND))
            if self._at >= (self._day + 1) * DAY_NS:
                self._begin_day(self._day + 1)
                continue
            side = self._sign(k)
            if self._venue(k) == self._mic:
                size = mixed_size(self._stream, k, 8)
                order_id = f"{self.name}{ID_SEPARATOR}{k}"
                self._pending = Order(order_id, side, size)
                return
        raise AssertionError(f"no taker ever comes to {self._mic}: its share is nil")

    def _sign(self, k: int) -> Side:
        at = self._stream.below(len(self._splits), k, 1)
        split = self._splits[at]
        split.left -= 1
        if split.left == 0:
            self._splits[at] = self._new_split(k)
        return split.side

    def _new_split(self, k: int) -> _Split:
        side = Side.BUY if self._stream.uniform(k, 2) < 0.5 else Side.SELL
        length = int(self._stream.pareto(self._settings.lmf_alpha, k, 3))
        return _Split(side, min(length, MAX_ARRIVALS_A_DAY))

    def _venue(self, k: int) -> str:
        draw = self._stream.uniform(k, 4)
        for bound, mic in self._shares:
            if draw < bound:
                return mic
        return self._shares[-1][1]


def _bounds(quoters: list[QuoterSettings]) -> list[tuple[float, str]]:
    """Cumulative shares of the lit venues, scaled to 1."""
    total = sum(quoter.share for quoter in quoters)
    bounds, reached = [], 0.0
    for quoter in quoters:
        reached += quoter.share / total
        bounds.append((reached, quoter.mic))
    return bounds
