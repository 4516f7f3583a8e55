"""What facts add up to. Expected numbers are worked out by hand; one test asks the router."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sor_gateway.projection import queries
from sor_gateway.projection.queries import ChildOrder, Order
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.days import OrdersForgotten
from sor_gateway.sor.disputes import ExecutionDisputed
from sor_gateway.sor.executed import EXECS_KEPT
from sor_gateway.sor.orders import Parent
from sor_gateway.sor.types import ChildState, OrdType, Reason, Side, Stage
from tests.sor.script import Script
from tests.sor.test_revisions import Busts
from tests.sor.test_walks import Walk

from .helpers import CENT, PX, T0, Desk

FAULTS = ("late_fills", "revises", "restates", "raises", "expires")
"""What venues of a walk may do beside the usual."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def parent(desk: Desk, name: str = "P1") -> Order:
    desk.refresh()
    found = queries.order(desk.database, name)
    assert found is not None
    return found


def child(desk: Desk, child_id: str = "C1", parent_id: str = "P1") -> ChildOrder:
    desk.refresh()
    found = {each.child_id: each for each in queries.children(desk.database, parent_id)}
    return found[child_id]


class TestParents:
    def test_submitted_then_accepted(self, desk: Desk) -> None:
        desk.turn(desk.submit())
        assert parent(desk).state == "received"
        desk.turn(desk.accept())
        found = parent(desk)
        assert (found.state, found.quantity, found.limit_micros) == ("working", 1000, PX)
        assert (found.arrival_bid_micros, found.arrival_ask_micros) == (PX - CENT, PX + CENT)
        assert (found.submitted_ns, found.ended_ns, found.leaves_quantity) == (T0, 0, 1000)

    def test_refused(self, desk: Desk) -> None:
        desk.turn(desk.submit(), de.ParentRefused(T0, "P1", Reason.UNKNOWN_SYMBOL, "no ACME"))
        found = parent(desk)
        assert (found.state, found.text, found.leaves_quantity) == ("rejected", "no ACME", 0)

    def test_unreadable(self, desk: Desk) -> None:
        desk.turn(
            ev.ParentUnreadable(
                T0, "P1", "EMS", "a", "ACME", Side.SELL, 0, Reason.BAD_QUANTITY, "38=0"
            )
        )
        assert (parent(desk).state, parent(desk).text) == ("rejected", "38=0")

    def test_a_resend_of_a_known_order_makes_none(self, desk: Desk) -> None:
        desk.turn(desk.submit("P1", "a"), desk.accept())
        desk.turn(desk.submit("P2", "a", poss_resend=True))
        desk.refresh()
        assert [each.parent_id for each in queries.orders(desk.database)] == ["P1"]

    def test_a_used_cl_ord_id_still_names_the_first_order(self, desk: Desk) -> None:
        desk.turn(desk.submit("P1", "a"), desk.accept())
        desk.turn(desk.submit("P2", "a"), de.ParentRefused(T0, "P2", Reason.DUPLICATE, "used"))
        desk.turn(desk.cancel("b", "a"))
        assert parent(desk, "P1").state == "pending-cancel"
        assert parent(desk, "P2").state == "rejected"

    def test_filled_when_everything_is_executed(self, desk: Desk) -> None:
        desk.turn(desk.submit(quantity=300), desk.accept(), desk.plan())
        desk.turn(desk.fill(100, 100, "E1", PX, fee=30))
        desk.turn(desk.fill(200, 300, "E2", PX + 3, fee=60))
        found = parent(desk)
        assert (found.state, found.cum_quantity, found.fees_micros) == ("filled", 300, 90)
        assert found.cum_value_micros == 100 * PX + 200 * (PX + 3)
        assert found.average_price_micros == PX + 2
        assert found.ended_ns == T0 + 2
        assert child(desk).state == "filled"

    def test_stage(self, desk: Desk) -> None:
        desk.working()
        desk.turn(de.StageMoved(T0, "P1", Stage.LIT, "dark is dry"))
        assert parent(desk).stage == "lit"


class TestRequests:
    def test_cancelled(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.cancel("b", "a"))
        assert parent(desk).state == "pending-cancel"
        desk.turn(desk.end(0), desk.close_parent())
        found = parent(desk)
        assert (found.state, found.text, found.ended_ns) == ("canceled", "as asked", T0 + 3)

    def test_filled_while_a_cancel_is_pending(self, desk: Desk) -> None:
        desk.turn(desk.submit(quantity=300), desk.accept(), desk.plan())
        desk.turn(desk.cancel("b", "a"), desk.fill(300, 300, "E1"))
        assert parent(desk).state == "filled"

    def test_replaced(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.replace("b", "a", 500, PX - CENT))
        assert (parent(desk).state, parent(desk).quantity) == ("pending-replace", 1000)
        desk.turn(de.ParentReplaced(T0, "P1"))
        found = parent(desk)
        assert (found.state, found.quantity, found.limit_micros) == ("working", 500, PX - CENT)
        assert found.cl_ord_id == "b"

    def test_replaced_to_what_was_executed_is_filled(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(200, 200, "E1"), desk.replace("b", "a", 150))
        desk.turn(desk.end(200), de.ParentReplaced(desk.now, "P1"))
        found = parent(desk)
        assert (found.state, found.quantity, found.cum_quantity) == ("filled", 200, 200)
        assert found.ended_ns > 0

    def test_a_refused_replace_leaves_the_old_terms(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.replace("b", "a", 5000))
        desk.turn(de.ParentReplaceRefused(T0, "P1", Reason.EXCEEDS_LIMIT, "too much"))
        found = parent(desk)
        assert (found.state, found.quantity, found.cl_ord_id) == ("working", 1000, "a")

    def test_of_two_requests_the_first_counts(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.replace("b", "a", 700), desk.replace("c", "a", 900))
        desk.turn(de.ParentReplaced(T0, "P1"))
        assert (parent(desk).quantity, parent(desk).cl_ord_id) == (700, "b")

    def test_a_request_in_the_turn_of_the_order_waits_for_its_checks(self, desk: Desk) -> None:
        desk.turn(desk.submit(), desk.cancel("b", "a"))
        assert parent(desk).state == "received"
        desk.turn(desk.accept())
        assert parent(desk).state == "pending-cancel"

    @pytest.mark.parametrize(("cl_ord_id", "orig"), [("a", "a"), ("b", "x")])
    def test_a_request_that_is_refused_out_of_hand_changes_nothing(
        self, desk: Desk, cl_ord_id: str, orig: str
    ) -> None:
        desk.working()
        desk.turn(desk.cancel(cl_ord_id, orig))
        assert parent(desk).state == "working"


class TestRevisions:
    """Busts and corrections (F6): rows and totals are what is left."""

    def revise(self, desk: Desk, ref: str, own: str, quantity: int, cum: int) -> None:
        desk.turn(ev.FillRevised(T0, "ecn", "C1", own, ref, quantity, PX - CENT, cum, 0))

    def test_a_bust_of_a_filled_order_leaves_it_over(self, desk: Desk) -> None:
        desk.turn(desk.submit(quantity=300), desk.accept(), desk.plan())
        desk.turn(desk.fill(300, 300, "E1"))
        self.revise(desk, "E1", "B1", 0, 0)
        found = parent(desk)
        assert (found.state, found.cum_quantity, found.cum_value_micros) == ("canceled", 0, 0)
        assert queries.executions(desk.database) == []
        assert child(desk).cum_quantity == 0

    def test_a_correction_of_a_correction_and_the_same_again(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        self.revise(desk, "E1", "B1", 80, 80)
        for _ in range(2):
            self.revise(desk, "B1", "B2", 60, 60)
        found = parent(desk)
        assert (found.cum_quantity, found.cum_value_micros) == (60, 60 * (PX - CENT))
        assert [each.quantity for each in queries.executions(desk.database)] == [60]

    def test_two_totals_from_the_same_shares_on(self, desk: Desk) -> None:
        """The bust of E1 takes the total back to where an unreported one began already."""
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        desk.turn(self.status(200))
        self.revise(desk, "E1", "B1", 0, 100)
        desk.turn(self.status(200))
        assert parent(desk).cum_quantity == 200
        assert [each.quantity for each in queries.executions(desk.database)] == [100, 100]

    def test_one_of_the_wrong_side_is_not_booked(self, desk: Desk) -> None:
        desk.working()
        desk.turn(replace(desk.fill(100, 100, "E1"), side=Side.SELL))
        assert parent(desk).cum_quantity == 0
        assert queries.executions(desk.database) == []

    def test_a_lost_one_is_no_news_behind_a_bust(self, desk: Desk) -> None:
        """Its report is counted before the bust, the total that told of it behind."""
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        self.revise(desk, "E1", "B1", 0, 100)
        desk.turn(self.status(100), desk.fill(100, 200, "E2"))
        assert parent(desk).cum_quantity == 100

    def test_a_bust_of_one_that_only_the_total_told(self, desk: Desk) -> None:
        """Of 150 missing, an execution of 100 is busted: 50 are left, and it comes no more."""
        desk.working()
        desk.turn(self.status(150))
        self.revise(desk, "E1", "B1", 0, 50)
        assert parent(desk).cum_quantity == child(desk).cum_quantity == 50
        assert [each.quantity for each in queries.executions(desk.database)] == [50]
        desk.turn(desk.fill(100, 100, "E1"))
        assert parent(desk).cum_quantity == 50

    def test_a_correction_to_more_than_was_ordered_keeps_it_open(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(250, 250, "E1"))
        self.revise(desk, "E1", "B1", 350, 350)
        assert (child(desk).state, child(desk).cum_quantity) == ("live", 350)
        assert child(desk).doubt

    def test_a_correction_of_one_tells_its_price(self, desk: Desk) -> None:
        desk.working()
        desk.turn(self.status(100))
        self.revise(desk, "E1", "B1", 80, 80)
        assert parent(desk).cum_value_micros == 80 * (PX - CENT)
        (found,) = queries.executions(desk.database)
        assert (found.exec_id, found.quantity, found.price_micros) == ("E1", 80, PX - CENT)

    def test_a_bust_that_overtakes_its_execution(self, desk: Desk) -> None:
        desk.working()
        self.revise(desk, "E1", "B1", 0, 0)
        desk.turn(desk.fill(100, 100, "E1"))
        assert parent(desk).cum_quantity == 0
        assert queries.executions(desk.database) == []

    def test_a_bust_of_a_denied_one_that_the_total_brought_in(self, desk: Desk) -> None:
        desk.working()
        desk.turn(replace(desk.fill(100, 100, "E1"), side=Side.SELL), self.status(100))
        assert parent(desk).cum_quantity == 100
        self.revise(desk, "E1", "B1", 0, 0)
        found = parent(desk)
        assert (found.cum_quantity, found.cum_value_micros) == (0, 0)

    def test_filled_with_less_than_all_is_over_behind_a_bust(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        self.revise(desk, "E1", "B1", 0, 0)
        over = ev.ChildStatusReported(T0, "ecn", "C1", "H1", True, False, how=ChildState.FILLED)
        desk.turn(over)
        assert child(desk).state == "canceled"

    def test_the_operators_price_is_that_of_what_was_missing(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        desk.turn(ev.ChildResolved(T0, "C1", 150, "by telephone", PX + CENT))
        assert parent(desk).cum_value_micros == 100 * PX + 50 * (PX + CENT)

    def test_his_word_on_one_that_is_over_by_then_says_nothing(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.end(0), ev.ChildResolved(T0, "C1", 50, "by telephone", PX))
        assert parent(desk).cum_quantity == 0

    @staticmethod
    def status(cum: int) -> ev.ChildStatusReported:
        return ev.ChildStatusReported(T0, "ecn", "C1", "H1", True, True, cum)

    def test_the_operators_word_is_booked(self, desk: Desk) -> None:
        desk.working()
        desk.turn(ev.ChildResolved(T0, "C1", 50, "by telephone", PX))
        assert (child(desk).state, child(desk).cum_quantity) == ("canceled", 50)
        assert parent(desk).cum_value_micros == 50 * PX


class TestDisputes:
    def test_a_denial_stands_in_the_story_of_its_own_order_alone(self, desk: Desk) -> None:
        desk.working()
        for client in ("EMS", "OTHER"):
            desk.turn(ExecutionDisputed(T0, client, "E1", "P1", "wrong side", "we bought"))
        assert parent(desk).cum_quantity == 0
        told = [each.text for each in queries.story(desk.database, "P1")]
        assert told[-1] == "EMS does not know E1: wrong side: we bought"
        assert not any("OTHER" in text for text in told)


class TestChildren:
    def test_its_life(self, desk: Desk) -> None:
        desk.turn(desk.submit(), desk.accept(), desk.plan())
        found = child(desk)
        assert (found.state, found.venue, found.quantity) == ("pending-new", "ecn", 300)
        assert (found.display_score, found.cost_micros, found.why) == (7.25, 1_200, "cheapest")
        desk.turn(ev.ChildAccepted(T0, "ecn", "C1", "V1"))
        assert child(desk).state == "live"
        desk.turn(desk.fill(100, 100, "E1"))
        assert (child(desk).state, child(desk).cum_quantity) == ("live", 100)
        desk.turn(desk.end(100))
        found = child(desk)
        assert (found.state, found.text, found.ended_ns) == ("canceled", "no more", T0 + 3)

    def test_the_first_end_stands(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.end(0, ChildState.EXPIRED))
        desk.turn(desk.end(0, ChildState.REJECTED))
        assert child(desk).state == "expired"

    def test_a_late_fill_is_booked_and_brings_nothing_to_life(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.end(0))
        desk.turn(desk.fill(50, 50, "E1"))
        assert (child(desk).state, child(desk).cum_quantity) == ("canceled", 50)
        assert parent(desk).cum_quantity == 50

    def test_a_released_child_that_is_reported_lives(self, desk: Desk) -> None:
        desk.turn(desk.submit(), desk.accept(), desk.plan())
        desk.turn(de.ChildReleased(T0, "C1", "never arrived"))
        assert (child(desk).state, child(desk).ended_ns > 0) == ("released", True)
        desk.turn(desk.fill(50, 50, "E1"))
        assert (child(desk).state, child(desk).ended_ns) == ("live", 0)

    def test_doubt_comes_and_goes(self, desk: Desk) -> None:
        desk.working()
        desk.turn(ev.ChildrenDoubted(T0, "ecn", "a new epoch"))
        assert child(desk).doubt == "a new epoch"
        desk.turn(ev.ChildStatusReported(T0, "ecn", "C1", "H1", known=True, live=True))
        assert child(desk).doubt == ""
        desk.turn(ev.ChildVoided(T0, "ecn", "C1", 1, before_synchronised=False))
        assert "voided" in child(desk).doubt
        desk.turn(ev.ChildStatusReported(T0, "ecn", "C1", "H2", known=False, live=False))
        assert "voided" in child(desk).doubt
        desk.turn(desk.end(0))
        assert child(desk).doubt == ""

    def test_what_another_venue_says_of_it_does_not_count(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1", venue="dark-a"), desk.end(0, venue="dark-a"))
        assert (child(desk).state, child(desk).cum_quantity) == ("live", 0)

    def test_a_child_that_is_not_ours_is_nobodys(self, desk: Desk) -> None:
        desk.turn(desk.fill(100, 100, "E1", child_id="C999"))
        desk.refresh()
        assert queries.executions(desk.database) == []


class TestExecutions:
    """recovery.md 3.6."""

    def test_a_duplicate_counts_once(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        desk.turn(desk.fill(100, 100, "E1"))
        assert parent(desk).cum_quantity == 100
        assert len(queries.executions(desk.database)) == 1

    def test_the_same_exec_id_of_another_child_counts(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.plan("C2", 200))
        desk.turn(desk.fill(100, 100, "E1"), desk.fill(200, 200, "E1", child_id="C2"))
        assert parent(desk).cum_quantity == 300

    def test_a_contradiction_is_not_booked(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(100, 100, "E1"))
        desk.turn(desk.fill(100, 100, "E2"))
        desk.turn(desk.fill(150, 250, "E1"))
        desk.turn(desk.fill(150, 100, "E3"))
        assert parent(desk).cum_quantity == 100

    def test_a_total_that_is_larger_books_the_difference(self, desk: Desk) -> None:
        """100 unreported before a fill of 50 at 50.02; the average of all 150 is 50.00."""
        desk.working()
        desk.turn(desk.fill(50, 150, "E2", PX + 2 * CENT, average=PX))
        found = parent(desk)
        assert (found.cum_quantity, found.cum_value_micros) == (150, 150 * PX)
        missing, real = queries.executions(desk.database, "P1")
        assert (missing.quantity, missing.price_micros, missing.reported) == (
            100,
            PX - CENT,
            False,
        )
        assert (real.quantity, real.price_micros, real.reported) == (50, PX + 2 * CENT, True)

    def test_without_an_average_the_price_beside_it_is_taken(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(50, 150, "E2", PX + 2 * CENT))
        assert parent(desk).cum_value_micros == 150 * (PX + 2 * CENT)

    def test_an_end_with_a_larger_total_books_the_difference(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.end(120, average=PX - CENT))
        found = parent(desk)
        assert (found.cum_quantity, found.cum_value_micros) == (120, 120 * (PX - CENT))
        assert child(desk).state == "canceled"

    def test_a_status_with_a_larger_total_books_the_difference(self, desk: Desk) -> None:
        desk.working()
        desk.turn(
            ev.ChildStatusReported(
                T0,
                "ecn",
                "C1",
                "H1",
                known=True,
                live=False,
                cum_quantity=300,
                how=ChildState.FILLED,
            )
        )
        assert (parent(desk).cum_quantity, child(desk).state) == (300, "filled")
        assert parent(desk).cum_value_micros == 300 * PX, "the limit, when nothing else is known"

    def test_the_real_report_is_netted_and_counts_no_shares(self, desk: Desk) -> None:
        desk.working()
        desk.turn(desk.fill(50, 150, "E3", PX))
        desk.turn(desk.fill(60, 80, "E2", PX - CENT, fee=9))
        found = parent(desk)
        assert (found.cum_quantity, found.cum_value_micros) == (150, 150 * PX)
        assert found.fees_micros == 9
        shares = {
            each.exec_id: (each.quantity, each.price_micros)
            for each in queries.executions(desk.database, "P1")
        }
        assert shares == {
            "E3": (50, PX),
            "E2": (60, PX - CENT),
            "unreported-0": (20, PX),
            "unreported-80": (20, PX),
        }
        desk.turn(desk.fill(20, 100, "E2b"), desk.fill(20, 20, "E1"))
        assert parent(desk).cum_quantity == 150
        assert all(each.reported for each in queries.executions(desk.database, "P1"))

    def test_an_overfill_is_told_as_it_is(self, desk: Desk) -> None:
        desk.turn(desk.submit(quantity=300), desk.accept(), desk.plan())
        desk.turn(desk.fill(300, 300, "E1"), desk.fill(100, 400, "E2"))
        assert (parent(desk).state, parent(desk).cum_quantity) == ("filled", 400)
        assert child(desk).cum_quantity == 400


class TestAgainstTheRouter:
    """Whatever venues, lines and clients do: the database says of every order what the router,
    which was written by other hands, says of it."""

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.integers(0, 2**32), faults=st.sets(st.sampled_from(FAULTS)))
    def test_random_walks(
        self, tmp_path_factory: pytest.TempPathFactory, seed: int, faults: set[str]
    ) -> None:
        walk = Walk(seed, **dict.fromkeys(faults, True))
        walk.run()
        self.compare(walk.script, Desk(tmp_path_factory.mktemp("walk")))

    def test_what_the_router_forgot(self, desk: Desk) -> None:
        """It remembers so many executions of a child; a revision of an older one is doubted."""
        made = Busts()
        for number in range(1, EXECS_KEPT + 20):
            made.fill(made.child_id, 1, "50.00")
            if number % 3:
                made.revise(f"T{number}", 1, "49.99", number, 600 - number, f"B{number}")
        for forgotten, known in ((3, 280), (4, 281)):
            for number in (forgotten, known):
                made.revise(f"T{number}", 0, "0", 270, 330, f"C{number}")
        self.compare(made, desk)

    def compare(self, script: Script, desk: Desk) -> None:
        facts = script.facts
        for begin in range(0, len(facts), 3):
            desk.turn(*facts[begin : begin + 3])
        desk.refresh()
        state = script.router.state
        shown = {each.parent_id: each for each in queries.orders(desk.database)}
        for parent_id, expected in state.parents.items():
            assert self._told(shown.pop(parent_id)) == self._known(expected)
            children = queries.children(desk.database, parent_id)
            assert {
                each.child_id: (each.state, each.cum_quantity, each.cum_value_micros)
                for each in children
            } == {
                each.child_id: (each.state, each.cum_quantity, each.cum_value_micros)
                for each in state.children.values()
                if each.parent_id == parent_id
            }
            open_children = {each.child_id for each in children if not each.ended_ns}
            assert open_children == set(expected.children)
            executed = queries.executions(desk.database, parent_id)
            assert sum(each.quantity for each in executed) == expected.cum_quantity
        assert {each.state for each in shown.values()} <= {"rejected"}, "used ClOrdIDs"
        desk.journal.close()

    @staticmethod
    def _told(order: Order) -> tuple[object, ...]:
        return (
            order.state,
            order.cl_ord_id,
            order.quantity,
            order.limit_micros,
            order.cum_quantity,
            order.cum_value_micros,
            order.leaves_quantity,
        )

    @staticmethod
    def _known(order: Parent) -> tuple[object, ...]:
        return (
            order.state.value,
            order.cl_ord_id,
            order.quantity,
            order.limit_micros,
            order.cum_quantity,
            order.cum_value_micros,
            order.leaves_quantity,
        )


class TestWords:
    def test_ord_type_and_side_are_the_words_of_types(self, desk: Desk) -> None:
        desk.turn(desk.submit())
        assert (parent(desk).side, parent(desk).ord_type) == (Side.BUY, OrdType.LIMIT)


class TestForgotten:
    """What the router does not know any more is looked at, and not booked."""

    def test_nothing_comes_of_it_and_its_names_are_free(self, desk: Desk) -> None:
        desk.turn(desk.submit(quantity=300), desk.accept(), desk.plan())
        desk.turn(desk.fill(300, 300, "E1"))
        desk.turn(OrdersForgotten(T0, ["P1"]))
        desk.turn(ev.FillRevised(T0, "ecn", "C1", "B1", "E1", 0, PX, 0, 0))
        desk.turn(desk.fill(100, 400, "E2"), desk.end(300))
        assert (parent(desk).state, parent(desk).cum_quantity) == ("filled", 300)
        desk.turn(desk.submit("P2"), desk.accept("P2"))
        desk.turn(desk.cancel("b", "a"))
        desk.refresh()
        assert {each.parent_id: each.state for each in queries.orders(desk.database)} == {
            "P1": "filled",
            "P2": "pending-cancel",
        }
