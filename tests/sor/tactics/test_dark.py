"""Dark waves: the verdict and the split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.sor.dark_venue import DarkVenue
from sor_gateway.sor.orders import Work
from sor_gateway.sor.settings import Sizing, StrategySettings
from sor_gateway.sor.tactics.dark import judge, next_size, split


class TestSplit:
    """Equal shares in round lots, best first, at most each venue's size."""

    def test_the_reference_scenario(self) -> None:
        sizes = [("a", 5_000), ("b", 5_000), ("c", 5_000)]
        assert split(300_000, sizes, 100) == [("a", 5_000), ("b", 5_000), ("c", 5_000)]

    def test_a_small_order_goes_to_the_best_venue(self) -> None:
        assert split(100, [("a", 5_000), ("b", 5_000)], 100) == [("a", 100)]

    def test_odd_lots_go_to_the_best_venue(self) -> None:
        assert split(250, [("a", 5_000), ("b", 5_000)], 100) == [("a", 150), ("b", 100)]

    def test_what_one_cannot_take_another_may(self) -> None:
        assert split(1_000, [("a", 200), ("b", 5_000)], 100) == [("a", 200), ("b", 800)]

    @given(
        st.integers(1, 10_000),
        st.lists(st.integers(1, 3_000), min_size=1, max_size=5),
        st.sampled_from([1, 10, 100]),
    )
    def test_never_more_than_there_is_nor_than_a_venue_takes(
        self, quantity: int, sizes: list[int], lot: int
    ) -> None:
        venues = [(str(index), size) for index, size in enumerate(sizes)]
        given_out = split(quantity, venues, lot)
        assert sum(shares for _, shares in given_out) == min(quantity, sum(sizes))
        assert all(0 < shares <= dict(venues)[name] for name, shares in given_out)


class TestVerdict:
    """What a whole wave showed (decisions.md, "Routing choices")."""

    def test_the_reference_scenario(self) -> None:
        work = Work(
            dark_wave=1,
            dark={
                "a": DarkVenue(sent=5_000, filled=4_000, filled_ever=4_000),
                "b": DarkVenue(sent=5_000),
                "c": DarkVenue(sent=5_000, filled=2_500, filled_ever=2_500),
            },
        )
        verdict = judge(work, 0.4)
        assert not verdict.is_dry, "6,500 of 15,000 is above 40 %"
        assert [name for name, _ in verdict.drops] == ["b"]

    def test_just_under_the_share_is_dry(self) -> None:
        at = Work(dark={"a": DarkVenue(sent=1_000, filled=400, filled_ever=400)})
        under = Work(dark={"a": DarkVenue(sent=1_000, filled=399, filled_ever=399)})
        assert not judge(at, 0.4).is_dry
        assert judge(under, 0.4).is_dry

    def test_a_venue_that_filled_before_gets_a_second_chance(self) -> None:
        venue = DarkVenue(sent=100, filled_ever=100)
        assert judge(Work(dark={"a": venue}), 0.4).drops == []
        venue.dry_waves = 1
        assert judge(Work(dark={"a": venue}), 0.4).drops == [("a", "no fill in 2 waves in a row")]

    def test_a_wave_that_never_arrived_proves_nothing(self) -> None:
        verdict = judge(Work(dark={"a": DarkVenue()}), 0.4)
        assert not verdict.is_dry
        assert verdict.drops == []


class TestSizing:
    """Playbook: ceil to 2,500 of q(1 + fill rate), once; then the size holds."""

    PLAYBOOK = StrategySettings("block", sizing=Sizing.PLAYBOOK)

    def test_a_venue_never_used_gets_the_first_size(self) -> None:
        assert next_size(self.PLAYBOOK, None) == 5_000

    @given(st.integers(1, 20_000), st.integers(1, 20_000))
    def test_what_filled_grows_once(self, sent: int, filled: int) -> None:
        filled = min(sent, filled)
        venue = DarkVenue(sent=sent, filled=filled)
        grown = next_size(self.PLAYBOOK, venue)
        assert grown % 2_500 == 0
        assert grown >= max(sent * (1 + filled / sent), 5_000) - 1e-6
        assert grown < max(sent + filled + 2_500, 5_001)
        venue.close_wave()
        venue.sent, venue.filled = grown, grown
        assert next_size(self.PLAYBOOK, venue) == grown

    def test_nothing_filled_nothing_grows(self) -> None:
        venue = DarkVenue(sent=5_000)
        venue.close_wave()
        assert next_size(self.PLAYBOOK, venue) == 5_000
