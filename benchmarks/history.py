"""A long day behind a gateway, for a benchmark: a journal that holds a session's messages.

Owns: what such a journal looks like. May not know: how a gateway came to write one.

The messages are real ExecutionReports, two to a record as turns write them, with snapshots where
the journal rolls; the projection has read them all, as it would have by now.
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks import raw
from sor_gateway.daemon.daemon import BOOT_ID
from sor_gateway.daemon.recovery import SNAPSHOT_VERSION, Snapshot, encode_snapshot
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.record import Entry, Record
from sor_gateway.journal.segments import Journal
from sor_gateway.projection import follower
from sor_gateway.sor.state import RouterState
from sor_gateway.stack import Stack

A_RECORD: Final = 2
NANOS_PER_SECOND: Final = 1_000_000_000
REPORT: Final = (
    b"35=8\x0134=%d\x0149=SOR\x0152=%s\x0156=%s\x0137=P%09d\x0111=H%09d\x0117=E%010d\x01150=%s\x01"
    b"39=%s\x0155=ACME\x0154=2\x0138=100\x0140=2\x0144=50\x0132=100\x0131=50\x01151=0\x0114=100\x01"
    b"6=50\x0160=%s\x01"
)


def write_history(stack: Stack, session: str, messages: int) -> None:
    """Make a desk's journal, with so many messages that this session was sent."""
    journal = Journal.open(stack.journal, boot_id=BOOT_ID.read_text().strip())
    numbers = Numbers()
    stamp = raw.Stamp()
    for turn, first in enumerate(range(1, messages + 1, A_RECORD), start=1):
        entries = [
            Entry(session, 1, True, number, "8", "", _report(session, number, stamp.now()))
            for number in range(first, min(first + A_RECORD, messages + 1))
        ]
        journal.append(Record(turn, time.time_ns(), entries, []))
        numbers.next_out = entries[-1].number + 1
        if journal.roll_due:
            state = Snapshot(SNAPSHOT_VERSION, turn, RouterState(), {session: numbers}, {})
            assert journal.roll(encode_snapshot(state))
    journal.close()
    follower.refresh(stack.journal, stack.database)


def _report(session: str, number: int, now: bytes) -> bytes:
    order, kind = (number + 1) // 2, (b"F", b"2") if number % 2 == 0 else (b"0", b"0")
    return raw.frame(REPORT % (number, now, session.encode(), order, order, number, *kind, now))
