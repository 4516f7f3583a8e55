"""The command line: run, check, demo, send, log, orders, explain, report, sessions, session, kill.

Owns: options, tables, exit codes. May not know: how anything is done; each command is a few lines
over the package that does it. Commands print tables for people and take `--json`.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from sor_gateway import config as configuration
from sor_gateway import doubts as doubts_view
from sor_gateway.client import send as sending
from sor_gateway.demo import run as demonstration
from sor_gateway.explain import terminal
from sor_gateway.explain.page import page
from sor_gateway.projection import follower, picture, queries, waves
from sor_gateway.stack import MICROS, StackError
from sor_gateway.tca import measures
from sor_gateway.tca import report as completion

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A smart order router that runs as a live FIX gateway.",
)
ConfigOption = Annotated[Path, typer.Option("--config", help="The folder with gateway.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
DEFAULT_CONFIG: Final = Path("config")


class SessionAction(StrEnum):
    """What `session` can do; the gateway's admin port takes the same words."""

    TEST_REQUEST = "test-request"
    RESEND_REQUEST = "resend-request"
    DISCONNECT = "disconnect"
    DISABLE = "disable"
    ENABLE = "enable"
    RELEASE = "release"
    SET_NUMBERS = "set-numbers"


def main() -> None:
    """Entry point of `sor-gateway`."""
    app()


def _load(folder: Path) -> configuration.Configuration:
    try:
        return configuration.load(folder, os.environ)
    except configuration.ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from error


@app.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the gateway until SIGTERM or SIGINT."""
    from sor_gateway.daemon.daemon import run as run_daemon

    raise typer.Exit(run_daemon(_load(config)))


@app.command()
def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Read the configuration and say what it means, or what is wrong with it."""
    loaded = _load(config)
    if as_json:
        typer.echo(json.dumps({"ok": True, "venues": sorted(loaded.router.venues)}))
        return
    table = Table(title=f"{config}: good", title_justify="left")
    for heading in ("venue", "kind", "MIC", "address", "take", "add", "mid", "latency us"):
        table.add_column(heading)
    for venue in loaded.venues:
        settings = loaded.router.venues[venue.name]
        table.add_row(
            venue.name,
            settings.kind.value,
            settings.mic,
            f"{venue.host}:{venue.port}",
            *(
                f"{Decimal(fee) / MICROS:+.4f}"
                for fee in (
                    settings.take_fee_micros,
                    settings.add_fee_micros,
                    settings.mid_fee_micros,
                )
            ),
            f"{settings.latency_prior_ns / 1_000:.0f}",
        )
    Console().print(table)
    for session in loaded.ems_sessions:
        typer.echo(f"EMS session {session.name}: {session.begin_string}, {session.target_comp_id}")


@app.command()
def demo(
    config: ConfigOption = DEFAULT_CONFIG,
    scenario: Annotated[str, typer.Option(help="A folder of CONFIG/scenarios.")] = "block",
    keep: Annotated[Path | None, typer.Option(help="Keep journals and logs here.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the venues' market.")] = 42,
    as_json: JsonOption = False,
) -> None:
    """Bring up venues, gateway and EMS, trade a scenario before your eyes, audit every account."""
    try:
        good, outcome = demonstration.main(config, scenario, keep, seed, as_json)
    except configuration.ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from error
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    if as_json:
        typer.echo(json.dumps(outcome, indent=2))
    raise typer.Exit(0 if good else EXIT_FAILED)


sending.add_send_command(app)


def _database(loaded: configuration.Configuration) -> Path:
    """Catch the projection up with the journal; its path."""
    gateway = loaded.gateway
    if not gateway.journal.is_dir():
        typer.echo(f"there is no journal at {gateway.journal}: has the gateway run?", err=True)
        raise typer.Exit(EXIT_FAILED)
    follower.refresh(gateway.journal, gateway.database)
    return gateway.database


@app.command()
def log(
    config: ConfigOption = DEFAULT_CONFIG,
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    msg_type: Annotated[str | None, typer.Option(help="Only this MsgType (35).")] = None,
    text: Annotated[str | None, typer.Option(help="Only messages that contain this.")] = None,
    last: Annotated[int, typer.Option(help="How many, from the end.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show messages of the journal, with their sessions and numbers."""
    rows = queries.messages(
        _database(_load(config)), session=session, msg_type=msg_type, text=text, last=last
    )
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        arrow = ">" if row.direction == "out" else "<"
        typer.echo(f"{_time(row.at_ns)} {row.session:<12} {arrow} {row.text}")


@app.command()
def orders(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the parent orders and how they stand."""
    rows = queries.orders(_database(_load(config)))
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = Table()
    for heading in ("parent", "client", "ClOrdID", "order", "state", "filled", "average", "fees"):
        table.add_column(heading)
    for row in rows:
        limit = "market" if row.limit_micros is None else _money(row.limit_micros)
        table.add_row(
            row.parent_id,
            row.client,
            row.cl_ord_id,
            f"{row.side} {row.quantity:,} {row.symbol} {limit} {row.time_in_force}",
            row.state,
            f"{row.cum_quantity:,}",
            _money(row.average_price_micros),
            _money(row.fees_micros),
        )
    Console().print(table)


@app.command()
def explain(
    parent: Annotated[str, typer.Argument(help="The parent's id or ClOrdID, see `orders`.")],
    full: Annotated[bool, typer.Option("--full", help="Each wave apart, however many.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with a picture here.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Tell a parent's story: every wave, why each child went where it went, what came of it."""
    loaded = _load(config)
    database = _database(loaded)
    order = queries.order(database, parent)
    if order is None:
        _no_parent(parent)
    children = queries.children(database, order.parent_id)
    happenings = queries.story(database, order.parent_id)
    executions = queries.executions(database, order.parent_id)
    kinds = {name: venue.kind.value for name, venue in loaded.router.venues.items()}
    whole = waves.tell(order, children, happenings, full=True)
    drawn = picture.compose(whole, executions, kinds)
    if html is not None:
        _write(html, page(drawn, measures.report(order, children, executions)))
    if as_json:
        typer.echo(json.dumps(asdict(whole) | {"picture": asdict(drawn)}, indent=2))
    elif html is None:
        console = Console()
        story = whole if full else waves.tell(order, children, happenings)
        for part in terminal.render(story, drawn.lanes):
            console.print(part)


@app.command()
def report(
    parent: Annotated[str, typer.Argument(help="The parent's id or ClOrdID, see `orders`.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Account for a parent's execution: price, fees, shortfall against arrival, by venue."""
    measured = measures.measure(_database(_load(config)), parent)
    if measured is None:
        _no_parent(parent)
    if as_json:
        typer.echo(json.dumps(completion.as_json(measured), indent=2))
        return
    Console().print(completion.render(measured))


@app.command()
def sessions(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Ask the running gateway for its sessions."""
    answer = _ask(config, "sessions")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    table = Table()
    rows = answer["sessions"] if isinstance(answer, dict) else answer
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


@app.command()
def session(
    name: Annotated[str, typer.Argument(help="The session's name, see `sessions`.")],
    action: Annotated[SessionAction, typer.Argument(help="What to do with it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the journal.")],
    next_out: Annotated[int | None, typer.Option(help="set-numbers: of our next message.")] = None,
    next_in: Annotated[int | None, typer.Option(help="set-numbers: of the peer's next.")] = None,
    begin: Annotated[int | None, typer.Option(help="resend-request: from this number on.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Test, log out, close or open a session, release its orders, or force its numbers."""
    numbers = {"next_out": next_out, "next_in": next_in, "begin": begin}
    given = {key: number for key, number in numbers.items() if number is not None}
    path = f"sessions/{urllib.parse.quote(name, safe='')}/{action.value}"
    typer.echo(json.dumps(_ask(config, path, {"reason": reason, **given})))


@app.command()
def kill(
    reason: Annotated[str, typer.Option(help="Why; it stands in the journal.")],
    off: Annotated[bool, typer.Option("--off", help="Let orders flow again.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Stop all flow: cancel every child, end every parent, refuse new ones."""
    answer = _ask(config, "kill", {"on": not off, "reason": reason})
    typer.echo(json.dumps(answer))


@app.command()
def doubts(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Ask the running gateway what is in doubt at venues, since when, why, and what was tried."""
    answer = _ask(config, "doubts")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    Console().print(*doubts_view.render(answer), sep="\n")


@app.command()
def resolve(
    child: Annotated[str, typer.Argument(help="The child's id, see `doubts`.")],
    reason: Annotated[str, typer.Option(help="Who said so; it stands in the journal.")],
    filled: Annotated[int | None, typer.Option(help="Executed in all, and over.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Nothing more was executed.")] = False,
    price: Annotated[str | None, typer.Option(help="Of what was not reported.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """End a doubt by your word: its shares are executed, or free to be sent elsewhere."""
    if dead == (filled is not None):
        typer.echo("expected either --filled N or --dead", err=True)
        raise typer.Exit(EXIT_FAILED)
    path = f"children/{urllib.parse.quote(child, safe='')}/resolve"
    body = {"reason": reason, "filled": filled, "price": price}
    typer.echo(json.dumps(_ask(config, path, body)))


@app.command()
def settle(
    client: Annotated[str, typer.Argument(help="Who denies it, see `doubts`.")],
    execution: Annotated[str, typer.Argument(help="Its ExecID, see `doubts`.")],
    reason: Annotated[str, typer.Option(help="What was agreed; it stands in the journal.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Note that a client does not deny an execution any more. The books do not change by it."""
    path = "/".join(urllib.parse.quote(each, safe="") for each in (client, execution))
    typer.echo(json.dumps(_ask(config, f"disputes/{path}/settle", {"reason": reason})))


@app.command()
def quarantine(
    venue: Annotated[str, typer.Argument(help="The venue's name.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the journal.")],
    off: Annotated[bool, typer.Option("--off", help="Let orders go there again.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send a venue no more orders and pull what is open there."""
    path = f"venues/{urllib.parse.quote(venue, safe='')}/quarantine"
    typer.echo(json.dumps(_ask(config, path, {"on": not off, "reason": reason})))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(f"--html {file}: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from error
    typer.echo(f"{file}: written", err=True)


def _no_parent(parent: str) -> NoReturn:
    typer.echo(f"there is no parent {parent} in the journal: see `sor-gateway orders`", err=True)
    raise typer.Exit(EXIT_FAILED)


def _ask(config: Path, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the running gateway's admin port."""
    gateway = _load(config).gateway
    url = f"http://{gateway.admin_host}:{gateway.admin_port}/{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            typer.echo(str(json.load(error)["error"]), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    except (urllib.error.URLError, OSError) as error:
        typer.echo(f"{url} does not answer ({error}): is the gateway running?", err=True)
        raise typer.Exit(EXIT_FAILED) from error


def _money(micros: int) -> str:
    return f"{Decimal(micros) / MICROS:,.4f}"


def _time(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns / 1e9, UTC)
    return moment.strftime("%Y%m%d-%H:%M:%S.%f")
