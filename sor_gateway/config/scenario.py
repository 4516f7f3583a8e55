"""The file of a scenario: config/scenarios/NAME/scenario.toml, what a demonstration runs.

Owns: its keys and the errors about them.
May not know: how anything is run. The venues' own files of a scenario are the venues' business.

`[gateway]` holds what the gateway is told differently from config/: its tables are those of
gateway.toml, and [gateway.venues.NAME], [gateway.strategies.NAME], [gateway.calendars.NAME]. They
reach the gateway as its environment, the way any key can be set.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from sor_gateway.config.models import Model, Money
from sor_gateway.config.reader import PREFIX, ConfigError

FILE_NAME: Final = "scenario.toml"
MARKET_FILE_NAME: Final = "market.toml"


class _Market(Model):
    scale: float = Field(60.0, gt=0, le=10_000)


class _Order(Model):
    side: Literal["buy", "sell"]
    symbol: str = Field(min_length=1)
    quantity: int = Field(ge=1)
    limit: Money | None = None
    strategy: str
    time_limit_s: int = Field(120, ge=1)


class _Expect(Model):
    waves: list[dict[str, int]] = Field(default_factory=list)
    first_wave_filled: dict[str, int] = Field(default_factory=dict)
    dark_total: int | None = Field(None, ge=0)
    shown_max: int | None = Field(None, ge=1)
    dark_before_lit: bool = True


class _ScenarioFile(Model):
    about: str
    market: _Market = _Market()
    order: _Order
    expect: _Expect = _Expect()
    gateway: dict[str, Any] = Field(default_factory=dict)


@dataclass(slots=True)
class Expectations:
    """What must be true at the end, beyond a filled order and accounts that agree."""

    waves: list[dict[str, int]] = field(default_factory=list)
    """Shares sent to each dark venue in the first waves; a venue left out gets nothing."""
    first_wave_filled: dict[str, int] = field(default_factory=dict)
    """Shares that each dark venue fills of the first wave."""
    dark_total: int | None = None
    """Shares that all dark venues fill in all; None: any number."""
    shown_max: int | None = None
    """Most shares of ours displayed at one lit venue at any instant; None: any number."""
    dark_before_lit: bool = True
    """No lit venue gets an order before the dark waves above are over."""


@dataclass(slots=True)
class Scenario:
    """What a demonstration runs."""

    name: str
    about: str
    folder: Path
    market_scale: float
    """Market seconds in a wall second."""
    side: str
    symbol: str
    quantity: int
    limit: Decimal | None
    """US dollars; None for a market order."""
    strategy: str
    time_limit_s: int
    """Wall seconds after which the order counts as not done."""
    expect: Expectations
    environment: dict[str, str]
    """What the gateway is told differently from the configuration folder."""


def scenario_names(config: Path) -> list[str]:
    """The scenarios there are."""
    return sorted(path.parent.name for path in config.glob(f"scenarios/*/{FILE_NAME}"))


def load_scenario(config: Path, name: str) -> Scenario:
    """Read a scenario of a configuration folder. Raises ConfigError with every mistake."""
    folder = config / "scenarios" / name
    path = folder / FILE_NAME
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        known = ", ".join(scenario_names(config)) or "none"
        raise ConfigError([f"{path}: there is no such scenario; there are: {known}"]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    try:
        file = _ScenarioFile.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_explain(path, dict(one)) for one in error.errors()]) from error
    return _scenario(name, folder, file)


def market_file(config: Path, name: str) -> Path:
    """The market of a scenario: its own, or the one that all share."""
    own = config / "scenarios" / name / MARKET_FILE_NAME
    return own if own.exists() else config / MARKET_FILE_NAME


def as_environment(tables: dict[str, Any], prefix: str = PREFIX) -> dict[str, str]:
    """Tables of the configuration as the variables that set the same keys."""
    variables: dict[str, str] = {}
    for key, value in tables.items():
        name = prefix + key.upper().replace("-", "_")
        if isinstance(value, dict):
            variables.update(as_environment(value, f"{name}__"))
        elif isinstance(value, bool | list):
            variables[name] = json.dumps(value)  # TOML writes these the same way
        else:
            variables[name] = str(value)
    return variables


def _scenario(name: str, folder: Path, file: _ScenarioFile) -> Scenario:
    order, expect = file.order, file.expect
    return Scenario(
        name=name,
        about=file.about,
        folder=folder,
        market_scale=file.market.scale,
        side=order.side,
        symbol=order.symbol,
        quantity=order.quantity,
        limit=None if order.limit is None else Decimal(order.limit).scaleb(-6).normalize(),
        strategy=order.strategy,
        time_limit_s=order.time_limit_s,
        expect=Expectations(
            waves=[dict(wave) for wave in expect.waves],
            first_wave_filled=dict(expect.first_wave_filled),
            dark_total=expect.dark_total,
            shown_max=expect.shown_max,
            dark_before_lit=expect.dark_before_lit,
        ),
        environment=as_environment(file.gateway),
    )


def _explain(path: Path, error: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key `{key}`; remove it"
    if error["type"] == "missing":
        return f"{path}: missing key `{key}`; add it"
    return f"{path}: {key} = {error['input']!r}: {error['msg']}; change it there"
