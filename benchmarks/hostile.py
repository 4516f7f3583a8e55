"""`make hostile`: a quiet session at 200 orders/s beside peers that mean harm, one after another.

Owns: a desk for each attack, the windows, the table, the verdict.
May not know: FIX; how the gateway defends itself.

Each attack has a desk of its own: the real gateway, its journal and projection, a venue that fills
at once, the quiet EMS, the attacker. The quiet EMS measures its round trips (D written to fill
read) over one window in peace, then over one of the same length around the attack, which begins
after a sixth of it and lasts to its end. Good is:

- every order of the quiet session is filled;
- the p99 of the second window is at most RATIO_MAX times that of the first (cutting the offender
  is a defence, and the time until then counts);
- the gateway's memory grows by at most GROWTH_MAX_MIB meanwhile.

The row `nothing` has no attack: it shows what the machine itself does to the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.bench import PYTHON, BenchError, Helper, write_config
from benchmarks.history import write_history
from sor_gateway.stack import Stack, StackError

RATIO_MAX: Final = 2.0
GROWTH_MAX_MIB: Final = 64
ATTACKS: Final = ("nothing", "unread", "flood", "silent", "replay")
CONTROL: Final = "nothing"
SESSIONS: Final = ("QUIET", "UNREAD", "FLOOD", "REPLAY")
WARM_UP_S: Final = 3.0
CALM_SHARE: Final = 6
"""The attack begins after one part in this many of its window."""
SAMPLE_S: Final = 0.2


@dataclass(slots=True)
class Row:
    """One attack."""

    attack: str
    orders: int
    unfilled: int
    """Of both windows."""
    p50_before_us: float
    p50_us: float
    p99_before_us: float
    p99_us: float
    max_us: float
    growth_mib: float
    did: str

    @property
    def ratio(self) -> float:
        """The p99 around the attack by the p99 before."""
        return self.p99_us / self.p99_before_us

    @property
    def good(self) -> bool:
        """Whether the quiet session was left in peace; the control is judged by nothing."""
        calm = self.ratio <= RATIO_MAX and self.growth_mib <= GROWTH_MAX_MIB
        return not self.unfilled and (calm or self.attack == CONTROL)


class Desk:
    """The processes of one attack."""

    def __init__(self, folder: Path, attack: str, messages: int) -> None:
        self.attack = attack
        self._folder = folder
        self._messages = messages
        self._helpers: list[Helper] = []
        self._stack: Stack | None = None

    async def start(self) -> tuple[Helper, Helper]:
        """Bring everything up; the quiet EMS and the attacker. Raises BenchError, StackError."""
        venue = await self._help("venue", "benchmarks.peers", "venue")
        config = self._folder / "config"
        write_config(config, (await venue.hear())["port"])
        with (config / "gateway.toml").open("a") as file:
            file.writelines(f'\n[ems.{name}]\nbegin_string = "FIX.4.4"\n' for name in SESSIONS)
        enabled = {"SOR__VENUES__EXCHANGE__ENABLED": "true"}  # a helper of ours, not the stack's
        self._stack = Stack(self._folder, config, {}, environment=enabled)
        if self.attack == "replay":
            write_history(self._stack, "REPLAY", self._messages)
        await self._stack.start_gateway()
        await self._stack.ready()
        port = str(self._stack.port)
        quiet = await self._help("quiet", "benchmarks.hostile_peers", "quiet", port)
        await quiet.hear()
        attacker = await self._help(
            "attacker", "benchmarks.hostile_peers", "attack", self.attack, port
        )
        await attacker.hear()
        return quiet, attacker

    async def stop(self) -> None:
        for helper in self._helpers:
            await helper.stop()
        if self._stack is not None:
            await self._stack.stop()

    def memory_mib(self) -> float:
        """Resident memory of the gateway."""
        assert self._stack is not None
        assert self._stack.gateway is not None
        status = Path(f"/proc/{self._stack.gateway.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kib) / 1_024

    async def _help(self, name: str, *arguments: str) -> Helper:
        helper = await Helper.start(name, *PYTHON, *arguments)
        self._helpers.append(helper)
        return helper


async def measure(desk: Desk, seconds: float) -> Row:
    """Both windows of one attack."""
    quiet, attacker = await desk.start()
    await quiet.ask({"seconds": WARM_UP_S})
    before = await quiet.ask({"seconds": seconds})
    memory_mib = peak_mib = desk.memory_mib()
    window = asyncio.create_task(quiet.ask({"seconds": seconds}))
    await asyncio.sleep(seconds / CALM_SHARE)
    left_s = seconds - seconds / CALM_SHARE
    attack = asyncio.create_task(attacker.ask({"seconds": left_s}))
    while not window.done():
        await asyncio.sleep(SAMPLE_S)
        peak_mib = max(peak_mib, desk.memory_mib())
    during, did = await window, await attack
    for answer in (before, during):
        if answer["refused"]:
            raise BenchError(f"the quiet session was refused: {answer['first_refusal']}")
    return Row(
        desk.attack,
        before["orders"] + during["orders"],
        before["unfilled"] + during["unfilled"],
        before["p50_us"],
        during["p50_us"],
        before["p99_us"],
        during["p99_us"],
        during["max_us"],
        peak_mib - memory_mib,
        did["did"],
    )


async def run(options: argparse.Namespace, folder: Path, console: Console) -> list[Row]:
    """All attacks, each on a desk of its own. Raises BenchError and StackError."""
    rows: list[Row] = []
    for attack in options.attacks:
        desk = Desk(folder / attack, attack, options.messages)
        with console.status(attack):
            try:
                rows.append(await measure(desk, options.seconds))
                console.print(f"{attack}: {rows[-1].ratio:.2f} x, {rows[-1].did}", highlight=False)
            finally:
                await desk.stop()
    return rows


def render(console: Console, rows: list[Row]) -> None:
    """For people."""
    table = Table(title="a quiet session at 200 orders/s beside", title_justify="left")
    table.add_column("attack", no_wrap=True)
    for heading in ("orders", "p50 us", "p99 us", "ratio", "max ms", "MiB"):
        table.add_column(heading, justify="right")
    table.add_column("what the attacker did")
    table.add_column("")
    for row in rows:
        table.add_row(
            row.attack,
            f"{row.orders:,}",
            f"{row.p50_before_us:,.0f} > {row.p50_us:,.0f}",
            f"{row.p99_before_us:,.0f} > {row.p99_us:,.0f}",
            f"{row.ratio:.2f}",
            f"{row.max_us / 1_000:,.0f}",
            f"{row.growth_mib:+.0f}",
            row.did,
            "[green]good[/]" if row.good else "[bold red]outside[/]",
        )
    console.print(table)
    console.print(
        f"bars: p99 at most {RATIO_MAX:g} x before, memory at most +{GROWTH_MAX_MIB} MiB",
        highlight=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A quiet session beside hostile peers.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each window")
    parser.add_argument("--messages", type=int, default=1_000_000, help="that `replay` asks for")
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    parser.add_argument("--keep", type=Path, help="keep configurations, journals and logs here")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        try:
            rows = asyncio.run(run(options, options.keep or Path(scratch), console))
        except (BenchError, StackError) as error:
            console.print(f"[bold red]no figures:[/] {error}")
            sys.exit(2)
    render(console, rows)
    if options.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    sys.exit(0 if all(row.good for row in rows) else 1)


if __name__ == "__main__":
    main()
