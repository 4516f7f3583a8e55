"""Invitations to firm up: their window, how parties answer, who is suspended."""

from __future__ import annotations

from venue_sims.matching.invitations import Invitations, InvitationSettings

MS = 1_000_000
SECOND = 1_000 * MS


def invitations(below_ppm: int = 0) -> Invitations:
    return Invitations(InvitationSettings(SECOND, below_ppm, sample=4, suspend_ns=60 * SECOND))


class TestTheWindow:
    def test_an_answer_in_time(self) -> None:
        book = invitations()
        assert book.invite("F1", "SOR", 10 * SECOND).deadline_ns == 11 * SECOND
        assert book.answerable("F1", "SOR", 11 * SECOND)
        book.answer("F1", "SOR", 10 * SECOND + 3 * MS)
        conduct = book.conduct("SOR")
        assert (conduct.invited, conduct.answered, conduct.missed) == (1, 1, 0)
        assert conduct.response_ns == 3 * MS

    def test_only_once(self) -> None:
        book = invitations()
        book.invite("F1", "SOR", 0)
        book.answer("F1", "SOR", 0)
        assert not book.answerable("F1", "SOR", 0)

    def test_too_late_is_a_miss(self) -> None:
        book = invitations()
        book.invite("F1", "SOR", 0)
        assert not book.answerable("F1", "SOR", SECOND + 1)
        book.settle(SECOND + 1)
        assert (book.conduct("SOR").missed, book.open) == (1, {})

    def test_nobody_answers_for_another(self) -> None:
        book = invitations()
        book.invite("F1", "SOR", 0)
        assert not book.answerable("F1", "OTHER", 0)
        assert not book.answerable("F2", "SOR", 0)


class TestSuspension:
    def miss(self, book: Invitations, count: int, start: int = 0) -> None:
        for number in range(count):
            book.invite(f"M{start}-{number}", "SOR", start)

    def test_below_the_bar(self) -> None:
        book = invitations(below_ppm=500_000)
        book.invite("F1", "SOR", 0)
        book.answer("F1", "SOR", 0)
        self.miss(book, 3)
        assert not book.suspended("SOR", SECOND)
        assert book.suspended("SOR", SECOND + 1)
        assert not book.suspended("OTHER", SECOND + 1)

    def test_ends_and_starts_anew(self) -> None:
        book = invitations(below_ppm=500_000)
        self.miss(book, 4)
        assert book.suspended("SOR", 61 * SECOND - 1)
        assert not book.suspended("SOR", 61 * SECOND)
        self.miss(book, 3, start=70 * SECOND)
        assert not book.suspended("SOR", 80 * SECOND)

    def test_at_the_bar_is_enough(self) -> None:
        book = invitations(below_ppm=500_000)
        for name in ("F1", "F2"):
            book.invite(name, "SOR", 0)
            book.answer(name, "SOR", 0)
        self.miss(book, 2)
        assert not book.suspended("SOR", 2 * SECOND)

    def test_few_prove_nothing(self) -> None:
        book = invitations(below_ppm=1_000_000)
        self.miss(book, 3)
        assert not book.suspended("SOR", 2 * SECOND)

    def test_off_by_default(self) -> None:
        book = invitations()
        self.miss(book, 40)
        assert not book.suspended("SOR", 2 * SECOND)
