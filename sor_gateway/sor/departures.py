"""Which venues left the best price that others show there, and when: how a quote crumbles.

Owns: the best price of others at each venue, what leaves it and who left it, and what of a book is
ours. May not know: parents, who asks. Like all of the market it is no part of the fold.

When a price is about to move, venues leave it one after the other; an order that stays behind is
taken by whoever was faster (routing.md 1.6, after IEX's crumbling-quote signal). Without direct
feeds what can be counted is venues: who showed the price lately, and who still does. Orders of ours
would hide that: the venue where one of them is all that is left still shows the price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.outflows import Outflow
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, Micros, Nanos, Shares

BLURRED_NS: Final = 250 * NANOS_PER_MILLISECOND
"""How long after an order of ours came or went a venue's book may not show it: until then what
others show beside it is not known."""
LEFT_MIN: Final = 2
"""One venue that leaves is a quote that moved; two are a price that moves."""

Level = tuple[Micros, Shares]
Place = tuple[str, bool, str]
"""Symbol, whether bids, venue."""
Left = tuple[Micros, Nanos]
"""The price that a venue left, and when."""


@dataclass(slots=True)
class Displayed:
    """An order of ours that a book may show."""

    place: Place
    price: Micros
    shares: Shares
    since_ns: Nanos


@dataclass(slots=True)
class Best:
    """The best price that others show at a venue."""

    price: Micros = 0
    """0 for none."""
    displayed: Shares = 0
    """By others."""
    ours: Shares = 0
    """Beside that."""


class Departures:
    """Best prices of others, what leaves them, and the ones that were left last."""

    def __init__(self) -> None:
        self._bests: Final[dict[tuple[str, bool], dict[str, Best]]] = {}
        self._outflows: Final[dict[Place, Outflow]] = {}
        self._left: Final[dict[tuple[str, bool], dict[str, Left]]] = {}
        self._ours: Final[dict[str, Displayed]] = {}
        self._at: Final[dict[Place, dict[str, Displayed]]] = {}
        self._blurred: Final[dict[Place, dict[Micros, Nanos]]] = {}

    # --- what is ours ---------------------------------------------------------------------

    def show(self, child_id: str, place: Place, price: Micros, shares: Shares, now: Nanos) -> None:
        """So much of an order of ours is displayed."""
        known = self._ours.get(child_id)
        if known is not None:
            known.shares = shares
            return
        self._ours[child_id] = shown = Displayed(place, price, shares, now + BLURRED_NS)
        self._at.setdefault(place, {})[child_id] = shown

    def hide(self, child_id: str, now: Nanos) -> None:
        """It is displayed no more."""
        shown = self._ours.pop(child_id, None)
        if shown is not None:
            here = self._at[shown.place]
            del here[child_id]
            if not here:
                del self._at[shown.place]
            blurred = self._blurred.get(shown.place, {})
            self._blurred[shown.place] = {
                price: until_ns for price, until_ns in blurred.items() if until_ns > now
            } | {shown.price: now + BLURRED_NS}

    def took(self, place: Place, best: Micros) -> None:
        """An order of ours takes what is displayed up to this price: nobody left it."""
        bests = self._bests.get((place[0], place[1]))
        if bests is not None and place[2] in bests:
            bests[place[2]] = Best(best)

    # --- what others do -------------------------------------------------------------------

    def note(self, place: Place, levels: list[Level], now: Nanos) -> bool:
        """One side of a venue's book, best first, is this now. Whether that changes the best price
        of others beside an order of ours, which the best price of the book need not show."""
        symbol, is_bid, venue = place
        bests = self._bests.get((symbol, is_bid))
        if bests is None:
            bests = self._bests[symbol, is_bid] = {}
        before, best = bests.get(venue), self._best(place, levels, now)
        bests[venue] = best
        if before is None:
            self._outflows[place] = Outflow(now)
            before = Best()
        is_gone = before.price and not (best.price and is_as_good(best.price, before.price, is_bid))
        if before.price and not self._is_blurred(place, before.price, now):
            self._count_out(place, before, best, now, is_gone=bool(is_gone))
        if best.price == before.price:
            return False
        left = self._left.setdefault((symbol, is_bid), {})
        if best.price and venue in left and is_as_good(best.price, left[venue][0], is_bid):
            del left[venue]
        if is_gone and not self._is_blurred(place, before.price, now):
            left[venue] = (before.price, now)
        return place in self._at

    def _count_out(
        self, place: Place, before: Best, best: Best, now: Nanos, *, is_gone: bool
    ) -> None:
        """What left a queue of others; where what is ours changed as well, it is not known."""
        gone = before.displayed if is_gone else 0
        if best.price == before.price and best.ours == before.ours:
            gone = max(0, before.displayed - best.displayed)
        if gone:
            self._outflows[place].add(gone, now)

    def forget(self, venue: str) -> None:
        """Its quotes cannot be trusted: it neither shows nor left anything."""
        for bests in self._bests.values():
            bests.pop(venue, None)
        for left in self._left.values():
            left.pop(venue, None)

    def left_since(self, symbol: str, is_bid: bool, after_ns: Nanos) -> dict[str, Left]:
        """By venue, the price that it left after that time, and when."""
        left = self._left.get((symbol, is_bid))
        if not left:
            return {}
        return {venue: each for venue, each in left.items() if each[1] > after_ns}

    def bests(self, symbol: str, is_bid: bool) -> Mapping[str, Best]:
        """By venue, the best price that others show there."""
        return self._bests.get((symbol, is_bid), {})

    def queue(self, place: Place, price: Micros) -> Shares:
        """What others show at a price that nobody betters: ahead of whoever joins them."""
        best = self._bests.get((place[0], place[1]), {}).get(place[2])
        return best.displayed if best is not None and best.price == price else 0

    def outflow(self, place: Place, now: Nanos) -> float:
        """Shares of others that leave the best price there in a second; 0 when none was seen."""
        outflow = self._outflows.get(place)
        return 0.0 if outflow is None else outflow.per_second(now)

    def _best(self, place: Place, levels: list[Level], now: Nanos) -> Best:
        ours = self._at.get(place)
        if ours is None:
            return Best(*levels[0]) if levels else Best()
        for price, displayed in levels:
            own = sum(
                each.shares
                for each in ours.values()
                if each.price == price and each.since_ns <= now
            )
            if displayed > own:
                return Best(price, displayed - own, own)
        return Best()

    def _is_blurred(self, place: Place, price: Micros, now: Nanos) -> bool:
        """Whether it may be an order of ours that left the price."""
        blurred = self._blurred.get(place)
        return blurred is not None and now <= blurred.get(price, 0)


@dataclass(slots=True)
class Crumbling:
    """How far a price is left: who showed it and shows it no more, and who is still there."""

    gone: int
    there: int
    last_ns: Nanos
    """When the last of them left."""

    def is_on(self, share: float) -> bool:
        """Whether at least this share of them has left, and more than one."""
        return self.gone >= LEFT_MIN and self.gone >= share * (self.gone + self.there)


def crumbling(
    price: Micros, is_bid: bool, left: Mapping[str, Left], shown: Iterable[tuple[str, Micros]]
) -> Crumbling:
    """How far a price is left, from who left which price of late and the best price that each venue
    shows (0 for none)."""
    there = [venue for venue, best in shown if best and is_as_good(best, price, is_bid)]
    gone = [
        at_ns
        for venue, (from_price, at_ns) in left.items()
        if venue not in there and is_as_good(from_price, price, is_bid)
    ]
    return Crumbling(len(gone), len(there), max(gone, default=0))


def is_as_good(one: Micros, other: Micros, is_bid: bool) -> bool:
    """Whether a quote at the one price is at least as good as one at the other."""
    return one >= other if is_bid else one <= other
