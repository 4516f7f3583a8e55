"""The fuzzer's short form: its seeds, and blind mutations of them. `make fuzz` is guided."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.fix.fuzz_target import SEEDS, Tally, play, seeds


def mutated(rng: random.Random) -> bytes:
    """Lines of several seeds, mixed, with a few bytes changed."""
    lines = [line for seed in rng.sample(SEEDS, 3) for line in seed.split(b"\n")]
    kept = [line for line in lines if rng.random() < 0.8]
    for _ in range(rng.randrange(4)):
        kept.insert(rng.randrange(len(kept) + 1), rng.choice(lines))
    data = bytearray(bytes([rng.randrange(256)]) + b"\n".join(kept))
    for _ in range(rng.randrange(6)):
        data[rng.randrange(len(data))] = rng.choice(b"0123456789=|@YNAD\x01\n\xff")
    return bytes(data)


@pytest.mark.parametrize("at", range(len(SEEDS)))
def test_seeds_hold(at: int) -> None:
    for data in seeds()[at * 8 : at * 8 + 8]:
        play(data, Tally())


@hypothesis_settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_mutations_hold(seed: int) -> None:
    play(mutated(random.Random(seed)), Tally())


@given(st.binary(max_size=400))
def test_bytes_hold(data: bytes) -> None:
    play(data, Tally())


def test_seeds_come_through() -> None:
    tally = Tally()
    for data in seeds():
        play(data, tally)
    assert tally.received > 10
    assert tally.messages > 300
