"""`make bench`: the gateway against a bare byte relay, same peers, same run, interleaved rounds.

Owns: the processes, the rounds, the ratio and the verdict.
May not know: FIX, how the gateway works.

Both arms have the same load client and the same instant-fill venue at their ends (peers.py).
Between them stands, in turn, a uvloop process that copies bytes (relay.py), or the gateway: parent
in, risk, routing, child out, report in, report out, its journal on disk, its projection running.

A round is every arm with 1 order outstanding (round trip: D written to fill read) and with many
(throughput). Arms take turns within each round, so that a machine that is busy is busy for both.
Figures are medians over the rounds. Two more arms pass messages on through QuickFIX and do nothing
else: in C++ (quickfix_relay.cpp; Debian: libquickfix-dev) and through its Python binding
(quickfix_relay.py; PyPI: quickfix). An arm that is not installed is left out, and says so.

The gateway is there twice where `make compiled` has been run: as it is, and with all that an order
passes compiled. The compiled one is judged then, relative to the same rounds:

- the round trip (p50) against the relay's, and the throughput against the relay's, are ahead of
  those of QuickFIX's Python binding;
- where the binding is missing, its figures from elsewhere stand in: RATIO_MAX times the relay's
  round trip, and 2,300 orders/s where a relay does 28,000.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sor_gateway.stack import Stack, StackError, free_port
from tests.interop.build import QuickfixMissing, build

ROOT: Final = Path(__file__).parents[1]
QUICKFIX_SOURCE: Final = Path(__file__).with_name("quickfix_relay.cpp")
RATIO_MAX: Final = 3.0
REFERENCE_ORDERS_PER_S: Final = 2_300
REFERENCE_RELAY_ORDERS_PER_S: Final = 28_000
MANY: Final = 100
PYTHON: Final = (sys.executable, "-m")
WARM_UP_S: Final = 0.5
WARM_UPS_MAX: Final = 20
COMPILED_CODE: Final = ROOT / "build" / "compiled"
RELAY, QUICKFIX, BINDING = "relay", "QuickFIX", "QuickFIX-Python"
GATEWAY, COMPILED = "gateway", "compiled"
GATEWAYS: Final = (GATEWAY, COMPILED)
ARMS: Final = (RELAY, QUICKFIX, BINDING, *GATEWAYS)

VENUE: Final = """\
kind = "exchange"
mic = "XLIT"
comp_id = "EXCH"
host = "127.0.0.1"
port = {port}
market_data = true
symbols = ["ACME"]
take_fee = 0.0028
add_fee = -0.0018
mid_fee = 0.0010
latency_prior_us = 250
fill_rate_prior = 0.95
orders_per_second = 1_000_000     # the throttle is not what is measured
cancel_reserve = 1_000
"""


UNTHROTTLED: Final = {
    "SOR__EMS__EMS__MESSAGES_PER_SECOND": "0",
    "SOR__EMS__EMS__CUT_MESSAGES_PER_SECOND": "0",
    "SOR__EMS__EMS__BUSY_PER_CENT": "0",
}
"""Nor is the inbound throttle."""


class BenchError(Exception):
    """A process did not do its part; there is nothing to judge."""


@dataclass(slots=True)
class Sample:
    """One arm of one round."""

    round: int
    arm: str
    outstanding: int
    orders: int
    orders_per_s: float
    p50_us: float
    p99_us: float
    cpu_us_per_order: float
    """CPU time of the process in the middle; the relay's is the floor."""


@dataclass(slots=True)
class Figures:
    """One arm at one load: medians over the rounds."""

    arm: str
    outstanding: int
    orders: int
    orders_per_s: float
    p50_us: float
    p50_us_least: float
    p50_us_most: float
    p50_ratio: float
    """By the relay's of the same round, in the median round."""
    p99_us: float
    cpu_us_per_order: float


@dataclass(slots=True)
class Verdict:
    """What is judged, and against what."""

    arm: str
    p50_ratio: float
    """The gateway's round trip by the relay's."""
    p50_ratio_max: float
    orders_per_s: float
    orders_per_s_min: float
    against: str
    """Whose figures the bars are."""

    @property
    def good(self) -> bool:
        """Whether the gateway is ahead of both bars."""
        return self.p50_ratio <= self.p50_ratio_max and self.orders_per_s >= self.orders_per_s_min


class Helper:
    """A process of ours that speaks JSON lines."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process

    @classmethod
    async def start(cls, name: str, *arguments: str) -> Helper:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(name, process)

    async def hear(self) -> dict[str, Any]:
        """Its next line. Raises BenchError when it has ended."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise BenchError(f"{self.name} ended with {await self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Give it a line, wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        return await self.hear()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Bench:
    """The desk of one run: a venue, both arms, one load client."""

    def __init__(self, folder: Path, arms: Iterable[str], compiled: Path = COMPILED_CODE) -> None:
        self.arms = list(arms)
        self._compiled = compiled
        self._folder = folder
        self._helpers: list[Helper] = []
        self._stacks: list[Stack] = []
        self._pids: dict[str, int] = {}
        self._ems: Helper | None = None

    async def start(self) -> None:
        """Bring everything up and log on. Raises BenchError and StackError."""
        venue_port = await self._serving("venue", *PYTHON, "benchmarks.peers", "venue")
        ports = {}
        if RELAY in self.arms:
            ports[RELAY] = await self._serving(RELAY, *PYTHON, "benchmarks.relay", str(venue_port))
        if QUICKFIX in self.arms:
            peer = str(build(QUICKFIX_SOURCE))
            ports[QUICKFIX] = await self._start_quickfix(QUICKFIX, venue_port, peer)
        if BINDING in self.arms:
            peer = "benchmarks.quickfix_relay"
            ports[BINDING] = await self._start_quickfix(BINDING, venue_port, *PYTHON, peer)
        for arm in GATEWAYS:
            if arm in self.arms:
                ports[arm] = await self._start_gateway(arm, venue_port)
        self._ems = await Helper.start(
            "ems",
            *PYTHON,
            "benchmarks.peers",
            "ems",
            *(f"{arm}={port}" for arm, port in ports.items()),
        )
        self._helpers.append(self._ems)
        await self._ems.hear()

    async def stop(self) -> None:
        if self._ems is not None:
            await self._ems.stop()
        for stack in self._stacks:
            await stack.stop()
        for helper in self._helpers:
            await helper.stop()

    async def warm_up(self) -> None:
        """Until every arm fills every order. Raises BenchError when one never does."""
        for arm in self.arms:
            for attempt in range(WARM_UPS_MAX):
                answer = await self._measure(arm, 1 if attempt < 2 else MANY, WARM_UP_S)
                if attempt > 2 and not answer["failures"]:
                    break
            else:
                raise BenchError(f"{arm} does not fill: {answer['first_failure']}")

    async def sample(self, number: int, arm: str, outstanding: int, seconds: float) -> Sample:
        """One measurement. Raises BenchError when an order was not filled."""
        before = cpu_s(self._pids[arm])
        answer = await self._measure(arm, outstanding, seconds)
        cpu = cpu_s(self._pids[arm]) - before
        if answer["failures"] or not answer["orders"]:
            raise BenchError(f"{arm}, {outstanding} outstanding: {answer}")
        return Sample(
            number,
            arm,
            outstanding,
            answer["orders"],
            answer["orders_per_s"],
            answer["p50_us"],
            answer["p99_us"],
            cpu * 1e6 / answer["orders"],
        )

    async def _measure(self, arm: str, outstanding: int, seconds: float) -> dict[str, Any]:
        assert self._ems is not None
        return await self._ems.ask({"arm": arm, "outstanding": outstanding, "seconds": seconds})

    async def _serving(self, name: str, *arguments: str) -> int:
        """Start a helper that serves; its port."""
        helper = await Helper.start(name, *arguments)
        self._helpers.append(helper)
        self._pids[name] = helper.process.pid
        port: int = (await helper.hear())["port"]
        return port

    async def _start_quickfix(self, arm: str, venue_port: int, *command: str) -> int:
        store = self._folder / arm
        store.mkdir(parents=True)
        dictionary = ROOT / "sor_gateway" / "fix" / "dictionaries" / "FIX44.xml"
        ports = (str(free_port()), str(venue_port))
        return await self._serving(arm, *command, *ports, str(store), str(dictionary))

    async def _start_gateway(self, arm: str, venue_port: int) -> int:
        folder = self._folder / arm
        config = folder / "config"
        write_config(config, venue_port)
        # The venue is a helper of ours, not the stack's.
        environment = {"SOR__VENUES__EXCHANGE__ENABLED": "true", **UNTHROTTLED}
        if arm == COMPILED:
            environment["PYTHONPATH"] = str(self._compiled)
        stack = Stack(
            folder,
            config,
            {},
            # -P: not the sources in the folder that the benchmark is started from
            gateway_command=("-P", "-m", "sor_gateway", "run"),
            environment=environment,
        )
        self._stacks.append(stack)
        await stack.start_gateway()
        await stack.ready()
        assert stack.gateway is not None
        self._pids[arm] = stack.gateway.pid
        return stack.port


def write_config(folder: Path, venue_port: int) -> None:
    """The shipped configuration, with one venue."""
    folder.mkdir(parents=True)
    for file in ("gateway.toml", "strategies.toml", "calendar.toml", "securities.csv"):
        shutil.copy(ROOT / "config" / file, folder / file)
    (folder / "venues").mkdir()
    (folder / "venues" / "exchange.toml").write_text(VENUE.format(port=venue_port))


def cpu_s(pid: int) -> float:
    """CPU time that a process has used, in seconds; 0 where there is no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def peers_here(console: Console) -> list[str]:
    """The arms of QuickFIX that can be had; says which cannot, and why."""
    arms = []
    try:
        build(QUICKFIX_SOURCE)
        arms.append(QUICKFIX)
    except QuickfixMissing as missing:
        console.print(f"without {QUICKFIX}: {missing}")
    if importlib.util.find_spec("quickfix") is not None:
        arms.append(BINDING)
    else:
        console.print(f"without {BINDING}: PyPI's quickfix is not installed")
    return arms


async def run(options: argparse.Namespace, folder: Path, console: Console) -> list[Sample]:
    """All rounds. Raises BenchError and StackError."""
    arms = [RELAY, *peers_here(console)]
    if not options.relay_only:
        arms += [GATEWAY, COMPILED] if COMPILED_CODE.is_dir() else [GATEWAY]
    bench = Bench(folder, arms)
    samples: list[Sample] = []
    try:
        await bench.start()
        await bench.warm_up()
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("rounds", total=options.rounds)
            for number in range(options.rounds):
                turns = arms if number % 2 == 0 else arms[::-1]
                for outstanding in (1, MANY):
                    samples += [
                        await bench.sample(number, arm, outstanding, options.seconds)
                        for arm in turns
                    ]
                progress.update(task, advance=1)
    finally:
        await bench.stop()
    return samples


def summarise(samples: list[Sample]) -> list[Figures]:
    """Medians by arm and load."""
    figures = []
    for outstanding in (1, MANY):
        for arm in ARMS:
            own = [s for s in samples if (s.arm, s.outstanding) == (arm, outstanding)]
            if not own:
                continue
            p50s = [sample.p50_us for sample in own]
            figures.append(
                Figures(
                    arm,
                    outstanding,
                    sum(sample.orders for sample in own),
                    statistics.median(sample.orders_per_s for sample in own),
                    statistics.median(p50s),
                    min(p50s),
                    max(p50s),
                    p50_ratio(samples, arm, outstanding),
                    statistics.median(sample.p99_us for sample in own),
                    statistics.median(sample.cpu_us_per_order for sample in own),
                )
            )
    return figures


def p50_ratio(samples: list[Sample], arm: str, outstanding: int = 1) -> float:
    """An arm's round trip by the relay's of the same round, in the median round."""
    p50_us = {
        (each.round, each.arm): each.p50_us for each in samples if each.outstanding == outstanding
    }
    rounds = sorted({each.round for each in samples})
    return statistics.median(p50_us[number, arm] / p50_us[number, RELAY] for number in rounds)


def judge(samples: list[Sample], figures: list[Figures]) -> Verdict:
    """The gateway against QuickFIX's Python binding: in the same rounds, or as it was elsewhere."""
    by_key = {(each.arm, each.outstanding): each for each in figures}
    arm = COMPILED if (COMPILED, 1) in by_key else GATEWAY
    ratio, rate = p50_ratio(samples, arm), by_key[arm, MANY].orders_per_s
    if (BINDING, 1) in by_key:
        binding = by_key[BINDING, MANY].orders_per_s
        against = f"{BINDING}, this run"
        return Verdict(arm, ratio, p50_ratio(samples, BINDING), rate, binding, against)
    scale = by_key[RELAY, MANY].orders_per_s / REFERENCE_RELAY_ORDERS_PER_S
    least = REFERENCE_ORDERS_PER_S * scale
    against = f"{BINDING}, as measured elsewhere"
    return Verdict(arm, ratio, RATIO_MAX, rate, least, against)


def render(console: Console, figures: list[Figures], verdict: Verdict | None) -> None:
    """For people."""
    table = Table(title="EMS to venue and back, medians over the rounds", title_justify="left")
    table.add_column("between", no_wrap=True)
    headings = ("open", "orders", "orders/s", "p50 us", "range", "x relay", "p99 us", "CPU us")
    for heading in headings:
        table.add_column(heading, justify="right")
    for each in figures:
        table.add_row(
            each.arm,
            str(each.outstanding),
            f"{each.orders:,}",
            f"{each.orders_per_s:,.0f}",
            f"{each.p50_us:,.0f}",
            f"{each.p50_us_least:,.0f}-{each.p50_us_most:,.0f}",
            f"{each.p50_ratio:.2f}",
            f"{each.p99_us:,.0f}",
            f"{each.cpu_us_per_order:,.0f}",
        )
    console.print(table)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    console.print(f"{cores} cores, load {os.getloadavg()[0]:.1f}; {interpreter()}", highlight=False)
    if verdict is None:
        return
    console.print(
        f"{verdict.arm}: round trip p50 {verdict.p50_ratio:.2f} x the relay "
        f"(at most {verdict.p50_ratio_max:.2f}); throughput: {verdict.orders_per_s:,.0f} orders/s "
        f"(at least {verdict.orders_per_s_min:,.0f}); bars: {verdict.against}",
        highlight=False,
    )
    console.print("[bold green]ahead of both[/]" if verdict.good else "[bold red]behind[/]")


def interpreter() -> str:
    """Which Python ran all arms: one that was optimised by profile when it was built, as Debian's
    is, runs the gateway in a tenth fewer instructions than one built from source by default."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, {Path(sys.executable).resolve()}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The gateway against a bare byte relay.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--relay-only", action="store_true", help="the yardsticks alone")
    parser.add_argument("--keep", type=Path, help="keep configuration, journal and log here")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    console = Console(quiet=options.json)
    with tempfile.TemporaryDirectory(prefix="sor-bench-") as scratch:
        try:
            samples = asyncio.run(run(options, options.keep or Path(scratch), console))
        except (BenchError, StackError) as error:
            sys.exit(f"no result: {error}")
    figures = summarise(samples)
    verdict = None if options.relay_only else judge(samples, figures)
    render(console, figures, verdict)
    if options.json:
        answer = {
            "interpreter": interpreter(),
            "figures": [asdict(each) for each in figures],
            "verdict": None if verdict is None else asdict(verdict) | {"good": verdict.good},
            "samples": [asdict(sample) for sample in samples],
        }
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    sys.exit(0 if verdict is None or verdict.good else 1)


if __name__ == "__main__":
    main()
