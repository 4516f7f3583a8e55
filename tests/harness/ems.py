"""The bundled EMS's own session and ledger, on the harness's loop.

Owns: one client session over a line, orders that wait for it to be up, what it was told.
May not know: anything of the gateway but its FIX. It keeps nothing over a restart of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sor_gateway.client.ems import BILATERAL_STRATEGY, ORD_TYPES, SIDES, TIMES_IN_FORCE, NewOrder
from sor_gateway.client.ledger import Ledger, Order
from sor_gateway.client.session import Application, Numbers, Session, SessionSettings
from sor_gateway.client.wire import Pairs, Received, Tag, timestamp
from tests.harness.line import End
from tests.harness.loop import Call, VirtualLoop


class Ems(asyncio.Protocol):
    """A trader's system: it is the protocol of its end of the line."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.session = Session(SessionSettings(), Numbers())
        self.ledger = Ledger()
        self.told: list[Received] = []
        """Every message about business that came, oldest first."""
        self.up = True
        self._loop = loop
        self._end: End | None = None
        self._on_end: Callable[[], None] = lambda: None
        self._timer: Call | None = None
        self._waiting: list[tuple[str, Pairs]] = []
        self._ids = 0

    # --- orders ---------------------------------------------------------------------------

    def submit(self, order: NewOrder) -> str:
        """Send a new order, now or after the next logon. Returns its ClOrdID."""
        self._ids += 1
        cl_ord_id = f"H{self._ids}"
        price = [] if order.price is None else [(int(Tag.PRICE), f"{order.price:f}")]
        strategy = [
            (int(Tag.TARGET_STRATEGY), BILATERAL_STRATEGY),
            (Tag.TARGET_STRATEGY_PARAMETERS, order.strategy),
        ]
        body: Pairs = [
            (int(Tag.CL_ORD_ID), cl_ord_id),
            (Tag.HANDL_INST, "1"),
            (Tag.SYMBOL, order.symbol),
            (Tag.SIDE, SIDES[order.side]),
            (Tag.TRANSACT_TIME, timestamp(self._loop.now_ns)),
            (Tag.ORDER_QTY, str(order.quantity)),
            (Tag.ORD_TYPE, ORD_TYPES[order.ord_type]),
            *price,
            (Tag.TIME_IN_FORCE, TIMES_IN_FORCE[order.time_in_force]),
            *(strategy if order.strategy else []),
        ]
        self.ledger.sent(Received(b"", "D", body))
        self._waiting.append(("D", body))
        self._flush()
        return cl_ord_id

    def cancel(self, orig_cl_ord_id: str) -> str:
        """Ask for an order back, now or after the next logon. Returns the request's ClOrdID."""
        self._ids += 1
        order = self.order(orig_cl_ord_id)
        body: Pairs = [
            (int(Tag.CL_ORD_ID), f"H{self._ids}"),
            (Tag.ORIG_CL_ORD_ID, orig_cl_ord_id),
            (Tag.SYMBOL, order.symbol),
            (Tag.SIDE, order.side),
            (Tag.TRANSACT_TIME, timestamp(self._loop.now_ns)),
            (Tag.ORDER_QTY, str(order.quantity)),
        ]
        self.ledger.sent(Received(b"", "F", body))
        self._waiting.append(("F", body))
        self._flush()
        return f"H{self._ids}"

    def order(self, cl_ord_id: str) -> Order:
        """An order as its reports tell it."""
        order = self.ledger.order(cl_ord_id)
        assert order is not None, f"{cl_ord_id} was never submitted"
        return order

    # --- its end of the line --------------------------------------------------------------

    def attach(self, end: End, on_end: Callable[[], None]) -> None:
        """A line is up: log on."""
        end.protocol = self
        self._end, self._on_end = end, on_end
        self.session.connect(self._loop.now_ns)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes from the gateway."""
        self.session.receive(data, self._loop.now_ns)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone."""
        self._end = None
        self.session.disconnect(str(exc or "the gateway closed the connection"))
        self._flush()
        self._on_end()

    # --- internals ------------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = None
        self.session.tick(self._loop.now_ns)
        self._flush()

    def _flush(self) -> None:
        """The end of a turn: bytes out, events in, the timer set."""
        session = self.session
        while True:
            if session.active:
                waiting, self._waiting = self._waiting, []
                for msg_type, body in waiting:
                    session.send(msg_type, body, self._loop.now_ns)
            session.take_records()
            output, events = session.take_output(), session.take_events()
            if output and self._end is not None:
                self._end.write(output)
            for event in events:
                if isinstance(event, Application):
                    self.told.append(event.message)
                    self.ledger.received(event.message)
            if not events:
                break
        if session.closing and self._end is not None:
            self._end.close()
        self._set_timer()

    def _set_timer(self) -> None:
        due = self.session.next_deadline()
        if self._timer is not None and self._timer.at_ns != due:
            self._timer.cancel()
            self._timer = None
        if due is not None and self._timer is None:
            self._timer = self._loop.at_ns(due, self._tick)
