"""Shared by the venue tests: small markets, venues under a hand-held clock, invariants."""

from __future__ import annotations

from pathlib import Path

from sor_gateway.fix.dialect import FIX44
from venue_sims.assembly import build_venue
from venue_sims.commands import Command, OrderReceived, Terms
from venue_sims.config import MarketSettings, VenueFile, load_market, load_venue
from venue_sims.flow.clock import MarketClock
from venue_sims.reports import Report
from venue_sims.state import VenueState
from venue_sims.translate import to_message
from venue_sims.venue import Venue
from venue_sims.words import Capacity, OrdType

CONFIG = Path(__file__).parents[2] / "config"
DEFAULT = CONFIG / "scenarios" / "default"
BLOCK = CONFIG / "scenarios" / "block"
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
SOR = "SOR-FIX.4.4"


def market(seed: int = 42, scale: int = 1) -> MarketSettings:
    settings = load_market(CONFIG / "market.toml")
    settings.seed = seed
    settings.scale_milli = scale * 1000
    return settings


def venue_file(name: str, *, quiet: bool = False) -> VenueFile:
    """A default venue; `quiet`: without any flow but the house, which does not fade."""
    file = load_venue(DEFAULT / f"{name}.toml")
    if quiet:
        file.takers = False
        file.visitors.rate = 0
        file.fade.p = 0
        file.latent = []
    return file


def make_venue(file: VenueFile, settings: MarketSettings, state: VenueState | None = None) -> Venue:
    assert settings.t0_ns is not None
    clock = MarketClock(settings.t0_ns, settings.scale_milli)
    return build_venue(file, settings, clock, state or VenueState(file.mic))


def terms(cl_ord_id: str, capacity: Capacity, quantity: int, price: int | None) -> Terms:
    ord_type = OrdType.MARKET if price is None else OrdType.LIMIT
    return Terms(cl_ord_id, "ACME", capacity, ord_type, quantity, price)


class Desk:
    """A venue under a hand-held clock, and what it reports, in order."""

    def __init__(self, venue: Venue, now: int = START) -> None:
        self.venue = venue
        self.now = now
        self.facts: list[object] = []
        self.left: list[tuple[str, int]] = []
        """Session and number of each report that left."""
        venue.start(now)
        venue.advance(now)
        self.facts += venue.take_facts()

    def send(self, command: Command) -> None:
        self.venue.receive(command, self.now)

    def order(self, order: Terms, *, poss_resend: bool = False) -> list[Report]:
        """Send an order and wait until all that follows from it at once is reported."""
        self.send(OrderReceived(SOR, self.now, order, poss_resend))
        return self.settle()

    def settle(self, seconds: float = 1.0) -> list[Report]:
        """Let time pass; the reports that leave meanwhile."""
        self.now += int(seconds * SECOND)
        self.venue.advance(self.now)
        reports: list[Report] = []
        while (report := self.venue.due_report(SOR, self.now)) is not None:
            for leaving in self.venue.leaving(report, SOR, self.now):
                reports.append(leaving.report)
                if leaving.own:
                    self.left.append((SOR, report.number))
                    self.venue.reported(SOR, report)
        self.facts += self.venue.take_facts()
        return reports


def fix_of(report: Report, mic: str = "XLIT") -> dict[int, str]:
    """A report as FIX 4.4 fields."""
    msg_type, body = to_message(report, FIX44, mic)
    return {35: msg_type, **dict(body)}
