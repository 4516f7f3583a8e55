"""Own crossing: opposite orders of our own clients meet here before anything leaves (decisions.md).

Owns: the first gate of the pecking order: who may meet whom, at which price, how much.
May not know: venues, how decisions are applied.

Only clients that consent are met, at the midpoint of the NBBO as it stands, never when that is
locked, crossed, one-sided or stale, and never in a symbol that any venue halted. One account of one
client never meets itself: nothing would change hands. What is met is what is not exposed elsewhere,
so no child has to be pulled for it; each side is held to its own limit or collar. Who came first is
met first: all have one price. How many stand in line costs nothing (line.py).
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.decisions import ChildCrossed
from sor_gateway.sor.line import AT_ANY_PRICE, Line, Owner, keenness
from sor_gateway.sor.orders import Parent
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.risk import money
from sor_gateway.sor.route import Route
from sor_gateway.sor.types import Micros, OrdType, ParentState, Shares

CROSSES_MAX: Final = 8
"""Most orders that one meets in a turn; it comes again for what is left."""
LOOKS_MAX: Final = 64
"""Most orders that one looks at in a turn: of those in the line few cannot be met after all."""


class Crossings:
    """Decisions about own crossing."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook: Final = outlook
        self._state: Final = outlook.ledger.state
        self._consents: Final = dict.fromkeys(outlook.settings.crossing_clients)
        self._lines: Final[dict[tuple[str, bool], Line]] = {}
        """By symbol and side: orders of which something may be met, in the order of their first
        visit. One with nothing left stands there no more until a visit finds that it has."""

    def cross(self, plan: Plan, route: Route) -> None:
        """Meet what is there of the other side; what is left goes on."""
        parent, is_buy = route.parent, route.is_buy
        line = self._lines.get((parent.symbol, not is_buy))
        if line is None or route.available <= 0 or parent.client not in self._consents:
            return
        price = midpoint(route)
        if not price or not route.within_worst(price):
            return
        keen, owner = keenness(price, is_buy=not is_buy), owner_of(parent)
        other_id, met = "", 0
        for _ in range(LOOKS_MAX):
            other_id = line.first(keen, owner, behind=other_id)
            if not other_id:
                return
            other = self._state.parents.get(other_id)
            left = 0 if other is None else self._left(plan, other)
            if other is None or (left <= 0 and other_id not in plan.unsent):
                line.leave(other_id)
            elif left > 0 and self._accepts(plan, other, price):
                self._meet(plan, route, other, min(route.available, left), price)
                met += 1
                if route.available <= 0 or met == CROSSES_MAX:
                    return

    def stand(self, route: Route) -> None:
        """The end of a visit: what is left of the order may be met by others, until it is visited
        again."""
        parent = route.parent
        if parent.client not in self._consents:
            return
        line = self._lines.get((parent.symbol, route.is_buy))
        if line is None:
            line = self._lines[parent.symbol, route.is_buy] = Line()
        if route.available <= 0:
            line.leave(parent.parent_id)
            return
        keen = AT_ANY_PRICE
        if parent.ord_type is OrdType.LIMIT and parent.limit_micros is not None:
            keen = keenness(parent.limit_micros, is_buy=route.is_buy)
        line.stand(parent.parent_id, keen, owner_of(parent), self._is_gone)

    def _is_gone(self, parent_id: str) -> bool:
        parent = self._state.parents.get(parent_id)
        return parent is None or parent.is_over

    def _left(self, plan: Plan, other: Parent) -> Shares:
        """What of an order may be met: of one that was visited in this turn, what is unsent."""
        if other.parent_id in plan.unsent:
            return plan.unsent[other.parent_id]
        work = other.work
        if other.state is not ParentState.WORKING or work is None:
            return 0
        is_over = 0 < other.expires_ns <= plan.now
        return 0 if is_over or work.closing or work.suspended else other.available

    def _accepts(self, plan: Plan, other: Parent, price: Micros) -> bool:
        """Whether the other order may have this price."""
        security = self._outlook.settings.securities.get(other.symbol)
        if security is None or other.work is None:
            return False
        route = self._outlook.route(plan, other, other.work, security)
        return bool(route.worst) and route.within_worst(price)

    def _meet(
        self, plan: Plan, route: Route, other: Parent, quantity: Shares, price: Micros
    ) -> None:
        """Write both sides down, one beside the other."""
        nbbo, parent = route.nbbo, route.parent
        ours, theirs = plan.next_id("C"), plan.next_id("C")
        between = f"{money(nbbo.bid_micros)} and {money(nbbo.ask_micros)}"
        why = f"an opposite order of our own clients; the midpoint of {between}"
        for parent_id, child_id, contra_id in (
            (parent.parent_id, ours, theirs),
            (other.parent_id, theirs, ours),
        ):
            plan.add(
                ChildCrossed(
                    plan.now,
                    parent_id,
                    child_id,
                    contra_id,
                    self._outlook.settings.mic,
                    quantity,
                    price,
                    nbbo.bid_micros,
                    nbbo.ask_micros,
                    why,
                )
            )
        left = self._left(plan, other) - quantity
        plan.unsent[other.parent_id] = left
        if left <= 0:
            self._lines[other.symbol, other.side.is_buy].leave(other.parent_id)
        route.available -= quantity
        route.planned = True


def midpoint(route: Route) -> Micros:
    """The price of a crossing; 0 when there is none to be had."""
    nbbo = route.nbbo
    is_sound = 0 < nbbo.bid_micros < nbbo.ask_micros
    return nbbo.mid_micros if is_sound else 0


def owner_of(parent: Parent) -> Owner:
    """Between orders of one owner nothing would change hands."""
    return parent.client, parent.account
