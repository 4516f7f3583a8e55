"""The venue's benchmark judges what it measured: counting across pieces, medians, the verdict."""

from __future__ import annotations

import argparse
import contextlib
import socket
import threading

import pytest

from benchmarks import raw
from benchmarks.venue_orders import (
    CROSS,
    ECHO,
    LATE_MS_MAX,
    LOADS,
    ORDERS_PER_S_MIN,
    REST,
    TAKE,
    VENUE,
    Bench,
    BenchError,
    Client,
    Figures,
    Sample,
    good,
    shown,
)

ANSWER = raw.frame(b"35=8\x0134=1\x0111=B1\x01150=0\x0139=0\x01")
FILL = raw.frame(b"35=8\x0134=2\x0111=B1\x01150=F\x0139=2\x01")


class Server:
    """Takes one connection, reads whatever comes, and says `answers` in the given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pieces = pieces
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._listener, connection, contextlib.suppress(ConnectionError):
            # The client hangs up when it has counted enough, whatever is still to come.
            connection.recv(1 << 16)
            for piece in self._pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass


class TestTheClient:
    @pytest.mark.parametrize("size", [1, 3, 7, 1_000])
    def test_counts_each_first_answer_once_however_it_is_cut(self, size: int) -> None:
        told = (ANSWER + FILL) * 20
        server = Server([told[at : at + size] for at in range(0, len(told), size)])
        client = Client(server.port, b"\x01150=0\x01")
        assert client.drive([b"orders"], 20) > 0
        client.close()

    def test_a_venue_that_hangs_up_is_no_result(self) -> None:
        server = Server([ANSWER])
        client = Client(server.port, b"\x01150=0\x01")
        with pytest.raises(BenchError):
            client.drive([b"orders"], 2)
        client.close()

    def test_orders_are_numbered_on(self) -> None:
        server = Server([ANSWER])
        client = Client(server.port, b"\x01150=0\x01")
        client.number = 2
        first = b"".join(client.prepared(REST, 120))
        second = b"".join(client.prepared(TAKE, 80))
        numbers = [int(raw.field(each, b"34")) for each in raw.split(first + second)[0]]
        assert numbers == list(range(2, 202))
        client.drive([b"x"], 1)
        client.close()


def sample(arm: str, number: int, orders_per_s: float, late: int = 0, load: str = REST) -> Sample:
    return Sample(number, arm, load, 100, orders_per_s, 50.0, {str(LATE_MS_MAX): late})


class TestTheVerdict:
    def figures(self, *samples: Sample) -> Figures:
        bench = Bench(argparse.Namespace(rounds=3, orders=100, market_scale=1.0))
        bench.samples = list(samples)
        return bench._figures(VENUE, REST)

    def test_medians_and_the_ratio_within_each_round(self) -> None:
        figures = self.figures(
            *(sample(ECHO, n, 10_000.0 * n) for n in (1, 2, 3)),
            *(sample(VENUE, n, rate) for n, rate in ((1, 5_000), (2, 6_000), (3, 3_000))),
        )
        assert (figures.orders_per_s, figures.echo_ratio) == (5_000, 0.3)
        assert (figures.cpu_us_per_order, figures.orders_per_cpu_s) == (50.0, 20_000.0)

    @pytest.mark.parametrize(
        ("orders_per_s", "late", "expected"),
        [(ORDERS_PER_S_MIN, 0, True), (ORDERS_PER_S_MIN - 1, 0, False), (9_999, 1, False)],
    )
    @pytest.mark.parametrize("load", LOADS)
    def test_it_is_fast_enough_and_its_market_is_on_time_under_each_load(
        self, orders_per_s: float, late: int, expected: bool, load: str
    ) -> None:
        bench = Bench(argparse.Namespace(rounds=1, orders=100, market_scale=1.0))
        for each in LOADS:
            rate, behind = (orders_per_s, late) if each == load else (9_999, 0)
            bench.samples.append(sample(ECHO, 1, 20_000.0, load=each))
            bench.samples.append(sample(VENUE, 1, rate, behind, each))
        figures = [each for each in bench.figures() if each.arm == VENUE]
        assert good(figures) is expected
        assert ("NOT met" not in shown(figures)) is expected

    def test_nothing_measured_is_nothing_shown(self) -> None:
        assert not good([])
        figures = self.figures(sample(ECHO, 1, 20_000.0), sample(VENUE, 1, 9_999.0))
        assert not good([figures]), f"{TAKE} and {CROSS} were not measured"
