"""Pre-trade checks: each limit at its bound and one beyond, with words that name both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor.market import Nbbo
from sor_gateway.sor.risk import (
    Refusal,
    Terms,
    check_age,
    check_strategy,
    check_terms,
    collar_micros,
    money,
    reference_micros,
)
from sor_gateway.sor.settings import RiskSettings, SecuritySettings, StrategySettings
from sor_gateway.sor.types import OrdType, Reason, Side

from .script import SECOND, UNIT, Script, lit, px, settings

QUOTED = Nbbo(px("49.99"), px("50.01"))
TERMS = Terms("ACME", Side.BUY, 100, OrdType.LIMIT, px("50.00"))
SETTINGS = settings(
    lit(), risk=RiskSettings(max_quantity=1_000, max_notional_micros=40_000 * UNIT, collar_bps=100)
)


def check(nbbo: Nbbo = QUOTED, **changes: Any) -> Refusal | None:
    return check_terms(SETTINGS, SETTINGS.strategies["balanced"], replace(TERMS, **changes), nbbo)


class TestTerms:
    """Symbol, type, quantity, price, value."""

    def test_a_good_order_passes(self) -> None:
        assert check() is None
        assert check(ord_type=OrdType.MARKET, limit_micros=None) is None

    def test_unknown_symbol_is_named(self) -> None:
        refusal = check(symbol="NONE")
        assert refusal == Refusal(Reason.UNKNOWN_SYMBOL, "unknown symbol NONE")

    @pytest.mark.parametrize("quantity", [0, -5])
    def test_no_quantity(self, quantity: int) -> None:
        refusal = check(quantity=quantity)
        assert refusal == Refusal(Reason.BAD_QUANTITY, f"quantity {quantity}: at least 1")

    def test_quantity_at_and_beyond_its_bound(self) -> None:
        low: dict[str, Any] = {"limit_micros": px("49.60"), "side": Side.BUY}
        assert check(Nbbo(0, px("40.00")), quantity=1_000, limit_micros=px("39.99")) is None
        refusal = check(quantity=1_001, **low)
        assert refusal == Refusal(Reason.EXCEEDS_LIMIT, "quantity 1001: at most 1000")

    def test_a_parent_is_no_peg(self) -> None:
        refusal = check(ord_type=OrdType.MID_PEG)
        assert refusal is not None
        assert refusal.reason is Reason.UNSUPPORTED

    @pytest.mark.parametrize("limit", [None, 0, -UNIT, px("50.00") + 1])
    def test_prices_that_are_none(self, limit: int | None) -> None:
        refusal = check(limit_micros=limit)
        assert refusal is not None
        assert refusal.reason is Reason.BAD_PRICE

    def test_off_tick_names_price_and_tick(self) -> None:
        refusal = check(limit_micros=px("50.005"))
        assert refusal == Refusal(Reason.BAD_PRICE, "limit price 50.005: a multiple of 0.01")

    def test_below_one_unit_four_decimals_are_a_price(self) -> None:
        cheap = Nbbo(px("0.5000"), px("0.5001"))
        assert check(cheap, limit_micros=px("0.4999")) is None

    def test_value_at_and_beyond_its_bound(self) -> None:
        assert check(quantity=800, limit_micros=px("50.00")) is None
        refusal = check(quantity=801, limit_micros=px("50.00"))
        assert refusal == Refusal(Reason.EXCEEDS_LIMIT, "value 40050.00: at most 40000.00")

    def test_a_low_sell_is_valued_at_what_it_will_get(self) -> None:
        low: dict[str, Any] = {"side": Side.SELL, "limit_micros": px("49.60")}
        assert check(quantity=800, **low) is None
        assert check(quantity=801, **low) is not None


class TestCollar:
    """A limit further through the market than the collar is a mistake."""

    def test_a_buy_at_and_beyond_the_collar(self) -> None:
        assert check(limit_micros=px("50.51")) is None
        refusal = check(limit_micros=px("50.52"))
        assert refusal is not None
        assert refusal.reason is Reason.EXCEEDS_LIMIT
        assert "50.52" in refusal.text
        assert "50.51" in refusal.text

    def test_a_sell_at_and_beyond_the_collar(self) -> None:
        # 49.99 less one per cent is 49.4901: the worst allowed price is the tick above.
        assert check(side=Side.SELL, limit_micros=px("49.50")) is None
        assert check(side=Side.SELL, limit_micros=px("49.49")) is not None

    def test_passive_limits_may_be_far_away(self) -> None:
        assert check(limit_micros=px("1.00")) is None

    def test_without_quotes_the_previous_close_counts(self) -> None:
        assert check(Nbbo(0, 0), limit_micros=px("50.50")) is None
        assert check(Nbbo(0, 0), limit_micros=px("50.51")) is not None

    def test_no_reference_no_order(self) -> None:
        refusal = check(Nbbo(0, 0), symbol="NOREF")
        assert refusal is not None
        assert refusal.reason is Reason.NO_REFERENCE_PRICE
        assert "NOREF" in refusal.text

    def test_the_far_side_before_the_close_before_the_near_side(self) -> None:
        security = SecuritySettings("X", "XLIT", previous_close_micros=7)
        assert reference_micros(security, Nbbo(5, 9), True) == 9
        assert reference_micros(security, Nbbo(5, 9), False) == 5
        assert reference_micros(security, Nbbo(5, 0), True) == 7
        assert reference_micros(SecuritySettings("X", "XLIT"), Nbbo(5, 0), True) == 5

    def test_a_collar_is_never_below_one_tick(self) -> None:
        security = SecuritySettings("X", "XLIT")
        limits = RiskSettings(collar_bps=10_000)
        assert collar_micros(limits, security, px("0.02"), False) == security.tick_micros


class TestAgeAndStrategy:
    """Late orders and unknown presets."""

    def test_an_old_order_is_refused(self) -> None:
        limits = RiskSettings(stale_order_age_ns=30 * SECOND)
        assert check_age(limits, 100 * SECOND, 130 * SECOND) is None
        refusal = check_age(limits, 100 * SECOND, 131 * SECOND)
        assert refusal == Refusal(Reason.STALE, "sent 31.000 s ago, at most 30.000 s are accepted")

    def test_the_check_can_be_off_and_needs_a_time(self) -> None:
        assert check_age(RiskSettings(stale_order_age_ns=0), 1, 10**18) is None
        assert check_age(RiskSettings(), 0, 10**18) is None

    def test_an_unknown_strategy_is_named_with_the_known_ones(self) -> None:
        assert check_strategy(SETTINGS, "") is None
        assert check_strategy(SETTINGS, "balanced") is None
        refusal = check_strategy(SETTINGS, "magic")
        assert refusal == Refusal(
            Reason.UNSUPPORTED, "unknown strategy magic: expected one of balanced"
        )


class TestStrategyLimits:
    """A preset may take on less than the gateway does."""

    def refusal(self, strategy: StrategySettings, **changes: Any) -> Refusal | None:
        cfg = settings(lit(), risk=RiskSettings(max_quantity=1_000_000))
        cfg.securities["ACME"].average_daily_volume = 3_000_000
        return check_terms(cfg, strategy, replace(TERMS, **changes), QUOTED)

    def test_without_any_the_general_ones_hold(self) -> None:
        assert self.refusal(StrategySettings("urgent"), quantity=1_000_000) is None
        refusal = self.refusal(StrategySettings("urgent"), quantity=1_000_001)
        assert refusal == Refusal(Reason.EXCEEDS_LIMIT, "quantity 1000001: at most 1000000")

    def test_quantity(self) -> None:
        strategy = StrategySettings("urgent", max_quantity=5_000)
        assert self.refusal(strategy, quantity=5_000) is None
        text = "quantity 5001: at most 5000 with strategy urgent"
        assert self.refusal(strategy, quantity=5_001) == Refusal(Reason.EXCEEDS_LIMIT, text)

    def test_value(self) -> None:
        strategy = StrategySettings("urgent", max_notional_micros=5_000 * UNIT)
        assert self.refusal(strategy, quantity=100) is None
        text = "value 5050.00: at most 5000.00 with strategy urgent"
        assert self.refusal(strategy, quantity=101) == Refusal(Reason.EXCEEDS_LIMIT, text)

    def test_share_of_the_average_daily_volume(self) -> None:
        strategy = StrategySettings("urgent", max_adv_share=0.05)
        assert self.refusal(strategy, quantity=150_000) is None
        refusal = self.refusal(strategy, quantity=150_001)
        assert refusal is not None
        assert refusal.text == (
            "quantity 150001: at most 150000, 5.0% of the average daily volume, with strategy"
            " urgent"
        )

    def test_no_share_of_an_unknown_volume(self) -> None:
        cfg = settings(lit())
        strategy = StrategySettings("urgent", max_adv_share=0.05)
        assert check_terms(cfg, strategy, replace(TERMS, quantity=9_000), QUOTED) is None

    def test_order_types(self) -> None:
        strategy = StrategySettings("minimal-impact", ord_types=(OrdType.LIMIT,))
        assert self.refusal(strategy) is None
        refusal = self.refusal(strategy, ord_type=OrdType.MARKET, limit_micros=None)
        text = "a market order: expected limit with strategy minimal-impact"
        assert refusal == Refusal(Reason.UNSUPPORTED, text)

    def test_new_terms_are_held_to_them_too(self) -> None:
        made = Script(settings(lit("x"), strategy=StrategySettings("small", max_quantity=900)))
        made.submit(quantity=900)
        made.replace(quantity=901)
        assert made.reports()[-1].text == "quantity 901: at most 900 with strategy small"
        assert made.kinds()[-1] == "replace-refused"


class TestMoney:
    """Amounts for people."""

    @pytest.mark.parametrize(
        ("micros", "text"),
        [(50_010_000, "50.01"), (50_000_000, "50.00"), (1, "0.000001"), (-2_500_000, "-2.50")],
    )
    def test_two_decimals_or_as_many_as_there_are(self, micros: int, text: str) -> None:
        assert money(micros) == text
