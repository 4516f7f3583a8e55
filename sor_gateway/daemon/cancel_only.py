"""A start without the fold: numbers and live child ids alone (recovery.md 1.7).

Owns: what is made of a journal whose facts cannot be folded, and what a later fold may believe of
what is written then.
May not know: sockets, tactics, why the fold failed.

Theory of operation. A bug of ours in the fold must not leave orders at venues that nobody can pull.
So the facts are only looked at: a child that was planned and is not said to be over is open. With
orders and children made of no more than that, the ordinary router asks venues about each child (H)
and pulls it; no client gets in. What it decides rests on what may live and not on the books, so its
record says so (`Restarted.unfolded`), and a later fold by a program that is mended takes out of it
what venues said, and no decision: executions of that time are booked and told then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, get_args

from sor_gateway.sor.clients import order_of
from sor_gateway.sor.decisions import ChildAssumedDead, ChildPlanned, ChildReleased
from sor_gateway.sor.events import (
    ChildAccepted,
    ChildEnded,
    ChildFilled,
    ChildResolved,
    ChildStatusReported,
    FillRevised,
    IdsReserved,
    KillSwitched,
    ParentSubmitted,
    Restarted,
    VenueFact,
    VenueQuarantined,
)
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Child, Flight, Parent, Work
from sor_gateway.sor.state import Ids, RouterState
from sor_gateway.sor.types import ChildState, OrdType, ParentState, Shares, TimeInForce

BELIEVED: Final = (*get_args(VenueFact), Restarted, IdsReserved, KillSwitched, VenueQuarantined)
"""What a fold takes out of the record of a start that could not fold."""
WHY: Final = "the journal could not be folded: cancel only"


@dataclass(slots=True)
class Seen:
    """A child, as far as facts can be understood without the books."""

    child: Child
    is_open: bool = True
    is_answered: bool = False


class Living:
    """What may live at venues."""

    def __init__(self, state: RouterState) -> None:
        """Begin with a snapshot's state."""
        self._parents: dict[str, Parent] = {}
        self._seen: dict[str, Seen] = {}
        self._killed = state.killed
        self._reserved_through = state.ids.reserved_through
        for parent in state.parents.values():
            self._parents[parent.parent_id] = _plain(parent)
        for child in state.children.values():
            if child.flight is not None:
                self._add(child, child.flight.answered)

    def look(self, fact: object) -> None:
        """Take note of a fact; nothing is booked."""
        if isinstance(fact, ParentSubmitted):
            self._parents[fact.parent_id] = _plain(order_of(fact))
        elif isinstance(fact, ChildPlanned):
            child = Child(
                fact.child_id, fact.parent_id, fact.venue, fact.quantity, fact.limit_micros
            )
            self._add(child, False)
        elif isinstance(fact, ChildAccepted):
            self._hear(fact.child_id)
        elif isinstance(fact, (ChildFilled, FillRevised)):
            self._hear(fact.child_id, fact.leaves_quantity > 0, fact.cum_quantity)
        elif isinstance(fact, (ChildEnded, ChildResolved)):
            self._hear(fact.child_id, False, fact.cum_quantity)
        elif isinstance(fact, (ChildReleased, ChildAssumedDead)):
            self._hear(fact.child_id, False)
        elif isinstance(fact, ChildStatusReported) and fact.known:
            self._hear(fact.child_id, fact.live, fact.cum_quantity)
        elif isinstance(fact, IdsReserved):
            self._reserved_through = max(self._reserved_through, fact.through)
        elif isinstance(fact, KillSwitched):
            self._killed = (fact.reason or "kill switch") if fact.on else ""

    def state(self) -> RouterState:
        """Orders and open children made of no more than that."""
        through = self._reserved_through
        state = RouterState(ids=Ids(through, through, through), killed=self._killed)
        ledger = Ledger(state)
        for seen in self._seen.values():
            if not seen.is_open:
                continue
            child, flight = seen.child, Flight(OrdType.LIMIT, TimeInForce.DAY, "", 0, 0, 0)
            flight.answered = seen.is_answered
            child.state = ChildState.LIVE if seen.is_answered else ChildState.PENDING_NEW
            state.parents[child.parent_id] = self._parents[child.parent_id]
            state.children[child.child_id] = child
            ledger.launch(child, flight)
        return state

    def _add(self, child: Child, is_answered: bool) -> None:
        made = Child(
            child.child_id, child.parent_id, child.venue, child.quantity, child.limit_micros
        )
        made.cum_quantity, made.voided = child.cum_quantity, child.voided
        self._seen[child.child_id] = Seen(made, is_answered=is_answered)

    def _hear(self, child_id: str, is_open: bool | None = None, cum: Shares = 0) -> None:
        """The venue, or an operator, spoke of it. What says nothing of its end leaves it as it
        was. A child that no snapshot and no fact knows was over long ago."""
        seen = self._seen.get(child_id)
        if seen is not None:
            seen.is_answered = True
            seen.is_open = seen.is_open if is_open is None else is_open
            seen.child.cum_quantity = min(max(seen.child.cum_quantity, cum), seen.child.quantity)


def _plain(parent: Parent) -> Parent:
    """An order without the books: as much of it as cancelling at venues takes."""
    return replace(
        parent,
        time_in_force=TimeInForce.DAY,
        echo={},
        state=ParentState.WORKING,
        cum_quantity=0,
        cum_value_micros=0,
        bid_micros=0,
        ask_micros=0,
        exposure=0,
        children={},
        request=None,
        work=Work(),
        expires_ns=0,
    )
