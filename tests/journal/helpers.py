"""Records and folders for the journal's tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from sor_gateway.journal.reader import segment_path
from sor_gateway.journal.record import Entry, Record
from sor_gateway.journal.segments import Journal


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(slots=True)
class Painted:
    at_ns: int
    what: str
    colour: Colour
    price: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)


def sent(number: int, session: str = "ecn", epoch: int = 1, raw: bytes = b"35=D") -> Entry:
    return Entry(session, epoch, True, number, "D", f"C{number}", raw)


def got(number: int, session: str = "ecn", epoch: int = 1) -> Entry:
    return Entry(session, epoch, False, number, "8", "", b"35=8")


def record(turn: int, *entries: Entry) -> Record:
    body = msgspec.Raw(msgspec.msgpack.encode({"at_ns": turn}))
    return Record(turn, turn * 1000, list(entries), [("Ticked", body)])


def open_journal(folder: Path, **options: object) -> Journal:
    settings: dict[str, object] = {"boot_id": "boot-1", "reserve_bytes": 0, **options}
    return Journal.open(folder, **settings)  # type: ignore[arg-type]


def fill(folder: Path, turns: Iterable[int], **options: object) -> list[Record]:
    """Append one record a turn, each with one message either way, and close."""
    written = [record(turn, got(turn), sent(turn)) for turn in turns]
    journal = open_journal(folder, **options)
    for each in written:
        journal.append(each)
    journal.close()
    return written


def turns(journal: Journal) -> list[int]:
    return [each.turn for each in journal.tail()]


def segment_bytes(folder: Path, number: int = 1) -> bytes:
    return segment_path(folder, number).read_bytes()
