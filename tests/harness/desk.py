"""A desk in one process: venues, gateway and EMS joined by lines in memory, on one virtual clock.

Owns: which machines there are, which line joins which two, when lines go down and up, the run.
May not know: what any machine does. Same scenario, same seed: the same bytes in every journal.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from sor_gateway.client.ems import NewOrder
from sor_gateway.config import Configuration, load
from sor_gateway.config.scenario import Scenario, load_scenario, market_file
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.journal.memory import MemoryStorage
from sor_gateway.stack import MARKET_AGE_MS
from tests.harness.ems import Ems
from tests.harness.line import Line
from tests.harness.loop import SECOND, VirtualLoop
from tests.harness.machines import Gateway, Venue, frames
from venue_sims.assembly import build_paths
from venue_sims.config import MarketSettings, VenueFile, load_market, load_venue

CONFIG: Final = Path(__file__).parents[2] / "config"
START: Final = 1_790_000_000 * SECOND
LINE_NS: Final = 50_000
"""From machine to machine: loopback through two event loops. A venue's own latency is the
venue's."""
REDIAL_NS: Final = SECOND // 10
"""How long a line that went down stays down, unless it is held: the gateway's first back-off."""
READY_NS: Final = 10 * SECOND
GATEWAY: Final = "gateway"
EMS: Final = "EMS"


class DeskError(Exception):
    """The run did not come to what was waited for."""


@dataclass(slots=True)
class Link:
    """Two machines that may be joined; at present by `line`, if they are."""

    name: str
    settings: SessionSettings
    """The gateway's of the session that runs over it."""
    peer: str
    """Who is at the other end: a venue or the EMS."""
    line: Line | None = None
    ends: int = 0
    """Ends of the last line whose machines were not told yet that it is gone."""
    held: bool = False
    """Not dialled again by itself."""
    lines: list[int] = field(default_factory=list)
    """When each line came up."""


class Desk:
    """See the module. `scenario` is read from `config`, with its venues, market and overrides;
    `overrides` are more of the gateway's variables, `world` is another market with its venues."""

    def __init__(
        self,
        scenario: str = "block",
        seed: int = 42,
        *,
        config: Path = CONFIG,
        overrides: Mapping[str, str] | None = None,
        line_ns: int = LINE_NS,
        world: tuple[MarketSettings, Sequence[VenueFile]] | None = None,
        market_scale: float | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        """`market_scale`: how many times as fast as the clock the market is, if not the scenario's.
        `symbols`: all that is traded anywhere; None: the whole market, most of which a run with
        orders in one symbol simulates for nobody."""
        files = _read(config, scenario, tuple(sorted((overrides or {}).items())))
        self.scenario, configuration, market, venues = files
        if market_scale is not None:
            self.scenario.market_scale = market_scale
        self.loop = VirtualLoop(START)
        self.line_ns = line_ns
        t0_ns = START - MARKET_AGE_MS * SECOND // 1_000
        enabled = [
            venue
            for venue in configuration.venues
            if configuration.router.venues[venue.name].enabled
        ]
        if world is not None:
            market, venues = world
        else:
            market.seed = seed
            market.scale_milli = round(self.scenario.market_scale * 1_000)
        if symbols is not None:
            _trade_only(symbols, configuration, market, venues)
        paths = build_paths(market)
        self.venues = {file.name: Venue(self.loop, file, market, t0_ns, paths) for file in venues}
        self.gateway = Gateway(self.loop, configuration)
        self.ems = Ems(self.loop)
        self.links: dict[str, Link] = {}
        for venue in enabled:
            for settings in (venue.orders, venue.quotes):
                if settings is not None:
                    self.links[settings.name] = Link(settings.name, settings, venue.name)
        for settings in configuration.ems_sessions:
            if settings.name == EMS:
                self.links[EMS] = Link(EMS, settings, EMS)
        self.connect()

    @property
    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self.loop.now_ns

    def market_s(self, seconds: float) -> int:
        """So many market seconds in nanoseconds of the machines' clock."""
        return round(seconds * SECOND / self.scenario.market_scale)

    # --- time -----------------------------------------------------------------------------

    def run_until(self, at_ns: int) -> None:
        """Live through everything up to this time, which then it is."""
        while (due := self.loop.next_ns()) is not None and due <= at_ns:
            self.loop.step()
        self.loop.advance(at_ns)

    def run_while(self, predicate: Callable[[], bool], limit_ns: int) -> None:
        """Go on as long as this holds. Raises DeskError when it still does after `limit_ns`."""
        end = self.now + limit_ns
        while predicate():
            due = self.loop.next_ns()
            if due is None or due > end:
                raise DeskError(f"after {limit_ns / SECOND:g} s still waiting for {predicate}")
            self.loop.step()

    def become_ready(self) -> None:
        """Until the gateway may send orders and the EMS is logged on. Raises DeskError."""
        for at_ns in range(self.now, self.now + READY_NS, SECOND // 100):
            self.run_until(at_ns)
            if self.ems.session.active and not self.gateway.unready():
                return
        raise DeskError(f"not ready: {self.gateway.unready()}")

    def submit(self, **changes: object) -> str:
        """Send the scenario's order, or one that differs in some of `NewOrder`'s fields. Returns
        its ClOrdID."""
        scenario = self.scenario
        terms: dict[str, object] = {
            "side": scenario.side,
            "symbol": scenario.symbol,
            "quantity": scenario.quantity,
            "ord_type": "market" if scenario.limit is None else "limit",
            "price": scenario.limit,
            "strategy": scenario.strategy,
        }
        return self.ems.submit(NewOrder(**{**terms, **changes}))  # type: ignore[arg-type]

    def trade(self, cl_ord_id: str) -> None:
        """Until an order is over. Raises DeskError when the scenario's time is up before."""
        order = self.ems.order(cl_ord_id)
        self.run_while(lambda: not order.over, self.scenario.time_limit_s * SECOND)

    # --- lines ----------------------------------------------------------------------------

    def connect(self, *names: str) -> None:
        """Dial these links, by default all; they are no longer held."""
        for name in names or self.links:
            self.links[name].held = False
            self._dial(self.links[name])

    def cut(
        self, *names: str, hold: bool = False, arrives: Callable[[int], int] = lambda _: 0
    ) -> None:
        """These links' lines go, by default all. They are dialled again, unless `hold`; `arrives`
        tells how many of the bytes on a line still reach their end."""
        for name in names or self.links:
            link = self.links[name]
            link.held = hold
            if link.line is not None:
                link.line.cut(arrives)

    def _dial(self, link: Link) -> None:
        gateway, peer = self.gateway, self.venues.get(link.peer, self.ems)
        if link.held or link.line is not None:
            return
        if not (gateway.up and peer.up):
            self.loop.at_ns(self.now + REDIAL_NS, self._dial, link)
            return
        link.line = line = Line(self.loop, self.line_ns, GATEWAY, link.peer)
        link.ends = 2
        link.lines.append(self.now)
        on_end = partial(self._ended, link)
        gateway.attach(link.settings, line.near, on_end)
        if isinstance(peer, Venue):
            peer.attach(link.settings, line.far, on_end)
        else:
            peer.attach(line.far, on_end)

    def _ended(self, link: Link) -> None:
        """One end knows that the line is gone; when both do, it is dialled again."""
        link.ends -= 1
        if not link.ends:
            link.line = None
            self.loop.at_ns(self.now + REDIAL_NS, self._dial, link)

    # --- machines -------------------------------------------------------------------------

    def restart(self, name: str, down_ns: int = 0) -> None:
        """Kill a venue or the gateway; it comes up from its journal `down_ns` later."""
        machine = self.gateway if name == GATEWAY else self.venues[name]
        machine.kill()
        self.loop.at_ns(self.now + down_ns, machine.start)

    def journals(self) -> dict[str, MemoryStorage]:
        """Every journal, the gateway's first."""
        venues = {name: venue.storage for name, venue in self.venues.items()}
        return {GATEWAY: self.gateway.storage, **venues}

    def digests(self) -> dict[str, str]:
        """A digest of each journal's bytes."""
        return {name: digest(frames(storage)) for name, storage in self.journals().items()}


Files = tuple[Scenario, Configuration, MarketSettings, Sequence[VenueFile]]


def _read(config: Path, scenario: str, overrides: tuple[tuple[str, str], ...]) -> Files:
    """The scenario's files, to be changed at will. The shipped ones are read once a process."""
    if config != CONFIG:
        return _read_anew(config, scenario, overrides)
    files: Files = pickle.loads(_shipped(scenario, overrides))
    return files


@cache
def _shipped(scenario: str, overrides: tuple[tuple[str, str], ...]) -> bytes:
    return pickle.dumps(_read_anew(CONFIG, scenario, overrides))


def _read_anew(config: Path, name: str, overrides: tuple[tuple[str, str], ...]) -> Files:
    scenario = load_scenario(config, name)
    configuration = load(config, {**scenario.environment, **dict(overrides)})
    market = load_market(market_file(config, name))
    enabled = [
        venue.name
        for venue in configuration.venues
        if configuration.router.venues[venue.name].enabled
    ]
    venues = [load_venue(scenario.folder / f"{venue}.toml") for venue in enabled]
    return scenario, configuration, market, venues


def _trade_only(
    symbols: Sequence[str],
    configuration: Configuration,
    market: MarketSettings,
    files: Sequence[VenueFile],
) -> None:
    """The same market without all other symbols: what is drawn for one does not move another's."""
    market.symbols = [each for each in market.symbols if each.path.symbol in symbols]
    for file in files:
        file.symbols = [each.path.symbol for each in market.symbols]
        file.latent = [each for each in file.latent if each.symbol in symbols]
    for venue in configuration.venues:
        venue.symbols = [each for each in venue.symbols if each in symbols]


def digest(pieces: Iterable[bytes]) -> str:
    """SHA-256 of these bytes."""
    whole = sha256()
    for piece in pieces:
        whole.update(piece)
    return whole.hexdigest()
