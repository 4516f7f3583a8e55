"""The venue's memory of its clients: orders, used ids, what waits, what each has traded.

Owns: everything that survives a restart, and the booking of facts into it. `apply` is the only way
in, live and in the fold alike, so that a fold of the journal is the live state by construction.
May not know: books, latency and fee tables, sockets, clocks. Books are rebuilt from the live orders
in order of `sequence`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from venue_sims.commands import (
    COMMANDS,
    CancelReceived,
    Command,
    MassCancelReceived,
    MassStatusReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
    Terms,
)
from venue_sims.facts import (
    CancelAccepted,
    ClientCame,
    ClientLeft,
    Executed,
    Invited,
    LatentTraded,
    LimitStateEntered,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    PhaseChanged,
    Replaced,
    RequestRefused,
    Restated,
    StatusAnswered,
    TradingHalted,
    TradingResumed,
)
from venue_sims.faults.booking import FaultBooking
from venue_sims.faults.memory import FaultMemory, HeldCommand, Trade
from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.mass_booking import MassBooking
from venue_sims.matching.invitations import Invitation, Invitations
from venue_sims.reports import Report
from venue_sims.words import (
    LIVE,
    TRADING,
    Capacity,
    OrdType,
    Phase,
    Reason,
    ReportKind,
    Restatement,
    State,
)

DAY_SECONDS = 86_400
FIRM_UP = "FIRMUP"
"""Text (58) of the report that takes a conditional order out and invites a firm one."""
NO_ORDER = "NONE"
"""OrderID (37) in answers about orders that are not known."""


@dataclass(slots=True)
class VenueOrder:
    """A client's order. `terms` are the last accepted ones, with the last accepted ClOrdID; they
    are shared with the command and with reports, so a change is another `Terms`."""

    order_id: str
    session: str
    terms: Terms
    state: State
    sequence: int
    """Priority among the clients' orders: lower goes first at the same price."""
    cum_quantity: int = 0
    cum_value_micros: int = 0
    reason: Reason | None = None
    text: str = ""
    accepted_ns: int = 0

    @property
    def live(self) -> bool:
        """Whether it may still trade."""
        return self.state in LIVE

    @property
    def leaves(self) -> int:
        """Shares that may still trade."""
        return self.terms.quantity - self.cum_quantity if self.live else 0


@dataclass(slots=True)
class Bands:
    """The prices between which a symbol trades while it is in a limit state, micros, and when it
    is halted for it."""

    low: int
    high: int
    pauses_ns: int


@dataclass(slots=True)
class Ledger:
    """What one session has traded."""

    executions: int = 0
    shares: int = 0
    value_micros: int = 0
    fees_micros: int = 0


@dataclass(slots=True)
class ClientState:
    """What is remembered of one order session."""

    name: str
    ids: dict[str, str] = field(default_factory=dict)
    """Every ClOrdID it used on this trading day, and the OrderID that it meant (empty: none)."""
    ids_before: dict[str, str] = field(default_factory=dict)
    """The same of the trading day before: they may be used again, and are still known."""
    inbound: deque[Command] = field(default_factory=deque)
    """Commands not yet dealt with, oldest first."""
    outbox: deque[Report] = field(default_factory=deque)
    """Reports not yet sent, oldest first."""
    received: int = 0
    reported: int = 0
    last_in_ns: int = 0
    """When the newest command is due: none overtakes another."""
    last_out_ns: int = 0
    """When the newest report is due: none overtakes another."""
    ledger: Ledger = field(default_factory=Ledger)


@lru_cache(maxsize=4)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_SECONDS, UTC).strftime("%y%m%d")


class VenueState:
    """All of it. `mic` begins every OrderID and ExecID."""

    def __init__(self, mic: str) -> None:
        self.mic = mic
        self.orders: dict[str, VenueOrder] = {}
        self.clients: dict[str, ClientState] = {}
        self.latent: dict[str, int] = {}
        """What each latent parent has traded in all."""
        self.invitations = Invitations()
        self.halted: dict[str, str] = {}
        """Symbols that do not trade, and why."""
        self.faults = FaultMemory()
        self.held: list[HeldCommand] = []
        """Requests answered as pending that will be dealt with, by the time of it."""
        self.resumes: dict[str, int] = {}
        """When those of them trade again that do so by themselves."""
        self.bands: dict[str, Bands] = {}
        """Symbols in a limit state."""
        self.phase = Phase.OPEN
        self.phase_ns = 0
        """When that began; 0: nobody ever said."""
        self.order_count = 0
        self.exec_count = 0
        self.sequence = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            **dict.fromkeys(COMMANDS, self._on_command),
            OrderAccepted: self._on_accepted,
            OrderRejected: self._on_rejected,
            Executed: self._on_executed,
            OrderCanceled: self._on_canceled,
            Restated: self._on_restated,
            Invited: self._on_invited,
            CancelAccepted: self._on_cancel_accepted,
            Replaced: self._on_replaced,
            RequestRefused: self._on_refused,
            StatusAnswered: self._on_status,
            LatentTraded: self._on_latent,
            TradingHalted: self._on_halted,
            LimitStateEntered: self._on_limited,
            TradingResumed: self._on_resumed,
            **FaultBooking(self, self._answered, self._add, self._report).handlers,
            **MassBooking(self, self._answered, self._no_order, self._report).handlers,
            PhaseChanged: self._on_phase,
            **dict.fromkeys((ClientCame, ClientLeft), lambda _: None),
        }

    # --- questions ------------------------------------------------------------------------

    def client(self, session: str) -> ClientState:
        """The memory of a session, a fresh one for a session never seen."""
        found = self.clients.get(session)
        if found is None:
            found = self.clients[session] = ClientState(session)
        return found

    def order_meant(self, session: str, cl_ord_id: str) -> VenueOrder | None:
        """The order that a ClOrdID belonged to on this trading day or the one before."""
        client = self.client(session)
        ids = client.ids if cl_ord_id in client.ids else client.ids_before
        order_id = ids.get(cl_ord_id)
        return self.orders.get(order_id) if order_id else None

    def orders_meant(
        self, command: MassCancelReceived | MassStatusReceived, *, over: bool = False
    ) -> list[VenueOrder]:
        """The live orders that a request for many means, in order of priority; `over`: with those
        of the trading day that are not live any more, in the order in which they came."""
        ids = dict.fromkeys(self.client(command.session).ids.values())
        of_today = [self.orders[order_id] for order_id in ids if order_id in self.orders]
        return [
            order
            for order in (of_today if over else self.live_orders())
            if order.session == command.session
            and command.symbol in ("", order.terms.symbol)
            and command.capacity in (None, order.terms.capacity)
        ]

    def live_orders(self) -> list[VenueOrder]:
        """Orders that may still trade, in order of priority."""
        live = [order for order in self.orders.values() if order.live]
        return sorted(live, key=lambda order: order.sequence)

    def next_order_id(self, at_ns: int) -> str:
        """What the next order will be called: unique for ever, the counter never starts again."""
        return f"{self.mic}{_date(at_ns // NANOS_PER_SECOND // DAY_SECONDS)}{self.order_count + 1}"

    def next_exec_id(self, at_ns: int) -> str:
        """What the next report will be called: unique for ever."""
        date = _date(at_ns // NANOS_PER_SECOND // DAY_SECONDS)
        return f"{self.mic}{date}E{self.exec_count + 1}"

    def trades(self, symbol: str) -> bool:
        """Whether orders in a symbol are taken and trade now."""
        return self.phase in TRADING and symbol not in self.halted

    # --- booking --------------------------------------------------------------------------

    def apply(self, fact: object) -> None:
        """Book a fact. Asserts that it answers the command it claims to answer."""
        self._handlers[type(fact)](fact)

    def sent(self, session: str, number: int) -> None:
        """The oldest report of a session has a number on the wire now. In a fold, where the facts
        of a turn come before what left in it, a report that was held may stand before it."""
        outbox = self.client(session).outbox
        report = outbox[0]
        if report.number != number:
            report = next(each for each in outbox if each.number == number)
            assert outbox[0].held, f"report {number} left before {outbox[0].number}"
        outbox.remove(report)
        self.faults.passed(session, number)

    def _on_command(self, command: Command) -> None:
        client = self.client(command.session)
        client.received += 1
        assert command.due_ns >= client.last_in_ns
        client.last_in_ns = command.due_ns
        client.inbound.append(command)

    def _on_accepted(self, fact: OrderAccepted) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, OrderReceived)
        order = self._add(fact.session, fact.order_id, command.terms, State.NEW)
        order.accepted_ns = fact.at_ns
        if command.terms.firm_up_id:
            self.invitations.answer(command.terms.firm_up_id, fact.at_ns)
        self._report(order, ReportKind.NEW, fact.at_ns, fact.report_at_ns)

    def _on_rejected(self, fact: OrderRejected) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, OrderReceived | OrderUnusable)
        if fact.duplicate:
            order = VenueOrder(fact.order_id, fact.session, command.terms, State.REJECTED, 0)
        else:
            order = self._add(fact.session, fact.order_id, command.terms, State.REJECTED)
        order.reason, order.text = fact.reason, fact.text
        report = self._report(order, ReportKind.REJECTED, fact.at_ns, fact.report_at_ns)
        report.code = fact.code

    def _on_executed(self, fact: Executed) -> None:
        order = self.orders[fact.order_id]
        assert order.live
        assert 0 < fact.quantity <= order.leaves
        value = fact.quantity * fact.price
        order.cum_quantity += fact.quantity
        order.cum_value_micros += value
        done = order.cum_quantity == order.terms.quantity
        order.state = State.FILLED if done else State.PARTIALLY_FILLED
        ledger = self.client(order.session).ledger
        ledger.executions += 1
        ledger.shares += fact.quantity
        ledger.value_micros += value
        ledger.fees_micros += fact.fee_micros
        report = self._report(order, ReportKind.TRADE, fact.at_ns, fact.report_at_ns)
        assert report.exec_id == fact.exec_id
        report.last_quantity, report.last_price = fact.quantity, fact.price
        report.liquidity, report.fee_micros = fact.liquidity, fact.fee_micros
        self.faults.trades[fact.exec_id] = Trade(
            fact.order_id, fact.quantity, fact.price, fact.liquidity, fact.fee_micros
        )

    def _on_canceled(self, fact: OrderCanceled) -> None:
        order = self.orders[fact.order_id]
        assert order.live
        order.state = State.EXPIRED if fact.expired else State.CANCELED
        order.text = fact.text
        kind = ReportKind.EXPIRED if fact.expired else ReportKind.CANCELED
        report = self._report(order, kind, fact.at_ns, fact.report_at_ns)
        report.restatement = fact.restatement

    def _on_restated(self, fact: Restated) -> None:
        order = self.orders[fact.order_id]
        assert order.live
        assert 0 < fact.quantity <= order.leaves
        quantity = order.cum_quantity + fact.quantity
        order.terms = replace(order.terms, quantity=quantity, price=fact.price)
        if fact.restatement is Restatement.REPRICED:
            self._to_back(order)
        report = self._report(order, ReportKind.RESTATED, fact.at_ns, fact.report_at_ns)
        report.restatement, report.text = fact.restatement, fact.text

    def _on_invited(self, fact: Invited) -> None:
        order = self.orders[fact.order_id]
        assert order.live
        order.state, order.text = State.CANCELED, FIRM_UP
        self.invitations.invite(
            Invitation(fact.firm_up_id, order.session, order.order_id, fact.at_ns, fact.deadline_ns)
        )
        report = self._report(order, ReportKind.CANCELED, fact.at_ns, fact.report_at_ns)
        report.terms = replace(order.terms, price=fact.price)
        report.firm_up_id, report.deadline_ns = fact.firm_up_id, fact.deadline_ns

    def _on_cancel_accepted(self, fact: CancelAccepted) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, CancelReceived)
        order = self.orders[fact.order_id]
        assert order.live
        order.state = State.CANCELED
        self.client(fact.session).ids[command.cl_ord_id] = order.order_id
        report = self._report(order, ReportKind.CANCELED, fact.at_ns, fact.report_at_ns)
        # Only this report goes by the request's id; a status later goes by the order's own.
        report.terms = replace(order.terms, cl_ord_id=command.cl_ord_id)
        report.orig_cl_ord_id = command.orig_cl_ord_id

    def _on_replaced(self, fact: Replaced) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, ReplaceReceived)
        order = self.orders[fact.order_id]
        assert order.live
        assert fact.terms.quantity >= order.cum_quantity
        self.client(order.session).ids[command.cl_ord_id] = order.order_id
        # From now on it goes by the id of the request.
        order.terms = replace(fact.terms, cl_ord_id=command.cl_ord_id)
        if not fact.kept_priority:
            self._to_back(order)
        if order.cum_quantity == order.terms.quantity:
            order.state = State.FILLED
        report = self._report(order, ReportKind.REPLACED, fact.at_ns, fact.report_at_ns)
        report.orig_cl_ord_id = command.orig_cl_ord_id

    def _on_refused(self, fact: RequestRefused) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, CancelReceived | ReplaceReceived)
        self.client(fact.session).ids.setdefault(command.cl_ord_id, fact.order_id)
        order = self.orders.get(fact.order_id)
        if order is None:
            order = self._no_order(fact.session, command.cl_ord_id, command.symbol)
        cancel = isinstance(command, CancelReceived)
        kind = ReportKind.CANCEL_REFUSED if cancel else ReportKind.REPLACE_REFUSED
        report = self._report(order, kind, fact.at_ns, fact.report_at_ns)
        report.terms = replace(order.terms, cl_ord_id=command.cl_ord_id)
        report.orig_cl_ord_id = command.orig_cl_ord_id
        report.reason, report.text = fact.reason, fact.text

    def _on_status(self, fact: StatusAnswered) -> None:
        command = self._answered(fact.session)
        assert isinstance(command, StatusReceived | OrderReceived)
        status_id = command.status_id if isinstance(command, StatusReceived) else ""
        order, kind = self.orders.get(fact.order_id), ReportKind.STATUS
        if order is None:
            assert isinstance(command, StatusReceived)
            order = self._no_order(
                fact.session, command.cl_ord_id, command.symbol, command.capacity
            )
            order.reason, order.text = Reason.UNKNOWN_ORDER, "O: unknown order"
            kind = ReportKind.UNKNOWN
        report = self._report(order, kind, fact.at_ns, fact.report_at_ns)
        report.status_id = status_id
        if order.live:
            report.state = self.faults.pending.get(order.order_id, order.state)

    def _on_latent(self, fact: LatentTraded) -> None:
        self.latent[fact.name] = self.latent.get(fact.name, 0) + fact.quantity

    def _on_halted(self, fact: TradingHalted) -> None:
        self.bands.pop(fact.symbol, None)
        self.halted[fact.symbol] = fact.reason
        self.resumes.pop(fact.symbol, None)
        if fact.resumes_ns:
            self.resumes[fact.symbol] = fact.resumes_ns

    def _on_limited(self, fact: LimitStateEntered) -> None:
        self.bands[fact.symbol] = Bands(fact.low, fact.high, fact.pauses_ns)

    def _on_resumed(self, fact: TradingResumed) -> None:
        for table in (self.halted, self.resumes, self.bands):
            table.pop(fact.symbol, None)

    def _on_phase(self, fact: PhaseChanged) -> None:
        if self.phase is Phase.CLOSED and fact.phase is not Phase.CLOSED:
            self._begin_day()
        self.phase, self.phase_ns = fact.phase, fact.at_ns

    def _begin_day(self) -> None:
        """ClOrdIDs are unique for a trading day (decisions.md). What nobody may ask about any more
        is forgotten: orders of the day before the last."""
        known: set[str] = set()
        for client in self.clients.values():
            client.ids_before, client.ids = client.ids, {}
            known.update(client.ids_before.values())
        self.orders = {name: order for name, order in self.orders.items() if name in known}
        self.faults.keep(known)

    # --- internals ------------------------------------------------------------------------

    def _answered(self, session: str) -> Command:
        """The command that a fact answers: always the oldest, and each only once."""
        return self.client(session).inbound.popleft()

    def _add(self, session: str, order_id: str, terms: Terms, state: State) -> VenueOrder:
        assert order_id not in self.orders
        self.order_count += 1
        self.sequence += 1
        order = VenueOrder(order_id, session, terms, state, self.sequence)
        self.orders[order_id] = order
        ids = self.client(session).ids
        assert terms.cl_ord_id not in ids
        ids[terms.cl_ord_id] = order_id
        return order

    def _no_order(
        self, session: str, cl_ord_id: str, symbol: str, capacity: Capacity = Capacity.BUY
    ) -> VenueOrder:
        """What a report is about where there is no order: what the client asked about, nothing
        more."""
        terms = Terms(cl_ord_id, symbol, capacity, OrdType.MARKET, 0)
        return VenueOrder(NO_ORDER, session, terms, State.REJECTED, 0)

    def _to_back(self, order: VenueOrder) -> None:
        self.sequence += 1
        order.sequence = self.sequence

    def _report(self, order: VenueOrder, kind: ReportKind, at_ns: int, due_ns: int) -> Report:
        """Queue a report: the order as it is now."""
        client = self.client(order.session)
        client.reported += 1
        client.last_out_ns = max(client.last_out_ns, due_ns)
        exec_id = self.next_exec_id(at_ns)
        self.exec_count += 1
        report = Report(
            number=client.reported,
            due_ns=client.last_out_ns,
            at_ns=at_ns,
            kind=kind,
            terms=order.terms,
            order_id=order.order_id,
            exec_id=exec_id,
            state=order.state,
            cum_quantity=order.cum_quantity,
            leaves=order.leaves,
            cum_value_micros=order.cum_value_micros,
            reason=order.reason,
            text=order.text,
        )
        client.outbox.append(report)
        return report
