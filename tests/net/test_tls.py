from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sor_gateway.net.dialer import Dialer
from sor_gateway.net.limits import ListenerLimits
from sor_gateway.net.listener import Listener
from sor_gateway.net.tls import Renewable, TlsError, TlsSettings, client_context, server_context
from tests.net.certificates import VERSION_1_2, VERSION_1_3, Authority, common_name, openssl
from tests.net.fakes import QUICK, Peer, Program, ScriptedSession, logon, until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> TlsSettings:
    return authority.sign("gateway")


@pytest.fixture(scope="module")
def client(authority: Authority) -> TlsSettings:
    return authority.sign("ems")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TlsSettings:
    """Signed by an authority that nobody knows."""
    return Authority(tmp_path_factory.mktemp("unknown"), "other").sign("stranger")


class Pair:
    """A listener and a dialer with TLS, each in a program of its own."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.acceptor = Program(loop)
        self.initiator = Program(loop)
        self.ems = self.acceptor.add(ScriptedSession("EMS"))
        self.sor = self.initiator.add(ScriptedSession("SOR", greeting=logon("EMS")), acceptor=False)
        self.listener: Listener | None = None
        self.dialer: Dialer | None = None

    async def start(self, server: TlsSettings, client: TlsSettings) -> Dialer:
        context = server_context(server)
        self.listener = Listener(self.acceptor.reactor, "127.0.0.1", 0, tls=context)
        await self.listener.start()
        self.dialer = Dialer(
            self.sor,  # type: ignore[arg-type]
            [("127.0.0.1", self.listener.port)],
            self.initiator.reactor,
            lambda: 0.0,
            tls=client_context(client),
            back_off=QUICK,
            server_name=client.server_name,
        )
        self.dialer.start()
        return self.dialer

    async def end(self) -> None:
        if self.dialer is not None:
            await self.dialer.stop()
        if self.listener is not None:
            await self.listener.stop()
        await self.initiator.end()
        await self.acceptor.end()


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    await pair.end()


class TestSessions:
    async def test_run_over_tls(self, pair: Pair, server: TlsSettings, client: TlsSettings) -> None:
        await pair.start(replace(server, mutual=True), client)
        await until(lambda: pair.ems.received == logon("EMS"))
        pair.ems.output = b"logon answer"
        pair.acceptor.reactor.wake()
        await until(lambda: pair.sor.received == b"logon answer")
        pair.ems.close_wanted = "logged out"
        pair.acceptor.reactor.wake()
        await until(lambda: "disconnect" in pair.sor.calls)
        assert pair.ems.calls[:3] == ["connect", "receive", "disconnect"]

    async def test_an_unknown_server_is_not_spoken_to(
        self, pair: Pair, stranger: TlsSettings, client: TlsSettings
    ) -> None:
        dialer = await pair.start(stranger, client)
        await until(lambda: dialer.counters.failures >= 1)
        assert "certificate" in dialer.last_error.lower()
        assert pair.sor.calls == []
        assert pair.ems.calls == []

    @pytest.mark.parametrize("shows", [True, False])
    async def test_an_unknown_client_does_not_get_in(
        self, pair: Pair, server: TlsSettings, stranger: TlsSettings, *, shows: bool
    ) -> None:
        """With a certificate of another authority, or with none at all."""
        theirs = replace(stranger, authority=server.authority)
        if not shows:
            theirs = TlsSettings(authority=server.authority)
        dialer = await pair.start(replace(server, mutual=True), theirs)
        await until(lambda: dialer.counters.attempts >= 2)
        assert pair.ems.calls == []

    async def test_a_peer_below_the_minimum_version_does_not_get_in(
        self, pair: Pair, server: TlsSettings, client: TlsSettings
    ) -> None:
        dialer = await pair.start(replace(server, minimum_version=VERSION_1_3), client)
        assert dialer.tls is not None
        dialer.tls.maximum_version = VERSION_1_2
        await until(lambda: dialer.counters.failures >= 2)
        assert dialer.last_error
        assert pair.ems.calls == []
        dialer.tls = client_context(client)
        await until(lambda: pair.ems.received == logon("EMS"))

    async def test_a_name_may_be_asked_for_that_is_not_the_address(
        self, pair: Pair, authority: Authority, client: TlsSettings
    ) -> None:
        named = authority.sign("named", alternative="DNS:fix.venue.example")
        await pair.start(named, replace(client, server_name="fix.venue.example"))
        await until(lambda: pair.ems.received == logon("EMS"))

    async def test_a_certificate_of_another_name_is_refused(
        self, pair: Pair, authority: Authority, client: TlsSettings
    ) -> None:
        named = authority.sign("other-name", alternative="DNS:fix.venue.example")
        dialer = await pair.start(named, replace(client, server_name="fix.elsewhere.example"))
        await until(lambda: dialer.counters.failures >= 1)
        assert "fix.elsewhere.example" in dialer.last_error
        assert pair.ems.calls == []

    async def test_plain_text_does_not_get_in(
        self, pair: Pair, server: TlsSettings, client: TlsSettings
    ) -> None:
        await pair.start(server, client)
        await until(lambda: pair.ems.received == logon("EMS"))
        assert pair.listener is not None
        peer = await Peer.connect(pair.listener.port)
        peer.send(logon("EMS"))
        await peer.end_of_stream()
        peer.close()
        assert pair.ems.received == logon("EMS")


class TlsPeer(Peer):
    """A raw client over TLS."""

    @classmethod
    async def over_tls(cls, port: int, settings: TlsSettings) -> TlsPeer:
        context = client_context(settings)
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context))

    async def hung_up(self) -> bool:
        """Whether the other side ends the connection without a byte for us."""
        try:
            return await self.reader.read() == b""
        except (ssl.SSLError, ConnectionError):
            return True

    @property
    def server(self) -> str:
        """The name in the server's certificate."""
        return common_name(self.writer.get_extra_info("peercert"))


class TestReload:
    async def test_new_connections_meet_the_new_certificate_and_old_ones_live_on(
        self, program: Program, authority: Authority, server: TlsSettings, client: TlsSettings
    ) -> None:
        first, second = (program.add(ScriptedSession(name)) for name in ("EMS", "LATER"))
        context = Renewable(server_context(server))
        listener = Listener(program.reactor, "127.0.0.1", 0, tls=context)
        await listener.start()
        old = await TlsPeer.over_tls(listener.port, client)
        old.send(logon("EMS"))
        await until(lambda: first.received == logon("EMS"))
        context.current = server_context(authority.sign("renewed"))
        new = await TlsPeer.over_tls(listener.port, client)
        new.send(logon("LATER"))
        await until(lambda: second.received == logon("LATER"))
        assert (old.server, new.server) == ("gateway", "renewed")
        old.send(b"still here")
        await until(lambda: first.received == logon("EMS") + b"still here")
        old.close()
        new.close()
        await listener.stop()

    async def test_a_new_authority_takes_the_place_of_the_old(
        self, program: Program, server: TlsSettings, client: TlsSettings, stranger: TlsSettings
    ) -> None:
        """A client whose certificate was good before the reload is a stranger after it."""
        ems = program.add(ScriptedSession())
        mutual = replace(server, mutual=True)
        context = Renewable(server_context(mutual))
        listener = Listener(program.reactor, "127.0.0.1", 0, tls=context)
        await listener.start()
        context.current = server_context(replace(mutual, authority=stranger.authority))
        before = await TlsPeer.over_tls(listener.port, client)
        before.send(logon())
        assert await before.hung_up()
        now = replace(stranger, authority=server.authority)
        after = await TlsPeer.over_tls(listener.port, now)
        after.send(logon())
        await until(lambda: ems.received == logon())
        before.close()
        after.close()
        await listener.stop()

    async def test_a_handshake_that_does_not_end_is_cut(
        self, program: Program, server: TlsSettings
    ) -> None:
        limits = ListenerLimits(logon_timeout_s=0.05)
        context = server_context(server)
        listener = Listener(program.reactor, "127.0.0.1", 0, tls=context, limits=limits)
        await listener.start()
        peer = await Peer.connect(listener.port)
        assert await peer.end_of_stream() == b""
        peer.close()
        await listener.stop()


class TestSettings:
    def test_a_server_needs_a_certificate(self) -> None:
        with pytest.raises(TlsError, match="needs one") as caught:
            server_context(TlsSettings())
        assert caught.value.key == "certificate"

    def test_mutual_needs_an_authority(self, server: TlsSettings) -> None:
        with pytest.raises(TlsError, match="whose client certificates") as caught:
            server_context(replace(server, authority=None, mutual=True))
        assert caught.value.key == "authority"

    @pytest.mark.parametrize("key", ["certificate", "key", "authority"])
    def test_a_missing_file_is_named_with_its_key(self, server: TlsSettings, key: str) -> None:
        missing = replace(server)
        setattr(missing, key, Path("/nowhere/at-all.pem"))
        for make in (server_context, client_context):
            with pytest.raises(TlsError, match=r"/nowhere/at-all\.pem cannot be read") as caught:
                make(missing)
            assert caught.value.key == key

    def test_a_key_of_another_certificate_is_noticed(
        self, server: TlsSettings, client: TlsSettings
    ) -> None:
        with pytest.raises(TlsError, match="not the key of the certificate") as caught:
            server_context(replace(server, key=client.key))
        assert caught.value.key == "key"

    def test_a_file_that_is_no_pem_is_noticed(self, server: TlsSettings, tmp_path: Path) -> None:
        junk = tmp_path / "junk.pem"
        junk.write_text("no certificate\n")
        for key in ("certificate", "authority"):
            wrong = replace(server)
            setattr(wrong, key, junk)
            with pytest.raises(TlsError, match=r"junk\.pem") as caught:
                server_context(wrong)
            assert caught.value.key == key

    def test_a_key_with_a_password_is_refused_and_nobody_is_asked(
        self, authority: Authority, server: TlsSettings
    ) -> None:
        locked = authority.folder / "locked.key"
        openssl("ec", "-in", str(server.key), "-aes128", "-passout", "pass:x", "-out", str(locked))
        with pytest.raises(TlsError, match="encrypted") as caught:
            server_context(replace(server, key=locked))
        assert caught.value.key == "key"

    def test_a_client_always_checks_name_and_certificate(self) -> None:
        context = client_context(TlsSettings())
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is VERSION_1_2
