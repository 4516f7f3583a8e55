"""Our stored messages by number, over all segments of a folder.

Owns: the index of the current segment, those of older segments (made when first needed), and the
running highest numbers that become the base of the next segment.
May not know: how records are appended, orders, FIX.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from copy import copy
from pathlib import Path
from typing import Final

import msgspec

from sor_gateway.journal.errors import JournalCorrupt
from sor_gateway.journal.index import Base, SegmentIndex, advance, may_hold
from sor_gateway.journal.reader import (
    frames,
    read_record,
    segment_path,
    some_frames,
    whole_header,
)
from sor_gateway.journal.record import Entry, decode_keys

OLD_INDEXES: Final = 64
"""Indexes of older segments held in memory; a further one takes the oldest's place."""
SCAN_BYTES: Final = 65_536
"""How much of an older segment is read in one step towards its index, about half a millisecond of
work: whoever must not stop for a whole segment (some 150 ms) takes the steps one by one."""


class SentIndex:
    """Where each of our messages lies. One writer: the journal, as it appends and rolls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first = 1
        self._segment = 0
        self._index = SegmentIndex()
        self._highest: dict[str, Base] = {}
        self._bases: dict[int, dict[str, Base]] = {}
        self._old: dict[int, SegmentIndex] = {}
        self._begun: dict[int, tuple[SegmentIndex, int]] = {}
        """Indexes in the making, each with the offset that it has come to."""

    def start(self, first: int, base: dict[str, Base]) -> None:
        """At opening: the first segment there is, and the base of the last."""
        self._first = first
        self._highest = _copy(base)

    def base(self) -> dict[str, Base]:
        """The highest numbers so far: the base of a segment that begins now."""
        return _copy(self._highest)

    def begin_segment(self, segment: int) -> None:
        """What is added from now on lies in this segment."""
        if 0 < self._segment < segment:
            self._keep(self._segment, self._index)
        self._segment = segment
        self._index = SegmentIndex()
        self._bases[segment] = self.base()

    def drop_below(self, first: int) -> None:
        """Segments below this one are gone."""
        self._first = first
        for segment in [number for number in self._bases if number < first]:
            del self._bases[segment]
        for segment in [number for number in self._old if number < first]:
            del self._old[segment]
        for segment in [number for number in self._begun if number < first]:
            del self._begun[segment]

    def add(self, entries: Iterable[Entry], offset: int) -> None:
        """These messages lie in the frame at `offset` of the current segment."""
        for entry in entries:
            if entry.outbound:
                self._index.add(entry.session, entry.epoch, entry.number, offset)
                advance(self._highest, entry.session, entry.epoch, entry.number)

    def load(self, descriptor: int, offset: int, path: Path) -> tuple[int, int]:
        """Fill in the current segment from its file, from its first frame on.

        Returns the end of the last good frame and the number of messages. Raises JournalCorrupt.
        """
        found = frames(descriptor, offset)
        end, messages = _index_frames(self._index, self._highest, found, path)
        return max(offset, end), messages

    def find(self, session: str, epoch: int, begin: int, end: int) -> list[Entry]:
        """The messages with begin <= number <= end, ascending. Raises JournalCorrupt.

        From the newest segment backwards, so that a number which was used again (an operator
        forced the numbers back) is answered with its latest message.
        """
        found: dict[int, Entry] = {}
        for segment in self._segments_with(session, epoch, begin, end):
            self._collect(segment, (session, epoch), begin, end, found)
        return [found[number] for number in sorted(found)]

    def prepare(self, session: str, epoch: int, begin: int, end: int) -> bool:
        """One step (`SCAN_BYTES`) towards a `find` of this range that scans nothing; True when
        that is so, or when the range needs more indexes than are held. Raises JournalCorrupt."""
        segments = list(self._segments_with(session, epoch, begin, end))
        for segment in segments if len(segments) <= OLD_INDEXES else ():
            if segment != self._segment and segment not in self._old:
                self._scan_on(segment)
                return False
        return True

    def _segments_with(self, session: str, epoch: int, begin: int, end: int) -> Iterator[int]:
        """The segments that may hold numbers of this range, the newest first."""
        highest = self._highest.get(session)
        ascending = highest is not None and not highest.irregular
        for segment in range(self._segment, self._first - 1, -1):
            here = earlier = True
            if ascending:
                before = self._base_of(segment).get(session)
                here, earlier = may_hold(before, epoch, begin, end)
            if here:
                yield segment
            if not earlier:
                break

    def _collect(
        self, segment: int, key: tuple[str, int], begin: int, end: int, found: dict[int, Entry]
    ) -> None:
        index = self._index if segment == self._segment else self._old_index(segment)
        wanted = [pair for pair in index.within(*key, begin, end) if pair[0] not in found]
        if not wanted:
            return
        path = segment_path(self._folder, segment)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            at, entries = -1, list[Entry]()
            for number, offset in wanted:
                if offset != at:
                    at, entries = offset, read_record(descriptor, offset, path).entries
                for entry in entries:
                    if entry.number == number and entry.outbound and _key(entry) == key:
                        found[number] = entry
        finally:
            os.close(descriptor)

    def _base_of(self, segment: int) -> dict[str, Base]:
        base = self._bases.get(segment)
        if base is None:
            header, _ = whole_header(segment_path(self._folder, segment))
            base = self._bases[segment] = header.base
        return base

    def _old_index(self, segment: int) -> SegmentIndex:
        while segment not in self._old:
            self._scan_on(segment)
        return self._old[segment]

    def _scan_on(self, segment: int) -> None:
        """One step through an older segment; at its end the index is there."""
        path = segment_path(self._folder, segment)
        if segment not in self._begun:
            self._begun[segment] = SegmentIndex(), whole_header(path)[1]
        index, offset = self._begun.pop(segment)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = some_frames(descriptor, offset, SCAN_BYTES)
        finally:
            os.close(descriptor)
        if found:
            _index_frames(index, {}, found, path)
            self._begun[segment] = index, found[-1][1]
        else:
            self._keep(segment, index)

    def _keep(self, segment: int, index: SegmentIndex) -> None:
        while len(self._old) >= OLD_INDEXES:
            del self._old[next(iter(self._old))]
        self._old[segment] = index


def _index_frames(
    index: SegmentIndex,
    highest: dict[str, Base],
    found: Iterable[tuple[int, int, bytes]],
    path: Path,
) -> tuple[int, int]:
    """Index these frames; the end of the last one (0: there was none) and their messages."""
    messages = last = 0
    for start, end, payload in found:
        try:
            entries = decode_keys(payload).entries
        except msgspec.DecodeError as error:
            raise JournalCorrupt(path, start, f"not a record: {error}") from error
        last = end
        messages += len(entries)
        for entry in entries:
            if entry.outbound:
                index.add(entry.session, entry.epoch, entry.number, start)
                advance(highest, entry.session, entry.epoch, entry.number)
    return last, messages


def _copy(base: dict[str, Base]) -> dict[str, Base]:
    return {session: copy(numbers) for session, numbers in base.items()}


def _key(entry: Entry) -> tuple[str, int]:
    return entry.session, entry.epoch
