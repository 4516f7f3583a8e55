"""Who is looked at, and when."""

from __future__ import annotations

from sor_gateway.sor.agenda import Agenda


class TestDue:
    """Due parents come in the order in which they became due, once each, bounded."""

    def test_order_and_once(self) -> None:
        agenda = Agenda()
        for parent_id in ("b", "a", "b"):
            agenda.due(parent_id)
        assert agenda.take(0, 10) == ["b", "a"]
        assert agenda.take(0, 10) == []

    def test_the_rest_stays_due(self) -> None:
        agenda = Agenda()
        for parent_id in ("a", "b", "c"):
            agenda.due(parent_id)
        assert agenda.take(0, 2) == ["a", "b"]
        assert agenda.next_deadline() == 0
        assert agenda.take(0, 2) == ["c"]
        assert agenda.next_deadline() is None

    def test_what_was_not_looked_at_keeps_its_place(self) -> None:
        agenda = Agenda()
        for parent_id in ("a", "b", "c", "d"):
            agenda.due(parent_id)
        assert agenda.take(0, 3) == ["a", "b", "c"]
        agenda.put_back(["b", "c"])
        agenda.due("a")
        assert agenda.take(0, 10) == ["b", "c", "d", "a"]


class TestTimers:
    """The earliest time asked for counts."""

    def test_not_before_its_time(self) -> None:
        agenda = Agenda()
        agenda.wake("a", 100)
        assert agenda.take(99, 10) == []
        assert agenda.next_deadline() == 100
        assert agenda.take(100, 10) == ["a"]
        assert agenda.next_deadline() is None

    def test_an_earlier_one_replaces_a_later_one(self) -> None:
        agenda = Agenda()
        agenda.wake("a", 100)
        agenda.wake("a", 50)
        agenda.wake("a", 200)
        assert agenda.take(60, 10) == ["a"]
        assert agenda.take(300, 10) == []

    def test_a_parent_that_is_over_is_skipped(self) -> None:
        agenda = Agenda()
        agenda.wake("a", 100)
        agenda.wake("b", 200)
        agenda.forget("a", "ACME")
        assert agenda.next_deadline() == 200
        assert agenda.take(300, 10) == ["b"]


class TestQuotes:
    """A quote wakes those that wait for it, once."""

    def test_only_those_that_wait(self) -> None:
        agenda = Agenda()
        agenda.wait_for_quotes("ACME", "a")
        agenda.quoted("OTHER")
        assert agenda.next_deadline() is None
        agenda.quoted("ACME")
        assert agenda.next_deadline() == 0
        assert agenda.take(0, 10) == ["a"]
        agenda.quoted("ACME")
        assert agenda.take(0, 10) == []

    def test_nobody_waits_any_more(self) -> None:
        agenda = Agenda()
        agenda.wait_for_quotes("ACME", "a")
        agenda.quoted("ACME")
        agenda.forget("a", "ACME")
        assert agenda.take(0, 10) == []


class TestTouch:
    """Who waits for what a quote says, and no other."""

    def test_a_change_in_the_book_is_not_one_of_the_touch(self) -> None:
        agenda = Agenda()
        agenda.wait_for_quotes("ACME", "taker")
        agenda.wait_for_touch("ACME", "passive")
        agenda.quoted("ACME", is_touch=False)
        assert agenda.take(0, 10) == ["taker"]
        agenda.quoted("ACME", is_touch=True)
        assert agenda.take(0, 10) == ["passive"]
        agenda.quoted("ACME", is_touch=True)
        assert agenda.take(0, 10) == [], "each waits anew"

    def test_what_is_over_waits_for_nothing(self) -> None:
        agenda = Agenda()
        agenda.wait_for_touch("ACME", "a")
        agenda.wait_for_quotes("ACME", "a")
        agenda.forget("a", "ACME")
        agenda.quoted("ACME")
        assert agenda.take(0, 10) == []


class TestClaims:
    """At a throttle the first to be held back is the first to be served."""

    def test_who_came_first_is_ahead(self) -> None:
        agenda = Agenda()
        agenda.claim("x", "a", 100)
        agenda.claim("x", "b", 100)
        assert [agenda.ahead("x", each, 50, 9) for each in ("a", "b", "new")] == [0, 1, 2]
        assert agenda.ahead("y", "new", 50, 9) == 0
        assert agenda.ahead("x", "new", 50, 1) == 1, "no further than asked for"

    def test_who_is_not_served_keeps_the_place(self) -> None:
        agenda = Agenda()
        agenda.claim("x", "a", 100)
        agenda.claim("x", "b", 100)
        agenda.claim("x", "a", 200)
        assert agenda.ahead("x", "b", 50, 9) == 1

    def test_who_is_served_goes_to_the_end(self) -> None:
        agenda = Agenda()
        agenda.claim("x", "a", 100)
        agenda.claim("x", "b", 100)
        agenda.serve("x", "a")
        agenda.claim("x", "a", 100)
        assert agenda.ahead("x", "b", 50, 9) == 0
        assert agenda.ahead("x", "a", 50, 9) == 1

    def test_nobody_waits_for_one_who_does_not_come(self) -> None:
        agenda = Agenda()
        agenda.claim("x", "a", 100)
        assert agenda.ahead("x", "b", 100, 9) == 1
        assert agenda.ahead("x", "b", 101, 9) == 0
        agenda.claim("x", "a", 300)
        agenda.forget("a", "ACME")
        assert agenda.ahead("x", "b", 200, 9) == 0
