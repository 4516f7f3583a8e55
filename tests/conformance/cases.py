"""What fix.md 1 demands of an acceptor, as conversations that both FIX 4.2 and FIX 4.4 must hold.

Each case is named after the acceptance case of the FIX session tests whose rule it states; the
conversations are ours. `test_cases.py` plays them against the session layer in memory, for both
versions; `make conformance` plays them over a socket as well, as a file for the public runner.

A conversation is read line by line:

    > 35=0|34=2         we say this; 8, 9, 10 and, unless written, 49, 52 and 56 are added
    >> 8=FIX|...        these bytes and no others, | for SOH
    < 35=0|34=2         this must come next; 49 and 56 too, while 52 and 58 are free
    closed              the acceptor must close the line
    2connect 2> 2closed         a second line beside the first

A time is written @, @-121 or @+121: now, and so many seconds away from it; `*` is any value, `?` in
front of a field that FIX 4.2 has no room for leaves it out there.
"""

from __future__ import annotations

from dataclasses import dataclass

LOGON = """
> 35=A|34=1|98=0|108=30
< 35=A|34=1|98=0|108=30
"""


@dataclass(slots=True)
class Case:
    """A rule and the conversation that shows it."""

    name: str
    rule: str
    lines: str
    slow: bool = False
    """Takes seconds on a real clock."""


def order(number: int, cl_ord_id: str = "A", more: str = "") -> str:
    """A NewOrderSingle with every field that both versions require; `more` is of the header."""
    body = f"11={cl_ord_id}|21=1|55=ACME|54=1|60=@|38=100|40=1"
    return f"35=D|34={number}|{more}{'|' if more else ''}{body}"


def logged_on(name: str, rule: str, lines: str, *, slow: bool = False) -> Case:
    """A case that begins with an ordinary logon."""
    return Case(name, rule, LOGON + lines, slow)


CASES: tuple[Case, ...] = (
    # -- 1: the logon
    logged_on(
        "1a_valid_logon_with_correct_msg_seq_num",
        "A valid Logon is answered with a Logon of the same HeartBtInt.",
        """
        > 35=5|34=2
        < 35=5|34=2
        closed
        """,
    ),
    Case(
        "1a_valid_logon_msg_seq_num_too_high",
        "A Logon numbered too high is answered, then what is missing is asked for.",
        """
        > 35=A|34=5|98=0|108=30
        < 35=A|34=1|98=0|108=30
        < 35=2|34=2|7=1|16=0
        > 35=4|34=1|43=Y|122=@|123=Y|36=6
        > 35=1|34=6|112=AFTER
        < 35=0|34=3|112=AFTER
        """,
    ),
    logged_on(
        "1b_duplicate_identity",
        "A second line with a live identity loses, and the first lives on.",
        """
        2connect
        2> 35=A|34=1|98=0|108=30
        2closed
        > 35=1|34=2|112=STILL
        < 35=0|34=2|112=STILL
        """,
    ),
    Case(
        "1c_invalid_sender_comp_id",
        "A Logon of a stranger is not answered.",
        "> 35=A|34=1|49=STRANGER|98=0|108=30\nclosed",
    ),
    Case(
        "1c_invalid_target_comp_id",
        "A Logon for somebody else is not answered.",
        "> 35=A|34=1|56=SOMEONE|98=0|108=30\nclosed",
    ),
    Case(
        "1d_invalid_logon_wrong_begin_string",
        "A Logon in another version is not answered.",
        "> 8=FIX.4.0|35=A|34=1|98=0|108=30\nclosed",
    ),
    Case(
        "1d_invalid_logon_length_invalid",
        "A Logon with a wrong BodyLength is not answered.",
        "> 9=20|35=A|34=1|98=0|108=30\nclosed",
    ),
    Case(
        "1d_invalid_logon_bad_sending_time",
        "A Logon from more than two minutes ago is not answered.",
        "> 35=A|34=1|52=@-125|98=0|108=30\nclosed",
    ),
    Case(
        "1e_not_logon_message",
        "Whoever does not begin with a Logon is not answered.",
        "> 35=0|34=1\nclosed",
    ),
    Case(
        "1x_negative_heart_bt_int",
        "A Logon with a negative HeartBtInt is refused with a word.",
        "> 35=A|34=1|98=0|108=-5\n< 35=5|34=1\nclosed",
    ),
    Case(
        "1x_no_logon_in_time",
        "A line without a Logon is closed after ten seconds.",
        "closed",
        slow=True,
    ),
    # -- 2: numbers and headers
    logged_on(
        "2a_msg_seq_num_correct",
        "Messages in their turn pass.",
        """
        > 35=0|34=2
        > 35=0|34=3
        > 35=1|34=4|112=FOUR
        < 35=0|34=2|112=FOUR
        """,
    ),
    logged_on(
        "2b_msg_seq_num_too_high",
        "A gap raises one ResendRequest, however many messages wait behind it; what waited is"
        " taken in its turn, and the number goes on behind it.",
        f"""
        > 35=1|34=4|112=HIGH
        < 35=2|34=2|7=2|16=0
        > 35=1|34=5|112=HIGHER
        > {order(2, "TWO", "43=Y|122=@-1")}
        < 35=D|34=3|11=TWO|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=4|34=3|43=Y|122=@|123=Y|36=4
        < 35=0|34=4|112=HIGH
        < 35=0|34=5|112=HIGHER
        > 35=1|34=6|112=NEXT
        < 35=0|34=6|112=NEXT
        """,
    ),
    logged_on(
        "2c_msg_seq_num_too_low",
        "A number that was used already, without 43=Y, ends the session with a word.",
        "> 35=0|34=1\n< 35=5|34=2\nclosed",
    ),
    logged_on(
        "2d_garbled_message",
        "A garbled message is ignored and its number stays free.",
        """
        > 35=1|34=2|112=BAD|10=256
        > 35=1|34=2|112=GOOD
        < 35=0|34=2|112=GOOD
        """,
    ),
    logged_on(
        "2e_poss_dup_already_received",
        "A repeated message that was received is ignored.",
        f"""
        > {order(2)}
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > {order(2, "A", "43=Y|122=@-1")}
        > 35=1|34=3|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "2e_poss_dup_not_received",
        "A repeated message that was not received is taken in its turn.",
        f"""
        > {order(2, "A", "43=Y|122=@-1")}
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        """,
    ),
    logged_on(
        "2f_poss_dup_orig_sending_time_too_high",
        "A repeated message that was sent before it was sent first ends the session.",
        f"""
        > 35=0|34=2
        > {order(2, "A", "43=Y|122=@+10")}
        < 35=3|34=2|45=2|372=D|373=10
        < 35=5|34=3
        closed
        """,
    ),
    logged_on(
        "2g_poss_dup_no_orig_sending_time",
        "A repeated message without the time of its first sending is rejected; the session lives.",
        f"""
        > 35=0|34=2
        > {order(2, "A", "43=Y")}
        < 35=3|34=2|45=2|371=122|372=D|373=1
        > 35=1|34=3|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "2i_begin_string_value_unexpected",
        "Another version within the session ends it with a word.",
        "> 8=FIX.4.0|35=0|34=2\n< 35=5|34=2\nclosed",
    ),
    logged_on(
        "2k_comp_id_does_not_match_profile",
        "Another sender within the session is rejected, and the session ends.",
        """
        > 35=0|34=2|49=STRANGER
        < 35=3|34=2|45=2|372=0|373=9
        < 35=5|34=3
        closed
        """,
    ),
    logged_on(
        "2m_body_length_too_short",
        "A message that claims to be shorter than it is does not exist; it is asked for again.",
        f"""
        > 9=30|{order(2)}
        > 35=0|34=3
        < 35=2|34=2|7=2|16=0
        > {order(2, "A", "43=Y|122=@-1")}
        < 35=D|34=3|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=1|34=4|112=ON
        < 35=0|34=4|112=ON
        """,
    ),
    logged_on(
        "2m_body_length_too_long",
        "A message that claims to be longer takes what it claims with it, and no more.",
        """
        > 9=75|35=1|34=2|112=BAD
        > 35=1|34=3|112=EATEN
        > 35=1|34=2|112=GOOD
        < 35=0|34=2|112=GOOD
        """,
    ),
    logged_on(
        "2o_sending_time_value_out_of_range",
        "A message from more than two minutes ago is rejected, and the session ends.",
        """
        > 35=0|34=2|52=@-125
        < 35=3|34=2|45=2|372=0|373=10
        < 35=5|34=3
        closed
        """,
    ),
    logged_on(
        "2q_msg_type_not_valid",
        "A type that does not exist is rejected.",
        """
        > 35=*|34=2
        < 35=3|34=2|45=2|371=35|372=*|373=11
        > 35=1|34=3|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "2r_unregistered_msg_type",
        "A type that exists, but not here, is refused by the application.",
        """
        > 35=M|34=2|66=L1
        < 35=j|34=2|45=2|372=M|380=3
        """,
    ),
    logged_on(
        "2t_first_three_fields_out_of_order",
        "8, 9 and 35 come first, or the bytes are no message.",
        """
        >> 8=@BEGIN|35=1|9=40|34=2|49=@PEER|52=20260101-00:00:00|56=@US|112=X|10=000|
        > 35=1|34=2|112=GOOD
        < 35=0|34=2|112=GOOD
        """,
    ),
    logged_on(
        "2x_missing_msg_seq_num",
        "A message without a number ends the session with a word.",
        "> 35=0\n< 35=5|34=2\nclosed",
    ),
    # -- 3: what cannot be read
    logged_on(
        "3b_invalid_checksum",
        "A wrong CheckSum makes a gap; a Logout is obeyed although its number is not its turn.",
        f"""
        > {order(2)}|10=256
        > 35=1|34=3|112=WAITS
        < 35=2|34=2|7=2|16=0
        > 35=5|34=4
        < 35=5|34=3
        closed
        """,
    ),
    logged_on(
        "3c_garbled_message",
        "Fields that are no fields make a message that is none.",
        """
        > 35=1|34=2|garbled|112=BAD
        > 35=1|34=2|112=GOOD
        < 35=0|34=2|112=GOOD
        """,
    ),
    # -- 4, 6: silence
    Case(
        "4a_no_data_sent_during_heart_bt_int",
        "Who has nothing to say says so once an interval.",
        """
        > 35=A|34=1|98=0|108=3
        < 35=A|34=1|98=0|108=3
        < 35=0|34=2
        """,
        slow=True,
    ),
    logged_on(
        "4b_received_test_request",
        "A TestRequest comes back as a Heartbeat with its text.",
        "> 35=1|34=2|112=HELLO\n< 35=0|34=2|112=HELLO",
    ),
    Case(
        "6_send_test_request",
        "Silence for 1.2 intervals is tested, silence for 2.4 ends the line.",
        """
        > 35=A|34=1|98=0|108=2
        < 35=A|34=1|98=0|108=2
        < 35=0|34=2
        < 35=1|34=3|112=*
        closed
        """,
        slow=True,
    ),
    logged_on(
        "7_receive_reject_message",
        "A Reject has a number and is not answered.",
        """
        > 35=3|34=2|45=1|58=no
        > 35=1|34=3|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    # -- 8: resends
    logged_on(
        "8_only_admin_messages",
        "Administrative messages are not sent again: one gap fill covers them.",
        """
        > 35=1|34=2|112=A
        < 35=0|34=2|112=A
        > 35=1|34=3|112=B
        < 35=0|34=3|112=B
        > 35=2|34=4|7=1|16=0
        < 35=4|34=1|43=Y|122=*|123=Y|36=4
        """,
    ),
    logged_on(
        "8_only_application_messages",
        "Application messages are sent again with 43=Y and the time of their first sending.",
        f"""
        > {order(2, "A")}
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > {order(3, "B")}
        < 35=D|34=3|11=B|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=2|34=4|7=2|16=3
        < 35=D|34=2|43=Y|122=*|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        < 35=D|34=3|43=Y|122=*|11=B|21=1|55=ACME|54=1|60=*|38=100|40=1
        """,
    ),
    logged_on(
        "8_admin_and_application_messages",
        "Each run of administrative messages is one gap fill between what is sent again.",
        f"""
        > 35=1|34=2|112=X
        < 35=0|34=2|112=X
        > {order(3, "A")}
        < 35=D|34=3|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=1|34=4|112=Y
        < 35=0|34=4|112=Y
        > 35=1|34=5|112=Z
        < 35=0|34=5|112=Z
        > 35=2|34=6|7=1|16=0
        < 35=4|34=1|43=Y|122=*|123=Y|36=3
        < 35=D|34=3|43=Y|122=*|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        < 35=4|34=4|43=Y|122=*|123=Y|36=6
        > 35=2|34=7|7=3|16=3
        < 35=D|34=3|43=Y|122=*|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=2|34=8|7=4|16=999999
        < 35=4|34=4|43=Y|122=*|123=Y|36=6
        """,
    ),
    # -- 10, 11: SequenceReset
    logged_on(
        "10_msg_seq_num_equal",
        "A gap fill in its turn moves the number.",
        """
        > 35=4|34=2|123=Y|36=20
        > 35=1|34=20|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    logged_on(
        "10_msg_seq_num_greater",
        "A gap fill ahead of its turn is a gap like any other.",
        """
        > 35=4|34=5|123=Y|36=20
        < 35=2|34=2|7=2|16=0
        > 35=4|34=2|43=Y|122=@|123=Y|36=5
        > 35=1|34=20|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "10_msg_seq_num_less_with_poss_dup",
        "A gap fill for what was counted already is ignored, if it says that it repeats itself.",
        """
        > 35=0|34=2
        > 35=4|34=2|43=Y|122=@|123=Y|36=20
        > 35=1|34=3|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    logged_on(
        "10_msg_seq_num_less",
        "A gap fill for what was counted already ends the session, if it does not say so.",
        """
        > 35=0|34=2
        > 35=4|34=1|123=Y|36=20
        < 35=5|34=2
        closed
        """,
    ),
    logged_on(
        "11a_new_seq_no_greater",
        "A reset to a higher number holds, whatever its own number is.",
        """
        > 35=4|34=900|36=10
        > 35=1|34=10|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    logged_on(
        "11b_new_seq_no_equal",
        "A reset to the number that is expected anyway holds too.",
        """
        > 35=4|34=900|123=N|36=2
        > 35=1|34=2|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    logged_on(
        "11c_new_seq_no_less",
        "A reset to a number that was used already is rejected and moves nothing.",
        """
        > 35=4|34=2|36=1
        < 35=3|34=2|45=2|372=4|373=5
        > 35=1|34=2|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    # -- 13, 14, 15
    logged_on(
        "13b_unsolicited_logout_message",
        "A Logout is answered, then the acceptor closes.",
        "> 35=5|34=2\n< 35=5|34=2\nclosed",
    ),
    logged_on(
        "14a_bad_field",
        "A tag that does not exist is rejected.",
        """
        > 35=0|34=2|9999=X
        < 35=3|34=2|45=2|371=9999|372=0|373=0
        > 35=0|34=3|0=X
        < 35=3|34=3|45=3|371=0|372=0|373=0
        > 35=0|34=4|-1=X
        < 35=3|34=4|45=4|371=-1|372=0|373=0
        """,
    ),
    logged_on(
        "14b_required_field_missing",
        "A field that the type requires is asked for.",
        """
        > 35=D|34=2|11=A|21=1|54=1|60=@|38=100|40=1
        < 35=3|34=2|45=2|371=55|372=D|373=1
        """,
    ),
    logged_on(
        "14c_tag_not_defined_for_msg_type",
        "A tag of another type is rejected.",
        f"""
        > {order(2)}|41=B
        < 35=3|34=2|45=2|371=41|372=D|373=2
        """,
    ),
    logged_on(
        "14d_tag_specified_without_value",
        "A tag without a value is rejected, a CompID too; the session lives.",
        """
        > 35=0|34=2|56=
        < 35=3|34=2|45=2|371=56|372=0|373=4
        > 35=1|34=3|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "14e_incorrect_enum_value",
        "A value that is not among those of its tag is rejected.",
        """
        > 35=D|34=2|11=A|21=7|55=ACME|54=1|60=@|38=100|40=1
        < 35=3|34=2|45=2|371=21|372=D|373=5
        """,
    ),
    logged_on(
        "14f_incorrect_data_format",
        "A value that is not written as its type demands is rejected.",
        """
        > 35=D|34=2|11=A|21=1|55=ACME|54=1|60=@|38=+100|40=1
        < 35=3|34=2|45=2|371=38|372=D|373=6
        """,
    ),
    logged_on(
        "14g_header_field_behind_the_body",
        "A field of the header behind one of the body is rejected.",
        f"""
        > {order(2)}|57=DESK
        < 35=3|34=2|45=2|371=57|372=D|?373=14
        """,
    ),
    logged_on(
        "14h_repeated_tag",
        "A tag that comes twice outside a group is rejected.",
        f"""
        > {order(2)}|40=1
        < 35=3|34=2|45=2|371=40|372=D|?373=13
        """,
    ),
    logged_on(
        "14i_repeating_group_count_not_equal",
        "A group with fewer entries than it claims is rejected.",
        """
        > 35=D|34=2|11=A|21=1|386=3|336=A|336=B|55=ACME|54=1|60=@|38=100|40=1
        < 35=3|34=2|45=2|371=386|372=D|?373=16
        """,
    ),
    logged_on(
        "15_header_and_body_fields_ordered_differently",
        "Within the header and within the body any order will do.",
        """
        > 35=D|52=@|56=@US|49=@PEER|34=2|40=1|38=100|60=@|54=1|55=ACME|21=1|11=A
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        """,
    ),
    # -- 19, 20, 21
    logged_on(
        "19a_poss_resend_already_sent",
        "97=Y with an order that is known is not a second order.",
        f"""
        > {order(2)}
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > {order(3, "A", "97=Y")}
        > 35=1|34=4|112=ON
        < 35=0|34=3|112=ON
        """,
    ),
    logged_on(
        "19b_poss_resend_not_sent",
        "97=Y with an order that is not known is an order.",
        f"""
        > {order(2, "A", "97=Y")}
        < 35=D|34=2|97=Y|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        """,
    ),
    logged_on(
        "20_simultaneous_resend_request",
        "The peer's ResendRequest is served while our own gap is open.",
        f"""
        > {order(2)}
        < 35=D|34=2|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=2|34=4|7=2|16=0
        < 35=2|34=3|7=3|16=0
        < 35=D|34=2|43=Y|122=*|11=A|21=1|55=ACME|54=1|60=*|38=100|40=1
        > 35=4|34=3|43=Y|122=@|123=Y|36=4
        > 35=1|34=5|112=ON
        < 35=0|34=4|112=ON
        """,
    ),
    logged_on(
        "21_repeating_group_with_value_of_zero",
        "A group of no entries is a group.",
        """
        > 35=D|34=2|11=A|21=1|386=0|55=ACME|54=1|60=@|38=100|40=1
        < 35=D|34=2|11=A|21=1|386=0|55=ACME|54=1|60=*|38=100|40=1
        """,
    ),
    # -- those without a number
    logged_on(
        "already_logged_on",
        "A Logon within the session, without 141=Y, has a number and no effect.",
        """
        > 35=A|34=2|98=0|108=30
        > 35=1|34=3|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    logged_on(
        "reject_resent_message",
        "What is sent again is judged like anything else, and counts.",
        """
        > 35=1|34=4|112=WAITS
        < 35=2|34=2|7=2|16=0
        > 35=D|34=2|43=Y|122=@-1|11=A|21=7|55=ACME|54=1|60=@|38=100|40=1
        < 35=3|34=3|45=2|371=21|372=D|373=5
        > 35=4|34=3|43=Y|122=@|123=Y|36=4
        < 35=0|34=4|112=WAITS
        """,
    ),
    logged_on(
        "reverse_route",
        "A Reject goes back the way the message came.",
        """
        > 35=D|34=2|115=TRADER|128=VENUE|116=DESK|11=A|21=7|55=ACME|54=1|60=@|38=100|40=1
        < 35=3|34=2|115=VENUE|128=TRADER|129=DESK|45=2|371=21|372=D|373=5
        """,
    ),
    logged_on(
        "session_reset",
        "141=Y within the session starts both numbers at 1.",
        """
        > 35=0|34=2
        > 35=A|34=1|98=0|108=30|141=Y
        < 35=A|34=1|98=0|108=30|141=Y
        > 35=1|34=2|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
    Case(
        "session_reset_at_logon",
        "141=Y in the first Logon is answered in kind.",
        """
        > 35=A|34=1|98=0|108=30|141=Y
        < 35=A|34=1|98=0|108=30|141=Y
        > 35=1|34=2|112=ON
        < 35=0|34=2|112=ON
        """,
    ),
)
