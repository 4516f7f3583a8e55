"""The journal on disk: append, tear, stall, lock, boot."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sor_gateway.journal import disk
from sor_gateway.journal.reader import read_header, segment_path
from sor_gateway.journal.record import Record
from sor_gateway.journal.segments import (
    JournalCorrupt,
    JournalFatal,
    JournalLocked,
    JournalStalled,
)

from .helpers import fill, got, open_journal, record, segment_bytes, sent, turns
from .test_record import RECORDS


class TestAppend:
    def test_what_was_appended_is_the_tail_after_opening_again(self, tmp_path: Path) -> None:
        written = fill(tmp_path, range(1, 6))
        assert list(open_journal(tmp_path).tail()) == written

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(written=st.lists(RECORDS, max_size=8))
    def test_any_records_come_back(
        self, written: list[Record], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("any")
        journal = open_journal(folder)
        for each in written:
            journal.append(each)
        assert list(journal.tail()) == written
        journal.close()

    def test_a_record_longer_than_a_read_comes_back(self, tmp_path: Path) -> None:
        big = record(1, sent(1, raw=random.Random(1).randbytes(3 << 20)))
        journal = open_journal(tmp_path)
        journal.append(big)
        journal.append(record(2))
        assert list(journal.tail()) == [big, record(2)]
        assert journal.outbound("ecn", 1, 1, 1) == big.entries

    def test_one_record_is_one_write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = open_journal(tmp_path)
        before = journal.position.offset
        writes: list[bytes] = []
        plain = disk.write_all

        def watched(descriptor: int, data: bytes) -> None:
            writes.append(bytes(data))
            plain(descriptor, data)

        monkeypatch.setattr(disk, "write_all", watched)
        journal.append(record(1, got(1), sent(1)))
        assert writes == [segment_bytes(tmp_path)[before:]]
        assert journal.position == (1, before + len(writes[0]))

    def test_counters(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        before = journal.position.offset
        journal.append(record(1, got(1), sent(1)))
        journal.append(record(2))
        counters = journal.counters
        assert (counters.records, counters.messages) == (2, 2)
        assert counters.bytes_written == journal.position.offset - before
        assert counters.last_write_ns > 0


class TestDurability:
    @pytest.mark.parametrize(
        ("durability", "durable", "syncs"),
        [("process", False, 0), ("process", True, 1), ("power", False, 1)],
    )
    def test_when_the_disk_is_waited_for(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        durability: str,
        durable: bool,
        syncs: int,
    ) -> None:
        journal = open_journal(tmp_path, durability=durability)
        calls: list[int] = []
        monkeypatch.setattr(os, "fdatasync", calls.append)
        journal.append(record(1), durable=durable)
        assert len(calls) == syncs

    def test_an_error_of_fdatasync_is_fatal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(descriptor: int) -> None:
            raise OSError(errno.EIO, "gone")

        journal = open_journal(tmp_path, durability="power")
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(JournalFatal, match="gone"):
            journal.append(record(1))


class TestTornTail:
    """recovery.md 1.4: at start a torn last record is cut."""

    def test_cut_at_every_byte_of_the_last_frame(self, tmp_path: Path) -> None:
        written = fill(tmp_path, [1, 2])
        two = segment_bytes(tmp_path)
        written += fill(tmp_path, [3])
        three = segment_bytes(tmp_path)
        for cut in range(len(two), len(three)):
            segment_path(tmp_path, 1).write_bytes(three[:cut])
            journal = open_journal(tmp_path)
            assert list(journal.tail()) == written[:2], f"cut at {cut}"
            assert segment_bytes(tmp_path) == two
            journal.append(written[2])
            assert segment_bytes(tmp_path) == three
            journal.close()

    def test_cut_at_every_byte_of_the_header(self, tmp_path: Path) -> None:
        open_journal(tmp_path).close()
        header = segment_bytes(tmp_path)
        for cut in range(len(header)):
            segment_path(tmp_path, 1).write_bytes(header[:cut])
            journal = open_journal(tmp_path)
            journal.append(record(1))
            assert turns(journal) == [1], f"cut at {cut}"
            journal.close()

    def test_a_header_cut_off_behind_a_roll_leaves_the_earlier_records(
        self, tmp_path: Path
    ) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        journal.roll(b"state after 1")
        journal.close()
        header = segment_bytes(tmp_path, 2)
        for cut in range(len(header)):
            segment_path(tmp_path, 2).write_bytes(header[:cut])
            journal = open_journal(tmp_path)
            assert journal.snapshot is None
            assert turns(journal) == [1], f"cut at {cut}"
            journal.roll(b"state after 1")
            journal.close()

    def test_zeros_where_a_record_should_be_are_cut(self, tmp_path: Path) -> None:
        written = fill(tmp_path, [1])
        good = segment_bytes(tmp_path)
        segment_path(tmp_path, 1).write_bytes(good + bytes(5000))
        journal = open_journal(tmp_path)
        assert list(journal.tail()) == written
        assert segment_bytes(tmp_path) == good
        assert "torn record of 5000 bytes" in journal.notes[0]


class TestCorruption:
    """recovery.md 1.4: a bad record with a good one behind it: refuse, name the offset."""

    def test_any_flipped_byte_in_the_middle_is_refused(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        begin = len(segment_bytes(tmp_path))
        fill(tmp_path, [2])
        end = len(segment_bytes(tmp_path))
        fill(tmp_path, [3])
        good = segment_bytes(tmp_path)
        for at in range(begin, end):
            bad = bytearray(good)
            bad[at] ^= 0x41
            segment_path(tmp_path, 1).write_bytes(bad)
            with pytest.raises(JournalCorrupt, match=r"00000001\.segment: offset") as caught:
                open_journal(tmp_path)
            assert caught.value.offset == begin
            assert caught.value.path == segment_path(tmp_path, 1)
        assert segment_bytes(tmp_path) == bad, "a refused journal is left as it is"

    def test_a_damaged_header_with_records_behind_it_is_refused(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        good = segment_bytes(tmp_path)
        found = read_header(segment_path(tmp_path, 1))
        assert found is not None
        for at in range(found[1]):
            bad = bytearray(good)
            bad[at] ^= 0x41
            segment_path(tmp_path, 1).write_bytes(bad)
            with pytest.raises(JournalCorrupt):
                open_journal(tmp_path)

    def test_a_segment_missing_between_two_is_refused(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.roll(b"a")
        journal.roll(b"b")
        journal.close()
        segment_path(tmp_path, 2).unlink()
        with pytest.raises(JournalCorrupt, match=r"00000002.*missing"):
            open_journal(tmp_path)

    def test_after_a_refusal_the_folder_is_not_locked(self, tmp_path: Path) -> None:
        fill(tmp_path, [1, 2])
        good = segment_bytes(tmp_path)
        bad = good.replace(b"35=D", b"35=E", 1)
        segment_path(tmp_path, 1).write_bytes(bad)
        with pytest.raises(JournalCorrupt):
            open_journal(tmp_path)
        segment_path(tmp_path, 1).write_bytes(good)
        assert turns(open_journal(tmp_path)) == [1, 2]


class TestStall:
    """recovery.md 1.4: a short write or an error freezes; the same bytes are tried again."""

    def test_a_short_write_leaves_the_file_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1, sent(1)))
        before = segment_bytes(tmp_path)
        plain = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: plain(fd, bytes(data)[: len(data) // 2]))
        with pytest.raises(JournalStalled) as caught:
            journal.append(record(2, sent(2)))
        assert caught.value.errno == errno.ENOSPC
        assert segment_bytes(tmp_path) == before
        assert journal.stalled
        with pytest.raises(JournalStalled):
            journal.retry()
        with pytest.raises(JournalStalled):
            journal.append(record(3))
        assert segment_bytes(tmp_path) == before
        monkeypatch.undo()
        journal.retry()
        assert turns(journal) == [1, 2]
        assert [entry.number for entry in journal.outbound("ecn", 1, 1, 9)] == [1, 2]
        assert journal.counters.stalls == 2

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
    def test_an_error_keeps_its_number(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def broken(descriptor: int, data: bytes) -> None:
            raise OSError(number, os.strerror(number))

        journal = open_journal(tmp_path)
        monkeypatch.setattr(disk, "write_all", broken)
        with pytest.raises(JournalStalled, match=os.strerror(number)) as caught:
            journal.append(record(1))
        assert caught.value.errno == number

    def test_a_durable_record_is_durable_after_the_retry(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)
        monkeypatch.setattr(os, "write", lambda fd, data: 0)
        with pytest.raises(JournalStalled):
            journal.append(record(1), durable=True)
        monkeypatch.undo()
        calls: list[int] = []
        monkeypatch.setattr(os, "fdatasync", calls.append)
        journal.retry()
        assert len(calls) == 1

    def test_a_tail_that_cannot_be_cut_off_is_fatal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(descriptor: int, size: int) -> None:
            raise OSError(errno.EIO, "gone")

        journal = open_journal(tmp_path)
        monkeypatch.setattr(os, "write", lambda fd, data: 0)
        monkeypatch.setattr(os, "ftruncate", broken)
        with pytest.raises(JournalFatal):
            journal.append(record(1))

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.none() | st.floats(0, 1, exclude_max=True), min_size=1, max_size=25))
    def test_short_writes_at_random_lose_and_double_nothing(
        self, tmp_path_factory: pytest.TempPathFactory, shares: list[float | None]
    ) -> None:
        """Each number is the share of the bytes that the disk takes before it is full."""
        folder = tmp_path_factory.mktemp("short")
        plain = os.write
        plan = iter(shares)

        def moody(descriptor: int, data: bytes) -> int:
            share = next(plan, None)
            size = len(data) if share is None else int(len(data) * share)
            return plain(descriptor, bytes(data)[:size])

        journal = open_journal(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", moody)
            for turn in range(1, 11):
                try:
                    journal.append(record(turn, sent(turn)))
                except JournalStalled:
                    while journal.stalled:
                        try:
                            journal.retry()
                        except JournalStalled:
                            continue
        assert turns(journal) == list(range(1, 11))
        journal.close()
        assert turns(open_journal(folder)) == list(range(1, 11))

    def test_a_real_limit_of_the_file_system_stalls_and_is_overcome(self, tmp_path: Path) -> None:
        """RLIMIT_FSIZE lets the last write be short, then refuses, as a full disk does."""
        code = """
            import resource, signal, sys
            from pathlib import Path
            from sor_gateway.journal.segments import Journal, JournalStalled
            from tests.journal.helpers import record, sent, turns
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            journal = Journal.open(Path(sys.argv[1]), boot_id="b", reserve_bytes=0)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
            turn = 0
            try:
                while True:
                    turn += 1
                    journal.append(record(turn, sent(turn)))
            except JournalStalled as stall:
                print(stall.errno)
            assert turns(journal) == list(range(1, turn))
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            journal.retry()
            assert turns(journal) == list(range(1, turn + 1))
            print(turn)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stderr
        number, last = map(int, done.stdout.split())
        assert number in (errno.ENOSPC, errno.EFBIG)
        assert turns(open_journal(tmp_path, boot_id="b")) == list(range(1, last + 1))


class TestReserve:
    def test_it_takes_its_room_and_gives_it_back(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, reserve_bytes=1 << 20)
        assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 20
        assert journal.reserve_held
        journal.use_reserve()
        journal.use_reserve()
        assert not journal.reserve_held

    def test_it_is_taken_again_at_the_next_opening(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, reserve_bytes=4096)
        journal.use_reserve()
        journal.close()
        assert open_journal(tmp_path, reserve_bytes=4096).reserve_held

    def test_a_full_disk_does_not_prevent_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int, offset: int, size: int) -> None:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(os, "posix_fallocate", full)
        journal = open_journal(tmp_path, reserve_bytes=4096)
        assert not journal.reserve_held
        assert "no room for the reserve" in journal.notes[0]
        assert list(tmp_path.glob("*partial*")) == []

    def test_a_new_boot_on_a_full_disk_uses_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(tmp_path, [1], reserve_bytes=4096)
        plain = disk.write_all

        def full(descriptor: int, data: bytes) -> None:
            if (tmp_path / "reserve").exists():
                raise OSError(errno.ENOSPC, "full")
            plain(descriptor, data)

        monkeypatch.setattr(disk, "write_all", full)
        journal = open_journal(tmp_path, boot_id="boot-2")
        journal.append(record(2))
        assert turns(journal) == [1, 2]


class TestLock:
    def test_a_second_writer_is_refused_until_the_first_is_gone(self, tmp_path: Path) -> None:
        first = open_journal(tmp_path)
        with pytest.raises(JournalLocked, match=str(tmp_path)):
            open_journal(tmp_path)
        first.close()
        open_journal(tmp_path).close()


class TestBoot:
    """recovery.md 1.5: the header carries the machine's boot id."""

    def test_the_same_boot_goes_on_in_the_same_segment(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        journal = open_journal(tmp_path)
        assert not journal.boot_changed
        assert journal.previous_boot_id == "boot-1"
        assert journal.position.segment == 1

    def test_a_new_journal_has_no_earlier_boot(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        assert journal.previous_boot_id is None
        assert not journal.boot_changed

    def test_another_boot_is_told_and_begins_a_segment(self, tmp_path: Path) -> None:
        written = fill(tmp_path, [1])
        journal = open_journal(tmp_path, boot_id="boot-2")
        assert journal.boot_changed
        assert journal.previous_boot_id == "boot-1"
        assert journal.position.segment == 2
        assert list(journal.tail()) == written
        assert journal.outbound("ecn", 1, 1, 1) == [written[0].entries[1]]

    def test_it_is_told_again_until_a_record_was_written(self, tmp_path: Path) -> None:
        """A process that ends before it could act on the change must not hide it."""
        fill(tmp_path, [1])
        for _ in range(3):
            journal = open_journal(tmp_path, boot_id="boot-2")
            assert journal.boot_changed
            journal.close()
        assert fill(tmp_path, [2], boot_id="boot-2")
        assert not open_journal(tmp_path, boot_id="boot-2").boot_changed

    def test_an_empty_segment_of_a_third_boot_is_made_anew(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        open_journal(tmp_path, boot_id="boot-2").close()
        journal = open_journal(tmp_path, boot_id="boot-3")
        assert journal.position.segment == 2
        assert journal.previous_boot_id == "boot-1"
        journal.append(record(2))
        journal.close()
        again = open_journal(tmp_path, boot_id="boot-3")
        assert not again.boot_changed
        assert turns(again) == [1, 2]
