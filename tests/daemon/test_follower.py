"""The projection's process ends by itself, and comes up again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from sor_gateway.daemon import follower
from sor_gateway.daemon.follower import Follower
from sor_gateway.net.dialer import BackOff


class Told:
    """What a follower's keeper says."""

    def __init__(self) -> None:
        self.alarms: list[str] = []
        self.lines: list[dict[str, object]] = []
        self.changed = asyncio.Event()

    def alarm(self, code: str) -> None:
        self.alarms.append(code)

    def log(self, event: str, /, **fields: object) -> None:
        assert event == "projection-ended"
        self.lines.append(fields)
        self.changed.set()

    async def lines_are(self, count: int) -> None:
        while len(self.lines) < count:
            self.changed.clear()
            await self.changed.wait()


def waiting_for_ever(journal: Path) -> list[str]:
    return [sys.executable, "-c", "import time; time.sleep(1e6)", str(journal)]


class TestKeeper:
    async def test_each_end_is_told_and_the_pause_grows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(follower, "BACK_OFF", BackOff(first_s=0.01, last_s=0.03))
        told = Told()
        keeper = Follower([sys.executable, "-c", "raise SystemExit(3)"], told.alarm, told.log)
        keeper.start()
        await told.lines_are(4)
        await keeper.stop()
        assert told.alarms == ["projection-ended"] * len(told.lines)
        assert {line["why"] for line in told.lines} == {"exit code 3"}
        assert [line["again_in_s"] for line in told.lines][:4] == [0.01, 0.02, 0.03, 0.03]

    async def test_one_that_lived_long_is_started_again_soon(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(follower, "BACK_OFF", BackOff(first_s=0.01, last_s=0.03))
        monkeypatch.setattr(follower, "STEADY_S", 0.0)
        told = Told()
        keeper = Follower([sys.executable, "-c", ""], told.alarm, told.log)
        keeper.start()
        await told.lines_are(3)
        await keeper.stop()
        assert {line["again_in_s"] for line in told.lines} == {0.01}

    async def test_a_machine_that_makes_no_process_is_told_too(self, tmp_path: Path) -> None:
        told = Told()
        keeper = Follower([str(tmp_path / "nothing")], told.alarm, told.log)
        keeper.start()
        await told.lines_are(1)
        await keeper.stop()
        assert "No such file" in str(told.lines[0]["why"])

    async def test_a_stop_is_no_end_to_tell_of(self, tmp_path: Path) -> None:
        told = Told()
        keeper = Follower(waiting_for_ever(tmp_path), told.alarm, told.log)
        keeper.start()
        while not (pids := running(str(tmp_path))):
            await asyncio.sleep(0.01)
        await keeper.stop()
        assert [each for each in pids if Path(f"/proc/{each}").exists()] == []
        assert told.lines == []


def running(argument: str) -> list[int]:
    """The numbers of the processes that have this argument, our own children's children too."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it is gone
                continue
            if argument.encode() in arguments:
                found.append(int(folder.name))
    return found
