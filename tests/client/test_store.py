"""Rules of the state file: what was written is read back; a torn tail is cut, damage is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.client.session import Numbers, Record
from sor_gateway.client.store import StateCorruptError, StateUnwritableError, Store, Stored
from tests.client.peer import fix, raw

ORDER = raw("35=D|49=EMS|56=SOR|34=2|11=A1|")
REPORT = fix("8", 2, "17=E1|")
LINES = [
    Record("out", 1),
    Record("in", 1),
    Record("out", 2, ORDER),
    Record("in", 2, REPORT),
]


def write(path: Path, records: list[Record]) -> None:
    store = Store(path)
    store.open()
    store.append(records)
    store.close()


def read(path: Path) -> Stored:
    store = Store(path)
    stored = store.open()
    store.close()
    return stored


class TestReadingBack:
    def test_numbers_and_messages(self, tmp_path: Path) -> None:
        write(tmp_path / "state", LINES)
        stored = read(tmp_path / "state")
        assert stored.numbers == Numbers(next_in=3, next_out=3, sent={2: ORDER})
        assert [(ours, message.raw) for ours, message in stored.history] == [
            (True, ORDER),
            (False, REPORT),
        ]

    def test_appends_behind_what_is_there(self, tmp_path: Path) -> None:
        for record in LINES:
            write(tmp_path / "state", [record])
        assert read(tmp_path / "state").numbers.next_in == 3

    def test_a_gap_fill_and_resets(self, tmp_path: Path) -> None:
        write(tmp_path / "state", [*LINES, Record("numbers", 40)])
        assert read(tmp_path / "state").numbers.next_in == 40
        write(tmp_path / "state", [Record("reset-asked"), Record("out", 1)])
        assert read(tmp_path / "state").numbers == Numbers(1, 2, reset_pending=True)
        write(tmp_path / "state", [Record("reset-done", 2), Record("in", 1)])
        stored = read(tmp_path / "state")
        assert stored.numbers == Numbers(2, 2)
        assert len(stored.history) == 2  # the ledger outlives the numbers

    def test_anew_forgets_everything(self, tmp_path: Path) -> None:
        write(tmp_path / "state", LINES)
        store = Store(tmp_path / "state")
        assert store.open(anew=True) == Stored()
        store.close()
        assert (tmp_path / "state").read_bytes() == b""

    def test_without_a_path_nothing_is_kept(self) -> None:
        store = Store(None)
        assert store.open() == Stored()
        store.append(LINES)
        store.close()


class TestDamage:
    def test_every_torn_tail_is_cut(self, tmp_path: Path) -> None:
        path = tmp_path / "state"
        write(path, LINES)
        whole = path.read_bytes()
        last = whole.rstrip(b"\n").rindex(b"\n") + 1
        for size in range(last, len(whole)):
            path.write_bytes(whole[:size])
            assert read(path).numbers.next_in == 2
            assert path.stat().st_size == last

    def test_a_bad_line_with_a_good_one_behind_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "state"
        path.write_bytes(b'["out", 1, ""]\n["in", x\n["in", 2, ""]\n')
        with pytest.raises(StateCorruptError, match="line 2"):
            read(path)

    def test_a_file_that_cannot_be_written_stops_everything(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "state")
        store.open()
        import os

        read_only = os.open(tmp_path / "state", os.O_RDONLY)
        os.dup2(read_only, store._fd)
        os.close(read_only)
        with pytest.raises(StateUnwritableError, match="state"):
            store.append(LINES)
        store.close()
