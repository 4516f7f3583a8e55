"""Following a journal while it is written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sor_gateway.journal.reader import (
    SEGMENT_MAGIC,
    START,
    Position,
    journal_id,
    read_header,
    read_records,
    segment_path,
)
from sor_gateway.journal.record import encode_frame
from sor_gateway.journal.segments import JournalCorrupt, JournalError, PositionLost

from .helpers import fill, open_journal, record, segment_bytes


def seen(folder: Path, position: Position = START) -> list[int]:
    return [each.turn for _, each in read_records(folder, position)]


class TestFollowing:
    def test_an_empty_folder_has_no_records(self, tmp_path: Path) -> None:
        assert seen(tmp_path) == []

    def test_it_goes_on_behind_each_position(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        for turn in range(1, 8):
            journal.append(record(turn))
            if turn % 3 == 0:
                journal.roll(b"")
        pairs = list(read_records(tmp_path))
        assert [each.turn for _, each in pairs] == list(range(1, 8))
        for position, each in pairs:
            assert seen(tmp_path, position) == list(range(each.turn + 1, 8))
        assert pairs[-1][0] == journal.position

    def test_an_incomplete_record_is_not_yet_there(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        one = segment_bytes(tmp_path)
        fill(tmp_path, [2])
        two = segment_bytes(tmp_path)
        position = Position(1, len(one))
        for cut in range(len(one), len(two)):
            segment_path(tmp_path, 1).write_bytes(two[:cut])
            assert seen(tmp_path) == [1]
            assert seen(tmp_path, position) == []
        segment_path(tmp_path, 1).write_bytes(two)
        assert seen(tmp_path, position) == [2]

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(st.sampled_from(["append", "append", "roll", "read"]), max_size=40))
    def test_a_follower_sees_each_record_once_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
    ) -> None:
        folder = tmp_path_factory.mktemp("follow")
        journal = open_journal(folder)
        position, followed, turn = START, list[int](), 0
        for step in [*steps, "read"]:
            if step == "append":
                turn += 1
                journal.append(record(turn))
            elif step == "roll":
                journal.roll(b"")
            else:
                new = list(read_records(folder, position))
                followed += [each.turn for _, each in new]
                position = new[-1][0] if new else position
        assert followed == list(range(1, turn + 1))
        journal.close()

    def test_records_appended_during_the_iteration_are_seen(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        followed = []
        for _, each in read_records(tmp_path):
            followed.append(each.turn)
            if each.turn < 5:
                journal.append(record(each.turn + 1))
        assert followed == [1, 2, 3, 4, 5]


class TestIdentity:
    def test_a_journal_keeps_its_id_and_another_has_another(self, tmp_path: Path) -> None:
        assert journal_id(tmp_path / "none") is None
        journal = open_journal(tmp_path / "a")
        journal.append(record(1))
        journal.roll(b"")
        journal.drop_covered(2)
        journal.close()
        assert open_journal(tmp_path / "a", boot_id="b2").journal_id == journal.journal_id
        assert journal_id(tmp_path / "a") == journal.journal_id
        assert open_journal(tmp_path / "b").journal_id != journal.journal_id


class TestRefusal:
    def test_a_dropped_segment_loses_the_position(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        position = journal.position
        journal.roll(b"")
        journal.append(record(2))
        journal.drop_covered(2)
        with pytest.raises(PositionLost, match="segment 1"):
            seen(tmp_path, position)
        assert seen(tmp_path) == [2]

    def test_a_tail_that_the_machine_lost_loses_the_position(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        one = segment_bytes(tmp_path)
        fill(tmp_path, [2])
        position = Position(1, len(segment_bytes(tmp_path)))
        segment_path(tmp_path, 1).write_bytes(one)
        with pytest.raises(PositionLost, match="ends before"):
            seen(tmp_path, position)

    def test_a_bad_record_with_a_good_one_behind_it(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        begin = len(segment_bytes(tmp_path))
        fill(tmp_path, [2, 3])
        data = bytearray(segment_bytes(tmp_path))
        data[begin + 12] ^= 1
        segment_path(tmp_path, 1).write_bytes(data)
        records = read_records(tmp_path)
        assert next(records)[1].turn == 1
        with pytest.raises(JournalCorrupt) as caught:
            next(records)
        assert caught.value.offset == begin

    def test_a_torn_record_with_a_segment_behind_it(self, tmp_path: Path) -> None:
        journal = open_journal(tmp_path)
        journal.append(record(1))
        journal.roll(b"")
        path = segment_path(tmp_path, 1)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(JournalCorrupt, match="a segment follows"):
            seen(tmp_path)

    def test_a_good_frame_that_holds_no_record(self, tmp_path: Path) -> None:
        fill(tmp_path, [1])
        offset = len(segment_bytes(tmp_path))
        with segment_path(tmp_path, 1).open("ab") as file:
            file.write(encode_frame(msgspec.msgpack.encode(["something", "else"])))
        with pytest.raises(JournalCorrupt, match="not a record") as caught:
            seen(tmp_path)
        assert caught.value.offset == offset

    def test_a_newer_format_is_refused_by_its_number(self, tmp_path: Path) -> None:
        path = segment_path(tmp_path, 1)
        body = msgspec.msgpack.encode([99, 1, "id", "boot", {}, "news"])
        path.write_bytes(SEGMENT_MAGIC + encode_frame(body))
        with pytest.raises(JournalError, match="format 99"):
            read_header(path)

    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        segment_path(tmp_path, 1).write_bytes(b"#!/bin/sh\nexit 0\n")
        with pytest.raises(JournalCorrupt, match="not a journal segment"):
            open_journal(tmp_path)
