"""The gateway's own translators understand every word that the venues say."""

from __future__ import annotations

import random

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.message import Message
from sor_gateway.translate.quotes import QuoteTranslator
from tests.venue_sims.helpers import Desk, make_venue, market, venue_file
from venue_sims.market_data import Publisher


def body(msg_type: str, fields: list[tuple[int, str]]) -> Message:
    return Message(msg_type, [(35, msg_type), *fields])


@pytest.mark.parametrize("dialect", [FIX42, FIX44], ids=lambda each: each.begin_string)
@pytest.mark.parametrize("incremental", [True, False])
def test_the_gateway_sees_the_book_that_the_venue_shows(
    dialect: Dialect, incremental: bool
) -> None:
    desk = Desk(make_venue(venue_file("exchange"), market(3, scale=60)))
    floors, draw = desk.venue.floors, random.Random(3)
    publisher = Publisher(
        list(floors), 10, lambda symbol, side, depth: floors[symbol].matcher.depth(side, depth)
    )
    gateway = QuoteTranslator(dialect, 10, incremental)
    for request in gateway.subscribe(["ACME", "BOLT"]):
        for msg_type, fields in publisher.request(body(request.msg_type, request.fields), desk.now):
            assert isinstance(gateway.to_book(body(msg_type, fields)), list)
    updates = 0
    for _ in range(200):
        desk.settle(draw.choice([0.03, 0.05, 0.4]))
        for symbol in desk.venue.take_changed():
            publisher.changed(symbol)
        for msg_type, fields in publisher.due(desk.now):
            assert isinstance(gateway.to_book(body(msg_type, fields)), list)
            updates += 1
        for symbol in ("ACME", "BOLT"):
            (subscription,) = publisher._subscriptions.values()
            told = subscription.symbols[symbol]
            bids = [(price, shares) for price, shares, _ in told.bids]
            asks = [(price, shares) for price, shares, _ in told.asks]
            assert gateway.levels(symbol) == (bids, asks)
    assert updates > 200
