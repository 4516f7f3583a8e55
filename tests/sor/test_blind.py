"""Venues down, all dark venues down, market data stale: what an order does then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.settings import LitTactic, StrategySettings
from sor_gateway.sor.types import Side, TimeInForce

from .script import MS, SECOND, Script, dark, lit, px, settings

BALANCED = StrategySettings("balanced")
SPRAY = replace(BALANCED, lit_tactic=LitTactic.SPRAY)
SELL: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.00")}


def quote(made: Script, *names: str) -> None:
    for name in names:
        made.quote(name, [("50.00", 300)], [("50.02", 300)])


def venues(made: Script) -> set[str]:
    return {send.venue for send in made.sends()}


class TestOneVenueDown:
    """The others carry on; it is used when it comes."""

    def test_a_dark_one(self) -> None:
        made = Script(settings(dark("a"), dark("b"), lit("x"), strategy=BALANCED), False)
        for name in ("a", "x"):
            made.step(ev.VenueOpened(made.now, name, 1))
        quote(made, "x")
        made.submit(quantity=20_000, **SELL)
        assert venues(made) == {"a"}
        made.step(ev.VenueOpened(made.now, "b", 1))
        made.accept(made.sends()[0].child_id)
        made.fill(made.sends()[0].child_id, 4_000)
        made.wait(2 * SECOND)
        quote(made, "x")
        made.end(made.sends()[0].child_id)
        assert venues(made) == {"a", "b"}

    def test_a_lit_one(self) -> None:
        made = Script(settings(lit("x"), lit("y"), strategy=BALANCED), False)
        made.step(ev.VenueOpened(made.now, "x", 1))
        quote(made, "x")
        made.submit(quantity=20_000, **SELL)
        assert venues(made) == {"x"}
        made.step(ev.VenueOpened(made.now, "y", 1))
        made.wait(250 * MS)
        quote(made, "y")
        assert venues(made) == {"x", "y"}

    def test_a_child_on_a_lost_venue_stays_counted_and_the_rest_goes_on(self) -> None:
        made = Script(settings(lit("x"), lit("y"), strategy=replace(SPRAY, use_dark=False)))
        quote(made, "x", "y")
        parent_id = made.submit(quantity=20_000, **SELL)
        for send in made.sends():
            made.accept(send.child_id)
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        made.fill(next(s.child_id for s in made.sends() if s.venue == "y"), 500, "50.02")
        made.wait(SECOND)
        quote(made, "y")
        parent = made.router.state.parents[parent_id]
        assert parent.exposure == 1_000
        assert [send.venue for send in made.sends()].count("y") == 2


class TestAllDarkDown:
    """Lit is opened at once: nothing can be learnt from venues that are not there."""

    def test_lit_at_once_and_dark_when_it_comes(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=SPRAY), False)
        made.step(ev.VenueOpened(made.now, "x", 1))
        quote(made, "x")
        made.submit(quantity=20_000, **SELL)
        assert venues(made) == {"x"}
        (moved,) = (each for each in made.decisions if isinstance(each, de.StageMoved))
        assert moved.why == "no dark venue is usable"
        made.step(ev.VenueOpened(made.now, "a", 1))
        assert venues(made) == {"a", "x"}

    def test_a_strategy_of_dark_alone_waits(self) -> None:
        made = Script(
            settings(dark("a"), lit("x"), strategy=replace(BALANCED, use_lit=False)), False
        )
        made.step(ev.VenueOpened(made.now, "x", 1))
        quote(made, "x")
        made.submit(quantity=20_000, **SELL)
        assert not made.sends()
        made.step(ev.VenueOpened(made.now, "a", 1))
        assert venues(made) == {"a"}


class TestStaleMarket:
    """No reference, no new child; what is displayed comes back; it goes on with fresh quotes."""

    def stale(self, strategy: StrategySettings = SPRAY) -> Script:
        made = Script(settings(dark("a"), lit("x"), strategy=strategy))
        quote(made, "x")
        made.wait(6 * SECOND)
        return made

    def test_nothing_leaves_and_the_order_waits(self) -> None:
        made = self.stale()
        made.submit(quantity=20_000, **SELL)
        made.wait(60 * SECOND)
        assert not made.sends()
        assert made.kinds() == ["new"]

    def test_it_begins_when_quotes_come(self) -> None:
        made = self.stale()
        made.submit(quantity=20_000, **SELL)
        quote(made, "x")
        assert venues(made) == {"a"}, "and where it would have begun: hidden"

    def test_an_order_for_now_or_never_ends(self) -> None:
        made = self.stale()
        made.submit(quantity=20_000, time_in_force=TimeInForce.IOC, **SELL)
        assert made.kinds() == ["new", "canceled"]
        assert made.reports()[-1].text == "IOC remainder: no fresh market"

    def test_a_hidden_order_runs_its_time_and_is_not_renewed(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=BALANCED))
        quote(made, "x")
        made.wait(4 * SECOND)
        made.submit(quantity=20_000, **SELL)
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        assert not made.cancels(made.wait(2 * SECOND - 1))
        made.wait(1)
        made.fill(child_id, 4_000)
        made.end(child_id)
        assert len(made.sends()) == 1
        quote(made, "x")
        assert [send.venue for send in made.sends()] == ["a", "a"]

    def test_displayed_orders_come_back_and_dark_is_not_tried_beside(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=SPRAY), False)
        made.step(ev.VenueOpened(made.now, "x", 1))
        quote(made, "x")
        made.submit(quantity=20_000, **SELL)
        made.accept(made.sends()[0].child_id)
        made.wait(6 * SECOND)
        assert [cancel.venue for cancel in made.cancels()] == ["x"]
        made.end(made.sends()[0].child_id)
        made.step(ev.VenueOpened(made.now, "a", 1))
        assert venues(made) == {"x"}
        quote(made, "x")
        assert venues(made) == {"a", "x"}

    def test_with_dark_venues_alone_there_is_no_market_to_wait_for(self) -> None:
        made = Script(settings(dark("a"), strategy=BALANCED))
        made.submit(quantity=1_000)
        assert venues(made) == {"a"}
