"""`venue-sim`: one simulated venue as a process; `venue-sim ctl`: ask a running one.

Owns: the command line, the event loop, signals, the log's form.
May not know: anything of trading; it reads files and wires parts.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvloop
from rich.console import Console

from sor_gateway.journal.errors import JournalError
from sor_gateway.journal.segments import Journal
from sor_gateway.net.clock import Clock, wall_clock_ns
from sor_gateway.net.reactor import Reactor
from venue_sims.agenda import NEVER
from venue_sims.assembly import build_venue
from venue_sims.config import (
    ConfigError,
    MarketSettings,
    VenueFile,
    load_market,
    load_venue,
    parse_address,
)
from venue_sims.control import Control, ask
from venue_sims.faults.facts import MemoryLost
from venue_sims.flow.clock import (
    NANOS_PER_MS,
    NANOS_PER_SECOND,
    MarketClock,
    midnight_ns,
    parse_scale,
)
from venue_sims.kinds import KindName
from venue_sims.operations import CommandError
from venue_sims.recovery import Recovered, SnapshotUnreadable, fact_codec, recover
from venue_sims.replay import replay, told
from venue_sims.server import VenueServer
from venue_sims.stepping import HandClock, SteppedReactor
from venue_sims.tables import show

EXIT_USAGE = 2
GC_OBJECTS = 100_000
GC_GENERATIONS = (50, 100)
"""New objects between two collections, and how many of these until older ones are looked at."""
TABLE_COLUMNS = 200
"""How wide tables are where there is no terminal."""


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of both."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["ctl"]:
        sys.exit(_ctl(arguments[1:]))
    sys.exit(_serve(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="venue-sim", description="A simulated venue.")
    parser.add_argument("--kind", choices=[str(kind) for kind in KindName])
    parser.add_argument("--venue", type=Path, required=True, help="the venue's own file")
    parser.add_argument("--market", type=Path, required=True, help="what all venues share")
    parser.add_argument("--host", default="127.0.0.1", help="address for FIX sessions")
    parser.add_argument("--port", type=int, help="for FIX sessions; 0: any free one")
    parser.add_argument("--control", type=_address, help="HOST:PORT, loopback; port 0: any")
    parser.add_argument("--seed", type=int, help="varies everything; the same for all venues")
    parser.add_argument("--t0", type=int, metavar="EPOCH_MS", help="when market time is 0")
    parser.add_argument(
        "--clock", type=_clock, metavar="wall|scaled:N|stepped[:N]", default=_Clock(None)
    )
    parser.add_argument("--scale", type=_scale, help="the same as --clock scaled:N")
    parser.add_argument("--journal", type=Path, help="folder; default data/venue-NAME")
    parser.add_argument(
        "--replay", type=Path, metavar="FOLDER", help="live through a journal again and compare"
    )
    parser.add_argument("--check", action="store_true", help="check the files and end")
    return parser


def _address(text: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _scale(text: str) -> int:
    try:
        return parse_scale(text)
    except (ValueError, ArithmeticError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a scale such as 60") from error


@dataclass(slots=True)
class _Clock:
    """What --clock asks for; no scale: as the files say."""

    scale: int | None
    stepped: bool = False


def _clock(text: str) -> _Clock:
    kind, colon, scale = text.partition(":")
    if text == "wall":
        return _Clock(_scale("1"))
    if kind == "scaled" and colon:
        return _Clock(_scale(scale))
    if kind == "stepped":
        return _Clock(_scale(scale) if colon else None, stepped=True)
    raise argparse.ArgumentTypeError(f"{text!r}: expected wall, scaled:N, stepped or stepped:N")


# --- ctl --------------------------------------------------------------------------------------


def _ctl(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="venue-sim ctl", description="Ask a running venue.")
    parser.add_argument("--control", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--json", action="store_true", help="one line, for programs")
    parser.add_argument("command", nargs="+", help="status, book ACME, orders, ledger, help, ...")
    options = parser.parse_args(arguments)
    host, port = options.control
    try:
        answer = ask(host, port, " ".join(options.command))
    except OSError as error:
        sys.stderr.write(f"{host}:{port}: {error}\n")
        return 1
    if options.json:
        sys.stdout.write(json.dumps(answer) + "\n")
    elif "error" in answer:
        sys.stderr.write(f"{answer['error']}\n")
    else:
        show(answer, Console(width=None if sys.stdout.isatty() else TABLE_COLUMNS))
    return 1 if "error" in answer else 0


# --- the venue --------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> int:
    try:
        file, market = load_venue(options.venue), load_market(options.market)
        if options.kind is not None and options.kind != file.kind:
            raise ConfigError(
                f"{options.venue}: venue.kind: {file.kind}, but --kind {options.kind}"
            )
        _override(file, market, options)
        if options.check:
            _build(file, market, Recovered(_fresh(file)))
            return 0
        if options.replay:
            return _replay(options.replay, file, market)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            stepped = options.clock.stepped
            runner.run(_run(file, market, options.host, options.journal, stepped=stepped))
    except (ConfigError, CommandError, JournalError, SnapshotUnreadable, OSError) as error:
        sys.stderr.write(f"venue-sim: {error}\n")
        return EXIT_USAGE
    return 0


def _replay(folder: Path, file: VenueFile, market: MarketSettings) -> int:
    found = replay(folder, file, market)
    sys.stdout.write(told(found) + "\n")
    return 1 if found.differences else 0


def _override(file: VenueFile, market: MarketSettings, options: argparse.Namespace) -> None:
    """What the command line says goes before what the files say."""
    if options.port is not None:
        file.port = options.port
    if options.control is not None:
        file.control = options.control
    if options.seed is not None:
        market.seed = options.seed
    if options.t0 is not None:
        market.t0_ns = options.t0 * NANOS_PER_MS
    for scale in (options.clock.scale, options.scale):
        if scale is not None:
            market.scale_milli = scale
    if options.clock.stepped and market.t0_ns is None:
        raise ConfigError(
            "a stepped clock needs a beginning: --t0, or market.t0 in the market file"
        )


async def _run(
    file: VenueFile, market: MarketSettings, host: str, folder: Path | None, *, stepped: bool
) -> None:
    """One life after the other, until a signal ends it: a fault may kill the venue (F27), and then
    it comes up again from its journal, where it was."""
    log, stopped = _logger(file.name), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    clock: Clock = wall_clock_ns
    if stepped:
        assert market.t0_ns is not None
        clock, file.tolerance_ns = HandClock(market.t0_ns), NEVER
    while (death := await _live(file, market, host, folder, log, stopped, clock)) is not None:
        log.warning("died", lost=str(death.lose), reset=str(death.reset))
        await _stay_down(clock, death, stopped)
        if stopped.is_set():
            break
    log.info("stopped")


async def _stay_down(clock: Clock, death: MemoryLost, stopped: asyncio.Event) -> None:
    """Until it comes up again, or is not to. Time by hand is moved on: nobody can step a venue that
    is down."""
    if isinstance(clock, HandClock):
        clock.now_ns = max(clock.now_ns, death.at_ns + death.down_ns)
    else:
        with suppress(TimeoutError):
            async with asyncio.timeout(death.down_ns / NANOS_PER_SECOND):
                await stopped.wait()


async def _live(
    file: VenueFile,
    market: MarketSettings,
    host: str,
    folder: Path | None,
    log: Any,
    stopped: asyncio.Event,
    clock: Clock,
) -> MemoryLost | None:
    """One life; what it died of, None when it was ended by a signal."""
    codec = fact_codec()
    with closing(Journal.open(folder or Path("data") / f"venue-{file.name}")) as journal:
        recovered = recover(file.mic, journal.snapshot, journal.tail(), codec)
        # What an operator sets holds for this life.
        venue = _build(copy.deepcopy(file), market, recovered)
        if isinstance(clock, HandClock):
            clock.now_ns = max(clock.now_ns, recovered.at_ns)
        loop = asyncio.get_running_loop()
        reactor = SteppedReactor if isinstance(clock, HandClock) else Reactor
        server = VenueServer(venue, journal, codec, recovered, loop, clock, log, reactor)
        server.add_sessions(file)
        # Beside the turns a segment ends when the disk is ready, with time by hand when it is full.
        server.rolls_apart = not isinstance(clock, HandClock)
        died: asyncio.Future[MemoryLost] = loop.create_future()
        server.on_death = died.set_result
        control = Control(server)
        file.port = await server.start(host, file.port)
        if file.control:
            file.control = (file.control[0], await control.start(*file.control))
        log.info(
            "started",
            kind=str(file.kind),
            port=file.port,
            control=file.control[1] if file.control else None,
            turn=recovered.turn,
            live=len(venue.state.live_orders()),
            seed=market.seed,
            scale_milli=market.scale_milli,
        )
        _spare_the_collector()
        try:
            await _until_over(server, stopped, died)
        except BaseException:
            await server.abort()
            raise
        finally:
            await control.stop()
        if died.done():
            await server.abort()
            return died.result()
        if isinstance(server.reactor, SteppedReactor):
            server.reactor.let_go()
        await server.stop()
    return None


def _spare_the_collector() -> None:
    """What stands at the start stays: collections need not walk over it again and again."""
    gc.unfreeze()  # of an earlier life
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, *GC_GENERATIONS)


async def _until_over(
    server: VenueServer, stopped: asyncio.Event, died: asyncio.Future[MemoryLost]
) -> None:
    """Wait for a signal, or for a death by a fault. Raises what a turn raised: a bug of ours ends
    the process."""
    signalled = asyncio.ensure_future(stopped.wait())
    any_of: set[asyncio.Future[Any]] = {signalled, died, server.reactor.failure}
    done, _ = await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if server.reactor.failure in done:
        server.reactor.failure.result()


def _fresh(file: VenueFile) -> Any:
    return recover(file.mic, None, (), fact_codec()).state


def _build(file: VenueFile, market: MarketSettings, recovered: Recovered) -> Any:
    t0_ns = midnight_ns(wall_clock_ns()) if market.t0_ns is None else market.t0_ns
    clock = MarketClock(t0_ns, market.scale_milli)
    return build_venue(file, market, clock, recovered.state)


def _logger(name: str) -> Any:
    """JSON lines on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    return structlog.get_logger().bind(venue=name)


if __name__ == "__main__":
    main()
