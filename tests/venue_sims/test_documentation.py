"""What docs/venue-simulator.md shows is run as it stands there."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shlex
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import pytest

from sor_gateway.fix.values import parse_utc_timestamp
from sor_gateway.stack import free_port
from tests.venue_sims.helpers import DEFAULT
from tests.venue_sims.raw_client import PATIENCE_S, Message, RawClient
from venue_sims.__main__ import main
from venue_sims.config import load_venue
from venue_sims.fault_config import fault_settings
from venue_sims.faults.table import FAULTS
from venue_sims.words import Phase

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "venue-simulator.md").read_text()


def boxes(kind: str) -> list[list[str]]:
    """The lines of each box of this kind."""
    found = re.findall(rf"^```{re.escape(kind)}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert found, kind
    return [box.splitlines() for box in found]


def commands(kind: str) -> list[list[str]]:
    return [shlex.split(line.removeprefix("$ ")) for box in boxes(kind) for line in box]


class Shown:
    """A venue that was started as the document says, but for its ports and its journal's folder."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self._words, self._folder = words, folder
        self._ports = {"--port": str(free_port()), "--control": f"127.0.0.1:{free_port()}"}
        self.port = int(self._ports["--port"])

    def _here(self, words: list[str]) -> list[str]:
        assert words[0] == "venue-sim"
        here = [sys.executable, "-m", "venue_sims", *words[1:]]
        for option, value in {**self._ports, "--journal": str(self._folder)}.items():
            if option in here:
                here[here.index(option) + 1] = value
        return here

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._here(self._words), cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self._process.stderr.readline()
        assert json.loads(line)["event"] == "started"

    async def ctl(self, words: list[str]) -> str:
        """What the command prints."""
        return await asyncio.to_thread(run_ctl, self._here(words)[3:])

    async def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        await self._process.communicate()
        assert self._process.returncode == 0


def run_ctl(arguments: list[str]) -> str:
    """`venue-sim ctl` in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code, errors.getvalue()) == (0, ""), arguments
    return out.getvalue()


@asynccontextmanager
async def shown(words: list[str], folder: Path) -> AsyncIterator[Shown]:
    venue = Shown(words, folder)
    await venue.start()
    try:
        yield venue
    finally:
        await venue.stop()


def fields(line: str) -> list[tuple[int, str]]:
    pairs = (part.partition("=") for part in line.strip("|").split("|"))
    return [(int(tag), value) for tag, _, value in pairs]


def says(message: Message, wanted: list[tuple[int, str]]) -> bool:
    return all(message.get(tag) == value for tag, value in wanted)


async def test_what_is_sent_is_answered_as_shown(tmp_path: Path) -> None:
    (start, *_) = commands("console")
    async with shown(start, tmp_path) as venue:
        client = RawClient("SOR", "EXCH")
        ((logon, *messages),) = boxes("fix")
        ((accepted, *answers),) = boxes("fix-answers")
        assert dict(fields(logon))[35] == "A"
        assert says(await client.connect(venue.port), fields(accepted))
        for line in messages:
            header, body = fields(line)[:4], fields(line)[4:]
            assert header[1:] == [(34, str(client.next_out)), (49, "SOR"), (56, "EXCH")]
            client.send(header[0][1], *body)
            # Each is answered before the next one goes: the document shows the order of answers.
            of = dict(body)[11]
            while answers and dict(fields(answers[0])).get(11) == of:
                wanted = fields(answers.pop(0))
                await client.expect(partial(says, wanted=wanted))
        assert answers == []
        await client.close()


@pytest.mark.parametrize("kind", ["console", "console stepped"])
async def test_every_command_is_carried_out(tmp_path: Path, kind: str) -> None:
    start, *others = commands(kind)
    async with shown(start, tmp_path) as venue:
        client = RawClient("SOR", "EXCH")
        if kind == "console":
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 100), (40, 2), (44, "60.00"))
            await client.report("C1", "F")
        for words in others:
            assert (await venue.ctl(words)).strip()
        if kind == "console":
            await client.close()


async def test_what_was_recorded_is_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, *steps = commands("console stepped")
    ((again),) = commands("console replay")
    assert again[-1] == start[start.index("--journal") + 1]
    async with shown(start, tmp_path) as venue:
        client = RawClient("SOR", "ECNX")
        await client.dial(venue.port)
        for words in steps:
            await venue.ctl(words)
            client.order(f"C{client.next_out}", (54, 1), (38, 100), (40, 2), (44, "60.00"))
        await client.close()
        await venue.ctl(steps[-1])
    with pytest.raises(SystemExit) as ended:
        main([*again[1:-1], str(tmp_path)])
    assert ended.value.code == 0
    assert capsys.readouterr().out.rstrip().endswith("facts: the same")


def lines_of_faults() -> list[str]:
    (box,) = boxes("toml faults")
    return [line for line in box if line and not line.startswith("#")]


@pytest.mark.parametrize("line", lines_of_faults())
def test_every_line_of_faults_is_one(tmp_path: Path, line: str) -> None:
    file = tmp_path / "exchange.toml"
    file.write_text((DEFAULT / "exchange.toml").read_text() + f"\n[faults]\n{line}\n")
    ((name, settings),) = load_venue(file).faults.items()
    ((_, said),) = tomllib.loads(line).items()
    assert settings == fault_settings(name, said)
    assert re.search(rf"# {FAULTS[name].number}: \S", line), "it says what it is"


def test_every_fault_has_its_line() -> None:
    assert {line.partition(" = ")[0] for line in lines_of_faults()} == set(FAULTS)


def test_the_ports_and_names_are_those_of_the_files() -> None:
    for path in sorted(DEFAULT.glob("*.toml")):
        if path.name == "scenario.toml":
            continue
        file = load_venue(path)
        for said in (file.name, file.comp_id, file.mic):
            assert said in TEXT


def test_the_hours_are_read_as_shown(tmp_path: Path) -> None:
    (box,) = boxes("toml hours")
    file = tmp_path / "exchange.toml"
    file.write_text((DEFAULT / "exchange.toml").read_text() + "\n" + "\n".join(box))
    hours = load_venue(file).hours
    monday = parse_utc_timestamp("20260302-14:29:59")
    assert hours.phase(monday) is Phase.PRE_OPEN
    assert hours.phase(monday + 1_000_000_000) is Phase.OPEN
    assert hours.phase(parse_utc_timestamp("20260302-20:55:00")) is Phase.PRE_CLOSE
    assert hours.phase(parse_utc_timestamp("20260307-16:00:00")) is Phase.CLOSED
