"""Which code the tests run on: `make test-compiled` must not test the sources by mistake."""

from __future__ import annotations

import os

from sor_gateway.daemon import draft, engine, intake, outbox
from sor_gateway.fix import codec, session, store
from sor_gateway.journal import disk, reader, record, segments, shapes
from sor_gateway.net import connection, listener, reactor
from sor_gateway.sor import commands, events, ledger, orders, router
from sor_gateway.sor.estimators import posterior
from sor_gateway.translate import clients, venues

COMPILED = "SOR_COMPILED" in os.environ


def test_what_an_order_passes_is_compiled_when_and_only_when_asked_for() -> None:
    turn = (draft, engine, intake, outbox)
    for module in (*turn, codec, session, store, commands, events, ledger, orders, router):
        assert _is_compiled(module.__file__) == COMPILED, module.__file__
    for module in (clients, venues, connection, reactor, record, segments):
        assert _is_compiled(module.__file__) == COMPILED, module.__file__


def test_what_waits_or_opens_or_computes_with_arrays_never_is() -> None:
    for module in (disk, listener, reader, shapes, posterior):
        assert not _is_compiled(module.__file__), module.__file__


def test_a_compiled_class_says_what_its_fields_hold() -> None:
    """By this msgspec reads a journal; and `__init__` is the class's own, not made at run time."""
    fields = orders.Child.__annotations__
    assert fields["limit_micros"] == "Micros | None"
    assert fields["execs"] == "dict[str, Executed]"
    assert hasattr(orders.Child.__init__, "__code__") != COMPILED


def _is_compiled(file: str | None) -> bool:
    assert file is not None
    return file.endswith(".so")
