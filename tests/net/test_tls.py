from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from sor_gateway.net.dialer import Dialer
from sor_gateway.net.listener import Listener
from sor_gateway.net.tls import TlsSettings, client_context, server_context
from tests.net.fakes import QUICK, Program, ScriptedSession, logon, until

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="makes its certificates with openssl")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, and one that nobody knows."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("known", "unknown"):
        command = [
            *(str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=gateway"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def of(folder: Path, name: str, authority: str = "known", *, mutual: bool = False) -> TlsSettings:
    return TlsSettings(
        certificate=folder / f"{name}.pem",
        key=folder / f"{name}.key",
        authority=folder / f"{authority}.pem",
        mutual=mutual,
        minimum_version=ssl.TLSVersion.TLSv1_3,
    )


class Pair:
    """A listener and a dialer with TLS, each in a program of its own."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        self.acceptor = Program(loop)
        self.initiator = Program(loop)
        self.ems = self.acceptor.add(ScriptedSession("EMS"))
        self.sor = self.initiator.add(ScriptedSession("SOR", greeting=logon("EMS")), acceptor=False)
        self.listener = Listener(self.acceptor.reactor, "127.0.0.1", 0, tls=server)
        self._client = client
        self.dialer: Dialer | None = None

    async def start(self) -> Dialer:
        await self.listener.start()
        self.dialer = Dialer(
            self.sor,  # type: ignore[arg-type]
            "127.0.0.1",
            self.listener.port,
            self.initiator.reactor,
            lambda: 0.0,
            tls=self._client,
            back_off=QUICK,
        )
        self.dialer.start()
        return self.dialer

    async def end(self) -> None:
        assert self.dialer is not None
        await self.dialer.stop()
        await self.listener.stop()
        await self.initiator.end()
        await self.acceptor.end()


class TestSessions:
    async def test_run_over_tls(self, certificates: Path) -> None:
        pair = Pair(
            server_context(of(certificates, "known", mutual=True)),
            client_context(of(certificates, "known")),
        )
        await pair.start()
        await until(lambda: pair.ems.received == logon("EMS"))
        pair.ems.output = b"logon answer"
        pair.acceptor.reactor.wake()
        await until(lambda: pair.sor.received == b"logon answer")
        pair.ems.close_wanted = "logged out"
        pair.acceptor.reactor.wake()
        await until(lambda: "disconnect" in pair.sor.calls)
        await pair.end()
        assert pair.ems.calls[:3] == ["connect", "receive", "disconnect"]

    async def test_an_unknown_server_is_not_spoken_to(self, certificates: Path) -> None:
        pair = Pair(
            server_context(of(certificates, "unknown", authority="unknown")),
            client_context(of(certificates, "known")),
        )
        dialer = await pair.start()
        await until(lambda: dialer.counters.failures >= 1)
        await pair.end()
        assert "certificate" in dialer.last_error.lower()
        assert pair.sor.calls == []
        assert pair.ems.calls == []

    async def test_an_unknown_client_does_not_get_in(self, certificates: Path) -> None:
        pair = Pair(
            server_context(of(certificates, "known", mutual=True)),
            client_context(of(certificates, "unknown", authority="known")),
        )
        dialer = await pair.start()
        await until(lambda: dialer.counters.attempts >= 2)
        await pair.end()
        assert pair.ems.calls == []


class TestSettings:
    def test_a_server_needs_a_certificate(self) -> None:
        with pytest.raises(ValueError, match="needs `certificate`"):
            server_context(TlsSettings())

    def test_mutual_needs_an_authority(self, certificates: Path) -> None:
        settings = TlsSettings(
            certificate=certificates / "known.pem", key=certificates / "known.key", mutual=True
        )
        with pytest.raises(ValueError, match="needs `authority`"):
            server_context(settings)

    def test_a_client_always_checks_name_and_certificate(self) -> None:
        context = client_context(TlsSettings())
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
