"""The whole stack on a real Docker engine, driven from outside through its published ports.

`make compose-test` runs it: not part of `make test`, because it builds an image. The tests run in
their order over one desk; the EMS keeps its state file over all of them, so that the last account
covers every order. What all services logged is in var/compose/logs.txt afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import Order, OrderState
from tests.compose.desk import ROOT, ComposeDesk, DockerMissing, find_compose
from tests.ops.scraping import read

pytestmark = pytest.mark.timeout(900)

LOG = ROOT / "var" / "compose" / "logs.txt"
SYNCHRONISE_S = 60
FILL_S = 300
USER_ID = "10001"


@pytest.fixture(scope="module")
def desk() -> Iterator[ComposeDesk]:
    try:
        desk = ComposeDesk(find_compose())
    except DockerMissing as missing:
        pytest.fail(f"the stack cannot be tested here: {missing}")
    try:
        desk.up()
        yield desk
    finally:
        desk.down(LOG)


@pytest.fixture(scope="module")
def state_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ems") / "state"


@pytest_asyncio.fixture
async def ems(desk: ComposeDesk, state_file: Path) -> AsyncIterator[Ems]:
    ems = Ems(EmsSettings(port=desk.port, state_file=state_file))
    await ems.start()
    assert await ems.wait_active(SYNCHRONISE_S), ems.log
    yield ems
    await ems.stop()


async def work_begins(ems: Ems, cl_ord_id: str) -> Order:
    """Wait for the first fill of an order; there is more to do then."""
    order = await ems.wait(cl_ord_id, 0)
    for _ in range(FILL_S * 20):
        if order.fills:
            break
        await asyncio.sleep(0.05)
    assert order.fills, "nothing was filled"
    assert not order.over, "it was filled before anything could happen to it"
    return order


async def end_of(ems: Ems, cl_ord_id: str) -> Order:
    order = await ems.wait(cl_ord_id, FILL_S)
    assert order.state is OrderState.FILLED, (order.state, order.cum_quantity, ems.log[-5:])
    assert ems.ledger.violations == []
    return order


def sale(quantity: int, symbol: str = "ACME", strategy: str = "minimal-impact") -> NewOrder:
    """Slow enough that something can happen to it on the way."""
    return NewOrder("sell", symbol, quantity, strategy=strategy)


class TestTheServices:
    def test_all_are_up_and_healthy(self, desk: ComposeDesk) -> None:
        for service in ("gateway", *(venue.name for venue in desk.venues)):
            desk.until(
                f"{service} is healthy",
                lambda name=service: desk.inspect(name)["State"]["Health"]["Status"] == "healthy",  # type: ignore[misc]
            )

    def test_they_run_as_nobody_in_particular_and_without_an_installer(
        self, desk: ComposeDesk
    ) -> None:
        for service in ("gateway", "exchange"):
            assert desk.execute(service, "id", "-u").strip() == USER_ID
            probe = "import importlib.util as u; print(u.find_spec('pip'))"
            assert desk.execute(service, "python", "-c", probe).strip() == "None"

    def test_nothing_is_published_beyond_loopback(self, desk: ComposeDesk) -> None:
        ports = desk.inspect("gateway")["NetworkSettings"]["Ports"]
        assert {each["HostIp"] for bound in ports.values() for each in bound} == {"127.0.0.1"}
        for venue in desk.venues:
            published = desk.inspect(venue.name)["NetworkSettings"]["Ports"].values()
            assert not any(published), venue.name

    def test_all_venues_compute_one_market(self, desk: ComposeDesk) -> None:
        clocks = set()
        for venue in desk.venues:
            clock = desk.control(venue, "clock")
            clocks.add((clock["t0_ns"], clock["scale_milli"]))
        assert len(clocks) == 1


class TestOrders:
    async def test_sales_and_purchases_are_filled(self, desk: ComposeDesk, ems: Ems) -> None:
        reach = await asyncio.to_thread(desk.offer, "CRUX") * Decimal("1.05")
        ids = [
            ems.submit(sale(5_000, strategy="balanced")),
            ems.submit(NewOrder("buy", "BOLT", 2_000, "market", strategy="urgent")),
            ems.submit(NewOrder("buy", "CRUX", 1_500, "limit", reach.quantize(Decimal("0.01")))),
        ]
        for cl_ord_id in ids:
            await end_of(ems, cl_ord_id)

    async def test_a_venue_is_killed_in_mid_order(self, desk: ComposeDesk, ems: Ems) -> None:
        cl_ord_id = ems.submit(sale(12_000))
        await work_begins(ems, cl_ord_id)
        await asyncio.to_thread(desk.compose, "kill", "dark-a", "exchange")
        assert await asyncio.to_thread(desk.is_ready) is False
        await asyncio.to_thread(desk.compose, "start", "dark-a", "exchange")
        await end_of(ems, cl_ord_id)
        await asyncio.to_thread(desk.until, "both are back", desk.is_ready)

    async def test_the_gateway_is_killed_in_mid_order(self, desk: ComposeDesk, ems: Ems) -> None:
        cl_ord_id = ems.submit(sale(12_000))
        await work_begins(ems, cl_ord_id)
        await asyncio.to_thread(desk.compose, "kill", "gateway")
        await asyncio.to_thread(desk.compose, "start", "gateway")
        await end_of(ems, cl_ord_id)
        assert ems.logons >= 2

    async def test_the_gateway_is_restarted_in_mid_order(self, desk: ComposeDesk, ems: Ems) -> None:
        cl_ord_id = ems.submit(sale(12_000))
        await work_begins(ems, cl_ord_id)
        await asyncio.to_thread(desk.compose, "restart", "gateway")
        assert desk.inspect("gateway")["State"]["OOMKilled"] is False
        await end_of(ems, cl_ord_id)
        assert ems.logons >= 2


class TestTheAccount:
    async def test_metrics_tell_what_went_on_since_the_last_start(
        self, desk: ComposeDesk, ems: Ems
    ) -> None:
        before = read(desk.ask("metrics")[1])
        order = await end_of(ems, ems.submit(sale(3_000, strategy="balanced")))
        after = read(desk.ask("metrics")[1])
        assert after.value("sor_ready") == 1
        traded = order.by_market()
        for venue in desk.venues:
            labels = {"session": venue.name, "kind": "venue"}
            assert after.value("sor_session_synchronised", **labels) == 1
            shares = after.value("sor_filled_shares_total", venue=venue.name)
            shares -= before.value("sor_filled_shares_total", venue=venue.name)
            assert shares == (traded[venue.mic].quantity if venue.mic in traded else 0)

    async def test_every_side_agrees_on_every_share(
        self, desk: ComposeDesk, ems: Ems, tmp_path: Path
    ) -> None:
        desk.until("no child is open", lambda: desk.status()["open_children"] == 0)
        accounts = desk.accounts(ems.ledger, tmp_path)
        assert [each for each in accounts if not each.agrees] == []
        filled = sum(order.cum_quantity for order in ems.ledger.orders.values())
        assert sum(each.at_venue.shares for each in accounts) == filled == 47_500
        assert ems.ledger.duplicates_unflagged == 0

    def test_the_ems_of_the_profile_sends_an_order(self, desk: ComposeDesk) -> None:
        options = ("--side", "buy", "--symbol", "DYNE", "--qty", "500", "--json")
        output = desk.compose("run", "--rm", "-T", "ems", *options)
        report = json.loads(output.splitlines()[-1])
        assert (report["state"], report["filled"]) == ("filled", 500)
        assert report["violations"] == []

    def test_nobody_logged_an_error(self, desk: ComposeDesk) -> None:
        lines = [line.partition("{")[2] for line in desk.compose("logs", "--no-color").splitlines()]
        entries = [json.loads("{" + line) for line in lines if line]
        assert len(entries) > 100
        assert [each for each in entries if each["level"] in ("error", "critical")] == []
