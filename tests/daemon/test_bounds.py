"""What one peer may do to the others, on the desk: each bound reached, and nobody else hurt."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.config.settings import ClientSettings
from sor_gateway.daemon.congestion import CONGESTED_AFTER_NS
from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.daemon.throttle import Throttle
from sor_gateway.fix.codec import Framer, encode
from sor_gateway.fix.session import ADVANCE_CHUNK
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import Table, kinds
from tests.daemon.trader import reports

ROOT = Path(__file__).parents[2]
MILLISECOND = SECOND // 1_000


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(ROOT / "config", {})


def table_with(loaded: Configuration, **client: object) -> Table:
    """A desk whose client EMS is limited like this."""
    configuration = deepcopy(loaded)
    configuration.clients = {"EMS": ClientSettings(**client)}  # type: ignore[arg-type]
    return Table(configuration)


def client_link(table: Table) -> ClientLink:
    link = table.engine.links["EMS"]
    assert isinstance(link, ClientLink)
    return link


def is_congested(table: Table) -> bool:
    return table.engine.router.state.venues["dark-a"].is_congested


def order_again(number: int, now: int) -> bytes:
    """An order that claims to be a repetition."""
    stamp = utc_timestamp(now)
    header = [(34, str(number)), (43, "Y"), (49, "EMS"), (52, stamp), (56, "SOR"), (122, stamp)]
    body = [(11, f"G{number}"), (55, "ACME"), (54, "2"), (38, "100"), (40, "1"), (60, stamp)]
    return encode("FIX.4.4", "D", header, body)


def first_message(data: bytes) -> bytes:
    """The first whole message."""
    return Framer(8_192).feed(data)[0]


TEXT = "throttled: more than 3 requests a second"


class TestThrottle:
    def test_orders_above_the_rate_are_rejected_by_the_book_and_later_ones_pass(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, messages_per_second=3)
        for number in range(5):
            table.order(f"A{number}", 100)
        table.run(5)
        assert [kinds(table, f"A{number}")[0] for number in range(5)] == ["0", "0", "0", "8", "8"]
        rejected = [each for each in reports(table.client) if each[150] == "8"]
        assert [(each[39], each[103], each[58]) for each in rejected] == [("8", "99", TEXT)] * 2
        table.run(10, 100 * MILLISECOND)
        table.order("A5", 100)
        table.run(5)
        assert kinds(table, "A5")[0] == "0"
        assert client_link(table).throttle.refused == 2
        table.assert_fold_is_live()

    def test_on_4_2_the_reason_is_one_that_4_2_has(self, loaded: Configuration) -> None:
        configuration = deepcopy(loaded)
        configuration.clients = {"EMS42": ClientSettings(messages_per_second=1)}
        table = Table(configuration)
        table.connect("EMS42")
        table.run(20)
        old = table.peers["EMS42"]
        for name in ("B1", "B2"):
            body = [(11, name), (21, "1"), (55, "ACME"), (54, "2"), (38, "100"), (40, "1")]
            old.send("D", [*body, (60, utc_timestamp(table.now))], table.now)
        table.run(5)
        (rejected,) = [each for each in reports(old) if each[150] == "8"]
        assert (rejected[11], rejected[103]) == ("B2", "0")
        assert rejected[58].startswith("throttled")

    def test_a_replace_gets_a_9_and_a_question_gets_a_j(self, loaded: Configuration) -> None:
        table = table_with(loaded, messages_per_second=3)
        for number in range(3):
            table.order(f"A{number}", 1_000)
        stamp = (60, utc_timestamp(table.now))
        body = [(41, "A0"), (21, "1"), (55, "ACME"), (54, "2"), (38, "900"), (40, "1"), stamp]
        table.client.send("G", [(11, "G1"), *body], table.now)
        table.client.send("H", [(11, "A0"), (55, "ACME"), (54, "2")], table.now)
        table.run(5)
        (refused,) = [each for each in table.client.received if each.msg_type == "9"]
        assert (refused[11], refused[41], refused[434], refused[58]) == ("G1", "A0", "2", TEXT)
        (unanswered,) = [each for each in table.client.received if each.msg_type == "j"]
        assert (unanswered[372], unanswered[380], unanswered[58]) == ("H", "0", TEXT)
        table.assert_fold_is_live()

    def test_a_cancel_is_never_held_up(self, loaded: Configuration) -> None:
        table = table_with(loaded, messages_per_second=3)
        for number in range(5):
            table.order(f"A{number}", 100)
        table.run(5)
        for number in range(3):
            table.cancel(f"C{number}", f"A{number}")
        table.run(10)
        for number in range(3):
            assert kinds(table, f"C{number}") == ["6", "4"]

    def test_what_is_known_is_answered_as_what_it_is(self, loaded: Configuration) -> None:
        """A reject of a repeated order would tell the client that the live one is dead."""
        table = table_with(loaded, messages_per_second=1)
        table.order("A1", 1_000)
        table.run(5)
        table.order("A1", 1_000, (97, "Y"))
        table.run(5)
        assert kinds(table, "A1") == ["0", "I"]
        assert reports(table.client)[-1][39] == "0"

    def test_another_client_is_not_hurt(self, loaded: Configuration) -> None:
        table = table_with(loaded, messages_per_second=1)
        table.connect("EMS42")
        table.run(20)
        for number in range(5):
            table.order(f"A{number}", 100)
        old = table.peers["EMS42"]
        body = [(11, "B1"), (21, "1"), (55, "ACME"), (54, "2"), (38, "100"), (40, "1")]
        old.send("D", [*body, (60, utc_timestamp(table.now))], table.now)
        table.run(5)
        assert reports(old)[0][39] == "0"


class TestFlood:
    def test_is_cut_with_a_reason_and_nothing_that_was_numbered_is_lost(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, messages_per_second=3, cut_messages_per_second=20)
        link = client_link(table)
        for number in range(30):
            table.order(f"A{number}", 100)
        table.run(2)
        assert [name for name, _ in table.log].count("client-cut") == 1
        assert not link.session.logged_on
        logouts = table.sent("EMS", "5")
        assert [b"58=more than 20 messages a second" in each for each in logouts] == [True]
        assert link.kept_out_until_ns >= table.now + 59 * SECOND
        table.run(10, SECOND)
        table.connect("EMS")
        table.run(50)
        for number in range(30):
            expected = "0" if number < 3 else "8"
            assert kinds(table, f"A{number}")[0] == expected, f"A{number} got no answer"
        table.assert_fold_is_live()

    def test_whoever_goes_on_in_spite_of_refusals_is_cut_at_any_pace_of_ours(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, messages_per_second=3, cut_refusals_per_second=5)
        for number in range(8):
            table.order(f"A{number}", 100)
        table.run(5)
        assert client_link(table).throttle.cuts == 0
        table.order("A8", 100)
        table.run(2)
        (logout,) = table.sent("EMS", "5")
        assert b"58=more than 5 refused requests a second" in logout
        table.run(10, SECOND)
        table.connect("EMS")
        table.run(50)
        assert [kinds(table, f"A{number}")[0] for number in range(9)] == ["0"] * 3 + ["8"] * 6

    def test_messages_that_are_no_orders_count_too(self, loaded: Configuration) -> None:
        table = table_with(loaded, cut_messages_per_second=20)
        for _ in range(30):
            table.client.to_gateway += b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01"
        table.turn()
        assert not client_link(table).session.logged_on
        assert ("client-cut", "EMS") in [(n, f.get("client")) for n, f in table.log]

    def test_what_was_asked_for_again_is_no_flood(self, loaded: Configuration) -> None:
        """A client that comes back brings its backlog: the gap that we asked about."""
        table = table_with(loaded, messages_per_second=3, cut_messages_per_second=60, backlog_s=20)
        for number in range(50):
            table.order(f"A{number}", 100)
        table.cut("EMS")
        table.connect("EMS")
        table.run(10)
        for number in range(50):
            table.order(f"B{number}", 100)
        table.run(50)
        assert client_link(table).throttle.cuts == 0
        assert all(kinds(table, f"A{number}")[0] == "0" for number in range(50))

    def fill_gap(self, table: Table, orders: int) -> range:
        """The client jumps ahead, and fills the gap that it made with orders never sent before."""
        client = table.client.session
        first = client.numbers.next_out
        client.numbers.next_out = first + orders
        table.client.send("0", [], table.now)
        table.client.turn(table.now)
        table.turn()
        table.client.from_gateway = b""  # our ResendRequest: nobody answers it honestly
        assert b"\x017=%d\x01" % first in table.sent("EMS", "2")[-1]
        for number in range(first, first + orders):
            table.client.to_gateway += order_again(number, table.now)
        return range(first, first + orders)

    def test_whoever_opens_a_gap_to_fill_it_at_leisure_meets_the_same_rate(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, messages_per_second=3, backlog_s=2)
        filled = self.fill_gap(table, 10)
        table.run(20)
        assert [kinds(table, f"G{number}")[0] for number in filled] == ["0"] * 6 + ["8"] * 4
        table.order("A1", 100)
        table.run(5)
        assert kinds(table, "A1")[0] == "0", "the other rate was not used up"
        table.assert_fold_is_live()

    def test_and_is_cut_when_the_gap_has_no_end(self, loaded: Configuration) -> None:
        table = table_with(loaded, cut_messages_per_second=10, backlog_s=3)
        self.fill_gap(table, 31)
        table.turn()
        (logout,) = table.sent("EMS", "5")
        assert b"58=more than 30 messages to fill gaps" in logout
        assert client_link(table).kept_out_until_ns > table.now

    def test_and_when_it_goes_on_in_spite_of_refusals(self, loaded: Configuration) -> None:
        table = table_with(loaded, messages_per_second=1, cut_refusals_per_second=5, backlog_s=1)
        self.fill_gap(table, 20)
        table.turn()
        (logout,) = table.sent("EMS", "5")
        assert b"58=more than 5 refused requests a second" in logout

    def test_poss_dup_where_nothing_is_missing_is_no_favour(self, loaded: Configuration) -> None:
        table = table_with(loaded, messages_per_second=3, backlog_s=100)
        client = table.client.session
        first = client.numbers.next_out
        for number in range(first, first + 5):
            table.client.to_gateway += order_again(number, table.now)
        client.numbers.next_out = first + 5
        table.run(5)
        assert [kinds(table, f"G{n}")[0] for n in range(first, first + 5)] == [*"000", *"88"]

    def test_nor_is_what_an_operator_asked_for_again(self, loaded: Configuration) -> None:
        table = table_with(loaded, cut_messages_per_second=20)
        for number in range(40):
            table.order(f"A{number}", 100)
            table.run(1, 100 * MILLISECOND)
        table.engine.command(SessionOperated(table.now, "EMS", "resend-request", "drill", begin=1))
        table.run(20)
        assert table.engine.links["EMS"].session.synchronised
        assert client_link(table).throttle.cuts == 0
        for number in range(40):  # the favour is used up: a flood is one again
            table.order(f"B{number}", 100)
        table.run(2)
        assert client_link(table).throttle.cuts == 1

    def test_the_pace_is_kept_over_time(self) -> None:
        throttle = Throttle(cut_messages_per_second=100)
        received = 0
        for step in range(1_000):
            received += 10
            assert throttle.danger(received, 0, step * SECOND // 10) == "", step
        danger = throttle.danger(received + 91, 0, 100 * SECOND - SECOND // 10)
        assert danger == "more than 100 messages a second"

    def test_whoever_takes_more_than_its_share_of_our_time_has_to_wait(self) -> None:
        throttle = Throttle(busy_per_cent=25)
        now = waited = spent = 0
        for _ in range(20):  # a burst is free
            assert throttle.spend(5 * MILLISECOND, now) == 0
            now, spent = now + 5 * MILLISECOND, spent + 5 * MILLISECOND
        for _ in range(1_000):
            took = MILLISECOND // 2
            pause = throttle.spend(took, now)
            assert pause in (0, 3 * took)
            assert pause or not waited, "once it is held back, it is so for as long as it goes on"
            waited += pause
            now += took + pause
            spent += took
        assert waited
        assert spent <= 100 * MILLISECOND + now // 4
        assert throttle.spend(MILLISECOND, now + SECOND) == 0, "it was quiet for a while"

    def test_a_client_without_a_share_never_waits(self) -> None:
        throttle = Throttle()
        assert not any(throttle.spend(SECOND, now) for now in range(100))

    def test_a_busy_client_is_held_back_and_another_is_not(
        self, loaded: Configuration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = table_with(loaded, busy_per_cent=25)
        table.connect("EMS42")
        table.run(20)
        held: list[tuple[str, int]] = []
        monkeypatch.setattr(table.reactor, "fed_ns", lambda _: 60 * MILLISECOND)
        monkeypatch.setattr(
            table.reactor, "hold_back", lambda *each: held.append((each[0].settings.name, each[1]))
        )
        for number in range(2):
            table.order(f"A{number}", 100)
            table.peers["EMS42"].send("1", [(112, "T")], table.now)
            table.client.turn(table.now)
            table.peers["EMS42"].turn(table.now)
            table.turn()
        assert held == [("EMS", table.now + 4 * 60 * MILLISECOND)]

    def test_a_clock_that_steps_back_gives_nothing_away(self) -> None:
        throttle = Throttle(messages_per_second=2)
        assert [throttle.admits(10 * SECOND) for _ in range(3)] == [True, True, False]
        assert not throttle.admits(9 * SECOND)
        assert throttle.admits(11 * SECOND)


class TestOutOfOrder:
    def test_the_queue_behind_a_gap_is_bounded_and_what_did_not_fit_is_asked_for(
        self, loaded: Configuration
    ) -> None:
        configuration = deepcopy(loaded)
        configuration.clients = {}
        configuration.ems_sessions[0].queue_limit = 3
        table = Table(configuration)
        table.order("A0", 100)
        table.client.turn(table.now)
        table.client.to_gateway = b""  # lost on the way: a gap
        for number in range(1, 10):
            table.order(f"A{number}", 100)
        table.run(2)
        assert len(client_link(table).session._inbound.queue) <= 3
        assert "queue-full" in [fields.get("code") for _, fields in table.log]
        table.run(60)
        assert all(kinds(table, f"A{number}").count("0") == 1 for number in range(10))
        table.assert_fold_is_live()

    def test_what_waited_is_taken_a_part_at_a_time(self, loaded: Configuration) -> None:
        table = table_with(loaded)
        table.order("A0", 100)
        table.client.turn(table.now)
        table.client.to_gateway = b""  # lost on the way: a gap
        orders = 5 * ADVANCE_CHUNK
        for number in range(1, 1 + orders):
            table.order(f"A{number}", 100)
        table.client.turn(table.now)
        table.turn()
        session = client_link(table).session
        assert len(session._inbound.queue) == orders
        table.client.turn(table.now)  # asked for again, all of it
        before, turns = session.numbers.next_in, 0
        table.client.to_gateway = first_message(table.client.to_gateway)
        while session._inbound.queue:
            table.turn()
            turns += 1
            assert session.numbers.next_in <= before + ADVANCE_CHUNK + 1
            before = session.numbers.next_in
            if session._inbound.queue:
                assert table.reactor.deadline == table.now, "the rest is due at once"
        assert turns == 5
        table.run(20)
        assert all(kinds(table, f"A{number}").count("0") == 1 for number in range(1 + orders))
        table.assert_fold_is_live()

    def test_a_second_copy_of_what_waits_is_a_copy(self, loaded: Configuration) -> None:
        """The whole range comes again, with 43=Y, while half of it still waits behind the gap."""
        table = table_with(loaded)
        table.order("A0", 100)
        table.client.turn(table.now)
        table.client.to_gateway = b""
        orders = 5 * ADVANCE_CHUNK
        for number in range(1, 1 + orders):
            table.order(f"A{number}", 100)
        table.run(20)
        assert all(kinds(table, f"A{number}").count("0") == 1 for number in range(1 + orders))
        assert client_link(table).session.synchronised
        assert not client_link(table).session._inbound.open
        table.assert_fold_is_live()

    def test_a_crash_in_the_middle_loses_nothing(self, loaded: Configuration) -> None:
        table = table_with(loaded)
        table.order("A0", 100)
        table.client.turn(table.now)
        table.client.to_gateway = b""
        orders = 5 * ADVANCE_CHUNK
        for number in range(1, 1 + orders):
            table.order(f"A{number}", 100)
        table.client.turn(table.now)
        table.turn()
        table.client.turn(table.now)
        table.client.to_gateway = first_message(table.client.to_gateway)
        table.turn()
        assert client_link(table).session._inbound.queue
        table.crash()
        table.connect("dark-a", "exchange", "exchange-md", "EMS")
        table.run(50)
        assert all(kinds(table, f"A{number}").count("0") == 1 for number in range(1 + orders))
        table.assert_fold_is_live()


class TestReplay:
    def test_a_journal_that_has_to_look_takes_one_step_a_turn(
        self, loaded: Configuration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = table_with(loaded)
        table.order("A1", 100)
        table.run(20)
        answered = len(table.client.received)
        steps: list[int] = []

        def prepare(session: str, epoch: int, begin: int, end: int) -> bool:
            steps.append(table.engine.turn_number)
            return len(steps) > 3

        monkeypatch.setattr(table.journal, "prepare", prepare)
        client = table.client.session
        client.ask_again(1, table.now)
        for _ in range(30):
            before = len(steps)
            table.run(1)
            assert len(steps) <= before + 1
        assert len(steps) > 3
        assert len(table.client.received) == answered, "low numbers are no news"
        assert client_link(table).session.replaying is None


class TestOnDisconnect:
    def test_orders_are_kept_by_default(self, loaded: Configuration) -> None:
        table = table_with(loaded)
        table.rest()
        table.cut("EMS")
        table.run(20)
        assert not table.sent("dark-a", "F")
        assert not table.parent.is_over

    def test_cancel_ends_them_and_tells_the_client_when_it_is_back(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, on_disconnect="cancel")
        table.rest()
        table.cut("EMS")
        table.run(20)
        assert len(table.sent("dark-a", "F")) == 1
        assert table.parent.is_over
        table.connect("EMS")
        table.run(20)
        last = reports(table.client)[-1]
        assert (last[11], last[39], last[14]) == ("A1", "4", "0")
        assert "session ended" in last[58]
        table.assert_fold_is_live()

    def test_an_order_in_the_last_breath_is_ended_before_it_is_routed(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded, on_disconnect="cancel")
        table.order("A1")
        table.cut("EMS", arrives=lambda size: size)
        table.client.to_gateway = table.client.to_gateway or b""
        table.run(20)
        assert table.parent.is_over
        assert not table.dark.orders

    def test_a_start_is_a_session_that_ended(self, loaded: Configuration) -> None:
        """The client cannot know that we crashed while it was away: its orders end all the same."""
        table = table_with(loaded, on_disconnect="cancel")
        table.rest()
        table.crash()
        table.connect("dark-a", "exchange", "exchange-md", "EMS")
        table.run(50)
        last = reports(table.client)[-1]
        assert (last[39], last[58]) == (
            "4",
            "the client's session ended: the gateway was started anew",
        )


class TestCongestion:
    """recovery.md 3.10."""

    def test_a_venue_that_does_not_read_gets_no_orders_until_it_does(
        self, loaded: Configuration
    ) -> None:
        table = table_with(loaded)
        sleeping = table.venue
        awake = [peer for peer in table.peers.values() if peer is not sleeping]

        def pass_time(nanos: int) -> None:
            for _ in range(nanos // (10 * MILLISECOND)):
                table.now += 10 * MILLISECOND
                for peer in awake:
                    if peer.connected:
                        peer.turn(table.now)
                table.turn()

        table.order("A1", 100, (848, "dark-only"))
        pass_time(CONGESTED_AFTER_NS - 20 * MILLISECOND)
        assert not is_congested(table)
        pass_time(40 * MILLISECOND)
        assert is_congested(table)
        assert "venue-congested" in table.alarms()
        table.order("A2", 200, (848, "dark-only"))
        pass_time(100 * MILLISECOND)
        assert [child.quantity for child in table.children()] == [100]
        table.assert_fold_is_live()
        table.run(5, 10 * MILLISECOND)
        assert not is_congested(table)
        assert [child.quantity for child in table.children()] == [100, 200]
        table.assert_fold_is_live()

    def test_a_cancel_goes_there_all_the_same(self, loaded: Configuration) -> None:
        table = table_with(loaded)
        table.rest()
        table.venue.from_gateway = b"x"
        table.engine._congestion.wrote("dark-a", table.now)
        table.alone(200 * MILLISECOND, 50 * MILLISECOND)
        assert is_congested(table)
        table.cancel("C1", "A1")
        table.client.turn(table.now)
        table.turn()
        assert len(table.sent("dark-a", "F")) == 1

    def test_a_new_connection_begins_with_an_empty_buffer(self, loaded: Configuration) -> None:
        table = table_with(loaded)
        table.order("A1", 100, (848, "dark-only"))
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.alone(200 * MILLISECOND, 50 * MILLISECOND)
        assert is_congested(table)
        table.cut("dark-a")
        table.run(5)
        assert not is_congested(table)
        table.connect("dark-a")
        table.run(20)
        assert table.engine.router.state.venues["dark-a"].is_routable
        table.assert_fold_is_live()
