"""What the operator is shown of doubts, and what his word does (recovery.md 3.5)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from sor_gateway.config import Configuration
from sor_gateway.daemon.doubts import refusal
from sor_gateway.daemon.operations import EngineOperations
from sor_gateway.doubts import render
from sor_gateway.journal.counters import JournalCounters
from sor_gateway.sor.events import ChildResolved, ChildStatusReported
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ChildState
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import MILLISECOND, Table, configuration, loaded
from tests.daemon.trader import fills
from tests.sor.script import Script, dark, settings

__all__ = ["configuration", "loaded"]


class Operated(Table):
    """A desk and its operator. The venue answers no status request."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.operations = self.operator()
        self.dark.unanswered_status = True

    def operator(self) -> EngineOperations:
        counters, configuration = JournalCounters(), self.configuration
        return EngineOperations(self.engine, configuration, counters, lambda: self.now, dict)

    def doubts(self) -> dict[str, Any]:
        return self.operations.doubts()

    def stuck(self) -> str:
        """A child whose line was cut before its order arrived: nobody knows."""
        child_id = self.unsent().child_id
        self.operations = self.operator()
        self.connect(*("dark-a", "exchange", "exchange-md", "EMS"))
        self.run(100, 100 * MILLISECOND)
        return child_id


@pytest.fixture
def table(configuration: Configuration) -> Operated:
    return Operated(configuration)


def text_of(answer: dict[str, Any]) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(*render(answer), sep="\n")
    return out.getvalue()


class TestList:
    def test_says_who_where_since_when_why_and_what_was_tried(self, table: Operated) -> None:
        child_id = table.stuck()
        row = table.doubts()["children"][0]
        assert (row["child"], row["parent"], row["venue"]) == (child_id, "P000000001", "dark-a")
        assert (row["in_doubt"], row["filled"], row["client"]) == (1_000, 0, "EMS")
        assert row["reason"] == "its order message was voided"
        assert 9_000 <= row["age_ms"] <= 11_000
        assert row["tried"].endswith("status requests")
        assert "voided" in text_of(table.doubts())

    def test_is_empty_in_good_weather(self, table: Operated) -> None:
        table.rest()
        answer = table.doubts()
        assert answer["children"] == answer["requests"] == []
        assert {each["reason"] for each in answer["venues"]} == {"its session is down"}
        nothing: dict[str, object] = {"halts": {}}
        nothing |= {key: [] for key in ("children", "requests", "venues", "disputes")}
        assert text_of(nothing).strip() == "nothing is in doubt"

    def test_a_request_that_waits_is_named_with_its_children(self, table: Operated) -> None:
        child_id = table.stuck()
        table.cancel("X1", "A1")
        table.run(100, 100 * MILLISECOND)
        row = table.doubts()["requests"][0]
        assert (row["request"], row["kind"], row["waits_for"]) == ("X1", "cancel", [child_id])
        assert "request-waits" in table.alarms()
        assert "request-overdue" in table.alarms()

    def test_an_old_doubt_makes_the_gateway_unready(self, table: Operated) -> None:
        table.stuck()
        table.run(40, SECOND)
        assert any("in doubt, the oldest for" in each for each in table.operations.readiness())


class TestWord:
    def test_dead_lets_the_order_go_on(self, table: Operated) -> None:
        child_id = table.stuck()
        assert table.operations.resolve(child_id, None, 0, "their desk: never came") == ""
        table.run(60, 100 * MILLISECOND)
        assert table.child.state is ChildState.RELEASED
        assert table.told() == 1_000
        assert table.doubts()["children"] == []
        assert table.child.flight is None
        table.assert_fold_is_live()
        table.crash()
        assert table.child.state is ChildState.RELEASED, "it stands in the journal"

    def test_filled_is_told_to_the_client(self, table: Operated) -> None:
        child_id = table.stuck()
        assert table.operations.resolve(child_id, 400, 49_990_000, "by telephone") == ""
        table.run(60, 100 * MILLISECOND)
        assert (table.child.state, table.child.cum_quantity) == (ChildState.CANCELED, 400)
        assert table.told() == 1_000
        assert "child-resolved" in table.alarms()

    @pytest.mark.parametrize("filled", [1_001, -1])
    def test_more_than_was_ordered_is_refused(self, table: Operated, filled: int) -> None:
        child_id = table.stuck()
        assert "filled: expected 0" in table.operations.resolve(child_id, filled, 0, "x")

    def test_of_what_is_not_in_doubt_is_refused(self, table: Operated) -> None:
        child_id = table.rest().child_id
        assert "is not in doubt" in table.operations.resolve(child_id, None, 0, "x")
        table.dark.execute(table.venue, child_id, 1_000, table.now)
        table.run(3)
        assert "nothing is in doubt" in table.operations.resolve(child_id, None, 0, "x")
        with pytest.raises(KeyError):
            table.operations.resolve("C9", None, 0, "x")


class TestStuckCancel:
    """The venue says that our cancel is pending, again and again: nothing is in doubt, nothing
    moves, and only a telephone helps."""

    def test_may_be_ended_once_it_is_an_incident(self) -> None:
        dark_only = StrategySettings(
            "d", use_lit=False, dark_quantity=500, dark_box_ns=600 * SECOND
        )
        made = Script(settings(dark("a"), strategy=dark_only))
        made.submit(quantity=500)
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        made.cancel()
        asked = 0
        while "cancel-stuck" not in made.alarms():
            assert refusal(made.router, child_id, 0), "its venue still says what becomes of it"
            made.wait(SECOND)
            for ask in made.asks()[asked:]:
                answer = (made.now, "a", child_id, ask.request_id, True, True)
                made.step(ChildStatusReported(*answer, cancel_pending=True))
            asked = len(made.asks())
        assert refusal(made.router, child_id, 0) == ""
        made.step(ChildResolved(made.now, child_id, 0, "their desk: gone"))
        assert made.router.state.open_parents == {}
        assert made.router.state.children[child_id].flight is None


class TestDisputes:
    """A client denies an execution (35=Q): flagged and alarmed, nothing reversed by itself."""

    def deny(self, table: Operated) -> str:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.run(3)
        exec_id = next(iter(fills(table.client)))
        fields = [(37, table.parent.parent_id), (17, exec_id), (127, "Z"), (55, "ACME"), (54, "2")]
        table.client.send("Q", [*fields, (58, "not in our books")], table.now)
        table.run(3)
        return exec_id

    def test_it_is_with_what_is_in_doubt_until_it_is_settled(self, table: Operated) -> None:
        exec_id = self.deny(table)
        (row,) = table.doubts()["disputes"]
        assert (row["client"], row["exec"]) == ("EMS", exec_id)
        assert (row["parent"], row["reason"]) == ("P000000001", "other: not in our books")
        assert "not in our books" in text_of(table.doubts())
        assert "execution-disputed" in table.alarms()
        assert table.parent.cum_quantity == 300, "the venue stands by it"
        assert [each.msg_type for each in table.client.received if each.msg_type == "j"] == []
        table.operations.settle("EMS", exec_id, "their desk found it")
        table.run(3)
        assert table.doubts()["disputes"] == []
        with pytest.raises(KeyError):
            table.operations.settle("EMS", exec_id, "again")
        table.assert_fold_is_live()

    def test_it_outlives_a_crash_and_ends_with_a_bust(self, table: Operated) -> None:
        self.deny(table)
        table.crash()
        table.operations = table.operator()
        assert len(table.doubts()["disputes"]) == 1
        table.connect(*("dark-a", "exchange", "exchange-md", "EMS"))
        table.run(20)
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        assert table.doubts()["disputes"] == []


class TestQuarantine:
    def test_a_venue_is_taken_out_and_let_in(self, table: Operated) -> None:
        table.operations.quarantine("dark-a", True, "strange prices")
        table.run(2)
        assert any("strange prices" in each for each in table.operations.readiness())
        venues = {each["venue"]: each["reason"] for each in table.doubts()["venues"]}
        assert venues["dark-a"] == "in quarantine: strange prices"
        assert table.operations.metrics().venues[0].barred
        table.operations.quarantine("dark-a", False, "mended")
        table.run(2)
        assert not table.operations.metrics().venues[0].barred
        with pytest.raises(KeyError):
            table.operations.quarantine("lunar", True, "x")
