"""What of a venue's file may be set while it runs, over the control socket.

Owns: the tables, and reading their values from texts.
May not know: machines, sockets, files.
"""

from __future__ import annotations

from dataclasses import asdict

from pydantic import ValidationError

from venue_sims.config import (
    ConfigError,
    FadeToml,
    FeesToml,
    LatencyToml,
    ThrottleToml,
    first_mistake,
)
from venue_sims.fees import FeeSchedule
from venue_sims.flow.fade import FadeSettings
from venue_sims.latency import LatencySettings
from venue_sims.match_config import MICROS
from venue_sims.throttle import ThrottleSettings

Settable = LatencySettings | ThrottleSettings | FeeSchedule | FadeSettings


def with_values(table: str, settings: Settable, values: dict[str, str]) -> Settable:
    """These settings with other values for some keys of a venue file's table (`fee` for [fees]).
    Raises ConfigError, which names table and key."""
    models: dict[str, type[FeesToml | LatencyToml | FadeToml | ThrottleToml]] = {
        "fee": FeesToml,
        "latency": LatencyToml,
        "fade": FadeToml,
        "throttle": ThrottleToml,
    }
    now: dict[str, object] = asdict(settings)
    if isinstance(settings, FeeSchedule):
        now = {name: micros / MICROS for name, micros in asdict(settings).items()}
    try:
        return models[table].model_validate({**now, **values}).settings()
    except ValidationError as error:
        raise ConfigError(f"{table}.{first_mistake(error)}") from error
