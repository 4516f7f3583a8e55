"""What a venue does to those who trade there: fade, throttle, refusals, queues and fees."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44
from tests.venue_sims.helpers import SOR, Desk, make_venue, market, terms, venue_file
from venue_sims.commands import CancelReceived, OrderReceived, ReplaceReceived, StatusReceived
from venue_sims.faults.orders import RejectStormSettings
from venue_sims.matching.orders import Lifetime, Manner, Side
from venue_sims.reports import Report
from venue_sims.translate import to_message
from venue_sims.words import Capacity, Liquidity, OrdType, Reason, ReportKind, State

BUY, SELL = Capacity.BUY, Capacity.SELL
DOLLAR = 1_000_000
LIT = ("ecn", "inverted", "exchange", "exchange-iex")
ADD = {"ecn": -2_000, "inverted": 2_000, "exchange": -1_800, "exchange-iex": 0}
TAKE = {"ecn": 3_000, "inverted": -1_600, "exchange": 2_800, "exchange-iex": 600}


def lit(name: str, *, refill_s: float = 100_000.0, **fade: float) -> Desk:
    """A lit venue where nothing happens but the house, in a market that stands still."""
    file, settings = venue_file(name, quiet=True), market()
    file.house.refill_s = refill_s
    for key, value in fade.items():
        setattr(file.fade, key, value)
    for symbol in settings.symbols:
        symbol.path.sigma_day = symbol.path.jumps_day = 0
    for quoter in settings.quoters:
        quoter.back = 0
    return Desk(make_venue(file, settings))


def ladder(desk: Desk, side: Side) -> list[tuple[int, int, int]]:
    return desk.venue.floors["ACME"].matcher.depth(side, 10)


def filled(reports: list[Report]) -> int:
    return sum(r.last_quantity for r in reports if r.kind is ReportKind.TRADE)


def immediate(desk: Desk, quantity: int, price: int) -> int:
    """Shares that an IOC order to sell gets."""
    order = terms(f"I{desk.now}", SELL, quantity, price)
    order.lifetime = Lifetime.IOC
    return filled([r for r in desk.order(order) if r.terms.cl_ord_id == order.cl_ord_id])


@pytest.mark.parametrize("name", LIT)
class TestQueues:
    def test_who_rests_waits_for_those_ahead_and_is_paid_for_adding(self, name: str) -> None:
        desk = lit(name)
        price, ahead, _ = ladder(desk, Side.BUY)[0]
        (new,) = desk.order(terms("C1", BUY, 500, price))
        assert new.kind is ReportKind.NEW
        assert immediate(desk, ahead, price) == ahead
        order = desk.venue.state.order_meant(SOR, "C1")
        assert order is not None
        assert order.cum_quantity == 0, "those ahead were first"
        desk.send(OrderReceived("OTHER", desk.now, terms("T1", SELL, 200, price)))
        (fill,) = desk.settle()
        assert (fill.terms.cl_ord_id, fill.last_quantity, fill.leaves) == ("C1", 200, 300)
        assert (fill.liquidity, fill.fee_micros) == (Liquidity.ADDED, 200 * ADD[name])
        new_44 = dict(to_message(fill, FIX44, "XLIT")[1])
        new_42 = dict(to_message(fill, FIX42, "XLIT")[1])
        assert (new_44[851], new_42[9730]) == ("1", "A")
        assert float(new_44[137]) == float(new_42[12]) == 200 * ADD[name] / DOLLAR
        taken = desk.venue.state.client("OTHER").outbox[-1]
        assert (taken.liquidity, taken.fee_micros) == (Liquidity.REMOVED, 200 * TAKE[name])
        assert dict(to_message(taken, FIX42, "XLIT")[1])[9730] == "R"

    def test_what_rests_is_displayed_and_what_is_hidden_is_not(self, name: str) -> None:
        desk = lit(name)
        price, shares, orders = ladder(desk, Side.SELL)[0]
        desk.venue.take_changed()
        desk.order(terms("C1", SELL, 300, price))
        assert ladder(desk, Side.SELL)[0] == (price, shares + 300, orders + 1)
        assert "ACME" in desk.venue.take_changed()
        dark = terms("C2", SELL, 300, price)
        dark.hidden = True
        desk.order(dark)
        assert ladder(desk, Side.SELL)[0] == (price, shares + 300, orders + 1)

    def test_hidden_size_that_is_added_pays_the_midpoints_fee(self, name: str) -> None:
        desk = lit(name)
        order = terms("C1", SELL, 300, ladder(desk, Side.BUY)[0][0] + 10_000)
        order.hidden = True
        desk.order(order)
        desk.send(OrderReceived("OTHER", desk.now, terms("T1", BUY, 300, order.price)))
        (fill,) = desk.settle()
        mid = {"ecn": 1_000, "inverted": 0, "exchange": 1_000, "exchange-iex": 900}[name]
        assert (fill.liquidity, fill.fee_micros) == (Liquidity.ADDED, 300 * mid)

    def test_takers_come_to_a_clip_at_the_offer(self, name: str) -> None:
        """Nobody of ours takes: ambient takers do, and the house when the quote moves through."""
        desk = Desk(make_venue(venue_file(name), market(scale=60)))
        order = terms("C1", SELL, 500, ladder(desk, Side.SELL)[0][0])
        order.manner = Manner.POST_ONLY
        reports = desk.order(order)
        for _ in range(600):
            reports += desk.settle(1)
            if reports[-1].state is State.FILLED:
                break
        assert filled(reports) == 500
        assert {r.liquidity for r in reports if r.last_quantity} == {Liquidity.ADDED}
        assert sum(r.fee_micros for r in reports) == 500 * ADD[name]

    def test_fill_or_kill_is_all_or_nothing(self, name: str) -> None:
        desk = lit(name)
        price, shares, _ = ladder(desk, Side.BUY)[0]
        for quantity, gets in ((shares + 1, 0), (shares, shares)):
            order = terms(f"K{quantity}", SELL, quantity, price)
            order.lifetime = Lifetime.FOK
            assert filled(desk.order(order)) == gets


class TestFade:
    @pytest.mark.parametrize("name", LIT)
    def test_part_of_what_was_displayed_is_gone(self, name: str) -> None:
        desk = lit(name, p=1.0, frac=0.5)
        price, shares, _ = ladder(desk, Side.BUY)[0]
        asks = ladder(desk, Side.SELL)
        assert immediate(desk, shares, price) == shares - round(shares * 0.5)
        assert ladder(desk, Side.SELL) == asks, "the other side does not mind"

    def test_as_deep_as_the_order_would_reach_and_no_deeper(self) -> None:
        desk = lit("exchange", p=1.0, frac=0.4)
        before = ladder(desk, Side.BUY)
        wanted = before[0][1] + 100
        got = immediate(desk, wanted, before[-1][0])
        after = ladder(desk, Side.BUY)
        assert got == wanted
        assert after[-1] == before[-1]
        left = sum(shares for price, shares, _ in after if price >= before[2][0])
        faded = sum(round(shares * 0.4) for _, shares, _ in before[:2])
        assert left == sum(shares for _, shares, _ in before[:3]) - faded - wanted

    def test_comes_back_and_never_touches_who_only_rests(self) -> None:
        desk = lit("exchange", refill_s=2.0, p=1.0, frac=1.0)
        before = ladder(desk, Side.BUY)
        desk.order(terms("C1", BUY, 100, before[0][0]))
        assert ladder(desk, Side.BUY)[0][1] == before[0][1] + 100
        assert immediate(desk, 500, before[0][0]) == 100, "the client's order does not fade"
        for _ in range(60):
            desk.settle(1)
        assert ladder(desk, Side.BUY) == before

    def test_happens_as_often_as_it_is_set_to(self) -> None:
        faded = 0
        desk = lit("inverted", refill_s=0.1, p=0.2, frac=1.0)
        price, _, _ = ladder(desk, Side.BUY)[0]
        for _ in range(300):
            faded += immediate(desk, 100, price) == 0
            desk.settle(3)
        assert 35 <= faded <= 90

    def test_the_default_set_fades_as_specified(self) -> None:
        assert {name: venue_file(name).fade.p for name in LIT} == {
            "ecn": 0.05,
            "inverted": 0.10,
            "exchange": 0.05,
            "exchange-iex": 0.05,
        }


class TestThrottle:
    @pytest.fixture
    def desk(self) -> Desk:
        file = venue_file("dark-a", quiet=True)
        assert (file.throttle.msgs, file.throttle.per_ms) == (200, 1_000)
        return Desk(make_venue(file, market()))

    def burst(self, desk: Desk, count: int, prefix: str) -> list[Report]:
        for number in range(count):
            order = terms(f"{prefix}{number}", BUY, 100, 40 * DOLLAR)
            desk.send(OrderReceived(SOR, desk.now, order))
        return desk.settle(0.4)

    def test_the_message_too_many_is_refused(self, desk: Desk) -> None:
        reports = self.burst(desk, 203, "C")
        refused = [r for r in reports if r.kind is ReportKind.REJECTED]
        assert [r.terms.cl_ord_id for r in refused] == ["C200", "C201", "C202"]
        assert {r.reason for r in refused} == {Reason.THROTTLED}
        assert refused[0].text.startswith("K: ")
        assert dict(to_message(refused[0], FIX44, "DRKA")[1])[103] == "99"
        assert dict(to_message(refused[0], FIX42, "DRKA")[1])[103] == "0"

    def test_the_window_slides(self, desk: Desk) -> None:
        self.burst(desk, 120, "A")
        assert {r.kind for r in self.burst(desk, 80, "B")} == {ReportKind.NEW}
        assert {r.kind for r in self.burst(desk, 5, "C")} == {ReportKind.REJECTED}
        later = self.burst(desk, 121, "D")
        assert sum(r.kind is ReportKind.NEW for r in later) == 120, "those of A are out of it"

    def test_cancels_and_status_requests_always_pass_and_replaces_do_not(self, desk: Desk) -> None:
        self.burst(desk, 200, "C")
        for number in range(50):
            desk.send(CancelReceived(SOR, desk.now, f"X{number}", f"C{number}"))
            desk.send(StatusReceived(SOR, desk.now, f"C{number}", status_id=f"Q{number}"))
        desk.send(ReplaceReceived(SOR, desk.now, "G1", "C60", "ACME", 90, 40 * DOLLAR))
        *answers, refused = desk.settle(0.4)
        assert [r.kind for r in answers] == [ReportKind.CANCELED, ReportKind.STATUS] * 50
        assert (refused.kind, refused.reason) == (ReportKind.REPLACE_REFUSED, Reason.THROTTLED)
        assert dict(to_message(refused, FIX44, "DRKA")[1])[102] == "99"

    def test_each_session_has_its_own(self, desk: Desk) -> None:
        self.burst(desk, 200, "C")
        desk.send(OrderReceived("OTHER", desk.now, terms("C1", BUY, 100, 40 * DOLLAR)))
        desk.settle(0.1)
        order = desk.venue.state.order_meant("OTHER", "C1")
        assert order is not None
        assert order.live


class TestFaults:
    def test_a_share_of_good_orders_is_refused(self) -> None:
        file = venue_file("exchange", quiet=True)
        file.faults["reject_storm"], file.throttle.msgs = RejectStormSettings(p=0.05), 0
        desk = Desk(make_venue(file, market()))
        reports: list[Report] = []
        for number in range(2_000):
            desk.send(OrderReceived(SOR, desk.now, terms(f"C{number}", BUY, 100, 40 * DOLLAR)))
            reports += desk.settle(0.02)
        refused = [r for r in reports + desk.settle() if r.kind is ReportKind.REJECTED]
        assert 65 <= len(refused) <= 140
        assert {r.reason for r in refused} == {Reason.FAULT}
        assert dict(to_message(refused[0], FIX44, "XLIT")[1])[103] == "99"


def test_a_discretionary_peg_is_the_business_of_the_signals_venue_alone() -> None:
    for name in LIT:
        desk = lit(name)
        order = terms("C1", SELL, 100, None)
        order.ord_type = OrdType.DISCRETIONARY_PEG
        (report,) = desk.order(order)
        wanted = None if name == "exchange-iex" else Reason.UNSUPPORTED
        assert report.reason is wanted
