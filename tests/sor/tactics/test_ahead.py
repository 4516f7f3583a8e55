from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sor_gateway.sor.tactics.ahead import PEAK, Asked, cheap_now, worked_micros

ADV = 3_000_000
CALM, WILD = 500_000.0, 2_500_000.0
"""One and five per cent of 50 dollars, in micros."""
SAVED = 5_000.0
BOOK: list[Asked] = [(8_000.0 + 5_000.0 * level, 1_000) for level in range(20)]

asked = st.lists(st.tuples(st.floats(-2_000, 100_000), st.integers(0, 3_000)), max_size=12).map(
    lambda found: sorted(found)
)


class TestWorked:
    def test_it_is_the_integral_share_by_share(self) -> None:
        done, quantity = 700, 900
        peaks = [PEAK * CALM * ((done + x) / ADV) ** 0.5 for x in range(quantity + 1)]
        by_share = sum((a + b) / 2 - peaks[0] for a, b in itertools.pairwise(peaks))
        worked = worked_micros(CALM, ADV, done, quantity, SAVED)
        assert worked == pytest.approx(by_share - quantity * SAVED, rel=1e-4)

    @given(st.integers(0, 10**6), st.integers(1, 10**5))
    def test_the_more_was_done_the_less_the_rest_costs(self, done: int, quantity: int) -> None:
        first = worked_micros(CALM, ADV, 0, quantity, SAVED)
        assert worked_micros(CALM, ADV, done, quantity, SAVED) <= first + 1e-6 * abs(first)


class TestCheapNow:
    def test_in_a_calm_market_nothing_is_taken_ahead(self) -> None:
        assert cheap_now(BOOK, CALM, ADV, 0, 10_000, SAVED) == (0, 0.0)

    def test_in_a_wild_one_all_of_it(self) -> None:
        taken, gain = cheap_now(BOOK, WILD, ADV, 0, 10_000, SAVED)
        assert taken == 10_000
        assert gain > 0

    def test_what_is_out_of_proportion_to_the_book_is_worked(self) -> None:
        """The far levels cost more than to wait."""
        taken, _ = cheap_now(BOOK, WILD, ADV, 0, 100_000, SAVED)
        far = cheap_now([(cost * 4, shares) for cost, shares in BOOK], WILD, ADV, 0, 100_000, SAVED)
        assert far[0] < taken

    def test_after_most_of_it_the_rest_is_worked(self) -> None:
        assert cheap_now(BOOK, WILD, ADV, 9_000, 1_000, SAVED) == (0, 0.0)

    @given(asked, st.floats(0, 5_000_000), st.integers(0, 10_000), st.integers(0, 12_000))
    @settings(deadline=None)
    def test_no_whole_number_of_levels_is_better(
        self, found: list[Asked], sigma: float, done: int, quantity: int
    ) -> None:
        best, gain = cheap_now(found, sigma, ADV, done, quantity, SAVED)
        assert 0 <= best <= quantity
        assert gain >= 0
        assert (best == 0) == (gain == 0)
        left, taken, walked = quantity, 0, 0.0
        for cost, shares in found:
            taken, walked = taken + min(shares, left), walked + cost * min(shares, left)
            left -= min(shares, left)
            assert worked_micros(sigma, ADV, done, taken, SAVED) - walked <= gain + 1e-6
