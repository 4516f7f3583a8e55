"""Every rule file, dashboard and provisioning file: read, and held against what is exposed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.daemon.venue import Venue
from tests.ops.scraping import new_desk, scrape, submit
from tests.prometheus.server import promtool
from tests.prometheus.shipped import (
    GRAFANA,
    PROMETHEUS,
    ROOT,
    dashboards,
    expressions,
    load_yaml,
    metrics_in,
    panels,
    recorded,
    rules,
)

EXAMPLES = Path(__file__).with_name("alerts.yml")


@pytest.fixture(scope="module")
def exposed() -> set[str]:
    """Names of samples after one order."""
    desk = new_desk(Venue())
    submit(desk, "A1", 300)
    desk.run(20)
    return scrape(desk).names()


class TestExpressions:
    @pytest.mark.parametrize("where", sorted(expressions()))
    def test_every_metric_in_it_exists(self, where: str, exposed: set[str]) -> None:
        used = metrics_in(expressions()[where]) - {"up"}
        assert used or "up{" in expressions()[where]
        assert used - exposed - recorded() == set()

    def test_the_search_for_metrics_finds_them(self) -> None:
        text = 'rate(sor_alarms_total{code="sor_x"}[5m]) > venue:sor_fills:rate1m + sor_ready'
        assert metrics_in(text) == {"sor_alarms_total", "venue:sor_fills:rate1m", "sor_ready"}


class TestRules:
    def test_promtool_takes_configuration_and_rules(self, installed: None) -> None:
        code, said = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
        assert code == 0, said
        assert f"{len(rules())} rules found" in said

    def test_each_alert_does_what_its_example_says(self, installed: None, tmp_path: Path) -> None:
        bare = load_yaml(PROMETHEUS / "rules.yml")
        for rule in [rule for group in bare["groups"] for rule in group["rules"]]:
            rule.pop("annotations", None)  # promtool compares them to the letter
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(bare))
        examples = tmp_path / EXAMPLES.name
        examples.write_text(EXAMPLES.read_text())
        code, said = promtool("test", "rules", str(examples))
        assert code == 0, said

    def test_each_alert_has_an_example(self) -> None:
        examples = load_yaml(EXAMPLES)["tests"]
        fired = {
            each["alertname"]
            for example in examples
            for each in example["alert_rule_test"]
            if each["exp_alerts"]
        }
        assert fired == {rule["alert"] for rule in rules() if "alert" in rule}

    @pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=str)
    def test_an_alert_says_what_it_is_and_how_bad(self, rule: dict[str, dict[str, str]]) -> None:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}

    def test_the_rules_of_the_configuration_are_those_that_are_shipped(self) -> None:
        configuration = load_yaml(PROMETHEUS / "prometheus.yml")
        assert configuration["rule_files"] == ["rules.yml"]
        shipped = {path.name for path in PROMETHEUS.iterdir()}
        assert shipped == {"prometheus.yml", *configuration["rule_files"]}


class TestDashboards:
    def test_there_is_one_and_its_panels_have_names_and_texts(self) -> None:
        assert dashboards()
        assert all(panel["title"] and panel["description"] for panel in panels())

    def test_ids_are_unique_and_panels_do_not_overlap(self) -> None:
        for name, dashboard in dashboards().items():
            ids = [panel["id"] for panel in dashboard["panels"]]
            assert len(ids) == len(set(ids)), name
            taken: set[tuple[int, int]] = set()
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                cells = {
                    (x, y)
                    for x in range(place["x"], place["x"] + place["w"])
                    for y in range(place["y"], place["y"] + place["h"])
                }
                assert not cells & taken, (name, panel["title"])
                assert place["x"] + place["w"] <= 24, (name, panel["title"])
                taken |= cells

    def test_all_ask_the_data_source_that_is_provisioned(self) -> None:
        (source,) = load_yaml(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")[
            "datasources"
        ]
        for panel in panels():
            for each in (panel, *panel["targets"]):
                assert each["datasource"] == {"type": source["type"], "uid": source["uid"]}

    def test_the_trader_sees_what_a_trader_wants(self) -> None:
        """Issue 3: sessions, fills and shares by venue, waves, scores, latencies, doubts,
        journal."""
        used = {
            name
            for panel in panels()
            for each in panel["targets"]
            for name in metrics_in(each["expr"])
        }
        wanted = {
            *("sor_session_synchronised", "sor_fills_total", "sor_filled_shares_total"),
            *("sor_waves_total", "sor_venue_score", "sor_venue_cost_dollars"),
            *("sor_child_answer_seconds_bucket", "sor_children_in_doubt", "sor_journal_stalled"),
            *("sor_market_data_age_seconds", "sor_session_outbox_reports", "sor_alarms_total"),
        }
        assert wanted - used == set()


class TestCompose:
    """What the monitoring profile of docker-compose.yml mounts is what is shipped."""

    def test_grafana_finds_data_source_and_dashboards(self) -> None:
        services = load_yaml(ROOT / "docker-compose.yml")["services"]
        mounts = dict(each.split(":")[:2] for each in services["grafana"]["volumes"])
        assert mounts["./config/grafana/provisioning"] == "/etc/grafana/provisioning"
        (provider,) = load_yaml(GRAFANA / "provisioning" / "dashboards" / "gateway.yml")[
            "providers"
        ]
        folder = mounts["./config/grafana/dashboards"]
        assert provider["options"]["path"] == folder
        home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        assert home.removeprefix(f"{folder}/") in dashboards()

    def test_prometheus_scrapes_the_service_at_its_admin_port(self) -> None:
        services = load_yaml(ROOT / "docker-compose.yml")["services"]
        (job,) = load_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]
        ((target,),) = [each["targets"] for each in job["static_configs"]]
        service, _, port = target.partition(":")
        assert services[service]["environment"]["SOR__GATEWAY__ADMIN"] == f"0.0.0.0:{port}"
        assert "./config/prometheus:/etc/prometheus:ro" in services["prometheus"]["volumes"]
        assert "--config.file=/etc/prometheus/prometheus.yml" in services["prometheus"]["command"]

    def test_the_data_source_is_the_service(self) -> None:
        services = load_yaml(ROOT / "docker-compose.yml")["services"]
        (source,) = load_yaml(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")[
            "datasources"
        ]
        found = re.fullmatch(r"http://([a-z]+):9090", source["url"])
        assert found is not None
        assert found[1] in services
