"""What venues do wrong, from their bytes to the client's: each test is a line of venues.md 3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sor_gateway.config import Configuration
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.desk import SECOND, Peer
from tests.daemon.test_recovery_rules import MILLISECOND, Table, configuration, loaded
from tests.daemon.trader import fills, reports
from tests.daemon.venue import Quotes

__all__ = ["configuration", "loaded"]


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


def last(table: Table) -> Message:
    return reports(table.client)[-1]


class TestBustsAndCorrections:
    """F6."""

    def fill(self, table: Table, shares: int) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, shares, table.now)
        table.run(3)

    def test_a_bust_reaches_the_client_by_the_exec_id_that_it_knows(self, table: Table) -> None:
        self.fill(table, 300)
        told = next(iter(fills(table.client)))
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        report = last(table)
        assert (report[150], report[19], report[39]) == ("H", told, "0")
        assert (report[14], report[151], report[32]) == ("0", "1000", "300")
        assert "trade-busted" in table.alarms()
        assert table.parent.cum_quantity == 0
        table.assert_fold_is_live()

    def test_a_correction_too(self, table: Table) -> None:
        self.fill(table, 300)
        table.dark.revise(table.venue, "F1", 300, table.now, price="49.90")
        table.run(3)
        report = last(table)
        assert (report[150], report[31], report[6]) == ("G", "49.9", "49.9")
        assert table.parent.cum_value_micros == 300 * 49_900_000

    def test_a_client_of_fix_42_is_told_in_its_words(self, configuration: Configuration) -> None:
        table = Table(configuration)
        table.connect("EMS42")
        table.run(10)
        old = table.peers["EMS42"]
        body = [(11, "A1"), (21, "1"), (55, "ACME"), (54, "2"), (38, "1000"), (40, "2")]
        old.send("D", [*body, (44, "49"), (59, "0"), (60, stamp(table))], table.now)
        table.run(5)
        table.dark.execute(table.venue, table.child.child_id, 300, table.now)
        table.run(3)
        told = next(iter(fills(old)))
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        report = reports(old)[-1]
        assert (report[20], report[19], report[150], report[39]) == ("1", told, "0", "0")

    def test_after_a_crash_the_bust_is_still_one(self, table: Table) -> None:
        self.fill(table, 300)
        table.crash()
        table.connect(*("dark-a", "exchange", "exchange-md", "EMS"))
        table.run(20)
        table.dark.revise(table.venue, "F1", 0, table.now)
        table.run(3)
        assert last(table)[150] == "H"
        table.assert_fold_is_live()


class TestImpossibleExecutions:
    """F22."""

    def fill(self, table: Table, **tags: str) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        order.cum = 100
        more = [(32, "100"), (31, tags.pop("price", "50.00")), (30, "XVEN"), (851, "2")]
        table.dark.say(table.venue, order, "F", table.now, more, **tags)
        table.run(3)

    def denials(self, table: Table) -> list[Message]:
        return [message for message in table.venue.received if message.msg_type == "Q"]

    def test_beyond_the_limit(self, table: Table) -> None:
        self.fill(table, price="48.00")
        denial = self.denials(table)[0]
        assert (denial[127], denial[31], denial[32]) == ("E", "48", "100")
        assert {"execution-denied", "venue-quarantined"} <= set(table.alarms())
        assert last(table)[31] == "48", "told truly"

    def test_the_wrong_side_is_asked_about_and_not_told(self, table: Table) -> None:
        table.dark.unanswered_status = True
        self.fill(table, t54="1")
        assert [denial[127] for denial in self.denials(table)] == ["B"]
        assert fills(table.client) == {}
        table.dark.unanswered_status = False
        table.run(100, 100 * MILLISECOND)
        assert table.parent.cum_quantity >= 100, "the total of the order itself is believed"

    def test_a_venue_in_quarantine_gets_nothing_until_the_operator_says_so(
        self, table: Table
    ) -> None:
        self.fill(table, price="48.00")
        before = len(table.dark.orders)
        table.order("A2")
        table.run(20, 100 * MILLISECOND)
        assert len(table.dark.orders) == before


class TestConditions:
    """F15 to F17, as a venue writes them."""

    @pytest.mark.parametrize("session", ["exchange", "exchange-md"])
    def test_a_halt_on_either_session(self, table: Table, session: str) -> None:
        halt = [(55, "ACME"), (326, "2"), (327, "P"), (60, stamp(table))]
        table.peers[session].send("f", halt, table.now)
        table.run(3)
        table.order()
        table.run(60, 100 * MILLISECOND)
        assert not table.lit.orders
        table.peers[session].send("f", [(55, "ACME"), (326, "3")], table.now)
        table.run(30, 100 * MILLISECOND)
        assert table.lit.orders
        assert {"symbol-halted", "symbol-resumed"} <= set(table.alarms())
        table.assert_fold_is_live()

    def test_one_told_with_the_quotes_outlives_the_order_session(self, table: Table) -> None:
        halt = [(55, "ACME"), (326, "2"), (327, "P"), (60, stamp(table))]
        table.peers["exchange-md"].send("f", halt, table.now)
        table.run(3)
        table.cut("exchange")
        table.run(3)
        table.connect("exchange")
        table.run(20)
        table.order()
        table.run(60, 100 * MILLISECOND)
        assert not table.lit.orders
        table.cut("exchange-md")
        table.run(3)
        assert not table.engine.router.state.halted
        table.connect("exchange-md")
        table.run(30, 100 * MILLISECOND)
        assert table.lit.orders
        table.assert_fold_is_live()

    def test_a_halt_that_ended_while_we_were_away_is_over(self, table: Table) -> None:
        """On the next connection the venue tells what is not as usual, and nothing else."""
        halt = [(55, "ACME"), (326, "2"), (327, "P"), (60, stamp(table))]
        table.peers["exchange"].send("f", halt, table.now)
        table.run(3)
        table.crash()
        table.connect(*("dark-a", "exchange", "exchange-md", "EMS"))
        table.run(20)
        assert not table.engine.router.state.halted
        table.assert_fold_is_live()

    def test_a_session_that_closes(self, table: Table) -> None:
        table.peers["exchange"].send("h", [(336, "1"), (340, "3")], table.now)
        table.run(3)
        table.order()
        table.run(60, 100 * MILLISECOND)
        assert not table.lit.orders


class TestMarketData:
    """F19."""

    def books(self, table: Table) -> list[str]:
        market = table.engine.router.market
        return [venue for venue, book in market.fresh("ACME", table.now) if book.asks]

    def requests(self, table: Table) -> int:
        return sum(each.msg_type == "V" for each in table.peers["exchange-md"].received)

    def test_a_crossed_book_is_none(self, table: Table) -> None:
        peer = table.peers["exchange-md"]
        request = [each for each in peer.received if each.msg_type == "V"][-1][262]
        entries = [(269, "0"), (270, "50.05"), (271, "100"), (269, "1"), (270, "50.02")]
        peer.send("W", [(262, request), (55, "ACME"), (268, "2"), *entries, (271, "9")], table.now)
        table.run(2)
        assert self.books(table) == []
        table.run(20, 100 * MILLISECOND)
        assert self.books(table) == ["exchange"], "the next whole book counts again"

    def test_a_gap_is_followed_by_a_new_request(self, table: Table) -> None:
        table.run(60, 100 * MILLISECOND)
        before = self.requests(table)
        peer = table.peers["exchange-md"]
        peer.session.numbers.next_out += 3  # three updates never come, and are gap-filled
        peer.withholds = lambda _: True
        table.run(30, 100 * MILLISECOND)
        assert self.requests(table) == before + 1
        assert self.books(table) == ["exchange"]

    def test_silence_is_followed_by_a_new_request(self, table: Table) -> None:
        peer = table.peers["exchange-md"]
        quotes = peer.on_message
        assert isinstance(quotes, Quotes)
        before = self.requests(table)
        peer.on_turn = lambda *_: None
        table.run(100, SECOND)
        assert before < self.requests(table) <= before + 20
        assert table.peers["exchange-md"].session.logged_on


class TestClocks:
    """F18."""

    @pytest.mark.parametrize("ahead", [True, False])
    def test_a_clock_that_is_wrong_is_told_once(self, table: Table, ahead: bool) -> None:
        late = 30 * SECOND if ahead else -30 * SECOND
        for _ in range(40):
            table.now += SECOND
            table.venue.turn(table.now + late)
            table.turn()
        assert [fields["session"] for event, fields in table.log if event == "clock-skew"] == [
            "dark-a"
        ]
        assert table.engine.counters.alarms["clock-skew"] == 1
        assert table.venue.session.logged_on


class TestFees:
    """F26."""

    def test_a_fee_that_differs_is_told_booked_and_counted(self, table: Table) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        order.cum = 100
        fee = [(136, "1"), (137, "9.5"), (138, "USD"), (139, "4")]
        more = [(32, "100"), (31, "50.00"), (851, "2"), *fee]
        table.dark.say(table.venue, order, "F", table.now, more)
        table.run(3)
        assert last(table)[137] == "9.5"
        assert table.alarms() == ["fee-surprise"]


class TestUnaskedCancels:
    """F7."""

    def test_what_is_left_goes_elsewhere(self, table: Table) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        table.dark.end(table.venue, order, table.now, t378="8", t58="V: as it pleases")
        table.run(60, 100 * MILLISECOND)
        assert "cancelled-unasked" in table.alarms()
        assert table.told() == 1_000
        assert table.engine.router.state.venues["dark-a"].fills.weight == 1.0


class TestRestatements:
    """150=D: the venue changes an order by itself."""

    def test_what_it_declines_goes_elsewhere(self, table: Table) -> None:
        child = table.rest()
        fields = [(37, "V1"), (11, child.child_id), (17, "D1"), (150, "D"), (39, "0"), (378, "5")]
        fields += [(55, "ACME"), (54, "1"), (38, "100"), (151, "100"), (14, "0"), (6, "0")]
        table.venue.send("8", fields, table.now)
        table.run(3)
        assert (child.quantity, child.leaves_quantity) == (100, 100)
        assert table.parent.exposure == sum(
            table.engine.router.state.children[each].leaves_quantity
            for each in table.parent.children
        )
        assert "child-restated" in table.alarms()
        table.assert_fold_is_live()


class TestSilence:
    """F8, F9: a venue that answers nothing leaves no parent without an alarm."""

    def mute(self, table: Table) -> None:
        def nothing(_peer: Peer, _message: Message, _now: int) -> None:
            """Not a word."""

        silent: Callable[[Peer, Message, int], None] = nothing
        table.venue.on_message = silent

    def test_an_order_is_asked_about_and_goes_nowhere_else(self, table: Table) -> None:
        self.mute(table)
        table.order()
        table.run(300, 100 * MILLISECOND)
        assert {"child-doubted", "status-repeated"} <= set(table.alarms())
        assert table.parent.exposure >= table.child.quantity
        assert len(table.sent("dark-a", "D")) == 1
        assert 3 <= len(table.sent("dark-a", "H")) <= 6

    def test_a_cancel_that_waits_is_alarmed_once(self, table: Table) -> None:
        table.rest()
        self.mute(table)
        table.cancel("X1", "A1")
        table.run(300, 100 * MILLISECOND)
        assert table.alarms().count("request-overdue") == 1
        assert last(table)[39] == "6"


def stamp(table: Table) -> str:
    """Now, as FIX writes it."""
    return utc_timestamp(table.now)
