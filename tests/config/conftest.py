"""A copy of what is shipped, for the tests of this package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.config.spoiling import SHIPPED, Replace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what is shipped, to spoil."""
    target = tmp_path / "config"
    target.mkdir()
    shutil.copytree(SHIPPED / "venues", target / "venues")
    for name in ("gateway.toml", "strategies.toml", "calendar.toml", "securities.csv"):
        shutil.copy(SHIPPED / name, target / name)
    return target


@pytest.fixture
def replace(folder: Path) -> Replace:
    def replace(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    return replace
