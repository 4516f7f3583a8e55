"""What is cheaper to take at once than to work is taken ahead of the dark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from sor_gateway.sor import decisions as dn
from sor_gateway.sor.estimators.volatility import SAMPLES_A_DAY, TOLD_EVERY
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import LitTactic, StrategySettings, VenueSettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import OrdType, Side, TimeInForce

from .script import SECOND, Script, dark, lit, px, settings

PRESET = StrategySettings(
    "balanced", lit_tactic=LitTactic.SPRAY_THEN_SWEEP, sweep_levels=1, take_ahead=True
)
DAY = 390 * SECOND
BOOK = [(f"{50.01 + cents / 100:.2f}", 800) for cents in range(8)]
MARKET: dict[str, Any] = {"ord_type": OrdType.MARKET, "limit_micros": None}


def desk(
    cents_a_day: float,
    preset: StrategySettings = PRESET,
    samples: int = 600,
    other: VenueSettings | None = None,
) -> Script:
    """A router that has watched a market with this much volatility; then the books are quoted."""
    made = Script(settings(dark("a"), lit("x"), other or lit("y"), strategy=preset, day_ns=DAY))
    security = made.settings.securities["ACME"]
    made.settings.securities["ACME"] = replace(security, average_daily_volume=3_000_000)
    step = cents_a_day / SAMPLES_A_DAY**0.5
    signs = np.random.default_rng(1).choice([-1.0, 1.0], samples)
    for cents in (signs * step).cumsum() - (signs * step).sum():
        made.now += DAY // SAMPLES_A_DAY
        made.quote(
            "x", [(f"{49.99 + cents / 100:.4f}", 800)], [(f"{50.01 + cents / 100:.4f}", 800)]
        )
    for name in ("x", "y"):
        made.quote(name, [("49.99", 800)], BOOK)
    return made


def taken(made: Script) -> int:
    return sum(send.quantity for send in made.sends() if send.time_in_force is TimeInForce.IOC)


def hidden(made: Script) -> int:
    return sum(send.quantity for send in made.sends() if send.ord_type is OrdType.MID_PEG)


def test_in_a_calm_market_the_dark_comes_first() -> None:
    made = desk(50.0)
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    assert taken(made) == 0
    assert hidden(made) > 0


def test_in_a_wild_one_the_books_are_taken_first_and_nothing_better_is_passed_over() -> None:
    made = desk(500.0)
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    assert taken(made) == 10_000
    assert hidden(made) == 0
    first, other = made.sends()
    assert {first.venue, other.venue} == {"x", "y"}
    assert first.quantity + other.quantity == 10_000
    first, other = sorted(made.sends(), key=lambda send: send.quantity)
    assert (first.quantity, first.limit_micros) == (6 * 800, px("50.06"))
    assert (other.quantity, other.limit_micros) == (6 * 800 + 400, px("50.07"))
    planned = [each for each in made.decisions if isinstance(each, dn.ChildPlanned)]
    assert all("cheaper than to work it" in child.why for child in planned)


def test_by_option_it_is_an_intermarket_sweep() -> None:
    made = desk(500.0, replace(PRESET, sweep_iso=True))
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    assert [send.is_iso for send in made.sends()] == [True, True]


def test_what_did_not_fill_is_worked() -> None:
    made = desk(500.0)
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    first, other = made.sends()
    made.fill(other.child_id, other.quantity, "50.03")
    made.fill(first.child_id, first.quantity - 600, "50.03")
    made.end(first.child_id)
    assert hidden(made) == 600
    assert taken(made) == 10_000
    made.fold()


@pytest.mark.parametrize(
    ("change", "samples"),
    [({"take_ahead": False}, 600), ({}, 100)],
    ids=["not asked for", "nothing known"],
)
def test_without_leave_or_knowledge_nothing_is_taken_ahead(
    change: dict[str, Any], samples: int
) -> None:
    made = desk(500.0, replace(PRESET, **change), samples)
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    assert taken(made) == 0


def test_nothing_is_taken_beyond_the_limit() -> None:
    made = desk(500.0)
    made.submit(quantity=10_000, side=Side.BUY, limit_micros=px("50.02"))
    assert {send.limit_micros for send in made.sends() if send.ord_type is OrdType.LIMIT} == {
        px("50.02")
    }
    assert taken(made) == 4 * 800


def test_a_venue_that_cannot_have_its_part_holds_the_others_back() -> None:
    """Its throttle is spent: it still protects its price."""
    slow = lit("y", orders_per_second=1, cancel_reserve=1)
    made = desk(500.0, other=slow)
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    assert taken(made) == 0
    assert hidden(made) > 0


def restarted(made: Script, snapshot: bytes) -> Script:
    """Another router that begins with a snapshot, and is quoted what the first one was last."""
    again = Script(made.settings)
    again.router = Router(made.settings, msgspec.msgpack.decode(snapshot, type=RouterState))
    again.now = made.now
    for name in ("x", "y"):
        again.quote(name, [("49.99", 800)], BOOK)
    return again


def children(made: Script) -> list[tuple[str, int, int | None]]:
    made.submit(quantity=10_000, side=Side.BUY, **MARKET)
    return [(send.venue, send.quantity, send.limit_micros) for send in made.sends()]


@pytest.mark.parametrize("cents_a_day", [50.0, 500.0])
def test_who_was_restarted_takes_ahead_as_who_was_not(cents_a_day: float) -> None:
    made = desk(cents_a_day)
    made.fold()
    again = restarted(made, msgspec.msgpack.encode(made.router.state))
    made.router.state.volatility.clear()
    unaware = restarted(made, msgspec.msgpack.encode(made.router.state))
    assert children(again) == children(desk(cents_a_day))
    assert (children(unaware) == children(again)) == (cents_a_day < 100)


def test_how_much_it_moves_is_told_every_ten_minutes_of_the_market_and_no_more() -> None:
    made = desk(500.0)
    told = [each for each in made.decisions if isinstance(each, dn.VolatilitySeen)]
    assert len(told) == 599 // TOLD_EVERY
    assert [fact.moves["ACME"].samples % TOLD_EVERY for fact in told] == [1] * len(told)
    assert made.router.state.volatility["ACME"] == told[-1].moves["ACME"]
