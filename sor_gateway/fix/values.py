"""FIX field values: prices, quantities, integers, flags and timestamps to text and back.

Owns: the syntax of values, and the units they become (micros, whole shares, nanoseconds).
May not know: tags, messages, clocks.

Every text that a peer wrote and that does not fit raises ValueError with what was expected.
Numbers are bounded so that whatever is accepted fits into 64 bits, price and quantity alike.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

MICROS_PER_UNIT: Final = 1_000_000
NANOS_PER_SECOND: Final = 1_000_000_000
NANOS_PER_MICROSECOND: Final = 1_000
NANOS_PER_MILLISECOND: Final = 1_000_000

_DECIMALS: Final = 6
_WHOLE_DIGITS_MAX: Final = 12
_QUANTITY_DIGITS_MAX: Final = 15
_INT_DIGITS_MAX: Final = 18
_SECONDS_CACHED: Final = 1_024
_TEXT_OF_SECOND: Final[dict[int, str]] = {}
_NS_OF_SECOND: Final[dict[str, int]] = {}
"""The last seconds that were asked for, each once: plain tables, for every message asks."""

#: FIX float: "a sequence of digits with optional decimal point and sign"; leading and trailing
#: zeros are allowed, exponents and "+" are not.
_FLOAT: Final = re.compile(r"(-?)([0-9]*)(?:\.([0-9]*))?")
_INT: Final = re.compile(r"(-?)([0-9]+)")
_SECONDS: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})-([0-9]{2}):([0-9]{2}):([0-9]{2})",
)
_SECONDS_LENGTH: Final = 17
_MILLIS: Final = tuple(f".{millis:03d}" for millis in range(1_000))
"""Spelled out beforehand: a format with a width costs as much as ten additions of texts."""
_MILLIS_NS: Final = {text: ms * NANOS_PER_MILLISECOND for ms, text in enumerate(_MILLIS)}
_FRACTION: Final = re.compile(r"\.([0-9]{1,12})")


def _float_parts(text: str) -> tuple[str, str, str] | None:
    """Sign, whole digits without leading zeros, decimals without trailing zeros."""
    match = _FLOAT.fullmatch(text)
    if match is None or text in ("", "-", ".", "-."):
        return None
    sign, whole, decimals = match.groups("")
    return sign, whole.lstrip("0"), decimals.rstrip("0")


def price_to_text(micros: int) -> str:
    """A price or an amount of money in the shortest FIX form: 50010000 is "50.01"."""
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    text = f"{whole}.{str(rest).zfill(_DECIMALS)}".rstrip("0") if rest else str(whole)
    return f"-{text}" if micros < 0 else text


def text_to_price(text: str) -> int:
    """A FIX price, amount or other float in micros, exactly. Raises ValueError."""
    whole, _, decimals = text.partition(".")
    if (whole or decimals) and len(whole) <= _WHOLE_DIGITS_MAX and len(decimals) <= _DECIMALS:
        digits = whole + decimals.ljust(_DECIMALS, "0")
        if digits.isdecimal() and digits.isascii():  # what nearly everybody writes
            return int(digits)
    parts = _float_parts(text)
    if parts is None:
        raise ValueError(f"{text[:40]!r}: expected a number such as 50.01")
    sign, whole, decimals = parts
    if len(decimals) > _DECIMALS or len(whole) > _WHOLE_DIGITS_MAX:
        raise ValueError(
            f"{text[:40]!r}: expected at most {_WHOLE_DIGITS_MAX} digits and {_DECIMALS} decimals"
        )
    micros = int(whole + decimals.ljust(_DECIMALS, "0"))
    return -micros if sign else micros


def quantity_to_text(shares: int) -> str:
    """A quantity in whole shares."""
    return str(shares)


def text_to_quantity(text: str) -> int:
    """A FIX Qty as whole shares, zero or more: "100" and "100.0" are 100. Raises ValueError."""
    if text.isdecimal() and text.isascii() and len(text) <= _QUANTITY_DIGITS_MAX:
        return int(text)
    parts = _float_parts(text)
    if parts is None or parts[0]:
        raise ValueError(f"{text[:40]!r}: expected a number of whole shares such as 100")
    _, whole, decimals = parts
    if decimals:
        raise ValueError(f"{text[:40]!r}: expected whole shares, not a fraction")
    if len(whole) > _QUANTITY_DIGITS_MAX:
        raise ValueError(f"{text[:40]!r}: expected at most {_QUANTITY_DIGITS_MAX} digits")
    return int(whole or "0")


def text_to_int(text: str) -> int:
    """A FIX int; leading zeros are allowed. Raises ValueError."""
    match = _INT.fullmatch(text)
    digits = match[2].lstrip("0") if match else ""
    if match is None or len(digits) > _INT_DIGITS_MAX:
        raise ValueError(
            f"{text[:40]!r}: expected a whole number of up to {_INT_DIGITS_MAX} digits"
        )
    return int(match[1] + (digits or "0"))


def boolean_to_text(value: bool) -> str:
    """Y or N."""
    return "Y" if value else "N"


def text_to_boolean(text: str) -> bool:
    """A FIX Boolean. Raises ValueError."""
    if text == "Y":
        return True
    if text == "N":
        return False
    raise ValueError(f"{text[:40]!r}: expected Y or N")


def average_price_micros(cum_value_micros: int, cum_qty: int) -> int:
    """The quotient rounded once to whole micros, halves to even; 0 when nothing was filled.

    `cum_value_micros` is the sum of price x quantity over the fills, in micros.
    """
    assert cum_qty >= 0
    if cum_qty == 0:
        return 0
    quotient, rest = divmod(cum_value_micros, cum_qty)
    return quotient + (2 * rest > cum_qty or (2 * rest == cum_qty and quotient % 2 == 1))


def average_price(cum_value_micros: int, cum_qty: int) -> str:
    """AvgPx (6): the exact quotient, rounded once, to at most 6 decimals, halves to even."""
    return price_to_text(average_price_micros(cum_value_micros, cum_qty))


def _second_to_text(seconds: int) -> str:
    text = _TEXT_OF_SECOND.get(seconds)
    if text is None:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d-%H:%M:%S")
        if len(_TEXT_OF_SECOND) >= _SECONDS_CACHED:
            _TEXT_OF_SECOND.clear()
        _TEXT_OF_SECOND[seconds] = text
    return text


def utc_timestamp(ns: int, *, micros: bool = False) -> str:
    """A FIX UTCTimestamp with milliseconds, or with microseconds; the rest is cut off, not rounded.

    A stamp so never lies after the moment it stands for.
    """
    seconds, rest = ns // NANOS_PER_SECOND, ns % NANOS_PER_SECOND
    if micros:
        return f"{_second_to_text(seconds)}.{rest // NANOS_PER_MICROSECOND:06d}"
    return _second_to_text(seconds) + _MILLIS[rest // NANOS_PER_MILLISECOND]


def _second_to_ns(text: str) -> int:
    nanos = _NS_OF_SECOND.get(text)
    if nanos is None:
        nanos = _read_second(text) * NANOS_PER_SECOND
        if len(_NS_OF_SECOND) >= _SECONDS_CACHED:
            _NS_OF_SECOND.clear()
        _NS_OF_SECOND[text] = nanos
    return nanos


def _read_second(text: str) -> int:
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError
    year, month, day, hour, minute, second = map(int, match.groups())
    # FIX allows 60 for a leap second; POSIX time has no such second: it is the next one.
    leap = second == 60
    moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
    return int(moment.timestamp()) + leap


def parse_utc_timestamp(text: str) -> int:
    """A FIX UTCTimestamp in nanoseconds since the Unix epoch; finer digits are cut off.

    Takes whole seconds and up to 12 decimals. Raises ValueError.
    """
    try:
        nanos = _second_to_ns(text[:_SECONDS_LENGTH])
    except ValueError:
        raise ValueError(f"{text[:40]!r}: expected a UTC time YYYYMMDD-HH:MM:SS.sss") from None
    if len(text) == _SECONDS_LENGTH:
        return nanos
    rest_ns = _MILLIS_NS.get(text[_SECONDS_LENGTH:])
    if rest_ns is not None:
        return nanos + rest_ns  # what nearly everybody writes
    fraction = _FRACTION.fullmatch(text, _SECONDS_LENGTH)
    if fraction is None:
        raise ValueError(f"{text[:40]!r}: expected a UTC time YYYYMMDD-HH:MM:SS.sss")
    return nanos + int(fraction[1][:9].ljust(9, "0"))
