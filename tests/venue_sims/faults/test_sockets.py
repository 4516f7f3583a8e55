"""Faults of the line over real sockets, seen by a client that shares no code with the venue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import Running, running

LIMIT = ((54, 1), (38, 100), (40, 2), (44, "60.00"))


async def silent(client: RawClient, seconds: float) -> None:
    """Nothing comes for so long."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await client.expect(lambda _: True)


async def gone(client: RawClient) -> None:
    """The venue ends the line."""
    with pytest.raises(ConnectionError):
        await client.expect(lambda _: False)


async def logged_on(venue: Running) -> RawClient:
    client = RawClient("SOR", "EXCH")
    await client.connect(venue.port)
    return client


@pytest.mark.parametrize("mode", ["rst", "fin"])
@pytest.mark.parametrize("part", ["none", "half", "all"])
async def test_a_line_that_is_cut_during_a_fill(tmp_path: Path, mode: str, part: str) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = await logged_on(venue)
        venue.control.answer(f"inject disconnect during=fill mode={mode} part={part}")
        client.order("C1", *LIMIT)
        if part == "all" and mode == "fin":
            await client.report("C1", "F")
        await gone(client)
        assert venue.ledger("SOR-FIX.4.4")["shares"] == 100, "it is booked all the same"
        await client.connect(venue.port)
        client.send("2", (7, 1), (16, 0))
        again = await client.report("C1", "F")
        assert again[43] == "Y"
        await client.close()


async def test_a_logout_and_then_no_connection_for_a_while(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = await logged_on(venue)
        venue.control.answer("inject disconnect mode=logout down_ms=400")
        await client.expect(lambda message: message[35] == "5")
        client.send("5")
        await gone(client)
        with pytest.raises(ConnectionError):
            await client.connect(venue.port)
        await asyncio.sleep(0.5)
        await client.connect(venue.port)
        await client.close()


async def test_a_line_that_the_venue_forgot_is_silent_and_another_is_taken(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = await logged_on(venue)
        venue.control.answer("inject half_open")
        await asyncio.sleep(0.1)
        client.send("1", (112, "there?"))
        await silent(client, 0.3)
        client.next_out -= 1  # nobody has seen it
        await client.connect(venue.port)
        client.send("1", (112, "now?"))
        await client.expect(lambda message: message.get(112) == "now?")
        await client.close()


@pytest.mark.parametrize("fault", ["slow_consumer", "tcp_stall"])
async def test_a_venue_that_stalls_goes_on(tmp_path: Path, fault: str) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = await logged_on(venue)
        venue.control.answer(f"inject {fault} ms=600")
        await asyncio.sleep(0.1)
        client.order("C1", *LIMIT)
        await silent(client, 0.3)
        await client.report("C1", "0")
        await client.report("C1", "F")
        await client.close()


async def test_messages_in_pieces_garbled_and_refused(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client, control = await logged_on(venue), venue.control
        control.answer("fault partial_write chunk=9 gap_ms=1")
        client.order("C1", *LIMIT)
        await client.report("C1", "F")
        control.answer("fault partial_write off")
        control.answer("inject seq_gap skip_n=4")
        client.order("C2", *LIMIT)
        new = await client.report("C2", "0")
        before = max(int(m[34]) for m in client.received if m is not new and m.get(11) != "C2")
        assert int(new[34]) == before + 5
        await client.close()
        control.answer("inject logon_fail text=nobody")
        with pytest.raises(ConnectionError):
            await client.connect(venue.port)
        assert client.received[-1][35] == "5"
        assert client.received[-1][58] == "nobody"
        await client.connect(venue.port)
        await client.close()
