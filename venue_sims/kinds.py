"""The kinds of venue: presets over one engine.

Owns: what each kind takes and shows.
May not know: fees, latencies, scenarios: those are the venue's own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from venue_sims.matching.orders import Lifetime
from venue_sims.words import OrdType


class KindName(StrEnum):
    """The kinds that exist."""

    DARK = "dark"
    EXCHANGE = "exchange"


@dataclass(slots=True)
class Kind:
    """What a venue of this kind is."""

    name: KindName
    dark: bool
    """Crosses at the NBBO midpoint and shows nothing; else a price-time book."""
    ord_types: frozenset[OrdType]
    lifetimes: frozenset[Lifetime]
    post_only: bool
    min_qty: bool
    depth: int
    """Levels of market data; 0: it has none."""


KINDS: Final = {
    KindName.DARK: Kind(
        KindName.DARK,
        dark=True,
        ord_types=frozenset(OrdType),
        lifetimes=frozenset({Lifetime.DAY, Lifetime.IOC}),
        post_only=False,
        min_qty=True,
        depth=0,
    ),
    KindName.EXCHANGE: Kind(
        KindName.EXCHANGE,
        dark=False,
        ord_types=frozenset({OrdType.MARKET, OrdType.LIMIT}),
        lifetimes=frozenset(Lifetime),
        post_only=True,
        min_qty=False,
        depth=10,
    ),
}
