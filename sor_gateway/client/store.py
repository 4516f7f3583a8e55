"""The state file of the bundled EMS: its numbers and application messages, one JSON line each.

Owns: the format, appending, and reading it back after a crash.
May not know: sockets, what the messages say.

A line is `[kind, number, raw]`. Lines of one turn are written with one `write` before anything
is sent or acted on. A torn last line (the process died in the middle) is cut off at the next
start; a bad line with a good one behind it is corruption and is refused.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from sor_gateway.client.session import Numbers, Record
from sor_gateway.client.wire import Received, parse


class StateCorruptError(Exception):
    """The state file is damaged in the middle; the text names the line."""


class StateUnwritableError(Exception):
    """The state file cannot be written: nothing may be sent any more."""


@dataclass(slots=True)
class Stored:
    """What a state file says."""

    numbers: Numbers = field(default_factory=Numbers)
    history: list[tuple[bool, Received]] = field(default_factory=list)
    """Application messages in the order in which they happened: (ours?, message)."""
    good_bytes: int = 0


class Store:
    """An append-only state file; `path=None` keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._fd = -1

    def open(self, anew: bool = False) -> Stored:
        """Read what is there (or, `anew`, throw it away) and get ready to append.

        Raises StateCorruptError for damage that is not a torn tail, OSError when there is no file
        to be had.
        """
        if self._path is None:
            return Stored()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        stored = Stored() if anew else read(self._path.read_bytes())
        os.ftruncate(self._fd, stored.good_bytes)
        return stored

    def append(self, records: list[Record]) -> None:
        """Write the records of one turn. Raises StateUnwritableError."""
        if self._fd < 0 or not records:
            return
        data = b"".join(
            json.dumps([record.kind, record.number, record.raw.decode("latin-1")]).encode() + b"\n"
            for record in records
        )
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise StateUnwritableError(f"{self._path}: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read(data: bytes) -> Stored:
    """Fold the lines of a state file. Raises StateCorruptError."""
    stored = Stored()
    lines = data.split(b"\n")
    for index, line in enumerate(lines[:-1]):  # what follows the last newline is torn
        record = read_line(line)
        if record is None:
            if index == len(lines) - 2:
                break
            raise StateCorruptError(
                f"line {index + 1} of the state file cannot be read: {line[:80]!r}"
            )
        apply(stored, record)
        stored.good_bytes += len(line) + 1
    return stored


def read_line(line: bytes) -> Record | None:
    """One line, or None when it is damaged."""
    try:
        kind, number, raw = json.loads(line)
        return Record(kind, int(number), raw.encode("latin-1"))
    except (ValueError, TypeError, AttributeError):
        return None


def apply(stored: Stored, record: Record) -> None:
    """What a record did to the numbers."""
    numbers = stored.numbers
    if record.kind == "out":
        numbers.next_out = record.number + 1
        if record.raw:
            numbers.sent[record.number] = record.raw
    elif record.kind == "in":
        numbers.next_in = record.number + 1
    elif record.kind == "numbers":
        numbers.next_in = record.number
    elif record.kind == "reset-asked":
        numbers.next_in = numbers.next_out = 1
        numbers.sent.clear()
        numbers.reset_pending = True
    elif record.kind == "reset-done":
        numbers.next_in, numbers.next_out, numbers.reset_pending = 1, record.number, False
        numbers.sent = {n: raw for n, raw in numbers.sent.items() if n < record.number}
    message = parse(record.raw) if record.raw else None
    if message is not None:
        stored.history.append((record.kind == "out", message))
