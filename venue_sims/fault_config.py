"""How faults are set: a key of a venue file's [faults], or words over the control socket.

Owns: from keys and values to a fault's settings.
May not know: machines, sockets, files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Annotated, Any

from pydantic import PlainValidator, TypeAdapter, ValidationError

from venue_sims.faults.table import FAULTS
from venue_sims.faults.when import When


class FaultMistake(ValueError):  # noqa: N818 - whoever knows the file makes an error of it
    """A fault cannot be set so; the text begins with fault and key."""


def fault_settings(name: str, values: Mapping[str, object]) -> When:
    """The settings of one fault, from TOML values or texts. Raises FaultMistake."""
    if name not in FAULTS:
        raise FaultMistake(f"{name}: no such fault; there are {', '.join(FAULTS)}")
    keys = [field.name for field in fields(FAULTS[name].Settings)]
    for key in values:
        if key not in keys:
            raise FaultMistake(f"{name}.{key}: unknown key; there are {', '.join(keys)}")
    for key, value in values.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            # It may come to stand in the text of a FIX message.
            raise FaultMistake(f"{name}.{key}: expected printable ASCII characters")
    try:
        settings: When = _adapter(name).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join([name, *(str(part) for part in first["loc"])])
        raise FaultMistake(f"{path}: {first['msg']}") from error
    return settings


def check_meant(
    name: str, settings: When, symbols: Collection[str], sessions: Collection[str]
) -> None:
    """Raises FaultMistake when a fault is for a symbol or a session that the venue does not have:
    it would never strike."""
    if settings.symbol and settings.symbol not in symbols:
        raise FaultMistake(f"{name}.symbol: {settings.symbol} is not among {', '.join(symbols)}")
    if not any(settings.means(session, "") for session in sessions):
        raise FaultMistake(f"{name}.session: {settings.session} is not among {', '.join(sessions)}")


@lru_cache(maxsize=64)
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(FAULTS[name].Settings)


def _read(value: object) -> dict[str, When]:
    if not isinstance(value, dict):
        raise ValueError("expected a table of faults by name")
    return {name: fault_settings(name, _table(name, keys)) for name, keys in value.items()}


def _table(name: str, keys: object) -> Mapping[str, object]:
    if not isinstance(keys, dict):
        raise FaultMistake(f"{name}: expected a table such as {{ p = 0.1 }}")
    return keys


FaultsToml = Annotated[dict[str, When], PlainValidator(_read)]
"""[faults] of a venue's file."""
