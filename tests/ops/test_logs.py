from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sor_gateway.ops import logs as module
from sor_gateway.ops.logs import LINES_PER_SECOND, Logs, open_log


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_logs(tmp_path: Path, clock: Clock) -> Iterator[Callable[[str], Logs]]:
    opened: list[Logs] = []

    def open_at(level: str) -> Logs:
        opened.append(Logs(level, tmp_path / "logs" / "gateway.log", clock))
        return opened[-1]

    yield open_at
    for logs in opened:
        logs.close()


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    def read() -> list[dict[str, object]]:
        text = (tmp_path / "logs" / "gateway.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    return read


Open = Callable[[str], Logs]
Lines = Callable[[], list[dict[str, object]]]


class TestLine:
    def test_is_json_with_its_fields_level_and_time(self, open_logs: Open, lines: Lines) -> None:
        open_logs("info")("venue-synchronised", venue="dark-a", epoch=3)
        (line,) = lines()
        assert line["event"] == "venue-synchronised"
        assert (line["venue"], line["epoch"], line["level"]) == ("dark-a", 3, "info")
        assert str(line["timestamp"]).endswith("Z")

    def test_incidents_are_warnings(self, open_logs: Open, lines: Lines) -> None:
        open_logs("warning")("incident", session="EMS", code="garbled", text="bad checksum")
        (line,) = lines()
        assert line["level"] == "warning"

    def test_below_the_level_nothing_is_written(self, open_logs: Open, lines: Lines) -> None:
        open_logs("warning")("venue-synchronised", venue="dark-a")
        assert lines() == []

    def test_other_libraries_come_out_in_the_same_form(self, open_logs: Open, lines: Lines) -> None:
        open_logs("info")
        try:
            raise OSError("out of files")
        except OSError:
            logging.getLogger("asyncio").exception("accept failed")
        (line,) = lines()
        assert (line["event"], line["logger"], line["level"]) == (
            "accept failed",
            "asyncio",
            "error",
        )
        assert "out of files" in str(line["exception"])


class TestQuota:
    def test_a_flood_of_incidents_is_cut_and_counted(
        self, open_logs: Open, lines: Lines, clock: Clock
    ) -> None:
        logs = open_logs("info")
        for _ in range(LINES_PER_SECOND + 5):
            logs("incident", session="EMS", code="garbled")
        assert len(lines()) == LINES_PER_SECOND
        clock.now += 1_000_000_000
        logs("incident", session="EMS", code="garbled")
        logs("incident", session="EMS", code="garbled")
        assert [line.get("suppressed") for line in lines()[-2:]] == [5, None]

    def test_one_peer_does_not_silence_another(self, open_logs: Open, lines: Lines) -> None:
        logs = open_logs("info")
        for _ in range(LINES_PER_SECOND + 5):
            logs("incident", session="EMS", code="garbled")
        logs("incident", session="EMS42", code="garbled")
        logs("incident", session="EMS", code="peer-silent")
        assert [(line["session"], line["code"]) for line in lines()[-2:]] == [
            ("EMS42", "garbled"),
            ("EMS", "peer-silent"),
        ]

    def test_every_parent_has_its_line(self, open_logs: Open, lines: Lines) -> None:
        logs = open_logs("info")
        for number in range(LINES_PER_SECOND * 10):
            logs("parent-ended", parent=f"P{number:09}")
        assert len(lines()) == LINES_PER_SECOND * 10

    def test_kinds_are_bounded(
        self, open_logs: Open, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "KINDS_MAX", 3)
        logs = open_logs("info")
        for number in range(10):
            logs("incident", session=f"S{number}")
        assert len(logs._quotas) <= 3
        assert len(lines()) == 10


class TestStandardError:
    def test_is_used_without_a_file(self, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
        logs = open_log("info", None)
        logs("ready")
        logs.close()
        assert json.loads(capsys.readouterr().err)["event"] == "ready"
