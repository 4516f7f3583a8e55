"""Orders that are over: how long they are known, and what is known with them.

Owns: by trading day, which orders ended; what else of the state belongs to an order; forgetting.
May not know: calendars, what can still happen to an order that is over.

An order that is over is still needed: a venue reports a late fill or takes an execution back, a
client repeats itself or asks. That ends some trading days later, and then nothing is left of it:
a gateway that runs for weeks keeps as much as its last days made. What comes of it after that is
about an order that is not ours, and raises the alarm of that.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from sor_gateway.sor.state import RouterState

ORDERS_AT_ONCE: Final = 64
"""Most orders that are forgotten in a turn,"""
CHILDREN_AT_ONCE: Final = 512
"""unless they had more children than this: then fewer."""


class Bygone:
    """See the module. The indexes are no part of the state."""

    def __init__(self, state: RouterState) -> None:
        self._state: Final = state
        self._children: Final[dict[str, list[str]]] = {}
        self._cl_ord_ids: Final[dict[str, list[str]]] = {}
        for child in state.children.values():
            self.sent(child.child_id, child.parent_id)
        for parent in state.parents.values():
            if parent.is_over and not self._is_dated(parent.parent_id):
                self.ended(parent.parent_id)  # a snapshot of old does not say when
        for cl_ord_ids in state.cl_ord_ids.values():
            for cl_ord_id, parent_id in cl_ord_ids.items():
                self._cl_ord_ids.setdefault(parent_id, []).append(cl_ord_id)

    def _is_dated(self, parent_id: str) -> bool:
        state = self._state
        is_open = parent_id in state.open_parents or parent_id in state.stale
        return is_open or any(parent_id in day for day in state.ended)

    def sent(self, child_id: str, parent_id: str) -> None:
        """A child belongs to this order."""
        self._children.setdefault(parent_id, []).append(child_id)

    def named(self, client: str, cl_ord_id: str, parent_id: str) -> None:
        """A client's ClOrdID stands for this order from here on."""
        self._state.cl_ord_ids.setdefault(client, {})[cl_ord_id] = parent_id
        self._cl_ord_ids.setdefault(parent_id, []).append(cl_ord_id)

    def ended(self, parent_id: str) -> None:
        """It is over, and no child of it is open: today, or today something came of it again."""
        self.lives(parent_id)
        self._state.ended[-1][parent_id] = None

    def lives(self, parent_id: str) -> None:
        """It is open, or open again."""
        for day in self._state.ended:
            day.pop(parent_id, None)
        self._state.stale.pop(parent_id, None)

    def day_began(self, kept: int) -> None:
        """What ended more than so many trading days ago is not needed any more."""
        state = self._state
        state.ended.append({})
        while len(state.ended) > kept + 1:
            state.stale.update(state.ended.pop(0))

    def to_forget(self) -> list[str]:
        """Some of the orders that are not needed any more."""
        found, children = list[str](), 0
        for parent_id in islice(self._state.stale, ORDERS_AT_ONCE):
            children += len(self._children.get(parent_id, ()))
            if found and children > CHILDREN_AT_ONCE:
                break
            found.append(parent_id)
        return found

    def forget(self, parent_id: str) -> None:
        """Nothing is left of an order."""
        state = self._state
        self.lives(parent_id)
        parent = state.parents.pop(parent_id)
        assert parent.is_over
        assert not parent.children, f"{parent_id} has open children"
        for child_id in self._children.pop(parent_id, ()):
            del state.children[child_id]
        taken = state.cl_ord_ids.get(parent.client, {})
        for cl_ord_id in self._cl_ord_ids.pop(parent_id, ()):
            del taken[cl_ord_id]
