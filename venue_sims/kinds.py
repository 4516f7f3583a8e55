"""The kinds of venue: presets over one engine.

Owns: what each kind takes and shows, and what a profile adds to a kind (venues.md 4.1).
May not know: fees, latencies, scenarios: those are the venue's own file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from venue_sims.matching.orders import D_LIMITS, Lifetime, Manner
from venue_sims.words import OrdType


class KindName(StrEnum):
    """The kinds that exist."""

    DARK = "dark"
    ECN = "ecn"
    INVERTED = "inverted"
    EXCHANGE = "exchange"


class Profile(StrEnum):
    """What a venue of a kind may be besides."""

    NONE = ""
    IEX = "iex"
    """An exchange behind a speed bump, with orders that heed a quote signal."""


@dataclass(slots=True)
class Kind:
    """What a venue of this kind is."""

    name: KindName
    dark: bool
    """Crosses at the NBBO midpoint and shows nothing; else a price-time book."""
    ord_types: frozenset[OrdType]
    lifetimes: frozenset[Lifetime]
    manners: frozenset[Manner]
    reserve: bool
    min_qty: bool
    depth: int
    """Levels of market data; 0: it has none."""


_PLAIN: Final = frozenset({OrdType.MARKET, OrdType.LIMIT})
_PEGS: Final = frozenset({OrdType.MID_PEG, OrdType.PRIMARY_PEG, OrdType.MARKET_PEG})


def _lit(name: KindName, depth: int) -> Kind:
    exchange = name is KindName.EXCHANGE
    return Kind(
        name,
        dark=False,
        ord_types=_PLAIN | (_PEGS if exchange else {OrdType.MID_PEG}),
        lifetimes=frozenset(Lifetime),
        manners=frozenset({Manner.PLAIN, Manner.POST_ONLY, Manner.ISO}),
        reserve=exchange,
        min_qty=False,
        depth=depth,
    )


KINDS: Final = {
    KindName.DARK: Kind(
        KindName.DARK,
        dark=True,
        ord_types=_PLAIN | _PEGS,
        lifetimes=frozenset({Lifetime.DAY, Lifetime.IOC}),
        manners=frozenset({Manner.PLAIN, Manner.CONDITIONAL}),
        reserve=False,
        min_qty=True,
        depth=0,
    ),
    KindName.ECN: _lit(KindName.ECN, depth=5),
    KindName.INVERTED: _lit(KindName.INVERTED, depth=5),
    KindName.EXCHANGE: _lit(KindName.EXCHANGE, depth=10),
}


def kind_of(name: KindName, profile: Profile) -> Kind:
    """What a venue of a kind and a profile is."""
    kind = KINDS[name]
    if profile is Profile.NONE:
        return kind
    return replace(
        kind,
        ord_types=kind.ord_types | {OrdType.DISCRETIONARY_PEG},
        manners=kind.manners | {*D_LIMITS},
    )


SPEED_BUMP_US: Final = {Profile.NONE: 0, Profile.IEX: 350}
"""How much later every message is, each way."""
