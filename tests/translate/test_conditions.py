"""What a venue says about trading itself (F15 to F17): which values mean what, and who said it."""

from __future__ import annotations

import pytest

from sor_gateway.sor.events import SessionStatusChanged, SymbolStatusChanged
from sor_gateway.translate.conditions import to_condition
from sor_gateway.translate.venues import Unusable

from .wording import NOW, received


def read(text: str, session: str = "ecn") -> SymbolStatusChanged | SessionStatusChanged | Unusable:
    return to_condition(received(text), "ecn", session, NOW)


class TestStatus:
    @pytest.mark.parametrize("session", ["ecn", "ecn-md"])
    def test_a_halt_names_the_session_that_told_it(self, session: str) -> None:
        halt = SymbolStatusChanged(NOW, "ecn", "ACME", True, "trading halt: P", session=session)
        assert read("35=f|55=ACME|326=2|327=P|", session) == halt

    @pytest.mark.parametrize("session", ["ecn", "ecn-md"])
    def test_a_closed_session_does_too(self, session: str) -> None:
        closed = SessionStatusChanged(NOW, "ecn", False, "closed", session)
        assert read("35=h|336=DAY|340=3|", session) == closed

    def test_bands(self) -> None:
        found = read("35=f|55=ACME|326=6|332=50.02|333=49|")
        assert isinstance(found, SymbolStatusChanged)
        assert (found.halted, found.low_micros, found.high_micros) == (
            False,
            49_000_000,
            50_020_000,
        )

    @pytest.mark.parametrize(
        "text", ["35=f|326=2|", "35=f|55=ACME|326=99|", "35=h|336=DAY|340=9|", "35=h|336=DAY|"]
    )
    def test_what_makes_no_sense_is_unusable(self, text: str) -> None:
        assert isinstance(read(text), Unusable)
