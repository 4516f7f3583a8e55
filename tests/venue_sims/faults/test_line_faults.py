"""Faults of the line and of what stands on it: the venue's own shell, on virtual time."""

from __future__ import annotations

import pytest

from sor_gateway.fix import events
from sor_gateway.fix.values import parse_utc_timestamp
from tests.harness.loop import SECOND
from tests.venue_sims.faults.client import MS, Client, Floor
from venue_sims.config import VenueFile
from venue_sims.facts import TradeDenied
from venue_sims.throttle import Style, ThrottleSettings


def incidents(client: Client) -> list[str]:
    return [event.code for event in client.events if isinstance(event, events.Incident)]


def up(client: Client) -> bool:
    return client.session.logged_on


def said(client: Client, cl_ord_id: str) -> list[str]:
    return [each[150] for each in client.reports(cl_ord_id)]


class TestF1Disconnect:
    @pytest.mark.parametrize("mode", ["rst", "fin"])
    @pytest.mark.parametrize("part", ["none", "half"])
    def test_during_a_fill_that_is_booked_and_not_told(self, mode: str, part: str) -> None:
        floor = Floor({"disconnect": {"during": "fill", "mode": mode, "part": part, "count": 1}})
        client = floor.client()
        floor.take(client, "C1")
        assert "F" not in said(client, "C1")
        assert len(client.lost) == 1
        order = floor.venue.server.venue.state.order_meant("SOR-FIX.4.4", "C1")
        assert order is not None
        assert order.cum_quantity == 100
        client.dial()
        floor.run(0.5)
        assert said(client, "C1")[-1] == "F"  # asked for, it comes with 43=Y
        assert client.reports("C1")[-1][43] == "Y"
        assert floor.struck("disconnect") == 1

    def test_by_itself_with_a_logout_and_then_down_for_a_while(self) -> None:
        floor = Floor({"disconnect": {"at_s": 1, "mode": "logout", "down_ms": 2_000}})
        client = floor.client()
        floor.run(1)
        assert client.session.state.value == "disconnected"
        assert [type(event) for event in client.events].count(events.LoggedOut) == 1
        client.dial()
        floor.run(0.5)
        assert len(client.lost) == 2, "it takes no connection"
        floor.run(1.5)
        client.dial()
        floor.run(0.5)
        assert up(client)

    def test_every_so_often_and_only_the_session_that_is_meant(self) -> None:
        fault = {"at_s": 1, "every_s": 1, "count": 3, "session": "SORMD"}
        floor = Floor({"disconnect": fault})
        orders, quotes = floor.client(), floor.client("SORMD")
        for _ in range(5):
            floor.run(1)
            if quotes.line is None:
                quotes.dial()
        assert (len(orders.lost), len(quotes.lost)) == (0, 3)


class TestF2CancelOnDisconnect:
    def test_day_orders_go_after_the_grace_and_the_report_waits(self) -> None:
        floor = Floor({"cod": {"grace_ms": 1_000}, "disconnect": {"at_s": 2}})
        client = floor.client()
        floor.rest(client, "C1")
        floor.run(4)
        assert said(client, "C1") == ["0"]
        client.dial()
        floor.run(0.5)
        last = client.reports("C1")[-1]
        assert (last[150], last[378], last[58]) == ("4", "7", "z: cancelled on disconnect")

    def test_who_is_back_in_time_keeps_its_orders(self) -> None:
        floor = Floor({"cod": {"grace_ms": 1_000}, "disconnect": {"at_s": 2}})
        client = floor.client()
        floor.rest(client, "C1", 2)
        client.dial()
        floor.run(3)
        assert said(client, "C1") == ["0"]


def throttled(style: Style) -> tuple[Floor, Client]:
    """Three orders at once, where two a second pass."""

    def change(file: VenueFile) -> None:
        file.throttle = ThrottleSettings(2, 1_000, style)

    floor = Floor({}, change=change)
    client = floor.client()
    for number in range(3):
        floor.rest(client, f"C{number}", 0)
    floor.run(0.5)
    return floor, client


class TestF11Throttle:
    def test_refused_by_an_execution_report(self) -> None:
        _, client = throttled(Style.REJECT)
        assert [said(client, f"C{number}") for number in range(3)] == [["0"], ["0"], ["8"]]

    def test_refused_by_a_business_reject(self) -> None:
        _, client = throttled(Style.BUSINESS_REJECT)
        assert said(client, "C2") == []
        (reject,) = [
            event.message for event in client.events if isinstance(event, events.PeerRejected)
        ]
        assert (reject.msg_type, reject[372], reject[58][:2]) == ("j", "D", "K:")

    def test_dealt_with_when_the_window_allows(self) -> None:
        floor, client = throttled(Style.QUEUE)
        assert said(client, "C2") == []
        floor.run(1)
        assert said(client, "C2") == ["0"]

    def test_dropped_with_the_line(self) -> None:
        floor, client = throttled(Style.DROP)
        assert len(client.lost) == 1
        client.dial()
        floor.run(1)
        assert said(client, "C2") == []

    def test_a_cancel_is_never_held_back(self) -> None:
        floor, client = throttled(Style.QUEUE)
        client.send("F", {11: "X1", 41: "C0"})
        floor.run(0.2)
        assert client.reports("X1") == [], "it stands behind the order that came before it"
        floor.run(1)
        assert [each[39] for each in client.reports("X1")] == ["4"]


class TestF12Numbers:
    def test_a_gap_is_asked_for_and_filled(self) -> None:
        floor = Floor({"seq_gap": {"skip_n": 3, "count": 1}})
        client = floor.client()
        floor.take(client, "C1")
        assert said(client, "C1") == ["0", "F"]
        skipped = [event for event in client.events if isinstance(event, events.Skipped)]
        assert [(event.begin, event.end) for event in skipped] == [(2, 4)]

    def test_a_number_that_was_used_ends_the_session(self) -> None:
        floor = Floor({"seq_low": {"count": 1}})
        client = floor.client()
        floor.take(client, "C1")
        assert "number-too-low" in incidents(client) or client.line is None
        assert not up(client)
        assert floor.struck("seq_low") == 1


def gap(faults: dict[str, dict[str, object]]) -> tuple[Floor, Client]:
    """A fill was cut off, and the client has dialled again and asked for it."""
    cut: dict[str, object] = {"during": "fill", "count": 1}
    floor = Floor({"disconnect": cut, **faults})
    client = floor.client()
    floor.take(client, "C1")
    client.dial()
    floor.run(0.5)
    return floor, client


class TestF13Resends:
    def test_ignored_once_they_come_when_asked_again(self) -> None:
        floor, client = gap({"resend_ignored": {"count": 1}})
        assert "F" not in said(client, "C1")
        floor.run(40)  # the client asks once more by itself
        assert said(client, "C1")[-1] == "F"

    def test_a_gap_fill_that_goes_too_far_swallows_what_follows(self) -> None:
        wrong: dict[str, object] = {"by": 1, "count": 1}
        floor = Floor({"seq_gap": {"skip_n": 3, "count": 1}, "gapfill_wrong": wrong})
        client = floor.client()
        floor.take(client, "C1")
        assert said(client, "C1") == ["F"]
        hints = [event for event in client.events if isinstance(event, events.Hint)]
        assert {hint.message[150] for hint in hints} == {"0"}
        assert up(client)

    def test_a_resend_followed_by_the_originals(self) -> None:
        floor, client = gap({"resend_fresh_dup": {}})
        assert said(client, "C1").count("F") == 1
        assert floor.struck("resend_fresh_dup") == 1
        assert not up(client)  # a number too low without 43


class TestF14Stalls:
    def test_what_is_not_read_is_answered_later(self) -> None:
        floor = Floor({"slow_consumer": {"at_s": 1, "ms": 3_000}})
        client = floor.client()
        floor.run(1)
        floor.take(client, "C1", 2.5)
        assert client.reports("C1") == []
        floor.run(1)
        assert said(client, "C1") == ["0", "F"]
        assert client.lost == []

    def test_what_is_not_written_comes_later_and_in_order(self) -> None:
        floor = Floor({"tcp_stall": {"at_s": 1, "ms": 3_000}})
        client = floor.client()
        floor.run(1)
        floor.take(client, "C1", 2.5)
        assert client.reports("C1") == []
        floor.run(1)
        assert said(client, "C1") == ["0", "F"]

    def test_a_line_that_is_not_up_keeps_nobody_awake_behind_a_stall(self) -> None:
        floor = Floor({"tcp_stall": {"at_s": 1, "ms": 100}})
        floor.run(2)  # sessions without a line are meant too
        assert floor.struck("tcp_stall") == 1
        assert floor.venue.server.lines.next_deadline() is None


class TestF18ClockSkew:
    def test_all_stamps_are_off_and_drift(self) -> None:
        floor = Floor({"clock_skew": {"ms": -40_000, "drift_ppm": 100_000}})
        client = floor.client()
        floor.run(10)
        floor.take(client, "C1")
        (_, fill) = client.reports("C1")
        for tag in (52, 60):
            off = parse_utc_timestamp(fill[tag]) - floor.loop.now_ns
            assert abs(off + 39 * SECOND) < SECOND  # 40 s behind, and 1 s gained in 10
        assert floor.struck("clock_skew") == 1

    def test_a_clock_beyond_the_tolerance_ends_the_session(self) -> None:
        floor = Floor({"clock_skew": {"ms": 130_000, "at_s": 1}})
        client = floor.client()
        floor.run(10)
        assert not up(client)


class TestF21Garbled:
    @pytest.mark.parametrize("kind", ["checksum", "length"])
    def test_what_cannot_be_read_is_asked_for_again(self, kind: str) -> None:
        floor = Floor({"garbled": {"kind": kind, "count": 1}})
        client = floor.client()
        floor.take(client, "C1")
        assert "garbled" in incidents(client)
        assert said(client, "C1") == ["0", "F"]
        assert client.reports("C1")[0][43] == "Y"

    @pytest.mark.parametrize("kind", ["missing_tag", "unknown_tag", "empty_tag"])
    def test_what_breaks_the_dictionary_is_rejected_by_who_validates(self, kind: str) -> None:
        floor = Floor({"garbled": {"kind": kind, "count": 1}})
        client = floor.client()
        floor.take(client, "C1")
        assert said(client, "C1") == ["F"]
        assert up(client)


class TestF24LogonFail:
    def test_so_many_logons_are_refused_with_a_text(self) -> None:
        floor = Floor({"logon_fail": {"count": 2, "text": "wrong password"}})
        client = floor.client()
        for lost in (1, 2):
            assert not up(client)
            assert len(client.lost) == lost
            client.dial()
            floor.run(0.1)
        assert up(client)
        floor.take(client, "C1")
        assert said(client, "C1") == ["0", "F"]


class TestF25Pieces:
    def test_one_message_in_many_pieces(self) -> None:
        floor = Floor({"partial_write": {"chunk": 5, "gap_ms": 2}})
        client = floor.client()
        floor.run(1)
        floor.take(client, "C1", 3)
        assert said(client, "C1") == ["0", "F"]
        assert max(length for _, length in client.arrivals) == 5

    def test_many_messages_in_one(self) -> None:
        floor = Floor({"partial_write": {"chunk": 0, "hold_ms": 500, "at_s": 1}})
        client = floor.client()
        floor.run(1)
        began = floor.loop.now_ns
        floor.take(client, "C1", 2)
        assert said(client, "C1") == ["0", "F"]
        first = next(at for at, _ in client.arrivals if at > began)
        assert first - began >= 500 * MS


class TestF28ExecutesQueue:
    @pytest.mark.parametrize("faults", [{}, {"executes_queue": {}}])
    def test_an_order_that_was_gap_filled_away(self, faults: dict[str, dict[str, object]]) -> None:
        floor = Floor(faults)
        client = floor.client()
        client.session.numbers.next_out += 1  # a message that nobody will ever see
        client.send("D", {11: "C1", 44: "1.00"})
        client._stored.clear()  # the client does not stand by its order
        floor.run(1)
        assert (client.reports("C1") != []) is bool(faults)
        assert floor.struck("executes_queue") == len(faults)


class TestF29HalfOpen:
    def test_the_venue_forgets_the_line_and_takes_another(self) -> None:
        floor = Floor({"half_open": {"at_s": 1}})
        client = floor.client()
        floor.run(1.5)
        assert client.lost == [], "it does not know"
        client.send("D", {11: "C1", 44: "1.00"})
        floor.run(1)
        assert client.reports("C1") == []
        floor.run(14)  # 2.4 heartbeat intervals of silence
        assert not up(client)
        client.dial()
        floor.run(1)
        assert up(client)
        assert said(client, "C1") == ["0"]  # the venue asked for it


class TestF30:
    def test_reports_that_are_asked_for_are_gap_filled(self) -> None:
        floor, client = gap({"resend_gap_filled": {}})
        assert "F" not in said(client, "C1")
        assert up(client)
        expected = floor.venue.server.orders["SOR-FIX.4.4"].session.numbers.next_out
        assert client.session.numbers.next_in == expected
        floor.take(client, "C2")
        assert said(client, "C2") == ["0", "F"]


def test_a_trade_that_a_client_denies_is_on_record() -> None:
    floor = Floor({"overfill": {"count": 1}})
    client = floor.client()
    floor.take(client, "C1")
    fill = client.reports("C1")[-1]
    denial = {37: fill[37], 17: fill[17], 127: "C", 55: "ACME", 54: "1", 38: 100, 58: "too much"}
    client.send("Q", {**denial, 32: fill[32], 31: fill[31]})
    floor.run(0.2)
    assert client.session.logged_on
    (fact,) = floor.facts(TradeDenied)
    assert (fact.order_id, fact.exec_id) == (fill[37], fill[17])
    assert (fact.reason, fact.text) == ("C", "too much")
