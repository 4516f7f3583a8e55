"""Taking displayed quantity: which quotes, in which order, how much of each.

Owns: the order of taking and the rule that nothing better displayed is passed over.
May not know: sessions, orders' states, where offers come from. Pure functions.

Offers are taken price by price, best first; at one price, the venue with the lowest expected cost
(take fee and all) first. Going by net price across prices would trade through a better displayed
price wherever fees differ by more than a tick; so fees decide at equal prices only.

What is displayed is not always there when an order comes. Where a venue is known to fade, at most
what is expected of it goes there at first, and the rest to others at the same price, if that costs
less than to miss it; only then what is left of its display. Nothing worse is taken for that: the
whole of a better price is gone for before, and never more than the quantity is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final

from sor_gateway.sor.scoring import Score
from sor_gateway.sor.types import Micros, Nanos, Shares

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
    firm: Shares = 0
    """What of the offer is expected to be there, where that is less; 0 where it is not."""

    def seen(self) -> str:
        """What was gone for, for the record of the decision."""
        firm = f", {self.firm} expected" if self.firm else ""
        return f"{self.offer.displayed} displayed{firm}"


@dataclass(slots=True)
class Room:
    """How much may be sent to one venue in this wave."""

    orders: int
    """Messages that its throttle lets out; 0 still protects its price."""
    child_max: Shares
    offer_max: Shares | None = None
    """Most to take of one offer; None for all of it. 0 still protects its price."""
    firm_share: float = 1.0
    """What part of its display is expected to be there."""
    round_lot: Shares = 1

    def most(self, offer: Offer) -> Shares:
        """How much of an offer may be gone for."""
        if self.offer_max is None:
            return offer.displayed
        return min(offer.displayed, self.offer_max)

    def firm(self, offer: Offer) -> Shares:
        """How much of that is expected to be there, in round lots."""
        most = self.most(offer)
        if self.firm_share >= 1:
            return most
        lots = int(offer.displayed * self.firm_share) // self.round_lot
        return min(most, max(1, lots) * self.round_lot)


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
        fades = any(rooms[offer.venue].firm_share < 1 for _, offer in scored)
        got = _take_firm(sweep.takes, scored, quantity, rooms, left) if fades else {}
        quantity -= sum(got.values())
        for score, offer in scored:
            room = rooms[offer.venue]
            wanted = min(room.most(offer) - got.get(offer.venue, 0), quantity)
            taken = _take(sweep.takes, offer, wanted, room, score, left)
            quantity -= taken
            if taken < wanted:
                sweep.is_held_back = True
                if not left[offer.venue] and offer.venue not in sweep.throttled:
                    sweep.throttled.append(offer.venue)
        if quantity == 0 or sweep.is_held_back:
            sweep.is_held_back = sweep.is_held_back and quantity > 0
            return sweep
    return sweep


def holds(round_trips: Mapping[str, Nanos], most_ns: Nanos) -> dict[str, Nanos]:
    """By venue, how long its orders wait so that all arrive together: half of what its round trip
    is shorter than the longest one, on the way out. Nobody waits longer than `most_ns`: who is
    further away than that comes behind."""
    slowest = max(round_trips.values(), default=0)
    return {venue: min((slowest - trip) // 2, most_ns) for venue, trip in round_trips.items()}


def _take_firm(
    takes: list[Take],
    scored: list[tuple[Score, Offer]],
    quantity: Shares,
    rooms: dict[str, Room],
    left: dict[str, int],
) -> dict[str, Shares]:
    """At one price, what is expected to be there; by venue, how much of it. A dearer venue comes
    in only where a share costs less than one that is missed."""
    got: dict[str, Shares] = {}
    for score, offer in scored:
        if got and score.cost > score.if_missed:
            break
        room = rooms[offer.venue]
        wanted = min(room.firm(offer), quantity)
        taken = _take(takes, offer, wanted, room, score, left)
        got[offer.venue] = taken
        quantity -= taken
    return got


def _take(
    takes: list[Take],
    offer: Offer,
    wanted: Shares,
    room: Room,
    score: Score,
    left: dict[str, int],
) -> Shares:
    """Add children for one offer, where its last one cannot be larger; how much they take."""
    taken = 0
    last = next((take for take in reversed(takes) if take.offer is offer), None)
    if last is not None:
        taken = max(0, min(wanted, room.child_max - last.quantity))
        last.quantity += taken
    firm = room.firm(offer) if room.firm_share < 1 else 0
    while taken < wanted and left[offer.venue] > 0 and len(takes) < CHILDREN_MAX:
        size = min(wanted - taken, room.child_max)
        takes.append(Take(offer, size, score, firm))
        left[offer.venue] -= 1
        taken += size
    return taken


def _price(offer: Offer) -> Micros:
    return offer.price_micros


def _cost_then_name(scored: tuple[Score, Offer]) -> tuple[float, str]:
    return scored[0].cost, scored[1].venue
