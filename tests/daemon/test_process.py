"""The gateway as its users meet it: processes, sockets, commands, signals."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.stack import PAIR, Stack

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path, ROOT / "config", PAIR)
    try:
        for name in stack.venues:
            await stack.start_venue(name)
        await stack.start_gateway()
        await stack.ready()
        yield stack
    finally:
        await stack.stop()


async def command(stack: Stack, *arguments: str) -> tuple[int, str]:
    """Run a `sor-gateway` command against the desk; its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sor_gateway", *arguments),
        cwd=ROOT,
        env=stack.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def asked(stack: Stack, *arguments: str) -> Any:
    """A command's `--json` answer."""
    code, output = await command(stack, *arguments, "--json")
    assert code == 0, output
    return json.loads(output)


def scrape(stack: Stack) -> dict[str, float]:
    """The gateway's metrics, by name and labels as they are written."""
    url = f"http://127.0.0.1:{stack.admin_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as response:
        lines = response.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


class TestCommands:
    async def test_a_report_accounts_for_an_order_by_either_of_its_names(
        self, stack: Stack
    ) -> None:
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        order = await ems.wait(ems.submit(NewOrder("sell", "ACME", 300, strategy="lit-sweep")), 20)
        await ems.stop()
        report = await asked(stack, "report", order.cl_ord_id)
        assert report["filled"] == 300
        assert Decimal(report["value_micros"]).scaleb(-6) == order.value
        assert Decimal(report["fees_micros"]).scaleb(-6) == order.fees
        bid, ask = report["arrival_bid_micros"], report["arrival_ask_micros"]
        lost = Decimal(300 * (bid + ask) - 2 * report["value_micros"]) / 2
        assert report["shortfall"]["micros"] == lost
        assert await asked(stack, "report", report["parent_id"]) == report
        code, output = await command(stack, "report", "nonsense")
        assert code == 1
        assert "there is no parent nonsense" in output

    async def test_an_order_sent_from_the_command_line_can_be_followed_everywhere(
        self, stack: Stack
    ) -> None:
        code, output = await command(
            stack,
            *("send", "--port", str(stack.port), "--side", "sell", "--symbol", "ACME"),
            *("--qty", "300", "--order-type", "limit", "--price", "48", "--tif", "day"),
            *("--strategy", "lit-sweep", "--timeout", "20"),
        )
        assert code == 0, output
        (order,) = await asked(stack, "orders")
        assert (order["state"], order["cum_quantity"]) == ("filled", 300)
        story = await asked(stack, "explain", order["parent_id"])
        waves = [chapter for chapter in story["chapters"] if "legs" in chapter]
        children = [leg["child"] for wave in waves for leg in wave["legs"]]
        assert {child["venue"] for child in children} == {"exchange"}
        assert sum(child["cum_quantity"] for child in children) == 300
        (lane,) = story["picture"]["lanes"]
        assert (lane["venue"], lane["kind"], lane["filled"]) == ("exchange", "exchange", 300)
        drawn = stack.folder / "order.html"
        code, output = await command(stack, "explain", order["parent_id"], "--html", str(drawn))
        assert code == 0, output
        assert 'data-venue="exchange" data-shares="300"' in drawn.read_text(encoding="utf-8")
        absent = str(stack.folder / "nowhere" / "order.html")
        code, output = await command(stack, "explain", order["parent_id"], "--html", absent)
        assert code == 1
        assert f"--html {absent}: No such file or directory" in output
        messages = await asked(stack, "log", "--session", "exchange", "--msg-type", "D")
        sent = [int(each["text"].split("|38=")[1].split("|")[0]) for each in messages]
        assert sent == [child["quantity"] for child in children]
        sessions = {row["session"]: row["state"] for row in await asked(stack, "sessions")}
        assert sessions["dark-a"] == sessions["exchange"] == "synchronised"
        figures = await asyncio.to_thread(scrape, stack)
        assert figures['sor_filled_shares_total{venue="exchange"}'] == 300
        assert figures['sor_session_synchronised{kind="venue",session="dark-a"}'] == 1

    async def test_the_kill_switch_ends_what_works_and_refuses_what_comes(
        self, stack: Stack
    ) -> None:
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        working = ems.submit(
            NewOrder("sell", "ACME", 1_000, "limit", Decimal("54.90"), strategy="dark-only")
        )
        await ems.wait_answer(working, 10)
        code, output = await command(stack, "kill", "--reason", "a drill")
        assert code == 0, output
        ended = await ems.wait(working, 10)
        assert str(ended.state) == "canceled"
        assert "a drill" in ended.text
        refused = await ems.wait(ems.submit(NewOrder("sell", "ACME", 100)), 10)
        assert str(refused.state) == "rejected"
        assert "a drill" in refused.text
        code, output = await command(stack, "kill", "--off", "--reason", "over")
        assert code == 0, output
        taken = await ems.wait(ems.submit(NewOrder("sell", "ACME", 100, strategy="urgent")), 20)
        assert str(taken.state) == "filled"
        await ems.stop()


class TestStart:
    async def test_an_address_in_use_is_named_with_its_remedy(self, stack: Stack) -> None:
        another = {"SOR__GATEWAY__JOURNAL": str(stack.folder / "another")}
        stack.extra.update(another)
        code, output = await command(stack, "run")
        assert code == 71
        (line,) = [each for each in output.splitlines() if "cannot-listen" in each]
        assert str(stack.port) in json.loads(line)["text"]
        assert "gateway.toml" in json.loads(line)["remedy"]

    async def test_a_journal_in_use_is_named(self, stack: Stack) -> None:
        code, output = await command(stack, "run")
        assert code == 74
        (line,) = [each for each in output.splitlines() if "journal-refused" in each]
        assert str(stack.journal) in json.loads(line)["text"]


class TestSigterm:
    async def test_a_venue_that_says_goodbye_is_not_called_again(self, stack: Stack) -> None:
        assert await stack.stop_gateway() == 0
        lines = (stack.folder / "gateway.log").read_text().splitlines()
        events = [json.loads(line)["event"] for line in lines]
        after = events[events.index("stopping") :]
        assert "session-ended" in after
        assert "session-logged-on" not in after

    async def test_children_are_pulled_parents_stay_and_go_on_at_the_next_start(
        self, stack: Stack
    ) -> None:
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        parent = ems.submit(
            NewOrder("sell", "BOLT", 500, "limit", Decimal("125.00"), strategy="dark-only")
        )
        await ems.wait_answer(parent, 10)
        for _ in range(100):
            if (await stack.control("dark-a", "orders live"))["orders"]:
                break
            await asyncio.sleep(0.05)
        assert await stack.stop_gateway() == 0
        assert (await stack.control("dark-a", "orders live"))["orders"] == []
        assert str((await ems.wait(parent, 0.1)).state) == "new"
        await stack.start_gateway()
        await stack.ready()
        for _ in range(200):
            if (await stack.control("dark-a", "orders live"))["orders"]:
                break
            await asyncio.sleep(0.05)
        assert (await stack.control("dark-a", "orders live"))["orders"]
        assert await ems.wait_active(10)
        ems.cancel(parent)
        assert str((await ems.wait(parent, 20)).state) == "canceled"
        await ems.stop()
