"""Showing little: sizes, chance, the touch of the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.market import Book
from sor_gateway.sor.tactics.spray import draw, near_touch, share_out, shown_size


class TestDraw:
    """Chance is a function of seed, parent, wave and place (recovery.md 1.2)."""

    def test_the_same_question_has_the_same_answer(self) -> None:
        assert draw(1, "P1", 3, "ecn") == draw(1, "P1", 3, "ecn")

    def test_every_part_of_the_question_counts(self) -> None:
        drawn = {
            draw(*question)
            for question in [
                (1, "P1", 3, "ecn"),
                (2, "P1", 3, "ecn"),
                (1, "P2", 3, "ecn"),
                (1, "P1", 4, "ecn"),
                (1, "P1", 3, "exchange"),
            ]
        }
        assert len(drawn) == 5

    def test_it_is_spread_evenly_from_0_up_to_1(self) -> None:
        drawn = [draw(7, "P1", wave, "ecn") for wave in range(4_000)]
        assert 0.0 <= min(drawn) < 0.01
        assert 0.99 < max(drawn) < 1.0
        tenths = [sum(int(each * 10) == tenth for each in drawn) for tenth in range(10)]
        assert all(330 < count < 470 for count in tenths), "400 each, three sigma and a bit"


class TestSize:
    """Round lots, never above the clip, never nothing."""

    def test_without_spread_it_is_the_clip(self) -> None:
        assert shown_size(500, 0.0, 100, 0.99) == 500

    def test_the_spread_is_how_much_less_it_may_be(self) -> None:
        assert {shown_size(500, 0.4, 100, step / 100) for step in range(100)} == {300, 400, 500}

    def test_a_clip_below_a_round_lot_is_shown_as_it_is(self) -> None:
        assert shown_size(40, 0.5, 100, 0.5) == 40

    @given(
        st.integers(1, 5_000),
        st.floats(0, 1),
        st.sampled_from([1, 10, 100]),
        st.floats(0, 1, exclude_max=True),
    )
    def test_bounds(self, clip: int, spread: float, lot: int, drawn: float) -> None:
        size = shown_size(clip, spread, lot, drawn)
        assert 0 < size <= clip
        assert size % lot == 0 or size == clip


class TestShareOut:
    """In order, until there is no more room."""

    def test_the_last_gets_what_is_left(self) -> None:
        wanted = [("a", 500), ("b", 500), ("c", 500)]
        assert share_out(wanted, 700) == [("a", 500), ("b", 200)]

    def test_no_room(self) -> None:
        assert share_out([("a", 500)], 0) == []


def book(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> Book:
    return Book(bids, asks, 0)


class TestNearTouch:
    """The best price on our side that somebody else shows."""

    BOOKS = (
        ("x", book([(100, 500), (99, 300)], [(102, 500), (103, 300)])),
        ("y", book([(99, 200)], [(103, 200)])),
    )

    def test_of_others_alone(self) -> None:
        assert near_touch(self.BOOKS, False, {}) == 102
        assert near_touch(self.BOOKS, True, {}) == 100

    def test_what_only_we_show_is_not_the_touch(self) -> None:
        assert near_touch(self.BOOKS, False, {("x", 102): 500}) == 103
        assert near_touch(self.BOOKS, True, {("x", 100): 500}) == 99

    def test_beside_others_it_is(self) -> None:
        assert near_touch(self.BOOKS, False, {("x", 102): 400}) == 102

    def test_nobody_else(self) -> None:
        assert near_touch([("x", book([], [(102, 500)]))], False, {("x", 102): 500}) == 0
