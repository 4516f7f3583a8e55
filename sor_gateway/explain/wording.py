"""Figures as people read them.

Owns: how money, moments and durations are written. May not know: where.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sor_gateway.sor.types import MICROS_PER_UNIT

UNKNOWN: Final = "\ufffd"
"""Stands for a character that cannot be shown."""


def money(micros: int) -> str:
    """Currency units with four decimals."""
    return f"{Decimal(micros) / MICROS_PER_UNIT:,.4f}"


def moment(at_ns: int) -> str:
    """A point in time, UTC, to the microsecond."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def clock(at_ns: int, began_ns: int) -> str:
    """Seconds since then."""
    return f"{(at_ns - began_ns) / 1e9:.3f}"


def percent(part: int, whole: int) -> str:
    """A share of a whole, to a tenth; empty of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def printable(text: str) -> str:
    """Text as it may be shown: control characters and marks that turn the direction of writing, of
    which a peer's text may have any, are shown as unknown."""
    return "".join(each if each.isprintable() else UNKNOWN for each in text)
