"""Certificates that are renewed while the gateway runs: all of them, or none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from sor_gateway.config import Configuration, load
from sor_gateway.daemon.daemon import EXIT_JOURNAL, build_links
from sor_gateway.daemon.network import Network
from sor_gateway.daemon.recovery import Recovered
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.reactor import Reactor
from sor_gateway.net.tls import TlsSettings
from sor_gateway.sor.router import Router
from tests.net.certificates import Authority

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(ROOT / "config", {})


async def test_one_that_cannot_be_used_leaves_all_as_they_were(
    loaded: Configuration, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tls")
    configuration = deepcopy(loaded)
    configuration.gateway.tls = authority.sign("gateway")
    trusted = tmp_path / "venue.pem"
    assert configuration.gateway.tls.authority is not None
    trusted.write_bytes(configuration.gateway.tls.authority.read_bytes())
    for venue in configuration.venues[:2]:
        venue.tls = TlsSettings(authority=configuration.gateway.tls.authority)
    configuration.venues[1].tls = TlsSettings(authority=trusted)
    log: list[tuple[str, dict[str, object]]] = []
    links = build_links(configuration, Recovered(Router(configuration.router)))
    reactor = Reactor(asyncio.get_running_loop(), wall_clock_ns, lambda _: None)

    def note(event: str, /, **fields: object) -> None:
        log.append((event, fields))

    network = Network(configuration, links, reactor, note)

    def contexts() -> list[object]:
        assert network._tls is not None
        return [network._tls.current, *(dialer.tls for _, dialer in network._dialers)]

    before = contexts()
    trusted.unlink()
    network.renew_certificates()
    ((event, told),) = log
    name = configuration.venues[1].name
    assert (event, told["where"]) == ("certificates-not-renewed", f"venues/{name}.toml [tls]")
    assert contexts() == before
    trusted.write_bytes(configuration.gateway.tls.authority.read_bytes())
    network.renew_certificates()
    assert log[-1] == ("certificates-renewed", {})
    changed = [new is not old for new, old in zip(contexts(), before, strict=True)]
    assert changed == [True] + [old is not None for old in before[1:]]


HANGS_UP = """
import os, signal, sys
from pathlib import Path
from sor_gateway.config import load
from sor_gateway.daemon import daemon
from sor_gateway.journal.errors import JournalError

def hang_up(_):
    os.kill(os.getpid(), signal.SIGHUP)
    raise JournalError("far enough")

daemon.open_journal = hang_up
sys.exit(daemon.run(load(Path("config"), {})))
"""


class TestHangUp:
    def test_before_there_is_anything_to_renew_it_ends_nobody(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", HANGS_UP], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == EXIT_JOURNAL, done.stderr
        assert "far enough" in done.stderr
