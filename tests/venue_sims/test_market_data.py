"""Market data: snapshots, differences, conflation, freshness, refusals."""

from __future__ import annotations

import pytest

from sor_gateway.fix.codec import decode, encode
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.message import Message
from venue_sims.market_data import FRESH_NS, PRINTS_MAX, Ladder, Outgoing, Publisher
from venue_sims.matching.orders import Side
from venue_sims.trading import Print

MS = 1_000_000
INTERVAL = 25 * MS
DOLLAR = 1_000_000
HEADER = [(34, "1"), (49, "X"), (52, "20260101-00:00:00.000"), (56, "SORMD")]


class Market:
    """A publisher over books that the test sets by hand."""

    def __init__(self, depth: int = 10) -> None:
        self.books: dict[tuple[str, Side], Ladder] = {
            ("ACME", Side.BUY): [(50 * DOLLAR, 300, 2), (49 * DOLLAR, 100, 1)],
            ("ACME", Side.SELL): [(51 * DOLLAR, 200, 1)],
        }
        self.trading = True
        self.publisher = Publisher(
            ["ACME", "BOLT"], depth, self.look, INTERVAL, lambda _: self.trading
        )

    def look(self, symbol: str, side: Side, depth: int) -> Ladder:
        return list(self.books.get((symbol, side), [])[:depth])

    def ask(self, **more: str) -> list[Outgoing]:
        values = {
            "id": "R",
            "kind": "1",
            "depth": "10",
            "update": "1",
            "symbol": "ACME",
            "type": "1",
        }
        values |= more
        fields = [
            (262, values["id"]),
            (263, values["kind"]),
            (264, values["depth"]),
            (265, values["update"]),
            (267, "2"),
            (269, "0"),
            (269, values["type"]),
            (146, "1"),
            (55, values["symbol"]),
        ]
        return self.publisher.request(Message("V", fields), 0)

    def set(self, side: Side, ladder: Ladder) -> None:
        self.books["ACME", side] = ladder
        self.publisher.changed("ACME")


def groups(outgoing: Outgoing, *tags: int) -> list[tuple[str | None, ...]]:
    message = Message(*outgoing)
    first = 279 if outgoing[0] == "X" else 269
    return [tuple(entry.get(tag) for tag in tags) for entry in message.group(268, first)]


class TestSnapshots:
    def test_best_first_with_positions(self) -> None:
        (snapshot,) = Market().ask()
        assert snapshot[0] == "W"
        assert groups(snapshot, 269, 270, 271, 290) == [
            ("0", "50", "300", "1"),
            ("0", "49", "100", "2"),
            ("1", "51", "200", "1"),
        ]

    def test_depth_is_what_was_asked_for(self) -> None:
        (snapshot,) = Market().ask(depth="1")
        assert len(groups(snapshot, 269)) == 2

    def test_an_empty_book_is_said_to_be_empty(self) -> None:
        (snapshot,) = Market().ask(symbol="BOLT")
        assert dict(snapshot[1])[268] == "0"

    def test_one_each_second_changed_or_not(self) -> None:
        market = Market()
        market.ask()
        assert market.publisher.next_deadline() == FRESH_NS
        assert market.publisher.due(FRESH_NS - 1) == []
        assert [each[0] for each in market.publisher.due(FRESH_NS)] == ["W"]
        assert market.publisher.next_deadline() == 2 * FRESH_NS


class TestUpdates:
    def test_tell_deletes_changes_and_news(self) -> None:
        market = Market()
        market.ask()
        market.set(Side.BUY, [(50 * DOLLAR, 250, 2), (48 * DOLLAR, 70, 1)])
        (update,) = market.publisher.due(INTERVAL)
        assert update[0] == "X"
        assert groups(update, 279, 269, 270, 271) == [
            ("2", "0", "49", None),
            ("1", "0", "50", "250"),
            ("0", "0", "48", "70"),
        ]

    def test_at_most_one_in_an_interval_and_then_the_present(self) -> None:
        market = Market()
        market.ask()
        for shares in (10, 20, 30):
            market.set(Side.SELL, [(51 * DOLLAR, shares, 1)])
            assert market.publisher.due(INTERVAL - 1) == []
        assert market.publisher.next_deadline() == INTERVAL
        (update,) = market.publisher.due(INTERVAL)
        assert groups(update, 279, 271) == [("1", "30")]

    def test_a_change_that_went_back_is_no_change(self) -> None:
        market = Market()
        market.ask()
        market.set(Side.SELL, [(51 * DOLLAR, 10, 1)])
        market.set(Side.SELL, [(51 * DOLLAR, 200, 1)])
        assert market.publisher.due(INTERVAL) == []
        assert market.publisher.next_deadline() == FRESH_NS

    def test_whole_books_for_who_wants_them(self) -> None:
        market = Market()
        market.ask(update="0")
        market.set(Side.SELL, [(52 * DOLLAR, 10, 1)])
        assert [each[0] for each in market.publisher.due(INTERVAL)] == ["W"]

    def test_die_with_the_connection(self) -> None:
        market = Market()
        market.ask()
        market.publisher.forget()
        assert market.publisher.next_deadline() is None

    def test_end_on_request(self) -> None:
        market = Market()
        market.ask()
        assert market.ask(kind="2") == []
        assert market.publisher.next_deadline() is None

    def test_a_snapshot_alone_subscribes_nothing(self) -> None:
        market = Market()
        assert len(market.ask(kind="0")) == 1
        assert market.publisher.next_deadline() is None


class TestTrades:
    def test_come_once_each_with_price_size_and_time(self) -> None:
        market = Market()
        market.ask(type="2")
        trades = [Print("ACME", 50 * DOLLAR, 100, 3_600_000_000_000 + 7 * MS)] * 2
        market.publisher.traded(trades)
        market.publisher.traded([Print("BOLT", DOLLAR, 5, 0)])
        (update,) = market.publisher.due(INTERVAL)
        trade = ("0", "2", "ACME", "50", "100", "19700101", "01:00:00.007")
        assert groups(update, 279, 269, 55, 270, 271, 272, 273) == [trade, trade]
        assert market.publisher.due(2 * INTERVAL) == []

    def test_are_told_to_nobody_who_did_not_ask(self) -> None:
        market = Market()
        market.ask()
        market.publisher.traded([Print("ACME", 50 * DOLLAR, 100, 0)])
        assert market.publisher.next_deadline() == FRESH_NS

    def test_that_nobody_reads_are_bounded(self) -> None:
        market = Market()
        market.ask(type="2", update="0")
        market.publisher.traded([Print("ACME", DOLLAR, n, 0) for n in range(PRINTS_MAX + 5)])
        (snapshot,) = market.publisher.due(FRESH_NS)
        sizes = [int(size or 0) for kind, size in groups(snapshot, 269, 271) if kind == "2"]
        assert sizes == list(range(5, PRINTS_MAX + 5))


class TestHalts:
    def test_a_book_that_does_not_trade_is_marked_as_closed(self) -> None:
        market = Market()
        market.ask()
        market.trading = False
        market.publisher.restart("ACME")
        (snapshot,) = market.publisher.due(1)
        assert snapshot[0] == "W"
        assert set(groups(snapshot, 276)) == {("B",)}
        market.set(Side.BUY, [(50 * DOLLAR, 50, 1)])
        (update,) = market.publisher.due(INTERVAL + 1)
        assert groups(update, 279, 276) == [("2", None), ("1", "B")]
        market.trading = True
        market.publisher.restart("ACME")
        (snapshot,) = market.publisher.due(INTERVAL + 2)
        assert set(groups(snapshot, 276)) == {(None,)}


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"symbol": "NONE"}, "0"),
            ({"kind": "7"}, "4"),
            ({"depth": "x"}, "5"),
            ({"update": "7"}, "6"),
            ({"type": "4"}, "8"),
        ],
    )
    def test_name_their_reason(self, change: dict[str, str], reason: str) -> None:
        ((msg_type, body),) = Market().ask(**change)
        assert (msg_type, dict(body)[281]) == ("Y", reason)

    def test_an_id_twice(self) -> None:
        market = Market()
        market.ask()
        ((_, body),) = market.ask()
        assert dict(body)[281] == "1"

    def test_a_dark_venue_shows_nothing(self) -> None:
        ((msg_type, body),) = Market(depth=0).ask()
        assert (msg_type, dict(body)[281]) == ("Y", "4")


@pytest.mark.parametrize("version", ["FIX.4.2", "FIX.4.4"])
def test_every_message_passes_the_published_dictionary(version: str) -> None:
    market = Market()
    messages = market.ask() + market.ask() + market.ask(id="R2", symbol="BOLT")
    market.set(Side.BUY, [(50 * DOLLAR, 250, 2)])
    messages += market.publisher.due(INTERVAL)
    assert {msg_type for msg_type, _ in messages} == {"W", "X", "Y"}
    dictionary = load_packaged(version)
    for msg_type, body in messages:
        raw = encode(version, msg_type, HEADER, body)
        assert dictionary.validate(decode(raw)) is None
