"""Mass status requests (AF) on the desk: many children in doubt, a venue that refuses, a line that
goes, and a journal whose tail is lost with the machine (recovery.md 1.5, 3.5)."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.sor.settings import MassStatus
from tests.daemon.desk import SECOND
from tests.daemon.test_recovery_rules import LINES, MILLISECOND, Table

ROOT = Path(__file__).parents[2]
COUNT = 6


@pytest.fixture
def configuration() -> Configuration:
    """Two venues, and both list their open orders."""
    loaded = load(ROOT / "config", {})
    for name, venue in loaded.router.venues.items():
        venue.enabled = name in LINES
        venue.mass_status = MassStatus.OPEN
    for connection in loaded.venues:
        connection.orders.on_low_number = "reset"
    return loaded


@pytest.fixture
def table(configuration: Configuration) -> Table:
    return Table(configuration)


def many(table: Table) -> None:
    """Orders that rest at the dark venue."""
    for number in range(COUNT):
        table.order(f"A{number}")
    table.run(5)
    assert len(table.dark.orders) == COUNT


def gap(table: Table) -> None:
    """The venue passes over a number: nobody knows what it was."""
    table.cut("dark-a")
    table.venue.session.numbers.next_out += 1
    table.venue.withholds = lambda _: True
    table.connect("dark-a")


def asked(table: Table) -> dict[str, int]:
    kinds = [kind for kind, _ in table.dark.received]
    return {kind: kinds.count(kind) for kind in ("AF", "H")}


class TestManyInDoubt:
    def test_one_question_settles_them(self, table: Table) -> None:
        many(table)
        gap(table)
        table.run(20)
        assert asked(table) == {"AF": 1, "H": 0}
        assert table.alarms().count("children-doubted") == 1
        assert all(child.flight and child.flight.doubt is None for child in table.children())
        table.assert_fold_is_live()

    def test_what_was_lost_in_the_gap_is_booked_by_it(self, table: Table) -> None:
        many(table)
        table.cut("dark-a")
        first = next(iter(table.dark.orders.values()))
        first.voiceless = True
        table.dark.execute(table.venue, first.cl_ord_id, 300, table.now)
        gap(table)
        table.run(20)
        assert table.told() == 300
        assert "unreported-fill" in table.alarms()

    def test_a_venue_that_does_not_take_it_is_asked_one_by_one(self, table: Table) -> None:
        table.dark.refuses_mass_status = True
        many(table)
        gap(table)
        table.run(20)
        assert asked(table) == {"AF": 1, "H": COUNT}
        assert "mass-status-refused" in table.alarms()
        table.assert_fold_is_live()

    def test_so_is_one_that_says_nothing(self, table: Table) -> None:
        many(table)
        table.dark.unanswered_status = True
        gap(table)
        table.run(30, 100 * MILLISECOND)
        assert asked(table) == {"AF": 1, "H": COUNT}

    def test_it_is_never_sent_again_but_asked_anew(self, table: Table) -> None:
        many(table)
        gap(table)
        for _ in range(20):
            table.now += MILLISECOND
            for peer in table.peers.values():
                peer.turn(table.now) if peer.connected else None
            table.turn()
            if table.sent("dark-a", "AF"):
                break
        table.lose_line("dark-a")
        table.cut("dark-a")
        table.connect("dark-a")
        table.run(20)
        assert asked(table)["AF"] == 1
        received = [each for each in table.venue.received if each.msg_type == "AF"]
        assert [each.get(43) for each in received] == [None]
        assert len(table.sent("dark-a", "AF")) == 2


class TestLostTail:
    """The machine went down, and with it what the kernel had not written: an order that rests, and
    all that we knew of it."""

    def lost(self, configuration: Configuration, executed: int = 0) -> tuple[Table, str]:
        for venue in configuration.router.venues.values():
            if venue.mass_status is MassStatus.OPEN:
                venue.mass_status = MassStatus.ALL
        for settings in configuration.ems_sessions:
            settings.on_low_number = "reset"
        table = Table(configuration)
        table.dark.lists_over = table.lit.lists_over = True
        disk = deepcopy(table.storage)
        lost = table.rest().child_id
        if executed:
            table.dark.execute(table.venue, lost, executed, table.now)
        table.cut()
        table.storage, table.tail_suspect = disk, True
        table.crash()
        return table, lost

    def back(self, table: Table, *lines: str) -> None:
        """Our numbers are too low now: the first Logon ends in a Logout, the next one resets."""
        for _ in range(3):
            table.connect(*lines)
            table.run(40)

    def test_the_order_is_found_told_and_cancelled(self, configuration: Configuration) -> None:
        table, lost = self.lost(configuration)
        assert lost not in table.engine.router.state.children
        self.back(table, "dark-a", "exchange", "exchange-md")
        order = table.dark.orders[lost]
        assert (order.live, order.how) == (False, "4")
        assert {"unknown-child", "journal-tail-proved"} <= set(table.alarms())
        assert not table.engine.router.state.suspect
        table.assert_fold_is_live()

    def test_one_that_was_executed_leaves_it_to_the_operator(
        self, configuration: Configuration
    ) -> None:
        """Nobody knows whose shares those are: they must not be routed again."""
        table, lost = self.lost(configuration, 300)
        self.back(table, *LINES)
        assert not table.dark.orders[lost].live
        assert table.engine.router.state.suspect
        assert f"300 of {lost}" in table.engine.router.state.unproved
        table.assert_fold_is_live()

    def test_until_then_nothing_new_leaves(self, configuration: Configuration) -> None:
        table, _ = self.lost(configuration)
        self.back(table, "EMS", "dark-a")
        table.order("B1")
        table.run(40, SECOND // 10)
        assert [kind for kind, _ in table.dark.received].count("D") == 1, "the lost one"
        self.back(table, "exchange", "exchange-md")
        assert [kind for kind, _ in table.dark.received].count("D") > 1

    def test_a_venue_without_it_leaves_it_to_the_operator(
        self, configuration: Configuration
    ) -> None:
        configuration.router.venues["exchange"].mass_status = MassStatus.NONE
        table, _ = self.lost(configuration)
        self.back(table, *LINES)
        table.run(40, SECOND // 10)
        assert asked(table)["AF"]
        assert table.engine.router.state.suspect
