"""The parts of a venue's report, read by the book or refused (venues.md 4.2).

Owns: which fields have to be there, what a bad value is worth, averages of any length.
May not know: what the report as a whole means.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import parse_utc_timestamp, text_to_price, text_to_quantity
from sor_gateway.sor.types import MICROS_PER_UNIT, Micros, Shares
from sor_gateway.translate.outgoing import shown

PRICE_MAX: Final = Decimal(10) ** 12
"""Nothing at or above this is a price."""


class Useless(Exception):  # noqa: N818 - becomes an Unusable, is caught where a report is read
    """Why a report cannot be used."""


def required(message: Message, tag: int, name: str) -> str:
    """A field that has to be there. Raises Useless."""
    value = message.get(tag)
    if not value:
        raise Useless(f"{tag} ({name}) is missing")
    return value


def read_child_id(message: Message) -> str:
    """Our ClOrdID of the order: 41 when 11 is that of a cancel request. Raises Useless."""
    return message.get(tags.OrigClOrdID) or required(message, tags.ClOrdID, "ClOrdID")


def read_quantity(message: Message, tag: int, name: str) -> Shares:
    """A quantity that has to be there. Raises Useless."""
    try:
        return text_to_quantity(required(message, tag, name))
    except ValueError as error:
        raise Useless(f"{tag} ({name}): {error}") from None


def read_order_quantity(message: Message, *, is_live: bool) -> Shares:
    """How many shares an order is for, as a status report has it; 0 when it does not say. While it
    lives, what is executed and what is left are surer than 38, which some write as they got it."""
    wanted = (tags.CumQty, tags.LeavesQty) if is_live else (tags.OrderQty,)
    try:
        return sum(text_to_quantity(message.get(tag, "")) for tag in wanted)
    except ValueError:
        return 0


def read_price(message: Message, tag: int, name: str) -> Micros:
    """A price that has to be there. Raises Useless."""
    try:
        return text_to_price(required(message, tag, name))
    except ValueError as error:
        raise Useless(f"{tag} ({name}): {error}") from None


def time_or_zero(message: Message) -> int:
    """TransactTime (60) in ns; 0 when it is missing or unreadable: nothing is decided by it."""
    try:
        return parse_utc_timestamp(message.get(tags.TransactTime, ""))
    except ValueError:
        return 0


def average_micros(text: str) -> Micros:
    """AvgPx (6) rounded to micros: venues write as many decimals as they like. Raises Useless."""
    try:
        return text_to_price(text)
    except ValueError:
        return rounded_micros(text)


def rounded_micros(text: str) -> Micros:
    """A price of any length, rounded to micros. Raises Useless."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise Useless(f"6={shown(text)} (AvgPx): expected a number") from None
    if not price.is_finite() or abs(price) >= PRICE_MAX:
        raise Useless(f"6={shown(text)} (AvgPx): expected a price")
    return int((price * MICROS_PER_UNIT).to_integral_value(ROUND_HALF_EVEN))


def average_or_zero(message: Message) -> Micros:
    """AvgPx (6); 0 when it is missing or makes no sense: it prices what was never reported
    (recovery.md 3.6), and the report counts without it."""
    try:
        return max(0, average_micros(message.get(tags.AvgPx, "0")))
    except Useless:
        return 0


def reported_fee(message: Message) -> Micros | None:
    """The fee that a report carries, in micros for the whole fill; None when it carries none that
    can be read. 4.4: the sum of the misc fee group; 4.2: an absolute commission."""
    amounts = [
        entry.get(tags.MiscFeeAmt, "") for entry in message.group(tags.NoMiscFees, tags.MiscFeeAmt)
    ]
    if not amounts and message.get(tags.CommType) == "3":
        amounts = [message.get(tags.Commission, "")]
    try:
        return sum(map(text_to_price, amounts)) if amounts else None
    except ValueError:
        return None
