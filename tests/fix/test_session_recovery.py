"""Markers, SYNCHRONISED, proof and voided numbers (recovery.md 2 and 3.3), and the timers."""

from __future__ import annotations

from sor_gateway.fix.events import (
    AppReceived,
    Close,
    Forgot,
    Incident,
    LoggedOn,
    Proved,
    ReplayWanted,
    Resent,
    Synchronised,
    Voided,
)
from sor_gateway.fix.session import Numbers, Role
from sor_gateway.fix.states import State
from tests.fix.helpers import Script, SessionPair, fix

LOGON = "35=A|34=1|98=0|108=30|"
LOGON_OUT = "35=A|34=1|98=0|108=30|"


def codes(script: Script) -> list[str]:
    return [incident.code for incident in script.of(Incident)]


class TestSynchronised:
    """recovery.md 2.1."""

    def test_it_follows_the_return_of_the_marker(self) -> None:
        script = Script()
        assert script.logon() == [LOGON_OUT, "35=1|34=2|112=M1.2|"]
        assert script.of(LoggedOn) == [LoggedOn(1)]
        assert script.of(Synchronised) == []
        assert script.peer("35=0|34=2|112=M1.2|") == []
        assert script.of(Synchronised) == [Synchronised(1)]
        assert script.of(Proved) == [Proved(1, 2)]

    def test_without_markers_it_follows_the_logon(self) -> None:
        script = Script(markers=False)
        assert script.logon() == [LOGON_OUT]
        assert script.of(Synchronised) == [Synchronised(1)]

    def test_other_heartbeats_do_not_count(self) -> None:
        script = Script()
        script.logon()
        script.peer("35=0|34=2|", "35=0|34=3|112=M1.1|", "35=0|34=4|112=X|")
        assert not script.session.synchronised

    def test_a_marker_that_returns_ahead_of_its_turn_counts_when_its_turn_comes(self) -> None:
        script = Script()
        script.logon()
        script.peer("35=0|34=5|112=M1.2|")
        assert not script.session.synchronised
        script.peer("35=4|34=2|43=Y|123=Y|36=5|")
        assert script.session.synchronised

    def test_a_marker_is_dead_once_the_peer_asks_again(self) -> None:
        script = Script(Numbers(next_in=1, next_out=4))
        script.logon()
        script.peer("35=2|34=2|7=2|16=0|", "35=0|34=3|112=M1.5|")
        assert not script.session.synchronised
        script.session.resend([], 5, script.now)
        assert script.collect()[-1] == "35=1|34=6|112=M1.6|"
        script.peer("35=0|34=4|112=M1.5|")
        assert not script.session.synchronised
        script.peer("35=0|34=5|112=M1.6|")
        assert script.session.synchronised

    def test_only_the_last_of_several_markers_counts(self) -> None:
        script = Script(Numbers(next_in=1, next_out=4))
        script.logon()
        script.peer("35=2|34=2|7=2|16=3|")
        script.session.resend([], 3, script.now)
        script.peer("35=2|34=3|7=3|16=0|")
        script.session.resend([], 6, script.now)
        assert script.collect()[-1] == "35=1|34=7|112=M1.7|"
        script.peer("35=0|34=4|112=M1.6|")
        assert not script.session.synchronised
        script.peer("35=0|34=5|112=M1.7|")
        assert script.session.synchronised

    def test_no_marker_stands_between_two_answers(self) -> None:
        script = Script(Numbers(next_in=1, next_out=4))
        script.logon()
        script.peer("35=2|34=2|7=2|16=2|", "35=2|34=3|7=1|16=1|")
        script.session.resend([], 2, script.now)
        assert [line[:4] for line in script.collect()] == ["35=4"]
        script.session.resend([], 1, script.now)
        assert [line[:4] for line in script.collect()] == ["35=4", "35=1"]

    def test_a_marker_that_does_not_return_in_time_costs_the_line(self) -> None:
        script = Script()
        script.logon()
        script.wait(9.9)
        assert script.of(Close) == []
        script.wait(0.1)
        assert codes(script) == ["marker-lost"]
        assert len(script.of(Close)) == 1

    def test_the_clock_of_the_marker_stands_still_while_our_own_gap_is_open(self) -> None:
        script = Script()
        script.logon("35=A|34=5|98=0|108=30|")
        script.wait(9)
        script.peer("35=4|34=1|43=Y|123=Y|36=3|")
        script.wait(9)
        assert script.of(Close) == []
        script.peer("35=4|34=3|43=Y|123=Y|36=5|")
        script.wait(9)
        assert script.of(Close) == []
        script.wait(1)
        assert codes(script) == ["marker-lost"]

    def test_a_gap_that_opens_stops_the_clock_of_a_marker_that_is_out(self) -> None:
        script = Script()
        script.logon()
        script.wait(5)
        script.peer("35=0|34=4|112=M1.2|")
        script.wait(6)
        assert script.of(Close) == []

    def test_the_peers_reset_ends_it_and_a_new_marker_renews_it(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        assert script.peer(LOGON + "141=Y|") == [
            "35=A|34=1|98=0|108=30|141=Y|",
            "35=1|34=2|112=M2.2|",
        ]
        assert not script.session.synchronised
        script.peer("35=0|34=2|112=M2.2|")
        assert script.of(Synchronised) == [Synchronised(1), Synchronised(2)]

    def test_after_an_unasked_reset_the_marker_is_number_one(self) -> None:
        script = Script(Numbers(next_in=8, next_out=9), role=Role.INITIATOR)
        script.connect()
        assert script.peer(LOGON + "141=Y|") == ["35=1|34=1|112=M2.1|"]
        assert script.peer("35=2|34=2|7=1|16=0|") == []
        script.session.resend([], 1, script.now)
        assert [line[:9] for line in script.collect()] == ["35=4|34=1", "35=1|34=2"]

    def test_a_pair_with_gaps_on_both_sides_synchronises(self) -> None:
        pair = SessionPair(Numbers(next_in=3, next_out=2), Numbers(next_in=1, next_out=9))
        pair.kept[pair.acceptor] = {n: pair_order(n) for n in range(1, 9)}
        pair.kept[pair.initiator] = {1: pair_order(1)}
        pair.connect()
        assert pair.initiator.synchronised
        assert pair.acceptor.synchronised
        received = [e for e in pair.events[pair.initiator] if isinstance(e, AppReceived)]
        assert [(e.number, e.poss_dup) for e in received] == [(n, True) for n in range(3, 9)]
        assert pair.initiator.numbers.next_in == pair.acceptor.numbers.next_out
        assert pair.acceptor.numbers.next_in == pair.initiator.numbers.next_out


def pair_order(number: int) -> bytes:
    return fix(f"35=D|34={number}|49=X|52=20260302-14:00:00|56=Y|11=C{number}|")


class TestProof:
    def test_a_periodic_marker_follows_unproven_messages(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.send()
        script.wait(1)
        script.send()
        assert script.wait(3.9) == []
        assert script.wait(0.1) == ["35=1|34=5|112=M1.5|"]
        script.peer("35=0|34=3|112=M1.5|")
        assert script.of(Proved)[-1] == Proved(1, 5)
        assert script.wait(20) == []

    def test_at_most_one_is_out(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.send()
        assert script.wait(5) == ["35=1|34=4|112=M1.4|"]
        script.send()
        assert script.wait(5) == []
        script.peer("35=0|34=3|112=M1.4|")
        assert script.wait(5) == ["35=1|34=6|112=M1.6|"]

    def test_a_replay_in_flight_puts_it_off_until_the_answer(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.send()
        script.peer("35=2|34=3|7=3|16=0|")
        assert script.wait(8) == []
        script.session.resend([(3, script.raw_sent(3))], 3, script.now)
        assert [line[:9] for line in script.collect()] == ["35=D|34=3", "35=1|34=4"]

    def test_the_end_of_the_session_ends_a_replay(self) -> None:
        script = Script()
        script.logon()
        script.peer("35=2|34=2|7=1|16=0|", "35=0|34=1|")
        assert script.session.replaying is None

    def test_none_without_messages_of_the_application(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        assert script.wait(29) == []

    def test_a_request_at_or_below_the_proof_is_a_peer_that_forgot(self) -> None:
        """recovery.md 3.3."""
        script = Script()
        script.logon()
        script.synchronise()
        script.peer("35=2|34=3|7=2|16=0|")
        assert script.of(Forgot) == [Forgot(1, 2, 2)]
        assert script.of(ReplayWanted) == [ReplayWanted(1, 2, 2, synchronised=True)]
        # The *highest* number ever proved: when the line is cut before the answer arrives, the same
        # request on the next connection is still that of a peer that forgot.
        assert script.numbers.proven_through == 2

    def test_a_request_above_the_proof_is_not(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.send()
        script.peer("35=2|34=3|7=3|16=0|")
        assert script.of(Forgot) == []


class TestVoided:
    """recovery.md 2.4."""

    def synchronising(self) -> Script:
        script = Script(Numbers(next_in=1, next_out=1))
        script.logon()
        script.synchronise()
        for name in "ABCD":
            script.send(f"11={name}|")
        return script

    def test_a_voided_number_is_gap_filled_and_told(self) -> None:
        script = self.synchronising()
        script.peer("35=2|34=3|7=3|16=5|")
        found = [(n, script.raw_sent(n)) for n in (3, 4, 5)]
        script.session.resend(found, 5, script.now, voided=[4])
        assert [line[:14] for line in script.collect()[:3]] == [
            "35=D|34=3|43=Y",
            "35=4|34=4|43=Y",
            "35=D|34=5|43=Y",
        ]
        assert script.of(Voided) == [Voided(1, 4, 4)]
        assert script.of(Resent) == [Resent(1, 3, 5)]
        assert script.numbers.voided == [(4, 4)]

    def test_it_stays_void_even_if_it_is_given_again(self) -> None:
        script = self.synchronising()
        script.peer("35=2|34=3|7=3|16=5|")
        script.session.resend([], 5, script.now, voided=[3, 4])
        script.collect()
        script.peer("35=2|34=4|7=3|16=5|")
        found = [(n, script.raw_sent(n)) for n in (3, 4, 5)]
        script.session.resend(found, 5, script.now, voided=[4])
        assert [line.partition("|36=")[2][:2] or line[:9] for line in script.collect()[:2]] == [
            "5|",
            "35=D|34=5",
        ]
        assert script.of(Voided) == [Voided(1, 3, 4)]

    def test_it_stays_void_over_a_restart(self) -> None:
        script = Script(Numbers(next_in=2, next_out=5, voided=[(2, 3)]), markers=False)
        script.logon("35=A|34=2|98=0|108=30|")
        script.peer("35=2|34=3|7=2|16=4|")
        found = [(n, pair_order(n)) for n in (2, 3, 4)]
        script.session.resend(found, 4, script.now)
        assert [line[:9] for line in script.collect()] == ["35=4|34=2", "35=D|34=4"]

    def test_gap_filled_admin_numbers_are_not_told_as_void(self) -> None:
        script = self.synchronising()
        script.peer("35=2|34=3|7=1|16=2|")
        script.session.resend([], 2, script.now)
        script.collect()
        assert script.of(Voided) == []


class TestSilence:
    def test_heartbeats_while_we_have_nothing_to_say(self) -> None:
        script = Script(markers=False)
        script.logon("35=A|34=1|98=0|108=6|")
        assert script.wait(6) == ["35=0|34=2|"]
        script.peer("35=0|34=2|")
        assert script.wait(6) == ["35=0|34=3|"]

    def test_6_test_request_after_a_silence_then_the_end(self) -> None:
        script = Script(markers=False)
        script.logon("35=A|34=1|98=0|108=10|")
        assert script.wait(11.9) == ["35=0|34=2|"]
        assert script.wait(0.1) == ["35=1|34=3|112=M1.3|"]
        assert script.wait(11.9) == []
        assert script.of(Close) == []
        assert script.wait(0.1) == []
        assert codes(script) == ["peer-silent"]
        assert len(script.of(Close)) == 1

    def test_6_a_word_in_between_begins_it_anew(self) -> None:
        script = Script(markers=False)
        script.logon("35=A|34=1|98=0|108=10|")
        script.wait(12)
        script.peer("35=0|34=2|112=M1.3|")
        assert script.wait(11.9) == ["35=0|34=4|"]
        assert script.of(Close) == []

    def test_no_heartbeats_with_an_interval_of_zero(self) -> None:
        script = Script(markers=False)
        script.logon("35=A|34=1|98=0|108=0|")
        assert script.session.next_deadline() is None
        assert script.wait(1_000) == []

    def test_a_challenge_cuts_a_peer_that_stays_silent(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.session.challenge(script.now)
        assert script.collect() == ["35=1|34=3|112=M1.3|"]
        script.wait(1.9)
        assert script.of(Close) == []
        script.wait(0.1)
        assert codes(script) == ["peer-silent"]

    def test_a_challenge_is_met_by_any_word(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.session.challenge(script.now)
        script.session.challenge(script.now)
        assert len(script.collect()) == 1
        script.peer("35=0|34=3|")
        script.wait(5)
        assert script.of(Close) == []

    def test_a_test_during_a_replay_is_no_marker(self) -> None:
        script = Script()
        script.logon()
        script.synchronise()
        script.peer("35=2|34=3|7=1|16=0|")
        script.session.challenge(script.now)
        assert script.collect() == ["35=1|34=3|112=T1.3|"]
        script.session.resend([], 2, script.now)
        assert script.collect()[-1] == "35=1|34=4|112=M1.4|"

    def test_nor_is_one_while_a_marker_is_out(self) -> None:
        """Who claims an identity again and again must not keep its owner from synchronising."""
        script = Script()
        script.logon()
        marker = script.session.numbers.next_out - 1
        script.session.challenge(script.now)
        script.peer("35=0|34=2|")  # a word, and the next claim
        script.session.challenge(script.now)
        assert script.collect() == [f"35=1|34={marker + 2}|112=T1.{marker + 2}|"]
        script.peer(f"35=0|34=3|112=M1.{marker}|")
        assert len(script.of(Synchronised)) == 1

    def test_a_deadline_is_never_left_behind(self) -> None:
        """After a tick at a deadline the next one lies ahead, in every phase of a life."""
        script = Script(role=Role.INITIATOR)
        script.connect()
        script.peer(LOGON)
        script.send()
        script.peer("35=0|34=9|")
        for _ in range(50):
            deadline = script.session.next_deadline()
            if deadline is None:
                break
            script.now = deadline
            script.session.tick(script.now)
            after = script.session.next_deadline()
            assert after is None or after > deadline
        assert script.session.state is State.CLOSING
