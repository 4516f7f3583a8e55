"""Faults of the day: halts, limit states, the end of the session, a restart without memory.

Owns: F15, F16, F17, F27.
May not know: FIX tags, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from venue_sims.faults.facts import FaultPlanned, Lost, MemoryLost, Reset
from venue_sims.faults.fault import PlanFault, Timed, TimedFault
from venue_sims.faults.when import at_least, ms, seconds
from venue_sims.words import TRADING, Phase

if TYPE_CHECKING:
    from venue_sims.venue import Venue

_BPS: Final = 10_000


@dataclass(slots=True, kw_only=True)
class HaltSettings(Timed):
    """Of `symbol`, or of all. It trades again after `resume_s` seconds of wall time; 0: not by
    itself. `cancels`: orders are taken out (18=K), else they stay (18=J)."""

    reason: str = "news pending"
    resume_s: float = 0.0
    cancels: bool = False

    def __post_init__(self) -> None:
        Timed.__post_init__(self)
        at_least(0, resume_s=self.resume_s)


class Halt(TimedFault[HaltSettings]):
    """A symbol stops trading."""

    name, number, Settings = "halt", "F15", HaltSettings

    def happen(self, venue: Venue, now: int) -> None:
        """Those that trade."""
        settings = self.settings
        resumes_ns = now + seconds(settings.resume_s) if settings.resume_s else 0
        for symbol in self.symbols(venue):
            if symbol in venue.state.halted:
                continue
            if settings.cancels:
                for order in venue.state.live_orders():
                    if order.terms.symbol == symbol:
                        venue.cancel(order.order_id, f"H: {settings.reason}", now)
            venue.halt(symbol, settings.reason, now, resumes_ns)


@dataclass(slots=True, kw_only=True)
class LuldSettings(Timed):
    """`band_bps`: how far the bands are from the midpoint."""

    band_bps: int = 500

    def __post_init__(self) -> None:
        Timed.__post_init__(self)
        at_least(1, 9_999, band_bps=self.band_bps)


class Luld(TimedFault[LuldSettings]):
    """A symbol enters a limit state, then pauses, then trades again (times as in the LULD plan, of
    market time)."""

    name, number, Settings = "luld", "F16", LuldSettings

    def happen(self, venue: Venue, now: int) -> None:
        """Bands about the national midpoint."""
        for symbol in self.symbols(venue):
            if symbol in venue.state.halted:
                continue
            floor = venue.floors[symbol]
            tick, quote = floor.path.settings.tick_micros, floor.nbbo(venue.clock.market(now))
            middle = (quote.bid + quote.ask) // 2
            away = max(middle * self.settings.band_bps // _BPS // tick * tick, tick)
            middle = middle // tick * tick
            venue.limit(symbol, max(middle - away, tick), middle + away, now)


@dataclass(slots=True, kw_only=True)
class SessionSettings(Timed):
    """The trading session closes; `reopen_s` seconds of wall time later it opens, 0: not by
    itself."""

    reopen_s: float = 0.0

    def __post_init__(self) -> None:
        Timed.__post_init__(self)
        at_least(0, reopen_s=self.reopen_s)


class SessionEnd(TimedFault[SessionSettings], PlanFault[SessionSettings]):
    """The trading session ends early: Day orders expire."""

    name, number, Settings = "session", "F17", SessionSettings

    def happen(self, venue: Venue, now: int) -> None:
        """Closed, at once."""
        if venue.state.phase not in TRADING:
            return
        venue.enter_phase(Phase.CLOSED, now)
        if self.settings.reopen_s:
            due = now + seconds(self.settings.reopen_s)
            self._trading.fact(FaultPlanned(now, due, self.name))

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:  # noqa: ARG004
        """Open again."""
        if venue.state.phase not in TRADING:
            venue.enter_phase(Phase.OPEN, now)


@dataclass(slots=True, kw_only=True)
class RestartSettings(Timed):
    """The venue dies without a word, and comes up `down_ms` later without part of its memory.
    `lose`: reports not sent and the store of sent messages; commands not dealt with; orders; all of
    it. `reset`: numbers of what was lost begin at 1, with 141=Y or without it (or `back` lower)."""

    down_ms: int = 200
    lose: Literal["nothing", "outbound", "inbound", "orders", "all"] = "orders"
    reset: Literal["none", "low", "141"] = "none"
    back: int = 0

    def __post_init__(self) -> None:
        Timed.__post_init__(self)
        at_least(0, down_ms=self.down_ms, back=self.back)


class Restart(TimedFault[RestartSettings]):
    """A restart without memory."""

    name, number, Settings = "restart", "F27", RestartSettings

    def happen(self, venue: Venue, now: int) -> None:  # noqa: ARG002
        """When this turn is written down."""
        settings = self.settings
        self._trading.death = MemoryLost(
            now, ms(settings.down_ms), Lost(settings.lose), Reset(settings.reset), settings.back
        )
