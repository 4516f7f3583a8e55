"""How far a symbol's price moves in a trading day, from its quotes.

Owns: the decayed sums of squared moves by symbol, when a quote is a sample, when they are told.
May not know: orders, venues, what is decided by it. Quotes are not recorded, so what watches them
is not part of the fold: it tells its sums from time to time, as a fact. Decisions go by what was
told, and a start goes on from there.

The midpoint is looked at sparsely, some 1,500 times a day: between neighbouring quotes it moves by
the bounce between bid and offer more than by anything else (Andersen, Bollerslev, Diebold and Labys
2003). Sums fade slowly, over about a day: volatility clusters for minutes, and what an order costs
goes by a day's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from sor_gateway.sor.types import NANOS_PER_SECOND, Micros, Nanos

DAY_NS: Final = 23_400 * NANOS_PER_SECOND
"""From the open to the close of United States equities."""
SAMPLES_A_DAY: Final = 1_560
"""Every fifteen seconds."""
DECAY: Final = 0.9995
"""Half of the weight is on the last 1,386 samples, nine tenths of a day."""
LEAST_SAMPLES: Final = 240
"""An hour's: with fewer nothing is said."""
GAP_SAMPLES: Final = 4
"""A longer silence, as overnight, is no part of a trading day."""
TOLD_EVERY: Final = 40
"""Samples of a symbol from one telling to the next: ten minutes. What a crash loses is less."""
TOLD_AT_ONCE: Final = 256
"""Most symbols of which is told at once: it is part of a turn."""


@dataclass(slots=True)
class Moves:
    """What is remembered of one symbol; plain sums, which a fact and a snapshot hold."""

    mid_micros: Micros
    """At the last sample."""
    at_ns: Nanos
    squares: float = 0.0
    days: float = 0.0
    """Of trading, faded like the squares."""
    samples: int = 0


class Volatility:
    """Of all symbols. `day_ns` is how long a trading day is on the clock by which quotes come;
    `told`, what to go on from."""

    def __init__(self, day_ns: Nanos = DAY_NS, told: Mapping[str, Moves] | None = None) -> None:
        self.next_ns: Nanos | None = None
        """When to tell; None when there is nothing to tell."""
        self._day_ns: Final = day_ns
        self._step_ns: Final = day_ns // SAMPLES_A_DAY
        self._moves: Final[dict[str, Moves]] = {}
        self._untold: Final[dict[str, None]] = {}
        self.go_on(told or {})

    def go_on(self, told: Mapping[str, Moves]) -> None:
        """This was told, maybe by who watched before us: go on from what is newer."""
        for symbol, moves in told.items():
            known = self._moves.get(symbol)
            if known is None or known.at_ns < moves.at_ns:
                self._moves[symbol] = replace(moves)

    def is_due(self, symbol: str, now: Nanos) -> bool:
        """Whether the midpoint is wanted. A wall clock may step back: then it begins anew."""
        moves = self._moves.get(symbol)
        return moves is None or not moves.at_ns <= now < moves.at_ns + self._step_ns

    def see(self, symbol: str, mid_micros: Micros, now: Nanos) -> None:
        """The midpoint of a market that has both sides."""
        moves = self._moves.get(symbol)
        if moves is None:
            self._moves[symbol] = Moves(mid_micros, now)
            return
        elapsed_ns = now - moves.at_ns
        if 0 <= elapsed_ns <= GAP_SAMPLES * self._step_ns:
            move = float(mid_micros - moves.mid_micros)
            moves.squares = moves.squares * DECAY + move * move
            moves.days = moves.days * DECAY + elapsed_ns / self._day_ns
            moves.samples += 1
            if moves.samples % TOLD_EVERY == 0:
                self._untold[symbol] = None
                if self.next_ns is None:
                    self.next_ns = now + self._step_ns  # together with the others of this step
        moves.mid_micros, moves.at_ns = mid_micros, now

    def tell(self, now: Nanos) -> dict[str, Moves]:
        """By symbol, the sums of those that are to be told now."""
        if self.next_ns is None or now < self.next_ns:
            return {}
        told = {
            symbol: replace(self._moves[symbol]) for symbol in islice(self._untold, TOLD_AT_ONCE)
        }
        for symbol in told:
            del self._untold[symbol]
        if not self._untold:
            self.next_ns = None
        return told

    def day_micros(self, symbol: str) -> float:
        """As `day_micros`, by all that was seen."""
        return day_micros(self._moves.get(symbol))


def day_micros(moves: Moves | None) -> float:
    """Standard deviation of a day's move; 0 while too little was seen to tell."""
    if moves is None or moves.samples < LEAST_SAMPLES:
        return 0.0
    return float((moves.squares / moves.days) ** 0.5)
