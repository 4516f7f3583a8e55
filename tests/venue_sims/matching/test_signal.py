"""The quote signal: the published formula by hand, and when it is on."""

from __future__ import annotations

import math

import pytest

from venue_sims.matching.orders import Side
from venue_sims.matching.signal import QuoteSignal, SignalSettings, Snapshot, score

MS = 1_000_000
SLOT = 100 * MS
FULL: Snapshot = [(1010, 1014)] * 4
"""Four venues at both best prices."""
ONE_LEFT: Snapshot = [(1010, 1014), (1010, 1014), (1010, 1014), (1009, 1014)]
ALONE: Snapshot = [(1010, 1014), (1009, 1014), (1009, 1014), (1009, 1014)]


def probability(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class TestScore:
    def test_a_full_market_is_calm(self) -> None:
        x = -1.3493 - 1.1409 * 4 + 0.2671 * 4 + 0.5141 * 4 - 0.1970 * 4
        assert score([FULL, FULL, FULL], Side.BUY, SignalSettings()) == pytest.approx(
            probability(x)
        )
        assert probability(x) < 0.05

    def test_all_but_one_left_at_once(self) -> None:
        settings = SignalSettings(leader_venues=(1,))
        x = -1.3493 - 1.1409 + 0.2671 * 4 + 0.5141 * 4 - 0.1970 * 4 + 0.1347 + 0.6862
        found = score([FULL, FULL, ALONE], Side.BUY, settings)
        assert found == pytest.approx(probability(x))
        assert found > 0.6

    def test_a_single_one_that_leaves_is_no_series(self) -> None:
        x = -1.3493 - 1.1409 * 3 + 0.2671 * 4 + 0.5141 * 4 - 0.1970 * 4
        assert score([FULL, FULL, ONE_LEFT], Side.BUY, SignalSettings()) == pytest.approx(
            probability(x)
        )

    def test_two_in_a_row_are_over_two_snapshots(self) -> None:
        before: Snapshot = [(1010, 1014), (1010, 1014), (1009, 1014), (1009, 1014)]
        with_one = score([FULL, before, ALONE], Side.BUY, SignalSettings())
        x = -1.3493 - 1.1409 + 0.2671 * 4 + 0.5141 * 2 - 0.1970 * 4 + 0.1347
        assert with_one == pytest.approx(probability(x))

    def test_one_that_comes_back_ends_the_series(self) -> None:
        back: Snapshot = [(1010, 1014), (1010, 1014), (1009, 1014), (1009, 1014)]
        x = -1.3493 - 1.1409 * 2 + 0.2671 * 4 + 0.5141 - 0.1970 * 4
        assert score([FULL, ALONE, back], Side.BUY, SignalSettings()) == pytest.approx(
            probability(x)
        )

    def test_both_sides_are_judged_alike(self) -> None:
        mirrored: list[Snapshot] = [
            [(-ask, -bid) for bid, ask in snapshot] for snapshot in (FULL, FULL, ALONE)
        ]
        settings = SignalSettings(leader_venues=(2,))
        assert score(mirrored, Side.SELL, settings) == score(
            [FULL, FULL, ALONE], Side.BUY, settings
        )

    def test_the_coefficients_are_the_settings(self) -> None:
        settings = SignalSettings(constant=2.0, near=0, far=0, near_before=0, far_before=0)
        assert score([FULL, FULL], Side.BUY, settings) == pytest.approx(probability(2.0))


class TestTheSignal:
    def signal(self, quotes: dict[int, Snapshot], on_ns: int = 2 * MS) -> QuoteSignal:
        settings = SignalSettings(leader_venues=(1,), on_ns=on_ns)
        return QuoteSignal(settings, lambda slot: quotes.get(slot, FULL), SLOT)

    def test_is_on_for_a_while_after_the_quotes_moved(self) -> None:
        signal = self.signal({7: ALONE})
        assert signal.unstable(7 * SLOT - 1) == (False, False)
        assert signal.unstable(7 * SLOT) == (True, False)
        assert signal.unstable(7 * SLOT + 2 * MS - 1) == (True, False)
        assert signal.unstable(7 * SLOT + 2 * MS) == (False, False)

    def test_does_not_depend_on_who_asked_before(self) -> None:
        signal = self.signal({7: ALONE})
        for now in (9 * SLOT, 3 * SLOT, 7 * SLOT + 5 * MS):
            assert signal.unstable(now) == (False, False)
        assert signal.unstable(7 * SLOT + 1) == (True, False)

    def test_says_when_to_ask_again(self) -> None:
        signal = self.signal({})
        assert signal.next_ns(7 * SLOT) == 7 * SLOT + 2 * MS
        assert signal.next_ns(7 * SLOT + 2 * MS) == 8 * SLOT
        assert self.signal({}, on_ns=3 * SLOT).next_ns(7 * SLOT + 1) == 8 * SLOT
