"""The bundled EMS over asyncio: one session, its state file, its ledger; it reconnects for ever.

Owns: the socket, the clock, the order in which a turn's records, bytes and events are dealt with,
and the programmatic interface for the demo and the tests.
May not know: anything of the gateway but its address and its FIX.

A turn writes the session's records to the state file, then its bytes to the socket, then acts on
its events; there is no await in between. Orders submitted while the session is down wait in memory
and leave, in order, after the next logon. When the numbers begin again at 1, requests that the
peer never answered leave once more with 97=Y: the gateway may have forgotten them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from sor_gateway.client.ledger import Ledger, Order, Request
from sor_gateway.client.session import (
    Application,
    EpochBegan,
    Event,
    Incident,
    LoggedOn,
    LoggedOut,
    Session,
    SessionSettings,
)
from sor_gateway.client.store import Store
from sor_gateway.client.wire import NANOS_PER_SECOND, Pairs, Received, Tag, parse, timestamp

READ_BYTES: Final = 65_536
WAITING_LIMIT: Final = 10_000
"""Most requests held back while the session is down."""
BACK_OFF_FIRST_S: Final = 0.05
BACK_OFF_MAX_S: Final = 0.25
CONNECT_TIMEOUT_S: Final = 2.0
STOP_TIMEOUT_S: Final = 2.0
WRITE_LIMIT_BYTES: Final = 4_194_304
"""A peer that lets so much pile up unread is cut off."""
LOG_LIMIT: Final = 1_000
"""Session events kept as text for people; the oldest go first."""
BILATERAL_STRATEGY: Final = "1000"
"""TargetStrategy (847): agreed between the two sides, its name is in 848."""
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

SIDES: Final = {"buy": "1", "sell": "2", "sell-short": "5", "sell-short-exempt": "6"}
ORD_TYPES: Final = {"market": "1", "limit": "2"}
TIMES_IN_FORCE: Final = {"day": "0", "ioc": "3"}


@dataclass(slots=True)
class NewOrder:
    """What a trader wants. Words, not FIX codes: see SIDES, ORD_TYPES, TIMES_IN_FORCE."""

    side: str
    symbol: str
    quantity: int
    ord_type: str = "market"
    price: Decimal | None = None
    time_in_force: str = "day"
    strategy: str = ""
    """Name of a preset of the gateway; empty for its default."""
    account: str = ""
    extra: Pairs = field(default_factory=list)
    """Further fields, as they are."""


@dataclass(slots=True)
class EmsSettings:
    """Where the gateway is and who we are."""

    host: str = "127.0.0.1"
    port: int = 9880
    session: SessionSettings = field(default_factory=SessionSettings)
    state_file: Path | None = None
    anew: bool = False
    """Throw the state file away and start the numbers again (141=Y)."""


Listener = Callable[[Received, Order | None], None]


class Ems:
    """See the module. Use from one event loop; `start`, then submit, then `stop`."""

    def __init__(self, settings: EmsSettings, listener: Listener | None = None) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.log: list[str] = []
        self.logons = 0
        self._listener = listener
        self._store = Store(settings.state_file)
        self._session: Session | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._closing: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiters: list[asyncio.Future[None]] = []
        """Resolved at the end of each turn."""
        self._stopping = False
        self._bodies: dict[str, tuple[str, Pairs]] = {}
        """Type and body of every request submitted by this process, by ClOrdID."""
        self._waiting: list[tuple[str, bool]] = []
        """ClOrdIDs to send (as a possible resend?) when the session is up again."""
        self._ids_taken = 0
        self._id_prefix = base36(time.time_ns() // 1_000)

    # --- life -------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether the session is logged on."""
        return self._session is not None and self._session.active

    @property
    def session(self) -> Session:
        """The protocol machine; after `start`."""
        assert self._session is not None, "not started"
        return self._session

    async def start(self) -> None:
        """Read the state file and begin to connect. Raises StateCorruptError, OSError."""
        assert self._task is None, "started twice"
        stored = self._store.open(self.settings.anew)
        self._session = Session(self.settings.session, stored.numbers)
        for ours, message in stored.history:
            if ours:
                self.ledger.sent(message)
            else:
                self.ledger.received(message)
        if self.settings.anew:
            self._session.reset()
            self._store.append(self._session.take_records())
        self._task = asyncio.create_task(self._run(), name="ems")

    async def stop(self) -> None:
        """Log out, wait for the answer (2 s at most), close. Harmless when not started."""
        if self._session is not None and self._session.active:
            self._session.logout(time.time_ns())
            self._flush()
            self._stopping = True
            await self._until(lambda: self._writer is None, STOP_TIMEOUT_S)
        await self.abort()

    async def abort(self) -> None:
        """Go without a goodbye, as a crash would: the transport is cut."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._closing is not None:
            with suppress(OSError):  # it may have ended in a reset by the peer
                await self._closing.wait_closed()
            self._closing = None
        self._store.close()

    def reset(self) -> None:
        """Start the numbers of both sides anew: reconnects with 141=Y. The ledger stays."""
        self.session.reset()
        self._store.append(self.session.take_records())
        self.drop_connection()

    def drop_connection(self) -> None:
        """Cut the transport, if there is one; the next connection follows by itself."""
        if self._writer is not None:
            self._writer.transport.abort()

    # --- requests ---------------------------------------------------------------------------

    def submit(self, order: NewOrder) -> str:
        """Send a new order (35=D), now or after the next logon. Returns its ClOrdID."""
        cl_ord_id = self._next_id()
        body = [
            (int(Tag.CL_ORD_ID), cl_ord_id),
            *([(int(Tag.ACCOUNT), order.account)] if order.account else []),
            (Tag.HANDL_INST, "1"),
            (Tag.SYMBOL, order.symbol),
            (Tag.SIDE, SIDES[order.side]),
            (Tag.TRANSACT_TIME, timestamp(time.time_ns())),
            (Tag.ORDER_QTY, str(order.quantity)),
            (Tag.ORD_TYPE, ORD_TYPES[order.ord_type]),
            *([(int(Tag.PRICE), f"{order.price:f}")] if order.price is not None else []),
            (Tag.TIME_IN_FORCE, TIMES_IN_FORCE[order.time_in_force]),
            *self._strategy(order.strategy),
            *order.extra,
        ]
        return self._request("D", cl_ord_id, body)

    def cancel(self, cl_ord_id: str) -> str:
        """Ask for a cancel (35=F) of an order of the ledger. Returns the request's ClOrdID.
        Raises KeyError for an unknown order."""
        request_id = self._next_id()
        return self._request("F", request_id, self._about(cl_ord_id, request_id))

    def replace(self, cl_ord_id: str, quantity: int, price: Decimal | None = None) -> str:
        """Ask for other terms (35=G); `quantity` is the total, executed shares included. Returns
        the request's ClOrdID, the order's own once it is accepted. Raises KeyError."""
        request_id = self._next_id()
        kind = "market" if price is None else "limit"
        body = [
            *self._about(cl_ord_id, request_id, quantity),
            (int(Tag.HANDL_INST), "1"),
            (Tag.ORD_TYPE, ORD_TYPES[kind]),
            *([(int(Tag.PRICE), f"{price:f}")] if price is not None else []),
        ]
        return self._request("G", request_id, body)

    def status(self, cl_ord_id: str) -> str:
        """Ask how an order stands (35=H). Returns the request's id, which FIX 4.4 carries in 790.
        Raises KeyError."""
        order = self._order(cl_ord_id)
        request_id = self._next_id()
        body = [
            (int(Tag.CL_ORD_ID), order.accepted_id),
            (Tag.SYMBOL, order.symbol),
            (Tag.SIDE, order.side),
        ]
        if order.order_id:
            body.insert(0, (Tag.ORDER_ID, order.order_id))
        if not self._is_42:
            body.append((Tag.ORD_STATUS_REQ_ID, request_id))
        return self._request("H", request_id, body)

    async def wait_active(self, timeout_s: float | None = None) -> bool:
        """Until the session is logged on; False when the time is up."""
        return await self._until(lambda: self.active, timeout_s)

    async def wait(self, cl_ord_id: str, timeout_s: float | None = None) -> Order:
        """Until an order is over; the order as it stands then or when the time is up. Raises
        KeyError for an unknown order, and what ended the EMS itself (a full disk, say)."""
        order = self._order(cl_ord_id)
        await self._until(lambda: order.over, timeout_s)
        return order

    async def wait_answer(self, request_id: str, timeout_s: float | None = None) -> Request | None:
        """Until the peer has shown that it has a request, or the time is up."""
        await self._until(lambda: self._is_answered(request_id), timeout_s)
        return self.ledger.requests.get(request_id)

    # --- requests: parts --------------------------------------------------------------------

    @property
    def _is_42(self) -> bool:
        return self.settings.session.begin_string == "FIX.4.2"

    def _strategy(self, name: str) -> Pairs:
        """The strategy tags: 847 and 848, custom ones on FIX 4.2."""
        if not name:
            return []
        if self._is_42:
            target, parameters = Tag.TARGET_STRATEGY_42, Tag.TARGET_STRATEGY_PARAMETERS_42
        else:
            target, parameters = Tag.TARGET_STRATEGY, Tag.TARGET_STRATEGY_PARAMETERS
        return [(target, BILATERAL_STRATEGY), (parameters, name)]

    def _order(self, cl_ord_id: str) -> Order:
        order = self.ledger.order(cl_ord_id)
        if order is None:
            raise KeyError(f"no order {cl_ord_id}: it was never submitted")
        return order

    def _about(self, cl_ord_id: str, request_id: str, quantity: int | None = None) -> Pairs:
        """The body that F and G have in common; 41 is the last accepted ClOrdID."""
        order = self._order(cl_ord_id)
        return [
            (int(Tag.ORIG_CL_ORD_ID), order.accepted_id),
            *([(int(Tag.ORDER_ID), order.order_id)] if order.order_id else []),
            (Tag.CL_ORD_ID, request_id),
            (Tag.SYMBOL, order.symbol),
            (Tag.SIDE, order.side),
            (Tag.TRANSACT_TIME, timestamp(time.time_ns())),
            (Tag.ORDER_QTY, str(order.quantity if quantity is None else quantity)),
        ]

    def _next_id(self) -> str:
        """A ClOrdID that no earlier run of ours can have used: it starts with the time."""
        self._ids_taken += 1
        return f"{self._id_prefix}-{base36(self._ids_taken)}"

    def _request(self, msg_type: str, request_id: str, body: Pairs) -> str:
        if len(self._waiting) >= WAITING_LIMIT:
            raise RuntimeError(f"{WAITING_LIMIT} requests wait for the session already")
        self._bodies[request_id] = msg_type, body
        self._waiting.append((request_id, False))
        self.ledger.sent(Received(b"", msg_type, body))
        if self.active:
            self._flush()
        return request_id

    def _is_answered(self, request_id: str) -> bool:
        request = self.ledger.requests.get(request_id)
        return request is not None and request.answered

    # --- connections and turns --------------------------------------------------------------

    async def _run(self) -> None:
        """Connect, serve, start over; the pause grows until a logon succeeds."""
        pause_s = BACK_OFF_FIRST_S
        while not self._stopping:
            logons = self.logons
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    reader, writer = await asyncio.open_connection(
                        self.settings.host, self.settings.port
                    )
            except (OSError, TimeoutError):
                pass  # nobody listens (yet): the pause below, then again
            else:
                await self._serve(reader, writer)
            pause_s = BACK_OFF_FIRST_S if self.logons > logons else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, BACK_OFF_MAX_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it is gone."""
        session, self._writer = self.session, writer
        reason = "the connection was lost"
        try:
            session.connect(time.time_ns())
            self._flush()
            while not session.closing:
                data = await self._read(reader)
                if data == b"":
                    break
                now = time.time_ns()
                if data:
                    session.receive(data, now)
                session.tick(now)
                self._flush()
        except OSError as error:
            reason = f"the connection was lost: {error}"
        finally:
            self._writer, self._closing = None, writer
            writer.close()
            session.disconnect(reason)
            self._flush()

    async def _read(self, reader: asyncio.StreamReader) -> bytes | None:
        """Bytes; b"" at the end of the stream; None when a deadline came first."""
        deadline = self.session.next_deadline()
        assert deadline is not None, "a connected session has a deadline"
        delay_s = max(0, deadline - time.time_ns()) / NANOS_PER_SECOND
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with bytes,
            # and `abort` would wait for ever.
            async with asyncio.timeout(delay_s):
                return await reader.read(READ_BYTES)
        except TimeoutError:
            return None

    def _flush(self) -> None:
        """The end of a turn: records, then bytes, then events; twice when an event adds more."""
        session = self.session
        self._send_waiting()
        while True:
            self._store.append(session.take_records())
            output = session.take_output()
            if output and self._writer is not None:
                self._write(self._writer, output)
            events = session.take_events()
            for event in events:
                self._on_event(event)
            if not events:
                break
            self._send_waiting()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _write(self, writer: asyncio.StreamWriter, output: bytes) -> None:
        writer.write(output)
        if writer.transport.get_write_buffer_size() > WRITE_LIMIT_BYTES:
            self._note("the peer does not read: cut off")
            writer.transport.abort()

    def _send_waiting(self) -> None:
        if not self.active:
            return
        waiting, self._waiting = self._waiting, []
        for request_id, poss_resend in waiting:
            msg_type, body = self._bodies[request_id]
            number = self.session.send(msg_type, body, time.time_ns(), poss_resend)
            message = parse(self.session.numbers.sent[number])
            assert message is not None, "we cannot read our own message"
            self.ledger.sent(message)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Application):
            order = self.ledger.received(event.message)
            if self._listener is not None:
                self._listener(event.message, order)
        elif isinstance(event, LoggedOn):
            self.logons += 1
            self._note("logged on")
        elif isinstance(event, EpochBegan):
            self._note("the numbers began again at 1")
            self._ask_for_answers()
        elif isinstance(event, LoggedOut | Incident):
            self._note(event.reason if isinstance(event, LoggedOut) else event.text)

    def _ask_for_answers(self) -> None:
        """What this process sent and the peer never answered may be lost: once more, 97=Y, ahead
        of what has not left at all."""
        waiting = {request_id for request_id, _ in self._waiting}
        again = [
            (request.cl_ord_id, True)
            for request in self.ledger.unanswered()
            if request.cl_ord_id in self._bodies and request.cl_ord_id not in waiting
        ]
        self._waiting = again + self._waiting

    def _note(self, text: str) -> None:
        self.log.append(f"{timestamp(time.time_ns())} {text}")
        del self.log[:-LOG_LIMIT]

    async def _until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait for a turn after which the condition holds; False when the time is up. Raises what
        ended the EMS."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not condition():
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            await self._turn_or_end(left_s)
        return True

    async def _turn_or_end(self, timeout_s: float | None) -> None:
        """Until a turn has passed or the time is up. Raises what ended the EMS itself, and
        RuntimeError when it was stopped."""
        task = self._task
        if task is None:
            raise RuntimeError("the EMS is not running")
        turn = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await asyncio.wait({turn, task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.cancel()
        if task.done():
            if not task.cancelled():
                task.result()
            raise RuntimeError("the EMS has been stopped")


def base36(number: int) -> str:
    """A non-negative integer in digits and capitals."""
    digits = ""
    while number:
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits or "0"
