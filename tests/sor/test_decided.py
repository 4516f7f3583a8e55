"""Decisions applied: what is asserted at commitment (recovery.md 3.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor.settings import StrategySettings
from sor_gateway.sor.types import ParentState, Stage

from .script import SECOND, Script, dark, lit, px, settings

LIT_ONLY = StrategySettings("lit-only", use_dark=False)


def working(quantity: int = 1_000) -> Script:
    """An order for 1,000 of which 300 are on their way."""
    made = Script(settings(lit("x"), dark("a", enabled=False), strategy=LIT_ONLY))
    made.quote("x", [("50.00", 300)], [("50.05", 300)])
    made.submit(quantity=quantity)
    return made


def planned(made: Script) -> de.ChildPlanned:
    """One more child, as a decision with the next id."""
    last = [d for d in made.decisions if isinstance(d, de.ChildPlanned)][-1]
    number = made.router.state.ids.orders + 1
    return replace(last, child_id=f"C{number:09d}", at_ns=made.now)


class TestCommitment:
    """No child leaves unless cum + exposure + new <= quantity."""

    def test_up_to_the_quantity(self) -> None:
        made = working()
        made.apply(replace(planned(made), quantity=700))
        (parent,) = made.router.state.parents.values()
        assert parent.available == 0

    def test_one_share_more_is_a_bug(self) -> None:
        made = working()
        with pytest.raises(AssertionError, match="exceed 1000"):
            made.apply(replace(planned(made), quantity=701))

    def test_no_shares_is_a_bug(self) -> None:
        made = working()
        with pytest.raises(AssertionError):
            made.apply(replace(planned(made), quantity=0))

    def test_a_closed_venue_is_a_bug(self) -> None:
        made = working()
        with pytest.raises(AssertionError, match="closed"):
            made.apply(replace(planned(made), venue="nowhere"))

    def test_a_pending_cancel_lets_nothing_out(self) -> None:
        made = working()
        made.cancel()
        with pytest.raises(AssertionError, match="pending-cancel"):
            made.apply(planned(made))

    def test_an_id_out_of_order_is_a_bug(self) -> None:
        made = working()
        with pytest.raises(AssertionError, match="not the next id"):
            made.apply(replace(planned(made), child_id="C000000999"))

    def test_an_id_beyond_the_reserve_is_a_bug(self) -> None:
        made = working()
        made.router.state.ids.reserved_through = made.router.state.ids.orders
        with pytest.raises(AssertionError, match="beyond the reserved"):
            made.apply(planned(made))

    def test_canceled_with_an_open_child_is_a_bug(self) -> None:
        made = working()
        made.cancel()
        (parent_id,) = made.router.state.parents
        with pytest.raises(AssertionError, match="open children"):
            made.apply(de.ParentClosed(made.now, parent_id, ParentState.CANCELED, ""))

    def test_a_release_without_doubt_is_a_bug(self) -> None:
        made = working()
        with pytest.raises(AssertionError):
            made.apply(de.ChildReleased(made.now, made.sends()[0].child_id, "x"))

    def test_a_wave_out_of_order_is_a_bug(self) -> None:
        made = working()
        (parent_id,) = made.router.state.parents
        with pytest.raises(AssertionError):
            made.apply(de.WaveStarted(made.now, parent_id, 9, Stage.LIT))


class TestExpiry:
    """A parent may end as expired."""

    def test_expired(self) -> None:
        made = working()
        made.end(made.sends()[0].child_id)
        (parent_id,) = made.router.state.parents
        out = made.step(de.ParentClosed(made.now, parent_id, ParentState.EXPIRED, "end of day"))
        (report,) = made.reports(out)
        assert (report.kind.value, report.state, report.text) == (
            "expired",
            ParentState.EXPIRED,
            "end of day",
        )


class TestRepetition:
    """What has to be repeated often is an incident."""

    def test_a_cancel_that_never_works(self) -> None:
        made = Script(
            settings(dark("a", has_status=False), strategy=StrategySettings("d", use_lit=False))
        )
        made.submit()
        made.accept(made.sends()[0].child_id)
        made.cancel()
        out = made.wait(20 * SECOND)
        # At 0, then after 2, 4 and 8 seconds more: a venue without status gets the cancel again.
        assert len(made.cancels()) == 4
        assert made.alarms(out) == ["request-overdue", "cancel-repeated"]

    def test_the_cancel_names_the_venues_own_id(self) -> None:
        made = Script(settings(dark("a"), strategy=StrategySettings("d", use_lit=False)))
        made.submit()
        child_id = made.sends()[0].child_id
        made.accept(child_id)
        (cancel,) = made.cancels(made.cancel())
        assert (cancel.venue_order_id, cancel.quantity) == (f"V{child_id}", 1_000)
        assert cancel.cancel_id.startswith("X")


class TestAttribution:
    """Commands carry what a venue needs and no more."""

    def test_a_child_order(self) -> None:
        made = working()
        (send,) = made.sends()
        assert (send.symbol, send.side.value, send.limit_micros) == ("ACME", "buy", px("50.05"))
