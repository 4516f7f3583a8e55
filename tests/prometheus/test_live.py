"""Debian's Prometheus scrapes a live gateway and answers what dashboards and alerts ask."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.stack import PAIR, Stack
from tests.prometheus.server import Prometheus, promtool
from tests.prometheus.shipped import GRAFANA_RANGE, PROMETHEUS, expressions, rules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
POLL_S = 0.2
TRIES = 150


@pytest_asyncio.fixture
async def stack(installed: None, tmp_path: Path) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path, ROOT / "config", PAIR)
    try:
        for name in stack.venues:
            await stack.start_venue(name)
        await stack.start_gateway()
        await stack.ready()
        yield stack
    finally:
        await stack.stop()


@pytest_asyncio.fixture
async def prometheus(stack: Stack, tmp_path: Path) -> AsyncIterator[Prometheus]:
    """The shipped configuration and rules; only the address is the test's, and the pace."""
    text = (PROMETHEUS / "prometheus.yml").read_text()
    for shipped_text, ours in (
        ("gateway:9890", f"127.0.0.1:{stack.admin_port}"),
        ("_interval: 5s", "_interval: 1s"),
        ("scrape_timeout: 4s", "scrape_timeout: 1s"),
        ("- rules.yml", f"- {PROMETHEUS / 'rules.yml'}"),
    ):
        assert shipped_text in text
        text = text.replace(shipped_text, ours)
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(text)
    server = Prometheus(tmp_path)
    try:
        await server.start(configuration)
        yield server
    finally:
        await server.stop()


async def eventually(server: Prometheus, expression: str) -> float:
    """The value of an expression once it has one."""
    for _ in range(TRIES):
        if found := await server.query(expression):
            return float(found[0]["value"][1])
        await asyncio.sleep(POLL_S)
    raise AssertionError(f"no value for {expression}: {server.log()}")


async def sell(stack: Stack, quantity: int) -> None:
    """One order of ACME, to its end."""
    ems = Ems(EmsSettings(port=stack.port))
    await ems.start()
    try:
        assert await ems.wait_active(15)
        order = NewOrder("sell", "ACME", quantity, strategy="balanced")
        assert (await ems.wait(ems.submit(order), 60)).cum_quantity == quantity
    finally:
        await ems.stop()


def lint(stack: Stack) -> tuple[int, str]:
    """What promtool says of a scrape."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.admin_port}/metrics") as response:
        return promtool("check", "metrics", stdin=response.read().decode())


class TestALiveGateway:
    async def test_it_is_scraped_and_every_question_has_an_answer(
        self, stack: Stack, prometheus: Prometheus
    ) -> None:
        assert await eventually(prometheus, 'up{job="sor-gateway"} == 1') == 1
        assert await eventually(prometheus, "sum(sor_session_synchronised) == 3") == 3
        await sell(stack, 4_000)
        assert await eventually(prometheus, "sum(sor_filled_shares_total) == 4000") == 4_000
        assert await eventually(prometheus, 'sor_parents_ended_total{state="filled"} == 1') == 1
        assert await eventually(prometheus, "sum(venue:sor_filled_shares:rate1m) > 0") > 0
        for expression in expressions().values():
            await prometheus.query(expression.replace(GRAFANA_RANGE, "1m"))
        await self._rules_are_evaluated(prometheus)
        assert await asyncio.to_thread(lint, stack) == (0, "")

    async def _rules_are_evaluated(self, prometheus: Prometheus) -> None:
        groups = (await prometheus.get("rules"))["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        assert {each["name"] for each in found} == {
            rule.get("alert") or rule["record"] for rule in rules()
        }
        assert {each["health"] for each in found} == {"ok"}
        assert [each["name"] for each in found if each.get("state") == "firing"] == []

    async def test_a_venue_that_goes_is_seen_and_pends(
        self, stack: Stack, prometheus: Prometheus
    ) -> None:
        down = 'sor_session_synchronised{session="exchange",kind="venue"} == '
        assert await eventually(prometheus, down + "1") == 1
        process = stack.venues["exchange"].process
        assert process is not None
        process.kill()
        await process.wait()
        assert await eventually(prometheus, down + "0") == 0
        assert await eventually(prometheus, "sor_ready == 0") == 0
        pending = 'ALERTS{alertname="SorVenueDown",session="exchange",alertstate="pending"}'
        assert await eventually(prometheus, pending) == 1
