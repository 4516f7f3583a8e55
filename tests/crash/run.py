"""`make crash N=200`: the gateway is killed -9 at random journal writes while parents work.

Owns: the load, the kills, and the audit at the end.

Each life of the gateway dies at a random write, before, within or behind it. Two venues and one
EMS live through it all. At the end a last gateway finishes the work, and then no execution may be
missing at the EMS, none may have come twice without 43=Y or 97=Y, no parent may be over-filled,
and what venues, gateway and EMS traded must agree to the share and the micro.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.stack import PAIR, Stack
from tests.crash.gateway import MODES

ROOT = Path(__file__).parents[2]
WORKING_TARGET = 6
"""Parents that are kept working at any time."""
LIFE_LIMIT_S = 30.0
"""A gateway that has not reached its write by then is a violation: it hangs."""
FINISH_LIMIT_S = 120.0
PRICES = {"ACME": 50, "BOLT": 120, "CRUX": 18, "DYNE": 250}


@dataclass(slots=True)
class Tally:
    kills: int = 0
    by_mode: dict[str, int] = field(default_factory=dict)
    submitted: int = 0
    canceled: int = 0
    violations: list[str] = field(default_factory=list)


class Load:
    """Keeps parents of all kinds working, whatever happens to the gateway."""

    def __init__(self, ems: Ems, dice: random.Random, tally: Tally) -> None:
        self.ems = ems
        self.dice = dice
        self.tally = tally
        self.open: list[str] = []

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
    started = time.monotonic()
    while stack.gateway.returncode is None:
        if time.monotonic() - started > LIFE_LIMIT_S:
            tally.violations.append(f"life {tally.kills + 1}: no write {kill_at} in time: it hangs")
            stack.gateway.kill()
            await stack.gateway.wait()
            return
        load.top_up()
        await asyncio.sleep(0.02)
    if stack.gateway.returncode != -9:
        log = (stack.folder / "gateway.log").read_text(errors="replace")[-1_500:]
        tally.violations.append(
            f"life {tally.kills + 1}: ended with {stack.gateway.returncode}, not by SIGKILL:\n{log}"
        )
    tally.kills += 1
    tally.by_mode[mode] = tally.by_mode.get(mode, 0) + 1


async def finish(stack: Stack, load: Load, tally: Tally) -> None:
    """A last gateway that nobody kills: every parent has to end."""
    stack.gateway_command = ["-m", "sor_gateway", "run"]
    await stack.start_gateway()
    await stack.ready()
    await load.ems.wait_active(10)
    deadline = time.monotonic() + FINISH_LIMIT_S
    asked: set[str] = set()
    orders = load.ems.ledger.orders
    while time.monotonic() < deadline:
        left = [order for order in orders.values() if not order.over]
        if not left:
            break
        if time.monotonic() > deadline - FINISH_LIMIT_S * 0.7:
            for order in left:
                if order.cl_ord_id not in asked:
                    asked.add(order.cl_ord_id)
                    load.ems.cancel(order.cl_ord_id)
        await asyncio.sleep(0.1)
    for order in orders.values():
        if not order.over:
            tally.violations.append(f"{order.cl_ord_id} never ended: {order.state}")
    await asyncio.sleep(0.5)


async def audit(stack: Stack, ems: Ems, tally: Tally, console: Console) -> None:
    tally.violations += ems.ledger.violations
    if ems.ledger.duplicates_unflagged:
        tally.violations.append(f"{ems.ledger.duplicates_unflagged} executions twice, unflagged")
    for order in ems.ledger.orders.values():
        if order.cum_quantity > order.quantity:
            tally.violations.append(f"{order.cl_ord_id} over-filled: {order.cum_quantity}")
    for account in await stack.accounts(ems.ledger):
        console.print(f"{account.venue}: venue {account.at_venue}")
        if not account.agrees:
            tally.violations.append(
                f"{account.venue} differs: venue {account.at_venue}, "
                f"gateway {account.at_gateway}, EMS {account.at_client}"
            )


async def run(kills: int, seed: int, folder: Path, console: Console) -> Tally:
    dice = random.Random(seed)
    tally = Tally()
    stack = Stack(folder, ROOT / "config", PAIR, seed=seed)
    ems = Ems(EmsSettings(port=stack.port, state_file=folder / "ems.state"))
    load = Load(ems, dice, tally)
    try:
        for name in stack.venues:
            await stack.start_venue(name)
        await ems.start()
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("kill -9", total=kills)
            while tally.kills < kills and len(tally.violations) < 20:
                await one_life(stack, load, dice, tally)
                progress.update(task, completed=tally.kills)
        await finish(stack, load, tally)
        await audit(stack, ems, tally, console)
    finally:
        await ems.stop()
        await stack.stop()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    parser.add_argument("--keep", type=Path, help="keep journals and logs in this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    console = Console(quiet=options.json)
    console.print(f"seed {seed}: python -m tests.crash.run --kills {options.kills} --seed {seed}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sor-crash-") as scratch:
        folder = options.keep or Path(scratch)
        tally = asyncio.run(run(options.kills, seed, folder, console))
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
