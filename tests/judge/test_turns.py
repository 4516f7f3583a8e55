"""The bench of turns: what it times is what it says."""

from __future__ import annotations

from benchmarks import routing_turns
from sor_gateway.sor.orders import Work


def test_orders_live_and_follow_the_touch() -> None:
    bench = routing_turns.Bench(4)
    for _ in range(3):
        bench.submit(routing_turns.LIVING)
        bench.turn()
    state = bench.router.state
    assert len(state.open_parents) == 3
    prices = {child.limit_micros for child in state.children.values() if child.flight}
    bench.now += 10**9
    bench.quote(1)
    for _ in range(3):
        bench.turn()
        bench.now += 10**9
        bench.quote(1)
    moved = {child.limit_micros for child in state.children.values() if child.flight}
    assert moved == {price + routing_turns.TICK for price in prices if price is not None}


def test_a_new_order_is_hidden_first_and_gone_when_it_is_cancelled() -> None:
    bench = routing_turns.Bench(4)
    bench.submit(routing_turns.NEW)
    assert bench.turn() > 0
    (parent,) = bench.router.state.parents.values()
    assert isinstance(parent.work, Work)
    assert parent.work.dark_wave == 1
    bench.cancel_newest()
    bench.turn()
    assert not bench.router.state.open_parents
