"""From settings to machines: which flows stand on which floor of which kind of venue.

Owns: the wiring of a venue's machines.
May not know: files, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from venue_sims.checks import VenueSettings
from venue_sims.config import ConfigError, MarketSettings, SymbolSettings, VenueFile
from venue_sims.fault_config import FaultMistake, check_meant
from venue_sims.faults.board import Faults
from venue_sims.floor import Floor
from venue_sims.flow.aggressors import MEAN_SIZE, Aggressors
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.fade import Fade
from venue_sims.flow.flows import Flow
from venue_sims.flow.house_quotes import HouseQuotes
from venue_sims.flow.impact import ImpactPath, Path
from venue_sims.flow.informed import Informed
from venue_sims.flow.latent import Latent
from venue_sims.flow.market_path import MarketPath
from venue_sims.flow.opening import Contact, Opening
from venue_sims.flow.pingers import Pingers
from venue_sims.flow.streams import Stream
from venue_sims.flow.visitors import Visitors
from venue_sims.kinds import Profile, kind_of
from venue_sims.latency import Latency
from venue_sims.match_config import MatchSettings
from venue_sims.matching.book import Book, BookRules
from venue_sims.matching.crossing import Crossing, CrossingRules
from venue_sims.matching.rules import round_lot
from venue_sims.matching.signal import QuoteSignal
from venue_sims.state import VenueState
from venue_sims.throttle import Throttle
from venue_sims.trading import Trading, side_of
from venue_sims.venue import Venue
from venue_sims.words import State, session_name


def build_venue(
    file: VenueFile,
    market: MarketSettings,
    clock: MarketClock,
    state: VenueState,
    paths: dict[str, Path] | None = None,
) -> Venue:
    """A venue that is not open yet. `paths`: of all symbols of the market, when venues of one
    process share them. Raises ConfigError when the files do not fit together."""
    if paths is None:
        if market.impact is not None:
            raise ConfigError(
                f"{file.name}: market.mode: impact is for venues of one process that share their"
                " paths (assembly.build_paths); processes of their own need path"
            )
        paths = build_paths(market)
    kind = kind_of(file.kind, file.profile)
    known = {symbol.path.symbol: symbol for symbol in market.symbols}
    for name in [*file.symbols, *(latent.symbol for latent in file.latent)]:
        if name not in known:
            raise ConfigError(f"{file.name}: symbol {name} is not in the market file")
    if not kind.dark and file.mic not in {quoter.mic for quoter in market.quoters}:
        raise ConfigError(f"{file.name}: {file.mic} is not among the market file's [[lit]]")
    names = file.symbols or list(known)
    _check_faults(file, names)
    make = _dark_floor if kind.dark else _lit_floor
    floors = {name: make(file, market, known[name], paths[name]) for name in names}
    for floor in floors.values():
        _recall(floor, state, clock)
    settings = VenueSettings(
        file.name,
        file.mic,
        file.max_quantity,
        cod=file.cod,
        grace_ns=file.grace_ns,
        hours=file.hours,
        seed=market.seed,
        mass_status=file.mass_status,
    )
    latency = Latency(market.seed, file.mic, file.latency)
    trading = Trading(
        kind, clock, floors, file.fees, latency, state, file.match.tiers, file.match.invitations
    )
    faults = Faults(market.seed, file.mic, file.faults, trading)
    return Venue(settings, trading, Throttle(file.throttle), faults)


def _check_faults(file: VenueFile, symbols: list[str]) -> None:
    clients = [*file.sessions, *file.data_sessions]
    sessions = [session_name(client, version) for client in clients for version in file.versions]
    for name, settings in file.faults.items():
        try:
            check_meant(name, settings, symbols, sessions)
        except FaultMistake as mistake:
            raise ConfigError(f"{file.name}: faults.{mistake}") from mistake


def build_path(market: MarketSettings, symbol: SymbolSettings) -> MarketPath:
    """The market's path of one symbol, the same in every process."""
    return MarketPath(market.seed, symbol.path, market.quoters, market.slot_ms)


def build_paths(market: MarketSettings) -> dict[str, Path]:
    """The paths of all symbols, as the market's mode says: with impact, what one venue is told of
    its clients' trades is seen at all that share them."""
    paths: dict[str, Path] = {}
    for symbol in market.symbols:
        path = build_path(market, symbol)
        shared = path if market.impact is None else ImpactPath(path, market.impact, symbol.adv)
        paths[symbol.path.symbol] = shared
    return paths


def _lit_floor(
    file: VenueFile, market: MarketSettings, symbol: SymbolSettings, path: Path
) -> Floor:
    name = symbol.path.symbol
    house = HouseQuotes(
        Stream(market.seed, f"house:{file.mic}:{name}"),
        file.house,
        partial(path.quote, file.mic),
        partial(path.quote_holds_until, file.mic),
        path.slot_ns,
        symbol.path.tick_micros,
    )
    flows: list[Flow] = [house]
    if file.takers and symbol.takers.shares_s:
        stream = Stream(market.seed, f"takers:{name}")
        flows.append(Aggressors(stream, symbol.takers, market.quoters, file.mic))
    if file.takers and symbol.informed.share:
        stream = Stream(market.seed, f"informed:{file.mic}:{name}")
        rate = symbol.takers.shares_s / MEAN_SIZE * _share(market, file.mic)
        flows.append(Informed(stream, symbol.informed, rate, path, file.mic))
    fade = Fade(Stream(market.seed, f"fade:{file.mic}:{name}"), file.fade, house)
    signal = _signal(file, market, path)
    book = _book(file.match, symbol)
    return Floor(name, book, path, flows, fade=fade, signal=signal)


def _book(match: MatchSettings, symbol: SymbolSettings) -> Book:
    return Book(
        BookRules(
            match.collar_ppm,
            symbol.path.tick_micros,
            round_lot(symbol.path.p0_micros),
            match.self_match,
            match.slide,
            match.protect,
        )
    )


def _signal(file: VenueFile, market: MarketSettings, path: Path) -> QuoteSignal | None:
    """The quote signal, over the quotes of all lit venues."""
    if file.profile is not Profile.IEX:
        return None
    mics = [quoter.mic for quoter in market.quoters]
    for mic in file.match.leaders:
        if mic not in mics:
            raise ConfigError(f"{file.name}: signal.leaders: {mic} is not among [[lit]]")
    leaders = tuple(mics.index(mic) for mic in file.match.leaders)

    def snapshot(slot: int) -> list[tuple[int, int]]:
        quotes = [path.quote(mic, slot) for mic in mics]
        return [(quote.bid, quote.ask) for quote in quotes]

    return QuoteSignal(replace(file.match.signal, leader_venues=leaders), snapshot, path.slot_ns)


def _dark_floor(
    file: VenueFile, market: MarketSettings, symbol: SymbolSettings, path: Path
) -> Floor:
    name = symbol.path.symbol
    flows: list[Flow] = []
    openings: list[Opening] = []
    visitors: Visitors | None = None
    for settings in file.latent:
        if settings.symbol == name:
            latent = Latent(settings)
            flows.append(latent)
            if settings.opening:
                openings.append(Opening(latent))
    if file.visitors.rate:
        stream = Stream(market.seed, f"visitors:{file.mic}:{name}")
        visitors = Visitors(stream, file.visitors)
        flows.append(visitors)
    if file.pingers.rate:
        stream = Stream(market.seed, f"pingers:{file.mic}:{name}")
        flows.append(Pingers(stream, file.pingers, visitors, path.traded))
    match = file.match
    crossing = Crossing(CrossingRules(match.improvement, match.by_size, match.apart))
    return Floor(name, crossing, path, [*openings, *flows], openings)


def _share(market: MarketSettings, mic: str) -> float:
    """A lit venue's part of the lit volume."""
    shares = {quoter.mic: quoter.share for quoter in market.quoters}
    return shares[mic] / sum(shares.values())


def _recall(floor: Floor, state: VenueState, clock: MarketClock) -> None:
    """Tell latent parents what they did before this process began."""
    for flow in floor.flows.values():
        traded = state.latent.get(flow.name, 0)
        if isinstance(flow, Latent):
            flow.recall(traded)
        elif isinstance(flow, Opening):
            flow.recall(traded, _contact(flow, state, clock))


def _contact(opening: Opening, state: VenueState, clock: MarketClock) -> Contact | None:
    """The first order that an opening met. Orders are remembered in the order they came."""
    wanted = opening.side.opposite
    for order in state.orders.values():
        terms = order.terms
        if order.state is State.REJECTED or terms.symbol != opening.then.settings.symbol:
            continue
        if side_of(terms.capacity) is wanted:
            return Contact(order.order_id, clock.market(order.accepted_ns), order.live)
    return None
