"""Orders that are over stay known for some trading days, and then nothing is left of them."""

from __future__ import annotations

import msgspec
import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.bygone import CHILDREN_AT_ONCE, ORDERS_AT_ONCE
from sor_gateway.sor.commands import Report
from sor_gateway.sor.days import DayBegan, OrdersForgotten
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import ChildState, ParentState, ReportKind

from .script import MS, SECOND, Script, lit, px, settings

DAY = 24 * 3_600 * SECOND
KEEP = 2
LIT = StrategySettings("lit", use_dark=False)


def desk() -> Script:
    made = Script(settings(lit(orders_per_second=10_000), strategy=LIT))
    begin_day(made)
    return made


def begin_day(made: Script, days: int = 1) -> None:
    """So many trading days begin, one after the other; what is stale has time to go."""
    for _ in range(days):
        made.now += DAY
        made.quote("ecn", [("50.00", 300)], [("50.05", 300)])
        made.step(DayBegan(made.now, made.now + DAY, KEEP))
        made.wait(SECOND)


def filled(made: Script, cl_ord_id: str = "A1") -> tuple[str, str]:
    """An order that was filled by one child: both ids."""
    made.quote("ecn", [("50.00", 300)], [("50.05", 300)])
    parent_id = made.submit(cl_ord_id, 300)
    child_id = made.sends()[-1].child_id
    made.fill(child_id, 300)
    assert made.router.state.parents[parent_id].state is ParentState.FILLED
    return parent_id, child_id


def bust(made: Script, child_id: str) -> list[Report]:
    """What the client is told when the venue takes the child's last execution back."""
    exec_id = f"T{made.exec_number}"
    fact = ev.FillRevised(made.now, "ecn", child_id, f"B{made.now}", exec_id, 0, 0, 0, 0)
    return made.reports(made.step(fact))


class TestKept:
    """As long as something may come of them."""

    @pytest.mark.parametrize("days", range(KEEP + 1))
    def test_a_bust_of_an_earlier_days_fill_is_booked(self, days: int) -> None:
        made = desk()
        parent_id, child_id = filled(made)
        begin_day(made, days)
        told = bust(made, child_id)
        assert [report.kind for report in told] == [ReportKind.BUSTED]
        parent = made.router.state.parents[parent_id]
        assert (parent.cum_quantity, parent.state) == (0, ParentState.CANCELED)
        made.fold()

    def test_what_something_came_of_is_kept_as_if_it_had_ended_today(self) -> None:
        made = desk()
        parent_id, child_id = filled(made)
        begin_day(made, KEEP)
        bust(made, child_id)
        begin_day(made, KEEP)
        assert parent_id in made.router.state.parents
        begin_day(made)
        assert parent_id not in made.router.state.parents
        made.fold()

    def test_an_order_that_works_for_days_is_kept_for_its_days_behind_its_end(self) -> None:
        made = desk()
        parent_id = made.submit("A1", 300, limit_micros=px("49.00"))
        begin_day(made, 3 * KEEP)
        made.cancel("A2", "A1")
        assert made.router.state.parents[parent_id].state is ParentState.CANCELED
        begin_day(made, KEEP)
        assert parent_id in made.router.state.parents
        begin_day(made)
        assert parent_id not in made.router.state.parents

    def test_an_order_that_is_over_with_a_child_in_doubt_is_kept(self) -> None:
        made = desk()
        parent_id, child_id = filled(made)
        made.fill(child_id, 50)  # more than was ordered: nor is it sure that it is over
        assert made.router.state.parents[parent_id].children
        begin_day(made, 2 * KEEP)
        assert parent_id in made.router.state.parents
        made.end(child_id)
        begin_day(made, KEEP + 1)
        assert parent_id not in made.router.state.parents
        made.fold()

    def test_one_that_lives_again_just_before_it_would_go_stays(self) -> None:
        made = desk()
        parent_id, child_id = filled(made)
        begin_day(made, KEEP)
        made.now += DAY
        made.apply(DayBegan(made.now, made.now + DAY, KEEP))
        assert parent_id in made.router.state.stale
        fact = ev.FillRevised(made.now, "ecn", child_id, "B1", "T1", 0, 0, 0, 300)
        made.step(fact)  # busted, and the venue works it again
        assert made.router.state.children[child_id].state is ChildState.LIVE
        begin_day(made, KEEP + 2)
        assert parent_id in made.router.state.parents
        made.fold()


class TestForgotten:
    """Nothing is left, and what comes of it all the same is alarmed."""

    def test_no_order_no_child_no_name(self) -> None:
        made = desk()
        parent_id, child_id = filled(made)
        rest = made.submit("B1", 300, limit_micros=px("49.00"))
        made.replace("B2", "B1", 200, "49.01")
        made.cancel("B3", "B2")
        begin_day(made, KEEP + 1)
        state = made.router.state
        assert not {parent_id, rest} & state.parents.keys()
        assert child_id not in state.children
        assert state.cl_ord_ids == {"EMS": {}}
        assert not state.stale
        assert not any(state.ended)
        made.fold()

    def test_its_bust_is_one_of_an_order_that_is_not_ours(self) -> None:
        made = desk()
        _, child_id = filled(made)
        begin_day(made, KEEP + 1)
        before = len(made.out)
        assert not bust(made, child_id)
        assert made.alarms(made.out[before:]) == ["unknown-child"]

    def test_its_cl_ord_id_may_be_used_again(self) -> None:
        made = desk()
        filled(made)
        begin_day(made, KEEP)
        refused = made.submit("A1", 300)
        assert refused not in made.router.state.parents
        begin_day(made)
        taken = made.submit("A1", 300)
        assert made.router.state.parents[taken].state is ParentState.WORKING
        made.fold()

    def test_an_order_that_was_refused_for_its_cl_ord_id_leaves_nothing(self) -> None:
        made = desk()
        parent_id, _ = filled(made)
        made.submit("A1", 300)
        assert list(made.router.state.parents) == [parent_id]
        assert made.router.state.ended == [{}, {parent_id: None}]

    def test_many_go_a_part_in_each_turn(self) -> None:
        made = desk()
        for number in range(2 * ORDERS_AT_ONCE):
            made.submit(f"A{number}", 300, limit_micros=px("49.00"))
            made.cancel(f"X{number}", f"A{number}")
        begin_day(made, KEEP)
        made.now += DAY
        made.step(DayBegan(made.now, made.now + DAY, KEEP))
        assert len(made.router.state.parents) == ORDERS_AT_ONCE
        assert made.router.next_deadline() == made.now + 10 * MS
        made.wait(10 * MS)
        assert not made.router.state.parents
        parts = [each for each in made.decisions if isinstance(each, OrdersForgotten)]
        assert [len(each.parent_ids) for each in parts] == [ORDERS_AT_ONCE] * 2

    def test_orders_of_many_children_go_in_smaller_parts(self) -> None:
        made = desk()
        for number in range(3):
            parent = made.router.state.parents[made.submit(f"A{number}", 1_000_000)]
            for turn in range(CHILDREN_AT_ONCE // 2 + 1):
                made.now += SECOND
                made.quote("ecn", [("50.00", 300)], [("50.05", 300 + turn % 2)])
                for child_id in list(parent.children):
                    made.fill(child_id, made.router.state.children[child_id].leaves_quantity)
            made.cancel(f"X{number}", f"A{number}")
        assert len(made.router.state.children) > 3 * CHILDREN_AT_ONCE // 2
        assert not made.router.state.open_parents
        begin_day(made, KEEP + 1)
        parts = [each for each in made.decisions if isinstance(each, OrdersForgotten)]
        assert [len(each.parent_ids) for each in parts] == [1, 1, 1]


class TestManyDays:
    """What is kept does not grow with the days."""

    def test_state_and_snapshot_stay_as_large_as_some_days_make_them(self) -> None:
        made = desk()
        sizes, orders = list[int](), 40
        for day in range(12):
            for number in range(orders):
                filled(made, f"D{day}-{number}")
            begin_day(made)
            state = made.router.state
            assert len(state.parents) == len(state.children) <= (KEEP + 1) * orders
            assert len(state.cl_ord_ids["EMS"]) == len(state.parents)
            sizes.append(len(msgspec.msgpack.encode((state.parents, state.children, state.ended))))
        assert max(sizes[KEEP + 1 :]) < 1.1 * sizes[KEEP]
        made.fold()

    def test_who_starts_with_a_snapshot_forgets_as_who_made_it(self) -> None:
        made = desk()
        parent_id, _ = filled(made)
        begin_day(made)
        raw = msgspec.msgpack.encode(made.router.state)
        made.router = Router(made.settings, msgspec.msgpack.decode(raw, type=RouterState))
        begin_day(made, KEEP - 1)
        assert parent_id in made.router.state.parents
        begin_day(made)
        assert not made.router.state.parents
        assert not made.router.state.children

    def test_a_snapshot_that_knows_no_days_is_dated_when_it_is_read(self) -> None:
        made = desk()
        parent_id, _ = filled(made)
        state = made.router.state
        state.ended = [{}]
        made.router = Router(made.settings, state)
        assert state.ended == [{parent_id: None}]
        begin_day(made, KEEP + 1)
        assert not state.parents
