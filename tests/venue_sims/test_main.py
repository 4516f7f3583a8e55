"""The program: comes up on free ports, answers, remembers, and ends cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.venue_sims.helpers import BLOCK, CONFIG, DEFAULT
from tests.venue_sims.raw_client import PATIENCE_S, RawClient
from venue_sims.assembly import build_path
from venue_sims.config import load_market, load_venue
from venue_sims.control import ask


async def start(
    name: str,
    kind: str,
    folder: Path,
    scenario: Path = DEFAULT,
    market: Path = CONFIG / "market.toml",
) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """A venue process, and what its first line of log says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "venue_sims", "--kind", kind),
        *("--venue", str(scenario / f"{name}.toml"), "--market", str(market)),
        *("--port", "0", "--control", "127.0.0.1:0", "--clock", "scaled:60"),
        *("--seed", "7", "--journal", str(folder)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        line = await process.stderr.readline()
    started: dict[str, Any] = json.loads(line)
    assert started["event"] == "started"
    return process, started


async def stop(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        _, errors = await process.communicate()
    assert b"Traceback" not in errors, errors.decode()
    assert process.returncode is not None
    return process.returncode


@pytest.mark.parametrize(
    ("name", "kind", "comp_id"),
    [
        ("dark-a", "dark", "DARKA"),
        ("ecn", "ecn", "ECNX"),
        ("inverted", "inverted", "INVX"),
        ("exchange", "exchange", "EXCH"),
        ("exchange-iex", "exchange", "IEXP"),
    ],
)
async def test_trades_stops_and_goes_on_where_it_was(
    tmp_path: Path, name: str, kind: str, comp_id: str
) -> None:
    process, started = await start(name, kind, tmp_path)
    assert (started["seed"], started["scale_milli"]) == (7, 60_000)
    client = RawClient("SOR", comp_id)
    await client.connect(started["port"])
    client.order("C1", (54, 2), (38, 300), (40, 2), (44, "49.00"))
    await client.expect(lambda m: m.get(39) == "2")
    ledger = await asyncio.to_thread(ask, "127.0.0.1", started["control"], "ledger")
    mine = next(row for row in ledger["sessions"] if row["session"] == "SOR-FIX.4.4")
    assert mine["shares"] == 300
    assert mine["executions"] == sum(m.get(150) == "F" for m in client.received)
    stopping = asyncio.ensure_future(stop(process))
    logout = await client.expect(lambda m: m[35] == "5")
    assert logout[58] == "the venue closes"
    client.send("5")
    assert await stopping == 0
    process, started = await start(name, kind, tmp_path)
    again = await asyncio.to_thread(ask, "127.0.0.1", started["control"], "ledger")
    assert again == ledger
    logon = await client.connect(started["port"])
    assert int(logon[34]) > int(logout[34])
    await client.close()
    assert await stop(process) == 0


SEVEN = ("dark-a", "dark-b", "dark-c", "ecn", "inverted", "exchange", "exchange-iex")


@pytest.mark.parametrize("name", SEVEN)
async def test_each_venue_of_the_block_starts_on_the_shared_nbbo(tmp_path: Path, name: str) -> None:
    path = BLOCK / f"{name}.toml"
    file, market = load_venue(path), load_market(BLOCK / "market.toml")
    market.seed = 7
    expected = build_path(market, market.symbols[0])
    process, started = await start(name, str(file.kind), tmp_path, BLOCK, BLOCK / "market.toml")
    slots = set()
    for _ in range(5):
        answer = await asyncio.to_thread(ask, "127.0.0.1", started["control"], "nbbo ACME")
        said = answer["nbbo"]["ACME"]
        quote = expected.nbbo(said["slot"])
        assert (said["bid_micros"], said["ask_micros"]) == (quote.bid, quote.ask)
        slots.add(said["slot"])
    assert len(slots) > 1, "time passes"
    assert await stop(process) == 0
