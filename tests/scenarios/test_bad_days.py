"""A venue that never came up, no dark venue at all, a market that stands still: what parents do.

Real processes: three venues, of which some are missing or stopped, the gateway, an EMS.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.projection import follower, queries
from sor_gateway.stack import Stack
from tests.admin import ask

ROOT = Path(__file__).parents[2]
VENUES = {
    "dark-a": ("dark", "DRKA"),
    "ecn": ("ecn", "XECN"),
    "exchange": ("exchange", "XLIT"),
}
QUOTE_AGE_S = 1.0
FAST = {"SOR__ROUTER__QUOTE_MAX_AGE_MS": str(int(QUOTE_AGE_S * 1_000))}
UP_S = 60.0

pytestmark = pytest.mark.slow


@asynccontextmanager
async def desk(folder: Path, *missing: str) -> AsyncIterator[tuple[Stack, Ems]]:
    """Three venues but those that are missing, the gateway, an EMS that is logged on."""
    stack = Stack(folder, ROOT / "config", VENUES, environment=FAST)
    ems = Ems(EmsSettings(port=stack.port))
    try:
        await asyncio.gather(*(stack.start_venue(name) for name in VENUES if name not in missing))
        await stack.start_gateway()
        await ems.start()
        assert await ems.wait_active(UP_S)
        async with asyncio.timeout(UP_S):
            while any(not excused(reason, missing) for reason in await not_ready(stack)):
                await asyncio.sleep(0.1)
        yield stack, ems
    finally:
        await ems.stop()
        await stack.stop()


def excused(reason: str, missing: tuple[str, ...]) -> bool:
    return any(name in reason for name in missing)


async def not_ready(stack: Stack) -> list[str]:
    """What the gateway says is wanting."""
    answer = await asyncio.to_thread(ask, stack.admin_port, "readyz")
    reasons: list[str] = answer["reasons"]
    return reasons


async def children(stack: Stack) -> list[queries.ChildOrder]:
    """Every child that the gateway's journal has."""
    await asyncio.to_thread(follower.refresh, stack.journal, stack.database)
    rows = queries.orders(stack.database)
    return [child for row in rows for child in queries.children(stack.database, row.parent_id)]


def sell(quantity: int, strategy: str) -> NewOrder:
    return NewOrder("sell", "ACME", quantity, "limit", Decimal("48.00"), strategy=strategy)


async def test_with_a_venue_down_from_the_start_the_others_do_the_work(tmp_path: Path) -> None:
    async with desk(tmp_path, "exchange") as (stack, ems):
        assert await not_ready(stack) == [
            "venue exchange is not synchronised",
            "no market data from exchange",
        ]
        for strategy in ("lit-sweep", "balanced"):
            order = await ems.wait(ems.submit(sell(600, strategy)), 30)
            assert str(order.state) == "filled", order.text
        assert {child.venue for child in await children(stack)} <= {"dark-a", "ecn"}
        assert ems.ledger.violations == []


async def test_with_all_dark_venues_down_lit_opens_and_dark_only_waits(tmp_path: Path) -> None:
    async with desk(tmp_path, "dark-a") as (stack, ems):
        waiting = ems.submit(sell(500, "dark-only"))
        order = await ems.wait(ems.submit(sell(600, "balanced")), 30)
        assert str(order.state) == "filled", order.text
        patient = await ems.wait(waiting, 0)
        assert (str(patient.state), patient.cum_quantity) == ("new", 0)
        assert {child.venue for child in await children(stack)} <= {"ecn", "exchange"}
        ems.cancel(waiting)
        assert str((await ems.wait(waiting, 10)).state) == "canceled"


async def test_with_a_market_that_stands_still_nothing_is_sent_until_it_moves(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as (stack, ems):
        signal_lit(stack, signal.SIGSTOP)
        await asyncio.sleep(2 * QUOTE_AGE_S)
        waiting = ems.submit(sell(300, "lit-sweep"))
        order = await ems.wait(waiting, 2 * QUOTE_AGE_S)
        assert (str(order.state), order.cum_quantity) == ("new", 0)
        assert await children(stack) == []
        signal_lit(stack, signal.SIGCONT)
        assert str((await ems.wait(waiting, 30)).state) == "filled"
        assert ems.ledger.violations == []


def signal_lit(stack: Stack, number: signal.Signals) -> None:
    for name in ("ecn", "exchange"):
        process = stack.venues[name].process
        assert process is not None
        process.send_signal(number)
