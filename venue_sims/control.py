"""The control socket: JSON lines over loopback TCP, for people, tests and audits.

Owns: the socket and the questions that can be asked.
May not know: FIX, what can be changed (operations.py). It reads the venue's state between turns.

A request is one line, `{"command": "book ACME 5"}`; so is the answer. An unknown or faulty
command is answered with `{"error": ...}`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

import msgspec

from venue_sims.flow.clock import NANOS_PER_MS, NANOS_PER_SECOND
from venue_sims.flow.latent import Latent
from venue_sims.matching.orders import Side
from venue_sims.operations import Answer, CommandError, Operations
from venue_sims.server import VenueServer
from venue_sims.state import VenueOrder
from venue_sims.stepping import SteppedReactor

LINE_BYTES: Final = 64 * 1024
CONNECTIONS_MAX: Final = 32
ORDERS_SHOWN: Final = 10_000
"""Most orders in one answer."""
DEFAULT_DEPTH: Final = 10
ASK_TIMEOUT_S: Final = 10.0
ARRIVAL_ROUNDS: Final = 50
"""Rounds of the event loop within which a connection is accepted, read and known."""
RECORDS_SHOWN: Final = 10
NUMBER_DIGITS: Final = 10
STEP_MAX_NS: Final = 86_400 * NANOS_PER_SECOND
_STEP: Final = re.compile(r"([0-9]{1,15})(us|ms|s|)")
_UNITS: Final = {"us": 1_000, "ms": NANOS_PER_MS, "s": NANOS_PER_SECOND}


class Control:
    """Answers commands about one venue."""

    def __init__(self, server: VenueServer) -> None:
        self._server = server
        self._venue = server.venue
        self._operations = Operations(server)
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._commands: dict[str, Callable[[list[str]], Answer]] = {
            "status": self._status,
            "book": self._book,
            "orders": self._orders,
            "nbbo": self._nbbo,
            "ledger": self._ledger,
            "latent": self._latent,
            "trades": self._trades,
            "clock": self._clock,
            "metrics": self._metrics,
            "step": self._step,
            "journal": self._journal,
            "help": self._help,
            **self._operations.commands,
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; the port. Raises CommandError for an address that is not this machine's own."""
        if not _is_loopback(host):
            raise CommandError(f"the control socket listens on loopback only, not on {host}")
        self._listener = await asyncio.start_server(self._serve, host, port, limit=LINE_BYTES)
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Listen no more and drop who is connected."""
        if self._listener is not None:
            self._listener.close()
        for writer in list(self._open):
            writer.close()

    def answer(self, line: str) -> Answer:
        """Carry out one command."""
        if not (line.isascii() and line.isprintable()):
            # Its words may come to stand in the text of a FIX message.
            return {"error": "expected a line of printable ASCII characters"}
        words = line.split()
        command = self._commands.get(words[0]) if words else None
        if command is None:
            return {"error": f"unknown command; there are {', '.join(self._commands)}"}
        try:
            return command(words[1:])
        except CommandError as error:
            return {"error": str(error)}

    # --- the socket -----------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._open.add(writer)
        try:
            while line := await reader.readline():
                await self._let_arrive()
                writer.write(json.dumps(self._handle(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError) as error:
            # Gone, or a line beyond the limit: this connection ends, the venue does not care.
            self._server.counters.incidents += isinstance(error, ValueError)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _let_arrive(self) -> None:
        """Where time is stepped: what was sent before a command was, has come before it is carried
        out."""
        if isinstance(self._server.reactor, SteppedReactor):
            for _ in range(ARRIVAL_ROUNDS):
                await asyncio.sleep(0)

    def _handle(self, line: bytes) -> Answer:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": 'expected a line such as {"command": "status"}'}
        command = request.get("command") if isinstance(request, dict) else None
        if not isinstance(command, str):
            return {"error": 'expected a line such as {"command": "status"}'}
        return self.answer(command)

    # --- questions ------------------------------------------------------------------------

    def _help(self, words: list[str]) -> Answer:  # noqa: ARG002 - the shape of all commands
        return {
            "commands": [
                "status",
                "book SYMBOL [DEPTH]",
                "orders [SESSION] [live]",
                "nbbo [SYMBOL]",
                "ledger",
                "latent list",
                "trades [SYMBOL]",
                "clock",
                "metrics",
                "step 250ms|2s|SLOTS",
                "journal [RECORDS]",
                *self._operations.usage,
            ]
        }

    def _status(self, words: list[str]) -> Answer:  # noqa: ARG002
        venue, server = self._venue, self._server
        sessions = [link.session for link in server.orders.values()]
        sessions += [link.session for link in server.data.values()]
        state = venue.state
        return {
            "venue": venue.settings.name,
            "kind": str(venue.kind.name),
            "mic": venue.settings.mic,
            "symbols": list(venue.floors),
            "impact": any(floor.path.has_impact for floor in venue.floors.values()),
            "halted": dict(state.halted),
            "faded": sum(floor.fade.times for floor in venue.floors.values() if floor.fade),
            "sessions": [
                {
                    "name": session.settings.name,
                    "state": str(session.state.value),
                    "epoch": session.numbers.epoch,
                    "next_in": session.numbers.next_in,
                    "next_out": session.numbers.next_out,
                    "peer": server.reactor.peer(session),
                }
                for session in sessions
            ],
            "orders": len(state.orders),
            "live": sum(order.live for order in state.orders.values()),
            "waiting_commands": sum(len(client.inbound) for client in state.clients.values()),
            "waiting_reports": sum(len(client.outbox) for client in state.clients.values()),
            **asdict(server.counters),
        }

    def _metrics(self, words: list[str]) -> Answer:  # noqa: ARG002
        state, server = self._venue.state, self._server
        return {
            "messages_in": server.counters.messages_in,
            "messages_out": server.counters.messages_out,
            **asdict(server.metrics),
            "faults": dict(state.faults.struck),
        }

    def _book(self, words: list[str]) -> Answer:
        symbol = self._symbol(words)
        depth = self._number(words[1]) if len(words) > 1 else DEFAULT_DEPTH
        matcher, dark = self._venue.floors[symbol].matcher, self._venue.kind.dark
        answer: Answer = {"symbol": symbol}
        for key, side in (("bids", Side.BUY), ("asks", Side.SELL)):
            answer[key] = [
                {"price_micros": price, "quantity": quantity, "orders": orders}
                for price, quantity, orders in matcher.depth(side, depth)
            ]
            answer[f"{key}_hidden"] = [
                {"order_id": order.order_id, "quantity": order.quantity, "limit": order.price}
                for order in matcher.queue(side)
                if dark or not order.displayed
            ][:depth]
        return answer

    def _orders(self, words: list[str]) -> Answer:
        live_only = "live" in words
        wanted = [word for word in words if word != "live"]
        orders = [
            _shown(order)
            for order in self._venue.state.orders.values()
            if (order.live or not live_only) and (not wanted or order.session in wanted)
        ]
        return {"orders": orders[-ORDERS_SHOWN:], "count": len(orders)}

    def _nbbo(self, words: list[str]) -> Answer:
        now = self._venue.clock.market(self._server.clock())
        symbols = [self._symbol(words)] if words else list(self._venue.floors)
        quotes = {}
        for symbol in symbols:
            floor = self._venue.floors[symbol]
            quote = floor.nbbo(now)
            quotes[symbol] = {
                "slot": floor.path.slot(now),
                "bid_micros": quote.bid,
                "ask_micros": quote.ask,
            }
        return {"nbbo": quotes}

    def _ledger(self, words: list[str]) -> Answer:  # noqa: ARG002
        return {
            "sessions": [
                {"session": client.name, **asdict(client.ledger)}
                for client in self._venue.state.clients.values()
            ]
        }

    def _latent(self, words: list[str]) -> Answer:
        if words not in ([], ["list"]):
            raise CommandError("expected: latent list")
        latent = [
            {
                "name": flow.settings.name,
                "symbol": flow.settings.symbol,
                "side": str(flow.settings.side),
                "reserve": flow.settings.reserve,
                "remaining": flow.remaining,
                "resting": flow.resting,
                "traded": self._venue.state.latent.get(flow.name, 0),
            }
            for floor in self._venue.floors.values()
            for flow in floor.flows.values()
            if isinstance(flow, Latent)
        ]
        return {"latent": latent}

    def _clock(self, words: list[str]) -> Answer:  # noqa: ARG002
        clock, now = self._venue.clock, self._server.clock()
        return {
            "now_ns": now,
            "t0_ns": clock.t0_ns,
            "scale_milli": clock.scale_milli,
            "market_ns": clock.market(now),
        }

    def _trades(self, words: list[str]) -> Answer:
        wanted = self._symbol(words) if words else ""
        state = self._venue.state
        trades = [
            {
                "exec_id": exec_id,
                "order_id": trade.order_id,
                "cl_ord_id": terms.cl_ord_id,
                "symbol": terms.symbol,
                "side": str(terms.capacity),
                "quantity": trade.quantity,
                "price_micros": trade.price,
                "fee_micros": trade.fee_micros,
            }
            for exec_id, trade in state.faults.trades.items()
            for terms in [state.orders[trade.order_id].terms]
            if wanted in ("", terms.symbol)
        ]
        return {"count": len(trades), "trades": trades[-ORDERS_SHOWN:]}

    def _step(self, words: list[str]) -> Answer:
        reactor = self._server.reactor
        if not isinstance(reactor, SteppedReactor):
            raise CommandError("time goes by itself here: start the venue with --clock stepped")
        match = _STEP.fullmatch(words[0]) if len(words) == 1 else None
        if match is None:
            raise CommandError("expected: step 250ms, step 2s, or step and a number of slots")
        number, unit = int(match[1]), match[2]
        length_ns = number * _UNITS[unit] if unit else self._slots_ns(number)
        if length_ns > STEP_MAX_NS:
            raise CommandError(f"{words[0]}: more than a day at once")
        turns = reactor.step(length_ns)
        return {**self._clock([]), "turns": turns}

    def _slots_ns(self, slots: int) -> int:
        """Slots of the market in nanoseconds of the venue's clock."""
        floor, clock = next(iter(self._venue.floors.values())), self._venue.clock
        return clock.wall(slots * floor.path.slot_ns) - clock.t0_ns

    def _journal(self, words: list[str]) -> Answer:
        count = self._number(words[0]) if words else RECORDS_SHOWN
        records = list(self._server.recent)[-count:]
        lines = []
        for record in records:
            said: Answer = {"turn": record.turn, "at_ns": record.at_ns}
            lines += [
                {**said, "what": name, "says": msgspec.msgpack.decode(body)}
                for name, body in record.facts
            ]
            lines += [
                {
                    **said,
                    "what": f"{'out' if entry.outbound else 'in'} {entry.session}",
                    "says": entry.raw.decode("latin-1").replace("\x01", "|"),
                }
                for entry in record.entries
            ]
        return {"records": len(records), "journal": lines}

    # --- arguments ------------------------------------------------------------------------

    def _symbol(self, words: list[str]) -> str:
        if not words or words[0] not in self._venue.floors:
            raise CommandError(f"expected a symbol: {', '.join(self._venue.floors)}")
        return words[0]

    def _number(self, word: str) -> int:
        if not (word.isdecimal() and len(word) < NUMBER_DIGITS and 0 < int(word) <= ORDERS_SHOWN):
            raise CommandError(f"{word}: expected a number up to {ORDERS_SHOWN}")
        return int(word)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: nobody knows where it leads


def _shown(order: VenueOrder) -> Answer:
    terms = order.terms
    return {
        "order_id": order.order_id,
        "cl_ord_id": terms.cl_ord_id,
        "session": order.session,
        "symbol": terms.symbol,
        "side": str(terms.capacity),
        "ord_type": str(terms.ord_type),
        "quantity": terms.quantity,
        "price_micros": terms.price,
        "state": str(order.state),
        "cum_quantity": order.cum_quantity,
        "leaves": order.leaves,
        "cum_value_micros": order.cum_value_micros,
        "text": order.text,
    }


def ask(host: str, port: int, command: str) -> Answer:
    """Put one command to a running venue. Raises OSError when it cannot be reached."""
    with socket.create_connection((host, port), timeout=ASK_TIMEOUT_S) as connection:
        connection.sendall(json.dumps({"command": command}).encode() + b"\n")
        with connection.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise ConnectionResetError("the venue closed the connection without an answer")
    answer: Answer = json.loads(line)
    return answer
