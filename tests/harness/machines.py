"""The machines of a desk as they run in production, on the harness's loop: the gateway's engine as
the daemon wires it, a venue as its process wires it. Their journals are in memory and outlive them.

Owns: how each is put together, started from its journal, killed.
May not know: lines, scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sor_gateway.config import Configuration
from sor_gateway.daemon.daemon import Parts, first_facts, wire
from sor_gateway.daemon.operations import EngineOperations
from sor_gateway.daemon.recovery import Recovered, recover
from sor_gateway.daemon.recovery import fact_codec as gateway_codec
from sor_gateway.fix.session import Session
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.journal.memory import MemoryJournal, MemoryStorage
from sor_gateway.net.connection import Connection
from sor_gateway.net.reactor import Reactor
from tests.harness.line import End
from tests.harness.loop import VirtualLoop
from venue_sims import recovery as venue_recovery
from venue_sims.assembly import build_venue
from venue_sims.config import MarketSettings, VenueFile
from venue_sims.faults.facts import MemoryLost
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.impact import Path
from venue_sims.server import VenueServer

BOOT_ID = "virtual"
Told = tuple[int, str, dict[str, object]]
"""Time, event, fields: a line of a machine's log."""


class Log:
    """Keeps every line that a machine says."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.lines: list[Told] = []
        self._loop = loop

    def __call__(self, event: str, /, **fields: object) -> None:
        """The gateway's manner."""
        self.lines.append((self._loop.now_ns, event, fields))

    def info(self, event: str, **fields: Any) -> None:
        """The venues' manner."""
        self(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """The venues' manner."""
        self(event, **fields)


def frames(storage: MemoryStorage) -> Iterator[bytes]:
    """Every record of a journal as it was written."""
    for number in sorted(storage.segments):
        yield from storage.segments[number].frames


def bind(
    reactor: Reactor, loop: VirtualLoop, session: Session, end: End, on_end: Callable[[], None]
) -> None:
    """A connection for a session, over one end of a line."""
    connection = Connection(reactor, loop.as_asyncio)
    end.protocol = connection
    connection.connection_made(end)
    reactor.bind(connection, session, on_end)


class Gateway:
    """The whole gateway but its sockets, its HTTP and its projection's process."""

    def __init__(self, loop: VirtualLoop, configuration: Configuration) -> None:
        self.configuration = configuration
        self.storage = MemoryStorage()
        self.log = Log(loop)
        self.parts: Parts
        self.up = False
        self._loop = loop
        self.operations: EngineOperations
        """What an operator may ask."""
        self.start()

    def start(self) -> None:
        """Fold the journal, wire, and take the first turn, as the daemon does."""
        recovered, journal = self.folded()
        self.parts = wire(
            self.configuration,
            journal,
            recovered,
            self._loop.as_asyncio,
            self._loop.clock,
            self.log,
            stopwatch=lambda: 0,
        )
        engine = self.parts.engine
        self.operations = EngineOperations(
            engine, self.configuration, journal.counters, self._loop.clock, dict
        )
        for fact in first_facts(engine, recovered, BOOT_ID, False, self._loop.now_ns):
            engine.operate(fact)
        self.up = True

    def folded(self) -> tuple[Recovered, MemoryJournal]:
        """What a start would find now."""
        journal = MemoryJournal(self.storage, boot_id=BOOT_ID)
        settings = self.configuration.router
        return recover(settings, journal.snapshot, journal.tail(), gateway_codec()), journal

    def kill(self) -> None:
        """kill -9."""
        self.parts.reactor.shutdown()
        self.up = False

    def attach(self, settings: SessionSettings, end: End, on_end: Callable[[], None]) -> None:
        """By the session's name."""
        session = self.parts.links[settings.name].session
        bind(self.parts.reactor, self._loop, session, end, on_end)

    def unready(self) -> list[str]:
        """Why orders cannot flow, in the words of /readyz; empty when they can."""
        return self.operations.readiness()


class Venue:
    """A simulated venue but its socket and its control socket."""

    def __init__(
        self,
        loop: VirtualLoop,
        file: VenueFile,
        market: MarketSettings,
        t0_ns: int,
        paths: dict[str, Path] | None = None,
    ) -> None:
        self.file = file
        self.storage = MemoryStorage()
        self.log = Log(loop)
        self.server: VenueServer
        self.up = False
        self._loop = loop
        self._market = market
        self._paths = paths
        self._clock = MarketClock(t0_ns, market.scale_milli)
        self.start()

    def start(self) -> None:
        """Fold the journal and open, as the venue's process does."""
        codec = venue_recovery.fact_codec()
        journal = MemoryJournal(self.storage, boot_id=BOOT_ID)
        recovered = venue_recovery.recover(self.file.mic, journal.snapshot, journal.tail(), codec)
        venue = build_venue(self.file, self._market, self._clock, recovered.state, self._paths)
        loop, clock = self._loop.as_asyncio, self._loop.clock
        self.server = VenueServer(venue, journal, codec, recovered, loop, clock, self.log)
        self.server.add_sessions(self.file)
        self.server.on_death = self._died
        self.server.open()
        self.up = True

    def kill(self) -> None:
        """kill -9."""
        self.server.reactor.shutdown()
        self.up = False

    def _died(self, death: MemoryLost) -> None:
        """Of a fault; it comes up again by itself."""
        self.up = False
        self._loop.at_ns(self._loop.now_ns + death.down_ns, self.start)

    def attach(self, settings: SessionSettings, end: End, on_end: Callable[[], None]) -> None:
        """By the identity that the initiator writes."""
        session = self.server.reactor.resolve(
            settings.begin_string, settings.sender_comp_id, settings.target_comp_id
        )
        assert session is not None, f"{self.file.name} does not know {settings.sender_comp_id}"
        bind(self.server.reactor, self._loop, session, end, on_end)
