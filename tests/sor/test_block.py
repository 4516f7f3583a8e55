"""The reference scenario (brief.md; venues.md 5) against a model of its buyers: its figures have to
come out of the rules, in market seconds on one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor.commands import CancelChild, SendChild
from sor_gateway.sor.settings import LitTactic, Sizing, StrategySettings
from sor_gateway.sor.types import NANOS_PER_SECOND, ChildState, ParentState, Side

from .script import SECOND, Script, dark, lit, px, settings

LIT = ("ecn", "inverted", "exchange", "iex")
BLOCK = StrategySettings(
    "block",
    sizing=Sizing.PLAYBOOK,
    dark_first_box_ns=115 * SECOND,
    dark_box_ns=40 * SECOND,
    dark_dry_share=0.4,
    lit_tactic=LitTactic.SPRAY,
    lit_wave_ns=2 * SECOND,
)
LIT_FLOW = 40
"""Shares a second that come to each displayed order."""


@dataclass
class Buyer:
    """A latent parent of venues.md 5.1 at one dark venue."""

    slices: list[tuple[int, int]]
    reserve: int
    show0: int
    met_ns: int = 0
    """When our first order came."""
    is_met: bool = False
    left: int = 0
    shows: int = 0
    refills_ns: int = 0

    def open(self) -> None:
        self.is_met, self.left, self.refills_ns = True, self.reserve, 0

    def wants(self, now: int) -> int:
        """What it takes of a resting order now."""
        if not self.is_met:
            due = [shares for at, shares in self.slices if now >= self.met_ns + at * SECOND]
            self.slices = self.slices[len(due) :]
            return sum(due)
        if not self.shows and self.left and now >= self.refills_ns:
            wanted = 100 * round(self.show0 * (self.left / self.reserve) ** 0.7 / 100)
            self.shows = min(self.left, max(300, wanted))
        return self.shows

    def take(self, shares: int, now: int) -> None:
        if self.is_met:
            self.left -= shares
            self.shows -= shares
            if not self.shows:
                self.refills_ns = now + 40 * SECOND


@dataclass
class Market:
    """The script, and everybody at the venues."""

    made: Script
    buyers: dict[str, Buyer]
    resting: dict[str, SendChild] = field(default_factory=dict)
    seen: int = 0
    most_shown: int = 0
    firsts: dict[str, str] = field(default_factory=dict)

    def second(self) -> None:
        """A second passes: quotes, what we sent arrives, buyers come."""
        made = self.made
        for venue in LIT:
            made.router.market.update(
                venue, "ACME", [(px("50.00"), 800)], [(px("50.02"), 800)], made.now
            )
        made.router.quoted("ACME")
        made.wait(SECOND)
        for _ in range(3):
            self.deliver()
            self.most_shown = max(self.most_shown, self.shown())
            for child_id, send in list(self.resting.items()):
                self.trade(child_id, send)

    def deliver(self) -> None:
        new, self.seen = self.made.out[self.seen :], len(self.made.out)
        for command in new:
            if isinstance(command, SendChild):
                self.resting[command.child_id] = command
                buyer = self.buyers.get(command.venue)
                if buyer and command.venue not in self.firsts:
                    self.firsts[command.venue] = command.child_id
                    buyer.met_ns = self.made.now
                self.made.accept(command.child_id)
            elif isinstance(command, CancelChild) and command.child_id in self.resting:
                self.gone(command.child_id)
                self.made.end(command.child_id)

    def trade(self, child_id: str, send: SendChild) -> None:
        buyer, left = self.buyers.get(send.venue), self.left(child_id)
        wants = buyer.wants(self.made.now) if buyer else 0
        if send.venue in LIT:
            wants = LIT_FLOW // 3
        shares = min(wants, left)
        if not shares:
            return
        if buyer:
            buyer.take(shares, self.made.now)
        if shares == left:
            self.gone(child_id)
        self.made.fill(child_id, shares, "50.01" if buyer else "50.02")

    def gone(self, child_id: str) -> None:
        del self.resting[child_id]
        for venue, first in self.firsts.items():
            if first == child_id:
                self.buyers[venue].open()

    def left(self, child_id: str) -> int:
        child = self.made.router.state.children[child_id]
        return child.quantity - child.cum_quantity

    def shown(self) -> int:
        by_venue: dict[str, int] = {}
        for child_id, send in self.resting.items():
            if send.venue in LIT:
                by_venue[send.venue] = by_venue.get(send.venue, 0) + self.left(child_id)
        assert sum(by_venue.values()) <= 2_000
        return max(by_venue.values(), default=0)


@pytest.fixture(scope="module")
def block() -> Market:
    """The whole scenario, played to its end."""
    venues = [dark(name) for name in ("a", "b", "c")] + [lit(name) for name in LIT]
    made = Script(replace(settings(*venues, strategy=BLOCK), answer_timeout_ns=2 * SECOND))
    buyers = {
        "a": Buyer([(8, 1_500), (35, 1_200), (70, 800), (105, 500)], 68_700, 9_500),
        "b": Buyer([], 0, 0),
        "c": Buyer([(12, 900), (50, 900), (95, 700)], 44_400, 6_500),
    }
    market = Market(made, buyers)
    market.made.router.market.update(
        "ecn", "ACME", [(px("50.00"), 8)], [(px("50.02"), 8)], made.now
    )
    parent_id = made.submit(quantity=300_000, side=Side.SELL, limit_micros=px("49.00"))
    for _ in range(3_000):
        market.second()
        if made.router.state.parents[parent_id].is_over:
            return market
    raise AssertionError("the block is not done in 50 minutes of market time")


def children(block: Market) -> Iterator[tuple[de.ChildPlanned, int]]:
    for decision in block.made.decisions:
        if isinstance(decision, de.ChildPlanned):
            yield decision, block.made.router.state.children[decision.child_id].cum_quantity


def wave(block: Market, number: int) -> dict[str, tuple[int, int]]:
    return {
        planned.venue: (planned.quantity, filled)
        for planned, filled in children(block)
        if planned.wave == number
    }


class TestBlock:
    """Sell 300,000 with a large buyer at A and at C, and none at B."""

    def test_the_first_wave(self, block: Market) -> None:
        assert wave(block, 1) == {"a": (5_000, 4_000), "b": (5_000, 0), "c": (5_000, 2_500)}

    def test_the_second_wave_goes_where_it_filled(self, block: Market) -> None:
        assert {venue: sent for venue, (sent, _) in wave(block, 2).items()} == {
            "a": 10_000,
            "c": 7_500,
        }

    def test_sizes_hold_from_then_on(self, block: Market) -> None:
        sent = {(each.venue, each.quantity) for each, _ in children(block) if each.tactic == "dark"}
        assert sent == {("a", 5_000), ("b", 5_000), ("c", 5_000), ("a", 10_000), ("c", 7_500)}

    def test_dark_is_worked_until_it_is_dry(self, block: Market) -> None:
        filled: dict[str, int] = {}
        for planned, quantity in children(block):
            if planned.tactic == "dark":
                filled[planned.venue] = filled.get(planned.venue, 0) + quantity
        assert filled == {"a": 72_700, "b": 0, "c": 46_900}
        assert sum(filled.values()) == 119_600

    def test_lit_opens_when_a_wave_filled_less_than_two_fifths(self, block: Market) -> None:
        decisions = block.made.decisions
        (moved,) = (each for each in decisions if isinstance(each, de.StageMoved))
        last = max(
            planned.wave
            for planned, _ in children(block)
            if planned.tactic == "dark" and planned.at_ns < moved.at_ns
        )
        for number in range(1, last + 1):
            sent = sum(quantity for quantity, _ in wave(block, number).values())
            filled = sum(quantity for _, quantity in wave(block, number).values())
            assert (filled >= 0.4 * sent) == (number < last)

    def test_what_is_left_is_sprayed_passively(self, block: Market) -> None:
        shown = [(each, filled) for each, filled in children(block) if each.tactic != "dark"]
        assert sum(filled for _, filled in shown) == 180_400
        assert {each.tactic for each, _ in shown} == {"spray"}
        assert {each.limit_micros for each, _ in shown} == {px("50.02")}
        assert {each.venue for each, _ in shown} == set(LIT)

    def test_never_more_than_500_are_shown_on_a_venue(self, block: Market) -> None:
        assert block.most_shown == 500

    def test_it_is_done_and_each_child_is_over(self, block: Market) -> None:
        (parent,) = block.made.router.state.parents.values()
        assert (parent.state, parent.cum_quantity) == (ParentState.FILLED, 300_000)
        ends = {child.state for child in block.made.router.state.children.values()}
        assert ends == {ChildState.FILLED, ChildState.CANCELED}

    def test_b_gets_nothing_after_its_first_order_and_the_others_go_when_dry(
        self, block: Market
    ) -> None:
        drops = [each for each in block.made.decisions if isinstance(each, de.VenueDropped)]
        first, *others = ((drop.venue, drop.why) for drop in drops)
        assert first == ("b", "no fill of 5000 in wave 1")
        assert set(others) == {
            ("a", "no fill in 2 waves in a row"),
            ("c", "no fill in 2 waves in a row"),
        }

    def test_dark_waves_are_40_seconds_apart(self, block: Market) -> None:
        waves = [
            each.at_ns
            for each in block.made.decisions
            if isinstance(each, de.WaveStarted) and each.stage.value == "dark"
        ]
        gaps = [(later - earlier) / NANOS_PER_SECOND for earlier, later in pairwise(waves)]
        assert 115 <= gaps[0] <= 118
        assert all(40 <= gap <= 43 for gap in gaps[1:])
        assert (waves[-1] - waves[0]) < 20 * 60 * SECOND
