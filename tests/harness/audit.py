"""What a run of the harness came to: the demo's own checks, and the ledger of the design.

Owns: turning journals in memory into the evidence that `make demo` audits, and the checks that need
a harness: what was cancelled, when, what fees came to, what the market saw.
May not know: how the run was made. Every figure comes from what the three sides wrote down.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sor_gateway.demo.audit import Check, Evidence, run_checks, venue_totals
from sor_gateway.demo.venue_record import VenueRecord, fold
from sor_gateway.journal.memory import MemoryJournal, MemoryStorage
from sor_gateway.journal.segments import Journal
from sor_gateway.projection import queries
from sor_gateway.projection.follower import refresh
from sor_gateway.stack import Account, Totals, client_totals
from sor_gateway.tca import measures
from tests.harness.desk import Desk

FIRST_WAVE_MARKET_S: Final = 120
"""Venues.md 5.3: by then the first hidden orders are over."""


@dataclass(slots=True)
class Audit:
    """The evidence of one run and what it shows."""

    evidence: Evidence
    report: measures.Report
    checks: list[Check]

    @property
    def good(self) -> bool:
        """Whether every check holds."""
        return all(check.good for check in self.checks)


def audit(desk: Desk, cl_ord_id: str, folder: Path) -> Audit:
    """The demo's evidence and checks; the gateway's journal and projection go into `folder`."""
    database = project(desk.gateway.storage, folder)
    report = measures.measure(database, cl_ord_id)
    assert report is not None, "the gateway's journal does not have the order"
    records = {name: record_of(desk, name) for name in desk.venues}
    lit = [name for name, venue in desk.venues.items() if not venue.server.venue.kind.dark]
    dark = [name for name in desk.venues if name not in lit]
    evidence = Evidence(
        desk.ems.order(cl_ord_id),
        desk.ems.ledger,
        accounts(desk, database, records),
        records,
        queries.children(database, report.order.parent_id),
        dark,
        lit,
    )
    checks = [*run_checks(desk.scenario, evidence), _fold_is_live(desk)]
    return Audit(evidence, report, checks)


def block_checks(desk: Desk, found: Audit, cancelled: Mapping[str, int]) -> list[Check]:
    """The ledger of venues.md 5.3 beyond the scenario's own expectations. `cancelled`: what each
    dark venue gives back of its first order."""
    evidence = found.evidence
    first = dict(evidence.waves[0]) if evidence.waves else {}
    lit_shares = sum(_shares(evidence, venue) for venue in evidence.lit)
    expected_lit = desk.scenario.quantity - (desk.scenario.expect.dark_total or 0)
    fees = sum(_fees(evidence, venue) for venue in evidence.dark)
    due = sum(
        _shares(evidence, venue) * desk.venues[venue].file.fees.mid for venue in evidence.dark
    )
    end = found.report.order.submitted_ns + desk.market_s(FIRST_WAVE_MARKET_S)
    late = sum(order.ended_ns > end for order in first.values())
    given_back = {venue: order.quantity - order.filled for venue, order in first.items()}
    return [
        _same("dark wave 1 given back", dict(cancelled), given_back),
        _same("dark wave 1 orders over after 120 market s", 0, late),
        _same("orders to dark-b in all", 1, len(evidence.records["dark-b"].orders)),
        _same("filled on lit venues", expected_lit, lit_shares),
        _same("dark fees, micros", due, fees),
    ]


def project(storage: MemoryStorage, folder: Path) -> Path:
    """The gateway's journal on a disk and its database, made by the program's own follower."""
    folder.mkdir(parents=True, exist_ok=True)
    source = MemoryJournal(storage, boot_id="audit")
    with closing(Journal.open(folder / "journal", boot_id="audit", reserve_bytes=0)) as journal:
        for record in source.records():
            journal.append(record)
    database = folder / "gateway.db"
    refresh(folder / "journal", database)
    return database


def record_of(desk: Desk, name: str) -> VenueRecord:
    """A venue's journal as its auditor reads it."""
    venue = desk.venues[name]
    journal = MemoryJournal(venue.storage, boot_id="audit")
    facts = (
        (fact, msgspec.msgpack.decode(body))
        for record in journal.records()
        for fact, body in record.facts
    )
    return fold(facts, lit=not venue.server.venue.kind.dark)


def accounts(desk: Desk, database: Path, records: Mapping[str, VenueRecord]) -> list[Account]:
    """What each of the three sides believes was traded at each venue."""
    at_gateway = {row.venue: row for row in queries.ledger(database).venues}
    at_client = client_totals(desk.ems.ledger)
    found = []
    for name, venue in desk.venues.items():
        account = Account(name, venue_totals(records[name]))
        if (row := at_gateway.get(name)) is not None:
            account.at_gateway = Totals(
                row.executions, row.shares, row.value_micros, row.fees_micros
            )
        account.at_client = at_client.pop(venue.file.mic, Totals())
        found.append(account)
    return [*found, *(Account(mic, at_client=totals) for mic, totals in at_client.items())]


def _fold_is_live(desk: Desk) -> Check:
    """A start now would find exactly the state that is."""
    recovered, _ = desk.gateway.folded()
    good = recovered.router.state == desk.gateway.parts.engine.router.state
    return Check("the journal's fold is the state", "equal", "equal" if good else "differs", good)


def _shares(evidence: Evidence, venue: str) -> int:
    return sum(each.quantity for each in evidence.records[venue].executions)


def _fees(evidence: Evidence, venue: str) -> int:
    return sum(each.fee_micros for each in evidence.records[venue].executions)


def _same(name: str, expected: object, found: object) -> Check:
    return Check(name, _text(expected), _text(found), expected == found)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{each:,}" for each in value.values())
    return f"{value:,}" if isinstance(value, int) else str(value)
