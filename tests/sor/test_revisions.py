"""Busts and corrections (F6), and the operator's word on a doubt (recovery.md 3.5)."""

from __future__ import annotations

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import DenyExecution, Output, Report
from sor_gateway.sor.executed import EXECS_KEPT
from sor_gateway.sor.orders import Child, Parent
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ChildState, DenyReason, ParentState, ReportKind, Side

from .script import SECOND, Script, dark, px, settings

DARK_ONLY = StrategySettings("d", use_lit=False, dark_quantity=600, dark_box_ns=60 * SECOND)


class Busts(Script):
    """One hidden order of 600 at venue `a` for a parent of 1,000."""

    def __init__(self) -> None:
        super().__init__(settings(dark("a"), strategy=DARK_ONLY))
        self.submit(quantity=1_000)
        self.child_id = self.sends()[0].child_id
        self.accept(self.child_id)

    @property
    def child(self) -> Child:
        return self.router.state.children[self.child_id]

    @property
    def parent(self) -> Parent:
        return self.router.state.parents[self.child.parent_id]

    def revise(
        self, ref: str, quantity: int, price: str, cum: int, leaves: int, exec_id: str = "B1"
    ) -> list[Output]:
        fact = ev.FillRevised(
            self.now, "a", self.child_id, exec_id, ref, quantity, px(price), cum, leaves
        )
        return self.step(fact)


@pytest.fixture
def made() -> Busts:
    return Busts()


def told(made: Busts) -> tuple[int, int]:
    """Shares and value, from what the client was told alone."""
    trades: dict[str, Report] = {}
    for report in made.reports():
        if report.kind is ReportKind.FILL:
            trades[report.exec_id] = report
        elif report.kind is ReportKind.CORRECTED:
            trades[report.ref_exec_id] = report
        elif report.kind is ReportKind.BUSTED:
            del trades[report.ref_exec_id]
    shares = sum(each.last_quantity for each in trades.values())
    return shares, sum(each.last_quantity * each.last_price_micros for each in trades.values())


class TestBusts:
    def test_a_working_order_has_its_shares_back(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        exec_id = made.reports()[-1].exec_id
        out = made.revise("T1", 0, "0", 0, 600)
        report = made.reports(out)[0]
        assert (report.kind, report.ref_exec_id) == (ReportKind.BUSTED, exec_id)
        assert (report.cum_quantity, report.leaves_quantity) == (0, 1_000)
        assert report.exec_id != exec_id
        assert made.alarms(out) == ["trade-busted"]
        assert (made.parent.state, made.parent.exposure) == (ParentState.WORKING, 600)
        assert told(made) == (0, 0)
        made.fold()

    def test_what_an_ended_child_gives_back_is_sent_again(self, made: Busts) -> None:
        made.fill(made.child_id, 600, "50.00")
        sent = sum(each.quantity for each in made.sends())
        made.revise("T1", 0, "0", 0, 0)
        made.end(made.sends()[1].child_id)
        made.wait(60 * SECOND)
        assert sum(each.quantity for each in made.sends()) > sent
        assert made.child.state is ChildState.FILLED, "over: the venue left nothing open"

    def test_a_filled_order_is_reported_and_not_worked_again(self, made: Busts) -> None:
        made.fill(made.child_id, 600, "50.00")
        made.fill(made.sends()[1].child_id, 400, "50.00")
        assert made.parent.state is ParentState.FILLED
        sends = len(made.sends())
        out = made.revise("T1", 0, "0", 0, 0)
        report = made.reports(out)[0]
        assert (report.state, report.cum_quantity, report.leaves_quantity) == ("canceled", 400, 0)
        assert len(made.sends()) == sends
        assert told(made) == (400, 400 * px("50.00"))

    def test_an_order_that_the_venue_works_again_counts_again(self, made: Busts) -> None:
        made.fill(made.child_id, 600, "50.00")
        out = made.revise("T1", 0, "0", 0, 600)
        assert made.alarms(out) == ["trade-busted", "child-reopened"]
        assert made.parent.cum_quantity + made.parent.exposure <= 1_000
        assert made.child.leaves_quantity == 600
        assert made.asks(), "it is in doubt until status says"
        made.answer(made.child_id, known=True, live=True, cum=0)
        made.fill(made.child_id, 600, "50.01")
        assert made.parent.cum_quantity == 600

    def test_the_same_bust_again_says_nothing(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        made.revise("T1", 0, "0", 0, 600)
        assert made.revise("T1", 0, "0", 0, 600) == []
        assert made.step(made.facts[-4]) == [] or told(made) == (0, 0)

    def test_one_of_an_execution_that_is_not_known_is_doubted(self, made: Busts) -> None:
        out = made.revise("T9", 0, "0", 0, 600)
        assert "revision-unknown" in made.alarms(out)
        assert len(made.asks()) == 1

    def test_of_a_synthetic_execution_what_is_left_is_told(self, made: Busts) -> None:
        """T1 and T2 were lost and told as one; the venue takes one of them back."""
        made.exec_number = 2
        made.fill(made.child_id, 100, "50.00", cum_quantity=300, leaves_quantity=300)
        synthetic = next(each for each in made.reports() if each.exec_id.startswith("Y"))
        assert synthetic.last_quantity == 200
        made.exec_number = 0
        made.fill(made.child_id, 100, "50.00", cum_quantity=100, leaves_quantity=500)
        out = made.revise("T1", 0, "0", 200, 400)
        report = made.reports(out)[0]
        assert (report.kind, report.ref_exec_id) == (ReportKind.CORRECTED, synthetic.exec_id)
        assert (report.last_quantity, report.cum_quantity) == (100, 200)
        assert told(made) == (200, made.parent.cum_value_micros)


class TestWhatWasNeverReported:
    """Revisions and missing reports at once: the venue's totals decide, nothing stays doubled."""

    def test_a_bust_that_overtakes_its_execution(self, made: Busts) -> None:
        """The execution was passed over by a gap fill, and comes as a hint after all."""
        late = made.fill_fact(made.child_id, 100)
        made.revise(late.exec_id, 0, "0", 0, 600)
        made.answer(made.child_id, cum=0)
        assert made.alarms(made.step(late)) == ["unreported-fill-netted"]
        assert told(made) == (0, 0)
        assert (made.child.cum_quantity, made.parent.exposure) == (0, 600)
        made.fold()

    def test_a_correction_that_overtakes_its_execution_twice(self, made: Busts) -> None:
        late = made.fill_fact(made.child_id, 100, "50.00")
        made.revise(late.exec_id, 50, "50.00", 50, 550)
        made.revise("B1", 60, "49.99", 60, 540, "B2")
        made.step(late)
        made.answer(made.child_id, cum=60)
        assert told(made)[0] == 60

    def test_a_bust_of_one_that_only_the_total_told(self, made: Busts) -> None:
        made.step(ev.ChildrenDoubted(made.now, "a", "gap", [made.child_id]))
        made.answer(made.child_id, cum=300)
        out = made.revise("T1", 0, "0", 100, 500)
        assert [(r.kind, r.last_quantity) for r in made.reports(out)] == [
            (ReportKind.CORRECTED, 100)
        ]
        assert told(made)[0] == made.child.cum_quantity == 100

    def test_a_new_execution_is_not_taken_for_a_lost_one(self, made: Busts) -> None:
        """T2 was lost and told by the total; the bust of T1 makes the totals of T3 look like it."""
        made.fill(made.child_id, 100)
        lost = made.fill_fact(made.child_id, 100)
        made.step(ev.ChildrenDoubted(made.now, "a", "gap", [made.child_id]))
        made.answer(made.child_id, cum=200)
        made.revise("T1", 0, "0", 100, 500)
        made.fill(made.child_id, 100)
        made.answer(made.child_id, cum=200)
        assert told(made)[0] == 200
        made.step(lost)
        made.answer(made.child_id, cum=200)
        assert told(made)[0] == made.child.cum_quantity == 200
        made.fold()

    def test_a_lost_one_is_not_taken_for_a_new_one(self, made: Busts) -> None:
        """T2 was lost; the bust of T1 showed it by its total; then T2 comes as a hint."""
        made.fill(made.child_id, 100)
        lost = made.fill_fact(made.child_id, 100)
        made.revise("T1", 0, "0", 100, 500)
        made.answer(made.child_id, cum=100)
        made.step(lost)
        made.answer(made.child_id, cum=100)
        assert told(made)[0] == made.child.cum_quantity == 100

    def test_one_that_was_told_in_pieces(self, made: Busts) -> None:
        """T1 and T2 were told by two totals; what comes is one execution over both, and a bust."""
        for cum in (100, 250):
            made.step(ev.ChildrenDoubted(made.now, "a", "gap", [made.child_id]))
            made.answer(made.child_id, cum=cum)
        made.step(
            made.fill_fact(made.child_id, 300, "50.00", cum_quantity=300, leaves_quantity=300)
        )
        assert told(made)[0] == 300
        out = made.revise("T1", 120, "50.00", 120, 480)
        assert all(report.last_quantity > 0 for report in made.reports(out))
        assert told(made) == (120, made.parent.cum_value_micros)
        made.revise("T1", 0, "0", 0, 600, "B2")
        assert told(made) == (0, 0)
        assert made.parent.cum_value_micros == 0
        made.fold()

    @pytest.mark.parametrize("over", [False, True])
    def test_the_total_of_a_bust_tells_of_others_that_are_missing(
        self, made: Busts, over: bool
    ) -> None:
        """recovery.md 3.6: any report whose total exceeds what we know."""
        made.fill(made.child_id, 100)
        if over:
            made.end(made.child_id, ChildState.CANCELED)
        out = made.revise("T1", 0, "0", 200, 0 if over else 400)
        assert "contradicting-report" in made.alarms(out)
        how = ChildState.CANCELED if over else ChildState.LIVE
        made.answer(made.child_id, cum=200, live=not over, how=how)
        assert told(made)[0] == made.child.cum_quantity == 200
        assert (made.child.flight is None) is over

    def test_one_of_a_denied_execution_that_the_total_brought_in(self, made: Busts) -> None:
        """The wrong side, then the total with it, then the venue's answer to our denial."""
        made.step(made.fill_fact(made.child_id, 100, side=Side.SELL))
        made.answer(made.child_id, cum=100)
        assert told(made)[0] == 100, "its total is believed"
        made.revise("T1", 0, "0", 0, 600)
        assert told(made) == (0, 0)
        assert made.child.cum_quantity == made.parent.cum_quantity == 0
        assert made.revise("T1", 0, "0", 0, 600) == []
        made.fold()

    def test_one_of_a_denied_execution_that_was_never_booked(self, made: Busts) -> None:
        made.step(made.fill_fact(made.child_id, 100, side=Side.SELL))
        assert made.revise("T1", 0, "0", 0, 600) == []
        made.answer(made.child_id, cum=0)
        assert told(made) == (0, 0)

    def test_one_of_an_order_that_is_not_ours_is_alarmed(self, made: Busts) -> None:
        fact = ev.FillRevised(made.now, "a", "C999", "B1", "T1", 0, 0, 0, 0)
        assert made.alarms(made.step(fact)) == ["unknown-child"]


class TestCorrections:
    def test_price_alone(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        out = made.revise("T1", 200, "49.90", 200, 400)
        report = made.reports(out)[0]
        assert report.kind is ReportKind.CORRECTED
        assert (report.last_quantity, report.last_price_micros) == (200, px("49.90"))
        assert made.parent.cum_value_micros == 200 * px("49.90")
        assert told(made) == (200, 200 * px("49.90"))

    def test_of_a_correction(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        made.revise("T1", 150, "50.00", 150, 450)
        made.revise("B1", 0, "0", 0, 600, "B2")
        assert told(made) == (0, 0)
        assert made.child.cum_quantity == 0

    def test_upwards_fills_the_order(self, made: Busts) -> None:
        made.fill(made.child_id, 500, "50.00")
        made.revise("T1", 600, "50.00", 600, 0)
        assert made.child.state is ChildState.FILLED
        assert made.child.flight is None
        assert made.parent.cum_quantity == 600


class TestWhatCannotBe:
    """A correction to more than was ordered, or beyond the limit: booked, denied, quarantined."""

    def test_more_than_was_ordered(self, made: Busts) -> None:
        made.fill(made.child_id, 500, "50.00")
        out = made.revise("T1", 650, "50.00", 650, 0)
        assert [each.reason for each in made.of(DenyExecution, out)] == [DenyReason.QUANTITY]
        assert {"execution-denied", "venue-quarantined"} <= set(made.alarms(out))
        assert told(made) == (650, 650 * px("50.00")), "reported truly"
        assert made.asks(out), "nor is it sure that the order is over"
        made.answer(made.child_id, live=False, cum=650, how=ChildState.FILLED)
        assert made.child.flight is None
        made.fold()

    def test_beyond_the_limit(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        out = made.revise("T1", 200, "50.20", 200, 400)
        assert [each.reason for each in made.of(DenyExecution, out)] == [DenyReason.PRICE]
        assert "venue-quarantined" in made.alarms(out)
        assert made.parent.cum_value_micros == 200 * px("50.20")

    def test_one_that_mends_it_is_no_offence(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.20")
        out = made.revise("T1", 200, "50.00", 200, 400)
        assert made.alarms(out) == ["trade-corrected"]


class TestWhatIsKept:
    """A venue may amend for ever; what is kept of it is bounded."""

    def sizes(self, made: Busts) -> list[int]:
        kept = made.child.revisions
        assert kept is not None
        tables = (kept.roots, kept.current, kept.told, kept.pieces, kept.denied, kept.early)
        return [len(made.child.execs), *(len(table) for table in tables)]

    def test_one_execution_amended_again_and_again(self, made: Busts) -> None:
        made.fill(made.child_id, 200, "50.00")
        ref = "T1"
        for number in range(EXECS_KEPT + 50):
            quantity, own = 100 + number % 7, f"B{number}"
            made.revise(ref, quantity, "49.90", quantity, 600 - quantity, own)
            ref = own
        assert max(self.sizes(made)) <= EXECS_KEPT
        assert told(made) == (quantity, quantity * px("49.90"))
        assert made.revise(ref, quantity, "49.90", quantity, 600 - quantity, own) == []
        made.fold()

    def test_many_executions_amended_once(self, made: Busts) -> None:
        for number in range(1, EXECS_KEPT + 50):
            made.fill(made.child_id, 1, "50.00")
            made.revise(f"T{number}", 1, "49.99", number, 600 - number, f"B{number}")
        assert max(self.sizes(made)) <= EXECS_KEPT
        assert told(made) == (number, number * px("49.99"))

    def test_one_that_is_forgotten_is_doubted(self, made: Busts) -> None:
        for _ in range(EXECS_KEPT + 1):
            made.fill(made.child_id, 1, "50.00")
        out = made.revise("T1", 0, "0", EXECS_KEPT, 600 - EXECS_KEPT)
        assert "revision-unknown" in made.alarms(out)
        assert made.asks(), "the order's own total decides"

    def test_executions_that_were_told_together_are_forgotten_together(self, made: Busts) -> None:
        """T1 and T2 were told by one total: its id stays known while either may be revised."""
        made.step(ev.ChildrenDoubted(made.now, "a", "gap", [made.child_id]))
        made.answer(made.child_id, cum=2)
        synthetic = made.reports()[-1].exec_id
        for cum in (1, 2):
            made.fill(made.child_id, 1, "50.00", cum_quantity=cum, leaves_quantity=600 - cum)
        revisions = made.child.revisions
        assert revisions is not None
        for number in range(EXECS_KEPT - 1):
            made.fill(made.child_id, 1, "50.00")
            assert synthetic in revisions.told, number
        made.fill(made.child_id, 1, "50.00")
        assert synthetic not in revisions.told

    def test_denials_of_which_nothing_came(self, made: Busts) -> None:
        for _ in range(EXECS_KEPT + 50):
            made.apply(made.fill_fact(made.child_id, 100, side=Side.SELL))
        assert max(self.sizes(made)) <= EXECS_KEPT

    def test_revisions_of_executions_that_never_come(self, made: Busts) -> None:
        for number in range(EXECS_KEPT + 50):
            made.apply(
                ev.FillRevised(
                    made.now, "a", made.child_id, f"B{number}", f"Z{number}", 0, 0, 0, 600
                )
            )
        assert max(self.sizes(made)) <= EXECS_KEPT


class TestResolving:
    """A doubt that the venue does not end."""

    def doubt(self, made: Busts) -> None:
        made.step(ev.ChildrenDoubted(made.now, "a", "it forgot", [made.child_id]))

    def test_dead_frees_the_shares(self, made: Busts) -> None:
        self.doubt(made)
        out = made.step(ev.ChildResolved(made.now, made.child_id, 0, "the venue's desk said so"))
        assert made.child.state is ChildState.RELEASED
        assert "child-resolved" in made.alarms(out)
        assert made.sends(out), "its shares are sent again"
        made.fold()

    def test_what_was_filled_is_told(self, made: Busts) -> None:
        self.doubt(made)
        fact = ev.ChildResolved(made.now, made.child_id, 250, "by telephone", px("50.02"))
        out = made.step(fact)
        assert (made.child.state, made.child.cum_quantity) == (ChildState.CANCELED, 250)
        assert told(made) == (250, 250 * px("50.02"))
        assert "unreported-fill" in made.alarms(out)

    def test_all_of_it(self, made: Busts) -> None:
        self.doubt(made)
        made.step(ev.ChildResolved(made.now, made.child_id, 600, "by telephone"))
        assert made.child.state is ChildState.FILLED

    def test_a_report_that_comes_after_all_is_booked_and_alarmed(self, made: Busts) -> None:
        self.doubt(made)
        made.step(ev.ChildResolved(made.now, made.child_id, 0, "they said it never came"))
        out = made.fill(made.child_id, 100, "50.00")
        assert "released-child-lives" in made.alarms(out)
        assert told(made)[0] == 100
