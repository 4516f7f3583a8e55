"""The follower: reads the journal behind the writer and keeps the database current.

Owns: the loop, its batches and transactions, the tables `messages` and `facts`, and its command
line. It is a process of its own, at low priority: the order path never waits for it.
May not know: FIX beyond cutting `tag=value` apart, the router, sockets.

A batch and the position behind it are one transaction: killed at any instant, it goes on where it
stood. Two of them (a daemon's, and a command line tool that wants current output) take turns.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from sor_gateway.journal.errors import JournalError, PositionLost
from sor_gateway.journal.reader import START, Position, end_of, journal_id, read_records
from sor_gateway.journal.record import Entry, FactCodec, Record
from sor_gateway.projection.books import NOBODY, Books
from sor_gateway.projection.schema import connect, position_in, rebuild, store_position
from sor_gateway.sor.events import FACTS

BATCH_RECORDS: Final = 1_000
"""Records in one transaction."""
NICENESS: Final = 10
_IDS: Final = re.compile(rb"\x01(11|41)=([^\x01]*)")
_MESSAGE: Final = (
    "INSERT INTO messages (session, epoch, direction, number, at_ns, msg_type, cl_ord_id,"
    " orig_cl_ord_id, key, text, turn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FACT: Final = (
    "INSERT INTO facts (turn, at_ns, name, parent_id, child_id, json) VALUES (?, ?, ?, ?, ?, ?)"
)


@dataclass(slots=True)
class Progress:
    """What one round of catching up did."""

    records: int = 0
    rebuilt: bool = False
    """The database was of another schema or journal, or ahead of a lost tail: it was emptied."""


class Follower:
    """Brings one database up to the end of one journal, again and again."""

    def __init__(self, journal: Path, database: Path) -> None:
        self._journal = journal
        self._connection = connect(database)
        self._books = Books(self._connection)
        self._codec = FactCodec(FACTS)
        self._position = START
        """Where the last batch ended."""

    def close(self) -> None:
        """Give up the database."""
        self._connection.close()

    def catch_up(self) -> Progress:
        """Read to the end of the journal as it is now. No journal yet is no error.

        Raises JournalCorrupt, and FactMismatch when newer code wrote the journal.
        """
        progress, end = Progress(), end_of(self._journal)
        while self._step(progress) and self._position < end:
            continue
        return progress

    def step(self) -> Progress:
        """Read one batch: bounded work, for a loop that has to be able to stop."""
        progress = Progress()
        self._step(progress)
        return progress

    def _step(self, progress: Progress) -> bool:
        """One transaction. Whether there may be more."""
        identity = journal_id(self._journal)
        if identity is None:
            return False
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            position = position_in(connection, identity)
            if position is None:
                rebuild(connection, identity)
                progress.rebuilt = True
                count = self._batch(START)
            else:
                try:
                    count = self._batch(position)
                except PositionLost:
                    rebuild(connection, identity)
                    progress.rebuilt = True
                    count = self._batch(START)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        progress.records += count
        return count == BATCH_RECORDS

    def _batch(self, position: Position) -> int:
        messages: list[tuple[object, ...]] = []
        facts: list[tuple[object, ...]] = []
        batch = list(islice(read_records(self._journal, position), BATCH_RECORDS))
        for _, record in batch:
            messages += [_message_row(record, entry) for entry in record.entries]
            self._apply(record, facts)
        if batch:
            position, last = batch[-1]
            self._connection.executemany(_MESSAGE, messages)
            self._connection.executemany(_FACT, facts)
            store_position(self._connection, position, last.turn, last.at_ns)
        self._position = position
        return len(batch)

    def _apply(self, record: Record, rows: list[tuple[object, ...]]) -> None:
        for name, body in record.facts:
            # The facts of the sessions are not the vocabulary of this package: they are shown,
            # and move no order.
            known = self._codec.knows(name)
            about = self._books.apply(self._codec.decode((name, body))) if known else NOBODY
            text = msgspec.json.encode(msgspec.msgpack.decode(body)).decode()
            rows.append((record.turn, record.at_ns, name, *about, text))


def refresh(journal: Path, database: Path) -> Progress:
    """Bring the database up to date once, in this process. Raises like `Follower.catch_up`."""
    with closing(Follower(journal, database)) as follower:
        return follower.catch_up()


def readable(raw: bytes) -> str:
    """A FIX message as people read it: | for SOH. Latin-1 loses no byte."""
    return raw.decode("latin-1").replace("\x01", "|")


def _message_row(record: Record, entry: Entry) -> tuple[object, ...]:
    ids = dict(reversed(_IDS.findall(entry.raw)))  # the first occurrence counts
    return (
        entry.session,
        entry.epoch,
        "out" if entry.outbound else "in",
        entry.number,
        record.at_ns,
        entry.msg_type,
        ids.get(b"11", b"").decode("latin-1"),
        ids.get(b"41", b"").decode("latin-1"),
        entry.key,
        readable(entry.raw),
        record.turn,
    )


class _Stop:
    """Set by a signal; the batch under way is finished first."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def follow(follower: Follower, poll_s: float, parent: int) -> int:
    """Follow until a signal, or until the process `parent` is not our parent any more (0: there is
    none to watch). It is told, not asked for: a parent may die before we first look. Returns the
    number of records read."""
    stop, total = _Stop(), 0
    while True:
        # Asked before reading: what a dead parent wrote last is read before this ends.
        last = stop.asked or (parent != 0 and os.getppid() != parent)
        done = follower.step().records
        total += done
        if done < BATCH_RECORDS:
            if last:
                return total
            time.sleep(poll_s)
        elif stop.asked:
            return total


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 1 when the journal cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m sor_gateway.projection.follower",
        description="Build and follow the query database of a journal.",
    )
    parser.add_argument("--journal", type=Path, required=True, help="folder of the journal")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file to keep")
    parser.add_argument("--once", action="store_true", help="catch up and end")
    parser.add_argument("--poll-ms", type=int, default=200, help="how often to look for more")
    parser.add_argument(
        "--with-parent",
        type=int,
        default=0,
        metavar="PID",
        help="end when this process, ours, does",
    )
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    try:
        with closing(Follower(options.journal, options.database)) as follower:
            if options.once:
                records = follower.catch_up().records
                sys.stdout.write(f"{records} records read\n")
            else:
                follow(follower, options.poll_ms / 1000, options.with_parent)
    except (JournalError, sqlite3.Error, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
