"""What venues executed, as rows: the executions, and the totals that they move.

Owns: how an execution, a missing one and a revision move the rows of both orders. What of them
counts is a child's account (account.py), which is kept beside its row once it needs one. May not
know: requests of clients, plans, why anything was decided.

A row has what the venue said last of an execution, with the shares of it that count, 0 for a bust:
its ExecID stays known. What was never reported has rows of its own. So the rows of a child add up
to its shares; its value is that of what the client was told, which is another when a missing
execution came after all at another price.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from sor_gateway.projection.account import Account
from sor_gateway.sor.decisions import ChildCrossed
from sor_gateway.sor.events import ChildFilled, FillRevised
from sor_gateway.sor.executed import EXECS_KEPT, Executed, news_of, price_unreported
from sor_gateway.sor.types import ChildState, Liquidity, Micros, Nanos, ParentState, Shares, Side

About = tuple[str, str]
"""The parent and the child that a fact is about; empty when there is none."""
OPEN_PARENT: Final = (
    ParentState.RECEIVED,
    ParentState.WORKING,
    ParentState.PENDING_CANCEL,
    ParentState.PENDING_REPLACE,
)
OPEN_CHILD: Final = (ChildState.PENDING_NEW, ChildState.LIVE)
CLEAR_REQUEST: Final = (
    "request_kind = '', request_cl_ord_id = '', request_quantity = 0, "
    "request_ord_type = '', request_limit_micros = NULL"
)
_MOVED: Final = (
    "cum_quantity = cum_quantity + ?, cum_value_micros = cum_value_micros + ?,"
    " fees_micros = fees_micros + ?"
)
_ACCOUNTS: Final = msgspec.json.Decoder(Account)


@dataclass(slots=True)
class _Child:
    """A child's row, as far as executions need it."""

    about: About
    venue: str
    cum: Shares
    value: Micros
    quantity: Shares
    limit: Micros | None
    side: str
    stored: str

    @property
    def account(self) -> Account:
        """A copy, to be stored once it has changed."""
        return _ACCOUNTS.decode(self.stored) if self.stored else Account()


class Executions:
    """Books executions on both orders, within the caller's transaction."""

    def __init__(self, run: Callable[..., sqlite3.Cursor]) -> None:
        self._run = run

    def filled(self, fact: ChildFilled) -> None:
        """Book an execution of a child of ours, at its venue. One that is the next, of a child of
        which everything was reported, is simply booked."""
        child = self._load(fact.child_id)
        start = fact.cum_quantity - fact.quantity
        known = self._known(child, fact.exec_id)
        is_ours = fact.side is None or fact.side.is_buy == Side(child.side).is_buy
        if known is None and is_ours and not child.stored and start == child.cum:
            self._report(child, fact, fact.quantity)
            self._move(child, fact.quantity, fact.price_micros, fact.fee_micros, fact.at_ns)
            self._doubt_too_much(child)
            return
        if known == (fact.quantity, fact.price_micros, fact.cum_quantity):
            return
        account = child.account
        if fact.exec_id in account.revisions.early:
            return
        if not is_ours:
            account.deny(fact)
            self._store(child, account)
        elif known is not None or start < 0:
            self._contradicted(child, fact.cum_quantity)
        else:
            self._book(child, account, fact, start)

    def _book(self, child: _Child, account: Account, fact: ChildFilled, start: Shares) -> None:
        """What of an execution is news, beside what of it is in the total already. The router
        doubts what contradicts that, and books what does not."""
        pieces = account.find(start, fact.cum_quantity)
        netted = sum(shares for _, shares in pieces)
        is_revised = account.is_revised
        news = news_of(fact.quantity, fact.cum_quantity, child.cum, netted, is_revised=is_revised)
        if max(news, 0) + netted != fact.quantity:
            self._contradicted(child, fact.cum_quantity)
            if news <= 0 and not netted:
                return
        if netted:
            self._show_missing(child, account)
        if start > child.cum:
            value = fact.avg_price_micros * fact.cum_quantity
            value -= fact.quantity * fact.price_micros if value else 0
            self._miss(child, account, start, value, fact.at_ns, beside=fact.price_micros)
        if news > 0:
            pieces.append((fact.exec_id, news))
        self._report(child, fact, sum(shares for _, shares in pieces))
        self._move(child, max(0, news), fact.price_micros, fact.fee_micros, fact.at_ns)
        if pieces != [(fact.exec_id, fact.quantity)]:
            account.said[fact.exec_id] = (fact.quantity, fact.price_micros)
            account.revisions.pieces[fact.exec_id] = pieces
        self._forget_oldest(child, account)
        self._store(child, account)
        if news > 0:
            self._doubt_too_much(child)
        if netted and fact.cum_quantity > child.cum:
            self._contradicted(child, fact.cum_quantity)

    def crossed(self, fact: ChildCrossed) -> None:
        """Book what our own clients executed between them."""
        child = self._load(fact.child_id)
        quantity, price = fact.quantity, fact.price_micros
        self._execute(
            child.about,
            (fact.market, fact.child_id, quantity, price, 0),
            (Liquidity.MIDPOINT, fact.at_ns, fact.market, quantity, 1),
        )
        self._move(child, quantity, price, 0, fact.at_ns)

    def revised(self, fact: FillRevised) -> None:
        """What an execution is now stands in its row. One that is not known, and is not in the
        total either, books nothing: the router doubts it."""
        child = self._load(fact.child_id)
        account = child.account
        revisions = account.revisions
        if fact.exec_id in revisions.roots:
            return
        root = revisions.roots.get(fact.ref_exec_id, fact.ref_exec_id)
        known = self._known(child, root)
        if known is not None:
            executed: Executed | None = (*known, root)
            account.said.setdefault(root, known[:2])
        else:
            executed = account.untold(root, fact, child.cum)
            if executed is None and root in revisions.denied:
                return
        revisions.note(fact.exec_id, root)
        if executed is None:
            revisions.forestall(root)
        else:
            if known is None:
                self._show_untold(child, account, root, fact)
            self._revise(child, account, root, executed, fact)
            if fact.quantity:
                self._doubt_too_much(child)
        self._store(child, account)
        if fact.cum_quantity != child.cum:
            self._contradicted(child, fact.cum_quantity)

    def _show_untold(self, child: _Child, account: Account, root: str, fact: FillRevised) -> None:
        """An execution that was missing is known by its revision."""
        self._show_missing(child, account)
        row = (child.venue, root, 0, fact.price_micros, 0)
        self._execute(child.about, row, ("unknown", fact.at_ns, child.venue, 0, 1))
        self._forget_oldest(child, account)

    def _revise(
        self, child: _Child, account: Account, root: str, executed: Executed, fact: FillRevised
    ) -> None:
        """Both orders move by what the client is told."""
        retold = account.revisions.revise(root, executed, fact)
        moved_shares = sum(each.shares for each in retold)
        moved_value = sum(each.value_micros for each in retold)
        (fee,) = self._run(
            "SELECT fee_micros FROM executions WHERE child_id = ? AND exec_id = ?",
            (fact.child_id, root),
        ).fetchone()
        self._run(
            "UPDATE executions SET quantity = ?, price_micros = ?, fee_micros = ?,"
            " fee_surprise_micros = ? WHERE child_id = ? AND exec_id = ?",
            (
                sum(shares for _, shares in account.revisions.pieces[root]),
                *(fact.price_micros, fact.fee_micros, fact.fee_surprise_micros),
                *(fact.child_id, root),
            ),
        )
        moved = (moved_shares, moved_value, fact.fee_micros - fee)
        parent_id, child_id = child.about
        self._run(
            f"UPDATE parents SET {_MOVED},"
            " state = CASE WHEN state = ? AND cum_quantity + ? < quantity THEN ? ELSE state END"
            " WHERE parent_id = ?",
            (*moved, ParentState.FILLED, moved_shares, ParentState.CANCELED, parent_id),
        )
        self._run(f"UPDATE children SET {_MOVED} WHERE child_id = ?", (*moved, child_id))
        child.cum += moved_shares
        if moved_shares > 0:
            self._run(
                "UPDATE children SET state = ? WHERE child_id = ? AND state IN (?, ?, ?)"
                " AND cum_quantity >= quantity",
                (ChildState.FILLED, child_id, *OPEN_CHILD, ChildState.RELEASED),
            )
            self._fill_parent(parent_id, fact.at_ns)
        if fact.leaves_quantity:
            self._run(
                "UPDATE children SET state = ?, ended_ns = 0 WHERE child_id = ?"
                " AND state NOT IN (?, ?)",
                (ChildState.LIVE, child_id, *OPEN_CHILD),
            )
        self._run(
            "UPDATE children SET ended_ns = ?, doubt = ''"
            " WHERE child_id = ? AND ended_ns = 0 AND state NOT IN (?, ?)",
            (fact.at_ns, child_id, *OPEN_CHILD),
        )

    def book_difference(
        self, child_id: str, through: Shares, value: Micros, at_ns: Nanos, beside: Micros = 0
    ) -> Shares:
        """The venue's total shows executions that it never reported: they count from now on.
        `value` is quantity times price of all of them through there;  0 when not known: then
        they have the price `beside` them, else what is known. Returns what the child has executed
        now."""
        child = self._load(child_id)
        if through > child.cum:
            account = child.account
            self._miss(child, account, through, value, at_ns, beside)
            self._store(child, account)
        return child.cum

    def is_revised(self, child_id: str) -> bool:
        """Whether the venue took back or corrected executions: totals before and behind that do
        not compare."""
        return self._load(child_id).account.is_revised

    # --- rows -----------------------------------------------------------------------------

    def _load(self, child_id: str) -> _Child:
        parent_id, *row = self._run(
            "SELECT parent_id, venue, children.cum_quantity, children.cum_value_micros,"
            " children.quantity, children.limit_micros, side, accounting"
            " FROM children JOIN parents USING (parent_id) WHERE child_id = ?",
            (child_id,),
        ).fetchone()
        return _Child((parent_id, child_id), *row)

    def _store(self, child: _Child, account: Account) -> None:
        text = msgspec.json.encode(account).decode()
        self._run("UPDATE children SET accounting = ? WHERE child_id = ?", (text, child.about[1]))

    def _known(self, child: _Child, exec_id: str) -> tuple[Shares, Micros, Shares] | None:
        """What its report said of an execution: quantity, price and the total behind it. None for
        one that is not known, or was so long ago that the router forgot it."""
        row = self._run(
            "SELECT quantity, price_micros, cum_quantity FROM executions AS this"
            " WHERE child_id = ?1 AND exec_id = ?2 AND reported AND (SELECT count(*)"
            " FROM executions WHERE child_id = ?1 AND reported AND id > this.id) < ?3",
            (child.about[1], exec_id, EXECS_KEPT),
        ).fetchone()
        if row is None:
            return None
        quantity, price = child.account.said.get(exec_id, row[:2])
        return quantity, price, row[2]

    def _forget_oldest(self, child: _Child, account: Account) -> None:
        """The router remembers so many executions of a child for what may come of them."""
        row = self._run(
            "SELECT exec_id FROM executions WHERE child_id = ? AND reported"
            " ORDER BY id DESC LIMIT 1 OFFSET ?",
            (child.about[1], EXECS_KEPT),
        ).fetchone()
        if row is not None:
            account.forget(row[0])

    def _report(self, child: _Child, fact: ChildFilled, counted: Shares) -> None:
        """An execution as the venue reported it; of its shares, those that count."""
        self._execute(
            child.about,
            (fact.venue, fact.exec_id, counted, fact.price_micros, fact.fee_micros),
            (fact.liquidity, fact.at_ns, fact.last_market, fact.cum_quantity, 1),
            fact.fee_surprise_micros,
        )

    def _miss(
        self,
        child: _Child,
        account: Account,
        through: Shares,
        value: Micros,
        at_ns: Nanos,
        beside: Micros = 0,
    ) -> None:
        """Book what the venue's total has up to there and no report told of."""
        start, missing = child.cum, through - child.cum
        price = price_unreported(missing, value, beside, (start, child.value), child.limit)
        account.miss(start, through, price, at_ns)
        self._show(child, start, missing, price, at_ns)
        self._move(child, missing, price, 0, at_ns)

    def _show_missing(self, child: _Child, account: Account) -> None:
        """What is missing has become less: its rows anew."""
        child_id = child.about[1]
        self._run("DELETE FROM executions WHERE child_id = ? AND NOT reported", (child_id,))
        for low, high, name in account.missing:
            _, price = account.revisions.told[name]
            self._show(child, low, high - low, price, account.missed_ns[name])

    def _show(
        self, child: _Child, start: Shares, shares: Shares, price: Micros, at_ns: Nanos
    ) -> None:
        """A row for missing shares. What stands for its ExecID is where they begin; behind a bust
        there may be others from the same ones on."""
        name = f"unreported-{start}"
        query = "SELECT 1 FROM executions WHERE child_id = ? AND exec_id = ?"
        while self._run(query, (child.about[1], name)).fetchone() is not None:
            name += "+"
        end = start + shares
        row = (child.venue, name, shares, price, 0)
        self._execute(child.about, row, ("unknown", at_ns, child.venue, end, 0))

    def _execute(
        self,
        about: About,
        trade: tuple[str, str, Shares, Micros, Micros],
        around: tuple[str, Nanos, str, Shares, int],
        fee_surprise: Micros = 0,
    ) -> None:
        venue, *rest = trade
        self._run(
            "INSERT INTO executions (parent_id, child_id, venue, exec_id, quantity, price_micros,"
            " fee_micros, liquidity, at_ns, last_market, cum_quantity, reported,"
            " fee_surprise_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*about, venue, *rest, *around, fee_surprise),
        )

    # --- both orders ----------------------------------------------------------------------

    def _move(
        self, child: _Child, quantity: Shares, price: Micros, fee: Micros, at_ns: Nanos
    ) -> None:
        """Both orders move. Only what is news counts in a total; the price that counts is the one
        that the client was told."""
        parent_id, child_id = child.about
        value = quantity * price
        child.cum += quantity
        child.value += value
        self._run(
            "UPDATE children SET cum_quantity = cum_quantity + :quantity,"
            " cum_value_micros = cum_value_micros + :value, fees_micros = fees_micros + :fee,"
            " state = CASE WHEN state NOT IN (:new, :live, :released) THEN state"
            "   WHEN cum_quantity + :quantity >= quantity THEN :filled ELSE :live END,"
            " ended_ns = CASE WHEN state NOT IN (:new, :live, :released) THEN ended_ns"
            "   WHEN cum_quantity + :quantity >= quantity THEN :at_ns ELSE 0 END,"
            " doubt = CASE WHEN cum_quantity + :quantity >= quantity THEN '' ELSE doubt END"
            " WHERE child_id = :child_id",
            {
                "quantity": quantity,
                "value": value,
                "fee": fee,
                "new": ChildState.PENDING_NEW,
                "live": ChildState.LIVE,
                "released": ChildState.RELEASED,
                "filled": ChildState.FILLED,
                "at_ns": at_ns,
                "child_id": child_id,
            },
        )
        (is_full,) = self._run(
            f"UPDATE parents SET {_MOVED} WHERE parent_id = ? RETURNING cum_quantity >= quantity",
            (quantity, value, fee, parent_id),
        ).fetchone()
        if is_full:
            self._fill_parent(parent_id, at_ns)

    def _fill_parent(self, parent_id: str, at_ns: Nanos) -> None:
        self._run(
            f"UPDATE parents SET state = ?, ended_ns = ?, {CLEAR_REQUEST}"
            " WHERE parent_id = ? AND state IN (?, ?, ?, ?) AND cum_quantity >= quantity",
            (ParentState.FILLED, at_ns, parent_id, *OPEN_PARENT),
        )

    def _contradicted(self, child: _Child, total: Shares) -> None:
        """The venue said what cannot be: its child is in doubt. One that is over is open again when
        the venue's total shows that executions are missing."""
        self._run(
            "UPDATE children SET doubt = 'contradicting reports',"
            " state = CASE WHEN ended_ns > 0 THEN ? ELSE state END, ended_ns = 0"
            " WHERE child_id = ? AND (ended_ns = 0 OR cum_quantity < ?)",
            (ChildState.LIVE, child.about[1], total),
        )

    def _doubt_too_much(self, child: _Child) -> None:
        """More was executed than was ordered: nor is it sure then that the order is over."""
        if child.cum > child.quantity:
            self._run(
                "UPDATE children SET state = ?, ended_ns = 0, doubt = 'more than was ordered'"
                " WHERE child_id = ?",
                (ChildState.LIVE, child.about[1]),
            )
