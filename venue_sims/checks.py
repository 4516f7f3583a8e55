"""What can be said against an order before it meets the book.

Owns: the venue's rules of admission (venues.md 4.2) as pure functions.
May not know: books, sessions, clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from venue_sims.commands import Terms
from venue_sims.kinds import Kind
from venue_sims.matching.orders import Lifetime
from venue_sims.matching.rules import on_tick
from venue_sims.words import OrdType, Reason, worded


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


@dataclass(slots=True)
class RefusalError(Exception):
    """Why a command cannot be taken: the reason, and the text as the client reads it."""

    reason: Reason
    text: str


def refuse(reason: Reason, message: str) -> NoReturn:
    """Raise a RefusalError with a worded text."""
    raise RefusalError(reason, worded(reason, message))


def check_terms(terms: Terms, kind: Kind) -> None:
    """What a kind of venue does not take. Raises RefusalError."""
    if terms.ord_type not in kind.ord_types:
        refuse(Reason.UNSUPPORTED, f"{terms.ord_type} orders are not taken here")
    if terms.lifetime not in kind.lifetimes:
        refuse(Reason.UNSUPPORTED, f"{terms.lifetime} orders are not taken here")
    if terms.post_only and (not kind.post_only or terms.lifetime is not Lifetime.DAY):
        refuse(Reason.UNSUPPORTED, "post-only is for resting orders on displayed books")
    if terms.min_qty and not kind.min_qty:
        refuse(Reason.UNSUPPORTED, "MinQty is not taken here")
    if terms.price is None and terms.ord_type is OrdType.LIMIT:
        refuse(Reason.UNSUPPORTED, "a limit order needs a price")


def check_numbers(
    settings: VenueSettings, tick: int, quantity: int, price: int | None, min_qty: int
) -> None:
    """Quantities and prices that make no sense or are too large. Raises RefusalError."""
    if quantity <= 0:
        refuse(Reason.BAD_QUANTITY, f"quantity {quantity}")
    if quantity > settings.max_quantity:
        refuse(Reason.EXCEEDS_LIMIT, f"quantity above {settings.max_quantity}")
    if not 0 <= min_qty <= quantity:
        refuse(Reason.BAD_QUANTITY, f"MinQty {min_qty} of {quantity}")
    if price is None:
        return
    if not 0 < price <= settings.max_price_micros:
        refuse(Reason.EXCEEDS_LIMIT, "price out of bounds")
    if not on_tick(price, tick):
        refuse(Reason.PRICE_INCREMENT, "price increment")
