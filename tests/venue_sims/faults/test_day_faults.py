"""Faults of the day, of market data and of memory: the venue's own shell, on virtual time."""

from __future__ import annotations

import pytest

from sor_gateway.fix import events
from sor_gateway.fix.values import price_to_text, text_to_price
from tests.harness.loop import SECOND
from tests.venue_sims.faults.client import Client, Floor
from venue_sims.config import VenueFile

SYMBOLS = 4
"""Of the shipped market."""


def statuses(client: Client, symbol: str = "ACME") -> list[str]:
    return [m[326] for m in client.received if m[35] == "f" and m[55] == symbol]


class TestF15Halt:
    def test_a_symbol_halts_refuses_and_resumes(self) -> None:
        halt = {"at_s": 1, "symbol": "ACME", "reason": "news", "resume_s": 2}
        floor = Floor({"halt": halt})
        client = floor.client()
        floor.rest(client, "C1", 1.5)
        floor.rest(client, "C2")
        assert [each[39] for each in client.reports("C2")] == ["8"]
        assert client.reports("C2")[0][58] == "H: ACME is halted: news"
        floor.run(2)
        floor.rest(client, "C3")
        assert [each[39] for each in client.reports("C3")] == ["0"]
        assert [each[39] for each in client.reports("C1")] == ["0"], "open orders stay"
        assert statuses(client)[-2:] == ["2", "3"]

    def test_it_may_take_orders_out(self) -> None:
        floor = Floor({"halt": {"at_s": 1, "cancels": True}})
        client = floor.client()
        floor.rest(client, "C1", 1.5)
        assert [each[39] for each in client.reports("C1")] == ["0", "4"]
        assert len(floor.venue.server.venue.state.halted) == SYMBOLS


class TestF16Luld:
    def test_bands_then_a_pause_then_trading(self) -> None:
        floor = Floor({"luld": {"at_s": 1, "symbol": "ACME", "band_bps": 100}})
        client = floor.client()
        floor.run(320)
        assert statuses(client)[-3:] == ["6", "2", "3"]
        bands = next(m for m in client.received if m[35] == "f" and m[326] == "6")
        assert float(bands[333]) < floor.bid / 1e6 < floor.ask / 1e6 < float(bands[332])
        assert float(bands[332]) - float(bands[333]) == pytest.approx(1.0, abs=0.03)


class TestF17Session:
    def test_day_orders_expire_and_none_is_taken_until_it_opens_again(self) -> None:
        floor = Floor({"session": {"at_s": 1, "reopen_s": 2}})
        client = floor.client()
        floor.rest(client, "C1", 1.5)
        floor.rest(client, "C2")
        assert [each[39] for each in client.reports("C1")] == ["0", "C"]
        assert [each[39] for each in client.reports("C2")] == ["8"]
        floor.run(2)
        floor.rest(client, "C3")
        assert [each[39] for each in client.reports("C3")] == ["0"]
        assert [m[340] for m in client.received if m[35] == "h"][-2:] == ["3", "2"]


def alive(file: VenueFile) -> None:
    """The house moves: its quotes change all the time."""
    file.house.refill_s, file.house.churn = 0.2, 1.0


def ask(client: Client, kind: str) -> None:
    """For the book of ACME, once ("0") or for good ("1")."""
    types = [(269, "0"), (269, "1"), (146, "1"), (55, "ACME")]
    client.send("V", {262: "R", 263: kind, 264: "5", 265: "1", 267: "2"}, types)


def subscribed(floor: Floor) -> Client:
    client = floor.client("SORMD")
    ask(client, "1")
    floor.run(0.2)
    return client


class TestF19MarketData:
    def test_silence_without_a_lost_heartbeat(self) -> None:
        floor = Floor({"md_silent": {"at_s": 5, "for_s": 20}}, change=alive)
        client = subscribed(floor)
        floor.run(5)
        before = len(client.received)
        floor.run(19)
        assert before > 3
        assert len(client.received) == before
        assert client.session.logged_on
        floor.run(3)
        assert len(client.received) > before
        assert floor.struck("md_silent") == 1

    def test_a_book_that_stands_still(self) -> None:
        floor = Floor({"stale_md": {"at_s": 2}}, change=alive)
        client = subscribed(floor)
        floor.run(4)
        client.received.clear()
        taker = floor.client()
        floor.take(taker, "C1", 3)
        assert [each[150] for each in taker.reports("C1")] == ["0", "F"]
        assert len(client.received) >= 3, "it goes on to be published"
        assert {m[35] for m in client.received} == {"W"}

    def test_bids_above_the_offers(self) -> None:
        floor = Floor({"crossed": {"ticks": 2}})
        client = floor.client("SORMD")
        client.send(
            "V",
            {262: "R", 263: "0", 264: "1", 267: "2"},
            [(269, "0"), (269, "1"), (146, "1"), (55, "ACME")],
        )
        floor.run(0.2)
        snapshot = next(e for e in client.events if isinstance(e, events.AppReceived))
        levels = [
            (each[269], text_to_price(each[270])) for each in snapshot.message.group(268, 269)
        ]
        bids = [price for side, price in levels if side == "0"]
        offers = [price for side, price in levels if side == "1"]
        assert bids[0] == offers[0] + 20_000
        assert bids == sorted(bids, reverse=True)

    def test_updates_that_are_missing_leave_no_gap_in_numbers(self) -> None:
        floor = Floor({"md_gap": {"p": 0.5}})
        client, bidder = subscribed(floor), floor.client()
        for number in range(20):
            bidder.send("D", {11: f"C{number}", 44: price_to_text(floor.bid)})
            floor.run(0.2)
        updates = sum(message[35] == "X" for message in client.received)
        assert 0 < floor.struck("md_gap") < 20
        assert updates == 20 - floor.struck("md_gap")
        assert not [event for event in client.events if isinstance(event, events.Skipped)]
        assert client.session.logged_on


def restarted(lose: str, reset: str = "none", **more: object) -> tuple[Floor, Client]:
    """The client has an order that rests and one that was filled; then the venue died, and the
    client has logged on again, or tried to."""
    floor = Floor({"restart": {"at_s": 2, "down_ms": 500, "lose": lose, "reset": reset, **more}})
    client = floor.client()
    floor.rest(client, "C1")
    floor.take(client, "C2")
    floor.run(2)
    assert client.line is None
    floor.run(0.5)
    client.dial()
    floor.run(0.5)
    return floor, client


def status(floor: Floor, client: Client, cl_ord_id: str) -> dict[int, str]:
    client.received.clear()
    client.send("H", {11: cl_ord_id})
    floor.run(0.5)
    return client.reports(cl_ord_id)[-1]


class TestF27Restart:
    def test_with_nothing_lost_it_goes_on(self) -> None:
        floor, client = restarted("nothing")
        assert status(floor, client, "C1")[39] == "0"
        assert status(floor, client, "C2")[39] == "2"
        assert floor.struck("restart") == 1, "once, over all its lives"

    @pytest.mark.parametrize("lose", ["orders", "all"])
    def test_orders_that_are_forgotten_are_not_known(self, lose: str) -> None:
        floor, client = restarted(lose)
        assert client.session.logged_on
        assert status(floor, client, "C1")[58] == "O: unknown order"
        ledger = floor.venue.server.venue.state.clients["SOR-FIX.4.4"].ledger
        assert ledger.shares == 100, "what was told remains in the books"

    def test_numbers_that_begin_again_with_141(self) -> None:
        _, client = restarted("all", "141")
        assert client.session.logged_on
        assert client.session.numbers.epoch == 2

    def test_numbers_that_are_low_as_if_nothing_were_wrong(self) -> None:
        _, client = restarted("all", "low")
        assert not client.session.logged_on
        codes = [event.code for event in client.events if isinstance(event, events.Incident)]
        assert any("low" in code for code in codes), codes

    def test_what_came_in_is_asked_for_again(self) -> None:
        _, client = restarted("inbound", "low", back=2)
        asked = [event for event in client.events if isinstance(event, events.ReplayWanted)]
        assert len(asked) == 1

    def test_reports_that_were_sent_are_gap_filled(self) -> None:
        floor = Floor(
            {
                "disconnect": {"during": "fill", "count": 1},
                "restart": {"at_s": 2, "down_ms": 100, "lose": "outbound"},
            }
        )
        client = floor.client()
        floor.take(client, "C1")
        floor.run(3)
        client.dial()
        floor.run(0.5)
        assert [each[150] for each in client.reports("C1")] == ["0"]
        assert status(floor, client, "C1")[14] == "100", "the order is known, and says what it did"

    def test_trades_that_nobody_was_told_of_never_were(self) -> None:
        floor = Floor({"restart": {"at_s": 2, "lose": "orders"}})
        client = floor.client()
        floor.run(1)
        client.send("D", {11: "C1", 44: "60.00"})  # its report has not left when the venue dies

        def slow(now: int) -> None:
            floor.venue.server.venue.trading.latency.settings.out_us = 10_000_000

        floor.venue.server.operate("slow", slow)
        floor.run(3)
        ledger = floor.venue.server.venue.state.clients["SOR-FIX.4.4"].ledger
        assert (ledger.executions, ledger.shares, ledger.fees_micros) == (0, 0, 0)
        assert floor.loop.now_ns > SECOND
