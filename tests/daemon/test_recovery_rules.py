"""recovery.md, rule by rule, on the desk: each class is a rule, each test one way to break it."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.recovery import PeerMissing, check_peers, fact_codec
from sor_gateway.daemon.sessions import Link
from sor_gateway.fix.message import Message
from sor_gateway.fix.store import Numbers, covers
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.journal.errors import JournalStalled
from sor_gateway.journal.record import Poisoned
from sor_gateway.sor.events import VenueOpened
from sor_gateway.sor.orders import Child, Parent
from tests.daemon.desk import SECOND, Desk, Peer
from tests.daemon.trader import fills, reports
from tests.daemon.venue import NEVER, Order, Quotes, Venue, lose

ROOT = Path(__file__).parents[2]
MILLISECOND = SECOND // 1_000
LINES = ("dark-a", "exchange", "exchange-md", "EMS")


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


@pytest.fixture
def configuration(loaded: Configuration) -> Configuration:
    return deepcopy(loaded)


class Table(Desk):
    """A desk with one dark venue where orders rest, one lit venue and one client."""

    def __init__(self, configuration: Configuration, segment_messages: int = 50_000) -> None:
        self.dark, self.lit = Venue(fill=0), Venue(fill=NEVER)
        behaviours: dict[str, Callable[[Peer, Message, int], None]] = {
            "dark-a": self.dark,
            "exchange": self.lit,
            "exchange-md": Quotes(),
        }
        super().__init__(configuration, behaviours, segment_messages)
        self.connect(*LINES)
        self.run(20)

    @property
    def client(self) -> Peer:
        return self.peers["EMS"]

    @property
    def venue(self) -> Peer:
        return self.peers["dark-a"]

    def order(self, cl_ord_id: str = "A1", quantity: int = 1_000, *more: tuple[int, str]) -> None:
        body = [(11, cl_ord_id), (21, "1"), (55, "ACME"), (54, "2"), (38, str(quantity))]
        sent = [] if any(tag == 60 for tag, _ in more) else [(60, utc_timestamp(self.now))]
        header = [field for field in more if field[0] == 97]
        rest = [field for field in more if field[0] != 97]
        self.client.send("D", [*header, *body, (40, "2"), (44, "49"), *rest, *sent], self.now)

    def cancel(self, cl_ord_id: str, orig: str, *more: tuple[int, str]) -> None:
        body = [(11, cl_ord_id), (41, orig), (55, "ACME"), (54, "2"), (60, utc_timestamp(self.now))]
        self.client.send("F", [*more, *body], self.now)

    def children(self) -> list[Child]:
        return list(self.engine.router.state.children.values())

    @property
    def child(self) -> Child:
        """The first one."""
        return self.children()[0]

    @property
    def parent(self) -> Parent:
        """The first one."""
        return next(iter(self.engine.router.state.parents.values()))

    def alarms(self) -> list[object]:
        return [fields["code"] for event, fields in self.log if event == "alarm"]

    def rest(self) -> Child:
        """An order whose first child is known to the dark venue and rests there."""
        self.order()
        self.run(5)
        assert self.child.child_id in self.dark.orders
        return self.child

    def unsent(self) -> Child:
        """An order whose first child is in the journal and never left: the crash came between."""
        self.order()
        self.now += MILLISECOND
        self.client.turn(self.now)
        self.turn()
        self.crash()
        assert self.child.child_id not in self.dark.orders
        return self.child

    def lose_line(self, *names: str) -> None:
        """The bytes that are under way to these peers are gone, as through a broken proxy."""
        for name in names:
            self.peers[name].from_gateway = b""

    def alone(self, nanos: int, step_ns: int = 100 * MILLISECOND) -> None:
        """Time passes for the gateway; its peers sleep."""
        for _ in range(nanos // step_ns):
            self.now += step_ns
            self.turn()

    def sent(self, session: str, msg_type: str) -> list[bytes]:
        """What the gateway recorded as sent."""
        return [
            entry.raw
            for record in self.journal.records()
            for entry in record.entries
            if entry.outbound and entry.session == session and entry.msg_type == msg_type
        ]

    def end_well(self) -> None:
        """Back to good weather: everything is executed and told."""
        self.connect(*LINES)
        for _ in range(20):  # questions are repeated with a back-off of up to 64 s
            self.run(50, 100 * MILLISECOND)
            if not self.engine.router.state.open_parents:
                break
        assert not self.engine.router.state.open_parents
        assert self.told() == sum(parent.cum_quantity for parent in self.parents())
        self.assert_fold_is_live()

    def parents(self) -> list[Parent]:
        return list(self.engine.router.state.parents.values())

    def told(self) -> int:
        return sum(int(each[32]) for each in fills(self.client).values())


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


def kinds(table: Table, cl_ord_id: str) -> list[str]:
    """150 of each report under a ClOrdID."""
    return [each[150] for each in reports(table.client) if each[11] == cl_ord_id]


class TestTheRecord:
    """1.2, 1.3, 1.4, 1.6."""

    def test_1_2_the_fold_is_the_live_state_at_every_turn(self, table: Table) -> None:
        table.dark.fill = 300
        table.order()
        for _ in range(60):
            table.run(1, 100 * MILLISECOND)
            table.assert_fold_is_live()
        assert table.told() == 1_000

    def test_1_3_a_roll_in_mid_work_changes_nothing(self, configuration: Configuration) -> None:
        table = Table(configuration, segment_messages=4)
        for number in range(4):
            table.order(f"A{number}", 400)
            table.run(2, 100 * MILLISECOND)
            table.assert_fold_is_live()
            table.crash()
            table.connect(*LINES)
            table.run(10)
        assert len(table.storage.snapshots) > 10
        table.end_well()
        assert table.told() == 1_600

    def test_1_3_what_lies_in_older_segments_is_sent_again(
        self, configuration: Configuration
    ) -> None:
        table = Table(configuration, segment_messages=4)
        table.order()
        table.run(60, 100 * MILLISECOND)
        before = len(reports(table.client))
        table.cut("EMS")
        numbers = table.client.session.numbers
        table.client.restart(Numbers(numbers.epoch, 1, numbers.next_out))
        table.connect("EMS")
        table.run(20)
        assert len(reports(table.client)) == 2 * before
        assert all(each.get(43) == "Y" for each in reports(table.client)[before:])

    def test_1_4_a_stalled_turn_lets_nothing_out_and_then_the_same_bytes(
        self, table: Table
    ) -> None:
        table.storage.full, table.storage.reserve_held = True, False
        table.order()
        table.run(20, 100 * MILLISECOND)
        assert table.is_stalled()
        assert not table.dark.orders
        assert not reports(table.client)
        with pytest.raises(JournalStalled):
            table.journal.retry()
        table.storage.full = False
        table.run(10, 100 * MILLISECOND)
        assert kinds(table, "A1")[:1] == ["0"]
        assert [kind for kind, _ in table.dark.received][:1] == ["D"]
        table.assert_fold_is_live()

    def test_1_4_behind_a_full_disk_it_is_cancel_only_until_the_next_start(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.storage.full = True  # the reserve makes room for the cancels
        table.order("A2")
        table.run(20, 100 * MILLISECOND)
        table.order("A3")
        table.run(20, 100 * MILLISECOND)
        assert not any(order.live for order in table.dark.orders.values())
        assert child.child_id in table.dark.orders
        # The child of A2 was planned in the turn that stalled: it left with its bytes. A3 waits.
        assert len(table.dark.orders) == 2
        assert not table.lit.orders
        table.crash()
        table.end_well()

    def test_1_4_a_crash_in_a_stall_forgets_what_never_left(self, table: Table) -> None:
        table.storage.full, table.storage.reserve_held = True, False
        table.order()
        table.run(5, 100 * MILLISECOND)
        table.storage.full = False
        table.crash()
        table.end_well()
        assert table.told() == 1_000

    def test_1_6_secrets_and_market_data_are_not_recorded(
        self, configuration: Configuration
    ) -> None:
        orders = configuration.venues[0].orders
        orders.username, orders.password = "us", "hush-hush"
        table = Table(configuration)
        assert table.engine.links[orders.name].session.synchronised
        for segment in table.storage.segments.values():
            assert not any(b"hush-hush" in frame for frame in segment.frames)
        recorded = {entry.session for record in table.journal.records() for entry in record.entries}
        assert "exchange-md" not in recorded


@pytest.mark.replaces
class TestPoison:
    """1.7."""

    def crash_on_the_next_message(self, table: Table, session: str) -> None:
        translator = table.engine.links[session].translator

        def bug(*_: object) -> None:
            raise AssertionError("a bug of ours")

        translator.to_fact = bug  # type: ignore[method-assign, union-attr]
        with pytest.raises(AssertionError, match="a bug of ours"):
            table.run(5)
        table.crash()
        assert table.engine.poisoned

    def test_a_client_message_is_answered_with_j_and_the_next_is_taken(self, table: Table) -> None:
        table.order()
        self.crash_on_the_next_message(table, "EMS")
        table.connect(*LINES)
        table.run(30)
        assert [each[45] for each in table.client.received if each.msg_type == "j"] == ["3"]
        assert not table.engine.poisoned
        table.order("A2")
        table.end_well()
        assert table.told() == 1_000

    def test_a_client_that_says_goodbye_right_behind_it_is_no_second_crash(
        self, table: Table
    ) -> None:
        table.order()
        self.crash_on_the_next_message(table, "EMS")
        table.connect(*LINES)
        table.now += MILLISECOND
        while b"\x0135=D\x01" not in table.client.to_gateway:
            table.turn()
            table.client.turn(table.now)
        table.client.session.logout("bye", table.now)
        table.client.turn(table.now)  # the order, sent again, and the Logout come in one piece
        table.turn()
        assert not table.engine.poisoned
        table.run(30)
        table.assert_fold_is_live()

    def test_the_record_of_it_shows_no_password(self, configuration: Configuration) -> None:
        for settings in configuration.ems_sessions:
            settings.validation = "off"
        table = Table(configuration)
        body = [(923, "R1"), (924, "1"), (553, "joe"), (554, "hunter2"), (925, "hunter3")]
        table.client.send("BE", body, table.now)
        self.crash_on_the_next_message(table, "EMS")
        (pair,) = [
            pair
            for record in table.journal.records()
            for pair in record.facts
            if pair[0] == "Poisoned"
        ]
        poison = fact_codec().decode(pair)
        assert isinstance(poison, Poisoned)
        assert b"35=BE\x01" in poison.raw
        assert b"\x01554=*******\x01925=*******\x01" in poison.raw

    def test_it_is_known_by_the_epoch_that_it_came_in(self, table: Table) -> None:
        """A reset right behind it: the same number of the next epoch is another message."""
        table.run(5)
        number = table.client.session.numbers.next_out
        table.order()
        table.client.turn(table.now)
        table.client.session.reset(table.now)  # the order and the Logon come in one piece
        self.crash_on_the_next_message(table, "EMS")
        assert table.engine.poisoned == {("EMS", 1, number)}
        table.connect(*LINES)
        table.run(30)
        for each in range(number):
            table.order(f"B{each}", 100)
        table.run(30)
        assert [each for each in table.client.received if each.msg_type == "j"] == []

    def test_a_hint_that_crashed_us_is_quarantined_too(self, table: Table) -> None:
        child = table.rest()
        table.venue.session.numbers.next_out += 1
        table.run(1)
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        number = table.venue.session.numbers.next_out - 1
        table.venue.withholds = lambda _: True
        table.engine.poisoned.add(("dark-a", 1, number))
        table.run(20)
        assert not table.engine.poisoned
        assert table.told() == 300  # H told of it, under an id of ours
        assert next(iter(fills(table.client))).startswith("Y")

    def test_a_venue_report_puts_its_child_in_doubt_and_h_books_what_it_said(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        self.crash_on_the_next_message(table, "dark-a")
        table.connect(*LINES)
        table.run(30)
        assert not table.engine.poisoned
        assert [kind for kind, _ in table.dark.received if kind == "H"]
        assert table.child.cum_quantity == 300
        assert table.told() == 300
        table.end_well()

    def test_a_report_under_the_cancels_clordid_doubts_the_order_it_is_about(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.cancel("A2", "A1")
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        self.crash_on_the_next_message(table, "dark-a")
        table.connect(*LINES)
        table.run(100, 20 * MILLISECOND)
        assert (("H", child.child_id)) in table.dark.received
        assert table.parent.state == "canceled"
        table.end_well()


class TestPeersThatLeftTheConfiguration:
    def test_a_start_with_open_orders_of_theirs_is_refused_by_name(self, table: Table) -> None:
        check_peers(table.folded(), [], [])
        table.rest()
        check_peers(table.folded(), ["EMS"], ["dark-a"])
        with pytest.raises(
            PeerMissing, match=r"lacks \[ems.EMS\], venues/dark-a.toml: put it back"
        ):
            check_peers(table.folded(), ["EMS42"], ["exchange"])

    def test_a_client_whose_orders_are_done_stays_for_late_fills(self, table: Table) -> None:
        table.rest()
        table.end_well()
        with pytest.raises(PeerMissing, match=r"lacks \[ems.EMS\]: put it back"):
            check_peers(table.folded(), [], ["dark-a"])


@pytest.mark.replaces
class TestCrashLoops:
    """1.7."""

    def crash_in_decide(self, table: Table) -> None:
        def bug(now: int) -> None:
            raise AssertionError("no message is to blame")

        table.engine.router.decide = bug  # type: ignore[method-assign, assignment]
        with pytest.raises(AssertionError, match="to blame"):
            table.turn()
        table.now += MILLISECOND
        table.crash()
        table.connect(*LINES)
        table.run(20)

    def test_three_crashes_in_a_minute_lead_to_a_start_that_only_cancels(
        self, table: Table
    ) -> None:
        child = table.rest()
        for _ in range(2):
            self.crash_in_decide(table)
        assert not table.engine.router.state.stopped
        assert table.dark.orders[child.child_id].live
        self.crash_in_decide(table)
        table.order("A2")
        table.run(20)
        assert not table.dark.orders[child.child_id].live
        assert len(table.dark.orders) == 1
        assert not table.lit.orders
        table.now += 61 * SECOND
        table.crash()
        table.end_well()

    def test_three_crashes_in_more_than_a_minute_do_not(self, table: Table) -> None:
        for _ in range(3):
            table.now += 25 * SECOND
            self.crash_in_decide(table)
        table.now += 25 * SECOND
        table.crash()
        assert not table.engine.router.state.stopped


class TestPeersThatDoNotRead:
    def test_a_replay_waits_for_its_reader_without_spinning(
        self, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table.dark.fill = NEVER
        table.order()
        table.run(10)
        before = len(reports(table.client))
        monkeypatch.setattr(table.reactor, "buffered", lambda _: 1 << 30)
        table.cut("EMS")
        numbers = table.client.session.numbers
        table.client.restart(Numbers(numbers.epoch, 1, numbers.next_out))
        table.connect("EMS")
        table.run(5)
        table.reactor.woken = False
        table.run(5)
        assert not table.reactor.woken
        assert table.reactor.deadline is not None
        assert 0 < table.reactor.deadline - table.now <= 10 * MILLISECOND
        monkeypatch.undo()
        table.run(5)
        assert len(reports(table.client)) == 2 * before

    @pytest.mark.replaces
    def test_only_so_many_are_served_at_a_time(
        self, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """fix.md 1: a cap on concurrent replays. The first who asked take turns until they have
        it all; the others wait."""
        intake, served = table.engine._intake, list[str]()
        left = {"EMS": 3, "EMS42": 2, "dark-a": 2}

        def part(link: Link, now: int) -> None:
            name = link.session.settings.name
            served.append(name)
            left[name] -= 1
            if not left[name]:
                del intake.replays[name]

        monkeypatch.setattr(intake, "continue_replay", part)
        monkeypatch.setattr(table.engine, "_concurrent_replays", 2)
        intake.replays.update(dict.fromkeys(left))  # type: ignore[arg-type]
        for _ in range(7):
            table.engine._continue_replay(table.now)
        assert served == ["EMS", "EMS42", "EMS", "EMS42", "EMS", "dark-a", "dark-a"]

    @pytest.mark.replaces
    def test_replays_take_turns(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        table.order()
        table.run(10)
        served: list[tuple[int, str]] = []
        intake = table.engine._intake
        continue_replay = intake.continue_replay

        def watch(link: Link, now: int) -> None:
            served.append((now, link.session.settings.name))
            continue_replay(link, now)

        monkeypatch.setattr(intake, "continue_replay", watch)
        table.cut("EMS", "dark-a")
        for peer in (table.client, table.venue):
            numbers = peer.session.numbers
            peer.restart(Numbers(numbers.epoch, 1, numbers.next_out))
        table.connect("EMS", "dark-a")
        table.run(10)
        assert {name for _, name in served} == {"EMS", "dark-a"}
        assert len({now for now, _ in served}) == len(served)


class TestSessions:
    """Section 2."""

    @pytest.mark.replaces
    def test_2_1_no_order_before_the_last_marker_is_back(self, table: Table) -> None:
        table.unsent()
        table.order("A2")
        table.connect(*LINES)
        opened: list[int] = []
        handle = table.engine.router.handle

        def watch(fact: object) -> object:
            if isinstance(fact, VenueOpened) and fact.venue == "dark-a":
                opened.append(len(table.sent("dark-a", "1")))
            return handle(fact)  # type: ignore[arg-type]

        before = len(table.sent("dark-a", "1"))
        table.engine.router.handle = watch  # type: ignore[method-assign, assignment]
        table.run(40)
        # The venue asked for what it missed, the first marker with it: that one is dead, and a
        # second one had to leave before the venue opened.
        assert opened == [before + 2]

    def test_2_1_a_marker_that_does_not_return_ends_the_connection(self, table: Table) -> None:
        table.cut("dark-a")
        table.connect("dark-a")
        table.run(2)
        table.alone(20 * SECOND)
        assert not table.engine.links["dark-a"].session.logged_on

    def test_2_1_a_reset_within_the_session_closes_the_venue_until_its_marker_is_back(
        self, table: Table
    ) -> None:
        table.run(5)
        table.venue.session.reset(table.now)
        table.now += MILLISECOND
        table.venue.turn(table.now)
        table.order()
        table.client.turn(table.now)
        table.turn()
        assert not table.engine.links["dark-a"].session.synchronised
        assert not table.sent("dark-a", "D")
        table.end_well()
        assert table.told() == 1_000

    def test_2_2_a_pending_reset_survives_a_crash(self, configuration: Configuration) -> None:
        for venue in configuration.venues:
            venue.orders.on_low_number = "reset"
        table = Table(configuration)
        child = table.rest()
        table.cut("dark-a")
        lose(table.venue, "all")
        while not table.engine.links["dark-a"].session.numbers.reset_pending:
            table.connect("dark-a")
            table.run(1)
        table.assert_fold_is_live()
        table.crash()
        assert table.engine.links["dark-a"].session.numbers.reset_pending
        table.connect(*LINES)
        table.run(40)
        assert b"\x01141=Y\x01" in table.sent("dark-a", "A")[-1]
        assert ("H", child.child_id) in table.dark.received
        table.end_well()

    def test_2_2_a_logon_of_ours_that_is_too_low_counts_as_a_reset(
        self, configuration: Configuration
    ) -> None:
        """1.5: numbers of ours are gone. The venue's refusal is consumed in the same record."""
        for venue in configuration.venues:
            venue.orders.on_low_number = "reset"
        table = Table(configuration)
        child = table.rest()
        table.cut("dark-a")
        table.venue.session.numbers.next_in += 100
        table.connect("dark-a")
        table.run(3)
        assert table.engine.links["dark-a"].session.numbers.reset_pending
        table.assert_fold_is_live()
        table.crash()
        table.connect(*LINES)
        table.run(30)
        assert table.engine.links["dark-a"].session.numbers.epoch == 2
        assert ("H", child.child_id) in table.dark.received
        table.end_well()

    def test_2_2_a_new_epoch_puts_children_in_doubt_and_kills_their_cancels(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.dark.unanswered_status = True
        table.cut("dark-a")
        table.venue.session.reset(table.now)
        table.connect("dark-a")
        table.run(20)
        assert child.flight is not None
        assert child.flight.doubt is not None
        assert ("H", child.child_id) in table.dark.received
        assert table.parent.exposure == 1_000
        table.dark.unanswered_status = False
        table.end_well()

    def test_2_4_voided_is_for_ever_over_restarts_and_requests(self, table: Table) -> None:
        child = table.unsent()
        table.dark.unanswered_status = True
        table.connect(*LINES)
        table.run(30)
        numbers = table.engine.links["dark-a"].session.numbers
        number = next(
            entry.number
            for record in table.journal.records()
            for entry in record.entries
            if entry.msg_type == "D" and entry.outbound
        )
        assert covers(numbers.voided, number)
        for _ in range(3):
            table.crash()
            lose(table.venue, "inbound", messages=1_000)
            table.connect(*LINES)
            table.run(30)
            assert covers(table.engine.links["dark-a"].session.numbers.voided, number)
        assert ("D", child.child_id) not in table.dark.received
        table.dark.unanswered_status = False
        table.end_well()

    def skip_a_number(self, peer: Peer) -> None:
        """The peer's next message comes out of turn, and what is missing is gap-filled."""
        peer.session.numbers.next_out += 1
        peer.withholds = lambda _: True

    def test_2_5_a_report_that_a_gap_fill_covers_is_booked_and_ends_no_doubt(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.dark.unanswered_status = True
        self.skip_a_number(table.venue)
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.run(10)
        assert child.cum_quantity == 300
        assert table.told() == 300
        assert child.flight is not None
        assert child.flight.doubt is not None
        table.dark.unanswered_status = False
        table.end_well()

    def test_2_5_what_was_skipped_is_remembered_within_a_bound_by_the_fold_too(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.venue.withholds = lambda sent: sent.msg_type != "8"
        for _ in range(300):
            table.venue.session.numbers.next_out += 1
            table.dark.say(table.venue, table.dark.orders[child.child_id], "0", table.now)
            for _ in range(2):
                table.venue.turn(table.now)
                table.turn()
        assert len(table.engine.links["dark-a"].session.numbers.skipped) == 256
        table.assert_fold_is_live()

    def test_2_5_an_order_that_its_client_gap_filled_does_not_live(self, table: Table) -> None:
        self.skip_a_number(table.client)
        table.order("A1")
        table.run(20)
        assert not table.parents()
        table.client.withholds = lambda _: False
        table.order("A1", 1_000, (97, "Y"))
        table.end_well()
        assert table.told() == 1_000


class TestOrdersThatNeverArrived:
    """3.1 and 3.2."""

    def test_3_1_an_order_below_the_logon_is_never_sent_again(self, table: Table) -> None:
        child = table.unsent()
        table.end_well()
        assert ("D", child.child_id) not in table.dark.received
        assert str(table.child.state) == "released"
        assert table.told() == 1_000

    def test_3_1_it_is_not_released_while_h_is_not_answered(self, table: Table) -> None:
        child = table.unsent()
        table.dark.unanswered_status = True
        table.connect(*LINES)
        table.run(200, 100 * MILLISECOND)
        assert table.parent.exposure == 1_000
        assert str(table.child.state) == "pending-new"
        assert table.dark.received.count(("H", child.child_id)) > 1
        assert table.told() == 0
        table.dark.unanswered_status = False
        table.end_well()

    @pytest.mark.parametrize("noted", [True, False])
    def test_3_1_where_unknown_is_not_final_it_takes_the_note(
        self, configuration: Configuration, noted: bool
    ) -> None:
        configuration.router.venues["dark-a"].unknown_is_final = False
        table = Table(configuration)
        if noted:
            table.unsent()
        else:
            table.rest()
            table.crash()
            table.dark.lose_orders()  # it had the order: its `unknown` proves nothing
        table.connect(*LINES)
        table.run(100, 100 * MILLISECOND)
        assert (str(table.child.state) == "released") is noted
        assert (table.told() == 1_000) is noted

    def test_3_1_without_h_the_marker_behind_the_answer_suffices(
        self, configuration: Configuration
    ) -> None:
        configuration.router.venues["dark-a"].has_status = False
        table = Table(configuration)
        table.unsent()
        table.end_well()
        assert not [kind for kind, _ in table.dark.received if kind == "H"]
        assert str(table.child.state) == "released"

    def test_3_1_without_h_a_gap_fill_on_this_connection_forbids_the_release(
        self, configuration: Configuration
    ) -> None:
        configuration.router.venues["dark-a"].has_status = False
        table = Table(configuration)
        table.order()
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.crash()
        table.venue.session.numbers.next_out += 1  # a report that nobody saw
        table.venue.withholds = lambda _: True
        table.connect(*LINES)
        table.run(100, 100 * MILLISECOND)
        assert str(table.child.state) == "pending-new"
        assert table.parent.exposure == 1_000

    def test_3_4_a_gap_of_the_venue_leaves_the_note(self, configuration: Configuration) -> None:
        configuration.router.venues["dark-a"].unknown_is_final = False
        table = Table(configuration)
        table.unsent()
        table.venue.session.numbers.next_out += 1
        table.venue.withholds = lambda _: True
        table.end_well()
        assert str(table.child.state) == "released"

    def test_3_2_an_order_of_this_connection_is_sent_again_while_it_is_young(
        self, table: Table
    ) -> None:
        table.order()
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.lose_line("dark-a")
        table.alone(3 * SECOND)  # a status request follows: the venue sees the gap
        table.run(20)
        assert table.dark.received.count(("D", table.child.child_id)) == 1
        assert [each.get(43) for each in table.venue.received if each.msg_type == "D"] == ["Y"]
        table.end_well()

    def test_3_2_an_old_one_is_voided_and_in_doubt(self, table: Table) -> None:
        table.order()
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.lose_line("dark-a")
        table.alone(11 * SECOND)
        table.run(3)
        assert table.child.voided
        table.end_well()
        assert ("D", table.child.child_id) not in table.dark.received
        assert str(table.child.state) == "released"


class TestVenuesThatForgot:
    """3.3."""

    def proved(self, table: Table) -> Child:
        """A child that the venue has consumed by its marker, and has said nothing about."""
        table.dark.manners.voiceless = 1.0
        table.order()
        table.run(10, 800 * MILLISECOND)
        session = table.engine.links["dark-a"].session
        assert session.numbers.proven_through > 2
        return table.child

    @pytest.mark.parametrize("cuts", [0, 1])
    def test_nothing_is_released_on_its_word(self, configuration: Configuration, cuts: int) -> None:
        settings = configuration.router.venues["dark-a"]
        settings.unknown_is_final = False
        table = Table(configuration)
        table.dark.unanswered_status = True
        child = self.proved(table)
        table.dark.unanswered_status = False
        table.cut("dark-a")
        table.dark.lose_orders()
        lose(table.venue, "inbound", messages=1_000)
        for _ in range(cuts):  # it asks, and the line is cut before the answer arrives
            table.connect("dark-a")
            for _ in range(3):
                table.now += MILLISECOND
                table.venue.turn(table.now)
                table.lose_line("dark-a") if table.sent("dark-a", "4") else None
                table.turn()
            table.cut("dark-a")
            lose(table.venue, "inbound", messages=1_000)
        table.connect(*LINES)
        table.run(100, 100 * MILLISECOND)
        assert child.voided
        assert table.parent.exposure == 1_000
        assert str(child.state) == "pending-new"

    def test_an_order_that_it_reported_on_is_not_sent_to_it_again(self, table: Table) -> None:
        """Asked for on the same connection, an order that was acknowledged would be executed
        twice by a venue that forgot it."""
        child = table.rest()
        table.dark.lose_orders()
        table.venue.session.numbers.next_in -= 2
        table.alone(3 * SECOND)
        table.run(30)
        assert table.dark.received.count(("D", child.child_id)) == 1
        table.end_well()


class TestDoubt:
    """3.4, 3.5, 3.7, 3.9."""

    def test_3_4_reports_that_were_gap_filled_are_found_by_h(self, table: Table) -> None:
        child = table.rest()
        table.cut("dark-a")
        table.dark.orders[child.child_id].voiceless = True
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.venue.session.numbers.next_out += 2
        table.venue.withholds = lambda _: True
        table.connect("dark-a")
        table.run(20)
        assert child.cum_quantity == 300
        assert table.told() == 300
        table.end_well()

    def test_3_5_a_9_for_an_open_child_asks_h_before_the_next_f(self, table: Table) -> None:
        child = table.rest()
        order = table.dark.orders.pop(child.child_id)  # it does not find it, for a while
        table.dark.unanswered_status = True
        table.cancel("A2", "A1")
        table.run(100, 20 * MILLISECOND)
        assert [kind for kind, _ in table.dark.received].count("F") == 1
        assert kinds(table, "A2") == ["6"]
        table.dark.orders[child.child_id] = order
        table.dark.unanswered_status = False
        table.end_well()
        assert kinds(table, "A2") == ["6", "4"]

    def test_3_5_no_other_report_ends_doubt(self, table: Table) -> None:
        child = table.rest()
        table.dark.unanswered_status = True
        table.venue.session.numbers.next_out += 1
        table.venue.withholds = lambda _: True
        table.dark.say(table.venue, table.dark.orders[child.child_id], "0", table.now)
        table.run(10)
        table.dark.execute(table.venue, child.child_id, 100, table.now)
        table.run(10)
        assert child.cum_quantity == 100
        assert child.flight is not None
        assert child.flight.doubt is not None
        table.dark.unanswered_status = False
        table.end_well()

    def test_3_7_a_cancel_leaves_no_more_than_its_voided_order(self, table: Table) -> None:
        table.order()
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.cancel("A2", "A1")
        table.client.turn(table.now)
        table.turn()
        assert len(table.sent("dark-a", "F")) == 1
        table.crash()
        table.end_well()
        assert not [kind for kind, _ in table.dark.received if kind in "DF"]
        assert kinds(table, "A2") == ["6", "4"]

    def test_3_7_a_cancel_that_never_left_is_sent_as_it_was(self, table: Table) -> None:
        child = table.rest()
        table.cancel("A2", "A1")
        table.now += MILLISECOND
        table.client.turn(table.now)
        table.turn()
        table.crash()
        table.connect(*LINES)
        table.run(30)
        cancels = [each for each in table.venue.received if each.msg_type == "F"]
        assert [(each[41], each.get(43)) for each in cancels] == [(child.child_id, "Y")]
        table.end_well()
        assert kinds(table, "A2") == ["6", "4"]

    def test_3_7_a_cancel_that_the_venue_works_on_is_not_sent_again(self, table: Table) -> None:
        child = table.rest()
        table.dark.manners.slow_cancels = True
        table.cancel("A2", "A1")
        table.run(150, 100 * MILLISECOND)
        kinds_received = [kind for kind, _ in table.dark.received]
        assert kinds_received.count("F") == 1
        assert (
            2 <= kinds_received.count("H") <= 8
        )  # once in an answer's time-out, not at wire speed
        table.dark.end(table.venue, table.dark.orders[child.child_id], table.now)
        table.end_well()
        assert kinds(table, "A2") == ["6", "4"]

    def test_3_7_one_that_it_lost_is_sent_anew(self, table: Table) -> None:
        child = table.rest()
        table.cancel("A2", "A1")
        table.client.turn(table.now)
        table.turn()
        table.venue.from_gateway = b""  # the venue's own front end ate it, numbers and all
        table.venue.session.numbers.next_in += 1
        table.end_well()
        cancels = [each for each in table.venue.received if each.msg_type == "F"]
        assert [each[41] for each in cancels] == [child.child_id]
        assert 43 not in cancels[0]
        assert kinds(table, "A2") == ["6", "4"]

    def test_3_9_a_cancel_stays_pending_while_a_child_is_in_doubt(self, table: Table) -> None:
        table.dark.manners.voiceless = 1.0
        table.dark.unanswered_status = True
        table.order()
        table.run(30, 100 * MILLISECOND)
        table.cancel("A2", "A1")
        table.run(100, 100 * MILLISECOND)
        assert kinds(table, "A2") == ["6"]
        assert "request-waits" in table.alarms()
        table.dark.unanswered_status = False
        table.end_well()
        assert kinds(table, "A2") == ["6", "4"]

    def test_a_refused_copy_of_an_order_is_no_end_of_it(self, table: Table) -> None:
        child = table.rest()
        number = table.venue.session.numbers.next_in - 1
        table.venue.send("3", [(45, str(number)), (58, "a copy")], table.now)
        table.run(2)
        assert str(child.state) == "live"
        assert ("H", child.child_id) in table.dark.received or child.flight.doubt  # type: ignore[union-attr]
        table.end_well()


class TestReportsThatCannotBeRead:
    def test_its_child_is_asked_about(self, table: Table) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        order.cum = 300
        table.dark.executions.append(("F1", child.child_id, 300))
        more = [(32, "0"), (31, "50.00"), (30, "XVEN")]
        table.dark.say(table.venue, order, "F", table.now, more, t17="F1")
        table.run(10)
        assert ("H", child.child_id) in table.dark.received
        assert table.told() == 300
        table.end_well()

    def test_an_answer_to_h_that_cannot_be_read_is_not_asked_for_again_at_wire_speed(
        self, table: Table
    ) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        say = table.dark.say

        def mumble(peer: Peer, order: Order, kind: str, *rest: object, **tags: str) -> None:
            say(peer, order, kind, *rest, **tags, t39="Z" if kind == "I" else order.status)  # type: ignore[arg-type]

        table.dark.say = mumble  # type: ignore[method-assign, assignment]
        table.dark.say(table.venue, order, "F", table.now, [(32, "0"), (31, "50.00")])
        table.run(200, 5 * MILLISECOND)
        assert table.dark.received.count(("H", child.child_id)) <= 3


class TestExecutions:
    """3.6 and 3.8."""

    def test_3_6_a_missing_execution_is_booked_at_its_price_and_netted_when_it_comes(
        self, table: Table
    ) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        order.cum = 500
        first = [(32, "200"), (31, "50.01"), (30, "XVEN"), (851, "2")]
        second = [(32, "300"), (31, "50.00"), (30, "XVEN"), (851, "2")]
        total = {"t14": "500", "t6": "50.004", "t151": "500", "t39": "1"}
        table.dark.executions += [("F1", child.child_id, 200), ("F2", child.child_id, 300)]
        table.dark.say(table.venue, order, "F", table.now, second, t17="F2", **total)
        table.run(5)
        told = fills(table.client)
        # 500 at 50.004 are 25,002; without 300 at 50.00 that leaves 10,002 for 200: 50.01.
        assert [(each[32], each[31]) for each in told.values()] == [
            ("200", "50.01"),
            ("300", "50"),
        ]
        assert next(iter(told)).startswith("Y")
        assert "unreported-fill" in table.alarms()
        late = {"t14": "200", "t6": "50.01", "t151": "800", "t39": "1"}
        table.dark.say(table.venue, order, "F", table.now, first, t17="F1", **late)
        table.run(5)
        assert fills(table.client).keys() == told.keys()
        assert "unreported-fill-netted" in table.alarms()
        assert child.cum_quantity == 500
        table.end_well()

    def test_3_6_an_end_with_a_larger_total_books_the_difference_too(self, table: Table) -> None:
        child = table.rest()
        order = table.dark.orders[child.child_id]
        order.cum, order.live, order.how = 400, False, "4"
        table.dark.executions.append(("F1", child.child_id, 400))
        table.dark.say(table.venue, order, "4", table.now, t6="49.5")
        table.run(5)
        assert [(each[32], each[31]) for each in fills(table.client).values()] == [("400", "49.5")]
        table.end_well()

    def test_3_6_a_repeated_execution_is_none(self, table: Table) -> None:
        table.dark.manners.repeats = 1.0
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.run(5)
        assert table.told() == 300
        assert len(fills(table.client)) == 1
        table.end_well()

    def test_3_6_the_same_exec_id_for_another_child_is_news_and_an_alarm(
        self, table: Table
    ) -> None:
        table.dark.fill = NEVER
        table.order("A1", 400)
        table.run(5)
        table.dark.exec_number = 0  # its counter restarts
        table.order("A2", 500)
        table.run(5)
        assert table.told() == 900
        assert "exec-id-reused" in table.alarms()

    def test_3_6_the_same_exec_id_with_other_content_is_doubted(self, table: Table) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        order = table.dark.orders[child.child_id]
        other = [(32, "200"), (31, "50.00"), (30, "XVEN"), (851, "2")]
        table.dark.say(table.venue, order, "F", table.now, other, t17="F1")
        table.run(10)
        assert "contradicting-report" in table.alarms()
        assert ("H", child.child_id) in table.dark.received
        assert table.told() == 300
        table.end_well()

    def test_3_8_what_a_late_fill_exceeds_is_cancelled_elsewhere_in_the_same_turn(
        self, table: Table
    ) -> None:
        child = table.rest()
        table.lit.manners.voiceless, table.lit.fill = 1.0, 0
        while not table.lit.orders:
            table.run(1, 100 * MILLISECOND)
        other = next(iter(table.lit.orders.values()))
        other.live = True  # it rests there, an IOC order or not
        table.dark.execute(table.venue, child.child_id, 1_000, table.now)
        assert not table.sent("exchange", "F")
        table.now += MILLISECOND
        table.venue.turn(table.now)
        table.turn()
        assert len(table.sent("exchange", "F")) == 1
        assert {"late-fill", "excess-exposure"} <= set(table.alarms())
        table.end_well()
        assert table.told() == 1_000

    def test_3_8_an_over_fill_is_booked_and_told_truly(self, table: Table) -> None:
        child = table.rest()
        table.dark.execute(table.venue, child.child_id, 1_200, table.now)
        table.run(5)
        assert table.told() == 1_200
        assert "over-fill" in table.alarms()
        assert reports(table.client)[-1][14] == "1200"
        assert reports(table.client)[-1][151] == "0"


class TestReportsToTheClient:
    """4.1 and 4.2."""

    def test_4_1_a_report_stays_until_a_marker_proves_it(self, table: Table) -> None:
        table.dark.fill = NEVER
        table.order()
        table.run(5)
        link = table.engine.links["EMS"]
        assert table.told() == 1_000
        assert len(link.outbox.waiting) == 2  # type: ignore[union-attr]
        table.run(10, SECOND)
        assert not link.outbox.waiting  # type: ignore[union-attr]
        table.assert_fold_is_live()

    def test_4_1_nothing_is_numbered_before_the_session_is_synchronised(self, table: Table) -> None:
        child = table.rest()
        table.client.session.reset(table.now)
        table.client.turn(table.now)
        table.dark.execute(table.venue, child.child_id, 300, table.now)
        table.venue.turn(table.now)
        before = len(table.sent("EMS", "8"))
        table.turn()
        session = table.engine.links["EMS"].session
        assert session.logged_on
        assert not session.synchronised
        assert len(table.sent("EMS", "8")) == before
        table.run(10)
        assert table.told() == 300

    def test_4_1_nor_what_was_due_when_the_reset_came(
        self, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sor_gateway.daemon.draft.REPORTS_CHUNK", 1)
        table.rest()
        table.run(10, SECOND)  # what was reported so far is proved
        before = len(table.sent("EMS", "8"))
        for _ in range(3):
            table.client.send("H", [(11, "A1"), (55, "ACME"), (54, "2")], table.now)
        table.client.turn(table.now)
        table.turn()
        assert len(table.sent("EMS", "8")) == before + 1  # two are due in the next turns
        table.client.session.reset(table.now)
        table.client.turn(table.now)
        table.turn()
        assert len(table.sent("EMS", "8")) == before + 1
        table.run(10)
        again = [each.get(97) for each in reports(table.client)[-3:]]
        assert again == ["Y", None, None]

    def test_4_2_after_a_reset_what_is_unproved_comes_with_97_and_the_same_17(
        self, table: Table
    ) -> None:
        table.dark.fill = NEVER
        table.order()
        table.run(5)
        first = {each[17] for each in reports(table.client)}
        table.client.session.reset(table.now)
        table.run(10)
        again = [each for each in reports(table.client) if each.get(97) == "Y"]
        assert {each[17] for each in again} == first
        table.run(10, SECOND)
        table.client.session.reset(table.now)  # now it is proved: nothing comes a third time
        table.run(10)
        assert len([each for each in reports(table.client) if each.get(97) == "Y"]) == len(again)


class TestRepeatedAndStaleOrders:
    """4.3."""

    def test_a_known_order_again_is_answered_with_its_status(self, table: Table) -> None:
        table.rest()
        table.order("A1", 1_000, (97, "Y"))
        table.run(5)
        assert len(table.parents()) == 1
        assert kinds(table, "A1") == ["0", "I"]
        table.end_well()

    def test_an_order_never_heard_of_is_taken(self, table: Table) -> None:
        table.order("A1", 1_000, (97, "Y"))
        table.end_well()
        assert table.told() == 1_000

    def test_a_known_cancel_again_is_answered_with_the_orders_status(self, table: Table) -> None:
        table.rest()
        table.cancel("A2", "A1")
        table.cancel("A2", "A1", (97, "Y"))
        table.run(10)
        assert not [each for each in table.client.received if each.msg_type == "9"]
        assert "I" in [each[150] for each in reports(table.client)]
        table.end_well()

    @pytest.mark.parametrize("age_s", [31, 3_600])
    def test_a_stale_order_is_refused(self, table: Table, age_s: int) -> None:
        table.order("A1", 1_000, (60, utc_timestamp(table.now - age_s * SECOND)))
        table.run(5)
        assert [(each[39], each[103]) for each in reports(table.client)] == [("8", "4")]
        assert not table.dark.orders

    def test_an_order_that_waited_in_the_clients_store_is_measured_by_122(
        self, table: Table
    ) -> None:
        table.order()
        table.client.turn(table.now)
        table.cut("EMS")  # it is in the client's store, and never arrived
        table.alone(40 * SECOND, SECOND)
        table.connect("EMS")
        table.run(20)
        assert [(each[39], each[103]) for each in reports(table.client)] == [("8", "4")]
        assert not table.dark.orders

    def test_an_order_sent_again_with_43_that_was_consumed_is_nothing_new(
        self, table: Table
    ) -> None:
        table.rest()
        raw = next(sent for sent in table.client.stored if sent.msg_type == "D")
        table.crash()
        table.connect(*LINES)
        table.run(20)
        table.client.to_gateway += raw.raw.replace(b"\x0149=", b"\x0143=Y\x0149=")
        table.run(5)
        assert len(table.parents()) == 1


class TestLinesThatEndInOneBreath:
    """Everything that a peer said and its hanging up may come in one turn."""

    def everything_arrives(self, table: Table, name: str) -> None:
        table.cut(name, arrives=lambda length: length)
        table.turn()
        assert not table.engine.links[name].session.logged_on

    def test_a_venue_that_takes_our_market_data_logon_and_hangs_up(self, table: Table) -> None:
        table.cut("exchange-md")
        table.turn()
        table.connect("exchange-md")
        table.turn()
        self.everything_arrives(table, "exchange-md")
        table.order()
        table.end_well()

    @pytest.mark.parametrize("name", ["exchange-md", "dark-a", "EMS"])
    def test_a_peer_that_asks_for_everything_again_and_hangs_up(
        self, table: Table, name: str
    ) -> None:
        table.rest()
        table.peers[name].session.send("2", [(7, "1"), (16, "0")], table.now)
        self.everything_arrives(table, name)
        table.end_well()


class TestShutdown:
    """A stop with open children must not fall over its own orders."""

    def test_nothing_is_sent_behind_our_logout(self, table: Table) -> None:
        table.dark.manners.voiceless = 1.0
        table.order()
        table.run(5)
        table.cancel("A2", "A1")
        for name in ("dark-a", "exchange", "EMS"):
            table.engine.ask_logout(table.engine.links[name], "the gateway stops")
        table.client.turn(table.now)
        table.alone(SECOND)
        table.run(60, 100 * MILLISECOND)
        assert not any(
            link.session.logged_on
            for link in table.engine.links.values()
            if link.session.settings.name in ("dark-a", "exchange")
        )
        table.crash()
        table.end_well()
