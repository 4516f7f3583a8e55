"""The fold: yesterday's facts become today's state; start and recovery are one path.

Owns: the snapshot's content and the reading of records (architecture.md 2d, recovery.md 1).
May not know: sockets, clocks, tactics. Nothing is decided again and nothing is translated again:
decisions stand in the journal as facts, and messages were translated when they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from sor_gateway.daemon.cancel_only import BELIEVED, Living
from sor_gateway.daemon.facts import (
    SESSION_FACTS,
    MessageQuarantined,
    PeerProved,
    SessionFact,
    SessionMoved,
    SessionOperated,
)
from sor_gateway.daemon.outbox import Outbox
from sor_gateway.daemon.session_commands import Action
from sor_gateway.fix.facts import RangeFact, fold_message, fold_range
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.record import FactCodec, Poisoned, Record
from sor_gateway.sor.commands import Report
from sor_gateway.sor.events import FACTS, Fact, Restarted
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import RouterSettings
from sor_gateway.sor.state import RouterState

SNAPSHOT_VERSION = 3
CRASHES_MAX = 3
"""As many crashes of ours within CRASHES_WITHIN_NS lead to a start that only cancels
(recovery.md 1.7): whatever crashes us comes again and again."""
CRASHES_WITHIN_NS = 60_000_000_000


class SnapshotError(Exception):
    """The snapshot was written by a version whose state this one cannot read."""


class PeerMissing(Exception):  # noqa: N818 - what it says is what is wrong
    """Orders are open for a client or at a venue that the configuration does not have any more."""


@dataclass(slots=True)
class Snapshot:
    """Everything that a start needs, as it stands at a roll of the journal."""

    version: int
    turn: int
    router: RouterState
    numbers: dict[str, Numbers]
    outboxes: dict[str, Outbox]
    poisoned: list[tuple[str, int, int]] = field(default_factory=list)
    disabled: dict[str, str] = field(default_factory=dict)
    at_ns: int = 0
    """When the last record before it was written."""


@dataclass(slots=True)
class Recovered:
    """What the fold found."""

    router: Router
    turn: int = 0
    numbers: dict[str, Numbers] = field(default_factory=dict)
    outboxes: dict[str, Outbox] = field(default_factory=dict)
    poisoned: set[tuple[str, int, int]] = field(default_factory=set)
    disabled: dict[str, str] = field(default_factory=dict)
    """Sessions that an operator closed, and why."""
    crashes: list[int] = field(default_factory=list)
    """When the last crashes were that left a word, oldest first; at most CRASHES_MAX, and none from
    before the last roll of the journal."""
    unfolded: str = ""
    """Why the start could not fold: this one, or the one whose record is being folded."""
    records: int = 0
    last_ns: int = 0
    """When the last record was written; 0 when there is none."""

    def crashed_often(self, now: int) -> bool:
        """Whether the last crashes came so close that this start may only cancel."""
        return len(self.crashes) == CRASHES_MAX and now - self.crashes[0] <= CRASHES_WITHIN_NS

    def session_numbers(self, name: str) -> Numbers:
        """The numbers of a session; fresh ones for a session never seen before."""
        return self.numbers.setdefault(name, Numbers())

    def outbox(self, client: str) -> Outbox:
        """The outbox of a client; an empty one for a client never seen before."""
        return self.outboxes.setdefault(client, Outbox())


def fact_codec() -> FactCodec:
    """The codec of every fact that this gateway writes."""
    return FactCodec((*FACTS, *SESSION_FACTS, Poisoned))


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The bytes that the journal keeps and does not understand."""
    return msgspec.msgpack.encode(snapshot)


def recover(
    settings: RouterSettings, snapshot: bytes | None, tail: Iterable[Record], codec: FactCodec
) -> Recovered:
    """Fold the journal.

    Raises SnapshotError when the snapshot is of another version.
    """
    recovered = _from_snapshot(settings, snapshot)
    for record in tail:
        fold(recovered, record, codec)
    recovered.unfolded = ""
    return recovered


def recover_living(
    settings: RouterSettings,
    snapshot: bytes | None,
    tail: Iterable[Record],
    codec: FactCodec,
    why: str,
) -> Recovered:
    """Where the fold failed: numbers and what may live at venues, to cancel by (recovery.md 1.7).
    Raises like `recover`, but books nothing."""
    recovered = _from_snapshot(settings, snapshot)
    living = Living(recovered.router.state)
    recovered.outboxes.clear()  # no client gets in, and no report is made of the books
    for record in tail:
        fold(recovered, record, codec, living.look)
    recovered.router = Router(settings, living.state())
    recovered.unfolded = why
    return recovered


def check_peers(recovered: Recovered, clients: Iterable[str], venues: Iterable[str]) -> None:
    """Nobody could be told of these executions, or asked about these orders. An order that is done
    needs its client as well: its venue may still report a late fill.

    Raises PeerMissing with the names."""
    state = recovered.router.state
    needed = {f"[ems.{parent.client}]" for parent in state.parents.values()}
    needed |= {f"[ems.{name}]" for name, outbox in recovered.outboxes.items() if outbox.waiting}
    needed |= {f"venues/{name}.toml" for name, venue in state.venues.items() if venue.children}
    here = {f"[ems.{name}]" for name in clients} | {f"venues/{name}.toml" for name in venues}
    if missing := sorted(needed - here):
        raise PeerMissing(
            f"the journal has orders of theirs and the configuration lacks {', '.join(missing)}: "
            "put it back; a venue may be `enabled = false`, a client's session be disabled"
        )


def _from_snapshot(settings: RouterSettings, raw: bytes | None) -> Recovered:
    if raw is None:
        return Recovered(Router(settings))
    try:
        snapshot = msgspec.msgpack.decode(raw, type=Snapshot)
    except msgspec.ValidationError as error:
        raise SnapshotError(f"the journal's snapshot cannot be read: {error}") from error
    if snapshot.version != SNAPSHOT_VERSION:
        raise SnapshotError(
            f"the journal's snapshot has version {snapshot.version}, this program reads "
            f"{SNAPSHOT_VERSION}: start it with the version that wrote it, or move the journal away"
        )
    return Recovered(
        Router(settings, snapshot.router),
        snapshot.turn,
        snapshot.numbers,
        snapshot.outboxes,
        set(snapshot.poisoned),
        snapshot.disabled,
        last_ns=snapshot.at_ns,
    )


def fold(
    recovered: Recovered,
    record: Record,
    codec: FactCodec,
    look: Callable[[object], None] | None = None,
) -> None:
    """Apply one record; with `look`, the router's facts are shown to it and not booked."""
    recovered.turn = record.turn
    recovered.records += 1
    recovered.last_ns = record.at_ns
    after: list[SessionMoved] = []
    for pair in record.facts:
        fact = codec.decode(pair)
        if isinstance(fact, SessionMoved) and fact.after:
            after.append(fact)
        elif isinstance(fact, Poisoned):
            _crashed(recovered, fact, record.at_ns)
        elif isinstance(fact, SESSION_FACTS):
            _apply(recovered, fact)
        elif look is not None:
            look(fact)
        else:
            _book(recovered, fact)
    for entry in record.entries:
        numbers = recovered.session_numbers(entry.session)
        fold_message(numbers, entry.epoch, entry.number, outbound=entry.outbound)
        if entry.outbound and entry.key and entry.session in recovered.outboxes:
            recovered.outboxes[entry.session].numbered(entry.key, entry.number)
    for moved in after:
        _move(recovered, moved)


def _apply(recovered: Recovered, fact: SessionFact) -> None:
    if isinstance(fact, SessionMoved):
        _move(recovered, fact)
    elif isinstance(fact, RangeFact):
        fold_range(recovered.session_numbers(fact.session), fact)
    elif isinstance(fact, PeerProved):
        recovered.session_numbers(fact.session).proven_through = fact.through
        if fact.session in recovered.outboxes:
            recovered.outboxes[fact.session].proved(fact.through)
    elif isinstance(fact, SessionOperated):
        if fact.action == Action.DISABLE:
            recovered.disabled[fact.session] = fact.reason
        elif fact.action == Action.ENABLE:
            recovered.disabled.pop(fact.session, None)
    elif isinstance(fact, MessageQuarantined):
        recovered.poisoned.discard((fact.session, fact.epoch, fact.number))


def _book(recovered: Recovered, fact: Fact) -> None:
    if isinstance(fact, Restarted):
        recovered.unfolded = fact.unfolded
    if recovered.unfolded and not isinstance(fact, BELIEVED):
        return
    for output in recovered.router.handle(fact):
        if isinstance(output, Report):
            recovered.outbox(output.client).add(output)


def _crashed(recovered: Recovered, fact: Poisoned, at_ns: int) -> None:
    recovered.crashes = [*recovered.crashes, at_ns][-CRASHES_MAX:]
    if fact.session:
        recovered.poisoned.add((fact.session, fact.epoch, fact.number))


def _move(recovered: Recovered, fact: SessionMoved) -> None:
    numbers = recovered.session_numbers(fact.session)
    if fact.epoch != numbers.epoch:
        numbers = Numbers(epoch=fact.epoch, began_ns=fact.began_ns)
        recovered.numbers[fact.session] = numbers
        if fact.session in recovered.outboxes:
            recovered.outboxes[fact.session].epoch_ended()
    numbers.next_in, numbers.next_out = fact.next_in, fact.next_out
    numbers.reset_pending = fact.reset_pending
