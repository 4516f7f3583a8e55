"""How fast 500 displayed at the national best offer sell, again and again, on each lit venue of a
scenario: shares in a market second (venues.md 5.2). Drives the venue machines in memory.

    python -m tests.venue_sims.passive_speed [--scenario block] [--scale 120] [--market-s 1800]
        [--seeds 1,2,3] [--step-ms 25]

A new order follows each full fill; one that is no longer at the best offer is cancelled and follows
it, as a router does that looks every `step-ms` of wall time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from tests.venue_sims.helpers import CONFIG, SECOND, SOR, START, Desk, make_venue, terms
from venue_sims.commands import CancelReceived, OrderReceived
from venue_sims.config import MarketSettings, load_market, load_venue
from venue_sims.matching.orders import Manner
from venue_sims.words import Capacity, ReportKind, State

LIT = ("ecn", "inverted", "exchange", "exchange-iex")
CLIP = 500
SYMBOL = "ACME"


@dataclass(slots=True)
class Spray:
    """One clip at one venue."""

    desk: Desk
    count: int = 0
    live: str = ""
    price: int = 0
    pulling: bool = False
    filled: int = 0

    def step(self, offer: int, step_ns: int) -> None:
        """Live through one step, then see to it that a clip stands at the offer."""
        for report in self.desk.settle(step_ns / SECOND):
            if report.kind is ReportKind.TRADE:
                self.filled += report.last_quantity
            ended = report.state in (State.FILLED, State.CANCELED, State.REJECTED)
            if ended and report.kind is not ReportKind.CANCEL_REFUSED:
                self.live, self.pulling = "", False
        if not self.live:
            self.count += 1
            self.live, self.price = f"C{self.count}", offer
            order = terms(self.live, Capacity.SELL, CLIP, offer)
            order.manner = Manner.POST_ONLY
            self.desk.send(OrderReceived(SOR, self.desk.now, order))
        elif self.price != offer and not self.pulling:
            self.pulling = True
            self.desk.send(CancelReceived(SOR, self.desk.now, f"X{self.count}", self.live))


def measure(
    scenario: Path, market: MarketSettings, market_s: int, step_ns: int
) -> dict[str, float]:
    """Shares in a market second by venue."""
    sprays = {
        name: Spray(Desk(make_venue(load_venue(scenario / f"{name}.toml"), market))) for name in LIT
    }
    wall_ns = market_s * SECOND * 1_000 // market.scale_milli
    for now in range(START, START + wall_ns, step_ns):
        floor = sprays["ecn"].desk.venue.floors[SYMBOL]
        clock = sprays["ecn"].desk.venue.clock
        offer = floor.nbbo(clock.market(now)).ask
        for spray in sprays.values():
            spray.step(offer, step_ns)
    return {name: spray.filled / market_s for name, spray in sprays.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="block")
    parser.add_argument("--scale", type=int, default=120)
    parser.add_argument("--market-s", type=int, default=1_800)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--step-ms", type=int, default=25)
    parser.add_argument("--intensity", type=float, default=0.0)
    options = parser.parse_args()
    scenario = CONFIG / "scenarios" / options.scenario
    own = scenario / "market.toml"
    for seed in options.seeds.split(","):
        market = load_market(own if own.exists() else CONFIG / "market.toml")
        market.seed, market.scale_milli = int(seed), options.scale * 1_000
        market.t0_ns = START - 60 * SECOND  # as a desk of processes starts its market
        for symbol in market.symbols:
            symbol.takers.intensity = options.intensity or symbol.takers.intensity
        began = time.process_time()
        speeds = measure(scenario, market, options.market_s, options.step_ms * 1_000_000)
        spent = time.process_time() - began
        total = sum(speeds.values())
        figures = ", ".join(f"{name} {speed:.1f}" for name, speed in speeds.items())
        print(f"seed {seed}: {figures}; together {total:.1f} shares a market second")
        print(
            f"  180,400 shares: {180_400 / total:,.0f} market seconds,"
            f" {180_400 / total / options.scale:.0f} wall seconds at scale {options.scale};"
            f" CPU {spent:.1f} s for {options.market_s / options.scale:.0f} s of wall time"
        )


if __name__ == "__main__":
    main()
