"""The completion report as people and programs see it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sor_gateway.sor.types import Side
from sor_gateway.tca.report import as_json, money, render, wave_table
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
