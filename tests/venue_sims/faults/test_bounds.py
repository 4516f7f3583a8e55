"""Settings of faults: what is too large, too often, or about nobody, is refused when it is set."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

import pytest

from tests.venue_sims.faults.helpers import faulty, fills
from tests.venue_sims.helpers import make_venue, market, venue_file
from tests.venue_sims.wire import CENT
from venue_sims.config import ConfigError
from venue_sims.fault_config import FaultMistake, fault_settings
from venue_sims.faults.table import FAULTS
from venue_sims.faults.when import MOST, When

NUMBERS = [
    (name, field.name)
    for name, fault in FAULTS.items()
    for field in fields(fault.Settings)
    if get_type_hints(fault.Settings)[field.name] in (int, float)
]
TEXTS = [
    (name, field.name)
    for name, fault in FAULTS.items()
    for field in fields(fault.Settings)
    if get_type_hints(fault.Settings)[field.name] is str and field.name not in ("symbol", "session")
]


@pytest.mark.parametrize(("name", "key"), NUMBERS)
def test_no_number_is_beyond_what_the_journal_holds(name: str, key: str) -> None:
    for value in (10**30, -(10**30), float("inf"), float("nan"), "1e300"):
        with pytest.raises(FaultMistake, match=name):
            fault_settings(name, {key: value})


@pytest.mark.parametrize(("name", "key"), TEXTS)
def test_no_text_breaks_a_message(name: str, key: str) -> None:
    for value in ("a\x01150=F", "\u505c", "a\nb"):
        with pytest.raises(FaultMistake, match=rf"{name}\.{key}: expected printable"):
            fault_settings(name, {key: value})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"symbol": "ACMEE"}, "faults.dup_er.symbol: ACMEE is not among ACME, "),
        ({"session": "SO"}, "faults.dup_er.session: SO is not among SOR-FIX.4.4, "),
    ],
)
def test_a_fault_about_nobody_is_a_mistake(settings: dict[str, object], text: str) -> None:
    file = venue_file("exchange")
    file.faults = {"dup_er": fault_settings("dup_er", settings)}
    with pytest.raises(ConfigError, match=text):
        make_venue(file, market())


def test_a_client_is_not_another_whose_name_begins_so() -> None:
    fault = When(session="SOR")
    assert fault.means("SOR-FIX.4.4", "")
    assert fault.means("SOR", "")
    assert not fault.means("SOR-2-FIX.4.4", "")
    assert When(session="SOR-2").means("SOR-2-FIX.4.2", "")
    assert When(session="SOR-2-FIX.4.2").means("SOR-2-FIX.4.2", "")


def test_bands_are_never_without_width() -> None:
    wire = faulty({"luld": {"band_bps": 1, "at_s": 1}})
    wire.settle(2)
    bands = wire.desk.venue.state.bands["ACME"]
    assert bands.high - bands.low >= 2 * CENT
    assert bands.low % CENT == bands.high % CENT == 0


def test_the_largest_that_is_taken_is_carried_out() -> None:
    wire = faulty({"fee_surprise": {"micros": 1_000_000}, "correct": {"ticks": 1_000_000}})
    wire.order("C1", wire.ask)
    wire.settle(5)
    assert MOST == 1_000_000_000
    assert fills(wire.order("C2", wire.ask))
