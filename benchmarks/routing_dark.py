"""Hidden liquidity that is known to the benchmark alone, and what an allocator gets of it.

Owns: the pools' families, their changes over time, the clairvoyant allocation. May not know: how
an allocator works; it is asked for sizes and told what filled, as a router is.

A pool has nothing with its zero-bin probability, else a size from its law. Published and judged:
power (Ganchev et al. 2009: zero bin .6 to .96, s^-b, b .25 to 1.3), switch (all pools drawn anew at
half time) and lognormal blocks. The others are ours, to see what a wrong model costs. Three of
them are judged as well, by the floors of what they are most like: geometric and mixture, which no
published fit knows, by that of the lognormal; sticky, where what is there stays for five rounds on
average, by that of the first rounds of power: its 2,000 rounds show no more than 400 do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from sor_gateway.sor.estimators.liquidity import DarkAllocator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Law = Callable[[np.random.Generator, Floats], Floats]
EARLY: Final = 200
"""The first rounds are judged by themselves."""


class Allocator(Protocol):
    """What is measured."""

    def allocate(self, quantity: int) -> list[int]: ...
    def observe(self, sent: list[int], filled: list[int]) -> None: ...


@dataclass(slots=True, frozen=True)
class World:
    """A family of pools, the range of their zero bins, and how they change."""

    law: str
    change: str = "never"
    zero_low: float = 0.6
    zero_high: float = 0.96
    venues: int = 4
    stays: float = 0.0
    """The chance that what is there is there in the next round again."""


WORLDS: Final = {
    "power": World("power"),
    "switch": World("power", change="all at half time"),
    "lognormal": World("lognormal"),
    "geometric": World("geometric"),
    "mixture": World("mixture"),
    "sticky": World("power", stays=0.8),
    "rare": World("power", zero_low=0.95, zero_high=0.99),
    "frequent": World("power", zero_low=0.0, zero_high=0.5),
    "round lots": World("round lots"),
    "two humps": World("two humps"),
    "triangle": World("triangle"),
    "one size": World("one size"),
    "steps": World("steps"),
    "any": World("any"),
    "any, twelve venues": World("any", venues=12),
    "any, one by one anew": World("any", change="one by one"),
    "any, breathing": World("any", change="breathing"),
}
JUDGED: Final = ("power", "switch", "lognormal", "geometric", "mixture", "sticky")
OWN: Final = tuple(name for name in WORLDS if name not in JUDGED)


@dataclass(slots=True, frozen=True)
class Outcome:
    """Shares executed, and what the clairvoyant allocation would have."""

    got: float
    best: float
    got_early: float
    best_early: float


def power(random: np.random.Generator, sizes: Floats) -> Floats:
    return np.asarray(sizes ** -random.uniform(0.25, 1.3))


def lognormal(random: np.random.Generator, sizes: Floats) -> Floats:
    middle = np.log(sizes[-1] * random.uniform(0.1, 0.8))
    spread = random.uniform(0.3, 0.8)
    return np.asarray(np.exp(-((np.log(sizes) - middle) ** 2) / (2 * spread**2)) / sizes)


def geometric(random: np.random.Generator, sizes: Floats) -> Floats:
    return np.asarray(np.exp(-sizes / (sizes[-1] * random.uniform(0.05, 0.6))))


def mixture(random: np.random.Generator, sizes: Floats) -> Floats:
    """Odd lots that anybody leaves, and now and then somebody with a block of a usual size."""
    lot = max(sizes[-1] // 10, 1)
    small = np.exp(-sizes / (sizes[-1] * random.uniform(0.01, 0.1)))
    blocks = np.where(sizes % lot == 0, random.random(len(sizes)), 0.0)
    share = random.uniform(0.3, 0.9)
    return np.asarray(share * small / small.sum() + (1 - share) * blocks / blocks.sum())


def round_lots(random: np.random.Generator, sizes: Floats) -> Floats:
    lot = max(sizes[-1] // 10, 1)
    return np.where(sizes % lot == 0, (sizes / lot) ** -random.uniform(0.2, 1.5), 0.0)


def two_humps(random: np.random.Generator, sizes: Floats) -> Floats:
    small, large = sizes[-1] * random.uniform(0.005, 0.05), sizes[-1] * random.uniform(0.3, 0.95)
    low = np.exp(-sizes / small)
    high = np.exp(-(((sizes - large) / (0.03 * sizes[-1])) ** 2) / 2)
    share = random.uniform(0.3, 0.9)
    return np.asarray(share * low / low.sum() + (1 - share) * high / high.sum())


def triangle(random: np.random.Generator, sizes: Floats) -> Floats:
    top = sizes[-1] * random.uniform(0.05, 1)
    return np.asarray(np.maximum(1 - np.abs(sizes - top) / (0.8 * top + 1), 0))


def one_size(random: np.random.Generator, sizes: Floats) -> Floats:
    masses = np.zeros_like(sizes)
    masses[int(len(sizes) * random.uniform(0.1, 0.9))] = 1
    return masses


def steps(random: np.random.Generator, sizes: Floats) -> Floats:
    edges = np.sort(random.uniform(0, sizes[-1], 4))
    heights = random.dirichlet(np.full(5, 0.5)) + 1e-9
    return np.asarray(heights[np.searchsorted(edges, sizes)])


LAWS: Final[dict[str, Law]] = {
    "power": power,
    "lognormal": lognormal,
    "geometric": geometric,
    "mixture": mixture,
    "round lots": round_lots,
    "two humps": two_humps,
    "triangle": triangle,
    "one size": one_size,
    "steps": steps,
}


ANY: Final = sorted(set(LAWS) - {"geometric", "mixture"})


def pool(world: World, random: np.random.Generator, size: int) -> Floats:
    """Probabilities of 0 to `size` shares."""
    zero = random.uniform(world.zero_low, world.zero_high)
    law = world.law if world.law != "any" else str(random.choice(ANY))
    masses = LAWS[law](random, np.arange(1, size + 1, dtype=np.float64))
    return np.append(zero, masses / masses.sum() * (1 - zero))


def pools_over_time(
    world: World, random: np.random.Generator, size: int, rounds: int
) -> Iterator[tuple[int, list[Floats]]]:
    """The first round and the pools of each stretch in which nothing changes."""
    pools = [pool(world, random, size) for _ in range(world.venues)]
    later = [pool(world, random, size) for _ in range(world.venues)]
    if world.change == "breathing":
        yield from breathing(pools, random, rounds)
        return
    yield 0, pools
    if world.change == "all at half time":
        yield rounds // 2, later
    elif world.change == "one by one":
        for start in sorted(random.integers(rounds // 10, rounds, 5).tolist()):
            pools = list(pools)
            pools[random.integers(world.venues)] = pool(world, random, size)
            yield start, pools


def breathing(
    pools: list[Floats], random: np.random.Generator, rounds: int
) -> Iterator[tuple[int, list[Floats]]]:
    """Each pool's chance to have anything swells and shrinks by half and more, in its own time."""
    phases = random.uniform(0, 2 * np.pi, len(pools))
    periods = random.uniform(0.2, 0.8, len(pools)) * rounds
    for start in range(0, rounds, 10):
        swell = np.exp(0.9 * np.sin(phases + 2 * np.pi * start / periods))
        chances = [
            min((1 - each[0]) * by, 0.95) / (1 - each[0])
            for each, by in zip(pools, swell, strict=True)
        ]
        yield (
            start,
            [
                np.append(1 - (1 - each[0]) * by, each[1:] * by)
                for each, by in zip(pools, chances, strict=True)
            ],
        )


def clairvoyant(pools: list[Floats], quantity: int) -> Ints:
    """The best sizes for who knows the pools: the largest entries of all tails."""
    tails = np.array([1 - np.cumsum(each)[:-1] for each in pools])
    worth = (tails - 1e-12 * np.arange(tails.shape[1])).ravel()
    chosen = np.argpartition(-worth, quantity - 1)[:quantity]
    return np.bincount(chosen // tails.shape[1], minlength=len(pools))


def market(
    world: World, seed: int, size: int, rounds: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What is there, and the clairvoyant sizes, by round and venue."""
    random, luck = np.random.default_rng(seed), np.random.default_rng(seed + 10**6)
    there = np.zeros((rounds, world.venues), dtype=np.int64)
    ideal = np.zeros((rounds, world.venues), dtype=np.int64)
    for start, pools in pools_over_time(world, random, size, rounds):
        drawn = kept(luck, luck.random((rounds - start, world.venues)), world.stays)
        for venue, each in enumerate(pools):
            sizes = np.searchsorted(np.cumsum(each), drawn[:, venue], side="right")
            there[start:, venue] = np.minimum(sizes, size)
        ideal[start:] = clairvoyant(pools, size)
    return there, ideal


def kept(luck: np.random.Generator, drawn: Floats, stays: float) -> Floats:
    """Each venue's draw, or with this chance the one of the round before."""
    if not stays:
        return drawn
    rounds = np.arange(len(drawn))[:, None]
    anew = luck.random(drawn.shape) >= stays
    anew[0] = True
    rows = np.maximum.accumulate(np.where(anew, rounds, 0), axis=0)
    return np.asarray(np.take_along_axis(drawn, rows, axis=0))


def trial(name: str, seed: int, size: int, rounds: int) -> Outcome:
    """One stock: an allocator from scratch against the clairvoyant, on the same draws."""
    world = WORLDS[name]
    there, ideal = market(world, seed, size, rounds)
    made: Allocator = DarkAllocator(world.venues, size, np.random.default_rng(seed + 2 * 10**6))
    got = np.zeros(rounds)
    for each in range(rounds):
        sent = made.allocate(size)
        filled = [min(a, int(b)) for a, b in zip(sent, there[each], strict=True)]
        made.observe(sent, filled)
        got[each] = sum(filled)
    best = np.minimum(ideal, there).sum(axis=1)
    return Outcome(
        float(got.sum()),
        float(best.sum()),
        float(got[:EARLY].sum()),
        float(best[:EARLY].sum()),
    )
