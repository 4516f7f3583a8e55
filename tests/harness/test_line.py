"""Virtual time and lines in memory: order, latency, back-pressure, ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.line import Line
from tests.harness.loop import SPIN_LIMIT, VirtualLoop

LATENCY_NS = 50


class Machine(asyncio.Protocol):
    """Writes down what happens to it, with the time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.seen: list[tuple[int, str]] = []

    def data_received(self, data: bytes) -> None:
        self.note(data.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.note(f"lost: {exc}")

    def pause_writing(self) -> None:
        self.note("pause")

    def resume_writing(self) -> None:
        self.note("resume")

    def note(self, text: str) -> None:
        self.seen.append((self.loop.now_ns, text))


class Pair:
    def __init__(self) -> None:
        self.loop = VirtualLoop(1_000)
        self.line = Line(self.loop, LATENCY_NS, "near", "far")
        self.near = self.line.near.protocol = Machine(self.loop)
        self.far = self.line.far.protocol = Machine(self.loop)

    def run(self) -> None:
        while self.loop.next_ns() is not None:
            self.loop.step()


def test_what_is_due_comes_in_order_and_at_one_instant_in_the_order_of_asking() -> None:
    loop, seen = VirtualLoop(1_000), []

    def see(what: str) -> None:
        seen.append((loop.now_ns, what))

    loop.call_later(3e-9, see, "later")
    loop.at_ns(1_003, see, "later too")
    loop.call_soon(see, "soon")
    loop.call_at(loop.time() + 1e-9, see, "between")
    loop.at_ns(1_002, see, "never").cancel()
    while loop.next_ns() is not None:
        loop.step()
    assert seen == [(1_000, "soon"), (1_001, "between"), (1_003, "later"), (1_003, "later too")]


def test_time_that_does_not_pass_is_an_error() -> None:
    loop = VirtualLoop(0)

    def again() -> None:
        loop.call_soon(again)

    again()
    for _ in range(SPIN_LIMIT - 1):
        loop.step()
    with pytest.raises(AssertionError, match="time does not pass"):
        loop.step()


def test_what_a_future_fails_with_ends_the_run() -> None:
    loop = VirtualLoop(0)
    loop.create_future().set_exception(ValueError("a turn raised"))
    with pytest.raises(ValueError, match="a turn raised"):
        loop.step()


def test_bytes_arrive_after_the_latency_and_in_order() -> None:
    pair = Pair()
    pair.line.near.write(b"one")
    pair.line.near.writelines([b"two", b"three"])
    pair.line.far.write(b"answer")
    pair.run()
    assert pair.far.seen == [(1_050, "one"), (1_050, "twothree")]
    assert pair.near.seen == [(1_050, "answer")]


def test_a_close_lets_arrive_what_was_written() -> None:
    pair = Pair()
    pair.line.near.write(b"last words")
    pair.line.near.close()
    pair.line.near.write(b"unheard")
    pair.run()
    assert pair.far.seen == [(1_050, "last words"), (1_050, "lost: None")]
    assert pair.near.seen == [(1_000, "lost: None")]


def test_an_abort_takes_back_what_did_not_arrive() -> None:
    pair = Pair()
    pair.line.near.write(b"too late")
    pair.line.near.abort()
    pair.run()
    assert pair.far.seen == [(1_050, "lost: reset by the peer")]


@pytest.mark.parametrize(("keep", "arrived"), [(0, []), (3, ["one"]), (5, ["onetw"])])
def test_a_cut_ends_both_sides_at_once(keep: int, arrived: list[str]) -> None:
    pair = Pair()
    pair.line.near.write(b"one")
    pair.line.near.write(b"two")
    pair.line.cut(lambda length: min(keep, length))
    pair.run()
    assert [text for _, text in pair.far.seen] == [*arrived, "lost: the line was cut"]
    assert pair.near.seen == [(1_000, "lost: the line was cut")]


def test_who_does_not_read_makes_the_writer_pause() -> None:
    pair = Pair()
    near, far = pair.line.near, pair.line.far
    near.set_write_buffer_limits(high=4, low=0)
    far.pause_reading()
    near.write(b"abcde")
    pair.run()
    assert (pair.far.seen, near.get_write_buffer_size()) == ([], 5)
    assert pair.near.seen == [(1_050, "pause")]
    far.resume_reading()
    assert pair.far.seen == [(1_050, "abcde")]
    assert pair.near.seen[1:] == [(1_050, "resume")]


def test_what_a_line_loses_never_arrives_and_it_lives_on() -> None:
    pair = Pair()
    pair.line.near.loses = lambda data: b"b" in data
    for data in (b"a", b"b", b"c"):
        pair.line.near.write(data)
    pair.run()
    assert [text for _, text in pair.far.seen] == ["a", "c"]
