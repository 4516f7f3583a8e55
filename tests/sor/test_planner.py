"""Routing: the pecking order, waves, sweeps, what is chosen and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.orders import REJECTS_MAX
from sor_gateway.sor.settings import RouterSettings, Sizing, StrategySettings
from sor_gateway.sor.types import (
    ChildState,
    OrdType,
    ParentState,
    Reason,
    Side,
    Stage,
    TimeInForce,
)

from .script import MS, SECOND, Script, dark, lit, px, settings

BALANCED = StrategySettings("balanced", sizing=Sizing.PLAYBOOK)
LIT_ONLY = StrategySettings("lit-only", use_dark=False)
MARKET: dict[str, Any] = {"ord_type": OrdType.MARKET, "limit_micros": None}
IOC: dict[str, Any] = {"time_in_force": TimeInForce.IOC}


def two_lit(**changes: Any) -> Script:
    """Two lit venues that show the same price."""
    made = Script(settings(lit("x"), lit("y", **changes), strategy=LIT_ONLY))
    for name in ("x", "y"):
        made.quote(name, [("50.00", 300)], [("50.05", 300)])
    return made


def of(made: Script, kind: type[de.Decision]) -> list[de.Decision]:
    return [decision for decision in made.decisions if type(decision) is kind]


def sent(made: Script) -> list[tuple[str, int]]:
    return [(send.venue, send.quantity) for send in made.sends()]


class TestDarkWaves:
    """Hidden first: a wave to every usable dark venue, judged when it is over."""

    def block(self) -> Script:
        venues = (dark("a"), dark("b"), dark("c"), lit("ecn"))
        made = Script(settings(*venues, strategy=BALANCED))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=300_000, side=Side.SELL, limit_micros=px("49.90"))
        return made

    def finish_wave(self, made: Script, fills: dict[str, int]) -> list[tuple[str, int]]:
        """Fill, let the box end, cancel the rest; what is sent next."""
        wave = {
            child.venue: child.child_id
            for child in made.router.state.children.values()
            if child.flight is not None
        }
        for venue, quantity in fills.items():
            made.fill(wave[venue], quantity, "50.02")
        made.wait(2 * SECOND)
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        before = len(made.sends())
        for child_id in wave.values():
            if made.router.state.children[child_id].flight is not None:
                made.end(child_id)
        return sorted((send.venue, send.quantity) for send in made.sends()[before:])

    def test_the_reference_scenario(self) -> None:
        """brief.md: 3 x 5,000; A fills 4,000, C 2,500, B nothing; then 10,000 to A, 7,500 to C."""
        made = self.block()
        assert sorted(sent(made)) == [("a", 5_000), ("b", 5_000), ("c", 5_000)]
        assert {send.ord_type for send in made.sends()} == {OrdType.MID_PEG}
        assert {send.limit_micros for send in made.sends()} == {px("49.90")}
        assert self.finish_wave(made, {"a": 4_000, "c": 2_500}) == [("a", 10_000), ("c", 7_500)]
        assert [drop.venue for drop in of(made, de.VenueDropped)] == ["b"]  # type: ignore[union-attr]
        assert self.finish_wave(made, {"a": 9_000, "c": 7_000}) == [("a", 10_000), ("c", 7_500)]

    def test_a_dry_wave_opens_lit_with_dark_beside_it(self) -> None:
        made = self.block()
        self.finish_wave(made, {"a": 4_000, "c": 2_500})
        assert self.finish_wave(made, {"a": 6_900}) == [("a", 10_000), ("c", 7_500), ("ecn", 500)]
        (moved,) = of(made, de.StageMoved)
        assert moved.why == "the dark wave filled 6900 of 17500"  # type: ignore[union-attr]

    def test_two_dry_waves_in_a_row_end_a_venue_that_filled_before(self) -> None:
        made = self.block()
        self.finish_wave(made, {"a": 4_000, "c": 2_500})
        self.finish_wave(made, {"a": 6_900})
        made.end(made.sends()[-3].child_id)
        last = self.finish_wave(made, {"a": 5_000})
        assert [venue for venue, _ in last if venue != "ecn"] == ["a"]

    def test_children_are_pulled_when_the_box_ends(self) -> None:
        made = self.block()
        for send in made.sends():
            made.accept(send.child_id)
        assert not made.cancels(made.wait(2 * SECOND - 1))
        assert len(made.cancels(made.wait(1))) == 3

    def test_the_box_runs_from_the_venues_first_word(self) -> None:
        """A slow first answer does not shorten what the order has to fill in."""
        made = Script(settings(dark("a"), strategy=BALANCED))
        made.submit(quantity=5_000)
        made.wait(1_500 * MS)
        made.accept(made.sends()[0].child_id)
        assert not made.cancels(made.wait(2 * SECOND - 1))
        assert len(made.cancels(made.wait(1))) == 1

    def test_the_first_box_has_its_own_length(self) -> None:
        strategy = replace(BALANCED, dark_first_box_ns=7 * SECOND, dark_box_ns=3 * SECOND)
        made = Script(settings(dark("a"), strategy=strategy))
        made.submit(quantity=50_000)
        made.accept(made.sends()[0].child_id)
        made.fill(made.sends()[0].child_id, 4_000)
        assert not made.cancels(made.wait(7 * SECOND - 1))
        assert len(made.cancels(made.wait(1))) == 1
        made.end(made.sends()[0].child_id)
        made.accept(made.sends()[1].child_id)
        assert len(made.cancels(made.wait(3 * SECOND - 1))) == 0
        assert len(made.cancels(made.wait(1))) == 1

    def test_a_wave_that_fills_whole_is_followed_at_once(self) -> None:
        made = Script(settings(dark("a"), strategy=BALANCED))
        made.submit(quantity=20_000)
        made.fill(made.sends()[0].child_id, 5_000)
        assert sent(made) == [("a", 5_000), ("a", 10_000)]

    def test_a_rejected_order_says_nothing_of_what_a_venue_holds(self) -> None:
        made = self.block()
        for send in made.sends():
            made.accept(send.child_id)
        first = {send.venue: send.child_id for send in made.sends()}
        made.fill(first["a"], 4_000)
        made.fill(first["c"], 2_500)
        made.end(first["b"], ChildState.REJECTED)
        made.wait(2 * SECOND)
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.end(first["a"])
        made.end(first["c"])
        assert sorted(sent(made)[3:]) == [("a", 10_000), ("b", 5_000), ("c", 7_500)]
        assert not of(made, de.VenueDropped)

    def test_a_child_that_hangs_does_not_hold_the_others_up(self) -> None:
        made = self.block()
        stuck, *others = (send.child_id for send in made.sends())
        for child_id in others:
            made.accept(child_id)
        made.step(ev.VenueClosed(made.now, made.sends()[0].venue, "cut"))
        made.wait(2 * SECOND)
        for child_id in others:
            made.end(child_id)
        assert not of(made, de.StageMoved)
        made.wait(5 * SECOND)
        assert of(made, de.StageMoved)
        (parent,) = made.router.state.parents.values()
        assert stuck in parent.children
        assert parent.cum_quantity + parent.exposure <= parent.quantity

    def test_a_market_parent_has_a_worst_price(self) -> None:
        made = Script(settings(dark("a"), lit("ecn"), strategy=BALANCED))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=1_000, **MARKET)
        assert made.sends()[0].limit_micros == px("55.05"), "50.05 and ten per cent, on the tick"

    def test_no_dark_venue_open_goes_to_lit_at_once(self) -> None:
        made = Script(settings(dark("a"), lit("ecn"), strategy=BALANCED), open_venues=False)
        made.step(ev.VenueOpened(made.now, "ecn", 1))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=300)
        assert sent(made) == [("ecn", 300)]

    def test_with_no_venue_open_it_waits(self) -> None:
        made = Script(settings(dark("a"), lit("ecn"), strategy=BALANCED), open_venues=False)
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=300)
        assert not of(made, de.StageMoved)
        made.step(ev.VenueOpened(made.now, "a", 1))
        assert sent(made) == [("a", 300)]

    def test_a_strategy_without_lit_never_goes_there(self) -> None:
        made = Script(settings(dark("a"), lit("ecn"), strategy=replace(BALANCED, use_lit=False)))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=1_000)
        made.end(made.sends()[0].child_id)
        made.wait(BALANCED.dark_box_ns)
        assert [venue for venue, _ in sent(made)] == ["a", "a"]

    def test_a_strategy_without_lit_does_not_race_a_venue_that_hands_orders_back(self) -> None:
        """It drops no venue, so without a pause it would send as fast as the venue cancels."""
        made = Script(settings(dark("a"), lit("ecn"), strategy=replace(BALANCED, use_lit=False)))
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit(quantity=1_000)
        for _ in range(100):
            made.wait(MS)
            for child_id in list(made.router.state.venues["a"].children):
                made.accept(child_id)
                made.end(child_id)
        assert len(made.sends()) <= 1 + 100 * MS // BALANCED.dark_box_ns
        made.wait(BALANCED.dark_box_ns)
        made.fill(made.sends()[-1].child_id, 1_000)
        assert made.kinds()[-1] == "fill"

    def test_a_disabled_venue_gets_nothing(self) -> None:
        made = Script(settings(dark("a"), dark("b", enabled=False), strategy=BALANCED))
        made.submit(quantity=10_000)
        assert sent(made) == [("a", 5_000)]


class TestSweep:
    """Displayed quantity at the limit or better, never through a better price."""

    def test_each_child_is_a_displayed_level(self) -> None:
        made = Script(settings(lit("x"), lit("y"), strategy=LIT_ONLY))
        made.quote("x", [("50.00", 300)], [("50.05", 300), ("50.07", 200)])
        made.quote("y", [("50.00", 300)], [("50.06", 400), ("50.11", 900)])
        made.submit(quantity=5_000)
        assert [(s.venue, s.quantity, s.limit_micros) for s in made.sends()] == [
            ("x", 300, px("50.05")),
            ("y", 400, px("50.06")),
            ("x", 200, px("50.07")),
        ]
        assert {s.time_in_force for s in made.sends()} == {TimeInForce.IOC}

    def test_a_sell_takes_bids(self) -> None:
        made = two_lit()
        made.submit(quantity=400, side=Side.SELL, limit_micros=px("50.00"))
        assert sorted(sent(made)) == [("x", 300), ("y", 100)]
        assert {s.limit_micros for s in made.sends()} == {px("50.00")}

    def test_the_same_quote_is_not_taken_twice(self) -> None:
        made = two_lit()
        made.submit("A1", quantity=600)
        made.submit("B1", quantity=600)
        assert sorted(sent(made)) == [("x", 300), ("y", 300)]

    def test_nor_by_two_parents_of_one_turn(self) -> None:
        made = two_lit()
        for number in range(2):
            made.apply(
                ev.ParentSubmitted(
                    made.now,
                    made.router.next_parent_id(),
                    "EMS",
                    f"A{number}",
                    "ACME",
                    Side.BUY,
                    600,
                    OrdType.LIMIT,
                    px("50.05"),
                    TimeInForce.DAY,
                    "",
                )
            )
        made.decide()
        assert sorted(sent(made)) == [("x", 300), ("y", 300)]

    def test_no_hot_loop_while_the_quote_stands(self) -> None:
        made = Script(settings(lit("x"), strategy=LIT_ONLY))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=5_000)
        made.end(made.sends()[0].child_id)
        made.wait(4 * SECOND)
        assert len(made.sends()) == 1
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        assert len(made.sends()) == 2

    def test_least_time_between_waves(self) -> None:
        made = Script(settings(lit("x"), strategy=LIT_ONLY))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=5_000)
        made.wait(10 * MS)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        assert len(made.sends()) == 1
        made.wait(239 * MS)
        assert len(made.sends()) == 1
        made.wait(1 * MS)
        assert len(made.sends()) == 2

    def test_nothing_displayed_at_the_limit_waits_for_quotes(self) -> None:
        made = two_lit()
        made.submit(quantity=100, limit_micros=px("50.04"))
        assert not made.sends()
        assert made.router.next_deadline() is None
        made.quote("x", [("50.00", 300)], [("50.04", 300)])
        assert sent(made) == [("x", 100)]

    def test_stale_quotes_are_not_taken(self) -> None:
        made = two_lit()
        made.wait(6 * SECOND)
        made.submit(quantity=100)
        assert not made.sends()

    def rejecting(self) -> Script:
        """A venue that rejected three children in a row."""
        made = Script(settings(lit("x"), strategy=LIT_ONLY))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=5_000)
        for _ in range(REJECTS_MAX):
            assert made.router.state.children[made.sends()[-1].child_id].flight is not None
            made.end(made.sends()[-1].child_id, ChildState.REJECTED)
            made.wait(SECOND)
            made.quote("x", [("50.00", 300)], [("50.05", 300)])
        return made

    def test_a_venue_that_keeps_rejecting_is_left_out(self) -> None:
        made = self.rejecting()
        made.wait(8 * SECOND)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        assert len(made.sends()) == REJECTS_MAX
        (drop,) = of(made, de.VenueDropped)
        assert drop.why == "rejected 3 children in a row"  # type: ignore[union-attr]

    def test_and_is_tried_again_with_one_child_at_a_time(self) -> None:
        """It may have been a halt: an order must not wait for a venue that is long back."""
        made = self.rejecting()
        for tries in (1, 2):
            made.wait(9 * SECOND)
            made.quote("x", [("50.00", 300)], [("50.05", 300)])
            made.wait(SECOND)
            assert len(made.sends()) == REJECTS_MAX + tries
            made.end(made.sends()[-1].child_id, ChildState.REJECTED)
        assert len(of(made, de.VenueReadmitted)) == 2
        made.wait(9 * SECOND)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.wait(SECOND)
        made.fill(made.sends()[-1].child_id, 300)
        made.wait(SECOND)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        assert len(made.sends()) == REJECTS_MAX + 4, "filled: all is forgiven"
        made.fold()

    def test_the_throttle_holds_orders_back_and_keeps_a_reserve(self) -> None:
        made = Script(settings(lit("x", orders_per_second=10, cancel_reserve=8), strategy=LIT_ONLY))
        levels = [(f"50.0{tick}", 100) for tick in range(1, 8)]
        made.quote("x", [("50.00", 300)], levels)
        made.submit(quantity=700)
        assert len(made.sends()) == 2
        made.wait(250 * MS)
        assert len(made.sends()) == 4

    def test_marks_and_reasons_stand_in_the_decision(self) -> None:
        made = two_lit()
        made.submit(quantity=100)
        (child,) = (d for d in made.decisions if isinstance(d, de.ChildPlanned))
        assert (child.bid_micros, child.ask_micros) == (px("50.00"), px("50.05"))
        assert child.why.startswith("300 displayed; p 0.95")
        assert 0.0 <= child.display_score <= 10.0


class TestChoice:
    """One fee or one latency decides where the next child goes."""

    def chosen_lit(self, **changes: Any) -> tuple[str, int]:
        made = two_lit(**changes)
        made.submit(quantity=100)
        (child,) = (d for d in made.decisions if isinstance(d, de.ChildPlanned))
        return child.venue, child.cost_micros

    def test_a_lower_fee_wins_at_the_same_price(self) -> None:
        assert self.chosen_lit()[0] == "x"
        assert self.chosen_lit(take_fee_micros=2_999)[0] == "y"
        assert self.chosen_lit(take_fee_micros=3_001)[0] == "x"

    def test_a_lower_latency_wins_at_the_same_price_and_fee(self) -> None:
        assert self.chosen_lit(latency_prior_ns=140_000)[0] == "y"
        assert self.chosen_lit(latency_prior_ns=160_000)[0] == "x"

    def test_the_cost_changes_with_the_fee(self) -> None:
        cheap = self.chosen_lit(take_fee_micros=-1_600)
        assert cheap == ("y", self.chosen_lit()[1] - round(0.95 * 4_600))

    def chosen_dark(self, **changes: Any) -> str:
        made = Script(settings(dark("a"), dark("b", **changes), strategy=BALANCED))
        made.submit(quantity=100)
        return made.sends()[0].venue

    def test_dark_venues_too(self) -> None:
        assert self.chosen_dark() == "a"
        assert self.chosen_dark(mid_fee_micros=1_400) == "b"
        assert self.chosen_dark(latency_prior_ns=400_000) == "b"
        assert self.chosen_dark(fill_rate_prior=0.9) == "b"

    def test_what_was_learnt_decides_too(self) -> None:
        """Each order that A does not fill lowers it, until B is better."""
        made = Script(settings(dark("a"), dark("b", mid_fee_micros=1_700), strategy=BALANCED))
        for number in range(20):
            made.submit(f"A{number}", quantity=100)
            venue = made.sends()[-1].venue
            if venue == "b":
                break
            made.end(made.sends()[-1].child_id)
            made.cancel(f"X{number}", f"A{number}")
        assert venue == "b"
        assert number > 0


class TestImmediateOrCancel:
    """One dark wave, one sweep, then the end."""

    def test_dark_then_lit_then_canceled(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=BALANCED))
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        made.submit(quantity=1_000, **IOC)
        (hidden,) = made.sends()
        assert (hidden.ord_type, hidden.time_in_force) == (OrdType.MID_PEG, TimeInForce.IOC)
        made.fill(hidden.child_id, 200)
        made.end(hidden.child_id)
        shown = made.sends()[-1]
        assert (shown.venue, shown.quantity) == ("x", 300)
        out = made.fill(shown.child_id, 300)
        assert made.kinds(out) == ["fill", "canceled"]
        last = made.reports()[-1]
        assert (last.text, last.cum_quantity, last.leaves_quantity) == ("IOC remainder", 500, 0)

    def test_nothing_displayed_ends_at_once(self) -> None:
        made = two_lit()
        made.submit(quantity=100, limit_micros=px("49.00"), **IOC)
        assert made.kinds() == ["new", "canceled"]

    def test_no_venue_open_ends_at_once(self) -> None:
        made = Script(settings(dark("a"), lit("x"), strategy=BALANCED), open_venues=False)
        made.submit(quantity=100, **IOC)
        assert made.kinds() == ["new", "canceled"]

    def test_without_lit(self) -> None:
        made = Script(settings(dark("a"), strategy=replace(BALANCED, use_lit=False)))
        made.submit(quantity=100, **IOC)
        made.end(made.sends()[0].child_id)
        assert made.kinds() == ["new", "canceled"]

    def test_only_one_sweep(self) -> None:
        made = two_lit()
        made.submit(quantity=5_000, **IOC)
        assert len(made.sends()) == 2
        made.wait(SECOND)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        for send in made.sends():
            made.end(send.child_id)
        assert len(made.sends()) == 2
        assert made.kinds()[-1] == "canceled"

    def test_a_market_order_takes_at_the_displayed_price(self) -> None:
        made = two_lit()
        made.submit(quantity=300, **MARKET, **IOC)
        (send,) = made.sends()
        assert (send.ord_type, send.limit_micros) == (OrdType.LIMIT, px("50.05"))

    def test_it_is_not_canceled_while_a_child_is_in_doubt(self) -> None:
        made = two_lit()
        made.submit(quantity=300, **IOC)
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        made.wait(60 * SECOND)
        assert made.kinds() == ["new"]


class TestKillSwitchInRouting:
    """Refusals that only the router can know."""

    def test_a_new_order_while_it_is_on(self) -> None:
        made = two_lit()
        made.step(ev.KillSwitched(made.now, True, "drill"))
        made.submit()
        report = made.reports()[-1]
        assert (report.reason, report.state) == (Reason.KILL_SWITCH, ParentState.REJECTED)
        assert "drill" in report.text


class TestBudget:
    """decide looks at so many parents a turn; the rest are due in the next."""

    def test_the_rest_is_due_at_once(self) -> None:
        cfg: RouterSettings = settings(lit("x"), strategy=LIT_ONLY, decide_budget=3)
        made = Script(cfg)
        for number in range(5):
            made.apply(market_order(made, f"A{number}", 100))
        assert len(of_accepted(made.decide())) == 3
        assert made.router.next_deadline() == 0
        assert len(of_accepted(made.decide())) == 2

    def test_many_decisions_end_a_turn_as_well(self) -> None:
        """Each order takes from two venues: with 3 decisions a turn, one is worked in each. All are
        worked in the end, in the order in which they came."""
        cfg = settings(lit("x"), lit("y"), strategy=LIT_ONLY, decide_budget=3)
        made = Script(cfg)
        for venue in ("x", "y"):
            made.quote(venue, [("50.00", 900)], [("50.02", 900)])
        for number in range(3):
            made.apply(market_order(made, f"A{number}", 600))
        worked: list[str] = []
        for _ in range(3):
            accepted = of_accepted(made.decide())
            assert len(accepted) == 1
            worked.append(accepted[0].parent_id)
        assert worked == sorted(made.router.state.parents)
        assert made.router.next_deadline() != 0

    def test_stage_is_part_of_the_state(self) -> None:
        made = two_lit()
        parent = made.router.state.parents[made.submit(quantity=5_000)]
        assert parent.work is not None
        assert parent.work.stage is Stage.LIT


def market_order(made: Script, cl_ord_id: str, quantity: int) -> ev.ParentSubmitted:
    return ev.ParentSubmitted(
        made.now,
        made.router.next_parent_id(),
        "EMS",
        cl_ord_id,
        "ACME",
        Side.BUY,
        quantity,
        OrdType.MARKET,
        None,
        TimeInForce.DAY,
        "",
    )


def of_accepted(decisions: list[de.Decision]) -> list[de.ParentAccepted]:
    return [decision for decision in decisions if isinstance(decision, de.ParentAccepted)]


class TestUnknownStrategyLater:
    """A preset that is gone after a restart: the default works on."""

    @pytest.mark.parametrize("strategy", ["", "gone"])
    def test_the_default_holds(self, strategy: str) -> None:
        made = two_lit()
        parent_id = made.submit(quantity=5_000)
        made.router.state.parents[parent_id].strategy = strategy
        made.wait(SECOND)
        made.quote("x", [("50.00", 300)], [("50.05", 300)])
        assert len(made.sends()) == 3
