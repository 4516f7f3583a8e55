"""What trades at a venue that does not tell it unasked: it is asked at each logon, and no order
goes there before its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.config.reader import ConfigError
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import MILLISECOND, Table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def configuration() -> Configuration:
    loaded = load(ROOT / "config", {})
    for connection in loaded.venues:
        connection.trading_status = "orders" if connection.name == "dark-a" else "unasked"
    return loaded


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


def orders_at(table: Table) -> int:
    return [kind for kind, _ in table.dark.received].count("D")


class TestAskedAtLogon:
    def test_each_symbol_and_the_session_with_their_changes(self, table: Table) -> None:
        asked = [each for each in table.venue.received if each.msg_type in ("e", "g")]
        symbols = [each[55] for each in asked if each.msg_type == "e"]
        assert symbols == table.configuration.venues[0].symbols
        assert asked[-1].msg_type == "g", "its answer stands behind all others"
        assert {each[263] for each in asked} == {"1"}
        assert not table.engine.router.state.venues["dark-a"].barred

    def test_a_halt_that_began_while_we_were_away_is_known_before_the_first_order(
        self, table: Table
    ) -> None:
        table.cut("dark-a", "exchange")
        table.order()
        table.run(5)
        table.dark.halted.add("ACME")
        table.connect("dark-a")
        table.run(100, 100 * MILLISECOND)
        assert orders_at(table) == 0
        assert "symbol-halted" in table.alarms()
        table.assert_fold_is_live()

    def test_nothing_leaves_before_the_answer(self, table: Table) -> None:
        table.cut("dark-a", "exchange")
        table.dark.tells_trading = False
        table.order()
        table.connect("dark-a")
        table.run(60, SECOND)
        venue = table.engine.router.state.venues["dark-a"]
        assert venue.is_open
        assert "not told yet" in venue.barred
        assert orders_at(table) == 0
        table.venue.send("h", [(335, "T1"), (336, "DAY"), (340, "2")], table.now)
        table.run(5)
        assert orders_at(table) == 1

    def test_a_venue_that_refuses_to_tell_is_taken_for_open(self, table: Table) -> None:
        table.cut("dark-a", "exchange")
        table.dark.tells_trading = None
        table.order()
        table.connect("dark-a")
        table.run(20)
        assert orders_at(table) == 1

    def test_questions_are_never_sent_again(self, table: Table) -> None:
        before = len(table.sent("dark-a", "g"))
        table.cut("dark-a")
        table.venue.session.numbers.next_in -= 2
        table.connect("dark-a")
        table.run(20)
        questions = [each for each in table.venue.received if each.msg_type in ("e", "g")]
        assert {each.get(43) for each in questions} == {None}
        assert len(table.sent("dark-a", "g")) == before + 1

    def test_a_gap_may_have_been_a_halt(self, table: Table) -> None:
        before = len(table.sent("dark-a", "g"))
        table.venue.session.numbers.next_out += 1
        table.venue.withholds = lambda _: True
        table.venue.send("h", [(336, "DAY"), (340, "2")], table.now)
        table.run(20)
        assert len(table.sent("dark-a", "g")) == before + 1

    def test_who_tells_unasked_is_not_asked(self, table: Table) -> None:
        assert not table.sent("exchange", "g")


class TestOnTheQuotes:
    def test_a_venue_can_be_asked_there(self, configuration: Configuration) -> None:
        for connection in configuration.venues:
            if connection.name == "exchange":
                connection.trading_status = "quotes"
        table = Table(configuration)
        asked = [each.msg_type for each in table.peers["exchange-md"].received]
        assert asked[-1] == "g"
        assert "not told yet" in table.engine.router.state.venues["exchange"].barred
        table.peers["exchange-md"].send("h", [(335, "T1"), (336, "DAY"), (340, "2")], table.now)
        table.run(5)
        assert not table.engine.router.state.venues["exchange"].barred

    def test_one_without_such_a_session_cannot(self) -> None:
        environ = {"SOR__VENUES__DARK_A__TRADING_STATUS": "quotes"}
        with pytest.raises(ConfigError, match="there is no such session to ask"):
            load(ROOT / "config", environ)


def test_a_line_that_goes_takes_the_answer_with_it(table: Table) -> None:
    table.dark.halted.add("ACME")
    table.cut("dark-a")
    table.connect("dark-a")
    table.run(20)
    assert table.engine.router.state.halted["ACME"]
    table.cut("dark-a")
    table.run(2)
    assert not table.engine.router.state.halted
