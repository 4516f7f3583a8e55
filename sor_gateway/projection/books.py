"""What the facts add up to, as rows: parents, children, executions, ClOrdIDs.

Owns: the effect of each fact on the tables. It follows the router's own rules for what a fact
books (recovery.md 3.6) without its code: whoever doubts one can compare it with the other.
May not know: why anything was decided, messages, files.

Each handler returns the (parent_id, child_id) that the fact is about, empty when there is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from sor_gateway.projection.children import as_planned, insert_child
from sor_gateway.sor.events import (
    AmendUnreadable,
    CancelRequested,
    ChildAccepted,
    ChildCancelPlanned,
    ChildCancelRefused,
    ChildCrossed,
    ChildEnded,
    ChildFilled,
    ChildPlanned,
    ChildReleased,
    ChildrenDoubted,
    ChildResolved,
    ChildStatusPlanned,
    ChildStatusReported,
    ChildVoided,
    FillRevised,
    ParentAccepted,
    ParentClosed,
    ParentExpiring,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    ParentSubmitted,
    ParentUnreadable,
    ReplaceRequested,
    RequestOverdue,
    StageMoved,
    StatusRequested,
    VenueDropped,
    VenueReadmitted,
    WaveStarted,
)
from sor_gateway.sor.types import ChildState, Liquidity, ParentState, Side

About = tuple[str, str]
NOBODY: Final[About] = ("", "")

_OPEN_PARENT: Final = (
    ParentState.RECEIVED,
    ParentState.WORKING,
    ParentState.PENDING_CANCEL,
    ParentState.PENDING_REPLACE,
)
_PENDING: Final = {"cancel": ParentState.PENDING_CANCEL, "replace": ParentState.PENDING_REPLACE}
_OPEN_CHILD: Final = (ChildState.PENDING_NEW, ChildState.LIVE)
_MAY_LIVE: Final = (*_OPEN_CHILD, ChildState.RELEASED)
"""A released child that is reported after all lives (recovery.md 3.1)."""
_CLEAR_REQUEST: Final = (
    "request_kind = '', request_cl_ord_id = '', request_quantity = 0, "
    "request_ord_type = '', request_limit_micros = NULL"
)


IDS: Final = ("parent_id", "child_id")
"""The keys of what an order and its child are about."""


class Books:
    """Applies facts to the tables, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        # One cursor for all: every answer is fetched before the next question.
        self._run = connection.cursor().execute
        self._handlers: dict[type, Callable[[Any], About]] = {
            ParentSubmitted: self._submitted,
            ParentUnreadable: self._unreadable,
            CancelRequested: self._cancel_requested,
            ReplaceRequested: self._replace_requested,
            AmendUnreadable: self._amend_unreadable,
            StatusRequested: self._status_requested,
            ParentAccepted: self._parent_accepted,
            ParentRefused: self._parent_refused,
            ParentReplaced: self._parent_replaced,
            ParentReplaceRefused: self._parent_replace_refused,
            ParentClosed: self._parent_closed,
            StageMoved: self._stage_moved,
            VenueDropped: self._of_parent,
            VenueReadmitted: self._of_parent,
            WaveStarted: self._of_parent,
            ChildPlanned: self._child_planned,
            ChildCrossed: self._child_crossed,
            ChildCancelPlanned: self._of_child,
            ChildStatusPlanned: self._of_child,
            ChildAccepted: self._child_accepted,
            ChildFilled: self._child_filled,
            FillRevised: self._fill_revised,
            ChildEnded: self._child_ended,
            ChildResolved: self._child_resolved,
            RequestOverdue: self._of_parent,
            ParentExpiring: self._of_parent,
            ChildReleased: self._child_released,
            ChildCancelRefused: self._child_cancel_refused,
            ChildStatusReported: self._child_status_reported,
            ChildVoided: self._child_voided,
            ChildrenDoubted: self._children_doubted,
        }

    def apply(self, fact: object) -> About:
        """Book one fact. One that moves no order is about nobody."""
        handler = self._handlers.get(type(fact))
        return NOBODY if handler is None else handler(fact)

    # --- clients --------------------------------------------------------------------------

    def _submitted(self, fact: ParentSubmitted) -> About:
        known = self._parent_of(fact.client, fact.cl_ord_id)
        if known and fact.poss_resend:
            return known, ""  # answered with the status of the order it repeats
        self._run(
            "INSERT INTO parents (parent_id, client, cl_ord_id, symbol, side, quantity, ord_type,"
            " limit_micros, time_in_force, strategy, account, state, submitted_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fact.parent_id,
                fact.client,
                fact.cl_ord_id,
                fact.symbol,
                fact.side,
                fact.quantity,
                fact.ord_type,
                fact.limit_micros,
                fact.time_in_force,
                fact.strategy,
                fact.account,
                ParentState.RECEIVED,
                fact.at_ns,
            ),
        )
        if not known:
            self._take_cl_ord_id(fact.client, fact.cl_ord_id, fact.parent_id)
        return fact.parent_id, ""

    def _unreadable(self, fact: ParentUnreadable) -> About:
        self._run(
            "INSERT INTO parents (parent_id, client, cl_ord_id, symbol, side, quantity, ord_type,"
            " time_in_force, strategy, account, state, submitted_ns, ended_ns, text)"
            " VALUES (?, ?, ?, ?, ?, ?, '', '', '', '', ?, ?, ?, ?)",
            (
                fact.parent_id,
                fact.client,
                fact.cl_ord_id,
                fact.symbol,
                fact.side,
                fact.quantity,
                ParentState.REJECTED,
                fact.at_ns,
                fact.at_ns,
                fact.text or fact.reason,
            ),
        )
        return fact.parent_id, ""

    def _cancel_requested(self, fact: CancelRequested) -> About:
        return self._request(fact, "cancel", (0, "", None))

    def _replace_requested(self, fact: ReplaceRequested) -> About:
        return self._request(fact, "replace", (fact.quantity, fact.ord_type, fact.limit_micros))

    def _request(
        self,
        fact: CancelRequested | ReplaceRequested,
        kind: str,
        terms: tuple[int, str, int | None],
    ) -> About:
        """Pending, unless the router refuses it out of hand: a used ClOrdID, an order that is over
        or has a request already, a 41 that is not the last accepted ClOrdID."""
        known = self._parent_of(fact.client, fact.cl_ord_id)
        parent_id = self._parent_of(fact.client, fact.orig_cl_ord_id)
        if known or not parent_id:
            return parent_id or known, ""
        state, cl_ord_id, pending = self._run(
            "SELECT state, cl_ord_id, request_kind FROM parents WHERE parent_id = ?", (parent_id,)
        ).fetchone()
        if state not in _OPEN_PARENT or pending or cl_ord_id != fact.orig_cl_ord_id:
            return parent_id, ""
        self._take_cl_ord_id(fact.client, fact.cl_ord_id, parent_id)
        if state == ParentState.WORKING:
            state = _PENDING[kind]
        self._run(
            "UPDATE parents SET state = ?, request_kind = ?, request_cl_ord_id = ?,"
            " request_quantity = ?, request_ord_type = ?, request_limit_micros = ?"
            " WHERE parent_id = ?",
            (state, kind, fact.cl_ord_id, *terms, parent_id),
        )
        return parent_id, ""

    def _amend_unreadable(self, fact: AmendUnreadable) -> About:
        return self._parent_of(fact.client, fact.orig_cl_ord_id), ""

    def _status_requested(self, fact: StatusRequested) -> About:
        return self._parent_of(fact.client, fact.cl_ord_id), ""

    def _parent_of(self, client: str, cl_ord_id: str) -> str:
        row = self._run(
            "SELECT parent_id FROM cl_ord_ids WHERE client = ? AND cl_ord_id = ?",
            (client, cl_ord_id),
        ).fetchone()
        return row[0] if row else ""

    def _take_cl_ord_id(self, client: str, cl_ord_id: str, parent_id: str) -> None:
        self._run("INSERT INTO cl_ord_ids VALUES (?, ?, ?)", (client, cl_ord_id, parent_id))

    # --- decisions about parents ----------------------------------------------------------

    def _parent_accepted(self, fact: ParentAccepted) -> About:
        self._run(
            "UPDATE parents SET arrival_bid_micros = ?, arrival_ask_micros = ?, state ="
            " CASE request_kind WHEN 'cancel' THEN ? WHEN 'replace' THEN ? ELSE ? END"
            " WHERE parent_id = ?",
            (
                fact.bid_micros,
                fact.ask_micros,
                ParentState.PENDING_CANCEL,
                ParentState.PENDING_REPLACE,
                ParentState.WORKING,
                fact.parent_id,
            ),
        )
        return fact.parent_id, ""

    def _parent_refused(self, fact: ParentRefused) -> About:
        return self._end_parent(
            fact.parent_id, ParentState.REJECTED, fact.at_ns, fact.text or fact.reason
        )

    def _parent_closed(self, fact: ParentClosed) -> About:
        return self._end_parent(fact.parent_id, fact.how, fact.at_ns, fact.text)

    def _end_parent(self, parent_id: str, how: ParentState, at_ns: int, text: str) -> About:
        self._run(
            f"UPDATE parents SET state = ?, ended_ns = ?, text = ?, {_CLEAR_REQUEST}"
            " WHERE parent_id = ?",
            (how, at_ns, text, parent_id),
        )
        return parent_id, ""

    def _parent_replaced(self, fact: ParentReplaced) -> About:
        """A quantity at or below what was executed becomes that, and the order is filled."""
        self._run(
            "UPDATE parents SET"
            " state = CASE WHEN request_quantity <= cum_quantity THEN ? ELSE ? END,"
            " ended_ns = CASE WHEN request_quantity <= cum_quantity THEN ? ELSE 0 END,"
            " quantity = max(request_quantity, cum_quantity), cl_ord_id = request_cl_ord_id,"
            f" ord_type = request_ord_type, limit_micros = request_limit_micros, {_CLEAR_REQUEST}"
            " WHERE parent_id = ?",
            (ParentState.FILLED, ParentState.WORKING, fact.at_ns, fact.parent_id),
        )
        return fact.parent_id, ""

    def _parent_replace_refused(self, fact: ParentReplaceRefused) -> About:
        self._run(
            f"UPDATE parents SET state = ?, text = ?, {_CLEAR_REQUEST} WHERE parent_id = ?",
            (ParentState.WORKING, fact.text, fact.parent_id),
        )
        return fact.parent_id, ""

    def _stage_moved(self, fact: StageMoved) -> About:
        self._run("UPDATE parents SET stage = ? WHERE parent_id = ?", (fact.stage, fact.parent_id))
        return fact.parent_id, ""

    def _of_parent(
        self,
        fact: VenueDropped | VenueReadmitted | WaveStarted | RequestOverdue | ParentExpiring,
    ) -> About:
        return fact.parent_id, ""

    # --- children -------------------------------------------------------------------------

    def _child_planned(self, fact: ChildPlanned) -> About:
        insert_child(self._run, fact)
        return fact.parent_id, fact.child_id

    def _child_crossed(self, fact: ChildCrossed) -> About:
        """Planned and filled at once, by ourselves."""
        about = self._child_planned(as_planned(fact))
        quantity, price = fact.quantity, fact.price_micros
        self._execute(
            about,
            (fact.market, fact.child_id, quantity, price, 0),
            (Liquidity.MIDPOINT, fact.at_ns, fact.market, quantity, 1),
        )
        self._move(about, quantity, price, 0, fact.at_ns)
        return about

    def _of_child(self, fact: ChildCancelPlanned | ChildStatusPlanned) -> About:
        return self._about(fact.child_id)

    def _about(self, child_id: str, venue: str = "") -> About:
        """The parent of a child; none when it is not ours, or not at that venue."""
        row = self._run(
            "SELECT parent_id, venue FROM children WHERE child_id = ?", (child_id,)
        ).fetchone()
        return (row[0] if row and venue in ("", row[1]) else ""), child_id

    def _child_accepted(self, fact: ChildAccepted) -> About:
        about = self._about(fact.child_id, fact.venue)
        if about[0]:
            self._live(fact.child_id)
        return about

    def _live(self, child_id: str) -> None:
        self._run(
            "UPDATE children SET state = ?, ended_ns = 0 WHERE child_id = ? AND state IN (?, ?, ?)",
            (ChildState.LIVE, child_id, *_MAY_LIVE),
        )

    def _end_child(self, child_id: str, how: ChildState, at_ns: int, text: str) -> None:
        """The first end stands, except that a release was only a conclusion."""
        self._run(
            "UPDATE children SET state = ?, ended_ns = ?, doubt = '', text = ?"
            " WHERE child_id = ? AND state IN (?, ?, ?)",
            (how, at_ns, text, child_id, *_MAY_LIVE),
        )

    def _child_ended(self, fact: ChildEnded) -> About:
        about = self._about(fact.child_id, fact.venue)
        if about[0]:
            value = fact.avg_price_micros * fact.cum_quantity
            self._book_difference(fact.child_id, fact.cum_quantity, value, fact.at_ns)
            self._end_child(fact.child_id, fact.how, fact.at_ns, fact.text)
        return about

    def _child_released(self, fact: ChildReleased) -> About:
        self._end_child(fact.child_id, ChildState.RELEASED, fact.at_ns, fact.why)
        return self._about(fact.child_id)

    def _child_status_reported(self, fact: ChildStatusReported) -> About:
        about = self._about(fact.child_id, fact.venue)
        if not about[0] or not fact.known:
            return about
        value = fact.avg_price_micros * fact.cum_quantity
        self._book_difference(fact.child_id, fact.cum_quantity, value, fact.at_ns)
        if fact.live:
            self._live(fact.child_id)
            self._run("UPDATE children SET doubt = '' WHERE child_id = ?", (fact.child_id,))
        elif fact.how is not ChildState.FILLED:
            self._end_child(fact.child_id, fact.how, fact.at_ns, "as its status says")
        return about

    def _child_cancel_refused(self, fact: ChildCancelRefused) -> About:
        return self._doubt(fact.venue, fact.child_id, fact.text or "its cancel was refused")

    def _child_voided(self, fact: ChildVoided) -> About:
        return self._doubt(fact.venue, fact.child_id, "its order message was voided")

    def _doubt(self, venue: str, child_id: str, cause: str) -> About:
        self._run(
            "UPDATE children SET doubt = ? WHERE child_id = ? AND venue = ? AND state IN (?, ?)",
            (cause, child_id, venue, *_OPEN_CHILD),
        )
        return self._about(child_id, venue)

    def _children_doubted(self, fact: ChildrenDoubted) -> About:
        for child_id in fact.child_ids:
            self._doubt(fact.venue, child_id, fact.cause)
        if not fact.child_ids:
            self._run(
                "UPDATE children SET doubt = ? WHERE venue = ? AND ended_ns = 0",
                (fact.cause, fact.venue),
            )
        return self._about(fact.child_ids[0], fact.venue) if len(fact.child_ids) == 1 else NOBODY

    # --- executions (recovery.md 3.6) -----------------------------------------------------

    def _child_filled(self, fact: ChildFilled) -> About:
        about = self._about(fact.child_id, fact.venue)
        start = fact.cum_quantity - fact.quantity
        if not about[0] or start < 0 or self._is_known(fact.child_id, fact.exec_id):
            return about
        cum, side = self._run(
            "SELECT children.cum_quantity, side FROM children JOIN parents USING (parent_id)"
            " WHERE child_id = ?",
            (fact.child_id,),
        ).fetchone()
        if fact.side is not None and fact.side.is_buy != Side(side).is_buy:
            return about  # the router denies it; the order's own total decides
        is_revised = self._is_revised(fact.child_id)
        netted = 0
        if start < cum or is_revised:
            netted = self._net(fact.child_id, start, fact.cum_quantity, anywhere=is_revised)
        if netted and is_revised:
            cum = fact.cum_quantity  # status tells whether there is more
        elif start > cum:
            value = fact.avg_price_micros * fact.cum_quantity
            value -= fact.quantity * fact.price_micros if value else 0
            self._book_difference(fact.child_id, start, value, fact.at_ns, beside=fact.price_micros)
        news = max(0, fact.cum_quantity - max(start, cum))
        if news + netted == 0:
            return about  # contradicts what is known: the router doubts it and books nothing
        self._execute(
            about,
            (fact.venue, fact.exec_id, news + netted, fact.price_micros, fact.fee_micros),
            (fact.liquidity, fact.at_ns, fact.last_market, fact.cum_quantity, 1),
        )
        self._move(about, news, fact.price_micros, fact.fee_micros, fact.at_ns)
        return about

    def _fill_revised(self, fact: FillRevised) -> About:
        """What the execution is now stands in its row, with 0 shares for a bust: its ExecID stays
        known. One that is not known is doubted by the router and books nothing."""
        about = self._about(fact.child_id, fact.venue)
        row = self._run(
            "SELECT id, quantity, price_micros, fee_micros, revised_by FROM executions"
            " WHERE child_id = ? AND reported AND ? IN (exec_id, revised_by)",
            (fact.child_id, fact.ref_exec_id),
        ).fetchone()
        if not about[0] or row is None or row[4] == fact.exec_id:
            return about
        row_id, quantity, price, fee, _ = row
        self._run(
            "UPDATE executions SET quantity = ?, price_micros = ?, fee_micros = ?, revised_by = ?"
            " WHERE id = ?",
            (fact.quantity, fact.price_micros, fact.fee_micros, fact.exec_id, row_id),
        )
        shares = fact.quantity - quantity
        value = fact.quantity * fact.price_micros - quantity * price
        for table, key, order_id in zip(("parents", "children"), IDS, about, strict=True):
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
                *(ParentState.FILLED, ParentState.CANCELED, *_OPEN_PARENT, ParentState.FILLED),
                about[0],
            ),
        )
        self._run(
            "UPDATE children SET state = CASE WHEN state IN (?, ?) AND cum_quantity >= quantity"
            " THEN ? WHEN ? AND ended_ns > 0 THEN ? ELSE state END,"
            " ended_ns = CASE WHEN ? THEN 0 ELSE ended_ns END WHERE child_id = ?",
            (
                *(*_OPEN_CHILD, ChildState.FILLED),
                *(fact.leaves_quantity > 0, ChildState.LIVE, fact.leaves_quantity > 0),
                fact.child_id,
            ),
        )
        return about

    def _child_resolved(self, fact: ChildResolved) -> About:
        value = fact.cum_quantity * fact.price_micros
        self._book_difference(fact.child_id, fact.cum_quantity, value, fact.at_ns)
        how = ChildState.CANCELED if fact.cum_quantity else ChildState.RELEASED
        self._end_child(fact.child_id, how, fact.at_ns, fact.reason)
        return self._about(fact.child_id)

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

    def _book_difference(
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
                f"UPDATE parents SET state = ?, ended_ns = ?, {_CLEAR_REQUEST}"
                " WHERE parent_id = ? AND state IN (?, ?, ?, ?)",
                (ParentState.FILLED, at_ns, parent_id, *_OPEN_PARENT),
            )
