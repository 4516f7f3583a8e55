"""What an order says, read field by field: terms, strategy, age; or why it cannot be taken.

Owns: which values are taken here, and the words in which the others are refused: they name the
tag, its value and what was expected.
May not know: sessions, which client, what becomes of an order.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.dialect import Dialect
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import (
    parse_utc_timestamp,
    text_to_int,
    text_to_price,
    text_to_quantity,
)
from sor_gateway.sor.types import MICROS_PER_UNIT, OrdType, Reason, Side, TimeInForce
from sor_gateway.translate import tables
from sor_gateway.translate.outgoing import clean, shown

BILATERAL_STRATEGY_MIN: Final = 1_000
"""TargetStrategy (847) from here on is agreed between two parties: 848 names our preset."""
MINIMIZE_IMPACT: Final = 3
MINIMAL_IMPACT_PRESET: Final = "minimal-impact"


class Refusal(Exception):  # noqa: N818 - a word of the trade
    """Why an order or a request cannot be taken; the translator makes a fact of it."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = clean(text)


@dataclass(slots=True)
class Unwanted:
    """A field that we take only with harmless values: a constraint that nobody would keep must
    not be accepted in silence."""

    tag: int
    name: str
    harmless: frozenset[str]
    expected: str


def _unwanted(tag: int, name: str, expected: str, *harmless: str) -> Unwanted:
    return Unwanted(tag, name, frozenset(harmless), expected)


UNWANTED: Final = (
    _unwanted(tags.ExecInst, "ExecInst", "1 (NotHeld) or no such field", "1"),
    _unwanted(tags.HandlInst, "HandlInst", "1 or 2: orders are worked by machine", "1", "2"),
    _unwanted(tags.MinQty, "MinQty", "no such field", "0"),
    _unwanted(tags.MaxFloor, "MaxFloor", "no such field"),
    _unwanted(tags.MaxShow, "MaxShow", "no such field"),
    _unwanted(tags.ExDestination, "ExDestination", "no such field: orders are routed by us"),
    _unwanted(tags.StopPx, "StopPx", "no such field"),
    _unwanted(tags.PegOffsetValue, "PegOffsetValue", "no such field"),
    _unwanted(tags.DiscretionInst, "DiscretionInst", "no such field"),
    _unwanted(tags.EffectiveTime, "EffectiveTime", "no such field: orders work at once"),
    _unwanted(tags.ExpireTime, "ExpireTime", "no such field"),
    _unwanted(tags.ExpireDate, "ExpireDate", "no such field"),
    _unwanted(tags.LocateReqd, "LocateReqd", "N: we locate no shares", "N"),
    _unwanted(tags.Currency, "Currency", tables.CURRENCY, tables.CURRENCY),
    _unwanted(tags.CashOrderQty, "CashOrderQty", "OrderQty (38) instead"),
)


UNWANTED_TAGS: Final = tuple(unwanted.tag for unwanted in UNWANTED)


@dataclass(slots=True)
class Terms:
    """What an order or a replace request asks for, read and found possible."""

    quantity: int
    ord_type: OrdType
    limit_micros: int | None
    time_in_force: TimeInForce


def read_side(message: Message) -> Side:
    """Side (54). Raises Refusal."""
    value = message[tags.Side]
    side = tables.SIDE_OF.get(value)
    if side is None:
        known = "1 (Buy), 2 (Sell), 5 (SellShort) or 6 (SellShortExempt)"
        raise not_supported(tags.Side, value, "Side", tables.SIDE_NAMES, known)
    return side


def read_terms(message: Message) -> Terms:
    """Quantity, type, limit and time in force of D or G. Raises Refusal."""
    value = message[tags.OrdType]
    ord_type = tables.CLIENT_ORD_TYPE_OF.get(value)
    if ord_type is None:
        names = tables.ORD_TYPE_NAMES
        raise not_supported(tags.OrdType, value, "OrdType", names, "1 (Market) or 2 (Limit)")
    value = message.get(tags.TimeInForce, "0")
    time_in_force = tables.TIME_IN_FORCE_OF.get(value)
    if time_in_force is None:
        names = tables.TIME_IN_FORCE_NAMES
        raise not_supported(tags.TimeInForce, value, "TimeInForce", names, "0 (Day) or 3 (IOC)")
    return Terms(read_quantity(message), ord_type, read_limit(message, ord_type), time_in_force)


def read_quantity(message: Message) -> int:
    """OrderQty (38). Raises Refusal."""
    value = message.get(tags.OrderQty)
    if not value:
        text = "38 (OrderQty) is missing; expected a number of whole shares above 0"
        raise Refusal(Reason.BAD_QUANTITY, text)
    try:
        quantity = text_to_quantity(value)
    except ValueError as error:
        raise Refusal(Reason.BAD_QUANTITY, f"38 (OrderQty): {error}") from None
    if quantity == 0:
        text = f"38={shown(value)} (OrderQty): expected a number of whole shares above 0"
        raise Refusal(Reason.BAD_QUANTITY, text)
    return quantity


def read_limit(message: Message, ord_type: OrdType) -> int | None:
    """Price (44), which goes with limit orders and with no others. Raises Refusal."""
    value = message.get(tags.Price)
    if ord_type is OrdType.MARKET:
        if value:
            text = f"44={shown(value)} (Price) with 40=1 (Market): expected no Price, or 40=2"
            raise Refusal(Reason.BAD_PRICE, text)
        return None
    if not value:
        raise Refusal(Reason.BAD_PRICE, "44 (Price) is missing; expected with 40=2 (Limit)")
    try:
        limit = text_to_price(value)
    except ValueError as error:
        raise Refusal(Reason.BAD_PRICE, f"44 (Price): {error}") from None
    if limit <= 0:
        text = f"44={shown(value)} (Price): expected a price above 0"
        raise Refusal(Reason.BAD_PRICE, text)
    return limit


def refuse_unwanted(message: Message) -> None:
    """Constraints that nobody here would keep. Raises Refusal for the first one."""
    first = message.first
    if not any(tag in first for tag in UNWANTED_TAGS):
        return
    for unwanted in UNWANTED:
        value = message.get(unwanted.tag)
        if value and not set(value.split()) <= unwanted.harmless:
            what = f"{unwanted.tag}={shown(value)} ({unwanted.name})"
            text = f"{what} is not supported; expected {unwanted.expected}"
            raise Refusal(Reason.UNSUPPORTED, text)


def read_strategy(message: Message, dialect: Dialect) -> str:
    """The name of the preset that the strategy tags ask for; empty for the default. Raises
    Refusal."""
    refuse_participation(message, dialect.participation_rate_tag)
    target_tag = dialect.target_strategy_tag
    name_tag = dialect.target_strategy_parameters_tag
    name, value = message.get(name_tag, ""), message.get(target_tag, "")
    if not value:
        return name
    target = read_target(target_tag, value)
    if target == MINIMIZE_IMPACT and name in ("", MINIMAL_IMPACT_PRESET):
        return MINIMAL_IMPACT_PRESET
    if target >= BILATERAL_STRATEGY_MIN and name:
        return name
    expected = (
        f"{MINIMIZE_IMPACT} (MinimizeMarketImpact), or {BILATERAL_STRATEGY_MIN} and above with the "
        f"name of a preset in {name_tag}"
    )
    names = tables.STRATEGY_NAMES
    raise not_supported(target_tag, value, "TargetStrategy", names, expected)


def read_target(tag: int, value: str) -> int:
    """TargetStrategy as a number. Raises Refusal."""
    try:
        return text_to_int(value)
    except ValueError as error:
        raise Refusal(Reason.UNSUPPORTED, f"{tag} (TargetStrategy): {error}") from None


def refuse_participation(message: Message, tag: int) -> None:
    """ParticipationRate: above 1 it is a mistake in the unit (decisions.md), below it is a wish
    that no strategy here keeps yet. Raises Refusal."""
    value = message.get(tag)
    if not value:
        return
    what = f"{tag}={shown(value)} (ParticipationRate)"
    try:
        rate = text_to_price(value)
    except ValueError as error:
        raise Refusal(Reason.OTHER, f"{tag} (ParticipationRate): {error}") from None
    if rate > MICROS_PER_UNIT:
        text = f"{what} is above 1; expected a FIX Percentage, where .1 means 10 %"
        raise Refusal(Reason.OTHER, text)
    raise Refusal(Reason.UNSUPPORTED, f"{what} is not supported; expected no such field")


def not_supported(tag: int, value: str, name: str, names: dict[str, str], expected: str) -> Refusal:
    """The refusal of a value: `59=1 (TimeInForce GoodTillCancel) is not supported; ...`."""
    meaning = f" {names[value]}" if value in names else ""
    text = f"{tag}={shown(value)} ({name}{meaning}) is not supported; expected {expected}"
    return Refusal(Reason.UNSUPPORTED, text)


def sent_ns(message: Message) -> int:
    """When the client says that it made the order, in ns: the earliest of 60 and 52 (122 instead
    of 52 when 43=Y, recovery.md 4.3); 0 when it says nothing readable."""
    sending = tags.OrigSendingTime if message.get(tags.PossDupFlag) == "Y" else tags.SendingTime
    times: list[int] = []
    for tag in (sending, tags.TransactTime):
        try:
            times.append(parse_utc_timestamp(message.get(tag, "")))
        except ValueError:
            continue  # a time that cannot be read says nothing
    return min(times, default=0)


# --- giving an unreadable order its own words back -------------------------------------------


def legal(value: str, ours: Container[str], names: Container[str]) -> bool:
    """Whether a value is one that FIX knows, ours or not: only those are given back."""
    return value in ours or value in names


def quantity_or_zero(message: Message) -> int:
    """OrderQty (38) where it is one."""
    try:
        return text_to_quantity(message.get(tags.OrderQty, ""))
    except ValueError:
        return 0


def terms_as_sent(message: Message) -> dict[str, str]:
    """The terms of an order that was refused unread, as far as they are legal FIX."""
    sent: dict[str, str] = {}
    if legal(message[tags.Side], (), tables.SIDE_NAMES):
        sent["Side"] = message[tags.Side]
    if legal(message[tags.OrdType], tables.ORD_TYPES.values(), tables.ORD_TYPE_NAMES):
        sent["OrdType"] = message[tags.OrdType]
    tif = message.get(tags.TimeInForce, "")
    if legal(tif, tables.TIMES_IN_FORCE.values(), tables.TIME_IN_FORCE_NAMES):
        sent["TimeInForce"] = tif
    for name, tag in (("OrderQty", tags.OrderQty), ("Price", tags.Price)):
        value = message.get(tag, "")
        try:
            text_to_price(value)
        except ValueError:
            continue  # not a number: nothing that could be given back
        sent[name] = value
    return sent
