"""The report on the simulated market: its estimators, its bands, its page."""

from __future__ import annotations

import random
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final

import numpy as np
import pytest

from benchmarks.venues_facts import (
    LAGS,
    SIZES,
    WATCHED_S,
    WORKED_S,
    Day,
    Impact,
    autocorrelation,
    excess_kurtosis,
    metaorders,
    power_law,
    sign_acf,
)
from benchmarks.venues_page import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, page
from benchmarks.venues_report import Fact, facts_of
from tests.venue_sims.helpers import market


def sane_day(seed: int) -> Day:
    """A day as venues.md 2.2 would have it."""
    draws = np.random.default_rng(seed)
    volatility = np.exp(0.8 * np.repeat(draws.standard_normal(39), 10))
    returns = volatility * draws.standard_t(4, 390) / 10_000
    peaks = [0.69 * 200 * size**0.5 for size in SIZES]
    minutes = (WORKED_S + WATCHED_S) // 60 + 1
    raw = Impact([peak * 0.7 for peak in peaks], peaks, [0.8 * peaks[3]] * minutes)
    half = [peak * 0.34 / 0.69 for peak in peaks]
    lags = np.arange(1, LAGS[1] + 1)
    return Day(
        seed=seed,
        middles=[50.0] * 391,
        returns=returns.tolist(),
        sign_acf=[1.0, *(0.2 * lags**-0.6).tolist()],
        takers=14_000,
        widths=[0.0, 0.15, 0.84, 0.01],
        at_best=[0.0, 0.12, 0.28, 0.36, 0.24],
        broken=0,
        cancels=2_000,
        trades=150,
        raw=raw,
        corrected=Impact(half, half, [half[3]] * minutes),
    )


STICKY: Final = [1.0, *(0.2 * np.arange(1, LAGS[1] + 1) ** -0.2).tolist()]
"""The memory of signs that forget too slowly."""


class TestEstimators:
    @pytest.mark.parametrize("exponent", [0.3, 0.6, 0.9])
    def test_a_power_law_is_found_again(self, exponent: float) -> None:
        acf = np.array([1.0, *(0.2 * np.arange(1, LAGS[1] + 1) ** -exponent)])
        found, factor = power_law(acf)
        assert found == pytest.approx(exponent, abs=0.02)
        assert factor == pytest.approx(0.2, rel=0.05)

    def test_autocorrelation_of_a_known_process(self) -> None:
        draws = np.random.default_rng(7)
        values = [0.0]
        for shock in draws.standard_normal(50_000):
            values.append(0.7 * values[-1] + shock)
        acf = autocorrelation(np.array(values), 3)
        assert acf.tolist() == pytest.approx([1.0, 0.7, 0.49, 0.343], abs=0.02)

    def test_signs_of_several_symbols_count_by_their_takers(self) -> None:
        draws = np.random.default_rng(9)
        noise = draws.choice([-1.0, 1.0], 30_000)
        steady = np.repeat(draws.choice([-1.0, 1.0], 10), 1_000)
        alone, both = sign_acf([steady]), sign_acf([steady, noise])
        assert alone[1] > 0.99
        assert both[1] == pytest.approx(0.25, abs=0.02)

    def test_kurtosis_of_known_laws(self) -> None:
        draws = np.random.default_rng(8)
        assert excess_kurtosis(draws.standard_normal(200_000)) == pytest.approx(0, abs=0.1)
        assert excess_kurtosis(draws.laplace(size=200_000)) == pytest.approx(3, abs=0.3)

    def test_metaorders_on_the_real_market(self) -> None:
        seed = random.randrange(1_000)
        settings = market(seed)
        raw, corrected = metaorders(settings, 0.69), metaorders(settings, 0.34)
        assert 0.4 < raw.exponent < 0.6, f"seed {seed}"
        assert raw.prefactor == pytest.approx(0.69, abs=0.06), f"seed {seed}"
        assert corrected.prefactor == pytest.approx(0.34, abs=0.06), f"seed {seed}"
        assert 0.5 < raw.kept < 0.95, f"seed {seed}"
        assert len(raw.course) == (WORKED_S + WATCHED_S) // 60 + 1


class TestVerdict:
    def facts(self, *days: Day) -> dict[str, Fact]:
        return {fact.name: fact for fact in facts_of(days)}

    def test_a_sane_market_holds(self) -> None:
        days = [sane_day(seed) for seed in range(5)]
        assert [fact.name for fact in facts_of(days) if not fact.holds] == []

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"sign_acf": STICKY}, "exponent of the signs' autocorrelation, lags 10-500"),
            ({"broken": 1}, "slots locked or crossed"),
            ({"cancels": 1_000}, "cancelled orders for each trade"),
            ({"widths": [0.0, 0.5, 0.4, 0.1]}, "slots in which the NBBO is 1 or 2 ticks wide"),
            ({"at_best": [0, 0.4, 0.3, 0.2, 0.1]}, "venues at the best bid, off 12/28/36/24 %"),
        ],
    )
    def test_one_bad_day_is_enough(self, change: dict[str, object], name: str) -> None:
        days = [sane_day(1), replace(sane_day(2), **change)]  # type: ignore[arg-type]
        assert [fact.name for fact in facts_of(days) if not fact.holds] == [name]

    def test_plain_noise_has_neither_tails_nor_clusters_nor_memory(self) -> None:
        draws = np.random.default_rng(3)
        days = [
            replace(
                sane_day(seed),
                returns=draws.standard_normal(390).tolist(),
                sign_acf=autocorrelation(draws.choice([-1.0, 1.0], 14_000), LAGS[1]).tolist(),
            )
            for seed in range(5)
        ]
        outside = {name for name, fact in self.facts(*days).items() if not fact.holds}
        assert "their excess kurtosis" in outside
        assert "autocorrelation of their absolute values" in outside


class Tags(HTMLParser):
    """Counts what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.loaded: list[str] = []
        self.points: list[tuple[float, float]] = []
        """Of lines and dots."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.loaded += [name for name, _ in attrs if name in ("src", "href")]
        values = {name: value or "" for name, value in attrs}
        if tag == "circle":
            self.points.append((float(values["cx"]), float(values["cy"])))
        for pair in values.get("points", "").split():
            x, y = pair.split(",")
            self.points.append((float(x), float(y)))


def test_the_page_has_a_picture_of_each_and_needs_nothing_else() -> None:
    days = [sane_day(seed) for seed in range(5)]
    tags = Tags()
    tags.feed(page(facts_of(days), days))
    assert tags.seen.count("svg") == 8
    assert tags.seen.count("tr") == 1 + len(facts_of(days))
    assert tags.loaded == []
    assert len(tags.points) > 500
    for x, y in tags.points:
        assert LEFT - 1 <= x <= WIDTH - RIGHT + 1
        assert TOP - 1 <= y <= HEIGHT - BOTTOM + 1
