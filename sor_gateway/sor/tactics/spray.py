"""Showing little: which venues, how much on each, at which price, when again.

Owns: the arithmetic of small displayed orders (brief.md, playbook 6).
May not know: sessions, orders' states, clocks. Pure functions; chance comes from `draw`, which is
a function of what it is asked for and of nothing else (recovery.md 1.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import ceil
from typing import Final

from sor_gateway.sor.market import Book
from sor_gateway.sor.types import Micros, Shares

DRAW_BYTES: Final = 7
"""Fewer bits than a float's fraction holds: a draw is exact, and never 1."""


def draw(seed: int, parent_id: str, wave: int, place: str) -> float:
    """A number from 0 up to 1 for one use in one wave of one parent."""
    text = f"{seed}/{parent_id}/{wave}/{place}"
    digest = blake2b(text.encode(), digest_size=DRAW_BYTES).digest()
    return int.from_bytes(digest) / float(1 << 8 * DRAW_BYTES)


def shown_size(clip: Shares, spread: float, round_lot: Shares, drawn: float) -> Shares:
    """How much to show of at most `clip`: as many round lots, down to `spread` less, each number of
    them as likely as any other; never nothing."""
    most = clip // round_lot
    if not spread or not most:
        return clip
    least = max(1, ceil(clip * (1.0 - spread) / round_lot))
    return (most - int(drawn * (most - least + 1))) * round_lot


def share_out(wanted: Iterable[tuple[str, Shares]], room: Shares) -> list[tuple[str, Shares]]:
    """Give each venue in turn what is wanted for it until there is no more room."""
    given: list[tuple[str, Shares]] = []
    for venue, quantity in wanted:
        quantity = min(quantity, room)
        if quantity <= 0:
            break
        given.append((venue, quantity))
        room -= quantity
    return given


def near_touch(
    books: Iterable[tuple[str, Book]], is_buy: bool, ours: Mapping[tuple[str, Micros], Shares]
) -> Micros:
    """The best price on our own side at which somebody else shows something; 0 when nobody does.
    Without leaving ours out, an order that is the best offer would be the touch that it follows."""
    best = 0
    for venue, book in books:
        for price, displayed in book.bids if is_buy else book.asks:
            if displayed > ours.get((venue, price), 0):
                if not best or (price > best if is_buy else price < best):
                    best = price
                break
    return best
