"""Reference data: reads securities.csv.

Owns: the columns of the file and what may stand in them.
May not know: how the router uses them.

Each line is dated (`as_of`): reference data goes stale, and a gateway may be told not to be ready
on old data. The file is small and read as a whole, so it can be read again while running.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sor_gateway.sor.settings import SecuritySettings
from sor_gateway.sor.types import MICROS_PER_UNIT

COLUMNS = (
    "symbol",
    "listing_mic",
    "tick",
    "round_lot",
    "previous_close",
    "average_daily_volume",
    "luld_tier",
    "short_sale_state",
    "easy_to_borrow",
    "as_of",
)
SHORT_SALE_STATES = ("none", "restricted")
SYMBOL_LENGTH = 16
MIC_LENGTH = 4


@dataclass(slots=True)
class Security:
    """One line of the file."""

    settings: SecuritySettings
    """What the router needs."""
    luld_tier: int
    """Tier of the limit-up limit-down plan, 1 or 2."""
    short_sale_restricted: bool
    """Whether Reg SHO's price test is in force today."""
    easy_to_borrow: bool
    as_of: date


class SecuritiesError(ValueError):
    """The file is wrong; `problems` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_securities(path: Path, shown: str) -> dict[str, Security]:
    """The securities by symbol, in the order of the file. `shown` is how errors name the file.
    Raises SecuritiesError with every problem, as `file:line`, and OSError for a file that cannot
    be read."""
    problems: list[str] = []
    securities: dict[str, Security] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        _check_header(reader.fieldnames, shown)
        for row in reader:
            where = f"{shown}:{reader.line_num}"
            try:
                security = _read_row(row)
            except ValueError as error:
                problems.append(f"{where}: {error}")
                continue
            symbol = security.settings.symbol
            if symbol in securities:
                problems.append(f"{where}: symbol {symbol} stands here twice; remove one line")
            securities[symbol] = security
    if not securities and not problems:
        problems.append(f"{shown}: no securities; add a line for each symbol to be traded")
    if problems:
        raise SecuritiesError(problems)
    return securities


def _check_header(names: object, shown: str) -> None:
    columns = list(names) if isinstance(names, list) else []
    missing = [name for name in COLUMNS if name not in columns]
    unknown = [str(name) for name in columns if name not in COLUMNS]
    problems = []
    if missing:
        problems.append(
            f"{shown}:1: missing column {', '.join(missing)}; the header is {','.join(COLUMNS)}"
        )
    if unknown:
        problems.append(
            f"{shown}:1: unknown column {', '.join(unknown)}; the header is {','.join(COLUMNS)}"
        )
    if problems:
        raise SecuritiesError(problems)


def _read_row(row: dict[str, str | None]) -> Security:
    """One line. Raises ValueError that names the column, the value and what was expected."""
    if None in row or None in row.values():
        raise ValueError(f"expected {len(COLUMNS)} values, one per column; count the commas")
    cells = {name: (value or "").strip() for name, value in row.items()}
    symbol, mic = cells["symbol"], cells["listing_mic"]
    if not symbol or len(symbol) > SYMBOL_LENGTH or not symbol.isascii() or " " in symbol:
        raise _unexpected("symbol", symbol, f"1 to {SYMBOL_LENGTH} characters without spaces")
    if len(mic) != MIC_LENGTH or not mic.isalnum() or mic != mic.upper():
        raise _unexpected("listing_mic", mic, "four capital letters or digits (ISO 10383)")
    return Security(
        settings=SecuritySettings(
            symbol=symbol,
            listing_mic=mic,
            tick_micros=_money("tick", cells["tick"]),
            round_lot=_whole("round_lot", cells["round_lot"], 1),
            previous_close_micros=_money("previous_close", cells["previous_close"]),
            average_daily_volume=_whole("average_daily_volume", cells["average_daily_volume"], 0),
        ),
        luld_tier=int(_one_of("luld_tier", cells["luld_tier"], ("1", "2"))),
        short_sale_restricted=_one_of(
            "short_sale_state", cells["short_sale_state"], SHORT_SALE_STATES
        )
        == "restricted",
        easy_to_borrow=_one_of("easy_to_borrow", cells["easy_to_borrow"], ("yes", "no")) == "yes",
        as_of=_date("as_of", cells["as_of"]),
    )


def _unexpected(column: str, value: str, expected: str) -> ValueError:
    return ValueError(f"{column} = {value!r}: expected {expected}")


def _money(column: str, text: str) -> int:
    """Dollars to micros, above 0, exact."""
    expected = 'dollars above 0 with at most six decimals, such as "50.01"'
    try:
        micros = Decimal(text) * MICROS_PER_UNIT
    except InvalidOperation:
        raise _unexpected(column, text, expected) from None
    if not micros.is_finite() or micros <= 0 or micros != int(micros):
        raise _unexpected(column, text, expected)
    return int(micros)


def _whole(column: str, text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise _unexpected(column, text, f"a whole number of at least {least}")
    return int(text)


def _one_of(column: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise _unexpected(column, text, " or ".join(allowed))
    return text


def _date(column: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unexpected(column, text, "a date such as 2026-11-20") from None
