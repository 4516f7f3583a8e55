"""What makes a row of the table red, and the relay that loses a message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from math import inf

import pytest

from tests.faults.cases import CASES
from tests.faults.relay import Relay
from tests.faults.run import FURTHER_SEEDS, MANY_RUNS, Result, Row, as_json, one_more, rounds

QUIET, STRUCK = 0, 2


def row(*struck: int, share: float = 0.5) -> Row:
    made = Row("F0", "nothing", "", "", share)
    for times in struck:
        made.add(Result("nothing", 1, times, {}, 0, 0.0))
    return made


def test_a_fault_that_never_happened_is_red() -> None:
    assert not row(QUIET).good
    assert row(QUIET, STRUCK).good


def test_of_many_runs_it_has_to_happen_in_its_share() -> None:
    few, enough = [STRUCK] * (MANY_RUNS // 2 - 1), [STRUCK] * (MANY_RUNS // 2)
    assert "expected 10 at least" in row(*few, *[QUIET] * (MANY_RUNS - len(few))).idle
    assert row(*enough, *[QUIET] * (MANY_RUNS - len(enough))).good


def test_a_run_with_a_wrong_check_is_red() -> None:
    made = row(STRUCK)
    made.add(Result("nothing", 2, STRUCK, {}, 0, 0.0, ["something is wrong"]))
    assert not made.good


def test_seeds_are_spread_evenly_over_the_faults() -> None:
    tasks = list(rounds(CASES[:2], [5, 6], inf))
    assert tasks == [(case.name, seed) for seed in (5, 6) for case in CASES[:2]]
    assert list(rounds(CASES[:2], [5, 6], -inf)) == []


def test_a_fault_that_few_seeds_missed_gets_some_more_and_no_more_than_it_needs() -> None:
    case = CASES[0]
    rows = {case.name: row(QUIET)}
    tasks = one_more([case], rows)
    seeds = [next(tasks)[1], next(tasks)[1]]
    assert all(one != other for one, other in pairwise(seeds))
    rows[case.name].add(Result(case.name, 3, STRUCK, {}, 0, 0.0))
    assert list(tasks) == []
    assert len(list(one_more([case], {case.name: row(QUIET)}))) == FURTHER_SEEDS


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """In front of somebody who says back whatever comes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield Relay(server.sockets[0].getsockname()[1])


async def test_a_relay_carries_all_but_what_it_is_to_lose(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", await relay.start())

    async def said(data: bytes) -> bytes:
        writer.write(data)
        return await reader.read(1_000)

    assert await said(b"one") == b"one"
    relay.lose_one(b"two")
    writer.write(b"two")
    while not relay.lost:
        await asyncio.sleep(0)
    assert await said(b"two again") == b"two again"
    writer.close()
    await writer.wait_closed()
    await relay.stop()


def test_the_table_can_be_written_for_programs() -> None:
    row = Row("F0", "nothing", "", "", 0.5)
    row.add(Result("nothing", 7, 2, {"child-doubted": 3}, 0, 1.0, ["wrong"]))
    [told] = json.loads(as_json([row]))
    assert told["alarms"] == {"child-doubted": 3}
    assert (told["struck"], told["red"][0]["seed"]) == (2, 7)
