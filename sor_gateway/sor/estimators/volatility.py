"""How far a symbol's price moves in a trading day, from its quotes.

Owns: the decayed sums of squared moves by symbol, when a quote is a sample.
May not know: orders, venues, what is decided by it. Not part of the fold: quotes are not recorded.

The midpoint is looked at sparsely, some 1,500 times a day: between neighbouring quotes it moves by
the bounce between bid and offer more than by anything else (Andersen, Bollerslev, Diebold and Labys
2003). Sums fade slowly, over about a day: volatility clusters for minutes, and what an order costs
goes by a day's.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(slots=True)
class Moves:
    """What is remembered of one symbol."""

    mid_micros: Micros
    """At the last sample."""
    at_ns: Nanos
    squares: float = 0.0
    days: float = 0.0
    """Of trading, faded like the squares."""
    samples: int = 0


class Volatility:
    """Of all symbols. `day_ns` is how long a trading day is on the clock by which quotes come."""

    def __init__(self, day_ns: Nanos = DAY_NS) -> None:
        self._day_ns: Final = day_ns
        self._step_ns: Final = day_ns // SAMPLES_A_DAY
        self._moves: Final[dict[str, Moves]] = {}

    def is_due(self, symbol: str, now: Nanos) -> bool:
        """Whether the midpoint is wanted."""
        moves = self._moves.get(symbol)
        return moves is None or now >= moves.at_ns + self._step_ns

    def see(self, symbol: str, mid_micros: Micros, now: Nanos) -> None:
        """The midpoint of a market that has both sides."""
        moves = self._moves.get(symbol)
        if moves is None:
            self._moves[symbol] = Moves(mid_micros, now)
            return
        elapsed_ns = now - moves.at_ns
        if elapsed_ns <= GAP_SAMPLES * self._step_ns:
            move = float(mid_micros - moves.mid_micros)
            moves.squares = moves.squares * DECAY + move * move
            moves.days = moves.days * DECAY + elapsed_ns / self._day_ns
            moves.samples += 1
        moves.mid_micros, moves.at_ns = mid_micros, now

    def day_micros(self, symbol: str) -> float:
        """Standard deviation of a day's move; 0 while too little was seen to tell."""
        moves = self._moves.get(symbol)
        if moves is None or moves.samples < LEAST_SAMPLES:
            return 0.0
        return float((moves.squares / moves.days) ** 0.5)
