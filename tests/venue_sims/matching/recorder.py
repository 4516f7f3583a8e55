"""Short words for matching tests: orders in, readable events out."""

from __future__ import annotations

from dataclasses import replace

from venue_sims.floor import Matcher
from venue_sims.matching.events import Amended, Dropped, Event, Invited, Restated, Rested, Traded
from venue_sims.matching.orders import Lifetime, MinQtyMode, Order, Side


def buy(order_id: str, quantity: int, price: int | None = None, **more: object) -> Order:
    return Order(order_id, Side.BUY, quantity, price, **more)  # type: ignore[arg-type]


def sell(order_id: str, quantity: int, price: int | None = None, **more: object) -> Order:
    return Order(order_id, Side.SELL, quantity, price, **more)  # type: ignore[arg-type]


def text(event: Event) -> str:
    if isinstance(event, Traded):
        return (
            f"{event.incoming_id} trades {event.quantity} with {event.resting_id} "
            f"at {event.price}, leaves {event.incoming_leaves} and {event.resting_leaves}"
        )
    if isinstance(event, Rested):
        return f"{event.order_id} rests {event.quantity}"
    if isinstance(event, Dropped):
        return f"{event.order_id} drops {event.quantity}: {event.cause}"
    if isinstance(event, Restated):
        return f"{event.order_id} is {event.quantity} at {event.price} now: {event.cause}"
    if isinstance(event, Invited):
        return f"{event.order_id} invited for {event.quantity} at {event.price}"
    assert isinstance(event, Amended)
    return (
        f"{event.order_id} amended to {event.quantity}, {'kept' if event.kept_priority else 'back'}"
    )


class Recorder:
    """A matcher that answers in text."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher

    def enter(self, order: Order, lifetime: Lifetime = Lifetime.DAY) -> list[str]:
        return [text(event) for event in self.matcher.enter(order, lifetime)]

    def cancel(self, order_id: str) -> list[str]:
        return [text(event) for event in self.matcher.cancel(order_id)]

    def replace(
        self, order_id: str, quantity: int, price: int | None, min_qty: int = 0
    ) -> list[str]:
        order = replace(
            self.matcher.orders[order_id], quantity=quantity, price=price, min_qty=min_qty
        )
        return [text(event) for event in self.matcher.replace(order)]

    def refer(
        self,
        bid: int | None,
        ask: int | None,
        bid_unstable: bool = False,
        ask_unstable: bool = False,
    ) -> list[str]:
        events = self.matcher.set_reference(bid, ask, bid_unstable, ask_unstable)
        return [text(event) for event in events]

    def queue(self, side: Side) -> list[tuple[str, int]]:
        return [(order.order_id, order.quantity) for order in self.matcher.queue(side)]


EACH = MinQtyMode.MINIMUM_EXECUTION
