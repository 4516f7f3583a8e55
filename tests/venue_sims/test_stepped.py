"""Time by hand, over real processes: the same messages before the same steps, the same journal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sor_gateway.fix.codec import encode
from sor_gateway.journal.reader import segment_path, whole_header
from tests.venue_sims.helpers import CONFIG, DEFAULT
from tests.venue_sims.raw_client import PATIENCE_S
from venue_sims.control import ask

SECOND = 1_000_000_000
T0_MS = 1_790_000_000_000
T0_NS = T0_MS * 1_000_000
DOWN_S = 3_600
OPERATIONS = {4: "halt ACME news", 6: "resume ACME", 8: "fault no_ack p=0.5"}
FAULTS = """
[faults]
dup_er = { p = 0.3 }
late_fill = { p = 0.5, after_cxl_ms = 40 }
reorder = { p = 0.3 }
stuck_pending = { kind = "cancel", ms = 30, p = 0.3 }
bust = { p = 0.2, delay_s = 0.5 }
disconnect = { during = "ack", p = 0.1 }
"""


class Stepped:
    """A venue process whose time stands, and a client that writes fixed bytes."""

    def __init__(self, folder: Path, hash_seed: str) -> None:
        self.folder = folder
        self._hash_seed = hash_seed
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None

    async def start(self, journal: Path | None = None) -> None:
        self.folder.mkdir()
        venue = self.folder / "exchange.toml"
        venue.write_text((DEFAULT / "exchange.toml").read_text() + FAULTS)
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "venue_sims", "--venue", str(venue)),
            *("--market", str(CONFIG / "market.toml"), "--port", "0"),
            *("--control", "127.0.0.1:0", "--clock", "stepped:60", "--t0", str(T0_MS)),
            *("--seed", "7", "--journal", str(journal or self.folder / "journal")),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": self._hash_seed},
        )
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            self.started: dict[str, Any] = json.loads(await self.process.stderr.readline())

    async def stop(self) -> None:
        await self._hang_up()
        self.process.send_signal(signal.SIGKILL)
        await self.process.communicate()

    async def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):  # the venue may have cut it
                await self._writer.wait_closed()

    async def ctl(self, command: str) -> dict[str, Any]:
        answer = await asyncio.to_thread(ask, "127.0.0.1", self.started["control"], command)
        assert "error" not in answer, answer
        return answer

    async def step(self, length: str) -> None:
        await self.ctl(f"step {length}")

    async def connect(self) -> None:
        await self._hang_up()
        port = self.started["port"]
        _, self._writer = await asyncio.open_connection("127.0.0.1", port)
        await self.send("A", (98, "0"), (108, "30"))

    async def send(self, msg_type: str, *fields: tuple[int, str]) -> None:
        self._number += 1
        header = [
            (34, str(self._number)),
            (49, "SOR"),
            (52, "20260101-00:00:00.000"),
            (56, "EXCH"),
        ]
        assert self._writer is not None
        self._writer.write(encode("FIX.4.4", msg_type, header, list(fields)))
        await self._writer.drain()

    async def session(self) -> dict[str, Any]:
        """What the venue says of the client's session."""
        sessions = (await self.ctl("status"))["sessions"]
        return next(each for each in sessions if each["name"] == "SOR-FIX.4.4")

    async def order(self, cl_ord_id: str, side: str, price: str) -> None:
        await self.send(
            "D",
            *((11, cl_ord_id), (55, "ACME"), (54, side), (38, "300"), (40, "2"), (44, price)),
            *((59, "0"), (60, "20260101-00:00:00.000")),
        )

    async def cancel(self, cl_ord_id: str, orig: str) -> None:
        await self.send(
            "F",
            *((11, cl_ord_id), (41, orig), (55, "ACME"), (54, "1")),
            (60, "20260101-00:00:00.000"),
        )


async def a_day(folder: Path, hash_seed: str) -> bytes:
    """Orders, cancels, operations and lines that a fault cuts; all records of the journal."""
    venue, cuts = Stepped(folder, hash_seed), 0
    await venue.start()
    try:
        await venue.connect()
        await venue.step("100ms")
        for number in range(12):
            await venue.order(f"C{number}", "12"[number % 2], ("45.00", "49.00")[number % 2])
            await venue.order(f"E{number}", "1", "55.00")
            await venue.step("70ms")
            if number % 3 == 0:
                await venue.cancel(f"X{number}", f"C{number}")
            if number in OPERATIONS:
                await venue.ctl(OPERATIONS[number])
            await venue.step("35ms")
            if not (await venue.session())["peer"]:  # a fault cut it
                cuts += 1
                await venue.connect()
                await venue.step("10ms")
        await venue.step("3s")
    finally:
        await venue.stop()
    assert cuts > 0
    path = segment_path(folder / "journal", 1)
    _, behind = whole_header(path)
    return path.read_bytes()[behind:]


@pytest.mark.slow
async def test_two_runs_write_the_same_journal_byte_for_byte(tmp_path: Path) -> None:
    one = await a_day(tmp_path / "one", "1")
    two = await a_day(tmp_path / "two", "2")
    assert len(one) > 10_000
    assert one == two


async def test_time_goes_on_where_it_was(tmp_path: Path) -> None:
    venue = Stepped(tmp_path / "venue", "0")
    await venue.start()
    await venue.connect()
    await venue.step("2s")
    await venue.order("C1", "1", "45.00")
    await venue.step("1s")
    await venue.stop()
    (tmp_path / "venue").rename(tmp_path / "before")
    again = Stepped(tmp_path / "venue", "0")
    await again.start(tmp_path / "before" / "journal")
    try:
        now = (await again.ctl("clock"))["now_ns"]
        assert T0_NS + 2 * SECOND < now <= T0_NS + 3 * SECOND, "that of the last record"
    finally:
        await again.stop()


async def test_time_stands_until_it_is_stepped(tmp_path: Path) -> None:
    venue = Stepped(tmp_path / "venue", "0")
    await venue.start()
    try:
        await venue.connect()
        assert (await venue.ctl("clock"))["market_ns"] == 0
        assert (await venue.session())["state"] == "disconnected", "what comes in waits"
        told = await venue.ctl("step 2s")
        assert (told["now_ns"], told["market_ns"]) == (T0_NS + 2 * SECOND, 120 * SECOND)
        assert (await venue.session())["state"] == "synchronised"
        told = await venue.ctl("step 3")  # slots of 100 ms of market time
        assert told["market_ns"] == 120 * SECOND + 300_000_000
    finally:
        await venue.stop()


async def test_a_venue_that_dies_of_a_fault_comes_up_at_once_at_its_time(tmp_path: Path) -> None:
    """Nobody can step a venue that is down, so nobody waits for it: the clock has moved on."""
    venue = Stepped(tmp_path / "venue", "0")
    await venue.start()
    try:
        await venue.ctl(f"fault restart at_s=1 down_ms={DOWN_S * 1_000} lose=orders")
        await venue.step("1500ms")
        assert venue.process.stderr is not None
        said: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE_S):
            while said.get("event") != "started":
                said = json.loads(await venue.process.stderr.readline())
        venue.started = said
        assert (await venue.ctl("clock"))["now_ns"] == T0_NS + (1 + DOWN_S) * SECOND
        told = await venue.ctl("step 1s")
        assert told["now_ns"] == T0_NS + (2 + DOWN_S) * SECOND
    finally:
        await venue.stop()
