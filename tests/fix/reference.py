"""The reference data dictionaries, which stand beside the project and are not part of it."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "reference"


def reference_path(begin_string: str) -> Path:
    """The file for `FIX.4.2` or `FIX.4.4`; without it the test is left out, but fails in CI."""
    path = FOLDER / f"{begin_string.replace('.', '')}.xml"
    if not path.exists():
        text = f"the reference dictionary {path.name} is not there; looked in {FOLDER}"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return path


@cache
def reference_tree(begin_string: str) -> ET.Element:
    """The same as a tree, read without our loader."""
    return ET.parse(reference_path(begin_string)).getroot()


def reference_values(begin_string: str, tag: int) -> set[str]:
    """The enumeration of a field."""
    found = reference_tree(begin_string).findall(f"fields/field[@number='{tag}']/value")
    return {value.attrib["enum"] for value in found}
