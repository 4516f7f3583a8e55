"""Answers of the control socket as tables for people.

Owns: how any answer is laid out; one way for all of them.
May not know: which commands there are.

A list of rows is a table of its own, everything else stands above in two columns. Keys say their
units: `_micros` is shown in dollars, `_ns` as a time of the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

_MICROS: Final = "_micros"
_NANOS: Final = "_ns"
_NANOS_PER_SECOND: Final = 1_000_000_000
_A_DAY_NS: Final = 86_400 * _NANOS_PER_SECOND
"""What is longer is a time, what is shorter a duration."""

Answer = Mapping[str, Any]


def show(answer: Answer, console: Console) -> None:
    """Print an answer."""
    plain = {key: value for key, value in answer.items() if not _rows(value)}
    if plain:
        grid = Table(box=None, show_header=False, pad_edge=False)
        grid.add_column(style="bold")
        grid.add_column()
        for key, value in plain.items():
            grid.add_row(_title(key), _text(key, value))
        console.print(grid)
    for key, value in answer.items():
        if rows := _rows(value):
            console.print(_table(_title(key), rows))


def _rows(value: object) -> list[Answer]:
    """The rows of what is a table; none for what is not."""
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return list(value)
    if not isinstance(value, Mapping) or not value:
        return []
    if all(isinstance(each, Mapping) for each in value.values()):
        return [{"name": name, **each} for name, each in value.items()]
    return []


def _table(title: str, rows: list[Answer]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        numbers = all(isinstance(row.get(column, 0), int | float) for row in rows)
        table.add_column(_title(column), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(_text(column, row.get(column, "")) for column in columns))
    return table


def _title(key: str) -> str:
    return key.removesuffix(_MICROS).removesuffix(_NANOS).replace("_", " ")


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if isinstance(value, int):
        return _number(key, value)
    if isinstance(value, Mapping):
        return _joined(f"{_title(name)} {_text(name, each)}" for name, each in value.items())
    if isinstance(value, list):
        return _joined(_text(key, each) for each in value)
    return str(value)


def _number(key: str, value: int) -> str:
    if key.endswith(_MICROS):
        return f"{Decimal(value) / 1_000_000:,.4f}"
    if not key.endswith(_NANOS):
        return f"{value:,}"
    if value < _A_DAY_NS:
        return f"{value / _NANOS_PER_SECOND:,.3f} s"
    seconds, rest = divmod(value, _NANOS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000:06d}"


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)
