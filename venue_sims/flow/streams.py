"""Counted random streams: draw k of a stream is a pure function of (seed, stream name, k).

Owns: all randomness of the venues. No generator keeps a state, so nothing that a router does can
shift a later draw, and any process computes the same one (venues.md 4.4).
May not know: what the draws are for, clocks, Python's own hash (it differs between processes).
"""

from __future__ import annotations

import math
from typing import Final

_MASK: Final = (1 << 64) - 1
_GAMMA: Final = 0x9E3779B97F4A7C15
_UNIT: Final = 1.0 / (1 << 53)
_TWO_PI: Final = 2.0 * math.pi


def mix(value: int) -> int:
    """The splitmix64 step: 64 bits in, 64 well-stirred bits out."""
    z = (value + _GAMMA) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def chain(key: int, text: str) -> int:
    """A key made of another key and a name."""
    for byte in text.encode():
        key = mix(key ^ byte)
    return mix(key ^ (len(text) << 8))


class Stream:
    """One named stream of a seed. `k` counts draws (it may be negative), `sub` tells several draws
    for the same k apart."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, name: str) -> None:
        self._key = chain(mix(seed & _MASK), name)

    def bits(self, k: int, sub: int = 0) -> int:
        """64 bits."""
        return mix(self.row(k) ^ sub)

    def row(self, k: int) -> int:
        """What all draws for the same k have in common: `unit` makes them of it, for loops that
        make several."""
        return mix(self._key ^ (k & _MASK))

    def uniform(self, k: int, sub: int = 0) -> float:
        """In [0, 1)."""
        return (self.bits(k, sub) >> 11) * _UNIT

    @staticmethod
    def unit(row: int, sub: int = 0) -> float:
        """`uniform(k, sub)` for the row of k."""
        return (mix(row ^ sub) >> 11) * _UNIT

    def below(self, bound: int, k: int, sub: int = 0) -> int:
        """A whole number in [0, bound)."""
        return int(self.uniform(k, sub) * bound)

    def exponential(self, mean: float, k: int, sub: int = 0) -> float:
        """An exponential waiting time."""
        return -mean * math.log1p(-self.uniform(k, sub))

    def normal_pair(self, k: int, sub: int = 0) -> tuple[float, float]:
        """Two independent standard normals (Box-Muller), from sub-draws `sub` and `sub + 1`."""
        radius = math.sqrt(-2.0 * math.log1p(-self.uniform(k, sub)))
        angle = _TWO_PI * self.uniform(k, sub + 1)
        return radius * math.cos(angle), radius * math.sin(angle)

    def normal(self, k: int, sub: int = 0) -> float:
        """A standard normal, from sub-draws `sub` and `sub + 1`."""
        return self.normal_pair(k, sub)[0]

    def lognormal(self, mu: float, sigma: float, k: int, sub: int = 0) -> float:
        """exp(mu + sigma z)."""
        return math.exp(mu + sigma * self.normal(k, sub))

    def pareto(self, alpha: float, k: int, sub: int = 0) -> float:
        """At least 1, with tail exponent `alpha`."""
        return math.pow(1.0 - self.uniform(k, sub), -1.0 / alpha)
