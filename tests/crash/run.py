"""`make crash N=200`: gateway, venues and EMS are killed -9 while parents work, and venues fail.

Owns: the load, the kills, and the audit at the end.

Each life of the gateway dies at a random write to its journal, before, within or behind it;
meanwhile a venue may be killed, or the EMS, and come up again. The venues have faults (faults.py);
an operator lets those back in that are put into quarantine for them (operator.py).
At the end a last gateway finishes the work, and then no execution may be missing at the EMS, none
may have come twice without 43=Y or 97=Y, no parent may be over-filled but by what venues traded
after they had said that an order was over, and what venues, gateway and EMS traded must agree to
the share and the micro.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.journal.reader import SEGMENT_SUFFIX, numbers_of, read_records
from sor_gateway.stack import PAIR, Stack
from tests.crash.faults import with_faults
from tests.crash.gateway import MODES
from tests.crash.operator import Operator
from tests.crash.patience import OwnTime, Stillness, evidence, processes

ROOT = Path(__file__).parents[2]
WORKING_TARGET = 6
"""Parents that are kept working at any time."""
STILL_LIMIT_S = 30.0
"""A gateway that is given work and writes nothing for so long hangs. All limits are in own time
(patience.py): a machine that others use too is no violation."""
LIFE_LIMIT_S = 180.0
"""So is one that does not come to its write in this time, whatever it writes."""
FINISH_LIMIT_S = 120.0
OTHERS_SHARE = 0.15
"""Probability that a venue, or the EMS, is killed in a life of the gateway."""
OTHERS_WITHIN_S = 2.0
TOLD_EACH = 20
"""So many kills make a line where nobody watches a bar."""
EMS = "ems"
OVER_FILL = re.compile(r": \d+ filled of \d+$")
"""What the EMS's ledger says of an order that is over-filled; it is counted in shares here."""
PRICES = {"ACME": 50, "BOLT": 120, "CRUX": 18, "DYNE": 250}


@dataclass(slots=True)
class Tally:
    kills: int = 0
    """Of all three."""
    by_mode: dict[str, int] = field(default_factory=dict)
    submitted: int = 0
    canceled: int = 0
    violations: list[str] = field(default_factory=list)

    def killed(self, what: str) -> None:
        """One more."""
        self.kills += 1
        self.by_mode[what] = self.by_mode.get(what, 0) + 1


class Load:
    """Keeps parents of all kinds working, whatever happens to anybody."""

    def __init__(self, settings: EmsSettings, dice: random.Random, tally: Tally) -> None:
        self._settings = settings
        self.ems = Ems(settings)
        self.dice = dice
        self.tally = tally
        self.open: list[str] = []
        self.coming: dict[str, asyncio.Task[None]] = {}
        """Venues that were killed and are coming up again."""

    async def kill_ems(self) -> None:
        """The EMS goes as in a crash; another one comes up from its state file."""
        await self.ems.abort()
        self.ems = Ems(self._settings)
        await self.ems.start()

    def are_back(self) -> bool:
        """Whether no venue is coming up. Raises StackError when one did not."""
        for who in [who for who, task in self.coming.items() if task.done()]:
            self.coming.pop(who).result()
        return not self.coming

    def top_up(self) -> None:
        """Replace parents that are over; now and then ask for a cancel."""
        self.open = [each for each in self.open if not self._over(each)]
        if self.open and self.dice.random() < 0.1:
            self.ems.cancel(self.dice.choice(self.open))
            self.tally.canceled += 1
        while len(self.open) < WORKING_TARGET:
            self.open.append(self.ems.submit(self._order()))
            self.tally.submitted += 1

    def _over(self, cl_ord_id: str) -> bool:
        order = self.ems.ledger.order(cl_ord_id)
        return order is None or order.over

    def _order(self) -> NewOrder:
        dice = self.dice
        symbol = dice.choice(sorted(PRICES))
        side = dice.choice(("buy", "sell"))
        limit = dice.random() < 0.7
        reach = Decimal("1.02") if side == "buy" else Decimal("0.98")
        price = (Decimal(PRICES[symbol]) * reach).quantize(Decimal("0.01"))
        return NewOrder(
            side=side,
            symbol=symbol,
            quantity=100 * dice.randint(1, 30),
            ord_type="limit" if limit else "market",
            price=price if limit else None,
            time_in_force=dice.choice(("day", "day", "ioc")),
            strategy=dice.choice(("balanced", "minimal-impact", "urgent", "lit-sweep")),
        )


async def one_life(stack: Stack, load: Load, dice: random.Random, tally: Tally) -> None:
    """Start a gateway that will die, work until it does."""
    mode = dice.choice(MODES)
    kill_at = dice.randint(1, 80)
    stack.gateway_command = [
        *("-m", "tests.crash.gateway", str(kill_at), mode, str(dice.randint(1, 4_000)), "run")
    ]
    await stack.start_gateway()
    assert stack.gateway is not None
    life, still = OwnTime(lambda: processes(stack)), Stillness(stack)
    others = [
        (dice.uniform(0.0, OTHERS_WITHIN_S), who)
        for who in (EMS, *stack.venues)
        if dice.random() < OTHERS_SHARE
    ]
    while stack.gateway.returncode is None:
        if others and life.elapsed_s() > min(others)[0]:
            others.remove(victim := min(others))
            await kill(victim[1], stack, load, tally)
        if load.are_back():
            if still.lasts_s() > STILL_LIMIT_S or life.elapsed_s() > LIFE_LIMIT_S:
                await hangs(f"no write {kill_at}", stack, load, tally)
                return
        else:
            still.begin()  # without a venue there may be nothing to write
        load.top_up()
        await asyncio.sleep(0.02)
    if stack.gateway.returncode != -9:
        log = (stack.folder / "gateway.log").read_text(errors="replace")[-1_500:]
        tally.violations.append(
            f"life {tally.kills + 1}: ended with {stack.gateway.returncode}, not by SIGKILL:\n{log}"
        )
    tally.killed(f"gateway {mode}")


async def hangs(what: str, stack: Stack, load: Load, tally: Tally) -> None:
    """A gateway that could have gone on and did not: say why, and end it."""
    assert stack.gateway is not None
    open_orders = {each: str(load.ems.ledger.orders[each].state) for each in load.open}
    found = await evidence(stack, load.ems)
    tally.violations.append(f"life {tally.kills + 1}: {what}: it hangs with {open_orders}\n{found}")
    stack.gateway.kill()
    await stack.gateway.wait()


async def kill(who: str, stack: Stack, load: Load, tally: Tally) -> None:
    """The EMS, or a venue, dies and comes up again; a venue takes its time."""
    if who == EMS:
        await load.kill_ems()
    elif who in load.coming:
        return
    else:
        await stack.kill_venue(who)
        load.coming[who] = asyncio.create_task(stack.start_venue(who), name=f"start {who}")
    tally.killed(who)


async def finish(stack: Stack, load: Load, tally: Tally) -> None:
    """A last gateway that nobody kills: every parent has to end."""
    stack.gateway_command = ["-m", "tests.crash.gateway", "0", "after", "0", "run"]
    await asyncio.gather(*load.coming.values())
    await stack.start_gateway()
    await stack.ready()
    own = OwnTime(lambda: processes(stack))
    asked: set[str] = set()
    orders = load.ems.ledger.orders
    while own.elapsed_s() < FINISH_LIMIT_S:
        left = [order for order in orders.values() if not order.over]
        if not left:
            break
        if own.elapsed_s() > FINISH_LIMIT_S * 0.3:
            for order in left:
                if order.cl_ord_id not in asked:
                    asked.add(order.cl_ord_id)
                    load.ems.cancel(order.cl_ord_id)
        await asyncio.sleep(0.1)
    else:
        states = {each: str(order.state) for each, order in orders.items() if not order.over}
        found = await evidence(stack, load.ems)
        tally.violations.append(f"never ended: {states}\n{found}")
    await asyncio.sleep(0.5)


def late_shares(stack: Stack) -> int:
    """What venues traded of orders that they had said were over: nobody could prevent that."""
    return sum(
        msgspec.msgpack.decode(body)["quantity"]
        for name in stack.venues
        for _, record in read_records(stack.venue_journal(name))
        for fact, body in record.facts
        if fact == "LateExecuted"
    )


async def audit(stack: Stack, ems: Ems, tally: Tally, console: Console) -> None:
    tally.violations += [each for each in ems.ledger.violations if not OVER_FILL.search(each)]
    if ems.ledger.duplicates_unflagged:
        tally.violations.append(f"{ems.ledger.duplicates_unflagged} executions twice, unflagged")
    over = {
        order.cl_ord_id: order.cum_quantity - order.quantity
        for order in ems.ledger.orders.values()
        if order.cum_quantity > order.quantity
    }
    late = late_shares(stack)
    console.print(f"late fills of venues: {late:,} shares, of them beyond an order: {over}")
    if sum(over.values()) > late:
        tally.violations.append(f"over-filled by more than the venues' late fills: {over}")
    for account in await stack.accounts(ems.ledger):
        console.print(f"{account.venue}: venue {account.at_venue}")
        if not account.agrees:
            tally.violations.append(
                f"{account.venue} differs: venue {account.at_venue}, "
                f"gateway {account.at_gateway}, EMS {account.at_client}"
            )


def journal_says(stack: Stack, console: Console) -> None:
    """How often it was rolled, and how often nobody came to the end of a snapshot."""
    segments = len(numbers_of(stack.journal, SEGMENT_SUFFIX))
    log = (stack.folder / "gateway.log").read_text(errors="replace")
    missed = log.count('"event": "journal-not-rolled"')
    console.print(f"segments of the gateway's journal: {segments}, snapshots missed: {missed}")


async def run(kills: int, seed: int, folder: Path, console: Console, *, faults: bool) -> Tally:
    dice = random.Random(seed)
    tally = Tally()
    shipped = ROOT / "config"
    config = with_faults(shipped, folder) if faults else shipped
    stack = Stack(folder, config, PAIR, seed=seed)
    load = Load(EmsSettings(port=stack.port, state_file=folder / "ems.state"), dice, tally)
    operator = Operator(stack)
    watching = asyncio.create_task(operator.watch(), name="operator")
    try:
        for name in stack.venues:
            await stack.start_venue(name)
        await load.ems.start()
        with Progress(console=console, transient=True) as progress:
            task, told = progress.add_task("kill -9", total=kills), 0
            while tally.kills < kills and len(tally.violations) < 20:
                await one_life(stack, load, dice, tally)
                progress.update(task, completed=tally.kills)
                if not console.is_terminal and tally.kills >= told + TOLD_EACH:
                    told = tally.kills
                    console.print(f"{told} kills, {tally.submitted} parents: {tally.by_mode}")
        await finish(stack, load, tally)
        await audit(stack, load.ems, tally, console)
        journal_says(stack, console)
        console.print(f"the operator let venues back in {operator.let_in} times")
    finally:
        watching.cancel()
        await load.ems.stop()
        await stack.stop()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    parser.add_argument("--keep", type=Path, help="keep journals and logs in this folder")
    parser.add_argument("--no-faults", action="store_true", help="venues that do nothing wrong")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    console = Console(quiet=options.json)
    console.print(f"seed {seed}: python -m tests.crash.run --kills {options.kills} --seed {seed}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sor-crash-") as scratch:
        folder = options.keep or Path(scratch)
        faults = not options.no_faults
        tally = asyncio.run(run(options.kills, seed, folder, console, faults=faults))
    for violation in tally.violations:
        console.print(f"violation: {violation}", markup=False)
    if options.json:
        sys.stdout.write(
            json.dumps(
                {"seed": seed, "kills": tally.kills, "violations": tally.violations}, indent=2
            )
            + "\n"
        )
    console.print(
        f"{tally.by_mode}, {tally.submitted} parents, {tally.canceled} cancels, "
        f"{time.monotonic() - started:.0f} s"
    )
    console.print(f"kills {tally.kills}, violations {len(tally.violations)}")
    sys.exit(1 if tally.violations or tally.kills < options.kills else 0)


if __name__ == "__main__":
    main()
