"""Reads the configuration folder into plain settings.

Owns: the files, their keys, the environment that overrides them, and the errors that say what is
wrong in whose words. The only importer of pydantic (models.py, reader.py); nothing behind it sees
a file or a model.
May not know: what the settings are used for.

`load` reads gateway.toml, venues/*.toml, strategies.toml, calendar.toml and securities.csv. Any
key of a TOML file can be set by environment: SOR__GATEWAY__LISTEN, SOR__RISK__COLLAR_BPS,
SOR__EMS__EMS42__HEART_BT_INT_S, SOR__VENUES__DARK_A__PORT, SOR__STRATEGIES__URGENT__DARK_BOX_MS,
SOR__CALENDARS__US_EQUITIES__CLOSES (capitals, `-` as `_`; lists as TOML). An unknown key, in a
file or in the environment, is an error; all errors are found in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sor_gateway.config.build import Builder
from sor_gateway.config.reader import ConfigError, Reader
from sor_gateway.config.settings import Configuration, GatewaySettings, VenueConnection

__all__ = ["ConfigError", "Configuration", "GatewaySettings", "VenueConnection", "load"]


def load(folder: Path, environ: Mapping[str, str]) -> Configuration:
    """Read the folder. Raises ConfigError with every mistake that was found."""
    reader = Reader(folder, environ)
    reader.read()
    reader.stop_if_wrong()
    configuration = Builder(reader).build()
    reader.stop_if_wrong()
    return configuration
