"""The line of orders that may be met: found as if each had been asked, in few steps."""

from __future__ import annotations

import math
import random

import pytest

from sor_gateway.sor.line import AT_ANY_PRICE, LEAST_PLACES, Line, Owner, keenness

OWNERS: tuple[Owner, ...] = (("EMS", ""), ("EMS", "X"), ("OTHER", ""))


def nobody_is_gone(order_id: str) -> bool:
    return False


@pytest.mark.parametrize("seed", [random.randrange(1 << 30) for _ in range(5)])
def test_it_finds_whom_asking_each_one_would_find(seed: int) -> None:
    draw = random.Random(seed)
    line, asked = Line(), dict[str, tuple[int, Owner] | None]()
    for step in range(1_500):
        name, keen, owner = f"P{draw.randrange(400)}", draw.randrange(50), draw.choice(OWNERS)
        if draw.random() < 0.6:
            line.stand(name, keen, owner, nobody_is_gone)
            asked[name] = (keen, owner)
        elif name in asked:
            line.leave(name)
            asked[name] = None
        wanted, seeker, found = draw.randrange(50), draw.choice(OWNERS), list[str]()
        while each := line.first(wanted, seeker, behind=found[-1] if found else ""):
            found.append(each)
        expected = [
            each
            for each, stands in asked.items()
            if stands is not None and stands[0] >= wanted and stands[1] != seeker
        ]
        assert found == expected, f"seed {seed}, step {step}"


def test_who_left_keeps_the_place() -> None:
    line = Line()
    for name in ("P1", "P2"):
        line.stand(name, 10, OWNERS[0], nobody_is_gone)
    line.leave("P1")
    assert line.first(10, OWNERS[2]) == "P2"
    line.stand("P1", 10, OWNERS[0], nobody_is_gone)
    assert line.first(10, OWNERS[2]) == "P1"


def test_who_is_gone_makes_room_and_the_others_stay_in_their_order() -> None:
    line, gone = Line(), set[str]()
    for number in range(50 * LEAST_PLACES):
        line.stand(f"P{number}", AT_ANY_PRICE, OWNERS[0], gone.__contains__)
        if number % 100:
            line.leave(f"P{number}")
            gone.add(f"P{number}")
    found = [line.first(0, OWNERS[1])]
    while each := line.first(0, OWNERS[1], behind=found[-1]):
        found.append(each)
    assert found == [f"P{number}" for number in range(0, 50 * LEAST_PLACES, 100)]
    assert len(line) <= 4 * LEAST_PLACES


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_search_takes_as_many_steps_as_the_tree_is_high(count: int) -> None:
    line = Line()
    for number in range(count):
        line.stand(f"P{number}", number, OWNERS[0], nobody_is_gone)
    line.stand("last", count, OWNERS[1], nobody_is_gone)
    for keen, owner, expected in (
        (count, OWNERS[0], "last"),
        (count + 1, OWNERS[0], ""),
        (count // 2, OWNERS[2], f"P{count // 2}"),
    ):
        before = line.steps
        assert line.first(keen, owner) == expected
        assert line.steps - before <= 3 * math.ceil(math.log2(2 * count))


def test_a_seller_is_keener_the_less_it_takes() -> None:
    assert keenness(10, is_buy=True) < keenness(11, is_buy=True) < AT_ANY_PRICE
    assert keenness(11, is_buy=False) < keenness(10, is_buy=False) < AT_ANY_PRICE
