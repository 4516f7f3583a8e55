"""A venue whose process was starved: it answers while it makes up for what it missed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sor_gateway.net.clock import wall_clock_ns
from tests.venue_sims.helpers import SECOND, SOR, START, Desk, make_venue, market, terms, venue_file
from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import SCALE, running
from venue_sims.commands import Command, OrderReceived
from venue_sims.facts import Executed, OrderAccepted
from venue_sims.floor import MAX_BEHIND_NS
from venue_sims.venue import Venue
from venue_sims.words import Capacity

DOLLAR = 1_000_000
BUDGET = 50


def desk_of(name: str) -> Desk:
    return Desk(make_venue(venue_file(name), market(scale=SCALE)))


def rest_orders(desk: Desk) -> None:
    """Orders of ours on both sides that flows come to trade with."""
    for symbol in ("ACME", "BOLT"):
        matcher = desk.venue.floors[symbol].matcher
        path = desk.venue.floors[symbol].path
        quote = path.nbbo(path.slot(desk.venue.clock.market(desk.now)))
        for side, price in ((Capacity.BUY, quote.bid), (Capacity.SELL, quote.ask)):
            order = terms(f"{symbol}{side}", side, 50_000, price)
            desk.send(OrderReceived(SOR, desk.now, replace(order, symbol=symbol)))
        assert matcher.orders


def facts_at(venue: Venue) -> list[tuple[int, object]]:
    return [(fact.at_ns, fact) for fact in venue.take_facts() if not isinstance(fact, Command)]


@pytest.mark.parametrize("name", ["exchange", "dark-a"])
def test_in_pieces_the_same_happens_in_the_same_order(name: str) -> None:
    whole, pieces = desk_of(name), desk_of(name)
    for desk in (whole, pieces):
        rest_orders(desk)
    until = START + 5 * SECOND
    assert whole.venue.advance(until)
    turns = 1
    while not pieces.venue.advance(until, BUDGET):
        turns += 1
        due = pieces.venue.next_deadline()
        assert due is not None
        assert due <= until + SECOND
    facts = facts_at(whole.venue)
    assert turns > 3
    assert facts
    assert facts_at(pieces.venue) == facts
    assert [at for at, _ in facts] == sorted(at for at, _ in facts)
    for symbol, floor in whole.venue.floors.items():
        assert pieces.venue.floors[symbol].matcher.orders == floor.matcher.orders


def test_what_comes_meanwhile_is_dealt_with_behind_what_was_due_before() -> None:
    desk = desk_of("exchange")
    rest_orders(desk)
    late = START + 4 * SECOND
    assert not desk.venue.advance(late, BUDGET)
    order = terms("late", Capacity.SELL, 100, 40 * DOLLAR)
    desk.venue.receive(OrderReceived(SOR, late, order), late)
    while not desk.venue.advance(late + SECOND, BUDGET):
        pass
    facts = [fact for _, fact in facts_at(desk.venue)]
    (accepted,) = (
        fact for fact in facts if isinstance(fact, OrderAccepted) and fact.at_ns > START + SECOND
    )
    before = [fact for fact in facts[: facts.index(accepted)] if isinstance(fact, Executed)]
    assert all(fact.at_ns <= accepted.at_ns for fact in before)
    assert late < accepted.at_ns <= late + SECOND


@pytest.mark.parametrize("name", ["exchange", "dark-a"])
def test_a_venue_that_is_too_far_behind_skips_but_not_over_a_command(name: str) -> None:
    desk = desk_of(name)
    command_at = START + 2 * SECOND
    order = terms("C1", Capacity.SELL, 100, 40 * DOLLAR)
    desk.venue.receive(OrderReceived(SOR, command_at, order), command_at)
    hour = START + 3_600 * SECOND
    assert (hour - START) * SCALE > MAX_BEHIND_NS
    calls = 1
    while not desk.venue.advance(hour, BUDGET):
        calls += 1
    assert calls < 10
    times = [at for at, _ in facts_at(desk.venue)]
    assert times
    assert times == sorted(times)
    assert command_at <= times[0] < command_at + SECOND


async def test_a_starved_venue_answers_its_sessions_before_it_has_caught_up(
    tmp_path: Path,
) -> None:
    lost_ns = 0

    def clock() -> int:
        return wall_clock_ns() + lost_ns

    async with running("exchange", tmp_path, clock=clock) as venue:
        client = RawClient("SOR", "EXCH")
        await client.connect(venue.port)
        lost_ns = MAX_BEHIND_NS // SCALE - SECOND
        client.send("1", (112, "are you there"))
        answer = await client.expect(lambda m: m[35] == "0" and m.get(112) == "are you there")
        assert answer
        due = venue.server.venue.next_deadline()
        assert due is not None
        assert due < clock() - SECOND
        await client.close()
