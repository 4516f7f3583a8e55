"""A flood beside a quiet session, in virtual time with a price on each message: the gateway's real
engine, reactor and sessions, and no machine whose noise could decide.

Each message of a client costs COST_NS of the gateway's time; a turn that handles many lasts long,
and whoever comes meanwhile waits. So the delays are exact, and the same at each run.
"""

from __future__ import annotations

import asyncio
import heapq
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from sor_gateway.config import load
from sor_gateway.config.settings import ClientSettings
from sor_gateway.daemon.daemon import Parts, first_facts, wire
from sor_gateway.daemon.intake import REPLAY_CHUNK
from sor_gateway.daemon.recovery import fact_codec, recover
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.fix.codec import Framer, decode, encode
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.journal.memory import MemoryJournal, MemoryStorage
from sor_gateway.net.reactor import Reactor
from tests.harness.line import Line
from tests.harness.loop import SECOND, VirtualLoop
from tests.harness.machines import bind

ROOT = Path(__file__).parents[2]
START = 1_790_000_000 * SECOND
MILLISECOND = SECOND // 1_000
COST_NS = 100_000
"""Of one message: about what an order costs."""
PIECE = 8_192
QUIET_EVERY_NS = 5 * MILLISECOND
BURST, BURST_EVERY_NS = 1_000, 10 * MILLISECOND
"""100,000 messages a second."""


class BusyLoop(VirtualLoop):
    """The gateway's work takes time: its turns wait for each other, and nothing else does."""

    def __init__(self, start_ns: int) -> None:
        super().__init__(start_ns)
        self._busy_until = start_ns

    def spend(self, ns: int) -> None:
        self.now_ns += ns

    def step(self) -> None:
        at_ns, _, call = heapq.heappop(self._heap)
        if isinstance(getattr(call._do, "__self__", None), Reactor):
            self.now_ns = max(self._busy_until, at_ns)
            call.run()
            self._busy_until = self.now_ns
        else:  # another machine, or the line between
            self.now_ns = at_ns
            call.run()

    def run_until(self, at_ns: int) -> None:
        while (due := self.next_ns()) is not None and due <= at_ns:
            self.step()
        self.now_ns = at_ns


class Client(asyncio.Protocol):
    """One end of a line: numbers what it sends, notes when answers come."""

    def __init__(self, name: str, loop: BusyLoop) -> None:
        self.name, self.number, self.lost = name, 1, False
        self.answers: dict[str, int] = {}
        self.sent: dict[str, int] = {}
        self.transport: Any = None
        self._loop, self._framer = loop, Framer(8_192)

    def data_received(self, data: bytes) -> None:
        for raw in self._framer.feed(data):
            message = decode(raw)
            if message.msg_type == "8":
                self.answers.setdefault(message[11], self._loop.now_ns)
            elif message.msg_type == "1":
                self.write("0", [(112, message[112])])

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def message(self, msg_type: str, body: list[tuple[int, str]]) -> bytes:
        stamp = utc_timestamp(self._loop.now_ns)
        header = [(34, str(self.number)), (49, self.name), (52, stamp), (56, "SOR")]
        self.number += 1
        return encode("FIX.4.4", msg_type, header, body)

    def write(self, msg_type: str, body: list[tuple[int, str]]) -> None:
        self.transport.write(self.message(msg_type, body))

    def order(self) -> bytes:
        cl_ord_id, stamp = f"{self.name}{self.number}", utc_timestamp(self._loop.now_ns)
        self.sent[cl_ord_id] = self._loop.now_ns
        body = [(11, cl_ord_id), (55, "ACME"), (54, "2"), (38, "100"), (40, "2"), (44, "50")]
        return self.message("D", [*body, (59, "3"), (60, stamp)])


class Room:
    """The gateway with a quiet client and one that floods; no venue, so orders end at once."""

    def __init__(self, **limits: Any) -> None:
        self.loop = BusyLoop(START)
        configuration = deepcopy(load(ROOT / "config", {}))
        (quiet,) = [each for each in configuration.ems_sessions if each.name == "EMS"]
        flood = deepcopy(quiet)
        flood.name = flood.target_comp_id = "FLOOD"
        configuration.ems_sessions.append(flood)
        configuration.clients = {"FLOOD": ClientSettings(**limits)}
        journal = MemoryJournal(MemoryStorage(), boot_id="boot")
        recovered = recover(configuration.router, None, [], fact_codec())
        self.parts: Parts = wire(
            configuration,
            journal,
            recovered,
            self.loop.as_asyncio,
            self.loop.clock,
            lambda *_, **__: None,
            stopwatch=self.loop.clock,
        )
        for fact in first_facts(self.parts.engine, recovered, "boot", False, START):
            self.parts.engine.operate(fact)
        self.busy_ns = {"EMS": 0, "FLOOD": 0}
        self.quiet, self.flood = self.connect("EMS"), self.connect("FLOOD")
        self.loop.run_until(START + SECOND)

    def connect(self, name: str) -> Client:
        line, client = Line(self.loop, 10_000, "gateway", name), Client(name, self.loop)
        client.transport, line.far.protocol = line.far, client
        session = self.link(name).session
        receive = session.receive

        def costly(data: bytes, now: int) -> None:
            before = session.unasked_in
            receive(data, now)
            cost = (session.unasked_in - before) * COST_NS
            self.busy_ns[name] += cost
            self.loop.spend(cost)

        session.receive = costly  # type: ignore[method-assign]
        bind(self.parts.reactor, self.loop, session, line.near, lambda: None)
        client.write("A", [(98, "0"), (108, "30")])
        return client

    def link(self, name: str) -> ClientLink:
        link = self.parts.links[name]
        assert isinstance(link, ClientLink)
        return link

    def trade(self, seconds: float) -> list[int]:
        """The quiet client's orders for so long; how long each answer took, in ns, ascending."""
        self.quiet.sent.clear()
        end = self.loop.now_ns + int(seconds * SECOND)

        def tick() -> None:
            if self.loop.now_ns < end:
                self.loop.at_ns(self.loop.now_ns + QUIET_EVERY_NS, tick)
                self.quiet.transport.write(self.quiet.order())

        tick()
        self.loop.run_until(end + SECOND)
        assert self.quiet.sent.keys() <= self.quiet.answers.keys(), "unanswered"
        return sorted(self.quiet.answers[key] - at for key, at in self.quiet.sent.items())

    def begin_flood(self, make: Any) -> None:
        def burst() -> None:
            if not self.flood.lost:
                self.flood.transport.write(b"".join(make() for _ in range(BURST)))
                self.loop.at_ns(self.loop.now_ns + BURST_EVERY_NS, burst)

        burst()


def quantile(values: list[int], share: float) -> int:
    return values[min(len(values) - 1, int(share * len(values)))]


@pytest.mark.timeout(120)
class TestFlood:
    def test_of_orders_is_cut_before_it_costs_the_others_anything_that_counts(self) -> None:
        room = Room(
            messages_per_second=300,
            cut_refusals_per_second=300,
            cut_messages_per_second=5_000,
            busy_per_cent=25,
        )
        calm = room.trade(1)
        room.begin_flood(room.flood.order)
        stormy = room.trade(2)
        assert room.link("FLOOD").throttle.cuts == 1
        assert room.flood.lost
        piece_ns = PIECE // len(room.flood.order()) * COST_NS
        assert stormy[-1] <= 10 * calm[-1] + 2 * piece_ns, "the piece at hand, and the next"
        hurt = [each for each in stormy if each > 2 * quantile(calm, 0.99)]
        assert len(hurt) <= 60, "half of what p99 over a minute at this pace bears"

    def test_that_nobody_cuts_costs_the_others_a_small_piece_at_most(self) -> None:
        """No order, no rate, no end: the share of our time is the bound that is left."""
        room = Room(busy_per_cent=25)
        room.trade(1)
        room.begin_flood(lambda: room.flood.message("1", [(112, "x" * 100)]))
        room.trade(1)  # the burst that everybody may have
        began_ns, busy_ns = room.loop.now_ns, room.busy_ns["FLOOD"]
        stormy = room.trade(3)
        assert not room.flood.lost
        share = (room.busy_ns["FLOOD"] - busy_ns) / (room.loop.now_ns - began_ns)
        assert 0.1 < share <= 0.25
        assert quantile(stormy, 0.99) <= MILLISECOND

    def test_without_any_bound_it_does_cost(self) -> None:
        """The measure measures."""
        room = Room()
        room.trade(1)
        room.begin_flood(lambda: room.flood.message("1", [(112, "x" * 100)]))
        stormy = room.trade(0.2)
        assert quantile(stormy, 0.5) > 2 * MILLISECOND


RESENT_NS: Final = 60_000
"""Of one message that is sent again."""


class TestReplay:
    def test_of_everything_costs_the_others_a_few_messages_at_most(self) -> None:
        room = Room()
        for _ in range(20):
            room.flood.transport.write(b"".join(room.flood.order() for _ in range(100)))
            room.loop.run_until(room.loop.now_ns + SECOND)
        assert len(room.flood.answers) == 2_000
        session = room.link("FLOOD").session
        resend, parts = session.resend, list[int]()

        def costly(found: Any, *rest: Any) -> None:
            resend(found, *rest)
            parts.append(len(found))
            room.loop.spend(len(found) * RESENT_NS)

        session.resend = costly  # type: ignore[method-assign, assignment]
        calm = room.trade(1)
        room.flood.write("2", [(7, "1"), (16, "0")])
        stormy = room.trade(2)
        assert sum(parts) == 4_000, "all of it: each order was accepted, and ended"
        assert max(parts) <= REPLAY_CHUNK
        assert stormy[-1] <= calm[-1] + 2 * REPLAY_CHUNK * RESENT_NS
        assert quantile(stormy, 0.5) <= 2 * quantile(calm, 0.5), "it takes a fifth of the time"
