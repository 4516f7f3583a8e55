"""The venue: commands in with their time, facts and reports out. One machine of every kind.

Owns: what is due when: commands behind their inbound latency, flows at their own times, reports
behind their outbound latency.
May not know: FIX tags, sockets, the clock, the journal. How a command is answered is its requests',
what follows from a trade its trading's, memory its state's.

Theory of operation. `receive` takes a command and queues it for its inbound latency. `advance(now)`
then lives through everything that was due up to `now`, in the order of its time: flows act on their
floors, commands meet the book, each at its own instant, so it does not matter how often `advance`
is called. A venue that was starved has much to live through: with a budget, `advance` stops after
so many events, so that its caller can answer somebody, and goes on from there when it is called
again; what is too long ago, flows leave out. Whatever happens to a client is a fact: it is booked
into the state at once, which queues the report, and handed out by `take_facts` for the journal.
Reports leave when their outbound latency is over, in order, session by session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from venue_sims.agenda import NEVER, Agenda
from venue_sims.checks import VenueSettings
from venue_sims.commands import Command, OrderReceived, OrderUnusable, ReplaceReceived
from venue_sims.facts import (
    LimitStateEntered,
    News,
    OrderCanceled,
    PhaseChanged,
    TradingHalted,
    TradingResumed,
    VenueFact,
)
from venue_sims.faults.board import Faults
from venue_sims.faults.facts import FaultFact
from venue_sims.faults.fault import Leaving
from venue_sims.faults.line import Deed, LineAction
from venue_sims.floor import MAX_BEHIND_NS, Floor
from venue_sims.flow.clock import NANOS_PER_SECOND, MarketClock
from venue_sims.kinds import Kind
from venue_sims.matching.orders import Lifetime
from venue_sims.reports import Report
from venue_sims.requests import Requests
from venue_sims.state import VenueOrder, VenueState
from venue_sims.throttle import Style, Throttle
from venue_sims.trading import Print, Trading
from venue_sims.words import TRADING, Phase, Reason, Restatement, State, worded

LIMIT_STATE_NS: Final = 15 * NANOS_PER_SECOND
"""How long a limit state lasts before trading is paused, market time (the LULD plan)."""
PAUSE_NS: Final = 300 * NANOS_PER_SECOND
"""How long such a pause lasts, market time."""
PAUSED: Final = "volatility trading pause"

THROTTLED: Final = (OrderReceived, OrderUnusable, ReplaceReceived)
"""What counts against the throttle: who wants out, gets out."""
WAKE_GRAIN_NS: Final = 10_000_000
"""How late flows may be lived through: they act at their own times, but the venue is not woken for
each of them. Commands and reports are never late by this."""


class Venue:
    """See the module. The state of `trading` may come from a fold; then its live orders rest
    again."""

    def __init__(
        self, settings: VenueSettings, trading: Trading, throttle: Throttle, faults: Faults
    ) -> None:
        self.settings = settings
        self.trading = trading
        self.throttle = throttle
        self.faults = faults
        self.skipped = False
        """Whether the last `advance` left out what flows would have done."""
        self._news: list[News] = []
        self._appointments = Agenda()
        """What the venue does at its time, by what and whose: "lost" sessions, "pause" and "resume"
        of symbols, the next "phase"."""
        self._back_by: dict[str, int] = {}
        """Until when a client that is lost has to be back, for its orders to stay."""
        self._keepers: dict[str, Callable[[str, int], None]] = {
            "lost": self._cancel_lost,
            "pause": self._pause,
            "resume": self.resume,
            "phase": self._go_on,
        }
        self.requests = Requests(settings, trading, throttle, faults)

    @property
    def state(self) -> VenueState:
        """The venue's memory."""
        return self.trading.state

    @property
    def floors(self) -> dict[str, Floor]:
        """The floors by symbol."""
        return self.trading.floors

    @property
    def clock(self) -> MarketClock:
        """Wall time to market time."""
        return self.trading.clock

    @property
    def kind(self) -> Kind:
        """What kind of venue this is."""
        return self.trading.kind

    # --- what comes in --------------------------------------------------------------------

    def start(self, now: int) -> None:
        """Open: orders of before a restart rest again in their order, then the flows come."""
        trading = self.trading
        self.faults.open(now)
        for order in trading.state.live_orders():
            if order.state is State.PENDING_NEW:
                continue
            trading.floors[order.terms.symbol].matcher.restore(
                trading.to_match(order.order_id, order.terms, order.leaves, order.session)
            )
        for symbol in trading.floors:
            trading.open(symbol, now)
        for client in trading.state.clients.values():
            self.lost(client.name, now)
        for symbol, bands in trading.state.bands.items():
            self._appoint("pause", symbol, max(now, bands.pauses_ns))
        for symbol, resumes_ns in trading.state.resumes.items():
            self._appoint("resume", symbol, max(now, resumes_ns))
        self._catch_up_hours(now)

    def receive(self, command: Command, now: int) -> None:
        """A client's command has come; it meets the book when its latency is over."""
        client = self.state.client(command.session)
        delay = self.trading.latency.inbound(command.session, client.received)
        passes_ns = now
        if self.throttle.settings.style is Style.QUEUE and isinstance(command, THROTTLED):
            passes_ns = self.throttle.passes_ns(command.session, now)
        command.due_ns = max(client.last_in_ns, passes_ns + delay)
        self.trading.fact(command)

    def beyond(self, command: Command, now: int) -> str:
        """What to say of a command that is beyond the throttle, where that is said (or done) when
        it comes; empty: nothing is."""
        settings = self.throttle.settings
        if settings.style not in (Style.BUSINESS_REJECT, Style.DROP):
            return ""
        if not isinstance(command, THROTTLED) or self.throttle.admits(command.session, now):
            return ""
        if settings.style is Style.DROP:
            self.trading.line_actions.append(LineAction(command.session, Deed.FIN, now))
        return worded(Reason.THROTTLED, f"more than {settings}")

    def advance(self, now: int, budget: int | None = None) -> bool:
        """Live through what is due up to `now`, at most `budget` events of it; whether that was
        all."""
        self.faults.now, self.skipped = now, False
        while budget is None or budget > 0:
            floor_at, symbol = self.trading.agenda.next()
            command_at, session = self._next_command()
            kept_at, kept = self._appointments.next()
            fault_at = self.faults.next_ns() or NEVER
            first = min(floor_at, command_at, kept_at, fault_at)
            if first > now:
                return True
            budget = None if budget is None else budget - 1
            if first == floor_at:
                self._run_floor(symbol, floor_at, now, min(command_at, kept_at, fault_at, now))
            elif first == command_at:
                self.requests.answer(self.state.client(session).inbound[0], command_at)
            elif first == kept_at:
                self._keep(kept, kept_at)
            else:
                self.faults.run(self, fault_at)
        return False

    def cancel(
        self,
        order_id: str,
        text: str,
        now: int,
        restatement: Restatement = Restatement.TAKEN_OUT,
    ) -> bool:
        """The venue takes an order out by itself; False when there is nothing to take out."""
        order = self.state.orders.get(order_id)
        if order is None or not order.live:
            return False
        self.trading.cancel(order, now)
        leaves_at = self.trading.leaves_at(order.session, now)
        self.trading.fact(OrderCanceled(now, leaves_at, order_id, text, restatement=restatement))
        return True

    # --- what trades ----------------------------------------------------------------------

    def halt(self, symbol: str, reason: str, now: int, resumes_ns: int = 0) -> None:
        """Stop trading in a symbol: flows leave, clients' orders stay and can be cancelled. At
        `resumes_ns` it trades again by itself, unless that is 0."""
        self._tell(TradingHalted(now, symbol, reason, resumes_ns))
        self.trading.close(symbol)
        self._appoint("pause", symbol, NEVER)
        self._appoint("resume", symbol, resumes_ns or NEVER)

    def limit(self, symbol: str, low: int, high: int, now: int) -> None:
        """A symbol enters a limit state: for LIMIT_STATE_NS of market time it trades between two
        prices only, then it is paused for PAUSE_NS, unless it is resumed before (LULD)."""
        pauses_ns = self._later(now, LIMIT_STATE_NS)
        self._tell(LimitStateEntered(now, symbol, low, high, pauses_ns))
        self._appoint("pause", symbol, pauses_ns)

    def resume(self, symbol: str, now: int) -> None:
        """Trade in a symbol again, without bounds."""
        self._tell(TradingResumed(now, symbol))
        self._appoint("pause", symbol, NEVER)
        self._appoint("resume", symbol, NEVER)
        self.trading.open(symbol, now)

    def enter_phase(self, phase: Phase, now: int) -> None:
        """The trading session goes on to a phase: at the close flows leave and Day orders expire,
        at the open flows come back."""
        before = self.state.phase
        self._tell(PhaseChanged(now, phase))
        if phase is Phase.CLOSED:
            self._expire(self.state.live_orders(), now)
        if before in TRADING and phase not in TRADING:
            for symbol in self.floors:
                self.trading.close(symbol)
        elif before not in TRADING and phase in TRADING:
            for symbol in self.floors:
                self.trading.open(symbol, now)

    def take_news(self) -> list[News]:
        """What became of symbols and of the trading session since the last call."""
        news, self._news = self._news, []
        return news

    def _tell(self, fact: News) -> None:
        self.trading.fact(fact)
        self._news.append(fact)

    def _pause(self, symbol: str, now: int) -> None:
        self.halt(symbol, PAUSED, now, self._later(now, PAUSE_NS))

    def _go_on(self, _: str, now: int) -> None:
        phase = self.settings.hours.phase(now)
        closed = phase is self.state.phase is Phase.CLOSED
        if not (closed or self._closed_early(now)):
            self.enter_phase(phase, now)
        self._await_phase(now)

    def _closed_early(self, now: int) -> bool:
        """Whether somebody stopped trading within the hours: then it begins with the next."""
        window = self.settings.hours.window(now)
        stopped = window is not None and self.state.phase_ns >= window.begin_ns
        return stopped and self.state.phase not in TRADING

    def _await_phase(self, now: int) -> None:
        self._appoint("phase", "", self.settings.hours.next_change_ns(now) or NEVER)

    def _catch_up_hours(self, now: int) -> None:
        """What the hours did while the venue was down; a close that it slept through counts."""
        hours, state = self.settings.hours, self.state
        changed_ns = hours.next_change_ns(state.phase_ns)
        if changed_ns is not None and changed_ns <= now and not self._closed_early(now):
            window, phase = hours.window(now), hours.phase(now)
            if window is not None and state.phase_ns < window.begin_ns:
                self.enter_phase(Phase.CLOSED, now)
            if phase is not state.phase:
                self.enter_phase(phase, now)
        self._await_phase(now)

    def _expire(self, orders: list[VenueOrder], now: int) -> None:
        for order in orders:
            self.trading.cancel(order, now)
            leaves_at = self.trading.leaves_at(order.session, now)
            text = "X: expired at the end of the day"
            self.trading.fact(OrderCanceled(now, leaves_at, order.order_id, text, expired=True))

    def _later(self, now: int, market_ns: int) -> int:
        """When so much market time has passed."""
        return self.clock.wall(self.clock.market(now) + market_ns)

    def _appoint(self, what: str, whose: str, at_ns: int) -> None:
        self._appointments.plan(f"{what} {whose}", at_ns)

    def _keep(self, appointment: str, at_ns: int) -> None:
        self._appointments.plan(appointment, NEVER)
        what, _, whose = appointment.partition(" ")
        self._keepers[what](whose, at_ns)

    # --- who is connected -----------------------------------------------------------------

    def connected(self, session: str, now: int) -> None:
        """A client has logged on: if that is within the grace, its orders stay."""
        if now < self._back_by.pop(session, NEVER):
            self._appoint("lost", session, NEVER)

    def lost(self, session: str, now: int) -> None:
        """A client is not connected: where that is the rule, its Day orders are cancelled after
        the grace, and behind every command that came before."""
        grace_ns = (
            self.settings.grace_ns if self.settings.cod else self.faults.grace_ns(session, now)
        )
        if grace_ns is not None:
            self._back_by[session] = now + grace_ns
            last = self.state.client(session).last_in_ns
            self._appoint("lost", session, max(now + grace_ns, last))

    def _cancel_lost(self, session: str, now: int) -> None:
        for order in self.state.live_orders():
            if order.session == session and order.terms.lifetime is Lifetime.DAY:
                self.trading.refer(order.terms.symbol, now)
                text = "z: cancelled on disconnect"
                self.cancel(order.order_id, text, now, Restatement.DISCONNECTED)

    # --- what goes out --------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """When `advance` has to be called next; reports that wait for a logon do not count."""
        floor_at, _ = self.trading.agenda.next()
        if floor_at < NEVER:
            floor_at += -floor_at % WAKE_GRAIN_NS
        kept_at, fault_at = self._appointments.next()[0], self.faults.next_ns() or NEVER
        deadline = min(floor_at, self._next_command()[0], kept_at, fault_at)
        return deadline if deadline < NEVER else None

    def next_report_ns(self, session: str) -> int | None:
        """When the oldest report of a session may leave, or one that a fault held."""
        outbox = self.state.client(session).outbox
        due = outbox[0].due_ns if outbox else NEVER
        held = self.state.faults.release_ns(session)
        due = due if held is None else min(due, held)
        return due if due < NEVER else None

    def due_report(self, session: str, now: int) -> Report | None:
        """The report of a session that may leave now; `reported` takes it off the queue."""
        self.faults.release(session, now)
        outbox = self.state.client(session).outbox
        return outbox[0] if outbox and outbox[0].due_ns <= now else None

    def leaving(self, report: Report, session: str, now: int) -> list[Leaving]:
        """What leaves in place of a report that is due: itself, as long as no fault says otherwise.
        Nothing: a fault took it off the queue."""
        return self.faults.leaving(report, session, now)

    def reported(self, session: str, report: Report) -> None:
        """A report has its number on the wire."""
        self.state.sent(session, report.number)

    def late_ns(self, now: int) -> int:
        """By how much the market is behind its clock: how long a flow that is due has waited."""
        return max(0, now - self.trading.agenda.next()[0])

    def take_facts(self) -> list[Command | VenueFact | FaultFact]:
        """What happened since the last call, for the journal."""
        facts, self.trading.facts = self.trading.facts, []
        return facts

    def take_changed(self) -> list[str]:
        """Symbols whose displayed book may have changed since the last call."""
        changed, self.trading.changed = self.trading.changed, {}
        return list(changed)

    def take_prints(self) -> list[Print]:
        """Trades since the last call."""
        prints = list(self.trading.prints)
        self.trading.prints.clear()
        return prints

    # --- the agenda -----------------------------------------------------------------------

    def _next_command(self) -> tuple[int, str]:
        best, name = NEVER, ""
        for client in self.state.clients.values():
            if client.inbound and client.inbound[0].due_ns < best:
                best, name = client.inbound[0].due_ns, client.name
        return best, name

    def _run_floor(self, symbol: str, at: int, now: int, until: int) -> None:
        trading = self.trading
        floor = trading.floors[symbol]
        market_at = floor.next_ns()
        assert market_at is not None
        behind = trading.clock.market(now) - market_at > MAX_BEHIND_NS
        if behind and floor.path.slot(market_at) < floor.path.slot(trading.clock.market(until)):
            self._skip(until)
        else:
            trading.book(symbol, floor.run(market_at), at)
            trading.plan(symbol, floor)

    def _skip(self, until: int) -> None:
        """Leave out what flows would have done before `until`, on all floors: one that is as far
        behind as the others would only be the next to skip."""
        self.skipped = True
        market_until = self.clock.market(until)
        for symbol, floor in self.floors.items():
            due = floor.next_ns()
            if due is not None and due <= market_until:
                self.trading.open(symbol, until)
