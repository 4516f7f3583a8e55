"""What is known of a child's executions, and of what became of them afterwards.

Owns: the records, how much of them is kept, and the rules for what of an execution is news and what
a revision makes of what was told (recovery.md 3.6): for the router and for the projection alike.
May not know: orders and their states, who is told (ledger.py, reports.py, revisions.py).

A venue may revise an execution days later and as often as it likes: what is kept for that is
bounded. What was forgotten is not known any more: a revision of it is doubted, not booked. Behind a
revision the totals before and after it do not compare; so an execution that comes then is taken for
the oldest of those that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sor_gateway.sor.events import FillRevised
from sor_gateway.sor.types import Micros, Shares

EXECS_KEPT: Final = 256
"""Executions of one child that are remembered, for finding duplicates and for revisions; and how
many revisions and denials of them. The oldest go first."""

Executed = tuple[Shares, Micros, Shares, str]
"""An execution: quantity, price, the venue's cum after it, the name under which it was told: the
router's is our ExecID."""
Piece = tuple[str, Shares]
"""The name under which was told, and how many shares of an execution it told of."""
Missing = tuple[Shares, Shares, str]
"""A range of cum (from, to) booked without the venue's own report of it, and its name."""


@dataclass(slots=True)
class Retold:
    """What was told under a name became something else, and both orders move by that."""

    name: str
    before: Shares
    quantity: Shares
    """What it tells of now; 0: of nothing any more."""
    price_micros: Micros
    shares: Shares
    """By how many the totals move, and by which value."""
    value_micros: Micros


@dataclass(slots=True)
class Revisions:
    """What was taken back, corrected or denied of a child's executions: most never need it."""

    roots: dict[str, str] = field(default_factory=dict)
    """ExecID of each bust or correction to that of the execution that it was about at first."""
    current: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By ExecID: quantity and price of an execution as they stand now."""
    told: dict[str, tuple[Shares, Micros]] = field(default_factory=dict)
    """By name: what was told, where that is not the execution as it came."""
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    """By ExecID: how an execution was told of, where that was not once and under one name."""
    denied: dict[str, Executed] = field(default_factory=dict)
    """By ExecID: executions that were not booked because they cannot be ours."""
    early: dict[str, None] = field(default_factory=dict)
    """ExecIDs of executions that were revised before they came: they say nothing any more, because
    the order's total, which does count, is that behind the revision."""

    def note(self, exec_id: str, root: str) -> None:
        """A revision came: of this execution, or of a revision of it."""
        _make_room(self.roots)
        self.roots[exec_id] = root

    def forestall(self, root: str) -> None:
        """An execution that did not come yet says nothing any more."""
        if root not in self.early:
            _make_room(self.early)
            self.early[root] = None

    def deny(self, exec_id: str, executed: Executed) -> None:
        """An execution is not booked, because it cannot be ours."""
        _make_room(self.denied)
        self.denied[exec_id] = executed

    def untold(
        self, root: str, fact: FillRevised, missing: list[Missing], cum: Shares
    ) -> Executed | None:
        """An execution that is revised and was booked without its own report, by the order's total:
        one that was denied and is in that total, or a lost one. Of that the revision tells how much
        there was: what is left of it, and by how much our total is too high. It is taken out of
        what is missing. None: it was not booked."""
        if root in self.denied:
            quantity, price, end, _ = self.denied[root]
        else:
            less = cum - fact.cum_quantity
            quantity, price = fact.quantity + less, fact.price_micros
            if less < 0 or not 0 < quantity <= sum(high - low for low, high, _ in missing):
                return None
            end = missing[-1][1]
            self.forestall(root)
        pieces = net(missing, end - quantity, end, is_revised=bool(self.roots))
        if not pieces:
            return None
        self.pieces[root] = pieces
        return quantity, price, end, pieces[-1][0]

    def revise(self, root: str, executed: Executed, fact: FillRevised) -> list[Retold]:
        """An execution becomes what the fact says: what changes of what was told. Where that was
        under several names, the last one takes what there is more or less."""
        quantity, _ = self.current.get(root, executed[:2])
        self.current[root] = (fact.quantity, fact.price_micros)
        pieces = self.pieces.get(root, [(executed[3], executed[0])])
        booked = sum(shares for _, shares in pieces)
        left = max(0, booked - quantity + fact.quantity) if fact.quantity else 0
        retold: list[Retold] = []
        self.pieces[root] = []
        for number, (name, before) in enumerate(pieces, 1):
            after = left if number == len(pieces) else min(before, left)
            left -= after
            self.pieces[root].append((name, after))
            self.told.setdefault(name, (before, executed[1]))
            retold += self._retell(name, before, after, fact.price_micros)
        return retold

    def _retell(self, name: str, before: Shares, after: Shares, price: Micros) -> list[Retold]:
        """`before` of what was told under a name become `after`, at this price. Nothing when it is
        so already."""
        told, told_price = self.told[name]
        left = told - before + after
        value = (told - before) * told_price + after * price
        left_price = (value + left // 2) // left if left else told_price
        if (left, left_price) == (told, told_price):
            return []
        self.told[name] = (left, left_price)
        worth = left * left_price - told * told_price
        return [Retold(name, told, left, left_price, left - told, worth)]

    def forget(self, exec_id: str, executed: Executed, kept: set[str]) -> None:
        """No revision can be about this execution any more. What was told stays known while
        something else counts under the same name: `kept`, or another piece."""
        self.current.pop(exec_id, None)
        for name, _ in self.pieces.pop(exec_id, [(executed[3], executed[0])]):
            if name in self.told and name not in kept:
                others = [other for pieces in self.pieces.values() for other, _ in pieces]
                if name not in others:
                    del self.told[name]


def net(missing: list[Missing], start: Shares, end: Shares, *, is_revised: bool) -> list[Piece]:
    """Take the range of an execution out of what is missing: what of it was in, and under which
    names. Behind a revision totals do not tell which it was: the oldest."""
    if not missing:
        return []
    found, kept = list[Piece](), list[Missing]()
    wanted = end - start
    for low, high, name in missing:
        if is_revised:
            start, end = low, low + wanted
            wanted -= min(wanted, high - low)
        shared = min(high, end) - max(low, start)
        if shared <= 0:
            kept.append((low, high, name))
            continue
        found.append((name, shared))
        if low < start:
            kept.append((low, start, name))
        if end < high:
            kept.append((end, high, name))
    missing[:] = kept
    return found


def news_of(
    quantity: Shares, through: Shares, cum: Shares, netted: Shares, *, is_revised: bool
) -> Shares:
    """How many shares of an execution, which ends at the total `through`, are news: beyond `cum`,
    which is booked, and beside those of it that were missing (`netted`); 0 or less for none. What
    was booked before is none, though a bust since then may make the totals look so; nor is, behind
    a revision, one of which something was missing: it may be a lost one or a new one, status
    tells."""
    if netted >= quantity or (netted and is_revised):
        return 0
    return through - max(through - quantity, cum)


def price_unreported(
    missing: Shares, value: Micros, beside: Micros, cum: tuple[Shares, Micros], limit: Micros | None
) -> Micros:
    """The price of executions that are missing: from the `value` of all there are when the venue's
    average gave it (0 when not), else what is known: the fill `beside` them, the average of those
    booked (`cum`: their shares and value), the limit."""
    known, known_value = cum
    if value:
        price = (value - known_value + missing // 2) // missing
        if price > 0:
            return price
    return beside or (known_value // known if known else limit or 0)


def _make_room(table: dict[str, Any]) -> None:
    """The oldest goes when there are as many as are kept."""
    if len(table) >= EXECS_KEPT:
        del table[next(iter(table))]
