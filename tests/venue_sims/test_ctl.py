"""`venue-sim ctl`: every command over the socket of a process, as tables and as JSON."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_main import start, stop
from venue_sims.__main__ import main
from venue_sims.tables import show


class Ctl:
    """The command against one running venue."""

    def __init__(self, control: int) -> None:
        self._control = control

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, output, errors."""
        arguments = ["ctl", "--control", f"127.0.0.1:{self._control}", *words]
        out, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, arguments)
        status = ended.value.code
        assert isinstance(status, int)
        return status, out.getvalue(), errors.getvalue()

    async def table(self, *words: str) -> str:
        status, out, errors = await self.run(*words)
        assert (status, errors) == (0, ""), (words, out, errors)
        return out

    async def json(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.table("--json", *words))
        return answer


@asynccontextmanager
async def traded(folder: Path) -> AsyncIterator[tuple[RawClient, Ctl]]:
    """A venue, a client with an order that rests and one that was filled, and the command."""
    process, started = await start("exchange", "exchange", folder)
    client = RawClient("SOR", "EXCH")
    await client.connect(started["port"])
    client.order("C1", (54, 1), (38, 100), (40, 2), (44, "40.00"))
    await client.report("C1", "0")
    client.order("C2", (54, 2), (38, 200), (40, 2), (44, "40.00"))
    await client.expect(lambda m: m.get(11) == "C2" and m.get(39) == "2")
    try:
        yield client, Ctl(started["control"])
    finally:
        await client.close()
        assert await stop(process) == 0


async def test_questions_are_answered_in_tables(tmp_path: Path) -> None:
    async with traded(tmp_path) as (_, ctl):
        status = await ctl.table("status")
        assert "SOR-FIX.4.4" in status
        assert "synchronised" in status
        assert "price" in await ctl.table("book", "ACME", "3")
        orders = await ctl.table("orders", "live")
        assert "C1" in orders
        assert "40.0000" in orders
        assert "C2" not in orders, "it is not live"
        nbbo, journal = await ctl.table("nbbo"), await ctl.table("journal", "50")
        assert all(symbol in nbbo for symbol in ("ACME", "BOLT", "CRUX", "DYNE"))
        assert "OrderAccepted" in journal
        assert "35=8" in journal


async def test_what_changes_something_does_it(tmp_path: Path) -> None:
    async with traded(tmp_path) as (client, ctl):
        trade = (await ctl.json("trades", "ACME"))["trades"][0]
        assert await ctl.json("correct", trade["exec_id"], "100", "45.00") == {
            "correcting": trade["exec_id"],
            "quantity": 100,
            "price_micros": 45_000_000,
        }
        corrected = await client.report("C2", "G")
        assert (corrected[19], corrected[31]) == (trade["exec_id"], "45")
        await ctl.table("bust", corrected[17])
        await client.report("C2", "H")
        await ctl.table("inject", "reject_storm", "text=no")
        client.order("C3", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        assert (await client.report("C3", "8"))[58] == "E: no"
        struck = {e["fault"]: e["struck"] for e in (await ctl.json("fault"))["faults"]}
        assert struck["reject_storm"] == 1
        await ctl.table("set", "throttle", "msgs=1", "per_ms=60000", "style=bmr")
        client.order("C4", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        # A setting counts from its turn's end on: this one may come before it.
        await client.expect(lambda m: m[35] == "j" or m.get(11) == "C4")
        client.order("C5", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        await client.expect(lambda m: m[35] == "j")
        order = next(
            each
            for each in (await ctl.json("orders", "live"))["orders"]
            if each["cl_ord_id"] == "C1"
        )
        await ctl.table("cancel", order["order_id"], "U: enough")
        assert (await client.report("C1", "4"))[58] == "U: enough"
        await ctl.table("halt", "ACME", "news")
        await client.expect(lambda m: m[35] == "f" and m[326] == "2" and m[55] == "ACME")
        await ctl.table("resume", "ACME")
        await client.expect(lambda m: m[35] == "f" and m[326] == "3" and m[55] == "ACME")
        await ctl.table("disconnect", "SOR-FIX.4.4", "rst")
        with pytest.raises(ConnectionError):
            await client.expect(lambda _: False)


async def test_mistakes_go_to_the_errors_and_say_what_is_expected(tmp_path: Path) -> None:
    async with traded(tmp_path) as (_, ctl):
        for words, expected in (
            (("nonsense",), "there are status, book,"),
            (("step", "1s"), "--clock stepped"),
            (("fault", "dup_er", "m=1"), "dup_er.m: unknown key"),
            (("disconnect", "SOR"), "expected: disconnect SESSION logout|fin|rst"),
        ):
            status, out, errors = await ctl.run(*words)
            assert (status, out) == (1, "")
            assert expected in errors


def test_units_are_told_by_the_keys() -> None:
    console = Console(file=io.StringIO(), width=120)
    show(
        {
            "now_ns": 1_790_000_000_123_456_789,
            "for_ns": 1_500_000_000,
            "rows": [{"price_micros": 50_010_000, "live": True}],
            "nbbo": {"ACME": {"bid_micros": -1_000_000}},
            "none": None,
        },
        console,
    )
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for shown in ("2026-09-21 14:13:20.123456", "1.500 s", "50.0100", "yes", "ACME", "-1.0000"):
        assert shown in text
