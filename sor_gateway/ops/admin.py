"""The admin port: metrics, health, status, sessions and the kill switch over HTTP.

Owns: the paths, what they answer, and what a request must look like.
May not know: the engine. It asks an `Operations`, in the event loop, between two turns.

    GET  /metrics    Prometheus text
    GET  /healthz    200 while the process turns its loop
    GET  /readyz     200 when orders can flow, else 503; {"ready": ..., "reasons": [...]}
    GET  /status     what the gateway is doing, JSON
    GET  /sessions   each FIX session, JSON
    POST /kill       {"on": true, "reason": "..."}: stop all flow; {"on": false, ...}: release it
    GET  /doubts     what is in doubt and why, JSON
    POST /children/CHILD/resolve  {"reason": "...", "filled": N or null, "price": "50.01" or null}:
                     the operator's word on a doubt; null for no more than is booked
    POST /disputes/CLIENT/EXEC/settle  {"reason": "..."}: a client denies an execution no more
    POST /venues/VENUE/quarantine  {"on": true, "reason": "..."}: no orders there; false: again
    POST /sessions/NAME/ACTION  {"reason": "..."}, for `set-numbers` also "next_in" and "next_out",
                     for `resend-request` also "begin". ACTION is one of test-request,
                     resend-request, disconnect, disable, enable, set-numbers; 409 says why not now

It has no users and no passwords: it listens on loopback unless configured otherwise, and what
changes something must be sent as application/json, which no web page can do from elsewhere without
being asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

from aiohttp import web

from sor_gateway.ops.metrics import CONTENT_TYPE, Exposition, MetricsView

BODY_BYTES_MAX: Final = 4_096
REASON_CHARACTERS_MAX: Final = 200
SHUTDOWN_S: Final = 1.0
"""How long a request that is being answered may hold up the end."""

NOT_JSON: Final = "the content type must be application/json"

Json = Mapping[str, object]


class Operations(Protocol):
    """What the engine offers to operators. All values must be what JSON can hold."""

    def status(self) -> Json:
        """What the gateway is doing."""

    def sessions(self) -> Sequence[Json]:
        """One entry for each FIX session."""

    def readiness(self) -> Sequence[str]:
        """Why orders cannot flow, one line for each reason; empty when they can."""

    def metrics(self) -> MetricsView:
        """A snapshot of all counters."""

    def doubts(self) -> Json:
        """What is in doubt, and why."""

    def resolve(self, child_id: str, filled: int | None, price_micros: int, reason: str) -> str:
        """End a doubt; why that cannot be, or nothing. Raises KeyError when there is no such
        child."""

    def settle(self, client: str, exec_id: str, reason: str) -> None:
        """A client denies an execution no more. Raises KeyError when it denies no such one."""

    def quarantine(self, venue: str, on: bool, reason: str) -> None:
        """No orders for a venue, or again. Raises KeyError when there is no such venue."""

    def kill(self, on: bool, reason: str) -> None:
        """Stop all flow, or release it. Takes effect in the next turn."""

    def operate(self, session: str, action: str, reason: str, numbers: Mapping[str, int]) -> str:
        """Do something to a session, in the next turn; why it cannot be done now, or nothing.
        `numbers`: those that the action needs, by name (SESSION_ACTIONS). Raises KeyError when
        there is no such session."""


SESSION_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "test-request": frozenset(),
    "resend-request": frozenset({"begin"}),
    "disconnect": frozenset(),
    "disable": frozenset(),
    "enable": frozenset(),
    "release": frozenset(),
    "set-numbers": frozenset({"next_in", "next_out"}),
}
"""What may be done to a session, and the numbers that it needs."""
NUMBER_MAX: Final = 10**18
MICROS_PER_UNIT: Final = 1_000_000


class Admin:
    """Serves an `Operations` over HTTP."""

    def __init__(self, operations: Operations) -> None:
        self.port = 0
        """The port it listens on once started."""
        self._operations = operations
        self._exposition = Exposition(operations.metrics)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen; port 0 takes a free one. Raises OSError when the address cannot be
        had."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/status", self._status)
        app.router.add_get("/sessions", self._sessions)
        app.router.add_get("/doubts", self._doubts)
        app.router.add_post("/kill", self._kill)
        app.router.add_post("/children/{child}/resolve", self._resolve)
        app.router.add_post("/disputes/{client}/{exec}/settle", self._settle)
        app.router.add_post("/venues/{venue}/quarantine", self._quarantine)
        app.router.add_post("/sessions/{session}/{action}", self._operate)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._exposition.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"healthy": True})

    async def _readiness(self, _: web.Request) -> web.Response:
        reasons = list(self._operations.readiness())
        answer = {"ready": not reasons, "reasons": reasons}
        return web.json_response(answer, status=503 if reasons else 200)

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self._operations.status()))

    async def _sessions(self, _: web.Request) -> web.Response:
        return web.json_response([dict(session) for session in self._operations.sessions()])

    async def _doubts(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self._operations.doubts()))

    async def _resolve(self, request: web.Request) -> web.Response:
        child = request.match_info["child"]
        if request.content_type != "application/json":
            return _refused(NOT_JSON, 415)
        try:
            reason, filled, price = _resolution(json.loads(await request.text()))
            refusal = self._operations.resolve(child, filled, price, reason)
        except KeyError:
            return _refused(f"there is no child {child}: see /doubts", 404)
        except ValueError as error:
            return _refused(str(error), 400)
        if refusal:
            return _refused(refusal, 409)
        return web.json_response({"child": child, "filled": filled, "reason": reason})

    async def _settle(self, request: web.Request) -> web.Response:
        client, exec_id = request.match_info["client"], request.match_info["exec"]
        if request.content_type != "application/json":
            return _refused(NOT_JSON, 415)
        try:
            reason, _ = _session_order(json.loads(await request.text()), frozenset())
            self._operations.settle(client, exec_id, reason)
        except KeyError:
            return _refused(f"{client} denies no execution {exec_id}: see /doubts", 404)
        except ValueError as error:
            return _refused(str(error), 400)
        return web.json_response({"client": client, "exec": exec_id, "reason": reason})

    async def _quarantine(self, request: web.Request) -> web.Response:
        venue = request.match_info["venue"]
        if request.content_type != "application/json":
            return _refused(NOT_JSON, 415)
        try:
            on, reason = _switch_order(json.loads(await request.text()))
            self._operations.quarantine(venue, on, reason)
        except KeyError:
            return _refused(f"there is no venue {venue}: see /status", 404)
        except ValueError as error:
            return _refused(str(error), 400)
        return web.json_response({"venue": venue, "on": on, "reason": reason})

    async def _operate(self, request: web.Request) -> web.Response:
        session, action = request.match_info["session"], request.match_info["action"]
        if action not in SESSION_ACTIONS:
            return _refused(f"{action}: expected one of {', '.join(SESSION_ACTIONS)}", 404)
        if request.content_type != "application/json":
            return _refused(NOT_JSON, 415)
        try:
            body = json.loads(await request.text())
            reason, numbers = _session_order(body, SESSION_ACTIONS[action])
            refusal = self._operations.operate(session, action, reason, numbers)
        except KeyError:
            return _refused(f"there is no session {session}: see /sessions", 404)
        except ValueError as error:
            return _refused(str(error), 400)
        if refusal:
            return _refused(refusal, 409)
        answer = {"session": session, "action": action, "reason": reason, **numbers}
        return web.json_response(answer)

    async def _kill(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _refused(NOT_JSON, 415)
        try:
            on, reason = _switch_order(json.loads(await request.text()))
        except ValueError as error:  # JSON and UTF-8 errors are ValueErrors too
            return _refused(str(error), 400)
        self._operations.kill(on, reason)
        return web.json_response({"on": on, "reason": reason})


def _switch_order(body: object) -> tuple[bool, str]:
    """What a switch is to be, and why. Raises ValueError with what was expected."""
    if not isinstance(body, dict) or set(body) != {"on", "reason"}:
        raise ValueError('expected {"on": true or false, "reason": "..."} and nothing else')
    on = body["on"]
    if not isinstance(on, bool):
        raise ValueError("on: expected true or false")
    return on, _reason(body["reason"])


def _resolution(body: object) -> tuple[str, int | None, int]:
    """Reason, shares and price of an operator's word on a doubt. Raises ValueError with what was
    expected."""
    if not isinstance(body, dict) or set(body) != {"reason", "filled", "price"}:
        raise ValueError("expected an object with reason, filled, price and nothing else")
    filled, price = body["filled"], body["price"]
    is_number = isinstance(filled, int) and not isinstance(filled, bool) and filled >= 0
    if filled is not None and not is_number:
        raise ValueError("filled: expected a number of shares, or null for none but those booked")
    if price is None:
        return _reason(body["reason"]), filled, 0
    try:
        micros = Decimal(str(price)) * MICROS_PER_UNIT
    except InvalidOperation:
        raise ValueError("price: expected a number") from None
    if not micros.is_finite() or not 0 < micros < NUMBER_MAX or micros != int(micros):
        raise ValueError("price: expected a price above 0, with 6 decimals at most")
    return _reason(body["reason"]), filled, int(micros)


def _session_order(body: object, needed: frozenset[str]) -> tuple[str, dict[str, int]]:
    """What a request about a session says. Raises ValueError with what was expected."""
    if not isinstance(body, dict) or set(body) != {"reason", *needed}:
        keys = ", ".join(["reason", *sorted(needed)])
        raise ValueError(f"expected an object with {keys} and nothing else")
    for key in needed:
        number = body[key]
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= NUMBER_MAX:
            raise ValueError(f"{key}: expected a whole number of 1 or more")
    return _reason(body["reason"]), {key: body[key] for key in sorted(needed)}


def _reason(text: object) -> str:
    """Why an operator does something. Raises ValueError with what was expected."""
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= REASON_CHARACTERS_MAX:
        raise ValueError(f"reason: expected a text of 1 to {REASON_CHARACTERS_MAX} characters")
    if not text.isprintable():
        raise ValueError("reason: expected printable characters: it is sent to the peer")
    return text.strip()


def _refused(text: str, status: int) -> web.Response:
    return web.json_response({"error": text}, status=status)
