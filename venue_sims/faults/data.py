"""Faults of market data: frozen, crossed, with holes, silent.

Owns: F19.
May not know: FIX fields, subscriptions, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from sor_gateway.fix.tags import MsgType
from venue_sims.faults.fault import DataFault, Ladder
from venue_sims.faults.when import When, at_least
from venue_sims.matching.orders import Side


class StaleMd(DataFault[When]):
    """The book that is shown stands still: fresh messages, old content."""

    name, number = "stale_md", "F19"

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._frozen: dict[tuple[str, Side], Ladder] = {}

    def shown(self, symbol: str, side: Side, ladder: Ladder, now: int) -> Ladder:
        """As it was when it was first looked at in the time of the fault."""
        if not self.lasts_for(symbol, now):
            self._frozen.pop((symbol, side), None)
            return ladder
        return self._frozen.setdefault((symbol, side), ladder)


@dataclass(slots=True, kw_only=True)
class CrossedSettings(When):
    """The best bid is shown `ticks` above the best offer; 0: the market is locked."""

    ticks: int = 1

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, 1_000_000, ticks=self.ticks)


class Crossed(DataFault[CrossedSettings]):
    """Bids are shown above the offers."""

    name, number, Settings = "crossed", "F19", CrossedSettings

    def shown(self, symbol: str, side: Side, ladder: Ladder, now: int) -> Ladder:
        """The bids, moved up."""
        if side is not Side.BUY or not ladder or not self.lasts_for(symbol, now):
            return ladder
        floor = self._trading.floors[symbol]
        ask = floor.matcher.best(Side.SELL)
        if ask is None:
            return ladder
        up = ask + self.settings.ticks * floor.path.settings.tick_micros - ladder[0][0]
        return [(price + up, shares, orders) for price, shares, orders in ladder]


class MdSilent(DataFault[When]):
    """The session lives, and nothing is published."""

    name, number = "md_silent", "F19"

    def silent(self, session: str, now: int) -> bool:
        """While it lasts."""
        return self.settings.means(session, "") and self.lasts(now)


class MdGap(DataFault[When]):
    """Updates are missing, and no number with them: who applies the others has a wrong book."""

    name, number = "md_gap", "F19"

    def drops(self, msg_type: str, session: str, now: int) -> bool:
        """Incremental updates only."""
        wanted = msg_type == MsgType.MARKET_DATA_INCREMENTAL_REFRESH
        return wanted and self.strikes(now, now, session=session)
