"""The harness of `make hostile`: that it attacks, that the gateway defends itself, and that the
verdict means what it says. Its figures are for a machine with nothing else to do."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from benchmarks.hostile import CONTROL, GROWTH_MAX_MIB, RATIO_MAX, Row

ROOT = Path(__file__).parents[2]


def row(changed: dict[str, float] | None = None, attack: str = "flood") -> Row:
    figures = {
        "orders": 100,
        "unfilled": 0,
        "p50_before_us": 500.0,
        "p50_us": 500.0,
        "p99_before_us": 1_000.0,
        "p99_bare_us": 5_000.0,
        "p99_us": 1_000.0 * RATIO_MAX,
        "max_us": 9_000.0,
        "growth_mib": float(GROWTH_MAX_MIB),
    }
    return Row(attack, **(figures | (changed or {})), did="")  # type: ignore[arg-type]


class TestVerdict:
    def test_at_the_bars_is_good(self) -> None:
        assert row().good

    @pytest.mark.parametrize(
        ("figure", "value"),
        [("p99_us", 1_000.0 * RATIO_MAX + 1), ("growth_mib", GROWTH_MAX_MIB + 1), ("unfilled", 1)],
    )
    def test_beyond_any_bar_is_not(self, figure: str, value: float) -> None:
        assert not row({figure: value}).good

    def test_the_control_is_judged_by_its_fills_alone(self) -> None:
        assert row({"p99_us": 1e6}, CONTROL).good
        assert not row({"unfilled": 1}, CONTROL).good


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestHarness:
    async def test_floods_and_replays_and_every_order_of_the_quiet_session_is_filled(
        self, tmp_path: Path
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.hostile", "--json", "--seconds", "3"),
            *("--attacks", "flood", "replay", "--messages", "3000", "--keep", str(tmp_path)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode in (0, 1), errors.decode()
        flood, replay = json.loads(output)
        for each in (flood, replay):
            assert each["unfilled"] == 0
            assert each["orders"] == 3 * 3 * 200
            assert each["p99_bare_us"] > 0
            assert each["growth_mib"] <= GROWTH_MAX_MIB
        # Which word it got is chance: its own next write may meet the reset before it has read.
        assert "cut: " in flood["did"]
        assert "asked for everything" in replay["did"]
        log = (tmp_path / "flood" / "gateway.log").read_text()
        (cut,) = [json.loads(line) for line in log.splitlines() if "client-cut" in line]
        assert cut["text"].startswith("more than ")
