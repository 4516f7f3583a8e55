"""The venue over real sockets, seen by a client that shares no code with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sor_gateway.journal.segments import SEGMENT_MESSAGES, Journal
from sor_gateway.net.clock import Clock, wall_clock_ns
from tests.venue_sims.helpers import make_venue, market, venue_file
from tests.venue_sims.raw_client import PATIENCE_S, Message, RawClient
from venue_sims.control import Control
from venue_sims.recovery import fact_codec, recover
from venue_sims.server import VenueServer

SCALE = 60


class SilentLog:
    def info(self, event: str, **fields: Any) -> None:
        """Tests read what the venue does, not what it says."""

    def warning(self, event: str, **fields: Any) -> None:
        """Tests read what the venue does, not what it says."""


class Running:
    def __init__(self, server: VenueServer, control: Control, port: int, journal: Journal) -> None:
        self.server = server
        self.journal = journal
        self.control = control
        self.port = port

    def ledger(self, session: str) -> dict[str, int]:
        rows = self.control.answer("ledger")["sessions"]
        return next(row for row in rows if row["session"] == session)


@asynccontextmanager
async def running(
    name: str,
    folder: Path,
    *,
    quiet: bool = False,
    crash: bool = False,
    cod: bool = False,
    out_us: int = 0,
    clock: Clock = wall_clock_ns,
    segment_messages: int = SEGMENT_MESSAGES,
) -> AsyncIterator[Running]:
    """A venue on a free port; `crash`: at the end nothing is said to anybody; `out_us`: how long
    its reports take before the file's scale, when it is not as the file says;
    `segment_messages`: when its journal rolls."""
    file, settings = venue_file(name, quiet=quiet), market(scale=SCALE)
    file.cod = cod
    file.latency.out_us = out_us or file.latency.out_us
    codec = fact_codec()
    journal = Journal.open(folder, segment_messages=segment_messages, reserve_bytes=0)
    recovered = recover(file.mic, journal.snapshot, journal.tail(), codec)
    venue = make_venue(file, settings, recovered.state)
    server = VenueServer(
        venue, journal, codec, recovered, asyncio.get_running_loop(), clock, SilentLog()
    )
    for version in file.versions:
        server.add_order_session("SOR", version, file.comp_id)
        for client in file.data_sessions:
            server.add_data_session(client, version, file.comp_id, file.interval_ns)
    control = Control(server)
    port = await server.start("127.0.0.1", 0)
    try:
        yield Running(server, control, port, journal)
        if server.reactor.failure.done():
            server.reactor.failure.result()
    finally:
        if crash:
            await server.abort()
        else:
            await server.stop()
        server.reactor.failure.cancel()
        journal.close()


def fills_of(client: RawClient, exec_types: tuple[str, ...] = ("F",)) -> list[Message]:
    return [m for m in client.received if m[35] == "8" and m[150] in exec_types]


class TestExchange:
    async def test_a_marketable_limit_sells_to_the_house_and_pays_the_take_fee(
        self, tmp_path: Path
    ) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.order("C1", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            new = await client.report("C1", "0")
            fill = await client.report("C1", "F")
            assert (new[39], new[14], new[151], new[6]) == ("0", "0", "100", "0")
            assert (fill[39], fill[14], fill[151], fill[32]) == ("2", "100", "0", "100")
            assert fill[30] == "XLIT"
            assert fill[851] == "2"
            assert (fill[136], fill[137], fill[138], fill[139]) == ("1", "0.28", "USD", "4")
            assert float(fill[31]) > 49
            assert new[37] == fill[37]
            assert new[17] != fill[17]
            ledger = venue.ledger("SOR-FIX.4.4")
            assert (ledger["executions"], ledger["shares"]) == (1, 100)
            assert ledger["fees_micros"] == 280_000
            await client.close()

    async def test_fix_42_says_the_same_in_its_own_words(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH", "FIX.4.2")
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 100), (40, 2), (44, "51.00"))
            fill = await client.report("C1", "2")
            assert (fill[20], fill[39], fill[9730]) == ("0", "2", "R")
            assert (fill[12], fill[13]) == ("0.28", "3")
            assert 851 not in fill
            assert 136 not in fill
            client.send("H", (11, "C1"), (55, "ACME"), (54, 1))
            status = await client.expect(lambda m: m[35] == "8" and m.get(20) == "3")
            assert (status[150], status[39]) == ("2", "2")
            await client.close()

    async def test_cancel_replace_and_status_of_a_resting_order(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 500), (40, 2), (44, "40.00"))
            new = await client.report("C1", "0")
            body = ((55, "ACME"), (54, 1), (60, client.stamp()))
            client.send("G", (41, "C1"), (11, "G1"), *body, (38, 300), (40, 2), (44, "40.00"))
            replaced = await client.report("G1", "5")
            assert (replaced[41], replaced[38], replaced[151]) == ("C1", "300", "300")
            assert replaced[37] == new[37]
            client.send("H", (11, "G1"), (55, "ACME"), (54, 1), (790, "Q1"))
            status = await client.report("G1", "I")
            assert (status[39], status[14], status[151], status[790]) == ("0", "0", "300", "Q1")
            client.send("F", (41, "G1"), (11, "X1"), *body)
            canceled = await client.report("X1", "4")
            assert (canceled[41], canceled[39], canceled[151]) == ("G1", "4", "0")
            client.send("F", (41, "G1"), (11, "X2"), *body)
            late = await client.expect(lambda m: m[35] == "9")
            assert (late[11], late[434], late[102], late[39]) == ("X2", "1", "0", "4")
            await client.close()

    async def test_an_unknown_order_is_said_to_be_unknown(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.send("H", (11, "C9"), (55, "ACME"), (54, 1), (790, "Q9"))
            status = await client.report("C9", "I")
            expected = {39: "8", 103: "5", 14: "0", 151: "0", 37: "NONE", 790: "Q9"}
            assert {tag: status[tag] for tag in expected} == expected
            body = ((55, "ACME"), (54, 1), (60, client.stamp()))
            client.send("F", (41, "C9"), (11, "X9"), *body)
            refused = await client.expect(lambda m: m[35] == "9")
            assert (refused[102], refused[37], refused[39]) == ("1", "NONE", "8")
            await client.close()

    async def test_market_data_begins_with_a_snapshot_and_proves_itself_fresh(
        self, tmp_path: Path
    ) -> None:
        async with running("exchange", tmp_path) as venue:
            client = RawClient("SORMD", "EXCH")
            await client.connect(venue.port, reset=True)
            client.send(
                "V",
                (262, "R1"), (263, 1), (264, 10), (265, 1),
                (267, 2), (269, 0), (269, 1), (146, 1), (55, "ACME"),
            )  # fmt: skip
            snapshot = await client.expect(lambda m: m[35] == "W")
            assert (snapshot[262], snapshot[55], snapshot[268]) == ("R1", "ACME", "20")
            await client.expect(lambda m: m[35] == "X")
            await client.expect(lambda m: m[35] == "W")
            client.send(
                "V",
                (262, "R2"), (263, 1), (264, 10), (265, 1),
                (267, 1), (269, 0), (146, 1), (55, "NONE"),
            )  # fmt: skip
            refused = await client.expect(lambda m: m[35] == "Y")
            assert (refused[262], refused[281]) == ("R2", "0")
            await client.close()


class TestDark:
    async def test_a_latent_buyer_takes_a_peg_at_the_midpoint(self, tmp_path: Path) -> None:
        async with running("dark-a", tmp_path) as venue:
            client = RawClient("SOR", "DARKA")
            await client.connect(venue.port)
            client.order("C1", (54, 2), (38, 500), (40, "P"), (18, "M"), (44, "49.00"))
            fill = await client.report("C1", "F")
            assert fill[9730] == "M"
            assert fill[30] == "DRKA"
            assert 851 not in fill
            assert round(float(fill[31]) * 1000) % 5 == 0, "a midpoint is on a half tick"
            fee = sum(round(float(m[137]) * 1_000_000) for m in fills_of(client))
            shares = sum(int(m[32]) for m in fills_of(client))
            assert fee == shares * 1_500
            await client.close()

    async def test_there_is_no_market_data(self, tmp_path: Path) -> None:
        async with running("dark-a", tmp_path) as venue:
            client = RawClient("SOR", "DARKA")
            await client.connect(venue.port)
            client.send(
                "V", (262, "R"), (263, 1), (264, 1), (267, 1), (269, 0), (146, 1), (55, "ACME")
            )
            reject = await client.expect(lambda m: m[35] == "Y")
            assert (reject[262], reject[281]) == ("R", "4")
            await client.close()


class TestRestart:
    async def test_orders_numbers_and_ledger_survive_a_crash(self, tmp_path: Path) -> None:
        client = RawClient("SOR", "EXCH")
        async with running("exchange", tmp_path, quiet=True, crash=True) as venue:
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 500), (40, 2), (44, "40.00"))
            client.order("C2", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            await client.report("C1", "0")
            await client.report("C2", "F")
            before = venue.ledger("SOR-FIX.4.4")
            last = max(int(m[34]) for m in client.received)
        async with running("exchange", tmp_path, quiet=True) as venue:
            logon = await client.connect(venue.port)
            assert int(logon[34]) == last + 1
            assert venue.ledger("SOR-FIX.4.4") == before
            client.send("H", (11, "C1"), (55, "ACME"), (54, 1), (790, "Q1"))
            status = await client.report("C1", "I")
            assert (status[39], status[151]) == ("0", "500")
            client.order("C2", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            duplicate = await client.report("C2", "8")
            assert duplicate[103] == "6"
            client.send("F", (41, "C1"), (11, "X1"), (55, "ACME"), (54, 1), (60, client.stamp()))
            await client.report("X1", "4")
            ids = [m[17] for m in client.received if m[35] == "8"]
            assert len(ids) == len(set(ids))
            await client.close()

    async def test_reports_that_never_left_are_sent_after_the_restart(self, tmp_path: Path) -> None:
        client = RawClient("SOR", "EXCH")
        # Its answers would take half a second and more: it dies when the order is recorded (and
        # perhaps matched, on a busy machine) and nothing has left.
        slow = running("exchange", tmp_path, quiet=True, crash=True, out_us=50_000)
        async with slow as venue:
            await client.connect(venue.port)
            client.order("C1", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            async with asyncio.timeout(5):
                while not venue.server.venue.state.client("SOR-FIX.4.4").received:
                    await asyncio.sleep(0.0005)
        async with running("exchange", tmp_path, quiet=True) as venue:
            await client.connect(venue.port)
            await client.report("C1", "0")
            fill = await client.report("C1", "F")
            assert fill[14] == "100"
            assert len(fills_of(client)) == 1
            await client.close()

    @pytest.mark.parametrize("apart", [True, False])
    async def test_snapshots_are_written_between_and_nothing_is_lost_by_it(
        self, tmp_path: Path, apart: bool
    ) -> None:
        """Beside the turns as it is, within them where time stands still meanwhile."""
        client = RawClient("SOR", "EXCH")
        small = running("exchange", tmp_path, quiet=True, crash=True, segment_messages=20)
        async with small as venue:
            venue.server.rolls_apart = apart
            await client.connect(venue.port)
            sent = 0
            async with asyncio.timeout(PATIENCE_S):
                while venue.journal.counters.rolls < 2:
                    sent += 1
                    client.order(f"C{sent}", (54, 1), (38, 100), (40, 2), (44, "40.00"))
                    await client.report(f"C{sent}", "0")
            known = set(venue.server.venue.state.orders)
        async with running("exchange", tmp_path, quiet=True) as venue:
            assert set(venue.server.venue.state.orders) == known
            assert len(known) == sent
            await client.connect(venue.port)
            client.send("F", (41, "C1"), (11, "X1"), (55, "ACME"), (54, 1), (60, client.stamp()))
            assert (await client.report("X1", "4"))[41] == "C1"
            await client.close()

    async def test_a_client_that_missed_reports_is_sent_them_again(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.order("C1", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            fill = await client.report("C1", "F")
            client.send("2", (7, 1), (16, 0))
            again = await client.expect(
                lambda m: m[35] == "8" and m.get(43) == "Y" and m[150] == "F"
            )
            assert (again[34], again[17], again[31]) == (fill[34], fill[17], fill[31])
            await client.close()


class TestControl:
    async def test_answers_over_its_socket(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path) as venue:
            port = await venue.control.start("127.0.0.1", 0)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)

            async def ask(command: str) -> dict[str, Any]:
                writer.write(json.dumps({"command": command}).encode() + b"\n")
                answer: dict[str, Any] = json.loads(await reader.readline())
                return answer

            assert (await ask("status"))["venue"] == "exchange"
            book = await ask("book ACME 3")
            assert len(book["bids"]) == 3
            assert book["bids"][0]["price_micros"] < book["asks"][0]["price_micros"]
            assert "error" in await ask("book NONE")
            assert "error" in await ask("fly")
            writer.write(b"not json\n")
            assert "error" in json.loads(await reader.readline())
            writer.close()
            await venue.control.stop()

    async def test_two_venues_agree_about_the_nbbo(self, tmp_path: Path) -> None:
        async with (
            running("exchange", tmp_path / "exchange") as exchange,
            running("dark-a", tmp_path / "dark") as dark,
        ):
            now = wall_clock_ns()
            for venue in (exchange, dark):
                venue.server.clock = lambda: now
            assert exchange.control.answer("nbbo") == dark.control.answer("nbbo")

    async def test_the_venue_can_take_an_order_out(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 500), (40, 2), (44, "40.00"))
            new = await client.report("C1", "0")
            assert "error" not in venue.control.answer(f"cancel {new[37]} U: halted")
            canceled = await client.report("C1", "4")
            assert 41 not in canceled
            assert canceled[58] == "U: halted"
            await client.close()

    async def test_listens_on_loopback_only(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path) as venue:
            with pytest.raises(Exception, match="loopback only"):
                await venue.control.start("0.0.0.0", 0)
