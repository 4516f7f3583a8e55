"""Informed takers and pingers: resting in the wrong place, and showing oneself, cost something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venue_sims.helpers import BLOCK, CONFIG, make_venue, market, venue_file
from venue_sims.config import ConfigError, load_market, load_venue
from venue_sims.flow.flows import Enter
from venue_sims.flow.informed import Informed, InformedSettings
from venue_sims.flow.market_path import MarketPath, PathSettings, QuoterSettings
from venue_sims.flow.pingers import Pingers, PingerSettings
from venue_sims.flow.streams import Stream
from venue_sims.flow.visitors import Visitors, VisitorSettings
from venue_sims.matching.events import Traded
from venue_sims.matching.orders import Lifetime, Order, Side
from venue_sims.state import VenueState

SECOND = 1_000_000_000
QUOTERS = [QuoterSettings("XECN"), QuoterSettings("XLIT", 0.2)]
RATE = 0.3


def path(seed: int = 3) -> MarketPath:
    return MarketPath(seed, PathSettings("ACME", 50_000_000), QUOTERS)


def informed(share: float = 1.0, horizon: int = 100, start: int = 0) -> Informed:
    settings = InformedSettings(share, horizon)
    flow = Informed(Stream(3, "informed"), settings, RATE, path(), "XLIT")
    flow.start(start)
    return flow


def run(flow: Informed | Pingers | Visitors, until: int) -> list[tuple[int, Order]]:
    found = []
    while (at := flow.next_ns()) is not None and at < until:
        found += [(at, action.order) for action in flow.run(at) if isinstance(action, Enter)]
    return found


class TestInformed:
    def test_each_takes_what_is_about_to_be_wrong(self) -> None:
        market_path, taken = path(), run(informed(), 3_600 * SECOND)
        assert len(taken) > 20
        for at, order in taken:
            slot = market_path.slot(at)
            later = market_path.nbbo(slot + 100)
            shown = market_path.quote("XLIT", slot)
            assert order.price == (shown.ask if order.side is Side.BUY else shown.bid)
            gain = (later.bid + later.ask) / 2 - order.price
            assert gain * (1 if order.side is Side.BUY else -1) > 0

    def test_more_of_them_and_who_see_further_take_more(self) -> None:
        until = 3_600 * SECOND
        some, all_of_them = run(informed(0.2), until), run(informed(1.0), until)
        assert len(some) < len(all_of_them)
        assert len(run(informed(1.0, 10), until)) < len(all_of_them)
        assert not run(informed(0.0), until)

    def test_a_restart_repeats_no_id(self) -> None:
        first = {order.order_id for _, order in run(informed(), 600 * SECOND)}
        again = {order.order_id for _, order in run(informed(start=600 * SECOND), 1_200 * SECOND)}
        assert first
        assert again
        assert not first & again

    def test_who_rests_at_a_venue_loses_more_with_them(self) -> None:
        """What the house's shares are worth ten seconds behind each trade, against what it got."""
        markouts = {share: _markout(share) for share in (0.0, 1.0)}
        assert markouts[1.0] < markouts[0.0] - 1_000


def _markout(share: float) -> float:
    """Micros a share of the house of a lit venue, over an hour."""
    settings = market()
    settings.symbols = settings.symbols[:1]
    settings.symbols[0].informed = InformedSettings(share)
    venue = make_venue(venue_file("exchange"), settings)
    floor = venue.floors["ACME"]
    floor.start(0)
    gained = shares = 0.0
    while (at := floor.next_ns()) is not None and at < 3_600 * SECOND:
        for event in floor.run(at):
            if isinstance(event, Traded):
                later = floor.path.nbbo(floor.path.slot(at) + 100)
                bought = event.price < floor.nbbo(at).ask
                worth = (later.bid + later.ask) / 2 - event.price
                gained += event.quantity * (worth if bought else -worth)
                shares += event.quantity
    assert shares > 20_000
    return gained / shares


class TestPingers:
    def parts(self, **more: float) -> tuple[Pingers, Visitors, list[tuple[Side, int, int]]]:
        visitors = Visitors(Stream(4, "visitors"), VisitorSettings(rate=2.0, life_s=1.0))
        visitors.start(0)
        told: list[tuple[Side, int, int]] = []
        settings = PingerSettings(rate=0.5, ahead=500)
        for name, value in more.items():
            setattr(settings, name, value)
        pingers = Pingers(
            Stream(4, "pingers"), settings, visitors, lambda *trade: told.append(trade)
        )
        pingers.start(0)
        return pingers, visitors, told

    def test_they_probe_both_sides_with_small_orders_that_do_not_stay(self) -> None:
        pingers, _, told = self.parts()
        probes = run(pingers, 600 * SECOND)
        assert len(probes) == pytest.approx(300, rel=0.2)
        assert {order.quantity for _, order in probes} == {100}
        assert {order.side for _, order in probes} == set(Side)
        assert not told
        pingers.start(600 * SECOND)
        at = pingers.next_ns()
        assert at is not None
        (action,) = pingers.run(at)
        assert isinstance(action, Enter)
        assert action.lifetime is Lifetime.IOC
        assert action.order.order_id not in {order.order_id for _, order in probes}

    @pytest.mark.parametrize("turned", [1.0, 0.0])
    def test_a_fill_turns_the_flow_against_who_was_found(self, turned: float) -> None:
        pingers, visitors, told = self.parts(turned=turned, memory_s=60.0)
        at = pingers.next_ns()
        assert at is not None
        (probe,) = pingers.run(at)
        assert isinstance(probe, Enter)
        pingers.traded(probe.order.order_id, 100, 0, at)
        found = probe.order.side.opposite
        assert told == [(found, 500, at)]
        meanwhile = [order.side for when, order in run(visitors, at + 60 * SECOND) if when > at]
        afterwards = [order.side for _, order in run(visitors, at + 120 * SECOND)]
        assert (set(meanwhile) == {found}) is (turned == 1.0)
        assert set(afterwards) == set(Side)

    def test_leaning_shifts_nobody_elses_draws(self) -> None:
        leaned, straight = self.parts()[1], self.parts()[1]
        leaned.lean(Side.BUY, 30 * SECOND, 1.0)
        there, here = run(leaned, 90 * SECOND), run(straight, 90 * SECOND)
        assert [(at, o.order_id, o.quantity) for at, o in there] == [
            (at, o.order_id, o.quantity) for at, o in here
        ]
        assert [o.side for _, o in there] != [o.side for _, o in here]

    def test_who_rests_in_the_dark_trades_less_with_them(self) -> None:
        filled = {rate: _filled(rate) for rate in (0.0, 0.2)}
        assert filled[0.2] < 0.8 * filled[0.0]


def _filled(rate: float) -> int:
    """What visitors of a dark venue trade with a large order of a client in an hour."""
    settings = market()
    settings.symbols = settings.symbols[:1]
    file = venue_file("dark-a", quiet=True)
    file.visitors = VisitorSettings(rate=0.5)
    file.pingers = PingerSettings(rate, turned=0.9, memory_s=60.0)
    floor = make_venue(file, settings, VenueState(file.mic)).floors["ACME"]
    floor.start(0)
    floor.enter(Order("client", Side.SELL, 1_000_000, displayed=False), Lifetime.DAY, 0)
    traded = 0
    while (at := floor.next_ns()) is not None and at < 3_600 * SECOND:
        for event in floor.run(at):
            pinged = isinstance(event, Traded) and event.incoming_id.startswith("pingers")
            if isinstance(event, Traded) and event.resting_id == "client" and not pinged:
                traded += event.quantity
    return traded


class TestFiles:
    def test_both_are_off_in_the_scenario(self) -> None:
        scenario = load_market(BLOCK / "market.toml")
        assert not any(symbol.informed.share for symbol in scenario.symbols)
        for file in BLOCK.glob("*.toml"):
            if file.stem not in ("market", "scenario"):
                assert not load_venue(file).pingers.rate

    def test_the_files_turn_them_on(self, tmp_path: Path) -> None:
        text = (CONFIG / "market.toml").read_text()
        text = text.replace("informed_share = 0.0 ", "informed_share = 0.1 ")
        file = tmp_path / "market.toml"
        file.write_text(text.replace("horizon_slots = 100 ", "horizon_slots = 50 "))
        loaded = load_market(file)
        assert loaded.symbols[0].informed == InformedSettings(0.1, 50)
        lit = make_venue(venue_file("ecn"), loaded)
        assert all("informed" in floor.flows for floor in lit.floors.values())
        dark = BLOCK / "dark-a.toml"
        pinged = tmp_path / "dark.toml"
        pinged.write_text(dark.read_text() + "[pingers]\nrate = 0.1\nahead = 200\n")
        assert load_venue(pinged).pingers == PingerSettings(0.1, ahead=200)
        assert "pingers" in make_venue(load_venue(pinged), loaded).floors["ACME"].flows
        pinged.write_text(dark.read_text() + "[pingers]\nrat = 0.1\n")
        with pytest.raises(ConfigError, match=r"pingers\.rat"):
            load_venue(pinged)
