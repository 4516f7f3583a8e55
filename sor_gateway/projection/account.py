"""What of a child's executions is not as its reports had it: never reported, revised, denied.

Owns: the rules of recovery.md 3.6 and of busts and corrections, for what of it counts and at which
price, in records of its own: whoever doubts the router can compare it with this. May not know:
tables, parents, states of orders.

Most children never need one. What a client was told of has a *name*: the ExecID of an execution
that came as itself, or a number of ours for what was booked from the venue's total. Behind a
revision the totals before and after it do not compare; so an execution that comes then is taken for
the oldest of those that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

from sor_gateway.sor.events import ChildFilled, FillRevised
from sor_gateway.sor.types import Micros, Nanos, Shares

KEPT: Final = 256
"""Executions of a child that a revision may still be about, and revisions and denials that are
recognised when they come again: what the router remembers. The oldest go first."""
Kept = TypeVar("Kept")


@dataclass(slots=True)
class Missing:
    """A range of the venue's total that was booked without a report of it."""

    low: Shares
    high: Shares
    name: str
    at_ns: Nanos


@dataclass(slots=True)
class Change:
    """What a revision does to the orders' totals."""

    shares: Shares
    value_micros: Micros


@dataclass(slots=True)
class Account:
    """One child's."""

    number: int = 0
    """Of the last name that was made for what was not reported."""
    missing: list[Missing] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    """ExecID of a revision to that of the execution that it was about at first."""
    now_is: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By ExecID: quantity and price, as the venue last said, of one that is in `pieces`."""
    said: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By ExecID: quantity and price, as its own report had them."""
    pieces: dict[str, list[tuple[str, Shares]]] = field(default_factory=dict)
    """By ExecID: the names under which it counts, where that is not simply its own."""
    told: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By name: shares and their price, where that is not simply what the execution says."""
    denied: dict[str, tuple[Shares, Micros, Shares]] = field(default_factory=dict)
    """By ExecID: executions that cannot be ours: quantity, price and the total behind them."""
    early: dict[str, None] = field(default_factory=dict)
    """ExecIDs that were revised before they came: they say nothing any more."""

    def miss(self, start: Shares, end: Shares, price: Micros, at_ns: Nanos) -> None:
        """The venue's total shows executions that it never reported."""
        self.number += 1
        name = str(self.number)
        self.missing.append(Missing(start, end, name, at_ns))
        self.told[name] = (end - start, price)

    def find(self, start: Shares, end: Shares) -> list[tuple[str, Shares]]:
        """Take the range of an execution out of what is missing: the names under which shares of it
        count already, and how many."""
        found: list[tuple[str, Shares]] = []
        kept: list[Missing] = []
        wanted = end - start
        for each in self.missing:
            if self.roots:
                start, end = each.low, each.low + wanted
                wanted -= min(wanted, each.high - each.low)
            low, high = max(each.low, start), min(each.high, end)
            if low >= high:
                kept.append(each)
                continue
            found.append((each.name, high - low))
            if each.low < low:
                kept.append(Missing(each.low, low, each.name, each.at_ns))
            if high < each.high:
                kept.append(Missing(high, each.high, each.name, each.at_ns))
        self.missing = kept
        return found

    def deny(self, fact: ChildFilled) -> None:
        """An execution of the other side: the order's own total decides whether it counts."""
        if fact.exec_id not in self.denied:
            keep(self.denied, fact.exec_id, (fact.quantity, fact.price_micros, fact.cum_quantity))

    def count(
        self, exec_id: str, said: tuple[Shares, Micros], pieces: list[tuple[str, Shares]]
    ) -> None:
        """An execution of this quantity and price counts under these names."""
        self.said[exec_id] = self.now_is[exec_id] = said
        self.pieces[exec_id] = pieces

    def untold(self, root: str, fact: FillRevised, cum: Shares) -> bool:
        """An execution that is revised and never came, but is in the total: denied, or missing. Of
        a missing one the revision tells how much there was. Whether it was found."""
        if root in self.denied:
            quantity, price, end = self.denied[root]
        else:
            less = cum - fact.cum_quantity
            quantity, price = fact.quantity + less, fact.price_micros
            if less < 0 or not 0 < quantity <= sum(each.high - each.low for each in self.missing):
                return False
            end = self.missing[-1].high
            keep(self.early, root, None)
        pieces = self.find(end - quantity, end)
        if pieces:
            self.count(root, (quantity, price), pieces)
        return bool(pieces)

    def revise(self, root: str, fact: FillRevised) -> Change:
        """The execution becomes what the fact says. Where it counts under several names, the last
        one takes what there is more or less."""
        quantity, price = self.now_is[root]
        self.now_is[root] = (fact.quantity, fact.price_micros)
        pieces = self.pieces[root]
        left = sum(shares for _, shares in pieces) - quantity + fact.quantity
        left = max(0, left) if fact.quantity else 0
        change = Change(0, 0)
        now: list[tuple[str, Shares]] = []
        for number, (name, before) in enumerate(pieces, 1):
            after = left if number == len(pieces) else min(before, left)
            left -= after
            now.append((name, after))
            self.told.setdefault(name, (before, price))
            self._tell(change, name, before, after, fact.price_micros)
        self.pieces[root] = now
        return change

    def _tell(
        self, change: Change, name: str, before: Shares, after: Shares, price: Micros
    ) -> None:
        """`before` of what was told under a name become `after`, at another price."""
        told, told_price = self.told[name]
        left = told - before + after
        value = (told - before) * told_price + after * price
        left_price = (value + left // 2) // left if left else told_price
        self.told[name] = (left, left_price)
        change.shares += left - told
        change.value_micros += left * left_price - told * told_price

    def forget(self, exec_id: str) -> None:
        """No revision can be about this execution any more."""
        self.said.pop(exec_id, None)
        self.now_is.pop(exec_id, None)
        gone = self.pieces.pop(exec_id, [])
        kept = {each.name for each in self.missing}
        kept.update(name for pieces in self.pieces.values() for name, _ in pieces)
        for name, _ in gone:
            if name not in kept:
                self.told.pop(name, None)


def keep(table: dict[str, Kept], key: str, value: Kept) -> None:
    """Add to a table that holds so many; the oldest makes room."""
    if key not in table and len(table) >= KEPT:
        del table[next(iter(table))]
    table[key] = value
