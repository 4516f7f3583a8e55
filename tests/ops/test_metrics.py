from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sor_gateway.histogram import DurationHistogram
from sor_gateway.ops.metrics import (
    LABELS_MAX,
    Exposition,
    JournalView,
    MetricsView,
    SessionView,
    VenueView,
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(view: MetricsView) -> Samples:
    """What Prometheus itself reads out of the text."""
    text = Exposition(lambda: view).text().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("sor_")
    }


class TestSessions:
    def test_each_has_its_own_series(self) -> None:
        view = MetricsView(
            sessions=[
                SessionView(
                    name="EMS",
                    kind="client",
                    up=True,
                    synchronised=True,
                    received={"D": 9, "0": 3, "F": 0},
                    sent={"8": 34},
                    logons=2,
                    gaps=5,
                    skips=1,
                    garbled=6,
                    buffered_bytes=78,
                    outbox=4,
                    incidents={"peer-silent": 2},
                ),
                SessionView("dark-a", "venue", up=True),
            ]
        )
        samples = scrape(view)
        ems = (("kind", "client"), ("session", "EMS"))
        dark = (("kind", "venue"), ("session", "dark-a"))
        assert samples["sor_session_up", ems] == 1
        assert samples["sor_session_synchronised", ems] == 1
        assert samples["sor_session_synchronised", dark] == 0
        orders = (("kind", "client"), ("msg_type", "D"), ("session", "EMS"))
        reports = (("kind", "client"), ("msg_type", "8"), ("session", "EMS"))
        assert samples["sor_session_received_messages_total", orders] == 9
        assert samples["sor_session_sent_messages_total", reports] == 34
        assert samples["sor_session_logons_total", ems] == 2
        assert samples["sor_session_gaps_total", ems] == 5
        assert samples["sor_session_skips_total", ems] == 1
        assert samples["sor_session_garbled_messages_total", ems] == 6
        assert samples["sor_session_buffered_bytes", ems] == 78
        code = (("code", "peer-silent"), ("session", "EMS"))
        assert samples["sor_session_incidents_total", code] == 2

    def test_a_message_type_that_never_came_has_no_series(self) -> None:
        view = MetricsView(sessions=[SessionView("EMS", "client", received={"D": 1, "F": 0})])
        types = {
            dict(labels)["msg_type"]
            for name, labels in scrape(view)
            if name == "sor_session_received_messages_total"
        }
        assert types == {"D"}

    def test_only_a_client_has_an_outbox(self) -> None:
        sessions = [SessionView("EMS", "client", outbox=0), SessionView("dark-a", "venue")]
        samples = scrape(MetricsView(sessions=sessions))
        outboxes = {key: value for key, value in samples.items() if "outbox" in key[0]}
        assert outboxes == {("sor_session_outbox_reports", (("session", "EMS"),)): 0}


class TestVenues:
    def test_trading_is_in_shares_and_dollars(self) -> None:
        venue = VenueView(
            name="exchange",
            fills=7,
            shares=1_900,
            fees_micros=-3_420_000,
            score=7.5,
            cost_micros=12_500,
            data_age_ns=1_500_000_000,
        )
        samples = scrape(MetricsView(venues=[venue]))
        here = (("venue", "exchange"),)
        assert samples["sor_fills_total", here] == 7
        assert samples["sor_filled_shares_total", here] == 1_900
        assert samples["sor_fees_dollars", here] == -3.42
        assert samples["sor_venue_score", here] == 7.5
        assert samples["sor_venue_cost_dollars", here] == 0.0125
        assert samples["sor_market_data_age_seconds", here] == 1.5

    def test_orders_there(self) -> None:
        venue = VenueView(
            name="exchange",
            children={"live": 3, "pending-new": 0},
            doubts=2,
            oldest_doubt_ns=4_000_000_000,
            sent=20,
            ended={"filled": 15, "rejected": 2},
            tokens=180,
        )
        samples = scrape(MetricsView(venues=[venue]))
        here = ("venue", "exchange")
        assert samples["sor_children", (("state", "live"), here)] == 3
        assert samples["sor_children_in_doubt", (here,)] == 2
        assert samples["sor_oldest_doubt_age_seconds", (here,)] == 4
        assert samples["sor_children_sent_total", (here,)] == 20
        assert samples["sor_children_ended_total", (("state", "rejected"), here)] == 2
        assert samples["sor_venue_throttle_tokens", (here,)] == 180

    def test_its_speed(self) -> None:
        venue = VenueView("exchange")
        venue.answers.observe(2_000_000)
        venue.round_trips.observe(40_000_000)
        samples = scrape(MetricsView(venues=[venue]))
        here = ("venue", "exchange")
        assert samples["sor_child_answer_seconds_bucket", (("le", "0.001"), here)] == 0
        assert samples["sor_child_answer_seconds_bucket", (("le", "0.0025"), here)] == 1
        assert samples["sor_child_round_trip_seconds_count", (here,)] == 1
        assert samples["sor_child_round_trip_seconds_sum", (here,)] == 0.04

    def test_what_is_learnt_of_it(self) -> None:
        venue = VenueView("exchange")
        venue.learnt.shares = {"filled": 0.4, "probed": 0.75}
        venue.learnt.first_fill_ns = 250_000_000
        venue.learnt.answers_ns = {"50": 2_000_000, "99": 30_000_000}
        venue.learnt.markouts_micros = {"0.1": 1_500.0, "60": -4_000.0}
        samples = scrape(MetricsView(venues=[venue]))
        here = ("venue", "exchange")
        assert samples["sor_venue_share", (here, ("what", "probed"))] == 0.75
        assert samples["sor_venue_first_fill_seconds", (here,)] == 0.25
        assert samples["sor_venue_answer_seconds", (("percentile", "99"), here)] == 0.03
        assert samples["sor_venue_markout_dollars", (("seconds", "60"), here)] == -0.004

    def test_what_a_venue_does_not_have_has_no_series(self) -> None:
        names = {name for name, _ in scrape(MetricsView(venues=[VenueView("dark-a")]))}
        assert "sor_venue_score" not in names
        assert "sor_market_data_age_seconds" not in names
        assert "sor_fills_total" in names


class TestProcess:
    def test_the_journal_the_loop_and_the_switch(self) -> None:
        view = MetricsView(
            version="0.1.0",
            ready=True,
            stopped=True,
            suspect=True,
            parents={"working": 4},
            parents_ended={"filled": 3},
            journal=JournalView(1_024, 9, 1_700_000_000_500_000_000, True, 2, 1),
            decisions={"child-planned": 8},
            waves={"dark": 5},
            alarms={"over-fill": 1},
            refused={"not-fix": 3},
            killed=True,
        )
        samples = scrape(view)
        assert samples["sor_parents", (("state", "working"),)] == 4
        assert samples["sor_journal_written_bytes_total", ()] == 1_024
        assert samples["sor_journal_records_total", ()] == 9
        assert samples["sor_journal_last_write_timestamp_seconds", ()] == 1_700_000_000.5
        assert samples["sor_journal_stalled", ()] == 1
        assert samples["sor_journal_stalls_total", ()] == 2
        assert samples["sor_journal_failed_rolls_total", ()] == 1
        assert samples["sor_parents_ended_total", (("state", "filled"),)] == 3
        assert samples["sor_decisions_total", (("kind", "child-planned"),)] == 8
        assert samples["sor_waves_total", (("stage", "dark"),)] == 5
        assert samples["sor_build_info", (("version", "0.1.0"),)] == 1
        assert samples["sor_ready", ()] == 1
        assert samples["sor_flow_stopped", ()] == 1
        assert samples["sor_journal_tail_suspect", ()] == 1
        assert samples["sor_alarms_total", (("code", "over-fill"),)] == 1
        assert samples["sor_refused_connections_total", (("cause", "not-fix"),)] == 3
        assert samples["sor_kill_switch", ()] == 1

    def test_the_view_is_taken_at_each_scrape(self) -> None:
        view = MetricsView()
        exposition = Exposition(lambda: view)
        assert b"sor_journal_records_total 0.0" in exposition.text()
        view.journal.records = 5
        assert b"sor_journal_records_total 5.0" in exposition.text()

    def test_the_process_is_measured_too(self) -> None:
        assert b"process_resident_memory_bytes" in Exposition(MetricsView).text()


class TestHistogram:
    def test_buckets_add_up_and_are_in_seconds(self) -> None:
        turns = DurationHistogram((1_000_000, 1_000_000_000))
        for duration_ns in (500_000, 2_000_000, 3_000_000_000):
            turns.observe(duration_ns)
        samples = scrape(MetricsView(turns=turns))
        name = "sor_turn_duration_seconds"
        assert samples[f"{name}_bucket", (("le", "0.001"),)] == 1
        assert samples[f"{name}_bucket", (("le", "1.0"),)] == 2
        assert samples[f"{name}_bucket", (("le", "+Inf"),)] == 3
        assert samples[f"{name}_count", ()] == 3
        assert samples[f"{name}_sum", ()] == 3.0025

    def test_each_duration_of_the_process_has_its_own(self) -> None:
        view = MetricsView()
        view.turns.observe(1)
        for _ in range(2):
            view.deciding.observe(1)
        for _ in range(3):
            view.lags.observe(1)
        for _ in range(4):
            view.journal.writes.observe(1)
        samples = scrape(view)
        assert samples["sor_turn_duration_seconds_count", ()] == 1
        assert samples["sor_decision_duration_seconds_count", ()] == 2
        assert samples["sor_loop_lag_seconds_count", ()] == 3
        assert samples["sor_journal_write_duration_seconds_count", ()] == 4


class TestLabels:
    def test_too_many_values_are_added_up(self) -> None:
        alarms = {f"code-{number:04}": 1 for number in range(LABELS_MAX + 10)}
        samples = scrape(MetricsView(alarms=alarms))
        codes = {labels: v for (name, labels), v in samples.items() if name == "sor_alarms_total"}
        assert len(codes) == LABELS_MAX
        assert codes[(("code", "other"),)] == 11
        assert sum(codes.values()) == LABELS_MAX + 10

    def test_labels_are_escaped(self) -> None:
        samples = scrape(MetricsView(alarms={'a "quoted"\nline': 1}))
        assert samples["sor_alarms_total", (("code", 'a "quoted"\nline'),)] == 1
