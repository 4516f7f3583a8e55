"""Rules of `send`: what people see, and an exit code that scripts can trust."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sor_gateway.client.send import (
    EXIT_AS_WANTED,
    EXIT_NOT_OVER,
    EXIT_OTHERWISE,
    add_send_command,
)
from tests.client.peer import Line, Script, acceptor

EXIT_USAGE = 2


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    add_send_command(app)
    app.command("other")(lambda: None)  # with one command alone there would be no name to give
    return CliRunner().invoke(app, ["send", *arguments], env={"COLUMNS": "120"})


async def send(script: Script, *arguments: str) -> Result:
    """Run the command in a thread of its own, against a scripted gateway."""
    order = ("--side", "sell", "--symbol", "ACME", "--qty", "300")
    async with acceptor(script) as port:
        return await asyncio.to_thread(invoke, *order, "--port", str(port), *arguments)


def report(cl_ord_id: str, exec_id: str, kind: str, status: str, cum: int, extra: str = "") -> str:
    leaves = 300 - cum if status in "01" else 0
    average = "49.5" if cum else "0"
    return (
        f"37=P1|17={exec_id}|150={kind}|39={status}|11={cl_ord_id}|55=ACME|54=2|38=300|"
        f"14={cum}|151={leaves}|6={average}|{extra}"
    )


async def fills(line: Line) -> None:
    """Accepts and fills on two markets."""
    await line.logon()
    cl_ord_id = (await line.next("D")).get(11).decode()
    line.send("8", report(cl_ord_id, "E1", "0", "0", 0))
    dark = "32=100|31=49.5|30=DRKA|136=1|137=0.15|138=USD|139=4|"
    line.send("8", report(cl_ord_id, "E2", "F", "1", 100, dark))
    lit = "32=200|31=49.5|30=XLIT|136=1|137=0.56|138=USD|139=4|"
    line.send("8", report(cl_ord_id, "E3", "F", "2", 300, lit))
    await line.closed()


async def fills_a_part(line: Line) -> None:
    """Fills 100 and cancels the rest, as it does with an IOC order."""
    await line.logon()
    cl_ord_id = (await line.next("D")).get(11).decode()
    line.send("8", report(cl_ord_id, "E2", "F", "1", 100, "32=100|31=49.5|30=XLIT|"))
    line.send("8", report(cl_ord_id, "E3", "4", "4", 100))
    await line.closed()


async def refuses(line: Line) -> None:
    """Rejects."""
    await line.logon()
    cl_ord_id = (await line.next("D")).get(11).decode()
    line.send("8", report(cl_ord_id, "E1", "8", "8", 0, "103=1|58=unknown symbol|"))
    await line.closed()


async def waits_for_a_cancel(line: Line) -> None:
    """Accepts, then does as it is told."""
    await line.logon()
    cl_ord_id = (await line.next("D")).get(11).decode()
    line.send("8", report(cl_ord_id, "E1", "0", "0", 0))
    request = (await line.next("F")).get(11).decode()
    line.send("8", report(request, "E2", "4", "4", 0, f"41={cl_ord_id}|"))
    await line.closed()


class TestReports:
    async def test_lines_while_it_works_and_a_table_at_the_end(self) -> None:
        result = await send(fills, "--order-type", "limit", "--price", "49")
        assert result.exit_code == EXIT_AS_WANTED
        assert "fill: 100 at 49.5 on DRKA; done 100, open 200" in result.output
        rows = [line.split() for line in result.output.splitlines() if "DRKA " in line]
        assert [row[1:6:2] for row in rows if "│" in row] == [["DRKA", "1", "100"]]
        assert "filled  300 of 300" in result.output
        assert "0.71" in result.output

    async def test_json_is_all_there_is_on_standard_output(self) -> None:
        result = await send(fills, "--json")
        summary = json.loads(result.stdout)
        assert (summary["state"], summary["filled"], summary["fees"]) == ("filled", 300, "0.71")
        assert summary["average_price"] == "49.50"
        assert summary["markets"]["XLIT"] == {
            "fills": 1, "quantity": 200, "average_price": "49.50", "fees": "0.56",
        }  # fmt: skip
        assert summary["violations"] == []


class TestExitCode:
    async def test_a_rejected_order_is_not_as_wanted(self) -> None:
        result = await send(refuses)
        assert result.exit_code == EXIT_OTHERWISE
        assert "unknown symbol" in result.output

    async def test_a_day_order_that_ends_in_part_is_not_as_wanted(self) -> None:
        assert (await send(fills_a_part)).exit_code == EXIT_OTHERWISE

    async def test_an_ioc_order_that_fills_in_part_is(self) -> None:
        assert (await send(fills_a_part, "--tif", "ioc")).exit_code == EXIT_AS_WANTED

    async def test_a_cancel_that_was_asked_for_is(self) -> None:
        result = await send(waits_for_a_cancel, "--cancel-after", "0.1")
        assert result.exit_code == EXIT_AS_WANTED
        assert "canceled: done 0, open 0" in result.output

    async def test_an_order_that_is_not_over_in_time(self) -> None:
        async def silent(line: Line) -> None:
            await line.logon()
            await line.closed()

        assert (await send(silent, "--timeout", "0.3")).exit_code == EXIT_NOT_OVER

    async def test_a_gateway_that_is_not_there(self) -> None:
        async def none(line: Line) -> None:
            await line.closed()

        async with acceptor(none) as port:
            pass
        order = ("--side", "buy", "--symbol", "ACME", "--qty", "1", "--port", str(port))
        result = await asyncio.to_thread(invoke, *order, "--timeout", "0.2")
        assert result.exit_code == EXIT_NOT_OVER
        assert f"no session with 127.0.0.1:{port}" in result.output

    @pytest.mark.parametrize(
        "wrong",
        [
            ("--order-type", "limit"),
            ("--price", "50"),
            ("--order-type", "limit", "--price", "cheap"),
            ("--order-type", "limit", "--price", "-1"),
            ("--tif", "gtc"),
            ("--begin-string", "FIX.9"),
        ],
    )
    def test_options_that_make_no_order(self, wrong: tuple[str, ...]) -> None:
        order = ("--side", "buy", "--symbol", "ACME", "--qty", "1")
        assert invoke(*order, *wrong).exit_code == EXIT_USAGE


class TestState:
    async def test_numbers_go_on_from_the_state_file(self, tmp_path: Path) -> None:
        state = str(tmp_path / "state")
        assert (await send(fills, "--state", state, "--reset")).exit_code == EXIT_AS_WANTED
        logons = []

        async def second(line: Line) -> None:
            line.number = 6  # Logon, three reports and a Logout went before
            logons.append(await line.logon())
            cl_ord_id = (await line.next("D")).get(11).decode()
            line.send("8", report(cl_ord_id, "E9", "8", "8", 0))
            await line.closed()

        await send(second, "--state", state)
        assert logons[0].get(141) is None
        assert logons[0].get(34) == b"4"
