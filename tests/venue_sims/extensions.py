"""The reference dictionaries with the named extensions: what everything that a venue says has to
keep to. Our own dictionaries have no part in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from copy import deepcopy
from functools import cache
from pathlib import Path

from sor_gateway.fix.dictionary import Dictionary
from tests.fix.reference import reference_tree

EXTENSIONS = Path(__file__).with_name("extensions.xml")


def extended_xml(begin_string: str) -> str:
    """A reference dictionary and the extensions, as one file."""
    root = deepcopy(reference_tree(begin_string))
    extensions = ET.parse(EXTENSIONS).getroot()
    fields = _part(root, "fields")
    fields.extend(_part(extensions, "fields"))
    for more in _part(extensions, "values"):
        known = fields.find(f"field[@number='{more.get('number')}']")
        assert known is not None
        known.extend(more)
    for more in _part(extensions, "messages"):
        message = root.find(f"messages/message[@msgtype='{more.get('msgtype')}']")
        assert message is not None
        message.extend(more)
    return ET.tostring(root, encoding="unicode")


@cache
def extended(begin_string: str) -> Dictionary:
    """The same, compiled."""
    return Dictionary.parse(extended_xml(begin_string))


def _part(root: ET.Element, name: str) -> ET.Element:
    part = root.find(name)
    assert part is not None
    return part
