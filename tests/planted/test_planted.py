"""Six bugs that lose or double money, each planted into the running machine: a named check finds
each, and finds nothing without it (recovery.md: "each rule is there because the simpler one loses
or doubles money")."""

from __future__ import annotations

import pytest

from sor_gateway.config import Configuration
from sor_gateway.daemon.engine import Engine
from sor_gateway.daemon.outbox import Outbox
from sor_gateway.journal.memory import MemoryJournal
from sor_gateway.journal.record import Entry
from sor_gateway.sor import router as router_module
from sor_gateway.sor.commands import Output
from sor_gateway.sor.events import ChildVoided
from sor_gateway.sor.executed import Executed
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Child, Parent
from sor_gateway.sor.settings import MassStatus
from sor_gateway.sor.types import ChildState, Shares
from tests.daemon.test_recovery_rules import (
    LINES,
    MILLISECOND,
    Table,
    configuration,
    loaded,
)
from tests.daemon.venue import NEVER

__all__ = ["configuration", "loaded"]
SECOND = 1_000 * MILLISECOND


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


class Killed(BaseException):
    """kill -9, at this very instant."""


# --- the checks -------------------------------------------------------------------------------


def check_no_order_executes_more_than_it_is(table: Table) -> None:
    """What venues really executed of each parent, against its quantity."""
    state = table.engine.router.state
    for parent in state.parents.values():
        executed = sum(
            venue.executed(child.child_id)
            for child in state.children.values()
            if child.parent_id == parent.parent_id
            for venue in (table.dark, table.lit)
        )
        assert executed <= parent.quantity, f"{parent.parent_id}: {executed} executed"


def check_every_order_at_a_venue_is_known_here(table: Table) -> None:
    """After a crash at any instant: a venue has no order that the journal does not have."""
    here = set(table.engine.router.state.children)
    there = set(table.dark.orders) | set(table.lit.orders)
    assert there <= here, f"{there - here} live there, and nobody here knows"


def check_no_order_reaches_a_venue_twice(table: Table) -> None:
    """Each order message is taken in once, whatever numbers begin anew."""
    for venue in (table.dark, table.lit):
        orders = [cl_ord_id for kind, cl_ord_id in venue.received if kind == "D"]
        assert len(orders) == len(set(orders)), f"{orders}"


def check_a_repetition_says_nothing(table: Table) -> None:
    """The same report again raises no alarm, asks no question, moves no total."""
    assert table.alarms() == []
    assert table.sent("dark-a", "H") == []
    assert table.parent.cum_quantity == table.told() == 300


def check_every_execution_reaches_the_client(table: Table) -> None:
    """What is booked is told."""
    booked = sum(parent.cum_quantity for parent in table.parents())
    assert booked > 0
    assert table.told() == booked


# --- a ResendRequest taken as proof -----------------------------------------------------------


def an_order_that_the_venue_queued(table: Table) -> None:
    """The venue misses the message before an order, keeps the order, asks for both so late that
    both are gap-filled, and executes what it kept (F28)."""
    table.dark.fill = NEVER
    table.lit.fill = NEVER
    for cl_ord_id in ("A1", "A2"):
        table.order(cl_ord_id)
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        if cl_ord_id == "A1":
            table.lose_line("dark-a")
    table.alone(11 * SECOND)
    table.run(60, 100 * MILLISECOND)
    assert table.dark.orders, "it executed what it had queued"


class TestAResendRequestTakenAsProof:
    """It asks for the order, so it does not have it: so its shares would be free."""

    def test_without_it(self, table: Table) -> None:
        an_order_that_the_venue_queued(table)
        check_no_order_executes_more_than_it_is(table)

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def free(ledger: Ledger, fact: ChildVoided) -> list[Output]:
            child = ledger.find_child(fact.venue, fact.child_id)
            assert child is not None
            return ledger.end(child, ChildState.RELEASED, fact.at_ns)

        monkeypatch.setitem(router_module.HANDLERS, ChildVoided, free)
        an_order_that_the_venue_queued(table)
        with pytest.raises(AssertionError, match="executed"):
            check_no_order_executes_more_than_it_is(table)


# --- no epoch ---------------------------------------------------------------------------------


def a_venue_that_begins_its_numbers_anew(table: Table) -> None:
    """It has orders and never said so; its session is reset; then messages to it are lost, and it
    asks for the same numbers as those orders had before."""
    table.configuration.router.venues["dark-a"].mass_status = MassStatus.NONE  # a question for each
    table.dark.manners.voiceless = 1.0
    table.dark.unanswered_status = True
    for number in range(4):
        table.order(f"A{number}")
        table.run(2)
    table.venue.session.reset(table.now)
    for _ in range(20):
        table.run(1)
        if b"35=H" in table.venue.from_gateway:
            table.lose_line("dark-a")
    table.run(60, 100 * MILLISECOND)


class TestNoEpoch:
    """A number alone says which message it was: so an old one is sent again as if it were meant."""

    def test_without_it(self, table: Table) -> None:
        a_venue_that_begins_its_numbers_anew(table)
        check_no_order_reaches_a_venue_twice(table)

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def of_any_epoch(
            journal: MemoryJournal, session: str, epoch: int, begin: int, end: int
        ) -> list[Entry]:
            found: dict[int, Entry] = {}
            for entry in (entry for record in journal.records() for entry in record.entries):
                if entry.outbound and entry.session == session and begin <= entry.number <= end:
                    found.setdefault(entry.number, entry)
            return [found[number] for number in sorted(found)]

        monkeypatch.setattr(MemoryJournal, "outbound", of_any_epoch)
        table.dark.takes_twice = True
        a_venue_that_begins_its_numbers_anew(table)
        with pytest.raises(AssertionError, match="C0"):
            check_no_order_reaches_a_venue_twice(table)


# --- ExecID dedup off -------------------------------------------------------------------------


def an_execution_that_is_told_three_times(table: Table) -> None:
    child_id = table.rest().child_id
    table.dark.execute(table.venue, child_id, 300, table.now)
    order = table.dark.orders[child_id]
    more = [(32, "300"), (31, order.price), (30, "XVEN"), (851, "2")]
    for _ in range(2):
        table.dark.say(table.venue, order, "F", table.now, more, t17="F1")
    table.run(3)


class TestExecIdDedupOff:
    """Every report is news."""

    def test_without_it(self, table: Table) -> None:
        an_execution_that_is_told_three_times(table)
        check_a_repetition_says_nothing(table)

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def forget(child: Child, exec_id: str, executed: Executed) -> None:
            """Nothing is remembered."""

        monkeypatch.setattr(Child, "remember", forget)
        an_execution_that_is_told_three_times(table)
        with pytest.raises(AssertionError):
            check_a_repetition_says_nothing(table)


# --- in-doubt quantity counted free -----------------------------------------------------------


def a_venue_that_is_silent_and_fills(table: Table) -> None:
    """It takes the order and fills it, and tells nobody; H is answered late."""
    table.dark.fill = NEVER
    table.dark.manners.voiceless = 1.0
    table.dark.unanswered_status = True
    table.lit.fill = NEVER
    table.order()
    table.run(100, 100 * MILLISECOND)
    table.dark.unanswered_status = False
    table.run(100, 100 * MILLISECOND)
    assert table.dark.executions


class TestInDoubtCountedFree:
    """What is not known to live is taken for dead."""

    def test_without_it(self, table: Table) -> None:
        a_venue_that_is_silent_and_fills(table)
        check_no_order_executes_more_than_it_is(table)

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def without_doubts(parent: Parent) -> Shares:
            children = table.engine.router.state.children
            flights = [(children[each], children[each].flight) for each in parent.children]
            sure = sum(
                child.leaves_quantity
                for child, flight in flights
                if flight is not None and flight.doubt is None
            )
            return parent.bound - parent.cum_quantity - sure

        monkeypatch.setattr(Parent, "available", property(without_doubts))
        a_venue_that_is_silent_and_fills(table)
        with pytest.raises(AssertionError, match="executed"):
            check_no_order_executes_more_than_it_is(table)


# --- socket before journal --------------------------------------------------------------------


def a_crash_at_the_write(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is killed at the instant at which the turn with an order would be recorded."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    table.order()
    table.now += MILLISECOND
    table.client.turn(table.now)
    with monkeypatch.context() as patch:
        patch.setattr(table.journal, "append", kill)
        with pytest.raises(Killed):
            table.turn()
    table.venue.turn(table.now)  # what had left, arrives
    table.crash()
    table.connect(*LINES)
    table.run(5)


class TestSocketBeforeJournal:
    """What left is not on record."""

    def test_without_it(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        a_crash_at_the_write(table, monkeypatch)
        check_every_order_at_a_venue_is_known_here(table)
        table.end_well()
        assert table.told() == 1_000, "the client's order came again, and was done"

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def sockets_first(engine: Engine, now: int) -> None:
            draft = engine._draft
            engine.reactor.flush([link.session for link in draft.touched.values()])
            engine._commit(now)
            engine._release(now)

        monkeypatch.setattr(Engine, "_finish", sockets_first)
        a_crash_at_the_write(table, monkeypatch)
        with pytest.raises(AssertionError, match="nobody here knows"):
            check_every_order_at_a_venue_is_known_here(table)


# --- outbox off -------------------------------------------------------------------------------


def a_client_that_forgets(table: Table) -> None:
    """It is away while its order is filled, and comes back with numbers that begin anew (F31)."""
    child_id = table.rest().child_id
    table.dark.execute(table.venue, child_id, 300, table.now)
    table.now += MILLISECOND
    table.venue.turn(table.now)
    table.turn()  # the report is numbered, and on the line when that goes
    table.cut("EMS")
    table.dark.execute(table.venue, child_id, 700, table.now)
    table.run(5)
    table.client.session.reset(table.now)
    table.connect("EMS")
    table.run(20)


class TestOutboxOff:
    """A report that was written is taken for one that was read."""

    def test_without_it(self, table: Table) -> None:
        a_client_that_forgets(table)
        check_every_execution_reaches_the_client(table)

    def test_is_found(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        def done(outbox: Outbox, exec_id: str, number: int) -> None:
            del outbox.waiting[exec_id], outbox.unnumbered[exec_id]

        monkeypatch.setattr(Outbox, "numbered", done)
        a_client_that_forgets(table)
        with pytest.raises(AssertionError):
            check_every_execution_reaches_the_client(table)
