"""The stages at which a fault may hook in, and what all faults have in common.

Owns: when a fault strikes, and the method that each stage calls.
May not know: any single fault, sockets, the clock.

A fault is a subclass of one or more of the stages. Each stage is asked at one place of the venue:

    CommandFault     a command is due and not dealt with yet       requests.py
    FactFault        something was booked                          trading.py
    FeeFault         the fee of a trade is about to be charged     trading.py
    ReportFault      a report is about to get its number           server.py
    WireFault        messages are about to be written              lines.py
    CutFault         their bytes are about to be written           lines.py
    HintFault        a message of a client was gap-filled away     server.py
    DataFault        market data is about to be published          server.py
    LostFault        a client's line is gone                       venue.py
    TimedFault       a time has come                               venue.py
    PlanFault        the consequence that was planned is due       venue.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar

from venue_sims.commands import Command
from venue_sims.faults.facts import FaultPlanned, FaultStruck
from venue_sims.faults.memory import FaultMemory
from venue_sims.faults.when import When, at_least, seconds
from venue_sims.flow.streams import Stream, chain
from venue_sims.matching.orders import Side
from venue_sims.reports import Report

if TYPE_CHECKING:
    from venue_sims.faults.frames import Frame
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
        self._begun = False

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
        self, k: int | str, now: int, what: str = "", *, session: str = "", symbol: str = ""
    ) -> bool:
        """Whether it happens at opportunity `k`, which the draw goes by: what it is about, never
        how many of them came before, for another fault may change that. If so it is a fact."""
        settings = self.settings
        if not (settings.means(session, symbol) and self.holds(now) and self.left):
            return False
        self._passed += 1
        if self._passed <= settings.skip or (settings.p < 1 and self._draw(k) >= settings.p):
            return False
        self._trading.fact(FaultStruck(now, self.name, what))
        return True

    def _draw(self, k: int | str) -> float:
        return self._stream.uniform(k if isinstance(k, int) else chain(0, k))

    def lasts(self, now: int, what: str = "") -> bool:
        """For what is a state rather than an event: whether it is so now. Its beginning is the
        fact."""
        if not self.holds(now):
            self._begun = False
        elif not self._begun:
            self._begun = self.strikes(0, now, what)
        return self._begun

    def act(self, action: LineAction) -> None:
        """Have something done to a line when the turn is written down."""
        self._trading.line_actions.append(action)

    def symbols(self, venue: Venue) -> list[str]:
        """The symbols that are meant."""
        return [each for each in venue.floors if self.settings.symbol in ("", each)]

    def strikes_order(self, order: VenueOrder, now: int) -> bool:
        """The same, about an order as it is now."""
        session, terms = order.session, order.terms
        about = f"{session}|{terms.cl_ord_id}|{order.cum_quantity}|{now}"
        return self.strikes(about, now, order.order_id, session=session, symbol=terms.symbol)


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


SHORTEST_S: Final = 0.001
"""What happens more often than that leaves the venue no time for anything else."""


@dataclass(slots=True, kw_only=True)
class Timed(When):
    """Happens at `at_s`, and then every `every_s` (0: once, restarts of the venue included)."""

    every_s: float = 0.0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(SHORTEST_S if self.every_s else 0, every_s=self.every_s)
        if not self.every_s and not self.count:
            self.count = 1


T = TypeVar("T", bound=Timed)


class TimedFault(Fault[T]):
    """Happens by itself."""

    _times = 0

    def next_ns(self) -> int | None:
        """When it has to run."""
        settings = self.settings
        if not self.left or (self._times and not settings.every_s):
            return None
        due = self.since_ns + seconds(settings.at_s + self._times * settings.every_s)
        end = self.since_ns + seconds(settings.at_s + settings.for_s)
        return None if settings.for_s and due >= end else due

    def run(self, venue: Venue, now: int) -> None:
        """Its time has come."""
        self._times += 1
        if self.strikes(self._times, now):
            self.happen(venue, now)

    def happen(self, venue: Venue, now: int) -> None:
        """What it does."""
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
    skip: int = 0
    """Numbers that it leaves out."""


class ReportFault(Fault[S]):
    """Changes what is said. It may take the report out of its queue by a fact: then nothing
    leaves."""

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """What leaves in the place of these."""
        raise NotImplementedError


@dataclass(slots=True)
class Piece:
    """Bytes to be written at once, so long after what was written before them."""

    data: bytes
    delay_ns: int = 0


class WireFault(Fault[S]):
    """Changes what is written."""

    def shape(self, frames: list[Frame], session: str, now: int) -> list[Frame]:
        """What is written in the place of these messages."""
        raise NotImplementedError


class CutFault(Fault[S]):
    """Changes how it is written."""

    def pieces(self, data: bytes, session: str, now: int) -> list[Piece]:
        """The bytes in pieces."""
        raise NotImplementedError


class HintFault(Fault[S]):
    """Makes something of messages that were gap-filled away."""

    def executes(self, session: str, number: int, now: int) -> bool:
        """Whether a message of a client that a gap fill covered is dealt with all the same."""
        raise NotImplementedError


class LostFault(Fault[S]):
    """Does something when a client's line is lost."""

    def grace_ns(self, session: str, now: int) -> int | None:
        """After how long its Day orders are cancelled; None: never."""
        raise NotImplementedError


Ladder = list[tuple[int, int, int]]
"""Displayed (price, shares, orders), best first."""


class DataFault(Fault[S]):
    """Changes what market data shows."""

    def shown(self, symbol: str, side: Side, ladder: Ladder, now: int) -> Ladder:  # noqa: ARG002
        """The displayed side of a book, in place of what it is."""
        return ladder

    def silent(self, session: str, now: int) -> bool:  # noqa: ARG002
        """Whether nothing is published."""
        return False

    def drops(self, msg_type: str, session: str, now: int) -> bool:  # noqa: ARG002
        """Whether a message that was to be published is left out."""
        return False

    def lasts_for(self, symbol: str, now: int) -> bool:
        """Whether it is so now, for this symbol."""
        return self.settings.symbol in ("", symbol) and self.lasts(now)
