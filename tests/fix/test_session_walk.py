"""Random walks of session pairs (walk.py), a few of each kind; `make session-pairs` walks many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sor_gateway.fix.events import AppReceived, Resent
from tests.fix.walk import VARIANTS, Walk, walk


@pytest.mark.parametrize("variant", VARIANTS)
class TestNothingLostNothingTwice:
    @hypothesis_settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**32))
    def test_whatever_happens(self, variant: str, seed: int) -> None:
        walk(variant, seed).run(120)


class TestTheWalk:
    def test_is_not_idle(self) -> None:
        walked = Walk(7)
        walked.run(1_000)
        events = [e for side in (walked.a, walked.b) for r in side.journal for e in r.events]
        assert sum(isinstance(e, AppReceived) for e in events) > 50
        assert sum(isinstance(e, AppReceived) and e.poss_dup for e in events) > 5
        assert sum(isinstance(e, Resent) for e in events) > 10
        epochs = {sent.epoch for record in walked.a.journal for sent in record.sent}
        assert epochs == {1}
