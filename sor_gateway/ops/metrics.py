"""Prometheus metrics, read from plain integers when somebody asks.

Owns: names, units, labels and help texts of all metrics of the gateway.
May not know: the engine, sessions, orders. It is given a `MetricsView`, a snapshot that the engine
builds at scrape time, so that counting costs the order path nothing but integer additions.

Names follow Prometheus: base units (seconds, bytes, dollars), `_total` for what only grows. Labels
are bounded: sessions and venues are those of the configuration, states and codes are words of the
program, and whatever exceeds `LABELS_MAX` is added up under `other`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LABELS_MAX: Final = 64
"""Most values of one label."""
OTHER: Final = "other"
NANOS_PER_SECOND: Final = 1_000_000_000
MICROS_PER_DOLLAR: Final = 1_000_000
TURN_BOUNDS_NS: Final = (
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
)


class DurationHistogram:
    """Counts durations by size: one bisection and three additions an observation."""

    __slots__ = ("bounds_ns", "counts", "sum_ns")

    def __init__(self, bounds_ns: tuple[int, ...] = TURN_BOUNDS_NS) -> None:
        assert list(bounds_ns) == sorted(set(bounds_ns)), "bounds must rise"
        self.bounds_ns = bounds_ns
        self.counts = [0] * (len(bounds_ns) + 1)
        """Observations at most as long as each bound and longer than the one before; the last
        place holds those above all bounds."""
        self.sum_ns = 0

    def observe(self, duration_ns: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds_ns, duration_ns)] += 1
        self.sum_ns += duration_ns


@dataclass(slots=True)
class SessionView:
    """One FIX session."""

    name: str
    kind: str
    """`client`, `venue` or `market-data`."""
    up: bool = False
    synchronised: bool = False
    messages_in: int = 0
    messages_out: int = 0
    gaps: int = 0
    garbled: int = 0
    buffered_bytes: int = 0
    incidents: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class VenueView:
    """What was traded at one venue since the process began, and how it looks now."""

    name: str
    children: dict[str, int] = field(default_factory=dict)
    """By state."""
    fills: int = 0
    shares: int = 0
    fees_micros: int = 0
    """Negative when rebates exceed fees."""
    score: float | None = None
    """The last display score, 0 to 10; None before the first."""
    data_age_ns: int | None = None
    """Age of its youngest quote; None for a venue without market data."""


@dataclass(slots=True)
class MetricsView:
    """Everything there is to be scraped, at one instant."""

    sessions: list[SessionView] = field(default_factory=list)
    venues: list[VenueView] = field(default_factory=list)
    parents: dict[str, int] = field(default_factory=dict)
    """By state."""
    journal_bytes: int = 0
    journal_records: int = 0
    journal_last_write_ns: int = 0
    """When the last record was written; 0 before the first."""
    journal_stalled: bool = False
    turns: DurationHistogram = field(default_factory=DurationHistogram)
    loop_lag_ns: int = 0
    alarms: dict[str, int] = field(default_factory=dict)
    """By code."""
    refused: dict[str, int] = field(default_factory=dict)
    """Connections that were closed before a logon, by cause."""
    killed: bool = False


class GatewayCollector(Collector):
    """Turns a view into metric families, once per scrape."""

    def __init__(self, view: Callable[[], MetricsView]) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """All families of the gateway."""
        view = self._view()
        yield from _session_metrics(view.sessions)
        yield from _venue_metrics(view.venues)
        yield from _process_metrics(view)


class Exposition:
    """The text that Prometheus scrapes: the gateway's metrics and those of its process."""

    def __init__(self, view: Callable[[], MetricsView]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(GatewayCollector(view))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The current state of all metrics, in `CONTENT_TYPE`."""
        return generate_latest(self._registry)


def _session_metrics(sessions: list[SessionView]) -> Iterator[Metric]:
    labels = ["session", "kind"]
    up = GaugeMetricFamily("sor_session_up", "Whether the session is logged on.", labels=labels)
    synchronised = GaugeMetricFamily(
        "sor_session_synchronised", "Whether orders and reports may flow.", labels=labels
    )
    received = CounterMetricFamily(
        "sor_session_received_messages", "Messages consumed.", labels=labels
    )
    sent = CounterMetricFamily("sor_session_sent_messages", "Messages numbered.", labels=labels)
    gaps = CounterMetricFamily("sor_session_gaps", "Gaps in the peer's numbers.", labels=labels)
    garbled = CounterMetricFamily(
        "sor_session_garbled_messages", "Messages that could not be read.", labels=labels
    )
    buffered = GaugeMetricFamily(
        "sor_session_buffered_bytes", "Output that the peer has not taken.", labels=labels
    )
    incidents = CounterMetricFamily(
        "sor_session_incidents", "Incidents by code.", labels=["session", "code"]
    )
    for session in sessions:
        values = [session.name, session.kind]
        up.add_metric(values, session.up)
        synchronised.add_metric(values, session.synchronised)
        received.add_metric(values, session.messages_in)
        sent.add_metric(values, session.messages_out)
        gaps.add_metric(values, session.gaps)
        garbled.add_metric(values, session.garbled)
        buffered.add_metric(values, session.buffered_bytes)
        for code, count in _bounded(session.incidents):
            incidents.add_metric([session.name, code], count)
    yield from (up, synchronised, received, sent, gaps, garbled, buffered, incidents)


def _venue_metrics(venues: list[VenueView]) -> Iterator[Metric]:
    children = GaugeMetricFamily(
        "sor_children", "Child orders by state.", labels=["venue", "state"]
    )
    fills = CounterMetricFamily("sor_fills", "Executions at the venue.", labels=["venue"])
    shares = CounterMetricFamily("sor_filled_shares", "Shares executed there.", labels=["venue"])
    fees = GaugeMetricFamily("sor_fees_dollars", "Fees paid there, less rebates.", labels=["venue"])
    scores = GaugeMetricFamily(
        "sor_venue_score", "Last display score of the venue, 0 to 10.", labels=["venue"]
    )
    ages = GaugeMetricFamily(
        "sor_market_data_age_seconds", "Age of the venue's youngest quote.", labels=["venue"]
    )
    for venue in venues:
        for state, count in _bounded(venue.children):
            children.add_metric([venue.name, state], count)
        fills.add_metric([venue.name], venue.fills)
        shares.add_metric([venue.name], venue.shares)
        fees.add_metric([venue.name], venue.fees_micros / MICROS_PER_DOLLAR)
        if venue.score is not None:
            scores.add_metric([venue.name], venue.score)
        if venue.data_age_ns is not None:
            ages.add_metric([venue.name], venue.data_age_ns / NANOS_PER_SECOND)
    yield from (children, fills, shares, fees, scores, ages)


def _process_metrics(view: MetricsView) -> Iterator[Metric]:
    yield _by_label(GaugeMetricFamily, "sor_parents", "Parent orders.", "state", view.parents)
    yield CounterMetricFamily(
        "sor_journal_written_bytes", "Bytes appended.", value=view.journal_bytes
    )
    yield CounterMetricFamily(
        "sor_journal_records", "Records appended.", value=view.journal_records
    )
    yield GaugeMetricFamily(
        "sor_journal_last_write_timestamp_seconds",
        "When the last record was written.",
        value=view.journal_last_write_ns / NANOS_PER_SECOND,
    )
    yield GaugeMetricFamily(
        "sor_journal_stalled", "Whether the journal cannot write.", value=view.journal_stalled
    )
    yield _histogram(view.turns)
    yield GaugeMetricFamily(
        "sor_loop_lag_seconds",
        "How much too late the last timer fired.",
        value=view.loop_lag_ns / NANOS_PER_SECOND,
    )
    yield GaugeMetricFamily(
        "sor_kill_switch", "Whether the operator stopped all flow.", value=view.killed
    )
    yield _by_label(CounterMetricFamily, "sor_alarms", "Alarms by code.", "code", view.alarms)
    yield _by_label(
        CounterMetricFamily,
        "sor_refused_connections",
        "Connections closed before a logon.",
        "cause",
        view.refused,
    )


def _by_label(
    family: type[GaugeMetricFamily | CounterMetricFamily],
    name: str,
    text: str,
    label: str,
    values: Mapping[str, int],
) -> Metric:
    metric = family(name, text, labels=[label])
    for value, count in _bounded(values):
        metric.add_metric([value], count)
    return metric


def _histogram(turns: DurationHistogram) -> Metric:
    buckets, total = [], 0
    for bound_ns, count in zip(turns.bounds_ns, turns.counts, strict=False):
        total += count
        buckets.append((str(bound_ns / NANOS_PER_SECOND), float(total)))
    buckets.append(("+Inf", float(total + turns.counts[-1])))
    metric = HistogramMetricFamily("sor_turn_duration_seconds", "How long a turn takes.")
    metric.add_metric([], buckets, sum_value=turns.sum_ns / NANOS_PER_SECOND)
    return metric


def _bounded(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The counts in a stable order, those beyond `LABELS_MAX` added up under `other`."""
    ordered = sorted(counts.items())
    if len(ordered) <= LABELS_MAX:
        return ordered
    rest = sum(count for _, count in ordered[LABELS_MAX - 1 :])
    return [*ordered[: LABELS_MAX - 1], (OTHER, rest)]
