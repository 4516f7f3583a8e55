"""What the market did after our fills: marks that wait for their time, and the facts they become.

Owns: which fills are marked when, against which midpoint. Not part of the fold: what waits is lost
with the process, what was seen is a fact.
May not know: what is learnt from a mark (estimators/learnt.py), orders, settings.

A markout is side x (midpoint some time after the fill - price of the fill), per share: positive
when the fill turned out well. Fills of the same 20 ms at one venue are marked as one, so a burst of
fills costs one dictionary entry each and not four looks at the market.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sor_gateway.sor.dark_venue import PROBE_MAX
from sor_gateway.sor.decisions import Markout, MarkoutsSeen
from sor_gateway.sor.estimators.learnt import HORIZONS_NS
from sor_gateway.sor.events import ChildFilled
from sor_gateway.sor.market import Market
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, Micros, Nanos, Shares

GRID_NS: Final = 20 * NANOS_PER_MILLISECOND
LATE_SHARE: Final = 2
"""A mark that is taken later than its horizon times this says nothing about the horizon."""
BATCHES_MAX: Final = 4_096
"""Most batches that wait for one horizon; then the oldest go unmarked."""

_Key = tuple[str, str, bool, bool]
"""Venue, symbol, whether we bought, whether the fills were small."""


@dataclass(slots=True)
class _Batch:
    """Fills of one grid interval."""

    ended_ns: Nanos
    fills: dict[_Key, list[int]] = field(default_factory=dict)
    """Shares and value."""


class Marks:
    """See the module."""

    def __init__(self) -> None:
        self.next_ns: Nanos | None = None
        """When the next mark is due; None when nothing waits."""
        self._open: _Batch | None = None
        self._queues: Final[list[deque[_Batch]]] = [deque(maxlen=BATCHES_MAX) for _ in HORIZONS_NS]

    def add(self, fact: ChildFilled, symbol: str, is_buy: bool, quantity: Shares) -> None:
        """A fill was booked; `quantity` of it is news."""
        ended_ns = fact.at_ns - fact.at_ns % GRID_NS + GRID_NS
        if self._open is None or self._open.ended_ns != ended_ns:
            self._close()
            self._open = _Batch(ended_ns)
            if self.next_ns is None:
                self.next_ns = ended_ns + HORIZONS_NS[0]
        key = (fact.venue, symbol, is_buy, quantity <= PROBE_MAX)
        sums = self._open.fills.get(key)
        if sums is None:
            self._open.fills[key] = [quantity, quantity * fact.price_micros]
        else:
            sums[0] += quantity
            sums[1] += quantity * fact.price_micros

    def _due_ns(self) -> Nanos | None:
        due = [
            queue[0].ended_ns + horizon_ns
            for queue, horizon_ns in zip(self._queues, HORIZONS_NS, strict=True)
            if queue
        ]
        if self._open is not None:
            due.append(self._open.ended_ns + HORIZONS_NS[0])
        return min(due, default=None)

    def take(self, market: Market, now: Nanos) -> list[MarkoutsSeen]:
        """What is due, as facts: one for each horizon at most."""
        if self.next_ns is None or now < self.next_ns:
            return []
        if self._open is not None and now >= self._open.ended_ns:
            self._close()
        facts: list[MarkoutsSeen] = []
        for at, (queue, horizon_ns) in enumerate(zip(self._queues, HORIZONS_NS, strict=True)):
            marks: list[Markout] = []
            while queue and queue[0].ended_ns + horizon_ns <= now:
                batch = queue.popleft()
                if now <= batch.ended_ns + LATE_SHARE * horizon_ns:
                    marks += _marks(batch, market, now)
            if marks:
                facts.append(MarkoutsSeen(now, at, marks))
        self.next_ns = self._due_ns()
        return facts

    def _close(self) -> None:
        if self._open is not None:
            for queue in self._queues:
                queue.append(self._open)
        self._open = None


def _marks(batch: _Batch, market: Market, now: Nanos) -> Iterator[Markout]:
    """A batch against the market now; symbols without a whole market are left out."""
    mids: dict[str, Micros] = {}
    for (venue, symbol, is_buy, small), (quantity, value) in batch.fills.items():
        mid = mids.get(symbol)
        if mid is None:
            nbbo = market.nbbo(symbol, now)
            whole = 0 < nbbo.bid_micros < nbbo.ask_micros
            mid = mids[symbol] = nbbo.mid_micros if whole else 0
        if mid:
            gain = quantity * mid - value
            yield Markout(venue, symbol, quantity, gain if is_buy else -gain, small)
