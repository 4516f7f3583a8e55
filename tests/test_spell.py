"""Dataclasses as the compiler gets them do what they do as they stand in the sources."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spell import spell_out

SOURCE = '''\
from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class Order:
    """An order,
    and more about it."""

    order_id: str
    limit_micros: int | None = None
    """None for a market order."""
    children: dict[str, None] = field(default_factory=dict)
    secret: str = field(default="none", repr=False)

    def fail(self) -> None:
        raise RuntimeError(self.order_id)


@dataclass(slots=True, frozen=True)
class Settings:
    """What does not change."""

    name: str = "as it was"


class Plain:
    """No dataclass."""

    def __init__(self, name: str) -> None:
        self.name = name
'''


def run(source: str) -> dict[str, Any]:
    """The names of a module with this source."""
    sys.modules["sample"] = module = ModuleType("sample")
    try:
        exec(source, vars(module))
        return vars(module)
    finally:
        del sys.modules["sample"]


@pytest.fixture
def spelled(tmp_path: Path) -> str:
    path = tmp_path / "sample.py"
    path.write_text(SOURCE)
    spell_out(path)
    return path.read_text()


def test_the_same_arguments_make_the_same_objects(spelled: str) -> None:
    before, after = run(SOURCE), run(spelled)
    for arguments in (("A1",), ("A2", 50), ("A3", None, {"C1": None}, "word")):
        one, other = before["Order"](*arguments), after["Order"](*arguments)
        assert repr(one) == repr(other)
        assert one.secret == other.secret
    assert repr(after["Order"](order_id="A1", secret="x")) == repr(before["Order"]("A1"))
    assert after["Settings"]() == after["Settings"]("as it was")
    assert after["Plain"]("it").name == "it"


def test_what_a_factory_makes_is_made_for_each(spelled: str) -> None:
    order = run(spelled)["Order"]
    one, other = order("A1"), order("A2")
    one.children["C1"] = None
    assert other.children == {}


def test_copies_are_equal_and_their_own(spelled: str) -> None:
    order = run(spelled)["Order"]("A1", 50, {"C1": None})
    again = deepcopy(order)
    assert again == order
    again.children["C2"] = None
    assert order.children == {"C1": None}


def test_the_lines_stay_where_they_are(spelled: str) -> None:
    for before, after in zip(SOURCE.splitlines(), spelled.splitlines(), strict=False):
        if not after.strip().startswith(("def __init__", "@")):
            assert after in (before, "")


def test_its_init_is_its_own_and_annotations_are_told(spelled: str) -> None:
    assert "@dataclass(init=False, slots=True)" in spelled
    assert "@dataclass(slots=True, frozen=True)" in spelled
    assert run(spelled)["Order"].__annotations__ == run(SOURCE)["Order"].__annotations__


@pytest.mark.parametrize(
    "source",
    [
        '@dataclass(slots=True, kw_only=True)\nclass Order:\n    """It."""\n    a: int\n',
        '@dataclass(slots=True)\nclass Order(Base):\n    """It."""\n    a: int\n',
        "@dataclass(slots=True)\nclass Order:\n    a: int\n",
        '@dataclass(slots=True)\nclass Order:\n    """It."""\n    a: int = field(init=False)\n',
        '@dataclass(slots=True)\nclass Order:\n    """It."""\n    a: ClassVar[int] = 1\n',
    ],
)
def test_what_is_not_plain_is_left_alone(source: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(source)
    spell_out(path)
    assert path.read_text().startswith(source)
