"""Seven venues on the in-memory desk: the whole way of an order from FIX to FIX, with venues and
market data missing, several clients and symbols, and a crash while orders are displayed."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.desk import Desk
from tests.daemon.trader import fills, is_fill, reports
from tests.daemon.venue import Manners, Quotes, Venue

ROOT = Path(__file__).parents[2]
DARK = ("dark-a", "dark-b", "dark-c")
LIT = ("ecn", "inverted", "exchange", "exchange-iex")
DATA = tuple(f"{name}-md" for name in LIT)
MS = 1_000_000


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


class Floor:
    """A desk with all seven venues; some of them, or their data, may never be connected."""

    def __init__(
        self, configuration: Configuration, *, without: tuple[str, ...] = (), trades: float = 0.2
    ) -> None:
        self.venues = {name: Venue(0, Random(index)) for index, name in enumerate(DARK + LIT)}
        for venue in self.venues.values():
            venue.manners = Manners(trades=trades)
        self.desk = Desk(configuration, {**self.venues, **{name: Quotes() for name in DATA}})
        names = [*DARK, *LIT, *DATA, "EMS", "EMS42"]
        self.desk.connect(*(name for name in names if name not in without))
        self.desk.run(30)

    def order(
        self, cl_ord_id: str, quantity: int, strategy: str, client: str = "EMS", tif: str = "0"
    ) -> None:
        names = (7847, 7848) if client == "EMS42" else (847, 848)
        body = [(11, cl_ord_id), (21, "1"), (55, "ACME"), (54, "2"), (38, str(quantity))]
        body += [(40, "2"), (44, "49"), (59, tif), (60, utc_timestamp(self.desk.now))]
        body += [(names[0], "1000"), (names[1], strategy)]
        self.desk.peers[client].send("D", body, self.desk.now)

    def run(self, seconds: float, step_ms: int = 50) -> None:
        for _ in range(round(seconds * 1_000 / step_ms)):
            self.desk.run(1, step_ms * MS)
            self.check_shown()

    def check_shown(self) -> None:
        """No venue displays more than a clip of a parent, by the venue's own books."""
        children = self.desk.engine.router.state.children
        for name in LIT:
            shown: dict[str, int] = {}
            for order in self.venues[name].orders.values():
                if order.live and not order.is_ioc:
                    parent_id = children[order.cl_ord_id].parent_id
                    shown[parent_id] = shown.get(parent_id, 0) + order.leaves
            assert max(shown.values(), default=0) <= 500, (name, shown)

    def status(self, cl_ord_id: str, client: str = "EMS") -> Message:
        """The last report about an order."""
        about = [each for each in reports(self.desk.peers[client]) if each.get(11) == cl_ord_id]
        return about[-1]

    def executed(self, *names: str) -> int:
        return sum(shares for name in names for _, _, shares in self.venues[name].executions)

    def live(self, *names: str) -> int:
        return sum(order.live for name in names for order in self.venues[name].orders.values())


def told(floor: Floor, client: str = "EMS") -> int:
    return sum(int(each[32]) for each in fills(floor.desk.peers[client]).values())


class TestSevenVenues:
    def test_hidden_first_then_displayed_and_every_share_is_told(
        self, configuration: Configuration
    ) -> None:
        floor = Floor(configuration)
        floor.order("A1", 30_000, "minimal-impact")
        floor.run(1)
        assert floor.executed(*LIT) == 0
        assert all(floor.venues[name].orders for name in DARK)
        for name in DARK:
            floor.venues[name].manners = Manners()
        floor.run(60)
        assert floor.status("A1")[39] == "2"
        assert told(floor) == 30_000 == floor.executed(*DARK, *LIT)
        assert all(floor.executed(name) for name in LIT)
        displayed = [order for name in LIT for order in floor.venues[name].orders.values()]
        assert not any(order.is_ioc for order in displayed), "it never takes"
        floor.desk.assert_fold_is_live()

    def test_the_balanced_preset_loses_patience_and_takes(
        self, configuration: Configuration
    ) -> None:
        floor = Floor(configuration, trades=0.0)
        floor.order("A1", 3_000, "balanced")
        for name in LIT:
            floor.venues[name].fill = 0
        floor.run(3.5)
        assert floor.live(*LIT) > 0
        for name in LIT:
            floor.venues[name].fill = 10**9
        floor.run(21)  # its patience
        assert floor.status("A1")[39] == "2"
        assert floor.live(*LIT) == floor.live(*DARK) == 0

    @pytest.mark.parametrize("strategy", ["urgent", "lit-sweep"])
    def test_presets_that_take_at_once(self, configuration: Configuration, strategy: str) -> None:
        floor = Floor(configuration)
        for name in LIT:
            floor.venues[name].fill = 10**9
        floor.order("A1", 3_000, strategy)
        floor.run(3)
        assert floor.status("A1")[39] == "2"
        assert (floor.executed(*DARK) > 0) == (strategy == "urgent")

    def test_a_preset_refuses_what_is_too_much_for_it(self, configuration: Configuration) -> None:
        floor = Floor(configuration)
        floor.order("A1", 150_001, "urgent")
        floor.run(0.2)
        assert floor.status("A1")[39] == "8"
        assert "at most 150000, 5.0% of the average daily volume" in floor.status("A1")[58]


class TestSharing:
    def test_two_clients_several_orders_one_floor(self, configuration: Configuration) -> None:
        floor = Floor(configuration)
        strategies = ("minimal-impact", "balanced", "urgent", "lit-sweep", "dark-only")
        for name in LIT:
            floor.venues[name].fill = 400
        for number in range(10):
            client = ("EMS", "EMS42")[number % 2]
            floor.order(f"{client}-{number}", 2_000, strategies[number % 5], client)
        floor.run(60)
        for number in range(10):
            client = ("EMS", "EMS42")[number % 2]
            assert floor.status(f"{client}-{number}", client)[39] == "2", number
        assert told(floor, "EMS") == told(floor, "EMS42") == 10_000
        assert floor.executed(*DARK, *LIT) == 20_000
        floor.desk.assert_fold_is_live()


class TestOneVenueDownFromTheStart:
    @pytest.mark.parametrize("down", ["dark-a", "exchange"])
    def test_the_others_do_the_work(self, configuration: Configuration, down: str) -> None:
        floor = Floor(configuration, without=(down, f"{down}-md"))
        floor.order("A1", 10_000, "minimal-impact")
        floor.run(60)
        assert floor.status("A1")[39] == "2"
        assert floor.executed(down) == 0

    def test_it_joins_when_it_comes(self, configuration: Configuration) -> None:
        floor = Floor(configuration, without=("ecn", "ecn-md", *DARK), trades=0.02)
        floor.order("A1", 30_000, "minimal-impact")
        floor.run(5)
        assert not floor.venues["ecn"].orders
        floor.desk.connect("ecn", "ecn-md")
        floor.run(3)
        assert floor.venues["ecn"].orders


class TestAllDarkDown:
    def test_lit_opens_at_once(self, configuration: Configuration) -> None:
        floor = Floor(configuration, without=DARK)
        floor.order("A1", 5_000, "minimal-impact")
        floor.run(0.2)
        assert floor.live(*LIT) + sum(bool(floor.executed(name)) for name in LIT) >= 4
        floor.run(30)
        assert floor.status("A1")[39] == "2"


class TestMarketDataStale:
    def test_nothing_leaves_without_a_market_and_it_begins_with_one(
        self, configuration: Configuration
    ) -> None:
        floor = Floor(configuration, without=DATA)
        floor.order("A1", 5_000, "minimal-impact")
        floor.order("NOW", 5_000, "urgent", tif="3")
        floor.run(10)
        assert floor.status("A1")[39] == "0"
        assert floor.status("NOW")[39] == "4"
        assert floor.status("NOW")[58] == "IOC remainder: no fresh market"
        assert not any(venue.orders for venue in floor.venues.values())
        floor.desk.connect(*DATA)
        floor.run(60)
        assert floor.status("A1")[39] == "2"

    def test_displayed_orders_come_back_when_the_data_goes(
        self, configuration: Configuration
    ) -> None:
        floor = Floor(configuration, without=DARK, trades=0.0)
        floor.order("A1", 30_000, "minimal-impact")
        floor.run(2)
        assert floor.live(*LIT) == 4
        floor.desk.cut(*DATA)
        floor.run(1)
        assert floor.live(*LIT) == 0
        floor.run(5)
        assert floor.live(*LIT) == 0
        assert floor.status("A1")[39] == "0"
        floor.desk.connect(*DATA)
        floor.run(2)
        assert floor.live(*LIT) == 4

    def test_one_venues_data_is_that_venues_trouble(self, configuration: Configuration) -> None:
        floor = Floor(configuration, without=DARK, trades=0.0)
        floor.order("A1", 30_000, "minimal-impact")
        floor.run(2)
        floor.desk.cut("ecn-md")
        floor.run(2)
        assert floor.live("ecn") == 0
        assert floor.live(*LIT) == 3


class TestCrash:
    @pytest.mark.parametrize("seed", range(4))
    def test_with_orders_displayed(self, configuration: Configuration, seed: int) -> None:
        dice = Random(seed)
        floor = Floor(configuration, trades=0.05)
        floor.order("A1", 20_000, "minimal-impact")
        for _ in range(4):
            floor.run(dice.uniform(2, 8))
            floor.desk.crash(lambda length: dice.randint(0, length))
            floor.desk.connect()
        for venue in floor.venues.values():
            venue.manners = Manners(trades=0.5)
        floor.run(40)
        assert floor.status("A1")[39] == "2", seed
        assert told(floor) == 20_000 == floor.executed(*DARK, *LIT)
        ids = [each[17] for each in reports(floor.desk.peers["EMS"]) if is_fill(each)]
        flagged = [
            each[17]
            for each in reports(floor.desk.peers["EMS"])
            if is_fill(each) and (each.get(43) == "Y" or each.get(97) == "Y")
        ]
        assert len(ids) - len(set(ids)) <= len(flagged)
        floor.desk.assert_fold_is_live()
