"""Random walks of the router's own tests, followed by the tables: both say the same of orders."""

from __future__ import annotations

import sqlite3
from random import randrange

import pytest

from sor_gateway.projection.books import Books
from sor_gateway.projection.schema import TABLES
from tests.sor.test_walks import Walk

SEEDS = [randrange(1 << 30) for _ in range(4)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options",
    [{"revises": True}, {"revises": True, "late_fills": True}, {"days": True}, {"crosses": True}],
    ids=lambda options: "-".join(options),
)
def test_the_tables_say_what_the_router_says(seed: int, options: dict[str, bool]) -> None:
    walk = Walk(seed, **options)
    walk.run()
    walk.finish()
    connection = sqlite3.connect(":memory:")
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    books = Books(connection)
    for fact in walk.script.facts:
        books.apply(fact)
    state = walk.script.router.state
    totals = "cum_quantity, cum_value_micros, state"
    parents = {
        row[0]: row[1:] for row in connection.execute(f"SELECT parent_id, {totals} FROM parents")
    }
    for parent in state.parents.values():
        expected = (parent.cum_quantity, parent.cum_value_micros, parent.state)
        assert parents[parent.parent_id] == expected, parent.parent_id
    children = {
        row[0]: row[1:] for row in connection.execute(f"SELECT child_id, {totals} FROM children")
    }
    for child in state.children.values():
        expected_child = (child.cum_quantity, child.cum_value_micros, child.state)
        assert children[child.child_id] == expected_child, child.child_id
    connection.close()
