"""A venue that rejects everything costs a bounded number of messages (F10)."""

from __future__ import annotations

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.breaker import COOL_OFF_MAX_NS, COOL_OFF_NS, PAUSE_NS, REJECTS_MAX, Breaker
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ChildState

from .script import MS, SECOND, Script, lit, settings

SWEEP = StrategySettings("sweep", use_dark=False, lit_wave_ns=50 * MS)


def storm(made: Script, seconds: int) -> None:
    """The venue `x` rejects all that it is sent; its quotes stay attractive."""
    for _ in range(seconds * 10):
        made.wait(100 * MS)
        for send in made.sends():
            if made.router.state.children[send.child_id].flight is not None:
                made.end(send.child_id, ChildState.REJECTED)
        made.quote("x", [("49.99", 500)], [("50.05", 500)])


class TestBound:
    @pytest.mark.parametrize("parents", [1, 40])
    def test_an_hour_of_rejections_is_a_handful_of_orders(self, parents: int) -> None:
        made = Script(settings(lit("x"), strategy=SWEEP))
        made.quote("x", [("49.99", 500)], [("50.05", 500)])
        for number in range(parents):
            made.submit(f"A{number}", quantity=300)
        storm(made, 600)
        # At first what left in one turn, then one for each cool-off: 5, 10, 20 ... 320 s.
        assert len(made.sends()) <= max(parents, REJECTS_MAX) + 8
        assert made.alarms().count("venue-rests") >= 5
        made.fold()

    def test_a_venue_that_takes_orders_again_is_used_again(self) -> None:
        made = Script(settings(lit("x"), strategy=SWEEP))
        made.quote("x", [("49.99", 500)], [("50.05", 500)])
        for number in range(10):
            made.submit(f"A{number}", quantity=300)
        storm(made, 2)
        assert not made.router.state.venues["x"].is_routable
        before = len(made.sends())
        made.quote("x", [("49.99", 5_000)], [("50.05", 5_000)])
        for _ in range(60):
            made.wait(100 * MS)
            made.quote("x", [("49.99", 5_000)], [("50.05", 5_000)])
            if len(made.sends()) > before:
                break
        trial = made.sends()[before:]
        assert len(trial) == 1, "one order tries it"
        made.fill(trial[0].child_id, trial[0].quantity)
        made.wait(50 * MS)
        made.quote("x", [("49.99", 5_000)], [("50.05", 5_000)])
        made.wait(11 * SECOND)  # those whose own orders were rejected rest a little longer
        made.quote("x", [("49.99", 5_000)], [("50.05", 5_000)])
        assert len(made.sends()) > before + 1
        assert made.router.state.venues["x"].is_routable

    @pytest.mark.parametrize("is_live", [True, False])
    def test_a_trial_whose_answers_were_lost_decides_by_its_status(self, is_live: bool) -> None:
        made = Script(settings(lit("x"), strategy=SWEEP))
        made.quote("x", [("49.99", 500)], [("50.05", 500)])
        for number in range(10):
            made.submit(f"A{number}", quantity=300)
        storm(made, 2)
        before = len(made.sends())
        while len(made.sends()) == before:
            made.wait(100 * MS)
            made.quote("x", [("49.99", 500)], [("50.05", 500)])
        trial = made.sends()[before].child_id
        made.step(ev.ChildrenDoubted(made.now, "x", "gap", [trial]))
        if is_live:
            made.answer(trial, cum=0)
            assert made.router.state.venues["x"].is_routable
        else:
            made.answer(trial, cum=0, live=False, how=ChildState.REJECTED)
            assert made.alarms().count("venue-rests") == 2
            assert not made.router.state.venues["x"].is_routable
        made.fold()

    def test_other_venues_go_on(self) -> None:
        made = Script(settings(lit("x"), lit("y", take_fee_micros=9_000), strategy=SWEEP))
        for name in ("x", "y"):
            made.quote(name, [("49.99", 500)], [("50.05", 500)])
        for number in range(10):
            made.submit(f"A{number}", quantity=100)
        for send in made.sends():
            if send.venue == "x":
                made.end(send.child_id, ChildState.REJECTED)
        made.wait(SECOND)
        before = len(made.sends())
        for name in ("x", "y"):
            made.quote(name, [("49.99", 900)], [("50.05", 900)])
        assert {send.venue for send in made.sends()[before:]} == {"y"}


class TestBreaker:
    def test_rejections_in_a_row_open_it_and_others_do_not(self) -> None:
        breaker = Breaker()
        for number in range(REJECTS_MAX - 1):
            assert not breaker.rejected(f"C{number}", number)
        breaker.taken("C8")
        assert not breaker.rejected("C9", 9)
        assert not breaker.is_resting

    def test_slow_ones_do_not_open_it(self) -> None:
        breaker = Breaker()
        for number in range(3 * REJECTS_MAX):
            assert not breaker.rejected(f"C{number}", number * (PAUSE_NS + 1))

    def test_each_failed_try_doubles_the_rest_to_a_bound(self) -> None:
        breaker, at_ns, rests = Breaker(), SECOND, []
        for number in range(REJECTS_MAX):
            breaker.rejected(f"C{number}", at_ns)
        for number in range(10):
            rests.append(breaker.until_ns - at_ns)
            at_ns = breaker.until_ns
            breaker.tried()
            breaker.left(f"T{number}")
            assert breaker.is_resting
            assert breaker.rejected(f"T{number}", at_ns)
        assert rests[:3] == [COOL_OFF_NS, 2 * COOL_OFF_NS, 4 * COOL_OFF_NS]
        assert max(rests) == rests[-1] == COOL_OFF_MAX_NS

    def test_a_try_that_never_arrived_is_made_again(self) -> None:
        breaker = Breaker(until_ns=1, is_trying=True, opened=1)
        breaker.left("T1")
        breaker.forgotten("T1")
        assert not breaker.is_resting
