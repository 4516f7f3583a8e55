"""The floor of one symbol: its matcher and everybody who trades there without a session.

Owns: the order in which flows act, and telling them of their trades.
May not know: clients, sessions, wall clocks, fees. Times are market time in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.flow.fade import Fade
from venue_sims.flow.flows import Action, Enter, Flow, Reduce, owner_of
from venue_sims.flow.guests import Guests
from venue_sims.flow.impact import Path
from venue_sims.flow.market_path import Quote
from venue_sims.matching.events import Cause, Dropped, Event, Invited, Traded
from venue_sims.matching.orders import Lifetime, Order, Side
from venue_sims.matching.signal import QuoteSignal

MAX_BEHIND_NS: Final = 600 * NANOS_PER_SECOND
"""A floor that was not run for longer than this (a stopped process) starts its flows anew."""


class Matcher(Protocol):
    """What a book and a crossing have in common."""

    orders: dict[str, Order]

    def refusal(self, order: Order) -> Cause | None:
        """Why an order must not come in at all."""

    def enter(self, order: Order, lifetime: Lifetime) -> list[Event]:
        """An order arrives."""

    def cancel(self, order_id: str) -> list[Event]:
        """A resting order leaves."""

    def replace(self, order: Order) -> list[Event]:
        """The resting order of this id gets new terms."""

    def put_back(self, order: Order) -> list[Event]:
        """The resting order of this id has more shares; nothing trades."""

    def restore(self, order: Order) -> None:
        """A resting order of before the restart."""

    def best(self, side: Side) -> int | None:
        """The best displayed price."""

    def depth(self, side: Side, levels: int) -> list[tuple[int, int, int]]:
        """Displayed (price, shares, orders)."""

    def queue(self, side: Side) -> list[Order]:
        """All resting orders in the order in which they trade."""

    def set_reference(
        self,
        bid: int | None,
        ask: int | None,
        bid_unstable: bool = False,
        ask_unstable: bool = False,
    ) -> list[Event]:
        """The reference moved."""

    @property
    def watchful(self) -> bool:
        """Whether a move of the reference may matter to an order that rests."""

    @property
    def bound(self) -> bool:
        """Whether the reference matters to every order that arrives."""


class Watcher(Protocol):
    """A flow that goes by what clients do."""

    def entered(self, order: Order, now: int) -> None:
        """A client's order comes; nothing of it has traded."""

    def left(self, order_id: str, now: int) -> None:
        """An order is out."""


class Floor:
    """One symbol. `watchers` are those of the flows that are told of clients' orders, `fade` is
    what its house does when one comes, `signal` says whether a quote is about to go."""

    def __init__(
        self,
        symbol: str,
        matcher: Matcher,
        path: Path,
        flows: list[Flow],
        watchers: Sequence[Watcher] = (),
        fade: Fade | None = None,
        signal: QuoteSignal | None = None,
    ) -> None:
        self.symbol = symbol
        self.matcher = matcher
        self.path = path
        self._guests = Guests()
        self.flows = {flow.name: flow for flow in [*flows, self._guests]}
        self._watchers = watchers
        self.fade = fade
        self._signal = signal
        self._slot = 0
        self._referred_ns = 0
        self._unstable = (False, False)

    def start(self, now: int) -> list[Event]:
        """Begin at this time; flows that were here before leave first."""
        self.clear()
        for flow in self.flows.values():
            flow.start(now)
        return self._refer(now)

    def clear(self) -> None:
        """All flows leave the book; clients stay."""
        for order_id in [each for each in self.matcher.orders if owner_of(each)]:
            self.matcher.cancel(order_id)

    def next_ns(self) -> int | None:
        """When `run` has to be called next."""
        times = [at for flow in self.flows.values() if (at := flow.next_ns()) is not None]
        if self.matcher.watchful:
            times.append(self.path.nbbo_holds_until(self._slot) * self.path.slot_ns)
            if self._signal is not None:
                times.append(self._signal.next_ns(self._referred_ns))
        return min(times, default=None)

    def run(self, now: int) -> list[Event]:
        """Let whoever is due at `now` act, one of them."""
        events: list[Event] = []
        if self.matcher.watchful or self.matcher.bound:
            events = self._refer(now, for_client=False)
        for flow in self.flows.values():
            due = flow.next_ns()
            if due is None or due > now:
                continue
            events += self._act(flow.run(now), now)
            break
        return events

    def enter(self, order: Order, lifetime: Lifetime, now: int) -> list[Event]:
        """A client's order arrives."""
        events = self._refer(now)
        for watcher in self._watchers:
            watcher.entered(order, now)
        if self.fade is not None:
            events += self._act(self.fade.before(order, now), now)
        return events + self._told(self.matcher.enter(order, lifetime), now)

    def guest(self, side: Side, quantity: int, price: int | None, now: int) -> list[Event]:
        """Somebody's order arrives that is no client's; without a price a market order."""
        events = self._refer(now)
        return events + self._act([self._guests.comes(side, quantity, price)], now)

    def refusal(self, order: Order) -> Cause | None:
        """Why a client's order must not come in at all."""
        return self.matcher.refusal(order)

    def cancel(self, order_id: str, now: int) -> None:
        """A client's resting order leaves."""
        self._told(self.matcher.cancel(order_id), now)

    def replace(self, order: Order, now: int) -> list[Event]:
        """A client's resting order gets new terms. `refer` was called at this time."""
        return self._told(self.matcher.replace(order), now)

    def refer(self, now: int) -> list[Event]:
        """Bring the reference up to date before a client's message is dealt with."""
        return self._refer(now)

    def nbbo(self, now: int) -> Quote:
        """The national best bid and offer."""
        return self.path.nbbo(self.path.slot(now))

    def _refer(self, now: int, *, for_client: bool = True) -> list[Event]:
        slot, unstable = self.path.slot(now), (False, False)
        if self._signal is not None and (for_client or self.matcher.watchful):
            unstable = self._signal.unstable(now)
        self._referred_ns = now
        if slot == self._slot and unstable == self._unstable:
            return []
        self._slot, self._unstable = slot, unstable
        quote = self.path.nbbo(slot)
        return self._told(self.matcher.set_reference(quote.bid, quote.ask, *unstable), now)

    def _act(self, actions: list[Action], now: int) -> list[Event]:
        """What a flow does to the book."""
        events: list[Event] = []
        for action in actions:
            if isinstance(action, Enter):
                events += self._told(self.matcher.enter(action.order, action.lifetime), now)
            elif isinstance(action, Reduce):
                order = self.matcher.orders[action.order_id]
                events += self.matcher.replace(replace(order, quantity=action.quantity))
            else:
                events += self._told(self.matcher.cancel(action.order_id), now)
        return events

    def _told(self, events: list[Event], now: int) -> list[Event]:
        for event in events:
            if isinstance(event, Traded):
                self._tell(event.resting_id, event.quantity, event.resting_leaves, now)
                self._tell(event.incoming_id, event.quantity, event.incoming_leaves, now)
            elif isinstance(event, Dropped | Invited):
                self._left(event.order_id, now)
        return events

    def _tell(self, order_id: str, quantity: int, leaves: int, now: int) -> None:
        owner = owner_of(order_id)
        if owner:
            self.flows[owner].traded(order_id, quantity, leaves, now)
        elif not leaves:
            self._left(order_id, now)

    def _left(self, order_id: str, now: int) -> None:
        for watcher in self._watchers:
            watcher.left(order_id, now)
