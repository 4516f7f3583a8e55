"""`make bench-venue`: how many orders a second one venue process takes, beside its market.

Owns: the load, the processes, the rounds, the verdict.
May not know: how a venue works.

A raw client sends orders that were encoded before, at most WINDOW ahead of their answers, and only
counts answers: it costs next to nothing. Arms take turns in each round, each round in processes of
its own, with journals of its own; figures are medians over the rounds:

- echo: our session layer, which says every message back (echo_acceptor.py): the floor;
- venue: `venue-sim` on its shipped files, throttle off, its market running beside, journal on disk;
- compiled: the same with protocol compiled, where `make compiled` has been run.

Three loads. `rest`: Day orders that stay in the book, one report each. `take`: IOC orders that
trade with the house as far as it goes, two reports or more each. `cross`: IOC orders that trade
with those that rest, so each does the work of two: three reports or more. The venue is judged in
each of them: at least ORDERS_PER_S_MIN, and its market never LATE_MS_MAX behind its clock. CPU
time is the process's own, from the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import raw
from sor_gateway.stack import Stack

ROOT: Final = Path(__file__).parents[1]
COMPILED_CODE: Final = ROOT / "build" / "compiled"
COMPILED_PATH: Final = {"PYTHONPATH": f"{COMPILED_CODE}:{ROOT}", "PYTHONSAFEPATH": "1"}
"""The compiled packages before the sources, and the working directory not at all."""
ORDERS_PER_S_MIN: Final = 5_000
LATE_MS_MAX: Final = 100
"""A slot of the market."""
WINDOW: Final = 1_000
CHUNK: Final = 50
READ_BYTES: Final = 1 << 18
PATIENCE_S: Final = 60.0
REST, TAKE, CROSS = "rest", "take", "cross"
LOADS: Final = (REST, TAKE, CROSS)
LIMITS: Final = {TAKE: (b"55", b"45"), CROSS: (b"80", b"20")}
"""Of buyers and sellers who take; those who rest stand beyond the first and within the second."""
ECHO, VENUE, COMPILED = "echo", "venue", "compiled"
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
COMP_ID: Final = b"EXCH"
LOGON: Final = b"35=A\x0134=1\x0149=SOR\x0152=%s\x0156=%s\x0198=0\x01108=30\x01"
ORDER: Final = (
    b"35=D\x0134=%d\x0149=SOR\x0152=%s\x0156=%s\x0111=B%07d\x0121=1\x0155=ACME\x0154=%d\x0160=%s\x01"
    b"38=100\x0140=2\x0144=%s\x0159=%d\x01"
)
ANSWER: Final = {ECHO: b"\x0135=D\x01", VENUE: b"\x01150=0\x01", COMPILED: b"\x01150=0\x01"}
"""What is in the first answer to an order and in no other message."""


class BenchError(Exception):
    """A process did not do its part; there is nothing to judge."""


@dataclass(slots=True)
class Sample:
    """One arm under one load in one round."""

    round: int
    arm: str
    load: str
    orders: int
    orders_per_s: float
    cpu_us_per_order: float
    late_turns: dict[str, int] = field(default_factory=dict)
    """Turns that found the market so many milliseconds behind, or more."""


@dataclass(slots=True)
class Figures:
    """One arm under one load: medians over the rounds."""

    arm: str
    load: str
    orders_per_s: float
    echo_ratio: float
    """Its orders a second by the echo's of the same round, in the median round."""
    cpu_us_per_order: float
    orders_per_cpu_s: float
    late_turns: int
    """Turns of all rounds that found the market LATE_MS_MAX behind or more."""


class Client:
    """Bytes out, answers counted."""

    def __init__(self, port: int, token: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._token = token
        self._rest = b""
        self.number = 1

    def logon(self) -> None:
        """Log on and wait for the answer."""
        self._socket.send(raw.frame(LOGON % (raw.Stamp().now(), COMP_ID)))
        self.number = 2
        answer = b""
        while b"\x0135=A\x01" not in answer:
            answer += self._read()

    def prepared(self, load: str, orders: int) -> list[bytes]:
        """Orders as bytes, CHUNK a piece."""
        stamp = raw.Stamp()
        first, self.number = self.number, self.number + orders
        frames = []
        for number in range(first, self.number):
            side, now = 1 + number % 2, stamp.now()
            if load == REST:
                step = number // 2 % 100
                price = b"%.2f" % ((3_500 - step if side == 1 else 6_500 + step) / 100)
            else:
                price = LIMITS[load][side - 1]
            lifetime = 0 if load == REST else 3
            body = ORDER % (number, now, COMP_ID, number, side, now, price, lifetime)
            frames.append(raw.frame(body))
        return [b"".join(frames[at : at + CHUNK]) for at in range(0, orders, CHUNK)]

    def drive(self, chunks: list[bytes], orders: int) -> float:
        """Send them all and wait for every first answer; seconds."""
        began = time.perf_counter()
        answered, sent, out = 0, 0, b""
        chunk = iter(chunks)
        while answered < orders:
            if not out and sent - answered < WINDOW:
                out = next(chunk, b"")
                sent += CHUNK if out else 0
            readable, writable, _ = select.select(
                [self._socket], [self._socket] if out else [], [], PATIENCE_S
            )
            if not readable and not writable:
                raise BenchError(f"no word for {PATIENCE_S:.0f} s after {answered} answers")
            if writable:
                out = out[self._socket.send(out) :]
            if readable:
                answered += self._count(self._socket.recv(READ_BYTES))
        return time.perf_counter() - began

    def close(self) -> None:
        self._socket.close()

    def _count(self, data: bytes) -> int:
        if not data:
            raise BenchError("the connection was closed")
        data = self._rest + data
        # A token may lie across two pieces; none lies wholly in what is kept.
        self._rest = data[-(len(self._token) - 1) :]
        return data.count(self._token)

    def _read(self) -> bytes:
        if not select.select([self._socket], [], [], PATIENCE_S)[0]:
            raise BenchError("no answer to the Logon")
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise BenchError("the connection was closed")
        return data


def cpu_s(pid: int) -> float:
    """What a process has used, user and system."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_PER_S


class Bench:
    """The rounds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.samples: list[Sample] = []
        self.arms = [ECHO, VENUE]
        if COMPILED_CODE.is_dir():
            _check_compiled()
            self.arms.append(COMPILED)

    async def run(self) -> None:
        """All rounds. Raises BenchError and StackError."""
        for number in range(1, self._options.rounds + 1):
            for arm in self.arms:
                sys.stderr.write(f"round {number} of {self._options.rounds}: {arm}\n")
                if arm == ECHO:
                    await self._echo(number)
                else:
                    await self._venue(number, arm)

    async def _echo(self, number: int) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.echo_acceptor"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            client = Client(int(await process.stdout.readline()), ANSWER[ECHO])
            client.logon()
            for load in LOADS:
                self.samples.append(self._driven(number, ECHO, load, client, process.pid))
            client.close()
        finally:
            process.kill()
            await process.wait()

    async def _venue(self, number: int, arm: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stack = Stack(
                Path(folder),
                ROOT / "config",
                {"exchange": ("exchange", "XLIT")},
                market_scale=self._options.market_scale,
                environment=COMPILED_PATH if arm == COMPILED else None,
            )
            try:
                await stack.start_venues()
                await stack.control("exchange", "set throttle msgs=0")
                venue = stack.venues["exchange"]
                assert venue.process is not None
                client = Client(venue.port, ANSWER[arm])
                client.logon()
                for load in LOADS:
                    before = await _late_turns(stack)
                    sample = self._driven(number, arm, load, client, venue.process.pid)
                    after = await _late_turns(stack)
                    sample.late_turns = {key: after[key] - before[key] for key in after}
                    self.samples.append(sample)
                client.close()
            finally:
                await stack.stop()

    def _driven(self, number: int, arm: str, load: str, client: Client, pid: int) -> Sample:
        orders = self._options.orders
        chunks, before = client.prepared(load, orders), cpu_s(pid)
        seconds = client.drive(chunks, orders)
        cpu = (cpu_s(pid) - before) / orders * 1e6
        return Sample(number, arm, load, orders, orders / seconds, cpu)

    def figures(self) -> list[Figures]:
        """Medians over the rounds."""
        return [self._figures(arm, load) for load in LOADS for arm in self.arms]

    def _figures(self, arm: str, load: str) -> Figures:
        samples = [s for s in self.samples if (s.arm, s.load) == (arm, load)]
        echo = {s.round: s for s in self.samples if (s.arm, s.load) == (ECHO, load)}
        cpu = statistics.median(s.cpu_us_per_order for s in samples)
        return Figures(
            arm,
            load,
            statistics.median(s.orders_per_s for s in samples),
            statistics.median(s.orders_per_s / echo[s.round].orders_per_s for s in samples),
            cpu,
            1e6 / cpu,
            sum(s.late_turns.get(str(LATE_MS_MAX), 0) for s in samples),
        )


def _check_compiled() -> None:
    """An arm that ran the sources by mistake would be a lie. Raises BenchError."""
    question = "import sor_gateway.fix.codec as codec; print(codec.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", question],
        env={**os.environ, **COMPILED_PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    if not done.stdout.strip().endswith(".so"):
        raise BenchError(f"{COMPILED_CODE} is not what would run, but {done.stdout.strip()}")


async def _late_turns(stack: Stack) -> dict[str, int]:
    status: dict[str, Any] = await stack.control("exchange", "status")
    late: dict[str, int] = status["late_turns"]
    return late


def good(figures: list[Figures]) -> bool:
    """Whether the venue holds the bars."""
    judged = [each for each in figures if each.arm == VENUE]
    return {each.load for each in judged} == set(LOADS) and all(
        each.orders_per_s >= ORDERS_PER_S_MIN and each.late_turns == 0 for each in judged
    )


def shown(figures: list[Figures]) -> str:
    """A table for people."""
    lines = ["load  arm       orders/s   by echo   CPU us/order   orders/CPU s   late turns"]
    lines += [
        f"{each.load:<5} {each.arm:<9} {each.orders_per_s:>8,.0f}   {each.echo_ratio:>7.2f}"
        f"   {each.cpu_us_per_order:>12.0f}   {each.orders_per_cpu_s:>12,.0f}"
        f"   {each.late_turns:>10}"
        for each in figures
    ]
    verdict = "met" if good(figures) else "NOT met"
    lines.append(
        f"{verdict}: {', '.join(LOADS)} at least {ORDERS_PER_S_MIN:,} orders/s each, the market"
        f" never {LATE_MS_MAX} ms behind its clock"
    )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=20_000, help="per load and round")
    parser.add_argument("--market-scale", type=float, default=1.0, help="market seconds a second")
    parser.add_argument("--json", action="store_true", help="samples and figures, for programs")
    options = parser.parse_args()
    bench = Bench(options)
    asyncio.run(bench.run())
    figures = bench.figures()
    if options.json:
        report = {
            "samples": [asdict(sample) for sample in bench.samples],
            "figures": [asdict(each) for each in figures],
            "good": good(figures),
        }
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.write(shown(figures) + "\n")
    return 0 if good(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
