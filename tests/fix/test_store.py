"""Intervals of numbers, held against plain sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.store import Range, add_range, covers, runs_of

intervals = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda each: (each[0], sum(each)))
)


class TestRanges:
    @given(intervals)
    def test_they_hold_exactly_the_numbers_that_were_added(self, added: list[Range]) -> None:
        ranges: list[Range] = []
        model: set[int] = set()
        for begin, end in added:
            add_range(ranges, begin, end)
            model |= set(range(begin, end + 1))
        assert {n for n in range(60) if covers(ranges, n)} == model
        assert ranges == runs_of(sorted(model)), "they are merged and in order"

    def test_what_touches_becomes_one(self) -> None:
        ranges = [(1, 2), (5, 6)]
        add_range(ranges, 3, 4)
        assert ranges == [(1, 6)]
