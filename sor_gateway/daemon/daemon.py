"""The process: a wiring diagram. Configuration in, parts joined, the loop runs until a signal.

Owns: which part is given which other, start and stop.
May not know: what any of them does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from sor_gateway.config.settings import Configuration
from sor_gateway.daemon.engine import Engine
from sor_gateway.daemon.intake import Log
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
)
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Session
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.errors import JournalError
from sor_gateway.journal.segments import Journal
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.dialer import Dialer
from sor_gateway.net.listener import Listener
from sor_gateway.net.reactor import Reactor
from sor_gateway.net.tls import client_context, server_context
from sor_gateway.ops.admin import Admin
from sor_gateway.ops.logs import open_log
from sor_gateway.sor.events import FlowStopped, Restarted
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
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def run(configuration: Configuration) -> int:
    """Run the gateway until SIGTERM or SIGINT. Returns the process's exit code."""
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
    return Journal.open(gateway.journal, durability=gateway.durability, boot_id=boot_id)


@dataclass(slots=True)
class Parts:
    """What was wired together."""

    engine: Engine
    reactor: Reactor
    links: dict[str, Link]


def wire(
    configuration: Configuration,
    journal: Journal,
    recovered: Recovered,
    loop: asyncio.AbstractEventLoop,
    clock: Callable[[], int],
    log: Log,
) -> Parts:
    """Join sessions, translators, router, journal and reactor."""
    links = build_links(configuration, recovered)
    engine: Engine
    reactor = Reactor(loop, clock, lambda now: engine.turn(now))
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
        stopwatch=time.perf_counter_ns,
        turn_number=recovered.turn,
    )
    return Parts(engine, reactor, links)


def build_links(configuration: Configuration, recovered: Recovered) -> dict[str, Link]:
    """A link for each configured session, with the numbers and reports that the fold found."""

    def session(settings: SessionSettings, numbers: Numbers) -> Session:
        own = configuration.dictionaries.get(settings.name)
        return Session(settings, numbers, own or load_packaged(settings.begin_string))

    links: dict[str, Link] = {}
    for settings in configuration.ems_sessions:
        name = settings.name
        links[name] = ClientLink(
            session(settings, recovered.session_numbers(name)),
            ClientTranslator(name, dialect_of(settings.begin_string)),
            recovered.outbox(name),
        )
    for venue in configuration.venues:
        name, dialect = venue.name, dialect_of(venue.dialect)
        links[name] = VenueLink(
            session(venue.orders, recovered.session_numbers(name)),
            VenueTranslator(configuration.router.venues[name], dialect),
        )
        if venue.quotes is not None:
            links[venue.quotes.name] = QuotesLink(
                session(venue.quotes, Numbers()), name, QuoteTranslator(dialect), venue.symbols
            )
    return links


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
        )
    )


async def _run(configuration: Configuration, journal: Journal, log: Log) -> int:
    loop = asyncio.get_running_loop()
    started_ns = wall_clock_ns()
    recovered = recover(configuration.router, journal.snapshot, journal.tail(), fact_codec())
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
    listener = Listener(
        parts.reactor,
        gateway.host,
        gateway.port,
        tls=server_context(gateway.tls) if gateway.tls else None,
        on_refused=lambda peer, cause: log("connection-refused", peer=peer, cause=cause),
    )
    dialers = _dialers(configuration, parts)
    operations = EngineOperations(
        parts.engine,
        configuration,
        journal.counters,
        wall_clock_ns,
        lambda: listener.counters.refused,
    )
    admin = Admin(operations)
    follower = await _start_follower(configuration)
    try:
        await listener.start()
        await admin.start(gateway.admin_host, gateway.admin_port)
    except OSError as error:
        log("cannot-listen", text=str(error), remedy="[gateway] listen and admin, gateway.toml")
        code = EXIT_ADDRESS
    else:
        for dialer in dialers:
            dialer.start()
        _spare_the_collector()
        log("listening", host=gateway.host, port=listener.port, admin_port=admin.port)
        code = await _until_stopped(parts, dialers, loop, log)
    for dialer in dialers:
        await dialer.stop()
    await listener.stop()
    await admin.stop()
    parts.reactor.shutdown()
    await _stop_follower(follower)
    log("stopped", code=code)
    return code


async def _until_stopped(
    parts: Parts, dialers: list[Dialer], loop: asyncio.AbstractEventLoop, log: Log
) -> int:
    """Run until a signal, or until a turn raised; the exit code."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    ends: set[asyncio.Future[Any]] = {stopped, parts.reactor.failure}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if not parts.reactor.failure.done():
        await _wind_down(parts, dialers, log)
        return EXIT_GOOD
    stopped.cancel()
    failure = parts.reactor.failure.exception()
    log("failed", error="".join(traceback.format_exception(failure)))
    return EXIT_BUG


def _begin(parts: Parts, journal: Journal, recovered: Recovered, durability: str, log: Log) -> None:
    """The first turn, before any socket: ids skip to a fresh block, no venue is open."""
    engine, now = parts.engine, parts.reactor.now
    suspect = journal.boot_changed and durability == "process"
    engine.operate(Restarted(now, journal.boot_id, suspect))
    engine.operate(engine.next_ids(now))
    if recovered.crashed_often(now):
        engine.operate(FlowStopped(now, "crashed again and again: cancel only"))
        log("cancel-only", remedy="find the bug; a start a minute after the last crash is normal")
    if suspect:
        log("tail-suspect", remedy='sor-gateway kill --off --reason "reconciled with the venues"')
    engine.turn(now)


def _spare_the_collector() -> None:
    """What is there after start lives as long as the process: no collection need look at it. The
    order path makes no cycles, so full collections, which stop the turn, may be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _dialers(configuration: Configuration, parts: Parts) -> list[Dialer]:
    jitter = random.Random(configuration.gateway.seed).random
    dialers = []
    for venue in configuration.venues:
        tls = client_context(venue.tls) if venue.tls else None
        for settings in (venue.orders, venue.quotes):
            if settings is None or not configuration.router.venues[venue.name].enabled:
                continue
            session = parts.links[settings.name].session
            dialers.append(
                Dialer(session, venue.host, venue.port, parts.reactor, jitter=jitter, tls=tls)
            )
    return dialers


async def _start_follower(configuration: Configuration) -> asyncio.subprocess.Process:
    """The projection's process: it reads the journal's files and nothing else of ours."""
    gateway = configuration.gateway
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sor_gateway.projection.follower"),
        *("--journal", str(gateway.journal), "--database", str(gateway.database)),
        *("--with-parent", str(os.getpid())),
    )


async def _stop_follower(follower: asyncio.subprocess.Process) -> None:
    if follower.returncode is None:
        follower.terminate()
        await follower.wait()


async def _wind_down(parts: Parts, dialers: list[Dialer], log: Log) -> None:
    """SIGTERM: no new flow, children cancelled, their last reports awaited, logout."""
    log("stopping", children=parts.engine.router.open_children())
    parts.engine.operate(FlowStopped(parts.reactor.now, "the gateway stops"))
    await _until(lambda: not parts.engine.router.open_children(), STOP_CHILDREN_S)
    for dialer in dialers:
        await dialer.stop()  # or a venue that says goodbye is called again at once
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
