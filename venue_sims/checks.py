"""What can be said against an order before it meets the book.

Owns: the venue's rules of admission (venues.md 4.2) as pure functions.
May not know: books, sessions, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from sor_gateway.fix.values import price_to_text
from venue_sims.commands import Terms
from venue_sims.kinds import Kind
from venue_sims.matching.orders import Lifetime, Manner
from venue_sims.matching.rules import on_tick
from venue_sims.phases import Hours
from venue_sims.state import Bands
from venue_sims.words import PEG_KINDS, Capacity, OrdType, Reason, worded


class MassStatus(StrEnum):
    """How a mass status request (AF) is answered."""

    OPEN = "open"
    """With the client's live orders."""
    ALL = "all"
    """With all of its orders of the trading day, those that are over too."""
    OFF = "off"
    """Not at all: it is refused."""


@dataclass(slots=True)
class VenueSettings:
    """What a venue is, besides its kind."""

    name: str
    mic: str
    max_quantity: int = 1_000_000
    max_price_micros: int = 1_000_000_000_000
    cod: bool = False
    """Cancel on disconnect: a lost session's Day orders go after the grace."""
    grace_ns: int = 0
    hours: Hours = field(default_factory=Hours)
    seed: int = 0
    """Of the market that it is a part of."""
    mass_status: MassStatus = MassStatus.OPEN


@dataclass(slots=True)
class RefusalError(Exception):
    """Why a command cannot be taken: the reason, and the text as the client reads it."""

    reason: Reason
    text: str
    code: int | None = None
    """OrdRejReason (103), when it is not the reason's own."""


def refuse(reason: Reason, message: str) -> NoReturn:
    """Raise a RefusalError with a worded text."""
    raise RefusalError(reason, worded(reason, message))


def check_terms(terms: Terms, kind: Kind) -> None:
    """What a kind of venue does not take. Raises RefusalError."""
    if terms.ord_type not in kind.ord_types:
        refuse(Reason.UNSUPPORTED, f"{terms.ord_type} orders are not taken here")
    if terms.lifetime not in kind.lifetimes:
        refuse(Reason.UNSUPPORTED, f"{terms.lifetime} orders are not taken here")
    _check_manner(terms, kind)
    _check_display(terms, kind)
    if terms.min_qty and not kind.min_qty:
        refuse(Reason.UNSUPPORTED, "MinQty is not taken here")
    if terms.price is None and terms.ord_type is OrdType.LIMIT:
        refuse(Reason.UNSUPPORTED, "a limit order needs a price")


def _check_manner(terms: Terms, kind: Kind) -> None:
    manner = terms.manner
    if manner is Manner.PLAIN:
        return
    if manner not in kind.manners:
        refuse(Reason.UNSUPPORTED, f"{manner} orders are not taken here")
    if manner is Manner.ISO and terms.lifetime is not Lifetime.IOC:
        refuse(Reason.UNSUPPORTED, "an intermarket sweep is immediate or cancel")
    if manner is not Manner.ISO and terms.lifetime is not Lifetime.DAY:
        refuse(Reason.UNSUPPORTED, f"a {manner} order is for the day")
    if manner is not Manner.CONDITIONAL and terms.ord_type is not OrdType.LIMIT:
        refuse(Reason.UNSUPPORTED, f"a {manner} order is a limit order")


def _check_display(terms: Terms, kind: Kind) -> None:
    pegged = terms.ord_type in PEG_KINDS
    plain = not pegged and not terms.hidden and terms.ord_type is not OrdType.MARKET
    if terms.max_floor and not (plain and kind.reserve):
        refuse(Reason.UNSUPPORTED, "no reserve for this order")
    offset_ok = pegged and terms.ord_type is not OrdType.DISCRETIONARY_PEG
    if terms.peg_offset and not offset_ok:
        refuse(Reason.UNSUPPORTED, "no peg offset for this order")


def beyond(capacity: Capacity, price: int | None, bands: Bands) -> bool:
    """Whether a limit is beyond the prices between which its symbol trades."""
    if price is None:
        return False
    return price > bands.high if capacity is Capacity.BUY else price < bands.low


def check_bands(capacity: Capacity, price: int | None, bands: Bands) -> None:
    """Raises RefusalError for a limit beyond the prices between which its symbol trades."""
    if beyond(capacity, price, bands):
        text = f"outside of the price band {price_to_text(bands.low)}-{price_to_text(bands.high)}"
        refuse(Reason.EXCEEDS_LIMIT, text)


def check_numbers(settings: VenueSettings, tick: int, lot: int, terms: Terms) -> None:
    """Quantities and prices that make no sense or are too large. `lot`: shares of a round lot.
    Raises RefusalError."""
    quantity, price, min_qty = terms.quantity, terms.price, terms.min_qty
    if quantity <= 0:
        refuse(Reason.BAD_QUANTITY, f"quantity {quantity}")
    if quantity > settings.max_quantity:
        refuse(Reason.EXCEEDS_LIMIT, f"quantity above {settings.max_quantity}")
    if not 0 <= min_qty <= quantity:
        refuse(Reason.BAD_QUANTITY, f"MinQty {min_qty} of {quantity}")
    if terms.max_floor % lot:
        refuse(Reason.BAD_QUANTITY, f"MaxFloor {terms.max_floor} is not in round lots of {lot}")
    step = tick // 2 if terms.ord_type is OrdType.MID_PEG else tick
    if not on_tick(terms.peg_offset, step):
        refuse(Reason.PRICE_INCREMENT, "peg offset increment")
    if price is None:
        return
    if not 0 < price <= settings.max_price_micros:
        refuse(Reason.EXCEEDS_LIMIT, "price out of bounds")
    if not on_tick(price, tick):
        refuse(Reason.PRICE_INCREMENT, "price increment")
