"""Sweeps as intermarket sweep orders."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.settings import LitTactic, StrategySettings

from .script import Script, dark, lit, px, settings

SWEEP = StrategySettings("sweep", use_dark=False, lit_tactic=LitTactic.SWEEP, sweep_iso=True)
LEVELS = st.lists(
    st.tuples(st.sampled_from(["50.00", "50.01", "50.02", "50.03"]), st.integers(1, 900)),
    min_size=1,
    unique_by=lambda level: level[0],
)


def desk(strategy: StrategySettings = SWEEP) -> Script:
    """Two venues; the better price is at the one, more at the other."""
    made = Script(settings(lit("ecn"), lit("exchange"), dark(), strategy=strategy))
    made.quote("ecn", [("49.98", 500)], [("50.00", 500)])
    made.quote("exchange", [("49.98", 500)], [("50.01", 700)])
    return made


class TestIso:
    def test_a_sweep_over_two_prices_goes_for_all_of_the_better_one_at_once(self) -> None:
        made = desk()
        made.submit(quantity=1_000)
        assert [(send.venue, send.quantity, send.is_iso) for send in made.sends()] == [
            ("ecn", 500, True),
            ("exchange", 500, True),
        ]
        made.fold()

    def test_it_is_an_option(self) -> None:
        made = desk(replace(SWEEP, sweep_iso=False))
        made.submit(quantity=1_000)
        assert not any(send.is_iso for send in made.sends())

    def test_orders_that_rest_or_hide_never_are(self) -> None:
        made = desk(replace(SWEEP, use_dark=True, lit_tactic=LitTactic.SPRAY))
        made.submit(quantity=10_000)
        assert {send.venue for send in made.sends()} == {"dark-a"}
        made.end(made.sends()[0].child_id)
        assert len({send.venue for send in made.sends()}) == 3
        assert not any(send.is_iso for send in made.sends())

    @given(LEVELS, LEVELS, st.integers(1, 4_000))
    def test_whatever_better_is_displayed_is_gone_for_whole_in_the_same_turn(
        self, ecn: list[tuple[str, int]], exchange: list[tuple[str, int]], quantity: int
    ) -> None:
        """What makes it one: else it would have to be protected (Reg NMS 600(b)(31))."""
        made = desk()
        offers = {"ecn": ecn, "exchange": exchange}
        for venue, asks in offers.items():
            made.quote(venue, [("49.98", 500)], asks)
        before = len(made.decisions)
        made.submit(quantity=quantity)
        assert len({decision.at_ns for decision in made.decisions[before:]}) == 1
        sends = made.sends()
        worst = max(send.limit_micros or 0 for send in sends)
        for venue, asks in offers.items():
            for price, displayed in asks:
                sent = [
                    send.quantity
                    for send in sends
                    if send.venue == venue and send.limit_micros == px(price)
                ]
                if px(price) < worst:
                    assert sum(sent) == displayed
        assert sum(send.quantity for send in sends) <= quantity
