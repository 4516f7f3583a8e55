"""The shape of the machine: every fact has a handler, deciding changes nothing, a fold gives the
same, finished orders cost nothing."""

from __future__ import annotations

from copy import deepcopy

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.router import HANDLERS, Router
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import OrdType, Side, TimeInForce

from .script import MS, SECOND, Script, dark, lit, px, settings


def busy() -> Script:
    """Two orders under way in two tiers, one of them pending cancel, a child in doubt."""
    made = Script(settings(dark("a"), dark("b"), lit("x")))
    made.quote("x", [("50.00", 300)], [("50.05", 300)])
    made.submit("A1", quantity=5_000)
    made.submit("B1", quantity=400)
    for send in made.sends()[:2]:
        made.accept(send.child_id)
        made.fill(send.child_id, 100)
    made.step(ev.ChildrenDoubted(made.now, "a", "gap"))
    made.cancel("B2", "B1")
    return made


class TestFacts:
    """Dispatch by type."""

    def test_every_fact_has_a_handler(self) -> None:
        assert set(HANDLERS) == set(ev.FACTS)


class TestDecide:
    """decide(now) changes no state."""

    def test_state_and_market_are_as_before(self) -> None:
        made = busy()
        for _ in range(40):
            made.now += SECOND // 4
            made.router.market.update("x", "ACME", [(px("50.00"), 300)], [(px("50.05"), 300)], 0)
            made.router.market.update(
                "x", "ACME", [(px("50.00"), 300)], [(px("50.05"), 300)], made.now
            )
            made.router.quoted("ACME")
            state = deepcopy(made.router.state)
            books = deepcopy(dict(made.router.market.fresh("ACME", made.now)))
            decisions = made.router.decide(made.now)
            assert made.router.state == state
            assert dict(made.router.market.fresh("ACME", made.now)) == books
            for decision in decisions:
                made.apply(decision)
        assert made.decisions

    def test_nothing_due_decides_nothing(self) -> None:
        made = busy()
        assert made.decide() == []

    def test_the_deadline_is_the_earliest_timer(self) -> None:
        made = Script(settings(dark("a")))
        made.submit()
        assert made.router.next_deadline() == made.now + 2 * SECOND

    def test_finished_orders_leave_no_deadline(self) -> None:
        made = Script(settings(lit("x"), strategy=StrategySettings("lit", use_dark=False)))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=300)
        made.fill(made.sends()[0].child_id, 300)
        made.wait(62 * SECOND)  # what the market does after a fill is looked at for a minute
        assert made.router.next_deadline() is None
        assert not made.router.state.open_parents
        (parent,) = made.router.state.parents.values()
        (child,) = made.router.state.children.values()
        assert parent.work is None
        assert child.flight is None


class TestFold:
    """A fold of the same facts gives the same state and the same reports."""

    def test_fold_is_live(self) -> None:
        made = busy()
        made.wait(30 * SECOND)
        made.fold()

    def test_a_fold_does_not_depend_on_the_settings(self) -> None:
        """recovery.md 1.1: an upgrade in mid-day changes no past."""
        made = busy()
        made.wait(30 * SECOND)
        other = settings(
            dark("a", unknown_is_final=False, has_status=False),
            dark("b", enabled=False),
            lit("x", take_fee_micros=9_000, latency_prior_ns=1),
            strategy=StrategySettings("other", use_dark=False, dark_dry_share=0.9),
        )
        fresh = Router(other)
        for fact in made.facts:
            fresh.handle(fact)
        assert fresh.state == made.router.state

    def test_a_router_from_a_state_has_every_open_parent_due(self) -> None:
        made = busy()
        made.wait(1_500 * MS)  # marks of fills are not part of the state: the next is far away
        again = Router(made.settings, deepcopy(made.router.state))
        assert again.next_deadline() == 0
        again.decide(made.now)
        assert again.next_deadline() == made.router.next_deadline()


class TestIds:
    """Ids come from the reserved block, in order."""

    def test_a_fresh_router_has_none(self) -> None:
        router = Router(settings(lit()))
        assert router.ids_left() == 0
        router.handle(ev.IdsReserved(0, 10))
        assert (router.ids_left(), router.next_parent_id()) == (10, "P000000001")

    def test_an_order_without_an_id_is_a_bug(self) -> None:
        router = Router(settings(lit()))
        fact = ev.ParentSubmitted(
            0,
            router.next_parent_id(),
            "EMS",
            "A1",
            "ACME",
            Side.BUY,
            1,
            OrdType.MARKET,
            None,
            TimeInForce.DAY,
            "",
        )
        with pytest.raises(AssertionError, match="beyond the reserved"):
            router.handle(fact)

    def test_the_reserve_never_shrinks(self) -> None:
        router = Router(settings(lit()))
        router.handle(ev.IdsReserved(0, 10))
        with pytest.raises(AssertionError):
            router.handle(ev.IdsReserved(0, 9))

    def test_no_report_id_comes_twice(self) -> None:
        made = busy()
        ids = [report.exec_id for report in made.reports()]
        assert len(ids) == len(set(ids))


class TestOpenChildren:
    """What the process waits for when it stops."""

    def test_counts_those_that_may_fill(self) -> None:
        made = Script(settings(dark("a"), dark("b")))
        assert made.router.open_children() == 0
        made.submit(quantity=10_000)
        assert made.router.open_children() == 2
        made.end(made.sends()[0].child_id)
        assert made.router.open_children() == 1

    def test_an_empty_state_is_a_fresh_one(self) -> None:
        assert Router(settings(lit("x"))).state == Router(settings(lit("x")), RouterState()).state
