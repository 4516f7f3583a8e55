"""The desk's ports: ours alone until we stop, and free for our own processes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from sor_gateway.stack import PORTS, Stack, free_port, reserve_port


def test_a_reserved_port_is_nobody_elses() -> None:
    with reserve_port() as held:
        address = held.getsockname()
        assert address[1] in PORTS
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)


async def test_the_process_that_it_is_for_can_listen_on_it() -> None:
    with reserve_port() as held:
        host, port = held.getsockname()
        server = await asyncio.start_server(lambda _, writer: writer.close(), host, port)
        async with server:
            reader, writer = await asyncio.open_connection(host, port)
            assert await reader.read() == b""
            writer.close()


async def test_a_desks_ports_are_distinct_and_free_again_when_it_stops(tmp_path: Path) -> None:
    venues = {f"dark-{each}": ("dark", f"DR{each:02d}") for each in range(10)}
    desk = Stack(tmp_path, tmp_path, venues)
    ports = [desk.port, desk.admin_port]
    ports += [port for venue in desk.venues.values() for port in (venue.port, venue.control_port)]
    assert len(set(ports)) == len(ports) == 22
    await desk.stop()
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_a_free_port_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))
