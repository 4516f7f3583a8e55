"""The turn: nothing numbered leaves before it is recorded, and the fold is the live state."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.journal.errors import JournalStalled
from sor_gateway.journal.record import Record
from tests.daemon.desk import SECOND, Desk
from tests.daemon.venue import NEVER, Quotes, Venue

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


def order(cl_ord_id: str, quantity: int = 1_000, *more: tuple[int, str]) -> list[tuple[int, str]]:
    return [
        *[(11, cl_ord_id), (21, "1"), (55, "ACME"), (54, "2"), (38, str(quantity)), (40, "2")],
        *[(44, "49"), *more],
    ]


def new_desk(configuration: Configuration, dark_fill: int = 0, lit_fill: int = NEVER) -> Desk:
    desk = Desk(
        configuration,
        {"dark-a": Venue(dark_fill), "exchange": Venue(lit_fill), "exchange-md": Quotes()},
    )
    desk.connect("dark-a", "exchange", "exchange-md", "EMS")
    desk.run(20)
    return desk


def reports(desk: Desk, client: str = "EMS") -> list[Message]:
    return [message for message in desk.peers[client].received if message.msg_type == "8"]


def fills(desk: Desk) -> dict[str, int]:
    """Shares by ExecID as the client knows them; the same ExecID counts once."""
    return {each[17]: int(each[32]) for each in reports(desk) if each[150] == "F"}


def venues_executed(desk: Desk) -> int:
    total = 0
    for name in ("dark-a", "exchange"):
        venue = desk.peers[name].on_message
        assert isinstance(venue, Venue)
        total += sum(shares for _, _, shares in venue.executions)
    return total


def submit(desk: Desk, body: list[tuple[int, str]]) -> None:
    desk.peers["EMS"].send("D", [*body, (60, utc_timestamp(desk.now))], desk.now)


class TestAnOrderThroughTheDesk:
    def test_it_goes_dark_then_lit_and_every_share_is_reported(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration, dark_fill=300)
        submit(desk, order("A1"))
        desk.run(60, 100_000_000)
        assert sum(fills(desk).values()) == 1_000 == venues_executed(desk)
        assert reports(desk)[-1][39] == "2"
        desk.assert_fold_is_live()

    def test_a_message_type_that_is_not_taken_gets_a_business_reject(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        desk.peers["EMS"].send("e", [(324, "S1"), (55, "ACME"), (263, "0")], desk.now)
        desk.run(5)
        refusals = [each for each in desk.peers["EMS"].received if each.msg_type == "j"]
        assert [each[380] for each in refusals] == ["3"]


class TestOrdersBeforeReports:
    def test_the_order_leaves_a_turn_before_its_report_is_numbered(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        submit(desk, order("A1"))
        desk.peers["EMS"].turn(desk.now)
        desk.reactor.woken = False
        desk.turn()
        assert b"35=D" in desk.peers["dark-a"].from_gateway
        assert b"35=8" not in desk.peers["EMS"].from_gateway
        assert desk.reactor.woken, "the next turn follows at once"
        desk.turn()
        assert b"35=8" in desk.peers["EMS"].from_gateway

    def test_with_orders_in_every_turn_reports_wait_for_one(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        link = desk.engine.links["EMS"]
        assert isinstance(link, ClientLink)
        waited, turns_with_a_wait = 0, 0
        for number in range(12):
            submit(desk, order(f"A{number}", 100))
            desk.peers["EMS"].turn(desk.now)
            desk.turn()
            waited = waited + 1 if link.outbox.unnumbered else 0
            turns_with_a_wait += waited
            assert waited <= 1
        assert turns_with_a_wait > 3
        desk.run(2)
        assert {each[11] for each in reports(desk)} >= {f"A{number}" for number in range(12)}

    def test_a_crash_between_the_two_turns_loses_no_report(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        submit(desk, order("A1"))
        desk.peers["EMS"].turn(desk.now)
        desk.turn()
        desk.crash()
        desk.connect("dark-a", "exchange", "exchange-md", "EMS")
        desk.run(20)
        assert [each[150] for each in reports(desk) if each[11] == "A1"][:1] == ["0"]
        desk.assert_fold_is_live()


class TestOneRecordATurn:
    def test_no_byte_of_a_turn_is_on_a_line_before_its_record(
        self, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = new_desk(configuration)
        recorded: set[bytes] = set()
        append = desk.journal.append

        def watch(record: Record, durable: bool = False) -> None:
            append(record, durable)
            recorded.update(entry.raw for entry in record.entries if entry.outbound)

        monkeypatch.setattr(desk.engine.journal, "append", watch)
        flush = desk.reactor.flush
        seen: list[bytes] = []

        def check(sessions: list) -> None:  # type: ignore[type-arg]
            flush(sessions)
            for name in ("dark-a", "exchange", "EMS"):
                for raw in desk.peers[name].from_gateway.split(b"8=FIX")[1:]:
                    seen.append(b"8=FIX" + raw)
                    assert seen[-1] in recorded

        monkeypatch.setattr(desk.reactor, "flush", check)
        submit(desk, order("A1"))
        desk.run(60, 100_000_000)
        assert len(seen) > 5

    def test_a_disk_that_is_full_freezes_the_turn_and_then_lets_it_out_unchanged(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        desk.storage.full = True
        desk.storage.reserve_held = False
        submit(desk, order("A1"))
        desk.run(3)
        assert desk.is_stalled()
        assert not [each for each in reports(desk) if each.get(11) == "A1"]
        with pytest.raises(JournalStalled):
            desk.journal.retry()
        desk.storage.full = False
        desk.run(3, SECOND)
        assert not desk.is_stalled()
        assert [each[39] for each in reports(desk) if each.get(11) == "A1"][:1] == ["0"]
        desk.assert_fold_is_live()


class TestReportsOfAClientThatIsAway:
    def test_they_wait_and_come_once_it_is_back(self, configuration: Configuration) -> None:
        desk = new_desk(configuration)
        submit(desk, order("A1"))
        desk.run(2)
        desk.cut("EMS")
        desk.run(60, 100_000_000)
        assert venues_executed(desk) == 1_000
        desk.connect("EMS")
        desk.run(30)
        assert sum(fills(desk).values()) == 1_000

    def test_after_a_reset_what_was_not_proved_comes_again_flagged(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        submit(desk, order("A1"))
        desk.run(2)
        desk.cut("EMS")
        desk.run(60, 100_000_000)
        desk.peers["EMS"].session.reset(desk.now)
        desk.connect("EMS")
        desk.run(30)
        assert sum(fills(desk).values()) == 1_000
        ids = [each[17] for each in reports(desk)]
        repeated = [each for n, each in enumerate(reports(desk)) if each[17] in ids[:n]]
        assert all(each.get(97) == "Y" or each.get(43) == "Y" for each in repeated)
        desk.assert_fold_is_live()


class TestCrash:
    def test_a_child_recorded_and_never_sent_is_freed_by_the_answer_to_h(
        self, configuration: Configuration
    ) -> None:
        desk = new_desk(configuration)
        submit(desk, order("A1"))
        desk.now += 1_000_000
        desk.peers["EMS"].turn(desk.now)
        desk.turn()  # recorded; on the line, where the crash loses it
        child = next(iter(desk.engine.router.state.children))
        desk.crash()
        desk.connect("dark-a", "exchange", "exchange-md", "EMS")
        desk.run(200, 50_000_000)
        venue = desk.peers["dark-a"].on_message
        assert isinstance(venue, Venue)
        assert child not in venue.orders
        assert str(desk.engine.router.state.children[child].state) == "released"
        assert sum(fills(desk).values()) == 1_000 == venues_executed(desk)

    @pytest.mark.parametrize("seed", range(25))
    def test_killed_and_cut_at_random_instants_nothing_is_lost_and_nothing_is_twice(
        self, configuration: Configuration, seed: int
    ) -> None:
        dice = Random(seed)
        desk = new_desk(configuration, dark_fill=dice.choice((0, 100, 300)))
        names = ("dark-a", "exchange", "exchange-md", "EMS")
        submitted = 0
        for _ in range(40):
            roll = dice.random()
            if roll < 0.25 and desk.peers["EMS"].session.logged_on:
                submitted += 1
                submit(desk, order(f"A{submitted}", 100 * dice.randint(1, 9)))
            elif roll < 0.4:
                desk.crash()
            elif roll < 0.55:
                desk.cut(dice.choice(names))
            desk.connect(*names)
            desk.run(dice.randint(1, 12), dice.choice((1_000_000, 100_000_000)))
            desk.assert_fold_is_live()
        desk.connect(*names)
        for _ in range(30):
            desk.run(20, 100_000_000)
            desk.connect(*names)
        state = desk.engine.router.state
        assert not state.open_parents, [state.parents[each] for each in state.open_parents]
        assert sum(fills(desk).values()) == venues_executed(desk)
        for parent in state.parents.values():
            assert parent.cum_quantity <= parent.quantity
        ids: set[str] = set()
        for each in reports(desk):
            if each[150] == "F":
                flagged = each.get(43) == "Y" or each.get(97) == "Y"
                assert flagged or each[17] not in ids
                ids.add(each[17])


@pytest.mark.replaces
class TestPoison:
    def test_a_message_that_crashes_us_is_recorded_alone_and_then_consumed_unhandled(
        self, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = new_desk(configuration)
        monkeypatch.setattr(
            desk.engine.links["EMS"].translator,
            "to_fact",
            lambda *_: (_ for _ in ()).throw(AssertionError("a bug of ours")),
        )
        submit(desk, order("A1"))
        desk.now += 1_000_000
        desk.peers["EMS"].turn(desk.now)
        with pytest.raises(AssertionError, match="a bug of ours"):
            desk.turn()
        desk.crash()  # the fault is in the code that ran: the new process has the old code again
        assert desk.engine.poisoned
        desk.connect("dark-a", "exchange", "exchange-md", "EMS")
        desk.run(30)
        assert not desk.engine.poisoned
        assert "A1" not in {each.get(11) for each in reports(desk)}
        assert [each for each in desk.peers["EMS"].received if each.msg_type == "j"]
        submit(desk, order("A2"))
        desk.run(60, 100_000_000)
        assert sum(fills(desk).values()) == 1_000
        desk.assert_fold_is_live()
