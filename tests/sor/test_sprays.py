"""Small displayed orders: how much is shown where, when it moves, when it is pulled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import SendChild
from sor_gateway.sor.settings import LitTactic, SprayPrice, StrategySettings
from sor_gateway.sor.types import ChildState, OrdType, Side, TimeInForce

from .script import MS, SECOND, Script, lit, px, settings

NAMES = ("ecn", "inverted", "exchange", "iex")
ADD_FEES = {"ecn": -2_000, "inverted": 2_000, "exchange": -1_800, "iex": 0}
TAKE_FEES = {"ecn": 3_000, "inverted": -1_600, "exchange": 2_800, "iex": 600}
SPRAY = StrategySettings("spray", use_dark=False, lit_tactic=LitTactic.SPRAY)
SELL: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.00")}


def four_lit(strategy: StrategySettings = SPRAY, **changes: Any) -> Script:
    """The four lit venues, each with 800 at 50.00 and 800 at 50.02."""
    venues = [
        lit(name, add_fee_micros=ADD_FEES[name], take_fee_micros=TAKE_FEES[name], **changes)
        for name in NAMES
    ]
    made = Script(settings(*venues, strategy=strategy))
    market(made)
    return made


def market(made: Script, bid: str = "50.00", ask: str = "50.02", *, size: int = 800) -> None:
    for name in NAMES:
        made.quote(name, [(bid, size)], [(ask, size)])


def accept_all(made: Script) -> None:
    for send in made.sends():
        child = made.router.state.children[send.child_id]
        if child.state is ChildState.PENDING_NEW:
            made.accept(send.child_id)


def live(made: Script) -> list[SendChild]:
    """What is displayed, or on its way."""
    children = made.router.state.children
    return [send for send in made.sends() if children[send.child_id].flight is not None]


def shown(made: Script) -> dict[str, int]:
    found: dict[str, int] = {}
    for send in live(made):
        left = made.router.state.children[send.child_id].leaves_quantity
        found[send.venue] = found.get(send.venue, 0) + left
    return found


def why_pulled(made: Script) -> set[str]:
    return {each.why for each in made.decisions if isinstance(each, de.ChildCancelPlanned)}


class TestWhatIsShown:
    """At most a clip on each venue, at the touch of our own side."""

    def test_a_sell_joins_the_best_offer_on_every_venue(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        assert shown(made) == dict.fromkeys(NAMES, 500)
        assert {send.limit_micros for send in made.sends()} == {px("50.02")}
        assert {send.time_in_force for send in made.sends()} == {TimeInForce.DAY}
        assert {send.ord_type for send in made.sends()} == {OrdType.LIMIT}

    def test_a_buy_joins_the_best_bid(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000)
        assert {send.limit_micros for send in made.sends()} == {px("50.00")}

    def test_a_venue_that_is_behind_is_shown_at_the_national_best(self) -> None:
        made = four_lit()
        made.quote("ecn", [("50.00", 800)], [("50.03", 800)])
        made.submit(quantity=10_000, **SELL)
        assert {send.limit_micros for send in made.sends()} == {px("50.02")}

    def test_no_more_over_all_venues_than_may_be(self) -> None:
        made = four_lit(replace(SPRAY, spray_max_shown=1_200))
        made.submit(quantity=10_000, **SELL)
        assert sorted(shown(made).values()) == [200, 500, 500]

    def test_nor_more_than_is_left(self) -> None:
        made = four_lit()
        made.submit(quantity=730, **SELL)
        assert sum(shown(made).values()) == 730

    def test_passive_the_inverted_venue_comes_last(self) -> None:
        """It charges who adds; the others pay."""
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        assert [send.venue for send in made.sends()] == ["ecn", "exchange", "iex", "inverted"]

    def test_two_parents_each_have_their_clip(self) -> None:
        made = four_lit()
        made.submit("A1", quantity=10_000, **SELL)
        made.submit("B1", quantity=10_000, **SELL)
        assert shown(made) == dict.fromkeys(NAMES, 1_000)

    def test_the_reason_stands_in_the_decision(self) -> None:
        made = four_lit()
        made.submit(quantity=400, **SELL)
        (child,) = (each for each in made.decisions if isinstance(each, de.ChildPlanned))
        assert child.why.startswith("400 shown at the best offer; p 0.95, price ")
        assert child.tactic == "spray"

    def test_post_only_is_an_option(self) -> None:
        made = four_lit()
        made.submit(quantity=400, **SELL)
        assert not made.sends()[0].post_only
        made = four_lit(replace(SPRAY, spray_post_only=True))
        made.submit(quantity=400, **SELL)
        assert made.sends()[0].post_only

    def test_an_order_that_may_not_rest_is_swept(self) -> None:
        made = four_lit()
        made.submit(quantity=400, time_in_force=TimeInForce.IOC, **SELL)
        assert {send.limit_micros for send in made.sends()} == {px("50.00")}
        assert {send.time_in_force for send in made.sends()} == {TimeInForce.IOC}


class TestReplenishing:
    """A new order after each full fill; none is made larger."""

    def test_a_full_fill_is_followed_by_another_order(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        first = made.sends()[0]
        made.wait(SECOND)
        market(made)
        out = made.fill(first.child_id, 500, "50.02")
        (send,) = made.sends(out)
        assert (send.venue, send.quantity) == (first.venue, 500)

    def test_a_part_is_not(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        made.wait(SECOND)
        market(made)
        made.fill(made.sends()[0].child_id, 499, "50.02")
        made.wait(SECOND)
        market(made)
        assert len(made.sends()) == 4
        assert shown(made)["ecn"] == 1

    def test_at_most_one_wave_in_a_while(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        made.wait(10 * MS)
        out = made.fill(made.sends()[0].child_id, 500, "50.02")
        assert not made.sends(out)
        assert not made.sends(made.wait(239 * MS))
        assert len(made.sends(made.wait(1 * MS))) == 1

    def test_a_wave_may_wait_longer_at_random(self) -> None:
        waits = set()
        for seed in range(8):
            made = four_lit(replace(SPRAY, spray_delay_ns=200 * MS))
            made.router = type(made.router)(replace(made.settings, seed=seed), made.router.state)
            market(made)
            made.submit(quantity=10_000, **SELL)
            made.fill(made.sends()[0].child_id, 500, "50.02")
            began = made.now
            while len(made.sends()) == 4:
                made.wait(MS)
            waits.add((made.now - began) // MS)
        assert len(waits) > 3
        assert min(waits) >= 250
        assert max(waits) <= 450

    def test_sizes_are_drawn_when_that_is_configured(self) -> None:
        made = four_lit(replace(SPRAY, spray_size_spread=0.8))
        for number in range(20):
            made.submit(f"A{number}", quantity=10_000, **SELL)
        sizes = {send.quantity for send in made.sends()}
        assert sizes == {100, 200, 300, 400, 500}

    def test_and_are_the_same_when_it_is_done_again(self) -> None:
        first, second = (four_lit(replace(SPRAY, spray_size_spread=0.8)) for _ in range(2))
        for made in (first, second):
            made.submit(quantity=10_000, **SELL)
        assert first.sends() == second.sends()


class TestFollowing:
    """An order goes where the touch goes: cancelled, and sent anew once that is answered."""

    def displayed(self, quantity: int = 10_000) -> Script:
        made = four_lit()
        made.submit(quantity=quantity, **SELL)
        accept_all(made)
        return made

    def test_down_with_the_market(self) -> None:
        made = self.displayed()
        made.wait(SECOND)
        market(made, "49.98", "50.01")
        assert len(made.cancels()) == 4
        assert why_pulled(made) == {"the touch moved to 50.01"}
        assert len(made.sends()) == 4, "nothing new before the old is gone"
        out = made.end(made.cancels()[0].child_id)
        (send,) = made.sends(out)
        assert send.limit_micros == px("50.01")

    def test_also_when_all_that_is_left_is_displayed(self) -> None:
        made = self.displayed(quantity=2_000)
        made.wait(SECOND)
        market(made, "49.98", "50.01")
        assert len(made.cancels()) == 4

    def test_up_with_the_others_although_ours_is_the_best_offer(self) -> None:
        made = self.displayed()
        made.wait(SECOND)
        for name in NAMES:
            made.quote(name, [("50.01", 800)], [("50.02", 500), ("50.03", 800)])
        assert why_pulled(made) == {"the touch moved to 50.03"}

    def test_others_beside_ours_hold_it(self) -> None:
        made = self.displayed()
        made.wait(SECOND)
        made.quote("ecn", [("50.01", 800)], [("50.02", 600), ("50.03", 800)])
        assert not made.cancels()

    def test_a_book_that_cannot_show_ours_yet_is_not_taken_for_ours(self) -> None:
        made = self.displayed()
        made.wait(10 * MS)
        for name in NAMES:
            made.quote(name, [("50.00", 800)], [("50.02", 500), ("50.03", 800)])
        made.wait(400 * MS)
        assert not made.cancels()

    def test_not_before_it_rested_for_a_wave(self) -> None:
        made = self.displayed()
        made.wait(100 * MS)
        market(made, "49.98", "50.01")
        assert not made.cancels()
        assert not made.cancels(made.wait(149 * MS))
        assert len(made.cancels(made.wait(1 * MS))) == 4

    def test_a_flickering_market_costs_two_messages_a_venue_and_wave(self) -> None:
        made = self.displayed()
        before = made.now
        for turn in range(400):
            made.wait(10 * MS)
            market(made, "49.98", "50.01" if turn % 2 else "50.00", size=10_000)
            for cancel in made.cancels():
                if made.router.state.children[cancel.child_id].flight is not None:
                    made.end(cancel.child_id)
            accept_all(made)
        waves = (made.now - before) // (250 * MS) + 1
        assert len(made.cancels()) <= 4 * waves
        assert len(made.sends()) <= 4 * (waves + 1)
        assert len(made.cancels()) > waves

    def test_beyond_the_limit_it_is_taken_back_and_waits(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, side=Side.SELL, limit_micros=px("50.02"))
        accept_all(made)
        made.wait(SECOND)
        market(made, "49.98", "50.01")
        assert why_pulled(made) == {"the touch is beyond its limit"}
        for cancel in made.cancels():
            made.end(cancel.child_id)
        made.wait(SECOND)
        assert len(made.sends()) == 4
        market(made)
        assert len(made.sends()) == 8


class TestPulling:
    """At once, when the market is not one to rest in."""

    def displayed(self) -> Script:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        return made

    def test_stale(self) -> None:
        made = self.displayed()
        assert not made.cancels(made.wait(5 * SECOND))
        assert len(made.cancels(made.wait(1))) == 4
        assert why_pulled(made) == {"there is no fresh market"}

    def test_one_venue_stale_is_that_venue_alone(self) -> None:
        made = self.displayed()
        made.wait(4 * SECOND)
        for name in NAMES[1:]:
            made.quote(name, [("50.00", 800)], [("50.02", 800)])
        made.wait(2 * SECOND)
        (cancel,) = made.cancels()
        assert cancel.venue == "ecn"
        assert why_pulled(made) == {"the venue's own quotes are stale"}

    @pytest.mark.parametrize(("bid", "what"), [("50.02", "locked"), ("50.03", "crossed")])
    def test_locked_and_crossed(self, bid: str, what: str) -> None:
        made = self.displayed()
        made.wait(MS)
        made.quote("ecn", [(bid, 800)], [("50.04", 800)])
        assert len(made.cancels()) == 4
        assert why_pulled(made) == {f"the market is {what}"}

    def test_it_comes_back_with_the_market(self) -> None:
        made = self.displayed()
        made.wait(6 * SECOND)
        for cancel in made.cancels():
            made.end(cancel.child_id)
        assert not live(made)
        market(made)
        assert shown(made) == {"ecn": 500}, "the only venue whose quotes were fresh at once"
        made.wait(250 * MS)
        assert shown(made) == dict.fromkeys(NAMES, 500)

    def test_with_the_clients_cancel(self) -> None:
        made = self.displayed()
        made.cancel()
        assert len(made.cancels()) == 4
        for cancel in made.cancels():
            made.end(cancel.child_id)
        assert made.kinds()[-1] == "canceled"

    def test_it_is_not_asked_for_twice(self) -> None:
        made = self.displayed()
        made.wait(6 * SECOND)
        for _ in range(5):
            made.wait(100 * MS)
            made.router.quoted("ACME")
            made.settle()
        assert len(made.cancels()) == 4

    def test_once_when_the_whole_order_is_pulled_in_the_same_turn(self) -> None:
        """An over-fill and a locked market at once: one cancel for each, not two."""
        made = four_lit()
        made.submit(quantity=2_000, **SELL)
        accept_all(made)
        first, *others = made.sends()
        for name in NAMES:
            levels = [(px("50.02"), 800)]
            made.router.market.update(name, "ACME", levels, levels, made.now)
        made.router.quoted("ACME")
        made.fill(first.child_id, 900, "50.02")
        assert [each.child_id for each in made.cancels()] == [each.child_id for each in others]

    def test_of_an_order_without_any_reference_price(self) -> None:
        """No limit, no quotes, no previous close: nothing may be sent, and nothing rest."""
        made = Script(settings(lit("x"), strategy=SPRAY))
        made.quote("x", [("50.00", 800)], [("50.02", 800)], "NOREF")
        made.submit(symbol="NOREF", ord_type=OrdType.MARKET, limit_micros=None, side=Side.SELL)
        accept_all(made)
        (send,) = made.sends()
        made.wait(10 * SECOND)
        assert [each.child_id for each in made.cancels()] == [send.child_id]

    def test_while_the_journals_tail_is_suspect_too(self) -> None:
        """Nothing is sent then; what is displayed still follows the market home."""
        made = four_lit()
        made.submit(quantity=500, **SELL)
        accept_all(made)
        (send,) = made.sends()
        made.apply(ev.Restarted(made.now, "another boot", True))
        made.step(ev.IdsReserved(made.now, 2_000_000))
        for name in NAMES:
            made.step(ev.VenueOpened(made.now, name, 1))
        made.answer(send.child_id)
        assert not made.cancels()
        made.wait(10 * SECOND)
        assert [each.child_id for each in made.cancels()] == [send.child_id]
        assert made.sends() == [send]


class TestFarTouch:
    """Literally at the best bid: it takes, at most a clip on each venue that shows it."""

    FAR = replace(SPRAY, spray_price=SprayPrice.TOUCH_FAR)

    def test_a_clip_on_each_venue_at_the_best_bid_the_inverted_first(self) -> None:
        made = four_lit(self.FAR)
        made.submit(quantity=10_000, **SELL)
        assert shown(made) == dict.fromkeys(NAMES, 500)
        assert {send.limit_micros for send in made.sends()} == {px("50.00")}
        assert made.sends()[0].venue == "inverted", "it pays who takes"
        assert made.sends()[1].venue == "iex", "0.0006 against 0.0028 and 0.0030"

    def test_no_more_than_is_displayed(self) -> None:
        made = four_lit(self.FAR)
        market(made, size=200)
        made.submit(quantity=10_000, **SELL)
        assert shown(made) == dict.fromkeys(NAMES, 200)

    def test_a_venue_behind_the_best_gets_nothing(self) -> None:
        made = four_lit(self.FAR)
        made.quote("iex", [("49.99", 800)], [("50.02", 800)])
        made.submit(quantity=10_000, **SELL)
        assert "iex" not in shown(made)

    def test_what_is_left_when_its_time_is_over_is_pulled(self) -> None:
        made = four_lit(self.FAR)
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        made.fill(made.sends()[0].child_id, 100, "50.00")
        assert len(made.cancels(made.wait(250 * MS))) == 4
        assert why_pulled(made) == {"its time box ended"}

    def test_a_better_price_that_is_occupied_is_not_passed_over(self) -> None:
        """Our order is under way to the only venue at the best bid: nothing worse is taken."""
        made = four_lit(self.FAR)
        made.quote("ecn", [("50.01", 800)], [("50.02", 800)])
        made.submit(quantity=10_000, **SELL)
        assert [send.venue for send in made.sends()] == ["ecn"]
        made.wait(SECOND)
        made.quote("ecn", [("50.01", 300)], [("50.02", 800)])
        made.wait(SECOND)
        assert [send.venue for send in made.sends()] == ["ecn"]


class TestThenSweep:
    """Patience first, and then what is displayed is taken."""

    MIXED = replace(SPRAY, lit_tactic=LitTactic.SPRAY_THEN_SWEEP, patience_ns=3 * SECOND)

    def test_displayed_orders_come_back_and_the_rest_takes(self) -> None:
        made = four_lit(self.MIXED)
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        made.wait(2 * SECOND)
        market(made)
        assert {send.limit_micros for send in made.sends()} == {px("50.02")}
        out = made.wait(SECOND)
        assert len(made.cancels(out)) == 4
        assert why_pulled(made) == {"the patience of its strategy ended"}
        takes = made.sends(out)
        assert {send.time_in_force for send in takes} == {TimeInForce.IOC}
        assert sum(send.quantity for send in takes) == 3_200, "all that is displayed"

    def test_an_order_that_is_wholly_displayed_waits_for_the_cancels(self) -> None:
        made = four_lit(self.MIXED)
        made.submit(quantity=1_000, **SELL)
        accept_all(made)
        made.wait(2 * SECOND)
        market(made)
        made.wait(SECOND)
        assert len(made.sends()) == 2
        out = made.end(made.cancels()[0].child_id)
        assert [send.time_in_force for send in made.sends(out)] == [TimeInForce.IOC]


class TestRefusals:
    """A venue that refuses again and again gets no more; one that does now and then does."""

    def refuse(self, made: Script) -> None:
        for send in live(made):
            if send.venue == "ecn":
                made.end(send.child_id, ChildState.REJECTED)
        made.wait(SECOND)
        market(made)

    def test_in_a_row(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        for _ in range(5):
            self.refuse(made)
        assert len([send for send in made.sends() if send.venue == "ecn"]) == 3

    def test_now_and_then(self) -> None:
        made = four_lit()
        made.submit(quantity=10_000, **SELL)
        for _ in range(5):
            self.refuse(made)
            for send in live(made):
                if send.venue == "ecn":
                    made.fill(send.child_id, 500, "50.02")
            made.wait(SECOND)
            market(made)
        assert "ecn" in shown(made)


class TestFold:
    """Displayed orders are facts like the others."""

    def test_a_replay_is_the_state(self) -> None:
        made = four_lit(replace(SPRAY, spray_size_spread=0.4, spray_delay_ns=50 * MS))
        made.submit(quantity=10_000, **SELL)
        accept_all(made)
        made.wait(SECOND)
        market(made, "49.98", "50.01")
        for cancel in made.cancels():
            made.end(cancel.child_id)
        made.wait(SECOND)
        made.fold()
