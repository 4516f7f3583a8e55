"""What people ask: messages, orders, ledger, story."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.projection import queries

from .helpers import CENT, PX, Desk, message


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two orders: P1 (a, replaced as b) with children C1 at ecn, C2 at dark-a; P2 of another
    client, with the same ClOrdID a."""
    desk = Desk(tmp_path_factory.mktemp("queries"))
    desk.turn(
        desk.submit("P1", "a"),
        desk.accept("P1"),
        desk.plan("C1", 300),
        desk.plan("C2", 200, "dark-a"),
        entries=[
            message("EMS", 5, "8=FIX.4.4|35=D|11=a|55=ACME|", outbound=False),
            message("EMS", 9, "8=FIX.4.4|35=8|37=P1|11=a|150=0|", key="E1"),
            message("ecn", 2, "8=FIX.4.4|35=D|11=C1|58=caf\xe9|", key="C1"),
            message("dark-a", 2, "8=FIX.4.2|35=D|11=C2|", key="C2"),
        ],
    )
    desk.turn(
        desk.submit("P2", "a", client="EMS42", symbol="XYZ"),
        entries=[message("EMS42", 1, "8=FIX.4.2|35=D|11=a|55=XYZ|", outbound=False)],
    )
    desk.turn(
        desk.fill(100, 100, "E1", PX, fee=300),
        desk.fill(200, 200, "D1", PX - CENT, child_id="C2", venue="dark-a", fee=-10),
        entries=[message("ecn", 3, "8=FIX.4.4|35=8|11=C1|17=E1|", outbound=False)],
    )
    desk.turn(
        desk.fill(200, 300, "E2", PX + CENT, fee=600),
        entries=[
            message("ecn", 3, "8=FIX.4.4|35=F|11=X1|41=C1|", key="C1"),
            message("ecn", 4, "8=FIX.4.4|35=0|"),
        ],
    )
    desk.turn(
        desk.replace("b", "a", 900),
        entries=[message("EMS", 6, "8=FIX.4.4|35=G|11=b|41=a|", outbound=False)],
    )
    desk.refresh()
    desk.journal.close()
    return desk.database


class TestMessages:
    def test_all_in_the_order_of_the_journal(self, database: Path) -> None:
        found = queries.messages(database)
        assert [(each.session, each.direction, each.number) for each in found] == [
            ("EMS", "in", 5),
            ("EMS", "out", 9),
            ("ecn", "out", 2),
            ("dark-a", "out", 2),
            ("EMS42", "in", 1),
            ("ecn", "in", 3),
            ("ecn", "out", 3),
            ("ecn", "out", 4),
            ("EMS", "in", 6),
        ]

    def test_text_is_readable_and_loses_no_byte(self, database: Path) -> None:
        [found] = queries.messages(database, session="ecn", begin=2, end=2)
        assert found.text == "8=FIX.4.4|35=D|11=C1|58=caf\xe9|"
        assert (found.epoch, found.msg_type, found.key, found.turn) == (1, "D", "C1", 1)

    def test_by_session_type_numbers_and_last(self, database: Path) -> None:
        found = queries.messages(database, session="ecn", begin=3)
        assert [each.msg_type for each in found] == ["8", "F", "0"]
        assert len(queries.messages(database, msg_type="D")) == 4
        assert [each.msg_type for each in queries.messages(database, last=2)] == ["0", "G"]

    def test_by_a_piece_of_text(self, database: Path) -> None:
        assert [each.number for each in queries.messages(database, text="|17=E1|")] == [3]

    @pytest.mark.parametrize("name", ["P1", "b", "C2"])
    def test_an_order_with_its_client_and_its_venues(self, database: Path, name: str) -> None:
        found = queries.messages(database, order=name)
        assert [(each.session, each.number) for each in found] == [
            ("EMS", 5),
            ("EMS", 9),
            ("ecn", 2),
            ("dark-a", 2),
            ("ecn", 3),
            ("ecn", 3),
            ("EMS", 6),
        ]

    def test_the_same_cl_ord_id_of_another_client_is_another_order(self, database: Path) -> None:
        found = queries.messages(database, order="P2")
        assert [each.session for each in found] == ["EMS42"]

    def test_a_name_that_is_no_order_is_taken_as_a_cl_ord_id(self, database: Path) -> None:
        assert [each.msg_type for each in queries.messages(database, order="X1")] == ["F"]


class TestOrders:
    def test_oldest_first(self, database: Path) -> None:
        assert [each.parent_id for each in queries.orders(database)] == ["P1", "P2"]
        assert [each.parent_id for each in queries.orders(database, last=1)] == ["P2"]
        assert [each.parent_id for each in queries.orders(database, symbol="XYZ")] == ["P2"]
        assert [each.parent_id for each in queries.orders(database, client="EMS")] == ["P1"]

    def test_open_ones(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.turn(desk.submit("P1", "a"), desk.submit("P2", "b"), desk.close_parent("P1"))
        desk.refresh()
        assert [each.parent_id for each in queries.orders(desk.database, open_only=True)] == ["P2"]
        desk.journal.close()

    @pytest.mark.parametrize(("name", "expected"), [("b", "P1"), ("C1", "P1"), ("a", "P2")])
    def test_by_any_of_its_names_the_newest(self, database: Path, name: str, expected: str) -> None:
        found = queries.order(database, name)
        assert found is not None
        assert found.parent_id == expected

    def test_unknown(self, database: Path) -> None:
        assert queries.order(database, "nonsense") is None

    def test_children_in_the_order_of_planning(self, database: Path) -> None:
        found = queries.children(database, "P1")
        assert [(each.child_id, each.venue, each.cum_quantity) for each in found] == [
            ("C1", "ecn", 300),
            ("C2", "dark-a", 200),
        ]
        # 100 at 50.00 and 200 at 50.01, rounded down to a micro
        assert found[0].average_price_micros == 50_006_666


class TestLedger:
    def test_per_venue_and_total(self, database: Path) -> None:
        ledger = queries.ledger(database)
        dark, ecn = ledger.venues
        assert (dark.venue, dark.executions, dark.shares, dark.fees_micros) == (
            "dark-a",
            1,
            200,
            -10,
        )
        assert dark.value_micros == 200 * 49_990_000
        assert (ecn.venue, ecn.executions, ecn.shares, ecn.fees_micros) == ("ecn", 2, 300, 900)
        assert ecn.value_micros == 100 * 50_000_000 + 200 * 50_010_000
        assert ledger.total.executions == 3
        assert ledger.total.shares == 500
        assert ledger.total.value_micros == dark.value_micros + ecn.value_micros
        assert ledger.total.fees_micros == 890

    def test_empty(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.refresh()
        ledger = queries.ledger(desk.database)
        assert (ledger.venues, ledger.total.shares) == ([], 0)
        desk.journal.close()


class TestStory:
    def test_the_facts_of_an_order_in_order(self, database: Path) -> None:
        found = queries.story(database, "P1")
        assert [(each.turn, each.name, each.child_id) for each in found] == [
            (1, "ParentSubmitted", ""),
            (1, "ParentAccepted", ""),
            (1, "ChildPlanned", "C1"),
            (1, "ChildPlanned", "C2"),
            (3, "ChildFilled", "C1"),
            (3, "ChildFilled", "C2"),
            (4, "ChildFilled", "C1"),
            (5, "ReplaceRequested", ""),
        ]
        assert found[0].data["cl_ord_id"] == "a"
        assert found[4].text.startswith("ecn fills 100 of C1 at 50.00, removed, fee 0.0003")


class TestNoDatabase:
    def test_it_is_named_and_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="nowhere"):
            queries.orders(tmp_path / "nowhere.db")
        assert list(tmp_path.iterdir()) == []
