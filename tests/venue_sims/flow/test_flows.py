"""The flows: what they put into the book, and that nobody's trading shifts their draws."""

from __future__ import annotations

from collections import Counter

import pytest

from venue_sims.flow.aggressors import MEAN_SIZE, Aggressors, TakerSettings, mixed_size
from venue_sims.flow.clock import MarketClock
from venue_sims.flow.flows import Enter, Withdraw, owner_of
from venue_sims.flow.house_quotes import HouseQuotes, HouseSettings
from venue_sims.flow.latent import Latent, LatentSettings, remaining_of, shown
from venue_sims.flow.market_path import Quote, QuoterSettings
from venue_sims.flow.streams import Stream, mix
from venue_sims.flow.visitors import Visitors, VisitorSettings, block_size
from venue_sims.matching.orders import Side

SECOND = 1_000_000_000
SLOT = 100_000_000
QUOTERS = [QuoterSettings("XECN", share=0.6), QuoterSettings("XLIT", share=0.4)]


class TestStreams:
    def test_a_draw_is_a_function_of_seed_name_and_count(self) -> None:
        assert Stream(1, "a").bits(7) == Stream(1, "a").bits(7)
        draws = {
            Stream(s, n).bits(k, sub)
            for s in (1, 2)
            for n in "ab"
            for k in (0, 1)
            for sub in (0, 1)
        }
        assert len(draws) == 16

    def test_moments(self) -> None:
        stream, n = Stream(5, "moments"), 20_000
        uniform = [stream.uniform(k) for k in range(n)]
        normal = [stream.normal(k) for k in range(n)]
        waits = [stream.exponential(3.0, k) for k in range(n)]
        assert sum(uniform) / n == pytest.approx(0.5, abs=0.01)
        assert sum(normal) / n == pytest.approx(0, abs=0.03)
        assert sum(x * x for x in normal) / n == pytest.approx(1, abs=0.04)
        assert sum(waits) / n == pytest.approx(3, rel=0.04)
        assert all(0 <= x < 1 for x in uniform)

    def test_splitmix64_reference_values(self) -> None:
        """The published generator from seed 1234567: the first output is mix(seed)."""
        assert mix(1234567) == 6457827717110365317


class TestClock:
    @pytest.mark.parametrize("scale_milli", [1, 999, 1000, 60_000, 61_001])
    def test_wall_is_the_first_instant_that_reaches_a_market_time(self, scale_milli: int) -> None:
        clock = MarketClock(1_000_000_007, scale_milli)
        for market in range(0, 10**12, 77_777_777_777):
            wall = clock.wall(market)
            assert clock.market(wall) >= market
            assert clock.market(wall - 1) < market


class TestHouseQuotes:
    def make(self, quotes: dict[int, Quote]) -> HouseQuotes:
        settings = HouseSettings(levels=3)
        return HouseQuotes(
            Stream(1, "house"), settings, lambda s: quotes[s], lambda s: s + 1, SLOT, 10
        )

    def test_shows_levels_around_its_quote_best_first(self) -> None:
        house = self.make({0: Quote(100, 120)})
        house.start(0)
        actions = house.run(0)
        shown_at = [(a.order.side, a.order.price) for a in actions if isinstance(a, Enter)]
        assert shown_at == [
            (Side.BUY, 100), (Side.BUY, 90), (Side.BUY, 80),
            (Side.SELL, 120), (Side.SELL, 130), (Side.SELL, 140),
        ]  # fmt: skip
        sizes = [a.order.quantity for a in actions if isinstance(a, Enter)]
        assert all(size % 100 == 0 and 100 <= size <= 5_000 for size in sizes)

    def test_withdraws_first_when_the_quote_moves(self) -> None:
        house = self.make({0: Quote(100, 120), 1: Quote(110, 130)})
        house.start(0)
        house.run(0)
        actions = house.run(SLOT)
        kinds = [type(action) for action in actions]
        assert kinds == [Withdraw, Withdraw, Enter, Enter]
        assert [a.order.price for a in actions if isinstance(a, Enter)] == [110, 150]

    def test_consumed_size_comes_back_if_its_price_still_stands(self) -> None:
        house = self.make({0: Quote(100, 120), 1: Quote(100, 120)})
        house.start(0)
        first = house.run(0)[0]
        assert isinstance(first, Enter)
        house.traded(first.order.order_id, 100, first.order.quantity - 100, 5)
        refill_at = house._refills[0][0]
        assert refill_at > 5
        while (due := house.next_ns()) is not None and due < refill_at:
            house._slot += 1
        (refill,) = house.run(refill_at)
        assert isinstance(refill, Enter)
        assert (refill.order.side, refill.order.price, refill.order.quantity) == (
            Side.BUY,
            100,
            100,
        )

    def test_sizes_do_not_depend_on_what_was_consumed(self) -> None:
        quotes = {0: Quote(100, 120), 1: Quote(200, 220)}
        calm, busy = self.make(quotes), self.make(quotes)
        for house in (calm, busy):
            house.start(0)
            first = house.run(0)[0]
        assert isinstance(first, Enter)
        busy.traded(first.order.order_id, first.order.quantity, 0, 1)
        sizes = [
            [a.order.quantity for a in house._follow(Quote(200, 220), 1) if isinstance(a, Enter)]
            for house in (calm, busy)
        ]
        assert sizes[0] == sizes[1]


class TestAggressors:
    def arrivals(self, mic: str, start: int, count: int) -> list[tuple[int, str, Side, int]]:
        takers = Aggressors(Stream(1, "takers"), TakerSettings(), QUOTERS, mic)
        takers.start(start)
        found = []
        for _ in range(count):
            at = takers.next_ns()
            assert at is not None
            (action,) = takers.run(at)
            assert isinstance(action, Enter)
            order = action.order
            found.append((at, order.order_id, order.side, order.quantity))
        return found

    def test_a_late_starter_sees_the_same_arrivals(self) -> None:
        whole = self.arrivals("XLIT", 0, 200)
        late_start = whole[120][0]
        assert self.arrivals("XLIT", late_start, 80) == whole[120:]

    def test_every_arrival_goes_to_one_venue(self) -> None:
        ids = {mic: {each[1] for each in self.arrivals(mic, 0, 300)} for mic in ("XECN", "XLIT")}
        assert not ids["XECN"] & ids["XLIT"]

    def test_rate_and_size_make_the_volume(self) -> None:
        """3 M shares a day, half lit, 40 % here: 25.6 shares a second."""
        arrivals = self.arrivals("XLIT", 0, 3_000)
        volume = sum(each[3] for each in arrivals)
        seconds = arrivals[-1][0] / SECOND
        assert volume / seconds == pytest.approx(3_000_000 * 0.5 * 0.4 / 23_400, rel=0.15)

    def test_signs_have_memory(self) -> None:
        signs = [1 if each[2] is Side.BUY else -1 for each in self.arrivals("XECN", 0, 6_000)]
        near = sum(a * b for a, b in zip(signs, signs[5:], strict=False)) / len(signs)
        assert near > 0.01

    def test_size_mixture(self) -> None:
        sizes = [mixed_size(Stream(1, "sizes"), k, 0) for k in range(20_000)]
        assert sum(sizes) / len(sizes) == pytest.approx(MEAN_SIZE, rel=0.06)
        assert Counter(sizes)[100] / len(sizes) == pytest.approx(0.70, abs=0.02)


class TestVisitors:
    def test_come_wait_and_leave(self) -> None:
        visitors = Visitors(Stream(1, "v"), VisitorSettings(rate=1.0, life_s=5.0))
        visitors.start(0)
        entered, left = set(), set()
        for _ in range(2_000):
            at = visitors.next_ns()
            assert at is not None
            for action in visitors.run(at):
                if isinstance(action, Enter):
                    entered.add(action.order.order_id)
                else:
                    left.add(action.order_id)
        assert left < entered
        assert len(entered) - len(left) < 30

    def test_mean_size_is_the_published_one(self) -> None:
        sizes = [block_size(Stream(2, "sizes"), k, 0) for k in range(100_000)]
        assert sum(sizes) / len(sizes) == pytest.approx(48, rel=0.15)


class TestLatent:
    SETTINGS = LatentSettings("buyer", "ACME", Side.BUY, 68_700, 9_500, 40.0, 0.7, 300)

    def test_what_it_shows_declines_with_what_remains(self) -> None:
        """venues.md 5.1: 9,500, then 8,600, 7,700, ... as each show is taken whole."""
        remaining, shows = 68_700, []
        for _ in range(4):
            shows.append(shown(self.SETTINGS, remaining))
            remaining -= shows[-1]
        assert shows == [9_500, 8_600, 7_700, 6_800]
        assert shown(self.SETTINGS, 500) == 300
        assert shown(self.SETTINGS, 120) == 120

    def test_trades_its_reserve_and_no_more(self) -> None:
        latent = Latent(LatentSettings("b", "ACME", Side.BUY, 1_000, 400, 10.0))
        latent.start(0)
        total, now = 0, 0
        while (at := latent.next_ns()) is not None:
            now = at
            enter = latent.run(now)[-1]
            assert isinstance(enter, Enter)
            total += enter.order.quantity
            latent.traded(enter.order.order_id, enter.order.quantity, 0, now)
        assert total == 1_000

    def test_tops_up_some_time_after_a_trade(self) -> None:
        latent = Latent(LatentSettings("b", "ACME", Side.BUY, 10_000, 1_000, 10.0))
        latent.start(0)
        enter = latent.run(0)[-1]
        assert isinstance(enter, Enter)
        latent.traded(enter.order.order_id, 100, 900, 5 * SECOND)
        assert latent.next_ns() == 15 * SECOND
        actions = latent.run(15 * SECOND)
        assert isinstance(actions[0], Withdraw)

    def test_the_next_one_comes_later(self) -> None:
        latent = Latent(LatentSettings("b", "ACME", Side.BUY, 500, 500, 10.0, renew_s=60.0))
        latent.start(0)
        enter = latent.run(0)[-1]
        assert isinstance(enter, Enter)
        latent.traded(enter.order.order_id, 500, 0, 0)
        assert latent.next_ns() == 60 * SECOND
        latent.run(60 * SECOND)
        assert latent.remaining == 500

    @pytest.mark.parametrize(
        ("renew_s", "traded", "remaining"),
        [(0.0, 0, 500), (0.0, 200, 300), (0.0, 500, 0), (9.0, 500, 500), (9.0, 700, 300)],
    )
    def test_what_remains_after_a_restart(
        self, renew_s: float, traded: int, remaining: int
    ) -> None:
        settings = LatentSettings("b", "ACME", Side.BUY, 500, 500, renew_s=renew_s)
        assert remaining_of(settings, traded) == remaining

    def test_orders_carry_the_name_of_their_flow(self) -> None:
        latent = Latent(self.SETTINGS)
        latent.start(0)
        enter = latent.run(0)[-1]
        assert isinstance(enter, Enter)
        assert owner_of(enter.order.order_id) == latent.name
        assert owner_of("DRKA2611211") == ""
