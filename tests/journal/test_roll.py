"""Rolls, their crash windows, retention, and numbers over segments."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sor_gateway.journal import apart, disk
from sor_gateway.journal.errors import JournalMixed
from sor_gateway.journal.reader import (
    PARTIAL_SUFFIX,
    RECORD_GUESS_BYTES,
    SEGMENT_SUFFIX,
    SNAPSHOT_SUFFIX,
    numbers_of,
    read_snapshot,
    segment_path,
    snapshot_path,
)
from sor_gateway.journal.record import Entry
from sor_gateway.journal.retention import DROPPED_AT_ONCE
from sor_gateway.journal.segments import Journal, JournalCorrupt, JournalFatal
from sor_gateway.journal.sent import HEADERS_A_STEP

from .helpers import got, open_journal, record, sent, turns


class Killed(BaseException):
    """The process ends here."""


def state(journal: Journal) -> list[int]:
    """A fold: the turns so far, where a snapshot is the list of those before it."""
    before = journal.snapshot
    return [int(turn) for turn in (before or b"").split()] + turns(journal)


def snapshot_of(journal: Journal) -> bytes:
    return b" ".join(b"%d" % turn for turn in state(journal))


def append_and_roll(journal: Journal, first: int, last: int) -> None:
    for turn in range(first, last + 1):
        journal.append(record(turn, got(turn), sent(turn)))
    assert journal.roll(snapshot_of(journal))


class TestRoll:
    def test_it_is_due_by_messages_and_by_bytes(self, tmp_path: Path) -> None:
        by_messages = open_journal(tmp_path / "m", segment_messages=4)
        by_bytes = open_journal(tmp_path / "b", segment_bytes=400)
        for journal in (by_messages, by_bytes):
            due = []
            for turn in range(1, 9):
                journal.append(record(turn, got(turn), sent(turn)))
                due.append(journal.roll_due)
            assert due == sorted(due)
            assert due[0] is False
            assert due[-1] is True
            journal.roll(b"")
            assert not journal.roll_due
        assert by_messages.position.segment == 2

    def test_messages_are_counted_again_at_opening(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1, got(1), sent(1), sent(2), sent(3)))
        journal.close()
        assert open_journal(tmp_path, segment_messages=4).roll_due

    def test_the_tail_begins_behind_the_snapshot(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 3)
        journal.append(record(4))
        assert journal.snapshot == b"1 2 3"
        assert turns(journal) == [4]
        journal.close()
        again = open_journal(tmp_path)
        assert again.snapshot == b"1 2 3"
        assert turns(again) == [4]

    def test_an_empty_snapshot_is_a_snapshot(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.roll(b"")
        assert journal.snapshot == b""

    def test_another_boot_folds_over_two_segments(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.append(record(3))
        journal.close()
        again = open_journal(tmp_path, boot_id="boot-2")
        again.append(record(4))
        assert again.position.segment == 3
        assert state(again) == [1, 2, 3, 4]
        again.roll(snapshot_of(again))
        assert state(again) == [1, 2, 3, 4]

    def test_the_reserve_is_taken_again(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, reserve_bytes=4096)
        journal.use_reserve()
        journal.roll(b"")
        assert journal.reserve_held


def roll_apart(journal: Journal, snapshot: Callable[[], bytes]) -> None:
    before = journal.position.segment
    while journal.position.segment == before:
        assert journal.roll_apart(snapshot)


def wait_for_child(journal: Journal) -> None:
    child = journal._child
    assert child is not None
    while not child.ended():
        os.sched_yield()


class TestRollApart:
    """The snapshot is written by a child of the process: nobody waits for it."""

    def test_the_new_segment_begins_before_the_snapshot_is_there(self, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        folder = tmp_path / "journal"
        journal = open_journal(folder)
        for turn in (1, 2):
            journal.append(record(turn, sent(turn)))
        roll_apart(journal, gate.read_bytes)
        assert journal.position.segment == 2
        assert [journal.snapshot] == [None]
        journal.append(record(3, sent(3)))
        assert state(journal) == [1, 2, 3], "a start now folds over two segments"
        assert journal.roll_apart(lambda: b"never asked"), "one roll at a time"
        gate.write_bytes(b"1 2")
        journal.settle()
        assert journal.snapshot == b"1 2"
        assert turns(journal) == [3]
        assert [entry.number for entry in journal.outbound("ecn", 1, 1, 3)] == [1, 2, 3]
        journal.close()
        assert state(open_journal(folder)) == [1, 2, 3]

    def test_the_snapshot_is_of_the_moment_of_the_roll(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        here = [b"then"]
        roll_apart(journal, lambda: here[0])
        here[0] = b"now"
        journal.settle()
        assert journal.snapshot == b"then"

    def test_closing_waits_for_it(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        roll_apart(journal, lambda: b"1")
        journal.close()
        assert open_journal(tmp_path).snapshot == b"1"

    def test_one_that_cannot_be_written_leaves_the_last_and_is_told(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.append(record(3))

        roll_apart(journal, (tmp_path / "nothing").read_bytes)
        journal.append(record(4))
        assert not journal.settle()
        assert journal.counters.roll_failures == 1
        note = "the snapshot of segment 3 could not be written: see stderr"
        assert journal.notes[-1] == note
        assert "FileNotFoundError" in capfd.readouterr().err
        assert journal.snapshot == b"1 2"
        assert turns(journal) == [3, 4]
        journal.close()
        assert state(open_journal(tmp_path)) == [1, 2, 3, 4]

    def test_its_end_is_a_step_of_its_own(self, tmp_path: Path) -> None:
        """Whoever looks at `roll_due` learns of it before the next segment is full."""
        journal = open_journal(tmp_path, segment_messages=4)
        for turn in (1, 2, 3, 4):
            journal.append(record(turn, sent(turn)))
        roll_apart(journal, (tmp_path / "nothing").read_bytes)
        wait_for_child(journal)
        due = [journal.roll_due]
        assert not journal.roll_apart(lambda: b"not yet")
        assert [*due, journal.roll_due] == [True, False]
        assert journal.position.segment == 2
        assert journal.counters.roll_failures == 1

    def test_what_a_writer_left_half_done_takes_no_room(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        big = b"x" * 3_000_000
        gate = tmp_path / "gate"
        os.mkfifo(gate)

        def written_to_a_full_disk() -> bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            return big

        roll_apart(journal, written_to_a_full_disk)
        assert not journal.settle()
        assert sorted(path.name for path in tmp_path.iterdir() if path != gate) == [
            "00000001.segment",
            "00000002.segment",
        ]

        def killed_half_way() -> bytes:
            partial = snapshot_path(tmp_path, 3).with_suffix(SNAPSHOT_SUFFIX + PARTIAL_SUFFIX)
            partial.write_bytes(big)
            os.kill(os.getpid(), signal.SIGKILL)
            return b""

        roll_apart(journal, killed_half_way)
        assert not journal.settle()
        assert not list(tmp_path.glob(f"*{PARTIAL_SUFFIX}"))
        roll_apart(journal, lambda: b"1")
        assert journal.settle()
        assert state(journal) == [1]

    @pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
    def test_a_machine_that_makes_no_process_ends_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """A bound on processes, or no memory to promise: the journal goes on without snapshot."""
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.append(record(3))

        def none() -> int:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fork", none)
            while journal.roll_apart(lambda: b"1 2 3"):
                assert journal.position.segment == 2
        assert os.strerror(number) in journal.notes[-1]
        assert journal.counters.roll_failures == 1
        journal.append(record(4))
        assert state(journal) == [1, 2, 3, 4]
        roll_apart(journal, lambda: b"1 2 3 4")
        assert journal.settle()
        assert turns(journal) == []

    def test_a_machine_that_makes_no_thread_ends_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))

        def none(thread: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", none)
        roll_apart(journal, lambda: b"1")
        assert journal.settle()
        assert journal.snapshot == b"1"

    def test_one_that_hangs_is_ended_and_the_next_is_tried(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or no segment would ever begin again, and closing would wait for ever."""
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        journal = open_journal(tmp_path / "journal")
        journal.append(record(1))
        roll_apart(journal, gate.read_bytes)
        assert journal.roll_apart(gate.read_bytes), "it has its time"
        assert journal.position.segment == 2
        monkeypatch.setattr(apart, "CHILD_MAX_S", 0)
        wait_for_child(journal)
        assert not journal.roll_apart(gate.read_bytes)
        assert journal.notes[-1] == "the snapshot of segment 2 could not be written: killed by 9"
        roll_apart(journal, gate.read_bytes)
        assert journal.position.segment == 3
        monkeypatch.setattr(apart, "CLOSING_WAIT_S", 0)
        journal.close()
        assert state(open_journal(tmp_path / "journal")) == [1]

    def test_a_parent_that_is_not_told_of_its_children_finds_the_snapshot(
        self, tmp_path: Path
    ) -> None:
        """SIGCHLD ignored is inherited from whoever started us: nobody keeps the exit code."""
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            journal = open_journal(tmp_path)
            journal.append(record(1))
            roll_apart(journal, lambda: b"1")
            assert journal.settle()
            assert journal.snapshot == b"1"
            roll_apart(journal, (tmp_path / "nothing").read_bytes)
            assert not journal.settle()
            assert journal.snapshot == b"1"
        finally:
            signal.signal(signal.SIGCHLD, before)

    def test_a_disk_without_room_for_a_segment_is_no_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))

        def full(descriptor: int, data: bytes | bytearray) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(disk, "write_all", full)
            while journal.roll_apart(lambda: b"1"):
                assert journal.position.segment == 1
        journal.append(record(2))
        assert state(journal) == [1, 2]

    def test_a_segment_that_does_not_reach_the_disk_ends_the_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)

        def broken(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(JournalFatal, match="fdatasync"):
            roll_apart(journal, lambda: b"")

    def test_a_process_that_is_killed_meanwhile_can_be_started_at_once(
        self, tmp_path: Path
    ) -> None:
        """The child, which lives on, holds neither the lock nor any other descriptor of its
        parent's: as long as somebody held the pipe's end that writes, reading could not say that
        it is over."""
        gate, there, folder = tmp_path / "gate", tmp_path / "there", tmp_path / "journal"
        os.mkfifo(gate)
        os.mkfifo(there)
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), str(gate), str(there)],
            pass_fds=[theirs],
        )
        os.close(theirs)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)
        child = int(there.read_text())
        assert process.wait() == -signal.SIGKILL
        assert os.read(ours, 1) == b"", "somebody holds a descriptor of the dead process"
        os.close(ours)
        journal = open_journal(folder)
        assert state(journal) == [1]
        os.kill(child, 0)  # it is there still: nothing of this was shown by its end
        gate.write_bytes(b"1")
        journal.append(record(2))
        journal.close()
        again = open_journal(folder)
        assert state(again) == [1, 2]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.journal.helpers import open_journal, record
journal = open_journal(Path(sys.argv[1]))
gate, there = Path(sys.argv[2]), Path(sys.argv[3])
parent = os.getpid()
journal.append(record(1))

def snapshot():
    there.write_text(str(os.getpid()))  # somebody reads: our parent is dead a moment later
    os.kill(parent, signal.SIGKILL)
    return gate.read_bytes()

while True:
    journal.roll_apart(snapshot)
"""


DIED, CRASHED = 9, 1
STEPS = ["write_all", "fdatasync", "rename", "fsync", "unlink"]


class TestCrashWindows:
    """recovery.md 1.3: killed between any two steps of a roll, the start finds the same state."""

    @pytest.mark.parametrize("torn", [False, True])
    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("call", range(1, 5))
    def test_killed_at_each_step(self, tmp_path: Path, step: str, call: int, torn: bool) -> None:
        """The process ends at the n-th call of a step, before it or (torn) half through it."""
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        append_and_roll(journal, 3, 4)
        for turn in (5, 6):
            journal.append(record(turn, sent(turn)))
        with pytest.MonkeyPatch.context() as patch:
            self._arm(patch, step, call, torn)
            with contextlib.suppress(Killed):
                journal.roll(snapshot_of(journal))
        journal.close()
        again = open_journal(tmp_path)
        assert state(again) == [1, 2, 3, 4, 5, 6]
        again.append(record(7, sent(7)))
        assert state(again) == [1, 2, 3, 4, 5, 6, 7]
        again.roll(snapshot_of(again))
        again.append(record(8, sent(8)))
        again.close()
        last = open_journal(tmp_path)
        assert state(last) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert [entry.number for entry in last.outbound("ecn", 1, 1, 9)] == list(range(1, 9))

    @staticmethod
    def _arm(patch: pytest.MonkeyPatch, step: str, call: int, torn: bool) -> None:
        calls = [0]
        place: object = {"write_all": disk, "rename": Path, "unlink": Path}.get(step, os)
        plain = getattr(place, step)

        def deadly(*arguments: object, **named: object) -> object:
            calls[0] += 1
            if calls[0] == call:
                if torn and step == "write_all":
                    descriptor, data = arguments
                    assert isinstance(descriptor, int)
                    assert isinstance(data, bytes)
                    os.write(descriptor, data[: len(data) // 2])
                elif torn:
                    plain(*arguments, **named)
                raise Killed
            return plain(*arguments, **named)

        patch.setattr(place, step, deadly)

    @pytest.mark.parametrize("whose", ["journal", "writer"])
    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("call", range(1, 5))
    def test_killed_at_each_step_of_a_roll_beside_the_turns(
        self, tmp_path: Path, step: str, call: int, whose: str
    ) -> None:
        """The process itself, or the one that writes the snapshot, ends at the n-th call."""
        pid = os.fork()
        if pid == 0:
            self._roll_and_die(tmp_path, step, call, whose)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, DIED), f"{step} {call} of the {whose}"
        again = open_journal(tmp_path)
        assert state(again) == [1, 2, 3, 4, 5, 6, 7][: None if code == 0 else 6]
        last = 7 if code == 0 else 6
        again.append(record(last + 1, sent(last + 1)))
        again.roll(snapshot_of(again))
        again.close()
        final = open_journal(tmp_path)
        assert state(final) == list(range(1, last + 2))
        assert [e.number for e in final.outbound("ecn", 1, 1, 9)] == list(range(1, last + 2))

    def _roll_and_die(self, folder: Path, step: str, call: int, whose: str) -> None:
        code = CRASHED
        try:
            journal = open_journal(folder)
            append_and_roll(journal, 1, 2)
            append_and_roll(journal, 3, 4)
            for turn in (5, 6):
                journal.append(record(turn, sent(turn)))
            ours, calls = os.getpid(), [0]
            place: object = {"write_all": disk, "rename": Path, "unlink": Path}.get(step, os)
            plain = getattr(place, step)

            def deadly(*arguments: object, **named: object) -> object:
                calls[0] += (os.getpid() == ours) is (whose == "journal")
                if calls[0] == call:
                    os._exit(DIED)
                return plain(*arguments, **named)

            setattr(place, step, deadly)
            snapshot = snapshot_of(journal)
            roll_apart(journal, lambda: snapshot)
            journal.settle()
            setattr(place, step, plain)
            journal.append(record(7, sent(7)))
            code = 0
        finally:
            os._exit(code)

    def test_a_snapshot_without_its_segment_does_not_count(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.close()
        segment_path(tmp_path, 2).unlink()
        again = open_journal(tmp_path)
        assert again.snapshot is None
        assert turns(again) == [1, 2]
        assert numbers_of(tmp_path, SNAPSHOT_SUFFIX) == []

    def test_a_damaged_snapshot_gives_way_to_the_one_before_it(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        append_and_roll(journal, 3, 4)
        journal.append(record(5))
        journal.close()
        path = snapshot_path(tmp_path, 3)
        good = path.read_bytes()
        for cut in range(len(good)):
            path.write_bytes(good[:cut])
            again = open_journal(tmp_path)
            assert again.snapshot == b"1 2"
            assert state(again) == [1, 2, 3, 4, 5], f"cut at {cut}"
            assert any("passed over" in note for note in again.notes)
            again.close()

    def test_no_start_without_any_way_to_the_state(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.drop_covered(2)
        journal.close()
        snapshot_path(tmp_path, 2).write_bytes(b"nonsense")
        with pytest.raises(JournalCorrupt, match=r"00000002\.snapshot"):
            open_journal(tmp_path)
        snapshot_path(tmp_path, 2).unlink()
        with pytest.raises(JournalCorrupt, match="earlier segments are gone"):
            open_journal(tmp_path)


class TestWhoseItIs:
    """A file of another journal is not folded into this one."""

    def two(self, tmp_path: Path) -> tuple[Path, Path]:
        """Two journals that rolled twice, closed."""
        for name in "ab":
            journal = open_journal(tmp_path / name)
            append_and_roll(journal, 1, 2)
            append_and_roll(journal, 3, 4)
            journal.close()
        return tmp_path / "a", tmp_path / "b"

    def test_a_snapshot_of_another_journal_is_refused(self, tmp_path: Path) -> None:
        ours, theirs = self.two(tmp_path)
        snapshot_path(ours, 3).write_bytes(snapshot_path(theirs, 3).read_bytes())
        with pytest.raises(JournalMixed, match=r"00000003\.snapshot: this snapshot is of .*away"):
            open_journal(ours)
        snapshot_path(ours, 3).unlink()
        again = open_journal(ours)
        assert state(again) == [1, 2, 3, 4], "from the snapshot before it"

    def test_one_of_another_segment_too(self, tmp_path: Path) -> None:
        ours, _ = self.two(tmp_path)
        snapshot_path(ours, 3).write_bytes(snapshot_path(ours, 2).read_bytes())
        with pytest.raises(JournalMixed, match=r"is of segment 2 of journal"):
            open_journal(ours)

    def test_one_that_was_written_beside_the_turns_is_ours(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        roll_apart(journal, lambda: b"1")
        journal.close()
        header, body = read_snapshot(snapshot_path(tmp_path, 2))
        assert (header.segment, header.journal_id, body) == (2, journal.journal_id, b"1")

    def test_one_by_older_code_is_taken_and_said_to_be(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        journal.close()
        body = b"1 2"
        old = b"SORSNAP\n" + struct.pack("<II", len(body), zlib.crc32(body)) + body
        snapshot_path(tmp_path, 2).write_bytes(old)
        again = open_journal(tmp_path)
        assert again.snapshot == body
        assert any("does not say of which journal" in note for note in again.notes)
        again.close()
        for cut in range(len(old)):
            snapshot_path(tmp_path, 2).write_bytes(old[:cut])
            again = open_journal(tmp_path)
            assert again.snapshot is None, f"cut at {cut}"
            again.close()

    def test_a_segment_of_another_journal_is_refused(self, tmp_path: Path) -> None:
        ours, theirs = self.two(tmp_path)
        segment_path(ours, 2).write_bytes(segment_path(theirs, 2).read_bytes())
        with pytest.raises(JournalMixed, match=r"00000002\.segment: this segment is of journal"):
            open_journal(ours)


class TestRollFails:
    """A disk without room for a roll: the old segment goes on."""

    @pytest.mark.parametrize("step", ["write_all", "rename"])
    @pytest.mark.parametrize("call", [1, 2, 3])
    def test_everything_is_as_before(self, tmp_path: Path, step: str, call: int) -> None:
        journal = open_journal(tmp_path, segment_messages=16)
        for turn in range(1, 9):
            journal.append(record(turn, got(turn), sent(turn)))
        assert turns(journal) == list(range(1, 9))
        position = journal.position
        with pytest.MonkeyPatch.context() as patch:
            calls = self._arm(patch, step, call)
            rolled = journal.roll(snapshot_of(journal))
        if calls[0] < call:
            assert rolled
            return
        assert not rolled
        assert journal.position == position
        assert "roll to segment 2 failed" in journal.notes[-1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.segment"]
        due = [journal.roll_due]
        for turn in (9, 10):
            journal.append(record(turn, got(turn), sent(turn)))
            due.append(journal.roll_due)
        assert due == [False, True, True]
        assert state(journal) == list(range(1, 11))
        assert journal.roll(snapshot_of(journal))

    @staticmethod
    def _arm(patch: pytest.MonkeyPatch, step: str, call: int) -> list[int]:
        calls = [0]
        place: object = {"write_all": disk, "rename": Path}[step]
        plain = getattr(place, step)

        def full(*arguments: object) -> object:
            calls[0] += 1
            if calls[0] == call:
                raise OSError(errno.ENOSPC, "full")
            return plain(*arguments)

        patch.setattr(place, step, full)
        return calls

    @pytest.mark.parametrize("name", ["fdatasync", "fsync"])
    def test_an_error_of_a_sync_is_fatal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def broken(descriptor: int) -> None:
            raise OSError(errno.EIO, "gone")

        journal = open_journal(tmp_path)
        monkeypatch.setattr(os, name, broken)
        with pytest.raises(JournalFatal):
            journal.roll(b"")


class TestRetention:
    def test_segments_below_a_snapshot_can_go(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        append_and_roll(journal, 3, 4)
        journal.drop_covered(3)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [3]
        assert state(journal) == [1, 2, 3, 4]
        assert journal.outbound("ecn", 1, 1, 9) == []
        journal.close()
        assert state(open_journal(tmp_path)) == [1, 2, 3, 4]

    def test_what_no_snapshot_covers_stays(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        append_and_roll(journal, 1, 2)
        with pytest.raises(AssertionError, match="no snapshot"):
            journal.drop_covered(3)

    def age(self, folder: Path, number: int, seconds: float) -> None:
        """The last record of this segment was written so long ago."""
        at = time.time() - seconds
        os.utime(segment_path(folder, number), (at, at))

    def test_old_ones_go_when_two_snapshots_stand_for_them(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, keep_s=1_000)
        for turn in range(1, 5):
            append_and_roll(journal, turn, turn)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [1, 2, 3, 4, 5]
        for number in (1, 2, 3, 4):
            self.age(tmp_path, number, 2_000)
        append_and_roll(journal, 5, 5)
        assert numbers_of(tmp_path, SNAPSHOT_SUFFIX) == [5, 6]
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [5, 6], "the one to fall back on has its own"
        assert state(journal) == [1, 2, 3, 4, 5]
        assert [entry.number for entry in journal.outbound("ecn", 1, 1, 9)] == [5]
        journal.close()
        snapshot_path(tmp_path, 6).unlink()
        assert state(open_journal(tmp_path)) == [1, 2, 3, 4, 5]

    def test_younger_ones_stay_and_all_behind_them(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, keep_s=1_000)
        for turn in range(1, 5):
            append_and_roll(journal, turn, turn)
        for number in (1, 3):
            self.age(tmp_path, number, 2_000)
        append_and_roll(journal, 5, 5)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [2, 3, 4, 5, 6]
        assert [entry.number for entry in journal.outbound("ecn", 1, 1, 9)] == [2, 3, 4, 5]

    def test_a_snapshot_from_beside_the_turns_counts(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path, keep_s=1_000)
        append_and_roll(journal, 1, 1)
        self.age(tmp_path, 1, 2_000)
        roll_apart(journal, lambda: b"1")
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [1, 2, 3]
        assert journal.settle()
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [2, 3]

    def test_by_default_everything_stays(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 5):
            append_and_roll(journal, turn, turn)
            self.age(tmp_path, turn, 1e8)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX) == [1, 2, 3, 4, 5]

    def test_so_many_at_a_time(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 9):
            append_and_roll(journal, turn, turn)
            self.age(tmp_path, turn, 2_000)
        journal.close()
        journal = open_journal(tmp_path, keep_s=1_000)
        append_and_roll(journal, 9, 9)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX)[0] == 1 + DROPPED_AT_ONCE
        append_and_roll(journal, 10, 10)
        assert numbers_of(tmp_path, SEGMENT_SUFFIX)[0] == 1 + 2 * DROPPED_AT_ONCE

    def test_two_snapshots_are_kept(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 6):
            append_and_roll(journal, turn, turn)
        assert numbers_of(tmp_path, SNAPSHOT_SUFFIX) == [5, 6]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of each `pread` from now on."""
    read: list[int] = []
    pread = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        data = pread(descriptor, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr("os.pread", counting)
    return read


class TestOutbound:
    def test_only_our_messages_of_that_session_and_epoch(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1, got(1), sent(1), sent(1, "ems"), sent(2)))
        journal.append(record(2, sent(1, epoch=2), got(2)))
        assert journal.outbound("ecn", 1, 1, 9) == [sent(1), sent(2)]
        assert journal.outbound("ecn", 2, 1, 9) == [sent(1, epoch=2)]
        assert journal.outbound("ems", 1, 1, 9) == [sent(1, "ems")]
        assert journal.outbound("ems", 2, 1, 9) == []

    def test_a_number_forced_back_is_answered_with_its_latest_message(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for number in range(1, 6):
            journal.append(record(number, sent(number)))
        journal.roll(b"")
        journal.append(record(6, sent(3, raw=b"again")))
        journal.roll(b"")
        journal.append(record(7, sent(4, raw=b"again")))
        raws = {entry.number: entry.raw for entry in journal.outbound("ecn", 1, 2, 5)}
        assert raws == {2: b"35=D", 3: b"again", 4: b"again", 5: b"35=D"}

    @pytest.mark.replaces
    def test_older_indexes_are_bounded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sor_gateway.journal.sent.OLD_INDEXES", 2)
        journal = open_journal(tmp_path)
        for turn in range(1, 7):
            append_and_roll(journal, turn, turn)
        assert [entry.number for entry in journal.outbound("ecn", 1, 1, 9)] == list(range(1, 7))
        assert [entry.number for entry in journal.outbound("ecn", 1, 2, 3)] == [2, 3]

    @pytest.mark.replaces
    def test_an_older_segment_is_looked_into_step_by_step(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = open_journal(tmp_path)
        for number in range(1, 1_001):
            journal.append(record(number, sent(number)))
        journal.roll(b"")
        journal.close()
        journal = open_journal(tmp_path)
        assert journal.prepare("ecn", 1, 2_000, 2_001)
        size, step = segment_path(tmp_path, 1).stat().st_size, 1_000
        monkeypatch.setattr("sor_gateway.journal.sent.SCAN_BYTES", step)
        read = count_reads(monkeypatch)
        steps = 1
        while not journal.prepare("ecn", 1, 3, 4):
            steps += 1
            assert sum(read[:-2]) <= steps * step
        assert steps > size / step
        read.clear()
        assert journal.outbound("ecn", 1, 3, 4) == [sent(3), sent(4)]
        assert read == [], "it was read once more"

    @pytest.mark.replaces
    def test_a_range_over_more_segments_than_indexes_are_held_is_found_step_by_step(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Numbers that were forced back: no segment can be left out."""
        journal = open_journal(tmp_path)
        for number in (5, 1, 2, 3, 4, 6):
            for filler in range(100):
                journal.append(record(filler, got(filler)))
            journal.append(record(number, sent(number, raw=b"%d" % number)))
            journal.roll(b"")
        journal.append(record(7, sent(2, raw=b"again")))
        journal.close()
        journal = open_journal(tmp_path)
        monkeypatch.setattr("sor_gateway.journal.sent.OLD_INDEXES", 2)
        step = 1_000
        monkeypatch.setattr("sor_gateway.journal.sent.SCAN_BYTES", step)
        read = count_reads(monkeypatch)
        steps = 1
        while not journal.prepare("ecn", 1, 1, 7):
            steps += 1
            assert sum(read) <= steps * step + 7 * RECORD_GUESS_BYTES
        assert steps > 6 * segment_path(tmp_path, 1).stat().st_size / step
        read.clear()
        raws = {entry.number: entry.raw for entry in journal.outbound("ecn", 1, 1, 7)}
        assert raws == {1: b"1", 2: b"again", 3: b"3", 4: b"4", 5: b"5", 6: b"6"}
        assert len(read) == 1, "what was found in older segments was read once more"

    def test_segments_without_a_word_of_the_session_are_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A quiet session beside a busy one."""
        journal = open_journal(tmp_path)
        for number in range(1, 41):
            journal.append(record(number, sent(number, "busy")))
            if number % 20 == 0:
                journal.append(record(number, sent(number // 20, "quiet")))
            journal.roll(b"")
        journal.close()
        journal = open_journal(tmp_path)
        read = count_reads(monkeypatch)
        steps = 1
        while not journal.prepare("quiet", 1, 1, 2):
            steps += 1
        found = [entry.number for entry in journal.outbound("quiet", 1, 1, 2)]
        assert found == [1, 2]
        assert len(read) == 2 * 3, "each of two segments: its records, its end, and the message"
        assert steps > 40 / HEADERS_A_STEP, "headers are read in steps too"
        assert journal.prepare("nobody", 1, 1, 9)
        assert journal.outbound("nobody", 1, 1, 9) == []

    def test_what_is_sent_and_rolled_while_it_is_looked_for_is_found(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 4):
            append_and_roll(journal, turn, turn)
        journal.close()
        journal = open_journal(tmp_path)
        assert not journal.prepare("ecn", 1, 1, 9)
        append_and_roll(journal, 4, 4)
        append_and_roll(journal, 5, 5)
        journal.append(record(6, sent(6)))
        while not journal.prepare("ecn", 1, 1, 9):
            continue
        found = [entry.number for entry in journal.outbound("ecn", 1, 1, 9)]
        assert found == [1, 2, 3, 4, 5, 6]

    def test_two_sessions_are_looked_for_side_by_side(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 7):
            journal.append(record(turn, sent(turn), sent(turn, "ems")))
            journal.roll(b"")
        journal.close()
        journal = open_journal(tmp_path)
        done = {"ecn": False, "ems": False}
        while not all(done.values()):
            for name in done:
                done[name] = journal.prepare(name, 1, 1, 6)
        for name in done:
            assert journal.outbound(name, 1, 1, 6) == [sent(turn, name) for turn in range(1, 7)]

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        steps=st.lists(
            st.sampled_from(["send", "send", "send", "skip", "epoch", "roll", "open", "boot"]),
            max_size=40,
        ),
        data=st.data(),
    )
    def test_it_equals_a_plain_dictionary_over_rolls_and_restarts(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[str], data: st.DataObject
    ) -> None:
        folder = tmp_path_factory.mktemp("walk")
        plain: dict[tuple[str, int], dict[int, Entry]] = {}
        at = {"a": (1, 1), "b": (1, 1)}
        boot = 1
        journal = open_journal(folder)
        for turn, step in enumerate(steps, 1):
            name = "ab"[turn % 3 == 0]
            epoch, number = at[name]
            if step == "send":
                entry = sent(number, name, epoch, b"%d" % turn)
                plain.setdefault((name, epoch), {})[number] = entry
                journal.append(record(turn, got(turn, name), entry))
                at[name] = (epoch, number + 1)
            elif step == "skip":
                at[name] = (epoch, number + 3)
            elif step == "epoch":
                at[name] = (epoch + 1, 1)
            elif step == "roll":
                journal.roll(b"")
            else:
                boot += step == "boot"
                journal.close()
                journal = open_journal(folder, boot_id=f"boot-{boot}")
        for (name, epoch), entries in plain.items():
            begin = data.draw(st.integers(1, 30))
            end = data.draw(st.integers(begin, 60))
            assert journal.outbound(name, epoch, begin, end) == [
                entries[number] for number in sorted(entries) if begin <= number <= end
            ]
        journal.close()
