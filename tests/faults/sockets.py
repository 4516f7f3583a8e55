"""Every fault once over real sockets: processes, TCP, control sockets, the admin port.

Owns: a small desk of processes, how each fault is set by words, what is compared before and after.
May not know: the harness. What is checked in depth is checked there; here it is that the same
holds where there is a kernel in between.

    python -m tests.faults.sockets [--only dup_er,bust] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import Ledger
from sor_gateway.stack import Stack, StackError, venues_of
from tests.faults.audit import DISPUTED, UNTOLD

CONFIG: Final = Path(__file__).parents[2] / "config"
VENUES: Final = ("dark-a", "ecn", "exchange")
FAULTY: Final = ("dark-a", "exchange")
ORDERS_S: Final = 10.0
SETTLE_S: Final = 40.0
POLL_S: Final = 0.1
WORDS: Final[dict[str, str]] = {
    "disconnect": "during=fill part=half count=2",
    "cod": "grace_ms=50 count=2",
    "dup_er": "n=2",
    "reorder": "kind=any",
    "late_fill": "after_cxl_ms=100 count=1",
    "bust": "delay_s=0.5 count=2",
    "correct": "delay_s=0.5 count=2",
    "unsol_cancel": "ms=50",
    "stuck_pending": "kind=cancel ms=3000 count=1",
    "no_ack": "lose=ack count=2",
    "reject_storm": "count=12",
    "seq_gap": "skip_n=2 count=2",
    "seq_low": "count=1",
    "resend_ignored": "count=1",
    "gapfill_wrong": "count=1",
    "resend_fresh_dup": "count=1",
    "slow_consumer": "at_s=0.2 ms=1500",
    "tcp_stall": "at_s=0.2 ms=1500",
    "halt": "at_s=0.2 resume_s=2",
    "luld": "at_s=0.2",
    "session": "at_s=0.2 reopen_s=2",
    "clock_skew": "ms=20000 for_s=4",
    "stale_md": "for_s=4",
    "crossed": "for_s=4",
    "md_silent": "for_s=4",
    "md_gap": "p=0.2 for_s=4",
    "garbled": "kind=checksum count=2",
    "price_bad": "count=1",
    "overfill": "count=1",
    "wrong_side": "count=1",
    "id_reuse": "count=2",
    "orderid_change": "p=1",
    "logon_fail": "count=2",
    "partial_write": "chunk=5 for_s=4",
    "fee_surprise": "micros=500",
    "restart": "at_s=0.3 down_ms=300 lose=orders",
    "executes_queue": "p=1",
    "half_open": "at_s=0.3",
    "resend_gap_filled": "count=1",
}
"""How each fault is set over the control socket."""
WITH_CUT: Final = frozenset(
    {
        *("cod", "resend_ignored", "gapfill_wrong", "resend_fresh_dup", "resend_gap_filled"),
        *("logon_fail", "executes_queue"),
    }
)
"""Those that need a line to go down."""


@dataclass(slots=True)
class Outcome:
    """One fault."""

    fault: str
    took_s: float = 0.0
    struck: int = 0
    """How often it happened, as the venues count."""
    alarms: dict[str, int] = field(default_factory=dict)
    resolved: int = 0
    wrong: list[str] = field(default_factory=list)


class Sockets:
    """The desk, and what is compared."""

    def __init__(self, stack: Stack, ems: Ems) -> None:
        self.stack = stack
        self.ems = ems
        self.differing: dict[str, str] = {}
        """Venues whose three accounts differed before this fault, and how."""

    async def run(self, fault: str) -> Outcome:
        """Set it, trade, take it away, settle, compare."""
        outcome, began = Outcome(fault), time.monotonic()
        before = (await self.ask("status"))["alarms"]
        for venue in FAULTY:
            answer = await self.stack.control(venue, f"fault {fault} {WORDS[fault]}")
            if "error" in answer:
                outcome.wrong.append(f"{venue}: {answer['error']}")
        orders: list[str] = []
        end = began + ORDERS_S
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += [
                self.order("sell", 6_000, "balanced"),
                self.order("buy", 2_500, "lit-sweep"),
                self.order("sell", 2_500, "lit-sweep"),
            ]
            if fault in WITH_CUT:
                await asyncio.sleep(0.2)
                for venue in FAULTY:
                    await self.stack.control(venue, "disconnect SOR-FIX.4.4 rst")
            await self.over(orders, ORDERS_S / 4)
            outcome.struck = sum([await self.struck(venue, fault) for venue in FAULTY])
        for venue in FAULTY:
            await self.control(venue, f"fault {fault} off")
        await self.settle(orders, outcome)
        alarms = (await self.ask("status"))["alarms"]
        outcome.alarms = {
            code: count - before.get(code, 0)
            for code, count in alarms.items()
            if count > before.get(code, 0)
        }
        await self.compare(orders, outcome)
        outcome.took_s = round(time.monotonic() - began, 1)
        return outcome

    async def struck(self, venue: str, fault: str) -> int:
        """How often a fault happened at a venue since it was set."""
        return int((await self.control(venue, f"fault {fault}"))["struck"])

    async def control(self, venue: str, words: str) -> dict[str, Any]:
        """A venue's control socket; one that is just restarting is asked again."""
        for _ in range(50):
            try:
                return await self.stack.control(venue, words)
            except OSError:
                await asyncio.sleep(POLL_S)
        raise StackError(f"{venue} does not answer")

    def order(self, side: str, quantity: int, strategy: str) -> str:
        limit = Decimal("40") if side == "sell" else Decimal("60")
        return self.ems.submit(NewOrder(side, "ACME", quantity, "limit", limit, strategy=strategy))

    async def over(self, orders: list[str], limit_s: float) -> bool:
        """Whether all are over within so long."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if all(self.ledger.orders[each].over for each in orders):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def settle(self, orders: list[str], outcome: Outcome) -> None:
        """Good weather: what is left is taken back; an operator ends what no venue ends, and lets
        venues in again."""
        end = time.monotonic() + SETTLE_S
        asked: set[str] = set()
        while not await self.over(orders, 1.0) and time.monotonic() < end:
            for each in orders:
                if not self.ledger.orders[each].over and each not in asked:
                    self.ems.cancel(each)
                    asked.add(each)
            if time.monotonic() < end - SETTLE_S / 2:
                continue
            for row in (await self.ask("doubts"))["children"]:
                body: dict[str, Any] = {"reason": "by telephone", "filled": None, "price": None}
                await self.ask(f"children/{row['child']}/resolve", body)
                outcome.resolved += 1
        for row in (await self.ask("doubts"))["venues"]:
            if "quarantine" in row["reason"]:
                body = {"on": False, "reason": "the drill is over"}
                await self.ask(f"venues/{row['venue']}/quarantine", body)
        while not await self.stack.is_ready() and time.monotonic() < end:
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(1.0)  # what a fault planned for later

    async def compare(self, orders: list[str], outcome: Outcome) -> None:
        """Every order over; the three accounts, as far as no alarm explains a difference."""
        for each in orders:
            order = self.ledger.orders[each]
            if not order.over and not outcome.alarms:
                outcome.wrong.append(f"{each} is {order.state.value} and nobody is told")
        over_filled = bool(outcome.alarms.get("over-fill"))
        violations, self.ledger.violations[:] = list(self.ledger.violations), []
        outcome.wrong += [
            each
            for each in violations
            if not (over_filled and (" filled of " in each or "LeavesQty" in each))
        ][:3]
        for account in await self.stack.accounts(self.ledger):
            found = "" if account.agrees else str(account)
            shares = {each.shares for each in (account.at_gateway, account.at_client)}
            if len(shares) > 1:
                outcome.wrong.append(f"{account.venue}: booked is not told: {account}")
            elif found != self.differing.get(account.venue, ""):
                same = account.at_venue.shares == account.at_client.shares
                if not any(outcome.alarms.get(code) for code in (UNTOLD if same else DISPUTED)):
                    outcome.wrong.append(f"{account.venue}: {account}")
            self.differing[account.venue] = found

    @property
    def ledger(self) -> Ledger:
        """What the EMS was told."""
        return self.ems.ledger

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The admin port."""

        def call() -> Any:
            url = f"http://127.0.0.1:{self.stack.admin_port}/{path}"
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)

        return await asyncio.to_thread(call)


async def run_all(faults: list[str], folder: Path, console: Console) -> list[Outcome]:
    """One desk, one fault after the other."""
    venues = {name: each for name, each in venues_of(CONFIG).items() if name in VENUES}
    stack = Stack(folder, CONFIG, venues)
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        await stack.start_venues()
        await stack.start_gateway()
        await stack.ready()
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        await ems.wait_active(10)
        desk = Sockets(stack, ems)
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            task = progress.add_task("faults over sockets", total=len(faults))
            for fault in faults:
                outcomes.append(await desk.run(fault))
                stack.check_alive()
                progress.advance(task)
        await ems.stop()
    finally:
        await stack.stop()
    return outcomes


def table(outcomes: list[Outcome]) -> Table:
    """What came of each."""
    shown = Table(title="faults over real sockets", title_justify="left")
    for heading in ("fault", "struck", "alarms", "by hand", "s", ""):
        shown.add_column(heading)
    for each in outcomes:
        alarms = ", ".join(f"{code} {count}" for code, count in each.alarms.items())
        good = "[red]RED[/red] " + each.wrong[0] if each.wrong else "[green]green[/green]"
        struck = str(each.struck)
        shown.add_row(each.fault, struck, alarms, str(each.resolved or ""), f"{each.took_s}", good)
    return shown


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sockets")
    parser.add_argument("--only", default="", help="names of faults")
    parser.add_argument("--json", type=Path, default=None, help="write the results there too")
    arguments = parser.parse_args()
    faults = [each for each in arguments.only.split(",") if each] or list(WORDS)
    if unknown := [each for each in faults if each not in WORDS]:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(WORDS)}")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="sor-faults-") as folder:
        try:
            outcomes = asyncio.run(run_all(faults, Path(folder), console))
        except StackError as error:
            console.print(f"[red]{error}[/red]")
            return 1
    console.print(table(outcomes))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(each) for each in outcomes], indent=2))
    return 1 if any(each.wrong for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
