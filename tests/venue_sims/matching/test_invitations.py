"""Invitations to firm up: their window, how parties answer, who is suspended."""

from __future__ import annotations

import pytest

from venue_sims.matching.invitations import Invitation, Invitations, InvitationSettings

MS = 1_000_000
SECOND = 1_000 * MS
HALF = InvitationSettings(SECOND, suspend_below_ppm=500_000, sample=4, memory_ns=60 * SECOND)


@pytest.fixture
def book() -> Invitations:
    return Invitations()


def invite(book: Invitations, name: str, at: int, party: str = "SOR") -> None:
    book.invite(Invitation(name, party, f"order-{name}", at, at + SECOND))


class TestTheWindow:
    def test_an_answer_in_time(self, book: Invitations) -> None:
        invite(book, "F1", 10 * SECOND)
        found = book.answerable("F1", "SOR", 11 * SECOND)
        assert found is not None
        assert found.order_id == "order-F1"
        book.answer("F1", 10 * SECOND + 3 * MS)
        conduct = book.conducts["SOR"]
        assert (conduct.invited, conduct.answered, conduct.missed) == (1, 1, 0)
        assert conduct.response_ns == 3 * MS

    def test_only_once(self, book: Invitations) -> None:
        invite(book, "F1", 0)
        book.answer("F1", 0)
        assert book.answerable("F1", "SOR", 0) is None

    def test_too_late_is_a_miss(self, book: Invitations) -> None:
        invite(book, "F1", 0)
        assert book.answerable("F1", "SOR", SECOND + 1) is None
        invite(book, "F2", 2 * SECOND)
        assert (book.conducts["SOR"].missed, list(book.open)) == (1, ["F2"])

    def test_nobody_answers_for_another(self, book: Invitations) -> None:
        invite(book, "F1", 0)
        assert book.answerable("F1", "OTHER", 0) is None
        assert book.answerable("F2", "SOR", 0) is None


class TestSuspension:
    def ignore(self, book: Invitations, count: int, start: int = 0) -> None:
        for number in range(count):
            invite(book, f"M{start}-{number}", start)

    def answer(self, book: Invitations, count: int) -> None:
        for number in range(count):
            invite(book, f"F{number}", 0)
            book.answer(f"F{number}", 0)

    def test_below_the_bar_once_the_time_to_answer_is_over(self, book: Invitations) -> None:
        self.answer(book, 1)
        self.ignore(book, 3)
        assert not book.suspended("SOR", SECOND, HALF)
        assert book.suspended("SOR", SECOND + 1, HALF)
        assert not book.suspended("OTHER", SECOND + 1, HALF)

    def test_ends_when_it_is_forgotten(self, book: Invitations) -> None:
        self.ignore(book, 4)
        assert book.suspended("SOR", 61 * SECOND - 1, HALF)
        assert not book.suspended("SOR", 61 * SECOND, HALF)
        self.ignore(book, 3, start=70 * SECOND)
        assert not book.suspended("SOR", 80 * SECOND, HALF)

    def test_at_the_bar_is_enough(self, book: Invitations) -> None:
        self.answer(book, 2)
        self.ignore(book, 2)
        assert not book.suspended("SOR", 2 * SECOND, HALF)

    def test_few_prove_nothing(self, book: Invitations) -> None:
        self.ignore(book, 3)
        assert not book.suspended("SOR", 2 * SECOND, HALF)

    def test_off_by_default(self, book: Invitations) -> None:
        self.ignore(book, 40)
        assert not book.suspended("SOR", 2 * SECOND, InvitationSettings())
