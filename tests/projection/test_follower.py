"""Following: resume, rebuild, crash, command line."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from sor_gateway.journal.errors import FactMismatch, JournalCorrupt
from sor_gateway.journal.reader import Position, end_of, segment_path
from sor_gateway.journal.record import Record
from sor_gateway.projection import follower as follower_module
from sor_gateway.projection import queries, schema
from sor_gateway.projection.follower import Follower, main, refresh

from .helpers import Desk, message

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def content(database: Path) -> list[object]:
    with sqlite3.connect(database) as connection:
        tables = [name for name in schema.TABLES if name != "place"]
        found = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables]
    connection.close()
    return list(found)


def busy(desk: Desk, turns: int = 12) -> None:
    desk.working()
    for step in range(turns):
        fix = message("ecn", step + 1, f"8=FIX.4.4|35=8|11=C1|17=E{step}|", outbound=False)
        desk.turn(desk.fill(10, 10 * step + 10, f"E{step}"), entries=[fix])


class TestResume:
    def test_each_record_counts_once_however_the_reading_is_cut(
        self, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy(desk)
        desk.refresh()
        monkeypatch.setattr(follower_module, "BATCH_RECORDS", 3)
        piecewise = tmp_path / "piecewise.db"
        assert refresh(desk.folder, piecewise).records == 14
        assert content(piecewise) == content(desk.database)
        assert refresh(desk.folder, piecewise).records == 0
        assert content(piecewise) == content(desk.database)

    def test_it_goes_on_over_rolls_and_restarts(self, desk: Desk) -> None:
        desk.working()
        assert desk.refresh().records == 2
        desk.turn(desk.fill(10, 10, "E1"))
        desk.journal.roll(b"")
        desk.turn(desk.fill(10, 20, "E2"))
        assert desk.refresh().records == 2
        [order] = queries.orders(desk.database)
        assert order.cum_quantity == 20
        now = queries.current(desk.database)
        assert (now.turn, Position(now.segment, now.offset)) == (4, desk.journal.position)

    def test_without_a_journal_there_is_nothing_to_read(self, tmp_path: Path) -> None:
        assert refresh(tmp_path / "none", tmp_path / "a.db").records == 0

    def test_killed_within_a_batch_it_goes_on_where_it_stood(
        self, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy(desk)
        desk.refresh()
        monkeypatch.setattr(follower_module, "BATCH_RECORDS", 5)
        other = tmp_path / "killed.db"
        calls = 0
        plain = schema.store_position

        def deadly(*arguments: object) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise KeyboardInterrupt
            plain(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(follower_module, "store_position", deadly)
        with pytest.raises(KeyboardInterrupt):
            refresh(desk.folder, other)
        assert refresh(desk.folder, other).records == 14 - 5
        assert content(other) == content(desk.database)

    def test_two_followers_take_turns(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follower_module, "BATCH_RECORDS", 3)
        busy(desk)
        one, two = Follower(desk.folder, desk.database), Follower(desk.folder, desk.database)
        read = 0
        while done := one.step().records + two.step().records:
            read += done
        assert read == 14
        [order] = queries.orders(desk.database)
        assert order.cum_quantity == 120
        one.close()
        two.close()


class TestRebuild:
    def test_another_journal_in_the_same_place_empties_it(self, desk: Desk, tmp_path: Path) -> None:
        busy(desk)
        desk.refresh()
        desk.journal.close()
        shutil.rmtree(desk.folder)
        other = Desk(tmp_path)
        other.turn(other.submit("P7"))
        assert other.refresh().rebuilt
        assert [each.parent_id for each in queries.orders(other.database)] == ["P7"]
        other.journal.close()

    def test_another_schema_empties_it(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        busy(desk)
        desk.refresh()
        before = content(desk.database)
        monkeypatch.setattr(schema, "SCHEMA_VERSION", 99)
        progress = desk.refresh()
        assert (progress.rebuilt, progress.records) == (True, 14)
        assert content(desk.database) == before
        assert not desk.refresh().rebuilt

    def test_a_tail_lost_with_the_machine_is_taken_back(self, desk: Desk) -> None:
        desk.working()
        kept = end_of(desk.folder).offset
        desk.turn(desk.fill(10, 10, "E1"))
        desk.refresh()
        desk.journal.close()
        os.truncate(segment_path(desk.folder, 1), kept)
        progress = desk.refresh()
        assert (progress.rebuilt, progress.records) == (True, 2)
        assert queries.executions(desk.database) == []


class TestFacts:
    def test_facts_of_the_sessions_are_shown_and_move_nothing(self, desk: Desk) -> None:
        desk.working()
        body = msgspec.Raw(msgspec.msgpack.encode({"session": "ecn", "raw": b"\x00\xff"}))
        desk.journal.append(Record(3, 3, [], [("SessionMoved", body)]))
        desk.refresh()
        [found] = queries.facts(desk.database, ["SessionMoved"])
        assert found.data == {"session": "ecn", "raw": "AP8="}

    def test_a_fact_of_newer_code_is_refused_and_nothing_is_kept_of_it(self, desk: Desk) -> None:
        desk.working()
        desk.refresh()
        before = content(desk.database)
        body = msgspec.msgpack.encode({"at_ns": 1, "parent_id": "P1", "venue": "ecn"})
        desk.journal.append(Record(3, 3, [], [("ParentReplaced", msgspec.Raw(body))]))
        with pytest.raises(FactMismatch, match="ParentReplaced has unknown field venue"):
            desk.refresh()
        assert content(desk.database) == before

    def test_a_fact_that_stands_for_no_order_is_kept(self, desk: Desk) -> None:
        @dataclass(slots=True)
        class Unrelated:
            at_ns: int

        desk.codec = type(desk.codec)([Unrelated])
        desk.turn(Unrelated(5))
        desk.refresh()
        assert [each.name for each in queries.facts(desk.database)] == ["Unrelated"]


class TestCommandLine:
    def test_once(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        busy(desk)
        done = subprocess.run(
            [*_command(desk), "--once"], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert (done.returncode, done.stdout) == (0, "14 records read\n"), done.stderr
        assert len(queries.executions(desk.database)) == 12

    def test_a_damaged_journal_is_named(
        self, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy(desk)
        path = segment_path(desk.folder, 1)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(JournalCorrupt):
            desk.refresh()
        monkeypatch.setattr(os, "nice", lambda _: 0)
        options = ["--journal", str(desk.folder), "--database", str(desk.database), "--once"]
        with pytest.raises(SystemExit) as caught:
            main(options)
        assert caught.value.code == 1
        assert "00000001.segment: offset" in capsys.readouterr().err

    def test_it_follows_until_it_is_told_to_stop(self, desk: Desk) -> None:
        desk.working()
        running = subprocess.Popen(
            [*_command(desk), "--poll-ms", "10"], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            _until(lambda: desk.database.exists() and _turn(desk) == 2)
            desk.turn(desk.fill(10, 10, "E1"))
            _until(lambda: _turn(desk) == 3)
            assert os.getpriority(os.PRIO_PROCESS, running.pid) > os.getpriority(os.PRIO_PROCESS, 0)
            running.send_signal(signal.SIGTERM)
            output, _ = running.communicate(timeout=20)
        finally:
            running.kill()
        assert (running.returncode, output) == (0, "")

    def test_it_ends_with_the_process_that_started_it(self, desk: Desk) -> None:
        """A gateway that is killed leaves no follower behind, and what it wrote last is read."""
        desk.working()
        command = [*_command(desk), "--poll-ms", "10", "--with-parent"]
        code = (
            "import os, subprocess, time; "
            f"print(subprocess.Popen([*{command!r}, str(os.getpid())]).pid, flush=True)"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code + "; time.sleep(60)"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _until(lambda: desk.database.exists() and _turn(desk) == 2)
        parent.kill()
        parent.wait()
        desk.turn(desk.fill(10, 10, "E1"))
        _until(lambda: not _runs(pid))
        parent.stdout.close()
        desk.refresh()
        assert _turn(desk) == 3

    def test_it_ends_when_that_process_was_gone_before_it_looked(self, desk: Desk) -> None:
        """A gateway may be killed while its follower still starts."""
        desk.working()
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        command = [*_command(desk), "--poll-ms", "10", "--with-parent", str(gone.pid)]
        assert subprocess.run(command, cwd=ROOT, timeout=20, check=False).returncode == 0
        assert _turn(desk) == 2


def _command(desk: Desk) -> list[str]:
    module = [sys.executable, "-m", "sor_gateway.projection.follower"]
    return [*module, "--journal", str(desk.folder), "--database", str(desk.database)]


def _turn(desk: Desk) -> int:
    try:
        return queries.current(desk.database).turn
    except sqlite3.OperationalError:  # the tables are not there yet
        return -1


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)
