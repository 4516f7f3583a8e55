from __future__ import annotations

import pytest

from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.estimators.hidden import DECAY, Counts, HiddenState, Run
from sor_gateway.sor.estimators.tails import grid_of
from sor_gateway.sor.orders import Work

LARGEST = 20_000
GRID = grid_of(LARGEST)


class TestCounts:
    def test_a_contact_counts_once_and_fades(self) -> None:
        counts = Counts()
        for filled in (0, 300, 500):
            counts.observe(500, filled, GRID)
        assert counts.contacts == pytest.approx(1 + DECAY + DECAY**2)
        assert counts.hits == pytest.approx(1 + DECAY)
        assert counts.seen == pytest.approx({300: DECAY})
        assert counts.at_least == {500: 1.0}

    def test_sizes_are_kept_as_the_first_of_their_cell(self) -> None:
        counts = Counts()
        for filled in range(1, 5000):
            counts.observe(5000, filled, GRID)
        assert set(counts.seen) <= {int(edge) for edge in GRID.edges}

    def test_a_size_kept_under_a_larger_grid_is_read_under_a_smaller_one(self) -> None:
        counts = Counts()
        counts.observe(15_000, 15_000, GRID)
        small = grid_of(1000)
        assert counts.row(small).sum() == pytest.approx(3)

    def test_what_is_forgotten_takes_no_room(self) -> None:
        counts = Counts()
        counts.observe(500, 300, GRID)
        for _ in range(800):
            counts.observe(500, 0, GRID)
        assert counts.seen == {}


class TestRuns:
    def test_waves_that_fill_are_one_contact(self) -> None:
        run = Run().after(500, 500)
        assert run.is_live
        run = run.after(1000, 200)
        assert (run.sent, run.filled, run.is_live) == (1500, 700, False)

    def test_what_follows_an_end_is_another_contact(self) -> None:
        assert Run(1500, 700).after(400, 0) == Run(400, 0)

    def test_a_run_without_shares_says_nothing(self) -> None:
        state = HiddenState()
        state.observe("ACME", "dark-a", Run())
        assert state == HiddenState()


class TestAnOrdersWaves:
    """What an order leaves behind: a contact for each run that ended, and what was filled whole."""

    def test_a_wave_that_did_not_fill_ends_its_run(self) -> None:
        work = Work(dark={"a": DarkVenue(sent=500, filled=500), "b": DarkVenue(sent=500)})
        assert work.close_dark_wave(judged=True) == {"b": Run(500, 0)}
        work.dark["a"].sent, work.dark["a"].filled = 800, 300
        assert work.close_dark_wave(judged=True) == {"a": Run(1300, 800)}
        assert work.dark_rest() == {}

    def test_a_wave_that_was_cut_short_says_nothing_unless_it_filled(self) -> None:
        work = Work(dark={"a": DarkVenue(sent=500, filled=200), "b": DarkVenue(sent=500)})
        assert work.close_dark_wave(judged=False) == {}
        work.dark = {"a": DarkVenue(sent=500, filled=200), "b": DarkVenue(sent=500, filled=500)}
        assert work.dark_rest() == {"b": Run(500, 500)}

    def test_an_order_that_ends_leaves_what_had_filled_so_far(self) -> None:
        work = Work(dark={"a": DarkVenue(run=Run(1000, 1000)), "b": DarkVenue(run=Run(9, 4))})
        assert work.dark_rest() == {"a": Run(1000, 1000)}
