"""Logon, reset, Logout: fix.md 1 and recovery.md 2.2, named after the test cases."""

from __future__ import annotations

from typing import Any

import pytest

from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.events import (
    AppReceived,
    Close,
    EpochBegan,
    Forgot,
    Hint,
    Incident,
    LoggedOn,
    LoggedOut,
    Proved,
    ReplayWanted,
    Skipped,
)
from sor_gateway.fix.session import Numbers, Role, lookup_identity
from sor_gateway.fix.states import State
from tests.fix.helpers import START_NS, Script, SessionPair, fix

LOGON = "35=A|34=1|98=0|108=30|"


def acceptor(numbers: Numbers | None = None, **changes: Any) -> Script:
    return Script(numbers, markers=False, **changes)


def initiator(numbers: Numbers | None = None, **changes: Any) -> Script:
    return Script(numbers, markers=False, role=Role.INITIATOR, **changes)


def codes(script: Script) -> list[str]:
    return [incident.code for incident in script.of(Incident)]


class TestRefusedBeforeLogon:
    """Whoever is not known hears nothing; the line is closed."""

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("35=A|34=1|49=WT|98=0|108=30|", id="1c_invalid_sender_comp_id"),
            pytest.param("35=A|34=1|56=DLSI|98=0|108=30|", id="1c_invalid_target_comp_id"),
            pytest.param("35=A|34=1|52=20010101-00:00:00|98=0|108=30|", id="1d_bad_sending_time"),
            pytest.param("35=0|34=1|", id="1e_not_logon_message"),
        ],
    )
    def test_the_line_is_closed_without_a_word(self, text: str) -> None:
        script = acceptor()
        assert script.logon(text) == []
        assert script.session.state is State.CLOSING
        assert len(script.of(Close)) == 1
        assert script.of(LoggedOut) == []
        assert script.numbers == Numbers()

    def test_1d_wrong_begin_string(self) -> None:
        script = acceptor()
        script.connect()
        assert script.feed(fix(script.peer_text(LOGON), "FIX.3.9")) == []
        assert script.session.state is State.CLOSING

    def test_1d_wrong_body_length(self) -> None:
        script = acceptor()
        script.connect()
        raw = script.raw(LOGON)
        at = raw.index(b"\x019=") + 3
        assert script.feed(raw[:at] + b"40" + raw[at + 2 :]) == []
        assert script.session.state is State.CLOSING

    def test_no_logon_in_time(self) -> None:
        script = acceptor()
        script.connect()
        assert script.wait(10) == []
        assert script.of(Close)

    @pytest.mark.parametrize(
        ("text", "answer"),
        [
            (
                "35=A|34=1|98=0|108=-10|",
                "35=5|34=1|58=HeartBtInt (108) is missing or negative|",
            ),
            ("35=A|34=1|98=0|", "35=5|34=1|58=HeartBtInt (108) is missing or negative|"),
            ("35=A|98=0|108=30|", "35=5|34=1|58=MsgSeqNum (34) is missing or not a number|"),
            (
                "35=A|34=1|98=1|108=30|",
                "35=5|34=1|58=EncryptMethod (98) other than 0 is not supported|",
            ),
        ],
    )
    def test_a_logon_that_cannot_be_taken_is_told_why(self, text: str, answer: str) -> None:
        script = acceptor()
        assert script.logon(text) == [answer]
        assert script.session.state is State.CLOSING


class TestCredentials:
    def test_a_wrong_password_is_refused(self) -> None:
        script = acceptor(username="ems", password="right")
        assert script.logon(LOGON + "553=ems|554=wrong|") == [
            "35=5|34=1|58=Username or Password is wrong|"
        ]

    def test_the_right_one_is_taken_and_never_recorded(self) -> None:
        script = acceptor(username="ems", password="right")
        script.logon(LOGON + "553=ems|554=right|")
        assert script.session.logged_on
        assert b"right" not in script.consumed[0].raw
        assert b"\x01554=*****\x01" in script.consumed[0].raw

    def test_a_password_in_a_user_request_is_not_recorded_either(self) -> None:
        script = acceptor(username="ems", password="right")
        script.logon("35=A|34=1|98=0|108=30|553=ems|554=right|")
        script.peer("35=BE|34=2|923=U|924=3|553=ems|554=right|925=newer|")
        assert b"554=*****\x01925=*****\x01" in script.consumed[-1].raw

    def test_ours_goes_out_and_is_never_recorded(self) -> None:
        script = initiator(username="sor", password="secret")
        assert script.connect() == ["35=A|34=1|98=0|108=30|553=sor|554=secret|"]
        assert b"secret" not in script.sent[0].raw
        checked = script.sent[0].raw
        assert int(checked[-4:-1]) == sum(checked[:-7]) % 256


class TestLogon:
    def test_1a_valid_logon(self) -> None:
        script = acceptor()
        assert script.logon("35=A|34=1|98=0|108=7|") == ["35=A|34=1|98=0|108=7|"]
        assert script.of(LoggedOn) == [LoggedOn(1)]
        assert script.session.logged_on

    def test_1a_logon_too_high_is_answered_then_the_gap_is_asked_for(self) -> None:
        script = acceptor()
        assert script.logon("35=A|34=5|98=0|108=30|") == [
            "35=A|34=1|98=0|108=30|",
            "35=2|34=2|7=1|16=0|",
        ]
        assert script.numbers.next_in == 1
        assert script.peer("35=4|34=1|43=Y|123=Y|36=5|") == []
        assert script.numbers.next_in == 6

    def test_logon_too_low_is_refused_by_an_operator_profile(self) -> None:
        script = acceptor(Numbers(next_in=9, next_out=4))
        assert script.logon(LOGON) == [
            "35=5|34=4|58=MsgSeqNum too low, expecting 9 but received 1|"
        ]
        assert codes(script) == ["number-too-low", "logon-refused"]
        assert script.numbers.next_in == 9
        assert not script.numbers.reset_pending

    def test_logon_too_low_makes_an_acceptor_reset_where_the_profile_says_so(self) -> None:
        script = acceptor(Numbers(next_in=9, next_out=4), on_low_number="reset")
        assert script.logon(LOGON) == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert script.of(EpochBegan) == [EpochBegan(2, asked_by_us=True, began_ns=START_NS)]
        assert script.numbers == Numbers(
            epoch=2, next_in=1, next_out=2, reset_pending=True, began_ns=START_NS
        )
        script.peer("35=0|34=1|")
        assert script.numbers == Numbers(epoch=2, next_in=2, next_out=2, began_ns=START_NS)

    def test_answer_too_low_makes_an_initiator_reset_at_its_next_logon(self) -> None:
        script = initiator(Numbers(next_in=9, next_out=4), on_low_number="reset")
        script.connect()
        assert script.peer(LOGON)[0].startswith("35=5|34=5|58=MsgSeqNum too low")
        script.disconnect()
        assert script.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert script.numbers.epoch == 2

    def test_a_refusal_of_our_logon_is_obeyed_in_silence(self) -> None:
        script = initiator(Numbers(next_in=3, next_out=3))
        script.connect()
        assert script.peer("35=5|34=3|58=go away|") == []
        assert codes(script) == ["logon-refused"]
        assert script.of(Close) == [Close("go away")]
        assert script.numbers.next_in == 4

    def test_ours_too_low_for_the_peer_counts_as_a_reset_where_the_profile_says_so(self) -> None:
        """recovery.md 1.5."""
        for profile, pending in (("operator", False), ("reset", True)):
            script = initiator(Numbers(next_in=3, next_out=3), on_low_number=profile)
            script.connect()
            script.peer("35=5|34=3|58=MsgSeqNum too low, expecting 8 but received 3|")
            assert codes(script) == ["logon-too-low"]
            assert script.numbers.reset_pending is pending

    def test_a_garbled_first_message_closes_the_line(self) -> None:
        script = acceptor()
        assert script.logon("35=A|34=1|junk|98=0|108=30|") == []
        assert script.session.state is State.CLOSING

    def test_a_logon_is_held_against_the_dictionary_too(self) -> None:
        script = acceptor(dictionary=load_packaged("FIX.4.4"))
        (logout,) = script.logon("35=A|34=1|98=0|108=30|9999=x|")
        assert logout.startswith("35=5|34=1|58=tag 9999")

    def test_a_second_logon_without_141_has_a_number_and_no_effect(self) -> None:
        script = acceptor()
        script.logon()
        assert script.peer("35=A|34=2|98=0|108=30|", "35=1|34=3|112=A|") == ["35=0|34=2|112=A|"]
        assert codes(script) == ["needless-logon"]


class TestReset:
    """recovery.md 2.2."""

    def test_141_at_logon_resets_both_sides(self) -> None:
        script = acceptor(Numbers(epoch=4, next_in=50, next_out=60, voided=[(3, 3)]))
        assert script.logon(LOGON + "141=Y|") == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert script.numbers == Numbers(epoch=5, next_in=2, next_out=2, began_ns=START_NS)
        assert script.of(EpochBegan) == [EpochBegan(5, asked_by_us=False, began_ns=START_NS)]
        assert [(s.epoch, s.number) for s in script.sent] == [(5, 1)]
        assert [(c.epoch, c.number) for c in script.consumed] == [(5, 1)]

    def test_141_is_refused_where_it_is_not_accepted(self) -> None:
        script = acceptor(Numbers(next_in=5, next_out=5), accept_reset=False)
        assert script.logon(LOGON + "141=Y|") == ["35=5|34=5|58=ResetSeqNumFlag is not accepted|"]
        assert script.numbers.epoch == 1

    def test_141_needs_the_number_one(self) -> None:
        script = acceptor()
        (answer,) = script.logon("35=A|34=7|98=0|108=30|141=Y|")
        assert answer.startswith("35=5|")

    def test_market_data_resets_at_each_logon(self) -> None:
        script = initiator(reset_on_logon=True)
        for epoch in (2, 3):
            assert script.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]
            script.peer(LOGON + "141=Y|")
            assert script.numbers == Numbers(epoch=epoch, next_in=2, next_out=2, began_ns=START_NS)
            script.disconnect()

    def test_a_reset_is_pending_until_the_peers_own_141_is_consumed(self) -> None:
        script = initiator(Numbers(epoch=2, next_in=8, next_out=9, reset_pending=True))
        assert script.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]
        script.disconnect()
        assert script.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert script.numbers == Numbers(
            epoch=4, next_in=1, next_out=2, reset_pending=True, began_ns=START_NS
        )
        script.peer(LOGON + "141=Y|")
        assert script.numbers == Numbers(epoch=4, next_in=2, next_out=2, began_ns=START_NS)
        assert script.session.logged_on

    def test_an_answer_without_141_does_not_end_a_pending_reset(self) -> None:
        script = initiator(Numbers(next_in=8, next_out=9, reset_pending=True))
        script.connect()
        assert script.peer("35=A|34=8|98=0|108=30|") == [
            "35=5|34=2|58=ResetSeqNumFlag was not answered|"
        ]
        assert script.numbers.reset_pending

    def test_a_logout_of_the_old_epoch_does_not_end_a_pending_reset(self) -> None:
        script = initiator(Numbers(next_in=8, next_out=9, reset_pending=True))
        script.connect()
        script.peer("35=5|34=1|58=not now|")
        assert script.numbers.reset_pending
        assert script.numbers.next_in == 1

    def test_an_unasked_141_answer_is_accepted(self) -> None:
        script = initiator(Numbers(next_in=8, next_out=9))
        assert script.connect() == ["35=A|34=9|98=0|108=30|"]
        assert script.peer(LOGON + "141=Y|", "35=2|34=2|7=1|16=0|") == []
        assert script.of(EpochBegan) == [EpochBegan(2, asked_by_us=False, began_ns=START_NS)]
        assert script.of(ReplayWanted) == []
        assert script.send() == ["35=D|34=1|11=A|"]

    def test_an_acceptor_with_a_pending_reset_answers_with_141(self) -> None:
        script = acceptor(Numbers(next_in=8, next_out=9, reset_pending=True))
        assert script.logon("35=A|34=8|98=0|108=30|") == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert script.numbers == Numbers(
            epoch=2, next_in=1, next_out=2, reset_pending=True, began_ns=START_NS
        )
        script.peer("35=0|34=1|")
        assert not script.numbers.reset_pending

    def test_the_peer_resets_within_the_session(self) -> None:
        script = acceptor()
        script.logon()
        script.peer("35=0|34=2|", "35=1|34=3|112=1|")
        assert script.peer(LOGON + "141=Y|", "35=1|34=2|112=1|") == [
            "35=A|34=1|98=0|108=30|141=Y|",
            "35=0|34=2|112=1|",
        ]
        assert script.numbers == Numbers(epoch=2, next_in=3, next_out=3, began_ns=START_NS)
        assert script.of(LoggedOn) == [LoggedOn(1), LoggedOn(2)]

    def test_a_second_reset_before_the_first_is_done_ends_the_session(self) -> None:
        """Or two sides that both see one 141=Y twice would reset each other for ever."""
        script = Script(Numbers(next_in=5, next_out=5))
        script.logon("35=A|34=5|98=0|108=30|")
        script.synchronise()
        reset = "35=A|34=1|98=0|108=30|141=Y|"
        answer, _ = script.peer(reset)
        assert answer == reset
        (logout,) = script.peer(reset)
        assert logout.startswith("35=5|34=3|58=ResetSeqNumFlag again")
        assert script.numbers.epoch == 2

    def test_we_reset_within_the_session(self) -> None:
        script = acceptor()
        script.logon()
        script.session.reset(script.now)
        assert script.collect() == ["35=A|34=1|98=0|108=30|141=Y|"]
        assert not script.session.logged_on
        assert script.peer("35=D|34=2|11=OLD|", "35=2|34=3|7=1|16=0|") == []
        assert [hint.number for hint in script.of(Hint)] == [2]
        assert script.of(AppReceived) == []
        assert script.peer(LOGON + "141=Y|", "35=D|34=2|11=NEW|") == []
        assert [e.message[11] for e in script.of(AppReceived)] == ["NEW"]
        assert script.numbers == Numbers(epoch=2, next_in=3, next_out=2, began_ns=START_NS)

    def test_our_reset_without_an_answer_ends_the_line_and_stays_pending(self) -> None:
        script = acceptor()
        script.logon()
        script.session.reset(script.now)
        script.wait(10)
        assert script.session.state is State.CLOSING
        assert script.numbers.reset_pending

    def test_a_peer_may_not_reset_where_it_is_not_accepted(self) -> None:
        script = acceptor(accept_reset=False)
        script.logon()
        assert script.peer(LOGON + "141=Y|") == [
            "35=5|34=2|58=ResetSeqNumFlag is not accepted here|"
        ]

    def test_a_reset_while_we_log_out_waits_for_the_next_logon(self) -> None:
        script = acceptor()
        script.logon()
        script.session.logout("", script.now)
        script.collect()
        assert script.peer(LOGON + "141=Y|") == []
        assert script.numbers.epoch == 1

    def test_a_reset_without_a_session_waits_for_the_next_logon(self) -> None:
        script = initiator(Numbers(next_in=5, next_out=5))
        script.session.reset(script.now)
        assert script.connect() == ["35=A|34=1|98=0|108=30|141=Y|"]

    def test_what_waited_behind_a_gap_becomes_hints(self) -> None:
        script = acceptor()
        script.logon()
        script.peer("35=0|34=3|", "35=8|34=5|17=E|")
        script.peer(LOGON + "141=Y|")
        assert [hint.number for hint in script.of(Hint)] == [5]
        assert script.wait(20) == []

    def test_both_sides_of_a_pair_agree_on_a_reset(self) -> None:
        pair = SessionPair(Numbers(next_in=9, next_out=9), Numbers(epoch=7, next_in=3, next_out=2))
        pair.initiator.reset(pair.now)
        pair.connect()
        assert pair.initiator.synchronised
        assert pair.acceptor.synchronised
        assert pair.initiator.numbers.epoch == 2
        assert pair.acceptor.numbers.epoch == 8
        pair.acceptor.reset(pair.now)
        pair.settle()
        assert pair.initiator.synchronised
        assert pair.acceptor.synchronised
        assert (pair.initiator.numbers.epoch, pair.acceptor.numbers.epoch) == (3, 9)


class TestForcedNumbers:
    def test_higher_numbers_stay_in_the_epoch_and_skip_what_they_pass_over(self) -> None:
        script = acceptor(Numbers(next_in=5, next_out=5))
        script.session.force_numbers(7, 9)
        assert script.numbers == Numbers(epoch=1, next_in=7, next_out=9, skipped=[(5, 6)])
        assert script.session.take_events() == [Skipped(1, 5, 6)]

    def test_lower_numbers_begin_a_new_epoch(self) -> None:
        script = acceptor(Numbers(next_in=5, next_out=5))
        script.session.force_numbers(7, 2)
        assert script.numbers == Numbers(epoch=2, next_in=7, next_out=2)


class TestNextExpected:
    """789 and 369: recovery.md 3.3 lives on them."""

    def test_789_is_sent_where_configured(self) -> None:
        script = acceptor(Numbers(next_in=4, next_out=9), send_next_expected=True)
        assert script.logon("35=A|34=4|98=0|108=30|") == ["35=A|34=9|98=0|108=30|789=5|"]

    def test_789_proves_what_the_peer_has(self) -> None:
        script = acceptor(Numbers(next_in=4, next_out=9))
        script.logon("35=A|34=4|98=0|108=30|789=9|")
        assert script.of(Proved) == [Proved(1, 8)]
        assert script.of(ReplayWanted) == []

    def test_789_asks_for_what_the_peer_misses(self) -> None:
        script = acceptor(Numbers(next_in=4, next_out=9))
        script.logon("35=A|34=4|98=0|108=30|789=6|")
        assert script.of(ReplayWanted) == [ReplayWanted(1, 6, 9, synchronised=False)]
        assert script.of(Proved) == [Proved(1, 5)]

    def test_789_above_what_was_sent_ends_the_session(self) -> None:
        script = acceptor(Numbers(next_in=4, next_out=9))
        answers = script.logon("35=A|34=4|98=0|108=30|789=10|")
        assert answers[1].startswith("35=5|34=10|58=NextExpectedMsgSeqNum too high")

    def test_789_must_be_positive(self) -> None:
        answers = acceptor(Numbers(next_in=4, next_out=9)).logon("35=A|34=4|98=0|108=30|789=0|")
        assert answers[1] == "35=5|34=10|58=NextExpectedMsgSeqNum must be positive|"

    def test_with_789_both_ways_nobody_asks_twice(self) -> None:
        script = initiator(Numbers(next_in=4, next_out=9), send_next_expected=True)
        assert script.connect() == ["35=A|34=9|98=0|108=30|789=4|"]
        assert script.peer("35=A|34=7|98=0|108=30|789=10|") == []
        assert script.peer("35=4|34=4|43=Y|123=Y|36=8|") == []
        assert script.numbers.next_in == 8

    def test_a_peer_that_forgets_its_789_is_asked_after_a_while(self) -> None:
        script = initiator(Numbers(next_in=4, next_out=9), send_next_expected=True)
        script.connect()
        script.peer("35=A|34=7|98=0|108=30|789=10|")
        assert script.wait(10) == ["35=2|34=10|7=4|16=0|"]

    def test_a_789_that_came_to_no_marker_is_taken_for_one_too_high(self) -> None:
        """The peer waits for 6 and says 7: it takes nothing that follows, and does not ask."""
        script = Script(Numbers(next_in=4, next_out=9), role=Role.INITIATOR)
        script.connect()
        script.peer("35=A|34=4|98=0|108=30|789=7|")
        script.session.resend([], 9, script.now)
        script.wait(11)
        assert "marker-lost" in [each.code for each in script.of(Incident)]
        script.disconnect()
        script.connect()
        script.peer("35=A|34=5|98=0|108=30|789=7|")
        last = script.numbers.next_out - 1
        assert script.of(ReplayWanted)[-1] == ReplayWanted(1, 6, last, synchronised=False)
        assert script.of(Forgot) == [Forgot(1, 6, 6)], "what was believed proved is not"
        script.session.resend([], last, script.now)
        (gap_fill, marker) = script.collect()
        assert gap_fill.startswith("35=4|34=6|43=Y|")
        script.peer(f"35=0|34=6|112={marker.partition('112=')[2]}")
        assert script.session.synchronised
        script.disconnect()
        script.connect()
        script.peer("35=A|34=7|98=0|108=30|789=8|")
        assert script.of(ReplayWanted)[-1].begin == 8, "believed again"

    def test_369_is_proof(self) -> None:
        script = acceptor()
        script.logon()
        script.send()
        script.peer("35=0|34=2|369=2|", "35=0|34=3|369=1|")
        assert script.of(Proved) == [Proved(1, 2)]

    def test_369_of_an_old_copy_or_beyond_what_was_sent_proves_nothing(self) -> None:
        script = acceptor()
        script.logon()
        script.peer("35=0|34=2|43=Y|122=20260302-14:30:00|369=1|", "35=0|34=3|369=77|")
        assert script.of(Proved) == []
        assert codes(script) == ["last-processed"]

    def test_369_is_sent_where_configured(self) -> None:
        script = acceptor(last_processed=True)
        script.logon()
        assert script.peer("35=1|34=2|112=A|") == ["35=0|34=2|369=2|112=A|"]
        script.peer("35=2|34=3|7=1|16=0|")
        script.session.resend([], 2, script.now)
        (fill,) = script.collect()
        assert fill == "35=4|34=1|43=Y|122=20260302-14:30:00.000|369=3|36=3|123=Y|"

    def test_789_below_what_was_proved_is_a_peer_that_forgot(self) -> None:
        script = acceptor(Numbers(next_in=4, next_out=9, proven_through=7))
        script.logon("35=A|34=4|98=0|108=30|789=3|")
        assert script.of(Forgot) == [Forgot(1, 3, 7)]


class TestLogout:
    def test_13b_unsolicited_logout(self) -> None:
        script = acceptor()
        script.logon()
        assert script.peer("35=5|34=2|58=bye|") == ["35=5|34=2|"]
        assert script.of(LoggedOut) == [LoggedOut("bye")]
        assert script.of(Close) == [Close("bye")]
        assert script.numbers.next_in == 3

    def test_logout_is_honoured_whatever_its_number_and_does_not_move_it(self) -> None:
        for number in (1, 9):
            script = acceptor()
            script.logon()
            assert script.peer(f"35=5|34={number}|") == ["35=5|34=2|"]
            assert script.numbers.next_in == 2

    def test_an_initiator_leaves_the_closing_to_the_acceptor_for_a_while(self) -> None:
        script = initiator()
        script.connect()
        script.peer(LOGON)
        assert script.peer("35=5|34=2|") == ["35=5|34=2|"]
        assert script.of(Close) == []
        script.wait(2)
        assert len(script.of(Close)) == 1
        assert len(script.of(LoggedOut)) == 1

    def test_ours_is_answered_within_two_seconds_or_the_line_is_cut(self) -> None:
        script = acceptor()
        script.logon()
        script.session.logout("night", script.now)
        assert script.collect() == ["35=5|34=2|58=night|"]
        assert not script.session.logged_on
        script.wait(1.9)
        assert script.of(Close) == []
        script.wait(0.1)
        assert len(script.of(Close)) == 1

    def test_what_the_peer_still_says_before_its_logout_is_consumed(self) -> None:
        script = acceptor()
        script.logon()
        script.session.logout("", script.now)
        script.peer("35=8|34=2|17=E|", "35=5|34=3|")
        assert [e.number for e in script.of(AppReceived)] == [2]
        assert len(script.of(Close)) == 1
        assert script.numbers.next_in == 4

    def test_a_line_that_is_not_logged_on_is_just_closed(self) -> None:
        script = acceptor()
        script.connect()
        script.session.logout("no", script.now)
        assert script.collect() == []
        assert script.of(Close) == [Close("no")]

    def test_a_lost_line_ends_the_session_once(self) -> None:
        script = acceptor()
        script.logon()
        script.disconnect()
        assert script.of(LoggedOut) == [LoggedOut("cut")]
        assert script.session.state is State.DISCONNECTED
        assert script.session.next_deadline() is None

    def test_what_was_not_written_when_the_line_went_is_not_written_later(self) -> None:
        script = acceptor()
        script.logon()
        script.session.send("D", [(11, "A")], script.now)
        script.session.disconnect(script.now, "cut")
        assert script.collect() == []
        assert [s.number for s in script.sent] == [1, 2]


class TestIdentity:
    def test_a_listener_finds_who_calls(self) -> None:
        raw = fix("35=A|34=1|49=EMS|56=SOR|52=x|", "FIX.4.2")
        assert lookup_identity(raw) == ("FIX.4.2", "EMS", "SOR")

    @pytest.mark.parametrize("raw", [b"", b"GET / HTTP/1.1", b"8=FIX.4.4\x0149=A\x01"])
    def test_or_nobody(self, raw: bytes) -> None:
        assert lookup_identity(raw) is None
