"""Random walks: two sessions over a line that drops, loses and doubles, with sides that crash.

The model is write-ahead (architecture.md 2c): a turn's record is kept whole or lost whole, and
bytes leave only when it is kept. A restart folds the record as `fix/store.py` says and goes on.
Whatever happens, each application message is processed exactly once and in order, except those
that its sender voided, which may be lost but never doubled; and in the end both sides agree.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from sor_gateway.fix.events import (
    AppReceived,
    Close,
    EpochBegan,
    Event,
    Proved,
    Skipped,
    Voided,
)
from sor_gateway.fix.session import Consumed, Numbers, Role, Sent, Session
from sor_gateway.fix.states import State
from sor_gateway.fix.store import add_range, covers
from tests.fix.helpers import SECOND_NS, START_NS, settings

REPLAY_CHUNK = 3
CLORDID = 11


@dataclass
class Record:
    """One turn, as a journal keeps it."""

    sent: list[Sent]
    consumed: list[Consumed]
    events: list[Event]


@dataclass
class Side:
    """A session, its journal, and an application that sends and counts."""

    name: str
    role: Role
    changes: dict[str, Any]
    journal: list[Record] = field(default_factory=list)
    wire: bytes = b""
    """Written, not yet read by the other side."""
    connected: bool = False
    wants_close: bool = False

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The process begins anew with what the journal says."""
        other = {"A": "B", "B": "A"}[self.name]
        configured = settings(
            role=self.role, sender_comp_id=self.name, target_comp_id=other, **self.changes
        )
        self.session = Session(configured, self.fold(), None)
        self.connected = False
        self.wants_close = False

    def fold(self) -> Numbers:
        """By the rules at the top of fix/store.py, and by nothing else."""
        numbers = Numbers()
        for record in self.journal:
            for event in record.events:
                if isinstance(event, EpochBegan):
                    numbers = Numbers(
                        epoch=event.epoch,
                        reset_pending=event.asked_by_us,
                        began_ns=event.began_ns,
                    )
                elif isinstance(event, Voided):
                    add_range(numbers.voided, event.begin, event.end)
                elif isinstance(event, Skipped):
                    add_range(numbers.skipped, event.begin, event.end)
            for consumed in record.consumed:
                if consumed.epoch == numbers.epoch:
                    assert consumed.number >= numbers.next_in
                    numbers.next_in = consumed.number + 1
                    numbers.reset_pending = False
            for sent in record.sent:
                if sent.epoch == numbers.epoch:
                    assert sent.number == numbers.next_out
                    numbers.next_out = sent.number + 1
        return numbers

    def end_turn(self) -> None:
        """The record is written, then the bytes."""
        events = self.session.take_events()
        sent, consumed = self.session.take_sent(), self.session.take_consumed()
        if events or sent or consumed:
            self.journal.append(Record(sent, consumed, events))
        output = self.session.take_output()
        self.check_voided(output)
        self.wire += output
        self.wants_close = self.wants_close or any(isinstance(e, Close) for e in events)

    def check_voided(self, output: bytes) -> None:
        """What was voided once never leaves again (recovery.md 2.4)."""
        voided = self.session.numbers.voided
        if voided:
            orders = (int(n) for n in re.findall(rb"\x0135=D\x0134=([0-9]+)\x01", output))
            assert not any(covers(voided, number) for number in orders), "sent though voided"

    def serve_replay(self, rng: random.Random, voiding: float) -> None:
        """Answer a few numbers of the range in flight from the journal."""
        if self.session.replaying is None:
            return
        begin, end = self.session.replaying
        through = min(end, begin + rng.randrange(REPLAY_CHUNK))
        epoch = self.session.numbers.epoch
        kept = [
            sent
            for record in self.journal
            for sent in record.sent
            if sent.epoch == epoch and begin <= sent.number <= through and sent.msg_type == "D"
        ]
        voided = [s.number for s in kept if rng.random() < voiding]
        found = [(s.number, s.raw) for s in kept if s.number not in voided]
        self.session.resend(found, through, self.session_now, voided)

    session_now: int = START_NS

    # -- what the application did, from the journal alone

    def sent_orders(self) -> list[tuple[str, bool]]:
        """What it sent, and whether that was voided in its epoch."""
        voided: dict[int, list[tuple[int, int]]] = {}
        for record in self.journal:
            for event in record.events:
                if isinstance(event, Voided):
                    add_range(voided.setdefault(event.epoch, []), event.begin, event.end)
        return [
            (sent.key, covers(voided.get(sent.epoch, []), sent.number))
            for record in self.journal
            for sent in record.sent
            if sent.msg_type == "D"
        ]

    def processed(self) -> list[str]:
        return [
            event.message[CLORDID]
            for record in self.journal
            for event in record.events
            if isinstance(event, AppReceived)
        ]


class Walk:
    """Two sides, one line, one source of chance."""

    def __init__(
        self,
        seed: int,
        *,
        voiding: float = 0.0,
        resets: bool = False,
        faults: float = 0.0,
        **changes: Any,
    ) -> None:
        self.rng = random.Random(seed)
        self.faults = faults
        """How often the line does something to what it carries."""
        self.now = START_NS
        self.voiding = voiding
        self.resets = resets
        self.a = Side("A", Role.INITIATOR, changes)
        self.b = Side("B", Role.ACCEPTOR, changes)
        self.orders = 0

    def run(self, steps: int) -> None:
        actions = [
            (self.deliver, 30),
            (self.order, 12),
            (self.pass_time, 8),
            (self.connect, 6),
            (self.cut, 2),
            (self.crash, 2),
            (self.log_out, 1),
        ]
        if self.resets:
            actions.append((self.reset, 1))
        names = [action for action, _ in actions]
        weights = [weight for _, weight in actions]
        for _ in range(steps):
            self.rng.choices(names, weights)[0]()
            self.check()
        self.converge()

    # -- one step each

    def side(self) -> tuple[Side, Side]:
        return (self.a, self.b) if self.rng.random() < 0.5 else (self.b, self.a)

    def turn(self, side: Side, *, lose: bool = False) -> None:
        """Finish a turn; with `lose` the process dies before its record is written."""
        side.session_now = self.now
        side.serve_replay(self.rng, self.voiding)
        if lose:
            self.drop(side)
            return
        turns = len(side.journal)
        side.end_turn()
        if not self.resets:
            self.check_proof(side, side.journal[turns:])

    def check_proof(self, side: Side, records: list[Record]) -> None:
        """What is proved as received is in the other side's record, whatever comes next."""
        other = self.b if side is self.a else self.a
        proved = [e.through for r in records for e in r.events if isinstance(e, Proved)]
        assert other.session.numbers.next_in > max(proved, default=0)

    def drop(self, crashed: Side | None = None) -> None:
        """The line goes with all that is in flight; a crashed side comes back from its journal."""
        for side in (self.a, self.b):
            side.wire = b""
            if side is crashed:
                side.restart()
            elif side.connected:
                side.session.disconnect(self.now, "cut")
                side.connected = side.wants_close = False
                side.end_turn()
                side.wire = b""

    def connect(self) -> None:
        if self.a.connected or self.b.connected:
            return
        for side in (self.b, self.a):
            side.connected = True
            side.session.connect(self.now)
            self.turn(side)

    def deliver(self) -> None:
        """Some of what one side wrote reaches the other; the turn may be its last."""
        sender, receiver = self.side()
        if not receiver.connected:
            return
        if self.rng.random() < self.faults:
            sender.wire = spoiled(sender.wire, self.rng)
        size = self.rng.choice([len(sender.wire), self.rng.randrange(len(sender.wire) + 1)])
        data, sender.wire = sender.wire[:size], sender.wire[size:]
        receiver.session.receive(data, self.now)
        self.turn(receiver, lose=self.rng.random() < 0.02)
        self.hang_up()

    def hang_up(self) -> None:
        """Who wanted to close has closed, once its last bytes are read."""
        for side, other in ((self.a, self.b), (self.b, self.a)):
            if side.wants_close:
                if other.connected:
                    other.session.receive(side.wire, self.now)
                    self.turn(other)
                self.drop()

    def order(self) -> None:
        side, _ = self.side()
        if not side.session.logged_on:
            return
        for _ in range(self.rng.randrange(1, 4)):
            self.orders += 1
            name = f"{side.name}{self.orders}"
            side.session.send("D", [(CLORDID, name), (58, "x" * 5)], self.now, key=name)
        self.turn(side, lose=self.rng.random() < 0.03)

    def pass_time(self) -> None:
        self.now += self.rng.choice([1, SECOND_NS, 3 * SECOND_NS])
        self.tick()

    def tick(self) -> None:
        for side in (self.a, self.b):
            deadline = side.session.next_deadline()
            if side.connected and deadline is not None and deadline <= self.now:
                side.session.tick(self.now)
                self.turn(side)
        self.hang_up()

    def cut(self) -> None:
        self.drop()

    def crash(self) -> None:
        self.drop(self.side()[0])

    def log_out(self) -> None:
        side, _ = self.side()
        if side.connected:
            side.session.logout("test", self.now)
            self.turn(side)
            self.hang_up()

    def reset(self) -> None:
        side, _ = self.side()
        if side.session.logged_on or not side.connected:
            side.session.reset(self.now)
            self.turn(side)

    # -- what must hold

    def check(self) -> None:
        for sender, receiver in ((self.a, self.b), (self.b, self.a)):
            processed = receiver.processed()
            assert len(processed) == len(set(processed)), "processed twice"
            orders = sender.sent_orders()
            place = {name: at for at, (name, _) in enumerate(orders)}
            places = [place[name] for name in processed]
            assert places == sorted(places), "processed out of order"
            if not self.resets:
                left = [n for n in processed if not orders[place[n]][1]]
                wanted = [name for name, voided in orders if not voided]
                assert left == wanted[: len(left)], "lost"

    def converge(self) -> None:
        """No more faults: both sides must come to rest in agreement."""
        for _ in range(1_200):  # two minutes: what was lost last shows at a heartbeat
            self.connect()
            for sender, receiver in ((self.a, self.b), (self.b, self.a)):
                data, sender.wire = sender.wire, b""
                if receiver.connected:
                    receiver.session.receive(data, self.now)
                    self.turn(receiver)
            self.hang_up()
            if self.at_rest():
                break
            self.now += SECOND_NS // 10
            self.tick()
        assert self.at_rest(), f"no agreement: {self.a.session.state}, {self.b.session.state}"
        for mine in (self.a, self.b):
            assert mine.fold().next_in == mine.session.numbers.next_in
            assert mine.fold().next_out == mine.session.numbers.next_out
        self.check()
        if not self.resets:
            for sender, receiver in ((self.a, self.b), (self.b, self.a)):
                wanted = [name for name, voided in sender.sent_orders() if not voided]
                assert set(wanted) <= set(receiver.processed()), "lost"

    def at_rest(self) -> bool:
        return all(
            side.session.state is State.SYNCHRONISED
            and not side.wire
            and side.session.replaying is None
            and side.session.numbers.next_in == other.session.numbers.next_out
            for side, other in ((self.a, self.b), (self.b, self.a))
        )


def spoiled(wire: bytes, rng: random.Random) -> bytes:
    """What a bad line makes of whole messages: one is lost, comes twice, or has a bit turned."""
    begins = [match.start() for match in re.finditer(rb"8=FIX", wire)]
    if not begins:
        return wire
    at = rng.randrange(len(begins))
    begin, end = begins[at], (*begins, len(wire))[at + 1]
    message = wire[begin:end]
    kind = rng.randrange(3)
    if kind == 0:
        return wire[:begin] + wire[end:]
    if kind == 1:
        later = rng.choice((*begins[at + 1 :], len(wire)))
        return wire[:later] + message + wire[later:]
    place = rng.randrange(begin, end)
    return wire[:place] + bytes([wire[place] ^ (1 << rng.randrange(8))]) + wire[place + 1 :]


VARIANTS: dict[str, dict[str, Any]] = {
    "cuts and crashes": {},
    "a bad line": {"faults": 0.1},
    "a bad line, 789 and 369": {"faults": 0.1, "send_next_expected": True, "last_processed": True},
    "a bad line, chunks and a short queue": {"faults": 0.1, "resend_chunk": 3, "queue_limit": 4},
    "voided messages": {"voiding": 0.3},
    "voided messages on a bad line": {"voiding": 0.3, "faults": 0.1},
    "resets": {"resets": True, "on_low_number": "reset"},
    "resets on a bad line": {"resets": True, "on_low_number": "reset", "faults": 0.1},
}
"""What a walk may be like; what must hold is the same for all but resets, which may lose."""


def walk(variant: str, seed: int) -> Walk:
    """A walk of that kind, not yet begun."""
    return Walk(seed, **VARIANTS[variant])
