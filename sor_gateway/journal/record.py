"""The journal's format: a record a turn, the frame around it, and how facts become bytes.

Owns: frames and their checksums, `FactCodec`, the poison record; what a record holds: shapes.py.
May not know: files, orders, FIX. Messages are bytes with a number, facts are opaque dataclasses.

A frame is `length u32 LE | crc32 u32 LE | payload`, the CRC over the payload, the payload a record
as a msgpack array. Everything is positional except facts, which are maps by field name so that a
new field with a default can be read from an old journal.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sor_gateway.journal.errors import FactMismatch
from sor_gateway.journal.shapes import Entry, Keys, Record

__all__ = [
    "Entry",
    "FactCodec",
    "Keys",
    "Poisoned",
    "Record",
    "decode_keys",
    "decode_record",
    "encode_frame",
    "encode_record",
    "find_frame",
    "frame_end",
    "scan",
]

FRAME_HEADER: Final = struct.Struct("<II")
FRAME_HEADER_BYTES: Final = 8
"""What that takes."""
MIN_PAYLOAD_BYTES: Final = 5
"""An empty record. Less is no frame; so a run of zero bytes, as a lost page leaves, is none."""
MAX_PAYLOAD_BYTES: Final = 1 << 26
"""64 MiB: far above what a bounded turn can hold. A longer length is garbage."""
RECORD_FIRST_BYTE: Final = b"\x94"
"""A record is a msgpack array of four: the search for a frame looks for this byte."""


@dataclass(slots=True)
class Poisoned:
    """A message whose handling failed an assertion: written alone, just before the process ends
    (recovery.md 1.7). At the next start it is consumed as quarantined."""

    session: str
    epoch: int
    number: int
    raw: bytes
    trace: str


_RECORDS: Final = msgspec.msgpack.Decoder(Record)
_KEYS: Final = msgspec.msgpack.Decoder(Keys)
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_frame(payload: bytes) -> bytes:
    """Put length and checksum before a payload. Raises ValueError when it is too long."""
    if not MIN_PAYLOAD_BYTES <= len(payload) <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes does not fit a frame")
    return FRAME_HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def encode_record(record: Record, buffer: bytearray) -> None:
    """Write the whole frame of a record into `buffer`, which is resized to fit exactly.

    The hot path: one buffer, used again and again. Raises ValueError when it is too long.
    """
    if len(buffer) < FRAME_HEADER_BYTES:
        buffer.extend(bytes(FRAME_HEADER_BYTES))
    _ENCODER.encode_into(record, buffer, FRAME_HEADER_BYTES)
    length = len(buffer) - FRAME_HEADER_BYTES
    if length > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a record of {length} bytes does not fit a frame")
    with memoryview(buffer) as view:
        checksum = zlib.crc32(view[FRAME_HEADER_BYTES:])
    FRAME_HEADER.pack_into(buffer, 0, length, checksum)


def decode_record(payload: bytes) -> Record:
    """Read a record from a frame's payload. Raises msgspec.DecodeError when it is none."""
    return _RECORDS.decode(payload)


def decode_keys(payload: bytes) -> Keys:
    """Read only the messages' keys. Raises msgspec.DecodeError when it is no record."""
    return _KEYS.decode(payload)


def frame_end(data: bytes, offset: int) -> int | None:
    """Where the frame that begins at `offset` ends, or None when no good frame begins there."""
    start = offset + FRAME_HEADER_BYTES
    if start > len(data):
        return None
    length, checksum = FRAME_HEADER.unpack_from(data, offset)
    end: int = start + length
    if not MIN_PAYLOAD_BYTES <= length <= MAX_PAYLOAD_BYTES or end > len(data):
        return None
    with memoryview(data) as view:
        return end if zlib.crc32(view[start:end]) == checksum else None


def scan(data: bytes, offset: int = 0) -> Iterator[tuple[int, int]]:
    """The (start, end) of each good frame from `offset` on, up to the first that is not."""
    while (end := frame_end(data, offset)) is not None:
        yield offset, end
        offset = end


def find_frame(data: bytes, offset: int = 0) -> int | None:
    """Where the first good record's frame at or behind `offset` begins, whatever lies between."""
    at = data.find(RECORD_FIRST_BYTE, offset + FRAME_HEADER_BYTES)
    while at >= 0:
        if frame_end(data, at - FRAME_HEADER_BYTES) is not None:
            return at - FRAME_HEADER_BYTES
        at = data.find(RECORD_FIRST_BYTE, at + 1)
    return None


class FactCodec:
    """Facts of the given dataclasses, to and from (class name, msgpack map by field name).

    Enumerations travel by value. Reading is strict: an unknown class, an unknown field, a missing
    field without a default or a value of another type raises FactMismatch, which names it.
    A missing field with a default takes it. Raises ValueError when two types share a name.
    """

    def __init__(self, types: Iterable[type]) -> None:
        self._names: dict[type, str] = {}
        self._decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {}
        self._fields: dict[str, frozenset[str]] = {}
        for kind in types:
            name = kind.__name__
            if name in self._decoders:
                raise ValueError(f"two facts are called {name}")
            self._names[kind] = name
            self._decoders[name] = msgspec.msgpack.Decoder(kind)
            self._fields[name] = frozenset(field.name for field in dataclasses.fields(kind))

    def knows(self, name: str) -> bool:
        """Whether facts of this name can be read."""
        return name in self._decoders

    def encode(self, fact: object) -> tuple[str, msgspec.Raw]:
        """Turn a fact into what a record holds. Raises FactMismatch for a type not given."""
        name = self._names.get(type(fact))
        if name is None:
            raise FactMismatch(f"{type(fact).__name__} is not a fact of this journal")
        return name, msgspec.Raw(_ENCODER.encode(fact))

    def decode(self, pair: tuple[str, msgspec.Raw]) -> Any:
        """Turn what a record holds into the fact. Raises FactMismatch."""
        name, body = pair
        decoder = self._decoders.get(name)
        if decoder is None:
            raise FactMismatch(f"unknown fact {name}: was the journal written by newer code?")
        try:
            fields = _FIELDS.decode(body)
            if not fields.keys() <= self._fields[name]:
                unknown = ", ".join(sorted(fields.keys() - self._fields[name]))
                raise FactMismatch(
                    f"{name} has unknown field {unknown}: was the journal written by newer code?"
                )
            return decoder.decode(body)
        except msgspec.DecodeError as error:
            raise FactMismatch(f"{name}: {error}") from error


_FIELDS: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
