"""Pre-trade checks: what a client's order may ask for.

Owns: the limits and the words in which a refusal names the value and its bound.
May not know: venues, children, FIX reject codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sor_gateway.sor.market import Nbbo
from sor_gateway.sor.settings import (
    RiskSettings,
    RouterSettings,
    SecuritySettings,
    StrategySettings,
)
from sor_gateway.sor.types import (
    MICROS_PER_UNIT,
    NANOS_PER_SECOND,
    Micros,
    Nanos,
    OrdType,
    Reason,
    Shares,
    Side,
)

BPS: Final = 10_000
SUB_UNIT_TICK_MICROS: Final = 100
"""Below one unit of currency prices may have four decimals (Reg NMS rule 612)."""


@dataclass(slots=True)
class Refusal:
    """Why an order or its new terms are refused."""

    reason: Reason
    text: str


@dataclass(slots=True)
class Terms:
    """What is checked, of a new order and of a replace alike."""

    symbol: str
    side: Side
    quantity: Shares
    ord_type: OrdType
    limit_micros: Micros | None


def check_age(limits: RiskSettings, sent_ns: Nanos, now: Nanos) -> Refusal | None:
    """An order that was long on its way is no longer what the client wants (recovery.md 4.3)."""
    bound_ns = limits.stale_order_age_ns
    if not bound_ns or not sent_ns or now - sent_ns <= bound_ns:
        return None
    age, bound = (now - sent_ns) / NANOS_PER_SECOND, bound_ns / NANOS_PER_SECOND
    return Refusal(Reason.STALE, f"sent {age:.3f} s ago, at most {bound:.3f} s are accepted")


def check_strategy(settings: RouterSettings, strategy: str) -> Refusal | None:
    """The strategy has to be one of the presets."""
    if not strategy or strategy in settings.strategies:
        return None
    known = ", ".join(sorted(settings.strategies))
    return Refusal(Reason.UNSUPPORTED, f"unknown strategy {strategy}: expected one of {known}")


def check_terms(
    settings: RouterSettings, strategy: StrategySettings, terms: Terms, nbbo: Nbbo
) -> Refusal | None:
    """Symbol, order type, quantity, price and notional value, by the general limits and then by
    those of the strategy."""
    security = settings.securities.get(terms.symbol)
    if security is None:
        return Refusal(Reason.UNKNOWN_SYMBOL, f"unknown symbol {terms.symbol}")
    if terms.ord_type is OrdType.MID_PEG:
        return Refusal(Reason.UNSUPPORTED, "a parent order is market or limit, not mid-peg")
    limits = settings.risk
    reference = reference_micros(security, nbbo, terms.side.is_buy)
    return (
        _check_quantity(limits, terms.quantity)
        or _check_price(security, terms)
        or _check_collar(limits, security, terms, reference)
        or _check_value(limits.max_notional_micros, "", terms, reference)
        or _check_strategy_terms(strategy, security, terms, reference)
    )


def _check_strategy_terms(
    strategy: StrategySettings, security: SecuritySettings, terms: Terms, reference: Micros
) -> Refusal | None:
    """What a preset takes on: it may be narrower than what the gateway takes."""
    if terms.ord_type not in strategy.ord_types:
        allowed = " or ".join(sorted(strategy.ord_types))
        text = f"a {terms.ord_type} order: expected {allowed} with strategy {strategy.name}"
        return Refusal(Reason.UNSUPPORTED, text)
    if strategy.max_quantity and terms.quantity > strategy.max_quantity:
        most, name = strategy.max_quantity, strategy.name
        text = f"quantity {terms.quantity}: at most {most} with strategy {name}"
        return Refusal(Reason.EXCEEDS_LIMIT, text)
    most = int(strategy.max_adv_share * security.average_daily_volume)
    if most and terms.quantity > most:
        share = f"{strategy.max_adv_share:.1%} of the average daily volume"
        text = f"quantity {terms.quantity}: at most {most}, {share}, with strategy {strategy.name}"
        return Refusal(Reason.EXCEEDS_LIMIT, text)
    if not strategy.max_notional_micros:
        return None
    words = f" with strategy {strategy.name}"
    return _check_value(strategy.max_notional_micros, words, terms, reference)


def _check_quantity(limits: RiskSettings, quantity: Shares) -> Refusal | None:
    if quantity <= 0:
        return Refusal(Reason.BAD_QUANTITY, f"quantity {quantity}: at least 1")
    if quantity > limits.max_quantity:
        text = f"quantity {quantity}: at most {limits.max_quantity}"
        return Refusal(Reason.EXCEEDS_LIMIT, text)
    return None


def _check_price(security: SecuritySettings, terms: Terms) -> Refusal | None:
    if terms.ord_type is not OrdType.LIMIT:
        return None
    limit = terms.limit_micros
    if limit is None:
        return Refusal(Reason.BAD_PRICE, "a limit order without a limit price")
    if limit <= 0:
        return Refusal(Reason.BAD_PRICE, f"limit price {money(limit)}: above 0")
    tick = security.tick_micros if limit >= MICROS_PER_UNIT else SUB_UNIT_TICK_MICROS
    if limit % tick:
        text = f"limit price {money(limit)}: a multiple of {money(tick)}"
        return Refusal(Reason.BAD_PRICE, text)
    return None


def _check_collar(
    limits: RiskSettings, security: SecuritySettings, terms: Terms, reference: Micros
) -> Refusal | None:
    """A limit may not be too far through the reference price."""
    if not reference:
        text = f"no quote and no previous close for {terms.symbol}"
        return Refusal(Reason.NO_REFERENCE_PRICE, text)
    limit = terms.limit_micros
    if limit is None or terms.ord_type is not OrdType.LIMIT:
        return None
    is_buy = terms.side.is_buy
    worst = collar_micros(limits, security, reference, is_buy)
    if limit > worst if is_buy else limit < worst:
        bound = f"{'at most' if is_buy else 'at least'} {money(worst)}"
        text = f"limit price {money(limit)}: {bound}, with the reference at {money(reference)}"
        return Refusal(Reason.EXCEEDS_LIMIT, text)
    return None


def _check_value(most: Micros, words: str, terms: Terms, reference: Micros) -> Refusal | None:
    """What the order may cost at worst."""
    price, limit = reference, terms.limit_micros
    if limit is not None and terms.ord_type is OrdType.LIMIT:
        price = limit if terms.side.is_buy else max(limit, reference)
    notional = terms.quantity * price
    if notional <= most:
        return None
    return Refusal(Reason.EXCEEDS_LIMIT, f"value {money(notional)}: at most {money(most)}{words}")


def reference_micros(security: SecuritySettings, nbbo: Nbbo, is_buy: bool) -> Micros:
    """The far side of the NBBO, else the previous close, else the near side; 0 without any."""
    far = nbbo.far_micros(is_buy)
    return far or security.previous_close_micros or nbbo.far_micros(not is_buy)


def collar_micros(
    limits: RiskSettings, security: SecuritySettings, reference: Micros, is_buy: bool
) -> Micros:
    """The worst price that is allowed against a reference, on the tick, never 0."""
    width = reference * limits.collar_bps // BPS
    tick = security.tick_micros
    if is_buy:
        return max((reference + width) // tick * tick, reference)
    return max(-((width - reference) // tick) * tick, tick)


def money(micros: Micros) -> str:
    """An amount for people: at least two decimals, no more than it has."""
    sign, whole, part = "-" if micros < 0 else "", *divmod(abs(micros), MICROS_PER_UNIT)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals}"
