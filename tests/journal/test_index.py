"""The offset index of a segment, and which segments need not be looked into."""

from __future__ import annotations

import pytest

from sor_gateway.journal.index import Base, SegmentIndex, advance, may_hold


class TestSegmentIndex:
    def test_a_range_is_answered_per_session_and_epoch(self) -> None:
        index = SegmentIndex()
        for number in (3, 4, 7):
            index.add("a", 1, number, number * 10)
        index.add("a", 2, 4, 99)
        assert list(index.within("a", 1, 4, 7)) == [(4, 40), (7, 70)]
        assert list(index.within("a", 2, 1, 9)) == [(4, 99)]
        assert list(index.within("b", 1, 1, 9)) == []

    def test_a_number_used_again_replaces_all_from_it_on(self) -> None:
        index = SegmentIndex()
        for number in (1, 2, 3):
            index.add("a", 1, number, number)
        index.add("a", 1, 2, 50)
        assert list(index.within("a", 1, 1, 9)) == [(1, 1), (2, 50)]


class TestBase:
    def test_it_keeps_the_highest_number_of_the_last_epoch(self) -> None:
        base: dict[str, Base] = {}
        for epoch, number in ((1, 5), (1, 6), (2, 1), (2, 2)):
            advance(base, "a", epoch, number)
        assert base == {"a": Base(2, 2)}

    def test_numbers_that_go_back_are_noted(self) -> None:
        base = {"a": Base(1, 9)}
        advance(base, "a", 1, 4)
        assert base == {"a": Base(1, 9, irregular=True)}
        advance(base, "a", 2, 1)
        assert base == {"a": Base(2, 1, irregular=True)}

    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            (None, (True, False)),  # nothing was sent before this segment
            (Base(1, 9), (True, False)),  # the range begins behind all earlier ones
            (Base(1, 10), (True, True)),
            (Base(1, 20), (False, True)),  # the range ends before this segment
            (Base(0, 99), (True, False)),  # the epoch began in this segment or later
            (Base(2, 1), (False, True)),  # the epoch ended before this segment
        ],
    )
    def test_a_segment_is_skipped_only_when_it_cannot_hold_the_range(
        self, before: Base | None, expected: tuple[bool, bool]
    ) -> None:
        assert may_hold(before, 1, 10, 20) == expected
