"""Halts, bands, sessions, quarantine (F15, F16, F17, F22)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest

from sor_gateway.journal.record import FactCodec
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import DenyExecution, Output
from sor_gateway.sor.orders import Parent
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import SecuritySettings, StrategySettings
from sor_gateway.sor.types import ChildState, DenyReason, OrdType, Side, TimeInForce

from .script import MS, SECOND, UNIT, Script, dark, lit, px, settings

HIDDEN = StrategySettings("d", use_lit=False, dark_quantity=500, dark_box_ns=SECOND)
SWEEP = StrategySettings("sweep", use_dark=False, lit_wave_ns=50 * MS)


def two_lit(**changes: Any) -> Script:
    made = Script(settings(lit("x"), lit("y"), strategy=SWEEP), **changes)
    quote(made)
    return made


def quote(made: Script) -> None:
    for name in ("x", "y"):
        made.quote(name, [("49.99", 300)], [("50.05", 300)])


def halt(made: Script, venue: str, on: bool = True, **bands: Any) -> ev.SymbolStatusChanged:
    return ev.SymbolStatusChanged(made.now, venue, "ACME", on, "news pending", **bands)


class CountedParents(dict[str, Parent]):
    """Counts how often a parent is looked at by its id."""

    looks = 0

    def __getitem__(self, parent_id: str) -> Parent:
        self.looks += 1
        return super().__getitem__(parent_id)


class TestHalts:
    def test_no_order_goes_to_a_venue_that_halted_the_symbol(self) -> None:
        made = two_lit()
        out = made.step(halt(made, "x"))
        assert made.alarms(out) == ["symbol-halted"]
        made.submit(quantity=500)
        assert {send.venue for send in made.sends()} == {"y"}
        made.fold()

    def test_all_of_them_wait_and_go_on(self) -> None:
        made = two_lit()
        made.submit(quantity=2_000)
        for send in made.sends():
            made.fill(send.child_id, send.quantity)
        for venue in ("x", "y"):
            made.step(halt(made, venue))
        before = len(made.sends())
        for _ in range(20):
            made.wait(SECOND)
            quote(made)
        assert len(made.sends()) == before
        made.step(halt(made, "y", on=False))
        assert {send.venue for send in made.sends()[before:]} == {"y"}

    def test_an_ioc_order_ends(self) -> None:
        made = two_lit()
        for venue in ("x", "y"):
            made.step(halt(made, venue))
        made.submit(quantity=500, time_in_force=TimeInForce.IOC)
        assert made.kinds()[-1] == "canceled"
        assert not made.sends()

    def test_what_is_as_usual_makes_nobody_look(self) -> None:
        """A venue tells of thousands of symbols when it opens, and thousands of orders wait."""
        made = two_lit()
        made.submit(quantity=5_000)
        made.apply(halt(made, "x", on=False))
        assert made.router.next_deadline() != 0
        made.apply(halt(made, "x"))
        assert made.router.next_deadline() == 0

    def test_another_symbol_trades(self) -> None:
        made = two_lit()
        made.step(ev.SymbolStatusChanged(made.now, "x", "BOLT", True, "halted"))
        made.submit(quantity=500)
        assert {send.venue for send in made.sends()} == {"x", "y"}

    def test_a_venue_says_them_anew_on_each_connection(self) -> None:
        made = two_lit()
        made.step(halt(made, "x"))
        made.step(ev.VenueClosed(made.now, "x", "restart"))
        assert not made.router.state.halted
        made.step(halt(made, "x"))
        made.step(ev.VenueOpened(made.now, "x", 1))
        made.submit(quantity=500)
        assert {send.venue for send in made.sends()} == {"y"}

    def test_hidden_orders_do_not_give_way_to_displayed_ones_by_a_halt(self) -> None:
        made = Script(settings(dark("a"), lit("x")))
        made.quote("x", [("49.99", 300)], [("50.05", 300)])
        for venue in ("a", "x"):
            made.step(halt(made, venue))
        made.submit(quantity=500)
        made.step(halt(made, "a", on=False))
        made.step(halt(made, "x", on=False))
        assert {send.venue for send in made.sends()} == {"a"}


class TestCost:
    """A market-wide halt, or the close of a venue, concerns those whom it concerns."""

    SYMBOLS: Final = tuple(f"S{number}" for number in range(20))

    def many(self) -> tuple[Script, CountedParents]:
        """Two resting orders in each of twenty symbols, and who is looked at."""
        securities = {
            name: SecuritySettings(name, "XLIT", previous_close_micros=50 * UNIT)
            for name in self.SYMBOLS
        }
        made = Script(settings(lit("x"), lit("y"), strategy=SWEEP, securities=securities))
        for number, symbol in enumerate(self.SYMBOLS * 2):
            made.submit(f"A{number}", quantity=500, symbol=symbol)
        parents = CountedParents(made.router.state.parents)
        made.router.state.parents = parents
        return made, parents

    def test_of_a_halt_of_everything_is_that_of_its_orders(self) -> None:
        made, parents = self.many()
        for symbol in self.SYMBOLS:
            made.apply(ev.SymbolStatusChanged(made.now, "x", symbol, True, "market-wide"))
        assert parents.looks <= len(parents)
        assert len(made.router.state.halted) == len(self.SYMBOLS)

    def test_each_order_in_the_symbol_is_looked_at(self) -> None:
        made, parents = self.many()
        made.settle()
        parents.looks = 0
        made.step(ev.SymbolStatusChanged(made.now, "x", "S7", True, "news"))
        assert parents.looks == 2

    def test_one_that_is_over_is_not(self) -> None:
        made, parents = self.many()
        made.cancel("C1", "A7")
        parents.looks = 0
        made.step(ev.SymbolStatusChanged(made.now, "x", "S7", True, "news"))
        assert parents.looks == 1

    def test_orders_are_found_again_from_a_snapshot(self) -> None:
        made, _ = self.many()
        made.router = Router(made.settings, made.router.state)
        made.settle()
        made.apply(ev.SymbolStatusChanged(made.now, "x", "S7", True, "news"))
        assert made.router.next_deadline() == 0

    def test_of_a_session_that_closes_is_that_of_the_orders_there(self) -> None:
        made, _ = self.many()
        made.apply(ev.SessionStatusChanged(made.now, "x", False, "closed"))
        assert made.router.next_deadline() != 0
        made.apply(ev.SessionStatusChanged(made.now, "x", True, "open"))
        assert made.router.next_deadline() == 0


class TestSessionsOfAVenue:
    """What one session of a venue told holds until that one takes it back or is over (F15)."""

    def told(self, made: Script, session: str, on: bool = True, **bands: int) -> list[Output]:
        return made.step(replace(halt(made, "x", on, **bands), session=session))

    def lapse(self, made: Script, session: str) -> list[Output]:
        return made.step(ev.StatusLapsed(made.now, "x", session, "cut"))

    def halted(self, made: Script) -> bool:
        return "x" in made.router.state.halted.get("ACME", {})

    def test_a_halt_told_with_the_quotes_outlives_the_order_session(self) -> None:
        made = two_lit()
        self.told(made, "x-md")
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        made.step(ev.VenueOpened(made.now, "x", 1))
        made.submit(quantity=500)
        assert {send.venue for send in made.sends()} == {"y"}
        self.lapse(made, "x-md")
        assert not self.halted(made)
        made.fold()

    def test_one_told_to_the_order_session_outlives_the_other(self) -> None:
        made = two_lit()
        self.told(made, "x")
        self.lapse(made, "x-md")
        assert self.halted(made)
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        assert not self.halted(made)

    @pytest.mark.parametrize("first", ["x", "x-md"])
    def test_one_told_by_both_ends_with_the_last(self, first: str) -> None:
        made = two_lit()
        last = "x" if first == "x-md" else "x-md"
        assert made.alarms(self.told(made, "x")) == ["symbol-halted"]
        assert made.alarms(self.told(made, "x-md")) == []
        assert made.alarms(self.told(made, first, on=False)) == []
        assert self.halted(made)
        assert made.alarms(self.told(made, last, on=False)) == ["symbol-resumed"]
        assert not self.halted(made)

    def test_whoever_waits_goes_on_when_it_lapses(self) -> None:
        made = two_lit()
        self.told(made, "x-md")
        made.submit(quantity=2_000)
        for send in made.sends():
            made.fill(send.child_id, send.quantity)
        before = len(made.sends())
        made.wait(SECOND)
        quote(made)
        self.lapse(made, "x-md")
        made.wait(SECOND)
        assert "x" in {send.venue for send in made.sends()[before:]}

    def test_the_bands_of_both_hold(self) -> None:
        made = two_lit()
        self.told(made, "x", on=False, low_micros=px("49.00"), high_micros=px("50.02"))
        self.told(made, "x-md", on=False, low_micros=px("49.50"))
        assert made.router.state.bands["ACME"]["x"] == (px("49.50"), px("50.02"))
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        assert made.router.state.bands["ACME"]["x"] == (px("49.50"), 0)

    def test_a_trading_session_that_is_closed_stays_so(self) -> None:
        made = two_lit()
        made.step(ev.SessionStatusChanged(made.now, "x", False, "closed", "x-md"))
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        made.step(ev.VenueOpened(made.now, "x", 1))
        assert not made.router.state.venues["x"].is_routable
        self.lapse(made, "x-md")
        assert made.router.state.venues["x"].is_routable

    def test_no_session_lives_through_a_restart(self) -> None:
        """The venue says anew what is not as usual, and nothing of what is so again."""
        made = two_lit()
        self.told(made, "x", low_micros=px("49.00"))
        self.told(made, "x-md")
        made.step(ev.SessionStatusChanged(made.now, "x", False, "closed"))
        made.step(ev.Restarted(made.now, "boot"))
        state = made.router.state
        assert (state.halted, state.bands, state.venues["x"].closed_session) == ({}, {}, "")
        made.step(ev.IdsReserved(made.now, state.reserved_through + 1_000))
        made.step(ev.VenueOpened(made.now, "x", 1))
        quote(made)
        made.submit(quantity=500)
        assert {send.venue for send in made.sends()} == {"x"}

    def test_facts_that_do_not_name_the_session_are_of_the_order_session(self) -> None:
        """As journals of older versions have them."""
        codec = FactCodec(ev.FACTS)
        made = two_lit()
        old = {"at_ns": made.now, "venue": "x", "text": "news"}
        for name, fields in (
            ("SymbolStatusChanged", {"symbol": "ACME", "halted": True}),
            ("SessionStatusChanged", {"open": False}),
        ):
            made.step(codec.decode((name, msgspec.Raw(msgspec.msgpack.encode(old | fields)))))
        assert self.halted(made)
        assert made.router.state.venues["x"].closed_session
        made.step(ev.VenueClosed(made.now, "x", "cut"))
        assert not self.halted(made)
        assert not made.router.state.venues["x"].closed_session

    def test_what_is_as_usual_is_not_kept(self) -> None:
        made = two_lit()
        for on in (True, False):
            self.told(made, "x-md", on)
            made.step(ev.SessionStatusChanged(made.now, "x", not on, "", "x-md"))
        assert not made.router.state.venues["x"].told


class TestBands:
    """LULD: no order through a band."""

    def test_a_buy_stays_below_the_upper_one(self) -> None:
        made = two_lit()
        made.step(halt(made, "x", on=False, low_micros=px("49.00"), high_micros=px("50.02")))
        made.submit(quantity=500)
        assert not made.sends(), "the offer is above the band"
        made.quote("y", [("49.99", 300)], [("50.02", 300)])
        assert [send.limit_micros for send in made.sends()] == [px("50.02")]

    def test_a_sell_stays_above_the_lower_one(self) -> None:
        made = two_lit()
        made.step(halt(made, "x", on=False, low_micros=px("50.00"), high_micros=px("51.00")))
        made.submit(quantity=500, side=Side.SELL, limit_micros=px("49.00"))
        assert not made.sends()

    def test_resumption_lifts_them(self) -> None:
        made = two_lit()
        made.step(halt(made, "x", on=False, high_micros=px("50.02")))
        made.submit(quantity=500)
        made.step(halt(made, "x", on=False))
        assert made.sends()

    def test_a_band_is_no_reference(self) -> None:
        """decisions.md: no reference price, no order; the lower band is not the price of a sale."""
        made = Script(settings(dark("a"), strategy=HIDDEN))
        made.quote("a", [("49.99", 300)], [("50.05", 300)], symbol="NOREF")
        market: dict[str, Any] = {
            "ord_type": OrdType.MARKET,
            "limit_micros": None,
            "symbol": "NOREF",
        }
        made.submit(quantity=900, side=Side.SELL, **market)
        assert len(made.sends()) == 1
        made.quote("a", [], [], symbol="NOREF")
        bands = ev.SymbolStatusChanged(
            made.now, "a", "NOREF", False, "bands", px("10.00"), px("90.00")
        )
        made.step(bands)
        made.end(made.sends()[0].child_id)
        made.wait(60 * SECOND)
        assert len(made.sends()) == 1


class TestSessions:
    def test_a_closed_session_gets_no_order_until_it_opens(self) -> None:
        made = two_lit()
        out = made.step(ev.SessionStatusChanged(made.now, "x", False, "closed"))
        assert made.alarms(out) == ["venue-session-closed"]
        made.submit(quantity=1_000)
        assert {send.venue for send in made.sends()} == {"y"}
        made.step(ev.SessionStatusChanged(made.now, "x", True, "open"))
        made.wait(SECOND)
        assert "x" in {send.venue for send in made.sends()}


class TestQuarantine:
    def test_the_operator_takes_a_venue_out_and_lets_it_in(self) -> None:
        made = two_lit()
        made.step(ev.VenueQuarantined(made.now, "x", True, "strange prices"))
        made.submit(quantity=1_000)
        assert {send.venue for send in made.sends()} == {"y"}
        made.step(ev.VenueQuarantined(made.now, "x", False, "they mended it"))
        made.wait(SECOND)
        assert "x" in {send.venue for send in made.sends()}


class TestImpossibleExecutions:
    """F22: the wrong side, more than was ordered, beyond the limit."""

    def test_beyond_the_limit_is_booked_denied_and_quarantined(self) -> None:
        made = two_lit()
        made.submit(quantity=600)
        send = made.sends()[0]
        out = made.fill(send.child_id, 100, "50.50")
        denial = made.of(DenyExecution, out)[0]
        assert (denial.reason, denial.exec_id) == (DenyReason.PRICE, "T1")
        assert made.alarms(out) == ["execution-denied", "venue-quarantined"]
        assert made.reports(out)[0].last_price_micros == px("50.50"), "reported truly"
        assert not made.router.state.venues[send.venue].is_routable
        made.fold()

    def test_what_is_open_at_a_venue_in_quarantine_is_pulled(self) -> None:
        strategy = StrategySettings("d", use_lit=False, dark_quantity=500, dark_box_ns=60 * SECOND)
        made = Script(settings(dark("a"), strategy=strategy))
        made.submit(quantity=500)
        made.accept(made.sends()[0].child_id)
        made.fill(made.sends()[0].child_id, 100, "50.50")
        assert len(made.cancels()) == 1

    def test_more_than_was_ordered(self) -> None:
        made = two_lit()
        made.submit(quantity=600)
        send = made.sends()[0]
        out = made.fill(send.child_id, send.quantity + 50)
        assert [each.reason for each in made.of(DenyExecution, out)] == [DenyReason.QUANTITY]
        assert {"over-fill", "execution-denied", "venue-quarantined"} <= set(made.alarms(out))
        assert made.reports(out)[0].last_quantity == send.quantity + 50

    def test_an_order_that_was_filled_as_it_should_be_is_over(self) -> None:
        made = two_lit()
        made.submit(quantity=600)
        send = made.sends()[0]
        made.fill(send.child_id, send.quantity + 50)
        made.answer(send.child_id, known=True, live=False, cum=send.quantity, how=ChildState.FILLED)
        assert made.router.state.children[send.child_id].flight is None
        assert "executed-less-than-booked" in made.alarms()

    def test_an_order_that_lives_on_behind_an_over_fill_is_pulled(self) -> None:
        made = two_lit()
        made.submit(quantity=600)
        send = made.sends()[0]
        made.fill(send.child_id, send.quantity + 50)
        assert made.asks(), "more than all of it: who knows whether it is over"
        made.answer(send.child_id, known=True, live=True, cum=50)
        assert send.child_id in [each.child_id for each in made.cancels()]
        assert "executed-less-than-booked" in made.alarms()
        made.end(send.child_id, ChildState.CANCELED, 50)
        assert made.router.state.children[send.child_id].flight is None

    def test_the_wrong_side_is_not_booked_and_its_total_decides(self) -> None:
        made = two_lit()
        parent_id = made.submit(quantity=600)
        send = made.sends()[0]
        fact = made.fill_fact(send.child_id, 100, side=Side.SELL)
        out = made.step(fact)
        assert [each.reason for each in made.of(DenyExecution, out)] == [DenyReason.WRONG_SIDE]
        parent = made.router.state.parents[parent_id]
        assert (parent.cum_quantity, parent.exposure) == (0, 600)
        assert made.asks(out), "what the order has executed is asked for"
        assert made.step(fact) == [], "the same report again"
        made.answer(send.child_id, known=True, live=False, cum=100, how=ChildState.CANCELED)
        assert parent.cum_quantity == 100
        assert made.reports()[-1].exec_id.startswith("Y") or "unreported-fill" in made.alarms()

    def test_a_fee_that_nobody_announced_is_booked_and_told(self) -> None:
        made = two_lit()
        made.submit(quantity=600)
        send = made.sends()[0]
        fact = made.fill_fact(send.child_id, 100, fee_micros=900, fee_surprise_micros=600)
        out = made.step(fact)
        assert made.alarms(out) == ["fee-surprise"]
        assert made.reports(out)[0].fee_micros == 900


class TestStuckCancels:
    """F8: 39=6 and nothing more."""

    def test_asked_ever_more_slowly_and_alarmed(self) -> None:
        strategy = StrategySettings("d", use_lit=False, dark_quantity=500, dark_box_ns=60 * SECOND)
        made = Script(settings(dark("a"), strategy=strategy))
        made.submit(quantity=500)
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        made.cancel()
        asked = 0
        for _ in range(600):
            made.wait(SECOND)
            if len(made.asks()) > asked:
                asked = len(made.asks())
                ask = made.asks()[-1]
                made.step(
                    ev.ChildStatusReported(
                        made.now, "a", child_id, ask.request_id, True, True, cancel_pending=True
                    )
                )
        assert {"cancel-stuck", "request-overdue"} <= set(made.alarms())
        assert made.alarms().count("request-overdue") == 1
        assert asked <= 5 + 600 // 64 + 1
        assert len(made.cancels()) == 1
        assert len(made.sends()) == 1, "its shares go nowhere else"


class TestDayOrders:
    """They expire at the close (decisions.md)."""

    def resting(self) -> Script:
        strategy = StrategySettings("d", use_lit=False, dark_quantity=500, dark_box_ns=600 * SECOND)
        made = Script(settings(dark("a"), strategy=strategy))
        made.submit(quantity=500, expires_ns=made.now + 60 * SECOND)
        made.accept(made.sends()[0].child_id)
        return made

    def test_children_are_pulled_and_then_it_expires(self) -> None:
        made = self.resting()
        made.wait(59 * SECOND)
        assert not made.cancels()
        made.wait(2 * SECOND)
        assert not made.cancels(), "the venue may have ended it itself: it is asked first"
        made.answer(made.sends()[0].child_id)
        assert len(made.cancels()) == 1
        assert "expired" not in made.kinds(), "a child may still fill"
        made.fill(made.sends()[0].child_id, 100)
        made.end(made.sends()[0].child_id)
        report = made.reports()[-1]
        assert (report.kind.value, report.state, report.cum_quantity) == ("expired", "expired", 100)
        assert report.leaves_quantity == 0
        made.fold()

    def test_a_request_that_is_pending_then_comes_too_late(self) -> None:
        made = self.resting()
        made.wait(59 * SECOND)
        made.replace(quantity=400)
        made.wait(2 * SECOND)
        made.end(made.sends()[0].child_id)
        assert made.kinds()[-2:] == ["replace-refused", "expired"]

    def test_one_that_comes_behind_the_close_is_refused(self) -> None:
        made = Script(settings(dark("a")))
        made.submit(expires_ns=made.now - SECOND)
        report = made.reports()[-1]
        assert (report.kind.value, report.reason.value) == ("rejected", "exchange-closed")

    def test_a_restart_does_not_forget_it(self) -> None:
        made = self.resting()
        made.router = Router(made.settings, made.router.state)
        made.settle()
        made.wait(61 * SECOND)
        assert len(made.asks()) == 1
        made.answer(made.sends()[0].child_id)
        assert len(made.cancels()) == 1
