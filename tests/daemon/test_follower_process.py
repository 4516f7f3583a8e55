"""The gateway's projection is killed, and comes up again."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.projection import queries
from sor_gateway.projection.follower import refresh
from sor_gateway.stack import Stack
from tests.daemon.test_follower import running
from tests.daemon.test_process import scrape, stack

__all__ = ["stack"]


@pytest.mark.slow
class TestInTheGateway:
    async def test_the_database_goes_on_behind_its_death(self, stack: Stack) -> None:
        await asyncio.to_thread(refresh, stack.journal, stack.database)  # its tables are there
        (first,) = running(str(stack.database))
        os.kill(first, signal.SIGKILL)
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        order = await ems.wait(ems.submit(NewOrder("sell", "ACME", 300, strategy="lit-sweep")), 20)
        await ems.stop()
        while str(order.state) != projected(stack, order.cl_ord_id):
            await asyncio.sleep(0.05)
        (second,) = running(str(stack.database))
        assert second != first
        figures = await asyncio.to_thread(scrape, stack)
        assert figures['sor_alarms_total{code="projection-ended"}'] == 1
        log = (stack.folder / "gateway.log").read_text()
        assert '"why": "exit code -9"' in log


def projected(stack: Stack, cl_ord_id: str) -> str:
    """The state of an order in the database as it is now."""
    return next(
        (each.state for each in queries.orders(stack.database) if each.cl_ord_id == cl_ord_id), ""
    )
