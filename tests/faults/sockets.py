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
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import Ledger, OrderState
from sor_gateway.stack import Account, Stack, StackError, venues_of
from tests.admin import ask
from tests.faults.audit import DISPUTED, UNTOLD
from tests.faults.relay import Relay
from tests.faults.run import TABLE_COLUMNS

CONFIG: Final = Path(__file__).parents[2] / "config"
VENUES: Final = ("dark-a", "ecn", "exchange")
FAULTY: Final = ("dark-a", "exchange")
LIT: Final = ("ecn", "exchange")
BEHIND_RELAY: Final = "ecn"
DESKS: Final = 2
"""Desks at a time: most of a drill is waiting."""
ORDERS_S: Final = 30.0
"""The longest time until a fault has happened."""
PATIENCE_S: Final = 2.5
"""How long orders have before others follow."""
SETTLE_S: Final = 60.0
LATE_S: Final = 15.0
POLL_S: Final = 0.1
SHIPPED_THROTTLE: Final = 200
"""What the shipped venues let through in a second."""
LOST_FILLS: Final = "fault disconnect during=fill part=none count=3"
"""Then there is something to send again."""
ASKS_LATE: Final = "fault tcp_stall ms=13000 session=SOR"
"""Then the orders that a venue asks for are too old to be sent again (recovery.md 3.2)."""


@dataclass(slots=True)
class Drill:
    """How a fault is set over the control socket, and what it needs to happen."""

    words: str
    beside: tuple[str, ...] = ()
    """What else is said to the venues."""
    at: tuple[str, ...] = FAULTY
    cut: bool = False
    """It needs a line to go down."""
    lose: bool = False
    """It needs an order that never arrives."""
    lasts_s: float = ORDERS_S
    """How long it may take to happen."""
    quiet_s: float = 0.0
    """For how long nothing is sent before: a marker that is under way would end the line."""


DRILLS: Final[dict[str, Drill]] = {
    "disconnect": Drill("during=fill part=half count=2"),
    "cod": Drill("grace_ms=50 count=2", cut=True),
    "dup_er": Drill("n=2"),
    "reorder": Drill("kind=any"),
    "late_fill": Drill("after_cxl_ms=100 count=1"),
    "bust": Drill("delay_s=0.5 count=2"),
    "correct": Drill("delay_s=0.5 count=2"),
    "unsol_cancel": Drill("ms=50"),
    "stuck_pending": Drill("kind=cancel ms=3000 count=1"),
    "no_ack": Drill("lose=ack count=2"),
    "reject_storm": Drill("count=12"),
    "seq_gap": Drill("skip_n=2 count=2"),
    "seq_low": Drill("count=1"),
    "resend_ignored": Drill("count=1", beside=(LOST_FILLS,)),
    "gapfill_wrong": Drill("count=1", beside=(LOST_FILLS,)),
    "resend_fresh_dup": Drill("count=1", beside=(LOST_FILLS,)),
    "slow_consumer": Drill("at_s=0.2 ms=1500"),
    "tcp_stall": Drill("at_s=0.2 ms=1500"),
    "halt": Drill("at_s=0.2 resume_s=2"),
    "luld": Drill("at_s=0.2"),
    "session": Drill("at_s=0.2 reopen_s=2"),
    "clock_skew": Drill("ms=20000 for_s=4"),
    "stale_md": Drill("for_s=4"),
    "crossed": Drill("for_s=4"),
    "md_silent": Drill("for_s=4"),
    "md_gap": Drill("p=0.2 for_s=4"),
    "garbled": Drill("kind=checksum count=2"),
    "price_bad": Drill("count=1"),
    "overfill": Drill("count=1"),
    "wrong_side": Drill("count=1"),
    "id_reuse": Drill("count=2"),
    "orderid_change": Drill("behind=fill"),
    "logon_fail": Drill("count=2", cut=True),
    "partial_write": Drill("chunk=5 for_s=4"),
    "fee_surprise": Drill("micros=500"),
    "restart": Drill("at_s=0.3 down_ms=300 lose=orders"),
    "executes_queue": Drill(
        "p=1", beside=(ASKS_LATE,), at=(BEHIND_RELAY,), lose=True, lasts_s=40.0, quiet_s=6.0
    ),
    "half_open": Drill("at_s=0.3"),
    "resend_gap_filled": Drill("count=1", beside=(LOST_FILLS,)),
}
"""The faults of the venues."""
OTHERS: Final = ("throttle", "fade", "restart_listed", "ems_resets")
"""What is no fault of a venue's table: how a venue is set (F11, F20), what it is asked (F27), what
the EMS does (F31)."""
ASKED: Final = {
    "SOR__VENUES__ECN__TRADING_STATUS": "orders",
    "SOR__VENUES__EXCHANGE__TRADING_STATUS": "quotes",
}
"""Who is asked what trades, and on which session (35=e, g); dark-a tells it unasked."""
LISTED: Final = "dark-a"
ASKED_FOR_ALL: Final = re.compile(
    r'^sor_session_sent_messages_total\{.*msg_type="AF".*\} (\d+)', re.M
)


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

    def __init__(self, stack: Stack, ems: Ems, relay: Relay) -> None:
        self.stack = stack
        self.ems = ems
        self.relay = relay
        self.differing: dict[str, tuple[int, int, int]] = {}
        """By venue: how its account differed from the client's before this fault."""

    async def run(self, fault: str) -> Outcome:
        """Set it, trade, take it away, settle, compare."""
        outcome, began = Outcome(fault), time.monotonic()
        before = (await self.ask("status"))["alarms"]
        orders: list[str] = []
        course = {
            "throttle": self.throttle,
            "fade": self.fade,
            "restart_listed": self.restart_listed,
            "ems_resets": self.ems_resets,
        }
        if fault in course:
            await course[fault](outcome, orders)
        else:
            await self.drill(DRILLS[fault], outcome, orders)
        if not outcome.struck:
            outcome.wrong.append("it never happened")
        await self.settle(orders, outcome)
        await self.compare(orders, outcome, before)
        outcome.took_s = round(time.monotonic() - began, 1)
        return outcome

    async def drill(self, drill: Drill, outcome: Outcome, orders: list[str]) -> None:
        """A fault of the venues: orders come until it has happened."""
        await asyncio.sleep(drill.quiet_s)
        fault, end = outcome.fault, time.monotonic() + drill.lasts_s
        for venue in drill.at:
            for line in (f"fault {fault} {drill.words}", *drill.beside):
                answer = await self.stack.control(venue, line)
                if "error" in answer:
                    outcome.wrong.append(f"{venue}: {answer['error']}")
        if drill.lose:
            self.relay.lose_one(b"\x0135=D\x01")
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += self.some_orders()
            if drill.cut:
                await asyncio.sleep(0.2)
                for venue in drill.at:
                    await self.stack.control(venue, "disconnect SOR-FIX.4.4 rst")
            await self.over(orders, PATIENCE_S)
            outcome.struck = sum([await self.struck(venue, fault) for venue in drill.at])
        for venue in drill.at:
            for line in (f"fault {fault}", *drill.beside):
                await self.control(venue, f"fault {line.split()[1]} off")

    async def throttle(self, outcome: Outcome, orders: list[str]) -> None:
        """F11: venues let fewer orders through than the gateway believes."""
        for venue in FAULTY:
            await self.control(venue, "set throttle msgs=1")
        before = [await self.refused(venue) for venue in FAULTY]
        end = time.monotonic() + ORDERS_S
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += self.some_orders()
            await self.over(orders, PATIENCE_S)
            refused = [await self.refused(venue) for venue in FAULTY]
            outcome.struck = sum(refused) - sum(before)
        for venue in FAULTY:
            await self.control(venue, f"set throttle msgs={SHIPPED_THROTTLE}")

    async def refused(self, venue: str) -> int:
        """Orders that a venue refused for their rate, of those it still shows."""
        shown = (await self.control(venue, "orders"))["orders"]
        return sum(order["text"].startswith("K:") for order in shown)

    async def fade(self, outcome: Outcome, orders: list[str]) -> None:
        """F20: the house takes half away before an order arrives, wherever something is displayed:
        one venue alone may be resting for what it did before."""
        before = await self.faded()
        for venue in LIT:
            await self.control(venue, "set fade p=1 frac=0.5")
        end = time.monotonic() + ORDERS_S
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += self.some_orders()
            await self.over(orders, PATIENCE_S)
            outcome.struck = await self.faded() - before
        for venue in LIT:
            await self.control(venue, "set fade p=0")

    async def faded(self) -> int:
        """How often houses took something away."""
        return sum([int((await self.control(venue, "status"))["faded"]) for venue in LIT])

    async def restart_listed(self, outcome: Outcome, orders: list[str]) -> None:
        """F27: a venue comes up without its numbers while many orders rest there, and is asked for
        all of them at once."""
        before = await self.asked_for_all()
        end = time.monotonic() + ORDERS_S
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += [self.order("sell", 3_000, "minimal-impact") for _ in range(8)]
            await asyncio.sleep(0.5)
            words = "fault restart at_s=0.1 down_ms=300 lose=outbound reset=141"
            await self.control(LISTED, words)
            await self.over(orders, PATIENCE_S)
            outcome.struck = await self.asked_for_all() - before
        await self.control(LISTED, "fault restart off")

    async def asked_for_all(self) -> int:
        """Requests for all orders (AF) that the gateway sent."""

        def read() -> str:
            url = f"http://127.0.0.1:{self.stack.admin_port}/metrics"
            with urllib.request.urlopen(url, timeout=20) as answer:
                text: str = answer.read().decode()
                return text

        text = await asyncio.to_thread(read)
        return sum(int(float(each)) for each in ASKED_FOR_ALL.findall(text))

    async def ems_resets(self, outcome: Outcome, orders: list[str]) -> None:
        """F31: the EMS comes back with 141=Y while reports are not proved; it had some of them."""
        before = self.ledger.duplicates_flagged
        end = time.monotonic() + ORDERS_S
        while not orders or (time.monotonic() < end and not outcome.struck):
            orders += self.some_orders()
            await asyncio.sleep(0.3)
            self.ems.reset()
            await self.over(orders, PATIENCE_S)
            outcome.struck = self.ledger.duplicates_flagged - before

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

    def some_orders(self) -> list[str]:
        """For all kinds of venues, on both sides."""
        return [
            self.order("sell", 6_000, "balanced"),
            self.order("buy", 2_500, "lit-sweep"),
            self.order("sell", 2_500, "lit-sweep"),
        ]

    def order(self, side: str, quantity: int, strategy: str) -> str:
        """Send a market order."""
        return self.ems.submit(NewOrder(side, "ACME", quantity, strategy=strategy))

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
                await self.resolve(row["child"], row["venue"], outcome)
        for row in (await self.ask("doubts"))["venues"]:
            if "quarantine" in row["reason"]:
                body = {"on": False, "reason": "the drill is over"}
                await self.ask(f"venues/{row['venue']}/quarantine", body)
        while not await self.stack.is_ready() and time.monotonic() < end:
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(1.0)  # what a fault planned for later

    async def resolve(self, child: str, venue: str, outcome: Outcome) -> None:
        """The operator calls the venue, which takes the order out, and says what it says."""
        there = (await self.control(venue, "orders"))["orders"]
        order = next((each for each in there if each["cl_ord_id"] == child), None)
        if order is not None and order["leaves"]:
            await self.control(venue, f"cancel {order['order_id']}")
        filled = None if order is None else order["cum_quantity"]
        body = {"reason": "by telephone", "filled": filled, "price": None}
        answer = await self.ask(f"children/{child}/resolve", body)
        outcome.resolved += "error" not in answer  # its venue may have answered meanwhile

    async def compare(self, orders: list[str], outcome: Outcome, before: dict[str, int]) -> None:
        """Every order over; the three accounts, as far as no alarm explains a difference. A report
        that is still on its way has some time."""
        end = time.monotonic() + LATE_S
        while True:
            outcome.alarms = await self.alarms_since(before)
            accounts = await self.stack.accounts(self.ledger)
            wrong = [text for each in accounts if (text := self.unexplained(each, outcome))]
            if not wrong or time.monotonic() > end:
                break
            await asyncio.sleep(1.0)
        outcome.wrong += wrong
        self.differing = {each.venue: difference(each) for each in accounts}
        for each in orders:
            order = self.ledger.orders[each]
            if order.state is OrderState.REJECTED:
                outcome.wrong.append(f"{each} was rejected: {order.text}")
            if not order.over:
                outcome.wrong.append(f"{each} is {order.state.value} still")
        over_filled = bool(outcome.alarms.get("over-fill"))
        violations, self.ledger.violations[:] = list(self.ledger.violations), []
        outcome.wrong += [
            each
            for each in violations
            if not (over_filled and (" filled of " in each or "LeavesQty" in each))
        ][:3]

    def unexplained(self, account: Account, outcome: Outcome) -> str:
        """A difference between the accounts of a venue that came with this fault and that no alarm
        explains; empty: there is none."""
        found, before = difference(account), self.differing.get(account.venue, (0, 0, 0))
        if account.at_gateway.shares != account.at_client.shares:
            return f"{account.venue}: booked is not told: {account}"
        codes = UNTOLD if found[0] == before[0] else DISPUTED
        if found == before or any(outcome.alarms.get(code) for code in codes):
            return ""
        return f"{account.venue}: shares, value, fees differ by {found}, were {before}"

    async def alarms_since(self, before: dict[str, int]) -> dict[str, int]:
        """Alarms that were raised since these."""
        alarms = (await self.ask("status"))["alarms"]
        return {
            code: count - before.get(code, 0)
            for code, count in alarms.items()
            if count > before.get(code, 0)
        }

    @property
    def ledger(self) -> Ledger:
        """What the EMS was told."""
        return self.ems.ledger

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The admin port."""
        return await asyncio.to_thread(ask, self.stack.admin_port, path, body)


def difference(account: Account) -> tuple[int, int, int]:
    """Shares, value and fees that a venue has and the client was not told of."""
    venue, client = account.at_venue, account.at_client
    return (
        venue.shares - client.shares,
        venue.value_micros - client.value_micros,
        venue.fees_micros - client.fees_micros,
    )


async def run_all(faults: list[str], folder: Path, console: Console) -> list[Outcome]:
    """Some desks at a time, each with one fault after the other."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    outcomes: list[Outcome] = []
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("faults over sockets", total=len(faults))

        def show(outcome: Outcome) -> None:
            outcomes.append(outcome)
            progress.advance(task)
            if not console.is_terminal:
                good = "; ".join(outcome.wrong) or "green"
                console.print(f"{outcome.fault}: {good}, {outcome.took_s} s", markup=False)

        waiting = list(reversed(faults))
        async with asyncio.TaskGroup() as group:
            for number in range(min(DESKS, len(faults))):
                group.create_task(one_desk(waiting, folder / f"desk-{number}", show))
    return sorted(outcomes, key=lambda each: faults.index(each.fault))


async def one_desk(waiting: list[str], folder: Path, show: Callable[[Outcome], None]) -> None:
    """A desk, as long as faults wait."""
    venues = {name: each for name, each in venues_of(CONFIG).items() if name in VENUES}
    stack = Stack(folder, CONFIG, venues)
    relay = Relay(stack.venues[BEHIND_RELAY].port)
    try:
        stack.extra[f"SOR__VENUES__{BEHIND_RELAY.upper()}__PORT"] = str(await relay.start())
        stack.extra |= ASKED
        await stack.start_venues()
        await stack.start_gateway()
        await stack.ready()
        ems = Ems(EmsSettings(port=stack.port))
        await ems.start()
        await ems.wait_active(10)
        desk = Sockets(stack, ems, relay)
        while waiting:
            show(await desk.run(waiting.pop()))
            stack.check_alive()
        await ems.stop()
    finally:
        await stack.stop()
        await relay.stop()


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
    known = [*DRILLS, *OTHERS]
    faults = [each for each in arguments.only.split(",") if each] or known
    if unknown := [each for each in faults if each not in known]:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(known)}")
    console = Console(width=None if sys.stdout.isatty() else TABLE_COLUMNS)
    outcomes, failed = list[Outcome](), list[str]()
    with tempfile.TemporaryDirectory(prefix="sor-faults-") as folder:
        try:
            outcomes = asyncio.run(run_all(faults, Path(folder), console))
        except* StackError as errors:
            failed += [str(each) for each in errors.exceptions]
    if failed:
        console.print("\n".join(failed), style="red", markup=False)
        return 1
    console.print(table(outcomes))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(each) for each in outcomes], indent=2))
    return 1 if any(each.wrong for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
