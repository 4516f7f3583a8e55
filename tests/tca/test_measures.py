"""The measures of one order, against figures worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sor_gateway.projection.queries import Execution
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import Liquidity, OrdType, ParentState, Side, TimeInForce
from sor_gateway.tca.measures import Mark, Report, cost, halved, measure
from tests.projection.helpers import Desk

BID, ASK = 49_990_000, 50_020_000
"""The market at arrival: midpoint 50.005."""


def submit(desk: Desk, side: Side, quantity: int = 1_000) -> ev.ParentSubmitted:
    fact = desk.submit(quantity=quantity)
    fact.side = side
    return fact


def plan(
    desk: Desk, child: str, venue: str, quantity: int, wave: int, mark: Mark
) -> de.ChildPlanned:
    fact = desk.plan(child, quantity, venue)
    fact.ord_type, fact.time_in_force = OrdType.LIMIT, TimeInForce.DAY
    fact.wave, fact.bid_micros, fact.ask_micros = wave, mark.bid_micros, mark.ask_micros
    return fact


def fill(
    desk: Desk, child: str, venue: str, quantity: int, price: int, fee: int, how: Liquidity
) -> ev.ChildFilled:
    exec_id = f"{child}-{desk.number}"
    fact = desk.fill(quantity, quantity, exec_id, price, child, venue, fee)
    fact.liquidity = how
    return fact


def sold(tmp_path: Path, side: Side = Side.SELL) -> Report:
    """1,000 of ACME: 600 of 800 in the dark at 50.00, 300 of 300 lit at 50.03 for a rebate."""
    desk = Desk(tmp_path)
    accepted = de.ParentAccepted(desk.now, "P1", BID, ASK)
    desk.turn(submit(desk, side), accepted)
    desk.turn(plan(desk, "C1", "dark-a", 800, 1, Mark(BID, ASK)))
    desk.turn(fill(desk, "C1", "dark-a", 600, 50_000_000, 900_000, Liquidity.MIDPOINT))
    desk.turn(plan(desk, "C2", "ecn", 300, 2, Mark(50_010_000, 50_030_000)))
    desk.turn(fill(desk, "C2", "ecn", 300, 50_030_000, -600_000, Liquidity.ADDED))
    desk.refresh()
    found = measure(desk.database, "P1")
    assert found is not None
    return found


class TestAnOrder:
    def test_adds_up_price_fees_and_rebates(self, tmp_path: Path) -> None:
        totals = sold(tmp_path).totals
        assert (totals.executions, totals.shares) == (2, 900)
        assert totals.value_micros == 600 * 50_000_000 + 300 * 50_030_000
        assert totals.average_price_micros == 50_010_000
        assert (totals.fees_micros, totals.rebates_micros) == (300_000, 600_000)
        assert (totals.added, totals.removed, totals.midpoint) == (300, 0, 600)

    def test_a_sale_above_the_arrival_midpoint_is_a_gain(self, tmp_path: Path) -> None:
        found = sold(tmp_path)
        assert found.arrival.mid_micros == 50_005_000
        assert found.shortfall is not None
        # 900 x (50.005 - 50.01) = -4.50 USD on 45,004.50
        assert (found.shortfall.micros, found.shortfall.bps) == (-4_500_000, Decimal("-1.00"))
        assert found.total is not None
        assert (found.total.micros, found.total.bps) == (-4_200_000, Decimal("-0.93"))

    def test_the_same_executions_cost_a_buyer(self, tmp_path: Path) -> None:
        found = sold(tmp_path, Side.BUY)
        assert found.shortfall is not None
        assert (found.shortfall.micros, found.shortfall.bps) == (4_500_000, Decimal("1.00"))

    def test_is_found_by_its_cl_ord_id_and_missed_by_another(self, tmp_path: Path) -> None:
        sold(tmp_path)
        database = tmp_path / "view" / "sor.db"
        by_client_id = measure(database, "a")
        assert by_client_id is not None
        assert by_client_id.order.parent_id == "P1"
        assert measure(database, "nobody") is None

    def test_lasts_until_its_last_execution_while_it_works(self, tmp_path: Path) -> None:
        assert sold(tmp_path).duration_ns == 5 - 1

    def test_lasts_until_its_end_when_it_is_over(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.turn(submit(desk, Side.BUY), de.ParentAccepted(desk.now, "P1", BID, ASK))
        desk.number += 9
        desk.turn(de.ParentClosed(desk.now + 1, "P1", ParentState.CANCELED, "as asked"))
        desk.refresh()
        found = measure(desk.database, "P1")
        assert found is not None
        assert found.duration_ns == 11
        assert found.shortfall is None
        assert found.total is None
        assert found.venues == []

    def test_without_a_market_at_arrival_has_no_shortfall(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.turn(submit(desk, Side.BUY), de.ParentAccepted(desk.now, "P1", 0, ASK))
        desk.turn(plan(desk, "C1", "ecn", 100, 1, Mark(BID, ASK)))
        desk.turn(fill(desk, "C1", "ecn", 100, ASK, 0, Liquidity.REMOVED))
        desk.refresh()
        found = measure(desk.database, "P1")
        assert found is not None
        assert found.shortfall is None
        assert found.arrival.mid_micros is None
        [line] = found.venues
        assert line.slippage is not None
        assert line.slippage.micros == 100 * 15_000


class TestVenuesAndWaves:
    def test_a_venue_is_measured_against_arrival_and_against_its_own_moment(
        self, tmp_path: Path
    ) -> None:
        dark, ecn = sold(tmp_path).venues
        assert (dark.venue, dark.children, dark.sent, dark.totals.shares) == ("dark-a", 1, 800, 600)
        assert dark.shortfall == dark.slippage
        assert dark.shortfall is not None
        assert dark.shortfall.micros == 600 * 5_000
        assert (ecn.venue, ecn.sent, ecn.totals.shares) == ("ecn", 300, 300)
        assert ecn.shortfall is not None
        assert ecn.shortfall.micros == -300 * 25_000
        assert ecn.slippage is not None
        assert ecn.slippage.micros == -300 * 10_000

    def test_venues_add_up_to_the_order(self, tmp_path: Path) -> None:
        found = sold(tmp_path)
        assert found.shortfall is not None
        parts = [line.shortfall.micros for line in found.venues if line.shortfall is not None]
        assert sum(parts) == found.shortfall.micros
        assert sum(line.totals.fees_micros for line in found.venues) == found.totals.fees_micros

    def test_a_wave_says_what_it_sent_where_and_what_came_of_it(self, tmp_path: Path) -> None:
        first, second = sold(tmp_path).waves
        assert (first.wave, first.venue, first.sent, first.filled) == (1, "dark-a", 800, 600)
        assert (second.wave, second.venue, second.sent, second.filled) == (2, "ecn", 300, 300)
        assert first.began_ns < second.began_ns


class TestRounding:
    @pytest.mark.parametrize(("doubled", "half"), [(4, 2), (3, 2), (5, 2), (-3, -2), (-1, 0)])
    def test_a_half_micro_goes_to_the_even_one(self, doubled: int, half: int) -> None:
        assert halved(doubled) == half

    def test_a_midpoint_between_micros_costs_exactly(self) -> None:
        execution = Execution("ecn", "C1", "P1", "E1", 3, 10, 0, "removed", 1, "XECN", True)
        found = cost(True, [(execution, Mark(8, 9))])
        assert found is not None
        # 3 x (10 - 8.5) = 4.5, and 4.5 / 25.5 of the value
        assert (found.micros, found.bps) == (4, Decimal("1764.71"))
