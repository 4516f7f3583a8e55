"""Orders of one sweep that are to arrive together do, as the venues' own journals say."""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path
from random import Random

from sor_gateway.projection import queries
from tests.harness.audit import project, record_of
from tests.harness.desk import Desk
from tests.harness.loop import SECOND

ORDERS = 60
LEARNING = 5
"""The first orders measure how long the way to each venue is."""
TOGETHER = {"SOR__STRATEGIES__LIT_SWEEP__SWEEP_ALIGN_US": "10000"}


class Arrivals:
    """When children were accepted after the decision, in microseconds."""

    def __init__(self, seed: int, folder: Path, overrides: dict[str, str]) -> None:
        folder.mkdir()
        desk = Desk("block", seed, overrides=overrides, symbols=["ACME"])
        names = sweep(desk, Random(seed))
        database = project(desk.gateway.storage, folder)
        accepted_ns = {
            order.cl_ord_id: order.accepted_ns
            for name in desk.venues
            for order in record_of(desk, name).orders.values()
        }
        self.by_venue: dict[str, list[float]] = defaultdict(list)
        self.by_wave: dict[tuple[str, int], list[float]] = defaultdict(list)
        for name in names[LEARNING:]:
            order = queries.order(database, name)
            assert order is not None
            for child in queries.children(database, order.parent_id):
                took_us = (accepted_ns[child.child_id] - child.planned_ns) / 1_000
                self.by_venue[child.venue].append(took_us)
                self.by_wave[name, child.wave].append(took_us)

    @property
    def between_venues_us(self) -> float:
        """From the nearest venue to the furthest, each as it usually is."""
        usual = [statistics.median(times) for times in self.by_venue.values()]
        return max(usual) - min(usual)

    @property
    def in_a_wave_us(self) -> float:
        """From the first to the last of one sweep, in the median."""
        spans = [max(times) - min(times) for times in self.by_wave.values() if len(times) > 1]
        return statistics.median(spans)


def sweep(desk: Desk, random: Random) -> list[str]:
    """Orders that take what is displayed, one after the other; their ClOrdIDs."""
    desk.become_ready()
    terms = {"strategy": "lit-sweep", "ord_type": "market", "price": None, "time_in_force": "ioc"}
    names = []
    for _ in range(ORDERS):
        names.append(desk.submit(**terms, quantity=random.randrange(3_000, 9_000, 100)))
        desk.trade(names[-1])
        desk.run_until(desk.now + SECOND)
    return names


def test_they_arrive_together_where_that_is_asked_for(tmp_path: Path) -> None:
    """One order's way is as long as it happens to be: what can be done is that no venue is usually
    the last. Shown with -s."""
    seed = Random().randrange(10**6)
    plain = Arrivals(seed, tmp_path / "plain", {})
    together = Arrivals(seed, tmp_path / "together", TOGETHER)
    for words, each in (("plain", plain), ("together", together)):
        spans = f"{each.between_venues_us:,.0f} us between venues, {each.in_a_wave_us:,.0f} in one"
        print(f"seed {seed}, {words}: {spans}")
    assert len(plain.by_venue) > 2 < len(together.by_venue), f"seed {seed}"
    assert 2 * together.between_venues_us < plain.between_venues_us, f"seed {seed}"
