"""The reference scenario: what its dark venues have to give, to the share (venues.md 5)."""

from __future__ import annotations

import random

import pytest

from tests.venue_sims.helpers import BLOCK, DEFAULT, SECOND, SOR, START, Desk, make_venue, terms
from venue_sims.commands import CancelReceived, OrderReceived
from venue_sims.config import load_market, load_venue
from venue_sims.matching.orders import Lifetime, Side
from venue_sims.recovery import encode_image, fact_codec, recover
from venue_sims.reports import Report
from venue_sims.state import VenueState
from venue_sims.words import Capacity, OrdType, ReportKind, State

SCALE = 60
DARK = ("dark-a", "dark-b", "dark-c")
LIT = ("ecn", "inverted", "exchange", "exchange-iex")
FIRST = {"dark-a": 4_000, "dark-b": 0, "dark-c": 2_500}
SECOND_WAVE = {"dark-a": 10_000, "dark-c": 7_500}
RESERVE = {"dark-a": 68_700, "dark-c": 44_400}


class Seller:
    """Sells at one venue and keeps count; times are market seconds."""

    def __init__(self, name: str, seed: int, start: int, state: VenueState | None = None) -> None:
        settings = load_market(BLOCK / "market.toml")
        settings.seed, settings.scale_milli = seed, SCALE * 1_000
        venue = make_venue(load_venue(BLOCK / f"{name}.toml"), settings, state)
        self.desk = Desk(venue, start)
        self.filled = 0
        self.count = 0

    def sell(self, quantity: int, *, min_qty: int = 0) -> str:
        self.count += 1
        order = terms(f"C{self.count}", Capacity.SELL, quantity, None)
        order.ord_type, order.min_qty = OrdType.MID_PEG, min_qty
        self.desk.send(OrderReceived(SOR, self.desk.now, order))
        return order.cl_ord_id

    def cancel(self, cl_ord_id: str) -> None:
        self.desk.send(CancelReceived(SOR, self.desk.now, f"X{cl_ord_id}", cl_ord_id))

    def wait(self, market_s: float) -> list[Report]:
        reports = self.desk.settle(market_s / SCALE)
        self.filled += sum(r.last_quantity for r in reports if r.kind is ReportKind.TRADE)
        return reports


def test_the_folder_is_the_default_set_with_its_own_flow() -> None:
    for name in (*DARK, *LIT):
        here, there = load_venue(BLOCK / f"{name}.toml"), load_venue(DEFAULT / f"{name}.toml")
        assert (here.fees, here.latency) == (there.fees, there.latency)
        assert (here.comp_id, here.mic, here.port, here.control) == (
            there.comp_id,
            there.mic,
            there.port,
            there.control,
        )
        assert not here.visitors.rate
        assert here.house.min_size == (500 if name in LIT else 0)


@pytest.fixture(params=[1, 42])
def start(request: pytest.FixtureRequest) -> int:
    """Any moment will do: all is anchored to the first contact."""
    return START + random.Random(request.param).randrange(10_000) * SECOND


@pytest.mark.parametrize("name", DARK)
def test_the_first_order_finds_its_slices_in_time(name: str, start: int) -> None:
    seller = Seller(name, 42, start)
    seller.wait(600)
    assert seller.filled == 0
    order = seller.sell(5_000, min_qty=500)
    seller.wait(60)
    assert seller.filled == {"dark-a": 2_700, "dark-b": 0, "dark-c": 1_800}[name]
    seller.wait(60)
    assert seller.filled == FIRST[name]
    seller.cancel(order)
    canceled = seller.wait(10)[-1]
    assert (canceled.kind, canceled.state) == (ReportKind.CANCELED, State.CANCELED)
    assert (canceled.cum_quantity, canceled.leaves) == (FIRST[name], 0)


@pytest.mark.parametrize("name", SECOND_WAVE)
def test_worked_until_dry_it_gives_exactly_its_reserve(name: str, start: int) -> None:
    seller = Seller(name, 42, start)
    order = seller.sell(5_000)
    seller.wait(115)
    fills: list[int] = []
    while len(fills) < 2 or fills[-2:] != [0, 0]:
        seller.cancel(order)
        before = seller.filled
        order = seller.sell(SECOND_WAVE[name])
        seller.wait(40)
        fills.append(seller.filled - before)
        assert len(fills) < 60, f"not dry: {fills}"
    assert fills[0] == {"dark-a": 9_500, "dark-c": 6_500}[name]
    assert fills == sorted(fills, reverse=True), "it declines, nobody scripts it"
    assert seller.filled == FIRST[name] + RESERVE[name]
    minutes = len([fill for fill in fills if fill]) * 40 / 60
    assert 10 < minutes < 17


def test_all_of_the_dark_is_119_600() -> None:
    assert sum(FIRST.values()) + sum(RESERVE.values()) == 119_600
    for name, reserve in RESERVE.items():
        (natural,) = load_venue(BLOCK / f"{name}.toml").latent
        assert (natural.reserve, sum(each.quantity for each in natural.opening)) == (
            reserve,
            FIRST[name],
        )


def test_who_buys_is_not_the_contact(start: int) -> None:
    seller = Seller("dark-a", 42, start)
    buy = terms("B1", Capacity.BUY, 5_000, None)
    buy.ord_type = OrdType.MID_PEG
    seller.desk.send(OrderReceived("OTHER", seller.desk.now, buy))
    seller.wait(120)
    seller.sell(6_000)
    seller.wait(1)
    assert seller.filled == 5_000, "the other client's shares, and no slice yet"
    seller.wait(9)
    assert seller.filled == 6_000


def test_an_order_that_ends_early_opens_the_reserve(start: int) -> None:
    seller = Seller("dark-c", 42, start)
    order = terms("I1", Capacity.SELL, 5_000, None)
    order.ord_type, order.lifetime = OrdType.MID_PEG, Lifetime.IOC
    seller.desk.send(OrderReceived(SOR, seller.desk.now, order))
    seller.wait(2)
    assert seller.filled == 0
    seller.sell(7_500)
    seller.wait(2)
    assert seller.filled == 6_500


@pytest.mark.parametrize(
    ("restart_s", "by_then", "soon"),
    [(40, 2_700, 4_000), (115, 4_000, 4_000), (150, 13_500, 14_000)],
)
def test_a_restart_goes_on_where_it_was(
    start: int, restart_s: int, by_then: int, soon: int
) -> None:
    """A parent that has opened shows itself at once: the last 500 of the second order trade."""
    seller = Seller("dark-a", 42, start)
    order = seller.sell(5_000)
    for market_s in range(restart_s):
        if market_s == 118:
            seller.cancel(order)
            order = seller.sell(10_000)
        seller.wait(1)
    assert seller.filled == by_then
    desk, codec = seller.desk, fact_codec()
    image = encode_image(desk.venue.state, 1, {}, codec)
    recovered = recover("DRKA", image, (), codec)
    again = Seller("dark-a", 42, desk.now, recovered.state)
    again.count, again.filled = seller.count, seller.filled
    again.wait(120 - restart_s if restart_s < 120 else 5)
    assert again.filled == soon
    for _ in range(40):
        again.cancel(order)
        order = again.sell(10_000)
        again.wait(40)
    assert again.filled == FIRST["dark-a"] + RESERVE["dark-a"]


@pytest.mark.parametrize("name", LIT)
def test_every_lit_level_takes_a_clip(name: str, start: int) -> None:
    seller = Seller(name, 42, start)
    matcher = seller.desk.venue.floors["ACME"].matcher
    for side in Side:
        assert all(shares >= 500 for _, shares, _ in matcher.depth(side, 10))
