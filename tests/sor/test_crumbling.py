"""Displayed orders at a price that others leave: pulled, and not shown again for a while."""

from __future__ import annotations

from dataclasses import replace

from sor_gateway.sor.settings import LitTactic, StrategySettings

from .script import MS, SECOND, Script, px
from .test_sprays import NAMES, SELL, SPRAY, accept_all, four_lit, live, market, shown, why_pulled

CAREFUL = replace(SPRAY, crumble_share=0.5, crumble_hold_ns=400 * MS)


def displayed(strategy: StrategySettings = CAREFUL) -> Script:
    """A sell of 10,000 with 500 at the best offer of 50.02 on each venue, beside 800 of others."""
    made = four_lit(strategy)
    made.submit(quantity=10_000, **SELL)
    accept_all(made)
    made.wait(SECOND)
    market(made, size=1_300)
    return made


def leave(made: Script, *names: str) -> None:
    """The others' offers there go up; ours, if there is one, stands alone."""
    on = shown(made)
    for name in names:
        ours = [("50.02", on[name])] if name in on else []
        made.quote(name, [("50.00", 800)], [*ours, ("50.03", 800)])


class TestPulling:
    """A resting sell is in the way when the offer goes up."""

    def test_one_venue_that_leaves_is_nothing(self) -> None:
        made = displayed()
        leave(made, "iex")
        assert not made.cancels()

    def test_half_of_them_is_a_price_that_moves(self) -> None:
        made = displayed()
        made.wait(MS)
        leave(made, "ecn", "exchange")
        assert why_pulled(made) == {"the offer of 50.02 crumbles: 2 of 4 venues left it"}
        assert len(made.cancels()) == 4

    def test_without_the_option_they_stand(self) -> None:
        made = displayed(SPRAY)
        leave(made, "ecn", "exchange")
        assert not made.cancels()

    def test_the_other_side_may_crumble(self) -> None:
        """Bids that go take nothing from a sell that rests."""
        made = displayed()
        for name in ("ecn", "exchange"):
            made.quote(name, [("49.99", 800)], [("50.02", 1_300)])
        assert not made.cancels()

    def test_departures_long_ago_count_no_more(self) -> None:
        made = displayed()
        leave(made, "ecn")
        made.wait(SECOND)
        market(made, size=1_300)
        leave(made, "exchange")
        assert not made.cancels()

    def test_before_the_time_that_an_order_rests_at_least(self) -> None:
        """Following the market can wait; being run over cannot."""
        made = displayed(replace(CAREFUL, lit_wave_ns=10 * SECOND))
        leave(made, "ecn", "exchange")
        assert len(made.cancels()) == 4


class TestHoldingOff:
    """Nothing is shown at the price while its leaving counts."""

    def pulled(self) -> Script:
        made = displayed()
        leave(made, "ecn", "exchange")
        for cancel in list(made.cancels()):
            made.end(cancel.child_id)
        return made

    def test_nothing_is_shown_for_a_while_and_then_again(self) -> None:
        made = self.pulled()
        assert not live(made)
        made.wait(300 * MS)
        assert not live(made)
        made.wait(200 * MS)
        assert sum(shown(made).values()) == 2_000
        assert {send.limit_micros for send in live(made)} == {px("50.02")}

    def test_at_the_new_price_it_may_be_shown_at_once(self) -> None:
        made = self.pulled()
        leave(made, *NAMES)
        made.wait(300 * MS)
        assert {send.limit_micros for send in live(made)} == {px("50.03")}

    def test_a_new_order_waits_too(self) -> None:
        made = four_lit(CAREFUL)
        leave(made, "ecn", "exchange")
        made.submit(quantity=10_000, **SELL)
        assert not made.sends()
        made.wait(500 * MS)
        assert {send.limit_micros for send in made.sends()} == {px("50.02")}


class TestOurOwn:
    """What we do ourselves is no sign of the market."""

    def test_orders_that_we_pull_are_not_taken_for_departures(self) -> None:
        """The market comes down to them and goes up again behind them."""
        made = displayed()
        market(made, ask="50.01", size=800)
        made.wait(SECOND)
        for cancel in list(made.cancels()):
            made.end(cancel.child_id)
        assert not made.router.market.departures.left_since("ACME", False, 0)

    def test_what_we_take_is_no_departure(self) -> None:
        made = four_lit(replace(CAREFUL, lit_tactic=LitTactic.SWEEP))
        made.submit(quantity=1_600)
        taken = {send.venue for send in made.sends()}
        assert len(taken) == 2
        for name in sorted(taken):
            made.quote(name, [("50.00", 800)], [("50.03", 800)])
        assert not made.router.market.departures.left_since("ACME", False, 0)
