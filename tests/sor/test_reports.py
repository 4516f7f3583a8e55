"""Conversations with a venue: what is booked once, what is doubted, what ends a doubt
(recovery.md 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ChildState, ParentState, ReportKind

from .script import SECOND, Script, dark, lit, px, settings

DARK_ONLY = StrategySettings("dark", use_lit=False, dark_box_ns=600 * SECOND)


def one_child(**venue: Any) -> tuple[Script, str]:
    """An order for 1,000, whole at one dark venue that acknowledged it."""
    made = Script(settings(dark(**venue), strategy=DARK_ONLY))
    made.submit(quantity=1_000)
    child_id = made.sends()[0].child_id
    made.accept(child_id)
    return made, child_id


def unanswered(**venue: Any) -> tuple[Script, str]:
    made = Script(settings(dark(**venue), strategy=DARK_ONLY))
    made.submit(quantity=1_000)
    return made, made.sends()[0].child_id


def in_doubt(made: Script, child_id: str) -> bool:
    flight = made.router.state.children[child_id].flight
    return flight is not None and flight.doubt is not None


def state_of(made: Script, child_id: str) -> ChildState:
    return made.router.state.children[child_id].state


class TestDuplicates:
    """3.6: duplicate = same venue, child, ExecID, quantity, price, cum."""

    def test_the_same_again_is_silence(self) -> None:
        made, child_id = one_child()
        fact = made.fill_fact(child_id, 300)
        assert made.kinds(made.step(fact)) == ["fill"]
        assert made.step(fact) == []

    def test_the_same_again_after_the_end(self) -> None:
        made, child_id = one_child()
        fact = made.fill_fact(child_id, 1_000)
        made.step(fact)
        assert made.step(fact) == []

    def test_other_content_under_the_same_id_is_not_booked_and_doubted(self) -> None:
        made, child_id = one_child()
        fact = made.fill_fact(child_id, 300)
        made.step(fact)
        out = made.step(replace(fact, price_micros=px("50.06")))
        assert "contradicting-report" in made.alarms(out)
        assert not made.reports(out)
        assert in_doubt(made, child_id)
        assert made.asks(out)

    def test_the_same_id_on_another_child_is_booked_and_alarmed(self) -> None:
        made = Script(settings(dark(), strategy=DARK_ONLY))
        made.submit("A1", quantity=100)
        made.submit("B1", quantity=100)
        first, second = (send.child_id for send in made.sends())
        made.fill(first, 100, exec_id="SAME")
        out = made.fill(second, 100, exec_id="SAME")
        assert made.kinds(out) == ["fill"]
        assert made.alarms(out) == ["exec-id-reused"]

    def test_a_total_that_goes_back_is_doubted(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 300)
        out = made.fill(child_id, 100, cum_quantity=300)
        assert "contradicting-report" in made.alarms(out)
        assert not made.reports(out)

    def test_a_total_below_its_own_quantity_is_doubted(self) -> None:
        made, child_id = one_child()
        out = made.fill(child_id, 300, cum_quantity=0)
        assert "contradicting-report" in made.alarms(out)
        assert not made.reports(out)


class TestUnreported:
    """3.6: any report whose cum exceeds what we know books the difference, once."""

    def test_a_gap_before_a_fill(self) -> None:
        made, child_id = one_child()
        out = made.fill(child_id, 100, "50.05", cum_quantity=300)
        synthetic, real = made.reports(out)
        assert (synthetic.last_quantity, real.last_quantity) == (200, 100)
        assert synthetic.exec_id.startswith("Y")
        assert synthetic.venue_exec_id == ""
        assert real.cum_quantity == 300
        assert "unreported-fill" in made.alarms(out)

    def test_its_price_comes_from_the_venues_average(self) -> None:
        """200 at x and 100 at 50.05 average 50.03: x is 50.02."""
        made, child_id = one_child()
        out = made.fill(child_id, 100, "50.05", cum_quantity=300, avg_price_micros=px("50.03"))
        assert made.reports(out)[0].last_price_micros == px("50.02")

    def test_without_an_average_the_fill_beside_it_prices_it(self) -> None:
        made, child_id = one_child()
        out = made.fill(child_id, 100, "50.05", cum_quantity=300)
        assert made.reports(out)[0].last_price_micros == px("50.05")

    def test_the_real_one_is_netted_when_it_comes(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 100, cum_quantity=300)
        out = made.fill(child_id, 200, "50.01", cum_quantity=200)
        assert not made.reports(out)
        assert made.alarms(out) == ["unreported-fill-netted"]
        assert made.router.state.children[child_id].cum_quantity == 300
        again = made.fill(child_id, 200, "50.01", cum_quantity=200, exec_id="T2")
        assert again == [], "and is a duplicate from then on"

    def test_real_ones_may_come_in_pieces_and_reach_beyond(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 100, cum_quantity=300)
        made.fill(child_id, 150, cum_quantity=150)
        out = made.fill(child_id, 50, cum_quantity=200)
        assert made.alarms(out) == ["unreported-fill-netted"]
        out = made.fill(child_id, 50, cum_quantity=350)
        assert (made.kinds(out), made.alarms(out)) == (["fill"], [])

    def test_at_the_end_of_a_child(self) -> None:
        made, child_id = one_child()
        fact = ev.ChildEnded(
            made.now,
            "dark-a",
            child_id,
            ChildState.CANCELED,
            400,
            avg_price_micros=px("50.02"),
        )
        out = made.step(fact)
        (report,) = made.reports(out)
        assert (report.kind, report.last_quantity) == (ReportKind.FILL, 400)
        assert report.last_price_micros == px("50.02")
        assert state_of(made, child_id) is ChildState.CANCELED

    def test_without_any_price_the_limit_counts(self) -> None:
        made, child_id = one_child()
        (report,) = made.reports(made.end(child_id, cum=400))
        assert report.last_price_micros == px("50.10")

    def test_in_a_status_answer(self) -> None:
        made, child_id = one_child()
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "gap"))
        (report,) = made.reports(made.answer(child_id, cum=250))
        assert (report.last_quantity, report.cum_quantity) == (250, 250)
        assert not in_doubt(made, child_id)


class TestVenueActs:
    """3.8: what only a venue can do is booked truly, alarmed, and the excess cancelled."""

    def test_a_late_fill_after_canceled_reaches_the_client(self) -> None:
        made, child_id = one_child()
        made.cancel()
        made.end(child_id)
        out = made.fill(child_id, 200)
        (report,) = made.reports(out)
        assert (report.kind, report.state) == (ReportKind.FILL, ParentState.CANCELED)
        assert (report.cum_quantity, report.leaves_quantity) == (200, 0)
        assert made.alarms(out) == ["late-fill"]
        assert not made.router.state.open_parents

    def test_an_over_fill_is_booked_whole(self) -> None:
        made, child_id = one_child()
        out = made.fill(child_id, 1_200)
        (report,) = made.reports(out)
        assert (report.last_quantity, report.cum_quantity, report.leaves_quantity) == (
            1_200,
            1_200,
            0,
        )
        assert report.state is ParentState.FILLED
        assert "over-fill" in made.alarms(out)

    def test_excess_is_cancelled_elsewhere_at_once(self) -> None:
        made = Script(
            settings(
                dark("dark-a"),
                dark("dark-b"),
                strategy=replace(DARK_ONLY, dark_quantity=500),
            )
        )
        made.submit(quantity=1_000)
        first, second = made.sends()
        out = made.fill(first.child_id, 800)
        assert {"over-fill", "excess-exposure"} <= set(made.alarms(out))
        assert [cancel.child_id for cancel in made.cancels(out)] == [second.child_id]

    def test_children_of_a_filled_parent_are_pulled(self) -> None:
        made = Script(
            settings(
                dark("dark-a"),
                dark("dark-b"),
                strategy=replace(DARK_ONLY, dark_quantity=500),
            )
        )
        parent_id = made.submit(quantity=1_000)
        first, second = made.sends()
        out = made.fill(first.child_id, 1_000)
        assert made.router.state.parents[parent_id].state is ParentState.FILLED
        assert [cancel.child_id for cancel in made.cancels(out)] == [second.child_id]
        made.end(second.child_id)
        # More than it was: who knows whether it is over.
        made.answer(first.child_id, known=True, live=False, cum=500, how=ChildState.CANCELED)
        assert not made.router.state.open_parents

    def test_an_order_that_is_not_ours_is_alarmed(self) -> None:
        made, _ = one_child()
        unknown: list[ev.VenueFact] = [
            ev.ChildAccepted(made.now, "dark-a", "C9", "V"),
            replace(made.fill_fact(made.sends()[0].child_id, 1), child_id="C9"),
            ev.ChildEnded(made.now, "dark-a", "C9", ChildState.CANCELED, 0),
            ev.ChildCancelRefused(made.now, "dark-a", "C9", True),
            ev.ChildStatusReported(made.now, "dark-a", "C9", "", True, True),
            ev.ChildVoided(made.now, "dark-a", "C9", 1, True),
        ]
        for fact in unknown:
            assert made.alarms(made.step(fact)) == ["unknown-child"]

    def test_another_venue_cannot_speak_for_a_child(self) -> None:
        made, child_id = one_child()
        out = made.fill(child_id, 100, venue="elsewhere")
        assert made.alarms(out) == ["unknown-child"]
        assert not made.reports(out)

    def test_a_reject_is_alarmed_in_the_venues_words(self) -> None:
        made, child_id = unanswered()
        fact = ev.ChildEnded(
            made.now, "dark-a", child_id, ChildState.REJECTED, 0, text="L: too large"
        )
        made.step(fact)
        assert made.of(Alarm)[-1].text == "L: too large"


class TestDoubt:
    """3.5: doubt counts as live and ends only by a terminal report or the answer to a request that
    was sent after it arose."""

    def doubted(self, made: Script, **changes: Any) -> list[Output]:
        return made.step(ev.ChildrenDoubted(made.now, "dark-a", "forgot", **changes))

    def test_it_is_asked_about_at_once_and_counts_as_live(self) -> None:
        made, child_id = one_child()
        out = self.doubted(made)
        assert made.alarms(out) == ["children-doubted"]
        assert [ask.child_id for ask in made.asks(out)] == [child_id]
        (parent,) = made.router.state.parents.values()
        assert parent.exposure == 1_000

    def test_live_ends_it(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        made.answer(child_id)
        assert not in_doubt(made, child_id)
        assert state_of(made, child_id) is ChildState.LIVE

    @pytest.mark.parametrize("how", [ChildState.CANCELED, ChildState.EXPIRED, ChildState.REJECTED])
    def test_an_end_ends_it(self, how: ChildState) -> None:
        made, child_id = one_child()
        self.doubted(made)
        made.answer(child_id, live=False, how=how)
        assert state_of(made, child_id) is how

    def test_a_terminal_report_ends_it(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        made.end(child_id)
        assert state_of(made, child_id) is ChildState.CANCELED

    def test_other_reports_do_not(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        made.accept(child_id)
        made.fill(child_id, 100)
        assert in_doubt(made, child_id)

    def test_silence_does_not(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        out = made.wait(3_600 * SECOND)
        assert in_doubt(made, child_id)
        assert "status-repeated" in made.alarms(out)
        # 2 s doubling to 64 s, then each 64 s: about sixty in an hour, never at wire speed.
        assert 40 < len(made.asks(out)) < 70

    def test_an_answer_to_an_earlier_request_does_not(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        old = made.asks()[-1].request_id
        self.doubted(made)
        assert made.asks()[-1].request_id != old
        made.answer(child_id, request_id=old)
        assert in_doubt(made, child_id)
        made.answer(child_id)
        assert not in_doubt(made, child_id)

    def test_without_ids_the_last_answer_counts(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        self.doubted(made)
        made.answer(child_id, request_id="")
        assert in_doubt(made, child_id)
        made.answer(child_id, request_id="")
        assert not in_doubt(made, child_id)

    def test_less_executed_than_booked_keeps_it_and_alarms(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 300)
        self.doubted(made)
        out = made.answer(child_id, cum=200)
        assert "executed-less-than-booked" in made.alarms(out)
        assert in_doubt(made, child_id)

    def test_filled_with_less_than_its_quantity_is_a_contradiction(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        out = made.answer(child_id, live=False, how=ChildState.FILLED, cum=400)
        assert "contradicting-report" in made.alarms(out)
        assert in_doubt(made, child_id)

    def test_an_unanswered_order_is_asked_about_not_sent_again(self) -> None:
        made, child_id = unanswered()
        out = made.wait(2 * SECOND)
        assert [ask.child_id for ask in made.asks(out)] == [child_id]
        assert not made.sends(out)
        assert "child-doubted" in made.alarms(out)

    def test_an_unanswered_cancel_is_asked_about(self) -> None:
        made, child_id = one_child()
        made.cancel()
        out = made.wait(2 * SECOND)
        assert [ask.child_id for ask in made.asks(out)] == [child_id]
        assert not made.cancels(out)

    def test_a_cancel_found_dead_leaves_again_later(self) -> None:
        made, child_id = one_child()
        made.cancel()
        made.wait(2 * SECOND)
        out = made.answer(child_id)
        assert [cancel.child_id for cancel in made.cancels(out)] == [child_id]

    def test_a_refused_cancel_is_doubted_and_not_repeated_before_the_answer(self) -> None:
        made, child_id = one_child()
        made.cancel()
        out = made.step(ev.ChildCancelRefused(made.now, "dark-a", child_id, True, "no"))
        assert made.asks(out)
        assert not made.cancels(out)
        assert in_doubt(made, child_id)

    def test_a_venue_that_always_refuses_is_not_asked_at_wire_speed(self) -> None:
        made, child_id = one_child()
        made.cancel()
        for _ in range(20):
            made.step(ev.ChildCancelRefused(made.now, "dark-a", child_id, True))
            made.answer(child_id)
        assert len(made.cancels()) == 1
        made.wait(2 * SECOND)
        assert len(made.cancels()) == 2

    def test_a_refused_cancel_of_a_child_that_is_over_is_nothing(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 1_000)
        assert made.step(ev.ChildCancelRefused(made.now, "dark-a", child_id, True)) == []

    def test_questions_are_asked_anew_on_each_connection(self) -> None:
        made, child_id = one_child()
        self.doubted(made)
        old = made.asks()[-1].request_id
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        out = made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert [ask.child_id for ask in made.asks(out)] == [child_id]
        made.answer(child_id, request_id=old)
        assert in_doubt(made, child_id)

    def test_nothing_is_asked_of_a_closed_venue(self) -> None:
        made, _ = one_child()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        assert not made.asks(self.doubted(made))
        assert not made.asks(made.wait(60 * SECOND))

    def test_a_new_epoch_doubts_what_is_open(self) -> None:
        made, child_id = one_child()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.step(ev.VenueOpened(made.now, "dark-a", 2))
        assert in_doubt(made, child_id)

    def test_only_those_named(self) -> None:
        made = Script(settings(dark(), strategy=DARK_ONLY))
        made.submit("A1", quantity=100)
        made.submit("B1", quantity=100)
        first, second = (send.child_id for send in made.sends())
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "poison", [first]))
        assert in_doubt(made, first)
        assert not in_doubt(made, second)

    def test_a_closed_venue_with_open_children_is_alarmed(self) -> None:
        made, _ = one_child()
        assert made.alarms(made.step(ev.VenueClosed(made.now, "dark-a", "cut"))) == ["venue-closed"]

    def test_a_parent_cancel_waits_as_long_as_the_doubt(self) -> None:
        made, child_id = one_child()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.cancel()
        made.wait(3_600 * SECOND)
        assert "canceled" not in made.kinds()
        made.step(ev.VenueOpened(made.now, "dark-a", 1))
        made.end(child_id)
        assert made.kinds()[-1] == "canceled"


class TestRelease:
    """3.1: voided and released are two facts."""

    def lost(self, made: Script, child_id: str, epoch: int = 1, **gone: Any) -> None:
        """The line was cut before the order arrived, and comes back."""
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.step(ev.ChildVoided(made.now, "dark-a", child_id, epoch, **gone))
        made.step(ev.VenueOpened(made.now, "dark-a", 1))

    def test_voided_alone_releases_nothing(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=True)
        assert in_doubt(made, child_id)
        assert made.router.is_voided(child_id)
        assert made.asks()

    def test_noted_and_unknown_is_released_and_routed_again(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=True)
        out = made.answer(child_id, known=False)
        assert state_of(made, child_id) is ChildState.RELEASED
        assert [send.quantity for send in made.sends(out)] == [1_000]

    def test_voided_on_a_synchronised_session_is_not_noted(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=False)
        out = made.answer(child_id, known=False)
        assert "child-unknown" in made.alarms(out)
        assert in_doubt(made, child_id)

    def test_a_note_of_another_epoch_is_none(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, epoch=7, before_synchronised=True)
        made.answer(child_id, known=False)
        assert in_doubt(made, child_id)

    @pytest.mark.parametrize("notes_stand", [False, True])
    def test_a_forgetful_venue_wipes_the_note_a_gap_does_not(self, notes_stand: bool) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=True)
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "x", notes_stand=notes_stand))
        made.answer(child_id, known=False)
        assert in_doubt(made, child_id) is not notes_stand

    def test_a_report_of_it_wipes_the_note(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=True)
        made.accept(child_id)
        made.answer(child_id, known=False)
        assert in_doubt(made, child_id)

    def test_nor_is_it_released_when_an_older_answer_says_that_it_lives(self) -> None:
        made, child_id = unanswered(unknown_is_final=False)
        self.lost(made, child_id, before_synchronised=True)
        old = made.asks()[-1].request_id
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "gap", notes_stand=True))
        made.answer(child_id, request_id=old)
        assert in_doubt(made, child_id)
        made.answer(child_id, known=False)
        assert in_doubt(made, child_id), "it has arrived: the note proves nothing any more"

    def test_unknown_is_final_only_where_the_profile_says_so(self) -> None:
        for final in (True, False):
            made, child_id = one_child(unknown_is_final=final)
            made.step(ev.ChildrenDoubted(made.now, "dark-a", "epoch", epoch_ended=True))
            made.answer(child_id, known=False)
            assert (state_of(made, child_id) is ChildState.RELEASED) is final

    def test_an_unknown_that_proves_nothing_is_asked_again_with_back_off(self) -> None:
        made, child_id = one_child(unknown_is_final=False)
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "epoch", epoch_ended=True))
        out = made.answer(child_id, known=False)
        assert not made.asks(out)
        assert made.asks(made.wait(2 * SECOND))

    def test_a_released_child_that_fills_lives_again(self) -> None:
        """The venue executed its queue in spite of the gap fill (F28)."""
        made, child_id = unanswered()
        self.lost(made, child_id, before_synchronised=True)
        made.answer(child_id, known=False)
        second = made.sends()[-1].child_id
        out = made.fill(child_id, 400)
        assert made.reports(out)[0].last_quantity == 400
        assert {"released-child-lives", "excess-exposure"} <= set(made.alarms(out))
        assert in_doubt(made, child_id)
        assert [cancel.child_id for cancel in made.cancels(out)] == [second]

    def test_a_released_child_that_is_acknowledged_lives_again(self) -> None:
        made, child_id = unanswered()
        self.lost(made, child_id, before_synchronised=True)
        made.answer(child_id, known=False)
        out = made.accept(child_id)
        assert "released-child-lives" in made.alarms(out)
        (parent,) = made.router.state.parents.values()
        assert parent.exposure == 2_000
        assert parent.excess == 1_000

    def test_a_venue_without_status_releases_on_the_note_alone(self) -> None:
        made, child_id = unanswered(has_status=False)
        self.lost(made, child_id, before_synchronised=True)
        assert state_of(made, child_id) is ChildState.RELEASED
        assert not made.asks()

    def test_but_not_after_a_gap_and_then_it_is_cancelled(self) -> None:
        made, child_id = unanswered(has_status=False)
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        made.step(ev.ChildVoided(made.now, "dark-a", child_id, 1, True))
        made.step(ev.ChildrenDoubted(made.now, "dark-a", "gap", notes_stand=True))
        made.step(ev.VenueOpened(made.now, "dark-a", 1))
        assert in_doubt(made, child_id)

    def test_a_voided_child_that_is_over_is_left_alone(self) -> None:
        made, child_id = one_child()
        made.fill(child_id, 1_000)
        assert made.step(ev.ChildVoided(made.now, "dark-a", child_id, 1, True)) == []
        assert made.router.is_voided(child_id)
        assert not made.router.is_voided("C9")


class TestLitChildren:
    """An IOC child that hangs is asked about, acknowledged or not."""

    def test_an_acknowledged_ioc_that_is_not_over(self) -> None:
        made = Script(settings(lit(), strategy=StrategySettings("lit", use_dark=False)))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=500)
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        out = made.wait(2 * SECOND)
        assert [ask.child_id for ask in made.asks(out)] == [child_id]
        out = made.answer(child_id)
        assert [cancel.child_id for cancel in made.cancels(out)] == [child_id]
