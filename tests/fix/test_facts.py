"""What a session says about ranges, recorded and folded: the numbers are the session's again."""

from __future__ import annotations

from sor_gateway.fix.events import LoggedOn, Resent, Skipped, Voided
from sor_gateway.fix.facts import (
    RangeResent,
    RangeSkipped,
    RangeVoided,
    fold_message,
    fold_range,
    range_fact,
)
from sor_gateway.fix.store import SKIPPED_RANGES_MAX, Numbers


class TestRangeFact:
    def test_each_event_about_a_range_has_its_fact(self) -> None:
        assert range_fact("EMS", Voided(2, 5, 7)) == RangeVoided("EMS", 2, 5, 7)
        assert range_fact("EMS", Skipped(2, 5, 7)) == RangeSkipped("EMS", 2, 5, 7)
        assert range_fact("EMS", Resent(2, 5, 7)) == RangeResent("EMS", 2, 5, 7)

    def test_other_events_have_none(self) -> None:
        assert range_fact("EMS", LoggedOn(1)) is None


class TestFold:
    def test_voided_and_skipped_ranges_are_kept_apart_and_merged(self) -> None:
        numbers = Numbers()
        for fact in (
            RangeVoided("EMS", 1, 3, 4),
            RangeVoided("EMS", 1, 5, 6),
            RangeSkipped("EMS", 1, 8, 9),
            RangeResent("EMS", 1, 1, 9),
        ):
            fold_range(numbers, fact)
        assert numbers == Numbers(voided=[(3, 6)], skipped=[(8, 9)])

    def test_skipped_ranges_keep_their_bound(self) -> None:
        numbers = Numbers()
        for number in range(1, 4 * SKIPPED_RANGES_MAX, 2):
            fold_range(numbers, RangeSkipped("EMS", 1, number, number))
        assert len(numbers.skipped) == SKIPPED_RANGES_MAX

    def test_a_message_moves_its_direction_and_answers_a_pending_reset(self) -> None:
        numbers = Numbers(epoch=3, reset_pending=True)
        fold_message(numbers, 3, 4, outbound=True)
        assert numbers == Numbers(epoch=3, next_out=5, reset_pending=True)
        fold_message(numbers, 3, 1, outbound=False)
        assert numbers == Numbers(epoch=3, next_in=2, next_out=5)

    def test_a_message_of_an_epoch_that_ended_moves_nothing(self) -> None:
        numbers = Numbers(epoch=3)
        fold_message(numbers, 2, 90, outbound=False)
        assert numbers == Numbers(epoch=3)
