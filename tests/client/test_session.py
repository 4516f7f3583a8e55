"""Rules of the EMS's session, each shown with scripted bytes and an injected clock."""

from __future__ import annotations

import pytest

from sor_gateway.client.session import (
    Application,
    EpochBegan,
    LoggedOn,
    LoggedOut,
    Numbers,
    Session,
    SessionSettings,
    State,
)
from tests.client.peer import NOW, NOW_TEXT, SECOND, fix, get, read

ORDER = [(11, "A1"), (55, "ACME"), (54, "1"), (38, "100")]
LATER = NOW + 10 * SECOND


def begin(numbers: Numbers | None = None) -> Session:
    session = Session(SessionSettings(), numbers or Numbers())
    session.connect(NOW)
    return session


def logged_on(next_in: int = 1) -> Session:
    session = begin(Numbers(next_in=next_in))
    session.receive(fix("A", next_in, "98=0|108=30|"), NOW)
    assert session.active
    forget(session)
    return session


def forget(session: Session) -> None:
    session.take_output()
    session.take_events()
    session.take_records()


def output(session: Session) -> list[str]:
    return read(session.take_output())


def numbers_seen(session: Session) -> list[str]:
    return [get(read(e.message.raw)[0], 34) for e in applications(session)]


def applications(session: Session) -> list[Application]:
    return [event for event in session.take_events() if isinstance(event, Application)]


class TestLogon:
    def test_is_the_first_message(self) -> None:
        header = f"35=A|49=EMS|56=SOR|34=1|52={NOW_TEXT}|"
        assert output(begin()) == [f"{header}98=0|108=30|"]

    def test_the_answer_makes_it_active(self) -> None:
        session = begin()
        session.receive(fix("A", 1, "98=0|108=30|"), NOW)
        assert session.take_events() == [LoggedOn()]
        assert session.numbers.next_in == 2

    def test_goes_on_with_stored_numbers(self) -> None:
        session = begin(Numbers(next_in=9, next_out=5))
        assert get(output(session)[0], 34) == "5"
        session.receive(fix("A", 9), NOW)
        assert session.active
        assert session.numbers.next_in == 10

    def test_anything_else_first_closes(self) -> None:
        session = begin()
        session.receive(fix("0", 1), NOW)
        assert session.closing

    def test_a_refusal_is_reported_in_its_words(self) -> None:
        session = begin()
        session.receive(fix("5", 1, "58=not today|"), NOW)
        assert session.take_events() == [LoggedOut("logout: not today")]
        assert session.closing

    def test_silence_closes(self) -> None:
        session = begin()
        deadline = session.next_deadline()
        assert deadline is not None
        session.tick(deadline)
        assert session.closing

    def test_a_low_number_ends_in_a_logout(self) -> None:
        session = begin(Numbers(next_in=9, next_out=5))
        session.take_output()
        session.receive(fix("A", 3), NOW)
        assert "MsgSeqNum too low, expecting 9 but received 3" in output(session)[0]
        assert session.closing

    def test_a_high_number_is_answered_with_a_resend_request(self) -> None:
        session = begin()
        session.take_output()
        session.receive(fix("A", 5), NOW)
        assert session.active
        assert output(session) == [f"35=2|49=EMS|56=SOR|34=2|52={NOW_TEXT}|7=1|16=0|"]
        assert session.numbers.next_in == 1


class TestHeader:
    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            (fix("0", 2).replace(b"49=SOR", b"49=ROS"), "373=9|"),
            (fix("0", 2, now=NOW - 200 * SECOND), "373=10|"),
        ],
    )
    def test_a_wrong_header_draws_reject_and_logout(self, wrong: bytes, reason: str) -> None:
        session = logged_on()
        session.receive(wrong, NOW)
        reject, logout = output(session)
        assert reject.endswith(reason)
        assert logout.startswith("35=5|")
        assert session.closing

    def test_a_wrong_begin_string_draws_logout(self) -> None:
        from tests.client.peer import raw

        session = logged_on()
        session.receive(raw(f"35=0|49=SOR|56=EMS|34=2|52={NOW_TEXT}|", "FIX.4.2"), NOW)
        assert [line[:5] for line in output(session)] == ["35=5|"]


class TestLiveness:
    def test_a_test_request_is_answered_with_its_id(self) -> None:
        session = logged_on()
        session.receive(fix("1", 2, "112=MARK-7|"), NOW)
        assert output(session) == [f"35=0|49=EMS|56=SOR|34=2|52={NOW_TEXT}|112=MARK-7|"]

    def test_heartbeats_then_a_question_then_the_end(self) -> None:
        session = logged_on()
        seen = []
        for _ in range(6):
            deadline = session.next_deadline()
            if deadline is None:
                break
            session.tick(deadline)
            seen += [(deadline - NOW) / SECOND, *(line[:5] for line in output(session))]
        assert seen == [30, "35=0|", 36, "35=1|", 66, "35=0|", 72]
        assert session.closing

    def test_any_message_calms(self) -> None:
        session = logged_on()
        session.tick(NOW + 36 * SECOND)
        session.receive(fix("0", 2, now=NOW + 37 * SECOND), NOW + 37 * SECOND)
        session.tick(NOW + 72 * SECOND)
        assert session.active


class TestGapIn:
    def test_is_asked_for_once_and_then_all_comes_in_order(self) -> None:
        session = logged_on()
        session.receive(fix("8", 4) + fix("8", 5), NOW)
        assert [line[:5] for line in output(session)] == ["35=2|"]
        assert session.take_events() == []
        dup = "43=Y|122=20260105-14:29:00.000|"
        session.receive(fix("8", 2, header=dup) + fix("8", 3, header=dup), NOW)
        assert numbers_seen(session) == ["2", "3", "4", "5"]
        assert session.numbers.next_in == 6

    def test_a_second_gap_behind_the_queue_is_asked_for(self) -> None:
        session = logged_on()
        session.receive(fix("8", 4) + fix("8", 6), NOW)
        session.take_output()
        session.receive(fix("8", 2) + fix("8", 3), NOW)
        assert numbers_seen(session) == ["2", "3", "4"]
        assert get(output(session)[0], 7) == "5"

    def test_a_gap_fill_moves_on(self) -> None:
        session = logged_on()
        session.receive(fix("8", 5), NOW)
        session.receive(fix("4", 2, "123=Y|36=5|", header="43=Y|"), NOW)
        assert numbers_seen(session) == ["5"]

    def test_what_a_gap_fill_covers_is_a_hint(self) -> None:
        session = logged_on()
        session.receive(fix("8", 5), NOW)
        session.receive(fix("4", 2, "123=Y|36=6|", header="43=Y|"), NOW)
        (event,) = applications(session)
        assert event.hint
        assert session.numbers.next_in == 6

    def test_unanswered_it_is_asked_again_and_then_given_up(self) -> None:
        session = logged_on()
        session.receive(fix("8", 5), NOW)
        forget(session)
        session.tick(NOW + 5 * SECOND)
        assert get(output(session)[0], 7) == "2"
        session.tick(NOW + 10 * SECOND)
        assert session.closing

    def test_the_peers_own_gap_is_served_meanwhile(self) -> None:
        session = logged_on()
        session.send("D", ORDER, NOW)
        forget(session)
        session.receive(fix("2", 5, "7=1|16=0|"), NOW)
        assert [line[:5] for line in output(session)] == ["35=4|", "35=D|", "35=2|"]
        session.receive(fix("4", 2, "123=Y|36=5|", header="43=Y|"), NOW)
        assert session.numbers.next_in == 6
        assert output(session) == []  # not served a second time when its number comes


class TestLowNumber:
    def test_without_43_ends_the_session(self) -> None:
        session = logged_on(5)
        session.receive(fix("8", 3), NOW)
        assert "expecting 6 but received 3" in output(session)[0]
        assert session.closing

    def test_with_43_is_a_hint_at_most(self) -> None:
        session = logged_on(5)
        dup = "43=Y|122=20260105-14:29:00.000|"
        session.receive(fix("8", 3, header=dup) + fix("0", 2, header=dup), NOW)
        (event,) = applications(session)
        assert event.hint
        assert session.numbers.next_in == 6

    def test_43_without_122_is_rejected_and_the_session_goes_on(self) -> None:
        session = logged_on(5)
        session.receive(fix("8", 3, header="43=Y|"), NOW)
        assert output(session)[0].endswith("373=1|")
        assert session.active

    def test_122_later_than_52_ends_the_session(self) -> None:
        session = logged_on(5)
        session.receive(fix("8", 3, header="43=Y|122=20260105-14:31:00.000|"), NOW)
        assert "373=10|" in output(session)[0]
        assert session.closing


class TestGapOut:
    def test_orders_go_again_and_the_rest_is_gap_filled(self) -> None:
        session = logged_on()
        session.send("D", ORDER, NOW)  # 2
        session.receive(fix("1", 2, "112=M|"), NOW)  # our Heartbeat is 3
        session.send("F", [(11, "A2"), (41, "A1")], NOW)  # 4
        forget(session)
        later = "20260105-14:30:10.000"
        session.receive(fix("2", 3, "7=1|16=0|", now=LATER), LATER)
        assert output(session) == [
            f"35=4|49=EMS|56=SOR|34=1|52={later}|43=Y|122={later}|123=Y|36=2|",
            f"35=D|49=EMS|56=SOR|34=2|43=Y|52={later}|122={NOW_TEXT}|11=A1|55=ACME|54=1|38=100|",
            f"35=4|49=EMS|56=SOR|34=3|52={later}|43=Y|122={later}|123=Y|36=4|",
            f"35=F|49=EMS|56=SOR|34=4|43=Y|52={later}|122={NOW_TEXT}|11=A2|41=A1|",
        ]
        assert session.numbers.next_out == 5

    def test_an_end_is_kept(self) -> None:
        session = logged_on()
        for number in range(3):
            session.send("D", [(11, f"A{number}")], NOW)
        forget(session)
        session.receive(fix("2", 2, "7=2|16=3|"), NOW)
        assert [get(line, 11) for line in output(session)] == ["A0", "A1"]

    def test_what_was_never_sent_is_not_invented(self) -> None:
        session = logged_on()
        session.receive(fix("2", 2, "7=50|16=0|"), NOW)
        assert output(session) == []
        assert session.active


class TestSequenceReset:
    def test_reset_applies_whatever_its_own_number(self) -> None:
        session = logged_on()
        session.receive(fix("4", 999, "36=40|"), NOW)
        assert session.numbers.next_in == 40

    def test_backwards_is_rejected(self) -> None:
        session = logged_on(20)
        session.receive(fix("4", 21, "36=5|"), NOW)
        assert output(session)[0].endswith("373=5|")
        assert session.numbers.next_in == 21

    def test_a_gap_fill_backwards_is_rejected(self) -> None:
        session = logged_on(20)
        session.receive(fix("4", 21, "123=Y|36=5|"), NOW)
        assert output(session)[0].endswith("373=5|")
        assert session.numbers.next_in == 22


class TestResetOfBothSides:
    def test_ours_is_pending_until_the_peer_confirms_it(self) -> None:
        session = logged_on(9)
        session.reset()
        session.disconnect("cut")
        session.connect(NOW)
        assert output(session) == [f"35=A|49=EMS|56=SOR|34=1|52={NOW_TEXT}|98=0|108=30|141=Y|"]
        session.disconnect("cut before the answer")
        session.connect(NOW)
        assert get(output(session)[0], 141) == "Y"
        session.receive(fix("A", 1, "98=0|108=30|141=Y|"), NOW)
        assert not session.numbers.reset_pending
        assert (session.numbers.next_in, session.numbers.next_out) == (2, 2)
        assert EpochBegan() in session.take_events()

    def test_an_answer_without_141_is_refused(self) -> None:
        session = begin(Numbers(9, 9, reset_pending=True))
        session.receive(fix("A", 1, "98=0|108=30|"), NOW)
        assert session.closing
        assert session.numbers.reset_pending

    def test_the_peers_is_accepted_and_our_next_number_is_1(self) -> None:
        session = begin(Numbers(9, 9, sent={3: b"old"}))
        session.receive(fix("A", 1, "98=0|108=30|141=Y|"), NOW)
        assert session.active
        assert (session.numbers.next_in, session.numbers.next_out) == (2, 1)
        assert session.numbers.sent == {}

    def test_within_a_session_it_is_answered_in_kind(self) -> None:
        session = logged_on(9)
        session.receive(fix("A", 1, "98=0|108=30|141=Y|"), NOW)
        (logon,) = output(session)
        assert get(logon, 34) == "1"
        assert get(logon, 141) == "Y"
        assert (session.numbers.next_in, session.numbers.next_out) == (2, 2)


class TestLogout:
    def test_the_peers_is_answered_then_closed(self) -> None:
        session = logged_on()
        session.receive(fix("5", 2, "58=bye|"), NOW)
        assert [line[:5] for line in output(session)] == ["35=5|"]
        assert session.closing

    def test_a_too_high_one_is_obeyed_without_moving_the_number(self) -> None:
        session = logged_on()
        session.receive(fix("5", 9), NOW)
        assert session.closing
        assert session.numbers.next_in == 2

    def test_ours_ends_with_the_answer(self) -> None:
        session = logged_on()
        session.logout(NOW, "done")
        assert output(session)[0].endswith("58=done|")
        session.receive(fix("5", 2), NOW)
        assert output(session) == []
        assert session.closing

    def test_ours_ends_without_one_too(self) -> None:
        session = logged_on()
        session.logout(NOW)
        session.tick(NOW + 2 * SECOND)
        assert session.closing


class TestRecords:
    def test_every_number_is_recorded_before_its_bytes_are_taken(self) -> None:
        session = logged_on()
        session.send("D", ORDER, NOW)
        session.receive(fix("8", 2, "17=E1|") + fix("0", 3), NOW)
        kinds = [(r.kind, r.number, bool(r.raw)) for r in session.take_records()]
        assert kinds == [("out", 2, True), ("in", 2, True), ("in", 3, False)]

    def test_a_lost_connection_says_so_once(self) -> None:
        session = logged_on()
        session.disconnect("cut")
        session.disconnect("cut")
        assert session.take_events() == [LoggedOut("cut")]
        assert session.state is State.OFFLINE
