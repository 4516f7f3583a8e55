"""The network of a real gateway process: TLS, addresses, bounds, and an operator's commands, over
real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import ssl
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from benchmarks import raw
from sor_gateway.fix.values import utc_timestamp
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.tls import TlsSettings, client_context
from sor_gateway.stack import Stack
from tests.net.certificates import Authority, common_name

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0

pytestmark = pytest.mark.slow


class Client:
    """An EMS at the level of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.name = "EMS"
        self._reader = reader
        self.writer = writer
        self._rest = b""
        self._messages: list[bytes] = []
        self._next_out = 1

    @classmethod
    async def connect(
        cls, port: int, tls: ssl.SSLContext | None = None, name: str = "EMS"
    ) -> Client:
        client = cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls))
        client.name = name
        return client

    @property
    def server(self) -> str:
        """The name in the certificate that we were shown."""
        return common_name(self.writer.get_extra_info("peercert"))

    def send(self, msg_type: str, body: str = "", number: int | None = None) -> None:
        number = self._next_out if number is None else number
        self._next_out = number + 1
        head = (
            f"35={msg_type}|34={number}|49={self.name}|52={utc_timestamp(wall_clock_ns())}|56=SOR|"
        )
        self.writer.write(raw.frame((head + body).replace("|", "\x01").encode()))

    def log_on(self, heart_bt_int_s: int = 30, number: int | None = None) -> None:
        self.send("A", f"98=0|108={heart_bt_int_s}|", number)

    async def expect(self, msg_type: str) -> bytes:
        """The next message of this type; what comes before it is dropped."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while self._messages:
                    message = self._messages.pop(0)
                    if raw.field(message, b"35") == msg_type.encode():
                        return message
                data = await self._reader.read(65_536)
                assert data, f"the line ended before a {msg_type} came"
                self._messages, self._rest = raw.split(self._rest + data)

    async def end(self) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return self._rest + await self._reader.read()
            except (ConnectionError, ssl.SSLError):
                return self._rest

    def close(self) -> None:
        self.writer.close()


class Gateways:
    """Starts a gateway in a folder of the test, and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        shutil.copytree(ROOT / "config", self.config)
        self.stack: Stack | None = None

    async def start(self, **environment: str) -> Stack:
        self.stack = Stack(self.folder, self.config, {}, environment=environment)
        await self.stack.start_gateway()
        async with asyncio.timeout(PATIENCE_S):
            while not await asyncio.to_thread(self._is_up):
                await asyncio.sleep(0.05)
        return self.stack

    def _is_up(self) -> bool:
        assert self.stack is not None
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.stack.admin_port}/healthz").close()
        except OSError:
            return False
        return True

    async def refused(self, cause: str) -> float:
        """How often connections were refused for this cause."""
        assert self.stack is not None
        url = f"http://127.0.0.1:{self.stack.admin_port}/metrics"
        text = (await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())).decode()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if f'cause="{cause}"' in line
        )

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a `sor-gateway` command; its exit code and output."""
        assert self.stack is not None
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sor_gateway", *arguments, "--config", str(self.config)),
            env=self.stack.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()


@pytest_asyncio.fixture
async def gateways(tmp_path: Path) -> AsyncIterator[Gateways]:
    gateways = Gateways(tmp_path)
    yield gateways
    if gateways.stack is not None:
        await gateways.stack.stop()


def tls_environment(tls: TlsSettings, *, mutual: bool = True) -> dict[str, str]:
    return {
        "SOR__GATEWAY__TLS__CERTIFICATE": str(tls.certificate),
        "SOR__GATEWAY__TLS__KEY": str(tls.key),
        "SOR__GATEWAY__TLS__AUTHORITY": str(tls.authority),
        "SOR__GATEWAY__TLS__MUTUAL": str(mutual).lower(),
    }


class TestTls:
    async def test_sighup_renews_the_certificate_and_live_sessions_go_on(
        self, gateways: Gateways, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path / "tls")
        ours = authority.sign("first")
        context = client_context(authority.sign("ems"))
        stack = await gateways.start(**tls_environment(ours))
        old = await Client.connect(stack.port, context)
        old.log_on()
        await old.expect("A")
        renewed = authority.sign("second")
        for target, source in ((ours.certificate, renewed.certificate), (ours.key, renewed.key)):
            assert target is not None
            assert source is not None
            shutil.copy(source, target)
        assert stack.gateway is not None
        os.kill(stack.gateway.pid, signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while "certificates-renewed" not in gateways.log():
                await asyncio.sleep(0.02)
        new = await Client.connect(stack.port, context)
        assert (old.server, new.server) == ("first", "second")
        old.send("1", "112=still here|")
        assert raw.field(await old.expect("0"), b"112") == b"still here"
        for client in (old, new):
            client.close()

    async def test_a_certificate_that_cannot_be_read_changes_nothing(
        self, gateways: Gateways, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path / "tls")
        ours = authority.sign("first")
        context = client_context(authority.sign("ems"))
        stack = await gateways.start(**tls_environment(ours))
        assert ours.certificate is not None
        ours.certificate.unlink()
        assert stack.gateway is not None
        os.kill(stack.gateway.pid, signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while "certificates-not-renewed" not in gateways.log():
                await asyncio.sleep(0.02)
        line = next(
            each for each in gateways.log().splitlines() if "certificates-not-renewed" in each
        )
        told = json.loads(line)
        assert (told["where"], told["key"]) == ("gateway.toml [gateway.tls]", "certificate")
        assert str(ours.certificate) in told["text"]
        client = await Client.connect(stack.port, context)
        client.log_on()
        await client.expect("A")
        client.close()

    async def test_a_client_without_a_certificate_does_not_get_in(
        self, gateways: Gateways, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path / "tls")
        stack = await gateways.start(**tls_environment(authority.sign("first")))
        bare = client_context(TlsSettings(authority=authority.certificate))
        client = await Client.connect(stack.port, bare)
        client.log_on()
        assert await client.end() == b""
        client.close()

    async def test_a_missing_certificate_stops_the_start(self, gateways: Gateways) -> None:
        gateways.stack = Stack(gateways.folder, gateways.config, {})
        gateways.stack.extra["SOR__GATEWAY__TLS__CERTIFICATE"] = "/nowhere/gateway.pem"
        code, output = await gateways.command("run")
        assert code == 2
        assert "gateway.toml [gateway.tls]: certificate: /nowhere/gateway.pem" in output
        assert "put the file there or change the path" in output


class TestAddresses:
    async def test_a_session_may_be_limited_to_networks(self, gateways: Gateways) -> None:
        stack = await gateways.start(SOR__EMS__EMS__ALLOW='["192.0.2.0/24", "2001:db8::/32"]')
        client = await Client.connect(stack.port)
        client.log_on()
        assert await client.end() == b""
        assert await gateways.refused("address-not-allowed") == 1
        client.close()

    async def test_an_address_that_is_allowed_gets_in(self, gateways: Gateways) -> None:
        stack = await gateways.start(SOR__EMS__EMS__ALLOW='["192.0.2.0/24", "127.0.0.0/8"]')
        client = await Client.connect(stack.port)
        client.log_on()
        await client.expect("A")
        client.close()


class TestBounds:
    async def test_connections_in_total_are_bounded_and_sessions_are_not_hurt(
        self, gateways: Gateways
    ) -> None:
        stack = await gateways.start(SOR__LIMITS__CONNECTIONS="3")
        client = await Client.connect(stack.port)
        client.log_on()
        await client.expect("A")
        silent = [await Client.connect(stack.port) for _ in range(2)]
        refused = await Client.connect(stack.port)
        assert await refused.end() == b""
        assert await gateways.refused("too-many-connections") == 1
        client.send("1", "112=still here|")
        assert raw.field(await client.expect("0"), b"112") == b"still here"
        for each in (client, refused, *silent):
            each.close()

    async def test_a_flood_is_cut_with_a_text_and_kept_out_until_an_operator_says_so(
        self, gateways: Gateways
    ) -> None:
        stack = await gateways.start(
            SOR__EMS__EMS__MESSAGES_PER_SECOND="5", SOR__EMS__EMS__CUT_MESSAGES_PER_SECOND="50"
        )
        client = await Client.connect(stack.port)
        client.log_on()
        await client.expect("A")
        for _ in range(200):
            client.send("0")
        logout = await client.expect("5")
        assert raw.field(logout, b"58") == b"more than 50 messages a second"
        client.close()
        again = await Client.connect(stack.port)
        again.log_on(number=300)
        assert await again.end() == b""
        assert await gateways.refused("kept-out") == 1
        code, output = await gateways.command("session", "EMS", "enable", "--reason", "they called")
        assert code == 0, output
        third = await Client.connect(stack.port)
        third.log_on(number=300)
        await third.expect("A")
        for each in (again, third):
            each.close()

    async def test_a_peer_that_does_not_read_is_cut_and_another_is_not_hurt(
        self, gateways: Gateways
    ) -> None:
        with (gateways.config / "gateway.toml").open("a") as file:
            file.write('\n[ems.OTHER]\nbegin_string = "FIX.4.4"\n')
        stack = await gateways.start(SOR__LIMITS__SLOW_CONSUMER_BYTES="65536")
        other = await Client.connect(stack.port, name="OTHER")
        other.log_on()
        await other.expect("A")
        deaf = await Client.connect(stack.port)
        deaf.log_on()
        await deaf.expect("A")
        transport = deaf.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        async with asyncio.timeout(PATIENCE_S):
            while "slow consumer" not in gateways.log():
                for _ in range(20):
                    deaf.send("1", f"112={'x' * 7_000}|")
                await asyncio.sleep(0.01)
        line = next(each for each in gateways.log().splitlines() if "slow consumer" in each)
        told = json.loads(line)
        assert (told["event"], told["session"]) == ("session-ended", "EMS")
        assert told["reason"].endswith("bytes unread")
        other.send("1", "112=still here|")
        assert raw.field(await other.expect("0"), b"112") == b"still here"
        for each in (deaf, other):
            each.close()

    async def test_a_silent_peer_is_tested_and_cut(self, gateways: Gateways) -> None:
        """Half open: the cable is out, and no FIN ever comes. 2.4 times HeartBtInt."""
        stack = await gateways.start()
        client = await Client.connect(stack.port)
        client.log_on(heart_bt_int_s=1)
        await client.expect("A")
        marker = await client.expect("1")
        client.send("0", f"112={raw.field(marker, b'112').decode()}|")
        began = asyncio.get_running_loop().time()
        await client.expect("1")
        await client.end()
        assert 2.0 <= asyncio.get_running_loop().time() - began <= 5.0
        assert "no word for 2.4 heartbeat intervals" in gateways.log()
        client.close()

    async def test_a_message_above_the_size_takes_nothing_with_it(self, gateways: Gateways) -> None:
        stack = await gateways.start(SOR__EMS__EMS__MAX_MESSAGE_BYTES="1024")
        client = await Client.connect(stack.port)
        client.log_on()
        await client.expect("A")
        client.send("1", f"112={'x' * 2_000}|")
        client.send("1", "112=small|")
        request = await client.expect("2")  # the big one was ignored: its number is asked for
        assert raw.field(request, b"7") == b"2"
        client.send("4", "123=Y|43=Y|36=3|", number=2)
        assert raw.field(await client.expect("0"), b"112") == b"small"
        client.close()


class TestCommands:
    async def test_a_session_is_closed_forced_and_opened_from_the_command_line(
        self, gateways: Gateways
    ) -> None:
        stack = await gateways.start()
        client = await Client.connect(stack.port)
        client.log_on()
        await client.expect("A")
        code, output = await gateways.command(
            *("session", "EMS", "set-numbers", "--next-out", "1", "--next-in", "1"),
            *("--reason", "too early"),
        )
        assert code == 1
        assert "sor-gateway session EMS disable" in output
        code, output = await gateways.command("session", "EMS", "disable", "--reason", "drill")
        assert code == 0, output
        assert raw.field(await client.expect("5"), b"58") == b"operator: drill"
        client.close()
        refused = await Client.connect(stack.port)
        refused.log_on()
        assert await refused.end() == b""
        assert await gateways.refused("session-disabled") == 1
        refused.close()
        code, output = await gateways.command(
            *("session", "EMS", "set-numbers", "--next-out", "50", "--next-in", "70"),
            *("--reason", "as they wish"),
        )
        assert code == 0, output
        await gateways.command("session", "EMS", "enable", "--reason", "drill over")
        again = await Client.connect(stack.port)
        again.log_on(number=70)
        assert raw.field(await again.expect("A"), b"34") == b"50"
        again.close()

    async def test_an_unknown_session_is_named(self, gateways: Gateways) -> None:
        await gateways.start()
        code, output = await gateways.command("session", "NOBODY", "disable", "--reason", "x")
        assert (code, output.strip()) == (1, "there is no session NOBODY: see /sessions")
