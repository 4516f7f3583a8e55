"""A build that cannot fold, and the next one that can: as processes (recovery.md 1.7)."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.daemon.cancel_only import WHY
from sor_gateway.stack import Stack
from tests.admin import ask
from tests.daemon.test_process import stack

__all__ = ["stack"]

BROKEN = """
import sys
from sor_gateway.cli import main
from sor_gateway.sor import decisions, router

def bug(ledger, fact):
    raise AssertionError("a bug of ours")

router.HANDLERS[decisions.ParentAccepted] = bug
sys.argv[0] = "sor-gateway"
main()
"""


@pytest.mark.slow
@pytest.mark.replaces
class TestProcess:
    async def test_a_broken_build_only_cancels_and_the_next_one_goes_on(self, stack: Stack) -> None:
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        parent = ems.submit(
            NewOrder("sell", "BOLT", 500, "limit", Decimal("125.00"), strategy="dark-only")
        )
        while not await live(stack):
            await asyncio.sleep(0.05)
        assert stack.gateway is not None
        stack.gateway.kill()
        await stack.gateway.wait()

        stack.gateway_command = ["-c", BROKEN, "run"]
        await stack.start_gateway()
        while await live(stack):
            await asyncio.sleep(0.05)
        answer = await asyncio.to_thread(ask, stack.admin_port, "readyz")
        assert WHY in answer["reasons"]
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", stack.port)
        assert await stack.stop_gateway() == 0
        events = [
            json.loads(line)["event"]
            for line in (stack.folder / "gateway.log").read_text().splitlines()
            if line.startswith("{")
        ]
        assert "fold-failed" in events

        stack.gateway_command = ["-m", "sor_gateway", "run"]
        await stack.start_gateway()
        await stack.ready()
        while not await live(stack):
            await asyncio.sleep(0.05)
        assert await ems.wait_active(20)
        ems.cancel(parent)
        assert (await ems.wait(parent, 20)).over
        await ems.stop()
        assert ems.ledger.violations == []
        for account in await stack.accounts(ems.ledger):
            assert account.agrees


async def live(stack: Stack) -> bool:
    return bool((await stack.control("dark-a", "orders live"))["orders"])
