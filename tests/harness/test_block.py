"""`make block`, the short form."""

from __future__ import annotations

import pytest

from tests.harness.arms import SCENARIO, Outcome, compare, failed, own_cost_micros
from tests.harness.block import Job, differences, do, jobs_of
from tests.harness.desk import CONFIG

SEED = 42


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return compare(SEED, tmp_path_factory.mktemp("block"))


def test_the_ledger_holds_to_the_share_and_the_micro(outcome: Outcome) -> None:
    assert not failed(outcome.checks)
    found = {check.name: check.found for check in outcome.checks}
    assert found["dark wave 1 filled"] == "4,000 / 0 / 2,500"
    assert found["dark wave 1 given back"] == "1,000 / 5,000 / 2,500"
    assert found["dark wave 2 sent"] == "10,000 / 0 / 7,500"
    assert found["filled in the dark"] == "119,600"
    assert found["filled on lit venues"] == "180,400"
    assert found["dark fees, micros"] == "155,950,000"
    assert int(found["NBBO and books as without us, dark"].replace(",", "")) > 500


def test_all_at_once_costs_more_by_what_it_does_itself(outcome: Outcome) -> None:
    """Against the arrival either may win: half an hour of the market's own walk is tens of basis
    points, and the path does not feel us. Fees and prices against the midpoint of the moment tell
    the arms apart at any seed."""
    ours, naive = outcome.ours.report, outcome.naive.report
    assert naive.totals.shares == ours.totals.shares == 300_000
    assert naive.duration_ns < ours.duration_ns // 10
    assert own_cost_micros(naive) > own_cost_micros(ours)
    assert naive.totals.removed == 300_000, "it only takes"


def test_the_same_bytes_in_other_processes_with_other_hashes(outcome: Outcome) -> None:
    assert len(outcome.digests) == 8
    jobs = [Job("0"), Job("4711")]
    assert differences(outcome.digests, jobs, [do(job, SEED) for job in jobs]) == []


def test_a_difference_is_told_by_run_and_journal() -> None:
    reference = {"gateway": "a", "ecn": "b"}
    found = [[reference, {"gateway": "a", "ecn": "c"}], [{"gateway": "a"}]]
    assert differences(reference, [Job("random", 2), Job("1")], found) == [
        "PYTHONHASHSEED=random, run 2: journal of ecn differs",
        "PYTHONHASHSEED=1, run 1: journal of ecn differs",
    ]


def test_runs_are_shared_among_the_workers() -> None:
    assert jobs_of(3, 2, 2) == [Job("random", 2), Job("random", 1), Job("0"), Job("1")]
    assert jobs_of(1, 0, 4) == [Job("random", 1)]


def test_the_scenario_is_the_shipped_one() -> None:
    assert (CONFIG / "scenarios" / SCENARIO / "scenario.toml").is_file()
