"""The stages at which a fault may hook in, and what all faults have in common.

Owns: when a fault strikes, and the method that each stage calls.
May not know: any single fault, sockets, the clock.

A fault is a subclass of one or more of the stages. Each stage is asked at one place of the venue:

    CommandFault     a command is due and not dealt with yet       requests.py
    FactFault        something was booked                          trading.py
    FeeFault         the fee of a trade is about to be charged     trading.py
    ReportFault      a report is about to get its number           server.py
    TimedFault       a time has come                               venue.py
    PlanFault        the consequence that was planned is due       venue.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from venue_sims.commands import Command
from venue_sims.faults.facts import FaultPlanned, FaultStruck
from venue_sims.faults.memory import FaultMemory
from venue_sims.faults.when import When, seconds
from venue_sims.flow.streams import Stream
from venue_sims.reports import Report

if TYPE_CHECKING:
    from venue_sims.faults.line import LineAction
    from venue_sims.state import VenueOrder
    from venue_sims.trading import Trading
    from venue_sims.venue import Venue

S = TypeVar("S", bound=When)


class Fault(Generic[S]):
    """One way of failing, as it is set at one venue. `since_ns`: when it was set, or when the venue
    opened."""

    name: ClassVar[str]
    """The key of its settings, and the name of its stream."""
    number: ClassVar[str]
    """What the specification calls it (venues.md 3, recovery.md 5)."""
    Settings: ClassVar[type[When]] = When

    def __init__(self, settings: S, stream: Stream, trading: Trading, since_ns: int) -> None:
        self.settings: S = settings
        self.since_ns = since_ns
        self._stream = stream
        self._trading = trading
        self._passed = 0

    @property
    def memory(self) -> FaultMemory:
        """What the venue remembers of its faults."""
        return self._trading.state.faults

    @property
    def left(self) -> bool:
        """Whether it may strike again at all."""
        count = self.settings.count
        return not count or self.memory.struck.get(self.name, 0) < count

    def holds(self, now: int) -> bool:
        """Whether this is the time for it."""
        begin = self.since_ns + seconds(self.settings.at_s)
        length = seconds(self.settings.for_s)
        return now >= begin and (not length or now < begin + length)

    def strikes(
        self, k: int, now: int, what: str = "", *, session: str = "", symbol: str = ""
    ) -> bool:
        """Whether it happens at opportunity `k`, which the draw goes by. If so it is a fact."""
        settings = self.settings
        if not (settings.means(session, symbol) and self.holds(now) and self.left):
            return False
        self._passed += 1
        if self._passed <= settings.skip or self._stream.uniform(k) >= settings.p:
            return False
        self._trading.fact(FaultStruck(now, self.name, what))
        return True

    def strikes_order(self, order: VenueOrder, k: int, now: int) -> bool:
        """The same, about an order."""
        return self.strikes(
            k, now, order.order_id, session=order.session, symbol=order.terms.symbol
        )


class CommandFault(Fault[S]):
    """Deals with commands in the venue's stead."""

    def takes(self, command: Command, now: int) -> bool:
        """Whether it has dealt with the oldest command of its session."""
        raise NotImplementedError


class FactFault(Fault[S]):
    """Sees what happens. It may plan something, and books nothing else."""

    def saw(self, fact: object) -> None:
        """This was booked."""
        raise NotImplementedError


class FeeFault(Fault[S]):
    """Charges what the schedule does not say."""

    def charged(self, order: VenueOrder, fee_micros: int, quantity: int, now: int) -> int:
        """The fee of a trade."""
        raise NotImplementedError


class TimedFault(Fault[S]):
    """Happens by itself."""

    def next_ns(self) -> int | None:
        """When it has to run."""
        raise NotImplementedError

    def run(self, venue: Venue, now: int) -> None:
        """Its time has come."""
        raise NotImplementedError


class PlanFault(Fault[S]):
    """Has consequences later, whether it is still set by then or not."""

    @staticmethod
    def carry_out(venue: Venue, plan: FaultPlanned, now: int) -> None:
        """What was planned is due."""
        raise NotImplementedError


@dataclass(slots=True)
class Leaving:
    """A report on its way out. `own`: it is the report itself, not one that a fault added."""

    report: Report
    own: bool = True
    header: list[tuple[int, str]] = field(default_factory=list)
    """Fields of the header that the session does not write by itself."""


class ReportFault(Fault[S]):
    """Changes what is said. It may take the report out of its queue by a fact: then nothing
    leaves."""

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """What leaves in the place of these."""
        raise NotImplementedError

    def act(self, action: LineAction) -> None:
        """Have something done to the line when the turn is written down."""
        self._trading.line_actions.append(action)
