"""Session hours in a session: refusal, logout at the end, numbers that start anew."""

from __future__ import annotations

from datetime import UTC, time
from typing import Any

from sor_gateway.fix.events import Close, EpochBegan, Incident, LoggedOut
from sor_gateway.fix.schedule import Schedule
from sor_gateway.fix.session import Numbers, Role
from sor_gateway.fix.states import State
from tests.fix.helpers import SECOND_NS, START_NS, Script, SessionPair

HOUR_S = 3_600
# START_NS is 14:30 on a Monday
OPEN = Schedule(UTC, time(14), time(15), frozenset(range(5)))
SHUT = Schedule(UTC, time(15), time(16), frozenset(range(5)))
DAILY = Schedule(UTC, time(14), time(15), frozenset(range(5)), reset_at_start=True)
TODAY_NS = START_NS - HOUR_S * SECOND_NS // 2
"""When the hours of the first day begin."""
LOGON = "35=A|34=1|98=0|108=30|"


def script(schedule: Schedule, numbers: Numbers | None = None, **changes: Any) -> Script:
    return Script(numbers, schedule=schedule, markers=False, **changes)


class TestOutsideHours:
    def test_a_logon_is_refused_and_told_when_to_come_back(self) -> None:
        outside = script(SHUT)
        assert outside.logon() == [
            "35=5|34=1|58=outside session hours; they begin at 2026-03-02 15:00 UTC|"
        ]
        assert outside.of(Close)
        assert outside.numbers.next_in == 1

    def test_a_stranger_is_told_nothing(self) -> None:
        outside = script(SHUT)
        outside.connect()
        assert outside.peer("35=A|34=1|49=STRANGER|98=0|108=30|") == []
        assert outside.of(Close)

    def test_an_initiator_says_nothing_and_closes(self) -> None:
        outside = script(SHUT, role=Role.INITIATOR)
        assert outside.connect() == []
        assert [incident.code for incident in outside.of(Incident)] == ["outside-hours"]
        assert outside.of(Close)


class TestTheEndOfHours:
    def test_logs_out_and_waits_for_the_answer(self) -> None:
        inside = script(OPEN)
        inside.logon("35=A|34=1|98=0|108=0|")
        assert inside.session.next_deadline() == TODAY_NS + HOUR_S * SECOND_NS
        inside.now = TODAY_NS + HOUR_S * SECOND_NS
        inside.session.tick(inside.now)
        assert inside.collect() == ["35=5|34=2|58=session hours end|"]
        inside.peer("35=5|34=2|")
        assert inside.of(LoggedOut)
        assert inside.session.state is State.CLOSING

    def test_is_not_missed_by_a_session_that_talks(self) -> None:
        inside = script(OPEN)
        inside.logon("35=A|34=1|98=0|108=0|")
        inside.now = TODAY_NS + HOUR_S * SECOND_NS + SECOND_NS
        inside.session.tick(inside.now)
        assert len(inside.collect()) == 1
        assert inside.session.state is State.LOGOUT_SENT
        assert inside.wait(3) == []
        assert inside.of(Close)

    def test_a_logout_that_is_under_way_is_left_alone(self) -> None:
        inside = script(OPEN)
        inside.logon("35=A|34=1|98=0|108=0|")
        inside.now = TODAY_NS + HOUR_S * SECOND_NS - SECOND_NS
        inside.session.logout("enough", inside.now)
        inside.collect()
        assert inside.wait(5) == []
        assert inside.session.next_deadline() is None


class TestResetAtTheStart:
    def test_a_peer_of_the_same_habit_begins_at_one_without_a_word(self) -> None:
        morning = script(DAILY, Numbers(next_in=90, next_out=80, began_ns=TODAY_NS - 1))
        assert morning.logon() == ["35=A|34=1|98=0|108=30|"]
        assert morning.of(EpochBegan) == [EpochBegan(2, asked_by_us=False, began_ns=START_NS)]
        assert (morning.numbers.next_in, morning.numbers.next_out) == (2, 2)

    def test_another_is_told_with_141(self) -> None:
        morning = script(DAILY, Numbers(next_in=90, next_out=80, began_ns=TODAY_NS - 1))
        answer = morning.logon("35=A|34=90|98=0|108=30|")
        assert answer == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert morning.numbers.reset_pending

    def test_an_initiator_asks_with_141(self) -> None:
        numbers = Numbers(next_in=90, next_out=80, began_ns=TODAY_NS - 1)
        morning = script(DAILY, numbers, role=Role.INITIATOR)
        assert morning.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]
        morning.peer("35=A|34=1|98=0|108=30|141=Y|")
        assert morning.session.synchronised

    def test_the_second_logon_of_the_day_goes_on(self) -> None:
        noon = script(DAILY, Numbers(epoch=2, next_in=90, next_out=80, began_ns=TODAY_NS))
        assert noon.logon("35=A|34=90|98=0|108=30|") == ["35=A|34=80|98=0|108=30|"]
        assert not noon.of(EpochBegan)

    def test_without_it_numbers_go_on_over_the_night(self) -> None:
        morning = script(OPEN, Numbers(next_in=90, next_out=80, began_ns=TODAY_NS - 1))
        assert morning.logon("35=A|34=90|98=0|108=30|") == ["35=A|34=80|98=0|108=30|"]


class TestDays:
    def test_a_pair_lives_through_them(self) -> None:
        pair = SessionPair(schedule=DAILY)
        for epoch in (2, 3, 4):
            pair.connect()
            for session in pair.events:
                assert session.synchronised
                assert session.numbers.epoch == epoch
            pair.now += HOUR_S * SECOND_NS
            pair.initiator.tick(pair.now)
            pair.settle()
            assert {session.state for session in pair.events} == {State.CLOSING}
            pair.cut()
            pair.now += 23 * HOUR_S * SECOND_NS
