from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

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
        self.refusal = ""
        self.resolved: list[tuple[str, int | None, int, str]] = []
        self.settled: list[str] = []
        self.quarantines: list[tuple[str, bool, str]] = []
        self.commands: list[tuple[str, str, str, dict[str, int]]] = []

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

    def doubts(self) -> Json:
        return {"children": [{"child": "C1"}]}

    def resolve(self, child_id: str, filled: int | None, price_micros: int, reason: str) -> str:
        if child_id != "C1":
            raise KeyError(child_id)
        if self.refusal:
            return self.refusal
        self.resolved.append((child_id, filled, price_micros, reason))
        return ""

    def settle(self, client: str, exec_id: str, reason: str) -> None:
        if (client, exec_id) != ("EMS", "E1"):
            raise KeyError(exec_id)
        self.settled.append(reason)

    def quarantine(self, venue: str, on: bool, reason: str) -> None:
        if venue != "ecn":
            raise KeyError(venue)
        self.quarantines.append((venue, on, reason))

    def operate(self, session: str, action: str, reason: str, numbers: Mapping[str, int]) -> str:
        if session != "EMS":
            raise KeyError(session)
        if self.refusal:
            return self.refusal
        self.commands.append((session, action, reason, dict(numbers)))
        return ""


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


class TestSessions:
    @pytest.mark.parametrize(
        ("action", "numbers"),
        [
            ("test-request", {}),
            ("resend-request", {"begin": 7}),
            ("disconnect", {}),
            ("disable", {}),
            ("enable", {}),
            ("set-numbers", {"next_in": 3, "next_out": 5}),
        ],
    )
    async def test_each_action_takes_a_reason_and_its_numbers(
        self,
        admin: aiohttp.ClientSession,
        operations: ScriptedOperations,
        action: str,
        numbers: dict[str, int],
    ) -> None:
        body = {"reason": " a drill ", **numbers}
        async with admin.post(f"/sessions/EMS/{action}", json=body) as answer:
            assert answer.status == 200
            told = {"session": "EMS", "action": action, "reason": "a drill", **numbers}
            assert await answer.json() == told
        assert operations.commands == [("EMS", action, "a drill", numbers)]

    async def test_what_cannot_be_done_now_is_refused_with_the_reason(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        operations.refusal = "EMS is not logged on"
        async with admin.post("/sessions/EMS/test-request", json={"reason": "x"}) as answer:
            assert answer.status == 409
            assert await answer.json() == {"error": "EMS is not logged on"}

    @pytest.mark.parametrize(
        ("path", "body", "status", "expected"),
        [
            ("EMS/explode", {"reason": "x"}, 404, "expected one of test-request"),
            ("NOBODY/disable", {"reason": "x"}, 404, "there is no session NOBODY"),
            ("EMS/disable", {}, 400, "an object with reason and nothing else"),
            ("EMS/disable", {"reason": "x", "next_in": 1}, 400, "nothing else"),
            ("EMS/disable", {"reason": "a\x01b"}, 400, "printable"),
            ("EMS/set-numbers", {"reason": "x"}, 400, "reason, next_in, next_out"),
            (
                "EMS/set-numbers",
                {"reason": "x", "next_in": 0, "next_out": 1},
                400,
                "next_in: expected a whole number of 1 or more",
            ),
            (
                "EMS/set-numbers",
                {"reason": "x", "next_in": 1, "next_out": True},
                400,
                "next_out: expected a whole number",
            ),
            ("EMS/resend-request", {"reason": "x", "begin": "1"}, 400, "begin: expected"),
        ],
    )
    async def test_what_is_not_understood_does_nothing(
        self,
        admin: aiohttp.ClientSession,
        operations: ScriptedOperations,
        path: str,
        body: dict[str, object],
        status: int,
        expected: str,
    ) -> None:
        async with admin.post(f"/sessions/{path}", json=body) as answer:
            assert answer.status == status
            assert expected in (await answer.json())["error"]
        assert operations.commands == []

    async def test_a_web_form_cannot_do_it(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        async with admin.post("/sessions/EMS/disable", data='{"reason": "x"}') as answer:
            assert answer.status == 415
        assert operations.commands == []


class TestServer:
    async def test_a_taken_port_is_an_error(self, operations: ScriptedOperations) -> None:
        first, second = Admin(operations), Admin(operations)
        await first.start("127.0.0.1", 0)
        with pytest.raises(OSError, match="address"):
            await second.start("127.0.0.1", first.port)
        await second.stop()
        await first.stop()


class TestDoubts:
    async def test_are_listed(self, admin: aiohttp.ClientSession) -> None:
        async with admin.get("/doubts") as answer:
            assert await answer.json() == {"children": [{"child": "C1"}]}

    @pytest.mark.parametrize(
        ("filled", "price", "micros"), [(None, None, 0), (0, None, 0), (250, "50.01", 50_010_000)]
    )
    async def test_are_resolved(
        self,
        admin: aiohttp.ClientSession,
        operations: ScriptedOperations,
        filled: int | None,
        price: str | None,
        micros: int,
    ) -> None:
        body = {"reason": "by telephone", "filled": filled, "price": price}
        async with admin.post("/children/C1/resolve", json=body) as answer:
            assert answer.status == 200
        assert operations.resolved == [("C1", filled, micros, "by telephone")]

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("children/C9/resolve", {"reason": "x", "filled": 1, "price": None}, 404),
            ("children/C1/resolve", {"reason": "x", "filled": -1, "price": None}, 400),
            ("children/C1/resolve", {"reason": "x", "filled": True, "price": None}, 400),
            ("children/C1/resolve", {"reason": "x", "filled": 1, "price": "-3"}, 400),
            ("children/C1/resolve", {"reason": "x", "filled": 1, "price": "1e-9"}, 400),
            ("children/C1/resolve", {"reason": "x", "filled": 1, "price": "much"}, 400),
            ("children/C1/resolve", {"reason": "", "filled": 1, "price": None}, 400),
            ("children/C1/resolve", {"reason": "x"}, 400),
            ("disputes/EMS/E9/settle", {"reason": "x"}, 404),
            ("disputes/EMS/E1/settle", {"on": True, "reason": "x"}, 400),
            ("venues/lunar/quarantine", {"on": True, "reason": "x"}, 404),
            ("venues/ecn/quarantine", {"on": "yes", "reason": "x"}, 400),
        ],
    )
    async def test_what_makes_no_sense_is_refused(
        self,
        admin: aiohttp.ClientSession,
        operations: ScriptedOperations,
        path: str,
        body: dict[str, object],
        status: int,
    ) -> None:
        async with admin.post(f"/{path}", json=body) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]
        assert operations.resolved == []
        assert (operations.quarantines, operations.settled) == ([], [])

    async def test_what_is_not_in_doubt_is_a_conflict(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        operations.refusal = "C1 is filled: nothing is in doubt"
        body = {"reason": "x", "filled": 1, "price": None}
        async with admin.post("/children/C1/resolve", json=body) as answer:
            assert answer.status == 409
            assert await answer.json() == {"error": operations.refusal}

    async def test_a_dispute_is_settled(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        async with admin.post(
            "/disputes/EMS/E1/settle", json={"reason": "they found it"}
        ) as answer:
            assert (answer.status, (await answer.json())["exec"]) == (200, "E1")
        assert operations.settled == ["they found it"]

    async def test_a_venue_is_put_into_quarantine(
        self, admin: aiohttp.ClientSession, operations: ScriptedOperations
    ) -> None:
        body = {"on": True, "reason": "strange prices"}
        async with admin.post("/venues/ecn/quarantine", json=body) as answer:
            assert answer.status == 200
        assert operations.quarantines == [("ecn", True, "strange prices")]
