"""A journal lived through again: nothing differs, unless the venue does."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from sor_gateway.fix.session import Session
from sor_gateway.fix.values import price_to_text
from sor_gateway.journal.memory import MemoryJournal
from sor_gateway.journal.reader import read_records, segment_path
from sor_gateway.journal.segments import Journal
from tests.venue_sims import test_stepped
from tests.venue_sims.faults.client import Floor
from tests.venue_sims.helpers import CONFIG, DEFAULT, START, market, venue_file
from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import Running, running
from venue_sims.__main__ import main
from venue_sims.config import ConfigError, VenueFile
from venue_sims.facts import FellBehind
from venue_sims.faults.fault import TimedFault
from venue_sims.faults.table import FAULTS
from venue_sims.recovery import fact_codec
from venue_sims.replay import Replay, Replayed, replay, told


async def trade(client: RawClient, draw: random.Random, first: int, orders: int) -> None:
    """Orders, cancels, replaces, questions, in no order."""
    for number in range(first, first + orders):
        side, price = draw.choice([1, 2]), draw.choice(["45.00", "49.99", "50.01", "55.00"])
        fields = ((54, side), (38, draw.choice([50, 300, 2_000])), (40, 2), (44, price))
        client.order(f"C{number}", *fields)
        orig = f"C{draw.randrange(first, number + 1)}"
        asked = (11, f"X{number}"), (41, orig), (55, "ACME"), (54, side), (60, client.stamp())
        kind = draw.choice(["F", "G", "H", "e", "V", "Q", "q", ""])
        if kind == "F":
            client.send("F", *asked)
        elif kind == "G":
            client.send("G", *asked, (38, 400), (40, 2), (44, price))
        elif kind == "H":
            client.send("H", (11, orig), (55, "ACME"), (54, side))
        elif kind == "e":
            client.send("e", (324, f"S{number}"), (55, "ACME"), (263, "1"))
        elif kind == "V":
            body = ((263, "0"), (264, "1"), (267, "1"), (269, "0"), (146, "1"), (55, "ACME"))
            client.send("V", (262, f"M{number}"), *body)
        elif kind == "Q":
            client.send("Q", (37, "X"), (17, f"E{number}"), (127, "A"), (55, "ACME"), (54, side))
        elif kind == "q":
            client.send("q", (11, f"X{number}"), (530, "7"), (60, client.stamp()))
        if draw.random() < 0.3:
            await heard(client)
    await heard(client)


async def heard(client: RawClient) -> None:
    """Everything that was sent has been read."""
    test_id = f"T{client.next_out}"
    client.send("1", (112, test_id))
    await client.expect(lambda message: message.get(112) == test_id)


def operate(venue: Running, *lines: str) -> None:
    for line in lines:
        assert "error" not in venue.control.answer(line), line


def again(folder: Path, file: VenueFile) -> Replayed:
    return replay(folder, file, market(seed=1, scale=1))  # what was recorded goes before


@pytest.mark.parametrize("name", ["exchange", "dark-a"])
async def test_two_lives_over_real_lines_are_lived_through_again(tmp_path: Path, name: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw, comp_id = random.Random(seed), venue_file(name).comp_id
    client = RawClient("SOR", comp_id)
    async with running(name, tmp_path, crash=True, cod=True) as venue:
        await client.connect(venue.port)
        await trade(client, draw, 0, 30)
        operate(venue, "halt ACME news", "set fee take=0.0005", "fault dup_er p=0.5")
        operate(venue, "fault late_fill p=0.5 after_cxl_ms=20", "inject bust delay_s=0.02")
        await trade(client, draw, 30, 10)
        operate(venue, "resume ACME")
        while venue.server.venue.state.halted:
            await asyncio.sleep(0.001)
        operate(venue, "inject order ACME sell 5000 45.00", "inject order ACME buy 300")
        client.order("RESTS", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        await client.report("RESTS", "0")
        await client.connect(venue.port)  # cancelled on disconnect meanwhile
        await trade(client, draw, 40, 20)
    async with running(name, tmp_path, cod=True) as venue:
        await client.connect(venue.port)
        await trade(client, draw, 60, 20)
        await client.close()
    file = venue_file(name)
    file.cod = True
    found = again(tmp_path, file)
    assert found.differences == [], told(found)
    assert found.messages_in > 100
    assert found.messages_out > 80
    file.cod = False
    assert again(tmp_path, file).differences, "another venue does something else"


async def test_a_stepped_day_full_of_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await test_stepped.a_day(tmp_path / "day", "1")
    folder, venue = tmp_path / "day" / "journal", tmp_path / "day" / "exchange.toml"
    files = ["--venue", str(venue), "--market", str(CONFIG / "market.toml")]
    before = segment_path(folder, 1).read_bytes()
    assert main_status([*files, "--replay", str(folder)]) == 0, capsys.readouterr()
    assert "the same" in capsys.readouterr().out
    assert segment_path(folder, 1).read_bytes() == before, "it was only read"
    venue.write_text(
        (DEFAULT / "exchange.toml").read_text().replace("take = 0.0028", "take = 0.0027")
        + test_stepped.FAULTS
    )
    assert main_status([*files, "--replay", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "recorded: Executed" in out
    assert '"fee_micros":840000' in out
    assert '"fee_micros":810000' in out
    assert "differences" in out.splitlines()[-1]


def main_status(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def is_on(session: Session) -> bool:
    """Asked anew each time: whatever is done may end the session."""
    return session.logged_on


def acts(floor: Floor, seed: int) -> None:
    """A client who does a little of everything, and dials again when its line is gone."""
    draw, client = random.Random(seed), floor.client()
    for number in range(20):
        if client.line is None:
            client.dial()
            floor.run(0.1)
        if not is_on(client.session):
            floor.run(0.5)
            continue
        if draw.random() < 0.5:
            floor.take(client, f"T{number}", draw.choice([0, 0.001, 0.2]))
        else:
            floor.rest(client, f"R{number}", draw.choice([0, 0.001, 0.2]))
        fields: dict[int, object] = {11: f"X{number}", 41: f"R{draw.randrange(number + 1)}"}
        kind = draw.choice(["F", "G", "H", "e", ""])
        if not is_on(client.session):  # the order may have cost it its line
            kind = ""
        if kind == "e":
            client.send("e", {324: f"S{number}", 55: "ACME", 263: "1"})
        elif kind:
            price = price_to_text(floor.bid - draw.randrange(4) * 10_000)
            client.send(kind, fields | ({44: price, 38: 200} if kind == "G" else {}))
        floor.run(draw.choice([0, 0.01, 0.3]))
    floor.run(5)


@pytest.mark.parametrize("name", FAULTS)
def test_a_day_with_each_fault_is_lived_through_again(name: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    timed = {"at_s": 1} if issubclass(FAULTS[name], TimedFault) else {}
    floor = Floor({name: {"p": 0.7, "count": 4, **timed}, "dup_er": {"p": 0.3}, "cod": {"p": 0.5}})
    acts(floor, seed)
    records = list(MemoryJournal(floor.venue.storage, boot_id="audit").records())
    found = Replay(floor.venue.file, floor.venue._market).run(records)
    assert found.differences == [], told(found)
    assert found.messages_out > 3


async def test_a_starved_venue_says_so_and_is_lived_through_again(tmp_path: Path) -> None:
    """It is late from the start: its clock jumps by an hour of market time."""
    late_ns = 0

    def clock() -> int:
        return START + late_ns

    async with running("exchange", tmp_path, clock=clock) as venue:
        late_ns += 60_000_000_000
        operate(venue, "halt BOLT jump")
        for _ in range(50):
            venue.server.reactor.wake()
            await asyncio.sleep(0.001)
    codec = fact_codec()
    facts = [codec.decode(pair) for _, r in read_records(tmp_path) for pair in r.facts]
    assert any(isinstance(fact, FellBehind) for fact in facts)
    found = again(tmp_path, venue_file("exchange"))
    assert found.differences == [], told(found)


def test_a_journal_without_its_beginning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="beginning of the journal is not there"):
        again(tmp_path, venue_file("exchange"))
    Journal.open(tmp_path, reserve_bytes=0).close()
    assert again(tmp_path, venue_file("exchange")).turns == 0
