"""The shipped configuration, to spoil: what the tests of its mistakes share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sor_gateway.config import ConfigError, load

SHIPPED = Path("config")
Replace = Callable[[str, str, str], None]
"""Puts a text in the place of another, in a file of the folder."""


def problems(folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    """The mistakes, with the folder shown as `config`."""
    with pytest.raises(ConfigError) as caught:
        load(folder, environ or {})
    return [text.replace(str(folder), "config") for text in caught.value.problems]
