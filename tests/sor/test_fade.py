"""Sweeps at venues whose display is not there when an order comes."""

from __future__ import annotations

from dataclasses import replace

from sor_gateway.sor import decisions as de
from sor_gateway.sor.settings import LitTactic, StrategySettings
from sor_gateway.sor.types import TimeInForce

from .script import MS, Script, lit, settings

EAGER = StrategySettings("eager", use_dark=False, lit_tactic=LitTactic.SWEEP, weight_fill=1.2)


def desk(strategy: StrategySettings = EAGER) -> Script:
    """Two venues; the one that pays who takes comes first at an equal price."""
    pays, costs = lit("inverted", take_fee_micros=-1_600), lit("ecn")
    return Script(settings(pays, costs, strategy=strategy))


def market(made: Script) -> None:
    for name in ("inverted", "ecn"):
        made.quote(name, [("49.98", 1_000)], [("50.00", 1_000)])


def sent(made: Script, cl_ord_id: str, quantity: int = 1_000) -> dict[str, int]:
    """What an order that takes what is there sends where."""
    market(made)
    before = len(made.sends())
    made.submit(cl_ord_id, quantity, time_in_force=TimeInForce.IOC)
    sends = made.sends()[before:]
    return {send.venue: send.quantity for send in sends}


def fading(made: Script, orders: int = 10) -> None:
    """The venue that pays gives half of what it shows, order after order."""
    for number in range(orders):
        sent(made, f"F{number}")
        for send in made.sends()[-2:]:
            if made.router.state.children[send.child_id].flight is not None:
                share = 2 if send.venue == "inverted" else 1
                made.fill(send.child_id, send.quantity // share, "50.00")
                if share == 2:
                    made.end(send.child_id)
        made.wait(MS)


class TestFade:
    def test_before_anything_is_known_the_display_is_believed(self) -> None:
        assert sent(desk(), "A1") == {"inverted": 1_000}

    def test_a_venue_that_gives_half_is_sent_what_is_expected(self) -> None:
        made = desk()
        fading(made)
        found = sent(made, "A1")
        assert sum(found.values()) == 1_000
        assert 600 <= found["inverted"] <= 800
        planned = [each for each in made.decisions if isinstance(each, de.ChildPlanned)]
        assert f"1000 displayed, {found['inverted']} expected; p 0." in planned[-2].why

    def test_all_that_is_shown_is_gone_for_when_all_is_wanted(self) -> None:
        made = desk()
        fading(made)
        assert sent(made, "A1", 2_000) == {"inverted": 1_000, "ecn": 1_000}

    def test_the_option_can_be_turned_off(self) -> None:
        made = desk(replace(EAGER, sweep_fade=1.0))
        fading(made)
        assert sent(made, "A1") == {"inverted": 1_000}

    def test_who_is_in_a_hurry_goes_to_the_other_first(self) -> None:
        made = desk(replace(EAGER, weight_fill=4.0))
        fading(made)
        assert sent(made, "A1") == {"ecn": 1_000}

    def test_who_can_wait_takes_the_cheaper_shares_only(self) -> None:
        """What is missed costs it less than the other venue's fee."""
        made = desk(replace(EAGER, weight_fill=0.5))
        fading(made)
        assert sent(made, "A1") == {"inverted": 1_000}
