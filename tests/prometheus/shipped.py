"""What is shipped for Prometheus and Grafana, taken apart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "config" / "prometheus"
GRAFANA: Final = ROOT / "config" / "grafana"
METRIC: Final = re.compile(r"\b(?:venue:)?(?:sor|process)_[a-z_]+(?::[a-z0-9_]+)?")
GRAFANA_RANGE: Final = "$__range"
"""Grafana writes the shown time in its place."""


def load_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting."""
    return [
        rule for group in load_yaml(PROMETHEUS / "rules.yml")["groups"] for rule in group["rules"]
    ]


def recorded() -> set[str]:
    """Names that recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboards() -> dict[str, Any]:
    """By file name."""
    folder = GRAFANA / "dashboards"
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def panels() -> list[dict[str, Any]]:
    """Panels of all dashboards that show something."""
    return [
        panel
        for dashboard in dashboards().values()
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    ]


def expressions() -> dict[str, str]:
    """Every expression of rules and dashboards, by where it stands."""
    found = {rule.get("alert") or rule["record"]: str(rule["expr"]) for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for dashboard in dashboards().values():
        for annotation in dashboard["annotations"]["list"]:
            found[f"annotation {annotation['name']}"] = annotation["expr"]
    return found


def metrics_in(expression: str) -> set[str]:
    """Names of metrics in an expression; what stands in quotes is a value of a label."""
    return set(METRIC.findall(re.sub(r'"[^"]*"', '""', expression)))
