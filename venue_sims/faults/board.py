"""The board: the faults that are set at a venue, asked stage by stage.

Owns: which faults are set, and the order in which they are asked (that of the table).
May not know: any single fault, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from venue_sims.commands import Command, OrderReceived
from venue_sims.faults.facts import (
    CommandReturned,
    FaultSet,
    MemoryLost,
    PlanDone,
    ReportReleased,
)
from venue_sims.faults.fault import (
    CommandFault,
    CutFault,
    DataFault,
    FactFault,
    Fault,
    FeeFault,
    HintFault,
    Ladder,
    Leaving,
    LostFault,
    Piece,
    ReportFault,
    Timed,
    TimedFault,
    WireFault,
)
from venue_sims.faults.frames import frame_of, split
from venue_sims.faults.line import LineAction
from venue_sims.faults.orders import RejectStorm, StuckPending
from venue_sims.faults.table import FAULTS, PLANS
from venue_sims.faults.when import When
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Side
from venue_sims.reports import Report

if TYPE_CHECKING:
    from venue_sims.trading import Trading
    from venue_sims.venue import Venue


class Faults:
    """See the module. `settings`: by the name of the fault."""

    def __init__(self, seed: int, mic: str, settings: dict[str, When], trading: Trading) -> None:
        self.settings = dict(settings)
        self._seed = seed
        self._mic = mic
        self._trading = trading
        self._set: dict[str, Fault[When]] = {}
        self.commands: list[CommandFault[When]] = []
        self.timed: list[TimedFault[Timed]] = []
        self.reports: list[ReportFault[When]] = []
        self.wires: list[WireFault[When]] = []
        self.cuts: list[CutFault[When]] = []
        self.data: list[DataFault[When]] = []
        self._lost: list[LostFault[When]] = []
        self._hints: list[HintFault[When]] = []
        self._storm: RejectStorm | None = None
        self._pending: StuckPending | None = None
        self.now = 0
        """The time up to which the venue has lived."""

    def open(self, now: int) -> None:
        """The venue opens: what is configured is set."""
        for name, settings in self.settings.items():
            self._make(name, settings, now)
        self._sort()

    def set(self, name: str, settings: When | None, line: str, now: int) -> None:
        """Set a fault at a running venue, or take it away; `line` is how it was asked for."""
        self._trading.fact(FaultSet(now, name, line if settings else ""))
        self._set.pop(name, None)
        self.settings.pop(name, None)
        if settings is not None:
            self.settings[name] = settings
            self._make(name, settings, now)
        self._sort()

    @property
    def names(self) -> list[str]:
        """Those that are set."""
        return list(self._set)

    def _make(self, name: str, settings: When, now: int) -> None:
        stream = Stream(self._seed, f"fault:{self._mic}:{name}")
        self._set[name] = FAULTS[name](settings, stream, self._trading, now)

    def _sort(self) -> None:
        faults = [self._set[name] for name in FAULTS if name in self._set]
        self.commands = [each for each in faults if isinstance(each, CommandFault)]
        self.timed = [each for each in faults if isinstance(each, TimedFault)]
        self.reports = [each for each in faults if isinstance(each, ReportFault)]
        self.wires = [each for each in faults if isinstance(each, WireFault)]
        self.cuts = [each for each in faults if isinstance(each, CutFault)]
        self.data = [each for each in faults if isinstance(each, DataFault)]
        self._lost = [each for each in faults if isinstance(each, LostFault)]
        self._hints = [each for each in faults if isinstance(each, HintFault)]
        self._trading.observers = [each for each in faults if isinstance(each, FactFault)]
        self._trading.surcharges = [each for each in faults if isinstance(each, FeeFault)]
        storm = self._set.get(RejectStorm.name)
        self._storm = storm if isinstance(storm, RejectStorm) else None
        pending = self._set.get(StuckPending.name)
        self._pending = pending if isinstance(pending, StuckPending) else None

    # --- commands -------------------------------------------------------------------------

    def takes(self, command: Command, now: int) -> bool:
        """Whether a fault has dealt with this command, the oldest of its session."""
        return any(fault.takes(command, now) for fault in self.commands)

    def refuses(self, command: OrderReceived, now: int) -> RejectStorm | None:
        """The fault that refuses an order that nothing can be said against."""
        storm = self._storm
        return storm if storm is not None and storm.refuses(command, now) else None

    def holds(self, command: OrderReceived, order_id: str, now: int) -> bool:
        """Whether a fault has answered an order that could be accepted as pending."""
        pending = self._pending
        return pending is not None and pending.holds_order(command, order_id, now)

    def executes(self, session: str, number: int, now: int) -> bool:
        """Whether a message that was gap-filled away is dealt with all the same."""
        return any(fault.executes(session, number, now) for fault in self._hints)

    def grace_ns(self, session: str, now: int) -> int | None:
        """How long a client that is lost has until its Day orders go; None: they stay."""
        for fault in self._lost:
            if (grace_ns := fault.grace_ns(session, now)) is not None:
                return grace_ns
        return None

    # --- what is due ----------------------------------------------------------------------

    def next_ns(self) -> int | None:
        """When `run` has something to do."""
        memory = self._trading.state.faults
        due = [plan.due_ns for plan in memory.planned[:1]]
        due += [held.until_ns for held in self._trading.state.held[:1]]
        due += [at for fault in self.timed if (at := fault.next_ns()) is not None]
        return min(due, default=None)

    def run(self, venue: Venue, now: int) -> None:
        """Do what is due at this time, one thing of it."""
        memory = self._trading.state.faults
        if memory.planned and memory.planned[0].due_ns <= now:
            plan = memory.planned[0]
            self._trading.fact(PlanDone(now))
            PLANS[plan.fault].carry_out(venue, plan, now)
            return
        held = self._trading.state.held
        if held and held[0].until_ns <= now:
            command = held[0].command
            self._trading.fact(CommandReturned(now))
            venue.requests.deal(command, now)
            return
        for fault in self.timed:
            due = fault.next_ns()
            if due is not None and due <= now:
                fault.run(venue, now)
                return

    # --- what goes out --------------------------------------------------------------------

    def release(self, session: str, now: int) -> None:
        """Reports of a session that were held long enough go before the others."""
        memory = self._trading.state.faults
        while (held := memory.released(session, now)) is not None:
            self._trading.fact(ReportReleased(now, session, held.report.number))

    def leaving(self, report: Report, session: str, now: int) -> list[Leaving]:
        """What leaves in place of the oldest report of a session; nothing when it is not its
        oldest any more."""
        leaving = [Leaving(report)]
        for fault in self.reports:
            leaving = fault.shape(leaving, session, now)
            if not leaving:
                return []
        renamed = self._trading.state.faults.renamed
        if not renamed:
            return leaving
        return [
            replace(each, report=replace(each.report, order_id=renamed[each.report.order_id]))
            if each.report.order_id in renamed
            else each
            for each in leaving
        ]

    def shape(self, data: bytes, session: str, now: int) -> list[Piece]:
        """What is written, and how, in place of what a session has to say."""
        if self.wires:
            frames = [frame_of(raw) for raw in split(data)]
            for fault in self.wires:
                frames = fault.shape(frames, session, now)
            data = b"".join(frame.raw for frame in frames)
        pieces = [Piece(data)] if data else []
        for cut in self.cuts:
            pieces = cut.pieces(data, session, now) if data else []
        return pieces

    def take_actions(self) -> list[LineAction]:
        """What faults want done to lines."""
        actions, self._trading.line_actions = self._trading.line_actions, []
        return actions

    def take_death(self) -> MemoryLost | None:
        """How the venue is to die now, if it is."""
        death, self._trading.death = self._trading.death, None
        return death

    # --- market data ----------------------------------------------------------------------

    def shown(self, symbol: str, side: Side, ladder: Ladder) -> Ladder:
        """What is shown of one side of a book."""
        for fault in self.data:
            ladder = fault.shown(symbol, side, ladder, self.now)
        return ladder

    def silent(self, session: str, now: int) -> bool:
        """Whether nothing is published to a session now."""
        return any(fault.silent(session, now) for fault in self.data)

    def drops(self, msg_type: str, session: str, now: int) -> bool:
        """Whether a message that was to be published is left out."""
        return any(fault.drops(msg_type, session, now) for fault in self.data)
