"""The judge of routers: it agrees with the whole desk, and what it says of a run is true."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks.judge import regimes, trial
from benchmarks.judge.compare import Comparison, Estimate, breaches, compare, conduct, failures
from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.street import Street
from benchmarks.judge.traders import Known, Order, Ours
from benchmarks.judge.trial import Outcome
from sor_gateway.sor import decisions as de
from sor_gateway.sor.market import Market
from sor_gateway.sor.types import OrdType, TimeInForce
from sor_gateway.stack import MARKET_AGE_MS
from tests.harness.desk import LINE_NS, START, Desk
from tests.harness.loop import SECOND
from venue_sims.flow.streams import Stream
from venue_sims.matching.orders import Side

LIT = ("ECN", "INVERTED", "EXCHANGE", "EXCHANGE_IEX")
AGREEMENT_MICROS = 1_000
"""A tenth of a cent a share: sessions of FIX answer at other instants within a millisecond."""


@pytest.fixture
def seed() -> int:
    drawn = random.SystemRandom().randrange(1_000_000)
    print(f"seed {drawn}")  # shown when the test fails
    return drawn


class TestAgreement:
    """With the gateway, its sessions and its venues' sessions, on one virtual clock."""

    @pytest.mark.parametrize("regime", ["calm", "toxic"])
    def test_the_same_order_costs_the_same_on_the_whole_desk(self, regime: str) -> None:
        seed = 3
        made = regimes.world(regimes.REGIMES[regime], seed)
        overrides = {f"SOR__VENUES__{name}__SYMBOLS": f'["{regimes.SYMBOL}"]' for name in LIT}
        overrides["SOR__GATEWAY__SEED"] = str(seed)
        desk = Desk("default", seed, world=(made.market, made.files), overrides=overrides)
        desk.become_ready()
        side = "buy" if made.is_buy else "sell"
        terms = {"quantity": trial.QUANTITY, "ord_type": "market", "price": None}
        desk.trade(desk.submit(side=side, strategy=trial.STRATEGY, **terms))
        (parent,) = desk.gateway.parts.engine.router.state.parents.values()

        age_ns = MARKET_AGE_MS * SECOND // 1_000
        street = Street(made.files, made.market, START, age_ns, LINE_NS)
        ours = Ours(replace(trial.router_settings(), seed=seed), street.now)
        trial.work(street, ours, parent.submitted_ns, lambda: False)
        ours.begin(Order(regimes.SYMBOL, made.is_buy, trial.QUANTITY, trial.STRATEGY), street.now)
        trial.work(
            street,
            ours,
            street.now + trial.LIMIT_NS,
            lambda: ours.account.quantity >= trial.QUANTITY,
        )
        assert ours.account.quantity == parent.cum_quantity == trial.QUANTITY
        difference = abs(ours.account.value_micros - parent.cum_value_micros) / trial.QUANTITY
        assert difference < AGREEMENT_MICROS


class TestRuns:
    """One order, one trader, one market."""

    def test_the_same_run_is_the_same(self, seed: int) -> None:
        assert trial.run("ours", "calm", seed) == trial.run("ours", "calm", seed)

    @pytest.mark.parametrize("rival", list(RIVALS))
    def test_a_rival_does_all_of_it_and_no_more(self, rival: str, seed: int) -> None:
        outcome = trial.run(rival, "fast fade", seed)
        assert outcome.done == 1.0
        assert (outcome.dark > 0) <= (rival == "playbook")
        assert (outcome.shown_max > 0) <= (rival == "playbook")

    def test_ours_keeps_its_promises(self, seed: int) -> None:
        for regime in regimes.REGIMES:
            outcome = trial.run("ours", regime, seed)
            preset = trial.router_settings().strategies[trial.STRATEGY]
            assert outcome.done == 1.0, regime
            assert outcome.known_through == 0, regime
            assert outcome.shown_max <= preset.spray_max_shown, regime
            assert outcome.shown_venue_max <= preset.spray_clip, regime

    def test_a_market_does_not_depend_on_who_trades_but_moves_with_him(self, seed: int) -> None:
        made = regimes.world(regimes.CALM, seed)
        streets = [
            Street(made.files, made.market, trial.START_NS, trial.AGE_NS, trial.LINE_NS)
            for _ in range(2)
        ]
        later = trial.START_NS + SECOND
        for street in streets:
            while street.next_ns() <= later:
                street.live(street.next_ns())
                street.arrivals()
        one, other = streets
        slot = one.path.slot(one.clock.market(later)) + 1
        assert one.path.nbbo(slot) == other.path.nbbo(slot)
        one.path.traded(Side.BUY, 500_000, one.clock.market(later))
        assert one.path.nbbo(slot).ask > other.path.nbbo(slot).ask
        market_ns = slot * one.path.slot_ns
        assert one.path_micros(market_ns) == other.path_micros(market_ns)
        assert one.shift_micros(market_ns) > other.shift_micros(market_ns) == 0.0


class TestMemory:
    """What the router has seen when its order comes."""

    def test_the_day_before_tells_how_wild_the_market_is(self, seed: int) -> None:
        wild = []
        for regime in (regimes.CALM, regimes.VOLATILE):
            made = regimes.world(regime, seed)
            street = Street(made.files, made.market, trial.START_NS, trial.AGE_NS, trial.LINE_NS)
            ours = Ours(trial.router_settings(), street.clock.t0_ns - trial.DAY_NS)
            trial.remember(ours, street)
            market = ours.router.market
            wild.append(market.volatility.day_micros(regimes.SYMBOL))
            nbbo, first = market.nbbo(regimes.SYMBOL, street.now), street.path.nbbo(0)
            assert abs(nbbo.mid_micros - (first.bid + first.ask) / 2) < wild[-1], "it goes on there"
        assert wild[1] > 1.7 * wild[0] > 0.0


class TestLuck:
    """The walk of the price is taken out, and nothing else."""

    def test_most_of_the_noise_was_luck(self, seed: int) -> None:
        runs = [trial.run("best price", "volatile", seed + each) for each in range(8)]
        raw = Estimate.of([run.cost_cents for run in runs])
        net = Estimate.of([run.net_cents for run in runs])
        assert net.half < raw.half / 2

    def test_who_is_done_at_once_had_none(self, seed: int) -> None:
        made = regimes.world(regimes.CALM, seed)
        street = Street(made.files, made.market, trial.START_NS, trial.AGE_NS, trial.LINE_NS)
        order = Order(regimes.SYMBOL, made.is_buy, 100)
        assert trial.luck(street, order, street.now, 0) == 0.0


class TestRegimes:
    """How a seed makes a market."""

    def test_natural_counterparts_are_as_frequent_as_the_regime_says(self) -> None:
        found = sum(
            len(file.latent)
            for each in range(100)
            for file in regimes.world(regimes.CALM, each).files
        )
        expected = 100 * 3 * 2 * regimes.CALM.natural_chance
        assert abs(found - expected) < 4 * expected**0.5

    def test_sizes_follow_their_power_law(self) -> None:
        stream = Stream(1, "sizes")
        drawn = [regimes.power_law(0.8, stream.uniform(k)) for k in range(4_000)]
        assert min(drawn) >= regimes.NATURAL_MIN
        assert max(drawn) <= regimes.NATURAL_MAX
        below = sum(size < 1_000 for size in drawn) / len(drawn)
        expected = (1_000**0.2 - 100**0.2) / (10_000**0.2 - 100**0.2)
        assert abs(below - expected) < 0.04


class TestKnown:
    """Did a child pass over a better price of the books as known?"""

    def child(self, venue: str, quantity: int, price: int) -> de.ChildPlanned:
        how = (OrdType.LIMIT, price, TimeInForce.IOC)
        return de.ChildPlanned(0, "P1", "C1", venue, quantity, *how, "sweep", 1, 0, 0.0, "")

    @pytest.mark.parametrize(
        ("takes", "passed"),
        [
            ([("b", 100, 101)], 1),
            ([("a", 200, 100)], 0),
            ([("a", 100, 100), ("b", 100, 101)], 1),
            ([("b", 100, 101), ("a", 200, 100)], 0),
        ],
    )
    def test_what_stands_better_has_to_go_in_the_same_turn(
        self, takes: list[tuple[str, int, int]], passed: int
    ) -> None:
        market = Market(SECOND)
        market.update("a", "ACME", [], [(100, 200)], 0)
        market.update("b", "ACME", [], [(101, 500)], 0)
        known = Known(market, 0)
        for take in takes:
            known.plan("ACME", True, self.child(*take))
        assert known.passed_over() == passed


class TestVerdicts:
    """What the intervals allow to say."""

    def outcome(self, cost: float, luck: float = 0.0) -> Outcome:
        return Outcome(cost, luck, 0.0, 1.0, SECOND, 1, 0.0, 0, 100, 10, 500, 500)

    def comparison(self, mean: float, half: float) -> Comparison:
        estimate = Estimate(mean, half)
        return Comparison("calm", "playbook", 200, 1.0, 1.0 + mean, estimate, estimate)

    def test_a_difference_counts_when_its_interval_leaves_nought_out(self) -> None:
        assert self.comparison(0.3, 0.2).verdict == "better"
        assert self.comparison(-0.3, 0.2).verdict == "WORSE"
        assert self.comparison(0.1, 0.2).verdict == "level"

    def test_pairs_are_compared_without_their_luck(self) -> None:
        ours = [self.outcome(1.0 + each, each) for each in (-3.0, 1.0, 4.0)]
        theirs = [self.outcome(1.5 + each, each) for each in (-9.0, 5.0, 4.0)]
        (found,) = compare({("calm", "ours"): ours, ("calm", "playbook"): theirs})
        assert found.net.mean == pytest.approx(0.5)
        assert found.net.half == pytest.approx(0.0)
        assert found.raw.half > 1.0

    def test_worse_anywhere_and_better_too_seldom_are_failures(self) -> None:
        rows = [self.comparison(0.3, 0.1)] * 3 + [self.comparison(-0.3, 0.1)] * 2
        assert len(list(failures(rows))) == 3
        assert not list(failures([self.comparison(0.3, 0.1)] * 4 + [self.comparison(0.0, 0.1)]))

    def test_promises_are_held_to_without_a_margin(self) -> None:
        lines = list(conduct({("calm", "ours"): [self.outcome(1.0), self.outcome(2.0)]}))
        assert not list(breaches(lines, 2_000, 500))
        assert lines[0].through == pytest.approx(0.1)
        assert list(breaches(lines, 400, 500))
        assert list(breaches([replace(lines[0], known_through=1)], 2_000, 500))
        assert list(breaches([replace(lines[0], done=0.9)], 2_000, 500))
