"""The journal in memory behaves as the one on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sor_gateway.journal.memory import MemoryJournal, MemoryStorage
from sor_gateway.journal.segments import Journal, JournalStalled

from .helpers import got, open_journal, record, sent

Opener = Callable[[str], "Journal | MemoryJournal"]


@pytest.fixture(params=["memory", "disk"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    storage = MemoryStorage()
    held: list[Journal | MemoryJournal] = []

    def again(boot_id: str) -> Journal | MemoryJournal:
        while held:
            held.pop().close()
        if request.param == "memory":
            held.append(MemoryJournal(storage, boot_id, segment_messages=4))
        else:
            held.append(open_journal(tmp_path, boot_id=boot_id, segment_messages=4))
        return held[0]

    return again


class TestSameAsOnDisk:
    def test_a_life_with_a_roll_and_two_restarts(self, opener: Opener) -> None:
        journal = opener("b1")
        assert journal.previous_boot_id is None
        journal.append(record(1, got(1), sent(1)))
        due = [journal.roll_due]
        journal.append(record(2, got(2), sent(2)), durable=True)
        assert [*due, journal.roll_due] == [False, True]
        assert journal.roll(b"one two")
        journal.append(record(3, sent(3)))
        journal = opener("b1")
        assert not journal.boot_changed
        assert journal.snapshot == b"one two"
        assert [each.turn for each in journal.tail()] == [3]
        journal = opener("b2")
        assert (journal.boot_changed, journal.previous_boot_id) == (True, "b1")
        journal.append(record(4, sent(1, epoch=2)))
        assert [each.turn for each in journal.tail()] == [3, 4]
        assert journal.outbound("ecn", 1, 2, 9) == [sent(2), sent(3)]
        assert journal.outbound("ecn", 2, 1, 9) == [sent(1, epoch=2)]
        assert journal.position.segment == 3
        journal.drop_covered(2)
        assert journal.outbound("ecn", 1, 1, 9) == [sent(3)]

    def test_an_untouched_start_changes_nothing(self, opener: Opener) -> None:
        opener("b1").append(record(1))
        opener("b2")
        journal = opener("b3")
        assert (journal.boot_changed, journal.previous_boot_id) == (True, "b1")
        assert journal.position.segment == 2


class TestFullStorage:
    def test_it_stalls_until_the_reserve_is_used(self) -> None:
        storage = MemoryStorage(full=True)
        journal = MemoryJournal(storage, "b")
        with pytest.raises(JournalStalled):
            journal.append(record(1), durable=True)
        with pytest.raises(JournalStalled):
            journal.retry()
        assert journal.stalled
        assert not list(journal.tail())
        journal.use_reserve()
        journal.retry()
        assert [each.turn for each in journal.tail()] == [1]
        assert not journal.reserve_held

    def test_it_does_not_roll(self) -> None:
        storage = MemoryStorage(full=True)
        journal = MemoryJournal(storage, "b")
        assert not journal.roll(b"")
        assert journal.snapshot is None

    def test_every_record_can_be_read_over_snapshots(self) -> None:
        journal = MemoryJournal()
        journal.append(record(1))
        journal.roll(b"one")
        journal.append(record(2))
        assert [each.turn for each in journal.records()] == [1, 2]
