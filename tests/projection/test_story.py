"""Every fact has a sentence, and it can be built from the fact's own fields."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

import msgspec
import pytest

from sor_gateway.projection.story import price, sentence
from sor_gateway.sor.events import FACTS

from .helpers import PX, Desk


def _any(kind: type) -> Any:
    """A fact with plain values in all fields that have no default."""
    hints = get_type_hints(kind)
    body: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if hint is str:
            body[field.name] = f"<{field.name}>"
        elif hint is bool:
            body[field.name] = True
        elif isinstance(hint, type) and issubclass(hint, str):
            body[field.name] = next(iter(hint)).value  # type: ignore[call-overload]
        elif hint in (int, float) or int in getattr(hint, "__args__", ()):
            body[field.name] = 7
    return msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=kind)


class TestSentences:
    @pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
    def test_every_fact_can_be_told(self, kind: type) -> None:
        data = msgspec.to_builtins(_any(kind))
        assert len(sentence(kind.__name__, data)) > 3

    def test_a_fact_without_wording_leaves_nothing_out(self) -> None:
        data = {"at_ns": 1, "session": "ecn", "epoch": 2, "empty": ""}
        assert sentence("SessionMoved", data) == "SessionMoved: session ecn, epoch 2"

    def test_an_order_is_told_with_its_terms(self) -> None:
        desk = Desk.__new__(Desk)
        desk.number = 1
        data = msgspec.to_builtins(desk.submit())
        text = "EMS sends a: buy ACME 1000 limit at 50.00 day, strategy balanced"
        assert sentence("ParentSubmitted", data) == text
        data["limit_micros"] = None
        assert " at " not in sentence("ParentSubmitted", data)


class TestPrice:
    @pytest.mark.parametrize(
        ("micros", "text"),
        [
            (PX, "50.00"),
            (50_012_500, "50.0125"),
            (-1_600, "-0.0016"),
            (1, "0.000001"),
            (0, "0.00"),
            (None, "market"),
        ],
    )
    def test_it_is_exact(self, micros: int | None, text: str) -> None:
        assert price(micros) == text
