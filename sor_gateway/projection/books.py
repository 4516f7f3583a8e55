"""What the facts add up to, as rows: parents, children, executions, ClOrdIDs.

Owns: the effect of each fact on the tables; of an execution, executions.py. Both follow the rules
of the router; those for executions that were missing or revised are its own code (sor/executed.py).
May not know: why anything was decided, messages, files.

Each handler returns the (parent_id, child_id) that the fact is about, empty when there is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final, get_args

from sor_gateway.projection.executions import (
    CLEAR_REQUEST,
    OPEN_CHILD,
    OPEN_PARENT,
    About,
    Executions,
)
from sor_gateway.sor.days import OrdersForgotten
from sor_gateway.sor.decisions import (
    CancelGivenUp,
    ChildAssumedDead,
    ChildCancelPlanned,
    ChildCrossed,
    ChildPlanned,
    ChildReleased,
    ChildSent,
    ChildStatusPlanned,
    ParentAccepted,
    ParentClosed,
    ParentNote,
    ParentRefused,
    ParentReplaced,
    ParentReplaceRefused,
    StageMoved,
)
from sor_gateway.sor.disputes import ExecutionDisputed
from sor_gateway.sor.events import (
    AmendUnreadable,
    CancelRequested,
    ChildAccepted,
    ChildCancelRefused,
    ChildEnded,
    ChildFilled,
    ChildrenDoubted,
    ChildResolved,
    ChildRestated,
    ChildStatusReported,
    ChildVoided,
    FillRevised,
    ParentSubmitted,
    ParentUnreadable,
    ReplaceRequested,
    StatusRequested,
)
from sor_gateway.sor.types import CROSS, ChildState, OrdType, ParentState, TimeInForce

NOBODY: Final[About] = ("", "")

_PENDING: Final = {"cancel": ParentState.PENDING_CANCEL, "replace": ParentState.PENDING_REPLACE}
_MAY_LIVE: Final = (*OPEN_CHILD, ChildState.RELEASED)
"""A released child that is reported after all lives (recovery.md 3.1)."""


class Books:
    """Applies facts to the tables, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        # One cursor for all: every answer is fetched before the next question.
        self._run = connection.cursor().execute
        self._executions = Executions(self._run)
        self._handlers: dict[type, Callable[[Any], About]] = {
            ParentSubmitted: self._submitted,
            ParentUnreadable: self._unreadable,
            CancelRequested: self._cancel_requested,
            ReplaceRequested: self._replace_requested,
            AmendUnreadable: self._amend_unreadable,
            StatusRequested: self._status_requested,
            ExecutionDisputed: self._disputed,
            ParentAccepted: self._parent_accepted,
            ParentRefused: self._parent_refused,
            ParentReplaced: self._parent_replaced,
            ParentReplaceRefused: self._request_refused,
            ParentClosed: self._parent_closed,
            StageMoved: self._stage_moved,
            ChildPlanned: self._child_planned,
            ChildCrossed: self._child_crossed,
            ChildSent: self._of_child,
            ChildCancelPlanned: self._of_child,
            ChildStatusPlanned: self._of_child,
            ChildAssumedDead: self._child_released,
            CancelGivenUp: self._request_refused,
            ChildAccepted: self._child_accepted,
            ChildFilled: self._child_filled,
            FillRevised: self._fill_revised,
            ChildRestated: self._child_restated,
            ChildEnded: self._child_ended,
            ChildResolved: self._child_resolved,
            ChildReleased: self._child_released,
            ChildCancelRefused: self._child_cancel_refused,
            ChildStatusReported: self._child_status_reported,
            ChildVoided: self._child_voided,
            ChildrenDoubted: self._children_doubted,
            OrdersForgotten: self._orders_forgotten,
            **dict.fromkeys(get_args(ParentNote), self._of_parent),
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
        if state not in OPEN_PARENT or pending or cl_ord_id != fact.orig_cl_ord_id:
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

    def _disputed(self, fact: ExecutionDisputed) -> About:
        query = "SELECT parent_id FROM parents WHERE parent_id = ? AND client = ?"
        row = self._run(query, (fact.parent_id, fact.client)).fetchone()
        return (row[0], "") if row else NOBODY

    def _parent_of(self, client: str, cl_ord_id: str) -> str:
        row = self._run(
            "SELECT parent_id FROM cl_ord_ids JOIN parents USING (parent_id)"
            " WHERE cl_ord_ids.client = ? AND cl_ord_ids.cl_ord_id = ? AND NOT forgotten",
            (client, cl_ord_id),
        ).fetchone()
        return row[0] if row else ""

    def _take_cl_ord_id(self, client: str, cl_ord_id: str, parent_id: str) -> None:
        self._run(
            "INSERT OR REPLACE INTO cl_ord_ids VALUES (?, ?, ?)", (client, cl_ord_id, parent_id)
        )

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
            f"UPDATE parents SET state = ?, ended_ns = ?, text = ?, {CLEAR_REQUEST}"
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
            f" ord_type = request_ord_type, limit_micros = request_limit_micros, {CLEAR_REQUEST}"
            " WHERE parent_id = ?",
            (ParentState.FILLED, ParentState.WORKING, fact.at_ns, fact.parent_id),
        )
        return fact.parent_id, ""

    def _request_refused(self, fact: ParentReplaceRefused | CancelGivenUp) -> About:
        self._run(
            f"UPDATE parents SET state = ?, text = ?, {CLEAR_REQUEST} WHERE parent_id = ?",
            (ParentState.WORKING, fact.text, fact.parent_id),
        )
        return fact.parent_id, ""

    def _stage_moved(self, fact: StageMoved) -> About:
        self._run("UPDATE parents SET stage = ? WHERE parent_id = ?", (fact.stage, fact.parent_id))
        return fact.parent_id, ""

    def _of_parent(self, fact: ParentNote) -> About:
        return fact.parent_id, ""

    def _orders_forgotten(self, fact: OrdersForgotten) -> About:
        """The router does not know them any more. Here they stay, and nothing is booked on them."""
        query = "UPDATE parents SET forgotten = 1 WHERE parent_id = ?"
        for parent_id in fact.parent_ids:
            self._run(query, (parent_id,))
        return NOBODY

    # --- children -------------------------------------------------------------------------

    def _child_planned(self, fact: ChildPlanned) -> About:
        self._run(
            "INSERT INTO children (child_id, parent_id, venue, quantity, ord_type, limit_micros,"
            " time_in_force, tactic, wave, state, cost_micros, display_score, why, planned_ns,"
            " bid_micros, ask_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fact.child_id,
                fact.parent_id,
                fact.venue,
                fact.quantity,
                fact.ord_type,
                fact.limit_micros,
                fact.time_in_force,
                fact.tactic,
                fact.wave,
                ChildState.PENDING_NEW,
                fact.cost_micros,
                fact.display_score,
                fact.why,
                fact.at_ns,
                fact.bid_micros,
                fact.ask_micros,
            ),
        )
        return fact.parent_id, fact.child_id

    def _child_crossed(self, fact: ChildCrossed) -> About:
        """Planned and filled at once: a child at our own market, at the midpoint, before any wave,
        free of charge."""
        planned = ChildPlanned(
            fact.at_ns,
            fact.parent_id,
            fact.child_id,
            fact.market,
            fact.quantity,
            OrdType.MID_PEG,
            fact.price_micros,
            TimeInForce.IOC,
            CROSS,
            0,
            0,
            10.0,
            f"{fact.why}; against {fact.contra_id}",
            bid_micros=fact.bid_micros,
            ask_micros=fact.ask_micros,
        )
        about = self._child_planned(planned)
        self._executions.crossed(fact)
        return about

    def _of_child(self, fact: ChildSent | ChildCancelPlanned | ChildStatusPlanned) -> About:
        return self._about(fact.child_id)

    def _about(self, child_id: str, venue: str = "") -> About:
        """The parent of a child; none when it is not ours (any more), or not at that venue."""
        query = "SELECT parent_id, venue FROM children JOIN parents USING (parent_id)"
        row = self._run(f"{query} WHERE child_id = ? AND NOT forgotten", (child_id,)).fetchone()
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
            self._executions.book_difference(fact.child_id, fact.cum_quantity, value, fact.at_ns)
            self._end_child(fact.child_id, fact.how, fact.at_ns, fact.text)
        return about

    def _child_released(self, fact: ChildReleased | ChildAssumedDead) -> About:
        is_proved = isinstance(fact, ChildReleased)
        how = ChildState.RELEASED if is_proved else ChildState.EXPIRED
        self._end_child(fact.child_id, how, fact.at_ns, fact.why)
        return self._about(fact.child_id)

    def _child_status_reported(self, fact: ChildStatusReported) -> About:
        about = self._about(fact.child_id, fact.venue)
        if not about[0] or not fact.known:
            return about
        value = fact.avg_price_micros * fact.cum_quantity
        self._executions.book_difference(fact.child_id, fact.cum_quantity, value, fact.at_ns)
        quantity, cum = self._run(
            "SELECT quantity, cum_quantity FROM children WHERE child_id = ?", (fact.child_id,)
        ).fetchone()
        if fact.cum_quantity == cum <= fact.quantity < quantity and fact.quantity:
            self._resize(fact.child_id, fact.quantity, fact.at_ns)
        if fact.live:
            self._live(fact.child_id)
            self._run("UPDATE children SET doubt = '' WHERE child_id = ?", (fact.child_id,))
        elif how := self._how_over(fact):
            self._end_child(fact.child_id, how, fact.at_ns, "as its status says")
        return about

    def _how_over(self, fact: ChildStatusReported) -> ChildState | None:
        """How a child ended that the venue calls over. Filled with less than all is nonsense, but
        behind a bust: then the rest is over unfilled."""
        if fact.how is not ChildState.FILLED:
            return fact.how
        (is_full,) = self._run(
            "SELECT cum_quantity >= quantity FROM children WHERE child_id = ?", (fact.child_id,)
        ).fetchone()
        if is_full:
            return ChildState.FILLED
        return ChildState.CANCELED if self._executions.is_revised(fact.child_id) else None

    def _child_cancel_refused(self, fact: ChildCancelRefused) -> About:
        return self._doubt(fact.venue, fact.child_id, fact.text or "its cancel was refused")

    def _child_voided(self, fact: ChildVoided) -> About:
        return self._doubt(fact.venue, fact.child_id, "its order message was voided")

    def _doubt(self, venue: str, child_id: str, cause: str) -> About:
        self._run(
            "UPDATE children SET doubt = ? WHERE child_id = ? AND venue = ? AND state IN (?, ?)",
            (cause, child_id, venue, *OPEN_CHILD),
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

    # --- executions -----------------------------------------------------------------------

    def _child_filled(self, fact: ChildFilled) -> About:
        about = self._about(fact.child_id, fact.venue)
        if about[0]:
            self._executions.filled(fact)
        return about

    def _fill_revised(self, fact: FillRevised) -> About:
        about = self._about(fact.child_id, fact.venue)
        if about[0]:
            self._executions.revised(fact)
        return about

    def _child_restated(self, fact: ChildRestated) -> About:
        about = self._about(fact.child_id, fact.venue)
        if about[0]:
            value = fact.avg_price_micros * fact.cum_quantity
            cum = self._executions.book_difference(
                fact.child_id, fact.cum_quantity, value, fact.at_ns
            )
            if fact.cum_quantity == cum:  # else the router asks for its status
                self._reopen(fact.child_id)
                quantity = fact.cum_quantity + fact.leaves_quantity
                self._resize(fact.child_id, quantity, fact.at_ns)
        return about

    def _reopen(self, child_id: str) -> None:
        self._run(
            "UPDATE children SET state = ?, ended_ns = 0 WHERE child_id = ? AND state <> ?",
            (ChildState.LIVE, child_id, ChildState.LIVE),
        )

    def _resize(self, child_id: str, quantity: int, at_ns: int) -> None:
        """The venue works another quantity of an open child; it may be filled by that."""
        self._run(
            "UPDATE children SET quantity = ?1,"
            " state = CASE WHEN cum_quantity >= ?1 THEN ?2 ELSE state END,"
            " ended_ns = CASE WHEN cum_quantity >= ?1 THEN ?3 ELSE 0 END"
            " WHERE child_id = ?4 AND ended_ns = 0",
            (quantity, ChildState.FILLED, at_ns, child_id),
        )

    def _child_resolved(self, fact: ChildResolved) -> About:
        (ended_ns,) = self._run(
            "SELECT ended_ns FROM children WHERE child_id = ?", (fact.child_id,)
        ).fetchone()
        if not ended_ns:  # else its end came in the very turn
            cum = self._executions.book_difference(
                fact.child_id, fact.cum_quantity, 0, fact.at_ns, beside=fact.price_micros
            )
            how = ChildState.CANCELED if cum else ChildState.RELEASED
            self._end_child(fact.child_id, how, fact.at_ns, fact.reason)
        return self._about(fact.child_id)
