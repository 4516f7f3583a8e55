"""`make soak`: three EMS sessions, a thousand parents, venues that reject, fade and die once.

Owns: the course of the soak, its audit and its tables.

Every parent has to end; venues, gateway and the three EMS have to agree on each venue to the share
and the micro, and gateway and EMS on each parent; no venue may hold a live order at the end; no
process may have logged an error. The gateway's memory is shown before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sor_gateway import config as configuration
from sor_gateway.client.ems import Ems, EmsSettings
from sor_gateway.client.ledger import OrderState
from sor_gateway.client.session import SessionSettings
from sor_gateway.demo.audit import venue_totals
from sor_gateway.demo.venue_record import VenueRecord, read
from sor_gateway.projection import queries
from sor_gateway.stack import Account, Stack, venues_of
from sor_gateway.tca.report import narrow_table
from tests.soak.desk import SCENARIO, SESSIONS, SYMBOLS, prepare
from tests.soak.load import Trader

ROOT = Path(__file__).parents[2]
MARKET_SCALE = 10.0
"""Slower than the demo's: eight symbols at seven venues are a lot of market for two cores."""
AT_ONCE = 20
"""Parents that each trader keeps open."""
LOOK_S = 0.05
FINISH_S = 60.0
"""After the last trader lost patience, every parent has to be over within this."""
SETTLE_S = 1.0
DOWN_S = 2.0
"""How long the venue stays dead."""
RESTARTED = "exchange"
BAD_LEVELS = frozenset({"error", "critical"})


@dataclass(slots=True)
class Options:
    parents: int
    seed: int
    reject_share: float
    fade_p: float
    limit_s: float


@dataclass(slots=True)
class Result:
    options: Options
    traders: list[Trader] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    records: dict[str, VenueRecord] = field(default_factory=dict)
    memory_kib: dict[str, int] = field(default_factory=dict)
    """The gateway's resident memory at named moments."""
    restarted_ns: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


class Soak:
    def __init__(self, options: Options, folder: Path, console: Console) -> None:
        self.console = console
        self.result = Result(options)
        self.config = prepare(ROOT / "config", folder, options.reject_share, options.fade_p)
        self.venues = venues_of(self.config)
        self.stack = Stack(
            folder,
            self.config,
            self.venues,
            scenario=SCENARIO,
            market_scale=MARKET_SCALE,
            seed=options.seed,
        )
        strategies = sorted(configuration.load(self.config, {}).router.strategies)
        dice = random.Random(options.seed)
        shares = [options.parents // len(SESSIONS)] * len(SESSIONS)
        shares[0] += options.parents - sum(shares)
        for (name, version), count in zip(SESSIONS.items(), shares, strict=True):
            session = SessionSettings(version, name, "SOR")
            ems = Ems(
                EmsSettings(
                    port=self.stack.port, session=session, state_file=folder / f"{name}.state"
                )
            )
            trader = Trader(ems, random.Random(dice.random()), strategies, count, AT_ONCE)
            self.result.traders.append(trader)

    async def run(self) -> Result:
        started = time.monotonic()
        try:
            await self.stack.start_venues()
            await self.stack.start_gateway()
            await self.stack.ready()
            for trader in self.result.traders:
                await trader.ems.start()
                await trader.ems.wait_active(10)
            self.remember("before")
            await self.trade()
            await asyncio.sleep(SETTLE_S)
            self.remember("after")
            await self.audit()
        finally:
            for trader in self.result.traders:
                await trader.ems.stop()
            await self.stop()
        self.result.violations += bad_log_lines(self.stack.folder)
        self.result.seconds = time.monotonic() - started
        return self.result

    async def trade(self) -> None:
        """Let the traders work; one venue dies when half of the parents are over, and a quarter is
        kept back until it is there again: something has to come to it then."""
        options, traders = self.result.options, self.result.traders
        deadline = time.monotonic() + options.limit_s
        restart: asyncio.Task[None] | None = None
        with Progress(console=self.console, transient=True) as progress:
            task = progress.add_task("parents", total=options.parents)
            while not all(trader.finished for trader in traders):
                is_back = restart is not None and restart.done()
                for trader in traders:
                    trader.work(kept_back=0 if is_back else trader.count // 4)
                self.stack_lives(restart)
                done = sum(len(trader.done) for trader in traders)
                if restart is None and 2 * done >= options.parents:
                    self.remember("half way")
                    restart = asyncio.create_task(self.restart())
                progress.update(task, completed=done)
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(LOOK_S)
        if restart is not None:
            await restart
        await self.last_call()

    def stack_lives(self, restart: asyncio.Task[None] | None) -> None:
        if restart is None or restart.done():
            self.stack.check_alive()

    async def restart(self) -> None:
        """kill -9, and back with what its journal remembers."""
        self.result.restarted_ns = time.time_ns()
        await self.stack.kill_venue(RESTARTED)
        await asyncio.sleep(DOWN_S)
        await self.stack.start_venue(RESTARTED)

    async def last_call(self) -> None:
        """Whoever is still open when the time is up is asked for, and then a violation."""
        deadline = time.monotonic() + FINISH_S
        for trader in self.result.traders:
            for wish in trader.open:
                wish.cancel_s = 0.0
        while time.monotonic() < deadline:
            for trader in self.result.traders:
                trader.work()
            if not any(trader.open for trader in self.result.traders):
                break
            await asyncio.sleep(LOOK_S)
        for trader in self.result.traders:
            for wish in trader.open:
                state = trader.order_of(wish).state
                self.result.violations.append(f"{wish.cl_ord_id} never ended: {state}")

    def remember(self, moment: str) -> None:
        assert self.stack.gateway is not None
        self.result.memory_kib[moment] = resident_kib(self.stack.gateway.pid)

    async def audit(self) -> None:
        result, violations = self.result, self.result.violations
        sent = sum(trader.sent for trader in result.traders)
        if sent != result.options.parents:
            violations.append(f"only {sent} parents were sent in {result.options.limit_s:.0f} s")
        for trader in result.traders:
            violations += client_violations(trader)
        ledgers = [trader.ems.ledger for trader in result.traders]
        result.accounts = await self.stack.accounts(*ledgers)
        for name, (kind, _) in self.venues.items():
            journal = self.stack.venue_journal(name)
            result.records[name] = await asyncio.to_thread(read, journal, kind != "dark")
        for account in result.accounts:
            record = result.records.get(account.venue)
            if record is not None:
                account.at_venue = venue_totals(record)
            if not account.agrees:
                violations.append(
                    f"{account.venue}: the venue says {account.at_venue}, the gateway "
                    f"{account.at_gateway}, the EMS {account.at_client}"
                )
        violations += venue_violations(result)
        violations += parent_violations(self.stack.database, result.traders)

    async def stop(self) -> None:
        if self.stack.gateway is not None and self.stack.gateway.returncode is None:
            code = await self.stack.stop_gateway()
            if code:
                self.result.violations.append(f"the gateway ended with {code}")
        await self.stack.stop()


# --- what must not be -------------------------------------------------------------------------


def client_violations(trader: Trader) -> Iterator[str]:
    """What one EMS can tell by itself."""
    ledger = trader.ems.ledger
    name = trader.ems.settings.session.sender_comp_id
    for text in [*ledger.violations, *ledger.rejects]:
        yield f"{name}: {text}"
    for order in ledger.orders.values():
        if order.cum_quantity > order.quantity:
            yield f"{name}: {order.cl_ord_id} over-filled: {order.cum_quantity}"
        if order.state is OrderState.REJECTED:
            yield f"{name}: {order.cl_ord_id} rejected: {order.text}"


def venue_violations(result: Result) -> Iterator[str]:
    """What the venues' journals show."""
    for name, record in result.records.items():
        live = [order.cl_ord_id for order in record.orders.values() if not order.ended_ns]
        if live:
            yield f"{name} still holds {len(live)} live orders, {live[0]} among them"
        seen = [each.exec_id for each in record.executions]
        if len(set(seen)) != len(seen):
            yield f"{name} used an ExecID twice"
    rejected = sum(record.rejected for record in result.records.values())
    if result.options.reject_share and not rejected:
        yield "no venue rejected anything: the fault was not there"
    if result.restarted_ns:
        later = [
            each
            for each in result.records[RESTARTED].executions
            if each.at_ns > result.restarted_ns
        ]
        if not later:
            yield f"{RESTARTED} did not trade after its restart"
    else:
        yield "no venue was restarted"


def parent_violations(database: Path, traders: list[Trader]) -> Iterator[str]:
    """Gateway and EMS on each parent."""
    rows = {(row.client, row.cl_ord_id): row for row in queries.orders(database)}
    for trader in traders:
        name = trader.ems.settings.session.sender_comp_id
        for order in trader.ems.ledger.orders.values():
            row = rows.pop((name, order.accepted_id), None)
            if row is None:
                yield f"{name}: the gateway has no order {order.accepted_id}"
                continue
            ours = (row.state, row.cum_quantity, row.cum_value_micros, row.fees_micros)
            theirs = (
                order.state.value,
                order.cum_quantity,
                int(order.value.scaleb(6)),
                int(order.fees.scaleb(6)),
            )
            if ours != theirs:
                yield f"{name}: {order.accepted_id} is {ours} here and {theirs} there"
    for client, cl_ord_id in rows:
        yield f"the gateway has an order {cl_ord_id} that {client} does not know"


def bad_log_lines(folder: Path) -> Iterator[str]:
    """Errors in any log, and what is no log line at all."""
    for log in sorted(folder.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            try:
                level = json.loads(line)["level"]
            except (ValueError, KeyError, TypeError):
                yield f"{log.name}: {line}"
                continue
            if level in BAD_LEVELS:
                yield f"{log.name}: {line}"


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{pid}/status has no VmRSS")


# --- what people see --------------------------------------------------------------------------


def strategy_table(result: Result) -> Table:
    headings = ["strategy", "parents", "filled", "canceled", "expired", "filled %", "median s"]
    table = narrow_table("Parents, by strategy", headings, left=("strategy",))
    rows: dict[str, list[tuple[str, int, int, float]]] = {}
    for trader in result.traders:
        for wish in trader.done:
            order = trader.order_of(wish)
            row = (
                order.state.value,
                order.cum_quantity,
                order.quantity,
                wish.ended_s - wish.sent_s,
            )
            rows.setdefault(wish.order.strategy, []).append(row)
            rows.setdefault("all", []).append(row)
    for name in sorted(rows, key=lambda name: (name == "all", name)):
        states = [state for state, *_ in rows[name]]
        shares = sum(filled for _, filled, _, _ in rows[name])
        wanted = sum(quantity for _, _, quantity, _ in rows[name])
        table.add_row(
            name,
            f"{len(states):,}",
            *(f"{states.count(state):,}" for state in ("filled", "canceled", "expired")),
            f"{100 * shares / wanted:.1f}",
            f"{median(seconds for *_, seconds in rows[name]):.2f}",
        )
    return table


def venue_table(result: Result) -> Table:
    headings = ["venue", "orders", "rejected", "%", "executions", "shares", "fees USD", "sides"]
    table = narrow_table("Venues", headings, left=("venue",))
    for account in result.accounts:
        record = result.records.get(account.venue, VenueRecord(lit=False))
        count = len(record.orders) + record.rejected
        table.add_row(
            account.venue,
            f"{count:,}",
            f"{record.rejected:,}",
            f"{100 * record.rejected / count:.1f}" if count else "-",
            f"{account.at_venue.executions:,}",
            f"{account.at_venue.shares:,}",
            f"{account.at_venue.fees_micros / 1e6:,.2f}",
            "agree" if account.agrees else "DIFFER",
        )
    return table


def render(console: Console, result: Result) -> None:
    console.print(strategy_table(result), "")
    console.print(venue_table(result), "")
    memory = ", ".join(f"{name} {kib / 1024:.1f}" for name, kib in result.memory_kib.items())
    sent = sum(trader.sent for trader in result.traders)
    logons = sum(trader.ems.logons for trader in result.traders)
    console.print(f"memory of the gateway, MiB: {memory}", highlight=False)
    console.print(
        f"{sent:,} parents over {len(SYMBOLS)} symbols and {len(SESSIONS)} EMS sessions "
        f"({logons} logons), {RESTARTED} killed once, {result.seconds:.0f} s",
        highlight=False,
    )
    for violation in result.violations[:40]:
        console.print(f"violation: {violation}", markup=False, highlight=False)
    console.print(f"violations {len(result.violations)}", highlight=False)


def as_json(result: Result) -> dict[str, Any]:
    return {
        "seed": result.options.seed,
        "parents": sum(trader.sent for trader in result.traders),
        "seconds": round(result.seconds, 1),
        "memory_kib": result.memory_kib,
        "rejected": {name: record.rejected for name, record in result.records.items()},
        "agree": {account.venue: account.agrees for account in result.accounts},
        "violations": result.violations,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    parser.add_argument("--reject-share", type=float, default=0.05, help="of new orders, by venue")
    parser.add_argument("--fade", type=float, default=0.2, help="of takers that find less")
    parser.add_argument("--limit-s", type=float, default=240.0, help="for sending all parents")
    parser.add_argument("--keep", type=Path, help="keep journals and logs in this folder")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seed = given.seed or random.SystemRandom().randrange(1, 1 << 31)
    options = Options(given.parents, seed, given.reject_share, given.fade, given.limit_s)
    console = Console(quiet=given.json)
    console.print(f"seed {seed}: python -m tests.soak.run --parents {given.parents} --seed {seed}")
    with tempfile.TemporaryDirectory(prefix="sor-soak-") as scratch:
        result = asyncio.run(Soak(options, given.keep or Path(scratch), console).run())
    render(console, result)
    if given.json:
        sys.stdout.write(json.dumps(as_json(result), indent=2) + "\n")
    sys.exit(1 if result.violations else 0)


if __name__ == "__main__":
    main()
