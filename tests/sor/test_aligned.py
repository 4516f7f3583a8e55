"""Sweeps whose orders arrive together: near venues wait for those on a longer way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import LitTactic, StrategySettings
from sor_gateway.sor.tactics.sweep import holds
from sor_gateway.sor.types import ChildState, ParentState

from .script import MS, SECOND, Script, lit, settings

ALIGNED = StrategySettings(
    "aligned", use_dark=False, lit_tactic=LitTactic.SWEEP, sweep_align_ns=5 * MS, sweep_iso=True
)
FAR_NS, NEAR_NS = 4 * MS, 1 * MS
WAIT_NS = (FAR_NS - NEAR_NS) // 2


def desk(strategy: StrategySettings = ALIGNED) -> Script:
    """Of two venues at one price, one is four times as far away."""
    near = lit("near", latency_prior_ns=NEAR_NS)
    far = lit("far", latency_prior_ns=FAR_NS)
    made = Script(settings(near, far, strategy=strategy))
    for name in ("near", "far"):
        made.quote(name, [("50.00", 500)], [("50.02", 500)])
    return made


def sent(made: Script) -> list[str]:
    return [send.venue for send in made.sends()]


def held(made: Script) -> str:
    """The child that waits."""
    children = made.router.state.children.values()
    (found,) = (each for each in children if each.flight is not None and each.flight.leaves_ns)
    return found.child_id


class TestHolds:
    def test_half_of_the_difference_there_and_back(self) -> None:
        trips = {"a": 1_000, "b": 400, "c": 700}
        assert holds(trips, 10_000) == {"a": 0, "b": 300, "c": 150}

    def test_nobody_waits_for_ever(self) -> None:
        assert holds({"a": 10_000_000, "b": 400}, 1_000) == {"a": 0, "b": 1_000}

    @given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9)), st.integers(0, 10**9))
    def test_all_arrive_together_or_the_near_before(self, trips: dict[str, int], most: int) -> None:
        waits = holds(trips, most)
        arrivals = {venue: waits[venue] + trips[venue] // 2 for venue in trips}
        last = max(arrivals.values(), default=0)
        for venue, arrival in arrivals.items():
            assert 0 <= waits[venue] <= most
            assert last - arrival <= 1 or waits[venue] == most


class TestLeaving:
    def test_the_far_order_leaves_first_and_the_near_one_in_time(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        assert sent(made) == ["far"]
        made.wait(WAIT_NS - 1)
        assert sent(made) == ["far"]
        made.wait(1)
        assert sent(made) == ["far", "near"]
        assert all(send.is_iso for send in made.sends())
        made.fold()

    def test_what_waits_is_exposed_from_the_decision_on(self) -> None:
        made = desk()
        parent_id = made.submit(quantity=1_000)
        parent = made.router.state.parents[parent_id]
        assert (parent.exposure, parent.available) == (1_000, 0)

    def test_without_the_option_all_leave_at_once(self) -> None:
        made = desk(replace(ALIGNED, sweep_align_ns=0))
        made.submit(quantity=1_000)
        assert sorted(sent(made)) == ["far", "near"]

    def test_the_way_is_measured_from_when_an_order_left(self) -> None:
        """The venue that was taken for near answers in twice the time of the other."""
        made = desk()
        made.submit(quantity=1_000)
        made.wait(WAIT_NS)
        far, near = (send.child_id for send in made.sends())
        made.wait(FAR_NS - WAIT_NS)
        made.fill(far, 500, "50.02")
        made.wait(2 * FAR_NS - (FAR_NS - WAIT_NS))
        made.fill(near, 500, "50.02")
        for name in ("near", "far"):
            made.quote(name, [("50.00", 500)], [("50.02", 500)])
        made.submit("B1", quantity=1_000)
        assert sent(made)[2:] == ["near"]
        flight = made.router.state.children[held(made)].flight
        assert flight is not None
        assert flight.leaves_ns - made.now == pytest.approx(FAR_NS / 2, rel=0.25)

    def test_its_wait_stands_in_the_reason(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        planned = [each for each in made.decisions if isinstance(each, de.ChildPlanned)]
        assert {each.venue: each.leaves_ns - each.at_ns for each in planned if each.leaves_ns} == {
            "near": WAIT_NS
        }
        (why,) = (each.why for each in planned if each.leaves_ns)
        assert why.endswith("; 1.500 ms later, to arrive with the others")

    def test_an_answer_is_waited_for_from_its_leaving(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        made.wait(WAIT_NS)
        near = made.sends()[1].child_id
        made.wait(2 * SECOND - WAIT_NS)
        assert near not in {ask.child_id for ask in made.asks()}
        made.wait(WAIT_NS)
        assert near in {ask.child_id for ask in made.asks()}


class TestNotLeaving:
    """What changed while it waited: it never left, and its shares are free at once."""

    def released(self, made: Script) -> str:
        """Why the one that waited never left."""
        (fact,) = (each for each in made.decisions if isinstance(each, de.ChildReleased))
        made.wait(WAIT_NS)
        assert sent(made) == ["far"]
        assert made.router.state.children[fact.child_id].state is ChildState.RELEASED
        made.fold()
        return fact.why

    def test_the_client_cancels(self) -> None:
        made = desk()
        parent_id = made.submit(quantity=1_000)
        made.cancel()
        assert self.released(made) == "it never left: the client cancels"
        assert [cancel.venue for cancel in made.cancels()] == ["far"]
        made.end(made.cancels()[0].child_id)
        assert made.router.state.parents[parent_id].state is ParentState.CANCELED

    @pytest.mark.parametrize(
        ("fact", "why"),
        [
            (lambda now: ev.VenueClosed(now, "near", "cut"), "its venue is closed"),
            (
                lambda now: ev.SymbolStatusChanged(now, "near", "ACME", True, ""),
                "it is halted there",
            ),
            (lambda now: ev.VenueQuarantined(now, "near", True, "drill"), "in quarantine: drill"),
            (
                lambda now: ev.VenueCongested(now, "near", True, 9),
                "it leaves what we send it unread",
            ),
            (lambda now: ev.ChildrenDoubted(now, "near", "a gap"), "a gap"),
        ],
    )
    def test_its_venue_cannot_take_it(self, fact: Any, why: str) -> None:
        made = desk()
        made.submit(quantity=1_000)
        made.apply(fact(made.now))
        made.now += WAIT_NS
        made.settle()
        found = self.released(made)
        assert found.startswith(f"it never left: {why}"), found

    def test_the_kill_switch(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        made.step(ev.KillSwitched(made.now, True, "drill"))
        assert "drill" in self.released(made)

    def test_after_a_restart_its_moment_is_over(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        made.router = Router(made.settings, made.router.state)
        made.now += SECOND
        made.settle()
        assert self.released(made) == "it never left: its moment passed"
