"""Hidden orders that nobody is to know again: sizes and times drawn from the facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sor_gateway.sor import decisions as de
from sor_gateway.sor.settings import Sizing, StrategySettings

from .script import MS, SECOND, Script, dark, lit, settings

SHY = StrategySettings(
    "shy",
    use_lit=False,
    dark_quantity=5_000,
    dark_box_ns=SECOND,
    dark_size_spread=0.4,
    dark_delay_ns=500 * MS,
)


def desk(strategy: StrategySettings = SHY, seed: int = 1) -> Script:
    names = ("dark-a", "dark-b", "dark-c")
    made = Script(settings(*(dark(name) for name in names), lit(), strategy=strategy, seed=seed))
    made.quote("ecn", [("50.00", 800)], [("50.02", 800)])
    return made


def planned(made: Script) -> list[de.ChildPlanned]:
    return [each for each in made.decisions if isinstance(each, de.ChildPlanned)]


def waves(made: Script, count: int) -> list[de.ChildPlanned]:
    """So many waves of which nothing fills."""
    made.submit(quantity=100_000)
    for _ in range(count - 1):
        made.quote("ecn", [("50.00", 800)], [("50.02", 800)])
        made.wait(2 * SECOND)
        for child in planned(made)[-3:]:
            made.end(child.child_id)
        made.wait(2 * SECOND)
    return planned(made)


class TestSizes:
    def test_they_vary_within_the_spread_in_round_lots(self) -> None:
        children = waves(desk(replace(SHY, sizing=Sizing.PLAYBOOK)), 8)
        sizes = [child.quantity for child in children]
        assert len(children) == 24
        assert len(set(sizes)) > 8
        assert all(3_000 <= size <= 5_000 and size % 100 == 0 for size in sizes)

    def test_the_size_meant_is_the_most_in_posterior_sizing_too(self) -> None:
        most = {
            child.venue: child.quantity
            for child in waves(desk(replace(SHY, dark_size_spread=0.0)), 1)
        }
        drawn = {child.venue: child.quantity for child in waves(desk(), 1)}
        assert drawn != most
        assert all(0 < drawn[venue] <= most[venue] for venue in drawn)

    def test_without_the_option_they_are_what_was_meant(self) -> None:
        plain = replace(SHY, sizing=Sizing.PLAYBOOK, dark_size_spread=0.0)
        assert {child.quantity for child in waves(desk(plain), 2)} == {5_000}

    def test_less_than_a_lot_is_sent_as_it_is(self) -> None:
        made = desk()
        made.submit(quantity=70)
        assert sum(child.quantity for child in planned(made)) == 70


class TestTimes:
    def test_boxes_end_apart(self) -> None:
        children = waves(desk(), 1)
        boxes = [child.pull_at_ns - child.at_ns for child in children]
        assert len(set(boxes)) == 3
        assert all(SECOND <= box < SECOND + 500 * MS for box in boxes)

    def test_without_the_option_together(self) -> None:
        children = waves(desk(replace(SHY, dark_delay_ns=0)), 1)
        assert {child.pull_at_ns - child.at_ns for child in children} == {SECOND}


class TestChance:
    @pytest.mark.parametrize("seed", [1, 7])
    def test_what_was_drawn_is_drawn_again(self, seed: int) -> None:
        first, second = (waves(desk(seed=seed), 3) for _ in range(2))
        assert first == second

    def test_another_seed_draws_otherwise(self) -> None:
        first, second = (waves(desk(seed=seed), 3) for seed in (1, 2))
        assert [child.quantity for child in first] != [child.quantity for child in second]

    def test_a_fold_needs_no_draw(self) -> None:
        made = desk()
        waves(made, 3)
        made.fold()
