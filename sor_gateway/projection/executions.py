"""What venues executed, as rows: the executions, and the totals that they move.

Owns: which execution counts, how one that was never reported stands beside those that were
(recovery.md 3.6), and what a revision changes.
May not know: requests of clients, plans, why anything was decided.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from sor_gateway.sor.decisions import ChildCrossed
from sor_gateway.sor.events import ChildFilled, FillRevised
from sor_gateway.sor.types import ChildState, Liquidity, ParentState, Side

About = tuple[str, str]
"""The parent and the child that a fact is about; empty when there is none."""
KEYS: Final = ("parent_id", "child_id")
"""The keys of what an order and its child are about."""
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


class Executions:
    """Books executions on both orders, within the caller's transaction."""

    def __init__(self, run: Callable[..., sqlite3.Cursor]) -> None:
        self._run = run

    def filled(self, about: About, fact: ChildFilled) -> None:
        """Book an execution of a child of ours, at its venue."""
        start = fact.cum_quantity - fact.quantity
        if start < 0 or self._is_known(fact.child_id, fact.exec_id):
            return
        cum, side = self._run(
            "SELECT children.cum_quantity, side FROM children JOIN parents USING (parent_id)"
            " WHERE child_id = ?",
            (fact.child_id,),
        ).fetchone()
        if fact.side is not None and fact.side.is_buy != Side(side).is_buy:
            return  # the router denies it; the order's own total decides
        is_revised = self._is_revised(fact.child_id)
        netted = 0
        if start < cum or is_revised:
            netted = self._net(fact.child_id, start, fact.cum_quantity, anywhere=is_revised)
        if netted and is_revised:
            cum = fact.cum_quantity  # status tells whether there is more
        elif start > cum:
            value = fact.avg_price_micros * fact.cum_quantity
            value -= fact.quantity * fact.price_micros if value else 0
            self.book_difference(fact.child_id, start, value, fact.at_ns, beside=fact.price_micros)
        news = max(0, fact.cum_quantity - max(start, cum))
        if news + netted == 0:
            return  # contradicts what is known: the router doubts it and books nothing
        self._execute(
            about,
            (fact.venue, fact.exec_id, news + netted, fact.price_micros, fact.fee_micros),
            (fact.liquidity, fact.at_ns, fact.last_market, fact.cum_quantity, 1),
        )
        self._move(about, news, fact.price_micros, fact.fee_micros, fact.at_ns)

    def crossed(self, about: About, fact: ChildCrossed) -> None:
        """Book what our own clients executed between them."""
        quantity, price = fact.quantity, fact.price_micros
        self._execute(
            about,
            (fact.market, fact.child_id, quantity, price, 0),
            (Liquidity.MIDPOINT, fact.at_ns, fact.market, quantity, 1),
        )
        self._move(about, quantity, price, 0, fact.at_ns)

    def revised(self, about: About, fact: FillRevised) -> None:
        """What an execution is now stands in its row, with 0 shares for a bust: its ExecID stays
        known. One that is not known is doubted by the router and books nothing."""
        row = self._run(
            "SELECT id, quantity, price_micros, fee_micros, revised_by FROM executions"
            " WHERE child_id = ? AND reported AND ? IN (exec_id, revised_by)",
            (fact.child_id, fact.ref_exec_id),
        ).fetchone()
        if row is None or row[4] == fact.exec_id:
            return
        row_id, quantity, price, fee, _ = row
        self._run(
            "UPDATE executions SET quantity = ?, price_micros = ?, fee_micros = ?, revised_by = ?"
            " WHERE id = ?",
            (fact.quantity, fact.price_micros, fact.fee_micros, fact.exec_id, row_id),
        )
        shares = fact.quantity - quantity
        value = fact.quantity * fact.price_micros - quantity * price
        for table, key, order_id in zip(("parents", "children"), KEYS, about, strict=True):
            self._run(
                f"UPDATE {table} SET cum_quantity = cum_quantity + ?,"
                " cum_value_micros = cum_value_micros + ?, fees_micros = fees_micros + ?"
                f" WHERE {key} = ?",
                (shares, value, fact.fee_micros - fee, order_id),
            )
        self._run(
            "UPDATE parents SET state = CASE WHEN state = ? AND cum_quantity < quantity THEN ?"
            " WHEN state IN (?, ?, ?, ?) AND cum_quantity >= quantity THEN ? ELSE state END"
            " WHERE parent_id = ?",
            (
                *(ParentState.FILLED, ParentState.CANCELED, *OPEN_PARENT, ParentState.FILLED),
                about[0],
            ),
        )
        self._run(
            "UPDATE children SET state = CASE WHEN state IN (?, ?) AND cum_quantity >= quantity"
            " THEN ? WHEN ? AND ended_ns > 0 THEN ? ELSE state END,"
            " ended_ns = CASE WHEN ? THEN 0 ELSE ended_ns END WHERE child_id = ?",
            (
                *(*OPEN_CHILD, ChildState.FILLED),
                *(fact.leaves_quantity > 0, ChildState.LIVE, fact.leaves_quantity > 0),
                fact.child_id,
            ),
        )

    def book_difference(
        self, child_id: str, through: int, value: int, at_ns: int, beside: int = 0
    ) -> None:
        """The venue's total shows executions that it never reported: they count from now on.
        `value` is quantity times price of all of them through there; 0 when not known."""
        parent_id, venue, cum, cum_value, limit = self._run(
            "SELECT parent_id, venue, cum_quantity, cum_value_micros, limit_micros"
            " FROM children WHERE child_id = ?",
            (child_id,),
        ).fetchone()
        missing = through - cum
        if missing <= 0:
            return
        price = (value - cum_value + missing // 2) // missing if value else 0
        if price <= 0:
            price = beside or (cum_value // cum if cum else limit or 0)
        about = (parent_id, child_id)
        self._execute(
            about,
            (venue, self._unreported(child_id, cum), missing, price, 0),
            ("unknown", at_ns, venue, through, 0),
        )
        self._move(about, missing, price, 0, at_ns)

    def _is_revised(self, child_id: str) -> bool:
        """Whether executions were taken back: totals before and behind that do not compare."""
        query = "SELECT 1 FROM executions WHERE child_id = ? AND revised_by != ''"
        return self._run(query, (child_id,)).fetchone() is not None

    def _is_known(self, child_id: str, exec_id: str) -> bool:
        """Whether this ExecID of the child is booked: then it is a repetition or, with other
        content, a contradiction; neither counts."""
        row = self._run(
            "SELECT 1 FROM executions WHERE child_id = ? AND exec_id = ?", (child_id, exec_id)
        ).fetchone()
        return row is not None

    def _unreported(self, child_id: str, start: int) -> str:
        """What stands for the ExecID of an unreported execution from these shares on; behind a bust
        there may be another from the same ones."""
        name = f"unreported-{start}"
        while self._is_known(child_id, name):
            name += "+"
        return name

    def _net(self, child_id: str, start: int, end: int, *, anywhere: bool) -> int:
        """Take the range of a real execution out of the unreported ones; how much of it was in.
        What is left of one on both sides becomes two. `anywhere`: the oldest ones."""
        found, wanted = 0, end - start
        rows = self._run(
            "SELECT id, venue, parent_id, quantity, price_micros, at_ns, cum_quantity"
            " FROM executions WHERE child_id = ? AND NOT reported ORDER BY id",
            (child_id,),
        ).fetchall()
        for row_id, venue, parent_id, quantity, price, at_ns, high in rows:
            low = high - quantity
            if anywhere:
                start, end = low, low + wanted
                wanted -= min(wanted, quantity)
            shared = min(high, end) - max(low, start)
            if shared <= 0:
                continue
            found += shared
            self._run("DELETE FROM executions WHERE id = ?", (row_id,))
            for first, last in ((low, start), (end, high)):
                if first < last:
                    self._execute(
                        (parent_id, child_id),
                        (venue, self._unreported(child_id, first), last - first, price, 0),
                        ("unknown", at_ns, venue, last, 0),
                    )
        return found

    def _execute(
        self,
        about: About,
        trade: tuple[str, str, int, int, int],
        around: tuple[str, int, str, int, int],
    ) -> None:
        venue, *rest = trade
        self._run(
            "INSERT INTO executions (parent_id, child_id, venue, exec_id, quantity, price_micros,"
            " fee_micros, liquidity, at_ns, last_market, cum_quantity, reported)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*about, venue, *rest, *around),
        )

    def _move(self, about: About, quantity: int, price: int, fee: int, at_ns: int) -> None:
        """Both orders move. Only what is news counts in a total; the price that counts is the one
        that the client was told."""
        parent_id, child_id = about
        value = quantity * price
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
            "UPDATE parents SET cum_quantity = cum_quantity + ?,"
            " cum_value_micros = cum_value_micros + ?, fees_micros = fees_micros + ?"
            " WHERE parent_id = ? RETURNING cum_quantity >= quantity",
            (quantity, value, fee, parent_id),
        ).fetchone()
        if is_full:
            self._run(
                f"UPDATE parents SET state = ?, ended_ns = ?, {CLEAR_REQUEST}"
                " WHERE parent_id = ? AND state IN (?, ?, ?, ?)",
                (ParentState.FILLED, at_ns, parent_id, *OPEN_PARENT),
            )
