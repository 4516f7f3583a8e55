"""`sor-gateway demo`: venues, gateway and EMS come up, a scenario is traded, and then audited.

Owns: the order in which things happen, and what is printed at the end.
May not know: more of the gateway than an operator and an EMS can see: its journal, its admin port,
its FIX.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.config.scenario import Scenario, load_scenario
from sor_gateway.demo.audit import Check, Evidence, run_checks, venue_totals
from sor_gateway.demo.board import Board
from sor_gateway.demo.venue_record import VenueRecord, read
from sor_gateway.demo.view import View
from sor_gateway.journal.reader import START, Position, read_records
from sor_gateway.journal.record import FactCodec
from sor_gateway.projection import queries
from sor_gateway.sor.events import FACTS
from sor_gateway.sor.types import VenueKind
from sor_gateway.stack import MICROS, Account, Stack, Totals, venues_of
from sor_gateway.tca import measures
from sor_gateway.tca import report as completion

LOOK_S: Final = 0.25
"""How often the view looks at the journal and the market."""
LOGON_S: Final = 10.0


@dataclass(slots=True)
class Outcome:
    """What the demo came to."""

    scenario: Scenario
    state: str
    filled: int
    checks: list[Check]
    accounts: list[Account]
    completion: measures.Report
    setup_s: float
    """Until the order was sent."""
    trading_s: float
    """From the order to its end."""

    @property
    def good(self) -> bool:
        """Whether every check holds."""
        return all(check.good for check in self.checks)


class Demo:
    """One run of one scenario. Raises StackError when a process does not come up or ends."""

    def __init__(
        self, console: Console, folder: Path, config: Path, scenario: Scenario, seed: int
    ) -> None:
        self._console = console
        self._scenario = scenario
        venues = venues_of(config)
        self._kinds = {name: kind for name, (kind, _) in venues.items()}
        self._lit = [name for name, kind in self._kinds.items() if kind != VenueKind.DARK]
        self._dark = [name for name in self._kinds if name not in self._lit]
        self._stack = Stack(
            folder,
            config,
            venues,
            scenario=scenario.name,
            market_scale=scenario.market_scale,
            seed=seed,
            environment=scenario.environment,
        )
        self._ems = Ems(EmsSettings(port=self._stack.port, state_file=folder / "ems.state"))
        self._board = Board(frozenset(self._lit))
        self._codec = FactCodec(FACTS)
        self._position: Position = START

    async def run(self) -> Outcome:
        """Bring the desk up, trade, audit."""
        started = time.monotonic()
        try:
            await self._bring_up()
            submitted = time.monotonic()
            cl_ord_id = self._ems.submit(self._order())
            await self._watch(cl_ord_id)
            over = time.monotonic()
            return await self._account(cl_ord_id, submitted - started, over - submitted)
        finally:
            await self._ems.stop()
            await self._stack.stop()

    async def _bring_up(self) -> None:
        count = len(self._kinds)
        self._console.print(f"starting {count} venues and the gateway ...", highlight=False)
        await self._stack.start_venues()
        await self._stack.start_gateway()
        await self._stack.ready()
        await self._ems.start()
        await self._ems.wait_active(LOGON_S)

    def _order(self) -> NewOrder:
        scenario = self._scenario
        return NewOrder(
            side=scenario.side,
            symbol=scenario.symbol,
            quantity=scenario.quantity,
            ord_type="market" if scenario.limit is None else "limit",
            price=scenario.limit,
            strategy=scenario.strategy,
        )

    async def _watch(self, cl_ord_id: str) -> None:
        """Show the order at work until it is over or its time is up."""
        scenario = self._scenario
        title = f"{scenario.side} {scenario.quantity:,} {scenario.symbol}, {scenario.strategy}"
        self._console.print(f"{scenario.about}\n{title}", highlight=False, markup=False)
        deadline = time.monotonic() + scenario.time_limit_s
        with View(self._console, title, self._kinds, scenario.market_scale) as view:
            while (left_s := deadline - time.monotonic()) > 0:
                order = await self._ems.wait(cl_ord_id, min(LOOK_S, left_s))
                self._stack.check_alive()
                await asyncio.to_thread(self._read_journal)
                view.show(self._board, await self._nbbo(), time.time_ns())
                if order.over:
                    return

    def _read_journal(self) -> None:
        """Bring the board up to what the gateway has written."""
        for position, record in read_records(self._stack.journal, self._position):
            self._position = position
            for name, body in record.facts:
                if self._codec.knows(name):
                    self._board.apply(self._codec.decode((name, body)))

    async def _nbbo(self) -> tuple[int, int] | None:
        """The market as the first lit venue sees it; None when it does not answer just now."""
        symbol = self._scenario.symbol
        with suppress(OSError, ValueError):
            answer = await self._stack.control(self._lit[0], f"nbbo {symbol}")
            quote = answer["nbbo"][symbol]
            return quote["bid_micros"], quote["ask_micros"]
        return None

    async def _account(self, cl_ord_id: str, setup_s: float, trading_s: float) -> Outcome:
        """Read what everybody wrote down, and compare."""
        order = await self._ems.wait(cl_ord_id, 0)
        accounts = await self._stack.accounts(self._ems.ledger)
        records = await asyncio.to_thread(self._records)
        for account in accounts:
            if account.venue in records:
                account.at_venue = venue_totals(records[account.venue])
        measured = measures.measure(self._stack.database, cl_ord_id)
        assert measured is not None, "the gateway's journal does not have the order"
        children = queries.children(self._stack.database, measured.order.parent_id)
        evidence = Evidence(
            order, self._ems.ledger, accounts, records, children, self._dark, self._lit
        )
        checks = run_checks(self._scenario, evidence)
        return Outcome(
            self._scenario,
            order.state.value,
            order.cum_quantity,
            checks,
            accounts,
            measured,
            setup_s,
            trading_s,
        )

    def _records(self) -> dict[str, VenueRecord]:
        return {
            name: read(self._stack.venue_journal(name), lit=name in self._lit)
            for name in self._kinds
        }


# --- what people see --------------------------------------------------------------------------


def render(console: Console, outcome: Outcome) -> None:
    """The completion report, the three accounts, and the checks."""
    console.print(completion.render(outcome.completion))
    console.print(account_table(outcome.accounts), "")
    console.print(check_table(outcome.checks), "")
    console.print(
        f"{outcome.setup_s:.1f} s to come up, {outcome.trading_s:.1f} s of trading",
        highlight=False,
    )
    failed = [check for check in outcome.checks if not check.good]
    if failed:
        console.print(f"[bold red]{len(failed)} of {len(outcome.checks)} checks FAILED[/]")
    else:
        console.print(f"[bold green]all {len(outcome.checks)} checks hold[/]")


def account_table(accounts: list[Account]) -> Table:
    """What was traded at each venue: one line where all three sides say so, else a line each."""
    headings = ["venue", "side", "executions", "shares", "value USD", "fees USD"]
    table = completion.narrow_table("What each side believes", headings, left=("venue", "side"))
    in_all = Account("all")
    for account in accounts:
        in_all.at_venue.add(account.at_venue)
        in_all.at_gateway.add(account.at_gateway)
        in_all.at_client.add(account.at_client)
    for account in [*accounts, in_all]:
        if account.agrees:
            table.add_row(account.venue, "all three", *_cells(account.at_venue))
        else:
            table.add_row(account.venue, "venue", *_cells(account.at_venue), style="bold red")
            table.add_row("", "gateway", *_cells(account.at_gateway), style="bold red")
            table.add_row("", "EMS", *_cells(account.at_client), style="bold red")
    return table


def check_table(checks: list[Check]) -> Table:
    """Each check with what it expects and what it found."""
    headings = ["", "check", "expected", "found"]
    table = completion.narrow_table("What had to hold", headings, left=tuple(headings))
    for check in checks:
        verdict = "[green]ok[/]" if check.good else "[bold red]FAILED[/]"
        table.add_row(verdict, check.name, check.expected, check.found)
    return table


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome for programs; money in micros."""
    return {
        "scenario": outcome.scenario.name,
        "good": outcome.good,
        "state": outcome.state,
        "filled": outcome.filled,
        "setup_s": round(outcome.setup_s, 1),
        "trading_s": round(outcome.trading_s, 1),
        "checks": [asdict(check) for check in outcome.checks],
        "accounts": [asdict(account) for account in outcome.accounts],
        "report": completion.as_json(outcome.completion),
    }


def main(
    config: Path, scenario_name: str, keep: Path | None, seed: int, json_output: bool
) -> tuple[bool, Any]:
    """Run a scenario in a folder that is kept or thrown away: whether it was good, and its JSON.

    Raises ConfigError, StackError.
    """
    console = Console(quiet=json_output)
    scenario = load_scenario(config, scenario_name)
    with tempfile.TemporaryDirectory(prefix="sor-demo-") as scratch:
        demo = Demo(console, keep or Path(scratch), config, scenario, seed)
        outcome = asyncio.run(demo.run())
    render(console, outcome)
    return outcome.good, as_json(outcome)


def _cells(totals: Totals) -> tuple[str, ...]:
    return (
        f"{totals.executions:,}",
        f"{totals.shares:,}",
        f"{Decimal(totals.value_micros) / MICROS:,.4f}",
        f"{Decimal(totals.fees_micros) / MICROS:,.4f}",
    )
