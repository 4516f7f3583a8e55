"""The EMS's session against the gateway's: two engines that share no code, cut and restarted at
random, lose nothing and repeat nothing unflagged."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from sor_gateway.client.ledger import Ledger
from sor_gateway.client.session import Application, Numbers, Record, Session, SessionSettings
from sor_gateway.client.store import Stored, apply
from sor_gateway.client.wire import parse, timestamp
from sor_gateway.fix import events
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Session as GatewaySession
from sor_gateway.fix.settings import Role
from sor_gateway.fix.settings import SessionSettings as GatewaySettings
from sor_gateway.fix.store import Numbers as GatewayNumbers
from tests.client.peer import NOW

STEP_NS = 50_000_000
STEPS = 250
SETTLE_STEPS = 400
ORDERS = 25
REPORTS = 3


class Trader:
    """The EMS: what is durable is the list of records, everything else dies with a crash."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.ledger = Ledger()
        self.orders = 0
        self.waiting: list[str] = []
        self.restart()

    def restart(self) -> None:
        stored = Stored(Numbers())
        for record in self.records:
            apply(stored, record)
        self.session = Session(SessionSettings(), stored.numbers)
        self.ledger = Ledger()
        for ours, message in stored.history:
            if ours:
                self.ledger.sent(message)
            else:
                self.ledger.received(message)

    def turn(self, now: int) -> bytes:
        while self.waiting and self.session.active:
            cl_ord_id = self.waiting.pop(0)
            body = [(11, cl_ord_id), (55, "ACME"), (54, "1"), (60, timestamp(now)), (38, "300")]
            number = self.session.send("D", [*body, (40, "1")], now)
            message = parse(self.session.numbers.sent[number])
            assert message is not None
            self.ledger.sent(message)
        self.records += self.session.take_records()
        for event in self.session.take_events():
            if isinstance(event, Application):
                self.ledger.received(event.message)
        return self.session.take_output()


class Gateway:
    """The gateway's session with a journal of lists: one commit a turn, before any byte leaves."""

    def __init__(self) -> None:
        self.committed: Any = (GatewayNumbers(), {}, [], {})
        self.restart()

    def restart(self) -> None:
        self.numbers, self.sent, self.outbox, self.orders = copy.deepcopy(self.committed)
        settings = GatewaySettings(
            "ems", "FIX.4.4", "SOR", "EMS", Role.ACCEPTOR, proof_interval_ns=4 * STEP_NS
        )
        self.session = GatewaySession(settings, self.numbers, load_packaged("FIX.4.4"))

    def turn(self, now: int) -> bytes:
        for event in self.session.take_events():
            if isinstance(event, events.AppReceived):
                self.book(event.message[11], now)
            elif isinstance(event, events.ReplayWanted) and self.session.replaying:
                found = [
                    (number, raw)
                    for number, raw in sorted(self.sent.items())
                    if event.begin <= number <= event.end
                ]
                self.session.resend(found, event.end, now, [])
        while self.outbox and self.session.synchronised:
            self.session.send("8", self.outbox.pop(0), now)
        for gone in self.session.take_sent():
            if gone.msg_type == "8":
                self.sent[gone.number] = gone.raw
        self.session.take_consumed()
        self.committed = copy.deepcopy((self.numbers, self.sent, self.outbox, self.orders))
        return self.session.take_output()

    def book(self, cl_ord_id: str, now: int) -> None:
        self.orders[cl_ord_id] = self.orders.get(cl_ord_id, 0) + 1
        for part in range(1, REPORTS + 1):
            done = part * 100
            status = "2" if part == REPORTS else "1"
            self.outbox.append(
                [
                    (37, f"P-{cl_ord_id}"), (11, cl_ord_id), (17, f"{cl_ord_id}.{part}"),
                    (150, "F"), (39, status), (55, "ACME"), (54, "1"), (38, "300"),
                    (32, "100"), (31, "50"), (151, str(300 - done)), (14, str(done)),
                    (6, "50"), (60, timestamp(now)),
                ]
            )  # fmt: skip


class World:
    """Both, and a line between them that can be cut."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOW
        self.trader, self.gateway = Trader(), Gateway()
        self.up, self.to_gateway, self.to_trader = False, b"", b""

    def connect(self) -> None:
        self.up, self.to_gateway, self.to_trader = True, b"", b""
        self.trader.session.connect(self.now)
        self.gateway.session.connect(self.now)

    def cut(self) -> None:
        """Whatever is on the way is lost."""
        self.up = False
        self.trader.session.disconnect("cut")
        self.gateway.session.disconnect(self.now, "cut")

    def step(self, share: float = 1.0) -> None:
        """A turn of each; a share of what is on the way arrives, split anywhere."""
        self.now += STEP_NS
        if self.up:
            at = round(len(self.to_gateway) * share)
            arrived, self.to_gateway = self.to_gateway[:at], self.to_gateway[at:]
            self.gateway.session.receive(arrived, self.now)
            self.gateway.session.tick(self.now)
            at = round(len(self.to_trader) * share)
            arrived, self.to_trader = self.to_trader[:at], self.to_trader[at:]
            self.trader.session.receive(arrived, self.now)
            self.trader.session.tick(self.now)
        self.to_trader += self.gateway.turn(self.now)
        self.to_gateway += self.trader.turn(self.now)
        if self.up and self.trader.session.closing:
            self.cut()

    def trouble(self) -> None:
        """Something goes wrong, when some of what is on the way has arrived."""
        kind = self.random.randrange(4)
        at = self.random.randrange(len(self.to_gateway) + 1)
        self.gateway.session.receive(self.to_gateway[:at], self.now)
        at = self.random.randrange(len(self.to_trader) + 1)
        self.trader.session.receive(self.to_trader[:at], self.now)
        if kind != 1:
            self.trader.turn(self.now)
        if kind == 1:
            self.trader.turn(self.now)  # written down, and never sent
        elif kind == 2:
            self.gateway.turn(self.now)
        self.cut()
        if kind == 1:
            self.trader.restart()
        elif kind >= 2:
            self.gateway.restart()

    def run(self) -> None:
        for _ in range(STEPS):
            if not self.up and self.random.random() < 0.5:
                self.connect()
            if self.trader.orders < ORDERS and self.random.random() < 0.3:
                self.trader.orders += 1
                self.trader.waiting.append(f"A{self.trader.orders}")
            self.step(self.random.choice((0.0, 0.3, 1.0, 1.0)))
            if self.up and self.random.random() < 0.08:
                self.trouble()
        for _ in range(SETTLE_STEPS):
            if not self.up:
                self.connect()
            self.step()


class TestCutsAndRestarts:
    @pytest.mark.parametrize("seed", range(40))
    def test_nothing_is_lost_and_nothing_is_done_twice(self, seed: int) -> None:
        world = World(seed)
        world.run()
        ledger = world.trader.ledger
        submitted = [f"A{number}" for number in range(1, world.trader.orders + 1)]
        assert world.gateway.orders == dict.fromkeys(submitted, 1)
        assert {name: order.cum_quantity for name, order in ledger.orders.items()} == (
            dict.fromkeys(submitted, 300)
        )
        assert ledger.violations == []
        assert ledger.duplicates_unflagged == 0
        assert world.gateway.outbox == []
