"""What of a child's executions is not as its reports had it: never reported, revised, denied.

Owns: what the tables keep of that beside a child's row; the rules are the router's own
(sor/executed.py). May not know: tables, parents, states of orders.

Most children never need one. What the client was told of has a *name*, for our ExecIDs are in no
fact: the venue's ExecID of an execution that came as itself, or a number for what was booked from
the venue's total.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.sor.events import ChildFilled, FillRevised
from sor_gateway.sor.executed import Executed, Missing, Piece, Revisions, net
from sor_gateway.sor.types import Micros, Nanos, Shares


@dataclass(slots=True)
class Account:
    """One child's."""

    number: int = 0
    """Of the last name that was made for what was not reported."""
    missing: list[Missing] = field(default_factory=list)
    missed_ns: dict[str, Nanos] = field(default_factory=dict)
    """By name: when it was found to be missing."""
    said: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By ExecID: quantity and price, as its own report had them, where its row may not any more."""
    revisions: Revisions = field(default_factory=Revisions)

    @property
    def is_revised(self) -> bool:
        """Whether totals before and behind a revision do not compare."""
        return bool(self.revisions.roots)

    def miss(self, start: Shares, end: Shares, price: Micros, at_ns: Nanos) -> None:
        """The venue's total shows executions that it never reported."""
        self.number += 1
        name = str(self.number)
        self.missing.append((start, end, name))
        self.missed_ns[name] = at_ns
        self.revisions.told[name] = (end - start, price)

    def find(self, start: Shares, end: Shares) -> list[Piece]:
        """Take the range of an execution out of what is missing: the names under which shares of it
        count already, and how many."""
        return net(self.missing, start, end, is_revised=self.is_revised)

    def deny(self, fact: ChildFilled) -> None:
        """An execution of the other side: the order's own total decides whether it counts."""
        if fact.exec_id not in self.revisions.denied:
            executed = (fact.quantity, fact.price_micros, fact.cum_quantity, "")
            self.revisions.deny(fact.exec_id, executed)

    def untold(self, root: str, fact: FillRevised, cum: Shares) -> Executed | None:
        """An execution that is revised and never came, but is in the total: denied, or missing."""
        executed = self.revisions.untold(root, fact, self.missing, cum)
        if executed is not None:
            self.said[root] = executed[:2]
        return executed

    def forget(self, exec_id: str) -> None:
        """No revision can be about this execution any more."""
        self.said.pop(exec_id, None)
        kept = {name for _, _, name in self.missing}
        self.revisions.forget(exec_id, (0, 0, 0, exec_id), kept)
        told = self.revisions.told
        self.missed_ns = {name: at for name, at in self.missed_ns.items() if name in told}
