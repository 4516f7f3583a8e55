"""Rules of market data: a book comes from a fresh snapshot, or it is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.dialect import FIX44, Dialect
from sor_gateway.fix.message import Message
from sor_gateway.translate.quotes import BookUpdate, QuoteTranslator
from sor_gateway.translate.venues import Unusable
from tests.translate.wording import DIALECTS, received, written

W = (
    "35=W|262=MD1|55=ACME|268=4|269=0|270=49.99|271=300|290=1|269=1|270=50.01|271=200|290=1|"
    "269=0|270=49.98|271=100|290=2|269=1|270=50.02|271=400|290=2|"
)
BIDS = [(49_990_000, 300), (49_980_000, 100)]
ASKS = [(50_010_000, 200), (50_020_000, 400)]


def feed(*texts: str) -> QuoteTranslator:
    quotes = QuoteTranslator(FIX44)
    quotes.subscribe(["ACME", "ZED"])
    for text in texts:
        quotes.to_book(received(text))
    return quotes


def after(update: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The book of ACME after W and one X of these entries."""
    return feed(W, f"35=X|262=MD1|{update}").levels("ACME")


class TestRequest:
    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_asks_for_both_sides_and_updates(self, dialect: Dialect) -> None:
        (request,) = QuoteTranslator(dialect, depth=5).subscribe(["ACME", "ZED"])
        assert written(request, dialect) == (
            "35=V|262=MD1|263=1|264=5|265=1|267=2|269=0|269=1|146=2|55=ACME|55=ZED|"
        )

    def test_full_refresh_only(self) -> None:
        (request,) = QuoteTranslator(FIX44, incremental=False).subscribe(["ACME"])
        assert "|264=0|265=0|" in written(request)

    def test_each_connection_has_a_new_id(self) -> None:
        quotes = feed()
        (request,) = quotes.subscribe(["ACME"])
        assert (262, "MD2") in request.fields

    def test_no_symbols_no_request(self) -> None:
        assert QuoteTranslator(FIX44).subscribe([]) == []


class TestSnapshot:
    def test_makes_the_book(self) -> None:
        quotes = feed()
        assert quotes.to_book(received(W)) == [BookUpdate("ACME", BIDS, ASKS)]
        assert quotes.levels("ACME") == (BIDS, ASKS)
        assert quotes.levels("ZED") == ([], [])

    def test_replaces_the_book(self) -> None:
        quotes = feed(W, "35=W|262=MD1|55=ACME|268=1|269=0|270=50|271=7|")
        assert quotes.levels("ACME") == ([(50_000_000, 7)], [])

    def test_equal_prices_add_up(self) -> None:
        entries = "269=0|278=a|270=50|271=7|269=0|278=b|270=50.0|271=3|"
        assert feed(f"35=W|262=MD1|55=ACME|268=2|{entries}").levels("ACME")[0] == [(50_000_000, 10)]

    def test_trades_are_no_part_of_it(self) -> None:
        assert feed("35=W|262=MD1|55=ACME|268=1|269=2|270=50|271=7|").levels("ACME") == ([], [])

    def test_a_duplicate_never_touches_the_book(self) -> None:
        quotes = feed()
        assert quotes.to_book(received(W, extra="43=Y|122=20260105-14:29:00|")) == []
        assert quotes.levels("ACME") == ([], [])

    def test_of_an_older_request_is_ignored(self) -> None:
        quotes = feed(W)
        quotes.subscribe(["ACME"])
        assert quotes.to_book(received(W)) == []
        assert quotes.levels("ACME") == ([], [])

    def test_a_broken_one_leaves_no_book(self) -> None:
        quotes = feed(W)
        result = quotes.to_book(received(W.replace("270=50.02", "270=x")))
        assert result == [BookUpdate("ACME", [], [])]
        assert quotes.dropped == 1
        assert quotes.levels("ACME") == ([], [])

    def test_of_an_unknown_symbol_is_unusable(self) -> None:
        assert isinstance(feed().to_book(received(W.replace("ACME", "WHO"))), Unusable)


class TestIncrement:
    def test_before_a_snapshot_means_nothing(self) -> None:
        quotes = feed()
        update = received("35=X|262=MD1|268=1|279=0|269=0|55=ACME|270=50|271=1|")
        assert quotes.to_book(update) == []
        assert quotes.levels("ACME") == ([], [])

    def test_new_change_delete_by_price(self) -> None:
        bids, asks = after(
            "268=3|279=0|269=0|55=ACME|270=50|271=50|279=1|269=0|270=49.99|271=250|"
            "279=2|269=1|270=50.01|271=200|"
        )
        assert bids == [(50_000_000, 50), (49_990_000, 250), (49_980_000, 100)]
        assert asks == [(50_020_000, 400)]

    def test_by_id(self) -> None:
        snapshot = "35=W|262=MD1|55=ACME|268=2|269=0|278=a|270=50|271=7|269=0|278=b|270=50|271=3|"
        moved = "35=X|262=MD1|268=1|279=1|269=0|278=a|55=ACME|270=49|"
        assert feed(snapshot, moved).levels("ACME")[0] == [(50_000_000, 3), (49_000_000, 7)]
        gone = "35=X|262=MD1|268=1|279=2|278=b|55=ACME|"
        assert feed(snapshot, gone).levels("ACME")[0] == [(50_000_000, 7)]

    def test_by_position(self) -> None:
        bids, asks = after("268=2|279=1|269=0|55=ACME|271=111|290=2|279=2|269=1|290=1|")
        assert bids == [(49_990_000, 300), (49_980_000, 111)]
        assert asks == [(50_020_000, 400)]

    def test_a_size_of_0_deletes(self) -> None:
        assert after("268=1|279=1|269=1|55=ACME|270=50.01|271=0|")[1] == [(50_020_000, 400)]

    def test_a_delete_of_nothing_changes_nothing(self) -> None:
        assert after("268=1|279=2|269=1|55=ACME|270=77|") == (BIDS, ASKS)

    def test_reports_every_symbol_once(self) -> None:
        quotes = feed(W, W.replace("ACME", "ZED"))
        update = "279=0|269=0|55=ACME|270=50|271=1|279=0|269=0|55=ZED|270=50|271=2|"
        more = "279=0|269=0|55=ACME|270=50.001|271=3|"
        books = quotes.to_book(received(f"35=X|262=MD1|268=3|{update}{more}"))
        assert isinstance(books, list)
        assert [(book.symbol, book.bids[0]) for book in books] == [
            ("ACME", (50_001_000, 3)),
            ("ZED", (50_000_000, 2)),
        ]

    def test_a_contradiction_drops_the_book_until_the_next_snapshot(self) -> None:
        quotes = feed(W)
        broken = quotes.to_book(received("35=X|262=MD1|268=1|279=1|269=0|55=ACME|270=51|"))
        assert broken == [BookUpdate("ACME", [], [])]
        quotes.to_book(received("35=X|262=MD1|268=1|279=0|269=0|55=ACME|270=51|271=1|"))
        assert quotes.levels("ACME") == ([], [])
        quotes.to_book(received(W))
        assert quotes.levels("ACME") == (BIDS, ASKS)


class TestRefusal:
    def test_says_why(self) -> None:
        result = feed().to_book(received("35=Y|262=MD1|281=4|58=no books here|"))
        assert result == Unusable(
            "market data refused, 281=4 (unsupported subscription type): no books here"
        )


PRICES = st.integers(1, 30)
ENTRIES = st.tuples(st.sampled_from("012"), st.sampled_from("01"), PRICES, st.integers(1, 9))


class TestAgainstASimpleBook:
    @given(st.lists(ENTRIES, max_size=40))
    def test_any_sequence_gives_the_book_that_a_dictionary_gives(
        self, entries: list[tuple[str, str, int, int]]
    ) -> None:
        quotes = feed("35=W|262=MD1|55=ACME|268=0|")
        simple: dict[str, dict[int, int]] = {"0": {}, "1": {}}
        for action, side, price, size in entries:
            text = f"35=X|262=MD1|268=1|279={action}|269={side}|55=ACME|270={price}|271={size}|"
            quotes.to_book(received(text))
            if action == "2":
                simple[side].pop(price, None)
            else:
                simple[side][price] = size
        bids, asks = quotes.levels("ACME")
        assert bids == [(p * 1_000_000, s) for p, s in sorted(simple["0"].items(), reverse=True)]
        assert asks == [(p * 1_000_000, s) for p, s in sorted(simple["1"].items())]

    @given(st.lists(st.tuples(st.integers(260, 292), st.text("0129.x", min_size=1)), max_size=12))
    def test_nothing_raises(self, fields: list[tuple[int, str]]) -> None:
        quotes = feed(W)
        result = quotes.to_book(Message("X", [(262, "MD1"), (268, "3"), *fields]))
        assert isinstance(result, list | Unusable)
