"""The fold: a venue's journal becomes its memory again.

Owns: the content of a snapshot and the reading of records.
May not know: books, sockets, clocks. Nothing is matched or translated again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from sor_gateway.fix.facts import RangeFact, fold_message, fold_range
from sor_gateway.fix.store import Numbers
from sor_gateway.journal.record import Entry, FactCodec, Record
from venue_sims.facts import AUDIT_FACTS, FACTS, EpochStarted
from venue_sims.faults.facts import MemoryLost
from venue_sims.faults.forget import forget
from venue_sims.faults.memory import FaultMemory, HeldCommand
from venue_sims.matching.invitations import Conduct, Invitation
from venue_sims.reports import Report
from venue_sims.state import Bands, ClientState, Ledger, VenueOrder, VenueState
from venue_sims.words import Phase

SNAPSHOT_VERSION = 3


class SnapshotUnreadable(Exception):  # noqa: N818 - named as the journal's errors are
    """The snapshot was written by a version whose state this one cannot read."""


@dataclass(slots=True)
class ClientImage:
    """A `ClientState` as it is stored."""

    name: str
    ids: dict[str, str]
    inbound: list[tuple[str, msgspec.Raw]]
    outbox: list[Report]
    received: int
    reported: int
    last_in_ns: int
    last_out_ns: int
    ledger: Ledger
    ids_before: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Image:
    """All that a start needs."""

    version: int
    turn: int
    mic: str
    order_count: int
    exec_count: int
    sequence: int
    latent: dict[str, int]
    invitations: list[Invitation]
    conducts: dict[str, Conduct]
    orders: list[VenueOrder]
    clients: list[ClientImage]
    numbers: dict[str, Numbers]
    halted: dict[str, str] = field(default_factory=dict)
    faults: FaultMemory = field(default_factory=FaultMemory)
    held: list[tuple[str, str, tuple[str, msgspec.Raw], int]] = field(default_factory=list)
    """Held commands: session, order, command, until when."""
    resumes: dict[str, int] = field(default_factory=dict)
    bands: dict[str, Bands] = field(default_factory=dict)
    phase: Phase = Phase.OPEN
    phase_ns: int = 0
    at_ns: int = 0


@dataclass(slots=True)
class Recovered:
    """What the fold found. `at_ns`: the time of the last turn."""

    state: VenueState
    turn: int = 0
    numbers: dict[str, Numbers] = field(default_factory=dict)
    at_ns: int = 0

    def session_numbers(self, name: str) -> Numbers:
        """The numbers of a session; fresh ones for a session never seen before."""
        return self.numbers.setdefault(name, Numbers())


def fact_codec() -> FactCodec:
    """The codec of every fact that a venue writes."""
    return FactCodec(FACTS)


def encode_image(
    state: VenueState, turn: int, numbers: dict[str, Numbers], codec: FactCodec, at_ns: int = 0
) -> bytes:
    """The bytes that the journal keeps and does not understand."""
    clients = [
        ClientImage(
            client.name,
            client.ids,
            [codec.encode(command) for command in client.inbound],
            list(client.outbox),
            client.received,
            client.reported,
            client.last_in_ns,
            client.last_out_ns,
            client.ledger,
            client.ids_before,
        )
        for client in state.clients.values()
    ]
    return msgspec.msgpack.encode(
        Image(
            SNAPSHOT_VERSION,
            turn,
            state.mic,
            state.order_count,
            state.exec_count,
            state.sequence,
            state.latent,
            list(state.invitations.open.values()),
            state.invitations.conducts,
            list(state.orders.values()),
            clients,
            numbers,
            state.halted,
            state.faults,
            [
                (held.session, held.order_id, codec.encode(held.command), held.until_ns)
                for held in state.held
            ],
            state.resumes,
            state.bands,
            state.phase,
            state.phase_ns,
            at_ns,
        )
    )


def recover(
    mic: str, snapshot: bytes | None, tail: Iterable[Record], codec: FactCodec
) -> Recovered:
    """Fold a journal. Raises SnapshotUnreadable, and FactMismatch for facts of newer code."""
    recovered = Recovered(VenueState(mic))
    if snapshot is not None:
        recovered = _from_image(mic, snapshot, codec)
    for record in tail:
        fold(recovered, record, codec)
    return recovered


def fold(recovered: Recovered, record: Record, codec: FactCodec) -> None:
    """Apply one record: its facts, then what its messages say about numbers and reports, and last
    what was forgotten behind it."""
    recovered.turn, recovered.at_ns = record.turn, record.at_ns
    lost: MemoryLost | None = None
    for pair in record.facts:
        fact = codec.decode(pair)
        if isinstance(fact, EpochStarted):
            recovered.numbers[fact.session] = Numbers(
                epoch=fact.epoch, reset_pending=fact.reset_pending
            )
        elif isinstance(fact, MemoryLost):
            lost = fact
        elif isinstance(fact, RangeFact):
            fold_range(recovered.session_numbers(fact.session), fact)
        elif not isinstance(fact, AUDIT_FACTS):
            recovered.state.apply(fact)
    for entry in record.entries:
        _count(recovered, entry)
    if lost is not None:
        forget(recovered.state, recovered.numbers, lost)


def _count(recovered: Recovered, entry: Entry) -> None:
    if entry.outbound and entry.key:
        recovered.state.sent(entry.session, int(entry.key))
    numbers = recovered.session_numbers(entry.session)
    fold_message(numbers, entry.epoch, entry.number, outbound=entry.outbound)


def _from_image(mic: str, snapshot: bytes, codec: FactCodec) -> Recovered:
    try:
        image = msgspec.msgpack.decode(snapshot, type=Image)
    except msgspec.DecodeError as error:
        raise SnapshotUnreadable(f"the journal's snapshot cannot be read: {error}") from error
    if image.version != SNAPSHOT_VERSION or image.mic != mic:
        raise SnapshotUnreadable(
            f"the journal's snapshot is of {image.mic} version {image.version}, this is "
            f"{mic} version {SNAPSHOT_VERSION}: move the journal away"
        )
    state = VenueState(mic)
    state.order_count, state.exec_count = image.order_count, image.exec_count
    state.sequence, state.latent = image.sequence, image.latent
    state.invitations.open = {each.firm_up_id: each for each in image.invitations}
    state.invitations.conducts = image.conducts
    state.faults = image.faults
    state.held = [
        HeldCommand(session, order_id, codec.decode(command), until_ns)
        for session, order_id, command, until_ns in image.held
    ]
    state.halted, state.resumes, state.bands = image.halted, image.resumes, image.bands
    state.phase, state.phase_ns = image.phase, image.phase_ns
    state.orders = {order.order_id: order for order in image.orders}
    for each in image.clients:
        state.clients[each.name] = ClientState(
            each.name,
            each.ids,
            each.ids_before,
            deque(codec.decode(pair) for pair in each.inbound),
            deque(each.outbox),
            each.received,
            each.reported,
            each.last_in_ns,
            each.last_out_ns,
            each.ledger,
        )
    return Recovered(state, image.turn, image.numbers, image.at_ns)
