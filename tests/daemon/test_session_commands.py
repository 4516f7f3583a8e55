"""What operators do to sessions, and what follows for the orders on them (recovery.md 2, 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.operations import EngineOperations
from sor_gateway.daemon.recovery import fact_codec
from sor_gateway.fix.states import State
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.counters import JournalCounters
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import Table, kinds
from tests.daemon.trader import fills, reports

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(ROOT / "config", {})


@pytest.fixture
def table(loaded: Configuration) -> Table:
    return Table(loaded)


def do(table: Table, session: str, action: str, reason: str = "a drill", **numbers: int) -> str:
    """Ask as the admin port does, and let a turn pass."""
    operations = EngineOperations(
        table.engine, table.configuration, JournalCounters(), lambda: table.now, dict
    )
    refused = operations.operate(session, action, reason, numbers)
    table.turn()
    return refused


def operated(table: Table) -> list[SessionOperated]:
    """The commands that stand in the journal."""
    facts = [fact_codec().decode(pair) for each in table.journal.records() for pair in each.facts]
    return [fact for fact in facts if isinstance(fact, SessionOperated)]


class TestDisable:
    def test_ends_the_session_and_lasts_over_restarts_until_enable(self, table: Table) -> None:
        assert do(table, "dark-a", "disable", "venue drill") == ""
        table.run(5)
        assert table.engine.links["dark-a"].session.state is State.DISCONNECTED
        assert not table.engine.router.state.venues["dark-a"].is_open
        assert b"58=operator: venue drill" in table.sent("dark-a", "5")[0]
        table.crash()
        assert table.engine.links["dark-a"].disabled == "venue drill"
        assert do(table, "dark-a", "disable") == "dark-a is disabled already: venue drill"
        assert do(table, "dark-a", "enable", "drill over") == ""
        table.crash()
        assert table.engine.links["dark-a"].disabled == ""
        assert [(fact.action, fact.reason) for fact in operated(table)] == [
            ("disable", "venue drill"),
            ("enable", "drill over"),
        ]

    def test_lasts_over_a_snapshot(self, loaded: Configuration) -> None:
        table = Table(loaded, segment_messages=20)
        do(table, "dark-a", "disable", "venue drill")
        for number in range(10):
            table.order(f"A{number}", 100)
            table.run(5)
        assert len(table.storage.segments) > 1
        table.crash()
        assert table.engine.links["dark-a"].disabled == "venue drill"

    def test_orders_there_stay_counted(self, table: Table) -> None:
        child = table.rest()
        do(table, "dark-a", "disable")
        table.run(5)
        assert child.flight is not None
        assert table.engine.router.open_children() == 1
        do(table, "dark-a", "enable")
        table.end_well()

    def test_makes_the_gateway_not_ready_and_says_why(self, table: Table) -> None:
        do(table, "dark-a", "disable", "venue drill")
        operations = EngineOperations(
            table.engine, table.configuration, JournalCounters(), lambda: table.now, dict
        )
        assert "session dark-a is disabled: venue drill" in operations.readiness()
        assert {row["session"]: row["state"] for row in operations.sessions()}[
            "dark-a"
        ] == "disabled"


class TestDisconnect:
    def test_logs_out_with_the_reason_and_the_peer_may_come_back(self, table: Table) -> None:
        assert do(table, "EMS", "disconnect", "please log on anew") == ""
        table.run(5)
        assert not table.client.connected
        assert b"58=operator: please log on anew" in table.sent("EMS", "5")[0]
        assert do(table, "EMS", "disconnect") == "EMS is not connected"
        table.connect("EMS")
        table.run(10)
        assert table.engine.links["EMS"].session.synchronised

    def test_a_reason_in_any_script_can_be_sent(self, table: Table) -> None:
        assert do(table, "EMS", "disconnect", "Wartung – 保守") == ""
        table.run(5)
        assert not table.client.connected


class TestTestRequest:
    def test_is_answered_by_a_peer_that_lives(self, table: Table) -> None:
        before = len(table.sent("dark-a", "1"))
        assert do(table, "dark-a", "test-request") == ""
        table.run(5)
        assert len(table.sent("dark-a", "1")) == before + 1
        assert table.engine.links["dark-a"].session.synchronised

    def test_ends_a_line_on_which_nobody_answers(self, table: Table) -> None:
        assert do(table, "dark-a", "test-request") == ""
        table.alone(11 * SECOND)
        assert not table.engine.links["dark-a"].session.logged_on

    def test_needs_a_session(self, table: Table) -> None:
        table.cut("dark-a")
        table.run(2)
        refused = do(table, "dark-a", "test-request")
        assert refused == "dark-a is not logged on (disconnected); wait until it is"


class TestResendRequest:
    def test_asks_from_the_number_on_and_books_nothing_twice(self, table: Table) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.run(5)
        assert do(table, "dark-a", "resend-request", begin=1) == ""
        table.run(10)
        assert b"7=1\x0116=0\x01" in table.sent("dark-a", "2")[-1]
        assert table.parent.cum_quantity == 300
        assert sum(int(each[32]) for each in fills(table.client).values()) == 300
        assert table.engine.links["dark-a"].session.synchronised

    def test_only_what_is_behind_can_be_asked_for(self, table: Table) -> None:
        refused = do(table, "dark-a", "resend-request", begin=1_000)
        assert "ask from one of them on" in refused


class TestSetNumbers:
    def test_needs_a_session_that_is_disabled_and_closed(self, table: Table) -> None:
        refused = do(table, "dark-a", "set-numbers", next_in=5, next_out=5)
        assert "sor-gateway session dark-a disable" in refused
        table.cut("dark-a")
        table.run(2)
        assert do(table, "dark-a", "set-numbers", next_in=5, next_out=5) == refused

    def test_lower_ones_begin_an_epoch_and_put_children_in_doubt(self, table: Table) -> None:
        child = table.rest()
        do(table, "dark-a", "disable")
        table.run(5)
        epoch = table.engine.links["dark-a"].session.numbers.epoch
        assert do(table, "dark-a", "set-numbers", "they lost it", next_in=1, next_out=1) == ""
        assert table.engine.links["dark-a"].session.numbers == Numbers(epoch + 1)
        assert child.flight is not None
        assert child.flight.doubt is not None
        table.assert_fold_is_live()
        table.crash()
        assert table.engine.links["dark-a"].session.numbers == Numbers(epoch + 1)
        table.venue.restart(Numbers(), 1)
        do(table, "dark-a", "enable")
        table.end_well()

    def test_higher_inbound_ones_are_a_gap_and_put_children_in_doubt(self, table: Table) -> None:
        """The report that the venue could not repeat is asked about instead."""
        child = table.rest()
        table.cut("dark-a")
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        do(table, "dark-a", "disable")
        numbers = table.engine.links["dark-a"].session.numbers
        next_in = numbers.next_in
        refused = do(table, "dark-a", "set-numbers", next_in=next_in + 2, next_out=numbers.next_out)
        assert refused == ""
        assert numbers.skipped[-1] == (next_in, next_in + 1)
        assert child.flight is not None
        assert child.flight.doubt is not None
        table.assert_fold_is_live()
        fresh = Numbers(1, table.venue.session.numbers.next_in, next_in + 2)
        table.venue.restart(fresh, next_in)
        do(table, "dark-a", "enable")
        table.end_well()
        assert table.parent.cum_quantity >= 300

    def test_the_same_numbers_doubt_nobody(self, table: Table) -> None:
        child = table.rest()
        do(table, "dark-a", "disable")
        table.run(5)
        numbers = table.engine.links["dark-a"].session.numbers
        next_in, next_out = numbers.next_in, numbers.next_out
        assert do(table, "dark-a", "set-numbers", next_in=next_in, next_out=next_out) == ""
        assert child.flight is not None
        assert child.flight.doubt is None

    def test_a_clients_reports_go_out_again_in_the_new_epoch_marked(self, table: Table) -> None:
        """97=Y and the same ExecID: recovery.md 4.1."""
        table.order("A1", 100)
        table.now += 1_000_000
        table.client.turn(table.now)
        table.turn()
        table.turn()  # orders first, then reports
        table.cut("EMS")
        table.run(3)
        do(table, "EMS", "disable")
        assert do(table, "EMS", "set-numbers", next_in=1, next_out=1) == ""
        table.client.restart(Numbers(), 1)
        do(table, "EMS", "enable")
        table.connect("EMS")
        table.run(20)
        assert kinds(table, "A1")[0] == "0"
        assert reports(table.client)[0].get(97) == "Y"
        table.assert_fold_is_live()

    def test_market_data_needs_no_force(self, table: Table) -> None:
        refused = do(table, "exchange-md", "set-numbers", next_in=1, next_out=1)
        assert "starts anew at each logon" in refused


class TestRecord:
    def test_every_command_stands_in_the_journal_with_its_reason(self, table: Table) -> None:
        for action in ("test-request", "disconnect", "disable"):
            do(table, "EMS", action, f"because of {action}")
            table.run(3)
            table.connect("EMS")
            table.run(10)
        assert [(fact.session, fact.action, fact.reason) for fact in operated(table)] == [
            ("EMS", action, f"because of {action}")
            for action in ("test-request", "disconnect", "disable")
        ]

    def test_what_became_impossible_before_its_turn_is_not_done(self, table: Table) -> None:
        """The session went in the very turn that the command was to be carried out in."""
        operations = EngineOperations(
            table.engine, table.configuration, JournalCounters(), lambda: table.now, dict
        )
        assert operations.operate("dark-a", "test-request", "there?", {}) == ""
        table.cut("dark-a")
        table.turn()
        assert operated(table) == []
        assert "command-refused" in [name for name, _ in table.log]
