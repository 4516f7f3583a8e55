"""Numbers, gaps, PossDup and SequenceReset: fix.md 1, named after the FIX session test cases."""

from __future__ import annotations

from typing import Any

import pytest

from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.events import (
    AppReceived,
    Close,
    Hint,
    Incident,
    LoggedOut,
    PeerRejected,
    Skipped,
)
from sor_gateway.fix.session import Numbers
from sor_gateway.fix.states import State
from tests.fix.helpers import START_NS, Script, fix, show, split

ORDER = "|11=ID|21=3|40=1|54=1|55=INTC|"


def logged_on(**changes: Any) -> Script:
    """An acceptor that has answered a Logon; markers are off, so that numbers are easy to read."""
    script = Script(markers=False, **changes)
    assert script.logon() == ["35=A|34=1|98=0|108=30|"]
    return script


def numbers_received(script: Script) -> list[int]:
    return [event.number for event in script.of(AppReceived)]


class TestWholeMessages:
    def test_1a_logon_and_logout_as_they_stand_on_the_wire(self) -> None:
        script = Script(markers=False)
        script.connect()
        script.session.receive(
            fix("35=A|34=1|49=PEER|52=20260302-14:30:00.000|56=GATEWAY|98=0|108=30|"), START_NS
        )
        assert script.session.take_output() == (
            b"8=FIX.4.4\x019=66\x0135=A\x0134=1\x0149=GATEWAY\x0152=20260302-14:30:00.000\x01"
            b"56=PEER\x0198=0\x01108=30\x0110=039\x01"
        )
        script.session.receive(
            fix("35=5|34=2|49=PEER|52=20260302-14:30:00.000|56=GATEWAY|"), START_NS
        )
        assert [show(raw) for raw in split(script.session.take_output())] == [
            "35=5|34=2|49=GATEWAY|52=20260302-14:30:00.000|56=PEER|"
        ]

    def test_a_resent_order_as_it_stands_on_the_wire(self) -> None:
        script = logged_on()
        script.send("115=DESK|11=A|58=x=y|")
        raw = script.raw_sent(2)
        script.now += 7_000_000_000
        script.peer("35=2|34=2|7=2|16=2|")
        script.session.resend([(2, raw)], 2, script.now)
        assert show(script.session.take_output()) == (
            "35=D|34=2|43=Y|49=GATEWAY|52=20260302-14:30:07.000|56=PEER|115=DESK"
            "|122=20260302-14:30:00.000|11=A|58=x=y|"
        )


class TestInSequence:
    def test_2a_msg_seq_num_correct(self) -> None:
        script = logged_on()
        assert script.peer("35=0|34=2|", "35=D|34=3" + ORDER, "35=D|34=4|97=Y" + ORDER) == []
        assert numbers_received(script) == [3, 4]
        assert [event.poss_resend for event in script.of(AppReceived)] == [False, True]
        assert [(c.number, c.msg_type) for c in script.consumed] == [
            (1, "A"),
            (2, "0"),
            (3, "D"),
            (4, "D"),
        ]
        assert script.numbers.next_in == 5

    def test_a_message_may_come_byte_by_byte(self) -> None:
        script = logged_on()
        for byte in script.raw("35=D|34=2" + ORDER):
            assert script.feed(bytes([byte])) == []
        assert numbers_received(script) == [2]

    def test_4b_a_test_request_is_answered(self) -> None:
        assert logged_on().peer("35=1|34=2|112=HELLO|") == ["35=0|34=2|112=HELLO|"]

    def test_7_a_received_reject_consumes_its_number_and_goes_up(self) -> None:
        script = logged_on()
        assert script.peer("35=3|34=2|45=1|", "35=j|34=3|45=7|372=D|380=3|") == []
        assert [event.ref_number for event in script.of(PeerRejected)] == [1, 7]
        assert script.numbers.next_in == 4


class TestTooHigh:
    def test_2b_msg_seq_num_too_high(self) -> None:
        script = logged_on()
        assert script.peer("35=D|34=5" + ORDER) == ["35=2|34=2|7=2|16=0|"]
        assert numbers_received(script) == []
        filled = script.peer(*(f"35=D|34={n}|43=Y|122=20260302-14:30:00{ORDER}" for n in (2, 3, 4)))
        assert filled == []
        assert numbers_received(script) == [2, 3, 4, 5]
        assert script.numbers.next_in == 6

    def test_a_second_high_message_raises_no_second_request(self) -> None:
        script = logged_on()
        assert script.peer("35=0|34=5|", "35=0|34=6|") == ["35=2|34=2|7=2|16=0|"]
        assert script.peer("35=0|34=8|") == []

    def test_a_hole_behind_the_filled_gap_is_a_gap_of_its_own(self) -> None:
        script = logged_on()
        script.peer("35=D|34=4" + ORDER, "35=D|34=7" + ORDER)
        filled = script.peer("35=4|34=2|43=Y|123=Y|36=4|")
        assert filled == ["35=2|34=3|7=5|16=0|"]
        assert numbers_received(script) == [4]
        script.peer("35=4|34=5|43=Y|123=Y|36=7|")
        assert numbers_received(script) == [4, 7]

    def test_what_waits_stays_when_it_is_sent_again(self) -> None:
        script = logged_on()
        script.peer("35=D|34=4|11=A|", "35=D|34=4|43=Y|122=20260302-14:30:00|11=A|")
        script.peer("35=4|34=2|43=Y|123=Y|36=4|")
        assert [(e.number, e.poss_dup) for e in script.of(AppReceived)] == [(4, False)]

    def test_a_logout_that_waits_behind_a_gap_does_not_exist(self) -> None:
        script = logged_on()
        assert script.peer("35=0|34=4|", "35=5|34=5|") == ["35=2|34=2|7=2|16=0|", "35=5|34=3|"]
        assert script.numbers.next_in == 2

    def test_the_queue_is_bounded_and_what_it_dropped_is_asked_for_again(self) -> None:
        script = logged_on(queue_limit=2)
        asked = script.peer(*(f"35=D|34={n}{ORDER}" for n in (4, 5, 6, 7)))
        assert asked == ["35=2|34=2|7=2|16=0|"]
        assert [i.code for i in script.of(Incident)] == ["queue-full"]
        assert script.peer("35=4|34=2|43=Y|123=Y|36=4|") == []
        assert numbers_received(script) == [4, 5]
        assert script.peer("35=D|34=8" + ORDER) == ["35=2|34=3|7=6|16=0|"]

    def test_20_the_peers_resend_request_is_served_while_our_gap_is_open(self) -> None:
        script = logged_on()
        script.send()
        script.send()
        assert script.peer("35=0|34=7|") == ["35=2|34=4|7=2|16=0|"]
        script.peer("35=2|34=8|7=2|16=3|")
        assert script.session.replaying == (2, 3)
        script.session.resend([(n, script.raw_sent(n)) for n in (2, 3)], 3, script.now)
        assert [line[:14] for line in script.collect()] == ["35=D|34=2|43=Y", "35=D|34=3|43=Y"]
        assert script.peer("35=4|34=2|43=Y|123=Y|36=7|") == []
        assert script.numbers.next_in == 9

    def test_two_sessions_that_both_miss_something_do_not_wait_for_each_other(self) -> None:
        script = logged_on()
        script.send()
        asked = script.peer("35=2|34=5|7=1|16=0|")
        assert asked == ["35=2|34=3|7=2|16=0|"]
        assert script.session.replaying == (1, 2)

    def test_requests_may_go_out_in_chunks(self) -> None:
        script = logged_on(resend_chunk=2)
        assert script.peer("35=0|34=7|") == ["35=2|34=2|7=2|16=3|"]
        assert script.peer("35=0|34=2|43=Y|122=20260302-14:30:00|") == []
        assert script.peer("35=4|34=3|43=Y|123=Y|36=4|") == ["35=2|34=3|7=4|16=5|"]
        assert script.peer("35=4|34=4|43=Y|123=Y|36=6|") == ["35=2|34=4|7=6|16=7|"]
        assert script.peer("35=4|34=6|43=Y|123=Y|36=7|") == []
        assert script.numbers.next_in == 8

    def test_an_unanswered_request_is_repeated_once_then_the_session_ends(self) -> None:
        script = logged_on()
        script.peer("35=0|34=5|")
        assert script.wait(10) == ["35=2|34=3|7=2|16=0|"]
        assert script.wait(9) == []
        assert script.wait(1) == ["35=5|34=4|58=ResendRequest was not answered|"]
        assert script.session.state is State.CLOSING

    def test_progress_gives_a_slow_peer_more_time(self) -> None:
        script = logged_on()
        script.peer("35=0|34=5|")
        for number in (2, 3):
            assert script.wait(9) == []
            script.peer(f"35=4|34={number}|43=Y|123=Y|36={number + 1}|")
        assert script.wait(9) == []


class TestTooLow:
    def test_2c_msg_seq_num_too_low(self) -> None:
        script = logged_on()
        script.peer("35=0|34=2|", "35=0|34=3|", "35=0|34=4|")
        text = "MsgSeqNum too low, expecting 5 but received 2"
        assert script.peer("35=0|34=2|") == [f"35=5|34=2|58={text}|"]
        assert script.of(LoggedOut) == [LoggedOut(text)]
        assert script.of(Close) == [Close(text)]
        assert script.peer("35=0|34=5|") == []
        assert script.numbers.next_in == 5

    def test_2e_poss_dup_already_received(self) -> None:
        script = logged_on()
        script.peer("35=D|34=2" + ORDER)
        assert script.peer("35=D|34=2|43=Y|122=20260302-14:30:00" + ORDER) == []
        assert numbers_received(script) == [2]
        assert script.of(Hint) == []

    def test_2e_poss_dup_not_received(self) -> None:
        script = logged_on()
        assert script.peer("35=D|34=2|43=Y|122=20260302-14:30:00" + ORDER) == []
        assert [(e.number, e.poss_dup) for e in script.of(AppReceived)] == [(2, True)]

    def test_2f_poss_dup_orig_sending_time_too_high(self) -> None:
        script = logged_on()
        script.peer("35=D|34=2" + ORDER)
        assert script.peer("35=D|34=2|43=Y|122=20260302-14:30:10" + ORDER) == [
            "35=3|34=2|45=2|58=SendingTime accuracy problem|372=D|373=10|",
            "35=5|34=3|58=SendingTime accuracy problem|",
        ]
        assert script.session.state is State.CLOSING

    def test_2g_poss_dup_no_orig_sending_time(self) -> None:
        script = logged_on()
        script.peer("35=D|34=2" + ORDER)
        assert script.peer("35=D|34=2|43=Y" + ORDER, "35=1|34=3|112=HELLO|") == [
            "35=3|34=2|45=2|58=Required tag missing|371=122|372=D|373=1|",
            "35=0|34=3|112=HELLO|",
        ]

    def test_a_poss_dup_whose_orig_sending_time_is_no_time_is_rejected(self) -> None:
        script = logged_on()
        script.peer("35=D|34=2" + ORDER)
        (reject,) = script.peer("35=D|34=2|43=Y|122=yesterday" + ORDER)
        assert reject.endswith("|371=122|372=D|373=6|")
        assert script.session.logged_on


class TestSequenceReset:
    def test_10_gap_fill_at_the_expected_number(self) -> None:
        script = logged_on()
        assert script.peer("35=4|34=2|36=20|123=Y|", "35=1|34=20|112=HELLO|") == [
            "35=0|34=2|112=HELLO|"
        ]
        assert script.of(Skipped) == [Skipped(1, 2, 19)]
        assert [c.number for c in script.consumed] == [1, 19, 20]

    def test_10_gap_fill_too_high_is_a_gap(self) -> None:
        script = logged_on()
        assert script.peer("35=4|34=10|36=20|123=Y|", "35=1|34=20|112=HELLO|") == [
            "35=2|34=2|7=2|16=0|"
        ]
        assert script.peer("35=5|34=2|") == ["35=5|34=3|"]

    def test_10_low_gap_fill_is_ignored_with_43_and_fatal_without(self) -> None:
        script = logged_on()
        assert script.peer("35=4|34=1|43=Y|122=20260302-14:30:00|36=20|123=Y|") == []
        assert script.peer("35=4|34=1|36=20|123=Y|") == [
            "35=5|34=2|58=MsgSeqNum too low, expecting 2 but received 1|"
        ]

    def test_a_gap_fill_that_leads_nowhere_is_rejected_and_counted(self) -> None:
        script = logged_on()
        (reject,) = script.peer("35=4|34=2|36=2|123=Y|")
        assert reject.endswith("|372=4|373=5|")
        assert script.numbers.next_in == 3
        (reject,) = script.peer("35=4|34=3|123=Y|")
        assert reject.endswith("|371=36|372=4|373=1|")

    def test_11a_reset_to_a_higher_number_whatever_its_own(self) -> None:
        script = logged_on()
        assert script.peer("35=4|34=0|36=25|", "35=1|34=25|112=A|") == ["35=0|34=2|112=A|"]
        assert script.peer("35=4|34=0|36=50|123=N|", "35=1|34=50|112=B|") == ["35=0|34=3|112=B|"]
        assert script.of(Skipped) == [Skipped(1, 2, 24), Skipped(1, 26, 49)]

    def test_11b_reset_to_the_expected_number(self) -> None:
        script = logged_on()
        assert script.peer("35=4|34=0|36=2|", "35=1|34=2|112=A|") == ["35=0|34=2|112=A|"]
        assert script.of(Skipped) == []

    def test_11c_reset_to_a_lower_number(self) -> None:
        script = logged_on()
        text = "Value is incorrect (out of range) for this tag"
        assert script.peer("35=4|34=0|36=1|", "35=1|34=2|112=A|") == [
            f"35=3|34=2|45=0|58={text}|372=4|373=5|",
            "35=0|34=3|112=A|",
        ]

    def test_a_reset_over_the_gap_closes_it_and_hints_at_what_waited(self) -> None:
        script = logged_on()
        script.peer("35=D|34=4" + ORDER, "35=0|34=5|", "35=D|34=9" + ORDER)
        assert script.peer("35=4|34=0|36=9|") == []
        assert [hint.number for hint in script.of(Hint)] == [4]
        assert script.of(Skipped) == [Skipped(1, 2, 4), Skipped(1, 6, 8)]
        assert numbers_received(script) == [9]
        assert script.wait(25) == []


class TestHints:
    """recovery.md 2.5: what did not come under its number goes up, and never ends doubt."""

    def test_a_queued_message_that_a_gap_fill_covers(self) -> None:
        script = logged_on()
        script.peer("35=8|34=4|17=E1|")
        script.peer("35=4|34=2|43=Y|123=Y|36=6|")
        assert [(h.number, h.message[17]) for h in script.of(Hint)] == [(4, "E1")]
        assert numbers_received(script) == []
        assert script.numbers.next_in == 6

    def test_a_low_poss_dup_of_a_number_that_was_passed_over(self) -> None:
        script = logged_on()
        script.peer("35=4|34=2|43=Y|123=Y|36=6|", "35=8|34=6|17=E2|")
        script.peer("35=8|34=3|43=Y|122=20260302-14:29:00|17=E1|")
        assert [(h.number, h.message[17]) for h in script.of(Hint)] == [(3, "E1")]

    def test_the_number_of_an_admin_message_that_waited_is_not_skipped(self) -> None:
        script = logged_on()
        script.peer("35=0|34=3|", "35=0|34=4|")
        script.peer("35=4|34=2|43=Y|123=Y|36=5|")
        assert script.of(Skipped) == [Skipped(1, 2, 2)]

    def test_a_rejected_application_message_counts_as_skipped(self) -> None:
        script = logged_on()
        (reject,) = script.peer("35=8|34=2|17=|")
        assert reject.endswith("|45=2|58=Tag specified without a value|371=17|372=8|373=4|")
        assert script.of(Skipped) == [Skipped(1, 2, 2)]

    def test_the_list_of_skipped_ranges_is_bounded(self) -> None:
        script = logged_on()
        for number in range(2, 1_202, 4):
            script.peer(f"35=4|34={number}|123=Y|36={number + 2}|")
            script.peer(f"35=0|34={number + 2}|", f"35=0|34={number + 3}|")
        assert len(script.numbers.skipped) == 256
        assert script.numbers.skipped[0][0] == 2
        assert script.numbers.skipped[-1] == (1_198, 1_199)


class TestBadMessages:
    def test_2d_a_garbled_message_does_not_consume_its_number(self) -> None:
        script = logged_on()
        bad = script.raw("35=0|34=2|")[:-4] + b"000\x01"
        assert script.feed(bad + bad + script.raw("35=1|34=2|112=A|")) == ["35=0|34=2|112=A|"]
        assert [i.code for i in script.of(Incident)] == ["garbled"]

    def test_3c_fields_that_are_no_fields_are_garbled_too(self) -> None:
        script = logged_on()
        assert script.peer("35=0|34=2|garbled|", "35=0|34=3|") == ["35=2|34=2|7=2|16=0|"]

    def test_2i_begin_string_unexpected(self) -> None:
        script = logged_on()
        other = fix(script.peer_text("35=1|34=2|112=id|"), "FIX.4.1")
        assert script.feed(other) == ["35=5|34=2|58=Incorrect BeginString|"]
        assert script.session.state is State.CLOSING

    def test_2k_comp_id_does_not_match(self) -> None:
        for wrong in ("49=WT|", "56=DLSI|", "49=WT|56=DLSI|"):
            script = logged_on()
            assert script.peer(f"35=D|34=2|{wrong}{ORDER[1:]}") == [
                "35=3|34=2|45=2|58=CompID problem|372=D|373=9|",
                "35=5|34=3|58=CompID problem|",
            ]
            assert script.session.state is State.CLOSING
            assert script.of(AppReceived) == []
            assert script.numbers.next_in == 3

    def test_2o_sending_time_out_of_range(self) -> None:
        for wrong in ("20260302-14:27:59", "20260302-14:32:01", "20260302-14:27:59.999", "soon"):
            script = logged_on()
            assert script.peer(f"35=0|34=2|52={wrong}|") == [
                "35=3|34=2|45=2|58=SendingTime accuracy problem|372=0|373=10|",
                "35=5|34=3|58=SendingTime accuracy problem|",
            ]

    def test_2o_sending_time_just_in_range(self) -> None:
        script = logged_on()
        good = ("20260302-14:28:00.000", "20260302-14:28:00", "20260302-14:32:00.000")
        for number, text in enumerate(good, 2):
            assert script.peer(f"35=0|34={number}|52={text}|") == []

    def test_a_message_without_a_number_ends_the_session(self) -> None:
        for wrong in ("35=0|", "35=0|34=x|", "35=0|34=-2|", "35=0|34=" + "9" * 40 + "|"):
            assert logged_on().peer(wrong) == [
                "35=5|34=2|58=MsgSeqNum (34) is missing or not a number|"
            ]

    def test_14b_a_missing_header_field_is_rejected_and_the_session_goes_on(self) -> None:
        script = logged_on()
        raw = fix("35=0|34=2|49=PEER|52=20260302-14:30:00|")
        assert script.feed(raw) == ["35=3|34=2|45=2|58=Required tag missing|371=56|372=0|373=1|"]
        assert script.peer("35=1|34=3|112=A|") == ["35=0|34=3|112=A|"]

    def test_14d_tag_specified_without_value(self) -> None:
        script = logged_on()
        assert script.peer("35=0|34=2|56=|") == [
            "35=3|34=2|45=2|58=Tag specified without a value|371=56|372=0|373=4|"
        ]
        assert script.session.logged_on
        assert script.numbers.next_in == 3

    def test_14d_a_type_without_value_is_rejected_too(self) -> None:
        script = Script(markers=False)
        script.logon()
        assert script.peer("35=|34=2|") == [
            "35=3|34=2|45=2|58=Tag specified without a value|371=35|373=4|"
        ]

    def test_routing_is_reversed_on_a_reject(self) -> None:
        script = logged_on()
        fault = "58=Tag specified without a value"
        assert script.peer("35=D|34=2|115=JCD|116=CS|144=CHI|11=|") == [
            f"35=3|34=2|128=JCD|129=CS|145=CHI|45=2|{fault}|371=11|372=D|373=4|"
        ]
        assert script.peer("35=D|34=3|128=JCD|129=|145=CHI|") == [
            f"35=3|34=3|115=JCD|144=CHI|45=3|{fault}|371=129|372=D|373=4|"
        ]

    def test_a_missing_sending_time_is_rejected_and_the_session_goes_on(self) -> None:
        script = logged_on()
        (reject,) = script.feed(fix("35=0|34=2|49=PEER|56=GATEWAY|"))
        assert reject == "35=3|34=2|45=2|58=Required tag missing|371=52|372=0|373=1|"
        assert script.session.logged_on

    def test_a_sending_time_out_of_range_that_is_no_time_at_all(self) -> None:
        script = logged_on()
        (reject, _) = script.peer("35=0|34=2|52=20260302-14:27:00.x|")
        assert reject.endswith("|373=10|")

    def test_a_data_field_may_hold_what_looks_like_an_empty_tag(self) -> None:
        script = logged_on()
        assert script.peer("35=C|34=2|95=5|96=a=|b=|") == []
        assert script.of(AppReceived)[0].message[96] == "a=\x01b="

    def test_a_dictionary_names_tag_and_value(self) -> None:
        script = logged_on(dictionary=load_packaged("FIX.4.4"))
        (reject,) = script.peer("35=D|34=2|11=A|38=100|40=?|54=1|55=X|60=20260302-14:30:00|")
        assert "OrdType (40) = '?'" in reject
        assert reject.endswith("|371=40|372=D|373=5|")
        assert script.of(Skipped) == [Skipped(1, 2, 2)]

    def test_validation_may_be_off(self) -> None:
        script = logged_on(dictionary=load_packaged("FIX.4.4"), validation="off")
        assert script.peer("35=D|34=2|40=?|") == []
        assert numbers_received(script) == [2]

    def test_validation_may_be_lenient(self) -> None:
        script = Script(dictionary=load_packaged("FIX.4.4"), markers=False, validation="lenient")
        script.logon()
        assert script.peer("35=0|34=2|9999=X|") == []
        assert script.peer("35=1|34=3|") == [
            "35=3|34=2|45=3|58=TestReqID (112): required in TestRequest|371=112|372=1|373=1|"
        ]

    def test_fix_4_2_has_no_373_above_11(self) -> None:
        script = logged_on(
            dictionary=load_packaged("FIX.4.2"), begin_string="FIX.4.2", user_defined="none"
        )
        (reject,) = script.peer("35=0|34=2|112=A|112=B|")
        assert "|371=112|372=0|" in reject
        assert "|373=" not in reject

    def test_after_the_end_nothing_is_read(self) -> None:
        script = logged_on()
        assert len(script.peer("35=0|34=1|", "35=D|34=2" + ORDER)) == 1
        assert script.of(AppReceived) == []
        assert script.session.next_deadline() is None


class TestResend:
    def test_8_only_admin_messages_are_one_gap_fill(self) -> None:
        script = logged_on()
        script.peer("35=1|34=2|112=A|", "35=1|34=3|112=A|")
        script.peer("35=2|34=4|7=1|16=2|")
        script.session.resend([], 2, script.now)
        assert script.collect() == ["35=4|34=1|43=Y|122=20260302-14:30:00.000|36=3|123=Y|"]

    def test_8_a_run_of_gaps_over_several_calls_is_one_gap_fill(self) -> None:
        script = logged_on()
        script.peer(*(f"35=1|34={n}|112=A|" for n in (2, 3, 4)))
        script.send()
        script.peer("35=2|34=5|7=1|16=0|")
        script.session.resend([], 2, script.now)
        assert script.collect() == []
        assert script.session.replaying == (3, 5)
        script.session.resend([], 4, script.now)
        script.session.resend([(5, script.raw_sent(5))], 5, script.now)
        assert [line.partition("|52")[0] for line in script.collect()] == [
            "35=4|34=1|43=Y|122=20260302-14:30:00.000|36=5|123=Y|",
            "35=D|34=5|43=Y|122=20260302-14:30:00.000|11=A|",
        ]

    def test_admin_messages_are_never_resent_even_when_found(self) -> None:
        script = logged_on()
        script.peer("35=2|34=2|7=1|16=0|")
        script.session.resend([(1, script.raw_sent(1))], 1, script.now)
        assert [line[:9] for line in script.collect()] == ["35=4|34=1"]

    def test_a_resend_request_is_served_whatever_its_number(self) -> None:
        script = logged_on()
        script.peer("35=0|34=2|", "35=0|34=3|")
        assert script.peer("35=2|34=2|7=1|16=0|") == []
        assert script.session.replaying == (1, 1)
        assert script.numbers.next_in == 4

    def test_an_end_beyond_what_was_sent_is_clamped(self) -> None:
        for end in ("0", "999999", "50"):
            script = logged_on()
            script.peer(f"35=2|34=2|7=1|16={end}|")
            assert script.session.replaying == (1, 1)

    def test_a_begin_beyond_what_was_sent_is_rejected(self) -> None:
        script = logged_on()
        (reject,) = script.peer("35=2|34=2|7=5|16=0|")
        assert reject.endswith("|371=7|372=2|373=5|")
        assert script.session.replaying is None
        assert script.peer("35=2|34=3|7=0|16=0|")[0].endswith("|373=5|")
        assert script.peer("35=2|34=4|7=x|16=0|")[0].endswith("|371=7|372=2|373=5|")

    def test_one_replay_at_a_time_the_next_waits(self) -> None:
        script = logged_on()
        for _ in range(4):
            script.send()
        script.peer("35=2|34=2|7=2|16=3|", "35=2|34=3|7=1|16=2|")
        assert script.session.replaying == (2, 3)
        script.session.resend([(n, script.raw_sent(n)) for n in (2, 3)], 3, script.now)
        assert script.session.replaying == (1, 2)
        script.session.resend([(2, script.raw_sent(2))], 2, script.now)
        assert script.session.replaying is None

    def test_a_request_inside_the_replay_in_flight_extends_it_only(self) -> None:
        script = logged_on()
        for _ in range(4):
            script.send()
        script.peer("35=2|34=2|7=1|16=3|", "35=2|34=3|7=2|16=5|", "35=2|34=4|7=3|16=3|")
        assert script.session.replaying == (1, 3)
        script.session.resend([(n, script.raw_sent(n)) for n in (2, 3)], 3, script.now)
        assert script.session.replaying == (4, 5)

    def test_requests_that_wait_are_bounded(self) -> None:
        script = logged_on()
        for _ in range(200):
            script.send()
        for k in range(100):
            script.peer(f"35=2|34={k + 2}|7={200 - 2 * k}|16={200 - 2 * k}|")
        asked = 0
        while script.session.replaying is not None:
            script.session.resend([], script.session.replaying[1], script.now)
            asked += 1
        assert asked == 17

    def test_the_application_may_send_while_a_replay_is_under_way(self) -> None:
        script = logged_on()
        script.send("11=A|")
        script.send("11=B|")
        script.peer("35=2|34=2|7=2|16=0|")
        script.session.resend([(2, script.raw_sent(2))], 2, script.now)
        assert script.send("11=C|")[-1] == "35=D|34=4|11=C|"
        script.session.resend([(3, script.raw_sent(3))], 3, script.now)
        assert [line[:14] for line in script.collect()] == ["35=D|34=3|43=Y"]


class TestNumbersSurvive:
    def test_numbers_go_on_where_the_record_ends(self) -> None:
        script = Script(Numbers(epoch=3, next_in=40, next_out=57), markers=False)
        assert script.logon("35=A|34=40|98=0|108=30|") == ["35=A|34=57|98=0|108=30|"]
        assert [(s.number, s.epoch) for s in script.sent] == [(57, 3)]
        assert [(c.number, c.epoch) for c in script.consumed] == [(40, 3)]

    def test_send_before_the_logon_is_our_bug(self) -> None:
        script = Script()
        script.connect()
        with pytest.raises(AssertionError, match="logged on"):
            script.send()
