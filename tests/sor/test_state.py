"""The state is a tree of plain types: a snapshot holds it without loss."""

from __future__ import annotations

import msgspec

from sor_gateway.sor import events as ev
from sor_gateway.sor.state import Ids, RouterState

from .test_router import busy


class TestSnapshot:
    """msgspec encodes and decodes it as it is."""

    def test_lossless(self) -> None:
        made = busy()
        made.replace("A2", "A1", 2_000)
        made.fill(made.sends()[1].child_id, 100, cum_quantity=500)
        state = made.router.state
        assert any(child.synthetic for child in state.children.values())
        assert any(parent.request for parent in state.parents.values())
        assert any(child.flight and child.flight.doubt for child in state.children.values())
        raw = msgspec.msgpack.encode(state)
        assert msgspec.msgpack.decode(raw, type=RouterState) == state

    def test_floats_come_back_to_the_bit(self) -> None:
        made = busy()
        raw = msgspec.msgpack.encode(made.router.state)
        again = msgspec.msgpack.decode(raw, type=RouterState)
        assert again.venues["a"].latency.total == made.router.state.venues["a"].latency.total
        assert again.venues["a"].latency.weight > 0

    def test_facts_too(self) -> None:
        for fact in busy().facts:
            raw = msgspec.msgpack.encode(fact)
            assert msgspec.msgpack.decode(raw, type=type(fact)) == fact


class TestIds:
    """Both counters stay under the one bound."""

    def test_left_is_counted_from_the_counter_that_is_ahead(self) -> None:
        assert Ids(orders=3, reports=8, reserved_through=10).left == 2


class TestMayRoute:
    """Three ways to stop."""

    def test_each_alone_stops(self) -> None:
        assert RouterState().may_route
        assert not RouterState(killed="x").may_route
        assert not RouterState(stopped="x").may_route
        assert not RouterState(suspect=True).may_route

    def test_a_fact_list_without_gaps(self) -> None:
        assert len(set(ev.FACTS)) == len(ev.FACTS)
