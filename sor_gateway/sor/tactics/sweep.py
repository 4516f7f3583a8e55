"""Taking displayed quantity: which quotes, in which order, how much of each.

Owns: the order of taking and the rule that nothing better displayed is passed over.
May not know: sessions, orders' states, where offers come from. Pure functions.

Offers are taken price by price, best first; at one price, the venue with the lowest expected cost
(take fee and all) first. Going by net price across prices would trade through a better displayed
price wherever fees differ by more than a tick; so fees decide at equal prices only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final

from sor_gateway.sor.scoring import Score
from sor_gateway.sor.types import Micros, Shares

CHILDREN_MAX: Final = 16
"""Most children of one lit wave; what they do not take waits for the next."""


@dataclass(slots=True)
class Offer:
    """Displayed quantity at one venue and price."""

    venue: str
    price_micros: Micros
    displayed: Shares


@dataclass(slots=True)
class Take:
    """One child of a sweep."""

    offer: Offer
    quantity: Shares
    score: Score


@dataclass(slots=True)
class Room:
    """How much may be sent to one venue in this wave."""

    orders: int
    """Messages that its throttle lets out; 0 still protects its price."""
    child_max: Shares
    offer_max: Shares | None = None
    """Most to take of one offer; None for all of it. 0 still protects its price."""


@dataclass(slots=True)
class Sweep:
    """What to take."""

    takes: list[Take]
    is_held_back: bool = False
    """Something displayed was left for want of orders (throttle, or the bound of a wave): nothing
    worse is taken then."""
    throttled: list[str] = field(default_factory=list)
    """Venues whose throttle that was."""


def plan_takes(
    offers: list[Offer],
    is_buy: bool,
    quantity: Shares,
    rooms: dict[str, Room],
    score_of: Callable[[Offer, Shares], Score],
    levels: int = 0,
) -> Sweep:
    """What to take of `offers` until `quantity` is reached or `levels` prices are used up (0: no
    bound)."""
    sweep = Sweep([])
    left = {venue: room.orders for venue, room in rooms.items()}
    offers = sorted(offers, key=_price, reverse=not is_buy)
    for _, level in islice(groupby(offers, key=_price), levels or None):
        scored = [(score_of(offer, min(offer.displayed, quantity)), offer) for offer in level]
        scored.sort(key=_cost_then_name)
        for score, offer in scored:
            room = rooms[offer.venue]
            wanted = min(offer.displayed, quantity)
            if room.offer_max is not None:
                wanted = min(wanted, room.offer_max)
            taken = _take(sweep.takes, offer, wanted, room.child_max, score, left)
            quantity -= taken
            if taken < wanted:
                sweep.is_held_back = True
                if not left[offer.venue] and offer.venue not in sweep.throttled:
                    sweep.throttled.append(offer.venue)
        if quantity == 0 or sweep.is_held_back:
            sweep.is_held_back = sweep.is_held_back and quantity > 0
            return sweep
    return sweep


def _take(
    takes: list[Take],
    offer: Offer,
    wanted: Shares,
    child_max: Shares,
    score: Score,
    left: dict[str, int],
) -> Shares:
    """Add children for one offer; how much they take."""
    taken = 0
    while taken < wanted and left[offer.venue] > 0 and len(takes) < CHILDREN_MAX:
        size = min(wanted - taken, child_max)
        takes.append(Take(offer, size, score))
        left[offer.venue] -= 1
        taken += size
    return taken


def _price(offer: Offer) -> Micros:
    return offer.price_micros


def _cost_then_name(scored: tuple[Score, Offer]) -> tuple[float, str]:
    return scored[0].cost, scored[1].venue
