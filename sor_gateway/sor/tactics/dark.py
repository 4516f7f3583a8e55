"""Waves of hidden orders over dark venues: what a finished wave showed, how the next is split.

Owns: the playbook's rules for dark venues (brief.md, decisions.md "Routing choices").
May not know: sessions, quotes, which venues are open. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.orders import Work
from sor_gateway.sor.settings import Sizing, StrategySettings
from sor_gateway.sor.types import Shares

DRY_WAVES_MAX: Final = 2
"""A venue that filled before is dropped after this many waves in a row without a fill."""


@dataclass(slots=True)
class Verdict:
    """What a finished dark wave showed."""

    sent: Shares
    filled: Shares
    is_dry: bool
    """It filled less than the strategy's share: lit may open."""
    drops: list[tuple[str, str]]
    """Venues that get no more of this parent, and why."""

    def words(self) -> str:
        """For the record of the decision."""
        return f"the dark wave filled {self.filled} of {self.sent}"


def next_size(strategy: StrategySettings, seen: DarkVenue | None) -> Shares:
    """The size of a venue's next order, before it is split; with posterior sizing, the most that it
    may be: what filled gets room for as much again, wave after wave."""
    if seen is None:
        return strategy.dark_quantity
    if strategy.sizing is Sizing.POSTERIOR:
        return max(seen.sent + seen.filled, strategy.dark_quantity)
    return max(seen.next_size, strategy.dark_quantity)


def least_fill(
    strategy: StrategySettings, seen: DarkVenue | None, is_guarded: bool = False
) -> Shares:
    """The fewest shares at a time that a venue's next order takes; `is_guarded`: small fills there
    are known not to be wanted."""
    if not is_guarded and (seen is None or not seen.is_probed):
        return strategy.dark_min_quantity
    return max(strategy.dark_min_quantity, strategy.dark_guard_quantity)


def judge(work: Work, dry_share: float) -> Verdict:
    """Judge the wave under way. One of which nothing arrived anywhere proves nothing."""
    sent = filled = 0
    drops: list[tuple[str, str]] = []
    for name, venue in work.dark.items():
        sent += venue.sent
        filled += venue.filled
        if not venue.sent or venue.filled or name in work.dropped:
            continue
        if not venue.filled_ever:
            drops.append((name, f"no fill of {venue.sent} in wave {work.dark_wave}"))
        elif venue.dry_waves + 1 >= DRY_WAVES_MAX:
            drops.append((name, f"no fill in {venue.dry_waves + 1} waves in a row"))
    return Verdict(sent, filled, filled < dry_share * sent, drops)


def split(
    quantity: Shares, sizes: list[tuple[str, Shares]], round_lot: Shares
) -> list[tuple[str, Shares]]:
    """Split a quantity over venues, best first, each at most its size: equal shares in round lots,
    then what is left to the best that has room. Venues that get nothing are left out."""
    share = max(quantity // len(sizes) // round_lot * round_lot, round_lot)
    given: dict[str, Shares] = {}
    left = quantity
    for name, size in sizes:
        given[name] = min(size, share, left)
        left -= given[name]
    for name, size in sizes:
        more = min(size - given[name], left)
        given[name] += more
        left -= more
    return [(name, shares) for name, shares in given.items() if shares]
