"""A whole desk on this machine: simulated venues and the gateway as processes of their own.

Owns: free ports, the processes, their folders and logs, and the account that compares what the
venues, the gateway and the EMS each believe was traded.
May not know: how a venue matches or how the router decides. It talks to the venues through their
control sockets and to the gateway through its journal and its admin port, as an operator would.
Used by the demo, the crash harness, the interoperability tests and the benchmarks.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sor_gateway import config as configuration
from sor_gateway.client.ledger import Ledger
from sor_gateway.config.scenario import market_file
from sor_gateway.projection import follower, queries

READY_TIMEOUT_S: Final = 60.0
"""Eight processes come up in four seconds on an idle machine, and in thirty on a busy one."""
STOP_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.05
MICROS: Final = 1_000_000
LOG_TAIL_CHARACTERS: Final = 2_000
PORTS: Final = range(12_000, 32_000)
"""Below those that systems take for outgoing connections (32768 and up on Linux): nobody's
connection may take a port between our look and the start of the process that listens on it."""
PORT_TRIES: Final = 100
PAIR: Final = {"dark-a": ("dark", "DRKA"), "exchange": ("exchange", "XLIT")}
"""One dark venue and one lit: enough where the gateway's own life is what matters."""
MARKET_AGE_MS: Final = 60_000
"""How long a desk's market has run when the desk comes up: a seed then gives much the same market
at any time of the day."""


class StackError(Exception):
    """A process did not come up or ended by itself; the text names it and its log."""


@dataclass(slots=True)
class Totals:
    """What one party believes was traded at one venue."""

    executions: int = 0
    shares: int = 0
    value_micros: int = 0
    fees_micros: int = 0

    def add(self, other: Totals) -> None:
        """Add another's figures to these."""
        self.executions += other.executions
        self.shares += other.shares
        self.value_micros += other.value_micros
        self.fees_micros += other.fees_micros


@dataclass(slots=True)
class VenueProcess:
    """One simulated venue."""

    name: str
    kind: str
    mic: str
    port: int
    control_port: int
    process: asyncio.subprocess.Process | None = None


@dataclass(slots=True)
class Account:
    """The three sides of one venue's trading."""

    venue: str
    at_venue: Totals = field(default_factory=Totals)
    at_gateway: Totals = field(default_factory=Totals)
    at_client: Totals = field(default_factory=Totals)

    @property
    def agrees(self) -> bool:
        """Whether all three sides say the same, to the share and the micro."""
        return self.at_venue == self.at_gateway == self.at_client


def free_port() -> int:
    """A loopback port that nobody has at this moment. Raises StackError."""
    with reserve_port() as held:
        port: int = held.getsockname()[1]
        return port


def reserve_port() -> socket.socket:
    """A loopback port of our own: as long as the socket is open, nobody finds it free, and the
    process that it is for may still listen on it (both say SO_REUSEADDR, and this one never
    listens). Raises StackError."""
    for _ in range(PORT_TRIES):
        address = ("127.0.0.1", random.SystemRandom().choice(PORTS))
        with socket.socket() as probe:
            try:
                probe.bind(address)
            except OSError:
                continue
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        return held
    raise StackError(f"no free port found between {PORTS.start} and {PORTS.stop}")


def venues_of(config: Path) -> dict[str, tuple[str, str]]:
    """Kind and MIC of each venue that a configuration folder enables. Raises ConfigError."""
    venues = configuration.load(config, {}).router.venues
    return {name: (venue.kind.value, venue.mic) for name, venue in venues.items() if venue.enabled}


class Stack:
    """Starts, watches and stops the processes; see the module."""

    def __init__(
        self,
        folder: Path,
        config: Path,
        venues: Mapping[str, tuple[str, str]],
        *,
        scenario: str = "default",
        market_scale: float = 60.0,
        seed: int = 42,
        gateway_command: Sequence[str] = ("-m", "sor_gateway", "run"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`venues` maps a venue's name to its kind and MIC."""
        self.folder = folder
        self.config = config
        self.scenario = scenario
        self.market_scale = market_scale
        self.seed = seed
        self.market_start_ms = int(time.time() * 1_000) - MARKET_AGE_MS
        """When market time was 0: the same for all venues, and for a venue started again."""
        self.gateway_command = list(gateway_command)
        self.not_ready = ""
        """Why the gateway was not ready when it was last asked."""
        self._held: list[socket.socket] = []
        """Ports that are ours until we stop."""
        self.port = self._reserve()
        self.admin_port = self._reserve()
        self.venues = {
            name: VenueProcess(name, kind, mic, self._reserve(), self._reserve())
            for name, (kind, mic) in venues.items()
        }
        self.gateway: asyncio.subprocess.Process | None = None
        self.extra = dict(environment or {})
        """Further environment of the gateway; it has the last word."""
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def journal(self) -> Path:
        """The gateway's journal."""
        return self.folder / "journal"

    @property
    def database(self) -> Path:
        """The gateway's projection."""
        return self.folder / "gateway.db"

    def venue_journal(self, name: str) -> Path:
        """A venue's journal."""
        return self.folder / f"venue-{name}"

    def check_alive(self) -> None:
        """Raises StackError when a process that was started is not there any more."""
        processes = {f"venue-{venue.name}": venue.process for venue in self.venues.values()}
        for name, process in {**processes, "gateway": self.gateway}.items():
            if process is not None and process.returncode is not None:
                raise StackError(self._end_of(name, f"ended with {process.returncode}"))

    def environment(self) -> dict[str, str]:
        """The environment that points the gateway at this desk's ports and folders. A venue of the
        configuration that is not of this desk is disabled."""
        keys = {
            "SOR__GATEWAY__LISTEN": f"127.0.0.1:{self.port}",
            "SOR__GATEWAY__ADMIN": f"127.0.0.1:{self.admin_port}",
            "SOR__GATEWAY__JOURNAL": str(self.journal),
            "SOR__GATEWAY__DATABASE": str(self.database),
        }
        for venue in self.venues.values():
            keys[_variable(venue.name, "HOST")] = "127.0.0.1"
            keys[_variable(venue.name, "PORT")] = str(venue.port)
        for file in self.config.joinpath("venues").glob("*.toml"):
            if file.stem not in self.venues:
                keys[_variable(file.stem, "ENABLED")] = "false"
        return {**os.environ, **keys, **self.extra}

    async def start_venues(self) -> None:
        """Start all venues at once, and wait until each answers."""
        await asyncio.gather(*(self.start_venue(name) for name in self.venues))

    async def start_venue(self, name: str) -> None:
        """Start one venue and wait until its control socket answers."""
        venue = self.venues[name]
        venue.process = await self._spawn(
            f"venue-{name}",
            [
                *("-m", "venue_sims", "--kind", venue.kind),
                *("--venue", str(self.config / "scenarios" / self.scenario / f"{name}.toml")),
                *("--market", str(market_file(self.config, self.scenario))),
                *("--port", str(venue.port), "--control", f"127.0.0.1:{venue.control_port}"),
                *("--seed", str(self.seed), "--clock", f"scaled:{self.market_scale:g}"),
                *("--t0", str(self.market_start_ms)),
                *("--journal", str(self.venue_journal(name))),
            ],
        )
        await self._until(f"venue-{name}", venue.process, lambda: self._answers(name))

    async def kill_venue(self, name: str) -> None:
        """End a venue as a crash would; `start_venue` brings it back with its journal."""
        process = self.venues[name].process
        assert process is not None
        process.kill()
        await process.wait()

    async def start_gateway(self) -> None:
        """Start the gateway; it need not be ready yet."""
        self.gateway = await self._spawn(
            "gateway", [*self.gateway_command, "--config", str(self.config)]
        )

    async def ready(self) -> None:
        """Wait until the gateway has synchronised every venue."""
        assert self.gateway is not None
        await self._until("gateway", self.gateway, self.is_ready)

    async def stop(self) -> None:
        """Stop everything that was started, the gateway first; kill what does not stop."""
        if self.gateway is not None:
            await _stop(self.gateway)
        for venue in self.venues.values():
            if venue.process is not None:
                await _stop(venue.process)
        for held in self._held:
            held.close()

    async def stop_gateway(self) -> int:
        """End the gateway as an operator would (SIGTERM); its exit code."""
        assert self.gateway is not None
        return await _stop(self.gateway)

    async def is_ready(self) -> bool:
        """Whether /readyz says yes."""
        url = f"http://127.0.0.1:{self.admin_port}/readyz"
        self.not_ready = await asyncio.to_thread(_not_ready, url)
        return not self.not_ready

    async def control(self, name: str, command: str) -> dict[str, Any]:
        """Ask a venue's control socket one question."""
        port = self.venues[name].control_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        try:
            writer.write(json.dumps({"command": command}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
        finally:
            writer.close()
        return answer

    async def accounts(self, *ledgers: Ledger) -> list[Account]:
        """What each side believes was traded at each venue; a ledger for each EMS."""
        await asyncio.to_thread(follower.refresh, self.journal, self.database)
        at_gateway = {row.venue: row for row in queries.ledger(self.database).venues}
        at_client = client_totals(*ledgers)
        accounts = []
        for venue in self.venues.values():
            account = Account(venue.name, await self._venue_totals(venue.name))
            row = at_gateway.get(venue.name)
            if row is not None:
                account.at_gateway = Totals(
                    row.executions, row.shares, row.value_micros, row.fees_micros
                )
            account.at_client = at_client.pop(venue.mic, Totals())
            accounts.append(account)
        accounts.extend(Account(mic, at_client=totals) for mic, totals in at_client.items())
        return accounts

    def _reserve(self) -> int:
        held = reserve_port()
        self._held.append(held)
        port: int = held.getsockname()[1]
        return port

    async def _venue_totals(self, name: str) -> Totals:
        answer = await self.control(name, "ledger")
        totals = Totals()
        for row in answer["sessions"]:
            totals.add(
                Totals(row["executions"], row["shares"], row["value_micros"], row["fees_micros"])
            )
        return totals

    async def _answers(self, name: str) -> bool:
        try:
            await self.control(name, "status")
        except OSError:
            return False
        return True

    async def _spawn(self, name: str, arguments: list[str]) -> asyncio.subprocess.Process:
        log = (self.folder / f"{name}.log").open("ab")
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        finally:
            log.close()

    async def _until(self, name: str, process: asyncio.subprocess.Process, check: Any) -> None:
        """Poll until `check` says yes. Raises StackError when the process ends or time is up."""
        for _ in range(int(READY_TIMEOUT_S / POLL_S)):
            if process.returncode is not None:
                raise StackError(self._end_of(name, f"ended with {process.returncode}"))
            if await check():
                return
            await asyncio.sleep(POLL_S)
        why = f" ({self.not_ready})" if name == "gateway" else ""
        raise StackError(self._end_of(name, f"is not ready after {READY_TIMEOUT_S:.0f} s{why}"))

    def _end_of(self, name: str, what: str) -> str:
        """What happened to a process, and the last that it wrote."""
        log = self.folder / f"{name}.log"
        tail = log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        return f"{name} {what}; {log} says:\n{tail}"


def client_totals(*ledgers: Ledger) -> dict[str, Totals]:
    """What each EMS was told, added up by LastMkt."""
    totals: dict[str, Totals] = {}
    for order in (order for ledger in ledgers for order in ledger.orders.values()):
        for fill in order.fills:
            total = totals.setdefault(fill.last_market, Totals())
            total.add(
                Totals(
                    1,
                    fill.quantity,
                    _to_micros(fill.quantity * fill.price),
                    _to_micros(fill.fee),
                )
            )
    return totals


def _to_micros(amount: Decimal) -> int:
    """Exact: raises ValueError when there is anything beyond the sixth decimal."""
    micros = amount * MICROS
    if micros != micros.to_integral_value():
        raise ValueError(f"{amount} has more than six decimals")
    return int(micros)


async def _stop(process: asyncio.subprocess.Process) -> int:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
    return await process.wait()


def _variable(venue: str, key: str) -> str:
    """The environment variable of a key of a venue's file."""
    return f"SOR__VENUES__{venue.upper().replace('-', '_')}__{key}"


def _not_ready(url: str) -> str:
    """Why it is not, as /readyz tells or as the network does; empty when it is."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return str(error)
