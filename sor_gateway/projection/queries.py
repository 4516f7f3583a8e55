"""What people and reports ask of the database: messages, orders, children, ledger, story.

Owns: the questions as typed functions, each opening the database for reading and closing it.
May not know: how the answers are shown, the journal.

Money is in micros, quantities in shares, times in ns UTC. All raise FileNotFoundError when there
is no database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from sor_gateway.projection.schema import connect_to_read
from sor_gateway.projection.story import sentence

Row = TypeVar("Row")
MESSAGES_LIMIT: Final = 100_000
"""Most messages in one answer."""


@dataclass(slots=True)
class Message:
    """A FIX message as the journal has it."""

    session: str
    epoch: int
    direction: str
    """`in` or `out`, as we see it."""
    number: int
    at_ns: int
    """When the turn was that consumed or sent it."""
    msg_type: str
    key: str
    text: str
    """The message with | for SOH."""
    turn: int


@dataclass(slots=True)
class Order:
    """A client's order."""

    parent_id: str
    client: str
    cl_ord_id: str
    """The last accepted one."""
    symbol: str
    side: str
    quantity: int
    ord_type: str
    limit_micros: int | None
    time_in_force: str
    strategy: str
    account: str
    state: str
    cum_quantity: int
    cum_value_micros: int
    fees_micros: int
    submitted_ns: int
    ended_ns: int
    """0 while it is open."""
    arrival_bid_micros: int
    arrival_ask_micros: int
    stage: str
    text: str

    @property
    def average_price_micros(self) -> int:
        """Of what was executed, rounded down to a micro; 0 when nothing was."""
        return self.cum_value_micros // self.cum_quantity if self.cum_quantity else 0

    @property
    def leaves_quantity(self) -> int:
        """What is left to execute; 0 once it is over."""
        return 0 if self.ended_ns else max(0, self.quantity - self.cum_quantity)


@dataclass(slots=True)
class ChildOrder:
    """Our order at a venue."""

    child_id: str
    parent_id: str
    venue: str
    quantity: int
    ord_type: str
    limit_micros: int | None
    time_in_force: str
    tactic: str
    wave: int
    state: str
    cum_quantity: int
    cum_value_micros: int
    fees_micros: int
    cost_micros: int
    """Expected net cost per share when it was chosen."""
    display_score: float
    why: str
    planned_ns: int
    ended_ns: int
    bid_micros: int
    """The market as known when it was planned."""
    ask_micros: int
    doubt: str
    """Why it may not be what we think; empty when it is not in doubt."""
    text: str

    @property
    def average_price_micros(self) -> int:
        """Of what was executed, rounded down to a micro; 0 when nothing was."""
        return self.cum_value_micros // self.cum_quantity if self.cum_quantity else 0


@dataclass(slots=True)
class Execution:
    """Shares that a venue executed."""

    venue: str
    child_id: str
    parent_id: str
    exec_id: str
    quantity: int
    price_micros: int
    fee_micros: int
    liquidity: str
    at_ns: int
    last_market: str
    reported: bool
    """False: taken from the venue's total, its own report has not come (recovery.md 3.6)."""
    fee_surprise_micros: int = 0
    """The fee less what the schedule says; 0 too when the venue reported none."""


@dataclass(slots=True)
class LedgerLine:
    """What one venue executed, or all of them."""

    venue: str
    executions: int = 0
    shares: int = 0
    value_micros: int = 0
    fees_micros: int = 0
    """Paid; a rebate is negative."""


@dataclass(slots=True)
class Ledger:
    """What was executed where."""

    venues: list[LedgerLine]
    total: LedgerLine


@dataclass(slots=True)
class Happening:
    """One fact of an order's story."""

    turn: int
    at_ns: int
    name: str
    child_id: str
    text: str
    """The fact as a sentence."""
    data: dict[str, Any] = field(default_factory=dict)
    """The fact's fields."""


@dataclass(slots=True)
class Currency:
    """How far the database has come in the journal."""

    turn: int
    at_ns: int
    segment: int
    offset: int


def current(database: Path) -> Currency:
    """The last turn that the answers know of."""
    query = "SELECT turn, at_ns, segment, offset FROM place"
    return _select(database, Currency, query)[0]


def messages(
    database: Path,
    session: str | None = None,
    begin: int | None = None,
    end: int | None = None,
    msg_type: str | None = None,
    order: str | None = None,
    text: str | None = None,
    last: int | None = None,
) -> list[Message]:
    """Messages in the order of the journal, restricted by what is given.

    `begin` and `end` are MsgSeqNums, inclusive; `order` is a ParentID or any ClOrdID of a client,
    and finds the messages with the client and with the venues; `text` is a piece of the message
    as shown; `last` keeps the newest so many, of at most MESSAGES_LIMIT.
    """
    where, values = ["1"], list[object]()
    for clause, value in (
        ("session = ?", session),
        ("number >= ?", begin),
        ("number <= ?", end),
        ("msg_type = ?", msg_type),
        ("instr(text, ?)", text),
    ):
        if value is not None:
            where.append(clause)
            values.append(value)
    with closing(connect_to_read(database)) as connection:
        if order is not None:
            clause, ids = _about_order(connection, order)
            where.append(clause)
            values += ids
        query = (
            "SELECT session, epoch, direction, number, at_ns, msg_type, key, text, turn"
            f" FROM messages WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"
        )
        limit = MESSAGES_LIMIT if last is None else min(last, MESSAGES_LIMIT)
        rows = connection.execute(query, (*values, limit)).fetchall()
    return [Message(*row) for row in reversed(rows)]


def _about_order(connection: sqlite3.Connection, order: str) -> tuple[str, list[object]]:
    """The messages of an order: those with one of its client's ClOrdIDs, on that session, and
    those with one of its children's ids. A name that is no order finds it as a ClOrdID."""
    parents = _parents_of(connection, order)
    if not parents:
        one = "SELECT id FROM messages WHERE cl_ord_id = ? AND cl_ord_id <> ''"
        other = "SELECT id FROM messages WHERE orig_cl_ord_id = ? AND orig_cl_ord_id <> ''"
        return f"id IN ({one} UNION {other})", [order, order]
    marks = ", ".join("?" * len(parents))
    ours = f"SELECT child_id AS id, venue AS session FROM children WHERE parent_id IN ({marks})"
    taken = f"SELECT cl_ord_id, client FROM cl_ord_ids WHERE parent_id IN ({marks})"
    own = f"SELECT cl_ord_id, client FROM parents WHERE parent_id IN ({marks})"
    found = " UNION ".join(
        f"SELECT m.id FROM names n CROSS JOIN messages m"
        f" ON m.{column} = n.id AND m.{column} <> '' AND m.session = n.session"
        for column in ("cl_ord_id", "orig_cl_ord_id")
    )
    names = f"WITH names AS ({ours} UNION {taken} UNION {own})"
    return f"id IN ({names} {found})", [*parents] * 3


def _parents_of(connection: sqlite3.Connection, order: str) -> list[str]:
    """The ParentIDs that a ParentID, a child's id or a client's ClOrdID stands for."""
    rows = connection.execute(
        "SELECT parent_id FROM parents WHERE parent_id = ?1 OR cl_ord_id = ?1"
        " UNION SELECT parent_id FROM cl_ord_ids WHERE cl_ord_id = ?1"
        " UNION SELECT parent_id FROM children WHERE child_id = ?1 ORDER BY parent_id",
        (order,),
    )
    return [row[0] for row in rows]


_ORDER: Final = (
    "SELECT parent_id, client, cl_ord_id, symbol, side, quantity, ord_type, limit_micros,"
    " time_in_force, strategy, account, state, cum_quantity, cum_value_micros, fees_micros,"
    " submitted_ns, ended_ns, arrival_bid_micros, arrival_ask_micros, stage, text FROM parents"
)


def orders(
    database: Path,
    open_only: bool = False,
    client: str | None = None,
    symbol: str | None = None,
    last: int | None = None,
) -> list[Order]:
    """Clients' orders, oldest first, restricted by what is given; `last` keeps the newest."""
    query = (
        f"{_ORDER} WHERE (?1 = 0 OR ended_ns = 0) AND (?2 IS NULL OR client = ?2)"
        " AND (?3 IS NULL OR symbol = ?3) ORDER BY rowid DESC LIMIT ?4"
    )
    limit = -1 if last is None else last
    return _select(database, Order, query, (open_only, client, symbol, limit))[::-1]


def order(database: Path, name: str) -> Order | None:
    """The order with this ParentID, child id or client's ClOrdID; of several, the newest."""
    with closing(connect_to_read(database)) as connection:
        parents = _parents_of(connection, name)
        if not parents:
            return None
        row = connection.execute(f"{_ORDER} WHERE parent_id = ?", (parents[-1],)).fetchone()
    return Order(*row)


def children(database: Path, parent_id: str) -> list[ChildOrder]:
    """The children of an order, in the order in which they were planned."""
    query = (
        "SELECT child_id, parent_id, venue, quantity, ord_type, limit_micros, time_in_force,"
        " tactic, wave, state, cum_quantity, cum_value_micros, fees_micros, cost_micros,"
        " display_score, why, planned_ns, ended_ns, bid_micros, ask_micros, doubt, text"
        " FROM children WHERE parent_id = ? ORDER BY rowid"
    )
    return _select(database, ChildOrder, query, (parent_id,))


def executions(database: Path, parent_id: str | None = None) -> list[Execution]:
    """What venues executed, in the order in which it was booked; of one order or of all."""
    query = (
        "SELECT venue, child_id, parent_id, exec_id, quantity, price_micros, fee_micros,"
        " liquidity, at_ns, last_market, reported, fee_surprise_micros"
        " FROM executions WHERE quantity > 0 AND (?1 IS NULL OR parent_id = ?1) ORDER BY id"
    )
    found = _select(database, Execution, query, (parent_id,))
    for each in found:
        each.reported = bool(each.reported)
    return found


def ledger(database: Path) -> Ledger:
    """Per venue and in total: executions, shares, value and fees, as the venues said."""
    query = (
        "SELECT venue, count(*), sum(quantity), sum(quantity * price_micros), sum(fee_micros)"
        " FROM executions WHERE quantity > 0 GROUP BY venue ORDER BY venue"
    )
    lines = _select(database, LedgerLine, query)
    total = LedgerLine("total")
    for line in lines:
        total.executions += line.executions
        total.shares += line.shares
        total.value_micros += line.value_micros
        total.fees_micros += line.fees_micros
    return Ledger(lines, total)


def story(database: Path, parent_id: str) -> list[Happening]:
    """Everything that moved an order, in the order in which it was booked."""
    query = (
        "SELECT turn, at_ns, name, child_id, json FROM facts"
        " WHERE parent_id = ? AND parent_id <> '' ORDER BY id"
    )
    with closing(connect_to_read(database)) as connection:
        rows = connection.execute(query, (parent_id,)).fetchall()
    return [_happening(*row) for row in rows]


def facts(database: Path, names: Sequence[str] = (), last: int | None = None) -> list[Happening]:
    """Facts of any kind, oldest first; all, or those with one of the names."""
    marks = ", ".join("?" * len(names))
    query = (
        "SELECT turn, at_ns, name, child_id, json FROM facts"
        f" WHERE {f'name IN ({marks})' if names else '1'} ORDER BY id DESC LIMIT ?"
    )
    limit = MESSAGES_LIMIT if last is None else min(last, MESSAGES_LIMIT)
    with closing(connect_to_read(database)) as connection:
        rows = connection.execute(query, (*names, limit)).fetchall()
    return [_happening(*row) for row in reversed(rows)]


def _happening(turn: int, at_ns: int, name: str, child_id: str, text: str) -> Happening:
    data = json.loads(text)
    return Happening(turn, at_ns, name, child_id, sentence(name, data), data)


def _select(
    database: Path, kind: type[Row], query: str, values: Iterable[object] = ()
) -> list[Row]:
    with closing(connect_to_read(database)) as connection:
        return [kind(*row) for row in connection.execute(query, tuple(values))]
