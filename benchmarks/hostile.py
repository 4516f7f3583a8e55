"""`make hostile`: a quiet session at 200 orders/s beside peers that mean harm, one after another.

Owns: a desk for each attack, the windows, the table, the verdict.
May not know: FIX; how the gateway defends itself.

Each attack has a desk of its own: the real gateway, its journal and projection, a venue that fills
at once, the quiet EMS, the attacker. The quiet EMS measures its round trips (D written to fill
read) over three windows of one length: in peace; around the same attack on a bare process
(hostile_sink.py), which shows what the attacker takes from the machine; around the attack on the
gateway. Attacks begin after a sixth of the window and last to its end. Good is:

- every order of the quiet session is filled;
- the p99 of the last window is at most RATIO_MAX times that of the first (cutting the offender is
  a defence, and the time until then counts);
- the gateway's memory grows by at most GROWTH_MAX_MIB meanwhile.

The row `nothing` has no attack: it shows what the machine itself does to the figures. The window of
the bare process is shown beside the verdict and never enters it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

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
TABLE_COLUMNS: Final = 180
"""How wide the table is where there is no terminal."""


@dataclass(slots=True)
class Row:
    """One attack."""

    attack: str
    orders: int
    unfilled: int
    """Of all windows."""
    p50_before_us: float
    p50_us: float
    p99_before_us: float
    p99_bare_us: float
    """Around the attack on the bare process; 0 when that was left out."""
    p99_us: float
    max_us: float
    growth_mib: float
    did: str

    @property
    def ratio(self) -> float:
        """The p99 around the attack by the p99 before."""
        return self.p99_us / self.p99_before_us

    @property
    def bare_ratio(self) -> float:
        """The p99 around the attack on the bare process by the p99 before."""
        return self.p99_bare_us / self.p99_before_us

    @property
    def good(self) -> bool:
        """Whether the quiet session was left in peace; the control is judged by nothing."""
        calm = self.ratio <= RATIO_MAX and self.growth_mib <= GROWTH_MAX_MIB
        return not self.unfilled and (calm or self.attack == CONTROL)


class Desk:
    """The processes of one attack."""

    def __init__(self, folder: Path, attack: str, messages: int, *, bare: bool) -> None:
        self.attack = attack
        self.quiet: Helper
        self.attacker: Helper
        self.bare: Helper | None = None
        """Who attacks the bare process."""
        self._with_bare = bare and attack != CONTROL
        self._folder = folder
        self._messages = messages
        self._helpers: list[Helper] = []
        self._stack: Stack | None = None

    async def start(self) -> None:
        """Bring everything up. Raises BenchError, StackError."""
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
        self.quiet = await self._help(
            "quiet", "benchmarks.hostile_peers", "quiet", str(self._stack.port)
        )
        await self.quiet.hear()
        if self._with_bare:
            sink = await self._help("sink", "benchmarks.hostile_sink")
            self.bare = await self._attacker("attacker of the sink", (await sink.hear())["port"])
        self.attacker = await self._attacker("attacker", self._stack.port)

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

    async def _attacker(self, name: str, port: int) -> Helper:
        attack = ("benchmarks.hostile_peers", "attack", self.attack, str(port))
        helper = await self._help(name, *attack)
        await helper.hear()
        return helper

    async def _help(self, name: str, *arguments: str) -> Helper:
        helper = await Helper.start(name, *PYTHON, *arguments)
        self._helpers.append(helper)
        return helper


@dataclass(slots=True)
class Window:
    """What the quiet session met while someone was under attack, and what it cost."""

    quiet: dict[str, Any]
    did: str
    peak_mib: float


async def attacked(desk: Desk, attacker: Helper, seconds: float) -> Window:
    """A window around an attack."""
    peak_mib = desk.memory_mib()
    window = asyncio.create_task(desk.quiet.ask({"seconds": seconds}))
    await asyncio.sleep(seconds / CALM_SHARE)
    attack = asyncio.create_task(attacker.ask({"seconds": seconds - seconds / CALM_SHARE}))
    while not window.done():
        await asyncio.sleep(SAMPLE_S)
        peak_mib = max(peak_mib, desk.memory_mib())
    return Window(await window, (await attack)["did"], peak_mib)


async def measure(desk: Desk, seconds: float) -> Row:
    """All windows of one attack."""
    await desk.start()
    await desk.quiet.ask({"seconds": WARM_UP_S})
    before = await desk.quiet.ask({"seconds": seconds})
    windows = [before]
    if desk.bare is not None:
        windows.append((await attacked(desk, desk.bare, seconds)).quiet)
    memory_mib = desk.memory_mib()
    around = await attacked(desk, desk.attacker, seconds)
    during = around.quiet
    windows.append(during)
    for answer in windows:
        if answer["refused"]:
            raise BenchError(f"the quiet session was refused: {answer['first_refusal']}")
    return Row(
        attack=desk.attack,
        orders=sum(answer["orders"] for answer in windows),
        unfilled=sum(answer["unfilled"] for answer in windows),
        p50_before_us=before["p50_us"],
        p50_us=during["p50_us"],
        p99_before_us=before["p99_us"],
        p99_bare_us=windows[1]["p99_us"] if desk.bare is not None else 0.0,
        p99_us=during["p99_us"],
        max_us=during["max_us"],
        growth_mib=around.peak_mib - memory_mib,
        did=around.did,
    )


async def run(options: argparse.Namespace, folder: Path, console: Console) -> list[Row]:
    """All attacks, each on a desk of its own. Raises BenchError and StackError."""
    rows: list[Row] = []
    for attack in options.attacks:
        desk = Desk(folder / attack, attack, options.messages, bare=options.bare)
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
    for heading in ("orders", "p50 us", "p99 us", "ratio", "bare", "max ms", "MiB"):
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
            f"{row.bare_ratio:.2f}" if row.p99_bare_us else "",
            f"{row.max_us / 1_000:,.0f}",
            f"{row.growth_mib:+.0f}",
            row.did,
            "[green]good[/]" if row.good else "[bold red]outside[/]",
        )
    console.print(table)
    console.print(
        f"bars: p99 at most {RATIO_MAX:g} x before, memory at most +{GROWTH_MAX_MIB} MiB;"
        " bare: the same ratio while a bare process is attacked in place of the gateway",
        highlight=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A quiet session beside hostile peers.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each window")
    parser.add_argument("--messages", type=int, default=1_000_000, help="that `replay` asks for")
    parser.add_argument(
        "--no-bare", dest="bare", action="store_false", help="leave the bare process out"
    )
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    parser.add_argument("--keep", type=Path, help="keep configurations, journals and logs here")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    console = Console(stderr=options.json, width=None if sys.stdout.isatty() else TABLE_COLUMNS)
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
