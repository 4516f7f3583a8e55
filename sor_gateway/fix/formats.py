"""The data types of FIX fields: which texts they admit, and how to say so.

Owns: one row per type that a data dictionary may name.
May not know: tags, messages, enumerations.

Every pattern fails in linear time, whatever a peer writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sor_gateway.fix.values import parse_utc_timestamp


@dataclass(slots=True)
class Format:
    """What one data type admits."""

    fits: Callable[[str], object]
    """Truthy when the text is of this type; never true for an empty text."""
    expected: str
    """What is expected, as the end of a sentence."""
    multiple: bool = False
    """Whether the text is a list of values, separated by spaces."""


def _is_utc_timestamp(text: str) -> bool:
    try:
        parse_utc_timestamp(text)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    if not _EIGHT_DIGITS(text):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


_EIGHT_DIGITS: Final = re.compile("[0-9]{8}").fullmatch

_INT: Final = Format(re.compile("-?[0-9]{1,18}").fullmatch, "a whole number")
_COUNT: Final = Format(re.compile("[0-9]{1,18}").fullmatch, "a whole number, zero or more")
_NUMBER: Final = Format(
    re.compile(r"-?(?=\.?[0-9])[0-9]*(?:\.[0-9]*)?").fullmatch,
    "a decimal number such as 100 or 50.01",
)
_TEXT: Final = Format(bool, "a text")
_CHAR: Final = Format(re.compile("(?s:.)").fullmatch, "one character")
_WORDS: Final = Format(
    re.compile("[^ ]+(?: [^ ]+)*").fullmatch, "values separated by single spaces", multiple=True
)
_DATE: Final = Format(_is_date, "a date YYYYMMDD")

#: The types of the FIX 4.2 and 4.4 data dictionaries.
FORMATS: Final[dict[str, Format]] = {
    "AMT": _NUMBER,
    "BOOLEAN": Format(re.compile("[YN]").fullmatch, "Y or N"),
    "CHAR": _CHAR,
    "COUNTRY": Format(re.compile("[A-Z]{2}").fullmatch, "a country code of two letters"),
    "CURRENCY": Format(re.compile("[A-Za-z]{3}").fullmatch, "a currency code of three letters"),
    "DATA": _TEXT,
    "DAYOFMONTH": Format(
        re.compile("0?[1-9]|[12][0-9]|3[01]").fullmatch, "a day of the month, 1 to 31"
    ),
    "EXCHANGE": _TEXT,
    "FLOAT": _NUMBER,
    "INT": _INT,
    "LENGTH": _COUNT,
    "LOCALMKTDATE": _DATE,
    "MONTHYEAR": Format(
        re.compile("[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]|w[1-5])?").fullmatch,
        "a month YYYYMM, YYYYMMDD or YYYYMMwN",
    ),
    "MULTIPLEVALUESTRING": _WORDS,
    "NUMINGROUP": _COUNT,
    "PERCENTAGE": _NUMBER,
    "PRICE": _NUMBER,
    "PRICEOFFSET": _NUMBER,
    "QTY": _NUMBER,
    "SEQNUM": _COUNT,
    "STRING": _TEXT,
    "UTCDATE": _DATE,
    "UTCDATEONLY": _DATE,
    "UTCTIMEONLY": Format(
        re.compile(
            r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,12})?"
        ).fullmatch,
        "a UTC time HH:MM:SS.sss",
    ),
    "UTCTIMESTAMP": Format(_is_utc_timestamp, "a UTC time YYYYMMDD-HH:MM:SS.sss"),
}
