"""Change one fee or one latency in the configuration: the score and the children change.

From the files to the venues' lines: the folder that is shipped, with a second lit venue beside the
exchange that shows the same quotes.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from sor_gateway.config import load
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.sor.decisions import ChildPlanned
from tests.daemon.desk import Desk
from tests.daemon.venue import Quotes, Venue

ROOT = Path(__file__).parents[2]
VENUES = ("dark-a", "exchange", "twin")


@dataclass(slots=True)
class Outcome:
    sent: dict[str, int]
    """Shares sent to each venue, as the venues saw them."""
    first: ChildPlanned


def trade(tmp_path: Path, strategy: str, environ: dict[str, str]) -> Outcome:
    """Sell 500 with two lit venues that differ in nothing but what the test changes."""
    folder = tmp_path / "config"
    if not folder.exists():
        shutil.copytree(ROOT / "config", folder)
        for extra in (folder / "venues").glob("*.toml"):
            if extra.stem not in VENUES:
                extra.unlink()
        exchange = (folder / "venues" / "exchange.toml").read_text()
        twin = exchange.replace('"XLIT"', '"XTWN"').replace('"EXCH"', '"TWIN"')
        (folder / "venues" / "twin.toml").write_text(twin.replace("port = 9906", "port = 9916"))
    configuration = load(folder, environ)
    venues = {name: Venue() for name in VENUES}
    desk = Desk(configuration, {**venues, "exchange-md": Quotes(), "twin-md": Quotes()})
    planned: list[ChildPlanned] = []
    handle = desk.engine.router.handle

    def watch(fact):  # type: ignore[no-untyped-def]
        if isinstance(fact, ChildPlanned):
            planned.append(fact)
        return handle(fact)

    desk.engine.router.handle = watch  # type: ignore[method-assign]
    desk.connect(*VENUES, "exchange-md", "twin-md", "EMS")
    desk.run(20)
    body = [(11, "A1"), (21, "1"), (55, "ACME"), (54, "2"), (38, "500"), (40, "2"), (44, "49")]
    body += [(59, "3"), (60, utc_timestamp(desk.now)), (847, "1000"), (848, strategy)]
    desk.peers["EMS"].send("D", body, desk.now)
    desk.run(30)
    return Outcome(
        {name: sum(order.quantity for order in venues[name].orders.values()) for name in VENUES},
        planned[0],
    )


def test_a_take_fee_decides_between_two_venues_at_one_price(tmp_path: Path) -> None:
    dear = trade(tmp_path, "lit-sweep", {"SOR__VENUES__EXCHANGE__TAKE_FEE": "0.0029"})
    cheap = trade(tmp_path, "lit-sweep", {"SOR__VENUES__EXCHANGE__TAKE_FEE": "0.0010"})
    assert dear.sent == {"dark-a": 0, "exchange": 0, "twin": 500}
    assert cheap.sent == {"dark-a": 0, "exchange": 500, "twin": 0}
    assert cheap.first.cost_micros < dear.first.cost_micros
    assert cheap.first.display_score > dear.first.display_score


def test_a_latency_decides_between_two_venues_at_one_price(tmp_path: Path) -> None:
    slow = trade(tmp_path, "lit-sweep", {"SOR__VENUES__EXCHANGE__LATENCY_PRIOR_US": "2500"})
    fast = trade(tmp_path, "lit-sweep", {"SOR__VENUES__EXCHANGE__LATENCY_PRIOR_US": "25"})
    assert slow.sent == {"dark-a": 0, "exchange": 0, "twin": 500}
    assert fast.sent == {"dark-a": 0, "exchange": 500, "twin": 0}
    assert fast.first.cost_micros < slow.first.cost_micros


def test_a_midpoint_fee_changes_the_score_of_the_dark_child(tmp_path: Path) -> None:
    free = trade(tmp_path, "balanced", {"SOR__VENUES__DARK_A__MID_FEE": "0"})
    dear = trade(tmp_path, "balanced", {"SOR__VENUES__DARK_A__MID_FEE": "0.0030"})
    assert free.first.venue == dear.first.venue == "dark-a"
    rate = 0.65  # fill_rate_prior of the shipped dark-a.toml
    assert dear.first.cost_micros - free.first.cost_micros == pytest.approx(3_000 * rate, abs=1)
