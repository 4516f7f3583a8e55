from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sor_gateway.ops.metrics import (
    LABELS_MAX,
    DurationHistogram,
    Exposition,
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
                SessionView("EMS", "client", True, True, 12, 34, 5, 6, 78, {"peer-silent": 2}),
                SessionView("dark-a", "venue", up=True),
            ]
        )
        samples = scrape(view)
        ems = (("kind", "client"), ("session", "EMS"))
        dark = (("kind", "venue"), ("session", "dark-a"))
        assert samples["sor_session_up", ems] == 1
        assert samples["sor_session_synchronised", ems] == 1
        assert samples["sor_session_synchronised", dark] == 0
        assert samples["sor_session_received_messages_total", ems] == 12
        assert samples["sor_session_sent_messages_total", ems] == 34
        assert samples["sor_session_gaps_total", ems] == 5
        assert samples["sor_session_garbled_messages_total", ems] == 6
        assert samples["sor_session_buffered_bytes", ems] == 78
        code = (("code", "peer-silent"), ("session", "EMS"))
        assert samples["sor_session_incidents_total", code] == 2


class TestVenues:
    def test_trading_is_in_shares_and_dollars(self) -> None:
        venue = VenueView("exchange", {"live": 3}, 7, 1_900, -3_420_000, 7.5, 1_500_000_000)
        samples = scrape(MetricsView(venues=[venue]))
        here = (("venue", "exchange"),)
        assert samples["sor_children", (("state", "live"), ("venue", "exchange"))] == 3
        assert samples["sor_fills_total", here] == 7
        assert samples["sor_filled_shares_total", here] == 1_900
        assert samples["sor_fees_dollars", here] == -3.42
        assert samples["sor_venue_score", here] == 7.5
        assert samples["sor_market_data_age_seconds", here] == 1.5

    def test_what_a_venue_does_not_have_has_no_series(self) -> None:
        names = {name for name, _ in scrape(MetricsView(venues=[VenueView("dark-a")]))}
        assert "sor_venue_score" not in names
        assert "sor_market_data_age_seconds" not in names
        assert "sor_fills_total" in names


class TestProcess:
    def test_the_journal_the_loop_and_the_switch(self) -> None:
        view = MetricsView(
            parents={"working": 4},
            journal_bytes=1_024,
            journal_records=9,
            journal_last_write_ns=1_700_000_000_500_000_000,
            journal_stalled=True,
            loop_lag_ns=2_000_000,
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
        assert samples["sor_loop_lag_seconds", ()] == 0.002
        assert samples["sor_alarms_total", (("code", "over-fill"),)] == 1
        assert samples["sor_refused_connections_total", (("cause", "not-fix"),)] == 3
        assert samples["sor_kill_switch", ()] == 1

    def test_the_view_is_taken_at_each_scrape(self) -> None:
        view = MetricsView()
        exposition = Exposition(lambda: view)
        assert b"sor_journal_records_total 0.0" in exposition.text()
        view.journal_records = 5
        assert b"sor_journal_records_total 5.0" in exposition.text()

    def test_the_process_is_measured_too(self) -> None:
        assert b"process_resident_memory_bytes" in Exposition(MetricsView).text()


class TestHistogram:
    def test_a_bound_belongs_to_its_own_bucket(self) -> None:
        """Prometheus: `le` is less than or equal."""
        histogram = DurationHistogram((10, 20))
        for duration_ns in (10, 11, 20, 21):
            histogram.observe(duration_ns)
        assert histogram.counts == [1, 2, 1]
        assert histogram.sum_ns == 62

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
