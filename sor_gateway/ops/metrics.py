"""Prometheus metrics, read from plain integers when somebody asks.

Owns: names, units, labels and help texts of all metrics of the gateway.
May not know: the engine, sessions, orders. It is given a `MetricsView`, a snapshot that the engine
builds at scrape time, so that counting costs the order path nothing but integer additions.

Names follow Prometheus: base units (seconds, bytes, dollars), `_total` for what only grows. Labels
are bounded: sessions and venues are those of the configuration, states and codes are words of the
program, and whatever exceeds `LABELS_MAX` is added up under `other`.
"""

from __future__ import annotations

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

from sor_gateway.histogram import DurationHistogram, peer_histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LABELS_MAX: Final = 64
"""Most values of one label."""
OTHER: Final = "other"
NANOS_PER_SECOND: Final = 1_000_000_000
MICROS_PER_DOLLAR: Final = 1_000_000


@dataclass(slots=True)
class SessionView:
    """One FIX session."""

    name: str
    kind: str
    """`client`, `venue` or `market-data`."""
    up: bool = False
    synchronised: bool = False
    received: dict[str, int] = field(default_factory=dict)
    """By MsgType."""
    sent: dict[str, int] = field(default_factory=dict)
    """By MsgType."""
    logons: int = 0
    gaps: int = 0
    skips: int = 0
    garbled: int = 0
    buffered_bytes: int = 0
    outbox: int | None = None
    """Reports that the client is not proved to have; None for a session that is no client's."""
    incidents: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LearntView:
    """What the router believes of one venue, over all symbols."""

    shares: dict[str, float] = field(default_factory=dict)
    """`filled` of a child, `rejected` of children, `probed` of orders that rested there: 0 to 1."""
    first_fill_ns: int | None = None
    """From the decision to the first fill; None before any."""
    answers_ns: dict[str, int] = field(default_factory=dict)
    """Percentiles of the time to its first word, by number as text; the latest count most."""
    markouts_micros: dict[str, float] = field(default_factory=dict)
    """A share, by the horizon in seconds as text: positive when fills turned out well."""


@dataclass(slots=True)
class VenueView:
    """What went on at one venue since the process began, and how it looks now."""

    name: str
    children: dict[str, int] = field(default_factory=dict)
    """Open ones, by state."""
    doubts: int = 0
    """Open children in doubt."""
    oldest_doubt_ns: int = 0
    """For how long the oldest of them has been; 0 without any."""
    barred: bool = False
    """It gets no orders though its session is up."""
    sent: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """By state."""
    fills: int = 0
    shares: int = 0
    fees_micros: int = 0
    """Negative when rebates exceed fees."""
    score: float | None = None
    """The last display score, 0 to 10; None before the first."""
    cost_micros: int | None = None
    """The last expected net cost per share; None before the first."""
    tokens: int = 0
    """Messages that may leave for it now."""
    data_age_ns: int | None = None
    """Age of its youngest quote; None for a venue without market data."""
    answers: DurationHistogram = field(default_factory=peer_histogram)
    round_trips: DurationHistogram = field(default_factory=peer_histogram)
    learnt: LearntView = field(default_factory=LearntView)


@dataclass(slots=True)
class JournalView:
    """The journal."""

    bytes_written: int = 0
    records: int = 0
    last_write_ns: int = 0
    """When the last record was written; 0 before the first."""
    stalled: bool = False
    stalls: int = 0
    failed_rolls: int = 0
    writes: DurationHistogram = field(default_factory=DurationHistogram)


@dataclass(slots=True)
class MetricsView:
    """Everything there is to be scraped, at one instant."""

    version: str = ""
    ready: bool = False
    killed: bool = False
    stopped: bool = False
    suspect: bool = False
    sessions: list[SessionView] = field(default_factory=list)
    venues: list[VenueView] = field(default_factory=list)
    parents: dict[str, int] = field(default_factory=dict)
    """Open ones, by state."""
    parents_ended: dict[str, int] = field(default_factory=dict)
    """By state."""
    journal: JournalView = field(default_factory=JournalView)
    turns: DurationHistogram = field(default_factory=DurationHistogram)
    deciding: DurationHistogram = field(default_factory=DurationHistogram)
    lags: DurationHistogram = field(default_factory=DurationHistogram)
    decisions: dict[str, int] = field(default_factory=dict)
    """By kind."""
    waves: dict[str, int] = field(default_factory=dict)
    """By stage."""
    alarms: dict[str, int] = field(default_factory=dict)
    """By code."""
    refused: dict[str, int] = field(default_factory=dict)
    """Connections that were closed before a logon, by cause."""


class GatewayCollector(Collector):
    """Turns a view into metric families, once per scrape."""

    def __init__(self, view: Callable[[], MetricsView]) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """All families of the gateway."""
        view = self._view()
        yield from _session_state(view.sessions)
        yield from _session_traffic(view.sessions)
        yield from _venue_orders(view.venues)
        yield from _venue_trading(view.venues)
        yield from _venue_times(view.venues)
        yield from _venue_learnt(view.venues)
        yield from _order_metrics(view)
        yield from _journal_metrics(view.journal)
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


def _session_state(sessions: list[SessionView]) -> Iterator[Metric]:
    labels = ["session", "kind"]
    up = GaugeMetricFamily("sor_session_up", "Whether the session is logged on.", labels=labels)
    synchronised = GaugeMetricFamily(
        "sor_session_synchronised", "Whether orders and reports may flow.", labels=labels
    )
    buffered = GaugeMetricFamily(
        "sor_session_buffered_bytes", "Output that the peer has not taken.", labels=labels
    )
    outbox = GaugeMetricFamily(
        "sor_session_outbox_reports",
        "Reports that the client is not proved to have.",
        labels=["session"],
    )
    for session in sessions:
        values = [session.name, session.kind]
        up.add_metric(values, session.up)
        synchronised.add_metric(values, session.synchronised)
        buffered.add_metric(values, session.buffered_bytes)
        if session.outbox is not None:
            outbox.add_metric([session.name], session.outbox)
    yield from (up, synchronised, buffered, outbox)


def _session_traffic(sessions: list[SessionView]) -> Iterator[Metric]:
    labels = ["session", "kind"]
    by_type = [*labels, "msg_type"]
    received = CounterMetricFamily(
        "sor_session_received_messages", "Messages consumed, by MsgType (35).", labels=by_type
    )
    sent = CounterMetricFamily(
        "sor_session_sent_messages", "Messages numbered, by MsgType (35).", labels=by_type
    )
    logons = CounterMetricFamily("sor_session_logons", "Logons completed.", labels=labels)
    gaps = CounterMetricFamily(
        "sor_session_gaps", "Gaps found in the peer's numbers: ResendRequests.", labels=labels
    )
    skips = CounterMetricFamily(
        "sor_session_skips", "Runs of the peer's numbers that were passed over.", labels=labels
    )
    garbled = CounterMetricFamily(
        "sor_session_garbled_messages", "Messages that could not be read.", labels=labels
    )
    incidents = CounterMetricFamily(
        "sor_session_incidents", "Incidents by code.", labels=["session", "code"]
    )
    for session in sessions:
        values = [session.name, session.kind]
        for msg_type, count in _seen(session.received):
            received.add_metric([*values, msg_type], count)
        for msg_type, count in _seen(session.sent):
            sent.add_metric([*values, msg_type], count)
        logons.add_metric(values, session.logons)
        gaps.add_metric(values, session.gaps)
        skips.add_metric(values, session.skips)
        garbled.add_metric(values, session.garbled)
        for code, count in _bounded(session.incidents):
            incidents.add_metric([session.name, code], count)
    yield from (received, sent, logons, gaps, skips, garbled, incidents)


def _venue_orders(venues: list[VenueView]) -> Iterator[Metric]:
    children = GaugeMetricFamily(
        "sor_children", "Open child orders by state.", labels=["venue", "state"]
    )
    sent = CounterMetricFamily("sor_children_sent", "Child orders sent.", labels=["venue"])
    ended = CounterMetricFamily(
        "sor_children_ended", "Child orders that are over, by state.", labels=["venue", "state"]
    )
    doubts = GaugeMetricFamily(
        "sor_children_in_doubt", "Open child orders whose fate is unknown.", labels=["venue"]
    )
    oldest = GaugeMetricFamily(
        "sor_oldest_doubt_age_seconds", "Age of the oldest doubt, 0 without any.", labels=["venue"]
    )
    tokens = GaugeMetricFamily(
        "sor_venue_throttle_tokens", "Messages that may leave for it now.", labels=["venue"]
    )
    barred = GaugeMetricFamily(
        "sor_venue_barred",
        "Whether it gets no orders though its session is up: see `sor-gateway doubts`.",
        labels=["venue"],
    )
    for venue in venues:
        barred.add_metric([venue.name], venue.barred)
        for state, count in _bounded(venue.children):
            children.add_metric([venue.name, state], count)
        sent.add_metric([venue.name], venue.sent)
        for state, count in _bounded(venue.ended):
            ended.add_metric([venue.name, state], count)
        doubts.add_metric([venue.name], venue.doubts)
        oldest.add_metric([venue.name], venue.oldest_doubt_ns / NANOS_PER_SECOND)
        tokens.add_metric([venue.name], venue.tokens)
    yield from (children, sent, ended, doubts, oldest, barred, tokens)


def _venue_trading(venues: list[VenueView]) -> Iterator[Metric]:
    labels = ["venue"]
    fills = CounterMetricFamily("sor_fills", "Executions at the venue.", labels=labels)
    shares = CounterMetricFamily("sor_filled_shares", "Shares executed there.", labels=labels)
    fees = GaugeMetricFamily("sor_fees_dollars", "Fees paid there, less rebates.", labels=labels)
    scores = GaugeMetricFamily(
        "sor_venue_score", "Display score of the last child sent there, 0 to 10.", labels=labels
    )
    costs = GaugeMetricFamily(
        "sor_venue_cost_dollars",
        "Expected net cost per share of the last child sent there.",
        labels=labels,
    )
    ages = GaugeMetricFamily(
        "sor_market_data_age_seconds", "Age of the venue's youngest quote.", labels=labels
    )
    for venue in venues:
        fills.add_metric([venue.name], venue.fills)
        shares.add_metric([venue.name], venue.shares)
        fees.add_metric([venue.name], venue.fees_micros / MICROS_PER_DOLLAR)
        if venue.score is not None:
            scores.add_metric([venue.name], venue.score)
        if venue.cost_micros is not None:
            costs.add_metric([venue.name], venue.cost_micros / MICROS_PER_DOLLAR)
        if venue.data_age_ns is not None:
            ages.add_metric([venue.name], venue.data_age_ns / NANOS_PER_SECOND)
    yield from (fills, shares, fees, scores, costs, ages)


def _venue_learnt(venues: list[VenueView]) -> Iterator[Metric]:
    shares = GaugeMetricFamily(
        "sor_venue_share",
        "What is expected there: filled of a child, rejected of children, probed of orders.",
        labels=["venue", "what"],
    )
    first = GaugeMetricFamily(
        "sor_venue_first_fill_seconds", "Mean time to a first fill, decayed.", labels=["venue"]
    )
    answers = GaugeMetricFamily(
        "sor_venue_answer_seconds",
        "Percentiles of the time to the venue's first word, decayed.",
        labels=["venue", "percentile"],
    )
    markouts = GaugeMetricFamily(
        "sor_venue_markout_dollars",
        "What a share was worth so many seconds after its fill, beyond its price; decayed mean.",
        labels=["venue", "seconds"],
    )
    for venue in venues:
        learnt = venue.learnt
        for what, share in sorted(learnt.shares.items()):
            shares.add_metric([venue.name, what], share)
        if learnt.first_fill_ns is not None:
            first.add_metric([venue.name], learnt.first_fill_ns / NANOS_PER_SECOND)
        for percentile, took_ns in sorted(learnt.answers_ns.items()):
            answers.add_metric([venue.name, percentile], took_ns / NANOS_PER_SECOND)
        for seconds, micros in sorted(learnt.markouts_micros.items()):
            markouts.add_metric([venue.name, seconds], micros / MICROS_PER_DOLLAR)
    yield from (shares, first, answers, markouts)


def _venue_times(venues: list[VenueView]) -> Iterator[Metric]:
    answers = HistogramMetricFamily(
        "sor_child_answer_seconds",
        "From the decision to the venue's first word about a child order.",
        labels=["venue"],
    )
    round_trips = HistogramMetricFamily(
        "sor_child_round_trip_seconds",
        "From the decision to the end of a child order.",
        labels=["venue"],
    )
    for venue in venues:
        _add_histogram(answers, [venue.name], venue.answers)
        _add_histogram(round_trips, [venue.name], venue.round_trips)
    yield from (answers, round_trips)


def _order_metrics(view: MetricsView) -> Iterator[Metric]:
    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    yield _by_label(gauge, "sor_parents", "Open parent orders.", "state", view.parents)
    yield _by_label(
        counter, "sor_parents_ended", "Parent orders that are over.", "state", view.parents_ended
    )
    yield _by_label(counter, "sor_waves", "Waves of child orders.", "stage", view.waves)
    yield _by_label(counter, "sor_decisions", "Decisions taken.", "kind", view.decisions)
    yield _histogram(
        "sor_decision_duration_seconds", "How long deciding takes in a turn.", view.deciding
    )


def _journal_metrics(journal: JournalView) -> Iterator[Metric]:
    counter, gauge = CounterMetricFamily, GaugeMetricFamily
    yield counter("sor_journal_written_bytes", "Bytes appended.", value=journal.bytes_written)
    yield counter("sor_journal_records", "Records appended.", value=journal.records)
    yield counter("sor_journal_stalls", "Times it could not write.", value=journal.stalls)
    yield counter(
        "sor_journal_failed_rolls", "New segments that failed.", value=journal.failed_rolls
    )
    yield gauge(
        "sor_journal_last_write_timestamp_seconds",
        "When the last record was written.",
        value=journal.last_write_ns / NANOS_PER_SECOND,
    )
    yield gauge("sor_journal_stalled", "Whether it cannot write.", value=journal.stalled)
    yield _histogram(
        "sor_journal_write_duration_seconds", "How long a write takes.", journal.writes
    )


def _process_metrics(view: MetricsView) -> Iterator[Metric]:
    counter, gauge = CounterMetricFamily, GaugeMetricFamily
    build = gauge("sor_build_info", "The version; the value is always 1.", labels=["version"])
    build.add_metric([view.version], 1)
    yield build
    yield gauge("sor_ready", "Whether orders can flow to all venues.", value=view.ready)
    yield gauge("sor_kill_switch", "Whether the operator stopped all flow.", value=view.killed)
    yield gauge("sor_flow_stopped", "Whether it is cancel only.", value=view.stopped)
    yield gauge(
        "sor_journal_tail_suspect",
        "Whether no child leaves until an operator releases it.",
        value=view.suspect,
    )
    yield _histogram("sor_turn_duration_seconds", "How long a turn takes.", view.turns)
    yield _histogram("sor_loop_lag_seconds", "How much too late timers fire.", view.lags)
    yield _by_label(counter, "sor_alarms", "Alarms by code.", "code", view.alarms)
    yield _by_label(
        counter,
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


def _histogram(name: str, text: str, durations: DurationHistogram) -> Metric:
    metric = HistogramMetricFamily(name, text)
    _add_histogram(metric, [], durations)
    return metric


def _add_histogram(
    metric: HistogramMetricFamily, labels: list[str], durations: DurationHistogram
) -> None:
    buckets, total = [], 0
    for bound_ns, count in zip(durations.bounds_ns, durations.counts, strict=False):
        total += count
        buckets.append((str(bound_ns / NANOS_PER_SECOND), float(total)))
    buckets.append(("+Inf", float(total + durations.counts[-1])))
    metric.add_metric(labels, buckets, sum_value=durations.sum_ns / NANOS_PER_SECOND)


def _seen(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The message types that a session has seen: each knows a few of the many."""
    return _bounded({msg_type: count for msg_type, count in counts.items() if count})


def _bounded(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The counts in a stable order, those beyond `LABELS_MAX` added up under `other`."""
    ordered = sorted(counts.items())
    if len(ordered) <= LABELS_MAX:
        return ordered
    rest = sum(count for _, count in ordered[LABELS_MAX - 1 :])
    return [*ordered[: LABELS_MAX - 1], (OTHER, rest)]
