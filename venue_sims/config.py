"""The venues' files: market.toml and the venue's own, checked and turned into plain settings.

Owns: the schema of both files, but for match_config.py ([match], [conditional], [signal]),
flow_config.py (the flows), fix_config.py, hours_config.py. These alone import pydantic here.
A key that is not known, or a value that does not fit, raises ConfigError, which names file and key.
May not know: machines, sockets.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from venue_sims.checks import MassStatus
from venue_sims.fault_config import FaultsToml
from venue_sims.faults.when import When
from venue_sims.fees import FeeSchedule
from venue_sims.fix_config import FixToml
from venue_sims.flow.aggressors import TakerSettings
from venue_sims.flow.clock import NANOS_PER_MS, NANOS_PER_SECOND, parse_scale
from venue_sims.flow.fade import FadeSettings
from venue_sims.flow.house_quotes import HouseSettings
from venue_sims.flow.impact import ImpactSettings
from venue_sims.flow.informed import InformedSettings
from venue_sims.flow.latent import LatentSettings, Slice
from venue_sims.flow.market_path import (
    BLOCKS_A_DAY,
    DAY_SECONDS,
    PathSettings,
    QuoterSettings,
)
from venue_sims.flow.pingers import PingerSettings
from venue_sims.flow.visitors import VisitorSettings
from venue_sims.flow_config import (
    AmbientToml,
    FlowToml,
    HouseToml,
    ImpactToml,
    PingersToml,
    TakersToml,
)
from venue_sims.hours_config import HoursToml
from venue_sims.kinds import SPEED_BUMP_US, KindName, Profile
from venue_sims.latency import LatencySettings
from venue_sims.match_config import (
    MICROS,
    Conditional,
    Match,
    MatchSettings,
    Signal,
    match_settings,
)
from venue_sims.matching.orders import Side
from venue_sims.matching.rules import TICK_PARTS
from venue_sims.phases import Hours
from venue_sims.throttle import Style, ThrottleSettings

LATENCY_US_MOST: int = 60_000_000
RATE_MOST: float = 100.0
"""Dollars a share. These bounds keep what follows within the journal's 64 bits."""
BLOCK_MS: int = DAY_SECONDS * 1000 // BLOCKS_A_DAY


class ConfigError(Exception):
    """A file cannot be used; the text names the file and the key."""


@dataclass(slots=True)
class SymbolSettings:
    """One symbol: its path and its trading."""

    path: PathSettings
    takers: TakerSettings
    informed: InformedSettings = field(default_factory=InformedSettings)

    @property
    def adv(self) -> int:
        """Average daily volume, shares."""
        return self.takers.adv


@dataclass(slots=True)
class MarketSettings:
    """What all venues share."""

    seed: int
    slot_ms: int
    t0_ns: int | None
    """None: midnight, UTC, of the day on which the process starts."""
    scale_milli: int
    symbols: list[SymbolSettings]
    quoters: list[QuoterSettings]
    impact: ImpactSettings | None = None
    """None: nothing that anybody trades moves the path."""


@dataclass(slots=True)
class VenueFile:
    """What one venue is."""

    name: str
    kind: KindName
    profile: Profile
    mic: str
    comp_id: str
    symbols: list[str]
    """Empty: all of the market."""
    port: int
    versions: list[str]
    sessions: list[str]
    data_sessions: list[str]
    cod: bool
    """Whether Day orders of a session that is lost are cancelled, after the grace."""
    grace_ns: int
    mass_status: MassStatus
    tolerance_ns: int
    """How far SendingTime (52) of a client may be from the venue's clock."""
    fees: FeeSchedule
    latency: LatencySettings
    match: MatchSettings
    max_quantity: int
    interval_ns: int
    takers: bool
    house: HouseSettings
    fade: FadeSettings
    throttle: ThrottleSettings
    faults: dict[str, When]
    """By name."""
    visitors: VisitorSettings
    control: tuple[str, int] | None
    hours: Hours
    latent: list[LatentSettings] = field(default_factory=list)
    pingers: PingerSettings = field(default_factory=PingerSettings)


def load_market(path: Path) -> MarketSettings:
    """Read market.toml. Raises ConfigError."""
    return _load(path, _MarketFile).settings()


def load_venue(path: Path) -> VenueFile:
    """Read a venue's file. Raises ConfigError."""
    return _load(path, _VenueToml).settings()


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(f"{text!r}: expected HOST:PORT")
    return host or "127.0.0.1", int(port)


# --- the schema -----------------------------------------------------------------------------


def _micros(value: float) -> int:
    """Dollars, as TOML writes them, in micros. Raises ValueError."""
    micros = Decimal(str(value)) * MICROS
    if micros != micros.to_integral_value():
        raise ValueError(f"{value} has more than six decimals")
    return int(micros)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Market(_Strict):
    mode: Literal["path", "impact"] = "path"
    seed: int = 42
    slot_ms: int = Field(default=100, ge=1)
    t0: datetime | None = None
    scale: float = Field(default=1.0, gt=0)

    @field_validator("slot_ms")
    @classmethod
    def _divides(cls, value: int) -> int:
        if BLOCK_MS % value:
            raise ValueError(f"{value} does not divide {BLOCK_MS}")
        return value

    @field_validator("t0")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a zone, for example 2026-01-05T00:00:00Z")
        return value


class _Symbol(_Strict):
    sym: str = Field(min_length=1)
    p0: float = Field(gt=0)
    tick: float = Field(default=0.01, gt=0)
    adv: int = Field(default=3_000_000, ge=0)
    sigma_day: float = Field(default=0.01, ge=0)
    vov: float = Field(default=0.7, ge=0)
    vov_hl_s: float = Field(default=300.0, gt=0)
    jumps_day: float = Field(default=3.0, ge=0)
    jump_bps: float = Field(default=20.0, ge=0)

    @field_validator("tick")
    @classmethod
    def _parts(cls, value: float) -> float:
        if _micros(value) % TICK_PARTS:
            raise ValueError(f"{value}: a quarter of it has to be exact in micros")
        return value

    @field_validator("p0", "tick")
    @classmethod
    def _exact(cls, value: float) -> float:
        _micros(value)
        return value

    def path(self) -> PathSettings:
        return PathSettings(
            self.sym,
            _micros(self.p0),
            _micros(self.tick),
            self.sigma_day,
            self.vov,
            self.vov_hl_s,
            self.jumps_day,
            self.jump_bps,
        )


class _Lit(_Strict):
    mic: str
    back: float = Field(default=0.25, ge=0, le=1)
    lag: int = Field(default=0, ge=0, le=10)
    share: float = Field(default=0.25, gt=0)


class _MarketFile(_Strict):
    market: _Market = _Market()
    impact: ImpactToml = ImpactToml()
    symbol: list[_Symbol] = Field(min_length=1)
    lit: list[_Lit] = Field(min_length=1)
    flow: FlowToml = FlowToml()

    def settings(self) -> MarketSettings:
        t0 = self.market.t0
        symbols = []
        for each in self.symbol:
            flow = self.flow
            takers = TakerSettings(
                each.adv, flow.lit_share, flow.lmf_alpha, flow.lmf_k, flow.intensity
            )
            informed = InformedSettings(flow.informed_share, flow.informed_horizon_slots)
            symbols.append(SymbolSettings(each.path(), takers, informed))
        return MarketSettings(
            seed=self.market.seed,
            slot_ms=self.market.slot_ms,
            t0_ns=None if t0 is None else int(t0.timestamp()) * NANOS_PER_SECOND,
            scale_milli=parse_scale(str(self.market.scale)),
            symbols=symbols,
            quoters=[
                QuoterSettings(each.mic, each.back, each.lag, each.share) for each in self.lit
            ],
            impact=self.impact.settings() if self.market.mode == "impact" else None,
        )


class _Venue(_Strict):
    name: str
    kind: KindName
    profile: Profile = Profile.NONE
    mic: Annotated[str, Field(pattern="^[A-Z0-9]{4}$")]
    comp_id: str
    symbols: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.profile is not Profile.NONE and self.kind is not KindName.EXCHANGE:
            raise ValueError(f"profile {self.profile} is for an exchange, this is {self.kind}")
        return self


class FeesToml(_Strict):
    """[fees]"""

    take: float = Field(ge=-RATE_MOST, le=RATE_MOST)
    add: float = Field(ge=-RATE_MOST, le=RATE_MOST)
    mid: float = Field(ge=-RATE_MOST, le=RATE_MOST)
    cap: float = Field(default=0.0030, ge=0, le=RATE_MOST)

    @field_validator("take", "add", "mid", "cap")
    @classmethod
    def _exact(cls, value: float) -> float:
        _micros(value)
        return value

    @model_validator(mode="after")
    def _capped(self) -> Self:
        if self.take > self.cap:
            raise ValueError(f"take {self.take} is above the access-fee cap {self.cap}")
        return self

    def settings(self) -> FeeSchedule:
        """As the machines take them."""
        return FeeSchedule(
            _micros(self.take), _micros(self.add), _micros(self.mid), _micros(self.cap)
        )


class LatencyToml(_Strict):
    """[latency]"""

    in_us: int = Field(ge=0, le=LATENCY_US_MOST)
    match_us: int = Field(default=0, ge=0, le=LATENCY_US_MOST)
    out_us: int = Field(default=0, ge=0, le=LATENCY_US_MOST)
    table: Literal["level2025"] = "level2025"
    scale: float = Field(default=10.0, ge=0, le=10_000)

    def settings(self, bump_us: int = 0) -> LatencySettings:
        """As the machines take them; `bump_us` is added each way."""
        return LatencySettings(
            self.in_us + bump_us, self.match_us, self.out_us + bump_us, self.scale
        )


class _MarketData(_Strict):
    interval_ms: int = Field(default=25, ge=1)


class FadeToml(_Strict):
    """[fade]"""

    p: float = Field(default=0.0, ge=0, le=1)
    frac: float = Field(default=0.5, ge=0, le=1)

    def settings(self) -> FadeSettings:
        """As the machines take them."""
        return FadeSettings(self.p, self.frac)


class ThrottleToml(_Strict):
    """[throttle]"""

    msgs: int = Field(default=0, ge=0)
    per_ms: int = Field(default=1_000, ge=1, le=3_600_000)
    style: Style = Style.REJECT

    def settings(self) -> ThrottleSettings:
        """As the machines take them."""
        return ThrottleSettings(self.msgs, self.per_ms, self.style)


class _Slice(_Strict):
    at_s: float = Field(ge=0)
    quantity: int = Field(gt=0)


class _Latent(_Strict):
    name: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    symbol: str
    side: Side
    reserve: int = Field(gt=0)
    show0: int = Field(gt=0)
    refill_s: float = Field(default=40.0, gt=0)
    gamma: float = Field(default=0.7, gt=0)
    min_show: int = Field(default=300, gt=0)
    min_qty: int = Field(default=0, ge=0)
    limit: float | None = None
    renew_s: float = Field(default=0.0, ge=0)
    opening: list[_Slice] = []

    @field_validator("opening")
    @classmethod
    def _in_order(cls, value: list[_Slice]) -> list[_Slice]:
        if any(late.at_s < early.at_s for early, late in pairwise(value)):
            raise ValueError("at_s has to rise from slice to slice")
        return value

    def settings(self) -> LatentSettings:
        values = self.model_dump(exclude={"limit", "opening"})
        limit = None if self.limit is None else _micros(self.limit)
        opening = tuple(Slice(each.at_s, each.quantity) for each in self.opening)
        return LatentSettings(**values, limit_micros=limit, opening=opening)


class _Control(_Strict):
    listen: str

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        parse_address(value)
        return value


class _VenueToml(_Strict):
    venue: _Venue
    fix: FixToml
    fees: FeesToml
    latency: LatencyToml
    match: Match = Match()
    conditional: Conditional = Conditional()
    signal: Signal | None = None
    market_data: _MarketData = _MarketData()
    house: HouseToml = HouseToml()
    takers: TakersToml = TakersToml()
    fade: FadeToml = FadeToml()
    throttle: ThrottleToml = ThrottleToml()
    faults: FaultsToml = {}
    ambient: AmbientToml = AmbientToml()
    pingers: PingersToml = PingersToml()
    latent: list[_Latent] = []
    control: _Control | None = None
    hours: HoursToml | None = None

    @model_validator(mode="after")
    def _signal_has_a_venue(self) -> Self:
        if self.signal is not None and self.venue.profile is not Profile.IEX:
            raise ValueError(f"signal: only a venue of profile {Profile.IEX} has one")
        unknown = [client for client in self.match.tiers if client not in self.fix.sessions]
        if unknown:
            raise ValueError(f"match.tiers: {unknown[0]} is not among fix.sessions")
        return self

    @field_validator("latent")
    @classmethod
    def _distinct(cls, value: list[_Latent]) -> list[_Latent]:
        names = [each.name for each in value]
        if len(set(names)) != len(names):
            raise ValueError("two latent parents have one name")
        return value

    def settings(self) -> VenueFile:
        return VenueFile(
            name=self.venue.name,
            kind=self.venue.kind,
            profile=self.venue.profile,
            mic=self.venue.mic,
            comp_id=self.venue.comp_id,
            symbols=list(self.venue.symbols),
            port=self.fix.port,
            versions=list(self.fix.versions),
            sessions=list(self.fix.sessions),
            data_sessions=list(self.fix.data_sessions),
            cod=self.fix.cod == "cancel",
            grace_ns=self.fix.grace_ms * NANOS_PER_MS,
            mass_status=MassStatus(self.fix.mass_status),
            tolerance_ns=self.fix.max_latency_s * NANOS_PER_SECOND,
            fees=self.fees.settings(),
            latency=self.latency.settings(SPEED_BUMP_US[self.venue.profile]),
            match=match_settings(self.match, self.conditional, self.signal, self.fix.versions),
            max_quantity=self.match.max_quantity,
            interval_ns=self.market_data.interval_ms * (NANOS_PER_SECOND // 1000),
            takers=self.takers.enabled,
            house=HouseSettings(**self.house.model_dump()),
            fade=self.fade.settings(),
            throttle=self.throttle.settings(),
            faults=dict(self.faults),
            visitors=VisitorSettings(self.ambient.rate, self.ambient.life_s),
            control=None if self.control is None else parse_address(self.control.listen),
            hours=Hours() if self.hours is None else self.hours.settings(),
            latent=[each.settings() for each in self.latent],
            pingers=self.pingers.settings(),
        )


_Model = TypeVar("_Model", bound=BaseModel)


def _load(path: Path, model: type[_Model]) -> _Model:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_mistake(error)}") from error


def first_mistake(error: ValidationError) -> str:
    """The key, and what is wrong with it, of what pydantic found."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {'unknown key' if first['type'] == 'extra_forbidden' else first['msg']}"
