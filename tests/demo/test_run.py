"""The demonstration as a process: two venues, the gateway, an EMS, and its verdict."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from sor_gateway.stack import PAIR

ROOT = Path(__file__).parents[2]
TINY = """
about = "A few hundred shares at a displayed venue."
[order]
side = "sell"
symbol = "ACME"
quantity = 300
limit = 48.00
strategy = "lit-sweep"
time_limit_s = 60
[expect]
dark_before_lit = false
{expect}
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped configuration with two venues, and a scenario that is over at once."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    for file in (folder / "venues").glob("*.toml"):
        if file.stem not in PAIR:
            file.unlink()
    shutil.copytree(folder / "scenarios" / "default", folder / "scenarios" / "tiny")
    return folder


async def demo(config: Path, expect: str, *options: str) -> tuple[int, str]:
    """Run it with these expectations; exit code and output."""
    text = TINY.format(expect=expect)
    (config / "scenarios" / "tiny" / "scenario.toml").write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sor_gateway", "demo", "--scenario", "tiny"),
        *("--config", str(config), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_it_says_what_it_came_to_and_ends_with_0(config: Path) -> None:
    code, output = await demo(config, "dark_total = 0", "--json")
    assert code == 0, output
    outcome = json.loads(output)
    assert outcome["good"]
    assert outcome["filled"] == 300
    assert all(check["good"] for check in outcome["checks"])
    [traded] = [account for account in outcome["accounts"] if account["at_venue"]["shares"]]
    assert traded["venue"] == "exchange"
    assert traded["at_venue"] == traded["at_gateway"] == traded["at_client"]
    assert outcome["report"]["value_micros"] == traded["at_venue"]["value_micros"]


async def test_an_expectation_that_does_not_hold_is_named_and_ends_with_1(config: Path) -> None:
    keep = config.parent / "kept"
    code, output = await demo(config, "dark_total = 1", "--keep", str(keep))
    assert code == 1, output
    [failed] = [line for line in output.splitlines() if line.startswith("FAILED")]
    assert failed.split()[-2:] == ["1", "0"]
    assert "phase filled" in output
    assert "1 of 5 checks FAILED" in output
    assert (keep / "gateway.db").is_file()


async def test_a_scenario_that_is_wrong_is_named_and_ends_with_2(config: Path) -> None:
    code, output = await demo(config, "shwon_max = 1")
    assert code == 2
    assert "unknown key `expect.shwon_max`" in output
