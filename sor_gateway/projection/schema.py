"""The database: its tables, how it is opened, where in the journal it stands.

Owns: the DDL and its version, connections, the stored position.
May not know: what a fact means (books.py, executions.py, account.py), who asks (queries.py).

Everything here can be thrown away: another schema version or another journal empties it, and the
follower fills it again from the oldest segment there is.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sor_gateway.journal.reader import START, Position

SCHEMA_VERSION: Final = 6
BUSY_TIMEOUT_S: Final = 60.0
"""How long one writer waits for another: a batch takes a fraction of a second, but the follower is
of low priority, and on a busy machine that was more than ten."""

TABLES: Final = {
    "place": """
        one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
        journal_id TEXT NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
        turn INTEGER NOT NULL, at_ns INTEGER NOT NULL""",
    "messages": """
        id INTEGER PRIMARY KEY, session TEXT NOT NULL, epoch INTEGER NOT NULL,
        direction TEXT NOT NULL, number INTEGER NOT NULL, at_ns INTEGER NOT NULL,
        msg_type TEXT NOT NULL, cl_ord_id TEXT NOT NULL, orig_cl_ord_id TEXT NOT NULL,
        key TEXT NOT NULL, text TEXT NOT NULL, turn INTEGER NOT NULL""",
    "parents": """
        parent_id TEXT PRIMARY KEY, client TEXT NOT NULL, cl_ord_id TEXT NOT NULL,
        symbol TEXT NOT NULL, side TEXT NOT NULL, quantity INTEGER NOT NULL,
        ord_type TEXT NOT NULL, limit_micros INTEGER, time_in_force TEXT NOT NULL,
        strategy TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL,
        cum_quantity INTEGER NOT NULL DEFAULT 0, cum_value_micros INTEGER NOT NULL DEFAULT 0,
        fees_micros INTEGER NOT NULL DEFAULT 0, submitted_ns INTEGER NOT NULL,
        ended_ns INTEGER NOT NULL DEFAULT 0, arrival_bid_micros INTEGER NOT NULL DEFAULT 0,
        arrival_ask_micros INTEGER NOT NULL DEFAULT 0, stage TEXT NOT NULL DEFAULT '',
        text TEXT NOT NULL DEFAULT '', request_kind TEXT NOT NULL DEFAULT '',
        request_cl_ord_id TEXT NOT NULL DEFAULT '', request_quantity INTEGER NOT NULL DEFAULT 0,
        request_ord_type TEXT NOT NULL DEFAULT '', request_limit_micros INTEGER,
        forgotten INTEGER NOT NULL DEFAULT 0""",
    "cl_ord_ids": """
        client TEXT NOT NULL, cl_ord_id TEXT NOT NULL, parent_id TEXT NOT NULL,
        PRIMARY KEY (client, cl_ord_id)""",
    "children": """
        child_id TEXT PRIMARY KEY, parent_id TEXT NOT NULL, venue TEXT NOT NULL,
        quantity INTEGER NOT NULL, ord_type TEXT NOT NULL, limit_micros INTEGER,
        time_in_force TEXT NOT NULL, tactic TEXT NOT NULL, wave INTEGER NOT NULL,
        state TEXT NOT NULL, cum_quantity INTEGER NOT NULL DEFAULT 0,
        cum_value_micros INTEGER NOT NULL DEFAULT 0, fees_micros INTEGER NOT NULL DEFAULT 0,
        cost_micros INTEGER NOT NULL, display_score REAL NOT NULL, why TEXT NOT NULL,
        planned_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL DEFAULT 0,
        bid_micros INTEGER NOT NULL, ask_micros INTEGER NOT NULL,
        doubt TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',
        accounting TEXT NOT NULL DEFAULT ''""",
    "executions": """
        id INTEGER PRIMARY KEY, venue TEXT NOT NULL, child_id TEXT NOT NULL,
        parent_id TEXT NOT NULL, exec_id TEXT NOT NULL, quantity INTEGER NOT NULL,
        price_micros INTEGER NOT NULL, fee_micros INTEGER NOT NULL, liquidity TEXT NOT NULL,
        at_ns INTEGER NOT NULL, last_market TEXT NOT NULL, cum_quantity INTEGER NOT NULL,
        reported INTEGER NOT NULL, fee_surprise_micros INTEGER NOT NULL DEFAULT 0,
        UNIQUE (child_id, exec_id)""",
    "facts": """
        id INTEGER PRIMARY KEY, turn INTEGER NOT NULL, at_ns INTEGER NOT NULL,
        name TEXT NOT NULL, parent_id TEXT NOT NULL, child_id TEXT NOT NULL,
        json TEXT NOT NULL""",
}
CACHE_KIB: Final = 32_768
"""Pages that the writer keeps in memory."""
INDEXES: Final = {
    "messages_by_number": "messages (session, number)",
    "messages_by_cl_ord_id": "messages (cl_ord_id) WHERE cl_ord_id <> ''",
    "messages_by_orig": "messages (orig_cl_ord_id) WHERE orig_cl_ord_id <> ''",
    "cl_ord_ids_by_parent": "cl_ord_ids (parent_id)",
    "children_by_parent": "children (parent_id)",
    "children_open": "children (venue) WHERE ended_ns = 0",
    "executions_by_parent": "executions (parent_id)",
    "facts_by_parent": "facts (parent_id) WHERE parent_id <> ''",
}
"""A query has to repeat the condition of a partial index to be served by it."""


def connect(database: Path) -> sqlite3.Connection:
    """Open the database for writing; it is made when it is not there, and may hold nothing yet.

    Transactions are the caller's. A reader never waits for a writer (WAL).
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    # Losing the last batches with the machine is harmless: they are read again from the journal.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def connect_to_read(database: Path) -> sqlite3.Connection:
    """Open an existing database for reading. Raises FileNotFoundError when it is not there."""
    if not database.is_file():
        raise FileNotFoundError(f"{database}: no database; has the follower run?")
    connection = sqlite3.connect(database, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def rebuild(connection: sqlite3.Connection, journal_id: str) -> None:
    """Throw everything away and stand before the first record. Within the caller's transaction."""
    for name in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    for name, target in INDEXES.items():
        connection.execute(f"CREATE INDEX {name} ON {target}")
    row = (SCHEMA_VERSION, journal_id, *START)
    connection.execute("INSERT INTO place VALUES (1, ?, ?, ?, ?, 0, 0)", row)


def position_in(connection: sqlite3.Connection, journal_id: str) -> Position | None:
    """How far the database is in this journal; None when it was built by another version of this
    schema, from another journal, or not at all."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'place'"
    if connection.execute(query).fetchone() is None:
        return None
    query = "SELECT version, journal_id, segment, offset FROM place"
    version, known_id, segment, offset = connection.execute(query).fetchone()
    if (version, known_id) != (SCHEMA_VERSION, journal_id):
        return None
    return Position(segment, offset)


def store_position(
    connection: sqlite3.Connection, position: Position, turn: int, at_ns: int
) -> None:
    """Note how far the database is. Within the caller's transaction."""
    connection.execute(
        "UPDATE place SET segment = ?, offset = ?, turn = ?, at_ns = ?", (*position, turn, at_ns)
    )
