"""The process: a wiring diagram. Configuration in, parts joined, the loop runs until a signal.

Owns: which part is given which other, start and stop.
May not know: what any of them does.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import uvloop

from sor_gateway.config.calendar import Calendar
from sor_gateway.config.settings import ClientSettings, Configuration
from sor_gateway.daemon.cancel_only import WHY
from sor_gateway.daemon.engine import Engine, TurnJournal
from sor_gateway.daemon.follower import Follower, command
from sor_gateway.daemon.intake import Log
from sor_gateway.daemon.network import Network
from sor_gateway.daemon.operations import EngineOperations
from sor_gateway.daemon.recovery import (
    SNAPSHOT_VERSION,
    PeerMissing,
    Recovered,
    Snapshot,
    SnapshotError,
    check_peers,
    encode_snapshot,
    fact_codec,
    recover,
    recover_living,
)
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.daemon.throttle import Throttle
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Session
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.errors import JournalError
from sor_gateway.journal.memory import MemoryJournal
from sor_gateway.journal.segments import Journal
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.reactor import Reactor
from sor_gateway.ops.admin import Admin
from sor_gateway.ops.logs import open_log
from sor_gateway.sor.events import (
    ClientDisconnected,
    FlowStopped,
    OperatorFact,
    Restarted,
)
from sor_gateway.sor.outages import OutageEnded
from sor_gateway.sor.types import NANOS_PER_SECOND
from sor_gateway.translate.clients import ClientTranslator
from sor_gateway.translate.quotes import QuoteTranslator
from sor_gateway.translate.venues import VenueTranslator

EXIT_GOOD: Final = 0
EXIT_BUG: Final = 70
EXIT_ADDRESS: Final = 71
EXIT_JOURNAL: Final = 74
STOP_CHILDREN_S: Final = 5.0
"""How long a stop waits for the last reports of its children (decisions.md)."""
STOP_LOGOUT_S: Final = 3.0
POLL_S: Final = 0.02
MINUTE_NS: Final = 60 * NANOS_PER_SECOND
DAY_S: Final = 86_400
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def run(configuration: Configuration) -> int:
    """Run the gateway until SIGTERM or SIGINT. Returns the process's exit code."""
    # Until there are certificates to renew it asks for nothing; by default it would end us.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log = open_log(configuration.gateway.log_level, configuration.gateway.log_file)
    try:
        journal = open_journal(configuration)
    except JournalError as error:
        log("journal-refused", text=str(error))
        return EXIT_JOURNAL
    for note in journal.notes:
        log("journal-note", text=note)
    try:
        return uvloop.run(_run(configuration, journal, log))
    except (SnapshotError, PeerMissing) as error:
        log("journal-refused", text=str(error))
        return EXIT_JOURNAL
    finally:
        journal.close()


def open_journal(configuration: Configuration) -> Journal:
    """Open the journal of this configuration. Raises JournalError."""
    boot_id = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "unknown"
    gateway = configuration.gateway
    return Journal.open(
        gateway.journal,
        durability=gateway.durability,
        boot_id=boot_id,
        keep_s=gateway.journal_days * DAY_S,
    )


@dataclass(slots=True)
class Parts:
    """What was wired together."""

    engine: Engine
    reactor: Reactor
    links: dict[str, Link]


def wire(
    configuration: Configuration,
    journal: TurnJournal,
    recovered: Recovered,
    loop: asyncio.AbstractEventLoop,
    clock: Callable[[], int],
    log: Log,
    stopwatch: Callable[[], int] = time.perf_counter_ns,
) -> Parts:
    """Join sessions, translators, router, journal and reactor. `stopwatch` tells how long a turn
    took, which paces replays: under a virtual clock it stands still."""
    links = build_links(configuration, recovered)
    engine: Engine
    reactor = Reactor(loop, clock, lambda now: engine.turn(now), stopwatch)
    for link in links.values():
        reactor.add_session(link.session, acceptor=isinstance(link, ClientLink))
    engine = Engine(
        reactor=reactor,
        journal=journal,
        codec=fact_codec(),
        router=recovered.router,
        links=links,
        log=log,
        snapshot=snapshot_of,
        poisoned=recovered.poisoned,
        stopwatch=stopwatch,
        turn_number=recovered.turn,
        concurrent_replays=configuration.gateway.concurrent_replays,
        day_ends_ns=configuration.calendar.day_ends_ns,
    )
    return Parts(engine, reactor, links)


def build_links(configuration: Configuration, recovered: Recovered) -> dict[str, Link]:
    """A link for each configured session, with the numbers and reports that the fold found."""

    def session(settings: SessionSettings, numbers: Numbers) -> Session:
        own = configuration.dictionaries.get(settings.name)
        return Session(settings, numbers, own or load_packaged(settings.begin_string))

    links: dict[str, Link] = {}
    keep_out_ns = configuration.gateway.keep_out_s * NANOS_PER_SECOND
    day_end_ns = day_end_of(configuration.calendar)
    markets = {venue.name: venue.mic for venue in configuration.router.venues.values()}
    for settings in configuration.ems_sessions:
        name = settings.name
        client = configuration.clients.get(name) or ClientSettings()
        links[name] = ClientLink(
            session(settings, recovered.session_numbers(name)),
            ClientTranslator(name, dialect_of(settings.begin_string), markets),
            recovered.outbox(name),
            throttle=Throttle(
                client.messages_per_second,
                client.cut_refusals_per_second,
                client.cut_messages_per_second,
                client.busy_per_cent,
                client.backlog_s,
            ),
            keep_out_ns=keep_out_ns,
            on_disconnect=client.on_disconnect,
            day_end_ns=day_end_ns,
            resume_window_ns=client.resume_window_s * NANOS_PER_SECOND,
            after_outage=client.after_outage,
        )
    for venue in configuration.venues:
        name, dialect = venue.name, dialect_of(venue.dialect)
        links[name] = VenueLink(
            session(venue.orders, recovered.session_numbers(name)),
            VenueTranslator(configuration.router.venues[name], dialect),
            asks_status=venue.trading_status == "orders",
            symbols=venue.symbols,
        )
        if venue.quotes is not None:
            links[venue.quotes.name] = QuotesLink(
                session(venue.quotes, Numbers()),
                name,
                QuoteTranslator(dialect),
                venue.symbols,
                asks_status=venue.trading_status == "quotes",
            )
    for name, link in links.items():
        link.disabled = recovered.disabled.get(name, "")
    return links


def day_end_of(calendar: Calendar) -> Callable[[int], int]:
    """When Day orders expire that come at a time; found once a minute."""

    @lru_cache(maxsize=2)
    def in_minute(minute: int) -> int:
        return calendar.close_ns(minute * MINUTE_NS) or 0

    return lambda now: in_minute(now // MINUTE_NS)


def snapshot_of(engine: Engine) -> bytes:
    """Everything that a start needs, for the journal's roll."""
    return encode_snapshot(
        Snapshot(
            SNAPSHOT_VERSION,
            engine.turn_number,
            engine.router.state,
            {
                name: link.session.numbers
                for name, link in engine.links.items()
                if not isinstance(link, QuotesLink)
            },
            {
                name: link.outbox
                for name, link in engine.links.items()
                if isinstance(link, ClientLink)
            },
            sorted(engine.poisoned),
            {name: link.disabled for name, link in engine.links.items() if link.disabled},
            engine.counters.last_record_ns,
        )
    )


async def _run(configuration: Configuration, journal: Journal, log: Log) -> int:
    loop = asyncio.get_running_loop()
    started_ns = wall_clock_ns()
    recovered = recover_or_cancel(configuration, journal, log)
    fold_ms = (wall_clock_ns() - started_ns) // 1_000_000
    log("recovered", records=recovered.records, turn=recovered.turn, fold_ms=fold_ms)
    check_peers(
        recovered,
        [settings.name for settings in configuration.ems_sessions],
        [venue.name for venue in configuration.venues],
    )
    parts = wire(configuration, journal, recovered, loop, wall_clock_ns, log)
    _begin(parts, journal, recovered, configuration.gateway.durability, log)

    gateway = configuration.gateway
    network = Network(configuration, parts.links, parts.reactor, log)
    loop.add_signal_handler(signal.SIGHUP, network.renew_certificates)
    operations = EngineOperations(
        parts.engine,
        configuration,
        journal.counters,
        wall_clock_ns,
        lambda: network.listener.counters.refused,
    )
    admin = Admin(operations)
    follower = Follower(command(gateway), parts.engine.counters.alarm, log)
    follower.start()
    try:
        if not recovered.unfolded:
            await network.listen()
        await admin.start(gateway.admin_host, gateway.admin_port)
    except OSError as error:
        log("cannot-listen", text=str(error), remedy="[gateway] listen and admin, gateway.toml")
        code = EXIT_ADDRESS
    else:
        network.dial()
        _spare_the_collector()
        if not recovered.unfolded:
            log("listening", host=gateway.host, port=network.listener.port, admin_port=admin.port)
        code = await _until_stopped(parts, network, loop, log)
    await network.stop()
    await admin.stop()
    parts.reactor.shutdown()
    await follower.stop()
    log("stopped", code=code)
    return code


def recover_or_cancel(
    configuration: Configuration, journal: Journal | MemoryJournal, log: Log
) -> Recovered:
    """Fold the journal; where that fails by a bug of ours, what is needed to cancel."""
    codec = fact_codec()
    try:
        return recover(configuration.router, journal.snapshot, journal.tail(), codec)
    except (JournalError, SnapshotError):
        raise  # damaged, or of another version: an operator decides
    except Exception:  # noqa: BLE001 - told whole; orders at venues must not be left alone
        trace = traceback.format_exc(limit=20)
    log("fold-failed", error=trace, remedy="it only cancels: start it anew once the bug is mended")
    journal.may_roll = False  # no snapshot of a state without the books
    why = trace.strip().splitlines()[-1]
    return recover_living(configuration.router, journal.snapshot, journal.tail(), codec, why)


async def _until_stopped(
    parts: Parts, network: Network, loop: asyncio.AbstractEventLoop, log: Log
) -> int:
    """Run until a signal, or until a turn raised; the exit code."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    ends: set[asyncio.Future[Any]] = {stopped, parts.reactor.failure}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if not parts.reactor.failure.done():
        await _wind_down(parts, network, log)
        return EXIT_GOOD
    stopped.cancel()
    failure = parts.reactor.failure.exception()
    log("failed", error="".join(traceback.format_exception(failure)))
    return EXIT_BUG


def first_facts(
    engine: Engine, recovered: Recovered, boot_id: str, suspect: bool, now: int
) -> list[OperatorFact]:
    """What a start says before any socket: ids skip to a fresh block, no venue is open, no session
    is up, and after crash upon crash nothing but cancels may leave."""
    restarted = Restarted(now, boot_id, suspect, recovered.unfolded)
    facts: list[OperatorFact] = [restarted, engine.next_ids(now)]
    if recovered.unfolded:
        return [*facts, FlowStopped(now, WHY)]
    facts += [
        ClientDisconnected(now, name, "the gateway was started anew")
        for name, link in engine.links.items()
        if isinstance(link, ClientLink) and link.on_disconnect == "cancel"
    ]
    away_ns = now - recovered.last_ns if recovered.last_ns else 0
    facts += [
        OutageEnded(now, name, away_ns, link.after_outage == "suspend")
        for name, link in engine.links.items()
        if isinstance(link, ClientLink) and 0 < link.resume_window_ns < away_ns
    ]
    if recovered.crashed_often(now):
        facts.append(FlowStopped(now, "crashed again and again: cancel only"))
    return facts


def _begin(parts: Parts, journal: Journal, recovered: Recovered, durability: str, log: Log) -> None:
    """The first turn, before any socket."""
    engine, now = parts.engine, parts.reactor.now
    suspect = journal.boot_changed and durability == "process"
    for fact in first_facts(engine, recovered, journal.boot_id, suspect, now):
        engine.operate(fact)
    if recovered.crashed_often(now):
        log("cancel-only", remedy="find the bug; a start a minute after the last crash is normal")
    if suspect:
        log("tail-suspect", remedy='sor-gateway kill --off --reason "reconciled with the venues"')
    engine.turn(now)


def _spare_the_collector() -> None:
    """What is there after start lives as long as the process: no collection need look at it. The
    order path makes no cycles, so full collections, which stop the turn, may be rare; the young are
    looked at in portions that no turn feels (100,000 at once took it 50 to 170 ms)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 500, 100)


async def _wind_down(parts: Parts, network: Network, log: Log) -> None:
    """SIGTERM: no new flow, children cancelled, their last reports awaited, logout."""
    log("stopping", children=parts.engine.router.open_children())
    parts.engine.operate(FlowStopped(parts.reactor.now, "the gateway stops"))
    await _until(lambda: not parts.engine.router.open_children(), STOP_CHILDREN_S)
    await network.stop_dialling()  # or a venue that says goodbye is called again at once
    for link in parts.links.values():
        if link.session.logged_on:
            parts.engine.ask_logout(link, "the gateway stops")
    await _until(lambda: parts.reactor.idle, STOP_LOGOUT_S)
    left = parts.engine.router.open_children()
    if left:
        log("children-left", children=left)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds / POLL_S)):
        if condition():
            return
        await asyncio.sleep(POLL_S)
