"""Hidden orders sized by what venues are believed to hold."""

from __future__ import annotations

from sor_gateway.sor import decisions as de
from sor_gateway.sor.estimators.hidden import Counts
from sor_gateway.sor.settings import Sizing, StrategySettings

from .script import SECOND, Script, dark, lit, settings

POSTERIOR = StrategySettings("posterior", sizing=Sizing.POSTERIOR)


def desk() -> Script:
    made = Script(settings(dark("a"), dark("b"), dark("c"), lit("ecn"), strategy=POSTERIOR))
    made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
    return made


def out(made: Script) -> dict[str, de.ChildPlanned]:
    """Open hidden children, by venue."""
    planned = {d.child_id: d for d in made.decisions if isinstance(d, de.ChildPlanned)}
    children = made.router.state.children.values()
    return {
        child.venue: planned[child.child_id]
        for child in children
        if child.flight is not None and planned[child.child_id].tactic == "dark"
    }


def end_wave(made: Script, fills: dict[str, int]) -> dict[str, de.ChildPlanned]:
    """Fill, let the box end; the next wave."""
    wave = out(made)
    for venue, quantity in fills.items():
        made.fill(wave[venue].child_id, quantity)
    made.wait(2 * SECOND)
    made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
    for child in wave.values():
        if made.router.state.children[child.child_id].flight is not None:
            made.end(child.child_id)
    return out(made)


class TestWithinAnOrder:
    """A fill brings a larger order in the next wave, silence none."""

    def test_a_fill_makes_it_larger_and_silence_drops_it(self) -> None:
        made = desk()
        made.submit(quantity=100_000)
        first = out(made)
        assert {child.quantity for child in first.values()} == {5_000}
        second = end_wave(made, {"a": 5_000, "b": 2_000})
        assert second["a"].quantity > second["b"].quantity > first["b"].quantity
        assert "c" not in second
        made.fold()

    def test_of_little_the_better_gets_more(self) -> None:
        made = desk()
        made.submit(quantity=9_000)
        first = {venue: child.quantity for venue, child in out(made).items()}
        assert sum(first.values()) == 9_000
        assert max(first.values()) - min(first.values()) <= 200
        second = end_wave(made, {"a": first["a"], "b": 1_000})
        assert second["a"].quantity > first["a"]
        assert sum(child.quantity for child in second.values()) == 9_000 - first["a"] - 1_000


class TestOverOrders:
    """What was seen is kept, over orders and over symbols."""

    def learn(self, made: Script, orders: int) -> None:
        for number in range(orders):
            made.submit(f"L{number}", quantity=3_000)
            wave = out(made)
            made.fill(wave["a"].child_id, wave["a"].quantity)
            for venue in ("b", "c"):
                made.end(wave[venue].child_id)
            made.cancel(f"X{number}", f"L{number}")
            for child in list(made.router.state.children.values()):
                if child.flight is not None:
                    made.end(child.child_id)

    def test_a_venue_that_filled_before_gets_more_from_the_start(self) -> None:
        made = desk()
        self.learn(made, 12)
        made.wait(2 * SECOND)
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.submit("B0", quantity=100)
        made.router.refresh(made.now)
        made.submit("B1", quantity=6_000)
        shares = {
            d.venue: d.quantity
            for d in made.decisions
            if isinstance(d, de.ChildPlanned) and d.parent_id == list(made.router.state.parents)[-1]
        }
        assert shares["a"] > 2 * shares.get("b", 0)

    def test_it_is_a_part_of_the_state_and_the_fold_has_it(self) -> None:
        made = desk()
        self.learn(made, 3)
        hidden = made.fold().state.hidden
        assert hidden.symbols["ACME"].keys() == {"a", "b", "c"}
        assert isinstance(hidden.venues["a"], Counts)
        assert hidden.venues["a"].hits > 2.9
        assert hidden.venues["b"].hits == 0
        assert hidden.venues["a"].at_least
