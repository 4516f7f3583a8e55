"""A few of the faults, drawn anew each time: `make faults` runs them all, with many seeds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.case import Case
from tests.faults.cases import CASES
from tests.faults.run import chosen, run_case
from tests.faults.sockets import DRILLS
from venue_sims.faults.table import FAULTS

DRAWN = 6
SEED = random.SystemRandom().randrange(1_000_000)
"""In the name of each test: `python -m tests.faults.run --only NAME --seed SEED --seeds 1`."""
SAMPLE = random.Random(SEED).sample(CASES, DRAWN)


@pytest.mark.parametrize("case", SAMPLE, ids=[f"{case.name}-{SEED}" for case in SAMPLE])
def test_a_fault_costs_nothing_that_is_not_flagged(case: Case, tmp_path: Path) -> None:
    assert run_case(case, SEED, tmp_path).wrong == []


def test_every_fault_of_the_specification_has_a_case() -> None:
    assert {case.number for case in CASES} == {f"F{number}" for number in range(1, 32)}


def test_every_fault_that_a_venue_can_have_is_run() -> None:
    in_cases = {name for case in CASES for name in (*case.strikes, case.name)}
    assert set(FAULTS) - in_cases == set()
    assert set(DRILLS) == set(FAULTS)


def test_cases_are_chosen_by_number_and_by_name() -> None:
    assert [case.name for case in chosen("F6,cod")] == ["cod", "bust", "correct"]
    with pytest.raises(ValueError, match="F99: no such fault"):
        chosen("F99")
