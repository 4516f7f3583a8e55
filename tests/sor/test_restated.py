"""What a venue changes in a live order by itself (FIX 150=D)."""

from __future__ import annotations

from typing import Any

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Output
from sor_gateway.sor.orders import Child, Parent
from sor_gateway.sor.settings import LitTactic, StrategySettings
from sor_gateway.sor.types import ChildState, ParentState, Side

from .script import MS, SECOND, Script, dark, lit, px, settings

DARK_ONLY = StrategySettings("d", use_lit=False, dark_quantity=600, dark_box_ns=60 * SECOND)
SHOWN = StrategySettings(
    "s", use_dark=False, lit_tactic=LitTactic.SPRAY, spray_clip=300, lit_wave_ns=50 * MS
)


class Restated(Script):
    """A parent of 1,000, half of it hidden at venue `a` and half at `b`."""

    def __init__(self) -> None:
        super().__init__(settings(dark("a"), dark("b"), strategy=DARK_ONLY))
        self.submit(quantity=1_000)
        (self.child_id,) = [send.child_id for send in self.sends() if send.venue == "a"]
        self.accept(self.child_id)

    @property
    def child(self) -> Child:
        return self.router.state.children[self.child_id]

    @property
    def parent(self) -> Parent:
        return self.router.state.parents[self.child.parent_id]

    def restate(self, cum: int, leaves: int, limit: int | None = None, **how: Any) -> list[Output]:
        fact = ev.ChildRestated(
            self.now, "a", self.child_id, cum, leaves, limit, "self-match", **how
        )
        return self.step(fact)


@pytest.fixture
def made() -> Restated:
    return Restated()


class TestQuantity:
    def test_shares_that_it_declines_are_sent_elsewhere(self, made: Restated) -> None:
        before = sum(send.quantity for send in made.sends())
        out = made.restate(0, 200)
        assert made.alarms(out)[0] == "child-restated"
        assert (made.child.quantity, made.child.leaves_quantity) == (200, 200)
        made.fill(made.child_id, 200)
        made.end(next(send.child_id for send in made.sends() if send.venue == "b"))
        made.wait(60 * SECOND)
        assert sum(send.quantity for send in made.sends()) > before
        made.fold()

    def test_the_order_is_over_once_the_rest_is_filled(self, made: Restated) -> None:
        made.restate(0, 200)
        made.fill(made.child_id, 200)
        assert (made.child.state, made.child.flight) == (ChildState.FILLED, None)

    def test_an_execution_that_was_not_told_shows_in_its_total(self, made: Restated) -> None:
        out = made.restate(100, 200, avg_price_micros=px("50.00"))
        assert "unreported-fill" in made.alarms(out)
        assert (made.child.cum_quantity, made.child.leaves_quantity) == (100, 200)
        assert made.parent.cum_value_micros == 100 * px("50.00")

    def test_more_than_was_ordered_is_counted_and_cannot_be(self, made: Restated) -> None:
        out = made.restate(0, 900)
        assert {"restated-beyond-order", "venue-quarantined"} <= set(made.alarms(out))
        assert made.child.leaves_quantity == 900
        assert made.child_id in [cancel.child_id for cancel in made.cancels()]
        children = made.router.state.children
        left = [children[child_id].leaves_quantity for child_id in made.parent.children]
        assert made.parent.exposure == sum(left)

    def test_of_an_older_state_it_is_doubted(self, made: Restated) -> None:
        """The fill came first, the venue had sent it last: its status tells what is open."""
        made.fill(made.child_id, 100)
        out = made.restate(0, 300)
        assert "contradicting-report" in made.alarms(out)
        assert made.child.quantity == 500
        ask = made.asks()[-1]
        made.step(
            ev.ChildStatusReported(
                made.now, "a", made.child_id, ask.request_id, True, True, 100, quantity=300
            )
        )
        assert (made.child.quantity, made.child.leaves_quantity) == (300, 200)
        assert made.child.flight is not None
        assert made.child.flight.doubt is None

    def test_one_that_was_over_is_open_again_in_doubt(self, made: Restated) -> None:
        made.end(made.child_id)
        out = made.restate(0, 300)
        assert "child-reopened" in made.alarms(out)
        assert made.child.leaves_quantity == 300
        assert made.asks()[-1].child_id == made.child_id

    def test_what_is_not_ours_is_alarmed(self, made: Restated) -> None:
        out = made.step(ev.ChildRestated(made.now, "a", "C9", 0, 100, None))
        assert made.alarms(out) == ["unknown-child"]

    def test_a_status_tells_what_a_lost_report_said(self, made: Restated) -> None:
        """Filled with 200 of 500 is no contradiction where the venue had the order for 200."""
        made.step(ev.ChildrenDoubted(made.now, "a", "gap", [made.child_id]))
        ask = made.asks()[-1]
        made.step(
            ev.ChildStatusReported(
                made.now,
                *("a", made.child_id, ask.request_id, True, False, 200, px("50.00")),
                how=ChildState.FILLED,
                quantity=200,
            )
        )
        assert (made.child.state, made.child.cum_quantity) == (ChildState.FILLED, 200)
        assert made.parent.state is ParentState.WORKING


class TestPrice:
    def shown(self) -> tuple[Script, str]:
        """A sell of 300 shown at 50.02, and the limit of the order at 50.00."""
        made = Script(settings(lit("x"), lit("y", enabled=False), strategy=SHOWN))
        made.quote("x", [("50.00", 300)], [("50.02", 300)])
        made.submit(quantity=300, side=Side.SELL, limit_micros=px("50.00"))
        (send,) = made.sends()
        made.accept(send.child_id)
        return made, send.child_id

    def restate(self, made: Script, child_id: str, price: str) -> list[Output]:
        return made.step(ev.ChildRestated(made.now, "x", child_id, 0, 300, px(price)))

    def test_where_the_venue_moved_it_is_where_it_is(self) -> None:
        made, child_id = self.shown()
        assert made.alarms(self.restate(made, child_id, "50.03")) == []
        child = made.router.state.children[child_id]
        assert child.works_at_micros == px("50.03")
        made.wait(100 * MS)
        made.quote("x", [("50.00", 300)], [("50.02", 400)])
        assert [cancel.child_id for cancel in made.cancels()] == [child_id]
        pulled = [each.why for each in made.decisions if isinstance(each, de.ChildCancelPlanned)]
        assert pulled == ["the touch moved to 50.02"]
        made.fold()

    def test_executions_at_its_limit_are_still_ours(self) -> None:
        made, child_id = self.shown()
        self.restate(made, child_id, "50.03")
        assert "execution-denied" not in made.alarms(made.fill(child_id, 100, "50.02"))

    def test_one_beyond_the_limit_cannot_be(self) -> None:
        made, child_id = self.shown()
        out = self.restate(made, child_id, "50.01")
        assert {"restated-beyond-order", "venue-quarantined"} <= set(made.alarms(out))
        assert made.cancels()
