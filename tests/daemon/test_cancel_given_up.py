"""A client's cancel that waits too long for a child in doubt, as the client is told (recovery.md
3.9): a 9, the order rests, and a later cancel ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import Table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def configuration() -> Configuration:
    loaded = load(ROOT / "config", {"SOR__ROUTER__CANCEL_GIVES_UP_S": "5"})
    assert loaded.router.cancel_gives_up_ns == 5 * SECOND
    return loaded


def test_it_is_refused_and_may_come_again(configuration: Configuration) -> None:
    table = Table(configuration)
    table.rest()
    table.cut("dark-a")
    table.cancel("A2", "A1")
    table.run(60, SECOND // 10)
    refusal = table.client.received[-2]
    wanted = ["9", "A2", "A1", "9", "99", "1"]
    assert [refusal.get(tag) for tag in (35, 11, 41, 39, 102, 434)] == wanted
    rests = table.client.received[-1]
    assert [rests.get(tag) for tag in (150, 39, 11)] == ["9", "9", "A1"]
    table.cancel("A3", "A1")
    table.end_well()
    last = table.client.received[-1]
    assert [last.get(tag) for tag in (150, 39, 11, 41)] == ["4", "4", "A3", "A1"]
