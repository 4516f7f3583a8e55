"""Own crossing: opposite orders of our own clients meet here before anything leaves (decisions.md).

Owns: the first gate of the pecking order: who may meet whom, at which price, how much.
May not know: venues, how decisions are applied.

Only clients that consent are met, at the midpoint of the NBBO as it stands, never when that is
locked, crossed, one-sided or stale, and never in a symbol that any venue halted. One account of one
client never meets itself: nothing would change hands. What is met is what is not exposed elsewhere,
so no child has to be pulled for it; each side is held to its own limit or collar. Who came first is
met first: all have one price.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.decisions import ChildCrossed
from sor_gateway.sor.orders import Parent
from sor_gateway.sor.outlook import Outlook
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.risk import money
from sor_gateway.sor.route import Route
from sor_gateway.sor.types import Micros, ParentState, Shares

CROSSES_MAX: Final = 8
"""Most orders that one meets in a turn; it comes again for what is left."""


class Crossings:
    """Decisions about own crossing."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook: Final = outlook
        self._state: Final = outlook.ledger.state
        self._consents: Final = dict.fromkeys(outlook.settings.crossing_clients)
        self._open: Final[dict[tuple[str, bool], dict[str, None]]] = {}
        """By symbol and side: orders whose clients consent, in the order of their first visit;
        what is over is found out when it is next looked at."""

    def cross(self, plan: Plan, route: Route) -> None:
        """Meet what is there of the other side; what is left goes on."""
        parent = route.parent
        if parent.client not in self._consents:
            return
        mine = self._open.setdefault((parent.symbol, route.is_buy), {})
        mine[parent.parent_id] = None
        while self._state.parents[first := next(iter(mine))].is_over:
            del mine[first]  # with flow on one side alone nobody else would
        others = self._open.get((parent.symbol, not route.is_buy))
        price = midpoint(route)
        if not others or not price or not route.within_worst(price):
            return
        met = 0
        for parent_id in list(others):
            other = self._state.parents[parent_id]
            if other.is_over:
                del others[parent_id]
                continue
            quantity = min(route.available, self._left(plan, other))
            if quantity <= 0 or is_same_owner(parent, other):
                continue
            if self._accepts(plan, other, price):
                self._meet(plan, route, other, quantity, price)
                met += 1
                if route.available <= 0 or met == CROSSES_MAX:
                    return

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
        left = self._left(plan, other)
        plan.unsent[other.parent_id] = left - quantity
        route.available -= quantity
        route.planned = True


def midpoint(route: Route) -> Micros:
    """The price of a crossing; 0 when there is none to be had."""
    nbbo = route.nbbo
    is_sound = 0 < nbbo.bid_micros < nbbo.ask_micros
    return nbbo.mid_micros if is_sound else 0


def is_same_owner(one: Parent, other: Parent) -> bool:
    """Whether nothing would change hands between them."""
    return (one.client, one.account) == (other.client, other.account)
