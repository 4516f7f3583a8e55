"""Informed takers: they know where the path goes and pick off quotes that are about to be wrong.

Owns: when they look, and what they take. Without them who rests a quote is never run over, and a
router that rests where it should not pays nothing for it (issue 5, item 6).
May not know: books, clients, sessions, wall clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from venue_sims.flow.aggressors import mixed_size
from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter
from venue_sims.flow.impact import Path
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Lifetime, Order, Side

LOOKS_A_SECOND: int = 1 << 20
"""More than ever look in a market second: their count begins anew with each start."""


@dataclass(slots=True)
class InformedSettings:
    """How many there are and how far they see."""

    share: float = 0.0
    """How many look, in relation to the takers who come to the venue; only who sees a profit
    takes."""
    horizon_slots: int = 100
    """How far ahead of the market they know the path."""


class Informed:
    """Informed takers at one lit venue in one symbol; `rate` is how many takers a market second
    the venue has otherwise."""

    def __init__(
        self, stream: Stream, settings: InformedSettings, rate: float, path: Path, mic: str
    ) -> None:
        self.name = "informed"
        self.settings = settings
        self._stream = stream
        self._mean_s = 1.0 / (settings.share * rate) if settings.share * rate else 0.0
        self._path = path
        self._mic = mic
        self._index = 0
        self._next: int | None = None

    def start(self, now: int) -> None:
        """Begin. Looks are counted from the market second of `now`, so that a restart does not
        repeat them."""
        self._index = now // NANOS_PER_SECOND * LOOKS_A_SECOND
        self._next = now + self._wait() if self._mean_s else None

    def next_ns(self) -> int | None:
        """The next look."""
        return self._next

    def run(self, now: int) -> list[Action]:
        """One looks, and takes when what the venue shows will soon be on the wrong side of the
        market's middle: all it gets at that price or better."""
        k = self._index
        self._index += 1
        self._next = now + self._wait()
        slot = self._path.slot(now)
        shown = self._path.quote(self._mic, slot)
        later = self._path.nbbo(slot + self.settings.horizon_slots)
        middle = (later.bid + later.ask) / 2
        if middle > shown.ask:
            side, price = Side.BUY, shown.ask
        elif middle < shown.bid:
            side, price = Side.SELL, shown.bid
        else:
            return []
        order_id = f"{self.name}{ID_SEPARATOR}{k}"
        size = mixed_size(self._stream, k, 8)
        return [Enter(Order(order_id, side, size, price), Lifetime.IOC)]

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        """It knew."""

    def _wait(self) -> int:
        wait_s = self._stream.exponential(self._mean_s, self._index)
        return max(1, int(wait_s * NANOS_PER_SECOND))
