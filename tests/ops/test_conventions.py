"""Names, units, help texts and labels of everything that is exposed, against the conventions of
Prometheus (prometheus.io/docs/practices/naming) and our own bounds. What `promtool check metrics`
says of a live scrape stands in tests/prometheus."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Metric

from sor_gateway.daemon.counters import ALARM_CODES, DECISIONS, MSG_TYPES
from sor_gateway.daemon.operations import ANSWER_PERCENTILES
from sor_gateway.ops.metrics import LABELS_MAX
from sor_gateway.sor.estimators.learnt import HORIZONS_NS
from sor_gateway.sor.types import NANOS_PER_SECOND, ChildState, ParentState, Stage
from tests.daemon.venue import Venue
from tests.ops.scraping import Scrape, new_desk, scrape, shipped, submit

OTHER_UNITS = re.compile(
    r"_(ns|us|ms|micros|millis|milliseconds|microseconds|nanoseconds|minutes|hours|kb|mb|cents|"
    r"percent|bps)(_|$)"
)


@pytest.fixture(scope="module")
def seen() -> Scrape:
    desk = new_desk(Venue())
    submit(desk, "A1", 300)
    desk.run(20)
    return scrape(desk)


def ours(seen: Scrape) -> list[Metric]:
    found = [each for name, each in seen.families.items() if not name.startswith("process_")]
    assert len(found) > 40
    return found


class TestNames:
    def test_all_begin_with_sor_and_are_snake_case(self, seen: Scrape) -> None:
        assert [
            each.name for each in ours(seen) if not re.fullmatch(r"sor(_[a-z]+)+", each.name)
        ] == []

    def test_no_name_tells_its_type(self, seen: Scrape) -> None:
        words = re.compile(r"_(counter|gauge|histogram|summary)(_|$)")
        assert [each.name for each in ours(seen) if words.search(each.name)] == []

    def test_what_only_grows_ends_in_total_and_nothing_else_does(self, seen: Scrape) -> None:
        for family in ours(seen):
            for sample in family.samples:
                assert sample.name.endswith("_total") == (family.type == "counter"), sample.name

    def test_units_are_base_units(self, seen: Scrape) -> None:
        assert [each.name for each in ours(seen) if OTHER_UNITS.search(each.name)] == []

    def test_a_histogram_of_time_is_in_seconds(self, seen: Scrape) -> None:
        histograms = [each.name for each in ours(seen) if each.type == "histogram"]
        assert len(histograms) == 6
        assert all(name.endswith("_seconds") for name in histograms)

    def test_every_family_says_what_it_is(self, seen: Scrape) -> None:
        for family in ours(seen):
            assert family.documentation.endswith("."), family.name
            assert len(family.documentation.split()) >= 2, family.name
            assert family.type in ("counter", "gauge", "histogram"), family.name


class TestLabels:
    def test_every_value_is_a_word_of_the_program_or_of_the_configuration(
        self, seen: Scrape
    ) -> None:
        configuration = shipped()
        venues = set(configuration.router.venues)
        sessions = {each.name for each in configuration.ems_sessions} | venues
        sessions |= {venue.quotes.name for venue in configuration.venues if venue.quotes}
        words: dict[str, set[str] | None] = {
            "venue": venues,
            "session": sessions,
            "kind": {"client", "venue", "market-data"} | {kebab(each) for each in DECISIONS},
            "msg_type": set(MSG_TYPES),
            "state": {*map(str, ParentState), *map(str, ChildState)},
            "stage": set(map(str, Stage)),
            "code": set(ALARM_CODES),
            "what": {"filled", "rejected", "probed"},
            "percentile": set(map(str, ANSWER_PERCENTILES)),
            "seconds": {f"{each / NANOS_PER_SECOND:g}" for each in HORIZONS_NS},
            "le": None,
            "version": None,
        }
        for family in ours(seen):
            for sample in family.samples:
                for label, value in sample.labels.items():
                    allowed = words[label]
                    assert allowed is None or value in allowed, (sample.name, label, value)

    def test_none_is_an_id_and_none_has_too_many_values(self, seen: Scrape) -> None:
        values: dict[tuple[str, str], set[str]] = {}
        for family in ours(seen):
            for sample in family.samples:
                for label, value in sample.labels.items():
                    values.setdefault((sample.name, label), set()).add(value)
                    assert not re.fullmatch(r"[A-Z]\d{6,}", value), (sample.name, value)
        assert all(len(each) <= LABELS_MAX for each in values.values())

    def test_the_series_do_not_grow_with_orders(self) -> None:
        desk = new_desk(Venue())

        def work(letter: str) -> None:
            for number in range(50):
                submit(desk, f"{letter}{number}", 100)
                desk.run(5)

        work("A")  # what is learnt of a venue has a series from when it is known
        before = series(scrape(desk))
        work("B")
        assert series(scrape(desk)) == before


def series(seen: Scrape) -> int:
    return sum(len(family.samples) for family in seen.families.values())


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
