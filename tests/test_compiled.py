"""Which code the tests run on: `make test-compiled` must not test the sources by mistake."""

from __future__ import annotations

import os

from sor_gateway.fix import codec, session, store
from sor_gateway.translate import clients, venues


def test_protocol_and_translation_are_compiled_when_and_only_when_asked_for() -> None:
    asked = os.environ.get("SOR_COMPILED") == "1"
    for module in (codec, session, clients, venues):
        assert module.__file__ is not None
        assert module.__file__.endswith(".so") == asked, module.__file__


def test_what_the_journal_reads_back_stays_interpreted() -> None:
    assert store.__file__ is not None
    assert store.__file__.endswith(".py")
