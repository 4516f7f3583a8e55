"""The harness: deterministic, and lines that go and machines that die change nobody's account."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sor_gateway.config.scenario import Expectations
from tests.harness.arms import failed
from tests.harness.audit import accounts, audit, project, record_of
from tests.harness.desk import GATEWAY, Desk
from tests.harness.loop import SECOND

QUANTITY = 200_000  # more than the dark pools of the scenario hold, so that something is shown
"""Enough for three dark waves and the opening of lit."""


@pytest.fixture
def dice() -> random.Random:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # shown when the test fails
    return random.Random(seed)


@pytest.fixture
def desk(dice: random.Random) -> Desk:
    """The block scenario with a smaller order, of which less is expected."""
    desk = Desk(seed=dice.randrange(1_000_000))
    desk.scenario.quantity = QUANTITY
    desk.scenario.expect = Expectations(shown_max=500, dark_before_lit=False)
    desk.become_ready()
    return desk


def assert_whole(desk: Desk, cl_ord_id: str, folder: Path) -> None:
    """The order is done, everybody says so in the same figures, and none showed too much of it."""
    found = audit(desk, cl_ord_id, folder)
    assert {"the order is filled", "three ledgers agree", "venues shown something"} <= {
        check.name for check in found.checks
    }
    assert found.good, failed(found.checks)


def test_what_is_not_disturbed_comes_to_its_end(desk: Desk, tmp_path: Path) -> None:
    cl_ord_id = desk.submit()
    desk.trade(cl_ord_id)
    assert_whole(desk, cl_ord_id, tmp_path)
    assert all(len(link.lines) == 1 for link in desk.links.values())


def test_a_line_that_is_cut_comes_back_and_nothing_is_lost(
    desk: Desk, dice: random.Random, tmp_path: Path
) -> None:
    cl_ord_id = desk.submit()
    for _ in range(8):
        desk.run_until(desk.now + dice.randrange(SECOND // 2))
        name = dice.choice(list(desk.links))
        desk.cut(name, arrives=lambda length: dice.randint(0, length))
    desk.trade(cl_ord_id)
    assert_whole(desk, cl_ord_id, tmp_path)
    assert sum(len(link.lines) for link in desk.links.values()) > len(desk.links)


def test_a_line_that_is_held_stays_down(desk: Desk) -> None:
    desk.cut("dark-a", "ecn-md", hold=True)
    desk.run_until(desk.now + 7 * SECOND)
    assert desk.gateway.unready() == ["venue dark-a is not synchronised", "no market data from ecn"]
    desk.connect("dark-a", "ecn-md")
    desk.run_until(desk.now + SECOND)
    assert desk.gateway.unready() == []


@pytest.mark.parametrize("name", [GATEWAY, "dark-a", "exchange"])
def test_a_machine_that_dies_goes_on_from_its_journal(
    desk: Desk, dice: random.Random, name: str, tmp_path: Path
) -> None:
    cl_ord_id = desk.submit()
    for _ in range(3):
        desk.run_until(desk.now + dice.randrange(SECOND // 10, SECOND))
        down_ns = dice.randrange(SECOND // 4)
        desk.restart(name, down_ns)
        desk.run_until(desk.now + down_ns + 1)
    desk.trade(cl_ord_id)
    lines = [link.lines for link in desk.links.values() if name in (GATEWAY, link.peer)]
    assert all(len(each) > 1 for each in lines), "its peers had new lines"
    assert_whole(desk, cl_ord_id, tmp_path)


def test_same_seed_same_bytes_and_another_seed_others(dice: random.Random) -> None:
    seed = dice.randrange(1_000_000)

    def digests(seed: int) -> dict[str, str]:
        desk = Desk(seed=seed)
        desk.become_ready()
        desk.submit()
        desk.run_until(desk.now + 2 * SECOND)
        desk.cut("dark-a")
        desk.restart("dark-c", SECOND // 20)
        desk.run_until(desk.now + SECOND)
        return desk.digests()

    assert digests(seed) == digests(seed)
    assert digests(seed)[GATEWAY] != digests(seed + 1)[GATEWAY]


def test_accounts_know_when_a_side_is_short(desk: Desk, tmp_path: Path) -> None:
    cl_ord_id = desk.submit()
    desk.trade(cl_ord_id)
    records = {name: record_of(desk, name) for name in desk.venues}
    order = next(order for order in records["dark-a"].orders.values() if order.executions)
    order.executions.pop()
    differing = accounts(desk, project(desk.gateway.storage, tmp_path), records)
    assert [account.venue for account in differing if not account.agrees] == ["dark-a"]
