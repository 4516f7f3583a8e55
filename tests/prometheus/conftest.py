"""Prometheus: left out where it is not installed, required where CI=true."""

from __future__ import annotations

import os

import pytest

from tests.prometheus.server import PrometheusMissing, find


@pytest.fixture(scope="session")
def installed() -> None:
    try:
        find("prometheus")
        find("promtool")
    except PrometheusMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Prometheus is required with CI=true: {missing}")
        pytest.skip(f"Prometheus left out: {missing}")
