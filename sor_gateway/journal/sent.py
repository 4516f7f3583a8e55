"""Our stored messages by number, over all segments of a folder.

Owns: the index of the current segment, those of older segments (made when first needed), and the
running highest numbers that become the base of the next segment.
May not know: how records are appended, orders, FIX.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
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
HEADERS_A_STEP: Final = 16
"""How many headers of older segments are read in one step."""


@dataclass(slots=True)
class Search:
    """A `find` on its way: from the newest segment backwards, so that a number which was used again
    (an operator forced the numbers back) is answered with its latest message."""

    session: str
    epoch: int
    begin: int
    end: int
    began: int
    """The current segment when it began. From there on messages are found at the end, at once."""
    segment: int
    """The next to look into; 0 when there is none left."""
    found: dict[int, Entry] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """Whose messages are looked for."""
        return self.session, self.epoch

    def is_for(self, epoch: int, begin: int, end: int) -> bool:
        """Whether it looks for these."""
        return (self.epoch, self.begin, self.end) == (epoch, begin, end)

    def is_complete(self) -> bool:
        """Whether there is nothing left to be found."""
        return len(self.found) > self.end - self.begin


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
        self._searches: dict[str, Search] = {}
        """By session, the last one that was prepared."""

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
        """The messages with begin <= number <= end, ascending. Raises JournalCorrupt."""
        search = self._search(session, epoch, begin, end)
        while not self._search_on(search):
            continue
        del self._searches[session]
        latest: dict[int, Entry] = {}
        for segment in range(self._segment, search.began - 1, -1):
            if self._may_hold(search, segment)[0]:
                while segment != self._segment and segment not in self._old:
                    self._scan_on(segment)
                self._collect(segment, search, latest)
        found = search.found | latest
        return [found[number] for number in sorted(found)]

    def prepare(self, session: str, epoch: int, begin: int, end: int) -> bool:
        """One step (`SCAN_BYTES`) towards a `find` of this range that scans nothing; True when
        that is so. Raises JournalCorrupt."""
        return self._search_on(self._search(session, epoch, begin, end))

    def _search(self, session: str, epoch: int, begin: int, end: int) -> Search:
        search = self._searches.get(session)
        if search is None or not search.is_for(epoch, begin, end):
            search = Search(session, epoch, begin, end, self._segment, self._segment)
            self._searches[session] = search
        return search

    def _search_on(self, search: Search) -> bool:
        """One step; whether it was the last."""
        known = len(self._bases)
        while search.segment >= self._first:
            segment = search.segment
            here, earlier = self._may_hold(search, segment)
            if here and segment < search.began:
                if segment not in self._old:
                    self._scan_on(segment)
                    return False
                self._collect(segment, search, search.found)
            search.segment = segment - 1 if earlier and not search.is_complete() else 0
            if len(self._bases) - known >= HEADERS_A_STEP:
                return False
        return True

    def _may_hold(self, search: Search, segment: int) -> tuple[bool, bool]:
        """Whether a segment may hold what is looked for, and whether an earlier one may."""
        session = search.session
        highest = self._highest.get(session)
        if highest is None:  # nothing was ever sent on it
            return False, False
        if highest.irregular:
            return True, True
        before = self._base_of(segment).get(session)
        here, earlier = may_hold(before, search.epoch, search.begin, search.end)
        if here and segment < self._segment:
            here = self._base_of(segment + 1).get(session) != before
        return here, earlier

    def _collect(self, segment: int, search: Search, found: dict[int, Entry]) -> None:
        """Read what a segment that is indexed has of it, and was not found in later ones."""
        key = search.key
        index = self._index if segment == self._segment else self._old[segment]
        within = index.within(*key, search.begin, search.end)
        wanted = [pair for pair in within if pair[0] not in found]
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
