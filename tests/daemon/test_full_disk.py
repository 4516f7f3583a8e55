"""A file system that is full, really: the gateway's process with its journal on 2 MB of their own.

The small file system is seen by the gateway alone: it lies in a mount namespace, which a process
that sleeps keeps there over the gateway's lives.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.stack import PAIR, Stack
from tests.admin import ask

ROOT = Path(__file__).parents[2]
SIZE = "2m"
LEFT_BYTES = 60_000
"""What the ballast leaves for the journal: some dozens of turns."""
KEEP = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && exec sleep infinity'
ENTER = (
    "import os, sys;"
    "os.execvp('nsenter', ['nsenter', '-t', sys.argv[1], '-m', '--wd=' + sys.argv[2],"
    " sys.executable, *sys.argv[3:]])"
)

pytestmark = pytest.mark.slow


class SmallDisk(Stack):
    """A desk whose gateway keeps its journal on a file system of its own."""

    keeper: asyncio.subprocess.Process

    @classmethod
    async def mounted(cls, folder: Path) -> SmallDisk:
        """Mount it. The venues are not started yet."""
        inside = folder / "journal"
        inside.mkdir()
        desk = cls(folder, ROOT / "config", PAIR)
        desk.keeper = await asyncio.create_subprocess_exec(
            *("unshare", *(["-r"] if os.getuid() else []), "-m"),
            *("sh", "-c", KEEP, "sh", SIZE, str(inside)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert desk.keeper.stdout is not None
        assert await desk.keeper.stdout.readline() == b"mounted\n"
        pid = str(desk.keeper.pid)
        desk.gateway_command = ["-c", ENTER, pid, str(ROOT), "-m", "sor_gateway", "run"]
        desk.extra["SOR__GATEWAY__JOURNAL"] = str(inside)
        desk.extra["SOR__RISK__STALE_ORDER_AGE_S"] = (
            "0"  # what waits here is no older than this test
        )
        return desk

    @property
    def journal(self) -> Path:
        """The journal as we see it from outside."""
        return Path(f"/proc/{self.keeper.pid}/root{self.folder}/journal")

    def free_bytes(self) -> int:
        disk = os.statvfs(self.journal)
        return disk.f_bavail * disk.f_frsize

    def fill(self) -> None:
        """Leave but a little."""
        (self.journal / "ballast").write_bytes(bytes(self.free_bytes() - LEFT_BYTES))

    def empty(self) -> None:
        (self.journal / "ballast").unlink()

    async def get(self, path: str) -> dict[str, Any]:
        """What the admin port says, whatever the status."""
        answer: dict[str, Any] = await asyncio.to_thread(ask, self.admin_port, path)
        return answer

    async def is_answering(self) -> bool:
        """Whether its admin port is open."""
        try:
            await self.get("status")
        except OSError:
            return False
        return True

    async def says(self, reason: str) -> None:
        """Wait until it is not ready, because of this."""
        while reason not in (await self.get("readyz"))["reasons"]:
            await asyncio.sleep(0.05)

    async def live_at(self, venue: str) -> list[object]:
        """The orders that are open there."""
        orders: list[object] = (await self.control(venue, "orders live"))["orders"]
        return orders

    async def kill_gateway(self) -> None:
        assert self.gateway is not None
        self.gateway.send_signal(signal.SIGKILL)
        await self.gateway.wait()


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    desk = await SmallDisk.mounted(tmp_path)
    try:
        await desk.start_venues()
        await desk.start_gateway()
        await desk.ready()
        yield desk
    finally:
        await desk.stop()
        desk.keeper.kill()
        await desk.keeper.wait()


@pytest_asyncio.fixture
async def ems(desk: SmallDisk) -> AsyncIterator[Ems]:
    ems = Ems(EmsSettings(port=desk.port))
    await ems.start()
    assert await ems.wait_active(20)
    yield ems
    await ems.stop()


CANNOT_WRITE = "the journal cannot write"
CANCEL_ONLY = "the journal's disk was full: cancel only"


def a_sweep() -> NewOrder:
    return NewOrder("sell", "ACME", 300, strategy="lit-sweep")


def a_resting_order() -> NewOrder:
    return NewOrder("sell", "BOLT", 500, "limit", Decimal("125.00"), strategy="dark-only")


async def run_full(desk: SmallDisk, ems: Ems) -> tuple[str, list[str]]:
    """Work until the disk is full, and send more then: an order that rests, and all the others."""
    resting = ems.submit(a_resting_order())
    while not await desk.live_at("dark-a"):
        await asyncio.sleep(0.05)
    sweeps = [ems.submit(a_sweep()) for _ in range(3)]
    for each in sweeps:
        assert str((await ems.wait(each, 30)).state) == "filled"
    desk.fill()
    while CANNOT_WRITE not in (await desk.get("readyz"))["reasons"]:
        sweeps.append(ems.submit(a_sweep()))
        await asyncio.sleep(0.02)
    return resting, [*sweeps, *(ems.submit(a_sweep()) for _ in range(5))]


async def goes_on(desk: SmallDisk, ems: Ems, resting: str, sweeps: list[str]) -> None:
    """A start that has room: everything is executed and told, once."""
    await desk.start_gateway()
    await desk.ready()
    assert (await desk.get("status"))["stopped"] == ""
    for each in sweeps:
        assert str((await ems.wait(each, 60)).state) == "filled"
    while not await desk.live_at("dark-a"):
        await asyncio.sleep(0.05)
    ems.cancel(resting)
    assert (await ems.wait(resting, 30)).over
    assert ems.ledger.violations == []
    assert ems.ledger.duplicates_unflagged == 0
    for account in await desk.accounts(ems.ledger):
        assert account.agrees, account
    told = sum(order.cum_quantity for order in ems.ledger.orders.values())
    assert told >= 300 * len(sweeps)


class TestFullDisk:
    async def test_it_freezes_then_only_cancels_and_a_restart_ends_that(
        self, desk: SmallDisk, ems: Ems
    ) -> None:
        resting, sweeps = await run_full(desk, ems)
        before = len(ems.session.numbers.sent)
        assert len(await desk.live_at("dark-a")) == 1
        desk.empty()
        await desk.says(CANCEL_ONLY)
        while await desk.live_at("dark-a"):
            await asyncio.sleep(0.05)
        late = ems.submit(a_sweep())
        request = await ems.wait_answer(late, 20)
        assert request is not None
        assert request.answered, "it is taken, and rests"
        assert await desk.live_at("exchange") == []
        assert not ems.ledger.orders[late].fills
        assert len(ems.session.numbers.sent) > before
        assert await desk.stop_gateway() == 0
        await goes_on(desk, ems, resting, [*sweeps, late])

    async def test_killed_in_the_middle_of_it_nothing_is_lost_and_nothing_twice(
        self, desk: SmallDisk, ems: Ems
    ) -> None:
        resting, sweeps = await run_full(desk, ems)
        await desk.kill_gateway()
        desk.empty()
        await goes_on(desk, ems, resting, sweeps)

    async def test_a_start_on_the_full_disk_waits_for_room_and_then_only_cancels(
        self, desk: SmallDisk, ems: Ems
    ) -> None:
        resting, sweeps = await run_full(desk, ems)
        await desk.kill_gateway()
        ballast = desk.journal / "ballast"
        with ballast.open("ab") as file:
            file.write(bytes(desk.free_bytes()))
        await desk.start_gateway()
        while not await desk.is_answering():
            await asyncio.sleep(0.05)
        await desk.says(CANNOT_WRITE)
        assert len(await desk.live_at("dark-a")) == 1, "nothing leaves"
        desk.empty()
        await desk.says(CANCEL_ONLY)
        while await desk.live_at("dark-a"):
            await asyncio.sleep(0.05)
        assert await desk.stop_gateway() == 0
        await goes_on(desk, ems, resting, sweeps)
