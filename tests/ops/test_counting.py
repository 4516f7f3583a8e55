"""What is counted while the gateway works, through the whole desk."""

from __future__ import annotations

import ast

import pytest

from sor_gateway.daemon.counters import ALARM_CODES, MSG_TYPES, SessionCounters
from sor_gateway.fix.store import Consumed
from tests.daemon.venue import Manners, Venue
from tests.ops.scraping import ROOT, new_desk, scrape, submit

SECOND = 1_000_000_000


class TestOrders:
    def test_a_filled_order(self) -> None:
        venue = Venue()
        desk = new_desk(venue)
        submit(desk, "A1", 300)
        desk.run(20)
        seen = scrape(desk)
        shares = sum(each for _, _, each in venue.executions)
        assert shares == 300
        assert seen.value("sor_filled_shares_total", venue="exchange") == shares
        assert seen.value("sor_fills_total", venue="exchange") == len(venue.executions)
        assert seen.value("sor_filled_shares_total", venue="dark-a") == 0
        sent = seen.value("sor_children_sent_total", venue="exchange")
        assert sent == len(venue.orders) > 0
        assert seen.value("sor_children_ended_total", venue="exchange", state="filled") == sent
        assert seen.value("sor_parents_ended_total", state="filled") == 1
        assert seen.value("sor_parents", state="working") == 0
        assert seen.value("sor_decisions_total", kind="child-planned") == sent
        assert seen.value("sor_waves_total", stage="lit") >= 1
        assert seen.value("sor_child_answer_seconds_count", venue="exchange") == sent
        assert seen.value("sor_child_round_trip_seconds_count", venue="exchange") == sent
        assert 0 < seen.value("sor_venue_score", venue="exchange") <= 10
        assert seen.value("sor_venue_cost_dollars", venue="exchange") > 0
        assert 0 < seen.value("sor_venue_share", venue="exchange", what="filled") <= 1
        assert seen.value("sor_venue_share", venue="exchange", what="rejected") == 0
        assert seen.value("sor_venue_answer_seconds", venue="exchange", percentile="50") > 0
        assert seen.value("sor_venue_first_fill_seconds", venue="exchange") > 0

    def test_an_open_order_and_its_child(self) -> None:
        desk = new_desk(Venue())
        desk.peers["exchange"].on_message = lambda *_: None
        submit(desk, "A1", 300)
        desk.run(5)
        seen = scrape(desk)
        assert seen.value("sor_parents", state="working") == 1
        assert seen.value("sor_children", venue="exchange", state="pending-new") == 1
        assert seen.value("sor_children", venue="exchange", state="live") == 0
        assert seen.value("sor_child_answer_seconds_count", venue="exchange") == 0

    def test_rejects_by_venue(self) -> None:
        venue = Venue()
        venue.manners = Manners(rejects=1.0)
        desk = new_desk(venue)
        submit(desk, "A1", 300)
        desk.run(20)
        seen = scrape(desk)
        rejected = seen.value("sor_children_ended_total", venue="exchange", state="rejected")
        assert rejected == len(venue.orders) > 0
        assert seen.value("sor_alarms_total", code="child-rejected") == rejected

    def test_the_throttle_empties_by_what_is_sent(self) -> None:
        desk = new_desk(Venue())
        desk.peers["exchange"].on_message = lambda *_: None
        full = scrape(desk).value("sor_venue_throttle_tokens", venue="exchange")
        submit(desk, "A1", 300)
        desk.run(2)
        left = scrape(desk).value("sor_venue_throttle_tokens", venue="exchange")
        assert full == desk.configuration.router.venues["exchange"].orders_per_second
        assert left == full - 1


class TestDoubts:
    def test_their_number_and_the_age_of_the_oldest(self) -> None:
        venue = Venue()
        venue.unanswered_status = True
        venue.manners = Manners(voiceless=1.0)
        desk = new_desk(venue)
        submit(desk, "A1", 100)
        desk.run(5)
        assert scrape(desk).value("sor_children_in_doubt", venue="exchange") == 0
        timeout_ns = desk.configuration.router.answer_timeout_ns
        desk.run(1, timeout_ns + 10_000_000)  # asked about, and so in doubt, from here on
        desk.run(1, 3 * SECOND)
        seen = scrape(desk)
        assert seen.value("sor_children_in_doubt", venue="exchange") == 1
        assert seen.value("sor_oldest_doubt_age_seconds", venue="exchange") == 3
        assert seen.value("sor_alarms_total", code="child-doubted") == 1
        assert seen.value("sor_children_in_doubt", venue="dark-a") == 0
        assert seen.value("sor_oldest_doubt_age_seconds", venue="dark-a") == 0

    def test_what_a_venue_never_reported_is_counted_at_that_venue(self) -> None:
        """Booked from the venue's total: the report names no market that the venue has."""
        venue = Venue()
        desk = new_desk(venue)
        desk.peers["exchange"].on_message = lambda *_: None
        submit(desk, "A1", 300)
        desk.run(5)
        (child_id,) = desk.engine.router.state.venues["exchange"].children
        body = [(37, "V"), (11, child_id), (17, "R1"), (150, "4"), (39, "4"), (55, "ACME")]
        body += [(54, "2"), (38, "300"), (151, "0"), (14, "120"), (6, "50")]
        desk.peers["exchange"].send("8", body, desk.now)
        desk.run(3)
        seen = scrape(desk)
        assert seen.value("sor_filled_shares_total", venue="exchange") == 120
        assert seen.value("sor_alarms_total", code="unreported-fill") == 1


class TestSessions:
    def test_messages_by_type(self) -> None:
        venue = Venue()
        desk = new_desk(venue)
        submit(desk, "A1", 300)
        desk.run(20)
        seen = scrape(desk)
        client = {"session": "EMS", "kind": "client"}
        exchange = {"session": "exchange", "kind": "venue"}
        assert seen.value("sor_session_received_messages_total", msg_type="D", **client) == 1
        orders = len(venue.orders)
        assert seen.value("sor_session_sent_messages_total", msg_type="D", **exchange) == orders
        assert seen.value("sor_session_sent_messages_total", msg_type="A", **exchange) == 1
        assert seen.value("sor_session_logons_total", **exchange) == 1
        data = {"session": "exchange-md", "kind": "market-data"}
        assert seen.value("sor_session_sent_messages_total", msg_type="V", **data) >= 1
        assert seen.value("sor_session_received_messages_total", msg_type="W", **data) >= 1
        assert seen.value("sor_session_logons_total", **data) == 1

    def test_those_of_a_disabled_venue_are_left_out(self) -> None:
        """Nobody need be told that they are down."""
        desk = new_desk(Venue(), environment={"SOR__VENUES__ECN__ENABLED": "false"})
        sessions = {
            each.labels["session"] for each in scrape(desk).families["sor_session_up"].samples
        }
        assert {"EMS", "exchange", "exchange-md", "inverted", "inverted-md"} <= sessions
        assert not {"ecn", "ecn-md"} & sessions

    def test_what_a_peer_invents_is_added_up(self) -> None:
        counters = SessionCounters()
        counters.count([Consumed(n, b"", f"U{n}", 1) for n in range(1, 1_001)], [])
        assert counters.received["other"] == 1_000
        assert set(counters.received) == set(MSG_TYPES)

    def test_a_gap_in_the_numbers_of_a_peer(self) -> None:
        desk = new_desk(Venue())
        peer = desk.peers["EMS"]
        peer.session.numbers.next_out += 3
        submit(desk, "A1", 300)
        desk.run(10)
        labels = {"session": "EMS", "kind": "client"}
        assert scrape(desk).value("sor_session_gaps_total", **labels) == 1

    def test_reports_wait_in_the_outbox_until_they_are_proved(self) -> None:
        desk = new_desk(Venue())
        submit(desk, "A1", 300)
        desk.run(3)
        assert scrape(desk).value("sor_session_outbox_reports", session="EMS") > 0
        desk.run(20, SECOND)
        assert scrape(desk).value("sor_session_outbox_reports", session="EMS") == 0


class TestJournal:
    def test_every_record_is_a_write(self) -> None:
        desk = new_desk(Venue())
        submit(desk, "A1", 300)
        desk.run(20)
        seen = scrape(desk)
        assert seen.value("sor_journal_records_total") == desk.engine.counters.records > 0
        assert seen.value("sor_journal_stalled") == 0

    def test_a_full_disk(self) -> None:
        desk = new_desk(Venue())
        desk.storage.full = True
        submit(desk, "A1", 300)
        desk.run(1)
        seen = scrape(desk)
        assert seen.value("sor_journal_stalled") == 1
        assert seen.value("sor_journal_stalls_total") >= 1
        assert seen.value("sor_ready") == 0


class TestRestart:
    def test_counts_begin_at_0_with_the_process(self) -> None:
        """Prometheus adds up over restarts: what the fold went through must not come again."""
        desk = new_desk(Venue())
        submit(desk, "A1", 300)
        desk.run(20)
        assert scrape(desk).value("sor_children_sent_total", venue="exchange") > 0
        desk.crash()
        seen = scrape(desk)
        assert seen.value("sor_children_sent_total", venue="exchange") == 0
        assert seen.value("sor_filled_shares_total", venue="exchange") == 0
        assert seen.value("sor_parents_ended_total", state="filled") == 0
        assert seen.value("sor_child_answer_seconds_count", venue="exchange") == 0


class TestAlarms:
    def test_every_code_of_the_program_is_exposed_from_the_start(self) -> None:
        written = {
            code
            for path in (ROOT / "sor_gateway").rglob("*.py")
            for code in alarm_codes(ast.parse(path.read_text()))
        }
        assert written == set(ALARM_CODES)
        seen = scrape(new_desk(Venue()))
        assert all(seen.value("sor_alarms_total", code=code) == 0 for code in ALARM_CODES)

    @pytest.mark.parametrize(
        "text", ['ledger.alarm(at_ns, "x", text, child)', 'Alarm(at_ns, "x", text)', 'c.alarm("x")']
    )
    def test_the_search_finds_all_ways_to_raise_one(self, text: str) -> None:
        assert alarm_codes(ast.parse(text)) == {"x"}


def alarm_codes(tree: ast.AST) -> set[str]:
    """The codes in calls of `alarm` and `Alarm`."""
    codes = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in ("alarm", "Alarm"):
            continue
        for argument in node.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                codes.add(argument.value)
                break
    return codes
