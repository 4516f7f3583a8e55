"""`sor-gateway demo`: a whole desk comes up, sells 20,000 ACME dark then lit, and is audited.

Owns: the demonstration's order, what it shows while it runs, and the audit at its end.
May not know: more of the gateway than an operator and an EMS can see.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import Order
from sor_gateway.client.wire import Received
from sor_gateway.projection import queries
from sor_gateway.stack import MICROS, Account, Stack, Totals

VENUES: Final = {"dark-a": ("dark", "DRKA"), "exchange": ("exchange", "XLIT")}
QUANTITY: Final = 20_000
TIME_LIMIT_S: Final = 120.0


@dataclass(slots=True)
class Outcome:
    """What the demo came to."""

    order: Order
    accounts: list[Account]
    violations: list[str]
    seconds: float

    @property
    def good(self) -> bool:
        """Filled to the share, and three sides that agree to the micro."""
        return not self.violations


async def run(console: Console, folder: Path, config: Path, seed: int) -> Outcome:
    """Bring the desk up, trade, audit. Raises StackError when a process does not come up."""
    stack = Stack(folder, config, VENUES, seed=seed)
    ems = Ems(
        EmsSettings(port=stack.port, state_file=folder / "ems.state"),
        lambda message, order: _show(console, message, order),
    )
    started = time.monotonic()
    try:
        console.print("starting two venues and the gateway ...")
        for name in stack.venues:
            await stack.start_venue(name)
        await stack.start_gateway()
        await stack.ready()
        await ems.start()
        await ems.wait_active(10)
        console.print(f"selling {QUANTITY:,} ACME, limit 49, strategy minimal-impact")
        cl_ord_id = ems.submit(
            NewOrder(
                side="sell",
                symbol="ACME",
                quantity=QUANTITY,
                ord_type="limit",
                price=Decimal(49),
                strategy="minimal-impact",
            )
        )
        order = await ems.wait(cl_ord_id, TIME_LIMIT_S)
        violations, accounts = await audit(stack, ems, order)
        await asyncio.to_thread(_story, console, stack)
    finally:
        await ems.stop()
        await stack.stop()
    return Outcome(order, accounts, violations, time.monotonic() - started)


async def audit(stack: Stack, ems: Ems, order: Order) -> tuple[list[str], list[Account]]:
    """Everything that has to hold at the end; what does not, in words."""
    accounts = await stack.accounts(ems.ledger)
    violations = list(ems.ledger.violations)
    if order.cum_quantity != QUANTITY or order.state != "filled":
        violations.append(f"{order.state} with {order.cum_quantity:,} of {QUANTITY:,}")
    violations += [
        f"the three sides differ at {account.venue}" for account in accounts if not account.agrees
    ]
    markets = [fill.last_market for fill in order.fills]
    if markets[:1] != [VENUES["dark-a"][1]] or len(set(markets)) < len(VENUES):
        violations.append("the order was not worked dark first, then lit")
    if sum(account.at_venue.shares for account in accounts) != QUANTITY:
        violations.append("the venues' executions do not add up to the order")
    return violations, accounts


def render(console: Console, outcome: Outcome) -> None:
    """The account per venue, and the parent's final report."""
    table = Table(title="What each side believes", title_justify="left")
    for heading in ("venue", "side", "executions", "shares", "value USD", "fees USD"):
        table.add_column(heading, justify="left" if heading in ("venue", "side") else "right")
    sum_of = Account("all")
    for account in outcome.accounts:
        sum_of.at_venue.add(account.at_venue)
        sum_of.at_gateway.add(account.at_gateway)
        sum_of.at_client.add(account.at_client)
    for account in [*outcome.accounts, sum_of]:
        _rows(table, account)
    console.print(table)
    order = outcome.order
    price = order.average_price
    console.print(
        f"parent {order.cl_ord_id}: {order.state}, {order.cum_quantity:,} of {QUANTITY:,} at "
        f"{price if price is None else price.quantize(Decimal('0.000001'))}, "
        f"fees {order.fees} USD, {outcome.seconds:.1f} s in all"
    )
    for violation in outcome.violations:
        console.print(f"[bold red]violation[/]: {violation}")
    console.print("[bold green]all sides agree[/]" if outcome.good else "[bold red]failed[/]")


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome for programs."""
    return {
        "state": str(outcome.order.state),
        "filled": outcome.order.cum_quantity,
        "average_price": str(outcome.order.average_price),
        "fees": str(outcome.order.fees),
        "seconds": round(outcome.seconds, 1),
        "accounts": [asdict(account) for account in outcome.accounts],
        "violations": outcome.violations,
    }


def main(config: Path, keep: Path | None, seed: int, json_output: bool) -> tuple[bool, Any]:
    """Run the demo in a folder that is kept or thrown away; whether it was good, and its JSON."""
    console = Console(quiet=json_output)
    with tempfile.TemporaryDirectory(prefix="sor-demo-") as scratch:
        outcome = asyncio.run(run(console, keep or Path(scratch), config, seed))
    render(console, outcome)
    return outcome.good, as_json(outcome)


def _rows(table: Table, account: Account) -> None:
    sides = {"venue": account.at_venue, "gateway": account.at_gateway, "EMS": account.at_client}
    for label, totals in sides.items():
        table.add_row(account.venue if label == "venue" else "", label, *_cells(totals))
    table.add_section()


def _cells(totals: Totals) -> tuple[str, ...]:
    return (
        f"{totals.executions:,}",
        f"{totals.shares:,}",
        f"{Decimal(totals.value_micros) / MICROS:,.4f}",
        f"{Decimal(totals.fees_micros) / MICROS:,.4f}",
    )


def _show(console: Console, message: Received, order: Order | None) -> None:
    """One line a fill."""
    if order is None or not order.fills or message.get(32) in ("", "0"):
        return
    fill = order.fills[-1]
    console.print(
        f"  {fill.last_market}  {fill.quantity:>6,} at {fill.price:<8}  "
        f"{order.cum_quantity:>7,} of {order.quantity:,}",
        highlight=False,
    )


def _story(console: Console, stack: Stack) -> None:
    """The waves, as the gateway's own journal tells them."""
    table = Table(title="Children, by wave", title_justify="left")
    for heading in ("wave", "venue", "tactic", "children", "sent", "filled", "why"):
        right = heading in ("wave", "children", "sent", "filled")
        table.add_column(heading, justify="right" if right else "left")
    rows: dict[tuple[int, str, str], list[Any]] = {}
    for parent in queries.orders(stack.database):
        for child in queries.children(stack.database, parent.parent_id):
            row = rows.setdefault((child.wave, child.venue, child.tactic), [0, 0, 0, ""])
            row[0] += 1
            row[1] += child.quantity
            row[2] += child.cum_quantity
            row[3] = child.why.partition(";")[0]
    for (wave, venue, tactic), (count, sent, filled, why) in sorted(rows.items()):
        table.add_row(str(wave), venue, tactic, str(count), f"{sent:,}", f"{filled:,}", why)
    console.print(table)
