from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from sor_gateway.ops.admin import BODY_BYTES_MAX, Admin, Json
from sor_gateway.ops.metrics import JournalView, MetricsView


class ScriptedOperations:
    """An engine that says what it is told to say."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.kills: list[tuple[bool, str]] = []

    def status(self) -> Json:
        return {"turns": 7, "killed": False}

    def sessions(self) -> list[Json]:
        return [{"name": "EMS", "state": "logged-on"}]

    def readiness(self) -> list[str]:
        return self.reasons

    def metrics(self) -> MetricsView:
        return MetricsView(journal=JournalView(records=3))

    def kill(self, on: bool, reason: str) -> None:
        self.kills.append((on, reason))


@pytest.fixture
def operations() -> ScriptedOperations:
    return ScriptedOperations()


@pytest_asyncio.fixture
async def admin(operations: ScriptedOperations) -> AsyncIterator[aiohttp.ClientSession]:
    server = Admin(operations)
    await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client:
        yield client
    await server.stop()


class TestReading:
    async def test_metrics_are_prometheus_text(self, admin: aiohttp.ClientSession) -> None:
        async with admin.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert "sor_journal_records_total 3.0" in await answer.text()

    async def test_healthy_means_that_it_answers(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        operations.reasons = ["dark-a is not synchronised"]
        async with admin.get("/healthz") as answer:
            assert answer.status == 200

    async def test_ready_when_nothing_speaks_against_it(self, admin: aiohttp.ClientSession) -> None:
        async with admin.get("/readyz") as answer:
            assert answer.status == 200
            assert await answer.json() == {"ready": True, "reasons": []}

    async def test_not_ready_says_why(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        operations.reasons = ["dark-a is not synchronised", "the calendar ends 2027-12-31"]
        async with admin.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["reasons"] == operations.reasons

    async def test_status_and_sessions_are_json(self, admin: aiohttp.ClientSession) -> None:
        async with admin.get("/status") as answer:
            assert await answer.json() == {"turns": 7, "killed": False}
        async with admin.get("/sessions") as answer:
            assert await answer.json() == [{"name": "EMS", "state": "logged-on"}]

    async def test_there_is_nothing_else(self, admin: aiohttp.ClientSession) -> None:
        async with admin.get("/") as answer:
            assert answer.status == 404


class TestKill:
    async def test_stops_and_releases_with_a_reason(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        for order in ({"on": True, "reason": " fat finger "}, {"on": False, "reason": "resolved"}):
            async with admin.post("/kill", json=order) as answer:
                assert answer.status == 200
        assert operations.kills == [(True, "fat finger"), (False, "resolved")]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("", "Expecting value"),
            ("not json", "Expecting value"),
            ("[]", "nothing else"),
            ('{"on": true}', "nothing else"),
            ('{"on": true, "reason": "x", "force": 1}', "nothing else"),
            ('{"on": "true", "reason": "x"}', "on: expected true or false"),
            ('{"on": 1, "reason": "x"}', "on: expected true or false"),
            ('{"on": true, "reason": "  "}', "reason: expected"),
            ('{"on": true, "reason": 5}', "reason: expected"),
            ('{"on": true, "reason": "%s"}' % ("x" * 201), "reason: expected"),
        ],
    )
    async def test_what_is_not_understood_does_nothing(
        self,
        admin: aiohttp.ClientSession,
        operations: ScriptedOperations,
        body: str,
        expected: str,
    ) -> None:
        headers = {"Content-Type": "application/json"}
        async with admin.post("/kill", data=body, headers=headers) as answer:
            assert answer.status == 400
            assert expected in (await answer.json())["error"]
        assert operations.kills == []

    async def test_a_web_form_cannot_pull_it(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        async with admin.post("/kill", data='{"on": true, "reason": "x"}') as answer:
            assert answer.status == 415
        assert operations.kills == []

    async def test_reading_it_is_not_pulling_it(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        async with admin.get("/kill") as answer:
            assert answer.status == 405
        assert operations.kills == []

    async def test_bodies_are_bounded(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        body = {"on": True, "reason": "x" * BODY_BYTES_MAX}
        async with admin.post("/kill", json=body) as answer:
            assert answer.status == 413
        assert operations.kills == []


class TestServer:
    async def test_a_taken_port_is_an_error(self, operations: ScriptedOperations) -> None:
        first, second = Admin(operations), Admin(operations)
        await first.start("127.0.0.1", 0)
        with pytest.raises(OSError, match="address"):
            await second.start("127.0.0.1", first.port)
        await second.stop()
        await first.stop()
