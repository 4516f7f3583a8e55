"""The traders of the soak: each keeps parents of all kinds working through one EMS session.

Owns: what is ordered, when a trader loses patience, what he changes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sor_gateway.client.ems import Ems, NewOrder
from sor_gateway.client.ledger import Order
from tests.soak.desk import SYMBOLS

QUANTITY_MIN = 100
QUANTITY_MAX = 5_000
PATIENCE_S = (4.0, 12.0)
"""After so long the trader asks for a cancel."""
REPLACE_SHARE = 0.05
CENT = Decimal("0.01")


@dataclass(slots=True)
class Wish:
    """One parent and its trader's intentions."""

    cl_ord_id: str
    order: NewOrder
    sent_s: float
    cancel_s: float
    replace_s: float | None
    ended_s: float = 0.0
    canceled: bool = False
    """A cancel was asked for."""


@dataclass(slots=True)
class Trader:
    """Keeps up to `at_once` parents open until `count` were sent."""

    ems: Ems
    dice: random.Random
    strategies: Sequence[str]
    count: int
    at_once: int
    open: list[Wish] = field(default_factory=list)
    done: list[Wish] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return len(self.open) + len(self.done)

    @property
    def finished(self) -> bool:
        return self.sent == self.count and not self.open

    def order_of(self, wish: Wish) -> Order:
        order = self.ems.ledger.order(wish.cl_ord_id)
        assert order is not None
        return order

    def work(self, *, kept_back: int = 0) -> None:
        """One look at everything that is open; so many parents are not sent yet."""
        now = time.monotonic()
        for wish in list(self.open):
            if self.order_of(wish).over:
                wish.ended_s = now
                self.open.remove(wish)
                self.done.append(wish)
            elif wish.replace_s is not None and now >= wish.replace_s:
                self._replace(wish)
            elif not wish.canceled and now >= wish.cancel_s:
                wish.canceled = True
                self.ems.cancel(wish.cl_ord_id)
        while len(self.open) < self.at_once and self.sent < self.count - kept_back:
            self._submit(now)

    def _submit(self, now: float) -> None:
        dice = self.dice
        order = self._order()
        patience_s = dice.uniform(*PATIENCE_S)
        replaces = order.price is not None and dice.random() < REPLACE_SHARE
        replace_s = now + dice.uniform(0.1, 1.0) * patience_s if replaces else None
        cl_ord_id = self.ems.submit(order)
        self.open.append(Wish(cl_ord_id, order, now, now + patience_s, replace_s))

    def _replace(self, wish: Wish) -> None:
        """Other terms: more or less, at another limit."""
        wish.replace_s = None
        quantity = max(QUANTITY_MIN, int(wish.order.quantity * self.dice.uniform(0.5, 1.5)))
        assert wish.order.price is not None
        shift = self.dice.randint(-2, 2) * CENT
        self.ems.replace(wish.cl_ord_id, quantity, wish.order.price + shift)

    def _order(self) -> NewOrder:
        dice = self.dice
        symbol = dice.choice(SYMBOLS)
        side = dice.choice(("buy", "sell"))
        quantity = dice.randint(QUANTITY_MIN, QUANTITY_MAX)
        if dice.random() < 0.7:
            quantity = quantity // 100 * 100
        limit = dice.random() < 0.7
        reach = dice.choice(("1.001", "1.01", "1.02"))
        factor = Decimal(reach) if side == "buy" else 2 - Decimal(reach)
        return NewOrder(
            side=side,
            symbol=symbol.name,
            quantity=quantity,
            ord_type="limit" if limit else "market",
            price=(symbol.price * factor).quantize(CENT) if limit else None,
            time_in_force=dice.choice(("day", "day", "day", "ioc")),
            strategy=dice.choice(self.strategies),
        )
