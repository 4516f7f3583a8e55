"""The completion report as people and programs see it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sor_gateway.sor.events import FillRevised
from sor_gateway.sor.types import Side
from sor_gateway.tca.measures import Report, measure
from sor_gateway.tca.report import as_json, money, render, wave_table
from tests.projection.helpers import Desk
from tests.tca.test_measures import sold


def text_of(tmp_path: Path, side: Side = Side.SELL) -> str:
    console = Console(width=200, file=StringIO(), record=True)
    console.print(render(sold(tmp_path, side)))
    return console.export_text()


def test_people_see_price_fees_rebates_and_shortfall(tmp_path: Path) -> None:
    text = text_of(tmp_path)
    assert "900 of 1,000" in text
    assert "50.01" in text
    assert "0.30 USD net: 0.90 paid, 0.60 rebates" in text
    assert "-4.50 USD, -1.00 bps against the arrival midpoint" in text
    assert "-4.20 USD, -0.93 bps" in text


def test_people_see_each_venue_and_each_wave(tmp_path: Path) -> None:
    text = text_of(tmp_path)
    [dark] = [line for line in text.splitlines() if "dark-a" in line and "midpoint" not in line][:1]
    for figure in ("800", "600", "75.0 %", "60.0 %"):
        assert figure in dark
    assert "By wave" in text


def surprised(tmp_path: Path) -> Report:
    """300 shares at the schedule's fee, 600 for 0.25 more than the schedule says."""
    desk = Desk(tmp_path)
    desk.turn(desk.submit(), desk.accept(), desk.plan("C1", 300), desk.plan("C2", 600, "dark-a"))
    dear = desk.fill(600, 600, "E2", child_id="C2", venue="dark-a", fee=1_150_000)
    desk.turn(desk.fill(300, 300, "E1", fee=900_000), replace(dear, fee_surprise_micros=250_000))
    desk.refresh()
    found = measure(desk.database, "P1")
    assert found is not None
    return found


def test_fees_that_nobody_announced_have_a_table(tmp_path: Path) -> None:
    console = Console(width=80, file=StringIO(), record=True)
    console.print(render(surprised(tmp_path)))
    text = console.export_text()
    assert "0.25 not announced" in " ".join(text.split())
    rows = [line.split() for line in text[text.index("nobody announced") :].splitlines()]
    assert ["dark-a", "1", "of", "1", "1.15", "0.90", "0.25"] in rows
    assert ["total", "1", "of", "2", "2.05", "1.80", "0.25"] in rows


def test_without_them_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert "announced" not in text_of(tmp_path)


def test_programs_get_them_by_venue(tmp_path: Path) -> None:
    data = as_json(surprised(tmp_path))
    assert (data["fee_surprises"], data["fee_surprises_micros"]) == (1, 250_000)
    of = {line["venue"]: line["fee_surprises_micros"] for line in data["venues"]}
    assert of == {"ecn": 0, "dark-a": 250_000}


def test_a_correction_brings_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.turn(desk.submit(), desk.accept(), desk.plan("C1", 300))
    desk.turn(replace(desk.fill(300, 300, "E1", fee=950_000), fee_surprise_micros=50_000))
    for own, quantity, surprise in (("B1", 300, 20_000), ("B2", 0, 0)):
        fact = FillRevised(desk.now, "ecn", "C1", own, "E1", quantity, 50_000_000, quantity, 0)
        desk.turn(replace(fact, fee_micros=900_000, fee_surprise_micros=surprise))
        desk.refresh()
        found = measure(desk.database, "P1")
        assert found is not None
        assert found.totals.surprises_micros == surprise


def test_of_many_waves_the_hidden_ones_are_told(tmp_path: Path) -> None:
    found = sold(tmp_path)
    hidden = replace(found.waves[0], tactic="dark")
    sprayed = [replace(found.waves[1], wave=n, tactic="spray") for n in range(2, 50)]
    found.waves = [hidden, *sprayed]
    console = Console(width=80, file=StringIO(), record=True)
    console.print(wave_table(found.waves))
    text = " ".join(console.export_text().split())
    assert "1 hidden ones of 49" in text
    assert "600 / 800" in text
    assert "300 / 300" not in text


def test_a_wave_is_a_row_and_a_venue_a_column(tmp_path: Path) -> None:
    console = Console(width=80, file=StringIO(), record=True)
    console.print(wave_table(sold(tmp_path).waves))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["wave", "at", "s", "tactic", "dark-a", "ecn"] in rows
    assert ["2", "0.00", "sweep", "300", "/", "300"] in rows


def test_programs_get_exact_figures(tmp_path: Path) -> None:
    data = json.loads(json.dumps(as_json(sold(tmp_path))))
    assert data["filled"] == 900
    assert data["arrival_mid_micros"] == 50_005_000
    assert data["shortfall"] == {"micros": -4_500_000, "bps": "-1.00"}
    assert data["all_in"] == {"micros": -4_200_000, "bps": "-0.93"}
    assert [venue["venue"] for venue in data["venues"]] == ["dark-a", "ecn"]
    assert [wave["filled"] for wave in data["waves"]] == [600, 300]


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0.00"), (-1, "-0.000001"), (1_234_567_800_000, "1,234,567.80"), (155_950_000, "155.95")],
)
def test_money_shows_every_micro_and_no_idle_zeros(micros: int, text: str) -> None:
    assert money(micros) == text
