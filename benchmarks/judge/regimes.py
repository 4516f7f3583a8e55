"""Five markets in which routers are compared, and how a seed makes one of them.

Owns: what differs between the regimes, and where each figure comes from. They were chosen before
any router was tried in them and know nothing of routers.
May not know: routers, costs.

Everything that is not named here is the shipped default scenario (config/market.toml and
config/scenarios/default): seven venues, their fees, latencies and books, at its market's speed.
What is different:
- the market feels its clients (venue_sims/flow/impact.py), and moves in longer slots;
- hidden size is not always there: whether a natural counterpart waits in a pool, and how large he
  is, is drawn anew for each seed, as fitted to a broker's pools (Ganchev et al. 2009: nothing there
  in 67 to 96 of 100 contacts; size s with a probability in proportion to s^-b, b from .25 to 1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from venue_sims.config import MarketSettings, VenueFile, load_market, load_venue
from venue_sims.flow.fade import FadeSettings
from venue_sims.flow.impact import ImpactSettings
from venue_sims.flow.informed import InformedSettings
from venue_sims.flow.latent import LatentSettings
from venue_sims.flow.pingers import PingerSettings
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Side

CONFIG: Final = Path(__file__).parents[2] / "config"
SCENARIO: Final = "default"
SYMBOL: Final = "ACME"
SCALE_MILLI: Final = 60_000
"""Of the default scenario."""
SLOT_MS: Final = 500
"""Half a market second, 8 ms of the clock: about what a venue lives through at a time."""
HORIZON_S: Final = 10
"""How far ahead of the market who is informed knows it."""
NATURAL_MAX: Final = 10_000
NATURAL_MIN: Final = 100
EXPONENTS: Final = (0.25, 1.3)
SHOWN_PART: Final = 3
"""A natural rests one part in this many of what he wants, as those of the default scenario do."""


@dataclass(slots=True, frozen=True)
class Regime:
    """What a market is like."""

    name: str
    natural_chance: float = 0.33
    """That a natural counterpart waits in a pool; and, apart from that, one on our own side."""
    visitors: float = 1.0
    """Times as many small hidden orders as in the default scenario."""
    sigma: float = 1.0
    """Times the default volatility."""
    jumps_day: float = 3.0
    jump_bps: float = 20.0
    informed_share: float = 0.0
    ping_rate: float = 0.0
    """Probes a market second in each pool."""
    ping_ahead: int = 0
    fade_chance: float | None = None
    """None: as each venue's own file says, 5 to 10 %."""
    churn: float | None = None


CALM: Final = Regime("calm")
VOLATILE: Final = Regime("volatile", sigma=3.0, jumps_day=12.0, jump_bps=40.0)
TOXIC: Final = Regime("toxic", informed_share=0.3, ping_rate=0.2, ping_ahead=200)
"""Three looks of somebody who knows the next ten seconds for ten takers who do not."""
THIN_DARK: Final = Regime("thin dark", natural_chance=0.04, visitors=0.25)
"""The emptiest pools of the published fits."""
FAST_FADE: Final = Regime("fast fade", fade_chance=0.84, churn=0.3)
"""84 of 100 are what venues.md F20 names."""

REGIMES: Final = {regime.name: regime for regime in (CALM, VOLATILE, TOXIC, THIN_DARK, FAST_FADE)}
VARIANTS: Final = {
    regime.name: regime
    for regime in (
        replace(CALM, name="calm, half as wild", sigma=0.5),
        replace(CALM, name="calm, twice as wild", sigma=2.0),
        replace(VOLATILE, name="volatile, half as wild", sigma=1.5, jump_bps=20.0),
        replace(VOLATILE, name="volatile, twice as wild", sigma=6.0, jump_bps=80.0),
    )
}
"""Not judged as the five are: what goes by volatility has to hold between and beyond them."""


@dataclass(slots=True, frozen=True)
class World:
    """One seed's market."""

    files: list[VenueFile]
    market: MarketSettings
    is_buy: bool
    """Which way the order goes that is worked in it."""


def world(regime: Regime, seed: int, config: Path = CONFIG) -> World:
    """The market of a regime for a seed: the same whoever trades in it. Raises ConfigError."""
    market = load_market(config / "market.toml")
    symbol = next(each for each in market.symbols if each.path.symbol == SYMBOL)
    path = replace(
        symbol.path,
        sigma_day=symbol.path.sigma_day * regime.sigma,
        jumps_day=regime.jumps_day,
        jump_bps=regime.jump_bps,
    )
    horizon_slots = HORIZON_S * 1_000 // SLOT_MS
    informed = InformedSettings(regime.informed_share, horizon_slots)
    market = replace(
        market,
        seed=seed,
        slot_ms=SLOT_MS,
        scale_milli=SCALE_MILLI,
        symbols=[replace(symbol, path=path, informed=informed)],
        impact=ImpactSettings(),
    )
    is_buy = Stream(seed, "judge-side").uniform(0) < 0.5
    folder = config / "scenarios" / SCENARIO
    shipped = [load_venue(each) for each in sorted(folder.glob("*.toml")) if _is_venue(each)]
    files = [_changed(file, regime, seed, is_buy) for file in shipped]
    return World(files, market, is_buy)


def _is_venue(path: Path) -> bool:
    return path.stem not in ("scenario", "market")


def _changed(file: VenueFile, regime: Regime, seed: int, is_buy: bool) -> VenueFile:
    """A venue's file as this regime and seed have it."""
    file = replace(
        file,
        symbols=[SYMBOL],
        latent=[*_naturals(file, regime, seed, is_buy)] if file.latent else [],
        visitors=replace(file.visitors, rate=file.visitors.rate * regime.visitors),
    )
    if file.visitors.rate:
        file.pingers = PingerSettings(rate=regime.ping_rate, ahead=regime.ping_ahead)
    if regime.fade_chance is not None:
        file.fade = FadeSettings(regime.fade_chance, file.fade.frac)
    if regime.churn is not None:
        file.house = replace(file.house, churn=regime.churn)
    return file


def _naturals(file: VenueFile, regime: Regime, seed: int, is_buy: bool) -> Iterator[LatentSettings]:
    """Whoever waits in a pool: perhaps somebody on the other side of the order, perhaps somebody on
    its own."""
    like = file.latent[0]
    stream = Stream(seed, f"judge-naturals:{file.mic}")
    sides = {"seller": Side.SELL, "buyer": Side.BUY}
    ours = "buyer" if is_buy else "seller"
    low, high = EXPONENTS
    for name, side in sides.items():
        k = int(name == ours)
        if stream.uniform(k) >= regime.natural_chance:
            continue
        exponent = low + (high - low) * stream.uniform(k, 1)
        size = power_law(exponent, stream.uniform(k, 2))
        yield replace(
            like,
            name=name,
            symbol=SYMBOL,
            side=side,
            reserve=size,
            show0=max(size // SHOWN_PART, min(size, like.min_show)),
        )


def power_law(exponent: float, drawn: float) -> int:
    """A size from NATURAL_MIN to NATURAL_MAX with density in proportion to s^-exponent."""
    power = 1.0 - exponent
    low, high = float(NATURAL_MIN), float(NATURAL_MAX)
    if abs(power) < 1e-9:
        return int(low * (high / low) ** drawn)
    return int((low**power + drawn * (high**power - low**power)) ** (1.0 / power))
