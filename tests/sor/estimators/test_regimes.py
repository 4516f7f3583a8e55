from __future__ import annotations

import numpy as np
import pytest

from sor_gateway.sor.estimators.regimes import EVERY, SPANS_MAX, TRIALS, Regimes


def test_a_span_holds_what_was_counted_since_it_began() -> None:
    regimes = Regimes(1, 1)
    for number in range(4 * EVERY):
        regimes.total[0, 0] += number
        regimes.score(np.zeros(len(regimes.weights)))
        regimes.turn()
    whole = sum(range(4 * EVERY))
    expected = [whole - sum(range(birth)) for birth in regimes.births]
    assert regimes.births == [0, EVERY, 2 * EVERY, 3 * EVERY, 4 * EVERY]
    assert regimes.spans[:, 0, 0].tolist() == expected


def test_weights_sum_to_one_and_spans_are_bounded() -> None:
    regimes = Regimes(2, 3)
    random = np.random.default_rng(3)
    for _ in range(40 * EVERY):
        regimes.score(random.normal(size=len(regimes.weights)))
        regimes.turn()
        assert regimes.weights.sum() == pytest.approx(1)
        assert len(regimes.births) <= SPANS_MAX
    newest = regimes.births[-TRIALS:]
    assert newest == [(40 - n) * EVERY for n in reversed(range(TRIALS))]


def test_the_span_that_foretells_best_takes_the_weight() -> None:
    regimes = Regimes(1, 1)
    for _ in range(2 * EVERY):
        regimes.score(np.zeros(len(regimes.weights)))
        regimes.turn()
    assert regimes.weights[0] > 0.9
    for _ in range(20):
        regimes.score(np.array([-1.0, -1.0, 0.0]))
    assert regimes.weights[2] > 0.9


def test_the_first_span_outlives_others_while_nothing_changes() -> None:
    regimes = Regimes(1, 1)
    for _ in range(30 * EVERY):
        ages = regimes.rounds - np.array(regimes.births)
        regimes.score(-1.0 / (1 + ages))
        regimes.turn()
    assert regimes.births[0] == 0
