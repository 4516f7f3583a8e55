"""The metrics of a desk in memory, read as Prometheus reads them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.operations import EngineOperations
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.ops.metrics import Exposition
from tests.daemon.desk import Desk, Peer
from tests.daemon.venue import Quotes, Venue

Behaviour = Callable[[Peer, Message, int], None]
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Scrape:
    """One answer of /metrics."""

    text: str
    families: dict[str, Metric]

    def value(self, name: str, **labels: str) -> float:
        """One sample. Raises KeyError when it is not there."""
        for family in self.families.values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise KeyError(f"{name} {labels}")

    def names(self) -> set[str]:
        """All names of samples."""
        return {sample.name for each in self.families.values() for sample in each.samples}


def shipped() -> Configuration:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    return load(ROOT / "config", environ)


def new_desk(venue: Venue, name: str = "exchange") -> Desk:
    """A desk with one venue that is not ignored, its market data, and an EMS."""
    configuration = shipped()
    behaviours: dict[str, Behaviour] = {name: venue, f"{name}-md": Quotes()}
    desk = Desk(configuration, behaviours)
    desk.connect("EMS", *behaviours)
    desk.run(20)
    return desk


def submit(desk: Desk, cl_ord_id: str, quantity: int, limit: str = "49") -> None:
    """The EMS sells ACME, on the lit venues at once."""
    body = [(11, cl_ord_id), (21, "1"), (55, "ACME"), (54, "2"), (38, str(quantity)), (40, "2")]
    body += [(44, limit), (60, utc_timestamp(desk.now)), (847, "1000"), (848, "lit-sweep")]
    desk.peers["EMS"].send("D", body, desk.now)


def scrape(desk: Desk) -> Scrape:
    operations = EngineOperations(
        desk.engine, desk.configuration, desk.journal.counters, lambda: desk.now, dict
    )
    return read(Exposition(operations.metrics).text().decode())


def read(text: str) -> Scrape:
    return Scrape(text, {each.name: each for each in text_string_to_metric_families(text)})
