"""What `sor-gateway doubts` shows: tables of what the running gateway answered.

Owns: the layout. May not know: the gateway, HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table

COLUMNS: Final = {
    "child": "child",
    "parent": "parent",
    "venue": "venue",
    "in_doubt": "shares",
    "filled": "filled",
    "age_ms": "for",
    "reason": "why",
    "tried": "tried",
}


def render(answer: Mapping[str, Any]) -> list[RenderableType]:
    """Tables of children in doubt, requests that wait, venues without orders, executions that are
    denied, and halts; a word where there is none of all."""
    parts: list[RenderableType] = []
    if answer["children"]:
        parts.append(_table("in doubt", COLUMNS, answer["children"]))
    if answer["requests"]:
        columns = {"parent": "parent", "request": "request", "kind": "kind", "age_ms": "for"}
        parts.append(
            _table("requests that wait", columns | {"waits_for": "for whom"}, answer["requests"])
        )
    if answer["venues"]:
        columns = {"venue": "venue", "reason": "why"}
        parts.append(_table("venues without orders", columns, answer["venues"]))
    if answer["disputes"]:
        columns = {"client": "client", "exec": "execution", "parent": "parent", "age_ms": "for"}
        title = "executions that a client denies"
        parts.append(_table(title, columns | {"reason": "why"}, answer["disputes"]))
    halts = [
        {"symbol": symbol, "venue": venue, "reason": reason}
        for symbol, venues in answer["halts"].items()
        for venue, reason in venues.items()
    ]
    if halts:
        columns = {"symbol": "symbol", "venue": "venue", "reason": "why"}
        parts.append(_table("halts", columns, halts))
    return parts or ["nothing is in doubt"]


def _table(title: str, columns: Mapping[str, str], rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in columns.values():
        table.add_column(heading)
    for row in rows:
        table.add_row(*(_shown(key, row[key]) for key in columns))
    return table


def _shown(key: str, value: object) -> str:
    if key == "age_ms" and isinstance(value, int):
        return f"{value / 1_000:,.1f} s"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
