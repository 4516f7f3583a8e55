"""Pingers: small orders that probe a dark venue for somebody large, and make use of an answer.

Owns: when they probe, on which side, and what follows from a fill. Without them resting in the dark
gives nothing away, and a router that shows itself there to everybody pays nothing for it (issue 5,
item 6).
May not know: books, clients, sessions, wall clocks.

A probe is immediate-or-cancel. When it trades, somebody rests on the other side: for some time the
visitors of the venue lean against that side, so who rests there finds fewer to trade with and
others before him; and where trades move the price the pingers trade ahead of it on the lit market.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.flows import ID_SEPARATOR, Action, Enter
from venue_sims.flow.streams import Stream
from venue_sims.flow.visitors import Visitors
from venue_sims.matching.orders import Lifetime, Order, Side

PROBES_A_SECOND: int = 1 << 20
"""More than ever come in a market second: their count begins anew with each start."""


@dataclass(slots=True)
class PingerSettings:
    """How often they probe and what they make of it."""

    rate: float = 0.0
    """Probes a market second."""
    size: int = 100
    memory_s: float = 30.0
    """How long a fill is made use of."""
    turned: float = 0.8
    """The part of those visitors who would have traded with the order that was found, and who come
    on its own side meanwhile."""
    ahead: int = 0
    """Shares that pingers trade elsewhere behind a fill, in the direction of the order that they
    found: they move the price where trades do (flow/impact.py), else nothing."""


class Pingers:
    """Pingers of one dark venue in one symbol. `traded_elsewhere` tells the market of shares that
    they take on a side at a time."""

    def __init__(
        self,
        stream: Stream,
        settings: PingerSettings,
        visitors: Visitors | None,
        traded_elsewhere: Callable[[Side, int, int], None],
    ) -> None:
        self.name = "pingers"
        self.settings = settings
        self._stream = stream
        self._visitors = visitors
        self._traded_elsewhere = traded_elsewhere
        self._index = 0
        self._next: int | None = None
        self._side = Side.BUY

    def start(self, now: int) -> None:
        """Begin. Probes are counted from the market second of `now`, so that a restart does not
        repeat them."""
        self._index = now // NANOS_PER_SECOND * PROBES_A_SECOND
        self._next = now + self._wait() if self.settings.rate else None

    def next_ns(self) -> int | None:
        """The next probe."""
        return self._next

    def run(self, now: int) -> list[Action]:
        """Probe one side."""
        k = self._index
        self._index += 1
        self._next = now + self._wait()
        self._side = Side.BUY if self._stream.uniform(k, 1) < 0.5 else Side.SELL
        order_id = f"{self.name}{ID_SEPARATOR}{k}"
        order = Order(order_id, self._side, self.settings.size, displayed=False)
        return [Enter(order, Lifetime.IOC)]

    def traded(self, order_id: str, quantity: int, leaves: int, now: int) -> None:  # noqa: ARG002
        """Somebody is there."""
        found = self._side.opposite
        if self._visitors is not None:
            until = now + int(self.settings.memory_s * NANOS_PER_SECOND)
            self._visitors.lean(found, until, self.settings.turned)
        if self.settings.ahead:
            self._traded_elsewhere(found, self.settings.ahead, now)

    def _wait(self) -> int:
        wait_s = self._stream.exponential(1.0 / self.settings.rate, self._index)
        return max(1, int(wait_s * NANOS_PER_SECOND))
